//! `wootz FILE`, for `wootz run FILE`: how a command line without a command is told from one with a misspelt command.
//!
//! In: a command line. Out: the same, with `run` where it was left out; and what to say of one that makes no sense.

use std::ffi::OsString;
use std::path::Path;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Options of the program itself.
const OWN_OPTIONS: [&str; 4] = ["-h", "--help", "-V", "--version"];

/// Puts `run` in front of what can only be its options or its file: an option that is not the program's own, `-`, the name of
/// a file that is there, or what looks like a file's name, with a dot or a slash. Anything else is a command, and if
/// `is_command` does not know it, it is one that was misspelt, for which there are suggestions.
pub fn in_full(mut arguments: Vec<OsString>, is_command: impl Fn(&str) -> bool) -> Vec<OsString> {
    let Some(first) = arguments.get(1) else { return arguments };
    let text = first.to_string_lossy();
    let is_run = match text.starts_with('-') {
        true => !OWN_OPTIONS.contains(&text.as_ref()),
        false => !is_command(&text) && (text.contains(['.', '/']) || Path::new(first).exists()),
    };
    if is_run {
        arguments.insert(1, "run".into());
    }
    arguments
}

/// Adds to the message about a command that there is not that there is no such file either.
pub fn neither_command_nor_file(mut error: Error) -> Error {
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand)
    {
        let tip = format!("there is no file '{name}' to run either").into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_run_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let without_dot = directory.path().join("file");
        std::fs::write(&without_dot, "").unwrap();
        for (first, expected) in [
            ("app.wasm", true),
            ("./run", true),
            ("-", true),
            ("--env", true),
            ("--env=A=1", true),
            ("-O", true),
            (without_dot.to_str().unwrap(), true),
            ("run", false),
            ("runn", false),
            ("help", false),
            ("-h", false),
            ("--help", false),
            ("-V", false),
            ("--version", false),
        ] {
            let arguments: Vec<OsString> = vec!["wootz".into(), first.into(), "run".into()];
            let full = in_full(arguments.clone(), |name| ["run", "help"].contains(&name));
            assert_eq!(full.len() == 4 && full[1] == "run", expected, "{first}");
            assert_eq!(full[full.len() - 2..], arguments[1..], "{first}");
        }
        assert_eq!(in_full(vec!["wootz".into()], |_| false), ["wootz"]);
    }
}
