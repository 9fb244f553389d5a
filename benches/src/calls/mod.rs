//! What embedders wait for: calls, traps, growth, instances, loading.
//!
//! In: where real programs are. Out: [`Figure`]s, and a table of them.
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

use std::path::Path;

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

/// Measures everything, and prints a table of it. `programs` is where the modules of real programs are.
///
/// # Errors
/// If one side refuses something.
pub fn compare(programs: &Path) -> Result<Vec<Figure>> {
    println!(
        "{:<44} {:>11} {:>12} {:>7} {:>5}",
        "runtime", "wootz ns", "wasmtime ns", "ratio", "bar"
    );
    let rooms: [&dyn Fn() -> Result<Vec<Figure>>; 5] = [
        &functions::figures,
        &traps::figures,
        &growth::figures,
        &|| instances::figures(programs),
        &|| loading::figures(programs),
    ];
    let mut all = Vec::new();
    for figures in rooms {
        for figure in figures()? {
            let Figure { name, ours_ns, theirs_ns, bar } = &figure;
            let bar = bar.map(|bar| format!("{bar}")).unwrap_or_default();
            let ratio = figure.ratio();
            println!("{name:<44} {ours_ns:>11.1} {theirs_ns:>12.1} {ratio:>7.3} {bar:>5}");
            all.push(figure);
        }
    }
    Ok(all)
}
