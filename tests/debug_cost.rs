//! What debug information costs: how much slower it makes code that shall be fast, and compiling.
//!
//! Speed is counted in instructions that the guest executes, by callgrind: that is the same each time, whatever else the
//! machine does. `docs/debugging.md` tells users the bounds.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wootz_tests::{has, programs, root, run, skipped};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// Compiles for speed, with or without debug information. With it, every function has a frame of its own; so it is to have here.
fn compile(wasm: &Path, debug: bool, to: &Path) {
    let mut wootz = Command::new(WOOTZ);
    wootz.args(["compile", "-O", "speed", "--no-opt", "inlining"]).args(debug.then_some("-g"));
    run(wootz.arg(wasm).arg("-o").arg(to));
}

/// How many instructions a guest executes in functions of its own.
fn instructions(wasm: &Path, debug: bool, export: &[&str], stdin: &str, words: &[&str]) -> u64 {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let (library, counts) = (folder.path().join("guest.so"), folder.path().join("counts"));
    let input = folder.path().join("input");
    std::fs::write(&input, stdin).unwrap();
    compile(wasm, debug, &library);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]);
    valgrind.arg(format!("--callgrind-out-file={}", counts.display()));
    valgrind.args([WOOTZ, "run", "--dir", "."]).args(export).arg(&library).args(words);
    run(valgrind.current_dir(folder.path()).stdin(std::fs::File::open(input).unwrap()));
    let text = run(Command::new("callgrind_annotate").arg("--threshold=100").arg(&counts));
    // `1,234,567 (12.34%)  ???:name [/path/guest.so]`
    let own = text.lines().filter(|line| line.trim_end().ends_with("guest.so]"));
    let costs = own.map(|line| {
        let number = line.split_whitespace().next().expect("a line with a file has a cost");
        number.replace(',', "").parse::<u64>().unwrap_or_else(|_| panic!("a cost: {line}"))
    });
    costs.sum()
}

/// Asserts that a guest is not noticeably slower with debug information.
fn assert_as_fast(wasm: &Path, least: u64, export: &[&str], stdin: &str, words: &[&str]) {
    let count = |debug| instructions(wasm, debug, export, stdin, words);
    let (without, with) = (count(false), count(true));
    let name = wasm.display();
    eprintln!("{name}: {:.4}", with as f64 / without as f64);
    assert!(without > least, "{name}: only {without} instructions");
    assert!(
        with as f64 <= 1.03 * without as f64,
        "{name}: {with} instructions with debug information, {without} without"
    );
}

/// Small functions that call each other, loops, and one with a large `br_table`; debugged by their text.
#[test]
fn kernels_are_as_fast_with_debug_information() {
    if !has("valgrind") {
        return skipped("cost of debug information", "`valgrind` is missing");
    }
    for (name, n) in [
        ("fib", "24"),
        ("binary_trees", "1"),
        ("quicksort", "20"),
        ("sha256", "200"),
        ("keccak", "1"),
    ] {
        let wasm = root().join(format!("benches/kernels/{name}.wasm"));
        assert_as_fast(&wasm, 1_000_000, &["--invoke", "run"], "", &[n]);
    }
}

/// Interpreters and a database, with the DWARF of their C compiler, and a C library without.
#[test]
fn programs_are_as_fast_with_debug_information() {
    const LUA: &str = "local t = {} \
        for i = 1, 20000 do t[i] = {key = ('%x'):format(i * 7919 % 10007), i = i} end \
        table.sort(t, function(a, b) return a.key < b.key or a.key == b.key and a.i < b.i end) \
        local s = 0 for i, v in ipairs(t) do s = (s * 31 + v.i) % 1000003 end print(s)";
    const JS: &str = "let words = []; \
        for (let i = 0; i < 5000; i++) words.push({key: (i * 7919 % 10007).toString(36), i}); \
        words.sort((a, b) => a.key < b.key ? -1 : 1); \
        print(JSON.stringify(words.map(word => word.i)).length);";
    if !has("valgrind") {
        return skipped("cost of debug information", "`valgrind` is missing");
    }
    let file = |name: &str| programs().join(format!("debug/{name}.wasm"));
    if !file("lua-O2").exists() {
        return skipped("cost of debug information", "`make programs` builds what it runs");
    }
    assert_as_fast(&file("lua-O2"), 100_000_000, &[], "", &[LUA]);
    assert_as_fast(&file("quickjs-O2"), 100_000_000, &[], JS, &[]);
    assert_as_fast(&file("sqlite-O2"), 10_000_000, &[], "", &["shop.db", "create"]);
}

/// How long it takes to compile, at best: the rest is what else the machine does.
fn time_to_compile(wasm: &Path, debug: bool) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let times = (0..3).map(|_| {
        let start = Instant::now();
        compile(wasm, debug, &folder.path().join("guest.so"));
        start.elapsed()
    });
    times.min().expect("there are three")
}

#[test]
fn compiling_is_not_much_slower_with_debug_information() {
    let wasm = programs().join("debug/sqlite-O0.wasm");
    if !wasm.exists() {
        return skipped(
            "compiling with debug information",
            "`make programs` builds what it compiles",
        );
    }
    let (without, with) = (time_to_compile(&wasm, false), time_to_compile(&wasm, true));
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    eprintln!("compiling SQLite: {ratio:.2}");
    // What writes debug information is not optimised in a build for tests, unlike the code generator.
    let bound = if cfg!(debug_assertions) { 2.0 } else { 1.6 };
    assert!(ratio <= bound, "{with:?} with debug information, {without:?} without");
}
