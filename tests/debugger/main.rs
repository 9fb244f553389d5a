//! Guests in gdb and lldb: that breakpoints, steps, stacks and values are those of the source.
//!
//! One test for each guest in `debugger/guests`, way to build it, and debugger; README.md there says how they are written.
//! Each is debugged on an emulated machine, too; with `WOOTZ_SUITE=all` on all of these, in all ways.
//! `verify` has the debug information checked by LLVM's own reader, for all targets. The tests that begin with `native` run the
//! same scripts on the same sources compiled for this machine, which tells a wrong script from a wrong compiler:
//! `cargo test -p wootz-tests --test debugger -- --ignored native`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use wootz_tests::emulation::{self, MACHINES, Machine, wants_all};
use wootz_tests::{files, programs, root, skipped, stem};

/// What debuggers print, as values.
mod value;
/// What guests are built of, and what is done with them.
mod script;
/// Building them.
mod guest;
/// Doing it.
mod session;

use script::{Build, Case, cases};
use session::{Debugger, Program};

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");
const HOST: &str = env!("CARGO_BIN_EXE_wootz-debug-host");

/// The targets whose files LLVM's reader understands.
const TARGETS: [&str; 8] = [
    "x86_64-linux",
    "aarch64-linux",
    "riscv64-linux",
    "s390x-linux",
    "x86_64-macos",
    "aarch64-macos",
    "x86_64-windows",
    "aarch64-windows",
];

const READER: &str = "llvm-dwarfdump-19";

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("values", || value::check().map_err(Failed::from))];
    for (number, case) in cases(&root().join("tests/debugger/guests")).into_iter().enumerate() {
        let case = Arc::new(case);
        for (position, machine) in MACHINES.into_iter().enumerate() {
            let builds = match (case.can_be_emulated(machine), wants_all()) {
                (false, _) => 0,
                (true, true) => case.builds.len(),
                // In turn, so that there is something of everything.
                (true, false) if position == number % MACHINES.len() => 2,
                (true, false) => 0,
            };
            for build in case.builds.iter().take(builds) {
                let name = format!("gdb-{}/{}/{}", machine.name, case.name, build.name);
                let (case, build) = (case.clone(), build.clone());
                trials.push(Trial::test(name.clone(), move || {
                    check_emulated(&name, &case, &build, machine)
                }));
            }
        }
        for build in &case.builds {
            for debugger in Debugger::ALL {
                let name = format!("{}/{}/{}", debugger.name(), case.name, build.name);
                let (for_case, for_build) = (case.clone(), build.clone());
                trials.push(Trial::test(name.clone(), move || {
                    check(&name, &for_case, &for_build, debugger, false)
                }));
                // Only what differs natively.
                let is_text =
                    case.name.starts_with("wat_") || case.name.starts_with("assembly_script");
                if build.memory64 || build.name.contains("speed") || is_text {
                    continue;
                }
                let name = format!("native/{}/{}/{}", debugger.name(), case.name, build.name);
                let (for_case, for_build) = (case.clone(), build.clone());
                let trial = Trial::test(name.clone(), move || {
                    check(&name, &for_case, &for_build, debugger, true)
                });
                trials.push(trial.with_ignored_flag(true));
            }
            if build.name.contains("+speed") {
                continue;
            }
            let name = format!("verify/{}/{}", case.name, build.name);
            let (case, build) = (case.clone(), build.clone());
            trials.push(Trial::test(name.clone(), move || verify_guest(&name, &case, &build)));
        }
    }
    let built = files(&programs().join("debug"), "wasm");
    if built.is_empty() {
        trials.push(Trial::test("verify/programs", || {
            skipped(
                "verify/programs",
                "programs with debug information are not built; `make -C tests/programs` does it",
            );
            Ok(())
        }));
    }
    for wasm in built {
        let name = format!("verify/programs/{}", stem(&wasm));
        trials.push(Trial::test(name.clone(), move || {
            if missing(&name, READER) {
                return Ok(());
            }
            verify(&wasm, &[], &stem(&wasm), &TARGETS[..1])
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Runs a script. Fails with all lines of it that are not as they should be.
fn check(
    name: &str,
    case: &Case,
    build: &Build,
    debugger: Debugger,
    native: bool,
) -> Result<(), Failed> {
    if missing(name, debugger.command()) || missing_for(name, case) {
        return Ok(());
    }
    let folder = guest::folder().join("sessions").join(name.replace('/', "-"));
    std::fs::create_dir_all(&folder)?;
    let mut words = build.words();
    words.push(debugger.name().to_string());
    words.push(if native { "native" } else { "wasm" }.to_string());
    let program = match native {
        true => match guest::native(case, build)? {
            Some(path) => Program { path, arguments: Vec::new(), lldb_init: None, machine: None },
            None => return Ok(()),
        },
        false => compiled(case, build, debugger, &folder)?,
    };
    debug(case, debugger, &program, &words, &folder)
}

fn debug(
    case: &Case,
    debugger: Debugger,
    program: &Program,
    words: &[String],
    folder: &Path,
) -> Result<(), Failed> {
    match debugger.run(case, program, words, folder) {
        wrong if wrong.is_empty() => Ok(()),
        wrong => Err(wrong.into()),
    }
}

/// Runs a script in gdb, with a program on another machine.
fn check_emulated(name: &str, case: &Case, build: &Build, machine: Machine) -> Result<(), Failed> {
    if missing(name, "gdb-multiarch") || missing_for(name, case) {
        return Ok(());
    }
    let Some(program) = emulation::program(machine.triple) else {
        skipped(name, "its test program is missing; `make emulated` builds it");
        return Ok(());
    };
    let folder = guest::folder().join("sessions").join(name.replace('/', "-"));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.so", case.name));
    let mut command = compile(case, build, Debugger::Gdb, &guest::wasm(case, build)?, &file);
    quietly(command.args(["--target", machine.name]))?;
    let mut arguments = vec!["run".to_string(), file.display().to_string()];
    arguments.extend(case.run_flags.iter().filter(|flag| *flag != "--invoke").cloned());
    let path = without_debug_info(&program, &machine.tool("objcopy"), machine.name);
    let program = Program { path, arguments, lldb_init: None, machine: Some(machine) };
    let mut words = build.words();
    words.extend(["gdb", "wasm", "emulated", machine.processor()].map(str::to_string));
    debug(case, Debugger::Gdb, &program, &words, &folder)
}

/// The command that compiles a guest for a debugger.
fn compile(case: &Case, build: &Build, debugger: Debugger, wasm: &Path, to: &Path) -> Command {
    let mut command = Command::new(WOOTZ);
    command.args(["compile", "-g", "--debugger", debugger.name(), "-O", &build.wootz_level]);
    command.args(&case.compile_flags).arg(wasm).arg("-o").arg(to);
    command
}

/// A guest compiled by Wootz for a debugger, and how it is run.
fn compiled(
    case: &Case,
    build: &Build,
    debugger: Debugger,
    folder: &Path,
) -> Result<Program, Failed> {
    let file = folder.join(format!("{}.so", case.name));
    quietly(&mut compile(case, build, debugger, &guest::wasm(case, build)?, &file))?;
    let mut arguments = Vec::new();
    match &case.host {
        Some(mode) => arguments.push(mode.clone()),
        None => arguments.push("run".to_string()),
    }
    if let Some((wasm, name)) = guest::library(case, build)? {
        let library = folder.join(format!("{name}.so"));
        quietly(&mut compile(case, build, debugger, &wasm, &library))?;
        arguments.extend(["--preload".to_string(), format!("{name}={}", library.display())]);
    }
    arguments.extend(case.run_flags.iter().cloned());
    arguments.push(file.display().to_string());
    let lldb_init = match debugger {
        Debugger::Gdb => None,
        Debugger::Lldb => Some(lldb_init(folder)?),
    };
    let program = if case.host.is_some() { HOST } else { WOOTZ };
    let path = without_debug_info(Path::new(program), "objcopy", "here");
    Ok(Program { path, arguments, lldb_init, machine: None })
}

/// A copy of a program that debuggers read in half the time: what it says of the host's lines is nothing that is tested.
fn without_debug_info(program: &Path, objcopy: &str, machine: &str) -> PathBuf {
    /// By the programs they are copies of.
    static COPIES: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    let copy = || {
        let copy = guest::folder().join(format!("{}-{machine}", stem(program)));
        let mut command = Command::new(objcopy);
        command.arg("--strip-debug").arg(program).arg(&copy);
        let done = command.output().is_ok_and(|output| output.status.success());
        if done { copy } else { program.to_path_buf() }
    };
    copies.entry(program.to_path_buf()).or_insert_with(copy).clone()
}

/// What lldb reads to know guests' pointers.
fn lldb_init(folder: &Path) -> Result<PathBuf, Failed> {
    let output = Command::new(WOOTZ).arg("lldb-init").output()?;
    if !output.status.success() {
        return Err(format!("lldb-init: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let file = folder.join("wootz_lldb.py");
    std::fs::write(&file, output.stdout)?;
    Ok(file)
}

// --- What LLVM's reader says ---

fn verify_guest(name: &str, case: &Case, build: &Build) -> Result<(), Failed> {
    if missing(name, READER) || missing_for(name, case) {
        return Ok(());
    }
    let mut modules = vec![guest::wasm(case, build)?];
    modules.extend(guest::library(case, build)?.map(|(wasm, _)| wasm));
    for wasm in modules {
        let flags: Vec<_> = case.compile_flags.iter().map(String::as_str).collect();
        verify(&wasm, &flags, &format!("{}-{}", case.name, build.name), &TARGETS)?;
    }
    Ok(())
}

/// Checks what is compiled for debuggers from a module: libraries and objects.
fn verify(wasm: &Path, flags: &[&str], name: &str, targets: &[&str]) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut wrong = String::new();
    for target in targets {
        let ways =
            [("shared", "speed", "gdb"), ("object", "none", "lldb"), ("shared", "none", "lldb")];
        // What differs between machines is in each of these; what differs between debuggers, not.
        let number = if *target == TARGETS[0] { 3 } else { 2 };
        for (emit, level, debugger) in &ways[..number] {
            let file = folder.path().join(format!("{name}-{target}-{emit}"));
            let mut command = Command::new(WOOTZ);
            command.args(["compile", "-g", "--debugger", debugger, "-O", level]);
            command.args(["--target", target, "--emit", emit]).args(flags);
            quietly(command.arg(wasm).arg("-o").arg(&file))?;
            // Libraries for macOS have it in a file beside them, where its tools look.
            let stem = file.file_name().expect("a file has a name").to_os_string();
            let beside = PathBuf::from(format!("{}.dSYM", file.display()))
                .join("Contents/Resources/DWARF")
                .join(stem);
            let file = if beside.exists() { beside } else { file };
            wrong += &complaints(&file, &format!("{target} {emit} -O {level} for {debugger}"))?;
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// What LLVM's reader does not like about a file.
fn complaints(file: &Path, name: &str) -> Result<String, Failed> {
    let output = Command::new(READER).arg("--verify").arg(file).output()?;
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // What it says of GCC's files, too: that the file of a unit is listed twice, as version 5 of DWARF is often
    // written for readers of version 4; and that it does not know all relocations of objects for s390x.
    let is_known = |line: &str| {
        line.ends_with(" is a duplicate of file_names[0]")
            || line.contains("failed to compute relocation: R_390_PC32")
    };
    let lines = stdout.lines().chain(stderr.lines());
    let wrong: Vec<_> = lines
        .clone()
        .filter(|line| !line.starts_with("Verifying ") && *line != "No errors." && !is_known(line))
        .collect();
    // An empty file is verified, too.
    let units = stdout.lines().any(|line| line.starts_with("Verifying unit: "));
    let clean = wrong.is_empty() && output.status.success() && stdout.contains("No errors.");
    Ok(match (clean, units) {
        (true, true) => String::new(),
        (true, false) => format!("{name}: there is nothing to verify\n"),
        (false, _) => {
            let shown: Vec<_> =
                wrong.into_iter().filter(|line| !line.is_empty()).take(20).collect();
            format!("{name}: {}\n", shown.join("\n    "))
        }
    })
}

// --- Tools ---

fn missing(name: &str, tool: &str) -> bool {
    let missing = !guest::is_there(tool);
    if missing {
        skipped(name, &format!("`{tool}` is missing"));
    }
    missing
}

fn missing_for(name: &str, case: &Case) -> bool {
    let missing = guest::missing_tool(case);
    if let Some(what) = missing {
        skipped(name, what);
    }
    missing.is_some()
}

/// Runs a command that must succeed.
fn quietly(command: &mut Command) -> Result<(), Failed> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let error = String::from_utf8_lossy(&output.stderr);
            Err(format!("{command:?}: {}: {error}", output.status).into())
        }
    }
}
