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
    Address, CallFrameInstruction, CommonInformationEntry, Expression, FrameDescriptionEntry,
};
use cranelift_codegen::gimli::{DW_OP_lit0, DW_OP_lit1, Encoding, Format, Register};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInst;
use cranelift_codegen::{RealReg, Reg};
use target_lexicon::{Architecture, BinaryFormat};

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

/// What the entries of all functions have in common, for systems with `.eh_frame`. If they are in a library, no linker will put
/// other files' entries behind them: in ELF they end at multiples of 4 bytes then, and not of 8.
pub fn common_entry(isa: &dyn TargetIsa, in_library: bool) -> Option<CommonInformationEntry> {
    let entry = isa.create_systemv_cie()?;
    if !in_library || isa.triple().binary_format != BinaryFormat::Elf {
        return Some(entry);
    }
    let (unit, return_address, stack, above) = match isa.triple().architecture {
        Architecture::X86_64 => (1, 16, 7, 8),
        Architecture::Aarch64(_) => (4, 30, 31, 0),
        Architecture::Riscv64(_) => (2, 1, 2, 0),
        Architecture::S390x => (1, 14, 15, 160),
        _ => return Some(entry),
    };
    // The size of addresses says nothing but how entries are padded, since addresses are distances of 32 bits.
    let encoding = Encoding { address_size: 4, format: Format::Dwarf32, version: 1 };
    let return_address = Register(return_address);
    let mut entry = CommonInformationEntry::new(encoding, unit, -8, return_address);
    entry.add_instruction(CallFrameInstruction::Cfa(Register(stack), above));
    if isa.triple().architecture == Architecture::X86_64 {
        entry.add_instruction(CallFrameInstruction::Offset(return_address, -8));
    }
    Some(entry)
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

#[cfg(test)]
mod tests {
    use cranelift_codegen::gimli::write::{EhFrame, EndianVec, FrameTable};
    use cranelift_codegen::gimli::{DW_EH_PE_pcrel, DW_EH_PE_sdata4, DwEhPe, RunTimeEndian};

    use super::*;
    use crate::Options;
    use crate::target;

    /// An entry for a function without anything to say, and what is common to all.
    fn written(common: CommonInformationEntry) -> Vec<u8> {
        let mut table = FrameTable::default();
        let common = table.add_cie(common);
        table.add_fde(common, FrameDescriptionEntry::new(Address::Constant(0), 1));
        let mut section = EhFrame(EndianVec::new(RunTimeEndian::Little));
        table.write_eh_frame(&mut section).unwrap();
        section.0.into_vec()
    }

    #[test]
    fn entries_of_libraries_differ_in_their_ends_only() {
        for name in ["x86_64-linux", "aarch64-linux", "riscv64-linux", "s390x-linux"] {
            let options = Options { target: Some(name.into()), ..Options::default() };
            let target = target::lookup(&options).unwrap();
            let common = |in_library| {
                let mut common = common_entry(&*target.isa, in_library).unwrap();
                common.fde_address_encoding = DwEhPe(DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0);
                written(common)
            };
            let (own, theirs) = (common(true), common(false));
            let bytes = |all: &[u8], at: usize| {
                let length = u32::from_le_bytes(all[at..at + 4].try_into().unwrap()) as usize;
                all[at + 4..at + 4 + length].to_vec()
            };
            let (mut own, mut theirs) = (bytes(&own, 0), bytes(&theirs, 0));
            for entry in [&mut own, &mut theirs] {
                let end = entry.iter().rposition(|&byte| byte != 0).unwrap();
                entry.truncate(end + 1);
            }
            assert_eq!(own, theirs, "{name}");
        }
    }
}
