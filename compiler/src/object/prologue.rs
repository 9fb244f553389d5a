//! Unwind information to what Windows reads: `.xdata`, a description of a function's prologue.
//!
//! In: what a prologue does, step by step, as Cranelift tells it. Out: the bytes of one record, a multiple of four.
//!
//! Always true: every function has a frame pointer, and the description goes by it, so that it holds everywhere in a
//! function's body. Only what C wants preserved is described; what else a function saves is of no interest to who unwinds.
//! Prologues are described as if they did at once what they do in parts; inside of one, nobody unwinds. Epilogues are not
//! described: they are over before anything can fail.

use cranelift_codegen::isa::unwind::UnwindInst;
use cranelift_codegen::{RealReg, RegClass};

/// A saved register, and how far above the end of all that are saved it lies.
struct Saved {
    register: Register,
    offset: u32,
    code: u32,
}

/// A register by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Register {
    Integer(u8),
    Float(u8),
}

impl Saved {
    /// Whether another register is the next in number, and lies where this one ends.
    fn is_below(&self, other: &Saved) -> bool {
        let follows = match (self.register, other.register) {
            // The one behind it is the frame pointer.
            (Register::Integer(one), Register::Integer(two)) => two == one + 1 && two < 29,
            (Register::Float(one), Register::Float(two)) => two == one + 1 && two < 16,
            _ => false,
        };
        follows && other.offset == self.offset + 8
    }
}

fn register(register: RealReg) -> Register {
    match register.class() {
        RegClass::Int => Register::Integer(register.hw_enc()),
        RegClass::Float | RegClass::Vector => Register::Float(register.hw_enc()),
    }
}

/// A prologue, as far as it is described.
#[derive(Default)]
struct Prologue {
    /// Where the code has pushed the frame pointer, and where it has set it.
    pushed: u32,
    framed: u32,
    /// How many bytes the frame was moved down before that, to make room for the arguments of tail calls.
    moved_bytes: u32,
    /// How many bytes below the frame pointer hold saved registers.
    saved_bytes: u32,
    saved: Vec<Saved>,
}

impl Prologue {
    fn new(steps: &[(u32, UnwindInst)]) -> Prologue {
        let mut prologue = Prologue::default();
        let mut framed = false;
        for (code, step) in steps {
            match *step {
                UnwindInst::PushFrameRegs { .. } => prologue.pushed = *code,
                UnwindInst::DefineNewFrame { offset_downward_to_clobbers, .. } => {
                    prologue.framed = *code;
                    prologue.saved_bytes = offset_downward_to_clobbers;
                    framed = true;
                }
                // Below saved registers, nothing is described.
                UnwindInst::StackAlloc { .. } if framed => {}
                UnwindInst::StackAlloc { size } => prologue.moved_bytes = size,
                UnwindInst::SaveReg { clobber_offset, reg } => prologue.saved.push(Saved {
                    register: register(reg),
                    offset: clobber_offset,
                    code: *code,
                }),
                UnwindInst::RegStackOffset { .. } | UnwindInst::Aarch64SetPointerAuth { .. } => {
                    unreachable!("{step:?} is for other systems")
                }
            }
        }
        prologue
    }
}

/// `UNWIND_INFO` of x86-64.
///
/// ```text
///   ┌────────────────┬──────────────────┬───────────────┬──────────────────────────┐
///   │ version 1, u8  │ prologue's size  │ slots, u8     │ frame register, distance │
///   ├────────────────┴──────────────────┴───────────────┴──────────────────────────┤
///   │ what the prologue does, last thing first: slots of two bytes (end, what)     │
///   └──────────────────────────────────────────────────────────────────────────────┘
/// ```
///
/// As described, the prologue pushes RBP, makes room for the saved registers, sets RBP to where it was pushed, and saves.
pub fn x86_64(steps: &[(u32, UnwindInst)]) -> Vec<u8> {
    const PUSH: u8 = 0;
    const ALLOCATE_SMALL: u8 = 2;
    const ALLOCATE_LARGE: u8 = 1;
    const SET_FRAME: u8 = 3;
    const SAVE_INTEGER: u8 = 4;
    const SAVE_VECTOR: u8 = 8;
    const RBP: u8 = 5;
    // The distance from RBP is told in four bits, in units of 16 bytes.
    const MOST_BYTES: u32 = 15 * 16;

    let prologue = Prologue::new(steps);
    let area = prologue.saved_bytes.min(MOST_BYTES) & !15;
    let mut slots: Vec<u8> = Vec::new();
    let mut size = 0;
    let mut slot = |code: u32, what: u8, info: u8, operand: Option<u16>| {
        // What is said to happen later than it does is noticed only inside of the prologue.
        let end = code.min(255) as u8;
        size = end.max(size);
        let mut bytes = vec![end, info << 4 | what];
        bytes.extend(
            operand.unwrap_or_default().to_le_bytes().into_iter().take(if operand.is_some() {
                2
            } else {
                0
            }),
        );
        slots.splice(0..0, bytes);
    };
    slot(prologue.pushed, PUSH, RBP, None);
    match area {
        0 => {}
        8..=128 => slot(prologue.framed, ALLOCATE_SMALL, (area / 8 - 1) as u8, None),
        _ => slot(prologue.framed, ALLOCATE_LARGE, 0, Some((area / 8) as u16)),
    }
    slot(prologue.framed, SET_FRAME, 0, None);
    for saved in &prologue.saved {
        // What lies below the area that can be described is nothing that C wants preserved, or else Cranelift would have
        // to save more than all of that.
        let Some(offset) = saved.offset.checked_sub(prologue.saved_bytes - area) else { continue };
        match saved.register {
            Register::Integer(number @ (3 | 6 | 7 | 12..=15)) => {
                slot(saved.code, SAVE_INTEGER, number, Some((offset / 8) as u16));
            }
            Register::Float(number @ 6..=15) => {
                slot(saved.code, SAVE_VECTOR, number, Some((offset / 16) as u16));
            }
            _ => {}
        }
    }
    let mut record = vec![1, size, (slots.len() / 2) as u8, RBP | ((area / 16) as u8) << 4];
    record.extend(slots);
    record.resize(record.len().next_multiple_of(4), 0);
    record
}

/// How much code one record of AArch64 can be for.
pub const MOST_CODE_BYTES_AARCH64: u32 = ((1 << 18) - 1) * 4;

/// The record of AArch64 for a piece of a function: its beginning, or (if it is so large) what follows it.
///
/// ```text
///   ┌──────────────────────────────────────────────────────────────────────────┐
///   │ u32: code size in words (18 bits), 0 (4), epilogues (5), words below (5) │
///   ├──────────────────────────────────────────────────────────────────────────┤
///   │ what the prologue does, last thing first; "end"; padding                 │
///   └──────────────────────────────────────────────────────────────────────────┘
/// ```
///
/// As described, the prologue pushes frame pointer and return address, makes room for the saved registers, saves them, and
/// sets the frame pointer, from which so all the rest is found: not from the stack pointer, which is lower than it should be
/// while a callee has tail-called a function with more arguments on the stack.
///
/// Each code stands for an instruction of the real prologue, and whoever is still among the first that many instructions of
/// a function is thought to be in its prologue. So registers that are saved in pairs are described in pairs.
pub fn aarch64(steps: &[(u32, UnwindInst)], code_bytes: u32, begins: bool) -> Vec<u8> {
    let mut codes = codes_aarch64(&Prologue::new(steps));
    if !begins {
        const END_OF_PROLOGUE_ELSEWHERE: u8 = 0xe5;
        codes.insert(0, END_OF_PROLOGUE_ELSEWHERE);
    }
    codes.resize(codes.len().next_multiple_of(4), END_AARCH64);
    let header = (code_bytes / 4) | (((codes.len() / 4) as u32) << 27);
    [header.to_le_bytes().to_vec(), codes].concat()
}

/// The code behind the last one.
const END_AARCH64: u8 = 0xe4;

fn codes_aarch64(prologue: &Prologue) -> Vec<u8> {
    const PUSH_FRAME: u8 = 0x81;
    const SAVE_FRAME: u8 = 0x40;
    const SET_FRAME: u8 = 0xe1;
    const SET_FRAME_ABOVE: u8 = 0xe2;

    let mut parts: Vec<Vec<u8>> = Vec::new();
    match prologue.moved_bytes {
        0 => parts.push(vec![PUSH_FRAME]),
        // It was pushed, and then moved to where there was room.
        moved => parts.extend([allocate(moved + 16), vec![SAVE_FRAME]]),
    }
    match prologue.saved_bytes {
        0 => parts.push(vec![SET_FRAME]),
        saved => {
            parts.push(allocate(saved));
            parts.extend(saves(&prologue.saved));
            let eights = u8::try_from(saved / 8).expect("all registers have less than 2 KiB");
            parts.push(vec![SET_FRAME_ABOVE, eights]);
        }
    }
    parts.into_iter().rev().flatten().chain([END_AARCH64]).collect()
}

/// The codes that say which registers were saved, of those that C wants preserved.
fn saves(saved: &[Saved]) -> Vec<Vec<u8>> {
    let mut codes = Vec::new();
    let mut rest = saved;
    while let [first, others @ ..] = rest {
        rest = others;
        let (one, two, number) = match first.register {
            Register::Integer(number @ 19..=28) => (0xd000, 0xc800, number - 19),
            Register::Float(number @ 8..=15) => (0xdc00, 0xd800, number - 8),
            _ => continue,
        };
        // Six bits tell how many times eight bytes.
        let Some(eights) = u16::try_from(first.offset / 8).ok().filter(|eights| *eights < 64)
        else {
            continue;
        };
        let pair = others.first().filter(|second| first.is_below(second));
        let kind = if pair.is_some() { two } else { one };
        rest = &others[usize::from(pair.is_some())..];
        codes.push((kind | u16::from(number) << 6 | eights).to_be_bytes().to_vec());
    }
    codes
}

/// The code that says that room was made on the stack.
fn allocate(bytes: u32) -> Vec<u8> {
    let units = bytes.div_ceil(16);
    match units {
        0..32 => vec![units as u8],
        32..2048 => (0xc000 | units as u16).to_be_bytes().to_vec(),
        _ => (0xe000_0000 | units).to_be_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand from Microsoft's description of the format.
    #[test]
    fn prologues_without_saved_registers() {
        let steps = [
            (1, UnwindInst::PushFrameRegs { offset_upward_to_caller_sp: 16 }),
            (
                4,
                UnwindInst::DefineNewFrame {
                    offset_upward_to_caller_sp: 16,
                    offset_downward_to_clobbers: 0,
                },
            ),
        ];
        assert_eq!(x86_64(&steps), [1, 4, 2, 5, 4, 3, 1, 0x50]);
        let record = [16, 0, 0, 0x08, 0xe1, 0x81, 0xe4, 0xe4];
        assert_eq!(aarch64(&steps, 64, true), record);
        let later = [16, 0, 0, 0x08, 0xe5, 0xe1, 0x81, 0xe4];
        assert_eq!(aarch64(&steps, 64, false), later);
    }

    /// The prologue of an entry trampoline, and its codes by hand from the same description.
    #[test]
    fn saved_registers_are_found_from_the_frame_pointer_and_described_in_pairs() {
        let mut prologue = Prologue { saved_bytes: 144, ..Prologue::default() };
        let mut save = |one, two, offset| {
            let both = [(one, offset), (two, offset + 8)];
            let both = both.map(|(register, offset)| Saved { register, offset, code: 0 });
            prologue.saved.extend(both);
        };
        for (number, offset) in [(27, 128), (25, 112), (23, 96), (21, 80), (19, 64)] {
            save(Register::Integer(number), Register::Integer(number + 1), offset);
        }
        for (number, offset) in [(14, 48), (12, 32), (10, 16), (8, 0)] {
            save(Register::Float(number), Register::Float(number + 1), offset);
        }
        let expected: &[&[u8]] = &[
            &[0xe2, 18],                                       // add x29, sp, #144
            &[0xd8, 0x00, 0xd8, 0x82, 0xd9, 0x04, 0xd9, 0x86], // stp d8, d9, [sp]; ... d14, d15, [sp, #48]
            &[0xc8, 0x08, 0xc8, 0x8a, 0xc9, 0x0c, 0xc9, 0x8e], // stp x19, x20, [sp, #64]; ...
            &[0xca, 0x10],                                     // stp x27, x28, [sp, #128]
            &[9, 0x81, 0xe4], // sub sp, sp, #144; stp x29, x30, [sp, #-16]!; end
        ];
        assert_eq!(codes_aarch64(&prologue), expected.concat());
    }

    #[test]
    fn registers_that_are_no_pair_are_described_one_by_one() {
        let saved = |register, offset| Saved { register, offset, code: 0 };
        for (registers, codes) in [
            // Not the next, not behind it, of another kind, the frame pointer, and none that C wants preserved.
            (
                [saved(Register::Integer(19), 0), saved(Register::Integer(21), 8)],
                &[0xd000, 0xd081][..],
            ),
            (
                [saved(Register::Integer(19), 16), saved(Register::Integer(20), 0)],
                &[0xd002, 0xd040],
            ),
            ([saved(Register::Float(9), 0), saved(Register::Integer(20), 8)], &[0xdc40, 0xd041]),
            ([saved(Register::Integer(28), 0), saved(Register::Integer(29), 8)], &[0xd240]),
            ([saved(Register::Float(15), 0), saved(Register::Float(16), 8)], &[0xddc0]),
            ([saved(Register::Integer(9), 0), saved(Register::Integer(10), 8)], &[]),
            ([saved(Register::Integer(19), 504), saved(Register::Integer(20), 512)], &[0xc83f]),
        ] {
            let found: Vec<u16> = saves(&registers)
                .iter()
                .map(|code| u16::from_be_bytes([code[0], code[1]]))
                .collect();
            assert_eq!(found, codes);
        }
    }

    #[test]
    fn room_on_the_stack_of_any_size() {
        for (bytes, code) in [
            (16, &[1][..]),
            (496, &[31]),
            (512, &[0xc0, 32]),
            (0x7ff0, &[0xc7, 0xff]),
            (0x8000, &[0xe0, 0, 8, 0]),
        ] {
            assert_eq!(allocate(bytes), code, "{bytes}");
        }
    }
}
