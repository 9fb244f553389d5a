//! Everything that ends a call early: traps of each kind, host errors, panics, and the backtraces they carry.
#![cfg(feature = "compiler")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{instance, linked, module, names, trap};
use wootz::{Config, Engine, Func, Instance, Module, OptLevel, Store, Trap, WasmBacktrace};

#[test]
fn each_kind_of_trap() {
    let (mut store, instance) = instance(
        r#"(module
            (memory 1)
            (table 3 funcref)
            (type $other (func (param i32)))
            (func $f)
            (elem (i32.const 0) $f)
            (elem $passive funcref (ref.func $f))
            (data $bytes "abc")
            (func (export "unreachable") unreachable)
            (func (export "divide by zero") (drop (i32.div_s (i32.const 1) (i32.const 0))))
            (func (export "remainder of zero") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
            (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
            (func (export "conversion overflow") (drop (i32.trunc_f64_s (f64.const 1e10))))
            (func (export "conversion of nan") (drop (i64.trunc_f32_u (f32.const nan))))
            (func (export "load") (drop (i32.load (i32.const 65533))))
            (func (export "load far") (drop (i32.load offset=0xffffffff (i32.const -1))))
            (func (export "store") (i64.store (i32.const 65529) (i64.const 1)))
            (func (export "store byte") (i32.store8 (i32.const 65536) (i32.const 1)))
            (func (export "copy") (memory.copy (i32.const 0) (i32.const 65535) (i32.const 2)))
            (func (export "fill") (memory.fill (i32.const 65535) (i32.const 0) (i32.const 2)))
            (func (export "init") (memory.init $bytes (i32.const 0) (i32.const 2) (i32.const 2)))
            (func (export "call null") (call_indirect (i32.const 1)))
            (func (export "call other type") (call_indirect (type $other) (i32.const 0) (i32.const 0)))
            (func (export "call outside") (call_indirect (i32.const 3)))
            (func (export "table get") (drop (table.get (i32.const 3))))
            (func (export "table set") (table.set (i32.const 3) (ref.null func)))
            (func (export "table fill") (table.fill (i32.const 2) (ref.null func) (i32.const 2)))
            (func (export "table copy") (table.copy (i32.const 2) (i32.const 0) (i32.const 2)))
            (func (export "table init") (table.init $passive (i32.const 0) (i32.const 1) (i32.const 1))))"#,
    );
    for (name, expected) in [
        ("unreachable", Trap::UnreachableCodeReached),
        ("divide by zero", Trap::IntegerDivisionByZero),
        ("remainder of zero", Trap::IntegerDivisionByZero),
        ("overflow", Trap::IntegerOverflow),
        ("conversion overflow", Trap::IntegerOverflow),
        ("conversion of nan", Trap::BadConversionToInteger),
        ("load", Trap::MemoryOutOfBounds),
        ("load far", Trap::MemoryOutOfBounds),
        ("store", Trap::MemoryOutOfBounds),
        ("store byte", Trap::MemoryOutOfBounds),
        ("copy", Trap::MemoryOutOfBounds),
        ("fill", Trap::MemoryOutOfBounds),
        ("init", Trap::MemoryOutOfBounds),
        ("call null", Trap::IndirectCallToNull),
        ("call other type", Trap::BadSignature),
        ("call outside", Trap::TableOutOfBounds),
        ("table get", Trap::TableOutOfBounds),
        ("table set", Trap::TableOutOfBounds),
        ("table fill", Trap::TableOutOfBounds),
        ("table copy", Trap::TableOutOfBounds),
        ("table init", Trap::TableOutOfBounds),
    ] {
        // Twice, because a trap must leave everything as it was.
        for _ in 0..2 {
            let func = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
            let error = func.call(&mut store, ()).unwrap_err();
            assert_eq!(trap(&error), expected, "{name}: {error:?}");
            assert_eq!(error.downcast_ref::<WasmBacktrace>().unwrap().frames().len(), 1, "{name}");
        }
    }
}

#[test]
fn backtraces_name_functions_and_offsets() {
    let (mut store, instance) = instance(
        r#"(module $plugin
            (func $inner (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
            (func $middle (param i32) (result i32) (i32.add (i32.const 1) (call $inner (local.get 0))))
            (func $outer (export "run") (param i32) (result i32) (call $middle (local.get 0)) (drop) (i32.const 1)))"#,
    );
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    let error = run.call(&mut store, 0).unwrap_err();
    assert_eq!(names(&error), ["inner", "middle", "outer"]);
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
    for (frame, index) in frames.iter().zip([0, 1, 2]) {
        assert_eq!(frame.func_index(), index);
        assert!(frame.func_offset().unwrap() < frame.module_offset().unwrap());
        assert_eq!(frame.module().name(), Some("plugin"));
    }
    let text = format!("{error:?}");
    assert!(text.starts_with("error while executing at wasm backtrace:\n    0: "), "{text}");
    assert!(text.contains(" - plugin!inner\n    1: "), "{text}");
    assert!(text.contains("Caused by:\n    wasm trap: integer divide by zero"), "{text}");
    assert_eq!(error.root_cause().to_string(), "wasm trap: integer divide by zero");
}

#[test]
fn backtraces_go_on_behind_host_functions() {
    let (mut store, instance) = linked(
        (),
        r#"(module
            (import "" "again" (func $again))
            (func $trap (export "trap") unreachable)
            (func $first (export "run") call $again))"#,
        |linker| {
            linker
                .func_wrap("", "again", |mut caller: wootz::Caller<'_, ()>| -> wootz::Result<()> {
                    let here = WasmBacktrace::capture(&caller);
                    assert_eq!(here.frames().len(), 1);
                    assert_eq!(here.frames()[0].func_name(), Some("first"));
                    let trap = caller.get_export("trap").unwrap().into_func().unwrap();
                    trap.call(&mut caller, &[], &mut [])
                })
                .unwrap();
        },
    );
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(names(&error), ["trap", "first"]);
    assert_eq!(trap(&error), Trap::UnreachableCodeReached);
}

#[test]
fn backtraces_have_as_many_frames_as_wanted() {
    let wat = r#"(module (func $f (export "f") (param i32)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (call $f (i32.sub (local.get 0) (i32.const 1)))
        (call $g))
        (func $g))"#;
    for (limit, expected) in [(Some(20), 20), (Some(1), 1), (Some(1000), 51), (None, 0)] {
        let mut config = Config::new();
        config.wasm_backtrace_max_frames(limit.and_then(std::num::NonZeroUsize::new));
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, wat), &[]).unwrap();
        let f = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
        let error = f.call(&mut store, 50).unwrap_err();
        let frames =
            error.downcast_ref::<WasmBacktrace>().map_or(0, |backtrace| backtrace.frames().len());
        assert_eq!(frames, expected);
        assert_eq!(trap(&error), Trap::UnreachableCodeReached);
    }
}

#[derive(Debug, PartialEq)]
struct Custom(u32);

impl std::fmt::Display for Custom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "custom {}", self.0)
    }
}

impl std::error::Error for Custom {}

#[test]
fn errors_of_host_functions_keep_their_type() {
    let (mut store, instance) = linked(
        (),
        r#"(module (import "" "fail" (func $fail)) (func $run (export "run") call $fail))"#,
        |linker| {
            linker
                .func_wrap("", "fail", || -> wootz::Result<()> { Err(Custom(7).into()) })
                .unwrap();
        },
    );
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<Custom>(), Some(&Custom(7)));
    assert_eq!(names(&error), ["run"]);
    assert!(error.downcast_ref::<Trap>().is_none());
}

struct Counts(Arc<AtomicU32>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn panics_pass_through_wasm_and_every_destructor_runs() {
    let drops = Arc::new(AtomicU32::new(0));
    let in_host = drops.clone();
    let (mut store, instance) = linked(
        (),
        r#"(module
            (import "" "host" (func $host (param i32)))
            (func $run (export "run") (param i32) (call $host (local.get 0))))"#,
        move |linker| {
            linker
                .func_wrap(
                    "",
                    "host",
                    move |mut caller: wootz::Caller<'_, ()>, depth: i32| -> wootz::Result<()> {
                        let _counted = Counts(in_host.clone());
                        assert!(depth > 0, "at the bottom");
                        let run = caller.get_export("run").unwrap().into_func().unwrap();
                        run.typed::<i32, ()>(&caller)?.call(&mut caller, depth - 1)
                    },
                )
                .unwrap();
        },
    );
    let run = instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap();
    for round in 1..=3 {
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.call(&mut store, 4)));
        let payload = result.unwrap_err();
        assert_eq!(*payload.downcast::<&str>().unwrap(), "at the bottom");
        assert_eq!(drops.load(Ordering::Relaxed), 5 * round);
    }
}

/// Debuggers, and whoever else walks the stack, find the host's functions on both sides of wasm.
#[test]
fn the_system_finds_its_way_through_wasm() {
    fn look(mut caller: wootz::Caller<'_, String>) {
        *caller.data_mut() = std::backtrace::Backtrace::force_capture().to_string();
    }
    #[inline(never)]
    fn outermost_function(store: &mut Store<String>, instance: Instance) {
        let run = instance.get_typed_func::<(), ()>(&mut *store, "run").unwrap();
        run.call(store, ()).unwrap();
    }
    let (mut store, instance) = linked(
        String::new(),
        r#"(module
            (import "" "look" (func $look))
            (func $inner (call $look) (call $look))
            (func (export "run") (call $inner) (call $inner)))"#,
        |linker| _ = linker.func_wrap("", "look", look).unwrap(),
    );
    outermost_function(&mut store, instance);
    let frames = store.data();
    assert!(frames.contains("traps::") && frames.contains("outermost_function"), "{frames}");
}

const ENDLESS: &str = r#"(module
    (func $f (export "f") (param i64) (result i64)
        (i64.add (local.get 0) (call $f (i64.add (local.get 0) (i64.const 1))))))"#;

/// Windows gives a thread its stack page by page, and only if it is used so.
#[test]
fn frames_may_be_larger_than_pages() {
    const VALUES: usize = 3000;
    let value = |i: usize| format!("(i64.xor (local.get 0) (i64.const {}))", i * 77_777);
    let mut wat = "(module (func $f (export \"f\") (param i64 i32) (result i64)".to_string();
    wat += &format!(" (local {})", "i64 ".repeat(VALUES));
    (0..VALUES).for_each(|i| wat += &format!("(local.set {} {})", i + 2, value(i)));
    wat += "(if (i32.eqz (local.get 1)) (then (return (local.get 0))))";
    wat += "(call $f (i64.mul (local.get 0) (i64.const 3)) (i32.sub (local.get 1) (i32.const 1)))";
    // All are needed behind the call.
    (0..VALUES).for_each(|i| wat += &format!("(i64.add (local.get {}))", i + 2));
    wat += "))";
    let mut config = Config::new();
    config.max_wasm_stack(1 << 20).cranelift_opt_level(wootz::OptLevel::None);
    let engine = Engine::new(&config).unwrap();
    let module = module(&engine, &wat);
    let call = || {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f = instance.get_typed_func::<(i64, i32), i64>(&mut store, "f").unwrap();
        let mut expected = 7_i64.wrapping_mul(3_i64.wrapping_pow(20));
        for depth in 0..20 {
            let parameter = 7_i64.wrapping_mul(3_i64.wrapping_pow(depth));
            let values = (0..VALUES as i64).map(|i| parameter ^ (i * 77_777));
            expected = values.fold(expected, i64::wrapping_add);
        }
        assert_eq!(f.call(&mut store, (7, 20)).unwrap(), expected);
        // 1 MiB for 200 frames is more than a page for each.
        let error = f.call(&mut store, (7, 200)).unwrap_err();
        assert_eq!(trap(&error), Trap::StackOverflow);
    };
    // On a new thread, whose stack nobody has used.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(4 << 20).spawn_scoped(scope, call);
        thread.unwrap().join().unwrap();
    });
}

#[test]
fn endless_recursion_is_a_trap() {
    let (mut store, instance) = instance(ENDLESS);
    let f = instance.get_typed_func::<i64, i64>(&mut store, "f").unwrap();
    for _ in 0..3 {
        assert_eq!(trap(&f.call(&mut store, 1).unwrap_err()), Trap::StackOverflow);
    }
}

#[test]
fn endless_recursion_is_a_trap_on_small_and_large_stacks() {
    for (stack, limit) in [
        (256 << 10, 512 << 10),
        (256 << 10, 64 << 10),
        (8 << 20, 4 << 20),
        (2 << 20, usize::MAX / 2),
    ] {
        let mut config = Config::new();
        config.max_wasm_stack(limit);
        let engine = Engine::new(&config).unwrap();
        let module = module(&engine, ENDLESS);
        let run = move || {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let f = instance.get_typed_func::<i64, i64>(&mut store, "f").unwrap();
            assert_eq!(trap(&f.call(&mut store, 1).unwrap_err()), Trap::StackOverflow);
        };
        std::thread::Builder::new().stack_size(stack).spawn(run).unwrap().join().unwrap();
    }
}

#[test]
fn recursion_through_the_host_is_a_trap_too() {
    let (mut store, instance) = linked(
        (),
        r#"(module
            (import "" "host" (func $host (param i32) (result i32)))
            (func (export "run") (param i32) (result i32) (call $host (local.get 0))))"#,
        |linker| {
            linker
                .func_wrap(
                    "",
                    "host",
                    |mut caller: wootz::Caller<'_, ()>, n: i32| -> wootz::Result<i32> {
                        let run = caller.get_export("run").unwrap().into_func().unwrap();
                        run.typed::<i32, i32>(&caller)?.call(&mut caller, n + 1)
                    },
                )
                .unwrap();
        },
    );
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(trap(&run.call(&mut store, 0).unwrap_err()), Trap::StackOverflow);
}

#[test]
fn a_trap_in_the_start_function_keeps_what_was_written() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let ty = wootz::TableType::new(wootz::RefType::FUNCREF, 2, None);
    let table = wootz::Table::new(&mut store, ty, wootz::Ref::Func(None)).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "" "table" (table 2 funcref))
            (func $f (result i32) i32.const 42)
            (elem (i32.const 1) $f)
            (func $start unreachable)
            (start $start))"#,
    );
    let error = Instance::new(&mut store, &module, &[table.into()]).unwrap_err();
    assert_eq!(trap(&error), Trap::UnreachableCodeReached);
    drop(module);
    let escaped: Func = *table.get(&mut store, 1).unwrap().unwrap_func().unwrap();
    assert_eq!(escaped.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 42);
}

#[test]
fn segments_that_do_not_fit_are_traps() {
    let engine = Engine::default();
    for (wat, expected) in [
        (r#"(module (memory 1) (data (i32.const 65536) "x"))"#, Trap::MemoryOutOfBounds),
        (r#"(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))"#, Trap::TableOutOfBounds),
    ] {
        let mut store = Store::new(&engine, ());
        let error = Instance::new(&mut store, &module(&engine, wat), &[]).unwrap_err();
        assert_eq!(trap(&error), expected);
    }
}

#[test]
fn traps_on_many_threads_at_once() {
    let engine = Engine::default();
    let module: Module = module(
        &engine,
        r#"(module (memory 1) (func (export "f") (param i32) (result i32) (i32.load (local.get 0))))"#,
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &module, &[]).unwrap();
                let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
                for address in 0..500 {
                    assert_eq!(f.call(&mut store, address).unwrap(), 0);
                    assert_eq!(
                        trap(&f.call(&mut store, address - 1000).unwrap_err()),
                        Trap::MemoryOutOfBounds
                    );
                }
            });
        }
    });
}

/// Processors load what they add by the same instruction, which is where the load is.
#[test]
fn a_load_traps_where_it_is() {
    let wat = r#"(module
        (memory 1)
        (func (export "f") (param i32 i32) (result i64)
            (i64.add (i64.load (i32.add (local.get 0) (local.get 1))) (i64.const 7)))
        (func (export "g") (param i32 i32) (result i64)
            (i64.xor (i64.extend_i32_u (local.get 1)) (i64.load (i32.mul (local.get 0) (local.get 1)))))
        (func (export "h") (param i32 i32) (result i64)
            (i32.store (i32.const 0) (i32.add (i32.load (local.get 0)) (local.get 1)))
            (i64.const 7))
        (func (export "i") (param i32 i32) (result i64)
            (if (result i64) (i32.lt_u (i32.load (local.get 0)) (local.get 1))
                (then (i64.const 7))
                (else (i64.load (i32.const 0))))))"#;
    let offsets = |level: OptLevel| {
        let engine = Engine::new(Config::new().cranelift_opt_level(level)).unwrap();
        let module = module(&engine, wat);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        ["f", "g", "h", "i"].map(|name| {
            let function = instance.get_typed_func::<(i32, i32), i64>(&mut store, name).unwrap();
            let error = function.call(&mut store, (65_533, 1)).unwrap_err();
            error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0].func_offset()
        })
    };
    // Behind the number of locals, two of them or two and their product.
    for level in [OptLevel::None, OptLevel::Speed] {
        assert_eq!(offsets(level), [6, 9, 5, 3].map(Some), "{level:?}");
    }
}
