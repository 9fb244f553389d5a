//! The descriptor of an artifact and its tables, searched in place.
//!
//! An artifact, whatever its container, has one exported symbol, [`DESCRIPTOR_SYMBOL`], at the beginning of its
//! *metadata*: one run of read-only bytes that holds the descriptor and all tables. Two things lie elsewhere, and the
//! descriptor says how far away: the code, and the page-aligned images of memories.
//!
//! ```text
//!   metadata ─► ┌─────────────────────────────┐ 0
//!               │ Descriptor                  │
//!               ├─────────────────────────────┤
//!               │ compat    (postcard)        │  checked against the descriptor's checksum
//!               │ manifest  (postcard)        │
//!               ├─────────────────────────────┤
//!               │ functions  FunctionRecord[] │  sorted by start
//!               │ signatures SignatureCode[]  │  by SignatureIndex
//!               │ funcrefs   FuncRefRecord[]  │  by FuncRefIndex
//!               │ traps      u32[n] u8[n]     │  code offsets, ascending; trap codes
//!               │ positions  u32[n+1] bytes   │  by position in `functions`; see `Writer::positions`
//!               │ names      u32[n+1] bytes   │  by position in `functions`
//!               │ elements   bytes            │  of element segments
//!               │ data       bytes            │  of data segments and custom sections
//!               └─────────────────────────────┘
//! ```
//!
//! Numbers are in the byte order of the target, postcard's in its own. Every [`Span`] is relative to the descriptor, so
//! the file needs no relocation to be loaded. All records have 4-byte alignment.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem::{offset_of, size_of};

use super::ABI_VERSION;
use super::compat::Compatibility;
use super::index::{FuncRefIndex, SignatureIndex};
use super::manifest::{Manifest, Range};
use super::trap::TrapCode;

/// The exported symbol of an artifact.
pub const DESCRIPTOR_SYMBOL: &str = "wootz_module";

/// The first bytes of a descriptor.
pub const MAGIC: [u8; 8] = *b"\x7fWOOTZ\r\n";

/// Images of memories, and their places in memories, are multiples of this many bytes: the largest page size that
/// systems of the target architecture have.
pub const fn image_alignment(is_x86_64: bool) -> u32 {
    if is_x86_64 { 0x1000 } else { 0x1_0000 }
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
    /// [`ABI_VERSION`] of the compiler.
    pub abi_version: u32,
    /// The size of all metadata, this descriptor included.
    pub metadata_bytes: u32,
    /// [`checksum`] of `compat` and `manifest`.
    pub checksum: u64,
    /// A [`Compatibility`] record, in postcard's encoding.
    pub compat: Span,
    /// A [`Manifest`], in postcard's encoding.
    pub manifest: Span,
    /// [`FunctionRecord`]s.
    pub functions: Span,
    /// [`SignatureCode`]s.
    pub signatures: Span,
    /// [`FuncRefRecord`]s.
    pub funcrefs: Span,
    /// Trap sites.
    pub traps: Span,
    /// Source positions.
    pub positions: Span,
    /// Function names.
    pub names: Span,
    /// Elements of element segments.
    pub elements: Span,
    /// Bytes of data segments and custom sections.
    pub data: Span,
    /// The code; outside of the metadata.
    pub text: Span,
    /// The images of memories; outside of the metadata, aligned to [`image_alignment`].
    pub image: Span,
}

/// Where the descriptor's two fields lie whose values only the writer of the container knows: the `offset` of
/// [`Descriptor::text`], and that of [`Descriptor::image`].
pub const TEXT_OFFSET_FIELD: u32 = offset_of!(Descriptor, text) as u32;
/// See [`TEXT_OFFSET_FIELD`].
pub const IMAGE_OFFSET_FIELD: u32 = offset_of!(Descriptor, image) as u32;

/// "No code": where a [`SignatureCode`] lacks a trampoline.
pub const NO_CODE: u32 = u32::MAX;

/// Where the code of a function is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FunctionRecord {
    /// Offset of its first instruction in the code.
    pub start: u32,
    /// The size of its code.
    pub bytes: u32,
    /// Its index in the module.
    pub function: u32,
    /// The offset of its body in the wasm file.
    pub wasm_offset: u32,
}

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
    /// Its [`SignatureIndex`].
    pub signature: u32,
}

/// The checksum that guards what is decoded when an artifact is loaded: FNV-1a with 64 bits.
pub fn checksum(parts: &[&[u8]]) -> u64 {
    parts.iter().flat_map(|part| part.iter()).fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Everything that goes into the metadata of an artifact.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// What the host must have.
    pub compat: Compatibility,
    /// What the module imports, exports and needs.
    pub manifest: Manifest,
    /// The functions, sorted by `start`.
    pub functions: Vec<FunctionRecord>,
    /// The trampolines, by [`SignatureIndex`].
    pub signatures: Vec<SignatureCode>,
    /// The functions that may be referred to, by [`FuncRefIndex`].
    pub funcrefs: Vec<FuncRefRecord>,
    /// Trap sites, sorted by code offset.
    pub traps: Vec<(u32, TrapCode)>,
    /// Source positions, sorted by code offset: from there on, code comes from that offset in the wasm file.
    pub positions: Vec<(u32, u32)>,
    /// Function names, by position in `functions`; empty where there is none.
    pub names: Vec<String>,
    /// Elements of element segments.
    pub elements: Vec<u8>,
    /// Bytes of data segments and custom sections.
    pub data: Vec<u8>,
    /// The size of the code.
    pub text_bytes: u32,
    /// The size of all images.
    pub image_bytes: u32,
}

/// The byte order of numbers in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum ByteOrder {
    Little,
    Big,
}

impl Metadata {
    /// The bytes of the metadata, all but the two fields at [`TEXT_OFFSET_FIELD`] and [`IMAGE_OFFSET_FIELD`].
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
        writer.align();

        let metadata_bytes = i32::try_from(writer.bytes.len()).map_err(|_| TooLarge)? as u32;
        let body = core::mem::take(&mut writer.bytes);
        writer.bytes.extend(MAGIC);
        writer.numbers(&[ABI_VERSION, metadata_bytes]);
        writer.wide(checksum(&[&compat, &manifest]));
        for span in writer.spans.clone() {
            writer.numbers(&[span.offset as u32, span.bytes]);
        }
        writer.numbers(&[0, self.text_bytes, 0, self.image_bytes]);
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

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    fn numbers(&mut self, numbers: &[u32]) {
        for number in numbers {
            self.bytes.extend(match self.order {
                ByteOrder::Little => number.to_le_bytes(),
                ByteOrder::Big => number.to_be_bytes(),
            });
        }
    }

    fn wide(&mut self, number: u64) {
        self.bytes.extend(match self.order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
    }
}

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
/// In: the bytes of the metadata, in native byte order, 8-byte aligned. Lookups cost at most a binary search.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    metadata: &'a [u8],
    descriptor: Descriptor,
}

impl<'a> Tables<'a> {
    /// Checks the descriptor, and that every table lies inside of the metadata.
    ///
    /// `metadata` may be longer than the metadata is. What tables contain is checked when it is read: a corrupted table
    /// may give wrong answers, but never one outside of `metadata`.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn new(metadata: &'a [u8]) -> Result<Tables<'a>, MetadataError> {
        let corrupted = MetadataError::Corrupted { part: "descriptor" };
        if !metadata.starts_with(&MAGIC) {
            return Err(MetadataError::NotADescriptor);
        }
        let number = |at: usize| read_u32(metadata, at).ok_or(corrupted.clone());
        let abi_version = number(offset_of!(Descriptor, abi_version))?;
        if abi_version != ABI_VERSION {
            return Err(MetadataError::AbiVersion { found: abi_version });
        }
        let metadata_bytes = number(offset_of!(Descriptor, metadata_bytes))?;
        let metadata = metadata.get(..metadata_bytes as usize).ok_or(corrupted.clone())?;
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
        let checksum_bytes =
            metadata.get(offset_of!(Descriptor, checksum)..).and_then(|rest| rest.first_chunk());
        let descriptor = Descriptor {
            magic: MAGIC,
            abi_version,
            metadata_bytes,
            checksum: u64::from_ne_bytes(*checksum_bytes.ok_or(corrupted.clone())?),
            compat: inside(offset_of!(Descriptor, compat), 1, "compatibility record")?,
            manifest: inside(offset_of!(Descriptor, manifest), 1, "manifest")?,
            functions: inside(
                offset_of!(Descriptor, functions),
                size_of::<FunctionRecord>(),
                "function table",
            )?,
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
            traps: inside(offset_of!(Descriptor, traps), 5, "trap table")?,
            positions: inside(offset_of!(Descriptor, positions), 1, "position table")?,
            names: inside(offset_of!(Descriptor, names), 1, "name table")?,
            elements: inside(offset_of!(Descriptor, elements), 4, "element table")?,
            data: inside(offset_of!(Descriptor, data), 1, "data")?,
            text: outside(offset_of!(Descriptor, text))?,
            image: outside(offset_of!(Descriptor, image))?,
        };
        Ok(Tables { metadata, descriptor })
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
            (
                manifest.functions as usize,
                self.descriptor.functions,
                size_of::<FunctionRecord>(),
                "function table",
            ),
        ] {
            if span.bytes as usize != count * record {
                return Err(MetadataError::Corrupted { part });
            }
        }
        Ok((compat, manifest))
    }

    /// How many functions have code.
    pub fn function_count(&self) -> usize {
        self.descriptor.functions.bytes as usize / size_of::<FunctionRecord>()
    }

    /// A function's record, by its position in the table.
    pub fn function(&self, position: usize) -> Option<FunctionRecord> {
        let [start, bytes, function, wasm_offset] =
            self.record(self.descriptor.functions, position)?;
        Some(FunctionRecord { start, bytes, function, wasm_offset })
    }

    /// The position of the function whose code contains this code offset.
    pub fn function_at(&self, code_offset: u32) -> Option<usize> {
        let after = partition(self.function_count(), |i| {
            self.function(i).is_some_and(|f| f.start <= code_offset)
        });
        let position = after.checked_sub(1)?;
        let function = self.function(position)?;
        (code_offset - function.start < function.bytes).then_some(position)
    }

    /// The name of a function, by its position in the table. `None` if it has none.
    pub fn function_name(&self, position: usize) -> Option<&'a str> {
        let names = self.span(self.descriptor.names);
        if position >= self.function_count() {
            return None;
        }
        let text = names.get((self.function_count() + 1) * 4..)?;
        let start = read_u32(names, position * 4)? as usize;
        let end = read_u32(names, position * 4 + 4)? as usize;
        let name = core::str::from_utf8(text.get(start..end)?).ok()?;
        (!name.is_empty()).then_some(name)
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
        let traps = self.span(self.descriptor.traps);
        let count = traps.len() / 5;
        let offset = |i: usize| read_u32(traps, i * 4);
        let position = partition(count, |i| offset(i).is_some_and(|o| o < code_offset));
        if position >= count || offset(position)? != code_offset {
            return None;
        }
        TrapCode::from_u8(*traps.get(count * 4 + position)?)
    }

    /// The offset in the wasm file from which the instruction at this code offset comes.
    ///
    /// `None` outside of functions and where the compiler knew none.
    pub fn wasm_offset_at(&self, code_offset: u32) -> Option<u32> {
        let positions = self.positions_of(self.function_at(code_offset)?);
        positions.take_while(|&(code, _)| code <= code_offset).last().map(|(_, wasm)| wasm)
    }

    /// The source positions of a function, by its position in the table.
    fn positions_of(&self, position: usize) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let function = self.function(position);
        let all = self.span(self.descriptor.positions);
        let own = || {
            let bytes = all.get((self.function_count() + 1) * 4..)?;
            bytes.get(
                read_u32(all, position * 4)? as usize..read_u32(all, position * 4 + 4)? as usize,
            )
        };
        let mut bytes = own().unwrap_or_default();
        let (mut code, mut wasm) =
            function.map_or((0, 0), |function| (function.start, function.wasm_offset));
        core::iter::from_fn(move || {
            code = code.wrapping_add(read_leb(&mut bytes)? as u32);
            wasm = wasm.wrapping_add(unzigzag(read_leb(&mut bytes)?) as u32);
            Some((code, wasm))
        })
    }

    /// All source positions, in the order of code offsets: (code offset, wasm offset).
    pub fn positions(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        let tables = *self;
        (0..self.function_count()).flat_map(move |position| tables.positions_of(position))
    }

    /// All trap sites, in the order of code offsets.
    pub fn traps(&self) -> impl Iterator<Item = (u32, TrapCode)> + 'a {
        let traps = self.span(self.descriptor.traps);
        let count = traps.len() / 5;
        (0..count).filter_map(move |i| {
            Some((read_u32(traps, i * 4)?, TrapCode::from_u8(*traps.get(count * 4 + i)?)?))
        })
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

    fn part(&self, span: Span, range: Range) -> Option<&'a [u8]> {
        self.span(span).get(range.offset as usize..)?.get(..range.bytes as usize)
    }

    fn record<const N: usize>(&self, span: Span, position: usize) -> Option<[u32; N]> {
        let bytes = self.span(span).get(position.checked_mul(N * 4)?..)?.get(..N * 4)?;
        let mut record = [0; N];
        for (number, bytes) in record.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *number = u32::from_ne_bytes(*bytes);
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

/// Makes small numbers of both signs small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Appends a number in unsigned LEB128.
fn write_leb(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number in unsigned LEB128 from the beginning of `bytes`. `None` if it is cut off or too long.
fn read_leb(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

/// The first position at which `before` is no longer true, if it is true up to some position and false from there on.
fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match before(middle) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::compat::Settings;
    use alloc::vec;

    fn sample() -> Metadata {
        Metadata {
            compat: Compatibility {
                target: "x86_64-unknown-linux-gnu".into(),
                cpu_features: vec!["has_sse41".into()],
                settings: Settings {
                    consume_fuel: false,
                    epoch_interruption: false,
                    signals_based_traps: true,
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
            traps: vec![(18, TrapCode::MemoryOutOfBounds), (33, TrapCode::UnreachableCodeReached)],
            positions: vec![(16, 41), (20, 44), (34, 62)],
            names: vec!["one".into(), String::new()],
            elements: vec![1, 0, 0, 0],
            data: b"hello".to_vec(),
            text_bytes: 40,
            image_bytes: 0,
        }
    }

    fn native() -> ByteOrder {
        if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little }
    }

    #[test]
    fn what_is_written_is_found() {
        let bytes = sample().to_bytes(native()).unwrap();
        let tables = Tables::new(&bytes).unwrap();
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
        assert_eq!(tables.trap_at(33), Some(TrapCode::UnreachableCodeReached));
        assert_eq!(tables.wasm_offset_at(19), Some(41));
        assert_eq!(tables.wasm_offset_at(20), Some(44));
        assert_eq!(
            tables.wasm_offset_at(32),
            None,
            "positions of one function do not leak into the next"
        );
        assert_eq!(tables.wasm_offset_at(35), Some(62));
        assert!(tables.positions().eq(sample().positions));
        assert_eq!(tables.elements(Range { offset: 0, bytes: 4 }), Some(&[[1, 0, 0, 0]][..]));
        assert_eq!(tables.data(Range { offset: 1, bytes: 4 }), Some(&b"ello"[..]));
        assert_eq!(tables.data(Range { offset: 1, bytes: 5 }), None);
    }

    #[test]
    fn no_flipped_byte_and_no_truncation_panics() {
        let bytes = sample().to_bytes(native()).unwrap();
        let use_all = |bytes: &[u8]| -> Result<(), MetadataError> {
            let tables = Tables::new(bytes)?;
            for offset in 0..48 {
                let _ = (tables.trap_at(offset), tables.wasm_offset_at(offset));
            }
            let _ = (
                tables.function_name(0),
                tables.function_name(1),
                tables.traps().count(),
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
