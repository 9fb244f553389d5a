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

    /// A number, if it lies inside.
    pub(super) fn read_u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let chunk = bytes.get(at..)?.first_chunk()?;
        Some(match self {
            ByteOrder::Little => u32::from_le_bytes(*chunk),
            ByteOrder::Big => u32::from_be_bytes(*chunk),
        })
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
