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

/// How many bytes a function may have: there may be any number of operators that do nothing.
const MOST_BYTES: u64 = 600;

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

/// How much a function may get in place of calls, in operators: so many, and so many for each that it has itself, but not more than
/// that. Without such bounds, modules of many small functions that call each other would become huge.
const LEAST_GROWTH: u32 = 20;
const GROWTH_PER_OPERATOR: u32 = 10;
const MOST_GROWTH: u32 = 400;

/// The same for functions that a call through a table may mean: so many, but only in functions that have no more than that. In larger ones,
/// interpreters mostly, registers are what is missing.
const MOST_GROWTH_BY_TABLES: u32 = 60;
const MOST_OPERATORS_WITH_TABLES: u32 = 1000;

/// How many bytes cost as much as an operator that does something.
const BYTES_PER_OPERATOR: u64 = 32;

/// Functions that are small enough.
#[derive(Default)]
pub struct Inlining {
    candidates: HashMap<FuncIndex, Candidate>,
    /// How much functions may get, by their position among those with a body.
    growth: Vec<Growth>,
    imported: usize,
}

/// How much a function gets in place of calls, in operators.
#[derive(Clone, Copy, Default)]
pub struct Growth {
    /// In place of those by name.
    by_name: u32,
    /// In place of those through tables.
    by_tables: u32,
}

impl Growth {
    /// What it gets in place of such calls.
    fn of(self, called: Called) -> u32 {
        match called {
            Called::ByName => self.by_name,
            Called::ByTable => self.by_tables,
        }
    }

    /// Adds what it gets in place of such a call.
    pub fn add(&mut self, called: Called, operators: u32) {
        match called {
            Called::ByName => self.by_name += operators,
            Called::ByTable => self.by_tables += operators,
        }
    }
}

/// How a function is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Called {
    /// By its index.
    ByName,
    /// As one of few that an element of a table may be.
    ByTable,
}

/// A function that is small enough.
struct Candidate {
    /// How much it adds, in operators.
    cost: u32,
    /// Whether it calls itself.
    is_recursive: bool,
    /// Whether it calls anything.
    has_calls: bool,
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
        let growth = survey.bodies.iter().map(|facts| {
            let own = facts.operators.saturating_mul(GROWTH_PER_OPERATOR);
            let has_room = facts.operators <= MOST_OPERATORS_WITH_TABLES;
            Growth {
                by_name: own.saturating_add(LEAST_GROWTH).min(MOST_GROWTH),
                by_tables: if has_room { MOST_GROWTH_BY_TABLES } else { 0 },
            }
        });
        let imported = module.imported_functions();
        Inlining { candidates, growth: growth.collect(), imported }
    }

    /// What it costs to translate `callee` in place of a call, if that is to be done. `open` are the functions being translated,
    /// outermost first; `grown` is what those that were translated in place of calls have cost so far.
    pub fn cost(
        &self,
        callee: FuncIndex,
        called: Called,
        open: &[FuncIndex],
        grown: Growth,
    ) -> Option<u32> {
        let candidate = self.candidates.get(&callee)?;
        let depth = open.iter().filter(|&&function| function == callee).count();
        let is_worth_it = match (called, candidate.is_recursive) {
            (Called::ByName, false) => depth == 0,
            // Only in itself, where there is something to win again and again.
            (Called::ByName, true) => (1..=MOST_RECURSION).contains(&depth),
            // One way of several: what it calls would save registers on all of them.
            (Called::ByTable, _) => depth == 0 && !candidate.has_calls,
        };
        let most = self.growth[open[0].index() - self.imported].of(called);
        let fits = open.len() <= MOST_DEPTH && grown.of(called) + candidate.cost <= most;
        (is_worth_it && fits).then_some(candidate.cost)
    }
}

impl Candidate {
    fn new(index: FuncIndex, facts: &Facts) -> Option<Candidate> {
        let is_recursive = facts.calls.binary_search(&index).is_ok();
        let most = if is_recursive { MOST_OPERATORS_OF_RECURSION } else { MOST_OPERATORS };
        let fits =
            facts.operators <= most && facts.locals <= MOST_LOCALS && facts.bytes <= MOST_BYTES;
        let cost = facts.operators + facts.bytes.div_ceil(BYTES_PER_OPERATOR) as u32;
        // What takes long does not notice how it was called, but that it has fewer registers.
        let is_worth_it = !facts.has_busy_loop;
        let candidate = Candidate { cost, is_recursive, has_calls: facts.has_calls };
        (fits && is_worth_it && !facts.has_tail_calls).then_some(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey;

    /// Whether function 0 may be translated in place of a call in the last function, after so much else.
    fn is_inlined(text: &str, grown: u32) -> bool {
        is_inlined_as(Called::ByName, text, grown)
    }

    fn is_inlined_as(called: Called, text: &str, grown: u32) -> bool {
        let wasm = wat::parse_str(format!("(module {text})")).unwrap();
        let module = crate::parse::module(&wasm, &crate::options::Features::default()).unwrap();
        let inlining = Inlining::find(&module, &survey::survey(&module));
        let caller = FuncIndex::from_position(module.functions.len() - 1);
        let grown = Growth { by_name: grown, by_tables: grown };
        inlining.cost(FuncIndex(0), called, &[caller], grown).is_some()
    }

    #[test]
    fn what_is_small_is_part_of_its_caller() {
        assert!(is_inlined("(func (param i32) local.get 0 drop) (func i32.const 1 call 0)", 0));
        // Not for ever.
        assert!(!is_inlined("(func (param i32) local.get 0 drop) (func i32.const 1 call 0)", 50));
    }

    #[test]
    fn what_is_small_and_calls_nothing_is_one_of_few() {
        let is_inlined = |text, grown| is_inlined_as(Called::ByTable, text, grown);
        assert!(is_inlined("(func (param i32) local.get 0 drop) (func i32.const 1 call 0)", 0));
        assert!(!is_inlined("(func (param i32) local.get 0 drop) (func i32.const 1 call 0)", 60));
        assert!(!is_inlined("(func call 1) (func) (func call 0)", 0));
        assert!(!is_inlined("(table 1 funcref) (func i32.const 0 call_indirect) (func call 0)", 0));
        let large = format!("(func) (func {} call 0)", "memory.size drop ".repeat(1000));
        assert!(!is_inlined(&format!("(memory 1) {large}"), 0));
    }

    #[test]
    fn what_takes_long_or_leaves_is_not() {
        assert!(is_inlined("(func loop call 1 end) (func) (func call 0)", 0));
        assert!(!is_inlined("(func loop end) (func call 0)", 0));
        assert!(!is_inlined("(func loop call 1 loop end end) (func) (func call 0)", 0));
        assert!(!is_inlined("(func block call 1 end loop end) (func) (func call 0)", 0));
        assert!(!is_inlined("(func return_call 1) (func) (func call 0)", 0));
    }

    /// Operators that do nothing are not counted, but there may be many of them.
    #[test]
    fn what_does_nothing_may_be_long() {
        let moves = |count: usize| {
            let body = "local.get 0 local.set 0 ".repeat(count);
            format!("(func (local i32) {body}) (func call 0)")
        };
        assert!(is_inlined(&moves(10), 0));
        assert!(!is_inlined(&moves(1000), 0));
    }
}
