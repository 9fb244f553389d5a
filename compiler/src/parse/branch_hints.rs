//! Which way branches are likely to go: the custom section `metadata.code.branch_hint` (branch hinting proposal).
//!
//! Always true: hints change nothing but where code lies. A section that cannot be read is left unread, and a hint for
//! something else than a branch has no effect.

use std::collections::HashMap;

use wasmparser::{BinaryReaderError, BranchHint, BranchHintSectionReader, Operator};
use wootz_runtime::abi::index::FuncIndex;

use super::Module;
use crate::error::{Error, Result};

/// The hints of a module.
#[derive(Default)]
pub struct BranchHints {
    by_function: HashMap<FuncIndex, Vec<BranchHint>>,
}

/// The hints of a function that are still ahead.
pub struct FunctionHints<'a> {
    hints: &'a [BranchHint],
    /// Where in the file the offsets of hints begin.
    start: u64,
}

impl BranchHints {
    pub(super) fn read(&mut self, section: BranchHintSectionReader<'_>) {
        let functions = section.into_iter().map(|function| {
            let function = function?;
            let hints = function.hints.into_iter().collect::<Result<Vec<_>, _>>()?;
            Ok::<_, wasmparser::BinaryReaderError>((FuncIndex(function.func), hints))
        });
        self.by_function = functions.collect::<Result<_, _>>().unwrap_or_default();
    }

    /// The hints for a function whose body begins at `start` in the file.
    pub fn of(&self, function: FuncIndex, start: u64) -> FunctionHints<'_> {
        let hints = self.by_function.get(&function).map_or(&[][..], Vec::as_slice);
        FunctionHints { hints, start }
    }
}

/// Checks that every hint is for a branch, which compiling does not ask.
///
/// # Errors
/// If one is not.
pub fn check(module: &Module<'_>) -> Result<()> {
    let invalid = |error: BinaryReaderError| Error::invalid(&error);
    for (index, body) in module.functions_with_bodies() {
        let start = body.reader.range().start;
        let mut hints = module.branch_hints.of(index, start);
        let mut reader = body.reader.get_operators_reader().map_err(invalid)?;
        while !reader.eof() {
            let offset = reader.original_position();
            let is_branch = matches!(
                reader.read().map_err(invalid)?,
                Operator::If { .. } | Operator::BrIf { .. }
            );
            // What is skipped was for no operator at all.
            let ahead = hints.hints.len();
            let hint = hints.at(offset);
            if ahead - hints.hints.len() != usize::from(hint.is_some() && is_branch) {
                return Err(module.invalid_body(index, Error::no_branch(offset)));
            }
        }
        if !hints.hints.is_empty() {
            return Err(module.invalid_body(index, Error::no_branch(reader.original_position())));
        }
    }
    Ok(())
}

impl FunctionHints<'_> {
    /// Whether the branch at `offset` in the file is likely to be taken, if there is a hint for it. Offsets are asked for in
    /// ascending order.
    pub fn at(&mut self, offset: u64) -> Option<bool> {
        while let [hint, rest @ ..] = self.hints {
            let hinted = self.start + u64::from(hint.func_offset);
            if hinted > offset {
                return None;
            }
            self.hints = rest;
            if hinted == offset {
                return Some(hint.taken);
            }
        }
        None
    }
}
