//! The command line of Wootz, as a library: the program `wootz` does nothing but call it, and tests use parts of it.
//!
//! Each command has a module of its own, with its options and what it does.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// What goes to standard output and standard error, and exit codes.
mod report;
/// Text as the system has it: arguments, paths and variables.
mod text;
/// What files hold, by their contents; and files that are written completely or not at all.
mod files;
/// `wootz FILE`, for `wootz run FILE`.
mod shorthand;
/// Options of all commands that compile.
mod options;
/// What a guest may use, as a command line says it.
mod guest;
/// A program of its own: a runner that carries a compiled module.
mod program;
/// A native file, and the modules and code in it.
mod container;
/// Machine code as text.
mod disassembly;
/// A module as text, with the places that its lines come from.
mod wasm_text;
/// A compiled module as code, and where in the wasm file it comes from.
mod compiled;
/// What a compiled module imports, exports and needs: `wootz inspect`.
mod inspect;
/// `wootz compile`
mod compile;
/// `wootz run`
mod run;
/// What programs of their own do.
pub mod runner;
/// `wootz wast`
pub mod wast;
/// `wootz dump`
mod dump;
/// `wootz explain`
mod explain;
/// `wootz explore`
mod explore;
/// `wootz bindgen`
mod bindgen;
/// `wootz gdb-init`, `wootz lldb-init`
mod debuggers;

/// The program: does what its command line says, and returns its exit code.
pub fn main() -> ExitCode {
    let arguments = CommandLine::in_full(std::env::args_os().collect());
    match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line.execute(),
        Err(error) => shorthand::neither_command_nor_file(error).exit(),
    }
}

/// Compiles WebAssembly ahead of time into ordinary native files, and runs them.
#[derive(Parser, Debug)]
#[command(name = "wootz", version, override_usage = USAGE, after_help = EXAMPLES)]
#[command(subcommand_value_name = "COMMAND")]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

const USAGE: &str = "\
wootz COMMAND [OPTIONS] ...
       wootz [OPTIONS] FILE [ARGS]...     for `wootz run [OPTIONS] FILE [ARGS]...`";

const EXAMPLES: &str = "\
Examples:
  wootz compile app.wasm          compile to a shared library, app.so
  wootz run app.so one two        run it with two arguments
  wootz app.wasm one two          compile in memory, and run
  wootz inspect app.so            show what it imports, exports and needs

`wootz COMMAND --help` says more about each command.";

#[derive(Subcommand, Debug)]
enum Command {
    Compile(compile::Compile),
    Run(run::Run),
    Wast(wast::Wast),
    Inspect(inspect::Inspect),
    Dump(dump::Dump),
    Explain(explain::Explain),
    Explore(explore::Explore),
    Bindgen(bindgen::Bindgen),
    GdbInit(debuggers::GdbInit),
    LldbInit(debuggers::LldbInit),
}

impl CommandLine {
    /// A command line with the command that it leaves out.
    fn in_full(arguments: Vec<OsString>) -> Vec<OsString> {
        let command = CommandLine::command();
        let is_command = |name: &str| name == "help" || command.find_subcommand(name).is_some();
        shorthand::in_full(arguments, is_command)
    }

    /// Does what the command line says, tells about errors on standard error, and returns the program's exit code.
    pub fn execute(self) -> ExitCode {
        let result = match self.command {
            Command::Compile(command) => command.execute(),
            Command::Run(command) => command.execute(),
            Command::Wast(command) => command.execute(),
            Command::Inspect(command) => command.execute(),
            Command::Dump(command) => command.execute(),
            Command::Explain(command) => command.execute(),
            Command::Explore(command) => command.execute(),
            Command::Bindgen(command) => command.execute(),
            Command::GdbInit(command) => command.execute(),
            Command::LldbInit(command) => command.execute(),
        };
        result.unwrap_or_else(|error| report::failure(&error))
    }
}
