//! What the user chose. Plain data; what it means is decided where it is used.

use std::collections::BTreeSet;
use std::str::FromStr;

use wootz_runtime::abi::compat::FEATURES;

use crate::error::{Error, Result};

/// How to compile.
#[derive(Clone, Debug)]
pub struct Options {
    /// The target triple; `None` for the machine this runs on.
    pub target: Option<String>,
    /// Which CPU to compile for.
    pub cpu: TargetCpu,
    /// Single CPU features to add to or remove from those of [`cpu`](Self::cpu).
    pub cpu_features: Vec<CpuFeature>,
    /// How much to optimise.
    pub opt_level: OptLevel,
    /// Optimisations to do without, to find out which of them is at fault.
    pub skipped: BTreeSet<Optimisation>,
    /// The proposals that modules may use.
    pub features: Features,
    /// What to write.
    pub emit: Emit,
    /// What symbols begin with, followed by `_`, in objects: a C identifier. With it, several modules can be in one program, and
    /// every export has a C symbol ([`c_names`](crate::c_names)).
    pub prefix: Option<String>,
    /// How many bytes of address space each 32-bit memory has. From 4 GiB on, most accesses need no check.
    pub memory_reservation: u64,
    /// How many bytes behind the reservation always fault.
    pub memory_guard: u64,
    /// Whether the file has a symbol for every function. The descriptor has one in any case.
    pub symbols: bool,
    /// Whether the file has unwind tables.
    pub unwind_info: bool,
    /// Of which instructions the file says where in the module they come from.
    pub address_map: AddressMap,
    /// How many threads compile functions; `None` for one per processor.
    pub threads: Option<usize>,
    /// Whether Cranelift's verifier checks its own work. Slow.
    pub verifier: bool,
    /// Whether code counts its fuel, and stops when there is none left.
    pub consume_fuel: bool,
    /// Whether code compares the engine's epoch with a deadline, and stops when it has come.
    pub epoch_interruption: bool,
    /// Whether every NaN that an instruction produces gets the same bits.
    pub nan_canonicalization: bool,
    /// Whether relaxed SIMD operators give the same results on all machines, at some cost in speed.
    pub relaxed_simd_deterministic: bool,
    /// Whether the file gets what the module's DWARF says about functions, files and lines of the source, for backtraces.
    pub backtrace_details: bool,
    /// What debuggers shall find, if anything.
    pub debug_info: Option<DebugInfo>,
    /// Further settings of Cranelift, by name.
    pub cranelift_flags: Vec<(String, String)>,
}

impl Default for Options {
    /// A shared library for this kind of machine, optimised for speed, that runs on all but very old CPUs.
    fn default() -> Options {
        Options {
            target: None,
            cpu: TargetCpu::Baseline,
            cpu_features: Vec::new(),
            opt_level: OptLevel::Speed,
            skipped: BTreeSet::new(),
            features: Features::default(),
            emit: Emit::SharedLibrary,
            prefix: None,
            memory_reservation: 4 << 30,
            memory_guard: 32 << 20,
            symbols: true,
            unwind_info: true,
            address_map: AddressMap::default(),
            threads: None,
            verifier: false,
            consume_fuel: false,
            epoch_interruption: false,
            nan_canonicalization: false,
            relaxed_simd_deterministic: false,
            backtrace_details: true,
            debug_info: None,
            cranelift_flags: Vec::new(),
        }
    }
}

/// Of which instructions a file says where in the module they come from.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum AddressMap {
    /// Of none.
    None,
    /// Of those that backtraces find: what may trap, and calls. With debug information, of all.
    #[default]
    Stops,
    /// Of all.
    All,
}

/// Debug information for debuggers of native programs.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct DebugInfo {
    /// Which debugger it is for, where they disagree.
    pub debugger: Debugger,
    /// The name of the file that gets the debug information, if it shall be separate: what the main file says.
    pub separate: Option<String>,
    /// The path of a file with the module's text, for modules that have no debug information of their own: what lines are
    /// counted in. [`text`](crate::text) makes it.
    pub text: Option<String>,
    /// The source map of a module that has no debug information of its own; then lines are those of its sources. One that is
    /// malformed counts as none.
    pub source_map: Option<SourceMap>,
}

/// A source map: where [`source_map_url`](crate::source_map_url) says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceMap {
    /// What the file holds.
    pub contents: Vec<u8>,
    /// The directory from which the paths of sources begin.
    pub directory: String,
}

/// A debugger of native programs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Debugger {
    /// GNU's.
    #[default]
    Gdb,
    /// LLVM's.
    Lldb,
}

/// Which CPU to compile for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TargetCpu {
    /// The oldest that is supported: x86-64-v2 on x86-64, the base architecture elsewhere.
    Baseline,
    /// The one this runs on.
    Native,
    /// One of Cranelift's presets by name, such as `x86-64-v3` or `znver4`.
    Named(String),
}

impl FromStr for TargetCpu {
    type Err = Error;

    fn from_str(name: &str) -> Result<TargetCpu> {
        Ok(match name {
            "native" => TargetCpu::Native,
            "baseline" | "generic" => TargetCpu::Baseline,
            _ => TargetCpu::Named(name.to_string()),
        })
    }
}

/// A CPU feature to switch on or off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CpuFeature {
    /// Its name, such as `avx2`.
    pub name: String,
    /// Whether to use it.
    pub enabled: bool,
}

impl FromStr for CpuFeature {
    type Err = Error;

    /// `+avx2`, `avx2` or `-avx2`.
    fn from_str(text: &str) -> Result<CpuFeature> {
        match switch(text) {
            ("", _) => Err(Error::Options {
                message: format!("`{text}` is not a CPU feature; write `+avx2` or `-avx2`"),
            }),
            (name, enabled) => Ok(CpuFeature { name: name.to_string(), enabled }),
        }
    }
}

/// A name, and whether it is to be switched on: `+name`, `name` or `-name`.
fn switch(text: &str) -> (&str, bool) {
    match text.strip_prefix('-') {
        Some(name) => (name, false),
        None => (text.strip_prefix('+').unwrap_or(text), true),
    }
}

/// How much to optimise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptLevel {
    /// Not at all: fastest to compile.
    None,
    /// For speed.
    Speed,
    /// For speed, where it does not cost size.
    SpeedAndSize,
}

impl FromStr for OptLevel {
    type Err = Error;

    fn from_str(name: &str) -> Result<OptLevel> {
        match name {
            "none" | "0" => Ok(OptLevel::None),
            "speed" | "2" => Ok(OptLevel::Speed),
            "speed-and-size" | "s" => Ok(OptLevel::SpeedAndSize),
            _ => Err(Error::Options {
                message: format!(
                    "unknown optimisation level `{name}`; there are none, speed and speed-and-size"
                ),
            }),
        }
    }
}

/// An optimisation of Wootz's own, besides those of its code generator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Optimisation {
    /// `products`: functions that put a product of 128 bits together from products of halves (`__multi3`) multiply at once.
    Products,
    /// `inlining`: small functions are translated where they are called, and those that call themselves once more within
    /// themselves. Not with debug information, in which every function has its own frame.
    Inlining,
    /// `dead-functions`: what was translated wherever it is called, and what nobody calls, has no code of its own. Not with debug
    /// information.
    DeadFunctions,
    /// `stack-checks`: functions that only functions with a check call do not check for themselves whether there is enough stack.
    StackChecks,
    /// `const-tables`: calls through tables that never change go straight to the function.
    ConstTables,
    /// `few-candidates`: calls through tables that never change go by name to one of up to three functions, if no others can be
    /// meant; small ones that call nothing are in the place of the call. Not where fuel is counted.
    FewCandidates,
    /// `const-globals`: what globals are that never change is part of the code. With debug information only those that are
    /// immutable, because somebody may change others.
    ConstGlobals,
    /// `bulk`: to copy or fill a few bytes takes a few instructions.
    Bulk,
    /// `switches`: tables of branches with few targets are comparisons.
    Switches,
    /// `called-traps`: on x86-64 Linux, what always traps calls the runtime, instead of having the processor and the system tell it. Not
    /// with debug information, where debuggers are to stop at a signal.
    CalledTraps,
    /// `parameters`: locals that a loop does not change do not go round in it.
    Parameters,
    /// `addresses`: accesses to memory add the parts of their addresses themselves, where the sum surely does not wrap around.
    Addresses,
    /// `walks`: on x86-64, loops that count add their counter to an address that is made in front of them. Not when optimising for size.
    Walks,
    /// `order`: what is made of two values that nothing else needs is computed where the later one is there, and not where it is needed,
    /// so that less registers are; blocks that need too many get another order, and those to which one jump leads are one with what is
    /// before, but for epochs. Not with debug information, by which operators are where they are.
    Order,
    /// `forwarding`: what was stored just before is not loaded again. Not where debug information tells of variables in memory, which
    /// somebody may have changed.
    Forwarding,
    /// `scans`: on x86-64 and AArch64, loops that look for something in memory look at sixteen bytes at a time. Not with debug
    /// information, and not when optimising for size.
    Scans,
    /// `copies`: on x86-64 and AArch64, loops that copy or fill memory store several turns' bytes at once. Not with debug information, and
    /// not when optimising for size.
    Copies,
    /// `carries`: sums of numbers of several words take the carry from the processor.
    Carries,
    /// `counters`: what counts the turns of a loop needs one register, not two.
    Counters,
    /// `loop-fuel`: loops whose turns are counted charge fuel once. Not with debug information.
    LoopFuel,
    /// `loop-epochs`: loops look at the epoch once in many turns, and small ones count several turns as one, but not with debug information.
    LoopEpochs,
    /// `widths`: numbers of 32 bits that are also needed with 64, as addresses are, have one register for both.
    Widths,
    /// `dispatch`: on x86-64, interpreters' operators each have a jump of their own to the next. Not when optimising for size.
    Dispatch,
    /// `rotation`: on x86-64, loops ask at their end whether to go on. Not when optimising for size.
    Rotation,
    /// `reloads`: on x86-64, what a register holds is not loaded from the frame once more, and what nobody reads there is not stored, but
    /// with debug information.
    Reloads,
    /// `short-code`: on x86-64, instructions have as few bytes as they can, and branches as their distances allow.
    ShortCode,
    /// `aligned-loops`: on x86-64, small loops are each in one line of the instruction cache. Not when optimising for size.
    AlignedLoops,
}

impl Optimisation {
    /// All of them.
    pub const ALL: &[Optimisation] = &[
        Optimisation::Products,
        Optimisation::Inlining,
        Optimisation::DeadFunctions,
        Optimisation::StackChecks,
        Optimisation::ConstTables,
        Optimisation::FewCandidates,
        Optimisation::ConstGlobals,
        Optimisation::Bulk,
        Optimisation::Switches,
        Optimisation::CalledTraps,
        Optimisation::Parameters,
        Optimisation::Addresses,
        Optimisation::Walks,
        Optimisation::Order,
        Optimisation::Forwarding,
        Optimisation::Scans,
        Optimisation::Copies,
        Optimisation::Carries,
        Optimisation::Counters,
        Optimisation::LoopFuel,
        Optimisation::LoopEpochs,
        Optimisation::Widths,
        Optimisation::Dispatch,
        Optimisation::Rotation,
        Optimisation::Reloads,
        Optimisation::ShortCode,
        Optimisation::AlignedLoops,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Optimisation::Products => "products",
            Optimisation::Inlining => "inlining",
            Optimisation::DeadFunctions => "dead-functions",
            Optimisation::StackChecks => "stack-checks",
            Optimisation::ConstTables => "const-tables",
            Optimisation::FewCandidates => "few-candidates",
            Optimisation::ConstGlobals => "const-globals",
            Optimisation::Bulk => "bulk",
            Optimisation::Switches => "switches",
            Optimisation::CalledTraps => "called-traps",
            Optimisation::Parameters => "parameters",
            Optimisation::Addresses => "addresses",
            Optimisation::Walks => "walks",
            Optimisation::Order => "order",
            Optimisation::Forwarding => "forwarding",
            Optimisation::Scans => "scans",
            Optimisation::Copies => "copies",
            Optimisation::Carries => "carries",
            Optimisation::Counters => "counters",
            Optimisation::LoopFuel => "loop-fuel",
            Optimisation::LoopEpochs => "loop-epochs",
            Optimisation::Widths => "widths",
            Optimisation::Dispatch => "dispatch",
            Optimisation::Rotation => "rotation",
            Optimisation::Reloads => "reloads",
            Optimisation::ShortCode => "short-code",
            Optimisation::AlignedLoops => "aligned-loops",
        }
    }
}

impl FromStr for Optimisation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Optimisation> {
        Optimisation::ALL.iter().copied().find(|known| known.name() == name).ok_or_else(|| {
            let names: Vec<_> = Optimisation::ALL.iter().map(|known| known.name()).collect();
            let message = format!("unknown optimisation `{name}`; there are {}", names.join(", "));
            Error::Options { message }
        })
    }
}

impl Options {
    /// Whether an optimisation is to be made.
    pub fn optimises(&self, optimisation: Optimisation) -> bool {
        self.opt_level != OptLevel::None && !self.skipped.contains(&optimisation)
    }
}

/// What to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Emit {
    /// A finished shared library (`.so`; `.dll` for Windows, `.dylib` for macOS).
    SharedLibrary,
    /// A relocatable object (`.o`; `.obj` for Microsoft's tools).
    Object,
    /// A static library with one such object (`.a`; `.lib` for Microsoft's tools).
    Archive,
}

/// The proposals that modules may use, by the names in [`FEATURES`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Features {
    enabled: BTreeSet<&'static str>,
}

/// A proposal to switch on or off. See [`Features::set`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WasmFeature {
    /// Its name, one of [`FEATURES`].
    pub name: &'static str,
    /// Whether modules may use it.
    pub enabled: bool,
}

impl FromStr for WasmFeature {
    type Err = Error;

    /// `+multi-value`, `multi-value` or `-multi-value`.
    fn from_str(text: &str) -> Result<WasmFeature> {
        let (name, enabled) = switch(text);
        Ok(WasmFeature { name: known(name, enabled)?, enabled })
    }
}

/// A proposal by its name, if there is one, and it can be switched on if that is wanted.
fn known(name: &str, enabled: bool) -> Result<&'static str> {
    let Some(&known) = FEATURES.iter().find(|known| **known == name) else {
        let message =
            format!("unknown WebAssembly feature `{name}`; there are {}", FEATURES.join(", "));
        return Err(Error::Options { message });
    };
    if enabled && !Features::is_implemented(known) {
        let message =
            format!("the WebAssembly feature `{name}` is not implemented in this version");
        return Err(Error::Options { message });
    }
    Ok(known)
}

/// The proposals this compiler implements.
const IMPLEMENTED: &[&str] = &[
    "branch-hinting",
    "bulk-memory",
    "custom-page-sizes",
    "extended-const",
    "function-references",
    "memory64",
    "multi-memory",
    "multi-value",
    "mutable-global",
    "reference-types",
    "relaxed-simd",
    "saturating-float-to-int",
    "sign-extension",
    "simd",
    "tail-call",
    "threads",
    "wide-arithmetic",
];

/// What came after version 3 of the specification, apart from threads.
const OFF_BY_DEFAULT: &[&str] = &["custom-page-sizes", "wide-arithmetic"];

impl Default for Features {
    /// Version 3 of the specification with threads, as far as it is implemented.
    fn default() -> Features {
        let is_on = |name: &&str| !OFF_BY_DEFAULT.contains(name);
        Features { enabled: IMPLEMENTED.iter().copied().filter(is_on).collect() }
    }
}

impl Features {
    /// Only WebAssembly 1.0.
    pub fn none() -> Features {
        Features { enabled: BTreeSet::new() }
    }

    /// Everything there is, implemented or not: for telling what a module would need.
    pub(crate) fn all() -> Features {
        Features { enabled: FEATURES.iter().copied().collect() }
    }

    /// Everything that is switched on, but for one.
    pub(crate) fn without(&self, name: &str) -> Features {
        Features { enabled: self.iter().filter(|other| *other != name).collect() }
    }

    /// Whether this compiler implements a proposal.
    pub fn is_implemented(name: &str) -> bool {
        IMPLEMENTED.contains(&name)
    }

    /// Switches a proposal on or off.
    ///
    /// # Errors
    /// If there is no proposal of this name, or if it is to be switched on and not implemented.
    pub fn set(&mut self, name: &str, enabled: bool) -> Result<()> {
        let name = known(name, enabled)?;
        match enabled {
            true => self.enabled.insert(name),
            false => self.enabled.remove(name),
        };
        Ok(())
    }

    /// Whether a proposal is switched on.
    pub fn contains(&self, name: &str) -> bool {
        self.enabled.contains(name)
    }

    /// The proposals that are switched on, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.enabled.iter().copied()
    }
}

/// What [`compile_observed`](crate::compile_observed) tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A stage begins, and the one before ends.
    Stage(Stage),
    /// On this thread a step of a function begins, and the one before, if there was any, ends.
    Step(Step),
    /// On this thread a function is done, and so is the step.
    Done,
}

/// Whom [`compile_observed`](crate::compile_observed) tells what happens.
pub type Observe<'a> = dyn Fn(Event) + Sync + 'a;

/// What is done with each function, in [`Stage::Functions`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Validation, and translation to CLIF.
    Translate,
    /// Rewriting of CLIF, by Wootz and by Cranelift.
    Optimise,
    /// Machine code: selection of instructions, allocation of registers.
    Generate,
    /// Rewriting of machine code, and finding out where it comes from.
    Finish,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Step; 4] = [Step::Translate, Step::Optimise, Step::Generate, Step::Finish];

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Step::Translate => "translate",
            Step::Optimise => "optimise",
            Step::Generate => "generate",
            Step::Finish => "finish",
        }
    }
}

/// The stages of compilation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Decoding, and validation of everything but function bodies.
    Parse,
    /// Deciding where everything goes.
    Plan,
    /// Function bodies: validation, translation, machine code.
    Functions,
    /// Placing the code of all functions.
    Link,
    /// Reading the module's DWARF.
    SourceLines,
    /// Writing the file.
    Write,
}

impl Stage {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Parse => "parse",
            Stage::Plan => "plan",
            Stage::Functions => "functions",
            Stage::Link => "link",
            Stage::SourceLines => "lines",
            Stage::Write => "write",
        }
    }
}
