//! What suites do not look at: what ends calls early, who calls whom, what is shared, what a program prints.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use wootz::{
    Caller, Config, Engine, Error, ExternRef, Func, Global, GlobalType, Instance, Linker,
    MemoryType, Module, Mutability, Rooted, SharedMemory, Store, Trap, Val, ValType, WasmBacktrace,
};
use wootz_wasi::{I32Exit, MemoryOutputPipe, WasiCtx, WasiCtxBuilder};

/// A test, and its name.
type Test = (&'static str, fn(&Path) -> Result<()>);

/// All of them.
pub const TESTS: &[Test] = &[
    ("each kind of trap", each_kind_of_trap),
    ("backtraces of host errors", backtraces_of_host_errors),
    ("panics go through guests", panics_go_through_guests),
    ("traps inside of host functions", traps_inside_of_host_functions),
    ("stacks are used up", stacks_are_used_up),
    ("many values", many_values),
    ("types of host functions", types_of_host_functions),
    ("images and byte order", images_and_byte_order),
    ("fuel", fuel),
    ("epochs", epochs),
    ("threads", threads),
    ("atomics", atomics),
    ("references", references),
    ("many turns at once", many_turns_at_once),
    ("programs", programs),
    ("foreign artifacts", foreign_artifacts),
];

fn load(engine: &Engine, folder: &Path, name: &str) -> Result<Module> {
    let path = folder.join("guests").join(name);
    // SAFETY: the compiler has made it, for this test.
    unsafe { Module::deserialize_file(engine, path) }
}

/// An instance of `calls.wat`, whose host function does this.
fn calls(
    folder: &Path,
    host: impl Fn(Caller<'_, ()>, i32) -> Result<i32> + Send + Sync + 'static,
) -> Result<(Store<()>, Instance)> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "call", host)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &load(&engine, folder, "calls")?)?;
    Ok((store, instance))
}

/// The trap that ends the call of an exported function.
fn trap(store: &mut Store<()>, instance: Instance, name: &str) -> Result<(Trap, Error)> {
    let function = instance.get_typed_func::<(), ()>(&mut *store, name)?;
    let Err(error) = function.call(&mut *store, ()) else { bail!("`{name}` did not trap") };
    let trap = *error.downcast_ref().ok_or_else(|| anyhow!("no trap: {error:?}"))?;
    Ok((trap, error))
}

/// The names of the functions in a backtrace, the innermost first.
fn names(error: &Error) -> Result<Vec<String>> {
    let backtrace: &WasmBacktrace =
        error.downcast_ref().ok_or_else(|| anyhow!("no backtrace: {error:?}"))?;
    Ok(backtrace.frames().iter().map(|it| it.func_name().unwrap_or("?").to_string()).collect())
}

fn each_kind_of_trap(folder: &Path) -> Result<()> {
    let (mut store, instance) = calls(folder, |_, _| Ok(0))?;
    for (name, expected) in [
        ("unreachable", Trap::UnreachableCodeReached),
        ("divide by zero", Trap::IntegerDivisionByZero),
        ("overflow", Trap::IntegerOverflow),
        ("too large for an integer", Trap::IntegerOverflow),
        ("no integer", Trap::BadConversionToInteger),
        ("load", Trap::MemoryOutOfBounds),
        ("load far", Trap::MemoryOutOfBounds),
        ("store", Trap::MemoryOutOfBounds),
        ("fill", Trap::MemoryOutOfBounds),
        ("call null", Trap::IndirectCallToNull),
        ("call other type", Trap::BadSignature),
        ("call outside", Trap::TableOutOfBounds),
        ("table get", Trap::TableOutOfBounds),
    ] {
        // Twice: whatever the first one did to the thread must be over.
        for _ in 0..2 {
            let (found, error) = trap(&mut store, instance, name)?;
            ensure!(found == expected, "`{name}`: {found} instead of {expected}");
            let names = names(&error)?;
            ensure!(names.len() == 1, "`{name}`: {names:?}");
        }
    }
    Ok(())
}

fn backtraces_of_host_errors(folder: &Path) -> Result<()> {
    let (mut store, instance) = calls(folder, |_, number| bail!("the host has refused {number}"))?;
    let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer")?;
    let error = outer.call(&mut store, 5).expect_err("the host returns an error");
    ensure!(error.root_cause().to_string() == "the host has refused 5", "{error:?}");
    ensure!(names(&error)? == ["inner", "middle", "outer"], "{error:?}");
    Ok(())
}

fn panics_go_through_guests(folder: &Path) -> Result<()> {
    struct Dropped<'a>(&'a mut u32);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            *self.0 += 1;
        }
    }

    let (mut store, instance) = calls(folder, |_, number| match number {
        0..10 => Ok(number),
        _ => resume_unwind(Box::new(number)),
    })?;
    let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer")?;
    let mut dropped = 0;
    for number in [10, 11] {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _guard = Dropped(&mut dropped);
            outer.call(&mut store, number)
        }));
        let panic = result.err().context("the host panics")?;
        ensure!(panic.downcast_ref::<i32>() == Some(&number), "another panic than the host's");
        // And the store can still be used.
        ensure!(outer.call(&mut store, 3)? == 1012);
    }
    ensure!(dropped == 2, "{dropped} destructors");
    Ok(())
}

fn traps_inside_of_host_functions(folder: &Path) -> Result<()> {
    let (mut store, instance) = calls(folder, |mut caller, depth| {
        if depth == 0 {
            let divide = caller.get_export("divide by zero").and_then(|it| it.into_func());
            let divide = divide.context("it is exported")?.typed::<(), ()>(&caller)?;
            divide.call(&mut caller, ())?;
        }
        let outer = caller.get_export("outer").and_then(|it| it.into_func());
        let outer = outer.context("it is exported")?.typed::<i32, i32>(&caller)?;
        outer.call(&mut caller, depth - 1)
    })?;
    let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer")?;
    let error = outer.call(&mut store, 3).expect_err("the innermost one divides by zero");
    ensure!(error.downcast_ref() == Some(&Trap::IntegerDivisionByZero), "{error:?}");
    let mut expected = vec!["divide"];
    expected.extend(["inner", "middle", "outer"].iter().cycle().take(12));
    ensure!(names(&error)? == expected, "{error:?}");
    Ok(())
}

/// Also on threads that have small stacks, and by guests and hosts that call each other.
fn stacks_are_used_up(folder: &Path) -> Result<()> {
    let exhaust = || -> Result<()> {
        let (mut store, instance) = calls(folder, |mut caller, depth| {
            let outer = caller.get_export("outer").and_then(|it| it.into_func());
            let outer = outer.context("it is exported")?.typed::<i32, i32>(&caller)?;
            outer.call(&mut caller, depth + 1)
        })?;
        for _ in 0..3 {
            let deep = instance.get_typed_func::<(i64, i64), i64>(&mut store, "deep")?;
            let error = deep.call(&mut store, (1, 2)).expect_err("there is an end");
            ensure!(error.downcast_ref() == Some(&Trap::StackOverflow), "{error:?}");
            let names = names(&error)?;
            ensure!(names.len() > 5 && names.iter().all(|name| name == "deep"), "{names:?}");
            let outer = instance.get_typed_func::<i32, i32>(&mut store, "outer")?;
            let error = outer.call(&mut store, 0).expect_err("there is an end");
            ensure!(error.downcast_ref() == Some(&Trap::StackOverflow), "{error:?}");
        }
        Ok(())
    };
    exhaust()?;
    thread::scope(|scope| {
        let threads = [256 << 10, 1 << 20, 4 << 20, 16 << 20]
            .map(|bytes| thread::Builder::new().stack_size(bytes).spawn_scoped(scope, exhaust));
        threads.into_iter().try_for_each(|thread| thread?.join().expect("nobody panics"))
    })
}

fn types_of_host_functions(folder: &Path) -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    let mix = |a: i32, b: f32, c: i64, d: f64| a as f32 + b + c as f32 + d as f32;
    linker.func_wrap("host", "mix", mix)?;
    linker.func_wrap("host", "unsigned", |a: u32, b: u32, c: u32, d: u32| {
        let sum = u64::from(a) + u64::from(b) + u64::from(c) + u64::from(d);
        (sum >> 2) as u32
    })?;
    linker.func_wrap("host", "wide", |_: Caller<'_, ()>, a: i64, b: f64| a - b as i64)?;
    linker.func_wrap("host", "double", |a: f32, b: f64| -> Result<f64> {
        match a.is_sign_negative() {
            true => bail!("negative"),
            false => Ok(f64::from(a) + b),
        }
    })?;
    type Value = Option<Rooted<ExternRef>>;
    linker.func_wrap("host", "references", |value: Value, func: Option<Func>, pick: i32| {
        ensure!(func.is_some(), "a function");
        Ok(value.filter(|_| pick < 0))
    })?;
    linker.func_wrap("host", "function", |func: Option<Func>| func)?;
    linker.func_wrap("host", "five", |a: i32, b: i64, c: f32, d: f64, e: i32| {
        i64::from(a + e) as i32 + b as i32 + c as i32 + d as i32
    })?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &load(&engine, folder, "host")?)?;

    type Mixed = (i32, f32, i64, f64);
    for name in ["mix", "mix by table", "mix in place"] {
        let mix = instance.get_typed_func::<Mixed, f32>(&mut store, name)?;
        ensure!(mix.call(&mut store, (-1, 0.5, -20, 300.25))? == 279.75, "{name}");
    }
    type Counts = (i64, i64, i64, i64);
    // All halves above are different from what the convention would have there.
    let counts: Counts = (0x1_ffff_fffe, -2, 0x7fff_ffff_0000_0002, i64::MIN + 4);
    let quarter = 0x8000_0000_u32;
    for (name, expected) in
        [("unsigned", i64::from(quarter as i32)), ("unsigned by table", i64::from(quarter))]
    {
        let unsigned = instance.get_typed_func::<Counts, i64>(&mut store, name)?;
        ensure!(unsigned.call(&mut store, counts)? == expected, "{name}");
    }
    let wide = instance.get_typed_func::<(i64, f64), i64>(&mut store, "wide")?;
    ensure!(wide.call(&mut store, (i64::MIN + 5, 5.5))? == i64::MIN, "wide");
    let double = instance.get_typed_func::<(f32, f64), f64>(&mut store, "double")?;
    ensure!(double.call(&mut store, (1.5, 0.25))? == 1.75, "double");
    let error = double.call(&mut store, (-1.5, 0.25)).err().context("it fails")?;
    ensure!(format!("{error:#}").contains("negative"), "{error:#}");
    let references = instance.get_typed_func::<(Value, i32), Value>(&mut store, "references")?;
    let value = Some(ExternRef::new(&mut store, 7_u32)?);
    ensure!(references.call(&mut store, (value, -1))?.is_some(), "a value comes back");
    ensure!(references.call(&mut store, (value, 1))?.is_none(), "null comes back");
    let five = instance.get_typed_func::<(i32, i64, f32, f64, i32), i32>(&mut store, "five")?;
    ensure!(five.call(&mut store, (1, 20, 300.0, 4000.0, 50000))? == 54321, "five");
    Ok(())
}

fn many_values(folder: &Path) -> Result<()> {
    let (mut store, instance) = calls(folder, |_, _| Ok(0))?;
    let many = instance.get_func(&mut store, "many").context("it is exported")?;
    let vector = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10_u128;
    let arguments = [
        Val::I32(-3),
        Val::I64(0x1_2345_6789),
        Val::F32(1.5_f32.to_bits()),
        Val::F64((-2.25_f64).to_bits()),
        Val::V128(vector.into()),
    ];
    let mut results = vec![Val::I32(0); 9];
    many.call(&mut store, &arguments, &mut results)?;
    let sum = vector + 0x0000_0001_0000_0001_0000_0001_0000_0001;
    let shown: Vec<_> = results.iter().map(show).collect();
    let expected = [
        show(&arguments[4]),
        show(&arguments[3]),
        show(&arguments[2]),
        show(&arguments[1]),
        show(&arguments[0]),
        show(&Val::I64(-3)),
        show(&Val::F64(1.5_f64.to_bits())),
        show(&Val::I32(0x2345_6789)),
        show(&Val::V128(sum.into())),
    ];
    ensure!(shown == expected, "{shown:?} instead of {expected:?}");
    Ok(())
}

fn show(value: &Val) -> String {
    match value {
        Val::V128(value) => format!("v128 {:032x}", value.as_u128()),
        other => format!("{other:?}"),
    }
}

fn images_and_byte_order(folder: &Path) -> Result<()> {
    // Mapped from the file, or copied.
    for mapped in [true, false] {
        let engine = Engine::new(Config::new().memory_init_cow(mapped))?;
        let module = load(&engine, folder, "memory")?;
        let mut store = Store::new(&engine, ());
        let mut instances = Vec::new();
        for _ in 0..2 {
            let instance = Instance::new(&mut store, &module, &[])?;
            let memory = instance.get_memory(&mut store, "memory").context("it is exported")?;
            let get = instance.get_typed_func::<i32, i64>(&mut store, "get")?;
            let put = instance.get_typed_func::<(i32, i64), ()>(&mut store, "put")?;
            ensure!(&memory.data(&store)[..14] == b"the first page");
            ensure!(&memory.data(&store)[65530..65546] == b"across two pages");
            ensure!(memory.data(&store)[65546..].iter().all(|&byte| byte == 0));
            // Numbers begin with their lowest byte, on every machine.
            put.call(&mut store, (0, 0x0807_0605_0403_0201))?;
            ensure!(memory.data(&store)[..8] == [1, 2, 3, 4, 5, 6, 7, 8]);
            memory.write(&mut store, 65532, &[8, 7, 6, 5, 4, 3, 2, 1])?;
            ensure!(get.call(&mut store, 65532)? == 0x0102_0304_0506_0708);
            instances.push((instance, memory));
        }
        let (instance, memory) = instances[0];
        let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow")?;
        ensure!(grow.call(&mut store, 3)? == 2 && grow.call(&mut store, 1)? == -1);
        ensure!(memory.data_size(&store) == 5 << 16);
        ensure!(memory.data(&store)[2 << 16..].iter().all(|&byte| byte == 0));
        ensure!(memory.data(&store)[65532..65540] == [8, 7, 6, 5, 4, 3, 2, 1]);
        for (name, expected) in [
            ("i64", Val::I64(0x0102_0304_0506_0708)),
            ("f64", Val::F64((-0.5_f64).to_bits())),
            ("v128", Val::V128(0x0000_0004_0000_0003_0000_0002_0000_0001_u128.into())),
        ] {
            let global = instance.get_global(&mut store, name).context("it is exported")?;
            let found = show(&global.get(&mut store));
            ensure!(found == show(&expected), "{name}: {found}");
        }
    }
    Ok(())
}

fn fuel(folder: &Path) -> Result<()> {
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(10_000)?;
    let instance = Instance::new(&mut store, &load(&engine, folder, "fuel")?, &[])?;
    let fib = instance.get_typed_func::<i32, i32>(&mut store, "fib")?;
    for (number, cost) in [6, 6, 26, 46, 86].into_iter().enumerate() {
        let before = store.get_fuel()?;
        fib.call(&mut store, number as i32)?;
        let found = before - store.get_fuel()?;
        ensure!(found == cost, "fib({number}) costs {found} instead of {cost}");
    }
    let error = fib.call(&mut store, 30).expect_err("it costs more than there is");
    ensure!(error.downcast_ref() == Some(&Trap::OutOfFuel), "{error:?}");
    Ok(())
}

fn epochs(folder: &Path) -> Result<()> {
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let instance = Instance::new(&mut store, &load(&engine, folder, "epochs")?, &[])?;
    let forever = instance.get_typed_func::<(), ()>(&mut store, "forever")?;
    let ticking = engine.clone();
    let clock = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        ticking.increment_epoch();
    });
    let error = forever.call(&mut store, ()).expect_err("somebody ends it");
    ensure!(error.downcast_ref() == Some(&Trap::Interrupt), "{error:?}");
    clock.join().expect("a clock does not panic");
    Ok(())
}

fn threads(folder: &Path) -> Result<()> {
    let engine = Engine::new(Config::new().shared_memory(true))?;
    let module = load(&engine, folder, "threads")?;
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1))?;
    let instantiate = || -> Result<(Store<()>, Instance)> {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.define(&store, "host", "memory", memory.clone())?;
        let instance = linker.instantiate(&mut store, &module)?;
        Ok((store, instance))
    };
    let count = || -> Result<()> {
        let (mut store, instance) = instantiate()?;
        instance.get_typed_func::<i32, ()>(&mut store, "count")?.call(&mut store, 10_000)
    };
    let wait = || -> Result<i32> {
        let (mut store, instance) = instantiate()?;
        instance.get_typed_func::<(), i32>(&mut store, "wait")?.call(&mut store, ())
    };
    thread::scope(|scope| -> Result<()> {
        let waiting = scope.spawn(wait);
        let counting = [0; 4].map(|_| scope.spawn(count));
        counting.into_iter().try_for_each(|thread| thread.join().expect("nobody panics"))?;
        let mut bytes = [0; 4];
        memory.read(0, &mut bytes)?;
        ensure!(i32::from_le_bytes(bytes) == 40_000, "{bytes:?}");
        let (mut store, instance) = instantiate()?;
        instance.get_typed_func::<(), i32>(&mut store, "notify")?.call(&mut store, ())?;
        // It was woken up, or has come too late to fall asleep.
        ensure!([0, 1].contains(&waiting.join().expect("nobody panics")?), "it was not woken up");
        Ok(())
    })
}

/// The sum of address and offset is aligned, and outside.
fn atomics(folder: &Path) -> Result<()> {
    for (name, reservation) in [("threads", None), ("atomics", Some(0))] {
        let mut config = Config::new();
        config.shared_memory(true);
        reservation.map(|bytes| config.memory_reservation(bytes));
        let engine = Engine::new(&config)?;
        let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1))?;
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.define(&store, "host", "memory", memory)?;
        let instance = linker.instantiate(&mut store, &load(&engine, folder, name)?)?;
        let (found, _) = trap(&mut store, instance, "outside")?;
        ensure!(found == Trap::MemoryOutOfBounds, "{found}");
    }
    Ok(())
}

fn references(folder: &Path) -> Result<()> {
    type Value = Option<Rooted<ExternRef>>;

    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("host", "collect", |mut caller: Caller<'_, ()>| caller.gc(None))?;
    linker.func_wrap("host", "make", |caller: Caller<'_, ()>, number: i32| -> Result<Value> {
        ExternRef::new(caller, number).map(Some)
    })?;
    let mut store = Store::new(&engine, ());
    let value = ExternRef::new(&mut store, 4_i32)?;
    let ty = GlobalType::new(ValType::EXTERNREF, Mutability::Const);
    let value = Global::new(&mut store, ty, value.into())?;
    linker.define(&store, "host", "value", value)?;
    let instance = linker.instantiate(&mut store, &load(&engine, folder, "references")?)?;
    type Results = (Value, Value, Value, Value, Value);
    let keep = instance.get_typed_func::<Value, Results>(&mut store, "keep")?;
    let own = ExternRef::new(&mut store, 0_i32)?;
    let (a, b, c, d, e) = keep.call(&mut store, Some(own))?;
    for (expected, value) in [a, b, c, d, e].into_iter().enumerate() {
        let value = value.context("no null comes back")?;
        let data = value.data(&store)?.context("it has a value")?;
        ensure!(data.downcast_ref() == Some(&(expected as i32)), "value {expected} is another one");
    }
    Ok(())
}

fn many_turns_at_once(folder: &Path) -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &load(&engine, folder, "ahead")?, &[])?;
    let sum = instance.get_typed_func::<(), i64>(&mut store, "sum")?.call(&mut store, ())?;
    let expected: i64 = fs::read_to_string(folder.join("expected/ahead"))?.parse()?;
    ensure!(sum == expected, "{sum} instead of {expected}");
    Ok(())
}

fn programs(folder: &Path) -> Result<()> {
    let engine = Engine::default();
    let mut linker: Linker<WasiCtx> = Linker::new(&engine);
    wootz_wasi::add_to_linker(&mut linker, |context| context)?;
    for (name, arguments) in [("primes", &["100"][..]), ("mandelbrot", &[])] {
        let output = MemoryOutputPipe::new(1 << 20);
        let context =
            WasiCtxBuilder::new().arg(name).args(arguments).stdout(output.clone()).build();
        let mut store = Store::new(&engine, context);
        let instance = linker.instantiate(&mut store, &load(&engine, folder, name)?)?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        if let Err(error) = start.call(&mut store, ())
            && error.downcast_ref::<I32Exit>().is_none_or(|exit| exit.0 != 0)
        {
            return Err(error.context(name));
        }
        let expected = fs::read(folder.join("expected").join(name))?;
        ensure!(output.contents() == expected, "`{name}` prints something else");
    }
    Ok(())
}

fn foreign_artifacts(folder: &Path) -> Result<()> {
    let error = load(&Engine::default(), folder, "foreign").expect_err("it is for another machine");
    let message = format!("{error:#}");
    ensure!(message.contains("was compiled for another"), "{message}");
    // And one of ours that ends too early.
    let bytes = fs::read(folder.join("guests/memory"))?;
    for end in (4..bytes.len()).step_by(bytes.len() / 50) {
        // SAFETY: it is refused.
        let result = unsafe { Module::deserialize(&Engine::default(), &bytes[..end]) };
        ensure!(result.is_err(), "the first {end} bytes were loaded");
    }
    Ok(())
}
