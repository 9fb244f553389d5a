//! This process: its arguments, its environment, its threads; and random numbers.

use std::ffi::OsString;
use std::io;

use super::this;
use crate::errno::Result;

/// The arguments of this process, its name first.
pub fn arguments() -> impl Iterator<Item = Result<Vec<u8>>> {
    std::env::args_os().map(text)
}

/// The environment of this process.
pub fn environment() -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>> {
    std::env::vars_os().map(|(name, value)| Ok((text(name)?, text(value)?)))
}

fn text(text: OsString) -> Result<Vec<u8>> {
    this::path::to_guest(&text)
}

/// Fills a buffer with random numbers that nobody can guess.
pub fn random(buffer: &mut [u8]) -> io::Result<()> {
    Ok(getrandom::fill(buffer)?)
}

/// How many files this process may have open.
pub fn max_open_files() -> usize {
    this::process::max_open_files()
}

/// Lets other threads run.
pub fn yield_now() {
    std::thread::yield_now();
}
