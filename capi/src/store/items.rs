//! What C knows of things in a store: what is behind its pointers.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use loader::{Extern, Func, Global, Instance, Memory, SharedMemory, Table};
use wootz_runtime::abi::c_interface;

use crate::kind::Signature;
use crate::module::ModuleInfo;
use crate::pointer::{Handle, Tag, handles};

use super::StoreHandle;

/// Something in a store.
#[repr(C)]
pub struct Item<T> {
    tag: Tag,
    store: NonNull<StoreHandle>,
    pub item: T,
}

impl<T> Item<T>
where
    Item<T>: Handle,
{
    pub fn new(store: NonNull<StoreHandle>, item: T) -> Item<T> {
        Item { tag: Self::TAG, store, item }
    }
}

/// Something in a store that C has a pointer to.
pub trait ItemHandle: Handle {
    /// Its store.
    fn store(&self) -> &StoreHandle;
}

impl<T> ItemHandle for Item<T>
where
    Item<T>: Handle,
{
    fn store(&self) -> &StoreHandle {
        // SAFETY: stores outlive what is in them.
        unsafe { self.store.as_ref() }
    }
}

/// A function, and what it takes and returns.
pub struct FuncItem {
    pub func: Func,
    pub signature: Signature,
}

/// A memory of either kind.
pub enum MemoryItem {
    /// Of one store.
    Own(Memory),
    /// Of any number of threads.
    Shared(SharedMemory),
}

/// `wootz_func_t`
pub type FuncHandle = Item<FuncItem>;
/// `wootz_table_t`
pub type TableHandle = Item<Table>;
/// `wootz_memory_t`
pub type MemoryHandle = Item<MemoryItem>;
/// `wootz_global_t`
pub type GlobalHandle = Item<Global>;
/// `wootz_tag_t`
pub type TagHandle = Item<loader::Tag>;

/// `wootz_instance_t`
#[repr(C)]
pub struct InstanceBox {
    /// What compiled code knows of it.
    head: c_interface::InstanceHandle,
    tag: Tag,
    store: NonNull<StoreHandle>,
    pub instance: Instance,
    pub info: Arc<ModuleInfo>,
    /// Its exports, by position.
    pub exports: Box<[Slot]>,
}

/// An export, and its handle if somebody has asked for it.
pub struct Slot {
    pub item: Extern,
    pub handle: Cell<*mut c_void>,
}

impl InstanceBox {
    pub fn new(
        head: c_interface::InstanceHandle,
        store: &StoreHandle,
        instance: Instance,
        info: Arc<ModuleInfo>,
        exports: Box<[Slot]>,
    ) -> InstanceBox {
        InstanceBox { head, tag: InstanceBox::TAG, store: store.into(), instance, info, exports }
    }

    /// Its store, by an address that is still good when the handle is gone.
    pub fn store_pointer(&self) -> NonNull<StoreHandle> {
        self.store
    }
}

impl ItemHandle for InstanceBox {
    fn store(&self) -> &StoreHandle {
        // SAFETY: stores outlive what is in them.
        unsafe { self.store.as_ref() }
    }
}

handles! {
    FuncHandle: "wootz_func_t", b"wzFUNC__";
    TableHandle: "wootz_table_t", b"wzTABLE_";
    MemoryHandle: "wootz_memory_t", b"wzMEMORY";
    GlobalHandle: "wootz_global_t", b"wzGLOBAL";
    TagHandle: "wootz_tag_t", b"wzTAG___";
    InstanceBox: "wootz_instance_t", b"wzINST__";
}
