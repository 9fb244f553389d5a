//! Sets of bits of the interface: rights, and flags of all kinds.

use bitflags::{Flags, bitflags};

use crate::errno::{Errno, Result};

bitflags! {
    /// What may be done with a file descriptor.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Rights: u64 {
        /// `fd_datasync`; `path_open` with [`FdFlags::DSYNC`].
        const FD_DATASYNC = 1 << 0;
        /// `fd_read`, `sock_recv`, and with [`Rights::FD_SEEK`] `fd_pread`.
        const FD_READ = 1 << 1;
        /// `fd_seek`, and `fd_tell`.
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
pub fn parse<F: Flags>(number: u32) -> Result<F>
where
    F::Bits: TryFrom<u32>,
{
    F::Bits::try_from(number).ok().and_then(F::from_bits).ok_or(Errno::Inval)
}
