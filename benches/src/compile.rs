//! What compilation costs: user time, peak memory, size of the result.
//!
//! In: modules of whole programs over 300 KB. Out: a row for each.
//!
//! Always true: every compilation has a process of its own, because the peak of a process never falls; on one thread, for this
//! machine's CPU, without debug information; from bytes in memory to bytes in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::choice::Choice;
use crate::engines::theirs;
use crate::measure::{Ratio, median, timed};
use crate::process;
use crate::report::Compilation;

/// The hidden command by which this program compiles and measures: `__compile SIDE FILE` prints seconds of user time, bytes
/// of memory and bytes of the result.
pub const COMMAND: &str = "__compile";

/// Modules below are compiled in no time.
const SMALLEST: usize = 300_000;

/// What one compilation took.
struct Cost {
    seconds: f64,
    memory: f64,
    size: f64,
}

/// The command of the same name.
pub fn measure_here(side: &str, file: &Path) -> Result<()> {
    let wasm = fs::read(file)?;
    let (seconds, result) = match side {
        "wootz" => {
            let cpu = wootz_compiler::TargetCpu::Native;
            let options = wootz_compiler::Options { cpu, threads: Some(1), ..Default::default() };
            timed(|| Ok(wootz_compiler::compile(&wasm, &options)?))?
        }
        _ => {
            let mut config = wasmtime::Config::new();
            config.parallel_compilation(false);
            let engine = wasmtime::Engine::new(&config).map_err(theirs)?;
            timed(|| engine.precompile_module(&wasm).map_err(theirs))?
        }
    };
    println!("{seconds} {} {}", peak_memory()?, result.len());
    Ok(())
}

/// The most memory that this process has used, in bytes.
fn peak_memory() -> Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("the system tells of a peak")?;
    Ok(process::number::<usize>(line.trim().trim_end_matches(" kB").as_bytes())? << 10)
}

fn cost(side: &str, file: &Path) -> Result<Cost> {
    let mut command = Command::new(std::env::current_exe()?);
    let (_, output) = process::run(command.args([COMMAND, side]).arg(file), None)?;
    let text = String::from_utf8_lossy(&output);
    let numbers = text.split_whitespace().map(|number| process::number(number.as_bytes()));
    match numbers.collect::<Result<Vec<f64>>>()?[..] {
        [seconds, memory, size] => Ok(Cost { seconds, memory, size }),
        _ => anyhow::bail!("three numbers, not {text:?}"),
    }
}

/// Wootz against wasmtime. Gives no rows if the programs are not built.
pub fn compare(choice: &Choice, mut each: impl FnMut(&Compilation)) -> Result<Vec<Compilation>> {
    let folder = choice.folders.programs.join("wasm");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("(no programs in {}: `make -C tests/programs` builds them)", folder.display());
        return Ok(Vec::new());
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let wasm = fs::metadata(&file)?.len();
        if (wasm as usize) < SMALLEST || !choice.includes(&name) {
            continue;
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..choice.compilations {
            ours.push(cost("wootz", &file)?);
            theirs.push(cost("wasmtime", &file)?);
        }
        let ratio = |what: fn(&Cost) -> f64| {
            let of = |costs: &[Cost]| costs.iter().map(what).collect::<Vec<_>>();
            Ratio::of(&of(&ours), &of(&theirs))
        };
        let middle =
            |costs: &[Cost], what: fn(&Cost) -> f64| median(costs.iter().map(what).collect());
        let row = Compilation {
            name,
            wasm_bytes: wasm,
            seconds: middle(&ours, |cost| cost.seconds),
            memory_bytes: middle(&ours, |cost| cost.memory) as u64,
            artifact_bytes: middle(&ours, |cost| cost.size) as u64,
            their_seconds: middle(&theirs, |cost| cost.seconds),
            their_memory_bytes: middle(&theirs, |cost| cost.memory) as u64,
            their_artifact_bytes: middle(&theirs, |cost| cost.size) as u64,
            time_ratio: ratio(|cost| cost.seconds),
            memory_ratio: ratio(|cost| cost.memory),
            size_ratio: ratio(|cost| cost.size),
        };
        each(&row);
        rows.push(row);
    }
    Ok(rows)
}
