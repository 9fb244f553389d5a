//! What registers hold of what the frame holds.
//!
//! In: what the instructions of a function do to registers and to the frame, noted one by one while they are read, and where
//! branches lead to. Out: what is no longer loaded from the frame, or stored to it, and what comes in its place.
//!
//! What did not fit registers is in the frame. The code generator loads it for each use and stores what it has computed, whether or not
//! it is in a register, has been stored, or is stored once more before anybody looks. As it looks at one number at a time, it
//! does not see that.
//!
//! Always true: only numbers of 64 bits are looked at, and only in functions that give no address in their frame away, so that
//! nothing else reads or writes it. Behind a call, and where several ways lead to, nothing is known. Where something may go elsewhere,
//! or does not come back, all has been stored that was stored before.

use super::decode::{Instruction, Prefix, Table, WIDE};
use super::encode::Bytes;
use super::layout::{Becomes, Edit};

/// What an instruction does.
#[derive(Clone, Copy, Debug)]
enum Note {
    /// Some change these registers.
    Changes(u16),
    /// It loads a register from the frame.
    Loads(Move),
    /// It stores a register to the frame.
    Stores(Move),
    /// It reads something in the frame, from here on.
    Reads(u32, i32),
    /// It reads or writes something in the frame, from here on.
    Touches(u32, i32),
    /// It may go on elsewhere.
    Branches,
    /// It does not go on, or something else does before it comes back.
    Ends,
}

/// A number that goes from a register to the frame, or back.
#[derive(Clone, Copy, Debug)]
struct Move {
    at: u32,
    /// How many bytes the instruction has.
    bytes: u8,
    register: u8,
    /// Where it is in the frame: so far from where the frame pointer points.
    slot: i32,
}

/// How many bytes of the frame are moved at a time.
const SLOT_BYTES: i32 = 8;
/// How many bytes another instruction reads or writes at most.
const MOST_BYTES: i32 = 64;
/// How many stores at most are remembered that may be needless.
const MOST_STORES: usize = 32;
/// A register that holds nothing of the frame.
const NOTHING: i32 = i32::MIN;

/// What the instructions of a function do to registers and to the frame.
#[derive(Default)]
pub struct Notes {
    notes: Vec<Note>,
    /// Whether somebody else may know where something in the frame is.
    is_shared: bool,
}

/// Where an operand is.
enum Place {
    /// In the frame.
    Frame(i32),
    /// Somewhere in the frame.
    Shared,
    /// Not in the frame.
    Elsewhere,
}

impl Notes {
    /// Notes what an instruction does that is within the frame. `frame_bytes` is how far the frame pointer points above the stack pointer.
    #[inline]
    pub fn add(&mut self, at: u32, code: &[u8], it: &Instruction, frame_bytes: u32) {
        let changes = it.changes(code);
        match it.may_name_pointer() {
            true => self.add_access(at, code, it, frame_bytes, changes),
            false if changes == u16::MAX => self.end(),
            false if (it.table, it.opcode & 0xf0) == (Table::Two, 0x80) => {
                self.notes.push(Note::Branches)
            }
            false => self.change(changes),
        }
    }

    fn add_access(
        &mut self,
        at: u32,
        code: &[u8],
        it: &Instruction,
        frame_bytes: u32,
        changes: u16,
    ) {
        match place(code, it, frame_bytes) {
            _ if changes == u16::MAX => self.end(),
            Place::Frame(slot) => self.access(at, it, slot, changes),
            Place::Shared => self.is_shared = true,
            Place::Elsewhere => self.change(changes),
        }
    }

    /// Notes that something happens of which nothing is known.
    pub fn end(&mut self) {
        if !matches!(self.notes.last(), Some(Note::Ends)) {
            self.notes.push(Note::Ends);
        }
    }

    fn change(&mut self, registers: u16) {
        match self.notes.last_mut() {
            _ if registers == 0 => {}
            // These have no place, so that many can be one.
            Some(Note::Changes(changed)) => *changed |= registers,
            Some(Note::Ends) | None => {}
            Some(_) => self.notes.push(Note::Changes(registers)),
        }
    }

    fn access(&mut self, at: u32, it: &Instruction, slot: i32, changes: u16) {
        const LOAD: u8 = 0x8b;
        const STORE: u8 = 0x89;
        const ADDRESS: u8 = 0x8d;

        let is_first = it.table == Table::One;
        let is_wide = is_first && it.rex & WIDE != 0 && (it.mandatory, it.opcode_at) == (0, 1);
        let register = it.operands.unwrap_or_default() >> 3 & 7 | (it.rex & 4) << 1;
        let moved = Move { at, bytes: it.bytes, register, slot };
        match it.opcode {
            LOAD if is_wide => self.notes.push(Note::Loads(moved)),
            STORE if is_wide => self.notes.push(Note::Stores(moved)),
            ADDRESS if is_first => self.is_shared = true,
            _ => {
                let reads = it.only_reads();
                self.notes.push(if reads {
                    Note::Reads(at, slot)
                } else {
                    Note::Touches(at, slot)
                });
                self.change(changes);
            }
        }
    }

    /// What becomes of loads and stores. `targets` are where branches lead to, ascending. Without `drops`, all that is in the frame is
    /// as it was.
    pub fn edits(&self, targets: &[u32], drops: bool) -> Vec<Edit> {
        if self.is_shared {
            return Vec::new();
        }
        let mut known = Known { drops, ..Known::default() };
        let mut targets = targets.iter().copied().peekable();
        for note in &self.notes {
            if let Note::Loads(Move { at, .. })
            | Note::Stores(Move { at, .. })
            | Note::Reads(at, _)
            | Note::Touches(at, _) = *note
            {
                while targets.next_if(|&target| target <= at).is_some() {
                    known.forget();
                }
            }
            match *note {
                Note::Changes(registers) => known.change(registers),
                Note::Loads(moved) => known.load(&moved),
                Note::Stores(moved) => known.store(&moved),
                Note::Reads(_, slot) => known.read(slot, MOST_BYTES),
                Note::Touches(_, slot) => {
                    known.read(slot, MOST_BYTES);
                    known.write(slot, MOST_BYTES);
                }
                Note::Branches => known.stores.clear(),
                Note::Ends => known.forget(),
            }
        }
        known.edits.sort_unstable_by_key(|edit| edit.at);
        known.edits
    }
}

/// Where an instruction has an operand.
fn place(code: &[u8], it: &Instruction, frame_bytes: u32) -> Place {
    const STACK_POINTER: u8 = 4;
    const FRAME_POINTER: u8 = 5;
    const NO_INDEX: u8 = 4;

    let operands = it.operands.unwrap_or_default();
    let (mode, first, second) = (operands >> 6, operands >> 3 & 7, operands & 7);
    let bits = it.register_bits(code);
    let is_pointer = |register: u8, bit: u8| {
        bits & bit == 0 && matches!(register, STACK_POINTER | FRAME_POINTER)
    };
    // Registers of vectors have the same numbers, and those of operations are none.
    if it.table == Table::One {
        let is_made_or_compared = match it.opcode {
            0x39 | 0x3b => true,
            0x81 | 0x83 => matches!(first, 0 | 5 | 7),
            _ => false,
        };
        let has_operation =
            matches!(it.opcode, 0x80..=0x83 | 0xc0 | 0xc1 | 0xc6 | 0xc7 | 0xd0..=0xdf | 0xf6..);
        let names = !has_operation && is_pointer(first, 4) || mode == 3 && is_pointer(second, 1);
        if names && !is_made_or_compared {
            return Place::Shared;
        }
    }
    if mode == 3 {
        return Place::Elsewhere;
    }
    let (base, index) = match it.has_scale() {
        true => {
            let scale = code[usize::from(it.opcode_at) + 2];
            (scale & 7, Some(scale >> 3 & 7).filter(|&it| it != NO_INDEX || bits & 2 != 0))
        }
        false => (second, None),
    };
    let index_is_pointer = index.is_some_and(|index| is_pointer(index, 2));
    let has_base = base != FRAME_POINTER || mode != 0;
    let is_in_frame = index_is_pointer || has_base && is_pointer(base, 1);
    if !is_in_frame {
        return Place::Elsewhere;
    }
    let displacement = &code[usize::from(it.displacement.1)..];
    let displacement = match it.displacement.0 {
        0 => Some(0),
        1 => Some(i32::from(displacement[0] as i8)),
        _ => displacement.first_chunk().map(|bytes| i32::from_le_bytes(*bytes)),
    };
    let slot = match base {
        FRAME_POINTER => displacement,
        _ => displacement.and_then(|it| it.checked_sub_unsigned(frame_bytes)),
    };
    match slot {
        Some(slot)
            if index.is_none() && it.prefix != Prefix::Evex && slot > NOTHING + MOST_BYTES =>
        {
            Place::Frame(slot)
        }
        _ => Place::Shared,
    }
}

/// What is known at a place.
struct Known {
    /// Where in the frame the same number is, for each register.
    held: [i32; 16],
    /// The stores since the last branch that nobody has read.
    stores: Vec<Move>,
    edits: Vec<Edit>,
    drops: bool,
}

impl Default for Known {
    fn default() -> Known {
        Known { held: [NOTHING; 16], stores: Vec::new(), edits: Vec::new(), drops: false }
    }
}

impl Known {
    fn forget(&mut self) {
        self.held = [NOTHING; 16];
        self.stores.clear();
    }

    fn change(&mut self, mut registers: u16) {
        while registers != 0 {
            self.held[registers.trailing_zeros() as usize] = NOTHING;
            registers &= registers - 1;
        }
    }

    fn load(&mut self, moved: &Move) {
        let &Move { register, slot, .. } = moved;
        if self.held[usize::from(register)] == slot {
            return self.replace(moved, &[]);
        }
        match self.held.iter().position(|&held| held == slot) {
            Some(from) => {
                let from = from as u8;
                let prefix = 0x40 | WIDE | (from & 8) >> 1 | register >> 3;
                self.replace(moved, &[prefix, 0x89, 0xc0 | (from & 7) << 3 | register & 7]);
            }
            None => self.read(slot, SLOT_BYTES),
        }
        self.held[usize::from(register)] = slot;
    }

    fn store(&mut self, moved: &Move) {
        let &Move { register, slot, .. } = moved;
        if self.held[usize::from(register)] == slot {
            return self.replace(moved, &[]);
        }
        if let (true, Some(before)) =
            (self.drops, self.stores.iter().position(|it| it.slot == slot))
        {
            let before = self.stores[before];
            self.replace(&before, &[]);
        }
        self.write(slot, SLOT_BYTES);
        self.held[usize::from(register)] = slot;
        if self.stores.len() < MOST_STORES {
            self.stores.push(*moved);
        }
    }

    /// Something in the frame is read.
    fn read(&mut self, slot: i32, bytes: i32) {
        self.stores.retain(|store| !overlaps(store.slot, slot, bytes));
    }

    /// Something in the frame is written.
    fn write(&mut self, slot: i32, bytes: i32) {
        self.read(slot, bytes);
        for held in &mut self.held {
            if overlaps(*held, slot, bytes) {
                *held = NOTHING;
            }
        }
    }

    fn replace(&mut self, moved: &Move, bytes: &[u8]) {
        let becomes = Becomes::Bytes(Bytes::new(bytes));
        self.edits.push(Edit { at: moved.at, had: moved.bytes.into(), becomes });
    }
}

/// Whether a number in the frame is among so many bytes of it.
fn overlaps(number: i32, slot: i32, bytes: i32) -> bool {
    number > slot.saturating_sub(SLOT_BYTES) && number < slot.saturating_add(bytes)
}
