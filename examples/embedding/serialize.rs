//! Compiles a module in one place, keeps it in a file, and runs it in another place that compiles nothing.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin serialize
//! ```

use std::path::Path;

use wootz::{Config, Engine, Func, Instance, Module, Result, Store};

const GUEST: &str = r#"
    (module
      (import "host" "hello" (func $hello))
      (func (export "run") (call $hello)))
"#;

fn compile(file: &Path) -> Result<()> {
    let engine = Engine::default();
    println!("Compiling");
    let module = Module::new(&engine, GUEST)?;
    std::fs::write(file, module.serialize()?)?;
    Ok(())
}

fn run(file: &Path) -> Result<()> {
    // A program that only runs what was compiled needs no compiler: `wootz = { default-features = false }`.
    let mut config = Config::new();
    config.enable_compiler(false);
    let engine = Engine::new(&config)?;
    println!("Loading");
    // SAFETY: the file was made by `compile`, and nobody has touched it since. It is machine code: whoever can change it
    // can do whatever this program can.
    let module = unsafe { Module::deserialize_file(&engine, file)? };
    let mut store = Store::new(&engine, ());
    let hello = Func::wrap(&mut store, || println!("> Hello from the host"));
    let instance = Instance::new(&mut store, &module, &[hello.into()])?;
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
    println!("Running");
    run.call(&mut store, ())
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("hello.so");
    compile(&file)?;
    run(&file)?;

    // What is loaded is checked first. An engine whose modules must behave otherwise says so.
    let mut config = Config::new();
    config.consume_fuel(true);
    // SAFETY: as above.
    let error = unsafe { Module::deserialize_file(&Engine::new(&config)?, &file) }
        .expect_err("it was compiled without counting fuel");
    println!("Elsewhere: {}", error.root_cause());
    Ok(())
}
