//! The table of source lines: what a program's own debug information says about places in its wasm file.
//!
//! In: functions, files and lines, found by the compiler. Out: bytes, and answers from them.
//!
//! ```text
//!   source_lines ─► ┌─────────────────────┐    nothing at all if there is nothing to tell
//!                   │ n  m  r  flags      │    u32 each: functions or 0, strings, readable names, bit 0: DWARF was left out
//!                   │ u32[n+1]            │    where the bytes of each function end, by position in `functions`
//!                   │ u32[m+1]            │    where each string ends
//!                   │ u32[r]              │    functions that have a readable name, ascending
//!                   │ u32[r]              │    the numbers of these names
//!                   │ bytes of functions  │
//!                   │ strings             │
//!                   └─────────────────────┘
//! ```
//!
//! The bytes of a function are LEB128 numbers; what may be missing is one more than it is, and 0 if it is missing:
//!
//! ```text
//!   function: number of scopes, each scope, then rows up to the end
//!   scope:    name?  distance to the scope that it is inlined into, or 0  (if not 0: file? line column)
//!   row:      2 * (wasm offset - that of the row before, or of the body) + changed  (if changed: scope? file?)
//!             zigzag(line - the line before)  (if line is not 0: column)
//! ```
//!
//! A row is true from its offset up to that of the next. What is not changed is as in the row before; at first there is
//! no scope, no file, and line 0, which means that the line is unknown.
//!
//! Always true: whatever the bytes are, nothing outside of them is read, nothing panics, and every walk ends.

use alloc::string::String;
use alloc::vec::Vec;

use super::leb128::{read_leb, unzigzag, write_leb, zigzag};
use super::numbers::{ByteOrder, partition};

/// What goes into the table.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SourceLines {
    /// Whether the module has DWARF that is not in here.
    pub dwarf_left_out: bool,
    /// The functions by their position in the function table: all, or none.
    pub functions: Vec<FunctionLines>,
    /// Names and files. Everything else refers to them by number.
    pub strings: Vec<String>,
    /// Names of functions that are mangled in the name section, as people read them: the function's position in the
    /// function table, ascending, and the number of a string.
    pub readable_names: Vec<(u32, u32)>,
}

/// The lines of one function.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FunctionLines {
    /// The function itself, and what was inlined into it. A scope stands behind the one that it is inlined into.
    pub scopes: Vec<SourceScope>,
    /// Places, by wasm offset.
    pub rows: Vec<SourceRow>,
}

/// A function of the program's source, or one place where it was inlined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceScope {
    /// The number of its name.
    pub name: Option<u32>,
    /// The scope that it is inlined into, and where that calls it.
    pub caller: Option<(u32, SourcePlace)>,
}

/// A place in the program's source.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SourcePlace {
    /// The number of its file's name.
    pub file: Option<u32>,
    /// The line from 1; 0 if it is unknown.
    pub line: u32,
    /// The column from 1; 0 if it is unknown, and always if the line is.
    pub column: u32,
}

/// What is true from a wasm offset on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceRow {
    /// The offset in the wasm file.
    pub wasm_offset: u32,
    /// The innermost scope, by its position in the function's list.
    pub scope: Option<u32>,
    /// The place.
    pub place: SourcePlace,
}

/// A function that was being executed at some place, as the source has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceFrame<'a> {
    /// Its readable name.
    pub name: Option<&'a str>,
    /// The file.
    pub file: Option<&'a str>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1; 0 for the left edge.
    pub column: Option<u32>,
}

/// The numbers at the beginning.
const HEADER_BYTES: usize = 16;

const DWARF_LEFT_OUT: u32 = 1;

impl SourceLines {
    /// The table, for a function table whose functions have bodies at these wasm offsets. `number` puts a number into
    /// the byte order of the file.
    pub(super) fn to_bytes(
        &self,
        bodies: impl Iterator<Item = u32>,
        number: impl Fn(u32) -> [u8; 4],
    ) -> Vec<u8> {
        if *self == SourceLines::default() {
            return Vec::new();
        }
        let flags = if self.dwarf_left_out { DWARF_LEFT_OUT } else { 0 };
        let mut numbers = alloc::vec![
            self.functions.len() as u32,
            self.strings.len() as u32,
            self.readable_names.len() as u32,
            flags,
        ];
        let mut streams = Vec::new();
        numbers.push(0);
        for (function, body) in self.functions.iter().zip(bodies) {
            function.write(&mut streams, body);
            numbers.push(streams.len() as u32);
        }
        let mut end = 0;
        numbers.push(end);
        for string in &self.strings {
            end += string.len() as u32;
            numbers.push(end);
        }
        numbers.extend(self.readable_names.iter().map(|&(function, _)| function));
        numbers.extend(self.readable_names.iter().map(|&(_, name)| name));
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(number).collect();
        bytes.extend(streams);
        bytes.extend(self.strings.iter().flat_map(|string| string.as_bytes()));
        bytes
    }

    /// What was being executed at an offset in the wasm file, as the table will have it: the innermost first.
    /// `position` is that of the function in the function table.
    pub fn frames(&self, position: usize, wasm_offset: u32) -> Vec<SourceFrame<'_>> {
        let Some(function) = self.functions.get(position) else { return Vec::new() };
        let behind = function.rows.partition_point(|row| row.wasm_offset <= wasm_offset);
        let Some(row) = behind.checked_sub(1).map(|at| function.rows[at]) else {
            return Vec::new();
        };
        if row.scope.is_none() && row.place == SourcePlace::default() {
            return Vec::new();
        }
        let string = |number: Option<u32>| Some(self.strings.get(number? as usize)?.as_str());
        let column = (row.place.line != 0).then_some(row.place.column);
        let mut next = Some((row.scope, row.place, column));
        let mut frames = Vec::new();
        while let Some((number, place, column)) = next {
            let scope = number.and_then(|number| function.scopes.get(number as usize));
            frames.push(SourceFrame {
                name: string(scope.and_then(|scope| scope.name)),
                file: string(place.file),
                line: (place.line != 0).then_some(place.line),
                column,
            });
            // A scope stands behind its caller, so this ends.
            next = scope
                .and_then(|scope| scope.caller)
                .filter(|&(caller, _)| Some(caller) < number)
                .map(|(caller, at)| (Some(caller), at, (at.column != 0).then_some(at.column)));
        }
        frames
    }
}

impl FunctionLines {
    fn write(&self, bytes: &mut Vec<u8>, body: u32) {
        if self.rows.is_empty() {
            return;
        }
        write_leb(bytes, self.scopes.len() as u64);
        for (position, scope) in self.scopes.iter().enumerate() {
            write_optional(bytes, scope.name);
            match scope.caller {
                None => write_leb(bytes, 0),
                Some((caller, place)) => {
                    write_leb(bytes, position as u64 - u64::from(caller));
                    write_optional(bytes, place.file);
                    write_leb(bytes, u64::from(place.line));
                    write_leb(bytes, u64::from(place.column));
                }
            }
        }
        let mut last = SourceRow { wasm_offset: body, scope: None, place: SourcePlace::default() };
        for &row in &self.rows {
            let changed = (row.scope, row.place.file) != (last.scope, last.place.file);
            let distance = u64::from(row.wasm_offset - last.wasm_offset);
            write_leb(bytes, distance << 1 | u64::from(changed));
            if changed {
                write_optional(bytes, row.scope);
                write_optional(bytes, row.place.file);
            }
            write_leb(bytes, zigzag(i64::from(row.place.line) - i64::from(last.place.line)));
            if row.place.line != 0 {
                write_leb(bytes, u64::from(row.place.column));
            }
            last = row;
        }
    }
}

fn write_optional(bytes: &mut Vec<u8>, number: Option<u32>) {
    write_leb(bytes, number.map_or(0, |number| u64::from(number) + 1));
}

/// The table, searched where it lies.
#[derive(Clone, Copy)]
pub(super) struct SourceTable<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
    functions: usize,
    strings: usize,
    readable_names: usize,
}

impl<'a> SourceTable<'a> {
    pub(super) fn new(bytes: &'a [u8], order: ByteOrder) -> SourceTable<'a> {
        let count = |at| order.read_u32(bytes, at).unwrap_or(0) as usize;
        let (functions, strings, readable_names) = (count(0), count(4), count(8));
        SourceTable { bytes, order, functions, strings, readable_names }
    }

    fn number(self, at: usize) -> Option<u32> {
        self.order.read_u32(self.bytes, at)
    }

    pub(super) fn dwarf_left_out(self) -> bool {
        self.number(12).is_some_and(|flags| flags & DWARF_LEFT_OUT != 0)
    }

    pub(super) fn readable_name(self, position: usize) -> Option<&'a str> {
        let names =
            HEADER_BYTES.checked_add((self.functions + self.strings + 2).checked_mul(4)?)?;
        let function = |i: usize| self.number(names + 4 * i).map(|function| function as usize);
        // Not more than there can be, whatever the header says.
        let count = self.readable_names.min(self.bytes.len() / 4);
        let at = partition(count, |i| function(i).is_some_and(|function| function < position));
        if at >= count || function(at)? != position {
            return None;
        }
        self.string(self.number(names + 4 * (count + at))?)
    }

    /// What was being executed at an offset in the wasm file, the innermost first.
    pub(super) fn frames(self, position: usize, body: u32, wasm_offset: u32) -> SourceFrames<'a> {
        let none = SourceFrames { table: self, scopes: &[], next: None };
        self.stream(position)
            .and_then(|stream| self.find(stream, body, wasm_offset))
            .unwrap_or(none)
    }

    fn find(self, mut bytes: &'a [u8], body: u32, wanted: u32) -> Option<SourceFrames<'a>> {
        let scopes = bytes;
        for _ in 0..read_leb(&mut bytes)? {
            read_scope(&mut bytes)?;
        }
        let mut found = None;
        let mut row = SourceRow { wasm_offset: body, scope: None, place: SourcePlace::default() };
        while let Some(next) = read_row(&mut bytes, row).filter(|row| row.wasm_offset <= wanted) {
            row = next;
            found = Some(next);
        }
        let SourceRow { scope, place, .. } = found?;
        let is_known = scope.is_some() || place != SourcePlace::default();
        is_known.then_some(SourceFrames {
            table: self,
            scopes,
            next: Some((scope, place, (place.line != 0).then_some(place.column))),
        })
    }

    fn stream(self, position: usize) -> Option<&'a [u8]> {
        if position >= self.functions {
            return None;
        }
        let streams = self.streams()?;
        let start = self.number(HEADER_BYTES + 4 * position)?;
        let end = self.number(HEADER_BYTES + 4 * position + 4)?;
        streams.get(start as usize..end as usize)
    }

    /// The bytes of functions, and all behind them.
    fn streams(self) -> Option<&'a [u8]> {
        let numbers = self
            .functions
            .checked_add(self.strings)?
            .checked_add(self.readable_names.checked_mul(2)?)?
            .checked_add(2)?;
        self.bytes.get(HEADER_BYTES.checked_add(numbers.checked_mul(4)?)?..)
    }

    fn string(self, number: u32) -> Option<&'a str> {
        let number = number as usize;
        if number >= self.strings {
            return None;
        }
        let ends = HEADER_BYTES + 4 * (self.functions + 1);
        let text = self.streams()?.get(self.number(ends - 4)? as usize..)?;
        let start = self.number(ends + 4 * number)? as usize;
        let end = self.number(ends + 4 * number + 4)? as usize;
        core::str::from_utf8(text.get(start..end)?).ok()
    }
}

/// The functions that were being executed at some place, the innermost first: found one by one, without allocation.
#[derive(Clone)]
pub struct SourceFrames<'a> {
    table: SourceTable<'a>,
    /// The bytes of the function, from the number of scopes on.
    scopes: &'a [u8],
    /// The scope of the next frame, its place, and its column.
    next: Option<(Option<u32>, SourcePlace, Option<u32>)>,
}

impl<'a> Iterator for SourceFrames<'a> {
    type Item = SourceFrame<'a>;

    fn next(&mut self) -> Option<SourceFrame<'a>> {
        let (number, place, column) = self.next.take()?;
        let scope = number.and_then(|number| read_scope_number(self.scopes, number));
        if let Some(SourceScope { caller: Some((distance, call)), .. }) = scope {
            // A scope stands behind its caller, so this ends.
            let caller = number.and_then(|number| number.checked_sub(distance));
            let column = (call.column != 0).then_some(call.column);
            self.next = caller.map(|caller| (Some(caller), call, column));
        }
        let string = |number: Option<u32>| self.table.string(number?);
        Some(SourceFrame {
            name: string(scope.and_then(|scope| scope.name)),
            file: string(place.file),
            line: (place.line != 0).then_some(place.line),
            column,
        })
    }
}

fn read_scope_number(mut bytes: &[u8], number: u32) -> Option<SourceScope> {
    if read_leb(&mut bytes)? <= u64::from(number) {
        return None;
    }
    for _ in 0..number {
        read_scope(&mut bytes)?;
    }
    read_scope(&mut bytes)
}

/// A scope whose caller is not a number but a distance.
fn read_scope(bytes: &mut &[u8]) -> Option<SourceScope> {
    let name = read_optional(bytes)?;
    let distance = read_leb(bytes)? as u32;
    if distance == 0 {
        return Some(SourceScope { name, caller: None });
    }
    let file = read_optional(bytes)?;
    let line = read_leb(bytes)? as u32;
    let column = read_leb(bytes)? as u32;
    Some(SourceScope { name, caller: Some((distance, SourcePlace { file, line, column })) })
}

fn read_row(bytes: &mut &[u8], mut row: SourceRow) -> Option<SourceRow> {
    let head = read_leb(bytes)?;
    row.wasm_offset = row.wasm_offset.checked_add(u32::try_from(head >> 1).ok()?)?;
    if head & 1 != 0 {
        row.scope = read_optional(bytes)?;
        row.place.file = read_optional(bytes)?;
    }
    row.place.line = row.place.line.wrapping_add(unzigzag(read_leb(bytes)?) as u32);
    row.place.column = if row.place.line == 0 { 0 } else { read_leb(bytes)? as u32 };
    Some(row)
}

fn read_optional(bytes: &mut &[u8]) -> Option<Option<u32>> {
    Some((read_leb(bytes)? as u32).checked_sub(1))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use alloc::vec;

    /// Two functions with bodies at 40 and 60, of which the second one has an inlined call within an inlined call.
    pub(in super::super) fn sample() -> SourceLines {
        let place = |file, line, column| SourcePlace { file: Some(file), line, column };
        let row = |wasm_offset, scope, place| SourceRow { wasm_offset, scope, place };
        SourceLines {
            dwarf_left_out: false,
            functions: vec![
                FunctionLines::default(),
                FunctionLines {
                    scopes: vec![
                        SourceScope { name: Some(0), caller: None },
                        SourceScope { name: Some(1), caller: Some((0, place(2, 7, 3))) },
                        SourceScope { name: None, caller: Some((1, place(3, 100_000, 0))) },
                    ],
                    rows: vec![
                        row(60, Some(0), place(2, 5, 1)),
                        row(61, Some(2), place(2, 90, 4)),
                        row(62, Some(2), place(2, 0, 0)),
                        row(64, None, SourcePlace::default()),
                        row(65, None, place(3, 9, 0)),
                    ],
                },
            ],
            strings: vec!["outer".into(), "inner".into(), "a.c".into(), "b.c".into()],
            readable_names: vec![(1, 1)],
        }
    }

    fn frame<'a>(
        name: Option<&'a str>,
        file: &'a str,
        line: Option<u32>,
        column: Option<u32>,
    ) -> SourceFrame<'a> {
        SourceFrame { name, file: Some(file), line, column }
    }

    #[test]
    fn what_is_written_is_found() {
        let bytes = sample().to_bytes([40, 60].into_iter(), u32::to_ne_bytes);
        let table = SourceTable::new(&bytes, ByteOrder::NATIVE);
        let lines = sample();
        let frames = |offset| {
            let frames: Vec<_> = table.frames(1, 60, offset).collect();
            assert_eq!(lines.frames(1, offset), frames, "the same, before it is a table");
            frames
        };
        let outer = |line, column| frame(Some("outer"), "a.c", Some(line), Some(column));
        let inlined = [frame(Some("inner"), "b.c", Some(100_000), None), outer(7, 3)];
        assert_eq!(frames(59), []);
        assert_eq!(frames(60), [outer(5, 1)]);
        let innermost = frame(None, "a.c", Some(90), Some(4));
        assert_eq!(frames(61), [innermost, inlined[0], inlined[1]]);
        let unknown_line = frame(None, "a.c", None, None);
        assert_eq!(frames(62), [unknown_line, inlined[0], inlined[1]]);
        assert_eq!(frames(63), frames(62));
        assert_eq!(frames(64), [], "nothing is known here");
        assert_eq!(
            frames(65),
            [frame(None, "b.c", Some(9), Some(0))],
            "a place without a function"
        );
        assert_eq!(table.frames(0, 40, 41).count(), 0);
        assert_eq!(table.frames(2, 40, 61).count(), 0);
        assert_eq!((table.readable_name(0), table.readable_name(1)), (None, Some("inner")));
        assert!(!table.dwarf_left_out());
    }

    #[test]
    fn nothing_to_tell_takes_no_space() {
        let bytes = SourceLines::default().to_bytes([].into_iter(), u32::to_ne_bytes);
        let table = SourceTable::new(&bytes, ByteOrder::NATIVE);
        assert!(bytes.is_empty() && !table.dwarf_left_out());
        assert_eq!((table.frames(0, 0, 0).count(), table.readable_name(0)), (0, None));
        let left_out = SourceLines { dwarf_left_out: true, ..SourceLines::default() };
        let bytes = left_out.to_bytes([40].into_iter(), u32::to_ne_bytes);
        let table = SourceTable::new(&bytes, ByteOrder::NATIVE);
        assert!(table.dwarf_left_out());
        assert_eq!(table.frames(0, 40, 40).count(), 0);
    }

    #[test]
    fn whatever_the_bytes_are_every_walk_ends() {
        let bytes = sample().to_bytes([40, 60].into_iter(), u32::to_ne_bytes);
        let use_all = |bytes: &[u8]| {
            let table = SourceTable::new(bytes, ByteOrder::NATIVE);
            for position in 0..4 {
                let _ = table.readable_name(position);
                for offset in 38..70 {
                    assert!(table.frames(position, 60, offset).count() < 1000);
                }
            }
        };
        for end in 0..bytes.len() {
            use_all(&bytes[..end]);
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x55, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                use_all(&bytes);
            }
        }
        for fill in [0, 1, 0x7f, 0x80, 0xff] {
            for length in 0..64 {
                use_all(&vec![fill; length]);
            }
        }
    }
}
