//! What the host must have, and what it must be set to, for an artifact to run.
//!
//! The rule is the ABI version and these needs, not the version of the crates: a newer patch release loads older files.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// The compatibility record of an artifact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Compatibility {
    /// The target triple it was compiled for.
    pub target: String,
    /// The CPU features its code uses, by Cranelift's names (such as `has_avx2`), sorted.
    pub cpu_features: Vec<String>,
    /// The settings that the host must match.
    pub settings: Settings,
    /// The compiler that made it, with its version; for people, not checked.
    pub compiler: String,
    /// The SHA-256 of the wasm it was compiled from.
    pub wasm_sha256: [u8; 32],
}

/// Settings that change what compiled code expects from its host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Fuel is counted.
    pub consume_fuel: bool,
    /// Epochs are checked.
    pub epoch_interruption: bool,
    /// Traps are raised by hardware faults; otherwise by explicit checks.
    pub signals_based_traps: bool,
    /// Relaxed SIMD operators, if there are any, give the same results on all machines.
    pub relaxed_simd_deterministic: bool,
    /// The proposals the module was validated with, by the names in [`FEATURES`], sorted.
    pub features: Vec<String>,
}

/// The proposals that can be switched on and off, by the names that options, messages and artifacts use.
pub const FEATURES: &[&str] = &[
    "branch-hinting",
    "bulk-memory",
    "custom-page-sizes",
    "exceptions",
    "extended-const",
    "function-references",
    "gc",
    "memory64",
    "multi-memory",
    "multi-value",
    "mutable-global",
    "reference-types",
    "relaxed-simd",
    "saturating-float-to-int",
    "sign-extension",
    "simd",
    "tail-call",
    "threads",
    "wide-arithmetic",
];
