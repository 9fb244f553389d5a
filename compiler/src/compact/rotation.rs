//! Loops with the question whether to go on at their end.
//!
//! In: a function that has been read. Out: what is to be copied to the places of which jumps.
//!
//! A loop that asks at its beginning ends with a jump there: two branches in each turn. With a copy of the question in the place of
//! the jump, which goes back behind the original if the loop goes on, it is one.
//!
//! Always true: what is copied ends with a branch out of the loop, and has no other.

use super::copies::Copied;
use super::{JUMP, Reader};

/// How many bytes a question has at most, with its branch.
const MOST_BYTES: u32 = 32;

/// What is to be copied.
pub fn copies(reader: &Reader<'_>) -> Vec<Copied> {
    let at = |branch: &super::Branch| reader.edits[branch.edit as usize].at;
    let back = reader.branches.iter().filter(|it| it.opcode == JUMP && it.target < at(it));
    let copied = |jump: &super::Branch| {
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
