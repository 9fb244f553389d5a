//! Modules whose functions are chains of operators: each takes what others have left in locals, all operators of a proposal
//! are equally likely, and most addresses lie in a memory.
//!
//! In: random bytes, and the proposals that modules may need. Out: a valid module that ends, exports everything and imports
//! nothing.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use arbitrary::{Result, Unstructured};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, HeapType, Ieee32, Ieee64, InstructionSink, Module, RefType,
    TypeSection, ValType,
};
use wootz_compiler::Features;

use super::operators::{Entry, Ground, TABLE_ELEMENTS, available};
use super::value::{Kind, Value};

/// How many locals of each kind a function has besides its parameters.
const LOCALS: u32 = 2;
/// How deeply blocks are nested at most.
const DEPTH: usize = 4;
/// How deeply operators take the results of others at once.
const NESTING: usize = 3;

/// A module. It traps after so many loop iterations and calls.
///
/// # Errors
/// If there are too few bytes.
pub fn module(bytes: &mut Unstructured, features: &Features, fuel: u32) -> Result<Vec<u8>> {
    let supplies = supplies(features);
    let supply = bytes.choose(supplies)?;
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| available(*kind, features)).collect();
    let random_kinds = |counts: &[usize], bytes: &mut Unstructured| -> Result<Vec<Kind>> {
        let count = *bytes.choose(counts)?;
        (0..count).map(|_| bytes.choose(&kinds).copied()).collect()
    };
    // Few lists of results, so that functions can end by calling others.
    let result_counts: &[usize] =
        if features.contains("multi-value") { &[0, 1, 1, 2, 3, 9] } else { &[0, 1, 1] };
    let results = [random_kinds(result_counts, bytes)?, random_kinds(result_counts, bytes)?];
    let mut signatures = Vec::new();
    for _ in 0..bytes.int_in_range(3..=6)? {
        let params = random_kinds(&[0, 1, 2, 3, 5, 9, 17], bytes)?;
        signatures.push(Signature { params, results: bytes.choose(&results)?.clone() });
    }
    let shape = Shape { supply, features, kinds: &kinds, signatures: &signatures };

    let mut types = TypeSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    let indices: Vec<u32> = (0..signatures.len() as u32).collect();
    for &index in &indices {
        let Signature { params, results } = &signatures[index as usize];
        types
            .ty()
            .function(params.iter().map(|kind| ty(*kind)), results.iter().map(|kind| ty(*kind)));
        functions.function(index);
        exports.export(&format!("f{index}"), ExportKind::Func, index);
    }
    for (index, signature) in signatures.iter().enumerate() {
        code.function(&Body::function(shape, signature, index, bytes)?);
    }

    let mut globals = GlobalSection::new();
    let global = |ty| GlobalType { val_type: ty, mutable: true, shared: false };
    globals.global(global(ValType::I32), &ConstExpr::i32_const(fuel as i32));
    exports.export("fuel", ExportKind::Global, 0);
    for (kind, at) in kinds.iter().zip(1..) {
        let mut init = Vec::new();
        push_constant(&mut InstructionSink::new(&mut init), kind.edges()[0]);
        globals.global(global(ty(*kind)), &ConstExpr::raw(init));
        exports.export(&format!("g{at}"), ExportKind::Global, at);
    }
    let ground = &supply.ground;
    for at in 0..ground.memories.len() as u32 {
        exports.export(&format!("m{at}"), ExportKind::Memory, at);
    }
    for at in 0..ground.table_count() {
        exports.export(&format!("t{at}"), ExportKind::Table, at);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&ground.tables());
    module.section(&ground.memories()).section(&globals).section(&exports);
    module.section(&ground.elements(&indices));
    if let Some(count) = ground.data_count() {
        module.section(&wasm_encoder::DataCountSection { count });
    }
    module.section(&code).section(&ground.data());
    Ok(module.finish())
}

/// A ground and its operators, by proposal.
struct Supply {
    ground: Ground,
    operators: BTreeMap<&'static str, Vec<Entry>>,
}

/// All supplies for some proposals. Made once, for it takes time.
fn supplies(features: &Features) -> &'static [Supply] {
    type Made = Vec<(Features, &'static [Supply])>;
    static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().expect("making them does not panic");
    if let Some((_, supplies)) = made.iter().find(|(other, _)| other == features) {
        return supplies;
    }
    let supply = |ground: Ground| {
        let mut operators = BTreeMap::<_, Vec<Entry>>::new();
        for entry in ground.operators(features) {
            // Nothing follows it.
            if entry.name != "Unreachable" {
                operators.entry(entry.proposal).or_default().push(entry);
            }
        }
        Supply { ground, operators }
    };
    let supplies: Vec<_> = Ground::all(features).into_iter().map(supply).collect();
    let supplies = Vec::leak(supplies);
    made.push((features.clone(), supplies));
    supplies
}

#[derive(Clone, PartialEq, Eq)]
struct Signature {
    params: Vec<Kind>,
    results: Vec<Kind>,
}

/// What all functions of a module know.
#[derive(Clone, Copy)]
struct Shape<'a> {
    supply: &'a Supply,
    features: &'a Features,
    kinds: &'a [Kind],
    signatures: &'a [Signature],
}

/// The type of a kind of values.
pub fn ty(kind: Kind) -> ValType {
    match kind {
        Kind::I32 => ValType::I32,
        Kind::I64 => ValType::I64,
        Kind::F32 => ValType::F32,
        Kind::F64 => ValType::F64,
        Kind::V128 => ValType::V128,
        Kind::Func => ValType::FUNCREF,
        Kind::Extern => ValType::EXTERNREF,
        Kind::Other => unreachable!("operators of other types are not chained"),
    }
}

/// Pushes a value. There are no constants of functions and host values but null.
pub fn push_constant(sink: &mut InstructionSink, value: Value) {
    match value {
        Value::I32(value) => sink.i32_const(value),
        Value::I64(value) => sink.i64_const(value),
        Value::F32(bits) => sink.f32_const(Ieee32::new(bits)),
        Value::F64(bits) => sink.f64_const(Ieee64::new(bits)),
        Value::V128(bits) => sink.v128_const(bits as i128),
        Value::Func(_) => sink.ref_null(HeapType::FUNC),
        Value::Extern(_) => sink.ref_null(HeapType::EXTERN),
        Value::Other(_) => unreachable!("operators of other types are not chained"),
    };
}

/// The body of a function in the making.
struct Body<'a, 'b, 'c> {
    shape: Shape<'a>,
    signature: &'a Signature,
    /// Which function of the module it is.
    index: usize,
    code: Vec<u8>,
    bytes: &'b mut Unstructured<'c>,
    /// The locals of each kind.
    locals: BTreeMap<Kind, Vec<u32>>,
    /// How many operators may still come.
    budget: usize,
}

/// The global that counts down.
const FUEL_GLOBAL: u32 = 0;

impl Body<'_, '_, '_> {
    fn function(
        shape: Shape,
        signature: &Signature,
        index: usize,
        bytes: &mut Unstructured,
    ) -> Result<Function> {
        let mut locals = BTreeMap::<_, Vec<u32>>::new();
        let declared: Vec<_> =
            shape.kinds.iter().flat_map(|kind| [*kind; LOCALS as usize]).collect();
        for (kind, local) in signature.params.iter().chain(&declared).zip(0..) {
            locals.entry(*kind).or_default().push(local);
        }
        // The first ones get the largest bodies: the bytes may not suffice for all.
        let budget = 60 / (1 + index);
        let mut body = Body { shape, signature, index, code: Vec::new(), bytes, locals, budget };
        body.burn_fuel();
        while body.budget > 0 && !body.bytes.is_empty() {
            body.statement(DEPTH)?;
        }
        body.finish()?;
        let mut function = Function::new_with_locals_types(declared.iter().map(|kind| ty(*kind)));
        function.raw(body.code.iter().copied());
        Ok(function)
    }

    fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// Traps if there is no fuel left.
    fn burn_fuel(&mut self) {
        self.sink()
            .global_get(FUEL_GLOBAL)
            .i32_eqz()
            .if_(BlockType::Empty)
            .unreachable()
            .end()
            .global_get(FUEL_GLOBAL)
            .i32_const(1)
            .i32_sub()
            .global_set(FUEL_GLOBAL);
    }

    /// Something that leaves nothing on the stack.
    fn statement(&mut self, depth: usize) -> Result<()> {
        self.budget = self.budget.saturating_sub(1);
        match self.bytes.int_in_range(0..=19)? {
            0 if depth > 0 => self.repeat(depth),
            1 | 2 if depth > 0 => self.choose(depth),
            3 if depth > 0 => self.leave(depth),
            4 => self.global(),
            5 | 6 => self.call(),
            _ => self.operate(),
        }
    }

    /// A loop of a few rounds, which depend on the fuel.
    fn repeat(&mut self, depth: usize) -> Result<()> {
        self.sink().loop_(BlockType::Empty);
        self.burn_fuel();
        self.statements(depth - 1)?;
        let mask = *self.bytes.choose(&[1, 3, 7])?;
        self.sink().global_get(FUEL_GLOBAL).i32_const(mask).i32_and().br_if(0).end();
        Ok(())
    }

    /// One way or the other.
    fn choose(&mut self, depth: usize) -> Result<()> {
        self.push(Kind::I32, 1)?;
        self.sink().if_(BlockType::Empty);
        self.statements(depth - 1)?;
        self.sink().else_();
        self.statements(depth - 1)?;
        self.sink().end();
        Ok(())
    }

    /// Blocks that are left by number.
    fn leave(&mut self, depth: usize) -> Result<()> {
        self.sink().block(BlockType::Empty).block(BlockType::Empty).block(BlockType::Empty);
        self.push(Kind::I32, 1)?;
        match self.bytes.arbitrary()? {
            true => self.sink().br_table([0, 1], 2),
            false => self.sink().br_if(1),
        };
        self.sink().end();
        self.statements(depth - 1)?;
        self.sink().end();
        self.statements(depth - 1)?;
        self.sink().end();
        Ok(())
    }

    fn statements(&mut self, depth: usize) -> Result<()> {
        for _ in 0..self.bytes.int_in_range(1..=4)? {
            self.statement(depth)?;
        }
        Ok(())
    }

    /// Writes or reads a global.
    fn global(&mut self) -> Result<()> {
        let kind = *self.bytes.choose(self.shape.kinds)?;
        let found = self.shape.kinds.iter().position(|other| *other == kind);
        let index = 1 + found.expect("it is one of them") as u32;
        match self.bytes.arbitrary()? {
            true => {
                self.push(kind, 1)?;
                self.sink().global_set(index);
            }
            false => {
                self.sink().global_get(index);
                self.pop(kind)?;
            }
        }
        Ok(())
    }

    /// Calls a function of the module.
    fn call(&mut self) -> Result<()> {
        let Some(index) = self.callee(|_| true)? else { return Ok(()) };
        let way = self.call_operands(index)?;
        match way {
            Way::Direct => self.sink().call(index as u32),
            Way::Indirect => self.sink().call_indirect(0, index as u32),
            Way::Reference => self.sink().call_ref(index as u32),
        };
        let results = self.shape.signatures[index].results.clone();
        results.iter().rev().try_for_each(|kind| self.pop(*kind))
    }

    /// Some function of the module, if there is one like this: seldom one that comes before, or there would be no end.
    fn callee(&mut self, like: impl Fn(&Signature) -> bool) -> Result<Option<usize>> {
        let first = if self.bytes.ratio(1, 8)? { 0 } else { self.index + 1 };
        let signatures = self.shape.signatures.iter().enumerate().skip(first);
        let fitting: Vec<_> =
            signatures.filter(|(_, signature)| like(signature)).map(|(index, _)| index).collect();
        match fitting.is_empty() {
            true => Ok(None),
            false => self.bytes.choose(&fitting).copied().map(Some),
        }
    }

    /// Pushes the arguments of a function, and by what it is found.
    fn call_operands(&mut self, index: usize) -> Result<Way> {
        let params = self.shape.signatures[index].params.clone();
        params.iter().try_for_each(|kind| self.push(*kind, 0))?;
        let ways: &[Way] = match self.shape.features.contains("function-references") {
            true => &[Way::Direct, Way::Indirect, Way::Reference],
            false => &[Way::Direct, Way::Indirect],
        };
        let way = *self.bytes.choose(ways)?;
        match way {
            Way::Direct => {}
            // Mostly where the element segment has put it.
            Way::Indirect if self.bytes.ratio(9, 10)? => {
                self.sink().i32_const(2 + index as i32);
            }
            Way::Indirect => {
                self.push(Kind::I32, 0)?;
                self.sink().i32_const(TABLE_ELEMENTS as i32 + 1).i32_rem_u();
            }
            Way::Reference => self.reference(index as u32)?,
        }
        Ok(way)
    }

    /// Pushes a reference to a function that was null in between.
    fn reference(&mut self, index: u32) -> Result<()> {
        let of_type = RefType { nullable: true, heap_type: HeapType::Concrete(index) };
        let block = BlockType::Result(ValType::Ref(of_type));
        let null = HeapType::Concrete(index);
        let way = self.bytes.int_in_range(0..=5)?;
        if way == 3 {
            self.push(Kind::I32, 0)?;
        }
        let mut sink = self.sink();
        match way {
            0 => sink.ref_null(null).ref_as_non_null(),
            1 => sink.ref_func(index).ref_as_non_null(),
            2 => sink.block(block).ref_null(null).br_on_non_null(0).ref_func(index).end(),
            3 => sink.if_(block).ref_func(index).else_().ref_null(null).end(),
            4 => {
                sink.block(BlockType::Empty).ref_func(index).br_on_null(0).drop().end();
                sink.ref_func(index)
            }
            _ => sink.ref_func(index),
        };
        Ok(())
    }

    /// Applies an operator, and keeps what it leaves.
    fn operate(&mut self) -> Result<()> {
        let entry = self.some_operator(|_| true)?;
        if let Some(entry) = entry {
            self.apply(entry, NESTING)?;
            entry.results.iter().rev().try_for_each(|kind| self.pop(*kind))?;
        }
        Ok(())
    }

    /// Some operator, if there is one like this in a proposal chosen before: each proposal is as likely as the others.
    fn some_operator<'s>(&mut self, like: impl Fn(&Entry) -> bool) -> Result<Option<&'s Entry>>
    where
        Self: 's,
    {
        let supply = self.shape.supply;
        let proposals: Vec<_> = supply.operators.values().collect();
        let proposal = self.bytes.choose(&proposals)?;
        let entries: Vec<_> = proposal.iter().filter(|entry| like(entry)).collect();
        if entries.is_empty() {
            return Ok(None);
        }
        let entry = *self.bytes.choose(&entries)?;
        // Those that mostly trap would leave little to compare.
        let traps = entry.name.contains("Div")
            || entry.name.contains("Rem")
            || entry.name.contains("Trunc")
                && !entry.name.contains("Sat")
                && entry.name.starts_with('I')
            || entry.name.starts_with("Table")
            || entry.name == "RefAsNonNull";
        if (traps || entry.is_far) && !self.bytes.ratio(1, 6)? {
            return Ok(None);
        }
        Ok(Some(entry))
    }

    /// Pushes what an operator takes, and the operator.
    fn apply(&mut self, entry: &Entry, nesting: usize) -> Result<()> {
        self.budget = self.budget.saturating_sub(1);
        let is_bulk = entry.results.is_empty() && entry.params.len() == 3;
        for (at, kind) in entry.params.iter().enumerate() {
            if entry.has_memory && (at == 0 || is_bulk) {
                self.address(*kind)?;
            } else {
                self.push(*kind, nesting)?;
            }
        }
        self.code.extend(&entry.code);
        Ok(())
    }

    /// Pushes an address or number of bytes, of which most lie in a memory.
    fn address(&mut self, kind: Kind) -> Result<()> {
        let masks = [0x7, 0x38, 0x78, 0x7f, 0x7f, 0xfff8, 0xffff, 0x1_ffff, -1];
        let mask = match self.bytes.ratio(3, 4)? {
            true => masks[self.bytes.int_in_range(0..=4)?],
            false => *self.bytes.choose(&masks)?,
        };
        self.push(kind, 1)?;
        match kind {
            Kind::I64 => self.sink().i64_const(mask.into()).i64_and(),
            Kind::I32 => self.sink().i32_const(mask).i32_and(),
            _ => &mut self.sink(),
        };
        Ok(())
    }

    /// Pushes a value: of a local, a constant, or what an operator leaves.
    fn push(&mut self, kind: Kind, nesting: usize) -> Result<()> {
        match self.bytes.int_in_range(0..=9)? {
            0 | 1 if kind == Kind::Func && self.bytes.arbitrary()? => {
                let function = self.bytes.choose_index(self.shape.signatures.len())?;
                self.sink().ref_func(function as u32);
            }
            0 | 1 => {
                let value = *self.bytes.choose(&kind.edges())?;
                push_constant(&mut self.sink(), value);
            }
            2..=5 if nesting > 0 && self.budget > 0 => {
                match self.some_operator(|entry| entry.results.as_slice() == [kind])? {
                    Some(entry) => self.apply(entry, nesting - 1)?,
                    None => self.push_local(kind)?,
                }
            }
            _ => self.push_local(kind)?,
        }
        Ok(())
    }

    fn push_local(&mut self, kind: Kind) -> Result<()> {
        let local = *self.bytes.choose(&self.locals[&kind])?;
        self.sink().local_get(local);
        Ok(())
    }

    /// Keeps a value in a local.
    fn pop(&mut self, kind: Kind) -> Result<()> {
        let local = *self.bytes.choose(&self.locals[&kind])?;
        self.sink().local_set(local);
        Ok(())
    }

    /// Returns, or has another function return.
    fn finish(&mut self) -> Result<()> {
        let results = self.signature.results.clone();
        let callee = match self.shape.features.contains("tail-call") && self.bytes.ratio(1, 2)? {
            true => self.callee(|signature| signature.results == results)?,
            false => None,
        };
        if let Some(index) = callee {
            match self.call_operands(index)? {
                Way::Direct => self.sink().return_call(index as u32),
                Way::Indirect => self.sink().return_call_indirect(0, index as u32),
                Way::Reference => self.sink().return_call_ref(index as u32),
            };
        } else {
            results.iter().try_for_each(|kind| self.push(*kind, 0))?;
        }
        self.sink().end();
        Ok(())
    }
}

/// How a function is found.
#[derive(Clone, Copy)]
enum Way {
    Direct,
    Indirect,
    Reference,
}
