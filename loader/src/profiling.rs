//! Code that has no file of its own, shown to profilers.
//!
//! In: artifacts that are loaded from memory. Out: a list of their functions where `perf` looks for it, or a file to load
//! them from. What is loaded from a file needs neither: it is a library like any other.
//!
//! Always true: nothing happens unless [`Config::profiler`](crate::Config::profiler) asks for it; what is written stays when
//! the process ends, because profiles are read afterwards.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use wootz_runtime::abi::artifact::checksum;
use wootz_runtime::vm::code::Code;

/// Held while the list is being written: lines of several modules do not mix.
static LIST: Mutex<()> = Mutex::new(());

/// Where this process, by its number, keeps files. A forked process has a directory of its own.
static DIRECTORY: Mutex<Option<(u32, PathBuf)>> = Mutex::new(None);

/// Appends a module's functions to the list of this process: `/tmp/perf-PID.map`, lines of start, size, and name.
///
/// The name of the file is `perf`'s choice; it looks into it for code in anonymous memory only.
pub fn list_functions(code: &Code) -> Result<()> {
    let path = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
    let lines = lines(code);
    let _guard = LIST.lock().unwrap_or_else(PoisonError::into_inner);
    let append = || {
        // Others can put links into this directory.
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(io::Error::other("it is not an ordinary file"));
        }
        File::options().create(true).append(true).open(&path)?.write_all(lines.as_bytes())
    };
    append().with_context(|| format!("cannot list functions for perf in `{}`", path.display()))
}

/// The lines for all functions, and for what lies between them: the trampolines to and from the host.
fn lines(code: &Code) -> String {
    let tables = code.tables();
    let module = code.manifest().name.as_deref().unwrap_or_default();
    let start = code.text().as_ptr() as usize;
    let mut lines = String::new();
    let mut line = |from: u32, to: u32, name: &str| {
        if from < to {
            let name = name.replace(char::is_control, "_");
            let _ = writeln!(lines, "{:x} {:x} {name}", start + from as usize, to - from);
        }
    };
    let trampolines = format!("wasm[{module}]::trampolines");
    let mut end = 0;
    for position in 0..tables.function_count() {
        let Some(function) = tables.function(position) else { continue };
        line(end, function.start, &trampolines);
        end = function.start.saturating_add(function.bytes);
        match tables.function_name(position) {
            Some(name) => line(function.start, end, name),
            None => line(
                function.start,
                end,
                &format!("wasm[{module}]::function[{}]", function.function),
            ),
        }
    }
    line(end, code.text().len() as u32, &trampolines);
    lines
}

/// A file with these contents, the same for the same contents, in a directory of this process:
/// `wootz-PID/NAME-CHECKSUM.so` in the system's directory for temporary files.
pub fn library_file(module: Option<&str>, contents: &[u8]) -> Result<(File, PathBuf)> {
    let mut directory = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    let folder = match directory.as_ref().filter(|(owner, _)| *owner == process) {
        Some((_, folder)) => folder.clone(),
        None => {
            let folder = new_directory(&std::env::temp_dir(), process)?;
            directory.insert((process, folder)).1.clone()
        }
    };
    // Letters and digits of any script, so that the module is recognised, and nothing that means something in paths.
    let harmless = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = module.unwrap_or("module").chars().take(60).map(harmless).collect();
    let sum = checksum(&[contents]);
    for number in 0.. {
        let more = if number == 0 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{name}-{sum:016x}{more}.so"));
        let describe = || format!("cannot keep a module for profilers in `{}`", path.display());
        match File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(contents).and_then(|()| File::open(&path));
                let file = written.inspect_err(|_| _ = fs::remove_file(&path));
                return Ok((file.with_context(describe)?, path));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path).with_context(describe)? == contents {
                    return Ok((File::open(&path).with_context(describe)?, path));
                }
            }
            Err(error) => return Err(error).with_context(describe),
        }
    }
    unreachable!("some number is free")
}

/// Makes a directory that only this user can write to: code will be loaded from it. What is there already is somebody
/// else's, or an earlier process' of the same number.
fn new_directory(parent: &Path, process: u32) -> Result<PathBuf> {
    let mut number = 0;
    loop {
        let more = if number == 0 { String::new() } else { format!(".{number}") };
        let path = parent.join(format!("wootz-{process}{more}"));
        match private_directory().create(&path) {
            Ok(()) => return Ok(path.canonicalize()?),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("cannot make the directory `{}` for profilers", path.display())
                });
            }
        }
    }
}

/// How to make a directory for this user alone.
#[cfg(unix)]
fn private_directory() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;

    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// How to make a directory for this user alone: among the user's own, it is.
#[cfg(windows)]
fn private_directory() -> DirBuilder {
    DirBuilder::new()
}
