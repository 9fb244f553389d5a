//! From the host to wasm and back.
//!
//! In: a guest with functions that do next to nothing. Out: what it costs to get there and back.

use std::hint::black_box;

use anyhow::Result;

use super::Figure;
use super::turns::{Subject, take_turns};
use crate::engines::theirs;

const GUEST: &str = r#"(module
    (import "" "wrapped" (func $wrapped (param i32) (result i32)))
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "nothing"))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "wrapped") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $wrapped (local.get $sum)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "new") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $new (local.get $sum)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))"#;

macro_rules! subjects {
    ($library:ident) => {{
        use $library::{Config, Engine, FuncType, Linker, Module, Store, Val, ValType};
        let make = || -> $library::Result<Vec<Subject>> {
            let engine = Engine::new(&Config::new())?;
            let module = Module::new(&engine, wat::parse_str(GUEST).expect("it is a module"))?;
            let mut linker = Linker::<u32>::new(&engine);
            linker.func_wrap("", "wrapped", |number: i32| number.wrapping_add(1))?;
            let ty = FuncType::new(&engine, [ValType::I32], [ValType::I32]);
            linker.func_new("", "new", ty, |_, params, results| {
                results[0] = Val::I32(params[0].unwrap_i32().wrapping_add(1));
                Ok(())
            })?;
            let pre = linker.instantiate_pre(&module)?;
            let start = || -> $library::Result<_> {
                let mut store = Store::new(&engine, 0u32);
                let instance = pre.instantiate(&mut store)?;
                Ok((store, instance))
            };
            let mut subjects = Vec::new();

            let (mut store, instance) = start()?;
            let nothing = instance.get_typed_func::<(), ()>(&mut store, "nothing")?;
            subjects.push(Subject::each("host to wasm, typed: nothing", 0.5, move || {
                nothing.call(&mut store, ()).unwrap();
            }));
            let (mut store, instance) = start()?;
            let add = instance.get_typed_func::<(i32, i32), i32>(&mut store, "add")?;
            subjects.push(Subject::each("host to wasm, typed: two numbers", 0.5, move || {
                black_box(add.call(&mut store, (black_box(1), 2)).unwrap());
            }));
            let (mut store, instance) = start()?;
            let nothing = instance.get_func(&mut store, "nothing").expect("it is exported");
            subjects.push(Subject::each("host to wasm, untyped: nothing", 0.35, move || {
                nothing.call(&mut store, &[], &mut []).unwrap();
            }));
            let (mut store, instance) = start()?;
            let add = instance.get_func(&mut store, "add").expect("it is exported");
            subjects.push(Subject::each("host to wasm, untyped: two numbers", 0.35, move || {
                let mut results = [Val::I32(0)];
                let params = [Val::I32(black_box(1)), Val::I32(2)];
                add.call(&mut store, &params, &mut results).unwrap();
                black_box(&results);
            }));
            for (name, bar, export) in [
                ("wasm to host, wrapped", 0.9, "wrapped"),
                ("wasm to host, type known at run time", 0.9, "new"),
            ] {
                let (mut store, instance) = start()?;
                let run = instance.get_typed_func::<i32, i32>(&mut store, export)?;
                subjects.push(Subject::new(name, bar, move |times| {
                    black_box(run.call(&mut store, times as i32).unwrap());
                }));
            }
            Ok(subjects)
        };
        make()
    }};
}

pub fn figures() -> Result<Vec<Figure>> {
    Ok(take_turns(subjects!(wootz)?, subjects!(wasmtime).map_err(theirs)?))
}
