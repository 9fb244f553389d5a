//! Streams that the host has opened, and the standard streams of this process.
//!
//! Consoles want text, in pieces that are text by themselves. Guests write bytes, so what is no UTF-8 is shown as such.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, IsTerminal, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::ahead::{Ahead, Source};
use super::wait::Handle;
use crate::host::again;

/// This process's standard input, for all guests: they share it in any case.
static INPUT: LazyLock<Arc<Ahead>> = LazyLock::new(|| Arc::new(Ahead::new(Source::Standard)));

/// The beginnings of characters that were written to consoles, by standard output and by standard error.
static BEGUN: [Mutex<Vec<u8>>; 2] = [const { Mutex::new(Vec::new()) }; 2];

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
    /// What to wait for.
    pub fn handle(self) -> Handle<'static> {
        match self {
            Standard::Input if is_waited_for(&io::stdin()) => Handle::Ahead(&INPUT),
            _ => Handle::Ready,
        }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        match self {
            Standard::Input => io::stdin().is_terminal(),
            Standard::Output => io::stdout().is_terminal(),
            Standard::Error => io::stderr().is_terminal(),
        }
    }

    /// Reads what is there, and waits if there is nothing. It shares a buffer with `std`, which knows consoles.
    pub fn read(self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        INPUT.read(buffers)
    }

    /// Writes it, behind what this process has written by way of `std`.
    pub fn write(self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let (mut stream, begun): (Box<dyn Write>, _) = match self {
            Standard::Error => (Box::new(io::stderr().lock()), &BEGUN[1]),
            Standard::Input | Standard::Output => (Box::new(io::stdout().lock()), &BEGUN[0]),
        };
        for buffer in buffers {
            if self.is_terminal() {
                let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
                stream.write_all(text(&mut begun, buffer).as_bytes())?;
            } else {
                stream.write_all(buffer)?;
            }
        }
        stream.flush()?;
        Ok(buffers.iter().map(|buffer| buffer.len()).sum())
    }
}

/// What some bytes look like, behind the beginning of a character that was kept; a beginning at their end is kept, too.
fn text(begun: &mut Vec<u8>, bytes: &[u8]) -> String {
    let bytes = [std::mem::take(begun).as_slice(), bytes].concat();
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        let rest = chunk.invalid();
        let may_go_on = std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
        match may_go_on && bytes.ends_with(rest) {
            true => begun.extend(rest),
            false if rest.is_empty() => {}
            false => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    text
}

/// Whether reading may wait: not if it is a file.
fn is_waited_for(input: impl winapi_util::AsHandleRef) -> bool {
    winapi_util::file::typ(input).is_ok_and(|ty| !ty.is_disk())
}

/// A file, a pipe, a console: something that the host has opened.
#[derive(Debug)]
pub struct Stream(Arc<Ahead>);

impl Stream {
    /// Of something that is open.
    pub fn new(file: File) -> Stream {
        Stream(Arc::new(Ahead::new(Source::File(file))))
    }

    fn file(&self) -> Option<&File> {
        match self.0.source() {
            Source::File(file) => Some(file),
            Source::Standard => None,
        }
    }

    /// What to wait for.
    pub fn handle(&self) -> Handle<'_> {
        match self.file() {
            Some(file) if is_waited_for(file) => Handle::Ahead(&self.0),
            _ => Handle::Ready,
        }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.file().is_some_and(|file| file.is_terminal())
    }

    /// Reads what is there, and waits if there is nothing.
    pub fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read(buffers)
    }

    /// Writes some of it.
    pub fn write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(mut file) = self.file() else { return Err(io::ErrorKind::Unsupported.into()) };
        again(|| file.write_vectored(buffers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consoles_get_text() {
        let mut begun = Vec::new();
        for (bytes, shown) in [
            (&b"abc"[..], "abc"),
            (b"\xc3", ""),
            (b"\xbc\xe2\x82", "ü"),
            (b"\xac", "€"),
            (b"a\xffb", "a\u{fffd}b"),
            (b"\xe2\x82", ""),
            (b"x", "\u{fffd}x"),
            (b"\xf0\x9f", ""),
            (b"\x98\x80!", "😀!"),
            (b"", ""),
        ] {
            assert_eq!(text(&mut begun, bytes), shown, "{bytes:x?}");
        }
        assert!(begun.is_empty());
    }
}
