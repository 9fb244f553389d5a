//! Functions that are translated where they are called: nobody can tell, but by how fast it is.

#![cfg(feature = "compiler")]

use wootz::{Caller, Config, Engine, Linker, Module, Store, Val, WasmBacktrace};

/// Functions small enough to be part of their callers, in each other and in themselves, that trap, branch and return in all ways.
const MODULE: &str = r#"(module $guest
    (import "" "host" (func $host (param i32) (result i32)))
    (memory 1)
    (table funcref (elem $sum $divide))
    (type $binary (func (param i32 i32) (result i32)))
    (func $load (param i32) (result i32) (i32.load (local.get 0)))
    (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func $sum (param i32 i32) (result i32) (i32.add (call $load (local.get 0)) (call $load (local.get 1))))
    (func $calls_host (param i32) (result i32) (i32.add (i32.const 1) (call $host (local.get 0))))
    (func $early (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const -1))))
        (block (br_if 1 (i32.const 7) (i32.gt_s (local.get 0) (i32.const 5))) (drop))
        (br_table 0 0 (i32.const 9) (local.get 0)))
    (func $zeroed (param i32) (result i32) (local $fresh i32)
        (local.set $fresh (i32.add (local.get $fresh) (local.get 0))) (local.get $fresh))
    (func $swap (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
    (func $never (param i32) (result i32) unreachable)
    (func $stop (if (i32.eq (i32.load (i32.const 0)) (i32.const 0)) (then unreachable)))
    (func (export "load") (param i32 i32) (result i32) (i32.add (call $load (local.get 0)) (local.get 1)))
    (func (export "sum") (param i32 i32) (result i32) (i32.mul (i32.const 3) (call $sum (local.get 0) (local.get 1))))
    (func (export "divide") (param i32 i32) (result i32)
        (i32.sub (call $divide (local.get 0) (local.get 1)) (call $divide (local.get 1) (local.get 0))))
    (func (export "host") (param i32 i32) (result i32)
        (i32.add (call $calls_host (local.get 0)) (call $calls_host (local.get 1))))
    (func (export "early") (param i32 i32) (result i32)
        (i32.sub (call $early (local.get 0)) (i32.mul (i32.const 10) (call $early (local.get 1)))))
    (func (export "zeroed") (param i32 i32) (result i32) (local $i i32)
        (loop $again
            (local.set $i (call $zeroed (local.get 1)))
            (br_if $again (local.tee 0 (i32.and (i32.const 7) (i32.sub (local.get 0) (i32.const 1))))))
        (local.get $i))
    (func (export "swap") (param i32 i32) (result i32)
        (call $swap (local.get 0) (i64.extend_i32_s (local.get 1)))
        (local.set 0) (i32.wrap_i64) (i32.sub (local.get 0)))
    (func (export "never") (param i32 i32) (result i32)
        (if (result i32) (local.get 0) (then (call $never (local.get 1))) (else (i32.const 4))))
    (func (export "stop") (param i32 i32) (result i32)
        (i32.store (i32.const 0) (local.get 0)) (call $stop) (local.get 1))
    (func (export "indirect") (param i32 i32) (result i32)
        (call_indirect (type $binary) (local.get 0) (local.get 1) (i32.and (local.get 0) (i32.const 1))))
    (func $fib (export "fib") (param i32 i32) (result i32)
        (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (i32.div_s (local.get 0) (local.get 1)))))
        (i32.add
            (call $fib (i32.sub (local.get 0) (i32.const 1)) (local.get 1))
            (call $fib (i32.sub (local.get 0) (i32.const 2)) (local.get 1))))
    (func $down (export "down") (param i32 i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)) (local.get 1))))
            (else (call $load (local.get 1)))))
    (func $deep (export "deep") (param i32 i32) (result i32)
        (i32.add (i32.const 1) (call $deep (local.get 0) (local.get 1)))))"#;

const EXPORTS: &[&str] = &[
    "load", "sum", "divide", "host", "early", "zeroed", "swap", "never", "stop", "indirect", "fib",
    "down",
];

/// What a call did: its result, or the error as people see it; and where the host was called from.
fn outcomes(config: &Config) -> Vec<String> {
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, MODULE).unwrap();
    let mut linker = Linker::<Vec<String>>::new(&engine);
    let host = |mut caller: Caller<'_, Vec<String>>, number: i32| {
        let trace = WasmBacktrace::capture(&caller);
        let frames = trace
            .frames()
            .iter()
            .map(|frame| format!("{:?} {:?}", frame.func_name(), frame.func_offset()));
        let text = frames.collect::<Vec<_>>().join(", ");
        caller.data_mut().push(text);
        match number {
            13 => Err(anyhow::anyhow!("the host refuses")),
            number => Ok(number * 2),
        }
    };
    linker.func_wrap("", "host", host).unwrap();
    let mut outcomes = Vec::new();
    for export in EXPORTS {
        for arguments in [
            (0, 0),
            (1, 1),
            (2, 1),
            (7, 2),
            (9, 0),
            (13, 3),
            (65533, 1),
            (65532, 65533),
            (-1, 4),
            (20, 65536),
        ] {
            let mut store = Store::new(&engine, Vec::new());
            if engine.get_consume_fuel() {
                store.set_fuel(10_000_000).unwrap();
            }
            store.set_epoch_deadline(1);
            let instance = linker.instantiate(&mut store, &module).unwrap();
            let function = instance.get_func(&mut store, export).unwrap();
            if matches!(*export, "fib" | "down") && !(0..30).contains(&arguments.0) {
                continue;
            }
            let mut results = [Val::I32(0)];
            let arguments = [Val::I32(arguments.0), Val::I32(arguments.1)];
            let outcome = function.call(&mut store, &arguments, &mut results);
            let fuel = store.get_fuel().ok();
            let text = match outcome {
                Ok(()) => format!("{results:?}"),
                Err(error) => format!("{error:#}"),
            };
            outcomes.push(format!("{export}{arguments:?}: {text} {fuel:?} {:?}", store.data()));
        }
    }
    outcomes
}

fn without(mut config: Config) -> Config {
    config.skip_optimisation("inlining");
    config
}

fn assert_same(with: &[String], without: &[String]) {
    assert_eq!(with.len(), without.len());
    for (with, without) in with.iter().zip(without) {
        assert_eq!(with, without);
    }
}

#[test]
fn results_and_backtraces_are_the_same() {
    let with = outcomes(&Config::new());
    let without = outcomes(&without(Config::new()));
    assert_same(&with, &without);
    // The test itself is worth something.
    let all = with.join("\n");
    for part in ["guest!load", "guest!divide", "guest!never", "the host refuses", "guest!sum"] {
        assert!(all.contains(part), "no {part}:\n{all}");
    }
    assert!(with.iter().any(|line| line.matches("guest!down").count() > 15), "{all}");
}

#[test]
fn as_much_fuel_is_used() {
    let mut config = Config::new();
    config.consume_fuel(true);
    assert_same(&outcomes(&config), &outcomes(&without(config)));
}

#[test]
fn epochs_stop_it_too() {
    let mut config = Config::new();
    config.epoch_interruption(true);
    assert_same(&outcomes(&config), &outcomes(&without(config)));
}

/// Code without functions that are translated where they are called would not be faster, and these tests no tests.
#[test]
fn it_is_done() {
    let code = |config: &Config| {
        let engine = Engine::new(config).unwrap();
        // So many calls that it shows, though functions are padded.
        let calls = "(i32.xor (call $small))".repeat(20);
        let wat = format!(
            "(module (func $small (result i32) (i32.const 7)) (func (export \"f\") (result i32) (call $small) {calls}))"
        );
        Module::new(&engine, wat).unwrap().text().len()
    };
    assert!(code(&Config::new()) < code(&without(Config::new())));
}

#[test]
fn recursion_without_end_is_a_stack_overflow() {
    let engine = Engine::default();
    let module = Module::new(
        &engine,
        r#"(module (func $deep (export "deep") (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (call $deep (local.get 0)))))))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = wootz::Instance::new(&mut store, &module, &[]).unwrap();
    let deep = instance.get_typed_func::<i32, i32>(&mut store, "deep").unwrap();
    let error = deep.call(&mut store, 0).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&wootz::Trap::StackOverflow));
}

/// Of functions that call each other in a circle, the one that asks how much stack there is may be translated into another.
#[test]
fn circles_without_end_are_stack_overflows() {
    let engine = Engine::default();
    for last in ["$first", "$second", "$third"] {
        let wat = format!(
            r#"(module
                (func $first (param i32) (result i32)
                    (i32.add (call $second (local.get 0)) (call $second (i32.add (local.get 0) (i32.const 1)))))
                (func $second (param i32) (result i32) (i32.mul (i32.const 3) (call $third (local.get 0))))
                (func $third (param i32) (result i32) (i32.xor (i32.const 5) (call {last} (local.get 0))))
                (func (export "run") (param i32) (result i32) (i32.add (i32.const 1) (call $first (local.get 0)))))"#
        );
        let module = Module::new(&engine, wat).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = wootz::Instance::new(&mut store, &module, &[]).unwrap();
        let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
        let error = run.call(&mut store, 0).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&wootz::Trap::StackOverflow), "{last}");
    }
}
