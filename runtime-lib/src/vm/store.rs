//! What all instances of one store share.
//!
//! In: the settings of the store, and for the time of each call its owner. Out: the [`VmStoreContext`] that compiled code
//! reads, and the way from a vmctx back to the owner.
//!
//! Always true: a store's address never changes. Everything that changes while compiled code runs is in cells, so that
//! shared references and compiled code may look at it by turns.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::fmt::Display;
use std::mem::offset_of;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use crate::abi::vmctx::{VmContext, VmStoreContext};

use super::epoch::Epoch;
use super::memory::AddressSpace;

/// Something of the owner's that travels through compiled code: an error, or the payload of a panic.
pub type Payload = Box<dyn Any + Send>;

/// What compiled code needs of a store's owner: its word on growth, and on what runs long.
///
/// Implemented by the loader's store for every type of user data.
pub trait Owner {
    /// Whether a memory may grow to `desired` bytes. An error ends the call as a host function's would.
    ///
    /// # Errors
    /// The owner's.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Payload>;

    /// A memory could not grow although it was allowed to.
    ///
    /// # Errors
    /// The owner's.
    fn memory_grow_failed(&mut self, reason: &dyn Display) -> Result<(), Payload>;

    /// Whether a table may grow to `desired` elements.
    ///
    /// # Errors
    /// The owner's.
    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Payload>;

    /// A table could not grow although it was allowed to.
    ///
    /// # Errors
    /// The owner's.
    fn table_grow_failed(&mut self, reason: &dyn Display) -> Result<(), Payload>;

    /// The fuel in the store's context has run out. Whether there is some again; otherwise the guest traps.
    fn out_of_fuel(&mut self) -> bool;

    /// The store's epoch deadline has come. Whether the store's context has another now; otherwise the guest traps. An error
    /// ends the call as a host function's would.
    ///
    /// # Errors
    /// The owner's.
    fn epoch_reached(&mut self) -> Result<bool, Payload>;
}

/// The most frames of a fault that are remembered. Room for them is made with the store, because the fault handler cannot
/// make any; more frames than this do not fit a stack of 1 MiB.
const MOST_FAULT_FRAMES: usize = 1 << 16;

/// How a store behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How much stack wasm may use.
    pub max_wasm_stack_bytes: usize,
    /// How many frames a backtrace has at most.
    pub max_backtrace_frames: usize,
    /// How much address space memories get.
    pub memories: AddressSpace,
    /// Whether guests are stopped when the epoch deadline comes.
    pub epoch_interruption: bool,
}

/// What all instances of one store share.
#[repr(C)]
pub struct Store {
    /// First, so that a pointer to one is a pointer to the other.
    context: UnsafeCell<VmStoreContext>,
    /// Whose store this is, while one of its calls is under way.
    owner: Cell<Option<NonNull<dyn Owner>>>,
    /// How many calls are under way, and whether there ever was one.
    depth: Cell<Depth>,
    /// The innermost of them: an [`Activation`](super::activation::Activation), or null.
    innermost: Cell<*const ()>,
    settings: Settings,
    builtins: *const usize,
    /// What the context's pointer to the present epoch leads to.
    epoch: Arc<Epoch>,
    /// The instance that was made last: an [`Instance`](super::instance::Instance), or null. For debuggers, which go on from
    /// there to the others.
    newest_instance: Cell<*const ()>,
    /// Where the fault handler writes program counters, because it cannot allocate.
    fault_frames: Box<[Cell<usize>]>,
    fault_frame_count: Cell<usize>,
}

/// How deep in calls a store is. Written as one word.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Depth {
    calls: u32,
    /// 1 if there ever was a call.
    had_one: u32,
}

impl Store {
    /// The record that compiled code reads.
    #[inline]
    pub fn context(&self) -> *mut VmStoreContext {
        self.context.get()
    }

    /// Fuel used, minus fuel given.
    pub fn fuel(&self) -> i64 {
        // SAFETY: the context is valid; compiled code does not run at this moment.
        unsafe { (*self.context()).fuel }
    }

    /// Sets fuel used, minus fuel given.
    pub fn set_fuel(&self, fuel: i64) {
        // SAFETY: as above.
        unsafe { (*self.context()).fuel = fuel };
    }

    /// The epoch, if it interrupts execution.
    pub fn epoch(&self) -> Option<&Epoch> {
        self.settings.epoch_interruption.then_some(&*self.epoch)
    }

    /// The epoch at which execution is interrupted.
    pub fn epoch_deadline(&self) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.context()).epoch_deadline }
    }

    /// Sets the epoch at which execution is interrupted.
    pub fn set_epoch_deadline(&self, deadline: u64) {
        // SAFETY: as above.
        unsafe { (*self.context()).epoch_deadline = deadline };
    }

    /// The store of an instance or host function.
    ///
    /// # Safety
    /// `vmctx` is the context of something in a store that is alive; the reference is used no longer than that.
    #[inline]
    pub unsafe fn of<'a>(vmctx: NonNull<VmContext>) -> &'a Store {
        // SAFETY: every context leads to the context of its store, with which a `Store` begins.
        unsafe { &*(*vmctx.as_ptr()).header.store.cast::<Store>() }
    }

    /// How it behaves.
    #[inline]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The addresses of the built-in functions.
    pub fn builtins(&self) -> *const usize {
        self.builtins
    }

    /// Whose store this is, while one of its calls is under way.
    #[inline]
    pub fn owner(&self) -> Option<NonNull<dyn Owner>> {
        self.owner.get()
    }

    #[inline]
    pub(super) fn set_owner(&self, owner: Option<NonNull<dyn Owner>>) {
        self.owner.set(owner);
    }

    /// How many calls are under way.
    #[inline]
    pub(super) fn depth(&self) -> u32 {
        self.depth.get().calls
    }

    /// Notes that a call has begun or ended.
    #[inline]
    pub(super) fn set_depth(&self, calls: u32) {
        self.depth.set(Depth { calls, had_one: 1 });
    }

    /// Whether compiled code of this store has ever run, or a host function.
    #[inline]
    pub(super) fn was_entered(&self) -> bool {
        self.depth.get().had_one != 0
    }

    #[inline]
    pub(super) fn innermost(&self) -> &Cell<*const ()> {
        &self.innermost
    }

    #[inline]
    pub(super) fn newest_instance(&self) -> &Cell<*const ()> {
        &self.newest_instance
    }

    /// Remembers a program counter of a backtrace. `false` when there is no more room. Neither allocates nor locks.
    pub(super) fn push_fault_frame(&self, pc: usize) -> bool {
        let count = self.fault_frame_count.get();
        let Some(slot) = self.fault_frames.get(count) else { return false };
        slot.set(pc);
        self.fault_frame_count.set(count + 1);
        true
    }

    /// The program counters remembered since the last time.
    pub(super) fn take_fault_frames(&self) -> Vec<usize> {
        let count = self.fault_frame_count.replace(0);
        self.fault_frames[..count].iter().map(Cell::get).collect()
    }
}

/// Where debuggers find what is in here.
pub const DEBUGGER_LAYOUT: &[(&str, usize)] = &[
    ("Store.entry_fp", offset_of!(Store, context) + offset_of!(VmStoreContext, entry_fp)),
    ("Store.newest_instance", offset_of!(Store, newest_instance)),
];

/// A store, owned.
pub struct OwnedStore(NonNull<Store>);

// SAFETY: a store has no ties to a thread while no call is under way, and during one its owner is borrowed.
unsafe impl Send for OwnedStore {}
// SAFETY: shared references of the owner are only used to read what does not change between calls.
unsafe impl Sync for OwnedStore {}

impl OwnedStore {
    /// A new store. `epoch` is what compiled code compares with the deadline.
    ///
    /// # Safety
    /// `builtins` is valid as long as the store is.
    pub unsafe fn new(settings: Settings, builtins: *const usize, epoch: Arc<Epoch>) -> OwnedStore {
        let context = VmStoreContext {
            stack_limit: usize::MAX,
            fuel: 0,
            epoch_deadline: 0,
            epoch: epoch.as_ptr(),
            exit_fp: 0,
            exit_pc: 0,
            entry_fp: 0,
            entry_sp: 0,
            entry_handler: 0,
        };
        let store = Box::new(Store {
            context: UnsafeCell::new(context),
            settings,
            builtins,
            epoch,
            owner: Cell::new(None),
            depth: Cell::new(Depth { calls: 0, had_one: 0 }),
            innermost: Cell::new(ptr::null()),
            newest_instance: Cell::new(ptr::null()),
            fault_frames: vec![Cell::new(0); settings.max_backtrace_frames.min(MOST_FAULT_FRAMES)]
                .into(),
            fault_frame_count: Cell::new(0),
        });
        OwnedStore(NonNull::from(Box::leak(store)))
    }
}

impl Deref for OwnedStore {
    type Target = Store;

    #[inline]
    fn deref(&self) -> &Store {
        // SAFETY: owned, and freed only when `self` is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for OwnedStore {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and nobody else frees it.
        drop(unsafe { Box::from_raw(ptr::from_ref::<Store>(self).cast_mut()) });
    }
}
