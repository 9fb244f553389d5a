//! The cell by which traps that are calls find the runtime.
//!
//! In: the cell of an artifact. Out: the address of what takes such calls, in the cell.
//!
//! Always true: a cell is written once. If several runtimes in a process have loaded the same library, its traps go to the first.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::vm::sys::TRAP_CALL;

/// Has the traps of an artifact come here. Returns whether they do: they may go to another runtime in this process.
///
/// # Safety
/// It is the trap cell of a loaded artifact, writable, and nobody but runtimes writes it.
pub unsafe fn receive(cell: NonNull<u8>) -> bool {
    let Some(ours) = TRAP_CALL else { return false };
    let ours = ours as *const () as usize;
    // SAFETY: the caller's promise. Such cells are aligned.
    let cell = unsafe { cell.cast::<AtomicUsize>().as_ref() };
    match cell.compare_exchange(0, ours, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => true,
        Err(there) => there == ours,
    }
}
