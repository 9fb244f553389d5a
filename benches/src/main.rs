//! Wootz against wasmtime, which has the same code generator, on the same machine, in the same run.
//!
//! In: the kernels of `kernels/list.txt`, and the real programs if `make -C ../tests/programs` has built them. Out: a table
//! of ratios, below 1 where Wootz is ahead; once more with fuel, which both must count alike, and with epochs; then what
//! embedders wait for: calls, instances, traps. Arguments, if any, choose kernels by name, and `fuel`, `epochs` or `calls` one
//! of these.
//!
//! Always true: both sides compile for this machine's CPU, for speed, on one thread; they take turns, and medians of user
//! time are compared, because machines are noisy and drift.

/// What embedders wait for.
mod calls;
/// Where the real programs are.
mod programs;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use programs::programs;

/// How often each kernel runs on each side.
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (modes, chosen): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| ["fuel", "epochs", "calls"].contains(&argument.as_str()));
    let all = [Mode::Plain, Mode::Fuel, Mode::Epochs];
    for mode in all
        .into_iter()
        .filter(|mode| modes.is_empty() || modes.iter().any(|name| name == mode.name()))
    {
        kernels(folder, &chosen, mode)?;
    }
    if chosen.is_empty() && (modes.is_empty() || modes.iter().any(|mode| mode == "calls")) {
        calls::compare(&[])?;
    }
    if chosen.is_empty() && modes.is_empty() {
        compilation(&programs())?;
    }
    Ok(())
}

/// What can stop the code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Fuel,
    Epochs,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Plain => "kernel",
            Mode::Fuel => "fuel",
            Mode::Epochs => "epochs",
        }
    }
}

/// How fast compiled code runs.
fn kernels(folder: &Path, chosen: &[String], mode: Mode) -> Result<()> {
    let list = fs::read_to_string(folder.join("kernels/list.txt")).context("kernels/list.txt")?;
    println!("{:<16} {:>10} {:>10} {:>7}", mode.name(), "wootz s", "wasmtime s", "ratio");
    let mut ratios = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (name, n) = line.split_once(' ').context("lines of the list are `NAME N`")?;
        if !chosen.is_empty() && !chosen.iter().any(|chosen| chosen == name) {
            continue;
        }
        let n: i32 = n.trim().parse().with_context(|| format!("the size of {name}"))?;
        let wasm = fs::read(folder.join(format!("kernels/{name}.wasm")))
            .with_context(|| name.to_string())?;
        let mut ours = ours(&wasm, mode)?;
        let mut peers = peers(&wasm, mode)?;
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let (our_time, our_result) = timed(|| ours(n))?;
            let (their_time, their_result) = timed(|| peers(n))?;
            anyhow::ensure!(
                our_result == their_result,
                "{name}: {our_result:?} is not {their_result:?}"
            );
            // The first round warms up.
            if round > 0 {
                our_times.push(our_time);
                their_times.push(their_time);
            }
        }
        let (our_time, their_time) = (median(our_times), median(their_times));
        ratios.push(our_time / their_time);
        println!("{name:<16} {our_time:>10.3} {their_time:>10.3} {:>7.3}", our_time / their_time);
    }
    println!("{:<16} {:>29.3}\n", "geometric mean", geometric_mean(&ratios));
    Ok(())
}

/// Runs a kernel of a size, and gives its result and the fuel it has used.
type Run = Box<dyn FnMut(i32) -> Result<(i64, u64)>>;

/// More fuel than any kernel uses.
const FUEL: u64 = 1 << 60;

fn ours(wasm: &[u8], mode: Mode) -> Result<Run> {
    let mut config = wootz::Config::new();
    config.parallel_compilation(false);
    config.consume_fuel(mode == Mode::Fuel).epoch_interruption(mode == Mode::Epochs);
    let engine = wootz::Engine::new(&config)?;
    let module = wootz::Module::new(&engine, wasm)?;
    let mut store = wootz::Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let counts_fuel = mode == Mode::Fuel;
    if counts_fuel {
        store.set_fuel(FUEL)?;
    }
    let instance = wootz::Instance::new(&mut store, &module, &[])?;
    let run = instance.get_typed_func::<i32, i64>(&mut store, "run")?;
    Ok(Box::new(move |n| {
        if !counts_fuel {
            return Ok((run.call(&mut store, n)?, 0));
        }
        store.set_fuel(FUEL)?;
        Ok((run.call(&mut store, n)?, FUEL - store.get_fuel()?))
    }))
}

fn our_options() -> wootz_compiler::Options {
    wootz_compiler::Options {
        cpu: wootz_compiler::TargetCpu::Native,
        threads: Some(1),
        ..Default::default()
    }
}

fn peers(wasm: &[u8], mode: Mode) -> Result<Run> {
    let counts_fuel = mode == Mode::Fuel;
    let make = || -> wasmtime::Result<_> {
        let module = wasmtime::Module::new(&peer_engine(mode)?, wasm)?;
        let mut store = wasmtime::Store::new(module.engine(), ());
        store.set_epoch_deadline(1);
        if counts_fuel {
            store.set_fuel(FUEL)?;
        }
        let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
        let run = instance.get_typed_func::<i32, i64>(&mut store, "run")?;
        Ok((store, run))
    };
    let (mut store, run) = make().map_err(theirs)?;
    Ok(Box::new(move |n| {
        let mut call = || -> wasmtime::Result<_> {
            if !counts_fuel {
                return Ok((run.call(&mut store, n)?, 0));
            }
            store.set_fuel(FUEL)?;
            Ok((run.call(&mut store, n)?, FUEL - store.get_fuel()?))
        };
        call().map_err(theirs)
    }))
}

fn peer_engine(mode: Mode) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = wasmtime::Config::new();
    config.parallel_compilation(false);
    config.consume_fuel(mode == Mode::Fuel).epoch_interruption(mode == Mode::Epochs);
    wasmtime::Engine::new(&config)
}

/// An error of the peer's, whose type is its own.
fn theirs(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("wasmtime: {error:?}")
}

/// How fast compilation is, and how large its result.
fn compilation(folder: &Path) -> Result<()> {
    println!(
        "\n{:<16} {:>10} {:>10} {:>7} {:>12}",
        "compile", "wootz s", "wasmtime s", "ratio", "size ratio"
    );
    let Ok(entries) = fs::read_dir(folder) else {
        println!("(no programs in {}: `make -C tests/programs` builds them)", folder.display());
        return Ok(());
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    for file in files {
        let wasm = fs::read(&file)?;
        let engine = peer_engine(Mode::Plain).map_err(theirs)?;
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        let mut sizes = (0, 0);
        for _ in 0..3 {
            let (time, library) = timed(|| Ok(wootz_compiler::compile(&wasm, &our_options())?))?;
            our_times.push(time);
            sizes.0 = library.len();
            let (time, artifact) = timed(|| engine.precompile_module(&wasm).map_err(theirs))?;
            their_times.push(time);
            sizes.1 = artifact.len();
        }
        let (our_time, their_time) = (median(our_times), median(their_times));
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        println!(
            "{name:<16} {our_time:>10.3} {their_time:>10.3} {:>7.3} {:>12.3}",
            our_time / their_time,
            sizes.0 as f64 / sizes.1 as f64,
        );
    }
    Ok(())
}

/// The user time that this thread spends on something, in seconds.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let before = user_seconds();
    let result = work()?;
    Ok((user_seconds() - before, result))
}

fn user_seconds() -> f64 {
    // SAFETY: the structure is plain data, and the call fills it.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        usage
    };
    usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 * 1e-6
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}
