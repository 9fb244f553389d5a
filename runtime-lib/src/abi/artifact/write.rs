//! Writing the metadata of an artifact.
//!
//! In: records and lists. Out: the bytes whose drawing is on the [room](super).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem::size_of;

use super::functions::{self, FunctionRecord};
use super::leb128::write_leb;
use super::places::{CodePlaces, InlinedCall, calls_to_bytes};
use super::{
    ByteOrder, CELL_BYTES, Cell, Descriptor, FuncRefRecord, MAGIC, SignatureCode, SourceLines,
    Span, checksum,
};
use crate::abi::ABI_VERSION;
use crate::abi::compat::Compatibility;
use crate::abi::manifest::Manifest;

/// Everything that goes into the metadata of an artifact.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// What the host must have.
    pub compat: Compatibility,
    /// What the module imports, exports and needs.
    pub manifest: Manifest,
    /// The functions, sorted by `start`.
    pub functions: Vec<FunctionRecord>,
    /// The trampolines, by [`SignatureIndex`](crate::abi::index::SignatureIndex).
    pub signatures: Vec<SignatureCode>,
    /// The functions that may be referred to, by [`FuncRefIndex`](crate::abi::index::FuncRefIndex).
    pub funcrefs: Vec<FuncRefRecord>,
    /// What may trap, and where code comes from.
    pub places: CodePlaces,
    /// The calls in whose place functions were translated.
    pub inlined_calls: Vec<InlinedCall>,
    /// Function names, by position in `functions`; empty where there is none.
    pub names: Vec<String>,
    /// Elements of element segments.
    pub elements: Vec<u8>,
    /// Bytes of data segments and custom sections.
    pub data: Vec<u8>,
    /// Where frames hold references to host values, sorted by code offset.
    pub stack_maps: Vec<StackMap>,
    /// Functions, files and lines of the program's source.
    pub source_lines: SourceLines,
    /// The size of the code.
    pub text_bytes: u32,
    /// The size of all images.
    pub image_bytes: u32,
    /// What its cell is for, if it has one.
    pub cell: Option<Cell>,
}

/// Where a frame holds references to host values during a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackMap {
    /// The code offset to which the call returns.
    pub code: u32,
    /// How far the stack pointer is below the frame pointer during the call.
    pub frame_bytes: u32,
    /// Where the references are, relative to the stack pointer; ascending. 32 bits each.
    pub slots: Vec<u32>,
}

impl Metadata {
    /// The bytes of the metadata, all but the fields at [`TEXT_OFFSET_FIELD`](super::TEXT_OFFSET_FIELD),
    /// [`IMAGE_OFFSET_FIELD`](super::IMAGE_OFFSET_FIELD), [`DEBUG_CELL_OFFSET_FIELD`](super::DEBUG_CELL_OFFSET_FIELD) and
    /// [`TRAP_CELL_OFFSET_FIELD`](super::TRAP_CELL_OFFSET_FIELD).
    ///
    /// # Errors
    /// If the whole exceeds 2 GiB.
    pub fn to_bytes(&self, order: ByteOrder) -> Result<Vec<u8>, TooLarge> {
        let mut writer =
            Writer { order, bytes: alloc::vec![0; size_of::<Descriptor>()], spans: Vec::new() };
        let compat =
            postcard::to_allocvec(&self.compat).expect("records without maps always serialize");
        let manifest =
            postcard::to_allocvec(&self.manifest).expect("records without maps always serialize");
        writer.span(|w| w.bytes.extend(&compat))?;
        writer.span(|w| w.bytes.extend(&manifest))?;
        writer.span(|w| {
            let names = self.names.iter().map(String::len);
            w.bytes.extend(functions::to_bytes(&self.functions, names, |n| order.u32_bytes(n)));
        })?;
        writer.span(|w| {
            for record in &self.signatures {
                w.numbers(&[record.entry, record.exit]);
            }
        })?;
        writer.span(|w| {
            for record in &self.funcrefs {
                w.numbers(&[record.code, record.function, record.signature]);
            }
        })?;
        writer.span(|w| w.bytes.extend(self.places.to_bytes(|number| order.u32_bytes(number))))?;
        writer.span(|w| {
            w.bytes.extend(calls_to_bytes(&self.inlined_calls, |number| order.u32_bytes(number)));
        })?;
        writer.span(|w| self.names.iter().for_each(|name| w.bytes.extend(name.as_bytes())))?;
        writer.span(|w| w.bytes.extend(&self.elements))?;
        writer.span(|w| w.bytes.extend(&self.data))?;
        writer.span(|w| w.stack_maps(&self.stack_maps))?;
        writer.span(|w| {
            let bodies = self.functions.iter().map(|function| function.wasm_offset);
            let bytes = self.source_lines.to_bytes(bodies, |number| w.number(number));
            w.bytes.extend(bytes);
        })?;
        writer.align();

        let metadata_bytes = i32::try_from(writer.bytes.len()).map_err(|_| TooLarge)? as u32;
        let body = core::mem::take(&mut writer.bytes);
        writer.bytes.extend(MAGIC);
        writer.numbers(&[ABI_VERSION, metadata_bytes]);
        writer.wide(checksum(&[&compat, &manifest]));
        for span in writer.spans.clone() {
            writer.numbers(&[span.offset as u32, span.bytes]);
        }
        let cell_bytes = |cell| if self.cell == Some(cell) { CELL_BYTES } else { 0 };
        writer.numbers(&[0, self.text_bytes, 0, self.image_bytes]);
        writer.numbers(&[0, cell_bytes(Cell::Debug), 0, cell_bytes(Cell::Trap)]);
        assert_eq!(
            writer.bytes.len(),
            size_of::<Descriptor>(),
            "the descriptor has as many fields as are written"
        );
        writer.bytes.extend(&body[size_of::<Descriptor>()..]);
        Ok(writer.bytes)
    }
}

/// The metadata of a module would exceed 2 GiB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the module is too large: its tables would exceed 2 GiB")
    }
}

impl core::error::Error for TooLarge {}

struct Writer {
    order: ByteOrder,
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl Writer {
    fn span(&mut self, fill: impl FnOnce(&mut Writer)) -> Result<(), TooLarge> {
        self.align();
        let start = self.bytes.len();
        fill(self);
        let offset = i32::try_from(start).map_err(|_| TooLarge)?;
        let bytes = i32::try_from(self.bytes.len() - start).map_err(|_| TooLarge)? as u32;
        self.spans.push(Span { offset, bytes });
        Ok(())
    }

    /// Writes stack maps: their number, the code offset of each, where the bytes of each begin, and where the last end; then
    /// the bytes: LEB128 numbers, first the size of the frame, then each slot as the difference to the one before.
    fn stack_maps(&mut self, maps: &[StackMap]) {
        let mut bytes = Vec::new();
        let mut numbers = alloc::vec![maps.len() as u32];
        numbers.extend(maps.iter().map(|map| map.code));
        for map in maps {
            numbers.push(bytes.len() as u32);
            write_leb(&mut bytes, u64::from(map.frame_bytes));
            let mut last = 0;
            for &slot in &map.slots {
                write_leb(&mut bytes, u64::from(slot - last));
                last = slot;
            }
        }
        numbers.push(bytes.len() as u32);
        self.numbers(&numbers);
        self.bytes.extend(bytes);
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    fn numbers(&mut self, numbers: &[u32]) {
        for &number in numbers {
            self.bytes.extend(self.number(number));
        }
    }

    fn number(&self, number: u32) -> [u8; 4] {
        self.order.u32_bytes(number)
    }

    fn wide(&mut self, number: u64) {
        self.bytes.extend(match self.order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
    }
}
