//! Loops that look at the epoch once in many turns do what they do when they look at it in each, and are interrupted soon.
#![cfg(feature = "compiler")]

mod common;

use std::time::{Duration, Instant};

use common::{module, trap};
use wootz::{Config, Engine, Func, Instance, Module, Store, Trap, UpdateDeadline, Val};

/// Loops that end, mostly: the parameters are where they begin and where they end. All that goes round in them is in the results, and
/// memory notes turns.
const LOOPS: &str = r#"(module
    (import "" "host" (func $host (param i32) (result i32)))
    (memory (export "memory") 1)
    (table 2 2 funcref)
    (elem (i32.const 0) $twice $host)
    (type $f (func (param i32) (result i32)))
    (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func $sum (param i32) (result i32) (local i32)
        (loop $l
            (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if $l (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (local.get 1))
    (func (export "down") (param i32 i32) (result i32)
        (loop $l
            (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get 0)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0))
    (func (export "many values") (param i32 i32) (result i32) (local i32 i64 f64 i32)
        (loop $l
            (local.set 2 (i32.add (i32.mul (local.get 2) (i32.const 31)) (local.get 0)))
            (local.set 3 (i64.xor (i64.mul (local.get 3) (i64.const 7)) (i64.extend_i32_s (local.get 2))))
            (local.set 4 (f64.add (f64.mul (local.get 4) (f64.const 0.5)) (f64.convert_i32_s (local.get 0))))
            (local.set 5 (local.get 2))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 3))) (local.get 1))))
        (i32.store (i32.const 0) (local.get 0))
        (i64.store (i32.const 8) (local.get 3))
        (f64.store (i32.const 16) (local.get 4))
        (i32.add (local.get 5) (local.get 2)))
    (func (export "what was before") (param i32 i32) (result i32) (local i32 i32)
        (loop $l
            (local.set 3 (local.get 2))
            (local.set 2 (local.get 0))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if $l (i32.ne (local.get 2) (local.get 1))))
        (i32.add (i32.mul (local.get 0) (i32.const 100)) (i32.add (local.get 2) (i32.mul (local.get 3) (i32.const 10)))))
    (func (export "while") (param i32 i32) (result i32) (local i32)
        (block $out
            (loop $l
                (br_if $out (i32.ge_s (local.get 0) (local.get 1)))
                (local.set 2 (i32.add (local.get 2) (local.get 0)))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br $l)))
        (i32.add (local.get 2) (local.get 0)))
    (func (export "several ways back") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (if (i32.and (local.get 0) (i32.const 1))
                (then
                    (local.set 2 (i32.add (local.get 2) (i32.const 5)))
                    (br $l)))
            (local.set 2 (i32.mul (local.get 2) (i32.const 3)))
            (br_if $l (i32.lt_s (local.get 0) (local.get 1))))
        (local.get 2))
    (func (export "by a table") (param i32 i32) (result i32) (local i32)
        (block $out
            (loop $l
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br_if $out (i32.gt_s (local.get 0) (local.get 1)))
                (block $a
                    (block $b
                        (br_table $a $b $l (i32.and (local.get 0) (i32.const 3))))
                    (local.set 2 (i32.add (local.get 2) (i32.const 7)))
                    (br $l))
                (local.set 2 (i32.xor (local.get 2) (local.get 0)))
                (br $l)))
        (local.get 2))
    (func (export "parameters") (param i32 i32) (result i32)
        (i32.const 1)
        (local.get 0)
        (loop $l (param i32 i32) (result i32)
            (local.set 0)
            (i32.add (i32.const 3))
            (i32.add (local.get 0) (i32.const 1))
            (br_if $l (i32.lt_s (local.get 0) (local.get 1)))
            (i32.add)))
    (func (export "nested") (param i32 i32) (result i32) (local i32 i32)
        (loop $outer
            (local.set 2 (i32.const 11))
            (loop $inner
                (local.set 3 (i32.add (i32.mul (local.get 3) (i32.const 3)) (local.get 2)))
                (br_if $inner (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
            (br_if $outer (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 3))
    (func (export "both in one") (param i32 i32) (result i32) (local i32)
        (loop $outer
            (loop $inner
                (local.set 2 (i32.add (local.get 2) (i32.const 3)))
                (br_if $inner (i32.and (local.get 2) (i32.const 4))))
            (br_if $outer (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 2))
    (func (export "once") (param i32 i32) (result i32)
        (loop $l (local.set 0 (i32.add (local.get 0) (local.get 1))))
        (local.get 0))
    (func (export "calls") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (call $sum (i32.and (local.get 0) (i32.const 15)))))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 2))
    (func (export "calls the host") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (call $host (local.get 0))))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 2))
    (func (export "calls anyone") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2)
                (call_indirect (type $f) (local.get 0) (i32.and (local.get 0) (i32.const 1)))))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 2))
    (func (export "fills") (param i32 i32) (result i32)
        (loop $l
            (memory.fill (i32.const 100) (local.get 0) (local.get 1))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (i32.load (i32.const 100)))
    (func (export "grows") (param i32 i32) (result i32) (local i32)
        (loop $l
            (local.set 2 (i32.add (local.get 2) (memory.grow (i32.const 0))))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 2))
    (func (export "stores until it traps") (param i32 i32) (result i32)
        (loop $l
            (i32.store (i32.const 0) (local.get 0))
            (i32.store8 (i32.add (i32.mul (local.get 0) (i32.const 4099)) (i32.const 8)) (local.get 0))
            (br_if $l (i32.ne (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 0))
    (func (export "divides until it traps") (param i32 i32) (result i32) (local i32)
        (loop $l
            (i32.store (i32.const 0) (local.get 0))
            (local.set 2 (i32.add (local.get 2) (i32.div_s (i32.const 1000) (i32.sub (local.get 0) (i32.const 6)))))
            (br_if $l (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (local.get 1))))
        (local.get 2))
    (func (export "far") (param i32 i32) (result i32) (local i64 i64)
        (local.set 2 (i64.extend_i32_s (local.get 0)))
        (local.set 3 (i64.extend_i32_s (local.get 1)))
        (loop $l
            (i64.store (i32.const 0) (local.get 2))
            (br_if $l (i64.lt_s (local.tee 2 (i64.add (local.get 2) (i64.const 5))) (local.get 3))))
        (i32.wrap_i64 (local.get 2))))"#;

/// Loops that do not end.
const ENDLESS: &str = r#"(module
    (import "" "host" (func $host))
    (memory 1)
    (table 2 2 funcref)
    (elem (i32.const 0) $nothing $host)
    (type $f (func))
    (func $nothing)
    (func $little (param i32) (result i32)
        (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0))
    (func (export "empty") (loop (br 0)))
    (func (export "stores") (loop (i32.store (i32.const 0) (i32.const 1)) (br 0)))
    (func (export "counts") (local i32)
        (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br_if 0 (i32.ne (local.get 0) (i32.const 0))) (br 0)))
    (func (export "counts past its end") (local i32)
        (local.set 0 (i32.const 1))
        (loop (br_if 0 (local.tee 0 (i32.add (local.get 0) (i32.const 2))))))
    (func (export "looks") (local i32)
        (loop $l
            (local.set 0 (i32.and (i32.add (local.get 0) (i32.const 1)) (i32.const 1023)))
            (br_if $l (i32.eqz (i32.load8_u (local.get 0))))))
    (func (export "goes back in two ways") (local i32)
        (loop $l
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if $l (i32.and (local.get 0) (i32.const 1)))
            (br $l)))
    (func (export "nested") (local i32)
        (loop $outer
            (local.set 0 (i32.const 3))
            (loop $inner (br_if $inner (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (br $outer)))
    (func (export "calls") (loop (drop (call $little (i32.const 2))) (br 0)))
    (func (export "calls nothing") (loop (call $nothing) (br 0)))
    (func (export "calls the host") (loop (call $host) (br 0)))
    (func (export "calls anyone") (local i32)
        (loop
            (call_indirect (type $f) (i32.and (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
            (br 0)))
    (func (export "fills") (loop (memory.fill (i32.const 0) (i32.const 0) (i32.const 60000)) (br 0)))
    (func (export "grows") (loop (drop (memory.grow (i32.const 0))) (br 0)))
    (func $down (export "recurses") (param i32) (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))) (call $down (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "deep") (call $down (i32.const 60)))
    (func $leaves (export "leaves") (return_call $leaves)))"#;

/// Nothing asks more often.
const MOST_ASKED: u64 = 20_000;

fn engine(skipped: &[&str]) -> Engine {
    let mut config = Config::new();
    config.epoch_interruption(true).cranelift_debug_verifier(true);
    for name in skipped {
        config.skip_optimisation(name);
    }
    Engine::new(&config).unwrap()
}

/// What a call has left: its result or why there is none, what memory has, and how often the host was asked.
type Left = (Result<i32, Trap>, [u8; 128], u64);

/// Calls a function. Either the deadline never comes, or it has always come.
fn call(module: &Module, name: &str, (from, to): (i32, i32), always: bool) -> Left {
    let mut store = Store::new(module.engine(), 0);
    store.set_epoch_deadline(if always { 0 } else { 1 });
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        let goes_on = *store.data() < MOST_ASKED;
        Ok(if goes_on { UpdateDeadline::Continue(0) } else { UpdateDeadline::Interrupt })
    });
    let host = Func::wrap(&mut store, |number: i32| number ^ 3);
    let instance = Instance::new(&mut store, module, &[host.into()]).unwrap();
    let function = instance.get_func(&mut store, name).unwrap();
    let mut results = [Val::I32(0)];
    let result = function.call(&mut store, &[Val::I32(from), Val::I32(to)], &mut results);
    let result = result.map(|()| results[0].unwrap_i32()).map_err(|error| trap(&error));
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    (result, *memory.data(&store).first_chunk().unwrap(), *store.data())
}

#[test]
fn they_do_what_they_do_one_turn_at_a_time() {
    compare_without(&[]);
}

/// What the loops become is made of what others leave.
#[test]
fn they_do_so_without_other_steps() {
    for step in ["parameters", "counters", "addresses", "walks", "scans", "inlining", "widths"] {
        compare_without(&[step]);
    }
}

fn compare_without(skipped: &[&str]) {
    let each = module(&engine(&["loop-epochs"]), LOOPS);
    let some = module(&engine(skipped), LOOPS);
    let names = each.exports().filter(|export| export.ty().func().is_some());
    let names: Vec<String> = names.map(|export| export.name().to_string()).collect();
    let (mut ended, mut trapped, mut asked, mut expected) = (0, 0, 0, 0);
    for name in &names {
        for way in [
            (1, 1),
            (1, 2),
            (2, 9),
            (1, 3),
            (9, 1),
            (4, 4),
            (5, 4),
            (0, 12),
            (-3, 5),
            (3, 100),
            (100, 3),
            (0, 2_000),
        ] {
            let (result, memory, often) = call(&each, name, way, true);
            if result == Err(Trap::Interrupt) {
                continue;
            }
            for always in [true, false] {
                let left = call(&some, name, way, always);
                assert_eq!((left.0, left.1), (result, memory), "{name} {way:?}");
                assert!(left.2 <= often, "{name} {way:?}: asked {} times, not {often}", left.2);
                asked += left.2;
            }
            expected += often;
            *(if result.is_ok() { &mut ended } else { &mut trapped }) += 1;
        }
    }
    assert!(ended > 150 && trapped > 10, "{ended} loops have ended, {trapped} have trapped");
    // Small loops count four turns as one, others each.
    assert!(asked > expected / 2 && asked < expected, "asked {asked} times, not {expected}");
}

#[test]
fn they_are_interrupted_soon() {
    for skipped in [&[][..], &["loop-epochs"]] {
        let engine = engine(skipped);
        let module = module(&engine, ENDLESS);
        let names = module
            .exports()
            .filter(|export| export.ty().func().is_some_and(|ty| ty.params().len() == 0));
        for name in names.map(|export| export.name().to_string()) {
            let mut store = Store::new(&engine, ());
            let host = Func::wrap(&mut store, || ());
            let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
            store.set_epoch_deadline(1);
            let function = instance.get_typed_func::<(), ()>(&mut store, &name).unwrap();
            let other = std::thread::spawn({
                let engine = engine.clone();
                move || {
                    std::thread::sleep(Duration::from_millis(10));
                    let now = Instant::now();
                    engine.increment_epoch();
                    now
                }
            });
            let error = function.call(&mut store, ()).unwrap_err();
            let took = other.join().unwrap().elapsed();
            assert_eq!(trap(&error), Trap::Interrupt, "{name}");
            // On a busy machine it may have to wait itself.
            assert!(took < Duration::from_secs(2), "{name}: {took:?}");
        }
    }
}

/// A host that takes its time is followed by a question.
#[test]
fn it_is_asked_behind_calls_of_the_host() {
    let engine = engine(&[]);
    let module = module(&engine, ENDLESS);
    for name in ["calls the host", "calls anyone"] {
        let mut store = Store::new(&engine, 0);
        store.set_epoch_deadline(1);
        let ticks = engine.clone();
        let host = Func::wrap(&mut store, move |mut caller: wootz::Caller<'_, i32>| {
            *caller.data_mut() += 1;
            if *caller.data() == 3 {
                ticks.increment_epoch();
            }
        });
        let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
        let function = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        let error = function.call(&mut store, ()).unwrap_err();
        assert_eq!(trap(&error), Trap::Interrupt, "{name}");
        assert_eq!(*store.data(), 3, "{name}");
    }
}
