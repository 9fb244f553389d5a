//! Numbers of 32 bits in registers of 64.
//!
//! In: an optimised function, its flow graph and dominators. Out: the same function with the same blocks; values differ.
//!
//! Addresses in wasm have 32 bits, native ones 64, so many a number is extended. Where a number is needed both as it is and
//! extended, the code generator gives each its own register and a move between them, though one register could hold
//! both. So here the extended number becomes the one that is kept, and the other its lower half, which costs nothing.
//!
//! Always true: what is computed is the same for all inputs.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::entity::EntitySet;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{
    Block, BlockArg, Function, Inst, InstBuilder, InstructionData, Opcode, Value, ValueDef, types,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::loops::{constant, immediate};
use super::values::Others;

/// Extends numbers where they are made.
///
/// Those that are loaded are extended by the instruction that loads them. With `flow`, everything else that is extended is so
/// as well: parameters, results of calls, and what goes from block to block. That is for processors whose instructions of 32 bits
/// leave zeros in the other half of a register.
pub fn widen(func: &mut Function, flow: Option<(&ControlFlowGraph, &DominatorTree)>) {
    let mut extensions = extensions(func);
    let mut replaced = Others::default();
    extensions.retain(|extension| {
        let wide = loaded(func, extension.value);
        if let Some(wide) = wide {
            replaced.insert(extension.extended, wide);
        }
        wide.is_none()
    });
    let kept = match flow {
        Some((cfg, domtree)) if !extensions.is_empty() => {
            widen_numbers(func, cfg, domtree, &extensions, &mut replaced)
        }
        _ => Vec::new(),
    };
    replaced.replace(func);
    // All but these take the lower half of what they make.
    for (value, wide) in kept {
        let inst = func.dfg.value_def(wide).unwrap_inst();
        func.dfg.inst_args_mut(inst)[0] = value;
    }
}

/// Extends numbers that are not loaded. Returns those whose extended number is made of them, with that.
fn widen_numbers(
    func: &mut Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    extensions: &[Extension],
    replaced: &mut Others,
) -> Vec<(Value, Value)> {
    let params = params_to_widen(func, cfg, domtree, extensions);
    let mut wides = Others::default();
    for &param in &params {
        let (block, _) = place(func, param).expect("it is a parameter");
        let wide = func.dfg.replace_block_param(param, types::I64);
        let first = func.layout.first_inst(block).expect("blocks are not empty");
        let mut cursor = FuncCursor::new(func).at_inst(first);
        cursor.ins().with_result(param).ireduce(types::I32, wide);
        wides.insert(param, wide);
    }
    let mut blocks = FxHashSet::default();
    for &param in &params {
        let wide = wides.get(param).expect("it has one");
        let (block, _) = place(func, wide).expect("it is a parameter");
        if blocks.insert(block) {
            let ends: Vec<Inst> = cfg.pred_iter(block).map(|pred| pred.inst).collect();
            for end in ends {
                widen_arguments(func, end, block, &wides);
            }
        }
    }
    let mut members = EntitySet::new();
    members.extend(params);
    let mut kept = Vec::new();
    for &Extension { value, extended } in extensions {
        let wide = match wides.get(value) {
            Some(wide) => wide,
            None if is_free(func, value, &members) => continue,
            None => {
                let Some((wide, narrow)) = keep_extended(func, value) else { continue };
                replaced.insert(value, narrow);
                wides.insert(value, wide);
                kept.push((value, wide));
                wide
            }
        };
        replaced.insert(extended, wide);
    }
    kept
}

/// A number of 32 bits, and what it is with 64.
struct Extension {
    value: Value,
    extended: Value,
}

/// The numbers of 32 bits that are extended to 64.
fn extensions(func: &Function) -> Vec<Extension> {
    let insts = func.layout.blocks().flat_map(|block| func.layout.block_insts(block));
    let extensions = insts.filter_map(|inst| {
        let InstructionData::Unary { opcode: Opcode::Uextend, arg } = func.dfg.insts[inst] else {
            return None;
        };
        let extended = func.dfg.first_result(inst);
        let is_one =
            func.dfg.value_type(arg) == types::I32 && func.dfg.value_type(extended) == types::I64;
        is_one.then_some(Extension { value: arg, extended })
    });
    extensions.collect()
}

/// The instruction that makes a number, if it loads 32 bits.
fn narrow_load(func: &Function, value: Value) -> Option<Inst> {
    let inst = func.dfg.value_def(value).inst()?;
    let is_load = func.dfg.insts[inst].opcode() == Opcode::Load;
    (is_load && func.dfg.value_type(value) == types::I32).then_some(inst)
}

/// A number that is loaded, with 64 bits.
fn loaded(func: &mut Function, value: Value) -> Option<Value> {
    match narrow_load(func, value) {
        Some(load) => Some(widen_load(func, load)),
        None => whole(func, value),
    }
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
    extensions: &[Extension],
) -> Vec<Value> {
    let mut incoming: FxHashMap<Block, Vec<Incoming>> = FxHashMap::default();
    let mut params = Vec::new();
    let mut seen = EntitySet::new();
    let mut open: Vec<Value> = extensions.iter().map(|extension| extension.value).collect();
    while let Some(value) = open.pop() {
        let Some((block, position)) = place(func, value) else { continue };
        if func.dfg.value_type(value) != types::I32 || !seen.insert(value) {
            continue;
        }
        params.push((value, block, position));
        let all = incoming.entry(block).or_insert_with(|| ways_into(func, cfg, domtree, block));
        open.extend(all.iter().filter_map(|way| way.passed[position]));
    }
    let mut members = seen;
    for _ in 0..MOST_ROUNDS {
        let before = params.len();
        params.retain(|&(param, block, position)| {
            let stays = incoming[&block].iter().all(|way| {
                way.passed[position]
                    .is_some_and(|value| !way.comes_back || is_free(func, value, &members))
            });
            if !stays {
                members.remove(param);
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
fn is_free(func: &Function, value: Value, wide: &EntitySet<Value>) -> bool {
    let Some(inst) = func.dfg.value_def(value).inst() else { return wide.contains(value) };
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
        Opcode::Ireduce => whole(func, value).is_some(),
        _ => false,
    }
}

/// The number with 64 bits whose upper half is zero and whose lower half this is.
fn whole(func: &Function, value: Value) -> Option<Value> {
    match func.dfg.insts[func.dfg.value_def(value).inst()?] {
        InstructionData::Unary { opcode: Opcode::Ireduce, arg } => {
            let from = func.dfg.value_def(arg).inst()?;
            (func.dfg.insts[from].opcode() == Opcode::Uload32).then_some(arg)
        }
        _ => None,
    }
}

/// Extends what a branch passes to the parameters of a block that have 64 bits now.
fn widen_arguments(func: &mut Function, branch: Inst, block: Block, wide_params: &Others) {
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
    let mut widened: FxHashMap<Value, Value> = FxHashMap::default();
    let source = func.srcloc(branch);
    for value in narrow {
        if widened.contains_key(&value) {
            continue;
        }
        let known = constant(func, value);
        let loaded = loaded(func, value);
        let mut cursor = FuncCursor::new(func).at_inst(branch).with_srcloc(source);
        let extended = match (known, wide_params.get(value).or(loaded)) {
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
