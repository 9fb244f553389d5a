//! Names of things in a store: two words each, copied freely, meaningless without the store.
//!
//! Always true: a handle is only ever used with the store it belongs to; with another one it panics. What it names lives as
//! long as the store.

use std::num::NonZeroU64;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use wootz_runtime::abi::vmctx::VmFuncRef;

/// A store's number in this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StoreId(NonZeroU64);

impl StoreId {
    /// One that no other store has.
    pub fn next() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        StoreId(NonZeroU64::new(id).expect("a process makes fewer than 2^64 stores"))
    }

    /// Panics unless this is the store of a handle.
    #[inline]
    pub fn assert_owns(self, owner: StoreId) {
        if self != owner {
            wrong_store();
        }
    }
}

#[cold]
fn wrong_store() -> ! {
    panic!("object used with the wrong store");
}

/// A function: of an instance, or of the host.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Func {
    pub(crate) store: StoreId,
    /// What compiled code knows the function by.
    pub(crate) raw: NonNull<VmFuncRef>,
}

// SAFETY: it is only used together with its store, which whoever uses it has borrowed.
unsafe impl Send for Func {}
// SAFETY: as above.
unsafe impl Sync for Func {}

macro_rules! indexed {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        #[derive(Clone, Copy, Debug)]
        $(#[$doc])*
        #[repr(C)]
        pub struct $name {
            pub(crate) store: StoreId,
            pub(crate) index: usize,
        }
    )*};
}

indexed! {
    /// A linear memory.
    Memory
    /// A table.
    Table
    /// A global.
    Global
    /// A tag of exceptions.
    Tag
    /// An instance of a module.
    #[derive(PartialEq, Eq)]
    Instance
}
