//! Whether debuggers find their way out of compiled code, wherever it is stopped: gdb steps through functions of all kinds and
//! trampolines, and at each instruction every caller must have just the registers that it had when it called.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use wootz_tests::emulation::{self, MACHINES, Machine, Server};
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

/// The guest, compiled with options in a folder of its own.
fn guest(options: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let guest = std::fs::read_to_string(root().join("tests/unwinding/guest.wat")).unwrap();
    let (with_few_probes, with_many) = (
        large_function("large", "i64", 8, 520, ""),
        large_function("larger", "v128", 16, 1300, "i64x2.extract_lane 0"),
    );
    let guest = guest.replace(";; LARGE", &(with_few_probes + &with_many));
    let (source, library) = (folder.path().join("guest.wat"), folder.path().join("guest.so"));
    std::fs::write(&source, guest).unwrap();
    // Every function has a frame of its own.
    // Many values are to be alive at a time, so that registers are saved.
    let compile = ["compile", "--no-opt", "inlining", "--no-opt", "order"];
    run(Command::new(WOOTZ).args(compile).args(options).arg(&source).arg("-o").arg(&library));
    (folder, library)
}

/// A debugger that will read the script, if it can: it needs Python.
fn debugger(test: &str, name: &str) -> Option<Command> {
    let python = ["-nx", "-batch", "-ex", "python print('there is Python')"];
    let output = Command::new(name).args(python).output();
    let has_python = output.is_ok_and(|it| it.stdout.starts_with(b"there is Python"));
    if !has_python {
        skipped(test, &format!("`{name}` with Python is missing"));
        return None;
    }
    let mut gdb = Command::new(name);
    gdb.args(["-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set width 0"]);
    gdb.stdin(Stdio::null());
    Some(gdb)
}

fn script() -> PathBuf {
    root().join("tests/unwinding/step.py")
}

/// Runs a debugger, and returns what the script says.
fn said(gdb: &mut Command) -> String {
    let output = gdb.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("checked "),
        "the script failed:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Steps through an export of the guest in gdb, and returns what the script says. None if there is no gdb that can.
fn step(test: &str, export: &str, options: &[&str], no_fuel: bool) -> Option<String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) || !has("gdb") {
        skipped(test, "`gdb` for x86-64 is missing");
        return None;
    }
    let mut gdb = debugger(test, "gdb")?;
    let (_folder, library) = guest(options);
    gdb.arg("-x").arg(script()).args(["--args", WOOTZ, "run", "--invoke", export]);
    if no_fuel {
        gdb.args(["--fuel", "1000000"]).env("WOOTZ_NO_FUEL", "1");
    }
    Some(said(gdb.arg(&library).arg("3")))
}

/// The same on an emulated machine, where it takes minutes to step through everything, but some seconds for what is most
/// particular.
fn step_elsewhere(machine: Machine, options: &[&str]) {
    let test = format!("unwinding: {}", machine.name);
    let Some(mut gdb) = debugger(&test, "gdb-multiarch") else { return };
    let Some(program) = emulation::program(machine.triple) else {
        return skipped(&test, "its test program is missing; `make emulated` builds it");
    };
    let (folder, library) = guest(&[&["--target", machine.name], options].concat());
    let (export, least_places, functions) = match emulation::wants_all() {
        true => ("all", 5000, &EVERYWHERE[..]),
        false => ("frames", 200, &SOME[..]),
    };
    let arguments = ["run", library.to_str().unwrap(), export, "3"].map(str::to_string);
    let server = Server::start(machine, &program, &arguments, &folder.path().join("output"));
    gdb.arg("-ex").arg(format!("file {}", program.display()));
    for command in server.commands(folder.path()) {
        gdb.args(["-ex", &command]);
    }
    let text = said(gdb.arg("-x").arg(script()).env("WOOTZ_SERVER", "1"));
    assert_well(&text, least_places, functions);
}

#[test]
fn callers_are_found_on_aarch64() {
    step_elsewhere(MACHINES[0], &[]);
}

#[test]
fn callers_are_found_on_riscv64() {
    step_elsewhere(MACHINES[1], &["--cpu-feature", "+v"]);
}

#[test]
fn callers_are_found_on_s390x() {
    step_elsewhere(MACHINES[2], &[]);
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

const EVERYWHERE: [&str; 25] = [
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
    "wootz_exit_3",
    "wootz_memory_copy",
    "wootz_memory_fill",
    "wootz_memory_grow",
];

/// What is stepped through on emulated machines, if not everything.
const SOME: [&str; 9] = [
    "frames",
    "leaf",
    "many_parameters",
    "many_results",
    "shrinks",
    "tail_indirect",
    "tail_less",
    "tail_more",
    "wootz_entry_0",
];

#[test]
fn callers_are_found_at_every_instruction() {
    let Some(text) = step("unwinding: every instruction", "all", &[], false) else { return };
    assert_well(&text, 5000, &EVERYWHERE);
    assert!(text.contains("::typed_exit"), "never in the runtime's way out: {text}");
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
