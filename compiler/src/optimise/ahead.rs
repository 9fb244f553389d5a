//! Loops whose turns do the same to one piece of memory after the other: many of their turns at once, by vectors.
//!
//! In: an optimised function, its flow graph and dominators. Out: the same function with blocks beside such loops.
//!
//! Wasm that was compiled without vectors has such loops: to look for the end of a string, to compare, to copy, to fill. The loop stays
//! as it is. Beside it lies a way on which so many turns are made at once as there are in a vector, or a few, if that is the same.
//!
//! Always true: a turn that leaves the loop is never made on the other way, and neither is one that may trap while what is before it in
//! the same piece does not. The pieces lie each in one page. Pages of wasm and of the system begin and end at multiples of its
//! size, so all of a piece can be accessed, or nothing of it, as the first turn would find.

/// Loops that copy or fill.
mod copies;
/// What vectors hold.
mod lanes;
/// Loops that look for something.
mod scans;
/// What a turn does.
mod turn;
/// Code beside a loop.
mod way;

use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function};

use crate::target::Ahead;
use copies::Copying;
use scans::Scan;
use turn::Turn;

/// Makes many turns of loops at once. `is_epoch` says whether a region is the one where the epoch is. Returns whether blocks have changed.
pub fn look_ahead(
    func: &mut Function,
    cfg: &ControlFlowGraph,
    domtree: &DominatorTree,
    kinds: Ahead,
    is_epoch: &dyn Fn(u32) -> bool,
) -> bool {
    let blocks: Vec<Block> = func.layout.blocks().collect();
    let mut has_changed = false;
    // What is said of the flow stays true of loops that have not changed yet.
    for header in blocks {
        if !cfg.pred_iter(header).any(|pred| domtree.block_dominates(header, pred.block)) {
            continue;
        }
        let Some(turn) = Turn::of(func, cfg, is_epoch, header) else { continue };
        let scan = kinds.scans.then(|| Scan::of(&turn)).flatten();
        let copying = kinds.copies.then(|| Copying::of(&turn)).flatten();
        let outline = turn.outline();
        match (scan, copying) {
            (Some(scan), _) => scan.look_ahead(func, &outline),
            (None, Some(copying)) => copying.copy_ahead(func, &outline),
            (None, None) => continue,
        }
        has_changed = true;
    }
    has_changed
}
