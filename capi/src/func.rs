//! Functions that C calls.
//!
//! Numbers and vectors are the same bits for C and compiled code, so functions with nothing else work on C's own values.

use std::ffi::c_int;

use anyhow::{Result, ensure};
use loader::{AsContextMut, RootScope, Val, ValRaw};

use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::kind::{Kind, Signature};
use crate::pointer::handle;
use crate::store::{FuncHandle, ItemHandle};
use crate::value::{Value, places, read, write};

impl FuncHandle {
    /// Calls it with the arguments in `values`, where it leaves the results.
    ///
    /// # Errors
    /// If there are more or fewer values than the function needs, or if the guest traps or anything else ends the call.
    ///
    /// # Safety
    /// There are `count` values, of which the arguments are initialised.
    pub unsafe fn call(&self, values: *mut Value, count: usize) -> Result<()> {
        let signature = &self.item.signature;
        ensure!(
            count == signature.slots(),
            "expected {} values, as many as the function has {} ({}, {}), found {count}",
            signature.slots(),
            "parameters or results, whichever are more",
            signature.params.len(),
            signature.results.len()
        );
        let values = places(values, count)?;
        if !signature.is_plain {
            // SAFETY: the caller's promises.
            return unsafe { self.call_with_references(values) };
        }
        self.store().with(|context| {
            let raw = std::ptr::slice_from_raw_parts_mut(values.cast::<ValRaw>(), count);
            // SAFETY: there is room, the arguments are there, and any bits are a number.
            unsafe { self.item.func.call_unchecked(context, raw) }
        })
    }

    unsafe fn call_with_references(&self, values: *mut Value) -> Result<()> {
        let (store, signature) = (self.store(), &self.item.signature);
        store.with(|context| {
            let mut scope = RootScope::new(context);
            let mut params = Vec::with_capacity(signature.params.len());
            for (position, &kind) in signature.params.iter().enumerate() {
                // SAFETY: the caller's promises.
                params.push(unsafe {
                    read(store, &mut scope.as_context_mut(), values.add(position), kind)
                }?);
            }
            let mut results = vec![Val::I32(0); signature.results.len()];
            self.item.func.call(&mut scope, &params, &mut results)?;
            for (position, result) in results.into_iter().enumerate() {
                let value = write(store, &mut scope.as_context_mut(), result)?;
                // SAFETY: there is room for the results.
                unsafe { values.add(position).write(value) };
            }
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_func_call(
    func: *const FuncHandle,
    values: *mut Value,
    count: usize,
) -> *mut ErrorHandle {
    // SAFETY: as the header asks.
    guarded(|| unsafe { handle(func)?.call(values, count) })
}

/// What the signature of a function says.
unsafe fn of_signature(
    func: *const FuncHandle,
    read: impl FnOnce(&Signature) -> Option<c_int>,
) -> c_int {
    // SAFETY: as the header asks.
    guarded_or(-1, || Ok(read(&unsafe { handle(func) }?.item.signature).unwrap_or(-1)))
}

fn kind_at(list: &[Kind], index: usize) -> Option<c_int> {
    list.get(index).map(|&kind| kind as c_int)
}

fn length(list: &[Kind]) -> Option<c_int> {
    c_int::try_from(list.len()).ok()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_func_param_count(func: *const FuncHandle) -> c_int {
    // SAFETY: as the header asks.
    unsafe { of_signature(func, |signature| length(&signature.params)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_func_result_count(func: *const FuncHandle) -> c_int {
    // SAFETY: as the header asks.
    unsafe { of_signature(func, |signature| length(&signature.results)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_func_param_kind(func: *const FuncHandle, index: usize) -> c_int {
    // SAFETY: as the header asks.
    unsafe { of_signature(func, |signature| kind_at(&signature.params, index)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_func_result_kind(func: *const FuncHandle, index: usize) -> c_int {
    // SAFETY: as the header asks.
    unsafe { of_signature(func, |signature| kind_at(&signature.results, index)) }
}
