//! Objects for every target are linked into a program in C, and run where this machine can: `cross/host.c` has no other
//! help than `docs/abi.md`, and so checks that what is written there is true.
//!
//! Linux's programs run under QEMU, those of Windows under Wine. What runs on macOS, or on Windows on AArch64, can only be
//! linked here.

use std::path::{Path, PathBuf};
use std::process::Command;

use wootz_compiler::{Emit, Options};
use wootz_tests::{has, programs, root, run, skipped};

/// A target, and what is needed to build and run a program for it.
struct Target {
    name: &'static str,
    /// A C compiler, and what it is told.
    compiler: Compiler,
    /// What runs the program; nothing if it cannot be run here.
    runner: Option<&'static [&'static str]>,
    /// What vectors need.
    vector_feature: Option<&'static str>,
}

enum Compiler {
    Program(&'static str),
    /// Zig's, for a target by its own name.
    Zig(&'static str),
}

const WINE: &[&str] = &["/usr/lib/wine/wine64"];

#[test]
fn x86_64_linux() {
    check(&Target {
        name: "x86_64-linux",
        compiler: Compiler::Program("cc"),
        runner: Some(&[]),
        vector_feature: None,
    });
}

#[test]
fn aarch64_linux() {
    check(&Target {
        name: "aarch64-linux",
        compiler: Compiler::Program("aarch64-linux-gnu-gcc"),
        runner: Some(&["qemu-aarch64-static"]),
        vector_feature: None,
    });
}

#[test]
fn riscv64_linux() {
    check(&Target {
        name: "riscv64-linux",
        compiler: Compiler::Program("riscv64-linux-gnu-gcc"),
        runner: Some(&["qemu-riscv64-static", "-cpu", "rv64,v=true,vext_spec=v1.0"]),
        vector_feature: Some("+v"),
    });
}

#[test]
fn s390x_linux() {
    check(&Target {
        name: "s390x-linux",
        compiler: Compiler::Program("s390x-linux-gnu-gcc"),
        runner: Some(&["qemu-s390x-static", "-cpu", "max"]),
        vector_feature: None,
    });
}

#[test]
fn x86_64_windows() {
    check(&Target {
        name: "x86_64-windows",
        compiler: Compiler::Program("x86_64-w64-mingw32-gcc"),
        runner: Some(WINE),
        vector_feature: None,
    });
}

#[test]
fn aarch64_windows() {
    check(&Target {
        name: "aarch64-windows",
        compiler: Compiler::Zig("aarch64-windows-gnu"),
        runner: None,
        vector_feature: None,
    });
}

#[test]
fn x86_64_macos() {
    check(&Target {
        name: "x86_64-macos",
        compiler: Compiler::Zig("x86_64-macos"),
        runner: None,
        vector_feature: None,
    });
}

#[test]
fn aarch64_macos() {
    check(&Target {
        name: "aarch64-macos",
        compiler: Compiler::Zig("aarch64-macos"),
        runner: None,
        vector_feature: None,
    });
}

fn check(target: &Target) {
    let name = target.name;
    let Some(mut compiler) = compiler(target) else { return };
    let needed = target.runner.and_then(|runner| runner.first());
    if let Some(program) = needed.filter(|program| !has(program) && !Path::new(program).exists()) {
        return skipped(name, &format!("`{program}` is missing"));
    }

    let folder = tempfile::tempdir().unwrap();
    // One as an object, the other as an archive: linkers take both.
    let guest = compile(target, "guest", Emit::Object, None, folder.path());
    let feature = target.vector_feature;
    let vectors = compile(target, "vectors", Emit::Archive, feature, folder.path());
    let program = folder.path().join("host.exe");
    let output = run(compiler
        .args([
            "-O2",
            "-funwind-tables",
            "-fno-omit-frame-pointer",
            "-DVECTORS",
            "-Wall",
            "-Wextra",
            "-Werror",
        ])
        .arg(root().join("tests/cross/host.c"))
        .args([&guest, &vectors])
        .arg("-o")
        .arg(&program));
    assert_eq!(output, "", "{name}: whoever compiles or links has something to say");

    let Some(runner) = target.runner else { return };
    let output = run(Command::new("timeout")
        // The first program that Wine runs waits until there is something that looks like Windows.
        .arg("120")
        .args(runner)
        .arg(&program)
        .env("WINEPREFIX", Path::new(env!("CARGO_TARGET_TMPDIR")).join("wine"))
        .env("WINEDEBUG", "-all"));
    let told: Vec<_> =
        output.lines().map(str::trim).filter(|line| !line.starts_with("wine: ")).collect();
    assert!(told.ends_with(&["all is well"]), "{name}:\n{output}");
}

/// The C compiler for a target, unless it is missing.
fn compiler(target: &Target) -> Option<Command> {
    match target.compiler {
        Compiler::Program(program) if has(program) => {
            let mut command = Command::new(program);
            command.arg("-static");
            Some(command)
        }
        Compiler::Program(program) => {
            skipped(target.name, &format!("`{program}` is missing"));
            None
        }
        Compiler::Zig(triple) => {
            let zig = programs().join("zig");
            if !zig.exists() {
                skipped(target.name, "zig is missing; `make -C tests/programs` fetches it");
                return None;
            }
            let mut command = Command::new(zig);
            command.args(["cc", "-target", triple]);
            Some(command)
        }
    }
}

/// Compiles a module of `cross/` for a target, and says where it is.
fn compile(
    target: &Target,
    module: &str,
    emit: Emit,
    feature: Option<&str>,
    folder: &Path,
) -> PathBuf {
    let wasm = wat::parse_file(root().join(format!("tests/cross/{module}.wat"))).unwrap();
    let mut options = Options {
        target: Some(target.name.to_string()),
        emit,
        prefix: Some(module.to_string()),
        cpu_features: feature.into_iter().map(|name| name.parse().unwrap()).collect(),
        verifier: true,
        ..Options::default()
    };
    options.features.set("wide-arithmetic", true).unwrap();
    let bytes = wootz_compiler::compile(&wasm, &options).unwrap();
    let extension = wootz_compiler::extension(emit, Some(target.name));
    let path = folder.join(format!("{module}.{extension}"));
    std::fs::write(&path, bytes).unwrap();
    path
}
