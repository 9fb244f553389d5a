//! Links two modules by name: one uses the other's memory and function.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin linker
//! ```

use wootz::{Caller, Engine, Extern, Linker, Module, Result, Store};

/// Exports a memory, and a function.
const LIBRARY: &str = r#"
    (module
      (memory (export "memory") 1)
      (data (i32.const 0) "The double of 21 is ")
      (func (export "double") (param i32) (result i32)
        (i32.mul (local.get 0) (i32.const 2))))
"#;

/// Imports both.
const PROGRAM: &str = r#"
    (module
      (import "library" "memory" (memory 1))
      (import "library" "double" (func $double (param i32) (result i32)))
      (import "host" "print" (func $print (param i32 i32)))
      ;; Puts a number of two digits behind the text.
      (func (export "run") (result i32) (local $result i32)
        (local.set $result (call $double (i32.const 21)))
        (i32.store8 (i32.const 20)
          (i32.add (i32.const 48) (i32.div_u (local.get $result) (i32.const 10))))
        (i32.store8 (i32.const 21)
          (i32.add (i32.const 48) (i32.rem_u (local.get $result) (i32.const 10))))
        (call $print (i32.const 0) (i32.const 22))
        local.get $result)
      (export "memory" (memory 0)))
"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let library = Module::new(&engine, LIBRARY)?;
    let program = Module::new(&engine, PROGRAM)?;

    let mut linker = Linker::new(&engine);
    linker.func_wrap(
        "host",
        "print",
        |mut caller: Caller<'_, ()>, address: u32, bytes: u32| -> Result<()> {
            let memory = caller.get_export("memory").and_then(Extern::into_memory);
            let memory = memory.ok_or_else(|| wootz::Error::msg("the guest exports no memory"))?;
            let mut text = vec![0; bytes as usize];
            memory.read(&caller, address as usize, &mut text)?;
            println!("{}", String::from_utf8_lossy(&text));
            Ok(())
        },
    )?;

    let mut store = Store::new(&engine, ());
    // Without the library, the program cannot be instantiated. The error says what is missing.
    let error = linker.instantiate(&mut store, &program).expect_err("something is missing");
    println!("{error}");

    // Everything that the library exports can be imported from now on.
    let library = linker.instantiate(&mut store, &library)?;
    linker.instance(&mut store, "library", library)?;
    let program = linker.instantiate(&mut store, &program)?;
    let run = program.get_typed_func::<(), i32>(&mut store, "run")?;
    println!("run() = {}", run.call(&mut store, ())?);
    Ok(())
}
