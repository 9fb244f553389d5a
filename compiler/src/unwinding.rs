//! How to unwind from each instruction of a function, as DWARF tells it.
//!
//! In: what Cranelift says about the prologue, and the machine code. Out: [`Rules`]: where the caller's frame and registers
//! are, by code offset.
//!
//! Cranelift describes prologues only, and them not everywhere: unwinders that trust that get lost behind the instruction
//! that restores the frame pointer, in probes of large frames, and where the stack is exhausted. On x86-64 and AArch64, what
//! it does not describe is read off the code, whose few shapes are known.
//!
//! Always true on these two: the rules hold before every instruction, prologues and epilogues included. A register counts as
//! saved only while its place in the frame is above what signal handlers may overwrite. The *CFA* of a function, the stack
//! pointer of its caller before the call, is the same at all of its instructions.

use cranelift_codegen::gimli::write::{
    Address, CallFrameInstruction, Expression, FrameDescriptionEntry,
};
use cranelift_codegen::gimli::{DW_OP_lit0, DW_OP_lit1, Register};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;
use cranelift_codegen::{RealReg, Reg, RegClass};
use target_lexicon::Architecture;

/// Prologues and epilogues of AArch64.
mod aarch64;
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
}

impl Rules {
    /// The rules for a function.
    pub fn of(code: &Code<'_>, isa: &dyn TargetIsa) -> Rules {
        let changes = match isa.triple().architecture {
            // As the user of the code generator wants it, who can tell it so.
            _ if code.prologue.is_empty() => Vec::new(),
            Architecture::X86_64 => x86_64::changes(code, isa),
            Architecture::Aarch64(_) => aarch64::changes(code, isa),
            _ => prologue(code.prologue, isa),
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

/// Numbers in DWARF of the registers that lead to the frame; on s390x, which has no frame pointer, the stack pointer does.
struct FrameRegisters {
    frame: Option<Register>,
    link: Option<Register>,
}

fn frame_registers(architecture: Architecture) -> FrameRegisters {
    let (frame, link) = match architecture {
        Architecture::Riscv64(_) => (Some(8), Some(1)),
        Architecture::S390x => (None, None),
        other => panic!("{other} is no target"),
    };
    FrameRegisters { frame: frame.map(Register), link: link.map(Register) }
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

/// What a prologue changes, as Cranelift tells it.
fn prologue(steps: &[(u32, UnwindInst)], isa: &dyn TargetIsa) -> Vec<(u32, CallFrameInstruction)> {
    use CallFrameInstruction as Change;
    let architecture = isa.triple().architecture;
    let registers = frame_registers(architecture);
    let is_riscv64 = matches!(architecture, Architecture::Riscv64(_));
    let mut changes = Vec::new();
    // Distances: from the CFA down to the stack pointer, where that counts, and to the end of what is saved.
    let (mut to_stack, mut to_saved) = (0, 0);
    for &(offset, ref step) in steps {
        let mut change = |change| changes.push((offset, change));
        match *step {
            UnwindInst::PushFrameRegs { offset_upward_to_caller_sp } => {
                let up = offset_upward_to_caller_sp as i32;
                change(Change::CfaOffset(up));
                change(Change::Offset(registers.frame.expect("it is pushed"), -up));
                if let Some(link) = registers.link {
                    change(Change::Offset(link, 8 - up));
                }
            }
            UnwindInst::DefineNewFrame {
                offset_upward_to_caller_sp,
                offset_downward_to_clobbers,
            } => {
                if let Some(frame) = registers.frame {
                    change(Change::CfaRegister(frame));
                }
                to_stack = offset_upward_to_caller_sp as i32;
                to_saved = to_stack + offset_downward_to_clobbers as i32;
            }
            UnwindInst::StackAlloc { size } if registers.frame.is_none() => {
                to_stack += size as i32;
                change(Change::CfaOffset(to_stack));
            }
            UnwindInst::StackAlloc { .. } => {}
            UnwindInst::SaveReg { clobber_offset, reg } => {
                let register = dwarf_register(reg, isa);
                // On RISC-V, functions that call what may throw save the frame pointer twice: the caller's, and among the
                // registers that they change their own. Unwinders would believe the second.
                if !(is_riscv64
                    && reg.class() == RegClass::Int
                    && Some(register) == registers.frame)
                {
                    change(Change::Offset(register, clobber_offset as i32 - to_saved));
                }
            }
            UnwindInst::RegStackOffset { clobber_offset, reg } => {
                let offset = clobber_offset as i32 - to_saved;
                change(Change::ValOffset(dwarf_register(reg, isa), offset));
            }
            UnwindInst::Aarch64SetPointerAuth { return_addresses } => {
                change(set_sign_state(return_addresses));
            }
        }
    }
    changes
}
