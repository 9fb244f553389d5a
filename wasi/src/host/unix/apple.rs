//! What macOS has its own way to do.

use std::fs::File;
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use cap_std::fs::Dir;
use rustix::event::PollFlags;
use rustix::fs::Timestamps;
use rustix::io::{FdFlags, retry_on_intr};
use rustix::net::SendFlags;

use crate::host::again;
use crate::types::Advice;

/// The event that a connection's other end sends nothing more: there is none, but that of data, of which there are none.
pub const NOTHING_MORE: PollFlags = PollFlags::empty();

/// That nobody receives what is sent is no signal, as connections were told when they were accepted.
pub const SEND: SendFlags = SendFlags::empty();

/// The next connection of a socket.
pub fn accept(listener: &OwnedFd, nonblocking: bool) -> io::Result<OwnedFd> {
    let connection = retry_on_intr(|| rustix::net::accept(listener))?;
    rustix::io::fcntl_setfd(&connection, FdFlags::CLOEXEC)?;
    // It has inherited what the listener does.
    rustix::io::ioctl_fionbio(&connection, nonblocking)?;
    rustix::net::sockopt::set_socket_nosigpipe(&connection, true)?;
    Ok(connection)
}

/// Writes to a position, and leaves the file's own where it is. To a file that is appended to it writes to the end, as on
/// Linux, which the system itself does not.
pub fn write_at(
    mut file: &File,
    buffers: &[IoSlice<'_>],
    offset: u64,
    append: bool,
) -> io::Result<usize> {
    if !append || i64::try_from(offset).is_err() {
        return Ok(retry_on_intr(|| rustix::io::pwritev(file, buffers, offset))?);
    }
    // Nobody else has the same open file.
    let position = file.stream_position()?;
    let result = again(|| file.write_vectored(buffers));
    file.seek(SeekFrom::Start(position))?;
    result
}

/// Tells the system how a part of the file will be used. It knows of what will be read soon, and of nothing else.
pub fn advise(file: &File, offset: u64, len: u64, advice: Advice) -> io::Result<()> {
    // As on Linux, where lengths are signed.
    if i64::try_from(len).is_err() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // How much that is, is a C `int`; there is nothing to tell of more.
    match (advice, i32::try_from(len)) {
        (Advice::WillNeed, Ok(1..)) if i64::try_from(offset).is_ok() => {
            Ok(rustix::fs::fcntl_rdadvise(file, offset, len)?)
        }
        _ => Ok(()),
    }
}

/// Waits until the entries of a directory are on the disk.
pub fn sync_directory(directory: &Dir, _only_data: bool) -> io::Result<()> {
    Ok(retry_on_intr(|| rustix::fs::fsync(directory))?)
}

/// Sets the times of what a path leads to without opening it, which the system cannot: says whether it did.
pub fn set_times_unopened(_directory: &Dir, _path: &Path, _times: &Timestamps) -> io::Result<bool> {
    Ok(false)
}
