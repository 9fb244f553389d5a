//! What Linux has its own way to do.

use std::fs::File;
use std::io::{self, IoSlice};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::event::PollFlags;
use rustix::fs::{AtFlags, OFlags, Timestamps};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{SendFlags, SocketFlags};

use crate::types::Advice;

/// The event that a connection's other end sends nothing more.
pub const NOTHING_MORE: PollFlags = PollFlags::RDHUP;

/// That nobody receives what is sent is no signal.
pub const SEND: SendFlags = SendFlags::NOSIGNAL;

/// The next connection of a socket.
pub fn accept(listener: &OwnedFd, nonblocking: bool) -> io::Result<OwnedFd> {
    let mut flags = SocketFlags::CLOEXEC;
    flags.set(SocketFlags::NONBLOCK, nonblocking);
    Ok(retry_on_intr(|| rustix::net::accept_with(listener, flags))?)
}

/// Writes to a position, and leaves the file's own where it is. To a file that is appended to it writes to the end.
pub fn write_at(
    file: &File,
    buffers: &[IoSlice<'_>],
    offset: u64,
    _append: bool,
) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::pwritev(file, buffers, offset))?)
}

/// Tells the system how a part of the file will be used. A length of 0 means to the end.
pub fn advise(file: &File, offset: u64, len: u64, advice: Advice) -> io::Result<()> {
    use rustix::fs::Advice as System;

    let advice = match advice {
        Advice::Normal => System::Normal,
        Advice::Sequential => System::Sequential,
        Advice::Random => System::Random,
        Advice::WillNeed => System::WillNeed,
        Advice::DontNeed => System::DontNeed,
        Advice::NoReuse => System::NoReuse,
    };
    Ok(rustix::fs::fadvise(file, offset, NonZeroU64::new(len), advice)?)
}

/// Waits until the entries of a directory are on the disk.
pub fn sync_directory(directory: &Dir, only_data: bool) -> io::Result<()> {
    Ok(retry_on_intr(|| match only_data {
        true => rustix::fs::fdatasync(directory),
        false => rustix::fs::fsync(directory),
    })?)
}

/// Sets the times of what a path leads to without opening it, as far as the system can: says whether it did. To open it for
/// reading or for writing may not be allowed, or have effects of its own.
pub fn set_times_unopened(directory: &Dir, path: &Path, times: &Timestamps) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::PATH.bits() as i32);
    let file = directory.open_with(path, &options)?;
    match rustix::fs::utimensat(file, "", times, AtFlags::EMPTY_PATH) {
        // Linux before 5.8 only knows files that were really opened.
        Err(Errno::INVAL) => Ok(false),
        result => Ok(result.map(|()| true)?),
    }
}
