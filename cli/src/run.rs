//! `wootz run`: a compiled module, or one that is compiled now.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Error, Result, anyhow, bail};
use clap::Args;
use wootz::{
    ArtifactError, Config, Engine, Extern, ExternType, Func, Instance, Linker, Module, Store, Trap,
};
use wootz_compiler::TargetCpu;
use wootz_wasi::{I32Exit, WasiCtx, WasiCtxBuilder};

use crate::files::Kind;
use crate::options::CodeOptions;
use crate::{compile, files, report};

/// Arguments and results as text.
mod values;

/// Run a module
///
/// FILE is a shared library that `wootz compile` has made, or a module in binary or text format, which is compiled in
/// memory. What stands before FILE are options of `wootz run`; what stands behind it are arguments of the guest.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Run {
    /// Call this exported function, with ARGS as its arguments, and print its results
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// Set an environment variable of the guest
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment: Vec<Variable>,

    /// The guest's first argument, instead of FILE
    #[arg(long, value_name = "NAME")]
    argv0: Option<OsString>,

    /// Stop after so much work: one unit for each operator and call
    ///
    /// A compiled file must have been made with --consume-fuel.
    #[arg(long, value_name = "UNITS")]
    fuel: Option<u64>,

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
  wootz run --env LANG=C app.wasm               compiles in memory, and runs
  wootz run --invoke add math.so 2 0x10         calls a function, and prints 18

Exit codes: the guest's own; 134 if it trapped; 1 if it could not be run.";

/// The exit code after a trap: that of a native program that was aborted.
const TRAPPED: u8 = 134;

/// `NAME=VALUE`
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    value: String,
}

impl FromStr for Variable {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Variable, &'static str> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Variable { name: name.to_string(), value: value.to_string() })
            }
            _ => Err("expected NAME=VALUE"),
        }
    }
}

impl Run {
    /// Runs the module. Guests that exit end the program.
    pub fn execute(self) -> Result<ExitCode> {
        let (file, arguments) =
            self.file_and_arguments.split_first().expect("clap requires a value");
        let file = Path::new(file);
        let module = self.module(file)?;
        let engine = module.engine();

        let mut linker = Linker::new(engine);
        wootz_wasi::add_to_linker(&mut linker, |wasi: &mut WasiCtx| wasi)?;
        let mut wasi = WasiCtxBuilder::new();
        wasi.inherit_stdio();
        for Variable { name, value } in &self.environment {
            wasi.env(name, value);
        }
        wasi.arg(self.argv0.as_deref().unwrap_or(file.as_os_str()).as_encoded_bytes());
        if self.invoke.is_none() {
            for argument in arguments {
                wasi.arg(argument.as_encoded_bytes());
            }
        }
        let mut store = Store::new(engine, wasi.build());
        if engine.get_consume_fuel() {
            store.set_fuel(self.fuel.unwrap_or(u64::MAX))?;
        }
        store.set_epoch_deadline(u64::MAX);

        let result = match &self.invoke {
            Some(name) => invoke(&mut store, &linker, &module, name, arguments),
            None => start(&mut store, &linker, &module),
        };
        result.or_else(|error| ended(error, file))
    }

    fn module(&self, file: &Path) -> Result<Module> {
        // Of a compiled module, only what is needed is ever read.
        if !files::is_standard(file) && files::kind(&files::beginning(file)?) == Kind::Native {
            return self.fitting(|engine| load(engine, file));
        }
        let mut bytes = files::read(file)?;
        if files::kind(&bytes) != Kind::Native {
            let wasm = files::binary(file, bytes)?;
            let mut options = self.code.options(TargetCpu::Native);
            options.consume_fuel |= self.fuel.is_some();
            (bytes, _) = compile::compile(file, &wasm, &options)?;
        }
        self.fitting(|engine| deserialize(engine, &bytes))
            .with_context(|| format!("cannot load {}", files::name(file)))
    }

    /// Loads a module with an engine that has the settings that the module was compiled with, as far as the user has not
    /// asked for others.
    fn fitting(&self, load: impl Fn(&Engine) -> Result<Module>) -> Result<Module> {
        let mut config = Config::new();
        config.consume_fuel(self.fuel.is_some());
        loop {
            let error = match load(&Engine::new(&config)?) {
                Ok(module) => return Ok(module),
                Err(error) => error,
            };
            match error.downcast_ref() {
                Some(ArtifactError::Setting { name, artifact: true, engine: false }) => {
                    match name.as_str() {
                        "consume_fuel" => config.consume_fuel(true),
                        "epoch_interruption" => config.epoch_interruption(true),
                        _ => return Err(error),
                    }
                }
                Some(&ArtifactError::AddressSpace { setting, artifact_bytes, engine_bytes })
                    if artifact_bytes > engine_bytes =>
                {
                    match setting {
                        "memory_reservation" => config.memory_reservation(artifact_bytes),
                        "memory_guard_size" => config.memory_guard_size(artifact_bytes),
                        _ => return Err(error),
                    }
                }
                _ => return Err(error),
            };
        }
    }
}

#[allow(unsafe_code)]
fn load(engine: &Engine, file: &Path) -> Result<Module> {
    // SAFETY: the user asks to run the code in this file.
    unsafe { Module::load(engine, file) }
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, bytes: &[u8]) -> Result<Module> {
    // SAFETY: the user asks to run this code, or it was compiled just now.
    unsafe { Module::deserialize(engine, bytes) }
}

/// Runs a program: its `_start`.
fn start(
    store: &mut Store<WasiCtx>,
    linker: &Linker<WasiCtx>,
    module: &Module,
) -> Result<ExitCode> {
    let instance = linker.instantiate(&mut *store, module)?;
    match instance.get_export(&mut *store, "_start") {
        Some(Extern::Func(start)) => start.typed::<(), ()>(&*store)?.call(&mut *store, ())?,
        Some(_) => bail!("its export `_start` is not a function"),
        None => {
            initialize(store, instance)?;
            let functions = functions(module);
            if !functions.is_empty() {
                eprintln!(
                    "note: the module has no `_start`; `wootz run --invoke NAME` calls {}",
                    report::list(&functions, "or")
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls one function, and prints its results.
fn invoke(
    store: &mut Store<WasiCtx>,
    linker: &Linker<WasiCtx>,
    module: &Module,
    name: &str,
    arguments: &[OsString],
) -> Result<ExitCode> {
    let ty = match module.get_export(name) {
        Some(ExternType::Func(ty)) => ty,
        Some(other) => bail!("the export `{name}` is a {}, not a function", kind(&other)),
        None => return Err(unknown(name, module)),
    };
    let parameters: Vec<_> = ty.params().collect();
    let arguments =
        values::parse(&parameters, arguments).with_context(|| format!("cannot call `{name}`"))?;
    let instance = linker.instantiate(&mut *store, module)?;
    if name != "_initialize" {
        initialize(store, instance)?;
    }
    let function =
        instance.get_func(&mut *store, name).expect("the module's type has this function");
    let mut results = vec![wootz::Val::I32(0); ty.results().len()];
    function.call(&mut *store, &arguments, &mut results)?;
    let lines: String = results.iter().map(|result| values::show(result) + "\n").collect();
    report::print(lines.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Lets a library of functions prepare itself.
fn initialize(store: &mut Store<WasiCtx>, instance: Instance) -> Result<()> {
    let function: Option<Func> = instance.get_func(&mut *store, "_initialize");
    match function {
        Some(function) => function.typed::<(), ()>(&*store)?.call(&mut *store, ()),
        None => Ok(()),
    }
}

fn functions(module: &Module) -> Vec<String> {
    let functions = module.exports().filter(|export| export.ty().func().is_some());
    functions.map(|export| export.name().to_string()).collect()
}

fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Global(_) => "global",
        ExternType::Memory(_) => "memory",
        ExternType::Table(_) => "table",
        _ => "tag",
    }
}

fn unknown(name: &str, module: &Module) -> Error {
    let functions = functions(module);
    let suggestion = report::suggestion(name, functions.iter().map(String::as_str));
    match (suggestion.is_empty(), functions.is_empty()) {
        (false, _) => anyhow!("the module has no export `{name}`{suggestion}"),
        (true, true) => {
            anyhow!("the module has no export `{name}`, and exports no function at all")
        }
        (true, false) => {
            anyhow!("the module has no export `{name}`; it has {}", report::list(&functions, "and"))
        }
    }
}

/// What the program's exit code is after the guest has ended by an error.
fn ended(error: Error, file: &Path) -> Result<ExitCode> {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        // Like for all programs, the system keeps the lowest bits.
        return Ok(ExitCode::from(exit.0 as u8));
    }
    if error.is::<Trap>() {
        report::show(&error.context(format!("{} trapped", files::name(file))));
        return Ok(ExitCode::from(TRAPPED));
    }
    Err(error.context(format!("cannot run {}", files::name(file))))
}
