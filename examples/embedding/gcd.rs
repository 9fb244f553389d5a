//! Compiles a function and calls it: the greatest common divisor of two numbers.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin gcd
//! ```

use wootz::{Engine, Instance, Module, Result, Store};

const GCD: &str = r#"
    (module
      (func (export "gcd") (param $a i32) (param $b i32) (result i32) (local $rest i32)
        loop $again
          local.get $b
          if
            (local.set $rest (i32.rem_u (local.get $a) (local.get $b)))
            (local.set $a (local.get $b))
            (local.set $b (local.get $rest))
            br $again
          end
        end
        local.get $a))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GCD)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    // The types are checked here, once, and not at each call.
    let gcd = instance.get_typed_func::<(u32, u32), u32>(&mut store, "gcd")?;
    println!("gcd(6, 27) = {}", gcd.call(&mut store, (6, 27))?);
    println!("gcd(1071, 462) = {}", gcd.call(&mut store, (1071, 462))?);
    Ok(())
}
