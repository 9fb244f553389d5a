//! Pages that become as new, and which of them have to.
//!
//! In: private mappings. Out: which of their pages have contents of their own, by the system call `PAGEMAP_SCAN` (Linux 6.7),
//! and the same pages as they were when they were mapped, by `madvise`.
//!
//! Always true: both calls have been tried in this process before they are relied upon, because emulators ignore some of
//! what they do not know. What a fork inherits of this process is not taken for its own.

use std::ffi::{c_int, c_ulong};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use super::{memory_file, page_bytes, release, reserve};
use crate::vm::sys::Protection;
use crate::vm::sys::unix::{map_file_over, protect};

/// Whether [`renew`] does what it says.
pub fn can_renew() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        Sample::new().is_ok_and(|sample| {
            sample.write();
            // SAFETY: the pages are the sample's.
            unsafe { renew(sample.start, sample.bytes()) }.is_ok() && sample.is_new()
        })
    })
}

/// Gives pages of private mappings the contents that they had at first: zeros, or what is in the file.
///
/// # Errors
/// The system's.
///
/// # Safety
/// The pages belong to mappings of the caller's, and nobody relies on what they hold.
pub unsafe fn renew(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
    // SAFETY: the caller owns the pages, and their contents are not needed.
    match unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_DONTNEED) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes pages inaccessible, and forgets what they held.
///
/// # Errors
/// The system's.
///
/// # Safety
/// As [`renew`].
pub unsafe fn forget(start: NonNull<u8>, bytes: usize) -> io::Result<()> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    // SAFETY: the caller owns the pages that are replaced.
    match unsafe { libc::mmap(start.as_ptr().cast(), bytes, libc::PROT_NONE, flags, -1, 0) } {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Which pages of private mappings have contents of their own: all that were written to since they were mapped or renewed.
/// Fills in addresses, and returns how many ranges there are. `None` if the system does not tell, or if there are more
/// ranges than `ranges` has room for, or more pages than `most_pages`.
pub fn written(
    start: NonNull<u8>,
    bytes: usize,
    most_pages: usize,
    ranges: &mut [Range<usize>],
) -> Option<usize> {
    match scan(pagemap()?, start, bytes, most_pages, ranges) {
        Ok(found) => found,
        Err(_) => {
            // Somebody has forbidden it meanwhile, or has closed the file.
            cell()?.store(REFUSED, Ordering::Release);
            None
        }
    }
}

/// `struct pm_scan_arg` of `linux/fs.h`.
#[repr(C)]
#[derive(Default)]
struct ScanArguments {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `struct page_region` of `linux/fs.h`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: c_ulong = 0xc060_6610;
const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
const PAGE_IS_PFNZERO: u64 = 1 << 5;

/// How many ranges are looked for at a time.
const RANGES: usize = 64;

fn scan(
    pagemap: c_int,
    start: NonNull<u8>,
    bytes: usize,
    most_pages: usize,
    ranges: &mut [Range<usize>],
) -> io::Result<Option<usize>> {
    let mut regions = [PageRegion::default(); RANGES];
    let room = RANGES.min(ranges.len());
    let start = start.as_ptr() as u64;
    let mut arguments = ScanArguments {
        size: size_of::<ScanArguments>() as u64,
        start,
        end: start + bytes as u64,
        vec: regions.as_mut_ptr() as u64,
        vec_len: room as u64,
        max_pages: most_pages as u64,
        // In memory or swapped out, and neither the file's nor the page that everybody has until the first write.
        category_inverted: PAGE_IS_FILE | PAGE_IS_PFNZERO,
        category_mask: PAGE_IS_FILE | PAGE_IS_PFNZERO,
        category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        ..ScanArguments::default()
    };
    // SAFETY: the arguments are of the type that the call wants, and there is as much room for its answer as they say.
    let found = unsafe { libc::ioctl(pagemap, PAGEMAP_SCAN as _, &raw mut arguments) };
    let Ok(found) = usize::try_from(found) else { return Err(io::Error::last_os_error()) };
    if arguments.walk_end != arguments.end || found > room {
        return Ok(None);
    }
    for (range, region) in ranges.iter_mut().zip(&regions[..found]) {
        *range = region.start as usize..region.end as usize;
    }
    Ok(Some(found))
}

/// In the [`cell`]: the file is not open, in this process.
const NOT_OPEN: i32 = 0;
/// In the cell: the system does not do it.
const REFUSED: i32 = -1;

/// Where the descriptor of this process's page map is noted, plus one. A fork finds a zero there: what it inherits is the map
/// of its parent. `None` if that cannot be had.
fn cell() -> Option<&'static AtomicI32> {
    static CELL: OnceLock<Option<&'static AtomicI32>> = OnceLock::new();
    *CELL.get_or_init(|| {
        let bytes = page_bytes();
        let page = reserve(bytes).ok()?;
        // SAFETY: the page is ours, stays forever, and begins as zeros, which are a number.
        unsafe {
            let is_wiped = protect(page, bytes, Protection::ReadWrite).is_ok()
                && libc::madvise(page.as_ptr().cast(), bytes, libc::MADV_WIPEONFORK) == 0;
            is_wiped.then(|| page.cast::<AtomicI32>().as_ref())
        }
    })
}

fn pagemap() -> Option<c_int> {
    let cell = cell()?;
    match cell.load(Ordering::Acquire) {
        NOT_OPEN => open(cell),
        REFUSED => None,
        noted => Some(noted - 1),
    }
}

#[cold]
fn open(cell: &AtomicI32) -> Option<c_int> {
    // SAFETY: the path is a C string.
    let file =
        unsafe { libc::open(c"/proc/self/pagemap".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    let works = file >= 0 && Sample::new().is_ok_and(|sample| sample.is_scanned_right(file));
    let noted = if works { file + 1 } else { REFUSED };
    let outcome = cell.compare_exchange(NOT_OPEN, noted, Ordering::AcqRel, Ordering::Acquire);
    if file >= 0 && (outcome.is_err() || !works) {
        // SAFETY: just opened, and known to nobody.
        unsafe { libc::close(file) };
    }
    let noted = outcome.map_or_else(|present| present, |_| noted);
    (noted != REFUSED).then(|| noted - 1)
}

/// Pages to try the calls on: two anonymous ones, then two of a file.
struct Sample {
    start: NonNull<u8>,
}

const SAMPLE_PAGES: usize = 4;
const SAMPLE_BYTE: u8 = 0x5a;

impl Sample {
    fn new() -> io::Result<Sample> {
        let sample = Sample { start: reserve(SAMPLE_PAGES * page_bytes())? };
        let file = memory_file(c"wootz-sample", &vec![SAMPLE_BYTE; 2 * page_bytes()])?;
        // SAFETY: the pages are the sample's.
        unsafe {
            protect(sample.start, sample.bytes(), Protection::ReadWrite)?;
            map_file_over(sample.page(2), 2 * page_bytes(), &file, 0)?;
        }
        Ok(sample)
    }

    fn bytes(&self) -> usize {
        SAMPLE_PAGES * page_bytes()
    }

    fn page(&self, number: usize) -> NonNull<u8> {
        // SAFETY: inside of the mapping.
        unsafe { self.start.add(number * page_bytes()) }
    }

    /// Reads the first page of each kind, and writes the second.
    fn write(&self) {
        for number in [0, 2] {
            // SAFETY: readable and writable, here and below.
            unsafe {
                self.page(number).as_ptr().read_volatile();
                self.page(number + 1).as_ptr().write_volatile(!SAMPLE_BYTE);
            }
        }
    }

    fn is_new(&self) -> bool {
        // SAFETY: readable.
        let byte = |number| unsafe { self.page(number).as_ptr().read_volatile() };
        [0, 1, 2, 3].map(byte) == [0, 0, SAMPLE_BYTE, SAMPLE_BYTE]
    }

    fn is_scanned_right(&self, pagemap: c_int) -> bool {
        let mut ranges = [const { 0..0 }; 4];
        let mut found = || {
            let count =
                scan(pagemap, self.start, self.bytes(), SAMPLE_PAGES, &mut ranges).ok()??;
            Some(ranges[..count].to_vec())
        };
        let page = |number| {
            let start = self.page(number).as_ptr() as usize;
            start..start + page_bytes()
        };
        let before = found();
        self.write();
        before == Some(Vec::new()) && found() == Some(vec![page(1), page(3)])
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        // SAFETY: reserved as one piece, and not used any more.
        unsafe { release(self.start, self.bytes()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_told_and_can_be_undone() {
        let sample = Sample::new().unwrap();
        let page = |number| {
            let start = sample.page(number).as_ptr() as usize;
            start..start + page_bytes()
        };
        let mut ranges = [const { 0..0 }; 4];
        sample.write();
        if let Some(count) = written(sample.start, sample.bytes(), SAMPLE_PAGES, &mut ranges) {
            assert_eq!(ranges[..count], [page(1), page(3)]);
            assert_eq!(
                written(sample.start, sample.bytes(), 1, &mut ranges),
                None,
                "too many pages"
            );
            assert_eq!(
                written(sample.start, sample.bytes(), 4, &mut ranges[..1]),
                None,
                "too many ranges"
            );
        }
        if can_renew() {
            // SAFETY: the pages are the sample's.
            unsafe { renew(sample.start, sample.bytes()) }.unwrap();
            assert!(sample.is_new());
        }
    }

    #[test]
    fn a_fork_does_not_ask_about_its_parent() {
        let sample = Sample::new().unwrap();
        let mut ranges = [const { 0..0 }; 4];
        if written(sample.start, sample.bytes(), SAMPLE_PAGES, &mut ranges).is_none() {
            return;
        }
        // SAFETY: the child only writes to its own pages, asks, and leaves.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                sample.write();
                let found = written(sample.start, sample.bytes(), SAMPLE_PAGES, &mut ranges);
                libc::_exit(if found == Some(2) { 0 } else { 1 });
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            assert_eq!(status, 0, "the child sees what it has written itself");
        }
    }
}
