//! What linkers make of our objects behaves as what we write ourselves: `wootz compile --linker`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use wootz_tests::{has, programs, root, run, skipped};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// The pages of this machine.
const PAGE_BYTES: u64 = 4096;

/// The linkers that are there. Those whose absence is no reason to skip anything may be missing.
fn linkers(test: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (names, is_needed) in [
        (&["cc"][..], true),
        (&["ld.bfd"], true),
        (&["ld.lld", "ld.lld-19"], true),
        (&["clang", "clang-19"], false),
        (&["ld.gold"], false),
        (&["mold"], false),
    ] {
        match names.iter().find(|name| has(name)) {
            Some(name) => found.push(PathBuf::from(name)),
            None if is_needed => skipped(test, &format!("`{}` is missing", names[0])),
            None => {}
        }
    }
    let zig = programs().join("zig");
    match zig.exists() {
        true => found.push(zig),
        false => skipped(test, &format!("`{}` is missing", zig.display())),
    }
    found
}

/// A module as we write it and as a linker makes it, under the same name in two folders.
struct Both {
    _folder: TempDir,
    ours: PathBuf,
    linked: PathBuf,
}

fn both(module: &Path, linker: &Path) -> Both {
    let folder = tempfile::tempdir().unwrap();
    let ours = compile(module, &folder.path().join("ours"), &[]);
    let linked =
        compile(module, &folder.path().join("linked"), &["--linker", linker.to_str().unwrap()]);
    Both { _folder: folder, ours, linked }
}

/// Compiles to the file `guest.so` in a new folder.
fn compile(module: &Path, folder: &Path, options: &[&str]) -> PathBuf {
    let library = folder.join("guest.so");
    std::fs::create_dir(folder).unwrap();
    let mut command = Command::new(WOOTZ);
    let said = run(command.arg("compile").arg(module).args(options).arg("-o").arg(&library));
    assert_eq!(said, "", "{options:?}");
    library
}

/// What a guest does: its status, and all that it and `wootz run` say.
fn ends(library: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(WOOTZ);
    command.args(["run", "guest.so"]).args(arguments).current_dir(library.parent().unwrap());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn programs_and_traps_are_the_same() {
    let examples = root().join("examples/c");
    for linker in linkers("linkers: programs and traps") {
        let crash = both(&examples.join("crash.wasm"), &linker);
        for how in ["nothing", "unreachable", "bounds", "divide", "indirect"] {
            let (code, said) = ends(&crash.linked, &[how]);
            assert_eq!((code, said.clone()), ends(&crash.ours, &[how]), "{}", linker.display());
            // The stack was found, and its functions have names.
            let trapped = how != "nothing";
            let names = ["!inner", "!middle", "!outer", "!main"];
            assert_eq!(names.iter().all(|name| said.contains(name)), trapped, "{said}");
        }
        let primes = both(&examples.join("primes.wasm"), &linker);
        assert_eq!(ends(&primes.linked, &["1000"]), ends(&primes.ours, &["1000"]));
    }
}

/// Debuggers find lines where the linker has put the code.
#[test]
fn debug_information_goes_with_the_code() {
    let module = root().join("tests/lines/shapes.wasm");
    let folder = tempfile::tempdir().unwrap();
    for (number, linker) in linkers("linkers: debug information").iter().enumerate() {
        let options = ["-g", "--linker", linker.to_str().unwrap()];
        let library = compile(&module, &folder.path().join(number.to_string()), &options);
        if !has("gdb") {
            skipped("linkers: debug information", "`gdb` is missing");
            return;
        }
        let mut gdb = Command::new("gdb");
        gdb.args(["-nx", "-batch", "-ex", "info line area(int, int)"]);
        let text = run(gdb.arg(&library));
        let start = text.split_once("shapes.cpp\" starts at address 0x").map(|(_, rest)| rest);
        let start = start.and_then(|rest| rest.split(' ').next());
        let start = start.unwrap_or_else(|| panic!("{}: {text}", linker.display()));
        let symbol = run(Command::new("nm").arg(&library));
        let symbol = symbol.lines().find_map(|line| line.strip_suffix(" t area")).unwrap();
        assert!(symbol.ends_with(start), "{}: {symbol}\n{text}", linker.display());
    }
    for (target, linker) in
        [("x86_64-windows", "lld-link-19"), ("aarch64-linux", "aarch64-linux-gnu-gcc")]
    {
        if !has(linker) || !has("llvm-dwarfdump-19") {
            skipped("linkers: debug information", &format!("`{linker}` or LLVM is missing"));
            continue;
        }
        let options = ["-g", "--target", target, "--linker", linker];
        let library = compile(&module, &folder.path().join(target), &options);
        let mut dwarfdump = Command::new("llvm-dwarfdump-19");
        let text = run(dwarfdump.args(["--name", "area", "--debug-info"]).arg(&library));
        assert!(text.contains("shapes.cpp"), "{target}: {text}");
    }
}

/// Half a megabyte of code, with images of memories and thousands of functions.
#[test]
fn a_large_program_runs() {
    let lua = programs().join("wasm/lua.wasm");
    if !lua.exists() {
        return skipped("linkers: a large program", &format!("`{}` is missing", lua.display()));
    }
    let script =
        "local t = {} for i = 1, 1000 do t[i] = ('%d'):format(i * i) end print(#table.concat(t))";
    let folder = tempfile::tempdir().unwrap();
    for (i, linker) in linkers("linkers: a large program").iter().enumerate() {
        let options = ["--linker", linker.to_str().unwrap(), "-O", "none"];
        let linked = compile(&lua, &folder.path().join(i.to_string()), &options);
        assert_eq!(ends(&linked, &[script]), (Some(0), "5543\n".to_string()), "{options:?}");
    }
}

#[test]
fn the_descriptor_is_all_that_libraries_export() {
    let test = "linkers: exports";
    if !has("readelf") {
        return skipped(test, "`readelf` is missing");
    }
    for linker in linkers(test) {
        let Both { linked, _folder, .. } = both(&root().join("examples/c/crash.wasm"), &linker);
        let readelf = |what: &str| run(Command::new("readelf").args(["-W", what]).arg(&linked));
        let symbols = readelf("--dyn-syms");
        let names: Vec<&str> = symbols
            .lines()
            .skip_while(|line| !line.contains("Ndx Name"))
            .skip(1)
            .map(|line| line.split_whitespace().nth(7).unwrap_or_default())
            .filter(|name| !name.is_empty())
            .collect();
        assert_eq!(names, ["wootz_module"], "{}: {symbols}", linker.display());
        assert!(readelf("-r").contains("There are no relocations"), "{}", linker.display());
        let dynamic = readelf("-d");
        assert!(!dynamic.contains("(NEEDED)") && !dynamic.contains("(TEXTREL)"), "{dynamic}");
        let segments = readelf("-l");
        assert!(segments.contains("GNU_EH_FRAME"), "nobody can unwind it: {segments}");
        assert!(!segments.contains("RWE") && segments.contains("GNU_STACK"), "{segments}");
        let all = readelf("-a");
        assert!(!all.contains("readelf: ") && !all.contains("<corrupt"), "{all}");
    }
}

/// Linkers for other machines and systems make libraries of the same kind, the same ones each time. What they do when they run
/// is not tested here.
#[test]
fn libraries_for_other_systems_are_linked() {
    let module = root().join("examples/c/crash.wasm");
    for (target, linker, begins) in [
        ("aarch64-unknown-linux-gnu", "aarch64-linux-gnu-gcc", &b"\x7fELF"[..]),
        ("s390x-unknown-linux-gnu", "s390x-linux-gnu-gcc", b"\x7fELF"),
        ("riscv64gc-unknown-linux-gnu", "riscv64-linux-gnu-gcc", b"\x7fELF"),
        ("aarch64-apple-darwin", "ld64.lld-19", b"\xcf\xfa\xed\xfe"),
        ("x86_64-apple-darwin", "ld64.lld-19", b"\xcf\xfa\xed\xfe"),
        ("x86_64-pc-windows-msvc", "lld-link-19", b"MZ"),
        ("aarch64-pc-windows-msvc", "lld-link-19", b"MZ"),
    ] {
        // Some of them know no `--version`, but all can be started.
        if Command::new(linker).arg("--version").output().is_err() {
            skipped("linkers: other systems", &format!("`{linker}` is missing"));
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let options = ["--target", target, "--linker", linker];
        let library = |name: &str| {
            std::fs::read(compile(&module, &folder.path().join(name), &options)).unwrap()
        };
        let one = library("one");
        assert!(one.starts_with(begins), "{target}: {:x?}", &one[..4]);
        assert!(one == library("two"), "{target}: two links differ");
    }
}

/// Says that it is ready, and waits for the end of its input.
const WAITS: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 0) "\10\00\00\00\06\00\00\00")
    (data (i32.const 16) "ready\n")
    (data (i32.const 70000) "a second page")
    (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

#[test]
fn images_are_mapped_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("waits.wat");
    std::fs::write(&module, WAITS).unwrap();
    for linker in linkers("linkers: images") {
        let Both { ours, linked, _folder } = both(&module, &linker);
        for library in [&ours, &linked] {
            // Two pages, found by what is in them.
            let bytes = std::fs::read(library).unwrap();
            let page = |text: &[u8], place: usize| {
                let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
                let page = (at - place) as u64;
                assert!(page.is_multiple_of(PAGE_BYTES), "{}: {page:#x}", linker.display());
                page
            };
            let pages = [page(b"ready\n", 16), page(b"a second page", 70_000 % 4096)];

            let mut command = Command::new(WOOTZ);
            let command = command.arg("run").arg(library);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
            drop(child.stdin.take());
            assert!(child.wait().unwrap().success() && line == "ready\n", "{line}");
            // Private and writable: a memory that shares its pages with the file until it writes to them.
            let path = library.canonicalize().unwrap().display().to_string();
            let mapped: Vec<u64> = maps
                .lines()
                .filter(|line| line.ends_with(&path))
                .filter_map(|line| {
                    let mut words = line.split_whitespace().skip(1);
                    (words.next() == Some("rw-p")).then(|| words.next())?
                })
                .map(|offset| u64::from_str_radix(offset, 16).unwrap())
                .collect();
            assert!(
                pages.iter().all(|page| mapped.contains(page)),
                "{}: nothing is mapped from one of {pages:x?}:\n{maps}",
                linker.display()
            );
        }
    }
}
