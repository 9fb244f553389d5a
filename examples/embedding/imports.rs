//! Gives a guest functions of the host's, which see the host's data and the guest's memory.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin imports
//! ```

use wootz::{Caller, Engine, Linker, Module, Result, Store};

const GUEST: &str = r#"
    (module
      (import "host" "say" (func $say (param i32 i32)))
      (import "host" "next" (func $next (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "hello from the guest")
      (func (export "run") (result i32)
        (call $say (i32.const 16) (i32.const 20))
        (i32.add (call $next) (call $next))))
"#;

/// What the host keeps for each guest.
struct Host {
    counter: i32,
}

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap(
        "host",
        "say",
        |mut caller: Caller<'_, Host>, address: u32, bytes: u32| -> Result<()> {
            let memory = caller.get_export("memory").and_then(wootz::Extern::into_memory);
            let memory = memory.ok_or_else(|| wootz::Error::msg("the guest exports no memory"))?;
            let mut text = vec![0; bytes as usize];
            memory.read(&caller, address as usize, &mut text)?;
            println!("{}", String::from_utf8_lossy(&text));
            Ok(())
        },
    )?;
    linker.func_wrap("host", "next", |mut caller: Caller<'_, Host>| {
        caller.data_mut().counter += 1;
        caller.data().counter
    })?;

    let mut store = Store::new(&engine, Host { counter: 20 });
    let instance = linker.instantiate(&mut store, &module)?;
    let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
    println!("run() = {}, and the counter is {}", run.call(&mut store, ())?, store.data().counter);
    Ok(())
}
