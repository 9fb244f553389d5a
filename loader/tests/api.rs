//! What `docs/api.md` says of the interface is true: each item that it marks as "works" or "differs" is used here as users of
//! wasmtime use it, and each item that is used here is marked so.
//!
//! The lines below stand for programs. That one of them does not compile any more means that some program does not either.
#![allow(clippy::type_complexity)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::error::Error as StdError;
use std::ffi::c_void;
use std::fmt::{Debug, Display};
use std::fs::File;
use std::hash::{DefaultHasher, Hash};
use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::time::Duration;

use wootz::*;

#[path = "common/api_table.rs"]
mod api_table;

use api_table::{Names, documented, rows};

/// Settings.
fn settings(names: &mut Names) {
    types! { names;
        Config: Clone, Debug, Default, Send, Sync;
        Strategy: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
        OptLevel: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
        RegallocAlgorithm: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
        Inlining: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
        Collector: Clone, Copy, Debug, Default, Eq, PartialEq, Send, Sync;
        ProfilingStrategy: Clone, Copy, Debug, PartialEq, Send, Sync;
        WasmBacktraceDetails: Clone, Copy, Debug, Send, Sync;
        ModuleVersionStrategy: Clone, Default, Hash, Send, Sync;
        InstanceAllocationStrategy: Clone, Default, Send, Sync, From<PoolingAllocationConfig>;
        PoolingAllocationConfig: Clone, Debug, Default, Send, Sync;
        Cache: Clone, Debug, Send, Sync;
        CacheConfig: Clone, Debug, Default, Send, Sync;
    }
    items! { names;
        Config::new: fn() -> Config;
        Config::enable_compiler: fn(&mut Config, bool) -> &mut Config;
        Config::target: for<'a> fn(&'a mut Config, &str) -> Result<&'a mut Config>;
        Config::debug_info: fn(&mut Config, bool) -> &mut Config;
        Config::debug_symbols: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_backtrace: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_backtrace_details: fn(&mut Config, WasmBacktraceDetails) -> &mut Config;
        Config::wasm_backtrace_max_frames: fn(&mut Config, Option<NonZeroUsize>) -> &mut Config;
        Config::native_unwind_info: fn(&mut Config, bool) -> &mut Config;
        Config::consume_fuel: fn(&mut Config, bool) -> &mut Config;
        Config::epoch_interruption: fn(&mut Config, bool) -> &mut Config;
        Config::max_wasm_stack: fn(&mut Config, usize) -> &mut Config;
        Config::wasm_tail_call: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_branch_hinting: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_custom_page_sizes: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_threads: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_shared_everything_threads: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_reference_types: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_function_references: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_wide_arithmetic: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_gc: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_simd: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_relaxed_simd: fn(&mut Config, bool) -> &mut Config;
        Config::relaxed_simd_deterministic: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_bulk_memory: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_multi_value: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_multi_memory: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_memory64: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_extended_const: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_stack_switching: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_exceptions: fn(&mut Config, bool) -> &mut Config;
        Config::strategy: fn(&mut Config, Strategy) -> &mut Config;
        Config::collector: fn(&mut Config, Collector) -> &mut Config;
        Config::profiler: fn(&mut Config, ProfilingStrategy) -> &mut Config;
        Config::cranelift_debug_verifier: fn(&mut Config, bool) -> &mut Config;
        Config::cranelift_opt_level: fn(&mut Config, OptLevel) -> &mut Config;
        Config::cranelift_regalloc_algorithm: fn(&mut Config, RegallocAlgorithm) -> &mut Config;
        Config::cranelift_nan_canonicalization: fn(&mut Config, bool) -> &mut Config;
        Config::cranelift_flag_enable: for<'a> unsafe fn(&'a mut Config, &str) -> &'a mut Config;
        Config::cranelift_flag_set: for<'a> unsafe fn(&'a mut Config, &str, &str) -> &'a mut Config;
        Config::cache: fn(&mut Config, Option<Cache>) -> &mut Config;
        Config::allocation_strategy: fn(&mut Config, PoolingAllocationConfig) -> &mut Config;
        Config::memory_reservation: fn(&mut Config, u64) -> &mut Config;
        Config::memory_may_move: fn(&mut Config, bool) -> &mut Config;
        Config::memory_guard_size: fn(&mut Config, u64) -> &mut Config;
        Config::memory_reservation_for_growth: fn(&mut Config, u64) -> &mut Config;
        Config::guard_before_linear_memory: fn(&mut Config, bool) -> &mut Config;
        Config::table_lazy_init: fn(&mut Config, bool) -> &mut Config;
        Config::module_version: fn(&mut Config, ModuleVersionStrategy) -> Result<&mut Config>;
        Config::parallel_compilation: fn(&mut Config, bool) -> &mut Config;
        Config::generate_address_map: fn(&mut Config, bool) -> &mut Config;
        Config::memory_init_cow: fn(&mut Config, bool) -> &mut Config;
        Config::force_memory_init_memfd: fn(&mut Config, bool) -> &mut Config;
        Config::coredump_on_trap: fn(&mut Config, bool) -> &mut Config;
        Config::wmemcheck: fn(&mut Config, bool) -> &mut Config;
        Config::memory_guaranteed_dense_image_size: fn(&mut Config, u64) -> &mut Config;
        Config::compiler_inlining: fn(&mut Config, Inlining) -> &mut Config;
        Config::macos_use_mach_ports: fn(&mut Config, bool) -> &mut Config;
        Config::signals_based_traps: fn(&mut Config, bool) -> &mut Config;
        Config::gc_support: fn(&mut Config, bool) -> &mut Config;
        Config::shared_memory: fn(&mut Config, bool) -> &mut Config;
        Config::guest_debug: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_component_model: fn(&mut Config, bool) -> &mut Config;
        Config::wasm_legacy_exceptions: fn(&mut Config, bool) -> &mut Config;
        Strategy::Auto: Strategy;
        Strategy::Cranelift: Strategy;
        Strategy::Winch: Strategy;
        OptLevel::None: OptLevel;
        OptLevel::Speed: OptLevel;
        OptLevel::SpeedAndSize: OptLevel;
        RegallocAlgorithm::Backtracking: RegallocAlgorithm;
        RegallocAlgorithm::SinglePass: RegallocAlgorithm;
        Inlining::Yes: Inlining;
        Inlining::InterModuleAndIntraGc: Inlining;
        Inlining::InterModule: Inlining;
        Inlining::Intrinsics: Inlining;
        Inlining::No: Inlining;
        Collector::Auto: Collector;
        Collector::DeferredReferenceCounting: Collector;
        Collector::Null: Collector;
        Collector::Copying: Collector;
        ProfilingStrategy::None: ProfilingStrategy;
        ProfilingStrategy::PerfMap: ProfilingStrategy;
        ProfilingStrategy::JitDump: ProfilingStrategy;
        ProfilingStrategy::VTune: ProfilingStrategy;
        WasmBacktraceDetails::Enable: WasmBacktraceDetails;
        WasmBacktraceDetails::Disable: WasmBacktraceDetails;
        WasmBacktraceDetails::Environment: WasmBacktraceDetails;
        ModuleVersionStrategy::WasmtimeVersion: ModuleVersionStrategy;
        ModuleVersionStrategy::Custom: fn(String) -> ModuleVersionStrategy;
        ModuleVersionStrategy::None: ModuleVersionStrategy;
        ModuleVersionStrategy::as_str: fn(&ModuleVersionStrategy) -> &str;
        InstanceAllocationStrategy::OnDemand: InstanceAllocationStrategy;
        InstanceAllocationStrategy::Pooling: fn(PoolingAllocationConfig) -> InstanceAllocationStrategy;
        InstanceAllocationStrategy::pooling: fn() -> InstanceAllocationStrategy;
        PoolingAllocationConfig::new: fn() -> PoolingAllocationConfig;
        Cache::new: fn(CacheConfig) -> Result<Cache>;
        Cache::from_file: fn(Option<&Path>) -> Result<Cache>;
        Cache::directory: fn(&Cache) -> &PathBuf;
        Cache::cache_hits: fn(&Cache) -> usize;
        Cache::cache_misses: fn(&Cache) -> usize;
        Cache::file_count_soft_limit: fn(&Cache) -> u64;
        Cache::files_total_size_soft_limit: fn(&Cache) -> u64;
        Cache::file_count_limit_percent_if_deleting: fn(&Cache) -> u8;
        Cache::files_total_size_limit_percent_if_deleting: fn(&Cache) -> u8;
        CacheConfig::new: fn() -> CacheConfig;
        CacheConfig::from_file: fn(Option<&Path>) -> Result<CacheConfig>;
        CacheConfig::directory: fn(&CacheConfig) -> Option<&PathBuf>;
        CacheConfig::with_directory: for<'a> fn(&'a mut CacheConfig, &'static str) -> &'a mut CacheConfig;
        CacheConfig::file_count_soft_limit: fn(&CacheConfig) -> u64;
        CacheConfig::with_file_count_soft_limit: fn(&mut CacheConfig, u64) -> &mut CacheConfig;
        CacheConfig::files_total_size_soft_limit: fn(&CacheConfig) -> u64;
        CacheConfig::with_files_total_size_soft_limit: fn(&mut CacheConfig, u64) -> &mut CacheConfig;
        CacheConfig::file_count_limit_percent_if_deleting: fn(&CacheConfig) -> u8;
        CacheConfig::with_file_count_limit_percent_if_deleting: fn(&mut CacheConfig, u8) -> &mut CacheConfig;
        CacheConfig::files_total_size_limit_percent_if_deleting: fn(&CacheConfig) -> u8;
        CacheConfig::with_files_total_size_limit_percent_if_deleting: fn(&mut CacheConfig, u8) -> &mut CacheConfig;
    }
}

/// Engines.
fn engines(names: &mut Names) {
    types! { names;
        Engine: Clone, Debug, Default, Send, Sync;
        EngineWeak: Clone, Default, Send, Sync;
        Precompiled: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
    }
    items! { names;
        Engine::get_memory_may_move: fn(&Engine) -> bool;
        Engine::get_memory_reservation: fn(&Engine) -> u64;
        Engine::get_memory_reservation_for_growth: fn(&Engine) -> u64;
        Engine::get_memory_guard_size: fn(&Engine) -> u64;
        Engine::get_guard_before_linear_memory: fn(&Engine) -> bool;
        Engine::get_table_lazy_init: fn(&Engine) -> bool;
        Engine::get_memory_init_cow: fn(&Engine) -> bool;
        Engine::get_memory_guaranteed_dense_image_size: fn(&Engine) -> u64;
        Engine::get_signals_based_traps: fn(&Engine) -> bool;
        Engine::get_cranelift_opt_level: fn(&Engine) -> Option<OptLevel>;
        Engine::get_cranelift_regalloc_algorithm: fn(&Engine) -> Option<RegallocAlgorithm>;
        Engine::get_strategy: fn(&Engine) -> Option<Strategy>;
        Engine::get_collector: fn(&Engine) -> Option<Collector>;
        Engine::get_cranelift_debug_verifier: fn(&Engine) -> Option<bool>;
        Engine::get_compiler_inlining: fn(&Engine) -> Inlining;
        Engine::get_native_unwind_info: fn(&Engine) -> Option<bool>;
        Engine::get_parallel_compilation: fn(&Engine) -> bool;
        Engine::get_wasm_branch_hinting: fn(&Engine) -> bool;
        Engine::get_epoch_interruption: fn(&Engine) -> bool;
        Engine::get_consume_fuel: fn(&Engine) -> bool;
        Engine::get_max_wasm_stack: fn(&Engine) -> usize;
        Engine::get_cranelift_nan_canonicalization: fn(&Engine) -> Option<bool>;
        Engine::get_relaxed_simd_deterministic: fn(&Engine) -> bool;
        Engine::get_shared_memory: fn(&Engine) -> bool;
        Engine::get_generate_address_map: fn(&Engine) -> bool;
        Engine::get_debug_info: fn(&Engine) -> bool;
        Engine::get_guest_debug: fn(&Engine) -> bool;
        Engine::get_debug_symbols: fn(&Engine) -> bool;
        Engine::get_wasm_backtrace_max_frames: fn(&Engine) -> usize;
        Engine::get_target: fn(&Engine) -> Option<String>;
        Engine::new: fn(&Config) -> Result<Engine>;
        Engine::config: fn(&Engine) -> &Config;
        Engine::weak: fn(&Engine) -> EngineWeak;
        Engine::same: fn(&Engine, &Engine) -> bool;
        Engine::detect_precompiled: fn(&[u8]) -> Option<Precompiled>;
        Engine::detect_precompiled_file: fn(&'static str) -> Result<Option<Precompiled>>;
        Engine::precompile_module: fn(&Engine, &[u8]) -> Result<Vec<u8>>;
        Engine::increment_epoch: fn(&Engine);
        EngineWeak::upgrade: fn(&EngineWeak) -> Option<Engine>;
        Precompiled::Module: Precompiled;
    }
    uses! { names;
        "Engine::get_cranelift_flags_enabled" => |it: &Engine| it.get_cranelift_flags_enabled().map(str::len).sum::<usize>();
        "Engine::get_cranelift_flags_set" => |it: &Engine| it.get_cranelift_flags_set().map(|(name, value): (&str, &str)| name.len() + value.len()).sum::<usize>();
        "Engine::precompile_compatibility_hash" => |it: &Engine, hasher: &mut DefaultHasher| it.precompile_compatibility_hash().hash(hasher);
    }
}

/// Modules.
fn modules(names: &mut Names) {
    types! { names;
        Module: Clone, Debug, Send, Sync;
        ModuleExport: Clone, Copy, Send, Sync;
        ModuleFunction: Send, Sync;
        ResourcesRequired: Send, Sync;
    }
    items! { names;
        Module::new: fn(&Engine, Vec<u8>) -> Result<Module>;
        Module::from_file: fn(&Engine, &'static str) -> Result<Module>;
        Module::from_binary: fn(&Engine, &[u8]) -> Result<Module>;
        Module::from_trusted_file: unsafe fn(&Engine, &'static str) -> Result<Module>;
        Module::deserialize: unsafe fn(&Engine, Vec<u8>) -> Result<Module>;
        Module::deserialize_raw: unsafe fn(&Engine, NonNull<[u8]>) -> Result<Module>;
        Module::deserialize_file: unsafe fn(&Engine, &'static str) -> Result<Module>;
        Module::deserialize_open_file: unsafe fn(&Engine, File) -> Result<Module>;
        Module::validate: fn(&Engine, &[u8]) -> Result<()>;
        Module::serialize: fn(&Module) -> Result<Vec<u8>>;
        Module::name: fn(&Module) -> Option<&str>;
        Module::get_export: fn(&Module, &str) -> Option<ExternType>;
        Module::get_export_index: fn(&Module, &str) -> Option<ModuleExport>;
        Module::engine: fn(&Module) -> &Engine;
        Module::resources_required: fn(&Module) -> ResourcesRequired;
        Module::image_range: fn(&Module) -> Range<*const u8>;
        Module::initialize_copy_on_write_image: fn(&Module) -> Result<()>;
        Module::text: fn(&Module) -> &[u8];
        Module::same: fn(&Module, &Module) -> bool;
    }
    uses! { names;
        "Module::imports" => |it: &Module| it.imports().len() + it.imports().filter(|import: &ImportType<'_>| import.name() == "").count();
        "Module::exports" => |it: &Module| it.exports().len() + it.exports().filter(|export: &ExportType<'_>| export.name() == "").count();
        "Module::address_map" => |it: &Module| it.address_map().map(|map| map.collect::<Vec<(usize, Option<u32>)>>());
        "Module::functions" => |it: &Module| it.functions().len() + it.functions().filter(|func: &ModuleFunction| func.index == 0).count();
        "ModuleFunction::index" => |it: ModuleFunction| -> u32 { it.index };
        "ModuleFunction::name" => |it: ModuleFunction| -> Option<String> { it.name };
        "ModuleFunction::offset" => |it: ModuleFunction| -> usize { it.offset };
        "ModuleFunction::len" => |it: ModuleFunction| -> usize { it.len };
        "ResourcesRequired::num_memories" => |it: ResourcesRequired| -> u32 { it.num_memories };
        "ResourcesRequired::max_initial_memory_size" => |it: ResourcesRequired| -> Option<u64> { it.max_initial_memory_size };
        "ResourcesRequired::num_tables" => |it: ResourcesRequired| -> u32 { it.num_tables };
        "ResourcesRequired::max_initial_table_size" => |it: ResourcesRequired| -> Option<u64> { it.max_initial_table_size };
    }
}

/// Stores.
fn stores(names: &mut Names) {
    types! { names;
        Store<()>: Debug, Default, Send, Sync;
        StoreContext<'static, ()>: Send, Sync;
        StoreContextMut<'static, ()>: Send, Sync;
        Caller<'static, ()>: Send, Sync;
        CallHook: Clone, Copy, Debug, Send, Sync;
        UpdateDeadline: Send, Sync;
        StoreLimits: Clone, Debug, Default, Send, Sync;
        StoreLimitsBuilder: Send, Sync;
    }
    items! { names;
        Store::<()>::gc: fn(&mut Store<()>, Option<&GcHeapOutOfMemory<()>>) -> Result<()>;
        Store::<()>::new: fn(&Engine, ()) -> Store<()>;
        Store::<()>::try_new: fn(&Engine, ()) -> Result<Store<()>>;
        Store::<()>::data: fn(&Store<()>) -> &();
        Store::<()>::data_mut: fn(&mut Store<()>) -> &mut ();
        Store::<()>::into_data: fn(Store<()>) -> ();
        Store::<()>::limiter: fn(&mut Store<()>, fn(&mut ()) -> &mut dyn ResourceLimiter);
        Store::<()>::call_hook: fn(&mut Store<()>, fn(StoreContextMut<'_, ()>, CallHook) -> Result<()>);
        Store::<()>::engine: fn(&Store<()>) -> &Engine;
        Store::<()>::get_fuel: fn(&Store<()>) -> Result<u64>;
        Store::<()>::set_fuel: fn(&mut Store<()>, u64) -> Result<()>;
        Store::<()>::set_epoch_deadline: fn(&mut Store<()>, u64);
        Store::<()>::epoch_deadline_trap: fn(&mut Store<()>);
        Store::<()>::epoch_deadline_callback: fn(&mut Store<()>, fn(StoreContextMut<'_, ()>) -> Result<UpdateDeadline>);
        StoreContext::<'static, ()>::engine: for<'a> fn(&'a StoreContext<'static, ()>) -> &'a Engine;
        StoreContext::<'static, ()>::data: fn(&StoreContext<'static, ()>) -> &'static ();
        StoreContext::<'static, ()>::get_fuel: fn(&StoreContext<'static, ()>) -> Result<u64>;
        StoreContextMut::<'static, ()>::gc: fn(&mut StoreContextMut<'static, ()>, Option<&GcHeapOutOfMemory<()>>) -> Result<()>;
        StoreContextMut::<'static, ()>::data: for<'a> fn(&'a StoreContextMut<'static, ()>) -> &'a ();
        StoreContextMut::<'static, ()>::data_mut: for<'a> fn(&'a mut StoreContextMut<'static, ()>) -> &'a mut ();
        StoreContextMut::<'static, ()>::engine: for<'a> fn(&'a StoreContextMut<'static, ()>) -> &'a Engine;
        StoreContextMut::<'static, ()>::get_fuel: fn(&StoreContextMut<'static, ()>) -> Result<u64>;
        StoreContextMut::<'static, ()>::set_fuel: fn(&mut StoreContextMut<'static, ()>, u64) -> Result<()>;
        StoreContextMut::<'static, ()>::set_epoch_deadline: fn(&mut StoreContextMut<'static, ()>, u64);
        StoreContextMut::<'static, ()>::epoch_deadline_trap: fn(&mut StoreContextMut<'static, ()>);
        Caller::<'static, ()>::get_export: fn(&mut Caller<'static, ()>, &str) -> Option<Extern>;
        Caller::<'static, ()>::get_module_export: fn(&mut Caller<'static, ()>, &ModuleExport) -> Option<Extern>;
        Caller::<'static, ()>::data: for<'a> fn(&'a Caller<'static, ()>) -> &'a ();
        Caller::<'static, ()>::data_mut: for<'a> fn(&'a mut Caller<'static, ()>) -> &'a mut ();
        Caller::<'static, ()>::engine: for<'a> fn(&'a Caller<'static, ()>) -> &'a Engine;
        Caller::<'static, ()>::gc: fn(&mut Caller<'static, ()>, Option<&GcHeapOutOfMemory<()>>) -> Result<()>;
        Caller::<'static, ()>::get_fuel: fn(&Caller<'static, ()>) -> Result<u64>;
        Caller::<'static, ()>::set_fuel: fn(&mut Caller<'static, ()>, u64) -> Result<()>;
        CallHook::CallingWasm: CallHook;
        CallHook::ReturningFromWasm: CallHook;
        CallHook::CallingHost: CallHook;
        CallHook::ReturningFromHost: CallHook;
        CallHook::entering_host: fn(&CallHook) -> bool;
        CallHook::exiting_host: fn(&CallHook) -> bool;
        UpdateDeadline::Interrupt: UpdateDeadline;
        UpdateDeadline::Continue: fn(u64) -> UpdateDeadline;
        StoreLimitsBuilder::new: fn() -> StoreLimitsBuilder;
        StoreLimitsBuilder::memory_size: fn(StoreLimitsBuilder, usize) -> StoreLimitsBuilder;
        StoreLimitsBuilder::table_elements: fn(StoreLimitsBuilder, usize) -> StoreLimitsBuilder;
        StoreLimitsBuilder::instances: fn(StoreLimitsBuilder, usize) -> StoreLimitsBuilder;
        StoreLimitsBuilder::tables: fn(StoreLimitsBuilder, usize) -> StoreLimitsBuilder;
        StoreLimitsBuilder::memories: fn(StoreLimitsBuilder, usize) -> StoreLimitsBuilder;
        StoreLimitsBuilder::trap_on_grow_failure: fn(StoreLimitsBuilder, bool) -> StoreLimitsBuilder;
        StoreLimitsBuilder::build: fn(StoreLimitsBuilder) -> StoreLimits;
        DEFAULT_INSTANCE_LIMIT: usize;
        DEFAULT_TABLE_LIMIT: usize;
        DEFAULT_MEMORY_LIMIT: usize;
    }
    uses! { names;
        "AsContext" => |it: &Store<u8>| -> u8 { *(&it).as_context().data() };
        "AsContext::Data" => |it: Store<u8>| { fn data<C: AsContext<Data = u8>>(it: C) -> u8 { *it.as_context().data() } data(it) };
        "AsContext::as_context" => |it: &Store<u8>| { let _: StoreContext<'_, u8> = it.as_context(); };
        "AsContextMut" => |mut it: StoreContextMut<'_, u8>| *it.as_context_mut().data_mut() += 1;
        "AsContextMut::as_context_mut" => |it: &mut Store<u8>| { let _: StoreContextMut<'_, u8> = it.as_context_mut(); };
        "ResourceLimiter" => { struct Mine; impl ResourceLimiter for Mine { fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> { Ok(true) } fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> { Ok(true) } } Mine };
        "ResourceLimiter::memory_growing" => |it: &mut dyn ResourceLimiter| -> Result<bool> { it.memory_growing(1, 2, None) };
        "ResourceLimiter::memory_grow_failed" => |it: &mut dyn ResourceLimiter, error: Error| -> Result<()> { it.memory_grow_failed(error) };
        "ResourceLimiter::table_growing" => |it: &mut dyn ResourceLimiter| -> Result<bool> { it.table_growing(1, 2, None) };
        "ResourceLimiter::table_grow_failed" => |it: &mut dyn ResourceLimiter, error: Error| -> Result<()> { it.table_grow_failed(error) };
        "ResourceLimiter::instances" => |it: &dyn ResourceLimiter| -> usize { it.instances() };
        "ResourceLimiter::tables" => |it: &dyn ResourceLimiter| -> usize { it.tables() };
        "ResourceLimiter::memories" => |it: &dyn ResourceLimiter| -> usize { it.memories() };
    }
}

/// Instances and imports.
fn instances_and_imports(names: &mut Names) {
    types! { names;
        Instance: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
        InstancePre<()>: Clone, Send, Sync;
        Linker<()>: Clone, Debug, Default, Send, Sync;
        UnknownImportError: Clone, Debug, Display, StdError, Send, Sync;
        Extern: Clone, Debug, Send, Sync, From<Func>, From<Global>, From<Memory>, From<SharedMemory>, From<Table>, From<Tag>;
        Export<'static>: Clone, Send, Sync;
    }
    items! { names;
        Instance::new: fn(Store<()>, &Module, &[Extern]) -> Result<Instance>;
        Instance::module: fn(&Instance, &'static Store<()>) -> &'static Module;
        Instance::get_export: fn(&Instance, Store<()>, &str) -> Option<Extern>;
        Instance::get_module_export: fn(&Instance, Store<()>, &ModuleExport) -> Option<Extern>;
        Instance::get_func: fn(&Instance, Store<()>, &str) -> Option<Func>;
        Instance::get_typed_func: fn(&Instance, Store<()>, &str) -> Result<TypedFunc<i32, i64>>;
        Instance::get_table: fn(&Instance, Store<()>, &str) -> Option<Table>;
        Instance::get_memory: fn(&Instance, Store<()>, &str) -> Option<Memory>;
        Instance::get_shared_memory: fn(&Instance, Store<()>, &str) -> Option<SharedMemory>;
        Instance::get_global: fn(&Instance, Store<()>, &str) -> Option<Global>;
        Instance::get_tag: fn(&Instance, Store<()>, &str) -> Option<Tag>;
        InstancePre::<()>::module: fn(&InstancePre<()>) -> &Module;
        InstancePre::<()>::instantiate: fn(&InstancePre<()>, Store<()>) -> Result<Instance>;
        Linker::<()>::new: fn(&Engine) -> Linker<()>;
        Linker::<()>::engine: fn(&Linker<()>) -> &Engine;
        Linker::<()>::allow_shadowing: fn(&mut Linker<()>, bool) -> &mut Linker<()>;
        Linker::<()>::allow_unknown_exports: fn(&mut Linker<()>, bool) -> &mut Linker<()>;
        Linker::<()>::define_unknown_imports_as_traps: fn(&mut Linker<()>, &Module) -> Result<()>;
        Linker::<()>::define_unknown_imports_as_default_values: fn(&mut Linker<()>, Store<()>, &Module) -> Result<()>;
        Linker::<()>::define: for<'a> fn(&'a mut Linker<()>, Store<()>, &str, &str, Func) -> Result<&'a mut Linker<()>>;
        Linker::<()>::func_new: for<'a> fn(&'a mut Linker<()>, &str, &str, FuncType, fn(Caller<'_, ()>, &[Val], &mut [Val]) -> Result<()>) -> Result<&'a mut Linker<()>>;
        Linker::<()>::func_new_unchecked: for<'a> unsafe fn(&'a mut Linker<()>, &str, &str, FuncType, fn(Caller<'_, ()>, &mut [MaybeUninit<ValRaw>]) -> Result<()>) -> Result<&'a mut Linker<()>>;
        Linker::<()>::func_wrap: for<'a> fn(&'a mut Linker<()>, &str, &str, fn(i32) -> i64) -> Result<&'a mut Linker<()>>;
        Linker::<()>::instance: for<'a> fn(&'a mut Linker<()>, Store<()>, &str, Instance) -> Result<&'a mut Linker<()>>;
        Linker::<()>::module: for<'a> fn(&'a mut Linker<()>, Store<()>, &str, &Module) -> Result<&'a mut Linker<()>>;
        Linker::<()>::alias: for<'a> fn(&'a mut Linker<()>, &str, &str, &str, &str) -> Result<&'a mut Linker<()>>;
        Linker::<()>::alias_module: fn(&mut Linker<()>, &str, &str) -> Result<()>;
        Linker::<()>::instantiate: fn(&Linker<()>, Store<()>, &Module) -> Result<Instance>;
        Linker::<()>::instantiate_pre: fn(&Linker<()>, &Module) -> Result<InstancePre<()>>;
        Linker::<()>::get: fn(&Linker<()>, Store<()>, &str, &str) -> Result<Extern>;
        Linker::<()>::get_by_import: fn(&Linker<()>, Store<()>, &ImportType<'_>) -> Option<Extern>;
        Linker::<()>::try_get_by_import: fn(&Linker<()>, Store<()>, &ImportType<'_>) -> Result<Option<Extern>>;
        Linker::<()>::get_default: fn(&Linker<()>, Store<()>, &str) -> Result<Func>;
        UnknownImportError::module: fn(&UnknownImportError) -> &str;
        UnknownImportError::name: fn(&UnknownImportError) -> &str;
        UnknownImportError::ty: fn(&UnknownImportError) -> ExternType;
        Extern::Func: fn(Func) -> Extern;
        Extern::Global: fn(Global) -> Extern;
        Extern::Table: fn(Table) -> Extern;
        Extern::Memory: fn(Memory) -> Extern;
        Extern::SharedMemory: fn(SharedMemory) -> Extern;
        Extern::Tag: fn(Tag) -> Extern;
        Extern::into_func: fn(Extern) -> Option<Func>;
        Extern::into_global: fn(Extern) -> Option<Global>;
        Extern::into_table: fn(Extern) -> Option<Table>;
        Extern::into_memory: fn(Extern) -> Option<Memory>;
        Extern::into_shared_memory: fn(Extern) -> Option<SharedMemory>;
        Extern::into_tag: fn(Extern) -> Option<Tag>;
        Extern::ty: fn(&Extern, Store<()>) -> ExternType;
        Export::<'static>::name: fn(&Export<'static>) -> &'static str;
        Export::<'static>::ty: fn(&Export<'static>, Store<()>) -> ExternType;
        Export::<'static>::into_extern: fn(Export<'static>) -> Extern;
        Export::<'static>::into_func: fn(Export<'static>) -> Option<Func>;
        Export::<'static>::into_table: fn(Export<'static>) -> Option<Table>;
        Export::<'static>::into_memory: fn(Export<'static>) -> Option<Memory>;
        Export::<'static>::into_shared_memory: fn(Export<'static>) -> Option<SharedMemory>;
        Export::<'static>::into_global: fn(Export<'static>) -> Option<Global>;
        Export::<'static>::into_tag: fn(Export<'static>) -> Option<Tag>;
    }
    uses! { names;
        "Instance::exports" => |it: &Instance, store: &mut Store<()>| it.exports(store).map(|export: Export<'_>| export.name().len()).len();
        "Linker::iter" => |it: &Linker<()>, store: &mut Store<()>| it.iter(store).map(|(module, name, item): (&str, &str, Extern)| { drop(item); module.len() + name.len() }).sum::<usize>();
    }
}

/// Functions.
fn functions(names: &mut Names) {
    types! { names;
        Func: Clone, Copy, Debug, Send, Sync;
        TypedFunc<i32, i64>: Clone, Send, Sync;
    }
    items! { names;
        Func::new: fn(Store<()>, FuncType, fn(Caller<'_, ()>, &[Val], &mut [Val]) -> Result<()>) -> Func;
        Func::try_new: fn(Store<()>, FuncType, fn(Caller<'_, ()>, &[Val], &mut [Val]) -> Result<()>) -> Result<Func>;
        Func::new_unchecked: unsafe fn(Store<()>, FuncType, fn(Caller<'_, ()>, &mut [MaybeUninit<ValRaw>]) -> Result<()>) -> Func;
        Func::wrap: fn(Store<()>, fn(i32) -> i64) -> Func;
        Func::try_wrap: fn(Store<()>, fn(i32) -> i64) -> Result<Func>;
        Func::ty: fn(&Func, Store<()>) -> FuncType;
        Func::matches_ty: fn(&Func, Store<()>, &FuncType) -> bool;
        Func::call: fn(&Func, Store<()>, &[Val], &mut [Val]) -> Result<()>;
        Func::call_unchecked: unsafe fn(&Func, Store<()>, *mut [ValRaw]) -> Result<()>;
        Func::from_raw: unsafe fn(Store<()>, *mut c_void) -> Option<Func>;
        Func::to_raw: fn(&Func, Store<()>) -> *mut c_void;
        Func::typed: fn(&Func, Store<()>) -> Result<TypedFunc<i32, i64>>;
        TypedFunc::<i32, i64>::new_unchecked: unsafe fn(Store<()>, Func) -> TypedFunc<i32, i64>;
        TypedFunc::<i32, i64>::func: fn(&TypedFunc<i32, i64>) -> &Func;
    }
    uses! { names;
        "TypedFunc::call" => |it: &TypedFunc<(i32, Option<Func>), i64>, store: &mut Store<()>| -> Result<i64> { it.call(store, (1, None)) };
        "IntoFunc" => { fn wrap<P, R>(_: impl IntoFunc<(), P, R>) {} (wrap(|| {}), wrap(|_: Caller<'_, ()>, _: i32| -> Result<(u64, f32)> { bail!("no") }), wrap(|_: i32, _: i64, _: f32, _: f64, _: u32, _: u64, _: V128, _: Option<Func>, _: Option<Rooted<ExternRef>>, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32, _: i32| Some(1).ok_or(Error::msg("none")))) };
        "WasmTy" => { fn check<T: WasmTy>() {} (check::<i32>(), check::<u32>(), check::<i64>(), check::<u64>(), check::<f32>(), check::<f64>(), check::<V128>(), check::<Func>(), check::<Option<Func>>(), check::<Rooted<ExternRef>>(), check::<Option<Rooted<ExternRef>>>(), check::<OwnedRooted<ExternRef>>(), check::<Option<OwnedRooted<ExternRef>>>()) };
        "WasmTyList" => { fn check<T: WasmTyList>() {} (check::<()>(), check::<(i32,)>(), check::<(i32, f64)>()) };
        "WasmParams" => { fn check<T: WasmParams>() {} (check::<()>(), check::<i32>(), check::<(i32,)>(), check::<(i32, f64)>()) };
        "WasmResults" => { fn check<T: WasmResults>() { fn also<T: WasmParams>() {} also::<T>() } (check::<()>(), check::<i32>(), check::<(i32,)>(), check::<(i32, f64)>()) };
        "WasmRet" => { fn check<T: WasmRet>() {} (check::<()>(), check::<i32>(), check::<(i32, f64)>(), check::<Result<()>>(), check::<Result<(i32, f64)>>()) };
    }
}

/// Memories, tables, globals, tags.
fn memories_tables_globals_tags(names: &mut Names) {
    types! { names;
        Memory: Clone, Copy, Debug, Send, Sync;
        MemoryAccessError: Debug, Display, StdError, Send, Sync;
        SharedMemory: Clone, Debug, Send, Sync;
        WaitResult: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
        Table: Clone, Copy, Debug, Send, Sync;
        Global: Clone, Copy, Debug, Send, Sync;
        Tag: Clone, Copy, Debug, Send, Sync;
    }
    items! { names;
        Memory::new: fn(Store<()>, MemoryType) -> Result<Memory>;
        Memory::ty: fn(&Memory, Store<()>) -> MemoryType;
        Memory::read: fn(&Memory, Store<()>, usize, &mut [u8]) -> Result<(), MemoryAccessError>;
        Memory::write: fn(&Memory, Store<()>, usize, &[u8]) -> Result<(), MemoryAccessError>;
        Memory::data: fn(&Memory, &'static Store<()>) -> &'static [u8];
        Memory::data_mut: fn(&Memory, &'static mut Store<()>) -> &'static mut [u8];
        Memory::data_and_store_mut: fn(&Memory, &'static mut Store<()>) -> (&'static mut [u8], &'static mut ());
        Memory::data_ptr: fn(&Memory, Store<()>) -> *mut u8;
        Memory::data_size: fn(&Memory, Store<()>) -> usize;
        Memory::size: fn(&Memory, Store<()>) -> u64;
        Memory::page_size: fn(&Memory, Store<()>) -> u64;
        Memory::page_size_log2: fn(&Memory, Store<()>) -> u8;
        Memory::grow: fn(&Memory, Store<()>, u64) -> Result<u64>;
        SharedMemory::new: fn(&Engine, MemoryType) -> Result<SharedMemory>;
        SharedMemory::ty: fn(&SharedMemory) -> MemoryType;
        SharedMemory::size: fn(&SharedMemory) -> u64;
        SharedMemory::page_size: fn(&SharedMemory) -> u64;
        SharedMemory::data_size: fn(&SharedMemory) -> usize;
        SharedMemory::data: fn(&SharedMemory) -> &[UnsafeCell<u8>];
        SharedMemory::grow: fn(&SharedMemory, u64) -> Result<u64>;
        SharedMemory::atomic_notify: fn(&SharedMemory, u64, u32) -> Result<u32, Trap>;
        SharedMemory::atomic_wait32: fn(&SharedMemory, u64, u32, Option<Duration>) -> Result<WaitResult, Trap>;
        SharedMemory::atomic_wait64: fn(&SharedMemory, u64, u64, Option<Duration>) -> Result<WaitResult, Trap>;
        WaitResult::Ok: WaitResult;
        WaitResult::Mismatch: WaitResult;
        WaitResult::TimedOut: WaitResult;
        Table::new: fn(Store<()>, TableType, Ref) -> Result<Table>;
        Table::ty: fn(&Table, Store<()>) -> TableType;
        Table::get: fn(&Table, Store<()>, u64) -> Option<Ref>;
        Table::set: fn(&Table, Store<()>, u64, Ref) -> Result<()>;
        Table::size: fn(&Table, Store<()>) -> u64;
        Table::grow: fn(&Table, Store<()>, u64, Ref) -> Result<u64>;
        Table::copy: fn(Store<()>, &Table, u64, &Table, u64, u64) -> Result<()>;
        Table::fill: fn(&Table, Store<()>, u64, Ref, u64) -> Result<()>;
        Global::new: fn(Store<()>, GlobalType, Val) -> Result<Global>;
        Global::ty: fn(&Global, Store<()>) -> GlobalType;
        Global::get: fn(&Global, Store<()>) -> Val;
        Global::set: fn(&Global, Store<()>, Val) -> Result<()>;
        Tag::new: fn(Store<()>, &TagType) -> Result<Tag>;
        Tag::ty: fn(&Tag, Store<()>) -> TagType;
        Tag::eq: fn(&Tag, &Tag, Store<()>) -> bool;
    }
}

/// Values.
fn values(names: &mut Names) {
    types! { names;
        Val: Clone, Copy, Debug, Send, Sync, From<Func>, From<Option<Func>>, From<Option<Rooted<ExternRef>>>, From<Ref>, From<Rooted<ExternRef>>, From<V128>, From<f32>, From<f64>, From<i32>, From<i64>, From<u128>;
        Ref: Clone, Debug, Send, Sync, From<Func>, From<Option<Func>>, From<Option<Rooted<ExternRef>>>, From<Rooted<ExternRef>>;
        ValRaw: Clone, Copy, Debug, Send, Sync;
        V128: Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Send, Sync, From<u128>;
        ExternRef: Clone, Debug, Send, Sync;
        AnyRef: Clone, Debug, Send, Sync;
        ExnRef: Clone, Debug, Send, Sync;
        Rooted<ExternRef>: Clone, Copy, Debug, Send, Sync;
        OwnedRooted<ExternRef>: Clone, Debug, Send, Sync;
        RootScope<Store<()>>: Send, Sync;
        GcHeapOutOfMemory<u8>: Debug, Display, StdError, Send, Sync;
    }
    items! { names;
        Val::I32: fn(i32) -> Val;
        Val::I64: fn(i64) -> Val;
        Val::F32: fn(u32) -> Val;
        Val::F64: fn(u64) -> Val;
        Val::V128: fn(V128) -> Val;
        Val::FuncRef: fn(Option<Func>) -> Val;
        Val::ExternRef: fn(Option<Rooted<ExternRef>>) -> Val;
        Val::AnyRef: fn(Option<Rooted<AnyRef>>) -> Val;
        Val::ExnRef: fn(Option<Rooted<ExnRef>>) -> Val;
        Val::null_ref: fn(&HeapType) -> Val;
        Val::null_func_ref: fn() -> Val;
        Val::null_extern_ref: fn() -> Val;
        Val::null_any_ref: fn() -> Val;
        Val::any_ref: fn(&Val) -> Option<Option<&Rooted<AnyRef>>>;
        Val::anyref: fn(&Val) -> Option<Option<&Rooted<AnyRef>>>;
        Val::unwrap_any_ref: fn(&Val) -> Option<&Rooted<AnyRef>>;
        Val::unwrap_anyref: fn(&Val) -> Option<&Rooted<AnyRef>>;
        Val::exnref: fn(&Val) -> Option<Option<&Rooted<ExnRef>>>;
        Val::unwrap_exnref: fn(&Val) -> Option<&Rooted<ExnRef>>;
        Val::default_for_ty: fn(&ValType) -> Option<Val>;
        Val::ty: fn(&Val, Store<()>) -> Result<ValType>;
        Val::matches_ty: fn(&Val, Store<()>, &ValType) -> Result<bool>;
        Val::to_raw: fn(&Val, Store<()>) -> Result<ValRaw>;
        Val::from_raw: unsafe fn(Store<()>, ValRaw, ValType) -> Val;
        Val::i32: fn(&Val) -> Option<i32>;
        Val::unwrap_i32: fn(&Val) -> i32;
        Val::i64: fn(&Val) -> Option<i64>;
        Val::unwrap_i64: fn(&Val) -> i64;
        Val::f32: fn(&Val) -> Option<f32>;
        Val::unwrap_f32: fn(&Val) -> f32;
        Val::f64: fn(&Val) -> Option<f64>;
        Val::unwrap_f64: fn(&Val) -> f64;
        Val::func_ref: fn(&Val) -> Option<Option<&Func>>;
        Val::unwrap_func_ref: fn(&Val) -> Option<&Func>;
        Val::extern_ref: fn(&Val) -> Option<Option<&Rooted<ExternRef>>>;
        Val::unwrap_extern_ref: fn(&Val) -> Option<&Rooted<ExternRef>>;
        Val::v128: fn(&Val) -> Option<V128>;
        Val::unwrap_v128: fn(&Val) -> V128;
        Val::ref_: fn(Val) -> Option<Ref>;
        Val::externref: fn(&Val) -> Option<Option<&Rooted<ExternRef>>>;
        Val::unwrap_externref: fn(&Val) -> Option<&Rooted<ExternRef>>;
        Val::funcref: fn(&Val) -> Option<Option<&Func>>;
        Val::unwrap_funcref: fn(&Val) -> Option<&Func>;
        Ref::Func: fn(Option<Func>) -> Ref;
        Ref::Extern: fn(Option<Rooted<ExternRef>>) -> Ref;
        Ref::Any: fn(Option<Rooted<AnyRef>>) -> Ref;
        Ref::Exn: fn(Option<Rooted<ExnRef>>) -> Ref;
        Ref::null: fn(&HeapType) -> Ref;
        Ref::is_null: fn(&Ref) -> bool;
        Ref::is_non_null: fn(&Ref) -> bool;
        Ref::is_extern: fn(&Ref) -> bool;
        Ref::is_any: fn(&Ref) -> bool;
        Ref::is_exn: fn(&Ref) -> bool;
        Ref::as_any: fn(&Ref) -> Option<Option<&Rooted<AnyRef>>>;
        Ref::unwrap_any: fn(&Ref) -> Option<&Rooted<AnyRef>>;
        Ref::as_exn: fn(&Ref) -> Option<Option<&Rooted<ExnRef>>>;
        Ref::unwrap_exn: fn(&Ref) -> Option<&Rooted<ExnRef>>;
        Ref::as_extern: fn(&Ref) -> Option<Option<&Rooted<ExternRef>>>;
        Ref::unwrap_extern: fn(&Ref) -> Option<&Rooted<ExternRef>>;
        Ref::is_func: fn(&Ref) -> bool;
        Ref::as_func: fn(&Ref) -> Option<Option<&Func>>;
        Ref::unwrap_func: fn(&Ref) -> Option<&Func>;
        Ref::ty: fn(&Ref, Store<()>) -> Result<RefType>;
        Ref::matches_ty: fn(&Ref, Store<()>, &RefType) -> Result<bool>;
        ValRaw::null: fn() -> ValRaw;
        ValRaw::i32: fn(i32) -> ValRaw;
        ValRaw::i64: fn(i64) -> ValRaw;
        ValRaw::u32: fn(u32) -> ValRaw;
        ValRaw::u64: fn(u64) -> ValRaw;
        ValRaw::f32: fn(u32) -> ValRaw;
        ValRaw::f64: fn(u64) -> ValRaw;
        ValRaw::v128: fn(u128) -> ValRaw;
        ValRaw::funcref: fn(*mut c_void) -> ValRaw;
        ValRaw::externref: fn(u32) -> ValRaw;
        ValRaw::get_i32: fn(&ValRaw) -> i32;
        ValRaw::get_i64: fn(&ValRaw) -> i64;
        ValRaw::get_u32: fn(&ValRaw) -> u32;
        ValRaw::get_u64: fn(&ValRaw) -> u64;
        ValRaw::get_f32: fn(&ValRaw) -> u32;
        ValRaw::get_f64: fn(&ValRaw) -> u64;
        ValRaw::get_v128: fn(&ValRaw) -> u128;
        ValRaw::get_funcref: fn(&ValRaw) -> *mut c_void;
        ValRaw::get_externref: fn(&ValRaw) -> u32;
        V128::as_u128: fn(&V128) -> u128;
        ExternRef::from_raw: fn(Store<()>, u32) -> Option<Rooted<ExternRef>>;
        Rooted::<ExternRef>::to_owned_rooted: fn(&Rooted<ExternRef>, Store<()>) -> Result<OwnedRooted<ExternRef>>;
        Rooted::<ExternRef>::rooted_eq: fn(Rooted<ExternRef>, Rooted<ExternRef>) -> bool;
        Rooted::<ExternRef>::ref_eq: fn(Store<()>, &Rooted<ExternRef>, &Rooted<ExternRef>) -> Result<bool>;
        Rooted::<ExternRef>::rooted_hash: fn(&Rooted<ExternRef>, &mut DefaultHasher);
        Rooted::<ExternRef>::ref_hash: fn(&Rooted<ExternRef>, Store<()>, &mut DefaultHasher) -> Result<()>;
        OwnedRooted::<ExternRef>::to_rooted: fn(&OwnedRooted<ExternRef>, Store<()>) -> Rooted<ExternRef>;
        OwnedRooted::<ExternRef>::ref_eq: fn(Store<()>, &Rooted<ExternRef>, &Rooted<ExternRef>) -> Result<bool>;
        OwnedRooted::<ExternRef>::rooted_hash: fn(&OwnedRooted<ExternRef>, &mut DefaultHasher);
        OwnedRooted::<ExternRef>::ref_hash: fn(&OwnedRooted<ExternRef>, Store<()>, &mut DefaultHasher);
        RootScope::<Store<()>>::new: fn(Store<()>) -> RootScope<Store<()>>;
        RootScope::<Store<()>>::reserve: fn(&mut RootScope<Store<()>>, usize);
        GcHeapOutOfMemory::<u8>::into_inner: fn(GcHeapOutOfMemory<u8>) -> u8;
        GcHeapOutOfMemory::<u8>::take_inner: fn(GcHeapOutOfMemory<u8>) -> (u8, GcHeapOutOfMemory<()>);
    }
    uses! { names;
        "ExternRef::new" => |store: Store<()>| -> Result<Rooted<ExternRef>> { ExternRef::new(store, 5) };
        "ExternRef::data" => |it: Rooted<ExternRef>, store: &'static Store<()>| -> Result<Option<&'static (dyn Any + Send + Sync)>> { it.data(store) };
        "ExternRef::data_mut" => |it: OwnedRooted<ExternRef>, store: &'static mut Store<()>| -> Result<Option<&'static mut (dyn Any + Send + Sync)>> { it.data_mut(store) };
        "ExternRef::to_raw" => |it: Rooted<ExternRef>, store: Store<()>| -> Result<u32> { it.to_raw(store) };
        "RootedGcRef" => { fn check<T: RootedGcRef<ExternRef>>() {} (check::<Rooted<ExternRef>>(), check::<OwnedRooted<ExternRef>>()) };
    }
}

/// Types.
fn types(names: &mut Names) {
    types! { names;
        ValType: Clone, Debug, Display, Hash, Send, Sync, From<RefType>;
        RefType: Clone, Debug, Display, Hash, Send, Sync;
        HeapType: Clone, Debug, Display, Hash, Send, Sync, From<FuncType>;
        ArrayType: Clone, Debug, Eq, Hash, PartialEq, Send, Sync;
        StructType: Clone, Debug, Eq, Hash, PartialEq, Send, Sync;
        FuncType: Clone, Debug, Display, Hash, Send, Sync;
        GlobalType: Clone, Debug, Hash, Send, Sync;
        TableType: Clone, Debug, Hash, Send, Sync;
        MemoryType: Clone, Debug, Eq, Hash, PartialEq, Send, Sync;
        MemoryTypeBuilder: Default, Send, Sync;
        TagType: Clone, Debug, Hash, Send, Sync;
        ExternType: Clone, Debug, Send, Sync, From<FuncType>, From<GlobalType>, From<MemoryType>, From<TableType>, From<TagType>;
        ImportType<'static>: Clone, Debug, Send, Sync;
        ExportType<'static>: Clone, Debug, Send, Sync;
        Mutability: Clone, Copy, Debug, Eq, Hash, PartialEq, Send, Sync;
    }
    items! { names;
        ValType::I32: ValType;
        ValType::I64: ValType;
        ValType::F32: ValType;
        ValType::F64: ValType;
        ValType::V128: ValType;
        ValType::Ref: fn(RefType) -> ValType;
        ValType::EXTERNREF: ValType;
        ValType::NULLEXTERNREF: ValType;
        ValType::FUNCREF: ValType;
        ValType::NULLFUNCREF: ValType;
        ValType::ANYREF: ValType;
        ValType::EQREF: ValType;
        ValType::I31REF: ValType;
        ValType::ARRAYREF: ValType;
        ValType::STRUCTREF: ValType;
        ValType::NULLREF: ValType;
        ValType::EXNREF: ValType;
        ValType::NULLEXNREF: ValType;
        ValType::is_anyref: fn(&ValType) -> bool;
        ValType::is_num: fn(&ValType) -> bool;
        ValType::is_i32: fn(&ValType) -> bool;
        ValType::is_i64: fn(&ValType) -> bool;
        ValType::is_f32: fn(&ValType) -> bool;
        ValType::is_f64: fn(&ValType) -> bool;
        ValType::is_v128: fn(&ValType) -> bool;
        ValType::is_ref: fn(&ValType) -> bool;
        ValType::is_funcref: fn(&ValType) -> bool;
        ValType::is_externref: fn(&ValType) -> bool;
        ValType::as_ref: fn(&ValType) -> Option<&RefType>;
        ValType::unwrap_ref: fn(&ValType) -> &RefType;
        ValType::matches: fn(&ValType, &ValType) -> bool;
        ValType::default_value: fn(&ValType) -> Option<Val>;
        RefType::EXTERNREF: RefType;
        RefType::NULLEXTERNREF: RefType;
        RefType::FUNCREF: RefType;
        RefType::NULLFUNCREF: RefType;
        RefType::ANYREF: RefType;
        RefType::EQREF: RefType;
        RefType::I31REF: RefType;
        RefType::ARRAYREF: RefType;
        RefType::STRUCTREF: RefType;
        RefType::NULLREF: RefType;
        RefType::EXNREF: RefType;
        RefType::NULLEXNREF: RefType;
        RefType::new: fn(bool, HeapType) -> RefType;
        RefType::is_nullable: fn(&RefType) -> bool;
        RefType::heap_type: fn(&RefType) -> &HeapType;
        RefType::matches: fn(&RefType, &RefType) -> bool;
        HeapType::Extern: HeapType;
        HeapType::NoExtern: HeapType;
        HeapType::Func: HeapType;
        HeapType::ConcreteFunc: fn(FuncType) -> HeapType;
        HeapType::NoFunc: HeapType;
        HeapType::Any: HeapType;
        HeapType::Eq: HeapType;
        HeapType::I31: HeapType;
        HeapType::Array: HeapType;
        HeapType::Struct: HeapType;
        HeapType::Exn: HeapType;
        HeapType::None: HeapType;
        HeapType::NoExn: HeapType;
        HeapType::ConcreteArray: fn(ArrayType) -> HeapType;
        HeapType::ConcreteStruct: fn(StructType) -> HeapType;
        HeapType::is_extern: fn(&HeapType) -> bool;
        HeapType::is_func: fn(&HeapType) -> bool;
        HeapType::is_no_func: fn(&HeapType) -> bool;
        HeapType::is_any: fn(&HeapType) -> bool;
        HeapType::is_i31: fn(&HeapType) -> bool;
        HeapType::is_none: fn(&HeapType) -> bool;
        HeapType::is_exn: fn(&HeapType) -> bool;
        HeapType::is_no_exn: fn(&HeapType) -> bool;
        HeapType::is_concrete_array: fn(&HeapType) -> bool;
        HeapType::is_concrete_struct: fn(&HeapType) -> bool;
        HeapType::as_concrete_array: fn(&HeapType) -> Option<&ArrayType>;
        HeapType::unwrap_concrete_array: fn(&HeapType) -> &ArrayType;
        HeapType::as_concrete_struct: fn(&HeapType) -> Option<&StructType>;
        HeapType::unwrap_concrete_struct: fn(&HeapType) -> &StructType;
        HeapType::is_abstract: fn(&HeapType) -> bool;
        HeapType::is_concrete: fn(&HeapType) -> bool;
        HeapType::is_concrete_func: fn(&HeapType) -> bool;
        HeapType::as_concrete_func: fn(&HeapType) -> Option<&FuncType>;
        HeapType::unwrap_concrete_func: fn(&HeapType) -> &FuncType;
        HeapType::top: fn(&HeapType) -> HeapType;
        HeapType::is_top: fn(&HeapType) -> bool;
        HeapType::bottom: fn(&HeapType) -> HeapType;
        HeapType::is_bottom: fn(&HeapType) -> bool;
        HeapType::matches: fn(&HeapType, &HeapType) -> bool;
        FuncType::new: fn(&Engine, Vec<ValType>, Vec<ValType>) -> FuncType;
        FuncType::try_new: fn(&Engine, Vec<ValType>, Vec<ValType>) -> Result<FuncType>;
        FuncType::engine: fn(&FuncType) -> &Engine;
        FuncType::param: fn(&FuncType, usize) -> Option<ValType>;
        FuncType::result: fn(&FuncType, usize) -> Option<ValType>;
        FuncType::matches: fn(&FuncType, &FuncType) -> bool;
        FuncType::default_value: fn(&FuncType, Store<()>) -> Result<Func>;
        GlobalType::new: fn(ValType, Mutability) -> GlobalType;
        GlobalType::content: fn(&GlobalType) -> &ValType;
        GlobalType::mutability: fn(&GlobalType) -> Mutability;
        GlobalType::default_value: fn(&GlobalType, Store<()>) -> Result<Global>;
        TableType::new: fn(RefType, u32, Option<u32>) -> TableType;
        TableType::new64: fn(RefType, u64, Option<u64>) -> TableType;
        TableType::is_64: fn(&TableType) -> bool;
        TableType::element: fn(&TableType) -> &RefType;
        TableType::minimum: fn(&TableType) -> u64;
        TableType::maximum: fn(&TableType) -> Option<u64>;
        TableType::default_value: fn(&TableType, Store<()>) -> Result<Table>;
        MemoryType::new: fn(u32, Option<u32>) -> MemoryType;
        MemoryType::new64: fn(u64, Option<u64>) -> MemoryType;
        MemoryType::shared: fn(u32, u32) -> MemoryType;
        MemoryType::builder: fn() -> MemoryTypeBuilder;
        MemoryType::is_64: fn(&MemoryType) -> bool;
        MemoryType::is_shared: fn(&MemoryType) -> bool;
        MemoryType::minimum: fn(&MemoryType) -> u64;
        MemoryType::maximum: fn(&MemoryType) -> Option<u64>;
        MemoryType::page_size: fn(&MemoryType) -> u64;
        MemoryType::page_size_log2: fn(&MemoryType) -> u8;
        MemoryType::default_value: fn(&MemoryType, Store<()>) -> Result<Extern>;
        MemoryTypeBuilder::new: fn() -> MemoryTypeBuilder;
        MemoryTypeBuilder::min: fn(&mut MemoryTypeBuilder, u64) -> &mut MemoryTypeBuilder;
        MemoryTypeBuilder::max: fn(&mut MemoryTypeBuilder, Option<u64>) -> &mut MemoryTypeBuilder;
        MemoryTypeBuilder::memory64: fn(&mut MemoryTypeBuilder, bool) -> &mut MemoryTypeBuilder;
        MemoryTypeBuilder::shared: fn(&mut MemoryTypeBuilder, bool) -> &mut MemoryTypeBuilder;
        MemoryTypeBuilder::page_size_log2: fn(&mut MemoryTypeBuilder, u8) -> &mut MemoryTypeBuilder;
        MemoryTypeBuilder::build: fn(&MemoryTypeBuilder) -> Result<MemoryType>;
        TagType::new: fn(FuncType) -> TagType;
        TagType::ty: fn(&TagType) -> &FuncType;
        TagType::default_value: fn(&TagType, Store<()>) -> Result<Tag>;
        ExternType::Func: fn(FuncType) -> ExternType;
        ExternType::Global: fn(GlobalType) -> ExternType;
        ExternType::Table: fn(TableType) -> ExternType;
        ExternType::Memory: fn(MemoryType) -> ExternType;
        ExternType::Tag: fn(TagType) -> ExternType;
        ExternType::func: fn(&ExternType) -> Option<&FuncType>;
        ExternType::unwrap_func: fn(&ExternType) -> &FuncType;
        ExternType::global: fn(&ExternType) -> Option<&GlobalType>;
        ExternType::unwrap_global: fn(&ExternType) -> &GlobalType;
        ExternType::table: fn(&ExternType) -> Option<&TableType>;
        ExternType::unwrap_table: fn(&ExternType) -> &TableType;
        ExternType::memory: fn(&ExternType) -> Option<&MemoryType>;
        ExternType::unwrap_memory: fn(&ExternType) -> &MemoryType;
        ExternType::tag: fn(&ExternType) -> Option<&TagType>;
        ExternType::unwrap_tag: fn(&ExternType) -> &TagType;
        ExternType::default_value: fn(&ExternType, Store<()>) -> Result<Extern>;
        ImportType::<'static>::module: fn(&ImportType<'static>) -> &'static str;
        ImportType::<'static>::name: fn(&ImportType<'static>) -> &'static str;
        ImportType::<'static>::ty: fn(&ImportType<'static>) -> ExternType;
        ExportType::<'static>::name: fn(&ExportType<'static>) -> &'static str;
        ExportType::<'static>::ty: fn(&ExportType<'static>) -> ExternType;
        Mutability::Const: Mutability;
        Mutability::Var: Mutability;
        Mutability::is_const: fn(&Mutability) -> bool;
        Mutability::is_var: fn(&Mutability) -> bool;
    }
    uses! { names;
        "ValType::eq" => |a: &ValType, b: &ValType| -> bool { ValType::eq(a, b) };
        "RefType::eq" => |a: &RefType, b: &RefType| -> bool { RefType::eq(a, b) };
        "HeapType::eq" => |a: &HeapType, b: &HeapType| -> bool { HeapType::eq(a, b) };
        "FuncType::params" => |it: &FuncType| -> Vec<ValType> { it.params().collect() };
        "FuncType::results" => |it: &FuncType| -> usize { it.results().len() };
        "FuncType::eq" => |a: &FuncType, b: &FuncType| -> bool { FuncType::eq(a, b) };
    }
}

/// Errors, traps, backtraces.
fn errors_traps_backtraces(names: &mut Names) {
    types! { names;
        Error: Debug, Display, Send, Sync;
        Trap: Clone, Copy, Debug, Display, Eq, StdError, Hash, PartialEq, Send, Sync;
        WasmBacktrace: Debug, Display, Send, Sync;
        FrameInfo: Debug, Send, Sync;
        FrameSymbol: Debug, Send, Sync;
    }
    items! { names;
        Trap::StackOverflow: Trap;
        Trap::MemoryOutOfBounds: Trap;
        Trap::HeapMisaligned: Trap;
        Trap::TableOutOfBounds: Trap;
        Trap::IndirectCallToNull: Trap;
        Trap::BadSignature: Trap;
        Trap::IntegerOverflow: Trap;
        Trap::IntegerDivisionByZero: Trap;
        Trap::BadConversionToInteger: Trap;
        Trap::UnreachableCodeReached: Trap;
        Trap::Interrupt: Trap;
        Trap::OutOfFuel: Trap;
        Trap::AtomicWaitNonSharedMemory: Trap;
        Trap::NullReference: Trap;
        WasmBacktrace::capture: fn(Store<()>) -> WasmBacktrace;
        WasmBacktrace::force_capture: fn(Store<()>) -> WasmBacktrace;
        WasmBacktrace::frames: fn(&WasmBacktrace) -> &[FrameInfo];
        FrameInfo::func_index: fn(&FrameInfo) -> u32;
        FrameInfo::module: fn(&FrameInfo) -> &Module;
        FrameInfo::func_name: fn(&FrameInfo) -> Option<&str>;
        FrameInfo::module_offset: fn(&FrameInfo) -> Option<usize>;
        FrameInfo::func_offset: fn(&FrameInfo) -> Option<usize>;
        FrameInfo::symbols: fn(&FrameInfo) -> &[FrameSymbol];
        FrameSymbol::name: fn(&FrameSymbol) -> Option<&str>;
        FrameSymbol::file: fn(&FrameSymbol) -> Option<&str>;
        FrameSymbol::line: fn(&FrameSymbol) -> Option<u32>;
        FrameSymbol::column: fn(&FrameSymbol) -> Option<u32>;
    }
    uses! { names;
        "Error::new" => |trap: Trap| -> Error { Error::new(trap) };
        "Error::msg" => || -> Error { Error::msg("no") };
        "Error::from_boxed" => |it: Box<dyn std::error::Error + Send + Sync>| -> Error { Error::from_boxed(it) };
        "Error::context" => |it: Error| -> Error { it.context("while testing") };
        "Error::backtrace" => |it: &Error| it.backtrace().to_string();
        "Error::chain" => |it: &Error| it.chain().count();
        "Error::root_cause" => |it: &Error| it.root_cause().to_string();
        "Error::is" => |it: &Error| it.is::<Trap>();
        "Error::downcast" => |it: Error| -> Result<Trap, Error> { it.downcast() };
        "Error::downcast_ref" => |it: &Error| it.downcast_ref::<Trap>().copied();
        "Error::downcast_mut" => |it: &mut Error| it.downcast_mut::<Trap>().map(|trap| *trap);
        "Result" => |it: Result<u8>| -> Result<u8, Trap> { it.map_err(|_| Trap::Interrupt) };
        "error" => { use wootz::error::{Context as _, Error, Result}; |it: Result<u8, Trap>| -> Result<u8, Error> { it.context("a") } };
        "bail" => || -> Result<()> { bail!("{}", 1) };
        "ensure" => || -> Result<()> { ensure!(1 == 2, "{}", 1); Ok(()) };
        "format_err" => || -> Error { format_err!("{}", 1) };
    }
}

/// Ours alone.
fn ours_alone(names: &mut Names) {
    types! { names;
        ArtifactError: Send;
        StaticModule: Send;
        Debugger: Clone, Copy, Debug, Eq, PartialEq, Send, Sync;
    }
    items! { names;
        Debugger::Gdb: Debugger;
        Debugger::Lldb: Debugger;
        CacheConfig::enabled: fn(&CacheConfig) -> bool;
        Config::wasm_relaxed_simd_deterministic: fn(&mut Config, bool) -> &mut Config;
        Config::target_cpu: for<'a> fn(&'a mut Config, &str) -> &'a mut Config;
        Config::cpu_feature: for<'a> fn(&'a mut Config, &str, bool) -> &'a mut Config;
        Config::wasm_feature: for<'a> fn(&'a mut Config, &str, bool) -> Result<&'a mut Config>;
        Config::debugger: fn(&mut Config, Debugger) -> &mut Config;
        Config::compilation_threads: fn(&mut Config, Option<NonZeroUsize>) -> &mut Config;
        Config::skip_optimisation: for<'a> fn(&'a mut Config, &str) -> &'a mut Config;
        Config::cache_config_load_default: fn(&mut Config) -> Result<&mut Config>;
        Caller::<'static, ()>::set_epoch_deadline: fn(&mut Caller<'static, ()>, u64);
        Linker::<()>::define_name: for<'a> fn(&'a mut Linker<()>, Store<()>, &str, Func) -> Result<&'a mut Linker<()>>;
        Engine::new_without_compiler: fn(&Config) -> Result<Engine>;
        Module::check_precompiled: fn(&Engine, Vec<u8>) -> Result<()>;
        Module::load: unsafe fn(&Engine, &'static str) -> Result<Module>;
        Module::from_static: unsafe fn(&Engine, *const StaticModule) -> Result<Module>;
        SharedMemory::page_size_log2: fn(&SharedMemory) -> u8;
        SharedMemory::read: fn(&SharedMemory, usize, &mut [u8]) -> Result<(), MemoryAccessError>;
        SharedMemory::write: fn(&SharedMemory, usize, &[u8]) -> Result<(), MemoryAccessError>;
        HeapType::is_no_extern: fn(&HeapType) -> bool;
    }
    uses! { names;
        "Config::cache_config_load" => |it: &mut Config| { let _: Result<&mut Config> = it.cache_config_load("file"); };
        "Context" => |it: Option<u8>| -> Result<u8> { Context::context(it, "none") };
        "include_module" => { #[allow(unused_imports)] use wootz::include_module as _; };
        "Module::custom_sections" => |it: &Module| -> Vec<Vec<u8>> { it.custom_sections("name").map(<[u8]>::to_vec).collect() };
        "OwnedRooted::data" => |it: OwnedRooted<ExternRef>, store: &'static Store<()>| -> Result<Option<&'static (dyn Any + Send + Sync)>> { it.data(store) };
        "OwnedRooted::data_mut" => |it: OwnedRooted<ExternRef>, store: &'static mut Store<()>| -> Result<Option<&'static mut (dyn Any + Send + Sync)>> { it.data_mut(store) };
        "OwnedRooted::to_raw" => |it: OwnedRooted<ExternRef>, store: Store<()>| -> Result<u32> { it.to_raw(store) };
        "Rooted::data" => |it: Rooted<ExternRef>, store: &'static Store<()>| -> Result<Option<&'static (dyn Any + Send + Sync)>> { it.data(store) };
        "Rooted::data_mut" => |it: Rooted<ExternRef>, store: &'static mut Store<()>| -> Result<Option<&'static mut (dyn Any + Send + Sync)>> { it.data_mut(store) };
        "Rooted::to_raw" => |it: Rooted<ExternRef>, store: Store<()>| -> Result<u32> { it.to_raw(store) };
    }
}

const ALONE: &str = "Ours alone";
const WASI: &str = "WASI preview 1";

#[test]
fn the_table_lists_what_there_is() {
    let mut names = Names::default();
    for use_items in [
        settings,
        engines,
        modules,
        stores,
        instances_and_imports,
        functions,
        memories_tables_globals_tags,
        values,
        types,
        errors_traps_backtraces,
    ] {
        use_items(&mut names);
    }
    names.assert_listed(&documented(|title| title != ALONE && !title.starts_with(WASI)));
}

#[test]
fn the_table_lists_what_is_ours_alone() {
    let mut names = Names::default();
    ours_alone(&mut names);
    names.assert_listed(&rows(|title| title == ALONE).into_iter().map(|(name, _)| name).collect());
}

/// A program as it is written for wasmtime, with `wootz` in place of `wasmtime`.
#[test]
fn a_program_for_wasmtime_compiles_and_runs() -> Result<()> {
    struct State {
        limits: StoreLimits,
        log: Vec<String>,
    }

    let mut config = Config::new();
    config.consume_fuel(true).cranelift_opt_level(OptLevel::Speed).wasm_reference_types(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(
        &engine,
        r#"(module
            (import "host" "log" (func $log (param i32 i32)))
            (import "host" "double" (func $double (param i64) (result i64)))
            (memory (export "memory") 1 10)
            (global (export "counter") (mut i32) (i32.const 0))
            (table (export "table") 1 4 funcref)
            (data (i32.const 8) "hello")
            (func (export "run") (param i64) (result i64)
                (call $log (i32.const 8) (i32.const 5))
                (call $double (local.get 0)))
            (func (export "swap") (param i32 f64) (result f64 i32)
                (local.get 1)
                (local.get 0))
            (func (export "grow") (result i32) (memory.grow (i32.const 4)))
            (func (export "spin") (loop (br 0))))"#,
    )?;

    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "log", |mut caller: Caller<'_, State>, pointer: u32, len: u32| {
        let memory = match caller.get_export("memory") {
            Some(Extern::Memory(memory)) => memory,
            _ => bail!("failed to find host memory"),
        };
        let (data, state) = memory.data_and_store_mut(&mut caller);
        let bytes = data
            .get(pointer as usize..)
            .and_then(|rest| rest.get(..len as usize))
            .ok_or_else(|| Error::msg("pointer/length out of bounds"))?;
        state.log.push(std::str::from_utf8(bytes)?.to_string());
        Ok(())
    })?;
    let ty = FuncType::new(&engine, [ValType::I64], [ValType::I64]);
    linker.func_new("host", "double", ty, |_caller, params, results| {
        results[0] = Val::I64(params[0].unwrap_i64() * 2);
        Ok(())
    })?;

    let limits = StoreLimitsBuilder::new().memory_size(3 << 16).instances(2).build();
    let mut store = Store::new(&engine, State { limits, log: Vec::new() });
    store.limiter(|state| &mut state.limits);
    store.set_fuel(10_000)?;

    let pre = linker.instantiate_pre(&module)?;
    let instance = pre.instantiate(&mut store)?;
    let run = instance.get_typed_func::<i64, i64>(&mut store, "run")?;
    assert_eq!(run.call(&mut store, 21)?, 42);
    assert_eq!(store.data().log, ["hello"]);
    let swap = instance.get_typed_func::<(i32, f64), (f64, i32)>(&mut store, "swap")?;
    assert_eq!(swap.call(&mut store, (1, 2.5))?, (2.5, 1));
    let grow = instance.get_typed_func::<(), i32>(&mut store, "grow")?;
    assert_eq!(grow.call(&mut store, ())?, -1);

    let mut results = [Val::I32(0)];
    let run = instance.get_func(&mut store, "run").expect("`run` is a function");
    run.call(&mut store, &[Val::I64(4)], &mut results)?;
    assert_eq!(results[0].unwrap_i64(), 8);

    let memory = instance.get_memory(&mut store, "memory").unwrap();
    memory.write(&mut store, 0, &[1, 2, 3])?;
    assert_eq!(&memory.data(&store)[..3], [1, 2, 3]);
    let mut buffer = [0; 2];
    memory.read(&store, 1, &mut buffer)?;
    assert_eq!((buffer, memory.size(&store)), ([2, 3], 1));
    let counter = instance.get_global(&mut store, "counter").unwrap();
    counter.set(&mut store, Val::I32(9))?;
    assert_eq!(counter.get(&mut store).i32(), Some(9));
    let table = instance.get_table(&mut store, "table").unwrap();
    table.set(&mut store, 0, Ref::Func(Some(run)))?;
    assert!(table.get(&mut store, 0).is_some_and(|element| element.is_non_null()));

    let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;
    let error = spin.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfFuel));
    assert!(error.downcast_ref::<WasmBacktrace>().is_some_and(|trace| !trace.frames().is_empty()));
    assert_eq!(store.get_fuel()?, 0);

    for import in module.imports() {
        match import.ty() {
            ExternType::Func(ty) => assert_eq!(ty.params().len() + ty.results().len(), 2),
            other => panic!("{other:?}"),
        }
    }
    let error = Linker::<State>::new(&engine).instantiate(&mut store, &module).unwrap_err();
    assert_eq!(error.downcast_ref::<UnknownImportError>().unwrap().name(), "log");
    Ok(())
}
