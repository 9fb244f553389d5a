//! Debug information for native debuggers, as the command line has it. What debuggers make of it is tested elsewhere.

mod common;

use std::path::{Path, PathBuf};

use common::Directory;
use object::{Object, ObjectKind};

/// A module with DWARF, with which nothing can be called but `_initialize`.
fn shapes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lines/shapes.wasm")
}

/// A directory with the module `m.wasm`.
fn directory() -> Directory {
    let directory = Directory::new();
    directory.write("m.wasm", std::fs::read(shapes()).unwrap());
    directory
}

fn has_debug_info(bytes: &[u8]) -> bool {
    let file = object::File::parse(bytes).unwrap();
    [".debug_info", "__debug_info"].iter().any(|name| file.section_by_name(name).is_some())
}

#[test]
fn it_is_there_if_it_is_asked_for() {
    let directory = directory();
    let compile = |options: &[&str]| {
        let arguments = [&["compile", "m.wasm", "-o", "m.out"], options].concat();
        assert_eq!(directory.wootz(&arguments).succeeds(), "", "{options:?}");
        directory.read("m.out")
    };
    for target in ["x86_64-linux", "s390x-linux", "aarch64-macos", "x86_64-windows"] {
        for emit in ["shared", "object"] {
            let with = |options: &[&str]| {
                compile(&[&["--target", target, "--emit", emit][..], options].concat())
            };
            assert!(!has_debug_info(&with(&[])), "{target} {emit}");
            let debug = with(&["-g"]);
            assert!(has_debug_info(&debug), "{target} {emit}");
            assert!(debug == with(&["--debug-info"]));
            let (gdb, lldb) = (with(&["--debugger", "gdb"]), with(&["--debugger", "lldb"]));
            assert!(gdb != lldb, "{target} {emit}");
            assert!(debug == if target.ends_with("macos") { lldb } else { gdb });
        }
    }
    directory.wootz(&["compile", "m.wasm", "--debugger", "ddd"]).fails(2, &["ddd", "gdb, lldb"]);
}

#[test]
fn it_can_be_in_a_file_of_its_own() {
    let directory = directory();
    let arguments = ["--target", "x86_64-linux", "-o", "m.so", "--split-debug", "m.so.debug"];
    let arguments = [&["compile", "m.wasm"][..], &arguments].concat();
    assert_eq!(directory.wootz(&arguments).succeeds(), "");
    let (library, debug) = (directory.read("m.so"), directory.read("m.so.debug"));
    assert!(!has_debug_info(&library) && has_debug_info(&debug));
    let main = object::File::parse(&*library).unwrap();
    assert_eq!(main.gnu_debuglink().unwrap().unwrap().0, b"m.so.debug");
    let other = object::File::parse(&*debug).unwrap();
    assert_eq!(main.build_id().unwrap().unwrap(), other.build_id().unwrap().unwrap());
    assert_eq!(directory.names(), ["m.so", "m.so.debug", "m.wasm"]);
    // The name is what counts, not the folder, and the same again is the same.
    std::fs::create_dir(directory.path("symbols")).unwrap();
    let elsewhere = ["-o", "n.so", "--split-debug", "symbols/m.so.debug"];
    let arguments = [&["compile", "m.wasm", "--target", "x86_64-linux"][..], &elsewhere].concat();
    directory.wootz(&arguments).succeeds();
    assert!(directory.read("n.so") == library && directory.read("symbols/m.so.debug") == debug);
}

#[test]
fn for_macos_it_is_in_a_bundle() {
    let directory = directory();
    let arguments = ["--target", "aarch64-macos", "-o", "m.dylib", "--split-debug"];
    let arguments = [&["compile", "m.wasm"][..], &arguments].concat();
    let compile = |name| directory.wootz(&[&arguments[..], &[name]].concat());
    for _ in 0..2 {
        // What was there before is replaced.
        assert_eq!(compile("m & n.dylib.dSYM").succeeds(), "");
    }
    let library = directory.read("m.dylib");
    let debug = directory.read("m & n.dylib.dSYM/Contents/Resources/DWARF/m & n.dylib");
    assert!(!has_debug_info(&library) && has_debug_info(&debug));
    let [main, other] = [&library, &debug].map(|bytes| object::File::parse(&**bytes).unwrap());
    assert!(main.kind() == ObjectKind::Dynamic);
    // What debuggers know such files by.
    assert_eq!(debug[12..16], [0xa, 0, 0, 0]);
    assert_eq!(main.mach_uuid().unwrap().unwrap(), other.mach_uuid().unwrap().unwrap());
    let list = directory.read("m & n.dylib.dSYM/Contents/Info.plist");
    assert!(String::from_utf8(list).unwrap().contains("com.apple.xcode.dsym.m &amp; n.dylib<"));

    for name in ["m.debug", ".dSYM"] {
        compile(name).fails(2, &["bundle", ".dSYM"]);
    }
    directory.write("file.dSYM", "");
    compile("file.dSYM").fails(1, &["cannot write `file.dSYM`", "a file"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let directory = directory();
    let fails = |options: &[&str], code: i32, words: &[&str]| {
        let arguments = [&["compile", "m.wasm", "--target", "x86_64-linux"], options].concat();
        directory.wootz(&arguments).fails(code, words);
    };
    let split = |options: &[&str], words: &[&str]| {
        fails(&[&["--split-debug", "m.debug"], options].concat(), 2, words);
    };
    for options in
        [["--emit", "object"], ["--emit", "archive"], ["--emit", "exe"], ["--linker", "cc"]]
    {
        split(&options, &["`--split-debug`", "--only-keep-debug"]);
    }
    split(&["-o", "m.debug"], &["`m.debug` cannot be both", "`--split-debug` and `-o`"]);
    split(&["-o", "./m.debug"], &["cannot be both"]);
    fails(&["--split-debug", "-"], 2, &["`--split-debug` writes a file"]);
    fails(&["--split-debug", "m.wasm"], 2, &["would replace `m.wasm`", "`--split-debug FILE`"]);
    fails(&["--split-debug", "no/m.debug"], 1, &["cannot write `no/m.debug`", "directory `no`"]);
    std::fs::create_dir(directory.path("folder")).unwrap();
    fails(&["--split-debug", "folder"], 1, &["cannot write `folder`", "a directory"]);
    let windows = ["--target", "x86_64-windows", "--split-debug", "m.debug"];
    let ended = directory.wootz(&[&["compile", "m.wasm"][..], &windows].concat());
    ended.fails(2, &["not for Windows", "in the DLL"]);
    let macos = ["--target", "x86_64-macos", "--linker", "ld64.lld", "-g"];
    let ended = directory.wootz(&[&["compile", "m.wasm"][..], &macos].concat());
    ended.fails(2, &["linkers for macOS", "leave `--linker` out"]);
    assert_eq!(directory.names(), ["folder", "m.wasm"], "nothing was written");
}

/// What was compiled without is not taken for what is with, nor the other way round.
#[test]
fn runs_with_it_are_not_those_without() {
    let directory = Directory::new();
    directory.write("m.wat", r#"(module (func (export "answer") (result i32) i32.const 42))"#);
    for (options, cached) in [(&[][..], 1), (&["-g"], 2), (&["-g"], 2), (&[], 2)] {
        let arguments = [&["run"][..], options, &["--invoke", "answer", "m.wat"]].concat();
        assert_eq!(directory.wootz(&arguments).succeeds(), "42\n");
        let found = directory.cached();
        assert_eq!(found.len(), cached, "{options:?}");
        let with = found.iter().filter(|path| has_debug_info(&std::fs::read(path).unwrap()));
        assert_eq!(with.count(), cached - 1);
    }
}
