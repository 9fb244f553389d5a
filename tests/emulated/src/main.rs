//! Runs on another machine what was compiled for it:
//!
//! ```text
//! wootz-emulated FOLDER                            all tests in the folder that `lib.rs` describes
//! wootz-emulated run FILE [EXPORT [NUMBER...]]     one file, for a debugger to watch
//! ```
//!
//! There is no compiler here, so that building this takes little time. Of a folder it prints what went wrong, the size of
//! pages, and in the end how many tests passed and failed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use wootz::{Config, Engine, Module};
use wootz_emulated::{SETTINGS, failures, module_path};
use wootz_wast::Compiler;

/// Modules that do what suites do not look at: what ends calls early, who calls whom, what is shared.
mod guests;
/// One file.
mod single;

/// Modules that were compiled before, in the folder of their group and setting.
struct Compiled<'a>(&'a Path);

impl Compiler for Compiled<'_> {
    fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Module> {
        let bytes = fs::read(module_path(self.0, wasm))
            .context("it was not compiled, because it is invalid")?;
        // SAFETY: the compiler has made it, for this test.
        unsafe { Module::deserialize(engine, bytes) }
    }

    fn check_custom_sections(&self, _wasm: &[u8]) -> Result<()> {
        bail!("what is written for compilers is not looked at here")
    }
}

/// What became of the tests.
#[derive(Default)]
struct Tests {
    passed: usize,
    failed: usize,
}

impl Tests {
    fn add(&mut self, name: &str, problems: &[String]) {
        match problems {
            [] => self.passed += 1,
            _ => self.failed += 1,
        }
        for problem in problems {
            println!("{name}: {problem}");
        }
    }
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = match &arguments[..] {
        [folder] => PathBuf::from(folder),
        [run, file] if run == "run" => return single::run(Path::new(file), "_start", &[]),
        [run, file, export, numbers @ ..] if run == "run" => {
            return single::run(Path::new(file), export, numbers);
        }
        _ => bail!("usage: wootz-emulated FOLDER, or wootz-emulated run FILE [EXPORT [NUMBER...]]"),
    };
    let mut tests = Tests::default();
    for group in entries(&folder.join("scripts"))? {
        for script in entries(&group)?.iter().filter(|path| path.extension().is_some()) {
            run_script(&group, script, &mut tests)?;
        }
    }
    for (name, test) in guests::TESTS {
        let problem = test(&folder).err().map(|error| format!("{error:?}"));
        tests.add(name, &Vec::from_iter(problem));
    }
    println!("with pages of {} bytes:", wootz_runtime::vm::sys::page_bytes());
    println!("{} passed, {} failed", tests.passed, tests.failed);
    Ok(if tests.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a script with each setting. It must do as well as it does where it was compiled.
fn run_script(group: &Path, script: &Path, tests: &mut Tests) -> Result<()> {
    let text = fs::read_to_string(script)?;
    for (setting, set) in SETTINGS {
        let mut config = Config::new();
        config.wasm_custom_page_sizes(true).wasm_wide_arithmetic(true);
        set(&mut config);
        let folder = group.join(setting);
        let outcome = wootz_wast::run(&Engine::new(&config)?, &Compiled(&folder), &text, |_| ());
        let name = script.file_name().context("files have names")?;
        let expected = fs::read_to_string(folder.join(name).with_extension("txt"))?;
        let problems = match failures(&outcome) == expected {
            true => Vec::new(),
            false => outcome
                .failures
                .iter()
                .take(20)
                .map(|failure| format!("{}:{}: {}", failure.line, failure.column, failure.message))
                .chain([format!("expected to fail: {expected:?}")])
                .collect(),
        };
        tests.add(&format!("{} with {setting} settings", script.display()), &problems);
    }
    Ok(())
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}
