//! Instructions in the place of jumps to them.
//!
//! In: a function that has been read, and which jumps to replace. Out: the function with copies of what the jumps lead to, up to
//! where it goes on.
//!
//! Always true: a copy does what the original does. It has no calls, and names no other symbols; all in it that is relative to
//! where it is leads to the same. Nothing becomes shorter yet.

use super::layout::{self, Becomes, Edit};
use super::{JUMP_BYTES, Reader, Relative, Written};

/// Instructions that are copied to the place of a jump that leads to them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    /// Where they begin.
    pub from: u32,
    /// Where they end.
    pub to: u32,
    /// Where the jump is.
    pub jump: u32,
    /// Nothing if they end with a jump. Else they end with a branch to here, which is turned: it goes back to what follows
    /// the original, or else goes on.
    pub exit: Option<u32>,
}

impl Copied {
    /// Where the jump ended.
    pub fn jump_end(&self) -> u32 {
        self.jump + JUMP_BYTES
    }

    /// How many bytes come in the place of the jump.
    pub fn bytes(&self) -> u32 {
        self.to - self.from + if self.jumps_out().is_some() { JUMP_BYTES } else { 0 }
    }

    /// Where a jump behind the copy goes, if there must be one.
    fn jumps_out(&self) -> Option<u32> {
        self.exit.filter(|&exit| exit != self.jump_end())
    }
}

/// The function with the copies, which are in the order of the jumps.
pub fn written(reader: &Reader<'_>, copies: &[Copied]) -> Written {
    let facts = reader.facts;
    let mut edits: Vec<Edit> = Vec::with_capacity(copies.len() + 1);
    for copied in copies {
        edits.push(Edit { at: copied.jump, had: JUMP_BYTES, becomes: Becomes::Copy(*copied) });
    }
    reader.realign(&mut edits);
    let moves = layout::place(&edits, &[]).with_copies(copies);
    let mut code = super::joined(facts.code, &edits, &[], &moves);
    let branches = reader.branches.iter().map(|branch| {
        let edit = &reader.edits[branch.edit as usize];
        Relative { end: edit.at + edit.had, before_end: 4, target: branch.target }
    });
    let mut relative: Vec<Relative> = branches.chain(reader.relative.iter().copied()).collect();
    relative.sort_unstable_by_key(|it| it.end);
    let mut set = |end: u32, before_end: u8, target: u32| {
        let at = (end - u32::from(before_end)) as usize;
        let distance = moves.beginning(target).wrapping_sub(end);
        code[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    };
    for &Relative { end, before_end, target } in &relative {
        if copies.binary_search_by_key(&end, Copied::jump_end).is_err() {
            set(moves.end(end), before_end, target);
        }
    }
    for copied in copies {
        let new = moves.beginning(copied.jump);
        let first = relative.partition_point(|it| it.end <= copied.from);
        let own = relative[first..].iter().take_while(|it| it.end <= copied.to);
        for &Relative { end, before_end, target } in own {
            set(new + (end - copied.from), before_end, target);
        }
        if copied.exit.is_none() {
            continue;
        }
        let end = new + (copied.to - copied.from);
        set(end, 4, copied.to);
        if let Some(exit) = copied.jumps_out() {
            set(end + JUMP_BYTES, 4, exit);
        }
    }
    super::set_tables(&mut code, reader, &moves);
    Written { code, moves }
}

/// Adds what comes in the place of a jump. What is relative in it is not set yet.
pub fn add(code: &mut Vec<u8>, old: &[u8], copied: &Copied) {
    code.extend_from_slice(&old[copied.from as usize..copied.to as usize]);
    if copied.exit.is_some() {
        // The opcode, in front of four bytes of distance: the other of a pair is the opposite.
        let opcode = code.len() - 5;
        code[opcode] ^= 1;
    }
    if copied.jumps_out().is_some() {
        code.extend_from_slice(&[0xe9, 0, 0, 0, 0]);
    }
}
