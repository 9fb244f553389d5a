//! `wootz wast`: scripts of the WebAssembly specification's test suite, and of anybody who writes such scripts.
//!
//! Every module takes the way that modules of users take: it is compiled into a shared library, the library is loaded,
//! and its functions are called.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::{self, Scope};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use wast::WastDirective;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wootz::{Config, Engine};

use crate::{files, report};

/// Values of scripts to values of the loader, and whether results are the expected ones.
mod values;
/// The module `spectest` that scripts import from.
mod spectest;
/// The directives of a script, one by one.
mod script;

use script::Script;

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
                Ok(text) => run(&engine, &text, print),
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

/// How the directives of a script ended.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Outcome {
    /// How many did what they should.
    pub passed: usize,
    /// Those that did not.
    pub failures: Vec<Failure>,
}

/// A directive that did not do what it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The line it begins in, from 1; 0 if the file could not be read.
    pub line: usize,
    /// Where in the line, from 1.
    pub column: usize,
    /// What happened instead.
    pub message: String,
}

impl Outcome {
    /// Adds how a thread of the script ended.
    fn add(&mut self, thread: thread::Result<Outcome>) {
        match thread {
            Ok(Outcome { passed, failures }) => {
                self.passed += passed;
                self.failures.extend(failures);
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    fn failure(line: usize, column: usize, message: String) -> Outcome {
        Outcome { passed: 0, failures: vec![Failure { line, column, message }] }
    }
}

/// Runs a script, from its text. `print` gets what the script prints.
///
/// Whatever is in the script, it comes to an end: a directive that cannot be parsed, is not supported, or makes us
/// panic is a failure.
pub fn run(engine: &Engine, text: &str, print: fn(&str)) -> Outcome {
    let parse_failure = |error: wast::Error| {
        let (line, column) = error.span().linecol_in(text);
        Outcome::failure(line + 1, column + 1, error.message())
    };
    let mut lexer = Lexer::new(text);
    // Names of all kinds occur in scripts.
    lexer.allow_confusing_unicode(true);
    let buffer = match ParseBuffer::new_with_lexer(lexer) {
        Ok(buffer) => buffer,
        Err(error) => return parse_failure(error),
    };
    let directives = match parser::parse::<wast::Wast<'_>>(&buffer) {
        Ok(wast) => wast.directives,
        Err(error) => return parse_failure(error),
    };
    match Script::new(engine, print) {
        Ok(script) => thread::scope(|scope| run_directives(scope, script, directives, text)),
        Err(error) => Outcome::failure(0, 0, format!("{error:#}")),
    }
}

/// Runs the directives of a script, or of one of its threads. Waits for the threads that they start.
fn run_directives<'scope, 'text>(
    scope: &'scope Scope<'scope, 'text>,
    mut script: Script,
    directives: Vec<WastDirective<'text>>,
    text: &'text str,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut threads = BTreeMap::new();
    for directive in directives {
        let (line, column) = directive.span().linecol_in(text);
        let result = catch_unwind(AssertUnwindSafe(|| match directive {
            WastDirective::Thread(thread) => {
                let name = thread.name.name();
                let script = script.of_thread(thread.shared_module)?;
                let run = move || run_directives(scope, script, thread.directives, text);
                let former = threads.insert(name, scope.spawn(run));
                ensure!(former.is_none(), "there are two threads ${name}");
                Ok(())
            }
            WastDirective::Wait { thread: id, .. } => {
                let thread = threads.remove(id.name());
                let thread = thread.with_context(|| format!("no thread ${}", id.name()))?;
                outcome.add(thread.join());
                Ok(())
            }
            directive => script.directive(directive),
        }));
        match result.unwrap_or_else(|panic| Err(anyhow!("panic: {}", panic_message(&*panic)))) {
            Ok(()) => outcome.passed += 1,
            Err(error) => outcome.failures.push(Failure {
                line: line + 1,
                column: column + 1,
                message: format!("{error:#}"),
            }),
        }
    }
    for thread in threads.into_values() {
        outcome.add(thread.join());
    }
    outcome
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => message,
        (_, Some(message)) => message,
        _ => "without a message",
    }
}
