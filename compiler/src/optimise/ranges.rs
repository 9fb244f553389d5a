//! Ranges: between which bounds numbers lie.
//!
//! In: an optimised function, its flow graph, dominators and loops. Out: for a value, bounds that hold wherever it is defined.
//!
//! What is known is what operators say by themselves (a mask, a byte that was loaded), and counters of loops whose number
//! of turns is bounded: those that start at a known number, add the same in each turn, and are compared with a known number in
//! each turn.
//!
//! Always true: bounds that are told hold for all inputs. Where nothing is known they are those of the type.

use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{
    Block, Function, Inst, InstructionData, Opcode, Type, Value, ValueDef, types,
};
use cranelift_codegen::loop_analysis::{Loop, LoopAnalysis};
use rustc_hash::FxHashMap;

use super::loops::step;

#[cfg(test)]
mod tests;

/// The least and the greatest number that a value may be, without sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    pub low: u64,
    pub high: u64,
}

impl Range {
    fn one(number: u64) -> Range {
        Range { low: number, high: number }
    }

    fn below(limit: u64) -> Range {
        Range { low: 0, high: limit - 1 }
    }

    fn of_type(ty: Type) -> Range {
        Range { low: 0, high: mask(ty) }
    }

    fn union(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The number, if it can be one only.
    fn single(self) -> Option<u64> {
        (self.low == self.high).then_some(self.low)
    }
}

/// The greatest number of a type.
fn mask(ty: Type) -> u64 {
    match ty.bits() {
        bits @ 1..64 => (1 << bits) - 1,
        _ => u64::MAX,
    }
}

/// How many values are looked through from one to what it is made of. More is not worth it.
const MOST_STEPS: u32 = 24;

/// What is known about a function's values. Answers are kept.
pub struct Ranges<'a> {
    func: &'a Function,
    cfg: &'a ControlFlowGraph,
    domtree: &'a DominatorTree,
    loops: &'a LoopAnalysis,
    /// `None` while the answer is being looked for.
    known: FxHashMap<Value, Option<Range>>,
    /// How often a loop begins again at most.
    turns: FxHashMap<Loop, Option<u64>>,
}

impl<'a> Ranges<'a> {
    pub fn new(
        func: &'a Function,
        cfg: &'a ControlFlowGraph,
        domtree: &'a DominatorTree,
        loops: &'a LoopAnalysis,
    ) -> Ranges<'a> {
        Ranges {
            func,
            cfg,
            domtree,
            loops,
            known: FxHashMap::default(),
            turns: FxHashMap::default(),
        }
    }

    /// The range of an integer.
    pub fn of(&mut self, value: Value) -> Range {
        self.within(value, MOST_STEPS)
    }

    /// How often a loop begins again at most, if that is known.
    pub fn most_turns(&mut self, of: Loop) -> Option<u64> {
        self.turns(of, MOST_STEPS)
    }

    fn within(&mut self, value: Value, steps: u32) -> Range {
        let ty = self.func.dfg.value_type(value);
        let all = Range::of_type(ty);
        if !ty.is_int() || ty.bits() > 64 {
            return all;
        }
        if let Some(known) = self.known.get(&value) {
            return known.unwrap_or(all);
        }
        let Some(steps) = steps.checked_sub(1) else { return all };
        self.known.insert(value, None);
        let found = match self.func.dfg.value_def(value) {
            ValueDef::Param(block, position) => self.of_param(block, position, value, steps),
            ValueDef::Result(inst, 0) => self.of_result(inst, ty, steps),
            _ => None,
        };
        let range = found.unwrap_or(all);
        debug_assert!(range.low <= range.high && range.high <= all.high);
        self.known.insert(value, Some(range));
        range
    }

    fn of_result(&mut self, inst: Inst, ty: Type, steps: u32) -> Option<Range> {
        match self.func.dfg.insts[inst] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => {
                Some(Range::one(imm.bits() as u64 & mask(ty)))
            }
            InstructionData::Unary { opcode, arg } => self.of_unary(opcode, arg, ty, steps),
            InstructionData::Binary { opcode, args: [left, right] } => {
                let (left, right) = (self.within(left, steps), self.within(right, steps));
                of_binary(opcode, left, right, ty)
            }
            InstructionData::Ternary { opcode: Opcode::Select, args: [_, yes, no] } => {
                Some(self.within(yes, steps).union(self.within(no, steps)))
            }
            InstructionData::IntCompare { .. } | InstructionData::FloatCompare { .. } => {
                Some(Range::below(2))
            }
            InstructionData::Load { opcode, .. } => match opcode {
                Opcode::Uload8 => Some(Range::below(1 << 8)),
                Opcode::Uload16 => Some(Range::below(1 << 16)),
                Opcode::Uload32 => Some(Range::below(1 << 32)),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_unary(&mut self, opcode: Opcode, arg: Value, ty: Type, steps: u32) -> Option<Range> {
        let from = self.func.dfg.value_type(arg);
        if !from.is_int() {
            return None;
        }
        let range = self.within(arg, steps);
        match opcode {
            Opcode::Uextend => Some(range),
            Opcode::Sextend => (range.high <= mask(from) >> 1).then_some(range),
            Opcode::Ireduce => (range.high <= mask(ty)).then_some(range),
            Opcode::Popcnt | Opcode::Clz | Opcode::Ctz => {
                Some(Range { low: 0, high: u64::from(from.bits()) })
            }
            _ => None,
        }
    }

    fn of_param(
        &mut self,
        block: Block,
        position: usize,
        value: Value,
        steps: u32,
    ) -> Option<Range> {
        if self.func.layout.entry_block() == Some(block) {
            return None;
        }
        if let Some(of) = self.loops.is_loop_header(block) {
            return self.of_counter(of, value, position, steps);
        }
        let ways = self.ways_into(block, position)?;
        let mut ranges = ways.into_iter().map(|(_, value)| self.within(value, steps));
        let first = ranges.next()?;
        Some(ranges.fold(first, Range::union))
    }

    /// Where a parameter of a block gets its value from.
    fn ways_into(&self, block: Block, position: usize) -> Option<Vec<(Block, Value)>> {
        let dfg = &self.func.dfg;
        let mut found = Vec::new();
        for end in self.cfg.pred_iter(block) {
            let branch = &dfg.insts[end.inst];
            let ways = branch.branch_destination(&dfg.jump_tables, &dfg.exception_tables);
            for way in ways.iter().filter(|way| way.block(&dfg.value_lists) == block) {
                let value = way.args(&dfg.value_lists).nth(position)?.as_value()?;
                found.push((end.block, value));
            }
        }
        Some(found)
    }

    /// A number that the same is added to in each turn of a loop.
    fn of_counter(&mut self, of: Loop, value: Value, position: usize, steps: u32) -> Option<Range> {
        let counter = self.counter(of, value, position, steps)?;
        let turns = self.turns(of, steps)?;
        let most = mask(self.func.dfg.value_type(value));
        let way = counter.step.unsigned_abs().checked_mul(turns)?;
        let Range { low, high } = counter.start;
        match counter.step {
            0.. => {
                let high = high.checked_add(way).filter(|&high| high <= most)?;
                Some(Range { low, high })
            }
            _ => Some(Range { low: low.checked_sub(way)?, high }),
        }
    }

    /// How a parameter of a loop's first block counts, if it does.
    fn counter(&mut self, of: Loop, value: Value, position: usize, steps: u32) -> Option<Counter> {
        let header = self.loops.loop_header(of);
        let mut start: Option<Range> = None;
        let mut added = None;
        for (from, passed) in self.ways_into(header, position)? {
            if self.loops.is_in_loop(from, of) {
                let step = match passed == value {
                    true => 0,
                    false => step(self.func, value, passed)?,
                };
                if added.is_some_and(|added| added != step) {
                    return None;
                }
                added = Some(step);
            } else {
                let range = self.within(passed, steps);
                start = Some(start.map_or(range, |start| start.union(range)));
            }
        }
        // A constant of 32 bits may have been written with or without sign.
        let step = match self.func.dfg.value_type(value) {
            types::I32 => i64::from(added? as i32),
            types::I64 => added?,
            _ => return None,
        };
        Some(Counter { start: start?, step })
    }

    /// How often a loop begins again at most, as one of the tests says that are made in each turn.
    fn turns(&mut self, of: Loop, steps: u32) -> Option<u64> {
        if let Some(&turns) = self.turns.get(&of) {
            return turns;
        }
        // While that is being looked for, nothing is known.
        self.turns.insert(of, None);
        let turns = self.tests(of).into_iter().filter_map(|test| self.turns_by(of, &test, steps));
        let turns = turns.min();
        self.turns.insert(of, turns);
        turns
    }

    /// The tests that are made once in each turn of a loop before it begins again.
    fn tests(&self, of: Loop) -> Vec<Test> {
        let header = self.loops.loop_header(of);
        let back = || {
            let preds = self.cfg.pred_iter(header).map(|end| end.block);
            preds.filter(|&block| self.loops.is_in_loop(block, of))
        };
        // All ways back lead through it.
        let is_last = |&last: &Block| back().all(|block| self.domtree.block_dominates(last, block));
        let Some(mut block) = back().find(is_last) else { return Vec::new() };
        let mut tests = Vec::new();
        for _ in 0..MOST_STEPS {
            if self.loops.innermost_loop(block) == Some(of) {
                tests.extend(self.test(of, block));
            }
            match self.domtree.idom(block) {
                Some(above) if block != header => block = above,
                _ => break,
            }
        }
        tests
    }

    /// The test at the end of a block, if the loop goes on only if it holds.
    fn test(&self, of: Loop, block: Block) -> Option<Test> {
        let dfg = &self.func.dfg;
        let InstructionData::Brif { arg, blocks: [yes, no], .. } =
            dfg.insts[self.func.layout.last_inst(block)?]
        else {
            return None;
        };
        let [yes, no] = [yes, no].map(|way| self.loops.is_in_loop(way.block(&dfg.value_lists), of));
        if yes == no {
            return None;
        }
        let test = match dfg.value_def(arg).inst().map(|inst| dfg.insts[inst]) {
            Some(InstructionData::IntCompare { args: [left, right], cond, .. }) => {
                Test { condition: cond, left, right: Some(right) }
            }
            _ => Test { condition: IntCC::NotEqual, left: arg, right: None },
        };
        match yes {
            true => Some(test),
            false => Some(Test { condition: test.condition.complement(), ..test }),
        }
    }

    fn turns_by(&mut self, of: Loop, test: &Test, steps: u32) -> Option<u64> {
        let swapped = test.right.map(|right| (test.condition.swap_args(), right, Some(test.left)));
        let sides = [Some((test.condition, test.left, test.right)), swapped];
        sides.into_iter().flatten().find_map(|(condition, value, other)| {
            let tested = self.tested(of, value, steps)?;
            let limit = match other {
                Some(other) => {
                    Limit { range: self.within(other, steps), stays: !self.is_made_in(of, other) }
                }
                None => Limit { range: Range::one(0), stays: true },
            };
            turns_while(condition, &tested, &limit)
        })
    }

    fn is_made_in(&self, of: Loop, value: Value) -> bool {
        match block_of(self.func, value) {
            Some(block) => self.loops.is_in_loop(block, of),
            None => true,
        }
    }

    /// How what is tested counts: a counter, or one that the step has been added to.
    fn tested(&mut self, of: Loop, value: Value, steps: u32) -> Option<Counter> {
        let header = self.loops.loop_header(of);
        let params = self.func.dfg.block_params(header);
        let is_own = |value: Value| params.iter().position(|&param| param == value);
        let (param, position, ahead) = match is_own(value) {
            Some(position) => (value, position, 0),
            None => {
                let inst = self.func.dfg.value_def(value).inst()?;
                let args = self.func.dfg.inst_args(inst).iter();
                let mut found = args.filter_map(|&arg| Some((arg, is_own(arg)?)));
                let (param, position) = found.next()?;
                (param, position, step(self.func, param, value)?)
            }
        };
        let ty = self.func.dfg.value_type(param);
        if ty != types::I32 {
            return None;
        }
        let counter = self.counter(of, param, position, steps)?;
        let start =
            of_binary(Opcode::Iadd, counter.start, Range::one(ahead as u64 & mask(ty)), ty)?;
        Some(Counter { start, step: counter.step })
    }
}

/// A number that is the same in each turn of a loop, but for a step that is added.
struct Counter {
    /// What it is in the first turn.
    start: Range,
    step: i64,
}

/// What must hold for a loop to begin again.
struct Test {
    condition: IntCC,
    left: Value,
    /// Zero if there is none.
    right: Option<Value>,
}

/// What a counter is compared with.
struct Limit {
    range: Range,
    /// Whether it is the same in each turn.
    stays: bool,
}

/// The block that makes a value.
pub fn block_of(func: &Function, value: Value) -> Option<Block> {
    match func.dfg.value_def(value) {
        ValueDef::Param(block, _) => Some(block),
        ValueDef::Result(inst, _) => func.layout.inst_block(inst),
        ValueDef::Union(..) => None,
    }
}

/// How often a condition on a counter of 32 bits holds at most, one turn after the other, before it does not hold for the first time.
fn turns_while(condition: IntCC, counter: &Counter, limit: &Limit) -> Option<u64> {
    let other = limit.range;
    let Range { low, high } = counter.start;
    let step = counter.step.unsigned_abs();
    if step == 0 {
        return None;
    }
    // The numbers from here on are on the other side of zero.
    let negative = 1_u64 << 31;
    match (condition, counter.step > 0) {
        (IntCC::NotEqual, up) => {
            let distance = |from: u64, to: u64| match up {
                true => to.wrapping_sub(from) & u64::from(u32::MAX),
                false => from.wrapping_sub(to) & u64::from(u32::MAX),
            };
            match (counter.start.single(), other.single()) {
                (Some(start), Some(end)) => {
                    let distance = distance(start, end);
                    (distance % step == 0).then_some(distance / step)
                }
                // In steps of one, nothing is jumped over.
                _ if !limit.stays => None,
                _ if step == 1 && up && high <= other.low => Some(other.high - low),
                _ if step == 1 && !up && low >= other.high => Some(high - other.low),
                _ => None,
            }
        }
        (IntCC::UnsignedLessThan, true) => turns_below(low, other.high, step, 1 << 32),
        (IntCC::UnsignedLessThanOrEqual, true) => turns_below(low, other.high + 1, step, 1 << 32),
        (IntCC::SignedLessThan | IntCC::SignedLessThanOrEqual, true) if high < negative => {
            let also = u64::from(condition == IntCC::SignedLessThanOrEqual);
            match other.low < negative {
                true => turns_below(low, other.high.min(negative - 1) + also, step, negative),
                // What is not negative is less than nothing that is.
                false => Some(0),
            }
        }
        (IntCC::UnsignedGreaterThan, false) => turns_above(high, other.low, step),
        (IntCC::UnsignedGreaterThanOrEqual, false) => {
            turns_above(high, other.low.checked_sub(1)?, step)
        }
        (IntCC::SignedGreaterThan | IntCC::SignedGreaterThanOrEqual, false)
            if high < negative && other.high < negative =>
        {
            let also = u64::from(condition == IntCC::SignedGreaterThanOrEqual);
            turns_above(high, other.low.checked_sub(also)?, step)
        }
        _ => None,
    }
}

/// How many numbers there are from `low` in steps up to `limit`, if the first that is not below it is at most `end`, where numbers
/// wrap around.
fn turns_below(low: u64, limit: u64, step: u64, end: u64) -> Option<u64> {
    let fits = limit.checked_add(step - 1)? < end;
    fits.then(|| limit.saturating_sub(low).div_ceil(step))
}

/// How many numbers there are from `high` in steps down to `limit`, which is not among them, if the first that is not above it is not
/// below zero.
fn turns_above(high: u64, limit: u64, step: u64) -> Option<u64> {
    (limit + 1 >= step).then(|| high.saturating_sub(limit).div_ceil(step))
}

fn of_binary(opcode: Opcode, left: Range, right: Range, ty: Type) -> Option<Range> {
    let most = mask(ty);
    match opcode {
        Opcode::Iadd => {
            let low = i128::from(left.low) + i128::from(right.low);
            wrapped(low, i128::from(left.high) + i128::from(right.high), ty)
        }
        Opcode::Isub => {
            let low = i128::from(left.low) - i128::from(right.high);
            wrapped(low, i128::from(left.high) - i128::from(right.low), ty)
        }
        Opcode::Imul => {
            let high = left.high.checked_mul(right.high).filter(|&high| high <= most)?;
            Some(Range { low: left.low * right.low, high })
        }
        Opcode::Band => Some(Range { low: 0, high: left.high.min(right.high) }),
        Opcode::Bor | Opcode::Bxor => {
            let both = left.high | right.high;
            let high = u64::MAX.checked_shr(both.leading_zeros()).unwrap_or(0);
            Some(Range { low: 0, high })
        }
        Opcode::Ishl => {
            let by = right.single()? & u64::from(ty.bits() - 1);
            let high = left.high.checked_mul(1 << by).filter(|&high| high <= most)?;
            Some(Range { low: left.low << by, high })
        }
        Opcode::Ushr => {
            let by = right.single()? & u64::from(ty.bits() - 1);
            Some(Range { low: left.low >> by, high: left.high >> by })
        }
        Opcode::Udiv if right.low > 0 => {
            Some(Range { low: left.low / right.high, high: left.high / right.low })
        }
        Opcode::Urem if right.low > 0 => {
            Some(Range { low: 0, high: left.high.min(right.high - 1) })
        }
        _ => None,
    }
}

/// The range of numbers that wrap around, if all of them do so as often.
fn wrapped(low: i128, high: i128, ty: Type) -> Option<Range> {
    let size = i128::from(mask(ty)) + 1;
    let (below, above) = (low.div_euclid(size), high.div_euclid(size));
    (below == above)
        .then(|| Range { low: low.rem_euclid(size) as u64, high: high.rem_euclid(size) as u64 })
}
