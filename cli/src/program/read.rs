//! A program to the artifact that it carries.
//!
//! In: an open file, of which only headers and two sections are read; or the bytes of a file that may be anything. Out: what
//! it [carries](Carried), or for which [`Machine`] it is.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result, bail, ensure};
use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::ReadCache;
use object::read::elf::{FileHeader, SectionHeader};

use super::{MODULE_SECTION, SETTINGS_SECTION, Settings};

/// What a program carries.
pub struct Carried {
    /// The bytes of a shared library.
    pub artifact: Vec<u8>,
    /// How to run it.
    pub settings: Settings,
}

impl Carried {
    /// What an open program carries; `None` if that is nothing.
    ///
    /// # Errors
    /// If it cannot be read, or is damaged.
    pub fn by(program: File) -> Result<Option<Carried>> {
        let headers = ReadCache::new(program);
        let Some([module, settings]) = sections(&headers).context("its headers are damaged")?
        else {
            return Ok(None);
        };
        let mut program = headers.into_inner();
        let mut contents = |name, range| {
            contents(&mut program, range).with_context(|| format!("its section `{name}`"))
        };
        let settings = contents(SETTINGS_SECTION, settings)?;
        let settings = Settings::from_bytes(&settings)
            .with_context(|| format!("the settings in its section `{SETTINGS_SECTION}`"))?;
        Ok(Some(Carried { artifact: contents(MODULE_SECTION, module)?, settings }))
    }
}

/// Where in the file the two sections begin, and how many bytes they have.
fn sections(program: &ReadCache<File>) -> Result<Option<[(u64, u64); 2]>> {
    let header = FileHeader64::<Endianness>::parse(program)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, program)?;
    let range = |name: &str| {
        let (_, section) = sections.section_by_name(endian, name.as_bytes())?;
        section.file_range(endian)
    };
    Ok(range(MODULE_SECTION).zip(range(SETTINGS_SECTION)).map(<[_; 2]>::from))
}

fn contents(program: &mut File, (start, size): (u64, u64)) -> Result<Vec<u8>> {
    let end = start.checked_add(size);
    let found = program.metadata()?.len();
    ensure!(
        end.is_some_and(|end| end <= found),
        "it is {size} bytes from {start} on, and the file has only {found}"
    );
    let mut bytes = vec![0; usize::try_from(size)?];
    program.seek(SeekFrom::Start(start))?;
    program.read_exact(&mut bytes)?;
    Ok(bytes)
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
