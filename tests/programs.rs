//! Real programs, compiled by Wootz and natively from the same sources: they must write the same bytes, end alike, and
//! leave the same files behind.
//!
//! `programs/README.md` says which programs; `programs/cases.txt` holds the runs, and its header says how they are written.
//! Always true: the two sides of a case work in directories of their own, with the same files in them at first, and know
//! the same environment variables.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;
use wootz_tests::{is_ci, programs, root};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

fn main() {
    let arguments = Arguments::from_args();
    let libraries = tempfile::tempdir().expect("there is room for files");
    let text = fs::read_to_string(root().join("tests/programs/cases.txt"))
        .expect("the list of runs can be read");
    let cases = cases(&text, libraries.path());
    let missing: BTreeSet<String> =
        cases.iter().flat_map(|case| case.missing_programs()).map(str::to_string).collect();
    let trials = cases
        .into_iter()
        .map(|case| {
            let ignored = !case.missing_programs().is_empty() && !is_ci();
            Trial::test(case.name.clone(), move || check(&case)).with_ignored_flag(ignored)
        })
        .collect();
    if !missing.is_empty() {
        eprintln!(
            "\n*** {}: real programs are not built: {}; `make -C tests/programs` does it ***",
            if is_ci() { "FAILED" } else { "SKIPPED" },
            Vec::from_iter(missing).join(", ")
        );
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(libraries);
    conclusion.exit();
}

// --- What is run ---

/// A program, compiled by the first run that needs it.
struct Program {
    name: String,
    native: PathBuf,
    wasm: PathBuf,
    library: PathBuf,
    compiled: OnceLock<Result<(), String>>,
}

/// Runs that follow each other in one directory.
struct Case {
    name: String,
    directory: Directory,
    /// Whether only results of Go's tests are compared, and not all that is on standard output.
    results_only: bool,
    /// Files that are there at first: where they come from, and what they are called.
    files: Vec<(PathBuf, PathBuf)>,
    runs: Vec<Run>,
}

/// What the guest knows the directory as.
#[derive(Clone, Copy)]
enum Directory {
    /// It has none.
    None,
    /// `.`, which is where `wootz` runs.
    Current,
    /// `/`
    Root,
}

struct Run {
    program: Arc<Program>,
    stdin: PathBuf,
    arguments: Vec<String>,
    /// How it must end, on both sides.
    status: i32,
}

impl Case {
    /// Programs that are not built.
    fn missing_programs(&self) -> BTreeSet<&str> {
        let programs = self.runs.iter().map(|run| &*run.program);
        programs
            .filter(|program| !program.wasm.exists() || !program.native.exists())
            .map(|program| &*program.name)
            .collect()
    }
}

/// Reads the list of runs. Programs are compiled into the folder `libraries`.
fn cases(text: &str, libraries: &Path) -> Vec<Case> {
    let mut known: BTreeMap<String, Arc<Program>> = BTreeMap::new();
    let mut program = |name: &str| {
        let built = programs();
        let program = || Program {
            name: name.to_string(),
            native: built.join("native").join(name),
            wasm: built.join("wasm").join(format!("{name}.wasm")),
            library: libraries.join(format!("{name}.so")),
            compiled: OnceLock::new(),
        };
        known.entry(name.to_string()).or_insert_with(|| Arc::new(program())).clone()
    };
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let mut run = |columns: &[&str], status| match columns {
            [name, stdin, arguments @ ..] => Run {
                program: program(name),
                stdin: if *stdin == "-" { "/dev/null".into() } else { source(stdin) },
                arguments: arguments.iter().map(ToString::to_string).collect(),
                status,
            },
            _ => panic!("cases.txt: `{line}` has too few columns"),
        };
        let indented = line.starts_with(char::is_whitespace);
        let open = cases.last_mut().filter(|case| !matches!(case.directory, Directory::None));
        match (indented, &*columns) {
            (false, [name, "in", directory, rest @ ..]) => cases.push(Case {
                name: name.to_string(),
                directory: match *directory {
                    "." => Directory::Current,
                    "/" => Directory::Root,
                    other => panic!("cases.txt: `{line}`: expected `.` or `/`, found `{other}`"),
                },
                results_only: match rest {
                    [] => false,
                    ["results"] => true,
                    _ => panic!("cases.txt: `{line}`: expected `results` or nothing at the end"),
                },
                files: Vec::new(),
                runs: Vec::new(),
            }),
            (false, [name, columns @ ..]) => cases.push(Case {
                name: name.to_string(),
                directory: Directory::None,
                results_only: false,
                files: Vec::new(),
                runs: vec![run(columns, i32::from(name.ends_with("_error")))],
            }),
            (true, [keyword, columns @ ..]) => {
                let case = open
                    .unwrap_or_else(|| panic!("cases.txt: `{line}` is not below a `NAME in ...`"));
                match (*keyword, columns) {
                    ("run", columns) => case.runs.push(run(columns, 0)),
                    ("fail", columns) => case.runs.push(run(columns, 1)),
                    ("put", [file, path]) => case.files.push((source(file), path.into())),
                    _ => panic!("cases.txt: `{line}`: expected run, fail, or put FILE PATH"),
                }
            }
            (_, []) => unreachable!("empty lines are left out"),
        }
    }
    cases
}

/// A file of ours.
fn source(path: &str) -> PathBuf {
    root().join("tests/programs").join(path)
}

// --- Running and comparing ---

fn check(case: &Case) -> Result<(), Failed> {
    let missing = Vec::from_iter(case.missing_programs());
    if !missing.is_empty() {
        return Err(format!("not built: {}", missing.join(", ")).into());
    }
    let (native, wootz) = (prepared_directory(case)?, prepared_directory(case)?);
    for run in &case.runs {
        run.program.compiled.get_or_init(|| compile(&run.program)).clone()?;
        let expected = output(run, &mut native_command(case, run, native.path()))?;
        let found = output(run, &mut wootz_command(case, run, wootz.path()))?;
        let mut wrong = compare_outputs(case, run, &expected, &found);
        wrong += &compare_trees(&tree(native.path())?, &tree(wootz.path())?);
        if !wrong.is_empty() {
            let command = format!("{} {}", run.program.name, run.arguments.join(" "));
            return Err(format!("{command}\n{wrong}").into());
        }
    }
    Ok(())
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

fn prepared_directory(case: &Case) -> io::Result<TempDir> {
    let directory = tempfile::tempdir()?;
    // A day in 2009, so that programs that print times print the same.
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    for (from, path) in &case.files {
        let to = directory.path().join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(from, &to)?;
        File::options().write(true).open(&to)?.set_modified(changed)?;
    }
    Ok(directory)
}

fn native_command(case: &Case, run: &Run, directory: &Path) -> Command {
    let mut command = Command::new(&run.program.native);
    command.current_dir(directory).env_clear();
    if !matches!(case.directory, Directory::None) {
        command.env("TMPDIR", directory);
    }
    command
}

fn wootz_command(case: &Case, run: &Run, directory: &Path) -> Command {
    let mut command = Command::new(WOOTZ);
    command.arg("run").current_dir(directory);
    match case.directory {
        Directory::None => {}
        Directory::Current => {
            command.args(["--env", "TMPDIR=.", "--dir", "."]);
        }
        Directory::Root => {
            // From elsewhere, so that nothing works only because it is there.
            command.current_dir(root()).args(["--env", "TMPDIR=/", "--dir"]);
            command.arg(format!("{}::/", directory.display()));
        }
    }
    command.arg(&run.program.library);
    command
}

fn output(run: &Run, command: &mut Command) -> io::Result<Output> {
    command.args(&run.arguments).stdin(Stdio::from(File::open(&run.stdin)?)).output()
}

/// What is wrong with the outputs and with how the processes ended. Empty if nothing is.
fn compare_outputs(case: &Case, run: &Run, expected: &Output, found: &Output) -> String {
    let mut wrong = String::new();
    let mut compare = |what: &str, expected: &str, found: &str| {
        if expected != found {
            wrong += &format!("{what}: {}\n", wootz_tests::difference(expected, found));
        }
    };
    if case.results_only {
        let [expected, found] =
            [expected, found].map(|output| results(&String::from_utf8_lossy(&output.stdout)));
        compare("results", &expected, &found);
        // Otherwise a misspelt name of a test would make a run that says nothing.
        if !expected.contains("--- PASS: ") {
            compare("results", "at least one test that passes natively", &expected);
        }
    } else if expected.stdout != found.stdout {
        compare("standard output", &lossy(&expected.stdout), &lossy(&found.stdout));
    }
    if expected.stderr != found.stderr {
        compare("standard error", &lossy(&expected.stderr), &lossy(&found.stderr));
    }
    if expected.status.code() != Some(run.status) {
        wrong += &format!(
            "natively it ends with {}, expected is exit status {}: {}\n",
            expected.status,
            run.status,
            lossy(&expected.stderr)
        );
    }
    if expected.status.code() != found.status.code() {
        wrong +=
            &format!("natively it ends with {}, here with {}\n", expected.status, found.status);
    }
    if case.results_only && !wrong.is_empty() {
        wrong += "what the tests here say besides:\n";
        for line in lossy(&found.stdout).lines().filter(|line| is_remark(line)) {
            wrong += &format!("{line}\n");
        }
    }
    wrong
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// What a Go test says of itself and of each test in it, sorted: `--- PASS: TestSeek (0.01s)` without the time. What
/// else it prints depends on how the tests that run at the same time are scheduled, and on random numbers.
fn results(output: &str) -> String {
    let without_time = |line: &str| match line.rsplit_once(" (") {
        Some((name, time)) if time.ends_with("s)") => name.to_string(),
        _ => line.to_string(),
    };
    let lines = output.lines().filter(|line| is_result(line));
    let mut lines: Vec<String> = lines.map(without_time).collect();
    lines.sort();
    lines.join("\n")
}

fn is_result(line: &str) -> bool {
    line.trim_start().starts_with("--- ") || line == "PASS" || line == "FAIL"
}

/// Neither a result nor news about what runs now.
fn is_remark(line: &str) -> bool {
    !is_result(line) && !line.starts_with("=== ")
}

// --- Trees of files ---

#[derive(PartialEq)]
enum Entry {
    Directory,
    File(Vec<u8>),
    Link(PathBuf),
    Other,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Entry::Directory => write!(f, "a directory"),
            Entry::File(bytes) => write!(f, "a file of {} bytes", bytes.len()),
            Entry::Link(target) => write!(f, "a link to {}", target.display()),
            Entry::Other => write!(f, "neither file nor directory nor link"),
        }
    }
}

/// Everything below a directory, by path.
fn tree(directory: &Path) -> io::Result<BTreeMap<PathBuf, Entry>> {
    let mut entries = BTreeMap::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(parent) = directories.pop() {
        for entry in fs::read_dir(directory.join(&parent))? {
            let entry = entry?;
            let (path, kind) = (parent.join(entry.file_name()), entry.file_type()?);
            let found = if kind.is_dir() {
                directories.push(path.clone());
                Entry::Directory
            } else if kind.is_file() {
                Entry::File(fs::read(entry.path())?)
            } else if kind.is_symlink() {
                Entry::Link(fs::read_link(entry.path())?)
            } else {
                Entry::Other
            };
            entries.insert(path, found);
        }
    }
    Ok(entries)
}

/// How two trees differ, to begin with. Empty if they do not.
fn compare_trees(expected: &BTreeMap<PathBuf, Entry>, found: &BTreeMap<PathBuf, Entry>) -> String {
    const SHOWN: usize = 10;
    let paths: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let different: Vec<_> =
        paths.into_iter().filter(|path| expected.get(*path) != found.get(*path)).collect();
    let mut wrong = String::new();
    for path in different.iter().take(SHOWN) {
        let (expected, found) = (expected.get(*path), found.get(*path));
        let name = |entry: Option<&Entry>| entry.map_or("nothing".to_string(), ToString::to_string);
        wrong += &format!("{}: natively {}, here {}", path.display(), name(expected), name(found));
        if let (Some(Entry::File(expected)), Some(Entry::File(found))) = (expected, found) {
            wrong += "; ";
            wrong += &match (str::from_utf8(expected), str::from_utf8(found)) {
                (Ok(expected), Ok(found)) => wootz_tests::difference(expected, found),
                _ => {
                    let same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
                    format!("they differ from byte {same} on")
                }
            };
        }
        wrong += "\n";
    }
    if different.len() > SHOWN {
        wrong += &format!("and {} more\n", different.len() - SHOWN);
    }
    wrong
}
