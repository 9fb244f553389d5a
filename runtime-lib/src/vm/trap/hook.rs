//! Where debuggers wait for traps.
//!
//! Always true: nothing happens here, and it is called as long as the frames of the guest that trapped are on the stack. It may
//! be called in a signal handler.

use std::ffi::c_void;
use std::hint::black_box;

use crate::abi::trap::TrapCode;
use crate::vm::store::Store;
use crate::vm::sys::Fault;

/// Called when a guest has trapped, before its frames are left, so that a breakpoint here shows them. `code` is the
/// number of a [`TrapCode`]. `pc` is the instruction that trapped, or behind the call of the function that
/// did it for the guest; `address` is what could not be accessed, or null.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn wootz_trap_hook(code: u32, pc: *const c_void, address: *const c_void) {
    black_box((code, pc, address));
}

/// A fault of the hardware.
pub fn on_fault(code: TrapCode, fault: &Fault) {
    let place = std::ptr::without_provenance;
    wootz_trap_hook(code as u32, place(fault.at.pc), place(fault.address));
}

/// A trap in a function that wasm code of this store has called.
pub fn on_failure(code: TrapCode, store: &Store) {
    // SAFETY: the context is valid; compiled code does not run at this moment.
    let pc = unsafe { (*store.context()).exit_pc };
    wootz_trap_hook(code as u32, std::ptr::without_provenance(pc), std::ptr::null());
}
