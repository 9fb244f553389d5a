//! One test a file: `filetests/STAGE/NAME.wat` is a module, what is done with it, and what must come of it.
//!
//! ```text
//! ;; What this protects, in a sentence or more.
//! ;; options: opt-level=none cpu=x86-64-v3      how it is compiled (also prefix, reservation, guard, fuel, epochs, feature)
//! ;; func: NAME                                 which function is shown (clif, asm); may be repeated
//! ;; invoke: NAME ARGUMENT...                   what is called (trap, run); may be repeated
//! ;; provide: MODULE FIELDS                     what is there to be imported: an instance of (module FIELDS)
//!
//! (module ...)
//!
//! ;; What is expected.
//! ```
//! `make bless` (or `BLESS=1`) writes what was found in place of what was expected.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use libtest_mimic::{Arguments, Failed, Trial};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol};
use wootz::{Config, Engine, Linker, Module, Store, Trap, Val, WasmBacktrace};
use wootz_compiler::dump::{DumpStage, dump};
use wootz_compiler::{Emit, Options, WasmFeature};
use wootz_tests::{difference, files, root, stem};

const STAGES: &[&str] = &["parse", "plan", "clif", "asm", "object", "link-error", "run", "trap"];

/// The machine that plan, CLIF, machine code and objects are shown for, wherever the tests run.
const TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() {
    let arguments = Arguments::from_args();
    let folder = root().join("tests/filetests");
    let mut trials = Vec::new();
    for &stage in STAGES {
        for path in files(&folder.join(stage), "wat") {
            trials
                .push(Trial::test(format!("{stage}/{}", stem(&path)), move || check(stage, &path)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(stage: &str, path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let test = Test::parse(&text)?;
    let wasm =
        wat::Parser::new().parse_str(Some(path), &text).map_err(|error| error.to_string())?;
    let found = match stage {
        "parse" | "plan" | "clif" | "asm" => dumped(&test, &wasm, stage),
        "object" => objects(&test, &wasm),
        "link-error" => link_error(&test, &wasm),
        _ => executed(&test, &wasm),
    };
    // That a module is refused may be just what is tested.
    let found = found.unwrap_or_else(|error| format!("error: {error:#}\n"));
    let found: String =
        found.lines().map(|line| format!(";; {line}").trim_end().to_string() + "\n").collect();
    if std::env::var_os("BLESS").is_some() {
        let blessed = format!("{}\n\n{found}", test.input.trim_end());
        if blessed != text {
            std::fs::write(path, blessed)?;
        }
        return Ok(());
    }
    let difference = difference(test.expected, &found);
    match difference.is_empty() {
        true => Ok(()),
        false => {
            Err(format!("{}: {difference}`make bless` accepts what is found", path.display())
                .into())
        }
    }
}

/// A file, taken apart.
struct Test<'a> {
    /// Everything up to the expectation.
    input: &'a str,
    expected: &'a str,
    options: Vec<(&'a str, &'a str)>,
    functions: Vec<&'a str>,
    invocations: Vec<&'a str>,
    provided: Vec<&'a str>,
}

impl<'a> Test<'a> {
    fn parse(text: &'a str) -> Result<Test<'a>> {
        let is_comment = |line: &str| line.starts_with(";;") || line.trim().is_empty();
        let expected_bytes: usize = text
            .split_inclusive('\n')
            .rev()
            .take_while(|line| is_comment(line))
            .map(str::len)
            .sum();
        let (input, expected) = text.split_at(text.len() - expected_bytes);
        let mut test = Test {
            input,
            expected: expected.trim_start(),
            options: Vec::new(),
            functions: Vec::new(),
            invocations: Vec::new(),
            provided: Vec::new(),
        };
        let mut comments = input
            .lines()
            .take_while(|line| is_comment(line))
            .map(|line| line.trim_start_matches([';', ' ']));
        let first = comments.next().unwrap_or_default();
        if first.is_empty() || first.starts_with("options:") || first.starts_with("invoke:") {
            bail!("the first line must be a comment that says what the file protects");
        }
        for line in comments {
            match line.split_once(':').map(|(key, value)| (key, value.trim())) {
                Some(("options", value)) => {
                    for option in value.split_whitespace() {
                        let pair = option
                            .split_once('=')
                            .with_context(|| format!("`{option}` is not NAME=VALUE"))?;
                        test.options.push(pair);
                    }
                }
                Some(("func", value)) => test.functions.push(value),
                Some(("invoke", value)) => test.invocations.push(value),
                Some(("provide", value)) => test.provided.push(value),
                _ => {}
            }
        }
        Ok(test)
    }

    fn options(&self) -> Result<Options> {
        let mut options =
            Options { target: Some(TARGET.to_string()), threads: Some(1), ..Options::default() };
        for &(name, value) in &self.options {
            match name {
                "opt-level" => options.opt_level = value.parse()?,
                "cpu" => options.cpu = value.parse()?,
                "no-opt" => _ = options.skipped.insert(value.parse()?),
                "prefix" => {
                    options.prefix = Some(value.to_string());
                    options.emit = Emit::Object;
                }
                "reservation" => options.memory_reservation = value.parse()?,
                "guard" => options.memory_guard = value.parse()?,
                "fuel" => options.consume_fuel = value.parse()?,
                "epochs" => options.epoch_interruption = value.parse()?,
                "feature" => {
                    let feature: WasmFeature = value.parse()?;
                    options.features.set(feature.name, feature.enabled)?;
                }
                _ => bail!("unknown option `{name}`"),
            }
        }
        Ok(options)
    }

    fn engine(&self) -> Result<Engine> {
        let mut config = Config::new();
        for &(name, value) in &self.options {
            match name {
                "opt-level" if value == "none" => config.cranelift_opt_level(wootz::OptLevel::None),
                "reservation" => config.memory_reservation(value.parse()?),
                "guard" => config.memory_guard_size(value.parse()?),
                _ => bail!("unknown option `{name}={value}`"),
            };
        }
        Engine::new(&config)
    }
}

/// A stage as the compiler tells it.
fn dumped(test: &Test<'_>, wasm: &[u8], stage: &str) -> Result<String> {
    let (options, stage) = (test.options()?, stage.parse::<DumpStage>()?);
    if test.functions.is_empty() {
        return Ok(dump(wasm, &options, stage, None)?);
    }
    let texts: wootz_compiler::Result<Vec<_>> =
        test.functions.iter().map(|name| dump(wasm, &options, stage, Some(name))).collect();
    Ok(texts?.join("\n"))
}

/// What is in the files, without places and sizes: those change with everything.
fn objects(test: &Test<'_>, wasm: &[u8]) -> Result<String> {
    let mut text = String::new();
    for (title, emit) in [("shared library", Emit::SharedLibrary), ("object", Emit::Object)] {
        let options = test.options()?;
        let prefix = options.prefix.clone().filter(|_| emit == Emit::Object);
        let bytes = wootz_compiler::compile(wasm, &Options { emit, prefix, ..options })?;
        let file = object::File::parse(&*bytes)?;
        writeln!(text, "{title}: {:?} {:?}", file.architecture(), file.kind())?;
        for segment in file.segments() {
            let permissions = segment.permissions();
            let letter = |set, letter| if set { letter } else { '-' };
            let (read, write) =
                (letter(permissions.readable(), 'r'), letter(permissions.writable(), 'w'));
            writeln!(text, "  segment {read}{write}{}", letter(permissions.executable(), 'x'))?;
        }
        for section in file.sections() {
            let relocations = section.relocations().count();
            let relocations = if relocations > 0 {
                format!(", {relocations} relocations")
            } else {
                String::new()
            };
            writeln!(text, "  section {} {:?}{relocations}", section.name()?, section.kind())?;
        }
        for (table, symbols) in
            [("symbol", file.symbols()), ("dynamic symbol", file.dynamic_symbols())]
        {
            for symbol in symbols {
                let scope = if symbol.is_undefined() {
                    "undefined".to_string()
                } else {
                    format!("{:?}", symbol.scope())
                };
                let section =
                    symbol.section_index().and_then(|index| file.section_by_index(index).ok());
                let section =
                    section.as_ref().and_then(|section| section.name().ok()).unwrap_or("-");
                writeln!(
                    text,
                    "  {table} {} {:?} {scope} in {section}",
                    symbol.name()?,
                    symbol.kind()
                )?;
            }
        }
    }
    Ok(text)
}

/// Why a module cannot be instantiated.
fn link_error(test: &Test<'_>, wasm: &[u8]) -> Result<String> {
    let engine = test.engine()?;
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    match linker(test, &mut store)?.instantiate(&mut store, &module) {
        Ok(_) => bail!("the module can be instantiated"),
        Err(error) => Ok(format!("{error:?}\n")
            .split("\n\nStack backtrace:")
            .next()
            .unwrap_or_default()
            .to_string()),
    }
}

fn linker(test: &Test<'_>, store: &mut Store<()>) -> Result<Linker<()>> {
    let mut linker = Linker::new(store.engine());
    for provided in &test.provided {
        let (name, fields) =
            provided.split_once(' ').context("expected `provide: MODULE FIELDS`")?;
        let module = Module::new(store.engine(), format!("(module {fields})"))?;
        let instance = linker.instantiate(&mut *store, &module)?;
        linker.instance(&mut *store, name, instance)?;
    }
    Ok(linker)
}

/// What calls return, or how they fail.
fn executed(test: &Test<'_>, wasm: &[u8]) -> Result<String> {
    let engine = test.engine()?;
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    let mut text = String::new();
    let instance = match linker(test, &mut store)?.instantiate(&mut store, &module) {
        Ok(instance) => instance,
        Err(error) => return Ok(failure("instantiation", &error)),
    };
    for invocation in &test.invocations {
        let mut words = invocation.split_whitespace();
        let name = words.next().context("expected `invoke: NAME ARGUMENT...`")?;
        let function =
            instance.get_func(&mut store, name).with_context(|| format!("no function `{name}`"))?;
        let ty = function.ty(&store);
        let arguments = ty
            .params()
            .zip(words)
            .map(|(ty, word)| value(&ty, word))
            .collect::<Result<Vec<_>>>()?;
        let mut results = vec![Val::I32(0); ty.results().len()];
        match function.call(&mut store, &arguments, &mut results) {
            Ok(()) => {
                let results: Vec<_> = results.iter().map(shown).collect();
                writeln!(text, "{invocation}: {}", results.join(" "))?;
            }
            Err(error) => text += &failure(invocation, &error),
        }
    }
    Ok(text)
}

fn failure(what: &str, error: &wootz::Error) -> String {
    let message = match error.downcast_ref::<Trap>() {
        Some(trap) => format!("{trap}"),
        None => format!("{}", error.root_cause()),
    };
    match error.downcast_ref::<WasmBacktrace>() {
        Some(backtrace) => format!("{what}: {message}\n{backtrace}\n"),
        None => format!("{what}: {message}\n"),
    }
}

fn value(ty: &wootz::ValType, word: &str) -> Result<Val> {
    Ok(match ty {
        wootz::ValType::I32 => Val::I32(word.parse::<i64>()? as i32),
        wootz::ValType::I64 => Val::I64(word.parse()?),
        wootz::ValType::F32 => Val::F32(word.parse::<f32>()?.to_bits()),
        wootz::ValType::F64 => Val::F64(word.parse::<f64>()?.to_bits()),
        wootz::ValType::Ref(ty) if word == "null" => Val::null_ref(ty.heap_type()),
        other => bail!("no way to write a {other}"),
    })
}

fn shown(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => format!("{:?}", f32::from_bits(*bits)),
        Val::F64(bits) => format!("{:?}", f64::from_bits(*bits)),
        Val::FuncRef(None) | Val::ExternRef(None) => "null".to_string(),
        Val::FuncRef(Some(_)) => "a function".to_string(),
        Val::ExternRef(Some(_)) => "an object of the host".to_string(),
        other => format!("{other:?}"),
    }
}
