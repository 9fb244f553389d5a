//! Libraries for Windows are read back: headers, directories and tables say what they should. Programs that load them are among
//! the tests of all of Wootz.

use object::read::pe::{ImageOptionalHeader, PeFile64};
use object::read::{Object, ObjectSection, ObjectSymbol};
use object::{LittleEndian as LE, pe};

use super::super::prologue;
use super::*;

const TARGETS: [&str; 2] = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"];

/// What lies at a distance from the beginning, which is the same in the file as in memory.
fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().unwrap())
}

#[test]
fn what_is_mapped_is_where_it_is_in_the_file_and_nothing_but_the_cell_is_writable() {
    let names = [".text", ".rdata", ".pdata", ".images", ".reloc"];
    for target in TARGETS {
        let sample = Sample::of(target);
        check_sections(sample.contents(), &names);
        let sections = debug::sections(&sample);
        let (before, last) = names.split_at(4);
        let debug: Vec<&str> = sections.sections.iter().map(|section| section.name).collect();
        let with_debug = Contents { debug: Some(&sections), ..sample.contents() };
        check_sections(with_debug, &[before, &[".data"], last, &debug].concat());
    }
}

fn check_sections(contents: Contents<'_>, expected: &[&str]) {
    let bytes = write(contents, Container::SharedLibrary).unwrap();
    let file = PeFile64::parse(&*bytes).unwrap();
    let names: Vec<_> =
        file.sections().map(|section| section.name().unwrap().to_string()).collect();
    assert_eq!(names, expected);
    for section in file.section_table().iter() {
        assert_eq!(section.virtual_address.get(LE), section.pointer_to_raw_data.get(LE));
        let flags = section.characteristics.get(LE);
        assert!(flags.contains(pe::IMAGE_SCN_MEM_READ));
        let is_cell = section.raw_name() == b".data";
        assert_eq!(flags.contains(pe::IMAGE_SCN_MEM_WRITE), is_cell);
        let is_code = section.raw_name() == b".text";
        assert_eq!(flags.contains(pe::IMAGE_SCN_MEM_EXECUTE), is_code);
    }

    let headers = file.nt_headers();
    let characteristics = headers.file_header.characteristics.get(LE);
    assert!(characteristics.contains(pe::IMAGE_FILE_DLL));
    assert!(!characteristics.contains(pe::IMAGE_FILE_RELOCS_STRIPPED));
    let optional = &headers.optional_header;
    assert_eq!(optional.address_of_entry_point(), 0, "nothing runs when it is loaded");
    assert_eq!(
        optional.dll_characteristics(),
        pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA
            | pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE
            | pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT
    );
    assert!(file.import_table().unwrap().is_none());
    let mut blocks = file.data_directories().relocation_blocks(&*bytes, &file.section_table());
    let block = blocks.as_mut().unwrap().as_mut().unwrap().next().unwrap().unwrap();
    assert!(block.into_iter().all(|entry| entry.typ == pe::IMAGE_REL_BASED_ABSOLUTE));
}

#[test]
fn the_descriptor_is_exported_and_leads_to_the_rest() {
    for target in TARGETS {
        let sample = Sample::of(target);
        let bytes = write(sample.contents(), Container::SharedLibrary).unwrap();
        let file = PeFile64::parse(&*bytes).unwrap();
        let table = file.export_table().unwrap().unwrap();
        let exports = table.exports().unwrap();
        assert_eq!(exports.len(), 1);
        assert_eq!((exports[0].ordinal.0, exports[0].name), (1, Some(&b"wootz_module"[..])));
        let object::read::pe::ExportTarget::Address(at) = exports[0].target else {
            panic!("it is an address")
        };
        let at = at as usize;
        assert_eq!(bytes[at..][..8], MAGIC);
        for (field, expected) in
            [(TEXT_OFFSET_FIELD, &sample.text), (IMAGE_OFFSET_FIELD, &sample.image)]
        {
            let distance = number(&bytes, at + field as usize) as i32;
            let start = at.checked_add_signed(distance as isize).unwrap();
            assert_eq!(bytes[start..][..expected.len()], **expected);
            assert_eq!(start % 0x1000, 0);
        }
    }
}

#[test]
fn every_function_has_a_symbol_and_a_description_of_its_prologue() {
    for target in TARGETS {
        let sample = Sample::of(target);
        let bytes = write(sample.contents(), Container::SharedLibrary).unwrap();
        let file = PeFile64::parse(&*bytes).unwrap();
        let text = file.section_by_name(".text").unwrap().address() - file.relative_address_base();
        let found: Vec<_> = file
            .symbols()
            .filter(|symbol| symbol.kind() == object::SymbolKind::Text)
            .map(|symbol| {
                (
                    symbol.name().unwrap(),
                    symbol.address() - file.section_by_name(".text").unwrap().address(),
                )
            })
            .collect();
        let expected: Vec<_> =
            sample.symbols.iter().map(|symbol| (&*symbol.name, u64::from(symbol.offset))).collect();
        assert_eq!(found, expected);

        let is_x86_64 = target.starts_with("x86_64");
        let directory =
            file.data_directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION).unwrap().address_range();
        let (mut at, bytes_of_all) = (directory.0 as usize, directory.1 as usize);
        let entry_bytes = if is_x86_64 { 12 } else { 8 };
        assert_eq!(bytes_of_all, entry_bytes * sample.symbols.len());
        for (symbol, (_, unwind)) in sample.symbols.iter().zip(&sample.unwind) {
            let Unwind::Prologue { steps, code_bytes } = unwind else { unreachable!() };
            let begins = text as u32 + symbol.offset;
            assert_eq!(number(&bytes, at), begins);
            let record = number(&bytes, at + entry_bytes - 4) as usize;
            let expected = if is_x86_64 {
                assert_eq!(number(&bytes, at + 4), begins + code_bytes);
                prologue::x86_64(steps)
            } else {
                prologue::aarch64(steps, *code_bytes, true)
            };
            assert_eq!(bytes[record..][..expected.len()], *expected);
            at += entry_bytes;
        }
    }
}

/// The identifier and the number in place of the time say which file it is, and the checksum is that of the file.
#[test]
fn libraries_are_told_apart() {
    let library = |sample: &Sample| write(sample.contents(), Container::SharedLibrary).unwrap();
    let identity = |bytes: &[u8]| {
        let file = PeFile64::parse(bytes).unwrap();
        let stamp = file.nt_headers().file_header.time_date_stamp.get(LE);
        let record = file.pdb_info().unwrap().unwrap();
        assert_eq!((record.path(), record.age()), (&b""[..], 1));
        (stamp, record.guid())
    };
    let mut sample = Sample::of(TARGETS[0]);
    let one = library(&sample);
    assert!(one == library(&Sample::of(TARGETS[0])));
    sample.image[0] ^= 1;
    let other = library(&sample);
    let (one_identity, other_identity) = (identity(&one), identity(&other));
    assert!(one_identity.0 != other_identity.0 && one_identity.1 != other_identity.1);
    assert!(one_identity.0 != 0 && one_identity.1 != [0; 16]);

    for bytes in [one, other] {
        let field = number(&bytes, 0x3c) as usize + 88;
        // As Windows does it: carries are added again at each step.
        let mut sum = 0u32;
        for (i, word) in bytes.chunks(2).enumerate() {
            let in_field = i * 2 >= field && i * 2 < field + 4;
            let word = [word[0], *word.get(1).unwrap_or(&0)];
            sum += if in_field { 0 } else { u16::from_le_bytes(word).into() };
            sum = (sum & 0xffff) + (sum >> 16);
        }
        assert_eq!(number(&bytes, field), sum + bytes.len() as u32);
    }
}

#[test]
fn parts_that_are_empty_are_left_out() {
    let sample = Sample::of(TARGETS[0]);
    let empty = Contents { text: &[], image: &[], symbols: &[], unwind: &[], ..sample.contents() };
    let bytes = write(empty, Container::SharedLibrary).unwrap();
    let file = PeFile64::parse(&*bytes).unwrap();
    let names: Vec<_> =
        file.sections().map(|section| section.name().unwrap().to_string()).collect();
    assert_eq!(names, [".rdata", ".reloc"]);
    let symbols: Vec<_> =
        file.symbols().map(|symbol| (symbol.name().unwrap(), symbol.address())).collect();
    assert_eq!(symbols, [("wootz_module", file.section_by_name(".rdata").unwrap().address())]);
    assert!(file.data_directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION).is_none());
    let table = file.export_table().unwrap().unwrap();
    assert!(table.exports().unwrap().len() == 1 && bytes[0x1000..].starts_with(&MAGIC));
}
