//! `wootz explore`: a module and what becomes of it, side by side, as a page for a browser.
//!
//! In: a module. Out: one file of HTML that needs no other, and no network.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use wootz_compiler::{AddressMap, Optimisation, Options};

use crate::compiled::Compiled;
use crate::options::CodeOptions;
use crate::report::Usage;
use crate::wasm_text::WasmText;
use crate::{container, files, report};

/// The files of the source that the module names.
mod sources;
/// What is shown of the module: functions with their lines.
mod contents;
/// Contents to HTML.
mod page;

use contents::Contents;
use sources::SourcePath;

/// Write a page that shows a module and its machine code side by side
///
/// The page is one file that needs no other and no network. It shows every function as text format and as machine code, and
/// if the module has debug information whose files can be read, as source; what is pointed at on one side lights up on the
/// other.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Explore {
    /// The module; `-` for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// Where to write; `-` for standard output. If nothing is said, IN with the ending .html
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// Where files of the source are, if not where they were when the module was built
    ///
    /// Names in the debug information that begin with FROM are looked for in TO.
    #[arg(long, value_name = "FROM=TO", value_parser = clap::builder::OsStringValueParser::new())]
    source_path: Vec<OsString>,

    /// Leave out the files of the source
    #[arg(long, conflicts_with = "source_path")]
    no_source: bool,

    /// Compile for another machine than this one: aarch64-linux, x86_64-windows, ...
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    #[command(flatten)]
    code: CodeOptions,
}

const EXAMPLES: &str = "\
Examples:
  wootz explore app.wasm                           writes app.html
  wootz explore app.wasm -o page.html -O none      as it is without optimisation
  wootz explore app.wasm --target aarch64-linux    for another machine
  wootz explore app.wasm --source-path /src=.      with the source, which is here and was built in /src";

impl Explore {
    /// Writes the page.
    pub fn execute(self) -> Result<ExitCode> {
        let name = files::name(&self.input);
        let output = self.output()?;
        let paths = self.source_path.iter().map(|text| SourcePath::parse(text));
        let paths = paths.collect::<Result<Vec<_>>>()?;
        let wasm = files::binary(&self.input, files::read(&self.input)?)?;
        let options = self.code.options(self.target.clone());
        let mut options = Options { address_map: AddressMap::All, ..options };
        // Here one may want to look at what a file would not have.
        options.skipped.insert(Optimisation::DeadFunctions);
        let artifact = wootz_compiler::compile(&wasm, &options)
            .with_context(|| format!("cannot compile {name}"))?;
        let (_, mut found) = container::open(&artifact)?;
        let module = Compiled::new(found.pop().context("there is no module")?)?;
        let text = WasmText::of(&wasm)?;
        let mut offsets = text.wasm_offsets();
        offsets.sort_unstable();
        offsets.dedup();
        let lines = wootz_compiler::source_lines_at(&wasm, &offsets, &options)?;
        let file_name = self.input.file_name().filter(|_| !files::is_standard(&self.input));
        let title =
            file_name.map_or("standard input".into(), |name| name.to_string_lossy().into_owned());
        let mut contents = Contents::of(title, &module, &text, &lines)?;
        if !self.no_source {
            let read = contents.add_sources(|name| sources::read(name, &paths));
            if !read.is_empty() {
                let names = read.join(", ");
                report::note(&format!(
                    "the page contains {} of the source: {names}",
                    match &read[..] {
                        [_] => "one file".to_string(),
                        all => format!("{} files", all.len()),
                    }
                ));
            }
        }
        files::write(&output, page::html(&contents)?.as_bytes(), false)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Where the page goes.
    fn output(&self) -> Result<PathBuf> {
        let output = match &self.output {
            Some(output) => output.clone(),
            None if files::is_standard(&self.input) => bail!(Usage(
                "where should the page go? A module from standard input needs `-o OUT`".to_string()
            )),
            None => self.input.with_extension("html"),
        };
        if !files::is_standard(&output) {
            if !files::is_standard(&self.input) && files::are_same(&output, &self.input) {
                bail!(Usage(format!(
                    "this would replace {}, which is to be shown: `-o OUT` names another file",
                    files::name(&self.input)
                )));
            }
            files::check_place(&output)?;
        }
        Ok(output)
    }
}
