//! A second of comparing Wootz with an interpreter on generated modules: same results, same traps, same memories and
//! globals afterwards. `fuzz/` does it for hours.
//!
//! The modules take turns with several settings. With epochs, the host collects host values at many checks, while only
//! guests refer to them: what a collection does not find is missed by the comparison.
//!
//! `WOOTZ_SEED=N` repeats one module, `WOOTZ_SECONDS=N` goes on for longer.

use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use wasm_smith::Config;

/// How many bytes of randomness a module is made of.
const ENTROPY_BYTES: usize = 4096;
/// How many loop iterations and calls a module may make before it traps.
const FUEL: u32 = 10_000;

#[test]
fn generated_modules_do_the_same_as_in_an_interpreter() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("WOOTZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..u64::MAX,
    };
    let end = Instant::now() + Duration::from_secs(number("WOOTZ_SECONDS").unwrap_or(1));
    let engines = engines();
    let mut compared = Compared::default();
    let first = seeds.start;
    let mut modules = 0;
    for seed in seeds {
        if Instant::now() > end {
            break;
        }
        let wasm = generate(seed);
        let engine = &engines[seed as usize % engines.len()];
        if let Err(message) = compare(engine, &wasm, &mut compared) {
            let file = std::env::temp_dir().join(format!("wootz-differential-{seed}.wat"));
            let text = wasmprinter::print_bytes(&wasm).expect("the module is valid");
            std::fs::write(&file, text).expect("there is room for a file");
            panic!("WOOTZ_SEED={seed}: {message}\nthe module is in {}", file.display());
        }
        modules += 1;
    }
    println!("{modules} modules from seed {first} on: {compared:?}");
    assert!(modules > 0);
}

/// The settings that modules are compiled with.
fn engines() -> Vec<wootz::Engine> {
    let settings: [fn(&mut wootz::Config); 5] = [
        |_| (),
        |config| _ = config.epoch_interruption(true),
        |config| _ = config.consume_fuel(true),
        |config| _ = config.epoch_interruption(true).consume_fuel(true).memory_reservation(1 << 20),
        |config| _ = config.epoch_interruption(true).cranelift_opt_level(wootz::OptLevel::None),
    ];
    settings
        .map(|change| {
            let mut config = wootz::Config::new();
            change(&mut config);
            wootz::Engine::new(&config).expect("the settings fit each other")
        })
        .into()
}

/// What was compared.
#[derive(Default, Debug)]
struct Compared {
    /// Modules that cannot be instantiated.
    refused: usize,
    results: usize,
    traps: usize,
    memories: usize,
    globals: usize,
}

/// Random numbers that are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// A module that is valid, ends, and needs what is in version 2 of WebAssembly, without SIMD.
fn generate(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let entropy: Vec<u8> =
        (0..ENTROPY_BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    let config = Config {
        acquire_release_atomics_enabled: false,
        allow_start_export: true,
        canonicalize_nans: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        export_everything: true,
        gc_enabled: false,
        max_data_segments: 5,
        max_element_segments: 5,
        max_funcs: 10,
        max_globals: 10,
        max_imports: 0,
        max_memories: 1,
        max_memory32_bytes: 4 << 16,
        max_table_elements: 100,
        max_tables: 3,
        memory64_enabled: false,
        memory_max_size_required: true,
        min_funcs: 2,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        simd_enabled: false,
        table_max_size_required: true,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    };
    let mut module = wasm_smith::Module::new(config, &mut Unstructured::new(&entropy))
        .expect("the entropy suffices");
    module.ensure_termination(FUEL).expect("all functions are valid");
    module.to_bytes()
}

/// A value, or that it is a reference and whether it is null, in a form in which both sides can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    NullFunc,
    Func,
    NullExtern,
    /// A host value: a number.
    Extern(u32),
}

impl Value {
    fn to_wootz(self, store: impl wootz::AsContextMut) -> wootz::Val {
        match self {
            Value::I32(value) => wootz::Val::I32(value),
            Value::I64(value) => wootz::Val::I64(value),
            Value::F32(bits) => wootz::Val::F32(bits),
            Value::F64(bits) => wootz::Val::F64(bits),
            Value::NullFunc | Value::Func => wootz::Val::FuncRef(None),
            Value::NullExtern => wootz::Val::ExternRef(None),
            Value::Extern(number) => {
                wootz::ExternRef::new(store, number).expect("there is room").into()
            }
        }
    }

    fn from_wootz(store: impl wootz::AsContext, value: &wootz::Val) -> Value {
        match value {
            wootz::Val::I32(value) => Value::I32(*value),
            wootz::Val::I64(value) => Value::I64(*value),
            wootz::Val::F32(bits) => Value::F32(*bits),
            wootz::Val::F64(bits) => Value::F64(*bits),
            wootz::Val::FuncRef(None) => Value::NullFunc,
            wootz::Val::FuncRef(Some(_)) => Value::Func,
            wootz::Val::ExternRef(None) => Value::NullExtern,
            wootz::Val::ExternRef(Some(value)) => {
                let data = value.data(store.as_context()).expect("it is rooted");
                let data = data.expect("what guests hold is not collected");
                Value::Extern(*data.downcast_ref().expect("they are numbers"))
            }
            other => panic!("{other:?} is not in version 2 without SIMD"),
        }
    }

    fn to_wasmi(self, store: impl wasmi::AsContextMut) -> wasmi::Val {
        match self {
            Value::I32(value) => wasmi::Val::I32(value),
            Value::I64(value) => wasmi::Val::I64(value),
            Value::F32(bits) => wasmi::Val::F32(wasmi::F32::from_bits(bits)),
            Value::F64(bits) => wasmi::Val::F64(wasmi::F64::from_bits(bits)),
            Value::NullFunc | Value::Func => wasmi::Val::FuncRef(wasmi::Ref::Null),
            Value::NullExtern => wasmi::Val::ExternRef(wasmi::Ref::Null),
            Value::Extern(number) => wasmi::ExternRef::new(store, number).into(),
        }
    }

    fn from_wasmi(store: &wasmi::Store<()>, value: &wasmi::Val) -> Value {
        match value {
            wasmi::Val::I32(value) => Value::I32(*value),
            wasmi::Val::I64(value) => Value::I64(*value),
            wasmi::Val::F32(value) => Value::F32(value.to_bits()),
            wasmi::Val::F64(value) => Value::F64(value.to_bits()),
            wasmi::Val::FuncRef(wasmi::Ref::Null) => Value::NullFunc,
            wasmi::Val::FuncRef(_) => Value::Func,
            wasmi::Val::ExternRef(wasmi::Ref::Null) => Value::NullExtern,
            wasmi::Val::ExternRef(wasmi::Ref::Val(value)) => {
                Value::Extern(*value.data(store).downcast_ref().expect("they are numbers"))
            }
            other => panic!("{other:?} is not in version 2 without SIMD"),
        }
    }

    fn random(ty: &wootz::ValType, random: &mut Random) -> Value {
        let small = [0, 1, 2, 7, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63];
        let choice = random.next();
        let bits = if choice.is_multiple_of(2) {
            small[(choice >> 8) as usize % small.len()]
        } else {
            random.next()
        };
        match ty {
            wootz::ValType::I32 => Value::I32(bits as i32),
            wootz::ValType::I64 => Value::I64(bits as i64),
            // No NaN: the bits of its payload would travel through functions that copy.
            wootz::ValType::F32 => Value::F32((bits as i32 as f32 / 3.0).to_bits()),
            wootz::ValType::F64 => Value::F64((bits as i64 as f64 / 3.0).to_bits()),
            wootz::ValType::Ref(ty) if ty.heap_type().is_extern() => match choice % 4 {
                0 => Value::NullExtern,
                _ => Value::Extern(bits as u32),
            },
            _ => Value::NullFunc,
        }
    }
}

/// Why a guest stopped, by the words that the specification uses, as far as runtimes agree.
type Trap = &'static str;

const STACK: Trap = "stack overflow";

fn wootz_trap(error: &wootz::Error) -> Trap {
    match error.downcast_ref::<wootz::Trap>() {
        Some(wootz::Trap::StackOverflow) => STACK,
        Some(wootz::Trap::MemoryOutOfBounds) => "memory out of bounds",
        Some(wootz::Trap::TableOutOfBounds) => "table out of bounds",
        Some(wootz::Trap::IndirectCallToNull) => "indirect call to null",
        Some(wootz::Trap::BadSignature) => "bad signature",
        Some(wootz::Trap::IntegerOverflow) => "integer overflow",
        Some(wootz::Trap::IntegerDivisionByZero) => "division by zero",
        Some(wootz::Trap::BadConversionToInteger) => "bad conversion",
        Some(wootz::Trap::UnreachableCodeReached) => "unreachable",
        _ => panic!("not a trap: {error:?}"),
    }
}

fn wasmi_trap(error: &wasmi::Error) -> Trap {
    match error.kind() {
        wasmi::errors::ErrorKind::Table(_) => return "table out of bounds",
        wasmi::errors::ErrorKind::Memory(_) => return "memory out of bounds",
        _ => {}
    }
    match error.as_trap_code() {
        Some(wasmi::TrapCode::StackOverflow) => STACK,
        Some(wasmi::TrapCode::MemoryOutOfBounds) => "memory out of bounds",
        Some(wasmi::TrapCode::TableOutOfBounds) => "table out of bounds",
        Some(wasmi::TrapCode::IndirectCallToNull) => "indirect call to null",
        Some(wasmi::TrapCode::BadSignature) => "bad signature",
        Some(wasmi::TrapCode::IntegerOverflow) => "integer overflow",
        Some(wasmi::TrapCode::IntegerDivisionByZero) => "division by zero",
        Some(wasmi::TrapCode::BadConversionToInteger) => "bad conversion",
        Some(wasmi::TrapCode::UnreachableCodeReached) => "unreachable",
        _ => panic!("not a trap: {error:?}"),
    }
}

/// Runs a module's functions on both sides, each in an instance of its own. `Err` says where they differ.
fn compare(engine: &wootz::Engine, wasm: &[u8], compared: &mut Compared) -> Result<(), String> {
    let module = wootz::Module::new(engine, wasm)
        .map_err(|error| format!("cannot be compiled: {error:?}"))?;
    let other_engine = wasmi::Engine::default();
    let other_module = wasmi::Module::new(&other_engine, wasm)
        .map_err(|error| format!("wasmi refuses it: {error}"))?;
    let mut random = Random(wasm.len() as u64);
    for export in module.exports() {
        let (name, wootz::ExternType::Func(ty)) = (export.name(), export.ty()) else { continue };
        let Some(mut pair) = Pair::new(&module, &other_module)? else {
            compared.refused += 1;
            return Ok(());
        };
        // Twice, because the first call may prepare the second.
        for _ in 0..2 {
            let arguments: Vec<Value> =
                ty.params().map(|ty| Value::random(&ty, &mut random)).collect();
            let Some(outcome) = pair.call(name, &ty, &arguments)? else {
                return Ok(());
            };
            match outcome {
                Ok(_) => compared.results += 1,
                Err(_) => compared.traps += 1,
            }
        }
        pair.compare_state(&module, compared)?;
    }
    Ok(())
}

/// One instance on either side.
struct Pair {
    /// With the number of times that a guest has reached its deadline.
    store: wootz::Store<u32>,
    instance: wootz::Instance,
    other_store: wasmi::Store<()>,
    other_instance: wasmi::Instance,
}

impl Pair {
    /// Instances of a module; none if a segment does not fit, or the start function traps, on both sides.
    fn new(module: &wootz::Module, other_module: &wasmi::Module) -> Result<Option<Pair>, String> {
        let mut store = wootz::Store::new(module.engine(), 0u32);
        store.epoch_deadline_callback(|mut store| {
            *store.data_mut() += 1;
            // Not always, for it takes time.
            let count = *store.data();
            if count < 20 || count.is_multiple_of(200) {
                store.gc(None)?;
            }
            Ok(wootz::UpdateDeadline::Continue(0))
        });
        if module.engine().get_consume_fuel() {
            store.set_fuel(u64::MAX).map_err(|error| error.to_string())?;
        }
        let instance = wootz::Instance::new(&mut store, module, &[]);
        let mut other_store = wasmi::Store::new(other_module.engine(), ());
        let linker = wasmi::Linker::<()>::new(other_module.engine());
        let other_instance = linker.instantiate_and_start(&mut other_store, other_module);
        match (instance, other_instance) {
            (Ok(instance), Ok(other_instance)) => {
                Ok(Some(Pair { store, instance, other_store, other_instance }))
            }
            (Err(error), Err(other)) => {
                // The interpreter says it in words of its own if a segment does not fit.
                let traps = other.as_trap_code().map(|_| (wootz_trap(&error), wasmi_trap(&other)));
                if let Some((trap, other)) = traps
                    && trap != STACK
                    && other != STACK
                {
                    same("instantiation", &trap, &other)?;
                }
                Ok(None)
            }
            (Ok(_), Err(other))
                if other.as_trap_code().is_some_and(|_| wasmi_trap(&other) == STACK) =>
            {
                Ok(None)
            }
            (Ok(_), Err(other)) => Err(format!("instantiation succeeds, wasmi says {other}")),
            (Err(error), Ok(_)) => Err(format!("instantiation fails, but not in wasmi: {error:?}")),
        }
    }

    /// Calls a function, and says what came of it; `None` if a stack was exhausted, which happens at different depths.
    fn call(
        &mut self,
        name: &str,
        ty: &wootz::FuncType,
        arguments: &[Value],
    ) -> Result<Option<Result<Vec<Value>, Trap>>, String> {
        let results = ty.results().len();
        let function = self.instance.get_func(&mut self.store, name).expect("it is exported");
        let mut values = vec![wootz::ValRaw::default(); arguments.len().max(results)];
        {
            // The guest is the only one to hold on to host values.
            let mut scope = wootz::RootScope::new(&mut self.store);
            for (raw, argument) in values.iter_mut().zip(arguments) {
                let value = argument.to_wootz(&mut scope);
                *raw = value.to_raw(&mut scope).expect("it is of this store");
            }
        }
        // SAFETY: the arguments are of the function's types, and there is room for the results.
        let found = match unsafe { function.call_unchecked(&mut self.store, &mut values[..]) } {
            Ok(()) => {
                let mut scope = wootz::RootScope::new(&mut self.store);
                let value = |(ty, raw): (wootz::ValType, &wootz::ValRaw)| {
                    // SAFETY: the function has left a value of this type.
                    let value = unsafe { wootz::Val::from_raw(&mut scope, *raw, ty) };
                    Value::from_wootz(&scope, &value)
                };
                Ok(ty.results().zip(&values).map(value).collect())
            }
            Err(error) => Err(wootz_trap(&error)),
        };
        let function =
            self.other_instance.get_func(&self.other_store, name).expect("it is exported");
        let given: Vec<_> =
            arguments.iter().map(|value| value.to_wasmi(&mut self.other_store)).collect();
        let mut values = vec![wasmi::Val::I32(0); results];
        let expected = match function.call(&mut self.other_store, &given, &mut values) {
            Ok(()) => {
                let value = |value| Value::from_wasmi(&self.other_store, value);
                Ok(values.iter().map(value).collect())
            }
            Err(error) => Err(wasmi_trap(&error)),
        };
        if found == Err(STACK) || expected == Err(STACK) {
            return Ok(None);
        }
        same(&format!("{name}({arguments:?})"), &found, &expected)?;
        Ok(Some(found))
    }

    /// Compares what the module exports.
    fn compare_state(
        &mut self,
        module: &wootz::Module,
        compared: &mut Compared,
    ) -> Result<(), String> {
        let Pair { store, instance, other_store, other_instance } = self;
        for export in module.exports() {
            let name = export.name();
            match export.ty() {
                wootz::ExternType::Global(_) => {
                    let mut scope = wootz::RootScope::new(&mut *store);
                    let global = instance
                        .get_global(&mut scope, name)
                        .expect("it is exported")
                        .get(&mut scope);
                    let found = Value::from_wootz(&scope, &global);
                    let other = other_instance
                        .get_global(&*other_store, name)
                        .expect("it is exported")
                        .get(&*other_store);
                    same(name, &found, &Value::from_wasmi(other_store, &other))?;
                    compared.globals += 1;
                }
                wootz::ExternType::Memory(_) => {
                    let memory = instance.get_memory(&mut *store, name).expect("it is exported");
                    let other =
                        other_instance.get_memory(&*other_store, name).expect("it is exported");
                    let (memory, other) = (memory.data(&*store), other.data(&*other_store));
                    same("the memory's size", &memory.len(), &other.len())?;
                    if let Some(at) = (0..memory.len()).find(|&at| memory[at] != other[at]) {
                        same(&format!("the memory at {at:#x}"), &memory[at], &other[at])?;
                    }
                    compared.memories += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn same<V: PartialEq + std::fmt::Debug>(what: &str, found: &V, expected: &V) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} is {found:?}, and {expected:?} in wasmi"))
    }
}
