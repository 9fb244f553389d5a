//! Imports and exports: what fits, what does not and how it is said, and host functions wherever references can go.
#![cfg(feature = "compiler")]

mod common;

use common::{linked, module, trap};
use wootz::{
    Caller, Engine, Extern, ExternRef, ExternType, Func, FuncType, Global, GlobalType, Instance,
    Linker, Memory, MemoryType, Mutability, Ref, RefType, Rooted, Store, Table, TableType, Tag,
    TagType, Trap, UnknownImportError, Val, ValType,
};

#[test]
fn modules_tell_what_they_import_and_export() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module $named
            (import "a" "f" (func (param i32) (result f64)))
            (import "a" "g" (global (mut i64)))
            (import "b" "m" (memory 1 2))
            (import "b" "t" (table 3 externref))
            (table (export "table") 0 funcref)
            (export "memory" (memory 0))
            (global (export "global") f32 (f32.const 1))
            (func (export "func")))"#,
    );
    assert_eq!(module.name(), Some("named"));
    let imports: Vec<String> = module.imports().map(|import| format!("{import:?}")).collect();
    assert_eq!(
        imports,
        [
            r#"(import "a" "f" (func (param i32) (result f64)))"#,
            r#"(import "a" "g" (global (mut i64)))"#,
            r#"(import "b" "m" (memory 1 2))"#,
            r#"(import "b" "t" (table 3 externref))"#,
        ]
    );
    let exports: Vec<String> = module.exports().map(|export| format!("{export:?}")).collect();
    assert_eq!(
        exports,
        [
            r#"(export "table" (table 0 funcref))"#,
            r#"(export "memory" (memory 1 2))"#,
            r#"(export "global" (global f32))"#,
            r#"(export "func" (func))"#,
        ]
    );
    assert!(matches!(module.get_export("func"), Some(ExternType::Func(_))));
    assert!(module.get_export("f").is_none());
}

#[test]
fn a_missing_import_is_named_with_its_type() {
    let engine = Engine::default();
    let module = module(&engine, r#"(module (import "env" "log" (func (param i32 i64))))"#);
    let mut store = Store::new(&engine, ());
    let error = Linker::new(&engine).instantiate(&mut store, &module).unwrap_err();
    let unknown = error.downcast_ref::<UnknownImportError>().unwrap();
    assert_eq!((unknown.module(), unknown.name()), ("env", "log"));
    assert_eq!(
        error.to_string(),
        "unknown import: `env::log` has not been defined; the module expects (func (param i32 i64))"
    );
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!(error.to_string(), "expected 1 imports, found 0");
}

#[test]
fn an_import_of_another_type_is_named_with_both_types() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let func: Extern = Func::wrap(&mut store, |_: i32| {}).into();
    let memory: Extern = Memory::new(&mut store, MemoryType::new(1, Some(3))).unwrap().into();
    let table: Extern =
        Table::new(&mut store, TableType::new(RefType::FUNCREF, 1, None), Ref::Func(None))
            .unwrap()
            .into();
    let global: Extern =
        Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(1))
            .unwrap()
            .into();
    for (wat, found, message) in [
        (
            "(func)",
            &func,
            "types incompatible: expected type `(func)`, found type `(func (param i32))`",
        ),
        ("(memory 1)", &func, "expected memory, but found function"),
        ("(func)", &global, "expected func, but found global"),
        (
            "(memory 2)",
            &memory,
            "memory types incompatible: expected memory limits (min: 2, max: none) doesn't match provided memory limits \
             (min: 1, max: 3)",
        ),
        (
            "(memory 1 2)",
            &memory,
            "memory types incompatible: expected memory limits (min: 1, max: 2) doesn't match provided memory limits \
             (min: 1, max: 3)",
        ),
        (
            "(table 1 externref)",
            &table,
            "table types incompatible: expected table of type `externref`, found table of type `funcref`",
        ),
        (
            "(table 1 1 funcref)",
            &table,
            "table types incompatible: expected table limits (min: 1, max: 1) doesn't match provided table limits (min: 1, \
             max: none)",
        ),
        (
            "(global i32)",
            &global,
            "global types incompatible: expected immutable global, found mutable global",
        ),
        (
            "(global (mut i64))",
            &global,
            "global types incompatible: expected global of type `i64`, found global of type `i32`",
        ),
    ] {
        let module = module(&engine, &format!(r#"(module (import "m" "n" {wat}))"#));
        let error = Instance::new(&mut store, &module, std::slice::from_ref(found)).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.starts_with(&format!("incompatible import type for `m::n`: {message}")),
            "{text}"
        );
        // The types of functions are part of the message itself.
        let both = format!("the module imports `{wat}`, and was given `(");
        assert!(text.contains(&both) || text.contains("expected type `(func"), "{text}");
    }
}

#[test]
fn imports_that_fit_are_shared() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(3))).unwrap();
    let global =
        Global::new(&mut store, GlobalType::new(ValType::I64, Mutability::Var), Val::I64(5))
            .unwrap();
    memory.grow(&mut store, 1).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "" "m" (memory 2 4))
            (import "" "g" (global $g (mut i64)))
            (export "g" (global $g))
            (func (export "run") (result i32)
                (i32.store (i32.const 8) (i32.const 77))
                (global.set $g (i64.add (global.get $g) (i64.const 1)))
                (memory.grow (i32.const 1))))"#,
    );
    let instance = Instance::new(&mut store, &module, &[memory.into(), global.into()]).unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 2);
    assert_eq!(run.call(&mut store, ()).unwrap(), -1);
    assert_eq!(memory.size(&store), 3);
    assert_eq!(memory.data(&store)[8], 77);
    assert_eq!(global.get(&mut store).unwrap_i64(), 7);
    let exported = instance.get_global(&mut store, "g").unwrap();
    exported.set(&mut store, Val::I64(1)).unwrap();
    assert_eq!(global.get(&mut store).unwrap_i64(), 1);
}

#[test]
fn instances_call_each_other() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let first = module(
        &engine,
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 0) "\07")
            (table (export "table") 2 funcref)
            (func $get (export "get") (result i32) (i32.load8_u (i32.const 0)))
            (elem (i32.const 0) $get))"#,
    );
    let first = linker.instantiate(&mut store, &first).unwrap();
    linker.instance(&mut store, "first", first).unwrap();
    let second = module(
        &engine,
        r#"(module
            (import "first" "get" (func $get (result i32)))
            (import "first" "table" (table 2 funcref))
            (import "first" "memory" (memory 1))
            (func $twice (result i32) (i32.mul (i32.const 2) (call $get)))
            (elem (i32.const 1) $twice)
            (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
            (func (export "set") (param i32) (i32.store8 (i32.const 0) (local.get 0))))"#,
    );
    let second = linker.instantiate(&mut store, &second).unwrap();
    let call = second.get_typed_func::<i32, i32>(&mut store, "call").unwrap();
    let set = second.get_typed_func::<i32, ()>(&mut store, "set").unwrap();
    assert_eq!((call.call(&mut store, 0).unwrap(), call.call(&mut store, 1).unwrap()), (7, 14));
    set.call(&mut store, 100).unwrap();
    assert_eq!((call.call(&mut store, 0).unwrap(), call.call(&mut store, 1).unwrap()), (100, 200));
}

#[test]
fn host_functions_in_tables_are_called_whenever_the_module_comes() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 1i32);
    let ty = TableType::new(RefType::FUNCREF, 3, None);
    let table = Table::new(&mut store, ty, Ref::Func(None)).unwrap();
    // Before any module is in the store: nothing could call these yet.
    let add = Func::wrap(&mut store, |caller: Caller<'_, i32>, a: i32| a + caller.data());
    let other = Func::wrap(&mut store, |a: i64| a);
    table.set(&mut store, 0, Ref::Func(Some(add))).unwrap();
    table.set(&mut store, 1, Ref::Func(Some(other))).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "" "table" (table 3 funcref))
            (import "" "host" (func $host (param i32) (result i32)))
            (func (export "call") (param i32 i32) (result i32)
                (call_indirect (param i32) (result i32) (local.get 1) (local.get 0)))
            (func (export "get") (result funcref) (ref.func $host))
            (elem declare func $host))"#,
    );
    let host = Func::wrap(&mut store, |a: i32| a * 10);
    let instance = Instance::new(&mut store, &module, &[table.into(), host.into()]).unwrap();
    let call = instance.get_typed_func::<(i32, i32), i32>(&mut store, "call").unwrap();
    assert_eq!(call.call(&mut store, (0, 5)).unwrap(), 6);
    assert_eq!(trap(&call.call(&mut store, (1, 5)).unwrap_err()), Trap::BadSignature);
    assert_eq!(trap(&call.call(&mut store, (2, 5)).unwrap_err()), Trap::IndirectCallToNull);
    // After.
    let late = Func::wrap(&mut store, |a: i32| a - 1);
    table.set(&mut store, 2, Ref::Func(Some(late))).unwrap();
    assert_eq!(call.call(&mut store, (2, 5)).unwrap(), 4);
    // The host can call what it gets back, too.
    let get = instance.get_typed_func::<(), Option<Func>>(&mut store, "get").unwrap();
    let back = get.call(&mut store, ()).unwrap().unwrap();
    assert_eq!(back.typed::<i32, i32>(&store).unwrap().call(&mut store, 4).unwrap(), 40);
    let instance_func = instance.get_func(&mut store, "call").unwrap();
    assert_eq!(
        instance_func.ty(&store).to_string(),
        "(type (func (param i32) (param i32) (result i32)))"
    );
}

#[test]
fn host_values_pass_through_guests() {
    let (mut store, instance) = linked(
        (),
        r#"(module
            (import "" "length" (func $length (param externref) (result i32)))
            (table $t (export "table") 2 externref)
            (global $g (mut externref) (ref.null extern))
            (func (export "keep") (param externref) (global.set $g (local.get 0))
                (table.set $t (i32.const 1) (local.get 0)))
            (func (export "kept") (result externref) (global.get $g))
            (func (export "is null") (param externref) (result i32) (ref.is_null (local.get 0)))
            (func (export "length") (result i32) (call $length (global.get $g))))"#,
        |linker| {
            linker
                .func_wrap(
                    "",
                    "length",
                    |caller: Caller<'_, ()>, value: Option<Rooted<ExternRef>>| {
                        let value = value.unwrap().data(&caller).unwrap().unwrap();
                        value.downcast_ref::<String>().unwrap().len() as i32
                    },
                )
                .unwrap();
        },
    );
    type Value = Option<Rooted<ExternRef>>;
    let is_null = instance.get_typed_func::<Value, i32>(&mut store, "is null").unwrap();
    let keep = instance.get_typed_func::<Value, ()>(&mut store, "keep").unwrap();
    let kept = instance.get_typed_func::<(), Value>(&mut store, "kept").unwrap();
    let length = instance.get_typed_func::<(), i32>(&mut store, "length").unwrap();
    assert!(kept.call(&mut store, ()).unwrap().is_none());
    let value = ExternRef::new(&mut store, "a host value".to_string()).unwrap();
    assert_eq!(
        (is_null.call(&mut store, None).unwrap(), is_null.call(&mut store, Some(value)).unwrap()),
        (1, 0)
    );
    keep.call(&mut store, Some(value)).unwrap();
    let back = kept.call(&mut store, ()).unwrap().unwrap();
    assert!(Rooted::ref_eq(&store, &value, &back).unwrap());
    assert_eq!(length.call(&mut store, ()).unwrap(), 12);
    let table = instance.get_table(&mut store, "table").unwrap();
    assert!(table.get(&mut store, 0).unwrap().is_null());
    assert_eq!(
        table
            .get(&mut store, 1)
            .unwrap()
            .unwrap_extern()
            .unwrap()
            .data(&store)
            .unwrap()
            .unwrap()
            .type_id(),
        {
            use std::any::Any;
            String::new().type_id()
        }
    );
}

#[test]
fn tables_grow_from_both_sides() {
    let (mut store, instance) = common::instance(
        r#"(module
            (table $t (export "t") 1 10 funcref)
            (func $f (export "f") (result i32) i32.const 3)
            (func (export "grow") (param i32) (result i32) (table.grow $t (ref.func $f) (local.get 0)))
            (func (export "size") (result i32) (table.size $t))
            (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#,
    );
    let table = instance.get_table(&mut store, "t").unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    let size = instance.get_typed_func::<(), i32>(&mut store, "size").unwrap();
    let call = instance.get_typed_func::<i32, i32>(&mut store, "call").unwrap();
    assert_eq!(grow.call(&mut store, 4).unwrap(), 1);
    assert_eq!(call.call(&mut store, 4).unwrap(), 3);
    assert_eq!(table.grow(&mut store, 5, Ref::Func(None)).unwrap(), 5);
    assert_eq!((size.call(&mut store, ()).unwrap(), table.size(&store)), (10, 10));
    assert_eq!(grow.call(&mut store, 1).unwrap(), -1);
    assert_eq!(
        table.grow(&mut store, 1, Ref::Func(None)).unwrap_err().to_string(),
        "failed to grow table by `1`"
    );
    assert!(table.set(&mut store, 10, Ref::Func(None)).is_err());
    assert!(table.set(&mut store, 0, Ref::Extern(None)).is_err());
}

#[test]
fn linkers_do_as_they_are_told() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("m", "f", || 1i32).unwrap();
    let error = linker.func_wrap("m", "f", || 2i32).unwrap_err();
    assert_eq!(error.to_string(), "import of `m::f` defined twice");
    linker.allow_shadowing(true).func_wrap("m", "f", || 2i32).unwrap();
    linker.alias("m", "f", "n", "g").unwrap();
    assert!(linker.alias("m", "x", "n", "h").is_err());
    let g = linker.get(&mut store, "n", "g").unwrap().into_func().unwrap();
    assert_eq!(g.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 2);
    assert_eq!(
        linker.get(&mut store, "n", "x").unwrap_err().to_string(),
        "missing definition for `n::x`"
    );

    let needs = module(
        &engine,
        r#"(module (import "x" "y" (func $y (param f32) (result i32)))
            (func (export "run") (result i32) (call $y (f32.const 0))))"#,
    );
    linker.define_unknown_imports_as_traps(&needs).unwrap();
    let instance = linker.instantiate(&mut store, &needs).unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<UnknownImportError>().unwrap().name(), "y");

    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_default_values(&mut store, &needs).unwrap();
    let pre = linker.instantiate_pre(&needs).unwrap();
    let instance = pre.instantiate(&mut store).unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 0);
}

#[test]
fn commands_start_afresh_and_reactors_go_on() {
    let engine = Engine::default();
    let counter = |start: &str| {
        module(
            &engine,
            &format!(
                r#"(module
                    (global $n (mut i32) (i32.const 0))
                    (memory (export "memory") 1)
                    (func (export "{start}") (global.set $n (i32.const 10)))
                    (func (export "next") (result i32)
                        (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"#
            ),
        )
    };
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.module(&mut store, "command", &counter("_start")).unwrap();
    linker.module(&mut store, "reactor", &counter("_initialize")).unwrap();
    let mut next = |module: &str| {
        let next = linker.get(&mut store, module, "next").unwrap().into_func().unwrap();
        next.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap()
    };
    assert_eq!((next("command"), next("command")), (1, 1));
    assert_eq!((next("reactor"), next("reactor")), (11, 12));
    assert_eq!(
        linker.get_default(&mut store, "command").unwrap().ty(&store),
        FuncType::new(&engine, [], [])
    );
    let error = linker.get(&mut store, "command", "memory").unwrap_err();
    assert_eq!(error.to_string(), "missing definition for `command::memory`");
}

#[test]
fn exports_are_found_without_their_names() {
    let engine = Engine::default();
    let module = module(&engine, r#"(module (func (export "a")) (memory (export "b") 1))"#);
    let other = common::module(&engine, r#"(module (func (export "a")))"#);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let index = module.get_export_index("b").unwrap();
    assert!(instance.get_module_export(&mut store, &index).unwrap().into_memory().is_some());
    assert!(
        instance.get_module_export(&mut store, &other.get_export_index("a").unwrap()).is_none()
    );
    let names: Vec<String> =
        instance.exports(&mut store).map(|export| export.name().to_string()).collect();
    assert_eq!(names, ["a", "b"]);
}

/// Nothing can be thrown yet, but a tag keeps its identity on its way through modules.
#[test]
fn tags_travel_through_modules() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let ty = |params: &[ValType]| TagType::new(FuncType::new(&engine, params.iter().cloned(), []));
    let host = Tag::new(&mut store, &ty(&[ValType::I32])).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "host" "tag" (tag $in (param i32)))
            (tag $own (param i64 f32))
            (export "same" (tag $in)) (export "own" (tag $own)) (export "again" (tag $own)))"#,
    );
    let types: Vec<String> = module.exports().map(|export| export.ty().to_string()).collect();
    assert_eq!(types, ["(tag (param i32))", "(tag (param i64 f32))", "(tag (param i64 f32))"]);
    let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
    let [same, own, again] =
        ["same", "own", "again"].map(|name| instance.get_tag(&mut store, name).unwrap());
    assert!(Tag::eq(&host, &same, &store) && Tag::eq(&own, &again, &store));
    assert!(!Tag::eq(&host, &own, &store));
    let other = Instance::new(&mut store, &module, &[host.into()]).unwrap();
    let others = other.get_tag(&mut store, "own").unwrap();
    assert!(!Tag::eq(&own, &others, &store), "each instance has its own");
    let wrong = Tag::new(&mut store, &ty(&[ValType::I64])).unwrap();
    for (import, words) in
        [(wrong.into(), "incompatible tag types"), (own.into(), "(tag (param i32))")]
    {
        let error = Instance::new(&mut store, &module, &[import]).unwrap_err();
        assert!(format!("{error:#}").contains(words), "{error:#}");
    }
}
