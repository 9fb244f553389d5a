//! What real modules say, compared with another reader of DWARF, and what malformed ones do.

use wootz_runtime::abi::artifact::SourceLines;

use crate::options::Options;
use crate::parse::{self, Module};

const INLINED: &[u8] = include_bytes!("../../../tests/lines/inlined.wasm");
const SHAPES: &[u8] = include_bytes!("../../../tests/lines/shapes.wasm");

/// The table for every offset.
fn table(module: &Module<'_>, options: &Options) -> SourceLines {
    let bodies = module.bodies.iter().map(|body| body.reader.range());
    let stops: Vec<u32> = bodies.flatten().map(|at| at as u32).collect();
    super::table(module, &stops, options)
}

/// Name, file, line and column of a frame.
type Frame = (Option<String>, Option<String>, Option<u32>, Option<u32>);

fn frames(table: &SourceLines, position: usize, wasm_offset: u32) -> Vec<Frame> {
    let string = |number: Option<u32>| number.map(|number| table.strings[number as usize].clone());
    let Some(function) = table.functions.get(position) else { return Vec::new() };
    let behind = function.rows.partition_point(|row| row.wasm_offset <= wasm_offset);
    let Some(row) = behind.checked_sub(1).map(|row| function.rows[row]) else { return Vec::new() };
    if row.scope.is_none() && row.place == Default::default() {
        return Vec::new();
    }
    let column = (row.place.line != 0).then_some(row.place.column);
    let mut next = Some((row.scope, row.place, column));
    let mut frames = Vec::new();
    while let Some((scope, place, column)) = next {
        let scope = scope.map(|scope| function.scopes[scope as usize]);
        let line = (place.line != 0).then_some(place.line);
        frames.push((string(scope.and_then(|s| s.name)), string(place.file), line, column));
        next = scope.and_then(|scope| scope.caller).map(|(scope, place)| {
            (Some(scope), place, (place.column != 0).then_some(place.column))
        });
    }
    frames
}

/// The same, by the crate `addr2line`, which the backtraces of wasmtime come from.
fn frames_of_others(
    context: &addr2line::Context<gimli::EndianSlice<'_, gimli::LittleEndian>>,
    offset: u64,
) -> Vec<Frame> {
    let mut found = context.find_frames(offset).skip_all_loads().unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = found.next().unwrap() {
        let name = frame.function.map(|name| name.raw_name().unwrap().into_owned());
        let name = name.map(|name| super::demangle::demangle(&name).unwrap_or(name));
        let place = frame.location;
        frames.push((
            name,
            place.as_ref().and_then(|place| place.file).map(str::to_string),
            place.as_ref().and_then(|place| place.line),
            place.as_ref().and_then(|place| place.column),
        ));
    }
    frames
}

fn context<'a>(
    module: &Module<'a>,
) -> addr2line::Context<gimli::EndianSlice<'a, gimli::LittleEndian>> {
    let Ok(dwarf) = gimli::Dwarf::load(|id| -> Result<_, std::convert::Infallible> {
        let found = module.dwarf.iter().find(|(name, _)| *name == id.name());
        Ok(gimli::EndianSlice::new(found.map_or(&[], |(_, bytes)| bytes), gimli::LittleEndian))
    });
    addr2line::Context::from_dwarf(dwarf).unwrap()
}

/// How many offsets in bodies are as the other reader has them, and of how many frames those have most.
fn compare(wasm: &[u8]) -> (usize, usize) {
    let options = Options::default();
    let module = parse::module(wasm, &options.features).unwrap();
    let table = table(&module, &options);
    let others = context(&module);
    let (mut same, mut most) = (0, 0);
    for (position, body) in module.bodies.iter().enumerate() {
        for at in body.reader.range() {
            let expected = frames_of_others(&others, at - module.code_start);
            let found = frames(&table, position, at as u32);
            assert_eq!(found, expected, "at {at:#x}");
            same += usize::from(!expected.is_empty());
            most = most.max(expected.len());
        }
    }
    (same, most)
}

#[test]
fn every_place_is_where_other_readers_find_it() {
    let (same, most) = compare(INLINED);
    assert!(same > 50 && most == 3, "{same} places, {most} frames");
    let (same, most) = compare(SHAPES);
    assert!(same > 50 && most == 2, "{same} places, {most} frames");
}

/// The parts of a module: whether each is a section with DWARF, and its bytes.
fn parts(wasm: &[u8]) -> Vec<std::ops::Range<usize>> {
    let module = parse::module(wasm, &Options::default().features).unwrap();
    let start = wasm.as_ptr().addr();
    let range = |bytes: &[u8]| {
        let at = bytes.as_ptr().addr() - start;
        at..at + bytes.len()
    };
    module.dwarf.iter().map(|(_, bytes)| range(bytes)).collect()
}

fn survives(wasm: &[u8]) -> SourceLines {
    let options = Options::default();
    let module = parse::module(wasm, &options.features).unwrap();
    table(&module, &options)
}

#[test]
fn malformed_dwarf_does_no_harm() {
    for wasm in [INLINED, SHAPES] {
        for at in parts(wasm).into_iter().flatten() {
            for flip in [0x01, 0x80, 0xff] {
                let mut wasm = wasm.to_vec();
                wasm[at] ^= flip;
                survives(&wasm);
            }
        }
        for part in parts(wasm) {
            for fill in [0, 1, 0x7f, 0x80, 0xff] {
                let mut wasm = wasm.to_vec();
                wasm[part.clone()].fill(fill);
                survives(&wasm);
            }
        }
    }
}

#[test]
fn many_wrong_bytes_do_no_harm() {
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize % below
    };
    for wasm in [INLINED, SHAPES] {
        let places: Vec<usize> = parts(wasm).into_iter().flatten().collect();
        for _ in 0..3000 {
            let mut wasm = wasm.to_vec();
            for _ in 0..1 + next(20) {
                wasm[places[next(places.len())]] = next(256) as u8;
            }
            survives(&wasm);
        }
    }
}

/// Appends a custom section.
fn append_section(wasm: &mut Vec<u8>, name: &str, contents: &[u8]) {
    let leb = |mut number: usize| {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    };
    let name = [leb(name.len()), name.as_bytes().to_vec()].concat();
    wasm.push(0);
    wasm.extend(leb(name.len() + contents.len()));
    wasm.extend(name);
    wasm.extend(contents);
}

/// A module with one function and DWARF 4 of one unit: a function at that address and of that size, and behind it these
/// entries. Entry 3 is an inlined function, with address and size, that contains what follows.
fn with_entries(address: u32, bytes: u32, entries: &[u8]) -> Vec<u8> {
    let mut wasm = wat::parse_str("(module (func nop nop unreachable))").unwrap();
    let code = [0x11, 0x01, 0x12, 0x06]; // DW_AT_low_pc: an address, DW_AT_high_pc: 4 bytes
    let mut abbreviations = vec![1, 0x11, 1, 0, 0]; // DW_TAG_compile_unit with children
    for (number, tag) in [(2, 0x2e), (3, 0x1d)] {
        abbreviations.extend([number, tag, 1]);
        abbreviations.extend(code);
        abbreviations.extend([0, 0]);
    }
    abbreviations.push(0);
    let mut info = vec![4, 0, 0, 0, 0, 0, 4, 1, 2]; // version, abbreviations, size of addresses, entries 1 and 2
    info.extend(address.to_le_bytes());
    info.extend(bytes.to_le_bytes());
    info.extend(entries);
    let length = (info.len() as u32).to_le_bytes();
    append_section(&mut wasm, ".debug_abbrev", &abbreviations);
    append_section(&mut wasm, ".debug_info", &[&length[..], &info].concat());
    wasm
}

#[test]
fn functions_inlined_without_end_do_no_harm() {
    // The number of functions, the size of the body, then the body: no locals, three instructions, end.
    let entry: Vec<u8> = [&[3][..], &2_u32.to_le_bytes(), &4_u32.to_le_bytes()].concat();
    let one = survives(&with_entries(2, 5, &entry));
    assert_eq!(one.functions[0].scopes.len(), 2);
    let many = survives(&with_entries(2, 5, &entry.repeat(200_000)));
    assert_eq!(many.functions[0].scopes.len(), 250, "as many as are counted");
    // Neither a function at 0, nor one behind all code, nor one of endless size.
    for (address, bytes) in [(0, 5), (100, 5), (u32::MAX, 5), (u32::MAX - 1, u32::MAX)] {
        let table = survives(&with_entries(address, bytes, &entry));
        assert!(table.functions.iter().all(|function| function.rows.is_empty()), "{address:#x}");
    }
}

#[test]
fn removed_functions_hide_nothing() {
    let expected = survives(INLINED);
    assert_eq!(expected.strings, ["outer", "/src/inlined.c", "middle", "inner", "_start"]);
    // This linker gives them the largest address; others 0, where the number of functions stands, or the second largest.
    for address in [0_u32, u32::MAX - 1] {
        let mut wasm = INLINED.to_vec();
        let mut replaced = 0;
        for at in parts(INLINED).into_iter().flatten() {
            if wasm[at..].starts_with(&[0xff; 4]) {
                wasm[at..at + 4].copy_from_slice(&address.to_le_bytes());
                replaced += 1;
            }
        }
        assert!(replaced >= 2, "one for the function, one for its lines");
        assert_eq!(survives(&wasm), expected, "{address:#x}");
    }
}

#[test]
fn there_are_only_rows_for_what_is_asked() {
    let options = Options::default();
    let module = parse::module(INLINED, &options.features).unwrap();
    let all = table(&module, &options);
    let few = super::table(&module, &[0x51, 0x64], &options);
    let rows =
        |table: &SourceLines| -> usize { table.functions.iter().map(|f| f.rows.len()).sum() };
    assert!(rows(&all) > 5 && rows(&few) == 2);
    for (position, stop) in [(0, 0x51), (1, 0x64)] {
        assert_eq!(frames(&few, position, stop), frames(&all, position, stop));
    }
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let options = Options { backtrace_details: false, ..Options::default() };
    let module = parse::module(INLINED, &options.features).unwrap();
    let expected = SourceLines { dwarf_left_out: true, ..SourceLines::default() };
    assert_eq!(table(&module, &options), expected);
}
