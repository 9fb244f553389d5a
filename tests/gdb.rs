//! What gdb sees of a guest: its functions by their names, and a stack that leads from them into the host.

use std::process::Command;

use tempfile::TempDir;
use wootz_tests::{has, root, run, skipped};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// Runs the example that traps under gdb, and returns what gdb shows. None if there is no gdb.
fn gdb(test: &str, commands: &[&str], argument: &str) -> Option<String> {
    if !has("gdb") {
        skipped(test, "`gdb` is missing");
        return None;
    }
    let folder: TempDir = tempfile::tempdir().unwrap();
    let library = folder.path().join("crash.so");
    // Every function has a frame of its own.
    run(Command::new(WOOTZ)
        // Without debug information, what does nothing but trap would be a call.
        .args(["compile", "--no-opt", "inlining", "--no-opt", "called-traps"])
        .arg(root().join("examples/c/crash.wasm"))
        .arg("-o")
        .arg(&library));
    let mut gdb = Command::new("gdb");
    gdb.args([
        "-nx",
        "-batch",
        "-ex",
        "set debuginfod enabled off",
        "-ex",
        "set breakpoint pending on",
    ]);
    for command in commands {
        gdb.args(["-ex", command]);
    }
    gdb.arg("--args").args([WOOTZ, "run"]).arg(&library).arg(argument);
    let output = gdb.stdin(std::process::Stdio::null()).output().unwrap();
    Some(format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// Checks that these functions stand on the stack in this order, the innermost first.
fn assert_frames(text: &str, names: &[&str]) {
    let frames: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    let mut rest = frames.iter();
    for name in names {
        assert!(
            rest.any(|frame| frame.contains(name)),
            "`{name}` is missing, or not where it should be:\n{text}"
        );
    }
    assert!(!text.contains("Backtrace stopped"), "{text}");
}

/// The frames between a guest's function and the program's entry.
const HOST: [&str; 4] = ["_start", "wootz_entry", "wootz_cli::run", "main"];

#[test]
fn a_breakpoint_on_a_wasm_function_stops_there() {
    let Some(text) =
        gdb("gdb: breakpoint", &["break middle", "run", "backtrace", "continue"], "nothing")
    else {
        return;
    };
    assert!(text.contains("Breakpoint 1, 0x"), "{text}");
    assert_frames(&text, &["middle", "outer", "main", HOST[0], HOST[1], HOST[2], HOST[3]]);
    assert!(text.contains("no trap, the result is 32"), "{text}");
}

#[test]
fn a_trap_shows_where_it_happened() {
    for (how, signal) in
        [("unreachable", "SIGILL"), ("bounds", "SIGSEGV"), ("divide", "SIG"), ("indirect", "SIG")]
    {
        let Some(text) = gdb("gdb: trap", &["run", "backtrace", "continue"], how) else { return };
        assert!(text.contains(&format!("received signal {signal}")), "{how}: {text}");
        assert_frames(
            &text,
            &["inner", "middle", "outer", "main", HOST[0], HOST[1], HOST[2], HOST[3]],
        );
        // The debugger hands the signal on, and the loader makes a trap of it.
        assert!(
            text.contains("wasm trap") && text.contains("exited with code 0206"),
            "{how}: {text}"
        );
    }
}

#[test]
fn one_can_step_out_of_a_guest_function() {
    let Some(text) = gdb(
        "gdb: stepping",
        &["break middle", "run", "finish", "stepi", "info symbol $pc"],
        "nothing",
    ) else {
        return;
    };
    let finished = text.lines().filter(|line| line.contains(" in outer ()")).count();
    assert!(finished >= 1, "{text}");
    assert!(text.contains("outer + ") && text.contains("in section .text of"), "{text}");
}

/// Where the stack is exhausted nothing was saved yet: what would be elsewhere is still in registers.
#[test]
fn an_exhausted_stack_is_unwound_by_what_is_there() {
    let Some(text) = gdb("gdb: stack", &["run", "info frame", "backtrace -3"], "stack") else {
        return;
    };
    assert!(text.contains("received signal SIGILL"), "{text}");
    if cfg!(target_arch = "x86_64") {
        let saved = text.lines().skip_while(|line| !line.contains("Saved registers:")).nth(1);
        let saved: Vec<_> = saved.unwrap().trim().split(", ").collect();
        assert!(saved.len() == 2 && saved[0].starts_with("rbp at "), "{text}");
        assert!(saved[1].starts_with("rip at "), "{text}");
    }
    assert!(text.contains(" in main ") || text.contains(" main ("), "{text}");
}
