//! Settings: each one acts, or is refused with a reason; and what differs between compiler and loader is named.
#![cfg(feature = "compiler")]

mod common;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;

use common::{Directory, PROCESSOR, module, trap};
use wootz::{
    ArtifactError, Collector, Config, Engine, Error, Inlining, Instance,
    InstanceAllocationStrategy, Memory, MemoryType, Module, ModuleVersionStrategy, OptLevel,
    RegallocAlgorithm, Store, Strategy, Trap, WasmBacktrace,
};

const PROGRAM: &str = r#"(module $m
    (memory (export "memory") 1 1000)
    (data (i32.const 5) "data")
    (func $grow (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func $load (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"#;

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::new();
    change(&mut config);
    config
}

fn engine(change: impl FnOnce(&mut Config)) -> Engine {
    Engine::new(&config(change)).unwrap()
}

fn refusal(change: impl FnOnce(&mut Config)) -> String {
    Engine::new(&config(change)).unwrap_err().to_string()
}

fn load(engine: &Engine, bytes: &[u8]) -> Result<Module, Error> {
    // SAFETY: the compiler has just made it.
    unsafe { Module::deserialize(engine, bytes) }
}

/// Runs the program: reads, grows, and traps where it should.
fn works(engine: &Engine, module: &Module) {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    let load = instance.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow").unwrap();
    assert_eq!(load.call(&mut store, 5).unwrap(), i32::from(b'd'));
    assert_eq!(grow.call(&mut store, 1).unwrap(), 1);
    assert_eq!(load.call(&mut store, 0x1ffff).unwrap(), 0);
    assert_eq!(trap(&load.call(&mut store, 0x20000).unwrap_err()), Trap::MemoryOutOfBounds);
    assert_eq!(trap(&load.call(&mut store, -1).unwrap_err()), Trap::MemoryOutOfBounds);
}

#[test]
fn settings_that_are_not_supported_are_refused_by_name() {
    type Setter = fn(&mut Config, bool) -> &mut Config;
    let setters: [(&str, Setter); 8] = [
        ("wasm_shared_everything_threads", Config::wasm_shared_everything_threads),
        ("wasm_stack_switching", Config::wasm_stack_switching),
        ("wasm_legacy_exceptions", Config::wasm_legacy_exceptions),
        ("wasm_component_model", Config::wasm_component_model),
        ("guest_debug", Config::guest_debug),
        ("coredump_on_trap", Config::coredump_on_trap),
        ("wmemcheck", Config::wmemcheck),
        ("table_lazy_init", Config::table_lazy_init),
    ];
    for (name, set) in setters {
        let error = refusal(|config| _ = set(config, true));
        assert!(error.contains(&format!("`Config::{name}(true)` is not supported")), "{error}");
        engine(|config| _ = set(set(config, true), false));
    }
    let pooling = InstanceAllocationStrategy::pooling;
    type Choice<'a> = (&'a str, &'a dyn Fn(&mut Config));
    let choices: [Choice<'_>; 9] = [
        ("Strategy::Winch", &|config| _ = config.strategy(Strategy::Winch)),
        ("Collector::Null", &|config| _ = config.collector(Collector::Null)),
        ("Collector::DeferredReferenceCounting", &|config| {
            _ = config.collector(Collector::DeferredReferenceCounting)
        }),
        ("Inlining::Yes", &|config| _ = config.compiler_inlining(Inlining::Yes)),
        ("module_version", &|config| {
            _ = config.module_version(ModuleVersionStrategy::None).unwrap()
        }),
        ("module_version", &|config| {
            _ = config.module_version(ModuleVersionStrategy::Custom("mine".into())).unwrap()
        }),
        ("OnDemand", &|config| _ = config.allocation_strategy(pooling())),
        ("signals_based_traps", &|config| _ = config.signals_based_traps(false)),
        ("memory_guaranteed_dense_image_size", &|config| {
            _ = config.memory_guaranteed_dense_image_size(0)
        }),
    ];
    for (name, change) in choices {
        let error = refusal(change);
        assert!(error.contains(name), "{error}");
    }
    let long = ModuleVersionStrategy::Custom("v".repeat(256));
    assert!(Config::new().module_version(long).is_err());
}

#[test]
fn what_is_the_default_can_be_said() {
    engine(|config| {
        config
            .strategy(Strategy::Cranelift)
            .collector(Collector::Copying)
            .compiler_inlining(Inlining::No)
            .module_version(ModuleVersionStrategy::WasmtimeVersion)
            .unwrap()
            .allocation_strategy(InstanceAllocationStrategy::OnDemand)
            .signals_based_traps(true)
            .macos_use_mach_ports(false)
            .memory_guaranteed_dense_image_size(16 << 20);
    });
}

/// A module that uses a proposal runs by default, and learns from the error which setting it lacks.
#[test]
fn proposals_can_be_switched_off() {
    type Setter = fn(&mut Config, bool) -> &mut Config;
    let proposals: [(&str, Setter, &str); 12] = [
        ("bulk_memory", Config::wasm_bulk_memory, "(memory 1) (data) (func (data.drop 0))"),
        (
            "extended_const",
            Config::wasm_extended_const,
            "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
        ),
        (
            "function_references",
            Config::wasm_function_references,
            "(type $t (func)) (func (param (ref $t)))",
        ),
        ("memory64", Config::wasm_memory64, "(memory i64 1)"),
        ("multi_memory", Config::wasm_multi_memory, "(memory 1) (memory 1)"),
        ("multi_value", Config::wasm_multi_value, "(func (result i32 i32) unreachable)"),
        ("reference_types", Config::wasm_reference_types, "(func (param externref))"),
        (
            "relaxed_simd",
            Config::wasm_relaxed_simd,
            "(func unreachable (drop (f32x4.relaxed_min)))",
        ),
        ("simd", Config::wasm_simd, "(func (result v128) unreachable)"),
        ("tail_call", Config::wasm_tail_call, "(func return_call 0)"),
        ("threads", Config::wasm_threads, "(memory 1 1 shared)"),
        (
            "wide_arithmetic",
            Config::wasm_wide_arithmetic,
            "(func unreachable i64.add128 drop drop)",
        ),
    ];
    for (name, set, text) in proposals {
        let wat = format!("(module {text})");
        Module::new(&engine(|config| _ = set(config, true)), &wat).unwrap();
        let error = Module::new(&engine(|config| _ = set(config, false)), &wat).unwrap_err();
        let setting = format!("`Config::wasm_{name}(true)`");
        assert!(error.to_string().contains(&setting), "{error}");
        if name != "wide_arithmetic" {
            Module::new(&Engine::default(), &wat).unwrap();
        }
    }
}

/// Some have no method of their own.
#[test]
fn proposals_can_be_switched_off_by_name() {
    for (name, text) in [
        ("multi-value", "(func (result i32 i32) unreachable)"),
        ("mutable-global", r#"(import "m" "g" (global (mut i32)))"#),
        ("saturating-float-to-int", "(func (drop (i32.trunc_sat_f32_s (f32.const 0))))"),
        ("sign-extension", "(func (drop (i32.extend8_s (i32.const 0))))"),
    ] {
        let wat = format!("(module {text})");
        let set = |enable| engine(|config| _ = config.wasm_feature(name, enable).unwrap());
        Module::new(&set(true), &wat).unwrap();
        let error = Module::new(&set(false), &wat).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    let error = Config::new().wasm_feature("multi_value", true).unwrap_err().to_string();
    assert!(error.contains("`multi_value`") && error.contains("multi-value, "), "{error}");
    let error = refusal(|config| _ = config.wasm_feature("gc", true).unwrap());
    assert!(error.contains("`gc` is not implemented"), "{error}");
}

#[test]
fn features_of_processors_are_checked_by_name() {
    let (_, feature) = PROCESSOR;
    let needs = |change: fn(&mut Config)| {
        let artifact = engine(change).precompile_module(b"(module)").unwrap();
        let name = format!("has_{feature}");
        artifact.windows(name.len()).any(|bytes| bytes == name.as_bytes())
    };
    assert!(needs(|config| _ = config.target_cpu("baseline").cpu_feature(PROCESSOR.1, true)));
    assert!(!needs(|config| _ = config.target_cpu("baseline").cpu_feature(PROCESSOR.1, false)));
    let error = refusal(|config| _ = config.cpu_feature("warp_drive", true));
    assert!(error.contains("warp_drive"), "{error}");
}

#[test]
fn contradictions_name_both_sides() {
    type Change = fn(&mut Config);
    let contradictions: [(&str, &str, Change); 8] = [
        ("wasm_relaxed_simd(true)", "wasm_simd(false)", |config| {
            _ = config.wasm_relaxed_simd(true).wasm_simd(false)
        }),
        ("wasm_gc(true)", "wasm_function_references(false)", |config| {
            _ = config.wasm_gc(true).wasm_function_references(false)
        }),
        // What was not asked for is off with what it needs.
        ("wasm_gc(true)", "wasm_function_references(false)", |config| {
            _ = config.wasm_gc(true).wasm_reference_types(false)
        }),
        ("wasm_function_references(true)", "wasm_reference_types(false)", |config| {
            _ = config.wasm_function_references(true).wasm_reference_types(false)
        }),
        ("wasm_reference_types(true)", "wasm_bulk_memory(false)", |config| {
            _ = config.wasm_reference_types(true).wasm_bulk_memory(false)
        }),
        ("wasm_exceptions(true)", "gc_support(false)", |config| {
            _ = config.wasm_exceptions(true).gc_support(false)
        }),
        ("force_memory_init_memfd(true)", "memory_init_cow(false)", |config| {
            _ = config.force_memory_init_memfd(true).memory_init_cow(false)
        }),
        ("memory_reservation(35184372088832)", "memory_guard_size(35184372088832)", |config| {
            _ = config.memory_reservation(1 << 45).memory_guard_size(1 << 45)
        }),
    ];
    for (one, other, change) in contradictions {
        let error = refusal(change);
        assert!(error.contains(one) && error.contains(other), "{error}");
    }
    assert!(refusal(|config| _ = config.max_wasm_stack(0)).contains("max_wasm_stack"));
    let error = refusal(|config| _ = config.memory_reservation_for_growth(u64::MAX));
    assert!(error.contains("memory_reservation_for_growth"), "{error}");
}

#[test]
fn what_needs_a_proposal_that_is_off_is_off_too() {
    let engine = engine(|config| _ = config.wasm_bulk_memory(false));
    let error = Module::new(&engine, "(module (func (param externref)))").unwrap_err();
    assert!(error.to_string().contains("reference types"), "{error}");
}

#[test]
fn settings_of_compiled_files_act() {
    let sections = |change: fn(&mut Config)| {
        let bytes = engine(change).precompile_module(PROGRAM.as_bytes()).unwrap();
        let normal = Engine::default();
        works(&normal, &load(&normal, &bytes).unwrap());
        let has = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
        // The descriptor has a symbol in any case; tables are in a section of their own.
        let tables = if cfg!(windows) { ".pdata\0\0" } else { "\0.eh_frame_hdr\0" };
        (has("\0load\0"), has(tables), bytes.len())
    };
    let (symbols, unwind, all) = sections(|_| ());
    assert!(symbols && unwind);
    let (symbols, unwind, bytes) = sections(|config| _ = config.debug_symbols(false));
    assert!(!symbols && unwind && bytes < all);
    if cfg!(windows) {
        let message = refusal(|config| _ = config.native_unwind_info(false));
        assert!(message.contains("Windows needs unwind tables"), "{message}");
        return;
    }
    let (symbols, unwind, bytes) = sections(|config| _ = config.native_unwind_info(false));
    assert!(symbols && !unwind && bytes < all);
}

#[cfg(windows)]
#[test]
fn profilers_of_linux_are_refused_elsewhere() {
    use wootz::ProfilingStrategy;
    for strategy in [ProfilingStrategy::PerfMap, ProfilingStrategy::JitDump] {
        let message = refusal(|config| _ = config.profiler(strategy));
        assert!(message.contains(&format!("{strategy:?}")), "{message}");
        assert!(message.contains("not supported on Windows"), "{message}");
    }
    assert!(Engine::new(&config(|config| _ = config.profiler(ProfilingStrategy::None))).is_ok());
}

#[test]
fn without_address_map_backtraces_have_names_only() {
    let offset = |generate| {
        let engine = engine(|config| _ = config.generate_address_map(generate));
        let module = module(&engine, PROGRAM);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let load = instance.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
        let error = load.call(&mut store, -1).unwrap_err();
        let frame = &error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0];
        assert_eq!(frame.func_name(), Some("load"));
        frame.module_offset()
    };
    assert!(offset(true).is_some());
    assert_eq!(offset(false), None);
}

#[test]
fn backtraces_can_be_switched_off_and_on() {
    let has = |change: fn(&mut Config)| {
        let engine = engine(change);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, PROGRAM), &[]).unwrap();
        let load = instance.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
        load.call(&mut store, -1).unwrap_err().downcast_ref::<WasmBacktrace>().is_some()
    };
    assert!(has(|_| ()));
    assert!(!has(|config| _ = config.wasm_backtrace(false)));
    assert!(!has(|config| _ = config.wasm_backtrace_max_frames(None)));
    assert!(has(|config| _ = config.wasm_backtrace(false).wasm_backtrace(true)));
    assert!(has(|config| {
        _ = config.wasm_backtrace(false).wasm_backtrace_max_frames(NonZeroUsize::new(3))
    }));
}

#[test]
fn a_backtrace_may_have_any_number_of_frames() {
    let limit = std::num::NonZeroUsize::MAX;
    let engine = engine(|config| _ = config.wasm_backtrace_max_frames(Some(limit)));
    let wat = r#"(module (func $down (export "down") (param i32)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (call $down (i32.sub (local.get 0) (i32.const 1)))))"#;
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, wat).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let down = instance.get_typed_func::<i32, ()>(&mut store, "down").unwrap();
    let error = down.call(&mut store, 999).unwrap_err();
    assert_eq!(error.downcast_ref::<WasmBacktrace>().unwrap().frames().len(), 1000);
}

#[test]
fn settings_of_the_code_generator_act() {
    let compile = |change: fn(&mut Config)| {
        let engine = engine(change);
        let module = module(&engine, PROGRAM);
        works(&engine, &module);
        module.text().to_vec()
    };
    let normal = compile(|_| ());
    assert_eq!(
        normal,
        compile(|config| {
            _ = config.cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        })
    );
    assert_ne!(
        normal,
        compile(|config| {
            _ = config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass)
        })
    );
    assert_ne!(normal, compile(|config| _ = config.cranelift_opt_level(OptLevel::None)));
    compile(|config| _ = config.cranelift_debug_verifier(true));
    compile(|config| _ = config.parallel_compilation(false).relaxed_simd_deterministic(true));
}

#[test]
fn an_engine_without_compiler_loads() {
    let bytes = Engine::default().precompile_module(PROGRAM.as_bytes()).unwrap();
    let engine = engine(|config| _ = config.enable_compiler(false));
    works(&engine, &load(&engine, &bytes).unwrap());
    let error = Module::new(&engine, PROGRAM).unwrap_err().to_string();
    assert!(error.contains("enable_compiler"), "{error}");

    let engine = Engine::new_without_compiler(Config::new().target_cpu("z80")).unwrap();
    works(&engine, &load(&engine, &bytes).unwrap());
    let error = Module::new(&engine, PROGRAM).unwrap_err().to_string();
    assert!(error.contains("enable_compiler"), "{error}");
    let error = Module::validate(&engine, PROGRAM.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("new_without_compiler"), "{error}");
    assert_eq!(engine.get_strategy(), None);
    assert!(Engine::new_without_compiler(Config::new().max_wasm_stack(0)).is_err());
}

#[test]
fn the_strategy_for_memories_acts() {
    // (reservation, may move, for growth): how many pages a memory of one page can have.
    let most = |reservation: u64, may_move: bool, for_growth: u64| {
        let engine = engine(|config| {
            config
                .memory_reservation(reservation)
                .memory_may_move(may_move)
                .memory_reservation_for_growth(for_growth);
        });
        let module = module(&engine, PROGRAM);
        works(&engine, &module);
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(1000))).unwrap();
        let base = memory.data_ptr(&store);
        let mut pages = 1;
        while memory.grow(&mut store, 1).is_ok() {
            pages += 1;
        }
        assert!(may_move || memory.data_ptr(&store) == base);
        pages
    };
    assert_eq!(most(4 << 30, true, 0), 1000);
    assert_eq!(most(4 << 30, false, 0), 1000);
    assert_eq!(most(1 << 20, true, 1 << 20), 1000);
    assert_eq!(most(1 << 20, false, 1 << 20), 16);
    assert_eq!(most(0, false, 2 << 20), 33);
}

#[cfg(any(target_os = "linux", windows))]
#[test]
fn guards_in_front_are_reserved_address_space() {
    let cost = |before: bool| {
        let engine = engine(|config| {
            _ = config.memory_guard_size(1 << 40).guard_before_linear_memory(before)
        });
        let mut store = Store::new(&engine, ());
        let without = common::system::address_space();
        Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        common::system::address_space() - without
    };
    // Other tests make memories at the same time, but none of that size.
    assert!(cost(true) > cost(false) + (1 << 39));
}

#[test]
fn modules_that_need_more_address_space_than_the_engine_gives_are_refused() {
    let compile = |reservation: u64, guard: u64, wat: &str| {
        engine(|config| _ = config.memory_reservation(reservation).memory_guard_size(guard))
            .precompile_module(wat.as_bytes())
            .unwrap()
    };
    let try_load = |bytes: &[u8], reservation: u64, guard: u64| {
        let engine =
            engine(|config| _ = config.memory_reservation(reservation).memory_guard_size(guard));
        load(&engine, bytes).map(|module| works_if_it_can(&engine, &module))
    };
    const IMPORTING: &str = r#"(module (import "" "" (memory 1)))"#;
    for wat in [PROGRAM, IMPORTING] {
        let bytes = compile(5 << 30, 1 << 20, wat);
        try_load(&bytes, 5 << 30, 1 << 20).unwrap();
        try_load(&bytes, 6 << 30, 2 << 20).unwrap();
        for (reservation, guard, setting, artifact, engine) in [
            (4u64 << 30, 1u64 << 20, "memory_reservation", 5u64 << 30, 4u64 << 30),
            (0, 1 << 20, "memory_reservation", 5 << 30, 0),
            (5 << 30, 1 << 16, "memory_guard_size", 1 << 20, 1 << 16),
        ] {
            let error = try_load(&bytes, reservation, guard).unwrap_err();
            let text = error.to_string();
            for part in [setting, &artifact.to_string(), &engine.to_string()] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(
                matches!(
                    error.downcast_ref(),
                    Some(ArtifactError::AddressSpace { setting: found, .. }) if *found == setting
                ),
                "{error:?}"
            );
        }
        // What checks every access runs everywhere.
        try_load(&compile(0, 0, wat), 4 << 30, 1 << 20).unwrap();
        try_load(&compile(0, 0, wat), 0, 0).unwrap();
    }
}

fn works_if_it_can(engine: &Engine, module: &Module) {
    if module.imports().len() == 0 {
        works(engine, module);
    } else {
        let mut store = Store::new(engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        Instance::new(&mut store, module, &[memory.into()]).unwrap();
    }
}

#[test]
fn all_memories_of_an_engine_fit_all_its_modules() {
    // A module that checks every access defines a memory; one that checks none imports it.
    let exporter = engine(|config| _ = config.memory_reservation(0).memory_guard_size(0))
        .precompile_module(PROGRAM.as_bytes())
        .unwrap();
    let engine = Engine::default();
    let exporter = load(&engine, &exporter).unwrap();
    let importer = module(
        &engine,
        r#"(module (import "m" "memory" (memory 1 1000))
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &exporter, &[]).unwrap();
    let memory = instance.get_export(&mut store, "memory").unwrap();
    let importing = Instance::new(&mut store, &importer, &[memory]).unwrap();
    let load = importing.get_typed_func::<i32, i32>(&mut store, "load").unwrap();
    assert_eq!(load.call(&mut store, 5).unwrap(), i32::from_le_bytes(*b"data"));
    assert_eq!(trap(&load.call(&mut store, -4).unwrap_err()), Trap::MemoryOutOfBounds);
}

#[test]
fn images_may_come_from_memory_instead_of_the_file() {
    let directory = Directory::new("config");
    let bytes = Engine::default().precompile_module(PROGRAM.as_bytes()).unwrap();
    let path = directory.file("program.so", &bytes);
    for force in [false, true] {
        let engine = engine(|config| _ = config.force_memory_init_memfd(force));
        // SAFETY: the compiler has just made it.
        let module = unsafe { Module::load(&engine, &path) }.unwrap();
        module.initialize_copy_on_write_image().unwrap();
        works(&engine, &module);
    }
}

#[test]
fn code_for_other_machines_is_compiled_but_not_loaded() {
    let foreign = if cfg!(target_arch = "aarch64") { "x86_64" } else { "aarch64" };
    let config = config(|config| {
        config.target(&format!("{foreign}-unknown-linux-gnu")).unwrap();
    });
    match Engine::new(&config) {
        // Whether there is a compiler for it is another question.
        Err(error) => assert!(error.to_string().contains(foreign), "{error}"),
        Ok(engine) => {
            let error = Module::new(&engine, PROGRAM).unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(foreign) && text.contains("precompile_module"), "{text}");
            let bytes = engine.precompile_module(PROGRAM.as_bytes()).unwrap();
            let error = load(&Engine::default(), &bytes).unwrap_err();
            assert!(matches!(error.downcast_ref(), Some(ArtifactError::OtherTarget { .. })));
        }
    }
    // The same machine under its name.
    let here = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let engine = engine(|config| _ = config.target(&here).unwrap());
    works(&engine, &module(&engine, PROGRAM));
}

#[test]
fn compatible_engines_have_the_same_hash() {
    let hash = |change: fn(&mut Config)| {
        let mut hasher = DefaultHasher::new();
        engine(change).precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    };
    let normal = hash(|_| ());
    assert_eq!(normal, hash(|config| _ = config.max_wasm_stack(1 << 16)));
    assert_eq!(normal, hash(|config| _ = config.parallel_compilation(false)));
    assert_eq!(normal, hash(|config| _ = config.compilation_threads(NonZeroUsize::new(3))));
    for other in [
        hash(|config| _ = config.wasm_multi_value(false)),
        hash(|config| _ = config.memory_reservation(5 << 30)),
        hash(|config| _ = config.memory_guard_size(1 << 20)),
        hash(|config| _ = config.target_cpu(PROCESSOR.0)),
        hash(|config| _ = config.cranelift_opt_level(OptLevel::None)),
        hash(|config| _ = config.generate_address_map(false)),
        hash(|config| _ = config.debug_info(true)),
    ] {
        assert_ne!(normal, other);
    }
}

#[test]
fn settings_can_be_read() {
    let engine = engine(|config| {
        _ = config.memory_reservation(5 << 30).shared_memory(true).debug_info(true)
    });
    assert_eq!(engine.get_memory_reservation(), 5 << 30);
    assert!(engine.get_shared_memory() && engine.get_memory_may_move());
    assert_eq!(engine.get_strategy(), Some(Strategy::Cranelift));
    assert_eq!(engine.get_compiler_inlining(), Inlining::No);
    assert_eq!((engine.get_target(), engine.get_debug_info()), (None, true));
    let engine = self::engine(|config| _ = config.enable_compiler(false));
    assert!(!engine.get_debug_info());
    assert_eq!((engine.get_strategy(), engine.get_cranelift_opt_level()), (None, None));
    let engine = self::engine(|config| {
        // SAFETY: this processor is one that the code is for, and stays it.
        unsafe { config.cranelift_flag_set("enable_alias_analysis", "false") };
    });
    assert_eq!(engine.get_cranelift_flags_enabled().count(), 0);
    assert_eq!(
        engine.get_cranelift_flags_set().collect::<Vec<_>>(),
        [("enable_alias_analysis", "false")]
    );
}
