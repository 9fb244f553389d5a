//! The registers of a thread that a signal has interrupted, by architecture.
//!
//! In: what the kernel tells a signal handler. Out: where it was, or nothing: the kernel lets the thread continue with what
//! the handler has left there.

#[cfg(target_arch = "x86_64")]
pub use super::leave::leave_handler;
pub use this::{fault_registers, set_registers};

/// Here, handlers return.
///
/// # Safety
/// None is needed.
#[cfg(not(target_arch = "x86_64"))]
pub unsafe fn leave_handler(
    _context: &libc::ucontext_t,
    _stack: usize,
    _resumption: &crate::vm::sys::Resumption,
) {
}

/// Whether a fault happens again when the thread continues where it was. On s390x some are told of when the instruction is
/// over.
pub fn happens_again(signal: i32) -> bool {
    !cfg!(target_arch = "s390x") || ![libc::SIGILL, libc::SIGFPE].contains(&signal)
}

#[cfg(target_arch = "x86_64")]
mod this {
    use crate::vm::sys::{Interrupted, Resumption};

    /// Where a thread was interrupted.
    pub fn fault_registers(_signal: i32, context: &libc::ucontext_t) -> Interrupted {
        let registers = &context.uc_mcontext.gregs;
        Interrupted {
            pc: registers[libc::REG_RIP as usize] as usize,
            frame: registers[libc::REG_RBP as usize] as usize,
        }
    }

    /// Makes an interrupted thread continue elsewhere.
    pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
        let registers = &mut context.uc_mcontext.gregs;
        registers[libc::REG_RIP as usize] = resumption.pc as i64;
        registers[libc::REG_RSP as usize] = resumption.sp as i64;
        registers[libc::REG_RBP as usize] = resumption.fp as i64;
    }
}

#[cfg(target_arch = "aarch64")]
mod this {
    use crate::vm::sys::{Interrupted, Resumption};

    const FP: usize = 29;

    /// Where a thread was interrupted.
    pub fn fault_registers(_signal: i32, context: &libc::ucontext_t) -> Interrupted {
        let registers = &context.uc_mcontext;
        Interrupted { pc: registers.pc as usize, frame: registers.regs[FP] as usize }
    }

    /// Makes an interrupted thread continue elsewhere.
    pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
        context.uc_mcontext.pc = resumption.pc as u64;
        context.uc_mcontext.sp = resumption.sp as u64;
        context.uc_mcontext.regs[FP] = resumption.fp as u64;
    }
}

#[cfg(target_arch = "riscv64")]
mod this {
    use crate::vm::sys::{Interrupted, Resumption};

    // The program counter takes the place of x0; x2 is the stack pointer, x8 the frame pointer.
    const PC: usize = 0;
    const SP: usize = 2;
    const FP: usize = 8;

    /// Where a thread was interrupted.
    pub fn fault_registers(_signal: i32, context: &libc::ucontext_t) -> Interrupted {
        let registers = &context.uc_mcontext.__gregs;
        Interrupted { pc: registers[PC] as usize, frame: registers[FP] as usize }
    }

    /// Makes an interrupted thread continue elsewhere.
    pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
        let registers = &mut context.uc_mcontext.__gregs;
        registers[PC] = resumption.pc as u64;
        registers[SP] = resumption.sp as u64;
        registers[FP] = resumption.fp as u64;
    }
}

#[cfg(target_arch = "s390x")]
mod this {
    use crate::vm::sys::{Interrupted, Resumption};

    const SP: usize = 15;

    /// Where a thread was interrupted.
    pub fn fault_registers(signal: i32, context: &libc::ucontext_t) -> Interrupted {
        let after = context.uc_mcontext.psw.addr as usize;
        // Traps that are told of when the instruction is over are listed by its last byte.
        let pc = if super::happens_again(signal) { after } else { after.wrapping_sub(1) };
        Interrupted { pc, frame: context.uc_mcontext.gregs[SP] as usize }
    }

    /// Makes an interrupted thread continue elsewhere.
    pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
        context.uc_mcontext.psw.addr = resumption.pc as u64;
        context.uc_mcontext.gregs[SP] = resumption.sp as u64;
    }
}
