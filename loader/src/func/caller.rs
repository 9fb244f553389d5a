//! What host functions learn of their caller.

use crate::engine::Engine;
use crate::externs::Extern;
use crate::handle::Instance;
use crate::module::ModuleExport;
use crate::store::{AsContext, AsContextMut, GcHeapOutOfMemory, StoreContext, StoreContextMut};

/// The store, and the instance that called, for the time of a call of a host function.
///
/// ```
/// # #[cfg(feature = "compiler")] {
/// use wootz::{Caller, Engine, Linker, Module, Result, Store, format_err};
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "print", |mut caller: Caller<'_, String>, at: u32, len: u32| -> Result<()> {
///     let memory = caller.get_export("memory").and_then(|item| item.into_memory());
///     let memory = memory.ok_or_else(|| format_err!("the guest has no memory"))?;
///     let (bytes, text) = memory.data_and_store_mut(&mut caller);
///     let bytes = bytes.get(at as usize..).and_then(|rest| rest.get(..len as usize));
///     *text += std::str::from_utf8(bytes.ok_or_else(|| format_err!("out of bounds"))?)?;
///     Ok(())
/// })?;
/// let module = Module::new(&engine, r#"(module
///     (import "host" "print" (func $print (param i32 i32)))
///     (memory (export "memory") 1)
///     (data (i32.const 4) "hello")
///     (func (export "run") (call $print (i32.const 4) (i32.const 5))))"#)?;
/// let mut store = Store::new(&engine, String::new());
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
/// assert_eq!(store.data(), "hello");
/// # }
/// # Ok::<(), wootz::Error>(())
/// ```
pub struct Caller<'a, T: 'static> {
    pub(crate) store: StoreContextMut<'a, T>,
    pub(crate) instance: Option<Instance>,
}

impl<T: 'static> Caller<'_, T> {
    /// The instance that called. `None` if the host did.
    pub fn instance(&self) -> Option<Instance> {
        self.instance
    }

    /// An export of the instance that called. `None` if there is none of this name, or the host called.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        let instance = self.instance?;
        instance.get_export(&mut self.store, name)
    }

    /// As [`get_export`](Self::get_export), without looking for the name. `None` too if the export is another module's.
    pub fn get_module_export(&mut self, export: &ModuleExport) -> Option<Extern> {
        let instance = self.instance?;
        instance.get_module_export(&mut self.store, export)
    }

    /// The user's data in the store.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The user's data in the store.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// As [`Store::get_fuel`](crate::Store::get_fuel).
    ///
    /// # Errors
    /// If the engine does not count fuel.
    pub fn get_fuel(&self) -> crate::Result<u64> {
        self.store.get_fuel()
    }

    /// As [`Store::set_fuel`](crate::Store::set_fuel).
    ///
    /// # Errors
    /// If the engine does not count fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> crate::Result<()> {
        self.store.set_fuel(fuel)
    }
}

impl<T: 'static> Caller<'_, T> {
    /// As [`Store::gc`](crate::Store::gc).
    ///
    /// # Errors
    /// Never in this version.
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> crate::Result<()> {
        self.store.gc(why)
    }

    /// As [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline).
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.store.set_epoch_deadline(ticks_beyond_current);
    }
}

impl<'a, T: 'static> From<Caller<'a, T>> for StoreContextMut<'a, T> {
    fn from(caller: Caller<'a, T>) -> StoreContextMut<'a, T> {
        caller.store
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}
