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
use cranelift_codegen::ir::{Function, InstBuilder, InstructionData, MemFlagsData, Opcode, Value};

/// Keeps loads out of comparisons of vectors.
pub fn keep_loads_out(func: &mut Function) {
    let mut cursor = FuncCursor::new(func);
    while cursor.next_block().is_some() {
        while let Some(inst) = cursor.next_inst() {
            let func = &*cursor.func;
            let InstructionData::FloatCompare { args, .. } = func.dfg.insts[inst] else { continue };
            let ty = func.dfg.value_type(args[0]);
            let are_loaded = args.map(|arg| ty.is_vector() && is_loaded(func, arg));
            cursor.set_srcloc(func.srcloc(inst));
            for position in (0..args.len()).filter(|&position| are_loaded[position]) {
                let same = cursor.ins().bitcast(ty, MemFlagsData::new(), args[position]);
                cursor.func.dfg.inst_args_mut(inst)[position] = same;
            }
        }
    }
}

fn is_loaded(func: &Function, value: Value) -> bool {
    let inst = func.dfg.value_def(value).inst();
    inst.is_some_and(|inst| func.dfg.insts[inst].opcode() == Opcode::Load)
}
