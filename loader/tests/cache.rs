//! The cache: what is found again and what is not, damage, limits, many users at once, configuration.
#![cfg(feature = "compiler")]

mod common;

use std::env::consts::DLL_EXTENSION;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, SystemTime};

use common::{Directory, PROCESSOR, take_away, this_program};
use wootz::{Cache, CacheConfig, Config, Engine, Instance, Module, OptLevel, Store};
use wootz_runtime::vm::sys::Library;

fn cache(directory: &Path, change: impl FnOnce(&mut CacheConfig)) -> Cache {
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    change(&mut config);
    Cache::new(config).unwrap()
}

fn engine(cache: &Cache) -> Engine {
    Engine::new(Config::new().cache(Some(cache.clone()))).unwrap()
}

/// A module that knows a number. Its memory is more than a page, and has an image.
fn source(number: i32) -> String {
    format!(
        r#"(module $numbered
            (memory (export "memory") 1)
            (data (i32.const 5) "data")
            (func (export "answer") (result i32) i32.const {number}))"#
    )
}

fn answer(engine: &Engine, module: &Module) -> i32 {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert_eq!(&memory.data(&store)[5..9], b"data");
    instance.get_typed_func::<(), i32>(&mut store, "answer").unwrap().call(&mut store, ()).unwrap()
}

/// Compiles or finds the module, and says whether it was found.
fn is_hit(cache: &Cache, engine: &Engine, number: i32) -> bool {
    let (hits, misses) = (cache.cache_hits(), cache.cache_misses());
    let module = Module::new(engine, source(number)).unwrap();
    assert_eq!(answer(engine, &module), number);
    let (hits, misses) = (cache.cache_hits() - hits, cache.cache_misses() - misses);
    assert_eq!(hits + misses, 1);
    hits == 1
}

/// The files in a directory that are modules, and the others but the lock.
fn files(directory: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let all = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| !path.ends_with("wootz-cache.lock"))
        .partition(|path| path.extension().is_some_and(|extension| extension == DLL_EXTENSION))
}

fn only_file(directory: &Path) -> PathBuf {
    let (entries, others) = files(directory);
    assert!(entries.len() == 1 && others.is_empty(), "{entries:?} {others:?}");
    entries.into_iter().next().unwrap()
}

fn total_bytes(entries: &[PathBuf]) -> u64 {
    entries.iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

/// As if the file was used that long ago.
fn age(path: &Path, seconds: u64) {
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[test]
fn what_was_compiled_is_found_again() {
    let directory = Directory::new("cache-again");
    let cache = cache(directory.path(), |_| ());
    let engine = engine(&cache);
    assert!(!is_hit(&cache, &engine, 1));
    let file = only_file(directory.path());
    age(&file, 1000);
    assert!(is_hit(&cache, &engine, 1));
    let used = fs::metadata(&file).unwrap().modified().unwrap();
    assert!(used.elapsed().unwrap() < Duration::from_secs(500), "a hit counts as use");
    // The binary format is the same module.
    let module = Module::from_binary(&engine, &wat::parse_str(source(1)).unwrap()).unwrap();
    assert_eq!((cache.cache_hits(), cache.cache_misses()), (2, 1));
    assert_eq!(answer(&engine, &module), 1);
    assert!(!is_hit(&cache, &engine, 2));
    // Another engine, another handle: what counts is in the directory.
    let again = self::cache(directory.path(), |_| ());
    assert!(is_hit(&again, &self::engine(&again), 2));
    // What is mapped is the file itself, whose pages all processes share.
    assert!(Library::is_open(&file.canonicalize().unwrap()));
}

#[test]
fn precompiling_does_not_use_the_cache() {
    let directory = Directory::new("cache-precompile");
    let cache = cache(directory.path(), |_| ());
    engine(&cache).precompile_module(source(1).as_bytes()).unwrap();
    assert_eq!((cache.cache_hits(), cache.cache_misses()), (0, 0));
    assert!(files(directory.path()).0.is_empty());
}

#[test]
fn files_are_artifacts() {
    let directory = Directory::new("cache-files");
    let cache = cache(directory.path(), |_| ());
    let engine = engine(&cache);
    let source = source(7);
    let artifact = engine.precompile_module(source.as_bytes()).unwrap();
    drop(Module::new(&engine, &source).unwrap());
    // SAFETY: the compiler has just made it.
    let loaded = unsafe { Module::load(&engine, only_file(directory.path())) }.unwrap();
    assert_eq!(answer(&engine, &loaded), 7);
    let found = Module::new(&engine, &source).unwrap();
    assert_eq!(cache.cache_hits(), 1);
    // Also when the file is gone.
    take_away(&only_file(directory.path()));
    let bytes = found.serialize().unwrap();
    assert!(bytes == artifact, "what is serialised is what the compiler makes");
    // SAFETY: as above.
    let again = unsafe { Module::deserialize(&engine, bytes) }.unwrap();
    assert_eq!(answer(&engine, &again), 7);
    assert_eq!(answer(&engine, &found), 7);
}

#[test]
fn each_setting_that_matters_makes_another_module() {
    let directory = Directory::new("cache-settings");
    let cache = cache(directory.path(), |_| ());
    let changes: &[fn(&mut Config)] = &[
        |_| (),
        |config| _ = config.cranelift_opt_level(OptLevel::None),
        |config| _ = config.cranelift_opt_level(OptLevel::SpeedAndSize),
        |config| _ = config.cranelift_nan_canonicalization(true),
        |config| _ = config.cranelift_debug_verifier(true),
        |config| _ = config.memory_reservation(1 << 20),
        |config| _ = config.memory_guard_size(1 << 20),
        |config| _ = config.target_cpu("baseline"),
        |config| _ = config.wasm_multi_value(false),
        |config| _ = config.wasm_bulk_memory(false).wasm_reference_types(false),
        // SAFETY: a processor need not have what is not used.
        |config| _ = unsafe { config.cranelift_flag_set(&format!("has_{}", PROCESSOR.1), "false") },
        // SAFETY: code is optimised less, nothing else.
        |config| _ = unsafe { config.cranelift_flag_set("enable_alias_analysis", "false") },
    ];
    for expected in [false, true] {
        for (position, change) in changes.iter().enumerate() {
            let mut config = Config::new();
            change(config.cache(Some(cache.clone())));
            let engine = Engine::new(&config).unwrap();
            assert_eq!(is_hit(&cache, &engine, 1), expected, "change {position}");
        }
    }
    assert_eq!(files(directory.path()).0.len(), changes.len());
    // What makes no difference to the code: who runs it.
    let mut config = Config::new();
    config.cache(Some(cache.clone())).parallel_compilation(false).max_wasm_stack(100 << 10);
    assert!(is_hit(&cache, &Engine::new(&config).unwrap(), 1));
    config.parallel_compilation(true).compilation_threads(NonZeroUsize::new(3));
    assert!(is_hit(&cache, &Engine::new(&config).unwrap(), 1));
}

#[test]
fn what_is_damaged_is_compiled_again() {
    let directory = Directory::new("cache-damage");
    let cache = cache(directory.path(), |_| ());
    let engine = engine(&cache);
    assert!(!is_hit(&cache, &engine, 1));
    let file = only_file(directory.path());
    let good = fs::read(&file).unwrap();
    assert!(!is_hit(&cache, &engine, 2));
    let other = files(directory.path()).0.into_iter().find(|path| *path != file).unwrap();
    let foreign = fs::read(&other).unwrap();
    fs::remove_file(other).unwrap();

    let mut damaged: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"garbage".to_vec(),
        b"\x7fELF".to_vec(),
        vec![0; 100_000],
        foreign,
        [&good[..], b"more"].concat(),
    ];
    for end in (0..good.len()).step_by(good.len() / 20).chain([good.len() - 1, good.len() - 32]) {
        damaged.push(good[..end].to_vec());
    }
    for at in (0..good.len()).step_by(good.len() / 100).chain([good.len() - 1, good.len() - 33]) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        damaged.push(bytes);
    }
    for bytes in damaged {
        fs::write(&file, &bytes).unwrap();
        assert!(!is_hit(&cache, &engine, 1), "{} bytes", bytes.len());
        assert!(fs::read(&file).unwrap() == good, "the file is repaired");
        assert!(is_hit(&cache, &engine, 1));
    }
    // Not even a file.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(!is_hit(&cache, &engine, 1));
    assert!(files(directory.path()).1.is_empty(), "nothing is left behind");
}

#[test]
fn there_are_not_more_files_than_allowed() {
    let directory = Directory::new("cache-count");
    let cache = cache(directory.path(), |config| {
        config.with_file_count_soft_limit(5).with_file_count_limit_percent_if_deleting(60);
    });
    let engine = engine(&cache);
    let mut by_number = Vec::new();
    for number in 0..5 {
        assert!(!is_hit(&cache, &engine, number));
        let (entries, _) = files(directory.path());
        let new = entries.into_iter().find(|path| !by_number.contains(path)).unwrap();
        age(&new, 1000 - number as u64);
        by_number.push(new);
    }
    assert_eq!(files(directory.path()).0.len(), 5);
    let kept = Module::new(&engine, source(1)).unwrap();
    // The oldest is used, so others go.
    assert!(is_hit(&cache, &engine, 0));
    // What is not ours stays, what was left behind goes.
    let (notes, stale) = (directory.file("notes.txt", b""), by_number[4].with_extension("1-1.tmp"));
    fs::write(&stale, b"").unwrap();
    age(&stale, 2 * 60 * 60);
    let fresh = by_number[4].with_extension("1-2.tmp");
    fs::write(&fresh, b"").unwrap();
    assert!(!is_hit(&cache, &engine, 5));
    let (entries, others) = files(directory.path());
    assert_eq!(entries.len(), 3);
    assert!(by_number[0].exists() && by_number[1].exists() && !by_number[4].exists());
    assert_eq!(others.len(), 2, "{others:?}");
    assert!(notes.exists() && fresh.exists());
    assert!(is_hit(&cache, &engine, 0) && is_hit(&cache, &engine, 1) && is_hit(&cache, &engine, 5));
    // Who has a file loaded keeps it.
    take_away(&by_number[1]);
    assert_eq!(answer(&engine, &kept), 1);
}

#[test]
fn there_are_not_more_bytes_than_allowed() {
    let directory = Directory::new("cache-bytes");
    let bytes = {
        let cache = cache(directory.path(), |_| ());
        assert!(!is_hit(&cache, &engine(&cache), 0));
        total_bytes(&files(directory.path()).0)
    };
    age(&only_file(directory.path()), 1000);
    let limit = bytes * 10 + 100;
    let cache = cache(directory.path(), |config| {
        config.with_files_total_size_soft_limit(limit);
    });
    let engine = engine(&cache);
    for number in 1..50 {
        assert!(!is_hit(&cache, &engine, number));
        let total = total_bytes(&files(directory.path()).0);
        assert!(total <= limit, "{total} of {limit} bytes");
        assert!(is_hit(&cache, &engine, number), "the newest stays");
    }
    assert!(total_bytes(&files(directory.path()).0) > limit / 2, "no more is removed than needed");

    // Nothing may stay: modules work all the same.
    let none = self::cache(directory.path(), |config| {
        config.with_file_count_soft_limit(0);
    });
    let engine = self::engine(&none);
    assert!(!is_hit(&none, &engine, 100) && !is_hit(&none, &engine, 100));
    assert!(files(directory.path()).0.is_empty());
}

#[test]
fn several_processes_stay_within_the_limits() {
    let directory = Directory::new("cache-shared-limits");
    let make = || {
        cache(directory.path(), |config| {
            config.with_file_count_soft_limit(16);
        })
    };
    // Caches of their own count as little together as processes do.
    let caches: Vec<Cache> = (0..4).map(|_| make()).collect();
    for number in 0..60 {
        let cache = &caches[number as usize % 4];
        assert!(!is_hit(cache, &engine(cache), number));
        // Each looks at the directory at least after every eighth of the limit.
        let count = files(directory.path()).0.len();
        assert!(count <= 16 + 4 * 2, "{count} files");
    }
}

#[test]
fn threads_may_race() {
    let directory = Directory::new("cache-threads");
    let cache = cache(directory.path(), |config| {
        config.with_file_count_soft_limit(6);
    });
    let engine = engine(&cache);
    race(&engine);
    assert_eq!(cache.cache_hits() + cache.cache_misses(), 4 * 40);
    let (entries, others) = files(directory.path());
    assert!(entries.len() <= 6 && others.is_empty(), "{entries:?} {others:?}");
}

/// Threads that use the same modules in different orders, more of them than the cache keeps.
fn race(engine: &Engine) {
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for step in 0..40 {
                    let number = step * (thread + 1) % 8;
                    let module = Module::new(engine, source(number)).unwrap();
                    assert_eq!(answer(engine, &module), number);
                }
            });
        }
    });
}

const CHILD: &str = "WOOTZ_TEST_CACHE_DIRECTORY";

/// This program again, doing nothing but one test, which finds itself to be the child.
fn child(test: &str, directory: &Path) -> Child {
    this_program()
        .args(["--exact", test, "--test-threads=1"])
        .env(CHILD, directory)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_may_race() {
    if let Some(directory) = std::env::var_os(CHILD) {
        let cache = cache(Path::new(&directory), |config| {
            config.with_file_count_soft_limit(6);
        });
        return race(&engine(&cache));
    }
    let directory = Directory::new("cache-processes");
    let children: Vec<Child> =
        (0..3).map(|_| child("processes_may_race", directory.path())).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let (entries, others) = files(directory.path());
    assert!(!entries.is_empty() && entries.len() <= 12, "{entries:?}");
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn one_process_finds_what_another_has_compiled() {
    if let Some(directory) = std::env::var_os(CHILD) {
        let cache = cache(Path::new(&directory), |_| ());
        assert!(!is_hit(&cache, &engine(&cache), 9));
        return;
    }
    let directory = Directory::new("cache-two");
    let mut child = child("one_process_finds_what_another_has_compiled", directory.path());
    assert!(child.wait().unwrap().success());
    let cache = cache(directory.path(), |_| ());
    assert!(is_hit(&cache, &engine(&cache), 9));
}

#[test]
fn a_directory_that_cannot_be_used_costs_nothing_but_time() {
    let directory = Directory::new("cache-unusable");
    let path = directory.path().join("inner");
    let cache = cache(&path, |_| ());
    let engine = engine(&cache);
    // Read-only for ordinary users, gone for the superuser too.
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let _ = is_hit(&cache, &engine, 1);
    fs::remove_dir_all(&path).unwrap();
    assert!(!is_hit(&cache, &engine, 2) && !is_hit(&cache, &engine, 2));
    fs::write(&path, b"").unwrap();
    assert!(!is_hit(&cache, &engine, 3) && !is_hit(&cache, &engine, 3));
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let directory = Directory::new("cache-file");
    let path = directory.file("file", b"").join("cache");
    let error = Cache::new(CacheConfig::new().with_directory(&path).clone()).unwrap_err();
    assert!(format!("{error:#}").contains(path.to_str().unwrap()), "{error:#}");
    let error = Cache::new(CacheConfig::new().with_directory("here").clone()).unwrap_err();
    assert!(error.to_string().contains("absolute path, not `here`"), "{error:#}");
    let mut config = CacheConfig::new();
    config.with_directory(directory.path()).with_file_count_limit_percent_if_deleting(101);
    let error = Cache::new(config).unwrap_err();
    assert!(error.to_string().contains("`file-count-limit-percent-if-deleting`"), "{error:#}");
}

#[test]
fn modules_for_other_settings_are_refused_as_without_a_cache() {
    let directory = Directory::new("cache-invalid");
    let cache = cache(directory.path(), |_| ());
    for _ in 0..2 {
        let error =
            Module::new(&engine(&cache), "(module (func $wrong (result i32)))").unwrap_err();
        assert!(error.to_string().contains("`wrong`"), "{error}");
    }
    assert!(files(directory.path()).0.is_empty());
    assert_eq!((cache.cache_hits(), cache.cache_misses()), (0, 0));
}

#[test]
fn a_file_configures_it() {
    let directory = Directory::new("cache-config");
    let cache_directory = directory.path().join("of/modules");
    let text = format!(
        r#"
        [cache]
        enabled = true
        directory = '{}'
        file-count-soft-limit = "2K"
        files-total-size-soft-limit = "3Mi"
        file-count-limit-percent-if-deleting = "50%"
        files-total-size-limit-percent-if-deleting = " 60 % "
        # Ignored:
        worker-event-queue-size = "16"
        baseline-compression-level = 3
        optimized-compression-level = 20
        optimized-compression-usage-counter-threshold = "256"
        cleanup-interval = "1h"
        optimizing-compression-task-timeout = "30m"
        allowed-clock-drift-for-files-from-future = "1d"
        "#,
        cache_directory.display()
    );
    let file = directory.file("config.toml", text.as_bytes());
    let cache = Cache::from_file(Some(&file)).unwrap();
    assert!(cache_directory.is_dir());
    assert_eq!(*cache.directory(), cache_directory.canonicalize().unwrap());
    assert_eq!(cache.file_count_soft_limit(), 2000);
    assert_eq!(cache.files_total_size_soft_limit(), 3 << 20);
    assert_eq!(cache.file_count_limit_percent_if_deleting(), 50);
    assert_eq!(cache.files_total_size_limit_percent_if_deleting(), 60);
    assert!(!is_hit(&cache, &engine(&cache), 1));

    let mut config = Config::new();
    config.cache_config_load(&file).unwrap();
    let engine = Engine::new(&config).unwrap();
    drop(Module::new(&engine, source(1)).unwrap());
    assert_eq!(files(&cache_directory).0.len(), 1);

    // Numbers may be numbers, and everything has a default.
    let file = directory.file("config.toml", b"[cache]\nfiles-total-size-soft-limit = 1000");
    let mut expected = CacheConfig::new();
    expected.with_files_total_size_soft_limit(1000);
    assert_eq!(CacheConfig::from_file(Some(&file)).unwrap(), expected);
    let file = directory.file("config.toml", b"[cache]");
    assert_eq!(CacheConfig::from_file(Some(&file)).unwrap(), CacheConfig::new());
}

#[test]
fn a_file_switches_it_off() {
    let directory = Directory::new("cache-off");
    let unused = directory.path().join("unused");
    let text = format!("[cache]\nenabled = false\ndirectory = '{}'", unused.display());
    let cache = Cache::from_file(Some(&directory.file("config.toml", text.as_bytes()))).unwrap();
    let engine = engine(&cache);
    for _ in 0..2 {
        assert_eq!(answer(&engine, &Module::new(&engine, source(1)).unwrap()), 1);
    }
    assert_eq!((cache.cache_hits(), cache.cache_misses()), (0, 0));
    assert!(!unused.exists());
}

#[test]
fn mistakes_in_a_file_are_named() {
    let directory = Directory::new("cache-mistakes");
    let path = directory.path().join("config.toml");
    for (text, words) in [
        ("[cache]\nfile-count-soft-limits = 1", &["file-count-soft-limits", "line 2"][..]),
        ("[cache]\n[other]", &["other"]),
        ("", &["cache"]),
        ("[cache", &["line 1"]),
        ("[cache]\nenabled = 1", &["enabled"]),
        ("[cache]\ndirectory = \"here\"", &["directory", "`here`", "absolute"]),
        (
            "[cache]\nfiles-total-size-soft-limit = \"512Qi\"",
            &["files-total-size-soft-limit", "512Qi", "512Mi"],
        ),
        ("[cache]\nfiles-total-size-soft-limit = \"i\"", &["files-total-size-soft-limit"]),
        ("[cache]\nfiles-total-size-soft-limit = \"99999P\"", &["files-total-size-soft-limit"]),
        ("[cache]\nfile-count-soft-limit = \"1Ki\"", &["file-count-soft-limit", "64K"]),
        ("[cache]\nfile-count-soft-limit = -1", &["file-count-soft-limit", "-1"]),
        ("[cache]\nfile-count-soft-limit = true", &["file-count-soft-limit"]),
        (
            "[cache]\nfile-count-limit-percent-if-deleting = \"70\"",
            &["file-count-limit-percent-if-deleting", "70%"],
        ),
        (
            "[cache]\nfiles-total-size-limit-percent-if-deleting = \"170%\"",
            &["files-total-size-limit-percent-if-deleting", "170%"],
        ),
    ] {
        directory.file("config.toml", text.as_bytes());
        let error = format!("{:#}", Cache::from_file(Some(&path)).unwrap_err());
        assert!(error.contains(path.to_str().unwrap()), "{text}: {error}");
        for word in words {
            assert!(error.contains(word), "`{word}` is missing for {text}: {error}");
        }
    }
    let missing = directory.path().join("missing.toml");
    let error = format!("{:#}", Config::new().cache_config_load(&missing).unwrap_err());
    assert!(error.contains(missing.to_str().unwrap()), "{error}");
}

#[test]
fn without_a_file_the_users_directories_are_used() {
    if let Some(home) = std::env::var_os(CHILD) {
        let home = Path::new(&home);
        let mut config = Config::new();
        config.cache_config_load_default().unwrap();
        let engine = Engine::new(&config).unwrap();
        assert_eq!(answer(&engine, &Module::new(&engine, source(1)).unwrap()), 1);
        assert_eq!(files(&home.join("caches/wootz")).0.len(), 1);
        fs::create_dir_all(home.join("configurations/wootz")).unwrap();
        let file = home.join("configurations/wootz/config.toml");
        fs::write(file, "[cache]\nfile-count-soft-limit = 77").unwrap();
        assert_eq!(Cache::from_file(None).unwrap().file_count_soft_limit(), 77);
        return;
    }
    let directory = Directory::new("cache-home");
    let status = this_program()
        .args(["--exact", "without_a_file_the_users_directories_are_used", "--test-threads=1"])
        .env(CHILD, directory.path())
        .env("XDG_CACHE_HOME", directory.path().join("caches"))
        .env("XDG_CONFIG_HOME", directory.path().join("configurations"))
        // So they are called on Windows.
        .env("LOCALAPPDATA", directory.path().join("caches"))
        .env("APPDATA", directory.path().join("configurations"))
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.unwrap().success());
}
