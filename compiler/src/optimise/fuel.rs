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
use std::ops::RangeInclusive;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, Function, Inst, InstBuilder, InstructionData, Opcode, Type, Value,
    ValueDef, types,
};

use super::loops::{constant, count_uses, immediate, pass, step};

/// So many instructions a loop may have at most, for there will be two of it.
const MOST_INSTRUCTIONS: usize = 64;
/// What a turn costs at most, so that products with the number of turns do not wrap around.
const MOST_COST: i64 = 1 << 20;
/// How many turns are charged at once at most.
const MOST_TURNS: i64 = 1 << 32;
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
        let mut turns = Turns::of(func, header, &back, (goes_on, goes_on_if), &is_inside)?;
        turns.start = passed_number(func, before, turns.counter);
        if let Some(before_last) = turns.known() {
            (LEAST_TURNS - 1..MOST_TURNS).contains(&before_last?).then_some(())?;
        }
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
        })
    }

    fn charge_once(&self, func: &mut Function) {
        self.close(func);
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
            let copy = func.dfg.clone_inst(inst);
            func.layout.append_inst(copy, turn);
            func.set_srcloc(copy, func.srcloc(inst));
            lead(func, copy, self.header, turn, Some(self.fuel));
            func.dfg.map_inst_values(copy, |value| now.get(&value).copied().unwrap_or(value));
            let [old, new] = [inst, copy].map(|inst| func.dfg.inst_results(inst).to_vec());
            now.extend(old.into_iter().zip(new));
        }
        func.layout.set_cold(self.header);
        func.layout.set_cold(self.body);
    }

    /// Makes what is made in the loop, and needed behind it, parameters of the block behind.
    fn close(&self, func: &mut Function) {
        let inside = [self.header, self.cold, self.body];
        let mut names: BTreeMap<Value, Option<Value>> = BTreeMap::new();
        for block in inside {
            let results = func.layout.block_insts(block).flat_map(|it| func.dfg.inst_results(it));
            let made = func.dfg.block_params(block).iter().chain(results);
            names.extend(made.map(|&value| (value, None)));
        }
        let blocks = func.layout.blocks().filter(|block| !inside.contains(block));
        let insts: Vec<Inst> = blocks.flat_map(|block| func.layout.block_insts(block)).collect();
        for inst in insts {
            let values: Vec<Value> = func.dfg.inst_values(inst).collect();
            for value in values {
                if names.get(&value) == Some(&None) {
                    names.insert(value, Some(pass(func, self.body, self.behind, value)));
                }
            }
            let name = |value| names.get(&value).copied().flatten().unwrap_or(value);
            func.dfg.map_inst_values(inst, name);
        }
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
        let (before_last, are_counted) = self.turns.count(&mut cursor, given[self.turns.counter]);
        let others = match constant(cursor.func, before_last) {
            Some(turns) => number(&mut cursor, types::I64, turns * self.cost),
            None => {
                let cost = cursor.ins().iconst(types::I64, self.cost);
                cursor.ins().imul(before_last, cost)
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

/// How many turns a loop has.
struct Turns {
    /// The position of the counter among the header's parameters.
    counter: usize,
    /// What the counter is at first, if that is known.
    start: Option<i64>,
    ty: Type,
    step: i64,
    /// Whether the counter is compared as it is in the next turn.
    is_next: bool,
    /// It goes on as long as this is so of the counter and the bound.
    condition: IntCC,
    bound: Bound,
}

/// What a counter is compared with.
enum Bound {
    Number(i64),
    /// Something from outside of the loop.
    Value(Value),
}

impl Turns {
    /// How the turns are counted, if they can be. The loop goes `back` if a value is not zero, or if it is.
    fn of(
        func: &Function,
        header: Block,
        back: &BlockCall,
        (goes_on, if_not_zero): (Value, bool),
        is_inside: &dyn Fn(Value) -> bool,
    ) -> Option<Turns> {
        let (condition, left, right) = match comparison(func, goes_on) {
            Some((condition, left, right)) => (condition, left, Some(right)),
            None => (IntCC::NotEqual, goes_on, None),
        };
        let condition = if if_not_zero { condition } else { condition.complement() };
        let sides = [(Some(left), condition, right), (right, condition.swap_args(), Some(left))];
        for (position, &param) in func.dfg.block_params(header).iter().enumerate() {
            let Some(next) = value(func, back, position) else { continue };
            let ty = func.dfg.value_type(param);
            let Some(step) = step(func, param, next).map(|step| signed(ty, step)) else { continue };
            for (counted, condition, bound) in sides {
                if counted != Some(param) && counted != Some(next) {
                    continue;
                }
                let bound = match bound.map(|bound| (bound, constant(func, bound))) {
                    None => Bound::Number(0),
                    Some((_, Some(number))) => Bound::Number(number),
                    Some((bound, None)) if is_inside(bound) => continue,
                    Some((bound, None)) => Bound::Value(bound),
                };
                let is_next = counted == Some(next);
                let (counter, start) = (position, None);
                let turns = Turns { counter, start, ty, step, is_next, condition, bound };
                return turns.are_counted().then_some(turns);
            }
        }
        None
    }

    fn are_counted(&self) -> bool {
        // The least number has no size.
        self.step.checked_abs().is_some_and(|size| size.unsigned_abs().is_power_of_two())
            && match self.condition {
                IntCC::NotEqual => matches!(self.ty, types::I32 | types::I64),
                IntCC::SignedLessThan | IntCC::UnsignedLessThan => {
                    self.ty == types::I32 && self.step > 0
                }
                IntCC::SignedGreaterThan | IntCC::UnsignedGreaterThan => {
                    self.ty == types::I32 && self.step < 0
                }
                _ => false,
            }
    }

    /// How many turns there are before the last one, if the counter's bounds are known; nothing in there if they are not counted.
    fn known(&self) -> Option<Option<i64>> {
        let Bound::Number(bound) = self.bound else { return None };
        let (start, size) = (self.start?, self.step.abs());
        let first_step = if self.is_next { self.step } else { 0 };
        let ascends = self.step > 0;
        let way = |start: i64, bound: i64| match ascends {
            true => bound.wrapping_sub(start),
            false => start.wrapping_sub(bound),
        };
        let beyond = |start: i64, bound: i64, range: RangeInclusive<i64>| {
            let start = start + first_step;
            let furthest = if ascends { bound + size - 1 } else { bound - (size - 1) };
            let is_counted = range.contains(&start) && range.contains(&furthest);
            is_counted.then(|| (way(start, bound).max(0) + size - 1) / size)
        };
        Some(match self.condition {
            IntCC::NotEqual => {
                let way = way(start.wrapping_add(first_step), bound);
                let way = if self.ty == types::I32 { i64::from(way as u32) } else { way };
                (way >= 0 && way % size == 0).then_some(way / size)
            }
            IntCC::SignedLessThan | IntCC::SignedGreaterThan => {
                let [start, bound] = [start, bound].map(|number| i64::from(number as i32));
                beyond(start, bound, i64::from(i32::MIN)..=i64::from(i32::MAX))
            }
            _ => {
                let [start, bound] = [start, bound].map(|number| i64::from(number as u32));
                beyond(start, bound, 0..=i64::from(u32::MAX))
            }
        })
    }

    /// How many turns there are before the last one, and whether that is true, if that is not certain. `first` is what the counter
    /// is in the first.
    fn count(&self, cursor: &mut FuncCursor<'_>, first: Value) -> (Value, Option<Value>) {
        if let Some(Some(before_last)) = self.known() {
            return (number(cursor, types::I64, before_last), None);
        }
        let bound = match self.bound {
            Bound::Number(bound) => number(cursor, self.ty, bound),
            Bound::Value(value) => value,
        };
        let first_step = if self.is_next { self.step } else { 0 };
        match self.condition {
            IntCC::NotEqual => {
                let start = add(cursor, first, first_step);
                let way = match self.bound {
                    _ if self.step > 0 => cursor.ins().isub(bound, start),
                    Bound::Number(bound) => add(cursor, start, bound.wrapping_neg()),
                    Bound::Value(bound) => cursor.ins().isub(start, bound),
                };
                self.count_to(cursor, way)
            }
            IntCC::SignedLessThan | IntCC::SignedGreaterThan => {
                let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
                let [first, bound] =
                    [first, bound].map(|value| cursor.ins().sextend(types::I64, value));
                let start = add(cursor, first, first_step);
                self.count_beyond(cursor, start, bound, range)
            }
            _ => {
                let range = 0..=i64::from(u32::MAX);
                let [first, bound] =
                    [first, bound].map(|value| cursor.ins().uextend(types::I64, value));
                let start = add(cursor, first, first_step);
                self.count_beyond(cursor, start, bound, range)
            }
        }
    }

    /// The turns up to where the counter meets the bound.
    fn count_to(&self, cursor: &mut FuncCursor<'_>, way: Value) -> (Value, Option<Value>) {
        let is_narrow = self.ty == types::I32;
        let way = if is_narrow { cursor.ins().uextend(types::I64, way) } else { way };
        let turns = self.steps(cursor, way);
        let meets = (self.step.abs() > 1).then(|| {
            let mask = number(cursor, types::I64, self.step.abs() - 1);
            let rest = cursor.ins().band(way, mask);
            let zero = number(cursor, types::I64, 0);
            cursor.ins().icmp(IntCC::Equal, rest, zero)
        });
        let are_few = (!is_narrow).then(|| {
            let most = number(cursor, types::I64, MOST_TURNS);
            cursor.ins().icmp(IntCC::UnsignedLessThan, turns, most)
        });
        let are_counted = match (meets, are_few) {
            (Some(meets), Some(are_few)) => Some(cursor.ins().band(meets, are_few)),
            (meets, are_few) => meets.or(are_few),
        };
        (turns, are_counted)
    }

    /// The turns up to where the counter has come to the bound or beyond it. With 64 bits nothing wraps around here; `range` is what
    /// the counter itself may be without.
    fn count_beyond(
        &self,
        cursor: &mut FuncCursor<'_>,
        start: Value,
        bound: Value,
        range: RangeInclusive<i64>,
    ) -> (Value, Option<Value>) {
        let ascends = self.step > 0;
        let (more, less) = if ascends { (bound, start) } else { (start, bound) };
        let way = cursor.ins().isub(more, less);
        let zero = number(cursor, types::I64, 0);
        let way = cursor.ins().smax(way, zero);
        let beyond = self.step.abs() - 1;
        let rounded = add(cursor, way, beyond);
        let turns = self.steps(cursor, rounded);
        let does_not_wrap = match ascends {
            true => {
                let furthest = add(cursor, bound, beyond);
                let furthest = cursor.ins().smax(start, furthest);
                let most = number(cursor, types::I64, *range.end());
                cursor.ins().icmp(IntCC::SignedLessThanOrEqual, furthest, most)
            }
            false => {
                let furthest = add(cursor, bound, -beyond);
                let furthest = cursor.ins().smin(start, furthest);
                let least = number(cursor, types::I64, *range.start());
                cursor.ins().icmp(IntCC::SignedGreaterThanOrEqual, furthest, least)
            }
        };
        (turns, Some(does_not_wrap))
    }

    /// How many steps a way is.
    fn steps(&self, cursor: &mut FuncCursor<'_>, way: Value) -> Value {
        match self.step.unsigned_abs().trailing_zeros() {
            0 => way,
            bits => {
                let bits = number(cursor, types::I64, bits.into());
                cursor.ins().ushr(way, bits)
            }
        }
    }
}

/// The sum of a value and a number.
fn add(cursor: &mut FuncCursor<'_>, value: Value, number: i64) -> Value {
    if number == 0 {
        return value;
    }
    let ty = cursor.func.dfg.value_type(value);
    let number = self::number(cursor, ty, number);
    cursor.ins().iadd(value, number)
}

fn number(cursor: &mut FuncCursor<'_>, ty: Type, number: i64) -> Value {
    cursor.ins().iconst(ty, immediate(ty, number))
}

/// A constant as `iconst` has it, as a signed number.
fn signed(ty: Type, number: i64) -> i64 {
    match ty {
        types::I32 => i64::from(number as i32),
        _ => number,
    }
}

/// What a block that ends with a decision decides by, and where it goes if that is not zero, and if it is.
fn branch(func: &Function, block: Block) -> Option<(Value, [BlockCall; 2])> {
    match func.dfg.insts[func.layout.last_inst(block)?] {
        InstructionData::Brif { arg, blocks, .. } => Some((arg, blocks)),
        _ => None,
    }
}

/// Has a branch that leads to a block lead to another one, without what is passed at a position.
fn lead(func: &mut Function, branch: Inst, from: Block, to: Block, without: Option<usize>) {
    let dfg = &mut func.dfg;
    let ways =
        dfg.insts[branch].branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
    for way in ways {
        if way.block(&dfg.value_lists) != from {
            continue;
        }
        way.set_block(to, &mut dfg.value_lists);
        if let Some(position) = without {
            way.remove(position, &mut dfg.value_lists);
        }
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

/// What is passed to a parameter, by its position.
fn value(func: &Function, way: &BlockCall, position: usize) -> Option<Value> {
    way.args(&func.dfg.value_lists).nth(position)?.as_value()
}

fn comparison(func: &Function, value: Value) -> Option<(IntCC, Value, Value)> {
    match func.dfg.insts[func.dfg.value_def(value).inst()?] {
        InstructionData::IntCompare { opcode: Opcode::Icmp, args, cond } => {
            Some((cond, args[0], args[1]))
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

/// Whether an instruction accesses what is in a region.
fn is_in_region(func: &Function, is_it: &dyn Fn(u32) -> bool, inst: Inst) -> bool {
    let region = func.dfg.insts[inst].alias_region(&func.dfg);
    region.is_some_and(|region| is_it(func.dfg.alias_regions[region].user_id))
}
