//! Instances, as compiled code and C see them.
//!
//! Behind each C symbol of an export is compiled code that calls the two functions at the beginning of an instance's handle,
//! with the position of the export. They believe nothing: C can cast anything to anything.
//!
//! Always true: the handle is not looked at after a guest has been called, because a callback may have deleted it.

use std::ffi::{c_char, c_void};
use std::ptr::{NonNull, null_mut};

use anyhow::{Result, bail, ensure, format_err};
use loader::{Extern, Instance, StaticModule, ValRaw};
use wootz_runtime::abi::c_interface::InstanceHandle;

use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::module::ItemKind;
use crate::pointer::{delete, handle};
use crate::store::{
    Context, FuncHandle, GlobalHandle, InstanceBox, ItemHandle, MemoryHandle, MemoryItem, Slot,
    StoreHandle, TableHandle, TagHandle, erased,
};
use crate::text;
use crate::value::Value;

impl StoreHandle {
    /// The handle of an instance, which is made if there is none.
    pub fn instance(&self, context: &mut Context<'_>, instance: Instance) -> NonNull<InstanceBox> {
        if let Some(known) = self.known_instance(instance) {
            return known;
        }
        let info = self.info(instance, instance.module(&*context));
        let exports = instance
            .exports(&mut *context)
            .map(|export| Slot { item: export.into_extern(), handle: null_mut::<c_void>().into() });
        let exports = exports.collect();
        let head = InstanceHandle { call, export };
        self.add_instance(instance, InstanceBox::new(head, self, instance, info, exports))
    }
}

fn kind(item: &Extern) -> ItemKind {
    match item {
        Extern::Func(_) => ItemKind::Func,
        Extern::Table(_) => ItemKind::Table,
        Extern::Memory(_) | Extern::SharedMemory(_) => ItemKind::Memory,
        Extern::Global(_) => ItemKind::Global,
        _ => ItemKind::Tag,
    }
}

impl InstanceBox {
    /// The handle of the export at a position, which must be of this kind.
    fn export(&self, position: usize, wanted: ItemKind) -> Result<*mut c_void> {
        let count = self.exports.len();
        let slot = self.exports.get(position);
        let slot = slot.ok_or_else(|| {
            format_err!("there is no export {position}: the module has {count} exports")
        })?;
        let found = kind(&slot.item);
        if found != wanted {
            let name = self.info.export_name(position);
            bail!("expected a {}, found a {}: the export `{name}`", wanted.name(), found.name());
        }
        if slot.handle.get().is_null() {
            slot.handle.set(self.make(&slot.item)?);
        }
        Ok(slot.handle.get())
    }

    fn make(&self, item: &Extern) -> Result<*mut c_void> {
        let store = self.store();
        Ok(match item {
            Extern::Func(func) => {
                store.with(|mut context| Ok(erased(store.func(&mut context, *func))))?
            }
            Extern::Table(table) => erased(store.table(*table)),
            Extern::Memory(memory) => erased(store.memory(MemoryItem::Own(*memory))),
            Extern::SharedMemory(memory) => {
                erased(store.memory(MemoryItem::Shared(memory.clone())))
            }
            Extern::Global(global) => erased(store.global(*global)),
            Extern::Tag(tag) => erased(store.exception_tag(*tag)),
            _ => bail!("libwootz does not know this kind of exports"),
        })
    }

    /// The exported function at a position.
    fn func(&self, position: usize) -> Result<NonNull<FuncHandle>> {
        let func = NonNull::new(self.export(position, ItemKind::Func)?.cast());
        func.ok_or_else(|| format_err!("there is no function"))
    }
}

/// What compiled code calls an export through: `PREFIX_NAME(...)` in C.
///
/// # Safety
/// `handle` points to an instance's handle. There are `count` values, of which the arguments are initialised.
unsafe extern "C" fn call(
    instance: *mut InstanceHandle,
    position: usize,
    values: *mut ValRaw,
    count: usize,
) -> *mut c_void {
    let result = guarded(|| {
        // SAFETY: the caller's promise.
        let func = unsafe { handle(instance.cast::<InstanceBox>()) }?.func(position)?;
        // SAFETY: functions live as long as their store; the rest is the caller's promise.
        unsafe { func.as_ref().call(values.cast::<Value>(), count) }
    });
    result.cast()
}

/// What compiled code finds other exports through: the handle, or null if there is none.
///
/// # Safety
/// `handle` points to an instance's handle.
unsafe extern "C" fn export(instance: *mut InstanceHandle, position: usize) -> *mut c_void {
    guarded_or(null_mut(), || {
        // SAFETY: the caller's promise.
        let instance = unsafe { handle(instance.cast::<InstanceBox>()) }?;
        let slot = instance.exports.get(position);
        let slot = slot.ok_or_else(|| format_err!("there is no export {position}"))?;
        let kind = kind(&slot.item);
        // The caller has no use for functions here: it would take them for something else.
        ensure!(kind != ItemKind::Func, "functions are called");
        instance.export(position, kind)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_instance_call(
    instance: *const InstanceBox,
    name: *const c_char,
    values: *mut Value,
    count: usize,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (instance, name) =
            unsafe { (handle(instance)?, text::utf8(name, "the name of an export")?) };
        let func = instance.func(instance.info.export(name)?)?;
        // SAFETY: functions live as long as their store; the rest is as the header asks.
        unsafe { func.as_ref().call(values, count) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_instance_store(instance: *const InstanceBox) -> *mut StoreHandle {
    guarded_or(null_mut(), || {
        // SAFETY: as the header asks.
        Ok(unsafe { handle(instance) }?.store_pointer().as_ptr())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_instance_is_of(
    instance: *const InstanceBox,
    descriptor: *const StaticModule,
) -> bool {
    // SAFETY: as the header asks.
    guarded_or(false, || Ok(unsafe { handle(instance) }?.info.is_of(descriptor)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_instance_delete(instance: *mut InstanceBox) {
    guarded_or((), || {
        // SAFETY: as the header asks.
        let found = unsafe { handle(instance) }?;
        let (store, number) = (found.store_pointer(), found.instance);
        // SAFETY: stores outlive what is in them; and as the header asks.
        unsafe {
            store.as_ref().forget_instance(number);
            delete(instance);
        }
        Ok(())
    });
}

/// Functions that find exports of a kind: by name, and by position.
macro_rules! exports {
    ($($kind:ident $ty:ty: $by_name:ident, $by_position:ident;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $by_name(instance: *const InstanceBox, name: *const c_char) -> *mut $ty {
            guarded_or(null_mut(), || {
                // SAFETY: as the header asks.
                let (instance, name) = unsafe { (handle(instance)?, text::utf8(name, "a name")?) };
                Ok(instance.export(instance.info.export(name)?, ItemKind::$kind)?.cast())
            })
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn $by_position(instance: *const InstanceBox, position: usize) -> *mut $ty {
            guarded_or(null_mut(), || {
                // SAFETY: as the header asks.
                Ok(unsafe { handle(instance) }?.export(position, ItemKind::$kind)?.cast())
            })
        }
    )*};
}

exports! {
    Func FuncHandle: wootz_instance_func, wootz_instance_func_at;
    Table TableHandle: wootz_instance_table, wootz_instance_table_at;
    Memory MemoryHandle: wootz_instance_memory, wootz_instance_memory_at;
    Global GlobalHandle: wootz_instance_global, wootz_instance_global_at;
    Tag TagHandle: wootz_instance_tag, wootz_instance_tag_at;
}
