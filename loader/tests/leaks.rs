//! What comes and goes leaves nothing behind: memory, mappings, open files, loaded libraries.
//!
//! What is measured belongs to the whole process, so this program has one test, which does everything in turn.
#![cfg(all(target_os = "linux", feature = "compiler"))]

mod common;

use std::fs;
use std::path::Path;

use common::{Directory, module, trap};
use wootz::{
    AsContextMut, Caller, Engine, EngineWeak, Error, ExternRef, Instance, InstancePre, Linker,
    Module, ResourceLimiter, Result, Rooted, Store, Trap,
};

/// How much a process has of everything.
#[derive(Clone, Copy, Debug)]
struct Usage {
    resident_kib: usize,
    mappings: usize,
    files: usize,
}

fn usage() -> Usage {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Usage {
        resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
        mappings: mapping_count(&mappings()),
        files: fs::read_dir("/proc/self/fd").unwrap().count(),
    }
}

fn mappings() -> String {
    fs::read_to_string("/proc/self/maps").unwrap()
}

fn is_emulated() -> bool {
    std::env::var_os("WOOTZ_EMULATOR").is_some()
}

/// How many mappings there are; with neighbours that differ in nothing counted as one if this runs under QEMU.
///
/// Linux makes them one. QEMU lists them apart: after a thousand neighbouring pages were made accessible by `mprotect`, one
/// by one, as the C library's allocator does in threads, it has a thousand of them.
fn mapping_count(list: &str) -> usize {
    if !is_emulated() {
        return list.lines().count();
    }
    let (mut count, mut previous) = (0, None);
    for line in list.lines() {
        let (addresses, rest) = line.split_once(' ').unwrap();
        let (start, end) = addresses.split_once('-').unwrap();
        let is_anonymous = rest.split_whitespace().count() == 4;
        if previous != Some((start, rest)) || !is_anonymous {
            count += 1;
        }
        previous = Some((end, rest));
    }
    count
}

fn is_mapped(path: &Path) -> bool {
    mappings().contains(path.to_str().unwrap())
}

/// Does something often, first to warm up, and then to see whether more is in use afterwards.
fn leaves_nothing(what: &str, times: usize, mut action: impl FnMut(usize)) {
    // An emulator would take long, and even a tenth shows what grows.
    let times = if is_emulated() && times > 100 { times / 10 } else { times };
    (0..times / 10).for_each(&mut action);
    let before = usage();
    (0..times).for_each(&mut action);
    let after = usage();
    println!("{times} x {what}: {before:?}, then {after:?}");
    // An emulator keeps what it has made of code that is gone.
    assert!(is_emulated() || after.resident_kib <= before.resident_kib + 4096, "{what}");
    // The allocator may have taken another piece of address space.
    assert!(after.mappings <= before.mappings + 4, "{what}");
    assert_eq!(after.files, before.files, "{what}");
}

type Value = Option<Rooted<ExternRef>>;

const GUEST: &str = r#"(module $guest
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (import "host" "make" (func $make (result externref)))
    (memory (export "memory") 1 8)
    (data (i32.const 65000) "some bytes")
    (table (export "table") 4 externref)
    (table $functions 1 funcref)
    (elem (table $functions) (i32.const 0) func $add)
    (global $calls (mut i32) (i32.const 0))
    (func (export "run") (param i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (table.set 0 (i32.const 1) (call $make))
        (drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 70000) (local.get 0))
        (call_indirect $functions (param i32 i32) (result i32)
            (i32.load (i32.const 70000)) (global.get $calls) (i32.const 0)))
    (func (export "fail") (result i32) (i32.div_u (i32.const 1) (i32.const 0))))"#;

struct Host {
    grown: usize,
}

impl ResourceLimiter for Host {
    fn memory_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        self.grown += 1;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(false)
    }
}

fn linker(engine: &Engine) -> Linker<Host> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "add", |a: i32, b: i32| a + b).unwrap();
    linker
        .func_wrap("host", "make", |mut caller: Caller<'_, Host>| -> Result<Value> {
            ExternRef::new(caller.as_context_mut(), vec![0u8; 100]).map(Some)
        })
        .unwrap();
    linker
}

fn run(mut store: impl AsContextMut, instance: Instance, number: i32) {
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, number).unwrap(), number + 1);
}

fn failure(mut store: impl AsContextMut, instance: Instance) -> Error {
    let fail = instance.get_typed_func::<(), i32>(&mut store, "fail").unwrap();
    fail.call(&mut store, ()).unwrap_err()
}

fn instances() {
    let engine = Engine::default();
    let guest = linker(&engine).instantiate_pre(&module(&engine, GUEST)).unwrap();
    leaves_nothing("a store, an instance, a call", 100_000, |round| {
        let mut store = Store::new(&engine, Host { grown: 0 });
        let instance = guest.instantiate(&mut store).unwrap();
        run(&mut store, instance, round as i32);
        if round % 8 == 0 {
            assert_eq!(trap(&failure(&mut store, instance)), Trap::IntegerDivisionByZero);
        }
    });
}

fn instances_that_fail() {
    let engine = Engine::default();
    let too_much_data =
        module(&engine, r#"(module (memory 1) (table 10 funcref) (data (i32.const 65535) "ab"))"#);
    let too_many_imports = module(&engine, GUEST);
    // Only found when the memory has been made already.
    let too_large = module(&engine, "(module (memory 1) (table 0xffffffff externref))");
    leaves_nothing("an instance that cannot be made", 2_000, |_| {
        let mut store = Store::new(&engine, Host { grown: 0 });
        Instance::new(&mut store, &too_much_data, &[]).unwrap_err();
        Instance::new(&mut store, &too_many_imports, &[]).unwrap_err();
        assert!(Linker::new(&engine).instantiate(&mut store, &too_many_imports).is_err());
        assert!(Instance::new(&mut store, &too_large, &[]).is_err());
        store.limiter(|host| host);
        Instance::new(&mut store, &too_large, &[]).unwrap_err();
        assert!(store.data().grown > 0);
    });
}

fn loads(directory: &Directory) {
    let engine = Engine::default();
    let artifact = engine.precompile_module(GUEST.as_bytes()).unwrap();
    let path = directory.file("loaded.so", &artifact);
    let linker = linker(&engine);
    let use_once = |module: &Module, number| {
        let mut store = Store::new(&engine, Host { grown: 0 });
        let instance = linker.instantiate(&mut store, module).unwrap();
        run(&mut store, instance, number);
    };
    leaves_nothing("a module from a file", 1_000, |round| {
        // SAFETY: made above.
        let module = unsafe { Module::load(&engine, &path) }.unwrap();
        use_once(&module, round as i32);
        assert!(round % 100 != 0 || is_mapped(&path));
    });
    assert!(!is_mapped(&path));
    leaves_nothing("a module from memory", 1_000, |round| {
        // SAFETY: made above.
        let module = unsafe { Module::deserialize(&engine, &artifact) }.unwrap();
        use_once(&module, round as i32);
        assert!(round % 100 != 0 || mappings().contains("memfd:wootz"));
    });
    assert!(!mappings().contains("memfd:wootz"));
    leaves_nothing("the same file loaded twice", 300, |_| {
        // SAFETY: made above.
        let modules = [(); 2].map(|()| unsafe { Module::load(&engine, &path) }.unwrap());
        let [first, second] = &modules;
        use_once(first, 1);
        use_once(second, 2);
    });
    assert!(!is_mapped(&path));

    let mut damaged = artifact.clone();
    damaged[artifact.len() / 2..].fill(0xff);
    let damaged_path = directory.file("damaged.so", &damaged);
    let cut_path = directory.file("cut.so", &artifact[..artifact.len() / 2]);
    let other = Engine::new(wootz::Config::new().consume_fuel(true)).unwrap();
    leaves_nothing("a file that is refused", 300, |_| {
        // SAFETY: what is damaged is found before anything is run.
        unsafe {
            assert!(Module::load(&other, &path).is_err());
            assert!(Module::deserialize(&other, &artifact).is_err());
            assert!(Module::load(&engine, &cut_path).is_err());
            let _ = Module::load(&engine, &damaged_path);
        }
    });
}

fn compilations() {
    let engine = Engine::default();
    leaves_nothing("a module that is compiled", 50, |round| {
        // A type that no other module has.
        let params = "i32 ".repeat(round % 50 + 1);
        let wat =
            format!("(module (func (export \"f\") (param {params} f64) (result i64) i64.const 1))");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, &wat), &[]).unwrap();
        assert!(instance.get_func(&mut store, "f").is_some());
    });
}

fn threads() {
    let engine = Engine::default();
    let guest = linker(&engine).instantiate_pre(&module(&engine, GUEST)).unwrap();
    leaves_nothing("a thread that calls a guest", 500, |round| {
        let guest = guest.clone();
        let thread = std::thread::spawn(move || {
            let mut store = Store::new(guest.module().engine(), Host { grown: 0 });
            let instance = guest.instantiate(&mut store).unwrap();
            run(&mut store, instance, round as i32);
            failure(&mut store, instance)
        });
        assert_eq!(trap(&thread.join().unwrap()), Trap::IntegerDivisionByZero);
    });
}

/// What can keep a module loaded, and what cannot.
enum Holder {
    Module(Module),
    Prepared(InstancePre<Host>),
    Store(Box<Store<Host>>),
    Error(Error),
    Engine(Engine),
    Linker(Linker<Host>),
}

impl Holder {
    fn keeps_the_module(&self) -> bool {
        !matches!(self, Holder::Engine(_) | Holder::Linker(_))
    }

    /// Whether it still does what it is for.
    fn check(&mut self) {
        match self {
            Holder::Module(module) => assert_eq!(module.name(), Some("guest")),
            Holder::Prepared(guest) => {
                let mut store = Store::new(guest.module().engine(), Host { grown: 0 });
                let instance = guest.instantiate(&mut store).unwrap();
                run(&mut store, instance, 5);
            }
            Holder::Store(store) => store.gc(None).unwrap(),
            Holder::Error(error) => assert_eq!(common::names(error), ["?"]),
            Holder::Engine(engine) => engine.increment_epoch(),
            Holder::Linker(linker) => drop(linker.clone()),
        }
    }
}

/// The permutations of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![vec![]];
    for next in 0..count {
        let longer = |order: Vec<usize>| {
            (0..=order.len()).map(move |place| {
                let mut order = order.clone();
                order.insert(place, next);
                order
            })
        };
        orders = orders.into_iter().flat_map(longer).collect();
    }
    orders
}

fn lifetimes(directory: &Directory) {
    let path = {
        let artifact = Engine::default().precompile_module(GUEST.as_bytes()).unwrap();
        directory.file("lifetimes.so", &artifact)
    };
    let mut engines: Vec<EngineWeak> = Vec::new();
    for order in orders(6) {
        let engine = Engine::default();
        engines.push(engine.weak());
        // SAFETY: made above.
        let module = unsafe { Module::load(&engine, &path) }.unwrap();
        let linker = linker(&engine);
        let guest = linker.instantiate_pre(&module).unwrap();
        let mut store = Store::new(&engine, Host { grown: 0 });
        let instance = guest.instantiate(&mut store).unwrap();
        run(&mut store, instance, 3);
        let error = failure(&mut store, instance);
        let mut holders = [
            Holder::Module(module),
            Holder::Prepared(guest),
            Holder::Store(Box::new(store)),
            Holder::Error(error),
            Holder::Engine(engine),
            Holder::Linker(linker),
        ]
        .map(Some);
        for gone in &order {
            assert_eq!(
                is_mapped(&path),
                holders.iter().flatten().any(Holder::keeps_the_module),
                "{order:?} at {gone}"
            );
            holders.iter_mut().flatten().for_each(Holder::check);
            holders[*gone] = None;
        }
        assert!(!is_mapped(&path), "{order:?}");
    }
    assert!(engines.iter().all(|engine| engine.upgrade().is_none()));
}

/// What a linker keeps for commands leads back to modules and engine, but not to the linker.
fn commands(directory: &Directory) {
    let engine = Engine::default();
    let wat = r#"(module (import "host" "add" (func (param i32 i32) (result i32)))
        (func (export "_start")) (func (export "one") (result i32) (i32.const 1)))"#;
    let path = directory.file("command.so", &engine.precompile_module(wat.as_bytes()).unwrap());
    let weak = engine.weak();
    let mut linker = linker(&engine);
    let mut store = Store::new(&engine, Host { grown: 0 });
    // SAFETY: made above.
    let command = unsafe { Module::load(&engine, &path) }.unwrap();
    linker.module(&mut store, "command", &command).unwrap();
    linker.module(&mut store, "again", &command).unwrap();
    let one = linker.get(&mut store, "again", "one").unwrap().into_func().unwrap();
    assert_eq!(one.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 1);
    drop((engine, command, store));
    assert!(is_mapped(&path) && weak.upgrade().is_some(), "the linker can still make instances");
    drop(linker);
    assert!(!is_mapped(&path) && weak.upgrade().is_none());
}

#[test]
fn what_comes_and_goes_leaves_nothing_behind() {
    let directory = Directory::new("leaks");
    commands(&directory);
    lifetimes(&directory);
    loads(&directory);
    compilations();
    threads();
    instances_that_fail();
    instances();
}
