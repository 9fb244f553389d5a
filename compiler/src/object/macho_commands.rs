//! The header of a library for macOS, and its load commands: what is mapped where, and where in the file the rest is. And those of
//! the file with its debug information.
//!
//! In: segments and their sections, placed or not yet, and what the last segment contains. Out: bytes, as many whether the
//! numbers are known yet or not.

use object::write::macho::{
    BuildVersionCommand, DyldInfoCommand, DylibCommand, DysymtabCommand, Encoder, MachHeader,
    SectionHeader, SegmentCommand, SymtabCommand,
};
use object::{LittleEndian, macho};

use super::macho::{DWARF, Machine, dwarf_name};

/// What programs that are linked with the library look for when they start. Nobody knows yet what the file will be called;
/// `install_name_tool -id` changes it.
const INSTALL_NAME: &str = "@rpath/module.dylib";

/// What signatures call it.
pub const NAME: &str = "module.dylib";

/// How many bytes a symbol has.
const SYMBOL_BYTES: u32 = 16;

/// The library of the system's that everything has to name, whether it uses it or not.
const SYSTEM_LIBRARY: &str = "/usr/lib/libSystem.B.dylib";

/// A part of the file that is mapped as a whole.
#[derive(Clone)]
pub struct Segment {
    /// Its name.
    pub name: &'static str,
    /// What may be done with it once it is mapped.
    pub protection: macho::VmProt,
    /// What it consists of; at least one section, but for the last segment.
    pub sections: Vec<Section>,
    /// Where it begins in memory.
    pub start: u64,
    /// Where it begins in the file. In libraries that is the same.
    pub file_start: u64,
    /// How many bytes of the file it has.
    pub file_bytes: u64,
    /// How many bytes of memory it has.
    pub memory_bytes: u64,
}

/// A section of a segment.
#[derive(Clone)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// What it contains.
    pub flags: macho::SectionFlags,
    /// Its place is a multiple of this power of two.
    pub alignment: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// Where it begins in memory. In the file it is as far behind its segment's beginning, if that has contents there.
    pub start: u64,
}

/// A run of bytes in the last segment.
#[derive(Clone, Copy, Default)]
pub struct Part {
    /// Where in the file it begins.
    pub start: u32,
    /// How many bytes it has.
    pub bytes: u32,
}

/// What the last segment contains.
#[derive(Default)]
pub struct LinkEdit {
    /// The tree of exports.
    pub exports: Part,
    /// Where functions begin.
    pub function_starts: Part,
    /// The symbols: local ones, and one that is exported.
    pub symbols: Part,
    /// How many local symbols there are.
    pub local_symbols: u32,
    /// The names of symbols.
    pub strings: Part,
    /// The signature, if there is one.
    pub signature: Part,
}

/// The header and all load commands. `identity` tells this file from all others.
pub fn header(
    machine: &Machine,
    segments: &[Segment],
    contents: &LinkEdit,
    identity: [u8; 16],
) -> Vec<u8> {
    let encoder = Encoder::new(LittleEndian, true);
    let mut commands = Vec::new();
    let mut count = 0;
    let mut add = |write: &dyn Fn(&mut Vec<u8>)| {
        write(&mut commands);
        count += 1;
    };
    for segment in segments {
        add(&|to| write_segment(encoder, to, segment));
    }
    let library = |cmd, name: &'static str, timestamp| DylibCommand {
        cmd,
        name: name.as_bytes(),
        // What linkers write instead of a time: one number for the library itself, one for those that it needs.
        timestamp,
        current_version: macho::Version(1 << 16),
        compatibility_version: macho::Version(1 << 16),
    };
    add(&|to| encoder.dylib_command(to, &library(macho::LC_ID_DYLIB, INSTALL_NAME, 1)));
    let dyld_info = DyldInfoCommand {
        rebase_off: 0,
        rebase_size: 0,
        bind_off: 0,
        bind_size: 0,
        weak_bind_off: 0,
        weak_bind_size: 0,
        lazy_bind_off: 0,
        lazy_bind_size: 0,
        export_off: contents.exports.start,
        export_size: contents.exports.bytes,
    };
    add(&|to| encoder.dyld_info_command(to, macho::LC_DYLD_INFO_ONLY, &dyld_info));
    let symtab = SymtabCommand {
        symoff: contents.symbols.start,
        nsyms: contents.local_symbols + 1,
        stroff: contents.strings.start,
        strsize: contents.strings.bytes,
    };
    add(&|to| encoder.symtab_command(to, &symtab));
    add(&|to| encoder.dysymtab_command(to, &kinds_of_symbols(contents.local_symbols)));
    add(&|to| encoder.load_command(to, macho::LC_UUID, &identity));
    add(&|to| write_oldest_system(encoder, to, machine));
    add(&|to| encoder.dylib_command(to, &library(macho::LC_LOAD_DYLIB, SYSTEM_LIBRARY, 2)));
    let mut add_part = |cmd, part: Part| {
        add(&|to| encoder.linkedit_data_command(to, cmd, part.start, part.bytes));
    };
    add_part(macho::LC_FUNCTION_STARTS, contents.function_starts);
    if machine.is_signed {
        add_part(macho::LC_CODE_SIGNATURE, contents.signature);
    }

    let header = MachHeader {
        cputype: machine.cpu,
        cpusubtype: machine.cpu_kind,
        filetype: macho::MH_DYLIB,
        ncmds: count,
        sizeofcmds: commands.len() as u32,
        flags: macho::MH_NOUNDEFS
            | macho::MH_DYLDLINK
            | macho::MH_TWOLEVEL
            | macho::MH_NO_REEXPORTED_DYLIBS,
    };
    let mut bytes = Vec::new();
    encoder.mach_header(&mut bytes, &header);
    bytes.extend(commands);
    bytes
}

/// The header and all load commands of a file with a library's debug information. `identity` is the library's.
pub fn debug_header(
    machine: &Machine,
    segments: &[Segment],
    symbols: Part,
    strings: Part,
    identity: [u8; 16],
) -> Vec<u8> {
    let encoder = Encoder::new(LittleEndian, true);
    let mut commands = Vec::new();
    encoder.load_command(&mut commands, macho::LC_UUID, &identity);
    write_oldest_system(encoder, &mut commands, machine);
    let symtab = SymtabCommand {
        symoff: symbols.start,
        nsyms: symbols.bytes / SYMBOL_BYTES,
        stroff: strings.start,
        strsize: strings.bytes,
    };
    encoder.symtab_command(&mut commands, &symtab);
    for segment in segments {
        write_segment(encoder, &mut commands, segment);
    }
    let header = MachHeader {
        cputype: machine.cpu,
        cpusubtype: machine.cpu_kind,
        filetype: macho::MH_DSYM,
        ncmds: 3 + segments.len() as u32,
        sizeofcmds: commands.len() as u32,
        flags: macho::FileFlags(0),
    };
    let mut bytes = Vec::new();
    encoder.mach_header(&mut bytes, &header);
    bytes.extend(commands);
    bytes
}

/// The segment with debug information: sections by their names in ELF files, and their sizes. Where it is comes later.
pub fn dwarf_segment<'a>(sections: impl Iterator<Item = (&'a str, usize)>) -> Segment {
    let mut segment = Segment::new(DWARF, macho::VM_PROT_READ);
    for (name, bytes) in sections {
        let flags = macho::S_REGULAR.to_flags().with(macho::S_ATTR_DEBUG);
        segment.add(&dwarf_name(name), flags, 1, bytes);
    }
    segment
}

impl Segment {
    /// A segment that is empty.
    pub fn new(name: &'static str, protection: macho::VmProt) -> Segment {
        let (start, file_start, file_bytes, memory_bytes) = (0, 0, 0, 0);
        let sections = Vec::new();
        Segment { name, protection, sections, start, file_start, file_bytes, memory_bytes }
    }

    /// Adds a section, unless it is empty. Where it is comes later.
    pub fn add(
        &mut self,
        name: &str,
        flags: macho::SectionFlags,
        alignment: u64,
        bytes: usize,
    ) -> Option<usize> {
        if bytes == 0 {
            return None;
        }
        let (name, bytes) = (name.to_string(), bytes as u64);
        self.sections.push(Section { name, flags, alignment, bytes, start: 0 });
        Some(self.sections.len() - 1)
    }
}

fn write_segment(encoder: Encoder<LittleEndian>, to: &mut Vec<u8>, segment: &Segment) {
    let command = SegmentCommand {
        segname: padded(segment.name),
        vmaddr: segment.start,
        vmsize: segment.memory_bytes,
        fileoff: segment.file_start,
        filesize: segment.file_bytes,
        // Nobody may ask for more later.
        maxprot: segment.protection,
        initprot: segment.protection,
        nsects: segment.sections.len() as u32,
        flags: macho::SegmentFlags(0),
    };
    encoder.segment_command(to, &command);
    for section in &segment.sections {
        let header = SectionHeader {
            sectname: padded(&section.name),
            segname: padded(segment.name),
            addr: section.start,
            size: section.bytes,
            offset: match segment.file_bytes {
                0 => 0,
                _ => (segment.file_start + (section.start - segment.start)) as u32,
            },
            align: section.alignment.ilog2(),
            reloff: 0,
            nreloc: 0,
            flags: section.flags,
            reserved1: 0,
            reserved2: 0,
            reserved3: 0,
        };
        encoder.section_header(to, &header);
    }
}

/// Local symbols, then the descriptor's, and none that is defined elsewhere.
fn kinds_of_symbols(local_symbols: u32) -> DysymtabCommand {
    DysymtabCommand {
        ilocalsym: 0,
        nlocalsym: local_symbols,
        iextdefsym: local_symbols,
        nextdefsym: 1,
        iundefsym: local_symbols + 1,
        nundefsym: 0,
        tocoff: 0,
        ntoc: 0,
        modtaboff: 0,
        nmodtab: 0,
        extrefsymoff: 0,
        nextrefsyms: 0,
        indirectsymoff: 0,
        nindirectsyms: 0,
        extreloff: 0,
        nextrel: 0,
        locreloff: 0,
        nlocrel: 0,
    }
}

fn write_oldest_system(encoder: Encoder<LittleEndian>, to: &mut Vec<u8>, machine: &Machine) {
    let oldest = machine.oldest_system;
    if machine.oldest_system_command == macho::LC_BUILD_VERSION {
        let version = BuildVersionCommand {
            platform: macho::PLATFORM_MACOS,
            minos: oldest,
            sdk: oldest,
            ntools: 0,
        };
        encoder.build_version_command(to, &version);
    } else {
        // The system, and the headers that it was compiled with.
        let version = [oldest.0.to_le_bytes(), oldest.0.to_le_bytes()].concat();
        encoder.load_command(to, machine.oldest_system_command, &version);
    }
}

/// A name as segments and sections have it.
fn padded(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}
