//! What bindings do when they are used.

use wootz::{
    Caller, Config, Engine, ExternRef, Func, Global, GlobalType, Linker, Memory, MemoryType,
    Mutability, Ref, RefType, Result, Rooted, SharedMemory, Store, StoreContextMut, Table,
    TableType, V128, Val, ValType,
};
use wootz_bindgen::wasi;
use wootz_bindings_tests::awkward::Awkward;
use wootz_bindings_tests::first::First;
use wootz_bindings_tests::items::Items;
use wootz_bindings_tests::nothing::Empty;
use wootz_bindings_tests::overloads::Overloads;
use wootz_bindings_tests::second::Second;
use wootz_bindings_tests::system::System;
use wootz_bindings_tests::with_fuel::WithFuel;
use wootz_bindings_tests::{awkward, first, items, overloads, second, system, with_fuel};
use wootz_wasi::{MemoryOutputPipe, WasiCtx, WasiCtxBuilder};

/// Counts how often it was asked.
struct Counter(i32);

macro_rules! counts {
    ($($module:ident)*) => {$(
        impl $module::Env for Counter {
            fn step(caller: &mut Caller<'_, Counter>) -> Result<i32> {
                caller.data_mut().0 += 1;
                Ok(caller.data().0)
            }
        }
    )*};
}

counts! { first second with_fuel }

#[test]
fn two_modules_of_one_kind_are_in_one_program() {
    let mut store = Store::new(&Engine::default(), Counter(0));
    let first = First::instantiate(&mut store).unwrap();
    let second = Second::instantiate(&mut store).unwrap();
    // Each start function has taken a step.
    assert_eq!(first.next(&mut store).unwrap(), 1 + 3);
    assert_eq!(second.next(&mut store).unwrap(), 2 + 4);
    assert_ne!(first.instance(), second.instance());
}

#[test]
fn two_hundred_modules_are_in_one_program() {
    let mut store = Store::new(&Engine::default(), ());
    let numbers = wootz_bindings_tests::numbers(&mut store).unwrap();
    assert!(numbers.into_iter().eq((0..200).map(|number| (number, true))));
}

#[test]
fn settings_are_those_of_the_engine() {
    let mut store = Store::new(&Engine::default(), Counter(0));
    let error = WithFuel::instantiate(&mut store).unwrap_err();
    assert!(format!("{error:#}").contains("`consume_fuel`"), "{error:#}");
    let engine = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let mut store = Store::new(&engine, Counter(0));
    store.set_fuel(1000).unwrap();
    let module = WithFuel::module(&engine).unwrap();
    let guest = WithFuel::instantiate_module(&mut store, &module).unwrap();
    assert_eq!(guest.next(&mut store).unwrap(), 3);
    assert!(store.get_fuel().unwrap() < 1000);
}

#[test]
fn a_module_is_instantiated_by_way_of_a_linker() {
    let engine = Engine::default();
    let module = First::module(&engine).unwrap();
    let mut linker = Linker::new(&engine);
    First::add_to_linker(&mut linker, &module).unwrap();
    let error = Second::add_to_linker(&mut linker, &module).unwrap_err();
    assert!(error.to_string().contains("`env::step` defined twice"), "{error}");
    let mut store = Store::new(&engine, Counter(6));
    let guest = First::instantiate_with(&mut store, &module, &linker).unwrap();
    assert_eq!(guest.next(&mut store).unwrap(), 7 + 8);

    // What the linker defines need not be what the data implements.
    let mut other = Linker::new(&engine);
    other.func_wrap("env", "step", || 50).unwrap();
    let mut store = Store::new(&engine, ());
    let guest = First::instantiate_with(&mut store, &module, &other).unwrap();
    assert_eq!(guest.next(&mut store).unwrap(), 100);
    assert!(First::instantiate_with(&mut store, &module, &Linker::new(&engine)).is_err());
}

#[test]
fn a_module_without_anything_is_a_module() {
    let mut store = Store::new(&Engine::default(), ());
    let guest = Empty::instantiate(&mut store).unwrap();
    assert_eq!(guest.instance().module(&store).exports().len(), 0);
}

#[test]
fn instances_of_other_modules_are_refused() {
    let mut store = Store::new(&Engine::default(), ());
    let empty = Empty::instantiate(&mut store).unwrap();
    let error = First::new(&mut store, empty.instance()).unwrap_err();
    assert!(error.to_string().contains("`next`"), "{error}");
    let error = Awkward::new(&mut store, empty.instance()).unwrap_err();
    assert!(error.to_string().contains("type"), "{error}");
}

struct Anything;

impl awkward::ResultImports for Anything {
    fn ok(_: &mut Caller<'_, Anything>) -> Result<i32> {
        Ok(1)
    }
}

impl awkward::ResultImports2 for Anything {
    fn ok(_: &mut Caller<'_, Anything>) -> Result<i32> {
        Ok(20)
    }
}

impl awkward::Self_ for Anything {
    fn type_(_: &mut Caller<'_, Anything>, arg0: f32) -> Result<f64> {
        Ok(arg0.into())
    }
}

impl awkward::TImports for Anything {
    fn braces(_: &mut Caller<'_, Anything>) -> Result<()> {
        Ok(())
    }
}

impl awkward::AwkwardImports for Anything {
    fn self_(_: &mut Caller<'_, Anything>) -> Result<()> {
        Ok(())
    }
}

impl awkward::Unnamed for Anything {
    fn unnamed(_: &mut Caller<'_, Anything>) -> Result<i32> {
        Ok(3000)
    }
}

type HostValue = Option<Rooted<ExternRef>>;

impl awkward::Env for Anything {
    fn vector(_: &mut Caller<'_, Anything>, arg0: V128) -> Result<V128> {
        Ok((!arg0.as_u128()).into())
    }

    fn several(
        _: &mut Caller<'_, Anything>,
        arg0: i32,
        arg1: i64,
        arg2: f32,
        arg3: f64,
    ) -> Result<(f64, f32, i64, i32)> {
        Ok((arg3, arg2, arg1, arg0))
    }

    fn references(
        _: &mut Caller<'_, Anything>,
        arg0: Option<Func>,
        arg1: HostValue,
    ) -> Result<(HostValue, Option<Func>)> {
        Ok((arg1, arg0))
    }

    fn typed(caller: &mut Caller<'_, Anything>, arg0: Func) -> Result<(Option<Func>, f32)> {
        let result = arg0.typed::<i32, i32>(&*caller)?.call(&mut *caller, 7)?;
        Ok((Some(arg0), result as f32 / 2.0))
    }

    #[allow(clippy::too_many_arguments)]
    fn many(
        _: &mut Caller<'_, Anything>,
        arg0: i32,
        arg1: i32,
        arg2: i32,
        arg3: i32,
        arg4: i32,
        arg5: i32,
        arg6: i32,
        arg7: i32,
        arg8: i32,
        arg9: i32,
        arg10: i32,
        arg11: i32,
        arg12: i32,
        arg13: i32,
        arg14: i32,
        arg15: i32,
        arg16: i32,
        arg17: i64,
        arg18: f32,
    ) -> Result<i64> {
        let numbers = [
            arg0, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9, arg10, arg11, arg12, arg13,
            arg14, arg15, arg16,
        ];
        let weighted =
            numbers.into_iter().zip(1..).map(|(number, weight)| i64::from(number) * weight);
        Ok(weighted.sum::<i64>() + arg17 + arg18 as i64)
    }
}

#[test]
fn every_export_is_called_whatever_its_name() {
    let mut store = Store::new(&Engine::default(), Anything);
    let guest = Awkward::instantiate(&mut store).unwrap();
    let found = [
        guest.type_(&mut store),
        guest.new_2(&mut store),
        guest.instance_2(&mut store),
        guest.module_2(&mut store),
        guest.get_value_2(&mut store),
        guest.get_value(&mut store),
        guest.get_value_3(&mut store),
        guest.unnamed(&mut store),
        guest.unnamed_2(&mut store),
        guest.a_compile_error(&mut store),
        guest._3d(&mut store),
        guest.clone(&mut store),
        guest.into_iter(&mut store),
        guest.drop(&mut store),
    ];
    assert!(found.iter().map(|found| *found.as_ref().unwrap()).eq(1..=14), "{found:?}");
    assert_eq!(guest.names(&mut store).unwrap(), 3121);
    assert!(format!("{:?}", Clone::clone(&guest)).starts_with("Awkward"));
}

#[test]
fn values_of_every_type_come_and_go() {
    let mut store = Store::new(&Engine::default(), Anything);
    let guest = Awkward::instantiate(&mut store).unwrap();
    let vector = V128::from(0x0123_4567_89ab_cdef_u128);
    assert_eq!(guest.vector(&mut store, vector).unwrap().as_u128(), !vector.as_u128());
    let several = guest.several(&mut store, -1, i64::MIN, 0.25, -0.0).unwrap();
    assert_eq!(several, (-0.0, 0.25, i64::MIN, -1));

    let func = Func::wrap(&mut store, |value: i32| value * 10);
    let value = ExternRef::new(&mut store, "apple").unwrap();
    let (same, found) = guest.references(&mut store, Some(func), Some(value)).unwrap();
    let same = same.unwrap().data(&store).unwrap().unwrap().downcast_ref::<&str>();
    assert_eq!(same, Some(&"apple"));
    let found = found.unwrap().typed::<i32, i32>(&store).unwrap();
    assert_eq!(found.call(&mut store, 4).unwrap(), 40);
    assert!(matches!(guest.references(&mut store, None, None), Ok((None, None))));

    let negation = guest.negation(&mut store).unwrap();
    let (same, half) = guest.typed(&mut store, Some(negation)).unwrap();
    assert_eq!(half, -3.5);
    assert_eq!(same.unwrap().typed::<i32, i32>(&store).unwrap().call(&mut store, 1).unwrap(), -1);
    let error = guest.typed(&mut store, None).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&wootz::Trap::NullReference));
    // The bindings take any function; the type is checked when the function is called.
    let other = Func::wrap(&mut store, || ());
    let error = guest.typed(&mut store, Some(other)).unwrap_err();
    assert!(error.to_string().contains("type mismatch"), "{error}");

    let one = 1;
    let many = guest.many(
        &mut store,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        one,
        1 << 40,
        1000.0,
    );
    assert_eq!(many.unwrap(), 17 * 18 / 2 + (1 << 40) + 1000);
    let many = guest.many_results(&mut store).unwrap();
    assert_eq!((many.0, many.16, many.17), (0, 16, 0.5));
    assert!(guest.nothing(&mut store, None).unwrap().is_none());
}

/// What modules of this store share.
#[derive(Default)]
struct Shared {
    memory: Option<Memory>,
    asked: i32,
}

impl items::Env for Shared {
    fn memory(store: &mut StoreContextMut<'_, Shared>) -> Result<Memory> {
        store.data_mut().asked += 1;
        if let Some(memory) = store.data().memory {
            return Ok(memory);
        }
        let memory = Memory::new(&mut *store, MemoryType::new(1, None))?;
        memory.write(&mut *store, 0, &[100])?;
        store.data_mut().memory = Some(memory);
        Ok(memory)
    }

    fn table(store: &mut StoreContextMut<'_, Shared>) -> Result<Table> {
        Table::new(store, TableType::new(RefType::FUNCREF, 2, None), Ref::Func(None))
    }

    fn base(store: &mut StoreContextMut<'_, Shared>) -> Result<Global> {
        Global::new(store, GlobalType::new(ValType::I32, Mutability::Const), Val::I32(1000))
    }

    fn top(store: &mut StoreContextMut<'_, Shared>) -> Result<Global> {
        Global::new(store, GlobalType::new(ValType::I64, Mutability::Var), Val::I64(0))
    }

    fn shared(store: &mut StoreContextMut<'_, Shared>) -> Result<SharedMemory> {
        let memory = SharedMemory::new(store.engine(), MemoryType::shared(1, 2))?;
        memory.write(0, &[20])?;
        Ok(memory)
    }

    fn get(_: &mut Caller<'_, Shared>) -> Result<i32> {
        Ok(3)
    }
}

#[test]
fn memories_tables_and_globals_have_accessors() {
    let engine = Engine::new(Config::new().shared_memory(true)).unwrap();
    let mut store = Store::new(&engine, Shared::default());
    let guests = [(); 2].map(|()| Items::instantiate(&mut store).unwrap());
    assert_eq!(store.data().asked, 2);
    for guest in &guests {
        assert_eq!(guest.sum(&mut store).unwrap(), 1123);
        assert_eq!(&guest.memory().data(&store)[..5], b"hello");
        assert_eq!(guest.imported().data(&store)[0], 100);
        assert_eq!(guest.shared().size(), 1);
        assert_eq!(guest.table().size(&store), 2);
        assert_eq!(guest.counter().get(&mut store).f64(), Some(1.5));
        assert_eq!(guest.base().get(&mut store).i32(), Some(1000));
    }
    // They share what the host gives both.
    guests[0].imported().write(&mut store, 0, &[101]).unwrap();
    guests[0].memory().write(&mut store, 0, b"j").unwrap();
    assert_eq!(guests[1].sum(&mut store).unwrap(), 1124);
    assert_eq!(guests[1].memory().data(&store)[0], b'h');
}

struct Shows;

impl overloads::Env for Shows {
    fn show(_: &mut Caller<'_, Shows>, arg0: i32) -> Result<i32> {
        Ok(arg0)
    }

    fn show_2(_: &mut Caller<'_, Shows>, arg0: i64) -> Result<i32> {
        Ok(arg0 as i32 * 10)
    }

    fn show_3(_: &mut Caller<'_, Shows>, arg0: Option<Func>) -> Result<i32> {
        Ok(if arg0.is_none() { 100 } else { 0 })
    }

    fn show_4(store: &mut StoreContextMut<'_, Shows>) -> Result<Global> {
        Global::new(store, GlobalType::new(ValType::I32, Mutability::Const), Val::I32(1000))
    }
}

#[test]
fn one_name_stands_for_several_things() {
    let mut store = Store::new(&Engine::default(), Shows);
    let guest = Overloads::instantiate(&mut store).unwrap();
    assert_eq!(guest.run(&mut store).unwrap(), 1 + 20 + 3 + 100 + 1000);
}

/// A program's store.
struct Program {
    wasi: WasiCtx,
    exclamations: i32,
}

impl system::Wasi for Program {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}

impl system::Env for Program {
    fn exclamations(caller: &mut Caller<'_, Program>) -> Result<i32> {
        Ok(caller.data().exclamations)
    }
}

/// What bindings leave out, because WASI has it, is what WASI has.
#[test]
fn bindings_know_what_wasi_has() {
    let mut store = Store::new(&Engine::default(), WasiCtxBuilder::new().build());
    let mut linker = Linker::new(store.engine());
    wootz_wasi::add_to_linker(&mut linker, |wasi| wasi).unwrap();
    let mut found: Vec<_> =
        linker.iter(&mut store).map(|(module, name, _)| (module, name)).collect();
    let mut known: Vec<_> = wasi::functions().collect();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(known, found);
}

#[test]
fn wasi_is_what_the_host_gives() {
    let output = MemoryOutputPipe::new(64);
    let wasi = WasiCtxBuilder::new().stdout(output.clone()).build();
    let mut store = Store::new(&Engine::default(), Program { wasi, exclamations: 2 });
    let guest = System::instantiate(&mut store).unwrap();
    guest.start(&mut store).unwrap();
    assert_eq!(output.contents(), b"hello!hello!");
}
