//! `wootz wast`: scripts of the WebAssembly specification's test suite, and of anybody who writes such scripts.
//!
//! Every module is compiled as if it were a user's.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use wootz::{Config, Engine, Module};
use wootz_wast::{Compiler, Failure, Outcome};

use crate::{files, report};

/// Run scripts of the WebAssembly test suite
///
/// Modules may use every proposal that is implemented. Prints each failure with its place, and at last how many
/// directives passed and failed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Wast {
    /// Scripts; `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  wootz wast test/core/*.wast";

impl Wast {
    /// Runs the scripts.
    pub fn execute(self) -> Result<ExitCode> {
        let engine =
            Engine::new(Config::new().wasm_custom_page_sizes(true).wasm_wide_arithmetic(true))?;
        let (mut passed, mut failed) = (0, 0);
        for path in &self.files {
            let outcome = match files::read(path).and_then(|bytes| Ok(String::from_utf8(bytes)?)) {
                Ok(text) => wootz_wast::run(&engine, &HereAndNow, &text, print),
                Err(error) => Outcome::failure(0, 0, format!("{error:#}")),
            };
            for Failure { line, column, message } in &outcome.failures {
                let place = format!("{}:{line}:{column}", path.display());
                report::print(
                    format!("{place}: {}\n", message.replace('\n', "\n    ")).as_bytes(),
                )?;
            }
            passed += outcome.passed;
            failed += outcome.failures.len();
        }
        report::print(format!("{passed} passed, {failed} failed\n").as_bytes())?;
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(line: &str) {
    // Nobody reads it if this fails.
    let _ = report::print(format!("{line}\n").as_bytes());
}

/// Compiles modules when they are needed.
pub struct HereAndNow;

impl Compiler for HereAndNow {
    fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Module> {
        Module::new(engine, wasm)
    }

    fn check_custom_sections(&self, wasm: &[u8]) -> Result<()> {
        Ok(wootz_compiler::validate_with_custom_sections(
            wasm,
            &wootz_compiler::Options::default(),
        )?)
    }
}
