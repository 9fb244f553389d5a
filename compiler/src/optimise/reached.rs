//! Addresses behind one that was accessed.
//!
//! In: an optimised function, and which memories never have all that 32 bits can address. Out: the same function with the
//! same blocks; accesses add constants.
//!
//! `p + 8` may wrap around, so an instruction of its own adds the 8 before a memory is accessed there. But if `p` was accessed
//! before in the same block, it lies in the memory; and if that never has its last page, what lies up to a page behind `p`
//! does not wrap around.
//!
//! Always true: each access has the address that it had, to the bit.

use cranelift_codegen::ir::{Block, Function, Inst, Opcode, Value};
use rustc_hash::FxHashMap;

use super::addresses::{access, memory_and_index, set_address};
use super::loops::{binary, constant};

/// How far behind an address that was accessed another one surely does not wrap around: as far as the page that no such memory has.
const FREE_BYTES: u64 = 1 << 16;

/// How many addresses are remembered that differ only in what is added.
const MOST_STARTS: usize = 4;

/// An address that was accessed.
struct Reached {
    /// The native address.
    address: Value,
    /// What it adds to the number that it is made of.
    added: u32,
    /// How far behind it a byte was accessed.
    reach: u64,
}

/// Lets accesses behind an address that was accessed in the same block add the distance. `is_short` says whether a region is
/// a memory that never has its last page.
///
/// What was accessed in blocks that dominate this one would do as well. But then numbers have to be kept for longer, and SQLite's
/// interpreter had 2.3 % more instructions.
pub fn share_starts(func: &mut Function, is_short: &dyn Fn(u32) -> bool) {
    let blocks: Vec<Block> = func.layout.blocks().collect();
    // By the native address of the memory, and the number.
    let mut reached: FxHashMap<(Value, Value), Vec<Reached>> = FxHashMap::default();
    for block in blocks {
        reached.clear();
        let mut next = func.layout.first_inst(block);
        while let Some(inst) = next {
            next = func.layout.next_inst(inst);
            if let Some(found) = Found::of(func, inst, is_short) {
                let starts = reached.entry((found.memory, found.number)).or_default();
                found.share(func, starts);
            }
        }
    }
}

/// An access to a memory.
struct Found {
    inst: Inst,
    address: Value,
    memory: Value,
    number: Value,
    added: u32,
    offset: i32,
}

impl Found {
    fn of(func: &Function, inst: Inst, is_short: &dyn Fn(u32) -> bool) -> Option<Found> {
        let (address, offset) = access(func, inst)?;
        let region = func.dfg.insts[inst].alias_region(&func.dfg)?;
        if !is_short(func.dfg.alias_regions[region].user_id) {
            return None;
        }
        let (memory, index) = memory_and_index(func, address)?;
        let (number, added) = without_constants(func, index);
        Some(Found { inst, address, memory, number, added, offset })
    }

    /// Uses an address that was accessed before, or remembers this one.
    fn share(&self, func: &mut Function, starts: &mut Vec<Reached>) {
        let start = starts.iter_mut().find(|start| {
            let distance = u64::from(self.added.wrapping_sub(start.added));
            distance <= start.reach + FREE_BYTES
        });
        let Some(start) = start else {
            if self.offset >= 0 {
                if starts.len() == MOST_STARTS {
                    starts.remove(0);
                }
                let reach = self.offset as u64;
                let Found { address, added, .. } = *self;
                starts.push(Reached { address, added, reach });
            }
            return;
        };
        let distance = self.added.wrapping_sub(start.added);
        let Some(offset) = i32::try_from(distance).ok().and_then(|by| self.offset.checked_add(by))
        else {
            return;
        };
        set_address(func, self.inst, start.address, offset);
        start.reach = start.reach.max(offset as u64);
    }
}

/// The number that constants are added to, and their sum.
fn without_constants(func: &Function, mut value: Value) -> (Value, u32) {
    let mut added = 0_u32;
    while let Some((Opcode::Iadd, [left, right])) = binary(func, value) {
        let sides = [(left, right), (right, left)];
        let found = sides.into_iter().find_map(|(rest, by)| Some((rest, constant(func, by)?)));
        let Some((rest, by)) = found else { break };
        (value, added) = (rest, added.wrapping_add(by as u32));
    }
    (value, added)
}
