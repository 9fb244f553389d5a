//! How fast compiled code runs: whole programs, which use WASI.
//!
//! In: programs/list.txt and the work beside it; the programs that `make -C ../tests/programs` builds, in wasm and natively.
//! Out: a row for each.
//!
//! Always true: modules are compiled once, beforehand; each run has a store, an instance and a context of WASI of its own,
//! which are part of the time; standard input and output are in memory, and outputs are compared.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::choice::Choice;
use crate::engines::theirs;
use crate::measure::{Side, by_turns, timed, timings};
use crate::process;
use crate::report::{Kind, Row};

/// Room for what a program prints.
const OUTPUT: usize = 16 << 20;

/// A line of the list.
struct Program {
    name: String,
    /// The name of the module and of the native program.
    file: String,
    /// How often it runs, each time from the start.
    times: usize,
    /// In the folder of the list.
    stdin: Option<String>,
    arguments: Vec<String>,
}

impl Program {
    fn of(line: &str) -> Result<Program> {
        let mut words = line.split_whitespace().map(str::to_string);
        let mut next = || {
            words.next().context("lines of the list are `NAME PROGRAM TIMES STDIN [ARGUMENT...]`")
        };
        let (name, file) = (next()?, next()?);
        let times = next()?.parse().with_context(|| format!("the times of {name}"))?;
        let stdin = Some(next()?).filter(|stdin| stdin != "-");
        Ok(Program { name, file, times, stdin, arguments: words.collect() })
    }
}

/// What a program printed. Long texts are told by their ends.
#[derive(PartialEq)]
struct Output(Vec<u8>);

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = &self.0[self.0.len().saturating_sub(200)..];
        write!(f, "{} bytes, at their end {:?}", self.0.len(), String::from_utf8_lossy(end))
    }
}

/// Wootz against all others. Gives no rows if the programs are not built.
pub fn compare(choice: &Choice, mut each: impl FnMut(&Row)) -> Result<Vec<Row>> {
    let folder = choice.folders.house.join("programs");
    let list = fs::read_to_string(folder.join("list.txt")).context("programs/list.txt")?;
    let mut rows = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let program = Program::of(line)?;
        if !choice.includes(&program.name) {
            continue;
        }
        let wasm = choice.folders.programs.join(format!("wasm/{}.wasm", program.file));
        let native = choice.folders.programs.join("native").join(&program.file);
        if !wasm.exists() {
            println!(
                "({}: not built, not compared; `make -C tests/programs` does it)",
                program.name
            );
            continue;
        }
        let wasm = fs::read(wasm)?;
        let stdin_file = program.stdin.as_ref().map(|stdin| folder.join(stdin));
        let stdin = stdin_file
            .as_ref()
            .map_or(Ok(Vec::new()), fs::read)
            .with_context(|| program.name.clone())?;
        let mut sides =
            vec![wootz_side(&wasm, &program, &stdin)?, wasmtime_side(&wasm, &program, &stdin)?];
        if native.exists() {
            sides.push(native_side(&native, &program, stdin_file.as_deref()));
        }
        let times = by_turns(&program.name, choice.rounds, &mut sides)?;
        let row = Row { name: program.name, kind: Kind::Program, timings: timings(&sides, &times) };
        each(&row);
        rows.push(row);
    }
    Ok(rows)
}

/// Its name and its arguments, as a program sees them.
fn arguments(program: &Program) -> Vec<String> {
    std::iter::once(&program.file).chain(&program.arguments).cloned().collect()
}

fn wootz_side(wasm: &[u8], program: &Program, stdin: &[u8]) -> Result<Side<Output>> {
    use wootz_wasi::{I32Exit, MemoryOutputPipe, WasiCtx, WasiCtxBuilder};
    let mut config = wootz::Config::new();
    config.parallel_compilation(false);
    let engine = wootz::Engine::new(&config)?;
    let module = wootz::Module::new(&engine, wasm)?;
    let mut linker = wootz::Linker::<WasiCtx>::new(&engine);
    wootz_wasi::add_to_linker(&mut linker, |ctx| ctx)?;
    let pre = linker.instantiate_pre(&module)?;
    let (arguments, times, stdin) = (arguments(program), program.times, stdin.to_vec());
    let run = move || {
        let output = MemoryOutputPipe::new(OUTPUT);
        let work = || {
            for _ in 0..times {
                let mut builder = WasiCtxBuilder::new();
                builder.args(&arguments).stdin(Cursor::new(stdin.clone())).stdout(output.clone());
                let mut store = wootz::Store::new(&engine, builder.build());
                let instance = pre.instantiate(&mut store)?;
                let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
                match start.call(&mut store, ()) {
                    Err(error) if error.downcast_ref() != Some(&I32Exit(0)) => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        };
        let (seconds, ()) = timed(work)?;
        Ok((seconds, Output(output.contents())))
    };
    Ok(Side { name: "wootz", run: Box::new(run) })
}

fn wasmtime_side(wasm: &[u8], program: &Program, stdin: &[u8]) -> Result<Side<Output>> {
    use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_sync};
    use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
    use wasmtime_wasi::{I32Exit, WasiCtxBuilder};
    let make = || -> wasmtime::Result<_> {
        let mut config = wasmtime::Config::new();
        config.parallel_compilation(false);
        let engine = wasmtime::Engine::new(&config)?;
        let module = wasmtime::Module::new(&engine, wasm)?;
        let mut linker = wasmtime::Linker::<WasiP1Ctx>::new(&engine);
        add_to_linker_sync(&mut linker, |ctx| ctx)?;
        Ok((engine, linker.instantiate_pre(&module)?))
    };
    let (engine, pre) = make().map_err(theirs)?;
    let (arguments, times, stdin) = (arguments(program), program.times, stdin.to_vec());
    let run = move || {
        let mut all = Vec::new();
        let mut work = || -> wasmtime::Result<()> {
            for _ in 0..times {
                let output = MemoryOutputPipe::new(OUTPUT);
                let mut builder = WasiCtxBuilder::new();
                // Otherwise other threads, whose time is not seen, would work on files.
                builder.allow_blocking_current_thread(true);
                builder
                    .args(&arguments)
                    .stdin(MemoryInputPipe::new(stdin.clone()))
                    .stdout(output.clone());
                let mut store = wasmtime::Store::new(&engine, builder.build_p1());
                let instance = pre.instantiate(&mut store)?;
                let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
                match start.call(&mut store, ()) {
                    Err(error)
                        if error.downcast_ref::<I32Exit>().is_none_or(|exit| exit.0 != 0) =>
                    {
                        return Err(error);
                    }
                    _ => all.extend_from_slice(&output.contents()),
                }
            }
            Ok(())
        };
        let (seconds, ()) = timed(|| work().map_err(theirs))?;
        Ok((seconds, Output(all)))
    };
    Ok(Side { name: "wasmtime", run: Box::new(run) })
}

fn native_side(file: &Path, program: &Program, stdin: Option<&Path>) -> Side<Output> {
    let (file, stdin) = (file.to_path_buf(), stdin.map(Path::to_path_buf));
    let (arguments, times) = (program.arguments.clone(), program.times);
    let run = move || {
        let (mut seconds, mut all) = (0.0, Vec::new());
        for _ in 0..times {
            let (time, output) =
                process::run(Command::new(&file).args(&arguments), stdin.as_deref())?;
            seconds += time;
            all.extend(output);
        }
        Ok((seconds, Output(all)))
    };
    Side { name: "native", run: Box::new(run) }
}
