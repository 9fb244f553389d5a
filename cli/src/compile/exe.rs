//! `--emit exe`: a compiled module to a program of its own.
//!
//! In: an artifact, and what the command line says about its guest. Out: the bytes of a program. Whether the module is one
//! that a runner can run is known from its imports and exports, so it is checked here, not when the program runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use clap::builder::{StringValueParser, TypedValueParser};
use wootz::{Engine, Linker, Store};
use wootz_compiler::{Emit, Options};
use wootz_wasi::WasiCtx;

use crate::files;
use crate::guest::directories::Directory;
use crate::guest::environment::Variable;
use crate::inspect::{self, ExportReport, ImportReport};
use crate::program::{self, RUNNER, Settings};
use crate::report;

/// The function that a command is called by, and its type.
const START: (&str, &str) = ("_start", "(func)");

/// What a program may use, and what it is made of.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Programs (--emit exe)")]
pub struct ProgramOptions {
    /// Let the program use a directory, as GUEST; only for reading, with :ro
    ///
    /// As `wootz run --dir` has it, and when the program runs: a relative HOST is below the directory in which the program is
    /// started, and must be there then.
    #[arg(long = "dir", value_name = "HOST[::GUEST][:ro]")]
    #[arg(value_parser = StringValueParser::new().try_map(directory))]
    directories: Vec<String>,

    /// Set a variable of the program's environment; without VALUE, to what it is when the program runs
    ///
    /// The program's guest gets no other variables, unless --inherit-env says so.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    #[arg(value_parser = StringValueParser::new().try_map(variable))]
    environment: Vec<String>,

    /// Let the program's guest have the whole environment that the program is started with
    #[arg(long)]
    inherit_env: bool,

    /// Give all arguments to the guest
    ///
    /// Otherwise leading arguments that begin with `--wootz-` are flags of the program itself: PROGRAM --wootz-help
    /// tells which there are.
    #[arg(long)]
    no_flags: bool,

    /// The runner that the program is made of, such as one for another target
    ///
    /// If nothing is said, `wootz-runner` in the directory of `wootz` itself.
    #[arg(long, value_name = "FILE")]
    runner: Option<PathBuf>,
}

/// Checks what a directory is, and leaves it as it is written.
fn directory(text: String) -> Result<String, &'static str> {
    Directory::parse(text.clone().into()).map(|_| text)
}

/// Checks what a variable is, and leaves it as it is written.
fn variable(text: String) -> Result<String, &'static str> {
    Variable::parse(text.clone().into()).map(|_| text)
}

impl ProgramOptions {
    /// One of these options that was used.
    pub fn used(&self) -> Option<&'static str> {
        let ProgramOptions { directories, environment, inherit_env, no_flags, runner } = self;
        [
            ("--dir", !directories.is_empty()),
            ("--env", !environment.is_empty()),
            ("--inherit-env", *inherit_env),
            ("--no-flags", *no_flags),
            ("--runner", runner.is_some()),
        ]
        .into_iter()
        .find_map(|(option, used)| used.then_some(option))
    }

    /// The runner, and its name.
    ///
    /// # Errors
    /// If there is none.
    pub fn runner(&self) -> Result<Runner> {
        if let Some(path) = &self.runner {
            return Ok(Runner { name: files::name(path), bytes: files::read(path)? });
        }
        let own =
            std::env::current_exe().context("cannot find `wootz` itself, to look beside it")?;
        let path = own.with_file_name(format!("{RUNNER}{}", std::env::consts::EXE_SUFFIX));
        let name = files::name(&path);
        let read = std::fs::read(&path).with_context(|| {
            format!(
                "there is no runner {name}, of which programs are made; it is installed together with `wootz`, or `--runner \
                 FILE` says where it is"
            )
        });
        Ok(Runner { name, bytes: read? })
    }

    fn settings(&self, options: &Options) -> Settings {
        let mut settings = Settings::new(options.memory_reservation, options.memory_guard);
        settings.directories.clone_from(&self.directories);
        settings.environment.clone_from(&self.environment);
        settings.inherit_environment = self.inherit_env;
        settings.flags = !self.no_flags;
        settings
    }
}

/// What programs are made of.
pub struct Runner {
    name: String,
    bytes: Vec<u8>,
}

impl Runner {
    /// A program that runs the module in an artifact, which was compiled with these options.
    ///
    /// # Errors
    /// If the runner is not one for this artifact.
    pub fn with(
        &self,
        artifact: &[u8],
        options: &Options,
        said: &ProgramOptions,
    ) -> Result<Vec<u8>> {
        program::write(&self.bytes, artifact, &said.settings(options))
            .with_context(|| format!("cannot make a program of the runner {}", self.name))
    }
}

/// Whether a runner can run a module, which came from a file: a command for Linux that imports nothing but WASI.
///
/// # Errors
/// If it cannot, or if the module is invalid as far as is looked at here.
pub fn check(input: &Path, wasm: &[u8], options: &Options) -> Result<()> {
    let interface = wootz_compiler::interface(wasm, options);
    let interface = interface.with_context(|| format!("cannot compile {}", files::name(input)))?;
    let (imports, exports) = inspect::interface(&interface);
    let checked = check_system(options.target.as_deref())
        .and_then(|()| check_start(&exports))
        .and_then(|()| check_imports(&imports));
    checked.with_context(|| format!("cannot make a program of {}", files::name(input)))
}

/// Whether there are runners for a target at all: they carry shared libraries, which other systems call otherwise.
fn check_system(target: Option<&str>) -> Result<()> {
    let target_name = target.map_or("this machine".into(), |name| format!("the target `{name}`"));
    ensure!(
        wootz_compiler::extension(Emit::SharedLibrary, target) == "so",
        "programs are made only for Linux so far, and {target_name} has another system",
    );
    Ok(())
}

fn check_start(exports: &[ExportReport]) -> Result<()> {
    let export = |name: &str| exports.iter().find(|export| export.name == name);
    let (start, ty) = START;
    match export(start) {
        Some(export) if export.ty == ty => Ok(()),
        Some(export) => bail!(
            "its export `{start}` is {}, and a command's takes nothing and returns nothing",
            export.ty
        ),
        None if export("_initialize").is_some() => bail!(
            "it has no `{start}`: it is a library (a WASI reactor), whose functions others call, and not a command"
        ),
        None => bail!("it exports no function `{start}`, which a command begins with"),
    }
}

fn check_imports(imports: &[ImportReport]) -> Result<()> {
    let mut wasi = Wasi::new()?;
    let wrong: Vec<String> = imports.iter().filter_map(|import| wasi.refuses(import)).collect();
    ensure!(
        wrong.is_empty(),
        "it imports what a program does not have, which is WASI preview 1 and nothing else:\n{}",
        wrong.join("\n")
    );
    Ok(())
}

/// What a runner has for guests to import.
struct Wasi {
    linker: Linker<WasiCtx>,
    store: Store<WasiCtx>,
}

impl Wasi {
    fn new() -> Result<Wasi> {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        wootz_wasi::add_to_linker(&mut linker, |ctx| ctx)?;
        Ok(Wasi { linker, store: Store::new(&engine, WasiCtx::builder().build()) })
    }

    /// What is wrong with an import, if anything is.
    fn refuses(&mut self, import: &ImportReport) -> Option<String> {
        let ImportReport { module, name, ty } = import;
        let known = self.linker.get(&mut self.store, module, name).ok();
        let why = match known.map(|known| known.ty(&self.store).to_string()) {
            Some(known) if known == *ty => return None,
            Some(known) => format!("it is {known} there"),
            None => {
                let names: BTreeSet<&str> =
                    self.linker.iter(&mut self.store).map(|(_, name, _)| name).collect();
                let similar = match module.starts_with("wasi_") {
                    true => report::suggestion(name, names),
                    false => String::new(),
                };
                format!("there is no such function{similar}")
            }
        };
        Some(format!("`{module}` `{name}` {ty}: {why}"))
    }
}
