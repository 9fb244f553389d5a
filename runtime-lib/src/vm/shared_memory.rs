//! Linear memories that several threads use at a time, and the threads that wait for something to change in one.
//!
//! In: a type with a maximum, perhaps images to start with. Out: a [`VmMemory`] record that any number of instances on any
//! threads may have a pointer to, as long as the memory lives.
//!
//! Always true:
//! - the base never moves, and the size only grows; the record's `bytes` is published after the bytes can be accessed;
//! - who waits was on the list before anybody could change the value unseen: the value is compared, and a notifier looks
//!   for waiters, under the same lock. So no wake-up is lost;
//! - whoever stops to wait, for whatever reason, is on no list afterwards.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::manifest::BoundsChecks;
use crate::abi::trap::TrapCode;
use crate::abi::types::MemoryType;
use crate::abi::vmctx::VmMemory;

use super::memory::{AddressSpace, Image, Memory, MemoryError};
use super::parker::{End, Parker};

/// A linear memory that several threads use at a time.
#[derive(Debug)]
pub struct SharedMemory {
    ty: MemoryType,
    checks: BoundsChecks,
    /// The record of the memory below, which has it in a box of its own.
    record: NonNull<VmMemory>,
    /// Locked while it grows.
    memory: Mutex<Memory>,
    /// Who waits, by address.
    waiters: Mutex<HashMap<u64, VecDeque<Arc<Waiter>>>>,
}

// SAFETY: the base never changes, the size is atomic, and the contents are only handed out as what threads may share.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

/// Another thread has made a memory larger in the meantime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeChanged;

/// How waiting has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum WaitResult {
    /// Somebody notified the waiting thread.
    Ok = 0,
    /// There was no waiting, because the value was another one than expected.
    Mismatch = 1,
    /// Nobody did in time.
    TimedOut = 2,
}

/// What is waited for: as long as it is there, the thread sleeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// 32 bits.
    I32(u32),
    /// 64 bits.
    I64(u64),
}

impl Expected {
    /// How many bytes are compared.
    pub fn bytes(self) -> u64 {
        match self {
            Expected::I32(_) => 4,
            Expected::I64(_) => 8,
        }
    }

    /// Whether it is there.
    ///
    /// # Safety
    /// So many bytes can be accessed there, and the address is a multiple of their number.
    unsafe fn is_at(self, place: NonNull<u8>) -> bool {
        // Memories are little-endian on every machine.
        match self {
            Expected::I32(expected) => {
                // SAFETY: the caller's promise; everybody accesses it atomically or has a race that wasm allows.
                let value = unsafe { AtomicU32::from_ptr(place.cast().as_ptr()) };
                u32::from_le(value.load(Ordering::SeqCst)) == expected
            }
            Expected::I64(expected) => {
                // SAFETY: as above.
                let value = unsafe { AtomicU64::from_ptr(place.cast().as_ptr()) };
                u64::from_le(value.load(Ordering::SeqCst)) == expected
            }
        }
    }
}

/// A thread that waits.
#[derive(Debug)]
struct Waiter {
    /// Whether it was taken off the list by a notifier.
    notified: AtomicBool,
    parker: Arc<Parker>,
}

/// A waiter on its list, until it is notified or this is dropped.
struct Listed<'a> {
    memory: &'a SharedMemory,
    address: u64,
    waiter: Arc<Waiter>,
}

impl Waiter {
    fn is_notified(&self) -> bool {
        self.notified.load(Ordering::Acquire)
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        if self.waiter.is_notified() {
            return;
        }
        let mut lists = self.memory.waiters();
        if let Some(list) = lists.get_mut(&self.address) {
            list.retain(|other| !Arc::ptr_eq(other, &self.waiter));
            if list.is_empty() {
                lists.remove(&self.address);
            }
        }
    }
}

impl SharedMemory {
    /// A memory of this type, of its minimum size, with room for its maximum, that gives compiled code what it needs and
    /// what `space` promises to all memories.
    ///
    /// # Errors
    /// If it is too large, if the system refuses, or if an image does not fit the minimum size.
    pub fn new<'a>(
        ty: MemoryType,
        needed: BoundsChecks,
        space: AddressSpace,
        images: impl IntoIterator<Item = Image<'a>>,
    ) -> Result<SharedMemory, MemoryError> {
        debug_assert!(ty.shared);
        let memory = Memory::new(ty, needed, space, images)?;
        Ok(SharedMemory {
            ty,
            checks: memory.checks(),
            record: memory.record(),
            memory: Mutex::new(memory),
            waiters: Mutex::default(),
        })
    }

    /// The record that compiled code reads. It never moves while this memory lives.
    pub fn record(&self) -> NonNull<VmMemory> {
        self.record
    }

    /// Its type, as it was declared.
    pub fn ty(&self) -> &MemoryType {
        &self.ty
    }

    /// What compiled code may rely on when it accesses this memory.
    pub fn checks(&self) -> BoundsChecks {
        self.checks
    }

    /// The address of its first byte.
    pub fn base(&self) -> NonNull<u8> {
        // SAFETY: the record lives as long as the memory, and the base of a shared memory never changes.
        NonNull::new(unsafe { (*self.record.as_ptr()).base })
            .expect("no mapping begins at address 0")
    }

    /// Its size now, in bytes.
    pub fn bytes(&self) -> usize {
        // SAFETY: the record lives as long as the memory, and only its atomic part is read.
        unsafe { (*self.record.as_ptr()).bytes.load(Ordering::SeqCst) }
    }

    /// Its size now, in pages.
    pub fn pages(&self) -> u64 {
        self.bytes() as u64 >> self.ty.page_size_log2
    }

    /// Makes it larger by `pages` pages. Returns the former size in pages, or `None` if that is not possible; then nothing
    /// has changed.
    pub fn grow(&self, pages: u64) -> Option<u64> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).grow(pages)
    }

    /// As [`grow`](Self::grow), if it has `former` pages until then.
    ///
    /// # Errors
    /// If it has another size.
    pub fn grow_from(&self, former: u64, pages: u64) -> Result<Option<u64>, SizeChanged> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        match memory.pages() == former {
            true => Ok(memory.grow(pages)),
            false => Err(SizeChanged),
        }
    }

    /// The size it never exceeds, in pages.
    pub fn max_pages(&self) -> u64 {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).max_pages()
    }

    /// Wakes up at most `count` threads that wait at this address, those that have waited longest. Returns how many.
    ///
    /// # Errors
    /// If the address is not a multiple of 4, or outside of the memory.
    pub fn notify(&self, address: u64, count: u32) -> Result<u32, TrapCode> {
        self.place(address, 4)?;
        let mut lists = self.waiters();
        let Some(list) = lists.get_mut(&address) else { return Ok(0) };
        let woken = list.len().min(count as usize);
        for waiter in list.drain(..woken) {
            waiter.notified.store(true, Ordering::Release);
            waiter.parker.unpark();
        }
        if list.is_empty() {
            lists.remove(&address);
        }
        Ok(woken as u32)
    }

    /// Waits until somebody notifies this address, if there is what is expected. Without `timeout`, for ever.
    ///
    /// # Errors
    /// If the address is not a multiple of the size of what is expected, or outside of the memory.
    pub fn wait(
        &self,
        address: u64,
        expected: Expected,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, TrapCode> {
        let parker = Arc::<Parker>::default();
        let sleep = |end| {
            parker.park(end);
            Ok::<(), Infallible>(())
        };
        let Ok(result) = self.wait_by(address, expected, timeout, &parker, sleep)?;
        Ok(result)
    }

    /// As [`wait`](Self::wait), for a thread that sleeps at this place, by way of a function that says when it has to wake
    /// up at last. The function may return early. When it fails, the thread no longer waits.
    ///
    /// # Errors
    /// Outside, as [`wait`](Self::wait); inside, the function's.
    pub fn wait_by<E>(
        &self,
        address: u64,
        expected: Expected,
        timeout: Option<Duration>,
        parker: &Arc<Parker>,
        mut sleep: impl FnMut(Option<End>) -> Result<(), E>,
    ) -> Result<Result<WaitResult, E>, TrapCode> {
        let place = self.place(address, expected.bytes())?;
        // An end that the clock cannot tell is none.
        let end = timeout.and_then(End::after);
        let mut lists = self.waiters();
        // SAFETY: just checked.
        if !unsafe { expected.is_at(place) } {
            return Ok(Ok(WaitResult::Mismatch));
        }
        let waiter = Arc::new(Waiter { notified: AtomicBool::new(false), parker: parker.clone() });
        lists.entry(address).or_default().push_back(waiter.clone());
        drop(lists);
        let listed = Listed { memory: self, address, waiter: waiter.clone() };
        while !waiter.is_notified() && !end.is_some_and(End::has_come) {
            if let Err(error) = sleep(end) {
                return Ok(Err(error));
            }
        }
        drop(listed);
        // Who was notified at the last moment was notified: the notifier has counted it.
        Ok(Ok(if waiter.is_notified() { WaitResult::Ok } else { WaitResult::TimedOut }))
    }

    fn waiters(&self) -> MutexGuard<'_, HashMap<u64, VecDeque<Arc<Waiter>>>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The native address of `bytes` bytes that are accessed atomically.
    fn place(&self, address: u64, bytes: u64) -> Result<NonNull<u8>, TrapCode> {
        if !address.is_multiple_of(bytes) {
            return Err(TrapCode::HeapMisaligned);
        }
        if address.checked_add(bytes).is_none_or(|end| end > self.bytes() as u64) {
            return Err(TrapCode::MemoryOutOfBounds);
        }
        // SAFETY: just checked; the memory never becomes smaller.
        Ok(unsafe { self.base().add(address as usize) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::types::Limits;

    fn memory(min: u64, max: u64, reservation: u64) -> Result<SharedMemory, MemoryError> {
        let ty = MemoryType {
            limits: Limits { min, max: Some(max) },
            memory64: true,
            shared: true,
            page_size_log2: 16,
        };
        let space = AddressSpace {
            reservation,
            guard: 1 << 16,
            guard_before: true,
            may_move: true,
            reservation_for_growth: 0,
        };
        SharedMemory::new(ty, BoundsChecks::Explicit { guard: 0 }, space, None)
    }

    #[test]
    fn it_grows_in_place_up_to_its_maximum() {
        let memory = memory(1, 5, 0).unwrap();
        let (record, base) = (memory.record(), memory.base());
        assert_eq!((memory.grow(3), memory.grow(2), memory.grow(1)), (Some(1), None, Some(4)));
        assert_eq!((memory.pages(), memory.grow(0), memory.grow(u64::MAX)), (5, Some(5), None));
        assert_eq!((memory.record(), memory.base()), (record, base));
        // SAFETY: the record belongs to the memory, which is alive; its last byte can be accessed.
        unsafe {
            assert_eq!((*record.as_ptr()).bytes.load(Ordering::SeqCst), 5 << 16);
            base.add((5 << 16) - 1).write(1);
        }
    }

    #[test]
    fn a_maximum_that_is_too_large_is_an_error() {
        for most in [1 << 46, 1 << 48] {
            assert!(matches!(memory(1, most, 0), Err(MemoryError::System(_))));
        }
    }

    #[test]
    fn lists_of_waiters_do_not_stay() {
        let memory = memory(1, 1, 0).unwrap();
        let timeout = Some(Duration::from_millis(1));
        assert_eq!(memory.wait(8, Expected::I32(0), timeout), Ok(WaitResult::TimedOut));
        assert_eq!(memory.wait(8, Expected::I64(1), timeout), Ok(WaitResult::Mismatch));
        let parker = Arc::default();
        let failed = memory.wait_by(8, Expected::I64(0), None, &parker, |_| Err(()));
        assert_eq!(failed, Ok(Err(())));
        assert!(memory.waiters().is_empty());
        assert_eq!(memory.notify(8, 1), Ok(0));
    }

    #[test]
    fn who_is_notified_while_it_fails_is_counted_and_gone() {
        let memory = memory(1, 1, 0).unwrap();
        let parker = Arc::default();
        let failed = memory.wait_by(8, Expected::I64(0), None, &parker, |_| {
            assert_eq!(memory.notify(8, 5), Ok(1));
            Err(())
        });
        assert_eq!(failed, Ok(Err(())));
        assert!(memory.waiters().is_empty());
    }
}
