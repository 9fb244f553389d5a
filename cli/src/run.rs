//! `wootz run`: a compiled module, or one that is compiled now.
//!
//! In: the command line. Out: whatever the guest does, and its exit code.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bytesize::ByteSize;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use wootz::{Engine, Linker, Module, Store};
use wootz_wasi::WasiCtxBuilder;

use crate::files;
use crate::guest::directories::Directory;
use crate::guest::environment::Variable;
use crate::guest::host::Host;
use crate::guest::limits::{self, Limits};
use crate::options::CodeOptions;
use crate::report::Usage;
use crate::text;

/// Arguments and results as text.
mod values;
/// Files to modules that fit one engine, `--preload` among them.
mod modules;
/// `--timeout`: a guest runs for so long, and no longer.
mod clock;
/// What is called of a module, and with what.
pub mod calls;
/// How guests end that do not return.
pub mod ending;
/// `--profile`: where the time goes, as a picture.
mod profile;

use calls::Call;
use clock::Clock;
use ending::{Ended, Told, cannot_run};
use modules::{Preload, Settings};

/// Run a module
///
/// FILE is a shared library that `wootz compile` has made, or a module in binary or text format, which is compiled in
/// memory and kept in the user's cache. What stands before FILE are options of `wootz run`; what stands behind it are
/// arguments of the guest. `wootz FILE` is short for `wootz run FILE`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Run {
    /// Let the guest use a directory, as GUEST; only for reading, with :ro
    ///
    /// If GUEST is left out, the guest knows the directory by the name that it has here. The first `::` ends HOST, and `:ro`
    /// at the very end is part of no name: to name a directory that is called so, add a slash. HOST may be any name that the
    /// system has; GUEST is UTF-8.
    #[arg(long = "dir", value_name = "HOST[::GUEST][:ro]")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Directory::parse))]
    directories: Vec<Directory>,

    /// Set a variable of the guest's environment; without VALUE, to what it is here
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Variable::parse))]
    environment: Vec<Variable>,

    /// The guest's first argument, instead of FILE
    #[arg(long, value_name = "NAME")]
    argv0: Option<OsString>,

    /// Let the guest accept connections at an address such as 127.0.0.1:8080
    ///
    /// The sockets get the descriptors from 3 on, behind those of directories.
    #[arg(long = "tcplisten", value_name = "ADDRESS")]
    listeners: Vec<String>,

    /// Call this exported function, with ARGS as its arguments, and print its results
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// Let the module import from another one, as NAME
    ///
    /// The other file may be all that FILE may be. Modules are made ready in the order in which they are named, FILE last,
    /// and each may import from those before it. If a module exports `_initialize`, it is called; of one that exports
    /// `_start`, each call of a function runs in an instance of its own, and the guest is stopped when there are more than
    /// 10000 instances. Each NAME is of one module, and the names of WASI are taken.
    #[arg(long = "preload", value_name = "NAME=FILE")]
    #[arg(value_parser = OsStringValueParser::new().try_map(Preload::parse))]
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

    /// How large each memory may become, and all tables together, such as 64MiB, 1GB or a number of bytes
    ///
    /// Each memory counts for itself, also if a module has several, or several instances. Tables of all instances count
    /// together, with 8 bytes for each element. Nothing else counts. Guests that want more learn that there is none; modules
    /// that begin with more do not run.
    #[arg(long, value_name = "SIZE", value_parser = limits::size)]
    max_memory: Option<ByteSize>,

    /// Compile even what was compiled before, and keep nothing of it
    ///
    /// Otherwise what is compiled is kept in the user's cache, and found there by its contents:
    /// $XDG_CACHE_HOME/wootz or ~/.cache/wootz, unless ~/.config/wootz/config.toml says something else.
    #[arg(long)]
    no_cache: bool,

    /// Draw where the time goes, as a flame graph in SVG: functions of wasm, and those of the host that they call
    ///
    /// `perf` is needed, and that it may look at programs.
    #[arg(long, value_name = "PICTURE", conflicts_with = "no_cache")]
    profile: Option<PathBuf>,

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
  wootz run --dir data::/ --dir lib:ro app.so   what the guest knows as / is here in data
  wootz run --env LANG=C app.wasm               compiles, or finds what it compiled before, and runs
  wootz run --invoke add math.so 2 0x10         calls a function, and prints 18
  wootz run --preload math=math.so app.wasm     what app.wasm imports from `math` is in math.so
  wootz run --timeout 10s --max-memory 64MiB app.wasm
  wootz run --profile app.svg app.wasm          where the time goes

Exit codes: the guest's own; 134 if it trapped or was stopped, as when its time or
fuel was used up; 1 if it could not be run; 2 if the command line makes no sense.";

impl Run {
    /// Runs the module, after those that it imports from.
    pub fn execute(self) -> Result<ExitCode> {
        let (file, arguments) =
            self.file_and_arguments.split_first().expect("clap requires a value");
        let file = Path::new(file);
        self.check(file)?;
        if let Some(picture) = self.profile.as_deref().filter(|_| !profile::is_watched()) {
            return profile::record(picture, file);
        }
        let wasi = self.wasi(file, arguments)?;
        let modules = self.modules(file)?;
        // They stay loaded until the process ends: gdb fails when a library goes of which it watches a variable.
        std::mem::forget(modules.clone());
        let (module, preloaded) = modules.split_last().expect("as many as there are files");
        let call = Call::new(module, self.invoke.as_deref(), arguments)
            .with_context(|| cannot_run(file))?;
        let mut store = self.store(module.engine(), wasi)?;
        let mut linker = Linker::new(module.engine());
        wootz_wasi::add_imported_to_linker(&mut linker, &modules, Host::wasi)?;

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
        let code = match ended {
            Ok(()) => ExitCode::SUCCESS,
            // An error is told when this has returned, while the clock goes on.
            Err(ended) => ended.tell(Told { preloads: &self.preloads, is_over })?,
        };
        if let Some(clock) = clock {
            clock.disarm();
        }
        Ok(code)
    }

    /// Whether the modules that are named make sense together.
    fn check(&self, file: &Path) -> Result<()> {
        let files = self.preloads.iter().map(|preload| preload.file.as_path()).chain([file]);
        if files.filter(|path| files::is_standard(path)).count() > 1 {
            bail!(Usage("standard input can be only one of the modules".to_string()));
        }
        for (i, Preload { name, .. }) in self.preloads.iter().enumerate() {
            if self.preloads[..i].iter().any(|preload| preload.name == *name) {
                bail!(Usage(format!(
                    "`--preload {name}=...` is there twice: who imports from `{name}` must know which module that is"
                )));
            }
        }
        Ok(())
    }

    /// What the guest may use.
    fn wasi(&self, file: &Path, arguments: &[OsString]) -> Result<WasiCtxBuilder> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.inherit_stdio();
        // As many as the system gives to this process, which is there for the guest.
        wasi.max_descriptors(usize::MAX);
        for variable in &self.environment {
            variable.set(&mut wasi)?;
        }
        // Where there are none, C libraries stop to look for directories, so these come first.
        for directory in &self.directories {
            directory.open(&mut wasi)?;
        }
        for address in &self.listeners {
            let listener = TcpListener::bind(address);
            wasi.preopened_listener(
                listener.with_context(|| format!("cannot listen at `{address}`"))?,
            );
        }
        let argument = |text| {
            text::for_guests(text).map_err(|why| Usage(format!("`{}`: {why}", text.display())))
        };
        wasi.arg(argument(self.argv0.as_deref().unwrap_or(file.as_os_str()))?);
        // Otherwise they are the function's.
        if self.invoke.is_none() {
            for text in arguments {
                wasi.arg(argument(text)?);
            }
        }
        Ok(wasi)
    }

    /// The modules that are preloaded, and the one that runs.
    fn modules(&self, file: &Path) -> Result<Vec<Module>> {
        let preloads = self.preloads.iter().map(|preload| preload.file.as_path());
        let files: Vec<&Path> = preloads.chain([file]).collect();
        let mut config = self.code.config()?;
        if profile::is_watched() {
            // When perf unwinds, it takes the lowest part of a file that is mapped for the library's beginning, and images of
            // memories may lie lower.
            config.memory_init_cow(false);
        }
        let mut settings = Settings::new(config, !self.no_cache, self.code.wants_debug_info());
        if self.fuel.is_some() {
            settings.consume_fuel("--fuel");
        }
        if self.timeout.is_some() {
            settings.epoch_interruption("--timeout");
        }
        settings.modules(&files)
    }

    /// A store for all modules.
    fn store(&self, engine: &Engine, mut wasi: WasiCtxBuilder) -> Result<Store<Host>> {
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
            let defined = calls::define(store, linker, name, module);
            defined.map_err(|error| Ended { file, position, error })?;
        }
        Ok(())
    }
}
