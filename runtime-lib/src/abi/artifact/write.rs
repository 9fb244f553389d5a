//! Writing the metadata of an artifact.
//!
//! In: records and lists. Out: the bytes whose drawing is on the [room](super).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem::size_of;

use super::leb128::{write_leb, zigzag};
use super::{
    ByteOrder, DEBUG_CELL_BYTES, Descriptor, FuncRefRecord, FunctionRecord, MAGIC, SignatureCode,
    SourceLines, Span, checksum,
};
use crate::abi::ABI_VERSION;
use crate::abi::compat::Compatibility;
use crate::abi::manifest::Manifest;
use crate::abi::trap::TrapCode;

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
    /// Trap sites, sorted by code offset.
    pub traps: Vec<(u32, TrapCode)>,
    /// Source positions, sorted by code offset: from there on, code comes from that offset in the wasm file.
    pub positions: Vec<(u32, u32)>,
    /// From which code offset on code belongs to which function that was translated in place of a call; ascending. What has no
    /// entry belongs to the function whose code it is.
    pub inlined: Vec<InlinedCode>,
    /// These calls. Each comes behind the one that it is in.
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
    /// Whether there is a cell that tells debuggers which instance runs.
    pub debug_cell: bool,
}

/// From where on code belongs to a function that was translated in place of a call, or does not any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InlinedCode {
    /// The code offset. What is known ends with the code of the function.
    pub code: u32,
    /// The number of the call.
    pub call: Option<u32>,
}

/// A call in whose place a function was translated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InlinedCall {
    /// The position of the function in the function table.
    pub function: u32,
    /// Where the call is in the wasm file.
    pub wasm_offset: u32,
    /// If it is itself in a function that was translated in place of a call, the number of that one.
    pub caller: Option<u32>,
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
    /// The bytes of the metadata, all but the three fields at [`TEXT_OFFSET_FIELD`](super::TEXT_OFFSET_FIELD),
    /// [`IMAGE_OFFSET_FIELD`](super::IMAGE_OFFSET_FIELD) and [`DEBUG_CELL_OFFSET_FIELD`](super::DEBUG_CELL_OFFSET_FIELD).
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
            for record in &self.functions {
                w.numbers(&[record.start, record.bytes, record.function, record.wasm_offset]);
            }
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
        writer.span(|w| {
            for &(code, _) in &self.traps {
                w.numbers(&[code]);
            }
            w.bytes.extend(self.traps.iter().map(|&(_, trap)| trap as u8));
        })?;
        writer.span(|w| w.positions(&self.functions, &self.positions))?;
        writer.span(|w| {
            let number = |call: Option<u32>| call.map_or(0, |call| call + 1);
            w.numbers(&[self.inlined.len() as u32]);
            for inlined in &self.inlined {
                w.numbers(&[inlined.code]);
            }
            for inlined in &self.inlined {
                w.numbers(&[number(inlined.call)]);
            }
            for call in &self.inlined_calls {
                w.numbers(&[call.function, call.wasm_offset, number(call.caller)]);
            }
        })?;
        writer.span(|w| {
            let mut end = 0;
            w.numbers(&[end]);
            for name in &self.names {
                end += name.len() as u32;
                w.numbers(&[end]);
            }
            for name in &self.names {
                w.bytes.extend(name.as_bytes());
            }
        })?;
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
        let cell_bytes = if self.debug_cell { DEBUG_CELL_BYTES } else { 0 };
        writer.numbers(&[0, self.text_bytes, 0, self.image_bytes, 0, cell_bytes]);
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

    /// Writes source positions: for each function where its bytes end, then the bytes of all. They are pairs of LEB128
    /// numbers, each the difference to the number before: code offset (unsigned, from the function's start), wasm offset
    /// (signed, from the start of its body). Three bytes or so each, and a look-up decodes those of one function only.
    fn positions(&mut self, functions: &[FunctionRecord], positions: &[(u32, u32)]) {
        let mut bytes = Vec::new();
        let mut ends = alloc::vec![0];
        let mut rest = positions;
        for function in functions {
            let before =
                |end: u32, rest: &[(u32, u32)]| rest.partition_point(|&(code, _)| code < end);
            let skipped = before(function.start, rest);
            rest = &rest[skipped..];
            let (own, others) = rest.split_at(before(function.start + function.bytes, rest));
            let (mut last_code, mut last_wasm) = (function.start, function.wasm_offset);
            for &(code, wasm) in own {
                write_leb(&mut bytes, u64::from(code - last_code));
                write_leb(&mut bytes, zigzag(i64::from(wasm) - i64::from(last_wasm)));
                (last_code, last_wasm) = (code, wasm);
            }
            ends.push(bytes.len() as u32);
            rest = others;
        }
        self.numbers(&ends);
        self.bytes.extend(bytes);
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
