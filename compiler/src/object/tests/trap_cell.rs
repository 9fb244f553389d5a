//! The cell that says where traps go.

use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget};
use wootz_runtime::abi::artifact::{TRAP_CELL_OFFSET_FIELD, TRAP_CELL_SYMBOL};

use super::*;

/// A jump to the address in the cell, at the beginning of the code.
fn sample() -> Sample {
    let mut sample = Sample::new();
    sample.text.splice(0..0, [0xff, 0x25, 0, 0, 0, 0].into_iter().chain([0xcc; 26]));
    for symbol in &mut sample.symbols {
        symbol.offset += 32;
    }
    for (offset, _) in &mut sample.unwind {
        *offset += 32;
    }
    sample
}

fn with_cell(sample: &Sample) -> Contents<'_> {
    Contents { trap_cell: Some(2), ..sample.contents() }
}

/// Checks that in a finished file the code and the descriptor find the cell.
fn check(bytes: &[u8]) {
    let file = object::File::parse(bytes).unwrap();
    let address = |name: &str| file.symbols().find(|it| it.name() == Ok(name)).unwrap().address();
    // Linkers put sections together, and give them other names.
    let number = |at: u64| {
        let is_there = |address: u64, bytes: u64| (address..address + bytes).contains(&at);
        let mut sections = file.sections();
        let section = sections.find(|it| is_there(it.address(), it.size())).unwrap();
        let at = (at - section.address()) as usize;
        i64::from(i32::from_le_bytes(*section.data().unwrap()[at..].first_chunk().unwrap()))
    };
    let cell = address(TRAP_CELL_SYMBOL);
    assert!(cell.is_multiple_of(8));
    let text = file.section_by_name(".text").unwrap().address();
    assert_eq!(cell, (text + 6).wrapping_add_signed(number(text + 2)));
    let descriptor = address("wootz_module");
    let distance = number(descriptor + u64::from(TRAP_CELL_OFFSET_FIELD));
    assert_eq!(cell, descriptor.wrapping_add_signed(distance));
}

#[test]
fn a_library_has_it_in_the_file() {
    let sample = sample();
    let bytes = write(with_cell(&sample), Container::SharedLibrary).unwrap();
    check(&bytes);
    let file = object::File::parse(&*bytes).unwrap();
    let cell = file.section_by_name(".data.wootz").unwrap();
    assert_eq!(cell.data(), Ok(&[0; 8][..]));
    assert_eq!(cell.file_range(), Some((cell.address(), 8)));
    let directory = tempfile::tempdir().unwrap();
    check_with_tools(&store(directory.path(), "sample.so", &bytes));
}

#[test]
fn an_object_leaves_it_to_the_linker() {
    let sample = sample();
    let bytes = write(with_cell(&sample), Container::Object).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let relocations: Vec<_> = file.section_by_name(".text").unwrap().relocations().collect();
    let [(2, relocation)] = &*relocations else { panic!("{relocations:?}") };
    assert_eq!(relocation.addend(), -4);
    let RelocationTarget::Symbol(symbol) = relocation.target() else { panic!("{relocation:?}") };
    let section = file.symbol_by_index(symbol).unwrap().section_index().unwrap();
    assert_eq!(file.section_by_index(section).unwrap().name(), Ok(".bss.wootz"));

    let directory = tempfile::tempdir().unwrap();
    let object = store(directory.path(), "sample.o", &bytes);
    let library = directory.path().join("linked.so");
    let arguments = ["-shared", "-nostdlib", "-z", "text", "-o", text(&library), text(&object)];
    if run("cc", &arguments).is_some() {
        check(&std::fs::read(&library).unwrap());
    }
}
