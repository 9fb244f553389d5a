//! What goes wrong is told in the words that users of wasmtime's API match, and at the same moment.

use wootz::*;

mod common;

use common::module;

fn store() -> Store<()> {
    Store::default()
}

fn text(error: &Error) -> String {
    format!("{error:#}")
}

fn memory(store: &mut Store<()>, pages: u32) -> Memory {
    Memory::new(store, MemoryType::new(pages, None)).unwrap()
}

#[test]
fn values_of_another_store_are_refused() {
    let (mut one, mut other) = (store(), store());
    let func = Func::wrap(&mut other, || {});
    let value = ExternRef::new(&mut other, 5).unwrap();

    let ty = GlobalType::new(ValType::FUNCREF, Mutability::Var);
    let global = Global::new(&mut one, ty.clone(), Val::FuncRef(None)).unwrap();
    let error = global.set(&mut one, func.into()).unwrap_err();
    assert_eq!(
        text(&error),
        "type mismatch: attempt to set global to value of wrong type: value used with wrong store"
    );
    assert!(Global::new(&mut one, ty, func.into()).is_err());

    let ty = TableType::new(RefType::EXTERNREF, 1, None);
    let table = Table::new(&mut one, ty, Ref::Extern(None)).unwrap();
    let error = table.set(&mut one, 0, value.into()).unwrap_err();
    assert_eq!(
        text(&error),
        "type mismatch: value does not match table element type: reference used with wrong store"
    );

    let takes = Func::wrap(&mut one, |_: Option<Func>| {});
    let error = takes.call(&mut one, &[func.into()], &mut []).unwrap_err();
    assert_eq!(text(&error), "argument type mismatch: value used with wrong store");
    let typed = takes.typed::<Option<Func>, ()>(&one).unwrap();
    let error = typed.call(&mut one, Some(func)).unwrap_err();
    assert_eq!(text(&error), "attempt to pass cross-`Store` value to Wasm as function argument");

    let returns = Func::wrap(&mut one, move || Some(func));
    let error = returns.call(&mut one, &[], &mut [Val::I32(0)]).unwrap_err();
    assert_eq!(text(&error), "host function attempted to return cross-`Store` value to Wasm");
}

#[test]
fn an_element_outside_of_a_table_is_a_trap() {
    let mut store = store();
    let ty = TableType::new(RefType::FUNCREF, 1, Some(2));
    let table = Table::new(&mut store, ty, Ref::Func(None)).unwrap();
    let error = table.set(&mut store, 1, Ref::Func(None)).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::TableOutOfBounds));
    assert!(table.get(&mut store, 1).is_none());
    let error = table.grow(&mut store, 2, Ref::Func(None)).unwrap_err();
    assert_eq!(text(&error), "failed to grow table by `2`");
}

#[test]
fn limits_are_named_with_their_units() {
    let limits = StoreLimitsBuilder::new().memory_size(65536).table_elements(1);
    let mut store = Store::new(&Engine::default(), limits.trap_on_grow_failure(true).build());
    store.limiter(|limits| limits);
    let error = Memory::new(&mut store, MemoryType::new(2, None)).unwrap_err();
    assert_eq!(text(&error), "forcing trap when growing memory to 131072 bytes");
    let ty = TableType::new(RefType::FUNCREF, 2, None);
    let error = Table::new(&mut store, ty, Ref::Func(None)).unwrap_err();
    assert_eq!(text(&error), "forcing trap when growing table to 2 elements");
}

#[test]
fn memory_types_that_make_no_sense_are_refused() {
    for (builder, message) in [
        (
            MemoryType::builder().min(2).max(Some(1)),
            "maximum page size cannot be smaller than the minimum page size",
        ),
        (
            MemoryType::builder().page_size_log2(3),
            "page size must be 2**16 or 2**0, but was given 2**3",
        ),
        (MemoryType::builder().shared(true), "shared memories must have a maximum size"),
        (
            MemoryType::builder().min(65537),
            "minimum size is too large for this memory type's index type",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
    let mut store = store();
    let error = Memory::new(&mut store, MemoryType::shared(1, 1)).unwrap_err();
    assert_eq!(text(&error), "shared memories must be created through `SharedMemory`");
}

#[test]
fn what_a_linker_defines_is_checked_before_there_is_a_store() {
    let mut store = store();
    let engine = store.engine().clone();
    let wants = module(&engine, r#"(module (import "m" "n" (memory 2)))"#);
    let small = memory(&mut store, 1);
    let mut linker = Linker::new(&engine);
    linker.define(&store, "m", "n", small).unwrap();
    let error = linker.instantiate_pre(&wants).unwrap_err();
    assert!(text(&error).starts_with(
        "incompatible import type for `m::n`: memory types incompatible: expected memory limits (min: 2, max: none) doesn't \
         match provided memory limits (min: 1, max: none)"
    ));
    // With the store at hand, what counts is how large the memory is now.
    small.grow(&mut store, 1).unwrap();
    assert!(linker.instantiate(&mut store, &wants).is_ok());
    assert!(linker.instantiate_pre(&wants).is_err());

    let elsewhere = module(&Engine::default(), r#"(module (import "m" "n" (memory 1)))"#);
    let error = linker.instantiate_pre(&elsewhere).unwrap_err();
    assert_eq!(text(&error), "cross-`Engine` instantiation is not currently supported");

    let import = wants.imports().next().unwrap();
    assert!(linker.try_get_by_import(&mut store, &import).unwrap().is_some());
    let unknown = Linker::<()>::new(&engine).try_get_by_import(&mut store, &import).unwrap();
    assert!(unknown.is_none());
}

#[test]
fn owned_references_travel_in_and_out() {
    let mut store = store();
    let func = Func::wrap(&mut store, |value: OwnedRooted<ExternRef>| Some(value));
    let func =
        func.typed::<OwnedRooted<ExternRef>, Option<OwnedRooted<ExternRef>>>(&store).unwrap();
    let value = ExternRef::new(&mut store, 7).unwrap().to_owned_rooted(&mut store).unwrap();
    let back = func.call(&mut store, value.clone()).unwrap().unwrap();
    store.gc(None).unwrap();
    assert!(OwnedRooted::ref_eq(&store, &value, &back).unwrap());
    assert_eq!(back.data(&store).unwrap().unwrap().downcast_ref(), Some(&7));
}

#[test]
fn exports_that_were_looked_up_are_of_one_module() {
    let mut store = store();
    let engine = store.engine().clone();
    let wat = r#"(module (memory (export "m") 1))"#;
    let (one, other) = (module(&engine, wat), module(&engine, wat));
    let export = one.get_export_index("m").unwrap();
    let copy = export;
    let instance = Instance::new(&mut store, &one, &[]).unwrap();
    let stranger = Instance::new(&mut store, &other, &[]).unwrap();
    assert!(instance.get_module_export(&mut store, &export).is_some());
    assert!(stranger.get_module_export(&mut store, &copy).is_none());
    let same = instance;
    assert!(instance != stranger && instance == same);
}
