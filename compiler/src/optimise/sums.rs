//! Sums behind a branch with what has become something else by then.
//!
//! In: an optimised function, its flow graph and dominators. Out: the same function with the same blocks; values differ, and blocks have
//! more parameters.
//!
//! What a branch passes on is often a sum of something and a constant: a pointer or counter of a loop, or the fuel that was used. If
//! behind the branch nothing is needed of that something but sums with constants, they can be sums with what was passed on.
//! Then the two are not alive at the same time, one register does for both, and no turn of the loop moves one to the other.
//! (Cranelift adds constants of sums up, and makes cheap sums again where they are needed; the code generator does so as well, but
//! for sums that are a block's parameter.)
//!
//! Always true: what is computed is the same for all inputs, wrapping around included.

use std::collections::BTreeMap;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::entity::EntitySet;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function, Inst, InstBuilder, InstructionData, Opcode, Value};
use rustc_hash::FxHashMap;

use super::loops::{binary, constant, immediate, pass};
use super::values::{self, Others};

/// A sum that a branch passes on.
struct Passed {
    /// The block that ends with the branch.
    block: Block,
    /// The sum.
    sum: Value,
    /// What was added.
    step: i64,
}

/// A sum behind a branch.
struct Behind {
    /// The block that the branch leads to.
    way: Block,
    /// The sum.
    inst: Inst,
    /// What it adds.
    added: i64,
}

/// Makes sums behind branches continue those before.
pub fn continue_sums(func: &mut Function, cfg: &ControlFlowGraph, domtree: &DominatorTree) {
    let passed = passed(func);
    if passed.is_empty() {
        return;
    }
    let mut uses = uses(func, &passed);
    let mut same = Others::default();
    for (value, all) in passed {
        let Some(uses) = uses.get_mut(&value) else { continue };
        for Passed { block, sum, step } in all {
            let is_behind = |at: Block| at != block && domtree.block_dominates(block, at);
            let ways: Vec<Block> = cfg.succ_iter(block).collect();
            let way_to = |at: Block| {
                let mut ways = ways.iter().copied();
                ways.find(|&way| {
                    domtree.block_dominates(way, at) && cfg.pred_iter(way).count() == 1
                })
            };
            let behind = uses.iter().filter(|&&(at, _)| is_behind(at));
            let behind: Option<Vec<Behind>> = behind
                .map(|&(at, inst)| {
                    let (of, added) = addition(func, inst)?;
                    (of == value).then_some(Behind { way: way_to(at)?, inst, added })
                })
                .collect();
            let Some(behind) = behind else { continue };
            uses.retain(|&(at, _)| !is_behind(at));
            let mut known = BTreeMap::new();
            for Behind { way, inst, added } in behind {
                let passed = same.get(sum).unwrap_or(sum);
                let before = *known.entry(way).or_insert_with(|| pass(func, block, way, passed));
                match immediate(func.dfg.value_type(before), added.wrapping_sub(step)) {
                    0 => same.insert(func.dfg.first_result(inst), before),
                    number => continue_sum(func, inst, before, number),
                }
            }
        }
    }
    same.replace(func);
}

/// The sums with constants that branches pass on, by what was added to.
fn passed(func: &Function) -> BTreeMap<Value, Vec<Passed>> {
    let dfg = &func.dfg;
    let mut passed: BTreeMap<Value, Vec<Passed>> = BTreeMap::new();
    for block in func.layout.blocks() {
        let Some(branch) = func.layout.last_inst(block) else { continue };
        let ways = dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        for way in ways {
            for sum in way.args(&dfg.value_lists).filter_map(|arg| arg.as_value()) {
                let inst = dfg.value_def(sum).inst();
                if let Some((value, step)) = inst.and_then(|inst| addition(func, inst)) {
                    let sums = passed.entry(value).or_default();
                    // A table may lead to a block many times.
                    if sums.last().is_none_or(|last| (last.block, last.sum) != (block, sum)) {
                        sums.push(Passed { block, sum, step });
                    }
                }
            }
        }
    }
    passed
}

/// Where these values are named, and in which block.
fn uses(
    func: &Function,
    passed: &BTreeMap<Value, Vec<Passed>>,
) -> FxHashMap<Value, Vec<(Block, Inst)>> {
    let mut is_passed = EntitySet::with_capacity(func.dfg.num_values());
    is_passed.extend(passed.keys().copied());
    let mut uses: FxHashMap<Value, Vec<(Block, Inst)>> = FxHashMap::default();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            values::each(func, inst, |value| {
                if is_passed.contains(value) {
                    uses.entry(value).or_default().push((block, inst));
                }
            });
        }
    }
    uses
}

/// What an instruction adds a constant to, and the constant.
fn addition(func: &Function, inst: Inst) -> Option<(Value, i64)> {
    let sum = func.dfg.inst_results(inst).first()?;
    let (opcode, [left, right]) = binary(func, *sum)?;
    match opcode {
        Opcode::Iadd => match constant(func, right) {
            Some(number) => Some((left, number)),
            None => Some((right, constant(func, left)?)),
        },
        Opcode::Isub => Some((left, constant(func, right)?.wrapping_neg())),
        _ => None,
    }
}

/// Makes a sum one of `before` and `number`.
fn continue_sum(func: &mut Function, inst: Inst, before: Value, number: i64) {
    let (ty, position) = (func.dfg.value_type(before), func.srcloc(inst));
    let mut cursor = FuncCursor::new(func).at_inst(inst).with_srcloc(position);
    let number = cursor.ins().iconst(ty, number);
    let args = [before, number];
    func.dfg.insts[inst] = InstructionData::Binary { opcode: Opcode::Iadd, args };
}
