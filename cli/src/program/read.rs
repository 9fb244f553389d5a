//! A program to the artifact that it carries.
//!
//! In: an open file, which is mapped, so that only what is looked at is read; or the bytes of a file that may be anything.
//! Out: what it [carries](Carried), or for which [`Machine`] it is.

use std::fmt;
use std::fs::File;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use wootz_runtime::vm::mmap::Mapping;

use super::{MODULE_SECTION, SETTINGS_SECTION, Settings};

/// What a program carries.
pub struct Carried {
    program: Mapping,
    artifact: Range<usize>,
    /// How to run it.
    pub settings: Settings,
}

impl Carried {
    /// What an open program carries; `None` if that is nothing. Nobody changes the file meanwhile: systems refuse that as long
    /// as the program runs.
    ///
    /// # Errors
    /// If it cannot be read, or is damaged.
    pub fn by(program: &File) -> Result<Option<Carried>> {
        let bytes = usize::try_from(program.metadata()?.len())?;
        let program = Mapping::of_file(program, bytes)?;
        let all = contents(&program);
        let Some([artifact, settings]) = sections(all).context("its headers are damaged")? else {
            return Ok(None);
        };
        let inside = |name, (start, size): (u64, u64)| {
            let range = start as usize..start.saturating_add(size) as usize;
            ensure!(
                all.get(range.clone()).is_some(),
                "its section `{name}` has {size} bytes from {start} on, and the file has only {bytes}"
            );
            Ok(range)
        };
        let settings = Settings::from_bytes(&all[inside(SETTINGS_SECTION, settings)?])
            .with_context(|| format!("the settings in its section `{SETTINGS_SECTION}`"))?;
        let artifact = inside(MODULE_SECTION, artifact)?;
        Ok(Some(Carried { program, artifact, settings }))
    }

    /// The bytes of a shared library.
    pub fn artifact(&self) -> &[u8] {
        &contents(&self.program)[self.artifact.clone()]
    }
}

/// The artifact that a program carries, if the bytes are those of one.
pub fn artifact(program: &[u8]) -> Option<&[u8]> {
    let [(start, size), _] = sections(program).ok()??;
    program.get(usize::try_from(start).ok()?..)?.get(..usize::try_from(size).ok()?)
}

#[allow(unsafe_code)]
fn contents(program: &Mapping) -> &[u8] {
    // SAFETY: the file is mapped as long as this is borrowed, and nobody changes it, as a caller of `Carried::by` says.
    unsafe { program.contents() }
}

/// Where in the file the two sections begin, and how many bytes they have.
fn sections(program: &[u8]) -> Result<Option<[(u64, u64); 2]>> {
    let header = FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, program)?;
    let range = |name: &str| {
        let (_, section) = sections.section_by_name(endian, name.as_bytes())?;
        section.file_range(endian)
    };
    Ok(range(MODULE_SECTION).zip(range(SETTINGS_SECTION)).map(<[_; 2]>::from))
}

/// What a program is for: architecture and byte order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Machine {
    number: elf::Machine,
    is_little_endian: bool,
}

impl Machine {
    /// What a program or library is for.
    ///
    /// # Errors
    /// If it is not an ELF file of 64 bits, or is truncated.
    pub fn of(file: &[u8]) -> Result<Machine> {
        let format = match file {
            [0x7f, b'E', b'L', b'F', class, ..] if *class == elf::ELFCLASS64.0 => {
                let header = FileHeader64::<Endianness>::parse(file).context("it is truncated")?;
                let endian = header.endian()?;
                return Ok(Machine {
                    number: header.e_machine(endian),
                    is_little_endian: header.is_little_endian(),
                });
            }
            [0x7f, b'E', b'L', b'F', ..] => "an ELF file of 32 bits",
            [b'M', b'Z', ..] => "a Windows (PE) file",
            [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => "a macOS (Mach-O) file",
            [b'#', b'!', ..] => "a script",
            [] => "empty",
            _ => "no program of any kind",
        };
        bail!("it is {format}, and programs can be made only of ELF files of 64 bits, for Linux")
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.number {
            elf::EM_X86_64 => "x86_64",
            elf::EM_AARCH64 => "aarch64",
            elf::EM_RISCV => "riscv64",
            elf::EM_S390 => "s390x",
            elf::Machine(other) => return write!(f, "machine type {other}"),
        };
        f.write_str(name)
    }
}
