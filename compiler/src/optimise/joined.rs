//! Blocks that nothing but one jump leads to.
//!
//! In: a function as it was translated. Out: the same function with fewer blocks.
//!
//! Each `end` of wasm begins a block. To one that is only reached from the block before, nothing else leads, and both are one; then all steps
//! that look at blocks see more at a time, and there are fewer to look at. (Cranelift leaves out such jumps only when it writes machine
//! code.)
//!
//! Always true: instructions and their order stay; jumps and parameters are left out.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Block, Function, Inst, InstructionData, Value};

/// Joins blocks. Where calls may return in two ways, instructions name the blocks of these calls, so all stay.
pub fn join(func: &mut Function) {
    if !func.dfg.exception_tables.is_empty() {
        return;
    }
    let ways = count_ways(func);
    let mut block = func.layout.entry_block();
    while let Some(current) = block {
        while let Some((jump, to)) = only_way(func, &ways, current) {
            append(func, current, jump, to);
        }
        block = func.layout.next_block(current);
    }
}

/// How many ways lead to each block.
fn count_ways(func: &Function) -> SecondaryMap<Block, u32> {
    let dfg = &func.dfg;
    let mut counts = SecondaryMap::new();
    counts.resize(dfg.num_blocks());
    for block in func.layout.blocks() {
        let Some(end) = func.layout.last_inst(block) else { continue };
        let ways = dfg.insts[end].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        for way in ways {
            counts[way.block(&dfg.value_lists)] += 1;
        }
    }
    counts
}

/// The jump at the end of a block, and where it leads, if nothing else leads there.
fn only_way(
    func: &Function,
    ways: &SecondaryMap<Block, u32>,
    block: Block,
) -> Option<(Inst, Block)> {
    let jump = func.layout.last_inst(block)?;
    let InstructionData::Jump { destination, .. } = func.dfg.insts[jump] else { return None };
    let to = destination.block(&func.dfg.value_lists);
    let is_alike = func.layout.is_cold(block) == func.layout.is_cold(to);
    // What leads to itself only is never reached.
    (ways[to] == 1 && to != block && is_alike).then_some((jump, to))
}

/// Appends a block to another one, which ends with the only jump there.
fn append(func: &mut Function, block: Block, jump: Inst, to: Block) {
    let dfg = &func.dfg;
    let ways = dfg.insts[jump].branch_destination(&dfg.jump_tables, &dfg.exception_tables);
    let args = ways.iter().flat_map(|way| way.args(&dfg.value_lists));
    let args: Vec<Value> = args.filter_map(|arg| arg.as_value()).collect();
    let params = func.dfg.block_params(to).to_vec();
    func.dfg.detach_block_params(to);
    for (param, arg) in params.into_iter().zip(args) {
        func.dfg.change_to_alias(param, arg);
    }
    func.layout.remove_inst(jump);
    while let Some(inst) = func.layout.first_inst(to) {
        func.layout.remove_inst(inst);
        func.layout.append_inst(inst, block);
    }
    func.layout.remove_block(to);
}
