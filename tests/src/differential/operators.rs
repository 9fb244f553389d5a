//! Every operator that takes and leaves values, with its types: found by asking the decoder's own list and the validator,
//! so that none is forgotten.
//!
//! In: the proposals that are switched on. Out: operators in binary format, each for a module that has what a `Ground` has.

use std::collections::BTreeSet;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    ConstExpr, DataSection, ElementSection, Elements, Encode, MemorySection, MemoryType, RefType,
    TableSection, TableType,
};
use wasmparser::{
    BinaryReader, FuncToValidate, HeapType, Ieee32, Ieee64, MemArg, MemArgTarget, Operator,
    OperatorsReader, Ordering, Parser, ValType, ValidPayload, Validator, ValidatorResources,
    WasmFeatures,
};
use wootz_compiler::Features;

use super::value::Kind;

/// An operator with its immediates.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is called, such as `I32Add`.
    pub name: &'static str,
    /// Which proposal it comes from, such as `bulk_memory`.
    pub proposal: &'static str,
    /// Its encoding.
    pub code: Vec<u8>,
    /// What it takes.
    pub params: Vec<Kind>,
    /// What it leaves.
    pub results: Vec<Kind>,
    /// Whether it needs a memory.
    pub has_memory: bool,
    /// Whether it accesses memory at an offset at which there is none before it grows.
    pub is_far: bool,
}

/// The proposal and the name of an operator.
pub fn name_of(operator: &Operator) -> (&'static str, &'static str) {
    macro_rules! names {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op { .. } => (stringify!($proposal), stringify!($op)),)*
                _ => ("unknown", "unknown"),
            }
        };
    }
    wasmparser::for_each_operator!(names)
}

/// The names of all operators of some proposals.
pub fn names(features: &Features) -> BTreeSet<&'static str> {
    let ground = &Ground::all(features)[0];
    let available = |listed: &Listed| is_available(listed.proposal, features);
    listed(0, ground).into_iter().filter(available).map(|listed| listed.name).collect()
}

fn is_available(proposal: &str, features: &Features) -> bool {
    feature_of(proposal).is_some_and(|name| name.is_empty() || features.contains(name))
}

/// The proposal by the name that options have for it; `None` if its operators are not implemented. What was there from the
/// beginning has the empty name.
///
/// # Panics
/// If nobody has thought of it yet.
fn feature_of(proposal: &str) -> Option<&'static str> {
    Some(match proposal {
        "mvp" => "",
        "sign_extension" => "sign-extension",
        "saturating_float_to_int" => "saturating-float-to-int",
        "bulk_memory" => "bulk-memory",
        "reference_types" => "reference-types",
        "threads" => "threads",
        "tail_call" => "tail-call",
        "simd" => "simd",
        "relaxed_simd" => "relaxed-simd",
        "function_references" => "function-references",
        "wide_arithmetic" => "wide-arithmetic",
        "acquire_release_atomics"
        | "custom_descriptors"
        | "exceptions"
        | "gc"
        | "legacy_exceptions"
        | "memory_control"
        | "shared_everything_threads"
        | "stack_switching" => return None,
        other => panic!("are the operators of `{other}` to be compared?"),
    })
}

/// What operators work on: memories, tables and segments. Has a table of function references and, if there are references
/// at all, one of host values, and one passive segment of each kind.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Its memories.
    pub memories: Vec<MemoryType>,
    has_references: bool,
    has_segments: bool,
}

/// How many elements the tables have at first.
pub const TABLE_ELEMENTS: u64 = 10;
/// What the passive data segment holds.
pub const DATA: &[u8] = b"passive data: \x00\xff\x80\x7f and some more of it";

impl Ground {
    /// The grounds that can be made with some proposals: for each kind of memory one, and one with all.
    pub fn all(features: &Features) -> Vec<Ground> {
        let page = |minimum| MemoryType {
            minimum,
            maximum: Some(2),
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        let mut memories = vec![page(1)];
        let mut add = |feature, memory| {
            if features.contains(feature) {
                memories.push(memory);
            }
        };
        add("memory64", MemoryType { memory64: true, ..page(1) });
        let bytes = MemoryType { maximum: Some(300), page_size_log2: Some(0), ..page(200) };
        add("custom-page-sizes", bytes);
        add("threads", MemoryType { shared: true, ..page(1) });
        let mut choices: Vec<_> = memories.iter().map(|&memory| vec![memory]).collect();
        if features.contains("multi-memory") && memories.len() > 1 {
            choices.push(memories);
        }
        let ground = |memories| Ground {
            memories,
            has_references: features.contains("reference-types"),
            has_segments: features.contains("bulk-memory"),
        };
        choices.into_iter().map(ground).collect()
    }

    /// The table section.
    pub fn tables(&self) -> TableSection {
        let mut section = TableSection::new();
        let types = [RefType::FUNCREF, RefType::EXTERNREF];
        for element_type in &types[..self.table_count() as usize] {
            section.table(TableType {
                element_type: *element_type,
                table64: false,
                minimum: TABLE_ELEMENTS,
                maximum: Some(2 * TABLE_ELEMENTS),
                shared: false,
            });
        }
        section
    }

    /// How many tables there are.
    pub fn table_count(&self) -> u32 {
        1 + u32::from(self.has_references)
    }

    /// The memory section.
    pub fn memories(&self) -> MemorySection {
        let mut section = MemorySection::new();
        self.memories.iter().for_each(|memory| _ = section.memory(*memory));
        section
    }

    /// The element section: functions in the middle of the table, and a passive segment with them.
    pub fn elements(&self, functions: &[u32]) -> ElementSection {
        let mut section = ElementSection::new();
        if self.has_segments {
            section.passive(Elements::Functions(functions.into()));
        }
        section.active(None, &ConstExpr::i32_const(2), Elements::Functions(functions.into()));
        section
    }

    /// The number of data segments, if it must be known before the code.
    pub fn data_count(&self) -> Option<u32> {
        self.has_segments.then_some(1)
    }

    /// The data section, to which more segments may be added.
    pub fn data(&self) -> DataSection {
        let mut section = DataSection::new();
        if self.has_segments {
            section.passive(DATA.iter().copied());
        }
        section
    }

    /// All operators that can be used on it.
    pub fn operators(&self, features: &Features) -> Vec<Entry> {
        let validator = self.validator();
        let mut entries = Vec::<Entry>::new();
        for variant in 0..VARIANTS {
            for listed in listed(variant, self) {
                let available = is_available(listed.proposal, features);
                if !available || STRUCTURAL.contains(&listed.name) {
                    continue;
                }
                let (Some(operator), Some(arity)) = (listed.operator, listed.arity) else {
                    continue;
                };
                let code = encoded(&operator);
                if entries.iter().any(|entry| entry.name == listed.name && entry.code == code) {
                    continue;
                }
                // As the decoder has it: with the greatest alignment that is allowed.
                let mut operator = decoded(&code);
                let mut is_far = false;
                if let Some(memarg) = memarg(&mut operator) {
                    memarg.align = match listed.proposal {
                        "threads" => memarg.max_align,
                        // It promises nothing.
                        _ => (variant % 5).min(memarg.max_align.into()) as u8,
                    };
                    is_far = memarg.offset >= bytes(&self.memories[memory_of(variant, self)]);
                }
                let code = encoded(&operator);
                let mut found = Vec::new();
                typings(&validator, &operator, arity, &mut Vec::new(), &mut found);
                entries.extend(found.into_iter().map(|(params, results)| Entry {
                    name: listed.name,
                    proposal: listed.proposal,
                    code: code.clone(),
                    params,
                    results,
                    has_memory: listed.has_memory,
                    is_far,
                }));
            }
        }
        let switched_on = |entry: &Entry| {
            let mut kinds = entry.params.iter().chain(&entry.results);
            kinds.all(|kind| available(*kind, features))
        };
        entries.retain(switched_on);
        entries.sort_by(|a, b| (a.name, &a.code, &a.params).cmp(&(b.name, &b.code, &b.params)));
        entries.dedup_by(|a, b| (&a.code, &a.params) == (&b.code, &b.params));
        entries
    }

    fn validator(&self) -> FuncToValidate<ValidatorResources> {
        use wasm_encoder::{CodeSection, Function, FunctionSection, Module, TypeSection};
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut code = CodeSection::new();
        let mut function = Function::new([]);
        function.instructions().end();
        code.function(&function);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&self.tables());
        module.section(&self.memories()).section(&self.elements(&[0]));
        if let Some(count) = self.data_count() {
            module.section(&wasm_encoder::DataCountSection { count });
        }
        module.section(&code).section(&self.data());
        let wasm = module.finish();
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        for payload in Parser::new(0).parse_all(&wasm) {
            let payload = payload.expect("it has just been encoded");
            if let ValidPayload::Func(function, _) =
                validator.payload(&payload).expect("it is valid")
            {
                return function;
            }
        }
        unreachable!("the module has a function")
    }
}

/// Whether there are values of a kind.
pub fn available(kind: Kind, features: &Features) -> bool {
    match kind {
        Kind::V128 => features.contains("simd"),
        Kind::Func | Kind::Extern => features.contains("reference-types"),
        Kind::Other => false,
        _ => true,
    }
}

fn encoded(operator: &Operator) -> Vec<u8> {
    let instruction =
        RoundtripReencoder.instruction(operator.clone()).expect("there is no index to map");
    let mut code = Vec::new();
    instruction.encode(&mut code);
    code
}

fn decoded(code: &[u8]) -> Operator<'_> {
    let mut reader = OperatorsReader::new(BinaryReader::new(code, 0));
    reader.read().expect("it is an operator")
}

/// Where an operator accesses memory, if it does.
fn memarg<'o>(operator: &'o mut Operator) -> Option<&'o mut MemArg> {
    macro_rules! memargs {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match operator {
                $(Operator::$op { $($($arg,)*)? } => {
                    let all: [Option<&mut MemArg>; _] = [$($(Immediate::memarg($arg),)*)?];
                    all.into_iter().flatten().next()
                })*
                _ => None,
            }
        };
    }
    wasmparser::for_each_operator!(memargs)
}

/// All ways in which an operator can be typed, given its last parameters.
fn typings(
    validator: &FuncToValidate<ValidatorResources>,
    operator: &Operator,
    missing: usize,
    last: &mut Vec<Kind>,
    found: &mut Vec<(Vec<Kind>, Vec<Kind>)>,
) {
    let function = FuncToValidate {
        resources: validator.resources.clone(),
        index: validator.index,
        ty: validator.ty,
        features: validator.features,
    };
    let mut function = function.into_validator(Default::default());
    let mut accepts = |operator: &Operator| function.op(0, operator).is_ok();
    // What is missing may be anything in unreachable code.
    let mut accepted = accepts(&Operator::Unreachable);
    accepted &= last.iter().rev().all(|kind| accepts(&constant(*kind)));
    if !accepted || !accepts(operator) {
        return;
    }
    if missing == 0 {
        let height = function.operand_stack_height() as usize;
        let kind = |depth| match function.get_operand_type(depth)?? {
            ValType::I32 => Some(Kind::I32),
            ValType::I64 => Some(Kind::I64),
            ValType::F32 => Some(Kind::F32),
            ValType::F64 => Some(Kind::F64),
            ValType::V128 => Some(Kind::V128),
            ValType::Ref(ty) if ty.is_func_ref() => Some(Kind::Func),
            ValType::Ref(ty) if ty.is_extern_ref() => Some(Kind::Extern),
            ValType::Ref(_) => None,
        };
        if let Some(results) = (0..height).rev().map(kind).collect() {
            found.push((last.iter().rev().copied().collect(), results));
        }
        return;
    }
    for kind in Kind::ALL {
        last.push(kind);
        typings(validator, operator, missing - 1, last, found);
        last.pop();
    }
}

fn constant(kind: Kind) -> Operator<'static> {
    match kind {
        Kind::I32 => Operator::I32Const { value: 0 },
        Kind::I64 => Operator::I64Const { value: 0 },
        Kind::F32 => Operator::F32Const { value: Ieee32::from(0.0) },
        Kind::F64 => Operator::F64Const { value: Ieee64::from(0.0) },
        Kind::V128 => {
            const CODE: [u8; 18] = [0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            decoded(&CODE)
        }
        Kind::Func => Operator::RefNull { hty: HeapType::FUNC },
        Kind::Extern | Kind::Other => Operator::RefNull { hty: HeapType::EXTERN },
    }
}

/// Operators without immediates that decide where to go on, which stand for nothing by themselves.
const STRUCTURAL: &[&str] = &["Else", "End", "Return"];

/// An operator of the decoder's list.
struct Listed {
    proposal: &'static str,
    name: &'static str,
    /// With immediates; `None` if they refer to what a ground does not have.
    operator: Option<Operator<'static>>,
    /// How many parameters it has; `None` if that depends on immediates.
    arity: Option<usize>,
    has_memory: bool,
}

/// The decoder's list, with the immediates of a variant.
fn listed(variant: usize, ground: &Ground) -> Vec<Listed> {
    let mut list = Vec::new();
    macro_rules! list {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {$(
            // A function, because a failing immediate leaves it.
            #[allow(unused_variables, reason = "some have no immediates")]
            fn $visit(variant: usize, ground: &Ground) -> Option<Operator<'static>> {
                Some(Operator::$op $({ $($arg: Immediate::variant(stringify!($arg), variant, ground)?),* })?)
            }
            list.push(Listed {
                proposal: stringify!($proposal),
                name: stringify!($op),
                operator: $visit(variant, ground),
                arity: arity(stringify!($($ann)*)),
                has_memory: [$($(stringify!($arg)),*)?].iter().any(|name: &&str| is_memory(name))
                    || ["MemorySize", "MemoryGrow"].contains(&stringify!($op)),
            });
        )*};
    }
    wasmparser::for_each_operator!(list);
    list
}

fn is_memory(immediate: &str) -> bool {
    matches!(immediate, "memarg" | "mem" | "dst_mem" | "src_mem")
}

/// The number of parameters in `arity memarg 2 -> 1`.
fn arity(annotation: &str) -> Option<usize> {
    let (left, _) = annotation.split_once("->")?;
    left.split_whitespace().last()?.parse().ok()
}

/// How many times immediates are chosen.
const VARIANTS: usize = 16;

/// What follows an operator.
trait Immediate: Sized {
    /// The immediate of a name; `None` if it refers to what a ground does not have.
    fn variant(name: &str, variant: usize, ground: &Ground) -> Option<Self>;

    /// Itself, if it says where memory is accessed.
    fn memarg(&mut self) -> Option<&mut MemArg> {
        None
    }
}

macro_rules! none {
    ($($ty:ty),*) => {$(
        impl Immediate for $ty {
            fn variant(_: &str, _: usize, _: &Ground) -> Option<Self> {
                None
            }
        }
    )*};
}

none! {
    i32, i64, Ieee32, Ieee64, wasmparser::V128, wasmparser::BlockType, wasmparser::BrTable<'_>, Vec<ValType>,
    wasmparser::RefType, wasmparser::TryTable, wasmparser::ResumeTable
}

/// Which memory a variant accesses.
fn memory_of(variant: usize, ground: &Ground) -> usize {
    variant % ground.memories.len()
}

/// How large a memory is at first.
fn bytes(memory: &MemoryType) -> u64 {
    memory.minimum << memory.page_size_log2.unwrap_or(16)
}

impl Immediate for MemArg {
    fn variant(_: &str, variant: usize, ground: &Ground) -> Option<MemArg> {
        let memory = memory_of(variant, ground);
        let ty = &ground.memories[memory];
        let bytes = bytes(ty);
        let mut offsets = vec![0, 1, bytes - 16, bytes, 0x7fff_ffff, 0xffff_ffff];
        if ty.memory64 {
            offsets.extend([1 << 32, u64::MAX]);
        }
        let offset = offsets[variant / ground.memories.len() % offsets.len()];
        let target = MemArgTarget::Memory(memory as u32);
        Some(MemArg { align: 0, max_align: 0, offset, target, ordering: None })
    }

    fn memarg(&mut self) -> Option<&mut MemArg> {
        Some(self)
    }
}

impl Immediate for u32 {
    fn variant(name: &str, variant: usize, ground: &Ground) -> Option<u32> {
        let count = ground.memories.len();
        match name {
            "mem" | "dst_mem" => Some((variant % count) as u32),
            "src_mem" => Some((variant / count % count) as u32),
            "data_index" => ground.data_count().map(|_| 0),
            "elem_index" => ground.has_segments.then_some(0),
            "table" | "dst_table" | "src_table" => Some(variant as u32 % ground.table_count()),
            _ => None,
        }
    }
}

impl Immediate for u8 {
    fn variant(name: &str, variant: usize, _: &Ground) -> Option<u8> {
        (name == "lane").then_some(variant as u8)
    }
}

impl Immediate for [u8; 16] {
    fn variant(_: &str, variant: usize, _: &Ground) -> Option<[u8; 16]> {
        let pattern: fn(u8) -> u8 = match variant {
            0 => |at| at,
            1 => |at| at + 16,
            2 => |_| 0,
            3 => |_| 31,
            4 => |at| 15 - at,
            5 => |at| 31 - at,
            6 => |at| at / 2 + 16 * (at % 2),
            7 => |at| 8 + at / 2 + 16 * (at % 2),
            8 => |at| (at * 2) % 32,
            9 => |at| (at * 2 + 1) % 32,
            10 => |at| at + 5,
            11 => |at| at / 4 * 4 + 3 - at % 4,
            12 => |at| if at < 8 { at } else { at + 16 },
            13 => |at| (at + 8) % 16,
            14 => |at| (at * 7 + 3) % 32,
            _ => |at| (at * 13 + 30) % 32,
        };
        Some(std::array::from_fn(|at| pattern(at as u8)))
    }
}

impl Immediate for ValType {
    fn variant(_: &str, variant: usize, _: &Ground) -> Option<ValType> {
        let types = [
            ValType::I32,
            ValType::I64,
            ValType::F32,
            ValType::F64,
            ValType::V128,
            ValType::FUNCREF,
            ValType::EXTERNREF,
        ];
        types.get(variant).copied()
    }
}

impl Immediate for HeapType {
    fn variant(_: &str, variant: usize, _: &Ground) -> Option<HeapType> {
        [HeapType::FUNC, HeapType::EXTERN].get(variant).copied()
    }
}

impl Immediate for Ordering {
    fn variant(_: &str, _: usize, _: &Ground) -> Option<Ordering> {
        Some(Ordering::SeqCst)
    }
}
