//! A relocatable object for macOS.
//!
//! ```text
//!   ┌──────────────────────────────────────┐ 0
//!   │ header, load commands                │ among them: which macOS it is for
//!   │ __TEXT,__text                        │ all code; nothing in it needs the linker
//!   │ __DATA,__data                        │ with debug information: the cell for the running instance
//!   │ __TEXT,__wootz                       │ metadata ◄─ descriptor; its distances to code and images are
//!   │                                      │   left to the linker
//!   │ __TEXT,__wootz_image                 │ images of memories, aligned to pages
//!   │ __TEXT,__eh_frame                    │ the addresses of functions are left to the linker
//!   │ __DWARF,__debug_*                    │ with debug information: all addresses are left to the linker
//!   │ relocations, symbols, strings        │ external: the descriptor, and C symbols of exports
//!   └──────────────────────────────────────┘
//! ```
//!
//! Always true: as in other objects, the linker has nothing to resolve but distances inside of this file. A distance is a
//! pair of relocations: what is subtracted, and from what. The file does not say that its sections may be taken apart at
//! symbols, because they may not: whatever is in them finds the rest by distance.

use object::write::{
    MachOBuildVersion, Object, Relocation, SectionId, Symbol as NewSymbol, SymbolId, SymbolSection,
};
use object::{
    BinaryFormat, Endianness, RelocationFlags, SectionFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope, macho,
};
use wootz_runtime::abi::artifact::{
    CELL_BYTES, DEBUG_CELL_OFFSET_FIELD, DEBUG_CELL_SYMBOL, IMAGE_OFFSET_FIELD, TEXT_OFFSET_FIELD,
};

use super::dwarf::{self, Addresses};
use super::macho::{
    self as names, DATA, DWARF, EH_FRAME, EH_FRAME_FLAGS, IMAGE, METADATA, Machine, TEXT,
};
use super::unwind::{self, Frames, Pointers};
use super::{Contents, Symbol};
use crate::debug::{Sections, Target};
use crate::error::{Error, Result};
use crate::target::image_alignment_of;

/// The bytes of an object.
///
/// # Errors
/// If it would exceed 4 GiB, or has more functions than a file can have symbols.
pub fn write(contents: Contents<'_>, machine: Machine) -> Result<Vec<u8>> {
    dwarf::size(contents.debug)?;
    let frames = unwind::frames(
        contents.cie.clone(),
        contents.unwind,
        Endianness::Little,
        Pointers::Absolute64,
    )?;
    let mut file = File {
        object: Object::new(BinaryFormat::MachO, machine.architecture, Endianness::Little),
        // These have the same numbers on both.
        number: macho::ARM64_RELOC_UNSIGNED,
    };
    file.object.set_macho_build_version(build_version(machine.oldest_system));

    let read_only = SectionKind::ReadOnlyData;
    let text = file.section(TEXT, SectionKind::Text, contents.text, 64);
    // Right behind the code, where its address in this file is known.
    let cell_address = (contents.text.len() as u64).next_multiple_of(CELL_BYTES.into());
    let cell = contents.debug.map(|_| file.cell());
    let metadata =
        file.section(METADATA, read_only, &contents.metadata, 64).expect("there is a descriptor");
    let alignment = image_alignment_of(contents.triple);
    let image = file.section(IMAGE, read_only, contents.image, alignment);
    let eh_frame = file.section(EH_FRAME, read_only, &frames.bytes, 8);

    // Symbols whose names begin like this are gone once the file is linked.
    let start = file.private("lwootz_metadata", metadata, 0);
    let text_start = text.map(|text| file.private("lwootz_text", text, 0));
    let image_start = image.map(|image| file.private("lwootz_image", image, 0));
    for (field, target) in [
        (TEXT_OFFSET_FIELD, text_start),
        (IMAGE_OFFSET_FIELD, image_start),
        (DEBUG_CELL_OFFSET_FIELD, cell.map(|(_, symbol)| symbol)),
    ] {
        if let Some(target) = target {
            file.distance(metadata, field, 2, start, target, 0)?;
        }
    }
    let functions = text.map(|text| file.functions(text, contents.symbols));
    let known = functions.unwrap_or_default();
    if let (Some(text), Some(eh_frame)) = (text, eh_frame) {
        file.relocate_frames(&frames, eh_frame, text, contents.symbols, &known)?;
    }
    if let (Some(debug), Some((cell, _))) = (contents.debug, cell) {
        file.debug(debug, text, (cell, cell_address))?;
    }
    file.public(contents.descriptor_symbol, metadata, 0, SymbolKind::Data);
    file.object.write().map_err(failed)
}

fn failed(error: object::write::Error) -> Error {
    Error::Limit { message: error.to_string() }
}

fn build_version(oldest_system: macho::Version) -> MachOBuildVersion {
    let mut version = MachOBuildVersion::default();
    version.platform = macho::PLATFORM_MACOS;
    version.minos = oldest_system;
    version.sdk = version.minos;
    version
}

struct File<'a> {
    object: Object<'a>,
    /// The relocation "the address of this symbol, minus that of the one before if there was one".
    number: macho::RelocationType,
}

impl File<'_> {
    /// Adds a section, unless it is empty.
    fn section(
        &mut self,
        name: &str,
        kind: SectionKind,
        bytes: &[u8],
        alignment: u32,
    ) -> Option<SectionId> {
        if bytes.is_empty() {
            return None;
        }
        let section = self.object.add_section(b"__TEXT".to_vec(), name.as_bytes().to_vec(), kind);
        self.object.set_section_data(section, bytes.to_vec(), u64::from(alignment));
        if name == EH_FRAME {
            self.object.section_mut(section).flags =
                SectionFlags::MachO { flags: EH_FRAME_FLAGS, reserved2: 0 };
        }
        Some(section)
    }

    /// Adds debug information. Linkers leave it where it is, and those who read it later do not relocate it all: so addresses are
    /// those in this file, relative to sections, as compilers for C have it. Offsets in sections are what they are.
    fn debug(
        &mut self,
        debug: &Sections,
        text: Option<SectionId>,
        (cell, cell_address): (SectionId, u64),
    ) -> Result<()> {
        for section in debug.sections.iter().filter(|section| !section.bytes.is_empty()) {
            let addresses = Addresses { code: 0, cell: cell_address };
            let bytes = dwarf::resolved(section, addresses, Endianness::Little);
            let name = names::dwarf_name(section.name).into_bytes();
            let id = self.object.add_section(DWARF.into(), name, SectionKind::Debug);
            self.object.set_section_data(id, bytes, 1);
            for place in &section.places {
                let target = match place.target {
                    Target::Code => text,
                    Target::Cell => Some(cell),
                    Target::Section(_) => None,
                };
                let Some(target) = target else { continue };
                let symbol = self.object.section_symbol(target);
                let flags =
                    RelocationFlags::MachO { r_type: self.number, r_pcrel: false, r_length: 3 };
                // What would be added is there already.
                let relocation =
                    Relocation { offset: place.offset.into(), symbol, addend: 0, flags };
                self.object.add_relocation(id, relocation).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Adds the cell for the running instance, and its symbol.
    fn cell(&mut self) -> (SectionId, SymbolId) {
        let kind = SectionKind::Data;
        let section = self.object.add_section(DATA.into(), b"__data".to_vec(), kind);
        let bytes = vec![0; CELL_BYTES as usize];
        self.object.set_section_data(section, bytes, CELL_BYTES.into());
        let scope = SymbolScope::Compilation;
        (section, self.symbol(DEBUG_CELL_SYMBOL, section, 0, SymbolKind::Data, scope))
    }

    fn symbol(
        &mut self,
        name: &str,
        section: SectionId,
        offset: u32,
        kind: SymbolKind,
        scope: SymbolScope,
    ) -> SymbolId {
        self.object.add_symbol(NewSymbol {
            name: name.as_bytes().to_vec(),
            value: u64::from(offset),
            size: 0,
            kind,
            scope,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        })
    }

    /// A symbol for this file only, by exactly this name.
    fn private(&mut self, name: &str, section: SectionId, offset: u32) -> SymbolId {
        self.symbol(name, section, offset, SymbolKind::Unknown, SymbolScope::Compilation)
    }

    /// A symbol for all files. Its name gets an underscore in front, as all names in C do.
    fn public(
        &mut self,
        name: &str,
        section: SectionId,
        offset: u32,
        kind: SymbolKind,
    ) -> SymbolId {
        self.symbol(name, section, offset, kind, SymbolScope::Dynamic)
    }

    /// The symbols of all functions.
    fn functions(&mut self, text: SectionId, symbols: &[Symbol]) -> Vec<SymbolId> {
        let mut add = |symbol: &Symbol| match symbol.is_global {
            true => self.public(&symbol.name, text, symbol.offset, SymbolKind::Text),
            false => {
                let (kind, scope) = (SymbolKind::Text, SymbolScope::Compilation);
                self.symbol(&symbol.name, text, symbol.offset, kind, scope)
            }
        };
        symbols.iter().map(&mut add).collect()
    }

    /// Leaves the distance from one symbol to another, plus a number, to the linker. `log2_bytes` says how large it is.
    fn distance(
        &mut self,
        section: SectionId,
        field: u32,
        log2_bytes: u8,
        from: SymbolId,
        to: SymbolId,
        plus: i64,
    ) -> Result<()> {
        let flags =
            RelocationFlags::MachO { r_type: self.number, r_pcrel: false, r_length: log2_bytes };
        let relocation = Relocation { offset: u64::from(field), symbol: to, addend: plus, flags };
        self.object.add_relocation_with_subtractor(section, relocation, Some(from)).map_err(failed)
    }

    /// Leaves the addresses of functions to the linker. It wants each to be named by a symbol of its own.
    fn relocate_frames(
        &mut self,
        frames: &Frames,
        eh_frame: SectionId,
        text: SectionId,
        symbols: &[Symbol],
        known: &[SymbolId],
    ) -> Result<()> {
        let start = self.private("lwootz_frames", eh_frame, 0);
        for (position, place) in frames.places.iter().enumerate() {
            let function = match symbols.binary_search_by_key(&place.code, |symbol| symbol.offset) {
                Ok(found) => known[found],
                Err(_) => self.private(&format!("lwootz_function_{position}"), text, place.code),
            };
            // From the field itself, not from the section's start.
            self.distance(eh_frame, place.field, 3, start, function, -i64::from(place.field))?;
        }
        Ok(())
    }
}
