//! Any stage of compilation as text: for people who want to see what becomes of their module.

use std::fmt::Write as _;
use std::str::FromStr;

use wootz_runtime::abi::artifact::TRAP_CELL_SYMBOL;
use wootz_runtime::abi::index::{FuncIndex, TableIndex};

use crate::error::{Error, Result};
use crate::options::Options;
use crate::parse::{self, Module};
use crate::plan::{self, Plan, Symbol, Work};
use crate::target::{self, Target};
use crate::worker::{Worker, in_parallel};
use crate::{c_names, codegen, optimise, trampoline, translate};

/// A stage of compilation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DumpStage {
    /// What the module defines.
    Parse,
    /// Where everything goes: the layout of the vmctx, the work list, what becomes of data segments.
    Plan,
    /// The functions as CLIF, before optimisation.
    Clif,
    /// The functions as CLIF, after optimisation.
    ClifOptimized,
    /// The functions as machine code, in Cranelift's notation, as it is before it is made shorter; with the offsets of traps and
    /// relocations, as they are behind that.
    Asm,
}

impl DumpStage {
    /// The stages, in order, by the names that [`FromStr`] takes.
    pub const NAMES: &'static [&'static str] = &["parse", "plan", "clif", "clif-optimized", "asm"];
}

impl FromStr for DumpStage {
    type Err = Error;

    fn from_str(name: &str) -> Result<DumpStage> {
        Ok(match name {
            "parse" => DumpStage::Parse,
            "plan" => DumpStage::Plan,
            "clif" => DumpStage::Clif,
            "clif-optimized" => DumpStage::ClifOptimized,
            "asm" => DumpStage::Asm,
            _ => {
                let message =
                    format!("unknown stage `{name}`; there are {}", DumpStage::NAMES.join(", "));
                return Err(Error::Options { message });
            }
        })
    }
}

/// A stage as text.
///
/// `function` restricts the stages that show functions to one of them: its index, its name, or a symbol's name such as
/// `wootz_entry_0`.
///
/// # Errors
/// As [`compile`](crate::compile), and if there is no such function.
pub fn dump(
    wasm: &[u8],
    options: &Options,
    stage: DumpStage,
    function: Option<&str>,
) -> Result<String> {
    let target = target::lookup(options)?;
    let module = parse::module(wasm, &target.able(&options.features))?;
    if stage == DumpStage::Parse {
        return Ok(parsed(&module));
    }
    let plan = plan::lay_out(&module, &target, options)?;
    if stage == DumpStage::Plan {
        return Ok(planned(&plan, &target, options));
    }
    let work = chosen(&plan, function)?;
    let texts = in_parallel(&work, options.threads, |worker, &symbol| {
        shown(worker, &plan, &target, symbol, stage)
    })?;
    Ok(texts.join("\n"))
}

fn chosen(plan: &Plan<'_>, function: Option<&str>) -> Result<Vec<Symbol>> {
    let all = (0..plan.work.len() as u32).map(Symbol);
    let Some(wanted) = function else { return Ok(all.collect()) };
    let index = wanted.parse().ok().map(FuncIndex);
    let found = all.into_iter().find(|symbol| match plan.work[symbol.0 as usize] {
        Work::Function(function) if index.is_some() => Some(function) == index,
        _ => plan.symbols[symbol.0 as usize] == wanted,
    });
    match found {
        Some(symbol) => Ok(vec![symbol]),
        None => {
            let imported = plan.module.imported_functions();
            let message = format!(
                "the module defines no function `{wanted}`; it defines functions {imported} to {}",
                plan.module.functions.len().saturating_sub(1),
            );
            Err(Error::Options { message })
        }
    }
}

fn shown(
    worker: &mut Worker,
    plan: &Plan<'_>,
    target: &Target,
    symbol: Symbol,
    stage: DumpStage,
) -> Result<String> {
    let mut text = match plan.work[symbol.0 as usize] {
        Work::Function(index) => {
            translate::body(
                worker,
                plan,
                target,
                index,
                plan.checks_stack(plan.work[symbol.0 as usize]),
            )?;
            format!("; function {} `{}`\n", index.0, plan.symbols[symbol.0 as usize])
        }
        Work::Table(table) => return Ok(table_text(plan, table)),
        Work::Trap => {
            let name = &plan.symbols[symbol.0 as usize];
            return Ok(format!(
                "; trampoline `{name}`: a jump to the address in `{TRAP_CELL_SYMBOL}`\n"
            ));
        }
        Work::Trampoline(trampoline) => {
            trampoline::build(worker, plan, target, trampoline);
            format!("; trampoline `{}`\n", plan.symbols[symbol.0 as usize])
        }
    };
    match stage {
        DumpStage::Clif => write!(text, "{}", worker.context.func.display()),
        DumpStage::ClifOptimized => {
            optimise::function(worker, plan, target)?;
            write!(text, "{}", worker.context.func.display())
        }
        _ => {
            worker.context.set_disasm(true);
            let isa = optimise::function(worker, plan, target)?;
            let function = codegen::function(worker, plan, target, isa, &|_| ())?;
            let code = worker.code.as_ref();
            text.push_str(code.and_then(|code| code.vcode.as_deref()).unwrap_or_default());
            for (offset, trap) in &function.traps {
                let _ = writeln!(text, "; trap at {offset:#x}: {trap}");
            }
            for relocation in &function.relocations {
                let name = &plan.symbols[relocation.target.0 as usize];
                let _ = writeln!(text, "; at {:#x}: `{name}`", relocation.offset);
            }
            Ok(())
        }
    }
    .expect("strings can be written to");
    Ok(text)
}

/// What calls through a table that never changes look at.
fn table_text(plan: &Plan<'_>, index: TableIndex) -> String {
    let (table, symbol) = plan.const_table(index).expect("it is in the work list");
    let mut text = format!("; table `{}`\n", plan.symbols[symbol.0 as usize]);
    for (index, element) in table.elements.iter().enumerate() {
        let function = element.map(|function| match plan.function(function) {
            Some(symbol) => format!("`{}`", plan.symbols[symbol.0 as usize]),
            None => format!("imported function {}", function.0),
        });
        let _ = writeln!(text, "{index}: {}", function.as_deref().unwrap_or("null"));
    }
    text
}

fn parsed(module: &Module<'_>) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        writeln!(text, "{args}").expect("strings can be written to")
    };
    if let Some(name) = module.names.module {
        line(format_args!("module {name}"));
    }
    for (index, ty) in module.signatures.iter().enumerate() {
        line(format_args!("signature {index}: {ty}"));
    }
    for import in &module.imports {
        line(format_args!("import {}::{}: {:?}", import.module, import.name, import.item));
    }
    for (index, signature) in module.functions.iter().enumerate() {
        let name = module.names.symbol(FuncIndex::from_position(index)).unwrap_or("");
        match index.checked_sub(module.imported_functions()) {
            None => {
                line(format_args!("function {index}: signature {}, imported  {name}", signature.0))
            }
            Some(defined) => {
                let range = module.bodies[defined].reader.range();
                line(format_args!(
                    "function {index}: signature {}, {:#x}..{:#x}  {name}",
                    signature.0, range.start, range.end
                ));
            }
        }
    }
    for (index, ty) in module.tables.iter().enumerate() {
        line(format_args!("table {index}: {ty}"));
    }
    for (index, ty) in module.memories.iter().enumerate() {
        line(format_args!("memory {index}: {ty}"));
    }
    for (index, ty) in module.globals.iter().enumerate() {
        line(format_args!("global {index}: {ty}"));
    }
    for export in &module.exports {
        line(format_args!("export {}: {:?}", export.name, export.item));
    }
    for (index, element) in module.elements.iter().enumerate() {
        line(format_args!(
            "element segment {index}: {} {:?} {:?}",
            element.ty, element.mode, element.items
        ));
    }
    for (index, data) in module.data.iter().enumerate() {
        line(format_args!("data segment {index}: {} bytes, {:?}", data.bytes.len(), data.mode));
    }
    for (name, bytes) in &module.custom_sections {
        line(format_args!("custom section {name}: {} bytes", bytes.len()));
    }
    text
}

fn planned(plan: &Plan<'_>, target: &Target, options: &Options) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        writeln!(text, "{args}").expect("strings can be written to")
    };
    line(format_args!("target {} with {}", target.triple(), target.cpu_features.join(", ")));
    line(format_args!("descriptor {}", c_names::descriptor_symbol(options.prefix.as_deref())));
    line(format_args!("vmctx {:#?}", plan.layout));
    for (index, memory) in plan.memories.iter().enumerate() {
        line(format_args!("memory {index}: {} {:?}", memory.ty, memory.checks));
    }
    for image in &plan.contents.images {
        line(format_args!(
            "image of memory {}: {} bytes at {:#x}",
            image.memory.0, image.image.bytes, image.offset
        ));
    }
    let mut segments =
        plan.contents.segments.iter().map(|segment| segment.index.index()).peekable();
    for index in 0..plan.module.data.len() {
        let place = segments.next_if_eq(&index).map_or("in an image", |_| "a segment");
        line(format_args!("data segment {index}: {place}"));
    }
    for (work, symbol) in plan.work.iter().zip(&plan.symbols) {
        line(format_args!("{symbol}: {work:?}"));
    }
    text
}
