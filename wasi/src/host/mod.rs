//! The operating system: the only rooms that read clocks, the environment and the standard streams, and that know what
//! system this is.
//!
//! Always true: a call that a signal interrupts is repeated.

use std::io;

/// What the system calls its errors.
mod error;
/// Clocks.
pub mod clock;
/// This process: its arguments, its environment, its threads; and random numbers.
pub mod process;
/// Waiting for files and streams.
pub mod wait;
/// The standard streams of this process.
pub mod standard;
/// What files and directories can do beyond the standard library.
pub mod file;
/// Sockets.
pub mod socket;

/// Repeats a call of the standard library until no signal interrupts it.
pub fn again(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
