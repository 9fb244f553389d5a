//! Records and constants of the interface, byte for byte.
//!
//! Numbers are little-endian; every record is aligned to 8 bytes, which guests may rely on and nothing here does.

use crate::errno::{Errno, Result};

/// Which of the two versions of the interface that differ in some records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Snapshot {
    /// `wasi_unstable`.
    Zero,
    /// `wasi_snapshot_preview1`.
    One,
}

/// What a file descriptor refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FileType {
    /// None of those that the interface names: a pipe, for example.
    Unknown = 0,
    /// A terminal.
    CharacterDevice = 2,
}

/// What may be done with a file descriptor.
pub mod rights {
    /// `fd_read`.
    pub const FD_READ: u64 = 1 << 1;
    /// `fd_fdstat_set_flags`.
    pub const FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
    /// `fd_write`.
    pub const FD_WRITE: u64 = 1 << 6;
    /// `fd_filestat_get`.
    pub const FD_FILESTAT_GET: u64 = 1 << 21;
    /// `poll_oneoff`.
    pub const POLL_FD_READWRITE: u64 = 1 << 27;
}

/// How a file descriptor behaves.
pub mod fdflags {
    /// Writes go to the end.
    pub const APPEND: u16 = 1 << 0;
    /// What cannot be done at once is not done.
    pub const NONBLOCK: u16 = 1 << 2;
    /// All that exist.
    pub const ALL: u16 = (1 << 5) - 1;
}

/// The result of `fd_fdstat_get`.
///
/// ```text
///   0 filetype u8 │ 2 flags u16 │ 8 rights u64 │ 16 inherited rights u64 │ 24
/// ```
pub fn fdstat(filetype: FileType, flags: u16, rights: u64) -> [u8; 24] {
    let mut record = [0; 24];
    record[0] = filetype as u8;
    record[2..4].copy_from_slice(&flags.to_le_bytes());
    record[8..16].copy_from_slice(&rights.to_le_bytes());
    record
}

/// The result of `fd_filestat_get` for what is no file.
///
/// ```text
///   Snapshot::One   0 device u64 │ 8 inode u64 │ 16 filetype u8 │ 24 links u64 │ 32 size u64 │ 40 three times u64 │ 64
///   Snapshot::Zero  0 device u64 │ 8 inode u64 │ 16 filetype u8 │ 20 links u32 │ 24 size u64 │ 32 three times u64 │ 56
/// ```
pub fn filestat(filetype: FileType, snapshot: Snapshot) -> Vec<u8> {
    let mut record = vec![
        0;
        match snapshot {
            Snapshot::Zero => 56,
            Snapshot::One => 64,
        }
    ];
    record[16] = filetype as u8;
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
