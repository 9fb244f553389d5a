//! Functions that put products of 128 bits together from halves, as compilers of C and Rust call them, which are compiled to a
//! multiplication: they do the same, with and without that, and trap where they would.

#![cfg(feature = "compiler")]

use wootz::{Config, Engine, Instance, Module, Store, Trap};

/// `__multi3` as LLVM has it, and one that is nearly the same.
const MODULE: &str = r#"(module
    (memory (export "memory") 1)
    (func $product (export "product") (param i32 i64 i64 i64 i64) (local i64)
        local.get 0
        local.get 4 local.get 1 i64.mul local.get 2 local.get 3 i64.mul i64.add
        local.get 3 i64.const 32 i64.shr_u local.tee 2
        local.get 1 i64.const 32 i64.shr_u local.tee 4 i64.mul i64.add
        local.get 3 i64.const 4294967295 i64.and local.tee 3
        local.get 1 i64.const 4294967295 i64.and local.tee 1 i64.mul local.tee 5
        i64.const 32 i64.shr_u
        local.get 3 local.get 4 i64.mul i64.add local.tee 3
        i64.const 32 i64.shr_u i64.add
        local.get 3 i64.const 4294967295 i64.and
        local.get 2 local.get 1 i64.mul i64.add local.tee 1
        i64.const 32 i64.shr_u i64.add
        i64.store offset=8
        local.get 0
        local.get 1 i64.const 32 i64.shl local.get 5 i64.const 4294967295 i64.and i64.or
        i64.store)
    (func (export "called") (param i32 i64 i64 i64 i64)
        (call $product (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
    (func (export "sum_of_halves") (param i32 i64 i64 i64 i64)
        local.get 0
        local.get 1 i64.const 32 i64.shr_u local.get 3 i64.const 32 i64.shr_u i64.mul
        i64.store offset=8
        local.get 0
        local.get 1 local.get 3 i64.mul
        i64.store))"#;

type Parameters = (i32, i64, i64, i64, i64);

fn call(config: &Config, name: &str, numbers: &[(u128, u128)]) -> Vec<u128> {
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, MODULE).unwrap();
    let mut store = Store::new(&engine, ());
    if engine.get_consume_fuel() {
        store.set_fuel(1_000_000).unwrap();
    }
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    let function = instance.get_typed_func::<Parameters, ()>(&mut store, name).unwrap();
    let halves = |number: u128| (number as i64, (number >> 64) as i64);
    let results = numbers.iter().map(|&(x, y)| {
        let ((x, xh), (y, yh)) = (halves(x), halves(y));
        function.call(&mut store, (64, x, xh, y, yh)).unwrap();
        u128::from_le_bytes(memory.data(&store)[64..80].try_into().unwrap())
    });
    results.collect()
}

fn without() -> Config {
    let mut config = Config::new();
    config.skip_optimisation("products");
    config
}

/// Numbers with long runs of equal bits, where carries go far, and others.
fn numbers() -> Vec<(u128, u128)> {
    let edges = (0..128).step_by(16).flat_map(|bit| [1 << bit, (1 << bit) - 1, !(1 << bit), !0]);
    let edges: Vec<u128> = edges.collect();
    let mut state = 1_u128;
    let mut next = move || {
        state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(1);
        state ^ state >> 64
    };
    let pairs = edges.iter().flat_map(|&x| edges.iter().map(move |&y| (x, y)));
    pairs.chain((0..1000).map(|_| (next(), next()))).collect()
}

#[test]
fn products_are_right_in_every_way() {
    let numbers = numbers();
    let products: Vec<u128> = numbers.iter().map(|(x, y)| x.wrapping_mul(*y)).collect();
    let mut with_fuel = Config::new();
    with_fuel.consume_fuel(true);
    let mut debug_info = Config::new();
    debug_info.debug_info(true);
    for config in [Config::new(), without(), with_fuel, debug_info] {
        for name in ["product", "called"] {
            assert_eq!(call(&config, name, &numbers), products);
        }
    }
}

#[test]
fn what_is_nearly_a_product_is_left_alone() {
    let numbers = numbers();
    let expected = numbers.iter().map(|&(x, y)| {
        let (x, y) = (x as u64, y as u64);
        u128::from((x >> 32).wrapping_mul(y >> 32)) << 64 | u128::from(x.wrapping_mul(y))
    });
    let expected: Vec<u128> = expected.collect();
    for config in [Config::new(), without()] {
        assert_eq!(call(&config, "sum_of_halves", &numbers), expected);
    }
}

#[test]
fn the_same_is_stored_before_a_trap() {
    for config in [Config::new(), without()] {
        let engine = Engine::new(&config).unwrap();
        let module = Module::new(&engine, MODULE).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        for name in ["product", "called"] {
            let product = instance.get_typed_func::<Parameters, ()>(&mut store, name).unwrap();
            // The lower half would be at -8: the upper half, at 0, is stored first, and that is out of bounds as well.
            let error = product.call(&mut store, (-8, -1, 0, -1, 0)).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::MemoryOutOfBounds));
            // Here the upper half is beyond the end, so nothing is stored.
            let error = product.call(&mut store, (0x1_0000 - 8, -1, 0, -1, 0)).unwrap_err();
            assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::MemoryOutOfBounds));
            assert_eq!(memory.data(&store)[0xfff8..], [0; 8]);
        }
    }
}

#[test]
fn optimisations_that_are_not_known_are_an_error() {
    let error = Engine::new(Config::new().skip_optimisation("magic")).unwrap_err();
    assert!(error.to_string().contains("unknown optimisation `magic`"), "{error}");
}
