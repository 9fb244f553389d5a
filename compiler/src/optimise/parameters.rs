//! Parameters of blocks that are always the same as another value.
//!
//! In: a function as it was translated. Out: the same function with fewer parameters.
//!
//! A local that a loop does not change goes round in it as a parameter of its first block, if it is itself a parameter of a block: of
//! the loop around, mostly. Then it has a register and a place on the stack for each loop, with moves between them. (Cranelift
//! removes parameters only if what they always are is made by an instruction.)
//!
//! Loops that call keep theirs. Most of what is alive across a call is on the stack anyway, and there a parameter is where the
//! allocation of registers can tell one loop's needs from another's: an interpreter's inner loops from the outer one. Calls out of the
//! way, as those for fuel, do not count.
//!
//! Always true: what replaces a parameter dominates its block, as each way into the block passes it, or the parameter itself.

use std::collections::{HashMap, HashSet};

use cranelift_codegen::ir::{Block, BlockArg, BlockCall, Function, Value};

/// How often all parameters are looked at, because others were removed.
const MOST_ROUNDS: usize = 16;

/// Removes parameters that are always the same as another value.
pub fn remove_same(func: &mut Function) {
    let sources = sources(func);
    let mut same = HashMap::new();
    for _ in 0..MOST_ROUNDS {
        let before = same.len();
        for (param, passed) in &sources {
            if !same.contains_key(param)
                && let Some(only) = only(*param, passed, &same)
            {
                same.insert(*param, only);
            }
        }
        if same.len() == before {
            break;
        }
    }
    if !same.is_empty() {
        remove(func, &same);
    }
}

/// What is passed to each parameter, but for those that get results of calls, and of the function itself.
fn sources(func: &Function) -> Vec<(Value, Vec<Value>)> {
    let dfg = &func.dfg;
    let mut passed: HashMap<Block, Vec<Option<Vec<Value>>>> = HashMap::new();
    for block in func.layout.blocks() {
        let Some(end) = func.layout.last_inst(block) else { continue };
        let ways = dfg.insts[end].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        for way in ways {
            let to = way.block(&dfg.value_lists);
            let count = dfg.num_block_params(to);
            let passed = passed.entry(to).or_insert_with(|| vec![Some(Vec::new()); count]);
            for (passed, arg) in passed.iter_mut().zip(way.args(&dfg.value_lists)) {
                match (passed.as_mut(), arg.as_value()) {
                    (Some(values), Some(value)) => values.push(dfg.resolve_aliases(value)),
                    _ => *passed = None,
                }
            }
        }
    }
    let kept = calling_loops(func);
    let mut sources = Vec::new();
    for block in func.layout.blocks() {
        if func.layout.entry_block() == Some(block) || kept.contains(&block) {
            continue;
        }
        let passed = passed.remove(&block).unwrap_or_default();
        let params = dfg.block_params(block).iter().copied().zip(passed);
        sources.extend(params.filter_map(|(param, values)| Some((param, values?))));
    }
    sources
}

/// The first blocks of loops in which something is called. What lies between it and the last branch back is taken for the loop, as
/// blocks lie in the order of operators.
fn calling_loops(func: &Function) -> HashSet<Block> {
    let dfg = &func.dfg;
    // How many calls there are in front of each block so far.
    let mut before = HashMap::new();
    let mut calls = 0;
    let mut found = HashSet::new();
    for block in func.layout.blocks() {
        before.insert(block, calls);
        if !func.layout.is_cold(block) {
            let insts = func.layout.block_insts(block);
            calls += insts.filter(|&inst| dfg.insts[inst].opcode().is_call()).count();
        }
        let Some(end) = func.layout.last_inst(block) else { continue };
        let ways = dfg.insts[end].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        let ways = ways.iter().map(|way| way.block(&dfg.value_lists));
        found.extend(ways.filter(|to| before.get(to).is_some_and(|&before| before < calls)));
    }
    found
}

/// The only value that is passed to a parameter, apart from itself.
fn only(param: Value, passed: &[Value], same: &HashMap<Value, Value>) -> Option<Value> {
    let mut others =
        passed.iter().map(|&value| resolve(value, same)).filter(|&value| value != param);
    let first = others.next()?;
    others.all(|value| value == first).then_some(first)
}

/// What a value is the same as in the end.
fn resolve(mut value: Value, same: &HashMap<Value, Value>) -> Value {
    while let Some(&other) = same.get(&value) {
        value = other;
    }
    value
}

fn remove(func: &mut Function, same: &HashMap<Value, Value>) {
    let mut stays: HashMap<Block, Vec<bool>> = HashMap::new();
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for &block in &blocks {
        let params = func.dfg.block_params(block).to_vec();
        if params.iter().any(|param| same.contains_key(param)) {
            let stay = params.iter().map(|param| !same.contains_key(param)).collect();
            stays.insert(block, stay);
            // Those behind one that is removed move.
            for &param in params.iter().rev().filter(|param| same.contains_key(param)) {
                func.dfg.remove_block_param(param);
                func.dfg.change_to_alias(param, resolve(param, same));
            }
        }
    }
    for block in blocks {
        let Some(end) = func.layout.last_inst(block) else { continue };
        let dfg = &mut func.dfg;
        let ways =
            dfg.insts[end].branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
        for way in ways {
            let to = way.block(&dfg.value_lists);
            let Some(stay) = stays.get(&to) else { continue };
            let args = way.args(&dfg.value_lists).zip(stay);
            let args: Vec<BlockArg> =
                args.filter_map(|(arg, &stays)| stays.then_some(arg)).collect();
            *way = BlockCall::new(to, args, &mut dfg.value_lists);
        }
    }
}
