//! Where loads are in the wasm file that other instructions make.
//!
//! In: an optimised function. Out: the same function, some of whose instructions have another position.
//!
//! Some processors load what they compute with by the same instruction, and the code generator gives it the position of what is computed:
//! of another operator, or none. If it traps, it is the load that does.
//!
//! Always true: instructions that may trap themselves, or call, keep their positions.

use cranelift_codegen::ir::{Function, Inst, Opcode, Value, types};

use super::values::count_uses;

/// Gives what is computed of a load, and nothing else needs, the position of the load.
pub fn take_from_loads(func: &mut Function) {
    let mut uses = None;
    let mut changes = Vec::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block).filter(|&inst| may_load(func, inst)) {
            let loads = func.dfg.inst_args(inst).iter().filter_map(|&arg| {
                let load =
                    load(func, arg).filter(|&load| func.layout.inst_block(load) == Some(block))?;
                let uses = uses.get_or_insert_with(|| count_uses(func));
                (uses[arg] == 1).then(|| func.srcloc(load))
            });
            changes.extend(loads.take(1).map(|position| (inst, position)));
        }
    }
    for (inst, position) in changes {
        func.set_srcloc(inst, position);
    }
}

/// The instruction that loads a value, if it has a position.
fn load(func: &Function, value: Value) -> Option<Inst> {
    let inst = func.dfg.value_def(value).inst()?;
    let opcode = func.dfg.insts[inst].opcode();
    let is_load = opcode.can_load() && !opcode.is_call();
    (is_load && !func.srcloc(inst).is_default()).then_some(inst)
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
