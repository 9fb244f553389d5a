//! The real program, run in a directory of its own.
#![allow(dead_code, reason = "not every test uses everything")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A directory that is gone after the test.
pub struct Directory(TempDir);

/// How a run of the program ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Directory {
    pub fn new() -> Directory {
        Directory(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, contents).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `wootz` in this directory.
    pub fn wootz(&self, arguments: &[&str]) -> Ended {
        self.wootz_with_input(arguments, b"")
    }

    pub fn wootz_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wootz"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Compiles a module in text format to `NAME.so`, and returns the library's bytes.
    pub fn compile(&self, name: &str, text: &str) -> Vec<u8> {
        self.write(&format!("{name}.wat"), text);
        self.wootz(&["compile", &format!("{name}.wat")]).succeeds();
        self.read(&format!("{name}.so"))
    }
}

impl Ended {
    /// Checks that nothing went wrong, and returns what was printed.
    #[track_caller]
    pub fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Checks that the program failed, with messages that contain these words and not the traces of an accident.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "messages are on standard error");
        let starts = self.stderr.starts_with("error: ");
        assert!(starts && !self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in: {}", self.stderr);
        }
    }
}

/// The only place at which some bytes occur.
pub fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    let places: Vec<usize> =
        (0..bytes.len()).filter(|&at| bytes[at..].starts_with(wanted)).collect();
    assert_eq!(places.len(), 1, "{wanted:?} occurs once");
    places[0]
}
