//! What goes to standard output and standard error, and exit codes.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Error;

/// The exit code of a command that did not do what it should.
const FAILURE: u8 = 1;

/// The exit code for a command line that makes no sense.
const USAGE: u8 = 2;

/// The exit code after a trap: that of a native program that was aborted.
pub const TRAPPED: u8 = 134;

/// Options that do not go together.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Writes to standard output. If nobody reads it any more, that is no error.
pub fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(error).context("standard output"))
        }
        _ => Ok(()),
    }
}

/// Tells about an error and its causes, and returns the exit code for it.
pub fn failure(error: &Error) -> ExitCode {
    show(error);
    ExitCode::from(if error.is::<Usage>() { USAGE } else { FAILURE })
}

/// Tells about an error and its causes.
pub fn show(error: &Error) {
    // If standard error is closed, nobody wants to know.
    let _ = std::io::stderr().write_all(explain(error).as_bytes());
}

/// Tells what is no error, and good to know.
pub fn note(text: &str) {
    // As above.
    let _ = writeln!(std::io::stderr(), "note: {text}");
}

/// Tells what is no error, but perhaps not what was meant.
pub fn warn(text: &str) {
    // As above.
    let _ = writeln!(std::io::stderr(), "warning: {text}");
}

/// An error and its causes, each on lines of its own.
fn explain(error: &Error) -> String {
    let mut text = String::new();
    for (level, cause) in error.chain().enumerate() {
        let message = cause.to_string();
        let message = message.trim_end().replace('\n', "\n    ");
        text += &match level {
            0 => format!("error: {message}\n"),
            _ => format!("  caused by: {message}\n"),
        };
    }
    text
}

/// "`a`, `b` and `c`"
pub fn list(names: &[impl AsRef<str>], conjunction: &str) -> String {
    let quoted = |name: &dyn AsRef<str>| format!("`{}`", name.as_ref());
    match names {
        [] => String::new(),
        [one] => quoted(one),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| quoted(name)).collect();
            format!("{} {conjunction} {}", first.join(", "), quoted(last))
        }
    }
}

/// "; did you mean `a` or `b`?", or nothing if no known name resembles the unknown one.
pub fn suggestion<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let tolerated = 1 + unknown.chars().count() / 4;
    let mut similar: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| {
            (strsim::damerau_levenshtein(&unknown.to_lowercase(), &name.to_lowercase()), name)
        })
        .filter(|&(distance, name)| distance <= tolerated && distance < name.chars().count().max(1))
        .collect();
    similar.sort();
    let names: Vec<&str> = similar.into_iter().map(|(_, name)| name).take(3).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", list(&names, "or")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_indented() {
        let error = anyhow::anyhow!("one\ntwo").context("zero");
        assert_eq!(explain(&error), "error: zero\n  caused by: one\n    two\n");
    }

    #[test]
    fn only_similar_names_are_suggested() {
        assert_eq!(suggestion("ad", ["add", "sub", "memory"]), "; did you mean `add`?");
        assert_eq!(suggestion("Memroy", ["add", "memory"]), "; did you mean `memory`?");
        assert_eq!(suggestion("run", ["_start", "x"]), "");
        assert_eq!(suggestion("a", ["b"]), "");
    }
}
