//! Fuel of loops whose turns are counted.
//!
//! In: an optimised function that asks for fuel, and its flow graph. Out: the same function with a second way through such loops, on
//! which fuel is charged once.
//!
//! ```text
//!   before ──► header: is there fuel? ──► body: adds what a turn costs ──► behind
//!                  ▲       └─► cold: asks for more ─┘  │
//!                  └────────────────────────────────────┘
//! ```
//!
//! becomes this, if each turn costs the same and the turns can be counted in front of the loop:
//!
//! ```text
//!   before ──► how many turns, and is there fuel for all? ──► turn, again and again ──► behind
//!                  └─► the loop as it was ─────────────────────────────────────────────────┘
//! ```
//!
//! Always true: behind the loop as much fuel is used as on the other way; where not all of it is there, where the turns cannot be
//! counted after all, or are very many, it goes the other way, and so stops at the same turn.

use std::collections::BTreeMap;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, Function, Inst, InstBuilder, InstructionData, Opcode, Value,
    ValueDef, types,
};

use super::loops::{close, constant, copy, is_in_region, lead, step};
use super::turns::{MOST_TURNS, Turns, add, branch, comparison, number, value};
use super::values::count_uses;

/// So many instructions a loop may have at most, for there will be two of it.
const MOST_INSTRUCTIONS: usize = 64;
/// What a turn costs at most, so that products with the number of turns do not wrap around.
const MOST_COST: i64 = 1 << 20;
/// How many instructions are looked at in a function, all of it for each loop, so that time does not grow with the product.
const MOST_LOOKED_AT: usize = 1 << 24;
/// With less turns, if that is known, to count them takes longer.
const LEAST_TURNS: i64 = 4;

/// Charges fuel once in loops whose turns are counted. `is_fuel` says whether a region is the one where fuel is. Returns whether
/// blocks have changed.
pub fn charge_once(
    func: &mut Function,
    cfg: &ControlFlowGraph,
    is_fuel: &dyn Fn(u32) -> bool,
) -> bool {
    let uses = count_uses(func);
    let mut has_changed = false;
    let mut instructions = MOST_LOOKED_AT;
    let blocks: Vec<Block> = func.layout.blocks().collect();
    // What is said of the flow stays true of loops that have not changed yet.
    for header in blocks {
        if let Some(found) = Loop::at(func, cfg, &uses, is_fuel, header) {
            let Some(left) = instructions.checked_sub(func.dfg.num_insts()) else { break };
            instructions = left;
            found.charge_once(func);
            has_changed = true;
        }
    }
    has_changed
}

/// A loop as above.
struct Loop {
    /// The block in front of it, which leads to it only.
    before: Block,
    header: Block,
    cold: Block,
    body: Block,
    /// The block behind it, to which nothing else leads.
    behind: Block,
    /// The position of the fuel among the header's parameters.
    fuel: usize,
    /// What the fuel is behind a turn.
    charged: Value,
    /// What a turn costs.
    cost: i64,
    turns: Turns,
    /// How many turns there are before the last one, if that is known.
    before_last: Option<i64>,
}

impl Loop {
    fn at(
        func: &Function,
        cfg: &ControlFlowGraph,
        uses: &SecondaryMap<Value, u32>,
        is_fuel: &dyn Fn(u32) -> bool,
        header: Block,
    ) -> Option<Loop> {
        let dfg = &func.dfg;
        let block_of = |way: &BlockCall| way.block(&dfg.value_lists);
        // Is there fuel?
        let (question, [no, yes]) = branch(func, header)?;
        let (cold, body) = (block_of(&no), block_of(&yes));
        let (condition, checked, zero) = comparison(func, question)?;
        let is_check = condition == IntCC::SignedGreaterThanOrEqual
            && constant(func, zero) == Some(0)
            && is_out_of_fuel(func, is_fuel, cold, body);
        let fuel = dfg.block_params(header).iter().position(|&param| param == checked)?;
        let &[counted] = dfg.block_params(body) else { return None };
        // One way round.
        let (goes_on, ways) = branch(func, body)?;
        let goes_on_if = block_of(&ways[0]) == header;
        let [back, out] = if goes_on_if { ways } else { [ways[1], ways[0]] };
        let behind = block_of(&out);
        if !is_check || block_of(&back) != header || behind == header {
            return None;
        }
        let mut outside = cfg.pred_iter(header).map(|pred| pred.block).filter(|&it| it != body);
        let before = outside.next()?;
        let preds = |block| cfg.pred_iter(block).count();
        let is_alone = [header, cold, body, behind].map(preds) == [2, 1, 2, 1]
            && matches!(dfg.insts[func.layout.last_inst(before)?], InstructionData::Jump { .. });
        // Each turn costs the same, and nobody else asks for the fuel in there, or changes it.
        let charged = value(func, &back, fuel)?;
        let cost = step(func, counted, charged)?;
        let insts = || [header, body].into_iter().flat_map(|block| func.layout.block_insts(block));
        let is_able = insts().count() <= MOST_INSTRUCTIONS
            && insts().all(|inst| {
                !dfg.insts[inst].opcode().is_call() && !is_in_region(func, is_fuel, inst)
            })
            && (0..=MOST_COST).contains(&cost)
            && [checked, counted, question].map(|value| uses[value]) == [3, 1, 1];
        let is_inside = |value| {
            let block = match dfg.value_def(value) {
                ValueDef::Param(block, _) => Some(block),
                definition => definition.inst().and_then(|inst| func.layout.inst_block(inst)),
            };
            [header, cold, body].into_iter().any(|it| Some(it) == block)
        };
        let turns = Turns::of(func, header, &back, (goes_on, goes_on_if), &is_inside)?;
        let first = passed_number(func, before, turns.counter);
        let known = first.and_then(|first| turns.known(first));
        if let Some(before_last) = known {
            (LEAST_TURNS - 1..MOST_TURNS).contains(&before_last?).then_some(())?;
        }
        let before_last = known.flatten();
        (is_alone && is_able).then_some(Loop {
            before,
            header,
            cold,
            body,
            behind,
            fuel,
            charged,
            cost,
            turns,
            before_last,
        })
    }

    fn charge_once(&self, func: &mut Function) {
        let inside = [self.header, self.cold, self.body];
        close(func, &inside, self.body, self.behind, |block| !inside.contains(&block));
        let (decide, turn) = (func.dfg.make_block(), func.dfg.make_block());
        func.layout.insert_block_after(decide, self.before);
        func.layout.insert_block_after(turn, decide);
        let params = func.dfg.block_params(self.header).to_vec();
        let used = self.decide(func, &params, decide, turn);
        // The same as a turn has been, but for what is about fuel.
        let mut now = BTreeMap::from([(self.charged, used)]);
        for (position, param) in params.into_iter().enumerate() {
            if position != self.fuel {
                let ty = func.dfg.value_type(param);
                now.insert(param, func.dfg.append_block_param(turn, ty));
            }
        }
        let check = func.layout.last_inst(self.header).expect("it ends with a branch");
        let question = func.dfg.value_def(func.dfg.inst_args(check)[0]).inst();
        let charge = func.dfg.value_def(self.charged).inst();
        let is_kept = |inst: &Inst| ![Some(check), question, charge].contains(&Some(*inst));
        let blocks = [self.header, self.body].into_iter();
        let insts: Vec<Inst> =
            blocks.flat_map(|block| func.layout.block_insts(block)).filter(is_kept).collect();
        for inst in insts {
            let copy = copy(func, inst, turn, &mut now);
            lead(func, copy, self.header, turn, Some(self.fuel));
        }
        func.layout.set_cold(self.header);
        func.layout.set_cold(self.body);
    }

    /// Fills the block that decides which way to go. Returns how much fuel is used behind the loop.
    fn decide(&self, func: &mut Function, params: &[Value], decide: Block, turn: Block) -> Value {
        let jump = func.layout.last_inst(self.before).expect("it ends with a jump");
        let position = func.srcloc(jump);
        lead(func, jump, self.header, decide, None);
        let given: Vec<Value> = params
            .iter()
            .map(|&param| {
                let ty = func.dfg.value_type(param);
                func.dfg.append_block_param(decide, ty)
            })
            .collect();
        let mut cursor = FuncCursor::new(func).at_bottom(decide).with_srcloc(position);
        let (others, are_counted) = match self.before_last {
            Some(turns) => (number(&mut cursor, types::I64, turns * self.cost), None),
            None => {
                let (turns, are_counted) = self.turns.count(&mut cursor, given[self.turns.counter]);
                let cost = cursor.ins().iconst(types::I64, self.cost);
                (cursor.ins().imul(turns, cost), are_counted)
            }
        };
        // There is a turn as long as there is fuel in front of it.
        let last = cursor.ins().iadd(given[self.fuel], others);
        let used = add(&mut cursor, last, self.cost);
        let zero = cursor.ins().iconst(types::I64, 0);
        let is_enough = cursor.ins().icmp(IntCC::SignedLessThan, last, zero);
        let is_able = match are_counted {
            Some(are_counted) => cursor.ins().band(are_counted, is_enough),
            None => is_enough,
        };
        let slowly: Vec<BlockArg> = given.iter().map(|&value| value.into()).collect();
        let mut at_once = slowly.clone();
        at_once.remove(self.fuel);
        cursor.ins().brif(is_able, turn, &at_once, self.header, &slowly);
        used
    }
}

/// The number that the jump at the end of a block passes to a parameter, by its position.
fn passed_number(func: &Function, block: Block, position: usize) -> Option<i64> {
    match &func.dfg.insts[func.layout.last_inst(block)?] {
        InstructionData::Jump { destination, .. } => {
            constant(func, value(func, destination, position)?)
        }
        _ => None,
    }
}

/// Whether a block asks for more fuel, and then goes on.
fn is_out_of_fuel(
    func: &Function,
    is_fuel: &dyn Fn(u32) -> bool,
    block: Block,
    go_on: Block,
) -> bool {
    let insts: Vec<Inst> = func.layout.block_insts(block).collect();
    let [store, call, load, jump] = insts[..] else { return false };
    let opcodes = [store, call, load].map(|inst| func.dfg.insts[inst].opcode());
    let leads_there = match &func.dfg.insts[jump] {
        InstructionData::Jump { destination, .. } => {
            destination.block(&func.dfg.value_lists) == go_on
        }
        _ => false,
    };
    opcodes == [Opcode::Store, Opcode::Call, Opcode::Load]
        && [store, load].into_iter().all(|inst| is_in_region(func, is_fuel, inst))
        && leads_there
}
