//! A finished shared library for Windows, written without a linker: a DLL.
//!
//! ```text
//!   R    ┌──────────────────────────────────────┐ 0
//!        │ headers                              │
//!   RX   ├──────────────────────────────────────┤ page
//!        │ .text                                │ all code
//!   R    ├──────────────────────────────────────┤ page
//!        │ .rdata                               │ metadata ◄─ descriptor
//!        │                                      │ export directory: one name, the descriptor's
//!        │                                      │ debug directory: the build identifier
//!        │                                      │ what the prologue of each function does
//!        ├──────────────────────────────────────┤ page
//!        │ .pdata                               │ where each function begins and ends, and its prologue
//!        ├──────────────────────────────────────┤ page
//!        │ .images                              │ images of memories, for copy-on-write mappings
//!   RW   ├──────────────────────────────────────┤ page
//!        │ .data                                │ with debug information: the cell for the running instance
//!   R    ├──────────────────────────────────────┤ page
//!        │ .reloc                               │ that nothing has to be relocated
//!        ├──────────────────────────────────────┤ page
//!        │ .debug_*                             │ with debug information: it; each has pages of its own
//!        ├──────────────────────────────────────┤ from here on not loaded
//!        │ symbols, strings                     │ names of all functions
//!        └──────────────────────────────────────┘
//! ```
//!
//! Always true: nothing is imported, no code runs when the library is loaded, nothing but the cell is writable. In memory, every
//! byte is as far from the beginning as in the file. Parts that are empty have no section.

use std::mem::offset_of;

use object::endian::{U16, U32};
use object::pod::bytes_of;
use object::write::coff;
use object::write::pe::{NtHeaders, Writer};
use object::{Endianness, LittleEndian, pe};
use target_lexicon::{Architecture, Triple};
use wootz_runtime::abi::artifact::{
    CELL_BYTES, DEBUG_CELL_OFFSET_FIELD, DEBUG_CELL_SYMBOL, IMAGE_OFFSET_FIELD, TEXT_OFFSET_FIELD,
};

use super::dwarf::{self, Addresses};
use super::function_table::{self, FunctionTable};
use super::{Contents, notes};
use crate::error::{Error, Result};
use crate::link::Symbol;
use crate::target::image_alignment_of;

/// What the library calls itself, as those do that linkers make of our objects.
const LIBRARY_NAME: &str = "module.dll";

/// Where linkers ask for libraries to be; the system chooses another place.
const BASE: u64 = 0x1_8000_0000;

/// The version of Windows that linkers ask for, which is that of Windows Vista.
const WINDOWS_VERSION: (u16, u16) = (6, 0);

/// How many data directories headers have room for.
const DATA_DIRECTORIES: usize = 16;

/// The bytes of a shared library.
///
/// # Errors
/// If it would exceed 2 GiB.
pub fn write(contents: Contents<'_>) -> Result<Vec<u8>> {
    let Contents { triple, text, image, symbols, descriptor_symbol, .. } = contents;
    let mut table = function_table::of(contents.unwind, triple);
    check_size(&contents, &table)?;
    let page = image_alignment_of(triple);
    let mut file = Vec::new();
    let mut writer = Writer::new(true, page, page, &mut file);
    writer.reserve_dos_header_and_stub();
    writer.reserve_nt_headers(DATA_DIRECTORIES);
    let debug = contents.debug.map_or(&[][..], |debug| &debug.sections);
    let before_cell = [!text.is_empty(), true, !table.functions.is_empty(), !image.is_empty()];
    let before_cell: u16 = before_cell.into_iter().map(u16::from).sum();
    let cell = contents.debug.map(|_| before_cell + 1);
    writer
        .reserve_section_headers(before_cell + u16::from(cell.is_some()) + 1 + debug.len() as u16);
    let names = Names {
        functions: symbols,
        descriptor: (descriptor_symbol, 1 + u16::from(!text.is_empty())),
        cell,
        sections: debug.iter().map(|section| section.name).collect(),
    };
    let names = names.encode()?;

    let text_at =
        (!text.is_empty()).then(|| writer.reserve_text_section(text.len() as u32).virtual_address);
    let data_at = writer.virtual_len();
    let mut data = ReadOnlyData { at: data_at, bytes: contents.metadata };
    let exports = data.add(|at| export_directory(at, data_at, descriptor_symbol));
    let identity = data.add(debug_directory);
    let records = data.add(|_| std::mem::take(&mut table.records));
    writer.reserve_rdata_section(data.bytes.len() as u32);
    let table_at = text_at.filter(|_| !table.functions.is_empty()).map(|text_at| {
        table.resolve(text_at, records.at);
        writer.reserve_pdata_section(table.functions.len() as u32).virtual_address
    });
    let image_at = (!image.is_empty()).then(|| {
        let flags = pe::IMAGE_SCN_CNT_INITIALIZED_DATA | pe::IMAGE_SCN_MEM_READ;
        let bytes = image.len() as u32;
        writer.reserve_section(*b".images\0", flags, bytes, bytes).virtual_address
    });
    let cell_at = cell.map(|_| writer.reserve_data_section(CELL_BYTES, CELL_BYTES).virtual_address);
    // A library with no such section could be taken for one that must not be moved.
    writer.add_reloc(data_at, pe::IMAGE_REL_BASED_ABSOLUTE);
    writer.reserve_reloc_section();
    let debug_at: Vec<u32> = debug
        .iter()
        .zip(&names.sections)
        .map(|(section, name)| {
            let bytes = section.bytes.len() as u32;
            writer.reserve_section(*name, DEBUG_FLAGS, bytes, bytes).virtual_address
        })
        .collect();

    // From here on every address is known.
    data.fill_distance(TEXT_OFFSET_FIELD, text_at);
    data.fill_distance(IMAGE_OFFSET_FIELD, image_at);
    data.fill_distance(DEBUG_CELL_OFFSET_FIELD, cell_at);
    writer.set_data_directory(pe::IMAGE_DIRECTORY_ENTRY_EXPORT, exports.at, exports.bytes);
    writer.set_data_directory(pe::IMAGE_DIRECTORY_ENTRY_DEBUG, identity.at, DEBUG_ENTRIES_BYTES);
    let headers_at = writer.nt_headers_offset() as usize;
    writer.write_dos_header_and_stub().map_err(failed)?;
    writer.write_nt_headers(headers(triple));
    writer.write_section_headers();
    for (at, bytes) in [
        (text_at, text),
        (Some(data_at), &data.bytes),
        (table_at, &table.functions),
        (image_at, image),
        (cell_at, &[0; CELL_BYTES as usize]),
    ] {
        if let Some(at) = at {
            writer.write_section(at, bytes);
        }
    }
    writer.write_reloc_section();
    let address = |at: Option<u32>| at.map_or(0, |at| BASE + u64::from(at));
    let addresses = Addresses { code: address(text_at), cell: address(cell_at) };
    for (section, at) in debug.iter().zip(debug_at) {
        writer.write_section(at, &dwarf::resolved(section, addresses, Endianness::Little));
    }

    // The writer knows neither symbols nor the checksum.
    let set = |file: &mut [u8], field, number| fill(file, headers_at + field, number);
    let symbols_at = file.len() as u32;
    file.extend(&names.table);
    set(&mut file, offset_of!(Headers, file_header.pointer_to_symbol_table), symbols_at);
    set(&mut file, offset_of!(Headers, file_header.number_of_symbols), names.symbols);
    identify(&mut file, headers_at, identity.at as usize);
    let sum = checksum(&file);
    set(&mut file, offset_of!(Headers, optional_header.check_sum), sum);
    Ok(file)
}

type Headers = pe::ImageNtHeaders64;

fn failed(error: object::write::Error) -> Error {
    Error::Limit { message: error.to_string() }
}

/// What a section is that debuggers read: nobody needs it in memory.
const DEBUG_FLAGS: pe::SectionFlags = pe::IMAGE_SCN_CNT_INITIALIZED_DATA
    .with(pe::IMAGE_SCN_MEM_READ)
    .with(pe::IMAGE_SCN_MEM_DISCARDABLE);

/// Checks that every place in the file fits into 31 bits.
fn check_size(contents: &Contents<'_>, table: &FunctionTable) -> Result<()> {
    let names =
        contents.symbols.iter().map(|symbol| symbol.name.len() + pe::IMAGE_SIZEOF_SYMBOL + 1);
    let parts = [
        contents.text.len(),
        contents.metadata.len(),
        contents.image.len(),
        table.functions.len(),
        table.records.len(),
        names.sum(),
        dwarf::size(contents.debug)?,
        // Headers, directories, and what lies between pages.
        1 << 20,
    ];
    match parts.into_iter().map(|bytes| bytes as u64).sum::<u64>() {
        0..0x8000_0000 => Ok(()),
        _ => Err(Error::Limit { message: "the file would exceed 2 GiB".to_string() }),
    }
}

fn headers(triple: &Triple) -> NtHeaders {
    let machine = match triple.architecture {
        Architecture::Aarch64(_) => pe::IMAGE_FILE_MACHINE_ARM64,
        _ => pe::IMAGE_FILE_MACHINE_AMD64,
    };
    let (major, minor) = WINDOWS_VERSION;
    NtHeaders {
        machine,
        // Filled in by `identify`.
        time_date_stamp: 0,
        characteristics: pe::IMAGE_FILE_EXECUTABLE_IMAGE
            | pe::IMAGE_FILE_LARGE_ADDRESS_AWARE
            | pe::IMAGE_FILE_DLL,
        major_linker_version: 0,
        minor_linker_version: 0,
        address_of_entry_point: 0,
        image_base: BASE,
        major_operating_system_version: major,
        minor_operating_system_version: minor,
        major_image_version: 0,
        minor_image_version: 0,
        major_subsystem_version: major,
        minor_subsystem_version: minor,
        subsystem: pe::IMAGE_SUBSYSTEM_WINDOWS_CUI,
        dll_characteristics: pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA
            | pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE
            | pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
        // Of interest in programs only.
        size_of_stack_reserve: 1 << 20,
        size_of_stack_commit: 1 << 12,
        size_of_heap_reserve: 1 << 20,
        size_of_heap_commit: 1 << 12,
    }
}

/// `.rdata` in the making. It begins with the metadata, and this with the descriptor.
struct ReadOnlyData {
    at: u32,
    bytes: Vec<u8>,
}

/// A part of the file.
struct Part {
    at: u32,
    bytes: u32,
}

impl ReadOnlyData {
    /// Adds what somebody makes who knows where it will be.
    fn add(&mut self, make: impl FnOnce(u32) -> Vec<u8>) -> Part {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = self.at + self.bytes.len() as u32;
        let part = make(at);
        self.bytes.extend(&part);
        Part { at, bytes: part.len() as u32 }
    }

    /// Stores how far behind the descriptor something begins.
    fn fill_distance(&mut self, field: u32, to: Option<u32>) {
        if let Some(to) = to {
            fill(&mut self.bytes, field as usize, to.wrapping_sub(self.at));
        }
    }
}

/// Stores a number at an offset.
fn fill(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

fn le32(number: usize) -> U32<LittleEndian> {
    U32::new(LittleEndian, number as u32)
}

/// An export directory with one name.
///
/// ```text
///   ┌───────────┬────────────┬─────────┬───────────────┬─────────────────────────┐
///   │ directory │ address of │ of name │ ordinal 0     │ library's name, NUL     │
///   │           │ descriptor │         │ (u16), zeros  │ descriptor's name, NUL  │
///   └───────────┴────────────┴─────────┴───────────────┴─────────────────────────┘
/// ```
fn export_directory(at: u32, descriptor_at: u32, descriptor_symbol: &str) -> Vec<u8> {
    let addresses = at as usize + size_of::<pe::ImageExportDirectory>();
    let (names, ordinals, strings) = (addresses + 4, addresses + 8, addresses + 12);
    let descriptor_name = strings + LIBRARY_NAME.len() + 1;
    let directory = pe::ImageExportDirectory {
        characteristics: le32(0),
        time_date_stamp: le32(0),
        major_version: U16::default(),
        minor_version: U16::default(),
        name: le32(strings),
        base: le32(1),
        number_of_functions: le32(1),
        number_of_names: le32(1),
        address_of_functions: le32(addresses),
        address_of_names: le32(names),
        address_of_name_ordinals: le32(ordinals),
    };
    let numbers = [descriptor_at, descriptor_name as u32, 0].map(u32::to_le_bytes);
    let strings = [LIBRARY_NAME, "\0", descriptor_symbol, "\0"].concat();
    [bytes_of(&directory), numbers.as_flattened(), strings.as_bytes()].concat()
}

/// The entries of the debug directory.
const DEBUG_ENTRIES: [pe::DebugType; 2] =
    [pe::IMAGE_DEBUG_TYPE_CODEVIEW, pe::IMAGE_DEBUG_TYPE_REPRO];
const DEBUG_ENTRY_BYTES: usize = size_of::<pe::ImageDebugDirectory>();
const DEBUG_ENTRIES_BYTES: u32 = (DEBUG_ENTRIES.len() * DEBUG_ENTRY_BYTES) as u32;

/// The build identifier is behind these.
const CODEVIEW_MAGIC: &[u8] = b"RSDS";

/// A debug directory, and behind it the record that the first of its entries is about. The other says that what should be
/// times of day are parts of a hash. Both are still 0: see [`identify`].
///
/// ```text
///   ┌──────────┬───────┬──────┬──────────────────┬───────┬─────┐
///   │ CodeView │ repro │ RSDS │ build identifier │ age 1 │ NUL │   there is no file with debug information to name
///   └──────────┴───────┴──────┴──────────────────┴───────┴─────┘
/// ```
fn debug_directory(at: u32) -> Vec<u8> {
    let record = [CODEVIEW_MAGIC, &[0; 16], &1u32.to_le_bytes(), b"\0"].concat();
    let mut bytes = Vec::new();
    for kind in DEBUG_ENTRIES {
        let is_record = kind == pe::IMAGE_DEBUG_TYPE_CODEVIEW;
        let place = if is_record { at as usize + DEBUG_ENTRIES_BYTES as usize } else { 0 };
        bytes.extend(bytes_of(&pe::ImageDebugDirectory {
            characteristics: le32(0),
            time_date_stamp: le32(0),
            major_version: U16::default(),
            minor_version: U16::default(),
            typ: U32::new(LittleEndian, kind),
            size_of_data: le32(if is_record { record.len() } else { 0 }),
            address_of_raw_data: le32(place),
            pointer_to_raw_data: le32(place),
        }));
    }
    bytes.extend(record);
    bytes
}

/// Fills in what tells this file from all others: the build identifier, and in place of times a number that depends on
/// the contents alone. Stores of libraries and reports of crashes name files by both.
fn identify(file: &mut [u8], headers_at: usize, debug_at: usize) {
    let identity = notes::identity(&[file]);
    let (build_id, stamp) = identity.split_at(16);
    let build_id_at = debug_at + DEBUG_ENTRIES_BYTES as usize + CODEVIEW_MAGIC.len();
    file[build_id_at..][..16].copy_from_slice(build_id);
    let in_header = headers_at + offset_of!(Headers, file_header.time_date_stamp);
    let in_entries = (0..DEBUG_ENTRIES.len()).map(|entry| {
        debug_at + entry * DEBUG_ENTRY_BYTES + offset_of!(pe::ImageDebugDirectory, time_date_stamp)
    });
    for at in in_entries.chain([in_header]) {
        file[at..][..4].copy_from_slice(stamp);
    }
}

/// What has a name.
struct Names<'a> {
    /// All functions. They are in the first section.
    functions: &'a [Symbol],
    /// The descriptor's symbol, and the section that it is in.
    descriptor: (&'a str, u16),
    /// The section that the cell for the running instance is in.
    cell: Option<u16>,
    /// Sections whose names are longer than headers have room for.
    sections: Vec<&'static str>,
}

/// Names as files have them.
struct EncodedNames {
    /// Symbols, and behind them the table of all strings.
    table: Vec<u8>,
    /// How many symbols there are.
    symbols: u32,
    /// What the headers of the sections have: where in the table of strings the name is.
    sections: Vec<[u8; 8]>,
}

impl Names<'_> {
    fn encode(&self) -> Result<EncodedNames> {
        let mut table = Vec::new();
        let mut writer = coff::Writer::new(&mut table);
        let functions = self.functions.iter().map(|symbol| coff::Symbol {
            name: writer.add_name(symbol.name.as_bytes()),
            value: symbol.offset,
            section_number: pe::SymbolSection(1),
            typ: pe::SymbolType(pe::IMAGE_SYM_DTYPE_FUNCTION.0 << 4),
            storage_class: pe::IMAGE_SYM_CLASS_STATIC,
            number_of_aux_symbols: 0,
        });
        let mut symbols: Vec<coff::Symbol> = functions.collect();
        if let Some(section) = self.cell {
            symbols.push(coff::Symbol {
                name: writer.add_name(DEBUG_CELL_SYMBOL.as_bytes()),
                section_number: pe::SymbolSection(section.into()),
                storage_class: pe::IMAGE_SYM_CLASS_STATIC,
                ..coff::Symbol::default()
            });
        }
        let (name, section) = self.descriptor;
        symbols.push(coff::Symbol {
            name: writer.add_name(name.as_bytes()),
            section_number: pe::SymbolSection(section.into()),
            storage_class: pe::IMAGE_SYM_CLASS_EXTERNAL,
            ..coff::Symbol::default()
        });
        let sections: Vec<coff::Name> =
            self.sections.iter().map(|name| writer.add_name(name.as_bytes())).collect();
        let count = symbols.len() as u32;
        writer.reserve_symbol_indices(count);
        writer.reserve_symtab_strtab().map_err(failed)?;
        symbols.into_iter().for_each(|symbol| writer.write_symbol(symbol));
        writer.write_strtab();
        // What else is known of sections is not for this writer: of their headers only the names count.
        let end = writer.len() as usize;
        for name in sections {
            writer.write_section_header(coff::SectionHeader {
                name,
                ..coff::SectionHeader::default()
            });
        }
        let headers = table.split_off(end);
        let headers = headers.chunks_exact(size_of::<pe::ImageSectionHeader>());
        let sections = headers.map(|header| *header.first_chunk().expect("a header has 40 bytes"));
        let sections = sections.collect();
        Ok(EncodedNames { table, symbols: count, sections })
    }
}

/// The checksum of a file whose field for it is 0: the sum of all 16-bit words, with carries added again, and the size.
fn checksum(file: &[u8]) -> u32 {
    let words =
        file.chunks(2).map(|word| u64::from(word[0]) | u64::from(*word.get(1).unwrap_or(&0)) << 8);
    let mut sum: u64 = words.sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u32 + file.len() as u32
}
