//! Guests with scripts: what is compiled, how, and what debuggers must say about it.
//!
//! In: the folder `guests`; README.md tells how its files are written. Out: [`Case`]s, one for each main source file.
//! Always true: each place that a script names is marked in the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use wootz_tests::emulation::Machine;

use super::value::{Value, Writer};

/// A guest, and what is to be done with it.
pub struct Case {
    pub name: String,
    /// The first source is the one with the script.
    pub sources: Vec<PathBuf>,
    /// Headers, which are not compiled, but may have marks.
    pub headers: Vec<PathBuf>,
    /// A second module, from which the guest imports: its source, and as what.
    pub library: Option<(PathBuf, String)>,
    /// The mode of `wootz-debug-host` that runs it, if it is not `wootz run`.
    pub host: Option<String>,
    /// More options for the C compiler, for `wootz compile` and for `wootz run`.
    pub guest_flags: Vec<String>,
    pub compile_flags: Vec<String>,
    pub run_flags: Vec<String>,
    /// The machines on which debuggers cannot do that.
    not_on: Vec<String>,
    pub builds: Vec<Build>,
    pub steps: Vec<Step>,
    /// Where `@NAME` stands in the sources: file and line.
    pub marks: BTreeMap<String, Place>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub file: String,
    pub line: u64,
}

/// How a guest is compiled, by its compiler and by Wootz.
#[derive(Clone, Debug)]
pub struct Build {
    pub name: String,
    /// `0` or `2`, as in `-O2`.
    pub guest_level: String,
    /// `none` or `speed`, as in `wootz compile -O speed`.
    pub wootz_level: String,
    pub dwarf: u32,
    pub memory64: bool,
}

/// A line of a script.
pub struct Step {
    pub line: usize,
    pub text: String,
    /// Words of the session that must hold, or with `!` must not.
    conditions: Vec<String>,
    pub command: Command,
}

pub enum Command {
    Break {
        mark: String,
        condition: Option<String>,
    },
    BreakFunction(String),
    Delete,
    Run,
    Continue,
    Step,
    Next,
    Finish {
        returned: Option<Value>,
    },
    Until(String),
    Up,
    Down,
    At(String),
    In(String),
    Backtrace(Vec<String>),
    Print {
        expression: String,
        value: Value,
    },
    /// Like `Print`, of a global of any file.
    Global {
        expression: String,
        value: Value,
    },
    Locals(Vec<(String, Value)>),
    Arguments(Vec<(String, Value)>),
    Watch(String),
    Changes {
        old: Value,
        new: Value,
    },
    Set {
        expression: String,
        value: String,
    },
    Traps,
    Exits(i32),
    /// A line of one debugger's, and what its answer must contain or not contain.
    Raw {
        line: String,
        expected: Option<(bool, String)>,
    },
}

/// All guests, by name.
pub fn cases(folder: &Path) -> Vec<Case> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<_, _>>())
        .expect("the folder with guests can be read");
    paths.sort();
    let is_script = |path: &PathBuf| {
        let is_built = path.extension().is_some_and(|extension| extension == "wasm");
        let text = fs::read_to_string(path).unwrap_or_default();
        assert!(is_built || !text.is_empty(), "{}: a source is text", path.display());
        text.lines().any(|line| line.trim_start_matches(['/', ';', ' ']).starts_with("builds:"))
    };
    paths.into_iter().filter(is_script).map(|path| Case::read(&path)).collect()
}

impl Case {
    /// Whether a session can be held on an emulated machine: emulators watch no memory, and the program there calls one
    /// function of one module.
    pub fn can_be_emulated(&self, machine: Machine) -> bool {
        let watches = |step: &Step| matches!(step.command, Command::Watch(_));
        self.host.is_none()
            && self.library.is_none()
            && !self.steps.iter().any(watches)
            && !self.not_on.iter().any(|not| not == machine.name)
    }

    /// # Panics
    /// If it makes no sense.
    fn read(path: &Path) -> Case {
        let text = fs::read_to_string(path).expect("a source is text");
        let mut case = Case {
            name: wootz_tests::stem(path),
            sources: vec![path.to_path_buf()],
            headers: Vec::new(),
            library: None,
            host: None,
            guest_flags: Vec::new(),
            compile_flags: Vec::new(),
            run_flags: Vec::new(),
            not_on: Vec::new(),
            builds: Vec::new(),
            steps: Vec::new(),
            marks: BTreeMap::new(),
        };
        let folder = path.parent().expect("a file lies in a folder");
        let words = |value: &str| value.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str| -> ! { panic!("{}:{}: {what}", path.display(), number + 1) };
            let Some(comment) = line.strip_prefix("//").or_else(|| line.strip_prefix(";;")) else {
                continue;
            };
            if let Some((conditions, command)) = comment.split_once("> ")
                && conditions
                    .trim_start_matches(' ')
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == ' ' || letter == '!')
            {
                let command = command.trim();
                match Command::parse(command) {
                    Ok(parsed) => case.steps.push(Step {
                        line: number + 1,
                        text: command.to_string(),
                        conditions: words(conditions),
                        command: parsed,
                    }),
                    Err(error) => wrong(&error),
                }
                continue;
            }
            let Some((key, value)) = comment.split_once(':') else { continue };
            match key.trim() {
                "builds" => {
                    let builds = words(value).into_iter().map(|name| Build::parse(&name));
                    case.builds =
                        builds.collect::<Result<_, _>>().unwrap_or_else(|error| wrong(&error));
                }
                "also" => case.sources.extend(words(value).iter().map(|name| folder.join(name))),
                "marks in" => {
                    case.headers.extend(words(value).iter().map(|name| folder.join(name)));
                }
                "library" => match &words(value)[..] {
                    [file, name] => case.library = Some((folder.join(file), name.clone())),
                    _ => wrong("expected `library: FILE NAME`"),
                },
                "host" => case.host = Some(value.trim().to_string()),
                "not on" => case.not_on = words(value),
                "guest flags" => case.guest_flags = words(value),
                "compile flags" => case.compile_flags = words(value),
                "run flags" => case.run_flags = words(value),
                _ => {}
            }
        }
        assert!(!case.steps.is_empty(), "{}: there is no script", path.display());
        case.find_marks();
        case
    }

    fn find_marks(&mut self) {
        let library = self.library.iter().map(|(path, _)| path);
        for path in self.sources.iter().chain(&self.headers).chain(library) {
            let text = fs::read_to_string(path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let file = path.file_name().expect("a source has a name").to_string_lossy();
            for (number, line) in text.lines().enumerate() {
                for (at, _) in line.match_indices('@') {
                    let name: String = line[at + 1..]
                        .chars()
                        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                        .collect();
                    let place = Place { file: file.to_string(), line: number as u64 + 1 };
                    if !name.is_empty() {
                        let before = self.marks.insert(name.clone(), place);
                        assert!(before.is_none(), "{}: two marks `{name}`", path.display());
                    }
                }
            }
        }
        for step in &self.steps {
            if let Command::Break { mark, .. } | Command::Until(mark) | Command::At(mark) =
                &step.command
            {
                assert!(
                    self.marks.contains_key(mark),
                    "{}:{}: no mark `{mark}`",
                    self.name,
                    step.line
                );
            }
        }
    }
}

impl Build {
    /// `O0`, `O2+dwarf4`, `O0+speed`, `O0+memory64`.
    fn parse(name: &str) -> Result<Build, String> {
        let mut build = Build {
            name: name.to_string(),
            guest_level: "0".to_string(),
            wootz_level: "none".to_string(),
            dwarf: 5,
            memory64: false,
        };
        for word in name.split('+') {
            match word {
                "O0" => {}
                "O1" | "O2" => build.guest_level = word[1..].to_string(),
                "none" | "speed" => build.wootz_level = word.to_string(),
                "dwarf4" => build.dwarf = 4,
                "memory64" => build.memory64 = true,
                _ => return Err(format!("`{word}` is no way to build")),
            }
        }
        Ok(build)
    }

    /// What conditions of steps may ask for.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<_> = self.name.split('+').map(str::to_string).collect();
        words.push(self.wootz_level.clone());
        words
    }
}

impl Step {
    /// Whether it is for a session of which these words hold.
    pub fn applies(&self, words: &[String]) -> bool {
        self.conditions.iter().all(|condition| match condition.strip_prefix('!') {
            Some(word) => !words.iter().any(|found| found == word),
            None => words.contains(condition),
        })
    }
}

impl Command {
    fn parse(text: &str) -> Result<Command, String> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        let word = || match rest.is_empty() || rest.contains(' ') {
            true => Err(format!("`{verb}` takes one word")),
            false => Ok(rest.to_string()),
        };
        let equation = || {
            let (left, right) =
                rest.split_once(" = ").ok_or_else(|| format!("`{verb}` takes `WHAT = VALUE`"))?;
            Ok::<_, String>((left.trim().to_string(), right.trim().to_string()))
        };
        Ok(match verb {
            "break" => match rest.split_once(" if ") {
                Some((mark, condition)) => Command::Break {
                    mark: mark.to_string(),
                    condition: Some(condition.to_string()),
                },
                None => Command::Break { mark: word()?, condition: None },
            },
            "break-function" => Command::BreakFunction(word()?),
            "delete" => Command::Delete,
            "run" => Command::Run,
            "continue" => Command::Continue,
            "step" => Command::Step,
            "next" => Command::Next,
            "finish" => Command::Finish {
                returned: rest.strip_prefix("= ").map(|value| Value::parse(value, Writer::Script)),
            },
            "until" => Command::Until(word()?),
            "up" => Command::Up,
            "down" => Command::Down,
            "at" => Command::At(word()?),
            "in" => Command::In(word()?),
            "bt" => Command::Backtrace(rest.split_whitespace().map(str::to_string).collect()),
            "p" => {
                let (expression, value) = equation()?;
                Command::Print { expression, value: Value::parse(&value, Writer::Script) }
            }
            "global" => {
                let (expression, value) = equation()?;
                Command::Global { expression, value: Value::parse(&value, Writer::Script) }
            }
            "locals" => Command::Locals(Value::list(rest, Writer::Script)),
            "args" => Command::Arguments(Value::list(rest, Writer::Script)),
            "watch" => Command::Watch(rest.to_string()),
            "changes" => match rest.split_once(" to ") {
                Some((old, new)) => Command::Changes {
                    old: Value::parse(old, Writer::Script),
                    new: Value::parse(new, Writer::Script),
                },
                None => return Err("`changes` takes `OLD to NEW`".to_string()),
            },
            "set" => {
                let (expression, value) = equation()?;
                Command::Set { expression, value }
            }
            "traps" => Command::Traps,
            "exits" => Command::Exits(word()?.parse().map_err(|_| "no exit code")?),
            "raw" => {
                let expected = |(line, expected): (&str, &str), wanted| Command::Raw {
                    line: line.trim().to_string(),
                    expected: Some((wanted, expected.trim().to_string())),
                };
                match (rest.split_once(" !=> "), rest.split_once(" => ")) {
                    (Some(parts), _) => expected(parts, false),
                    (_, Some(parts)) => expected(parts, true),
                    _ => Command::Raw { line: rest.to_string(), expected: None },
                }
            }
            _ => return Err(format!("`{verb}` is no command")),
        })
    }
}
