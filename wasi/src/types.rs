//! Records and constants of the interface, byte for byte.
//!
//! Numbers are little-endian; every record is aligned to 8 bytes, which guests may rely on and nothing here does.

use std::io::SeekFrom;

use bitflags::{Flags, bitflags};

use crate::errno::{Errno, Result};

/// Which of the two versions of the interface that differ in some records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Snapshot {
    /// `wasi_unstable`.
    Zero,
    /// `wasi_snapshot_preview1`.
    One,
}

/// What a file descriptor or a name refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FileType {
    /// None of those that the interface names: a pipe, for example.
    Unknown = 0,
    /// A disk, for example.
    BlockDevice = 1,
    /// A terminal, for example.
    CharacterDevice = 2,
    /// A directory.
    Directory = 3,
    /// A file.
    RegularFile = 4,
    /// A socket of streams, connected or listening.
    SocketStream = 6,
    /// A symbolic link.
    SymbolicLink = 7,
}

bitflags! {
    /// What may be done with a file descriptor.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Rights: u64 {
        /// `fd_datasync`; `path_open` with [`FdFlags::DSYNC`].
        const FD_DATASYNC = 1 << 0;
        /// `fd_read`, `sock_recv`, and with [`Rights::FD_SEEK`] `fd_pread`.
        const FD_READ = 1 << 1;
        /// `fd_seek`.
        const FD_SEEK = 1 << 2;
        /// `fd_fdstat_set_flags`.
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        /// `fd_sync`; `path_open` with [`FdFlags::SYNC`] and [`FdFlags::RSYNC`].
        const FD_SYNC = 1 << 4;
        /// `fd_tell`, and `fd_seek` that only asks.
        const FD_TELL = 1 << 5;
        /// `fd_write`, `sock_send`, and with [`Rights::FD_SEEK`] `fd_pwrite`.
        const FD_WRITE = 1 << 6;
        /// `fd_advise`.
        const FD_ADVISE = 1 << 7;
        /// `fd_allocate`.
        const FD_ALLOCATE = 1 << 8;
        /// `path_create_directory`.
        const PATH_CREATE_DIRECTORY = 1 << 9;
        /// `path_open` with [`OFlags::CREAT`].
        const PATH_CREATE_FILE = 1 << 10;
        /// `path_link` from here.
        const PATH_LINK_SOURCE = 1 << 11;
        /// `path_link` to here.
        const PATH_LINK_TARGET = 1 << 12;
        /// `path_open`.
        const PATH_OPEN = 1 << 13;
        /// `fd_readdir`.
        const FD_READDIR = 1 << 14;
        /// `path_readlink`.
        const PATH_READLINK = 1 << 15;
        /// `path_rename` from here.
        const PATH_RENAME_SOURCE = 1 << 16;
        /// `path_rename` to here.
        const PATH_RENAME_TARGET = 1 << 17;
        /// `path_filestat_get`.
        const PATH_FILESTAT_GET = 1 << 18;
        /// `path_open` with [`OFlags::TRUNC`].
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        /// `path_filestat_set_times`.
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        /// `fd_filestat_get`.
        const FD_FILESTAT_GET = 1 << 21;
        /// `fd_filestat_set_size`.
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        /// `fd_filestat_set_times`.
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        /// `path_symlink`.
        const PATH_SYMLINK = 1 << 24;
        /// `path_remove_directory`.
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        /// `path_unlink_file`.
        const PATH_UNLINK_FILE = 1 << 26;
        /// `poll_oneoff`, with the right to read or write.
        const POLL_FD_READWRITE = 1 << 27;
        /// `sock_shutdown`.
        const SOCK_SHUTDOWN = 1 << 28;
        /// `sock_accept`.
        const SOCK_ACCEPT = 1 << 29;
    }
}

impl Rights {
    /// All that mean something for a directory.
    pub const DIRECTORY: Rights = Rights::FD_FDSTAT_SET_FLAGS
        .union(Rights::FD_SYNC)
        .union(Rights::FD_DATASYNC)
        .union(Rights::FD_READDIR)
        .union(Rights::FD_FILESTAT_GET)
        .union(Rights::FD_FILESTAT_SET_TIMES)
        .union(Rights::PATH_CREATE_DIRECTORY)
        .union(Rights::PATH_CREATE_FILE)
        .union(Rights::PATH_LINK_SOURCE)
        .union(Rights::PATH_LINK_TARGET)
        .union(Rights::PATH_OPEN)
        .union(Rights::PATH_READLINK)
        .union(Rights::PATH_RENAME_SOURCE)
        .union(Rights::PATH_RENAME_TARGET)
        .union(Rights::PATH_FILESTAT_GET)
        .union(Rights::PATH_FILESTAT_SET_SIZE)
        .union(Rights::PATH_FILESTAT_SET_TIMES)
        .union(Rights::PATH_SYMLINK)
        .union(Rights::PATH_REMOVE_DIRECTORY)
        .union(Rights::PATH_UNLINK_FILE);

    /// All that mean something for a file that is open for reading only.
    pub const READABLE_FILE: Rights = Rights::FD_READ
        .union(Rights::FD_SEEK)
        .union(Rights::FD_FDSTAT_SET_FLAGS)
        .union(Rights::FD_SYNC)
        .union(Rights::FD_DATASYNC)
        .union(Rights::FD_TELL)
        .union(Rights::FD_ADVISE)
        .union(Rights::FD_FILESTAT_GET)
        .union(Rights::FD_FILESTAT_SET_TIMES)
        .union(Rights::POLL_FD_READWRITE);

    /// All that mean something for a file that is open for writing, too.
    pub const FILE: Rights = Rights::READABLE_FILE
        .union(Rights::FD_WRITE)
        .union(Rights::FD_ALLOCATE)
        .union(Rights::FD_FILESTAT_SET_SIZE);

    /// All that mean something for a standard stream or a connection.
    const STREAM: Rights =
        Rights::FD_FDSTAT_SET_FLAGS.union(Rights::FD_FILESTAT_GET).union(Rights::POLL_FD_READWRITE);

    /// Those of a stream that is read.
    pub const INPUT: Rights = Rights::STREAM.union(Rights::FD_READ);

    /// Those of a stream that is written.
    pub const OUTPUT: Rights = Rights::STREAM.union(Rights::FD_WRITE);

    /// Those of a connection.
    pub const CONNECTION: Rights = Rights::INPUT.union(Rights::OUTPUT).union(Rights::SOCK_SHUTDOWN);

    /// Those of a socket that waits for connections. `poll_oneoff` takes a connection for something to read.
    pub const LISTENER: Rights = Rights::STREAM.union(Rights::FD_READ).union(Rights::SOCK_ACCEPT);
}

bitflags! {
    /// How a file descriptor behaves.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct FdFlags: u16 {
        /// Writes go to the end.
        const APPEND = 1 << 0;
        /// What is written is on the disk when the call returns.
        const DSYNC = 1 << 1;
        /// What cannot be done at once is not done.
        const NONBLOCK = 1 << 2;
        /// What is read is on the disk.
        const RSYNC = 1 << 3;
        /// What is written, and what is known about the file, is on the disk when the call returns.
        const SYNC = 1 << 4;
    }
}

bitflags! {
    /// What `path_open` does besides opening.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OFlags: u16 {
        /// Makes the file if it is not there.
        const CREAT = 1 << 0;
        /// Fails if it is no directory.
        const DIRECTORY = 1 << 1;
        /// Fails if it is there.
        const EXCL = 1 << 2;
        /// Makes it empty.
        const TRUNC = 1 << 3;
    }
}

bitflags! {
    /// Which times are set, and to what.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct FstFlags: u16 {
        /// The time of access, to what is given.
        const ATIM = 1 << 0;
        /// The time of access, to now.
        const ATIM_NOW = 1 << 1;
        /// The time of modification, to what is given.
        const MTIM = 1 << 2;
        /// The time of modification, to now.
        const MTIM_NOW = 1 << 3;
    }
}

bitflags! {
    /// How a path is looked up.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct LookupFlags: u32 {
        /// If its last component is a symbolic link, where it leads to is meant.
        const SYMLINK_FOLLOW = 1 << 0;
    }
}

bitflags! {
    /// How `sock_recv` receives.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct RiFlags: u16 {
        /// What is received can be received again.
        const RECV_PEEK = 1 << 0;
        /// Waits until the buffers are full.
        const RECV_WAITALL = 1 << 1;
    }
}

bitflags! {
    /// Which directions `sock_shutdown` ends.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct SdFlags: u8 {
        /// Receiving.
        const RD = 1 << 0;
        /// Sending.
        const WR = 1 << 1;
    }
}

/// The flags that a guest has passed as a number. Those that do not exist are an error.
pub fn flags<F: Flags>(number: u32) -> Result<F>
where
    F::Bits: TryFrom<u32>,
{
    F::Bits::try_from(number).ok().and_then(F::from_bits).ok_or(Errno::Inval)
}

/// The result of `fd_fdstat_get`.
///
/// ```text
///   0 filetype u8 │ 2 flags u16 │ 8 rights u64 │ 16 inherited rights u64 │ 24
/// ```
pub fn fdstat(filetype: FileType, flags: FdFlags, base: Rights, inheriting: Rights) -> [u8; 24] {
    let mut record = [0; 24];
    record[0] = filetype as u8;
    record[2..4].copy_from_slice(&flags.bits().to_le_bytes());
    record[8..16].copy_from_slice(&base.bits().to_le_bytes());
    record[16..].copy_from_slice(&inheriting.bits().to_le_bytes());
    record
}

/// What is known about a file. Times are in nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Filestat {
    /// Where the file is.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// What it is.
    pub filetype: FileType,
    /// How many names it has.
    pub links: u64,
    /// In bytes.
    pub size: u64,
    /// When it was read.
    pub accessed: u64,
    /// When its contents were changed.
    pub modified: u64,
    /// When what is known about it was changed.
    pub changed: u64,
}

impl Filestat {
    /// Of what is no file.
    pub fn of_no_file(filetype: FileType) -> Filestat {
        Filestat {
            device: 0,
            inode: 0,
            filetype,
            links: 0,
            size: 0,
            accessed: 0,
            modified: 0,
            changed: 0,
        }
    }

    /// The record.
    ///
    /// ```text
    ///   Snapshot::One   0 device u64 │ 8 inode u64 │ 16 filetype u8 │ 24 links u64 │ 32 size u64 │ 40 three times u64 │ 64
    ///   Snapshot::Zero  0 device u64 │ 8 inode u64 │ 16 filetype u8 │ 20 links u32 │ 24 size u64 │ 32 three times u64 │ 56
    /// ```
    pub fn to_bytes(self, snapshot: Snapshot) -> Vec<u8> {
        let mut record = Vec::with_capacity(64);
        record.extend(self.device.to_le_bytes());
        record.extend(self.inode.to_le_bytes());
        record.push(self.filetype as u8);
        match snapshot {
            Snapshot::Zero => {
                record.resize(20, 0);
                record.extend(u32::try_from(self.links).unwrap_or(u32::MAX).to_le_bytes());
            }
            Snapshot::One => {
                record.resize(24, 0);
                record.extend(self.links.to_le_bytes());
            }
        }
        for number in [self.size, self.accessed, self.modified, self.changed] {
            record.extend(number.to_le_bytes());
        }
        record
    }
}

/// What a time is set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewTime {
    /// Now.
    Now,
    /// So many nanoseconds after the beginning of 1970.
    At(u64),
}

/// What the times of access and of modification are set to, if anything.
pub fn new_times(
    accessed: u64,
    modified: u64,
    which: FstFlags,
) -> Result<(Option<NewTime>, Option<NewTime>)> {
    let new = |given, now, time| match (which.contains(given), which.contains(now)) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(Some(NewTime::At(time))),
        (false, true) => Ok(Some(NewTime::Now)),
        (false, false) => Ok(None),
    };
    Ok((
        new(FstFlags::ATIM, FstFlags::ATIM_NOW, accessed)?,
        new(FstFlags::MTIM, FstFlags::MTIM_NOW, modified)?,
    ))
}

/// How much space is read or written from, as `fd_advise` tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// Nothing special.
    Normal,
    /// From the beginning to the end.
    Sequential,
    /// In no order.
    Random,
    /// Soon.
    WillNeed,
    /// Not soon.
    DontNeed,
    /// Once.
    NoReuse,
}

impl Advice {
    /// The advice with this number.
    pub fn from_u32(number: u32) -> Result<Advice> {
        Ok(match number {
            0 => Advice::Normal,
            1 => Advice::Sequential,
            2 => Advice::Random,
            3 => Advice::WillNeed,
            4 => Advice::DontNeed,
            5 => Advice::NoReuse,
            _ => return Err(Errno::Inval),
        })
    }
}

/// Where a position is counted from.
///
/// The two versions of the interface number these differently.
pub fn seek_from(whence: u32, offset: i64, snapshot: Snapshot) -> Result<SeekFrom> {
    let (start, current, end) = match snapshot {
        Snapshot::Zero => (2, 0, 1),
        Snapshot::One => (0, 1, 2),
    };
    if whence == start {
        Ok(SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?))
    } else if whence == current {
        Ok(SeekFrom::Current(offset))
    } else if whence == end {
        Ok(SeekFrom::End(offset))
    } else {
        Err(Errno::Inval)
    }
}

/// An entry of a directory, as `fd_readdir` writes it before the name.
///
/// ```text
///   0 next u64 │ 8 inode u64 │ 16 length of the name u32 │ 20 filetype u8 │ 24
/// ```
pub fn dirent(next: u64, inode: u64, name_len: u32, filetype: FileType) -> [u8; 24] {
    let mut record = [0; 24];
    record[..8].copy_from_slice(&next.to_le_bytes());
    record[8..16].copy_from_slice(&inode.to_le_bytes());
    record[16..20].copy_from_slice(&name_len.to_le_bytes());
    record[20] = filetype as u8;
    record
}

/// The result of `fd_prestat_get` for a directory.
///
/// ```text
///   0 tag u8 │ 4 length of the name u32 │ 8
/// ```
pub fn prestat(name_len: u32) -> [u8; 8] {
    let mut record = [0; 8];
    record[4..].copy_from_slice(&name_len.to_le_bytes());
    record
}

/// A clock that guests can read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// The time of day, since 1970.
    Realtime,
    /// Never goes back. Begins when the context is built.
    Monotonic,
    /// How long the process has been computing.
    ProcessCpuTime,
    /// How long the thread has been computing.
    ThreadCpuTime,
}

impl Clock {
    /// The clock with this number.
    pub fn from_u32(number: u32) -> Result<Clock> {
        match number {
            0 => Ok(Clock::Realtime),
            1 => Ok(Clock::Monotonic),
            2 => Ok(Clock::ProcessCpuTime),
            3 => Ok(Clock::ThreadCpuTime),
            _ => Err(Errno::Inval),
        }
    }
}

/// A thing that `poll_oneoff` waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// What the guest recognises the event by.
    pub userdata: u64,
    /// What it is.
    pub what: Awaited,
}

/// What it is that a [`Subscription`] waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Awaited {
    /// A time.
    Clock {
        /// On which clock.
        clock: Clock,
        /// In nanoseconds.
        timeout: u64,
        /// Whether that is a time of the clock; otherwise it is a distance from now.
        absolute: bool,
    },
    /// Data to read from a file descriptor.
    Read(u32),
    /// Room for data to write to a file descriptor.
    Write(u32),
}

impl Awaited {
    /// The number of its kind, in subscriptions and events.
    pub fn tag(self) -> u8 {
        match self {
            Awaited::Clock { .. } => 0,
            Awaited::Read(_) => 1,
            Awaited::Write(_) => 2,
        }
    }
}

impl Subscription {
    /// The size of the record.
    pub fn size(snapshot: Snapshot) -> u32 {
        match snapshot {
            Snapshot::Zero => 56,
            Snapshot::One => 48,
        }
    }

    /// A subscription from its record.
    ///
    /// ```text
    ///   0 userdata u64 │ 8 tag u8 │ 16 fd u32 │ 48
    ///   0 userdata u64 │ 8 tag u8 │ 16 clock u32 │ 24 timeout u64 │ 32 precision u64 │ 40 flags u16 │ 48
    /// ```
    /// In [`Snapshot::Zero`] another word, of no use, stands before the clock's number.
    pub fn from_bytes(record: &[u8], snapshot: Snapshot) -> Result<Subscription> {
        let at = |offset: usize| {
            record[offset..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        let what = match record[8] {
            0 => {
                let clock = match snapshot {
                    Snapshot::Zero => 24,
                    Snapshot::One => 16,
                };
                let flags = at(clock + 24) as u16;
                if flags > 1 {
                    return Err(Errno::Inval);
                }
                Awaited::Clock {
                    clock: Clock::from_u32(at(clock) as u32)?,
                    timeout: at(clock + 8),
                    absolute: flags == 1,
                }
            }
            1 => Awaited::Read(at(16) as u32),
            2 => Awaited::Write(at(16) as u32),
            _ => return Err(Errno::Inval),
        };
        Ok(Subscription { userdata: at(0), what })
    }
}

/// Something that `poll_oneoff` waited for and that has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// What was waited for.
    pub subscription: Subscription,
    /// Why it will not happen, if so.
    pub error: Option<Errno>,
    /// How many bytes can be read or written, at least.
    pub bytes: u64,
    /// The other end is gone.
    pub hangup: bool,
}

impl Event {
    /// The size of the record.
    pub const SIZE: u32 = 32;

    /// The record.
    ///
    /// ```text
    ///   0 userdata u64 │ 8 error u16 │ 10 tag u8 │ 16 bytes u64 │ 24 flags u16 │ 32
    /// ```
    pub fn to_bytes(self) -> [u8; Event::SIZE as usize] {
        let mut record = [0; Event::SIZE as usize];
        record[..8].copy_from_slice(&self.subscription.userdata.to_le_bytes());
        record[8..10].copy_from_slice(&self.error.map_or(0, |error| error as u16).to_le_bytes());
        record[10] = self.subscription.what.tag();
        record[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        record[24] = u8::from(self.hangup);
        record
    }
}
