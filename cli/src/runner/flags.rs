//! Arguments that are the program's own, and not its guest's.
//!
//! In: arguments. Out: what the first of them say, and the rest, for the guest.
//!
//! Always true: an argument that does not begin with `--wootz-` is the guest's, and so is all that stands behind it. Only a
//! `--` that stands behind flags is nobody's: it ends them.

use std::ffi::{OsStr, OsString};

use anyhow::{Result, bail};

use crate::guest::directories::Directory;
use crate::guest::environment::Variable;
use crate::program::Settings;
use crate::report::{Usage, suggestion};
use crate::text;

/// What all flags begin with.
const PREFIX: &str = "--wootz-";

/// All flags, without prefix.
const NAMES: [&str; 5] = ["dir", "env", "inherit-env", "perf", "help"];

/// What the arguments of a program say.
#[derive(Default, Debug)]
pub struct Flags {
    /// Directories that the guest gets besides those that the program was made with.
    pub directories: Vec<Directory>,
    /// Variables, likewise.
    pub environment: Vec<Variable>,
    /// The guest gets all variables that this process has.
    pub inherit_environment: bool,
    /// Profilers are shown the guest's functions.
    pub perf: bool,
    /// Nothing is run, only explained.
    pub help: bool,
    /// The guest's arguments.
    pub rest: Vec<OsString>,
}

impl Flags {
    /// No flags: all arguments are the guest's.
    pub fn none(arguments: Vec<OsString>) -> Flags {
        Flags { rest: arguments, ..Flags::default() }
    }

    /// Takes leading flags off the arguments.
    ///
    /// # Errors
    /// If there is no such flag, or its value makes no sense.
    pub fn parse(arguments: Vec<OsString>) -> Result<Flags> {
        let mut flags = Flags::default();
        let mut arguments = arguments.into_iter().peekable();
        let mut ended_by = false;
        while let Some(flag) = arguments.peek().and_then(|next| text::strip_prefix(next, PREFIX)) {
            let argument = arguments.next().expect("it was peeked at");
            flags.take(&argument, flag)?;
            ended_by = true;
        }
        if ended_by {
            arguments.next_if(|next| next == "--");
        }
        flags.rest = arguments.collect();
        Ok(flags)
    }

    /// Takes an argument, whose text behind the prefix is `flag`.
    fn take(&mut self, argument: &OsStr, flag: OsString) -> Result<()> {
        let (name, value) = match text::split_once(&flag, "=") {
            Some((name, value)) => (name, Some(value)),
            None => (flag, None),
        };
        let wrong = |why: &str| Usage(format!("`{}`: {why}", argument.display()));
        match (name.as_encoded_bytes(), value) {
            (b"dir", Some(value)) => {
                self.directories.push(Directory::parse(value).map_err(wrong)?);
            }
            (b"env", Some(value)) => self.environment.push(Variable::parse(value).map_err(wrong)?),
            (b"inherit-env", None) => self.inherit_environment = true,
            (b"perf", None) => self.perf = true,
            (b"help", None) => self.help = true,
            (b"dir", None) => bail!(wrong("expected `--wootz-dir=HOST[::GUEST][:ro]`")),
            (b"env", None) => bail!(wrong("expected `--wootz-env=NAME[=VALUE]`")),
            (b"inherit-env" | b"perf" | b"help", Some(_)) => bail!(wrong("this flag has no value")),
            (name, _) => {
                let name = String::from_utf8_lossy(name);
                let similar = suggestion(&name, NAMES);
                bail!(wrong(&format!(
                    "there is no such flag{similar} (`--wootz-help` lists them; behind a flag and `--`, all arguments \
                     are the guest's)"
                )));
            }
        }
        Ok(())
    }
}

/// What a program says of itself.
pub fn help(name: &str, settings: &Settings) -> String {
    let mut text = format!(
        "\
A WebAssembly program, compiled by Wootz. Its own help, if it has any, is elsewhere.

Usage: {name} [FLAGS [--]] [ARGS]...

Leading arguments that begin with `--wootz-` are flags; all others are the program's.
A `--` behind flags ends them, if the program's first argument looks like one.

Flags:
  --wootz-dir=HOST[::GUEST][:ro]  let it use a directory, as GUEST; only for reading, with :ro
  --wootz-env=NAME[=VALUE]        set a variable of its environment; without VALUE, to what it is here
  --wootz-inherit-env             let it have the whole environment
  --wootz-perf                    for profilers, leave its code in a file wootz-PID/*.so where temporary files are
  --wootz-help                    show this
"
    );
    let directories = settings.directories.iter().map(|text| ("--dir", text));
    let environment = settings.environment.iter().map(|text| ("--env", text));
    let inherits = settings.inherit_environment.then_some("  --inherit-env\n");
    let made_with: String = directories
        .chain(environment)
        .map(|(option, value)| format!("  {option} {value}\n"))
        .chain(inherits.map(String::from))
        .collect();
    if !made_with.is_empty() {
        text += &format!("\nIt was made with:\n{made_with}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Flags> {
        Flags::parse(arguments.iter().map(OsString::from).collect())
    }

    #[test]
    fn what_begins_otherwise_is_the_guests() {
        for (arguments, rest) in [
            (&[][..], &[][..]),
            (&["a", "--wootz-help"], &["a", "--wootz-help"]),
            (&["--", "a"], &["--", "a"]),
            (&["--wootz", "--dir=x"], &["--wootz", "--dir=x"]),
            (&["--wootz-env=A=1"], &[]),
            (&["--wootz-env=A=1", "a", "--"], &["a", "--"]),
            (&["--wootz-env=A=1", "--", "--wootz-help", "--"], &["--wootz-help", "--"]),
            (&["--wootz-env=A", "--wootz-dir=x::/", "--", "--"], &["--"]),
        ] {
            let flags = parse(arguments).unwrap();
            assert_eq!(flags.rest, rest, "{arguments:?}");
            assert!(!flags.help, "{arguments:?}");
        }
        let flags = parse(&["--wootz-dir=a::b:ro", "--wootz-inherit-env", "--wootz-help"]).unwrap();
        assert_eq!(flags.directories, [Directory::parse("a::b:ro".into()).unwrap()]);
        assert!(flags.inherit_environment && flags.help && flags.rest.is_empty());
    }

    #[test]
    fn flags_that_make_no_sense_are_named() {
        for (argument, words) in [
            ("--wootz-dri=x", ["`--wootz-dri=x`", "did you mean `dir`?"]),
            ("--wootz-", ["`--wootz-`", "no such flag"]),
            ("--wootz-dir", ["`--wootz-dir`", "HOST[::GUEST]"]),
            ("--wootz-dir=", ["`--wootz-dir=`", "name is empty"]),
            ("--wootz-env==", ["`--wootz-env==`", "NAME=VALUE"]),
            ("--wootz-help=x", ["`--wootz-help=x`", "no value"]),
        ] {
            let error = parse(&[argument]).unwrap_err();
            assert!(error.is::<Usage>());
            for word in words {
                assert!(error.to_string().contains(word), "{argument}: {error}");
            }
        }
    }
}
