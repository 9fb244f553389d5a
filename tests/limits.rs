//! What WebAssembly's JavaScript interface lets every engine limit (its section "Implementation-defined limits"): modules
//! that come up to the limits compile and run with right results; modules that exceed them are refused with an error that
//! says so. And what has no limit, such as the depth to which blocks nest, exhausts nobody's stack.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, DataSegment, DataSegmentMode, ElementSection,
    Elements, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, Instruction as I, MemArg, MemArgTarget, MemorySection, MemoryType,
    RefType, TableSection, TableType, TypeSection, ValType,
};
use wootz::{
    Config, Engine, Func, Instance, Linker, Module, Store, StoreLimits, StoreLimitsBuilder, Val,
};

/// The sections of a module, in their order. Those that stay empty are left out.
#[derive(Default)]
struct Parts {
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    code: CodeSection,
    data: DataSection,
}

impl Parts {
    fn finish(&self) -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        macro_rules! sections {
            ($($name:ident),*) => {$(
                if self.$name.len() > 0 {
                    module.section(&self.$name);
                }
            )*};
        }
        sections!(
            types, imports, functions, tables, memories, globals, exports, elements, code, data
        );
        module.finish()
    }

    /// Adds a function. Its number counts no imports.
    fn function(&mut self, ty: (&[ValType], &[ValType]), body: Function) -> u32 {
        let number = self.types.len();
        self.types.ty().function(ty.0.iter().copied(), ty.1.iter().copied());
        self.functions.function(number);
        self.code.function(&body);
        self.functions.len() - 1
    }

    /// Adds a function and exports it as `run`.
    fn run(&mut self, ty: (&[ValType], &[ValType]), locals: &[(u32, ValType)], body: &[I<'_>]) {
        let number = self.function(ty, function(locals, body));
        self.exports.export("run", ExportKind::Func, number);
    }
}

fn function(locals: &[(u32, ValType)], body: &[I<'_>]) -> Function {
    let mut function = Function::new(locals.iter().copied());
    for instruction in body {
        function.instruction(instruction);
    }
    function.instruction(&I::End);
    function
}

/// The operand of accesses to single bytes, or unaligned ones, of a memory.
fn bytes_of(memory: u32) -> MemArg {
    MemArg { offset: 0, align: 0, target: MemArgTarget::Memory(memory), ordering: None }
}

/// A module with one function, which is exported as `run`.
fn single(ty: (&[ValType], &[ValType]), locals: &[(u32, ValType)], body: &[I<'_>]) -> Vec<u8> {
    let mut parts = Parts::default();
    parts.run(ty, locals, body);
    parts.finish()
}

/// The type of a table of functions.
fn function_table(minimum: u32, table64: bool) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        minimum: minimum.into(),
        maximum: None,
        table64,
        shared: false,
    }
}

struct Running {
    store: Store<StoreLimits>,
    instance: Instance,
}

/// Instantiates a module that imports nothing.
fn start(wasm: &[u8]) -> Running {
    let engine =
        Engine::new(Config::new().wasm_custom_page_sizes(true)).expect("settings that fit");
    let module = Module::new(&engine, wasm).expect("within the limits");
    let mut store = Store::new(&engine, StoreLimitsBuilder::new().tables(1_000_000).build());
    store.limiter(|limits| limits);
    let instance = Instance::new(&mut store, &module, &[]).expect("nothing is missing");
    Running { store, instance }
}

impl Running {
    fn func(&mut self, name: &str) -> Func {
        self.instance.get_func(&mut self.store, name).expect("it is exported")
    }

    /// Calls `run` with numbers.
    fn run(&mut self, arguments: &[i32]) -> i32 {
        let arguments: Vec<Val> = arguments.iter().map(|&argument| Val::I32(argument)).collect();
        let mut results = [Val::I32(0)];
        self.func("run").call(&mut self.store, &arguments, &mut results).expect("it does not trap");
        results[0].unwrap_i32()
    }
}

/// The message with which a module is refused.
fn refused(wasm: &[u8]) -> String {
    match Module::new(&Engine::default(), wasm) {
        Ok(_) => panic!("the module exceeds a limit"),
        Err(error) => format!("{error:#}"),
    }
}

#[track_caller]
fn assert_refused(wasm: &[u8], reason: &str) {
    let message = refused(wasm);
    assert!(message.contains(reason), "`{message}` does not say `{reason}`");
}

const NUMBER_TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];

/// Such numbers as parameters and results, of all four types in turn.
fn types(count: usize) -> Vec<ValType> {
    (0..count).map(|position| NUMBER_TYPES[position % 4]).collect()
}

#[test]
fn a_thousand_parameters_and_results() {
    let types = types(1000);
    // `swap` returns each of its parameters, in groups of eight whose halves are exchanged; `run` calls it twice, through a
    // table the second time, which gives what there was.
    let mut parts = Parts::default();
    let body: Vec<I<'_>> = (0..1000).map(|position| I::LocalGet(position ^ 4)).collect();
    parts.function((&types, &types), function(&[], &body));
    let mut body: Vec<I<'_>> = (0..1000).map(I::LocalGet).collect();
    body.push(I::Call(0));
    body.push(I::I32Const(0));
    body.push(I::CallIndirect { type_index: 0, table_index: 0 });
    parts.run((&types, &types), &[], &body);
    parts.exports.export("swap", ExportKind::Func, 0);
    parts.tables.table(function_table(1, false));
    parts.elements.active(
        None,
        &ConstExpr::i32_const(0),
        Elements::Functions([0].as_slice().into()),
    );
    let mut running = start(&parts.finish());

    let arguments: Vec<Val> = (0..1000)
        .map(|number| match number % 4 {
            0 => Val::I32(number),
            1 => Val::I64(i64::from(number) << 32),
            2 => Val::F32((number as f32 / 2.0).to_bits()),
            _ => Val::F64((f64::from(number) / 3.0).to_bits()),
        })
        .collect();
    for (name, swapped) in [("swap", 4), ("run", 0)] {
        let mut results = vec![Val::I32(0); 1000];
        let func = running.func(name);
        func.call(&mut running.store, &arguments, &mut results).expect("it does not trap");
        for (position, result) in results.iter().enumerate() {
            let expected = &arguments[position ^ swapped];
            assert_eq!(format!("{result:?}"), format!("{expected:?}"), "{name}, {position}");
        }
    }

    // The host's functions may have as many.
    let Running { mut store, .. } = running;
    let module = Module::new(store.engine(), {
        let mut parts = Parts::default();
        parts.types.ty().function(types.iter().copied(), types.iter().copied());
        parts.imports.import("host", "swap", EntityType::Function(0));
        parts.functions.function(0);
        let mut body: Vec<I<'_>> = (0..1000).map(I::LocalGet).collect();
        body.push(I::Call(0));
        parts.code.function(&function(&[], &body));
        parts.exports.export("run", ExportKind::Func, 1);
        parts.finish()
    });
    let module = module.expect("within the limits");
    let ty = module.imports().next().unwrap().ty().unwrap_func().clone();
    let host = Func::new(&mut store, ty, |_, arguments, results| {
        for (position, result) in results.iter_mut().enumerate() {
            *result = arguments[position ^ 4];
        }
        Ok(())
    });
    let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
    let mut results = vec![Val::I32(0); 1000];
    let run = instance.get_func(&mut store, "run").unwrap();
    run.call(&mut store, &arguments, &mut results).expect("it does not trap");
    assert_eq!(results[1].unwrap_i64(), 5 << 32);
    assert_eq!(results[999].unwrap_f64(), 995.0 / 3.0);
}

/// More than go the short way: the last ones go the long one, and compiling does not take the square of the time.
#[test]
fn thousands_of_calls_through_a_table() {
    const CALLS: usize = 5000;
    let mut parts = Parts::default();
    let body = [I::LocalGet(0), I::I32Const(1), I::I32Add];
    parts.function((&[ValType::I32], &[ValType::I32]), function(&[], &body));
    parts.tables.table(function_table(1, false));
    let elements = Elements::Functions(std::borrow::Cow::Borrowed(&[0]));
    parts.elements.active(None, &ConstExpr::i32_const(0), elements);
    let mut body = vec![I::LocalGet(0)];
    for _ in 0..CALLS {
        body.extend([I::I32Const(0), I::CallIndirect { type_index: 0, table_index: 0 }]);
    }
    parts.run((&[ValType::I32], &[ValType::I32]), &[], &body);
    let mut running = start(&parts.finish());
    assert_eq!(running.run(&[7]), 7 + CALLS as i32);
}

#[test]
fn more_than_a_thousand_are_refused() {
    let many = types(1001);
    assert_refused(&single((&many, &[]), &[], &[]), "function params size is out of bounds");
    assert_refused(
        &single((&[], &many), &[], &[I::Unreachable]),
        "function returns size is out of bounds",
    );
}

#[test]
fn fifty_thousand_locals() {
    // Each local gets a number of its own; all are alive at the same time.
    let count = 49_999;
    let mut body = vec![];
    for local in 1..=count {
        body.push(I::LocalGet(0));
        body.push(I::I32Const(local as i32));
        body.push(I::I32Mul);
        body.push(I::LocalSet(local));
    }
    body.push(I::I32Const(0));
    for local in 1..=count {
        body.push(I::LocalGet(local));
        body.push(I::I32Add);
    }
    let i32 = [ValType::I32];
    let mut running = start(&single((&i32, &i32), &[(count, ValType::I32)], &body));
    let sum = (1..=count as i32).fold(0, |sum: i32, local| sum.wrapping_add(3 * local));
    assert_eq!(running.run(&[3]), sum);

    let too_many = single((&i32, &[]), &[(count + 1, ValType::I32)], &[]);
    assert_refused(&too_many, "too many locals: locals exceed maximum");
}

#[test]
fn locals_in_many_blocks() {
    // What is passed from block to block is what is used there, not all there is.
    let (locals, blocks) = (49_999, 3_000);
    let mut body = vec![];
    for block in 0..blocks {
        body.push(I::LocalGet(0));
        body.push(I::If(BlockType::Empty));
        body.push(I::LocalGet(1 + block));
        body.push(I::I32Const(1));
        body.push(I::I32Add);
        body.push(I::LocalSet(2 + block));
        body.push(I::End);
    }
    body.push(I::LocalGet(1 + blocks));
    let i32 = [ValType::I32];
    let mut running = start(&single((&i32, &i32), &[(locals, ValType::I32)], &body));
    assert_eq!(running.run(&[1]), blocks as i32);
    assert_eq!(running.run(&[0]), 0);
}

#[test]
fn a_function_of_the_largest_size() {
    const MOST_BYTES: usize = 7_654_321;
    let i32 = [ValType::I32];
    let build = |bytes: usize| {
        let mut body = Function::new([]);
        for number in 0..100_000 {
            body.instruction(&I::LocalGet(0));
            body.instruction(&I::I32Const(number));
            body.instruction(&I::I32Xor);
            body.instruction(&I::I32Const(3));
            body.instruction(&I::I32Mul);
            body.instruction(&I::LocalSet(0));
        }
        // One byte each, and the end of the function after them.
        let rest = bytes - body.byte_len() - 3;
        for _ in 0..rest {
            body.instruction(&I::Nop);
        }
        body.instruction(&I::LocalGet(0));
        body.instruction(&I::End);
        assert_eq!(body.byte_len(), bytes);
        let mut parts = Parts::default();
        let number = parts.function((&i32, &i32), body);
        parts.exports.export("run", ExportKind::Func, number);
        parts.finish()
    };
    let expected = (0..100_000).fold(5, |value: i32, number| (value ^ number).wrapping_mul(3));
    assert_eq!(start(&build(MOST_BYTES)).run(&[5]), expected);
    assert_refused(&build(MOST_BYTES + 1), "function body size count exceeds limit of 7654321");
}

#[test]
fn deep_nesting_needs_no_deep_stack() {
    let depth = 20_000;
    let i32 = [ValType::I32];
    // From the innermost block to a label in the middle, which adds up what is behind the blocks outside of it.
    let mut body = vec![I::Block(BlockType::Empty); depth as usize];
    body.push(I::Br(depth / 2));
    for _ in 0..depth {
        body.push(I::End);
        body.push(I::LocalGet(0));
        body.push(I::I32Const(1));
        body.push(I::I32Add);
        body.push(I::LocalSet(0));
    }
    body.push(I::LocalGet(0));
    assert_eq!(start(&single((&i32, &i32), &[], &body)).run(&[7]), 7 + (depth - depth / 2) as i32);

    let depth = 10_000;
    let mut body = vec![];
    for _ in 0..depth {
        body.push(I::LocalGet(0));
        body.push(I::If(BlockType::Empty));
        body.push(I::LocalGet(0));
        body.push(I::I32Const(1));
        body.push(I::I32Sub);
        body.push(I::LocalSet(0));
        body.push(I::LocalGet(1));
        body.push(I::I32Const(2));
        body.push(I::I32Add);
        body.push(I::LocalSet(1));
    }
    body.extend(vec![I::End; depth as usize]);
    body.push(I::LocalGet(1));
    let mut running = start(&single((&i32, &i32), &[(1, ValType::I32)], &body));
    assert_eq!((running.run(&[1000]), running.run(&[-1])), (2000, 2 * depth));

    // Operands: all constants first, then all additions.
    let mut body: Vec<I<'_>> = (0..depth).map(I::I32Const).collect();
    body.insert(0, I::LocalGet(0));
    body.extend(vec![I::I32Add; depth as usize]);
    let sum = (0..depth).fold(9, i32::wrapping_add);
    assert_eq!(start(&single((&i32, &i32), &[], &body)).run(&[9]), sum);
}

#[test]
fn deeply_nested_loops() {
    let depth = 1_000;
    let i32 = [ValType::I32];
    let mut body = vec![];
    for _ in 0..depth {
        body.push(I::Loop(BlockType::Empty));
    }
    for _ in 0..depth {
        body.push(I::LocalGet(1));
        body.push(I::I32Const(1));
        body.push(I::I32Add);
        body.push(I::LocalTee(1));
        body.push(I::LocalGet(0));
        body.push(I::I32LtS);
        body.push(I::BrIf(0));
        body.push(I::End);
    }
    body.push(I::LocalGet(1));
    let mut running = start(&single((&i32, &i32), &[(1, ValType::I32)], &body));
    assert_eq!(running.run(&[0]), depth);
    assert_eq!(running.run(&[100]), 100 + depth - 1);
}

#[test]
fn a_branch_table_with_a_hundred_thousand_targets() {
    let (labels, targets) = (100, 100_000);
    let i32 = [ValType::I32];
    let mut body = vec![I::Block(BlockType::Empty); labels as usize];
    body.push(I::LocalGet(0));
    let table: Vec<u32> = (0..targets).map(|target| (target * 7) % labels).collect();
    body.push(I::BrTable(table.into(), labels - 1));
    for label in 0..labels {
        body.push(I::End);
        body.push(I::I32Const(label as i32));
        body.push(I::Return);
    }
    // The last `return` is followed by the end of the function.
    body.push(I::Unreachable);
    let mut running = start(&single((&i32, &i32), &[], &body));
    for index in [0, 1, 99, 100, 65_519, 65_520, 65_536, 99_998, 99_999] {
        assert_eq!(running.run(&[index]), (index * 7) % labels as i32, "{index}");
    }
    for index in [100_000, i32::MAX, -1] {
        assert_eq!(running.run(&[index]), labels as i32 - 1, "{index}");
    }
}

#[test]
fn a_hundred_thousand_functions() {
    let count = 100_000;
    let mut parts = Parts::default();
    parts.types.ty().function([ValType::I32], [ValType::I32]);
    for number in 0..count {
        parts.functions.function(0);
        let body = [I::LocalGet(0), I::I32Const(number as i32), I::I32Xor];
        parts.code.function(&function(&[], &body));
        parts.exports.export(&format!("f{number}"), ExportKind::Func, number);
    }
    parts.tables.table(function_table(count, false));
    let all: Vec<u32> = (0..count).collect();
    parts.elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(all.into()));
    parts.functions.function(0);
    let body = [
        I::LocalGet(0),
        I::LocalGet(0),
        I::CallIndirect { type_index: 0, table_index: 0 },
        I::Call(count - 1),
    ];
    parts.code.function(&function(&[], &body));
    parts.exports.export("run", ExportKind::Func, count);
    let mut running = start(&parts.finish());
    for number in [0, 1, 65_535, 65_536, 99_999] {
        assert_eq!(running.run(&[number]), count as i32 - 1, "{number}");
        let mut results = [Val::I32(0)];
        let func = running.func(&format!("f{number}"));
        func.call(&mut running.store, &[Val::I32(-1)], &mut results).unwrap();
        assert_eq!(results[0].unwrap_i32(), !number);
    }
}

#[test]
fn a_million_types() {
    let build = |count: u32| {
        let mut parts = Parts::default();
        for _ in 1..count {
            parts.types.ty().function([ValType::I32], []);
        }
        parts.run((&[], &[ValType::I32]), &[], &[I::I32Const(11)]);
        parts.finish()
    };
    assert_eq!(start(&build(1_000_000)).run(&[]), 11);
    assert_refused(&build(1_000_001), "types count exceeds limit of 1000000");
}

#[test]
fn many_imports_exports_and_globals() {
    let count = 100_000;
    let mut parts = Parts::default();
    let ty = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    for _ in 0..count {
        parts.imports.import("host", "global", EntityType::Global(ty));
    }
    for number in 0..count {
        parts.globals.global(ty, &ConstExpr::i32_const(number as i32));
        parts.exports.export(&format!("g{number}"), ExportKind::Global, count + number);
    }
    let body = [
        I::GlobalGet(count - 1),
        I::GlobalGet(2 * count - 1),
        I::I32Add,
        I::GlobalSet(0),
        I::GlobalGet(count / 2),
    ];
    parts.run((&[], &[ValType::I32]), &[], &body);
    let engine = Engine::default();
    let module = Module::new(&engine, parts.finish()).expect("within the limits");
    let mut store = Store::new(&engine, ());
    let ty = wootz::GlobalType::new(wootz::ValType::I32, wootz::Mutability::Var);
    let global = wootz::Global::new(&mut store, ty, Val::I32(5)).unwrap();
    let mut linker = Linker::new(&engine);
    linker.define(&store, "host", "global", global).unwrap();
    let instance = linker.instantiate(&mut store, &module).expect("all imports are there");
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 5 + count as i32 - 1);
    let last = instance.get_global(&mut store, &format!("g{}", count - 1)).unwrap();
    assert_eq!(last.get(&mut store).unwrap_i32(), count as i32 - 1);
}

#[test]
fn a_hundred_thousand_segments() {
    // Every other byte of the memory, so that some segments become images and others do not; one in ten is passive.
    let count = 100_000;
    let build = |count: u32| {
        let mut parts = Parts::default();
        let ty = MemoryType {
            minimum: 16,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        };
        parts.memories.memory(ty);
        for number in 0..count {
            let offset = ConstExpr::i32_const(10 * number as i32);
            let mode = match number % 10 {
                9 => DataSegmentMode::Passive,
                _ => DataSegmentMode::Active { memory_index: 0, offset: &offset },
            };
            parts.data.segment(DataSegment { mode, data: [number as u8 | 1, 2] });
        }
        let memarg = bytes_of(0);
        parts.run(
            (&[ValType::I32], &[ValType::I32]),
            &[],
            &[I::LocalGet(0), I::I32Load16U(memarg)],
        );
        parts.finish()
    };
    let mut running = start(&build(count));
    for number in [0, 1, 50_000, 99_998] {
        let expected = i32::from(number as u8 | 1) + 512;
        assert_eq!(running.run(&[10 * number]), expected, "{number}");
        assert_eq!(running.run(&[10 * number + 2]), 0, "{number}");
    }
    assert_eq!(running.run(&[999_990]), 0, "the last one is passive");
    assert_refused(&build(count + 1), "data segments count exceeds limit of 100000");

    let mut parts = Parts::default();
    parts.tables.table(function_table(count, false));
    for number in 0..count {
        let offset = ConstExpr::i32_const(number as i32);
        parts.elements.active(None, &offset, Elements::Functions([0].as_slice().into()));
    }
    let body = [I::LocalGet(0), I::TableGet(0), I::RefIsNull];
    parts.run((&[ValType::I32], &[ValType::I32]), &[], &body);
    assert_eq!(start(&parts.finish()).run(&[99_999]), 0);
}

#[test]
fn a_hundred_memories() {
    let build = |count: u32| {
        let mut parts = Parts::default();
        // Memories of all kinds take turns.
        for number in 0..count {
            let ty = MemoryType {
                minimum: 1 + u64::from(number),
                maximum: (number % 3 == 0).then_some(200),
                memory64: number % 2 == 1,
                shared: false,
                page_size_log2: (number % 5 == 0).then_some(0),
            };
            parts.memories.memory(ty);
        }
        // Each gets its number as its first byte; then their sizes are added up, and their first bytes.
        let mut body = vec![];
        let zero = |number: u32| if number % 2 == 1 { I::I64Const(0) } else { I::I32Const(0) };
        for number in 0..count {
            let memarg = bytes_of(number);
            body.extend([zero(number), I::I32Const(number as i32), I::I32Store8(memarg)]);
        }
        body.push(I::I32Const(0));
        for number in 0..count {
            let memarg = bytes_of(number);
            body.extend([zero(number), I::I32Load8U(memarg), I::I32Add]);
            body.push(I::MemorySize(number));
            body.extend((number % 2 == 1).then_some(I::I32WrapI64));
            body.push(I::I32Add);
        }
        parts.run((&[], &[ValType::I32]), &[], &body);
        parts.finish()
    };
    assert_eq!(
        start(&build(100)).run(&[]),
        (0..100).map(|number| number + number + 1).sum::<i32>()
    );
    assert_refused(&build(101), "memories count exceeds limit of 100");
}

#[test]
fn a_table_of_ten_million_elements() {
    let build = |minimum: u64| {
        let mut parts = Parts::default();
        let ty = TableType {
            element_type: RefType::EXTERNREF,
            minimum,
            maximum: None,
            table64: false,
            shared: false,
        };
        parts.tables.table(ty);
        parts.run(
            (&[], &[ValType::I32]),
            &[],
            &[
                I::RefNull(wasm_encoder::HeapType::EXTERN),
                I::I32Const(1),
                I::TableGrow(0),
                I::TableSize(0),
                I::I32Add,
            ],
        );
        parts.finish()
    };
    // It cannot grow: -1.
    assert_eq!(start(&build(10_000_000)).run(&[]), 10_000_000 - 1);
    assert_eq!(start(&build(9_999_999)).run(&[]), 9_999_999 + 10_000_000);
    let engine = Engine::default();
    let error = Module::new(&engine, build(10_000_001))
        .and_then(|module| Instance::new(Store::new(&engine, ()), &module, &[]));
    let message = format!("{:#}", error.map(drop).unwrap_err());
    assert!(
        message.contains("a table of 10000001 elements exceeds the limit of 10000000"),
        "{message}"
    );
}

#[test]
fn a_hundred_thousand_tables() {
    let build = |count: u32| {
        let mut parts = Parts::default();
        for number in 0..count {
            parts.tables.table(function_table(number % 3, number % 2 == 1));
        }
        let body = [I::TableSize(count - 2), I::I32Const(10), I::I32Mul, I::TableSize(count - 3)];
        let body = [&body[..], &[I::I32WrapI64, I::I32Add]].concat();
        parts.run((&[], &[ValType::I32]), &[], &body);
        parts.finish()
    };
    assert_eq!(start(&build(100_000)).run(&[]), 10 * (99_998 % 3) + 99_997 % 3);
    assert_refused(&build(100_001), "tables count exceeds limit of 100000");
}

#[test]
fn a_module_of_more_than_a_gibibyte() {
    // The system gives pages of zeros only to who looks at them.
    let mut wasm = vec![0; (1 << 30) + 1];
    wasm[..8].copy_from_slice(b"\0asm\x01\0\0\0");
    assert_refused(&wasm, "it has 1073741825 bytes, at most 1073741824 are possible");
}
