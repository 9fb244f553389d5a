//! Carries: what is left over of a sum of 64 bits, and goes into the next.
//!
//! In: an optimised function. Out: the same function with the same blocks; values differ.
//!
//! Numbers of more than 64 bits are sums of words with a carry, for which wasm has no operator: it is asked whether the
//! sum is less than what went in, and the answer is a number that is added. Processors know the answer already. So here such a pair of
//! additions becomes one of 128 bits, of which the code generator makes an addition and one with carry.
//!
//! Always true: what is computed is the same for all inputs.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, Function, Inst, InstBuilder, InstructionData, Opcode, Value, types,
};

use super::loops::binary;
use super::values::Others;

/// Lets additions and subtractions take carries from the processor.
pub fn take_carries(func: &mut Function) {
    let mut replaced = Others::default();
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for block in blocks {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            if let Some(step) = step(func, inst) {
                replaced.insert(func.dfg.first_result(inst), take_carry(func, inst, &step));
            }
        }
    }
    replaced.replace(func);
}

/// An addition or subtraction of what the same operation left over of other numbers.
struct Step {
    /// [`Iadd`](Opcode::Iadd) or [`Isub`](Opcode::Isub).
    opcode: Opcode,
    /// The numbers of which something is left over.
    lower: [Value; 2],
    /// What that is added to, or taken from.
    upper: Value,
}

fn step(func: &Function, inst: Inst) -> Option<Step> {
    let InstructionData::Binary { opcode, args: [left, right] } = func.dfg.insts[inst] else {
        return None;
    };
    if func.dfg.value_type(left) != types::I64 {
        return None;
    }
    match opcode {
        Opcode::Iadd => {
            let mut sides = [(left, right), (right, left)].into_iter();
            sides.find_map(|(upper, carry)| {
                let lower = sum_that_overflows(func, less(func, carry)?)?;
                Some(Step { opcode, lower, upper })
            })
        }
        Opcode::Isub => Some(Step { opcode, lower: less(func, right)?, upper: left }),
        _ => None,
    }
}

/// The numbers of 64 bits of which this is 1 if the first is less than the second, without signs, and 0 if not.
fn less(func: &Function, carry: Value) -> Option<[Value; 2]> {
    let InstructionData::Unary { opcode: Opcode::Uextend, arg } = made_by(func, carry)? else {
        return None;
    };
    let InstructionData::IntCompare { opcode: Opcode::Icmp, args: [left, right], cond } =
        made_by(func, arg)?
    else {
        return None;
    };
    let ordered = match cond {
        IntCC::UnsignedLessThan => [left, right],
        IntCC::UnsignedGreaterThan => [right, left],
        _ => return None,
    };
    (func.dfg.value_type(left) == types::I64).then_some(ordered)
}

fn made_by(func: &Function, value: Value) -> Option<InstructionData> {
    Some(func.dfg.insts[func.dfg.value_def(value).inst()?])
}

/// The two numbers whose sum is less than this one of them if it has overflowed.
fn sum_that_overflows(func: &Function, [sum, one]: [Value; 2]) -> Option<[Value; 2]> {
    match binary(func, sum)? {
        (Opcode::Iadd, both) if both.contains(&one) => Some(both),
        _ => None,
    }
}

/// Makes the step with 128 bits, and returns the upper half.
fn take_carry(func: &mut Function, inst: Inst, step: &Step) -> Value {
    let position = func.srcloc(inst);
    let mut cursor = FuncCursor::new(func).at_inst(inst).with_srcloc(position);
    let [lower, other] = step.lower;
    let number = cursor.ins().iconcat(lower, step.upper);
    let other = cursor.ins().uextend(types::I128, other);
    let result = match step.opcode {
        Opcode::Iadd => cursor.ins().iadd(number, other),
        _ => cursor.ins().isub(number, other),
    };
    let (_, upper) = cursor.ins().isplit(result);
    upper
}
