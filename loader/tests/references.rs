//! Host values behind references: how long they live, and that each is dropped exactly once.
#![cfg(feature = "compiler")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{linked, module, trap};
use wootz::{
    AsContextMut, Caller, Config, Engine, ExternRef, Func, FuncType, Global, GlobalType, HeapType,
    Instance, Linker, Mutability, OwnedRooted, Ref, RefType, RootScope, Rooted, Store, Table,
    TableType, Trap, UpdateDeadline, Val, ValType,
};

type Value = Option<Rooted<ExternRef>>;

/// Counts how many were dropped.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

struct Counted(Arc<AtomicUsize>, u32);

impl Drop for Counted {
    fn drop(&mut self) {
        assert_ne!(self.1, u32::MAX, "dropped twice");
        self.1 = u32::MAX;
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counter {
    fn value(&self, store: impl AsContextMut, number: u32) -> Rooted<ExternRef> {
        ExternRef::new(store, Counted(self.0.clone(), number)).unwrap()
    }

    fn dropped(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn number(store: impl AsContextMut, value: Rooted<ExternRef>) -> u32 {
    let store = store.as_context();
    let data = value.data(store).unwrap().expect("it holds a host value");
    data.downcast_ref::<Counted>().unwrap().1
}

const HOLDERS: &str = r#"(module
    (import "" "gc" (func $gc))
    (import "" "use" (func $use (param externref)))
    (import "" "make" (func $make (result externref)))
    (table $table (export "table") 4 externref)
    (global $global (export "global") (mut externref) (ref.null extern))
    (func (export "set_global") (param externref) (global.set $global (local.get 0)))
    (func (export "set_table") (param i32 externref)
        (table.set $table (local.get 0) (local.get 1)))
    (func (export "param_across_a_call") (param externref) (result externref)
        (call $gc) (local.get 0))
    (func (export "dead_param") (param externref) (call $gc))
    (func (export "local_across_a_call") (local externref)
        (local.set 0 (call $make)) (call $gc) (call $use (local.get 0)) (call $gc)
        (call $use (local.get 0)))
    (func (export "operand_across_a_call") (call $make) (call $gc) (call $use))
    (func (export "in_a_loop") (param i32) (local externref externref)
        (loop $again
            (local.set 1 (call $make))
            (call $gc)
            (call $use (local.get 1))
            (local.set 2 (select (result externref) (local.get 1) (local.get 2) (local.get 0)))
            (call $gc)
            (call $use (local.get 2))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $deeper (param i32 externref) (result externref)
        (if (result externref) (local.get 0)
            (then (call $deeper (i32.sub (local.get 0) (i32.const 1)) (local.get 1)) (call $gc))
            (else (call $gc) (local.get 1))))
    (func (export "deep") (result externref)
        (call $deeper (i32.const 20) (call $make)))
    (func $many (param externref externref externref externref externref externref externref)
        (result externref externref externref externref externref externref externref)
        (call $gc)
        (local.get 6) (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1)
        (local.get 0))
    (func (export "many")
        (call $many (call $make) (call $make) (call $make) (call $make) (call $make) (call $make)
            (call $make))
        (call $gc)
        (call $use) (call $use) (call $use) (call $use) (call $use) (call $use) (call $use))
    (func (export "trap") (param externref) (call $gc) unreachable)
    (func (export "null") (result externref) (ref.null extern)))"#;

/// A store that counts values, and an instance whose host functions collect, make and use them.
fn holders() -> (Store<(Counter, u32)>, Instance) {
    linked((Counter::default(), 0), HOLDERS, |linker| {
        linker
            .func_wrap("", "gc", |mut caller: Caller<'_, (Counter, u32)>| caller.gc(None))
            .unwrap()
            .func_wrap("", "use", |mut caller: Caller<'_, (Counter, u32)>, value: Value| {
                number(&mut caller, value.expect("not null"));
            })
            .unwrap()
            .func_wrap("", "make", |mut caller: Caller<'_, (Counter, u32)>| {
                caller.data_mut().1 += 1;
                let (counter, number) = caller.data().clone();
                Some(counter.value(&mut caller, number))
            })
            .unwrap();
    })
}

#[test]
fn a_value_lives_while_a_guest_holds_it() {
    let (mut store, instance) = holders();
    for (name, made) in [("local_across_a_call", 1), ("operand_across_a_call", 1), ("many", 7)] {
        let before = store.data().0.dropped();
        let func = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        func.call(&mut store, ()).unwrap();
        store.gc(None).unwrap();
        assert_eq!(store.data().0.dropped() - before, made, "{name}");
    }
    let before = store.data().0.dropped();
    let func = instance.get_typed_func::<i32, ()>(&mut store, "in_a_loop").unwrap();
    func.call(&mut store, 10).unwrap();
    assert!(store.data().0.dropped() - before >= 8, "some are garbage while the loop runs");
    store.gc(None).unwrap();
    assert_eq!(store.data().0.dropped() - before, 10);

    let before = store.data().0.dropped();
    {
        let mut scope = RootScope::new(&mut store);
        let deep = instance.get_typed_func::<(), Value>(&mut scope, "deep").unwrap();
        let value = deep.call(&mut scope, ()).unwrap().unwrap();
        scope.as_context_mut().gc(None).unwrap();
        assert_eq!(number(&mut scope, value), scope.as_context_mut().data().1);
    }
    store.gc(None).unwrap();
    assert_eq!(store.data().0.dropped() - before, 1);
}

#[test]
fn arguments_live_as_long_as_somebody_uses_them() {
    let (mut store, instance) = holders();
    let counter = store.data().0.clone();
    let through =
        instance.get_typed_func::<Value, Value>(&mut store, "param_across_a_call").unwrap();
    let dead = instance.get_typed_func::<Value, ()>(&mut store, "dead_param").unwrap();
    {
        let mut scope = RootScope::new(&mut store);
        let value = counter.value(&mut scope, 5);
        let back = through.call(&mut scope, Some(value)).unwrap().unwrap();
        assert!(Rooted::ref_eq(&scope, &value, &back).unwrap());
        assert!(!Rooted::rooted_eq(value, back));
        dead.call(&mut scope, Some(value)).unwrap();
        assert_eq!(counter.dropped(), 0, "the scope still holds it");
    }
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 1);
    assert!(through.call(&mut store, None).unwrap().is_none());
}

#[test]
fn globals_and_tables_hold_values() {
    let (mut store, instance) = holders();
    let counter = store.data().0.clone();
    let set_global = instance.get_typed_func::<Value, ()>(&mut store, "set_global").unwrap();
    let set_table = instance.get_typed_func::<(i32, Value), ()>(&mut store, "set_table").unwrap();
    let own_global;
    let own_table;
    {
        let mut scope = RootScope::new(&mut store);
        let values = [1, 2, 3, 4].map(|number| counter.value(&mut scope, number));
        set_global.call(&mut scope, Some(values[0])).unwrap();
        set_table.call(&mut scope, (3, Some(values[1]))).unwrap();
        let ty = GlobalType::new(ValType::EXTERNREF, Mutability::Var);
        own_global = Global::new(&mut scope, ty, values[2].into()).unwrap();
        let ty = TableType::new(RefType::EXTERNREF, 2, None);
        own_table = Table::new(&mut scope, ty, values[3].into()).unwrap();
    }
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 0);
    let global = instance.get_global(&mut store, "global").unwrap();
    let table = instance.get_table(&mut store, "table").unwrap();
    {
        let mut scope = RootScope::new(&mut store);
        let found = [
            *global.get(&mut scope).unwrap_externref().unwrap(),
            *table.get(&mut scope, 3).unwrap().unwrap_extern().unwrap(),
            *own_global.get(&mut scope).unwrap_externref().unwrap(),
            *own_table.get(&mut scope, 1).unwrap().unwrap_extern().unwrap(),
        ];
        assert_eq!(found.map(|value| number(&mut scope, value)), [1, 2, 3, 4]);
    }
    global.set(&mut store, Val::null_ref(&HeapType::Extern)).unwrap();
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 1);
    own_table.set(&mut store, 0, Ref::null(&HeapType::Extern)).unwrap();
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 1, "it is there twice");
    own_table.fill(&mut store, 0, Ref::null(&HeapType::Extern), 2).unwrap();
    set_table.call(&mut store, (3, None)).unwrap();
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 3);
    drop(store);
    assert_eq!(counter.dropped(), 4, "the rest goes with the store");
}

#[test]
fn references_end_with_their_scope() {
    let mut store = Store::new(&Engine::default(), ());
    let counter = Counter::default();
    let outer = counter.value(&mut store, 1);
    let (inner, owned);
    {
        let mut scope = RootScope::new(&mut store);
        scope.reserve(10);
        inner = counter.value(&mut scope, 2);
        owned = inner.to_owned_rooted(&mut scope).unwrap();
        assert_eq!(number(&mut scope, inner), 2);
        assert_eq!(number(&mut scope, outer), 1);
    }
    let unrooted = "attempted to use a garbage-collected object that has been unrooted";
    assert_eq!(inner.data(&store).unwrap_err().to_string(), unrooted);
    assert!(inner.data_mut(&mut store).is_err());
    assert!(inner.to_owned_rooted(&mut store).is_err());
    let other = counter.value(&mut store, 3);
    assert!(inner.data(&store).is_err(), "another reference has its place now");
    assert!(Rooted::ref_eq(&store, &other, &inner).is_err());
    let ty = GlobalType::new(ValType::EXTERNREF, Mutability::Var);
    let error = Global::new(&mut store, ty, inner.into()).unwrap_err();
    assert_eq!(error.root_cause().to_string(), unrooted);

    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 0);
    assert!(owned.data(&store).unwrap().unwrap().is::<Counted>());
    let again = owned.to_rooted(&mut store);
    assert!(Rooted::ref_eq(&store, &owned, &again).unwrap());
    assert!(!OwnedRooted::ref_eq(&store, &owned, &other).unwrap());
    let copy = owned.clone();
    drop(owned);
    assert_eq!(number(&mut store, again), 2);
    {
        let mut scope = RootScope::new(&mut store);
        let third = copy.to_rooted(&mut scope);
        let data = third.data_mut(&mut scope).unwrap().unwrap();
        *data.downcast_mut().unwrap() = Counted(counter.0.clone(), 9);
    }
    drop(copy);
    assert_eq!(number(&mut store, again), 9);
    assert_eq!(counter.dropped(), 1, "the value that was replaced");
    drop(store);
    assert_eq!(counter.dropped(), 4);
}

#[test]
#[should_panic(expected = "object used with the wrong store")]
fn a_reference_is_not_used_with_another_store() {
    let engine = Engine::default();
    let (mut one, two) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let value = ExternRef::new(&mut one, 1).unwrap();
    let _ = value.data(&two);
}

#[test]
fn a_value_of_another_store_has_no_raw_form_here() {
    let engine = Engine::default();
    let (mut one, mut two) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let value = ExternRef::new(&mut one, 1).unwrap();
    let func = Func::wrap(&mut one, || {});
    for value in [Val::from(value), Val::from(func)] {
        assert!(value.to_raw(&mut one).is_ok());
        let error = value.to_raw(&mut two).unwrap_err();
        assert_eq!(error.to_string(), "value used with wrong store");
    }
}

#[test]
fn values_are_collected_by_themselves_and_exactly_once() {
    let (mut store, instance) = holders();
    let counter = store.data().0.clone();
    let through =
        instance.get_typed_func::<Value, Value>(&mut store, "param_across_a_call").unwrap();
    let made = 50_000;
    for round in 0..made {
        let mut scope = RootScope::new(&mut store);
        let value = counter.value(&mut scope, round);
        if round % 1000 == 0 {
            through.call(&mut scope, Some(value)).unwrap();
        }
    }
    assert!(counter.dropped() > made as usize * 9 / 10, "{}", counter.dropped());
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), made as usize);

    // The same from within a host function: its references end with each call.
    let local = instance.get_typed_func::<(), ()>(&mut store, "operand_across_a_call").unwrap();
    for _ in 0..100 {
        local.call(&mut store, ()).unwrap();
    }
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), made as usize + 100);
}

#[test]
fn values_survive_traps_and_panics_and_are_dropped_once() {
    let (mut store, instance) = holders();
    let counter = store.data().0.clone();
    let func = instance.get_typed_func::<Value, ()>(&mut store, "trap").unwrap();
    {
        let mut scope = RootScope::new(&mut store);
        let value = counter.value(&mut scope, 1);
        let error = func.call(&mut scope, Some(value)).unwrap_err();
        assert_eq!(trap(&error), Trap::UnreachableCodeReached);
        assert_eq!(number(&mut scope, value), 1);
    }
    let panicking = Func::wrap(&mut store, |mut caller: Caller<'_, (Counter, u32)>| -> () {
        let counter = caller.data().0.clone();
        let value = counter.value(&mut caller, 2);
        let _owned = value.to_owned_rooted(&mut caller).unwrap();
        panic!("a host function gives up");
    });
    let result = catch_unwind(AssertUnwindSafe(|| panicking.call(&mut store, &[], &mut [])));
    assert!(result.is_err());
    let failing =
        Func::wrap(&mut store, |mut caller: Caller<'_, (Counter, u32)>| -> wootz::Result<Value> {
            let counter = caller.data().0.clone();
            counter.value(&mut caller, 3);
            anyhow::bail!("no")
        });
    failing.call(&mut store, &[], &mut [Val::null_ref(&HeapType::Extern)]).unwrap_err();
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 3);
}

#[test]
fn the_host_may_collect_at_an_epoch_deadline() {
    let engine = Engine::new(Config::new().epoch_interruption(true)).unwrap();
    let module = module(
        &engine,
        r#"(module (import "" "make" (func $make (result externref)))
            (import "" "use" (func $use (param externref)))
            (func $inner (param externref) (result externref) (local.get 0))
            (func (export "run") (param i32) (local externref)
                (loop $again
                    (call $use (call $inner (call $make)))
                    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#,
    );
    let mut store = Store::new(&engine, Counter::default());
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("", "make", |mut caller: Caller<'_, Counter>| {
            let counter = caller.data().clone();
            Some(counter.value(&mut caller, 7))
        })
        .unwrap()
        .func_wrap("", "use", |mut caller: Caller<'_, Counter>, value: Value| {
            assert_eq!(number(&mut caller, value.unwrap()), 7);
        })
        .unwrap();
    store.epoch_deadline_callback(|mut store| {
        store.gc(None)?;
        Ok(UpdateDeadline::Continue(0))
    });
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap();
    run.call(&mut store, 200).unwrap();
    store.gc(None).unwrap();
    assert_eq!(store.data().dropped(), 200);
}

#[test]
fn untyped_and_unchecked_calls_pass_references() {
    let (mut store, instance) = holders();
    let counter = store.data().0.clone();
    let through = instance.get_func(&mut store, "param_across_a_call").unwrap();
    let value = counter.value(&mut store, 4);
    let mut results = [Val::null_ref(&HeapType::Extern)];
    through.call(&mut store, &[value.into()], &mut results).unwrap();
    assert!(Rooted::ref_eq(&store, results[0].unwrap_externref().unwrap(), &value).unwrap());

    let ty = FuncType::new(store.engine(), [ValType::EXTERNREF], [ValType::EXTERNREF]);
    // SAFETY: the one value is left as it is.
    let same = unsafe {
        Func::new_unchecked(&mut store, ty, |_, values| {
            assert_eq!(values.len(), 1);
            Ok(())
        })
    };
    let raw = Val::from(value).to_raw(&mut store).unwrap();
    assert_eq!(value.to_raw(&mut store).unwrap(), raw.get_externref());
    for func in [same, through] {
        let mut values = [raw];
        // SAFETY: one argument of the right type, and room for one result.
        unsafe { func.call_unchecked(&mut store, &mut values) }.unwrap();
        let back = ExternRef::from_raw(&mut store, values[0].get_externref()).unwrap();
        assert!(Rooted::ref_eq(&store, &back, &value).unwrap());
    }
    assert!(ExternRef::from_raw(&mut store, 0).is_none());
}

/// A guest that has values everywhere when its call ends in the way that the host wants.
const ENDINGS: &str = r#"(module
    (import "" "make" (func $make (result externref)))
    (import "" "gc" (func $gc))
    (import "" "end" (func $end (param externref)))
    (memory 1)
    (table $table (export "table") 4 externref)
    (global $global (export "global") (mut externref) (ref.null extern))
    (func $overflow (param externref) (result externref)
        (call $overflow (local.get 0)) (call $gc) (local.get 0) (drop))
    (func (export "run") (param i32) (local externref externref)
        (local.set 1 (call $make))
        (table.set $table (i32.const 1) (call $make))
        (global.set $global (call $make))
        (table.fill $table (i32.const 2) (call $make) (i32.const 2))
        (call $make)
        (local.set 2 (call $make))
        (if (i32.eq (local.get 0) (i32.const 1)) (then unreachable))
        (if (i32.eq (local.get 0) (i32.const 2))
            (then (drop (i32.load (i32.const -1)))))
        (if (i32.eq (local.get 0) (i32.const 3))
            (then (local.set 1 (call $overflow (local.get 1)))))
        (if (i32.ge_u (local.get 0) (i32.const 4)) (then (call $end (local.get 1))))
        (call $end) (call $end (local.get 2))))"#;

#[test]
fn however_a_call_ends_values_are_dropped_once() {
    std::panic::set_hook(Box::new(|info| {
        if info.payload_as_str() != Some("the host gives up") {
            eprintln!("{info}");
        }
    }));
    for (ending, collects) in (0..6).flat_map(|ending| [(ending, false), (ending, true)]) {
        let (mut store, instance) = linked((Counter::default(), ending), ENDINGS, |linker| {
            linker
                .func_wrap("", "gc", |mut caller: Caller<'_, (Counter, u32)>| caller.gc(None))
                .unwrap()
                .func_wrap("", "make", |mut caller: Caller<'_, (Counter, u32)>| {
                    let counter = caller.data().0.clone();
                    Some(counter.value(&mut caller, 1))
                })
                .unwrap()
                .func_wrap(
                    "",
                    "end",
                    move |mut caller: Caller<'_, (Counter, u32)>,
                          value: Value|
                          -> wootz::Result<()> {
                        let counter = caller.data().0.clone();
                        let own = counter.value(&mut caller, 2).to_owned_rooted(&mut caller)?;
                        if collects {
                            caller.gc(None)?;
                        }
                        assert_eq!(number(&mut caller, value.unwrap()), 1);
                        let own = own.to_rooted(&mut caller);
                        assert_eq!(number(&mut caller, own), 2);
                        match caller.data().1 {
                            4 => anyhow::bail!("the host fails"),
                            5 => panic!("the host gives up"),
                            _ => Ok(()),
                        }
                    },
                )
                .unwrap();
        });
        let counter = store.data().0.clone();
        let run = instance.get_typed_func::<u32, ()>(&mut store, "run").unwrap();
        let mut made = 0;
        for round in 1..=3 {
            let result = catch_unwind(AssertUnwindSafe(|| run.call(&mut store, ending)));
            match ending {
                0 => result.unwrap().unwrap(),
                1 => assert_eq!(trap(&result.unwrap().unwrap_err()), Trap::UnreachableCodeReached),
                2 => assert_eq!(trap(&result.unwrap().unwrap_err()), Trap::MemoryOutOfBounds),
                3 => assert_eq!(trap(&result.unwrap().unwrap_err()), Trap::StackOverflow),
                4 => assert_eq!(
                    result.unwrap().unwrap_err().root_cause().to_string(),
                    "the host fails"
                ),
                _ => assert!(result.is_err()),
            }
            made += match ending {
                0 => 6 + 2,
                1..=3 => 6,
                _ => 6 + 1,
            };
            if round < 3 {
                store.gc(None).unwrap();
                // What the table and the global hold now, they have held instead of what they held before.
                assert_eq!(counter.dropped(), made - 3, "ending {ending}");
            }
        }
        drop(store);
        assert_eq!(counter.dropped(), made, "ending {ending}");
    }
    let _ = std::panic::take_hook();
}

#[test]
fn an_instance_that_fails_half_way_keeps_what_it_has_stored() {
    let engine = Engine::default();
    for wat in [
        // A segment that fits, and one that does not.
        r#"(module (import "" "table" (table 4 externref)) (import "" "value" (global externref))
            (elem (i32.const 1) externref (global.get 0) (global.get 0))
            (memory 1) (data (i32.const 65536) "!"))"#,
        r#"(module (import "" "table" (table 4 externref)) (import "" "value" (global externref))
            (elem (i32.const 1) externref (global.get 0) (global.get 0))
            (elem (i32.const 3) externref (global.get 0) (global.get 0)))"#,
        // A start function that traps.
        r#"(module (import "" "table" (table 4 externref)) (import "" "value" (global externref))
            (table $own 3 externref)
            (elem (table $own) (i32.const 1) externref (global.get 0) (global.get 0))
            (func (table.copy 0 $own (i32.const 1) (i32.const 1) (i32.const 2)) unreachable)
            (start 0))"#,
    ] {
        let module = module(&engine, wat);
        let counter = Counter::default();
        let mut store = Store::new(&engine, ());
        let table;
        {
            let mut scope = RootScope::new(&mut store);
            let ty = TableType::new(RefType::EXTERNREF, 4, None);
            table = Table::new(&mut scope, ty, Ref::null(&HeapType::Extern)).unwrap();
            let value = counter.value(&mut scope, 6);
            let ty = GlobalType::new(ValType::EXTERNREF, Mutability::Var);
            let cell = Global::new(&mut scope, ty, value.into()).unwrap();
            let value = cell.get(&mut scope);
            let ty = GlobalType::new(ValType::EXTERNREF, Mutability::Const);
            let constant = Global::new(&mut scope, ty, value).unwrap();
            Instance::new(&mut scope, &module, &[table.into(), constant.into()]).unwrap_err();
        }
        store.gc(None).unwrap();
        for index in 0..4 {
            let mut scope = RootScope::new(&mut store);
            let element = table.get(&mut scope, index).unwrap();
            let found = element.unwrap_extern().map(|value| number(&mut scope, *value));
            assert_eq!(found, (1..3).contains(&index).then_some(6), "{wat}");
        }
        // The values of an instance that nobody can reach are still its.
        table.fill(&mut store, 0, Ref::null(&HeapType::Extern), 4).unwrap();
        store.gc(None).unwrap();
        assert_eq!(counter.dropped(), 0);
        drop(store);
        assert_eq!(counter.dropped(), 1);
    }
}

#[test]
fn references_may_outlive_their_store_and_end_on_another_thread() {
    let engine = Engine::default();
    let counter = Counter::default();
    let mut store = Store::new(&engine, ());
    let mut owned: Vec<_> = (0..100)
        .map(|number| {
            let mut scope = RootScope::new(&mut store);
            let value = counter.value(&mut scope, number);
            value.to_owned_rooted(&mut scope).unwrap()
        })
        .collect();
    let half = owned.split_off(50);
    // While the store is in use here, half of them end there.
    let other = std::thread::spawn(move || drop(half));
    for _ in 0..50 {
        store.gc(None).unwrap();
    }
    other.join().unwrap();
    store.gc(None).unwrap();
    assert_eq!(counter.dropped(), 50);
    assert!(owned.iter().all(|value| value.data(&store).unwrap().unwrap().is::<Counted>()));
    drop(store);
    assert_eq!(counter.dropped(), 100, "a store takes its values along");
    std::thread::spawn(move || drop(owned)).join().unwrap();
    assert_eq!(counter.dropped(), 100);
}

#[test]
fn a_call_hook_may_collect_while_values_are_passed() {
    let (mut store, instance) = holders();
    store.call_hook(|mut store, _| {
        store.gc(None)?;
        // Whatever was collected too early would be replaced by this.
        let counter = store.data().0.clone();
        counter.value(&mut store, 1_000_000);
        store.gc(None)
    });
    let deep = instance.get_typed_func::<(), Value>(&mut store, "deep").unwrap();
    for name in ["local_across_a_call", "operand_across_a_call", "many"] {
        let func = instance.get_typed_func::<(), ()>(&mut store, name).unwrap();
        let mut scope = RootScope::new(&mut store);
        func.call(&mut scope, ()).unwrap();
        let value = deep.call(&mut scope, ()).unwrap().unwrap();
        assert_eq!(number(&mut scope, value), scope.as_context_mut().data().1);
    }
    let counter = store.data().0.clone();
    let made = store.data().1 as usize;
    store.call_hook(|_, _| Ok(()));
    store.gc(None).unwrap();
    assert!(counter.dropped() > made, "those of the hook as well");
}

/// A guest that checks its values while everybody collects, and calls itself by way of the host.
const NESTED: &str = r#"(module
    (type $many (func (param externref i64 externref)
        (result externref i64 externref externref i64 i64 i64 i64 externref)))
    (import "" "make" (func $make (result externref)))
    (import "" "number" (func $number (param externref) (result i32)))
    (import "" "again" (func $again (param i32 externref) (result externref)))
    (table $values 8 externref)
    (table $functions funcref (elem $many))
    (func $many (type $many) (local $made externref)
        (local.set $made (call $make))
        (local.get 0) (i64.const 1) (local.get $made) (local.get 2)
        (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (call $make))
    (func $is (param externref i32) (result externref)
        (if (i32.ne (call $number (local.get 0)) (local.get 1)) (then unreachable))
        (local.get 0))
    (func (export "run") (param $depth i32) (param $x externref) (result externref)
        (local $i i32) (local $number_of_x i32) (local $y externref) (local $number_of_y i32)
        (local.set $number_of_x (call $number (local.get $x)))
        (local.set $number_of_y (call $number (local.tee $y (call $make))))
        (block $out (result externref)
            (loop $next (result externref)
                (call_indirect $functions (type $many)
                    (local.get $x) (i64.const 0) (local.get $y) (i32.const 0))
                drop drop drop drop drop
                (call $is (local.get $number_of_y)) drop drop drop
                (call $is (local.get $number_of_x)) drop
                (table.fill $values (i32.const 1) (call $make) (i32.const 5))
                (drop (call $is
                    (select (result externref)
                        (local.get $x) (local.get $y) (i32.and (local.get $i) (i32.const 1)))
                    (select (local.get $number_of_x) (local.get $number_of_y)
                        (i32.and (local.get $i) (i32.const 1)))))
                (if (local.get $depth) (then
                    (local.set $x
                        (call $again (i32.sub (local.get $depth) (i32.const 1)) (local.get $x)))
                    (local.set $number_of_x (call $number (local.get $x)))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $out (local.get $y) (i32.ge_u (local.get $i) (i32.const 3)))
                drop
                (br $next)))
        (call $is (local.get $number_of_y))))"#;

#[test]
fn values_survive_when_everybody_collects_at_every_depth() {
    type Owned = Option<OwnedRooted<ExternRef>>;
    /// What counts drops, and how many were made.
    type Data = (Counter, u32);

    fn make(mut store: impl AsContextMut<Data = Data>) -> Rooted<ExternRef> {
        let mut store = store.as_context_mut();
        store.gc(None).unwrap();
        let (counter, made) = store.data_mut();
        *made += 1;
        let (counter, made) = (counter.clone(), *made);
        let value = counter.value(&mut store, made);
        store.gc(None).unwrap();
        value
    }

    let mut config = Config::new();
    config.consume_fuel(true).epoch_interruption(true);
    let engine = Engine::new(&config).unwrap();
    let module = module(&engine, NESTED);
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("", "make", |mut caller: Caller<'_, Data>| Some(make(&mut caller)))
        .unwrap()
        .func_wrap("", "number", |mut caller: Caller<'_, Data>, value: Value| {
            caller.gc(None).unwrap();
            number(&mut caller, value.unwrap())
        })
        .unwrap()
        .func_wrap("", "again", |mut caller: Caller<'_, Data>, depth: i32, value: Owned| {
            let run = caller.get_export("run").unwrap().into_func().unwrap();
            run.typed::<(i32, Owned), Owned>(&caller)?.call(&mut caller, (depth, value))
        })
        .unwrap();
    let mut store = Store::new(&engine, (Counter::default(), 0));
    store.set_fuel(u64::MAX).unwrap();
    store.call_hook(|mut store, _| {
        make(&mut store);
        Ok(())
    });
    store.epoch_deadline_callback(|mut store| {
        make(&mut store);
        Ok(UpdateDeadline::Continue(0))
    });
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<(i32, Value), Value>(&mut store, "run").unwrap();
    {
        let mut scope = RootScope::new(&mut store);
        let value = make(&mut scope);
        run.call(&mut scope, (2, Some(value))).unwrap();
    }
    store.gc(None).unwrap();
    let (counter, made) = store.data().clone();
    assert_eq!(counter.dropped() as u32, made - 1, "the table holds one");
    drop(store);
    assert_eq!(counter.dropped() as u32, made);
}
