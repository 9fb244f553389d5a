//! RISC-V, 64 bits. In wasm frames, a frame pointer points at the caller's frame pointer; the return address lies above it.

use std::arch::asm;

use crate::vm::sys::Resumption;

// Places in the saved registers: the program counter takes that of x0; x2 is the stack pointer, x8 the frame pointer.
const PC: usize = 0;
const SP: usize = 2;
const FP: usize = 8;

/// Program counter and frame pointer of an interrupted thread.
pub fn fault_registers(context: &libc::ucontext_t) -> (usize, usize) {
    (context.uc_mcontext.__gregs[PC] as usize, context.uc_mcontext.__gregs[FP] as usize)
}

/// Makes an interrupted thread continue elsewhere.
pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
    context.uc_mcontext.__gregs[PC] = resumption.pc as u64;
    context.uc_mcontext.__gregs[SP] = resumption.sp as u64;
    context.uc_mcontext.__gregs[FP] = resumption.fp as u64;
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
            "mv sp, a1",
            "mv s0, a2",
            "jr a0",
            in("a0") resumption.pc,
            in("a1") resumption.sp,
            in("a2") resumption.fp,
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

/// Lets processors see as instructions what was written as data. Only the kernel can tell all of them.
///
/// # Safety
/// The bytes are readable.
pub unsafe fn see_as_code(start: std::ptr::NonNull<u8>, bytes: usize) {
    const RISCV_FLUSH_ICACHE: libc::c_long = 259;
    let (start, end) = (start.addr().get(), start.addr().get() + bytes);
    // SAFETY: the call changes no contents.
    unsafe { libc::syscall(RISCV_FLUSH_ICACHE, start, end, 0usize) };
}
