//! `wootz run`: a compiled module, or one that is compiled now.
//!
//! In: the command line. Out: whatever the guest does, and its exit code.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Error, Result, bail};
use bytesize::ByteSize;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use wootz::{Engine, Linker, Module, Store, Trap, UnknownImportError};
use wootz_wasi::{I32Exit, WasiCtx, WasiCtxBuilder};

use crate::files;
use crate::options::CodeOptions;
use crate::report::{self, Usage};

/// Arguments and results as text.
mod values;
/// `--env`: variables of the guest's environment.
mod environment;
/// Files to modules that fit one engine, `--preload` among them.
mod modules;
/// `--max-memory`: how large memories may become.
mod limits;
/// `--timeout`: a guest runs for so long, and no longer.
mod clock;
/// What is called of a module, and with what.
mod calls;

use calls::Call;
use clock::Clock;
use environment::Variable;
use limits::Limits;
use modules::{Preload, Settings};

/// Run a module
///
/// FILE is a shared library that `wootz compile` has made, or a module in binary or text format, which is compiled in
/// memory and kept in the user's cache. What stands before FILE are options of `wootz run`; what stands behind it are
/// arguments of the guest. `wootz FILE` is short for `wootz run FILE`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Run {
    /// Set a variable of the guest's environment; without VALUE, to what it is here
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Variable::parse))]
    environment: Vec<Variable>,

    /// The guest's first argument, instead of FILE
    #[arg(long, value_name = "NAME")]
    argv0: Option<OsString>,

    /// Call this exported function, with ARGS as its arguments, and print its results
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// Let the module import from another one, as NAME
    ///
    /// The other file may be all that FILE may be. Modules are made ready in the order in which they are named, FILE last,
    /// and each may import from those before it. If a module exports `_initialize`, it is called; of one that exports
    /// `_start`, each call of a function runs in an instance of its own.
    #[arg(long = "preload", value_name = "NAME=FILE", value_parser = Preload::parse)]
    preloads: Vec<Preload>,

    /// Stop after a time such as 10s, 500ms or "1m 30s"
    ///
    /// Only the time in which guests run counts, not that for compiling. Files that were compiled before must have been made
    /// with --epoch-interruption.
    #[arg(long, value_name = "DURATION")]
    timeout: Option<humantime::Duration>,

    /// Stop after so much work: one unit for each operator and call
    ///
    /// Files that were compiled before must have been made with --consume-fuel.
    #[arg(long, value_name = "UNITS")]
    fuel: Option<u64>,

    /// How large each memory may become, such as 64MiB, 1GB or a number of bytes
    ///
    /// Guests that want more learn that there is none; those that begin with more do not run.
    #[arg(long, value_name = "SIZE", value_parser = limits::size)]
    max_memory: Option<ByteSize>,

    /// Compile even what was compiled before, and keep nothing of it
    ///
    /// Otherwise what is compiled is kept in the user's cache, and found there by its contents:
    /// $XDG_CACHE_HOME/wootz or ~/.cache/wootz, unless ~/.config/wootz/config.toml says something else.
    #[arg(long)]
    no_cache: bool,

    #[command(flatten)]
    code: CodeOptions,

    /// The module, or `-` for standard input, and the guest's arguments
    #[arg(value_names = ["FILE", "ARGS"], help_heading = None)]
    #[arg(required = true, num_args = 1.., trailing_var_arg = true)]
    file_and_arguments: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  wootz run app.so --verbose input.txt          both arguments are the guest's
  wootz run --env LANG=C app.wasm               compiles, or finds what it compiled before, and runs
  wootz run --invoke add math.so 2 0x10         calls a function, and prints 18
  wootz run --preload math=math.so app.wasm     what app.wasm imports from `math` is in math.so
  wootz run --timeout 10s --max-memory 64MiB app.wasm

Exit codes: the guest's own; 134 if it trapped, or its time or fuel was used up;
1 if it could not be run; 2 if the command line makes no sense.";

/// What a guest may use: the data of its store.
struct Host {
    wasi: WasiCtx,
    limits: Limits,
}

impl Run {
    /// Runs the module, after those that it imports from.
    pub fn execute(self) -> Result<ExitCode> {
        let (file, arguments) =
            self.file_and_arguments.split_first().expect("clap requires a value");
        let file = Path::new(file);
        let modules = self.modules(file)?;
        let (module, preloaded) = modules.split_last().expect("as many as there are files");
        let call = Call::new(module, self.invoke.as_deref(), arguments)
            .with_context(|| cannot_run(file))?;
        let mut store = self.store(module.engine(), file, arguments)?;
        let mut linker = Linker::new(module.engine());
        wootz_wasi::add_to_linker(&mut linker, |host: &mut Host| &mut host.wasi)?;

        // From here on guests run.
        let clock = match self.timeout {
            Some(limit) => Some(Clock::start(module.engine(), *limit, file)?),
            None => None,
        };
        let ended = self.preload(&mut store, &mut linker, preloaded).and_then(|()| {
            call.run(&mut store, &linker, module).map_err(|error| Ended {
                file,
                position: preloaded.len(),
                error,
            })
        });
        let is_over = clock.as_ref().and_then(Clock::stop);
        match ended {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(ended) => self.tell(ended, is_over, &store.data().limits),
        }
    }

    /// The modules that are preloaded, and the one that runs.
    fn modules(&self, file: &Path) -> Result<Vec<Module>> {
        let preloads = self.preloads.iter().map(|preload| preload.file.as_path());
        let files: Vec<&Path> = preloads.chain([file]).collect();
        if files.iter().filter(|path| files::is_standard(path)).count() > 1 {
            bail!(Usage("standard input can be only one of the modules"));
        }
        let mut settings = Settings::new(self.code.config()?, !self.no_cache);
        if self.fuel.is_some() {
            settings.consume_fuel("--fuel");
        }
        if self.timeout.is_some() {
            settings.epoch_interruption("--timeout");
        }
        settings.modules(&files)
    }

    /// What the guest may use, and how much.
    fn store(&self, engine: &Engine, file: &Path, arguments: &[OsString]) -> Result<Store<Host>> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.inherit_stdio();
        for variable in &self.environment {
            variable.set(&mut wasi);
        }
        wasi.arg(self.argv0.as_deref().unwrap_or(file.as_os_str()).as_encoded_bytes());
        // Otherwise they are the function's.
        if self.invoke.is_none() {
            for argument in arguments {
                wasi.arg(argument.as_encoded_bytes());
            }
        }
        let host = Host { wasi: wasi.build(), limits: Limits::new(self.max_memory) };
        let mut store = Store::new(engine, host);
        store.limiter(|host| &mut host.limits);
        if engine.get_consume_fuel() {
            store.set_fuel(self.fuel.unwrap_or(u64::MAX))?;
        }
        // A file may have been compiled for epochs, and nobody wants to stop it.
        store.set_epoch_deadline(self.timeout.map_or(u64::MAX, |_| clock::DEADLINE));
        Ok(store)
    }

    /// Defines what each preloaded module exports, for those behind it.
    fn preload<'a>(
        &'a self,
        store: &mut Store<Host>,
        linker: &mut Linker<Host>,
        modules: &[Module],
    ) -> Result<(), Ended<'a>> {
        let preloads = self.preloads.iter().zip(modules).enumerate();
        for (position, (Preload { name, file }, module)) in preloads {
            let defined = linker.module(&mut *store, name, module);
            defined.map_err(|error| Ended { file, position, error })?;
        }
        Ok(())
    }
    /// Tells how a guest ended that did not return, unless it wanted to. Returns the program's exit code.
    fn tell(
        &self,
        Ended { file, position, error }: Ended<'_>,
        is_over: Option<&str>,
        limits: &Limits,
    ) -> Result<ExitCode> {
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            // Like for all programs, the system keeps the lowest bits.
            return Ok(ExitCode::from(exit.0 as u8));
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            let what = match is_over {
                Some(message) if *trap == Trap::Interrupt => message.to_string(),
                _ => format!("{} trapped", files::name(file)),
            };
            report::show(&error.context(what));
            return Ok(ExitCode::from(report::TRAPPED));
        }
        if let Some(unknown) = error.downcast_ref::<UnknownImportError>() {
            let name = unknown.module().to_string();
            let (before, behind) = self.preloads.split_at(position);
            let is_in = |preloads: &[Preload]| preloads.iter().any(|preload| preload.name == name);
            let hint = if is_in(before) || name.starts_with("wasi_") {
                String::new()
            } else if is_in(behind) {
                format!(" before `{name}`: `--preload {name}=...` comes first")
            } else {
                format!(" without `{name}`: `--preload {name}=FILE` says which module that is")
            };
            return Err(error.context(cannot_run(file) + &hint));
        }
        Err(match limits.refusal() {
            Some(refusal) => error.context(refusal),
            None => error,
        }
        .context(cannot_run(file)))
    }
}

/// How a guest ended that did not return.
struct Ended<'a> {
    file: &'a Path,
    /// How many modules were made ready before it.
    position: usize,
    error: Error,
}

fn cannot_run(file: &Path) -> String {
    format!("cannot run {}", files::name(file))
}
