//! Processes of others: native programs, node, wasm2c.
//!
//! In: a command and a file for its standard input. Out: the user time it took, and what it printed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::measure::user_seconds_of;

/// Runs a program to its end, which must be a good one.
pub fn run(command: &mut Command, stdin: Option<&Path>) -> Result<(f64, Vec<u8>)> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(match stdin {
        Some(path) => {
            Stdio::from(std::fs::File::open(path).with_context(|| path.display().to_string())?)
        }
        None => Stdio::null(),
    });
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| name.clone())?;
    let mut output = Vec::new();
    child.stdout.take().context("it is piped")?.read_to_end(&mut output)?;
    // SAFETY: the structure is plain data, and the call fills it. Nobody else waits for the child.
    let (status, usage) = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        let mut status = 0;
        anyhow::ensure!(
            libc::wait4(child.id() as libc::pid_t, &mut status, 0, &mut usage) > 0,
            "{name}: {}",
            std::io::Error::last_os_error()
        );
        (status, usage)
    };
    anyhow::ensure!(
        status == 0,
        "{name} ended with status {status:#x}: {}",
        String::from_utf8_lossy(&output)
    );
    Ok((user_seconds_of(&usage), output))
}

/// Where a program is, if it is in the path.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The parsed text that a program printed.
pub fn number<T: std::str::FromStr>(text: &[u8]) -> Result<T> {
    let text = String::from_utf8_lossy(text);
    text.trim().parse().ok().with_context(|| format!("a number, not {text:?}"))
}
