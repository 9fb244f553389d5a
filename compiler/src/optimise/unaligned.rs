//! Comparisons of vectors that must not load.
//!
//! In: a function that is to become machine code. Out: the same function, whose comparisons of floats in vectors have no operand that is
//! loaded by them.
//!
//! Instructions of SSE that load a vector trap if its address is no multiple of 16, those of AVX do not. The code generator knows that of
//! all but `cmpps` and `cmppd`. So here what they would load gets another name by a cast, which costs nothing, and is loaded by itself.
//!
//! Always true: this is not optional where there is no AVX, whatever is optimised.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{Function, Inst, InstBuilder, InstructionData, MemFlagsData, Opcode};

/// Keeps loads out of comparisons of vectors.
pub fn keep_loads_out(func: &mut Function) {
    let mut block = func.layout.entry_block();
    while let Some(current) = block {
        block = func.layout.next_block(current);
        let mut next = func.layout.first_inst(current);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            let InstructionData::FloatCompare { args, .. } = func.dfg.insts[inst] else { continue };
            if func.dfg.value_type(args[0]).is_vector() {
                keep_out(func, inst);
            }
        }
    }
}

fn keep_out(func: &mut Function, compare: Inst) {
    for position in 0..2 {
        let arg = func.dfg.inst_args(compare)[position];
        let from = func.dfg.value_def(arg).inst();
        if from.is_some_and(|from| func.dfg.insts[from].opcode() == Opcode::Load) {
            let ty = func.dfg.value_type(arg);
            let srcloc = func.srcloc(compare);
            let mut cursor = FuncCursor::new(func).at_inst(compare).with_srcloc(srcloc);
            let same = cursor.ins().bitcast(ty, MemFlagsData::new(), arg);
            func.dfg.inst_args_mut(compare)[position] = same;
        }
    }
}
