//! Values: who names them, and others in their places.
//!
//! In: an optimised function. Out: how often each value is named; or the same function, in which other values are named.
//!
//! Every step has to know this, for every function, so what is here is written to be fast: only the instruction at the end of a block
//! passes values on, and tables are as long as there are values.
//!
//! Always true: what is told of values is told of those that blocks name, not of what Cranelift has left over.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::entity::packed_option::PackedOption;
use cranelift_codegen::ir::function::FunctionStencil;
use cranelift_codegen::ir::{Function, Inst, InstructionData, Value};

/// Whether an instruction passes values on to blocks.
fn is_branch(data: &InstructionData) -> bool {
    matches!(
        data,
        InstructionData::Jump { .. }
            | InstructionData::Brif { .. }
            | InstructionData::BranchTable { .. }
            | InstructionData::TryCall { .. }
            | InstructionData::TryCallIndirect { .. }
    )
}

/// Hands over each value that an instruction names, as often as it does.
#[inline]
pub(super) fn each(func: &Function, inst: Inst, mut take: impl FnMut(Value)) {
    // Most instructions are of these kinds.
    match &func.dfg.insts[inst] {
        InstructionData::Binary { args, .. }
        | InstructionData::IntCompare { args, .. }
        | InstructionData::Store { args, .. } => args.iter().copied().for_each(take),
        InstructionData::Unary { arg, .. } | InstructionData::Load { arg, .. } => take(*arg),
        InstructionData::UnaryImm { .. } => {}
        _ => each_of_any(func, inst, take),
    }
}

fn each_of_any(func: &Function, inst: Inst, mut take: impl FnMut(Value)) {
    let dfg = &func.dfg;
    let data = &dfg.insts[inst];
    if data.exception_table().is_some() {
        return dfg.inst_values(inst).for_each(take);
    }
    data.arguments(&dfg.value_lists).iter().copied().for_each(&mut take);
    if is_branch(data) {
        let ways = data.branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        let args = ways.iter().flat_map(|way| way.args(&dfg.value_lists));
        args.filter_map(|arg| arg.as_value()).for_each(take);
    }
}

/// How often each value is named.
pub(super) fn count_uses(func: &Function) -> SecondaryMap<Value, u32> {
    let mut uses = SecondaryMap::new();
    uses.resize(func.dfg.num_values());
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            each(func, inst, |value| uses[value] += 1);
        }
    }
    uses
}

/// Values, and others that are to be named in their places.
#[derive(Default)]
pub(super) struct Others {
    others: SecondaryMap<Value, PackedOption<Value>>,
    replaced: Vec<Value>,
}

impl Others {
    /// What is to be named in the place of a value.
    pub fn get(&self, value: Value) -> Option<Value> {
        self.others.get(value).and_then(|other| other.expand())
    }

    /// Has another value named in the place of one.
    pub fn insert(&mut self, value: Value, other: Value) {
        if self.others[value].is_none() {
            self.replaced.push(value);
        }
        self.others[value] = other.into();
    }

    /// What is named in the place of a value, and of what takes its place, and so on.
    pub fn last(&self, value: Value) -> Value {
        let mut last = value;
        while let Some(other) = self.get(last) {
            last = other;
        }
        last
    }

    /// Names the last of those that take each other's places.
    pub fn resolve(&mut self) {
        for position in 0..self.replaced.len() {
            let value = self.replaced[position];
            self.others[value] = self.last(value).into();
        }
    }

    /// How many values are replaced.
    pub fn len(&self) -> usize {
        self.replaced.len()
    }

    pub fn is_empty(&self) -> bool {
        self.replaced.is_empty()
    }

    /// Names the others everywhere.
    pub fn replace(&self, func: &mut Function) {
        if self.is_empty() {
            return;
        }
        let FunctionStencil { layout, dfg, .. } = &mut func.stencil;
        for block in layout.blocks() {
            for inst in layout.block_insts(block) {
                if is_branch(&dfg.insts[inst]) {
                    dfg.map_inst_values(inst, |value| self.get(value).unwrap_or(value));
                } else {
                    for arg in dfg.inst_args_mut(inst) {
                        *arg = self.get(*arg).unwrap_or(*arg);
                    }
                }
            }
        }
    }
}
