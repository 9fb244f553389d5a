//! s390x. There is no frame pointer: what a stack pointer points at, the back chain, is that of the caller when the function
//! began. Whoever says frame pointer means this; the return address lies 112 bytes above it, where functions save it.

use std::arch::asm;

use crate::abi::vmctx::TypedHostEntry;
use crate::vm::sys::Resumption;

/// Where functions save the address to return to.
const RETURN_ADDRESS: usize = 112;

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
            "lgr %r15, %r3",
            "br %r2",
            in("r2") resumption.pc,
            in("r3") resumption.sp,
            options(noreturn),
        )
    }
}

/// The frame pointer of a function that was interrupted, from what the interruption has told of its registers: the stack
/// pointer.
///
/// # Safety
/// It is that of an active frame.
pub unsafe fn interrupted_frame(sp: usize) -> usize {
    // SAFETY: compiled code keeps back chains.
    unsafe { caller_frame(sp) }
}

/// The address to which the function of this frame returns.
///
/// # Safety
/// `fp` is the frame pointer of an active frame.
pub unsafe fn return_address(fp: usize) -> usize {
    // SAFETY: an active frame has its return address there.
    unsafe { *((fp + RETURN_ADDRESS) as *const usize) }
}

/// The frame pointer of the caller of this frame's function.
///
/// # Safety
/// `fp` is the frame pointer of an active frame.
pub unsafe fn caller_frame(fp: usize) -> usize {
    // SAFETY: as compiled code keeps back chains.
    unsafe { *(fp as *const usize) }
}
