//! Globals: what C reads and writes.

use std::ffi::c_int;
use std::ptr::null_mut;

use anyhow::{Result, ensure};
use loader::{AsContextMut, Global, GlobalType, Mutability, RootScope};

use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::kind::Kind;
use crate::pointer::{Out, handle};
use crate::store::{Context, GlobalHandle, ItemHandle, StoreHandle};
use crate::value::{Value, read, write};

fn kind(global: &Global, context: &Context<'_>) -> Kind {
    Kind::of(global.ty(context).content())
}

/// Uses a global of C's.
///
/// # Safety
/// As [`handle`].
unsafe fn with<R>(
    global: *const GlobalHandle,
    body: impl FnOnce(&StoreHandle, &Global, &mut Context<'_>) -> Result<R>,
) -> Result<R> {
    // SAFETY: the caller's promise.
    let global = unsafe { handle(global) }?;
    let store = global.store();
    store.with(|context| {
        let mut scope = RootScope::new(context);
        body(store, &global.item, &mut scope.as_context_mut())
    })
}

/// C says what it takes the value for, and is told if that is wrong.
fn check(expected: c_int, found: Kind) -> Result<()> {
    let expected = Kind::from_number(expected)?;
    ensure!(expected == found, "expected a global of kind {expected:?}, found {found:?}");
    Ok(())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_global_new(
    store: *const StoreHandle,
    kind: c_int,
    is_mutable: bool,
    value: *const Value,
    out: *mut *mut GlobalHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, store) = unsafe { (Out::new(out, null_mut())?, handle(store)?) };
        let kind = Kind::from_number(kind)?;
        ensure!(!value.is_null(), "expected a value, found a null pointer");
        let mutability = if is_mutable { Mutability::Var } else { Mutability::Const };
        let global = store.with(|context| {
            let mut scope = RootScope::new(context);
            // SAFETY: as the header asks.
            let value = unsafe { read(store, &mut scope.as_context_mut(), value, kind) }?;
            Global::new(&mut scope, GlobalType::new(kind.ty(), mutability), value)
        })?;
        out.set(store.global(global).as_ptr());
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_global_kind(global: *const GlobalHandle) -> c_int {
    // SAFETY: as the header asks.
    guarded_or(-1, || unsafe {
        with(global, |_, global, context| Ok(kind(global, context) as c_int))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_global_is_mutable(global: *const GlobalHandle) -> bool {
    // SAFETY: as the header asks.
    guarded_or(false, || unsafe {
        with(global, |_, global, context| Ok(global.ty(context).mutability().is_var()))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_global_get(
    global: *const GlobalHandle,
    expected: c_int,
    out: *mut Value,
) -> *mut ErrorHandle {
    guarded(|| {
        ensure!(!out.is_null(), "there is no place for the result: its pointer is null");
        // SAFETY: as the header asks.
        unsafe {
            let value = with(global, |store, global, context| {
                check(expected, kind(global, context))?;
                let value = global.get(&mut *context);
                write(store, context, value)
            })?;
            out.write(value);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_global_set(
    global: *const GlobalHandle,
    expected: c_int,
    value: *const Value,
) -> *mut ErrorHandle {
    guarded(|| {
        ensure!(!value.is_null(), "expected a value, found a null pointer");
        // SAFETY: as the header asks.
        unsafe {
            with(global, |store, global, context| {
                let kind = kind(global, context);
                check(expected, kind)?;
                let value = read(store, context, value, kind)?;
                global.set(context, value)
            })
        }
    })
}
