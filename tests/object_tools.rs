//! What other people's tools say of our files: they read, link and strip them without a word.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wootz_compiler::{DebugInfo, Emit, Options};
use wootz_tests::{examples, has, run, skipped};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// Both files of an example program, in a folder.
struct Files {
    folder: TempDir,
    shared: PathBuf,
    object: PathBuf,
}

fn files() -> Files {
    files_with(None)
}

/// The same, with debug information.
fn files_for_debuggers() -> Files {
    files_with(Some(DebugInfo::default()))
}

fn files_with(debug_info: Option<DebugInfo>) -> Files {
    let example = examples()
        .into_iter()
        .find(|path| path.ends_with("crash.wasm"))
        .expect("the example is checked in");
    let wasm = std::fs::read(example).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, emit| {
        let path = folder.path().join(name);
        let options = Options { emit, debug_info: debug_info.clone(), ..Options::default() };
        std::fs::write(&path, wootz_compiler::compile(&wasm, &options).unwrap()).unwrap();
        path
    };
    let (shared, object) = (write("crash.so", Emit::SharedLibrary), write("crash.o", Emit::Object));
    Files { folder, shared, object }
}

/// Whether one of some tools is missing.
fn missing(test: &str, tools: &[&str]) -> bool {
    let missing = tools.iter().find(|tool| !has(tool));
    if let Some(tool) = missing {
        skipped(test, &format!("`{tool}` is missing"));
    }
    missing.is_some()
}

fn readelf(arguments: &str, file: &Path) -> String {
    run(Command::new("readelf").args(arguments.split(' ')).arg(file))
}

#[test]
fn readelf_has_no_complaints() {
    if missing("readelf", &["readelf"]) {
        return;
    }
    let (files, debugged) = (files(), files_for_debuggers());
    for file in [&files.shared, &files.object, &debugged.shared, &debugged.object] {
        for arguments in [
            "-aW",
            "-W --debug-dump=frames",
            "-W --debug-dump=frames-interp",
            "-W --section-details",
            "-W --debug-dump=info,abbrev,decodedline,str,Ranges,loc",
        ] {
            let text = readelf(arguments, file);
            let complaint = text.lines().find(|line| {
                ["readelf: ", "<corrupt", "<unknown", "unrecognized"]
                    .iter()
                    .any(|word| line.contains(word))
            });
            assert_eq!(complaint, None, "readelf {arguments} {}:\n{text}", file.display());
        }
    }
}

#[test]
fn the_library_needs_nothing_and_is_never_writable_code() {
    if missing("the library's headers", &["readelf"]) {
        return;
    }
    for files in [files(), files_for_debuggers()] {
        needs_nothing(&files);
    }
}

fn needs_nothing(files: &Files) {
    let text = readelf("-lW", &files.shared);
    let loaded: Vec<_> =
        text.lines().filter(|line| line.trim_start().starts_with("LOAD")).collect();
    assert!(loaded.len() >= 2, "{text}");
    assert_eq!(loaded.iter().filter(|line| line.contains(" R E ")).count(), 1, "{text}");
    assert!(
        !text.contains("RWE") && !text.contains(" WE "),
        "something is writable and executable:\n{text}"
    );
    assert!(text.contains("GNU_STACK"), "without this header the stack is executable:\n{text}");
    // What is writable is so only until the dynamic linker has seen it, but for the cell for traps and what is beside it.
    let writable = loaded.iter().filter(|line| line.contains(" RW "));
    let cells = usize::from(text.contains(" .data.wootz"));
    assert_eq!(
        writable.count(),
        text.lines().filter(|line| line.contains("GNU_RELRO")).count() + cells,
        "{text}"
    );

    let text = readelf("-rW", &files.shared);
    assert!(text.contains("There are no relocations in this file"), "{text}");

    let text = readelf("-dW", &files.shared);
    for word in ["NEEDED", "TEXTREL", "RELA", "JMPREL", "INIT", "FINI"] {
        assert!(!text.contains(word), "{word}:\n{text}");
    }
    assert!(readelf("-nW", &files.shared).contains("Build ID: "));

    for file in [&files.shared, &files.object] {
        let text = readelf("-sW", file);
        let undefined = text
            .lines()
            .filter(|line| line.contains(" UND ") && !line.contains(" 0: 0000000000000000 "));
        assert_eq!(undefined.count(), 0, "{text}");
    }
}

#[test]
fn nm_shows_functions_by_their_names() {
    if missing("nm", &["nm"]) {
        return;
    }
    let files = files();
    for file in [&files.shared, &files.object] {
        let text = run(Command::new("nm").arg(file));
        for name in ["strerror", "vfprintf", "_start"] {
            let found = text.lines().any(|line| {
                line.ends_with(&format!(" t {name}")) || line.ends_with(&format!(" T {name}"))
            });
            assert!(found, "{name}:\n{text}");
        }
    }
    let text = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&files.shared));
    let names: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(names, ["wootz_module"], "a library exports its descriptor, and nothing else");
}

#[test]
fn linkers_take_the_object() {
    if missing("linking", &["ld", "cc"]) {
        return;
    }
    let files = files();
    let out = |name: &str| files.folder.path().join(name);
    let again = out("again.o");
    let text = run(Command::new("ld").arg("-r").arg(&files.object).arg("-o").arg(&again));
    assert_eq!(text, "");
    for (object, name) in [(&files.object, "one.so"), (&again, "two.so")] {
        let library = out(name);
        let text = run(Command::new("cc")
            .args([
                "-shared",
                "-nostdlib",
                "-Wl,--fatal-warnings",
                "-Wl,-z,text",
                "-Wl,-z,defs",
                "-Wl,--build-id",
            ])
            .arg(object)
            .arg("-o")
            .arg(&library));
        assert_eq!(text, "");
        runs(&library);
    }
}

#[test]
fn bindings_are_those_of_one_module_of_several() {
    if missing("bindings of one module of several", &["ld"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let object = |prefix: &str| {
        let text = format!(r#"(module (func (export "only_in_{prefix}")))"#);
        let options =
            Options { emit: Emit::Object, prefix: Some(prefix.to_string()), ..Options::default() };
        let path = folder.path().join(prefix).with_extension("o");
        let wasm = wat::parse_str(text).unwrap();
        std::fs::write(&path, wootz_compiler::compile(&wasm, &options).unwrap()).unwrap();
        path
    };
    let both = folder.path().join("both.o");
    run(Command::new("ld").arg("-r").args([object("one"), object("two")]).arg("-o").arg(&both));
    let bindgen = || {
        let mut command = Command::new(WOOTZ);
        command.arg("bindgen").arg(&both).args(["--lang", "rust"]);
        command
    };
    let output = bindgen().output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("`one_wootz_module` and `two_wootz_module`"), "{error}");
    let text = run(bindgen().args(["--module", "two_wootz_module"]));
    assert!(text.contains("fn only_in_two(") && !text.contains("only_in_one"), "{text}");
}

#[test]
fn a_stripped_library_still_runs() {
    if missing("strip", &["strip"]) {
        return;
    }
    for files in [files(), files_for_debuggers()] {
        strips(&files);
    }
}

fn strips(files: &Files) {
    runs(&files.shared);
    for (arguments, name) in [(&[][..], "stripped.so"), (&["-g"][..], "without-debug.so")] {
        let stripped = files.folder.path().join(name);
        let text =
            run(Command::new("strip").args(arguments).arg(&files.shared).arg("-o").arg(&stripped));
        assert_eq!(text, "");
        runs(&stripped);
    }
    let object = files.folder.path().join("without-debug.o");
    assert_eq!(run(Command::new("strip").arg("-g").arg(&files.object).arg("-o").arg(&object)), "");
}

/// Valgrind runs on a processor of its own, and refuses some of what systems offer.
#[test]
fn valgrind_runs_a_guest_and_names_its_functions() {
    if missing("valgrind", &["valgrind"]) {
        return;
    }
    let files = files();
    let counts = files.folder.path().join("counts");
    let output = run(Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(env!("CARGO_BIN_EXE_wootz-under-test"))
        .arg("run")
        .arg(&files.shared));
    assert_eq!(output, "no trap, the result is 32\n");
    let counts = std::fs::read_to_string(counts).unwrap();
    assert!(counts.contains("crash.so"), "valgrind saw no code in the library");
    assert!(counts.contains(" inner"), "valgrind does not know the function's name");
}

/// Runs the program in a library, which must say that nothing went wrong.
fn runs(library: &Path) {
    let text = run(Command::new(env!("CARGO_BIN_EXE_wootz-under-test")).arg("run").arg(library));
    assert_eq!(text, "no trap, the result is 32\n", "{}", library.display());
}
