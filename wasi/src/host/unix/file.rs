//! What open files can do beyond the standard library.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use cap_std::fs::{Metadata, MetadataExt};
use rustix::fs::{OFlags, Timespec, Timestamps};
use rustix::io::retry_on_intr;

use super::own;
use crate::flags::FdFlags;
use crate::host::again;
use crate::types::{Advice, NewTime};

/// Reads from the file's position on, as much as there is; 0 at the end.
pub fn read(mut file: &File, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    again(|| file.read_vectored(buffers))
}

/// Writes from the file's position on, or behind its end. Whether it is appended to, the system knows.
pub fn write(mut file: &File, buffers: &[IoSlice<'_>], _append: bool) -> io::Result<usize> {
    again(|| file.write_vectored(buffers))
}

/// Reads from a position, and leaves the file's own where it is.
pub fn read_at(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::preadv(file, buffers, offset))?)
}

/// Writes to a position, and leaves the file's own where it is. To a file that is appended to it writes to the end, as
/// Linux does.
pub fn write_at(
    file: &File,
    buffers: &[IoSlice<'_>],
    offset: u64,
    append: bool,
) -> io::Result<usize> {
    own::write_at(file, buffers, offset, append)
}

/// Sets those flags that can be set while a file is open: [`FdFlags::APPEND`] and [`FdFlags::NONBLOCK`].
pub fn set_flags(file: &File, flags: FdFlags) -> io::Result<()> {
    let mut now = rustix::fs::fcntl_getfl(file)?;
    now.set(OFlags::APPEND, flags.contains(FdFlags::APPEND));
    now.set(OFlags::NONBLOCK, flags.contains(FdFlags::NONBLOCK));
    Ok(rustix::fs::fcntl_setfl(file, now)?)
}

/// Makes sure that there is room, and the file is as long.
pub fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let how = rustix::fs::FallocateFlags::empty();
    Ok(retry_on_intr(|| rustix::fs::fallocate(file, how, offset, len))?)
}

/// Waits until its contents are on the disk and, unless `only_data`, what is known about it too.
pub fn sync(file: &File, only_data: bool) -> io::Result<()> {
    if only_data { file.sync_data() } else { file.sync_all() }
}

/// Tells the system how a part of the file will be used. A length of 0 means to the end.
pub fn advise(file: &File, offset: u64, len: u64, advice: Advice) -> io::Result<()> {
    own::advise(file, offset, len, advice)
}

/// Sets the times of access and of modification of something that is open.
pub fn set_times(
    file: &File,
    accessed: Option<NewTime>,
    modified: Option<NewTime>,
) -> io::Result<()> {
    Ok(rustix::fs::futimens(file, &timestamps(accessed, modified))?)
}

pub(super) fn timestamps(accessed: Option<NewTime>, modified: Option<NewTime>) -> Timestamps {
    let time = |new| match new {
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        Some(NewTime::Now) => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
        Some(NewTime::At(nanoseconds)) => {
            let (tv_sec, tv_nsec) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
            // Both fit: 64 bits of nanoseconds are less than 600 years.
            Timespec { tv_sec: tv_sec as _, tv_nsec: tv_nsec as _ }
        }
    };
    Timestamps { last_access: time(accessed), last_modification: time(modified) }
}

/// When something about a file was changed, in nanoseconds since 1970.
pub fn changed(metadata: &Metadata) -> u64 {
    super::clock::nanoseconds(metadata.ctime(), metadata.ctime_nsec())
}
