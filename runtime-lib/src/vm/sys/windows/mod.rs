//! Windows: address space, files, libraries, threads, exceptions.
//!
//! What differs from the others: reserved pages have no memory behind them, and no zeros, until they are committed; files
//! cannot be mapped over pages that exist, so images of memories are copied; a library needs a file with a name to be
//! loaded from; and faults are exceptions, whose handlers run on the stack of the thread that faulted.

/// Hardware faults.
mod exceptions;
/// Files, and temporary ones to load libraries from.
mod files;
/// Libraries.
mod library;
/// Address space.
mod pages;
/// Stacks, and threads that sleep until a number changes.
mod threads;

pub use super::no_renewal::{can_renew, forget, renew, written};
pub use super::no_trap_call::TRAP_CALL;
pub use exceptions::install_fault_handler;
pub use files::{TemporaryLibrary, memory_file, path_of, set_modified};
pub use library::{Library, stay_loaded};
pub use pages::{
    MAPS_FILES_OVER, make_anonymous, map_file, map_file_over, page_bytes, protect, release, reserve,
};
pub use threads::{AltStack, sleep_while, stack_bounds, wake_one};

/// Text as the system wants it: UTF-16, more or less, with a zero at the end.
fn wide(text: &std::ffi::OsStr) -> std::io::Result<Vec<u16>> {
    use std::os::windows::ffi::OsStrExt;

    let mut units: Vec<u16> = text.encode_wide().collect();
    if units.contains(&0) {
        let message = "the path has a zero byte";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, message));
    }
    units.push(0);
    Ok(units)
}
