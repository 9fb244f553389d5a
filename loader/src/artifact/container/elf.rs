//! The parts of an ELF file that say what it is.
//!
//! In: the bytes of a file that begins like one. Out: where its descriptor is, and where in the file its segments are.
//!
//! ```text
//!   0 ┌──────────────────┐
//!     │ file header      │──► program headers, section headers
//!     ├──────────────────┤
//!     │ program headers  │──► segments: file offset, address, size, flags
//!     ├──────────────────┤
//!     │ ...              │    the segment DYNAMIC ──► addresses of hash table, symbols, strings
//!     └──────────────────┘
//! ```
//!
//! Always true: nothing is read outside of the bytes. Section headers are not needed; stripped files have none.

use super::reader::Reader;
use super::{Container, DESCRIPTOR_SYMBOL, Segment};
use crate::artifact::ArtifactError;

const HEADER_BYTES: u64 = 64;
const PROGRAM_HEADER_BYTES: u64 = 56;
const SYMBOL_BYTES: u64 = 24;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const PF_X: u32 = 1;
const PF_W: u32 = 2;

const DT_NULL: u64 = 0;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_STRSZ: u64 = 10;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_FLAGS_1: u64 = 0x6fff_fffb;
const DF_1_PIE: u64 = 0x0800_0000;

/// A shared library for this machine, and what is known of its symbols.
struct Elf<'a> {
    container: Container<'a>,
    dynamic: Option<Segment>,
}

/// The machine types that artifacts may be for, by their ELF numbers.
fn machine_name(machine: u16) -> String {
    match machine {
        3 => "x86 (32 bits)".to_string(),
        22 => "s390x".to_string(),
        40 => "arm (32 bits)".to_string(),
        62 => "x86_64".to_string(),
        183 => "aarch64".to_string(),
        243 => "riscv64".to_string(),
        other => format!("machine type {other}"),
    }
}

fn host_machine() -> u16 {
    match std::env::consts::ARCH {
        "x86_64" => 62,
        "aarch64" => 183,
        "riscv64" => 243,
        "s390x" => 22,
        other => panic!("no artifact can be for {other}"),
    }
}

/// The parts of a complete shared library for this machine.
pub fn parse(bytes: &[u8]) -> Result<Container<'_>, ArtifactError> {
    let elf = Elf::parse(bytes)?;
    let descriptor = elf.descriptor_address()?;
    Ok(Container { descriptor, ..elf.container })
}

impl<'a> Elf<'a> {
    /// Checks that this is a complete shared library for this machine.
    fn parse(bytes: &'a [u8]) -> Result<Elf<'a>, ArtifactError> {
        let truncated = |part, expected_bytes: u64| ArtifactError::Truncated {
            part,
            expected_bytes,
            found_bytes: bytes.len() as u64,
        };
        let header =
            bytes.get(..HEADER_BYTES as usize).ok_or(truncated("file header", HEADER_BYTES))?;
        check_target(header)?;
        let header = Reader::native(header);
        match header.u16(16) {
            Some(3) => {}
            Some(1) => return Err(ArtifactError::RelocatableObject),
            Some(2) => return Err(ArtifactError::NotALibrary { found: "a program" }),
            Some(4) => return Err(ArtifactError::NotALibrary { found: "a core file" }),
            _ => return Err(ArtifactError::NotALibrary { found: "an ELF file of unknown type" }),
        }
        let corrupted = ArtifactError::Corrupted { part: "ELF header" };
        let field =
            |value: Option<u64>| value.ok_or(ArtifactError::Corrupted { part: "ELF header" });
        let (programs, sections) = (field(header.u64(32))?, field(header.u64(40))?);
        let entry = |at: usize| field(header.u16(at).map(u64::from));
        let (program_bytes, program_count) = (entry(54)?, entry(56)?);
        let (section_bytes, section_count) = (entry(58)?, entry(60)?);
        for (part, start, size) in [
            ("program header table", programs, program_bytes * program_count),
            ("section header table", sections, section_bytes * section_count),
        ] {
            let end =
                start.checked_add(size).ok_or(ArtifactError::Corrupted { part: "ELF header" })?;
            if end > bytes.len() as u64 {
                return Err(truncated(part, end));
            }
        }
        if program_bytes != PROGRAM_HEADER_BYTES {
            return Err(corrupted);
        }
        let file = Reader::native(bytes);
        let mut elf = Elf { container: Container::new(bytes), dynamic: None };
        for position in 0..program_count {
            let (kind, segment) = segment(&file, programs + position * PROGRAM_HEADER_BYTES)
                .ok_or(truncated(
                    "program header table",
                    programs + program_count * PROGRAM_HEADER_BYTES,
                ))?;
            if kind == PT_GNU_RELRO {
                let end = segment.address.saturating_add(segment.memory_bytes);
                elf.container.protected.push(segment.address..end);
            }
            if kind != PT_LOAD && kind != PT_DYNAMIC {
                continue;
            }
            let end = segment.file_offset.checked_add(segment.file_bytes);
            let end = end.ok_or(ArtifactError::Corrupted { part: "program header table" })?;
            if end > bytes.len() as u64 {
                return Err(truncated("segments", end));
            }
            match kind {
                PT_LOAD => elf.container.segments.push(segment),
                _ => elf.dynamic = Some(segment),
            }
        }
        Ok(elf)
    }

    /// The address of the descriptor.
    fn descriptor_address(&self) -> Result<u64, ArtifactError> {
        self.symbol(DESCRIPTOR_SYMBOL.to_bytes()).ok_or(match self.is_program() {
            true => ArtifactError::NotALibrary { found: "a program" },
            false => ArtifactError::NoDescriptor,
        })
    }

    /// Whether it says of itself that it is a program, which otherwise looks like a library these days.
    fn is_program(&self) -> bool {
        self.dynamic_entries().any(|(tag, value)| tag == DT_FLAGS_1 && value & DF_1_PIE != 0)
    }

    /// The tags and values of the segment DYNAMIC.
    fn dynamic_entries(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let bytes = self.dynamic.and_then(|dynamic| {
            let bytes = self.container.bytes.get(dynamic.file_offset as usize..)?;
            bytes.get(..dynamic.file_bytes as usize)
        });
        let entries = Reader::native(bytes.unwrap_or_default());
        let entry = move |position: usize| {
            Some((entries.u64(position * 16)?, entries.u64(position * 16 + 8)?))
        };
        (0..).map_while(entry).take_while(|&(tag, _)| tag != DT_NULL)
    }

    /// The address of an exported symbol.
    fn symbol(&self, name: &[u8]) -> Option<u64> {
        let (mut hash, mut gnu_hash, mut strings, mut strings_bytes, mut symbols) =
            (None, None, None, None, None);
        for (tag, value) in self.dynamic_entries() {
            match tag {
                DT_HASH => hash = Some(value),
                DT_GNU_HASH => gnu_hash = Some(value),
                DT_STRTAB => strings = Some(value),
                DT_STRSZ => strings_bytes = Some(value),
                DT_SYMTAB => symbols = Some(value),
                _ => {}
            }
        }
        let strings = self.container.bytes_from(strings?)?.get(..strings_bytes? as usize)?;
        let symbols = Reader::native(self.container.bytes_from(symbols?)?);
        let count = match (hash, gnu_hash) {
            (Some(hash), _) => u64::from(Reader::native(self.container.bytes_from(hash)?).u32(4)?),
            (None, gnu_hash) => self.gnu_hash_symbols(gnu_hash?)?,
        };
        (0..count).find_map(|position| {
            let at = usize::try_from(position.checked_mul(SYMBOL_BYTES)?).ok()?;
            let text = strings.get(symbols.u32(at)? as usize..)?;
            let is_it = text.strip_prefix(name).is_some_and(|rest| rest.first() == Some(&0));
            let is_defined = symbols.u16(at + 6)? != 0;
            (is_it && is_defined).then(|| symbols.u64(at + 8))?
        })
    }

    /// How many symbols a GNU hash table covers: one more than the last in the chain of the last bucket.
    fn gnu_hash_symbols(&self, address: u64) -> Option<u64> {
        let table = Reader::native(self.container.bytes_from(address)?);
        let (buckets, first, words) =
            (table.u32(0)? as usize, table.u32(4)?, table.u32(8)? as usize);
        let buckets_at = words.checked_mul(8)?.checked_add(16)?;
        let chains_at = buckets.checked_mul(4)?.checked_add(buckets_at)?;
        let mut last = first.checked_sub(1);
        for bucket in 0..buckets {
            last = last.max(Some(table.u32(buckets_at + bucket * 4)?));
        }
        let mut last = last.filter(|&last| last >= first)?;
        while table.u32(chains_at.checked_add((last - first) as usize * 4)?)? & 1 == 0 {
            last = last.checked_add(1)?;
        }
        Some(u64::from(last) + 1)
    }
}

/// Checks what the file is for.
fn check_target(header: &[u8]) -> Result<(), ArtifactError> {
    let other = |what, found: String, expected: String| {
        Err(ArtifactError::OtherTarget { what, found, expected })
    };
    let native_order = if cfg!(target_endian = "big") { 2 } else { 1 };
    let (class, order, system) = (header[4], header[5], header[7]);
    let machine = match order {
        2 => u16::from_be_bytes([header[18], header[19]]),
        _ => u16::from_le_bytes([header[18], header[19]]),
    };
    if class != 2 {
        return other("architecture", machine_name(machine), machine_name(host_machine()));
    }
    if machine != host_machine() || order != native_order {
        return other("architecture", machine_name(machine), machine_name(host_machine()));
    }
    // 0 is "no extensions", which is what nearly all files for Linux say.
    if system != 0 && system != 3 {
        let name = match system {
            6 => "Solaris".to_string(),
            9 => "FreeBSD".to_string(),
            12 => "OpenBSD".to_string(),
            other => format!("system type {other}"),
        };
        return other("operating system", name, "Linux".to_string());
    }
    Ok(())
}

/// A program header: its type, and what it describes.
fn segment(file: &Reader<'_>, at: u64) -> Option<(u32, Segment)> {
    let at = usize::try_from(at).ok()?;
    let segment = Segment {
        executable: file.u32(at + 4)? & PF_X != 0,
        writable: file.u32(at + 4)? & PF_W != 0,
        file_offset: file.u64(at + 8)?,
        address: file.u64(at + 16)?,
        file_bytes: file.u64(at + 32)?,
        memory_bytes: file.u64(at + 40)?,
    };
    Some((file.u32(at)?, segment))
}
