//! Guests that run too long: fuel, epochs, and what the host may answer.
#![cfg(feature = "compiler")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wootz::{
    Caller, Config, Engine, Func, Instance, Linker, Module, Store, StoreContextMut, Trap,
    UpdateDeadline,
};

fn engine(change: impl FnOnce(&mut Config) -> &mut Config) -> Engine {
    let mut config = Config::new();
    change(&mut config);
    Engine::new(&config).unwrap()
}

fn counting() -> Engine {
    engine(|config| config.consume_fuel(true))
}

fn interruptible() -> Engine {
    engine(|config| config.epoch_interruption(true))
}

const FIBONACCI: &str = r#"(module
    (func $fibonacci (export "fibonacci") (param $n i32) (result i32)
        (if (i32.lt_s (local.get $n) (i32.const 2)) (then (return (local.get $n))))
        (i32.add
            (call $fibonacci (i32.sub (local.get $n) (i32.const 1)))
            (call $fibonacci (i32.sub (local.get $n) (i32.const 2))))))"#;

/// How much fuel a call of `f` uses.
fn used(engine: &Engine, wat: &str, fuel: u64) -> u64 {
    let module = Module::new(engine, wat).unwrap();
    let mut store = Store::new(engine, ());
    store.set_fuel(fuel).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_func(&mut store, "f").unwrap();
    f.call(&mut store, &[], &mut []).unwrap();
    fuel - store.get_fuel().unwrap()
}

#[test]
fn fuel_is_counted_as_wasmtime_counts_it() {
    let engine = counting();
    let module = Module::new(&engine, FIBONACCI).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(10_000).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<i32, i32>(&mut store, "fibonacci").unwrap();
    let mut costs = Vec::new();
    for n in 0..5 {
        let before = store.get_fuel().unwrap();
        f.call(&mut store, n).unwrap();
        costs.push(before - store.get_fuel().unwrap());
    }
    assert_eq!(costs, [6, 6, 26, 46, 86]);
}

#[test]
fn every_kind_of_operator_has_its_price() {
    let engine = counting();
    for (body, expected) in [
        ("", 1),
        ("(drop (i32.const 1)) nop (block) (loop)", 2),
        ("(block (br 0)) (return)", 2),
        ("(if (i32.const 0) (then nop) (else (drop (i32.const 3))))", 4),
        ("(block (br_if 0 (i32.const 1)) (drop (i32.const 3)))", 3),
        ("(block (br_table 0 0 (i32.const 1)))", 3),
        ("(call $g) (call $g)", 7),
        ("(call_indirect (i32.const 0))", 5),
        ("(memory.fill (i32.const 0) (i32.const 1) (i32.const 1000))", 1 + 4 + 1000),
        ("(memory.fill (i32.const 0) (i32.const 1) (i32.const 3))", 1 + 4 + 3),
        ("(memory.copy (i32.const 0) (i32.const 9) (local.get $n))", 1 + 4 + 77),
        ("(table.fill (i32.const 0) (ref.null func) (i32.const 2))", 1 + 4 + 2),
        ("(drop (table.grow (ref.null func) (i32.const 5)))", 1 + 3 + 5),
        ("(drop (memory.grow (i32.const 0)))", 1 + 2),
        ("(loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))", 1 + 77 * 5),
    ] {
        let wat = format!(
            "(module (memory 1) (table 3 10 funcref) (elem (i32.const 0) func $g)
                (func $g (drop (i32.const 0)) nop)
                (func $f (param $n i32) {body})
                (func (export \"f\") (call $f (i32.const 77))))"
        );
        assert_eq!(used(&engine, &wat, 1 << 40), expected + 3, "{body}");
    }
}

#[test]
fn a_guest_without_fuel_traps_and_may_get_more() {
    let engine = counting();
    let module = Module::new(
        &engine,
        r#"(module (import "" "more" (func $more))
            (func (export "spin") (loop (br 0)))
            (func (export "ask") (loop $l (call $more) (br $l)))
            (func (export "deep") (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then unreachable))
                (call 3 (i32.sub (local.get 0) (i32.const 1)))))"#,
    )
    .unwrap();
    let mut store = Store::new(&engine, 0u32);
    let more = Func::wrap(&mut store, |mut caller: Caller<'_, u32>| -> wootz::Result<()> {
        *caller.data_mut() += 1;
        if *caller.data() < 50 {
            let left = caller.get_fuel()?;
            assert!(left < 10, "what the guest has used is known here: {left}");
            caller.set_fuel(9)?;
        }
        Ok(())
    });
    let instance = Instance::new(&mut store, &module, &[more.into()]).unwrap();
    let call = |store: &mut Store<u32>, name: &str, fuel: u64| {
        store.set_fuel(fuel).unwrap();
        let func = instance.get_typed_func::<(), ()>(&mut *store, name).unwrap();
        let error = func.call(&mut *store, ()).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Trap::OutOfFuel), "{error:?}");
        assert_eq!(error.root_cause().to_string(), "wasm trap: all fuel consumed by WebAssembly");
        assert_eq!(store.get_fuel().unwrap(), 0);
    };
    call(&mut store, "spin", 1000);
    call(&mut store, "spin", 0);
    call(&mut store, "ask", 9);
    assert!((50..55).contains(store.data()), "{}", store.data());
    // The store stays usable, and a trap leaves a plausible rest.
    store.set_fuel(10_000).unwrap();
    let deep = instance.get_typed_func::<i32, i32>(&mut store, "deep").unwrap();
    assert_eq!(
        deep.call(&mut store, 100).unwrap_err().downcast_ref(),
        Some(&Trap::UnreachableCodeReached)
    );
    assert_eq!(store.get_fuel().unwrap(), 10_000 - (100 * 8 + 4));
}

#[test]
fn there_is_room_for_all_the_fuel_there_can_be() {
    let engine = counting();
    let wat = r#"(module (func (export "f") (drop (i32.const 0))))"#;
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, ());
    assert_eq!(store.get_fuel().unwrap(), 0, "a new store has none");
    store.set_fuel(u64::MAX).unwrap();
    assert_eq!(store.get_fuel().unwrap(), u64::MAX);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    f.call(&mut store, ()).unwrap();
    assert_eq!(store.get_fuel().unwrap(), u64::MAX - 2);
    store.set_fuel(3).unwrap();
    f.call(&mut store, ()).unwrap();
    assert_eq!(store.get_fuel().unwrap(), 1);

    let mut store = Store::new(&Engine::default(), ());
    let error = store.set_fuel(1).unwrap_err();
    assert_eq!(error.to_string(), "fuel is not configured in this store");
    assert!(store.get_fuel().is_err());
}

#[test]
fn a_start_function_uses_fuel_too() {
    let engine = counting();
    let module = Module::new(&engine, "(module (func (loop (br 0))) (start 0))").unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(100).unwrap();
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::OutOfFuel));
}

const SPIN: &str = r#"(module
    (import "" "hello" (func $hello))
    (memory 16)
    (func (export "spin") (loop (br 0)))
    (func (export "store") (loop (i32.store (i32.const 0) (i32.const 1)) (br 0)))
    (func $recurse (export "recurse") (call $hello) (call $recurse))
    (func (export "fill")
        (loop (memory.fill (i32.const 0) (i32.const 0) (i32.const 1000)) (br 0)))
    (func (export "nothing")))"#;

#[test]
fn another_thread_interrupts_whatever_loops() {
    let engine = interruptible();
    let module = Module::new(&engine, SPIN).unwrap();
    for name in ["spin", "store", "recurse", "fill"] {
        let mut store = Store::new(&engine, ());
        let hello = Func::wrap(&mut store, || std::thread::sleep(Duration::from_micros(100)));
        let instance = Instance::new(&mut store, &module, &[hello.into()]).unwrap();
        store.set_epoch_deadline(1);
        let func = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        let nothing = instance.get_typed_func::<(), ()>(&mut store, "nothing").unwrap();
        nothing.call(&mut store, ()).unwrap();
        let other = std::thread::spawn({
            let engine = engine.clone();
            move || {
                std::thread::sleep(Duration::from_millis(20));
                engine.increment_epoch();
            }
        });
        let error = func.call(&mut store, ()).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt), "{name}: {error:?}");
        assert_eq!(error.root_cause().to_string(), "wasm trap: interrupt");
        other.join().unwrap();
        assert!(nothing.call(&mut store, ()).is_err(), "the deadline has passed");
        store.set_epoch_deadline(1);
        nothing.call(&mut store, ()).unwrap();
    }
}

#[test]
fn the_deadline_of_a_new_store_has_passed() {
    let engine = interruptible();
    let module = Module::new(&engine, r#"(module (func (export "f")))"#).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    assert_eq!(f.call(&mut store, ()).unwrap_err().downcast_ref(), Some(&Trap::Interrupt));
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
    f.call(&mut store, ()).unwrap();
    store.epoch_deadline_trap();
    f.call(&mut store, ()).unwrap();
    engine.increment_epoch();
    assert!(f.call(&mut store, ()).is_err());
}

#[test]
fn a_callback_decides_at_the_deadline_and_may_use_the_store() {
    let engine = engine(|config| config.epoch_interruption(true).consume_fuel(true));
    let module = Module::new(&engine, SPIN).unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "hello", || ()).unwrap();
    let mut store = Store::new(&engine, Vec::new());
    store.set_fuel(1 << 40).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    store.set_epoch_deadline(0);
    store.epoch_deadline_callback(move |mut store: StoreContextMut<'_, Vec<u64>>| {
        let fuel = store.get_fuel()?;
        store.data_mut().push(fuel);
        match store.data().len() {
            1 => Ok(UpdateDeadline::Continue(0)),
            2 => {
                // Wasm may be called from here. Its own deadline has come as well, with nobody to ask.
                let nothing = instance.get_typed_func::<(), ()>(&mut store, "nothing")?;
                assert!(nothing.call(&mut store, ()).is_err());
                store.set_epoch_deadline(1);
                nothing.call(&mut store, ())?;
                store.set_fuel(500)?;
                Ok(UpdateDeadline::Continue(0))
            }
            3 => anyhow::bail!("enough of this"),
            _ => unreachable!(),
        }
    });
    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin").unwrap();
    let error = spin.call(&mut store, ()).unwrap_err();
    assert_eq!(error.root_cause().to_string(), "enough of this");
    assert!(error.downcast_ref::<wootz::WasmBacktrace>().is_some());
    let fuel = store.data();
    assert_eq!(fuel[0], (1 << 40) - 1, "the call has cost a unit, and nothing else was run");
    assert_eq!(fuel[1], (1 << 40) - 2, "a branch, before the next turn");
    assert_eq!(fuel[2], 500 - 1, "a branch");
}

#[test]
fn epochs_may_be_incremented_in_signal_handlers_and_by_many_threads() {
    let engine = interruptible();
    let module = Module::new(&engine, SPIN).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let ticker = std::thread::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        move || {
            while !stop.load(Ordering::Relaxed) {
                engine.increment_epoch();
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let mut store = Store::new(&engine, 0);
                    let hello = Func::wrap(&mut store, || ());
                    store.set_epoch_deadline(1);
                    store.epoch_deadline_callback(|mut store| {
                        *store.data_mut() += 1;
                        Ok(match store.data() {
                            5 => UpdateDeadline::Interrupt,
                            _ => UpdateDeadline::Continue(1),
                        })
                    });
                    let instance = Instance::new(&mut store, &module, &[hello.into()]).unwrap();
                    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin").unwrap();
                    let error = spin.call(&mut store, ()).unwrap_err();
                    assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
                    assert_eq!(*store.data(), 5);
                }
            });
        }
    });
    stop.store(true, Ordering::Relaxed);
    ticker.join().unwrap();
}

#[test]
fn nothing_is_lost_when_a_guest_goes_on() {
    // More values than there are registers, all of which live across every check.
    let (ints, floats) = (0..14, 0..18);
    let locals: String = ints
        .clone()
        .map(|i| format!("(local $i{i} i64)"))
        .chain(floats.clone().map(|f| format!("(local $f{f} f64)")))
        .collect();
    let steps: String = ints
        .clone()
        .map(|i| {
            let other = (i + 1) % 14;
            format!(
                "(local.set $i{i} (i64.add (local.get $i{other})
                    (i64.mul (local.get $i{i}) (i64.const {}))))",
                2 * i + 3
            )
        })
        .chain(floats.clone().map(|f| {
            let other = (f + 1) % 18;
            format!(
                "(local.set $f{f} (f64.sub (f64.const 1.5)
                    (f64.mul (local.get $f{other}) (f64.const 0.{}))))",
                f + 11
            )
        }))
        .collect();
    let sum = ints
        .map(|i| format!("(local.get $i{i}) i64.xor "))
        .chain(floats.map(|f| format!("(local.get $f{f}) i64.reinterpret_f64 i64.xor ")));
    let wat = format!(
        "(module (func (export \"run\") (param $n i32) (result i64) {locals}
            (local.set $i0 (i64.const 88172645463325252))
            (loop $again {steps}
                (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i64.const 0) {}))",
        sum.collect::<String>()
    );
    let run = |engine: &Engine| {
        let module = Module::new(engine, &wat).unwrap();
        let mut store = Store::new(engine, 0u64);
        store.epoch_deadline_callback(|mut store| {
            *store.data_mut() += 1;
            Ok(UpdateDeadline::Continue(0))
        });
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let run = instance.get_typed_func::<i32, i64>(&mut store, "run").unwrap();
        (run.call(&mut store, 1000).unwrap(), *store.data())
    };
    let (expected, asked) = run(&Engine::default());
    assert_eq!(asked, 0);
    // At its beginning, and before each turn but the first.
    assert_eq!(run(&interruptible()), (expected, 1000), "each check asks");
}
