//! Prologues, calls and epilogues of s390x.
//!
//! ```text
//!   (is there stack enough? if not, trap)
//!   (aghi r15, -G; mvi 0(r15), 0  ...; aghi r15, C*G      probes of large frames
//!    | lhi r1, C; loop: aghi r15, -G; mvi 0(r15), 0; brct r1, loop; aghi r15, C*G)
//!   stmg r8, r15, 64+A(r15)     saves registers where the caller has room for them, above the A bytes of arguments
//!   aghi r15, -N                the CFA is 160+A+N above R15: the stack pointer when arguments are gone, and 160
//!   vsteg v8, ..(r15)  ...      saves more
//!
//!   aghi r15, -K                makes room for the arguments of a call, which the callee removes
//!   brasl r14, .. | basr r14, ..
//!
//!   vleg v8, ..(r15)  ...       restores registers
//!   (aghi r15, M)               if the stack pointer cannot be restored with the others; for a tail call less of it
//!   lmg r8, r15|r14, ..(r15)
//!   br | jg
//! ```
//!
//! There is no frame pointer, so the CFA is always counted from the stack pointer. A caller's row is looked up right before its
//! return address, so what a call does to the stack pointer is said within the call's own instruction.

use cranelift_codegen::RegClass;
use cranelift_codegen::gimli::write::{CallFrameInstruction as Change, Expression};
use cranelift_codegen::gimli::{DW_OP_and, DW_OP_minus, DW_OP_mul, DW_OP_plus, Register};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;

use super::{Code, dwarf_register};

const STACK: Register = Register(15);
/// What a caller has for its callee's registers, below the CFA.
const SAVE_AREA: i32 = 160;
/// How many instructions there may be between making room for arguments and a call: some for each argument.
const FARTHEST_CALL: usize = 5000;

/// What changes in a function, by offset.
pub fn changes(code: &Code<'_>, isa: &dyn TargetIsa) -> Vec<(u32, Change)> {
    let frame = Frame::of(code, isa);
    let mut changes = frame.prologue;
    let mut at = frame.end;
    while at < code.bytes.len() {
        if let Some(call) = Call::at(code, at) {
            changes.push((call.with_room, Change::CfaOffset(frame.height + call.bytes)));
            changes.push((call.call + 2, Change::CfaOffset(frame.height)));
            at = call.call as usize + 2;
            continue;
        }
        let Some(end) = End::at(code, at) else {
            at += 2;
            continue;
        };
        // Behind it the code goes on as if nothing had happened.
        changes.push((at as u32, Change::RememberState));
        let floats = frame.saved_floats.iter();
        changes.extend(floats.map(|&register| (at as u32, Change::Restore(register))));
        let mut height = frame.height;
        if let Some((behind, bytes)) = end.addition {
            height -= bytes;
            changes.push((behind, Change::CfaOffset(height)));
        }
        if let Some((behind, with_stack)) = end.restored {
            let saved = frame.saved.iter();
            changes.extend(saved.map(|&register| (behind, Change::Restore(register))));
            if with_stack {
                height = SAVE_AREA;
                changes.push((behind, Change::CfaOffset(height)));
            }
            changes.push((behind, Change::ValOffset(STACK, -SAVE_AREA)));
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
    /// Where it ends.
    end: usize,
    /// How far the CFA is above the stack pointer.
    height: i32,
    /// Which general registers it saves.
    saved: Vec<Register>,
    /// Which others.
    saved_floats: Vec<Register>,
}

impl Frame {
    fn of(code: &Code<'_>, isa: &dyn TargetIsa) -> Frame {
        let mut frame = Frame { height: SAVE_AREA, ..Frame::default() };
        // How far below the CFA the saved registers end.
        let mut to_saved = 0;
        for &(offset, ref step) in code.prologue {
            frame.end = offset as usize;
            let mut change = |at, change| frame.prologue.push((at, change));
            match *step {
                UnwindInst::DefineNewFrame {
                    offset_upward_to_caller_sp,
                    offset_downward_to_clobbers,
                } => {
                    frame.height = offset_upward_to_caller_sp as i32;
                    to_saved = frame.height + offset_downward_to_clobbers as i32;
                    if frame.height > SAVE_AREA {
                        // The arguments are there from the beginning.
                        change(0, Change::CfaOffset(frame.height));
                        change(0, Change::ValOffset(STACK, -SAVE_AREA));
                    }
                    frame.prologue.extend(probes(code.bytes, offset as usize, frame.height));
                }
                UnwindInst::StackAlloc { size } => {
                    frame.height += size as i32;
                    change(offset, Change::CfaOffset(frame.height));
                }
                UnwindInst::SaveReg { clobber_offset, reg } => {
                    let register = dwarf_register(reg, isa);
                    change(offset, Change::Offset(register, clobber_offset as i32 - to_saved));
                    match reg.class() {
                        RegClass::Int => frame.saved.push(register),
                        _ => frame.saved_floats.push(register),
                    }
                }
                UnwindInst::RegStackOffset { clobber_offset, reg } => {
                    let up = clobber_offset as i32 - to_saved;
                    change(offset, Change::ValOffset(dwarf_register(reg, isa), up));
                }
                UnwindInst::PushFrameRegs { .. } | UnwindInst::Aarch64SetPointerAuth { .. } => {
                    unreachable!("it is for other machines")
                }
            }
        }
        frame
    }
}

/// What probes of the stack change, which come before an offset.
fn probes(bytes: &[u8], end: usize, mut height: i32) -> Vec<(u32, Change)> {
    let mut changes = Vec::new();
    let mut at = 0;
    while at < end {
        let Some((length, bytes_added)) = added(bytes, at) else {
            at += 2;
            continue;
        };
        let is_loop = matches!(bytes.get(at + 8..at + 10), Some([0xa7, 0x16]));
        let count = probe_count(&bytes[..at]).filter(|_| is_loop && bytes_added < 0);
        match count {
            None => height -= bytes_added,
            Some(count) => {
                // While the register counts down, it says how low the stack pointer is.
                let low = |ahead| probed(height, count, -bytes_added, ahead);
                changes.push((at as u32, Change::CfaExpression(low(0))));
                changes.push(((at + length) as u32, Change::CfaExpression(low(1))));
                height -= bytes_added * count;
                // `mvi`, `brct`
                at += 8;
            }
        }
        at += length;
        changes.push((at as u32, Change::Cfa(STACK, height)));
    }
    // Until it is saved, the stack pointer of the caller is that of the function, which is no longer true.
    if let Some(&(first, _)) = changes.first() {
        changes.insert(0, (first, Change::ValOffset(STACK, -SAVE_AREA)));
    }
    changes
}

/// How many probes the instruction at the end of this code says that there will be.
fn probe_count(bytes: &[u8]) -> Option<i32> {
    match *bytes {
        [.., 0xc0, 0x19, a, b, c, d] => Some(i32::from_be_bytes([a, b, c, d])),
        [.., 0xa7, 0x18, high, low] => Some(i16::from_be_bytes([high, low]).into()),
        _ => None,
    }
}

/// The CFA while `r1` counts probes down: the stack pointer has been moved once more for each that is `ahead`.
fn probed(height: i32, count: i32, bytes: i32, ahead: i32) -> Expression {
    let mut cfa = Expression::new();
    cfa.op_breg(STACK, height.into());
    cfa.op_consts((count + ahead).into());
    cfa.op_breg(Register(1), 0);
    cfa.op_constu(u32::MAX.into());
    cfa.op(DW_OP_and);
    cfa.op(DW_OP_minus);
    cfa.op_consts(bytes.into());
    cfa.op(DW_OP_mul);
    cfa.op(DW_OP_plus);
    cfa
}

/// A call with arguments on the stack.
struct Call {
    /// Behind what makes room for them.
    with_room: u32,
    /// How many bytes they have.
    bytes: i32,
    /// Where the call is.
    call: u32,
}

impl Call {
    fn at(code: &Code<'_>, mut at: usize) -> Option<Call> {
        let (mut length, added) = added(code.bytes, at)?;
        let bytes = -added;
        if bytes <= 0 {
            return None;
        }
        let with_room = (at + length) as u32;
        for _ in 0..FARTHEST_CALL {
            at += length;
            length = match code.bytes.get(at)? >> 6 {
                0 => 2,
                3 => 6,
                _ => 4,
            };
            match *code.bytes.get(at..at + length)? {
                [0xc0, 0xe5, ..] | [0x0d, 0xe0..=0xef] => {
                    return Some(Call { with_room, bytes, call: at as u32 });
                }
                _ => {}
            }
        }
        None
    }
}

/// The end of a frame.
struct End {
    /// What is added to the stack pointer, and behind which instruction.
    addition: Option<(u32, i32)>,
    /// Behind what restores the general registers, and whether the stack pointer is one of them.
    restored: Option<(u32, bool)>,
    /// Behind the last instruction.
    end: usize,
}

impl End {
    /// What begins at an offset, if it is that.
    fn at(code: &Code<'_>, mut at: usize) -> Option<End> {
        let (mut addition, mut restored) = (None, None);
        if let Some((length, bytes)) = added(code.bytes, at).filter(|(_, bytes)| *bytes > 0) {
            at += length;
            addition = Some((at as u32, bytes));
        }
        // `lmg`, from above the stack pointer.
        if let &[0xeb, registers, base, _, _, 0x04, ..] = code.bytes.get(at..)?
            && base >> 4 == 15
        {
            at += 6;
            restored = Some((at as u32, registers & 15 == 15));
        }
        // `br`, or `jg` to another function.
        let end = match *code.bytes.get(at..at + 2)? {
            [0x07, to] if to >> 4 == 15 => at + 2,
            [0xc0, 0xf4] if code.relocations.binary_search(&(at as u32 + 2)).is_ok() => at + 6,
            _ => return None,
        };
        (addition.is_some() || restored.is_some()).then_some(End { addition, restored, end })
    }
}

/// The length of an instruction that adds to the stack pointer, and what it adds, if it is one.
fn added(bytes: &[u8], at: usize) -> Option<(usize, i32)> {
    match *bytes.get(at..)? {
        [0xa7, 0xfb, high, low, ..] => Some((4, i16::from_be_bytes([high, low]).into())),
        [0xc2, kind @ (0xf8 | 0xf4), a, b, c, d, ..] => {
            let number = i32::from_be_bytes([a, b, c, d]);
            // It adds a number, or subtracts one.
            Some((6, if kind == 0xf8 { number } else { number.checked_neg()? }))
        }
        _ => None,
    }
}
