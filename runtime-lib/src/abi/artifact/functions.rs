//! The table of functions, both ways: where the code, the body and the name of each is.
//!
//! In: functions, by the beginning of their code. Out: bytes, and answers from them.
//!
//! ```text
//!   functions ─► ┌──────────────────────┐
//!                │ n  first             │    u32 each: number of functions, index of the first in the module
//!                │ u32[n / 32 + 1]      │    where each block of 32 functions begins, and where the last ends; rounded up
//!                │ bytes of functions   │
//!                └──────────────────────┘
//! ```
//!
//! The bytes of a block are LEB128 numbers: where in the names the name of its first function begins, and then for each function
//! how far behind the end of the one before it begins, its size, how far its body is behind that of the one before, and the size
//! of its name. Each block begins as if all had been 0.
//!
//! Always true: whatever the bytes are, nothing outside of them is read, nothing panics, and every walk ends.

use alloc::vec::Vec;

use super::leb128::{read_leb, unzigzag, write_leb, zigzag};
use super::numbers::{Blocks, ByteOrder, partition};

const FUNCTIONS_IN_BLOCK: usize = 32;
const HEADER_BYTES: usize = 8;

/// Where the code of a function is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FunctionRecord {
    /// Offset of its first instruction in the code.
    pub start: u32,
    /// The size of its code.
    pub bytes: u32,
    /// Its index in the module: one more than that of the function in front.
    pub function: u32,
    /// The offset of its body in the wasm file.
    pub wasm_offset: u32,
}

/// The table, for functions and the sizes of their names. `number` puts a number into the byte order of the file.
pub(super) fn to_bytes(
    functions: &[FunctionRecord],
    name_bytes: impl Iterator<Item = usize>,
    number: impl Fn(u32) -> [u8; 4],
) -> Vec<u8> {
    let mut names: Vec<u64> = name_bytes.map(|bytes| bytes as u64).collect();
    names.resize(functions.len(), 0);
    let mut starts = alloc::vec![0];
    let mut bytes = Vec::new();
    let mut name_at = 0;
    for (functions, names) in
        functions.chunks(FUNCTIONS_IN_BLOCK).zip(names.chunks(FUNCTIONS_IN_BLOCK))
    {
        write_leb(&mut bytes, name_at);
        let (mut end, mut wasm) = (0, 0);
        for (function, &name) in functions.iter().zip(names) {
            write_leb(&mut bytes, u64::from(function.start - end));
            write_leb(&mut bytes, u64::from(function.bytes));
            write_leb(&mut bytes, zigzag(i64::from(function.wasm_offset) - wasm));
            write_leb(&mut bytes, name);
            (end, wasm) = (function.start + function.bytes, i64::from(function.wasm_offset));
            name_at += name;
        }
        starts.push(bytes.len() as u32);
    }
    let first = functions.first().map_or(0, |first| first.function);
    let numbers = [functions.len() as u32, first].into_iter().chain(starts);
    numbers.flat_map(number).chain(bytes).collect()
}

/// The table of functions, wherever it lies.
#[derive(Clone, Copy)]
pub(super) struct FunctionTable<'a> {
    blocks: Blocks<'a>,
    first: u32,
}

/// A function in the table.
#[derive(Clone, Copy, Default)]
struct Row {
    start: u32,
    bytes: u32,
    wasm_offset: u32,
    name: u32,
    name_bytes: u32,
}

impl<'a> FunctionTable<'a> {
    /// That in these bytes. If they are none, it is empty.
    pub(super) fn new(bytes: &'a [u8], order: ByteOrder) -> FunctionTable<'a> {
        let first = order.read_u32(bytes, 4).unwrap_or(0);
        let blocks =
            Blocks::new(bytes, order, HEADER_BYTES, FUNCTIONS_IN_BLOCK).unwrap_or_default();
        FunctionTable { blocks, first }
    }

    /// How many functions there are.
    pub(super) fn count(&self) -> usize {
        self.blocks.rows()
    }

    /// A function, by its position.
    pub(super) fn function(&self, position: usize) -> Option<FunctionRecord> {
        let Row { start, bytes, wasm_offset, .. } = self.row(position)?;
        let function = self.first.wrapping_add(position as u32);
        Some(FunctionRecord { start, bytes, function, wasm_offset })
    }

    /// Where in the names that of a function begins, and its size.
    pub(super) fn name(&self, position: usize) -> Option<(usize, usize)> {
        self.row(position).map(|row| (row.name as usize, row.name_bytes as usize))
    }

    /// The position of the function whose code contains this code offset.
    pub(super) fn at(&self, code: u32) -> Option<usize> {
        let begins = |block: usize| self.rows(block).next().is_some_and(|row| row.start <= code);
        let block = partition(self.blocks.count(), begins).checked_sub(1)?;
        let contains = |row: Row| row.start <= code && code - row.start < row.bytes;
        let position = self.rows(block).position(contains)?;
        Some(block * FUNCTIONS_IN_BLOCK + position)
    }

    fn row(&self, position: usize) -> Option<Row> {
        let position = (position < self.count()).then_some(position)?;
        self.rows(position / FUNCTIONS_IN_BLOCK).nth(position % FUNCTIONS_IN_BLOCK)
    }

    fn rows(&self, block: usize) -> impl Iterator<Item = Row> + use<'a> {
        let mut bytes = self.blocks.block(block).unwrap_or_default();
        let name = read_leb(&mut bytes).unwrap_or(0) as u32;
        let mut last = Row { name, ..Row::default() };
        let row = move || {
            let gap = read_leb(&mut bytes)? as u32;
            last = Row {
                start: last.start.wrapping_add(last.bytes).wrapping_add(gap),
                bytes: read_leb(&mut bytes)? as u32,
                wasm_offset: last.wasm_offset.wrapping_add(unzigzag(read_leb(&mut bytes)?) as u32),
                name: last.name.wrapping_add(last.name_bytes),
                name_bytes: read_leb(&mut bytes)? as u32,
            };
            Some(last)
        };
        core::iter::from_fn(row).take(FUNCTIONS_IN_BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<FunctionRecord> {
        let function = |number: u32| FunctionRecord {
            start: 100 + 64 * number,
            bytes: 1 + number % 64,
            function: 17 + number,
            wasm_offset: 1000 + number * number,
        };
        (0..100).map(function).collect()
    }

    fn written() -> Vec<u8> {
        to_bytes(&sample(), (0..100).map(|number| number % 7), u32::to_be_bytes)
    }

    #[test]
    fn what_is_written_is_found() {
        let bytes = written();
        let table = FunctionTable::new(&bytes, ByteOrder::Big);
        assert_eq!(table.count(), 100);
        let mut name_at = 0;
        for (position, function) in sample().into_iter().enumerate() {
            assert_eq!(table.function(position), Some(function));
            assert_eq!(table.name(position), Some((name_at, position % 7)));
            name_at += position % 7;
            let last = function.start + function.bytes - 1;
            assert_eq!(table.at(function.start), Some(position));
            assert_eq!(table.at(last), Some(position));
            let behind = if function.bytes == 64 { Some(position + 1) } else { None };
            assert_eq!(table.at(last + 1), behind);
        }
        assert!(table.function(100).is_none() && table.name(100).is_none());
        assert!(table.at(0).is_none() && table.at(99).is_none() && table.at(u32::MAX).is_none());
        assert_eq!(FunctionTable::new(&[], ByteOrder::Big).count(), 0);
        let none = to_bytes(&[], core::iter::empty(), u32::to_be_bytes);
        assert_eq!(FunctionTable::new(&none, ByteOrder::Big).count(), 0);
    }

    #[test]
    fn whatever_the_bytes_are_nothing_panics() {
        let bytes = written();
        let use_all = |bytes: &[u8]| {
            let table = FunctionTable::new(bytes, ByteOrder::Big);
            for position in [0, 1, 31, 32, 99, 100, table.count().wrapping_sub(1)] {
                let _ = (table.function(position), table.name(position));
            }
            for code in [0, 100, 101, 1000, 5000, u32::MAX] {
                let _ = table.at(code);
            }
        };
        for end in 0..bytes.len() {
            use_all(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            for byte in [0, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
                let mut bytes = bytes.clone();
                bytes[at] = byte;
                use_all(&bytes);
            }
        }
    }
}
