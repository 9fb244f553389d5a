//! Linear memories that several threads use at a time, and the threads that wait for something to change in one.
//!
//! In: a type with a maximum. Out: a [`VmMemory`] record that any number of instances on any threads may have a pointer
//! to, as long as the memory lives.
//!
//! Always true:
//! - the base never moves, and the size only grows; the record's `bytes` is published after the bytes can be accessed;
//! - who waits was on the list before anybody could change the value unseen: the value is compared, and a notifier looks
//!   for waiters, under the same lock. So no wake-up is lost, and nobody wakes up without one or a timeout;
//! - nothing is allocated or freed while a thread sleeps but its own place on the list.

use std::collections::{HashMap, VecDeque};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::manifest::BoundsChecks;
use crate::abi::trap::TrapCode;
use crate::abi::types::MemoryType;
use crate::abi::vmctx::VmMemory;

use super::memory::{AddressSpace, MemoryError};
use super::mmap::{Mapping, round_up};

/// A linear memory that several threads use at a time.
#[derive(Debug)]
pub struct SharedMemory {
    ty: MemoryType,
    checks: BoundsChecks,
    record: VmMemory,
    /// How many bytes of the mapping lie in front of the memory.
    before: usize,
    /// Locked while it grows.
    mapping: Mutex<Mapping>,
    /// Who waits, by address.
    waiters: Mutex<HashMap<u64, VecDeque<Arc<Waiter>>>>,
}

// SAFETY: the base never changes, the size is atomic, and the contents are only handed out as what threads may share.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

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

/// A thread that waits.
#[derive(Default, Debug)]
struct Waiter {
    /// Whether it was taken off the list by a notifier. Only used under the lock of the list.
    notified: AtomicBool,
    wake_up: Condvar,
}

impl SharedMemory {
    /// A memory of this type, of its minimum size, with room for its maximum.
    ///
    /// # Errors
    /// If it is too large, or the system refuses.
    ///
    /// # Panics
    /// If the type has no maximum, which validation asks of shared memories.
    pub fn new(ty: MemoryType, space: AddressSpace) -> Result<SharedMemory, MemoryError> {
        let in_bytes = |pages: u64| {
            let bytes = u128::from(pages) << ty.page_size_log2;
            let fits = usize::try_from(bytes).ok().filter(|&bytes| bytes <= isize::MAX as usize);
            fits.ok_or(MemoryError::TooLarge { bytes })
        };
        let bytes = in_bytes(ty.limits.min)?;
        let most = in_bytes(ty.limits.max.expect("shared memories have a maximum"))?;
        let checks = space.checks(&ty);
        let reserved = match checks {
            // No memory that is shared is longer than the reservation.
            BoundsChecks::Guarded { reservation, guard } => reservation.checked_add(guard),
            BoundsChecks::Explicit { guard } => (most as u64).checked_add(guard),
        };
        let before = if space.guard_before { space.guard } else { 0 };
        let (reserved, before) = reserved
            .and_then(|reserved| usize::try_from(reserved).ok())
            .zip(usize::try_from(before).ok().and_then(round_up))
            .ok_or(MemoryError::TooLarge { bytes: most as u128 })?;
        let all =
            reserved.checked_add(before).ok_or(MemoryError::TooLarge { bytes: most as u128 })?;
        let mut mapping = Mapping::reserve(all).map_err(MemoryError::System)?;
        mapping.make_accessible(before, before + bytes).map_err(MemoryError::System)?;
        // SAFETY: the mapping is at least as long.
        let base = unsafe { mapping.start().add(before) };
        Ok(SharedMemory {
            ty,
            checks,
            record: VmMemory { base: base.as_ptr(), bytes: bytes.into() },
            before,
            mapping: Mutex::new(mapping),
            waiters: Mutex::default(),
        })
    }

    /// The record that compiled code reads. It lies in this memory's own allocation, and never moves while that lives.
    pub fn record(&self) -> NonNull<VmMemory> {
        NonNull::from(&self.record)
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
        NonNull::new(self.record.base).expect("no mapping begins at address 0")
    }

    /// Its size now, in bytes.
    pub fn bytes(&self) -> usize {
        self.record.bytes.load(Ordering::SeqCst)
    }

    /// Its size now, in pages.
    pub fn pages(&self) -> u64 {
        self.bytes() as u64 >> self.ty.page_size_log2
    }

    /// Makes it larger by `pages` pages. Returns the former size in pages, or `None` if that is not possible; then nothing
    /// has changed.
    pub fn grow(&self, pages: u64) -> Option<u64> {
        let mut mapping = self.mapping.lock().unwrap_or_else(PoisonError::into_inner);
        let former_pages = self.pages();
        let larger = former_pages.checked_add(pages)?;
        if larger > self.ty.limits.max.unwrap_or(0) {
            return None;
        }
        // The maximum fits, so this does.
        let bytes = (larger << self.ty.page_size_log2) as usize;
        mapping.make_accessible(self.before + self.bytes(), self.before + bytes).ok()?;
        self.record.bytes.store(bytes, Ordering::SeqCst);
        Some(former_pages)
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
            waiter.notified.store(true, Ordering::Relaxed);
            waiter.wake_up.notify_one();
        }
        if list.is_empty() {
            lists.remove(&address);
        }
        Ok(woken as u32)
    }

    /// Waits until somebody notifies this address, if there is `expected`. Without `timeout`, for ever.
    ///
    /// # Errors
    /// If the address is not a multiple of 4, or outside of the memory.
    pub fn wait32(
        &self,
        address: u64,
        expected: u32,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, TrapCode> {
        let place = self.place(address, 4)?;
        // SAFETY: inside of the memory, aligned, and everybody accesses it atomically or has a race that wasm allows.
        let value = unsafe { AtomicU32::from_ptr(place.cast().as_ptr()) };
        // Memories are little-endian on every machine.
        let is_expected = || u32::from_le(value.load(Ordering::SeqCst)) == expected;
        Ok(self.wait(address, is_expected, timeout))
    }

    /// As [`wait32`](Self::wait32), for 64 bits.
    ///
    /// # Errors
    /// If the address is not a multiple of 8, or outside of the memory.
    pub fn wait64(
        &self,
        address: u64,
        expected: u64,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, TrapCode> {
        let place = self.place(address, 8)?;
        // SAFETY: as above.
        let value = unsafe { AtomicU64::from_ptr(place.cast().as_ptr()) };
        let is_expected = || u64::from_le(value.load(Ordering::SeqCst)) == expected;
        Ok(self.wait(address, is_expected, timeout))
    }

    fn wait(
        &self,
        address: u64,
        is_expected: impl FnOnce() -> bool,
        timeout: Option<Duration>,
    ) -> WaitResult {
        let mut lists = self.waiters();
        if !is_expected() {
            return WaitResult::Mismatch;
        }
        let waiter = Arc::new(Waiter::default());
        lists.entry(address).or_default().push_back(waiter.clone());
        let sleeps = |_: &mut _| !waiter.notified.load(Ordering::Relaxed);
        lists = match timeout {
            None => {
                waiter.wake_up.wait_while(lists, sleeps).unwrap_or_else(PoisonError::into_inner)
            }
            Some(timeout) => {
                waiter
                    .wake_up
                    .wait_timeout_while(lists, timeout, sleeps)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        // Who was notified at the last moment was notified: the notifier has counted it.
        if waiter.notified.load(Ordering::Relaxed) {
            return WaitResult::Ok;
        }
        if let Some(list) = lists.get_mut(&address) {
            list.retain(|other| !Arc::ptr_eq(other, &waiter));
            if list.is_empty() {
                lists.remove(&address);
            }
        }
        WaitResult::TimedOut
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
        SharedMemory::new(ty, space)
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
        assert!(matches!(memory(1, 1 << 48, 0), Err(MemoryError::TooLarge { .. })));
        assert!(matches!(memory(1, 1 << 46, 0), Err(MemoryError::System(_))));
    }

    #[test]
    fn lists_of_waiters_do_not_stay() {
        let memory = memory(1, 1, 0).unwrap();
        let timeout = Some(Duration::from_millis(1));
        assert_eq!(memory.wait32(8, 0, timeout), Ok(WaitResult::TimedOut));
        assert_eq!(memory.wait64(8, 1, timeout), Ok(WaitResult::Mismatch));
        assert!(memory.waiters().is_empty());
        assert_eq!(memory.notify(8, 1), Ok(0));
    }
}
