//! The real program, run in a directory of its own.
#![allow(dead_code, reason = "not every test uses everything")]

use std::env::consts::DLL_SUFFIX;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Writes its arguments and environment, each ended by a line feed, and exits with their number.
pub const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    ;; 0: count, 4: bytes, 8: address and size for fd_write, 16: written, 1024: pointers, 4096: strings
    (func $print
        (local $at i32) (local $end i32)
        (local.set $at (i32.const 4096))
        (local.set $end (i32.add (i32.const 4096) (i32.load (i32.const 4))))
        (block $done (loop $next
            (br_if $done (i32.eq (local.get $at) (local.get $end)))
            (if (i32.eqz (i32.load8_u (local.get $at))) (then (i32.store8 (local.get $at) (i32.const 10))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $next)))
        (i32.store (i32.const 8) (i32.const 4096))
        (i32.store (i32.const 12) (i32.load (i32.const 4)))
        (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16))))
    (func (export "_start")
        (drop (call $environ_sizes (i32.const 0) (i32.const 4)))
        (drop (call $environ (i32.const 1024) (i32.const 4096)))
        (call $print)
        (drop (call $args_sizes (i32.const 0) (i32.const 4)))
        (drop (call $args (i32.const 1024) (i32.const 4096)))
        (call $print)
        (call $exit (i32.load (i32.const 0)))))"#;

/// A directory that is gone after the test, and with it the home of the user who runs the program there.
pub struct Directory {
    work: TempDir,
    home: TempDir,
}

/// How a run of the program ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Directory {
    pub fn new() -> Directory {
        Directory { work: tempfile::tempdir().unwrap(), home: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
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
        names(self.work.path())
    }

    /// The user's cache.
    pub fn cache(&self) -> PathBuf {
        self.home.path().join("caches/wootz")
    }

    /// The compiled modules in the user's cache.
    pub fn cached(&self) -> Vec<PathBuf> {
        let names = if self.cache().exists() { names(&self.cache()) } else { Vec::new() };
        let modules = names.iter().filter(|name| name.ends_with(DLL_SUFFIX));
        modules.map(|name| self.cache().join(name)).collect()
    }

    /// Writes the user's configuration.
    pub fn configure(&self, text: &str) {
        let folder = self.home.path().join("configurations/wootz");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }

    /// The program `wootz`, to be run in this directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wootz"));
        command
            .args(arguments)
            .current_dir(self.work.path())
            .env("XDG_CACHE_HOME", self.home.path().join("caches"))
            .env("XDG_CONFIG_HOME", self.home.path().join("configurations"))
            // So they are called on Windows.
            .env("LOCALAPPDATA", self.home.path().join("caches"))
            .env("APPDATA", self.home.path().join("configurations"));
        command
    }

    /// Runs `wootz` in this directory.
    pub fn wootz(&self, arguments: &[&str]) -> Ended {
        self.wootz_with_input(arguments, b"")
    }

    pub fn wootz_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        Ended::of(&mut self.command(arguments), input)
    }

    /// Another program, to be run in this directory.
    pub fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path(name));
        command.args(arguments).current_dir(self.work.path());
        command
    }

    /// Runs another program in this directory.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.program(name, arguments), b"")
    }

    /// Compiles a module in text format to `NAME.so`, and returns the library's bytes.
    pub fn compile(&self, name: &str, text: &str) -> Vec<u8> {
        let (wat, library) = (format!("{name}.wat"), format!("{name}.so"));
        self.write(&wat, text);
        self.wootz(&["compile", &wat, "-o", &library]).succeeds();
        self.read(&library)
    }
}

/// Starts a program. One that was just written may still be open for writing in a child that another thread of the test has
/// forked, until that has become another program.
fn spawn(command: &mut Command) -> Child {
    let start = Instant::now();
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == ErrorKind::ExecutableFileBusy
                    && start.elapsed() < Duration::from_secs(10) =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            child => return child.unwrap(),
        }
    }
}

impl Ended {
    /// Runs a program that gets some input.
    pub fn of(command: &mut Command, input: &[u8]) -> Ended {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command);
        // A program that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks that nothing went wrong, and returns what was printed.
    #[track_caller]
    pub fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Checks that the program ended with this code, and said nothing of it; returns what it printed.
    #[track_caller]
    pub fn exits(self, code: i32) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(code), ""), "{}", self.stdout);
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

/// What is in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The only place at which some bytes occur.
pub fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    let places: Vec<usize> =
        (0..bytes.len()).filter(|&at| bytes[at..].starts_with(wanted)).collect();
    assert_eq!(places.len(), 1, "{wanted:?} occurs once");
    places[0]
}
