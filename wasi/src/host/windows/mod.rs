//! Windows.
//!
//! Guests see the names and errors of Unix: paths have slashes, links and directories behave as POSIX wants it, and what
//! Windows forbids in names is an error before the system hears of it.

/// What the system calls its errors.
mod error;
/// Clocks.
pub mod clock;
/// What this process may do.
pub mod process;
/// Names and paths.
pub mod path;
/// Reading before somebody wants to read, to know whether there is something.
mod ahead;
/// Waiting for files, streams and sockets.
pub mod wait;
/// Streams that the host has opened, and the standard streams of this process.
pub mod stream;
/// Open files.
pub mod file;
/// Where a guest's path leads, as POSIX has it.
mod place;
/// Directories, and what is below them.
pub mod directory;
/// Sockets.
pub mod socket;
