//! What settings can be chosen from, where it is more than yes, no, or a number.
//!
//! Names and variants are those of the `wasmtime` crate, so that programs can be moved. Some variants stand for what this
//! runtime does not have: choosing one is an error from [`Engine::new`](crate::Engine::new).

/// Which compiler to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// The one there is: Cranelift.
    #[default]
    Auto,
    /// Cranelift, which optimises.
    Cranelift,
    /// A compiler that takes one pass. This version does not have it.
    Winch,
}

/// How much the code generator optimises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OptLevel {
    /// Not at all: fastest to compile.
    None,
    /// For speed.
    Speed,
    /// For speed, where it does not cost size.
    SpeedAndSize,
}

/// A debugger of native programs, where debuggers disagree about debug information.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Debugger {
    /// GNU's: gdb.
    Gdb,
    /// LLVM's: lldb.
    Lldb,
}

/// How registers are allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum RegallocAlgorithm {
    /// With second thoughts: better code, slower to compile.
    #[default]
    Backtracking,
    /// In one pass: worse code, faster to compile.
    SinglePass,
}

/// Which calls the compiler may replace by the body of the function that is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Inlining {
    /// All of them. This version does not inline.
    Yes,
    /// Those between modules, and within modules that use the `gc` proposal. This version does not inline.
    InterModuleAndIntraGc,
    /// Those between modules. Modules are compiled one by one, so there are none.
    InterModule,
    /// Those of the runtime's own functions.
    Intrinsics,
    /// None.
    #[default]
    No,
}

/// What frees the objects of the `gc` proposal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Collector {
    /// The one there is.
    #[default]
    Auto,
    /// Reference counts. This version does not have it.
    DeferredReferenceCounting,
    /// Nothing: objects are freed with the store. This version does not have it.
    Null,
    /// Copying what is alive.
    Copying,
}

/// What must agree between the compiler of an artifact and its loader.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum ModuleVersionStrategy {
    /// The version of the binary interface, as artifacts and messages name it. (The name is the one that users of the
    /// `wasmtime` crate know.)
    #[default]
    WasmtimeVersion,
    /// A text of the user's. This version does not have it.
    Custom(String),
    /// Nothing. This version does not have it: code for another version of the interface would crash.
    None,
}

impl ModuleVersionStrategy {
    /// What artifacts and messages call it.
    pub fn as_str(&self) -> &str {
        match self {
            ModuleVersionStrategy::WasmtimeVersion => env!("CARGO_PKG_VERSION"),
            ModuleVersionStrategy::Custom(text) => text,
            ModuleVersionStrategy::None => "",
        }
    }
}

/// Where the parts of instances come from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum InstanceAllocationStrategy {
    /// Each instance gets memory from the system when it is made. When its store is dropped, it may leave some of it, emptied,
    /// to the next instance of its module: at most 512 KiB that were written to, and the address space of its memories.
    /// That is so for 16 instances of a module and 128 of a process at most; modules that are instantiated once leave nothing.
    #[default]
    OnDemand,
    /// Instances reuse the memory of a pool. This version does not have it.
    Pooling(PoolingAllocationConfig),
}

impl InstanceAllocationStrategy {
    /// A pool with default settings. This version does not have it.
    pub fn pooling() -> InstanceAllocationStrategy {
        InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::default())
    }
}

impl From<PoolingAllocationConfig> for InstanceAllocationStrategy {
    fn from(config: PoolingAllocationConfig) -> InstanceAllocationStrategy {
        InstanceAllocationStrategy::Pooling(config)
    }
}

/// The settings of a pool. It has none yet, as this version has no pools.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct PoolingAllocationConfig {}

impl PoolingAllocationConfig {
    /// The default settings.
    pub fn new() -> PoolingAllocationConfig {
        PoolingAllocationConfig::default()
    }
}

/// How profilers learn what code in memory is called.
///
/// Modules that were loaded from files ([`Module::load`](crate::Module::load)), or from a cache, need none of this: they are
/// shared libraries with symbols and unwind tables, and `perf`, VTune and others treat them as such.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProfilingStrategy {
    /// They do not.
    None,
    /// The functions of modules in memory are listed in `/tmp/perf-PID.map`, where `perf` and other tools look for the
    /// names of code without a file. Costs the least; `perf annotate` has no code to show.
    PerfMap,
    /// Modules in memory are written to files in `wootz-PID` in the system's directory for temporary files, and loaded from
    /// there. `perf report` and `perf annotate` find everything by themselves: no jitdump file is written, and
    /// `perf inject` is not needed. The files stay, to be removed when the profile is no longer needed.
    JitDump,
    /// The same as [`JitDump`](Self::JitDump): VTune finds the files as `perf` does.
    VTune,
}

/// Whether backtraces show functions, files and lines of the program's source: see [`Config::wasm_backtrace_details`](crate::Config::wasm_backtrace_details).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WasmBacktraceDetails {
    /// They do, where the module has DWARF.
    Enable,
    /// They do not.
    Disable,
    /// They do if the environment variable `WASMTIME_BACKTRACE_DETAILS` is `1`.
    Environment,
}
