//! Tail calls: they leave no frame behind, wherever they lead, and carry arguments and results of any number.
#![cfg(feature = "compiler")]

mod common;

use common::{instance, linked, module, names, trap};
use wootz::{
    Config, Engine, ExternRef, Func, FuncType, Instance, Linker, Rooted, Store, Trap, Val, ValType,
};

/// More calls than any stack has room for.
const MANY: i64 = 1_000_000;

#[test]
fn depth_is_not_bounded_across_modules_tables_and_references() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    // Each of the two calls the other, with arguments of another size.
    let there = module(
        &engine,
        r#"(module
            (type $few (func (param i64) (result i64)))
            (type $many (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 f64) (result i64)))
            (table (export "t") 2 funcref)
            (func (export "few") (type $few)
                (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 77))
                    (else (return_call_indirect (type $many)
                        (i64.sub (local.get 0) (i64.const 1)) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5)
                        (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (f64.const 10) (i32.const 0))))))"#,
    );
    let there = Instance::new(&mut store, &there, &[]).unwrap();
    let mut linker = Linker::new(&engine);
    linker.instance(&mut store, "there", there).unwrap();
    let here = module(
        &engine,
        r#"(module
            (type $few (func (param i64) (result i64)))
            (type $many (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 f64) (result i64)))
            (import "there" "few" (func $few (type $few)))
            (import "there" "t" (table $t 2 funcref))
            (global $ref (mut (ref null $few)) (ref.null $few))
            (elem (table $t) (i32.const 0) func $many)
            (elem declare func $few)
            (func $many (export "many") (type $many)
                (if (i64.ne
                        (i64.add (i64.mul (local.get 1) (local.get 8)) (i64.trunc_f64_s (local.get 9)))
                        (i64.const 28))
                    (then unreachable))
                (if (i32.wrap_i64 (i64.and (local.get 0) (i64.const 1)))
                    (then (return_call $few (local.get 0))))
                (global.set $ref (ref.func $few))
                (return_call_ref $few (local.get 0) (global.get $ref)))
            (func (export "run") (param i64) (result i64)
                (i64.add (call $few (local.get 0)) (i64.const 1))))"#,
    );
    let here = linker.instantiate(&mut store, &here).unwrap();
    let run = here.get_typed_func::<i64, i64>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, MANY).unwrap(), 78);
}

#[test]
fn results_in_memory_go_to_the_first_caller() {
    let (mut store, instance) = instance(
        r#"(module
            (func $six (param i64) (result i64 i64 i64 i64 i64 f32)
                (if (result i64 i64 i64 i64 i64 f32) (i64.eqz (local.get 0))
                    (then (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (f32.const 6))
                    (else (return_call $again (local.get 0)))))
            (func $again (param i64) (result i64 i64 i64 i64 i64 f32)
                (return_call $six (i64.sub (local.get 0) (i64.const 1))))
            (func (export "run") (param i64) (result f32 i64)
                (local i64 f32)
                (call $six (local.get 0))
                (local.set 2) (local.set 1)
                (drop) (drop) (drop) (drop)
                (local.get 2) (local.get 1)))"#,
    );
    let run = instance.get_typed_func::<i64, (f32, i64)>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, MANY).unwrap(), (6.0, 5));
}

#[test]
fn host_functions_are_called_in_place_of_their_caller() {
    let (mut store, instance) = linked(
        0u32,
        r#"(module
            (import "host" "count" (func $count (param i32) (result i32)))
            (func $last (param i32) (result i32) (return_call $count (local.get 0)))
            (func (export "straight") (param i32) (result i32) (return_call $last (local.get 0)))
            (func $called (export "called") (param i32) (result i32) (i32.add (call $last (local.get 0)) (i32.const 1))))"#,
        |linker| {
            linker
                .func_wrap("host", "count", |mut caller: wootz::Caller<'_, u32>, n: i32| {
                    *caller.data_mut() += 1;
                    caller.gc(None)?;
                    match n {
                        0 => Err(Trap::Interrupt.into()),
                        n => Ok(n + 1),
                    }
                })
                .unwrap();
        },
    );
    for (name, expected, frames) in [("straight", 6, &[][..]), ("called", 7, &["called"][..])] {
        let run = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
        assert_eq!(run.call(&mut store, 5).unwrap(), expected);
        let error = run.call(&mut store, 0).unwrap_err();
        assert_eq!(trap(&error), Trap::Interrupt);
        assert_eq!(names_or_none(&error), frames, "{name}");
    }
    assert_eq!(*store.data(), 4);
}

/// The names in the backtrace; there is none where no frame was left.
fn names_or_none(error: &wootz::Error) -> Vec<String> {
    match error.downcast_ref::<wootz::WasmBacktrace>() {
        Some(_) => names(error),
        None => Vec::new(),
    }
}

#[test]
fn a_host_function_may_be_called_by_a_typed_reference() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let host = Func::wrap(&mut store, |n: i64| n * 2);
    // The module comes later, and nothing but the parameter leads to the function.
    let module = module(
        &engine,
        r#"(module
            (type $double (func (param i64) (result i64)))
            (func (export "call") (param i64 (ref null $double)) (result i64)
                (i64.add (call_ref $double (local.get 0) (local.get 1)) (i64.const 1)))
            (func (export "leave") (param i64 (ref null $double)) (result i64)
                (return_call_ref $double (local.get 0) (local.get 1))))"#,
    );
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let null = Val::FuncRef(None);
    for (name, expected) in [("call", 43), ("leave", 42)] {
        let run = instance.get_func(&mut store, name).unwrap();
        let mut results = [Val::I64(0)];
        run.call(&mut store, &[Val::I64(21), host.into()], &mut results).unwrap();
        assert_eq!(results[0].unwrap_i64(), expected);
        let error = run.call(&mut store, &[Val::I64(21), null], &mut results).unwrap_err();
        assert_eq!(trap(&error), Trap::NullReference);
        let other = Func::wrap(&mut store, |n: i32| n);
        let error = run.call(&mut store, &[Val::I64(21), other.into()], &mut results).unwrap_err();
        assert!(error.to_string().contains("type mismatch"), "{error}");
    }
}

#[test]
fn loops_of_tail_calls_are_metered_and_stopped() {
    let wat = r#"(module
        (func $f (export "f") (param i32) (return_call $g (local.get 0)))
        (func $g (param i32) (return_call $f (local.get 0))))"#;
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, wat), &[]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    store.set_fuel(100_000).unwrap();
    assert_eq!(trap(&run.call(&mut store, 1).unwrap_err()), Trap::OutOfFuel);
    assert_eq!(store.get_fuel().unwrap(), 0);

    let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, wat), &[]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, "f").unwrap();
    store.set_epoch_deadline(1);
    let ticker = std::thread::spawn({
        let engine = engine.clone();
        move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            engine.increment_epoch();
        }
    });
    assert_eq!(trap(&run.call(&mut store, 1).unwrap_err()), Trap::Interrupt);
    ticker.join().unwrap();
}

#[test]
fn host_values_survive_collections_while_they_are_handed_on() {
    let (mut store, instance) = linked(
        (),
        r#"(module
            (import "host" "collect" (func $collect))
            (type $hand_on (func (param i64 externref i64 i64 i64 i64 i64 externref) (result externref externref)))
            (func $f (export "f") (type $hand_on)
                (call $collect)
                (if (result externref externref) (i64.eqz (local.get 0))
                    (then (local.get 1) (local.get 7))
                    (else (return_call $g (local.get 0) (local.get 7) (local.get 1)))))
            (func $g (param i64 externref externref) (result externref externref)
                (return_call $f (i64.sub (local.get 0) (i64.const 1)) (local.get 1)
                    (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (local.get 2))))"#,
        |linker| {
            linker
                .func_wrap("host", "collect", |mut caller: wootz::Caller<'_, ()>| caller.gc(None))
                .unwrap();
        },
    );
    let run = instance.get_func(&mut store, "f").unwrap();
    let text = |store: &Store<()>, value: &Val| {
        let value: &Rooted<ExternRef> = value.unwrap_externref().expect("it is not null");
        value.data(store).unwrap().unwrap().downcast_ref::<&str>().unwrap().to_string()
    };
    let mut results = [Val::null_extern_ref(); 2];
    let values = ["left", "right"].map(|text| ExternRef::new(&mut store, text).unwrap().into());
    let mut arguments = [Val::I64(0); 8];
    (arguments[0], arguments[1], arguments[7]) = (Val::I64(101), values[0], values[1]);
    run.call(&mut store, &arguments, &mut results).unwrap();
    assert_eq!(results.map(|value| text(&store, &value)), ["right", "left"]);
}

/// A function type that mentions itself is the same in two modules, and another one than its twin in a group.
#[test]
fn recursive_types_link_modules() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let exporter = module(
        &engine,
        r#"(module
            (rec (type $visit (func (param i32 (ref null $visit)) (result i32))))
            (func (export "visit") (type $visit)
                (if (result i32) (ref.is_null (local.get 1)) (then (local.get 0))
                    (else (return_call_ref $visit
                        (i32.mul (local.get 0) (i32.const 10)) (ref.null $visit) (local.get 1))))))"#,
    );
    let exporter = Instance::new(&mut store, &exporter, &[]).unwrap();
    let visit = exporter.get_func(&mut store, "visit").unwrap();
    let ty = visit.ty(&store);
    let parameter = ty.param(1).unwrap();
    assert_eq!(parameter.unwrap_ref().heap_type().unwrap_concrete_func(), &ty);
    assert_eq!(
        ty.to_string(),
        "(type (func (param i32) (param (ref null (type (func (param i32) (param (ref null (type (func ...)))) (result i32))))) \
         (result i32)))"
    );
    let plain = FuncType::new(&engine, [ValType::I32, parameter], [ValType::I32]);
    assert_ne!(plain, ty, "the type that mentions another one is another one");

    let importer = |types: &str| {
        module(
            &engine,
            &format!(
                r#"(module {types}
                (import "m" "visit" (func $visit (type $visit)))
                (elem declare func $visit)
                (func (export "run") (result i32)
                    (call $visit (i32.const 4) (ref.func $visit))))"#
            ),
        )
    };
    let same = importer("(type $visit (func (param i32 (ref null $visit)) (result i32)))");
    let instance = Instance::new(&mut store, &same, &[visit.into()]).unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 40);
    let twin = importer(
        "(rec (type (func)) (type $visit (func (param i32 (ref null $visit)) (result i32))))",
    );
    let error = Instance::new(&mut store, &twin, &[visit.into()]).unwrap_err();
    assert!(format!("{error:#}").contains("incompatible"), "{error:#}");
}
