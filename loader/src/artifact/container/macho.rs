//! The parts of a Mach-O file that say what it is.
//!
//! In: the bytes of a file that begins like one. Out: where its descriptor is, and where in the file its segments are.
//!
//! ```text
//!   0 ┌──────────────────┐
//!     │ header           │    how many load commands there are
//!     ├──────────────────┤
//!     │ load commands    │──► segments: file offset, address, size, flags
//!     │                  │──► tree of exports
//!     ├──────────────────┤
//!     │ ...              │    a node of the tree: size, what is known of the symbol, then branches: a part of the name, and
//!     └──────────────────┘    which node it leads to
//! ```
//!
//! Always true: nothing is read outside of the bytes. The symbol table is not needed; stripped files have none.

use wootz_runtime::abi::artifact::read_leb;

use super::reader::Reader;
use super::{Container, DESCRIPTOR_SYMBOL, Segment};
use crate::artifact::ArtifactError;

const HEADER_BYTES: usize = 32;

const LC_SEGMENT_64: u32 = 0x19;
const LC_BUILD_VERSION: u32 = 0x32;
const LC_DYLD_INFO: u32 = 0x22;
const LC_DYLD_INFO_ONLY: u32 = 0x8000_0022;
const LC_DYLD_EXPORTS_TRIE: u32 = 0x8000_0033;

const PLATFORM_MACOS: u32 = 1;
const VM_PROT_WRITE: u32 = 2;
const VM_PROT_EXECUTE: u32 = 4;

/// That a segment is writable only until the system's loader is done with it.
const SG_READ_ONLY: u32 = 0x10;

/// What the number of an architecture has if its addresses have 64 bits.
const ABI_64: u32 = 0x0100_0000;
const X86_64: u32 = ABI_64 | 7;
const ARM64: u32 = ABI_64 | 12;

/// Whether a file holds several, each for a machine of its own. Java's classes begin in the same way, and go on with a number
/// that is larger than there are machines.
pub fn is_universal(bytes: &[u8]) -> bool {
    matches!(bytes, [0xca, 0xfe, 0xba, 0xbe | 0xbf, 0, 0, 0, count, ..] if *count < 43)
}

/// The parts of a complete shared library for this machine.
pub fn parse(bytes: &[u8]) -> Result<Container<'_>, ArtifactError> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => X86_64,
        "aarch64" => ARM64,
        other => panic!("macOS does not run on {other}"),
    };
    parse_for(bytes, machine)
}

/// As [`parse`], for a machine by its number.
fn parse_for(bytes: &[u8], machine: u32) -> Result<Container<'_>, ArtifactError> {
    if is_universal(bytes) {
        let found = "a universal file, of which `lipo -thin` takes out the part for one machine";
        return Err(ArtifactError::NotALibrary { found });
    }
    let header = check_header(bytes, machine)?;
    let end = HEADER_BYTES + header.command_bytes;
    let commands = bytes.get(..end).ok_or(truncated(bytes, "load commands", end as u64))?;
    let commands = Reader::little_endian(commands);
    let mut parts = Parts { segments: Vec::new(), base: None, exports: None };
    let mut at = HEADER_BYTES;
    for _ in 0..header.commands {
        let size = commands.u32(at + 4).ok_or(CORRUPTED)? as usize;
        let next = at.checked_add(size).filter(|&next| size >= 8 && next <= end);
        let next = next.ok_or(CORRUPTED)?;
        parts.add(bytes, &Reader::little_endian(&bytes[at..next]))?;
        at = next;
    }

    let mut container = Container::new(bytes);
    // Addresses are counted from where the header will be.
    let base = parts.base.ok_or(CORRUPTED)?;
    container.segments = parts.segments;
    for segment in &mut container.segments {
        segment.address = segment.address.wrapping_sub(base);
    }
    let exports = parts.exports.unwrap_or_default();
    let name = [b"_", DESCRIPTOR_SYMBOL.to_bytes()].concat();
    container.descriptor = exported(exports, &name).ok_or(ArtifactError::NoDescriptor)?;
    Ok(container)
}

const CORRUPTED: ArtifactError = ArtifactError::Corrupted { part: "load commands" };

fn truncated(bytes: &[u8], part: &'static str, expected_bytes: u64) -> ArtifactError {
    ArtifactError::Truncated { part, expected_bytes, found_bytes: bytes.len() as u64 }
}

/// What the header says of load commands.
struct Header {
    commands: u32,
    command_bytes: usize,
}

/// Checks that this is a shared library for a machine.
fn check_header(bytes: &[u8], machine: u32) -> Result<Header, ArtifactError> {
    let file = Reader::little_endian(bytes);
    let field = |at| file.u32(at).ok_or(truncated(bytes, "file header", HEADER_BYTES as u64));
    let magic = field(0)?;
    let found = match magic {
        0xcffa_edfe | 0xcefa_edfe => field(4)?.swap_bytes(),
        _ => field(4)?,
    };
    if magic != 0xfeed_facf || found != machine {
        let (found, expected) = (machine_name(found), machine_name(machine));
        return Err(ArtifactError::OtherTarget { what: "architecture", found, expected });
    }
    field(HEADER_BYTES - 4)?;
    match field(12)? {
        6 => {}
        1 => return Err(ArtifactError::RelocatableObject),
        2 => return Err(ArtifactError::NotALibrary { found: "a program" }),
        4 => return Err(ArtifactError::NotALibrary { found: "a core file" }),
        8 => return Err(ArtifactError::NotALibrary { found: "a bundle" }),
        9 => return Err(ArtifactError::NotALibrary { found: "a stub of a library" }),
        10 => return Err(ArtifactError::NotALibrary { found: "a file for debuggers" }),
        _ => return Err(ArtifactError::NotALibrary { found: "a Mach-O file of unknown type" }),
    }
    Ok(Header { commands: field(16)?, command_bytes: field(20)? as usize })
}

/// The architectures that Mach-O files are for, by their numbers.
fn machine_name(machine: u32) -> String {
    match machine {
        7 => "x86 (32 bits)".to_string(),
        X86_64 => "x86_64".to_string(),
        12 => "arm (32 bits)".to_string(),
        ARM64 => "aarch64".to_string(),
        18 => "powerpc (32 bits)".to_string(),
        0x0100_0012 => "powerpc64".to_string(),
        other => format!("machine type {other:#x}"),
    }
}

/// What load commands tell.
struct Parts<'a> {
    segments: Vec<Segment>,
    /// The address of the header.
    base: Option<u64>,
    exports: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// Notes what a load command says.
    fn add(&mut self, bytes: &'a [u8], command: &Reader<'_>) -> Result<(), ArtifactError> {
        let field = |at| command.u32(at).ok_or(CORRUPTED);
        let long = |at| command.u64(at).ok_or(CORRUPTED);
        match field(0)? {
            LC_SEGMENT_64 => {
                let segment = Segment {
                    address: long(24)?,
                    file_offset: long(40)?,
                    file_bytes: long(48)?,
                    memory_bytes: long(32)?,
                    executable: field(60)? & VM_PROT_EXECUTE != 0,
                    writable: field(60)? & VM_PROT_WRITE != 0 && field(68)? & SG_READ_ONLY == 0,
                };
                part_of(bytes, "segments", segment.file_offset, segment.file_bytes)?;
                if segment.file_bytes > segment.memory_bytes {
                    return Err(CORRUPTED);
                }
                if segment.file_offset == 0 && segment.file_bytes > 0 {
                    self.base = Some(segment.address);
                }
                self.segments.push(segment);
            }
            LC_BUILD_VERSION if field(8)? != PLATFORM_MACOS => {
                let (found, expected) = (platform_name(field(8)?), "macOS".to_string());
                return Err(ArtifactError::OtherTarget {
                    what: "operating system",
                    found,
                    expected,
                });
            }
            LC_DYLD_INFO | LC_DYLD_INFO_ONLY => {
                self.exports =
                    Some(part_of(bytes, "exports", field(40)?.into(), field(44)?.into())?);
            }
            LC_DYLD_EXPORTS_TRIE => {
                self.exports =
                    Some(part_of(bytes, "exports", field(8)?.into(), field(12)?.into())?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// A part of the file that a load command names.
fn part_of<'a>(
    bytes: &'a [u8],
    part: &'static str,
    start: u64,
    size: u64,
) -> Result<&'a [u8], ArtifactError> {
    let end = start.checked_add(size).ok_or(CORRUPTED)?;
    if end > bytes.len() as u64 {
        return Err(truncated(bytes, part, end));
    }
    Ok(&bytes[start as usize..end as usize])
}

/// Apple's systems, by their numbers.
fn platform_name(platform: u32) -> String {
    let name = match platform {
        2 => "iOS",
        3 => "tvOS",
        4 => "watchOS",
        6 => "Mac Catalyst",
        7 => "the iOS simulator",
        11 => "visionOS",
        other => return format!("platform {other}"),
    };
    name.to_string()
}

/// The address of an exported symbol: found by following the branches whose names make up its name.
fn exported(tree: &[u8], name: &[u8]) -> Option<u64> {
    let mut rest = name;
    let mut node = tree;
    while !rest.is_empty() {
        let size = read_leb(&mut node)?;
        node = node.get(usize::try_from(size).ok()?..)?;
        let (&branches, mut branch) = node.split_first()?;
        node = (0..branches).find_map(|_| {
            let end = branch.iter().position(|&byte| byte == 0)?;
            let label = &branch[..end];
            branch = &branch[end + 1..];
            let child = read_leb(&mut branch)?;
            // A branch without name would lead nowhere, for ever.
            let after = rest.strip_prefix(label).filter(|_| !label.is_empty())?;
            rest = after;
            tree.get(usize::try_from(child).ok()?..)
        })?;
    }
    let size = read_leb(&mut node)?;
    let mut symbol = node.get(..usize::try_from(size).ok()?)?;
    // What is defined elsewhere, or in a way of its own, is none of ours.
    let flags = read_leb(&mut symbol)?;
    (flags == 0).then(|| read_leb(&mut symbol))?
}

// Tables in the byte order of these machines can be read by others of the same order.
#[cfg(all(test, feature = "compiler", target_endian = "little"))]
mod tests {
    use wootz_compiler::{Emit, Options};
    use wootz_runtime::abi::artifact::{MAGIC, Tables};

    use super::*;

    const TARGETS: [(&str, u32); 2] = [("x86_64-macos", X86_64), ("aarch64-macos", ARM64)];

    fn compile(target: &str, emit: Emit) -> Vec<u8> {
        let text = r#"(module $m (memory (export "memory") 1) (data (i32.const 5) "data")
            (func (export "answer") (result i32) i32.const 42))"#;
        let options = Options { target: Some(target.to_string()), emit, ..Options::default() };
        wootz_compiler::compile(&wat::parse_str(text).unwrap(), &options).unwrap()
    }

    fn error(bytes: &[u8], machine: u32) -> ArtifactError {
        parse_for(bytes, machine).err().expect("it is refused")
    }

    #[test]
    fn a_library_leads_to_all_of_its_parts() {
        for (target, machine) in TARGETS {
            let bytes = compile(target, Emit::SharedLibrary);
            let container = parse_for(&bytes, machine).unwrap();
            let rest = container.bytes_from(container.descriptor).unwrap();
            assert!(rest.starts_with(&MAGIC), "{target}");
            let tables = Tables::new(rest).unwrap();
            let (_, manifest) = tables.decode().unwrap();
            assert_eq!(manifest.name.as_deref(), Some("m"));
            let descriptor = tables.descriptor();
            let place = |offset: i32| container.descriptor.wrapping_add_signed(offset.into());
            let (text, image) = (descriptor.text, descriptor.image);
            assert!(text.bytes > 0 && image.bytes > 0);
            assert!(container.executable_offset(place(text.offset), text.bytes.into()).is_some());
            let at = container.file_offset(place(image.offset), image.bytes.into()).unwrap();
            assert_eq!(&bytes[at as usize + 5..][..4], b"data");
            assert!(container.executable_offset(place(image.offset), image.bytes.into()).is_none());
        }
    }

    #[test]
    fn addresses_are_counted_from_the_header() {
        let mut bytes = compile("aarch64-macos", Emit::SharedLibrary);
        let before = parse_for(&bytes, ARM64).unwrap();
        let offset = before.file_offset(before.descriptor, 8).unwrap();
        // As if each segment was meant to be loaded somewhere else.
        let mut at = HEADER_BYTES;
        for _ in 0..bytes[16] {
            let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            let (command, size) = (number(at), number(at + 4) as usize);
            if command == LC_SEGMENT_64 {
                bytes[at + 28] ^= 1;
            }
            at += size;
        }
        let after = parse_for(&bytes, ARM64).unwrap();
        assert_eq!(after.file_offset(after.descriptor, 8), Some(offset));
    }

    #[test]
    fn what_is_no_library_for_this_machine_is_named() {
        let bytes = compile("aarch64-macos", Emit::SharedLibrary);
        let is_other = |error: ArtifactError, what: &str, name: &str| {
            matches!(&error, ArtifactError::OtherTarget { what: which, found, .. }
                if *which == what && found == name)
        };
        assert!(is_other(error(&bytes, X86_64), "architecture", "aarch64"));
        let object = compile("aarch64-macos", Emit::Object);
        assert!(matches!(error(&object, ARM64), ArtifactError::RelocatableObject));
        for (number, name) in
            [(2, "a program"), (4, "a core file"), (8, "a bundle"), (10, "a file for debuggers")]
        {
            let mut bytes = bytes.clone();
            bytes[12] = number;
            let error = error(&bytes, ARM64);
            assert!(matches!(error, ArtifactError::NotALibrary { found } if found == name));
        }
        for (beginning, name) in [
            // 32 bits, and another byte order.
            ([0xce, 0xfa, 0xed, 0xfe, 12, 0, 0, 0], "arm (32 bits)"),
            ([0xfe, 0xed, 0xfa, 0xcf, 1, 0, 0, 18], "powerpc64"),
        ] {
            let mut bytes = bytes.clone();
            bytes[..8].copy_from_slice(&beginning);
            assert!(is_other(error(&bytes, ARM64), "architecture", name));
        }
        let version = [0x32, 0, 0, 0, 24, 0, 0, 0, 1];
        let at = bytes.windows(9).position(|window| window == version).unwrap();
        let mut phone = bytes.clone();
        phone[at + 8] = 2;
        assert!(is_other(error(&phone, ARM64), "operating system", "iOS"));

        let mut universal = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2];
        universal.extend(&bytes);
        let message = error(&universal, ARM64).to_string();
        assert!(message.contains("a universal file") && message.contains("lipo"), "{message}");
        assert!(!is_universal(b"\xca\xfe\xba\xbe\0\0\0\x34"), "a class of Java's");
    }

    #[test]
    fn other_libraries_have_no_descriptor() {
        let bytes = compile("x86_64-macos", Emit::SharedLibrary);
        let name = b"_wootz_module";
        let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
        for place in [0, 5, 12] {
            let mut bytes = bytes.clone();
            bytes[at + place] ^= 1;
            assert!(matches!(error(&bytes, X86_64), ArtifactError::NoDescriptor));
        }
    }

    #[test]
    fn trees_of_exports_are_followed() {
        let tree = [
            // The root, at 0; what begins with "_", at 5; "_a", at 17.
            &[0, 1, b'_', 0, 5][..],
            &[0, 2, b'a', 0, 17, b'w', b'o', b'o', b't', b'z', 0, 21],
            &[2, 0, 1, 0],
            // "_wootz", at 21, and "_wootz_module", at 34, whose address is 300.
            &[2, 0, 2, 1],
            b"_module\0\x22",
            &[3, 0, 0xac, 2, 0],
        ]
        .concat();
        assert_eq!(exported(&tree, b"_a"), Some(1));
        assert_eq!(exported(&tree, b"_wootz"), Some(2));
        assert_eq!(exported(&tree, b"_wootz_module"), Some(300));
        for name in [&b"_"[..], b"_b", b"_woot", b"_wootz_", b"_wootz_module2", b"a"] {
            assert_eq!(exported(&tree, name), None, "{name:?}");
        }
        // What leads to itself, or outside.
        assert_eq!(exported(&[0, 1, 0, 0], b"_a"), None);
        assert_eq!(exported(&[0, 1, b'_', 0, 0], b"__"), None);
        assert_eq!(exported(&[0, 1, b'_', 0, 0x7f], b"_"), None);
        assert_eq!(exported(&[], b"_"), None);
    }

    #[test]
    fn no_flipped_byte_and_no_truncation_panics() {
        for (target, machine) in TARGETS {
            let bytes = compile(target, Emit::SharedLibrary);
            let look = |bytes: &[u8]| {
                let container = parse_for(bytes, machine)?;
                let rest = container.bytes_from(container.descriptor);
                let tables = Tables::new(rest.unwrap_or_default());
                tables
                    .map_err(ArtifactError::from_metadata)?
                    .decode()
                    .map(drop)
                    .map_err(ArtifactError::from_metadata)
            };
            look(&bytes).unwrap();
            let name = b"_wootz_module";
            let exports = bytes.windows(name.len()).position(|window| window == name).unwrap();
            let commands = HEADER_BYTES + bytes[20] as usize + 256 * bytes[21] as usize;
            for at in (0..commands).chain(exports - 2..exports + 24) {
                for flip in [0x01, 0x04, 0x20, 0x80, 0xff] {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= flip;
                    let _ = look(&bytes);
                }
            }
            for end in (0..commands).chain((commands..bytes.len()).step_by(61)) {
                let error = look(&bytes[..end]).expect_err("something is missing");
                let is_named = matches!(error, ArtifactError::Truncated { .. });
                assert!(is_named, "{target}: {end} of {}: {error}", bytes.len());
            }
        }
    }
}
