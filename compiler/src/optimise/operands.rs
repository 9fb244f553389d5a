//! Which operand of a sum, product or the like is overwritten by it.
//!
//! In: an optimised function, and how often each value is named. Out: the same function, in which such instructions may name their operands
//! in the other order.
//!
//! Instructions of x86-64 write what they make over their first operand. If that is needed behind them, the code generator copies it
//! before, though the other one may be needed no more. So the first one is the one that ends.
//!
//! Always true: the order of the operands does not matter to the result. Constants, and loads that can be part of an instruction, stay where they are.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode, Type, Value};

use super::order::is_constant;
use super::values;

/// Puts first what is needed no more.
pub fn end_first(func: &mut Function, uses: &SecondaryMap<Value, u32>) {
    // How often each value is named from here on. Blocks are taken in their order, so in a loop the last to name a value is taken for its end
    // though it is not; then the code is as good as it was.
    let mut left: SecondaryMap<Value, u32> = uses.clone();
    let mut block = func.layout.entry_block();
    while let Some(current) = block {
        block = func.layout.next_block(current);
        let mut next = func.layout.first_inst(current);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            let ends = |value: Value| left[value] == 1;
            if let InstructionData::Binary { opcode, args: [first, second] } = func.dfg.insts[inst]
                && ends(second)
                && !ends(first)
                && overwrites_either(opcode, func.dfg.value_type(first))
                && func.dfg.value_def(second).inst().is_none_or(|from| !is_operand(func, from))
            {
                func.dfg.inst_args_mut(inst).swap(0, 1);
            }
            values::each(func, inst, |value| left[value] -= 1);
        }
    }
}

/// Whether an instruction is written over one of its operands, whichever comes first. Sums of integers have instructions with three.
fn overwrites_either(opcode: Opcode, ty: Type) -> bool {
    match opcode {
        Opcode::Imul | Opcode::Band | Opcode::Bor | Opcode::Bxor => true,
        Opcode::Iadd => ty.is_vector(),
        _ => false,
    }
}

/// Whether what an instruction makes may be part of another one, which has it as its second operand.
fn is_operand(func: &Function, inst: Inst) -> bool {
    is_constant(func, inst) || func.dfg.insts[inst].opcode().can_load()
}
