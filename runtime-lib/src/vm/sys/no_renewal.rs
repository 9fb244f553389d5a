//! Systems that make no page as new: memories are mapped again each time.

use std::io;
use std::ops::Range;
use std::ptr::NonNull;

/// Whether [`renew`] does what it says.
pub fn can_renew() -> bool {
    false
}

/// Would give pages the contents that they had at first.
///
/// # Errors
/// Always.
///
/// # Safety
/// None is needed.
pub unsafe fn renew(_start: NonNull<u8>, _bytes: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Would make pages inaccessible, and forget what they held.
///
/// # Errors
/// Always.
///
/// # Safety
/// None is needed.
pub unsafe fn forget(_start: NonNull<u8>, _bytes: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Would say which pages were written to.
pub fn written(
    _start: NonNull<u8>,
    _bytes: usize,
    _most_pages: usize,
    _ranges: &mut [Range<usize>],
) -> Option<usize> {
    None
}
