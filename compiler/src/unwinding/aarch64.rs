//! Prologues and epilogues of AArch64.
//!
//! ```text
//!   stp x29, x30, [sp, #-16]!       the CFA is 16 above SP
//!   mov x29, sp                     the CFA is 16 above X29
//!   (is there stack enough? if not, branch to a trap; probes of large frames, which move SP)
//!   (sub sp, sp, N                  makes room for the arguments of tail calls: the CFA is N more above SP
//!    ldr x29, [sp, #N]; stp x29, x30, [sp]; mov x29, sp)
//!   stp x19, x20, [sp, #-16]! ...   saves registers
//!   (sub sp, sp, ..)
//!
//!   (add sp, sp, ..)
//!   ldp x19, x20, [sp], #16  ...    restores registers, and frees their places
//!   ldp x29, x30, [sp], #16         the CFA is where the stack pointer is, or N above
//!   (add sp, sp, K)                 removes arguments, or some room for those of tail calls
//!   ret | b | br
//! ```

use cranelift_codegen::gimli::Register;
use cranelift_codegen::gimli::write::CallFrameInstruction as Change;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;

use super::{Code, dwarf_register, set_sign_state};

const FRAME: Register = Register(29);
const LINK: Register = Register(30);
const STACK: Register = Register(31);

const POP_FRAME: u32 = 0xa8c1_7bfd;

/// What changes in a function, by offset.
pub fn changes(code: &Code<'_>, isa: &dyn TargetIsa) -> Vec<(u32, Change)> {
    let words: Vec<u32> =
        code.bytes.chunks_exact(4).map(|it| u32::from_le_bytes(it.try_into().unwrap())).collect();
    let frame = Frame::of(code, isa);
    let mut changes = frame.prologue;
    for (position, _) in words.iter().enumerate().filter(|(_, word)| **word == POP_FRAME) {
        let Some(rest) = Rest::of(&words, position + 1, code) else { continue };
        // Behind it the code goes on as if nothing had happened.
        let pops = words[..position].iter().rev().take_while(|word| restored(**word).is_some());
        let first = position - pops.count();
        changes.push((offset(first), Change::RememberState));
        for (at, word) in (first..).zip(&words[first..position]) {
            let registers = restored(*word).into_iter().flatten().flatten();
            changes.extend(registers.map(|register| (offset(at + 1), Change::Restore(register))));
        }
        let mut above = frame.moved as i32;
        changes.push((offset(position + 1), Change::Cfa(STACK, above)));
        for register in [FRAME, LINK] {
            changes.push((offset(position + 1), Change::Restore(register)));
        }
        for (at, bytes) in rest.additions {
            above -= bytes as i32;
            changes.push((offset(at + 1), Change::CfaOffset(above)));
        }
        if rest.end < words.len() {
            changes.push((offset(rest.end), Change::RestoreState));
        }
    }
    for &overflow in &code.overflows {
        changes.push((overflow, Change::RememberState));
        changes.extend(frame.saved.iter().map(|&saved| (overflow, Change::Restore(saved))));
        changes.push((overflow, Change::Cfa(FRAME, 16)));
        changes.push((overflow, Change::Offset(FRAME, -16)));
        changes.push((overflow, Change::Offset(LINK, -8)));
        if overflow as usize + 4 < code.bytes.len() {
            changes.push((overflow + 4, Change::RestoreState));
        }
    }
    // Each of these runs ends before the next begins, which may be at the same place.
    changes.sort_by_key(|(offset, change)| (*offset, !matches!(change, Change::RestoreState)));
    changes
}

/// What a prologue makes.
#[derive(Default)]
struct Frame {
    prologue: Vec<(u32, Change)>,
    /// How many bytes the frame is lower than where it was made.
    moved: u32,
    /// Which registers it saves, but for frame pointer and return address.
    saved: Vec<Register>,
}

impl Frame {
    fn of(code: &Code<'_>, isa: &dyn TargetIsa) -> Frame {
        let Frame { mut prologue, mut moved, mut saved } = Frame::default();
        // How far below the CFA the saved registers end, once that is known.
        let mut to_saved = None;
        for &(offset, ref step) in code.prologue {
            let mut change = |at, change| prologue.push((at, change));
            match *step {
                UnwindInst::PushFrameRegs { .. } => {
                    change(offset, Change::CfaOffset(16));
                    change(offset, Change::Offset(FRAME, -16));
                    change(offset, Change::Offset(LINK, -8));
                    change(offset + 4, Change::CfaRegister(FRAME));
                }
                UnwindInst::StackAlloc { size } if to_saved.is_none() => {
                    moved = size;
                    change(offset, Change::Cfa(STACK, 16 + moved as i32));
                }
                UnwindInst::StackAlloc { .. } => {}
                UnwindInst::DefineNewFrame { offset_downward_to_clobbers, .. } => {
                    let down = moved as i32;
                    if moved > 0 {
                        change(offset, Change::Cfa(FRAME, 16 + down));
                        change(offset, Change::Offset(FRAME, -16 - down));
                        change(offset, Change::Offset(LINK, -8 - down));
                    }
                    to_saved = Some(16 + down + offset_downward_to_clobbers as i32);
                }
                UnwindInst::SaveReg { clobber_offset, reg } => {
                    let register = dwarf_register(reg, isa);
                    let down = to_saved.expect("registers are saved in a frame");
                    change(offset, Change::Offset(register, clobber_offset as i32 - down));
                    saved.push(register);
                }
                UnwindInst::Aarch64SetPointerAuth { return_addresses } => {
                    change(offset, set_sign_state(return_addresses));
                }
                UnwindInst::RegStackOffset { .. } => unreachable!("it is for s390x"),
            }
        }
        Frame { prologue, moved, saved }
    }
}

fn offset(position: usize) -> u32 {
    position as u32 * 4
}

/// What follows when the frame is gone.
struct Rest {
    /// What is added to the stack pointer, and where.
    additions: Vec<(usize, u32)>,
    /// Behind the last instruction.
    end: usize,
}

impl Rest {
    /// What follows at this place; `None` if it is nothing that follows the end of a frame.
    fn of(words: &[u32], mut at: usize, code: &Code<'_>) -> Option<Rest> {
        let mut additions = Vec::new();
        while let Some(bytes) = words.get(at).and_then(|word| added(*word)) {
            additions.push((at, bytes));
            at += 1;
        }
        let ends = match *words.get(at)? {
            // `ret`, `br`, and `b` to another function.
            0xd65f_03c0 => true,
            word if word & 0xffff_fc1f == 0xd61f_0000 => true,
            word => word >> 26 == 5 && code.relocations.binary_search(&offset(at)).is_ok(),
        };
        ends.then_some(Rest { additions, end: at + 1 })
    }
}

/// How much an instruction adds to the stack pointer, if that is what it does.
fn added(word: u32) -> Option<u32> {
    let number = word >> 10 & 0xfff;
    match word & 0xffc0_03ff {
        0x9100_03ff => Some(number),
        0x9140_03ff => Some(number << 12),
        _ => None,
    }
}

/// The registers that an instruction pops, in numbers of DWARF, if that is what it does.
fn restored(word: u32) -> Option<[Option<Register>; 2]> {
    let (one, two) = ((word & 31) as u16, (word >> 10 & 31) as u16);
    let integer = |number| Some(Register(number));
    let float = |number| Some(Register(64 + number));
    match (word & 0xffff_83e0, word & 0xffff_ffe0) {
        (0xa8c1_03e0, _) => Some([integer(one), integer(two)]),
        (0x6cc1_03e0, _) => Some([float(one), float(two)]),
        (_, 0xf841_07e0) => Some([integer(one), None]),
        (_, 0xfc41_07e0) => Some([float(one), None]),
        // Whole vectors, which only trampolines pop, and nothing describes.
        (_, 0x3cc1_07e0) => Some([None, None]),
        _ => None,
    }
}
