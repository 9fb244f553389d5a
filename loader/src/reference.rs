//! References to host values.
//!
//! A host value lives as long as something refers to it: a guest's global, table or local, or a root of the host's. The
//! store collects the others from time to time, or when it is told to ([`Store::gc`](crate::Store::gc)).
//!
//! - A [`Rooted`] reference is `Copy`, and ends with the innermost scope: that of the call of a host function, or a
//!   [`RootScope`]; outside of both, with the store.
//! - An [`OwnedRooted`] reference ends when it is dropped.

use std::any::Any;
use std::convert::Infallible;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use anyhow::{Result, format_err};

use crate::handle::StoreId;
use crate::store::{
    AsContext, AsContextMut, GcHeapOutOfMemory, OwnedRoot, ScopedRoot, StoreContext,
    StoreContextMut, StoreCore,
};

/// A host value of any type that guests can hold, but not look into. Used by way of [`Rooted`] or [`OwnedRooted`].
///
/// ```
/// # use wootz::{Engine, ExternRef, Store};
/// let mut store = Store::new(&Engine::default(), ());
/// let value = ExternRef::new(&mut store, String::from("hello"))?;
/// let data = value.data(&store)?.expect("it is a host value");
/// assert_eq!(data.downcast_ref::<String>().unwrap(), "hello");
/// # Ok::<(), wootz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExternRef {
    _private: (),
}

/// An object of the `gc` proposal. In this version there are none, so that references to them are null.
#[derive(Clone, Debug)]
pub struct AnyRef {
    _never: Infallible,
}

/// An exception. In this version there are none that the host sees, so that references to them are null.
#[derive(Clone, Debug)]
pub struct ExnRef {
    _never: Infallible,
}

/// A reference that is valid until its scope ends: see [`RootScope`].
pub struct Rooted<T> {
    pub(crate) store: StoreId,
    root: ScopedRoot,
    _what: PhantomData<fn() -> T>,
}

/// A reference that is valid as long as it exists, and its store.
///
/// Drop it when it is no longer needed: what refers to each other in a circle, through values of the host, is never
/// collected.
pub struct OwnedRooted<T> {
    pub(crate) store: StoreId,
    root: OwnedRoot,
    _what: PhantomData<fn() -> T>,
}

/// A part of the host's execution, at whose end the [`Rooted`] references that were made in it become invalid.
///
/// Each call of a host function is such a scope already. Outside of them, references are valid as long as their store,
/// unless they are made in a scope.
///
/// ```
/// # use wootz::{Engine, ExternRef, RootScope, Store};
/// let mut store = Store::new(&Engine::default(), ());
/// let value;
/// {
///     let mut scope = RootScope::new(&mut store);
///     value = ExternRef::new(&mut scope, 5)?;
///     assert!(value.data(&scope).is_ok());
/// }
/// assert!(value.data(&store).is_err());
/// # Ok::<(), wootz::Error>(())
/// ```
pub struct RootScope<C: AsContextMut> {
    store: C,
    scope: usize,
}

impl ExternRef {
    /// Puts a value into the store. It is dropped when nothing refers to it any more, at the latest with the store.
    ///
    /// # Errors
    /// If the store holds 2^32 of them already: a [`GcHeapOutOfMemory`] that contains the value.
    pub fn new<T: Any + Send + Sync>(
        mut store: impl AsContextMut,
        value: T,
    ) -> Result<Rooted<ExternRef>> {
        let core = &mut store.as_context_mut().0.core;
        let handle = core.add_host_value(Box::new(value)).map_err(|value| {
            let value = value.downcast::<T>().expect("it was boxed here");
            GcHeapOutOfMemory::new(*value)
        })?;
        Ok(Rooted::new(core, handle))
    }

    /// The reference that [`Rooted::to_raw`] has given as a number. `None` for 0, which stands for null.
    ///
    /// The number must come from the same store, and what it refers to must still be in use; otherwise the reference may be
    /// to some other value, or to none.
    pub fn from_raw(mut store: impl AsContextMut, raw: u32) -> Option<Rooted<ExternRef>> {
        Rooted::from_handle(&mut store.as_context_mut().0.core, raw)
    }
}

fn unrooted() -> anyhow::Error {
    format_err!("attempted to use a garbage-collected object that has been unrooted")
}

impl<T> Rooted<T> {
    fn new(core: &mut StoreCore, handle: u32) -> Rooted<T> {
        Rooted { store: core.id(), root: core.roots.push(handle), _what: PhantomData }
    }

    /// Whether it may be used at this moment with a store, which is its own.
    pub(crate) fn check(&self, core: &StoreCore) -> Result<()> {
        core.roots.get(self.root).map(drop).ok_or_else(unrooted)
    }

    /// As compiled code stores it. 0, which stands for null, unless it has been [checked](Self::check).
    pub(crate) fn handle(&self, core: &StoreCore) -> u32 {
        core.roots.get(self.root).unwrap_or(0)
    }

    fn handle_in(&self, core: &StoreCore) -> Result<u32> {
        core.id().assert_owns(self.store);
        core.roots.get(self.root).ok_or_else(unrooted)
    }

    /// A reference that is valid as long as it exists.
    ///
    /// # Errors
    /// If this reference's scope has ended.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn to_owned_rooted(&self, mut store: impl AsContextMut) -> Result<OwnedRooted<T>> {
        let core = &mut store.as_context_mut().0.core;
        let handle = self.handle_in(core)?;
        Ok(OwnedRooted { store: self.store, root: core.roots.own(handle), _what: PhantomData })
    }

    /// Whether two references are the same root. Different roots may refer to the same value; see [`ref_eq`](Self::ref_eq).
    pub fn rooted_eq(a: Rooted<T>, b: Rooted<T>) -> bool {
        a.store == b.store && a.root == b.root
    }

    /// Whether two refer to the same value.
    ///
    /// # Errors
    /// If the scope of one has ended.
    ///
    /// # Panics
    /// If one belongs to another store.
    pub fn ref_eq(
        store: impl AsContext,
        a: &impl RootedGcRef<T>,
        b: &impl RootedGcRef<T>,
    ) -> Result<bool> {
        let core = &store.as_context().0.core;
        Ok(a.number(core)? == b.number(core)?)
    }

    /// Hashes the root, as [`rooted_eq`](Self::rooted_eq) compares it.
    pub fn rooted_hash<H: Hasher>(&self, state: &mut H) {
        (self.store, self.root).hash(state);
    }

    /// Hashes what it refers to, as [`ref_eq`](Self::ref_eq) compares it. Only good as long as the value is in use.
    ///
    /// # Errors
    /// If its scope has ended.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn ref_hash<H: Hasher>(&self, store: impl AsContext, state: &mut H) -> Result<()> {
        self.handle_in(&store.as_context().0.core)?.hash(state);
        Ok(())
    }
}

/// A [`Rooted`] or [`OwnedRooted`] reference. Implemented here only.
pub trait RootedGcRef<T>: sealed::Number {}

impl<T> RootedGcRef<T> for Rooted<T> {}
impl<T> RootedGcRef<T> for OwnedRooted<T> {}

mod sealed {
    use super::*;

    /// What tells references apart.
    pub trait Number {
        /// The handle.
        #[doc(hidden)]
        fn number(&self, core: &StoreCore) -> Result<u32>;
    }

    impl<T> Number for Rooted<T> {
        fn number(&self, core: &StoreCore) -> Result<u32> {
            self.handle_in(core)
        }
    }

    impl<T> Number for OwnedRooted<T> {
        fn number(&self, core: &StoreCore) -> Result<u32> {
            core.id().assert_owns(self.store);
            Ok(self.root.0)
        }
    }
}

macro_rules! access {
    ($($reference:ident)*) => {$(
        impl $reference<ExternRef> {
            /// The value.
            ///
            /// # Errors
            /// If the reference's scope has ended.
            ///
            /// # Panics
            /// If it belongs to another store.
            pub fn data<'a, T: 'static>(
                &self,
                store: impl Into<StoreContext<'a, T>>,
            ) -> Result<Option<&'a (dyn Any + Send + Sync)>> {
                let core = &store.into().0.core;
                Ok(core.host_values.get(sealed::Number::number(self, core)?))
            }

            /// The value.
            ///
            /// # Errors
            /// If the reference's scope has ended.
            ///
            /// # Panics
            /// If it belongs to another store.
            pub fn data_mut<'a, T: 'static>(
                &self,
                store: impl Into<StoreContextMut<'a, T>>,
            ) -> Result<Option<&'a mut (dyn Any + Send + Sync)>> {
                let core = &mut store.into().0.core;
                let handle = sealed::Number::number(self, core)?;
                Ok(core.host_values.get_mut(handle))
            }

            /// The reference as a number, as it is in a [`ValRaw`](crate::ValRaw). The number keeps nothing alive.
            ///
            /// # Errors
            /// If the reference's scope has ended.
            ///
            /// # Panics
            /// If it belongs to another store.
            pub fn to_raw(&self, store: impl AsContextMut) -> Result<u32> {
                sealed::Number::number(self, &store.as_context().0.core)
            }
        }
    )*};
}

access!(Rooted OwnedRooted);

impl Rooted<ExternRef> {
    /// What compiled code stores as this number; 0 stands for null.
    pub(crate) fn from_handle(core: &mut StoreCore, handle: u32) -> Option<Rooted<ExternRef>> {
        (handle != 0).then(|| Rooted::new(core, handle))
    }
}

impl<T> OwnedRooted<T> {
    /// A reference in the innermost scope.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn to_rooted(&self, mut store: impl AsContextMut) -> Rooted<T> {
        let core = &mut store.as_context_mut().0.core;
        core.id().assert_owns(self.store);
        Rooted::new(core, self.root.0)
    }

    /// Whether two refer to the same value. See [`Rooted::ref_eq`].
    ///
    /// # Errors
    /// If the scope of one has ended.
    ///
    /// # Panics
    /// If one belongs to another store.
    pub fn ref_eq(
        store: impl AsContext,
        a: &impl RootedGcRef<T>,
        b: &impl RootedGcRef<T>,
    ) -> Result<bool> {
        Rooted::ref_eq(store, a, b)
    }

    /// Hashes the root: its copies have the same hash, others have not, whatever they refer to.
    pub fn rooted_hash<H: Hasher>(&self, state: &mut H) {
        (self.store, OwnedRoot::as_ptr(&self.root)).hash(state);
    }

    /// Hashes what it refers to, as [`ref_eq`](Self::ref_eq) compares it. Only good as long as the value is in use.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn ref_hash<H: Hasher>(&self, store: impl AsContext, state: &mut H) {
        store.as_context().0.core.id().assert_owns(self.store);
        self.root.0.hash(state);
    }

    /// As compiled code stores it.
    pub(crate) fn handle(&self) -> u32 {
        self.root.0
    }
}

impl OwnedRooted<ExternRef> {
    /// What compiled code stores as this number; 0 stands for null.
    pub(crate) fn from_handle(core: &mut StoreCore, handle: u32) -> Option<OwnedRooted<ExternRef>> {
        (handle != 0).then(|| OwnedRooted {
            store: core.id(),
            root: core.roots.own(handle),
            _what: PhantomData,
        })
    }
}

impl<C: AsContextMut> RootScope<C> {
    /// Begins a scope, which ends when it is dropped.
    pub fn new(store: C) -> RootScope<C> {
        let scope = store.as_context().0.core.roots.enter();
        RootScope { store, scope }
    }

    /// Makes room for so many references more, so that making them does not allocate.
    pub fn reserve(&mut self, additional: usize) {
        self.store.as_context_mut().0.core.roots.reserve(additional);
    }
}

impl<C: AsContextMut> Drop for RootScope<C> {
    fn drop(&mut self) {
        let scope = self.scope;
        self.store.as_context_mut().0.core.roots.exit(scope);
    }
}

impl<C: AsContextMut> AsContext for RootScope<C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.store.as_context()
    }
}

impl<C: AsContextMut> AsContextMut for RootScope<C> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        self.store.as_context_mut()
    }
}

impl<T> Clone for Rooted<T> {
    fn clone(&self) -> Rooted<T> {
        *self
    }
}

impl<T> Copy for Rooted<T> {}

impl<T> Clone for OwnedRooted<T> {
    fn clone(&self) -> OwnedRooted<T> {
        OwnedRooted { store: self.store, root: self.root.clone(), _what: PhantomData }
    }
}

impl<T> std::fmt::Debug for Rooted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooted").field("root", &self.root).finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for OwnedRooted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnedRooted").field("root", &self.root).finish_non_exhaustive()
    }
}
