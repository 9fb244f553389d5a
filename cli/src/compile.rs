//! `wootz compile`: a module to a native file.
//!
//! In: the command line. Out: a file, written whole or not at all. Options that say nothing about what is made are refused.

use std::cell::Cell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use wootz_compiler::{Artifact, DebugInfo, Event, Options, Stage, Step};

use crate::files;
use crate::options::CodeOptions;
use crate::report::{self, Usage};

/// `--emit exe`: a compiled module to a program of its own.
mod exe;
/// `--split-debug`: debug information in a file of its own.
mod split;
/// `-g`: the text of modules without debug information.
mod module_text;
/// `-g`: the source map of modules without debug information.
mod source_map;
/// `--linker`: a system's linker makes the shared library.
mod linker;

use exe::ProgramOptions;
use linker::LinkerOptions;
use module_text::ModuleText;
use split::SplitDebug;

/// Compile a WebAssembly module into a native file
///
/// The input may be in binary or text format. The output is a shared library that `wootz run` and the loader open, an object
/// or archive for a linker, or a program that needs nothing else to run.
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

    /// Also write a header for C and C++, by which programs use the object with this prefix
    #[arg(long, value_name = "FILE")]
    header: Option<PathBuf>,

    /// Compile for another machine than this one: aarch64-linux, x86_64-windows, arm64-apple-darwin, ...
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    /// Write debug information (-g) into a file of its own, FILE; for macOS a bundle, as in app.dylib.dSYM
    ///
    /// Debuggers find it beside the library by its name, or by the build identifier where they collect such files.
    #[arg(long, value_name = "FILE")]
    split_debug: Option<PathBuf>,

    /// Show how long each stage takes
    #[arg(long)]
    time: bool,

    #[command(flatten)]
    program: ProgramOptions,

    #[command(flatten)]
    linker: LinkerOptions,

    #[command(flatten)]
    code: CodeOptions,
}

const EXAMPLES: &str = "\
Examples:
  wootz compile app.wasm                       writes app.so
  wootz compile app.wat -o out/app.so          from text format
  wootz compile app.wasm --emit object         writes app.o, for a linker
  wootz compile app.wasm --emit object --prefix app --header app.h
                                               for a program in C: app.o and app.h
  wootz compile app.wasm -g                    for a native debugger: gdb --args wootz run app.so
  wootz compile app.wasm --split-debug app.so.debug
                                               the same, with debug information in a file of its own
  wootz compile app.wasm --linker ld.lld       lets a linker write app.so
  wootz compile app.wasm --emit exe            writes app, a program that needs nothing else
  wootz compile app.wasm --emit exe --dir data::/ --env LANG -o app
                                               one that may use the directory data of where it is started
  wootz compile app.wasm --target-cpu native   for this machine's CPU
  wootz compile app.wasm --target aarch64-linux   for another machine
  wootz compile app.wasm --target x86_64-windows   writes app.dll, without a linker too
  wootz compile app.wasm --target aarch64-macos    writes app.dylib, likewise
  wootz compile app.wasm --time                shows the time each stage takes";

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Emit {
    /// A shared library (.so, .dll, .dylib)
    Shared,
    /// A relocatable object (.o, .obj)
    Object,
    /// A static library with one such object (.a, .lib)
    Archive,
    /// A program of its own: the module with all that it takes to run it. For WASI commands
    Exe,
}

impl Emit {
    /// What the compiler makes.
    fn compiled(self) -> wootz_compiler::Emit {
        match self {
            Emit::Shared | Emit::Exe => wootz_compiler::Emit::SharedLibrary,
            Emit::Object => wootz_compiler::Emit::Object,
            Emit::Archive => wootz_compiler::Emit::Archive,
        }
    }

    /// The ending of names of such files.
    fn extension(self, target: Option<&str>) -> &'static str {
        match self {
            Emit::Exe => std::env::consts::EXE_EXTENSION,
            other => wootz_compiler::extension(other.compiled(), target),
        }
    }

    /// Whether it becomes part of a program by way of a linker.
    fn is_for_linkers(self) -> bool {
        matches!(self, Emit::Object | Emit::Archive)
    }
}

impl Compile {
    /// Compiles.
    pub fn execute(self) -> Result<ExitCode> {
        self.check()?;
        let output = self.output()?;
        let target = self.target.as_deref();
        let split = self.split_debug.as_deref().map(|path| SplitDebug::new(path, target));
        let split = split.transpose()?;
        // What is missing is missed before the work begins.
        self.check_files(&output)?;
        split.as_ref().map_or(Ok(()), SplitDebug::check_place)?;
        let runner = match self.emit {
            Emit::Exe => Some(self.program.runner()?),
            _ => None,
        };
        let with_lines = self.wants_debug_info();
        let wasm = files::to_binary(&self.input, files::read(&self.input)?, with_lines)?;
        let emit = match self.emit {
            Emit::Shared if self.linker.is_used() => wootz_compiler::Emit::Object,
            other => other.compiled(),
        };
        let mut options =
            Options { emit, prefix: self.prefix.clone(), ..self.code.options(self.target.clone()) };
        let mut text = None;
        if self.wants_debug_info() {
            let source_map = source_map::beside(&self.input, &wasm);
            if source_map.is_none() {
                text = ModuleText::new(&wasm, &output)?;
            }
            options.debug_info = Some(DebugInfo {
                source_map,
                separate: split.as_ref().map(|split| split.name.clone()),
                text: text.as_ref().map(ModuleText::path),
                ..self.code.debug_info(self.target.as_deref())
            });
        }
        if self.emit == Emit::Exe {
            exe::check(&self.input, &wasm, &options)?;
        }
        let header = match &self.header {
            Some(path) => Some((path, header(&self.input, &wasm, &options)?)),
            None => None,
        };
        let (artifact, times) = compile(&self.input, &wasm, &options)?;
        artifact.warnings.iter().for_each(|warning| report::warn(warning));
        let linked = self.linker.link(artifact.file);
        let mut bytes =
            linked.with_context(|| format!("cannot link {}", files::name(&self.input)))?;
        if let Some(runner) = runner {
            bytes = runner.with(&bytes, &options, &self.program)?;
        }
        if let (Some(split), Some(debug_file)) = (split, artifact.debug_file) {
            split.write(&debug_file)?;
        }
        files::write(&output, &bytes, !self.emit.is_for_linkers())?;
        if let Some((path, text)) = header {
            files::write(path, text.as_bytes(), false)?;
        }
        text.as_ref().map_or(Ok(()), ModuleText::write)?;
        if self.time {
            eprint!("{}", table(&times));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Whether debug information is asked for.
    fn wants_debug_info(&self) -> bool {
        self.split_debug.is_some() || self.code.wants_debug_info()
    }

    /// Whether the options make sense together.
    fn check(&self) -> Result<()> {
        let usage = |message: String| Err(Usage(message).into());
        if self.prefix.is_some() && !self.emit.is_for_linkers() {
            return usage(
                "`--prefix` is for objects and archives: add `--emit object` or `--emit archive`"
                    .to_string(),
            );
        }
        if self.linker.is_used() && self.emit != Emit::Shared {
            return usage("`--linker` is for shared libraries: add `--emit shared`".to_string());
        }
        if self.header.is_some() && self.prefix.is_none() {
            return usage(
                "`--header` is for objects with a prefix, which its functions begin with: add `--emit object --prefix NAME`"
                    .to_string(),
            );
        }
        let debug_info = self.wants_debug_info();
        let extension = Emit::Shared.extension(self.target.as_deref());
        if self.split_debug.is_some() && (self.emit != Emit::Shared || self.linker.is_used()) {
            return usage(
                "`--split-debug` is for shared libraries that no linker makes: add `--emit shared`, or use `-g`, and split \
                 what is linked with `objcopy --only-keep-debug`"
                    .to_string(),
            );
        }
        if self.split_debug.is_some() && extension == "dll" {
            return usage(
                "`--split-debug` is not for Windows: debuggers look for DWARF sections in the DLL, where `-g` writes them"
                    .to_string(),
            );
        }
        if debug_info && self.linker.is_used() && extension == "dylib" {
            return usage(
                "linkers for macOS leave debug information in objects, which would be gone: leave `--linker` out, or link what \
                 `--emit object` makes, and keep that"
                    .to_string(),
            );
        }
        match (self.emit, self.program.used(), self.code.interrupts()) {
            (Emit::Exe, _, Some(option)) => usage(format!(
                "`{option}` is for hosts that stop guests, and a program of its own does not: leave one of `{option}` and \
                 `--emit exe` out"
            )),
            (Emit::Shared | Emit::Object | Emit::Archive, Some(option), _) => {
                usage(format!("`{option}` is for programs of their own: add `--emit exe`"))
            }
            _ => Ok(()),
        }
    }

    /// Where the output goes.
    fn output(&self) -> Result<PathBuf> {
        if let Some(output) = &self.output {
            return Ok(output.clone());
        }
        if files::is_standard(&self.input) {
            bail!(Usage(
                "where should the output go? A module from standard input needs `-o OUT`"
                    .to_string()
            ));
        }
        Ok(self.input.with_extension(self.emit.extension(self.target.as_deref())))
    }

    /// Whether what is written replaces neither the module nor each other, and has a place.
    fn check_files(&self, output: &Path) -> Result<()> {
        let is_same = |one: &Path, other: &Path| match files::is_standard(one) {
            true => files::is_standard(other),
            false => !files::is_standard(other) && files::are_same(one, other),
        };
        let others =
            [("--header", self.header.as_deref()), ("--split-debug", self.split_debug.as_deref())];
        let others = others.into_iter().filter_map(|(option, path)| Some((option, path?)));
        let outputs: Vec<(&str, &Path)> = [("-o", output)].into_iter().chain(others).collect();
        for (position, &(option, path)) in outputs.iter().enumerate() {
            let same = outputs[..position].iter().find(|(_, one)| is_same(one, path));
            if let Some((other, one)) = same {
                let name = one.display();
                bail!(Usage(format!(
                    "`{name}` cannot be both: give `{option}` and `{other}` different files"
                )));
            }
        }
        for (option, path) in outputs {
            // From standard input to standard output nothing is replaced.
            if !files::is_standard(path) && is_same(path, &self.input) {
                bail!(Usage(format!(
                    "this would replace {}, which is to be compiled: `{option} {}` names another file",
                    files::name(&self.input),
                    if option == "-o" { "OUT" } else { "FILE" },
                )));
            }
            files::check_place(path)?;
        }
        Ok(())
    }
}

/// The header of a module that came from a file, and whose object has a prefix.
fn header(path: &Path, wasm: &[u8], options: &Options) -> Result<String> {
    let context = || format!("cannot write a header for {}", files::name(path));
    let manifest = wootz_compiler::interface(wasm, options).with_context(context)?;
    let prefix = options.prefix.as_deref().unwrap_or_default();
    wootz_bindgen::c::header(&manifest, prefix).with_context(context)
}

/// How long each stage took, and each step of functions, in all threads.
struct Times {
    stages: Vec<(Stage, Duration)>,
    steps: [Duration; Step::ALL.len()],
}

/// What is measured while a module is compiled.
#[derive(Default)]
struct Clock {
    /// When each stage began.
    stages: Mutex<Vec<(Stage, Instant)>>,
    /// How many nanoseconds each step took.
    steps: [AtomicU64; Step::ALL.len()],
}

thread_local! {
    /// The step that this thread is at, and when it began.
    static STEP: Cell<Option<(Step, Instant)>> = const { Cell::new(None) };
}

impl Clock {
    fn note(&self, event: Event) {
        let now = Instant::now();
        let next = match event {
            Event::Stage(stage) => {
                let mut stages = self.stages.lock().expect("nobody panics while it is locked");
                return stages.push((stage, now));
            }
            Event::Step(step) => Some((step, now)),
            Event::Done => None,
        };
        if let Some((step, start)) = STEP.replace(next) {
            let nanoseconds = (now - start).as_nanos() as u64;
            self.steps[step as usize].fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    fn times(self) -> Times {
        let end = Instant::now();
        let stages = self.stages.into_inner().expect("nobody panics while it is locked");
        let ends = stages.iter().skip(1).map(|&(_, start)| start).chain([end]);
        let stages = stages.iter().zip(ends).map(|(&(stage, start), end)| (stage, end - start));
        let stages = stages.collect();
        Times { stages, steps: self.steps.map(|it| Duration::from_nanos(it.into_inner())) }
    }
}

/// Compiles a module that came from a file, and says how long each stage took.
fn compile(path: &Path, wasm: &[u8], options: &Options) -> Result<(Artifact, Times)> {
    let clock = Clock::default();
    let result = wootz_compiler::compile_observed(wasm, options, &|event| clock.note(event));
    let times = clock.times();
    let artifact = result.with_context(|| format!("cannot compile {}", files::name(path)))?;
    Ok((artifact, times))
}

fn table(times: &Times) -> String {
    let mut text = String::new();
    let mut row = |name: &str, time: Duration, what: &str| {
        writeln!(text, "{name:<12}{:>10.3} ms{what}", time.as_secs_f64() * 1e3)
            .expect("strings can be written to");
    };
    for &(stage, time) in &times.stages {
        row(stage.name(), time, "");
        if stage == Stage::Functions {
            for step in Step::ALL {
                let name = format!("  {}", step.name());
                row(&name, times.steps[step as usize], " in all threads");
            }
        }
    }
    row("total", times.stages.iter().map(|(_, time)| *time).sum(), "");
    text
}
