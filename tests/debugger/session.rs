//! Scripts in the words of gdb and lldb, and their answers.
//!
//! In: a case, the program to debug, which debugger. Out: for each line of the script, what is wrong with the answer.
//! Always true: a debugger that hangs is stopped after a minute; what it said is kept in a file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::time::{Duration, Instant};

use wootz_tests::emulation::{Machine, Server};

use super::script::{Case, Command, Place, Step};
use super::value::{Value, Writer};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Debugger {
    Gdb,
    Lldb,
}

/// What is debugged.
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<String>,
    /// What lldb reads at first.
    pub lldb_init: Option<PathBuf>,
    /// The machine that it is for, if that is emulated.
    pub machine: Option<Machine>,
}

const LIMIT: Duration = Duration::from_secs(60);

/// Before a script, in gdb. Nothing that a user would have to know: it makes answers easy to read.
const GDB_PROLOGUE: [&str; 9] = [
    "set debuginfod enabled off",
    "set confirm off",
    "set width 0",
    "set height 0",
    "set print frame-arguments none",
    "set print repeats unlimited",
    "set print null-stop on",
    "set print entry-values no",
    "set breakpoint pending on",
];

/// The same in lldb, whose frames are shown as gdb shows them.
const LLDB_PROLOGUE: [&str; 5] = [
    "settings set auto-confirm true",
    "settings set use-color false",
    "settings set stop-line-count-before 0",
    "settings set stop-line-count-after 0",
    "settings set frame-format \"#${frame.index} {${function.name-without-args}} (){ at \
     ${line.file.basename}:${line.number}}\\n\"",
];

impl Debugger {
    pub const ALL: [Debugger; 2] = [Debugger::Gdb, Debugger::Lldb];

    pub fn name(self) -> &'static str {
        match self {
            Debugger::Gdb => "gdb",
            Debugger::Lldb => "lldb",
        }
    }

    /// The program.
    pub fn command(self) -> &'static str {
        match self {
            Debugger::Gdb => "gdb",
            Debugger::Lldb => "lldb-19",
        }
    }

    fn writer(self) -> Writer {
        match self {
            Debugger::Gdb => Writer::Gdb,
            Debugger::Lldb => Writer::Lldb,
        }
    }

    /// Runs a script. Empty if all is as it says.
    pub fn run(self, case: &Case, program: &Program, words: &[String], folder: &Path) -> String {
        let steps: Vec<&Step> = case.steps.iter().filter(|step| step.applies(words)).collect();
        let transcript = folder.join("transcript");
        let ended = match self {
            Debugger::Gdb => self.gdb(case, program, &steps, folder, &transcript),
            Debugger::Lldb => self.lldb(case, program, &steps, folder, &transcript),
        };
        let text = String::from_utf8_lossy(&fs::read(&transcript).unwrap_or_default()).into_owned();
        let mut wrong = String::new();
        if !ended {
            wrong += "the debugger was stopped after a minute\n";
        }
        for (number, step) in steps.iter().enumerate() {
            let answer = answer(&text, number);
            if let Err(error) = self.check(case, &step.command, &answer) {
                writeln!(wrong, "{}:{}: `{}`: {error}", case.name, step.line, step.text)
                    .expect("strings take everything");
            }
        }
        if !wrong.is_empty() {
            wrong += &format!("{} has all that was said\n", transcript.display());
        }
        wrong
    }

    fn gdb(
        self,
        case: &Case,
        program: &Program,
        steps: &[&Step],
        folder: &Path,
        to: &Path,
    ) -> bool {
        let output = folder.join("output");
        // On another machine it has begun, and waits.
        let server = program
            .machine
            .map(|machine| Server::start(machine, &program.path, &program.arguments, &output));
        let mut begin = vec!["set print memory-tag-violations off".to_string()];
        match &server {
            None => begin.push(format!(
                "set args {} > {} 2>&1",
                program.arguments.join(" "),
                output.display()
            )),
            Some(server) => begin.extend(server.commands(folder)),
        }
        let mut command =
            process::Command::new(if server.is_some() { "gdb-multiarch" } else { "gdb" });
        command.args(["-nx", "-batch"]);
        // One by one: a file of commands ends with the first that fails.
        for line in GDB_PROLOGUE.map(str::to_string).iter().chain(&begin) {
            command.args(["-ex", line]);
        }
        for (number, step) in steps.iter().enumerate() {
            command.args(["-ex", &format!("echo \\n{}\\n", separator(number))]);
            let line = match step.command {
                Command::Run if program.machine.is_some() => "continue".to_string(),
                _ => self.line(case, &step.command),
            };
            command.args(["-ex", &line]);
        }
        command.args(["-ex", &format!("echo \\n{}\\n", separator(steps.len()))]);
        command.arg("--args").arg(&program.path);
        bounded(&mut command, to)
    }

    fn lldb(
        self,
        case: &Case,
        program: &Program,
        steps: &[&Step],
        folder: &Path,
        to: &Path,
    ) -> bool {
        let mut script = String::new();
        for line in LLDB_PROLOGUE {
            script += &format!("{line}\n");
        }
        let output = folder.join("output");
        script += &format!("settings set target.output-path {}\n", output.display());
        script += &format!("settings set target.error-path {}\n", output.display());
        if let Some(init) = &program.lldb_init {
            script += &format!("command script import {}\n", init.display());
        }
        for (number, step) in steps.iter().enumerate() {
            script += &format!("script print(\"{}\")\n", separator(number));
            script += &format!("{}\n", self.line(case, &step.command));
        }
        script += &format!("script print(\"{}\")\n", separator(steps.len()));
        let file = folder.join("script.lldb");
        fs::write(&file, script).expect("there is room for a script");
        let mut command = process::Command::new("lldb-19");
        // Not in batches, which end where a guest traps; and by a command that goes on after errors.
        let source = format!("command source -e false {}", file.display());
        command.args(["-x", "-o", &source, "-o", "quit", "--"]).arg(&program.path);
        command.args(&program.arguments);
        bounded(&mut command, to)
    }

    /// A command of a script, in the debugger's words.
    fn line(self, case: &Case, command: &Command) -> String {
        let gdb = self == Debugger::Gdb;
        let either = |in_gdb: &str, in_lldb: &str| if gdb { in_gdb } else { in_lldb }.to_string();
        let place = |mark: &str| -> &Place { &case.marks[mark] };
        match command {
            Command::Break { mark, condition } => {
                let Place { file, line } = place(mark);
                match (gdb, condition) {
                    (true, None) => format!("break {file}:{line}"),
                    (true, Some(condition)) => format!("break {file}:{line} if {condition}"),
                    (false, None) => format!("breakpoint set -f {file} -l {line}"),
                    (false, Some(condition)) => {
                        format!("breakpoint set -f {file} -l {line} -c '{condition}'")
                    }
                }
            }
            Command::BreakFunction(name) if gdb => format!("break {name}"),
            Command::BreakFunction(name) => format!("breakpoint set -n {name}"),
            Command::Delete => either("delete", "breakpoint delete -f\nwatchpoint delete -f"),
            Command::Run => "run".to_string(),
            Command::Continue | Command::Changes { .. } | Command::Traps | Command::Exits(_) => {
                "continue".to_string()
            }
            Command::Step => "step".to_string(),
            Command::Next => "next".to_string(),
            Command::Finish { .. } => "finish".to_string(),
            Command::Until(mark) => {
                let Place { file, line } = place(mark);
                either(&format!("until {file}:{line}"), &format!("thread until {line}"))
            }
            Command::Up => "up".to_string(),
            Command::Down => "down".to_string(),
            Command::At(_) | Command::In(_) => either("frame", "frame info"),
            Command::Backtrace(_) => "bt".to_string(),
            Command::Print { expression, .. } => {
                format!("{} {expression}", if gdb { "print" } else { "frame variable" })
            }
            Command::Global { expression, .. } => {
                format!("{} {expression}", if gdb { "print" } else { "target variable" })
            }
            Command::Locals(_) => either("info locals", "frame variable --no-args"),
            Command::Arguments(_) => either("info args", "frame variable --no-locals"),
            Command::Watch(expression) if gdb => format!("watch {expression}"),
            Command::Watch(expression) => format!("watchpoint set variable {expression}"),
            Command::Set { expression, value } if gdb => format!("set var {expression} = {value}"),
            Command::Set { expression, value } => {
                let is_name =
                    expression.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
                match is_name {
                    true => format!("expression -- {expression} = {value}"),
                    // lldb's expressions know nothing of guests' pointers; its variables do.
                    false => format!(
                        "script print(lldb.frame.GetValueForVariablePath(\"{expression}\")\
                         .SetValueFromCString(\"{value}\"))"
                    ),
                }
            }
            Command::Raw { line, .. } => line.clone(),
        }
    }

    /// Whether an answer is right.
    fn check(self, case: &Case, command: &Command, answer: &str) -> Result<(), String> {
        let gdb = self == Debugger::Gdb;
        let expect = |ok: bool, expected: &str| match ok {
            true => Ok(()),
            false => Err(format!("expected {expected}, found: {}", answer.trim())),
        };
        match command {
            Command::Break { .. } | Command::BreakFunction(_) => {
                expect(answer.contains("Breakpoint "), "a breakpoint")
            }
            Command::Delete | Command::Up | Command::Down => Ok(()),
            Command::Run
            | Command::Continue
            | Command::Step
            | Command::Next
            | Command::Until(_) => {
                let stopped = if gdb {
                    frames(answer).next().is_some() || has_source(answer)
                } else {
                    answer.contains("stop reason = ")
                };
                let ended = answer.contains(" exited ");
                let signal =
                    answer.contains("received signal") || answer.contains("stop reason = signal");
                expect(stopped && !ended && !signal, "to stop at a line")
            }
            Command::Finish { returned } => {
                let Some(expected) = returned else { return Ok(()) };
                let after = if gdb { "Value returned is " } else { "Return value: " };
                let value = answer.lines().find_map(|line| line.trim().strip_prefix(after));
                let value = value.and_then(|value| value.split_once(" = ")).map(|(_, value)| value);
                compare(expected, &Value::parse(value.unwrap_or_default(), self.writer()))
            }
            Command::At(mark) => {
                let Place { file, line } = &case.marks[mark];
                let found = frames(answer).next().map(|frame| frame.place);
                match found == Some(format!("{file}:{line}")) {
                    true => Ok(()),
                    false => Err(format!("expected {file}:{line}, found: {}", answer.trim())),
                }
            }
            Command::In(name) => {
                let found = frames(answer).next().is_some_and(|frame| frame.is(name));
                expect(found, &format!("`{name}`"))
            }
            Command::Backtrace(names) => backtrace(names, answer),
            Command::Print { expression, value } | Command::Global { expression, value } => {
                let start = if gdb { "$" } else { "(" };
                let printed = answer.trim_start().strip_prefix(start).and_then(|rest| match gdb {
                    true => rest.split_once(" = ").map(|(_, value)| value),
                    false => rest.split_once(&format!(") {expression} = ")).map(|(_, value)| value),
                });
                match printed {
                    Some(printed) => compare(value, &Value::parse(printed, self.writer())),
                    None => Err(format!("expected {value}, found: {}", answer.trim())),
                }
            }
            Command::Locals(expected) | Command::Arguments(expected) => {
                let found = Value::list(answer, self.writer());
                let mut wrong = String::new();
                for (name, value) in expected {
                    // The innermost of a name comes first in gdb, and last in lldb.
                    let mut all = found.iter().filter(|(found, _)| found == name);
                    let found = if gdb { all.next() } else { all.next_back() };
                    match found {
                        None => wrong += &format!("`{name}` is missing; "),
                        Some((_, found)) => {
                            if let Err(error) = compare(value, found) {
                                wrong += &format!("`{name}`: {error}; ");
                            }
                        }
                    }
                }
                match wrong.is_empty() {
                    true => Ok(()),
                    false => Err(format!("{wrong}in: {}", answer.trim())),
                }
            }
            Command::Watch(_) => {
                expect(answer.contains("atchpoint ") && !answer.contains("error:"), "a watchpoint")
            }
            Command::Changes { old, new } => {
                let value = |name: &str| {
                    let after = answer.to_lowercase().find(name)? + name.len();
                    let text =
                        answer[after..].trim_start_matches([' ', '=', ':']).lines().next()?;
                    Some(Value::parse(text, self.writer()))
                };
                let missing = || Value::Wrong(answer.trim().to_string());
                compare(old, &value("old value").unwrap_or_else(missing))?;
                compare(new, &value("new value").unwrap_or_else(missing))
            }
            Command::Set { .. } if gdb => expect(answer.trim().is_empty(), "silence"),
            Command::Set { expression, value } => {
                let done = answer.contains(value.as_str()) || answer.trim() == "True";
                expect(done && !answer.contains("error:"), &format!("{expression} to be set"))
            }
            Command::Traps => {
                let signal = if gdb { "received signal SIG" } else { "stop reason = signal SIG" };
                expect(answer.contains(signal), "a signal")
            }
            Command::Exits(code) => {
                let found = match gdb {
                    true if answer.contains("exited normally") => Some(0),
                    true => number_after(answer, "exited with code ", 8),
                    false => number_after(answer, "exited with status = ", 10),
                };
                expect(found == Some(*code), &format!("exit code {code}"))
            }
            Command::Raw { expected, .. } => match expected {
                None => Ok(()),
                Some((wanted, text)) => {
                    let not = if *wanted { "" } else { "no " };
                    expect(answer.contains(text.as_str()) == *wanted, &format!("{not}`{text}`"))
                }
            },
        }
    }
}

fn compare(expected: &Value, found: &Value) -> Result<(), String> {
    match expected.matches(found) {
        true => Ok(()),
        false => Err(format!("expected {expected}, found {found}")),
    }
}

/// A line of source, as gdb shows it where it stops without leaving the function: `12\t    return 0;`
fn has_source(answer: &str) -> bool {
    answer.lines().any(|line| {
        line.split_once('\t').is_some_and(|(number, _)| number.trim().parse::<u64>().is_ok())
    })
}

fn number_after(text: &str, before: &str, radix: u32) -> Option<i32> {
    let digits = text.split(before).nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?;
    i32::from_str_radix(digits, radix).ok()
}

/// A frame as both debuggers show it: `#1  0x1234 in name (...) at file:line`
struct Frame<'a> {
    name: &'a str,
    place: String,
}

impl Frame<'_> {
    /// Whether it is of a function, whatever the debugger says besides: its path, what it returns.
    fn is(&self, name: &str) -> bool {
        // Rust's generics are `name::<i32>` for one debugger, and `name<i32>` for the other.
        let mut found = self.name.replace("::<", "<");
        // What the host's compiler puts behind names: `::h0c3da14583d23aee`.
        if let Some((name, hash)) = found.rsplit_once("::h")
            && hash.len() == 16
            && hash.chars().all(|digit| digit.is_ascii_hexdigit())
        {
            found.truncate(name.len());
        }
        let rest = found.strip_suffix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with("::") || rest.ends_with(' '))
    }
}

fn frames(answer: &str) -> impl Iterator<Item = Frame<'_>> {
    answer.lines().filter_map(|line| {
        let line = line.trim_start_matches([' ', '*']);
        let rest = line.strip_prefix('#')?.trim_start_matches(|c: char| c.is_ascii_digit());
        let rest = rest.trim_start();
        let rest = match rest.split_once(" in ") {
            Some((address, rest)) if address.starts_with("0x") => rest,
            _ => rest,
        };
        let name = rest.split(" (").next()?.trim();
        let place = rest.rsplit_once(" at ").map_or("", |(_, place)| place);
        let place = place.rsplit('/').next().unwrap_or_default();
        Some(Frame { name, place: place.trim().to_string() })
    })
}

/// Whether frames follow each other as a script says, from the innermost on; `...` stands for any number of them.
fn backtrace(names: &[String], answer: &str) -> Result<(), String> {
    let frames: Vec<_> = frames(answer).collect();
    let mut at = 0;
    let mut anywhere = false;
    for name in names {
        if name == "..." {
            anywhere = true;
            continue;
        }
        let found = match anywhere {
            true => frames.iter().skip(at).position(|frame| frame.is(name)).map(|skip| at + skip),
            false => frames.get(at).filter(|frame| frame.is(name)).map(|_| at),
        };
        match found {
            Some(found) => at = found + 1,
            None => {
                let found: Vec<_> = frames.iter().map(|frame| frame.name).collect();
                return Err(format!(
                    "`{name}` is missing, or not where it should be, in: {}",
                    found.join(", ")
                ));
            }
        }
        anywhere = false;
    }
    Ok(())
}

/// What separates the answers to the lines of a script.
fn separator(number: usize) -> String {
    format!("@@ {number} @@")
}

fn answer(transcript: &str, number: usize) -> String {
    let (begin, end) = (separator(number), separator(number + 1));
    let lines = transcript.lines().map(str::trim_end);
    let inside = lines.skip_while(|line| *line != begin).skip(1).take_while(|line| *line != end);
    // lldb repeats what it was told, and says when it likes that a breakpoint is no longer pending.
    let is_answer =
        |line: &&str| !line.starts_with("(lldb) ") && !line.contains(" added to breakpoint ");
    inside.filter(is_answer).map(|line| format!("{line}\n")).collect()
}

/// Runs a debugger, whose output goes to a file. Whether it ended by itself.
fn bounded(command: &mut process::Command, to: &Path) -> bool {
    let file = File::create(to).expect("there is room for what a debugger says");
    let copy = file.try_clone().expect("a file can be had twice");
    // A debugger that crashes leaves a core where it was started.
    let folder = to.parent().expect("a file lies in a folder");
    let mut child = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if child.try_wait().expect("a child can be asked").is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("a child can be stopped");
    child.wait().expect("a child can be waited for");
    false
}
