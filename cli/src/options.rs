//! Options of all commands that compile.

use std::num::NonZeroUsize;

use clap::{Args, FromArgMatches, ValueEnum};
use wootz::{Config, WasmBacktraceDetails};
use wootz_compiler::{
    CpuFeature, DebugInfo, Features, OptLevel, Optimisation, Options, TargetCpu, WasmFeature,
};

/// What modules may use.
#[derive(Args, PartialEq, Debug)]
pub struct FeatureOptions {
    /// Allow or refuse WebAssembly features, such as -simd,+wide-arithmetic
    ///
    /// If nothing is said, those of version 3 and threads are allowed, custom-page-sizes and wide-arithmetic are not.
    #[arg(
        long = "wasm-feature",
        value_name = "FEATURES",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    wasm_features: Vec<WasmFeature>,
}

impl FeatureOptions {
    /// The proposals that are allowed.
    pub fn features(&self) -> Features {
        let mut features = Features::default();
        for feature in &self.wasm_features {
            features.set(feature.name, feature.enabled).expect("checked when it was parsed");
        }
        features
    }
}

/// How to make code.
#[derive(Args, PartialEq, Debug)]
#[command(next_help_heading = "Code")]
pub struct CodeOptions {
    /// How much to optimise: none, speed, or speed-and-size
    #[arg(short = 'O', value_name = "LEVEL", default_value = "speed")]
    opt_level: OptLevel,

    /// Do without one of Wootz's own optimisations, to find out which is at fault: products, inlining, dead-functions,
    /// stack-checks, const-tables, few-candidates, const-globals, bulk, switches, called-traps, parameters, addresses, walks, order,
    /// forwarding, scans, copies, carries, counters, loop-fuel, loop-epochs, widths, dispatch, rotation, reloads,
    /// short-code, or aligned-loops
    #[arg(long = "no-opt", value_name = "NAME")]
    skipped: Vec<Optimisation>,

    /// Compile for one CPU and its successors: native (this one), x86-64-v2, haswell, ...
    ///
    /// If nothing is said, what is compiled into a file runs on all but very old CPUs, and what is compiled in memory
    /// only on this one.
    #[arg(long, value_name = "CPU")]
    target_cpu: Option<TargetCpu>,

    /// Use or avoid single CPU features, such as +avx2,-bmi1
    #[arg(
        long = "cpu-feature",
        value_name = "FEATURES",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    cpu_features: Vec<CpuFeature>,

    #[command(flatten)]
    features: FeatureOptions,

    /// Count how much is executed, and stop when no fuel is left
    ///
    /// A program that loads the file sets `Config::consume_fuel` too.
    #[arg(long)]
    consume_fuel: bool,

    /// Stop at the host's epoch deadlines
    ///
    /// A program that loads the file sets `Config::epoch_interruption` too.
    #[arg(long)]
    epoch_interruption: bool,

    /// Address space of each memory in bytes; from 4 GiB on, 32-bit memories need no checks
    #[arg(long, value_name = "BYTES", default_value_t = Options::default().memory_reservation)]
    memory_reservation: u64,

    /// How many bytes behind the address space of each memory always fault
    #[arg(long, value_name = "BYTES", default_value_t = Options::default().memory_guard)]
    memory_guard_size: u64,

    /// Give every NaN that an instruction makes the same bits
    #[arg(long)]
    nan_canonicalization: bool,

    /// Give relaxed SIMD operators the same results on all machines, at some cost in speed
    #[arg(long)]
    relaxed_simd_deterministic: bool,

    /// Let the code generator check its own work (slow)
    #[arg(long)]
    verify: bool,

    /// Add debug information for native debuggers, made of what the module has (DWARF)
    ///
    /// Code then keeps variables where debuggers find them: with -O none all of them, which makes it slower, otherwise those that
    /// cost next to nothing. A module without DWARF is debugged by its source map, or by its text, which `wootz compile`
    /// writes beside OUT.
    #[arg(short = 'g', long)]
    debug_info: bool,

    /// Add debug information for this debugger, where they disagree; if nothing is said, lldb for macOS, gdb elsewhere
    #[arg(long, value_enum, value_name = "DEBUGGER")]
    debugger: Option<Debugger>,

    /// Of which instructions the file says where in the module they come from: of those that backtraces find (stops), which are
    /// calls and what may trap, of all, or of none; with debug information always of all
    #[arg(long, value_enum, value_name = "WHICH", default_value = "stops")]
    address_map: AddressMap,

    /// Leave out the source lines that the module's DWARF has for backtraces
    #[arg(long)]
    no_backtrace_details: bool,

    /// How many threads compile; one for each processor if nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

/// Which instructions a file tells the origin of.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum AddressMap {
    /// None: backtraces name functions only
    None,
    /// Calls, and what may trap: what backtraces need
    Stops,
    /// All: for profilers, and for `wootz explain` and `explore` without the module
    All,
}

/// A debugger of native programs.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Debugger {
    /// GNU's
    Gdb,
    /// LLVM's
    Lldb,
}

impl CodeOptions {
    /// The option that makes code ask its host whether to go on, if there is one.
    pub fn interrupts(&self) -> Option<&'static str> {
        let used = [
            ("--consume-fuel", self.consume_fuel),
            ("--epoch-interruption", self.epoch_interruption),
        ];
        used.into_iter().find_map(|(option, used)| used.then_some(option))
    }

    /// Whether debug information is asked for.
    pub fn wants_debug_info(&self) -> bool {
        self.debug_info || self.debugger.is_some()
    }

    /// How debug information is made for a target.
    pub fn debug_info(&self, target: Option<&str>) -> DebugInfo {
        let debugger = match self.debugger {
            Some(Debugger::Gdb) => wootz_compiler::Debugger::Gdb,
            Some(Debugger::Lldb) => wootz_compiler::Debugger::Lldb,
            None => wootz_compiler::debugger(target),
        };
        DebugInfo { debugger, ..DebugInfo::default() }
    }

    /// Whether they say anything at all, which is of no use for what was compiled before.
    pub fn is_used(&self) -> bool {
        let command = CodeOptions::augment_args(clap::Command::new("none").no_binary_name(true));
        let none = command.try_get_matches_from([""; 0]).ok();
        none.and_then(|none| CodeOptions::from_arg_matches(&none).ok()).as_ref() != Some(self)
    }

    /// The compiler's options, for files: unless a CPU was named, for all but very old ones.
    pub fn options(&self, target: Option<String>) -> Options {
        Options {
            debug_info: self.wants_debug_info().then(|| self.debug_info(target.as_deref())),
            target,
            features: self.features.features(),
            consume_fuel: self.consume_fuel,
            epoch_interruption: self.epoch_interruption,
            memory_reservation: self.memory_reservation,
            memory_guard: self.memory_guard_size,
            nan_canonicalization: self.nan_canonicalization,
            relaxed_simd_deterministic: self.relaxed_simd_deterministic,
            cpu: self.target_cpu.clone().unwrap_or(TargetCpu::Baseline),
            cpu_features: self.cpu_features.clone(),
            opt_level: self.opt_level,
            skipped: self.skipped.iter().copied().collect(),
            verifier: self.verify,
            address_map: match self.address_map {
                AddressMap::None => wootz_compiler::AddressMap::None,
                AddressMap::Stops => wootz_compiler::AddressMap::Stops,
                AddressMap::All => wootz_compiler::AddressMap::All,
            },
            backtrace_details: !self.no_backtrace_details,
            threads: self.threads.map(usize::from),
            ..Options::default()
        }
    }

    /// The loader's settings, for compiling in memory: unless a CPU was named, for this one.
    ///
    /// # Errors
    /// Never for options that were parsed: they name what there is.
    pub fn config(&self) -> wootz::Result<Config> {
        // Without `..`, so that who adds an option says here what it does.
        let CodeOptions {
            opt_level,
            skipped,
            target_cpu,
            cpu_features,
            features: FeatureOptions { wasm_features },
            consume_fuel,
            epoch_interruption,
            memory_reservation,
            memory_guard_size,
            nan_canonicalization,
            relaxed_simd_deterministic,
            verify,
            debug_info: _,
            debugger,
            address_map,
            no_backtrace_details,
            threads,
        } = self;
        let mut config = Config::new();
        config
            .cranelift_opt_level(match opt_level {
                OptLevel::None => wootz::OptLevel::None,
                OptLevel::Speed => wootz::OptLevel::Speed,
                OptLevel::SpeedAndSize => wootz::OptLevel::SpeedAndSize,
            })
            .consume_fuel(*consume_fuel)
            .epoch_interruption(*epoch_interruption)
            .memory_reservation(*memory_reservation)
            .memory_guard_size(*memory_guard_size)
            .cranelift_nan_canonicalization(*nan_canonicalization)
            .relaxed_simd_deterministic(*relaxed_simd_deterministic)
            .cranelift_debug_verifier(*verify)
            .compilation_threads(threads.and_then(|threads| NonZeroUsize::new(threads.into())));
        config.debug_info(self.wants_debug_info());
        match debugger {
            None => {}
            Some(Debugger::Gdb) => _ = config.debugger(wootz::Debugger::Gdb),
            Some(Debugger::Lldb) => _ = config.debugger(wootz::Debugger::Lldb),
        }
        match address_map {
            AddressMap::Stops => {}
            AddressMap::None => _ = config.generate_address_map(false),
            AddressMap::All => _ = config.generate_address_map(true),
        }
        if *no_backtrace_details {
            config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
        }
        match target_cpu {
            None | Some(TargetCpu::Native) => {}
            Some(TargetCpu::Baseline) => _ = config.target_cpu("baseline"),
            Some(TargetCpu::Named(name)) => _ = config.target_cpu(name),
        }
        for optimisation in skipped {
            config.skip_optimisation(optimisation.name());
        }
        for CpuFeature { name, enabled } in cpu_features {
            config.cpu_feature(name, *enabled);
        }
        for WasmFeature { name, enabled } in wasm_features {
            config.wasm_feature(name, *enabled)?;
        }
        Ok(config)
    }
}
