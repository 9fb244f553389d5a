//! What profilers find of modules in memory: names in a list, or a file.
#![cfg(all(target_os = "linux", feature = "compiler"))]

mod common;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{Directory, this_program};
use wootz::{Cache, CacheConfig, Config, Engine, Instance, Module, ProfilingStrategy, Store};

/// Calls `$spin` for each of the given number of times, by way of a function without a name.
const WAT: &str = r#"(module $profiled
    (import "" "" (func))
    (func $spin (param i32) (result i32) (local i32)
        (loop $again
            (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
    (func (param i32) (result i32) (i32.add (call $spin (local.get 0)) (i32.const 1)))
    (func $"two\nlines" (export "run") (param i32) (result i32)
        (i32.add (call 2 (local.get 0)) (i32.const 1))))"#;

const CASE: &str = "WOOTZ_TEST_PROFILING";

fn engine(strategy: ProfilingStrategy) -> Engine {
    let mut config = Config::new();
    // Every function is to have code of its own.
    Engine::new(config.profiler(strategy).skip_optimisation("inlining")).unwrap()
}

fn call(module: &Module, times: i32) -> i32 {
    let mut store = Store::new(module.engine(), ());
    let import = wootz::Func::wrap(&mut store, || ());
    let instance = Instance::new(&mut store, module, &[import.into()]).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    run.call(&mut store, times).unwrap()
}

/// The path of what is mapped at an address; empty if that is no file.
fn mapped_at(address: usize) -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        if (number(from)..number(to)).contains(&address) {
            assert!(rest.starts_with("r-xp"), "{line}");
            return rest.split_whitespace().skip(4).collect::<Vec<_>>().join(" ");
        }
    }
    panic!("{address:x} is not mapped");
}

/// The test that this is a child of, or itself in a process of its own with this environment.
fn in_child(test: &str, variables: &[(&str, &str)], check: impl FnOnce()) {
    if std::env::var(CASE).is_ok_and(|case| case == test) {
        return check();
    }
    let mut command = this_program();
    command.args(["--exact", test, "--nocapture"]).env(CASE, test);
    command.envs(variables.iter().copied()).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
}

#[test]
fn the_list_has_every_function_where_it_is() {
    in_child("the_list_has_every_function_where_it_is", &[], || {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        let _ = fs::remove_file(&path);
        let unlisted = Module::new(&engine(ProfilingStrategy::None), WAT).unwrap();
        assert!(!PathBuf::from(&path).exists());
        let engine = engine(ProfilingStrategy::PerfMap);
        let modules: Vec<Module> = (0..3).map(|_| Module::new(&engine, WAT).unwrap()).collect();
        let list = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for module in &modules {
            assert_eq!(call(module, 1000), call(&unlisted, 1000));
            assert!(module.text() == unlisted.text(), "the code is the same");
            let text = module.text().as_ptr_range();
            let range = text.start as usize..text.end as usize;
            assert_eq!(mapped_at(range.start), "", "perf looks for names where there is no file");
            let mut end = range.start;
            let mut names = Vec::new();
            for line in list.lines() {
                let mut words = line.splitn(3, ' ');
                let mut number = || usize::from_str_radix(words.next().unwrap(), 16).unwrap();
                let (start, bytes) = (number(), number());
                if range.contains(&start) {
                    assert_eq!(start, end, "there are no gaps: {list}");
                    end = start + bytes;
                    names.push(words.next().unwrap());
                }
            }
            assert_eq!(end, range.end);
            names.retain(|name| *name != "wasm[profiled]::trampolines");
            assert_eq!(names, ["spin", "wasm[profiled]::function[2]", "two_lines"]);
        }
        // Of what has a file, nothing is listed.
        let directory = Directory::new("profiling-files");
        let file = directory.file("m.so", &unlisted.serialize().unwrap());
        // SAFETY: the compiler has just made it.
        let loaded = unsafe { Module::load(&engine, file) }.unwrap();
        assert_eq!(call(&loaded, 10), call(&unlisted, 10));
        let mut cached = CacheConfig::new();
        cached.with_directory(directory.path().join("cache"));
        let mut config = Config::new();
        config.cache(Some(Cache::new(cached).unwrap())).profiler(ProfilingStrategy::PerfMap);
        let cached = Module::new(&Engine::new(&config).unwrap(), WAT).unwrap();
        assert!(mapped_at(cached.text().as_ptr() as usize).ends_with(".so"));
        assert!(!PathBuf::from(&path).exists());
    });
}

#[test]
fn modules_in_memory_get_files() {
    let directory = Directory::new("profiling-directory");
    let temporary = directory.path().canonicalize().unwrap();
    in_child("modules_in_memory_get_files", &[("TMPDIR", temporary.to_str().unwrap())], || {
        let temporary = PathBuf::from(std::env::var("TMPDIR").unwrap());
        // As if an earlier process had had the same number.
        let folder = temporary.join(format!("wootz-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let engine = engine(ProfilingStrategy::JitDump);
        let module = Module::new(&engine, WAT).unwrap();
        assert_eq!(call(&module, 10), call(&module, 10));
        let path = PathBuf::from(mapped_at(module.text().as_ptr() as usize));
        assert_eq!(path.parent().unwrap(), folder.with_extension("1"));
        assert!(path.file_name().unwrap().to_str().unwrap().starts_with("profiled-"), "{path:?}");
        assert!(fs::read(&path).unwrap() == module.serialize().unwrap());
        // The same again is the same file; something else is not.
        let again = Module::new(&engine, WAT).unwrap();
        assert_eq!(PathBuf::from(mapped_at(again.text().as_ptr() as usize)), path);
        let other = WAT.replace("$profiled", r#"$"a/../b c""#);
        let other = Module::new(&self::engine(ProfilingStrategy::VTune), other).unwrap();
        let other_path = PathBuf::from(mapped_at(other.text().as_ptr() as usize));
        assert_eq!(other_path.parent(), path.parent());
        assert!(other_path.to_str().unwrap().contains("/a_.._b_c-"), "{other_path:?}");
        drop((module, again));
        assert!(path.exists(), "profiles are read later");
        assert!(!PathBuf::from(format!("/tmp/perf-{}.map", std::process::id())).exists());
    });
}

#[test]
fn perf_shows_the_functions() {
    let test = "perf_shows_the_functions";
    if let Ok(case) = std::env::var(CASE) {
        let strategy = match case.as_str() {
            "map" => ProfilingStrategy::PerfMap,
            _ => ProfilingStrategy::JitDump,
        };
        let directory = PathBuf::from(std::env::var("TMPDIR").unwrap());
        fs::write(directory.join("process"), std::process::id().to_string()).unwrap();
        call(&Module::new(&engine(strategy), WAT).unwrap(), 300_000_000);
        return;
    }
    for case in ["map", "file"] {
        let directory = Directory::new(&format!("profiling-perf-{case}"));
        let data = directory.path().join("perf.data");
        let mut record = Command::new("perf");
        record.args(["record", "-q", "-g", "-e", "cpu-clock", "-o"]).arg(&data);
        record.arg("--").arg(std::env::current_exe().unwrap()).args(["--exact", test]);
        record.env(CASE, case).env("TMPDIR", directory.path());
        // A home of its own, since perf keeps copies of libraries there.
        record.env("HOME", directory.path()).stdout(Stdio::null()).stderr(Stdio::null());
        // Many machines have no perf, or allow nobody to use it.
        let Ok(mut child) = record.spawn() else { return };
        if !child.wait().unwrap().success() {
            return;
        }
        let mut report = Command::new("perf");
        report.args(["report", "--stdio", "-g", "caller,function", "--percent-limit=5", "-i"]);
        let report = report.arg(&data).env("HOME", directory.path()).output().unwrap();
        let report = String::from_utf8_lossy(&report.stdout);
        let process = fs::read_to_string(directory.path().join("process")).unwrap();
        let _ = fs::remove_file(format!("/tmp/perf-{process}.map"));
        for name in ["spin", "two"] {
            assert!(report.contains(name), "{case}: `{name}` is missing\n{report}");
        }
    }
}
