//! A native file: its sections, and where in it modules and their code are.
//!
//! In: the bytes of an object, archive, library or program of any system, which may be anything. Out: what is in it.
//!
//! Always true: nothing is loaded, so the file may be for another machine than this one.

use anyhow::{Context, Result, bail, ensure};
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader, ProgramHeader};
use object::read::macho::{MachOFile64, Segment};
use object::read::pe::PeFile64;
use object::read::{ExportTarget, NameOrOrdinal};
use object::{
    Architecture, BinaryFormat, Endianness, LittleEndian, Object, ObjectKind, ObjectSection,
    ObjectSymbol, SectionFlags, SectionIndex, archive, elf, macho, pe,
};
use serde::Serialize;
use wootz_runtime::abi::artifact::{ByteOrder, DESCRIPTOR_SYMBOL, MetadataError, Tables};

/// The code of a module, and its symbols.
mod code;

pub use code::Code;

/// A file, as far as its operating system is concerned.
#[derive(Serialize, Debug)]
pub struct Container {
    /// The format: `elf`, `coff`, `pe` or `mach-o`.
    pub format: &'static str,
    /// `shared library`, `object`, `archive` or `program`.
    pub kind: &'static str,
    /// The machine it is for.
    pub architecture: String,
    /// The size of the file.
    pub bytes: u64,
    /// The build identifier, in hexadecimal digits.
    pub build_id: Option<String>,
    /// The sections that have a name and contents.
    pub sections: Vec<Section>,
}

/// A section.
#[derive(Serialize, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where it is mapped, relative to the file's other sections. `None` if it is not.
    pub address: Option<u64>,
    /// Its size.
    pub bytes: u64,
}

/// A module in a file.
pub struct Found<'a> {
    /// The symbol at its descriptor.
    pub symbol: String,
    /// The bytes from the descriptor to the end of its section.
    metadata: &'a [u8],
    /// The object, library or program that it is in.
    file: &'a [u8],
    /// In which section the descriptor is, and its address, as the file counts.
    descriptor: (SectionIndex, u64),
    /// How the file's numbers are written.
    order: ByteOrder,
}

impl<'a> Found<'a> {
    /// The tables of the module.
    ///
    /// # Errors
    /// If they are damaged or of another version.
    pub fn tables(&self) -> Result<Tables<'a>, MetadataError> {
        Tables::in_order(self.metadata, self.order)
    }
}

/// Finds the modules of a file; at least one.
///
/// # Errors
/// If the file is damaged, or there is none.
pub fn open(bytes: &[u8]) -> Result<(Container, Vec<Found<'_>>)> {
    let (container, found) = match bytes.starts_with(&archive::MAGIC) {
        true => open_archive(bytes)?,
        false => open_file(bytes)?,
    };
    if found.is_empty() {
        bail!("it has no symbol `{DESCRIPTOR_SYMBOL}`: an ordinary file, which Wootz has not made");
    }
    Ok((container, found))
}

/// The modules of all objects in an archive. What is said of the archive is what is said of the first of them.
fn open_archive(bytes: &[u8]) -> Result<(Container, Vec<Found<'_>>)> {
    let archive = ArchiveFile::parse(bytes).context("the archive is damaged")?;
    let mut whole: Option<(Container, Vec<Found<'_>>)> = None;
    for member in archive.members() {
        let member = member.context("the archive is damaged")?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let data = member.data(bytes).context("the archive is damaged")?;
        let (container, found) = open_file(data).with_context(|| format!("its member `{name}`"))?;
        match &mut whole {
            Some((whole, all)) => {
                whole.sections.extend(container.sections);
                all.extend(found);
            }
            None => {
                let bytes = bytes.len() as u64;
                whole = Some((Container { kind: "archive", bytes, ..container }, found));
            }
        }
    }
    whole.context("it is an empty archive")
}

/// An object, library or program; perhaps without modules.
fn open_file(bytes: &[u8]) -> Result<(Container, Vec<Found<'_>>)> {
    if bytes.starts_with(b"\x7fELF") {
        complete(bytes)?;
    }
    if bytes.starts_with(&macho::FAT_MAGIC.to_be_bytes()) {
        bail!("it is a universal file, of which `lipo -thin` takes out the part for one machine");
    }
    let file = object::File::parse(bytes).context("its headers are damaged")?;
    match &file {
        object::File::Pe64(file) => complete_pe(file, bytes)?,
        object::File::MachO64(file) => complete_macho(file, bytes)?,
        _ => {}
    }
    let format = match file.format() {
        BinaryFormat::Elf => "elf",
        BinaryFormat::Coff => "coff",
        BinaryFormat::Pe => "pe",
        BinaryFormat::MachO => "mach-o",
        _ => bail!("files of this format cannot be inspected yet"),
    };
    let order = if file.is_little_endian() { ByteOrder::Little } else { ByteOrder::Big };
    let symbols = file.symbols().chain(file.dynamic_symbols());
    let symbols = symbols.filter(|symbol| {
        symbol.is_global() && (symbol.is_definition() || symbol.section_index().is_some())
    });
    let symbols = symbols.map(|symbol| {
        let name = symbol.name().unwrap_or_default().to_string();
        (name, symbol.address(), symbol.section_index())
    });
    let mut found: Vec<Found<'_>> = Vec::new();
    for (name, address, section) in symbols.chain(exports(&file)?) {
        // All names have an underscore in front there.
        let underscore = if format == "mach-o" { "_" } else { "" };
        let name = name.strip_prefix(underscore).unwrap_or(&name);
        let prefix = name.strip_suffix(DESCRIPTOR_SYMBOL);
        if !prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('_')) {
            continue;
        }
        if found.iter().any(|known| known.symbol == name) {
            continue;
        }
        let index = section.context("its descriptor is in no section")?;
        let section = file.section_by_index(index).context("its descriptor is in no section")?;
        let offset =
            address.checked_sub(section.address()).context("its descriptor is in no section")?;
        let data = section.data().context("the section with its descriptor is damaged")?;
        let metadata = usize::try_from(offset).ok().and_then(|offset| data.get(offset..));
        let metadata = metadata.context("its descriptor is outside of its section")?;
        let (symbol, descriptor) = (name.to_string(), (index, address));
        found.push(Found { symbol, metadata, file: bytes, descriptor, order });
    }
    let container = Container {
        format,
        kind: match file.kind() {
            ObjectKind::Relocatable => "object",
            ObjectKind::Dynamic => "shared library",
            ObjectKind::Executable => "program",
            _ => "file of another kind",
        },
        architecture: architecture(file.architecture()),
        bytes: bytes.len() as u64,
        build_id: build_id(&file),
        sections: file
            .sections()
            .filter(|section| section.size() > 0)
            .filter_map(|section| {
                let name = section.name().ok().filter(|name| !name.is_empty())?.to_string();
                let is_loaded = match section.flags() {
                    SectionFlags::Elf { sh_flags, .. } => sh_flags.contains(elf::SHF_ALLOC),
                    _ => format != "coff",
                };
                let is_loaded = is_loaded && file.kind() != ObjectKind::Relocatable;
                let address = section.address().checked_sub(file.relative_address_base());
                let address = address.filter(|_| is_loaded);
                Some(Section { name, address, bytes: section.size() })
            })
            .collect(),
    };
    Ok((container, found))
}

/// A name, an address, and the section it is in.
type Place = (String, u64, Option<SectionIndex>);

/// What a file for Windows or macOS exports, also if its symbols were removed.
fn exports(file: &object::File<'_>) -> Result<Vec<Place>> {
    if file.kind() == ObjectKind::Relocatable || file.format() == BinaryFormat::Elf {
        return Ok(Vec::new());
    }
    let mut places = Vec::new();
    for export in file.exports().context("its table of exports is damaged")? {
        let export = export.context("its table of exports is damaged")?;
        let (NameOrOrdinal::Name(name), ExportTarget::Address { address }) =
            (export.name(), export.target())
        else {
            continue;
        };
        let is_there = |section: &object::Section<'_, '_>| {
            address.checked_sub(section.address()).is_some_and(|offset| offset < section.size())
        };
        let section = file.sections().find(is_there).map(|section| section.index());
        places.push((String::from_utf8_lossy(name).into_owned(), address, section));
    }
    Ok(places)
}

/// The build identifier. Windows has it where it would name a file with debug information, and its tools write the
/// beginning as numbers; macOS calls it UUID.
fn build_id(file: &object::File<'_>) -> Option<String> {
    if let Some(id) = file.build_id().ok().flatten() {
        return Some(hexadecimal(id));
    }
    if let Some(id) = file.mach_uuid().ok().flatten() {
        return Some(hexadecimal(&id));
    }
    let mut id = file.pdb_info().ok().flatten()?.guid();
    [0..4, 4..6, 6..8].into_iter().for_each(|number| id[number].reverse());
    Some(hexadecimal(&id))
}

/// Checks that all sections of a file for Windows and its symbols lie inside of it.
fn complete_pe(file: &PeFile64<'_>, bytes: &[u8]) -> Result<()> {
    for section in file.section_table().iter() {
        let (offset, size) = (&section.pointer_to_raw_data, &section.size_of_raw_data);
        inside(bytes, offset.get(LittleEndian).into(), size.get(LittleEndian).into())?;
    }
    let header = &file.nt_headers().file_header;
    let symbols = header.pointer_to_symbol_table.get(LittleEndian);
    let count = u64::from(header.number_of_symbols.get(LittleEndian));
    inside(bytes, symbols.into(), count * pe::IMAGE_SIZEOF_SYMBOL as u64)
}

/// Checks that all that is mapped of a file for macOS lies inside of it.
fn complete_macho(file: &MachOFile64<'_, Endianness>, bytes: &[u8]) -> Result<()> {
    let damaged = "its load commands are damaged";
    let mut commands = file.macho_load_commands().context(damaged)?;
    while let Some(command) = commands.next().context(damaged)? {
        if let Some((segment, _)) = command.segment_64().context(damaged)? {
            let (offset, size) = segment.file_range(file.endian());
            inside(bytes, offset, size)?;
        }
    }
    Ok(())
}

/// Checks that a part of a file lies inside of it.
fn inside(bytes: &[u8], offset: u64, size: u64) -> Result<()> {
    let (found, expected) = (bytes.len() as u64, offset.saturating_add(size));
    ensure!(
        expected <= found,
        "it is truncated: it has {found} bytes, and should have at least {expected}"
    );
    Ok(())
}

/// Checks that everything that is mapped, all sections, and the headers that tell of them lie inside of the file.
fn complete(bytes: &[u8]) -> Result<()> {
    fn check<Header: FileHeader<Endian = object::Endianness>>(bytes: &[u8]) -> Result<()> {
        let header = Header::parse(bytes).context("its header is damaged")?;
        let endian = header.endian().context("its header is damaged")?;
        let headers = u64::from(header.e_shentsize(endian)) * u64::from(header.e_shnum(endian));
        inside(bytes, header.e_shoff(endian).into(), headers)?;
        let segments =
            header.program_headers(endian, bytes).context("its program headers are damaged")?;
        let sections = header.sections(endian, bytes).context("its section headers are damaged")?;
        let segments = segments.iter().map(|segment| segment.file_range(endian));
        let sections = sections.iter().filter_map(|section| {
            use object::read::elf::SectionHeader;
            section.file_range(endian)
        });
        for (offset, size) in segments.chain(sections) {
            inside(bytes, offset, size)?;
        }
        Ok(())
    }
    match bytes.get(4) {
        Some(&class) if class == elf::ELFCLASS64.0 => {
            check::<elf::FileHeader64<object::Endianness>>(bytes)
        }
        _ => check::<elf::FileHeader32<object::Endianness>>(bytes),
    }
}

fn architecture(architecture: Architecture) -> String {
    format!("{architecture:?}").to_lowercase()
}

/// Bytes as hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
