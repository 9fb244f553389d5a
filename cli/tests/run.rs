//! `wootz run`: programs and single functions, from files of all kinds.

mod common;

use common::{Directory, Ended, PROGRAM};

const FUNCTIONS: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "swap") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0))
    (func (export "null") (result externref) (ref.null extern))
    (func $inner (i32.div_s (i32.const 1) (i32.const 0)) drop)
    (func (export "divide") (call $inner)))"#;

#[test]
fn functions_are_called() {
    let directory = Directory::new();
    directory.compile("f", FUNCTIONS);
    directory.write("f.wasm", wat::parse_str(FUNCTIONS).unwrap());
    for file in ["f.so", "f.wasm", "f.wat", "./f.so"] {
        assert_eq!(
            directory.wootz(&["run", "--invoke", "add", file, "2", "0x10"]).succeeds(),
            "18\n"
        );
    }
    assert_eq!(directory.wootz(&["run", "--invoke=add", "f.so", "-1", "-2"]).succeeds(), "-3\n");
    assert_eq!(
        directory.wootz(&["run", "--invoke", "swap", "f.so", "-5", "2.5"]).succeeds(),
        "2.5\n-5\n"
    );
    assert_eq!(directory.wootz(&["run", "--invoke", "null", "f.so"]).succeeds(), "null\n");
    assert_eq!(
        directory.wootz(&["run", "-O", "none", "--invoke", "add", "f.wat", "2", "3"]).succeeds(),
        "5\n"
    );
}

#[test]
fn modules_come_from_standard_input() {
    let directory = Directory::new();
    let library = directory.compile("f", FUNCTIONS);
    for input in [FUNCTIONS.as_bytes(), &library] {
        let ended = directory.wootz_with_input(&["run", "--invoke", "add", "-", "1", "2"], input);
        assert_eq!(ended.succeeds(), "3\n");
    }
}

#[test]
fn programs_get_arguments_and_environment() {
    let directory = Directory::new();
    directory.compile("p", PROGRAM);
    for file in ["p.so", "p.wat"] {
        let ended = directory
            .wootz(&["run", "--env", "A=1", "--env", "B==", file, "--env", "C=3", "-x", "--", ""]);
        assert_eq!(ended.code, Some(6), "{}", ended.stderr);
        assert_eq!(ended.stdout, format!("A=1\nB==\n{file}\n--env\nC=3\n-x\n--\n\n"));
        assert_eq!(ended.stderr, "");
    }
    let ended = directory.wootz(&["run", "--argv0", "name", "p.so", "--help"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), "name\n--help\n"));
}

#[test]
fn variables_are_inherited_by_name() {
    let directory = Directory::new();
    directory.compile("p", PROGRAM);
    let run = |options: &[&str]| {
        let arguments = [&["run", "--argv0", "p"], options, &["p.so"]].concat();
        let mut command = directory.command(&arguments);
        let ended = Ended::of(command.env("FROM_HERE", "a=b").env_remove("NOT_HERE"), b"");
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
        ended.stdout
    };
    assert_eq!(run(&[]), "p\n", "nothing is inherited that nobody asks for");
    assert_eq!(run(&["--env", "FROM_HERE", "--env=NOT_HERE"]), "FROM_HERE=a=b\np\n");
    assert_eq!(run(&["--env", "FROM_HERE="]), "FROM_HERE=\np\n");
    assert_eq!(run(&["--env", "A=1", "--env", "B=2", "--env", "A=3"]), "A=3\nB=2\np\n");
    assert_eq!(run(&["--env", "NOT_HERE=1", "--env", "NOT_HERE"]), "NOT_HERE=1\np\n");
}

#[test]
fn the_command_run_can_be_left_out() {
    let directory = Directory::new();
    directory.compile("p", PROGRAM);
    for name in ["no-dot", "run", "file.wat"] {
        directory.write(name, PROGRAM);
    }
    for (arguments, expected) in [
        (&["p.so", "run", "--help"][..], "p.so\nrun\n--help\n"),
        (&["no-dot", "x"], "no-dot\nx\n"),
        (&["./run", "x"], "./run\nx\n"),
        (&["run", "./run"], "./run\n"),
        (&["--env", "A=1", "file.wat", "-x"], "A=1\nfile.wat\n-x\n"),
        (&["--argv0=a", "-O", "none", "p.so", "compile"], "a\ncompile\n"),
    ] {
        let ended = directory.wootz(arguments);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), (expected, ""), "{arguments:?}");
    }
    let ended = directory.wootz_with_input(&["-", "x"], PROGRAM.as_bytes());
    assert_eq!(ended.stdout, "-\nx\n");
}

#[test]
fn a_command_that_was_misspelt_is_no_file() {
    let directory = Directory::new();
    directory.wootz(&["runn", "app.so"]).fails(2, &["'runn'", "similar", "'run'"]);
    directory.wootz(&["compil", "app.wasm"]).fails(2, &["'compil'", "'compile'"]);
    directory.wootz(&["app"]).fails(2, &["'app'", "no file 'app'"]);
    directory.wootz(&["app.wasm"]).fails(1, &["cannot read `app.wasm`"]);
    directory.wootz(&["--fule", "1", "app.wasm"]).fails(2, &["'--fule'", "'--fuel'"]);
}

#[test]
fn the_program_tells_what_it_is() {
    let directory = Directory::new();
    let version = format!("wootz {}\n", env!("CARGO_PKG_VERSION"));
    for option in ["--version", "-V"] {
        assert_eq!(directory.wootz(&[option]).succeeds(), version);
    }
    let help = directory.wootz(&["--help"]).succeeds();
    for command in ["compile", "run", "wast", "inspect", "dump", "wootz [OPTIONS] FILE [ARGS]"] {
        assert!(help.contains(command), "{command}: {help}");
    }
    assert!(!help.contains("--fuel"), "options of a command are told about by the command");
    let ended = directory.wootz(&[]);
    assert_eq!((ended.code, ended.stderr), (Some(2), help));
}

#[test]
fn exit_codes_are_passed_on() {
    let directory = Directory::new();
    let exit = |code: &str| {
        format!(
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func (export "_start") (call $exit (i32.const {code}))))"#
        )
    };
    for (code, expected) in
        [("0", 0), ("1", 1), ("42", 42), ("125", 125), ("255", 255), ("256", 0), ("-1", 255)]
    {
        directory.write("exit.wat", exit(code));
        let ended = directory.wootz(&["run", "exit.wat"]);
        assert_eq!((ended.code, ended.stdout + &ended.stderr), (Some(expected), String::new()));
    }
}

#[test]
fn traps_are_shown_with_a_backtrace() {
    let directory = Directory::new();
    directory.compile("f", FUNCTIONS);
    let ended = directory.wootz(&["run", "--invoke", "divide", "f.so"]);
    ended.fails(
        134,
        &[
            "`f.so` trapped",
            "wasm backtrace",
            "inner",
            "divide",
            "wasm trap: integer divide by zero",
        ],
    );
    directory.write("overflow.wat", r#"(module (func $f (export "_start") (call $f)))"#);
    directory.wootz(&["run", "overflow.wat"]).fails(134, &["call stack exhausted"]);
    directory.write("start.wat", "(module (func $f unreachable) (start $f))");
    directory.wootz(&["run", "start.wat"]).fails(134, &["unreachable"]);
}

#[test]
fn traps_are_shown_with_source_lines() {
    let directory = Directory::new();
    directory.write("inlined.wasm", include_bytes!("../../tests/lines/inlined.wasm"));
    let ended = directory.wootz(&["run", "inlined.wasm"]);
    assert_eq!(ended.code, Some(134));
    assert_eq!(
        ended.stderr,
        "\
error: `inlined.wasm` trapped
  caused by: error while executing at wasm backtrace:
        0:     0x51 - inner
                        at /src/inlined.c:10:14
                    - middle
                        at /src/inlined.c:15:12
                    - outer
                        at /src/inlined.c:19:12
        1:     0x64 - _start
                        at /src/inlined.c:30:5
  caused by: wasm trap: integer divide by zero
"
    );
    let ended = directory.wootz(&["run", "--no-backtrace-details", "inlined.wasm"]);
    ended
        .fails(134, &["inlined.wasm!outer", "note: the source lines of this module were left out"]);
    let ended = directory.wootz(&["compile", "--no-backtrace-details", "inlined.wasm"]);
    ended.succeeds();
    assert!(!directory.wootz(&["run", "inlined.so"]).stderr.contains("inlined.c:"));
}

#[test]
fn libraries_are_initialized_before_they_are_called() {
    let directory = Directory::new();
    directory.compile(
        "reactor",
        r#"(module (global $ready (mut i32) (i32.const 0))
            (func (export "_initialize") (global.set $ready (i32.const 1)))
            (func (export "is_ready") (result i32) (global.get $ready)))"#,
    );
    assert_eq!(directory.wootz(&["run", "--invoke", "is_ready", "reactor.so"]).succeeds(), "1\n");
    let ended = directory.wootz(&["run", "reactor.so"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    let note = "note: the module has no `_start`; `wootz run --invoke NAME` calls `is_ready`\n";
    assert_eq!(ended.stderr, note);
    for name in ["_start", "_initialize"] {
        directory.write("odd.wat", format!(r#"(module (func (export "{name}") (param i32)))"#));
        let words = ["cannot run `odd.wat`", &format!("`{name}` must take no arguments")];
        directory.wootz(&["run", "odd.wat"]).fails(1, &words);
    }
}

#[test]
fn the_smallest_module_runs() {
    let directory = Directory::new();
    directory.compile("empty", "(module)");
    assert_eq!(directory.wootz(&["run", "empty.so"]).succeeds(), "");
    assert_eq!(directory.wootz(&["run", "empty.wat"]).succeeds(), "");
}
