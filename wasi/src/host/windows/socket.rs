//! Sockets of streams: those that wait for connections, and connections.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{self, TcpListener, TcpStream};
use std::os::windows::io::{AsSocket, OwnedSocket};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::wait::Handle;
use crate::errno::{Errno, Result};
use crate::flags::{RiFlags, SdFlags};
use crate::host::again;

/// How long it takes until one looks again whether more has come, where the system does not wait for it.
const MOMENT: Duration = Duration::from_millis(1);

/// A socket. One that waits for connections is one of streams, too.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
}

/// A socket that waits for connections, which a guest may get: of TCP.
#[derive(Debug)]
pub struct Listener(pub(crate) Socket);

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Listener(Socket { stream: OwnedSocket::from(listener).into() })
    }
}

impl Socket {
    /// What to wait for.
    pub fn handle(&self) -> Handle<'_> {
        Handle::Socket(self.stream.as_socket())
    }

    /// Whether its calls fail where they would wait.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.stream.set_nonblocking(nonblocking)
    }

    /// The next connection.
    pub fn accept(&self, nonblocking: bool) -> io::Result<Socket> {
        let stream = TcpStream::from(rustix::net::accept(&self.stream)?);
        // It has inherited what the listener does.
        stream.set_nonblocking(nonblocking)?;
        Ok(Socket { stream })
    }

    /// Receives into the buffers. Returns how many bytes, and whether there were more that are lost.
    pub fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        how: RiFlags,
    ) -> io::Result<(usize, bool)> {
        let all = how.contains(RiFlags::RECV_WAITALL);
        let received = match how.contains(RiFlags::RECV_PEEK) {
            true => self.peek(buffers, all),
            false => self.take(buffers, all),
        };
        Ok((received?, false))
    }

    /// Receives what is there, or all that there is room for.
    fn take(&self, mut buffers: &mut [IoSliceMut<'_>], all: bool) -> io::Result<usize> {
        let mut received = 0;
        loop {
            match again(|| (&self.stream).read_vectored(buffers)) {
                Ok(0) => return Ok(received),
                Ok(more) => {
                    received += more;
                    IoSliceMut::advance_slices(&mut buffers, more);
                    if !all || buffers.is_empty() {
                        return Ok(received);
                    }
                }
                // What was received is not lost.
                Err(_) if received > 0 => return Ok(received),
                Err(error) => return Err(error),
            }
        }
    }

    /// Copies what is there, or waits until there is as much as there is room for.
    fn peek(&self, buffers: &mut [IoSliceMut<'_>], all: bool) -> io::Result<usize> {
        let room = buffers.iter().map(|buffer| buffer.len()).sum();
        let mut bytes = vec![0; room];
        let received = loop {
            // That nothing is received any more by one's own will is the end.
            let received = again(|| self.stream.peek(&mut bytes))?;
            // The system has no way to wait for more while there is something.
            if !all || received == room || received == 0 || self.ends()? {
                break received;
            }
            std::thread::sleep(MOMENT);
        };
        (&bytes[..received]).read_vectored(buffers)
    }

    /// Whether the other end sends nothing more, or the connection is broken.
    fn ends(&self) -> io::Result<bool> {
        let mut polled = [PollFd::new(&self.stream, PollFlags::IN)];
        rustix::event::poll(&mut polled, Some(&Timespec::default()))?;
        Ok(polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL))
    }

    /// Sends some of what the buffers hold.
    pub fn send(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        again(|| (&self.stream).write_vectored(buffers))
    }

    /// Ends one direction or both.
    pub fn shutdown(&self, which: SdFlags) -> Result<()> {
        let both = SdFlags::RD | SdFlags::WR;
        let how = match which {
            SdFlags::RD => net::Shutdown::Read,
            SdFlags::WR => net::Shutdown::Write,
            which if which == both => net::Shutdown::Both,
            _ => return Err(Errno::Inval),
        };
        Ok(self.stream.shutdown(how)?)
    }
}
