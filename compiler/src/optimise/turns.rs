//! How many turns a loop has.
//!
//! In: a function, and a question in a loop that decides whether the loop goes on. Out: how many turns there are before the one that
//! answers no, as a number or as code, if they can be counted.
//!
//! Counted are turns by something that goes by a power of two up or down, to something that the loop does not change.
//!
//! Always true: what is counted is exact, wrapping around included. Where it is not certain that turns can be counted, that is a
//! question of its own.

use std::ops::RangeInclusive;

use cranelift_codegen::cursor::FuncCursor;
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{
    Block, BlockCall, Function, InstBuilder, InstructionData, Opcode, Type, Value, types,
};

use super::loops::{constant, immediate, step};

/// How many turns are counted at most, where there might be more than 32 bits hold.
pub const MOST_TURNS: i64 = 1 << 32;

/// How many turns a loop has.
pub struct Turns {
    /// The position of the counter among the header's parameters.
    pub counter: usize,
    ty: Type,
    /// By how much it changes with each turn.
    pub step: i64,
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
    pub fn of(
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
        for (counter, &param) in func.dfg.block_params(header).iter().enumerate() {
            let Some(next) = value(func, back, counter) else { continue };
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
                let turns = Turns { counter, ty, step, is_next, condition, bound };
                return turns.can_be_counted().then_some(turns);
            }
        }
        None
    }

    fn can_be_counted(&self) -> bool {
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

    /// How many turns there are before the last one, if the counter begins with a number and ends with one; nothing in there if they
    /// are not counted.
    pub fn known(&self, first: i64) -> Option<Option<i64>> {
        let Bound::Number(bound) = self.bound else { return None };
        let [first, bound] = [first, bound].map(|number| Numbers.number(self.ty, number));
        let (turns, are_counted) = self.count_by(&mut Numbers, first, bound);
        Some(are_counted.unwrap_or(true).then_some(turns.1))
    }

    /// How many turns there are before the last one, as a number of 64 bits, and whether that is true, if that is not certain. `first`
    /// is what the counter is in the first.
    pub fn count(&self, cursor: &mut FuncCursor<'_>, first: Value) -> (Value, Option<Value>) {
        let bound = self.bound(cursor);
        self.count_by(cursor, first, bound)
    }

    /// As [`count`](Turns::count), where the turn before has just gone on, so that less is to be asked.
    pub fn count_on(&self, cursor: &mut FuncCursor<'_>, counter: Value) -> (Value, Option<Value>) {
        if self.condition == IntCC::NotEqual || !self.is_next {
            return self.count(cursor, counter);
        }
        let bound = self.bound(cursor);
        // There is a way to go, and it is less than 2^32.
        let ascends = self.step > 0;
        let way = self.way(cursor, counter, bound);
        let way = add(cursor, way, -1);
        let way = cursor.ins().uextend(types::I64, way);
        let turns = self.steps(cursor, way);
        // What comes behind the bound is a number, too.
        let beyond = self.step.abs() - 1;
        let (is_signed, range) = self.range();
        let (is, last) = match (is_signed, ascends) {
            (true, true) => (IntCC::SignedLessThanOrEqual, range.end() - beyond),
            (true, false) => (IntCC::SignedGreaterThanOrEqual, range.start() + beyond),
            (false, true) => (IntCC::UnsignedLessThanOrEqual, range.end() - beyond),
            (false, false) => (IntCC::UnsignedGreaterThanOrEqual, range.start() + beyond),
        };
        let does_not_wrap = (beyond > 0).then(|| {
            let last = number(cursor, self.ty, last);
            cursor.ins().icmp(is, bound, last)
        });
        (turns, does_not_wrap)
    }

    /// Whether so many turns, at least, are before the last one. What they all add to the counter must be less than 2^31.
    pub fn are_left(&self, cursor: &mut FuncCursor<'_>, first: Value, turns: i64) -> Value {
        let bound = self.bound(cursor);
        let first_step = if self.is_next { self.step } else { 0 };
        let (way, is, least) = if self.condition == IntCC::NotEqual {
            // What misses the bound goes on for longer.
            let start = cursor.add(first, first_step);
            (
                self.way(cursor, start, bound),
                IntCC::UnsignedGreaterThanOrEqual,
                turns * self.step.abs(),
            )
        } else {
            let (is_signed, _) = self.range();
            let [first, bound] = [first, bound].map(|number| cursor.widen(number, is_signed));
            let start = cursor.add(first, first_step);
            let way = self.way(cursor, start, bound);
            (way, IntCC::SignedGreaterThan, (turns - 1) * self.step.abs())
        };
        let ty = cursor.func.dfg.value_type(way);
        let least = number(cursor, ty, least);
        cursor.ins().icmp(is, way, least)
    }

    fn bound(&self, cursor: &mut FuncCursor<'_>) -> Value {
        match self.bound {
            Bound::Number(bound) => number(cursor, self.ty, bound),
            Bound::Value(value) => value,
        }
    }

    /// How far it is to the bound.
    fn way<A: Arithmetic>(&self, a: &mut A, start: A::Number, bound: A::Number) -> A::Number {
        if self.step > 0 { a.sub(bound, start) } else { a.sub(start, bound) }
    }

    /// Calls what the counter is compared with by another name.
    pub fn rename_bound(&mut self, name: impl FnOnce(Value) -> Value) {
        if let Bound::Value(value) = &mut self.bound {
            *value = name(*value);
        }
    }

    fn count_by<A: Arithmetic>(
        &self,
        a: &mut A,
        first: A::Number,
        bound: A::Number,
    ) -> (A::Number, Option<A::Truth>) {
        let first_step = if self.is_next { self.step } else { 0 };
        if self.condition == IntCC::NotEqual {
            let start = a.add(first, first_step);
            let way = self.way(a, start, bound);
            return self.count_to(a, way);
        }
        let (is_signed, range) = self.range();
        let [first, bound] = [first, bound].map(|number| a.widen(number, is_signed));
        let start = a.add(first, first_step);
        self.count_beyond(a, start, bound, range)
    }

    /// Whether the counter has a sign, and what it can be, if it is compared by order.
    fn range(&self) -> (bool, RangeInclusive<i64>) {
        match self.condition {
            IntCC::SignedLessThan | IntCC::SignedGreaterThan => {
                (true, i64::from(i32::MIN)..=i64::from(i32::MAX))
            }
            _ => (false, 0..=i64::from(u32::MAX)),
        }
    }

    /// The turns up to where the counter meets the bound.
    fn count_to<A: Arithmetic>(&self, a: &mut A, way: A::Number) -> (A::Number, Option<A::Truth>) {
        let is_narrow = self.ty == types::I32;
        let way = if is_narrow { a.widen(way, false) } else { way };
        let turns = self.steps(a, way);
        let meets = (self.step.abs() > 1).then(|| {
            let rest = a.rest(way, self.step.abs() - 1);
            let zero = a.number(types::I64, 0);
            a.compare(IntCC::Equal, rest, zero)
        });
        let are_few = (!is_narrow).then(|| {
            let most = a.number(types::I64, MOST_TURNS);
            a.compare(IntCC::UnsignedLessThan, turns, most)
        });
        let are_counted = match (meets, are_few) {
            (Some(meets), Some(are_few)) => Some(a.both(meets, are_few)),
            (meets, are_few) => meets.or(are_few),
        };
        (turns, are_counted)
    }

    /// The turns up to where the counter has come to the bound or beyond it. With 64 bits nothing wraps around here; `range` is what
    /// the counter itself may be without.
    fn count_beyond<A: Arithmetic>(
        &self,
        a: &mut A,
        start: A::Number,
        bound: A::Number,
        range: RangeInclusive<i64>,
    ) -> (A::Number, Option<A::Truth>) {
        let ascends = self.step > 0;
        let way = self.way(a, start, bound);
        let zero = a.number(types::I64, 0);
        let way = a.greater(way, zero);
        let beyond = self.step.abs() - 1;
        let rounded = a.add(way, beyond);
        let turns = self.steps(a, rounded);
        let does_not_wrap = match ascends {
            true => {
                let furthest = a.add(bound, beyond);
                let furthest = a.greater(start, furthest);
                let most = a.number(types::I64, *range.end());
                a.compare(IntCC::SignedLessThanOrEqual, furthest, most)
            }
            false => {
                let furthest = a.add(bound, -beyond);
                let furthest = a.lesser(start, furthest);
                let least = a.number(types::I64, *range.start());
                a.compare(IntCC::SignedGreaterThanOrEqual, furthest, least)
            }
        };
        (turns, Some(does_not_wrap))
    }

    /// How many steps a way is.
    fn steps<A: Arithmetic>(&self, a: &mut A, way: A::Number) -> A::Number {
        match self.step.unsigned_abs().trailing_zeros() {
            0 => way,
            bits => a.halve(way, bits),
        }
    }
}

/// What turns are counted with: with numbers, or by writing code that does it.
trait Arithmetic {
    /// A number of 32 or 64 bits. Two that are taken together have as many.
    type Number: Copy;
    type Truth;

    fn number(&mut self, ty: Type, number: i64) -> Self::Number;
    fn add(&mut self, left: Self::Number, right: i64) -> Self::Number;
    fn sub(&mut self, left: Self::Number, right: Self::Number) -> Self::Number;
    /// A number of 32 bits as one of 64.
    fn widen(&mut self, number: Self::Number, is_signed: bool) -> Self::Number;
    fn greater(&mut self, left: Self::Number, right: Self::Number) -> Self::Number;
    fn lesser(&mut self, left: Self::Number, right: Self::Number) -> Self::Number;
    /// Half of a number without sign, so many times.
    fn halve(&mut self, number: Self::Number, times: u32) -> Self::Number;
    /// The bits of a number that a mask has.
    fn rest(&mut self, number: Self::Number, mask: i64) -> Self::Number;
    fn compare(&mut self, is: IntCC, left: Self::Number, right: Self::Number) -> Self::Truth;
    fn both(&mut self, left: Self::Truth, right: Self::Truth) -> Self::Truth;
}

/// Counts at once. Numbers have their type, and are signed.
struct Numbers;

impl Arithmetic for Numbers {
    type Number = (Type, i64);
    type Truth = bool;

    fn number(&mut self, ty: Type, number: i64) -> (Type, i64) {
        (ty, signed(ty, number))
    }
    fn add(&mut self, (ty, left): (Type, i64), right: i64) -> (Type, i64) {
        self.number(ty, left.wrapping_add(right))
    }
    fn sub(&mut self, (ty, left): (Type, i64), (_, right): (Type, i64)) -> (Type, i64) {
        self.number(ty, left.wrapping_sub(right))
    }
    fn widen(&mut self, (_, number): (Type, i64), is_signed: bool) -> (Type, i64) {
        (types::I64, if is_signed { number } else { i64::from(number as u32) })
    }
    fn greater(&mut self, (ty, left): (Type, i64), (_, right): (Type, i64)) -> (Type, i64) {
        (ty, left.max(right))
    }
    fn lesser(&mut self, (ty, left): (Type, i64), (_, right): (Type, i64)) -> (Type, i64) {
        (ty, left.min(right))
    }
    fn halve(&mut self, (ty, number): (Type, i64), times: u32) -> (Type, i64) {
        (ty, (number as u64 >> times) as i64)
    }
    fn rest(&mut self, (ty, number): (Type, i64), mask: i64) -> (Type, i64) {
        (ty, number & mask)
    }
    fn compare(&mut self, is: IntCC, (_, left): (Type, i64), (_, right): (Type, i64)) -> bool {
        match is {
            IntCC::Equal => left == right,
            IntCC::UnsignedLessThan => (left as u64) < right as u64,
            IntCC::SignedLessThanOrEqual => left <= right,
            IntCC::SignedGreaterThanOrEqual => left >= right,
            _ => unreachable!("turns are not counted by {is}"),
        }
    }
    fn both(&mut self, left: bool, right: bool) -> bool {
        left && right
    }
}

/// Writes code.
impl Arithmetic for FuncCursor<'_> {
    type Number = Value;
    type Truth = Value;

    fn number(&mut self, ty: Type, number: i64) -> Value {
        self::number(self, ty, number)
    }
    fn add(&mut self, left: Value, right: i64) -> Value {
        self::add(self, left, right)
    }
    fn sub(&mut self, left: Value, right: Value) -> Value {
        match constant(self.func, right) {
            Some(number) => self::add(self, left, number.wrapping_neg()),
            None => self.ins().isub(left, right),
        }
    }
    fn widen(&mut self, number: Value, is_signed: bool) -> Value {
        match is_signed {
            true => self.ins().sextend(types::I64, number),
            false => self.ins().uextend(types::I64, number),
        }
    }
    fn greater(&mut self, left: Value, right: Value) -> Value {
        self.ins().smax(left, right)
    }
    fn lesser(&mut self, left: Value, right: Value) -> Value {
        self.ins().smin(left, right)
    }
    fn halve(&mut self, number: Value, times: u32) -> Value {
        let times = self::number(self, types::I64, times.into());
        self.ins().ushr(number, times)
    }
    fn rest(&mut self, number: Value, mask: i64) -> Value {
        let mask = self::number(self, types::I64, mask);
        self.ins().band(number, mask)
    }
    fn compare(&mut self, is: IntCC, left: Value, right: Value) -> Value {
        self.ins().icmp(is, left, right)
    }
    fn both(&mut self, left: Value, right: Value) -> Value {
        self.ins().band(left, right)
    }
}

/// The sum of a value and a number.
pub fn add(cursor: &mut FuncCursor<'_>, value: Value, number: i64) -> Value {
    if number == 0 {
        return value;
    }
    let ty = cursor.func.dfg.value_type(value);
    let number = self::number(cursor, ty, number);
    cursor.ins().iadd(value, number)
}

/// A number as a value.
pub fn number(cursor: &mut FuncCursor<'_>, ty: Type, number: i64) -> Value {
    cursor.ins().iconst(ty, immediate(ty, number))
}

/// A constant as `iconst` has it, as a signed number.
pub fn signed(ty: Type, number: i64) -> i64 {
    match ty {
        types::I32 => i64::from(number as i32),
        _ => number,
    }
}

/// What is passed to a parameter, by its position.
pub fn value(func: &Function, way: &BlockCall, position: usize) -> Option<Value> {
    way.args(&func.dfg.value_lists).nth(position)?.as_value()
}

/// What a block that ends with a decision decides by, and where it goes if that is not zero, and if it is.
pub fn branch(func: &Function, block: Block) -> Option<(Value, [BlockCall; 2])> {
    match func.dfg.insts[func.layout.last_inst(block)?] {
        InstructionData::Brif { arg, blocks, .. } => Some((arg, blocks)),
        _ => None,
    }
}

/// What is compared how, if a value says that.
pub fn comparison(func: &Function, value: Value) -> Option<(IntCC, Value, Value)> {
    match func.dfg.insts[func.dfg.value_def(value).inst()?] {
        InstructionData::IntCompare { opcode: Opcode::Icmp, args, cond } => {
            Some((cond, args[0], args[1]))
        }
        _ => None,
    }
}
