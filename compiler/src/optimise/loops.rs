//! Loops: what goes round in them.
//!
//! In: an optimised function, its flow graph and dominators. Out: the same function with the same blocks; values differ.
//!
//! Always true: what is computed is the same for all inputs, wrapping around included.

use std::collections::BTreeMap;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockCall, Function, Inst, InstBuilder, InstructionData, Opcode, Type, Value,
};

use super::values::{self, count_uses};

/// Makes the tests at the end of loops look at what their counters will be, not at what they were.
///
/// A counter whose old value is compared after the new one has been computed needs two registers, and a move for each turn, which
/// is behind the branch and so needs a jump as well. Whether it is equal to a constant can be asked of the new value as well.
/// (Cranelift itself prefers the old one: it folds the addition into the constant.)
pub fn shorten_counters(func: &mut Function, domtree: &DominatorTree) {
    let mut uses = None;
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for block in blocks {
        let Some(branch) = func.layout.last_inst(block) else { continue };
        let InstructionData::Brif { arg: condition, blocks: ways, .. } = func.dfg.insts[branch]
        else {
            continue;
        };
        for way in ways {
            let Some(way) = way_back(func, domtree, block, way) else { continue };
            let Some(test) = test(func, condition) else { break };
            let uses = uses.get_or_insert_with(|| count_uses(func));
            if uses[condition] != 1 {
                break;
            }
            let header = way.block(&func.dfg.value_lists);
            let params = func.dfg.block_params(header).iter().copied();
            let next = way.args(&func.dfg.value_lists).filter_map(|arg| arg.as_value());
            let counter = params.zip(next).find_map(|(old, new)| {
                let step = step(func, old, new)?;
                let is_made =
                    domtree.dominates(func.dfg.value_def(new).inst()?, branch, &func.layout);
                (old == test.value && is_made).then_some(Counter { new, step })
            });
            if let Some(counter) = counter {
                look_at_new(func, branch, &test, &counter);
                break;
            }
        }
    }
}

/// Whether an integer is a constant, or is not.
struct Test {
    condition: IntCC,
    value: Value,
    number: i64,
}

/// What was tested has become this, by adding that.
struct Counter {
    new: Value,
    step: i64,
}

fn test(func: &Function, condition: Value) -> Option<Test> {
    let inst = func.dfg.value_def(condition).inst()?;
    match func.dfg.insts[inst] {
        InstructionData::IntCompare { opcode: Opcode::Icmp, args, cond } => {
            let is_equality = matches!(cond, IntCC::Equal | IntCC::NotEqual);
            let sides = [(args[0], args[1]), (args[1], args[0])];
            let mut tests = sides.into_iter().filter_map(|(value, number)| {
                Some(Test { condition: cond, value, number: constant(func, number)? })
            });
            tests.next().filter(|_| is_equality)
        }
        _ => None,
    }
}

/// What is added to `old` to make `new`.
pub(super) fn step(func: &Function, old: Value, new: Value) -> Option<i64> {
    let (opcode, [left, right]) = binary(func, new)?;
    match opcode {
        Opcode::Iadd if left == old => constant(func, right),
        Opcode::Iadd if right == old => constant(func, left),
        Opcode::Isub if left == old => Some(constant(func, right)?.wrapping_neg()),
        _ => None,
    }
}

pub(super) fn binary(func: &Function, value: Value) -> Option<(Opcode, [Value; 2])> {
    match func.dfg.insts[func.dfg.value_def(value).inst()?] {
        InstructionData::Binary { opcode, args } => Some((opcode, args)),
        _ => None,
    }
}

pub(super) fn constant(func: &Function, value: Value) -> Option<i64> {
    match func.dfg.insts[func.dfg.value_def(value).inst()?] {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
        _ => None,
    }
}

/// A number as the operand of `iconst`.
pub(super) fn immediate(ty: Type, number: i64) -> i64 {
    match ty.bits() {
        64 => number,
        bits => number & ((1 << bits) - 1),
    }
}

/// Passes a value on to a block, to which only the branch at the end of `from` leads. Returns what it is there.
pub(super) fn pass(func: &mut Function, from: Block, to: Block, value: Value) -> Value {
    let value = func.dfg.resolve_aliases(value);
    let ty = func.dfg.value_type(value);
    let param = func.dfg.append_block_param(to, ty);
    let branch = func.layout.last_inst(from).expect("a block ends with a branch");
    let dfg = &mut func.dfg;
    let ways =
        dfg.insts[branch].branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
    for way in ways {
        if way.block(&dfg.value_lists) == to {
            way.append_argument(value, &mut dfg.value_lists);
        }
    }
    param
}

/// Has a branch that leads to a block lead to another one, without what is passed at a position.
pub(super) fn lead(
    func: &mut Function,
    branch: Inst,
    from: Block,
    to: Block,
    without: Option<usize>,
) {
    let dfg = &mut func.dfg;
    let ways =
        dfg.insts[branch].branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
    for way in ways {
        if way.block(&dfg.value_lists) != from {
            continue;
        }
        way.set_block(to, &mut dfg.value_lists);
        if let Some(position) = without {
            way.remove(position, &mut dfg.value_lists);
        }
    }
}

/// Makes what is made in some blocks, and needed in others that are reached by way of one, parameters of that one, to which only the branch
/// at the end of `from` leads.
pub(super) fn close(
    func: &mut Function,
    inside: &[Block],
    from: Block,
    behind: Block,
    is_reached: impl Fn(Block) -> bool,
) {
    let mut names: BTreeMap<Value, Option<Value>> = BTreeMap::new();
    for &block in inside {
        let results = func.layout.block_insts(block).flat_map(|it| func.dfg.inst_results(it));
        let made = func.dfg.block_params(block).iter().chain(results);
        names.extend(made.map(|&value| (value, None)));
    }
    let blocks = func.layout.blocks().filter(|&block| is_reached(block));
    let insts: Vec<Inst> = blocks.flat_map(|block| func.layout.block_insts(block)).collect();
    for inst in insts {
        let values: Vec<Value> = func.dfg.inst_values(inst).collect();
        for value in values {
            if names.get(&value) == Some(&None) {
                names.insert(value, Some(pass(func, from, behind, value)));
            }
        }
        let name = |value| names.get(&value).copied().flatten().unwrap_or(value);
        func.dfg.map_inst_values(inst, name);
    }
}

/// The ways of a branch that lead to a block.
pub(super) fn ways_to(
    func: &Function,
    branch: Inst,
    to: Block,
) -> impl Iterator<Item = &BlockCall> {
    let dfg = &func.dfg;
    let ways = dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
    ways.iter().filter(move |way| way.block(&dfg.value_lists) == to)
}

/// Has a branch that leads to a block go another way.
pub(super) fn redirect(func: &mut Function, branch: Inst, from: Block, new: BlockCall) {
    let dfg = &mut func.dfg;
    let ways =
        dfg.insts[branch].branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
    for way in ways {
        if way.block(&dfg.value_lists) == from {
            *way = new;
        }
    }
}

/// The way back to the first block of a loop that one of a block's ways is: by itself, or if there is only a question out of the way in
/// between.
pub(super) fn way_back(
    func: &Function,
    domtree: &DominatorTree,
    block: Block,
    way: BlockCall,
) -> Option<BlockCall> {
    let dfg = &func.dfg;
    let to = way.block(&dfg.value_lists);
    if domtree.block_dominates(to, block) {
        return Some(way);
    }
    let InstructionData::Brif { blocks: [on, other], .. } = dfg.insts[func.layout.last_inst(to)?]
    else {
        return None;
    };
    let is_question = dfg.block_params(to).is_empty()
        && func.layout.is_cold(other.block(&dfg.value_lists))
        && domtree.block_dominates(on.block(&dfg.value_lists), block);
    is_question.then_some(on)
}

/// Copies an instruction to the end of a block. `now` is what other values are called there, and then what its results are.
pub(super) fn copy(
    func: &mut Function,
    inst: Inst,
    to: Block,
    now: &mut BTreeMap<Value, Value>,
) -> Inst {
    let copy = func.dfg.clone_inst(inst);
    func.layout.append_inst(copy, to);
    func.set_srcloc(copy, func.srcloc(inst));
    func.dfg.map_inst_values(copy, |value| now.get(&value).copied().unwrap_or(value));
    let [old, new] = [inst, copy].map(|inst| func.dfg.inst_results(inst).to_vec());
    now.extend(old.into_iter().zip(new));
    copy
}

/// Whether an instruction accesses what is in a region.
pub(super) fn is_in_region(func: &Function, is_it: &dyn Fn(u32) -> bool, inst: Inst) -> bool {
    let region = func.dfg.insts[inst].alias_region(&func.dfg);
    region.is_some_and(|region| is_it(func.dfg.alias_regions[region].user_id))
}

/// Whether an instruction does more than to compute.
pub(super) fn has_effects(func: &Function, inst: Inst) -> bool {
    let opcode = func.dfg.insts[inst].opcode();
    opcode.is_terminator()
        || opcode.is_branch()
        || opcode.is_call()
        || opcode.can_store()
        || opcode.can_load()
        || opcode.can_trap()
        || opcode.other_side_effects()
}

/// Removes what is computed and not needed, so that what is left can be counted.
pub fn remove_unused(func: &mut Function) {
    let mut uses = count_uses(func);
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for &block in blocks.iter().rev() {
        let mut next = func.layout.last_inst(block);
        while let Some(inst) = next {
            next = func.layout.prev_inst(inst);
            let is_unused = func.dfg.inst_results(inst).iter().all(|&result| uses[result] == 0);
            if is_unused && !has_effects(func, inst) {
                values::each(func, inst, |value| uses[value] -= 1);
                func.layout.remove_inst(inst);
            }
        }
    }
}

fn look_at_new(func: &mut Function, branch: Inst, test: &Test, counter: &Counter) {
    let ty = func.dfg.value_type(counter.new);
    let position = func.srcloc(branch);
    let mut cursor = FuncCursor::new(func).at_inst(branch).with_srcloc(position);
    let number = immediate(ty, test.number.wrapping_add(counter.step));
    let number = cursor.ins().iconst(ty, number);
    let condition = cursor.ins().icmp(test.condition, counter.new, number);
    func.dfg.inst_args_mut(branch)[0] = condition;
}
