//! The table of places, both ways: which instructions may trap, and where in the wasm file code comes from.
//!
//! In: places, by their offset in the code. Out: bytes, and answers from them.
//!
//! ```text
//!   places ─► ┌──────────────────────┐
//!             │ n  flags             │    u32 each: number of rows; bit 0: complete, bits 8 to 15: unit, bits 16 to 23: c
//!             │ u32[n / 128 + 1]     │    where each block of 128 rows begins, and where the last ends; rounded up
//!             │ u32[n / 128]         │    the code offset of the first row of each block
//!             │ u8[3 * c]            │    rows that are common in this module: code, wasm offset, trap
//!             │ bytes of rows        │    and 3 more, so that rows can be read as numbers of 32 bits
//!             └──────────────────────┘
//! ```
//!
//! A row is the difference to the one before: of the code offset in units, of the wasm offset, with a sign, and of the call
//! in whose place the code was translated. Each block begins as if all had been 0, but for its code offset. It is one of
//!
//! ```text
//!   u8            below c: a common row
//!   u8 u8         the first from 192 on: 192 << 8 | (code - 1) << 7 | (wasm offset + 8) << 1 | (whether the memory may trap)
//!   u8 u8 u8      the first from 240 on: 240 << 16 | (code - 1) << 12 | (wasm offset + 256) << 3 | position in `TRAPS`
//!   255 u8 LEB..  trap, and 64 if it is another call; code, zigzag(wasm offset), and then perhaps the call: 0 for none, or else
//!                 zigzag(distance to the last one) + 1
//! ```
//!
//! A row takes less than two bytes in the mean, and a look-up decodes one block.
//!
//! The table of calls has blocks of 32 rows: `n`, where each begins and the last ends, and LEB128 numbers: zigzag of the
//! difference of the function, zigzag of that of the wasm offset, and how many calls in front the one is that it is in, or 0.
//!
//! Always true: whatever the bytes are, nothing outside of them is read, nothing panics, and every walk ends.

use alloc::vec::Vec;

use super::leb128::{read_leb, unzigzag, write_leb, zigzag};
use super::numbers::{Blocks, ByteOrder, partition};
use crate::abi::trap::TrapCode;

/// A place in the code: what is true from there up to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodePlace {
    /// The code offset. If the instruction there may trap, exactly where the system sees it.
    pub code: u32,
    /// The offset in the wasm file that the code comes from, if it is known. Not 0.
    pub wasm_offset: Option<u32>,
    /// If the code was translated in place of a call, the number of that.
    pub call: Option<u32>,
    /// Why the instruction at the offset may trap, if it may.
    pub trap: Option<TrapCode>,
}

/// All of them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CodePlaces {
    /// By code offset. Each begins behind the one before.
    pub rows: Vec<CodePlace>,
    /// Whether they say of every instruction where it comes from, or only of those that backtraces find: what may trap, and
    /// calls.
    pub are_complete: bool,
}

/// A call in whose place a function was translated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InlinedCall {
    /// The position of the function in the function table.
    pub function: u32,
    /// Where the call is in the wasm file.
    pub wasm_offset: u32,
    /// If it is itself in a function that was translated in place of a call, the number of that one, which is less.
    pub caller: Option<u32>,
}

const ROWS_IN_BLOCK: usize = 128;
const CALLS_IN_BLOCK: usize = 32;
const HEADER_BYTES: usize = 8;
const COMPLETE: u32 = 1;

/// As many rows can be common.
const MOST_COMMON: usize = TWO as usize;
const COMMON_BYTES: usize = 3;
/// A common row pays for its place in the list from so many on.
const COMMON_FROM: usize = 4;

/// The least first byte of rows of two bytes.
const TWO: u8 = 0xc0;
const TWO_BIAS: i64 = 8;
/// The least first byte of rows of three bytes.
const THREE: u8 = 0xf0;
const THREE_BIAS: i64 = 256;
/// The traps that rows of three bytes have numbers for. 0 is none.
const TRAPS: [u8; 8] = [
    0,
    TrapCode::MemoryOutOfBounds as u8,
    TrapCode::StackOverflow as u8,
    TrapCode::TableOutOfBounds as u8,
    TrapCode::IndirectCallToNull as u8,
    TrapCode::BadSignature as u8,
    TrapCode::IntegerDivisionByZero as u8,
    TrapCode::UnreachableCodeReached as u8,
];
/// So many bytes are read at once.
const READ_BYTES: usize = 4;
/// The first byte of all other rows.
const MORE: u8 = 0xff;
/// In their second byte.
const OTHER_CALL: u8 = 0x40;

/// What rows are differences to.
#[derive(Clone, Copy, Default)]
struct State {
    code: u32,
    wasm: u32,
    /// The number of the call, from 1, or 0.
    call: u32,
    /// The last of these that was not 0.
    last_call: u32,
}

/// A row as it is written.
struct Difference {
    code: u32,
    wasm: i64,
    trap: u8,
    /// As it is written, if the call is another one.
    call: Option<u64>,
}

impl State {
    fn add(&mut self, code: u32, wasm: u32) {
        self.code = self.code.wrapping_add(code);
        self.wasm = self.wasm.wrapping_add(wasm);
    }

    /// The place that this is the state at.
    fn place(&self, trap: u8) -> CodePlace {
        CodePlace {
            code: self.code,
            wasm_offset: (self.wasm != 0).then_some(self.wasm),
            call: self.call.checked_sub(1),
            trap: TrapCode::from_u8(trap),
        }
    }

    /// The difference to a place, which becomes the state.
    fn advance(&mut self, place: &CodePlace, unit: u32) -> Difference {
        let wasm = place.wasm_offset.unwrap_or(0);
        let call = place.call.map_or(0, |call| call + 1);
        let written = (call != self.call).then(|| match call {
            0 => 0,
            _ => zigzag(i64::from(call) - i64::from(self.last_call)) + 1,
        });
        let difference = Difference {
            code: (place.code - self.code) / unit,
            wasm: i64::from(wasm) - i64::from(self.wasm),
            trap: place.trap.map_or(0, |trap| trap as u8),
            call: written,
        };
        let last_call = if call == 0 { self.last_call } else { call };
        *self = State { code: place.code, wasm, call, last_call };
        difference
    }
}

impl Difference {
    /// As one of the common rows, if it can be one.
    fn common(&self) -> Option<[u8; COMMON_BYTES]> {
        let code = u8::try_from(self.code).ok()?;
        let wasm = i8::try_from(self.wasm).ok()?;
        self.call.is_none().then_some([code, wasm as u8, self.trap])
    }

    fn write(&self, common: &[[u8; COMMON_BYTES]], bytes: &mut Vec<u8>) {
        let position = self.common().and_then(|own| common.binary_search(&own).ok());
        if let Some(position) = position {
            return bytes.push(position as u8);
        }
        if let Some(row) = self.two() {
            return bytes.extend(row.to_be_bytes());
        }
        if let Some(row) = self.three() {
            return bytes.extend(&row.to_be_bytes()[1..]);
        }
        let other = if self.call.is_some() { OTHER_CALL } else { 0 };
        bytes.extend([MORE, self.trap | other]);
        write_leb(bytes, u64::from(self.code));
        write_leb(bytes, zigzag(self.wasm));
        if let Some(call) = self.call {
            write_leb(bytes, call);
        }
    }

    /// As a row of two bytes, if it can be one.
    fn two(&self) -> Option<u16> {
        let code = self.code.checked_sub(1).filter(|&code| code < u32::from(THREE - TWO) << 1)?;
        let wasm = u16::try_from(self.wasm + TWO_BIAS).ok().filter(|&wasm| wasm < 0x40)?;
        let trap = TRAPS[..2].iter().position(|&trap| trap == self.trap)?;
        let rest = (code as u16) << 7 | wasm << 1 | trap as u16;
        self.call.is_none().then_some((u16::from(TWO) << 8) + rest)
    }

    /// As a row of three bytes, if it can be one.
    fn three(&self) -> Option<u32> {
        let code = self.code.checked_sub(1).filter(|&code| code < u32::from(MORE - THREE) << 4)?;
        let wasm = u32::try_from(self.wasm + THREE_BIAS).ok().filter(|&wasm| wasm < 0x200)?;
        let trap = TRAPS.iter().position(|&trap| trap == self.trap)?;
        let rest = code << 12 | wasm << 3 | trap as u32;
        self.call.is_none().then_some((u32::from(THREE) << 16) + rest)
    }
}

impl CodePlaces {
    /// The table. `number` puts a number into the byte order of the file.
    pub(super) fn to_bytes(&self, number: impl Fn(u32) -> [u8; 4]) -> Vec<u8> {
        let unit = 1 << self.rows.iter().fold(2, |unit, row| row.code.trailing_zeros().min(unit));
        let blocks = || self.rows.chunks(ROWS_IN_BLOCK);
        let differences = |block: &[CodePlace]| -> Vec<Difference> {
            let mut state = State { code: block[0].code, ..State::default() };
            block.iter().map(|place| state.advance(place, unit)).collect()
        };
        let common = most_common(blocks().flat_map(differences).filter_map(|row| row.common()));
        let mut starts = alloc::vec![0];
        let mut bytes = Vec::new();
        for block in blocks() {
            differences(block).iter().for_each(|row| row.write(&common, &mut bytes));
            starts.push(bytes.len() as u32);
        }
        bytes.extend([0; READ_BYTES - 1]);
        let complete = if self.are_complete { COMPLETE } else { 0 };
        let flags = complete | unit << 8 | (common.len() as u32) << 16;
        let codes = blocks().map(|block| block[0].code);
        let numbers = [self.rows.len() as u32, flags].into_iter().chain(starts).chain(codes);
        numbers.flat_map(number).chain(common.into_iter().flatten()).chain(bytes).collect()
    }
}

/// The rows that are worth a place in the list, ascending.
fn most_common(rows: impl Iterator<Item = [u8; COMMON_BYTES]>) -> Vec<[u8; COMMON_BYTES]> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable();
    let same = rows.chunk_by(|a, b| a == b);
    let counted = same.map(|same| (same.len(), same[0])).filter(|(count, _)| *count >= COMMON_FROM);
    let mut counted: Vec<_> = counted.collect();
    counted.sort_by_key(|&(count, _)| core::cmp::Reverse(count));
    let mut common: Vec<_> = counted.into_iter().take(MOST_COMMON).map(|(_, row)| row).collect();
    common.sort_unstable();
    common
}

/// The table of calls.
pub(super) fn calls_to_bytes(calls: &[InlinedCall], number: impl Fn(u32) -> [u8; 4]) -> Vec<u8> {
    let mut starts = alloc::vec![0];
    let mut bytes = Vec::new();
    for (block, calls) in calls.chunks(CALLS_IN_BLOCK).enumerate() {
        let (mut function, mut wasm) = (0, 0);
        for (position, call) in calls.iter().enumerate() {
            let own = (block * CALLS_IN_BLOCK + position) as u32;
            write_leb(&mut bytes, zigzag(i64::from(call.function) - function));
            write_leb(&mut bytes, zigzag(i64::from(call.wasm_offset) - wasm));
            write_leb(&mut bytes, u64::from(call.caller.map_or(0, |caller| own - caller)));
            (function, wasm) = (i64::from(call.function), i64::from(call.wasm_offset));
        }
        starts.push(bytes.len() as u32);
    }
    let numbers = [calls.len() as u32].into_iter().chain(starts);
    numbers.flat_map(number).chain(bytes).collect()
}

/// The table of places, wherever it lies.
#[derive(Clone, Copy)]
pub(super) struct PlaceTable<'a> {
    blocks: Blocks<'a>,
    /// The code offset of the first row of each block.
    codes: &'a [[u8; 4]],
    common: &'a [[u8; COMMON_BYTES]],
    unit: u32,
    order: ByteOrder,
    are_complete: bool,
}

impl<'a> PlaceTable<'a> {
    /// That in these bytes. If they are none, it is empty.
    pub(super) fn new(bytes: &'a [u8], order: ByteOrder) -> PlaceTable<'a> {
        let flags = order.read_u32(bytes, 4).unwrap_or(0);
        let mut blocks = Blocks::new(bytes, order, HEADER_BYTES, ROWS_IN_BLOCK).unwrap_or_default();
        let codes = blocks.split_off_front(blocks.count() * 4).unwrap_or_default().as_chunks().0;
        let common = (flags >> 16 & 0xff) as usize * COMMON_BYTES;
        let common = blocks.split_off_front(common).unwrap_or_default().as_chunks().0;
        let (unit, are_complete) = (flags >> 8 & 0xff, flags & COMPLETE != 0);
        PlaceTable { blocks, codes, common, unit, order, are_complete }
    }

    /// Whether they say of every instruction where it comes from.
    pub(super) fn are_complete(&self) -> bool {
        self.are_complete
    }

    /// The last place at this code offset or in front of it. Neither allocates nor locks.
    pub(super) fn last_at(&self, code: u32) -> Option<CodePlace> {
        let mut rows = self.rows(self.block_with(code)?);
        let mut last = None;
        while let Some(row) = rows.step()
            && rows.state.code <= code
        {
            last = Some((rows.state, row));
        }
        last.map(|(state, row)| state.place(rows.trap(row)))
    }

    /// All places from the one at this code offset, or the next behind it, on.
    pub(super) fn from(&self, code: u32) -> impl Iterator<Item = CodePlace> + use<'a> {
        let table = *self;
        let blocks = self.block_with(code).unwrap_or(0)..self.blocks.count();
        let rows = blocks.flat_map(move |block| table.rows(block));
        rows.skip_while(move |place| place.code < code)
    }

    /// The block that has a place, if one in front does not.
    fn block_with(&self, code: u32) -> Option<usize> {
        let begins = |block: usize| self.first(block).is_some_and(|first| first <= code);
        partition(self.codes.len(), begins).checked_sub(1)
    }

    /// The code offset of the first row of a block.
    fn first(&self, block: usize) -> Option<u32> {
        Some(self.order.u32_from(*self.codes.get(block)?))
    }

    fn rows(&self, block: usize) -> Rows<'a> {
        let state = State { code: self.first(block).unwrap_or(0), ..State::default() };
        let bytes = self.blocks.block_and_behind(block).unwrap_or_default();
        let left = (self.blocks.rows().saturating_sub(block * ROWS_IN_BLOCK)).min(ROWS_IN_BLOCK);
        Rows { common: self.common, unit: self.unit, bytes, left, state }
    }
}

/// The rows of a block.
struct Rows<'a> {
    common: &'a [[u8; COMMON_BYTES]],
    unit: u32,
    /// From the next row on, up to the end of the table.
    bytes: &'a [u8],
    left: usize,
    state: State,
}

impl Rows<'_> {
    /// Lets the state be that of the next row, and gives its first bytes.
    #[inline(always)]
    fn step(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let row = u32::from_be_bytes(*self.bytes.first_chunk()?);
        let first = (row >> 24) as u8;
        if first == MORE {
            return self.long_step(row);
        }
        // Which of the three it is cannot be foreseen, so all are computed, rather than jumping to one.
        let common = self.common.get(usize::from(first)).copied().unwrap_or_default();
        let one = (1, u32::from(common[0]), common[1] as i8 as u32);
        let rest = (row >> 16).wrapping_sub(u32::from(TWO) << 8);
        let two = (2, (rest >> 7) + 1, (rest >> 1 & 0x3f).wrapping_sub(TWO_BIAS as u32));
        let rest = (row >> 8).wrapping_sub(u32::from(THREE) << 16);
        let three = (3, (rest >> 12) + 1, (rest >> 3 & 0x1ff).wrapping_sub(THREE_BIAS as u32));
        let (bytes, code, wasm) = match first {
            ..TWO => one,
            TWO..THREE => two,
            THREE.. => three,
        };
        self.bytes = self.bytes.get(bytes..)?;
        self.state.add(code.wrapping_mul(self.unit), wasm);
        Some(row)
    }

    /// The same for a row of more bytes.
    #[cold]
    fn long_step(&mut self, row: u32) -> Option<u32> {
        self.bytes = self.bytes.get(2..)?;
        let code = read_leb(&mut self.bytes)? as u32;
        let wasm = unzigzag(read_leb(&mut self.bytes)?) as u32;
        self.state.add(code.wrapping_mul(self.unit), wasm);
        if (row >> 16) as u8 & OTHER_CALL != 0 {
            let state = &mut self.state;
            state.call = match read_leb(&mut self.bytes)? {
                0 => 0,
                distance => state.last_call.wrapping_add(unzigzag(distance - 1) as u32),
            };
            if state.call != 0 {
                state.last_call = state.call;
            }
        }
        Some(row)
    }

    /// The trap of a row, by its first bytes.
    fn trap(&self, row: u32) -> u8 {
        let (first, second) = ((row >> 24) as u8, (row >> 16) as u8);
        match first {
            ..TWO => self.common.get(usize::from(first)).map_or(0, |common| common[2]),
            TWO..THREE => TRAPS[usize::from(second & 1)],
            THREE..MORE => TRAPS[usize::from((row >> 8) as u8 & 7)],
            MORE => second & (OTHER_CALL - 1),
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = CodePlace;

    fn next(&mut self) -> Option<CodePlace> {
        let row = self.step()?;
        Some(self.state.place(self.trap(row)))
    }
}

/// A call, by its number, from the table of calls.
pub(super) fn call(bytes: &[u8], order: ByteOrder, number: u32) -> Option<InlinedCall> {
    let blocks = Blocks::new(bytes, order, 4, CALLS_IN_BLOCK)?;
    let position = ((number as usize) < blocks.rows()).then_some(number as usize)?;
    let mut bytes = blocks.block(position / CALLS_IN_BLOCK)?;
    let (mut function, mut wasm_offset, mut distance) = (0u32, 0u32, 0);
    for _ in 0..=position % CALLS_IN_BLOCK {
        function = function.wrapping_add(unzigzag(read_leb(&mut bytes)?) as u32);
        wasm_offset = wasm_offset.wrapping_add(unzigzag(read_leb(&mut bytes)?) as u32);
        distance = read_leb(&mut bytes)? as u32;
    }
    let caller = if distance == 0 { None } else { number.checked_sub(distance) };
    Some(InlinedCall { function, wasm_offset, caller })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// Numbers that look random, and are always the same.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) % bound
        }
    }

    /// Some thousand places of all kinds: near to each other and far away, known and unknown, with every trap.
    fn sample(unit: u32) -> Vec<CodePlace> {
        let mut numbers = Numbers(7);
        let (mut code, mut wasm) = (0, 50_000i64);
        let row = |_| {
            let far = [1, 1, 1, 10, 100, 1000, 100_000][numbers.below(7) as usize];
            code += unit * (1 + numbers.below(9 * far) as u32);
            wasm = (wasm + numbers.below(20 * far) as i64 - 4 * far as i64).max(1);
            let trap = match numbers.below(4) {
                0 => Some(TrapCode::ALL[numbers.below(TrapCode::ALL.len() as u64) as usize]),
                1 => None,
                _ => Some(TrapCode::MemoryOutOfBounds),
            };
            let wasm_offset = (numbers.below(50) != 0).then_some(wasm as u32);
            let call = (numbers.below(3) == 0).then(|| numbers.below(2000) as u32);
            CodePlace { code, wasm_offset, call, trap }
        };
        (0..5000).map(row).collect()
    }

    fn written(rows: Vec<CodePlace>) -> Vec<u8> {
        CodePlaces { rows, are_complete: false }.to_bytes(u32::to_be_bytes)
    }

    #[test]
    fn places_are_found_where_they_are_and_behind() {
        for unit in [1, 2, 4] {
            let rows = sample(unit);
            let bytes = written(rows.clone());
            let table = PlaceTable::new(&bytes, ByteOrder::Big);
            assert_eq!(table.unit, unit);
            assert!(table.from(0).eq(rows.iter().copied()));
            assert_eq!(table.last_at(rows[0].code - 1), None);
            for (row, next) in rows.iter().zip(&rows[1..]) {
                assert_eq!(table.last_at(row.code), Some(*row));
                assert_eq!(table.last_at(next.code - 1), Some(*row));
                assert_eq!(table.from(row.code + 1).next(), Some(*next));
            }
            let last = *rows.last().unwrap();
            assert_eq!(table.last_at(u32::MAX), Some(last));
            assert_eq!(table.from(last.code + 1).next(), None);
        }
    }

    #[test]
    fn what_is_common_takes_a_byte() {
        let row = |number: u32| CodePlace {
            code: 7 * number,
            wasm_offset: Some(1000 + 5 * number),
            call: None,
            trap: Some(TrapCode::MemoryOutOfBounds),
        };
        let bytes = written((1..=1280).map(row).collect());
        // Ten blocks, in each of which the first row is not near to anything.
        assert!(bytes.len() < 1280 + 10 * 10 + 8 + 8 * 11 + 3 + 3, "{}", bytes.len());
        assert_eq!(written(vec![]).len(), 15);
    }

    #[test]
    fn calls_are_found_by_their_numbers() {
        let mut numbers = Numbers(3);
        let call = |own: u32| InlinedCall {
            function: numbers.below(1000) as u32,
            wasm_offset: numbers.below(1 << 31) as u32,
            caller: (own > 0).then(|| numbers.below(own.into()) as u32),
        };
        let calls: Vec<_> = (0..100).map(call).collect();
        let bytes = calls_to_bytes(&calls, u32::to_le_bytes);
        for (number, expected) in calls.iter().enumerate() {
            assert_eq!(super::call(&bytes, ByteOrder::Little, number as u32), Some(*expected));
        }
        assert_eq!(super::call(&bytes, ByteOrder::Little, 100), None);
        assert_eq!(super::call(&[], ByteOrder::Little, 0), None);
    }

    #[test]
    fn whatever_the_bytes_are_every_walk_ends() {
        let (places, calls) = (written(sample(1)[..300].to_vec()), {
            let call = |own: u32| InlinedCall { function: own, wasm_offset: 9, caller: None };
            calls_to_bytes(&(0..70).map(call).collect::<Vec<_>>(), u32::to_be_bytes)
        });
        let use_all = |places: &[u8], calls: &[u8]| {
            let table = PlaceTable::new(places, ByteOrder::Big);
            assert!(table.from(0).count() <= places.len());
            for code in [0, 1, 1000, 1 << 20, u32::MAX] {
                let _ = table.last_at(code);
            }
            for number in [0, 1, 33, 69, 70, u32::MAX] {
                let call = super::call(calls, ByteOrder::Big, number);
                let caller = call.and_then(|call| call.caller);
                assert!(caller.is_none_or(|caller| caller < number));
            }
        };
        for end in 0..places.len() {
            use_all(&places[..end], &calls[..end.min(calls.len())]);
        }
        let mut numbers = Numbers(11);
        for _ in 0..20_000 {
            let (mut places, mut calls) = (places.clone(), calls.clone());
            for bytes in [&mut places, &mut calls] {
                for _ in 0..=numbers.below(3) {
                    let most = if numbers.below(2) == 0 { 24 } else { bytes.len() as u64 };
                    bytes[numbers.below(most) as usize] = numbers.below(256) as u8;
                }
            }
            use_all(&places, &calls);
        }
    }
}
