//! Where loads are in the wasm file that other instructions make.
//!
//! In: an optimised function, and how often each value is named. Out: the same function, some of whose instructions have another position.
//!
//! Some processors load what they compute with by the same instruction, and the code generator gives it the position of what is computed:
//! of another operator, or none. If it traps, it is the load that does.
//!
//! Always true: instructions that may trap themselves, or call, keep their positions.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Function, Inst, Opcode, Value};

use super::loops::has_effects;

/// Gives what is computed of a load, and nothing else needs, the position of the load.
pub fn take_from_loads(func: &mut Function, uses: &SecondaryMap<Value, u32>) {
    let mut changes = Vec::new();
    for block in func.layout.blocks() {
        // A load is only part of what nothing else with effects lies in front of.
        let mut last = None;
        for inst in func.layout.block_insts(block) {
            if may_load(func, inst) {
                let mut args = func.dfg.inst_args(inst).iter();
                let is_last = |&&arg: &&Value| {
                    last.is_some() && func.dfg.value_def(arg).inst() == last && uses[arg] == 1
                };
                let position = args.find(is_last).and(last).map(|load| func.srcloc(load));
                changes.extend(position.map(|position| (inst, position)));
            } else if has_effects(func, inst) {
                last = Some(inst).filter(|&inst| is_load(func, inst));
            }
        }
    }
    for (inst, position) in changes {
        func.set_srcloc(inst, position);
    }
}

/// Whether an instruction is a load that has a position.
fn is_load(func: &Function, inst: Inst) -> bool {
    let opcode = func.dfg.insts[inst].opcode();
    opcode.can_load() && !opcode.is_call() && !func.srcloc(inst).is_default()
}

/// Whether an instruction may load one of its operands itself.
fn may_load(func: &Function, inst: Inst) -> bool {
    matches!(
        func.dfg.insts[inst].opcode(),
        Opcode::Iadd
            | Opcode::Isub
            | Opcode::Imul
            | Opcode::Band
            | Opcode::Bor
            | Opcode::Bxor
            | Opcode::Icmp
            | Opcode::Fadd
            | Opcode::Fsub
            | Opcode::Fmul
            | Opcode::Fdiv
            | Opcode::Fcmp
    )
}
