//! Many threads that share modules: every call gives what it would give alone, whatever the others do meanwhile.
#![cfg(feature = "compiler")]

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use common::{Directory, module, trap};
use wootz::{
    AsContextMut, Caller, Config, Engine, Error, ExternRef, Instance, InstancePre, Linker, Module,
    Result, RootScope, Rooted, Store, Trap, UpdateDeadline, Val, WasmBacktrace,
};

type Value = Option<Rooted<ExternRef>>;

const WORKERS: u32 = 8;
/// How many stores each worker makes.
const ROUNDS: u32 = 700;
/// An epoch that does not come.
const NEVER: u64 = 1 << 60;

const GUEST: &str = r#"(module $guest
    (import "host" "next" (func $next (param i32) (result i32)))
    (import "host" "make" (func $make (param i32) (result externref)))
    (import "host" "number" (func $number (param externref) (result i32)))
    (import "host" "collect" (func $collect))
    (import "host" "fail" (func $fail (param i32)))
    (memory (export "memory") 1 4)
    (data (i32.const 100) "\07\00\00\00")
    (table $values (export "table") 4 externref)
    (global $state (mut i32) (i32.const 1))
    ;; A pseudorandom number that went through memory, a global and the host this often.
    (func (export "work") (param $seed i32) (param $rounds i32) (result i32)
        (global.set $state (i32.add (local.get $seed) (i32.load (i32.const 100))))
        (loop $again
            (i32.store (i32.const 200)
                (i32.add (i32.mul (global.get $state) (i32.const 1664525)) (i32.const 1013904223)))
            (global.set $state (call $next (i32.load (i32.const 200))))
            (br_if $again
                (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
        global.get $state)
    ;; Values in a local, in a table and on the stack of operands, while others are collected.
    (func (export "hold") (param $n i32) (result i32) (local $value externref)
        (local.set $value (call $make (local.get $n)))
        (table.set $values (i32.const 2) (call $make (i32.add (local.get $n) (i32.const 1))))
        (drop (call $make (i32.const 0)))
        (call $number (call $make (i32.add (local.get $n) (i32.const 2)))
            (call $collect))
        (i32.add (call $number (local.get $value)))
        (i32.add (call $number (table.get $values (i32.const 2)))))
    (func $inner (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
    (func $divide (export "divide") (result i32) (call $inner (i32.const 0)))
    (func $outside (export "outside") (result i32) (i32.load (i32.const -8)))
    (func $grow (export "grow") (result i32)
        (drop (memory.grow (i32.const 2)))
        (i32.store (i32.const 196604) (i32.const 77))
        (i32.load (i32.const 196608)))
    (func $recurse (export "recurse") (result i32)
        (i32.add (call $recurse) (i32.const 1)))
    (func $ask (export "ask") (param i32) (result i32)
        (call $fail (local.get 0)) (i32.const 0))
    (func $spin (export "spin") (result i32) (loop $l (br $l)) (i32.const 0)))"#;

fn work(seed: u32, rounds: u32) -> u32 {
    let mut state = seed.wrapping_add(7);
    for _ in 0..rounds {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223).rotate_left(7);
    }
    state
}

/// A host value. Counts how many there are.
struct Number(u32, Arc<AtomicUsize>);

impl Number {
    fn new(number: u32, count: &Arc<AtomicUsize>) -> Number {
        count.fetch_add(1, Ordering::Relaxed);
        Number(number, count.clone())
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the host keeps with each store.
struct Host {
    values: Arc<AtomicUsize>,
    deadlines: u32,
}

#[derive(Debug)]
struct Failed(u32);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failed with {}", self.0)
    }
}

impl std::error::Error for Failed {}

fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("host", "next", |value: u32| value.rotate_left(7))
        .unwrap()
        .func_wrap("host", "make", |mut caller: Caller<'_, Host>, number: u32| -> Result<Value> {
            let number = Number::new(number, &caller.data().values);
            ExternRef::new(caller.as_context_mut(), number).map(Some)
        })
        .unwrap()
        .func_wrap("host", "number", |caller: Caller<'_, Host>, value: Value| -> Result<u32> {
            let data = value.expect("not null").data(&caller)?.expect("a host value");
            Ok(data.downcast_ref::<Number>().expect("a number").0)
        })
        .unwrap()
        .func_wrap("host", "collect", |mut caller: Caller<'_, Host>| caller.gc(None))
        .unwrap()
        .func_wrap("host", "fail", |caller: Caller<'_, Host>, code: u32| -> Result<()> {
            assert_eq!(WasmBacktrace::force_capture(&caller).frames().len(), 1);
            match code % 2 {
                0 => Err(Error::new(Failed(code))),
                _ => std::panic::panic_any(code),
            }
        })
        .unwrap();
    linker
}

/// What a worker found wrong on purpose: for others to look into, after the store is gone.
type Report = (Error, Trap, &'static [&'static str]);

/// Makes one store, and does in it what the round says.
fn serve(guest: &InstancePre<Host>, seed: u32, host: Host) -> Option<Report> {
    let mut store = Store::new(guest.module().engine(), host);
    store.set_epoch_deadline(NEVER);
    let instance = guest.instantiate(&mut store).unwrap();
    let call = |store: &mut Store<Host>, name: &str| {
        let func = instance.get_typed_func::<(), u32>(&mut *store, name).unwrap();
        func.call(store, ()).unwrap_err()
    };
    let check_work = |store: &mut Store<Host>| {
        let func = instance.get_typed_func::<(u32, u32), u32>(&mut *store, "work").unwrap();
        assert_eq!(func.call(store, (seed, 20)).unwrap(), work(seed, 20));
    };
    check_work(&mut store);
    let report: Option<Report> = match seed % 8 {
        0 => Some((call(&mut store, "divide"), Trap::IntegerDivisionByZero, &["inner", "divide"])),
        1 => Some((call(&mut store, "outside"), Trap::MemoryOutOfBounds, &["outside"])),
        2 => Some((call(&mut store, "grow"), Trap::MemoryOutOfBounds, &["grow"])),
        3 => {
            let error = call(&mut store, "recurse");
            assert_eq!(trap(&error), Trap::StackOverflow);
            None
        }
        4 | 5 => {
            let hold = instance.get_typed_func::<u32, u32>(&mut store, "hold").unwrap();
            for n in 0..5 {
                assert_eq!(
                    hold.call(&mut store, seed % 1000 + n).unwrap(),
                    3 * (seed % 1000 + n) + 3
                );
            }
            let mut scope = RootScope::new(&mut store);
            let value = Number::new(seed, &scope.as_context_mut().data().values.clone());
            let value = ExternRef::new(&mut scope, value).unwrap();
            let table = instance.get_table(&mut scope, "table").unwrap();
            table.set(&mut scope, 0, value.into()).unwrap();
            None
        }
        6 => {
            let ask = instance.get_typed_func::<u32, u32>(&mut store, "ask").unwrap();
            let code = seed / 8;
            if code.is_multiple_of(2) {
                let error = ask.call(&mut store, code).unwrap_err();
                assert_eq!(error.downcast_ref::<Failed>().unwrap().0, code);
            } else {
                let call = std::panic::AssertUnwindSafe(|| ask.call(&mut store, code));
                let payload = std::panic::catch_unwind(call).unwrap_err();
                assert_eq!(payload.downcast_ref(), Some(&code));
            }
            None
        }
        _ if seed.is_multiple_of(3) => {
            store.epoch_deadline_callback(|mut store| {
                store.data_mut().deadlines += 1;
                store.gc(None)?;
                Ok(match store.data().deadlines {
                    3 => UpdateDeadline::Interrupt,
                    _ => UpdateDeadline::Continue(1),
                })
            });
            store.set_epoch_deadline(1);
            let error = call(&mut store, "spin");
            assert_eq!(store.data().deadlines, 3);
            Some((error, Trap::Interrupt, &["spin"]))
        }
        _ => {
            // Whether it gets done in time is open; what it gives if it does is not.
            store.set_epoch_deadline(1);
            let func = instance.get_typed_func::<(u32, u32), u32>(&mut store, "work").unwrap();
            match func.call(&mut store, (seed, 3000)) {
                Ok(result) => assert_eq!(result, work(seed, 3000)),
                Err(error) => assert_eq!(trap(&error), Trap::Interrupt),
            }
            store.set_epoch_deadline(NEVER);
            None
        }
    };
    // Whatever happened, the instance does what it did before.
    store.set_epoch_deadline(NEVER);
    check_work(&mut store);
    report
}

/// Modules that come and go: compiled, from memory, from a file.
fn come_and_go(engine: &Engine, directory: &Directory, done: &AtomicBool) -> usize {
    let wat = r#"(module (import "host" "next" (func (param i32) (result i32)))
        (func $stop (export "stop") (param i64 f32 i32) (result i32) unreachable))"#;
    let artifact = engine.precompile_module(wat.as_bytes()).unwrap();
    let path = directory.file("guest.so", &artifact);
    let linker = linker(engine);
    let mut rounds = 0;
    while !done.load(Ordering::Relaxed) {
        let module = match rounds % 8 {
            0 => module(engine, wat),
            // SAFETY: made above.
            1..4 => unsafe { Module::deserialize(engine, &artifact) }.unwrap(),
            // SAFETY: as above.
            _ => unsafe { Module::load(engine, &path) }.unwrap(),
        };
        rounds += 1;
        let values = Arc::default();
        let mut store = Store::new(engine, Host { values, deadlines: 0 });
        store.set_epoch_deadline(NEVER);
        let instance = linker.instantiate(&mut store, &module).unwrap();
        drop(module);
        let stop = instance.get_func(&mut store, "stop").unwrap();
        let arguments = [Val::I64(1), Val::F32(0), Val::I32(2)];
        let error = stop.call(&mut store, &arguments, &mut [Val::I32(0)]).unwrap_err();
        drop(store);
        assert_eq!(trap(&error), Trap::UnreachableCodeReached);
        assert_eq!(common::names(&error), ["stop"]);
    }
    rounds
}

#[test]
fn stores_on_many_threads_do_not_disturb_each_other() {
    // Panics of host functions are part of it, and not worth a message each.
    std::panic::set_hook(Box::new(|info| {
        if !info.payload().is::<u32>() {
            eprintln!("{info}");
        }
    }));
    let engine =
        Engine::new(Config::new().epoch_interruption(true).max_wasm_stack(64 << 10)).unwrap();
    let guest = linker(&engine).instantiate_pre(&module(&engine, GUEST)).unwrap();
    let directory = Directory::new("threads");
    let values = Arc::new(AtomicUsize::new(0));
    let done = AtomicBool::new(false);
    let (reports, inbox) = mpsc::channel::<Report>();
    thread::scope(|scope| {
        let clock = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                engine.increment_epoch();
                thread::sleep(Duration::from_micros(300));
            }
        });
        let loader = scope.spawn(|| come_and_go(&engine, &directory, &done));
        let reader = scope.spawn(move || {
            let mut count = 0;
            for (error, expected, names) in inbox {
                assert_eq!(trap(&error), expected);
                assert_eq!(common::names(&error), names);
                count += 1;
            }
            count
        });
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (guest, values, reports) = (&guest, &values, reports.clone());
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let host = Host { values: values.clone(), deadlines: 0 };
                        let seed = worker * ROUNDS + round;
                        if let Some(report) = serve(guest, seed, host) {
                            reports.send(report).unwrap();
                        }
                    }
                })
            })
            .collect();
        drop(reports);
        let results: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
        clock.join().unwrap();
        let (loaded, reported) = (loader.join().unwrap(), reader.join().unwrap());
        println!("{loaded} modules came and went, {reported} traps were looked into");
        assert!(loaded > 0 && reported > WORKERS * ROUNDS / 4);
    });
    assert_eq!(values.load(Ordering::Relaxed), 0, "every host value was dropped");
    let _ = std::panic::take_hook();
}

/// A store moves between threads from call to call, each with a stack of its own.
#[test]
fn a_store_may_wander_between_threads() {
    let engine = Engine::default();
    let guest = linker(&engine).instantiate_pre(&module(&engine, GUEST)).unwrap();
    let values = Arc::new(AtomicUsize::new(0));
    let mut store = Store::new(&engine, Host { values: values.clone(), deadlines: 0 });
    let instance = guest.instantiate(&mut store).unwrap();
    for round in 0..50 {
        store = thread::Builder::new()
            .stack_size((1 << 20) << (round % 3))
            .spawn(move || {
                check(&mut store, instance, round);
                store
            })
            .unwrap()
            .join()
            .unwrap();
    }
    drop(store);
    assert_eq!(values.load(Ordering::Relaxed), 0);
}

fn check(store: &mut Store<Host>, instance: Instance, round: u32) {
    let hold = instance.get_typed_func::<u32, u32>(&mut *store, "hold").unwrap();
    assert_eq!(hold.call(&mut *store, round).unwrap(), 3 * round + 3);
    for (name, expected) in [("recurse", Trap::StackOverflow), ("outside", Trap::MemoryOutOfBounds)]
    {
        let func = instance.get_typed_func::<(), u32>(&mut *store, name).unwrap();
        assert_eq!(trap(&func.call(&mut *store, ()).unwrap_err()), expected);
    }
}

/// A host function may pass its store on to another thread for the time of the call.
#[test]
fn a_host_function_may_use_its_store_on_another_thread() {
    let engine = Engine::new(Config::new().max_wasm_stack(128 << 10)).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "" "make" (func $make (result externref)))
            (import "" "again" (func $again (param i32)))
            (import "" "use" (func $use (param externref)))
            (func $recurse (export "recurse") (result i32)
                (i32.add (call $recurse) (i32.const 1)))
            (func $run (export "run") (param i32) (local externref)
                (local.set 1 (call $make))
                (if (local.get 0)
                    (then (call $again (i32.sub (local.get 0) (i32.const 1)))))
                (call $use (local.get 1))))"#,
    );
    let values = Arc::new(AtomicUsize::new(0));
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("", "make", |mut caller: Caller<'_, Host>| -> Result<Value> {
            let number = Number::new(7, &caller.data().values);
            ExternRef::new(caller.as_context_mut(), number).map(Some)
        })
        .unwrap()
        .func_wrap("", "use", |caller: Caller<'_, Host>, value: Value| -> Result<()> {
            let value = value.expect("not null").data(&caller)?;
            assert_eq!(value.expect("not collected").downcast_ref::<Number>().unwrap().0, 7);
            Ok(())
        })
        .unwrap()
        .func_wrap("", "again", |mut caller: Caller<'_, Host>, depth: i32| -> Result<()> {
            let mut export = |name| caller.get_export(name).unwrap().into_func().unwrap();
            let (run, recurse) = (export("run"), export("recurse"));
            let mut store = caller.as_context_mut();
            thread::scope(|scope| {
                let other = scope.spawn(move || {
                    let run = run.typed::<i32, ()>(&store)?;
                    run.call(&mut store, depth)?;
                    let frames = WasmBacktrace::force_capture(&store).frames().len();
                    assert_eq!(frames, 5 - depth as usize, "those of all threads");
                    store.gc(None)?;
                    let recurse = recurse.typed::<(), u32>(&store)?;
                    let error = recurse.call(&mut store, ()).unwrap_err();
                    assert_eq!(trap(&error), Trap::StackOverflow);
                    Ok(())
                });
                other.join().unwrap()
            })
        })
        .unwrap();
    let mut store = Store::new(&engine, Host { values: values.clone(), deadlines: 0 });
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap();
    run.call(&mut store, 5).unwrap();
    store.gc(None).unwrap();
    assert_eq!(values.load(Ordering::Relaxed), 0);
}
