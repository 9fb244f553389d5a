//! The file that this process runs: the one place where the runner depends on the operating system.

use std::fs::File;

use anyhow::{Context, Result};

/// Opens it, to be read.
///
/// # Errors
/// If the system does not say which one it is, or it cannot be read.
pub fn open() -> Result<File> {
    // Linux opens what this name stands for also if the file was moved, replaced or removed since, when it has no other.
    #[cfg(target_os = "linux")]
    let opened = File::open("/proc/self/exe").context("/proc/self/exe");
    // Elsewhere it has the name by which it was started.
    #[cfg(not(target_os = "linux"))]
    let opened = std::env::current_exe()
        .and_then(File::open)
        .context("the file by the name that the system has for this program");
    opened.context("this program cannot read itself")
}
