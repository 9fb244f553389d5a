//! What an engine does, and how: plain data, checked as a whole by [`Engine::new`](crate::Engine::new).

use std::collections::BTreeMap;

#[cfg(feature = "compiler")]
use crate::cache::Cache;

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

/// The settings of an [`Engine`](crate::Engine).
///
/// Settings that only a compiler needs are accepted without cargo feature `compiler` too, and have no effect then.
#[derive(Clone, Debug)]
pub struct Config {
    /// WebAssembly proposals that were switched on or off, by the names that artifacts use.
    pub(crate) features: BTreeMap<&'static str, bool>,
    pub(crate) target: Option<String>,
    pub(crate) target_cpu: Option<String>,
    pub(crate) opt_level: OptLevel,
    pub(crate) debug_verifier: bool,
    pub(crate) nan_canonicalization: bool,
    pub(crate) cranelift_flags: Vec<(String, String)>,
    pub(crate) parallel_compilation: bool,
    pub(crate) memory_reservation: u64,
    pub(crate) memory_guard_size: u64,
    pub(crate) memory_init_cow: bool,
    pub(crate) max_wasm_stack: usize,
    pub(crate) wasm_backtrace: bool,
    pub(crate) wasm_backtrace_max_frames: usize,
    pub(crate) consume_fuel: bool,
    pub(crate) epoch_interruption: bool,
    pub(crate) profiler: ProfilingStrategy,
    #[cfg(feature = "compiler")]
    pub(crate) cache: Option<Cache>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            features: BTreeMap::new(),
            target: None,
            target_cpu: None,
            opt_level: OptLevel::Speed,
            debug_verifier: false,
            nan_canonicalization: false,
            cranelift_flags: Vec::new(),
            parallel_compilation: true,
            memory_reservation: 4 << 30,
            memory_guard_size: 32 << 20,
            memory_init_cow: true,
            max_wasm_stack: 512 << 10,
            wasm_backtrace: true,
            wasm_backtrace_max_frames: 20,
            consume_fuel: false,
            epoch_interruption: false,
            profiler: ProfilingStrategy::None,
            #[cfg(feature = "compiler")]
            cache: None,
        }
    }
}

macro_rules! features {
    ($($(#[$doc:meta])* $method:ident $name:literal;)*) => {$(
        $(#[$doc])*
        pub fn $method(&mut self, enable: bool) -> &mut Config {
            self.features.insert($name, enable);
            self
        }
    )*};
}

impl Config {
    /// The default settings.
    pub fn new() -> Config {
        Config::default()
    }

    features! {
        /// The `bulk-memory` proposal: `memory.copy`, `table.init` and so on.
        wasm_bulk_memory "bulk-memory";
        /// The `multi-value` proposal: several results, and blocks with parameters.
        wasm_multi_value "multi-value";
        /// The `reference-types` proposal: `externref`, `funcref`, several tables.
        wasm_reference_types "reference-types";
        /// The `extended-const` proposal: arithmetic in constant expressions.
        wasm_extended_const "extended-const";
        /// The `simd` proposal: `v128`.
        wasm_simd "simd";
        /// The `relaxed-simd` proposal.
        wasm_relaxed_simd "relaxed-simd";
        /// The `threads` proposal: shared memories and atomic accesses.
        wasm_threads "threads";
        /// The `memory64` proposal: memories and tables with 64-bit addresses.
        wasm_memory64 "memory64";
        /// The `multi-memory` proposal.
        wasm_multi_memory "multi-memory";
        /// The `tail-call` proposal.
        wasm_tail_call "tail-call";
        /// The `function-references` proposal.
        wasm_function_references "function-references";
        /// The `gc` proposal.
        wasm_gc "gc";
        /// The `exceptions` proposal.
        wasm_exceptions "exceptions";
        /// The `wide-arithmetic` proposal.
        wasm_wide_arithmetic "wide-arithmetic";
        /// The `custom-page-sizes` proposal.
        wasm_custom_page_sizes "custom-page-sizes";
    }

    /// The target triple that modules are compiled for; this machine's unless set. Modules for another machine can be
    /// compiled ([`Engine::precompile_module`](crate::Engine::precompile_module)), but not run.
    ///
    /// # Errors
    /// Never here; an unknown target is an error from [`Engine::new`](crate::Engine::new).
    pub fn target(&mut self, target: &str) -> crate::Result<&mut Config> {
        self.target = Some(target.to_string());
        Ok(self)
    }

    /// The CPU that modules are compiled for: `native` (the default, unless [`target`](Self::target) is set), `baseline`,
    /// or a name such as `x86-64-v3`.
    pub fn target_cpu(&mut self, cpu: &str) -> &mut Config {
        self.target_cpu = Some(cpu.to_string());
        self
    }

    /// How much the code generator optimises. The default is [`OptLevel::Speed`].
    pub fn cranelift_opt_level(&mut self, level: OptLevel) -> &mut Config {
        self.opt_level = level;
        self
    }

    /// Whether the code generator checks its own work. Slow; off by default.
    pub fn cranelift_debug_verifier(&mut self, enable: bool) -> &mut Config {
        self.debug_verifier = enable;
        self
    }

    /// Whether every NaN that an instruction produces gets the same bits. Off by default.
    pub fn cranelift_nan_canonicalization(&mut self, enable: bool) -> &mut Config {
        self.nan_canonicalization = enable;
        self
    }

    /// Switches a setting of the code generator on, by its name, such as `has_avx2`.
    ///
    /// # Safety
    /// Some settings change what compiled code expects of its host.
    pub unsafe fn cranelift_flag_enable(&mut self, flag: &str) -> &mut Config {
        self.cranelift_flags.push((flag.to_string(), String::new()));
        self
    }

    /// Sets a setting of the code generator, by its name.
    ///
    /// # Safety
    /// As [`cranelift_flag_enable`](Self::cranelift_flag_enable).
    pub unsafe fn cranelift_flag_set(&mut self, name: &str, value: &str) -> &mut Config {
        self.cranelift_flags.push((name.to_string(), value.to_string()));
        self
    }

    /// Whether functions are compiled by as many threads as there are processors. On by default.
    pub fn parallel_compilation(&mut self, parallel: bool) -> &mut Config {
        self.parallel_compilation = parallel;
        self
    }

    /// Where [`Module::new`](crate::Module::new) finds modules that were compiled before, by this or another program. `None`,
    /// the default, for nowhere.
    #[cfg(feature = "compiler")]
    pub fn cache(&mut self, cache: Option<Cache>) -> &mut Config {
        self.cache = cache;
        self
    }

    /// As [`cache`](Self::cache), with the settings in a file: see
    /// [`CacheConfig::from_file`](crate::CacheConfig::from_file).
    ///
    /// # Errors
    /// As [`Cache::from_file`].
    #[cfg(feature = "compiler")]
    pub fn cache_config_load(
        &mut self,
        path: impl AsRef<std::path::Path>,
    ) -> crate::Result<&mut Config> {
        Ok(self.cache(Some(Cache::from_file(Some(path.as_ref()))?)))
    }

    /// As [`cache_config_load`](Self::cache_config_load), with the user's configuration file if there is one, and the default
    /// settings otherwise.
    ///
    /// # Errors
    /// As [`Cache::from_file`].
    #[cfg(feature = "compiler")]
    pub fn cache_config_load_default(&mut self) -> crate::Result<&mut Config> {
        Ok(self.cache(Some(Cache::from_file(None)?)))
    }

    /// How many bytes of address space each linear memory has. The default is 4 GiB, with which accesses to 32-bit
    /// memories need no check.
    pub fn memory_reservation(&mut self, bytes: u64) -> &mut Config {
        self.memory_reservation = bytes;
        self
    }

    /// How many bytes behind that always fault. The default is 32 MiB.
    pub fn memory_guard_size(&mut self, bytes: u64) -> &mut Config {
        self.memory_guard_size = bytes;
        self
    }

    /// Whether the initial contents of memories are mapped copy-on-write where possible, rather than copied. On by
    /// default.
    pub fn memory_init_cow(&mut self, enable: bool) -> &mut Config {
        self.memory_init_cow = enable;
        self
    }

    /// How many bytes of stack wasm may use, from where the host calls it. The default is 512 KiB. Less if the thread's
    /// stack is smaller: host functions keep a part of it.
    pub fn max_wasm_stack(&mut self, size: usize) -> &mut Config {
        self.max_wasm_stack = size;
        self
    }

    /// Whether errors come with a [`WasmBacktrace`](crate::WasmBacktrace). On by default.
    pub fn wasm_backtrace(&mut self, enable: bool) -> &mut Config {
        self.wasm_backtrace = enable;
        self
    }

    /// How many frames a backtrace has at most. The default is 20; `None` for no backtraces.
    pub fn wasm_backtrace_max_frames(
        &mut self,
        limit: Option<std::num::NonZeroUsize>,
    ) -> &mut Config {
        self.wasm_backtrace_max_frames = limit.map_or(0, std::num::NonZeroUsize::get);
        self
    }

    /// Whether execution consumes fuel. Off by default.
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Config {
        self.consume_fuel = enable;
        self
    }

    /// Whether execution is interrupted when the engine's epoch reaches a store's deadline. Off by default.
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Config {
        self.epoch_interruption = enable;
        self
    }

    /// How profilers learn what the code of modules in memory is called. The default is [`ProfilingStrategy::None`].
    pub fn profiler(&mut self, strategy: ProfilingStrategy) -> &mut Config {
        self.profiler = strategy;
        self
    }

    /// How many frames a backtrace has at most, all settings considered.
    pub(crate) fn backtrace_frames(&self) -> usize {
        if self.wasm_backtrace { self.wasm_backtrace_max_frames } else { 0 }
    }
}
