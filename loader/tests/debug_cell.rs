//! The cell by which debuggers find an instance has the only one that is alive.
#![cfg(feature = "compiler")]

mod common;

use std::mem::offset_of;
use std::path::Path;
use std::ptr::NonNull;

use common::{CellSpan, Directory};
use wootz::{Config, Engine, Instance, Module, StaticModule, Store};
use wootz_runtime::abi::artifact::{Descriptor, Span};
use wootz_runtime::abi::vmctx::VMCTX_INSTANCE;
use wootz_runtime::vm::sys::Library;

/// With a memory that has no page, its instance is made, but not initialised.
const WAT: &str = r#"(module $m
    (import "env" "memory" (memory 0))
    (data (i32.const 0) "data")
    (func (export "answer") (result i32) i32.const 42))"#;

fn engine(debug_info: bool) -> Engine {
    Engine::new(Config::new().debug_info(debug_info)).unwrap()
}

fn artifact(debug_info: bool) -> Vec<u8> {
    engine(debug_info).precompile_module(WAT.as_bytes()).unwrap()
}

/// The library that a module came from, once more.
struct Loaded {
    library: Library,
}

impl Loaded {
    fn new(path: &Path) -> Loaded {
        // SAFETY: the library has no initialisers.
        Loaded { library: unsafe { Library::open(path) }.unwrap() }
    }

    fn descriptor(&self) -> NonNull<u8> {
        self.library.symbol(c"wootz_module").unwrap()
    }

    fn cell(&self) -> Span {
        // SAFETY: the descriptor is aligned, and lies where the symbol is.
        unsafe { (*self.descriptor().cast::<Descriptor>().as_ptr()).debug_cell }
    }

    /// What the cell has.
    fn value(&self) -> usize {
        let cell = self.cell();
        assert_eq!(cell.bytes, 8);
        // SAFETY: the descriptor says that there are 8 bytes, which nobody writes at this moment.
        let value = unsafe {
            let address = self.descriptor().as_ptr().offset(cell.offset as isize);
            address.cast::<u64>().read_volatile() as usize
        };
        if value != 0 {
            // SAFETY: it is said to be an instance.
            let magic = unsafe { *(value as *const u32) };
            assert_eq!(magic, VMCTX_INSTANCE, "a vmctx begins so");
        }
        value
    }
}

/// A store with an instance, or with what is left of one if the memory is too small.
fn instance(engine: &Engine, module: &Module, pages: u32) -> (Store<()>, Result<(), String>) {
    let mut store = Store::new(engine, ());
    let result = add(&mut store, module, pages);
    (store, result)
}

fn add(store: &mut Store<()>, module: &Module, pages: u32) -> Result<(), String> {
    let memory = wootz::Memory::new(&mut *store, wootz::MemoryType::new(pages, None)).unwrap();
    let instance = Instance::new(&mut *store, module, &[memory.into()]);
    let instance = instance.map_err(|error| format!("{error:?}"))?;
    let answer = instance.get_typed_func::<(), i32>(&mut *store, "answer").unwrap();
    assert_eq!(answer.call(&mut *store, ()).unwrap(), 42);
    Ok(())
}

#[test]
fn it_has_the_only_instance_of_all_modules_of_the_library() {
    let directory = Directory::new("debug-cell");
    let path = directory.file("m.so", &artifact(true));
    // An engine without debug information runs what has it.
    let engine = engine(false);
    // SAFETY: the compiler has just made it.
    let load = || unsafe { Module::load(&engine, &path) }.unwrap();
    let (one, two) = (load(), load());
    let loaded = Loaded::new(&path);
    // SAFETY: as above.
    let three = unsafe {
        let descriptor: *const StaticModule = loaded.descriptor().cast().as_ptr();
        Module::from_static(&engine, descriptor)
    };
    let three = three.unwrap();
    assert_eq!(loaded.value(), 0);

    let (first, _) = instance(&engine, &one, 1);
    let value = loaded.value();
    assert_ne!(value, 0);
    let (mut second, _) = instance(&engine, &two, 1);
    assert_eq!(loaded.value(), 0, "one of the same module that was loaded once more");
    add(&mut second, &one, 1).unwrap();
    let (third, _) = instance(&engine, &three, 1);
    drop(first);
    assert_eq!(loaded.value(), 0, "three are left");
    drop(second);
    let value = loaded.value();
    assert_ne!(value, 0, "one is left");
    // A copy of the file has a cell of its own.
    // SAFETY: as above.
    let copy = unsafe { Module::deserialize(&engine, artifact(true)) }.unwrap();
    let (other, _) = instance(&engine, &copy, 1);
    assert_eq!(loaded.value(), value);
    drop(third);
    assert_eq!(loaded.value(), 0);
    drop(other);
    // The library may go with its last module.
    let (last, _) = instance(&engine, &two, 1);
    assert_ne!(loaded.value(), 0);
    drop((one, three, loaded, two));
    drop(last);
}

/// One that could not be made was never there. One that could not be initialised has perhaps put functions into somebody else's
/// table, so it is alive as long as its store.
#[test]
fn instances_that_fail_count_as_long_as_they_are_alive() {
    let directory = Directory::new("debug-cell-failures");
    let engine = engine(true);
    let path = directory.file("m.so", &artifact(true));
    // SAFETY: the compiler has just made it.
    let module = unsafe { Module::load(&engine, &path) }.unwrap();
    let loaded = Loaded::new(&path);
    let (store, result) = instance(&engine, &module, 0);
    assert!(result.unwrap_err().contains("out of bounds"));
    assert_ne!(loaded.value(), 0);
    drop(store);
    assert_eq!(loaded.value(), 0);

    let wat = r#"(module (table 0xffff_ffff funcref))"#;
    let path = directory.file("large.so", &engine.precompile_module(wat.as_bytes()).unwrap());
    // SAFETY: as above.
    let module = unsafe { Module::load(&engine, &path) }.unwrap();
    let loaded = Loaded::new(&path);
    let mut store = Store::new(&engine, ());
    Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!(loaded.value(), 0);
    drop(store);
}

#[test]
fn it_is_right_while_instances_come_and_go() {
    let directory = Directory::new("debug-cell-threads");
    let engine = engine(true);
    let path = directory.file("m.so", &artifact(true));
    // SAFETY: the compiler has just made it.
    let module = unsafe { Module::load(&engine, &path) }.unwrap();
    let loaded = Loaded::new(&path);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| drop(instance(&engine, &module, 1))));
        }
    });
    assert_eq!(loaded.value(), 0);
    let (_store, _) = instance(&engine, &module, 1);
    assert_ne!(loaded.value(), 0);
}

#[test]
fn without_debug_information_there_is_none() {
    let directory = Directory::new("no-debug-cell");
    let path = directory.file("m.so", &artifact(false));
    assert_eq!(Loaded::new(&path).cell(), Span::default());
}

/// Whatever the file says: what is not the cell is not written.
#[test]
fn a_cell_that_is_none_is_refused() {
    let engine = engine(true);
    let bytes = artifact(true);
    let span = CellSpan::new(bytes, offset_of!(Descriptor, debug_cell));
    // SAFETY: what is loaded is harmless; most of it is refused.
    let load = |bytes: Vec<u8>| unsafe { Module::deserialize(&engine, bytes) };
    load(span.with(span.cell, 8)).unwrap();
    load(span.with(0, 0)).unwrap();
    span.others_are_refused(&engine, "debug cell");
    // What is writable only until the library is loaded: the page in front of it.
    if cfg!(target_os = "linux") {
        let error = load(span.with(span.cell - 0x1000, 8)).unwrap_err();
        assert!(format!("{error:#}").contains("debug cell"), "{error:#}");
    }
}
