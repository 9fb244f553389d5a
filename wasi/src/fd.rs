//! `fd_*`.
//!
//! Always true: everything that a guest has passed is checked before anything is done that could be lost, such as reading
//! from a stream.

use std::io::{IoSlice, IoSliceMut, SeekFrom};

use crate::ctx::WasiCtx;
use crate::descriptor::{Descriptor, Kind};
use crate::errno::{Errno, Result};
use crate::flags::{self, FdFlags, FstFlags, RiFlags, Rights};
use crate::host::readiness::Direction;
use crate::host::wait;
use crate::memory::GuestMemory;
use crate::types::{self, Advice, Snapshot};

pub fn read(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    match descriptor.kind {
        Kind::Input(_) | Kind::File(_) | Kind::Connection(_) => {}
        Kind::Directory(_) => return Err(Errno::Isdir),
        Kind::Output(_) | Kind::Listener(_) => return Err(Errno::Badf),
    }
    descriptor.require(Rights::FD_READ)?;
    let buffers = memory.buffers(buffers, count)?;
    memory.check(result, 4)?;
    let read = memory.fill(&buffers, |slices| read_some(descriptor, slices))?;
    memory.write_u32(result, read as u32)
}

fn read_some(descriptor: &mut Descriptor, slices: &mut [IoSliceMut<'_>]) -> Result<usize> {
    may_proceed(descriptor, Direction::Read)?;
    match &mut descriptor.kind {
        Kind::Input(input) => input.read(slices),
        Kind::File(file) => file.read(slices),
        Kind::Connection(socket) => Ok(socket.receive(slices, RiFlags::empty())?.0),
        _ => Err(Errno::Badf),
    }
}

pub fn write(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    match descriptor.kind {
        Kind::Output(_) | Kind::File(_) | Kind::Connection(_) => {}
        Kind::Directory(_) | Kind::Input(_) | Kind::Listener(_) => return Err(Errno::Badf),
    }
    descriptor.require(Rights::FD_WRITE)?;
    let buffers = memory.buffers(buffers, count)?;
    memory.check(result, 4)?;
    let written = memory.drain(&buffers, |slices| write_some(descriptor, slices))?;
    memory.write_u32(result, written as u32)
}

fn write_some(descriptor: &mut Descriptor, slices: &[IoSlice<'_>]) -> Result<usize> {
    may_proceed(descriptor, Direction::Write)?;
    let may_wait = !descriptor.flags.contains(FdFlags::NONBLOCK);
    match &mut descriptor.kind {
        Kind::Output(output) if may_wait || output.handle().is_none() => output.write(slices),
        Kind::Output(output) => output.write(&beginning(slices, WRITTEN_WITHOUT_WAITING)),
        Kind::File(file) => file.write(slices),
        Kind::Connection(socket) => Ok(socket.send(slices)?),
        _ => Err(Errno::Badf),
    }
}

/// How much a pipe takes at least that is ready to be written: `PIPE_BUF`.
const WRITTEN_WITHOUT_WAITING: usize = 4096;

/// The first so many bytes of what the slices hold.
fn beginning<'a>(slices: &'a [IoSlice<'_>], mut bytes: usize) -> Vec<IoSlice<'a>> {
    let mut some = Vec::new();
    for slice in slices {
        let len = slice.len().min(bytes);
        bytes -= len;
        some.push(IoSlice::new(&slice[..len]));
    }
    some
}

/// Whether a read or write may begin: not if it would wait, and the guest has said that it must not.
///
/// Streams may belong to others, too, so the system is not told; what the guest has opened by itself it is told about.
fn may_proceed(descriptor: &Descriptor, direction: Direction) -> Result<()> {
    if !matches!(descriptor.kind, Kind::Input(_) | Kind::Output(_))
        || !descriptor.flags.contains(FdFlags::NONBLOCK)
    {
        return Ok(());
    }
    match descriptor.handle() {
        Some(handle) if !wait::is_ready(handle, direction)? => Err(Errno::Again),
        _ => Ok(()),
    }
}

pub fn pread(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    offset: u64,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    match descriptor.kind {
        Kind::Directory(_) => return Err(Errno::Isdir),
        Kind::Output(_) => return Err(Errno::Badf),
        _ => {}
    }
    let file = descriptor.file(Rights::FD_READ | Rights::FD_SEEK)?;
    let buffers = memory.buffers(buffers, count)?;
    memory.check(result, 4)?;
    let read = memory.fill(&buffers, |slices| file.read_at(slices, offset))?;
    memory.write_u32(result, read as u32)
}

pub fn pwrite(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    offset: u64,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    if let Kind::Input(_) = descriptor.kind {
        return Err(Errno::Badf);
    }
    let file = descriptor.file(Rights::FD_WRITE | Rights::FD_SEEK)?;
    let buffers = memory.buffers(buffers, count)?;
    memory.check(result, 4)?;
    let written = memory.drain(&buffers, |slices| file.write_at(slices, offset))?;
    memory.write_u32(result, written as u32)
}

pub fn seek(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    offset: i64,
    whence: u32,
    result: u32,
    snapshot: Snapshot,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    let to = types::seek_from(whence, offset, snapshot)?;
    let rights = match to {
        SeekFrom::Current(0) => right_to_tell(descriptor.base),
        _ => Rights::FD_SEEK,
    };
    let file = descriptor.file(rights)?;
    memory.check(result, 8)?;
    memory.write_u64(result, file.seek(to)?)
}

/// The right to change a position is one to tell it, too.
fn right_to_tell(rights: Rights) -> Rights {
    if rights.contains(Rights::FD_SEEK) { Rights::FD_SEEK } else { Rights::FD_TELL }
}

pub fn tell(ctx: &mut WasiCtx, memory: &mut GuestMemory<'_>, fd: u32, result: u32) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    let file = descriptor.file(right_to_tell(descriptor.base))?;
    memory.check(result, 8)?;
    memory.write_u64(result, file.seek(SeekFrom::Current(0))?)
}

pub fn close(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, fd: u32) -> Result<()> {
    ctx.table.close(fd)
}

pub fn renumber(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, from: u32, to: u32) -> Result<()> {
    ctx.table.renumber(from, to)
}

pub fn fdstat_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.table.get(fd)?;
    let Descriptor { base, inheriting, flags, .. } = *descriptor;
    memory.write(result, &types::fdstat(descriptor.filestat()?.filetype, flags, base, inheriting))
}

/// Of the flags, two can be changed. What the others promise about the disk, the system can only be asked for when it
/// opens a file.
pub fn fdstat_set_flags(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    let flags: FdFlags = flags::parse(flags)?;
    descriptor.require(Rights::FD_FDSTAT_SET_FLAGS)?;
    let fixed = FdFlags::DSYNC | FdFlags::RSYNC | FdFlags::SYNC;
    if (flags & fixed).difference(descriptor.flags) != FdFlags::empty() {
        return Err(Errno::Notsup);
    }
    match &mut descriptor.kind {
        Kind::File(file) => file.set_flags(flags)?,
        Kind::Connection(socket) => socket.set_nonblocking(flags.contains(FdFlags::NONBLOCK))?,
        Kind::Input(_) | Kind::Output(_) | Kind::Directory(_) | Kind::Listener(_) => {}
    }
    descriptor.flags = flags | descriptor.flags & fixed;
    Ok(())
}

/// Rights can be given up, and never taken.
pub fn fdstat_set_rights(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    base: u64,
    inheriting: u64,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    let (base, inheriting) =
        (Rights::from_bits_truncate(base), Rights::from_bits_truncate(inheriting));
    if !descriptor.base.contains(base) || !descriptor.inheriting.contains(inheriting) {
        return Err(Errno::Notcapable);
    }
    (descriptor.base, descriptor.inheriting) = (base, inheriting);
    Ok(())
}

pub fn filestat_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    result: u32,
    snapshot: Snapshot,
) -> Result<()> {
    let descriptor = ctx.table.get(fd)?;
    descriptor.require(Rights::FD_FILESTAT_GET)?;
    memory.write(result, &descriptor.filestat()?.to_bytes(snapshot))
}

pub fn filestat_set_size(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    size: u64,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    match descriptor.kind {
        Kind::File(_) => descriptor.file(Rights::FD_FILESTAT_SET_SIZE)?.set_size(size),
        _ => Err(Errno::Inval),
    }
}

pub fn filestat_set_times(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    accessed: u64,
    modified: u64,
    which: u32,
) -> Result<()> {
    let descriptor = ctx.table.get(fd)?;
    let which: FstFlags = flags::parse(which)?;
    let (accessed, modified) = types::new_times(accessed, modified, which)?;
    match &descriptor.kind {
        Kind::File(file) => {
            descriptor.require(Rights::FD_FILESTAT_SET_TIMES)?;
            file.set_times(accessed, modified)
        }
        Kind::Directory(directory) => {
            descriptor.require(Rights::FD_FILESTAT_SET_TIMES)?;
            directory.set_times(accessed, modified)
        }
        _ => Err(Errno::Notsup),
    }
}

pub fn advise(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    offset: u64,
    len: u64,
    advice: u32,
) -> Result<()> {
    let descriptor = ctx.table.get_mut(fd)?;
    let advice = Advice::from_u32(advice)?;
    descriptor.file(Rights::FD_ADVISE)?.advise(offset, len, advice)
}

pub fn allocate(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    offset: u64,
    len: u64,
) -> Result<()> {
    ctx.table.get_mut(fd)?.file(Rights::FD_ALLOCATE)?.allocate(offset, len)
}

pub fn sync(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, fd: u32) -> Result<()> {
    synchronize(ctx, fd, Rights::FD_SYNC)
}

pub fn datasync(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, fd: u32) -> Result<()> {
    synchronize(ctx, fd, Rights::FD_DATASYNC)
}

fn synchronize(ctx: &mut WasiCtx, fd: u32, right: Rights) -> Result<()> {
    let descriptor = ctx.table.get(fd)?;
    let only_data = right == Rights::FD_DATASYNC;
    match &descriptor.kind {
        Kind::File(file) => {
            descriptor.require(right)?;
            file.sync(only_data)
        }
        Kind::Directory(directory) => {
            descriptor.require(right)?;
            directory.sync(only_data)
        }
        _ => Err(Errno::Inval),
    }
}

/// The last entry is cut off where the buffer ends, so that a guest sees by a full buffer that there is more.
pub fn readdir(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffer: u32,
    len: u32,
    cookie: u64,
    result: u32,
) -> Result<()> {
    let directory = ctx.table.get_mut(fd)?.directory_mut(Rights::FD_READDIR)?;
    memory.check(buffer, len)?;
    memory.check(result, 4)?;
    if directory.list(cookie)? {
        ctx.table.has_listed(fd);
    }
    let directory = ctx.table.get_mut(fd)?.directory_mut(Rights::FD_READDIR)?;
    let entries = directory.entries(cookie);
    let copied = entries.len().min(len as usize);
    memory.write(buffer, &entries[..copied])?;
    memory.write_u32(result, copied as u32)?;
    if copied < len as usize {
        directory.end_entries();
    }
    Ok(())
}

/// `EBADF` is what ends a guest's search for the directories that were opened for it.
pub fn prestat_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    result: u32,
) -> Result<()> {
    let name = ctx.table.get(fd)?.preopened.as_ref().ok_or(Errno::Badf)?;
    let len = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
    memory.write(result, &types::prestat(len))
}

pub fn prestat_dir_name(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    path: u32,
    len: u32,
) -> Result<()> {
    let descriptor = ctx.table.get(fd)?;
    let name = descriptor.preopened.as_ref().ok_or(match descriptor.kind {
        Kind::Directory(_) => Errno::Badf,
        _ => Errno::Notdir,
    })?;
    if name.len() > len as usize {
        return Err(Errno::Nametoolong);
    }
    memory.write(path, name.as_bytes())
}
