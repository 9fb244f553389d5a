//! Gives a guest so much fuel and no more. About every instruction uses one unit.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin fuel
//! ```

use wootz::{Config, Engine, Instance, Module, Result, Store, Trap};

const GUEST: &str = r#"
    (module
      (func $fibonacci (export "fibonacci") (param $n i32) (result i32)
        (if (i32.lt_s (local.get $n) (i32.const 2)) (then (return (local.get $n))))
        (i32.add
          (call $fibonacci (i32.sub (local.get $n) (i32.const 1)))
          (call $fibonacci (i32.sub (local.get $n) (i32.const 2))))))
"#;

fn main() -> Result<()> {
    // Counting fuel costs time, so it has to be asked for.
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, GUEST)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let fibonacci = instance.get_typed_func::<i32, i32>(&mut store, "fibonacci")?;

    store.set_fuel(200)?;
    for n in 0.. {
        let before = store.get_fuel()?;
        match fibonacci.call(&mut store, n) {
            Ok(result) => {
                let used = before - store.get_fuel()?;
                println!("fibonacci({n}) = {result}, for {used} units of fuel");
            }
            Err(error) => {
                assert_eq!(error.downcast_ref(), Some(&Trap::OutOfFuel));
                println!("fibonacci({n}): {}", error.root_cause());
                break;
            }
        }
    }

    // More can be added at any time, in host functions too.
    let left = store.get_fuel()?;
    store.set_fuel(left + 1_000)?;
    println!("with more fuel, fibonacci(5) = {}", fibonacci.call(&mut store, 5)?);
    Ok(())
}
