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
pub fn sections(sample: &Sample) -> debug::Sections {
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
            // The number is an address in this file.
            RelocationTarget::Section(section) => {
                0u64.wrapping_sub(file.section_by_index(section).unwrap().address())
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

/// Each linker, for each system, with what makes it link a library from an object.
const LINKERS: [(&str, &str, &[&str]); 12] = [
    ("x86_64-unknown-linux-gnu", "cc", &["-shared", "-nostdlib", "-o"]),
    ("x86_64-unknown-linux-gnu", "ld.bfd", &["-shared", "-o"]),
    ("x86_64-unknown-linux-gnu", "ld.lld-19", &["-shared", "-o"]),
    ("aarch64-unknown-linux-gnu", "ld.lld-19", &["-shared", "-o"]),
    ("aarch64-unknown-linux-gnu", "aarch64-linux-gnu-gcc", &["-shared", "-nostdlib", "-o"]),
    ("riscv64gc-unknown-linux-gnu", "riscv64-linux-gnu-gcc", &["-shared", "-nostdlib", "-o"]),
    ("s390x-unknown-linux-gnu", "s390x-linux-gnu-gcc", &["-shared", "-nostdlib", "-o"]),
    ("x86_64-pc-windows-msvc", "x86_64-w64-mingw32-gcc", &["-shared", "-nostdlib", "-o"]),
    ("x86_64-pc-windows-msvc", "lld-link-19", &LLD_LINK),
    ("aarch64-pc-windows-msvc", "lld-link-19", &LLD_LINK),
    ("x86_64-apple-darwin", "ld64.lld-19", &LD64),
    ("aarch64-apple-darwin", "ld64.lld-19", &LD64),
];
const LLD_LINK: [&str; 5] =
    ["/dll", "/noentry", "/debug:dwarf", "/export:wootz_module,DATA", "/out:"];
const LD64: [&str; 6] = ["-platform_version", "macos", "11.0", "11.0", "-dylib", "-o"];

#[test]
fn linkers_fill_in_where_everything_is() {
    let folder = tempfile::tempdir().unwrap();
    for (target, linker, arguments) in LINKERS {
        let (sample, sections) = sample(target);
        let contents = Contents { debug: Some(&sections), ..sample.contents() };
        let object = write(contents, Container::Object).unwrap();
        let object = store(folder.path(), "sample.o", &object);
        let library = folder.path().join(format!("{target}-{linker}.dll"));
        let mut arguments: Vec<String> = arguments.iter().map(|text| text.to_string()).collect();
        match arguments.last_mut() {
            Some(last) if last == "/out:" => last.push_str(text(&library)),
            _ => arguments.push(text(&library).to_string()),
        }
        arguments.push(text(&object).to_string());
        let is_macos = linker.starts_with("ld64");
        if is_macos {
            let machine = if target.starts_with("aarch64") { "arm64" } else { "x86_64" };
            arguments.extend(["-arch", machine].map(str::to_string));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if run(linker, &arguments).is_none() {
            continue;
        }
        let bytes = std::fs::read(&library).unwrap();
        let (code, cell) = places(&bytes, if is_macos { "_" } else { "" });
        let mut with_debug = bytes;
        if is_macos {
            // The linker only notes where the objects are.
            let bundle = folder.path().join("sample.dSYM");
            if run("dsymutil-19", &["-o", text(&bundle), text(&library)]).is_none() {
                continue;
            }
            with_debug = std::fs::read(
                bundle.join("Contents/Resources/DWARF").join(library.file_name().unwrap()),
            )
            .unwrap();
        }
        assert_eq!(read_file(&with_debug), expected(&sample, code, cell), "{target}: {linker}");
    }
}

/// Everybody who reads debug information is content with all of it.
#[test]
fn tools_have_no_complaint_about_debug_information() {
    let folder = tempfile::tempdir().unwrap();
    for (target, _) in targets() {
        let (sample, sections) = sample(&target);
        for (container, name) in
            [(Container::SharedLibrary, "library"), (Container::Object, "object")]
        {
            let contents = Contents { debug: Some(&sections), ..sample.contents() };
            let path = store(folder.path(), name, &write(contents, container).unwrap());
            check_debug(&path, &target);
        }
    }
}

fn check_debug(path: &Path, target: &str) {
    check_dwarf(path, target);
    if let Some(output) = run("llvm-readobj-19", &["--all", text(path)]) {
        let complaint = output.lines().filter(is_ours).find(|line| line.contains("warning"));
        assert_eq!(complaint, None, "{target}: {output}");
    }
    if target.contains("linux")
        && let Some(output) = run("readelf", &["-aWw", text(path)])
    {
        let complaint = output.lines().find(|line| {
            line.starts_with("readelf: ") || line.contains("Warning") || line.contains("<corrupt")
        });
        assert_eq!(complaint, None, "{target}: {output}");
    }
    if target.starts_with("x86_64-unknown-linux") {
        check_with_tools(path);
    }
}

/// The cell can be written and is 0 before, also when tools have changed the file.
#[test]
fn a_library_with_debug_information_loads() {
    let (sample, sections) = sample("x86_64-unknown-linux-gnu");
    let folder = tempfile::tempdir().unwrap();
    let contents = Contents { debug: Some(&sections), ..sample.contents() };
    let library = write(contents, Container::SharedLibrary).unwrap();
    let library = store(folder.path(), "sample.so", &library);
    for tool in [None, Some("strip"), Some("objcopy")] {
        let path = match tool {
            None => library.clone(),
            Some(tool) => {
                let changed = folder.path().join(format!("{tool}.so"));
                let arguments = match tool {
                    "strip" => ["-g", "-o", text(&changed), text(&library)],
                    _ => ["-p", "-D", text(&library), text(&changed)],
                };
                let Some(output) = run(tool, &arguments) else { continue };
                assert_eq!(output, "", "{tool}");
                changed
            }
        };
        check_loaded(&path, &sample);
        // SAFETY: the library has no initialisers. The symbol is the descriptor, which says where the cell is.
        #[allow(unsafe_code)]
        unsafe {
            let library = libloading::Library::new(&path).unwrap();
            let metadata = *library.get::<*const u8>(b"wootz_module").unwrap();
            let distance = metadata.add(DEBUG_CELL_OFFSET_FIELD as usize).cast::<i32>().read();
            let cell = metadata.offset(distance as isize).cast::<u64>().cast_mut();
            assert!(cell.is_aligned() && cell.read_volatile() == 0);
            cell.write_volatile(u64::MAX);
            assert_eq!(cell.read_volatile(), u64::MAX);
        }
    }
}

/// A library for a target, and the file with its debug information.
fn separate(sample: &Sample, sections: &debug::Sections, name: &str) -> (Vec<u8>, Vec<u8>) {
    let contents = Contents { debug: Some(sections), separate: Some(name), ..sample.contents() };
    let files = super::super::write(contents, Container::SharedLibrary).unwrap();
    (files.file, files.debug_file.unwrap())
}

#[test]
fn debug_information_can_be_in_another_file() {
    for (target, prefix) in targets() {
        if target.contains("windows") {
            continue;
        }
        let (sample, sections) = sample(&target);
        let (library, debug_file) = separate(&sample, &sections, "sample.debug");
        let (code, cell) = places(&library, prefix);
        assert_eq!(read_file(&debug_file), expected(&sample, code, cell), "{target}");
        let [main, debug] =
            [&library, &debug_file].map(|bytes| object::File::parse(&**bytes).unwrap());
        for section in main.sections() {
            let name = section.name().unwrap();
            assert!(!name.contains("debug_"), "{target}: {name}");
            // The same in both, but that it is only described.
            if section.address() > 0 {
                let other = debug.section_by_name(name).unwrap();
                let shape = |section: &object::Section<'_, '_>| (section.address(), section.size());
                assert_eq!(shape(&section), shape(&other), "{target}: {name}");
            }
        }
        let identity = |file: &object::File<'_>| {
            let build_id = file.build_id().unwrap().map(<[u8]>::to_vec);
            build_id.or(file.mach_uuid().unwrap().map(|uuid| uuid.to_vec())).unwrap()
        };
        assert_eq!(identity(&main), identity(&debug), "{target}");
        let names = |file: &object::File<'_>| {
            let symbols =
                file.symbols().map(|symbol| (symbol.name().unwrap().to_string(), symbol.address()));
            symbols.collect::<Vec<_>>()
        };
        assert_eq!(names(&main), names(&debug), "{target}: the library keeps its names");
        if target.contains("linux") {
            let link = main.gnu_debuglink().unwrap().unwrap();
            assert_eq!(link, (&b"sample.debug"[..], crc32fast::hash(&debug_file)), "{target}");
        }
        // Other debug information makes another library, and the same one the same.
        assert!(
            (library.clone(), debug_file.clone()) == separate(&sample, &sections, "sample.debug")
        );
        let mut changed = sections;
        changed.sections[0].bytes.push(0);
        let (other, _) = separate(&sample, &changed, "sample.debug");
        let other = object::File::parse(&*other).unwrap();
        assert_ne!(identity(&main), identity(&other), "{target}");
    }
}

/// They look for it beside the library, and by the build identifier.
#[test]
fn debuggers_find_the_other_file() {
    let (sample, sections) = sample("x86_64-unknown-linux-gnu");
    let folder = tempfile::tempdir().unwrap();
    let (library, debug_file) = separate(&sample, &sections, "sample.debug");
    let main = object::File::parse(&*library).unwrap();
    let id: String =
        main.build_id().unwrap().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let by_id = folder.path().join("ids/.build-id").join(&id[..2]);
    let [beside, alone] = ["beside", "alone"].map(|name| folder.path().join(name));
    for folder in [&by_id, &beside, &alone] {
        std::fs::create_dir_all(folder).unwrap();
    }
    store(&by_id, &format!("{}.debug", &id[2..]), &debug_file);
    let debug_path = store(&beside, "sample.debug", &debug_file);
    let all = format!("set debug-file-directory {}", folder.path().join("ids").display());
    for (folder, setting, is_found) in [
        (&beside, "set verbose off", true),
        (&alone, &*all, true),
        (&alone, "set verbose off", false),
    ] {
        let library = store(folder, "sample.so", &library);
        let open = format!("file {}", text(&library));
        let arguments =
            ["-nx", "-batch", "-ex", setting, "-ex", &open, "-ex", "info line increment"];
        if let Some(output) = run("gdb", &arguments) {
            let line = "Line 10 of \"sample.c\" starts at address";
            assert_eq!(output.contains(line), is_found, "{output}");
            assert!(!output.contains("warning"), "{output}");
        }
    }
    let library = beside.join("sample.so");
    if let Some(output) = run("eu-unstrip", &["-n", "-e", text(&library)]) {
        assert!(output.contains(&id) && output.trim_end().ends_with("sample.debug"), "{output}");
    }
    let whole = folder.path().join("whole.so");
    let arguments = ["-o", text(&whole), text(&library), text(&debug_path)];
    if run("eu-unstrip", &arguments).is_some() {
        let found = read_file(&std::fs::read(&whole).unwrap());
        let (code, cell) = places(&std::fs::read(&library).unwrap(), "");
        assert_eq!(found, expected(&sample, code, cell));
    }
    for arguments in [vec![text(&library)], vec!["-d", text(&debug_path)]] {
        let arguments = [&["--gnu-ld", "--quiet"], &*arguments].concat();
        if let Some(output) = run("eu-elflint", &arguments) {
            let known = "unknown object file note type 1";
            assert_eq!(output.lines().find(|line| !line.contains(known)), None, "{output}");
        }
    }
    check_dwarf(&debug_path, "linux");
}

#[test]
fn a_bundle_for_macos_is_what_debuggers_take() {
    let folder = tempfile::tempdir().unwrap();
    for target in ["x86_64-apple-darwin", "aarch64-apple-darwin"] {
        let (sample, sections) = sample(target);
        let (library, debug_file) = separate(&sample, &sections, "sample.dylib.dSYM");
        let library = store(folder.path(), "sample.dylib", &library);
        let inside = folder.path().join("sample.dylib.dSYM/Contents/Resources/DWARF");
        std::fs::create_dir_all(&inside).unwrap();
        let debug_path = store(&inside, "sample.dylib", &debug_file);
        check_dwarf(&debug_path, target);
        // Only on macOS it finds the bundle by itself; that it is the right one it sees by the identifier.
        let add = format!("target symbols add {}", text(&debug_path));
        let lookup = "image lookup -v -n increment";
        let arguments = ["-x", "-b", "-o", &*add, "-o", lookup, text(&library)];
        if let Some(output) = run("lldb-19", &arguments) {
            assert!(output.contains("sample.c:10"), "{target}: {output}");
        }
    }
}

fn check_dwarf(path: &Path, target: &str) {
    if let Some(output) = run("llvm-dwarfdump-19", &["--verify", text(path)]) {
        let last = output.lines().rfind(is_ours);
        assert_eq!(last, Some("No errors."), "{target}: {output}");
    }
}

/// Whether LLVM says something about debug information. About unwind tables in objects for s390x it does.
fn is_ours(line: &&str) -> bool {
    !line.contains("failed to compute relocation: R_390_PC32")
}

#[test]
fn where_it_cannot_be_separate_it_is_said() {
    for (target, container, why) in [
        ("x86_64-pc-windows-msvc", Container::SharedLibrary, "DWARF sections are in the DLL"),
        ("x86_64-pc-windows-msvc", Container::Archive, "a linker makes the file"),
        ("x86_64-unknown-linux-gnu", Container::Object, "a linker makes the file"),
        ("aarch64-apple-darwin", Container::Archive, "a linker makes the file"),
    ] {
        let (sample, sections) = sample(target);
        let contents = Contents {
            debug: Some(&sections),
            separate: Some("sample.debug"),
            ..sample.contents()
        };
        let error = write(contents, container).unwrap_err();
        assert!(matches!(error, Error::Options { .. }));
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// Without code, and without sections, there is still a cell.
#[test]
fn the_cell_needs_nothing_else() {
    for (target, _) in targets() {
        let sample = Sample::of(&target);
        let none = debug::Sections::default();
        let empty = || Contents {
            text: &[],
            image: &[],
            symbols: &[],
            unwind: &[],
            debug: Some(&none),
            ..sample.contents()
        };
        for container in [Container::SharedLibrary, Container::Object] {
            let bytes = write(empty(), container).unwrap();
            let file = object::File::parse(&*bytes).unwrap();
            let mut symbols = file.symbols();
            assert!(
                symbols.any(|symbol| symbol.name().unwrap().ends_with("wootz_debug_cell")),
                "{target}"
            );
        }
    }
}
