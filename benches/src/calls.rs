//! What embedders wait for: calls in both directions, instances, traps.
//!
//! Always true: the same source text runs on both sides, once with each crate's types.

use anyhow::Result;

use crate::{median, user_seconds};

/// How often each measurement is repeated.
const ROUNDS: usize = 7;

const MODULE: &str = r#"(module
    (import "" "host" (func $host (param i32) (result i32)))
    (memory (export "memory") 1)
    (table 4 funcref)
    (global $g (mut i32) (i32.const 0))
    (func (export "nothing"))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "host") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $host (local.get $sum)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "trap") unreachable))"#;

const TINY: &str = r#"(module (memory 1) (func (export "nothing")))"#;

/// Nanoseconds for each of some things, by name.
type Figures = Vec<(&'static str, f64)>;

/// How many nanoseconds one of `count` takes. The system counts user time in steps of milliseconds.
fn each(count: u32, mut work: impl FnMut()) -> f64 {
    let mut times = Vec::new();
    for _ in 0..=ROUNDS {
        let before = user_seconds();
        work();
        times.push(user_seconds() - before);
    }
    median(times) * 1e9 / f64::from(count)
}

macro_rules! measure {
    ($library:ident) => {{
        use $library::{Config, Engine, Instance, Linker, Module, Store, Val};
        let measure = || -> $library::Result<Figures> {
            let mut config = Config::new();
            config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
            let engine = Engine::new(&config)?;
            let module = Module::new(&engine, wat::parse_str(MODULE).expect("it is a module"))?;
            let mut linker = Linker::<u32>::new(&engine);
            linker.func_wrap("", "host", |number: i32| number + 1)?;
            let mut store = Store::new(&engine, 0u32);
            let instance = linker.instantiate(&mut store, &module)?;
            let mut figures: Figures = Vec::new();

            let nothing = instance.get_typed_func::<(), ()>(&mut store, "nothing")?;
            figures.push(("typed call, nothing", each(5_000_000, || {
                for _ in 0..5_000_000 {
                    nothing.call(&mut store, ()).unwrap();
                }
            })));
            let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add")?;
            figures.push(("typed call, add", each(5_000_000, || {
                for i in 0..5_000_000 {
                    std::hint::black_box(add.call(&mut store, (i, 1)).unwrap());
                }
            })));
            let func = instance.get_func(&mut store, "add").expect("it is exported");
            figures.push(("untyped call, add", each(1_000_000, || {
                let mut results = [Val::I32(0)];
                for i in 0..1_000_000 {
                    func.call(&mut store, &[Val::I32(i), Val::I32(1)], &mut results).unwrap();
                }
            })));
            let host = instance.get_typed_func::<i32, i32>(&mut store, "host")?;
            figures.push(("call of the host", each(20_000_000, || {
                host.call(&mut store, 20_000_000).unwrap();
            })));
            let trap = instance.get_typed_func::<(), ()>(&mut store, "trap")?;
            figures.push(("trap", each(50_000, || {
                for _ in 0..50_000 {
                    assert!(trap.call(&mut store, ()).is_err());
                }
            })));
            let tiny = Module::new(&engine, wat::parse_str(TINY).expect("it is a module"))?;
            figures.push(("store, instance", each(50_000, || {
                for _ in 0..50_000 {
                    let mut store = Store::new(&engine, ());
                    Instance::new(&mut store, &tiny, &[]).unwrap();
                }
            })));
            let pre = linker.instantiate_pre(&module)?;
            figures.push(("store, instance, call", each(50_000, || {
                for _ in 0..50_000 {
                    let mut store = Store::new(&engine, 0u32);
                    let instance = pre.instantiate(&mut store).unwrap();
                    let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add").unwrap();
                    add.call(&mut store, (1, 2)).unwrap();
                }
            })));
            Ok(figures)
        };
        measure()
    }};
}

/// Prints a table.
pub fn compare() -> Result<()> {
    let ours = measure!(wootz)?;
    let theirs = measure!(wasmtime).map_err(crate::theirs)?;
    println!("{:<24} {:>10} {:>12} {:>7}", "calls", "wootz ns", "wasmtime ns", "ratio");
    for ((name, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        println!("{name:<24} {ours:>10.1} {theirs:>12.1} {:>7.3}", ours / theirs);
    }
    Ok(())
}
