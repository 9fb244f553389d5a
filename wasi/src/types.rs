//! Records and constants of the interface, byte for byte.
//!
//! Numbers are little-endian; every record is aligned to 8 bytes, which guests may rely on and nothing here does.

use std::io::SeekFrom;

use crate::errno::{Errno, Result};
use crate::flags::{FdFlags, FstFlags, Rights};

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
