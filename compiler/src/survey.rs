//! What function bodies do, as far as decisions about the whole module depend on it.
//!
//! In: a module, before anything is translated. Out: for each body what it calls and changes.
//!
//! Always true: of a body that is not valid, anything may be said; it is compiled to nothing.

use std::collections::BTreeSet;

use wasmparser::Operator;
use wootz_runtime::abi::index::{FuncIndex, GlobalIndex, TableIndex};

use crate::parse::{Body, Module};

/// What the bodies of a module do.
pub struct Survey {
    /// By the position of the function among those with a body.
    pub bodies: Vec<Facts>,
    /// Tables of which a body changes elements or size.
    pub changed_tables: BTreeSet<TableIndex>,
    /// Globals that a body sets.
    pub changed_globals: BTreeSet<GlobalIndex>,
}

/// What a body does.
#[derive(Default)]
pub struct Facts {
    /// The functions that it calls by their index, ascending.
    pub calls: Vec<FuncIndex>,
    /// Whether it calls anything, by index or otherwise.
    pub has_calls: bool,
    /// Whether it calls anything last, in place of itself.
    pub has_tail_calls: bool,
    /// How many operators it has that do something.
    pub operators: u32,
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether it has a loop that calls nothing by name: that is where it spends its time.
    pub has_busy_loop: bool,
    /// How many locals it has besides its parameters.
    pub locals: u32,
}

/// What the bodies of a module do.
pub fn survey(module: &Module<'_>) -> Survey {
    let mut survey = Survey {
        bodies: Vec::with_capacity(module.bodies.len()),
        changed_tables: BTreeSet::new(),
        changed_globals: BTreeSet::new(),
    };
    for body in &module.bodies {
        let mut facts = Facts::default();
        // Whatever cannot be read is found when the body is translated.
        let _ = read(body, &mut facts, &mut survey);
        facts.calls.sort_unstable();
        facts.calls.dedup();
        survey.bodies.push(facts);
    }
    survey
}

fn read(body: &Body<'_>, facts: &mut Facts, survey: &mut Survey) -> wasmparser::Result<()> {
    for declaration in body.reader.get_locals_reader()? {
        facts.locals = declaration?.0.saturating_add(facts.locals);
    }
    facts.bytes = body.reader.range().end - body.reader.range().start;
    // For each open block, whether it is a loop; and in how many of them, from the outermost on, something was called.
    let mut open = Vec::new();
    let mut with_calls = 0;
    let mut operators = body.reader.get_operators_reader()?;
    while !operators.eof() {
        match operators.read()? {
            Operator::LocalGet { .. }
            | Operator::LocalSet { .. }
            | Operator::LocalTee { .. }
            | Operator::I32Const { .. }
            | Operator::I64Const { .. }
            | Operator::Nop => continue,
            Operator::Block { .. } => {
                open.push(false);
                continue;
            }
            Operator::End => {
                facts.has_busy_loop |= open.pop() == Some(true) && open.len() >= with_calls;
                with_calls = with_calls.min(open.len());
                continue;
            }
            Operator::If { .. } => open.push(false),
            Operator::Loop { .. } => open.push(true),
            Operator::Call { function_index } => {
                facts.calls.push(FuncIndex(function_index));
                facts.has_calls = true;
                with_calls = open.len();
            }
            Operator::CallIndirect { .. } | Operator::CallRef { .. } => facts.has_calls = true,
            Operator::ReturnCall { function_index } => {
                facts.calls.push(FuncIndex(function_index));
                facts.has_tail_calls = true;
            }
            Operator::ReturnCallIndirect { .. } | Operator::ReturnCallRef { .. } => {
                facts.has_tail_calls = true;
            }
            Operator::TableSet { table }
            | Operator::TableGrow { table }
            | Operator::TableFill { table }
            | Operator::TableInit { table, .. }
            | Operator::TableCopy { dst_table: table, .. } => {
                survey.changed_tables.insert(TableIndex(table));
            }
            Operator::GlobalSet { global_index } => {
                survey.changed_globals.insert(GlobalIndex(global_index));
            }
            _ => {}
        }
        facts.operators += 1;
    }
    Ok(())
}
