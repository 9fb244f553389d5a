//! The guest's memory: the only room that follows a guest's pointers.
//!
//! Always true: an access outside of the memory is `EFAULT`, whatever the guest says; pointers need not be aligned. A memory
//! that only this guest uses is read and written in place. One that other threads may be using at the same time is copied
//! from and to, so that nothing that is checked here changes between check and use; it may grow meanwhile, but never
//! shrinks.

use std::borrow::Cow;
use std::io::{IoSlice, IoSliceMut};

use wootz::SharedMemory;

use crate::errno::{Errno, Result};

/// How many buffers one call reads or writes at most; the rest is left for the next call, as in a short write.
const MAX_BUFFERS: usize = 1024;

/// How many bytes one call reads or writes at most: what the operating system takes, too.
const MAX_BYTES: usize = 0x7fff_f000;

/// How many bytes one call copies at most where it cannot read or write in place.
const MAX_COPIED: usize = 1 << 22;

/// How long a path may be, as on Linux.
const MAX_PATH: u32 = 4095;

/// The memory of the guest that is calling.
pub enum GuestMemory<'a> {
    /// Nobody else uses it during the call.
    Own(&'a mut [u8]),
    /// Other threads may.
    Shared(&'a SharedMemory),
}

/// Where a guest has a buffer that is in its memory and not empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Buffer {
    start: usize,
    len: usize,
}

/// The buffers of one call: as many as it handles, all of them in the memory and not empty. They may overlap.
pub struct Buffers {
    list: Vec<Buffer>,
    /// How many bytes they have together.
    len: usize,
}

impl Buffers {
    /// Whether there is nothing to read or to write.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Leaves out so many bytes at the beginning.
    pub fn advance(&mut self, bytes: usize) {
        let mut left = bytes.min(self.len);
        self.len -= left;
        self.list.retain_mut(|buffer| {
            let gone = left.min(buffer.len);
            left -= gone;
            buffer.start += gone;
            buffer.len -= gone;
            buffer.len > 0
        });
    }
}

impl GuestMemory<'_> {
    fn len(&self) -> usize {
        match self {
            GuestMemory::Own(bytes) => bytes.len(),
            GuestMemory::Shared(memory) => memory.data_size(),
        }
    }

    /// Whether so many bytes are in the memory.
    pub fn check(&self, pointer: u32, len: u32) -> Result<()> {
        let end = u64::from(pointer) + u64::from(len);
        if end <= self.len() as u64 { Ok(()) } else { Err(Errno::Fault) }
    }

    /// A run of bytes.
    pub fn read(&self, pointer: u32, len: u32) -> Result<Cow<'_, [u8]>> {
        self.check(pointer, len)?;
        self.read_buffer(Buffer { start: pointer as usize, len: len as usize })
    }

    /// The contents of a buffer, which is known to be in the memory.
    fn read_buffer(&self, Buffer { start, len }: Buffer) -> Result<Cow<'_, [u8]>> {
        match self {
            GuestMemory::Own(bytes) => {
                let rest = bytes.get(start..).ok_or(Errno::Fault)?;
                Ok(Cow::Borrowed(rest.get(..len).ok_or(Errno::Fault)?))
            }
            GuestMemory::Shared(memory) => {
                let mut copy = vec![0; len];
                memory.read(start, &mut copy).map_err(|_| Errno::Fault)?;
                Ok(Cow::Owned(copy))
            }
        }
    }

    /// A path. It is not looked at but for its length and zero bytes, which no path has.
    pub fn path(&self, pointer: u32, len: u32) -> Result<Vec<u8>> {
        self.check(pointer, len)?;
        if len > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        let path = self.read(pointer, len)?.into_owned();
        if path.contains(&0) {
            return Err(Errno::Inval);
        }
        if path.is_empty() { Err(Errno::Noent) } else { Ok(path) }
    }

    /// A run of records, each of `size` bytes.
    pub fn records(&self, pointer: u32, count: u32, size: u32) -> Result<Vec<u8>> {
        let len = count.checked_mul(size).ok_or(Errno::Fault)?;
        Ok(self.read(pointer, len)?.into_owned())
    }

    /// Copies bytes to the guest.
    pub fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<()> {
        let start = pointer as usize;
        match self {
            GuestMemory::Own(memory) => {
                let rest = memory.get_mut(start..).ok_or(Errno::Fault)?;
                rest.get_mut(..bytes.len()).ok_or(Errno::Fault)?.copy_from_slice(bytes);
                Ok(())
            }
            GuestMemory::Shared(memory) => memory.write(start, bytes).map_err(|_| Errno::Fault),
        }
    }

    /// Gives the guest a number.
    pub fn write_u32(&mut self, pointer: u32, number: u32) -> Result<()> {
        self.write(pointer, &number.to_le_bytes())
    }

    /// Gives the guest a number.
    pub fn write_u64(&mut self, pointer: u32, number: u64) -> Result<()> {
        self.write(pointer, &number.to_le_bytes())
    }

    /// The buffers of an array of (pointer, length) pairs: as many as one call handles.
    ///
    /// ```text
    ///   0 pointer u32 │ 4 length u32 │ 8
    /// ```
    pub fn buffers(&self, pointer: u32, count: u32) -> Result<Buffers> {
        self.check(pointer, count.checked_mul(8).ok_or(Errno::Fault)?)?;
        let mut buffers = Buffers { list: Vec::new(), len: 0 };
        // Empty ones do not count, as "0 bytes" would mean the end.
        for first in (0..count).step_by(MAX_BUFFERS) {
            let records = (count - first).min(MAX_BUFFERS as u32);
            let records = self.read(pointer + first * 8, records * 8)?;
            for record in records.as_chunks::<8>().0 {
                if buffers.list.len() == MAX_BUFFERS {
                    return Ok(buffers);
                }
                let [a, b, c, d, e, f, g, h] = *record;
                let start = u32::from_le_bytes([a, b, c, d]);
                let len = u32::from_le_bytes([e, f, g, h]);
                self.check(start, len)?;
                let len = (len as usize).min(MAX_BYTES - buffers.len);
                buffers.len += len;
                if len > 0 {
                    buffers.list.push(Buffer { start: start as usize, len });
                }
            }
        }
        Ok(buffers)
    }

    /// One buffer, for functions that take no more. Nothing if it is empty.
    pub fn buffer(&self, pointer: u32, len: u32) -> Result<Buffers> {
        self.check(pointer, len)?;
        let (start, len) = (pointer as usize, len as usize);
        let list = if len > 0 { vec![Buffer { start, len }] } else { Vec::new() };
        Ok(Buffers { list, len })
    }

    /// Lets `read` fill the buffers, and returns how many bytes it has filled, which is what it says. If there are none, it is
    /// not asked: it might wait for what nobody wants.
    pub fn fill(
        &mut self,
        buffers: &Buffers,
        read: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize>,
    ) -> Result<usize> {
        if buffers.is_empty() {
            return Ok(0);
        }
        if let GuestMemory::Own(bytes) = self
            && let Some(mut slices) = apart(bytes, &buffers.list)
        {
            return Ok(read(&mut slices)?.min(buffers.len));
        }
        let mut copy = vec![0; buffers.len.min(MAX_COPIED)];
        let len = read(&mut [IoSliceMut::new(&mut copy)])?.min(copy.len());
        let mut rest = &copy[..len];
        for buffer in &buffers.list {
            let (now, later) = rest.split_at(buffer.len.min(rest.len()));
            // Cannot fail: buffers are in a memory of 32-bit addresses, which does not shrink.
            self.write(u32::try_from(buffer.start).map_err(|_| Errno::Fault)?, now)?;
            rest = later;
        }
        Ok(len)
    }

    /// Lets `write` take from the buffers, and returns how many bytes it has taken, which is what it says. If there are none,
    /// it is not asked.
    pub fn drain(
        &self,
        buffers: &Buffers,
        write: impl FnOnce(&[IoSlice<'_>]) -> Result<usize>,
    ) -> Result<usize> {
        if buffers.is_empty() {
            return Ok(0);
        }
        let mut room = match self {
            GuestMemory::Own(_) => MAX_BYTES,
            GuestMemory::Shared(_) => MAX_COPIED,
        };
        let mut contents = Vec::with_capacity(buffers.list.len());
        for &Buffer { start, len } in &buffers.list {
            let len = len.min(room);
            room -= len;
            contents.push(self.read_buffer(Buffer { start, len })?);
        }
        let slices: Vec<_> = contents.iter().map(|bytes| IoSlice::new(bytes)).collect();
        Ok(write(&slices)?.min(buffers.len))
    }
}

/// The buffers in their order, if none of them overlap.
fn apart<'a>(bytes: &'a mut [u8], buffers: &[Buffer]) -> Option<Vec<IoSliceMut<'a>>> {
    if let [Buffer { start, len }] = *buffers {
        return Some(vec![IoSliceMut::new(bytes.get_mut(start..)?.get_mut(..len)?)]);
    }
    let mut by_place: Vec<usize> = (0..buffers.len()).collect();
    by_place.sort_by_key(|&index| buffers[index].start);
    let mut slices: Vec<Option<IoSliceMut<'a>>> = buffers.iter().map(|_| None).collect();
    let (mut rest, mut begins) = (bytes, 0);
    for index in by_place {
        let Buffer { start, len } = buffers[index];
        let (_, from_start) = rest.split_at_mut_checked(start.checked_sub(begins)?)?;
        let (slice, behind) = from_start.split_at_mut_checked(len)?;
        slices[index] = Some(IoSliceMut::new(slice));
        (rest, begins) = (behind, start + len);
    }
    slices.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_reached() {
        let mut bytes = [0; 16];
        let mut memory = GuestMemory::Own(&mut bytes);
        assert!(memory.read(16, 0).is_ok());
        assert_eq!(memory.read(17, 0), Err(Errno::Fault));
        assert_eq!(memory.read(u32::MAX, u32::MAX), Err(Errno::Fault));
        assert_eq!(memory.write_u32(13, 1), Err(Errno::Fault));
        assert_eq!(memory.write_u64(8, u64::MAX), Ok(()));
        assert_eq!(
            memory.buffers(0, 1 << 29).map(|buffers| buffers.len),
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
        let memory = GuestMemory::Own(&mut bytes);
        let buffers = memory.buffers(0, 4096).map(|buffers| buffers.list.len());
        assert_eq!(buffers, Ok(MAX_BUFFERS));
    }

    #[test]
    fn buffers_are_filled_in_their_order_wherever_they_are() {
        // (place, length) of each, and what comes of filling them with 1, 2, 3, ...
        let cases = [
            (vec![(2u8, 3u8)], [0, 0, 1, 2, 3, 0, 0, 0]),
            (vec![(4, 2), (0, 2)], [3, 4, 0, 0, 1, 2, 0, 0]),
            (vec![(0, 2), (6, 0), (2, 2)], [1, 2, 3, 4, 0, 0, 0, 0]),
            (vec![(0, 3), (2, 3)], [1, 2, 4, 5, 6, 0, 0, 0]),
            (vec![(2, 3), (2, 3)], [0, 0, 4, 5, 6, 0, 0, 0]),
        ];
        for (buffers, expected) in cases {
            let mut bytes = vec![0; 8];
            for &(start, len) in &buffers {
                bytes.extend(u32::from(start).to_le_bytes());
                bytes.extend(u32::from(len).to_le_bytes());
            }
            let mut memory = GuestMemory::Own(&mut bytes);
            let list = memory.buffers(8, buffers.len() as u32).unwrap();
            let filled = memory.fill(&list, |slices| {
                let bytes = slices.iter_mut().flat_map(|slice| slice.iter_mut());
                Ok(bytes.zip(1..).map(|(byte, number)| *byte = number).count())
            });
            assert_eq!(filled, Ok(list.len), "{buffers:?}");
            assert_eq!(bytes[..8], expected, "{buffers:?}");
        }
    }
}
