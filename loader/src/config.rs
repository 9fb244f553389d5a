//! What an engine does, and how: plain data, checked as a whole by [`Engine::new`](crate::Engine::new).
//!
//! Always true: a setting either acts, or `Engine::new` refuses it and says why. None is ignored in silence, but for those
//! that only a compiler needs, in a program without one.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use wootz_runtime::abi::compat::FEATURES;
use wootz_runtime::vm::memory::AddressSpace;

#[cfg(feature = "compiler")]
use crate::cache::Cache;
use crate::environment;

/// What settings can be chosen from.
mod choices;
/// Whether settings make sense together.
mod rules;

pub use choices::{
    Collector, Debugger, Inlining, InstanceAllocationStrategy, ModuleVersionStrategy, OptLevel,
    PoolingAllocationConfig, ProfilingStrategy, RegallocAlgorithm, Strategy, WasmBacktraceDetails,
};

/// How many frames a backtrace has, unless somebody says something else.
const DEFAULT_BACKTRACE_FRAMES: usize = 20;

/// The settings of an [`Engine`](crate::Engine).
///
/// Methods have the names and meanings that they have in the `wasmtime` crate. What a method asks for and this version
/// cannot do is an error from [`Engine::new`](crate::Engine::new), and so are settings that contradict each other. The last
/// word on a setting counts.
///
/// Settings that only a compiler needs are accepted without cargo feature `compiler` too, and have no effect then.
///
/// ```
/// use wootz::{Config, Engine, OptLevel};
///
/// let mut config = Config::new();
/// config.cranelift_opt_level(OptLevel::None).max_wasm_stack(1 << 20);
/// let engine = Engine::new(&config)?;
///
/// // Two settings that cannot both be meant.
/// config.wasm_simd(false).wasm_relaxed_simd(true);
/// let error = Engine::new(&config).unwrap_err();
/// assert!(error.to_string().contains("wasm_simd"));
/// # Ok::<(), wootz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// WebAssembly proposals that were switched on or off, by the names that artifacts use.
    pub(crate) features: BTreeMap<&'static str, bool>,
    /// Methods that were called to ask for what this version does not have, and why not.
    unsupported: BTreeMap<&'static str, &'static str>,
    pub(crate) compiler: bool,
    pub(crate) strategy: Strategy,
    pub(crate) target: Option<String>,
    pub(crate) target_cpu: Option<String>,
    pub(crate) opt_level: OptLevel,
    pub(crate) debug_verifier: bool,
    pub(crate) nan_canonicalization: bool,
    pub(crate) regalloc_algorithm: RegallocAlgorithm,
    pub(crate) inlining: Inlining,
    pub(crate) skipped_optimisations: Vec<String>,
    pub(crate) cranelift_flags: Vec<(String, String)>,
    pub(crate) parallel_compilation: bool,
    compilation_threads: Option<NonZeroUsize>,
    pub(crate) relaxed_simd_deterministic: bool,
    pub(crate) debug_symbols: bool,
    pub(crate) debug_info: bool,
    pub(crate) debugger: Option<Debugger>,
    pub(crate) native_unwind_info: bool,
    /// Of all instructions, or of none. If nothing was said, of those that backtraces find.
    pub(crate) address_map: Option<bool>,
    module_version: ModuleVersionStrategy,
    allocation_strategy: InstanceAllocationStrategy,
    pub(crate) collector: Collector,
    gc_support: bool,
    pub(crate) signals_based_traps: bool,
    pub(crate) shared_memory: bool,
    pub(crate) memory_reservation: u64,
    pub(crate) memory_guard_size: u64,
    pub(crate) guard_before_linear_memory: bool,
    pub(crate) memory_may_move: bool,
    pub(crate) memory_reservation_for_growth: u64,
    pub(crate) memory_init_cow: bool,
    pub(crate) force_memory_init_memfd: bool,
    pub(crate) dense_image_bytes: u64,
    pub(crate) max_wasm_stack: usize,
    wasm_backtrace_max_frames: usize,
    pub(crate) backtrace_details: bool,
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
            unsupported: BTreeMap::new(),
            compiler: true,
            strategy: Strategy::Auto,
            target: None,
            target_cpu: None,
            opt_level: OptLevel::Speed,
            debug_verifier: false,
            nan_canonicalization: false,
            regalloc_algorithm: RegallocAlgorithm::Backtracking,
            inlining: Inlining::No,
            skipped_optimisations: Vec::new(),
            cranelift_flags: Vec::new(),
            parallel_compilation: true,
            compilation_threads: None,
            relaxed_simd_deterministic: false,
            debug_symbols: true,
            debug_info: false,
            debugger: None,
            native_unwind_info: true,
            address_map: None,
            module_version: ModuleVersionStrategy::WasmtimeVersion,
            allocation_strategy: InstanceAllocationStrategy::OnDemand,
            collector: Collector::Auto,
            gc_support: true,
            signals_based_traps: true,
            shared_memory: true,
            memory_reservation: 4 << 30,
            memory_guard_size: 32 << 20,
            guard_before_linear_memory: true,
            memory_may_move: true,
            memory_reservation_for_growth: 2 << 30,
            memory_init_cow: true,
            force_memory_init_memfd: false,
            dense_image_bytes: rules::DENSE_IMAGE_BYTES,
            max_wasm_stack: 512 << 10,
            wasm_backtrace_max_frames: DEFAULT_BACKTRACE_FRAMES,
            backtrace_details: true,
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

/// Setters of what this version does not have: asking for it is an error of `Engine::new`.
macro_rules! unsupported {
    ($($(#[$doc:meta])* $method:ident $reason:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Off, and not supported in this version: [`Engine::new`](crate::Engine::new) refuses `true`.
        pub fn $method(&mut self, enable: bool) -> &mut Config {
            match enable {
                true => self.unsupported.insert(stringify!($method), $reason),
                false => self.unsupported.remove(stringify!($method)),
            };
            self
        }
    )*};
}

impl Config {
    /// The default settings.
    pub fn new() -> Config {
        Config::default()
    }

    // What modules may contain.

    features! {
        /// The `bulk-memory` proposal: `memory.copy`, `table.init` and so on.
        wasm_bulk_memory "bulk-memory";
        /// The `multi-value` proposal: several results, and blocks with parameters.
        wasm_multi_value "multi-value";
        /// The `reference-types` proposal: `externref`, `funcref`, several tables. Needs
        /// [`wasm_bulk_memory`](Self::wasm_bulk_memory).
        wasm_reference_types "reference-types";
        /// The `extended-const` proposal: arithmetic in constant expressions.
        wasm_extended_const "extended-const";
        /// The `simd` proposal: `v128`.
        wasm_simd "simd";
        /// The `relaxed-simd` proposal. Needs [`wasm_simd`](Self::wasm_simd).
        wasm_relaxed_simd "relaxed-simd";
        /// The `threads` proposal: shared memories and atomic accesses.
        wasm_threads "threads";
        /// The `memory64` proposal: memories and tables with 64-bit addresses.
        wasm_memory64 "memory64";
        /// The `multi-memory` proposal.
        wasm_multi_memory "multi-memory";
        /// The `tail-call` proposal.
        wasm_tail_call "tail-call";
        /// The `function-references` proposal. Needs [`wasm_reference_types`](Self::wasm_reference_types).
        wasm_function_references "function-references";
        /// The `gc` proposal. Needs [`wasm_function_references`](Self::wasm_function_references).
        wasm_gc "gc";
        /// The `exceptions` proposal. Needs [`wasm_reference_types`](Self::wasm_reference_types).
        wasm_exceptions "exceptions";
        /// The `wide-arithmetic` proposal.
        wasm_wide_arithmetic "wide-arithmetic";
        /// The `branch-hinting` proposal: whether the compiler heeds hints about which way branches go. On by default.
        wasm_branch_hinting "branch-hinting";
        /// The `custom-page-sizes` proposal.
        wasm_custom_page_sizes "custom-page-sizes";
    }

    /// Switches a proposal on or off by the name that artifacts and messages use, such as `multi-value`: those above, and
    /// `mutable-global`, `saturating-float-to-int` and `sign-extension`, which have no method of their own.
    ///
    /// ```
    /// use wootz::Config;
    ///
    /// let mut config = Config::new();
    /// config.wasm_feature("sign-extension", false)?;
    /// assert!(config.wasm_feature("sign-extention", false).is_err());
    /// # Ok::<(), wootz::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no proposal of this name. What is not implemented in this version is an error from
    /// [`Engine::new`](crate::Engine::new).
    pub fn wasm_feature(&mut self, name: &str, enable: bool) -> crate::Result<&mut Config> {
        let Some(&known) = FEATURES.iter().find(|known| **known == name) else {
            let all = FEATURES.join(", ");
            anyhow::bail!("unknown WebAssembly feature `{name}`; there are {all}");
        };
        self.features.insert(known, enable);
        Ok(self)
    }

    unsupported! {
        /// The `shared-everything-threads` proposal.
        wasm_shared_everything_threads "the compiler does not know the proposal; leave it off";
        /// The `stack-switching` proposal.
        wasm_stack_switching "the compiler does not know the proposal; leave it off";
        /// The exceptions that came before the `exceptions` proposal: `try`, `catch`, `rethrow`.
        wasm_legacy_exceptions "the compiler does not know these instructions; translate the module with `wasm-opt --translate-to-exnref`";
        /// The component model.
        wasm_component_model "only modules can be compiled and run; extract the core module of the component";
        /// Instrumentation for debugging guests from within the program.
        guest_debug "there is no such instrumentation; use a native debugger on the compiled module, and leave it off";
        /// Core dumps of guests that trap, attached to the errors.
        coredump_on_trap "there are no core dumps of guests; errors have backtraces (`WasmBacktrace`), so leave it off";
        /// Checks of a guest's use of its allocator.
        wmemcheck "there is no such instrumentation; leave it off";
        /// Tables that are filled when their elements are used first. Off here: tables are filled when instances are made,
        /// and calls through them need no check.
        table_lazy_init "tables are filled when instances are made; leave it off";
    }

    /// Whether the results of relaxed SIMD instructions are the same on all machines, at some cost in speed. Off by
    /// default. Modules that were compiled without it are then refused, unless they were compiled without relaxed SIMD.
    pub fn relaxed_simd_deterministic(&mut self, enable: bool) -> &mut Config {
        self.relaxed_simd_deterministic = enable;
        self
    }

    /// As [`relaxed_simd_deterministic`](Self::relaxed_simd_deterministic), by the name that other bindings have for it.
    pub fn wasm_relaxed_simd_deterministic(&mut self, enable: bool) -> &mut Config {
        self.relaxed_simd_deterministic(enable)
    }

    /// Whether there is anything that frees objects of guests: what the proposals `function-references`, `gc` and
    /// `exceptions` need. On by default; `false` switches them off.
    pub fn gc_support(&mut self, enable: bool) -> &mut Config {
        self.gc_support = enable;
        self
    }

    /// Whether there may be shared memories: those of [`SharedMemory::new`](crate::SharedMemory::new), and those that modules
    /// define. On by default; in the `wasmtime` crate it is off.
    pub fn shared_memory(&mut self, enable: bool) -> &mut Config {
        self.shared_memory = enable;
        self
    }

    // How modules are compiled.

    /// Whether the engine compiles at all. On by default; `false` lets it only load what was compiled before.
    pub fn enable_compiler(&mut self, enable: bool) -> &mut Config {
        self.compiler = enable;
        self
    }

    /// Which compiler to use. There is one, Cranelift.
    pub fn strategy(&mut self, strategy: Strategy) -> &mut Config {
        self.strategy = strategy;
        self
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

    /// Whether modules are compiled for processors with a feature, such as `avx2`, in addition to those of
    /// [`target_cpu`](Self::target_cpu), or without it. Where a feature is missing, what was compiled for it is refused.
    ///
    /// A name that the code generator does not know is an error from [`Engine::new`](crate::Engine::new).
    pub fn cpu_feature(&mut self, name: &str, enable: bool) -> &mut Config {
        self.cranelift_flags.push((format!("has_{name}"), enable.to_string()));
        self
    }

    /// How much the code generator optimises. The default is [`OptLevel::Speed`].
    pub fn cranelift_opt_level(&mut self, level: OptLevel) -> &mut Config {
        self.opt_level = level;
        self
    }

    /// Compiles without one of the optimisations that Wootz makes besides those of its code generator, to find out whether it
    /// is at fault: by the name that `wootz compile --no-opt` knows it by.
    ///
    /// A name that is not known is an error from [`Engine::new`](crate::Engine::new).
    pub fn skip_optimisation(&mut self, name: &str) -> &mut Config {
        self.skipped_optimisations.push(name.to_string());
        self
    }

    /// Whether the code generator checks its own work. Slow; off by default.
    pub fn cranelift_debug_verifier(&mut self, enable: bool) -> &mut Config {
        self.debug_verifier = enable;
        self
    }

    /// How registers are allocated. The default is [`RegallocAlgorithm::Backtracking`].
    pub fn cranelift_regalloc_algorithm(&mut self, algorithm: RegallocAlgorithm) -> &mut Config {
        self.regalloc_algorithm = algorithm;
        self
    }

    /// Which calls are replaced by the body of the function that is called. The default is [`Inlining::No`].
    pub fn compiler_inlining(&mut self, inlining: Inlining) -> &mut Config {
        self.inlining = inlining;
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

    /// Whether functions are compiled by several threads. On by default.
    pub fn parallel_compilation(&mut self, parallel: bool) -> &mut Config {
        self.parallel_compilation = parallel;
        self
    }

    /// How many threads compile functions, if [`parallel_compilation`](Self::parallel_compilation) is on. `None`, the
    /// default, for as many as there are processors. It makes no difference to what comes out.
    pub fn compilation_threads(&mut self, threads: Option<NonZeroUsize>) -> &mut Config {
        self.compilation_threads = threads;
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

    /// Whether modules that are compiled get debug information, for native debuggers to show the program's source and
    /// variables. What there is of it comes from the module's own DWARF. Off by default. It has no influence on modules that
    /// were compiled before, which have what they were compiled with.
    pub fn debug_info(&mut self, enable: bool) -> &mut Config {
        self.debug_info = enable;
        self
    }

    /// Which debugger [`debug_info`](Self::debug_info) is for, where they disagree. If nothing is said, lldb for macOS, and gdb
    /// elsewhere; each shows most of what is for the other, too.
    pub fn debugger(&mut self, debugger: Debugger) -> &mut Config {
        self.debugger = Some(debugger);
        self
    }

    /// Whether artifacts have a symbol for every function, for debuggers and profilers. On by default. Without, artifacts
    /// are smaller; backtraces have names all the same.
    pub fn debug_symbols(&mut self, enable: bool) -> &mut Config {
        self.debug_symbols = enable;
        self
    }

    /// Whether artifacts have unwind tables (`.eh_frame`), with which debuggers, profilers and the system's unwinder see
    /// through frames of guests. On by default. [`WasmBacktrace`](crate::WasmBacktrace) does not need them.
    pub fn native_unwind_info(&mut self, enable: bool) -> &mut Config {
        self.native_unwind_info = enable;
        self
    }

    /// Whether artifacts say of all instructions which place of the WebAssembly module they come from, for
    /// [`Module::address_map`](crate::Module::address_map), or of none. By default they say it of what may trap and of calls, which is
    /// all that [`FrameInfo::module_offset`](crate::FrameInfo::module_offset) needs; with
    /// [`debug_info`](Self::debug_info) of all.
    pub fn generate_address_map(&mut self, generate: bool) -> &mut Config {
        self.address_map = Some(generate);
        self
    }

    /// What must agree between the compiler of an artifact and its loader. The default is the version of the binary
    /// interface, and nothing else is supported in this version.
    ///
    /// # Errors
    /// If a text of the user's is longer than 255 bytes.
    pub fn module_version(
        &mut self,
        strategy: ModuleVersionStrategy,
    ) -> crate::Result<&mut Config> {
        if let ModuleVersionStrategy::Custom(text) = &strategy
            && text.len() > 255
        {
            anyhow::bail!("custom module version cannot be more than 255 bytes: {text}");
        }
        self.module_version = strategy;
        Ok(self)
    }

    // Memories.

    /// How many bytes of address space each linear memory has. The default is 4 GiB, with which accesses to 32-bit
    /// memories need no check.
    ///
    /// With less, and for memories with 64-bit addresses or small pages, every access is checked. Memories whose maximum is
    /// within the reservation never move; others do when they need more. Modules run only in engines that reserve at least as
    /// much as they were compiled for.
    pub fn memory_reservation(&mut self, bytes: u64) -> &mut Config {
        self.memory_reservation = bytes;
        self
    }

    /// How many bytes behind that always fault. The default is 32 MiB: accesses with constant offsets up to there need no
    /// check. Modules run only in engines whose guard is at least as long as they were compiled for.
    pub fn memory_guard_size(&mut self, bytes: u64) -> &mut Config {
        self.memory_guard_size = bytes;
        self
    }

    /// Whether as many bytes in front of each linear memory fault too. On by default. Compiled code never goes there; if
    /// there were a mistake in it, this would keep it from doing harm.
    pub fn guard_before_linear_memory(&mut self, enable: bool) -> &mut Config {
        self.guard_before_linear_memory = enable;
        self
    }

    /// Whether a linear memory that needs more than [`memory_reservation`](Self::memory_reservation) may move. On by
    /// default. Without, it cannot grow beyond what was reserved for it.
    pub fn memory_may_move(&mut self, enable: bool) -> &mut Config {
        self.memory_may_move = enable;
        self
    }

    /// How many bytes a linear memory that exceeds [`memory_reservation`](Self::memory_reservation), from the beginning or
    /// by growing, can grow before it moves again. The default is 2 GiB.
    pub fn memory_reservation_for_growth(&mut self, bytes: u64) -> &mut Config {
        self.memory_reservation_for_growth = bytes;
        self
    }

    /// Whether the initial contents of memories are mapped copy-on-write where possible, rather than copied. On by
    /// default.
    pub fn memory_init_cow(&mut self, enable: bool) -> &mut Config {
        self.memory_init_cow = enable;
        self
    }

    /// Whether these contents are mapped from a file in memory, even if the module was loaded from a file: new instances
    /// then never wait for a disk. Off by default.
    pub fn force_memory_init_memfd(&mut self, enable: bool) -> &mut Config {
        self.force_memory_init_memfd = enable;
        self
    }

    /// Up to which size, in bytes, images of memories may have holes. The default is 16 MiB, and nothing else is supported
    /// in this version: images consist of the pages that have contents.
    pub fn memory_guaranteed_dense_image_size(&mut self, bytes: u64) -> &mut Config {
        self.dense_image_bytes = bytes;
        self
    }

    // How guests run.

    /// Where the parts of instances come from. The default is [`InstanceAllocationStrategy::OnDemand`], and nothing else is
    /// supported in this version.
    pub fn allocation_strategy(
        &mut self,
        strategy: impl Into<InstanceAllocationStrategy>,
    ) -> &mut Config {
        self.allocation_strategy = strategy.into();
        self
    }

    /// What frees the objects of the `gc` proposal.
    pub fn collector(&mut self, collector: Collector) -> &mut Config {
        self.collector = collector;
        self
    }

    /// Whether traps are found by the processor. On by default, and nothing else is supported in this version.
    pub fn signals_based_traps(&mut self, enable: bool) -> &mut Config {
        self.signals_based_traps = enable;
        self
    }

    /// Whether traps are found by way of Mach ports on macOS, rather than signals. No other system has them, so elsewhere
    /// it makes no difference.
    pub fn macos_use_mach_ports(&mut self, _mach_ports: bool) -> &mut Config {
        self
    }

    /// How many bytes of stack wasm may use, from where the host calls it. The default is 512 KiB. Less if the thread's
    /// stack is smaller: host functions keep a part of it. It may be up to 16 KiB more, as not every function asks how much is left.
    pub fn max_wasm_stack(&mut self, size: usize) -> &mut Config {
        self.max_wasm_stack = size;
        self
    }

    /// Whether errors come with a [`WasmBacktrace`](crate::WasmBacktrace). On by default. `false` is the same as
    /// [`wasm_backtrace_max_frames(None)`](Self::wasm_backtrace_max_frames), and `true` undoes that.
    pub fn wasm_backtrace(&mut self, enable: bool) -> &mut Config {
        self.wasm_backtrace_max_frames = match (enable, self.wasm_backtrace_max_frames) {
            (false, _) => 0,
            (true, 0) => DEFAULT_BACKTRACE_FRAMES,
            (true, frames) => frames,
        };
        self
    }

    /// How many frames a backtrace has at most. The default is 20; `None` for no backtraces. That of a trap has at most 65536,
    /// whatever the limit.
    pub fn wasm_backtrace_max_frames(&mut self, limit: Option<NonZeroUsize>) -> &mut Config {
        self.wasm_backtrace_max_frames = limit.map_or(0, NonZeroUsize::get);
        self
    }

    /// Whether the compiler reads the DWARF of modules, so that backtraces show functions, files and lines of the source, as
    /// [`FrameInfo::symbols`](crate::FrameInfo::symbols) returns them. It costs little time when a module is compiled, some
    /// space in the file, and nothing else. Whether a module that is loaded has them was decided when it was compiled.
    ///
    /// The default is [`Enable`](WasmBacktraceDetails::Enable), other than wasmtime's `Environment`: who compiles debug
    /// information into a module wants to see it.
    pub fn wasm_backtrace_details(&mut self, details: WasmBacktraceDetails) -> &mut Config {
        self.backtrace_details = match details {
            WasmBacktraceDetails::Enable => true,
            WasmBacktraceDetails::Disable => false,
            WasmBacktraceDetails::Environment => environment::wants_backtrace_details(),
        };
        self
    }

    /// Whether execution consumes fuel. Off by default.
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Config {
        self.consume_fuel = enable;
        self
    }

    /// Whether execution is interrupted when the engine's epoch reaches a store's deadline. Off by default.
    ///
    /// Guests look at the epoch when functions begin and when loops begin again: there once in some turns, at most about a thousand,
    /// unless something was called that may belong to the host. So they are interrupted within a millisecond or so.
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Config {
        self.epoch_interruption = enable;
        self
    }

    /// How profilers learn what the code of modules in memory is called. The default is [`ProfilingStrategy::None`].
    pub fn profiler(&mut self, strategy: ProfilingStrategy) -> &mut Config {
        self.profiler = strategy;
        self
    }

    /// Whether a method was called to ask for what this version does not have.
    pub(crate) fn asked_for(&self, method: &str) -> bool {
        self.unsupported.contains_key(method)
    }

    /// How many threads compile, all settings considered; `None` for as many as there are processors.
    #[cfg(feature = "compiler")]
    pub(crate) fn threads(&self) -> Option<usize> {
        match self.parallel_compilation {
            true => self.compilation_threads.map(NonZeroUsize::get),
            false => Some(1),
        }
    }

    /// How many frames a backtrace has at most, all settings considered.
    pub(crate) fn backtrace_frames(&self) -> usize {
        self.wasm_backtrace_max_frames
    }

    /// How much address space memories get.
    pub(crate) fn address_space(&self) -> AddressSpace {
        AddressSpace {
            reservation: self.memory_reservation,
            guard: self.memory_guard_size,
            guard_before: self.guard_before_linear_memory,
            may_move: self.memory_may_move,
            reservation_for_growth: self.memory_reservation_for_growth,
        }
    }

    /// Whether a proposal is on or off; `None` if the settings say nothing about it.
    pub(crate) fn proposal(&self, name: &str) -> Option<bool> {
        rules::proposal(self, name)
    }

    /// Checks everything that does not need a compiler.
    pub(crate) fn check(&self) -> crate::Result<()> {
        rules::check(self)
    }
}
