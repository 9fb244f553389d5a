//! `wootz compile`: a module to a native file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use wootz_compiler::{Options, Stage};

use crate::files;
use crate::options::CodeOptions;
use crate::report::Usage;

/// Compile a WebAssembly module into a native file
///
/// The input may be in binary or text format. The output is a shared library that `wootz run` and the loader open, or
/// an object for a linker.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Compile {
    /// The module; `-` for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// Where to write; `-` for standard output. If nothing is said, IN with the ending of a native file
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,

    /// What to write
    #[arg(long, value_enum, default_value_t = Emit::Shared)]
    emit: Emit,

    /// Begin the object's symbols with a prefix, to link several modules into one program
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,

    /// Compile for another machine than this one, such as x86_64-unknown-linux-gnu
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    /// Show how long each stage takes
    #[arg(long)]
    time: bool,

    #[command(flatten)]
    code: CodeOptions,
}

const EXAMPLES: &str = "\
Examples:
  wootz compile app.wasm                       writes app.so
  wootz compile app.wat -o out/app.so          from text format
  wootz compile app.wasm --emit object         writes app.o, for a linker
  wootz compile app.wasm --target-cpu native   for this machine's CPU
  wootz compile app.wasm --time                shows the time each stage takes";

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Emit {
    /// A shared library (.so)
    Shared,
    /// A relocatable object (.o)
    Object,
}

impl Emit {
    /// The ending of names of such files.
    fn extension(self) -> &'static str {
        match self {
            Emit::Shared => "so",
            Emit::Object => "o",
        }
    }
}

impl Compile {
    /// Compiles.
    pub fn execute(self) -> Result<ExitCode> {
        let output = match self.output {
            Some(output) => output,
            None if files::is_standard(&self.input) => {
                bail!(Usage(
                    "where should the output go? A module from standard input needs `-o OUT`"
                        .to_string()
                ))
            }
            None => self.input.with_extension(self.emit.extension()),
        };
        if self.prefix.is_some() && self.emit != Emit::Object {
            bail!(Usage("`--prefix` is for objects: add `--emit object`".to_string()));
        }
        let wasm = files::binary(&self.input, files::read(&self.input)?)?;
        let emit = match self.emit {
            Emit::Shared => wootz_compiler::Emit::SharedLibrary,
            Emit::Object => wootz_compiler::Emit::Object,
        };
        let options =
            Options { emit, prefix: self.prefix, target: self.target, ..self.code.options() };
        let (bytes, times) = compile(&self.input, &wasm, &options)?;
        files::write(&output, &bytes, self.emit == Emit::Shared)?;
        if self.time {
            eprint!("{}", table(&times));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The stages of a compilation, and how long each took.
type Times = Vec<(Stage, Duration)>;

/// Compiles a module that came from a file, and says how long each stage took.
fn compile(path: &Path, wasm: &[u8], options: &Options) -> Result<(Vec<u8>, Times)> {
    let mut stages: Vec<(Stage, Instant)> = Vec::new();
    let result = wootz_compiler::compile_observed(wasm, options, &mut |stage| {
        stages.push((stage, Instant::now()))
    });
    let end = Instant::now();
    let ends = stages.iter().skip(1).map(|&(_, start)| start).chain([end]);
    let times =
        stages.iter().zip(ends).map(|(&(stage, start), end)| (stage, end - start)).collect();
    let bytes = result.with_context(|| format!("cannot compile {}", files::name(path)))?;
    Ok((bytes, times))
}

fn table(times: &[(Stage, Duration)]) -> String {
    let mut text = String::new();
    let total = times.iter().map(|(_, time)| *time).sum();
    for (name, time) in
        times.iter().map(|(stage, time)| (stage.name(), *time)).chain([("total", total)])
    {
        writeln!(text, "{name:<10}{:>10.3} ms", time.as_secs_f64() * 1e3)
            .expect("strings can be written to");
    }
    text
}
