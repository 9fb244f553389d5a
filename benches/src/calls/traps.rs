//! Guests that trap: into wasm, out by a trap, and the error dropped.
//!
//! In: a guest that traps in each way that processors tell of. Out: what that costs, with and without backtraces.

use anyhow::Result;

use super::Figure;
use super::turns::{Subject, take_turns};
use crate::engines::theirs;

const GUEST: &str = r#"(module
    (memory 1)
    (func (export "unreachable") unreachable)
    (func (export "out of bounds") (drop (i32.load (i32.const 0x7fffffff))))
    (func $deep (param i32)
        (if (local.get 0)
            (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
            (else unreachable)))
    (func (export "deep") (call $deep (i32.const 8))))"#;

macro_rules! subjects {
    ($library:ident) => {{
        use $library::{Config, Engine, Instance, Module, Store};
        let make = || -> $library::Result<Vec<Subject>> {
            let mut subjects = Vec::new();
            for (frames, with, bar) in [(20, "with backtrace", 0.4), (0, "without", 0.3)] {
                let mut config = Config::new();
                config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(frames));
                let engine = Engine::new(&config)?;
                let module = Module::new(&engine, wat::parse_str(GUEST).expect("it is a module"))?;
                for (name, export) in [
                    ("trap: unreachable", "unreachable"),
                    ("trap: out of bounds", "out of bounds"),
                    ("trap: ten frames deep", "deep"),
                ] {
                    let mut store = Store::new(&engine, ());
                    let instance = Instance::new(&mut store, &module, &[])?;
                    let trap = instance.get_typed_func::<(), ()>(&mut store, export)?;
                    subjects.push(Subject::each(format!("{name}, {with}"), bar, move || {
                        assert!(trap.call(&mut store, ()).is_err());
                    }));
                }
            }
            Ok(subjects)
        };
        make()
    }};
}

pub fn figures() -> Result<Vec<Figure>> {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        println!(
            "(RUST_BACKTRACE is set, so our errors come with backtraces of the host; the peer's do not)"
        );
    }
    Ok(take_turns(subjects!(wootz)?, subjects!(wasmtime).map_err(theirs)?))
}
