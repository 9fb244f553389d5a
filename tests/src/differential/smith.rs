//! Modules of all kinds: segments, start functions, imports of nothing, deeply nested control.
//!
//! In: random bytes, and the proposals that modules may need. Out: a valid module that ends, exports everything and imports
//! nothing.

use arbitrary::{Result, Unstructured};
use wasm_smith::{Config, MemoryOffsetChoices, Module};
use wootz_compiler::Features;

/// How large memories may become.
const MEMORY_BYTES: u64 = 3 << 16;

/// A module. It traps after so many loop iterations and calls.
///
/// # Errors
/// If there are too few bytes.
pub fn module(bytes: &mut Unstructured, features: &Features, fuel: u32) -> Result<Vec<u8>> {
    let config = config(bytes, features)?;
    let mut module = Module::new(config, bytes)?;
    module.ensure_termination(fuel).expect("all functions are valid");
    Ok(module.to_bytes())
}

fn config(bytes: &mut Unstructured, features: &Features) -> Result<Config> {
    // Without some proposals, there is more of the others.
    let mut may = |name| Ok(features.contains(name) && !bytes.ratio(1, 8)?);
    let (bulk_memory, references) = (may("bulk-memory")?, may("reference-types")?);
    let (multi_memory, simd) = (may("multi-memory")?, may("simd")?);
    let config = Config {
        acquire_release_atomics_enabled: false,
        allow_start_export: true,
        bulk_memory_enabled: bulk_memory || references,
        // The one who asked for it does that for all operators.
        canonicalize_nans: false,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: may("custom-page-sizes")?,
        exceptions_enabled: may("exceptions")?,
        export_everything: true,
        extended_const_enabled: may("extended-const")?,
        gc_enabled: features.contains("function-references") && may("gc")?,
        max_imports: 0,
        max_memories: if multi_memory { 4 } else { 1 },
        max_memory32_bytes: MEMORY_BYTES,
        max_memory64_bytes: MEMORY_BYTES.into(),
        max_table_elements: 50,
        max_tables: if references { 3 } else { 1 },
        max_types: 20,
        memory64_enabled: may("memory64")?,
        memory_max_size_required: true,
        multi_value_enabled: may("multi-value")?,
        reference_types_enabled: references,
        relaxed_simd_enabled: simd && may("relaxed-simd")?,
        saturating_float_to_int_enabled: may("saturating-float-to-int")?,
        shared_everything_threads_enabled: false,
        sign_extension_ops_enabled: may("sign-extension")?,
        simd_enabled: simd,
        table_max_size_required: true,
        tail_call_enabled: may("tail-call")?,
        threads_enabled: may("threads")?,
        wide_arithmetic_enabled: may("wide-arithmetic")?,
        ..Config::default()
    };
    let choices = [(90, 9, 1), (40, 40, 20), (10, 80, 10), (1, 0, 0)];
    let &(inside, after_growth, outside) = bytes.choose(&choices)?;
    Ok(Config {
        disallow_traps: bytes.ratio(1, 3)?,
        max_data_segments: 4,
        max_element_segments: 4,
        max_funcs: bytes.int_in_range(3..=8)?,
        max_globals: 8,
        max_instructions: *bytes.choose(&[20, 60, 200])?,
        memory_offset_choices: MemoryOffsetChoices(inside, after_growth, outside),
        min_funcs: 2,
        min_memories: u32::from(bytes.ratio(3, 4)?),
        ..config
    })
}
