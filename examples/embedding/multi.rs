//! Functions with several results, of the guest's and of the host's.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin multi
//! ```

use wootz::{Engine, Func, FuncType, Instance, Module, Result, Store, Val, ValType};

const GUEST: &str = r#"
    (module
      (import "host" "next" (func $next (param i32 i64) (result i64 i32)))
      (func (export "swap") (param i32 i64) (result i64 i32)
        (call $next (local.get 0) (local.get 1)))
      (func (export "round_trip")
        (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
        (result i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
        local.get 0
        local.get 1
        local.get 2
        local.get 3
        local.get 4
        local.get 5
        local.get 6
        local.get 7
        local.get 8
        local.get 9))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());

    // A host function with several results returns a tuple.
    let next = Func::wrap(&mut store, |a: i32, b: i64| (b + 1, a + 1));
    let instance = Instance::new(&mut store, &module, &[next.into()])?;
    let swap = instance.get_typed_func::<(i32, i64), (i64, i32)>(&mut store, "swap")?;
    let (a, b) = swap.call(&mut store, (2, 4))?;
    println!("swap(2, 4) = {a} {b}");

    // So does a guest's. Where the types are not known, values travel in slices.
    let round_trip =
        instance.get_func(&mut store, "round_trip").expect("the guest exports a function");
    let numbers: Vec<Val> = (0..10).map(Val::I64).collect();
    let mut results = vec![Val::I64(0); round_trip.ty(&store).results().len()];
    round_trip.call(&mut store, &numbers, &mut results)?;
    let results: Vec<i64> = results.iter().map(Val::unwrap_i64).collect();
    println!("round_trip gives back {results:?}");

    // The same for a host function.
    let ty = FuncType::new(&engine, [ValType::I32, ValType::I64], [ValType::I64, ValType::I32]);
    let next = Func::new(&mut store, ty, |_caller, params, results| {
        results[0] = Val::I64(params[1].unwrap_i64() * 10);
        results[1] = Val::I32(params[0].unwrap_i32() * 10);
        Ok(())
    });
    let instance = Instance::new(&mut store, &module, &[next.into()])?;
    let swap = instance.get_typed_func::<(i32, i64), (i64, i32)>(&mut store, "swap")?;
    let (a, b) = swap.call(&mut store, (2, 4))?;
    println!("with another host function, swap(2, 4) = {a} {b}");
    Ok(())
}
