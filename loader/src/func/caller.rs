//! What host functions learn of their caller.

use crate::engine::Engine;
use crate::externs::Extern;
use crate::handle::Instance;
use crate::module::ModuleExport;
use crate::store::{AsContext, AsContextMut, GcHeapOutOfMemory, StoreContext, StoreContextMut};

/// The store, and the instance that called, for the time of a call of a host function.
pub struct Caller<'a, T: 'static> {
    pub(crate) store: StoreContextMut<'a, T>,
    pub(crate) instance: Option<Instance>,
}

impl<T: 'static> Caller<'_, T> {
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
