//! Which functions are translated where they are called.
//!
//! In: a module, and what its bodies do. Out: the functions that are small enough.
//!
//! Always true: what is chosen is valid, and can be translated in the middle of another function: it has no tail calls.

use std::collections::HashMap;

use wasmparser::FuncValidatorAllocations;
use wootz_runtime::abi::index::FuncIndex;

use crate::parse::Module;
use crate::survey::{Facts, Survey};

/// How many locals besides parameters such a function may have.
const MOST_LOCALS: u32 = 32;

/// How many operators that do something a function may have to be small. From here on code grows faster than it gets faster:
/// see "Inlining" in `docs/rationale.md`.
const MOST_OPERATORS: u32 = 10;

/// How many one may have that calls itself.
const MOST_OPERATORS_OF_RECURSION: u32 = 100;

/// How often such a function is translated within itself, one in the other.
const MOST_RECURSION: usize = 2;

/// How many functions may be translated one in the other.
const MOST_DEPTH: usize = 6;

/// How many operators a function may get in place of calls.
const MOST_GROWTH: u32 = 400;

/// Functions that are small enough.
#[derive(Default)]
pub struct Inlining {
    candidates: HashMap<FuncIndex, Candidate>,
}

/// A function that is small enough.
struct Candidate {
    /// How many operators it has.
    operators: u32,
    /// Whether it calls itself.
    is_recursive: bool,
}

impl Inlining {
    /// The functions of a module that are small enough.
    pub fn find(module: &Module<'_>, survey: &Survey) -> Inlining {
        let mut memory = FuncValidatorAllocations::default();
        let mut candidates = HashMap::new();
        for (position, facts) in survey.bodies.iter().enumerate() {
            let index = FuncIndex::from_position(module.imported_functions() + position);
            if let Some(candidate) = Candidate::new(index, facts)
                && module.bodies[position].validate(&mut memory).is_ok()
            {
                candidates.insert(index, candidate);
            }
        }
        Inlining { candidates }
    }

    /// How many operators are translated in place of a call of `callee`, if that is to be done. `open` are the functions being
    /// translated, outermost first; `grown` is how many operators were translated in place of calls so far.
    pub fn operators(&self, callee: FuncIndex, open: &[FuncIndex], grown: u32) -> Option<u32> {
        let candidate = self.candidates.get(&callee)?;
        let depth = open.iter().filter(|&&function| function == callee).count();
        let is_worth_it = match candidate.is_recursive {
            false => depth == 0,
            // Only in itself, where there is something to win again and again.
            true => (1..=MOST_RECURSION).contains(&depth),
        };
        let fits = open.len() <= MOST_DEPTH && grown + candidate.operators <= MOST_GROWTH;
        (is_worth_it && fits).then_some(candidate.operators)
    }
}

impl Candidate {
    fn new(index: FuncIndex, facts: &Facts) -> Option<Candidate> {
        let is_recursive = facts.calls.binary_search(&index).is_ok();
        let most = if is_recursive { MOST_OPERATORS_OF_RECURSION } else { MOST_OPERATORS };
        let fits = facts.operators <= most && facts.locals <= MOST_LOCALS;
        // What takes long does not notice how it was called, but that it has fewer registers.
        let is_worth_it = !facts.has_busy_loop;
        (fits && is_worth_it && !facts.has_tail_calls)
            .then_some(Candidate { operators: facts.operators, is_recursive })
    }
}
