//! Machine code of x86-64 to machine code that does the same, in fewer bytes, with the loops where processors want them.
//!
//! In: the code of a function as Cranelift makes it, and what is known about places in it. Out: other bytes, and where
//! each place has gone.
//!
//! Cranelift knows neither how far branches go when it writes them nor where blocks will be, so all its branches have
//! distances of 32 bits, and loops begin anywhere. It finds what is in a frame by the stack pointer, which takes a byte more
//! than by the frame pointer, which we always have. So the code is read once more: instruction by instruction, each is
//! replaced by a shorter one that does the same, if there is one, and what lies behind moves up. What registers hold is not loaded
//! from the frame again, and what nobody reads there is not stored.
//!
//! Before that, ways back to a table of branches, which interpreters have, are given a jump of their own, and loops the question
//! whether to go on at their end.
//!
//! Always true: instructions stay in their order, and each still does what it did; what is there more often than before does the
//! same in the place of a jump to it; and what is left out has told again what the instruction before it has told, or moved what was
//! there already, or is needed no more. A function in which there is anything that is not understood stays as it is. Time grows
//! with the size of the function, and not faster, but for the sorting of branches.

/// Instructions in the place of jumps to them.
mod copies;
/// Where instructions end, and what they consist of.
mod decode;
/// A jump of its own for each way back to a table of branches.
mod dispatch;
/// An instruction to the same in fewer bytes.
mod encode;
/// Where everything goes.
mod layout;
/// What registers hold of what the frame holds.
mod reloads;
/// Loops with the question whether to go on at their end.
mod rotation;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::slice;

use cranelift_codegen::isa::unwind::UnwindInst;

use crate::target::Rewriting;

use copies::Copied;
use decode::{Instruction, Prefix, Table, WIDE};
use encode::Bytes;
use layout::{Becomes, Branch, Edit};
use reloads::Notes;

pub use layout::Moves;

/// What is known about the code of a function. All offsets are relative to its beginning, and ascend.
pub struct Facts<'a> {
    /// The code.
    pub code: &'a [u8],
    /// Where basic blocks begin.
    pub blocks: &'a [u32],
    /// Where other symbols are named.
    pub relocations: &'a [u32],
    /// Which instructions may trap.
    pub traps: &'a [u32],
    /// Which of them do nothing else, and are to be calls, whose distances others write.
    pub called_traps: &'a [u32],
    /// What the prologue does, and where each step ends.
    pub prologue: &'a [(u32, UnwindInst)],
    /// How far the frame pointer points above the stack pointer, when there is a frame.
    pub frame_bytes: u32,
    /// What the beginning of the constants behind the code is aligned to, at most.
    pub alignment: u32,
    /// Where tables of distances begin that are looked into from afar.
    pub tables: &'a [u32],
}

/// What has become of a function.
pub struct Compact {
    /// The code.
    pub code: Vec<u8>,
    /// Where everything has gone.
    pub moves: Moves,
    /// Where the instruction is that leaves a frame and restores the caller's frame pointer, if that is one; ascending.
    pub leaves: Vec<u32>,
    /// What the code must be aligned to, for its loops.
    pub alignment: u32,
}

/// How many bytes a loop may have that may fit a line of the cache when it has become shorter.
const LARGEST_LOOP: u32 = 96;

/// Rewrites a function. `None` if there is something in it that is not understood.
pub fn function(facts: &Facts<'_>, steps: Rewriting) -> Option<Compact> {
    let mut reader = Reader::new(facts, steps);
    reader.read()?;
    let copies = copies(&reader);
    if !copies.is_empty() {
        let Written { code, moves } = copies::written(&reader, &copies);
        return with_copies(facts, steps, &code, moves, &reader);
    }
    Some(rewritten(reader))
}

/// What is to be copied to the places of jumps, in the order of these.
fn copies(reader: &Reader<'_>) -> Vec<Copied> {
    let mut copies = if reader.steps.dispatches { dispatch::copies(reader) } else { Vec::new() };
    if reader.steps.rotates {
        copies.extend(rotation::copies(reader));
    }
    // Of two for a jump, the first: the order stays.
    copies.sort_by_key(|copied| copied.jump);
    copies.dedup_by_key(|copied| copied.jump);
    copies
}

/// Code that was written anew, and where everything has gone.
struct Written {
    code: Vec<u8>,
    moves: Moves,
}

/// Rewrites a function in which there are copies now.
fn with_copies(
    facts: &Facts<'_>,
    steps: Rewriting,
    code: &[u8],
    moves: Moves,
    reader: &Reader<'_>,
) -> Option<Compact> {
    let beginnings = |places: &[u32]| places.iter().map(|&at| moves.beginning(at)).collect();
    let blocks: Vec<u32> = beginnings(facts.blocks);
    let relocations: Vec<u32> = beginnings(facts.relocations);
    let tables: Vec<u32> = reader.tables.iter().map(|&(table, _)| moves.beginning(table)).collect();
    let traps = facts.traps.iter().map(|&at| (at, ()));
    let traps: Vec<u32> = moves.beginnings(traps).into_iter().map(|(at, ())| at).collect();
    let called_traps: Vec<u32> = beginnings(facts.called_traps);
    let facts = Facts {
        code,
        called_traps: &called_traps,
        blocks: &blocks,
        relocations: &relocations,
        traps: &traps,
        tables: &tables,
        ..*facts
    };
    let mut reader = Reader::new(&facts, steps);
    reader.read()?;
    let compact = rewritten(reader);
    Some(Compact { moves: moves.then(compact.moves), ..compact })
}

/// Rewrites a function that has been read.
fn rewritten(mut reader: Reader<'_>) -> Compact {
    let mut edits = std::mem::take(&mut reader.edits);
    let mut branches = std::mem::take(&mut reader.branches);
    let targets = targets(&reader, &branches);
    if reader.steps.reloads {
        let moved = reader.notes.edits(&targets, reader.steps.drops_stores);
        edits = with_more(edits, moved, &mut branches);
        without_jumps(&mut edits, &mut branches, &targets);
    }
    reader.realign(&mut edits);
    if reader.steps.rotates {
        rotation::turn(&edits, &mut branches, &targets);
    }
    let mut alignment = 1;
    if reader.steps.aligns {
        let loops = innermost_loops(&edits, &branches, &reader.calls);
        if !loops.is_empty() {
            alignment = layout::LINE;
            let nops = nops(&loops, &all_loops(&edits, &branches), &reader);
            edits = with_more(edits, nops, &mut branches);
        }
    }
    for branch in &mut branches {
        let is_before = |edit: &Edit| {
            edit.at < branch.target
                || edit.at == branch.target && matches!(edit.becomes, Becomes::Nops(..))
        };
        branch.edits_before = edits.partition_point(is_before) as u32;
    }
    let moves = match reader.steps.shortens {
        true => layout::lay_out(&edits, &mut branches),
        false => layout::place(&edits, &branches),
    };
    let mut code = joined(reader.facts.code, &edits, &branches, &moves);
    for &Relative { end, before_end, target } in &reader.relative {
        let end = moves.end(end);
        let distance = moves.beginning(target).wrapping_sub(end);
        let at = (end - u32::from(before_end)) as usize;
        code[at..at + 4].copy_from_slice(&distance.to_le_bytes());
    }
    set_tables(&mut code, &reader, &moves);
    let leaves = reader.leaves.iter().map(|&leave| moves.beginning(leave)).collect();
    Compact { code, moves, leaves, alignment }
}

/// Writes the tables of distances anew.
fn set_tables(code: &mut [u8], reader: &Reader<'_>, moves: &Moves) {
    for &(start, end) in &reader.tables {
        let new_start = moves.beginning(start);
        for at in (start..end).step_by(4) {
            let distance = word(reader.facts.code, at).expect("the table was read");
            let target = start.wrapping_add(distance);
            let distance = moves.beginning(target).wrapping_sub(new_start);
            let at = (new_start + (at - start)) as usize;
            code[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
    }
}

/// The small loops that have neither loops nor calls in them: where they begin and end; ascending.
fn innermost_loops(edits: &[Edit], branches: &[Branch], calls: &[u32]) -> Vec<(u32, u32)> {
    let mut loops: Vec<(u32, u32)> = Vec::new();
    // The last beginning of the loops that have ended.
    let mut last = 0;
    for branch in branches {
        let edit = &edits[branch.edit as usize];
        if branch.target > edit.at {
            continue;
        }
        let end = edit.at + edit.had;
        if branch.target >= last && end - branch.target <= LARGEST_LOOP {
            loops.push((branch.target, end));
        }
        last = last.max(branch.target);
    }
    let mut loops = longest(loops);
    loops.retain(|&(start, end)| {
        let next = calls.partition_point(|&call| call < start);
        calls.get(next).is_none_or(|&call| call >= end)
    });
    loops
}

/// All loops: where they begin, and the last branch back ends; ascending.
fn all_loops(edits: &[Edit], branches: &[Branch]) -> Vec<(u32, u32)> {
    let ways = branches.iter().map(|branch| (branch.target, &edits[branch.edit as usize]));
    let back = ways.filter(|(target, edit)| *target <= edit.at);
    longest(back.map(|(target, edit)| (target, edit.at + edit.had)).collect())
}

/// Loops, ascending: of those that begin at the same place, the one that ends last.
fn longest(mut loops: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    loops.sort_unstable_by_key(|&(start, end)| (start, Reverse(end)));
    loops.dedup_by_key(|&mut (start, _)| start);
    loops
}

/// What aligns small loops. It is where it is executed least, if no other small loop is in between: behind the last instruction in
/// front of the loop from which nothing goes on, or else in front of the outermost loop around it.
fn nops(small_loops: &[(u32, u32)], loops: &[(u32, u32)], reader: &Reader<'_>) -> Vec<Edit> {
    let Reader { ends, tables, .. } = reader;
    // Tables stay behind the jumps that look into them.
    let behind_table = |end: u32| match tables.binary_search_by_key(&end, |&(start, _)| start) {
        Ok(table) => tables[table].1,
        Err(_) => end,
    };
    let mut before = 0;
    let place = |&(start, end): &(u32, u32)| {
        let last = ends[..ends.partition_point(|&end| end <= start)].last();
        let last = last.map(|&end| behind_table(end));
        let around = || {
            let first = loops.partition_point(|&(start, _)| start < before);
            let mut around = loops[first..].iter().take_while(|it| it.0 < start);
            around.find(|it| it.1 >= end).map(|it| it.0)
        };
        let at = last.filter(|&last| last >= before).or_else(around).unwrap_or(start);
        before = end;
        Edit { at, had: 0, becomes: Becomes::Nops(start, end) }
    };
    small_loops.iter().map(place).collect()
}

/// Adds others to the edits: in front of those at the same places, or instead of them if they replace something.
fn with_more(edits: Vec<Edit>, more: Vec<Edit>, branches: &mut [Branch]) -> Vec<Edit> {
    let mut all = Vec::with_capacity(edits.len() + more.len());
    let mut more = more.into_iter().peekable();
    for edit in edits {
        while let Some(before) = more.next_if(|more| more.at < edit.at) {
            all.push(before);
        }
        if let Some(first) = more.next_if(|more| more.at == edit.at) {
            let is_instead = first.had > 0;
            all.push(first);
            if is_instead {
                continue;
            }
        }
        if let Becomes::Branch(branch) = edit.becomes {
            branches[branch as usize].edit = all.len() as u32;
        }
        all.push(edit);
    }
    all.extend(more);
    all
}

/// Has branches go where a jump behind them goes, if they went behind it, and there is nothing left in between.
fn without_jumps(edits: &mut [Edit], branches: &mut Vec<Branch>, targets: &[u32]) {
    let mut has_gone = vec![false; branches.len()];
    for first in 1..branches.len() {
        let [branch, jump] = [&branches[first - 1], &branches[first]];
        let between = &edits[branch.edit as usize..=jump.edit as usize];
        let [before, left_out @ .., behind] = between else { continue };
        let end = behind.at + behind.had;
        if branch.opcode == JUMP || jump.opcode != JUMP || branch.target != end {
            continue;
        }
        let start = before.at + before.had;
        let is_nothing =
            |it: &Edit| matches!(&it.becomes, Becomes::Bytes(bytes) if bytes.as_slice().is_empty());
        let bytes: u32 = left_out.iter().filter(|it| is_nothing(it)).map(|it| it.had).sum();
        let reached = targets.partition_point(|&target| target < start);
        let is_reached = targets.get(reached).is_some_and(|&target| target < end);
        if start + bytes == behind.at && !is_reached {
            branches[first - 1].target = jump.target;
            // The other of a pair of opcodes is the opposite.
            branches[first - 1].opcode ^= 1;
            has_gone[first] = true;
        }
    }
    if !has_gone.contains(&true) {
        return;
    }
    for (branch, _) in branches.iter().zip(&has_gone).filter(|&(_, has_gone)| *has_gone) {
        edits[branch.edit as usize].becomes = Becomes::Bytes(Bytes::new(&[]));
    }
    let mut has_gone = has_gone.into_iter();
    branches.retain(|_| has_gone.next() == Some(false));
    for (number, branch) in branches.iter().enumerate() {
        edits[branch.edit as usize].becomes = Becomes::Branch(number as u32);
    }
}

/// Where branches lead to, and where others may come from elsewhere; ascending.
fn targets(reader: &Reader<'_>, branches: &[Branch]) -> Vec<u32> {
    let mut targets: Vec<u32> = branches.iter().map(|branch| branch.target).collect();
    targets.extend(reader.relative.iter().map(|relative| relative.target));
    for &(start, end) in &reader.tables {
        targets.extend(
            (start..end)
                .step_by(4)
                .filter_map(|at| Some(start.wrapping_add(word(reader.facts.code, at)?))),
        );
    }
    targets.sort_unstable();
    targets
}

/// The code as it is now, but for what is relative to places in it.
fn joined(old: &[u8], edits: &[Edit], branches: &[Branch], moves: &Moves) -> Vec<u8> {
    let mut code = Vec::with_capacity(old.len());
    let mut done = 0;
    for (number, edit) in edits.iter().enumerate() {
        code.extend_from_slice(&old[done..edit.at as usize]);
        let (new, new_end) = moves.edit(number);
        debug_assert_eq!(new as usize, code.len());
        match &edit.becomes {
            Becomes::Bytes(bytes) => code.extend_from_slice(bytes.as_slice()),
            Becomes::Branch(branch) => {
                let branch = &branches[*branch as usize];
                let distance = moves.beginning(branch.target).wrapping_sub(new_end);
                match (branch.is_short, branch.opcode) {
                    (true, opcode) => {
                        let distance = i8::try_from(distance as i32);
                        let distance = distance.expect("it was short with the same moves");
                        code.extend_from_slice(&[opcode, distance as u8]);
                    }
                    (false, JUMP) => code.push(0xe9),
                    (false, opcode) => code.extend_from_slice(&[0x0f, opcode + 0x10]),
                }
                if !branch.is_short {
                    code.extend_from_slice(&distance.to_le_bytes());
                }
            }
            Becomes::Copy(copied) => copies::add(&mut code, old, copied),
            Becomes::Nops(..) => add_nops(&mut code, (new_end - new) as usize),
            Becomes::Zeros(_) => code.resize(new_end as usize, 0),
        }
        done = (edit.at + edit.had) as usize;
    }
    code.extend_from_slice(&old[done..]);
    code
}

/// Adds instructions that do nothing: as few as there can be.
fn add_nops(code: &mut Vec<u8>, mut bytes: usize) {
    const LONGEST: usize = 9;
    const NOPS: [&[u8]; LONGEST] = [
        &[0x90],
        &[0x66, 0x90],
        &[0x0f, 0x1f, 0x00],
        &[0x0f, 0x1f, 0x40, 0x00],
        &[0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
        &[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
        &[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
        &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    ];
    while bytes > 0 {
        let nop = NOPS[bytes.min(LONGEST) - 1];
        code.extend_from_slice(nop);
        bytes -= nop.len();
    }
}

/// A call.
const CALL: u8 = 0xe8;
/// The short form of a jump.
const JUMP: u8 = 0xeb;
/// How many bytes the other form has.
const JUMP_BYTES: u32 = 5;

fn word(code: &[u8], at: u32) -> Option<u32> {
    code.get(at as usize..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// An operand that lies as far from the end of the instruction as it says.
#[derive(Clone, Copy)]
struct Relative {
    /// The end of the instruction.
    end: u32,
    /// How far before that the distance is.
    before_end: u8,
    /// Where the operand is.
    target: u32,
}

/// Where the stack pointer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stack {
    /// The frame is being made.
    Prologue,
    /// Below the frame, as it should be.
    Framed,
    /// The frame is being left.
    Epilogue,
}

/// Reads a function from its beginning to its end.
struct Reader<'a> {
    facts: &'a Facts<'a>,
    steps: Rewriting,
    edits: Vec<Edit>,
    branches: Vec<Branch>,
    relative: Vec<Relative>,
    /// The beginnings and ends of tables of distances.
    tables: Vec<(u32, u32)>,
    leaves: Vec<u32>,
    /// Where calls are.
    calls: Vec<u32>,
    /// Where instructions end behind which nothing goes on.
    ends: Vec<u32>,
    /// Where instructions begin, as bits.
    instructions: Vec<u64>,
    /// What they do to registers and the frame.
    notes: Notes,
    /// The end of the code.
    end: u32,
    /// Where the constants behind the code begin.
    pool: u32,
    /// Where the steps of the prologue end, behind which there is only room to be made.
    framed_at: Option<u32>,
    stack: Stack,
    /// What follows a call may make room again for arguments that it has removed.
    is_behind_call: bool,
    /// Whether nothing goes on from the last instruction to the next.
    has_ended: bool,
    /// The table whose address was taken last.
    table: Option<u32>,
    /// Where the last instruction begins, if it is in the same block.
    last: Option<u32>,
    /// Whether the next instruction is a branch by the sign of what was computed last.
    is_by_sign: bool,
    blocks: slice::Iter<'a, u32>,
    next_block: u32,
    relocations: slice::Iter<'a, u32>,
    next_relocation: u32,
}

/// The next place, or one that never comes.
fn next(places: &mut slice::Iter<'_, u32>) -> u32 {
    places.next().copied().unwrap_or(u32::MAX)
}

impl<'a> Reader<'a> {
    fn new(facts: &'a Facts<'a>, steps: Rewriting) -> Reader<'a> {
        let bytes = facts.code.len();
        let framed_at = facts.prologue.iter().find_map(|(offset, step)| {
            matches!(step, UnwindInst::DefineNewFrame { .. }).then_some(*offset)
        });
        let (mut blocks, mut relocations) = (facts.blocks.iter(), facts.relocations.iter());
        Reader {
            facts,
            steps,
            edits: Vec::with_capacity(bytes / 16),
            branches: Vec::with_capacity(bytes / 32),
            relative: Vec::new(),
            tables: Vec::new(),
            leaves: Vec::new(),
            calls: Vec::new(),
            ends: Vec::new(),
            instructions: vec![0; bytes / 64 + 1],
            notes: Notes::default(),
            end: bytes as u32,
            pool: bytes as u32,
            framed_at,
            stack: Stack::Prologue,
            is_behind_call: false,
            has_ended: false,
            table: None,
            last: None,
            is_by_sign: false,
            next_block: next(&mut blocks),
            blocks,
            next_relocation: next(&mut relocations),
            relocations,
        }
    }

    /// Reads all of it. `None` if there is something that is not understood.
    fn read(&mut self) -> Option<()> {
        i32::try_from(self.facts.code.len()).ok()?;
        (self.facts.relocations.is_sorted() && self.facts.blocks.is_sorted()).then_some(())?;
        let mut at = 0;
        while !self.is_end(at) {
            at = self.step(at)?;
        }
        self.end = at;
        let is_complete = at <= self.pool
            && (self.next_block, self.next_relocation) == (u32::MAX, u32::MAX)
            && (self.has_ended || self.facts.code.is_empty());
        let are_known = self.branches.iter().all(|branch| self.is_instruction(branch.target))
            && self.relative.iter().all(|it| it.target >= self.pool || self.is_target(it.target))
            && self.tables.iter().all(|&table| self.is_table(table));
        (is_complete && are_known).then_some(())
    }

    /// Adds an edit that leaves constants behind the code at multiples of what they were at multiples of.
    fn realign(&self, edits: &mut Vec<Edit>) {
        if self.pool < self.facts.code.len() as u32 {
            let becomes = Becomes::Zeros(self.facts.alignment);
            edits.push(Edit { at: self.end, had: self.pool - self.end, becomes });
        }
    }

    /// Whether the code ends here: what is left is constants, and zeros in front of them.
    fn is_end(&self, at: u32) -> bool {
        at >= self.pool
            || self.has_ended
                && self.pool < self.facts.code.len() as u32
                && self.pool - at < self.facts.alignment
                && self.facts.code[at as usize..self.pool as usize].iter().all(|byte| *byte == 0)
    }

    fn is_instruction(&self, at: u32) -> bool {
        let bits = self.instructions.get(at as usize / 64).copied().unwrap_or_default();
        bits >> (at % 64) & 1 != 0
    }

    /// Whether all instructions between two places can be copied, and one leads to the next.
    fn is_straight(&self, from: u32, to: u32) -> bool {
        let has_none = |places: &[u32], from: u32| {
            let next = places.partition_point(|&place| place < from);
            places.get(next).is_none_or(|&place| place >= to)
        };
        let calls_nothing = has_none(&self.calls, from) && has_none(self.facts.relocations, from);
        // What ends where this begins is before it.
        calls_nothing && has_none(&self.ends, from + 1)
    }

    fn is_target(&self, at: u32) -> bool {
        let is_table = || self.tables.binary_search_by_key(&at, |&(start, _)| start).is_ok();
        self.is_instruction(at) || is_table()
    }

    fn is_table(&self, (start, end): (u32, u32)) -> bool {
        (start..end).step_by(4).all(|at| {
            let distance = word(self.facts.code, at);
            distance.is_some_and(|distance| self.is_instruction(start.wrapping_add(distance)))
        })
    }

    /// Reads an instruction, and what belongs to it. Returns where the next one is.
    fn step(&mut self, at: u32) -> Option<u32> {
        while self.next_block <= at {
            // In the middle of an instruction no block begins.
            (self.next_block == at).then_some(())?;
            self.next_block = next(&mut self.blocks);
            self.last = None;
        }
        let last = self.last.replace(at);
        self.instructions[at as usize / 64] |= 1 << (at % 64);
        let code = &self.facts.code[at as usize..self.pool as usize];
        let it = Instruction::of(code)?;
        let end = at + u32::from(it.bytes);
        let is_relocated = self.next_relocation < end;
        self.has_ended = false;
        if self.steps.shortens && it.is_test_of_itself() && self.is_needless(last, at, &it) {
            self.is_behind_call = false;
            self.replace(at, end, Bytes::new(&[]));
            return Some(end);
        }
        // Most instructions are of no interest.
        if it.is_plain() && !is_relocated && self.framed_at != Some(at) {
            self.is_behind_call = false;
            self.note(at, code, &it);
            return Some(end);
        }
        if is_relocated {
            self.next_relocation = next(&mut self.relocations);
            (self.next_relocation >= end).then_some(())?;
        }
        if let Some(behind) = self.end_of_frame(at, code) {
            return Some(behind);
        }
        self.follow_stack(at, code, &it)?;
        self.note(at, code, &it);
        match (it.table, it.opcode) {
            // Zeros are no code, though they could be.
            (Table::One, 0) if code[..2] == [0, 0] => None,
            // These have the short distances that nobody writes.
            (Table::One, 0x70..=0x7f | 0xe0..=0xe3 | JUMP) => None,
            (Table::One, CALL) => {
                self.is_behind_call = true;
                self.calls.push(at);
                is_relocated.then_some(end)
            }
            (Table::One, 0xe9) if is_relocated => self.ends(end),
            (Table::One, 0xe9) => {
                self.branch(at, end, JUMP)?;
                self.ends(end)
            }
            (Table::Two, 0x80..=0x8f) if it.prefix == Prefix::Old && !is_relocated => {
                let opcode = it.opcode - 0x10;
                let is_by_sign = std::mem::take(&mut self.is_by_sign);
                self.branch(at, end, if is_by_sign { by_sign(opcode) } else { opcode })?;
                Some(end)
            }
            (Table::Two, 0x0b) => {
                if self.facts.called_traps.binary_search(&at).is_ok() {
                    self.replace(at, end, Bytes::new(&[CALL, 0, 0, 0, 0]));
                }
                self.ends(end)
            }
            (Table::One, 0xc2 | 0xc3) => self.ends(end),
            (Table::One, 0xff) if it.operands? >> 3 & 7 == 4 => {
                let table = self.table.take().filter(|table| *table == end);
                let end = self.ends(end)?;
                table.map_or(Some(end), |start| self.table(start))
            }
            _ => {
                if it.table == Table::One && it.opcode == 0xff && it.operands? >> 3 & 7 == 2 {
                    self.is_behind_call = true;
                    self.calls.push(at);
                }
                if is_relocated {
                    return Some(end);
                }
                if it.is_relative() {
                    self.relative(end, code, &it)?;
                } else if self.steps.shortens {
                    let frame = (self.stack == Stack::Framed).then_some(self.facts.frame_bytes);
                    if let Some(short) = encode::shorter(code, &it, frame) {
                        self.replace(at, end, short);
                    }
                }
                Some(end)
            }
        }
    }

    /// Whether a test of a register says what the flags say without it: the last instruction has computed what is there, and only
    /// a branch wants to know whether that is zero, or less.
    fn is_needless(&mut self, last: Option<u32>, at: u32, test: &Instruction) -> bool {
        let code = |from: u32| &self.facts.code[from as usize..self.pool as usize];
        let end = at + u32::from(test.bytes);
        let Some(last) = last.filter(|_| self.next_block > end) else { return false };
        let is_same = Instruction::of(code(last)).is_some_and(|it| {
            let result = it.result_of_flags();
            let is_wide = |it: &Instruction| it.rex & WIDE != 0;
            result.is_some() && result == test.first_register() && is_wide(&it) == is_wide(test)
        });
        let &[0x0f, branch, ref behind @ ..] = code(end) else { return false };
        // A second branch would ask something else.
        let is_last = !matches!(behind.get(4..), Some([0x0f, 0x80..=0x8f, ..]));
        self.is_by_sign = is_same && is_last && matches!(branch, 0x8c | 0x8d);
        is_same && is_last && matches!(branch, 0x84 | 0x85 | 0x88 | 0x89 | 0x8c | 0x8d)
    }

    /// Notes what an instruction does to registers and the frame.
    fn note(&mut self, at: u32, code: &[u8], it: &Instruction) {
        match self.stack {
            _ if !self.steps.reloads => {}
            Stack::Framed => self.notes.add(at, code, it, self.facts.frame_bytes),
            Stack::Prologue | Stack::Epilogue => self.notes.end(),
        }
    }

    fn ends(&mut self, end: u32) -> Option<u32> {
        self.has_ended = true;
        self.ends.push(end);
        if self.stack == Stack::Epilogue {
            // Whoever comes to what follows comes from within the frame, if that is known.
            self.stack = if self.framed_at.is_some() { Stack::Framed } else { Stack::Prologue };
        }
        Some(end)
    }

    fn replace(&mut self, at: u32, end: u32, short: Bytes) {
        self.edits.push(Edit { at, had: end - at, becomes: Becomes::Bytes(short) });
    }

    fn branch(&mut self, at: u32, end: u32, opcode: u8) -> Option<()> {
        let target = end.wrapping_add(word(self.facts.code, end - 4)?);
        let branch = Branch {
            edit: self.edits.len() as u32,
            target,
            edits_before: 0,
            opcode,
            is_short: false,
        };
        let becomes = Becomes::Branch(self.branches.len() as u32);
        self.branches.push(branch);
        self.edits.push(Edit { at, had: end - at, becomes });
        Some(())
    }

    /// An operand relative to the instruction: a constant behind the code, or the address of a table or of a block.
    fn relative(&mut self, end: u32, code: &[u8], it: &Instruction) -> Option<()> {
        let at = u32::from(it.displacement.1);
        let target = end.wrapping_add(word(code, at)?);
        let before_end = it.bytes - it.displacement.1;
        self.relative.push(Relative { end, before_end, target });
        let takes_address = it.table == Table::One && it.opcode == 0x8d;
        if takes_address {
            if self.is_behind_jump(end, target) {
                self.table = Some(target);
                return Some(());
            }
            if self.facts.tables.binary_search(&target).is_ok() {
                return Some(());
            }
            if self.facts.blocks.binary_search(&target).is_ok() {
                return Some(());
            }
        }
        let is_behind = target >= end && target < self.facts.code.len() as u32;
        self.pool = self.pool.min(target);
        is_behind.then_some(())
    }

    /// Whether a place is behind instructions that look into a table, and go on where that says.
    fn is_behind_jump(&self, at: u32, place: u32) -> bool {
        const MOST_BYTES: usize = 16;
        let between = self.facts.code.get(at as usize..place as usize).unwrap_or_default();
        between.len() <= MOST_BYTES && matches!(between, [.., 0xff, 0xe0..=0xe7])
    }

    /// Reads a table of distances up to the next block. The last block is followed by traps, and these by constants.
    fn table(&mut self, start: u32) -> Option<u32> {
        let next = |offsets: &[u32]| {
            offsets.get(offsets.partition_point(|offset| *offset <= start)).copied()
        };
        let end = next(self.facts.blocks).or_else(|| next(self.facts.traps));
        let end = match end {
            Some(end) => end.min(self.pool),
            None => {
                // Only its own beginning has no distance, and is no code.
                let words = (start..).step_by(4);
                let is_distance = |at: &u32| {
                    *at + 4 <= self.pool && word(self.facts.code, *at).is_some_and(|it| it != 0)
                };
                start + 4 * words.take_while(is_distance).count() as u32
            }
        };
        self.tables.push((start, end));
        (end > start && (end - start).is_multiple_of(4)).then_some(end)
    }

    /// If a frame is left here: makes it one instruction, and returns what is behind.
    fn end_of_frame(&mut self, at: u32, code: &[u8]) -> Option<u32> {
        const SET_AND_POP: [u8; 4] = [0x48, 0x89, 0xec, 0x5d];
        const LEAVE: u8 = 0xc9;
        const POP: u8 = 0x5d;

        // Most instructions are none of these.
        if !code.starts_with(&SET_AND_POP[..1]) || !self.steps.shortens {
            return None;
        }
        let is_framed = self.stack == Stack::Framed;
        // What the stack pointer was before does not matter.
        let added = match code {
            [0x48, 0x83, 0xc4, ..] if is_framed => 4,
            [0x48, 0x81, 0xc4, ..] if is_framed => 7,
            _ => 0,
        };
        if !code.get(added..)?.starts_with(&SET_AND_POP) {
            return None;
        }
        self.stack = Stack::Epilogue;
        let end = at + (added + SET_AND_POP.len()) as u32;
        let has_no_frame = is_framed && self.facts.frame_bytes == 0;
        self.replace(at, end, Bytes::new(&[if has_no_frame { POP } else { LEAVE }]));
        self.leaves.push(at);
        Some(end)
    }

    /// Follows the stack pointer. `None` if it goes where it should not.
    fn follow_stack(&mut self, at: u32, code: &[u8], it: &Instruction) -> Option<()> {
        let is_behind_call = std::mem::take(&mut self.is_behind_call);
        if self.framed_at == Some(at) {
            self.stack = Stack::Framed;
            let room = match code {
                [0x48, 0x83, 0xec, bytes, ..] => u32::from(*bytes),
                [0x48, 0x81, 0xec, ..] => word(code, 3)?,
                _ => 0,
            };
            (room == self.facts.frame_bytes).then_some(())?;
            if room > 0 {
                return Some(());
            }
        }
        let is_as_expected = match code {
            // Making room.
            [0x48, 0x83 | 0x81, 0xec, ..] => self.stack == Stack::Prologue || is_behind_call,
            // Leaving the frame.
            [0x48, 0x83 | 0x81, 0xc4, ..] | [0x48, 0x89, 0xec, ..] => {
                if self.stack == Stack::Framed {
                    self.stack = Stack::Epilogue;
                }
                true
            }
            _ => self.stack != Stack::Framed || !changes_stack_pointer(it),
        };
        is_as_expected.then_some(())
    }
}

/// The branch that asks for the sign, of one that asks whether something is less than zero, or is not.
fn by_sign(opcode: u8) -> u8 {
    // L and GE, S and NS.
    opcode - 0x7c + 0x78
}

/// Whether an instruction changes the stack pointer. Those that do so without naming it are calls and returns, and the code
/// generator has nothing to do with others than those of the first table.
fn changes_stack_pointer(it: &Instruction) -> bool {
    const STACK_POINTER: u8 = 4;

    if it.table != Table::One || it.prefix != Prefix::Old {
        return false;
    }
    let Some(operands) = it.operands else { return matches!(it.opcode, 0x50..=0x5f | 0xc9) };
    if operands & 0x38 != STACK_POINTER << 3 && operands & 0xc7 != 0xc0 | STACK_POINTER {
        return false;
    }
    let first = operands >> 3 & 7 == STACK_POINTER && it.rex & 4 == 0;
    let second = operands >= 0xc0 && operands & 7 == STACK_POINTER && it.rex & 1 == 0;
    match it.opcode {
        // Of bytes, this is another register.
        opcode if opcode & 1 == 0 => false,
        // Comparisons.
        0x39 | 0x3b | 0x85 => false,
        0x81 | 0x83 if operands >> 3 & 7 == 7 => false,
        // The first operand is no register, or is not changed.
        0x01..0x40 if it.opcode & 2 == 0 => second,
        0x81 | 0x83 | 0x89 | 0xc1 | 0xc7 | 0xd1 | 0xd3 | 0xd9..=0xdf | 0xf7 | 0xff => second,
        // The first operand is changed, and only that.
        0x01..0x40 | 0x63 | 0x69 | 0x6b | 0x8b | 0x8d => first,
        _ => first || second,
    }
}
