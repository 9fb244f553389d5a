//! RISC-V, 64 bits. In wasm frames, a frame pointer points at the caller's frame pointer; the return address lies above it.

use std::arch::asm;

use crate::abi::vmctx::TypedHostEntry;
use crate::vm::sys::Resumption;

/// None: C wants 32-bit numbers extended.
pub const TYPED_EXIT: Option<TypedHostEntry> = None;

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

/// The frame pointer of a function that was interrupted, from what the interruption has told of its registers.
///
/// # Safety
/// It is that of an active frame.
pub unsafe fn interrupted_frame(fp: usize) -> usize {
    fp
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
