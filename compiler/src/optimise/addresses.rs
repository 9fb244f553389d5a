//! Addresses: sums that processors make while they access memory.
//!
//! In: an optimised function, its flow graph, dominators and loops. Out: the same function with the same blocks; values differ.
//!
//! Addresses in wasm are sums of 32 bits, which may wrap around; processors add 64 bits and do not. So where several numbers are
//! added, an instruction of its own makes the sum. If [ranges](super::ranges) say that it does not wrap around, or always does, the
//! parts are as good: constants go into the access, and what stays the same in a loop is added to the memory's
//! address in front of it.
//!
//! Always true: each access has the address that it had, to the bit, whatever is in registers; so nothing here has to know what it
//! leads to, or what guards it.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{
    Function, Inst, InstBuilder, InstructionData, Opcode, Value, ValueDef, types,
};
use cranelift_codegen::loop_analysis::{Loop, LoopAnalysis};
use rustc_hash::FxHashMap;

use super::loops::{binary, constant};
use super::ranges::{Ranges, block_of};

/// How many numbers are added at most in an address that is looked at.
const MOST_PARTS: usize = 4;

/// How many sums are kept in registers for a loop at most. They replace others mostly, but not always.
const MOST_BASES: usize = 8;

/// How many operators are repeated in front of a loop for a number that is the same in all of its turns. Cranelift makes such again
/// wherever it needs them, if they are cheap.
pub(super) const MOST_REPEATED: usize = 3;

/// How far a number is shifted at most by an access that adds it.
pub(super) const MOST_SHIFT: u64 = 3;

/// Lets accesses add what their addresses consist of.
pub fn split_addresses(
    func: &mut Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    loops: &LoopAnalysis,
) {
    let mut ranges = Ranges::new(func, cfg, domtree, loops);
    let mut splits = Vec::new();
    for block in func.layout.blocks() {
        let around = loops.innermost_loop(block);
        for inst in func.layout.block_insts(block) {
            splits.extend(split(func, &mut ranges, loops, around, inst));
        }
    }
    let mut bases: FxHashMap<Base, Value> = FxHashMap::default();
    let mut extended = FxHashMap::default();
    let mut counts: FxHashMap<Loop, usize> = FxHashMap::default();
    for Split { inst, base, moving, offset } in splits {
        let sum = match (bases.get(&base), base.around) {
            (Some(&sum), _) => sum,
            (None, Some(around)) if !base.parts.is_empty() || base.more != 0 => {
                let count = counts.entry(around).or_default();
                if *count == MOST_BASES {
                    continue;
                }
                *count += 1;
                let header = loops.loop_header(around);
                let Some(before) = domtree.idom(header) else { continue };
                let end = func.layout.last_inst(before).expect("blocks are not empty");
                let sum = base.make(func, loops, around, end);
                bases.insert(base, sum);
                sum
            }
            _ => base.memory,
        };
        let mut address = sum;
        for part in moving {
            let wide = *extended.entry(part.value).or_insert_with(|| extend(func, part.value));
            let position = func.srcloc(inst);
            let mut cursor = FuncCursor::new(func).at_inst(inst).with_srcloc(position);
            let wide = match part.shift {
                0 => wide,
                shift => {
                    let shift = cursor.ins().iconst(types::I32, shift as i64);
                    cursor.ins().ishl(wide, shift)
                }
            };
            address = cursor.ins().iadd(address, wide);
        }
        set_address(func, inst, address, offset);
    }
}

/// An access, and what its address is the sum of.
struct Split {
    inst: Inst,
    base: Base,
    /// What differs from turn to turn.
    moving: Vec<Part>,
    /// What the instruction adds.
    offset: i32,
}

/// What is the same in all turns of a loop.
#[derive(PartialEq, Eq, Hash)]
struct Base {
    around: Option<Loop>,
    /// The memory's address.
    memory: Value,
    /// Numbers of 32 bits, in ascending order.
    parts: Vec<Value>,
    /// A constant.
    more: i64,
}

/// A number of 32 bits, shifted to the left as one of 64.
#[derive(Clone, Copy)]
struct Part {
    value: Value,
    shift: u64,
}

impl Base {
    /// Makes the sum in front of an instruction.
    fn make(&self, func: &mut Function, loops: &LoopAnalysis, around: Loop, before: Inst) -> Value {
        let position = func.srcloc(before);
        let mut sum = self.memory;
        for &part in &self.parts {
            let part = repeat(func, loops, around, part, before);
            let mut cursor = FuncCursor::new(func).at_inst(before).with_srcloc(position);
            let wide = cursor.ins().uextend(types::I64, part);
            sum = cursor.ins().iadd(sum, wide);
        }
        if self.more != 0 {
            let mut cursor = FuncCursor::new(func).at_inst(before).with_srcloc(position);
            let more = cursor.ins().iconst(types::I64, self.more);
            sum = cursor.ins().iadd(sum, more);
        }
        sum
    }
}

/// Whether a number is the same in all turns of a loop, and made in front of it, or of such by so many operators at most that cost
/// nothing.
pub(super) fn stays(
    func: &Function,
    loops: &LoopAnalysis,
    around: Loop,
    value: Value,
    most: usize,
) -> bool {
    match block_of(func, value) {
        Some(block) if !loops.is_in_loop(block, around) => return true,
        Some(_) if most > 0 => {}
        _ => return false,
    }
    let Some(inst) = func.dfg.value_def(value).inst() else { return false };
    let is_cheap = matches!(
        func.dfg.insts[inst].opcode(),
        Opcode::Iconst
            | Opcode::Iadd
            | Opcode::Isub
            | Opcode::Band
            | Opcode::Ishl
            | Opcode::Ushr
            | Opcode::Uextend
            | Opcode::Ireduce
    );
    let mut args = func.dfg.inst_args(inst).iter();
    is_cheap && args.all(|&arg| stays(func, loops, around, arg, most - 1))
}

/// Makes a number that stays the same in a loop in front of an instruction there, if it is made in the loop.
pub(super) fn repeat(
    func: &mut Function,
    loops: &LoopAnalysis,
    around: Loop,
    value: Value,
    before: Inst,
) -> Value {
    if block_of(func, value).is_some_and(|block| !loops.is_in_loop(block, around)) {
        return value;
    }
    let inst = func.dfg.value_def(value).unwrap_inst();
    let again = func.dfg.clone_inst(inst);
    for position in 0..func.dfg.inst_args(again).len() {
        let arg = func.dfg.inst_args(again)[position];
        let arg = repeat(func, loops, around, arg, before);
        func.dfg.inst_args_mut(again)[position] = arg;
    }
    func.layout.insert_inst(again, before);
    func.dfg.first_result(again)
}

/// Extends a number where it is made.
fn extend(func: &mut Function, value: Value) -> Value {
    let behind = match func.dfg.value_def(value) {
        ValueDef::Result(inst, _) => func.layout.next_inst(inst),
        ValueDef::Param(block, _) => func.layout.first_inst(block),
        ValueDef::Union(..) => None,
    };
    let behind = behind.expect("parts are made in front of what uses them");
    let position = func.srcloc(behind);
    let mut cursor = FuncCursor::new(func).at_inst(behind).with_srcloc(position);
    cursor.ins().uextend(types::I64, value)
}

/// Where the address is among the operands of an access.
fn address_position(access: &InstructionData) -> usize {
    match access {
        InstructionData::Store { .. } => 1,
        _ => 0,
    }
}

/// The address of an access, and the number that it adds.
pub(super) fn access(func: &Function, inst: Inst) -> Option<(Value, i32)> {
    match func.dfg.insts[inst] {
        InstructionData::Load { offset, .. } | InstructionData::Store { offset, .. } => {
            let position = address_position(&func.dfg.insts[inst]);
            Some((func.dfg.inst_args(inst)[position], offset.into()))
        }
        _ => None,
    }
}

/// Gives an access another address, and another number to add.
pub(super) fn set_address(func: &mut Function, inst: Inst, address: Value, adds: i32) {
    let position = address_position(&func.dfg.insts[inst]);
    func.dfg.inst_args_mut(inst)[position] = address;
    if let InstructionData::Load { offset, .. } | InstructionData::Store { offset, .. } =
        &mut func.dfg.insts[inst]
    {
        *offset = adds.into();
    }
}

/// The parts of the address of an access to a memory: its native address, and the number of 32 bits.
pub(super) fn memory_and_index(func: &Function, address: Value) -> Option<(Value, Value)> {
    let (Opcode::Iadd, [left, right]) = binary(func, address)? else { return None };
    let sides = [(left, right), (right, left)];
    sides.into_iter().find_map(|(memory, index)| Some((memory, extended(func, index)?)))
}

/// What the address of an access is the sum of, if that is better than the sum.
fn split(
    func: &Function,
    ranges: &mut Ranges<'_>,
    loops: &LoopAnalysis,
    around: Option<Loop>,
    inst: Inst,
) -> Option<Split> {
    let (address, offset) = access(func, inst)?;
    let (memory, index) = memory_and_index(func, address)?;
    let sum = Sum::of(func, index)?;
    let (more, constant) = sum.exact(ranges)?;
    let stays = |value: Value, most: usize| {
        around.is_some_and(|around| stays(func, loops, around, value, most))
    };
    let (mut parts, mut moving) = (Vec::new(), Vec::new());
    for &part in &sum.parts {
        if stays(part, MOST_REPEATED) { parts.push(part) } else { moving.push(part) }
    }
    if moving.is_empty() || !(stays(memory, 0) || parts.is_empty() && more == 0) {
        return None;
    }
    let offset = offset.checked_add(constant)?;
    if parts.is_empty() && more == 0 {
        // Nothing is won if what is left is a sum that is to be made.
        if constant == 0 || moving.len() > 1 {
            return None;
        }
    }
    parts.sort_unstable();
    let moving = moving.into_iter().map(|value| shifted(func, ranges, value)).collect();
    Some(Split { inst, base: Base { around, memory, parts, more }, moving, offset })
}

/// The number of 32 bits that this is the extension of.
fn extended(func: &Function, value: Value) -> Option<Value> {
    match func.dfg.insts[func.dfg.value_def(value).inst()?] {
        InstructionData::Unary { opcode: Opcode::Uextend, arg }
            if func.dfg.value_type(arg) == types::I32 =>
        {
            Some(arg)
        }
        _ => None,
    }
}

/// The number that another is shifted from, if an access can shift it and nothing is lost.
fn shifted(func: &Function, ranges: &mut Ranges<'_>, value: Value) -> Part {
    let whole = Part { value, shift: 0 };
    let Some((Opcode::Ishl, [from, by])) = binary(func, value) else { return whole };
    match constant(func, by) {
        Some(by) if (by as u64) <= MOST_SHIFT && ranges.of(from).high >> (32 - by) == 0 => {
            Part { value: from, shift: by as u64 }
        }
        _ => whole,
    }
}

/// Numbers of 32 bits whose sum is another.
pub(super) struct Sum {
    pub parts: Vec<Value>,
    pub constant: u32,
}

impl Sum {
    /// What a number is the sum of, if it is one.
    pub fn of(func: &Function, value: Value) -> Option<Sum> {
        if binary(func, value).is_none() && constant(func, value).is_none() {
            return None;
        }
        let mut sum = Sum { parts: Vec::new(), constant: 0 };
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match (constant(func, value), binary(func, value)) {
                (Some(number), _) => sum.constant = sum.constant.wrapping_add(number as u32),
                (None, Some((Opcode::Iadd, parts)))
                    if sum.parts.len() + open.len() + 2 <= MOST_PARTS =>
                {
                    open.extend(parts);
                }
                (None, Some((Opcode::Isub, [from, by]))) if constant(func, by).is_some() => {
                    let by = constant(func, by).unwrap_or_default();
                    sum.constant = sum.constant.wrapping_sub(by as u32);
                    open.push(from);
                }
                _ => sum.parts.push(value),
            }
        }
        let is_sum = sum.parts.len() > 1 || sum.constant != 0;
        is_sum.then_some(sum)
    }

    /// The constants that make the sum of the parts, as numbers of 64 bits, the same as with 32: one that instructions cannot add, and
    /// one that they can. If there are such.
    fn exact(&self, ranges: &mut Ranges<'_>) -> Option<(i64, i32)> {
        let (mut low, mut high) = (u64::from(self.constant), u64::from(self.constant));
        for &part in &self.parts {
            let range = ranges.of(part);
            (low, high) = (low + range.low, high + range.high);
        }
        let (below, above) = (low >> 32, high >> 32);
        if below != above {
            return None;
        }
        let constant = self.constant as i32;
        let more = i64::from(self.constant) - i64::from(constant) - ((below as i64) << 32);
        Some((more, constant))
    }
}
