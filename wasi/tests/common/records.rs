//! Numbers and records of the interface, as its specification has them. The tests' own, or a mistake in the crate's would
//! go unnoticed.

/// What a function returns: 0 is success.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub u32);

pub type Result<T> = std::result::Result<T, Errno>;

macro_rules! errnos {
    ($($name:ident $number:literal)*) => {
        $(pub const $name: Errno = Errno($number);)*
        const NAMES: &[(&str, Errno)] = &[$((stringify!($name), $name)),*];
    };
}

errnos! {
    OK 0 ACCES 2 AGAIN 6 BADF 8 BUSY 10 EXIST 20 FAULT 21 FBIG 22 ILSEQ 25 INVAL 28 IO 29 ISDIR 31 LOOP 32 MFILE 33
    NAMETOOLONG 37 NOENT 44 NOSPC 51 NOTCONN 53 NOTDIR 54 NOTEMPTY 55 NOTSOCK 57 NOTSUP 58 PERM 63 PIPE 64 SPIPE 70
    XDEV 75 NOTCAPABLE 76
}

impl Errno {
    /// The error with this name.
    pub fn named(name: &str) -> Errno {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("no error is called {name}")).1
    }

    pub fn result(self) -> Result<()> {
        if self == OK { Ok(()) } else { Err(self) }
    }

    /// The error of a result, or success.
    pub fn of<T>(result: &Result<T>) -> Errno {
        result.as_ref().err().copied().unwrap_or(OK)
    }
}

impl PartialEq<u32> for Errno {
    fn eq(&self, number: &u32) -> bool {
        self.0 == *number
    }
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match NAMES.iter().find(|(_, errno)| errno == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "error {}", self.0),
        }
    }
}

pub mod oflags {
    pub const CREAT: u16 = 1;
    pub const DIRECTORY: u16 = 2;
    pub const EXCL: u16 = 4;
    pub const TRUNC: u16 = 8;
}

pub mod fdflags {
    pub const APPEND: u16 = 1;
    pub const DSYNC: u16 = 2;
    pub const NONBLOCK: u16 = 4;
    pub const RSYNC: u16 = 8;
    pub const SYNC: u16 = 16;
}

pub mod fstflags {
    pub const ATIM: u32 = 1;
    pub const ATIM_NOW: u32 = 2;
    pub const MTIM: u32 = 4;
    pub const MTIM_NOW: u32 = 8;
}

pub mod filetype {
    pub const UNKNOWN: u8 = 0;
    pub const DIRECTORY: u8 = 3;
    pub const REGULAR_FILE: u8 = 4;
    pub const SOCKET_STREAM: u8 = 6;
    pub const SYMBOLIC_LINK: u8 = 7;
}

pub mod rights {
    pub const FD_DATASYNC: u64 = 1 << 0;
    pub const FD_READ: u64 = 1 << 1;
    pub const FD_SEEK: u64 = 1 << 2;
    pub const FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
    pub const FD_SYNC: u64 = 1 << 4;
    pub const FD_TELL: u64 = 1 << 5;
    pub const FD_WRITE: u64 = 1 << 6;
    pub const FD_ADVISE: u64 = 1 << 7;
    pub const FD_ALLOCATE: u64 = 1 << 8;
    pub const PATH_CREATE_DIRECTORY: u64 = 1 << 9;
    pub const PATH_CREATE_FILE: u64 = 1 << 10;
    pub const PATH_LINK_SOURCE: u64 = 1 << 11;
    pub const PATH_LINK_TARGET: u64 = 1 << 12;
    pub const PATH_OPEN: u64 = 1 << 13;
    pub const FD_READDIR: u64 = 1 << 14;
    pub const PATH_READLINK: u64 = 1 << 15;
    pub const PATH_RENAME_SOURCE: u64 = 1 << 16;
    pub const PATH_RENAME_TARGET: u64 = 1 << 17;
    pub const PATH_FILESTAT_GET: u64 = 1 << 18;
    pub const PATH_FILESTAT_SET_SIZE: u64 = 1 << 19;
    pub const PATH_FILESTAT_SET_TIMES: u64 = 1 << 20;
    pub const FD_FILESTAT_GET: u64 = 1 << 21;
    pub const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
    pub const FD_FILESTAT_SET_TIMES: u64 = 1 << 23;
    pub const PATH_SYMLINK: u64 = 1 << 24;
    pub const PATH_REMOVE_DIRECTORY: u64 = 1 << 25;
    pub const PATH_UNLINK_FILE: u64 = 1 << 26;
    pub const POLL_FD_READWRITE: u64 = 1 << 27;
    pub const SOCK_SHUTDOWN: u64 = 1 << 28;
    pub const SOCK_ACCEPT: u64 = 1 << 29;

    /// All that can be done with a directory.
    pub const DIRECTORY: u64 = FD_DATASYNC
        | FD_FDSTAT_SET_FLAGS
        | FD_SYNC
        | PATH_CREATE_DIRECTORY
        | PATH_CREATE_FILE
        | PATH_LINK_SOURCE
        | PATH_LINK_TARGET
        | PATH_OPEN
        | FD_READDIR
        | PATH_READLINK
        | PATH_RENAME_SOURCE
        | PATH_RENAME_TARGET
        | PATH_FILESTAT_GET
        | PATH_FILESTAT_SET_SIZE
        | PATH_FILESTAT_SET_TIMES
        | FD_FILESTAT_GET
        | FD_FILESTAT_SET_TIMES
        | PATH_SYMLINK
        | PATH_REMOVE_DIRECTORY
        | PATH_UNLINK_FILE;
    /// All that can be done with a file that is only read.
    pub const READING: u64 = FD_READ
        | FD_SEEK
        | FD_FDSTAT_SET_FLAGS
        | FD_SYNC
        | FD_TELL
        | FD_ADVISE
        | FD_FILESTAT_GET
        | POLL_FD_READWRITE;
    /// All that can be done with a file.
    pub const FILE: u64 = READING
        | FD_DATASYNC
        | FD_WRITE
        | FD_ALLOCATE
        | FD_FILESTAT_SET_SIZE
        | FD_FILESTAT_SET_TIMES;
}

/// How a path is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Open {
    pub follow: bool,
    pub oflags: u16,
    pub base: u64,
    pub inheriting: u64,
    pub fdflags: u16,
}

impl Open {
    /// With no rights and no flags.
    pub const NOTHING: Open = Open { follow: false, oflags: 0, base: 0, inheriting: 0, fdflags: 0 };
    /// An existing file, to read it.
    pub const READ: Open = Open { base: rights::READING, ..Open::NOTHING };
    /// An existing file, to do anything with it.
    pub const WRITE: Open = Open { base: rights::FILE, ..Open::NOTHING };
    /// A file that need not exist, to do anything with it.
    pub const CREATE: Open = Open { oflags: oflags::CREAT, ..Open::WRITE };
    /// A directory, to do anything with it.
    pub const DIRECTORY: Open = Open {
        oflags: oflags::DIRECTORY,
        base: rights::DIRECTORY,
        inheriting: rights::DIRECTORY | rights::FILE,
        ..Open::NOTHING
    };

    /// Expanding a symbolic link at the end of the path.
    pub const fn follow(self) -> Open {
        Open { follow: true, ..self }
    }

    pub const fn oflags(self, oflags: u16) -> Open {
        Open { oflags, ..self }
    }

    pub const fn fdflags(self, fdflags: u16) -> Open {
        Open { fdflags, ..self }
    }

    pub const fn base(self, base: u64) -> Open {
        Open { base, ..self }
    }

    pub const fn inheriting(self, inheriting: u64) -> Open {
        Open { inheriting, ..self }
    }
}

/// What a position is relative to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whence {
    Start,
    Current,
    End,
}

impl Whence {
    /// Its number, which the two versions of the interface do not agree on.
    pub fn number(self, version: &str) -> u32 {
        match (self, version) {
            (Whence::Current, super::UNSTABLE) => 0,
            (Whence::End, super::UNSTABLE) => 1,
            (Whence::Start, super::UNSTABLE) => 2,
            (Whence::Start, _) => 0,
            (Whence::Current, _) => 1,
            (Whence::End, _) => 2,
        }
    }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// What `fd_fdstat_get` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fdstat {
    pub filetype: u8,
    pub flags: u16,
    pub base: u64,
    pub inheriting: u64,
}

impl Fdstat {
    pub fn from_bytes(bytes: &[u8]) -> Fdstat {
        Fdstat {
            filetype: bytes[0],
            flags: short(bytes, 2),
            base: long(bytes, 8),
            inheriting: long(bytes, 16),
        }
    }
}

/// What `fd_filestat_get` and `path_filestat_get` say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Filestat {
    pub dev: u64,
    pub ino: u64,
    pub filetype: u8,
    pub nlink: u64,
    pub size: u64,
    pub atim: u64,
    pub mtim: u64,
    pub ctim: u64,
}

impl Filestat {
    /// How long the record is in a version of the interface: the older one counts links in 32 bits.
    pub fn bytes(version: &str) -> usize {
        if version == super::UNSTABLE { 56 } else { 64 }
    }

    pub fn from_bytes(bytes: &[u8]) -> Filestat {
        let (nlink, size) = match bytes.len() {
            56 => (word(bytes, 20).into(), 24),
            _ => (long(bytes, 24), 32),
        };
        Filestat {
            dev: long(bytes, 0),
            ino: long(bytes, 8),
            filetype: bytes[16],
            nlink,
            size: long(bytes, size),
            atim: long(bytes, size + 8),
            mtim: long(bytes, size + 16),
            ctim: long(bytes, size + 24),
        }
    }

    /// Whether both are of the same file.
    pub fn same_file(&self, other: &Filestat) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }
}

/// An entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dirent {
    pub next: u64,
    pub ino: u64,
    pub filetype: u8,
    pub name: Vec<u8>,
}

impl Dirent {
    /// How long the record is without the name.
    pub const BYTES: usize = 24;

    /// The entries that a buffer holds whole.
    pub fn list(mut bytes: &[u8]) -> Vec<Dirent> {
        let mut list = Vec::new();
        while bytes.len() >= Dirent::BYTES {
            let end = Dirent::BYTES + word(bytes, 16) as usize;
            if bytes.len() < end {
                break;
            }
            list.push(Dirent {
                next: long(bytes, 0),
                ino: long(bytes, 8),
                filetype: bytes[20],
                name: bytes[Dirent::BYTES..end].to_vec(),
            });
            bytes = &bytes[end..];
        }
        list
    }

    /// The name; what is not UTF-8 in it is replaced.
    pub fn name_text(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

/// Something to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Awaited {
    Clock {
        clock: u32,
        timeout: u64,
        flags: u16,
    },
    Read(u32),
    Write(u32),
    /// What no version of the interface knows.
    Tag(u8),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subscription {
    pub userdata: u64,
    pub what: Awaited,
}

impl Subscription {
    pub fn to_bytes(self, version: &str) -> Vec<u8> {
        let mut record = vec![0; 48];
        record[..8].copy_from_slice(&self.userdata.to_le_bytes());
        match self.what {
            Awaited::Clock { clock, timeout, flags } => {
                record[16..20].copy_from_slice(&clock.to_le_bytes());
                record[24..32].copy_from_slice(&timeout.to_le_bytes());
                record[40..42].copy_from_slice(&flags.to_le_bytes());
            }
            Awaited::Read(fd) => {
                record[8] = 1;
                record[16..20].copy_from_slice(&fd.to_le_bytes());
            }
            Awaited::Write(fd) => {
                record[8] = 2;
                record[16..20].copy_from_slice(&fd.to_le_bytes());
            }
            Awaited::Tag(tag) => record[8] = tag,
        }
        if version == super::UNSTABLE {
            // Clocks have a name of their own there, which nothing reads; it must not be taken for the clock's number.
            let filler = if record[8] == 0 { [0xff; 8] } else { [0; 8] };
            let at = if record[8] == 0 { 16 } else { 48 };
            record.splice(at..at, filler);
        }
        record
    }
}

/// Something that has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    pub userdata: u64,
    pub error: Errno,
    pub tag: u8,
    pub bytes: u64,
    pub hangup: bool,
}

impl Event {
    pub fn from_bytes(bytes: &[u8]) -> Event {
        Event {
            userdata: long(bytes, 0),
            error: Errno(short(bytes, 8).into()),
            tag: bytes[10],
            bytes: long(bytes, 16),
            hangup: bytes[24] & 1 == 1,
        }
    }

    /// What most tests ask: which, and whether it failed.
    pub fn brief(&self) -> (u64, Errno, u8) {
        (self.userdata, self.error, self.tag)
    }
}
