//! Tables: what C reads, writes and grows.

use std::ffi::c_int;
use std::ptr::null_mut;

use anyhow::{Result, bail, ensure, format_err};
use loader::{AsContextMut, RootScope, Table, TableType, ValType};

use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::kind::Kind;
use crate::pointer::{Out, handle};
use crate::store::{Context, ItemHandle, StoreHandle, TableHandle};
use crate::value::{Value, read_reference, write};

/// What a table holds.
fn kind(table: &Table, context: &Context<'_>) -> Kind {
    Kind::of_reference(table.ty(context).element())
}

/// Uses a table of C's.
///
/// # Safety
/// As [`handle`].
unsafe fn with<R>(
    table: *const TableHandle,
    body: impl FnOnce(&StoreHandle, &Table, &mut Context<'_>) -> Result<R>,
) -> Result<R> {
    // SAFETY: the caller's promise.
    let table = unsafe { handle(table) }?;
    let store = table.store();
    store.with(|context| {
        let mut scope = RootScope::new(context);
        body(store, &table.item, &mut scope.as_context_mut())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_table_new(
    store: *const StoreHandle,
    element: c_int,
    minimum: u64,
    maximum: u64,
    init: *const Value,
    out: *mut *mut TableHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, store) = unsafe { (Out::new(out, null_mut())?, handle(store)?) };
        let element = Kind::from_number(element)?;
        let ValType::Ref(ty) = element.ty() else {
            bail!("tables hold references; {element:?} is none");
        };
        // Tables whose indices have 32 bits.
        let limit = |number: u64| {
            u32::try_from(number).map_err(|_| format_err!("tables have no {number} elements"))
        };
        let maximum = (maximum != u64::MAX).then(|| limit(maximum)).transpose()?;
        let ty = TableType::new(ty, limit(minimum)?, maximum);
        let table = store.with(|context| {
            let mut scope = RootScope::new(context);
            // SAFETY: as the header asks.
            let init =
                unsafe { read_reference(store, &mut scope.as_context_mut(), init, element) }?;
            Table::new(&mut scope, ty, init)
        })?;
        out.set(store.table(table).as_ptr());
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_table_kind(table: *const TableHandle) -> c_int {
    // SAFETY: as the header asks.
    guarded_or(-1, || unsafe { with(table, |_, table, context| Ok(kind(table, context) as c_int)) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_table_size(table: *const TableHandle) -> u64 {
    // SAFETY: as the header asks.
    guarded_or(0, || unsafe { with(table, |_, table, context| Ok(table.size(context))) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_table_get(
    table: *const TableHandle,
    index: u64,
    out: *mut Value,
) -> *mut ErrorHandle {
    guarded(|| {
        ensure!(!out.is_null(), "there is no place for the result: its pointer is null");
        // SAFETY: as the header asks.
        unsafe {
            let value = with(table, |store, table, context| {
                let Some(element) = table.get(&mut *context, index) else {
                    let size = table.size(&*context);
                    bail!("out of bounds table access: the table has {size} elements");
                };
                write(store, context, element.into())
            })?;
            out.write(value);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_table_set(
    table: *const TableHandle,
    index: u64,
    value: *const Value,
) -> *mut ErrorHandle {
    // SAFETY: as the header asks.
    guarded(|| unsafe {
        with(table, |store, table, context| {
            let value = read_reference(store, context, value, kind(table, context))?;
            table.set(context, index, value)
        })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_table_grow(
    table: *const TableHandle,
    delta: u64,
    init: *const Value,
    former: *mut u64,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        unsafe {
            let size = with(table, |store, table, context| {
                let init = read_reference(store, context, init, kind(table, context))?;
                table.grow(context, delta, init)
            })?;
            if !former.is_null() {
                former.write(size);
            }
        }
        Ok(())
    })
}
