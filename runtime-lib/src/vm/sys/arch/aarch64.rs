//! AArch64. A frame pointer points at the caller's frame pointer; the return address lies above it.

use std::arch::asm;

use crate::vm::sys::Resumption;

/// Program counter and frame pointer of an interrupted thread.
pub fn fault_registers(context: &libc::ucontext_t) -> (usize, usize) {
    (context.uc_mcontext.pc as usize, context.uc_mcontext.regs[29] as usize)
}

/// Makes an interrupted thread continue elsewhere.
pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
    context.uc_mcontext.pc = resumption.pc as u64;
    context.uc_mcontext.sp = resumption.sp as u64;
    context.uc_mcontext.regs[29] = resumption.fp as u64;
}

/// Continues elsewhere.
///
/// # Safety
/// The stack pointer belongs to a frame of this thread that is still active and whose code at that address expects to be
/// continued so. No frame in between owns anything.
pub unsafe fn jump(resumption: &Resumption) -> ! {
    // SAFETY: the caller promises that there is somebody at the other end; nothing of this frame is needed any more.
    unsafe {
        asm!(
            "mov sp, x1",
            "mov x29, x2",
            "br x0",
            in("x0") resumption.pc,
            in("x1") resumption.sp,
            in("x2") resumption.fp,
            options(noreturn),
        )
    }
}

/// The address to which the function of this frame returns.
///
/// # Safety
/// `fp` is the frame pointer of an active frame.
pub unsafe fn return_address(fp: usize) -> usize {
    // SAFETY: an active frame has its return address there, as compiled code keeps frame pointers.
    unsafe { *((fp + 8) as *const usize) }
}

/// The frame pointer of the caller of this frame's function.
///
/// # Safety
/// `fp` is the frame pointer of an active frame.
pub unsafe fn caller_frame(fp: usize) -> usize {
    // SAFETY: as above.
    unsafe { *(fp as *const usize) }
}

/// Lets processors see as instructions what was written as data: line by line, the data cache is written out, and the
/// instruction cache emptied.
///
/// # Safety
/// The bytes are readable.
pub unsafe fn see_as_code(start: std::ptr::NonNull<u8>, bytes: usize) {
    let (start, end) = (start.addr().get(), start.addr().get() + bytes);
    let lines = |line_bytes: usize| (start & !(line_bytes - 1)..end).step_by(line_bytes);
    // SAFETY: these instructions change no contents, and may be executed by every program on Linux.
    unsafe {
        let sizes: u64;
        asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack));
        let (instruction_line, data_line) = (4 << (sizes & 15), 4 << (sizes >> 16 & 15));
        lines(data_line).for_each(|at| asm!("dc cvau, {}", in(reg) at, options(nostack)));
        asm!("dsb ish", options(nostack));
        lines(instruction_line).for_each(|at| asm!("ic ivau, {}", in(reg) at, options(nostack)));
        asm!("dsb ish", "isb", options(nostack));
    }
}
