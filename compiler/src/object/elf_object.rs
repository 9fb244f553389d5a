//! A relocatable object, for a linker.
//!
//! ```text
//!   ┌──────────────────────────────────────┐ 0
//!   │ file header                          │
//!   │ .text                                │ all code
//!   │ (.rela.text)                         │ with the cell for traps: the distance to it is left to the linker
//!   │ .rodata.wootz        ┐               │ metadata ◄─ descriptor; its distances to code and images are
//!   │ .rela.rodata.wootz   ┘               │   left to the linker
//!   │ .rodata.wootz.image                  │ images of memories, aligned to pages
//!   │ .bss.wootz                           │ the cell: with debug information for the running instance, otherwise for traps
//!   │ .eh_frame  .rela.eh_frame            │ the addresses of functions are left to the linker
//!   │ .note.wootz  .note.GNU-stack         │
//!   │ .debug_*  .rela.debug_*              │ with debug information: all addresses and offsets are left to the linker
//!   │ .symtab  .strtab  .shstrtab          │ global: the descriptor, and C symbols of exports
//!   │ section headers                      │
//!   └──────────────────────────────────────┘
//! ```
//!
//! Always true: the linker has nothing to resolve but distances inside of this file, and in what is not loaded, so that what it
//! makes from it is again free of relocations. Parts that are empty have no section.
//!
//! There is no build identifier: the linked file gets one from the linker, and would have two.

use object::elf;
use object::write::elf::Rel;
use wootz_runtime::abi::artifact::{
    CELL_BYTES, DEBUG_CELL_OFFSET_FIELD, DEBUG_CELL_SYMBOL, IMAGE_OFFSET_FIELD, TEXT_OFFSET_FIELD,
    TRAP_CELL_OFFSET_FIELD, TRAP_CELL_SYMBOL,
};

use super::dwarf;
use super::elf::{ElfFile, Machine, NewSymbol, Section, Symbols, plain};
use super::unwind::{self, Pointers};
use super::{Contents, notes};
use crate::debug::{Place, Target};
use crate::error::Result;

/// The bytes of an object.
///
/// # Errors
/// If its unwind information or its debug information would exceed 2 GiB.
pub fn write(contents: Contents<'_>, machine: Machine) -> Result<Vec<u8>> {
    let Contents { text, metadata, image, symbols, .. } = contents;
    let frames = unwind::frames(contents.cie, contents.unwind, machine.endian, Pointers::Signed32)?;
    let debug = contents.debug.map_or(&[][..], |debug| &debug.sections);
    let places: usize = debug.iter().map(|section| section.places.len()).sum();
    let relocations = 24 * (frames.places.len() + places) + dwarf::size(contents.debug)?;
    let names: usize = symbols.iter().map(|symbol| symbol.name.len() + 32).sum();
    let known =
        text.len() + metadata.len() + image.len() + frames.bytes.len() + relocations + names;
    let mut file = ElfFile::new(machine, elf::ET_REL, 0, known + 2 * machine.page as usize);

    let text = (!text.is_empty()).then(|| {
        let flags = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
        file.add(".text", plain(elf::SHT_PROGBITS, flags, 64), text)
    });
    let metadata =
        file.add(".rodata.wootz", plain(elf::SHT_PROGBITS, elf::SHF_ALLOC, 64), &metadata);
    let image = (!image.is_empty()).then(|| {
        let header = plain(elf::SHT_PROGBITS, elf::SHF_ALLOC, machine.page);
        file.add(".rodata.wootz.image", header, image)
    });
    let cell_use = match (contents.debug, contents.trap_cell) {
        (Some(_), _) => Some((DEBUG_CELL_SYMBOL, DEBUG_CELL_OFFSET_FIELD)),
        (None, Some(_)) => Some((TRAP_CELL_SYMBOL, TRAP_CELL_OFFSET_FIELD)),
        (None, None) => None,
    };
    let cell = cell_use.map(|_| {
        let alignment = u64::from(CELL_BYTES);
        let header = plain(elf::SHT_NOBITS, elf::SHF_ALLOC | elf::SHF_WRITE, alignment);
        file.add_zeros(".bss.wootz", header, 0, CELL_BYTES.into())
    });
    let mut table = Symbols::new(&file);
    let text_symbol = text.map(|section| section_symbol(&mut table, section));
    let image_symbol = image.map(|section| section_symbol(&mut table, section));
    let cell_symbol = cell.map(|section| section_symbol(&mut table, section));

    // "Target - place" is what the linker computes; the fields want "target - start of the metadata".
    let distance = |field: u32, symbol: Option<u32>| {
        let (r_offset, r_addend) = (u64::from(field), i64::from(field));
        symbol.map(|r_sym| Rel { r_offset, r_sym, r_type: machine.distance, r_addend })
    };
    let distances = [
        distance(TEXT_OFFSET_FIELD, text_symbol),
        distance(IMAGE_OFFSET_FIELD, image_symbol),
        cell_use.and_then(|(_, field)| distance(field, cell_symbol)),
    ];
    let mut relocated = Vec::from_iter(relocate(
        &mut file,
        metadata,
        ".rela.rodata.wootz",
        distances.into_iter().flatten(),
    ));
    if let (Some(section), Some(at), Some(r_sym)) = (text, contents.trap_cell, cell_symbol) {
        // It is counted from behind itself.
        let (r_offset, r_type) = (at.into(), machine.distance);
        let place = Rel { r_offset, r_sym, r_type, r_addend: -4 };
        relocated.extend(relocate(&mut file, section, ".rela.text", [place].into_iter()));
    }
    if let Some(r_sym) = text_symbol.filter(|_| !frames.places.is_empty()) {
        let section =
            file.add(".eh_frame", plain(elf::SHT_PROGBITS, elf::SHF_ALLOC, 8), &frames.bytes);
        let functions = frames.places.iter().map(|place| Rel {
            r_offset: u64::from(place.field),
            r_sym,
            r_type: machine.distance,
            r_addend: i64::from(place.code),
        });
        relocated.extend(relocate(&mut file, section, ".rela.eh_frame", functions));
    }
    file.add(
        ".note.wootz",
        plain(elf::SHT_NOTE, elf::SHF_ALLOC, 4),
        &notes::abi_version(machine.endian),
    );
    let not_loaded = plain(elf::SHT_PROGBITS, elf::SectionFlags(0), 1);
    file.add(".note.GNU-stack", not_loaded.clone(), &[]);
    let debug_sections: Vec<Section> = debug
        .iter()
        .map(|section| file.add(section.name, not_loaded.clone(), &section.bytes))
        .collect();
    let debug_symbols: Vec<u32> =
        debug_sections.iter().map(|&section| section_symbol(&mut table, section)).collect();
    for (section, &at) in debug.iter().zip(&debug_sections) {
        let target = |place: &Place| match place.target {
            Target::Code => text_symbol,
            Target::Cell => cell_symbol,
            Target::Section(position) => Some(debug_symbols[position]),
        };
        let relocations = section.places.iter().filter_map(|place| {
            Some(Rel {
                r_offset: place.offset.into(),
                // Without code there is nothing that its address could be.
                r_sym: target(place)?,
                r_type: if place.bytes == 8 { machine.address } else { machine.short_address },
                r_addend: place.addend,
            })
        });
        let name = format!(".rela{}", section.name);
        relocated.extend(relocate(&mut file, at, &name, relocations));
    }

    if let (Some(section), Some((name, _))) = (cell, cell_use) {
        table.add(&NewSymbol {
            name,
            binding: elf::STB_LOCAL,
            kind: elf::STT_OBJECT,
            section,
            value: 0,
            bytes: section.bytes,
        });
    }
    if let Some(section) = text {
        for (binding, global) in [(elf::STB_LOCAL, false), (elf::STB_GLOBAL, true)] {
            for symbol in symbols.iter().filter(|symbol| symbol.is_global == global) {
                table.add(&NewSymbol {
                    name: &symbol.name,
                    binding,
                    kind: elf::STT_FUNC,
                    section,
                    value: u64::from(symbol.offset),
                    bytes: u64::from(symbol.bytes),
                });
            }
        }
    }
    table.add(&NewSymbol {
        name: contents.descriptor_symbol,
        binding: elf::STB_GLOBAL,
        kind: elf::STT_OBJECT,
        section: metadata,
        value: 0,
        bytes: metadata.bytes,
    });
    let table = table.write(&mut file);
    for section in relocated {
        file.link(section, table);
    }
    Ok(file.finish(&[]))
}

/// Adds the symbol that stands for a section.
fn section_symbol(table: &mut Symbols, section: Section) -> u32 {
    table.add(&NewSymbol {
        name: "",
        binding: elf::STB_LOCAL,
        kind: elf::STT_SECTION,
        section,
        value: 0,
        bytes: 0,
    })
}

/// Adds the relocations of a section, if there are any.
fn relocate(
    file: &mut ElfFile,
    section: Section,
    name: &str,
    relocations: impl Iterator<Item = Rel>,
) -> Option<Section> {
    let mut bytes = Vec::new();
    for relocation in relocations {
        file.encoder().relocation(&mut bytes, true, &relocation);
    }
    if bytes.is_empty() {
        return None;
    }
    let mut header = file.encoder().relocation_section_header(true);
    header.sh_info = section.index;
    Some(file.add(name, header, &bytes))
}
