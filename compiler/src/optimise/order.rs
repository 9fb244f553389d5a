//! The order of what is computed: so that less has to be kept in registers.
//!
//! In: an optimised function, and how often each value is named. Out: the same function with the same blocks, whose instructions
//! have another order.
//!
//! Cranelift computes what only computes where it is needed: in front of a store, a call or a branch. By then all that it is made of has been
//! loaded, and is in registers. So here what is made of two values that nothing else needs comes right behind the later of these: one
//! register is free again, and if that one is loaded, processors which can do so load it by the same instruction.
//!
//! Always true: only instructions without effects move, and only towards the beginning of their block. What is alive at a place is never more
//! than before.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Block, Function, Inst, InstructionData, Value, ValueDef, types};

use super::loops::has_effects;

/// How deep what moves along is looked at: mostly a constant, or a number that is extended.
const MOST_DEPTH: usize = 3;

/// Computes early what ends two values.
pub fn compute_early(func: &mut Function, uses: &SecondaryMap<Value, u32>) {
    let mut block = func.layout.entry_block();
    while let Some(current) = block {
        block = func.layout.next_block(current);
        let mut next = func.layout.first_inst(current);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            let moving = Moving { uses, block: current };
            if moving.is_movable(func, inst) && moving.ended(func, inst) >= 2 {
                let behind = moving.earliest(func, inst, MOST_DEPTH);
                moving.place(func, inst, behind);
            }
        }
    }
}

/// What is known where an instruction may move.
struct Moving<'a> {
    uses: &'a SecondaryMap<Value, u32>,
    block: Block,
}

impl Moving<'_> {
    /// Whether an instruction computes one value, where it is. Comparisons are made where they are asked for.
    fn is_movable(&self, func: &Function, inst: Inst) -> bool {
        let data = &func.dfg.insts[inst];
        let is_comparison = matches!(
            data,
            InstructionData::IntCompare { .. } | InstructionData::FloatCompare { .. }
        );
        if is_comparison || has_effects(func, inst) {
            return false;
        }
        match func.dfg.inst_results(inst) {
            &[result] => func.dfg.value_type(result) != types::I128,
            _ => false,
        }
    }

    /// How many values that are made in this block are needed by an instruction only.
    fn ended(&self, func: &Function, inst: Inst) -> usize {
        let is_ended = |&&value: &&Value| {
            self.uses[value] == 1
                && match func.dfg.value_def(value) {
                    ValueDef::Result(from, _) => {
                        func.layout.inst_block(from) == Some(self.block) && !is_constant(func, from)
                    }
                    ValueDef::Param(block, _) => block == self.block,
                    ValueDef::Union(..) => false,
                }
        };
        func.dfg.inst_args(inst).iter().filter(is_ended).count()
    }

    /// The last instruction that must come before one, if what that needs moves along where nothing more is alive for it.
    fn earliest(&self, func: &Function, inst: Inst, depth: usize) -> Option<Inst> {
        let args = func.dfg.inst_args(inst).iter();
        let made = args.filter_map(|&arg| self.made_by(func, arg));
        let made = made.filter_map(|from| match self.moves_along(func, from, depth) {
            true => self.earliest(func, from, depth - 1),
            false => Some(from),
        });
        made.max_by(|&one, &other| func.layout.pp_cmp(one, other))
    }

    /// The instruction of this block that makes a value.
    fn made_by(&self, func: &Function, value: Value) -> Option<Inst> {
        let inst = func.dfg.value_def(value).inst()?;
        (func.layout.inst_block(inst) == Some(self.block)).then_some(inst)
    }

    fn moves_along(&self, func: &Function, inst: Inst, depth: usize) -> bool {
        depth > 0
            && (is_constant(func, inst)
                || self.is_movable(func, inst) && self.ended(func, inst) >= 1)
    }

    /// Moves an instruction behind another one, or to the beginning of the block, with all that it needs and is not there yet. Returns the
    /// last that is there now.
    fn place(&self, func: &mut Function, inst: Inst, mut behind: Option<Inst>) -> Option<Inst> {
        let is_there = |func: &Function, inst: Inst, behind: Option<Inst>| {
            behind.is_some_and(|behind| func.layout.pp_cmp(inst, behind).is_le())
        };
        for position in 0..func.dfg.inst_args(inst).len() {
            let from = self.made_by(func, func.dfg.inst_args(inst)[position]);
            if let Some(from) = from.filter(|&from| !is_there(func, from, behind)) {
                behind = self.place(func, from, behind);
            }
        }
        if func.layout.prev_inst(inst) != behind {
            func.layout.remove_inst(inst);
            let before = match behind {
                Some(behind) => func.layout.next_inst(behind),
                None => func.layout.first_inst(self.block),
            };
            func.layout.insert_inst(inst, before.expect("blocks end with a branch"));
        }
        Some(inst)
    }
}

/// Whether an instruction makes a number that is made again wherever it is needed, so that it does not matter where it is. Vectors are not.
pub(super) fn is_constant(func: &Function, inst: Inst) -> bool {
    matches!(
        func.dfg.insts[inst],
        InstructionData::UnaryImm { .. }
            | InstructionData::UnaryIeee32 { .. }
            | InstructionData::UnaryIeee64 { .. }
    )
}
