//! Memories: seen from both sides, limited, imported, with and without guard pages.
#![cfg(feature = "compiler")]

mod common;

use common::{instance, module, trap};
use wootz::{
    Config, Engine, Instance, Memory, MemoryType, Store, StoreLimits, StoreLimitsBuilder, Trap,
};

const MEMORY: &str = r#"(module
    (memory (export "memory") 2 100)
    (data (i32.const 65530) "across pages")
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "load64") (param i32) (result i64) (i64.load offset=16 (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2))))"#;

#[test]
fn both_sides_see_the_same_bytes() {
    let (mut store, instance) = instance(MEMORY);
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert_eq!(&memory.data(&store)[65530..65542], b"across pages");
    let load = instance.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
    let write = instance.get_typed_func::<(i32, i32), ()>(&mut store, "store").unwrap();
    assert_eq!(load.call(&mut store, 65530).unwrap(), i32::from(b'a'));
    memory.write(&mut store, 10, b"xyz").unwrap();
    assert_eq!(load.call(&mut store, 12).unwrap(), i32::from(b'z'));
    write.call(&mut store, (11, 7)).unwrap();
    let mut buffer = [0; 3];
    memory.read(&store, 10, &mut buffer).unwrap();
    assert_eq!(buffer, [b'x', 7, b'z']);
    assert_eq!(
        memory.read(&store, 2 * 65536 - 2, &mut buffer).unwrap_err().to_string(),
        "out of bounds memory access"
    );
    assert!(memory.write(&mut store, usize::MAX, b"x").is_err());
    let copy = instance.get_typed_func::<(i32, i32, i32), ()>(&mut store, "copy").unwrap();
    copy.call(&mut store, (100, 65530, 12)).unwrap();
    copy.call(&mut store, (103, 100, 12)).unwrap();
    assert_eq!(&memory.data(&store)[100..115], b"acracross pages");
}

#[test]
fn instances_do_not_share_their_initial_memory() {
    let engine = Engine::default();
    let module = module(&engine, MEMORY);
    for _ in 0..3 {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        assert_eq!(&memory.data(&store)[65530..65542], b"across pages");
        memory.data_mut(&mut store).fill(0xee);
    }
}

#[test]
fn growth_is_seen_by_both_sides_and_ends_at_the_maximum() {
    for reservation in [4u64 << 30, 0, 1 << 20] {
        let mut config = Config::new();
        config.memory_reservation(reservation).memory_guard_size(if reservation == 0 {
            0
        } else {
            1 << 16
        });
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, MEMORY), &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
        let load = instance.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
        let load64 = instance.get_typed_func::<i32, i64>(&mut store, "load64").unwrap();
        let write = instance.get_typed_func::<(i32, i32), ()>(&mut store, "store").unwrap();
        let last = |pages: i32| pages * 65536 - 1;
        assert_eq!(trap(&load.call(&mut store, last(2) + 1).unwrap_err()), Trap::MemoryOutOfBounds);
        assert_eq!(trap(&load.call(&mut store, -1).unwrap_err()), Trap::MemoryOutOfBounds);
        assert_eq!(trap(&load64.call(&mut store, -1).unwrap_err()), Trap::MemoryOutOfBounds);
        assert_eq!(grow.call(&mut store, 3).unwrap(), 2, "{reservation}");
        assert_eq!(load.call(&mut store, last(5)).unwrap(), 0);
        assert_eq!(memory.grow(&mut store, 95).unwrap(), 5);
        write.call(&mut store, (last(100), 9)).unwrap();
        assert_eq!(memory.data(&store)[last(100) as usize], 9);
        assert_eq!(load.call(&mut store, 65530).unwrap(), i32::from(b'a'), "contents stay");
        assert_eq!(grow.call(&mut store, 1).unwrap(), -1);
        assert_eq!(
            memory.grow(&mut store, 1).unwrap_err().to_string(),
            "failed to grow memory by `1`"
        );
        assert_eq!(
            trap(&load.call(&mut store, last(100) + 1).unwrap_err()),
            Trap::MemoryOutOfBounds
        );
    }
}

#[test]
fn limits_of_stores_hold() {
    let engine = Engine::default();
    let module = module(&engine, MEMORY);
    let store = |limits: StoreLimits| {
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        store
    };
    let mut small = store(StoreLimitsBuilder::new().memory_size(65536).build());
    let error = Instance::new(&mut small, &module, &[]).unwrap_err();
    assert_eq!(error.to_string(), "memory minimum size of 2 pages exceeds memory limits");

    let mut some = store(StoreLimitsBuilder::new().memory_size(4 * 65536).instances(1).build());
    let instance = Instance::new(&mut some, &module, &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut some, "grow").unwrap();
    assert_eq!((grow.call(&mut some, 2).unwrap(), grow.call(&mut some, 1).unwrap()), (2, -1));
    let error = Instance::new(&mut some, &module, &[]).unwrap_err();
    assert_eq!(error.to_string(), "resource limit exceeded: instance count too high at 2");

    let limits =
        StoreLimitsBuilder::new().memory_size(4 * 65536).trap_on_grow_failure(true).build();
    let mut strict = store(limits);
    let instance = Instance::new(&mut strict, &module, &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut strict, "grow").unwrap();
    let error = grow.call(&mut strict, 3).unwrap_err();
    assert_eq!(error.root_cause().to_string(), "forcing trap when growing memory to 327680 bytes");
}

#[test]
fn memories_of_the_host() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(0, Some(1))).unwrap();
    assert_eq!(
        (memory.size(&store), memory.data_size(&store), memory.page_size(&store)),
        (0, 0, 65536)
    );
    assert_eq!(memory.grow(&mut store, 1).unwrap(), 0);
    let (data, ()) = memory.data_and_store_mut(&mut store);
    data[65535] = 1;
    assert_eq!(memory.ty(&store).maximum(), Some(1));
    assert!(MemoryType::builder().min(2).max(Some(1)).build().is_err());
    assert!(MemoryType::builder().min(65537).build().is_err());
}
