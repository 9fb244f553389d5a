//! What other people's tools say of files for other systems than this one: they read, link, strip and unpack them without a
//! word.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wootz_compiler::{DebugInfo, Emit, Options};
use wootz_tests::{examples, has, programs, root, run, skipped};

/// An example program for a target, as an object and as an archive, in a folder.
struct Files {
    folder: TempDir,
    target: &'static str,
    object: PathBuf,
    archive: PathBuf,
}

/// Compiles an example program for a target, and says where it is.
fn compile(target: &str, emit: Emit, prefix: Option<&str>, folder: &Path) -> PathBuf {
    let example = examples().into_iter().find(|path| path.ends_with("crash.wasm"));
    let wasm = std::fs::read(example.expect("the example is checked in")).unwrap();
    let extension = wootz_compiler::extension(emit, Some(target));
    let path = folder.join(format!("crash.{extension}"));
    let prefix = prefix.map(str::to_string);
    let options = Options { target: Some(target.into()), emit, prefix, ..Options::default() };
    std::fs::write(&path, wootz_compiler::compile(&wasm, &options).unwrap()).unwrap();
    path
}

impl Files {
    fn new(target: &'static str) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let write = |emit| compile(target, emit, Some("crash"), folder.path());
        let (object, archive) = (write(Emit::Object), write(Emit::Archive));
        Files { folder, target, object, archive }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a tool that must have nothing to say, if it is there.
    fn silent(&self, program: &str, arguments: &[&str], files: &[&Path]) {
        if !has(program) {
            return skipped(self.target, &format!("`{program}` is missing"));
        }
        let output = run(Command::new(program).args(arguments).args(files));
        assert_eq!(output, "", "{}: {program} {arguments:?}", self.target);
    }

    /// What a tool says, which must be no complaint; empty if it is missing.
    fn told(&self, program: &str, arguments: &[&str], file: &Path) -> String {
        if !has(program) {
            skipped(self.target, &format!("`{program}` is missing"));
            return String::new();
        }
        let output = Command::new(program).args(arguments).arg(file).output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(complaints, "", "{}: {program} {arguments:?}", self.target);
        assert!(output.status.success(), "{}: {program} {arguments:?}", self.target);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // Who disassembles meets constants too, which lie between functions.
        let is_complaint = |line: &&str| {
            let words = ["<corrupt", "<unknown", "unrecognized"];
            !arguments.contains(&"-d") && words.iter().any(|word| line.contains(word))
        };
        assert_eq!(text.lines().find(is_complaint), None, "{}: {program}:\n{text}", self.target);
        text
    }
}

/// Fails unless a text has all of these words; texts of tools that are missing are empty.
fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.is_empty() || text.contains(word), "`{word}` is missing:\n{text}");
    }
}

/// Each of Linux's machines has tools of its own.
#[test]
fn elf() {
    for (target, tools) in [
        ("x86_64-linux", "x86_64-linux-gnu-"),
        ("aarch64-linux", "aarch64-linux-gnu-"),
        ("riscv64-linux", "riscv64-linux-gnu-"),
        ("s390x-linux", "s390x-linux-gnu-"),
    ] {
        let files = Files::new(target);
        let tool = |name: &str| format!("{tools}{name}");
        let text = files.told(&tool("readelf"), &["-aW", "--debug-dump=frames"], &files.object);
        contains(&text, &["crash_wootz_module", "inner", "FDE"]);
        contains(&files.told(&tool("objdump"), &["-d"], &files.object), &["<inner>"]);
        contains(&files.told(&tool("ar"), &["t"], &files.archive), &["crash_wootz_module.o"]);
        contains(&files.told(&tool("nm"), &["-s"], &files.archive), &["crash_wootz_module in"]);

        let again = files.out("again.o");
        let output = |path: &Path| path.display().to_string();
        files.silent(&tool("ld"), &["-r", "-o", &output(&again)], &[&files.object]);
        let mold = has("mold").then(|| ("mold".to_string(), "mold.so"));
        let linkers = [(tool("ld"), "gnu.so"), ("ld.lld-19".to_string(), "llvm.so")];
        for (linker, name) in linkers.into_iter().chain(mold) {
            let library = files.out(name);
            let arguments = ["-shared", "--fatal-warnings", "-z", "text", "-z", "defs"];
            let path = output(&library);
            let arguments = [&arguments[..], &["-o", &path]].concat();
            files.silent(&linker, &arguments, &[&again]);
            let arguments = [&arguments[..], &["--whole-archive"]].concat();
            files.silent(&linker, &arguments, &[&files.archive]);
            if library.exists() {
                let text = files.told(&tool("readelf"), &["-rW"], &library);
                contains(&text, &["There are no relocations in this file"]);
            }
        }
        let stripped = files.out("stripped.o");
        files.silent(&tool("strip"), &["-g", "-o", &output(&stripped)], &[&files.object]);
        files.silent(&tool("objcopy"), &["--only-keep-debug"], &[&files.object, &stripped]);
    }
}

#[test]
fn coff() {
    for (target, machine) in [("x86_64-windows", "x64"), ("aarch64-windows", "arm64")] {
        let files = Files::new(target);
        let text = files.told("llvm-readobj-19", &["--all", "--unwind"], &files.object);
        contains(
            &text,
            &[
                "Name: crash_wootz_module",
                "StorageClass: External",
                "Name: inner",
                "RuntimeFunction",
            ],
        );
        let text = files.told("llvm-objdump-19", &["-d", "--all-headers"], &files.object);
        contains(&text, &["<inner>:", ".pdata", ".xdata"]);
        contains(&files.told("llvm-ar-19", &["t"], &files.archive), &["crash_wootz_module.obj"]);
        for (file, name) in [(&files.object, "object.dll"), (&files.archive, "archive.dll")] {
            let library = files.out(name);
            let arguments = [
                "/dll",
                "/noentry",
                "/nodefaultlib",
                "/wx",
                &format!("/machine:{machine}"),
                "/export:crash_wootz_module,DATA",
                &format!("/out:{}", library.display()),
            ];
            if has("lld-link-19") {
                let output = run(Command::new("lld-link-19").args(arguments).arg(file));
                assert_eq!(output, "", "{target}");
                let text =
                    files.told("llvm-readobj-19", &["--unwind", "--coff-basereloc"], &library);
                contains(&text, &["RuntimeFunction"]);
                assert!(
                    !text.contains("Type: DIR64"),
                    "{target}: something has to be relocated:\n{text}"
                );
            } else {
                skipped(target, "`lld-link-19` is missing");
            }
        }
    }
    // And the other tools for Windows.
    let files = Files::new("x86_64-windows");
    contains(
        &files.told("x86_64-w64-mingw32-objdump", &["-x"], &files.object),
        &["crash_wootz_module"],
    );
    let again = files.out("again.obj").display().to_string();
    files.silent("x86_64-w64-mingw32-ld", &["-r", "-o", &again], &[&files.object]);
    files.silent("x86_64-w64-mingw32-strip", &["-g", "-o", &again], &[&files.object]);
}

/// What we write for Windows without a linker.
#[test]
fn pe() {
    for target in ["x86_64-windows", "aarch64-windows"] {
        let files = Files::new(target);
        let library = compile(target, Emit::SharedLibrary, None, files.folder.path());
        let check = |library: &Path, has_symbols: bool| {
            let all = ["--all", "--unwind", "--coff-debug-directory"];
            let text = files.told("llvm-readobj-19", &all, library);
            let hash = ["Type: Repro", "Type: CodeView", "PDBAge: 1"];
            contains(&text, &["RuntimeFunction", "IMAGE_FILE_DLL", hash[0], hash[1], hash[2]]);
            assert!(!text.contains("IMAGE_SCN_MEM_WRITE"), "{target}: it is writable:\n{text}");
            assert_eq!(
                text.matches("IMAGE_SCN_MEM_EXECUTE").count(),
                usize::from(!text.is_empty())
            );
            let text = files.told("llvm-readobj-19", &["--coff-exports"], library);
            contains(&text, &["Ordinal: 1\n  Name: wootz_module\n"]);
            assert!(text.matches("Export {").count() <= 1, "{target}:\n{text}");
            let text = files.told("llvm-readobj-19", &["--coff-imports"], library);
            assert!(!text.contains("Import"), "{target}:\n{text}");
            let text = files.told("llvm-readobj-19", &["--coff-basereloc"], library);
            contains(&text, &["Type: ABSOLUTE"]);
            assert!(!text.contains("Type: DIR64"), "{target}:\n{text}");
            let text = files.told("llvm-objdump-19", &["-d", "--all-headers"], library);
            contains(&text, &[".pdata", ".images", "DYNAMIC_BASE", "HIGH_ENTROPY_VA", "NX_COMPAT"]);
            assert!(text.contains("<inner>:") == has_symbols || text.is_empty(), "{text}");
        };
        check(&library, true);
        // Whoever has an address finds the function.
        let symbols = files.told("llvm-nm-19", &[], &library);
        let inner = symbols.lines().find_map(|line| line.strip_suffix(" t inner"));
        let address = format!("0x{}", inner.unwrap_or("0"));
        let text = files.told("llvm-symbolizer-19", &[&address, "-e"], &library);
        contains(&text, &["inner\n"]);

        let stripped = files.out("stripped.dll");
        let output = stripped.display().to_string();
        if has("llvm-strip-19") {
            files.silent("llvm-strip-19", &["-o", &output], &[&library]);
            check(&stripped, false);
        }
        if target != "x86_64-windows" {
            continue;
        }
        let objdump = |library: &Path| files.told("x86_64-w64-mingw32-objdump", &["-x"], library);
        let text = objdump(&library);
        contains(&text, &["reproducible build file hash", "[   0] wootz_module", " inner\n"]);
        let disassemble = ["-nx", "-batch", "-ex", "disassemble inner"];
        contains(&files.told("gdb", &disassemble, &library), &["function inner:", "ret"]);
        if has("x86_64-w64-mingw32-strip") {
            files.silent("x86_64-w64-mingw32-strip", &["-o", &output], &[&library]);
            check(&stripped, false);
            contains(&objdump(&stripped), &["[   0] wootz_module", "no symbols"]);
        }
    }
}

#[test]
fn mach_o() {
    for (target, machine, oldest) in
        [("x86_64-macos", "x86_64", "10.12"), ("aarch64-macos", "arm64", "11.0")]
    {
        let files = Files::new(target);
        let text = files.told("llvm-readobj-19", &["--all"], &files.object);
        contains(&text, &["_crash_wootz_module", "_inner", "__eh_frame"]);
        let text = files.told("llvm-objdump-19", &["-d", "--private-headers"], &files.object);
        contains(&text, &["<_inner>:", "__wootz_image", &format!("minos {oldest}")]);
        let text = files.told("llvm-dwarfdump-19", &["--verify"], &files.object);
        contains(&text, &["No errors."]);
        contains(&files.told("llvm-ar-19", &["t"], &files.archive), &["crash_wootz_module.o"]);
        for (file, name) in [(&files.object, "object.dylib"), (&files.archive, "archive.dylib")] {
            let library = files.out(name).display().to_string();
            let arguments = [
                "-arch",
                machine,
                "-platform_version",
                "macos",
                oldest,
                oldest,
                "-dylib",
                "-fatal_warnings",
                "-all_load",
                "-o",
                &library,
            ];
            files.silent("ld64.lld-19", &arguments, &[file]);
            if !has("ld64.lld-19") {
                continue;
            }
            let frames = files.told("llvm-dwarfdump-19", &["--eh-frame"], &files.out(name));
            let symbols = files.told("llvm-nm-19", &[], &files.out(name));
            let address = |name: &str| {
                let line = symbols.lines().find(|line| line.ends_with(&format!(" {name}")));
                let address = line.and_then(|line| line.split(' ').next()).unwrap_or_default();
                address.trim_start_matches('0').to_string()
            };
            // The linker has found each function by its entry.
            contains(&frames, &[&format!("pc={:0>8}", address("_inner")), "FDE"]);
            let relocations =
                files.told("llvm-objdump-19", &["--macho", "--rebase", "--bind"], &files.out(name));
            assert!(
                !relocations.contains("pointer"),
                "{target}: something has to be relocated:\n{relocations}"
            );
        }
    }
}

/// Libraries for macOS that were written without a linker.
#[test]
fn mach_o_libraries() {
    for (target, machine, oldest) in
        [("x86_64-macos", "x86_64", "version 10.12"), ("aarch64-macos", "arm64", "minos 11.0")]
    {
        let files = Files::new(target);
        let library = compile(target, Emit::SharedLibrary, None, files.folder.path());
        let objdump = |arguments: &[&str]| {
            files.told("llvm-objdump-19", &[&["--macho"], arguments].concat(), &library)
        };
        let headers = objdump(&["--all-headers"]);
        contains(&headers, &["DYLIB", "__wootz_image", "@rpath/module.dylib", oldest]);
        let text = files.told("llvm-readobj-19", &["--all"], &library);
        contains(&text, &["FileType: DynamicLibrary", "_wootz_module", "_inner", "__unwind_info"]);
        let changes = ["--rebase", "--bind", "--lazy-bind", "--weak-bind", "--exports-trie"];
        let changes = objdump(&changes);
        contains(&changes, &["_wootz_module", "Rebase table"]);
        let of_symbols = |line: &&str| line.starts_with("0x") || line.contains("pointer");
        let count = changes.lines().filter(of_symbols).count();
        assert!(changes.is_empty() || count == 1, "{target}: one export, and no more:\n{changes}");
        contains(&objdump(&["--dylibs-used"]), &["/usr/lib/libSystem.B.dylib"]);

        // The system keeps a register to itself.
        let code = files.told("llvm-objdump-19", &["-d", "--no-show-raw-insn"], &library);
        contains(&code, &["<_inner>:"]);
        let is_kept = |word: &str| word == "x18" || word == "w18";
        let uses = |line: &&str| line.split(|c: char| !c.is_alphanumeric()).any(is_kept);
        assert_eq!(code.lines().find(uses), None, "{target}");

        unwinding(&files, &library);
        others_go_on(&files, &library, machine);
    }
}

/// Tools of all systems read debug information, and know of what it is.
#[test]
fn debug_information() {
    let wasm = std::fs::read(root().join("tests/lines/shapes.wasm")).unwrap();
    for target in [
        "x86_64-linux",
        "aarch64-linux",
        "riscv64-linux",
        "s390x-linux",
        "x86_64-windows",
        "aarch64-windows",
        "x86_64-macos",
        "aarch64-macos",
    ] {
        let files = Files::new(target);
        for emit in [Emit::SharedLibrary, Emit::Object] {
            for separate in [None, Some("shapes.debug".to_string())] {
                if separate.is_some() && (emit == Emit::Object || target.contains("windows")) {
                    continue;
                }
                let is_separate = separate.is_some();
                let debugger = wootz_compiler::debugger(Some(target));
                let debug_info = Some(DebugInfo { debugger, separate, ..DebugInfo::default() });
                let options =
                    Options { target: Some(target.into()), emit, debug_info, ..Options::default() };
                let made = wootz_compiler::compile_observed(&wasm, &options, &|_| ()).unwrap();
                let path = files.out("shapes");
                std::fs::write(&path, made.debug_file.as_ref().unwrap_or(&made.file)).unwrap();
                assert_eq!(made.debug_file.is_some(), is_separate);
                debug_information_of(&files, &path, emit);
            }
        }
    }
}

fn debug_information_of(files: &Files, path: &Path, emit: Emit) {
    // LLVM does not know how unwind tables in objects for s390x are relocated.
    let is_known = emit != Emit::Object || !files.target.starts_with("s390x");
    let dwarfdump = |arguments: &[&str]| match is_known {
        true => files.told("llvm-dwarfdump-19", arguments, path),
        false => String::new(),
    };
    contains(&dwarfdump(&["--debug-line"]), &["shapes.cpp", "is_stmt"]);
    contains(&dwarfdump(&["--debug-info"]), &["DW_TAG_inlined_subroutine", "\"area\"", "half"]);
    contains(&files.told("llvm-objdump-19", &["-h"], path), &["debug_info"]);
}

/// Unwind information for macOS, by both tables.
fn unwinding(files: &Files, library: &Path) {
    let objdump = |argument| files.told("llvm-objdump-19", &["--macho", argument], library);
    contains(&files.told("llvm-dwarfdump-19", &["--verify"], library), &["No errors."]);
    let frames = files.told("llvm-dwarfdump-19", &["--eh-frame"], library);
    let symbols = files.told("llvm-nm-19", &[], library);
    let inner = symbols.lines().find_map(|line| line.strip_suffix(" t _inner"));
    let inner = inner.unwrap_or_default().trim_start_matches('0');
    contains(&frames, &[&format!("pc={inner:0>8}"), "FDE", "ZERO terminator"]);
    let index = objdump("--unwind-info");
    contains(&index, &[&format!("function offset=0x{inner:0>8}, encoding=0x0")]);
    let functions = index.lines().filter(|line| line.contains("encoding=")).count();
    assert_eq!(functions, frames.lines().filter(|line| line.contains(" FDE ")).count());
    contains(&objdump("--function-starts=names"), &["_inner"]);
}

/// What is done with a library for macOS by those who go on with it: debug information, other names, programs.
fn others_go_on(files: &Files, library: &Path, machine: &str) {
    let target = files.target;
    // What debuggers want is not there yet, but nothing else is wrong.
    if has("dsymutil-19") {
        let dsym = files.out("crash.dSYM").display().to_string();
        let output = run(Command::new("dsymutil-19").args(["--verify", "-o", &dsym]).arg(library));
        let nothing = format!("warning: no debug symbols in executable (-arch {machine})\n");
        assert_eq!(output, nothing, "{target}");
    } else {
        skipped(target, "`dsymutil-19` is missing");
    }

    // Tools that change it find everything where they look, and so does whoever looks at what they made.
    let stripped = files.out("stripped.dylib");
    let output = stripped.display().to_string();
    files.silent("llvm-strip-19", &["-x", "-o", &output], &[library]);
    let name = "@rpath/a/much/longer/name/than/before.dylib";
    files.silent("llvm-install-name-tool-19", &["-id", name], &[&stripped]);
    let text = files.told(
        "llvm-objdump-19",
        &["--macho", "--dylib-id", "--exports-trie", "--private-headers"],
        &stripped,
    );
    contains(&text, &[name, "_wootz_module", "LC_UUID"]);

    // And programs are linked with it.
    let zig = programs().join("zig");
    if !zig.exists() {
        return skipped(target, "zig is missing; `make -C tests/programs` fetches it");
    }
    let (user, object) = (files.out("user.c"), files.out("user.o"));
    let source =
        "extern const char wootz_module[]; int main(void) { return wootz_module[1] != 'W'; }";
    std::fs::write(&user, source).unwrap();
    let zig = |target: &str, arguments: &[&str], inputs: &[&Path], output: &Path| {
        let mut command = Command::new(&zig);
        command.args(["cc", "-target", target]).args(arguments);
        assert_eq!(run(command.args(inputs).arg("-o").arg(output)), "", "{target}");
    };
    zig(&format!("{target}.11.0"), &["-O2", "-c"], &[&user], &object);
    for (used, name) in [(library, "@rpath/module.dylib"), (&stripped, name)] {
        let (program, other) = (files.out("user"), files.out("user.dylib"));
        zig(target, &[], &[&object, used], &program);
        let output = other.display().to_string();
        let system = ["-platform_version", "macos", "11.0", "11.0"];
        let arguments = ["-arch", machine, "-dylib", "-fatal_warnings", "-o", &output];
        let arguments = [&system[..], &arguments].concat();
        files.silent("ld64.lld-19", &arguments, &[&object, used]);
        for linked in [&program, &other].into_iter().filter(|path| path.exists()) {
            let arguments = ["--macho", "--bind", "--dylibs-used"];
            let text = files.told("llvm-objdump-19", &arguments, linked);
            contains(&text, &["_wootz_module", name]);
        }
    }
}
