//! Fuel that is charged once for a loop is what its turns cost, and runs out at the same turn.
#![cfg(feature = "compiler")]

mod common;

use common::{module, trap};
use wootz::{Config, Engine, Instance, Module, Store, Trap, Val};

/// Each function has a loop whose turns are counted in some way, from the first parameter to the second, and returns what it has
/// counted; each turn is noted in memory.
const WAT: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "down") (param i32 i32) (result i32)
        (loop $l
            (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0))
    (func (export "to") (param i32 i32) (result i32)
        (loop $l
            (i32.store (i32.const 0) (local.get 0))
            (br_if $l (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 0))
    (func (export "by fours") (param i32 i32) (result i32)
        (loop $l
            (i32.store (i32.const 0) (local.get 0))
            (br_if $l (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (local.get 1))))
        (local.get 0))
    (func (export "down by twos") (param i32 i32) (result i32)
        (loop $l
            (i32.store (i32.const 0) (local.get 0))
            (br_if $l (i32.ne (local.get 1) (local.tee 0 (i32.add (local.get 0) (i32.const -2))))))
        (local.get 0))
    (func (export "old") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (local.get 0))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if $l (i32.ne (local.get 2) (local.get 1))))
        (i32.add (local.get 0) (local.get 2)))
    (func (export "below") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (i32.const 3)))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 8))) (local.get 1))))
        (i32.add (local.get 0) (local.get 2)))
    (func (export "below unsigned") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (i32.const 3)))
            (br_if $l (i32.gt_u (local.get 1) (local.tee 0 (i32.add (local.get 0) (i32.const 2))))))
        (i32.add (local.get 0) (local.get 2)))
    (func (export "above") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (i32.const 3)))
            (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 4))) (local.get 1))))
        (i32.add (local.get 0) (local.get 2)))
    (func (export "above unsigned") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (i32.const 3)))
            (br_if $l (i32.gt_u (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (local.get 1))))
        (i32.add (local.get 0) (local.get 2)))
    (func (export "wide") (param i32 i32) (result i32) (local i64 i64)
        (local.set 2 (i64.extend_i32_s (local.get 0)))
        (local.set 3 (i64.extend_i32_s (local.get 1)))
        (loop $l
            (i64.store (i32.const 0) (local.get 2))
            (br_if $l (i64.ne (local.tee 2 (i64.add (local.get 2) (i64.const 1))) (local.get 3))))
        (i32.wrap_i64 (local.get 2)))
    (func (export "half") (param i32 i32) (result i32) (local i64 i64)
        (local.set 2 (i64.extend_i32_s (local.get 0)))
        (local.set 3 (i64.extend_i32_s (local.get 1)))
        (loop $l
            (i64.store (i32.const 0) (local.get 2))
            (br_if $l
                (i64.ne
                    (local.tee 2 (i64.add (local.get 2) (i64.const 0x8000000000000000)))
                    (local.get 3))))
        (i32.wrap_i64 (local.get 2)))
    (func (export "two") (param i32 i32) (result i32) (local i32)
        (local.set 2 (local.get 1))
        (loop $l
            (br_if $l (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (loop $l
            (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
        (i32.add (local.get 0) (local.get 2)))
    (func (export "nested") (param i32 i32) (result i32) (local i32 i32)
        (loop $outer
            (local.set 2 (local.get 1))
            (loop $inner
                (local.set 3 (i32.add (local.get 3) (local.get 2)))
                (br_if $inner (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
            (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 3))
    (func (export "known") (param i32 i32) (result i32) (local i32 i32)
        (loop $outer
            (local.set 2 (i32.const 100))
            (loop $down
                (local.set 3 (i32.add (local.get 3) (local.get 2)))
                (br_if $down (i32.gt_s (local.tee 2 (i32.sub (local.get 2) (i32.const 8))) (i32.const -3))))
            (local.set 2 (i32.const 0xfffffff0))
            (loop $up
                (local.set 3 (i32.xor (local.get 3) (local.get 2)))
                (br_if $up (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 2))) (i32.const 0xfffffffe))))
            (local.set 2 (i32.const 0xfffffff0))
            (loop $around
                (local.set 3 (i32.mul (local.get 3) (local.get 2)))
                (br_if $around (i32.ne (local.tee 2 (i32.add (local.get 2) (i32.const 4))) (i32.const 16))))
            (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 3))
    (func (export "traps") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (i32.div_u (i32.const 100) (i32.sub (local.get 0) (i32.const 3)))))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 2)))"#;

const FUNCTIONS: &[&str] = &[
    "down",
    "to",
    "by fours",
    "down by twos",
    "old",
    "below",
    "below unsigned",
    "above",
    "above unsigned",
    "wide",
    "half",
    "two",
    "nested",
    "known",
    "traps",
];

/// From where to where.
const WAYS: &[(i32, i32)] = &[
    (1, 1),
    (1, 2),
    (2, 9),
    (5, 7),
    (9, 1),
    (7, 7),
    (0, 12),
    (-3, 5),
    (-8, -2),
    (i32::MIN, i32::MIN + 20),
    (i32::MAX - 20, i32::MAX),
    (i32::MAX - 20, i32::MAX - 1),
    (i32::MIN + 7, i32::MIN),
    (i32::MAX - 3, i32::MIN + 4),
    (-16, 0),
    (-4, 12),
    (-5, 4),
    (3, -1),
    (0, 1000),
    (1000, 0),
];

/// What a call has left: its result or why there is none, the fuel, and what the memory has.
type Left = (Result<i32, Trap>, u64, [u8; 8]);

fn call(engine: &Engine, module: &Module, name: &str, (from, to): (i32, i32), fuel: u64) -> Left {
    let mut store = Store::new(engine, ());
    store.set_fuel(1000).unwrap();
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    let function = instance.get_func(&mut store, name).unwrap();
    store.set_fuel(fuel).unwrap();
    let mut results = [Val::I32(0)];
    let result = function.call(&mut store, &[Val::I32(from), Val::I32(to)], &mut results);
    let result = result.map(|()| results[0].unwrap_i32()).map_err(|error| trap(&error));
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    let bytes = *memory.data(&store).first_chunk().unwrap();
    (result, store.get_fuel().unwrap(), bytes)
}

#[test]
fn it_is_what_turns_cost() {
    let engine = |skip: bool| {
        let mut config = Config::new();
        config.consume_fuel(true);
        if skip {
            config.skip_optimisation("loop-fuel");
        }
        Engine::new(&config).unwrap()
    };
    let engines = [engine(false), engine(true)];
    let modules = engines.each_ref().map(|engine| module(engine, WAT));
    assert!(modules[0].text().len() > modules[1].text().len(), "nothing was charged once");
    let mut ended = 0;
    for name in FUNCTIONS {
        for &way in WAYS {
            let left = |fuel| {
                let [once, each] =
                    [0, 1].map(|side| call(&engines[side], &modules[side], name, way, fuel));
                assert_eq!(once, each, "{name} {way:?}, {fuel}");
                once
            };
            let much = 20_000;
            let (result, rest, _) = left(much);
            if result == Err(Trap::OutOfFuel) {
                continue;
            }
            // With a little less, and around what is needed.
            ended += 1;
            let needed = much - rest;
            for fuel in (0..40).chain(needed.saturating_sub(30)..needed + 3) {
                _ = left(fuel);
            }
        }
    }
    assert!(ended > 100, "only {ended} of the loops end");
}
