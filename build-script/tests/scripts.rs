//! Build scripts, run as Cargo runs them.
//!
//! Each is this program once more, told by a variable which script it is to be.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use object::read::archive::ArchiveFile;
use object::{Object, ObjectSymbol};
use tempfile::TempDir;
use wootz_build::Builder;

const MODULE: &str = r#"(module
    (import "env" "log" (func $log (param i32)))
    (func (export "run") (param i32) (call $log (local.get 0))))"#;

/// What a build script does.
#[test]
#[ignore = "for other tests to run"]
fn script() -> wootz_build::Result<()> {
    let Ok(script) = std::env::var("SCRIPT") else { return Ok(()) };
    match script.as_str() {
        "plain" => wootz_build::compile("src/my-plugin.wat"),
        "twice" => {
            Builder::new().source("src/my-plugin.wat").name("one").compile()?;
            Builder::new().source("src/other.wat").name("one").compile()
        }
        "two" => {
            wootz_build::compile("src/my-plugin.wat")?;
            wootz_build::compile("src/other.wat")
        }
        "named" => Builder::new().source("src/my-plugin.wat").name("my-name").compile(),
        "prefix" => Builder::new().source("src/other.wat").prefix("1st").compile(),
        "cpu" => Builder::new().source("src/other.wat").target_cpu("z80").compile(),
        "gone" => wootz_build::compile("src/gone.wat"),
        "malformed" => wootz_build::compile("src/malformed.wat"),
        "invalid" => wootz_build::compile("src/invalid.wat"),
        other => panic!("no script `{other}`"),
    }
}

/// A crate, and the variables that Cargo sets for its build script.
struct Crate {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Crate {
    fn new() -> Crate {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["src", "out"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        for (name, text) in [
            ("my-plugin", MODULE),
            ("other", "(module (func (export \"f\")))"),
            ("malformed", "(module\n  (func $f)\n  (hello))"),
            ("invalid", "(module (func (result i32) i64.const 0))"),
        ] {
            std::fs::write(path(&format!("src/{name}.wat")), text).unwrap();
        }
        let variables = vec![
            ("OUT_DIR", path("out").display().to_string()),
            ("CARGO_MANIFEST_DIR", folder.path().display().to_string()),
            ("CARGO_PKG_NAME", "my-crate".to_string()),
            ("CARGO_PKG_VERSION", "0.1.0".to_string()),
            ("TARGET", "x86_64-unknown-linux-gnu".to_string()),
            ("CARGO_CFG_TARGET_ARCH", "x86_64".to_string()),
            ("CARGO_CFG_TARGET_FEATURE", "fxsr,sse,sse2".to_string()),
            ("CARGO_CFG_TARGET_ENV", "gnu".to_string()),
            ("OPT_LEVEL", "0".to_string()),
            ("DEBUG", "true".to_string()),
            ("NUM_JOBS", "2".to_string()),
        ];
        Crate { folder, variables }
    }

    /// With another value of one variable.
    fn with(mut self, name: &str, value: &str) -> Crate {
        let found = self.variables.iter_mut().find(|(known, _)| *known == name);
        found.expect("a variable of Cargo's").1 = value.to_string();
        self
    }

    fn run(&self, script: &str) -> Output {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "script", "--ignored", "--nocapture", "--quiet"]);
        // Cargo says other things to the program that this test is in.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO") || name.starts_with("RUST") {
                command.env_remove(&*name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("SCRIPT", script).output().unwrap()
    }

    /// Runs a script that succeeds, and returns what it tells Cargo.
    fn succeeds(&self, script: &str) -> Vec<String> {
        let output = self.run(script);
        assert!(output.status.success(), "{output:?}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        // The first line may begin behind words of the harness.
        let told = |line: &str| line.find("cargo:").map(|at| line[at..].to_string());
        stdout.lines().filter_map(told).collect()
    }

    /// Runs a script that fails, with an error that is readable and has these words.
    fn fails(&self, script: &str, words: &[&str]) {
        let output = self.run(script);
        assert!(!output.status.success(), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let error = stderr.split_once("Error: ").map(|(_, error)| error);
        let error = error.unwrap_or_else(|| panic!("no error in {output:?}"));
        for word in words {
            assert!(error.contains(word), "no `{word}` in {error}");
        }
        assert!(!error.contains("panicked"), "{error}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names and contents of the files in `OUT_DIR`, sorted.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.path("out")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let mut files: Vec<_> =
            paths.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect();
        files.sort();
        files
    }
}

#[test]
fn cargo_is_told_what_to_link_and_when_to_come_back() {
    let package = Crate::new();
    let told = package.succeeds("plain");
    let files = package.files();
    let [(archive, bytes), (bindings, text)] = &files[..] else { panic!("{files:?}") };
    assert_eq!(bindings, "my_plugin.rs");
    let library = archive.strip_prefix("lib").and_then(|name| name.strip_suffix(".a")).unwrap();
    assert!(library.starts_with("my_crate_0_1_0_my_plugin_"), "{library}");
    assert_eq!(
        told,
        [
            format!("cargo:rerun-if-changed={}", package.path("src/my-plugin.wat").display()),
            format!("cargo:rustc-link-search=native={}", package.path("out").display()),
            format!("cargo:rustc-link-lib=static={library}"),
        ]
    );

    let descriptor = format!("{library}_wootz_module");
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.contains("pub struct MyPlugin {") && text.contains(&descriptor), "{text}");
    let archive = ArchiveFile::parse(&**bytes).unwrap();
    let members: Vec<_> = archive.members().map(Result::unwrap).collect();
    assert_eq!(members.len(), 1);
    let object = object::File::parse(members[0].data(&**bytes).unwrap()).unwrap();
    assert_eq!(object.architecture(), object::Architecture::X86_64);
    for symbol in [&descriptor, &format!("{library}_run")] {
        let found = object.symbols().find(|found| found.name() == Ok(symbol));
        assert!(found.is_some_and(|found| found.is_global()), "no {symbol}");
    }
    let mut indexed = archive.symbols().unwrap().expect("an index of symbols");
    assert!(indexed.any(|symbol| symbol.unwrap().name() == descriptor.as_bytes()));
}

#[test]
fn other_machines_get_what_is_for_them() {
    use object::{Architecture, BinaryFormat};
    for (target, architecture, features, env, expected) in [
        ("aarch64-unknown-linux-gnu", "aarch64", "neon,lse", "gnu", BinaryFormat::Elf),
        ("aarch64-apple-darwin", "aarch64", "neon,aes", "", BinaryFormat::MachO),
        ("riscv64gc-unknown-linux-gnu", "riscv64", "a,c,d,f,m", "gnu", BinaryFormat::Elf),
        ("s390x-unknown-linux-gnu", "s390x", "vector", "gnu", BinaryFormat::Elf),
        ("x86_64-pc-windows-msvc", "x86_64", "sse3,cmpxchg16b", "msvc", BinaryFormat::Coff),
        ("x86_64-pc-windows-gnu", "x86_64", "sse,sse2", "gnu", BinaryFormat::Coff),
    ] {
        let package = Crate::new()
            .with("TARGET", target)
            .with("CARGO_CFG_TARGET_ARCH", architecture)
            .with("CARGO_CFG_TARGET_FEATURE", features)
            .with("CARGO_CFG_TARGET_ENV", env);
        package.succeeds("plain");
        let is_library = |name: &str| name.ends_with(if env == "msvc" { ".lib" } else { ".a" });
        let files = package.files();
        let (_, bytes) = files.iter().find(|(name, _)| is_library(name)).expect("a library");
        let archive = ArchiveFile::parse(&**bytes).unwrap();
        let member = archive.members().next().unwrap().unwrap();
        let object = object::File::parse(member.data(&**bytes).unwrap()).unwrap();
        let found = match object.architecture() {
            Architecture::Aarch64 => "aarch64",
            Architecture::Riscv64 => "riscv64",
            Architecture::S390x => "s390x",
            Architecture::X86_64 => "x86_64",
            _ => "something else",
        };
        assert_eq!((found, object.format()), (architecture, expected), "{target}");
    }
}

#[test]
fn the_same_source_has_the_same_files_wherever_it_is() {
    let crates = [Crate::new(), Crate::new()];
    let [one, other] = crates.each_ref().map(|package| {
        package.succeeds("two");
        package.files()
    });
    assert_eq!(one.len(), 4);
    assert!(one == other);
}

#[test]
fn files_change_with_what_cargo_says() {
    let archive = |package: Crate| {
        package.succeeds("plain");
        package.files().swap_remove(0).1
    };
    let first = archive(Crate::new());
    assert_ne!(first, archive(Crate::new().with("OPT_LEVEL", "3")));
    assert_ne!(first, archive(Crate::new().with("CARGO_CFG_TARGET_FEATURE", "avx,avx2")));
}

#[test]
fn what_is_wrong_is_told() {
    let package = Crate::new();
    let gone = package.path("src/gone.wat").display().to_string();
    package.fails("gone", &["`src/gone.wat`", &gone, "No such file"]);
    package.fails("malformed", &["`src/malformed.wat` is malformed", "malformed.wat:3:"]);
    package.fails("invalid", &["cannot compile `src/invalid.wat`", "type mismatch"]);
    package.fails("named", &["`my-name`"]);
    package.fails("prefix", &["cannot compile `src/other.wat`", "`1st`"]);
    package.fails("cpu", &["cannot compile `src/other.wat`", "`z80`"]);
    assert!(package.files().is_empty());
    package.fails("twice", &["two modules of the name `one`"]);
}

#[test]
fn only_cargo_runs_build_scripts() {
    for name in ["OUT_DIR", "TARGET", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
        let mut package = Crate::new();
        package.variables.retain(|(known, _)| *known != name);
        package.fails("plain", &[&format!("`{name}` is not set"), "build.rs"]);
    }
    let package = Crate::new().with("OPT_LEVEL", "fast");
    package.fails("plain", &["`OPT_LEVEL` is `fast`", "expected"]);
    let package = Crate::new().with("TARGET", "z80-unknown-none");
    package.fails("plain", &["cannot compile `src/my-plugin.wat`", "z80"]);
    let missing = package.path("gone").display().to_string();
    let package = Crate::new().with("OUT_DIR", &missing);
    package.fails("plain", &["cannot write", &missing]);
}
