//! Mach-O for a machine: its numbers, and the names of what all files have.

use object::macho;
use target_lexicon::{Architecture, Triple};

/// The section with all code.
pub const TEXT: &str = "__text";
/// The section with the metadata.
pub const METADATA: &str = "__wootz";
/// The section with the images of memories.
pub const IMAGE: &str = "__wootz_image";
/// The segment with what is writable.
pub const DATA: &str = "__DATA";
/// The segment with debug information.
pub const DWARF: &str = "__DWARF";
/// The section with unwind information.
pub const EH_FRAME: &str = "__eh_frame";
/// How linkers and tools know it.
pub const EH_FRAME_FLAGS: macho::SectionFlags = macho::S_COALESCED
    .to_flags()
    .with(macho::S_ATTR_LIVE_SUPPORT)
    .with(macho::S_ATTR_NO_TOC)
    .with(macho::S_ATTR_STRIP_STATIC_SYMS);

/// What a section is called that is `.debug_...` in ELF files: as much of it as there is room for.
pub fn dwarf_name(name: &str) -> String {
    let mut name = name.replacen('.', "__", 1);
    name.truncate(16);
    name
}

/// What differs between Mach-O files of different machines.
#[derive(Clone, Copy)]
pub struct Machine {
    /// As the crate that writes objects calls it.
    pub architecture: object::Architecture,
    /// Its number.
    pub cpu: macho::CpuType,
    /// Which kind of it.
    pub cpu_kind: macho::CpuSubtype,
    /// The oldest system that a file is for: the one that Rust's programs run on.
    pub oldest_system: macho::Version,
    /// In which command that stands: those before 10.14 know another one than those since.
    pub oldest_system_command: macho::LoadCommandType,
    /// What `__unwind_info` has of a function, besides where to find it in `__eh_frame`, if it can be unwound by that.
    pub unwound_by_frames: u32,
    /// What the code of a library is aligned to: to pages, so that a file that was read into memory can be used there, unless
    /// the system would not allow that anyway.
    pub text_alignment: u64,
    /// Whether the system maps nothing that is not signed.
    pub is_signed: bool,
}

/// The machine that a target has.
pub fn machine(triple: &Triple) -> Machine {
    match triple.architecture {
        Architecture::Aarch64(_) => Machine {
            architecture: object::Architecture::Aarch64,
            cpu: macho::CPU_TYPE_ARM64,
            cpu_kind: macho::CPU_SUBTYPE_ARM64_ALL.into(),
            oldest_system: version(11, 0),
            oldest_system_command: macho::LC_BUILD_VERSION,
            unwound_by_frames: 0x0300_0000,
            text_alignment: 64,
            is_signed: true,
        },
        _ => Machine {
            architecture: object::Architecture::X86_64,
            cpu: macho::CPU_TYPE_X86_64,
            cpu_kind: macho::CPU_SUBTYPE_X86_64_ALL.into(),
            oldest_system: version(10, 12),
            oldest_system_command: macho::LC_VERSION_MIN_MACOSX,
            unwound_by_frames: 0x0400_0000,
            text_alignment: 0x1000,
            is_signed: false,
        },
    }
}

const fn version(major: u32, minor: u32) -> macho::Version {
    macho::Version(major << 16 | minor << 8)
}
