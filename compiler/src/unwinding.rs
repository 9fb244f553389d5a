//! How to unwind from each instruction of a function, as DWARF tells it.
//!
//! In: what Cranelift says about the prologue, and the machine code. Out: [`Rules`]: where the caller's frame and registers
//! are, by code offset.
//!
//! Cranelift describes prologues only, and them not everywhere: unwinders that trust that get lost behind the instruction
//! that restores the frame pointer, in probes of large frames, and where the stack is exhausted. What it does not describe is
//! read off the code, whose few shapes are known.
//!
//! Always true: the rules hold before every instruction, prologues and epilogues included. A register counts as
//! saved only while its place in the frame is above what signal handlers may overwrite. The *CFA* of a function, the stack
//! pointer of its caller before the call, is the same at all of its instructions.

use cranelift_codegen::gimli::write::{
    Address, CallFrameInstruction, Expression, FrameDescriptionEntry,
};
use cranelift_codegen::gimli::{DW_OP_lit0, DW_OP_lit1, Register};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;
use cranelift_codegen::{RealReg, Reg};
use target_lexicon::Architecture;

/// Prologues and epilogues of AArch64.
mod aarch64;
/// Prologues and epilogues of RISC-V.
mod riscv64;
/// Prologues and epilogues of s390x.
mod s390x;
/// Prologues and epilogues of x86-64.
mod x86_64;

/// Where the caller's frame and registers are, by code offset.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What changes, and from which offset on; ascending.
    changes: Vec<(u32, CallFrameInstruction)>,
    code_bytes: u32,
}

/// The machine code of a function, and what is known about it.
pub struct Code<'a> {
    /// The code.
    pub bytes: &'a [u8],
    /// What its prologue does, and where each step ends.
    pub prologue: &'a [(u32, UnwindInst)],
    /// Where it names other functions; ascending.
    pub relocations: Vec<u32>,
    /// Where it traps because the stack is exhausted: far from the prologue, whose frame is not made by then.
    pub overflows: Vec<u32>,
    /// Where one instruction leaves the frame and restores the caller's frame pointer, if it is done that way; ascending.
    pub leaves: Option<Vec<u32>>,
}

impl Rules {
    /// The rules for a function.
    pub fn of(code: &Code<'_>, isa: &dyn TargetIsa) -> Rules {
        let changes = match isa.triple().architecture {
            // As the user of the code generator wants it, who can tell it so.
            _ if code.prologue.is_empty() => Vec::new(),
            Architecture::X86_64 => x86_64::changes(code, isa),
            Architecture::Aarch64(_) => aarch64::changes(code, isa),
            Architecture::Riscv64(_) => riscv64::changes(code, isa),
            Architecture::S390x => s390x::changes(code, isa),
            other => panic!("{other} is no target"),
        };
        Rules { changes, code_bytes: code.bytes.len() as u32 }
    }

    /// The entry for `.eh_frame` of the function at this address.
    pub fn entry(&self, address: Address) -> FrameDescriptionEntry {
        let mut entry = FrameDescriptionEntry::new(address, self.code_bytes);
        for (offset, change) in &self.changes {
            entry.add_instruction(*offset, change.clone());
        }
        entry
    }
}

/// The number in DWARF of a register that a prologue saves.
fn dwarf_register(register: RealReg, isa: &dyn TargetIsa) -> Register {
    let number = isa.map_regalloc_reg_to_dwarf(Reg::from(register));
    Register(number.expect("registers that are saved have numbers"))
}

/// Says whether return addresses are signed, on AArch64.
fn set_sign_state(signed: bool) -> CallFrameInstruction {
    /// A register for unwinders only.
    const SIGN_STATE: Register = Register(34);

    let mut state = Expression::new();
    state.op(if signed { DW_OP_lit1 } else { DW_OP_lit0 });
    CallFrameInstruction::ValExpression(SIGN_STATE, state)
}
