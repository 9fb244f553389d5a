//! A finished shared library for macOS, written without a linker.
//!
//! ```text
//!   RX   ┌──────────────────────────────────────┐ 0          __TEXT
//!        │ header, load commands                │
//!        │ room for longer ones                 │
//!        │ __text                               │ all code
//!        │ __wootz                              │ metadata ◄─ descriptor
//!        │ __unwind_info  __eh_frame            │
//!   R    ├──────────────────────────────────────┤ page       __WOOTZ
//!        │ __wootz_image                        │ images of memories, for copy-on-write mappings
//!   RW   ├──────────────────────────────────────┤ page       __DATA
//!        │ __data                               │ with debug information: the cell for the running instance
//!   R    ├──────────────────────────────────────┤ page       __DWARF
//!        │ __debug_*                            │ debug information, if it is not in another file
//!   R    ├──────────────────────────────────────┤ page       __LINKEDIT
//!        │ tree of exports                      │ one symbol: the descriptor
//!        │ where functions begin                │
//!        │ symbols, strings                     │ names of all functions
//!        │ signature                            │ where the system wants one
//!        └──────────────────────────────────────┘
//! ```
//!
//! Always true: nothing is relocated or bound, nothing but the cell is writable, and the system's library, which every process has,
//! is the only one that is needed. The address of every byte is its offset in the file. Parts that are empty have no section and no segment.

use cranelift_codegen::gimli::leb128::write::Leb128;
use object::write::macho::{Encoder, Nlist};
use object::{Endianness, LittleEndian, macho};
use wootz_runtime::abi::artifact::{
    CELL_BYTES, DEBUG_CELL_OFFSET_FIELD, DEBUG_CELL_SYMBOL, IMAGE_OFFSET_FIELD, TEXT_OFFSET_FIELD,
};

use super::dwarf::{self, Addresses};
use super::macho::{DATA, EH_FRAME, EH_FRAME_FLAGS, IMAGE, METADATA, Machine, TEXT};
use super::macho_commands::{self, LinkEdit, Part, Segment};
use super::macho_dsym::{self, DebugFile};
use super::macho_signature::{self, Signed};
use super::macho_unwind::{self, Code};
use super::unwind::{self, Pointers};
use super::{Contents, Files, notes};
use crate::error::{Error, Result};

/// The largest pages that these systems have: what segments are aligned to.
const PAGE: u64 = 0x4000;

/// Room behind the load commands, for whoever adds one or gives the library a longer name.
const SPARE_BYTES: u64 = 1024;

/// What the parts of the last segment are aligned to.
const PART_ALIGNMENT: usize = 8;

const READ: macho::VmProt = macho::VM_PROT_READ;

/// A shared library, and the file with its debug information if that is separate.
///
/// # Errors
/// If it would exceed 2 GiB.
pub fn write(contents: Contents<'_>, machine: Machine) -> Result<Files> {
    let Contents { text, metadata, image, symbols, unwind, descriptor_symbol, .. } = contents;
    dwarf::size(contents.debug)?;
    let endian = Endianness::Little;
    let mut frames = unwind::frames(contents.cie, unwind, endian, Pointers::Absolute64)?;

    // What there is, and how large it is: sections by their index in the segment.
    let mut code = Segment::new("__TEXT", READ | macho::VM_PROT_EXECUTE);
    let instructions = macho::S_ATTR_PURE_INSTRUCTIONS | macho::S_ATTR_SOME_INSTRUCTIONS;
    let plain = macho::S_REGULAR.to_flags();
    let text_at = code.add(TEXT, instructions, machine.text_alignment, text.len());
    let metadata_at = code.add(METADATA, plain, 64, metadata.len()).expect("there is a descriptor");
    let (index_bytes, frame_bytes) = match frames.places.len() {
        0 => (0, 0),
        functions => (macho_unwind::size(functions), frames.bytes.len() + unwind::TERMINATOR.len()),
    };
    let index_at = code.add("__unwind_info", plain, 4, index_bytes);
    let frames_at = code.add(EH_FRAME, EH_FRAME_FLAGS, 8, frame_bytes);
    let mut images = Segment::new("__WOOTZ", READ);
    let image_at = images.add(IMAGE, plain, PAGE, image.len());
    let mut segments = vec![code];
    segments.extend(image_at.map(|_| images));
    let cell_segment = contents.debug.map(|_| {
        let mut data = Segment::new(DATA, READ | macho::VM_PROT_WRITE);
        data.add("__data", plain, CELL_BYTES.into(), CELL_BYTES as usize);
        segments.push(data);
        segments.len() - 1
    });
    let debug = contents.debug.filter(|debug| !debug.sections.is_empty());
    let dwarf_segment = debug.filter(|_| contents.separate.is_none()).map(|debug| {
        let sections = debug.sections.iter();
        let sections = sections.map(|section| (section.name, section.bytes.len()));
        segments.push(macho_commands::dwarf_segment(sections));
        segments.len() - 1
    });
    segments.push(Segment::new("__LINKEDIT", READ));
    let local_symbols = symbols.len() as u32 + u32::from(cell_segment.is_some());
    let mut parts = LinkEdit { local_symbols, ..LinkEdit::default() };
    let header_bytes = macho_commands::header(&machine, &segments, &parts, [0; 16]).len();
    let names: usize = symbols.iter().map(|symbol| symbol.name.len() + 40).sum();
    let end = place(&mut segments, header_bytes as u64 + SPARE_BYTES);
    // The rest has no more than this, but for the signature.
    let expected = end + (names + unwind.len() * 5) as u64 + PAGE;
    if expected > i32::MAX as u64 {
        return Err(Error::Limit { message: "the file would exceed 2 GiB".to_string() });
    }

    // From here on every address is known.
    let mut file = Vec::with_capacity(expected as usize / 100 * 101);
    file.resize(end as usize, 0);
    let section = |index: usize| &segments[0].sections[index];
    let metadata_start = section(metadata_at).start;
    fill(&mut file, metadata_start, &metadata);
    let image_start = image_at.map(|_| segments[1].start);
    let text_start = text_at.map(|index| section(index).start);
    let cell_start = cell_segment.map(|index| segments[index].start);
    for (field, target, bytes) in [
        (TEXT_OFFSET_FIELD, text_start, text),
        (IMAGE_OFFSET_FIELD, image_start, image),
        (DEBUG_CELL_OFFSET_FIELD, cell_start, &[]),
    ] {
        if let Some(target) = target {
            let distance = target as i64 - metadata_start as i64;
            fill(&mut file, metadata_start + u64::from(field), &(distance as i32).to_le_bytes());
            fill(&mut file, target, bytes);
        }
    }
    if let (Some(index_at), Some(frames_at)) = (index_at, frames_at) {
        let start = text_start.expect("what can be unwound is code");
        let code = Code { start: start as u32, end: (start + text.len() as u64) as u32 };
        let index = macho_unwind::section(&frames, &code, machine.unwound_by_frames);
        fill(&mut file, section(index_at).start, &index);
        let frames_start = section(frames_at).start;
        frames.resolve(frames_start, start, endian);
        fill(&mut file, frames_start, &frames.bytes);
    }

    let addresses = Addresses { code: text_start.unwrap_or(0), cell: cell_start.unwrap_or(0) };
    if let (Some(debug), Some(index)) = (debug, dwarf_segment) {
        let filled = debug.sections.iter().filter(|section| !section.bytes.is_empty());
        for (section, place) in filled.zip(&segments[index].sections) {
            fill(&mut file, place.start, &dwarf::resolved(section, addresses, endian));
        }
    }

    // What is read by the loader and by tools, in the order that they want.
    parts.exports = add(&mut file, &exports(descriptor_symbol, metadata_start));
    let starts = function_starts(text_start, unwind.iter().map(|&(offset, _)| offset));
    parts.function_starts = add(&mut file, &starts);
    let mut names = Symbols::new();
    if let (Some(text_at), Some(start)) = (text_at, text_start) {
        for symbol in symbols {
            let address = start + u64::from(symbol.offset);
            names.add(&symbol.name, macho::N_SECT.into(), text_at, address);
        }
    }
    if let (Some(index), Some(address)) = (cell_segment, cell_start) {
        let before: usize = segments[..index].iter().map(|segment| segment.sections.len()).sum();
        names.add(DEBUG_CELL_SYMBOL, macho::N_SECT.into(), before, address);
    }
    let descriptor = macho::N_SECT | macho::N_EXT;
    names.add(descriptor_symbol, descriptor, metadata_at, metadata_start);
    parts.symbols = add(&mut file, &names.table);
    parts.strings = add(&mut file, &names.strings);
    let signed = machine.is_signed.then(|| {
        pad(&mut file, macho_signature::ALIGNMENT);
        let (name, code_bytes) = (macho_commands::NAME, segments[0].file_bytes);
        let signed = Signed { name, file_bytes: file.len(), code_bytes };
        parts.signature = Part { start: file.len() as u32, bytes: signed.signature_bytes() as u32 };
        signed
    });
    let last = segments.last_mut().expect("it was added");
    last.file_bytes = file.len() as u64 + u64::from(parts.signature.bytes) - last.start;
    last.memory_bytes = last.file_bytes.next_multiple_of(PAGE);

    // From here on only the file's identity is unknown, and what it means for the signature.
    fill(&mut file, 0, &macho_commands::header(&machine, &segments, &parts, [0; 16]));
    let debug_file = debug.filter(|_| contents.separate.is_some()).map(|debug| {
        let names = macho_dsym::Names { symbols: &names.table, strings: &names.strings };
        DebugFile::new(machine, &segments, &names, debug, addresses)
    });
    let without_identity = debug_file.as_ref().map(|debug_file| debug_file.with_identity([0; 16]));
    let identity = notes::identity(&[&file, without_identity.as_deref().unwrap_or_default()]);
    let identity = uuid(identity);
    fill(&mut file, 0, &macho_commands::header(&machine, &segments, &parts, identity));
    if let Some(signed) = signed {
        let signature = signed.signature(&file);
        file.extend(signature);
    }
    let debug_file = debug_file.map(|debug_file| debug_file.with_identity(identity));
    Ok(Files { file, debug_file })
}

/// Gives everything its place: the first section comes behind the header, segments begin at pages. Returns where the last one
/// begins, whose size nobody knows yet.
fn place(segments: &mut [Segment], header_bytes: u64) -> u64 {
    let mut next = 0;
    for segment in segments {
        (segment.start, segment.file_start) = (next, next);
        if segment.start == 0 {
            next = header_bytes;
        }
        for section in &mut segment.sections {
            section.start = next.next_multiple_of(section.alignment);
            next = section.start + section.bytes;
        }
        next = next.next_multiple_of(PAGE);
        segment.file_bytes = next - segment.start;
        segment.memory_bytes = segment.file_bytes;
    }
    next
}

fn fill(file: &mut [u8], at: u64, bytes: &[u8]) {
    file[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
}

fn pad(file: &mut Vec<u8>, alignment: usize) {
    file.resize(file.len().next_multiple_of(alignment), 0);
}

/// Adds a part to the last segment. What pads it belongs to it: tools that change files want no gaps.
fn add(file: &mut Vec<u8>, bytes: &[u8]) -> Part {
    let start = file.len();
    file.extend(bytes);
    pad(file, PART_ALIGNMENT);
    Part { start: start as u32, bytes: (file.len() - start) as u32 }
}

/// The tree of exports: a root whose only branch is the whole name of the only symbol.
///
/// ```text
///   ┌─────────────┬──────────────┬────────────────────────┬──────────────────┐
///   │ size 0:     │ branches: 1  │ name, NUL              │ where it goes to │   root
///   │ no symbol   │              │                        │                  │
///   ├─────────────┼──────────────┼────────────────────────┼──────────────────┤
///   │ size        │ flags: none  │ address                │ branches: 0      │   leaf
///   └─────────────┴──────────────┴────────────────────────┴──────────────────┘   numbers: LEB128
/// ```
fn exports(symbol: &str, address: u64) -> Vec<u8> {
    let mut tree = vec![0, 1, b'_'];
    tree.extend(symbol.as_bytes());
    tree.push(0);
    // The number is the leaf's place, and has one byte unless names are very long.
    let leaf = (1..).find(|bytes| Leb128::unsigned((tree.len() + bytes) as u64).len() == *bytes);
    let leaf = tree.len() + leaf.expect("numbers have few bytes");
    tree.extend(Leb128::unsigned(leaf as u64).bytes());
    let address = Leb128::unsigned(address);
    tree.extend(Leb128::unsigned(1 + address.len() as u64).bytes());
    tree.push(macho::EXPORT_SYMBOL_FLAGS_KIND_REGULAR.0);
    tree.extend(address.bytes());
    tree.push(0);
    tree
}

/// Where functions begin: each as the distance to the one before, the first from the beginning of the file.
fn function_starts(text_start: Option<u64>, offsets: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut starts = Vec::new();
    let mut before = 0;
    for offset in offsets {
        let start = text_start.expect("functions are code") + u64::from(offset);
        starts.extend(Leb128::unsigned(start - before).bytes());
        before = start;
    }
    starts.push(0);
    starts
}

/// Symbols in the making.
struct Symbols {
    table: Vec<u8>,
    strings: Vec<u8>,
}

impl Symbols {
    fn new() -> Symbols {
        // No name begins at 0: that is how a symbol without name is written.
        Symbols { table: Vec::new(), strings: vec![0] }
    }

    /// Adds a symbol in the section with this index. Its name gets an underscore in front, as all names in C do.
    fn add(&mut self, name: &str, kind: macho::SymbolFlags, section: usize, address: u64) {
        assert!(!name.contains('\0'), "names of symbols are made without NUL");
        let symbol = Nlist {
            n_strx: self.strings.len() as u32,
            n_type: kind,
            // They are counted from 1.
            n_sect: section as u8 + 1,
            n_desc: macho::SymbolDesc(0),
            n_value: address,
        };
        Encoder::new(LittleEndian, true).nlist(&mut self.table, &symbol);
        self.strings.push(b'_');
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
    }
}

/// A hash as an identifier of 128 bits, which says of itself that whoever made it knows how.
fn uuid(hash: [u8; notes::BUILD_ID_BYTES]) -> [u8; 16] {
    let mut identity = *hash.first_chunk().expect("there are more");
    identity[6] = identity[6] & 0x0f | 0x80;
    identity[8] = identity[8] & 0x3f | 0x80;
    identity
}
