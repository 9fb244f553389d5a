//! The guest's memory: the only room that follows a guest's pointers.
//!
//! Always true: an access outside of the memory is `EFAULT`, whatever the guest says; pointers need not be aligned.

use crate::errno::{Errno, Result};

/// How many buffers one call reads or writes at most; the rest is left for the next call, as in a short write.
const MAX_BUFFERS: u32 = 1024;

/// How many bytes one call reads or writes at most: what the operating system takes, too.
const MAX_BYTES: usize = 0x7fff_f000;

/// The memory of the guest that is calling.
pub struct GuestMemory<'a> {
    bytes: &'a mut [u8],
}

impl<'a> GuestMemory<'a> {
    /// A memory.
    pub fn new(bytes: &'a mut [u8]) -> GuestMemory<'a> {
        GuestMemory { bytes }
    }

    /// A run of bytes.
    pub fn slice(&self, pointer: u32, len: u32) -> Result<&[u8]> {
        self.bytes
            .get(pointer as usize..)
            .and_then(|rest| rest.get(..len as usize))
            .ok_or(Errno::Fault)
    }

    /// A run of bytes, to be changed.
    pub fn slice_mut(&mut self, pointer: u32, len: u32) -> Result<&mut [u8]> {
        self.bytes
            .get_mut(pointer as usize..)
            .and_then(|rest| rest.get_mut(..len as usize))
            .ok_or(Errno::Fault)
    }

    /// A run of records, each of `size` bytes.
    pub fn records(
        &self,
        pointer: u32,
        count: u32,
        size: u32,
    ) -> Result<std::slice::ChunksExact<'_, u8>> {
        let len = count.checked_mul(size).ok_or(Errno::Fault)?;
        Ok(self.slice(pointer, len)?.chunks_exact(size as usize))
    }

    /// Copies bytes to the guest.
    pub fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<()> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.slice_mut(pointer, len)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Gives the guest a number.
    pub fn write_u32(&mut self, pointer: u32, number: u32) -> Result<()> {
        self.write(pointer, &number.to_le_bytes())
    }

    /// Gives the guest a number.
    pub fn write_u64(&mut self, pointer: u32, number: u64) -> Result<()> {
        self.write(pointer, &number.to_le_bytes())
    }

    /// The buffers of an array of (pointer, length) pairs that are not empty: as many as one call handles. They may
    /// overlap.
    ///
    /// ```text
    ///   0 pointer u32 │ 4 length u32 │ 8
    /// ```
    pub fn buffers(&self, pointer: u32, count: u32) -> Result<Vec<(u32, u32)>> {
        let mut buffers = Vec::new();
        let mut total = 0;
        self.slice(pointer, count.checked_mul(8).ok_or(Errno::Fault)?)?;
        for record in self.records(pointer, count.min(MAX_BUFFERS), 8)? {
            let number = |at: usize| {
                record[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
            };
            let (start, len) = (number(0), number(4));
            self.slice(start, len)?;
            let taken = (len as usize).min(MAX_BYTES - total);
            total += taken;
            if taken > 0 {
                buffers.push((start, taken as u32));
            }
        }
        Ok(buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_reached() {
        let mut bytes = [0; 16];
        let mut memory = GuestMemory::new(&mut bytes);
        assert!(memory.slice(16, 0).is_ok());
        assert_eq!(memory.slice(17, 0), Err(Errno::Fault));
        assert_eq!(memory.slice(u32::MAX, u32::MAX), Err(Errno::Fault));
        assert_eq!(memory.write_u32(13, 1), Err(Errno::Fault));
        assert_eq!(memory.write_u64(8, u64::MAX), Ok(()));
        assert_eq!(
            memory.buffers(0, 1 << 29),
            Err(Errno::Fault),
            "the size of the array overflows"
        );
    }

    #[test]
    fn a_call_handles_so_much_and_no_more() {
        let mut bytes = vec![0; 8 * 4096];
        for record in bytes.chunks_exact_mut(8) {
            record[4] = 1;
        }
        let memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.buffers(0, 4096).map(|buffers| buffers.len()), Ok(MAX_BUFFERS as usize));
    }
}
