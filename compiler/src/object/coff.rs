//! A relocatable object for Windows.
//!
//! ```text
//!   ┌──────────────────────────────────────┐ 0
//!   │ file header, section headers         │
//!   │ .text                                │ all code; nothing in it needs the linker
//!   │ .rdata$wootz   and relocations       │ metadata ◄─ descriptor; its distances to code and images are
//!   │                                      │   left to the linker
//!   │ .rdata$wootz_image                   │ images of memories, aligned to pages
//!   │ .bss                                 │ with debug information: the cell for the running instance
//!   │ .xdata                               │ what the prologue of each function does
//!   │ .pdata         and relocations       │ where each function begins and ends, and its part of .xdata
//!   │ .debug_*       and relocations       │ with debug information: all addresses and offsets are left to the linker
//!   │ symbols, strings                     │ external: the descriptor, and C symbols of exports
//!   └──────────────────────────────────────┘
//! ```
//!
//! Always true: as in other objects, the linker has nothing to resolve but places inside of this file. Linkers sort `.pdata`,
//! which the system searches for whoever unwinds.

use object::write::{Object, Relocation, SectionId, Symbol as NewSymbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope, pe,
};
use target_lexicon::Triple;
use wootz_runtime::abi::artifact::{
    CELL_BYTES, DEBUG_CELL_OFFSET_FIELD, DEBUG_CELL_SYMBOL, IMAGE_OFFSET_FIELD, TEXT_OFFSET_FIELD,
};

use super::function_table::{self, Field};
use super::{Contents, dwarf};
use crate::debug::Target;
use crate::error::{Error, Result};
use crate::target::image_alignment_of;

/// What differs between the architectures.
struct Machine {
    architecture: Architecture,
    /// The relocation "32 bits, distance from behind here".
    distance: pe::RelocationType,
    /// The relocation "32 bits, distance from the beginning of the program".
    place: pe::RelocationType,
    /// The relocation "64 bits, address".
    address: pe::RelocationType,
    /// The relocation "32 bits, distance from the beginning of the section".
    offset: pe::RelocationType,
}

fn machine(triple: &Triple) -> Machine {
    match triple.architecture {
        target_lexicon::Architecture::Aarch64(_) => Machine {
            architecture: Architecture::Aarch64,
            distance: pe::IMAGE_REL_ARM64_REL32,
            place: pe::IMAGE_REL_ARM64_ADDR32NB,
            address: pe::IMAGE_REL_ARM64_ADDR64,
            offset: pe::IMAGE_REL_ARM64_SECREL,
        },
        _ => Machine {
            architecture: Architecture::X86_64,
            distance: pe::IMAGE_REL_AMD64_REL32,
            place: pe::IMAGE_REL_AMD64_ADDR32NB,
            address: pe::IMAGE_REL_AMD64_ADDR64,
            offset: pe::IMAGE_REL_AMD64_SECREL,
        },
    }
}

/// The bytes of an object.
///
/// # Errors
/// If it would exceed 4 GiB.
pub fn write(contents: Contents<'_>) -> Result<Vec<u8>> {
    dwarf::size(contents.debug)?;
    let machine = machine(contents.triple);
    let failed = |error: object::write::Error| Error::Limit { message: error.to_string() };
    let mut object = Object::new(BinaryFormat::Coff, machine.architecture, Endianness::Little);
    let mut add = |name: &str, kind, bytes: &[u8], alignment: u32| {
        (!bytes.is_empty()).then(|| {
            let section = object.add_section(Vec::new(), name.as_bytes().to_vec(), kind);
            object.set_section_data(section, bytes.to_vec(), u64::from(alignment));
            section
        })
    };
    let read_only = SectionKind::ReadOnlyData;
    let text = add(".text", SectionKind::Text, contents.text, 64);
    let metadata =
        add(".rdata$wootz", read_only, &contents.metadata, 64).expect("there is a descriptor");
    let alignment = image_alignment_of(contents.triple);
    let image = add(".rdata$wootz_image", read_only, contents.image, alignment);
    let tables = function_table::of(contents.unwind, contents.triple);
    let xdata = add(".xdata", read_only, &tables.records, 4);
    let pdata = add(".pdata", read_only, &tables.functions, 4);
    let debug = contents.debug.map_or(&[][..], |debug| &debug.sections);
    let debug_sections: Vec<Option<SectionId>> = debug
        .iter()
        .map(|section| add(section.name, SectionKind::Debug, &section.bytes, 1))
        .collect();
    let cell = contents.debug.map(|_| {
        let kind = SectionKind::UninitializedData;
        let section = object.add_section(Vec::new(), b".bss".to_vec(), kind);
        object.append_section_bss(section, CELL_BYTES.into(), CELL_BYTES.into());
        section
    });

    let mut relocate = |section: SectionId, offset: u32, typ, target: SectionId, addend: i64| {
        let symbol = object.section_symbol(target);
        let flags = RelocationFlags::Coff { typ };
        let offset = u64::from(offset);
        object.add_relocation(section, Relocation { offset, symbol, addend, flags }).map_err(failed)
    };
    for (field, target) in
        [(TEXT_OFFSET_FIELD, text), (IMAGE_OFFSET_FIELD, image), (DEBUG_CELL_OFFSET_FIELD, cell)]
    {
        // "Target - place" is what the linker computes; the fields want "target - start of the metadata".
        target.map_or(Ok(()), |target| {
            relocate(metadata, field, machine.distance, target, field.into())
        })?;
    }
    if let (Some(text), Some(xdata), Some(pdata)) = (text, xdata, pdata) {
        for Field { at, is_code, offset } in tables.fields {
            let target = if is_code { text } else { xdata };
            relocate(pdata, at, machine.place, target, offset.into())?;
        }
    }
    for (section, at) in debug.iter().zip(&debug_sections) {
        for place in &section.places {
            let (kind, target) = match place.target {
                Target::Code => (machine.address, text),
                Target::Cell => (machine.address, cell),
                Target::Section(position) => (machine.offset, debug_sections[position]),
            };
            if let (Some(at), Some(target)) = (*at, target) {
                relocate(at, place.offset, kind, target, place.addend)?;
            }
        }
    }

    let mut symbol = |name: &str, section: SectionId, offset: u32, kind, scope| {
        object.add_symbol(NewSymbol {
            name: name.as_bytes().to_vec(),
            value: u64::from(offset),
            size: 0,
            kind,
            scope,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        });
    };
    if let Some(text) = text {
        for function in contents.symbols {
            let scope = match function.is_global {
                true => SymbolScope::Linkage,
                false => SymbolScope::Compilation,
            };
            symbol(&function.name, text, function.offset, SymbolKind::Text, scope);
        }
    }
    if let Some(cell) = cell {
        symbol(DEBUG_CELL_SYMBOL, cell, 0, SymbolKind::Data, SymbolScope::Compilation);
    }
    symbol(contents.descriptor_symbol, metadata, 0, SymbolKind::Data, SymbolScope::Linkage);
    object.write().map_err(failed)
}
