//! Mach-O for a machine: its numbers, and the names of what all files have.

use object::macho;
use target_lexicon::{Architecture, Triple};

/// The section with all code.
pub const TEXT: &str = "__text";
/// The section with the metadata.
pub const METADATA: &str = "__wootz";
/// The section with the images of memories.
pub const IMAGE: &str = "__wootz_image";
/// The section with unwind information.
pub const EH_FRAME: &str = "__eh_frame";
/// How linkers and tools know it.
pub const EH_FRAME_FLAGS: macho::SectionFlags = macho::S_COALESCED
    .to_flags()
    .with(macho::S_ATTR_LIVE_SUPPORT)
    .with(macho::S_ATTR_NO_TOC)
    .with(macho::S_ATTR_STRIP_STATIC_SYMS);

/// What differs between Mach-O files of different machines.
#[derive(Clone, Copy)]
pub struct Machine {
    /// As the crate that writes objects calls it.
    pub architecture: object::Architecture,
    /// The oldest system that a file is for: the one that Rust's programs run on.
    pub oldest_system: macho::Version,
}

/// The machine that a target has.
pub fn machine(triple: &Triple) -> Machine {
    match triple.architecture {
        Architecture::Aarch64(_) => Machine {
            architecture: object::Architecture::Aarch64,
            oldest_system: version(11, 0),
        },
        _ => Machine {
            architecture: object::Architecture::X86_64,
            oldest_system: version(10, 12),
        },
    }
}

const fn version(major: u32, minor: u32) -> macho::Version {
    macho::Version(major << 16 | minor << 8)
}
