//! The descriptor of an artifact and its tables, searched in place.
//!
//! An artifact, whatever its container, has one exported symbol, [`DESCRIPTOR_SYMBOL`], at the beginning of its
//! *metadata*: one run of read-only bytes that holds the descriptor and all tables. Three things lie elsewhere, and the
//! descriptor says how far away: the code, the page-aligned images of memories, and a cell, for debuggers or for traps.
//!
//! ```text
//!   metadata ─► ┌─────────────────────────────┐ 0
//!               │ Descriptor                  │
//!               ├─────────────────────────────┤
//!               │ compat    (postcard)        │  checked against the descriptor's checksum
//!               │ manifest  (postcard)        │
//!               ├─────────────────────────────┤
//!               │ functions  u32[..] bytes    │  sorted by start; see `functions`
//!               │ signatures SignatureCode[]  │  by SignatureIndex
//!               │ funcrefs   FuncRefRecord[]  │  by FuncRefIndex
//!               │ places     u32[..] bytes    │  what may trap, and where code comes from; see `places`
//!               │ calls      u32[..] bytes    │  calls in whose place functions were translated; see `places`
//!               │ names      bytes            │  of functions
//!               │ elements   bytes            │  of element segments
//!               │ data       bytes            │  of data segments and custom sections
//!               │ stack maps u32[..] bytes    │  where frames hold references; see `Writer::stack_maps`
//!               │ source_lines                │  functions, files and lines of the source; see `source_lines`
//!               └─────────────────────────────┘
//! ```
//!
//! Numbers are in the byte order of the target, postcard's in its own. Every [`Span`] is relative to the descriptor, so
//! the file needs no relocation to be loaded. All records have 4-byte alignment.

/// Numbers of any size.
mod leb128;
/// Numbers in bytes.
mod numbers;
/// The table of functions, both ways.
mod functions;
/// The table of places, both ways.
mod places;
/// The table of source lines, both ways.
mod source_lines;
/// Reading.
mod read;
/// Writing.
mod write;

use core::mem::offset_of;

pub use functions::FunctionRecord;
pub use leb128::read_leb;
pub use numbers::ByteOrder;
pub use places::{CodePlace, CodePlaces, InlinedCall};
pub use read::{MetadataError, Tables};
pub use source_lines::{
    FunctionLines, SourceFrame, SourceFrames, SourceLines, SourcePlace, SourceRow, SourceScope,
};
pub use write::{Metadata, StackMap, TooLarge};

/// The exported symbol of an artifact.
pub const DESCRIPTOR_SYMBOL: &str = "wootz_module";

/// The first bytes of a descriptor.
pub const MAGIC: [u8; 8] = *b"\x7fWOOTZ\r\n";

/// An operating system, as far as the layout of files depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum System {
    Linux,
    Macos,
    Windows,
}

/// Images of memories, and their places in memories, are multiples of this many bytes: the largest page size that
/// such systems have on the target architecture.
pub const fn image_alignment(is_x86_64: bool, system: System) -> u32 {
    match system {
        _ if is_x86_64 => 0x1000,
        System::Windows => 0x1000,
        System::Macos => 0x4000,
        System::Linux => 0x1_0000,
    }
}

/// A run of bytes, found relative to the descriptor.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Span {
    /// How far behind the descriptor it begins.
    pub offset: i32,
    /// How many bytes it has.
    pub bytes: u32,
}

/// The beginning of an artifact's metadata.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`ABI_VERSION`](super::ABI_VERSION) of the compiler.
    pub abi_version: u32,
    /// The size of all metadata, this descriptor included.
    pub metadata_bytes: u32,
    /// [`checksum`] of `compat` and `manifest`.
    pub checksum: u64,
    /// A [`Compatibility`](super::compat::Compatibility) record, in postcard's encoding.
    pub compat: Span,
    /// A [`Manifest`](super::manifest::Manifest), in postcard's encoding.
    pub manifest: Span,
    /// What [`FunctionRecord`]s say.
    pub functions: Span,
    /// [`SignatureCode`]s.
    pub signatures: Span,
    /// [`FuncRefRecord`]s.
    pub funcrefs: Span,
    /// What may trap, and where code comes from.
    pub places: Span,
    /// The calls in whose place functions were translated.
    pub calls: Span,
    /// Function names.
    pub names: Span,
    /// Elements of element segments.
    pub elements: Span,
    /// Bytes of data segments and custom sections.
    pub data: Span,
    /// Where frames hold references to host values.
    pub stack_maps: Span,
    /// Functions, files and lines of the program's source: [`SourceLines`].
    pub source_lines: Span,
    /// The code; outside of the metadata.
    pub text: Span,
    /// The images of memories; outside of the metadata, aligned to [`image_alignment`].
    pub image: Span,
    /// The cell that tells debuggers which instance runs; outside of the metadata, and writable. Empty,
    /// and at distance 0, in artifacts without debug information.
    ///
    /// It has the address of the vmctx if exactly one instance of the artifact is alive in the process, otherwise 0.
    pub debug_cell: Span,
    /// The cell with the address where traps go; outside of the metadata, and writable. Empty, and at distance 0, in artifacts
    /// all of whose traps are the processor's. No artifact has both cells.
    ///
    /// It is 0 in the file. Before code runs, whoever loads the file writes the address of code there that never returns.
    /// Instructions that would always trap are calls that end there instead, each of [`TRAP_CALL_BYTES`] bytes: the stack pointer
    /// points at the return address, whatever it is a multiple of, and all other registers are those of the function that traps.
    pub trap_cell: Span,
}

/// Where the descriptor's fields lie whose values only the writer of the container knows: the `offset` of
/// [`Descriptor::text`], that of [`Descriptor::image`], and those of [`Descriptor::debug_cell`] and [`Descriptor::trap_cell`].
pub const TEXT_OFFSET_FIELD: u32 = offset_of!(Descriptor, text) as u32;
/// See [`TEXT_OFFSET_FIELD`].
pub const IMAGE_OFFSET_FIELD: u32 = offset_of!(Descriptor, image) as u32;
/// See [`TEXT_OFFSET_FIELD`].
pub const DEBUG_CELL_OFFSET_FIELD: u32 = offset_of!(Descriptor, debug_cell) as u32;

/// See [`TEXT_OFFSET_FIELD`].
pub const TRAP_CELL_OFFSET_FIELD: u32 = offset_of!(Descriptor, trap_cell) as u32;

/// The size of a cell, and what its address is a multiple of.
pub const CELL_BYTES: u32 = 8;

/// What the symbol tables of artifacts call that cell.
pub const DEBUG_CELL_SYMBOL: &str = "wootz_debug_cell";

/// What they call the other one.
pub const TRAP_CELL_SYMBOL: &str = "wootz_trap_cell";

/// How many bytes a call has that is a trap: its return address is so far behind the trap's place in the table of places.
pub const TRAP_CALL_BYTES: usize = 5;

/// What the cell of an artifact is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// See [`Descriptor::debug_cell`].
    Debug,
    /// See [`Descriptor::trap_cell`].
    Trap,
}

/// "No code": where a [`SignatureCode`] lacks a trampoline.
pub const NO_CODE: u32 = u32::MAX;

/// The trampolines of a signature, as offsets in the code, or [`NO_CODE`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureCode {
    /// Host to wasm: an [`EntryTrampoline`](super::vmctx::EntryTrampoline).
    pub entry: u32,
    /// Wasm to host: code with the calling convention of wasm whose vmctx is a
    /// [`VmHostContext`](super::vmctx::VmHostContext).
    pub exit: u32,
}

/// A function that may be referred to.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FuncRefRecord {
    /// Offset of its code; [`NO_CODE`] for an imported function.
    pub code: u32,
    /// Its index in the module.
    pub function: u32,
    /// Its [`SignatureIndex`](super::index::SignatureIndex).
    pub signature: u32,
}

/// The checksum that guards what is decoded when an artifact is loaded: FNV-1a with 64 bits.
pub fn checksum(parts: &[&[u8]]) -> u64 {
    parts.iter().flat_map(|part| part.iter()).fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::compat::{Compatibility, Settings};
    use crate::abi::manifest::{Manifest, Range};
    use crate::abi::trap::TrapCode;
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;

    const UNREACHABLE: TrapCode = TrapCode::UnreachableCodeReached;

    fn place(code: u32, wasm: u32, call: Option<u32>, trap: Option<TrapCode>) -> CodePlace {
        CodePlace { code, wasm_offset: Some(wasm), call, trap }
    }

    fn sample() -> Metadata {
        Metadata {
            compat: Compatibility {
                target: "x86_64-unknown-linux-gnu".into(),
                cpu_features: vec!["has_sse41".into()],
                settings: Settings {
                    consume_fuel: false,
                    epoch_interruption: false,
                    signals_based_traps: true,
                    relaxed_simd_deterministic: false,
                    features: vec!["simd".into()],
                },
                compiler: "wootz 0.1.0".into(),
                wasm_sha256: [7; 32],
            },
            manifest: Manifest { functions: 2, name: Some("sample".into()), ..Manifest::default() },
            functions: vec![
                FunctionRecord { start: 16, bytes: 10, function: 1, wasm_offset: 40 },
                FunctionRecord { start: 32, bytes: 8, function: 2, wasm_offset: 60 },
            ],
            signatures: vec![],
            funcrefs: vec![],
            places: CodePlaces {
                rows: vec![
                    place(16, 41, None, None),
                    place(18, 41, Some(0), Some(TrapCode::MemoryOutOfBounds)),
                    place(20, 44, Some(1), None),
                    place(22, 44, None, None),
                    CodePlace { wasm_offset: None, ..place(33, 0, None, Some(UNREACHABLE)) },
                    place(34, 62, None, None),
                ],
                are_complete: true,
            },
            inlined_calls: vec![
                InlinedCall { function: 1, wasm_offset: 42, caller: None },
                InlinedCall { function: 0, wasm_offset: 63, caller: Some(0) },
            ],
            names: vec!["one".into(), String::new()],
            elements: vec![1, 0, 0, 0],
            data: b"hello".to_vec(),
            stack_maps: vec![
                StackMap { code: 20, frame_bytes: 32, slots: vec![0, 8, 300] },
                StackMap { code: 34, frame_bytes: 16, slots: vec![4] },
            ],
            source_lines: source_lines::tests::sample(),
            text_bytes: 40,
            image_bytes: 0,
            cell: Some(Cell::Debug),
        }
    }

    #[test]
    fn what_is_written_is_found() {
        let bytes = sample().to_bytes(ByteOrder::NATIVE).unwrap();
        what_is_written_is_found_in(Tables::new(&bytes).unwrap());
    }

    #[test]
    fn what_is_written_for_another_machine_is_found() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let bytes = sample().to_bytes(order).unwrap();
            what_is_written_is_found_in(Tables::in_order(&bytes, order).unwrap());
            let native = Tables::new(&bytes);
            assert_eq!(native.is_ok(), order == ByteOrder::NATIVE);
        }
    }

    fn what_is_written_is_found_in(tables: Tables<'_>) {
        let (compat, manifest) = tables.decode().unwrap();
        assert_eq!((compat, manifest), (sample().compat, sample().manifest));
        assert_eq!(tables.function_at(15), None);
        assert_eq!(tables.function_at(25), Some(0));
        assert_eq!(tables.function_at(26), None);
        assert_eq!(tables.function_at(39), Some(1));
        assert_eq!(tables.function_name(0), Some("one"));
        assert_eq!(tables.function_name(1), None);
        assert_eq!(tables.trap_at(18), Some(TrapCode::MemoryOutOfBounds));
        assert_eq!(tables.trap_at(19), None);
        assert_eq!(tables.trap_at(33), Some(UNREACHABLE));
        assert!(tables.positions().eq([(16, 41), (20, 44), (34, 62)]));
        assert!(tables.all_places().eq(sample().places.rows));
        assert!(tables.places_are_complete());
        assert!((0..2).map(|position| tables.function(position).unwrap()).eq(sample().functions));
        let frames = |code: u32| tables.frames_at(code).collect::<Vec<_>>();
        assert_eq!(frames(17), [(0, Some(41))]);
        assert_eq!(frames(18), [(1, Some(41)), (0, Some(42))]);
        assert_eq!(frames(20), [(0, Some(44)), (1, Some(63)), (0, Some(42))]);
        assert_eq!(frames(22), [(0, Some(44))]);
        assert_eq!(frames(32), [(1, None)], "positions of one function do not leak into the next");
        assert_eq!(frames(35), [(1, Some(62))], "nor does what was translated in place of calls");
        assert_eq!(frames(15), []);
        assert_eq!(tables.elements(Range { offset: 0, bytes: 4 }), Some(&[[1, 0, 0, 0]][..]));
        assert_eq!(tables.data(Range { offset: 1, bytes: 4 }), Some(&b"ello"[..]));
        assert_eq!(tables.data(Range { offset: 1, bytes: 5 }), None);
        let (frame_bytes, slots) = tables.stack_map_at(20).unwrap();
        assert_eq!((frame_bytes, slots.collect::<Vec<_>>()), (32, vec![0, 8, 300]));
        assert_eq!(tables.stack_map_at(34).unwrap().1.collect::<Vec<_>>(), [4]);
        assert!(tables.stack_map_at(33).is_none() && tables.stack_map_at(35).is_none());
        assert_eq!(tables.source_frames(0, 41).count(), 0);
        assert_eq!(tables.source_frames(1, 61).count(), 3);
        assert_eq!(tables.readable_name(1), Some("inner"));
        assert!(!tables.dwarf_left_out());
        let cell = tables.descriptor().debug_cell;
        assert_eq!(cell, Span { offset: 0, bytes: CELL_BYTES });
        assert_eq!(tables.descriptor().trap_cell, Span::default());
        let without = Metadata { cell: None, ..sample() }.to_bytes(ByteOrder::NATIVE).unwrap();
        assert_eq!(Tables::new(&without).unwrap().descriptor().debug_cell, Span::default());
    }

    #[test]
    fn no_flipped_byte_and_no_truncation_panics() {
        let bytes = sample().to_bytes(ByteOrder::NATIVE).unwrap();
        let use_all = |bytes: &[u8]| -> Result<(), MetadataError> {
            let tables = Tables::new(bytes)?;
            for offset in 0..48 {
                let _ = (tables.trap_at(offset), tables.frames_at(offset).count());
                let _ = tables.stack_map_at(offset).map(|(_, slots)| slots.count());
                let frames = (0..2).map(|position| tables.source_frames(position, 38 + offset));
                let _ = frames.map(Iterator::count).sum::<usize>();
            }
            let _ = (tables.readable_name(1), tables.dwarf_left_out());
            let _ = (
                tables.function_name(0),
                tables.function_name(1),
                tables.all_places().count(),
                tables.positions().count(),
            );
            tables.decode().map(drop)
        };
        for end in 0..bytes.len() {
            assert!(use_all(&bytes[..end]).is_err(), "truncated to {end}");
        }
        let descriptor = *Tables::new(&bytes).unwrap().descriptor();
        let decoded = [descriptor.compat, descriptor.manifest].map(|span| {
            let start = span.offset as usize;
            start..start + span.bytes as usize
        });
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            let result = use_all(&bytes);
            let decoded = decoded.iter().any(|range| range.contains(&at));
            assert!(!decoded || result.is_err(), "byte {at} flipped unnoticed");
        }
    }
}
