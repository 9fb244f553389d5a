//! The code of a module, and its symbols.
//!
//! In: a module that was found in a file. Out: its machine code, where it is, and what the file calls its parts.

use anyhow::{Context, Result, bail};
use object::{
    Architecture, BinaryFormat, Object, ObjectKind, ObjectSection, ObjectSymbol, RelocationTarget,
    SectionIndex, SectionKind,
};
use wootz_runtime::abi::artifact::TEXT_OFFSET_FIELD;

use super::Found;

/// The machine code of a module.
pub struct Code<'a> {
    /// Its first address: in a library from the library's beginning, in an object as its section has it.
    pub address: u64,
    /// Where the library would like to be loaded, which some tools add to addresses.
    pub image_base: u64,
    /// The code.
    pub bytes: &'a [u8],
    /// The machine that it is for.
    pub architecture: Architecture,
    /// What the file calls its parts, in their order. None if the symbols were removed.
    pub symbols: Vec<Symbol>,
}

/// A name for a place in code.
pub struct Symbol {
    /// How far behind the beginning of the code it is.
    pub offset: u64,
    /// How many bytes it stands for; 0 if the file does not say so.
    pub bytes: u64,
    /// The name.
    pub name: String,
}

impl<'a> Found<'a> {
    /// The module's code.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn code(&self) -> Result<Code<'a>> {
        let file = object::File::parse(self.file).context("its headers are damaged")?;
        let size = u64::from(self.tables()?.descriptor().text.bytes);
        let place = match file.kind() {
            _ if size == 0 => None,
            ObjectKind::Relocatable => Some(self.named_by_relocation(&file)?),
            _ => Some(self.at_distance(&file)?),
        };
        let image_base = file.relative_address_base();
        let architecture = file.architecture();
        let Some((index, start)) = place else {
            let (address, bytes, symbols) = (0, &[][..], Vec::new());
            return Ok(Code { address, image_base, bytes, architecture, symbols });
        };
        let section = file.section_by_index(index).context("its code is in no section")?;
        let data = section.data().context("the section with its code is damaged")?;
        let offset = start.checked_sub(section.address());
        let bytes = offset.and_then(|offset| {
            data.get(usize::try_from(offset).ok()?..)?.get(..usize::try_from(size).ok()?)
        });
        Ok(Code {
            address: start.saturating_sub(image_base),
            image_base,
            bytes: bytes.context("its code is outside of its section")?,
            architecture,
            symbols: symbols(&file, index, start, size),
        })
    }

    /// The section and the address of the code, which is as far behind the descriptor as that says.
    fn at_distance(&self, file: &object::File<'_>) -> Result<(SectionIndex, u64)> {
        let distance = self.tables()?.descriptor().text.offset;
        let start = self.descriptor.1.checked_add_signed(distance.into());
        let start = start.context("its code is outside of the file")?;
        let has = |section: &object::Section<'_, '_>| {
            start.checked_sub(section.address()).is_some_and(|offset| offset < section.size())
        };
        let section = file.sections().find(has).context("its code is in no section")?;
        Ok((section.index(), start))
    }

    /// The section and the address of the code in an object, where a relocation says it.
    fn named_by_relocation(&self, file: &object::File<'_>) -> Result<(SectionIndex, u64)> {
        let (section, descriptor) = self.descriptor;
        let section = file.section_by_index(section).context("its descriptor is in no section")?;
        let field = descriptor - section.address() + u64::from(TEXT_OFFSET_FIELD);
        for (_, relocation) in section.relocations().filter(|(offset, _)| *offset == field) {
            // In ELF it is for the distance from the field, and the descriptor has that from itself.
            let addend = match file.format() {
                BinaryFormat::Elf => relocation.addend() - i64::from(TEXT_OFFSET_FIELD),
                _ => 0,
            };
            let place = match relocation.target() {
                RelocationTarget::Symbol(symbol) => file
                    .symbol_by_index(symbol)
                    .ok()
                    .and_then(|symbol| Some((symbol.section_index()?, symbol.address()))),
                RelocationTarget::Section(index) => {
                    file.section_by_index(index).ok().map(|section| (index, section.address()))
                }
                _ => None,
            };
            let Some((index, address)) = place else { continue };
            let is_code =
                file.section_by_index(index).is_ok_and(|found| found.kind() == SectionKind::Text);
            if let Some(start) = address.checked_add_signed(addend).filter(|_| is_code) {
                return Ok((index, start));
            }
        }
        bail!("its descriptor does not say where its code is")
    }
}

/// The symbols in a part of a section.
fn symbols(file: &object::File<'_>, section: SectionIndex, start: u64, size: u64) -> Vec<Symbol> {
    let is_macho = file.format() == BinaryFormat::MachO;
    let mut symbols: Vec<Symbol> = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.section_index() == Some(section))
        .filter_map(|symbol| {
            let offset = symbol.address().checked_sub(start).filter(|&offset| offset < size)?;
            let name = symbol.name().ok().filter(|name| !name.is_empty())?;
            // Sections have symbols of their own. On macOS, all names have an underscore in front, and those that only the
            // linker sees have none.
            let name = match is_macho {
                true => name.strip_prefix('_')?,
                false => Some(name).filter(|name| !name.starts_with('.'))?,
            };
            Some(Symbol { offset, bytes: symbol.size(), name: name.to_string() })
        })
        .collect();
    symbols.sort_by(|a, b| (a.offset, &a.name).cmp(&(b.offset, &b.name)));
    symbols.dedup_by(|a, b| (a.offset, &a.name) == (b.offset, &b.name));
    symbols
}
