//! Everything to a file, by container format.
//!
//! In: a module whose parts are bytes already: code that is position independent and needs no relocation, metadata,
//! images of memories. Out: the bytes of one native file, as the operating system's loader or linker wants them.
//!
//! Always true: the same contents give the same bytes. The file names nothing that it does not define, has one global
//! symbol (the descriptor; in objects also those of exports). Nothing of it is writable but a cell: with debug information the one
//! for the running instance, otherwise the one for traps, if code looks there. No byte is both writable and executable.

use cranelift_codegen::gimli::write::CommonInformationEntry;
use target_lexicon::{BinaryFormat, Triple};

use crate::codegen::Unwind;
use crate::debug::Sections;
use crate::error::{Error, Result};
use crate::link::Symbol;

/// Notes that travel in the file: which build it is, and which version of the binary interface it has.
mod notes;
/// Unwind information to `.eh_frame`, and a table to search it.
mod unwind;
/// Sections of DWARF, with the numbers in them that depend on where something is.
mod dwarf;
/// Which unit of debug information is about which code.
mod aranges;
/// ELF for a machine: its numbers, and a file that grows section by section.
mod elf;
/// A finished shared library.
mod elf_shared;
/// A relocatable object for systems with ELF.
mod elf_object;
/// What the prologue of one function does, to what Windows reads.
mod prologue;
/// Unwind information of all functions to what Windows reads.
mod function_table;
/// A finished shared library for Windows.
mod pe_shared;
/// A relocatable object for Windows.
mod coff;
/// Mach-O for a machine: its numbers, and the names of what all files have.
mod macho;
/// The header and load commands of a library for macOS.
mod macho_commands;
/// Where macOS finds unwind information.
mod macho_unwind;
/// What macOS on AArch64 wants to see before it runs a file.
mod macho_signature;
/// The debug information of a library for macOS in a file of its own.
mod macho_dsym;
/// A finished shared library for macOS.
mod macho_shared;
/// A relocatable object for macOS.
mod macho_object;
/// A static library: an archive with one object.
mod archive;
#[cfg(test)]
mod tests;

/// The parts of a module.
pub struct Contents<'a> {
    /// What the file is for.
    pub triple: &'a Triple,
    /// The code of all functions and trampolines. Position independent, without relocations; wants to begin at a
    /// multiple of 64 bytes.
    pub text: &'a [u8],
    /// The metadata, which begins with the descriptor. The descriptor's distances to code and images are still 0; they
    /// stay 0 if there is no code, or no image.
    pub metadata: Vec<u8>,
    /// The images of memories, one behind the other; may be empty. Aligned in the file, and when mapped, to
    /// [`image_alignment`](wootz_runtime::abi::artifact::image_alignment).
    pub image: &'a [u8],
    /// What debuggers and profilers call each part of the code. Other files see the global ones, which only objects have.
    pub symbols: &'a [Symbol],
    /// How to unwind through each function, by ascending offset in the code.
    pub unwind: &'a [(u32, Unwind)],
    /// What all unwind information of the target has in common; needed if there is any.
    pub cie: Option<CommonInformationEntry>,
    /// The symbol at the beginning of the metadata.
    pub descriptor_symbol: &'a str,
    /// What debuggers read, if anything. Then there is a cell for the running instance, too.
    pub debug: Option<&'a Sections>,
    /// Where the code has the distance, from behind these four bytes, to the cell that says where traps go: then there is one. Only
    /// in ELF, and not with debug information.
    pub trap_cell: Option<u32>,
    /// The name of the file that shall have it, if not this one.
    pub separate: Option<&'a str>,
}

/// What was written.
pub struct Files {
    /// The file.
    pub file: Vec<u8>,
    /// The file with its debug information, if that is separate.
    pub debug_file: Option<Vec<u8>>,
}

/// What kind of file to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Container {
    /// A relocatable object, for a linker.
    Object,
    /// An archive with one relocatable object, for a linker too.
    Archive,
    /// A finished shared library, for the operating system's loader.
    SharedLibrary,
}

/// Checks that files can be written for a target.
///
/// # Errors
/// If they cannot be yet.
pub fn check(triple: &Triple) -> Result<()> {
    match triple.binary_format {
        BinaryFormat::Elf => elf::machine(triple).map(drop),
        _ => Ok(()),
    }
}

/// Checks that debug information can be in another file than the one that is written.
fn check_separate(triple: &Triple, container: Container) -> Result<()> {
    let message = match (container, triple.binary_format) {
        (Container::Object | Container::Archive, _) => {
            "debug information of objects cannot be separate: a linker makes the file, which can be split when it is there, by \
             `objcopy --only-keep-debug` for instance"
        }
        (_, BinaryFormat::Coff) => {
            "debug information for Windows cannot be separate: DWARF sections are in the DLL, where debuggers look for them"
        }
        _ => return Ok(()),
    };
    Err(Error::Options { message: message.to_string() })
}

/// The bytes of a file with these contents.
///
/// # Errors
/// If files for this target cannot be written yet, or if the file would exceed 2 GiB.
pub fn write(contents: Contents<'_>, container: Container) -> Result<Files> {
    let (triple, descriptor) = (contents.triple, contents.descriptor_symbol);
    check(triple)?;
    if contents.separate.is_some() {
        check_separate(triple, container)?;
    }
    if container == Container::Archive {
        let object = write(contents, Container::Object)?;
        return Ok(Files { file: archive::write(triple, descriptor, object.file)?, ..object });
    }
    let file = match (triple.binary_format, container) {
        (BinaryFormat::Elf, Container::SharedLibrary) => {
            return elf_shared::write(contents, elf::machine(triple)?);
        }
        (BinaryFormat::Elf, _) => elf_object::write(contents, elf::machine(triple)?),
        (BinaryFormat::Coff, Container::SharedLibrary) => pe_shared::write(contents),
        (BinaryFormat::Coff, _) => coff::write(contents),
        (BinaryFormat::Macho, Container::SharedLibrary) => {
            return macho_shared::write(contents, macho::machine(triple));
        }
        (BinaryFormat::Macho, _) => macho_object::write(contents, macho::machine(triple)),
        (format, _) => unreachable!("no target has {format:?}"),
    }?;
    Ok(Files { file, debug_file: None })
}
