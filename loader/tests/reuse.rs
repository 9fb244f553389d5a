//! Instances that have ended leave themselves to later ones, and nobody can tell: whatever a guest or its host did to the
//! one before, the next is as new.
#![cfg(feature = "compiler")]

mod common;

use common::{module, trap};
use wootz::{
    Engine, Extern, Func, Global, GlobalType, Instance, Memory, Module, Mutability, Ref, Result,
    Store, Trap, Val, ValType,
};

/// Data at the beginning, over more than a page, at an odd place, and at the very end.
fn guest(pages: usize) -> String {
    let (long, end) = ("0123456789abcdef".repeat(700), (pages << 16) - 3);
    format!(
        r#"(module
        (memory (export "memory") {pages} {most})
        (data (i32.const 0) "{long}")
        (data (i32.const 40001) "odd")
        (data (i32.const {end}) "end")
        (data $passive "passive")
        (table (export "table") 3 8 funcref)
        (elem (i32.const 1) $one)
        (elem $later funcref (ref.func $two))
        (global (export "global") (mut i64) (i64.const 7))
        (func $one (result i32) (i32.const 1))
        (func $two (result i32) (i32.const 2))
        (func (export "fill") (param i32 i32)
            (memory.fill (local.get 0) (i32.const 0xee) (local.get 1)))
        (func (export "grow") (result i32) (memory.grow (i32.const 2)))
        (func (export "spoil")
            (table.set (i32.const 0) (ref.func $two))
            (table.set (i32.const 1) (ref.null func))
            (drop (table.grow (ref.func $two) (i32.const 4)))
            (global.set 0 (i64.const -1))
            (data.drop $passive)
            (elem.drop $later))
        (func (export "passive") (memory.init $passive (i32.const 100) (i32.const 0) (i32.const 7)))
        (func (export "later") (table.init $later (i32.const 2) (i32.const 0) (i32.const 1)))
        (func (export "call") (param i32) (result i32)
            (call_indirect (result i32) (local.get 0)))
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#,
        most = pages + 4
    )
}

/// What the memory holds at first.
fn first_contents(pages: usize) -> Vec<u8> {
    let mut bytes = vec![0; pages << 16];
    let long = "0123456789abcdef".repeat(700);
    bytes[..long.len()].copy_from_slice(long.as_bytes());
    bytes[40001..40004].copy_from_slice(b"odd");
    bytes[(pages << 16) - 3..].copy_from_slice(b"end");
    bytes
}

struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new(module: &Module) -> Guest {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        Guest { store, instance }
    }

    fn memory(&mut self) -> Memory {
        self.instance.get_memory(&mut self.store, "memory").unwrap()
    }

    fn call<P: wootz::WasmParams, R: wootz::WasmResults>(
        &mut self,
        name: &str,
        params: P,
    ) -> Result<R> {
        let func = self.instance.get_typed_func::<P, R>(&mut self.store, name)?;
        func.call(&mut self.store, params)
    }

    fn assert_is_new(&mut self, pages: usize) {
        let memory = self.memory();
        let found = memory.data(&self.store);
        let wanted = first_contents(pages);
        assert_eq!(found.len(), wanted.len());
        let differs = found.iter().zip(&wanted).position(|(found, wanted)| found != wanted);
        assert_eq!(differs, None, "{pages} pages: {:?}", differs.map(|at| found[at]));
        let behind = pages << 16;
        let error = self.call::<i32, i32>("load", behind as i32).unwrap_err();
        assert_eq!(trap(&error), Trap::MemoryOutOfBounds);
        let table = self.instance.get_table(&mut self.store, "table").unwrap();
        assert_eq!(table.size(&self.store), 3);
        assert!(matches!(table.get(&mut self.store, 0), Some(Ref::Func(None))));
        assert!(matches!(table.get(&mut self.store, 2), Some(Ref::Func(None))));
        assert_eq!(self.call::<i32, i32>("call", 1).unwrap(), 1);
        let global = self.instance.get_global(&mut self.store, "global").unwrap();
        assert_eq!(global.get(&mut self.store).i64(), Some(7));
        self.call::<(), ()>("passive", ()).unwrap();
        assert_eq!(&self.memory().data(&self.store)[100..107], b"passive");
        self.call::<(), ()>("later", ()).unwrap();
        assert_eq!(self.call::<i32, i32>("call", 2).unwrap(), 2);
        // What was grown into is new, too.
        assert_eq!(self.call::<(), i32>("grow", ()).unwrap(), pages as i32);
        let memory = self.memory();
        assert!(memory.data(&self.store)[behind..].iter().all(|&byte| byte == 0));
    }

    fn spoil(&mut self) {
        self.call::<(), ()>("spoil", ()).unwrap();
    }
}

#[test]
fn the_next_instance_is_new_whatever_the_one_before_did() {
    let engine = Engine::default();
    // Few pages are emptied one by one, many are given back; likewise where few of many were used.
    for pages in [1, 2, 40] {
        let module = module(&engine, &guest(pages));
        let all = pages << 16;
        let runs = [(0, 0), (0, all), (5000, 1), (0, 70_000.min(all)), (all - 1, 1), (40_000, 5)];
        for round in 0..3 {
            for (start, bytes) in runs {
                let mut guest = Guest::new(&module);
                guest.assert_is_new(pages);
                guest.call::<(i32, i32), ()>("fill", (start as i32, bytes as i32)).unwrap();
                if round > 0 {
                    guest.call::<(i32, i32), ()>("fill", (all as i32, 1 << 17)).unwrap();
                    guest.spoil();
                }
            }
            // A page here and there: more runs than are emptied one by one.
            let mut guest = Guest::new(&module);
            guest.assert_is_new(pages);
            for start in (0..all).step_by(8192) {
                guest.call::<(i32, i32), ()>("fill", (start as i32, 1)).unwrap();
            }
        }
        Guest::new(&module).assert_is_new(pages);
    }
}

#[test]
fn what_only_the_host_has_written_is_gone_as_well() {
    let engine = Engine::default();
    let module = module(&engine, &guest(2));
    for round in 0..6 {
        let mut guest = Guest::new(&module);
        let memory = guest.memory();
        assert_eq!(memory.data(&guest.store)[20_000], 0);
        match round % 3 {
            0 => memory.data_mut(&mut guest.store).fill(0xee),
            1 => memory.write(&mut guest.store, 20_000, &[1]).unwrap(),
            // SAFETY: inside of the memory.
            _ => unsafe { memory.data_ptr(&guest.store).add(20_000).write(1) },
        }
        memory.grow(&mut guest.store, 1).unwrap();
        memory.write(&mut guest.store, 2 << 16, &[1]).unwrap();
    }
    Guest::new(&module).assert_is_new(2);
}

#[test]
fn without_mapped_images_it_is_the_same() {
    let engine = Engine::new(wootz::Config::new().memory_init_cow(false)).unwrap();
    for pages in [1, 40] {
        let module = module(&engine, &guest(pages));
        for bytes in [1, pages << 16, 0] {
            let mut guest = Guest::new(&module);
            guest.assert_is_new(pages);
            guest.call::<(i32, i32), ()>("fill", (0, bytes as i32)).unwrap();
        }
        Guest::new(&module).assert_is_new(pages);
    }
}

#[test]
fn instances_at_the_same_time_have_nothing_in_common() {
    let engine = Engine::default();
    let module = module(&engine, &guest(1));
    for _ in 0..3 {
        let mut guests: Vec<Guest> = (0..20).map(|_| Guest::new(&module)).collect();
        for guest in &mut guests {
            guest.assert_is_new(1);
            guest.call::<(i32, i32), ()>("fill", (0, 1 << 16)).unwrap();
            guest.spoil();
        }
    }
}

#[test]
fn threads_leave_instances_to_each_other() {
    let engine = Engine::default();
    let module = module(&engine, &guest(1));
    std::thread::scope(|scope| {
        for number in 0..4usize {
            let module = &module;
            scope.spawn(move || {
                for round in 0..100 {
                    let mut guest = Guest::new(module);
                    guest.assert_is_new(1);
                    let start = (number * 9973 + round * 257) % 60_000;
                    guest.call::<(i32, i32), ()>("fill", (start as i32, 5000)).unwrap();
                    // Some end on another thread than they began.
                    if round % 10 == 0 {
                        std::thread::spawn(move || drop(guest)).join().unwrap();
                    }
                }
            });
        }
    });
}

#[test]
fn what_comes_from_imports_is_that_of_the_present_store() {
    let engine = Engine::default();
    let text = r#"(module
        (import "" "place" (global $place i32))
        (import "" "number" (func $number (result i32)))
        (memory (export "memory") 1)
        (table 4 funcref)
        (global (export "copy") i32 (global.get $place))
        (data (i32.const 0) "fixed")
        (data (global.get $place) "moved")
        (elem (global.get $place) func $number)
        (func (export "call") (param i32) (result i32)
            (call_indirect (result i32) (local.get 0)))
        (func (export "direct") (result i32) (call $number)))"#;
    let module = module(&engine, text);
    for round in 0..6 {
        let mut store = Store::new(&engine, ());
        let place = round % 4;
        let ty = GlobalType::new(ValType::I32, Mutability::Const);
        let global = Global::new(&mut store, ty, Val::I32(place)).unwrap();
        let number = Func::wrap(&mut store, move || 100 + round);
        let imports: [Extern; 2] = [global.into(), number.into()];
        let instance = Instance::new(&mut store, &module, &imports).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let mut wanted = *b"fixed\0\0\0\0\0";
        wanted[place as usize..][..5].copy_from_slice(b"moved");
        assert_eq!(memory.data(&store)[..10], wanted);
        let copy = instance.get_global(&mut store, "copy").unwrap();
        assert_eq!(copy.get(&mut store).i32(), Some(place));
        let call = instance.get_typed_func::<i32, i32>(&mut store, "call").unwrap();
        for element in 0..4 {
            match call.call(&mut store, element) {
                Ok(number) => assert_eq!((element, number), (place, 100 + round)),
                Err(error) => {
                    assert_eq!(trap(&error), Trap::IndirectCallToNull);
                    assert_ne!(element, place);
                }
            }
        }
        let direct = instance.get_typed_func::<(), i32>(&mut store, "direct").unwrap();
        assert_eq!(direct.call(&mut store, ()).unwrap(), 100 + round);
    }
}

#[test]
fn functions_in_tables_are_those_of_the_present_store() {
    let engine = Engine::default();
    let text = r#"(module
        (import "" "number" (func $number (result i32)))
        (table (export "table") 2 funcref)
        (elem (i32.const 0) $number $own)
        (func $own (result i32) (i32.const 5))
        (func (export "call") (param i32) (result i32)
            (call_indirect (result i32) (local.get 0))))"#;
    let module = module(&engine, text);
    for round in 0..5 {
        let mut store = Store::new(&engine, ());
        let number = Func::wrap(&mut store, move || 100 + round);
        let instance = Instance::new(&mut store, &module, &[number.into()]).unwrap();
        let call = instance.get_typed_func::<i32, i32>(&mut store, "call").unwrap();
        assert_eq!(call.call(&mut store, 0).unwrap(), 100 + round);
        assert_eq!(call.call(&mut store, 1).unwrap(), 5);
    }
}

#[test]
fn an_instance_that_was_never_complete_is_not_left() {
    let engine = Engine::default();
    let text = r#"(module
        (import "" "place" (global $place i32))
        (memory (export "memory") 1)
        (table (export "table") 2 funcref)
        (data (i32.const 8) "image")
        (elem (i32.const 0) $own)
        (data (global.get $place) "moved")
        (data (i32.const 100) "last")
        (func $own))"#;
    let module = module(&engine, text);
    for round in 0..8 {
        let mut store = Store::new(&engine, ());
        let ty = GlobalType::new(ValType::I32, Mutability::Const);
        let place = if round % 2 == 0 { 0xffff } else { 200 };
        let global = Global::new(&mut store, ty, Val::I32(place)).unwrap();
        match Instance::new(&mut store, &module, &[global.into()]) {
            Err(error) => assert_eq!((trap(&error), place), (Trap::MemoryOutOfBounds, 0xffff)),
            Ok(instance) => {
                let memory = instance.get_memory(&mut store, "memory").unwrap();
                let data = memory.data(&store);
                assert_eq!((&data[8..13], &data[100..104]), (&b"image"[..], &b"last"[..]));
                assert_eq!(&data[200..205], b"moved");
                assert_eq!(data.iter().filter(|&&byte| byte != 0).count(), 14);
            }
        }
    }
}

#[test]
fn memories_of_others_are_not_touched() {
    let engine = Engine::default();
    let user = module(
        &engine,
        r#"(module (import "" "memory" (memory 1))
            (func (export "write") (param i32) (i32.store8 (local.get 0) (i32.const 1))))"#,
    );
    let owner = module(&engine, &guest(1));
    for round in 0..5 {
        let mut guest = Guest::new(&owner);
        guest.assert_is_new(1);
        let memory = guest.memory();
        let other = Instance::new(&mut guest.store, &user, &[memory.into()]).unwrap();
        let write = other.get_typed_func::<i32, ()>(&mut guest.store, "write").unwrap();
        write.call(&mut guest.store, 30_000 + round).unwrap();
        assert_eq!(memory.data(&guest.store)[30_000 + round as usize], 1);
    }
    Guest::new(&owner).assert_is_new(1);
}
