//! Stores and instances that come and go.
//!
//! In: modules from nothing to a program of 300 KB. Out: what a store with an instance of each costs, from the store's making
//! to its end; against the peer's pool of instances, and against its way without one. We have one way only.
//!
//! The program's imports are functions that fail when they are called, so that both sides link the same.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Figure;
use super::turns::{Subject, take_turns};
use crate::engines::theirs;

/// A module, what is called of it, and the bar against a pool.
struct Guest {
    name: &'static str,
    wasm: Vec<u8>,
    call: Option<&'static str>,
    bar: f64,
}

fn guests(programs: &Path) -> Vec<Guest> {
    let wasm = |text: &str| wat::parse_str(text).expect("it is a module");
    // A byte in every 16th page of 4 KiB.
    let touch = r#"(func (export "touch") (local $at i32)
        (loop $again
            (i32.store8 (local.get $at) (i32.const 1))
            (br_if $again (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 0x10000)))
                (i32.const 0x100000)))))"#;
    let data = format!("(data (i32.const 0) \"{}\")", "0123456789abcdef".repeat(1 << 16));
    let mut guests = vec![
        ("tiny", wasm("(module (func (export \"nothing\")))"), None, 0.5),
        ("tiny, and a call", wasm("(module (func (export \"nothing\")))"), Some("nothing"), 0.5),
        (
            "memory and table",
            wasm("(module (memory 1) (table 4 funcref) (func (export \"nothing\")))"),
            None,
            0.5,
        ),
        (
            "memory and table, and a call",
            wasm("(module (memory 1) (table 4 funcref) (func (export \"nothing\")))"),
            Some("nothing"),
            0.5,
        ),
        ("1 MB of data", wasm(&format!("(module (memory 16) {data} {touch})")), None, 0.5),
        ("16 pages touched", wasm(&format!("(module (memory 16) {touch})")), Some("touch"), 0.6),
        (
            "1 MB of data, 16 pages touched",
            wasm(&format!("(module (memory 16) {data} {touch})")),
            Some("touch"),
            0.6,
        ),
    ];
    match fs::read(programs.join("lua.wasm")) {
        Ok(lua) => guests.push(("WASI program", lua, None, 0.5)),
        Err(_) => {
            println!("(no lua.wasm in {}: `make -C tests/programs` builds it)", programs.display())
        }
    }
    let guest = |(name, wasm, call, bar)| Guest { name, wasm, call, bar };
    guests.into_iter().map(guest).collect()
}

macro_rules! subjects {
    ($library:ident, $engine:expr, $guests:expr, $against:expr) => {{
        use $library::{Linker, Module, Store};
        let against: Option<&str> = $against;
        let make = || -> $library::Result<Vec<Subject>> {
            let engine = $engine;
            let mut subjects = Vec::new();
            // A pool makes no difference to a store.
            if against.is_none() {
                let engine = engine.clone();
                subjects
                    .push(Subject::each("a store", None, move || drop(Store::new(&engine, ()))));
            }
            for guest in $guests {
                let module = Module::new(&engine, &guest.wasm)?;
                let mut linker = Linker::<()>::new(&engine);
                linker.define_unknown_imports_as_traps(&module)?;
                let pre = linker.instantiate_pre(&module)?;
                let (engine, call) = (engine.clone(), guest.call);
                let (name, bar) = match against {
                    Some(what) => (format!("instance, {what}: {}", guest.name), Some(guest.bar)),
                    None => (format!("instance: {}", guest.name), None),
                };
                subjects.push(Subject::each(name, bar, move || {
                    let mut store = Store::new(&engine, ());
                    let instance = pre.instantiate(&mut store).unwrap();
                    if let Some(name) = call {
                        let func = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
                        func.call(&mut store, ()).unwrap();
                    }
                }));
            }
            Ok(subjects)
        };
        make()
    }};
}

/// The peer's engine with a pool; with so many bytes of each memory that are emptied rather than given back.
fn pooling(keep_resident: usize) -> wasmtime::Result<wasmtime::Engine> {
    let mut pool = wasmtime::PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(keep_resident).table_keep_resident(keep_resident);
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(pool);
    wasmtime::Engine::new(&config)
}

pub fn figures(programs: &Path) -> Result<Vec<Figure>> {
    let guests = guests(programs);
    let mut figures = Vec::new();
    for (against, keep_resident) in [("pool", 0), ("pool that keeps 1 MB", 1 << 20)] {
        let ours = subjects!(wootz, wootz::Engine::default(), &guests, Some(against))?;
        let peers = subjects!(wasmtime, pooling(keep_resident)?, &guests, Some(against));
        figures.extend(take_turns(ours, peers.map_err(theirs)?));
    }
    let ours = subjects!(wootz, wootz::Engine::default(), &guests, None)?;
    let peers = subjects!(wasmtime, wasmtime::Engine::default(), &guests, None);
    figures.extend(take_turns(ours, peers.map_err(theirs)?));
    // A pool that keeps pages is none of the peer's default settings.
    for figure in &mut figures {
        figure.bar = figure.bar.filter(|_| !figure.name.contains("keeps"));
    }
    Ok(figures)
}
