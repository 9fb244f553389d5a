//! This process: its arguments, its environment, its threads; and random numbers.

use std::ffi::OsString;
use std::io;

/// The arguments of this process, its name first.
pub fn arguments() -> impl Iterator<Item = Vec<u8>> {
    std::env::args_os().map(OsString::into_encoded_bytes)
}

/// The environment of this process.
pub fn environment() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    std::env::vars_os().map(|(name, value)| (name.into_encoded_bytes(), value.into_encoded_bytes()))
}

/// Fills a buffer with random numbers that nobody can guess.
pub fn random(buffer: &mut [u8]) -> io::Result<()> {
    Ok(getrandom::fill(buffer)?)
}

/// How many files this process may have open.
pub fn max_open_files() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Lets other threads run.
pub fn yield_now() {
    std::thread::yield_now();
}
