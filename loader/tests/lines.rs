//! Backtraces with functions, files and lines of the source, from the DWARF of real programs (`tests/lines`).
#![cfg(feature = "compiler")]

use wootz::{Config, Engine, Error, Instance, Module, Store, WasmBacktrace, WasmBacktraceDetails};

const INLINED: &[u8] = include_bytes!("../../tests/lines/inlined.wasm");
const SHAPES: &[u8] = include_bytes!("../../tests/lines/shapes.wasm");

/// What a program that traps says, compiled and run with these settings.
fn trapped(config: &Config, wasm: &[u8]) -> Error {
    let engine = Engine::new(config).unwrap();
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, wasm).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    start.call(&mut store, ()).unwrap_err()
}

fn with(details: WasmBacktraceDetails) -> Config {
    let mut config = Config::new();
    config.wasm_backtrace_details(details);
    config
}

/// The backtrace as text.
fn text(error: &Error) -> String {
    error.downcast_ref::<WasmBacktrace>().unwrap().to_string()
}

type Symbol<'a> = (Option<&'a str>, Option<&'a str>, Option<u32>, Option<u32>);

/// Each frame's function in the wasm file, and what the source calls it.
fn frames(error: &Error) -> Vec<(Option<&str>, Vec<Symbol<'_>>)> {
    let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames().iter();
    frames
        .map(|frame| {
            let symbols = frame.symbols().iter();
            let symbols = symbols.map(|s| (s.name(), s.file(), s.line(), s.column())).collect();
            (frame.func_name(), symbols)
        })
        .collect()
}

fn place<'a>(name: &'a str, file: &'a str, line: u32, column: u32) -> Symbol<'a> {
    (Some(name), Some(file), Some(line), Some(column))
}

#[test]
fn inlined_functions_are_frames_of_their_own() {
    let error = trapped(&Config::new(), INLINED);
    let c = "/src/inlined.c";
    assert_eq!(
        frames(&error),
        [
            (
                Some("outer"),
                vec![
                    place("inner", c, 10, 14),
                    place("middle", c, 15, 12),
                    place("outer", c, 19, 12)
                ]
            ),
            (Some("_start"), vec![place("_start", c, 30, 5)]),
        ]
    );
    assert_eq!(
        text(&error),
        "error while executing at wasm backtrace:\n    \
         0:     0x51 - inner\n                    \
         at /src/inlined.c:10:14\n                \
         - middle\n                    \
         at /src/inlined.c:15:12\n                \
         - outer\n                    \
         at /src/inlined.c:19:12\n    \
         1:     0x64 - _start\n                    \
         at /src/inlined.c:30:5"
    );
}

#[test]
fn mangled_names_are_shown_readable() {
    let error = trapped(&Config::new(), SHAPES);
    let cpp = "/src/shapes.cpp";
    let half = place("geometry::Square::half() const", cpp, 10, 13);
    let area = place("geometry::Square::area(int) const", cpp, 15, 16);
    let frames = frames(&error);
    assert_eq!(frames[0].1, [half, area]);
    assert_eq!(frames[1], (Some("area"), vec![place("area", cpp, 22, 35)]));
    assert_eq!(frames.len(), 3);
}

#[test]
fn names_are_readable_without_debug_information() {
    let wat = r#"(module
        (func $_ZN8geometry6Square4areaEi unreachable)
        (func $_RNvCs4fqI2P2rA04_7example3run call $_ZN8geometry6Square4areaEi)
        (func (export "_start") call $_RNvCs4fqI2P2rA04_7example3run))"#;
    let error = trapped(&Config::new(), wat.as_bytes());
    let text = text(&error);
    for expected in [
        " - <unknown>!geometry::Square::area(int)\n",
        " - <unknown>!example[317d481089b8c8fe]::run\n",
        " - <unknown>!<wasm function 2>",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("note:"), "{text}");
    // The API gives the name section's names.
    assert_eq!(frames(&error)[0], (Some("_ZN8geometry6Square4areaEi"), vec![]));
    assert_eq!(frames(&error)[2], (None, vec![]));
}

#[test]
fn who_does_not_want_lines_gets_none_and_is_told_so() {
    let error = trapped(&with(WasmBacktraceDetails::Disable), INLINED);
    assert_eq!(frames(&error), [(Some("outer"), vec![]), (Some("_start"), vec![])]);
    let text = text(&error);
    assert!(text.contains(" - inlined.wasm!outer\n    1: "), "{text}");
    assert!(text.ends_with("(`Config::wasm_backtrace_details`)"), "{text}");
}

#[test]
fn the_environment_decides_if_asked() {
    // Other tests of this program do not look at it.
    const NAME: &str = "WASMTIME_BACKTRACE_DETAILS";
    for (value, expected) in [(None, 0), (Some("0"), 0), (Some("true"), 0), (Some("1"), 3)] {
        // SAFETY: of the threads of this program, only this one uses the environment in a way that matters: the standard
        // library locks it for all that Rust code does.
        unsafe {
            match value {
                Some(value) => std::env::set_var(NAME, value),
                None => std::env::remove_var(NAME),
            }
        }
        let error = trapped(&with(WasmBacktraceDetails::Environment), INLINED);
        assert_eq!(frames(&error)[0].1.len(), expected, "{value:?}");
    }
}

#[test]
fn a_module_that_is_loaded_brings_its_lines() {
    let engine = Engine::default();
    let artifact = engine.precompile_module(INLINED).unwrap();
    // The settings of the engine that loads it make no difference.
    let engine = Engine::new(&with(WasmBacktraceDetails::Disable)).unwrap();
    // SAFETY: it was compiled just now.
    let module = unsafe { Module::deserialize(&engine, artifact) }.unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    let error = start.call(&mut store, ()).unwrap_err();
    assert_eq!(frames(&error)[0].1.len(), 3);
}
