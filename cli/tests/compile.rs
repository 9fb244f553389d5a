//! `wootz compile` and `wootz dump`.

mod common;

use std::env::consts::DLL_SUFFIX;

use common::Directory;

const ADD: &str = r#"(module $math
    (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $unused))"#;

/// What shared libraries of this system begin with.
const LIBRARY: &str = if cfg!(windows) { "MZ" } else { "\u{7f}ELF" };

#[test]
fn the_output_is_named_after_the_input() {
    let directory = Directory::new();
    directory.write("math.wat", ADD);
    assert_eq!(directory.wootz(&["compile", "math.wat"]).succeeds(), "");
    directory.wootz(&["compile", "math.wat", "--emit", "object"]).succeeds();
    directory.wootz(&["compile", "math.wat", "-o", "other"]).succeeds();
    // GNU's tools call it so on Windows too.
    let object = if cfg!(target_env = "msvc") { "math.obj" } else { "math.o" };
    let library = format!("math{DLL_SUFFIX}");
    let mut names = [object, &library, "math.wat", "other"];
    names.sort();
    assert_eq!(directory.names(), names);
    assert!(directory.read(&library).starts_with(LIBRARY.as_bytes()));
    assert_eq!(directory.read(&library), directory.read("other"));
}

#[test]
fn standard_input_and_output() {
    let directory = Directory::new();
    directory.wootz_with_input(&["compile", "-", "-o", "math.so"], ADD.as_bytes()).succeeds();
    let ended = directory.wootz_with_input(&["compile", "-", "-o", "-"], ADD.as_bytes());
    assert!(ended.succeeds().starts_with(LIBRARY));
    let ended = directory.wootz_with_input(&["compile", "-"], ADD.as_bytes());
    ended.fails(2, &["standard input", "`-o OUT`"]);
    let ended = directory.wootz_with_input(&["compile", "-", "-o", "x.so"], b"");
    ended.fails(1, &["cannot compile standard input", "not a WebAssembly module"]);
    assert_eq!(directory.names(), ["math.so"]);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let directory = Directory::new();
    let functions: String =
        (0..100).map(|i| format!("(func (param i32) (result i32) i32.const {i})\n")).collect();
    directory.write("many.wat", format!("(module {functions})"));
    for emit in ["shared", "object"] {
        for threads in ["1", "2", "7"] {
            directory
                .wootz(&[
                    "compile",
                    "many.wat",
                    "--emit",
                    emit,
                    "--threads",
                    threads,
                    "-o",
                    threads,
                ])
                .succeeds();
        }
        assert!(
            directory.read("1") == directory.read("2")
                && directory.read("1") == directory.read("7")
        );
    }
}

#[test]
fn options_of_the_code_generator() {
    let directory = Directory::new();
    directory.write("math.wat", ADD);
    for options in [
        ["-O", "none"].as_slice(),
        &["-O", "speed-and-size", "--verify"],
        &["--target-cpu", "native"],
        &["--target-cpu", "x86-64-v3", "--cpu-feature", "-bmi1,+lzcnt"],
        &["--target", "x86_64-unknown-linux-gnu"],
    ] {
        directory.wootz(&[&["compile", "math.wat", "-o", "out"], options].concat()).succeeds();
    }
    let features =
        directory.wootz(&["compile", "math.wat", "--cpu-feature", "+avx2", "-o", "math.so"]);
    features.succeeds();
    assert!(directory.wootz(&["inspect", "math.so"]).succeeds().contains(" avx2 "));
    for (options, words) in [
        (["-O", "9"], ["`9`", "speed-and-size"]),
        (["--threads", "0"], ["'0'", "--threads"]),
        (["--emit", "tape"], ["'tape'", "shared, object, archive"]),
        (["--cpu-feature", "-"], ["'-'", "`+avx2`"]),
        (["--colour", "red"], ["'--colour'", "Usage"]),
        (["--prefix", "math"], ["`--prefix`", "`--emit object`"]),
    ] {
        directory.wootz(&[&["compile", "math.wat"], options.as_slice()].concat()).fails(2, &words);
    }
    for (options, words) in [
        (["--target", "z80-none"], ["`z80-none`", "target"]),
        (["--target-cpu", "z80"], ["`z80`", "x86-64-v3"]),
        (["--cpu-feature", "+warp"], ["`warp`", "feature"]),
    ] {
        directory.wootz(&[&["compile", "math.wat"], options.as_slice()].concat()).fails(1, &words);
    }
}

#[test]
fn times_are_shown() {
    let directory = Directory::new();
    directory.write("math.wat", ADD);
    let ended = directory.wootz(&["compile", "math.wat", "--time"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    let stages: Vec<&str> =
        ended.stderr.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let steps = ["translate", "optimise", "generate", "finish"];
    let all = ["parse", "plan", "functions"].into_iter().chain(steps);
    let all: Vec<_> = all.chain(["link", "lines", "write", "total"]).collect();
    assert_eq!(stages, all);
    // Something was done in each step.
    let is_nothing = |line: &&str| line.contains(" 0.000 ms in all threads");
    assert_eq!(ended.stderr.lines().filter(is_nothing).count(), 0, "{}", ended.stderr);
}

/// Whatever was there before is still there, and nothing else.
#[test]
fn failure_leaves_the_output_alone() {
    let directory = Directory::new();
    directory.write("bad.wat", "(module (func i32.add))");
    directory.write("bad.so", "precious");
    directory.wootz(&["compile", "bad.wat"]).fails(1, &["type mismatch"]);
    assert_eq!(directory.read("bad.so"), b"precious");
    assert_eq!(directory.names(), ["bad.so", "bad.wat"]);
    directory.write("good.wat", "(module)");
    directory
        .wootz(&["compile", "good.wat", "-o", "missing/good.so"])
        .fails(1, &["cannot write `missing/good.so`"]);
}

/// What is written for another machine is called as its tools want it, whatever the machine is called.
#[test]
#[cfg_attr(
    windows,
    ignore = "some of these targets are named without a system, and then mean this one"
)]
fn files_for_other_machines() {
    let directory = Directory::new();
    directory.write("math.wat", ADD);
    for (target, emit, name, magic) in [
        ("arm64-apple-darwin", "object", "math.o", &b"\xcf\xfa\xed\xfe"[..]),
        ("x86_64-pc-windows-msvc", "object", "math.obj", b"\x64\x86"),
        ("x86_64-w64-mingw32", "archive", "math.a", b"!<arch>\n"),
        ("aarch64-windows", "archive", "math.lib", b"!<arch>\n"),
        ("x86_64-windows", "shared", "math.dll", b"MZ"),
        ("arm64-pc-windows-msvc", "shared", "math.dll", b"MZ"),
        ("x86_64-macos", "shared", "math.dylib", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
        ("arm64-apple-darwin", "shared", "math.dylib", b"\xcf\xfa\xed\xfe\x0c\0\0\x01"),
        ("s390x", "shared", "math.so", b"\x7fELF\x02\x02"),
        ("riscv64-linux", "archive", "math.a", b"!<arch>\n"),
    ] {
        directory.wootz(&["compile", "math.wat", "--target", target, "--emit", emit]).succeeds();
        assert!(directory.read(name).starts_with(magic), "{target}: {name}");
        assert!(directory.wootz(&["inspect", name]).succeeds().contains("add"), "{target}");
        std::fs::remove_file(directory.path(name)).unwrap();
    }
    assert_eq!(directory.names(), ["math.wat"]);
}

#[test]
fn objects_have_a_prefix() {
    let directory = Directory::new();
    directory.write("math.wat", ADD);
    directory.wootz(&["compile", "math.wat", "--emit", "object", "--prefix", "math"]).succeeds();
    assert!(directory.wootz(&["inspect", "math.o"]).succeeds().contains("math_wootz_module"));
}

#[test]
fn objects_have_a_header() {
    let directory = Directory::new();
    directory.write("math.wat", ADD);
    let compile = ["compile", "math.wat", "--emit", "object", "--prefix"];
    let with = |rest: &[&str]| directory.wootz(&[&compile, rest].concat());
    with(&["math", "--header", "math.h"]).succeeds();
    let header = String::from_utf8(directory.read("math.h")).unwrap();
    assert!(
        header.contains("math_add(struct math *instance, int32_t p0, int32_t p1, int32_t *r0);")
    );
    assert_eq!(directory.names(), ["math.h", "math.o", "math.wat"]);
    let printed = with(&["math", "--header", "-", "-o", "other.o"]);
    assert_eq!(printed.succeeds(), header);

    with(&["math", "-o", "x", "--header", "no/math.h"]).fails(1, &["cannot write `no/math.h`"]);
    with(&["math", "-o", "x", "--header", "x"]).fails(2, &["`x`", "`--header`", "`-o`"]);
    with(&["math", "-o", "x", "--header", "./x"]).fails(2, &["`x`", "`--header`", "`-o`"]);
    with(&["math", "-o", "-", "--header", "-"]).fails(2, &["`-`", "`--header`", "`-o`"]);
    with(&["math", "--header", "./math.wat"]).fails(2, &["replace `math.wat`", "`--header FILE`"]);
    with(&["math", "-o", "./math.wat"]).fails(2, &["replace `math.wat`", "`-o OUT`"]);
    assert_eq!(directory.read("math.wat"), ADD.as_bytes());
    assert!(!directory.path("x").exists());
    with(&["wootz", "--header", "math.h"]).fails(1, &["`wootz`", "belongs to the library"]);
    with(&["for", "--header", "math.h"]).fails(1, &["`for`", "no C identifier"]);
    directory
        .wootz(&["compile", "math.wat", "--emit", "object", "--header", "math.h"])
        .fails(2, &["`--header`", "--prefix NAME"]);
    directory
        .wootz(&["compile", "math.wat", "--header", "math.h"])
        .fails(2, &["`--header`", "--prefix NAME"]);
}

#[test]
fn stages_are_dumped() {
    let directory = Directory::new();
    directory.write("math.wat", ADD);
    for (stage, words) in
        [("parse", "export add"), ("plan", "vmctx"), ("clif", "function"), ("asm", "ret")]
    {
        let text = directory.wootz(&["dump", "--stage", stage, "math.wat"]).succeeds();
        assert!(text.contains(words), "{text}");
    }
    let both = directory.wootz(&["dump", "--stage", "clif", "math.wat"]).succeeds();
    let one = directory.wootz(&["dump", "--stage", "clif", "--func", "add", "math.wat"]).succeeds();
    assert!(both.contains(one.trim_end()) && both.len() > one.len());
    assert_eq!(
        one,
        directory.wootz(&["dump", "--stage", "clif", "--func", "0", "math.wat"]).succeeds()
    );
    directory.wootz(&["dump", "--stage", "clif", "--func", "sub", "math.wat"]).fails(1, &["`sub`"]);
    directory.wootz(&["dump", "--stage", "paint", "math.wat"]).fails(2, &["'paint'", "clif"]);
    directory.wootz(&["dump", "math.wat"]).fails(2, &["--stage"]);
}

#[test]
fn help_has_examples() {
    let directory = Directory::new();
    let help = directory.wootz(&["--help"]).succeeds();
    for command in ["compile", "run", "wast", "inspect", "dump", "bindgen"] {
        assert!(help.contains(&format!("\n  {command}")), "{help}");
        let help = directory.wootz(&[command, "--help"]).succeeds();
        assert!(help.contains(&format!("Examples:\n  wootz {command} ")), "{help}");
    }
    let version = directory.wootz(&["--version"]).succeeds();
    assert_eq!(version, format!("wootz {}\n", env!("CARGO_PKG_VERSION")));
    directory.wootz(&["make"]).fails(2, &["'make'"]);
}
