//! Ways to get at a store: borrowed, mutably borrowed, and whatever leads to either.

use crate::engine::Engine;

use super::{GcHeapOutOfMemory, Store, StoreInner};

/// A store, borrowed.
#[repr(transparent)]
pub struct StoreContext<'a, T: 'static>(pub(crate) &'a StoreInner<T>);

/// A store, mutably borrowed.
#[repr(transparent)]
pub struct StoreContextMut<'a, T: 'static>(pub(crate) &'a mut StoreInner<T>);

/// What leads to a store.
pub trait AsContext {
    /// The user's data in the store.
    type Data: 'static;

    /// The store.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What leads to a store that may be changed.
pub trait AsContextMut: AsContext {
    /// The store.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T: 'static> AsContext for Store<T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(&self.inner)
    }
}

impl<T: 'static> AsContextMut for Store<T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(&mut self.inner)
    }
}

impl<T: 'static> AsContext for StoreContext<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T: 'static> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T: 'static> AsContextMut for StoreContextMut<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.0)
    }
}

impl<T: AsContext> AsContext for &'_ T {
    type Data = T::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T::Data> {
        T::as_context(*self)
    }
}

impl<T: AsContext> AsContext for &'_ mut T {
    type Data = T::Data;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T::Data> {
        T::as_context(*self)
    }
}

impl<T: AsContextMut> AsContextMut for &'_ mut T {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T::Data> {
        T::as_context_mut(*self)
    }
}

impl<'a, T: AsContext> From<&'a T> for StoreContext<'a, T::Data> {
    fn from(from: &'a T) -> StoreContext<'a, T::Data> {
        from.as_context()
    }
}

impl<'a, T: AsContext> From<&'a mut T> for StoreContext<'a, T::Data> {
    fn from(from: &'a mut T) -> StoreContext<'a, T::Data> {
        T::as_context(from)
    }
}

impl<'a, T: AsContextMut> From<&'a mut T> for StoreContextMut<'a, T::Data> {
    fn from(from: &'a mut T) -> StoreContextMut<'a, T::Data> {
        from.as_context_mut()
    }
}

impl<'a, T: 'static> From<StoreContextMut<'a, T>> for StoreContext<'a, T> {
    fn from(from: StoreContextMut<'a, T>) -> StoreContext<'a, T> {
        StoreContext(from.0)
    }
}

impl<'a, T: 'static> StoreContext<'a, T> {
    /// The user's data.
    pub fn data(&self) -> &'a T {
        self.0.data()
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.0.core.engine()
    }

    /// As [`Store::get_fuel`].
    ///
    /// # Errors
    /// If the engine does not count fuel.
    pub fn get_fuel(&self) -> crate::Result<u64> {
        self.0.core.fuel()
    }
}

impl<T: 'static> StoreContextMut<'_, T> {
    /// The user's data.
    pub fn data(&self) -> &T {
        self.0.data()
    }

    /// The user's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.0.data_mut()
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.0.core.engine()
    }

    /// As [`Store::get_fuel`].
    ///
    /// # Errors
    /// If the engine does not count fuel.
    pub fn get_fuel(&self) -> crate::Result<u64> {
        self.0.core.fuel()
    }

    /// As [`Store::set_fuel`].
    ///
    /// # Errors
    /// If the engine does not count fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> crate::Result<()> {
        self.0.core.set_fuel(fuel)
    }

    /// As [`Store::set_epoch_deadline`].
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.0.core.set_epoch_deadline(ticks_beyond_current);
    }

    /// As [`Store::epoch_deadline_trap`].
    pub fn epoch_deadline_trap(&mut self) {
        self.0.hooks.on_deadline = None;
    }

    /// As [`Store::gc`].
    ///
    /// # Errors
    /// Never in this version.
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> crate::Result<()> {
        let _ = why;
        self.0.core.collect();
        Ok(())
    }
}
