//! Out of wasm: what surrounds every host and built-in function, and the way back when one fails.
//!
//! In: what compiled code is to call, and the function's body. Out: `true`, or `false` after recording why not; compiled code
//! then calls the built-in function `raise`. Always true: nothing unwinds into wasm.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use crate::abi::vmctx::TypedHostEntry;
use crate::vm::activation::{Activation, Failure, Raised};
use crate::vm::backtrace;
use crate::vm::store::{Payload, Store};
use crate::vm::sys::{Resumption, arch};

use super::hook;

/// What compiled code calls as a host function: one of its exit trampolines, which `trampoline` finds, or ours.
pub fn host_function_code(
    typed_entry: Option<TypedHostEntry>,
    trampoline: impl FnOnce() -> Option<NonNull<c_void>>,
) -> Option<NonNull<c_void>> {
    match typed_entry.and(arch::TYPED_EXIT) {
        Some(exit) => NonNull::new(exit as *mut c_void),
        None => trampoline(),
    }
}

/// Runs the body of a host or built-in function. `failure` says what its error means.
///
/// # Safety
/// The thread was in wasm code of this store, or in [`enter`](super::enter), and nothing else happened since.
#[inline]
pub unsafe fn leave<T, E>(
    store: &Store,
    body: impl FnOnce() -> Result<T, E>,
    failure: fn(E) -> Failure,
) -> Option<T> {
    let ended = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(error)) => Ok(error),
        Err(payload) => Err(payload),
    };
    // SAFETY: the caller's promise.
    unsafe { failed(store, ended, failure) };
    None
}

/// Far from the code of functions that do not fail.
#[cold]
unsafe fn failed<E>(store: &Store, ended: Result<E, Payload>, failure: fn(E) -> Failure) {
    // SAFETY: the caller's promise.
    unsafe { record(store, ended.map_or_else(Failure::Panic, failure)) };
}

/// Records why the innermost call of this thread ends.
///
/// # Safety
/// As [`leave`].
#[cold]
pub unsafe fn record(store: &Store, failure: Failure) {
    if let Failure::Trap(code) = failure {
        hook::on_failure(code, store);
    }
    let activation = Activation::innermost().expect("wasm is only run by way of `enter`");
    let backtrace = match failure {
        Failure::Panic(_) => Vec::new(),
        // SAFETY: wasm was left through a trampoline that has told where, or was not entered yet.
        _ => unsafe { backtrace::capture(store, store.settings().max_backtrace_frames) },
    };
    activation.raised.set(Some(Box::new(Raised { failure, backtrace, fault_address: None })));
}

/// Continues in the trampoline through which wasm was entered last, which then returns `false`.
///
/// # Safety
/// Called from wasm code of this store, with no Rust frame in between other than the caller's, which owns nothing; the
/// reason was recorded.
pub unsafe fn resume(store: &Store) -> ! {
    // SAFETY: the context is valid, and wasm was entered, so it says where its trampoline goes on.
    unsafe {
        let context = &*store.context();
        arch::jump(&Resumption {
            pc: context.entry_handler,
            sp: context.entry_sp,
            fp: context.entry_fp,
        })
    }
}
