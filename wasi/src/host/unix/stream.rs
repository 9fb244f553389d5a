//! Streams that the host has opened, and the standard streams of this process. Nothing is buffered.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, IsTerminal, Read, Write};
use std::os::fd::BorrowedFd;

use super::wait::Handle;
use crate::host::again;

/// A standard stream of this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standard {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl Standard {
    fn descriptor(self) -> BorrowedFd<'static> {
        match self {
            Standard::Input => rustix::stdio::stdin(),
            Standard::Output => rustix::stdio::stdout(),
            Standard::Error => rustix::stdio::stderr(),
        }
    }

    /// What to wait for.
    pub fn handle(self) -> Handle<'static> {
        Handle::new(self.descriptor())
    }

    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        self.descriptor().is_terminal()
    }

    /// Reads what is there, and waits if there is nothing.
    pub fn read(self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::readv(self.descriptor(), buffers))?)
    }

    /// Writes some of it, behind what this process has written by way of `std`.
    pub fn write(self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        if self == Standard::Output {
            io::stdout().flush()?;
        }
        Ok(rustix::io::retry_on_intr(|| rustix::io::writev(self.descriptor(), buffers))?)
    }
}

/// A file, a pipe, a connection: something that the host has opened.
#[derive(Debug)]
pub struct Stream(File);

impl Stream {
    /// Of something that is open.
    pub fn new(file: File) -> Stream {
        Stream(file)
    }

    /// What to wait for.
    pub fn handle(&self) -> Handle<'_> {
        Handle::of_file(&self.0)
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }

    /// Reads what is there, and waits if there is nothing.
    pub fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        again(|| (&self.0).read_vectored(buffers))
    }

    /// Writes some of it.
    pub fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        again(|| (&self.0).write_vectored(buffers))
    }
}
