//! The proposals a module may use: what the validator is told, and what a module that it refuses would have needed.

use wasmparser::{Operator, Validator, WasmFeatures};
use wootz_runtime::abi::compat::FEATURES;

use crate::error::{Error, MissingProposal, Result};
use crate::options::Features;

/// What the validator is to accept.
pub(super) fn accepted(features: &Features) -> WasmFeatures {
    features.iter().fold(WasmFeatures::FLOATS, |all, name| all | bits(name))
}

/// A proposal by the validator's name.
fn bits(name: &str) -> WasmFeatures {
    match name {
        // Hints are not for the validator.
        "branch-hinting" => WasmFeatures::empty(),
        "bulk-memory" => WasmFeatures::BULK_MEMORY,
        "custom-page-sizes" => WasmFeatures::CUSTOM_PAGE_SIZES,
        "extended-const" => WasmFeatures::EXTENDED_CONST,
        // Version 3 of the specification defines functions' types together with those of objects and exceptions. Of these
        // there are types and tags: `check_operator` refuses operators, and so no values other than null come up.
        "function-references" => {
            WasmFeatures::FUNCTION_REFERENCES | WasmFeatures::GC | WasmFeatures::EXCEPTIONS
        }
        // What there is of these comes with function references, and the rest is refused.
        "exceptions" | "gc" => WasmFeatures::empty(),
        "memory64" => WasmFeatures::MEMORY64,
        "multi-memory" => WasmFeatures::MULTI_MEMORY,
        "multi-value" => WasmFeatures::MULTI_VALUE,
        "mutable-global" => WasmFeatures::MUTABLE_GLOBAL,
        "reference-types" => WasmFeatures::REFERENCE_TYPES | WasmFeatures::GC_TYPES,
        "relaxed-simd" => WasmFeatures::RELAXED_SIMD,
        "saturating-float-to-int" => WasmFeatures::SATURATING_FLOAT_TO_INT,
        "sign-extension" => WasmFeatures::SIGN_EXTENSION,
        "simd" => WasmFeatures::SIMD,
        "tail-call" => WasmFeatures::TAIL_CALL,
        "threads" => WasmFeatures::THREADS,
        "wide-arithmetic" => WasmFeatures::WIDE_ARITHMETIC,
        other => unreachable!("`{other}` is not one of the names of proposals"),
    }
}

/// Refuses operators of proposals of which only the types are implemented.
///
/// # Errors
/// If it is one of them.
pub fn check_operator(operator: &Operator<'_>, offset: u64) -> Result<()> {
    macro_rules! missing {
        ($(@$proposal:ident $op:ident $({ $($payload:tt)* })? => $visit:ident ($($arity:tt)*))*) => {
            match operator {
                $(Operator::$op { .. } => const {
                    (only_types(stringify!($proposal).as_bytes()), stringify!($visit))
                },)*
                _ => (None, ""),
            }
        };
    }
    match wasmparser::for_each_operator!(missing) {
        (None, _) => Ok(()),
        (Some(proposal), visit) => {
            let name = text_name(visit);
            Err(Error::needs(proposal, &format!("the operator `{name}` is not supported"), offset))
        }
    }
}

/// An operator's name in the text format, from that of the method that visits it.
fn text_name(visit: &str) -> String {
    let name = visit.trim_start_matches("visit_");
    match name.split_once('_') {
        Some((on @ ("any" | "array" | "extern" | "i31" | "ref" | "struct"), rest)) => {
            format!("{on}.{rest}")
        }
        _ => name.to_string(),
    }
}

/// The name of a proposal if its types are all there is of it, by the validator's name for it.
const fn only_types(proposal: &[u8]) -> Option<&'static str> {
    match proposal {
        b"gc" => Some("gc"),
        b"exceptions" => Some("exceptions"),
        _ => None,
    }
}

/// Adds to the error of a module that was refused the proposals it would have needed, if that was the reason.
///
/// These are the proposals without which the validator comes no further, though it would with all of them. Finding out
/// takes a validation for each, which only modules that are refused have to pay for.
pub fn name_missing(wasm: &[u8], features: &Features, mut error: Error) -> Error {
    let Error::Invalid { offset, needs, .. } = &mut error else { return error };
    if !needs.is_empty() {
        return error;
    }
    let gets_further = |features: &Features| {
        let result = Validator::new_with_features(accepted(features)).validate_all(wasm);
        result.map_or_else(|error| error.offset() > *offset, |_| true)
    };
    let all = Features::all();
    if gets_further(&all) {
        let missing = FEATURES.iter().filter(|name| !features.contains(name));
        let missing = missing.filter(|name| !gets_further(&all.without(name)));
        needs.extend(
            missing.map(|name| MissingProposal {
                name,
                is_implemented: Features::is_implemented(name),
            }),
        );
    }
    error
}
