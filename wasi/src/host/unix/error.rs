//! What the system calls its errors.
//!
//! In: an error of the standard library, of `rustix`, or of `cap-std`. Out: the interface's number for it.

use std::io;

use rustix::io::Errno as System;

use crate::errno::Errno;

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        if let Some(system) = System::from_io_error(&error) {
            return system.into();
        }
        match error.kind() {
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
}

impl From<System> for Errno {
    fn from(error: System) -> Errno {
        match error {
            System::TOOBIG => Errno::TooBig,
            System::ACCESS => Errno::Acces,
            System::ADDRINUSE => Errno::Addrinuse,
            System::ADDRNOTAVAIL => Errno::Addrnotavail,
            System::AFNOSUPPORT => Errno::Afnosupport,
            System::AGAIN => Errno::Again,
            System::ALREADY => Errno::Already,
            System::BADF => Errno::Badf,
            System::BADMSG => Errno::Badmsg,
            System::BUSY => Errno::Busy,
            System::CANCELED => Errno::Canceled,
            System::CHILD => Errno::Child,
            System::CONNABORTED => Errno::Connaborted,
            System::CONNREFUSED => Errno::Connrefused,
            System::CONNRESET => Errno::Connreset,
            System::DEADLK => Errno::Deadlk,
            System::DESTADDRREQ => Errno::Destaddrreq,
            System::DOM => Errno::Dom,
            System::DQUOT => Errno::Dquot,
            System::EXIST => Errno::Exist,
            System::FAULT => Errno::Fault,
            System::FBIG => Errno::Fbig,
            System::HOSTUNREACH => Errno::Hostunreach,
            System::IDRM => Errno::Idrm,
            System::ILSEQ => Errno::Ilseq,
            System::INPROGRESS => Errno::Inprogress,
            System::INTR => Errno::Intr,
            System::INVAL => Errno::Inval,
            System::ISCONN => Errno::Isconn,
            System::ISDIR => Errno::Isdir,
            System::LOOP => Errno::Loop,
            System::MFILE => Errno::Mfile,
            System::MLINK => Errno::Mlink,
            System::MSGSIZE => Errno::Msgsize,
            System::MULTIHOP => Errno::Multihop,
            System::NAMETOOLONG => Errno::Nametoolong,
            System::NETDOWN => Errno::Netdown,
            System::NETRESET => Errno::Netreset,
            System::NETUNREACH => Errno::Netunreach,
            System::NFILE => Errno::Nfile,
            System::NOBUFS => Errno::Nobufs,
            System::NODEV => Errno::Nodev,
            System::NOENT => Errno::Noent,
            System::NOEXEC => Errno::Noexec,
            System::NOLCK => Errno::Nolck,
            System::NOLINK => Errno::Nolink,
            System::NOMEM => Errno::Nomem,
            System::NOMSG => Errno::Nomsg,
            System::NOPROTOOPT => Errno::Noprotoopt,
            System::NOSPC => Errno::Nospc,
            System::NOSYS => Errno::Nosys,
            System::NOTCONN => Errno::Notconn,
            System::NOTDIR => Errno::Notdir,
            System::NOTEMPTY => Errno::Notempty,
            System::NOTRECOVERABLE => Errno::Notrecoverable,
            System::NOTSOCK => Errno::Notsock,
            System::NOTSUP => Errno::Notsup,
            System::NOTTY => Errno::Notty,
            System::NXIO => Errno::Nxio,
            System::OVERFLOW => Errno::Overflow,
            System::OWNERDEAD => Errno::Ownerdead,
            System::PERM => Errno::Perm,
            System::PIPE => Errno::Pipe,
            System::PROTO => Errno::Proto,
            System::PROTONOSUPPORT => Errno::Protonosupport,
            System::PROTOTYPE => Errno::Prototype,
            System::RANGE => Errno::Range,
            System::ROFS => Errno::Rofs,
            System::SPIPE => Errno::Spipe,
            System::SRCH => Errno::Srch,
            System::STALE => Errno::Stale,
            System::TIMEDOUT => Errno::Timedout,
            System::TXTBSY => Errno::Txtbsy,
            System::XDEV => Errno::Xdev,
            _ => Errno::Io,
        }
    }
}
