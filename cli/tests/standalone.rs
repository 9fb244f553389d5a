//! `wootz compile --emit exe`: programs of their own, as their users see them. They are made for Linux only.
#![cfg(target_os = "linux")]

mod common;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use common::{Directory, Ended, PROGRAM, find};
use object::{Object, ObjectSymbol};

/// The runner that was built beside `wootz`.
const RUNNER: &str = env!("CARGO_BIN_EXE_wootz-runner");

/// An example program in C.
fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/c").join(name);
    path.to_str().expect("the repository has a readable name").to_string()
}

/// Makes a program in a directory.
#[track_caller]
fn make(directory: &Directory, input: &str, options: &[&str], name: &str) {
    let command = [&["compile", "--emit", "exe", input, "-o", name], options].concat();
    assert_eq!(directory.wootz(&command).succeeds(), "");
}

/// The text of `PROGRAM` is in a file, and a program is made of it.
fn program(options: &[&str]) -> Directory {
    let directory = Directory::new();
    directory.write("app.wat", PROGRAM);
    make(&directory, "app.wat", options, "app");
    directory
}

/// The environment and the arguments that `PROGRAM` sees.
#[track_caller]
fn sees(directory: &Directory, arguments: &[&str], expected: &[&str]) {
    let mut command = directory.program("app", arguments);
    let ended = Ended::of(command.arg0("app").env_clear().env("A", "1").env("B", "2"), b"");
    let count = expected.len() - expected.iter().filter(|line| line.contains('=')).count();
    assert_eq!(ended.exits(count as i32), expected.join("\n") + "\n", "{arguments:?}");
}

#[test]
fn all_other_arguments_are_the_guests() {
    let directory = program(&[]);
    sees(&directory, &[], &["app"]);
    sees(
        &directory,
        &["--help", "-", "--", "--wootz-help"],
        &["app", "--help", "-", "--", "--wootz-help"],
    );
    sees(&directory, &["--", "--wootz-help"], &["app", "--", "--wootz-help"]);
    sees(&directory, &["--wootz-env=A", "--", "--wootz-help"], &["A=1", "app", "--wootz-help"]);
    let directory = program(&["--no-flags"]);
    sees(&directory, &["--wootz-help"], &["app", "--wootz-help"]);
}

#[test]
fn the_environment_is_what_was_said_and_what_flags_say() {
    let directory = program(&["--env", "A", "--env", "C=3", "--env", "MISSING"]);
    sees(&directory, &[], &["A=1", "C=3", "app"]);
    sees(
        &directory,
        &["--wootz-env=C=4", "--wootz-env=B", "x"],
        &["A=1", "C=4", "B=2", "app", "x"],
    );
    let directory = program(&["--inherit-env", "--env=B=5"]);
    sees(&directory, &[], &["A=1", "B=5", "app"]);
    let directory = program(&[]);
    sees(&directory, &["--wootz-inherit-env"], &["A=1", "B=2", "app"]);
}

#[test]
fn directories_are_found_where_the_program_is_started() {
    let directory = Directory::new();
    make(&directory, &example("notes.wasm"), &["--dir", "notes::/notes"], "notes-app");
    let words = ["cannot open the directory `notes`", "No such file"];
    directory.run("notes-app", &["/notes/n.txt", "buy", "milk"]).fails(1, &words);
    std::fs::create_dir(directory.path("notes")).unwrap();
    let ended = directory.run("notes-app", &["/notes/n.txt", "buy", "milk"]);
    assert_eq!(ended.exits(0), "1. buy milk\n");
    assert_eq!(directory.read("notes/n.txt"), b"buy milk\n");

    // What flags give comes behind what it was made with.
    std::fs::create_dir(directory.path("more")).unwrap();
    directory.write("more/m.txt", "more\n");
    let flag = "--wootz-dir=more::/more:ro";
    assert_eq!(directory.run("notes-app", &[flag, "/more/m.txt"]).exits(0), "1. more\n");
    let ended = directory.run("notes-app", &[flag, "/more/m.txt", "no"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("not permitted"), "{}", ended.stderr);
    // It has nothing else.
    let ended = directory.run("notes-app", &["/etc/passwd"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("cannot read"), "{}", ended.stderr);

    // Elsewhere there is another directory of that name.
    std::fs::create_dir_all(directory.path("elsewhere/notes")).unwrap();
    let mut command = directory.program("notes-app", &["/notes/n.txt", "other"]);
    let ended = Ended::of(command.current_dir(directory.path("elsewhere")), b"");
    assert_eq!(ended.exits(0), "1. other\n");
}

#[test]
fn standard_streams_and_statuses_are_the_systems() {
    let directory = Directory::new();
    make(&directory, &example("wordcount.wasm"), &[], "count");
    let ended = Ended::of(&mut directory.program("count", &[]), b"one two\nthree\n");
    assert_eq!(ended.exits(0), "2 lines, 3 words, 14 bytes\n");
    // In the directory of the input, with its name, if nothing is said.
    directory.write(
        "three.wat",
        r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const 200))))"#,
    );
    directory.wootz(&["compile", "--emit=exe", "three.wat"]).succeeds();
    assert_eq!(directory.run("three", &[]).exits(200), "");
}

/// As `wootz run` has them, word for word.
#[test]
fn traps_are_told_as_by_run() {
    let directory = Directory::new();
    make(&directory, &example("crash.wasm"), &[], "crash");
    directory.wootz(&["compile", &example("crash.wasm"), "-o", "crash.so"]).succeeds();
    for how in ["unreachable", "bounds", "divide", "indirect"] {
        let ended = Ended::of(directory.program("crash", &[how]).arg0("crash.so"), b"");
        let expected = directory.wootz(&["run", "crash.so", how]);
        assert_eq!(ended.code, Some(134), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("error: `crash.so` trapped") && ended.stderr.contains("!inner")
        );
        assert_eq!(ended.stderr, expected.stderr);
    }
}

#[test]
fn a_program_needs_neither_its_name_nor_anything_beside_it() {
    let directory = program(&[]);
    std::fs::remove_file(directory.path("app.wat")).unwrap();
    let elsewhere = Directory::new();
    std::fs::rename(directory.path("app"), elsewhere.path("renamed")).unwrap();
    std::os::unix::fs::symlink("renamed", elsewhere.path("link")).unwrap();
    for name in ["renamed", "link"] {
        let ended = Ended::of(elsewhere.program(name, &["x"]).env_clear(), b"");
        assert_eq!(ended.exits(2).lines().last(), Some("x"));
    }
}

/// What code relies on, its program provides.
#[test]
fn settings_of_the_code_are_those_of_the_program() {
    for options in [
        &["--memory-reservation", "65536", "--memory-guard-size", "0"][..],
        &["--memory-reservation", "8589934592", "--memory-guard-size", "67108864"],
        &["--relaxed-simd-deterministic", "--wasm-feature", "+wide-arithmetic,-simd,-relaxed-simd"],
        &["-O", "none", "--nan-canonicalization", "--no-backtrace-details"],
    ] {
        sees(&program(options), &["x"], &["app", "x"]);
    }
}

#[test]
fn the_same_input_gives_the_same_program() {
    let directory = program(&["--dir", "a"]);
    make(&directory, "app.wat", &["--dir", "a"], "again");
    make(&directory, "app.wat", &["--dir", "b"], "other");
    assert!(directory.read("app") == directory.read("again"));
    assert!(directory.read("app") != directory.read("other"));
}

/// Whether one of some tools is missing; in CI there is none missing.
fn missing(tools: &[&str]) -> bool {
    let is_there = |tool: &&&str| Command::new(tool).arg("--version").output().is_ok();
    let Some(tool) = tools.iter().find(|tool| !is_there(tool)) else { return false };
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "`{tool}` is missing");
    eprintln!("*** SKIPPED: `{tool}` is missing ***");
    true
}

#[test]
fn tools_for_binaries_take_programs_as_they_are() {
    if missing(&["readelf", "objcopy", "strip"]) {
        return;
    }
    let directory = program(&["--env", "C=3"]);
    let tool = |tool: &str, arguments: &[&str]| {
        let mut command = Command::new(tool);
        command.args(arguments).current_dir(directory.path(""));
        let ended = Ended::of(&mut command, b"");
        assert_eq!(ended.stderr, "", "{tool} {arguments:?}");
        ended.succeeds()
    };
    let text = tool("readelf", &["-aW", "app"]);
    assert!(!text.contains("corrupt") && !text.contains("<unknown"), "{text}");
    for section in [".wootz.module     PROGBITS", ".wootz.run        PROGBITS"] {
        assert!(text.contains(section), "{text}");
    }
    let section = |name: &str| {
        let what = format!("{name}=contents");
        tool("objcopy", &["--dump-section", &what, "app", "copy"]);
        directory.read("contents")
    };
    assert!(String::from_utf8(section(".wootz.run")).unwrap().contains(r#""environment":["C=3"]"#));
    directory.wootz(&["compile", "app.wat"]).succeeds();
    assert!(section(".wootz.module") == directory.read("app.so"));
    let shown = directory.wootz(&["inspect", "app"]).succeeds();
    assert_eq!(shown, directory.wootz(&["inspect", "app.so"]).succeeds().replace("app.so", "app"));
    directory.wootz(&["inspect", "--check", "app"]).succeeds();

    sees(&directory, &[], &["C=3", "app"]);
    for strip in [&["app"][..], &["-g", "app"], &["--strip-unneeded", "app"]] {
        make(&directory, "app.wat", &["--env", "C=3"], "app");
        tool("strip", strip);
        sees(&directory, &["x"], &["C=3", "app", "x"]);
    }
}

/// The linker leaves out of the runner what it does not call.
#[test]
fn a_runner_has_no_compiler_in_it() {
    let symbols = |path: &str| -> Vec<String> {
        let bytes = std::fs::read(path).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        file.symbols().map(|symbol| symbol.name().unwrap().to_string()).collect()
    };
    let (runner, wootz) = (symbols(RUNNER), symbols(env!("CARGO_BIN_EXE_wootz")));
    assert!(runner.iter().any(|name| name.contains("wootz_wasi")), "its symbols tell nothing");
    for compiler in
        ["cranelift_codegen", "wasmparser", "wootz_compiler", "regalloc2", "clap_builder"]
    {
        let of_it = |name: &&String| name.contains(&format!("{}{compiler}", compiler.len()));
        assert!(wootz.iter().any(|name| of_it(&name)), "symbols of `{compiler}` look different");
        let found: Vec<_> = runner.iter().filter(of_it).take(5).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn modules_that_a_runner_cannot_run() {
    let directory = Directory::new();
    let refused = |text: &str, words: &[&str]| {
        directory.write("m.wat", format!("(module {text})"));
        let ended = directory.wootz(&["compile", "--emit", "exe", "m.wat", "-o", "m"]);
        ended.fails(1, &[&["cannot make a program of `m.wat`"], words].concat());
        assert_eq!(directory.names(), ["m.wat"]);
    };
    refused("", &["exports no function `_start`"]);
    refused(r#"(func (export "_initialize"))"#, &["no `_start`", "reactor"]);
    refused(
        r#"(func (export "_start") (param i32))"#,
        &["`_start` is (func (param i32))", "takes nothing"],
    );
    refused(r#"(memory (export "_start") 1)"#, &["`_start` is (memory 1)"]);
    let imports = |import: &str| format!(r#"{import} (func (export "_start"))"#);
    let wasi = "wasi_snapshot_preview1";
    for (import, words) in [
        (
            r#"(import "env" "log" (func (param i32)))"#.to_string(),
            [
                "`env` `log` (func (param i32)): there is no such function",
                "WASI preview 1 and nothing else",
            ],
        ),
        (
            r#"(import "env" "m" (memory 1))"#.to_string(),
            ["`env` `m` (memory 1)", "no such function"],
        ),
        (
            format!(r#"(import "{wasi}" "fd_raed" (func (param i32 i32 i32 i32) (result i32)))"#),
            ["`fd_raed`", "did you mean `fd_read`"],
        ),
        (
            format!(r#"(import "{wasi}" "sched_yield" (func (param i64) (result i32)))"#),
            ["`sched_yield` (func (param i64) (result i32))", "it is (func (result i32)) there"],
        ),
        (
            format!(r#"(import "{wasi}" "sched_yield" (memory 1))"#),
            ["`sched_yield` (memory 1)", "it is (func"],
        ),
    ] {
        refused(&imports(&import), &words);
    }
    // All of them are told, and those that are there are not.
    let two = format!(
        r#"(import "a" "b" (func)) (import "{wasi}" "sched_yield" (func (result i32))) (import "a" "c" (func))"#
    );
    refused(&imports(&two), &["`a` `b`", "`a` `c`"]);
    directory.write("m.wat", format!("(module {})", imports(&two)));
    let ended = directory.wootz(&["compile", "--emit", "exe", "m.wat", "-o", "m"]);
    assert!(!ended.stderr.contains("sched_yield"), "{}", ended.stderr);

    directory.write("m.wat", PROGRAM);
    for target in ["x86_64-windows", "arm64-apple-darwin"] {
        let command = ["compile", "--emit", "exe", "m.wat", "-o", "m", "--target", target];
        let words = ["cannot make a program of `m.wat`", "only for Linux", target];
        directory.wootz(&command).fails(1, &words);
    }
}

#[test]
fn runners_that_are_none() {
    let directory = program(&[]);
    directory.wootz(&["compile", "app.wat"]).succeeds();
    directory.wootz(&["compile", "app.wat", "--emit", "object"]).succeeds();
    let runner = std::fs::read(RUNNER).unwrap();
    directory.write("empty", "");
    directory.write("script", "#!/bin/sh\n");
    directory.write("junk", "hello");
    directory.write("windows.exe", b"MZ\x90\0");
    directory.write("cut", &runner[..40]);
    directory.write("half", &runner[..runner.len() / 2]);
    let patched = |at: usize, byte: u8| {
        let mut bytes = runner.clone();
        bytes[at] = byte;
        bytes
    };
    directory.write("small", patched(4, 1));
    const AARCH64: u8 = 183;
    directory.write("other", patched(18, AARCH64));
    let later = find_mark(&runner);
    directory.write("later", patched(later, b'2'));
    // One for code that is older than what would be given to it.
    let code = later + 1 + " for code of version ".len();
    directory.write("older", patched(code, b'0'));
    for (runner, words) in [
        ("missing", ["cannot read `missing`", "No such file"]),
        (".", ["cannot read `.`", "directory"]),
        ("empty", ["runner `empty`", "it is empty"]),
        ("script", ["runner `script`", "a script"]),
        ("junk", ["runner `junk`", "no program of any kind"]),
        ("windows.exe", ["runner `windows.exe`", "Windows (PE)"]),
        ("cut", ["runner `cut`", "truncated"]),
        ("half", ["runner `half`", "damaged"]),
        ("small", ["runner `small`", "32 bits"]),
        ("other", ["it is for aarch64", "compiled for x86_64: `--runner FILE`"]),
        ("app", ["runner `app`", "carries a module already"]),
        ("app.so", ["runner `app.so`", "not a program"]),
        ("app.o", ["runner `app.o`", "not a program"]),
        (env!("CARGO_BIN_EXE_wootz"), ["not a runner", "wootz-runner with settings of version 1"]),
        ("later", ["not a runner", "wootz-runner with settings of version 1"]),
        ("older", ["not a runner", "1 for code of version "]),
    ] {
        let command = ["compile", "--emit", "exe", "app.wat", "-o", "out", "--runner", runner];
        directory.wootz(&command).fails(1, &words);
    }
    assert!(!directory.path("out").exists());
    make(&directory, "app.wat", &["--runner", RUNNER], "out");
    assert!(directory.read("out") == directory.read("app"));

    // Where nobody has installed one.
    let alone = Directory::new();
    std::fs::copy(env!("CARGO_BIN_EXE_wootz"), alone.path("wootz")).unwrap();
    alone.write("app.wat", PROGRAM);
    let ended = alone.run("wootz", &["compile", "--emit", "exe", "app.wat"]);
    ended.fails(1, &["there is no runner", "wootz-runner", "`--runner FILE`", "No such file"]);
}

/// Where the version is in the words by which runners are known.
fn find_mark(runner: &[u8]) -> usize {
    let mark = b"wootz-runner with settings of version 1";
    find(runner, mark) + mark.len() - 1
}

#[test]
fn options_that_say_nothing_about_what_is_made() {
    let directory = Directory::new();
    directory.write("app.wat", PROGRAM);
    for (options, words) in [
        (&["--emit", "exe", "--prefix", "p"][..], ["`--prefix`", "`--emit object`"]),
        (&["--emit", "exe", "--consume-fuel"], ["`--consume-fuel`", "`--emit exe`"]),
        (&["--emit", "exe", "--epoch-interruption"], ["`--epoch-interruption`", "`--emit exe`"]),
        (&["--dir", "."], ["`--dir`", "add `--emit exe`"]),
        (&["--env", "A"], ["`--env`", "add `--emit exe`"]),
        (&["--inherit-env"], ["`--inherit-env`", "add `--emit exe`"]),
        (&["--emit", "object", "--no-flags"], ["`--no-flags`", "add `--emit exe`"]),
        (&["--runner", RUNNER], ["`--runner`", "add `--emit exe`"]),
        (&["--emit", "exe", "--dir", "::/"], ["--dir", "HOST::GUEST"]),
        (&["--emit", "exe", "--env", "=1"], ["--env", "NAME=VALUE"]),
    ] {
        directory.wootz(&[&["compile", "app.wat"], options].concat()).fails(2, &words);
    }
    // Its name would be that of the module.
    std::fs::rename(directory.path("app.wat"), directory.path("app")).unwrap();
    directory.wootz(&["compile", "app", "--emit", "exe"]).fails(2, &["`-o OUT`", "replace `app`"]);
    let command = ["compile", "app", "--emit", "exe", "-o", "missing/app"];
    directory
        .wootz(&command)
        .fails(1, &["cannot write `missing/app`", "there is no directory `missing`"]);
    assert_eq!(directory.names(), ["app"]);
}

#[test]
fn flags_that_there_are_not() {
    let directory = program(&["--dir", "data", "--env", "LANG"]);
    directory.run("app", &["--wootz-dri=x"]).fails(2, &["`--wootz-dri=x`", "did you mean `dir`?"]);
    directory.run("app", &["--wootz-env=A", "--wootz-dir"]).fails(2, &["HOST[::GUEST][:ro]"]);
    let help = directory.run("app", &["--wootz-help"]).exits(0);
    for words in
        ["--wootz-dir=HOST", "--wootz-inherit-env", "made with:\n  --dir data\n  --env LANG\n"]
    {
        assert!(help.contains(words), "{help}");
    }
}

/// Whatever happened to it, it says so, and runs nothing.
#[test]
fn damaged_programs() {
    let directory = program(&[]);
    let bytes = directory.read("app");
    let run = |bytes: &[u8]| {
        std::fs::remove_file(directory.path("app")).unwrap();
        directory.write("app", bytes);
        use std::os::unix::fs::PermissionsExt;
        let path = directory.path("app");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        directory.run("app", &[])
    };
    let settings = find(&bytes, br#"{"version":1,"#);
    let artifact = (0..bytes.len()).rfind(|&at| bytes[at..].starts_with(b"\x7fELF")).unwrap();
    let patched = |at: usize, with: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    run(&patched(settings, br#"{"version":2,"#))
        .fails(1, &["this program is damaged", "version 2"]);
    run(&patched(settings, b"?")).fails(1, &["this program is damaged", "`.wootz.run`"]);
    run(&patched(artifact, b"?")).fails(1, &["cannot run", "not a compiled module"]);
    run(&bytes[..bytes.len() - 1]).fails(1, &["this program is damaged", "headers"]);
    // The place of the section header table is in the file header.
    const E_SHOFF: usize = 40;
    run(&patched(E_SHOFF, &[0xff; 8])).fails(1, &["this program is damaged", "headers"]);
    run(&patched(E_SHOFF, &[0; 8])).fails(1, &["carries no module"]);
    let table = u64::from_le_bytes(bytes[E_SHOFF..][..8].try_into().unwrap()) as usize;
    let count = (bytes.len() - table) / 64;
    // Offset and size of the section with the artifact, the third from the end.
    let header = table + (count - 3) * 64;
    run(&patched(header + 24, &[0xff; 6]))
        .fails(1, &["this program is damaged", "`.wootz.module`"]);
    run(&patched(header + 32, &[0xff; 8]))
        .fails(1, &["this program is damaged", "`.wootz.module`"]);
    Ended::of(&mut Command::new(RUNNER), b"")
        .fails(1, &["carries no module", "`wootz compile --emit exe`"]);
}

#[test]
fn debuggers_and_profilers_see_the_guests_functions() {
    let directory = Directory::new();
    // Every function has a frame of its own.
    make(&directory, &example("crash.wasm"), &["--no-opt", "inlining"], "crash");
    let temporary = directory.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = directory.program("crash", &["--wootz-perf", "nothing"]);
    assert_eq!(
        Ended::of(command.env("TMPDIR", &temporary), b"").exits(0),
        "no trap, the result is 32\n"
    );
    let folder = std::fs::read_dir(&temporary).unwrap().next().unwrap().unwrap().path();
    let library = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(library).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    assert!(file.symbols().any(|symbol| symbol.name() == Ok("inner")));

    if missing(&["gdb"]) {
        return;
    }
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-ex", "set debuginfod enabled off"]);
    for step in ["set breakpoint pending on", "break middle", "run", "backtrace", "continue"] {
        gdb.args(["-ex", step]);
    }
    let gdb = gdb.args(["--args", "./crash", "nothing"]).current_dir(directory.path(""));
    let text = Ended::of(gdb, b"").stdout;
    assert!(text.contains("Breakpoint 1, 0x"), "{text}");
    for name in ["in middle ()", "in outer ()", "in wootz_entry_"] {
        assert!(text.contains(name), "{text}");
    }
    assert!(text.contains("no trap, the result is 32"), "{text}");
}

/// What the example shows is what happens.
#[test]
fn the_example_works() {
    if missing(&["strip", "objcopy"]) {
        return;
    }
    let directory = Directory::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    std::os::unix::fs::symlink(root.join("examples"), directory.path("examples")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_wootz")).parent().unwrap().to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path)));
    let path = path.unwrap();

    let text = std::fs::read_to_string(root.join("examples/standalone/README.md")).unwrap();
    let mut count = 0;
    for block in text.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        for step in block.split("$ ").skip(1) {
            let (command, expected) = step.split_once('\n').unwrap();
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).current_dir(directory.path("")).env("PATH", &path);
            assert_eq!(Ended::of(&mut shell, b"").exits(0), expected, "{command}");
            count += 1;
        }
    }
    assert_eq!(count, text.lines().filter(|line| line.starts_with("$ ")).count());
    assert!(count > 10);
}
