//! Debug information, written by gimli with everything left open that depends on places: what readers find in files, and in
//! what linkers make of objects, is where it should be.

use cranelift_codegen::gimli::{self, constants, write as dwarf};
use dwarf::{Address, AttributeValue, EndianVec, Expression, LineProgram, LineString};
use gimli::{Encoding, Format, LineEncoding, RunTimeEndian, SectionId};
use object::read::{
    Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _, RelocationTarget,
};
use wootz_runtime::abi::artifact::DEBUG_CELL_OFFSET_FIELD;

use super::*;
use crate::debug::{self, Place, Target};

/// What symbols mean to the writer.
const CODE: usize = 0;
const CELL: usize = 1;

const SOURCE: &str = "sample.c";
const ELF: [&str; 4] = ["x86_64", "aarch64", "riscv64gc", "s390x"];

/// A section in the making.
#[derive(Clone)]
struct Writer {
    bytes: EndianVec<RunTimeEndian>,
    relocations: Vec<dwarf::Relocation>,
}

impl dwarf::RelocateWriter for Writer {
    type Writer = EndianVec<RunTimeEndian>;

    fn writer(&self) -> &Self::Writer {
        &self.bytes
    }

    fn writer_mut(&mut self) -> &mut Self::Writer {
        &mut self.bytes
    }

    fn relocate(&mut self, relocation: dwarf::Relocation) {
        self.relocations.push(relocation);
    }
}

/// Debug information for a sample: each function with a line of its own, and a variable in the cell.
fn sections(sample: &Sample) -> debug::Sections {
    let encoding = Encoding { format: Format::Dwarf32, version: 5, address_size: 8 };
    let mut whole = dwarf::Dwarf::new();
    let mut text = |text: &str| LineString::new(text, encoding, &mut whole.line_strings);
    let (directory, file) = (text("/src"), text(SOURCE));
    let mut lines =
        LineProgram::new(encoding, LineEncoding::default(), directory, None, file.clone(), None);
    let file = lines.add_file(file, lines.default_directory(), None);
    for (line, symbol) in (10..).zip(&sample.symbols) {
        let addend = symbol.offset.into();
        lines.begin_sequence(Some(Address::Symbol { symbol: CODE, addend }));
        lines.row().file = file;
        lines.row().line = line;
        lines.generate_row();
        lines.end_sequence(symbol.bytes.into());
    }
    let unit = whole.units.add(dwarf::Unit::new(encoding, lines));
    let name =
        |text: &str, strings: &mut dwarf::StringTable| AttributeValue::StringRef(strings.add(text));
    let unit = whole.units.get_mut(unit);
    let (root, strings) = (unit.root(), &mut whole.strings);
    let bytes = sample.text.len() as u64;
    for (attribute, value) in [
        (constants::DW_AT_name, name(SOURCE, strings)),
        (constants::DW_AT_comp_dir, name("/src", strings)),
        (constants::DW_AT_language, AttributeValue::Language(constants::DW_LANG_C11)),
        (
            constants::DW_AT_low_pc,
            AttributeValue::Address(Address::Symbol { symbol: CODE, addend: 0 }),
        ),
        (constants::DW_AT_high_pc, AttributeValue::Udata(bytes)),
    ] {
        unit.get_mut(root).set(attribute, value);
    }
    for symbol in &sample.symbols {
        let entry = unit.add(root, constants::DW_TAG_subprogram);
        let addend = symbol.offset.into();
        let entry = unit.get_mut(entry);
        entry.set(constants::DW_AT_name, name(&symbol.name, strings));
        let address = AttributeValue::Address(Address::Symbol { symbol: CODE, addend });
        entry.set(constants::DW_AT_low_pc, address);
        entry.set(constants::DW_AT_high_pc, AttributeValue::Udata(symbol.bytes.into()));
    }
    let ty = unit.add(root, constants::DW_TAG_base_type);
    let entry = unit.get_mut(ty);
    entry.set(constants::DW_AT_name, name("instance", strings));
    entry.set(constants::DW_AT_byte_size, AttributeValue::Udata(8));
    entry.set(constants::DW_AT_encoding, AttributeValue::Encoding(constants::DW_ATE_unsigned));
    let variable = unit.add(root, constants::DW_TAG_variable);
    let entry = unit.get_mut(variable);
    entry.set(constants::DW_AT_name, name("cell", strings));
    entry.set(constants::DW_AT_type, AttributeValue::UnitRef(ty));
    let mut location = Expression::new();
    location.op_addr(Address::Symbol { symbol: CELL, addend: 0 });
    entry.set(constants::DW_AT_location, AttributeValue::Exprloc(location));

    let endian = match sample.isa.endianness() {
        cranelift_codegen::ir::Endianness::Little => RunTimeEndian::Little,
        cranelift_codegen::ir::Endianness::Big => RunTimeEndian::Big,
    };
    let mut written =
        dwarf::Sections::new(Writer { bytes: EndianVec::new(endian), relocations: Vec::new() });
    whole.write(&mut written).unwrap();
    let mut found = Vec::new();
    written
        .for_each(|id, writer| -> Result<()> {
            if !writer.bytes.slice().is_empty() {
                found.push((id, writer.clone()));
            }
            Ok(())
        })
        .unwrap();
    let ids: Vec<SectionId> = found.iter().map(|(id, _)| *id).collect();
    let place = |relocation: &dwarf::Relocation| Place {
        offset: relocation.offset as u32,
        bytes: relocation.size,
        target: match relocation.target {
            dwarf::RelocationTarget::Symbol(CODE) => Target::Code,
            dwarf::RelocationTarget::Symbol(_) => Target::Cell,
            dwarf::RelocationTarget::Section(target) => {
                Target::Section(ids.iter().position(|id| *id == target).unwrap())
            }
        },
        addend: relocation.addend,
    };
    let sections = found.into_iter().map(|(id, writer)| {
        let mut places: Vec<Place> = writer.relocations.iter().map(place).collect();
        places.sort_by_key(|place| place.offset);
        debug::Section { name: id.name(), bytes: writer.bytes.into_vec(), places }
    });
    debug::Sections { sections: sections.collect() }
}

/// What is said of a sample.
#[derive(PartialEq, Eq, Debug)]
struct Found {
    /// Functions: name, address, size, and the line of the first instruction.
    functions: Vec<(String, u64, u64, u64)>,
    /// Where the variable is.
    cell: u64,
    /// The file of the lines.
    file: String,
}

/// Reads everything back by what `section` has, by names as in ELF files.
fn read(section: impl Fn(&str) -> Vec<u8>, endian: RunTimeEndian) -> Found {
    let sections = gimli::DwarfSections::load(|id| Ok::<_, ()>(section(id.name()))).unwrap();
    let read = sections.borrow(|bytes| gimli::EndianSlice::new(bytes, endian));
    let header = read.units().next().unwrap().unwrap();
    let unit = read.unit(header).unwrap();
    let unit = unit.unit_ref(&read);
    let mut rows = unit.line_program.clone().unwrap().rows();
    let mut lines = Vec::new();
    let mut file = String::new();
    while let Some((header, row)) = rows.next_row().unwrap() {
        if !row.end_sequence() {
            lines.push((row.address(), row.line().unwrap().get()));
            let name = row.file(header).unwrap().path_name();
            file = unit.attr_string(name).unwrap().to_string_lossy().into_owned();
        }
    }
    let mut found = Found { functions: Vec::new(), cell: 0, file };
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs().unwrap() {
        let name = |at| {
            let value = entry.attr_value(at)?;
            Some(unit.attr_string(value).unwrap().to_string_lossy().into_owned())
        };
        match entry.tag() {
            constants::DW_TAG_subprogram => {
                let low = entry.attr_value(constants::DW_AT_low_pc).unwrap();
                let address = unit.attr_address(low).unwrap().unwrap();
                let bytes = entry.attr_value(constants::DW_AT_high_pc).unwrap();
                let line = lines.iter().find(|(start, _)| *start == address).unwrap().1;
                let name = name(constants::DW_AT_name).unwrap();
                found.functions.push((name, address, bytes.udata_value().unwrap(), line));
            }
            constants::DW_TAG_variable => {
                let location = entry.attr_value(constants::DW_AT_location).unwrap();
                let mut operations = location.exprloc_value().unwrap().operations(unit.encoding());
                let Some(gimli::Operation::Address { address }) = operations.next().unwrap() else {
                    panic!("it is an address")
                };
                found.cell = address;
            }
            _ => {}
        }
    }
    found
}

/// What should be said, if code and cell are at these addresses.
fn expected(sample: &Sample, code: u64, cell: u64) -> Found {
    let functions = (10..).zip(&sample.symbols).map(|(line, symbol)| {
        (symbol.name.clone(), code + u64::from(symbol.offset), symbol.bytes.into(), line)
    });
    Found { functions: functions.collect(), cell, file: SOURCE.to_string() }
}

/// A section of a file, relocated if it still has to be: then all sections that are loaded are at 0.
fn section(file: &object::File<'_>, name: &str) -> Vec<u8> {
    let short = macho::dwarf_name(name);
    let Some(section) = file
        .section_by_name_bytes(name.as_bytes())
        .or_else(|| file.section_by_name_bytes(short.as_bytes()))
    else {
        return Vec::new();
    };
    let mut bytes = section.data().unwrap().to_vec();
    for (offset, relocation) in section.relocations() {
        let implicit = match relocation.has_implicit_addend() {
            true => number(&bytes, offset, relocation.size(), file.endianness()),
            false => 0,
        };
        let target = match relocation.target() {
            RelocationTarget::Symbol(symbol) => {
                let symbol = file.symbol_by_index(symbol).unwrap();
                let section = file.section_by_index(symbol.section_index().unwrap()).unwrap();
                symbol.address() - section.address()
            }
            other => panic!("{other:?}"),
        };
        let number = implicit.wrapping_add(target).wrapping_add_signed(relocation.addend());
        let place = debug::Place {
            offset: offset as u32,
            bytes: relocation.size() / 8,
            target: Target::Code,
            addend: 0,
        };
        super::dwarf::fill(&mut bytes, &place, number, file.endianness());
    }
    bytes
}

fn number(bytes: &[u8], at: u64, bits: u8, endian: object::Endianness) -> u64 {
    use object::Endian;
    let at = at as usize;
    match bits {
        64 => endian.read_u64(*bytes[at..].first_chunk().unwrap()),
        _ => endian.read_u32(*bytes[at..].first_chunk().unwrap()).into(),
    }
}

fn read_file(bytes: &[u8]) -> Found {
    let file = object::File::parse(bytes).unwrap();
    let endian = match file.endianness() {
        object::Endianness::Little => RunTimeEndian::Little,
        object::Endianness::Big => RunTimeEndian::Big,
    };
    read(|name| section(&file, name), endian)
}

/// Where the code and the cell are in a finished file, by its symbols; and by the descriptor's distances.
fn places(bytes: &[u8], prefix: &str) -> (u64, u64) {
    let file = object::File::parse(bytes).unwrap();
    let find = |name: &str| {
        let name = format!("{prefix}{name}");
        let mut all = file.symbols();
        all.find(|symbol| symbol.name() == Ok(&name)).unwrap_or_else(|| panic!("{name}")).address()
    };
    let descriptor = find("wootz_module");
    let section = file.sections().find(|section| {
        (section.address()..section.address() + section.size()).contains(&descriptor)
    });
    let section = section.unwrap();
    let data = section.data().unwrap();
    let beside = |field: u32| {
        let at = descriptor - section.address() + u64::from(field);
        let distance = number(data, at, 32, file.endianness()) as i32;
        descriptor.wrapping_add_signed(distance.into())
    };
    let (code, cell) = (find("increment"), find("wootz_debug_cell"));
    assert_eq!((beside(TEXT_OFFSET_FIELD), beside(DEBUG_CELL_OFFSET_FIELD)), (code, cell));
    assert!(cell.is_multiple_of(8));
    (code, cell)
}

fn sample(target: &str) -> (Sample, debug::Sections) {
    let sample = Sample::of(target);
    let sections = sections(&sample);
    (sample, sections)
}

fn targets() -> Vec<(String, &'static str)> {
    let elf = ELF.map(|name| (format!("{name}-unknown-linux-gnu"), ""));
    let others = [
        ("x86_64-pc-windows-msvc", ""),
        ("aarch64-pc-windows-msvc", ""),
        ("x86_64-apple-darwin", "_"),
        ("aarch64-apple-darwin", "_"),
    ];
    let others = others.map(|(target, prefix)| (target.to_string(), prefix));
    elf.into_iter().chain(others).collect()
}

#[test]
fn libraries_say_where_everything_is() {
    for (target, prefix) in targets() {
        let (sample, sections) = sample(&target);
        let contents = Contents { debug: Some(&sections), ..sample.contents() };
        let bytes = write(contents, Container::SharedLibrary).unwrap();
        let (code, cell) = places(&bytes, prefix);
        assert_eq!(read_file(&bytes), expected(&sample, code, cell), "{target}");
        let file = object::File::parse(&*bytes).unwrap();
        for segment in file.segments() {
            let addresses = segment.address()..segment.address() + segment.size();
            let permissions = segment.permissions();
            if addresses.contains(&cell) {
                assert!(permissions.writable() && !permissions.executable(), "{target}");
            } else if permissions.writable() {
                panic!("{target}: {addresses:?} should not be writable");
            }
        }
        let again = Contents { debug: Some(&sections), ..sample.contents() };
        assert!(bytes == write(again, Container::SharedLibrary).unwrap(), "{target}");
    }
}

#[test]
fn objects_leave_it_to_the_linker() {
    for (target, _) in targets() {
        let (sample, sections) = sample(&target);
        let contents = Contents { debug: Some(&sections), ..sample.contents() };
        let bytes = write(contents, Container::Object).unwrap();
        assert_eq!(read_file(&bytes), expected(&sample, 0, 0), "{target}");
        let file = object::File::parse(&*bytes).unwrap();
        assert!(file.symbols().all(|symbol| {
            !symbol.name().unwrap().ends_with("wootz_debug_cell") || symbol.is_local()
        }));
    }
}
