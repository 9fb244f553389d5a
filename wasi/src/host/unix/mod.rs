//! Linux and macOS: what both do alike, and a file for each with what only one of them has.

#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(target_vendor = "apple")]
use apple as own;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as own;

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
