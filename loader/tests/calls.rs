//! Calls from the host: values of every type there and back, typed and untyped, and what is wrong with wrong ones.
#![cfg(feature = "compiler")]

mod common;

use common::{instance, linked, module};
use wootz::{
    CallHook, Config, Engine, Func, FuncType, Global, GlobalType, Instance, Linker, Module,
    Mutability, Store, V128, Val, ValType,
};

#[test]
fn values_of_every_type_come_back_unchanged() {
    let (mut store, instance) = instance(
        r#"(module
            (func (export "swap") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
                local.get 3 local.get 2 local.get 1 local.get 0))"#,
    );
    let swap = instance
        .get_typed_func::<(i32, i64, f32, f64), (f64, f32, i64, i32)>(&mut store, "swap")
        .unwrap();
    assert_eq!(
        swap.call(&mut store, (-1, i64::MIN, 1.5, -0.25)).unwrap(),
        (-0.25, 1.5, i64::MIN, -1)
    );
    let unsigned = instance
        .get_typed_func::<(u32, u64, f32, f64), (f64, f32, u64, u32)>(&mut store, "swap")
        .unwrap();
    assert_eq!(unsigned.call(&mut store, (u32::MAX, u64::MAX, 0.0, 0.0)).unwrap().2, u64::MAX);

    let swap = instance.get_func(&mut store, "swap").unwrap();
    let mut results = [Val::I32(0); 4];
    swap.call(&mut store, &[1.into(), 2i64.into(), 3f32.into(), 4f64.into()], &mut results)
        .unwrap();
    assert_eq!(
        (
            results[0].unwrap_f64(),
            results[1].unwrap_f32(),
            results[2].unwrap_i64(),
            results[3].unwrap_i32()
        ),
        (4.0, 3.0, 2, 1)
    );
}

#[test]
fn more_values_than_registers() {
    let types = ["i32", "i64", "f32", "f64"];
    let params: Vec<&str> = (0..40).map(|i| types[i % 4]).collect();
    let gets: Vec<String> = (0..40).rev().map(|i| format!("local.get {i}")).collect();
    let reversed: Vec<&str> = params.iter().rev().copied().collect();
    let wat = format!(
        r#"(module (func (export "reverse") (param {}) (result {}) {}))"#,
        params.join(" "),
        reversed.join(" "),
        gets.join(" ")
    );
    let (mut store, instance) = instance(&wat);
    let reverse = instance.get_func(&mut store, "reverse").unwrap();
    let value = |i: usize| match i % 4 {
        0 => Val::I32(i as i32),
        1 => Val::I64(i as i64),
        2 => Val::F32((i as f32).to_bits()),
        _ => Val::F64((i as f64).to_bits()),
    };
    let params: Vec<Val> = (0..40).map(value).collect();
    let mut results = vec![Val::I32(0); 40];
    reverse.call(&mut store, &params, &mut results).unwrap();
    for (i, result) in results.iter().rev().enumerate() {
        assert_eq!(format!("{result:?}"), format!("{:?}", value(i)));
    }
}

#[test]
fn wrong_arguments_are_named() {
    let (mut store, instance) =
        instance(r#"(module (func (export "f") (param i32) (result i64) i64.const 1))"#);
    let f = instance.get_func(&mut store, "f").unwrap();
    let mut call = |params: &[Val], results: usize| {
        let mut results = vec![Val::I32(0); results];
        format!("{:#}", f.call(&mut store, params, &mut results).unwrap_err())
    };
    assert_eq!(call(&[], 1), "expected 1 arguments, got 0");
    assert_eq!(call(&[Val::I32(1)], 0), "expected 1 results, got 0");
    assert_eq!(
        call(&[Val::F32(1)], 1),
        "argument type mismatch: type mismatch: expected i32, found f32"
    );

    let error = instance.get_typed_func::<i64, i64>(&mut store, "f").unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("failed to convert function `f` to given type"), "{error}");
    assert!(error.contains("type mismatch with parameters"), "{error}");
    assert!(error.contains("i32") && error.contains("i64"), "{error}");
    let error =
        format!("{:#}", instance.get_typed_func::<i32, (i64, i64)>(&mut store, "f").unwrap_err());
    assert!(error.contains("type mismatch with results: expected 2 types, found 1"), "{error}");
    let error = instance.get_typed_func::<(), ()>(&mut store, "g").unwrap_err();
    assert_eq!(error.to_string(), "failed to find function export `g`");
}

#[test]
fn host_functions_of_every_shape() {
    let (mut store, instance) = linked(
        5,
        r#"(module
            (import "" "nothing" (func $nothing))
            (import "" "add" (func $add (param i32 i32) (result i32)))
            (import "" "pair" (func $pair (param i64) (result i64 f32)))
            (import "" "data" (func $data (result i32)))
            (import "" "fallible" (func $fallible (param f64) (result f64)))
            (import "" "dynamic" (func $dynamic (param i32 f32) (result f32 i32)))
            (func (export "run") (result i32 i64 f32 i32 f64 f32 i32)
                call $nothing
                (call $add (i32.const 20) (i32.const 22))
                (call $pair (i64.const 7))
                call $data
                (call $fallible (f64.const 2))
                (call $dynamic (i32.const 9) (f32.const 8))))"#,
        |linker| {
            linker.func_wrap("", "nothing", || {}).unwrap();
            linker.func_wrap("", "add", |a: i32, b: i32| a + b).unwrap();
            linker.func_wrap("", "pair", |a: i64| (a * 2, 0.5f32)).unwrap();
            linker.func_wrap("", "data", |caller: wootz::Caller<'_, i32>| *caller.data()).unwrap();
            linker
                .func_wrap("", "fallible", |a: f64| -> wootz::Result<f64> { Ok(a * 3.0) })
                .unwrap();
            let ty = FuncType::new(
                linker.engine(),
                [ValType::I32, ValType::F32],
                [ValType::F32, ValType::I32],
            );
            linker
                .func_new("", "dynamic", ty, |_, params, results| {
                    (results[0], results[1]) = (params[1], params[0]);
                    Ok(())
                })
                .unwrap();
        },
    );
    type Results = (i32, i64, f32, i32, f64, f32, i32);
    let run = instance.get_typed_func::<(), Results>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), (42, 14, 0.5, 5, 6.0, 8.0, 9));
}

/// Lets a guest call closures with these arguments and results, by name, through a table and in its own place, and checks that
/// all of it arrives: with a [`Caller`] in front and without, with and without a hook, and where the closure fails.
macro_rules! host_function_types {
    ($engine:expr; $($($ty:ident: $wat:literal = $value:expr),* => $result:expr, $result_ty:ty, $result_wat:literal;)*) => {$({
        let arguments = ($($value,)*);
        let types: &[&str] = &[$($wat),*];
        let guest = format!(
            r#"(module
                (type $t (func (param {params}) (result {result})))
                (import "" "f" (func $f (type $t)))
                (table funcref (elem $f))
                (export "f" (func $f))
                (func (export "by name") (type $t) {gets} call $f)
                (func (export "by table") (type $t) {gets} (call_indirect (type $t) (i32.const 0)))
                (func (export "in place") (type $t) {gets} (return_call $f))
                (func (export "in place by table") (type $t) {gets} (return_call_indirect (type $t) (i32.const 0))))"#,
            params = types.join(" "),
            result = $result_wat,
            gets = types.iter().enumerate().map(|(i, _)| format!("local.get {i} ")).collect::<String>(),
        );
        let module = Module::new($engine, guest).unwrap();
        for (with_caller, with_hook) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut store = Store::new($engine, 0);
            if with_hook {
                store.call_hook(|mut store, hook| {
                    if hook == CallHook::CallingHost {
                        *store.data_mut() += 1;
                    }
                    Ok(())
                });
            }
            #[allow(unused, non_snake_case)]
            let found = move |all: ($($ty,)*)| -> wootz::Result<$result_ty> {
                match format!("{all:?}") == format!("{arguments:?}") {
                    true => Ok($result),
                    false => Err(wootz::Error::msg(format!("other arguments: {all:?}"))),
                }
            };
            #[allow(non_snake_case)]
            let f = match with_caller {
                false => Func::wrap(&mut store, move |$($ty: $ty),*| found(($($ty,)*))),
                true => Func::wrap(&mut store, move |mut caller: wootz::Caller<'_, u32>, $($ty: $ty),*| {
                    *caller.data_mut() += 16;
                    found(($($ty,)*))
                }),
            };
            let instance = Instance::new(&mut store, &module, &[f.into()]).unwrap();
            let mut calls = 0;
            for name in ["f", "by name", "by table", "in place", "in place by table"] {
                let run = instance.get_typed_func::<($($ty,)*), $result_ty>(&mut store, name).unwrap();
                let result = run.call(&mut store, arguments).unwrap_or_else(|e| panic!("{name}: {e:#}"));
                assert_eq!(format!("{result:?}"), format!("{:?}", $result), "{name}");
                calls += 1;
                let others = ($(<$ty>::default(),)*);
                if format!("{others:?}") != format!("{arguments:?}") {
                    let error = run.call(&mut store, others).unwrap_err();
                    assert!(format!("{error:#}").contains(&format!("other arguments: {others:?}")), "{name}: {error:#}");
                    calls += 1;
                }
            }
            let expected = calls * (u32::from(with_hook) + 16 * u32::from(with_caller));
            assert_eq!(*store.data(), expected, "the function or the hook was not called each time");
        }
    })*};
}

#[test]
fn arguments_and_results_of_host_functions_arrive_whatever_their_types() {
    let engine = Engine::default();
    type A = i32;
    type B = i64;
    type C = f32;
    type D = f64;
    type E = u32;
    type F = u64;
    host_function_types! {
        &engine;
        => (), (), "";
        => -1, i32, "i32";
        => i64::MIN, i64, "i64";
        => 0.1, f32, "f32";
        => 0.1, f64, "f64";
        => (1, 2), (i32, i64), "i32 i64";
        A: "i32" = -7 => u32::MAX, u32, "i32";
        B: "i64" = -7 => (), (), "";
        C: "f32" = 1.5 => -2.5, f32, "f32";
        D: "f64" = 1.5 => u64::MAX, u64, "i64";
        C: "f32" = 1.5, D: "f64" = 2.5 => 7.5, f64, "f64";
        A: "i32" = i32::MIN, D: "f64" = 2.5 => 7, i32, "i32";
        D: "f64" = 2.5, A: "i32" = i32::MIN, C: "f32" = 0.25 => 7.5, f32, "f32";
        A: "i32" = -1, B: "i64" = 1 << 40, E: "i32" = 0x8000_0000, F: "i64" = u64::MAX => i32::MIN, i32, "i32";
        A: "i32" = -1, C: "f32" = 1.25, B: "i64" = -2, D: "f64" = 2.25 => -1, i64, "i64";
        C: "f32" = 1.25, D: "f64" = 2.25, A: "i32" = 3, B: "i64" = 4 => (), (), "";
        A: "i32" = -1, B: "i64" = 1 << 40, E: "i32" = 3, F: "i64" = 4, C: "f32" = 0.5 => 1.5, f32, "f32";
        A: "i32" = 1, B: "i64" = 2, E: "i32" = 3, F: "i64" = 4, C: "f32" = 5.0, D: "f64" = 6.0 => -3, i32, "i32";
    }
}

#[test]
fn host_functions_may_be_called_by_the_host() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let double = Func::wrap(&mut store, |a: i32| a * 2);
    assert_eq!(double.typed::<i32, i32>(&store).unwrap().call(&mut store, 21).unwrap(), 42);
    let fails = Func::wrap(&mut store, || -> wootz::Result<()> {
        wootz::Result::Err(wootz::Error::msg("no"))
    });
    assert_eq!(fails.call(&mut store, &[], &mut []).unwrap_err().to_string(), "no");
}

#[test]
fn nested_calls_go_through_the_host_and_back() {
    let (mut store, instance) = linked(
        0u32,
        r#"(module
            (import "" "down" (func $down (param i32) (result i32)))
            (func (export "count") (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0))
                    (then (i32.const 0))
                    (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))"#,
        |linker| {
            linker
                .func_wrap(
                    "",
                    "down",
                    |mut caller: wootz::Caller<'_, u32>, n: i32| -> wootz::Result<i32> {
                        *caller.data_mut() += 1;
                        let count = caller.get_export("count").unwrap().into_func().unwrap();
                        count.typed::<i32, i32>(&caller)?.call(&mut caller, n)
                    },
                )
                .unwrap();
        },
    );
    let count = instance.get_typed_func::<i32, i32>(&mut store, "count").unwrap();
    assert_eq!(count.call(&mut store, 50).unwrap(), 50);
    assert_eq!(*store.data(), 50);
}

#[test]
fn a_module_runs_on_several_threads() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (memory 1) (func (export "sum") (param i32) (result i32) (local i32)
            (loop
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (local.get 0)))
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_if 0 (local.get 0)))
            (i32.load (i32.const 0))))"#,
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let mut store = Store::new(&engine, ());
                    let instance = Instance::new(&mut store, &module, &[]).unwrap();
                    let sum = instance.get_typed_func::<i32, i32>(&mut store, "sum").unwrap();
                    assert_eq!(sum.call(&mut store, 1000).unwrap(), 500_500);
                }
            });
        }
    });
}

#[test]
fn a_store_moves_between_threads() {
    let (mut store, instance) =
        instance(r#"(module (func (export "f") (result i32) i32.const 7))"#);
    let f = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap();
    assert_eq!(f.call(&mut store, ()).unwrap(), 7);
    let mut store = std::thread::spawn(move || {
        assert_eq!(f.call(&mut store, ()).unwrap(), 7);
        store
    })
    .join()
    .unwrap();
    assert!(instance.get_func(&mut store, "f").is_some());
}

#[test]
#[should_panic(expected = "object used with the wrong store")]
fn a_handle_of_another_store_panics() {
    let (mut store, instance) = instance(r#"(module (func (export "f")))"#);
    let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    let mut other = Store::new(store.engine(), ());
    let _ = f.call(&mut other, ());
}

#[test]
fn arrays_are_lists_of_values() {
    let ints = |count: usize| vec!["i32"; count].join(" ");
    let gets: String = (0..20).rev().map(|index| format!("(local.get {index})")).collect();
    let wat = format!(
        r#"(module (import "" "double" (func $double (param i32 i32 i32) (result i32 i32 i32)))
            (func (export "reverse") (param {all}) (result {all}) {gets})
            (func (export "double") (result i32 i32 i32)
                (call $double (i32.const 1) (i32.const 2) (i32.const 3))))"#,
        all = ints(20)
    );
    let (mut store, instance) = linked((), &wat, |linker| {
        linker.func_wrap("", "double", |a: i32, b: i32, c: i32| [2 * a, 2 * b, 2 * c]).unwrap();
    });
    let reverse = instance.get_typed_func::<[i32; 20], [i32; 20]>(&mut store, "reverse").unwrap();
    let numbers: [i32; 20] = std::array::from_fn(|position| position as i32);
    let mut reversed = numbers;
    reversed.reverse();
    assert_eq!(reverse.call(&mut store, numbers).unwrap(), reversed);
    let double = instance.get_typed_func::<(), [i32; 3]>(&mut store, "double").unwrap();
    assert_eq!(double.call(&mut store, ()).unwrap(), [2, 4, 6]);
    assert!(instance.get_typed_func::<(), [i32; 4]>(&mut store, "double").is_err());
}

#[test]
fn vectors_go_everywhere() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let (one, two) =
        (V128::from(1 << 100 | 1), V128::from(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100));
    // With a Rust type, and without; there and back.
    linker.func_wrap("host", "typed", |x: V128, n: i64, y: V128| (y, n + 1, x)).unwrap();
    let ty = FuncType::new(&engine, [ValType::V128, ValType::I32], [ValType::I32, ValType::V128]);
    linker
        .func_new("host", "untyped", ty, |_, params, results| {
            results[0] = Val::I32(params[1].unwrap_i32() * 2);
            results[1] = Val::V128(V128::from(params[0].unwrap_v128().as_u128().rotate_left(8)));
            Ok(())
        })
        .unwrap();
    let ty = GlobalType::new(ValType::V128, Mutability::Var);
    let global = Global::new(&mut store, ty, Val::V128(two)).unwrap();
    linker.define(&store, "host", "global", global).unwrap();
    let module = Module::new(
        &engine,
        r#"(module
            (import "host" "typed" (func $typed (param v128 i64 v128) (result v128 i64 v128)))
            (import "host" "untyped" (func $untyped (param v128 i32) (result i32 v128)))
            (import "host" "global" (global $global (mut v128)))
            (global (export "own") (mut v128) (v128.const i32x4 1 2 3 4))
            (func (export "typed") (param v128 i64 v128) (result v128 i64 v128)
                (call $typed (local.get 0) (local.get 1) (local.get 2)))
            (func (export "untyped") (param v128 i32) (result i32 v128)
                (call $untyped (local.get 0) (local.get 1)))
            (func (export "many") (param v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
                (result v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
                (i32x4.add (local.get 9) (global.get $global)) (local.get 8) (local.get 7) (local.get 6)
                (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)
                (global.set $global (f32x4.neg (local.get 0)))))"#,
    )
    .unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();

    let typed = instance
        .get_typed_func::<(V128, i64, V128), (V128, i64, V128)>(&mut store, "typed")
        .unwrap();
    assert_eq!(typed.call(&mut store, (one, 4, two)).unwrap(), (two, 5, one));
    let untyped = instance.get_func(&mut store, "untyped").unwrap();
    let mut results = [Val::I32(0), Val::I32(0)];
    untyped.call(&mut store, &[Val::V128(two), Val::I32(21)], &mut results).unwrap();
    assert_eq!(results[0].unwrap_i32(), 42);
    assert_eq!(results[1].unwrap_v128().as_u128(), two.as_u128().rotate_left(8));

    let many = instance.get_func(&mut store, "many").unwrap();
    let params: Vec<Val> = (0..10).map(|n| Val::V128(V128::from(n << 64))).collect();
    let mut results = vec![Val::I32(0); 10];
    many.call(&mut store, &params, &mut results).unwrap();
    assert_eq!(results[0].unwrap_v128().as_u128(), (9 << 64) + two.as_u128());
    for (result, param) in results[1..].iter().zip(params.iter().rev().skip(1)) {
        assert_eq!(result.unwrap_v128(), param.unwrap_v128());
    }
    let signs = 0x8000_0000_8000_0000_8000_0000_8000_0000;
    assert_eq!(global.get(&mut store).unwrap_v128().as_u128(), signs);

    let own = instance.get_global(&mut store, "own").unwrap();
    assert_eq!(own.get(&mut store).unwrap_v128().as_u128(), 4 << 96 | 3 << 64 | 2 << 32 | 1);
    own.set(&mut store, Val::V128(one)).unwrap();
    assert_eq!(own.get(&mut store).unwrap_v128(), one);
}

#[test]
fn relaxed_multiplication_rounds_once_on_any_processor_if_results_must_not_differ() {
    let text = r#"(module
        (func (export "f32") (param f32 f32 f32) (result f32)
            (f32x4.extract_lane 3 (f32x4.relaxed_madd
                (f32x4.splat (local.get 0)) (f32x4.splat (local.get 1)) (f32x4.splat (local.get 2)))))
        (func (export "f64") (param f64 f64 f64) (result f64)
            (f64x2.extract_lane 1 (f64x2.relaxed_nmadd
                (f64x2.splat (local.get 0)) (f64x2.splat (local.get 1)) (f64x2.splat (local.get 2))))))"#;
    let (x, y) = (1.0 + f32::EPSILON, 1.0 + f64::EPSILON);
    for cpu in ["baseline", "native"] {
        let mut config = Config::new();
        config.target_cpu(cpu).relaxed_simd_deterministic(true);
        // Not all of these have vectors.
        if cfg!(target_arch = "riscv64") {
            config.cpu_feature("v", true);
        }
        let engine = Engine::new(&config).unwrap();
        let module = Module::new(&engine, text).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let f32 = instance.get_typed_func::<(f32, f32, f32), f32>(&mut store, "f32").unwrap();
        let f64 = instance.get_typed_func::<(f64, f64, f64), f64>(&mut store, "f64").unwrap();
        // Only the part that rounding the product would take away is left.
        let rest = f32.call(&mut store, (x, x, -1.0 - 2.0 * f32::EPSILON)).unwrap();
        assert_eq!(rest, f32::EPSILON * f32::EPSILON, "{cpu}");
        let rest = f64.call(&mut store, (y, y, 1.0 + 2.0 * f64::EPSILON)).unwrap();
        assert_eq!(rest, -f64::EPSILON * f64::EPSILON, "{cpu}");
        let nan = f64.call(&mut store, (f64::INFINITY, 0.0, 1.0)).unwrap();
        assert!(nan.is_nan(), "{cpu}");
    }
}

#[test]
fn who_needs_the_same_results_everywhere_loads_nothing_else() {
    let compiled = |deterministic| {
        let mut config = Config::new();
        config.relaxed_simd_deterministic(deterministic);
        Engine::new(&config).unwrap().precompile_module(b"(module)").unwrap()
    };
    let mut config = Config::new();
    let deterministic = Engine::new(config.relaxed_simd_deterministic(true)).unwrap();
    let load = |engine: &Engine, bytes: &[u8]| {
        // SAFETY: the bytes are what the compiler made.
        unsafe { Module::deserialize(engine, bytes) }
    };
    load(&deterministic, &compiled(true)).unwrap();
    load(&Engine::default(), &compiled(true)).unwrap();
    let error = load(&deterministic, &compiled(false)).unwrap_err();
    assert!(format!("{error:?}").contains("relaxed_simd_deterministic"), "{error:?}");
}
