//! What was compared, so that idle runs are seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::operators::name_of;
use super::trap::Trap;

/// What was compared.
#[derive(Default)]
pub struct Counts {
    /// Modules.
    pub modules: usize,
    /// Modules that could not be instantiated.
    pub refused: usize,
    /// Calls that returned.
    pub returned: usize,
    /// Values that calls returned.
    pub results: usize,
    /// Calls that trapped, by reason.
    pub traps: BTreeMap<Trap, usize>,
    /// Calls after which nothing could be compared, because stack or fuel did not suffice.
    pub exhausted: usize,
    /// Memories, after each call.
    pub memories: usize,
    /// Globals, after each call.
    pub globals: usize,
    /// Tables, after each call.
    pub tables: usize,
    /// Operators in the modules, by proposal.
    operators: BTreeMap<&'static str, usize>,
    /// The operators that occurred, by proposal.
    names: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Counts {
    /// Counts the operators of a module.
    pub fn note_operators(&mut self, wasm: &[u8]) {
        let bodies =
            wasmparser::Parser::new(0).parse_all(wasm).filter_map(|payload| match payload {
                Ok(wasmparser::Payload::CodeSectionEntry(body)) => Some(body),
                _ => None,
            });
        for reader in bodies.filter_map(|body| body.get_operators_reader().ok()) {
            for operator in reader.into_iter().filter_map(Result::ok) {
                let (proposal, name) = name_of(&operator);
                *self.operators.entry(proposal).or_default() += 1;
                self.names.entry(proposal).or_default().insert(name);
            }
        }
    }

    /// How many operators of a proposal have occurred.
    pub fn operators(&self, proposal: &str) -> usize {
        self.operators.get(proposal).copied().unwrap_or_default()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { modules, refused, returned, results, exhausted, .. } = self;
        let Counts { memories, globals, tables, .. } = self;
        writeln!(f, "{modules} modules, of which {refused} could not be instantiated")?;
        writeln!(
            f,
            "{returned} calls returned {results} values; {exhausted} exhausted stack or fuel"
        )?;
        writeln!(f, "{memories} memories, {globals} globals, {tables} tables after calls")?;
        write!(f, "{} calls trapped:", self.traps.values().sum::<usize>())?;
        for (trap, count) in &self.traps {
            write!(f, " {trap} {count},")?;
        }
        write!(f, "\noperators:")?;
        for (proposal, count) in &self.operators {
            write!(f, " {proposal} {count} ({} different),", self.names[proposal].len())?;
        }
        writeln!(f)
    }
}
