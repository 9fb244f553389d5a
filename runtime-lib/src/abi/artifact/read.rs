//! Reading the metadata of an artifact where it lies.
//!
//! In: bytes, which may be anything. Out: answers.
//!
//! Always true: nothing is read outside of the bytes, and nothing panics, whatever they are.

use core::fmt;
use core::mem::{offset_of, size_of};

use super::functions::{FunctionRecord, FunctionTable};
use super::leb128::read_leb;
use super::numbers::{ByteOrder, partition};
use super::places::{self, CodePlace, InlinedCall, PlaceTable};
use super::source_lines::SourceTable;
use super::{
    CELL_BYTES, Descriptor, FuncRefRecord, MAGIC, SignatureCode, SourceFrames, Span, checksum,
};
use crate::abi::ABI_VERSION;
use crate::abi::compat::Compatibility;
use crate::abi::index::{FuncRefIndex, SignatureIndex};
use crate::abi::manifest::{Manifest, Range};
use crate::abi::trap::TrapCode;

/// Why bytes are not the metadata of an artifact that this version can read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataError {
    /// It does not begin with [`MAGIC`].
    NotADescriptor,
    /// It was made for another version of this interface.
    AbiVersion {
        /// The version the artifact has.
        found: u32,
    },
    /// A part lies outside of the metadata, has an impossible size, or cannot be decoded.
    Corrupted {
        /// The part.
        part: &'static str,
    },
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetadataError::NotADescriptor => {
                f.write_str("the module descriptor does not begin with its magic bytes")
            }
            MetadataError::AbiVersion { found } => write!(
                f,
                "it was compiled for version {found} of the binary interface, this loader has version {ABI_VERSION}; \
                 compile the module again with a matching version"
            ),
            MetadataError::Corrupted { part } => write!(f, "its {part} is corrupted"),
        }
    }
}

impl core::error::Error for MetadataError {}

/// The tables of an artifact, searched in place.
///
/// In: the bytes of the metadata, in any byte order. Lookups cost at most a binary search.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    metadata: &'a [u8],
    order: ByteOrder,
    descriptor: Descriptor,
}

impl<'a> Tables<'a> {
    /// How many bytes the metadata has, of which these are the first: as many as a [`Descriptor`] has are enough.
    ///
    /// # Errors
    /// If there is no descriptor of this version.
    pub fn metadata_bytes(descriptor: &[u8]) -> Result<usize, MetadataError> {
        Tables::metadata_bytes_in_order(descriptor, ByteOrder::NATIVE)
    }

    fn metadata_bytes_in_order(
        descriptor: &[u8],
        order: ByteOrder,
    ) -> Result<usize, MetadataError> {
        let number = |at: usize| {
            order.read_u32(descriptor, at).ok_or(MetadataError::Corrupted { part: "descriptor" })
        };
        if !descriptor.starts_with(&MAGIC) {
            return Err(MetadataError::NotADescriptor);
        }
        let abi_version = number(offset_of!(Descriptor, abi_version))?;
        if abi_version != ABI_VERSION {
            return Err(MetadataError::AbiVersion { found: abi_version });
        }
        Ok(number(offset_of!(Descriptor, metadata_bytes))? as usize)
    }

    /// Checks the descriptor, and that every table lies inside of the metadata.
    ///
    /// `metadata` may be longer than the metadata is. What tables contain is checked when it is read: a corrupted table
    /// may give wrong answers, but never one outside of `metadata`.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn new(metadata: &'a [u8]) -> Result<Tables<'a>, MetadataError> {
        Tables::in_order(metadata, ByteOrder::NATIVE)
    }

    /// As [`new`](Self::new), for an artifact whose numbers are in this byte order: one for another machine, perhaps.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn in_order(metadata: &'a [u8], order: ByteOrder) -> Result<Tables<'a>, MetadataError> {
        let corrupted = MetadataError::Corrupted { part: "descriptor" };
        let metadata_bytes = Tables::metadata_bytes_in_order(metadata, order)?;
        let metadata = metadata.get(..metadata_bytes).ok_or(corrupted.clone())?;
        let number = |at: usize| order.read_u32(metadata, at).ok_or(corrupted.clone());
        let outside = |field: usize| -> Result<Span, MetadataError> {
            Ok(Span { offset: number(field)? as i32, bytes: number(field + 4)? })
        };
        let inside = |field: usize, record: usize, part| -> Result<Span, MetadataError> {
            let span = outside(field)?;
            let start = usize::try_from(span.offset).ok();
            let fits =
                start.and_then(|start| metadata.get(start..)?.get(..span.bytes as usize)).is_some();
            match fits && span.offset % 8 == 0 && (span.bytes as usize).is_multiple_of(record) {
                true => Ok(span),
                false => Err(MetadataError::Corrupted { part }),
            }
        };
        // Where it lies is up to whoever knows where the metadata does.
        let cell = |span: Span, part| match (span.bytes, span.offset) {
            (0, 0) => Ok(span),
            (CELL_BYTES, offset) if offset % CELL_BYTES as i32 == 0 => Ok(span),
            _ => Err(MetadataError::Corrupted { part }),
        };
        let checksum = order.read_u64(metadata, offset_of!(Descriptor, checksum));
        let descriptor = Descriptor {
            magic: MAGIC,
            abi_version: ABI_VERSION,
            metadata_bytes: metadata_bytes as u32,
            checksum: checksum.ok_or(corrupted.clone())?,
            compat: inside(offset_of!(Descriptor, compat), 1, "compatibility record")?,
            manifest: inside(offset_of!(Descriptor, manifest), 1, "manifest")?,
            functions: inside(offset_of!(Descriptor, functions), 1, "function table")?,
            signatures: inside(
                offset_of!(Descriptor, signatures),
                size_of::<SignatureCode>(),
                "signature table",
            )?,
            funcrefs: inside(
                offset_of!(Descriptor, funcrefs),
                size_of::<FuncRefRecord>(),
                "function reference table",
            )?,
            places: inside(offset_of!(Descriptor, places), 1, "table of places")?,
            calls: inside(offset_of!(Descriptor, calls), 1, "table of inlined calls")?,
            names: inside(offset_of!(Descriptor, names), 1, "name table")?,
            elements: inside(offset_of!(Descriptor, elements), 4, "element table")?,
            data: inside(offset_of!(Descriptor, data), 1, "data")?,
            stack_maps: inside(offset_of!(Descriptor, stack_maps), 1, "stack map table")?,
            source_lines: inside(offset_of!(Descriptor, source_lines), 1, "source line table")?,
            text: outside(offset_of!(Descriptor, text))?,
            image: outside(offset_of!(Descriptor, image))?,
            debug_cell: cell(outside(offset_of!(Descriptor, debug_cell))?, "debug cell")?,
            trap_cell: cell(outside(offset_of!(Descriptor, trap_cell))?, "trap cell")?,
        };
        Ok(Tables { metadata, order, descriptor })
    }

    /// All of the metadata.
    pub fn bytes(&self) -> &'a [u8] {
        self.metadata
    }

    /// The descriptor.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Decodes the compatibility record and the manifest.
    ///
    /// # Errors
    /// If their checksum is wrong or they cannot be decoded, or if the tables have other sizes than the manifest says.
    pub fn decode(&self) -> Result<(Compatibility, Manifest), MetadataError> {
        let compat = self.span(self.descriptor.compat);
        let manifest = self.span(self.descriptor.manifest);
        if checksum(&[compat, manifest]) != self.descriptor.checksum {
            return Err(MetadataError::Corrupted {
                part: "compatibility record or manifest (wrong checksum)",
            });
        }
        let compat = postcard::from_bytes(compat)
            .map_err(|_| MetadataError::Corrupted { part: "compatibility record" })?;
        let manifest: Manifest = postcard::from_bytes(manifest)
            .map_err(|_| MetadataError::Corrupted { part: "manifest" })?;
        for (count, span, record, part) in [
            (
                manifest.signatures.len(),
                self.descriptor.signatures,
                size_of::<SignatureCode>(),
                "signature table",
            ),
            (
                manifest.funcrefs as usize,
                self.descriptor.funcrefs,
                size_of::<FuncRefRecord>(),
                "function reference table",
            ),
        ] {
            if span.bytes as usize != count * record {
                return Err(MetadataError::Corrupted { part });
            }
        }
        if self.function_count() != manifest.functions as usize {
            return Err(MetadataError::Corrupted { part: "function table" });
        }
        Ok((compat, manifest))
    }

    /// How many functions have code.
    pub fn function_count(&self) -> usize {
        self.functions().count()
    }

    /// A function's record, by its position in the table.
    pub fn function(&self, position: usize) -> Option<FunctionRecord> {
        self.functions().function(position)
    }

    /// The position of the function whose code contains this code offset.
    pub fn function_at(&self, code_offset: u32) -> Option<usize> {
        self.functions().at(code_offset)
    }

    /// The name of a function, by its position in the table. `None` if it has none.
    pub fn function_name(&self, position: usize) -> Option<&'a str> {
        let (start, bytes) = self.functions().name(position)?;
        let name = self.span(self.descriptor.names).get(start..)?.get(..bytes)?;
        core::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    fn functions(&self) -> FunctionTable<'a> {
        FunctionTable::new(self.span(self.descriptor.functions), self.order)
    }

    /// The trampolines of a signature.
    pub fn signature(&self, index: SignatureIndex) -> Option<SignatureCode> {
        let [entry, exit] = self.record(self.descriptor.signatures, index.index())?;
        Some(SignatureCode { entry, exit })
    }

    /// A function that may be referred to.
    pub fn funcref(&self, index: FuncRefIndex) -> Option<FuncRefRecord> {
        let [code, function, signature] = self.record(self.descriptor.funcrefs, index.index())?;
        Some(FuncRefRecord { code, function, signature })
    }

    /// Why the instruction at this code offset traps, if it is one that may.
    ///
    /// Neither allocates nor locks: trap handlers call it.
    pub fn trap_at(&self, code_offset: u32) -> Option<TrapCode> {
        let place = self.places().last_at(code_offset)?;
        place.trap.filter(|_| place.code == code_offset)
    }

    /// The functions that the instruction at this code offset belongs to, and where in the wasm file each is: first the one that it
    /// comes from, then, if that was translated in place of a call, the one with the call, and so on. Functions are named by their
    /// position in the table; where they are is `None` where the compiler knew it not.
    pub fn frames_at(
        &self,
        code_offset: u32,
    ) -> impl Iterator<Item = (usize, Option<u32>)> + use<'a> {
        let tables = *self;
        let outermost = self.function_at(code_offset);
        let place = outermost.and_then(|position| {
            let start = self.function(position)?.start;
            self.places().last_at(code_offset).filter(|place| place.code >= start)
        });
        let mut call = place.and_then(|place| place.call);
        let mut offset = place.and_then(|place| place.wasm_offset);
        let is_known = offset.is_some();
        let mut is_done = outermost.is_none();
        core::iter::from_fn(move || {
            if is_done {
                return None;
            }
            let inlined = call.and_then(|number| Some((number, tables.inlined_call(number)?)));
            let Some((number, inlined)) = inlined else {
                is_done = true;
                return Some((outermost?, offset));
            };
            // Whatever the table says, this ends.
            call = inlined.caller.filter(|&caller| caller < number);
            let wasm = is_known.then_some(inlined.wasm_offset);
            Some((inlined.function as usize, core::mem::replace(&mut offset, wasm)))
        })
    }

    /// A call in whose place a function was translated, by its number.
    fn inlined_call(&self, number: u32) -> Option<InlinedCall> {
        places::call(self.span(self.descriptor.calls), self.order, number)
    }

    /// All places, by code offset.
    pub fn all_places(&self) -> impl Iterator<Item = CodePlace> + use<'a> {
        self.places().from(0)
    }

    /// Whether places say of every instruction where it comes from. Otherwise only what may trap and calls are exact, and others
    /// seem to come from where the nearest of these in front of them does.
    pub fn places_are_complete(&self) -> bool {
        self.places().are_complete()
    }

    /// The places of a function, by its position in the table.
    pub fn places_of(&self, position: usize) -> impl Iterator<Item = CodePlace> + use<'a> {
        let range = self
            .function(position)
            .map_or(0..0, |function| function.start..function.start.saturating_add(function.bytes));
        self.places().from(range.start).take_while(move |place| place.code < range.end)
    }

    /// Where a function's code comes from, by its position in the table: (code offset, wasm offset). Two in a row are never for
    /// the same wasm offset.
    pub fn positions_of(&self, position: usize) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let mut last = None;
        self.places_of(position)
            .filter_map(|place| Some((place.code, place.wasm_offset?)))
            .filter(move |&(_, wasm)| last.replace(wasm) != Some(wasm))
    }

    /// All source positions, in the order of code offsets: (code offset, wasm offset).
    pub fn positions(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let tables = *self;
        (0..self.function_count()).flat_map(move |position| tables.positions_of(position))
    }

    fn places(&self) -> PlaceTable<'a> {
        PlaceTable::new(self.span(self.descriptor.places), self.order)
    }

    /// Elements of an element segment: [`FuncRefIndex`]es, little-endian, `u32::MAX` for null. `None` if out of range.
    pub fn elements(&self, range: Range) -> Option<&'a [[u8; 4]]> {
        let bytes = self.part(self.descriptor.elements, range)?;
        let (elements, rest) = bytes.as_chunks();
        rest.is_empty().then_some(elements)
    }

    /// Bytes of a data segment or custom section. `None` if out of range.
    pub fn data(&self, range: Range) -> Option<&'a [u8]> {
        self.part(self.descriptor.data, range)
    }

    /// Where the frame of the function holds references to host values, during the call that returns to this code offset:
    /// how far the stack pointer is below the frame pointer, and the places relative to the stack pointer. `None` if it
    /// holds none.
    pub fn stack_map_at(
        &self,
        code_offset: u32,
    ) -> Option<(u32, impl Iterator<Item = u32> + use<'a>)> {
        let all = self.span(self.descriptor.stack_maps);
        let number = |i: usize| self.order.read_u32(all, i * 4);
        let count = number(0)? as usize;
        let offset = |i: usize| number(i + 1);
        let count = count.min(all.len() / 8);
        let position = partition(count, |i| offset(i).is_some_and(|o| o < code_offset));
        if position >= count || offset(position)? != code_offset {
            return None;
        }
        let start = |i: usize| Some(number(1 + count + i)? as usize);
        let bytes = all.get((2 + 2 * count) * 4..)?;
        let mut bytes = bytes.get(start(position)?..start(position + 1)?)?;
        let frame_bytes = read_leb(&mut bytes)? as u32;
        let mut slot = 0u32;
        let slots = core::iter::from_fn(move || {
            slot = slot.wrapping_add(read_leb(&mut bytes)? as u32);
            Some(slot)
        });
        Some((frame_bytes, slots))
    }

    /// The functions of the program's source that were being executed at an offset in the wasm file, the innermost first;
    /// `position` is that of the wasm function in the table. None if the source is not known.
    pub fn source_frames(&self, position: usize, wasm_offset: u32) -> SourceFrames<'a> {
        let body = self.function(position).map_or(0, |function| function.wasm_offset);
        self.source_lines().frames(position, body, wasm_offset)
    }

    /// The name of a function as people read it, by its position in the table. `None` if it is the one in the name table.
    pub fn readable_name(&self, position: usize) -> Option<&'a str> {
        self.source_lines().readable_name(position)
    }

    /// Whether the module had debug information that was left out.
    pub fn dwarf_left_out(&self) -> bool {
        self.source_lines().dwarf_left_out()
    }

    fn source_lines(&self) -> SourceTable<'a> {
        SourceTable::new(self.span(self.descriptor.source_lines), self.order)
    }

    fn part(&self, span: Span, range: Range) -> Option<&'a [u8]> {
        self.span(span).get(range.offset as usize..)?.get(..range.bytes as usize)
    }

    fn record<const N: usize>(&self, span: Span, position: usize) -> Option<[u32; N]> {
        let bytes = self.span(span).get(position.checked_mul(N * 4)?..)?.get(..N * 4)?;
        let mut record = [0; N];
        for (position, number) in record.iter_mut().enumerate() {
            *number = self.order.read_u32(bytes, position * 4)?;
        }
        Some(record)
    }

    fn span(&self, span: Span) -> &'a [u8] {
        // `new` has checked that every span but `text` and `image` lies inside.
        self.metadata
            .get(span.offset as usize..)
            .and_then(|rest| rest.get(..span.bytes as usize))
            .unwrap_or(&[])
    }
}
