//! Traps that are calls: no signal tells of them, and everything is as with those that are.
#![cfg(all(target_os = "linux", target_arch = "x86_64", feature = "compiler"))]

mod common;

use std::mem::offset_of;
use std::path::Path;
use std::ptr::NonNull;

use common::{CellSpan, Directory, in_child, names, trap};
use wootz::{
    Config, Engine, Error, Func, Instance, Module, StaticModule, Store, Trap, WasmBacktrace,
};
use wootz_runtime::abi::artifact::{Descriptor, Span};
use wootz_runtime::vm::sys::Library;

const WAT: &str = r#"(module
    (import "env" "host" (func $host))
    (memory 1)
    (table 3 funcref)
    (table $changing 3 funcref)
    (type $other (func (param i32)))
    (func $f (export "f"))
    (elem (i32.const 0) $f)
    (func (export "unreachable") unreachable)
    (func (export "conversion overflow") (drop (i32.trunc_f64_s (f64.const 1e10))))
    (func (export "conversion of nan") (param f32) (drop (i64.trunc_f32_u (local.get 0))))
    (func (export "call null") (call_indirect (i32.const 1)))
    (func (export "call other type") (call_indirect (type $other) (i32.const 0) (i32.const 0)))
    (func (export "call outside") (call_indirect (i32.const 3)))
    (func (export "table set") (param i32) (table.set $changing (local.get 0) (ref.null func)))
    (func $deep (export "deep") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
    (func $endless (export "endless") (param i32) (result i32)
        (i32.add (call $endless (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "through the host") (call $host)))"#;

/// What traps, with which arguments, and how.
const CASES: &[(&str, &[wootz::Val], Trap)] = &[
    ("unreachable", &[], Trap::UnreachableCodeReached),
    ("conversion overflow", &[], Trap::IntegerOverflow),
    ("conversion of nan", &[wootz::Val::F32(0x7fc0_0000)], Trap::BadConversionToInteger),
    ("call null", &[], Trap::IndirectCallToNull),
    ("call other type", &[], Trap::BadSignature),
    ("call outside", &[], Trap::TableOutOfBounds),
    ("table set", &[wootz::Val::I32(-1)], Trap::TableOutOfBounds),
    ("deep", &[wootz::Val::I32(10)], Trap::UnreachableCodeReached),
    ("endless", &[wootz::Val::I32(0)], Trap::StackOverflow),
];

fn called(config: &mut Config) -> Engine {
    Engine::new(config).unwrap()
}

/// An instance in a store whose data is nothing; its host function calls `deep` of the same instance.
fn instance(engine: &Engine, module: &Module) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let host = Func::wrap(&mut store, |mut caller: wootz::Caller<'_, ()>| -> Result<(), Error> {
        let inner = caller.get_export("inner").and_then(wootz::Extern::into_func);
        inner.map_or(Ok(()), |inner| inner.call(&mut caller, &[], &mut []))
    });
    let instance = Instance::new(&mut store, module, &[host.into()]).unwrap();
    (store, instance)
}

fn end_of(store: &mut Store<()>, instance: Instance, name: &str, args: &[wootz::Val]) -> Error {
    let func = instance.get_func(&mut *store, name).unwrap();
    let mut results = vec![wootz::Val::I32(0); func.ty(&*store).results().len()];
    func.call(&mut *store, args, &mut results).unwrap_err()
}

/// Frames as they are told, without the addresses of machine code.
fn frames(error: &Error) -> Vec<(u32, Option<usize>)> {
    let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
    backtrace.frames().iter().map(|frame| (frame.func_index(), frame.func_offset())).collect()
}

#[test]
fn no_signal_is_needed() {
    let status = in_child("no_signal_is_needed", || {
        // A fault whose signal is blocked ends the process.
        // SAFETY: a set of signals, and what is done with it, for this thread.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE] {
                libc::sigaddset(&mut set, signal);
            }
            assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()), 0);
        }
        let engine = called(&mut Config::new());
        let (mut store, instance) = instance(&engine, &Module::new(&engine, WAT).unwrap());
        // Where tables end shows when something is stored behind.
        let explicit = CASES.iter().filter(|(name, ..)| *name != "table set");
        for (name, args, expected) in explicit {
            for _ in 0..2 {
                let error = end_of(&mut store, instance, name, args);
                assert_eq!(trap(&error), *expected, "{name}: {error:?}");
            }
        }
    });
    assert!(status.is_none_or(|status| status.success()), "{status:?}");
}

#[test]
fn they_tell_what_signals_tell() {
    let engine = called(&mut Config::new());
    let faulting = called(Config::new().skip_optimisation("called-traps"));
    let (mut store, here) = instance(&engine, &Module::new(&engine, WAT).unwrap());
    let (mut other_store, there) = instance(&faulting, &Module::new(&faulting, WAT).unwrap());
    for (name, args, expected) in CASES {
        let error = end_of(&mut store, here, name, args);
        let other = end_of(&mut other_store, there, name, args);
        assert_eq!((trap(&error), trap(&other)), (*expected, *expected), "{name}");
        assert_eq!(names(&error), names(&other), "{name}");
        assert_eq!(frames(&error), frames(&other), "{name}");
    }
}

#[test]
fn calls_of_the_host_are_in_between() {
    let engine = called(&mut Config::new());
    let wat = r#"(module
        (import "env" "host" (func $host))
        (func $inner (export "inner") unreachable)
        (func $outer (export "outer") (call $host)))"#;
    let (mut store, instance) = instance(&engine, &Module::new(&engine, wat).unwrap());
    let error = end_of(&mut store, instance, "outer", &[]);
    assert_eq!(trap(&error), Trap::UnreachableCodeReached);
    assert_eq!(names(&error), ["inner", "outer"]);
    // Afterwards everything is as before.
    assert_eq!(names(&end_of(&mut store, instance, "inner", &[])), ["inner"]);
}

/// The library that a module came from, once more.
fn library(path: &Path) -> (Library, NonNull<u8>) {
    // SAFETY: the library has no initialisers.
    let library = unsafe { Library::open(path) }.unwrap();
    let descriptor = library.symbol(c"wootz_module").unwrap();
    (library, descriptor)
}

fn cell(descriptor: NonNull<u8>) -> Span {
    // SAFETY: the descriptor is aligned, and lies where the symbol is.
    unsafe { (*descriptor.cast::<Descriptor>().as_ptr()).trap_cell }
}

/// The cell of a loaded library.
fn cell_of(descriptor: NonNull<u8>) -> NonNull<usize> {
    let span = cell(descriptor);
    assert_eq!(span.bytes, 8);
    // SAFETY: the descriptor says so.
    unsafe { descriptor.offset(span.offset as isize) }.cast()
}

#[test]
fn libraries_that_others_have_loaded_are_loaded_again() {
    let directory = Directory::new("trap-cell-of-others");
    let engine = called(&mut Config::new());
    let path = directory.file("m.so", &engine.precompile_module(WAT.as_bytes()).unwrap());
    let (_library, descriptor) = library(&path);
    let theirs = cell_of(descriptor);
    // SAFETY: nobody else uses the library, and nobody calls what is there.
    unsafe { theirs.write_volatile(1) };
    // SAFETY: the compiler has just made it.
    let module = unsafe { Module::deserialize_file(&engine, &path) }.unwrap();
    let (mut store, instance) = instance(&engine, &module);
    assert_eq!(
        trap(&end_of(&mut store, instance, "unreachable", &[])),
        Trap::UnreachableCodeReached
    );
    // SAFETY: as above.
    assert_eq!(unsafe { theirs.read_volatile() }, 1);

    // What is part of the program is there once.
    // SAFETY: the library stays, and the compiler has made it.
    let module = unsafe {
        Module::from_static(&engine, descriptor.as_ptr().cast::<StaticModule>().cast_const())
    };
    let error = module.unwrap_err();
    assert!(format!("{error:#}").contains("another copy of Wootz"), "{error:#}");
}

#[test]
fn a_library_that_is_loaded_twice_serves_both_modules() {
    let directory = Directory::new("trap-cell-twice");
    let engine = called(&mut Config::new());
    let path = directory.file("m.so", &engine.precompile_module(WAT.as_bytes()).unwrap());
    // SAFETY: the compiler has just made it.
    let load = || unsafe { Module::deserialize_file(&engine, &path) }.unwrap();
    let first = load();
    let second = load();
    drop(first);
    let (mut store, instance) = instance(&engine, &second);
    assert_eq!(
        trap(&end_of(&mut store, instance, "unreachable", &[])),
        Trap::UnreachableCodeReached
    );
}

#[test]
fn debuggers_see_a_signal() {
    let directory = Directory::new("no-trap-cell");
    let compile = |config: &mut Config| called(config).precompile_module(WAT.as_bytes()).unwrap();
    let path = directory.file("g.so", &compile(Config::new().debug_info(true)));
    assert_eq!(cell(library(&path).1), Span::default());
    let path = directory.file("n.so", &compile(Config::new().skip_optimisation("called-traps")));
    assert_eq!(cell(library(&path).1), Span::default());
    // Nothing traps here, so nothing is writable.
    let wat = r#"(module (func (export "f")))"#;
    let bytes = called(&mut Config::new()).precompile_module(wat.as_bytes()).unwrap();
    assert_eq!(cell(library(&directory.file("f.so", &bytes)).1), Span::default());
}

/// Whatever the file says: what is not the cell is not written.
#[test]
fn a_cell_that_is_none_is_refused() {
    let engine = called(&mut Config::new());
    let bytes = engine.precompile_module(WAT.as_bytes()).unwrap();
    let span = CellSpan::new(bytes, offset_of!(Descriptor, trap_cell));
    // SAFETY: it is what the compiler made.
    unsafe { Module::deserialize(&engine, span.with(span.cell, 8)) }.unwrap();
    span.others_are_refused(&engine, "trap cell");
}
