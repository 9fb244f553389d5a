//! Addresses behind one that is accessed as well.
//!
//! In: an optimised function, and which memories never have all that 32 bits can address. Out: the same function with the
//! same blocks; accesses add constants.
//!
//! `p + 8` may wrap around, so an instruction of its own adds the 8 before a memory is accessed there. But if `p` was accessed
//! before in the same block, it lies in the memory; and if that never has its last page, what lies up to a page behind `p`
//! does not wrap around.
//!
//! It is the same if `p` is accessed behind a load of `p + 8`, as it is where a compiler has made one turn of several, and nothing but
//! loads lies between: if `p + 8` wraps around, `p` is in the last page, and accessing that traps.
//!
//! Always true: each access has the address that it had, to the bit; but for a load of the second kind whose address would wrap around, and
//! what is accessed behind it surely traps: then it is the load that does. What the program has done by then is the same.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{Function, Inst, InstBuilder, InstructionData, Opcode, Value, types};
use rustc_hash::FxHashMap;
use wootz_runtime::abi::trap::TrapCode;

use super::addresses::{access, memory_and_index, set_address};
use super::loops::{binary, constant, immediate};
use super::values::Others;
use crate::translate::trap;

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

/// How many accesses behind a load are looked at for one that it lies behind.
const MOST_AHEAD: usize = 32;
/// How many bytes are accessed at most.
const MOST_BYTES: u64 = 16;

/// Lets accesses behind an address that is accessed in the same block add the distance. `guard` gives the bytes of the guard of a
/// memory that never has its last page, by region. `from_behind` is whether what is accessed behind a load counts as well.
///
/// What was accessed in blocks that dominate this one would do as well. But then numbers have to be kept for longer, and SQLite's
/// interpreter had 2.3 % more instructions.
pub fn share_starts(func: &mut Function, guard: &dyn Fn(u32) -> Option<u64>, from_behind: bool) {
    let mut others = Others::default();
    // By the native address of the memory, and the number.
    let mut reached: FxHashMap<(Value, Value), Vec<Reached>> = FxHashMap::default();
    let mut stretch = Vec::new();
    let mut block = func.layout.entry_block();
    while let Some(current) = block {
        block = func.layout.next_block(current);
        reached.clear();
        let mut next = func.layout.first_inst(current);
        while next.is_some() {
            stretch.clear();
            while let Some(inst) = next {
                next = func.layout.next_inst(inst);
                stretch.extend(Found::of(func, inst, guard));
                if ends_stretch(func, inst) {
                    break;
                }
            }
            for (position, found) in stretch.iter().enumerate() {
                let starts = reached.entry((found.memory, found.number)).or_default();
                if found.share(func, starts) {
                    continue;
                }
                let behind = &stretch[position + 1..];
                match found.start_behind(behind).filter(|_| from_behind) {
                    Some(start) => {
                        let address = found.start_at(func, start, &mut others);
                        add_start(starts, Reached { address, added: start.added, reach: 0 });
                        found.share(func, starts);
                    }
                    None => found.remember(starts),
                }
            }
        }
    }
    others.replace(func);
}

fn add_start(starts: &mut Vec<Reached>, start: Reached) {
    if starts.len() == MOST_STARTS {
        starts.remove(0);
    }
    starts.push(start);
}

/// Whether what follows may not be executed, or is seen to have been, if what is before an instruction traps instead of what is behind it.
fn ends_stretch(func: &Function, inst: Inst) -> bool {
    let data = &func.dfg.insts[inst];
    if let InstructionData::Load { .. } = data {
        let code = data.memflags_data(&func.dfg).and_then(|flags| flags.trap_code());
        return code.is_some_and(|code| code != trap(TrapCode::MemoryOutOfBounds));
    }
    let opcode = data.opcode();
    opcode.can_trap()
        || opcode.can_store()
        || opcode.can_load()
        || opcode.is_call()
        || opcode.other_side_effects()
}

/// An access to a memory.
struct Found {
    inst: Inst,
    address: Value,
    memory: Value,
    number: Value,
    added: u32,
    offset: i32,
    is_load: bool,
    /// How many bytes always fault behind what can be addressed.
    guard: u64,
}

impl Found {
    fn of(func: &Function, inst: Inst, guard: &dyn Fn(u32) -> Option<u64>) -> Option<Found> {
        let (address, offset) = access(func, inst)?;
        let region = func.dfg.insts[inst].alias_region(&func.dfg)?;
        let guard = guard(func.dfg.alias_regions[region].user_id)?;
        let (memory, index) = memory_and_index(func, address)?;
        let (number, added) = without_constants(func, index);
        let is_load = !func.dfg.insts[inst].opcode().can_store();
        Some(Found { inst, address, memory, number, added, offset, is_load, guard })
    }

    /// The access behind this load, which nothing but loads lies between, that it lies farthest behind.
    fn start_behind<'f>(&self, behind: &'f [Found]) -> Option<&'f Found> {
        let distance = |start: &Found| u64::from(self.added.wrapping_sub(start.added));
        let is_start = |start: &&Found| {
            (start.memory, start.number) == (self.memory, self.number)
                && start.offset >= 0
                && (1..=FREE_BYTES).contains(&distance(start))
        };
        let reach = u64::try_from(self.offset).ok()? + FREE_BYTES + MOST_BYTES;
        let behind = behind.iter().take(MOST_AHEAD).filter(is_start);
        behind.max_by_key(|&start| distance(start)).filter(|_| self.is_load && reach <= self.guard)
    }

    /// The address of an access behind this one, made in front of this one.
    fn start_at(&self, func: &mut Function, start: &Found, others: &mut Others) -> Value {
        if let Some(made) = others.get(start.address) {
            return made;
        }
        let inst = func.dfg.value_def(start.address).inst();
        let is_here = |&inst: &Inst| {
            func.layout.inst_block(inst) == func.layout.inst_block(self.inst)
                && func.layout.pp_cmp(inst, self.inst).is_gt()
        };
        if inst.filter(is_here).is_none() {
            return start.address;
        }
        let position = func.srcloc(self.inst);
        let mut cursor = FuncCursor::new(func).at_inst(self.inst).with_srcloc(position);
        let mut number = self.number;
        if start.added != 0 {
            let added = immediate(types::I32, i64::from(start.added));
            let added = cursor.ins().iconst(types::I32, added);
            number = cursor.ins().iadd(number, added);
        }
        let number = cursor.ins().uextend(types::I64, number);
        let address = cursor.ins().iadd(self.memory, number);
        others.insert(start.address, address);
        address
    }

    /// Uses an address that was accessed before. Returns whether there is one.
    fn share(&self, func: &mut Function, starts: &mut [Reached]) -> bool {
        let start = starts.iter_mut().find(|start| {
            let distance = u64::from(self.added.wrapping_sub(start.added));
            distance <= start.reach + FREE_BYTES
        });
        let Some(start) = start else { return false };
        let distance = self.added.wrapping_sub(start.added);
        let by = i32::try_from(distance).ok();
        if let Some(offset) = by.and_then(|by| self.offset.checked_add(by)) {
            set_address(func, self.inst, start.address, offset);
            start.reach = start.reach.max(offset as u64);
        }
        true
    }

    /// Remembers an address that is accessed.
    fn remember(&self, starts: &mut Vec<Reached>) {
        if self.offset >= 0 {
            let Found { address, added, .. } = *self;
            add_start(starts, Reached { address, added, reach: self.offset as u64 });
        }
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
