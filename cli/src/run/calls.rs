//! What is called of a module, and with what.
//!
//! In: a module, and what the command line says. Out: a [`Call`], checked before any guest runs; then its results, printed.

use std::ffi::OsString;

use anyhow::{Context, Error, Result, anyhow, bail};
use wootz::{Extern, ExternType, Func, Instance, Linker, Module, Store, Val, WasmBacktrace};

use super::values;
use crate::guest::host::Host;
use crate::report;

/// What is called.
pub enum Call {
    /// A program: its `_start`. If it has none, it is a library that prepares itself, and that is all.
    Start,
    /// A function of a library.
    Function {
        /// Its name.
        name: String,
        /// The values it gets.
        arguments: Vec<Val>,
        /// How many it returns.
        results: usize,
    },
}

impl Call {
    /// A call of one function, if there is a name, and of a program otherwise, whose arguments are not of interest here.
    ///
    /// # Errors
    /// If there is no such function, or the arguments are not of its types.
    pub fn new(module: &Module, name: Option<&str>, arguments: &[OsString]) -> Result<Call> {
        let Some(name) = name else { return Ok(Call::Start) };
        let ty = match module.get_export(name) {
            Some(ExternType::Func(ty)) => ty,
            Some(other) => bail!("the export `{name}` is a {}, not a function", kind(&other)),
            None => return Err(unknown(name, module)),
        };
        let parameters: Vec<_> = ty.params().collect();
        let arguments = values::parse(&parameters, arguments)
            .with_context(|| format!("cannot call `{name}`"))?;
        Ok(Call::Function { name: name.to_string(), arguments, results: ty.results().len() })
    }

    /// Makes an instance and calls it.
    ///
    /// # Errors
    /// If imports are missing or do not fit; and what ends the guest.
    pub fn run(
        &self,
        store: &mut Store<Host>,
        linker: &Linker<Host>,
        module: &Module,
    ) -> Result<()> {
        let instance = instantiate(store, linker, module)?;
        match self {
            Call::Start => start(store, instance, module),
            Call::Function { name, arguments, results } => {
                if name != "_initialize" {
                    initialize(store, instance)?;
                }
                let function = instance.get_func(&mut *store, name);
                let function = function.expect("the module's type has this function");
                let mut results = vec![Val::I32(0); *results];
                function.call(&mut *store, arguments, &mut results)?;
                let lines: String =
                    results.iter().map(|result| values::show(result) + "\n").collect();
                report::print(lines.as_bytes())
            }
        }
    }
}

/// Defines what a module exports, for others to import.
///
/// # Errors
/// If imports are missing or do not fit, if names are defined already; and what ends the guest.
pub fn define(
    store: &mut Store<Host>,
    linker: &mut Linker<Host>,
    name: &str,
    module: &Module,
) -> Result<()> {
    // Of programs there is no instance before one of their functions is called.
    if module.get_export("_start").is_some() {
        return linker.module(store, name, module).map(drop);
    }
    let instance = instantiate(store, linker, module)?;
    initialize(store, instance)?;
    linker.instance(store, name, instance).map(drop)
}

/// Makes an instance.
///
/// # Errors
/// As [`Linker::instantiate`]; if it may not begin with so much memory, also with what is allowed.
fn instantiate(
    store: &mut Store<Host>,
    linker: &Linker<Host>,
    module: &Module,
) -> Result<Instance> {
    store.data_mut().limits.forget();
    linker.instantiate(&mut *store, module).map_err(|error| {
        // A start function that ran was refused nothing that the module begins with.
        match store.data().limits.refusal() {
            Some(refusal) if !error.is::<WasmBacktrace>() => error.context(refusal),
            _ => error,
        }
    })
}

fn start(store: &mut Store<Host>, instance: Instance, module: &Module) -> Result<()> {
    match instance.get_export(&mut *store, "_start") {
        Some(Extern::Func(start)) => call_plain(store, start, "_start"),
        Some(_) => bail!("its export `_start` is not a function"),
        None => {
            initialize(store, instance)?;
            let mut functions = functions(module);
            functions.retain(|name| name != "_initialize");
            if !functions.is_empty() {
                report::note(&format!(
                    "the module has no `_start`; `wootz run --invoke NAME` calls {}",
                    report::list(&functions, "or")
                ));
            }
            Ok(())
        }
    }
}

/// Lets a library of functions prepare itself.
fn initialize(store: &mut Store<Host>, instance: Instance) -> Result<()> {
    match instance.get_export(&mut *store, "_initialize") {
        Some(Extern::Func(function)) => call_plain(store, function, "_initialize"),
        Some(_) => bail!("its export `_initialize` is not a function"),
        None => Ok(()),
    }
}

/// Calls a function that has a meaning by its name.
fn call_plain(store: &mut Store<Host>, function: Func, name: &str) -> Result<()> {
    let function = function.typed::<(), ()>(&*store);
    let function = function.with_context(|| {
        format!("its export `{name}` must take no arguments and return nothing")
    })?;
    function.call(&mut *store, ())
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
