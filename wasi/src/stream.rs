//! Where standard streams come from and go to.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::errno::{Errno, Result};
use crate::host::again;
use crate::host::stream::{Standard, Stream};
use crate::host::wait::Handle;
use crate::types::FileType;

/// What a guest reads from.
pub enum Input {
    /// This process's standard input.
    Host,
    /// A file, a pipe, a connection: something that can be waited for.
    Stream(Stream),
    /// Something else.
    Reader(Box<dyn Read + Send>),
}

/// What a guest writes to.
pub enum Output {
    /// A standard stream of this process.
    Host(Standard),
    /// A file, a pipe, a connection: something that can be waited for.
    Stream(Stream),
    /// Something else.
    Writer(Box<dyn Write + Send>),
}

impl Input {
    /// What to wait for before reading. `None` if reading never waits, as far as is known here.
    pub fn handle(&self) -> Option<Handle<'_>> {
        match self {
            Input::Host => Some(Standard::Input.handle()),
            Input::Stream(stream) => Some(stream.handle()),
            Input::Reader(_) => None,
        }
    }

    /// What it looks like from inside.
    pub fn filetype(&self) -> FileType {
        filetype(match self {
            Input::Host => Standard::Input.is_terminal(),
            Input::Stream(stream) => stream.is_terminal(),
            Input::Reader(_) => false,
        })
    }

    /// Reads what is there into buffers that are not empty; 0 at the end.
    pub fn read(&mut self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize> {
        Ok(match self {
            Input::Host => Standard::Input.read(buffers)?,
            Input::Stream(stream) => stream.read(buffers)?,
            Input::Reader(reader) => again(|| reader.read_vectored(buffers))?,
        })
    }
}

impl Output {
    /// What to wait for before writing. `None` if writing never waits, as far as is known here.
    pub fn handle(&self) -> Option<Handle<'_>> {
        match self {
            Output::Host(stream) => Some(stream.handle()),
            Output::Stream(stream) => Some(stream.handle()),
            Output::Writer(_) => None,
        }
    }

    /// What it looks like from inside.
    pub fn filetype(&self) -> FileType {
        filetype(match self {
            Output::Host(stream) => stream.is_terminal(),
            Output::Stream(stream) => stream.is_terminal(),
            Output::Writer(_) => false,
        })
    }

    /// Writes some of what the buffers hold, at least a byte if there is one, and says how much.
    pub fn write(&mut self, buffers: &[IoSlice<'_>]) -> Result<usize> {
        let written = match self {
            Output::Host(stream) => stream.write(buffers)?,
            Output::Stream(stream) => stream.write(buffers)?,
            Output::Writer(writer) => again(|| writer.write_vectored(buffers))?,
        };
        // "Nothing, but no error" makes guests try forever.
        let is_empty = buffers.iter().all(|buffer| buffer.is_empty());
        if written == 0 && !is_empty { Err(Errno::Io) } else { Ok(written) }
    }
}

/// Only terminals are told apart: a guest decides by this how it buffers.
fn filetype(is_terminal: bool) -> FileType {
    if is_terminal { FileType::CharacterDevice } else { FileType::Unknown }
}

/// Keeps what is written to it, up to a capacity. Clones share one content.
#[derive(Clone, Debug)]
pub struct MemoryOutputPipe {
    capacity: usize,
    contents: Arc<Mutex<Vec<u8>>>,
}

impl MemoryOutputPipe {
    /// An empty pipe. Writing to it fails with "no space left" when it holds `capacity` bytes.
    pub fn new(capacity: usize) -> MemoryOutputPipe {
        MemoryOutputPipe { capacity, contents: Arc::default() }
    }

    /// What was written so far.
    pub fn contents(&self) -> Vec<u8> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for MemoryOutputPipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.capacity.saturating_sub(contents.len());
        if room == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = &bytes[..bytes.len().min(room)];
        contents.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
