//! What embedders wait for: calls, traps, growth, instances, loading.
//!
//! In: the rooms that are wanted; none for all. Out: [`Figure`]s, and a table of them.
//!
//! Always true: the same source text runs on both sides, once with each crate's types. Both sides take turns in each round,
//! and what counts is the processor time of the thread, that of the system included: the median over all rounds.

/// Taking turns, and the clock.
mod turns;
/// From the host to wasm and back.
mod functions;
/// Guests that trap.
mod traps;
/// Memories that grow.
mod growth;
/// Stores and instances that come and go.
mod instances;
/// Modules that are loaded and unloaded.
mod loading;

use anyhow::Result;

/// How long something takes on both sides.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// With Wootz, in nanoseconds.
    pub ours_ns: f64,
    /// With wasmtime.
    pub theirs_ns: f64,
    /// The ratio that we want to reach, if there is one.
    pub bar: Option<f64>,
}

impl Figure {
    /// Below 1 where Wootz is ahead.
    pub fn ratio(&self) -> f64 {
        self.ours_ns / self.theirs_ns
    }
}

type Room = (&'static str, fn() -> Result<Vec<Figure>>);

/// What can be measured.
const ROOMS: &[Room] = &[
    ("functions", functions::figures),
    ("traps", traps::figures),
    ("growth", growth::figures),
    ("instances", instances::figures),
    ("loading", loading::figures),
];

/// Measures what the rooms of these names do, or all rooms.
///
/// # Errors
/// If one side refuses something.
pub fn figures(wanted: &[String]) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, measure) in ROOMS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            figures.extend(measure()?);
        }
    }
    Ok(figures)
}

/// Prints a table of what the rooms of these names do, or all rooms.
///
/// # Errors
/// As [`figures`].
pub fn compare(wanted: &[String]) -> Result<()> {
    println!(
        "{:<44} {:>11} {:>12} {:>7} {:>5}",
        "runtime", "wootz ns", "wasmtime ns", "ratio", "bar"
    );
    for figure in figures(wanted)? {
        let Figure { name, ours_ns, theirs_ns, bar } = &figure;
        let (ratio, bar) = (figure.ratio(), bar.map(|bar| format!("{bar}")).unwrap_or_default());
        println!("{name:<44} {ours_ns:>11.1} {theirs_ns:>12.1} {ratio:>7.3} {bar:>5}");
    }
    Ok(())
}

/// An error of the peer's, whose type is its own.
fn theirs(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("wasmtime: {error:?}")
}
