//! What the tests share: where things are, what to do when a tool is missing, and how texts differ.

/// Comparing what modules do with what they do elsewhere.
pub mod differential;
/// Programs of other machines.
pub mod emulation;
/// The files of the specification's test suite.
pub mod suite;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the repository.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the crate lies in a folder of the repository").to_path_buf()
}

/// The example programs in binary format, by name.
pub fn examples() -> Vec<PathBuf> {
    files(&root().join("examples/c"), "wasm")
}

/// The folder with the real programs, which `make -C tests/programs` builds: `$WOOTZ_PROGRAMS`, or `target/programs`.
pub fn programs() -> PathBuf {
    std::env::var_os("WOOTZ_PROGRAMS").map_or_else(|| root().join("target/programs"), PathBuf::from)
}

/// The files of a folder that have an extension, by name. None if there is no such folder.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a folder that can be opened can be read").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// A path without folders and extension.
pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether something that a test needs is missing, so that the test is to be skipped. Says so loudly.
///
/// # Panics
/// If this is continuous integration (`CI=true`), where nothing is skipped.
pub fn skipped(test: &str, missing: &str) {
    assert!(!is_ci(), "{test}: {missing}, and CI skips nothing");
    // Not by `eprintln`, which the harness keeps to itself when a test passes.
    let message = format!("\n*** SKIPPED {test}: {missing} ***\n\n");
    std::io::stderr().write_all(message.as_bytes()).expect("somebody reads standard error");
}

/// Whether this is continuous integration.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Whether a program can be run.
pub fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs a program that must succeed, and returns what it wrote.
///
/// # Panics
/// If it fails.
pub fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    format!("{stdout}{stderr}")
}

/// How two texts differ, line by line, with some lines around; empty if they do not.
pub fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    if same == old.len() && same == new.len() {
        return String::new();
    }
    let old_rest = old.len() - same;
    let new_rest = new.len() - same;
    let after = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(old_rest.min(new_rest))
        .take_while(|(a, b)| a == b)
        .count();
    let mut text = format!("they differ from line {} on:\n", same + 1);
    for line in &old[same.saturating_sub(3)..same] {
        text += &format!("    {line}\n");
    }
    for line in &old[same..old.len() - after] {
        text += &format!("  - {line}\n");
    }
    for line in &new[same..new.len() - after] {
        text += &format!("  + {line}\n");
    }
    for line in old[old.len() - after..].iter().take(3) {
        text += &format!("    {line}\n");
    }
    text
}
