//! `wootz explain`: what is known of one place in a module: an address, an offset in the wasm file, or a function.
//!
//! In: a compiled module, or one that is compiled first; and a place, as people, debuggers and backtraces write it. Out: text.
//!
//! Always true: nothing is loaded or run, so the module may be for another machine than this one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use sha2::{Digest, Sha256};
use wootz_compiler::{AddressMap, Options};

use crate::compiled::Compiled;
use crate::options::CodeOptions;
use crate::report::Usage;
use crate::{container, files, program, report};

/// The place, as it was written.
mod place;
/// Where code comes from: its operators and source lines.
mod origin;
/// What is said of addresses, offsets and functions.
mod answer;

use origin::Origin;
use place::Place;

/// Explain an address, an offset in the wasm file, or a function
///
/// FILE is a compiled module of any kind and for any machine, or one in binary or text format, which is compiled first. A
/// number is an address in FILE, unless `wasm:` or `func:` stands in front of it, or ` - ` behind it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// A compiled module, or one to compile; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What to explain: an address, `wasm:OFFSET`, or a function
    #[arg(value_name = "WHAT", required = true, num_args = 1..)]
    what: Vec<String>,

    /// The module that FILE was compiled from, in which the operators and all source lines are
    #[arg(long, value_name = "MODULE")]
    wasm: Option<PathBuf>,

    /// Where FILE lies in memory, for addresses of a running program
    #[arg(long, value_name = "ADDRESS", value_parser = place::number)]
    base: Option<u64>,

    /// How many instructions to show before and behind the one that is meant
    #[arg(long, value_name = "N", default_value_t = 6)]
    context: usize,

    /// Show all instructions of the function
    #[arg(long)]
    all: bool,

    /// Compile for another machine than this one: aarch64-linux, x86_64-windows, ...
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    #[command(flatten)]
    code: CodeOptions,
}

const EXAMPLES: &str = "\
What can be explained:
  0x1234, 4660        an address in FILE, as objdump, perf and debuggers show it
  wasm:0x1234         an offset in the wasm file: all code that comes from it
  '0x1234 - name'     likewise: a line of a backtrace of Wootz
  name                a function: its symbol, its name in module or source, an export
  func:12             a function by its index; or by a name that looks like a number
  name+0x12           a place in a function

Examples:
  wootz explain app.so 0x1a2f                     what is at an address
  wootz explain app.so 0x1a2f --wasm app.wasm     with the operators, too
  wootz explain app.so '  0: 0x1a2 - app!main'    a line of a backtrace
  wootz explain app.so main+0x2f                  as perf and gdb name places
  wootz explain app.wasm main --all               what becomes of a function
  wootz explain app.so 0x7f3000001a2f --base 0x7f3000000000";

impl Explain {
    /// Explains.
    pub fn execute(self) -> Result<ExitCode> {
        let name = files::name(&self.file);
        let Ok(place) = self.what.join(" ").parse::<Place>();
        let bytes = files::read(&self.file)?;
        let is_native = files::kind(&bytes) == files::Kind::Native;
        let (artifact, wasm) = if is_native {
            if self.target.is_some() || self.code.is_used() {
                bail!(Usage(format!(
                    "{name} is compiled already: options for compiling say nothing about it"
                )));
            }
            let artifact = program::artifact(&bytes).map(<[u8]>::to_vec);
            (artifact.unwrap_or(bytes), self.wasm.as_deref().map(read_module).transpose()?)
        } else {
            if self.wasm.is_some() {
                bail!(Usage(format!(
                    "`--wasm` is for compiled modules, and {name} is none: leave it out"
                )));
            }
            let wasm = files::binary(&self.file, bytes)?;
            let options = self.code.options(self.target.clone());
            let options = Options { address_map: AddressMap::All, ..options };
            let artifact = wootz_compiler::compile(&wasm, &options)
                .with_context(|| format!("cannot compile {name}"))?;
            (artifact, Some(wasm))
        };
        let text = self.explain(&artifact, wasm.as_deref(), &place)?;
        report::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    /// What all modules in a file have to say about a place; at least one must have something.
    fn explain(&self, artifact: &[u8], wasm: Option<&[u8]>, place: &Place) -> Result<String> {
        let name = files::name(&self.file);
        let (_, found) = container::open(artifact)
            .with_context(|| format!("{name} is not a compiled module"))?;
        let modules = found.into_iter().map(|found| {
            let symbol = found.symbol.clone();
            Compiled::new(found).with_context(|| format!("module `{symbol}` in {name}"))
        });
        let mut modules = modules.collect::<Result<Vec<_>>>()?;
        let mut origin = None;
        if let Some(wasm) = wasm {
            let hash: [u8; 32] = Sha256::digest(wasm).into();
            modules.retain(|module| module.compatibility.wasm_sha256 == hash);
            let other = self.wasm.as_deref().map(files::name).unwrap_or_default();
            ensure!(
                !modules.is_empty(),
                "{name} was not compiled from {other}: its hash is another"
            );
            origin = Some(Origin::of(wasm, &modules[0].compatibility.settings.features)?);
        }
        let view = answer::View {
            origin: origin.as_ref(),
            context: self.context,
            all: self.all,
            base: self.base.unwrap_or(0),
        };
        let mut answers = String::new();
        let mut first_error = None;
        for module in &modules {
            match view.answer(module, place) {
                Ok(answer) if modules.len() == 1 => answers += &answer,
                Ok(answer) => {
                    answers += &format!("module {}\n{answer}\n", module.descriptor);
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        match first_error {
            Some(error) if answers.is_empty() => {
                Err(error.context(format!("{name} has no {place}")))
            }
            _ => Ok(answers),
        }
    }
}

/// The wasm of a file in binary or text format.
fn read_module(path: &Path) -> Result<Vec<u8>> {
    files::binary(path, files::read(path)?)
}
