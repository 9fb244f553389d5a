//! `wootz compile --linker`: what can go wrong, with linkers that are scripts. What real ones make is tested elsewhere.
#![cfg(unix)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Directory, Ended};

const MODULE: &str = r#"(module (memory 1) (data (i32.const 0) "x") (func (export "one") (result i32) (i32.const 1)))"#;

/// A directory with a module, and a script that stands for a linker.
fn directory(name: &str, script: &str) -> Directory {
    let directory = Directory::new();
    directory.write("m.wat", MODULE);
    let path = directory.write(name, format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

/// Compiles with a linker. Whatever happens, nothing is left of what the linker was given.
fn link(directory: &Directory, options: &[&str]) -> Ended {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = directory.command(&["compile", "m.wat"]);
    let ended = Ended::of(command.args(options).env("TMPDIR", temporary.path()), b"");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    ended
}

#[test]
fn linkers_that_fail() {
    let directory = directory("ld", "echo \"undefined symbol: $1\" >&2; exit 3");
    directory.write("m.so", "precious");
    let words = [
        "cannot link `m.wat`",
        "the linker failed with exit status: 3",
        "./ld -shared ",
        " 'an argument' -last",
        "undefined symbol: -shared",
    ];
    let arguments = ["--linker-arg", "an argument", "--linker-arg", "-last"];
    link(&directory, &[&["--linker", "./ld"], &arguments[..]].concat()).fails(1, &words);
    assert_eq!(directory.read("m.so"), b"precious");
    assert_eq!(directory.names(), ["ld", "m.so", "m.wat"]);

    let ended = link(&directory, &["--linker", "./missing/ld"]);
    ended.fails(1, &["cannot run the linker `./missing/ld`", "No such file"]);
    let ended = link(&directory, &["--linker", "./m.so", "--linker-flavor", "ld"]);
    ended.fails(1, &["cannot run the linker `./m.so`", "Permission denied"]);
}

#[test]
fn linkers_that_make_nothing_of_use() {
    let lazy = directory("ld", "exit 0");
    link(&lazy, &["--linker", "./ld"]).fails(1, &["the linker made no file", "./ld -shared "]);
    let script = |makes: &str| format!("while [ \"$1\" != -o ]; do shift; done; {makes} >\"$2\"");
    let junk = directory("ld", &script("echo hello"));
    link(&junk, &["--linker", "./ld"]).fails(1, &["no usable file", "no object file of any kind"]);
    let other = directory("ld", &script("cat other.so"));
    let mut bytes = other.compile("other", MODULE);
    while let Some(at) = (0..bytes.len()).find(|&at| bytes[at..].starts_with(b"wootz_module\0")) {
        bytes[at] = b'b';
    }
    other.write("other.so", bytes);
    let ended = link(&other, &["--linker", "./ld"]);
    ended.fails(1, &["no usable file", "does not export `wootz_module`"]);
    for directory in [&lazy, &junk, &other] {
        assert!(!directory.path("m.so").exists());
    }
}

#[test]
fn what_a_linker_says_is_told() {
    // It makes what our own writer makes.
    let script = "echo 'it is late' >&2; while [ \"$1\" != -o ]; do shift; done; cat m.out >\"$2\"";
    let directory = directory("my-linker", script);
    directory.wootz(&["compile", "m.wat", "-o", "m.out"]).succeeds();
    let ended = link(&directory, &["--linker", "./my-linker", "--linker-flavor", "cc"]);
    assert_eq!(ended.stderr, "note: the linker `./my-linker` says:\nit is late\n");
    ended.succeeds();
    assert!(directory.read("m.so") == directory.read("m.out"));
    let ended = link(&directory, &["--linker", "./my-linker"]);
    ended.fails(
        2,
        &["`./my-linker`", "`--linker-flavor`", "`cc`, `ld`, `zig`, `ld64` or `lld-link`"],
    );
    let command = ["--linker=./my-linker", "--linker-flavor=zig", "-o", "missing/m.so"];
    let ended = link(&directory, &command);
    let message =
        "error: cannot write `missing/m.so`\n  caused by: there is no directory `missing`\n";
    assert!(ended.code == Some(1) && ended.stderr.ends_with(message), "{}", ended.stderr);
}

/// Each linker is for some formats, and each option for some linkers.
#[test]
fn linkers_for_something_else() {
    let directory = directory("ld", "exit 0");
    for name in ["lld-link", "ld64.lld-19"] {
        let ended = link(&directory, &["--linker", name]);
        ended.fails(2, &[&format!("`{name}`"), "ELF objects", "`ld.lld`"]);
    }
    for (options, words) in [
        (&["--linker", "./ld", "--emit", "object"][..], ["`--linker`", "add `--emit shared`"]),
        (&["--linker", "./ld", "--emit", "exe"], ["`--linker`", "add `--emit shared`"]),
        (&["--linker-arg", "-x"], ["--linker <PROGRAM>", "required"]),
        (&["--linker-flavor", "ld"], ["--linker <PROGRAM>", "required"]),
        (&["--linker", "./ld", "--linker-flavor", "gold"], ["'gold'", "lld-link"]),
    ] {
        link(&directory, options).fails(2, &words);
    }
    assert!(!Path::new(&directory.path("m.so")).exists());
}
