//! Kernels in Wootz and in wasmtime.
//!
//! In: a module that exports `run`, and what may stop it. Out: what runs it.
//!
//! Always true: both compile for this machine's CPU, for speed, on one thread, and keep the instance.

use anyhow::Result;

/// What can stop the code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Plain,
    Fuel,
    Epochs,
}

/// What a kernel returned, and the fuel that it used if that was counted. Equal to another one if nothing that both know differs.
#[derive(Debug)]
pub struct Outcome {
    pub result: i64,
    pub fuel: Option<u64>,
}

impl PartialEq for Outcome {
    fn eq(&self, other: &Outcome) -> bool {
        let same_fuel = self.fuel.zip(other.fuel).is_none_or(|(one, other)| one == other);
        self.result == other.result && same_fuel
    }
}

/// Runs a kernel of a size.
pub type Run = Box<dyn FnMut(i32) -> Result<Outcome>>;

/// More fuel than any kernel uses.
const FUEL: u64 = 1 << 60;

macro_rules! run_in {
    ($library:ident, $wasm:expr, $mode:expr) => {{
        let make = || -> $library::Result<_> {
            let mut config = $library::Config::new();
            config.parallel_compilation(false);
            config.consume_fuel($mode == Mode::Fuel).epoch_interruption($mode == Mode::Epochs);
            let engine = $library::Engine::new(&config)?;
            let module = $library::Module::new(&engine, $wasm)?;
            let mut store = $library::Store::new(&engine, ());
            store.set_epoch_deadline(1);
            if $mode == Mode::Fuel {
                store.set_fuel(FUEL)?;
            }
            let instance = $library::Instance::new(&mut store, &module, &[])?;
            let run = instance.get_typed_func::<i32, i64>(&mut store, "run")?;
            Ok((store, run))
        };
        make().map(|(mut store, run)| {
            move |n: i32| -> $library::Result<Outcome> {
                if $mode != Mode::Fuel {
                    return Ok(Outcome { result: run.call(&mut store, n)?, fuel: None });
                }
                store.set_fuel(FUEL)?;
                let result = run.call(&mut store, n)?;
                Ok(Outcome { result, fuel: Some(FUEL - store.get_fuel()?) })
            }
        })
    }};
}

pub fn wootz_run(wasm: &[u8], mode: Mode) -> Result<Run> {
    let run = run_in!(wootz, wasm, mode)?;
    Ok(Box::new(run))
}

pub fn wasmtime_run(wasm: &[u8], mode: Mode) -> Result<Run> {
    let mut run = run_in!(wasmtime, wasm, mode).map_err(theirs)?;
    Ok(Box::new(move |n| run(n).map_err(theirs)))
}

/// An error of the peer's, whose type is its own.
pub fn theirs(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("wasmtime: {error:?}")
}
