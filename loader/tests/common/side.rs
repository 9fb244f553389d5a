//! A module whose loops are compared with those of another way to compile it.

use wootz::{
    Config, Engine, Func, Instance, Memory, Store, Trap, UpdateDeadline, Val, WasmBacktrace,
};

use super::{module, trap};

/// What a call has left: its result, or why there is none and where in the function.
pub type Left = Result<i32, (Trap, Option<usize>)>;

/// An instance of a module that exports functions of three numbers, and `memory`.
pub struct Side {
    store: Store<()>,
    memory: Memory,
    /// What is exported, in the order of the module.
    pub functions: Vec<(String, Func)>,
    /// The code of each function.
    pub code: Vec<Vec<u8>>,
}

impl Side {
    /// With epochs, the deadline has always come, so that whoever looks asks the host.
    pub fn new(wat: &str, skipped: &[&str], epochs: bool) -> Side {
        let mut config = Config::new();
        config.epoch_interruption(epochs);
        for name in skipped {
            config.skip_optimisation(name);
        }
        let engine = Engine::new(&config).unwrap();
        let module = module(&engine, wat);
        let mut store = Store::new(&engine, ());
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(0)));
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let functions = instance.exports(&mut store).filter_map(|export| {
            let name = export.name().to_string();
            Some((name, export.into_func()?))
        });
        let functions = functions.collect();
        let text = module.text();
        let code = module.functions().map(|it| text[it.offset..it.offset + it.len].to_vec());
        Side { store, memory, functions, code: code.collect() }
    }

    /// Calls a function by its position, with this in memory.
    pub fn call(&mut self, function: usize, arguments: [i32; 3], before: &[u8]) -> Left {
        self.memory.data_mut(&mut self.store).copy_from_slice(before);
        let mut results = [Val::I32(0)];
        let function = self.functions[function].1;
        let called = function.call(&mut self.store, &arguments.map(Val::I32), &mut results);
        called.map(|()| results[0].unwrap_i32()).map_err(|error| {
            let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
            (trap(&error), backtrace.frames()[0].func_offset())
        })
    }

    /// What memory has.
    pub fn data(&self) -> &[u8] {
        self.memory.data(&self.store)
    }
}
