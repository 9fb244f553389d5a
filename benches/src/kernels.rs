//! How fast compiled code runs: kernels, which compute and call nothing.
//!
//! In: kernels/list.txt, the modules beside it, and what kernels/build.sh has built natively. Out: a row for each kernel.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::choice::Choice;
use crate::engines::{Mode, Outcome, Run, wasmtime_run, wootz_run};
use crate::measure::{Ratio, Side, by_turns, timed, timings};
use crate::peers::Peers;
use crate::process;
use crate::report::{Kind, Overhead, Row};

/// A line of the list.
pub struct Kernel {
    pub name: String,
    /// How much it has to do.
    pub n: i32,
    pub wasm: Vec<u8>,
}

impl Kernel {
    fn kind(&self) -> Kind {
        match self.name.split_once('_') {
            Some(("simd", _)) => Kind::Vectors,
            Some(("libc", _)) => Kind::Library,
            _ => Kind::Scalar,
        }
    }
}

/// The kernels that are listed, in the order of the list.
fn listed(house: &Path) -> Result<Vec<Kernel>> {
    let list = fs::read_to_string(house.join("kernels/list.txt")).context("kernels/list.txt")?;
    let lines = list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let (name, n) = line.split_once(' ').context("lines of the list are `NAME N`")?;
            let n = n.trim().parse().with_context(|| format!("the size of {name}"))?;
            let wasm = fs::read(house.join(format!("kernels/{name}.wasm")))
                .with_context(|| name.to_string())?;
            Ok(Kernel { name: name.to_string(), n, wasm })
        })
        .collect()
}

/// A side that calls, in this process.
fn calling(name: &'static str, n: i32, mut run: Run) -> Side<Outcome> {
    Side { name, run: Box::new(move || timed(|| run(n))) }
}

/// A side that is a program, which prints the result.
fn printing(name: &'static str, n: i32, program: &Path) -> Side<Outcome> {
    let program = program.to_path_buf();
    let run = move || {
        let (seconds, output) = process::run(Command::new(&program).arg(n.to_string()), None)?;
        Ok((seconds, Outcome { result: process::number(&output)?, fuel: None }))
    };
    Side { name, run: Box::new(run) }
}

/// Wootz against all others.
pub fn compare(choice: &Choice, peers: &Peers, mut each: impl FnMut(&Row)) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for kernel in
        listed(&choice.folders.house)?.iter().filter(|kernel| choice.includes(&kernel.name))
    {
        let Kernel { name, n, wasm } = kernel;
        let mut sides = vec![
            calling("wootz", *n, wootz_run(wasm, Mode::Plain)?),
            calling("wasmtime", *n, wasmtime_run(wasm, Mode::Plain)?),
        ];
        let native = |folder: &str| choice.folders.kernels.join(folder).join(name);
        // What is made of vectors would be compared with what has none.
        if kernel.kind() != Kind::Vectors && native("native-scalar").exists() {
            sides.push(printing("native-scalar", *n, &native("native-scalar")));
        }
        if native("native").exists() {
            sides.push(printing("native", *n, &native("native")));
        }
        sides.extend(peers.sides(kernel, &choice.folders)?);
        let times = by_turns(name, choice.rounds, &mut sides)?;
        let row = Row { name: name.clone(), kind: kernel.kind(), timings: timings(&sides, &times) };
        each(&row);
        rows.push(row);
    }
    Ok(rows)
}

/// The kernels with which it is measured what fuel and epochs cost: calls, short and long loops, much and little in a block.
const WITH_CHECKS: [&str; 8] =
    ["fib", "sieve", "matmul", "sha256", "quicksort", "hash_table", "interpreter", "string_search"];

/// What fuel and epochs cost on either side.
pub fn overhead(choice: &Choice, mut each: impl FnMut(&Overhead)) -> Result<Vec<Overhead>> {
    let is_chosen = |name: &str| match choice.names() {
        [] => WITH_CHECKS.contains(&name),
        _ => choice.includes(name),
    };
    let mut rows = Vec::new();
    for kernel in listed(&choice.folders.house)?.iter().filter(|kernel| is_chosen(&kernel.name)) {
        let Kernel { name, n, wasm } = kernel;
        let mut sides = Vec::new();
        for (names, run) in [
            (
                ["wootz", "wootz, fuel", "wootz, epochs"],
                wootz_run as fn(&[u8], Mode) -> Result<Run>,
            ),
            (["wasmtime", "wasmtime, fuel", "wasmtime, epochs"], wasmtime_run),
        ] {
            for (name, mode) in names.into_iter().zip([Mode::Plain, Mode::Fuel, Mode::Epochs]) {
                sides.push(calling(name, *n, run(wasm, mode)?));
            }
        }
        let times = by_turns(name, choice.rounds, &mut sides)?;
        let row = Overhead {
            name: name.clone(),
            fuel: Ratio::of(&times[1], &times[0]),
            epochs: Ratio::of(&times[2], &times[0]),
            their_fuel: Ratio::of(&times[4], &times[3]),
            their_epochs: Ratio::of(&times[5], &times[3]),
            fuel_by_theirs: Ratio::of(&times[1], &times[4]),
            epochs_by_theirs: Ratio::of(&times[2], &times[5]),
        };
        each(&row);
        rows.push(row);
    }
    Ok(rows)
}
