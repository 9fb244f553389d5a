//! `wootz run`: the directories and sockets that a guest gets, and only those.

mod common;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Directory, Ended};

/// Writes the names of its directories, one a line, and what the file `in` of the first holds. Then it makes the file `out`
/// there, and exits with the error number.
const FILES: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    ;; 0: address and size of what is read or written, 8: how much was, 12: a new descriptor, 16: a prestat, 1024: text
    (data (i32.const 32) "inout")
    (func $print (param $bytes i32)
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (local.get $bytes))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func (export "_start") (local $fd i32) (local $bytes i32)
        (local.set $fd (i32.const 3))
        (block $done (loop $next
            (br_if $done (call $prestat (local.get $fd) (i32.const 16)))
            (local.set $bytes (i32.load (i32.const 20)))
            (drop (call $name (local.get $fd) (i32.const 1024) (local.get $bytes)))
            (i32.store8 offset=1024 (local.get $bytes) (i32.const 10))
            (call $print (i32.add (local.get $bytes) (i32.const 1)))
            (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
            (br $next)))
        (if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 2) (i32.const 0)
                (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 12)))
            (then
                (i32.store (i32.const 0) (i32.const 1024))
                (i32.store (i32.const 4) (i32.const 1024))
                (drop (call $read (i32.load (i32.const 12)) (i32.const 0) (i32.const 1) (i32.const 8)))
                (call $print (i32.load (i32.const 8)))))
        (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 34) (i32.const 3) (i32.const 1)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 12)))))"#;

/// `EBADF`: there is no directory.
const BADF: i32 = 8;
/// `EPERM`: the directory is only for reading.
const PERM: i32 = 63;

#[test]
fn directories_have_names_and_permissions() {
    let directory = Directory::new();
    directory.compile("files", FILES);
    for name in ["data", "data:ro", "other"] {
        std::fs::create_dir(directory.path(name)).unwrap();
        directory.write(&format!("{name}/in"), format!("in {name}\n"));
    }
    let absolute = directory.path("data").display().to_string();
    for (options, text, code) in [
        (&[][..], "", BADF),
        (&["--dir", "data"], "data\nin data\n", 0),
        (&["--dir", "data::/"], "/\nin data\n", 0),
        (&["--dir", "./other::a", "--dir", "data::b:ro"], "a\nb\nin other\n", 0),
        (&["--dir", &absolute], &format!("{absolute}\nin data\n"), 0),
        (&["--dir=data:ro"], "data\nin data\n", PERM),
        (&["--dir=data::in:ro"], "in\nin data\n", PERM),
        (&["--dir=data:ro/"], "data:ro/\nin data:ro\n", 0),
        (&["--dir=data:ro::data"], "data\nin data:ro\n", 0),
        // As the adapters of test suites do it.
        (&["--env", "A=1", "--dir", "data::data"], "data\nin data\n", 0),
    ] {
        let ended = directory.wootz(&[options, &["files.so", "argument"]].concat());
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), (text, ""), "{options:?}");
        assert_eq!(ended.code, Some(code), "{options:?}");
        let made = ["data", "data:ro", "other"].map(|name| directory.path(name).join("out"));
        let made = made.into_iter().filter(|out| std::fs::remove_file(out).is_ok()).count();
        assert_eq!(made, usize::from(code == 0), "{options:?}");
    }
}

#[test]
fn directories_that_cannot_be_opened_are_named() {
    let directory = Directory::new();
    directory.write("file", "");
    let run = |option: &str| directory.wootz(&["run", "--dir", option, "missing.wat"]);
    run("missing::/").fails(1, &["cannot open the directory `missing`", "(os error 2)"]);
    run("file").fails(1, &["cannot open the directory `file`"]);
    run("::/").fails(2, &["--dir", "HOST::GUEST"]);
}

/// The system's names are not always UTF-8, and the guest's are.
#[cfg(unix)]
#[test]
fn directories_of_the_host_may_have_any_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let directory = Directory::new();
    directory.compile("files", FILES);
    let name = OsStr::from_bytes(b"d\xff");
    std::fs::create_dir(directory.path("").join(name)).unwrap();
    std::fs::write(directory.path("").join(name).join("in"), "in it\n").unwrap();
    let run = |option: &[u8]| {
        let mut command = directory.command(&["run", "--dir"]);
        Ended::of(command.arg(OsStr::from_bytes(option)).arg("files.so"), b"")
    };
    assert_eq!(run(b"d\xff::data").succeeds(), "data\nin it\n");
    run(b"d\xff").fails(2, &["--dir", "not UTF-8", "HOST::GUEST"]);
    run(b"d::d\xff").fails(2, &["--dir", "GUEST is not UTF-8"]);
}

/// Accepts a connection on its first descriptor, and writes "hello" to it.
const SERVER: &str = r#"(module
    (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\05\00\00\00")
    (data (i32.const 16) "hello")
    (func (export "_start")
        (if (call $accept (i32.const 3) (i32.const 0) (i32.const 8)) (then (call $exit (i32.const 1))))
        (call $exit (call $write (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

#[test]
fn guests_accept_connections() {
    let directory = Directory::new();
    directory.compile("server", SERVER);
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = directory.command(&["run", "--tcplisten", &address, "server.so"]);
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let mut connection = loop {
        match TcpStream::connect(&address) {
            Ok(connection) => break connection,
            Err(error) if began.elapsed() > Duration::from_secs(20) => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    assert!(child.wait().unwrap().success());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let run = |address: &str| directory.wootz(&["run", "--tcplisten", address, "server.so"]);
    run(&taken.to_string()).fails(1, &[&format!("cannot listen at `{taken}`"), "(os error "]);
    run("nowhere").fails(1, &["cannot listen at `nowhere`"]);
}
