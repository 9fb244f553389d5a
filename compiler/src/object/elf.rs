//! ELF for a machine: its numbers, and a file that grows section by section.
//!
//! Always true: in a file that is loaded, the address of every byte is its offset in the file.

use object::elf::{self, FileFlags, RelocationType, SectionType};
use object::write::elf::{
    Encoder, FileHeader, FileHeaderLayout, ProgramHeader, SectionHeader, Sym,
};
use object::{Endian, Endianness};
use target_lexicon::{Architecture, Triple};

use crate::error::{Error, Result};
use crate::target::image_alignment_of;

/// What differs between ELF files of different machines.
#[derive(Clone, Copy)]
pub struct Machine {
    /// Its number.
    pub machine: elf::Machine,
    /// What a linker compares between files.
    pub flags: FileFlags,
    /// The order of the bytes of numbers.
    pub endian: Endianness,
    /// The largest pages that systems of this kind have: what segments are aligned to.
    pub page: u64,
    /// The relocation "32 bits, distance from here".
    pub distance: RelocationType,
    /// The relocation "64 bits, address".
    pub address: RelocationType,
    /// The relocation "32 bits, address".
    pub short_address: RelocationType,
}

/// The machine that a target has.
///
/// # Errors
/// If files for it cannot be written.
pub fn machine(triple: &Triple) -> Result<Machine> {
    let (machine, flags, endian, [distance, address, short_address]) = match triple.architecture {
        Architecture::X86_64 => {
            let relocations = [elf::R_X86_64_PC32, elf::R_X86_64_64, elf::R_X86_64_32];
            (elf::EM_X86_64, FileFlags(0), Endianness::Little, relocations)
        }
        Architecture::Aarch64(_) => {
            let relocations = [elf::R_AARCH64_PREL32, elf::R_AARCH64_ABS64, elf::R_AARCH64_ABS32];
            (elf::EM_AARCH64, FileFlags(0), Endianness::Little, relocations)
        }
        Architecture::Riscv64(_) => {
            let flags = elf::EF_RISCV_RVC | elf::EF_RISCV_FLOAT_ABI_DOUBLE;
            let relocations = [elf::R_RISCV_32_PCREL, elf::R_RISCV_64, elf::R_RISCV_32];
            (elf::EM_RISCV, flags, Endianness::Little, relocations)
        }
        Architecture::S390x => {
            let relocations = [elf::R_390_PC32, elf::R_390_64, elf::R_390_32];
            (elf::EM_S390, FileFlags(0), Endianness::Big, relocations)
        }
        other => {
            let message =
                format!("ELF files for {other}, for the target `{triple}`, cannot be written yet");
            return Err(Error::Options { message });
        }
    };
    let page = u64::from(image_alignment_of(triple));
    Ok(Machine { machine, flags, endian, page, distance, address, short_address })
}

/// A file that grows section by section.
pub struct ElfFile {
    encoder: Encoder<Endianness>,
    header: FileHeader,
    bytes: Vec<u8>,
    sections: Vec<SectionHeader>,
    names: Strings,
}

/// A section that was added to a file.
#[derive(Clone, Copy)]
pub struct Section {
    /// Its index in the section header table.
    pub index: u32,
    /// Where in the file it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Section {
    /// Where in the file it ends.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes
    }
}

impl ElfFile {
    /// A file with nothing but room for its header, and for some program headers.
    pub fn new(
        machine: Machine,
        e_type: elf::FileType,
        program_headers: usize,
        capacity: usize,
    ) -> ElfFile {
        let encoder = Encoder::new(machine.endian, true, machine.machine);
        let header = FileHeader {
            e_type,
            e_machine: machine.machine,
            e_flags: machine.flags,
            ..FileHeader::default()
        };
        let headers =
            encoder.file_header_size() + program_headers as u64 * encoder.program_header_size();
        let mut bytes = Vec::with_capacity(capacity);
        bytes.resize(headers as usize, 0);
        ElfFile {
            encoder,
            header,
            bytes,
            sections: vec![SectionHeader::default()],
            names: Strings::new(),
        }
    }

    /// What encodes records for this file.
    pub fn encoder(&self) -> Encoder<Endianness> {
        self.encoder
    }

    /// Adds a section at the next offset that has its alignment; name, place and size are filled in.
    pub fn add(&mut self, name: &str, header: SectionHeader, contents: &[u8]) -> Section {
        self.align(header.sh_addralign);
        let offset = self.bytes.len() as u64;
        self.bytes.extend(contents);
        self.describe(name, SectionHeader { sh_size: contents.len() as u64, ..header }, offset)
    }

    /// Adds a section of zeros, to be filled in later.
    pub fn reserve(&mut self, name: &str, header: SectionHeader, bytes: usize) -> Section {
        self.align(header.sh_addralign);
        let offset = self.bytes.len() as u64;
        self.bytes.resize(self.bytes.len() + bytes, 0);
        self.describe(name, SectionHeader { sh_size: bytes as u64, ..header }, offset)
    }

    /// Adds a section of zeros at an address. It takes no room in the file: that goes on where it did.
    pub fn add_zeros(
        &mut self,
        name: &str,
        header: SectionHeader,
        address: u64,
        bytes: u64,
    ) -> Section {
        let section = self.describe(name, SectionHeader { sh_size: bytes, ..header }, address);
        self.sections[section.index as usize].sh_offset = self.bytes.len() as u64;
        section
    }

    /// A file with the same sections, of which those up to `last` have the same contents in the same places, and all others
    /// none: what debuggers know a file's sections by if its debug information is in another one.
    pub fn up_to(&self, last: Section) -> ElfFile {
        let mut sections = self.sections.clone();
        for section in &mut sections[last.index as usize + 1..] {
            section.sh_type = elf::SHT_NOBITS;
            section.sh_offset = last.end();
        }
        ElfFile {
            encoder: self.encoder,
            header: self.header.clone(),
            bytes: self.bytes[..last.end() as usize].to_vec(),
            sections,
            names: self.names.clone(),
        }
    }

    fn describe(&mut self, name: &str, header: SectionHeader, offset: u64) -> Section {
        let loaded = self.header.e_type != elf::ET_REL && header.sh_flags.contains(elf::SHF_ALLOC);
        let section = Section { index: self.sections.len() as u32, offset, bytes: header.sh_size };
        let sh_name = self.names.add(name);
        let sh_addr = if loaded { offset } else { 0 };
        self.sections.push(SectionHeader { sh_name, sh_addr, sh_offset: offset, ..header });
        section
    }

    fn align(&mut self, alignment: u64) {
        let aligned = self.bytes.len().next_multiple_of(alignment.max(1) as usize);
        self.bytes.resize(aligned, 0);
    }

    /// Lets a section refer to another one that was added later.
    pub fn link(&mut self, from: Section, to: Section) {
        self.sections[from.index as usize].sh_link = to.index;
    }

    /// Fills in bytes at an offset in a section.
    pub fn fill(&mut self, section: Section, offset: usize, contents: &[u8]) {
        assert!(
            offset + contents.len() <= section.bytes as usize,
            "what is filled in lies inside of its section"
        );
        let start = section.offset as usize + offset;
        self.bytes[start..start + contents.len()].copy_from_slice(contents);
    }

    /// Stores, at an offset in a section, how far behind another offset in it another section begins.
    ///
    /// # Errors
    /// If it does not fit into 32 bits.
    pub fn fill_distance(
        &mut self,
        section: Section,
        offset: usize,
        from: u32,
        to: Section,
    ) -> Result<()> {
        let distance = i32::try_from(to.offset as i64 - section.offset as i64 - i64::from(from));
        let distance = distance
            .map_err(|_| Error::Limit { message: "the file would exceed 2 GiB".to_string() })?;
        self.fill(section, offset, &self.header_endian().write_i32(distance));
        Ok(())
    }

    fn header_endian(&self) -> Endianness {
        self.encoder.endian()
    }

    /// Adds what every file ends with, and fills in the headers.
    pub fn finish(mut self, program_headers: &[ProgramHeader]) -> Vec<u8> {
        let name = self.names.add(".shstrtab");
        let names = std::mem::replace(&mut self.names, Strings::new());
        let shstrtab = self.add("", self.encoder.strtab_section_header(), &names.bytes);
        self.sections[shstrtab.index as usize].sh_name = name;

        self.align(self.encoder.address_size());
        let layout = FileHeaderLayout {
            e_phoff: if program_headers.is_empty() { 0 } else { self.encoder.file_header_size() },
            segment_num: program_headers.len() as u32,
            e_shoff: self.bytes.len() as u64,
            section_num: self.sections.len() as u32,
            shstrtab_index: shstrtab.index,
        };
        self.encoder.null_section_header(&mut self.bytes, &layout);
        for section in &self.sections[1..] {
            self.encoder.section_header(&mut self.bytes, section);
        }
        let mut headers = Vec::new();
        self.encoder
            .file_header(&mut headers, &self.header, &layout)
            .expect("a file has few segments and sections");
        for header in program_headers {
            self.encoder.program_header(&mut headers, header);
        }
        self.bytes[..headers.len()].copy_from_slice(&headers);
        self.bytes
    }
}

/// A section whose contents nothing but the file's user understands.
pub fn plain(
    sh_type: SectionType,
    sh_flags: elf::SectionFlags,
    sh_addralign: u64,
) -> SectionHeader {
    SectionHeader { sh_type, sh_flags, sh_addralign, ..SectionHeader::default() }
}

/// A table of strings: each followed by NUL, the first one empty.
#[derive(Clone)]
pub struct Strings {
    /// The table.
    pub bytes: Vec<u8>,
}

impl Strings {
    /// A table with nothing but the empty string.
    pub fn new() -> Strings {
        Strings { bytes: vec![0] }
    }

    /// Adds a string, and returns its offset.
    pub fn add(&mut self, string: &str) -> u32 {
        assert!(!string.contains('\0'), "names of symbols are made without NUL");
        let offset = self.bytes.len() as u32;
        self.bytes.extend(string.as_bytes());
        self.bytes.push(0);
        offset
    }
}

/// A symbol table in the making: local symbols first.
pub struct Symbols {
    encoder: Encoder<Endianness>,
    bytes: Vec<u8>,
    strings: Strings,
    count: u32,
    local: u32,
}

/// A symbol to add.
pub struct NewSymbol<'a> {
    /// Its name; empty for symbols that stand for a section.
    pub name: &'a str,
    /// Whether other files see it.
    pub binding: elf::SymbolBind,
    /// What kind of thing it names.
    pub kind: elf::SymbolType,
    /// The section it is in.
    pub section: Section,
    /// Its address, or in objects its offset in the section.
    pub value: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Symbols {
    /// A table with nothing but the symbol that stands for none.
    pub fn new(file: &ElfFile) -> Symbols {
        let encoder = file.encoder();
        let mut bytes = Vec::new();
        encoder.null_symbol(&mut bytes);
        Symbols { encoder, bytes, strings: Strings::new(), count: 1, local: 1 }
    }

    /// Adds a symbol, and returns its index.
    pub fn add(&mut self, symbol: &NewSymbol<'_>) -> u32 {
        let index = self.count;
        self.count += 1;
        if symbol.binding == elf::STB_LOCAL {
            assert_eq!(index, self.local, "local symbols come first");
            self.local += 1;
        }
        let st_name = if symbol.name.is_empty() { 0 } else { self.strings.add(symbol.name) };
        let symbol = Sym {
            section: Some(symbol.section.index),
            st_name,
            st_info: elf::SymbolInfo::new(symbol.binding, symbol.kind),
            st_other: elf::SymbolOther::default(),
            st_shndx: elf::SymbolSection::default(),
            st_value: symbol.value,
            st_size: symbol.bytes,
        };
        self.encoder.symbol(&mut self.bytes, &symbol);
        index
    }

    /// Adds the table and its strings to the file.
    pub fn write(&self, file: &mut ElfFile) -> Section {
        let table =
            file.add(".symtab", self.encoder.symtab_section_header(0, self.local), &self.bytes);
        let strings =
            file.add(".strtab", self.encoder.strtab_section_header(), &self.strings.bytes);
        file.link(table, strings);
        table
    }
}
