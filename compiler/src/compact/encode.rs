//! An instruction to the same instruction in fewer bytes.
//!
//! Always true: it does the same to registers, memory and flags, but for a flag that is undefined before (AF). It touches the
//! same bytes of memory, in one access, and so traps when the other does.

use super::decode::{Instruction, OPERAND_SIZE, Prefix, Table, WIDE};

/// The bytes of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    bytes: [u8; 16],
    len: u8,
}

impl Bytes {
    /// These bytes. There are at most 16.
    pub fn new(bytes: &[u8]) -> Bytes {
        let mut it = Bytes { bytes: [0; 16], len: 0 };
        it.extend(bytes);
        it
    }

    /// As a slice.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let end = usize::from(self.len) + bytes.len();
        self.bytes[usize::from(self.len)..end].copy_from_slice(bytes);
        self.len = end as u8;
    }
}

/// The parts of an instruction that has operands, and no address relative to itself.
struct Parts {
    /// What is before the prefix that has W, R, X and B, and before the opcode.
    prefixes: Bytes,
    /// What changes of them.
    rex: u8,
    opcode: u8,
    operands: u8,
    scale: Option<u8>,
    displacement: Option<i32>,
    constant: Number,
}

/// A constant of so many bytes.
struct Number {
    value: i32,
    bytes: u8,
}

/// The same instruction in fewer bytes, if there is a way known. `frame` is how far the frame pointer points above the stack
/// pointer, if that is so at this place.
pub fn shorter(code: &[u8], it: &Instruction, frame: Option<u32>) -> Option<Bytes> {
    if let Some(short) = without_operands(code, it) {
        return Some(short);
    }
    let operands = it.operands?;
    if it.is_relative() || it.prefix == Prefix::Evex {
        return None;
    }
    // Most instructions are none of these, and there are many.
    let address = it.has_scale().then(|| Address::of(code, it, frame)).flatten();
    let may_be = match (it.table, it.opcode) {
        (Table::One, 0x69 | 0x81 | 0x83 | 0xf7) => true,
        (Table::Two, 0x6f | 0x7f | 0xb6 | 0xb7) => true,
        _ => address.is_some(),
    };
    if !may_be {
        return None;
    }
    let mut parts = Parts::of(code, it, operands);
    let mut is_shorter = address.is_some();
    match address {
        Some(Address::InFrame { frame_pointer }) => parts.use_frame_pointer(frame_pointer),
        Some(Address::Swapped { index_is_high }) => parts.swap_base(it, index_is_high),
        None => {}
    }
    if it.prefix == Prefix::Old {
        is_shorter |= match it.table {
            Table::One if it.mandatory & OPERAND_SIZE == 0 => parts.shorten_constant(),
            Table::Two => parts.shorten_move(it),
            _ => false,
        };
    }
    is_shorter.then(|| parts.bytes(code, it))
}

/// A shorter way to the same address.
enum Address {
    /// In the frame: so far from where the frame pointer points.
    InFrame { frame_pointer: i32 },
    /// With base and index in turn. Whether what was the index is one of the registers from R8 on.
    Swapped { index_is_high: bool },
}

impl Address {
    /// The shorter way, if there is one, of an address with an index, or a byte that says that there is none.
    fn of(code: &[u8], it: &Instruction, frame: Option<u32>) -> Option<Address> {
        const STACK_POINTER: u8 = 0x24;
        let opcode_at = usize::from(it.opcode_at);
        let scale = code[opcode_at + 2];
        let (displacement_bytes, at) = it.displacement;
        let displacement = &code[usize::from(at)..];
        let bits = it.register_bits(code);
        let (index_is_high, base_is_high) = (bits & 2 != 0, bits & 1 != 0);
        if scale == STACK_POINTER && !index_is_high && !base_is_high {
            let displacement = match displacement_bytes {
                0 => return None,
                1 => i32::from(displacement[0] as i8),
                _ => i32::from_le_bytes(*displacement.first_chunk()?),
            };
            let frame_pointer = displacement.checked_sub_unsigned(frame?)?;
            let bytes = if i8::try_from(frame_pointer).is_ok() { 1 } else { 4 };
            return (bytes <= displacement_bytes).then_some(Address::InFrame { frame_pointer });
        }
        let (index, base) = (scale >> 3 & 7, scale & 7);
        let is_r13 = base == 5 && base_is_high;
        let is_zero = displacement_bytes == 1 && displacement[0] == 0;
        let may_be_base = index != 5 && (index != 4 || index_is_high);
        (is_r13 && is_zero && may_be_base && scale >> 6 == 0)
            .then_some(Address::Swapped { index_is_high })
    }
}

/// Instructions with RAX or EAX, which have opcodes without operands.
fn without_operands(code: &[u8], it: &Instruction) -> Option<Bytes> {
    if it.table != Table::One || it.constant != 4 || it.operands.is_some() {
        return None;
    }
    let at = usize::from(it.opcode_at);
    let value = last_i32(&code[..usize::from(it.bytes)]);
    let mut short = Bytes::new(&code[..at]);
    match it.opcode {
        // Addition and its kin: with a byte that is extended.
        opcode if opcode & 0xc7 == 5 => {
            short.extend(&[0x83, 0xc0 | opcode & 0x38, i8::try_from(value).ok()? as u8]);
        }
        // A test of bits of the lowest byte, whose highest is not among them.
        0xa9 => short.extend(&[0xa8, u8::try_from(value).ok().filter(|value| *value < 0x80)?]),
        _ => return None,
    }
    Some(short)
}

fn last_i32(bytes: &[u8]) -> i32 {
    let bytes = bytes.last_chunk().expect("instructions with such constants have more bytes");
    i32::from_le_bytes(*bytes)
}

impl Parts {
    fn of(code: &[u8], it: &Instruction, operands: u8) -> Parts {
        let escapes = match it.table {
            Table::One => 0,
            Table::Two => 1,
            Table::ThreeA | Table::ThreeB => 2,
        };
        let before = match it.prefix {
            Prefix::Old => usize::from(it.opcode_at) - escapes - usize::from(it.rex != 0),
            Prefix::Vex | Prefix::Evex => usize::from(it.opcode_at),
        };
        let (displacement_bytes, displacement_at) = it.displacement;
        let displacement = &code[usize::from(displacement_at)..];
        let constant = &code[usize::from(it.bytes - it.constant)..];
        Parts {
            prefixes: Bytes::new(&code[..before]),
            rex: it.rex,
            opcode: it.opcode,
            operands,
            scale: it.has_scale().then(|| code[usize::from(it.opcode_at) + 2]),
            displacement: match displacement_bytes {
                0 => None,
                1 => Some(i32::from(displacement[0] as i8)),
                _ => displacement.first_chunk().map(|bytes| i32::from_le_bytes(*bytes)),
            },
            constant: Number {
                value: match it.constant {
                    0 => 0,
                    1 => i32::from(constant[0] as i8),
                    2 => i32::from(i16::from_le_bytes([constant[0], constant[1]])),
                    _ => constant.first_chunk().map_or(0, |bytes| i32::from_le_bytes(*bytes)),
                },
                bytes: it.constant,
            },
        }
    }

    fn is_register(&self) -> bool {
        self.operands >= 0xc0
    }

    /// Addresses relative to the stack pointer have a byte more than those relative to the frame pointer.
    fn use_frame_pointer(&mut self, displacement: i32) {
        const FRAME_POINTER: u8 = 5;
        self.operands = self.operands & 0x38 | FRAME_POINTER;
        self.scale = None;
        self.displacement = Some(displacement);
    }

    /// R13 as a base always has a displacement, as an index it has none.
    fn swap_base(&mut self, it: &Instruction, index_is_high: bool) {
        self.scale = self.scale.map(|scale| (scale & 7) << 3 | scale >> 3 & 7);
        self.displacement = None;
        match it.prefix {
            Prefix::Old => self.rex = self.rex & !3 | 2 | u8::from(index_is_high),
            _ => {
                let bits = &mut self.prefixes.bytes[usize::from(it.opcode_at) - 2];
                *bits = *bits & !0x60 | u8::from(!index_is_high) << 5;
            }
        }
    }

    /// Constants of four bytes that could be one.
    fn shorten_constant(&mut self) -> bool {
        let value = self.constant.value;
        let byte = i8::try_from(value).is_ok();
        let operation = self.operands >> 3 & 7;
        // What both halves of a register have in common with the constant is in the lower one.
        let narrows = self.opcode == 0x81 || self.opcode == 0x83;
        let narrows = narrows && operation == 4 && value >= 0 && self.is_register();
        let is_shorter = narrows && self.rex & WIDE != 0 && self.narrow();
        match self.opcode {
            0x81 if byte => (self.opcode, self.constant.bytes) = (0x83, 1),
            0x69 if byte => (self.opcode, self.constant.bytes) = (0x6b, 1),
            // A test of bits of the lowest byte, whose highest is not among them. It looks at a register: at less memory, it
            // might not trap.
            0xf7 if self.constant.bytes == 4 && operation == 0 && self.is_register() => {
                if !(0..0x80).contains(&value) {
                    return is_shorter;
                }
                (self.opcode, self.constant.bytes) = (0xf6, 1);
                self.rex &= !WIDE;
                // Without the prefix these registers have other names.
                let needs = self.operands & 7 >= 4;
                self.rex = match self.rex {
                    0 | 0x40 if needs => 0x40,
                    0x40 => 0,
                    rex => rex,
                };
            }
            _ => return is_shorter,
        }
        true
    }

    /// Makes a wide instruction narrow. Returns whether that takes less bytes.
    fn narrow(&mut self) -> bool {
        self.rex &= !WIDE;
        let is_needless = self.rex == 0x40;
        if is_needless {
            self.rex = 0;
        }
        is_needless
    }

    fn shorten_move(&mut self, it: &Instruction) -> bool {
        match self.opcode {
            // Extending a byte or two with zeros: instructions of 32 bits do it to 64.
            0xb6 | 0xb7 if self.rex == 0x40 | WIDE && it.mandatory == 0 => {
                // Without the prefix these registers have other names.
                let needs = self.opcode == 0xb6 && self.is_register() && self.operands & 7 >= 4;
                !needs && self.narrow()
            }
            // Vectors from and to memory, as floats.
            0x6f | 0x7f if !self.is_register() && self.prefixes.len == 1 => {
                let is_load = self.opcode == 0x6f;
                self.opcode = match (it.mandatory, is_load) {
                    (OPERAND_SIZE, true) => 0x28,
                    (OPERAND_SIZE, false) => 0x29,
                    (4, true) => 0x10,
                    (4, false) => 0x11,
                    _ => return false,
                };
                self.prefixes = Bytes::new(&[]);
                true
            }
            _ => false,
        }
    }

    fn bytes(&self, code: &[u8], it: &Instruction) -> Bytes {
        let mut bytes = self.prefixes;
        if it.prefix == Prefix::Old {
            if self.rex != 0 {
                bytes.push(self.rex);
            }
            let escapes = match it.table {
                Table::One => 0,
                Table::Two => 1,
                Table::ThreeA | Table::ThreeB => 2,
            };
            let opcode_at = usize::from(it.opcode_at);
            bytes.extend(&code[opcode_at - escapes..opcode_at]);
        }
        bytes.push(self.opcode);
        let (mode, displacement) = match self.displacement {
            None => (0, 0),
            Some(displacement) if i8::try_from(displacement).is_ok() => (0x40, displacement),
            Some(displacement) => (0x80, displacement),
        };
        // Without a base there is a displacement of four bytes, whatever it is.
        let has_base = self.scale.is_none_or(|scale| self.operands >= 0x40 || scale & 7 != 5);
        if self.is_register() {
            bytes.push(self.operands);
        } else {
            let is_kept = !has_base;
            bytes.push(self.operands & 0x3f | if is_kept { 0 } else { mode });
            bytes.extend(self.scale.as_slice());
            match mode {
                _ if is_kept => bytes.extend(&displacement.to_le_bytes()),
                0 => {}
                0x40 => bytes.push(displacement as u8),
                _ => bytes.extend(&displacement.to_le_bytes()),
            }
        }
        bytes.extend(&self.constant.value.to_le_bytes()[..usize::from(self.constant.bytes)]);
        bytes
    }
}
