//! `fd_*`. All there is are streams: what only files and directories can do fails the way it does for a pipe.

use std::io::IoSlice;
use std::time::Duration;

use crate::ctx::{Descriptor, Kind, WasiCtx};
use crate::errno::{Errno, Result};
use crate::host;
use crate::memory::GuestMemory;
use crate::stream;
use crate::types::{self, Snapshot, fdflags};

pub fn read(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.descriptor(fd)?;
    let Kind::Input(_) = descriptor.kind else { return Err(Errno::Badf) };
    // Everything is checked before anything is read, or what was read would be lost.
    let buffers = memory.buffers(buffers, count)?;
    memory.slice(result, 4)?;
    // One buffer is enough for a call; waiting for more could take forever.
    let read = match buffers.first() {
        Some(&(start, len)) => {
            may_proceed(descriptor)?;
            let Kind::Input(input) = &mut descriptor.kind else { return Err(Errno::Badf) };
            input.read(memory.slice_mut(start, len)?)?
        }
        None => 0,
    };
    memory.write_u32(result, read as u32)
}

pub fn write(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    buffers: u32,
    count: u32,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.descriptor(fd)?;
    let Kind::Output(_) = descriptor.kind else { return Err(Errno::Badf) };
    let buffers = memory.buffers(buffers, count)?;
    memory.slice(result, 4)?;
    let slices: Vec<_> = buffers
        .iter()
        .map(|&(start, len)| memory.slice(start, len).map(IoSlice::new))
        .collect::<Result<_>>()?;
    let written = if slices.is_empty() {
        0
    } else {
        may_proceed(descriptor)?;
        let Kind::Output(output) = &mut descriptor.kind else { return Err(Errno::Badf) };
        output.write(&slices)?
    };
    memory.write_u32(result, written as u32)
}

/// Whether a read or write may begin: not if it would wait, and the guest has said that it must not.
fn may_proceed(descriptor: &Descriptor) -> Result<()> {
    match descriptor.host() {
        Some(stream) if descriptor.flags & fdflags::NONBLOCK != 0 => {
            let ready =
                host::wait(&[stream], Some(Duration::ZERO))?.iter().any(|stream| stream.ready);
            if ready { Ok(()) } else { Err(Errno::Again) }
        }
        _ => Ok(()),
    }
}

pub fn close(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, fd: u32) -> Result<()> {
    ctx.close(fd)
}

pub fn renumber(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, from: u32, to: u32) -> Result<()> {
    ctx.renumber(from, to)
}

pub fn fdstat_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    result: u32,
) -> Result<()> {
    let descriptor = ctx.descriptor(fd)?;
    let filetype = stream::filetype(descriptor.host());
    memory.write(result, &types::fdstat(filetype, descriptor.flags, descriptor.rights()))
}

/// Streams can be told not to wait; what they are told about synchronisation would be a promise that nobody keeps.
pub fn fdstat_set_flags(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    flags: u32,
) -> Result<()> {
    let descriptor = ctx.descriptor(fd)?;
    let flags =
        u16::try_from(flags).ok().filter(|flags| flags & !fdflags::ALL == 0).ok_or(Errno::Inval)?;
    if flags & !(fdflags::APPEND | fdflags::NONBLOCK) != 0 {
        return Err(Errno::Notsup);
    }
    descriptor.flags = flags;
    Ok(())
}

/// As in other runtimes: rights are shown, not managed.
pub fn fdstat_set_rights(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _base: u64,
    _inherited: u64,
) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Notsup)
}

pub fn filestat_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    result: u32,
    snapshot: Snapshot,
) -> Result<()> {
    let filetype = stream::filetype(ctx.descriptor(fd)?.host());
    memory.write(result, &types::filestat(filetype, snapshot))
}

pub fn filestat_set_size(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _size: u64,
) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Inval)
}

pub fn filestat_set_times(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _accessed: u64,
    _modified: u64,
    _which: u32,
) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Notsup)
}

pub fn seek(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _offset: i64,
    whence: u32,
    _result: u32,
) -> Result<()> {
    ctx.descriptor(fd)?;
    if whence > 2 {
        return Err(Errno::Inval);
    }
    Err(Errno::Spipe)
}

pub fn tell(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, fd: u32, _result: u32) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Spipe)
}

pub fn pread(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _buffers: u32,
    _count: u32,
    _offset: u64,
    _result: u32,
) -> Result<()> {
    match ctx.descriptor(fd)?.kind {
        Kind::Input(_) => Err(Errno::Spipe),
        Kind::Output(_) => Err(Errno::Badf),
    }
}

pub fn pwrite(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _buffers: u32,
    _count: u32,
    _offset: u64,
    _result: u32,
) -> Result<()> {
    match ctx.descriptor(fd)?.kind {
        Kind::Input(_) => Err(Errno::Badf),
        Kind::Output(_) => Err(Errno::Spipe),
    }
}

pub fn advise(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _offset: u64,
    _len: u64,
    advice: u32,
) -> Result<()> {
    ctx.descriptor(fd)?;
    if advice > 5 {
        return Err(Errno::Inval);
    }
    Err(Errno::Spipe)
}

pub fn allocate(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _offset: u64,
    _len: u64,
) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Spipe)
}

pub fn sync(ctx: &mut WasiCtx, _: &mut GuestMemory<'_>, fd: u32) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Inval)
}

pub fn readdir(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _buffer: u32,
    _len: u32,
    _cookie: u64,
    _result: u32,
) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Notdir)
}

/// `EBADF` is what ends a guest's search for the directories that were opened for it.
pub fn prestat_get(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _result: u32,
) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Badf)
}

pub fn prestat_dir_name(
    ctx: &mut WasiCtx,
    _: &mut GuestMemory<'_>,
    fd: u32,
    _path: u32,
    _len: u32,
) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Notdir)
}
