//! What the tests share: from text to an instance in one line.
#![allow(dead_code)]

use wootz::{Engine, Error, Instance, Linker, Module, Store, Trap, WasmBacktrace};

/// A module from its text.
pub fn module(engine: &Engine, wat: &str) -> Module {
    Module::new(engine, wat).unwrap_or_else(|error| panic!("{error:?}\n{wat}"))
}

/// A store, and an instance of a module that imports nothing.
pub fn instance(wat: &str) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let module = module(&engine, wat);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

/// A store of `data`, and an instance of a module whose imports `define` defines.
pub fn linked<T: 'static>(
    data: T,
    wat: &str,
    define: impl FnOnce(&mut Linker<T>),
) -> (Store<T>, Instance) {
    let engine = Engine::default();
    let module = module(&engine, wat);
    let mut store = Store::new(&engine, data);
    let mut linker = Linker::new(&engine);
    define(&mut linker);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

/// The trap that an error is.
pub fn trap(error: &Error) -> Trap {
    *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("not a trap: {error:?}"))
}

/// The names of the functions in an error's backtrace, the innermost first.
pub fn names(error: &Error) -> Vec<String> {
    let backtrace =
        error.downcast_ref::<WasmBacktrace>().unwrap_or_else(|| panic!("no backtrace: {error:?}"));
    backtrace.frames().iter().map(|frame| frame.func_name().unwrap_or("?").to_string()).collect()
}
