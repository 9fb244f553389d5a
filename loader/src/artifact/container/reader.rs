//! Numbers at places in a file that may be anything.
//!
//! Always true: nothing is read outside of the bytes.

/// Numbers in one byte order.
pub struct Reader<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl Reader<'_> {
    /// Numbers in the byte order of this machine.
    pub fn native(bytes: &[u8]) -> Reader<'_> {
        Reader { bytes, is_big_endian: cfg!(target_endian = "big") }
    }

    /// Numbers with the lowest byte first.
    pub fn little_endian(bytes: &[u8]) -> Reader<'_> {
        Reader { bytes, is_big_endian: false }
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub fn u64(&self, at: usize) -> Option<u64> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}
