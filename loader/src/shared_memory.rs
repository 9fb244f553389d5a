//! Linear memories that belong to no store, and that several threads use at a time.

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure, format_err};
use wootz_runtime::vm;
use wootz_runtime::vm::shared_memory::Expected;
pub use wootz_runtime::vm::shared_memory::WaitResult;

use crate::engine::Engine;
use crate::memory::MemoryAccessError;
use crate::trap::Trap;
use crate::types::MemoryType;

/// A linear memory that several threads use at a time. It belongs to no store, and lives as long as anything refers to it;
/// cloning it is cheap and gives the same memory.
///
/// It never moves: address space for its maximum is reserved when it is made.
///
/// Modules import it, in any number of stores on any threads. A memory that a module defines as shared is one, too: see
/// [`Instance::get_shared_memory`](crate::Instance::get_shared_memory). When a guest wants it to grow, the limits of the
/// guest's store count.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use wootz::{Engine, MemoryType, SharedMemory, WaitResult};
///
/// let memory = SharedMemory::new(&Engine::default(), MemoryType::shared(1, 10))?;
/// let other = memory.clone();
/// let waiting = std::thread::spawn(move || other.atomic_wait32(8, 0, None));
/// // SAFETY: inside of the memory, aligned, and only accessed atomically.
/// let flag = unsafe { AtomicU32::from_ptr(memory.data()[8].get().cast()) };
/// flag.store(1, Ordering::SeqCst);
/// memory.atomic_notify(8, 1)?;
/// // The other thread was notified, or has seen the new value and did not wait at all.
/// assert_ne!(waiting.join().unwrap()?, WaitResult::TimedOut);
/// # Ok::<(), wootz::Error>(())
/// ```
#[derive(Clone)]
pub struct SharedMemory {
    engine: Engine,
    memory: Arc<vm::shared_memory::SharedMemory>,
}

impl SharedMemory {
    /// A new memory, of the type's minimum size, filled with zeros.
    ///
    /// # Errors
    /// If [`Config::shared_memory`](crate::Config::shared_memory) is off, if the type is not shared, or if the system has
    /// not as much address space as the maximum needs.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory> {
        check_allowed(engine)?;
        if !ty.is_shared() {
            bail!(
                "shared memory must have the `shared` flag enabled on its memory type, which is `{ty}`; others are made with \
                 `Memory::new`"
            );
        }
        let (space, ty) = (engine.config().address_space(), ty.to_abi());
        let memory = vm::shared_memory::SharedMemory::new(ty, space.checks(&ty), space, None)
            .context("failed to make a shared memory")?;
        Ok(SharedMemory::of(engine, Arc::new(memory)))
    }

    /// One that exists.
    pub(crate) fn of(
        engine: &Engine,
        memory: Arc<vm::shared_memory::SharedMemory>,
    ) -> SharedMemory {
        SharedMemory { engine: engine.clone(), memory }
    }

    /// What compiled code uses.
    pub(crate) fn vm(&self) -> &Arc<vm::shared_memory::SharedMemory> {
        &self.memory
    }

    /// Its type, as it was declared.
    pub fn ty(&self) -> MemoryType {
        MemoryType::from_abi(*self.memory.ty())
    }

    /// Its size, in pages. Other threads may make it larger at any time.
    pub fn size(&self) -> u64 {
        self.memory.pages()
    }

    /// The size of its pages, in bytes.
    pub fn page_size(&self) -> u64 {
        self.ty().page_size()
    }

    /// The binary logarithm of the size of its pages.
    pub fn page_size_log2(&self) -> u8 {
        self.ty().page_size_log2()
    }

    /// Its size, in bytes. Other threads may make it larger at any time.
    pub fn data_size(&self) -> usize {
        self.memory.bytes()
    }

    /// Its contents, as far as they go at this moment.
    ///
    /// Other threads may change them at any time, so they must be accessed by way of the types of [`std::sync::atomic`],
    /// which takes unsafe code: `AtomicU8::from_ptr(data[address].get())`. Values are little-endian on every machine.
    pub fn data(&self) -> &[UnsafeCell<u8>] {
        let base = self.memory.base().cast::<UnsafeCell<u8>>();
        // SAFETY: these bytes can be accessed as long as the memory lives, and cells may change at any time.
        unsafe { std::slice::from_raw_parts(base.as_ptr(), self.memory.bytes()) }
    }

    /// Copies bytes from it to a buffer. What other threads write meanwhile may be in the copy, in part.
    ///
    /// # Errors
    /// If not all of it is in the memory; then nothing is copied.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), MemoryAccessError> {
        let cells = self.range(offset, buffer.len())?;
        let (head, words, tail) = words(cells);
        let (first, rest) = buffer.split_at_mut(head.len());
        let (middle, last) = rest.split_at_mut(words.len() * WORD);
        for (cells, bytes) in [(head, first), (tail, last)] {
            for (cell, byte) in cells.iter().zip(bytes) {
                *byte = cell.load(Ordering::Relaxed);
            }
        }
        for (word, bytes) in words.iter().zip(middle.as_chunks_mut::<WORD>().0) {
            *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        Ok(())
    }

    /// Copies bytes from a buffer to it. Other threads may see some of them before the others.
    ///
    /// # Errors
    /// If not all of it is in the memory; then nothing is copied.
    pub fn write(&self, offset: usize, buffer: &[u8]) -> Result<(), MemoryAccessError> {
        let cells = self.range(offset, buffer.len())?;
        let (head, words, tail) = words(cells);
        let (first, rest) = buffer.split_at(head.len());
        let (middle, last) = rest.split_at(words.len() * WORD);
        for (cells, bytes) in [(head, first), (tail, last)] {
            for (cell, byte) in cells.iter().zip(bytes) {
                cell.store(*byte, Ordering::Relaxed);
            }
        }
        for (word, bytes) in words.iter().zip(middle.as_chunks::<WORD>().0) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Some of the contents.
    fn range(&self, offset: usize, bytes: usize) -> Result<&[UnsafeCell<u8>], MemoryAccessError> {
        let range = self.data().get(offset..).and_then(|rest| rest.get(..bytes));
        range.ok_or(MemoryAccessError { _private: () })
    }

    /// Makes it larger by `delta` pages. Returns the former size, in pages.
    ///
    /// # Errors
    /// If the maximum or the system does not allow it. Limits of stores do not count, as this is no store's wish.
    pub fn grow(&self, delta: u64) -> Result<u64> {
        self.memory.grow(delta).ok_or_else(|| format_err!("failed to grow memory by `{delta}`"))
    }

    /// As the instruction `memory.atomic.notify`: wakes up at most `count` threads that wait at this address, of guests
    /// and of the host. Returns how many.
    ///
    /// # Errors
    /// [`Trap::HeapMisaligned`] if the address is not a multiple of 4, [`Trap::MemoryOutOfBounds`] if it is outside.
    pub fn atomic_notify(&self, addr: u64, count: u32) -> Result<u32, Trap> {
        self.memory.notify(addr, count).map_err(Trap::from)
    }

    /// As the instruction `memory.atomic.wait32`: if there is `expected` at this address, lets this thread sleep until
    /// another one notifies the address, at most for `timeout`. To compare and to fall asleep is one step, so that no
    /// notification is missed; nothing else wakes the thread up.
    ///
    /// # Errors
    /// [`Trap::HeapMisaligned`] if the address is not a multiple of 4, [`Trap::MemoryOutOfBounds`] if it is outside.
    pub fn atomic_wait32(
        &self,
        addr: u64,
        expected: u32,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, Trap> {
        self.memory.wait(addr, Expected::I32(expected), timeout).map_err(Trap::from)
    }

    /// As [`atomic_wait32`](Self::atomic_wait32), for 64 bits.
    ///
    /// # Errors
    /// As [`atomic_wait32`](Self::atomic_wait32); the address must be a multiple of 8.
    pub fn atomic_wait64(
        &self,
        addr: u64,
        expected: u64,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, Trap> {
        self.memory.wait(addr, Expected::I64(expected), timeout).map_err(Trap::from)
    }

    /// Its engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

/// How many bytes are copied at a time.
const WORD: usize = size_of::<u64>();

/// Cells as aligned words, and what is left at both ends.
fn words(cells: &[UnsafeCell<u8>]) -> (&[AtomicU8], &[AtomicU64], &[AtomicU8]) {
    // SAFETY: cells and atomics of any size have the layout of plain bytes, every value is allowed, and all of them may
    // change at any time.
    unsafe {
        let bytes = std::slice::from_raw_parts(cells.as_ptr().cast::<AtomicU8>(), cells.len());
        bytes.align_to::<AtomicU64>()
    }
}

/// Whether an engine has shared memories.
pub(crate) fn check_allowed(engine: &Engine) -> Result<()> {
    ensure!(
        engine.config().shared_memory,
        "shared memories are off in this engine: switch `Config::shared_memory` on"
    );
    Ok(())
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory").field("ty", &self.ty()).finish_non_exhaustive()
    }
}
