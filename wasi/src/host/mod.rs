//! The operating system: the only rooms that read clocks, the environment and the standard streams, and that know what
//! system this is.
//!
//! A folder per family of systems, both with the same names; what all systems do alike stands here. The rest of the crate
//! never asks where it runs.
//!
//! Always true: a call that a signal interrupts is repeated.

use std::io;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as this;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as this;

/// This process: its arguments, its environment, its threads; and random numbers.
pub mod process;
/// How something is opened.
pub mod opening;
/// What is known about files.
pub mod metadata;
/// What can be waited for, and what became of it.
pub mod readiness;
/// Clocks.
pub use this::clock;
/// Directories, and what is below them.
pub use this::directory;
/// Open files.
pub use this::file;
/// Names and paths.
pub use this::path;
/// Sockets.
pub use this::socket;
/// Streams that the host has opened, and the standard streams of this process.
pub use this::stream;
/// Waiting for files, streams and sockets.
pub use this::wait;

/// Repeats a call of the standard library until no signal interrupts it.
pub fn again(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
