//! The debug information of a library for macOS in a file of its own: what a bundle `NAME.dSYM` has in
//! `Contents/Resources/DWARF/NAME`.
//!
//! ```text
//!   ┌──────────────────────────────────────┐ 0
//!   │ header, load commands                │ segments of the library, which have no contents here
//!   ├──────────────────────────────────────┤ page       __LINKEDIT
//!   │ symbols, strings                     │ as the library has them
//!   ├──────────────────────────────────────┤ page       __DWARF
//!   │ __debug_*                            │ with a table that says which code each unit is about
//!   └──────────────────────────────────────┘
//! ```
//!
//! Always true: addresses are those of the library, and so is the identifier, by which debuggers find one and the other.

use object::Endianness;

use super::aranges;
use super::dwarf::{self, Addresses};
use super::macho::Machine;
use super::macho_commands::{self, Part, Segment};
use crate::debug::{Section, Sections};

/// What parts of the file are aligned to. Nothing of it is ever mapped to be used.
const PAGE: u64 = 0x1000;

/// What the table of code and units is called in ELF files.
const ARANGES: &str = ".debug_aranges";

/// What addresses of segments are aligned to.
const ADDRESS_PAGE: u64 = 0x4000;

/// A file of which nothing is unknown but the identifier.
pub struct DebugFile {
    machine: Machine,
    segments: Vec<Segment>,
    symbols: Part,
    strings: Part,
    bytes: Vec<u8>,
}

/// Symbols of a library, and their names.
pub struct Names<'a> {
    /// The symbols.
    pub symbols: &'a [u8],
    /// The names.
    pub strings: &'a [u8],
}

impl DebugFile {
    /// The file for a library with these segments, of which the last one has the symbols.
    pub fn new(
        machine: Machine,
        library: &[Segment],
        names: &Names<'_>,
        debug: &Sections,
        addresses: Addresses,
    ) -> DebugFile {
        let resolved = |section: &Section| {
            (section.name, dwarf::resolved(section, addresses, Endianness::Little))
        };
        let mut sections: Vec<(&str, Vec<u8>)> = debug.sections.iter().map(resolved).collect();
        if sections.iter().all(|(name, _)| *name != ARANGES) {
            let find = |name: &str| sections.iter().find(|(known, _)| *known == name);
            let table = aranges::table(|name| find(name).map_or(&[], |(_, bytes)| bytes));
            sections.push((ARANGES, table));
        }
        let mut segments = library.to_vec();
        let link_edit = segments.last_mut().expect("there are segments");
        let bytes = (names.symbols.len() + names.strings.len()) as u64;
        link_edit.memory_bytes = bytes.next_multiple_of(ADDRESS_PAGE);
        let mut dwarf = macho_commands::dwarf_segment(
            sections.iter().map(|(name, bytes)| (*name, bytes.len())),
        );
        dwarf.start = link_edit.start + link_edit.memory_bytes;
        let mut end = dwarf.start;
        for section in &mut dwarf.sections {
            section.start = end;
            end += section.bytes;
        }
        dwarf.memory_bytes = (end - dwarf.start).next_multiple_of(ADDRESS_PAGE);
        segments.push(dwarf);
        for segment in &mut segments {
            (segment.file_start, segment.file_bytes) = (0, 0);
        }

        let mut file = DebugFile {
            machine,
            segments,
            symbols: Part::default(),
            strings: Part::default(),
            bytes: Vec::new(),
        };
        let position = file.segments.len() - 2;
        file.bytes.resize(file.header([0; 16]).len(), 0);
        let start = file.page();
        file.symbols = file.add(names.symbols);
        file.strings = file.add(names.strings);
        file.place(position, start);
        let start = file.page();
        for (_, bytes) in &sections {
            file.add(bytes);
        }
        file.place(position + 1, start);
        file
    }

    /// The bytes of the file.
    pub fn with_identity(&self, identity: [u8; 16]) -> Vec<u8> {
        let header = self.header(identity);
        let mut bytes = self.bytes.clone();
        bytes[..header.len()].copy_from_slice(&header);
        bytes
    }

    fn header(&self, identity: [u8; 16]) -> Vec<u8> {
        macho_commands::debug_header(
            &self.machine,
            &self.segments,
            self.symbols,
            self.strings,
            identity,
        )
    }

    /// Begins a page.
    fn page(&mut self) -> u64 {
        let start = (self.bytes.len() as u64).next_multiple_of(PAGE);
        self.bytes.resize(start as usize, 0);
        start
    }

    fn add(&mut self, bytes: &[u8]) -> Part {
        let start = self.bytes.len() as u32;
        self.bytes.extend(bytes);
        Part { start, bytes: bytes.len() as u32 }
    }

    /// Gives a segment what was added since.
    fn place(&mut self, position: usize, start: u64) {
        let segment = &mut self.segments[position];
        segment.file_start = start;
        segment.file_bytes = self.bytes.len() as u64 - start;
    }
}
