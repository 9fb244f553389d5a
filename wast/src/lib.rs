//! Runs scripts of the WebAssembly specification's test suite.
//!
//! In: the text of a script, and who makes modules of what is in it. Out: which directives did what they should.
//!
//! Every module takes the way that modules of users take: a shared library is loaded, and its functions are called.
//! There is no compiler here, so that scripts can run where there is none: on emulated machines, for example.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{self, Scope};

use anyhow::{Context, anyhow, ensure};
use wast::WastDirective;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wootz::Engine;

/// Who makes modules of what is in a script.
mod compiler;
/// Values of scripts to values of the loader, and whether results are the expected ones.
mod values;
/// The module `spectest` that scripts import from.
mod spectest;
/// The directives of a script, one by one.
mod script;

pub use compiler::Compiler;
use script::Script;

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

    /// One failure, and nothing else.
    pub fn failure(line: usize, column: usize, message: String) -> Outcome {
        Outcome { passed: 0, failures: vec![Failure { line, column, message }] }
    }
}

/// Runs a script, from its text. `print` gets what the script prints.
///
/// Whatever is in the script, it comes to an end: a directive that cannot be parsed, is not supported, or makes us
/// panic is a failure.
pub fn run(engine: &Engine, compiler: &dyn Compiler, text: &str, print: fn(&str)) -> Outcome {
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
    match Script::new(engine, compiler, print) {
        Ok(script) => thread::scope(|scope| run_directives(scope, script, directives, text)),
        Err(error) => Outcome::failure(0, 0, format!("{error:#}")),
    }
}

/// Runs the directives of a script, or of one of its threads. Waits for the threads that they start.
fn run_directives<'scope, 'text>(
    scope: &'scope Scope<'scope, 'text>,
    mut script: Script<'scope>,
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
