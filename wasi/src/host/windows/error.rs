//! What the system calls its errors.
//!
//! In: an error of the standard library, of `rustix`, or of `cap-std`. Out: the interface's number for it.

use std::io;

use rustix::io::Errno as Network;
use windows_sys::Win32::Foundation as system;

use crate::errno::Errno;

/// Errors of sockets are numbered from here on.
const FIRST_OF_NETWORK: u32 = 10_000;
/// And up to here.
const LAST_OF_NETWORK: u32 = 11_999;

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        match error.raw_os_error().map(|code| code as u32) {
            Some(FIRST_OF_NETWORK..=LAST_OF_NETWORK) => {
                Network::from_io_error(&error).map_or(Errno::Io, Errno::from)
            }
            Some(code) => from_code(code),
            None => from_kind(error.kind()),
        }
    }
}

/// Of an error that has no number.
fn from_kind(kind: io::ErrorKind) -> Errno {
    match kind {
        io::ErrorKind::BrokenPipe => Errno::Pipe,
        io::ErrorKind::InvalidInput => Errno::Inval,
        // What `cap-std` says of a path that leaves its directory.
        io::ErrorKind::PermissionDenied => Errno::Perm,
        io::ErrorKind::StorageFull => Errno::Nospc,
        io::ErrorKind::Unsupported => Errno::Notsup,
        io::ErrorKind::WouldBlock => Errno::Again,
        _ => Errno::Io,
    }
}

/// Of one of the system's numbers. `EPERM` is not among them but for links, as it means that a path leads outside.
fn from_code(code: u32) -> Errno {
    match code {
        system::ERROR_FILE_NOT_FOUND
        | system::ERROR_PATH_NOT_FOUND
        | system::ERROR_BAD_NETPATH
        | system::ERROR_BAD_NET_NAME
        | system::ERROR_INVALID_DRIVE => Errno::Noent,
        system::ERROR_ACCESS_DENIED
        | system::ERROR_CANNOT_MAKE
        | system::ERROR_NETWORK_ACCESS_DENIED
        | system::ERROR_DELETE_PENDING => Errno::Acces,
        system::ERROR_PRIVILEGE_NOT_HELD => Errno::Perm,
        system::ERROR_SHARING_VIOLATION
        | system::ERROR_LOCK_VIOLATION
        | system::ERROR_BUSY
        | system::ERROR_BUSY_DRIVE
        | system::ERROR_CURRENT_DIRECTORY
        | system::ERROR_USER_MAPPED_FILE
        | system::ERROR_PIPE_BUSY => Errno::Busy,
        system::ERROR_FILE_EXISTS | system::ERROR_ALREADY_EXISTS => Errno::Exist,
        system::ERROR_DIRECTORY => Errno::Notdir,
        system::ERROR_DIRECTORY_NOT_SUPPORTED => Errno::Isdir,
        system::ERROR_DIR_NOT_EMPTY => Errno::Notempty,
        // `cap-std` uses the second for links to links without end; the system does not, for links in directories.
        system::ERROR_STOPPED_ON_SYMLINK
        | system::ERROR_TOO_MANY_LINKS
        | system::ERROR_CANT_RESOLVE_FILENAME => Errno::Loop,
        system::ERROR_NOT_A_REPARSE_POINT
        | system::ERROR_INVALID_NAME
        | system::ERROR_BAD_PATHNAME
        | system::ERROR_INVALID_PARAMETER
        | system::ERROR_NEGATIVE_SEEK
        | system::ERROR_INVALID_FLAGS => Errno::Inval,
        system::ERROR_FILENAME_EXCED_RANGE | system::ERROR_BUFFER_OVERFLOW => Errno::Nametoolong,
        system::ERROR_NO_UNICODE_TRANSLATION => Errno::Ilseq,
        system::ERROR_NOT_SAME_DEVICE => Errno::Xdev,
        system::ERROR_WRITE_PROTECT => Errno::Rofs,
        system::ERROR_DISK_FULL | system::ERROR_HANDLE_DISK_FULL => Errno::Nospc,
        system::ERROR_DISK_QUOTA_EXCEEDED => Errno::Dquot,
        system::ERROR_FILE_TOO_LARGE => Errno::Fbig,
        system::ERROR_TOO_MANY_OPEN_FILES | system::ERROR_NO_MORE_SEARCH_HANDLES => Errno::Mfile,
        system::ERROR_NOT_ENOUGH_MEMORY
        | system::ERROR_OUTOFMEMORY
        | system::ERROR_NO_SYSTEM_RESOURCES
        | system::ERROR_COMMITMENT_LIMIT => Errno::Nomem,
        system::ERROR_INVALID_HANDLE | system::ERROR_INVALID_TARGET_HANDLE => Errno::Badf,
        system::ERROR_SEEK_ON_DEVICE => Errno::Spipe,
        system::ERROR_BROKEN_PIPE
        | system::ERROR_NO_DATA
        | system::ERROR_PIPE_NOT_CONNECTED
        | system::ERROR_BAD_PIPE => Errno::Pipe,
        system::ERROR_NOT_SUPPORTED
        | system::ERROR_INVALID_FUNCTION
        | system::ERROR_CALL_NOT_IMPLEMENTED => Errno::Notsup,
        system::ERROR_OPERATION_ABORTED => Errno::Canceled,
        system::ERROR_SEM_TIMEOUT | system::WAIT_TIMEOUT => Errno::Timedout,
        system::ERROR_NOT_READY | system::ERROR_BAD_UNIT | system::ERROR_DEV_NOT_EXIST => {
            Errno::Nodev
        }
        system::ERROR_NOACCESS | system::ERROR_INVALID_ADDRESS => Errno::Fault,
        _ => Errno::Io,
    }
}

impl From<Network> for Errno {
    fn from(error: Network) -> Errno {
        match error {
            Network::ACCESS => Errno::Acces,
            Network::ADDRINUSE => Errno::Addrinuse,
            Network::ADDRNOTAVAIL => Errno::Addrnotavail,
            Network::AFNOSUPPORT => Errno::Afnosupport,
            Network::ALREADY => Errno::Already,
            Network::BADF => Errno::Badf,
            Network::CONNABORTED => Errno::Connaborted,
            Network::CONNREFUSED => Errno::Connrefused,
            Network::CONNRESET => Errno::Connreset,
            Network::DESTADDRREQ => Errno::Destaddrreq,
            Network::DQUOT => Errno::Dquot,
            Network::FAULT => Errno::Fault,
            Network::HOSTDOWN | Network::HOSTUNREACH => Errno::Hostunreach,
            Network::INPROGRESS => Errno::Inprogress,
            Network::INTR => Errno::Intr,
            Network::INVAL => Errno::Inval,
            Network::ISCONN => Errno::Isconn,
            Network::LOOP => Errno::Loop,
            Network::MFILE => Errno::Mfile,
            Network::MSGSIZE => Errno::Msgsize,
            Network::NAMETOOLONG => Errno::Nametoolong,
            Network::NETDOWN => Errno::Netdown,
            Network::NETRESET => Errno::Netreset,
            Network::NETUNREACH => Errno::Netunreach,
            Network::NOBUFS => Errno::Nobufs,
            Network::NOPROTOOPT => Errno::Noprotoopt,
            Network::NOTCONN => Errno::Notconn,
            Network::NOTEMPTY => Errno::Notempty,
            Network::NOTSOCK => Errno::Notsock,
            Network::OPNOTSUPP => Errno::Notsup,
            Network::PROTONOSUPPORT => Errno::Protonosupport,
            Network::PROTOTYPE => Errno::Prototype,
            // Whoever sends has ended that by itself.
            Network::SHUTDOWN => Errno::Pipe,
            Network::STALE => Errno::Stale,
            Network::TIMEDOUT => Errno::Timedout,
            Network::WOULDBLOCK => Errno::Again,
            _ => Errno::Io,
        }
    }
}
