//! The parts of a PE file that say what it is.
//!
//! In: the bytes of a file that begins like one, or like an object of the same system. Out: where its descriptor is, and where
//! in the file its sections are.
//!
//! ```text
//!   0 ┌──────────────────┐
//!     │ DOS header       │──► PE headers
//!     ├──────────────────┤
//!     │ PE headers       │──► directory of exports ──► names, and addresses that they stand for
//!     ├──────────────────┤
//!     │ section table    │──► sections: file offset, address, size, flags
//!     └──────────────────┘
//! ```
//!
//! Always true: nothing is read outside of the bytes. Symbols are not needed; stripped files have none. Addresses count from
//! where the library begins in memory.

use super::reader::Reader;
use super::{Container, DESCRIPTOR_SYMBOL, Segment};
use crate::artifact::ArtifactError;

/// Where the file says where its PE headers begin.
const HEADERS: usize = 0x3c;

const FILE_HEADER_BYTES: usize = 24;
const SECTION_HEADER_BYTES: usize = 40;
const SYMBOL_BYTES: u64 = 18;

/// Offsets in the PE headers: in the file header, and in the optional header behind it.
const MACHINE: usize = 4;
const SECTION_COUNT: usize = 6;
const SYMBOL_TABLE: usize = 12;
const SYMBOL_COUNT: usize = 16;
const OPTIONAL_HEADER_BYTES: usize = 20;
const CHARACTERISTICS: usize = 22;
const MAGIC: usize = FILE_HEADER_BYTES;
const DIRECTORY_COUNT: usize = FILE_HEADER_BYTES + 108;
const EXPORT_DIRECTORY: usize = FILE_HEADER_BYTES + 112;

/// An optional header with at least one directory, that of exports.
const LEAST_OPTIONAL_HEADER_BYTES: usize = 120;

const EXECUTABLE_IMAGE: u16 = 0x2;
const LIBRARY: u16 = 0x2000;
const PE32_PLUS: u16 = 0x20b;
const SECTION_IS_EXECUTABLE: u32 = 0x2000_0000;
const SECTION_IS_WRITABLE: u32 = 0x8000_0000;

/// As many sections as the system takes, and what their places in the file are multiples of.
const MOST_SECTIONS: usize = 96;
const SECTOR_BYTES: u32 = 512;

/// The parts of a complete shared library for this machine.
pub fn parse(bytes: &[u8]) -> Result<Container<'_>, ArtifactError> {
    let truncated = |part, expected_bytes: u64| ArtifactError::Truncated {
        part,
        expected_bytes,
        found_bytes: bytes.len() as u64,
    };
    let corrupted = || ArtifactError::Corrupted { part: "PE header" };
    let file = Reader::little_endian(bytes);
    if !bytes.starts_with(b"MZ") {
        check_machine(file.u16(0).ok_or(truncated("file header", 2))?)?;
        return Err(ArtifactError::RelocatableObject);
    }
    let start = file.u32(HEADERS).ok_or(truncated("file header", HEADERS as u64 + 4))?;
    let headers = bytes.get(start as usize..).unwrap_or_default();
    // Where something in the headers ends.
    let end = |bytes: usize| u64::from(start) + bytes as u64;
    if headers.len() < FILE_HEADER_BYTES {
        return Err(truncated("file header", end(FILE_HEADER_BYTES)));
    }
    if !headers.starts_with(b"PE\0\0") {
        return Err(ArtifactError::NotALibrary { found: "a program for DOS or 16-bit Windows" });
    }
    let reader = Reader::little_endian(headers);
    let small = |at| reader.u16(at).ok_or_else(corrupted);
    let large = |at| reader.u32(at).ok_or_else(corrupted);
    check_machine(small(MACHINE)?)?;
    let optional_bytes = usize::from(small(OPTIONAL_HEADER_BYTES)?);
    let sections_at = FILE_HEADER_BYTES + optional_bytes;
    let sections = usize::from(small(SECTION_COUNT)?);
    let headers_bytes = sections_at + sections * SECTION_HEADER_BYTES;
    if headers.len() < headers_bytes {
        return Err(truncated("section table", end(headers_bytes)));
    }
    let characteristics = small(CHARACTERISTICS)?;
    if characteristics & EXECUTABLE_IMAGE == 0
        || optional_bytes < LEAST_OPTIONAL_HEADER_BYTES
        || small(MAGIC)? != PE32_PLUS
        || sections > MOST_SECTIONS
    {
        return Err(corrupted());
    }
    if characteristics & LIBRARY == 0 {
        return Err(ArtifactError::NotALibrary { found: "a program" });
    }

    let mut container = Container::new(bytes);
    for position in 0..sections {
        let header = reader_at(headers, sections_at + position * SECTION_HEADER_BYTES);
        let (segment, end) = section(&header).ok_or_else(corrupted)?;
        if end > bytes.len() as u64 {
            return Err(truncated("sections", end));
        }
        container.segments.push(segment);
    }
    let end = symbols_end(&file, large(SYMBOL_TABLE)?, large(SYMBOL_COUNT)?);
    if end > bytes.len() as u64 {
        return Err(truncated("symbol table", end));
    }
    let directory = (large(EXPORT_DIRECTORY)?, large(EXPORT_DIRECTORY + 4)?);
    let export = match large(DIRECTORY_COUNT)? {
        0 => None,
        _ => export(&container, directory, DESCRIPTOR_SYMBOL.to_bytes()),
    };
    container.descriptor = export.ok_or(ArtifactError::NoDescriptor)?.into();
    Ok(container)
}

/// The machine types that artifacts may be for, by their PE numbers; and others.
fn machine_name(machine: u16) -> String {
    match machine {
        0x14c => "x86 (32 bits)".to_string(),
        0x1c0 | 0x1c2 | 0x1c4 => "arm (32 bits)".to_string(),
        0x5064 => "riscv64".to_string(),
        0x8664 => "x86_64".to_string(),
        0xaa64 => "aarch64".to_string(),
        other => format!("machine type {other:#x}"),
    }
}

fn check_machine(machine: u16) -> Result<(), ArtifactError> {
    let (found, expected) = (machine_name(machine), std::env::consts::ARCH.to_string());
    match found == expected {
        true => Ok(()),
        false => Err(ArtifactError::OtherTarget { what: "architecture", found, expected }),
    }
}

fn reader_at(bytes: &[u8], at: usize) -> Reader<'_> {
    Reader::little_endian(bytes.get(at..).unwrap_or_default())
}

/// A section: what of the file is mapped for it, and where in the file it ends. Nothing if the system would not load it.
fn section(header: &Reader<'_>) -> Option<(Segment, u64)> {
    let (memory_bytes, address) = (header.u32(8)?, header.u32(12)?);
    let (file_bytes, file_offset) = (header.u32(16)?, header.u32(20)?);
    let segment = Segment {
        executable: header.u32(36)? & SECTION_IS_EXECUTABLE != 0,
        writable: header.u32(36)? & SECTION_IS_WRITABLE != 0,
        file_offset: file_offset.into(),
        address: address.into(),
        // What fills up the last sector is not mapped, and what is not in the file is zeros.
        file_bytes: match memory_bytes {
            0 => file_bytes.into(),
            _ => file_bytes.min(memory_bytes).into(),
        },
        memory_bytes: if memory_bytes == 0 { file_bytes } else { memory_bytes }.into(),
    };
    let end = match file_bytes {
        0 => 0,
        _ => u64::from(file_offset) + u64::from(file_bytes),
    };
    (file_bytes == 0 || file_offset.is_multiple_of(SECTOR_BYTES)).then_some((segment, end))
}

/// Where the symbols and their names end, which lie behind everything that is mapped; 0 if there are none.
fn symbols_end(file: &Reader<'_>, table: u32, count: u32) -> u64 {
    if table == 0 {
        return 0;
    }
    let names = u64::from(table) + u64::from(count) * SYMBOL_BYTES;
    // The names begin with how many bytes they have.
    let bytes = usize::try_from(names).ok().and_then(|names| file.u32(names));
    names + u64::from(bytes.unwrap_or(4))
}

/// The address of what is exported by a name.
fn export(container: &Container<'_>, directory: (u32, u32), name: &[u8]) -> Option<u32> {
    let bytes_from = |address: u32| container.bytes_from(address.into());
    let reader_from = |address| Some(Reader::little_endian(bytes_from(address)?));
    let (at, directory_bytes) = directory;
    let directory = reader_from(at)?;
    let (function_count, name_count) = (directory.u32(20)?, directory.u32(24)?);
    let functions = reader_from(directory.u32(28)?)?;
    let names = reader_from(directory.u32(32)?)?;
    let ordinals = reader_from(directory.u32(36)?)?;
    let is_it = |position: &usize| {
        let text = names.u32(position * 4).and_then(bytes_from);
        let rest = text.and_then(|text| text.strip_prefix(name));
        rest.is_some_and(|rest| rest.first() == Some(&0))
    };
    // No more than there can be in the file.
    let most = container.bytes.len() / 4;
    let position = (0..most.min(name_count as usize)).find(is_it)?;
    let function = ordinals.u16(position * 2)?;
    let address = functions.u32(usize::from(function) * 4)?;
    // An address in the directory itself is that of a name in another library.
    let is_elsewhere = address.checked_sub(at).is_some_and(|offset| offset < directory_bytes);
    (u32::from(function) < function_count && !is_elsewhere).then_some(address)
}

#[cfg(all(test, feature = "compiler", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use wootz_compiler::{Emit, Options};
    use wootz_runtime::abi::artifact::{self, Tables};

    use super::*;

    const OTHER_ARCHITECTURE: &str =
        if cfg!(target_arch = "x86_64") { "aarch64" } else { "x86_64" };

    fn compile(architecture: &str, emit: Emit) -> Vec<u8> {
        let wat = r#"(module $m (memory (export "m") 1) (data (i32.const 5) "data")
            (func $f (export "f") (result i32) i32.const 42))"#;
        let target = Some(format!("{architecture}-windows"));
        let options = Options { target, emit, ..Options::default() };
        wootz_compiler::compile(&wat::parse_str(wat).unwrap(), &options).unwrap()
    }

    fn library() -> Vec<u8> {
        compile(std::env::consts::ARCH, Emit::SharedLibrary)
    }

    fn error(bytes: &[u8]) -> ArtifactError {
        parse(bytes).map(drop).unwrap_err()
    }

    /// The offset in the file of something in the PE headers.
    fn header(bytes: &[u8], field: usize) -> usize {
        Reader::little_endian(bytes).u32(HEADERS).unwrap() as usize + field
    }

    fn change(bytes: &[u8], at: usize, to: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        bytes[at..][..to.len()].copy_from_slice(to);
        bytes
    }

    /// What is done with a container.
    fn visit(container: &Container<'_>) -> Option<u64> {
        let at = container.descriptor;
        let tables = Tables::new(container.bytes_from(at)?).ok()?;
        let beside = |span: artifact::Span| at.wrapping_add_signed(span.offset.into());
        let (text, image) = (tables.descriptor().text, tables.descriptor().image);
        container.file_offset(at, 1)?;
        container.executable_offset(beside(text), text.bytes.into())?;
        container.executable_offset(beside(image), image.bytes.into()).is_none().then_some(())?;
        container.file_offset(beside(image), image.bytes.into())
    }

    #[test]
    fn the_parts_of_a_library_are_found() {
        let bytes = library();
        let container = parse(&bytes).unwrap();
        let descriptor = container.bytes_from(container.descriptor).unwrap();
        assert!(descriptor.starts_with(&artifact::MAGIC));
        let image = visit(&container).unwrap();
        assert!(image.is_multiple_of(4096) && &bytes[image as usize + 5..][..4] == b"data");
        // What is behind the last byte of the code is not code.
        assert!(container.executable_offset(container.descriptor, 1).is_none());
        assert!(container.bytes_from(u64::MAX).is_none() && container.bytes_from(0).is_none());

        // Symbols may be gone.
        let table = Reader::little_endian(&bytes).u32(header(&bytes, SYMBOL_TABLE)).unwrap();
        let stripped = change(&bytes, header(&bytes, SYMBOL_TABLE), &[0; 8]);
        let stripped = &stripped[..table as usize];
        assert_eq!(visit(&parse(stripped).unwrap()), Some(image));
    }

    #[test]
    fn what_is_no_library_for_this_machine_is_named() {
        let bytes = library();
        for emit in [Emit::SharedLibrary, Emit::Object] {
            let error = error(&compile(OTHER_ARCHITECTURE, emit));
            assert!(
                matches!(&error, ArtifactError::OtherTarget { what: "architecture", found, expected }
                    if found == OTHER_ARCHITECTURE && expected == std::env::consts::ARCH),
                "{error}"
            );
        }
        let other = change(&bytes, header(&bytes, MACHINE), &[0x4c, 1]);
        assert!(error(&other).to_string().contains("x86 (32 bits)"));
        let object = compile(std::env::consts::ARCH, Emit::Object);
        assert!(matches!(error(&object), ArtifactError::RelocatableObject));
        let program = change(&bytes, header(&bytes, CHARACTERISTICS), &[0x22, 0]);
        assert!(matches!(error(&program), ArtifactError::NotALibrary { found: "a program" }));
        let old = change(&bytes, header(&bytes, 0), b"NE");
        assert!(error(&old).to_string().contains("16-bit"));
        for (field, value) in [
            (CHARACTERISTICS, 0x2020u16),
            (MAGIC, 0x10b),
            (OPTIONAL_HEADER_BYTES, 112),
            (SECTION_COUNT, 97),
        ] {
            let wrong = change(&bytes, header(&bytes, field), &value.to_le_bytes());
            let error = error(&wrong);
            assert!(matches!(error, ArtifactError::Corrupted { part: "PE header" }), "{error}");
        }
    }

    #[test]
    fn libraries_that_export_something_else_have_no_descriptor() {
        let bytes = library();
        let name = b"\0wootz_module\0";
        let at = bytes.windows(name.len()).position(|window| window == name).unwrap() + 1;
        let container = parse(&bytes).unwrap();
        let directory =
            Reader::little_endian(&bytes).u32(header(&bytes, EXPORT_DIRECTORY)).unwrap();
        let directory_at = container.file_offset(directory.into(), 40).unwrap() as usize;
        let field = |offset| Reader::little_endian(&bytes).u32(directory_at + offset).unwrap();
        let functions = container.file_offset(field(28).into(), 4).unwrap() as usize;
        for wrong in [
            change(&bytes, at, b"W"),
            change(&bytes, at + 12, b"s"),
            change(&bytes, header(&bytes, DIRECTORY_COUNT), &[0]),
            change(&bytes, header(&bytes, EXPORT_DIRECTORY), &[0; 8]),
            // No functions, no names, and one that stands for a name in another library.
            change(&bytes, directory_at + 20, &[0]),
            change(&bytes, directory_at + 24, &[0]),
            change(&bytes, functions, &directory.to_le_bytes()),
        ] {
            let error = error(&wrong);
            assert!(matches!(error, ArtifactError::NoDescriptor), "{error}");
        }
    }

    #[test]
    fn every_truncation_is_noticed() {
        let bytes = library();
        let headers = header(&bytes, FILE_HEADER_BYTES + 240 + 5 * SECTION_HEADER_BYTES);
        for end in (2..=headers).chain((headers..bytes.len()).step_by(13)).chain([bytes.len() - 1])
        {
            let error = error(&bytes[..end]);
            assert!(matches!(error, ArtifactError::Truncated { .. }), "{end}: {error}");
        }
        assert!(matches!(error(&bytes[..1]), ArtifactError::Truncated { .. }));
    }

    /// Whatever the headers and the directory of exports say, it is at worst an error.
    #[test]
    fn no_changed_byte_panics() {
        let bytes = library();
        let headers = header(&bytes, FILE_HEADER_BYTES + 240 + 5 * SECTION_HEADER_BYTES);
        let directory =
            Reader::little_endian(&bytes).u32(header(&bytes, EXPORT_DIRECTORY)).unwrap();
        let directory = directory as usize..directory as usize + 80;
        for at in (2..headers).chain(directory) {
            for to in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x80] {
                if let Ok(container) = parse(&change(&bytes, at, &[to])) {
                    visit(&container);
                }
            }
            // Numbers that are as large as can be.
            if let Ok(container) = parse(&change(&bytes, at, &[0xff; 4])) {
                visit(&container);
            }
        }
    }
}
