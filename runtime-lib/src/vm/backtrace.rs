//! The wasm functions that are being executed.
//!
//! In: a store, and the innermost frame if a fault interrupted it. Out: frames, the innermost first, by way of
//! the frame pointers that compiled code keeps: each wasm frame leads to its caller's, until the frame of the trampoline
//! through which wasm was entered. Then the walk goes on in the activation around it.
//!
//! Always true: it neither allocates nor locks, and reads nothing but active frames and the activations of the store.
//! Of return addresses it reports the byte before, which belongs to the call.

use super::activation::Activation;
use super::store::Store;
use super::sys::Fault;
use super::sys::arch;

/// A wasm function that is being executed.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The instruction, or for a call its last byte.
    pub pc: usize,
    /// The frame pointer.
    pub fp: usize,
}

/// Visits the frames of a store's active wasm functions, until `visit` returns `false`.
///
/// # Safety
/// The frames that the store's context and the activations point to are active: whoever calls is lent the store by a
/// host or built-in function of it, or is the fault handler for `fault`, which interrupted wasm.
pub unsafe fn walk(store: &Store, fault: Option<&Fault>, mut visit: impl FnMut(Frame) -> bool) {
    if store.depth() == 0 {
        return;
    }
    // SAFETY: the context is valid; compiled code does not run at this moment.
    let context = unsafe { &*store.context() };
    // SAFETY: the caller promises active frames, here and below.
    let more = unsafe {
        match fault {
            Some(fault) => {
                let fp = arch::interrupted_frame(fault.at.frame);
                visit(Frame { pc: fault.at.pc, fp }) && callers(fp, context.entry_fp, &mut visit)
            }
            None => exits(context.exit_pc, context.exit_fp, context.entry_fp, &mut visit),
        }
    };
    if !more {
        return;
    }
    let mut activation = Activation::innermost_in(store);
    while let Some(current) = activation {
        let goes_on = current.saved.exit().is_none_or(|exit| {
            // SAFETY: what the store's registers were before an entry describes frames around it: below it on the stack, or on
            // that of a thread that waits for it.
            unsafe { exits(exit.exit_pc, exit.exit_fp, exit.entry_fp, &mut visit) }
        });
        if !goes_on {
            return;
        }
        activation = current.outer_in_store();
    }
}

/// The frames from where wasm was left to where it had been entered.
unsafe fn exits(
    exit_pc: usize,
    exit_fp: usize,
    entry_fp: usize,
    visit: &mut impl FnMut(Frame) -> bool,
) -> bool {
    // Where the function that was entered made room for a host function, none is left.
    if exit_pc == 0 || exit_fp >= entry_fp {
        return true;
    }
    // SAFETY: the frame of who has left is active meanwhile.
    visit(Frame { pc: exit_pc - 1, fp: exit_fp }) && unsafe { callers(exit_fp, entry_fp, visit) }
}

/// The callers of a wasm frame.
unsafe fn callers(mut fp: usize, entry_fp: usize, visit: &mut impl FnMut(Frame) -> bool) -> bool {
    // Frames lie at ascending addresses, the trampoline's last; anything else means that a frame pointer was lost.
    while fp != 0 && fp < entry_fp && fp.is_multiple_of(align_of::<usize>()) {
        // SAFETY: an active wasm frame.
        let (pc, caller) = unsafe { (arch::return_address(fp), arch::caller_frame(fp)) };
        if caller >= entry_fp {
            break;
        }
        if !visit(Frame { pc: pc - 1, fp: caller }) {
            return false;
        }
        if caller <= fp {
            break;
        }
        fp = caller;
    }
    true
}

/// The program counters of a store's active wasm functions, at most `limit`.
///
/// # Safety
/// As [`walk`], or the store is not entered.
pub unsafe fn capture(store: &Store, limit: usize) -> Vec<usize> {
    let mut frames = Vec::new();
    if limit > 0 {
        // SAFETY: the caller's promise.
        unsafe {
            walk(store, None, |frame| {
                frames.push(frame.pc);
                frames.len() < limit
            });
        }
    }
    frames
}
