//! The registers of a thread that a signal has interrupted, by architecture.
//!
//! In: what the kernel tells a signal handler. Out: where it was, or nothing: the kernel lets the thread continue with what
//! the handler has left there.

use crate::vm::sys::{Interrupted, Resumption};

/// Whether a fault happens again when the thread continues where it was.
pub fn happens_again(_signal: i32) -> bool {
    true
}

/// Where a thread was interrupted.
pub fn fault_registers(_signal: i32, context: &libc::ucontext_t) -> Interrupted {
    // SAFETY: the kernel passes valid registers.
    let registers = unsafe { &(*context.uc_mcontext).__ss };
    #[cfg(target_arch = "x86_64")]
    let (pc, frame) = (registers.__rip, registers.__rbp);
    #[cfg(target_arch = "aarch64")]
    let (pc, frame) = (registers.__pc, registers.__fp);
    Interrupted { pc: pc as usize, frame: frame as usize }
}

/// Here, handlers return.
///
/// # Safety
/// None is needed.
pub unsafe fn leave_handler(_context: &libc::ucontext_t, _stack: usize, _resumption: &Resumption) {}

/// Makes an interrupted thread continue elsewhere.
pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
    // SAFETY: the kernel passes valid registers, which nobody else looks at meanwhile.
    let registers = unsafe { &mut (*context.uc_mcontext).__ss };
    let Resumption { pc, sp, fp } = *resumption;
    #[cfg(target_arch = "x86_64")]
    {
        (registers.__rip, registers.__rsp, registers.__rbp) = (pc as u64, sp as u64, fp as u64);
    }
    #[cfg(target_arch = "aarch64")]
    {
        (registers.__pc, registers.__sp, registers.__fp) = (pc as u64, sp as u64, fp as u64);
    }
}
