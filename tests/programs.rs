//! Real programs, compiled by Wootz and natively from the same sources: they must write the same bytes and end alike.
//!
//! `programs/README.md` says which programs; `programs/cases.txt` holds the runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use wootz_tests::{is_ci, programs, root};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// A program, compiled by the first run that needs it.
struct Program {
    name: String,
    native: PathBuf,
    wasm: PathBuf,
    library: PathBuf,
    compiled: OnceLock<Result<(), String>>,
}

struct Case {
    name: String,
    program: Arc<Program>,
    stdin: PathBuf,
    arguments: Vec<String>,
}

fn main() {
    let arguments = Arguments::from_args();
    let libraries = tempfile::tempdir().expect("there is room for files");
    let cases = cases(libraries.path());
    let missing =
        cases.iter().any(|case| !case.program.wasm.exists() || !case.program.native.exists());
    let trials = cases
        .into_iter()
        .map(|case| {
            Trial::test(case.name.clone(), move || check(&case))
                .with_ignored_flag(missing && !is_ci())
        })
        .collect();
    if missing {
        eprintln!(
            "\n*** {}: the real programs are not built; `make -C tests/programs` does it ***",
            if is_ci() { "FAILED" } else { "SKIPPED" }
        );
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(libraries);
    conclusion.exit();
}

fn cases(libraries: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(root().join("tests/programs/cases.txt"))
        .expect("the list of runs can be read");
    let mut known: Vec<Arc<Program>> = Vec::new();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let mut columns = line.split_whitespace().map(str::to_string);
            let mut next = || {
                columns.next().unwrap_or_else(|| panic!("cases.txt: `{line}` has too few columns"))
            };
            let (name, program, stdin) = (next(), next(), next());
            let program =
                known.iter().find(|known| known.name == program).cloned().unwrap_or_else(|| {
                    let built = programs();
                    let program = Arc::new(Program {
                        native: built.join("native").join(&program),
                        wasm: built.join("wasm").join(format!("{program}.wasm")),
                        library: libraries.join(format!("{program}.so")),
                        name: program,
                        compiled: OnceLock::new(),
                    });
                    known.push(program.clone());
                    program
                });
            let stdin = match stdin.as_str() {
                "-" => PathBuf::from("/dev/null"),
                file => root().join("tests/programs").join(file),
            };
            Case { name, program, stdin, arguments: columns.collect() }
        })
        .collect()
}

fn check(case: &Case) -> Result<(), Failed> {
    let program = &case.program;
    program.compiled.get_or_init(|| compile(program)).clone()?;
    let run = |command: &mut Command| -> Result<Output, Failed> {
        Ok(command.args(&case.arguments).stdin(Stdio::from(File::open(&case.stdin)?)).output()?)
    };
    let expected = run(&mut Command::new(&program.native))?;
    let found = run(Command::new(WOOTZ).arg("run").arg(&program.library))?;
    let mut wrong = String::new();
    for (what, expected, found) in [
        ("standard output", &expected.stdout, &found.stdout),
        ("standard error", &expected.stderr, &found.stderr),
    ] {
        if expected != found {
            let (expected, found) =
                (String::from_utf8_lossy(expected), String::from_utf8_lossy(found));
            wrong += &format!("{what}: {}", wootz_tests::difference(&expected, &found));
        }
    }
    if expected.status.code() != found.status.code() {
        wrong +=
            &format!("natively it ends with {}, here with {}\n", expected.status, found.status);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

fn compile(program: &Program) -> Result<(), String> {
    let output = Command::new(WOOTZ)
        .arg("compile")
        .arg(&program.wasm)
        .arg("-o")
        .arg(&program.library)
        .output();
    let output = output.map_err(|error| error.to_string())?;
    match output.status.success() && output.stderr.is_empty() && output.stdout.is_empty() {
        true => Ok(()),
        false => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}
