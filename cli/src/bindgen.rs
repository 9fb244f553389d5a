//! `wootz bindgen`: what a module imports and exports, as declarations for programs that use it.
//!
//! In: a module, or a file with compiled ones, of which nothing is run. Out: text in the language of the program.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use wootz_bindgen::{c, rust};
use wootz_compiler::{Options, c_names};
use wootz_runtime::abi::artifact::DESCRIPTOR_SYMBOL;
use wootz_runtime::abi::manifest::Manifest;

use crate::files;
use crate::inspect;
use crate::options::FeatureOptions;
use crate::report::{self, Usage};

/// Write bindings of a module, for programs that use it
///
/// For Rust: a type with a method for each export, and a trait for each module of the program's that is imported from. The
/// program needs the crate `wootz`, and `wootz-wasi` if the module uses WASI.
///
/// For C and C++: a header with a function for each export, and a struct for what is imported. The program is linked with the
/// module's object and libwootz.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Bindgen {
    /// A module in binary or text format, or a file with a compiled one; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The language of the program
    #[arg(long, value_enum)]
    lang: Language,

    /// Where to write; if nothing is said, or for `-`, standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,

    /// What the module is called: `my_plugin` has a type `MyPlugin`. If nothing is said, as FILE is, without its ending
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The module is linked into the program, from an object that was compiled with `--prefix PREFIX`. In C all of them are; if
    /// nothing is said, the prefix is that of the object FILE, or else the name
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,

    /// Let the program implement functions of WASI, like any others
    #[arg(long)]
    no_wasi: bool,

    /// Of a file with several compiled modules, the one whose descriptor is this symbol
    #[arg(long, value_name = "SYMBOL")]
    module: Option<String>,

    #[command(flatten)]
    features: FeatureOptions,
}

const EXAMPLES: &str = "\
Examples:
  wootz bindgen app.wasm --lang rust -o src/app.rs     for a program that loads the module
  wootz bindgen app.so --lang rust --name my_app       the same of a compiled module
  wootz bindgen app.wasm --lang rust --prefix app      for a program that is linked with
                                                       `wootz compile --emit object --prefix app`
  wootz bindgen app.wasm --lang c -o app.h             the same in C";

/// The language of a program.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    /// Rust, with the crate `wootz`
    Rust,
    /// C and C++, with libwootz
    C,
}

impl Bindgen {
    /// Writes the bindings.
    pub fn execute(self) -> Result<ExitCode> {
        let (manifest, symbol) = self.manifest()?;
        let text = match self.lang {
            Language::Rust => self.rust(&manifest)?,
            Language::C => self.c(&manifest, symbol.as_deref())?,
        };
        files::write(&self.output, text.as_bytes(), false)?;
        Ok(ExitCode::SUCCESS)
    }

    /// `symbol`: that of the module's descriptor, if it was compiled.
    fn c(&self, manifest: &Manifest, symbol: Option<&str>) -> Result<String> {
        if self.no_wasi {
            bail!(Usage("`--no-wasi` is for Rust: in C, the library answers for WASI".to_string()));
        }
        let of_object =
            symbol.and_then(|symbol| symbol.strip_suffix(DESCRIPTOR_SYMBOL)?.strip_suffix('_'));
        let name = || self.name.clone().map_or_else(|| name_of(&self.file), Ok);
        let prefix = self.prefix.clone().or(of_object.map(String::from)).map_or_else(name, Ok)?;
        c::header(manifest, &prefix)
            .with_context(|| format!("cannot write a header for {}", files::name(&self.file)))
    }

    fn rust(&self, manifest: &Manifest) -> Result<String> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => name_of(&self.file)?,
        };
        let prefix = self.prefix.as_deref().map_or(Ok(()), c_names::check_prefix);
        prefix.map_err(|error| Usage(error.to_string()))?;
        let descriptor = self.prefix.as_deref().map(|it| c_names::descriptor_symbol(Some(it)));
        let options = rust::Options { name, descriptor, wasi: !self.no_wasi };
        rust::bindings(manifest, &options)
            .with_context(|| format!("cannot write bindings of {}", files::name(&self.file)))
    }

    /// What the module imports and exports; and the symbol of its descriptor, if it was compiled.
    fn manifest(&self) -> Result<(Manifest, Option<String>)> {
        let bytes = files::read(&self.file)?;
        if files::kind(&bytes) == files::Kind::Native {
            return self.compiled(&bytes);
        }
        if self.module.is_some() {
            bail!(Usage("`--module` is for files with compiled modules".to_string()));
        }
        let features = self.features.features();
        let wasm = files::binary(&self.file, bytes)?;
        let manifest =
            wootz_compiler::interface(&wasm, &Options { features, ..Options::default() })
                .with_context(|| format!("{} has no bindings", files::name(&self.file)))?;
        Ok((manifest, None))
    }

    /// The same, of a module that was compiled.
    fn compiled(&self, bytes: &[u8]) -> Result<(Manifest, Option<String>)> {
        let name = files::name(&self.file);
        let mut found = inspect::manifests(bytes)
            .with_context(|| format!("{name} is not a compiled module"))?;
        let symbols: Vec<String> = found.iter().map(|(symbol, _)| symbol.clone()).collect();
        let position = match &self.module {
            Some(wanted) => {
                symbols.iter().position(|symbol| symbol == wanted).with_context(|| {
                    let hint = report::suggestion(wanted, symbols.iter().map(String::as_str));
                    format!("{name} has no module `{wanted}`{hint}")
                })?
            }
            None if symbols.len() == 1 => 0,
            None => bail!(Usage(format!(
                "{name} has several modules: choose one with `--module`, of {}",
                report::list(&symbols, "and")
            ))),
        };
        let (symbol, manifest) = found.swap_remove(position);
        Ok((manifest, Some(symbol)))
    }
}

/// What a module is called that is in a file.
fn name_of(file: &Path) -> Result<String> {
    let stem = file.file_stem().filter(|_| !files::is_standard(file));
    let name = stem.map(|stem| stem.to_string_lossy().replace('-', "_"));
    match name.filter(|name| rust::is_identifier(name)) {
        Some(name) => Ok(name),
        None => bail!(Usage(format!(
            "the name of {} cannot be that of a module in a program: choose one with `--name`",
            files::name(file)
        ))),
    }
}
