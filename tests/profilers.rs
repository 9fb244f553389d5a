//! What profilers tell of a guest: its functions by their names, who called them, and their code; from the compiled file
//! alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wootz_tests::{has, run, skipped};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// Calls itself for a while, on two ways; and the host, for a while.
const GUEST: &str = r#"(module
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_filestat_get" (func $status (param i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 100) "an image of the memory")
    (func $fibonacci (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add (call $fibonacci (i32.sub (local.get 0) (i32.const 1)))
                (call $fibonacci (i32.sub (local.get 0) (i32.const 2)))))))
    (func $half (param i32) (result i32) (i32.add (call $fibonacci (local.get 0)) (i32.const 1)))
    (func $asks (param i32)
        (loop $again
            (drop (call $random (i32.const 1024) (i32.const 16)))
            ;; Too many arguments for an entry with types, and no such file.
            (drop (call $status (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $work (export "work") (param i32 i32) (result i32)
        (call $asks (local.get 1))
        (i32.add (call $half (local.get 0)) (call $fibonacci (local.get 0)))))"#;

/// The guest, compiled, and a command that runs it for a while.
struct Guest {
    folder: TempDir,
    library: PathBuf,
}

impl Guest {
    fn new() -> Guest {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("guest.wat"), folder.path().join("guest.so"));
        std::fs::write(&source, GUEST).unwrap();
        // Every function has code of its own.
        let compile = ["compile", "--no-opt", "inlining"];
        run(Command::new(WOOTZ).args(compile).arg(&source).arg("-o").arg(&library));
        Guest { folder, library }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds the words that run the guest, which computes a number of Fibonacci's twice.
    fn add(&self, command: &mut Command, number: u32) {
        command.args([WOOTZ, "run", "--invoke", "work"]).arg(&self.library);
        command.args([number.to_string(), "20000".to_string()]);
    }

    /// Records the guest with `perf`, and returns the file.
    fn record(&self, options: &[&str]) -> PathBuf {
        let samples = self.file("perf.data");
        let mut perf = Command::new("perf");
        perf.args(["record", "--quiet", "--event", "cpu-clock:u", "--freq", "997"]).args(options);
        perf.arg("--output").arg(&samples).arg("--");
        self.add(&mut perf, 35);
        run(perf.env("WOOTZ_UNDER_PERF", "1"));
        samples
    }
}

/// Whether `perf` can look at programs here.
fn has_perf(test: &str) -> bool {
    let there = has("perf")
        && Command::new("perf")
            .args(["record", "--quiet", "--event", "cpu-clock:u", "--output", "/dev/null", "true"])
            .output()
            .is_ok_and(|output| output.status.success());
    if !there {
        skipped(test, "`perf` is missing, or may not look at programs");
    }
    there
}

fn perf(arguments: &[&str], samples: &Path) -> String {
    run(Command::new("perf").args(arguments).arg("--input").arg(samples))
}

#[test]
fn perf_names_functions_and_shows_their_code() {
    if !has_perf("perf: names") {
        return;
    }
    let guest = Guest::new();
    let samples = guest.record(&["-g"]);
    let report = perf(&["report", "--stdio", "--no-children", "--call-graph", "none"], &samples);
    let first = report.lines().find(|line| line.contains('%')).unwrap();
    assert!(first.contains("guest.so") && first.contains("fibonacci"), "{report}");
    // Along frame pointers.
    let callers = perf(&["report", "--stdio", "--no-children", "--call-graph", "caller"], &samples);
    for name in ["half", "work", "wootz_entry_"] {
        assert!(callers.contains(name), "`{name}` is missing:\n{callers}");
    }
    if has("objdump") {
        let code = perf(&["annotate", "--stdio", "--symbol", "fibonacci"], &samples);
        assert!(code.contains("<fibonacci>:") && code.contains("call"), "{code}");
    }
}

/// By unwind tables, through the host too: for nearly every sample in the guest the way leads to where the program began.
#[test]
fn perf_unwinds_from_the_guest_into_the_host() {
    if !has_perf("perf: unwinding") {
        return;
    }
    let guest = Guest::new();
    let samples = guest.record(&["--call-graph", "dwarf,16384"]);
    let stacks = perf(&["script", "--no-inline", "--fields", "ip,sym,dso"], &samples);
    let mut found = [0; 2];
    for stack in stacks.split("\n\n").filter(|stack| stack.trim().contains("fibonacci")) {
        let names: Vec<_> =
            stack.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        let mut rest = names.iter();
        let mut leads_to = |name: &str| rest.any(|found| found.starts_with(name));
        let complete = leads_to("fibonacci")
            && leads_to("work")
            && leads_to("wootz_entry_")
            && leads_to("wootz_cli::main");
        found[usize::from(complete)] += 1;
    }
    let [lost, complete] = found;
    // Those at the edges of the time in which it looks at the program may be cut off.
    assert!(complete >= 50 && lost * 50 <= complete, "{complete} are complete, {lost} are not");
}

#[test]
fn callgrind_names_functions_and_their_callers() {
    if !has("valgrind") {
        return skipped("callgrind", "`valgrind` is missing");
    }
    let guest = Guest::new();
    let counts = guest.file("counts");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]);
    valgrind.arg(format!("--callgrind-out-file={}", counts.display()));
    guest.add(&mut valgrind, 15);
    run(&mut valgrind);
    let mut annotate = Command::new("callgrind_annotate");
    let text = run(annotate.args(["--threshold=100", "--tree=caller"]).arg(&counts));
    for name in [":fibonacci", ":half", ":work"] {
        assert!(
            text.lines().any(|line| line.contains(name) && line.contains("guest.so")),
            "`{name}` is missing:\n{text}"
        );
    }
}

#[test]
fn a_picture_shows_the_guest_and_what_it_calls() {
    if !has_perf("perf: picture") {
        return;
    }
    let guest = Guest::new();
    let picture = guest.file("picture.svg");
    let mut wootz = Command::new(WOOTZ);
    wootz.args(["run", "--invoke", "work", "--profile"]).arg(&picture).arg(&guest.library);
    let output = run(wootz.args(["35", "20000"]));
    assert!(output.trim().ends_with("18454931"), "{output}");
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(
        svg.starts_with("<?xml") && svg.trim_end().ends_with("</svg>"),
        "{}",
        &svg[..svg.len().min(500)]
    );
    let share = |name: &str| {
        let title = format!("<title>{name} (");
        let found = svg.lines().filter_map(|line| line.split_once(&title)?.1.split_once(')'));
        let parts = found.map(|(text, _)| text.rsplit(' ').next().unwrap().trim_end_matches('%'));
        parts.map(|part| part.parse::<f64>().unwrap()).fold(0.0, f64::max)
    };
    // The root is the guest's; half of what it computes is done on one way; the host's function is there.
    assert!(share("work") > 95.0, "{}\n{svg}", share("work"));
    assert!(share("half") > 15.0 && share("half") < 60.0, "{}", share("half"));
    let ways_out = (0..4).map(|signature| share(&format!("wootz_exit_{signature}")));
    assert!(share("asks") > 0.0 && ways_out.fold(0.0, f64::max) > 0.0, "{svg}");
    assert!(svg.contains("random_get"), "the function of the host is missing");
}

#[test]
fn the_exit_code_is_the_guests_and_bad_places_are_refused() {
    if !has_perf("perf: exit code") {
        return;
    }
    let guest = Guest::new();
    let source = guest.file("trap.wat");
    std::fs::write(&source, r#"(module (func (export "_start") unreachable))"#).unwrap();
    let library = guest.file("trap.so");
    run(Command::new(WOOTZ).arg("compile").arg(&source).arg("-o").arg(&library));
    let profile = |picture: &Path| {
        let mut wootz = Command::new(WOOTZ);
        wootz.args(["run", "--profile"]).arg(picture).arg(&library).output().unwrap()
    };
    let output = profile(&guest.file("picture.svg"));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(134), "{text}");
    assert!(text.contains("wasm trap"), "{text}");
    assert!(!guest.file("picture.svg").exists() || !text.contains("there is no picture"), "{text}");
    let output = profile(&guest.file("missing/picture.svg"));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}
