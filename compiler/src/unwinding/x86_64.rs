//! Prologues and epilogues of x86-64.
//!
//! ```text
//!   push rbp                    the CFA is 16 above RSP
//!   mov rbp, rsp                the CFA is 16 above RBP
//!   (is there stack enough? if not, jump to a trap; probes of large frames, which move RSP)
//!   (sub rsp, N; mov rbp, rsp;  makes room for the arguments of tail calls: RBP is N lower,
//!    two words move down)       and return address and old RBP move after it
//!   sub rsp, M
//!   mov [rsp + ..], rbx  ...    saves registers
//!
//!   mov rbx, [rsp + ..]  ...    restores them
//!   add rsp, M
//!   mov rsp, rbp                from here on their places are below the stack pointer
//!   pop rbp                     the CFA is 8 above RSP, or that and N
//!   (or all three are one `leave`; without a frame, `pop rbp`)
//!   ret | ret N | (mov r, [rsp]; mov [rsp + K], r; add rsp, K;) jmp
//! ```

use cranelift_codegen::gimli::Register;
use cranelift_codegen::gimli::write::CallFrameInstruction as Change;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;

use super::{Code, dwarf_register};

const RBP: Register = Register(6);
const RSP: Register = Register(7);
const RETURN_ADDRESS: Register = Register(16);

const SET_RBP: &[u8] = &[0x48, 0x89, 0xe5];
const LEAVE: &[u8] = &[0x48, 0x89, 0xec, 0x5d];
/// The opcode of a call, which the trap of an exhausted stack may be.
const CALL: u8 = 0xe8;

/// What changes in a function, by offset.
pub fn changes(code: &Code<'_>, isa: &dyn TargetIsa) -> Vec<(u32, Change)> {
    let frame = Frame::of(code, isa);
    let mut pieces = pieces(code, &frame);
    pieces.sort_by_key(|piece| piece.begin);
    let Frame { prologue: mut changes, saves, .. } = frame;
    // Behind the last pieces no other code follows, so the frame without saved registers is all that is needed again: it is put
    // aside once for each. Not for more than two: valgrind has room for four.
    let code_end = code.bytes.len() as u32;
    let mut end = code_end;
    let is_last = |piece: &&Piece| piece.end >= std::mem::replace(&mut end, piece.begin);
    let last = pieces.iter().rev().take_while(is_last).take(2).count();
    let (others, last) = match saves.len() {
        0 => (pieces.len(), 0),
        1 | 2 if last < 2 => (pieces.len(), 0),
        _ => (pieces.len() - last, last),
    };
    let saved_at = saves.first().map_or(0, |&(offset, _)| offset);
    changes.extend((0..last).map(|_| (saved_at, Change::RememberState)));
    changes.extend(saves.iter().map(|&(offset, (saved, at))| (offset, Change::Offset(saved, at))));
    for (position, Piece { begin, end, changes: own }) in pieces.into_iter().enumerate() {
        if position >= others {
            changes.push((begin, Change::RestoreState));
            changes.extend(own);
            continue;
        }
        let goes_on = end < code_end;
        changes.extend(goes_on.then_some((begin, Change::RememberState)));
        changes.extend(saves.iter().map(|&(_, (saved, _))| (begin, Change::Restore(saved))));
        changes.extend(own);
        changes.extend(goes_on.then_some((end, Change::RestoreState)));
    }
    changes
}

/// A piece of code without the frame that the code around it has.
struct Piece {
    begin: u32,
    end: u32,
    /// What changes in there, but for the saved registers, which do not count.
    changes: Vec<(u32, Change)>,
}

fn pieces(code: &Code<'_>, frame: &Frame) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (start, popped, rest) in leaves(code) {
        // Behind it the code goes on as if nothing had happened.
        let end = popped + rest.bytes;
        let popped = popped as u32;
        let moved = frame.moved as i32;
        let mut changes =
            vec![(popped, Change::Cfa(RSP, 8 + moved)), (popped, Change::Restore(RBP))];
        if let Some((offset, up)) = rest.moves {
            // The return address has moved up, and the stack pointer goes after it.
            let offset = popped + offset as u32;
            let left = moved - up as i32;
            changes.push((offset, Change::Cfa(RSP, 8 + left)));
            changes.push((offset, Change::Offset(RETURN_ADDRESS, -8 - left)));
        }
        pieces.push(Piece { begin: start as u32, end: end as u32, changes });
    }
    for &begin in &code.overflows {
        // The frame was not moved down yet.
        let changes = match frame.moved {
            0 => Vec::new(),
            _ => vec![
                (begin, Change::Cfa(RBP, 16)),
                (begin, Change::Offset(RBP, -16)),
                (begin, Change::Offset(RETURN_ADDRESS, -8)),
            ],
        };
        let bytes = if code.bytes[begin as usize] == CALL { 5 } else { 2 };
        pieces.push(Piece { begin, end: begin + bytes, changes });
    }
    pieces
}

/// Where the frame is left: from where on the places of saved registers are below the stack pointer, where the caller's frame
/// pointer is back, and what follows.
fn leaves(code: &Code<'_>) -> Vec<(usize, usize, Rest)> {
    let mut found = Vec::new();
    if let Some(leaves) = &code.leaves {
        found.extend(leaves.iter().filter_map(|&start| {
            let popped = start as usize + 1;
            Some((start as usize, popped, Rest::of(code, popped)?))
        }));
        return found;
    }
    let mut at = 0;
    while let Some(distance) = find(&code.bytes[at..], LEAVE) {
        let start = at + distance;
        let popped = start + LEAVE.len();
        at = start + 1;
        if let Some(rest) = Rest::of(code, popped) {
            at = popped + rest.bytes;
            found.push((start, popped, rest));
        }
    }
    found
}

/// What a prologue makes.
struct Frame {
    prologue: Vec<(u32, Change)>,
    /// How many bytes the frame is lower than where it was made.
    moved: u32,
    /// Which registers it saves, but for the frame pointer, and where. All of that counts from where the last is saved: up to there
    /// they have not changed.
    saves: Vec<(u32, (Register, i32))>,
}

impl Frame {
    fn of(code: &Code<'_>, isa: &dyn TargetIsa) -> Frame {
        let mut frame = Frame { prologue: Vec::new(), moved: 0, saves: Vec::new() };
        let mut to_saved = 0;
        for &(offset, ref step) in code.prologue {
            match *step {
                UnwindInst::PushFrameRegs { .. } => {
                    frame.prologue.push((offset, Change::CfaOffset(16)));
                    frame.prologue.push((offset, Change::Offset(RBP, -16)));
                    assert!(
                        code.bytes[offset as usize..].starts_with(SET_RBP),
                        "the frame pointer is set when it was pushed"
                    );
                    frame.prologue.push((offset + 3, Change::CfaRegister(RBP)));
                }
                UnwindInst::DefineNewFrame {
                    offset_upward_to_caller_sp,
                    offset_downward_to_clobbers,
                } => {
                    to_saved = (offset_upward_to_caller_sp + offset_downward_to_clobbers) as i32;
                    frame.moved = offset_upward_to_caller_sp - 16;
                    if frame.moved > 0 {
                        frame.move_down(offset);
                    }
                }
                UnwindInst::SaveReg { clobber_offset, reg } => {
                    let register = dwarf_register(reg, isa);
                    let place = clobber_offset as i32 - to_saved;
                    frame.saves.push((offset, (register, place)));
                }
                UnwindInst::StackAlloc { .. } => {}
                UnwindInst::RegStackOffset { .. } | UnwindInst::Aarch64SetPointerAuth { .. } => {
                    unreachable!("{step:?} is for other processors")
                }
            }
        }
        if let Some(&(last, _)) = frame.saves.last() {
            frame.saves.iter_mut().for_each(|(offset, _)| *offset = last);
        }
        frame
    }

    /// The frame was moved down. `end` is where all of that is done.
    fn move_down(&mut self, end: u32) {
        // Two words were loaded from the old place and stored to the new one, each with R11; the first store has no
        // distance, the second one of a byte, and loads have one of a byte or of four.
        let load = |distance: u32| if distance < 128 { 5 } else { 8 };
        let set = end - load(self.moved) - 4 - load(self.moved + 8) - 5;
        let moved = self.moved as i32;
        self.prologue.push((set, Change::CfaOffset(16 + moved)));
        self.prologue.push((end, Change::Offset(RBP, -16 - moved)));
        self.prologue.push((end, Change::Offset(RETURN_ADDRESS, -8 - moved)));
    }
}

/// What follows when the frame is gone.
struct Rest {
    /// How many bytes of code.
    bytes: usize,
    /// If the return address is moved up: behind which of these bytes the stack pointer has followed, and by how much.
    moves: Option<(usize, u32)>,
}

impl Rest {
    /// What follows at this place; `None` if it is nothing that follows the end of a frame, so that what looked like it was
    /// part of something else.
    fn of(code: &Code<'_>, at: usize) -> Option<Rest> {
        let rest = &code.bytes[at..];
        match rest {
            [0xc3, ..] => return Some(Rest { bytes: 1, moves: None }),
            [0xc2, _, _, ..] => return Some(Rest { bytes: 3, moves: None }),
            _ => {}
        }
        let moves = Rest::moves(rest);
        let moved = moves.map_or(0, |(bytes, _)| bytes);
        let jump = match &rest[moved..] {
            // A jump to another function; one within the function names no symbol.
            [0xe9, ..] if code.relocations.binary_search(&((at + moved + 1) as u32)).is_ok() => 5,
            [0xff, 0xe0..=0xe7, ..] => 2,
            [0x41, 0xff, 0xe0..=0xe7, ..] => 3,
            _ => return None,
        };
        Some(Rest { bytes: moved + jump, moves })
    }

    /// `mov r, [rsp]; mov [rsp + K], r; add rsp, K`: how many bytes it has, and K.
    fn moves(rest: &[u8]) -> Option<(usize, u32)> {
        let [0x48 | 0x4c, 0x8b, _, 0x24, 0x48 | 0x4c, 0x89, store, 0x24, ..] = rest else {
            return None;
        };
        // One byte of distance, or four; the same for the addition.
        let store = 4 + 4 + if store & 0xc0 == 0x40 { 1 } else { 4 };
        match rest.get(store..)? {
            [0x48, 0x83, 0xc4, by, ..] => Some((store + 4, u32::from(*by))),
            [0x48, 0x81, 0xc4, a, b, c, d, ..] => {
                Some((store + 7, u32::from_le_bytes([*a, *b, *c, *d])))
            }
            _ => None,
        }
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}
