//! What is compiled for another machine runs there, with the loader of that machine: parts of the specification's suite, and
//! the guests of `emulated/`, as ELF files under QEMU, and as DLLs under Wine.
//!
//! Everything is compiled here, because a compiler takes long to be compiled for four machines. `make test-cross` runs all
//! tests there, compiler and all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wootz::{Config, Engine, Instance, Module, Result, Store};
use wootz_cli::wast::HereAndNow;
use wootz_emulated::{SETTINGS, failures, module_path};
use wootz_tests::suite::{self, Folder};
use wootz_tests::{emulation, examples, root, run, skipped, stem};
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

/// The scripts that always run: each family of operators, and what depends on machines and systems most.
const CHOSEN: &[(&str, &str)] = &[
    (
        "v3",
        "address align br_table call call_indirect conversions elem endianness f32 f64 fac \
        float_literals float_memory global i32 i64 left-to-right linking load memory_grow \
        memory_trap names ref_func select skip-stack-guard-page start store table_grow traps unwind",
    ),
    ("bulk-memory", "bulk memory_copy table_copy"),
    (
        "simd",
        "simd_bitwise simd_conversions simd_i32x4_trunc_sat_f64x2 simd_lane simd_load simd_select \
            simd_splat simd_store32_lane",
    ),
    ("relaxed-simd", "relaxed_madd_nmadd i8x16_relaxed_swizzle"),
    ("tail-call", "return_call return_call_indirect"),
    ("memory64", "address64 memory_trap64"),
    ("multi-memory", "memory_copy1 load2"),
    ("custom-page-sizes", "custom-page-sizes"),
    ("wide-arithmetic", "wide-arithmetic"),
];

/// The suite, or what is chosen of it.
fn folders() -> Vec<Folder> {
    let mut folders = suite::folders();
    if emulation::wants_all() {
        return folders;
    }
    folders.retain_mut(|folder| {
        let chosen = CHOSEN.iter().find(|(name, _)| *name == folder.name);
        let chosen: Vec<_> =
            chosen.iter().flat_map(|(_, names)| names.split_whitespace()).collect();
        folder.files.retain(|file| chosen.contains(&file.name().trim_end_matches(".wast")));
        assert_eq!(folder.files.len(), chosen.len(), "one of {chosen:?} is missing");
        !chosen.is_empty()
    });
    assert_eq!(folders.len(), CHOSEN.len());
    folders
}

/// Compiles the modules of a script for here, and for elsewhere.
struct Recorder<'a> {
    folder: &'a Path,
    elsewhere: Engine,
}

impl Compiler for Recorder<'_> {
    fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Module> {
        let artifact = self.elsewhere.precompile_module(wasm)?;
        fs::write(module_path(self.folder, wasm), artifact)?;
        Module::new(engine, wasm)
    }

    fn check_custom_sections(&self, wasm: &[u8]) -> Result<()> {
        HereAndNow.check_custom_sections(wasm)
    }
}

/// `pages` are the sizes of pages to try, in bytes, or what is usual there.
fn check(target: &str, triple: &str, vectors: Option<&str>, pages: &[Option<u32>]) {
    let Some(program) = emulation::program(triple) else {
        return skipped(target, "its test program is missing; `make emulated` builds it");
    };
    let folder = tempfile::tempdir().unwrap();
    compile(folder.path(), target, vectors);
    for bytes in pages {
        let mut command = Command::new("timeout");
        if let Some(bytes) = bytes {
            command.env("EMULATED_PRELOAD", larger_pages(folder.path(), target));
            command.env("EMULATED_PAGE_BYTES", bytes.to_string());
        }
        let output = run(command
            .args([if emulation::wants_all() { "3000" } else { "300" }, "sh"])
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
    for Folder { name, adapt, files } in folders() {
        for (setting, set) in SETTINGS {
            let group = folder.join("scripts").join(name);
            let folder = group.join(setting);
            fs::create_dir_all(&folder).unwrap();
            let set = |config: &mut Config| {
                adapt(config);
                set(config);
            };
            let here = engine(&set);
            let elsewhere = engine(&|config| {
                set(config);
                elsewhere(config);
            });
            let recorder = Recorder { folder: &folder, elsewhere };
            for file in &files {
                fs::write(group.join(file.name()), file.raw()).unwrap();
                let outcome = wootz_wast::run(&here, &recorder, file.raw(), |_| ());
                let path = folder.join(file.name()).with_extension("txt");
                fs::write(path, failures(&outcome)).unwrap();
            }
        }
    }
    for (guest, name, set) in [
        ("calls", "calls", (|_| ()) as fn(&mut Config)),
        ("host", "host", |_| ()),
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
    let ahead = wat::parse_file(root().join("tests/emulated/guests/ahead.wat")).unwrap();
    let artifact = engine(&elsewhere).precompile_module(&ahead).unwrap();
    fs::write(folder.join("guests/ahead"), artifact).unwrap();
    fs::write(folder.join("expected/ahead"), one_turn_at_a_time(&ahead).to_string()).unwrap();
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

/// What loops leave that make one turn at a time, here.
fn one_turn_at_a_time(wasm: &[u8]) -> i64 {
    let mut config = Config::new();
    config.skip_optimisation("scans").skip_optimisation("copies");
    let engine = Engine::new(&config).unwrap();
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, wasm).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let sum = instance.get_typed_func::<(), i64>(&mut store, "sum").unwrap();
    sum.call(&mut store, ()).unwrap()
}
