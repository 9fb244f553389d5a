//! Whether debuggers find their way out of compiled code, wherever it is stopped: gdb steps through functions of all kinds and
//! trampolines, and at each instruction every caller must have just the registers that it had when it called.

use std::process::{Command, Stdio};

use tempfile::TempDir;
use wootz_tests::{has, root, run, skipped};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// A function with so many values that live across a call that its frame has many pages.
fn large_function(name: &str, ty: &str, bytes: usize, values: usize, end: &str) -> String {
    let locals = vec![ty; values].join(" ");
    let mut text = format!("(func ${name} (param i64) (result i64) (local {locals})\n");
    for value in 1..=values {
        let address =
            format!("(i32.add (i32.wrap_i64 (local.get 0)) (i32.const {}))", value * bytes);
        text += &format!("(local.set {value} ({ty}.load {address}))\n");
    }
    text += "(drop (call $leaf (i32.const 2)))\n(local.get 1)\n";
    for value in 2..=values {
        text += &format!("({ty}.xor (local.get {value}))\n");
    }
    text + end + ")\n"
}

/// Steps through an export of the guest in gdb, and returns what the script says. None if there is no gdb that can.
fn step(test: &str, export: &str, options: &[&str], no_fuel: bool) -> Option<String> {
    let python = ["-nx", "-batch", "-ex", "python print('there is Python')"];
    let output = Command::new("gdb").args(python).output();
    let has_python = output.is_ok_and(|it| it.stdout.starts_with(b"there is Python"));
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) || !has("gdb") || !has_python {
        skipped(test, "`gdb` with Python for x86-64 is missing");
        return None;
    }
    let folder: TempDir = tempfile::tempdir().unwrap();
    let sources = root().join("tests/unwinding");
    let guest = std::fs::read_to_string(sources.join("guest.wat")).unwrap();
    let (with_few_probes, with_many) = (
        large_function("large", "i64", 8, 520, ""),
        large_function("larger", "v128", 16, 1300, "i64x2.extract_lane 0"),
    );
    let guest = guest.replace(";; LARGE", &(with_few_probes + &with_many));
    let (source, library) = (folder.path().join("guest.wat"), folder.path().join("guest.so"));
    std::fs::write(&source, guest).unwrap();
    run(Command::new(WOOTZ).arg("compile").args(options).arg(&source).arg("-o").arg(&library));
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set width 0", "-x"]);
    gdb.arg(sources.join("step.py")).args(["--args", WOOTZ, "run", "--invoke", export]);
    if no_fuel {
        gdb.args(["--fuel", "1000000"]).env("WOOTZ_NO_FUEL", "1");
    }
    let output = gdb.arg(&library).arg("3").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("checked "),
        "the script failed:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(text)
}

/// What the script says in the end must be that all is well, at so many places at least, in all of these functions.
fn assert_well(text: &str, least_places: usize, functions: &[&str]) {
    let wrong: Vec<_> = text.lines().skip_while(|line| !line.starts_with("wrong: ")).collect();
    let summary = text.lines().find(|line| line.starts_with("checked ")).unwrap();
    assert!(summary.ends_with(" 0 failures"), "{}", wrong.join("\n"));
    let places = summary.split_whitespace().nth(4).unwrap();
    assert!(places.parse::<usize>().unwrap() >= least_places, "{summary}");
    let stepped = text.lines().find_map(|line| line.strip_prefix("functions: ")).unwrap();
    let stepped: Vec<_> = stepped.split(' ').collect();
    for function in functions {
        assert!(stepped.contains(function), "never in `{function}`: {stepped:?}");
    }
}

const EVERYWHERE: [&str; 26] = [
    "all",
    "builtins",
    "float_leaf",
    "floats",
    "host",
    "large",
    "larger",
    "leaf",
    "many_parameters",
    "many_results",
    "saved",
    "shrinks",
    "switch",
    "tail_indirect",
    "tail_less",
    "tail_more",
    "tail_more_saved",
    "tail_out",
    "tail_same",
    "two_ends",
    "wootz_entry_0",
    "wootz_exit_1",
    "wootz_exit_2",
    "wootz_memory_copy",
    "wootz_memory_fill",
    "wootz_memory_grow",
];

#[test]
fn callers_are_found_at_every_instruction() {
    let Some(text) = step("unwinding: every instruction", "all", &[], false) else { return };
    assert_well(&text, 5000, &EVERYWHERE);
}

/// Other registers, and far more of what is in memory.
#[test]
fn callers_are_found_in_code_that_is_not_optimised() {
    let options = ["-O", "none"];
    let Some(text) = step("unwinding: not optimised", "two_ends", &options, false) else { return };
    assert_well(&text, 50, &["two_ends", "leaf", "wootz_entry_0"]);
}

/// Built-in functions that are hardly ever called preserve all registers.
#[test]
fn callers_keep_all_registers_where_these_are_preserved() {
    let options = ["--consume-fuel"];
    let Some(text) = step("unwinding: all registers", "two_ends", &options, true) else { return };
    assert_well(&text, 100, &["two_ends", "leaf", "wootz_out_of_fuel"]);
}
