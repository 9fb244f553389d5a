//! Numbers in bytes, and finding one among them.
//!
//! Always true: nothing is read outside of the bytes.

/// The byte order of numbers in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// That of this machine.
    pub const NATIVE: ByteOrder =
        if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };

    /// A number as bytes.
    pub fn u32_bytes(self, number: u32) -> [u8; 4] {
        match self {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        }
    }

    /// Bytes as a number.
    pub(super) fn u32_from(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    /// A number, if it lies inside.
    pub(super) fn read_u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        Some(self.u32_from(*bytes.get(at..)?.first_chunk()?))
    }

    /// A larger number, likewise.
    pub(super) fn read_u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let chunk = bytes.get(at..)?.first_chunk()?;
        Some(match self {
            ByteOrder::Little => u64::from_le_bytes(*chunk),
            ByteOrder::Big => u64::from_be_bytes(*chunk),
        })
    }
}

/// The first position at which `before` is no longer true, if it is true up to some position and false from there on.
pub(super) fn partition(count: usize, before: impl Fn(usize) -> bool) -> usize {
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

/// Rows of a table in blocks of so many, each of which can be read without the ones before: the number of rows comes first in
/// the table, and behind a header where each block begins, and where the last ends.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    rows: usize,
    starts: &'a [[u8; 4]],
    bytes: &'a [u8],
    order: ByteOrder,
}

impl Default for Blocks<'_> {
    /// None.
    fn default() -> Self {
        Blocks { rows: 0, starts: &[], bytes: &[], order: ByteOrder::NATIVE }
    }
}

impl<'a> Blocks<'a> {
    /// Those of a table, if it is large enough.
    pub(super) fn new(
        table: &'a [u8],
        order: ByteOrder,
        header_bytes: usize,
        rows_in_block: usize,
    ) -> Option<Blocks<'a>> {
        let rows = order.read_u32(table, 0)? as usize;
        let starts = (rows.div_ceil(rows_in_block) + 1).checked_mul(4)?;
        let (starts, bytes) = table.get(header_bytes..)?.split_at_checked(starts)?;
        Some(Blocks { rows, starts: starts.as_chunks().0, bytes, order })
    }

    /// Takes something away that lies in front of the first block.
    pub(super) fn split_off_front(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.bytes.split_at_checked(bytes)?;
        self.bytes = rest;
        Some(front)
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many blocks there are.
    pub(super) fn count(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The bytes of a block.
    pub(super) fn block(&self, position: usize) -> Option<&'a [u8]> {
        self.bytes.get(self.start(position)?..self.start(position.checked_add(1)?)?)
    }

    /// The bytes of a block, and all behind it.
    pub(super) fn block_and_behind(&self, position: usize) -> Option<&'a [u8]> {
        self.bytes.get(self.start(position)?..)
    }

    fn start(&self, position: usize) -> Option<usize> {
        Some(self.order.u32_from(*self.starts.get(position)?) as usize)
    }
}
