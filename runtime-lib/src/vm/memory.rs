//! Linear memories: address space, growth, initial images.
//!
//! In: a memory's type, what compiled code relies on when it accesses it, how much address space memories get, perhaps an
//! image to start with. Out: a [`VmMemory`] record that is always up to date, wherever it lies.
//!
//! ```text
//!    guard before     memory            room to grow           guard
//!   ┌──────────────┬──────────────────┬──────────────────────┬──────────────┐
//!   │ faults       │ can be accessed  │ faults               │ faults       │
//!   └──────────────┴──────────────────┴──────────────────────┴──────────────┘
//!                  ▲ base             ▲ size
//!                  └────────── reservation ──────────────────┘
//! ```
//!
//! Always true:
//! - the bytes from `base` up to the current size are readable and writable;
//! - under [`BoundsChecks::Guarded`] the base never moves, and everything behind the current size, as far as reservation
//!   and guard reach, faults;
//! - under [`BoundsChecks::Explicit`] the base moves only where [`AddressSpace::may_move`] allows it, and never that of a
//!   shared memory; the guard is behind the current size and behind the room to grow alike;
//! - the size is a whole number of pages of the memory's page size, and never exceeds its maximum;
//! - a memory that was renewed cannot be told from a new one: nothing of what it held is left.

use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::abi::manifest::BoundsChecks;
use crate::abi::types::MemoryType;
use crate::abi::vmctx::VmMemory;

use super::mmap::{Mapping, round_up};
use super::shelf;
use super::sys;

/// How many runs of pages that were written to are emptied one by one, and how many pages; the system takes more back. A page
/// that stays costs its emptying each time, and one that is taken back costs a fault when it is needed again, which is ten
/// times as much.
const MOST_RUNS: usize = 48;
const MOST_PAGES: usize = 128;

/// How much address space memories get: one rule for all memories of an engine, so that each fits every module that was
/// compiled for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressSpace {
    /// How many bytes are reserved for each memory. From 4 GiB on, accesses to 32-bit memories need no check.
    pub reservation: u64,
    /// How many bytes behind that, and behind memories of whole 64 KiB wherever they end, always fault.
    pub guard: u64,
    /// Whether as many bytes in front of each memory fault too.
    pub guard_before: bool,
    /// Whether a memory that needs more than was reserved for it may get it elsewhere.
    pub may_move: bool,
    /// How many bytes are reserved beyond the present size for a memory that exceeds its reservation.
    pub reservation_for_growth: u64,
}

impl AddressSpace {
    /// What compiled code may rely on when it accesses a memory of this type.
    pub fn checks(&self, ty: &MemoryType) -> BoundsChecks {
        BoundsChecks::of(ty, self.reservation, self.guard)
    }

    /// How many bytes to reserve for a memory that has explicit checks and `bytes` bytes.
    fn room(&self, ty: &MemoryType, bytes: usize, moved: bool) -> Option<usize> {
        let wanted = match !moved && bytes as u64 <= self.reservation {
            // It never moves, so it gets room for its maximum.
            _ if ty.shared => u64::MAX,
            true => self.reservation,
            false => (bytes as u64).saturating_add(self.reservation_for_growth),
        };
        let most = ty.most_bytes().min(isize::MAX as u128);
        round_up((u128::from(wanted).min(most) as usize).max(bytes))
    }
}

/// Both of what two may rely on.
fn both(a: BoundsChecks, b: BoundsChecks) -> BoundsChecks {
    let guard = a.guard().max(b.guard());
    match (a, b) {
        (BoundsChecks::Explicit { .. }, BoundsChecks::Explicit { .. }) => {
            BoundsChecks::Explicit { guard }
        }
        _ => BoundsChecks::Guarded { reservation: a.reservation().max(b.reservation()), guard },
    }
}

/// A linear memory.
#[derive(Debug)]
pub struct Memory {
    ty: MemoryType,
    checks: BoundsChecks,
    space: AddressSpace,
    mapping: Mapping,
    /// How many bytes of the mapping lie in front of the memory.
    before: usize,
    /// Up to where pages have been made accessible, from the base.
    accessible_bytes: usize,
    /// Whether it has moved to where there is more room.
    has_moved: bool,
    /// Whether somebody other than compiled code got its address, and may have written to it.
    is_exposed: AtomicBool,
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

impl<'a> Image<'a> {
    /// How many of its bytes are mapped rather than copied.
    fn mapped_bytes(&self) -> usize {
        let page = sys::page_bytes();
        let is_aligned = |&(_, offset): &(_, u64)| {
            self.offset.is_multiple_of(page) && offset.is_multiple_of(page as u64)
        };
        match self.file.as_ref().filter(|file| is_aligned(file)) {
            Some(_) => self.bytes.len() - self.bytes.len() % page,
            None => 0,
        }
    }

    /// What of it lies in front of a place in the memory.
    fn up_to(self, end: usize) -> Image<'a> {
        let room = end.saturating_sub(self.offset).min(self.bytes.len());
        Image { bytes: &self.bytes[..room], ..self }
    }
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
    /// A memory of this type, of its minimum size, that gives compiled code what it needs and what `space` promises to
    /// all memories.
    ///
    /// # Errors
    /// If it is too large, if the system refuses, or if an image does not fit the minimum size.
    pub fn new<'a>(
        ty: MemoryType,
        needed: BoundsChecks,
        space: AddressSpace,
        images: impl IntoIterator<Item = Image<'a>>,
    ) -> Result<Memory, MemoryError> {
        let checks = both(space.checks(&ty), needed);
        let wide = ty.min_bytes();
        let too_large = || MemoryError::TooLarge { bytes: wide };
        let bytes = usize::try_from(wide)
            .ok()
            .filter(|&bytes| bytes <= isize::MAX as usize)
            .ok_or_else(too_large)?;
        let room = match checks {
            BoundsChecks::Guarded { reservation, .. } => {
                Some(reservation).filter(|&reservation| wide <= u128::from(reservation))
            }
            BoundsChecks::Explicit { .. } => space.room(&ty, bytes, false).map(|room| room as u64),
        };
        let reserved = room
            .and_then(|room| room.checked_add(checks.guard()))
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(too_large)?;
        let before = match space.guard_before {
            true => usize::try_from(space.guard).ok().and_then(round_up).ok_or_else(too_large)?,
            false => 0,
        };
        let reserved = reserved.checked_add(before).ok_or_else(too_large)?;
        let mapping = match Mapping::reserve(reserved) {
            // What is kept for later has address space, too.
            Err(_) if shelf::clear_all() => Mapping::reserve(reserved),
            made => made,
        };
        let mut mapping = mapping.map_err(MemoryError::System)?;
        mapping.make_accessible(before, before + bytes).map_err(MemoryError::System)?;
        // SAFETY: the mapping is at least as long.
        let base = unsafe { mapping.start().add(before) };
        let record = VmMemory { base: base.as_ptr(), bytes: bytes.into() };
        let mut memory = Memory {
            ty,
            checks,
            space,
            mapping,
            before,
            accessible_bytes: round_up(bytes).expect("it is mapped"),
            has_moved: false,
            is_exposed: AtomicBool::new(false),
            record: Record::Own(Box::new(record)),
        };
        for image in images {
            memory.place(image)?;
        }
        Ok(memory)
    }

    fn place(&mut self, image: Image<'_>) -> Result<(), MemoryError> {
        let end = image.offset as u128 + image.bytes.len() as u128;
        // Images are whole pages of the largest size that such systems have: the last one may be longer than a memory with
        // small pages is, here by more than a page. There is nothing behind the memory's end.
        let room = self.accessible_bytes.saturating_sub(image.offset).min(image.bytes.len());
        let (bytes, behind) = image.bytes.split_at(room);
        if behind.iter().any(|&byte| byte != 0) {
            return Err(MemoryError::TooLarge { bytes: end });
        }
        let image = Image { bytes, ..image };
        if let Some((file, offset)) = image.file {
            self.mapping
                .map_file_over(self.before + image.offset, image.mapped_bytes(), file, offset)
                .map_err(MemoryError::System)?;
        }
        self.copy(image);
        Ok(())
    }

    /// Copies what is not mapped of an image that ends where accessible pages do, or before.
    fn copy(&mut self, image: Image<'_>) {
        let mapped = image.mapped_bytes();
        let copied = &image.bytes[mapped..];
        // SAFETY: the range is accessible, as the caller says, and `&mut self` that nobody else uses the memory.
        unsafe {
            let target = self.start().add(image.offset + mapped);
            ptr::copy_nonoverlapping(copied.as_ptr(), target, copied.len());
        }
    }

    /// Makes it what it was when it was new, with the images that it was made with. `was_used` says whether compiled code that
    /// knows the memory has run. `false` if this cannot be done here; then the memory can only be dropped.
    ///
    /// What was written to stays in memory where that costs less than to get it again.
    pub fn renew<'a>(
        &mut self,
        was_used: bool,
        images: impl Iterator<Item = Image<'a>> + Clone,
    ) -> bool {
        let (Ok(bytes), false) = (usize::try_from(self.ty.min_bytes()), self.has_moved) else {
            return false;
        };
        let end = round_up(bytes).expect("it was mapped");
        if self.accessible_bytes > end {
            let grown = self.before + end..self.before + self.accessible_bytes;
            if self.mapping.forget(grown).is_err() {
                return false;
            }
            self.accessible_bytes = end;
        }
        // SAFETY: the record is valid, and only its atomic part is written.
        unsafe { (*self.record().as_ptr()).bytes.store(bytes, Ordering::SeqCst) };
        if !std::mem::take(self.is_exposed.get_mut()) && !was_used {
            return true;
        }
        let pages = self.before..self.before + end;
        let mut runs = [const { 0..0 }; MOST_RUNS];
        match self.mapping.written(pages.clone(), MOST_PAGES, &mut runs) {
            Some(count) => {
                for run in &runs[..count] {
                    self.refill(run.start - self.before, run.end - self.before, images.clone());
                }
                true
            }
            None => {
                let is_new = self.mapping.renew(pages).is_ok();
                if is_new {
                    images.for_each(|image| self.copy(image.up_to(end)));
                }
                is_new
            }
        }
    }

    /// Writes the first contents into accessible bytes.
    fn refill<'a>(
        &mut self,
        from: usize,
        to: usize,
        images: impl Iterator<Item = Image<'a>> + Clone,
    ) {
        debug_assert!(from <= to && to <= self.accessible_bytes);
        // SAFETY: the range is accessible, and `&mut self` says that nobody else uses the memory.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.start().add(from), to - from) };
        let place = |image: &Image<'_>| {
            let end = image.offset + image.bytes.len();
            (image.offset.max(from), end.min(to))
        };
        let images = images.map(|image| image.up_to(self.accessible_bytes));
        if !images.clone().any(|image| place(&image) == (from, to)) {
            bytes.fill(0);
        }
        for image in images {
            let (first, last) = place(&image);
            if first < last {
                let contents = &image.bytes[first - image.offset..last - image.offset];
                bytes[first - from..last - from].copy_from_slice(contents);
            }
        }
    }

    /// Lets the record lie in a vmctx from now on.
    ///
    /// # Safety
    /// `record` is valid as long as the memory is, and read by others only where the memory may be used.
    pub unsafe fn move_record(&mut self, record: NonNull<VmMemory>) {
        // SAFETY: the caller promises a valid place.
        unsafe { record.write(VmMemory { base: self.start(), bytes: self.bytes().into() }) };
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

    /// The address of its first byte, for others than compiled code.
    pub fn base(&self) -> *mut u8 {
        self.expose();
        self.start()
    }

    /// Notes that somebody other than compiled code may write to it.
    pub(super) fn expose(&self) {
        self.is_exposed.store(true, Ordering::Relaxed);
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: the mapping is at least as long.
        unsafe { self.mapping.start().add(self.before) }.as_ptr()
    }

    /// How many bytes it can have where it is.
    fn room(&self) -> usize {
        // The guard is part of the mapping, whose size no rounding makes smaller.
        self.mapping.bytes() - self.before - self.checks.guard() as usize
    }

    /// Its size now, in bytes.
    pub fn bytes(&self) -> usize {
        // SAFETY: the record is valid, and only its atomic part is read.
        unsafe { (*self.record().as_ptr()).bytes.load(Ordering::SeqCst) }
    }

    /// Its size now, in pages.
    pub fn pages(&self) -> u64 {
        self.bytes() as u64 >> self.ty.page_size_log2
    }

    /// The size it never exceeds, in pages.
    pub fn max_pages(&self) -> u64 {
        let reserved = match self.checks {
            BoundsChecks::Guarded { reservation, .. } => u128::from(reservation),
            BoundsChecks::Explicit { .. } if self.space.may_move => isize::MAX as u128,
            BoundsChecks::Explicit { .. } => self.room() as u128,
        };
        let pages = (self.ty.most_bytes().min(reserved) >> self.ty.page_size_log2) as u64;
        if self.ty.never_has_last_page() { pages.min(65535) } else { pages }
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
        if accessible_bytes > self.room() {
            self.move_to_larger(bytes).ok()?;
        } else if accessible_bytes > self.accessible_bytes {
            let (from, to) = (self.before + self.accessible_bytes, self.before + accessible_bytes);
            self.mapping.make_accessible(from, to).ok()?;
        }
        self.accessible_bytes = accessible_bytes;
        let base = self.start();
        // SAFETY: the record is valid. The base changes only for memories that may move, which no two threads share.
        unsafe {
            let record = self.record().as_ptr();
            if (*record).base != base {
                (*record).base = base;
            }
            (*record).bytes.store(bytes, Ordering::SeqCst);
        }
        Some(former_pages)
    }

    /// Moves a memory whose base may change to where there is room.
    fn move_to_larger(&mut self, bytes: usize) -> io::Result<()> {
        let BoundsChecks::Explicit { guard } = self.checks else {
            panic!("only memories with explicit checks may move");
        };
        let refused = || io::Error::from(io::ErrorKind::OutOfMemory);
        let room = self.space.room(&self.ty, bytes, true).ok_or_else(refused)?;
        let reserved =
            room.checked_add(guard as usize).and_then(|all| all.checked_add(self.before));
        let mut mapping = Mapping::reserve(reserved.ok_or_else(refused)?)?;
        mapping.make_accessible(self.before, self.before + bytes)?;
        // SAFETY: both are accessible up to the former size, and different.
        unsafe {
            let target = mapping.start().as_ptr().add(self.before);
            ptr::copy_nonoverlapping(self.start(), target, self.bytes());
        }
        self.mapping = mapping;
        self.has_moved = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::types::Limits;

    const GUARDED: AddressSpace = AddressSpace {
        reservation: 4 << 30,
        guard: 1 << 20,
        guard_before: true,
        may_move: true,
        reservation_for_growth: 1 << 20,
    };
    const MOVABLE: AddressSpace = AddressSpace { reservation: 0, guard_before: false, ..GUARDED };

    fn new<'a>(
        ty: MemoryType,
        space: AddressSpace,
        images: impl IntoIterator<Item = Image<'a>>,
    ) -> Result<Memory, MemoryError> {
        Memory::new(ty, BoundsChecks::Explicit { guard: 0 }, space, images)
    }

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

    /// A file with an image, where images can be mapped.
    fn file(image: &[u8]) -> Option<File> {
        sys::MAPS_FILES_OVER.then(|| sys::memory_file(c"image", image).unwrap())
    }

    #[test]
    fn growth_keeps_contents_and_respects_the_maximum() {
        for space in [GUARDED, MOVABLE, AddressSpace { reservation: 0, ..GUARDED }] {
            let mut memory = new(ty(1, Some(100)), space, None).unwrap();
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
                matches!(memory.checks(), BoundsChecks::Explicit { .. }) || memory.base() == base,
                "guarded memories stay where they are"
            );
        }
    }

    #[test]
    fn a_32_bit_memory_ends_at_4_gib() {
        let mut memory = new(ty(0, None), GUARDED, None).unwrap();
        // Its last page is for those that begin with it.
        assert_eq!(memory.max_pages(), 65535);
        assert_eq!(memory.grow(65536), None);
        assert_eq!(memory.bytes(), 0);
        let error = new(ty(65537, None), GUARDED, None).unwrap_err();
        assert!(matches!(error, MemoryError::TooLarge { .. }));
    }

    #[test]
    fn pages_may_have_another_size() {
        let ty = MemoryType { page_size_log2: 0, ..ty(10, Some(5000)) };
        let mut memory = new(ty, GUARDED, None).unwrap();
        assert_eq!((memory.bytes(), memory.grow(4990), memory.bytes()), (10, Some(10), 5000));
        contents(&mut memory)[4999] = 1;
        assert_eq!(memory.grow(1), None);
    }

    #[test]
    fn images_are_mapped_or_copied_and_never_written_back() {
        let page = sys::page_bytes();
        let bytes: Vec<u8> = (0..3 * page + 100).map(|i| (i / 7) as u8).collect();
        let file = file(&bytes);
        let file = file.as_ref().map(|file| (file, page as u64));
        let image = &bytes[page..];
        for (file, offset) in [(file, page), (None, page), (None, 11)] {
            for _ in 0..2 {
                let image = Image { offset, bytes: image, file };
                let mut memory = new(ty(1, None), GUARDED, Some(image)).unwrap();
                let contents = contents(&mut memory);
                assert_eq!(&contents[offset..offset + image.bytes.len()], image.bytes);
                assert_eq!(contents[offset + image.bytes.len()..].iter().max(), Some(&0));
                contents.fill(0xff);
            }
        }
    }

    #[test]
    fn images_may_be_longer_than_memories_with_small_pages() {
        let page = sys::page_bytes();
        let ty = MemoryType { page_size_log2: 0, ..ty(10, None) };
        let mut bytes = vec![0; 16 * page];
        bytes[9] = 7;
        let file = file(&bytes);
        for file in [file.as_ref().map(|file| (file, 0)), None] {
            let mut memory =
                new(ty, GUARDED, Some(Image { offset: 0, bytes: &bytes, file })).unwrap();
            assert_eq!(contents(&mut memory), &bytes[..10]);
            assert_eq!(memory.grow(2 * page as u64), Some(10));
            assert_eq!(contents(&mut memory)[10..].iter().max(), Some(&0));
        }
        bytes[page] = 1;
        for offset in [0, 32 * page] {
            let image = Image { offset, bytes: &bytes, file: None };
            let error = new(ty, GUARDED, Some(image)).unwrap_err();
            assert!(matches!(error, MemoryError::TooLarge { .. }));
        }
    }

    #[test]
    fn the_record_follows_growth_wherever_it_lies() {
        let mut memory = new(ty(1, None), MOVABLE, None).unwrap();
        let mut record = VmMemory { base: ptr::null_mut(), bytes: 0.into() };
        // SAFETY: the record outlives the memory's last use.
        unsafe { memory.move_record(NonNull::from(&mut record)) };
        memory.grow(1000).unwrap();
        assert_eq!(
            (record.base, record.bytes.load(Ordering::Relaxed)),
            (memory.base(), 1001 << 16)
        );
    }

    #[test]
    fn what_may_not_move_stays_where_it_is() {
        let space = AddressSpace { reservation: 10 << 16, may_move: false, ..MOVABLE };
        let mut memory = new(ty(1, None), space, None).unwrap();
        let base = memory.base();
        assert_eq!((memory.max_pages(), memory.grow(10), memory.grow(9)), (10, None, Some(1)));
        assert_eq!(memory.base(), base);
        // What does not fit the reservation from the start gets the room for growth.
        let mut memory = new(ty(11, None), space, None).unwrap();
        assert_eq!((memory.max_pages(), memory.grow(16)), (11 + 16, Some(11)));
    }

    #[test]
    fn a_memory_has_what_its_module_needs_and_what_others_expect() {
        let needed = BoundsChecks::Guarded { reservation: 5 << 30, guard: 1 << 16 };
        let memory = Memory::new(ty(1, None), needed, GUARDED, None).unwrap();
        assert_eq!(memory.checks(), BoundsChecks::Guarded { reservation: 5 << 30, guard: 1 << 20 });
        assert_eq!(new(ty(1, None), GUARDED, None).unwrap().checks(), GUARDED.checks(&ty(1, None)));
    }
}
