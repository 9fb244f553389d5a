//! What was found, for people and for programs.
//!
//! In: the rows of all rooms. Out: tables as rows come in, a last one that sums up, and JSON.
//!
//! Always true: ratios are of Wootz by the other side, so below 1 Wootz is ahead.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::calls;
use crate::measure::{Ratio, Timing, geometric_mean};

/// Everything.
#[derive(Serialize)]
pub struct Results {
    pub machine: Machine,
    pub rounds: usize,
    pub kernels: Vec<Row>,
    pub programs: Vec<Row>,
    pub overhead: Vec<Overhead>,
    pub compile: Vec<Compilation>,
    pub micro: Vec<Figure>,
    pub summary: Vec<Bar>,
}

/// Where it was found, and when.
#[derive(Serialize)]
pub struct Machine {
    pub cpu: String,
    pub threads: usize,
    pub seconds_since_1970: u64,
}

impl Machine {
    pub fn here() -> Machine {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name"));
        let cpu = model
            .and_then(|line| line.split_once(": "))
            .map_or("unknown", |(_, name)| name)
            .to_string();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Machine { cpu, threads, seconds_since_1970: now.as_secs() }
    }
}

/// What a kernel or a program is, which decides with what it may be compared.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Without vectors in wasm.
    Scalar,
    /// With vectors in wasm; natively only what compilers make of loops.
    Vectors,
    /// About the C library, which natively is written by hand.
    Library,
    /// A whole program.
    Program,
}

/// A kernel or a program, on all sides. The first side is Wootz.
#[derive(Serialize)]
pub struct Row {
    pub name: String,
    pub kind: Kind,
    pub timings: Vec<Timing>,
}

impl Row {
    pub fn timing(&self, side: &str) -> Option<&Timing> {
        self.timings.iter().find(|timing| timing.side == side)
    }

    /// The fairest native program: if there are two, that without vectors.
    pub fn native(&self) -> Option<&Timing> {
        match self.kind {
            Kind::Scalar => self.timing("native-scalar"),
            Kind::Program => self.timing("native"),
            Kind::Vectors | Kind::Library => None,
        }
    }
}

/// What fuel and epochs cost a kernel: the same code with and without them.
#[derive(Serialize)]
pub struct Overhead {
    pub name: String,
    pub fuel: Ratio,
    pub epochs: Ratio,
    pub their_fuel: Ratio,
    pub their_epochs: Ratio,
    /// Code with fuel on both sides.
    pub fuel_by_theirs: Ratio,
    pub epochs_by_theirs: Ratio,
}

/// What it costs to compile a module.
#[derive(Serialize)]
pub struct Compilation {
    pub name: String,
    pub wasm_bytes: u64,
    pub seconds: f64,
    pub memory_bytes: u64,
    pub artifact_bytes: u64,
    pub their_seconds: f64,
    pub their_memory_bytes: u64,
    pub their_artifact_bytes: u64,
    pub time_ratio: Ratio,
    pub memory_ratio: Ratio,
    pub size_ratio: Ratio,
}

/// Something small that was measured on both sides.
#[derive(Serialize)]
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub ours: f64,
    pub theirs: f64,
}

impl From<calls::Figure> for Figure {
    fn from(figure: calls::Figure) -> Figure {
        let calls::Figure { name, ours_ns, theirs_ns, .. } = figure;
        Figure { name, unit: "ns", ours: ours_ns, theirs: theirs_ns }
    }
}

/// A line of the last table: many ratios as one, and the worst of them.
#[derive(Serialize)]
pub struct Bar {
    pub name: &'static str,
    pub count: usize,
    pub geometric_mean: f64,
    pub worst: f64,
    pub worst_name: String,
}

impl Bar {
    /// None if nothing was measured.
    fn of<'a>(name: &'static str, ratios: impl Iterator<Item = (&'a str, f64)>) -> Option<Bar> {
        let ratios: Vec<(&str, f64)> = ratios.collect();
        let (worst_name, worst) = ratios.iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
        let values: Vec<f64> = ratios.iter().map(|(_, ratio)| *ratio).collect();
        Some(Bar {
            name,
            count: ratios.len(),
            geometric_mean: geometric_mean(&values),
            worst: *worst,
            worst_name: worst_name.to_string(),
        })
    }
}

impl Results {
    /// What kernels, programs and modules are called that were measured.
    pub fn names(&self) -> Vec<&str> {
        let rows = self.kernels.iter().chain(&self.programs).map(|row| &row.name);
        let with_checks = self.overhead.iter().map(|row| &row.name);
        let modules = self.compile.iter().map(|row| &row.name);
        rows.chain(with_checks).chain(modules).map(String::as_str).collect()
    }

    /// Sums up what has been found so far.
    pub fn sum_up(&mut self) {
        let Results { kernels, programs, overhead, compile, micro, .. } = &*self;
        let code = || kernels.iter().chain(programs);
        let by =
            |side: &'static str| move |row: &'_ Row| row.timing(side).map(|timing| timing.ratio);
        let of_rows =
            |name, rows: &mut dyn Iterator<Item = &Row>, ratio: &dyn Fn(&Row) -> Option<f64>| {
                let found: Vec<(&str, f64)> =
                    rows.filter_map(|row| Some((row.name.as_str(), ratio(row)?))).collect();
                Bar::of(name, found.into_iter())
            };
        let scalar = || kernels.iter().filter(|row| row.kind == Kind::Scalar);
        let of_overhead = |name, ratio: fn(&Overhead) -> Ratio| {
            Bar::of(name, overhead.iter().map(|row| (row.name.as_str(), ratio(row).median)))
        };
        let of_compilation = |name, ratio: fn(&Compilation) -> Ratio| {
            Bar::of(name, compile.iter().map(|row| (row.name.as_str(), ratio(row).median)))
        };
        let bars = [
            of_rows("code: all by wasmtime", &mut code(), &by("wasmtime")),
            of_rows("code: kernels by wasmtime", &mut kernels.iter(), &by("wasmtime")),
            of_rows("code: programs by wasmtime", &mut programs.iter(), &by("wasmtime")),
            of_rows(
                "code: scalar kernels by native without vectorisers",
                &mut scalar(),
                &by("native-scalar"),
            ),
            of_rows("code: scalar kernels by native", &mut scalar(), &by("native")),
            of_rows("code: programs by native", &mut programs.iter(), &by("native")),
            of_rows("code: kernels by V8", &mut kernels.iter(), &by("v8")),
            of_rows("code: kernels by wasm2c", &mut kernels.iter(), &by("wasm2c")),
            of_overhead("fuel: with by without", |row| row.fuel),
            of_overhead("fuel: with by without, in wasmtime", |row| row.their_fuel),
            of_overhead("fuel: by wasmtime with fuel", |row| row.fuel_by_theirs),
            of_overhead("epochs: with by without", |row| row.epochs),
            of_overhead("epochs: with by without, in wasmtime", |row| row.their_epochs),
            of_overhead("epochs: by wasmtime with epochs", |row| row.epochs_by_theirs),
            of_compilation("compile: user time by wasmtime", |row| row.time_ratio),
            of_compilation("compile: peak memory by wasmtime", |row| row.memory_ratio),
            of_compilation("compile: artifact by wasmtime", |row| row.size_ratio),
            Bar::of(
                "micro: by wasmtime",
                micro.iter().map(|it| (it.name.as_str(), it.ours / it.theirs)),
            ),
        ];
        self.summary = bars.into_iter().flatten().collect();
    }

    /// The last table.
    pub fn print_summary(&self) {
        println!("\n{:<52} {:>3} {:>14} {:>7}", "ratios", "of", "geometric mean", "worst");
        for bar in &self.summary {
            println!(
                "{:<52} {:>3} {:>14.3} {:>7.3}  {}",
                bar.name, bar.count, bar.geometric_mean, bar.worst, bar.worst_name
            );
        }
    }
}

/// The sides that the table of kernels and programs has columns for.
const COLUMNS: [&str; 5] = ["wasmtime", "native-scalar", "native", "v8", "wasm2c"];

pub fn print_header_of_rows(title: &str) {
    print!("\n{title:<16} {:>8}", "wootz s");
    println!("{}", COLUMNS.map(|side| format!("  {side:>13}")).concat());
}

pub fn print_row(row: &Row) {
    print!("{:<16} {:>8.3}", row.name, row.timings[0].seconds);
    let cell =
        |side| row.timing(side).map(|timing| Ratio { median: timing.ratio, noise: timing.noise });
    println!("{}", COLUMNS.map(|side| format!("  {:>13}", shown(cell(side)))).concat());
}

pub fn print_header_of_overhead() {
    print!("\n{:<16}", "with / without");
    println!(
        "{}",
        ["fuel", "epochs", "wasmtime fuel", "wasmtime ep.", "fuel / w.", "epochs / w."]
            .map(|it| format!("  {it:>13}"))
            .concat()
    );
}

pub fn print_overhead(row: &Overhead) {
    let ratios = [
        row.fuel,
        row.epochs,
        row.their_fuel,
        row.their_epochs,
        row.fuel_by_theirs,
        row.epochs_by_theirs,
    ];
    println!(
        "{:<16}{}",
        row.name,
        ratios.map(|ratio| format!("  {:>13}", shown(Some(ratio)))).concat()
    );
}

pub fn print_header_of_compilation() {
    print!("\n{:<16} {:>8} {:>8} {:>9}", "compile", "wootz s", "MB", "result MB");
    println!("{}", ["time", "memory", "size"].map(|it| format!("  {it:>13}")).concat());
}

pub fn print_compilation(row: &Compilation) {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let (memory, artifact) = (mb(row.memory_bytes), mb(row.artifact_bytes));
    print!("{:<16} {:>8.3} {memory:>8.1} {artifact:>9.2}", row.name, row.seconds);
    let ratios = [row.time_ratio, row.memory_ratio, row.size_ratio];
    println!("{}", ratios.map(|ratio| format!("  {:>13}", shown(Some(ratio)))).concat());
}

/// Without noise if there was none to see.
fn shown(ratio: Option<Ratio>) -> String {
    match ratio {
        None => "-".to_string(),
        Some(Ratio { median, noise: 0.0 }) => format!("{median:.3}       "),
        Some(Ratio { median, noise }) => format!("{median:.3} ±{:>4.1}%", 100.0 * noise / median),
    }
}
