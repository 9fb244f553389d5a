//! Wootz against wasmtime, which has the same code generator, and against native programs, on the same machine, in the same run.
//!
//! In: kernels and whole programs, in wasm and natively; the command line chooses. Out: tables of ratios, below 1 where Wootz is
//! ahead; all figures as JSON, and a picture of them.
//!
//! Always true: both sides compile for this machine's CPU, for speed, on one thread; they take turns, and medians of user
//! time are compared, because machines are noisy and drift. ../docs/benchmarks.md says more.
//!
//! The modules stand in the order in which data flows.

/// The command line.
mod choice;
/// The clock, turns, medians.
mod measure;
/// Processes of others.
mod process;
/// Kernels in Wootz and in wasmtime.
mod engines;
/// Peers that are there on some machines only.
mod peers;
/// How fast compiled code runs: kernels, also with fuel and epochs.
mod kernels;
/// How fast compiled code runs: whole programs.
mod programs;
/// What compilation costs.
mod compile;
/// What embedders wait for.
mod calls;
/// Tables and JSON.
mod report;
/// A picture.
mod plot;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use choice::{Choice, HELP, Room};
use report::{Figure, Machine, Results};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, side, file] = arguments.as_slice()
        && command == compile::COMMAND
    {
        return compile::measure_here(side, Path::new(file));
    }
    let Some(choice) = Choice::of(arguments.into_iter())? else {
        print!("{HELP}");
        return Ok(());
    };
    // The kernel calls the handler of signals that was installed last, which hands on what it does not know. Ours must be that one, as
    // it is in a process of its own, to leave by a jump; theirs returns in any case, and waits for our look at the address.
    drop(wasmtime::Engine::default());
    let results = measure_all(&choice)?;
    results.print_summary();
    write(&choice, &results)
}

/// Goes through the rooms.
fn measure_all(choice: &Choice) -> Result<Results> {
    let mut results = Results {
        machine: Machine::here(),
        rounds: choice.rounds,
        kernels: Vec::new(),
        programs: Vec::new(),
        overhead: Vec::new(),
        compile: Vec::new(),
        micro: Vec::new(),
        summary: Vec::new(),
    };
    if choice.enters(Room::Kernels) {
        let peers = peers::Peers::found();
        if !choice.folders.kernels.join("native").exists() {
            println!("(native kernels: not built, not compared; kernels/build.sh does it)");
        }
        let header = || report::print_header_of_rows("kernel");
        results.kernels = kernels::compare(choice, &peers, below(header, report::print_row))?;
    }
    if choice.enters(Room::Programs) {
        let header = || report::print_header_of_rows("program");
        results.programs = programs::compare(choice, below(header, report::print_row))?;
    }
    if choice.enters(Room::Overhead) {
        let print = below(report::print_header_of_overhead, report::print_overhead);
        results.overhead = kernels::overhead(choice, print)?;
    }
    if choice.enters(Room::Compile) {
        let print = below(report::print_header_of_compilation, report::print_compilation);
        results.compile = compile::compare(choice, print)?;
    }
    if choice.enters(Room::Micro) {
        println!();
        let figures = calls::compare(&choice.folders.programs.join("wasm"))?;
        results.micro = figures.into_iter().map(Figure::from).collect();
    }
    let found = results.names();
    for name in choice.names() {
        anyhow::ensure!(
            found.contains(&name.as_str()),
            "there is no {name}, or not where it was looked for"
        );
    }
    results.sum_up();
    Ok(results)
}

/// Prints rows, and a header above the first one.
fn below<T>(header: impl FnOnce(), print: impl Fn(&T)) -> impl FnMut(&T) {
    let mut header = Some(header);
    move |row| {
        if let Some(header) = header.take() {
            header();
        }
        print(row);
    }
}

/// Leaves the figures and the picture in the folder `results`.
fn write(choice: &Choice, results: &Results) -> Result<()> {
    let folder = choice.folders.house.join("results");
    fs::create_dir_all(&folder)?;
    let json = folder.join("latest.json");
    fs::write(&json, serde_json::to_string_pretty(results)? + "\n").context("latest.json")?;
    println!("\nThe figures are in {}", json.display());
    let rows: Vec<_> = results.kernels.iter().chain(&results.programs).collect();
    if !rows.is_empty() {
        let picture = folder.join("latest.svg");
        fs::write(&picture, plot::picture(&results.machine, &rows)?).context("latest.svg")?;
        println!("and a picture of them in {}", picture.display());
    }
    Ok(())
}
