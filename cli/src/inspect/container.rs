//! The file: its sections, and where in it modules are.

use anyhow::{Context, Result, bail, ensure};
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{
    Architecture, BinaryFormat, Object, ObjectKind, ObjectSection, ObjectSymbol, SectionFlags,
    archive, elf,
};
use serde::Serialize;
use wootz_runtime::abi::artifact::DESCRIPTOR_SYMBOL;

/// A file, as far as its operating system is concerned.
#[derive(Serialize, Debug)]
pub struct Container {
    /// The format: `elf`, `coff` or `mach-o`.
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
    pub metadata: &'a [u8],
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
    let file = object::File::parse(bytes).context("its headers are damaged")?;
    let format = match file.format() {
        BinaryFormat::Elf => "elf",
        BinaryFormat::Coff => "coff",
        BinaryFormat::MachO => "mach-o",
        _ => bail!("files of this format cannot be inspected yet"),
    };
    let same_order = file.is_little_endian() == cfg!(target_endian = "little");
    ensure!(
        same_order,
        "it is for machines with another byte order than this one, and cannot be inspected here"
    );
    let symbols = file.symbols().chain(file.dynamic_symbols()).filter(|symbol| symbol.is_global());
    let mut found: Vec<Found<'_>> = Vec::new();
    for symbol in
        symbols.filter(|symbol| symbol.is_definition() || symbol.section_index().is_some())
    {
        let name = symbol.name().unwrap_or_default();
        // All names have an underscore in front there.
        let name = if format == "mach-o" { name.strip_prefix('_').unwrap_or(name) } else { name };
        let prefix = name.strip_suffix(DESCRIPTOR_SYMBOL);
        if !prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('_')) {
            continue;
        }
        if found.iter().any(|known| known.symbol == name) {
            continue;
        }
        let section = symbol.section_index().context("its descriptor is in no section")?;
        let section = file.section_by_index(section).context("its descriptor is in no section")?;
        let offset = symbol
            .address()
            .checked_sub(section.address())
            .context("its descriptor is in no section")?;
        let data = section.data().context("the section with its descriptor is damaged")?;
        let metadata = usize::try_from(offset).ok().and_then(|offset| data.get(offset..));
        let metadata = metadata.context("its descriptor is outside of its section")?;
        found.push(Found { symbol: name.to_string(), metadata });
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
        build_id: file.build_id().ok().flatten().map(hexadecimal),
        sections: file
            .sections()
            .filter(|section| section.size() > 0)
            .filter_map(|section| {
                let name = section.name().ok().filter(|name| !name.is_empty())?.to_string();
                let is_loaded = |flags: elf::SectionFlags| flags.contains(elf::SHF_ALLOC);
                let is_loaded = matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if is_loaded(sh_flags));
                let address = (is_loaded && file.kind() != ObjectKind::Relocatable).then(|| section.address());
                Some(Section { name, address, bytes: section.size() })
            })
            .collect(),
    };
    Ok((container, found))
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
    fn inside(bytes: &[u8], offset: u64, size: u64) -> Result<()> {
        let (found, expected) = (bytes.len() as u64, offset.saturating_add(size));
        ensure!(
            expected <= found,
            "it is truncated: it has {found} bytes, and should have at least {expected}"
        );
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
