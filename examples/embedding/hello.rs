//! Lets a guest call a function of the host's that prints something.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin hello
//! ```

use wootz::{Caller, Engine, Func, Instance, Module, Result, Store};

const GUEST: &str = r#"
    (module
      (import "host" "hello" (func $hello))
      (func (export "run") (call $hello)))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    // What the host keeps with each store, host functions can see.
    let mut store = Store::new(&engine, "Hello from the host".to_string());
    let hello = Func::wrap(&mut store, |caller: Caller<'_, String>| {
        println!("> {}", caller.data());
    });
    // Imports are given in the order in which the module has them. `linker` shows how to give them by name.
    let instance = Instance::new(&mut store, &module, &[hello.into()])?;
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
    println!("Calling the guest");
    run.call(&mut store, ())?;
    println!("Done");
    Ok(())
}
