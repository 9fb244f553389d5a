//! Commands for debuggers, and the function at which they wait for traps, in gdb and lldb: what they really print.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use wootz::{Caller, Engine, Instance, Linker, Module, Store};
use wootz_tests::{has, root, run, skipped};

/// Whether what does nothing but trap is a call, of which no signal tells, if there is no debug information.
const CALLS_TRAPS: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

const WOOTZ: &str = env!("CARGO_BIN_EXE_wootz-under-test");

/// A debugger that can be run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Debugger {
    Gdb,
    Lldb,
}

impl Debugger {
    /// Those that are there. Of the others it is said that a test is skipped.
    fn all(test: &str) -> Vec<(Debugger, &'static str)> {
        let mut found = Vec::new();
        for (debugger, programs) in
            [(Debugger::Gdb, &["gdb"][..]), (Debugger::Lldb, &["lldb-19", "lldb"])]
        {
            match programs.iter().find(|program| has(program)) {
                Some(program) => found.push((debugger, *program)),
                None => skipped(test, &format!("`{}` is missing", programs[0])),
            }
        }
        found
    }

    /// Runs a program with commands, after those of `wootz` were read, and returns what is shown.
    fn run(self, debugger: &str, commands: &[&str], program: &[&Path], folder: &Path) -> String {
        let script = folder.join(format!("wootz_{debugger}.py").replace('-', "_"));
        let init = if self == Debugger::Gdb { "gdb-init" } else { "lldb-init" };
        run(Command::new(WOOTZ).args([init, "-o"]).arg(&script));
        let script = script.to_str().unwrap();
        let mut command = Command::new(debugger);
        match self {
            Debugger::Gdb => {
                command.args(["-nx", "-batch", "-ex", "set debuginfod enabled off"]);
                command.args(["-ex", "set width 0", "-ex", &format!("source {script}")]);
                commands.iter().for_each(|it| _ = command.args(["-ex", it]));
                command.arg("--args");
            }
            Debugger::Lldb => {
                // Errors are among what is tested, and lldb would stop at one of them.
                command.args(["-x", "--batch", "-o", &format!("command script import {script}")]);
                for it in commands {
                    let it = match it.starts_with("wootz") {
                        true => format!("script lldb.debugger.HandleCommand('{it}')"),
                        false => it.to_string(),
                    };
                    command.args(["-o", &it]);
                }
                command.arg("--");
            }
        }
        let output = command.args(program).env(PLAY, "1").stdin(Stdio::null()).output().unwrap();
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        format!("{out}{err}")
    }
}

/// Two modules, compiled.
struct Files {
    folder: TempDir,
    application: PathBuf,
    preload: PathBuf,
}

impl Files {
    fn new(stripped: bool) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let compile = |name: &str| {
            let output = folder.path().join(name).with_extension("so");
            let source = root().join("tests/debuggers").join(name).with_extension("wat");
            // Every function has a frame of its own.
            let compile = ["compile", "--no-opt", "inlining"];
            run(Command::new(WOOTZ).args(compile).arg(source).arg("-o").arg(&output));
            if stripped {
                run(Command::new("strip").arg(&output));
            }
            output
        };
        let (application, library) = (compile("application"), compile("library"));
        let preload = PathBuf::from(format!("library={}", library.display()));
        Files { application, preload, folder }
    }

    /// The command line that runs the application.
    fn command_line<'a>(&'a self, argument: &'a str) -> Vec<&'a Path> {
        let words = [WOOTZ, "run", "--preload"].map(Path::new);
        let more = [&*self.preload, Path::new("--invoke"), Path::new("run"), &self.application];
        [&words[..], &more, &[Path::new(argument)]].concat()
    }
}

/// Checks that these stand in the text, in this order.
fn assert_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => panic!("`{part}` is missing, or not where it should be:\n{text}"),
        }
    }
}

#[test]
fn debuggers_wait_for_traps_where_the_guest_is_still_on_the_stack() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("crash.so");
    let source = root().join("examples/c/crash.wasm");
    let compile = ["compile", "--no-opt", "inlining"];
    run(Command::new(WOOTZ).args(compile).arg(source).arg("-o").arg(&library));
    for (debugger, program) in Debugger::all("debuggers: traps") {
        for (how, message) in [
            ("unreachable", "wasm `unreachable` instruction executed"),
            ("bounds", "out of bounds memory access"),
            ("divide", "integer divide by zero"),
            ("indirect", "indirect call type mismatch"),
        ] {
            let commands = ["wootz catch", "run", "bt", "wootz bt", "continue"];
            let words = [Path::new(WOOTZ), Path::new("run"), &library, Path::new(how)];
            let text = debugger.run(program, &commands, &words, folder.path());
            let names = ["inner", "middle", "outer", "main", "_start", "wootz_entry"];
            // What the debugger shows itself, and then what our command does.
            let mut parts = ["wootz_trap_hook"].to_vec();
            parts.extend(names);
            parts.extend(["main", "wootz_trap_hook: "]);
            if how != "indirect" {
                parts.push(message);
            }
            parts.extend((how == "bounds" || !CALLS_TRAPS).then_some("<signal handler called>"));
            parts.extend(["inner (wasm function ", "middle (wasm"]);
            parts.extend(["main (wasm", "_start (wasm", "(into wasm) in crash.wasm", "trapped"]);
            assert_order(&text, &parts);
            // Only there: the signal is the program's.
            assert!(!text.contains("received signal"), "{debugger:?} {how}: {text}");
        }
        // Ends without a trap, and with an error that is none.
        let words = [Path::new(WOOTZ), Path::new("run"), &library, Path::new("nothing")];
        let text = debugger.run(program, &["wootz catch", "run"], &words, folder.path());
        assert!(text.contains("no trap, the result is 32"), "{text}");
        assert!(text.contains("exited"), "{text}");
    }
}

#[test]
fn commands_show_what_a_guest_has() {
    for stripped in [false, true] {
        if stripped && !has("strip") {
            return skipped("debuggers: stripped", "`strip` is missing");
        }
        let files = Files::new(stripped);
        for (debugger, program) in Debugger::all("debuggers: commands") {
            let commands = [
                "wootz bt",
                "wootz catch",
                "run",
                "wootz bt",
                "wootz instance",
                "wootz memory 32 40 --memory 1",
                "wootz string 32 --memory 1",
                "wootz string 60+4",
                "wootz string 65536 --memory 1",
                "wootz memory 65530 7 --memory 1",
                "wootz memory 0 1 --memory 2",
                "wootz memory 5",
            ];
            let line = files.command_line("0");
            let text = debugger.run(program, &commands, &line, files.folder.path());
            let signal = (!CALLS_TRAPS).then_some("<signal handler called>");
            let trap = ["wootz_trap_hook: wasm `unreachable` instruction executed"];
            let parts = [
                "deepest (wasm function 0, offset 0x",
                "middle (wasm function 1, offset 0x",
                "run (wasm function 2, offset 0x",
                "(into wasm) in application",
                "instance 1 of application, vmctx 0x",
                "memory 0: 0x20000 bytes at 0x",
                ", imported",
                "memory 1: 0x10000 bytes at 0x",
                "global 0: mut i64 = -5 (0xfffffffffffffffb), imported",
                "global 1: f64 = 1.5",
                "global 2: f32 = -0.25",
                "global 3: v128 = 0x80000004000000030000000200000001",
                "global 4: mut funcref = null",
                "global 5: mut i32 = 3 (0x3)",
                "00000020  61 20 22 71 75 6f 74 65  64 22 0a 00 01 7f c3 a4  |a \"quoted\"......|",
                "00000040  51 52 53 54 55 56 57 58                           |QRSTUVWX|",
                "\"a \\\"quoted\\\"\\n\"",
                "\"from the library\"",
            ];
            let parts: Vec<&str> = trap.into_iter().chain(signal).chain(parts).collect();
            assert_order(&text, &parts);
            for part in [
                "there is no program: run it first",
                "0x10000 is not in memory 1, which has 0x10000 bytes",
                "7 bytes from 0xfffa on are not in memory 1, which has 0x10000 bytes",
                "there is no memory 2: application has the memories 0 to 1",
                "ADDRESS and LENGTH is wanted here, and not `5`",
            ] {
                assert!(text.contains(part), "{debugger:?}: `{part}` is missing:\n{text}");
            }
            // A function of the runtime found out that something is wrong.
            let line = files.command_line("1");
            let commands = ["wootz catch", "run", "wootz bt", "wootz instance"];
            let text = debugger.run(program, &commands, &line, files.folder.path());
            let parts = [
                "wootz_trap_hook: out of bounds memory access",
                "(out of wasm) in application",
                "deepest (wasm function 0, offset 0x",
                "(into wasm) in application",
                "instance 1 of application",
            ];
            assert_order(&text, &parts);
        }
    }
}

/// The offsets that are shown are those of backtraces, for which the specification of the wasm file is the judge.
#[test]
fn offsets_are_those_of_backtraces() {
    let files = Files::new(false);
    let output = Command::new(WOOTZ).args(&files.command_line("0")[1..]).output().unwrap();
    let backtrace = String::from_utf8_lossy(&output.stderr).into_owned();
    let offsets: Vec<_> = backtrace
        .lines()
        .filter_map(|line| line.split_once("- application!"))
        .map(|(before, _)| before.split_whitespace().nth(1).unwrap().to_string())
        .collect();
    assert_eq!(offsets.len(), 3, "{backtrace}");
    let names = ["deepest", "middle", "run"];
    let frames: Vec<_> = (names.iter().zip(0..).zip(&offsets))
        .map(|((name, index), offset)| format!("{name} (wasm function {index}, offset {offset})"))
        .collect();
    let frames: Vec<_> = frames.iter().map(String::as_str).collect();
    for (debugger, program) in Debugger::all("debuggers: offsets") {
        let commands = ["wootz catch", "run", "wootz bt"];
        let line = files.command_line("0");
        let text = debugger.run(program, &commands, &line, files.folder.path());
        assert_order(&text, &frames);
    }
}

/// With this variable, this program plays a host whose guests trap; see below.
const PLAY: &str = "WOOTZ_TEST_PLAYS_HOST";

#[test]
fn nested_calls_and_instances_of_one_module_are_told_apart() {
    if std::env::var_os(PLAY).is_some() {
        return play_host();
    }
    let folder = tempfile::tempdir().unwrap();
    for (debugger, program) in Debugger::all("debuggers: instances") {
        // Goes on to the frame of the guest's next function.
        let next = match debugger {
            Debugger::Gdb => {
                "python gdb.selected_frame().older().select(); \
                 exec('while gdb.selected_frame().name() != \"run\": gdb.selected_frame().older().select()')"
            }
            Debugger::Lldb => {
                "script lldb.thread.SetSelectedFrame(next(f.idx for f in lldb.thread \
                 if f.name == 'run' and f.idx > lldb.frame.idx))"
            }
        };
        let look = ["wootz instance", "wootz string 16", next];
        let commands = [&["wootz catch", "run"][..], &look, &look, &look, &look[..2]].concat();
        let test = "nested_calls_and_instances_of_one_module_are_told_apart";
        let this = std::env::current_exe().unwrap();
        let words = ["--exact", test, "--nocapture", "--test-threads=1"].map(Path::new);
        let line = [&[&*this][..], &words].concat();
        let text = debugger.run(program, &commands, &line, folder.path());
        let parts = [
            "instance 0 of twin",
            "\"the first\"",
            "instance 0 of twin",
            "\"the first\"",
            "instance 1 of twin",
            "\"the second\"",
            "instance 0 of twin",
            "\"the first\"",
        ];
        assert_order(&text, &parts);
    }
}

/// Two instances call each other by way of this host, and in the end one traps.
fn play_host() {
    let engine = Engine::default();
    let source = root().join("tests/debuggers/twin.wat");
    let module = Module::new(&engine, std::fs::read(source).unwrap()).unwrap();
    let mut store: Store<Vec<Instance>> = Store::new(&engine, Vec::new());
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "other", |mut caller: Caller<'_, Vec<Instance>>, left: i32| {
            let other = caller.data()[left as usize % 2];
            let run = other.get_typed_func::<i32, ()>(&mut caller, "run")?;
            run.call(&mut caller, left)
        })
        .unwrap();
    for name in ["the first", "the second"] {
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        memory.write(&mut store, 16, name.as_bytes()).unwrap();
        store.data_mut().push(instance);
    }
    // The last is 0, the first instance; it is called by the second, and that by the first.
    let first = store.data()[0];
    let run = first.get_typed_func::<i32, ()>(&mut store, "run").unwrap();
    run.call(&mut store, 2).unwrap_err();
}
