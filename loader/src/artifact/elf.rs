//! The parts of an ELF file that say what it is.
//!
//! In: the bytes of a file, which may be anything. Out: whether it is a shared library for this machine, where its
//! descriptor is, and where in the file its segments are.
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

use std::ffi::CStr;

use super::error::ArtifactError;

/// The symbol that every artifact has.
pub const DESCRIPTOR_SYMBOL: &CStr = c"wootz_module";

const HEADER_BYTES: u64 = 64;
const PROGRAM_HEADER_BYTES: u64 = 56;
const SYMBOL_BYTES: u64 = 24;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PF_X: u32 = 1;

const DT_NULL: u64 = 0;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_STRSZ: u64 = 10;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_FLAGS_1: u64 = 0x6fff_fffb;
const DF_1_PIE: u64 = 0x0800_0000;

/// A shared library for this machine.
pub struct Elf<'a> {
    bytes: &'a [u8],
    segments: Vec<Segment>,
    dynamic: Option<Segment>,
}

/// A program header.
#[derive(Clone, Copy)]
struct Segment {
    kind: u32,
    flags: u32,
    file_offset: u64,
    address: u64,
    file_bytes: u64,
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

/// What bytes that are not ELF seem to be.
fn describe(bytes: &[u8]) -> String {
    match bytes {
        [] => "an empty file".to_string(),
        [b'M', b'Z', ..] => "a Windows (PE) file".to_string(),
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf, ..] => {
            "a macOS (Mach-O) file".to_string()
        }
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "a static library".to_string(),
        [first, ..]
            if bytes.iter().take(64).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) =>
        {
            format!("text that begins with `{}`", char::from(*first))
        }
        _ => format!("bytes that begin with {:02x?}", &bytes[..bytes.len().min(4)]),
    }
}

impl<'a> Elf<'a> {
    /// Checks that this is a complete shared library for this machine.
    pub fn parse(bytes: &'a [u8]) -> Result<Elf<'a>, ArtifactError> {
        let trimmed = bytes.trim_ascii_start();
        if bytes.starts_with(b"\0asm")
            || trimmed.starts_with(b"(module")
            || trimmed.starts_with(b";;")
        {
            return Err(ArtifactError::Wasm);
        }
        if !bytes.starts_with(b"\x7fELF") {
            return Err(ArtifactError::NotAnElfFile { found: describe(bytes) });
        }
        let truncated = |part, expected_bytes: u64| ArtifactError::Truncated {
            part,
            expected_bytes,
            found_bytes: bytes.len() as u64,
        };
        let header =
            bytes.get(..HEADER_BYTES as usize).ok_or(truncated("file header", HEADER_BYTES))?;
        check_target(header)?;
        let header = Reader { bytes: header };
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
        let file = Reader { bytes };
        let mut elf = Elf { bytes, segments: Vec::new(), dynamic: None };
        for position in 0..program_count {
            let segment = segment(&file, programs + position * PROGRAM_HEADER_BYTES).ok_or(
                truncated("program header table", programs + program_count * PROGRAM_HEADER_BYTES),
            )?;
            if segment.kind != PT_LOAD && segment.kind != PT_DYNAMIC {
                continue;
            }
            let end = segment.file_offset.checked_add(segment.file_bytes);
            let end = end.ok_or(ArtifactError::Corrupted { part: "program header table" })?;
            if end > bytes.len() as u64 {
                return Err(truncated("segments", end));
            }
            match segment.kind {
                PT_LOAD => elf.segments.push(segment),
                _ => elf.dynamic = Some(segment),
            }
        }
        Ok(elf)
    }

    /// The address of the descriptor.
    pub fn descriptor_address(&self) -> Result<u64, ArtifactError> {
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
            let bytes = self.bytes.get(dynamic.file_offset as usize..)?;
            bytes.get(..dynamic.file_bytes as usize)
        });
        let entries = Reader { bytes: bytes.unwrap_or_default() };
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
        let strings = self.bytes_from(strings?)?.get(..strings_bytes? as usize)?;
        let symbols = Reader { bytes: self.bytes_from(symbols?)? };
        let count = match (hash, gnu_hash) {
            (Some(hash), _) => u64::from(Reader { bytes: self.bytes_from(hash)? }.u32(4)?),
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
        let table = Reader { bytes: self.bytes_from(address)? };
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

    /// Where in the file a range of addresses is, if it is there in one piece.
    pub fn file_offset(&self, address: u64, bytes: u64) -> Option<u64> {
        self.segment(address, bytes)
            .map(|segment| segment.file_offset + (address - segment.address))
    }

    /// As [`file_offset`](Self::file_offset), if the range may be executed.
    pub fn executable_offset(&self, address: u64, bytes: u64) -> Option<u64> {
        if bytes == 0 {
            return Some(0);
        }
        let segment = self.segment(address, bytes).filter(|segment| segment.flags & PF_X != 0)?;
        Some(segment.file_offset + (address - segment.address))
    }

    /// The bytes from an address to the end of its segment.
    pub fn bytes_from(&self, address: u64) -> Option<&'a [u8]> {
        let segment = self.segment(address, 1)?;
        let bytes =
            self.bytes.get(segment.file_offset as usize..)?.get(..segment.file_bytes as usize)?;
        bytes.get((address - segment.address) as usize..)
    }

    fn segment(&self, address: u64, bytes: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| {
            let before = address.checked_sub(segment.address);
            before
                .and_then(|before| before.checked_add(bytes))
                .is_some_and(|end| end <= segment.file_bytes)
        })
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

fn segment(file: &Reader<'_>, at: u64) -> Option<Segment> {
    let at = usize::try_from(at).ok()?;
    Some(Segment {
        kind: file.u32(at)?,
        flags: file.u32(at + 4)?,
        file_offset: file.u64(at + 8)?,
        address: file.u64(at + 16)?,
        file_bytes: file.u64(at + 32)?,
    })
}

/// Numbers in the byte order of this machine.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
    }
}
