//! What settings are: the counterparts of some of the setters.

use super::Config;
use super::choices::{Collector, Inlining, OptLevel, RegallocAlgorithm, Strategy};

macro_rules! getters {
    ($($get:ident $set:ident $ty:ty = $value:expr;)*) => {
        impl Config {
            $(
                #[doc = concat!("What [`Config::", stringify!($set), "`] was set to, or its default.")]
                pub fn $get(&self) -> $ty {
                    let get: fn(&Config) -> $ty = $value;
                    get(self)
                }
            )*
        }
    };
}

getters! {
    get_strategy strategy Option<Strategy> = |config| Some(config.strategy);
    get_collector collector Option<Collector> = |config| Some(config.collector);
    get_cranelift_opt_level cranelift_opt_level Option<OptLevel> = |config| Some(config.opt_level);
    get_cranelift_regalloc_algorithm cranelift_regalloc_algorithm Option<RegallocAlgorithm> =
        |config| Some(config.regalloc_algorithm);
    get_cranelift_debug_verifier cranelift_debug_verifier Option<bool> =
        |config| Some(config.debug_verifier);
    get_cranelift_nan_canonicalization cranelift_nan_canonicalization Option<bool> =
        |config| Some(config.nan_canonicalization);
    get_compiler_inlining compiler_inlining Inlining = |config| config.inlining;
    get_parallel_compilation parallel_compilation bool = |config| config.parallel_compilation;
    get_native_unwind_info native_unwind_info Option<bool> =
        |config| Some(config.native_unwind_info);
    get_relaxed_simd_deterministic relaxed_simd_deterministic bool =
        |config| config.relaxed_simd_deterministic;
    get_shared_memory shared_memory bool = |config| config.shared_memory;
    get_signals_based_traps signals_based_traps bool = |config| config.signals_based_traps;
    get_max_wasm_stack max_wasm_stack usize = |config| config.max_wasm_stack;
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
}
