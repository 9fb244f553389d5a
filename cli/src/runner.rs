//! The program `wootz-runner`, of which `wootz compile --emit exe` makes programs: it runs the module that it carries.
//!
//! In: its own file, and its command line. Out: whatever the guest does, and its exit code, as with `wootz run`.
//!
//! Always true: there is no compiler in it, and nothing that reads command lines for one. What it calls is chosen so that the
//! linker leaves everything else out; a test looks for the traces.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use wootz::{Config, Engine, Linker, Module, ProfilingStrategy, Store};
use wootz_wasi::WasiCtxBuilder;

use crate::guest::directories::Directory;
use crate::guest::environment::Variable;
use crate::guest::host::Host;
use crate::guest::limits::Limits;
use crate::program::{Carried, Settings};
use crate::report::{self, Usage};
use crate::run::calls::Call;
use crate::run::ending::{Ended, Told, cannot_run};
use crate::text;

/// Arguments that are the program's own.
mod flags;
/// The file that this process runs.
mod own_file;

use flags::Flags;

/// What a runner is known by, if it does not run: see [`runner_mark`](crate::program::runner_mark).
const MARK: &str = "wootz-runner with settings of version 1 for code of version 7";

/// How a program is called whose own name is not known.
const NO_NAME: &str = "program";

/// The program: runs what it carries, and returns its exit code.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| NO_NAME.into());
    run(&name, arguments.collect()).unwrap_or_else(|error| report::failure(&error))
}

fn run(name: &OsString, arguments: Vec<OsString>) -> Result<ExitCode> {
    let program = own_file::open()?;
    let carried = Carried::by(&program).context("this program is damaged")?;
    let Some(carried) = carried else {
        bail!(
            "this program ({MARK}) carries no module, or was robbed of it by a tool that removes all sections which are not \
             mapped; `wootz compile --emit exe` makes programs of it"
        )
    };
    let settings = &carried.settings;
    let flags = match settings.flags {
        true => Flags::parse(arguments)?,
        false => Flags::none(arguments),
    };
    if flags.help {
        report::print(flags::help(&name.to_string_lossy(), settings).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = Path::new(name);
    let mut config = Config::new();
    config.memory_reservation(settings.memory_reservation).memory_guard_size(settings.memory_guard);
    if flags.perf {
        config.profiler(ProfilingStrategy::JitDump);
    }
    let engine = Engine::new_without_compiler(&config)?;
    let module = load(&engine, carried.artifact()).with_context(|| cannot_run(file))?;
    let host = Host { wasi: wasi(name, settings, flags)?.build(), limits: Limits::default() };
    let mut store = Store::new(&engine, host);
    let mut linker = Linker::new(&engine);
    wootz_wasi::add_imported_to_linker(&mut linker, [&module], Host::wasi)?;

    // From here on the guest runs.
    match Call::Start.run(&mut store, &linker, &module) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            Ended { file, position: 0, error }.tell(Told { preloads: &[], is_over: None })
        }
    }
}

/// What the guest may use: what the program was made with, and then what its flags say.
fn wasi(name: &OsString, settings: &Settings, flags: Flags) -> Result<WasiCtxBuilder> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.inherit_stdio();
    // As many as the system gives to this process, which is there for the guest.
    wasi.max_descriptors(usize::MAX);
    if settings.inherit_environment || flags.inherit_environment {
        wasi.inherit_env();
    }
    let made_with = |text: &String| OsString::from(text);
    let variables = settings.environment.iter().map(made_with).map(Variable::parse);
    for variable in variables.chain(flags.environment.into_iter().map(Ok)) {
        let variable = variable.map_err(anyhow::Error::msg);
        variable
            .and_then(|variable| variable.set(&mut wasi))
            .context("a variable of this program")?;
    }
    let directories = settings.directories.iter().map(made_with).map(Directory::parse);
    for directory in directories.chain(flags.directories.into_iter().map(Ok)) {
        let directory = directory.map_err(anyhow::Error::msg);
        directory.context("a directory of this program")?.open(&mut wasi)?;
    }
    for text in [name].into_iter().chain(&flags.rest) {
        let argument = text::for_guests(text);
        wasi.arg(argument.map_err(|why| Usage(format!("`{}`: {why}", text.display())))?);
    }
    Ok(wasi)
}

#[allow(unsafe_code)]
fn load(engine: &Engine, artifact: &[u8]) -> Result<Module> {
    // SAFETY: who runs this program runs what it carries.
    unsafe { Module::deserialize(engine, artifact) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_what_runners_are_known_by() {
        assert_eq!(MARK, crate::program::runner_mark());
    }
}
