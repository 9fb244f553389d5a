//! The epoch in loops.
//!
//! In: an optimised function that looks at the epoch once in many turns, and its flow graph. Out: the same function with small loops that
//! count several turns as one.
//!
//! ```text
//!   before ──► turn ──► behind
//!               ▲ │
//!               │ └─► question: is any left? ──┐
//!               │         └─► cold: looks at the epoch
//!               └──────────────┴───────────────┘
//! ```
//!
//! becomes
//!
//! ```text
//!   before ──► turn ──► turn ──► turn ──► turn ──► behind, from each of them
//!               ▲                           │
//!               │                           └─► question: is any left? ──┐
//!               │                                   └─► cold: looks at the epoch
//!               └────────────────────────────────────────┴───────────────┘
//! ```
//!
//! Always true: a turn does what it did, and asks whether to go on.

use std::collections::BTreeMap;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, Function, Inst, InstBuilder, InstructionData, Opcode, Value, types,
};

use super::loops::{close, constant, copy, has_effects, is_in_region, redirect, step};
use super::turns::{branch, comparison, value};

/// How many turns there are at most.
const MOST_TURNS: usize = 4;
/// And how many instructions in all of them.
const MOST_INSTRUCTIONS: usize = 64;
/// How many instructions are looked at in a function, all of it for each loop, so that time does not grow with the product.
const MOST_LOOKED_AT: usize = 1 << 24;

/// What asks whether turns are left until the epoch is looked at, behind the only turn of a loop that may be followed by another one.
pub struct Question {
    /// The block that asks.
    pub block: Block,
    /// Where the next turn begins.
    pub header: Block,
    /// The way there.
    pub back: BlockCall,
    /// The position of what is left among the header's parameters.
    pub left: usize,
    /// Where the epoch is looked at, if none is left.
    pub asks: Block,
    /// This, and where the host is asked.
    pub cold: Vec<Block>,
    /// The branch that leads here.
    pub from: Inst,
}

impl Question {
    /// The question that a block asks, if it does. `is_epoch` says whether a region is the one where the epoch is.
    pub fn at(
        func: &Function,
        cfg: &ControlFlowGraph,
        is_epoch: &dyn Fn(u32) -> bool,
        block: Block,
    ) -> Option<Question> {
        let (still_left, [back, _], asks) = question(func, is_epoch, block)?;
        let dfg = &func.dfg;
        let header = back.block(&dfg.value_lists);
        let counts = |&position: &usize| {
            let param = dfg.block_params(header)[position];
            value(func, &back, position) == Some(still_left)
                && step(func, param, still_left).is_some_and(|by| by as i32 == -1)
        };
        let left = (0..dfg.block_params(header).len()).find(counts)?;
        let mut before = cfg.pred_iter(block);
        let (Some(from), None) = (before.next(), before.next()) else { return None };
        let cold: Vec<Block> = cfg
            .pred_iter(header)
            .map(|pred| pred.block)
            .filter(|&pred| func.layout.is_cold(pred))
            .collect();
        let is_question = dfg.block_params(block).is_empty() && cold.contains(&asks);
        let from = from.inst;
        is_question.then_some(Question { block, header, back, left, asks, cold, from })
    }
}

/// What a block asks by: what is left, its ways, and where the epoch is looked at.
fn question(
    func: &Function,
    is_epoch: &dyn Fn(u32) -> bool,
    block: Block,
) -> Option<(Value, [BlockCall; 2], Block)> {
    let (still_left, ways) = branch(func, block)?;
    let asks = ways[1].block(&func.dfg.value_lists);
    let first = func.layout.first_inst(asks)?;
    let is_question = func.layout.is_cold(asks) && is_in_region(func, is_epoch, first);
    is_question.then_some((still_left, ways, asks))
}

/// Makes what a turn computes, and only the next one needs, where the turn is made, and not where it is asked. Has questions lie behind
/// what leads to them, and not behind what follows the loop, which depends on the order of a branch's ways.
pub fn gather(func: &mut Function, cfg: &ControlFlowGraph, is_epoch: &dyn Fn(u32) -> bool) {
    let mut has_aliases = false;
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for block in blocks {
        let Some((still_left, ..)) = question(func, is_epoch, block) else { continue };
        for before in cfg.pred_iter(block) {
            lead_on(func, before.inst, block);
        }
        let mut before = cfg.pred_iter(block);
        let (Some(from), None) = (before.next(), before.next()) else { continue };
        let Some(counting) = func.dfg.value_def(still_left).inst() else { continue };
        // What is computed of parameters is computed there.
        if !func.dfg.block_params(block).is_empty() {
            continue;
        }
        let insts: Vec<Inst> = func.layout.block_insts(block).collect();
        for inst in insts {
            if inst == counting || has_effects(func, inst) {
                continue;
            }
            func.layout.remove_inst(inst);
            // Cheap sums are made again in each block that needs them.
            let mut there = func.layout.block_insts(from.block);
            match there.find(|&other| are_same(func, inst, other)) {
                Some(other) => {
                    let [value, same] = [inst, other].map(|inst| func.dfg.first_result(inst));
                    func.dfg.clear_results(inst);
                    func.dfg.change_to_alias(value, same);
                    has_aliases = true;
                }
                None => func.layout.insert_inst(inst, from.inst),
            }
        }
        // A constant is made where it is needed.
        for position in 0..func.dfg.inst_args(counting).len() {
            let arg = func.dfg.inst_args(counting)[position];
            if let Some(number) = constant(func, arg) {
                let place = func.srcloc(counting);
                let mut cursor = FuncCursor::new(func).at_inst(counting).with_srcloc(place);
                let number = cursor.ins().iconst(types::I32, number);
                func.dfg.inst_args_mut(counting)[position] = number;
            }
        }
    }
    if has_aliases {
        func.dfg.resolve_all_aliases();
    }
}

/// Whether two instructions compute the same of the same, as far as that is seen at once.
fn are_same(func: &Function, one: Inst, other: Inst) -> bool {
    let dfg = &func.dfg;
    let parts = |inst: Inst| {
        let result = dfg.inst_results(inst).first().copied();
        let ty = result.map(|result| dfg.value_type(result));
        (dfg.insts[inst].opcode(), ty, result.and_then(|result| constant(func, result)))
    };
    let resolve = |value: &Value| dfg.resolve_aliases(*value);
    let args = |inst: Inst| dfg.inst_args(inst).iter().map(resolve);
    let is_plain = matches!(
        dfg.insts[one],
        InstructionData::UnaryImm { .. }
            | InstructionData::Unary { .. }
            | InstructionData::Binary { .. }
    );
    is_plain && parts(one) == parts(other) && args(one).eq(args(other))
}

/// Makes the way to a block that a branch takes on a condition its other one.
fn lead_on(func: &mut Function, branch: Inst, block: Block) {
    let InstructionData::Brif { arg: condition, blocks: [yes, no], .. } = func.dfg.insts[branch]
    else {
        return;
    };
    if yes.block(&func.dfg.value_lists) != block || no.block(&func.dfg.value_lists) == block {
        return;
    }
    let compared = comparison(func, condition);
    let position = func.srcloc(branch);
    let mut cursor = FuncCursor::new(func).at_inst(branch).with_srcloc(position);
    let opposite = match compared {
        Some((is, left, right)) => cursor.ins().icmp(is.complement(), left, right),
        None => cursor.ins().icmp_imm_u(IntCC::Equal, condition, 0),
    };
    if let InstructionData::Brif { arg, blocks, .. } = &mut func.dfg.insts[branch] {
        *arg = opposite;
        blocks.swap(0, 1);
    }
}

/// Lets small loops count several turns as one. Returns whether blocks have changed.
pub fn count_less(
    func: &mut Function,
    cfg: &ControlFlowGraph,
    is_epoch: &dyn Fn(u32) -> bool,
) -> bool {
    let mut has_changed = false;
    let mut instructions = MOST_LOOKED_AT;
    let blocks: Vec<Block> = func.layout.blocks().collect();
    // What is said of the flow stays true of loops that have not changed yet.
    for block in blocks {
        if let Some(found) = Loop::at(func, cfg, is_epoch, block) {
            let Some(left) = instructions.checked_sub(func.dfg.num_insts()) else { break };
            instructions = left;
            found.count_less(func);
            has_changed = true;
        }
    }
    has_changed
}

/// A loop as above.
struct Loop {
    question: Question,
    /// The block behind it, to which nothing else leads.
    behind: Block,
    /// What a turn computes.
    insts: Vec<Inst>,
    /// How many turns there are to be.
    turns: usize,
}

impl Loop {
    fn at(
        func: &Function,
        cfg: &ControlFlowGraph,
        is_epoch: &dyn Fn(u32) -> bool,
        block: Block,
    ) -> Option<Loop> {
        let dfg = &func.dfg;
        let question = Question::at(func, cfg, is_epoch, block)?;
        let header = question.header;
        // One way round.
        let (_, ways) = branch(func, header)?;
        let [yes, no] = ways.map(|way| way.block(&dfg.value_lists));
        let behind = if yes == block { no } else { yes };
        // Where more leads to the first turn, few turns are left: most are made by vectors.
        let is_round = func.layout.last_inst(header) == Some(question.from)
            && cfg.pred_iter(header).count() == 2 + question.cold.len()
            && ![block, header].contains(&behind)
            && cfg.pred_iter(behind).count() == 1;
        let insts: Vec<Inst> = func.layout.block_insts(header).collect();
        let opcodes = || insts.iter().map(|&inst| dfg.insts[inst].opcode());
        let size = opcodes().filter(|&opcode| opcode != Opcode::Iconst).count();
        let turns = (MOST_INSTRUCTIONS / size).min(MOST_TURNS);
        let is_able = is_round && turns > 1 && !opcodes().any(|opcode| opcode.is_call());
        is_able.then_some(Loop { question, behind, insts, turns })
    }

    fn count_less(&self, func: &mut Function) {
        let Question { block, header, left, ref back, ref cold, from, .. } = self.question;
        let params = func.dfg.block_params(header).to_vec();
        // What is passed on to the next turn.
        let next: Vec<Value> = (0..params.len())
            .filter(|&position| position != left)
            .map(|position| value(func, back, position).expect("each gets a value"))
            .collect();
        let asking = [&[block], &cold[..]].concat();
        let inside = [header];
        close(func, &inside, header, block, |it| asking.contains(&it));
        let is_behind = |it| it != header && !asking.contains(&it);
        close(func, &inside, header, self.behind, is_behind);
        let mut last = header;
        let mut now = BTreeMap::new();
        let mut branches = vec![from];
        let mut ways = Vec::new();
        for _ in 1..self.turns {
            let turn = func.dfg.make_block();
            func.layout.insert_block_after(turn, last);
            last = turn;
            let given = next.iter().map(|value| now.get(value).copied().unwrap_or(*value));
            let given: Vec<BlockArg> = given.map(BlockArg::Value).collect();
            ways.push(BlockCall::new(turn, given, &mut func.dfg.value_lists));
            now.clear();
            for (position, &param) in params.iter().enumerate() {
                if position != left {
                    let ty = func.dfg.value_type(param);
                    now.insert(param, func.dfg.append_block_param(turn, ty));
                }
            }
            for &inst in &self.insts {
                let copied = copy(func, inst, turn, &mut now);
                if inst == from {
                    branches.push(copied);
                }
            }
        }
        // Only the last one asks.
        for (branch, way) in branches.into_iter().zip(ways) {
            redirect(func, branch, block, way);
        }
    }
}
