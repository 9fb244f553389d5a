//! Where loads are in the wasm file that other instructions make.
//!
//! In: an optimised function. Out: the same function, some of whose instructions have another position.
//!
//! Some processors load what they compute with by the same instruction, and the code generator gives it the position of what is computed:
//! of another operator, or none. If it traps, it is the load that does.
//!
//! Always true: instructions that may trap themselves, or call, keep their positions.

use std::collections::HashMap;

use cranelift_codegen::ir::{Function, Inst, Opcode, SourceLoc, Value, types};

use super::loops::count_uses;

/// Gives what is computed of a load, and nothing else needs, the position of the load.
pub fn take_from_loads(func: &mut Function) {
    let mut uses = None;
    let mut loads: HashMap<Value, SourceLoc> = HashMap::new();
    let mut changes = Vec::new();
    for block in func.layout.blocks() {
        loads.clear();
        for inst in func.layout.block_insts(block) {
            let dfg = &func.dfg;
            let opcode = dfg.insts[inst].opcode();
            if opcode.can_load() && !opcode.is_call() && !func.srcloc(inst).is_default() {
                let results = dfg.inst_results(inst).iter();
                loads.extend(results.map(|&result| (result, func.srcloc(inst))));
            } else if !loads.is_empty() && may_load(func, inst) {
                let mut args = dfg.inst_args(inst).iter().map(|&arg| dfg.resolve_aliases(arg));
                let uses = uses.get_or_insert_with(|| count_uses(func));
                let load = args.find_map(|arg| loads.get(&arg).filter(|_| uses[arg] == 1));
                changes.extend(load.map(|&position| (inst, position)));
            }
        }
    }
    for (inst, position) in changes {
        func.set_srcloc(inst, position);
    }
}

/// Whether an instruction may load one of its operands itself.
fn may_load(func: &Function, inst: Inst) -> bool {
    match func.dfg.insts[inst].opcode() {
        // Those of 32 bits have an instruction that only adds.
        Opcode::Iadd => func.dfg.value_type(func.dfg.first_result(inst)) != types::I32,
        Opcode::Isub | Opcode::Imul | Opcode::Band | Opcode::Bor | Opcode::Bxor | Opcode::Icmp => {
            true
        }
        Opcode::Fadd | Opcode::Fsub | Opcode::Fmul | Opcode::Fdiv | Opcode::Fcmp => true,
        _ => false,
    }
}
