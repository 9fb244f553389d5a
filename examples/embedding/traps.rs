//! Calls a guest that traps, and says what happened and where.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin traps
//! ```

use wootz::{Engine, Instance, Module, Result, Store, Trap, WasmBacktrace};

const GUEST: &str = r#"
    (module $shop
      (func $share (param i32 i32) (result i32)
        (i32.div_u (local.get 0) (local.get 1)))
      (func $sell (export "sell") (param i32 i32) (result i32)
        (call $share (local.get 0) (local.get 1))))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let sell = instance.get_typed_func::<(i32, i32), i32>(&mut store, "sell")?;
    println!("seven for two: {} each", sell.call(&mut store, (7, 2))?);

    let error = sell.call(&mut store, (7, 0)).expect_err("nobody can share with nobody");
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerDivisionByZero));
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        for frame in backtrace.frames() {
            println!(
                "in {} at {:#x?}",
                frame.func_name().unwrap_or("?"),
                frame.module_offset().unwrap_or(0)
            );
        }
    }
    // The guest is as usable as before.
    println!("nine for three: {} each", sell.call(&mut store, (9, 3))?);
    Ok(())
}
