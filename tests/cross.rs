//! Objects for every target are linked into a program in C, and run where this machine can; so are shared libraries, which the
//! program loads. `cross/host.c` has no other help than `docs/abi.md`, and so checks that what is written there is true.
//!
//! Linux's programs run under QEMU, those of Windows under Wine. Programs for macOS, or for Windows on AArch64, can only be
//! linked here; but libraries for macOS are run by a program for Linux, which brings a loader for them.

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

const X86_64_LINUX: Target = Target {
    name: "x86_64-linux",
    compiler: Compiler::Program("cc"),
    runner: Some(&[]),
    vector_feature: None,
};

const AARCH64_LINUX: Target = Target {
    name: "aarch64-linux",
    compiler: Compiler::Program("aarch64-linux-gnu-gcc"),
    runner: Some(&["qemu-aarch64-static"]),
    vector_feature: None,
};

const RISCV64_LINUX: Target = Target {
    name: "riscv64-linux",
    compiler: Compiler::Program("riscv64-linux-gnu-gcc"),
    runner: Some(&["qemu-riscv64-static", "-cpu", "rv64,v=true,vext_spec=v1.0"]),
    vector_feature: Some("+v"),
};

const S390X_LINUX: Target = Target {
    name: "s390x-linux",
    compiler: Compiler::Program("s390x-linux-gnu-gcc"),
    runner: Some(&["qemu-s390x-static", "-cpu", "max"]),
    vector_feature: None,
};

const X86_64_WINDOWS: Target = Target {
    name: "x86_64-windows",
    compiler: Compiler::Program("x86_64-w64-mingw32-gcc"),
    runner: Some(WINE),
    vector_feature: None,
};

const AARCH64_WINDOWS: Target = Target {
    name: "aarch64-windows",
    compiler: Compiler::Zig("aarch64-windows-gnu"),
    runner: None,
    vector_feature: None,
};

const X86_64_MACOS: Target = Target {
    name: "x86_64-macos",
    compiler: Compiler::Zig("x86_64-macos"),
    runner: None,
    vector_feature: None,
};

const AARCH64_MACOS: Target = Target {
    name: "aarch64-macos",
    compiler: Compiler::Zig("aarch64-macos"),
    runner: None,
    vector_feature: None,
};

#[test]
fn x86_64_linux() {
    check(&X86_64_LINUX);
}

#[test]
fn aarch64_linux() {
    check(&AARCH64_LINUX);
}

#[test]
fn riscv64_linux() {
    check(&RISCV64_LINUX);
}

#[test]
fn s390x_linux() {
    check(&S390X_LINUX);
}

#[test]
fn x86_64_windows() {
    check(&X86_64_WINDOWS);
}

#[test]
fn aarch64_windows() {
    check(&AARCH64_WINDOWS);
}

#[test]
fn x86_64_macos() {
    check(&X86_64_MACOS);
}

#[test]
fn aarch64_macos() {
    check(&AARCH64_MACOS);
}

#[test]
fn x86_64_linux_libraries() {
    check_libraries(&X86_64_LINUX);
}

#[test]
fn aarch64_linux_libraries() {
    check_libraries(&AARCH64_LINUX);
}

#[test]
fn riscv64_linux_libraries() {
    check_libraries(&RISCV64_LINUX);
}

#[test]
fn s390x_linux_libraries() {
    check_libraries(&S390X_LINUX);
}

#[test]
fn x86_64_windows_libraries() {
    check_libraries(&X86_64_WINDOWS);
}

#[test]
fn x86_64_macos_libraries() {
    check_libraries(&Target { name: "x86_64-macos", ..X86_64_LINUX });
}

#[test]
fn aarch64_macos_libraries() {
    check_libraries(&Target { name: "aarch64-macos", ..AARCH64_LINUX });
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
    let guest = compile(target, "guest", Emit::Object, folder.path());
    let vectors = compile(target, "vectors", Emit::Archive, folder.path());
    let program = folder.path().join("host.exe");
    if matches!(target.compiler, Compiler::Program(_)) {
        compiler.arg("-static");
    }
    build(target, compiler.args([&guest, &vectors]), &program);
    run_host(target, &program, &[]);
}

/// The same with shared libraries, where the program can be run that loads them.
fn check_libraries(target: &Target) {
    let Some(mut compiler) = compiler(target) else { return };
    let program = target.runner.expect("it can be run").first();
    if let Some(program) = program.filter(|program| !has(program) && !Path::new(program).exists()) {
        return skipped(target.name, &format!("`{program}` is missing"));
    }
    let folder = tempfile::tempdir().unwrap();
    let guest = compile(target, "guest", Emit::SharedLibrary, folder.path());
    let vectors = compile(target, "vectors", Emit::SharedLibrary, folder.path());
    let program = folder.path().join("host.exe");
    if target.name.ends_with("macos") {
        compiler.arg("-DMACHO_LOADER").arg(root().join("tests/cross/macho_loader.c"));
    }
    build(target, compiler.arg("-DLIBRARY"), &program);
    run_host(target, &program, &[&guest, &vectors]);
}

/// Builds the host, with nothing to say.
fn build(target: &Target, compiler: &mut Command, program: &Path) {
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
        .arg("-o")
        .arg(program));
    assert_eq!(output, "", "{}: whoever compiles or links has something to say", target.name);
}

/// Runs the host, if that is possible here.
fn run_host(target: &Target, program: &Path, arguments: &[&Path]) {
    let Some(runner) = target.runner else { return };
    let mut command = Command::new("timeout");
    // The first program that Wine runs waits until there is something that looks like Windows.
    command.arg("120").args(runner).arg(program).args(arguments);
    if let Compiler::Program(compiler) = target.compiler {
        // Where QEMU finds the target's own libraries.
        let system = compiler.strip_suffix("-gcc").unwrap_or_default();
        command.env("QEMU_LD_PREFIX", Path::new("/usr").join(system));
    }
    let output = run(command
        .env("WINEPREFIX", Path::new(env!("CARGO_TARGET_TMPDIR")).join("wine"))
        .env("WINEDEBUG", "-all"));
    let told: Vec<_> =
        output.lines().map(str::trim).filter(|line| !line.starts_with("wine: ")).collect();
    assert!(told.ends_with(&["all is well"]), "{}:\n{output}", target.name);
}

/// The C compiler for a target with the host, unless it is missing.
fn compiler(target: &Target) -> Option<Command> {
    let mut command = match target.compiler {
        Compiler::Program(program) if has(program) => Command::new(program),
        Compiler::Program(program) => {
            skipped(target.name, &format!("`{program}` is missing"));
            return None;
        }
        Compiler::Zig(triple) => {
            let zig = programs().join("zig");
            if !zig.exists() {
                skipped(target.name, "zig is missing; `make -C tests/programs` fetches it");
                return None;
            }
            let mut command = Command::new(zig);
            command.args(["cc", "-target", triple]);
            command
        }
    };
    command.arg(root().join("tests/cross/host.c"));
    Some(command)
}

/// Compiles a module of `cross/` for a target, and says where it is.
fn compile(target: &Target, module: &str, emit: Emit, folder: &Path) -> PathBuf {
    let wasm = wat::parse_file(root().join(format!("tests/cross/{module}.wat"))).unwrap();
    let feature = target.vector_feature.filter(|_| module == "vectors");
    let mut options = Options {
        target: Some(target.name.to_string()),
        emit,
        // In a library, the descriptor is alone.
        prefix: (emit != Emit::SharedLibrary).then(|| module.to_string()),
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
