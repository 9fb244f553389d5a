//! x86-64. A frame pointer points at the caller's frame pointer; the return address lies above it.

use std::arch::asm;

use crate::vm::sys::Resumption;

/// Program counter and frame pointer of an interrupted thread.
pub fn fault_registers(context: &libc::ucontext_t) -> (usize, usize) {
    let registers = &context.uc_mcontext.gregs;
    (registers[libc::REG_RIP as usize] as usize, registers[libc::REG_RBP as usize] as usize)
}

/// Makes an interrupted thread continue elsewhere.
pub fn set_registers(context: &mut libc::ucontext_t, resumption: &Resumption) {
    let registers = &mut context.uc_mcontext.gregs;
    registers[libc::REG_RIP as usize] = resumption.pc as i64;
    registers[libc::REG_RSP as usize] = resumption.sp as i64;
    registers[libc::REG_RBP as usize] = resumption.fp as i64;
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
            "mov rsp, rsi",
            "mov rbp, rdx",
            "jmp rdi",
            in("rdi") resumption.pc,
            in("rsi") resumption.sp,
            in("rdx") resumption.fp,
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

/// Lets processors see as instructions what was written as data. These do so by themselves.
///
/// # Safety
/// The bytes are readable.
pub unsafe fn see_as_code(_start: std::ptr::NonNull<u8>, _bytes: usize) {}
