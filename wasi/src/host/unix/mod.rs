//! Linux and its kin.

/// What the system calls its errors.
mod error;
/// Clocks.
pub mod clock;
/// What this process may do.
pub mod process;
/// Names and paths.
pub mod path;
/// Waiting for files, streams and sockets.
pub mod wait;
/// Streams that the host has opened, and the standard streams of this process.
pub mod stream;
/// Open files.
pub mod file;
/// Directories, and what is below them.
pub mod directory;
/// Sockets.
pub mod socket;
