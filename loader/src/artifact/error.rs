//! What can be wrong with an artifact. Each message says what was found, what was expected, and what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;

use wootz_runtime::abi::ABI_VERSION;
use wootz_runtime::abi::artifact::MetadataError;

/// Why a file or bytes could not be loaded as a module. `Error::downcast_ref` finds it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The file cannot be read.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is WebAssembly, which must be compiled first.
    Wasm,
    /// It is something else altogether.
    NotANativeFile {
        /// What it seems to be.
        found: String,
    },
    /// It ends too early.
    Truncated {
        /// What lies beyond the end, in whole or in part.
        part: &'static str,
        /// How many bytes the file would need to have.
        expected_bytes: u64,
        /// How many it has.
        found_bytes: u64,
    },
    /// It is for another kind of machine or operating system.
    OtherTarget {
        /// In which respect.
        what: &'static str,
        /// What the file is for.
        found: String,
        /// What this host is.
        expected: String,
    },
    /// It is a relocatable object, which must be linked first.
    RelocatableObject,
    /// It is a program or core file.
    NotALibrary {
        /// What it is.
        found: &'static str,
    },
    /// It is a shared library without the descriptor of a module.
    NoDescriptor,
    /// It was compiled for another version of the binary interface.
    AbiVersion {
        /// The version it was compiled for.
        found: u32,
        /// The version of this loader.
        expected: u32,
    },
    /// It contradicts itself.
    Corrupted {
        /// What is wrong.
        part: &'static str,
    },
    /// Its code uses a feature that this processor does not have.
    CpuFeature {
        /// The feature, by the compiler's name.
        name: String,
    },
    /// It was compiled with a setting that does not fit the engine's.
    Setting {
        /// The setting.
        name: String,
        /// Whether it is on in the artifact.
        artifact: bool,
        /// Whether it is on in the engine.
        engine: bool,
    },
    /// Its code relies on more address space around memories than the engine gives them.
    AddressSpace {
        /// The method of [`Config`](crate::Config): `memory_reservation` or `memory_guard_size`.
        setting: &'static str,
        /// How many bytes the artifact needs.
        artifact_bytes: u64,
        /// How many bytes the engine is set to.
        engine_bytes: u64,
    },
    /// The memory that it shall be used in does not begin with a page.
    Misaligned {
        /// Where it begins.
        address: usize,
        /// The size of pages, in bytes.
        page_bytes: usize,
    },
    /// It cannot be used where it is, because its parts must be put together in memory first.
    NotInPlace {
        /// Which part is not where it must be.
        part: &'static str,
    },
    /// The operating system refused to load it.
    Refused {
        /// In its words.
        message: String,
    },
}

impl ArtifactError {
    pub(super) fn from_metadata(error: MetadataError) -> ArtifactError {
        match error {
            MetadataError::NotADescriptor => ArtifactError::Corrupted { part: "descriptor" },
            MetadataError::AbiVersion { found } => {
                ArtifactError::AbiVersion { found, expected: ABI_VERSION }
            }
            MetadataError::Corrupted { part } => ArtifactError::Corrupted { part },
        }
    }
}

impl fmt::Display for ArtifactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArtifactError::Io { path, error } => write!(f, "cannot read `{}`: {error}", path.display()),
            ArtifactError::Wasm => f.write_str(
                "this is a WebAssembly module, not a compiled one: compile it with `wootz compile`, or use `Module::new`",
            ),
            ArtifactError::NotANativeFile { found } => {
                write!(f, "not a compiled module: found {found}, expected a shared library made by `wootz compile`")
            }
            ArtifactError::Truncated { part, expected_bytes, found_bytes } => write!(
                f,
                "the file is truncated: its {part} would end at byte {expected_bytes}, but it has only {found_bytes} bytes; \
                 copy or compile it again"
            ),
            ArtifactError::OtherTarget { what, found, expected } => write!(
                f,
                "the module was compiled for another {what}: found {found}, this host is {expected}; compile it again with \
                 `--target` for this host"
            ),
            ArtifactError::RelocatableObject => f.write_str(
                "this is a relocatable object, expected a shared library: link it into a program, or compile with \
                 `--emit shared`",
            ),
            ArtifactError::NotALibrary { found } => {
                write!(f, "not a compiled module: found {found}, expected a shared library made by `wootz compile`")
            }
            ArtifactError::NoDescriptor => f.write_str(
                "this is a shared library, but not a compiled module: it has no symbol `wootz_module`; compile the module \
                 with `wootz compile`",
            ),
            ArtifactError::AbiVersion { found, expected } => write!(
                f,
                "the module was compiled for version {found} of the binary interface, this loader has version {expected}; \
                 compile it again with a matching version of Wootz"
            ),
            ArtifactError::Corrupted { part } => {
                write!(f, "the compiled module is corrupted: its {part} cannot be right; copy or compile it again")
            }
            ArtifactError::CpuFeature { name } => write!(
                f,
                "the module uses the CPU feature `{name}`, which this processor does not have; compile it again for an older \
                 CPU, for instance with `--target-cpu baseline`"
            ),
            ArtifactError::Setting { name, artifact, engine } => {
                let word = |on: &bool| if *on { "on" } else { "off" };
                write!(
                    f,
                    "the setting `{name}` is {} in the compiled module and {} in this engine; compile it again or change \
                     `Config`",
                    word(artifact),
                    word(engine)
                )
            }
            ArtifactError::AddressSpace { setting, artifact_bytes, engine_bytes } => write!(
                f,
                "the module was compiled for memories with a `{setting}` of {artifact_bytes} bytes, this engine has \
                 {engine_bytes}; compile it again with the engine's, or raise `Config::{setting}`"
            ),
            ArtifactError::Misaligned { address, page_bytes } => write!(
                f,
                "the memory at {address:#x} does not begin with a page: align it to {page_bytes} bytes, or use \
                 `Module::deserialize`, which copies"
            ),
            ArtifactError::NotInPlace { part } => write!(
                f,
                "the module cannot be used where it is, because in the file its {part} lies elsewhere than in memory: was it \
                 linked or changed? use `Module::deserialize`, which copies"
            ),
            ArtifactError::Refused { message } => write!(f, "the operating system did not load it: {message}"),
        }
    }
}

impl std::error::Error for ArtifactError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ArtifactError::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
