//! Numbers of 32 bits in registers of 64.
//!
//! In: an optimised function, its flow graph and dominators. Out: the same function with the same blocks; values differ.
//!
//! Addresses in wasm have 32 bits, native ones 64, so many a number is extended. Where a number is needed both as it is and
//! extended, the code generator gives each its own register and a move between them, though one register could hold
//! both. So here the extended number becomes the one that is kept, and the other its lower half, which costs nothing.
//!
//! Always true: what is computed is the same for all inputs.

use std::collections::{HashMap, HashSet};

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{
    Block, BlockArg, Function, Inst, InstBuilder, InstructionData, Opcode, Value, ValueDef, types,
};

use super::loops::{constant, immediate};

/// Lets instructions that load numbers which are extended extend them.
pub fn widen_loads(func: &mut Function) {
    let mut replaced = HashMap::new();
    for (value, extended) in extensions(func) {
        let Some(load) = narrow_load(func, value) else { continue };
        let wide = widen_load(func, load);
        replaced.extend(extended.into_iter().map(|extension| (extension, wide)));
    }
    replace(func, &replaced);
}

/// The same for everything else that is extended: parameters, results of calls, and what goes from block to block. For
/// processors whose instructions of 32 bits leave zeros in the other half of a register.
pub fn widen_numbers(func: &mut Function, cfg: &ControlFlowGraph, domtree: &DominatorTree) {
    let extensions = extensions(func);
    if extensions.is_empty() {
        return;
    }
    let mut replaced = HashMap::new();
    let params = params_to_widen(func, cfg, domtree, &extensions);
    let mut wide_params = HashMap::new();
    for &param in &params {
        let (block, _) = place(func, param).expect("it is a parameter");
        let wide = func.dfg.replace_block_param(param, types::I64);
        let first = func.layout.first_inst(block).expect("blocks are not empty");
        let mut cursor = FuncCursor::new(func).at_inst(first);
        cursor.ins().with_result(param).ireduce(types::I32, wide);
        wide_params.insert(param, wide);
    }
    let mut blocks = HashSet::new();
    for param in &params {
        let (block, _) = place(func, wide_params[param]).expect("it is a parameter");
        if blocks.insert(block) {
            let ends: Vec<Inst> = cfg.pred_iter(block).map(|pred| pred.inst).collect();
            for end in ends {
                widen_arguments(func, end, block, &wide_params);
            }
        }
    }
    let members: HashSet<Value> = params.into_iter().collect();
    let mut kept = Vec::new();
    for (value, extended) in extensions {
        let wide = match wide_params.get(&value) {
            Some(&wide) => wide,
            None if is_free(func, value, &members) => continue,
            None => {
                let Some((wide, narrow)) = keep_extended(func, value) else { continue };
                replaced.insert(value, narrow);
                kept.push((value, wide));
                wide
            }
        };
        replaced.extend(extended.into_iter().map(|extension| (extension, wide)));
    }
    replace(func, &replaced);
    // All but these take the lower half of what they make.
    for (value, wide) in kept {
        let inst = func.dfg.value_def(wide).unwrap_inst();
        func.dfg.inst_args_mut(inst)[0] = value;
    }
}

/// The numbers of 32 bits that are extended to 64, and what extends them; in the order of the first of these.
fn extensions(func: &Function) -> Vec<(Value, Vec<Value>)> {
    let mut found: Vec<(Value, Vec<Value>)> = Vec::new();
    let mut positions = HashMap::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            let InstructionData::Unary { opcode: Opcode::Uextend, arg } = func.dfg.insts[inst]
            else {
                continue;
            };
            let result = func.dfg.first_result(inst);
            if func.dfg.value_type(arg) == types::I32 && func.dfg.value_type(result) == types::I64 {
                let position = *positions.entry(arg).or_insert(found.len());
                if position == found.len() {
                    found.push((arg, Vec::new()));
                }
                found[position].1.push(result);
            }
        }
    }
    found
}

/// The instruction that makes a number, if it loads 32 bits.
fn narrow_load(func: &Function, value: Value) -> Option<Inst> {
    let inst = func.dfg.value_def(value).inst()?;
    let is_load = func.dfg.insts[inst].opcode() == Opcode::Load;
    (is_load && func.dfg.value_type(value) == types::I32).then_some(inst)
}

/// Makes a load extend what it loads.
fn widen_load(func: &mut Function, load: Inst) -> Value {
    let InstructionData::Load { arg, offset, .. } = func.dfg.insts[load] else {
        unreachable!("it is a load")
    };
    let flags = func.dfg.insts[load].memflags_data(&func.dfg).expect("loads have flags");
    let position = func.srcloc(load);
    let mut cursor = FuncCursor::new(func).at_inst(load).with_srcloc(position);
    let wide = cursor.ins().uload32(flags, arg, offset);
    func.replace(load).ireduce(types::I32, wide);
    wide
}

/// Parameters of blocks that are extended, or go to one that is, and cost nothing to pass with 64 bits in each turn of a loop.
fn params_to_widen(
    func: &Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    extensions: &[(Value, Vec<Value>)],
) -> Vec<Value> {
    let mut incoming: HashMap<Block, Vec<Incoming>> = HashMap::new();
    let mut params = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Vec<Value> = extensions.iter().map(|&(value, _)| value).collect();
    while let Some(value) = open.pop() {
        let Some((block, position)) = place(func, value) else { continue };
        if func.dfg.value_type(value) != types::I32 || !seen.insert(value) {
            continue;
        }
        params.push((value, block, position));
        let all = incoming.entry(block).or_insert_with(|| ways_into(func, cfg, domtree, block));
        open.extend(all.iter().filter_map(|way| way.passed[position]));
    }
    let mut members: HashSet<Value> = params.iter().map(|&(param, ..)| param).collect();
    for _ in 0..MOST_ROUNDS {
        let before = params.len();
        params.retain(|&(param, block, position)| {
            let stays = incoming[&block].iter().all(|way| {
                way.passed[position]
                    .is_some_and(|value| !way.comes_back || is_free(func, value, &members))
            });
            if !stays {
                members.remove(&param);
            }
            stays
        });
        if params.len() == before {
            return params.into_iter().map(|(param, ..)| param).collect();
        }
    }
    Vec::new()
}

/// How often parameters are looked at again because others were left as they are. More is not worth it.
const MOST_ROUNDS: usize = 8;

/// A way into a block.
struct Incoming {
    /// Whether it leads back to where it came from.
    comes_back: bool,
    /// What it passes, if that is a value and not what a call makes.
    passed: Vec<Option<Value>>,
}

fn ways_into(
    func: &Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    block: Block,
) -> Vec<Incoming> {
    let dfg = &func.dfg;
    let ends = cfg.pred_iter(block);
    let ways = ends.flat_map(|end| {
        let comes_back = domtree.block_dominates(block, end.block);
        let ways = dfg.insts[end.inst].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        let ways = ways.iter().filter(|way| way.block(&dfg.value_lists) == block);
        ways.map(move |way| Incoming {
            comes_back,
            passed: way.args(&dfg.value_lists).map(|arg| arg.as_value()).collect(),
        })
    });
    ways.collect()
}

/// The block that a value is a parameter of, and its position; not those of the function, which come from elsewhere.
fn place(func: &Function, value: Value) -> Option<(Block, usize)> {
    match func.dfg.value_def(value) {
        ValueDef::Param(block, position) if Some(block) != func.layout.entry_block() => {
            Some((block, position))
        }
        _ => None,
    }
}

/// Whether a number can be extended for nothing, if these parameters have 64 bits.
fn is_free(func: &Function, value: Value, wide: &HashSet<Value>) -> bool {
    let Some(inst) = func.dfg.value_def(value).inst() else { return wide.contains(&value) };
    match func.dfg.insts[inst].opcode() {
        Opcode::Iconst
        | Opcode::Iadd
        | Opcode::Isub
        | Opcode::Imul
        | Opcode::Band
        | Opcode::Bor
        | Opcode::Bxor
        | Opcode::Ishl
        | Opcode::Ushr => true,
        Opcode::Load => true,
        Opcode::Ireduce => is_lower_half(func, inst).is_some(),
        _ => false,
    }
}

/// The number with 64 bits whose upper half is zero and whose lower half an instruction makes.
fn is_lower_half(func: &Function, inst: Inst) -> Option<Value> {
    let arg = func.dfg.inst_args(inst)[0];
    let from = func.dfg.value_def(arg).inst()?;
    (func.dfg.insts[from].opcode() == Opcode::Uload32).then_some(arg)
}

/// Extends what a branch passes to the parameters of a block that have 64 bits now.
fn widen_arguments(
    func: &mut Function,
    branch: Inst,
    block: Block,
    wide_params: &HashMap<Value, Value>,
) {
    let is_wide: Vec<bool> = {
        let params = func.dfg.block_params(block);
        params.iter().map(|&param| func.dfg.value_type(param) == types::I64).collect()
    };
    let dfg = &func.dfg;
    let ways = dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
    let ways = ways.iter().filter(|way| way.block(&dfg.value_lists) == block);
    let narrow: Vec<Value> = ways
        .flat_map(|way| way.args(&dfg.value_lists).zip(&is_wide))
        .filter_map(|(arg, &is_wide)| arg.as_value().filter(|_| is_wide))
        .filter(|&value| dfg.value_type(value) == types::I32)
        .collect();
    let mut widened: HashMap<Value, Value> = HashMap::new();
    let source = func.srcloc(branch);
    for value in narrow {
        if widened.contains_key(&value) {
            continue;
        }
        let known = constant(func, value);
        let whole = func.dfg.value_def(value).inst().and_then(|inst| {
            let is_half = func.dfg.insts[inst].opcode() == Opcode::Ireduce;
            if is_half { is_lower_half(func, inst) } else { None }
        });
        let whole = whole.or_else(|| narrow_load(func, value).map(|load| widen_load(func, load)));
        let mut cursor = FuncCursor::new(func).at_inst(branch).with_srcloc(source);
        let extended = match (known, wide_params.get(&value).copied().or(whole)) {
            (_, Some(wide)) => wide,
            (Some(known), None) => cursor.ins().iconst(types::I64, immediate(types::I32, known)),
            (None, None) => cursor.ins().uextend(types::I64, value),
        };
        widened.insert(value, extended);
    }
    let dfg = &mut func.dfg;
    let ways =
        dfg.insts[branch].branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
    for way in ways {
        if way.block(&dfg.value_lists) != block {
            continue;
        }
        let mut positions = is_wide.iter();
        way.update_args(&mut dfg.value_lists, |arg: BlockArg| {
            if positions.next() != Some(&true) {
                return arg;
            }
            arg.map_value(|value| widened.get(&value).copied().unwrap_or(value))
        });
    }
}

/// Extends a number where it is made, and makes it the lower half of that.
fn keep_extended(func: &mut Function, value: Value) -> Option<(Value, Value)> {
    let behind = match func.dfg.value_def(value) {
        ValueDef::Result(inst, _) => func.layout.next_inst(inst)?,
        ValueDef::Param(block, _) => func.layout.first_inst(block)?,
        ValueDef::Union(..) => return None,
    };
    let position = func.srcloc(behind);
    let mut cursor = FuncCursor::new(func).at_inst(behind).with_srcloc(position);
    let wide = cursor.ins().uextend(types::I64, value);
    let narrow = cursor.ins().ireduce(types::I32, wide);
    Some((wide, narrow))
}

/// Names other values everywhere.
pub(super) fn replace(func: &mut Function, others: &HashMap<Value, Value>) {
    if others.is_empty() {
        return;
    }
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for block in blocks {
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            func.dfg.map_inst_values(inst, |value| others.get(&value).copied().unwrap_or(value));
            next = func.layout.next_inst(inst);
        }
    }
}
