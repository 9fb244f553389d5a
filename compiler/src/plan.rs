//! Module to work list: what is decided before any code is made.
//!
//! In: a [`Module`]. Out: a [`Plan`]: where each thing lies in the vmctx, which functions and trampolines there are and
//! what their symbols are called, how memories are checked, and what their first contents are.
//!
//! Always true: a symbol is a position in [`Plan::work`]; functions come first, in the order of their indices. Nothing
//! here depends on the order of a hash map.

use std::collections::{BTreeMap, HashMap, HashSet};

use target_lexicon::Architecture;
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::index::{FuncIndex, GlobalIndex, MemoryIndex, SignatureIndex, TableIndex};
use wootz_runtime::abi::manifest::{BoundsChecks, ConstOp, ExportItem, Memory};
use wootz_runtime::abi::types::{
    FuncType, GlobalType, HeapType, MemoryType, RefKind, RefType, TableType, ValType,
};
use wootz_runtime::abi::vmctx::{VmLayout, VmShape};

use crate::c_names;
use crate::error::{Error, Result};
use crate::idiom::{self, Product};
use crate::kept::{self, Kept};
use crate::options::{Emit, Optimisation, Options};
use crate::parse::{Body, Module};
use crate::survey;
use crate::target::Target;

/// The first contents of memories.
mod image;
/// Globals that never change.
mod const_globals;
/// Tables that never change.
mod const_tables;
/// Which functions are translated where they are called.
mod inlining;
/// Which functions ask whether there is enough stack.
mod stack_checks;

pub use const_tables::ConstTable;
pub use image::Contents;
pub use inlining::{Called, Growth, Inlining};
pub use stack_checks::MOST_UNCHECKED_BYTES;

/// What is decided before any code is made.
pub struct Plan<'a> {
    /// The module.
    pub module: &'a Module<'a>,
    /// Where everything lies in the vmctx.
    pub layout: VmLayout,
    /// Every memory, imports first, and how accesses to it are checked.
    pub memories: Vec<Memory>,
    /// What is to be compiled.
    pub work: Vec<Work>,
    /// The name of each piece of work, for symbol tables: unique, not empty, without NUL.
    pub symbols: Vec<String>,
    /// What traps call, if they are calls.
    pub trap: Option<Symbol>,
    /// What data segments become.
    pub contents: Contents,
    /// What can stop code that runs too long.
    pub interrupts: Interrupts,
    /// What relaxed SIMD operators do.
    pub relaxed: Relaxed,
    /// What frames keep for debuggers, if there are to be any.
    pub kept: Option<Kept>,
    /// Functions that are compiled to a product of what they are given.
    pub products: HashMap<FuncIndex, Product>,
    /// Whether tables of branches are comparisons where few do.
    pub compares: bool,
    /// Whether bulk operations on few bytes are single accesses.
    pub expands_bulk: bool,
    /// Whether calls go by name where a table that never changes has few functions that can be meant.
    pub calls_candidates: bool,
    /// Whether loops look at the epoch once in many turns.
    pub skips_turns: bool,
    /// Functions that are translated where they are called.
    pub inlining: Inlining,
    /// Which functions ask whether there is enough stack, by their position among those with a body; all, if there are none here.
    stack_checks: Vec<bool>,
    /// Tables that never change, and calls through which are to go the short way.
    const_tables: BTreeMap<TableIndex, (ConstTable, Symbol)>,
    /// Globals that never change, and are to be constants.
    const_globals: BTreeMap<GlobalIndex, ConstOp>,
    trampolines: HashMap<Trampoline, Symbol>,
}

/// What can stop code that runs too long.
#[derive(Clone, Copy, Debug)]
pub struct Interrupts {
    /// Fuel is counted.
    pub fuel: bool,
    /// Epochs are compared with a deadline.
    pub epochs: bool,
}

/// What relaxed SIMD operators do.
#[derive(Clone, Copy, Debug)]
pub struct Relaxed {
    /// The same on all machines.
    pub deterministic: bool,
    /// How they multiply and add.
    pub multiply_add: MultiplyAdd,
}

/// How `relaxed_madd` and `relaxed_nmadd` multiply and add.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MultiplyAdd {
    /// In one instruction, which rounds once.
    Fused,
    /// In one instruction each, which both round.
    Rounded,
    /// By the runtime, which rounds once, on any machine.
    Runtime,
}

impl Relaxed {
    fn new(target: &Target, options: &Options) -> Relaxed {
        let deterministic = options.relaxed_simd_deterministic;
        let multiply_add = match (target.isa.has_native_fma(), deterministic) {
            (true, _) => MultiplyAdd::Fused,
            (false, false) => MultiplyAdd::Rounded,
            (false, true) => MultiplyAdd::Runtime,
        };
        Relaxed { deterministic, multiply_add }
    }
}

/// A piece of work: what becomes one symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// A defined function, by its index among all functions.
    Function(FuncIndex),
    /// Code between wasm and host.
    Trampoline(Trampoline),
    /// What calls through a table that never changes look at: it is among the code, because code finds it there.
    Table(TableIndex),
    /// What traps that are calls call: the way to where the runtime wants them.
    Trap,
}

/// Code between wasm and host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trampoline {
    /// Host to wasm, for functions of one signature.
    Entry(SignatureIndex),
    /// Wasm to host, for functions of one signature.
    Exit(SignatureIndex),
    /// Wasm to a built-in function.
    Builtin(Builtin),
    /// C to an export, by its position among them.
    Export(u32),
}

/// A position in [`Plan::work`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Symbol(pub u32);

/// How many defined functions and types a module may have, and how large a body may be: the limits that the
/// JavaScript interface of WebAssembly sets for all engines are enforced by the validator; this one is ours.
const MOST_VMCTX_ITEMS: usize = 10_000_000;

/// How many locals a function may have, parameters included: one of those limits.
const MOST_LOCALS: usize = 50_000;

/// Decides where everything goes.
///
/// # Errors
/// If the module exceeds a limit, or the prefix is none.
pub fn lay_out<'a>(module: &'a Module<'a>, target: &Target, options: &Options) -> Result<Plan<'a>> {
    check_prefix(options)?;
    let shape = shape(module)?;
    let memories: Vec<Memory> = module
        .memories
        .iter()
        .enumerate()
        .map(|(index, &ty)| {
            // A shared memory has room for its own maximum. That of one that is imported may be smaller than is said here.
            let shared = ty.shared && index >= module.imported_memories;
            let reserved = MemoryType { shared, ..ty };
            let (reservation, guard) = (options.memory_reservation, options.memory_guard);
            Memory { ty, checks: BoundsChecks::of(&reserved, reservation, guard) }
        })
        .collect();
    let interrupts = Interrupts { fuel: options.consume_fuel, epochs: options.epoch_interruption };
    let relaxed = Relaxed::new(target, options);
    let calls_fma =
        relaxed.multiply_add == MultiplyAdd::Runtime && options.features.contains("relaxed-simd");
    let survey = survey::survey(module);
    let mut work = work(module, interrupts, calls_fma);
    let trap = target.own.rewriting.calls_traps.then_some(Symbol(work.len() as u32));
    work.extend(trap.map(|_| Work::Trap));
    if options.prefix.is_some() {
        let exports = 0..module.exports.len() as u32;
        work.extend(exports.map(|export| Work::Trampoline(Trampoline::Export(export))));
    }
    let trampolines = work
        .iter()
        .enumerate()
        .filter_map(|(position, work)| match work {
            Work::Trampoline(trampoline) => Some((*trampoline, Symbol(position as u32))),
            Work::Function(_) | Work::Table(_) | Work::Trap => None,
        })
        .collect();
    // Elsewhere, code cannot tell where something else in the module is without help from whoever loads it.
    let finds_tables = target.triple().architecture == Architecture::X86_64;
    let mut const_tables = BTreeMap::new();
    if finds_tables && options.optimises(Optimisation::ConstTables) {
        for (index, table) in const_tables::find(module, &survey) {
            const_tables.insert(index, (table, Symbol(work.len() as u32)));
            work.push(Work::Table(index));
        }
    }
    // There is no frame pointer there to count from.
    let knows_frames = target.triple().architecture != Architecture::S390x;
    Ok(Plan {
        module,
        layout: VmLayout::new(shape),
        memories,
        symbols: symbols(module, &work, options.prefix.as_deref()),
        work,
        trap,
        contents: image::contents(module, target.image_alignment())?,
        interrupts,
        relaxed,
        kept: kept::find(module, options),
        products: match options.optimises(Optimisation::Products) {
            true => idiom::products(module),
            false => HashMap::new(),
        },
        compares: options.optimises(Optimisation::Switches),
        expands_bulk: options.optimises(Optimisation::Bulk),
        calls_candidates: options.optimises(Optimisation::FewCandidates),
        skips_turns: options.optimises(Optimisation::LoopEpochs),
        inlining: match options.optimises(Optimisation::Inlining) && options.debug_info.is_none() {
            true => Inlining::find(module, &survey),
            false => Inlining::default(),
        },
        stack_checks: match knows_frames && options.optimises(Optimisation::StackChecks) {
            true => stack_checks::find(module, &survey),
            false => Vec::new(),
        },
        const_tables,
        const_globals: match options.optimises(Optimisation::ConstGlobals) {
            true => const_globals::find(module, &survey, options.debug_info.is_some()),
            false => BTreeMap::new(),
        },
        trampolines,
    })
}

/// Whether C symbols can begin with the prefix, and are wanted at all.
fn check_prefix(options: &Options) -> Result<()> {
    let Some(prefix) = &options.prefix else { return Ok(()) };
    if options.emit == Emit::SharedLibrary {
        let message =
            "a prefix is for objects: loaders look for the module in a shared library without one";
        return Err(Error::Options { message: message.to_string() });
    }
    c_names::check_prefix(prefix)
}

fn shape(module: &Module<'_>) -> Result<VmShape> {
    let count = |what: &str, count: usize| match count <= MOST_VMCTX_ITEMS {
        true => Ok(count as u32),
        false => Err(Error::Limit {
            message: format!("it has {count} {what}, at most {MOST_VMCTX_ITEMS} are possible"),
        }),
    };
    Ok(VmShape {
        imported_functions: count("imported functions", module.imported_functions())?,
        imported_tables: count("imported tables", module.imported_tables())?,
        imported_memories: count("imported memories", module.imported_memories)?,
        imported_globals: count("imported globals", module.imported_globals())?,
        imported_tags: count("imported tags", module.imported_tags)?,
        tables: count("tables", module.table_inits.len())?,
        memories: count("memories", module.memories.len() - module.imported_memories)?,
        globals: count("globals", module.global_inits.len())?,
        tags: count("tags", module.tags.len() - module.imported_tags)?,
        funcrefs: count("functions that may be referred to", module.funcrefs.len())?,
        signatures: count("signatures", module.signatures.len())?,
    })
}

fn work(module: &Module<'_>, interrupts: Interrupts, calls_fma: bool) -> Vec<Work> {
    let imported = module.imported_functions();
    let mut work: Vec<Work> = (imported..module.functions.len())
        .map(|index| Work::Function(FuncIndex::from_position(index)))
        .collect();
    let mut trampoline = |trampoline| work.push(Work::Trampoline(trampoline));

    // The host can enter through every function that can be referred to; those that are imported have a trampoline
    // where they are defined.
    let mut entered = vec![false; module.signatures.len()];
    for funcref in module.funcrefs.iter().filter(|funcref| funcref.index() >= imported) {
        entered[module.functions[funcref.index()].index()] = true;
    }
    // Every import may be a function of the host's, and so may be every function that is called by reference, if any can get in.
    let by_reference = calls_by_reference(module) && takes_references(module);
    let mut left = vec![by_reference; module.signatures.len()];
    for signature in &module.functions[..imported] {
        left[signature.index()] = true;
    }
    for (position, (entered, left)) in entered.into_iter().zip(left).enumerate() {
        let signature = SignatureIndex::from_position(position);
        if entered {
            trampoline(Trampoline::Entry(signature));
        }
        if left {
            trampoline(Trampoline::Exit(signature));
        }
    }

    for &builtin in Builtin::ALL {
        let needed = match builtin {
            Builtin::raise => false,
            Builtin::memory_grow | Builtin::memory_copy | Builtin::memory_fill => {
                !module.memories.is_empty()
            }
            Builtin::memory_atomic_notify
            | Builtin::memory_atomic_wait32
            | Builtin::memory_atomic_wait64 => module.memories.iter().any(|memory| memory.shared),
            Builtin::memory_init => !module.memories.is_empty() && !module.data.is_empty(),
            Builtin::data_drop => !module.data.is_empty(),
            Builtin::table_grow | Builtin::table_fill | Builtin::table_copy => {
                !module.tables.is_empty()
            }
            Builtin::table_init => !module.tables.is_empty() && !module.elements.is_empty(),
            Builtin::elem_drop => !module.elements.is_empty(),
            Builtin::out_of_fuel => interrupts.fuel,
            Builtin::epoch_reached => interrupts.epochs,
            Builtin::fma_f32 | Builtin::fma_f64 => calls_fma,
        };
        if needed {
            trampoline(Trampoline::Builtin(builtin));
        }
    }
    work
}

/// Whether functions that come from elsewhere may be called other than as imports: those in tables, and typed references,
/// which come as values of globals, parameters and results.
fn calls_by_reference(module: &Module<'_>) -> bool {
    let is_typed =
        |ty: &ValType| matches!(ty, ValType::Ref(RefType { heap: HeapType::Signature(_), .. }));
    module.tables.iter().any(|table| table.element.kind() == RefKind::Func)
        || module.globals.iter().any(|global| is_typed(&global.value))
        || module.signatures.iter().any(|ty| ty.params.iter().chain(&ty.results).any(is_typed))
}

/// Whether references to functions of others may get into a module: by tables and globals that others see, or as parameters and
/// results. The table of most programs is its own.
fn takes_references(module: &Module<'_>) -> bool {
    let may_be_one = |ty: RefType| ty.kind() != RefKind::Extern;
    let is_one = |ty: &ValType| matches!(ty, ValType::Ref(ty) if may_be_one(*ty));
    let table = |table: &TableType| may_be_one(table.element);
    let global = |global: &GlobalType| is_one(&global.value);
    let exported = module.exports.iter().any(|export| match export.item {
        ExportItem::Table(index) => table(&module.tables[index.index()]),
        ExportItem::Global(index) => {
            let ty = &module.globals[index.index()];
            ty.mutable && global(ty)
        }
        _ => false,
    });
    exported
        || module.tables[..module.imported_tables()].iter().any(table)
        || module.globals[..module.imported_globals()].iter().any(global)
        || module.signatures.iter().any(|ty| ty.params.iter().chain(&ty.results).any(is_one))
        || !module.object_types.is_empty()
}

/// The C symbols of exports; for everything else readable names: what the name section says, or else an export's name, or
/// else the index; made unique by the index.
fn symbols(module: &Module<'_>, work: &[Work], prefix: Option<&str>) -> Vec<String> {
    let c_symbols: Vec<String> = match prefix {
        Some(prefix) => {
            let exports = module.exports.iter();
            exports.map(|export| c_names::export_symbol(prefix, &export.name)).collect()
        }
        None => Vec::new(),
    };
    // Of two equal names debuggers would not know which is meant.
    let mut taken: HashSet<String> = c_symbols.iter().cloned().collect();
    taken.insert(c_names::descriptor_symbol(prefix));
    taken.reserve(work.len());
    work.iter()
        .map(|work| {
            let (name, index) = match *work {
                Work::Function(index) => (module.names.symbol(index), index.0),
                Work::Trampoline(Trampoline::Entry(signature)) => {
                    (Some("wootz_entry"), signature.0)
                }
                Work::Trampoline(Trampoline::Exit(signature)) => (Some("wootz_exit"), signature.0),
                Work::Trampoline(Trampoline::Builtin(builtin)) => {
                    (Some(builtin.name()), builtin.number())
                }
                Work::Table(table) => (Some("wootz_table"), table.0),
                Work::Trap => (Some("trap"), 0),
                Work::Trampoline(Trampoline::Export(export)) => {
                    return c_symbols[export as usize].clone();
                }
            };
            let mut symbol = match (work, name) {
                (Work::Function(_), Some(name)) => name.replace('\0', "_"),
                (Work::Function(_), None) => format!("wasm_function_{index}"),
                (Work::Trampoline(Trampoline::Builtin(_)) | Work::Trap, name) => {
                    format!("wootz_{}", name.unwrap_or_default())
                }
                (Work::Trampoline(_) | Work::Table(_), name) => {
                    format!("{}_{index}", name.unwrap_or_default())
                }
            };
            while !taken.insert(symbol.clone()) {
                symbol = format!("{symbol}.{index}");
            }
            symbol
        })
        .collect()
}

impl<'a> Plan<'a> {
    /// The symbol of a function, if the module defines it.
    pub fn function(&self, index: FuncIndex) -> Option<Symbol> {
        let position = index.index().checked_sub(self.module.imported_functions())?;
        Some(Symbol(position as u32))
    }

    /// The body of a defined function.
    pub fn body(&self, index: FuncIndex) -> &'a Body<'a> {
        &self.module.bodies[index.index() - self.module.imported_functions()]
    }

    /// The types of the parameters and locals of a defined function, by its position among those. Of a body that was not
    /// validated, which may declare any number of them, as many as one can have.
    pub fn locals(&self, position: usize) -> Vec<ValType> {
        let signature = self.module.functions[self.module.imported_functions() + position];
        let mut locals = self.signature(signature).params.to_vec();
        if let Ok(reader) = self.module.bodies[position].reader.get_locals_reader() {
            for (count, ty) in reader.into_iter().map_while(std::result::Result::ok) {
                let ty = crate::parse::val_type(self.module, ty);
                let count = (count as usize).min(MOST_LOCALS.saturating_sub(locals.len()));
                locals.extend(std::iter::repeat_n(ty, count));
            }
        }
        locals
    }

    /// The symbol of a trampoline, if the module has it.
    pub fn trampoline(&self, trampoline: Trampoline) -> Option<Symbol> {
        self.trampolines.get(&trampoline).copied()
    }

    /// A table that never changes, and the symbol of what calls through it look at; if it is one, and they are to do so.
    pub fn const_table(&self, index: TableIndex) -> Option<(&ConstTable, Symbol)> {
        self.const_tables.get(&index).map(|(table, symbol)| (table, *symbol))
    }

    /// The constant that a global is, if it never changes, and code is to use that.
    pub fn const_global(&self, index: GlobalIndex) -> Option<&ConstOp> {
        self.const_globals.get(&index)
    }

    /// Whether a function asks, when it begins, whether there is enough stack.
    pub fn checks_stack(&self, work: Work) -> bool {
        let Work::Function(index) = work else { return true };
        let position = index.index() - self.module.imported_functions();
        self.stack_checks.get(position).is_none_or(|&asks| asks)
    }

    /// What is exported at that position.
    pub fn export(&self, position: u32) -> ExportItem {
        self.module.exports[position as usize].item
    }

    /// The signature of that number.
    pub fn signature(&self, index: SignatureIndex) -> &'a FuncType {
        &self.module.signatures[index.index()]
    }

    /// Whether a memory is imported.
    pub fn is_imported_memory(&self, index: MemoryIndex) -> bool {
        index.index() < self.module.imported_memories
    }
}
