//! Programs that run guests under a debugger, where `wootz run` is not enough:
//!
//! ```text
//! wootz-debug-host callback FILE     the guest's `outer` calls the host, which calls the guest's `inner`
//! wootz-debug-host threads FILE      three threads, each with an instance, call `work` with their number
//! ```

use anyhow::{Context, Result, bail};
use wootz::{Caller, Engine, Linker, Module, Store};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, file] = &arguments[..] else { bail!("usage: wootz-debug-host MODE FILE") };
    let engine = Engine::default();
    // SAFETY: the test has just compiled it.
    let module = unsafe { Module::load(&engine, file)? };
    match mode.as_str() {
        "callback" => callback(&engine, &module),
        "threads" => threads(&engine, &module),
        _ => bail!("unknown mode `{mode}`"),
    }
}

/// What the guest imports: calls it back.
fn host_call_back(mut caller: Caller<'_, ()>, number: i32) -> Result<i32> {
    let inner = caller.get_export("inner").and_then(|export| export.into_func());
    let inner = inner.context("the guest exports `inner`")?.typed::<i32, i32>(&caller)?;
    inner.call(&mut caller, number + 1)
}

fn callback(engine: &Engine, module: &Module) -> Result<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "call_back", |caller: Caller<'_, ()>, number: i32| {
        host_call_back(caller, number)
    })?;
    let mut store = Store::new(engine, ());
    let instance = linker.instantiate(&mut store, module)?;
    let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer")?;
    println!("{}", outer.call(&mut store, 20)?);
    Ok(())
}

fn threads(engine: &Engine, module: &Module) -> Result<()> {
    let work = |number: i32| -> Result<i32> {
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine).instantiate(&mut store, module)?;
        let work = instance.get_typed_func::<i32, i32>(&mut store, "work")?;
        work.call(&mut store, number)
    };
    std::thread::scope(|scope| {
        let threads = [1, 2, 3].map(|number| scope.spawn(move || work(number)));
        for thread in threads {
            match thread.join() {
                Ok(result) => println!("{}", result?),
                Err(_) => bail!("a thread panicked"),
            }
        }
        Ok(())
    })
}
