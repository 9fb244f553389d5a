//! `wootz run`: guests that want too much are stopped, by limits of the command line and by signals.

mod common;

#[cfg(unix)]
use std::io::{BufRead, BufReader};
#[cfg(unix)]
use std::os::unix::process::ExitStatusExt;
#[cfg(unix)]
use std::process::Child;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::Directory;
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

const ADD: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

/// A program that says "ready" and then does something.
fn program(what: &str) -> String {
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            ;; What is written, a buffer to read into, and a subscription to a clock, for a minute.
            (data (i32.const 0) "\10\00\00\00\06\00\00\00" "\18\00\00\00\08\00\00\00" "ready\0a")
            (data (i32.const 80) "\01\00\00\00\00\00\00\00" "\00\58\47\f8\0d\00\00\00")
            (func $main (export "_start")
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
                {what}))"#
    )
}

const LOOP: &str = "(loop br 0)";
const READ: &str = "(drop (call $read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 32)))";
const SLEEP: &str =
    "(drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 32)))";

#[test]
fn time_is_limited() {
    let directory = Directory::new();
    directory.write("loop.wat", program(LOOP));
    directory.wootz(&["compile", "loop.wat", "-o", "loop.so", "--epoch-interruption"]).succeeds();
    for file in ["loop.wat", "loop.so"] {
        let ended = directory.wootz(&["run", "--timeout", "100ms", file]);
        assert_eq!(ended.code, Some(134));
        let message = format!("error: `{file}` was stopped: the time limit of 100ms was reached\n");
        assert!(ended.stderr.starts_with(&message), "{}", ended.stderr);
        assert!(ended.stderr.contains("!main\n"), "a backtrace says where: {}", ended.stderr);
    }
    // Those that need less do not notice, and nobody waits for the rest of the time.
    let start = Instant::now();
    directory.write("ready.wat", program(""));
    let run = ["run", "--timeout", "2h 30m", "ready.wat"];
    assert_eq!(directory.wootz(&run).succeeds(), "ready\n");
    assert!(start.elapsed() < Duration::from_secs(3600));
    // Another trap is another trap.
    directory.write("trap.wat", program("unreachable"));
    let ended = directory.wootz(&["run", "--timeout", "1h", "trap.wat"]);
    assert!(ended.code == Some(134) && ended.stderr.contains("trapped"), "{}", ended.stderr);
}

/// A guest that waits comes to no place where it could trap.
#[test]
fn time_is_limited_for_guests_that_wait() {
    let directory = Directory::new();
    for (name, what) in [("read", READ), ("sleep", SLEEP)] {
        let file = format!("{name}.wat");
        directory.write(&file, program(what));
        let arguments = ["run", "--timeout", "100ms", &file];
        let mut command = directory.command(&arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Nothing comes, and it does not end.
        let stdin = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let message = format!("error: `{file}` was stopped: the time limit of 100ms was reached\n");
        assert_eq!(output.status.code(), Some(134));
        assert!(stderr.starts_with(&message), "{stderr}");
    }
}

/// Fills standard error, and then does something.
fn fills_stderr(export: &str, what: &str) -> String {
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 0) "\10\00\00\00\00\00\01\00")
            (func $fill (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))))
            (func (export "{export}") (call $fill) {what}))"#
    )
}

/// Neither the clock's message nor the guest's own end may keep the process from ending.
#[test]
fn time_is_limited_if_nobody_reads_standard_error() {
    let directory = Directory::new();
    directory.write("loop.wat", fills_stderr("_start", "(loop (call $fill) (br 0))"));
    directory.write("trap.wat", fills_stderr("_start", "unreachable"));
    directory.write("library.wat", fills_stderr("_initialize", ""));
    directory.write("needy.wat", r#"(module (import "library" "missing" (func)))"#);
    let runs = [
        &["loop.wat"][..],
        &["trap.wat"],
        // What could not be run is told like what trapped.
        &["--preload=library=library.wat", "needy.wat"],
    ];
    let children = runs.map(|arguments| {
        let mut command = directory.command(&[&["run", "--timeout=500ms"], arguments].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let start = Instant::now();
    for (mut child, arguments) in children.into_iter().zip(runs) {
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > Duration::from_secs(20) => {
                    child.kill().unwrap();
                    panic!("{arguments:?} does not end");
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert_eq!(status.code(), Some(134), "{arguments:?}");
    }
}

#[test]
fn time_is_limited_for_preloaded_modules() {
    let directory = Directory::new();
    directory.write("loop.wat", r#"(module (func (export "_initialize") (loop br 0)))"#);
    directory.write("add.wat", ADD);
    let ended = directory.wootz(&["run", "--timeout=50ms", "--preload=l=loop.wat", "add.wat"]);
    ended.fails(134, &["the time limit of 50ms was reached"]);
}

#[test]
fn times_that_cannot_be_read() {
    let directory = Directory::new();
    for time in ["10", "1 parsec", "", "-1s"] {
        let option = format!("--timeout={time}");
        directory.wootz(&["run", &option, "missing.wat"]).fails(2, &["--timeout <DURATION>"]);
    }
}

#[test]
fn fuel_is_limited() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    directory.wootz(&["compile", "add.wat", "-o", "add.so", "--consume-fuel"]).succeeds();
    for file in ["add.wat", "add.so"] {
        let run = |fuel: &str| {
            directory.wootz(&["run", "--fuel", fuel, "--invoke", "add", file, "2", "3"])
        };
        assert_eq!(run("100").succeeds(), "5\n");
        run("1")
            .fails(134, &["was stopped: its fuel was used up", "all fuel consumed by WebAssembly"]);
    }
}

/// Grows its memory by some pages, and returns what `memory.grow` returns.
fn grows(memory: &str) -> String {
    format!(
        r#"(module (memory {memory})
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#
    )
}

#[test]
fn memory_is_limited() {
    let directory = Directory::new();
    for (name, memory) in [("own", "2"), ("empty", "0"), ("shared", "2 100 shared")] {
        let (file, begin) = (format!("{name}.wat"), if name == "empty" { "0" } else { "2" });
        directory.write(&file, grows(memory));
        let run = |limit: &str, pages: &str| {
            directory.wootz(&["run", "--max-memory", limit, "--invoke", "grow", &file, pages])
        };
        assert_eq!(run("256KiB", "2").succeeds(), format!("{begin}\n"), "{name}");
        assert_eq!(run("256KiB", "5").succeeds(), "-1\n", "{name}");
        assert_eq!(run("131072", "0").succeeds(), format!("{begin}\n"), "{name}");
        if name != "empty" {
            let words = ["cannot run", "begins with a memory of 128.0 KiB", "allows 127.0 KiB"];
            run("127KiB", "0").fails(1, &words);
        }
    }
    directory.wootz(&["run", "--max-memory", "lots", "own.wat"]).fails(2, &["64MiB"]);
}

/// Tables count together, and with what they have, not with what they wanted.
#[test]
fn memory_for_tables_is_limited() {
    let directory = Directory::new();
    directory.write(
        "tables.wat",
        r#"(module (table $a 0 externref) (table $b 10 20 funcref)
            (func (export "_initialize") (drop (table.grow $b (ref.null func) (i32.const 80))))
            (func (export "grow") (param i32 i32) (result i32 i32)
                (table.grow $a (ref.null extern) (local.get 0))
                (table.grow $b (ref.null func) (local.get 1))))"#,
    );
    directory.write("table.wat", r#"(module (table (export "table") 25 funcref))"#);
    directory.write("memory.wat", "(module (memory 1))");
    let run = |options: &[&str], a: &str, b: &str| {
        let call = ["--invoke", "grow", "tables.wat", a, b];
        directory.wootz(&[&["run"], options, &call].concat())
    };
    // A hundred elements.
    let limit = "--max-memory=800";
    assert_eq!(run(&[limit], "85", "5").succeeds(), "0\n10\n");
    assert_eq!(run(&[limit], "85", "6").succeeds(), "0\n-1\n");
    assert_eq!(run(&[limit], "91", "0").succeeds(), "-1\n10\n");
    let preload = "--preload=t=table.wat";
    assert_eq!(run(&[limit, preload], "65", "0").succeeds(), "0\n10\n");
    assert_eq!(run(&[limit, preload], "66", "0").succeeds(), "-1\n10\n");
    assert_eq!(run(&[], "9999999", "0").succeeds(), "0\n10\n");
    // What a module begins with.
    let words = ["cannot run `table.wat`", "begins with a table of 25 elements", "(200 and 199 "];
    run(&["--max-memory=199", preload], "0", "0").fails(1, &words);
    let words = ["cannot run `tables.wat`", "begins with a table of 10 elements", "(280 and 279 "];
    run(&["--max-memory=279", preload], "0", "0").fails(1, &words);
    let words = ["cannot run `memory.wat`", "begins with a memory of 64.0 KiB"];
    run(&[limit, "--preload=m=memory.wat"], "0", "0").fails(1, &words);
}

/// An empty memory or table that may not grow is no reason why a module cannot begin.
#[test]
fn a_refusal_is_not_blamed_for_other_errors() {
    let directory = Directory::new();
    let grows = |export: &str| {
        format!(
            r#"(module (memory 0) (table 0 funcref)
                (func $start
                    (drop (memory.grow (i32.const 100)))
                    (drop (table.grow (ref.null func) (i32.const 100000))))
                (start $start)
                (func (export "{export}") (param i32)))"#
        )
    };
    directory.write("program.wat", grows("_start"));
    directory.write("library.wat", grows("_initialize"));
    directory.write("good.wat", grows("function"));
    directory.write("needy.wat", r#"(module (import "good" "missing" (func)))"#);
    for (arguments, words) in [
        (&["program.wat"][..], ["cannot run `program.wat`", "`_start` must take no"]),
        (&["library.wat"], ["cannot run `library.wat`", "`_initialize` must take no"]),
        (
            &["--preload=l=library.wat", "good.wat"],
            ["cannot run `library.wat`", "`_initialize` must take no"],
        ),
        (
            &["--preload=good=good.wat", "needy.wat"],
            ["cannot run `needy.wat`", "`good::missing` has not been defined"],
        ),
    ] {
        let ended = directory.wootz(&[&["run", "--max-memory=64KiB"], arguments].concat());
        assert!(!ended.stderr.contains("--max-memory"), "{}", ended.stderr);
        ended.fails(1, &words);
    }
}

/// Starts a program of [`program`], and waits until it is ready.
#[cfg(unix)]
fn start(directory: &Directory, file: &str, options: &[&str]) -> Child {
    let mut command = directory.command(&[&["run"], options, &[file]].concat());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

#[cfg(unix)]
#[test]
fn signals_end_guests_as_they_end_native_programs() {
    let directory = Directory::new();
    for (name, what) in [("loop", LOOP), ("read", READ), ("sleep", SLEEP)] {
        let file = format!("{name}.wat");
        directory.write(&file, program(what));
        for signal in [Signal::INT, Signal::TERM].into_iter().filter(|signal| !is_ignored(*signal))
        {
            for options in [&[][..], &["--timeout", "1h"]] {
                let mut child = start(&directory, &file, options);
                kill_process(Pid::from_child(&child), signal).unwrap();
                let stdin = child.stdin.take();
                assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()), "{name}");
                drop(stdin);
            }
        }
    }
}

/// Whether whoever runs the tests has them ignore a signal, as shells do for what runs in the background: then programs that
/// they start ignore it too.
#[cfg(unix)]
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    ignored >> (signal.as_raw() - 1) & 1 == 1
}

/// Nothing is left behind, neither here nor in the cache.
#[cfg(unix)]
#[test]
fn a_signal_while_compiling_leaves_nothing() {
    let directory = Directory::new();
    let function = "(func (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))";
    directory.write("large.wat", format!("(module {})", function.repeat(100_000)));
    for arguments in
        [&["run", "--threads", "1", "large.wat"][..], &["compile", "--threads", "1", "large.wat"]]
    {
        let mut child = directory.command(arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{status}");
        assert_eq!(directory.names(), ["large.wat"]);
        assert!(directory.cached().is_empty());
    }
}
