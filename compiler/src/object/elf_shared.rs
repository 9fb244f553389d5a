//! A finished shared library, written without a linker.
//!
//! ```text
//!   R    ┌──────────────────────────────────────┐ 0
//!        │ file header, program headers         │
//!        │ .note.gnu.build-id  .note.wootz      │ PT_NOTE
//!        │ .gnu.hash  .dynsym  .dynstr          │ one symbol: the descriptor
//!        │ .rodata.wootz                        │ metadata ◄─ descriptor
//!        │ .eh_frame_hdr  .eh_frame             │ PT_GNU_EH_FRAME
//!   RX   ├──────────────────────────────────────┤ page
//!        │ .text                                │ all code
//!   R    ├──────────────────────────────────────┤ page
//!        │ .rodata.wootz.image                  │ images of memories, for copy-on-write mappings
//!   RW   ├──────────────────────────────────────┤ page
//!        │ .dynamic  (.padding.relro)           │ PT_DYNAMIC, PT_GNU_RELRO
//!        │ (.bss.wootz)                         │ with debug information: the cell for the running instance
//!        │ .data.wootz                          │ or else, behind `.dynamic` and without PT_GNU_RELRO: the cell for traps
//!        ├──────────────────────────────────────┤ from here on not loaded
//!        │ .debug_*  or  .gnu_debuglink         │ with debug information: it, or where it is
//!        │ .symtab  .strtab  .shstrtab          │ names of all functions
//!        │ section headers                      │
//!        └──────────────────────────────────────┘
//! ```
//!
//! Always true: no relocation, no needed library, no undefined symbol. Parts that are empty have no section and no
//! segment.
//!
//! Nothing of ours is writable, but for the cell. But before version 2.35 the C library of GNU writes into `.dynamic` when it
//! loads a file, so that has a page of its own, which is writable until the file is loaded. With the cell for traps it stays so:
//! one page less is written, and one system call less made, at each load.
//!
//! If debug information is separate, a second file has it, with the same headers, build identifier and symbols, and otherwise
//! nothing: what `objcopy --only-keep-debug` makes. Debuggers find it by its name or by the build identifier, and see by its
//! checksum, or again by the build identifier, that it is the right one.

use object::write::elf::{GnuHashTable, ProgramHeader, Sym};
use object::{Endian, elf};
use wootz_runtime::abi::artifact::{
    CELL_BYTES, DEBUG_CELL_OFFSET_FIELD, DEBUG_CELL_SYMBOL, IMAGE_OFFSET_FIELD, TEXT_OFFSET_FIELD,
    TRAP_CELL_OFFSET_FIELD, TRAP_CELL_SYMBOL,
};

use super::dwarf::{self, Addresses};
use super::elf::{ElfFile, Machine, NewSymbol, Section, Strings, Symbols, plain};
use super::unwind::{self, Pointers};
use super::{Contents, Files, notes};
use crate::debug::Sections;
use crate::error::Result;

/// As many program headers as there can be.
const PROGRAM_HEADERS: usize = 9;

/// A shared library, and the file with its debug information if that is separate.
///
/// # Errors
/// If it would exceed 2 GiB.
pub fn write(contents: Contents<'_>, machine: Machine) -> Result<Files> {
    let Contents { text, metadata, image, symbols, descriptor_symbol, .. } = contents;
    let (endian, page) = (machine.endian, machine.page);
    let mut frames = unwind::frames(contents.cie, contents.unwind, endian, Pointers::Signed32)?;
    let names: usize = symbols.iter().map(|symbol| symbol.name.len() + 32).sum();
    let known = text.len()
        + metadata.len()
        + image.len()
        + frames.bytes.len()
        + frames.search_table_bytes()
        + dwarf::size(contents.debug)?
        + names;
    let mut file = ElfFile::new(machine, elf::ET_DYN, PROGRAM_HEADERS, known + 5 * page as usize);
    let encoder = file.encoder();
    let mut segments = Segments { page, headers: Vec::new() };

    // What is read only.
    let note = plain(elf::SHT_NOTE, elf::SHF_ALLOC, 4);
    let build_id = file.add(".note.gnu.build-id", note.clone(), &notes::build_id(endian));
    let abi_version = file.add(".note.wootz", note, &notes::abi_version(endian));
    let mut hash_bytes = Vec::new();
    let one_symbol = GnuHashTable {
        bucket_count: 1,
        bloom_count: 1,
        bloom_shift: 6,
        symbol_base: 1,
        symbol_count: 1,
    };
    encoder.gnu_hash_table(&mut hash_bytes, &one_symbol, |_| {
        elf::gnu_hash(descriptor_symbol.as_bytes())
    });
    let hash = file.add(".gnu.hash", encoder.gnu_hash_section_header(0), &hash_bytes);
    let dynsym = file.reserve(
        ".dynsym",
        encoder.dynsym_section_header(0, 1),
        2 * encoder.sym_size() as usize,
    );
    let mut dynamic_strings = Strings::new();
    let descriptor_name = dynamic_strings.add(descriptor_symbol);
    let dynstr = file.add(".dynstr", encoder.dynstr_section_header(), &dynamic_strings.bytes);
    file.link(hash, dynsym);
    file.link(dynsym, dynstr);
    let rodata = plain(elf::SHT_PROGBITS, elf::SHF_ALLOC, 64);
    let metadata = file.add(".rodata.wootz", rodata.clone(), &metadata);
    let unwinding = (!frames.places.is_empty()).then(|| {
        let header = plain(elf::SHT_PROGBITS, elf::SHF_ALLOC, 4);
        let search = file.reserve(".eh_frame_hdr", header, frames.search_table_bytes());
        let header = plain(elf::SHT_PROGBITS, elf::SHF_ALLOC, 8);
        (search, file.reserve(".eh_frame", header, frames.bytes.len() + unwind::TERMINATOR.len()))
    });
    let last_note = abi_version;
    let end = unwinding.map_or(metadata, |(_, frames)| frames).end();
    segments.load(elf::PF_R, 0, end, end);

    // What is executable, and what is mapped by whoever has a memory to fill.
    let text = (!text.is_empty()).then(|| {
        let flags = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
        let text = file.add(".text", plain(elf::SHT_PROGBITS, flags, page), text);
        segments.load(elf::PF_R | elf::PF_X, text.offset, text.bytes, text.bytes);
        text
    });
    let image = (!image.is_empty()).then(|| {
        let header = plain(elf::SHT_PROGBITS, elf::SHF_ALLOC, page);
        let image = file.add(".rodata.wootz.image", header, image);
        segments.load(elf::PF_R, image.offset, image.bytes, image.bytes);
        image
    });

    // What is writable until the file is loaded.
    let mut dynamic_bytes = Vec::new();
    for (tag, value) in [
        (elf::DT_GNU_HASH, hash.offset),
        (elf::DT_STRTAB, dynstr.offset),
        (elf::DT_SYMTAB, dynsym.offset),
        (elf::DT_STRSZ, dynstr.bytes),
        (elf::DT_SYMENT, encoder.sym_size()),
        (elf::DT_NULL, 0),
    ] {
        encoder.dynamic(&mut dynamic_bytes, tag, value).expect("tags and values have 64 bits");
    }
    let mut header = encoder.dynamic_section_header(dynstr.index);
    header.sh_addralign = page;
    let dynamic = file.add(".dynamic", header, &dynamic_bytes);
    let read_write = elf::PF_R | elf::PF_W;
    let cell_header = |kind| plain(kind, elf::SHF_ALLOC | elf::SHF_WRITE, CELL_BYTES.into());
    let trap_cell = contents.trap_cell.map(|_| {
        file.add(".data.wootz", cell_header(elf::SHT_PROGBITS), &[0; CELL_BYTES as usize])
    });
    let debug_cell = match trap_cell {
        Some(cell) => {
            let bytes = cell.end() - dynamic.offset;
            segments.load(read_write, dynamic.offset, bytes, bytes);
            segments.add(elf::PT_DYNAMIC, read_write, dynamic.offset, dynamic.bytes, 8);
            None
        }
        None => {
            // Only whole pages can be made read only again.
            let header = plain(elf::SHT_NOBITS, elf::SHF_ALLOC | elf::SHF_WRITE, 1);
            let (start, room) = (dynamic.end(), page - dynamic.bytes);
            let padding = file.add_zeros(".padding.relro", header, start, room);
            let cell = contents.debug.map(|_| {
                let header = cell_header(elf::SHT_NOBITS);
                file.add_zeros(".bss.wootz", header, padding.end(), CELL_BYTES.into())
            });
            let writable = cell.unwrap_or(padding).end() - dynamic.offset;
            segments.load(read_write, dynamic.offset, dynamic.bytes, writable);
            segments.add(elf::PT_DYNAMIC, read_write, dynamic.offset, dynamic.bytes, 8);
            segments.add(elf::PT_GNU_RELRO, elf::PF_R, dynamic.offset, dynamic.bytes, 1);
            segments.last().p_memsz = page;
            cell
        }
    };

    // From here on every address is known.
    for (field, target) in [
        (TEXT_OFFSET_FIELD, text),
        (IMAGE_OFFSET_FIELD, image),
        (DEBUG_CELL_OFFSET_FIELD, debug_cell),
        (TRAP_CELL_OFFSET_FIELD, trap_cell),
    ] {
        if let Some(target) = target {
            file.fill_distance(metadata, field as usize, 0, target)?;
        }
    }
    if let (Some(at), Some(text), Some(cell)) = (contents.trap_cell, text, trap_cell) {
        file.fill_distance(text, at as usize, at + 4, cell)?;
    }
    let mut descriptor = Vec::new();
    encoder.null_symbol(&mut descriptor);
    encoder.symbol(&mut descriptor, &dynamic_symbol(descriptor_name, metadata));
    file.fill(dynsym, 0, &descriptor);
    if let Some((search, section)) = unwinding {
        let text = text.expect("what can be unwound is code").offset;
        file.fill(search, 0, &frames.search_table(search.offset, section.offset, text, endian));
        frames.resolve(section.offset, text, endian);
        file.fill(section, 0, &frames.bytes);
        segments.add(elf::PT_GNU_EH_FRAME, elf::PF_R, search.offset, search.bytes, 4);
    }
    segments.add(elf::PT_NOTE, elf::PF_R, build_id.offset, abi_version.end() - build_id.offset, 4);
    segments.add(elf::PT_GNU_STACK, elf::PF_R | elf::PF_W, 0, 0, 16);

    let mut names = Symbols::new(&file);
    if let Some(section) = text {
        for symbol in symbols {
            names.add(&NewSymbol {
                name: &symbol.name,
                binding: elf::STB_LOCAL,
                kind: elf::STT_FUNC,
                section,
                value: section.offset + u64::from(symbol.offset),
                bytes: u64::from(symbol.bytes),
            });
        }
    }
    let cells = [(DEBUG_CELL_SYMBOL, debug_cell), (TRAP_CELL_SYMBOL, trap_cell)];
    for (name, cell) in cells {
        let Some(cell) = cell else { continue };
        names.add(&NewSymbol {
            name,
            binding: elf::STB_LOCAL,
            kind: elf::STT_OBJECT,
            section: cell,
            value: cell.offset,
            bytes: cell.bytes,
        });
    }
    names.add(&NewSymbol {
        name: descriptor_symbol,
        binding: elf::STB_GLOBAL,
        kind: elf::STT_OBJECT,
        section: metadata,
        value: metadata.offset,
        bytes: metadata.bytes,
    });

    let mut separate = contents.separate.map(|name| (name, file.up_to(last_note)));
    let mut link = None;
    if let (Some(debug), Some(cell)) = (contents.debug, debug_cell) {
        let code = text.map_or(0, |text| text.offset);
        let with_debug = separate.as_mut().map_or(&mut file, |(_, file)| file);
        add_debug(with_debug, debug, Addresses { code, cell: cell.offset }, machine);
    }
    if let Some((name, debug_file)) = &mut separate {
        link = Some(file.add(
            ".gnu_debuglink",
            plain(elf::SHT_PROGBITS, elf::SectionFlags(0), 4),
            &debug_link(name),
        ));
        names.write(debug_file);
    }
    names.write(&mut file);

    let mut file = file.finish(&segments.headers);
    let mut debug_file =
        separate.map(|(_, debug_file)| debug_file.finish(&segments.up_to(last_note)));
    let identity = notes::identity(&[&file, debug_file.as_deref().unwrap_or_default()]);
    for file in [Some(&mut file), debug_file.as_mut()].into_iter().flatten() {
        let at = build_id.offset as usize + notes::BUILD_ID_OFFSET;
        file[at..at + identity.len()].copy_from_slice(&identity);
    }
    if let (Some(link), Some(debug_file)) = (link, &debug_file) {
        let checksum = endian.write_u32(crc32fast::hash(debug_file));
        file[link.end() as usize - checksum.len()..][..checksum.len()].copy_from_slice(&checksum);
    }
    Ok(Files { file, debug_file })
}

/// Adds debug information, which is not loaded.
fn add_debug(file: &mut ElfFile, debug: &Sections, addresses: Addresses, machine: Machine) {
    for section in &debug.sections {
        let header = plain(elf::SHT_PROGBITS, elf::SectionFlags(0), 1);
        file.add(section.name, header, &dwarf::resolved(section, addresses, machine.endian));
    }
}

/// What a file says of the one with its debug information: the name, and a checksum, which is still 0.
fn debug_link(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4) + 4, 0);
    bytes
}

fn dynamic_symbol(st_name: u32, section: Section) -> Sym {
    Sym {
        section: Some(section.index),
        st_name,
        st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_OBJECT),
        st_other: elf::SymbolOther::default(),
        st_shndx: elf::SymbolSection::default(),
        st_value: section.offset,
        st_size: section.bytes,
    }
}

/// Program headers in the making.
struct Segments {
    page: u64,
    headers: Vec<ProgramHeader>,
}

impl Segments {
    /// A part of the file that is mapped.
    fn load(&mut self, flags: elf::ProgramFlags, offset: u64, bytes: u64, memory_bytes: u64) {
        self.add(elf::PT_LOAD, flags, offset, bytes, self.page);
        self.last().p_memsz = memory_bytes;
    }

    fn add(
        &mut self,
        p_type: elf::ProgramType,
        p_flags: elf::ProgramFlags,
        offset: u64,
        bytes: u64,
        p_align: u64,
    ) {
        self.headers.push(ProgramHeader {
            p_type,
            p_flags,
            p_offset: offset,
            p_vaddr: offset,
            p_paddr: offset,
            p_filesz: bytes,
            p_memsz: bytes,
            p_align,
        });
    }

    /// The segments of a file that has nothing of them behind a section.
    fn up_to(&self, last: Section) -> Vec<ProgramHeader> {
        let mut headers = self.headers.clone();
        for header in &mut headers {
            if header.p_offset + header.p_filesz > last.end() {
                header.p_filesz = last.end().saturating_sub(header.p_offset);
            }
            if header.p_filesz == 0 {
                // Any place will do that has the same distance from a page.
                header.p_offset = 0;
            }
        }
        headers
    }

    fn last(&mut self) -> &mut ProgramHeader {
        self.headers.last_mut().expect("one was just added")
    }
}
