//! Machine code to text.
//!
//! In: code for any of the architectures, which may be anything. Out: its instructions, in the notation of their makers.
//!
//! Always true: instructions follow each other without gaps up to the end. What is none is shown as data.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use capstone::{Arch, Capstone, Endian, ExtraMode, Mode};
use object::Architecture;

/// One instruction.
pub struct Instruction {
    /// Where it begins, relative to the code that was disassembled.
    pub offset: u32,
    /// How long it is.
    pub bytes: u32,
    /// What it is called, and its operands.
    pub text: String,
    /// The address of the code that it jumps to or calls, if it says so.
    pub target: Option<u64>,
    /// Whether it calls something, so that what stands behind it is a return address.
    pub is_call: bool,
}

/// Reads the code of one architecture.
pub struct Disassembler {
    capstone: Capstone,
    architecture: Architecture,
}

impl Disassembler {
    /// One for an architecture.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(architecture: Architecture) -> Result<Disassembler> {
        let (arch, mode, extra, order) = match architecture {
            Architecture::X86_64 => (Arch::X86, Mode::Mode64, None, Endian::Little),
            Architecture::Aarch64 => (Arch::ARM64, Mode::Arm, None, Endian::Little),
            Architecture::Riscv64 => {
                (Arch::RISCV, Mode::RiscV64, Some(ExtraMode::RiscVC), Endian::Little)
            }
            Architecture::S390x => (Arch::SYSZ, Mode::Default, None, Endian::Big),
            other => bail!("there is no code for {other:?}"),
        };
        let capstone = Capstone::new_raw(arch, mode, extra.into_iter(), Some(order))
            .context("the disassembler cannot be set up")?;
        Ok(Disassembler { capstone, architecture })
    }

    /// Whether some instructions that trap are told of by their last byte.
    pub fn traps_late(&self) -> bool {
        self.architecture == Architecture::S390x
    }

    /// The instructions of some code that lies at an address. At `known` places in it, which ascend, instructions begin for
    /// sure: data in front of them cannot hide them.
    ///
    /// # Errors
    /// If there is no memory left.
    pub fn instructions(
        &self,
        code: &[u8],
        address: u64,
        known: impl IntoIterator<Item = u32>,
    ) -> Result<Vec<Instruction>> {
        let mut instructions = Vec::new();
        let mut start = 0;
        let mut pages = Pages::default();
        for end in known.into_iter().map(|known| known as usize).chain([code.len()]) {
            if start < end && end <= code.len() {
                self.piece(code, address, start..end, &mut pages, &mut instructions)?;
                start = end;
            }
        }
        Ok(instructions)
    }

    /// The instructions of a piece of code, which may end with data.
    fn piece(
        &self,
        code: &[u8],
        address: u64,
        piece: Range<usize>,
        pages: &mut Pages,
        instructions: &mut Vec<Instruction>,
    ) -> Result<()> {
        let mut at = piece.start;
        while at < piece.end {
            let start = address.wrapping_add(at as u64);
            let mut found = self.capstone.disasm_iter(&code[at..piece.end], start)?;
            while let Some(instruction) = found.next() {
                let mnemonic = instruction.mnemonic().unwrap_or_default();
                let operands = instruction.op_str().unwrap_or_default();
                let (operands, target) =
                    self.target(mnemonic, operands, instruction.address(), pages);
                let text = match operands.is_empty() {
                    true => mnemonic.to_string(),
                    false => format!("{mnemonic} {operands}"),
                };
                let is_call = self.is_call(mnemonic, &operands);
                let (offset, bytes) = (at as u32, instruction.bytes().len() as u32);
                instructions.push(Instruction { offset, bytes, text, target, is_call });
                at += bytes as usize;
                if self.may_precede_table(mnemonic, &operands) {
                    let table = self.table(code, address, at..piece.end);
                    if !table.is_empty() {
                        at += table.len() * 4;
                        instructions.extend(table);
                        break;
                    }
                }
            }
            if at < piece.end && found.code().len() == piece.end - at {
                let unknown = &code[at..piece.end];
                let bytes = &unknown[..self.length(unknown).min(unknown.len())];
                let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:#04x}")).collect();
                let text = format!(".byte {}", digits.join(", "));
                let (offset, bytes) = (at as u32, bytes.len() as u32);
                let data = Instruction { offset, bytes, text, target: None, is_call: false };
                instructions.push(data);
                at += bytes as usize;
            }
        }
        Ok(())
    }

    /// Whether a table of what it jumps to may stand behind an instruction.
    fn may_precede_table(&self, mnemonic: &str, operands: &str) -> bool {
        match self.architecture {
            Architecture::X86_64 => mnemonic == "jmp" && operands.starts_with('r'),
            Architecture::Aarch64 | Architecture::S390x => mnemonic == "br",
            _ => false,
        }
    }

    /// The table at the beginning of some code, if there is one: how far away from it each place is that is jumped to.
    fn table(&self, code: &[u8], address: u64, rest: Range<usize>) -> Vec<Instruction> {
        let start = rest.start;
        // Where it ends at the latest: at what is jumped to.
        let mut end = rest.end;
        let mut entries = Vec::new();
        let mut at = start;
        while at + 4 <= end {
            let Some(&bytes) = code.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
                break;
            };
            let distance = match self.architecture {
                Architecture::S390x => i32::from_be_bytes(bytes),
                _ => i32::from_le_bytes(bytes),
            };
            let target = i64::try_from(start).ok().map(|start| start + i64::from(distance));
            let target = target.and_then(|target| usize::try_from(target).ok());
            let Some(target) = target.filter(|&target| target < code.len() && target != start)
            else {
                break;
            };
            if target > start {
                end = end.min(target);
            }
            let goes = address.wrapping_add(target as u64);
            entries.push(Instruction {
                offset: at as u32,
                bytes: 4,
                text: format!(".table {goes:#x}"),
                target: Some(goes),
                is_call: false,
            });
            at += 4;
        }
        // Nothing that is jumped to is in the table.
        match entries.is_empty() || at > end {
            true => Vec::new(),
            false => entries,
        }
    }

    /// How long an instruction is that is not known.
    fn length(&self, code: &[u8]) -> usize {
        match (self.architecture, code[0]) {
            (Architecture::Aarch64, _) => 4,
            (Architecture::Riscv64, first) if first & 3 == 3 => 4,
            (Architecture::Riscv64, _) => 2,
            // The two highest bits say so.
            (Architecture::S390x, first) => [2, 4, 4, 6][usize::from(first >> 6)],
            _ => 1,
        }
    }

    /// The code to which an instruction goes, and its operands with the address of that.
    fn target(
        &self,
        mnemonic: &str,
        operands: &str,
        address: u64,
        pages: &mut Pages,
    ) -> (String, Option<u64>) {
        let unchanged = operands.to_string();
        let last = operands.rsplit(", ").next().unwrap_or_default();
        if self.architecture == Architecture::Riscv64 {
            if let Some(register) = pages.see(mnemonic, operands, address) {
                let target = number(last).map(|low| register.wrapping_add_signed(low));
                return (unchanged, target);
            }
            // It says how far away the code is.
            let name = mnemonic.strip_prefix("c.").unwrap_or(mnemonic);
            let goes = (name.starts_with('b') && name.len() >= 3) || matches!(name, "j" | "jal");
            let Some(distance) = number(last).filter(|_| goes) else { return (unchanged, None) };
            let target = address.wrapping_add_signed(distance);
            let front = &operands[..operands.len() - last.len()];
            return (format!("{front}{target:#x}"), Some(target));
        }
        let goes = match self.architecture {
            Architecture::X86_64 => mnemonic.starts_with('j') || mnemonic == "call",
            Architecture::Aarch64 => {
                matches!(mnemonic, "b" | "bl" | "cbz" | "cbnz" | "tbz" | "tbnz" | "adr")
                    || mnemonic.starts_with("b.")
            }
            // All others whose names begin like that compare and jump.
            _ => {
                mnemonic.starts_with('j')
                    || mnemonic.starts_with("br")
                    || mnemonic.starts_with('c') && mnemonic.contains('j')
                    || mnemonic == "larl"
            }
        };
        let target = goes.then(|| number(last).map(|target| target as u64)).flatten();
        (unchanged, target)
    }

    fn is_call(&self, mnemonic: &str, operands: &str) -> bool {
        match self.architecture {
            Architecture::X86_64 => mnemonic == "call",
            Architecture::Aarch64 => matches!(mnemonic, "bl" | "blr"),
            Architecture::Riscv64 => match mnemonic {
                "c.jalr" | "c.jal" => true,
                // Those that keep no return address, or another one, are jumps.
                "jal" => operands.starts_with("ra") || !operands.contains(','),
                "jalr" => operands.starts_with("ra") || !operands.contains(','),
                _ => false,
            },
            _ => matches!(mnemonic, "brasl" | "bras" | "basr"),
        }
    }
}

/// On RISC-V, calls over any distance are two instructions: the first has the higher bits of the address.
#[derive(Default)]
struct Pages {
    /// The register that the instruction in front put an address into.
    last: Option<(String, u64)>,
}

impl Pages {
    /// Looks at an instruction. If it jumps to what the one in front has put into a register, that address.
    fn see(&mut self, mnemonic: &str, operands: &str, address: u64) -> Option<u64> {
        let last = self.last.take();
        let mut parts = operands.split(", ");
        match (mnemonic, parts.next(), parts.next()) {
            ("auipc", Some(register), Some(page)) => {
                let page = number(page)? << 12;
                // Of the 20 bits, the highest is the sign.
                let page = i64::from(page as i32);
                self.last = Some((register.to_string(), address.wrapping_add_signed(page)));
                None
            }
            ("jalr", _, Some(register)) => {
                last.filter(|(last, _)| last == register).map(|(_, address)| address)
            }
            _ => None,
        }
    }
}

/// A number as the disassembler writes them.
fn number(text: &str) -> Option<i64> {
    let text = text.strip_prefix('#').unwrap_or(text);
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    } as i64;
    Some(if negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, target, and `call` of each instruction at address 0x1000.
    fn all(architecture: Architecture, code: &[u8]) -> Vec<(String, Option<u64>, bool)> {
        with_known(architecture, code, &[])
    }

    fn with_known(
        architecture: Architecture,
        code: &[u8],
        known: &[u32],
    ) -> Vec<(String, Option<u64>, bool)> {
        let disassembler = Disassembler::new(architecture).unwrap();
        let found = disassembler.instructions(code, 0x1000, known.iter().copied()).unwrap();
        let mut end = 0;
        for instruction in &found {
            assert_eq!(instruction.offset, end);
            end += instruction.bytes;
        }
        assert_eq!(end as usize, code.len());
        found.into_iter().map(|one| (one.text, one.target, one.is_call)).collect()
    }

    fn one(text: &str, target: Option<u64>, is_call: bool) -> (String, Option<u64>, bool) {
        (text.to_string(), target, is_call)
    }

    #[test]
    fn every_machine_says_where_it_goes() {
        let code = [0xe8, 0, 1, 0, 0, 0x74, 5, 0x0f, 0x0b, 0x06];
        let expected = [
            one("call 0x1105", Some(0x1105), true),
            one("je 0x100c", Some(0x100c), false),
            one("ud2", None, false),
            one(".byte 0x06", None, false),
        ];
        assert_eq!(all(Architecture::X86_64, &code), expected);

        let code = [0x40, 0, 0, 0x94, 0x40, 0, 0, 0x54, 0xff, 0xff, 0xff, 0xff, 1];
        let expected = [
            one("bl #0x1100", Some(0x1100), true),
            one("b.eq #0x100c", Some(0x100c), false),
            one(".byte 0xff, 0xff, 0xff, 0xff", None, false),
            one(".byte 0x01", None, false),
        ];
        assert_eq!(all(Architecture::Aarch64, &code), expected);

        let code = [
            0xef, 0, 0x00, 0x10, 0x63, 0x04, 0xb5, 0x00, 0x97, 0xf0, 0xff, 0xff, 0xe7, 0x80, 0x40,
            0x01, 0x82, 0x90,
        ];
        let expected = [
            one("jal 0x1100", Some(0x1100), true),
            one("beq a0, a1, 0x100c", Some(0x100c), false),
            one("auipc ra, 0xfffff", None, false),
            one("jalr ra, ra, 0x14", Some(0x1008 - 0x1000 + 0x14), true),
            one("c.jalr ra", None, true),
        ];
        assert_eq!(all(Architecture::Riscv64, &code), expected);

        let code = [0xc0, 0xe5, 0, 0, 0, 0x10, 0xa7, 0x84, 0, 4, 0xb9, 0x04, 0, 0x12, 0xe3, 0];
        let expected = [
            one("brasl %r14, 0x1020", Some(0x1020), true),
            one("je 0x100e", Some(0x100e), false),
            one("lgr %r1, %r2", None, false),
            one(".byte 0xe3, 0x00", None, false),
        ];
        assert_eq!(all(Architecture::S390x, &code), expected);
    }

    /// What stands behind them is not hidden.
    #[test]
    fn tables_of_jumps_are_no_code() {
        // jmp rdx; 11, -2; nothing; nop; nop; ret
        let code = [0xff, 0xe2, 8, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x90, 0x90, 0xc3];
        let expected = [
            one("jmp rdx", None, false),
            one(".table 0x100a", Some(0x100a), false),
            one(".table 0x1000", Some(0x1000), false),
            one("nop", None, false),
            one("nop", None, false),
            one("ret", None, false),
        ];
        assert_eq!(all(Architecture::X86_64, &code), expected);
        // Two bytes in front of a known place that would be the beginning of a longer instruction.
        let code = [0xff, 0xe2, 0x48, 0xb8, 0x90, 0x90, 0x90, 0xc3];
        let found = with_known(Architecture::X86_64, &code, &[0, 4, 4, 3, 900]);
        let texts: Vec<&str> = found.iter().map(|(text, ..)| text.as_str()).collect();
        assert_eq!(texts, ["jmp rdx", ".byte 0x48", ".byte 0xb8", "nop", "nop", "nop", "ret"]);
        // br x1; 8; ret
        let code = [0x20, 0, 0x1f, 0xd6, 4, 0, 0, 0, 0xc0, 3, 0x5f, 0xd6];
        let texts: Vec<String> =
            all(Architecture::Aarch64, &code).into_iter().map(|(text, ..)| text).collect();
        assert_eq!(texts, ["br x1", ".table 0x1008", "ret"]);
        // br %r1; 4; br %r14; br %r14
        let code = [7, 0xf1, 0, 0, 0, 4, 7, 0xfe, 7, 0xfe];
        let texts: Vec<String> =
            all(Architecture::S390x, &code).into_iter().map(|(text, ..)| text).collect();
        assert_eq!(texts, ["br %r1", ".table 0x1006", "br %r14", "br %r14"]);
    }

    #[test]
    fn whatever_the_code_is_it_ends() {
        let noise: Vec<u8> =
            (0..4096_u32).map(|i| (i.wrapping_mul(2654435761) >> 13) as u8).collect();
        for architecture in [
            Architecture::X86_64,
            Architecture::Aarch64,
            Architecture::Riscv64,
            Architecture::S390x,
        ] {
            all(architecture, &noise);
            all(architecture, &[]);
        }
        assert!(Disassembler::new(Architecture::Mips).is_err());
    }
}
