//! The native file that an artifact is.
//!
//! In: the bytes of a file, which may be anything. Out: whether it is a shared library for this machine and system, where
//! its descriptor is, and where in the file its segments are.
//!
//! Always true: nothing is read outside of the bytes.

use std::ffi::CStr;
use std::ops::Range;

use super::ArtifactError;

/// Numbers at places in a file.
mod reader;
/// The parts of an ELF file that say what it is.
mod elf;
/// The parts of a PE file that say what it is.
mod pe;
/// The parts of a Mach-O file that say what it is.
mod macho;

/// The symbol that every artifact has.
pub const DESCRIPTOR_SYMBOL: &CStr = c"wootz_module";

/// A shared library for this machine.
pub struct Container<'a> {
    bytes: &'a [u8],
    segments: Vec<Segment>,
    /// Addresses that are read only once the library is loaded, whatever their segment says.
    protected: Vec<Range<u64>>,
    /// The address of its descriptor.
    pub descriptor: u64,
}

/// A part of the file that is mapped. Addresses are relative to wherever the library is loaded.
#[derive(Clone, Copy)]
struct Segment {
    file_offset: u64,
    address: u64,
    file_bytes: u64,
    /// How many bytes it has in memory. What the file does not have of them is zeros.
    memory_bytes: u64,
    executable: bool,
    writable: bool,
}

impl Segment {
    /// Where it is in memory.
    fn addresses(&self) -> Range<u64> {
        self.address..self.address.saturating_add(self.memory_bytes)
    }
}

/// A format of native files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Elf,
    Pe,
    MachO,
}

impl Format {
    /// That of this system.
    const HOST: Format = if cfg!(windows) {
        Format::Pe
    } else if cfg!(target_vendor = "apple") {
        Format::MachO
    } else {
        Format::Elf
    };

    /// The format that a file begins like.
    fn of(bytes: &[u8]) -> Option<Format> {
        match bytes {
            [0x7f, b'E', b'L', b'F', ..] => Some(Format::Elf),
            // Objects have nothing else in front than the machine that they are for.
            [b'M', b'Z', ..] | [0x64, 0x86 | 0xaa, ..] => Some(Format::Pe),
            // 64 and 32 bits, in both byte orders.
            [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf | 0xce, ..] => {
                Some(Format::MachO)
            }
            _ if macho::is_universal(bytes) => Some(Format::MachO),
            _ => None,
        }
    }

    /// The system whose files have it.
    fn system(self) -> &'static str {
        match self {
            Format::Elf => "Linux",
            Format::Pe => "Windows",
            Format::MachO => "macOS",
        }
    }
}

/// What bytes that are no native file seem to be.
fn describe(bytes: &[u8]) -> String {
    match bytes {
        [] => "an empty file".to_string(),
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "a static library".to_string(),
        [first, ..]
            if bytes.iter().take(64).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) =>
        {
            format!("text that begins with `{}`", char::from(*first))
        }
        _ => format!("bytes that begin with {:02x?}", &bytes[..bytes.len().min(4)]),
    }
}

impl<'a> Container<'a> {
    /// Checks that this is a complete shared library for this machine.
    pub fn parse(bytes: &'a [u8]) -> Result<Container<'a>, ArtifactError> {
        let trimmed = bytes.trim_ascii_start();
        if bytes.starts_with(b"\0asm")
            || trimmed.starts_with(b"(module")
            || trimmed.starts_with(b";;")
        {
            return Err(ArtifactError::Wasm);
        }
        let format = Format::of(bytes)
            .ok_or_else(|| ArtifactError::NotANativeFile { found: describe(bytes) })?;
        if format != Format::HOST {
            let (found, expected) = (format.system().into(), Format::HOST.system().into());
            return Err(ArtifactError::OtherTarget { what: "operating system", found, expected });
        }
        match format {
            Format::Elf => elf::parse(bytes),
            Format::Pe => pe::parse(bytes),
            Format::MachO => macho::parse(bytes),
        }
    }

    /// One without segments yet, and with no descriptor.
    fn new(bytes: &'a [u8]) -> Container<'a> {
        Container { bytes, segments: Vec::new(), protected: Vec::new(), descriptor: 0 }
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
        let segment = self.segment(address, bytes).filter(|segment| segment.executable)?;
        Some(segment.file_offset + (address - segment.address))
    }

    /// Whether a range of addresses can be written, and never executed, once the library is loaded.
    pub fn is_writable(&self, address: u64, bytes: u64) -> bool {
        let Some(end) = address.checked_add(bytes) else { return false };
        let overlaps = |range: &Range<u64>| range.start < end && address < range.end;
        let contains = |range: &Range<u64>| range.start <= address && end <= range.end;
        let plain = |segment: &Segment| segment.writable && !segment.executable;
        // Segments that lie over each other would contradict each other.
        self.segments.iter().any(|segment| plain(segment) && contains(&segment.addresses()))
            && self.segments.iter().all(|segment| plain(segment) || !overlaps(&segment.addresses()))
            && !self.protected.iter().any(overlaps)
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
