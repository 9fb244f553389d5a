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
            if has_effects(func, inst) {
                last = Some(inst).filter(|&inst| is_load(func, inst));
            } else if let Some(load) = last {
                let mut args = func.dfg.inst_args(inst).iter();
                if args.any(|&arg| is_loaded_for(func, uses, load, arg)) {
                    changes.push((inst, func.srcloc(load)));
                }
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

/// Whether a value is what an instruction has loaded, or that with wider lanes, which may be made by the same instruction, and only one other
/// needs it.
fn is_loaded_for(
    func: &Function,
    uses: &SecondaryMap<Value, u32>,
    load: Inst,
    value: Value,
) -> bool {
    let Some(inst) = func.dfg.value_def(value).inst().filter(|_| uses[value] == 1) else {
        return false;
    };
    match func.dfg.insts[inst].opcode() {
        _ if inst == load => true,
        Opcode::SwidenLow | Opcode::SwidenHigh | Opcode::UwidenLow | Opcode::UwidenHigh => {
            is_loaded_for(func, uses, load, func.dfg.inst_args(inst)[0])
        }
        _ => false,
    }
}
