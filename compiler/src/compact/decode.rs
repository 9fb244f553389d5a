//! Where instructions of x86-64 end, and what they consist of.
//!
//! In: machine code. Out: the length and the parts of the instruction at its beginning.
//!
//! Always true: what no code generator emits, and what is no instruction of 64-bit mode, is none here. Prefixes may be in
//! orders that no assembler writes.

/// An instruction. Places are relative to its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// How many bytes it has.
    pub bytes: u8,
    /// Which of the tables of instructions its opcode is in.
    pub table: Table,
    /// How prefixes are written.
    pub prefix: Prefix,
    /// The prefix of old instructions that has W, R, X and B, or 0.
    pub rex: u8,
    /// The prefixes 66, F2 and F3, as bits in this order; with [`Prefix::Old`] only.
    pub mandatory: u8,
    /// Where the opcode is, behind all that says which table it is in.
    pub opcode_at: u8,
    /// The opcode.
    pub opcode: u8,
    /// The byte that says which operands there are, if there is one. It is behind the opcode.
    pub operands: Option<u8>,
    /// How many bytes the displacement of an address has, and where; relative to the end of the instruction if
    /// [`is_relative`](Self::is_relative).
    pub displacement: (u8, u8),
    /// How many bytes the constant has, or the distance of a branch. It is at the end.
    pub constant: u8,
}

/// The tables of instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    /// No escape.
    One,
    /// `0F`.
    Two,
    /// `0F 38`.
    ThreeA,
    /// `0F 3A`.
    ThreeB,
}

/// How prefixes are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix {
    /// As bytes of their own.
    Old,
    /// In the two or three bytes of AVX.
    Vex,
    /// In the four bytes of AVX-512. Displacements of one byte are multiples of something.
    Evex,
}

/// The bit of the prefix 66 in [`Instruction::mandatory`].
pub const OPERAND_SIZE: u8 = 1;
/// The bit of W in [`Instruction::rex`].
pub const WIDE: u8 = 8;

/// How many bytes are looked at: processors take one less.
const MOST_BYTES: usize = 16;
/// How many prefixes there may be, so that everything up to the displacement is among these bytes.
const MOST_PREFIXES: usize = 4;
/// There is no such instruction.
const NONE: u8 = 0xff;
/// What follows an opcode: nothing, or some of these.
const OPERANDS: u8 = 1;
const BYTE: u8 = 2;
/// Two bytes with the prefix 66, else four.
const WORD: u8 = 4;
/// Four bytes, whatever the prefix: the distance of a branch.
const DISTANCE: u8 = 8;
/// Two bytes.
const HALF: u8 = 16;
/// Eight bytes with W, else as [`WORD`].
const WHOLE: u8 = 32;

/// What follows the opcodes of the first table.
static ONE: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut opcode = 0;
    while opcode < 256 {
        table[opcode] = match opcode {
            0x00..0x40 => match opcode & 7 {
                0..=3 => OPERANDS,
                4 => BYTE,
                5 => WORD,
                _ => NONE,
            },
            0x50..=0x5f | 0x90..=0x99 | 0xa4..=0xa7 | 0xaa..=0xaf => 0,
            0xc3 | 0xc9 | 0xcc | 0xf4 | 0xf5 | 0xf8 | 0xf9 | 0xfc | 0xfd => 0,
            0x63 | 0x84..=0x8b | 0x8d | 0xd0..=0xd3 | 0xd8..=0xdf | 0xf6 | 0xf7 | 0xfe | 0xff => {
                OPERANDS
            }
            0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 | 0xc6 => OPERANDS | BYTE,
            0x69 | 0x81 | 0xc7 => OPERANDS | WORD,
            0x6a | 0x70..=0x7f | 0xa8 | 0xb0..=0xb7 | 0xe0..=0xe3 | 0xeb => BYTE,
            0x68 | 0xa9 => WORD,
            0xb8..=0xbf => WHOLE,
            0xc2 => HALF,
            0xe8 | 0xe9 => DISTANCE,
            _ => NONE,
        };
        opcode += 1;
    }
    table
};

/// What follows the opcodes of the second table.
static TWO: [u8; 256] = {
    let mut table = [OPERANDS; 256];
    let mut opcode = 0;
    while opcode < 256 {
        table[opcode] = match opcode {
            0x0b | 0x31 | 0x77 | 0xa2 | 0xc8..=0xcf => 0,
            0x80..=0x8f => DISTANCE,
            0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6 => OPERANDS | BYTE,
            0x00..=0x0a | 0x0c | 0x0e..=0x0f | 0x20..=0x27 | 0x30..=0x3f | 0xa0..=0xa1 => NONE,
            0xa6..=0xaa | 0xff => NONE,
            _ => OPERANDS,
        };
        opcode += 1;
    }
    table
};

/// Which registers an instruction changes, or may change: the one that its last operand bits name, if that is no address,
const SECOND: u8 = 1;
/// the one that the others name,
const FIRST: u8 = 2;
/// RAX,
const RAX: u8 = 4;
/// RDX,
const RDX: u8 = 8;
/// the one that the opcode names.
const NAMED: u8 = 16;
/// Any.
const ANY: u8 = 32;
/// What is between opcode and register says it.
const BY_OPERATION: u8 = 64;
/// Not all of a register, but a byte.
const BYTES: u8 = 128;

/// What the opcodes of the first table change.
static CHANGES: [u8; 256] = {
    let mut table = [ANY; 256];
    let mut opcode = 0;
    while opcode < 256 {
        table[opcode] = match opcode {
            // Comparisons.
            0x38..0x40 | 0x70..=0x7f | 0x84 | 0x85 | 0xa8 | 0xa9 => 0,
            0x00..0x40 => match opcode & 7 {
                0 => SECOND | BYTES,
                1 => SECOND,
                2 => FIRST | BYTES,
                3 => FIRST,
                4 | 5 => RAX,
                _ => ANY,
            },
            0x63 | 0x69 | 0x6b | 0x8b | 0x8d => FIRST,
            0x80 | 0xf6 | 0xfe => BY_OPERATION | BYTES,
            0x81 | 0x83 | 0xf7 | 0xff => BY_OPERATION,
            0x86 => FIRST | SECOND | BYTES,
            0x87 => FIRST | SECOND,
            0x88 | 0xc0 | 0xc6 | 0xd0 | 0xd2 => SECOND | BYTES,
            0x89 | 0xc1 | 0xc7 | 0xd1 | 0xd3 => SECOND,
            0x8a => FIRST | BYTES,
            0x90..=0x97 => RAX | NAMED,
            0x98 => RAX,
            0x99 => RDX,
            0xb0..=0xb7 => NAMED | BYTES,
            0xb8..=0xbf => NAMED,
            _ => ANY,
        };
        opcode += 1;
    }
    table
};

/// What those of the second table change.
static CHANGES_TWO: [u8; 256] = {
    let mut table = [FIRST | SECOND; 256];
    let mut opcode = 0;
    while opcode < 256 {
        table[opcode] = match opcode {
            // Vectors and memory, and branches nothing at all.
            0x10..=0x17 | 0x28..=0x2b | 0x2e | 0x2f | 0x51..=0x6f | 0x70..=0x76 | 0x7f => 0,
            0x80..=0x8f | 0xc2 | 0xc6 | 0xd0..=0xd6 | 0xd8..=0xfe => 0,
            0x2c | 0x2d | 0x40..=0x4f | 0xaf | 0xb6..=0xb8 | 0xbc..=0xbf => FIRST,
            0x90..=0x9f => SECOND | BYTES,
            // A compared exchange.
            0xb0 => RAX | FIRST | SECOND | BYTES,
            0xb1 => RAX | FIRST | SECOND,
            0xc0 => FIRST | SECOND | BYTES,
            0xc8..=0xcf => NAMED,
            0x0b | 0x31 | 0x77 | 0xa2 | 0xc7 => ANY,
            _ => FIRST | SECOND,
        };
        opcode += 1;
    }
    table
};

/// Which opcodes of the first table are [plain](Instruction::is_plain), with some operands.
static PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut opcode = 1;
    while opcode < 256 {
        table[opcode] = !matches!(opcode, 0x69 | 0x81 | 0x83 | 0xf7 | 0xff);
        opcode += 1;
    }
    table
};

/// Which operands are: no address has an index or is relative to the instruction, and no register may be the stack pointer.
static PLAIN_OPERANDS: [bool; 256] = {
    let mut table = [false; 256];
    let mut operands = 0;
    while operands < 256 {
        let (mode, first, second) = (operands >> 6, operands >> 3 & 7, operands & 7);
        table[operands] = first != 4 && second != 4 && (mode != 0 || second != 5);
        operands += 1;
    }
    table
};

impl Instruction {
    /// The instruction at the beginning of these bytes.
    #[inline]
    pub fn of(code: &[u8]) -> Option<Instruction> {
        let mut end = [0; MOST_BYTES];
        let window: &[u8; MOST_BYTES] = match code.first_chunk() {
            Some(window) => window,
            None => {
                end[..code.len()].copy_from_slice(code);
                &end
            }
        };
        let mut at = 0;
        let mut next = || {
            let byte = window[at % MOST_BYTES];
            at += 1;
            byte
        };
        let mut it = Instruction {
            bytes: 0,
            table: Table::One,
            prefix: Prefix::Old,
            rex: 0,
            mandatory: 0,
            opcode_at: 0,
            opcode: 0,
            operands: None,
            displacement: (0, 0),
            constant: 0,
        };
        let mut byte = next();
        let mut prefixes = 0;
        loop {
            match byte {
                0x66 => it.mandatory |= OPERAND_SIZE,
                0xf2 => it.mandatory |= 2,
                0xf3 => it.mandatory |= 4,
                // A lock, or the segment of something that belongs to a thread.
                0xf0 | 0x64 | 0x65 => {}
                _ => break,
            }
            byte = next();
            prefixes += 1;
            if prefixes > MOST_PREFIXES {
                return None;
            }
        }
        match byte {
            0x40..=0x4f => {
                it.rex = byte;
                byte = next();
            }
            0xc5 => {
                it.prefix = Prefix::Vex;
                it.table = Table::Two;
                let _ = next();
                byte = next();
            }
            0xc4 | 0x62 => {
                it.prefix = if byte == 0x62 { Prefix::Evex } else { Prefix::Vex };
                it.table = match next() & if byte == 0x62 { 7 } else { 31 } {
                    1 => Table::Two,
                    2 => Table::ThreeA,
                    3 => Table::ThreeB,
                    _ => return None,
                };
                let _ = next();
                if byte == 0x62 {
                    let _ = next();
                }
                byte = next();
            }
            _ => {}
        }
        if it.prefix == Prefix::Old && byte == 0x0f {
            byte = next();
            it.table = match byte {
                0x38 => Table::ThreeA,
                0x3a => Table::ThreeB,
                _ => Table::Two,
            };
            if it.table != Table::Two {
                byte = next();
            }
        }
        it.opcode = byte;
        let mut follows = match it.table {
            Table::One => ONE[usize::from(byte)],
            Table::Two => TWO[usize::from(byte)],
            Table::ThreeA => OPERANDS,
            Table::ThreeB => OPERANDS | BYTE,
        };
        if follows == NONE {
            return None;
        }
        if follows & OPERANDS != 0 {
            let operands = next();
            it.operands = Some(operands);
            let is_register = operands >= 0xc0;
            let mut base = operands & 7;
            let has_scale = !is_register && base == 4;
            if has_scale {
                base = next() & 7;
            }
            it.displacement.0 = match operands >> 6 {
                0 if base == 5 => 4,
                1 => 1,
                2 => 4,
                _ => 0,
            };
            // `test` is the only one of these with a constant.
            if it.table == Table::One && byte & 0xfe == 0xf6 && operands & 0x30 == 0 {
                follows |= if byte == 0xf6 { BYTE } else { WORD };
            }
        }
        let word = if it.mandatory & OPERAND_SIZE != 0 { 2 } else { 4 };
        it.constant = match follows & !OPERANDS {
            0 => 0,
            BYTE => 1,
            WORD => word,
            DISTANCE => 4,
            HALF => 2,
            _ if it.rex & WIDE != 0 => 8,
            _ => word,
        };
        let parts = at as u8;
        it.displacement.1 = parts;
        it.bytes = parts + it.displacement.0 + it.constant;
        // Everything between opcode and displacement is there by now.
        let between = u8::from(it.operands.is_some()) + u8::from(it.has_scale());
        it.opcode_at = parts - between - 1;
        let is_whole = usize::from(it.bytes) <= code.len().min(MOST_BYTES - 1);
        is_whole.then_some(it)
    }

    /// Whether the address has a byte for an index and its scale.
    pub fn has_scale(&self) -> bool {
        self.operands.is_some_and(|operands| operands < 0xc0 && operands & 7 == 4)
    }

    /// Whether it is neither a branch nor a call, touches the stack pointer or what lies relative to it or to the instruction, nor
    /// is one of those that are written in several ways. There may be others of which that is true.
    pub fn is_plain(&self) -> bool {
        let Some(operands) = self.operands else { return false };
        PLAIN_OPERANDS[usize::from(operands)]
            && match self.table {
                Table::One => PLAIN[usize::from(self.opcode)],
                Table::Two => !matches!(self.opcode, 0x6f | 0x7f | 0xb6 | 0xb7),
                Table::ThreeA | Table::ThreeB => true,
            }
    }

    /// Whether its operands may be the stack pointer, or the frame pointer, or relative to them.
    #[inline]
    pub fn may_name_pointer(&self) -> bool {
        self.operands.is_some_and(|operands| operands & 0x30 == 0x20 || operands & 6 == 4)
    }

    /// Whether it compares a register of 32 or 64 bits with zero.
    pub fn is_test_of_itself(&self) -> bool {
        let is_same = |operands: u8| operands >= 0xc0 && operands >> 3 & 7 == operands & 7;
        (self.opcode, self.table, self.mandatory) == (0x85, Table::One, 0)
            && self.operands.is_some_and(is_same)
            && matches!(self.rex & 5, 0 | 5)
    }

    /// The register whose name is in the last bits.
    pub fn first_register(&self) -> Option<u8> {
        let operands = self.operands.filter(|operands| *operands >= 0xc0)?;
        Some(operands & 7 | (self.rex & 1) << 3)
    }

    /// The register of 32 or 64 bits that it computes, if the flags for zero and the sign are those of what is there then: of sums,
    /// differences, and what is made of bits one by one. There may be others.
    pub fn result_of_flags(&self) -> Option<u8> {
        if (self.table, self.prefix, self.mandatory) != (Table::One, Prefix::Old, 0) {
            return None;
        }
        let operands = self.operands;
        let operation = operands.map(|operands| operands >> 3 & 7);
        match self.opcode {
            0x01 | 0x09 | 0x21 | 0x29 | 0x31 => self.first_register(),
            0x03 | 0x0b | 0x23 | 0x2b | 0x33 => Some(operation? | (self.rex & 4) << 1),
            0x05 | 0x0d | 0x25 | 0x2d | 0x35 => Some(0),
            0x81 | 0x83 if matches!(operation?, 0 | 1 | 4 | 5 | 6) => self.first_register(),
            0xf7 if operation? == 3 => self.first_register(),
            _ => None,
        }
    }

    /// What extends the names of registers: R, X and B, as in the prefix of old instructions.
    pub fn register_bits(&self, code: &[u8]) -> u8 {
        let before = |bytes: u8| code[usize::from(self.opcode_at - bytes)];
        match self.prefix {
            Prefix::Old => self.rex & 7,
            // The shorter form has only R.
            Prefix::Vex if self.opcode_at == 2 => (!before(1) >> 7) << 2,
            Prefix::Vex => !before(2) >> 5,
            Prefix::Evex => !before(3) >> 5,
        }
    }

    /// The registers for integers that it changes, or may change, as bits.
    #[inline]
    pub fn changes(&self, code: &[u8]) -> u16 {
        let changes = match self.table {
            Table::One => CHANGES[usize::from(self.opcode)],
            Table::Two => CHANGES_TWO[usize::from(self.opcode)],
            Table::ThreeA | Table::ThreeB => BY_OPERATION,
        };
        match (changes, self.operands, self.prefix) {
            (0, ..) | (SECOND, Some(0..0xc0), Prefix::Old) => 0,
            (FIRST, Some(operands), Prefix::Old) => 1 << (operands >> 3 & 7 | (self.rex & 4) << 1),
            (SECOND, Some(operands), Prefix::Old) => 1 << (operands & 7 | (self.rex & 1) << 3),
            _ => self.changes_at_all(code, changes),
        }
    }

    fn changes_at_all(&self, code: &[u8], of_opcode: u8) -> u16 {
        let operation = self.operands.map(|operands| operands >> 3 & 7);
        let changes = match (self.table, self.opcode, operation) {
            _ if of_opcode & BY_OPERATION == 0 => of_opcode,
            // Whatever is compared stays as it is.
            (Table::One, ..0x84, Some(7)) | (Table::One, 0xf6 | 0xf7, Some(0 | 1)) => 0,
            (Table::One, ..0x84, Some(_)) => SECOND,
            (Table::One, 0xf6 | 0xf7, Some(2 | 3)) => SECOND,
            // Products and quotients.
            (Table::One, 0xf6 | 0xf7, Some(_)) => RAX | RDX,
            (Table::One, 0xfe | 0xff, Some(0 | 1)) => SECOND,
            (Table::ThreeA, ..0xf0, _) => 0,
            // These look for text, and tell where in RCX.
            (Table::ThreeB, 0x60..=0x63, _) => ANY,
            (Table::ThreeB, 0x14..=0x17 | 0xf0, _) => FIRST | SECOND,
            (Table::ThreeB, ..) if self.prefix != Prefix::Evex => 0,
            (Table::ThreeA | Table::ThreeB, ..) => FIRST | SECOND,
            _ => ANY,
        };
        if changes == 0 {
            return 0;
        }
        if changes & ANY != 0 {
            return u16::MAX;
        }
        let bits = self.register_bits(code);
        let mut registers = 0;
        let mut add = |register: u8| {
            registers |= 1 << register;
            // Without the prefix, the names of four bytes are others: the second ones of the first four registers.
            if self.rex == 0 && of_opcode & BYTES != 0 && (4..8).contains(&register) {
                registers |= 1 << (register - 4);
            }
        };
        if let (true, Some(operation)) = (changes & FIRST != 0, operation) {
            add(operation | (bits & 4) << 1);
        }
        if let (true, Some(operands @ 0xc0..)) = (changes & SECOND != 0, self.operands) {
            add(operands & 7 | (bits & 1) << 3);
        }
        if changes & NAMED != 0 {
            add(self.opcode & 7 | (bits & 1) << 3);
        }
        registers |= u16::from(changes & RAX != 0) | u16::from(changes & RDX != 0) << 2;
        // The third operand of newer ones, where four bits are turned around. These only read it.
        let reads_third = (self.table, self.prefix) == (Table::ThreeA, Prefix::Vex)
            && matches!(self.opcode, 0xf2 | 0xf5 | 0xf7);
        if self.prefix != Prefix::Old && !reads_third {
            let before = 1 + u8::from(self.prefix == Prefix::Evex);
            registers |= 1 << (!code[usize::from(self.opcode_at - before)] >> 3 & 15);
        }
        registers
    }

    /// Whether it leaves what its last operand bits name as it is.
    pub fn only_reads(&self) -> bool {
        let operation = self.operands.map(|operands| operands >> 3 & 7);
        match self.table {
            Table::One => match CHANGES[usize::from(self.opcode)] & !BYTES {
                BY_OPERATION => matches!(
                    (self.opcode, operation),
                    (0x80..=0x83, Some(7)) | (0xf6 | 0xf7, Some(0 | 1 | 4..=7))
                ),
                changes => changes & (SECOND | ANY) == 0,
            },
            Table::Two if self.prefix != Prefix::Evex => {
                let moves_or_converts = matches!(
                    self.opcode,
                    0x10 | 0x12 | 0x14..=0x16 | 0x28 | 0x2a | 0x2c..=0x2f | 0x40..=0x4f | 0x6f
                );
                let computes = matches!(self.opcode, 0x51..=0x6e | 0x70 | 0x74..=0x76 | 0xc2 | 0xc6)
                    || matches!(self.opcode, 0xaf | 0xb6..=0xb8 | 0xbc..=0xbf)
                    || matches!(self.opcode, 0xd0..=0xd5 | 0xd8..=0xe6 | 0xe8..=0xfe);
                moves_or_converts || computes
            }
            Table::Two | Table::ThreeA | Table::ThreeB => false,
        }
    }

    /// Whether an operand's address is the distance from the end of the instruction.
    pub fn is_relative(&self) -> bool {
        self.operands.is_some_and(|operands| operands & 0xc7 == 5)
    }
}
