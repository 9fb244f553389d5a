//! `--linker`: a system's linker makes the shared library, instead of our writer.
//!
//! In: an object, and what the command line says about the linker. Out: the bytes of a shared library that exports the
//! descriptor and nothing else. How a linker is talked to follows from its name, or is said.
//!
//! Always true: the linker works in a directory of its own, which is gone afterwards, so that the output appears whole or
//! not at all.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use object::read::NameOrOrdinal;
use object::{BinaryFormat, Object};
use wootz_runtime::abi::artifact::DESCRIPTOR_SYMBOL;

use crate::report::{self, Usage};

/// How linkers are talked to.
mod flavor;

use flavor::{Files, Flavor, Target, arguments};

/// Who makes the shared library.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Linkers (--emit shared)")]
pub struct LinkerOptions {
    /// Let a linker make the shared library: cc, ld.lld, zig, aarch64-linux-gnu-gcc, ld64.lld, lld-link, ...
    #[arg(long, value_name = "PROGRAM")]
    linker: Option<PathBuf>,

    /// How to talk to the linker, if its name does not say it
    #[arg(long, value_enum, value_name = "FLAVOR", requires = "linker")]
    linker_flavor: Option<Flavor>,

    /// Pass an argument to the linker, behind all others; may be there several times
    #[arg(
        long = "linker-arg",
        value_name = "ARG",
        requires = "linker",
        allow_hyphen_values = true
    )]
    linker_arguments: Vec<OsString>,
}

/// Says to linkers for ELF what is exported. Some add symbols of their own.
const VERSION_SCRIPT: &str = "{ global: wootz_module; local: *; };\n";

impl LinkerOptions {
    /// Whether a linker is asked for.
    pub fn is_used(&self) -> bool {
        self.linker.is_some()
    }

    /// Links an object to a shared library, if a linker is asked for; otherwise the bytes are left as they are.
    ///
    /// # Errors
    /// If it is not known how to talk to the linker, it cannot be run, fails, or does not make what it should.
    pub fn link(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let Some(linker) = &self.linker else { return Ok(bytes) };
        let target = Target::of(&bytes).context("the object cannot be read")?;
        let flavor = self.flavor(linker, target)?;
        let folder = tempfile::Builder::new().prefix("wootz-").tempdir();
        let folder = folder.context("cannot make a directory for the linker")?;
        let files = Files::inside(folder.path(), target);
        let write = || -> std::io::Result<()> {
            fs::write(&files.object, &bytes)?;
            fs::write(&files.exports, VERSION_SCRIPT)
        };
        write().with_context(|| format!("cannot write to `{}`", folder.path().display()))?;
        let mut command = Command::new(linker);
        command.args(arguments(flavor, target, &files));
        if flavor == Flavor::LldLink && has_dwarf(&bytes) && !is_microsofts(linker) {
            // Which it otherwise leaves out.
            command.arg("/debug:dwarf");
        }
        command.args(&self.linker_arguments);
        run(&mut command)?;
        let shown = show(&command);
        let Ok(library) = fs::read(&files.output) else {
            bail!("the linker made no file, though it ended well:\n{shown}")
        };
        check(&library).with_context(|| format!("the linker made no usable file:\n{shown}"))?;
        Ok(library)
    }

    fn flavor(&self, linker: &Path, target: Target) -> Result<Flavor> {
        let known = self.linker_flavor.or_else(|| Flavor::of(linker, target));
        let Some(flavor) = known else {
            let flavors: Vec<String> = Flavor::value_variants().iter().map(Flavor::name).collect();
            bail!(Usage(format!(
                "the name of the linker `{}` does not say how to talk to it: `--linker-flavor` does ({})",
                linker.display(),
                report::list(&flavors, "or")
            )))
        };
        if !flavor.formats().contains(&target.format) {
            bail!(Usage(format!(
                "linkers such as `{}` ({}) do not make shared libraries of {} objects, as this target has them: {} does",
                linker.display(),
                flavor.name(),
                target.format_name(),
                match target.format {
                    BinaryFormat::MachO => "`ld64.lld`",
                    BinaryFormat::Coff => "`lld-link`",
                    _ => "`ld.lld`",
                }
            )))
        }
        Ok(flavor)
    }
}

/// Whether an object has debug information.
fn has_dwarf(object: &[u8]) -> bool {
    object::File::parse(object).is_ok_and(|file| file.section_by_name(".debug_info").is_some())
}

/// Whether a linker for COFF is the one that knows nothing of DWARF.
fn is_microsofts(linker: &Path) -> bool {
    linker.file_stem().is_some_and(|name| name.eq_ignore_ascii_case("link"))
}

/// Runs a linker, and tells what it says if it ends well all the same.
fn run(command: &mut Command) -> Result<()> {
    let linker = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("cannot run the linker `{linker}`"))?;
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let said = said.trim_end();
    ensure!(
        output.status.success(),
        "the linker failed with {}:\n{}\n{said}",
        output.status,
        show(command)
    );
    if !said.is_empty() {
        report::note(&format!("the linker `{linker}` says:\n{said}"));
    }
    Ok(())
}

/// A command as it would be typed.
fn show(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words = words.map(|word| {
        let word = word.to_string_lossy();
        let is_plain = |c: char| c.is_alphanumeric() || "-_=+,./:@%~".contains(c);
        match word.chars().all(is_plain) && !word.is_empty() {
            true => word.into_owned(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a file is what was asked for: one that exports a descriptor.
fn check(library: &[u8]) -> Result<()> {
    let file = object::File::parse(library).context("it is no object file of any kind")?;
    for export in file.exports()? {
        // On macOS, symbols begin with an underscore.
        if let NameOrOrdinal::Name(name) = export?.name()
            && name.strip_prefix(b"_").unwrap_or(name) == DESCRIPTOR_SYMBOL.as_bytes()
        {
            return Ok(());
        }
    }
    bail!("it does not export `{DESCRIPTOR_SYMBOL}`")
}
