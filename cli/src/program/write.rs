//! A runner and an artifact to a program.
//!
//! ```text
//!   ┌────────────────────────────────┐ 0
//!   │ of the runner: what is mapped  │ as it was, but for the places of tables in its header
//!   ├────────────────────────────────┤ multiple of the largest page
//!   │ .wootz.module                  │ the artifact
//!   │ .wootz.run                     │ settings, in JSON
//!   │ .shstrtab                      │ names of sections
//!   │ section headers                │ those of what is mapped, and of these three
//!   └────────────────────────────────┘
//! ```
//!
//! The runner's symbols and debug information are left out: they are thirty times as large as the rest, and all the same in
//! every program.
//!
//! Always true: nothing moves that the system maps, so that a program starts if its runner does; and the same runner,
//! artifact and settings give the same bytes.

use anyhow::{Context, Result, bail, ensure};
use object::Endianness;
use object::elf::{self, FileHeader64, SectionHeader64};
use object::endian::{U16, U32, U64};
use object::pod::{bytes_of, bytes_of_slice};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};

use super::{MODULE_SECTION, Machine, SETTINGS_SECTION, Settings, runner_mark};

/// What the artifact is aligned to: the largest pages that there are, so that any system could map it.
const PAGE_BYTES: usize = 64 << 10;

/// What section headers are aligned to.
const HEADER_ALIGNMENT: usize = 8;

/// The bytes of a program.
///
/// # Errors
/// If the runner is anything else than a complete ELF program without a module, or the artifact is of another format or for
/// another machine.
pub fn write(runner: &[u8], artifact: &[u8], settings: &Settings) -> Result<Vec<u8>> {
    let machine = Machine::of(runner)?;
    let parts = Parts::of(runner).context("it is damaged")?;
    ensure!(parts.header.e_entry(parts.endian) != 0, "it is a library or an object, not a program");
    let wanted = Machine::of(artifact).context("it cannot carry the compiled module")?;
    ensure!(
        machine == wanted,
        "it is for {machine}, and the module was compiled for {wanted}: `--runner FILE` names one for that"
    );
    ensure!(
        parts.sections.section_by_name(parts.endian, MODULE_SECTION.as_bytes()).is_none(),
        "it carries a module already: a program, not a runner"
    );
    let mapped = &runner[..parts.end(&parts.mapped()?)?];
    let mark = runner_mark();
    ensure!(
        mapped.windows(mark.len()).any(|window| window == mark.as_bytes()),
        "it is not a runner that this release of `wootz` can use: it does not contain the words \"{mark}\""
    );
    parts.with(artifact, &settings.to_bytes())
}

/// The parts of a runner.
struct Parts<'a> {
    bytes: &'a [u8],
    endian: Endianness,
    header: &'a FileHeader64<Endianness>,
    sections: SectionTable<'a, FileHeader64<Endianness>>,
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Result<Parts<'a>> {
        let header = FileHeader64::<Endianness>::parse(bytes)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, bytes)?;
        Ok(Parts { bytes, endian, header, sections })
    }

    /// The headers of sections that are mapped. Linkers put them before all others, so they keep their positions, by which
    /// they refer to each other.
    fn mapped(&self) -> Result<Vec<SectionHeader64<Endianness>>> {
        let is_mapped = |section: &&SectionHeader64<_>| {
            section.sh_flags.get(self.endian).contains(elf::SHF_ALLOC)
        };
        let (null, rest) = match self.sections.iter().as_slice() {
            [null, rest @ ..] => (null, rest),
            [] => bail!("it has no section headers"),
        };
        let count = rest.iter().take_while(is_mapped).count();
        let (mapped, others) = rest.split_at(count);
        let refers_further =
            |section: &SectionHeader64<_>| section.sh_link.get(self.endian) as usize > count;
        ensure!(
            others.iter().find(is_mapped).is_none() && !mapped.iter().any(refers_further),
            "its sections are in an order that no linker gives them"
        );
        Ok([null].into_iter().chain(mapped).copied().collect())
    }

    /// Where everything ends that is mapped, and the headers that say what is.
    fn end(&self, mapped: &[SectionHeader64<Endianness>]) -> Result<usize> {
        let segments = self.header.program_headers(self.endian, self.bytes)?;
        let header = (0, u64::from(self.header.e_ehsize(self.endian)));
        let table = (self.header.e_phoff(self.endian), size_of_val(segments) as u64);
        let segments = segments.iter().map(|segment| segment.file_range(self.endian));
        let sections = mapped.iter().filter_map(|section| section.file_range(self.endian));
        let ranges = [header, table].into_iter().chain(segments).chain(sections);
        let end = ranges.map(|(start, size)| start.saturating_add(size)).max();
        let end = end.and_then(|end| usize::try_from(end).ok());
        end.filter(|&end| end <= self.bytes.len()).context("it is truncated")
    }

    /// The runner with two sections more.
    fn with(&self, artifact: &[u8], settings: &[u8]) -> Result<Vec<u8>> {
        let endian = self.endian;
        let mut headers = self.mapped()?;
        let mut bytes = self.bytes[..self.end(&headers)?].to_vec();
        let mut names = vec![0];
        for header in &mut headers[1..] {
            let name = self.sections.section_name(endian, header)?;
            header.sh_name.set(endian, add_name(&mut names, name));
        }
        let mut add = |name: &str, ty, contents: Option<&[u8]>, alignment| {
            let sh_name = add_name(&mut names, name.as_bytes());
            let contents = contents.unwrap_or(&names);
            bytes.resize(bytes.len().next_multiple_of(alignment), 0);
            headers.push(SectionHeader64 {
                sh_name: U32::new(endian, sh_name),
                sh_type: U32::new(endian, ty),
                sh_flags: U64::new(endian, elf::SectionFlags(0)),
                sh_addr: U64::new(endian, 0),
                sh_offset: U64::new(endian, bytes.len() as u64),
                sh_size: U64::new(endian, contents.len() as u64),
                sh_link: U32::new(endian, 0),
                sh_info: U32::new(endian, 0),
                sh_addralign: U64::new(endian, alignment as u64),
                sh_entsize: U64::new(endian, 0),
            });
            bytes.extend(contents);
        };
        add(MODULE_SECTION, elf::SHT_PROGBITS, Some(artifact), PAGE_BYTES);
        add(SETTINGS_SECTION, elf::SHT_PROGBITS, Some(settings), 1);
        // The names are complete with its own.
        add(".shstrtab", elf::SHT_STRTAB, None, 1);

        bytes.resize(bytes.len().next_multiple_of(HEADER_ALIGNMENT), 0);
        let mut header = *self.header;
        header.e_shoff = U64::new(endian, bytes.len() as u64);
        header.e_shnum = U16::new(endian, headers.len() as u16);
        header.e_shstrndx = U16::new(endian, elf::SymbolSection(headers.len() as u16 - 1));
        bytes.extend(bytes_of_slice(&headers));
        let header = bytes_of(&header);
        bytes[..header.len()].copy_from_slice(header);
        Ok(bytes)
    }
}

/// Adds a name to a table of names, and returns where it begins.
fn add_name(names: &mut Vec<u8>, name: &[u8]) -> u32 {
    let start = names.len() as u32;
    names.extend(name);
    names.push(0);
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library, which is as good as a program for this, with an entry and the words that make it a runner.
    fn runner() -> Vec<u8> {
        let text = format!(
            "(module (memory 1) (data (i32.const 0) {:?}) (func (export \"f\")))",
            runner_mark()
        );
        let options = wootz_compiler::Options::default();
        let mut bytes = wootz_compiler::compile(&wat::parse_str(text).unwrap(), &options).unwrap();
        const E_ENTRY: usize = 24;
        bytes[E_ENTRY] = 1;
        bytes
    }

    #[test]
    #[cfg_attr(windows, ignore = "programs are made for Linux only")]
    fn no_flipped_byte_and_no_truncation_panics() {
        let (artifact, settings) = (runner(), Settings::new(0, 0));
        let program = write(&artifact, &artifact, &settings).unwrap();
        // What is mapped is as it was, and symbols are gone.
        let parts = Parts::of(&program).unwrap();
        let section = |name: &str| parts.sections.section_by_name(parts.endian, name.as_bytes());
        let (_, module) = section(MODULE_SECTION).unwrap();
        assert!(module.data(parts.endian, &*program).unwrap() == artifact);
        assert!(section(".text").is_some() && section(".symtab").is_none());
        assert!(program[64..4096] == artifact[64..4096]);

        let headers = Parts::of(&artifact).unwrap().header.e_shoff(parts.endian) as usize;
        for at in (0..1024).chain(headers..artifact.len()) {
            for flip in [0x01, 0x80, 0xff] {
                let mut runner = artifact.clone();
                runner[at] ^= flip;
                let _ = write(&runner, &artifact, &settings);
            }
        }
        // As compilers for other systems make them.
        for artifact in [&b"MZ\x90\0"[..], b"\xcf\xfa\xed\xfe", b""] {
            let error = format!("{:#}", write(&runner(), artifact, &settings).unwrap_err());
            assert!(error.starts_with("it cannot carry the compiled module: it is "), "{error}");
        }
        for end in (0..artifact.len()).step_by(7) {
            assert!(write(&artifact[..end], &artifact, &settings).is_err(), "truncated to {end}");
        }
    }
}
