//! Linear memories: address space, growth, initial images.
//!
//! In: a memory's type, how compiled code checks accesses, perhaps an image to start with. Out: a [`VmMemory`] record
//! that is always up to date, wherever it lies.
//!
//! Always true:
//! - the bytes from `base` up to the current size are readable and writable;
//! - under [`BoundsChecks::Guarded`] the base never moves, and everything behind the current size, as far as reservation
//!   and guard reach, faults;
//! - the size is a whole number of pages of the memory's page size, and never exceeds its maximum.

use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

use crate::abi::manifest::BoundsChecks;
use crate::abi::types::MemoryType;
use crate::abi::vmctx::VmMemory;

use super::mmap::{Mapping, round_up};
use super::sys;

/// How much room a memory that may move gets for growing, before it has to.
const ROOM_TO_GROW_BYTES: usize = 1 << 20;

/// A linear memory.
#[derive(Debug)]
pub struct Memory {
    ty: MemoryType,
    checks: BoundsChecks,
    mapping: Mapping,
    /// Up to where pages have been made accessible.
    accessible_bytes: usize,
    record: Record,
}

/// Where the record that compiled code reads lies.
#[derive(Debug)]
enum Record {
    /// Here: the memory belongs to no instance.
    Own(Box<VmMemory>),
    /// In the vmctx of the instance that defines the memory.
    In(NonNull<VmMemory>),
}

// SAFETY: the record is either owned or in a vmctx, which moves between threads only together with the memory.
unsafe impl Send for Memory {}
// SAFETY: a shared reference only reads; the size is atomic.
unsafe impl Sync for Memory {}

/// The initial contents of a memory.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// Where in the memory they begin.
    pub offset: usize,
    /// The contents.
    pub bytes: &'a [u8],
    /// A file that has them at that offset. Whole pages are mapped from it if both offsets are multiples of the page
    /// size; the rest is copied.
    pub file: Option<(&'a File, u64)>,
}

/// Why a memory could not be made.
#[derive(Debug)]
pub enum MemoryError {
    /// It is larger than the address space, its reservation, or its own maximum.
    TooLarge {
        /// How many bytes it would have.
        bytes: u128,
    },
    /// The system has not as much.
    System(io::Error),
}

impl std::fmt::Display for MemoryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MemoryError::TooLarge { bytes } => {
                write!(f, "a memory of {bytes} bytes exceeds what is reserved for it")
            }
            MemoryError::System(error) => write!(f, "the system refused memory: {error}"),
        }
    }
}

impl std::error::Error for MemoryError {}

impl Memory {
    /// A memory of this type, of its minimum size.
    ///
    /// # Errors
    /// If it is too large, if the system refuses, or if an image does not fit the minimum size.
    pub fn new<'a>(
        ty: MemoryType,
        checks: BoundsChecks,
        images: impl IntoIterator<Item = Image<'a>>,
    ) -> Result<Memory, MemoryError> {
        let wide = u128::from(ty.limits.min) << ty.page_size_log2;
        let too_large = || MemoryError::TooLarge { bytes: wide };
        let bytes = usize::try_from(wide)
            .ok()
            .filter(|&bytes| bytes <= isize::MAX as usize)
            .ok_or_else(too_large)?;
        let reserved = match checks {
            BoundsChecks::Guarded { reservation, guard } => {
                if wide > u128::from(reservation) {
                    return Err(too_large());
                }
                reservation
                    .checked_add(guard)
                    .and_then(|bytes| usize::try_from(bytes).ok())
                    .ok_or_else(too_large)?
            }
            BoundsChecks::Explicit => Memory::room(&ty, bytes).ok_or_else(too_large)?,
        };
        let mut mapping = Mapping::reserve(reserved).map_err(MemoryError::System)?;
        mapping.make_accessible(0, bytes).map_err(MemoryError::System)?;
        let record = VmMemory { base: mapping.start().as_ptr(), bytes: bytes.into() };
        let accessible_bytes = round_up(bytes).expect("it is mapped");
        let mut memory =
            Memory { ty, checks, mapping, accessible_bytes, record: Record::Own(Box::new(record)) };
        for image in images {
            memory.place(image)?;
        }
        Ok(memory)
    }

    /// How much to reserve for a memory that may move.
    fn room(ty: &MemoryType, bytes: usize) -> Option<usize> {
        let max = ty
            .limits
            .max
            .and_then(|max| usize::try_from(u128::from(max) << ty.page_size_log2).ok());
        let wanted = bytes.checked_add(bytes.max(ROOM_TO_GROW_BYTES))?;
        round_up(max.unwrap_or(usize::MAX).min(wanted).max(bytes))
    }

    fn place(&mut self, image: Image<'_>) -> Result<(), MemoryError> {
        let end = image.offset as u128 + image.bytes.len() as u128;
        // The last page of an image may be longer than a memory with small pages is.
        if end > self.accessible_bytes as u128 {
            return Err(MemoryError::TooLarge { bytes: end });
        }
        let page = sys::page_bytes();
        let mut copied = image;
        if let Some((file, offset)) = image.file
            && image.offset.is_multiple_of(page)
            && offset.is_multiple_of(page as u64)
        {
            let mapped = image.bytes.len() - image.bytes.len() % page;
            self.mapping
                .map_file_over(image.offset, mapped, file, offset)
                .map_err(MemoryError::System)?;
            copied =
                Image { offset: image.offset + mapped, bytes: &image.bytes[mapped..], file: None };
        }
        // SAFETY: the range is accessible, as checked above, and nobody else knows this memory yet.
        unsafe {
            let target = self.mapping.start().as_ptr().add(copied.offset);
            ptr::copy_nonoverlapping(copied.bytes.as_ptr(), target, copied.bytes.len());
        }
        Ok(())
    }

    /// Lets the record lie in a vmctx from now on.
    ///
    /// # Safety
    /// `record` is valid as long as the memory is, and read by others only where the memory may be used.
    pub unsafe fn move_record(&mut self, record: NonNull<VmMemory>) {
        // SAFETY: the caller promises a valid place.
        unsafe { record.write(VmMemory { base: self.base(), bytes: self.bytes().into() }) };
        self.record = Record::In(record);
    }

    /// The record that compiled code reads.
    pub fn record(&self) -> NonNull<VmMemory> {
        match &self.record {
            Record::Own(record) => NonNull::from(&**record),
            Record::In(record) => *record,
        }
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
    pub fn base(&self) -> *mut u8 {
        self.mapping.start().as_ptr()
    }

    /// Its size now, in bytes.
    pub fn bytes(&self) -> usize {
        // SAFETY: the record is valid, and only its atomic part is read.
        unsafe { (*self.record().as_ptr()).bytes.load(Ordering::Acquire) }
    }

    /// Its size now, in pages.
    pub fn pages(&self) -> u64 {
        self.bytes() as u64 >> self.ty.page_size_log2
    }

    /// The size it never exceeds, in pages.
    pub fn max_pages(&self) -> u64 {
        let address_bits = if self.ty.memory64 { 64 } else { 32 };
        let addressable = 1u128 << (address_bits - u32::from(self.ty.page_size_log2));
        let declared = u128::from(self.ty.limits.max.unwrap_or(u64::MAX));
        let reserved = match self.checks {
            BoundsChecks::Guarded { reservation, .. } => reservation,
            BoundsChecks::Explicit => isize::MAX as u64,
        };
        declared.min(addressable).min(u128::from(reserved >> self.ty.page_size_log2)) as u64
    }

    /// How many bytes it would have with `pages` more pages. `None` if it cannot have as many.
    pub fn bytes_after_growth(&self, pages: u64) -> Option<usize> {
        let pages = self.pages().checked_add(pages).filter(|&pages| pages <= self.max_pages())?;
        usize::try_from(u128::from(pages) << self.ty.page_size_log2).ok()
    }

    /// Makes it larger by `pages` pages. Returns the former size in pages, or `None` if that is not possible; then nothing
    /// has changed.
    pub fn grow(&mut self, pages: u64) -> Option<u64> {
        let former_pages = self.pages();
        let bytes = self.bytes_after_growth(pages)?;
        let accessible_bytes = round_up(bytes)?;
        if accessible_bytes > self.mapping.bytes() {
            self.move_to_larger(bytes).ok()?;
        } else if accessible_bytes > self.accessible_bytes {
            self.mapping.make_accessible(self.accessible_bytes, accessible_bytes).ok()?;
        }
        self.accessible_bytes = accessible_bytes;
        let base = self.base();
        // SAFETY: the record is valid. The base changes only for memories that may move, which no two threads share.
        unsafe {
            let record = self.record().as_ptr();
            if (*record).base != base {
                (*record).base = base;
            }
            (*record).bytes.store(bytes, Ordering::Release);
        }
        Some(former_pages)
    }

    /// Moves a memory whose base may change to where there is room.
    fn move_to_larger(&mut self, bytes: usize) -> io::Result<()> {
        assert_eq!(
            self.checks,
            BoundsChecks::Explicit,
            "only memories with explicit checks may move"
        );
        let room = Memory::room(&self.ty, bytes).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut mapping = Mapping::reserve(room)?;
        mapping.make_accessible(0, bytes)?;
        // SAFETY: both are accessible up to the former size, and different.
        unsafe { ptr::copy_nonoverlapping(self.base(), mapping.start().as_ptr(), self.bytes()) };
        self.mapping = mapping;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::types::Limits;

    const GUARDED: BoundsChecks = BoundsChecks::Guarded { reservation: 4 << 30, guard: 1 << 20 };

    fn ty(min: u64, max: Option<u64>) -> MemoryType {
        MemoryType {
            limits: Limits { min, max },
            memory64: false,
            shared: false,
            page_size_log2: 16,
        }
    }

    fn contents(memory: &mut Memory) -> &mut [u8] {
        // SAFETY: nobody else uses the memory.
        unsafe { std::slice::from_raw_parts_mut(memory.base(), memory.bytes()) }
    }

    #[test]
    fn growth_keeps_contents_and_respects_the_maximum() {
        for checks in [GUARDED, BoundsChecks::Explicit] {
            let mut memory = Memory::new(ty(1, Some(100)), checks, None).unwrap();
            contents(&mut memory)[65535] = 7;
            let base = memory.base();
            assert_eq!(memory.grow(0), Some(1));
            assert_eq!(memory.grow(98), Some(1));
            assert_eq!(memory.grow(2), None);
            assert_eq!(memory.grow(u64::MAX), None);
            assert_eq!(memory.grow(1), Some(99));
            assert_eq!(memory.bytes(), 100 << 16);
            assert_eq!(
                (contents(&mut memory)[65535], contents(&mut memory)[(100 << 16) - 1]),
                (7, 0)
            );
            assert!(
                checks == BoundsChecks::Explicit || memory.base() == base,
                "guarded memories stay where they are"
            );
        }
    }

    #[test]
    fn a_32_bit_memory_ends_at_4_gib() {
        let mut memory = Memory::new(ty(0, None), GUARDED, None).unwrap();
        assert_eq!(memory.max_pages(), 65536);
        assert_eq!(memory.grow(65537), None);
        assert_eq!(memory.bytes(), 0);
        let error = Memory::new(ty(65537, None), GUARDED, None).unwrap_err();
        assert!(matches!(error, MemoryError::TooLarge { .. }));
    }

    #[test]
    fn pages_may_have_another_size() {
        let ty = MemoryType { page_size_log2: 0, ..ty(10, Some(5000)) };
        let mut memory = Memory::new(ty, BoundsChecks::Explicit, None).unwrap();
        assert_eq!((memory.bytes(), memory.grow(4990), memory.bytes()), (10, Some(10), 5000));
        contents(&mut memory)[4999] = 1;
        assert_eq!(memory.grow(1), None);
    }

    #[test]
    fn images_are_mapped_or_copied_and_never_written_back() {
        let page = sys::page_bytes();
        let bytes: Vec<u8> = (0..3 * page + 100).map(|i| (i / 7) as u8).collect();
        let file = sys::memory_file(c"image", &bytes).unwrap();
        let image = &bytes[page..];
        for (file, offset) in [(Some((&file, page as u64)), page), (None, page), (None, 11)] {
            for _ in 0..2 {
                let image = Image { offset, bytes: image, file };
                let mut memory = Memory::new(ty(1, None), GUARDED, Some(image)).unwrap();
                let contents = contents(&mut memory);
                assert_eq!(&contents[offset..offset + image.bytes.len()], image.bytes);
                assert_eq!(contents[offset + image.bytes.len()..].iter().max(), Some(&0));
                contents.fill(0xff);
            }
        }
    }

    #[test]
    fn the_record_follows_growth_wherever_it_lies() {
        let mut memory = Memory::new(ty(1, None), BoundsChecks::Explicit, None).unwrap();
        let mut record = VmMemory { base: ptr::null_mut(), bytes: 0.into() };
        // SAFETY: the record outlives the memory's last use.
        unsafe { memory.move_record(NonNull::from(&mut record)) };
        memory.grow(1000).unwrap();
        assert_eq!(
            (record.base, record.bytes.load(Ordering::Relaxed)),
            (memory.base(), 1001 << 16)
        );
    }
}
