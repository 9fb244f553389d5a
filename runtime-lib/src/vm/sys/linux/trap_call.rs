//! Traps of x86-64 that are calls.
//!
//! In: a call in the place of an instruction that always traps, by way of a jump. Out: the thread continues where the handler of
//! faults says, as if the instruction had faulted.
//!
//! Always true: if it is nobody's trap, the thread faults.

use std::arch::naked_asm;

use super::super::signals::ask;
use crate::abi::artifact::TRAP_CALL_BYTES;
use crate::vm::sys::{Fault, Interrupted, arch};

/// Where such calls go.
pub const TRAP_CALL: Option<unsafe extern "C" fn()> = Some(begin);

/// Tells where it was called from, and whose frame that was. Nothing is known of the stack pointer.
#[unsafe(naked)]
unsafe extern "C" fn begin() {
    naked_asm!(
        ".cfi_startproc",
        "mov rdi, [rsp]",
        "mov rsi, rbp",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "and rsp, -16",
        "call {on_call}",
        "ud2",
        ".cfi_endproc",
        on_call = sym on_call,
    )
}

unsafe extern "C" fn on_call(return_address: usize, frame: usize) {
    let at = Interrupted { pc: return_address - TRAP_CALL_BYTES, frame };
    if let Some(resumption) = ask(&Fault { at, address: 0 }) {
        // SAFETY: the handler says where to continue after a fault at that place, and nothing in here has to be dropped.
        unsafe { arch::jump(&resumption) }
    }
}
