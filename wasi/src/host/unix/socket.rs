//! Sockets of streams: those that wait for connections, and connections.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;

use rustix::io::retry_on_intr;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, Shutdown};

use super::own;
use super::wait::Handle;
use crate::errno::{Errno, Result};
use crate::flags::{RiFlags, SdFlags};

/// A socket.
#[derive(Debug)]
pub struct Socket {
    descriptor: OwnedFd,
}

/// A socket that waits for connections, which a guest may get: of TCP or of the Unix domain.
#[derive(Debug)]
pub struct Listener(pub(crate) Socket);

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Listener(Socket { descriptor: listener.into() })
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Listener {
        Listener(Socket { descriptor: listener.into() })
    }
}

impl Socket {
    /// What to wait for.
    pub fn handle(&self) -> Handle<'_> {
        Handle::new(self.descriptor.as_fd())
    }

    /// Whether its calls fail where they would wait.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        Ok(rustix::io::ioctl_fionbio(&self.descriptor, nonblocking)?)
    }

    /// The next connection.
    pub fn accept(&self, nonblocking: bool) -> io::Result<Socket> {
        let descriptor = own::accept(&self.descriptor, nonblocking)?;
        Ok(Socket { descriptor })
    }

    /// Receives into the buffers. Returns how many bytes, and whether there were more that are lost.
    pub fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        how: RiFlags,
    ) -> io::Result<(usize, bool)> {
        let mut flags = RecvFlags::empty();
        flags.set(RecvFlags::PEEK, how.contains(RiFlags::RECV_PEEK));
        flags.set(RecvFlags::WAITALL, how.contains(RiFlags::RECV_WAITALL));
        let mut space: [MaybeUninit<u8>; 0] = [];
        let received = retry_on_intr(|| {
            let mut control = RecvAncillaryBuffer::new(&mut space);
            rustix::net::recvmsg(&self.descriptor, buffers, &mut control, flags)
        })?;
        Ok((received.bytes, received.flags.contains(ReturnFlags::TRUNC)))
    }

    /// Sends some of what the buffers hold. That nobody receives any more is an error, and no signal.
    pub fn send(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut space: [MaybeUninit<u8>; 0] = [];
        Ok(retry_on_intr(|| {
            let mut control = SendAncillaryBuffer::new(&mut space);
            rustix::net::sendmsg(&self.descriptor, buffers, &mut control, own::SEND)
        })?)
    }

    /// Ends one direction or both.
    pub fn shutdown(&self, which: SdFlags) -> Result<()> {
        let both = SdFlags::RD | SdFlags::WR;
        let how = match which {
            SdFlags::RD => Shutdown::Read,
            SdFlags::WR => Shutdown::Write,
            which if which == both => Shutdown::Both,
            _ => return Err(Errno::Inval),
        };
        Ok(rustix::net::shutdown(&self.descriptor, how)?)
    }
}
