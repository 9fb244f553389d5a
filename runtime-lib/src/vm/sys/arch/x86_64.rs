//! x86-64. A frame pointer points at the caller's frame pointer; the return address lies above it.

use std::arch::{asm, naked_asm};
use std::mem::offset_of;

use crate::abi::vmctx::{TypedHostEntry, VmContextHeader, VmHostContext, VmStoreContext};
use crate::vm::sys::Resumption;

/// Up to six integers and eight floats are in the same registers in wasm and in System V's C, and so is a result; both preserve the
/// same ones.
pub const TYPED_EXIT: Option<TypedHostEntry> = Some(typed_exit);

/// Notes where wasm is left, and goes on in the host function, whose context is the first argument. It has no frame of its own.
///
/// # Safety
/// Called by compiled code, with the context of a host function that has a typed entry.
#[unsafe(naked)]
unsafe extern "C" fn typed_exit() {
    naked_asm!(
        // For whoever unwinds from here: the caller is where it was called from.
        #[cfg(not(windows))]
        ".cfi_startproc",
        "mov rax, [rdi + {store}]",
        "mov [rax + {exit_fp}], rbp",
        "mov r10, [rsp]",
        "mov [rax + {exit_pc}], r10",
        "jmp [rdi + {typed_entry}]",
        #[cfg(not(windows))]
        ".cfi_endproc",
        store = const offset_of!(VmContextHeader, store),
        exit_fp = const offset_of!(VmStoreContext, exit_fp),
        exit_pc = const offset_of!(VmStoreContext, exit_pc),
        typed_entry = const offset_of!(VmHostContext, typed_entry),
    )
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
