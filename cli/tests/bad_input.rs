//! Each kind of bad input has an error of its own, which says what was found and what was expected.

mod common;

use common::{Directory, find};

const ADD: &str = r#"(module (memory (data "hello"))
    (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

#[test]
fn not_wasm() {
    let directory = Directory::new();
    directory.write("junk", "hello");
    for command in ["compile", "run"] {
        directory
            .wootz(&[command, "junk"])
            .fails(1, &["`junk`", "not a WebAssembly module", "\\0asm"]);
        directory.wootz(&[command, "missing"]).fails(1, &["cannot read `missing`", "(os error 2)"]);
        // Windows says that it is denied.
        let why = if cfg!(windows) { "(os error 5)" } else { "directory" };
        directory.wootz(&[command, "."]).fails(1, &["cannot read `.`", why]);
    }
    directory.write("component.wasm", b"\0asm\x0d\0\x01\0");
    directory.wootz(&["compile", "component.wasm"]).fails(1, &["`component.wasm`"]);
}

#[test]
fn truncated_wasm() {
    let directory = Directory::new();
    let wasm = wat::parse_str(ADD).unwrap();
    for end in 8..wasm.len() {
        // Where a section ends, what remains is a module; but not one whose functions have lost their code.
        directory.write("cut.wasm", &wasm[..end]);
        let ended = directory.wootz(&["compile", "cut.wasm"]);
        match ended.code {
            Some(0) => {}
            _ => ended.fails(1, &["cannot compile `cut.wasm`", "at offset 0x"]),
        }
    }
    directory.write("cut.wasm", &wasm[..wasm.len() - 60]);
    directory.wootz(&["run", "cut.wasm"]).fails(1, &["cannot compile `cut.wasm`", "at offset 0x"]);
}

#[test]
fn invalid_wasm() {
    let directory = Directory::new();
    directory.write("invalid.wat", "(module (func) (func $broken (result i32) (nop)))");
    let words =
        ["invalid WebAssembly module", "type mismatch", "at offset 0x", "in function 1 `broken`"];
    directory.wootz(&["compile", "invalid.wat"]).fails(1, &words);
    directory.write("text.wat", "(module\n  (func i32.plus))");
    directory
        .wootz(&["compile", "text.wat"])
        .fails(1, &["`text.wat` is malformed", "text.wat:2:9"]);
}

/// What is refused because of a proposal says so, and what to do.
#[test]
fn each_proposal_can_be_switched_off() {
    let directory = Directory::new();
    for (proposal, text) in [
        (
            "bulk-memory",
            "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        ),
        ("custom-page-sizes", "(memory 1 (pagesize 1))"),
        ("extended-const", "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
        ("function-references", "(type $t (func)) (func (param (ref null $t)))"),
        ("memory64", "(memory i64 1)"),
        ("memory64", "(table i64 1 funcref)"),
        ("multi-memory", "(memory 1) (memory 1)"),
        ("multi-value", "(func (result i32 i32) (i32.const 1) (i32.const 2))"),
        ("mutable-global", r#"(import "m" "g" (global (mut i32)))"#),
        ("reference-types", "(func (param externref))"),
        (
            "relaxed-simd",
            "(func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
        ),
        ("saturating-float-to-int", "(func (drop (i32.trunc_sat_f32_s (f32.const 0))))"),
        ("sign-extension", "(func (drop (i32.extend8_s (i32.const 0))))"),
        ("simd", "(func (param v128))"),
        ("tail-call", "(func return_call 0)"),
        ("threads", "(memory 1 1 shared)"),
        ("threads", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))"),
        (
            "wide-arithmetic",
            "(func (param i64) (i64.mul_wide_s (local.get 0) (local.get 0)) (drop) (drop))",
        ),
    ] {
        directory.write("module.wat", format!("(module {text})"));
        let on = format!("--wasm-feature={proposal}");
        directory.wootz(&["compile", "module.wat", &on]).succeeds();
        let off = format!("--wasm-feature=-{proposal}");
        let setting = match proposal {
            "mutable-global" | "saturating-float-to-int" | "sign-extension" => String::new(),
            _ => format!(", or `Config::wasm_{}(true)`", proposal.replace('-', "_")),
        };
        let message = format!(
            "; it needs the proposal `{proposal}`, which is switched off (`{on}`{setting})"
        );
        let words = ["invalid WebAssembly module", "at offset 0x", &message];
        directory.wootz(&["compile", "module.wat", &off]).fails(1, &words);
    }
}

/// Proposals that would help are named, and those that would not are not.
#[test]
fn proposals_that_are_not_implemented() {
    let directory = Directory::new();
    // Of some proposals there are only the types, and tags.
    for (text, what, proposal) in [
        ("(type $s (struct)) (func (drop (struct.new $s)))", "`struct.new`", "gc"),
        ("(func unreachable (drop (ref.i31)))", "`ref.i31`", "gc"),
        ("(global i31ref (ref.i31 (i32.const 1)))", "`ref.i31`", "gc"),
        ("(type (sub (func)))", "subtypes", "gc"),
        ("(func (throw_ref (ref.null exn)))", "`throw_ref`", "exceptions"),
        ("(tag $t) (func (throw $t))", "`throw`", "exceptions"),
    ] {
        directory.write("object.wat", format!("(module {text})"));
        let needs =
            format!("needs the proposal `{proposal}`, which is not implemented in this version");
        directory.wootz(&["compile", "object.wat"]).fails(1, &[what, &needs, "at offset 0x"]);
        directory.wootz(&["run", "object.wat"]).fails(1, &[what, &needs]);
    }
    // Nothing is said of proposals where they would not help.
    directory.write("wrong.wat", "(module (func (result i32) (f32.const 0)))");
    let ended = directory.wootz(&["compile", "wrong.wat", "--wasm-feature=-sign-extension"]);
    assert!(!ended.stderr.contains("proposal"), "{}", ended.stderr);
}

/// The first one is named, no matter which thread comes to its error first.
#[test]
fn many_invalid_functions() {
    let directory = Directory::new();
    let functions =
        "(func (result i32) i32.const 1) (func (result i32) i32.const 1 i32.const 2)".repeat(50);
    directory.write("invalid.wat", format!("(module {functions})"));
    for threads in ["1", "2", "8"] {
        let ended = directory.wootz(&["compile", "invalid.wat", "--threads", threads]);
        ended.fails(1, &["type mismatch", "in function 1)"]);
    }
}

#[test]
fn too_large_limits() {
    let directory = Directory::new();
    directory.write("large.wat", "(module (memory 65537))");
    directory.wootz(&["compile", "large.wat"]).fails(1, &["memory size", "at offset 0x"]);
    let locals = "(local i64)".repeat(50_001);
    directory.write("locals.wat", format!("(module (func {locals}))"));
    directory.wootz(&["compile", "locals.wat"]).fails(1, &["locals", "function 0"]);
}

#[test]
fn native_files_are_not_compiled_again() {
    let directory = Directory::new();
    directory.compile("add", ADD);
    directory
        .wootz(&["compile", "add.so", "-o", "again.so"])
        .fails(1, &["`add.so` is a native file already"]);
}

/// Loading a damaged file fails for the same reason as looking at it.
#[track_caller]
fn cannot_load(directory: &Directory, name: &str, words: &[&str]) {
    directory.wootz(&["run", "--invoke", "add", name, "1", "2"]).fails(1, words);
}

#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn a_truncated_artifact() {
    let directory = Directory::new();
    let bytes = directory.compile("add", ADD);
    for end in [0, 1, 10, 64, 600, 5000, bytes.len() - 1] {
        directory.write("cut.so", &bytes[..end]);
        directory.wootz(&["inspect", "cut.so"]).fails(1, &["`cut.so` is not a compiled module"]);
        directory.wootz(&["run", "--invoke", "add", "cut.so", "1", "2"]).fails(1, &["`cut.so`"]);
    }
    cannot_load(&directory, "cut.so", &["truncated"]);
    directory.wootz(&["inspect", "cut.so"]).fails(1, &["truncated"]);
}

#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn a_corrupted_artifact() {
    let directory = Directory::new();
    let mut bytes = directory.compile("add", ADD);
    let manifest = find(&bytes, b"x86_64-unknown-linux-gnu");
    bytes[manifest] ^= 0x20;
    directory.write("add.so", bytes);
    cannot_load(&directory, "add.so", &["corrupted", "checksum"]);
    directory.wootz(&["inspect", "add.so"]).fails(1, &["corrupted", "checksum"]);
}

#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn an_artifact_for_another_machine() {
    let directory = Directory::new();
    let mut bytes = directory.compile("add", ADD);
    const E_MACHINE: usize = 18;
    const AARCH64: u8 = 183;
    assert_eq!(bytes[E_MACHINE], 62);
    bytes[E_MACHINE] = AARCH64;
    directory.write("add.so", bytes);
    cannot_load(&directory, "add.so", &["architecture", "aarch64", "x86_64"]);
    assert!(directory.wootz(&["inspect", "add.so"]).succeeds().contains("aarch64"));
}

#[test]
fn an_artifact_of_another_abi_version() {
    let directory = Directory::new();
    let mut bytes = directory.compile("add", ADD);
    let descriptor = find(&bytes, b"\x7fWOOTZ\r\n");
    bytes[descriptor + 8..descriptor + 12].copy_from_slice(&77u32.to_le_bytes());
    directory.write("add.so", bytes);
    cannot_load(&directory, "add.so", &["version 77", "compile"]);
    directory.wootz(&["inspect", "add.so"]).fails(1, &["version 77", "compile"]);
}

#[test]
fn a_library_without_a_module() {
    let directory = Directory::new();
    let mut bytes = directory.compile("add", ADD);
    // The name is there twice: in the table for the loader, and in the one for debuggers.
    while let Some(at) = (0..bytes.len()).find(|&at| bytes[at..].starts_with(b"wootz_module\0")) {
        bytes[at] = b'b';
    }
    directory.write("add.so", bytes);
    cannot_load(&directory, "add.so", &["no symbol `wootz_module`"]);
    directory.wootz(&["inspect", "add.so"]).fails(1, &["no symbol `wootz_module`"]);
}

#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn an_object_instead_of_a_library() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    directory.wootz(&["compile", "add.wat", "--emit", "object"]).succeeds();
    cannot_load(&directory, "add.o", &["object", "shared library", "--emit shared"]);
    assert!(directory.wootz(&["inspect", "add.o"]).succeeds().contains("ELF object"));
}

#[test]
fn wasm_is_not_inspected() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    directory.wootz(&["inspect", "add.wat"]).fails(1, &["`wootz compile`"]);
    directory.write("add.wasm", wat::parse_str(ADD).unwrap());
    directory.wootz(&["inspect", "add.wasm"]).fails(1, &["`wootz compile`"]);
    directory.wootz(&["inspect", "missing"]).fails(1, &["cannot read `missing`"]);
}

#[test]
fn a_missing_import() {
    let directory = Directory::new();
    directory.write("needy.wat", r#"(module (import "env" "help" (func (param i32))))"#);
    directory.wootz(&["run", "needy.wat"]).fails(1, &["env", "help"]);
}

/// Both types are shown.
#[test]
fn an_import_of_another_type() {
    let directory = Directory::new();
    let import =
        |ty: &str| format!(r#"(module (import "wasi_snapshot_preview1" "sched_yield" {ty}))"#);
    directory.write("type.wat", import("(func (param i64) (result i32))"));
    let words = [
        "wasi_snapshot_preview1",
        "sched_yield",
        "(param i64) (result i32)",
        "(func (result i32))",
    ];
    directory.wootz(&["run", "type.wat"]).fails(1, &words);
    directory.write("kind.wat", import("(memory 1)"));
    directory
        .wootz(&["run", "kind.wat"])
        .fails(1, &["wasi_snapshot_preview1", "sched_yield", "memory", "func"]);
}

#[test]
fn a_call_with_the_wrong_arguments() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    let call = |arguments: &[&str]| {
        directory.wootz(&[&["run", "--invoke", "add", "add.wat"], arguments].concat())
    };
    call(&["1"]).fails(1, &["cannot call `add`", "2 arguments (i32 i32)", "got 1"]);
    call(&["1", "2", "3"]).fails(1, &["cannot call `add`", "2 arguments (i32 i32)", "got 3"]);
    call(&["1", "x"]).fails(1, &["cannot call `add`", "argument 2, `x`, is not of type i32"]);
    call(&["1", "0x100000000"]).fails(1, &["argument 2", "32 bits"]);
}

#[test]
fn an_unknown_export() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    directory
        .wootz(&["run", "--invoke", "ad", "add.wat"])
        .fails(1, &["no export `ad`", "did you mean `add`?"]);
    directory
        .wootz(&["run", "--invoke", "multiply", "add.wat"])
        .fails(1, &["no export `multiply`", "`add`"]);
    directory.write("memory.wat", r#"(module (memory (export "memory") 1))"#);
    let words = ["`memory` is a memory, not a function"];
    directory.wootz(&["run", "--invoke", "memory", "memory.wat"]).fails(1, &words);
}

#[test]
fn bad_usage() {
    let directory = Directory::new();
    directory.wootz(&["run"]).fails(2, &["FILE"]);
    directory.wootz(&["run", "--env", "=X", "a.wasm"]).fails(2, &["NAME=VALUE"]);
    directory.wootz(&["run", "--unknown", "a.wasm"]).fails(2, &["'--unknown'"]);
    directory.wootz(&["wast"]).fails(2, &["FILE"]);
}

/// A target that there is no code for, and what a target's processor or format cannot do.
#[test]
fn targets() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    directory.write(
        "vector.wat",
        "(module (func) (func $twice (param v128) (result v128) (i32x4.add (local.get 0) (local.get 0))))",
    );
    for (arguments, expected) in [
        (
            &["--target", "x86_64-linx-gnu"][..],
            &[
                "unknown target `x86_64-linx-gnu`",
                "did you mean `x86_64-unknown-linux-gnu`?",
                "s390x",
            ][..],
        ),
        (
            &["--target", "i686-unknown-linux-gnu"],
            &[
                "`i686-unknown-linux-gnu` is not supported",
                "`i686` has 32-bit addresses",
                "aarch64",
            ],
        ),
        (&["--target", "aarch64-linux-android"], &["is not supported", "no code for `android`"]),
        (&["--target", "riscv64-windows"], &["no code for windows on riscv64"]),
        (
            &["--target", "aarch64-linux", "--target-cpu", "haswell"],
            &["unknown target CPU `haswell` of aarch64", "neoverse-n1"],
        ),
        (
            &["--target", "aarch64-linux", "--target-cpu", "native"],
            &["`native` needs a target of this machine's kind", "aarch64-unknown-linux-gnu"],
        ),
        (
            &["--target", "s390x-linux", "--cpu-feature", "+avx2"],
            &["unknown CPU feature `avx2` of s390x", "mie3"],
        ),
        (&["--target", "riscv64-linux", "--cpu-feature=-d"], &["`d` cannot be left out"]),
    ] {
        let ended = directory.wootz(&[&["compile", "add.wat"], arguments].concat());
        ended.fails(1, expected);
    }
    directory.wootz(&["compile", "vector.wat", "--target", "riscv64-linux"]).fails(
        1,
        &["cannot compile `vector.wat`", "`simd`", "riscv64", "`--cpu-feature +v`", "at offset 0x"],
    );
    directory
        .wootz(&["compile", "vector.wat", "--target", "riscv64-linux", "--wasm-feature=-simd"])
        .fails(1, &["invalid WebAssembly module", "`simd`, which is switched off"]);
    let arguments = ["compile", "add.wat", "--prefix", "a"];
    directory.wootz(&arguments).fails(2, &["`--prefix` is for objects and archives"]);
    let arguments = ["compile", "add.wat", "--emit", "object", "--prefix", "wootz"];
    directory.wootz(&arguments).fails(1, &["the prefix `wootz` belongs to the library for C"]);
}
