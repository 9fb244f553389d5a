//! Prologues and epilogues of RISC-V.
//!
//! ```text
//!   addi sp, sp, -16            the CFA is 16 above SP
//!   sd ra, 8(sp); sd fp, 0(sp)
//!   mv fp, sp                   the CFA is 16 above FP
//!   (is there stack enough? if not, fall into a trap; probes of large frames, which move SP)
//!   (addi sp, sp, -N            makes room for the arguments of tail calls: the CFA is N more above SP
//!    sd ra, 8(sp); ld fp, N(sp); sd fp, 0(sp); mv fp, sp)
//!   addi sp, sp, -M
//!   sd s1, M-8(sp)  ...         saves registers
//!
//!   ld s1, M-8(sp)  ...         restores them
//!   addi sp, sp, M              from here on their places are below the stack pointer (not before tail calls)
//!   ld ra, 8(sp); ld fp, 0(sp)  the CFA is where the stack pointer was, or N above (before tail calls, M more)
//!   addi sp, sp, 16
//!   (addi sp, sp, K)            removes arguments
//!   ret | jr | (auipc t6, ..; jr)
//! ```
//!
//! Most of these instructions have a form of two bytes and one of four.

use cranelift_codegen::RegClass;
use cranelift_codegen::gimli::Register;
use cranelift_codegen::gimli::write::CallFrameInstruction as Change;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;

use super::{Code, dwarf_register};

const LINK: Register = Register(1);
const STACK: Register = Register(2);
const FRAME: Register = Register(8);

/// The two forms of `mv fp, sp`.
const SET_FRAME: [&[u8]; 2] = [&[0x0a, 0x84], &[0x13, 0x04, 0x01, 0x00]];
/// Those of `sd fp, 0(sp)`.
const SAVE_FRAME: [&[u8]; 2] = [&[0x22, 0xe0], &[0x23, 0x30, 0x81, 0x00]];
/// Those of `sd ra, 8(sp)`.
const SAVE_LINK: [&[u8]; 2] = [&[0x06, 0xe4], &[0x23, 0x34, 0x11, 0x00]];

/// What changes in a function, by offset.
pub fn changes(code: &Code<'_>, isa: &dyn TargetIsa) -> Vec<(u32, Change)> {
    let frame = Frame::of(code, isa);
    let mut changes = frame.prologue;
    let mut at = 0;
    while at < code.bytes.len() {
        let Some(end) = End::at(code.bytes, at) else {
            at += 2;
            continue;
        };
        // Behind it the code goes on as if nothing had happened.
        changes.push((at as u32, Change::RememberState));
        let saved = frame.saved.iter();
        changes.extend(saved.map(|&register| (at as u32, Change::Restore(register))));
        let mut above = end.above + frame.moved;
        changes.push((end.without_frame, Change::Cfa(STACK, above)));
        for register in [FRAME, LINK] {
            changes.push((end.without_frame, Change::Restore(register)));
        }
        for (behind, bytes) in end.additions {
            above -= bytes;
            changes.push((behind, Change::CfaOffset(above)));
        }
        at = end.end;
        if at < code.bytes.len() {
            changes.push((at as u32, Change::RestoreState));
        }
    }
    changes
}

/// What a prologue makes.
#[derive(Default)]
struct Frame {
    prologue: Vec<(u32, Change)>,
    /// How many bytes the frame is lower than where it was made.
    moved: i32,
    /// Which registers it saves, but for frame pointer and return address.
    saved: Vec<Register>,
}

impl Frame {
    fn of(code: &Code<'_>, isa: &dyn TargetIsa) -> Frame {
        let Frame { mut prologue, mut moved, mut saved } = Frame::default();
        // How far below the CFA the saved registers end, once that is known; and where the frame pointer is set first.
        let (mut to_saved, mut set) = (0, 0);
        for &(offset, ref step) in code.prologue {
            let mut change = |at, change| prologue.push((at, change));
            match *step {
                UnwindInst::PushFrameRegs { .. } => {
                    change(length(code.bytes, 0).unwrap_or(0) as u32, Change::CfaOffset(16));
                    change(offset, Change::Offset(FRAME, -16));
                    change(offset, Change::Offset(LINK, -8));
                    set = offset as usize + length(code.bytes, offset as usize).unwrap_or(0);
                    change(set as u32, Change::CfaRegister(FRAME));
                }
                UnwindInst::DefineNewFrame { offset_downward_to_clobbers, .. } => {
                    if let Some((begin, bytes)) = lower_frame(code.bytes, set, offset as usize) {
                        moved = bytes;
                        change(begin as u32, Change::Cfa(STACK, 16 + moved));
                        change(offset, Change::Cfa(FRAME, 16 + moved));
                        change(offset, Change::Offset(FRAME, -16 - moved));
                        change(offset, Change::Offset(LINK, -8 - moved));
                    }
                    to_saved = 16 + moved + offset_downward_to_clobbers as i32;
                }
                UnwindInst::SaveReg { clobber_offset, reg } => {
                    let register = dwarf_register(reg, isa);
                    // Functions that call what may throw save the frame pointer twice: the caller's, and among the
                    // registers that they change their own. Unwinders would believe the second.
                    if reg.class() != RegClass::Int || register != FRAME {
                        change(offset, Change::Offset(register, clobber_offset as i32 - to_saved));
                        saved.push(register);
                    }
                }
                UnwindInst::StackAlloc { .. } => {}
                UnwindInst::RegStackOffset { .. } | UnwindInst::Aarch64SetPointerAuth { .. } => {
                    unreachable!("it is for other machines")
                }
            }
        }
        Frame { prologue, moved, saved }
    }
}

/// Whether the frame is made a second time right before an offset, and not before another: where the stack pointer has moved,
/// and by how many bytes.
fn lower_frame(bytes: &[u8], least: usize, end: usize) -> Option<(usize, i32)> {
    let before = |end: usize, forms: [&[u8]; 2]| {
        let form = forms.into_iter().find(|form| bytes[..end].ends_with(form))?;
        Some(end - form.len())
    };
    let end = before(end, SET_FRAME).filter(|&begin| begin >= least)?;
    let end = before(end, SAVE_FRAME)?;
    let load = [2, 4].into_iter().find_map(|length| {
        let begin = end.checked_sub(length)?;
        let (register, moved) = load(bytes, begin)?;
        (register == FRAME).then_some((begin, moved))
    });
    let (end, moved) = load?;
    Some((before(end, SAVE_LINK)?, moved))
}

/// The end of a frame.
struct End {
    /// How far above the stack pointer the frame was made.
    above: i32,
    /// Behind what restores the frame pointer.
    without_frame: u32,
    /// What is added to the stack pointer then, and behind which instruction.
    additions: Vec<(u32, i32)>,
    /// Behind the last instruction.
    end: usize,
}

impl End {
    /// What begins at an offset, if it is that.
    fn at(bytes: &[u8], mut at: usize) -> Option<End> {
        let (link, link_offset) = load(bytes, at)?;
        at += length(bytes, at)?;
        let (frame, offset) = load(bytes, at)?;
        at += length(bytes, at)?;
        if (link, frame) != (LINK, FRAME) || link_offset != offset + 8 {
            return None;
        }
        let without_frame = at as u32;
        let mut additions = Vec::new();
        while let Some(added) = added(bytes, at) {
            at += length(bytes, at)?;
            additions.push((at as u32, added));
        }
        // `auipc`, if it goes to a function that is known.
        if word(bytes, at).is_some_and(|word| word & 0x7f == 0x17) {
            at += 4;
        }
        // `jr`, of which `ret` is one; the longer form may add something.
        let jumps = half(bytes, at)? & 0xf07f == 0x8002
            || word(bytes, at).is_some_and(|word| word & 0x7fff == 0x67);
        let end = at + length(bytes, at)?;
        jumps.then_some(End { above: offset + 16, without_frame, additions, end })
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// How many bytes an instruction has.
fn length(bytes: &[u8], at: usize) -> Option<usize> {
    Some(if half(bytes, at)? & 3 == 3 { 4 } else { 2 })
}

/// The register that an instruction loads 8 bytes into, and from where above the stack pointer, if that is what it does.
fn load(bytes: &[u8], at: usize) -> Option<(Register, i32)> {
    let short = u32::from(half(bytes, at)?);
    let register = Register((short >> 7 & 31) as u16);
    if short & 0xe003 == 0x6002 {
        let offset = (short >> 12 & 1) << 5 | (short >> 5 & 3) << 3 | (short >> 2 & 7) << 6;
        return Some((register, offset as i32));
    }
    let long = word(bytes, at)?;
    (long & 0xf_f07f == 0x1_3003).then_some((register, long as i32 >> 20))
}

/// How much an instruction adds to the stack pointer, if that is what it does.
fn added(bytes: &[u8], at: usize) -> Option<i32> {
    let short = i32::from(half(bytes, at)?);
    if short & 0xef83 == 0x6101 {
        let sign = -(short >> 12 & 1);
        let rest = (short >> 6 & 1) << 4
            | (short >> 2 & 1) << 5
            | (short >> 5 & 1) << 6
            | (short >> 3 & 3) << 7;
        return Some(sign << 9 | rest);
    }
    let long = word(bytes, at)?;
    (long & 0xf_ffff == 0x1_0113).then_some(long as i32 >> 20)
}
