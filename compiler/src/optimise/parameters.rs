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

use cranelift_codegen::entity::{EntitySet, SecondaryMap};
use cranelift_codegen::ir::{Block, BlockArg, BlockCall, Function, Inst, Value};
use rustc_hash::FxHashMap;

use super::values::Others;

/// How often all parameters are looked at, because others were removed.
const MOST_ROUNDS: usize = 16;

/// Removes parameters that are always the same as another value.
pub fn remove_same(func: &mut Function) {
    let branches = branches(func);
    let mut same = Others::default();
    let mut kept = None;
    for _ in 0..MOST_ROUNDS {
        let mut found = only_values(func, &branches, &same);
        if found.is_empty() {
            break;
        }
        let kept = kept.get_or_insert_with(|| calling_loops(func));
        found.retain(|&(block, ..)| !kept.contains(block));
        let before = same.len();
        for (_, param, only) in found {
            // Two that pass each other on are not both removed.
            let only = same.last(only);
            if only != param {
                same.insert(param, only);
            }
        }
        if same.len() == before {
            break;
        }
    }
    if !same.is_empty() {
        remove(func, &branches, &same);
    }
}

/// The branches that pass something on.
fn branches(func: &Function) -> Vec<Inst> {
    let dfg = &func.dfg;
    let ends = func.layout.blocks().filter_map(|block| func.layout.last_inst(block));
    let passes = |&end: &Inst| {
        let ways = dfg.insts[end].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        ways.iter().any(|way| way.len(&dfg.value_lists) > 0)
    };
    ends.filter(passes).collect()
}

/// What is passed to a parameter, apart from itself and what it is the same as.
#[derive(Clone, Copy, Default)]
enum Passed {
    #[default]
    Nothing,
    One(Value),
    /// Several values, or what a call makes.
    Many,
}

/// The parameters to which one other value only is passed, with their blocks and that value. Those of the function, to which nothing is
/// passed here, are not among them.
fn only_values(func: &Function, branches: &[Inst], same: &Others) -> Vec<(Block, Value, Value)> {
    let dfg = &func.dfg;
    let mut passed: SecondaryMap<Value, Passed> = SecondaryMap::new();
    passed.resize(dfg.num_values());
    let mut reached = Vec::new();
    for &branch in branches {
        let ways = dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        for way in ways {
            let block = way.block(&dfg.value_lists);
            for (&param, arg) in dfg.block_params(block).iter().zip(way.args(&dfg.value_lists)) {
                let value = arg.as_value().map(|value| same.last(dfg.resolve_aliases(value)));
                passed[param] = match (passed[param], value) {
                    (before, Some(value)) if value == param => before,
                    (Passed::Nothing, Some(value)) => {
                        reached.push((block, param));
                        Passed::One(value)
                    }
                    (Passed::One(other), Some(value)) if value == other => Passed::One(value),
                    _ => Passed::Many,
                };
            }
        }
    }
    let found = reached.into_iter().filter_map(|(block, param)| match passed[param] {
        Passed::One(value) if same.get(param).is_none() => Some((block, param, value)),
        _ => None,
    });
    found.collect()
}

/// The first blocks of loops in which something is called. What lies between it and the last branch back is taken for the loop, as
/// blocks lie in the order of operators.
fn calling_loops(func: &Function) -> EntitySet<Block> {
    let dfg = &func.dfg;
    // How many calls there are in front of each block so far.
    let mut before: SecondaryMap<Block, Option<usize>> = SecondaryMap::new();
    let mut calls = 0;
    let mut found = EntitySet::new();
    for block in func.layout.blocks() {
        before[block] = Some(calls);
        if !func.layout.is_cold(block) {
            let insts = func.layout.block_insts(block);
            calls += insts.filter(|&inst| dfg.insts[inst].opcode().is_call()).count();
        }
        let Some(end) = func.layout.last_inst(block) else { continue };
        let ways = dfg.insts[end].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        let ways = ways.iter().map(|way| way.block(&dfg.value_lists));
        found.extend(ways.filter(|&to| before[to].is_some_and(|before| before < calls)));
    }
    found
}

fn remove(func: &mut Function, branches: &[Inst], same: &Others) {
    let mut stays: FxHashMap<Block, Vec<bool>> = FxHashMap::default();
    let blocks: Vec<Block> = func.layout.blocks().collect();
    for block in blocks {
        let params = func.dfg.block_params(block);
        let stay: Vec<bool> = params.iter().map(|&param| same.get(param).is_none()).collect();
        if stay.contains(&false) {
            // Those behind one that is removed move.
            for param in func.dfg.block_params(block).to_vec().into_iter().rev() {
                if same.get(param).is_some() {
                    func.dfg.remove_block_param(param);
                    func.dfg.change_to_alias(param, same.last(param));
                }
            }
            stays.insert(block, stay);
        }
    }
    let dfg = &mut func.dfg;
    for &branch in branches {
        let ways = dfg.insts[branch]
            .branch_destination_mut(&mut dfg.jump_tables, &mut dfg.exception_tables);
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
