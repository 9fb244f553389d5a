//! Every operator that takes and leaves values, one by one, with the operands at which operators change what they do, against
//! an interpreter: operands that are only known when the function runs, that are constants, that lie at odd addresses.
//!
//! What the interpreter does not have is compared between settings. No operator is forgotten: they come from the decoder's
//! list.

use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, InstructionSink,
    MemArg, MemArgTarget, Module, TypeSection, ValType,
};
use wootz_compiler::Features;
use wootz_tests::differential::chain::{push_constant, ty};
use wootz_tests::differential::operators::{Entry, Ground, names};
use wootz_tests::differential::random::Random;
use wootz_tests::differential::value::{Kind, Value};
use wootz_tests::differential::{Comparison, Peer, implemented, rewrite};

/// With how many lists of operands each function is called at most.
const CALLS: usize = 24;
/// The same where memories and tables are compared after each call.
const STATEFUL_CALLS: usize = 6;
/// How many functions with constants there are for each operator.
const CONSTANTS: usize = 3;
/// How many operators are compared in one module.
const OPERATORS: usize = 30;

#[test]
fn operators_do_the_same_as_in_an_interpreter() {
    compare(Peer::Wasmi);
}

#[test]
fn operators_do_the_same_with_all_settings() {
    compare(Peer::Settings);
}

/// Operators that are nothing without others: they decide where to go on, or name something of the module.
const WITH_OTHERS: &[&str] = &[
    "Block",
    "Br",
    "BrIf",
    "BrOnNonNull",
    "BrOnNull",
    "BrTable",
    "Call",
    "CallIndirect",
    "CallRef",
    "Else",
    "End",
    "F32Const",
    "F64Const",
    "GlobalGet",
    "GlobalSet",
    "I32Const",
    "I64Const",
    "If",
    "LocalGet",
    "LocalSet",
    "LocalTee",
    "Loop",
    "RefFunc",
    "Return",
    "ReturnCall",
    "ReturnCallIndirect",
    "ReturnCallRef",
    "TypedSelectMulti",
    "V128Const",
];

#[test]
fn no_operator_is_forgotten() {
    let features = implemented();
    let mut missing = names(&features);
    for ground in Ground::all(&features) {
        ground.operators(&features).iter().for_each(|entry| _ = missing.remove(entry.name));
    }
    for name in missing {
        assert!(WITH_OTHERS.contains(&name), "{name} is not compared");
    }
}

fn compare(peer: Peer) {
    let mut comparison = Comparison::new(peer);
    let features = comparison.features().clone();
    let lacking = Comparison::new(Peer::Wasmi).features().clone();
    let settings: Vec<&str> = comparison.settings().iter().map(|setting| setting.name).collect();
    let settings = |names: &[&str]| -> Vec<usize> {
        let chosen = settings.iter().enumerate().filter(|(_, name)| names.contains(name));
        chosen.map(|(at, _)| at).collect()
    };
    // CPUs compute in different ways, and settings access memories in different ways.
    let (computing, accessing) =
        (settings(&["default", "baseline"]), settings(&["default", "checks"]));
    let mut modules = 0;
    for ground in Ground::all(&features) {
        let mut entries = ground.operators(&features);
        if peer == Peer::Settings {
            let known = ground.operators(&lacking);
            let is_shared = ground.memories.iter().any(|memory| memory.shared);
            entries.retain(|entry| is_shared || known.iter().all(|other| other.name != entry.name));
        } else if ground.memories.len() > 1 || ground.memories != Ground::all(&features)[0].memories
        {
            entries.retain(|entry| entry.has_memory);
        }
        let (stateful, pure): (Vec<_>, Vec<_>) = entries.into_iter().partition(has_state);
        for entries in pure.chunks(OPERATORS).chain(stateful.chunks(OPERATORS)) {
            let (most, settings) = match has_state(&entries[0]) {
                true => (STATEFUL_CALLS, &accessing),
                false => (CALLS, &computing),
            };
            let wasm = module(&ground, &features, entries);
            let wasm = rewrite::determined(&wasm).expect("it is valid");
            modules += 1;
            for &setting in settings {
                let result =
                    comparison.compare_calls(&wasm, setting, &mut |params, random, call| {
                        let kinds: Vec<Kind> = params.iter().map(|param| param.kind).collect();
                        operands(&kinds, random, call, most)
                    });
                result.unwrap_or_else(|difference| panic!("{difference}"));
            }
        }
    }
    println!("{}", comparison.counts());
    assert!(modules > 0);
}

/// Whether an operator changes or reads more than operands.
fn has_state(entry: &Entry) -> bool {
    entry.has_memory || ["Table", "Elem", "Data"].iter().any(|what| entry.name.starts_with(what))
}

/// The operands for a call; `None` after the last one of so many.
fn operands(kinds: &[Kind], random: &mut Random, call: usize, most: usize) -> Option<Vec<Value>> {
    let edges: Vec<Vec<Value>> = kinds.iter().map(|kind| kind.edges()).collect();
    let all: usize = edges.iter().map(Vec::len).product();
    if call >= all.min(most) {
        return None;
    }
    if all > most {
        return Some(edges.iter().map(|edges| *random.one_of(edges)).collect());
    }
    let mut rest = call;
    let digit = |edges: &Vec<Value>| {
        let value = edges[rest % edges.len()];
        rest /= edges.len();
        value
    };
    Some(edges.iter().map(digit).collect())
}

/// Where the values lie that operators find in memory, one after the other: no address is a multiple of its value's size for
/// long.
const VALUES_AT: u64 = 0x8001;
/// How many bytes there are from one to the next.
const VALUE_BYTES: usize = 17;

/// A module with functions for each operator: one takes all operands, others have constants or look in memory for some.
fn module(ground: &Ground, features: &Features, entries: &[Entry]) -> Vec<u8> {
    let values: Vec<Value> = Kind::ALL.iter().flat_map(|kind| kind.edges()).collect();
    // Where there is room for them.
    let holds_values = ground.memories[0].page_size_log2.is_none();
    let mut random = Random::new(entries.len() as u64);
    let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
    let (mut exports, mut code) = (ExportSection::new(), CodeSection::new());
    for (number, entry) in entries.iter().enumerate() {
        for form in 0..=CONSTANTS {
            let mut params = Vec::new();
            let mut body = Vec::new();
            for &kind in &entry.params {
                let mut sink = InstructionSink::new(&mut body);
                let source = if form == 0 { 0 } else { random.below(3) };
                let loadable =
                    holds_values && !matches!(kind, Kind::Func | Kind::Extern | Kind::Other);
                match source {
                    1 => push_constant(&mut sink, *random.one_of(&kind.edges())),
                    2 if loadable => {
                        let wanted = *random.one_of(&kind.edges());
                        let at = values.iter().position(|value| *value == wanted);
                        let at = VALUES_AT + (at.expect("it is an edge") * VALUE_BYTES) as u64;
                        push_loaded(&mut sink, kind, at, ground.memories[0].memory64);
                    }
                    _ => {
                        sink.local_get(params.len() as u32);
                        params.push(ty(kind));
                    }
                }
            }
            body.extend(&entry.code);
            InstructionSink::new(&mut body).end();
            let index = types.len();
            types.ty().function(params, entry.results.iter().map(|kind| ty(*kind)));
            functions.function(index);
            exports.export(&format!("{} {number}.{form}", entry.name), ExportKind::Func, index);
            let mut function = Function::new([]);
            function.raw(body);
            code.function(&function);
        }
    }
    if has_state(&entries[0]) {
        for at in 0..ground.memories.len() as u32 {
            exports.export(&format!("memory {at}"), ExportKind::Memory, at);
        }
        for at in 0..ground.table_count() {
            exports.export(&format!("table {at}"), ExportKind::Table, at);
        }
    }
    let mut data = ground.data();
    if holds_values {
        let bytes = |value: &Value| {
            let mut bytes = match *value {
                Value::I32(value) => value.to_le_bytes().to_vec(),
                Value::I64(value) => value.to_le_bytes().to_vec(),
                Value::F32(bits) => bits.to_le_bytes().to_vec(),
                Value::F64(bits) => bits.to_le_bytes().to_vec(),
                Value::V128(bits) => bits.to_le_bytes().to_vec(),
                Value::Func(_) | Value::Extern(_) | Value::Other(_) => Vec::new(),
            };
            bytes.resize(VALUE_BYTES, 0xa5);
            bytes
        };
        let offset = match ground.memories[0].memory64 {
            true => ConstExpr::i64_const(VALUES_AT as i64),
            false => ConstExpr::i32_const(VALUES_AT as i32),
        };
        data.active(0, &offset, values.iter().flat_map(bytes).collect::<Vec<u8>>());
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&ground.tables());
    module.section(&ground.memories()).section(&exports).section(&ground.elements(&[0, 1]));
    if features.contains("bulk-memory") {
        module.section(&wasm_encoder::DataCountSection { count: data.len() });
    }
    module.section(&code).section(&data);
    module.finish()
}

fn push_loaded(sink: &mut InstructionSink, kind: Kind, at: u64, memory64: bool) {
    match memory64 {
        true => sink.i64_const(0),
        false => sink.i32_const(0),
    };
    let target = MemArgTarget::Memory(0);
    let at = MemArg { offset: at, align: 0, target, ordering: None };
    match ty(kind) {
        ValType::I32 => sink.i32_load(at),
        ValType::I64 => sink.i64_load(at),
        ValType::F32 => sink.f32_load(at),
        ValType::F64 => sink.f64_load(at),
        ValType::V128 => sink.v128_load(at),
        ValType::Ref(_) => unreachable!("memories hold no references"),
    };
}
