//! Runs one file, so that a debugger can watch it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use wootz::{Engine, Linker, Module, Store, Val, ValType};
use wootz_wasi::{I32Exit, WasiCtx, WasiCtxBuilder};

/// The exit code for traps, which is that of `wootz run`.
const TRAPPED: u8 = 134;

/// Calls an export with numbers, or begins a program.
pub fn run(file: &Path, export: &str, numbers: &[String]) -> Result<ExitCode> {
    let engine = Engine::default();
    let mut linker: Linker<WasiCtx> = Linker::new(&engine);
    wootz_wasi::add_to_linker(&mut linker, |context| context)?;
    let context = WasiCtxBuilder::new().inherit_stdio().arg(file.display().to_string()).build();
    let mut store = Store::new(&engine, context);
    // SAFETY: the compiler has made it, for this test.
    let module = unsafe { Module::load(&engine, file)? };
    let instance = linker.instantiate(&mut store, &module)?;
    let function = instance.get_func(&mut store, export).context("there is no such export")?;
    let ty = function.ty(&store);
    let arguments = ty.params().zip(numbers).map(|(ty, number)| match ty {
        ValType::I32 => Ok(Val::I32(number.parse()?)),
        ValType::I64 => Ok(Val::I64(number.parse()?)),
        other => bail!("numbers of type {other} cannot be given"),
    });
    let arguments: Vec<Val> = arguments.collect::<Result<_>>()?;
    let mut results = vec![Val::I32(0); ty.results().len()];
    if let Err(error) = function.call(&mut store, &arguments, &mut results) {
        let code = match error.downcast_ref::<I32Exit>() {
            Some(exit) => u8::try_from(exit.0)?,
            None => {
                eprintln!("{error:?}");
                TRAPPED
            }
        };
        return Ok(ExitCode::from(code));
    }
    for result in results {
        println!("{result:?}");
    }
    Ok(ExitCode::SUCCESS)
}
