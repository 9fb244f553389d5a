//! Modules: what they say of themselves, and the ways of loading them that need no copy.
#![cfg(feature = "compiler")]

mod common;

use std::alloc::{Layout, alloc, dealloc};
use std::fs::File;
use std::ptr::NonNull;

use common::{Directory, module, names, take_away, trap};
use wootz::{ArtifactError, Config, Engine, Error, Instance, Module, StaticModule, Store, Trap};
use wootz_runtime::abi::artifact::MAGIC;
use wootz_runtime::vm::sys::Library;

const PAGE_BYTES: usize = 4096;

const PROGRAM: &str = r#"(module $program
    (type $number (func (result i32)))
    (memory (export "memory") 2 10)
    (data (i32.const 5) "data")
    (data $passive "passive")
    (data (i32.const 65536) "the second page")
    (table funcref (elem $one $two))
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func $indirect (export "indirect") (param i32) (result i32)
        (call_indirect (type $number) (local.get 0)))
    (func $init (export "init") (param i32)
        (memory.init $passive (local.get 0) (i32.const 0) (i32.const 7)))
    (func $inner (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0)))
    (func $divide (export "divide") (param i32) (result i32) (call $inner (local.get 0))))"#;

/// Memory of a user that begins with a page, or `shift` bytes behind.
struct Pages {
    start: NonNull<u8>,
    layout: Layout,
    shift: usize,
    bytes: usize,
}

impl Pages {
    fn new(contents: &[u8], shift: usize) -> Pages {
        let size = (contents.len() + shift).next_multiple_of(PAGE_BYTES) + PAGE_BYTES;
        let layout = Layout::from_size_align(size, PAGE_BYTES).unwrap();
        // SAFETY: the size is not 0, and the contents fit.
        let start = unsafe {
            let start = NonNull::new(alloc(layout)).unwrap();
            let contents_start = start.add(shift).as_ptr();
            contents.as_ptr().copy_to_nonoverlapping(contents_start, contents.len());
            start
        };
        Pages { start, layout, shift, bytes: contents.len() }
    }

    fn slice(&self) -> NonNull<[u8]> {
        // SAFETY: inside of what was allocated.
        NonNull::slice_from_raw_parts(unsafe { self.start.add(self.shift) }, self.bytes)
    }

    fn load(&self, engine: &Engine) -> Result<Module, Error> {
        // SAFETY: the compiler has made it, and tests drop modules before their memory; what was changed is not called.
        unsafe { Module::deserialize_raw(engine, self.slice()) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: it is written to first because it was writable, and then given back as it was allocated.
        unsafe {
            self.start.write_bytes(0xcc, self.layout.size());
            dealloc(self.start.as_ptr(), self.layout);
        }
    }
}

fn artifact() -> Vec<u8> {
    Engine::default().precompile_module(PROGRAM.as_bytes()).unwrap()
}

/// Uses everything that the descriptor reaches.
fn works(engine: &Engine, module: &Module) {
    for _ in 0..2 {
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        assert_eq!(&memory.data(&store)[5..9], b"data");
        assert_eq!(&memory.data(&store)[65536..65551], b"the second page");
        instance
            .get_typed_func::<i32, ()>(&mut store, "init")
            .unwrap()
            .call(&mut store, 100)
            .unwrap();
        assert_eq!(&memory.data(&store)[100..107], b"passive");
        memory.data_mut(&mut store).fill(0xee);
        let indirect = instance.get_typed_func::<i32, i32>(&mut store, "indirect").unwrap();
        assert_eq!(indirect.call(&mut store, 0).unwrap(), 1);
        assert_eq!(indirect.call(&mut store, 1).unwrap(), 2);
        let error = indirect.call(&mut store, 2).unwrap_err();
        assert_eq!(trap(&error), Trap::TableOutOfBounds);
        let divide = instance.get_typed_func::<i32, i32>(&mut store, "divide").unwrap();
        assert_eq!(divide.call(&mut store, 7).unwrap(), 14);
        let error = divide.call(&mut store, 0).unwrap_err();
        assert_eq!(trap(&error), Trap::IntegerDivisionByZero);
        assert_eq!(names(&error), ["inner", "divide"]);
    }
}

#[test]
fn memory_of_the_user_is_used_in_place() {
    // What debuggers look for in libraries has no place there, and is not needed.
    for (copy_on_write, debug_info) in [(true, false), (false, false), (true, true)] {
        let mut config = Config::new();
        config.memory_init_cow(copy_on_write).debug_info(debug_info);
        let engine = Engine::new(&config).unwrap();
        let bytes = engine.precompile_module(PROGRAM.as_bytes()).unwrap();
        let pages = Pages::new(&bytes, 0);
        for _ in 0..3 {
            let module = pages.load(&engine).unwrap();
            module.initialize_copy_on_write_image().unwrap();
            let memory = pages.start.as_ptr() as usize..pages.start.as_ptr() as usize + bytes.len();
            let code = module.text().as_ptr_range();
            assert!(
                memory.contains(&(code.start as usize)) && memory.contains(&(code.end as usize))
            );
            let image = module.image_range();
            assert!(memory.contains(&(image.start as usize)) && image.contains(&code.start));
            works(&engine, &module);
            assert_eq!(module.serialize().unwrap(), bytes);
        }
    }
}

#[test]
fn the_memory_stays_in_use_as_long_as_anything_needs_the_module() {
    let engine = Engine::default();
    let pages = Pages::new(&artifact(), 0);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &pages.load(&engine).unwrap(), &[]).unwrap();
    let divide = instance.get_typed_func::<i32, i32>(&mut store, "divide").unwrap();
    assert_eq!(divide.call(&mut store, 10).unwrap(), 10);
    drop(store);
    // Dropping `pages` writes to all of it.
}

#[test]
fn what_cannot_be_used_in_place_is_named() {
    let engine = Engine::default();
    let bytes = artifact();
    let error = |bytes: &[u8], shift| {
        let error = Pages::new(bytes, shift).load(&engine).unwrap_err();
        error.downcast::<ArtifactError>().unwrap()
    };
    for shift in [1, 64, PAGE_BYTES / 2] {
        let error = error(&bytes, shift);
        assert!(matches!(error, ArtifactError::Misaligned { .. }), "{error}");
        assert!(error.to_string().contains("4096 bytes"), "{error}");
    }
    for bytes_left in [4, 63, 64, 1000, bytes.len() / 2, bytes.len() - 1] {
        let error = error(&bytes[..bytes_left], 0);
        assert!(matches!(error, ArtifactError::Truncated { .. }), "{bytes_left}: {error}");
    }
    assert!(matches!(error(b"", 0), ArtifactError::NotANativeFile { .. }));
    assert!(matches!(error(b"\0asm\x01\0\0\0", 0), ArtifactError::Wasm));
    // The name of the module is part of the manifest.
    let mut corrupted = bytes.clone();
    let metadata = bytes.windows(MAGIC.len()).position(|window| window == MAGIC).unwrap();
    let name = bytes[metadata..].windows(7).position(|window| window == b"program").unwrap();
    corrupted[metadata + name] ^= 1;
    let error = error(&corrupted, 0);
    assert!(matches!(error, ArtifactError::Corrupted { .. }), "{error}");
}

#[test]
fn settings_are_checked_for_memory_too() {
    let mut config = Config::new();
    config.memory_guard_size(0);
    let engine = Engine::new(&config).unwrap();
    let error = Pages::new(&artifact(), 0).load(&engine).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(ArtifactError::AddressSpace { .. })), "{error}");
}

#[test]
fn whatever_is_corrupted_nothing_bad_happens_on_loading() {
    let engine = Engine::default();
    let bytes = artifact();
    for at in (0..bytes.len()).step_by(13) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x41;
        let _ = Pages::new(&bytes, 0).load(&engine);
    }
}

#[test]
fn open_files_are_loaded() {
    let engine = Engine::default();
    let directory = Directory::new("modules");
    let bytes = artifact();
    let path = directory.file("program.so", &bytes);
    let open = || {
        let file = File::open(&path).unwrap();
        // SAFETY: the compiler has just made it.
        unsafe { Module::deserialize_open_file(&engine, file) }
    };
    // SAFETY: as above.
    let by_path = unsafe { Module::load(&engine, &path) }.unwrap();
    let modules = [open().unwrap(), open().unwrap(), by_path];
    // SAFETY: as above.
    let trusted = unsafe { Module::from_trusted_file(&engine, &path) }.unwrap();
    take_away(&path);
    for module in modules.iter().chain([&trusted]) {
        works(&engine, module);
    }
    assert_eq!(modules[0].serialize().unwrap(), bytes);
    std::fs::write(&path, PROGRAM).unwrap();
    // SAFETY: it is no artifact.
    works(&engine, &unsafe { Module::from_trusted_file(&engine, &path) }.unwrap());
    let error = open().unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(ArtifactError::Wasm)), "{error}");
}

#[test]
fn functions_are_listed_with_their_code() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "" "" (func)) (func $a (unreachable)) (func) (func $c (drop (i32.const 1)))
            (func $inlined) (func $unused) (func (export "f") (call $inlined)) (elem declare func $a 2 $c))"#,
    );
    let functions: Vec<_> = module.functions().collect();
    assert_eq!(module.functions().len(), 4);
    let found: Vec<_> =
        functions.iter().map(|it| (it.index, it.name.as_deref().unwrap_or(""))).collect();
    assert_eq!(found, [(1, "a"), (2, ""), (3, "c"), (6, "")]);
    let mut end = 0;
    for function in functions {
        assert!(function.offset >= end && function.len > 0);
        end = function.offset + function.len;
    }
    assert!(end <= module.text().len());
}

#[test]
fn the_address_map_leads_back_to_the_module() {
    let wasm = wat::parse_str(PROGRAM).unwrap();
    let compiled = |change: fn(&mut Config)| {
        let mut config = Config::new();
        change(&mut config);
        Module::new(&Engine::new(&config).unwrap(), &wasm).unwrap()
    };
    let mut sizes = Vec::new();
    for module in [compiled(|_| ()), compiled(|config| _ = config.generate_address_map(true))] {
        let map: Vec<_> = module.address_map().unwrap().collect();
        assert!(map.is_sorted_by(|a, b| a.0 < b.0 && a.1 != b.1), "{map:?}");
        assert!(map.iter().all(|&(code, _)| code < module.text().len()));
        // i32.div_u
        let divisions = map.iter().filter_map(|&(_, wasm_offset)| wasm_offset);
        assert!(divisions.into_iter().any(|offset| wasm[offset as usize] == 0x6e), "{map:?}");
        // What lies behind a function is not part of it.
        for function in module.functions() {
            let end = function.offset + function.len;
            let next = module.functions().any(|other| other.offset == end);
            let at_end = map[map.partition_point(|&(code, _)| code <= end) - 1];
            assert!(next || at_end.1.is_none(), "{function:?} {map:?}");
        }
        sizes.push(map.len());
    }
    assert!(sizes[0] < sizes[1], "all instructions are more than calls and traps: {sizes:?}");
    let mut config = Config::new();
    config.generate_address_map(false);
    let engine = Engine::new(&config).unwrap();
    assert!(Module::new(&engine, &wasm).unwrap().address_map().is_none());
    assert_eq!(Module::new(&engine, "(module)").unwrap().address_map().unwrap().count(), 0);
}

#[test]
fn resources_are_counted_without_imports() {
    let engine = Engine::default();
    let required = |wat| module(&engine, wat).resources_required();
    let found = required(
        r#"(module (import "" "m" (memory 9)) (import "" "t" (table 8 funcref))
            (table 3 funcref) (table 5 externref))"#,
    );
    assert_eq!((found.num_memories, found.max_initial_memory_size), (0, None));
    assert_eq!((found.num_tables, found.max_initial_table_size), (2, Some(5)));
    let found = required("(module (memory 4))");
    assert_eq!((found.num_memories, found.max_initial_memory_size), (1, Some(4)));
    assert_eq!((found.num_tables, found.max_initial_table_size), (0, None));
}

#[test]
fn custom_sections_are_kept() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (@custom "mine" "first") (@custom ".debug_info" "gone") (@custom "mine" "second"))"#,
    );
    let found: Vec<_> = module.custom_sections("mine").collect();
    assert_eq!(found, [b"first".as_slice(), b"second"]);
    assert_eq!(module.custom_sections(".debug_info").count(), 0);
    assert_eq!(module.custom_sections("name").count(), 0);
}

#[test]
fn what_is_loaded_already_is_taken_into_use() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("program.so");
    std::fs::write(&path, artifact()).unwrap();
    // SAFETY: the library has no initialisers.
    let library = unsafe { Library::open(&path) }.unwrap();
    let descriptor: *const StaticModule = library.symbol(c"wootz_module").unwrap().cast().as_ptr();
    for cow in [true, false] {
        let engine = Engine::new(Config::new().memory_init_cow(cow)).unwrap();
        // SAFETY: the compiler has made it.
        let module = unsafe { Module::from_static(&engine, descriptor) }.unwrap();
        works(&engine, &module);
        assert_eq!(module.name(), Some("program"));
        let error = module.serialize().unwrap_err().to_string();
        assert!(error.contains("part of the program"), "{error}");
    }
    // A second module of the same code, when the first one is gone.
    // SAFETY: as above.
    let refused = |config: &Config| unsafe {
        Module::from_static(&Engine::new(config).unwrap(), descriptor).unwrap_err()
    };
    let error = refused(Config::new().consume_fuel(true));
    assert!(matches!(error.downcast_ref(), Some(ArtifactError::Setting { .. })), "{error:#}");
}

#[test]
fn what_is_no_descriptor_is_refused() {
    let engine = Engine::default();
    let refused = |descriptor: *const u64| {
        // SAFETY: there are as many bytes as a descriptor has, and they say that there is nothing else.
        unsafe { Module::from_static(&engine, descriptor.cast()) }.unwrap_err()
    };
    let error = refused(std::ptr::null());
    assert!(format!("{error:#}").contains("address 0"), "{error:#}");
    let mut descriptor = [0_u64; 32];
    let error = refused(descriptor.as_ptr());
    assert!(
        matches!(error.downcast_ref(), Some(ArtifactError::Corrupted { part: "descriptor" })),
        "{error:#}"
    );
    descriptor[0] = u64::from_ne_bytes(*b"\x7fWOOTZ\r\n");
    descriptor[1] =
        u64::from_ne_bytes([999_u32, 0].map(u32::to_ne_bytes).concat().try_into().unwrap());
    let error = refused(descriptor.as_ptr());
    let version = error.downcast_ref();
    assert!(matches!(version, Some(ArtifactError::AbiVersion { found: 999, .. })), "{error:#}");
}
