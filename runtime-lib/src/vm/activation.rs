//! The entries into wasm that are under way on each thread: who called, and how it will end.
//!
//! In: the store that is entered. Out: a chain of [`Activation`]s, the innermost first, one for each frame of
//! [`enter`](super::trap::enter) on the thread's stack; and for each store a chain of its own activations, which may be on
//! several threads, because a host function may pass its store on for the time of the call.
//!
//! Always true: an activation stays where it is while it is in the chains, and leaves them in the reverse order. Reading a
//! chain neither allocates nor locks, so that the fault handler may.

use std::cell::Cell;
use std::mem::{MaybeUninit, offset_of};
use std::ptr;

use crate::abi::trap::TrapCode;
use crate::abi::vmctx::VmContext;

use super::store::{Payload, Store};
use super::sys::Fault;

/// Why a call did not return.
#[derive(Debug)]
pub enum Failure {
    /// The guest trapped.
    Trap(TrapCode),
    /// A host function returned an error.
    Error(Payload),
    /// A host function panicked.
    Panic(Payload),
}

/// A failure on its way to whoever called.
#[derive(Debug)]
pub struct Raised {
    /// What happened.
    pub failure: Failure,
    /// The program counters of the wasm functions that were being executed, the innermost first.
    pub backtrace: Vec<usize>,
    /// The address that could not be accessed, if that is what happened.
    pub fault_address: Option<usize>,
}

/// The registers of a store's context, as they were before an entry: see
/// [`VmStoreContext`](crate::abi::vmctx::VmStoreContext).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Registers {
    exit_pc: usize,
    entry_fp: usize,
    /// Undefined if the store was not entered. Entries are frequent, and what nobody reads need not be written.
    more: MaybeUninit<MoreRegisters>,
}

#[derive(Clone, Copy)]
struct MoreRegisters {
    stack_limit: usize,
    exit_fp: usize,
    entry_sp: usize,
    entry_handler: usize,
}

/// Where wasm had been left and entered before.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Exit {
    pub exit_pc: usize,
    pub exit_fp: usize,
    pub entry_fp: usize,
}

impl Registers {
    /// What is saved of a store that was not entered. The context may hold anything then.
    pub const OUTSIDE: Registers =
        Registers { exit_pc: 0, entry_fp: 0, more: MaybeUninit::uninit() };

    /// The present ones of a store that is entered.
    #[inline]
    pub fn save(store: &Store) -> Registers {
        // SAFETY: the context is valid, and compiled code that could write it is not running at this moment.
        let context = unsafe { &*store.context() };
        Registers {
            exit_pc: context.exit_pc,
            entry_fp: context.entry_fp,
            more: MaybeUninit::new(MoreRegisters {
                stack_limit: context.stack_limit,
                exit_fp: context.exit_fp,
                entry_sp: context.entry_sp,
                entry_handler: context.entry_handler,
            }),
        }
    }

    /// Makes them the present ones again.
    ///
    /// # Safety
    /// They were [saved](Self::save).
    #[inline]
    pub unsafe fn restore(&self, store: &Store) {
        // SAFETY: as in `save`, and by the caller's promise.
        let (context, more) = unsafe { (&mut *store.context(), self.more.assume_init_ref()) };
        context.exit_pc = self.exit_pc;
        context.entry_fp = self.entry_fp;
        context.stack_limit = more.stack_limit;
        context.exit_fp = more.exit_fp;
        context.entry_sp = more.entry_sp;
        context.entry_handler = more.entry_handler;
    }

    /// Where wasm had been left, if it had.
    pub fn exit(&self) -> Option<Exit> {
        let (exit_pc, entry_fp) = (self.exit_pc, self.entry_fp);
        (exit_pc != 0).then(|| {
            // SAFETY: only a store that was entered can have been left.
            let exit_fp = unsafe { self.more.assume_init_ref() }.exit_fp;
            Exit { exit_pc, exit_fp, entry_fp }
        })
    }
}

/// An entry into wasm that is under way.
///
/// What is zero at first in an entry from outside stands side by side.
#[repr(C)]
pub struct Activation {
    /// Something that ended it, other than a fault.
    pub raised: Cell<Option<Box<Raised>>>,
    /// The one around it in its store.
    previous_in_store: *const Activation,
    /// Its registers before.
    pub saved: Registers,
    /// The one around it on this thread.
    previous: *const Activation,
    /// The store that was entered.
    pub store: *const Store,
    /// The context that was entered, for debuggers.
    vmctx: *const VmContext,
    /// A fault that ended it.
    pub fault: Cell<Option<(TrapCode, Fault)>>,
}

/// Where debuggers find what is in here.
pub const DEBUGGER_LAYOUT: &[(&str, usize)] = &[
    ("Activation.store", offset_of!(Activation, store)),
    ("Activation.vmctx", offset_of!(Activation, vmctx)),
    ("Activation.saved_entry_fp", offset_of!(Activation, saved.entry_fp)),
];

thread_local! {
    static CURRENT: Cell<*const Activation> = const { Cell::new(ptr::null()) };
}

impl Activation {
    /// A new one, not yet in the chains, of a store that is entered already.
    #[inline]
    pub fn new(store: &Store, vmctx: *const VmContext) -> Activation {
        let previous_in_store = store.innermost().get().cast();
        Activation {
            previous_in_store,
            saved: Registers::save(store),
            ..Activation::outermost(store, vmctx)
        }
    }

    /// A new one, not yet in the chains, of a store that is not entered.
    #[inline]
    pub fn outermost(store: &Store, vmctx: *const VmContext) -> Activation {
        Activation {
            raised: Cell::new(None),
            previous_in_store: ptr::null(),
            saved: Registers::OUTSIDE,
            previous: CURRENT.get(),
            store,
            vmctx,
            fault: Cell::new(None),
        }
    }

    /// Makes it the innermost one of this thread, and of its store.
    ///
    /// # Safety
    /// It stays where it is, and its store alive, until [`pop`](Self::pop).
    #[inline]
    pub unsafe fn push(&self) {
        CURRENT.set(self);
        // SAFETY: the caller's promise.
        unsafe { &*self.store }.innermost().set(ptr::from_ref(self).cast());
    }

    /// Takes it out again.
    #[inline]
    pub fn pop(&self) {
        debug_assert!(ptr::eq(CURRENT.get(), self), "activations end in the reverse order");
        CURRENT.set(self.previous);
        // SAFETY: whoever has pushed it has promised that the store is alive.
        unsafe { &*self.store }.innermost().set(self.previous_in_store.cast());
    }

    /// This thread's innermost one.
    pub fn innermost<'a>() -> Option<&'a Activation> {
        // SAFETY: it is in the chain, so it is where it was. The caller holds on to it only while that is so.
        unsafe { CURRENT.get().as_ref() }
    }

    /// A store's innermost one.
    pub fn innermost_in(store: &Store) -> Option<&Activation> {
        // SAFETY: it is in the chain, so it is where it was.
        unsafe { store.innermost().get().cast::<Activation>().as_ref() }
    }

    /// The one around it in its store.
    pub fn outer_in_store(&self) -> Option<&Activation> {
        // SAFETY: what is around an active one is active.
        unsafe { self.previous_in_store.as_ref() }
    }
}
