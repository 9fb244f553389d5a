//! The standard streams of this process.

use std::io::{self, IoSlice, IoSliceMut, IsTerminal, Write};
use std::os::fd::BorrowedFd;

use super::wait::Handle;

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

    /// Reads what is there, and waits if there is nothing. Nothing is buffered.
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
