//! Where standard streams come from and go to.

use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::errno::{Errno, Result};
use crate::host::Standard;
use crate::types::FileType;

/// What a guest reads from.
pub enum Input {
    /// This process's standard input.
    Host,
    /// Something else.
    Reader(Box<dyn Read + Send>),
}

/// What a guest writes to.
pub enum Output {
    /// A standard stream of this process.
    Host(Standard),
    /// Something else.
    Writer(Box<dyn Write + Send>),
}

impl Input {
    /// The stream to wait for before reading. `None` if reading never waits, as far as is known here.
    pub fn host(&self) -> Option<Standard> {
        match self {
            Input::Host => Some(Standard::Input),
            Input::Reader(_) => None,
        }
    }

    /// Reads what is there into a buffer that is not empty; 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Input::Host => Ok(Standard::Input.read(buffer)?),
            Input::Reader(reader) => loop {
                match reader.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // A reader that lies about how much it read must not make a guest see what it never read.
                    result => return Ok(result?.min(buffer.len())),
                }
            },
        }
    }
}

impl Output {
    /// The stream to wait for before writing. `None` if writing never waits, as far as is known here.
    pub fn host(&self) -> Option<Standard> {
        match self {
            Output::Host(stream) => Some(*stream),
            Output::Writer(_) => None,
        }
    }

    /// Writes some of what the buffers hold, at least a byte if there is one, and says how much.
    pub fn write(&mut self, buffers: &[IoSlice<'_>]) -> Result<usize> {
        let len: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        let written = match self {
            Output::Host(stream) => stream.write(buffers)?,
            Output::Writer(writer) => loop {
                match writer.write_vectored(buffers) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result?.min(len),
                }
            },
        };
        // "Nothing, but no error" makes guests try forever.
        if written == 0 && len > 0 { Err(Errno::Io) } else { Ok(written) }
    }
}

/// What a standard stream of this process looks like from inside; what the others do, for `None`.
pub fn filetype(host: Option<Standard>) -> FileType {
    match host {
        Some(stream) if stream.is_terminal() => FileType::CharacterDevice,
        _ => FileType::Unknown,
    }
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
