//! Loops with the question whether to go on at their end.
//!
//! In: a function that has been read. Out: what is to be copied to the places of which jumps; and branches that go elsewhere.
//!
//! A loop that asks at its beginning ends with a jump there: two branches in each turn. With a copy of the question in the place of
//! the jump, which goes back behind the original if the loop goes on, it is one. A loop that asks in front of such a jump has the branch go
//! back, and the jump out.
//!
//! Always true: what is copied ends with a branch out of the loop, and has no other. Of a branch and a jump behind it, where only the
//! branch leads to the jump, both go where they went on the same conditions.

use super::copies::Copied;
use super::layout::{Branch, Edit};
use super::{JUMP, Reader};

/// How many bytes a question has at most, with its branch.
const MOST_BYTES: u32 = 32;

/// What is to be copied.
pub fn copies(reader: &Reader<'_>) -> Vec<Copied> {
    let at = |branch: &Branch| reader.edits[branch.edit as usize].at;
    let back = reader.branches.iter().filter(|it| it.opcode == JUMP && it.target < at(it));
    let copied = |jump: &Branch| {
        let (from, jump) = (jump.target, at(jump));
        // The first branch from there on.
        let first = reader.branches.partition_point(|it| at(it) < from);
        let question = reader.branches.get(first).filter(|it| it.opcode != JUMP)?;
        let edit = &reader.edits[question.edit as usize];
        let (to, exit) = (edit.at + edit.had, question.target);
        let leaves = exit > jump && to <= jump && to - from <= MOST_BYTES;
        (leaves && reader.is_straight(from, to)).then_some(Copied {
            from,
            to,
            jump,
            exit: Some(exit),
        })
    };
    back.filter_map(copied).collect()
}

/// Has branches in front of jumps back go back themselves. `targets` are where branches lead to, ascending.
pub fn turn(edits: &[Edit], branches: &mut [Branch], targets: &[u32]) {
    let edit = |branch: &Branch| &edits[branch.edit as usize];
    let is_pair = |pair: &[Branch]| {
        let [branch, jump] = [&pair[0], &pair[1]];
        branch.opcode != JUMP
            && jump.opcode == JUMP
            && edit(branch).at + edit(branch).had == edit(jump).at
            && branch.target > edit(branch).at
            && jump.target < edit(branch).at
    };
    let pairs = branches.windows(2).enumerate().filter(|(_, pair)| is_pair(pair));
    let is_reached = |first: usize| targets.binary_search(&edit(&branches[first + 1]).at).is_ok();
    let pairs = pairs.map(|(first, _)| first).filter(|&first| !is_reached(first));
    for first in pairs.collect::<Vec<_>>() {
        let (out, back) = (branches[first].target, branches[first + 1].target);
        branches[first].target = back;
        // The other of a pair of opcodes is the opposite.
        branches[first].opcode ^= 1;
        branches[first + 1].target = out;
    }
}
