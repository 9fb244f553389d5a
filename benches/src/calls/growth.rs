//! Memories that grow.
//!
//! In: a guest that grows its memory in a loop. Out: what once costs; of a page, with a store and an instance for each 1000.

use std::hint::black_box;

use anyhow::Result;

use super::Figure;
use super::turns::{Subject, take_turns};
use crate::engines::theirs;

/// How many pages an instance grows by.
const PAGES: u32 = 1000;

const GUEST: &str = r#"(module
    (memory 1)
    (func (export "grow") (param $times i32) (param $pages i32) (result i32) (local $size i32)
        (loop $again
            (local.set $size (memory.grow (local.get $pages)))
            (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
        (local.get $size)))"#;

macro_rules! subjects {
    ($library:ident) => {{
        use $library::{Config, Engine, Instance, Module, Store};
        let make = || -> $library::Result<Vec<Subject>> {
            let engine = Engine::new(&Config::new())?;
            let module = Module::new(&engine, wat::parse_str(GUEST).expect("it is a module"))?;
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[])?;
            let grow = instance.get_typed_func::<(i32, i32), i32>(&mut store, "grow")?;
            let by_nothing = Subject::new("memory.grow by nothing", None, move |times| {
                black_box(grow.call(&mut store, (times as i32, 0)).unwrap());
            });
            let by_a_page = Subject::new("memory.grow by a page", None, move |times| {
                let mut left = times;
                while left > 0 {
                    let now = left.min(PAGES);
                    let mut store = Store::new(&engine, ());
                    let instance = Instance::new(&mut store, &module, &[]).unwrap();
                    let grow =
                        instance.get_typed_func::<(i32, i32), i32>(&mut store, "grow").unwrap();
                    assert_ne!(grow.call(&mut store, (now as i32, 1)).unwrap(), -1);
                    left -= now;
                }
            });
            Ok(vec![by_nothing, by_a_page])
        };
        make()
    }};
}

pub fn figures() -> Result<Vec<Figure>> {
    Ok(take_turns(subjects!(wootz)?, subjects!(wasmtime).map_err(theirs)?))
}
