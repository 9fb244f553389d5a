//! Runs a command-line program that was compiled to wasm from C.
//!
//! ```console
//! $ cargo run -p wootz-examples --bin wasi
//! ```

use wootz::{Engine, Linker, Module, Result, Store};
use wootz_wasi::{I32Exit, WasiCtx, WasiCtxBuilder};

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, concat!(env!("CARGO_MANIFEST_DIR"), "/c/hello.wasm"))?;
    let mut linker: Linker<WasiCtx> = Linker::new(&engine);
    wootz_wasi::add_to_linker(&mut linker, |context| context)?;

    let context = WasiCtxBuilder::new()
        .args(&["hello", "one", "two"])
        .env("GREETING_NAME", "wasm")
        .inherit_stdio()
        .build();
    let mut store = Store::new(&engine, context);
    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    match start.call(&mut store, ()) {
        Ok(()) => println!("it returned"),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => println!("it exited with status {}", exit.0),
            None => return Err(error),
        },
    }
    Ok(())
}
