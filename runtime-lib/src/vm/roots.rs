//! The host values that wasm functions hold while they are being executed.
//!
//! In: a store whose guests have called the host. Out: the handles that their frames hold, by way of the stack maps that
//! the compiler has written for every call.
//!
//! Always true: what a frame holds only for its callee is not among them; whoever is called keeps that itself.

use std::ptr;

use super::backtrace::walk;
use super::code;
use super::store::Store;

/// Visits the handles that the frames of a store's active wasm functions hold; null handles too.
///
/// # Safety
/// Whoever calls is lent the store by a host or built-in function of it, or the store is not entered.
pub unsafe fn held_by_frames(store: &Store, mut visit: impl FnMut(u32)) {
    let visit_frame = |frame: super::backtrace::Frame| {
        // Frames are found by the last byte of the call, stack maps by where it returns to.
        if let Some((tables, offset)) = code::find(frame.pc)
            && let Some((frame_bytes, slots)) = tables.stack_map_at(offset + 1)
        {
            let sp = frame.fp - frame_bytes as usize;
            for slot in slots {
                // SAFETY: the frame is active, and the compiler says that a handle is there.
                visit(unsafe { ptr::with_exposed_provenance::<u32>(sp + slot as usize).read() });
            }
        }
        true
    };
    // SAFETY: the caller's promise.
    unsafe { walk(store, None, visit_frame) };
}
