//! Whether what was found may stand for what a module wants to import (WebAssembly core specification, section 4.5.3,
//! "import matching").
//!
//! In: the type wanted and the type found, with the present size of what has one. Out: nothing, or an error that names both.

use anyhow::{Result, bail, format_err};
use wootz_runtime::abi::manifest::BoundsChecks;
use wootz_runtime::abi::types::{Limits, MemoryType as AbiMemoryType};

use crate::types::{ExternType, FuncType, GlobalType, MemoryType, TableType, TagType};

/// What something that was found is called in messages. (What was expected is a "func" if it is a function.)
fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Global(_) => "global",
        ExternType::Table(_) => "table",
        ExternType::Memory(_) => "memory",
        ExternType::Tag(_) => "tag",
    }
}

/// Whether something of type `actual` may be imported as `expected`. `size` is the present size of a table or memory.
pub fn import(expected: &ExternType, actual: &ExternType, size: Option<u64>) -> Result<()> {
    match (expected, actual) {
        (ExternType::Func(expected), ExternType::Func(actual)) => return func(expected, actual),
        (ExternType::Global(expected), ExternType::Global(actual)) => global(expected, actual),
        (ExternType::Table(expected), ExternType::Table(actual)) => table(expected, actual, size),
        (ExternType::Memory(expected), ExternType::Memory(actual)) => {
            memory(expected, actual, size)
        }
        (ExternType::Tag(expected), ExternType::Tag(actual)) => tag(expected, actual),
        (ExternType::Func(_), _) => Err(format_err!("expected func, but found {}", kind(actual))),
        _ => Err(format_err!("expected {}, but found {}", kind(expected), kind(actual))),
    }
    .map_err(|error| {
        format_err!("{error}: the module imports `{expected}`, and was given `{actual}`")
    })
}

fn func(expected: &FuncType, actual: &FuncType) -> Result<()> {
    match actual.matches(expected) {
        true => Ok(()),
        false => {
            let (expected, actual) = (expected.signature().ty(), actual.signature().ty());
            bail!("types incompatible: expected type `{expected}`, found type `{actual}`")
        }
    }
}

fn global(expected: &GlobalType, actual: &GlobalType) -> Result<()> {
    let (expected_content, actual_content) = (expected.content(), actual.content());
    // What can be written must be exactly as wide on both sides.
    let compatible = match expected.mutability().is_var() || actual.mutability().is_var() {
        true => expected_content == actual_content,
        false => actual_content.matches(expected_content),
    };
    if !compatible {
        bail!(
            "global types incompatible: expected global of type `{expected_content}`, found global of type `{actual_content}`"
        );
    }
    let word = |ty: &GlobalType| if ty.mutability().is_var() { "mutable" } else { "immutable" };
    match expected.mutability() == actual.mutability() {
        true => Ok(()),
        false => bail!(
            "global types incompatible: expected {} global, found {} global",
            word(expected),
            word(actual)
        ),
    }
}

fn table(expected: &TableType, actual: &TableType, size: Option<u64>) -> Result<()> {
    if expected.element() != actual.element() {
        bail!(
            "table types incompatible: expected table of type `{}`, found table of type `{}`",
            expected.element(),
            actual.element()
        );
    }
    width("table", expected.is_64(), actual.is_64())?;
    limits("table", expected.to_abi().limits, actual.to_abi().limits, size)
}

fn memory(expected: &MemoryType, actual: &MemoryType, size: Option<u64>) -> Result<()> {
    if expected.is_shared() != actual.is_shared() {
        let word = |ty: &MemoryType| if ty.is_shared() { "shared" } else { "non-shared" };
        bail!(
            "memory types incompatible: expected {} memory, found {} memory",
            word(expected),
            word(actual)
        );
    }
    width("memory", expected.is_64(), actual.is_64())?;
    if expected.page_size() != actual.page_size() {
        bail!(
            "memory types incompatible: expected a memory with a page size of {}, but received a memory with a page size \
             of {}",
            expected.page_size(),
            actual.page_size()
        );
    }
    limits("memory", expected.to_abi().limits, actual.to_abi().limits, size)
}

fn tag(expected: &TagType, actual: &TagType) -> Result<()> {
    match expected == actual {
        true => Ok(()),
        false => bail!("incompatible tag types"),
    }
}

fn width(kind: &str, expected_64: bool, actual_64: bool) -> Result<()> {
    let word = |is_64: bool| if is_64 { "64-bit" } else { "32-bit" };
    match expected_64 == actual_64 {
        true => Ok(()),
        false => bail!(
            "{kind} types incompatible: expected {} {kind}, found {} {kind}",
            word(expected_64),
            word(actual_64)
        ),
    }
}

fn limits(kind: &str, expected: Limits, actual: Limits, size: Option<u64>) -> Result<()> {
    let actual_min = size.unwrap_or(actual.min);
    let max_fits = match (expected.max, actual.max) {
        (None, _) => true,
        (Some(expected), Some(actual)) => actual <= expected,
        (Some(_), None) => false,
    };
    if actual_min >= expected.min && max_fits {
        return Ok(());
    }
    let text = |min: u64, max: Option<u64>| {
        format!("min: {min}, max: {}", max.map_or("none".to_string(), |max| max.to_string()))
    };
    bail!(
        "{kind} types incompatible: expected {kind} limits ({}) doesn't match provided {kind} limits ({})",
        text(expected.min, expected.max),
        text(actual_min, actual.max)
    )
}

/// Whether a memory gives compiled code what it relies on when it accesses it.
pub fn bounds_checks(
    expected: BoundsChecks,
    actual: BoundsChecks,
    ty: &AbiMemoryType,
) -> Result<()> {
    if actual.satisfies(expected) {
        return Ok(());
    }
    let text = |checks: BoundsChecks| match checks {
        BoundsChecks::Guarded { reservation, guard } => {
            format!("{reservation} bytes of address space and {guard} bytes of guard")
        }
        BoundsChecks::Explicit { guard } => {
            format!("no reserved address space and {guard} bytes of guard")
        }
    };
    bail!(
        "memory types incompatible: the module was compiled for memories that have {}, this memory `{ty}` has {}; use the same \
         `memory_reservation` and `memory_guard_size` for both",
        text(expected),
        text(actual)
    )
}
