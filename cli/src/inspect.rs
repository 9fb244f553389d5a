//! `wootz inspect`: what a compiled module imports, exports and needs, without loading it.
//!
//! In: the bytes of a file. The descriptor is found by its symbol, everything else by the descriptor.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use wootz_runtime::abi::manifest::Manifest;

use crate::container::{self, Container};
use crate::{files, program, report};

/// A module in a file: everything its descriptor leads to.
mod module;
/// All of it as text for people.
mod text;

use module::ModuleReport;
pub use module::{ExportReport, ImportReport, interface};

/// Show what a compiled module imports, exports and needs
///
/// The file is only read, not loaded: it may be for another machine than this one.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Inspect {
    /// A shared library, object or program with compiled modules; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Show it in JSON
    #[arg(long)]
    json: bool,

    /// Say only whether this machine can run it, and if not, why
    #[arg(long, conflicts_with = "json")]
    check: bool,
}

const EXAMPLES: &str = "\
Examples:
  wootz inspect app.so
  wootz inspect app.so --check
  wootz inspect app.so --json | jq '.modules[0].imports'";

/// What is shown of a file.
#[derive(serde::Serialize)]
struct Report<'a> {
    file: String,
    #[serde(flatten)]
    container: &'a Container,
    modules: &'a [ModuleReport],
}

impl Inspect {
    /// Shows the file.
    pub fn execute(self) -> Result<ExitCode> {
        let name = files::name(&self.file);
        let bytes = files::read(&self.file)?;
        // Of a program of its own, the library that it carries is of interest.
        let bytes = program::artifact(&bytes).unwrap_or(&bytes);
        if self.check {
            check(bytes).with_context(|| format!("{name} cannot be loaded here"))?;
            report::print(format!("{name} can be loaded here\n").as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let (container, modules) =
            look(bytes).with_context(|| format!("{name} is not a compiled module"))?;
        let report = Report {
            file: self.file.display().to_string(),
            container: &container,
            modules: &modules,
        };
        let output = match self.json {
            true => serde_json::to_string_pretty(&report)? + "\n",
            false => text::report(&report),
        };
        report::print(output.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Whether the loader would take it.
fn check(bytes: &[u8]) -> Result<()> {
    wootz::Module::check_precompiled(&wootz::Engine::default(), bytes)
}

/// What is in a file: at least one module.
fn look(bytes: &[u8]) -> Result<(Container, Vec<ModuleReport>)> {
    if files::kind(bytes) != files::Kind::Native {
        let hint = match bytes.starts_with(b"\0asm") || files::kind(bytes) == files::Kind::Text {
            true => "it is WebAssembly: compile it with `wootz compile`",
            false => "it is neither an object nor a library nor a program",
        };
        bail!(hint);
    }
    let (container, found) = container::open(bytes)?;
    let modules = found
        .into_iter()
        .map(|found| module::report(&found).with_context(|| format!("module `{}`", found.symbol)))
        .collect::<Result<Vec<_>>>()?;
    Ok((container, modules))
}

/// What each module of a file imports, exports and has, by the symbol of its descriptor; at least one.
///
/// # Errors
/// If the file is damaged, or there is none.
pub fn manifests(bytes: &[u8]) -> Result<Vec<(String, Manifest)>> {
    let (_, found) = container::open(bytes)?;
    let manifest = |found: container::Found<'_>| {
        let manifest =
            module::manifest(&found).with_context(|| format!("module `{}`", found.symbol))?;
        Ok((found.symbol, manifest))
    };
    found.into_iter().map(manifest).collect()
}

#[cfg(test)]
mod tests {
    use wootz_compiler::{Emit, Options};

    use super::*;

    #[test]
    fn no_flipped_byte_and_no_truncation_panics() {
        let text = r#"(module $m (import "a" "b" (global i32)) (memory (export "m") 1) (data (i32.const 0) "x")
            (func (export "f") (result i32) i32.const 1))"#;
        let wasm = wat::parse_str(text).unwrap();
        let files = [
            (Emit::SharedLibrary, None),
            (Emit::SharedLibrary, Some("x86_64-windows")),
            (Emit::SharedLibrary, Some("aarch64-macos")),
            (Emit::Object, None),
            (Emit::Archive, Some("aarch64-linux")),
            (Emit::Object, Some("x86_64-windows")),
            (Emit::Object, Some("aarch64-macos")),
            (Emit::Archive, Some("x86_64-macos")),
            (Emit::Archive, Some("aarch64-windows")),
        ];
        for (emit, target) in files {
            let target = target.map(str::to_string);
            let options = Options { emit, target, ..Options::default() };
            let bytes = wootz_compiler::compile(&wasm, &options).unwrap();
            assert_eq!(look(&bytes).unwrap().1.len(), 1);
            for at in 0..bytes.len() {
                // Most of a page is padding.
                if bytes[at] == 0 && at % 13 != 0 {
                    continue;
                }
                for flip in [0x01, 0x80, 0xff] {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= flip;
                    if let Ok((container, modules)) = look(&bytes) {
                        let file = String::new();
                        text::report(&Report { file, container: &container, modules: &modules });
                    }
                }
            }
            for end in (0..bytes.len()).step_by(17) {
                let result = look(&bytes[..end]);
                // The names of sections and symbols come last in the others.
                let comes_first = options.target.is_none() && cfg!(target_os = "linux");
                assert!(!comes_first || result.is_err(), "truncated to {end}");
            }
        }
    }
}
