//! What open files can do beyond the standard library, or otherwise than it has it.
//!
//! Always true: a file that is appended to is written at its end in one step, by a position that the system keeps for this.

use std::fs::{File, FileTimes};
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::os::windows::fs::FileExt;
use std::time::{Duration, SystemTime};

use cap_std::fs::Metadata;

use crate::errno::{Errno, Result};
use crate::flags::FdFlags;
use crate::host::again;
use crate::host::metadata::nanoseconds;
use crate::types::{Advice, NewTime};

/// The position that stands for the end, wherever that is when the system writes.
const END: u64 = u64::MAX;

/// Reads from the file's position on, as much as there is; 0 at the end.
pub fn read(mut file: &File, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    fill(buffers, |buffer, _| file.read(buffer))
}

/// Writes from the file's position on, or behind its end.
pub fn write(mut file: &File, buffers: &[IoSlice<'_>], append: bool) -> io::Result<usize> {
    drain(buffers, |buffer, _| match append {
        true => file.seek_write(buffer, END),
        false => file.write(buffer),
    })
}

/// Reads from a position, and leaves the file's own where it is.
pub fn read_at(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
    at(file, || fill(buffers, |buffer, done| file.seek_read(buffer, place(offset, done)?)))
}

/// Writes to a position, and leaves the file's own where it is. To a file that is appended to it writes to the end, as
/// Linux does.
pub fn write_at(
    file: &File,
    buffers: &[IoSlice<'_>],
    offset: u64,
    append: bool,
) -> io::Result<usize> {
    at(file, || {
        drain(buffers, |buffer, done| {
            let place = place(offset, done)?;
            file.seek_write(buffer, if append { END } else { place })
        })
    })
}

/// So many bytes behind an offset. Positions are signed, and those below zero have meanings of their own.
fn place(offset: u64, bytes: usize) -> io::Result<u64> {
    match offset.checked_add(bytes as u64) {
        Some(place) if i64::try_from(place).is_ok() => Ok(place),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Does something that moves the file's position, and moves that back. Nobody else has the same open file.
fn at(mut file: &File, call: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    let position = file.stream_position()?;
    let result = call();
    file.seek(SeekFrom::Start(position))?;
    result
}

/// Fills one buffer after the other, each by a call that gets the number of bytes that are there already, until there is
/// nothing more. The system takes one at a time.
fn fill(
    buffers: &mut [IoSliceMut<'_>],
    mut read: impl FnMut(&mut [u8], usize) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut done = 0;
    for buffer in buffers {
        match again(|| read(buffer, done)) {
            Ok(read) => {
                done += read;
                if read < buffer.len() {
                    break;
                }
            }
            // What was read is not lost.
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// As [`fill`], for writing.
fn drain(
    buffers: &[IoSlice<'_>],
    mut write: impl FnMut(&[u8], usize) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut done = 0;
    for buffer in buffers {
        match again(|| write(buffer, done)) {
            Ok(written) => {
                done += written;
                if written < buffer.len() {
                    break;
                }
            }
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Sets those flags that can be set while a file is open. Whoever writes is told by the caller that a file is appended to,
/// and files never wait.
pub fn set_flags(_file: &File, _flags: FdFlags) -> io::Result<()> {
    Ok(())
}

/// Makes sure that there is room, and the file is as long.
///
/// To make a file longer and to set its length is the same for the system. So that nothing is lost which somebody else
/// appends at that moment, the file is locked as long.
pub fn allocate(file: &File, offset: u64, len: u64) -> Result<()> {
    if len == 0 || i64::try_from(offset).is_err() || i64::try_from(len).is_err() {
        return Err(Errno::Inval);
    }
    let end = offset.checked_add(len).filter(|&end| i64::try_from(end).is_ok());
    let end = end.ok_or(Errno::Fbig)?;
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => Errno::Again,
        std::fs::TryLockError::Error(error) => error.into(),
    })?;
    let result = file.metadata().and_then(|metadata| match metadata.len() < end {
        true => file.set_len(end),
        false => Ok(()),
    });
    // The library unlocks twice, in case there are two locks, and takes Wine's error for the second one for its own.
    let _ = file.unlock();
    Ok(result?)
}

/// Waits until what was written is on the disk. There is no difference between data and the rest.
pub fn sync(file: &File, _only_data: bool) -> Result<()> {
    match file.sync_all().map_err(Errno::from) {
        // By way of a file that is open for reading nothing was written.
        Err(Errno::Acces) => Ok(()),
        result => result,
    }
}

/// Tells the system how a part of the file will be used: nothing that it could be told once a file is open.
pub fn advise(_file: &File, _offset: u64, len: u64, _advice: Advice) -> Result<()> {
    // As on other systems, whose lengths are signed.
    if i64::try_from(len).is_err() { Err(Errno::Inval) } else { Ok(()) }
}

/// Sets the times of access and of modification of something that is open.
pub fn set_times(
    file: &File,
    accessed: Option<NewTime>,
    modified: Option<NewTime>,
) -> io::Result<()> {
    let now = SystemTime::now();
    let time = |new| match new {
        NewTime::Now => now,
        NewTime::At(nanoseconds) => SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds),
    };
    let mut times = FileTimes::new();
    if let Some(accessed) = accessed {
        times = times.set_accessed(time(accessed));
    }
    if let Some(modified) = modified {
        times = times.set_modified(time(modified));
    }
    file.set_times(times)
}

/// When something about a file was changed. That is not told here; when its contents were is as near as one gets.
pub fn changed(metadata: &Metadata) -> u64 {
    metadata.modified().map_or(0, |time| nanoseconds(time.into_std()))
}
