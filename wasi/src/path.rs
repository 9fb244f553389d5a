//! `path_*`. Paths are relative to an open directory, and never lead out of it.

use crate::ctx::WasiCtx;
use crate::descriptor::{Descriptor, Kind};
use crate::directory::{Opened, Opening};
use crate::errno::{Errno, Result};
use crate::flags::{self, FdFlags, FstFlags, LookupFlags, OFlags, Rights};
use crate::host;
use crate::memory::GuestMemory;
use crate::types::{self, Snapshot};

/// The parameters of a path: where it is in memory.
pub type Path = (u32, u32);

/// How something is opened, in the guest's numbers.
pub struct How {
    /// Of [`LookupFlags`].
    pub lookup: u32,
    /// Of [`OFlags`].
    pub oflags: u32,
    /// Of [`Rights`]: to what is opened, at least.
    pub base: u64,
    /// Of [`Rights`]: to what will be opened by way of it, at least.
    pub inheriting: u64,
    /// Of [`FdFlags`].
    pub fdflags: u32,
}

pub fn open(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    (path, len): Path,
    how: How,
    result: u32,
) -> Result<()> {
    let parent = ctx.table.get(fd)?;
    let follow = follows(how.lookup)?;
    let oflags: OFlags = flags::parse(how.oflags)?;
    let flags: FdFlags = flags::parse(how.fdflags)?;
    // What means nothing for files and directories may be asked for, too.
    let meaningful = Rights::DIRECTORY | Rights::FILE;
    let base = Rights::from_bits_truncate(how.base) & meaningful;
    let inheriting = Rights::from_bits_truncate(how.inheriting) & meaningful;

    let mut needed = Rights::PATH_OPEN;
    needed.set(Rights::PATH_CREATE_FILE, oflags.contains(OFlags::CREAT));
    needed.set(Rights::PATH_FILESTAT_SET_SIZE, oflags.contains(OFlags::TRUNC));
    let directory = parent.directory(needed)?;
    let mut inherited = base | inheriting;
    if flags.contains(FdFlags::DSYNC) {
        inherited |= Rights::FD_DATASYNC;
    }
    if flags.intersects(FdFlags::SYNC | FdFlags::RSYNC) {
        inherited |= Rights::FD_SYNC;
    }
    if !parent.inheriting.contains(inherited) {
        return Err(Errno::Notcapable);
    }

    let path = memory.path(path, len)?;
    memory.check(result, 4)?;
    ctx.table.vacancy()?;
    let write = base.contains(Rights::FD_WRITE);
    let opened = directory.open(Opening {
        path: host::path::from_guest(&path)?,
        follow,
        oflags,
        flags,
        read: base.contains(Rights::FD_READ),
        write,
    })?;
    let inheriting = parent.inheriting;
    // Rights that mean nothing for what was opened are not there.
    let (kind, meaningful, inheriting) = match opened {
        Opened::Directory(directory) => (Kind::Directory(directory), Rights::DIRECTORY, inheriting),
        Opened::File(file) if write => (Kind::File(file), Rights::FILE, Rights::empty()),
        Opened::File(file) => (Kind::File(file), Rights::READABLE_FILE, Rights::empty()),
    };
    // What it may read and write is what it has asked for. The rest it has as well, if the directory has it to give: the
    // libraries of Zig and Go use more than they ask for.
    let direction = Rights::FD_READ | Rights::FD_WRITE;
    let given = base.intersection(direction).union(parent.inheriting.difference(direction));
    let base = given.intersection(meaningful);
    let opened = ctx.table.insert(Descriptor { kind, base, inheriting, flags, preopened: None })?;
    memory.write_u32(result, opened)
}

pub fn create_directory(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    (path, len): Path,
) -> Result<()> {
    let directory = ctx.table.get(fd)?.directory(Rights::PATH_CREATE_DIRECTORY)?;
    directory.create(host::path::from_guest(&memory.path(path, len)?)?)
}

pub fn remove_directory(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    (path, len): Path,
) -> Result<()> {
    let directory = ctx.table.get(fd)?.directory(Rights::PATH_REMOVE_DIRECTORY)?;
    directory.remove(host::path::from_guest(&memory.path(path, len)?)?)
}

pub fn unlink_file(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    (path, len): Path,
) -> Result<()> {
    let directory = ctx.table.get(fd)?.directory(Rights::PATH_UNLINK_FILE)?;
    directory.unlink(host::path::from_guest(&memory.path(path, len)?)?)
}

pub fn filestat_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    lookup: u32,
    (path, len): Path,
    result: u32,
    snapshot: Snapshot,
) -> Result<()> {
    let directory = ctx.table.get(fd)?.directory(Rights::PATH_FILESTAT_GET)?;
    let follow = follows(lookup)?;
    let path = memory.path(path, len)?;
    let filestat = directory.path_filestat(host::path::from_guest(&path)?, follow)?;
    memory.write(result, &filestat.to_bytes(snapshot))
}

pub fn filestat_set_times(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    lookup: u32,
    (path, len): Path,
    (accessed, modified): (u64, u64),
    which: u32,
) -> Result<()> {
    let directory = ctx.table.get(fd)?.directory(Rights::PATH_FILESTAT_SET_TIMES)?;
    let follow = follows(lookup)?;
    let which: FstFlags = flags::parse(which)?;
    let (accessed, modified) = types::new_times(accessed, modified, which)?;
    let path = memory.path(path, len)?;
    directory.set_path_times(host::path::from_guest(&path)?, follow, accessed, modified)
}

/// Links are not followed, as a guest could not tell to what else it gives a name.
pub fn link(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    lookup: u32,
    (path, len): Path,
    new_fd: u32,
    (new, new_len): Path,
) -> Result<()> {
    let from = ctx.table.get(fd)?.directory(Rights::PATH_LINK_SOURCE)?;
    let to = ctx.table.get(new_fd)?.directory(Rights::PATH_LINK_TARGET)?;
    if follows(lookup)? {
        return Err(Errno::Inval);
    }
    let (path, new) = (memory.path(path, len)?, memory.path(new, new_len)?);
    from.link(host::path::from_guest(&path)?, to, host::path::from_guest(&new)?)
}

pub fn rename(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    (path, len): Path,
    new_fd: u32,
    (new, new_len): Path,
) -> Result<()> {
    let from = ctx.table.get(fd)?.directory(Rights::PATH_RENAME_SOURCE)?;
    let to = ctx.table.get(new_fd)?.directory(Rights::PATH_RENAME_TARGET)?;
    let (path, new) = (memory.path(path, len)?, memory.path(new, new_len)?);
    from.rename(host::path::from_guest(&path)?, to, host::path::from_guest(&new)?)
}

pub fn symlink(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    (contents, contents_len): Path,
    fd: u32,
    (path, len): Path,
) -> Result<()> {
    let directory = ctx.table.get(fd)?.directory(Rights::PATH_SYMLINK)?;
    let contents = memory.path(contents, contents_len)?;
    let path = memory.path(path, len)?;
    directory.symlink(host::path::from_guest(&contents)?, host::path::from_guest(&path)?)
}

/// What does not fit the buffer is cut off, as in the system's call.
pub fn readlink(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    fd: u32,
    (path, len): Path,
    buffer: u32,
    buffer_len: u32,
    result: u32,
) -> Result<()> {
    let directory = ctx.table.get(fd)?.directory(Rights::PATH_READLINK)?;
    let path = memory.path(path, len)?;
    memory.check(buffer, buffer_len)?;
    memory.check(result, 4)?;
    let mut contents = directory.read_link(host::path::from_guest(&path)?)?;
    contents.truncate(buffer_len as usize);
    memory.write(buffer, &contents)?;
    memory.write_u32(result, contents.len() as u32)
}

fn follows(lookup: u32) -> Result<bool> {
    Ok(flags::parse::<LookupFlags>(lookup)?.contains(LookupFlags::SYMLINK_FOLLOW))
}
