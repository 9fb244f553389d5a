//! `wootz dump`: what becomes of a module, stage by stage, as text.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;
use wootz_compiler::dump::{self, DumpStage};

use crate::options::CodeOptions;
use crate::{files, report};

/// Show what becomes of a module, as text
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Dump {
    /// The module; `-` for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// After which stage of compilation to look
    #[arg(long, value_parser = PossibleValuesParser::new(DumpStage::NAMES))]
    stage: String,

    /// Show only one function
    #[arg(long = "func", value_name = "NAME|INDEX")]
    function: Option<String>,

    /// Compile for another machine than this one, such as x86_64-unknown-linux-gnu
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    #[command(flatten)]
    code: CodeOptions,
}

const EXAMPLES: &str = "\
Examples:
  wootz dump --stage parse app.wasm                what the module defines
  wootz dump --stage clif --func main app.wasm     one function, as Cranelift gets it
  wootz dump --stage asm --func 17 app.wasm        one function, as machine code";

impl Dump {
    /// Shows the stage.
    pub fn execute(self) -> Result<ExitCode> {
        let wasm = files::binary(&self.input, files::read(&self.input)?)?;
        let stage: DumpStage = self.stage.parse()?;
        let options = self.code.options(self.target);
        let text = dump::dump(&wasm, &options, stage, self.function.as_deref())
            .with_context(|| format!("cannot show {}", files::name(&self.input)))?;
        report::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
