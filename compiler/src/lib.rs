//! Compiles WebAssembly modules ahead of time into ordinary native files.
//!
//! [`compile`] tells the whole story; each module below is one of its steps, in the order in which data flows. A module
//! imports only modules listed above it.
//!
//! ```
//! let wasm = b"\0asm\x01\0\0\0"; // the empty module
//! let library = wootz_compiler::compile(wasm, &wootz_compiler::Options::default())?;
//! assert!(library.starts_with(b"\x7fELF"));
//! # Ok::<(), wootz_compiler::Error>(())
//! ```

/// What can go wrong.
mod error;
/// What the user chose.
mod options;
/// Names of C symbols.
pub mod c_names;
/// What people call machines, and which of them they mean.
mod target_names;
/// Processors by name, and what they can do.
mod processor;
/// The machine compiled for, and how Cranelift is set up for it.
mod target;
/// How much work reading debug information may make.
mod budget;
/// What distinguishes the files that a module may become.
mod fingerprint;
/// Bytes to a validated module.
mod parse;
/// The module's own debug information, as far as its units.
mod guest_dwarf;
/// What frames must keep, because the module's own debug information speaks of it.
mod kept;
/// Functions that are known by what they compute.
mod idiom;
/// What function bodies do, as far as decisions about the whole module depend on it.
mod survey;
/// Module to work list: symbols, layout of the vmctx, images of memories. What is decided before any code is made.
mod plan;
/// Signatures of compiled code, and who passes what to whom.
mod convention;
/// Where in the wasm file code comes from.
mod places;
/// What a thread reuses from one function to the next, and how functions are spread over threads.
mod worker;
/// One function body to CLIF.
mod translate;
/// The code between wasm and host, as CLIF.
mod trampoline;
/// CLIF to better CLIF.
mod optimise;
/// How to unwind from each instruction of a function, as DWARF tells it.
mod unwinding;
/// Machine code to less machine code.
mod compact;
/// CLIF to machine code.
mod codegen;
/// The machine code of all functions to one text.
mod link;
/// The module's own debug information to a table of functions, files and lines of its source.
mod source_lines;
/// A section being written whose addresses are not known yet.
mod recorder;
/// What debuggers read.
mod debug;
/// What the loader needs to know.
mod metadata;
/// Everything to a file, by container format.
mod object;
/// Any stage as text.
pub mod dump;

use wootz_runtime::abi::artifact::SourceLines;
use wootz_runtime::abi::manifest::Manifest;

pub use debug::{source_map_url, text};
pub use error::{Error, MissingProposal, Result};
pub use fingerprint::fingerprint;
pub use options::{
    AddressMap, CpuFeature, DebugInfo, Debugger, Emit, Event, Features, Observe, OptLevel,
    Optimisation, Options, SourceMap, Stage, Step, TargetCpu, WasmFeature,
};
pub use target_names::{TARGETS, debugger, extension};

use target::Target;
use worker::Worker;

/// The version of the compiler.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Checks a WebAssembly module (binary format) without compiling it. Of the options, only the proposals and the number of
/// threads matter.
///
/// # Errors
/// If the module is invalid.
pub fn validate(wasm: &[u8], options: &Options) -> Result<()> {
    validate_module(wasm, options)
        .map_err(|error| parse::name_missing(wasm, &options.features, error))
}

/// As [`validate`], and checks the custom sections that the specification gives a meaning: that branch hints are for branches.
/// A compiler ignores what is wrong with them.
///
/// # Errors
/// If the module is invalid, or one of these sections is.
pub fn validate_with_custom_sections(wasm: &[u8], options: &Options) -> Result<()> {
    validate(wasm, options)?;
    parse::check_branch_hints(&parse::module(wasm, &options.features)?)
}

/// What a WebAssembly module (binary format) imports and exports, with all types, as the artifact of the module has it. Function
/// bodies are not looked at.
///
/// ```
/// let wasm = wat::parse_str(r#"(module (import "env" "log" (func (param i32))))"#)?;
/// let interface = wootz_compiler::interface(&wasm, &wootz_compiler::Options::default())?;
/// assert_eq!(interface.imports[0].name, "log");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If it is no valid module, or if the options contradict each other or ask for something unknown.
pub fn interface(wasm: &[u8], options: &Options) -> Result<Manifest> {
    let target = target::lookup(options)?;
    let interface = || {
        let module = parse::module(wasm, &target.able(&options.features))?;
        let plan = plan::lay_out(&module, &target, options)?;
        Ok(metadata::manifest(&plan))
    };
    interface().map_err(|error| explain(wasm, &target, options, error))
}

/// What the DWARF of a WebAssembly module (binary format) says about these offsets in it, which ascend: the functions, files and
/// lines that they come from. An artifact has it for fewer offsets, those that backtraces show.
///
/// # Errors
/// If it is no valid module. Function bodies are not looked at, and DWARF that cannot be read is left out.
pub fn source_lines_at(wasm: &[u8], offsets: &[u32], options: &Options) -> Result<SourceLines> {
    let module = parse::module(wasm, &options.features)?;
    Ok(source_lines::table(&module, offsets, options))
}

fn validate_module(wasm: &[u8], options: &Options) -> Result<()> {
    let module = parse::module(wasm, &options.features)?;
    let functions = module.functions_with_bodies();
    worker::in_parallel(&functions, options.threads, |worker, &(index, body)| {
        body.validate(&mut worker.validator).map_err(|error| module.invalid_body(index, error))
    })
    .map(drop)
}

/// Compiles a WebAssembly module (binary format) into a native file, whose bytes it returns.
///
/// The same input and options always give the same bytes, on any machine and with any number of threads, unless the
/// options say "for this machine".
///
/// # Errors
/// If the module is invalid or exceeds an implementation limit, or if the options contradict each other or ask for
/// something unknown.
pub fn compile(wasm: &[u8], options: &Options) -> Result<Vec<u8>> {
    compile_observed(wasm, options, &|_| ()).map(|artifact| artifact.file)
}

/// What a module was compiled to.
#[derive(Debug)]
pub struct Artifact {
    /// The native file.
    pub file: Vec<u8>,
    /// The file with its debug information, if [`DebugInfo::separate`] asks for one.
    pub debug_file: Option<Vec<u8>>,
    /// What of the module's own debug information was left out, and why.
    pub warnings: Vec<String>,
}

/// Like [`compile`], with everything that there is besides the file; and tells `observe` each time a stage begins, or a
/// step of a function on one of the threads: what `--time` shows is measured with it.
///
/// # Errors
/// As [`compile`].
pub fn compile_observed(wasm: &[u8], options: &Options, observe: &Observe<'_>) -> Result<Artifact> {
    observe(Event::Stage(Stage::Parse));
    let target = target::lookup(options)?;
    compile_module(wasm, &target, options, observe)
        .map_err(|error| explain(wasm, &target, options, error))
}

/// An error that says what a module that was refused would have needed.
fn explain(wasm: &[u8], target: &Target, options: &Options, error: Error) -> Error {
    let error = parse::name_missing(wasm, &target.able(&options.features), error);
    target.explain(options, error)
}

fn compile_module(
    wasm: &[u8],
    target: &Target,
    options: &Options,
    observe: &Observe<'_>,
) -> Result<Artifact> {
    object::check(target.triple())?;
    let module = parse::module(wasm, &target.able(&options.features))?;
    observe(Event::Stage(Stage::Plan));
    let plan = plan::lay_out(&module, target, options)?;
    // From here on no symbol, type or vmctx slot is added: functions compile in any order.
    observe(Event::Stage(Stage::Functions));
    let functions = worker::in_parallel(&plan.work, options.threads, |worker, &work| {
        match work {
            plan::Work::Table(index) => return Ok(codegen::table(&plan, target, index)),
            plan::Work::Trap => return Ok(codegen::trap(target)),
            plan::Work::Function(_) | plan::Work::Trampoline(_) => {}
        }
        let make = |worker: &mut Worker, checks_stack: bool| {
            observe(Event::Step(Step::Translate));
            match work {
                plan::Work::Function(index) => {
                    translate::body(worker, &plan, target, index, checks_stack)?;
                }
                plan::Work::Trampoline(trampoline) => {
                    trampoline::build(worker, &plan, target, trampoline);
                }
                plan::Work::Table(_) | plan::Work::Trap => unreachable!("it needs no CLIF"),
            }
            observe(Event::Step(Step::Optimise));
            let isa = optimise::function(worker, &plan, target)?;
            let function = codegen::function(worker, &plan, target, isa, observe)?;
            observe(Event::Done);
            Ok(function)
        };
        let checks_stack = plan.checks_stack(work);
        let function = make(worker, checks_stack)?;
        match checks_stack || function.frame_bytes <= plan::MOST_UNCHECKED_BYTES {
            true => Ok(function),
            // Nobody could know before.
            false => make(worker, true),
        }
    })?;
    observe(Event::Stage(Stage::Link));
    let code = link::text(functions, &plan, target, options)?;
    // From here on every code offset is known.
    observe(Event::Stage(Stage::SourceLines));
    let source_lines = source_lines::table(&module, &code.stops, options);
    let debug = options.debug_info.as_ref();
    let debug = debug.map(|info| debug::sections(&plan, &code, target, info));
    let (debug, warnings) =
        debug.map_or((None, Vec::new()), |(debug, warnings)| (Some(debug), warnings));
    observe(Event::Stage(Stage::Write));
    let metadata = metadata::assemble(&plan, &code, source_lines, target, options)
        .to_bytes(target.byte_order())
        .map_err(|e| Error::Limit { message: e.to_string() })?;
    let object::Files { file, debug_file } = object::write(
        object::Contents {
            triple: target.triple(),
            text: &code.text,
            metadata,
            image: &plan.contents.image,
            symbols: &link::symbols(&plan, &code, options.symbols),
            unwind: if options.unwind_info { &code.unwind } else { &[] },
            cie: unwinding::common_entry(&*target.isa, options.emit == Emit::SharedLibrary),
            descriptor_symbol: &c_names::descriptor_symbol(options.prefix.as_deref()),
            debug: debug.as_ref(),
            trap_cell: code.trap_cell,
            separate: options.debug_info.as_ref().and_then(|debug| debug.separate.as_deref()),
        },
        match options.emit {
            Emit::SharedLibrary => object::Container::SharedLibrary,
            Emit::Object => object::Container::Object,
            Emit::Archive => object::Container::Archive,
        },
    )?;
    Ok(Artifact { file, debug_file, warnings })
}
