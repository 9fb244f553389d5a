//! A jump of its own for each way back to a table of branches.
//!
//! In: a function that has been read. Out: what is to be copied to the places of which jumps.
//!
//! An interpreter is a loop around one table: each operator's code ends with a jump back to where the next operator is loaded,
//! looked up and jumped to. Processors guess where a jump goes by where it is and what came before, so that one jump for all
//! operators is a hard one. Behind each operator there is a copy of these few instructions instead, and all share the table.
//!
//! Always true: only what loads what it looks up is copied: other tables are state machines and places to go on, of which some
//! programs have one in each function.

use std::ops::RangeInclusive;

use super::copies::Copied;
use super::decode::{Instruction, Table};
use super::{JUMP, Reader};

/// How many bytes are copied at most.
const MOST_BYTES: u32 = 96;
/// How many places a table has at least.
const FEWEST_PLACES: u32 = 4;
/// How many ways back there are at least.
const FEWEST_JUMPS: usize = 4;

/// What is to be copied.
pub fn copies(reader: &Reader<'_>) -> Vec<Copied> {
    let mut copies = Vec::new();
    // Where jumps lead to, and where they are.
    let jumps = reader.branches.iter().filter(|it| it.opcode == JUMP);
    let mut jumps: Vec<(u32, u32)> =
        jumps.map(|it| (it.target, reader.edits[it.edit as usize].at)).collect();
    jumps.sort_unstable();
    for &(table, end) in &reader.tables {
        if end - table < 4 * FEWEST_PLACES {
            continue;
        }
        let Some(leads) = leads(reader, table) else { continue };
        let before = copies.len();
        let first = jumps.partition_point(|&(target, _)| target < *leads.start());
        let behind = jumps.partition_point(|&(target, _)| target <= *leads.end());
        // What comes from behind the table comes from what it leads to.
        let back = jumps[first..behind].iter().copied().filter(|&(_, jump)| jump > table);
        copies.extend(back.map(|(from, jump)| Copied { from, to: table, jump, exit: None }));
        if copies.len() < before + FEWEST_JUMPS {
            copies.truncate(before);
        }
    }
    copies
}

/// From where all instructions lead to a table and may be copied, up to the last that loads something.
fn leads(reader: &Reader<'_>, table: u32) -> Option<RangeInclusive<u32>> {
    // What follows these is somewhere else.
    let last =
        |places: &[u32]| places[..places.partition_point(|&place| place < table)].last().copied();
    let calls = last(&reader.calls).map(|call| call + 1);
    let named = last(reader.facts.relocations).map(|place| place + 1);
    let bounds = [last(&reader.ends), calls, named, table.checked_sub(MOST_BYTES)];
    let first = bounds.into_iter().flatten().max().unwrap_or_default();
    let mut instructions = (first..table).filter(|&at| reader.is_instruction(at));
    let code = reader.facts.code;
    let last_load = instructions.clone().rfind(|&at| loads(&code[at as usize..]))?;
    Some(instructions.next()?..=last_load)
}

/// Whether an instruction loads something that is neither in the frame, nor next to the code, nor in a table of distances.
fn loads(code: &[u8]) -> bool {
    const TAKES_ADDRESS: u8 = 0x8d;
    const LOADS_DISTANCE: u8 = 0x63;
    const STORES: [u8; 4] = [0x88, 0x89, 0xc6, 0xc7];
    const STACK_POINTER: u8 = 4;
    const FRAME_POINTER: u8 = 5;

    let Some(it) = Instruction::of(code) else { return false };
    let Some(operands) = it.operands.filter(|&operands| operands < 0xc0) else { return false };
    let is_other = it.table == Table::One
        && (matches!(it.opcode, TAKES_ADDRESS | LOADS_DISTANCE) || STORES.contains(&it.opcode));
    let base = match it.has_scale() {
        true => code[usize::from(it.opcode_at) + 2] & 7,
        false => operands & 7,
    };
    let is_in_frame = it.rex & 1 == 0 && matches!(base, STACK_POINTER | FRAME_POINTER);
    !is_other && !is_in_frame && !it.is_relative()
}
