//! Error numbers.
//!
//! In: what went wrong, here or in the operating system. Out: what the guest is told.

use std::io;

/// The result of a function that a guest calls.
pub type Result<T, E = Errno> = std::result::Result<T, E>;

/// An error number of the interface. Those that nothing here returns are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Errno {
    /// Permission denied.
    Acces = 2,
    /// It would block.
    Again = 6,
    /// Not an open file descriptor, or not open for this.
    Badf = 8,
    /// An address outside of the memory.
    Fault = 21,
    /// Invalid argument.
    Inval = 28,
    /// The operating system failed.
    Io = 29,
    /// No space left.
    Nospc = 51,
    /// Not a directory.
    Notdir = 54,
    /// Not a socket.
    Notsock = 57,
    /// Not supported.
    Notsup = 58,
    /// Nobody reads the other end.
    Pipe = 64,
    /// The stream has no positions.
    Spipe = 70,
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Errno::Pipe,
            io::ErrorKind::InvalidInput => Errno::Inval,
            io::ErrorKind::PermissionDenied => Errno::Acces,
            io::ErrorKind::StorageFull => Errno::Nospc,
            io::ErrorKind::Unsupported => Errno::Notsup,
            io::ErrorKind::WouldBlock => Errno::Again,
            _ => Errno::Io,
        }
    }
}
