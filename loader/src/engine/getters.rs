//! What an engine's settings are, one by one.

use super::Engine;
use crate::config::{Collector, Config, Inlining, OptLevel, RegallocAlgorithm, Strategy};

macro_rules! getters {
    ($($get:ident $set:ident $ty:ty = $value:expr;)*) => {
        impl Engine {
            $(
                #[doc = concat!("What [`Config::", stringify!($set), "`] was set to, or its default.")]
                pub fn $get(&self) -> $ty {
                    let get: fn(&Config) -> $ty = $value;
                    get(self.config())
                }
            )*
        }
    };
}

/// `None` if the engine does not compile.
fn compiling<T>(config: &Config, value: T) -> Option<T> {
    config.compiler.then_some(value)
}

getters! {
    get_strategy strategy Option<Strategy> = |config| compiling(config, match config.strategy {
        Strategy::Auto => Strategy::Cranelift,
        chosen => chosen,
    });
    get_collector collector Option<Collector> = |config| Some(config.collector);
    get_cranelift_opt_level cranelift_opt_level Option<OptLevel> =
        |config| compiling(config, config.opt_level);
    get_cranelift_regalloc_algorithm cranelift_regalloc_algorithm Option<RegallocAlgorithm> =
        |config| compiling(config, config.regalloc_algorithm);
    get_cranelift_debug_verifier cranelift_debug_verifier Option<bool> =
        |config| compiling(config, config.debug_verifier);
    get_cranelift_nan_canonicalization cranelift_nan_canonicalization Option<bool> =
        |config| compiling(config, config.nan_canonicalization);
    get_compiler_inlining compiler_inlining Inlining = |config| config.inlining;
    get_parallel_compilation parallel_compilation bool = |config| config.parallel_compilation;
    get_native_unwind_info native_unwind_info Option<bool> =
        |config| compiling(config, config.native_unwind_info);
    get_debug_symbols debug_symbols bool = |config| config.debug_symbols;
    get_debug_info debug_info bool = |config| config.debug_info;
    get_guest_debug guest_debug bool = |config| config.asked_for("guest_debug");
    get_generate_address_map generate_address_map bool = |config| config.address_map != Some(false);
    get_wasm_branch_hinting wasm_branch_hinting bool =
        |config| config.proposal("branch-hinting") != Some(false);
    get_relaxed_simd_deterministic relaxed_simd_deterministic bool =
        |config| config.relaxed_simd_deterministic;
    get_shared_memory shared_memory bool = |config| config.shared_memory;
    get_signals_based_traps signals_based_traps bool = |config| config.signals_based_traps;
    get_max_wasm_stack max_wasm_stack usize = |config| config.max_wasm_stack;
    get_wasm_backtrace_max_frames wasm_backtrace_max_frames usize =
        |config| config.backtrace_frames();
    get_consume_fuel consume_fuel bool = |config| config.consume_fuel;
    get_epoch_interruption epoch_interruption bool = |config| config.epoch_interruption;
    get_memory_reservation memory_reservation u64 = |config| config.memory_reservation;
    get_memory_guard_size memory_guard_size u64 = |config| config.memory_guard_size;
    get_memory_may_move memory_may_move bool = |config| config.memory_may_move;
    get_memory_reservation_for_growth memory_reservation_for_growth u64 =
        |config| config.memory_reservation_for_growth;
    get_guard_before_linear_memory guard_before_linear_memory bool =
        |config| config.guard_before_linear_memory;
    get_memory_init_cow memory_init_cow bool = |config| config.memory_init_cow;
    get_memory_guaranteed_dense_image_size memory_guaranteed_dense_image_size u64 =
        |config| config.dense_image_bytes;
    get_table_lazy_init table_lazy_init bool = |config| config.asked_for("table_lazy_init");
}

impl Engine {
    /// What [`Config::target`] was set to. `None` if modules are compiled for this machine.
    pub fn get_target(&self) -> Option<String> {
        self.config().target.clone()
    }

    /// The settings of the code generator that [`Config::cranelift_flag_enable`] has switched on.
    pub fn get_cranelift_flags_enabled(&self) -> impl Iterator<Item = &str> {
        let flags = self.config().cranelift_flags.iter();
        flags.filter(|(_, value)| value.is_empty()).map(|(name, _)| name.as_str())
    }

    /// The settings of the code generator that [`Config::cranelift_flag_set`] has set.
    pub fn get_cranelift_flags_set(&self) -> impl Iterator<Item = (&str, &str)> {
        let flags = self.config().cranelift_flags.iter();
        flags
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
