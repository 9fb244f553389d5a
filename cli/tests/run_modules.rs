//! `wootz run`: what is compiled once and found again, modules that import from each other, and settings that must agree.

mod common;

use std::fs;

use common::{Directory, Ended};

const ADD: &str = r#"(module
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

/// Calls `add` of a file.
fn add(directory: &Directory, options: &[&str], file: &str) -> Ended {
    directory.wootz(&[&["run"], options, &["--invoke", "add", file, "2", "3"]].concat())
}

#[test]
fn what_was_compiled_is_found_again() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    directory.write("add.wasm", wat::parse_str(ADD).unwrap());
    assert_eq!(add(&directory, &[], "add.wat").succeeds(), "5\n");
    let [file] = &directory.cached()[..] else { panic!("{:?}", directory.cached()) };
    for (name, options) in [("add.wat", &[][..]), ("add.wasm", &["--threads", "1"])] {
        let open = fs::File::open(file).unwrap();
        let modified = || open.metadata().unwrap().modified().unwrap();
        let before = modified();
        assert_eq!(add(&directory, options, name).succeeds(), "5\n");
        // What is compiled is written to a new file; what is found is marked as used.
        assert!(modified() > before);
    }
    assert_eq!(directory.cached().len(), 1, "contents count, not names or the number of threads");
    // Another module is another file.
    directory.write("mul.wat", ADD.replace("i32.add", "i32.mul"));
    assert_eq!(add(&directory, &[], "mul.wat").succeeds(), "6\n");
    assert_eq!(directory.cached().len(), 2);
    // So is other code; and each file can be run as it is.
    assert_eq!(add(&directory, &["-O", "none"], "add.wat").succeeds(), "5\n");
    assert_eq!(add(&directory, &["--fuel", "99"], "add.wat").succeeds(), "5\n");
    assert_eq!(directory.cached().len(), 4);
    assert_eq!(add(&directory, &[], file.to_str().unwrap()).succeeds(), "5\n");
}

#[test]
fn without_a_cache_nothing_is_kept() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    assert_eq!(add(&directory, &["--no-cache"], "add.wat").succeeds(), "5\n");
    directory.compile("add", ADD);
    assert_eq!(add(&directory, &[], "add.so").succeeds(), "5\n");
    assert!(!directory.cache().exists());
    directory.configure("[cache]\nenabled = false");
    assert_eq!(add(&directory, &[], "add.wat").succeeds(), "5\n");
    assert!(!directory.cache().exists());
}

#[test]
fn a_cache_that_cannot_be_used_is_not_needed() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    // There is a file where the folder should be.
    fs::create_dir_all(directory.cache().parent().unwrap()).unwrap();
    fs::write(directory.cache(), "").unwrap();
    let ended = add(&directory, &[], "add.wat");
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("5\n", ""));
    // A mistake in the configuration is the user's to mend.
    directory.configure("[cache]\nenable = true");
    add(&directory, &[], "add.wat").fails(1, &["--no-cache", "config.toml", "enable"]);
    assert_eq!(add(&directory, &["--no-cache"], "add.wat").succeeds(), "5\n");
}

#[test]
fn what_was_damaged_in_the_cache_is_compiled_again() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    assert_eq!(add(&directory, &[], "add.wat").succeeds(), "5\n");
    let file = &directory.cached()[0];
    let good = fs::read(file).unwrap();
    let middle = good.len() / 2;
    let mut changed = good.clone();
    changed[middle] ^= 1;
    for bad in [&changed[..], &good[..middle], b"", b"(module)"] {
        fs::write(file, bad).unwrap();
        assert_eq!(add(&directory, &[], "add.wat").succeeds(), "5\n");
        assert!(fs::read(file).unwrap() == good, "it is repaired");
    }
}

#[test]
fn a_file_runs_with_the_settings_it_was_compiled_with() {
    let directory = Directory::new();
    directory.write("f.wat", ADD);
    for options in [
        &["--consume-fuel"][..],
        &["--epoch-interruption"],
        &["--consume-fuel", "--epoch-interruption", "--wasm-feature=-extended-const"],
        &["--memory-reservation", "65536", "--memory-guard-size", "65536"],
        &["--memory-reservation", "8589934592", "--memory-guard-size", "67108864"],
    ] {
        let compile = ["compile", "f.wat", "-o", "f.so"];
        directory.wootz(&[&compile, options].concat()).succeeds();
        let run = ["run", "--invoke", "add", "f.so", "2", "3"];
        assert_eq!(directory.wootz(&run).succeeds(), "5\n", "{options:?}");
    }
}

/// What the command line asks for, and a file does not have.
#[test]
fn a_file_without_what_is_asked_for_is_refused() {
    let directory = Directory::new();
    directory.compile("add", ADD);
    for (options, words) in [
        (&["--fuel", "9"][..], &["without `--consume-fuel`", "`--fuel` needs"][..]),
        (&["--timeout", "9s"], &["without `--epoch-interruption`", "`--timeout` needs"]),
        (&["--consume-fuel"], &["without `--consume-fuel`", "the command line asks for"]),
        (&["--relaxed-simd-deterministic"], &["without `--relaxed-simd-deterministic`"]),
        (&["--wasm-feature=-multi-value"], &["feature `multi-value`", "switched off"]),
    ] {
        let ended = add(&directory, options, "add.so");
        ended.fails(1, &[&["cannot load `add.so`"], words].concat());
    }
}

/// Every option for code does for what is run what it does for what is compiled.
#[test]
fn options_for_code_are_heeded() {
    let directory = Directory::new();
    directory.write("add.wat", ADD);
    directory.write("wide.wat", "(module (func unreachable i64.add128 drop drop))");
    directory.write("pages.wat", "(module (memory 1 (pagesize 1)))");
    for options in [
        &["-O", "none"][..],
        &["-O", "speed-and-size"],
        &["--target-cpu", "baseline"],
        &["--target-cpu", "native", "--cpu-feature=-popcnt"],
        &["--consume-fuel"],
        &["--epoch-interruption"],
        &["--memory-reservation", "65536"],
        &["--memory-guard-size", "65536"],
        &["--nan-canonicalization"],
        &["--relaxed-simd-deterministic"],
        &["--verify"],
        &["--no-backtrace-details"],
        &["--wasm-feature=-sign-extension,-simd"],
    ] {
        let before = directory.cached().len();
        assert_eq!(add(&directory, options, "add.wat").succeeds(), "5\n", "{options:?}");
        assert_eq!(directory.cached().len(), before + 1, "{options:?} makes another file");
    }
    for (file, feature) in [("wide.wat", "wide-arithmetic"), ("pages.wat", "custom-page-sizes")] {
        let words = ["cannot compile", &format!("--wasm-feature={feature}")];
        directory.wootz(&["run", file]).fails(1, &words);
        directory.wootz(&["run", "--wasm-feature", feature, file]).succeeds();
    }
    add(&directory, &["--target-cpu", "z80"], "add.wat").fails(1, &["`z80`"]);
    add(&directory, &["--cpu-feature", "+warp"], "add.wat").fails(1, &["`warp`"]);
    add(&directory, &["--wasm-feature", "+warp"], "add.wat").fails(2, &["`warp`"]);
}

/// Counts, from where its `_initialize` has put it.
const COUNTER: &str = r#"(module
    (global $count (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $count (i32.const 40)))
    (func (export "next") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (global.get $count)))"#;

/// Counts twice, by way of another module.
const TWICE: &str = r#"(module
    (import "counter" "next" (func $next (result i32)))
    (func (export "twice") (result i32) (drop (call $next)) (call $next)))"#;

/// Exits with what it gets by counting twice.
const MAIN: &str = r#"(module
    (import "twice" "twice" (func $twice (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (call $twice))))"#;

#[test]
fn modules_import_from_those_before_them() {
    let directory = Directory::new();
    for (name, text) in [("counter", COUNTER), ("twice", TWICE), ("main", MAIN)] {
        directory.compile(name, text);
        directory.write(&format!("{name}.wasm"), wat::parse_str(text).unwrap());
    }
    let run = |counter: &str, twice: &str, main: &str| {
        let (counter, twice) = (format!("counter={counter}"), format!("twice={twice}"));
        directory.wootz(&["run", "--preload", &counter, "--preload", &twice, main])
    };
    for (counter, twice, main) in [
        ("counter.so", "twice.so", "main.so"),
        ("counter.wasm", "twice.wat", "main.wasm"),
        ("counter.so", "twice.wasm", "main.so"),
        ("counter.wat", "twice.so", "main.wat"),
    ] {
        let ended = run(counter, twice, main);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(42), ""), "{counter} {twice} {main}");
    }
    // One module under two names is two instances.
    let arguments = ["run", "--preload", "a=counter.so", "--preload", "b=counter.so"];
    directory.write(
        "both.wat",
        r#"(module (import "a" "next" (func $a (result i32))) (import "b" "next" (func $b (result i32)))
            (func (export "f") (result i32 i32) (drop (call $a)) (call $a) (call $b)))"#,
    );
    let ended = directory.wootz(&[&arguments[..], &["--invoke", "f", "both.wat"]].concat());
    assert_eq!(ended.succeeds(), "42\n41\n");
    // They come in the order in which they are named.
    let ended = directory.wootz(&[
        "run",
        "--preload=twice=twice.so",
        "--preload=counter=counter.so",
        "main.so",
    ]);
    ended.fails(1, &["cannot run `twice.so` before `counter`", "`counter::next`"]);
}

#[test]
fn what_is_missing_of_a_preloaded_module_is_named() {
    let directory = Directory::new();
    directory.write("counter.wat", COUNTER);
    directory.write("needy.wat", r#"(module (import "counter" "last" (func)))"#);
    let run = |preload: &str, main: &str| directory.wootz(&["run", "--preload", preload, main]);
    let words = ["cannot run `needy.wat`", "`counter::last` has not been defined"];
    run("counter=counter.wat", "needy.wat").fails(1, &words);
    run("other=counter.wat", "needy.wat").fails(1, &["`--preload counter=FILE`", words[1]]);
    run("counter=missing", "needy.wat").fails(1, &["cannot read `missing`"]);
    run("counter", "needy.wat").fails(2, &["NAME=FILE"]);
    run("counter=-", "-").fails(2, &["standard input"]);
    let ended = directory.wootz(&[
        "run",
        "--preload=c=counter.wat",
        "--preload=c=counter.wat",
        "counter.wat",
    ]);
    ended.fails(2, &["`--preload c=...` is there twice"]);
    for name in ["wasi_snapshot_preview1", "wasi_unstable"] {
        let words = ["--preload <NAME=FILE>", "where modules import WASI from"];
        run(&format!("{name}=counter.wat"), "counter.wat").fails(2, &words);
    }
    directory.write("odd.wat", r#"(module (global (export "_initialize") i32 (i32.const 0)))"#);
    let words = ["cannot run `odd.wat`", "`_initialize` is not a function"];
    run("odd=odd.wat", "counter.wat").fails(1, &words);
    directory.write("trap.wat", r#"(module (func (export "_initialize") unreachable))"#);
    run("t=trap.wat", "counter.wat").fails(134, &["`trap.wat` trapped", "unreachable"]);
    directory.write(
        "exit.wat",
        r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "_initialize") (call $exit (i32.const 7))))"#,
    );
    assert_eq!(run("e=exit.wat", "counter.wat").code, Some(7));
}

/// Each call of a program's function makes an instance, and there cannot be any number of them.
#[test]
fn too_many_instances_stop_a_guest() {
    let directory = Directory::new();
    directory.write("command.wat", r#"(module (func (export "_start")) (func (export "f")))"#);
    directory.write(
        "calls.wat",
        r#"(module (import "command" "f" (func $f))
            (func $calls (export "calls") (param $count i32)
                (loop
                    (call $f)
                    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                    (br_if 0 (local.get $count)))))"#,
    );
    let run = |count: &str| {
        let preload = ["run", "--preload", "command=command.wat"];
        directory.wootz(&[&preload[..], &["--invoke", "calls", "calls.wat", count]].concat())
    };
    assert_eq!(run("9999").succeeds(), "");
    let words = ["`calls.wat` was stopped", "!calls\n", "instance count too high at 10001"];
    run("10000").fails(134, &words);
    let help = directory.wootz(&["run", "--help"]).succeeds();
    assert!(help.contains("10000 instances"), "{help}");
}

/// The system's names are not always UTF-8.
#[cfg(unix)]
#[test]
fn files_may_have_any_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let directory = Directory::new();
    let file = OsStr::from_bytes(b"counter\xff.wat");
    fs::write(directory.path("").join(file), COUNTER).unwrap();
    directory.write("twice.wat", TWICE);
    let preload = OsStr::from_bytes(b"--preload=counter=counter\xff.wat");
    let mut command = directory.command(&["run"]);
    command.arg(preload).args(["--invoke", "twice", "twice.wat"]);
    assert_eq!(Ended::of(&mut command, b"").succeeds(), "42\n");
    let preload = OsStr::from_bytes(b"--preload=counter\xff=twice.wat");
    let ended = Ended::of(directory.command(&["run"]).arg(preload).arg("twice.wat"), b"");
    ended.fails(2, &["--preload <NAME=FILE>", "NAME is not UTF-8"]);
}

/// Fuel and epochs are there for all modules or for none.
#[test]
fn modules_must_have_been_compiled_alike() {
    let directory = Directory::new();
    directory.compile("plain", COUNTER);
    directory.write("counter.wat", COUNTER);
    let compile = ["compile", "counter.wat", "-o", "counts.so", "--consume-fuel"];
    directory.wootz(&compile).succeeds();
    let run = |preload: &str, main: &str| {
        directory.wootz(&["run", "--preload", preload, "--invoke", "next", main])
    };
    // What is compiled now follows.
    assert_eq!(run("c=counts.so", "counter.wat").succeeds(), "41\n");
    assert_eq!(run("c=counter.wat", "counts.so").succeeds(), "41\n");
    for (preload, main) in [("c=counts.so", "plain.so"), ("c=plain.so", "counts.so")] {
        let words = ["cannot load `plain.so`", "without `--consume-fuel`", "`counts.so` needs"];
        run(preload, main).fails(1, &words);
    }
}
