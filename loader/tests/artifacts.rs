//! Loading: from files and bytes, and each way in which a file can be the wrong one.
#![cfg(feature = "compiler")]

mod common;

use std::sync::Arc;

use common::Directory;
use wootz::{ArtifactError, Config, Engine, Error, Instance, Module, Precompiled, Store};
use wootz_runtime::abi::artifact::{Descriptor, MAGIC};

const WAT: &str = r#"(module $m
    (memory (export "memory") 1)
    (data (i32.const 5) "data")
    (func (export "answer") (result i32) i32.const 42))"#;

fn answer(engine: &Engine, module: &Module) -> i32 {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    if let Some(memory) = instance.get_memory(&mut store, "memory") {
        assert_eq!(&memory.data(&store)[5..9], b"data");
    }
    instance.get_typed_func::<(), i32>(&mut store, "answer").unwrap().call(&mut store, ()).unwrap()
}

fn load(engine: &Engine, bytes: &[u8]) -> Result<Module, Error> {
    // SAFETY: what is loaded is harmless; most of it is refused.
    unsafe { Module::deserialize(engine, bytes) }
}

fn error(bytes: &[u8]) -> ArtifactError {
    let error = load(&Engine::default(), bytes).unwrap_err();
    error.downcast::<ArtifactError>().unwrap()
}

fn artifact() -> Vec<u8> {
    Engine::default().precompile_module(WAT.as_bytes()).unwrap()
}

/// Where in the file the descriptor is.
fn descriptor(bytes: &[u8]) -> usize {
    let mut places = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    let (at, _) = places.next().unwrap();
    assert!(places.next().is_none());
    at
}

#[test]
fn the_three_ways_of_loading_give_the_same() {
    let engine = Engine::default();
    let directory = Directory::new("ways");
    let bytes = artifact();
    assert_eq!(Engine::detect_precompiled(&bytes), Some(Precompiled::Module));
    assert_eq!(Engine::detect_precompiled(b"\0asm\x01\0\0\0"), None);
    let path = directory.file("m.so", &bytes);
    assert_eq!(Engine::detect_precompiled_file(&path).unwrap(), Some(Precompiled::Module));
    // SAFETY: the compiler has just made it.
    let loaded = unsafe { Module::load(&engine, &path) }.unwrap();
    let deserialized = load(&engine, &bytes).unwrap();
    let compiled = Module::new(&engine, WAT).unwrap();
    for module in [&loaded, &deserialized, &compiled] {
        assert_eq!(module.name(), Some("m"));
        assert_eq!(answer(&engine, module), 42);
        let again = load(&engine, &module.serialize().unwrap()).unwrap();
        assert_eq!(answer(&engine, &again), 42);
    }
}

#[test]
fn one_file_may_be_loaded_often_and_at_once() {
    let directory = Directory::new("often");
    let path = directory.file("m.so", &artifact());
    let engine = Arc::new(Engine::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    // SAFETY: the compiler has just made it.
                    let modules: Vec<Module> =
                        (0..3).map(|_| unsafe { Module::load(&engine, &path) }.unwrap()).collect();
                    modules.iter().for_each(|module| assert_eq!(answer(&engine, module), 42));
                }
            });
        }
    });
}

#[test]
fn a_replaced_file_is_not_mistaken_for_the_old_one() {
    let engine = Engine::default();
    let directory = Directory::new("replaced");
    let source = |number: i32| {
        format!(r#"(module (func (export "answer") (result i32) i32.const {number}))"#)
    };
    let mut kept = Vec::new();
    for number in 1..=5 {
        let bytes = engine.precompile_module(source(number).as_bytes()).unwrap();
        let path = directory.file("m.so", &bytes);
        // SAFETY: the compiler has just made it, and nobody changes it in place.
        let module = unsafe { Module::load(&engine, &path) }.unwrap();
        assert_eq!(answer(&engine, &module), number);
        kept.push((number, module));
    }
    for (number, module) in &kept {
        assert_eq!(answer(&engine, module), *number);
    }
}

#[test]
fn a_missing_file_is_named() {
    // SAFETY: there is nothing to load.
    let error = unsafe { Module::load(&Engine::default(), "/nonexistent/m.so") }.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/m.so"), "{error}");
    assert!(matches!(error.downcast_ref(), Some(ArtifactError::Io { .. })), "{error:?}");
    // SAFETY: as above.
    let error = unsafe { Module::load(&Engine::default(), std::env::temp_dir()) }.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(ArtifactError::Io { .. })), "{error:?}");
}

#[test]
fn what_is_no_native_file_is_described() {
    assert!(matches!(error(b"\0asm\x01\0\0\0"), ArtifactError::Wasm));
    assert!(matches!(error(b"  (module)"), ArtifactError::Wasm));
    for (bytes, words) in [
        (&b""[..], "an empty file"),
        (b"hello world", "text that begins with `h`"),
        (b"!<arch>\n", "a static library"),
        (b"\x01\x02\x03\x04\x05", "[01, 02, 03, 04]"),
    ] {
        let error = error(bytes);
        assert!(
            matches!(error, ArtifactError::NotANativeFile { .. })
                && error.to_string().contains(words),
            "{error}"
        );
    }
}

#[test]
fn files_of_other_systems_are_named() {
    for (bytes, system) in [
        (&b"\x7fELF"[..], "Linux"),
        (b"MZ\x90\0", "Windows"),
        (b"\x64\x86\x05\0", "Windows"),
        (b"\xcf\xfa\xed\xfe", "macOS"),
        // 32 bits, and several in one.
        (b"\xce\xfa\xed\xfe", "macOS"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "macOS"),
    ] {
        let error = error(bytes);
        let is_ours = std::env::consts::OS == system.to_lowercase();
        let is_named = matches!(&error, ArtifactError::OtherTarget { what: "operating system", found, .. }
            if found == system);
        assert!(is_ours || is_named, "{error}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let bytes = artifact();
    for end in (4..bytes.len()).step_by(17).chain([63, 64, bytes.len() - 1]) {
        let error = error(&bytes[..end]);
        assert!(
            matches!(error, ArtifactError::Truncated { .. }),
            "{end} of {}: {error}",
            bytes.len()
        );
    }
}

#[test]
fn other_machines_are_named() {
    let mut bytes = artifact();
    let (at, number) = match (cfg!(windows), cfg!(target_arch = "aarch64")) {
        (false, true) => (18, 62_u16),
        (false, false) => (18, 183),
        (true, is_arm) => {
            let header = u32::from_le_bytes(bytes[0x3c..0x40].try_into().unwrap()) as usize;
            (header + 4, if is_arm { 0x8664 } else { 0xaa64 })
        }
    };
    bytes[at..at + 2].copy_from_slice(&number.to_ne_bytes());
    let found = error(&bytes);
    assert!(matches!(found, ArtifactError::OtherTarget { what: "architecture", .. }), "{found}");
    assert!(
        found.to_string().contains(if cfg!(target_arch = "aarch64") {
            "x86_64"
        } else {
            "aarch64"
        }),
        "{found}"
    );
}

/// Other formats do not say more than what system they are for.
#[cfg(target_os = "linux")]
#[test]
fn other_systems_with_elf_files_are_named() {
    let mut bytes = artifact();
    bytes[7] = 9;
    let found = error(&bytes);
    assert!(
        matches!(found, ArtifactError::OtherTarget { what: "operating system", .. }),
        "{found}"
    );
    assert!(found.to_string().contains("FreeBSD"), "{found}");
}

#[cfg(target_os = "linux")]
#[test]
fn other_kinds_of_elf_files_are_named() {
    let error = |kind: u16| {
        let mut bytes = artifact();
        bytes[16..18].copy_from_slice(&kind.to_ne_bytes());
        error(&bytes)
    };
    assert!(matches!(error(1), ArtifactError::RelocatableObject));
    assert!(matches!(error(2), ArtifactError::NotALibrary { found: "a program" }));
    assert!(matches!(error(4), ArtifactError::NotALibrary { found: "a core file" }));
}

/// A library of the system's.
#[cfg(target_os = "linux")]
fn ordinary_library() -> std::path::PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| path.contains("libc.so"));
    libc.expect("tests are linked dynamically").into()
}

/// A library of the system's.
#[cfg(windows)]
fn ordinary_library() -> std::path::PathBuf {
    let system = std::env::var_os("SystemRoot").expect("Windows says where it is");
    std::path::Path::new(&system).join(r"system32\kernel32.dll")
}

#[cfg(any(target_os = "linux", windows))]
#[test]
fn ordinary_libraries_are_refused_without_being_loaded() {
    let error = error(&std::fs::read(ordinary_library()).unwrap());
    assert!(matches!(error, ArtifactError::NoDescriptor), "{error}");
    // Programs are shared libraries too, these days.
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let error = Module::check_precompiled(&Engine::default(), program).unwrap_err();
    let error = error.downcast_ref::<ArtifactError>().unwrap();
    assert!(matches!(error, ArtifactError::NotALibrary { found: "a program" }), "{error}");
}

#[test]
fn other_versions_of_the_interface_are_named() {
    let mut bytes = artifact();
    let at = descriptor(&bytes) + std::mem::offset_of!(Descriptor, abi_version);
    bytes[at..at + 4].copy_from_slice(&7777u32.to_ne_bytes());
    let error = error(&bytes);
    assert!(matches!(error, ArtifactError::AbiVersion { found: 7777, .. }), "{error}");
}

#[test]
fn corruption_of_what_is_decoded_is_noticed() {
    let bytes = artifact();
    let start = descriptor(&bytes);
    let field = |at: usize| {
        u32::from_ne_bytes(bytes[start + at..start + at + 4].try_into().unwrap()) as usize
    };
    for span in
        [std::mem::offset_of!(Descriptor, compat), std::mem::offset_of!(Descriptor, manifest)]
    {
        let (offset, length) = (field(span), field(span + 4));
        for at in start + offset..start + offset + length {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x20;
            let error = error(&bytes);
            assert!(matches!(error, ArtifactError::Corrupted { .. }), "{error}");
        }
    }
    // The descriptor itself: whatever is flipped, nothing bad happens.
    for at in start..start + size_of::<Descriptor>() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x55;
        let _ = load(&Engine::default(), &bytes);
    }
}

#[test]
fn missing_cpu_features_are_named() {
    let missing =
        ["avx512vbmi", "avx512bitalg", "avx512f", "avx2"].into_iter().find(|name| match *name {
            #[cfg(target_arch = "x86_64")]
            "avx512vbmi" => !std::arch::is_x86_feature_detected!("avx512vbmi"),
            #[cfg(target_arch = "x86_64")]
            "avx512bitalg" => !std::arch::is_x86_feature_detected!("avx512bitalg"),
            #[cfg(target_arch = "x86_64")]
            "avx512f" => !std::arch::is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            "avx2" => !std::arch::is_x86_feature_detected!("avx2"),
            _ => false,
        });
    // A processor that has everything cannot show what happens without.
    let Some(missing) = missing else { return };
    let mut config = Config::new();
    // SAFETY: what is compiled is not run.
    unsafe { config.cranelift_flag_enable(&format!("has_{missing}")) };
    let bytes = Engine::new(&config).unwrap().precompile_module(WAT.as_bytes()).unwrap();
    let error = error(&bytes);
    assert!(
        matches!(&error, ArtifactError::CpuFeature { name } if name.ends_with(missing)),
        "{error}"
    );
}

#[test]
fn settings_that_differ_are_named() {
    let mut config = Config::new();
    config.wasm_multi_value(false);
    let strict = Engine::new(&config).unwrap();
    let error = load(&strict, &artifact()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`multi-value` is on in the compiled module and off in this engine"),
        "{error}"
    );
}

#[test]
fn wasm_that_is_wrong_is_an_error() {
    let engine = Engine::default();
    assert!(Module::new(&engine, b"\0asm\x01\0\0").is_err());
    assert!(Module::new(&engine, "(module (func (result i32)))").is_err());
    assert!(Module::from_binary(&engine, b"(module)").is_err());
    assert!(Module::validate(&engine, b"(module)").is_ok());
    // Bodies are validated too, though nothing is compiled.
    let error = Module::validate(&engine, b"(module (func) (func $wrong i32.add))").unwrap_err();
    assert!(error.to_string().contains("in function 1 `wrong`"), "{error}");
    let error = format!("{:#}", Module::from_file(&engine, "/nonexistent/m.wat").unwrap_err());
    assert!(error.contains("/nonexistent/m.wat"), "{error}");
}

#[test]
fn settings_are_checked() {
    let check = |change: fn(&mut Config)| {
        let mut config = Config::new();
        change(&mut config);
        Engine::new(&config).unwrap_err().to_string()
    };
    assert!(check(|config| _ = config.max_wasm_stack(0)).contains("max_wasm_stack"));
    assert!(check(|config| _ = config.memory_reservation(u64::MAX)).contains("address space"));
    assert!(check(|config| _ = config.target_cpu("z80")).contains("`z80`"));
    assert!(check(|config| _ = config.target("z80-none").unwrap()).contains("`z80-none`"));
    assert!(check(|config| _ = config.wasm_gc(true)).contains("`gc`"));
}
