//! Runs of pages: reserved, made accessible, mapped from files, given back.
//!
//! In: sizes in bytes. Out: addresses. Always true: a mapping's address never changes, its pages belong to nobody else,
//! and all of it goes back to the system when it is dropped. [`ExecutablePages`] are somebody else's, and only lent.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;

use super::sys::{self, Protection};

/// A run of pages.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: address space belongs to the process, not to a thread; who may access it when is decided by the owner.
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared reference gives no access to the contents.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// A run of `bytes` bytes, rounded up to pages, that nothing may access yet.
    ///
    /// # Errors
    /// If the system has not as much address space.
    pub fn reserve(bytes: usize) -> io::Result<Mapping> {
        let bytes = round_up(bytes).ok_or(io::ErrorKind::OutOfMemory)?;
        if bytes == 0 {
            return Ok(Mapping { start: NonNull::dangling(), bytes });
        }
        Ok(Mapping { start: sys::reserve(bytes)?, bytes })
    }

    /// The contents of a file, to be read.
    ///
    /// # Errors
    /// The system's.
    pub fn of_file(file: &File, bytes: usize) -> io::Result<Mapping> {
        if bytes == 0 {
            return Ok(Mapping { start: NonNull::dangling(), bytes });
        }
        Ok(Mapping { start: sys::map_file(file, bytes)?, bytes })
    }

    /// Its first byte.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is in it.
    ///
    /// # Safety
    /// It is readable, as one [of a file](Self::of_file) is, and nobody changes the file, or the pages, as long as this is borrowed.
    pub unsafe fn contents(&self) -> &[u8] {
        // SAFETY: the pages are ours; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    /// Makes the pages that contain `from..to` readable and writable.
    ///
    /// # Errors
    /// If the system has not as much memory.
    ///
    /// # Panics
    /// If they are not all part of this mapping.
    pub fn make_accessible(&mut self, from: usize, to: usize) -> io::Result<()> {
        let from = from - from % sys::page_bytes();
        let to = round_up(to).filter(|&to| to <= self.bytes).expect("pages of this mapping");
        if from >= to {
            return Ok(());
        }
        // SAFETY: the pages are ours, and only gain permissions.
        unsafe { sys::protect(self.start.add(from), to - from, Protection::ReadWrite) }
    }

    /// Makes whole pages inaccessible again, and forgets what they held.
    ///
    /// # Errors
    /// The system's; not all can do it.
    ///
    /// # Panics
    /// If they are not all part of this mapping.
    pub fn forget(&mut self, pages: Range<usize>) -> io::Result<()> {
        let (start, bytes) = self.whole(&pages);
        // SAFETY: the pages are ours; what they held is not used, as `&mut self` shows.
        unsafe { sys::forget(start, bytes) }
    }

    /// Gives whole accessible pages the contents that they had at first: zeros, or those of the file that was mapped over them.
    ///
    /// # Errors
    /// The system's; not all can do it.
    ///
    /// # Panics
    /// If they are not all part of this mapping.
    pub fn renew(&mut self, pages: Range<usize>) -> io::Result<()> {
        if !sys::can_renew() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (start, bytes) = self.whole(&pages);
        // SAFETY: as above.
        unsafe { sys::renew(start, bytes) }
    }

    /// Which of these pages have contents of their own, because they were written to: runs of pages, by their places in the
    /// mapping, and how many runs there are. `None` if the system does not tell, or if there are more runs than there is room
    /// for, or more pages than `most_pages`.
    ///
    /// # Panics
    /// If they are not all part of this mapping.
    pub fn written(
        &self,
        pages: Range<usize>,
        most_pages: usize,
        runs: &mut [Range<usize>],
    ) -> Option<usize> {
        let (start, bytes) = self.whole(&pages);
        let count = sys::written(start, bytes, most_pages, runs)?;
        let first = self.start.as_ptr() as usize;
        for run in &mut runs[..count] {
            *run = run.start - first..run.end - first;
        }
        Some(count)
    }

    /// The address and size of whole pages.
    fn whole(&self, pages: &Range<usize>) -> (NonNull<u8>, usize) {
        let page = sys::page_bytes();
        assert!(
            pages.start <= pages.end
                && pages.end <= self.bytes
                && pages.start.is_multiple_of(page)
                && pages.end.is_multiple_of(page),
            "whole pages of this mapping"
        );
        // SAFETY: inside of the mapping, as just checked.
        (unsafe { self.start.add(pages.start) }, pages.len())
    }

    /// Replaces whole pages by those of a file, copy-on-write.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Panics
    /// If they are not all part of this mapping.
    pub fn map_file_over(
        &mut self,
        at: usize,
        bytes: usize,
        file: &File,
        offset: u64,
    ) -> io::Result<()> {
        assert!(
            at.checked_add(bytes).is_some_and(|end| end <= self.bytes),
            "pages of this mapping"
        );
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: the pages are ours; what they held is not used, as `&mut self` shows.
        unsafe { sys::map_file_over(self.start.add(at), bytes, file, offset) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.bytes != 0 {
            // SAFETY: the mapping is ours alone and goes away with us.
            unsafe { sys::release(self.start, self.bytes) };
        }
    }
}

/// Pages of somebody else's that hold code: executable until this is dropped, and then readable and writable, as they were.
#[derive(Debug)]
pub struct ExecutablePages {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: what may be done with pages belongs to the process, not to a thread.
unsafe impl Send for ExecutablePages {}
// SAFETY: as above; a shared reference does nothing.
unsafe impl Sync for ExecutablePages {}

impl ExecutablePages {
    /// Makes pages executable, and no longer writable.
    ///
    /// # Errors
    /// The system's, which may forbid it.
    ///
    /// # Panics
    /// If they are not whole pages.
    ///
    /// # Safety
    /// The pages are readable and writable, and nobody writes to them or gives them back until this is dropped.
    pub unsafe fn new(start: NonNull<u8>, bytes: usize) -> io::Result<ExecutablePages> {
        let page = sys::page_bytes();
        assert!(start.addr().get().is_multiple_of(page) && bytes.is_multiple_of(page));
        if bytes != 0 {
            // SAFETY: the caller's promise.
            unsafe { sys::protect(start, bytes, Protection::ReadExecute) }?;
        }
        Ok(ExecutablePages { start, bytes })
    }
}

impl Drop for ExecutablePages {
    fn drop(&mut self) {
        if self.bytes != 0 {
            // Pages that never were writable, against the promise, may stay as they are.
            // SAFETY: the pages are still the lender's, and nobody executes them any more.
            let _ = unsafe { sys::protect(self.start, self.bytes, Protection::ReadWrite) };
        }
    }
}

/// The next multiple of the page size.
pub fn round_up(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(sys::page_bytes())
}
