//! Into wasm: what surrounds every call from the host.
//!
//! In: a store, its owner, and the call of a trampoline. Out: nothing if it returned `true`, or what ended it. Always
//! true: afterwards the store's registers are what they were before, so entries may be nested.

use std::cell::{Cell, RefCell};
use std::mem;
use std::ptr::NonNull;

use crate::abi::vmctx::{UNCHECKED_STACK_BYTES, VmContext};
use crate::vm::activation::{Activation, Failure, Raised};
use crate::vm::store::{Owner, Store};
use crate::vm::sys::{AltStack, stack_bounds};

/// How much stack host functions have when wasm has used up its own.
const HOST_RESERVE_BYTES: usize = 128 << 10;

/// What a thread needs before it may enter wasm.
#[derive(Clone, Copy)]
struct Thread {
    /// The lowest address that wasm may use of its stack.
    low: usize,
    /// How much stack there is from there on. 0 if the system does not tell.
    bytes: usize,
}

impl Thread {
    /// One that has not got anything yet.
    const UNPREPARED: Thread = Thread { low: usize::MAX, bytes: 0 };

    /// Whether an address is on its stack.
    #[inline]
    fn owns(&self, address: usize) -> bool {
        address.wrapping_sub(self.low) < self.bytes
    }

    /// Whether this is its own stack, and another one than the limit is for: a host function has passed its store on.
    #[inline]
    fn has_other_stack(&self, limit: usize) -> bool {
        self.owns(stack_pointer()) && !self.owns(limit)
    }
}

/// About where the stack of this thread ends at this moment.
#[inline]
fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(&here) as usize
}

thread_local! {
    static THREAD: Cell<Thread> = const { Cell::new(Thread::UNPREPARED) };
    static ALT_STACK: RefCell<Option<AltStack>> = const { RefCell::new(None) };
}

/// Calls into wasm.
///
/// `vmctx` is the context that is entered, of which only debuggers want to know. `call` returns what the entry trampoline does: `false` when the call was ended by a trap, error or panic.
///
/// # Errors
/// What ended the call. A panic of a host function is given back like the rest; it is the caller's to continue it.
///
/// # Panics
/// If the system refuses the thread a stack for signal handlers.
///
/// # Safety
/// The store belongs to `owner`, which is borrowed exclusively by the caller and not used during the call. `call` runs
/// code of this store only, and lets nothing unwind.
#[inline(always)]
pub unsafe fn enter(
    store: &Store,
    owner: NonNull<dyn Owner>,
    vmctx: *const VmContext,
    call: impl FnOnce() -> bool,
) -> Result<(), Box<Raised>> {
    let mut thread = THREAD.get();
    if thread.low == Thread::UNPREPARED.low {
        thread = prepare_thread();
    }
    if store.depth() != 0 {
        // SAFETY: the caller's promises.
        return unsafe { enter_again(thread, store, owner, vmctx, call) };
    }
    // Nothing has to be saved of a store that is not entered yet, and little put back.
    let activation = Activation::outermost(store, vmctx);
    // SAFETY: the context is valid; compiled code does not run at this moment.
    unsafe {
        let context = store.context();
        (*context).stack_limit = stack_limit(&thread, store);
        (*context).exit_pc = 0;
    }
    store.set_owner(Some(owner));
    store.set_depth(1);
    // SAFETY: it stays here until it is popped; `call` does not unwind.
    unsafe { activation.push() };
    let returned = call();
    activation.pop();
    // Debuggers find stores by this.
    // SAFETY: as above.
    unsafe { (*store.context()).entry_fp = 0 };
    store.set_depth(0);
    if !returned {
        return Err(reason(&activation, store));
    }
    // Nothing was recorded, so there is nothing to drop; the compiler would look all the same.
    mem::forget(activation);
    Ok(())
}

/// As [`enter`], for a store that is entered already.
#[inline(never)]
unsafe fn enter_again(
    thread: Thread,
    store: &Store,
    owner: NonNull<dyn Owner>,
    vmctx: *const VmContext,
    call: impl FnOnce() -> bool,
) -> Result<(), Box<Raised>> {
    let activation = Activation::new(store, vmctx);
    let outer_owner = store.owner();
    let depth = store.depth();
    // SAFETY: the context is valid; compiled code does not run at this moment.
    unsafe {
        let context = store.context();
        if thread.has_other_stack((*context).stack_limit) {
            (*context).stack_limit = stack_limit(&thread, store);
        }
        // Not left yet, since it was entered: backtraces go on at the registers that the activation has saved.
        (*context).exit_fp = 0;
        (*context).exit_pc = 0;
    }
    store.set_owner(Some(owner));
    store.set_depth(depth + 1);
    // SAFETY: it stays here until it is popped; `call` does not unwind.
    unsafe { activation.push() };
    let returned = call();
    activation.pop();
    // SAFETY: the store was entered, so they were saved.
    unsafe { activation.saved.restore(store) };
    store.set_depth(depth);
    store.set_owner(outer_owner);
    if !returned {
        return Err(reason(&activation, store));
    }
    mem::forget(activation);
    Ok(())
}

#[cold]
fn reason(activation: &Activation, store: &Store) -> Box<Raised> {
    if let Some((code, fault)) = activation.fault.take() {
        let fault_address = (fault.address != 0).then_some(fault.address);
        return Box::new(Raised {
            failure: Failure::Trap(code),
            backtrace: store.take_fault_frames(),
            fault_address,
        });
    }
    activation.raised.take().expect("whoever returns `false` has recorded why")
}

/// How far down wasm may use the stack.
#[inline]
fn stack_limit(thread: &Thread, store: &Store) -> usize {
    let sp = stack_pointer();
    let wanted = sp.saturating_sub(store.settings().max_wasm_stack_bytes);
    // On a stack that is not the thread's (a coroutine's, for instance), only the setting counts.
    if thread.owns(sp) { wanted.max(thread.low) } else { wanted }
}

#[cold]
fn prepare_thread() -> Thread {
    let stack = AltStack::install().expect("the system grants 64 KiB for signal handlers");
    ALT_STACK.set(Some(stack));
    let bounds = stack_bounds().unwrap_or(0..0);
    // A small stack is shared: a quarter for host functions.
    let reserve = HOST_RESERVE_BYTES.min(bounds.len() / 4) + UNCHECKED_STACK_BYTES as usize;
    let low = (bounds.start + reserve).min(bounds.end);
    let thread = Thread { low, bytes: bounds.end - low };
    THREAD.set(thread);
    thread
}
