//! The standard streams of a process, as a guest sees them: waiting for them, not waiting for them, and nobody at the
//! other end. Streams in memory are tested where WASI is.

use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// A guest that runs, and the folder that its file is in.
struct Guest {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Deref for Guest {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.child
    }
}

impl DerefMut for Guest {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// Starts a guest whose `$main` returns the exit status.
fn start(main: &str) -> Guest {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("guest.wat");
    let guest = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $set_flags (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            ;; At 0 two subscriptions: a minute of the monotonic clock, and standard input. At 96 a buffer of 8 bytes.
            (data (i32.const 0) "\01\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00")
            (data (i32.const 24) "\00\58\47\f8\0d\00\00\00")
            (data (i32.const 48) "\02\00\00\00\00\00\00\00" "\01\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\00")
            (data (i32.const 96) "\00\02\00\00\08\00\00\00")
            (func $main (result i32) {main})
            (func (export "_start") (call $exit (call $main))))"#
    );
    std::fs::write(&file, guest).unwrap();
    let mut command = Command::new(WOOTZ);
    command.args(["run", "--no-cache"]).arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped());
    Guest { child: command.spawn().unwrap(), _folder: folder }
}

fn status(mut guest: Guest) -> i32 {
    guest.wait().unwrap().code().expect("it was not killed")
}

/// Waits for standard input, at most a minute, and returns what the first event was subscribed as.
const WAIT: &str =
    "(drop (call $poll (i32.const 0) (i32.const 1024) (i32.const 2) (i32.const 2048)))
                    (i32.load (i32.const 1024))";

/// Reads from standard input, and returns the error number, or 100 and the number of bytes.
const READ: &str = "(local $errno i32)
                    (local.set $errno (call $fd_read (i32.const 0) (i32.const 96) (i32.const 1) (i32.const 2048)))
                    (if (result i32) (local.get $errno)
                      (then (local.get $errno))
                      (else (i32.add (i32.const 100) (i32.load (i32.const 2048)))))";

#[test]
fn waiting_ends_when_there_is_input() {
    let began = Instant::now();
    let mut child = start(WAIT);
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none(), "it does not wait");
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    assert_eq!(status(child), 2);
    assert!(began.elapsed() < Duration::from_secs(50));
}

#[test]
fn waiting_ends_when_there_will_be_no_input() {
    let mut child = start(WAIT);
    drop(child.stdin.take());
    assert_eq!(status(child), 2);
}

#[test]
fn waiting_ends_when_the_time_is_over() {
    // The clock's timeout is a twentieth of a second now.
    let mut child = start(&format!("(i64.store (i32.const 24) (i64.const 50000000)) {WAIT}"));
    let stdin = child.stdin.take();
    assert_eq!(status(child), 1);
    drop(stdin);
}

#[test]
fn reading_takes_what_is_there() {
    let mut child = start(READ);
    child.stdin.as_mut().unwrap().write_all(b"abc").unwrap();
    assert_eq!(status(child), 103);
    let mut child = start(READ);
    drop(child.stdin.take());
    assert_eq!(status(child), 100);
}

#[test]
fn who_must_not_wait_does_not() {
    let (locals, rest) = READ.split_at("(local $errno i32)".len());
    let read = format!("{locals} (drop (call $set_flags (i32.const 0) (i32.const 4))) {rest}");
    let mut child = start(&read);
    let stdin = child.stdin.take();
    assert_eq!(status(child), 6, "EAGAIN");
    drop(stdin);
}

#[test]
fn nobody_reads_what_is_written() {
    let mut child = start(
        "(drop (call $poll (i32.const 0) (i32.const 1024) (i32.const 2) (i32.const 2048)))
         (call $fd_write (i32.const 1) (i32.const 96) (i32.const 1) (i32.const 2048))",
    );
    drop(child.stdout.take());
    drop(child.stdin.take());
    assert_eq!(status(child), 64, "EPIPE");
}
