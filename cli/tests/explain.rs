//! `wootz explain`: what is said of places in modules, for all machines.

mod common;

use std::process::Command;

use common::Directory;

const INLINED: &[u8] = include_bytes!("../../tests/lines/inlined.wasm");
const SHAPES: &[u8] = include_bytes!("../../tests/lines/shapes.wasm");

/// Where `inlined.wasm` divides, in a function that was inlined into one that was inlined.
const DIVISION: &str = "0x51";

const TARGETS: [&str; 8] = [
    "x86_64-linux",
    "aarch64-linux",
    "riscv64-linux",
    "s390x-linux",
    "x86_64-windows",
    "aarch64-windows",
    "x86_64-macos",
    "aarch64-macos",
];

fn directory() -> Directory {
    let directory = Directory::new();
    directory.write("inlined.wasm", INLINED);
    directory.write("shapes.wasm", SHAPES);
    directory
}

/// For x86-64 Linux, whose instructions are known.
const NO_INLINING: &[&str] = &["--no-opt", "inlining"];

/// So that functions have code of their own that are translated wherever they are called.
const OWN_CODE: &[&str] = &["--no-opt", "dead-functions"];

/// So that it is known of all instructions where they come from.
const ALL: &[&str] = &["--address-map", "all"];

fn compiled() -> Directory {
    let directory = directory();
    // Every function has code of its own.
    let command = ["compile", "inlined.wasm", "--target", "x86_64-linux", "-o", "inlined.so"];
    directory.wootz(&[&command[..], NO_INLINING, ALL].concat()).succeeds();
    directory
}

/// What follows a name at the beginning of a line.
fn field<'a>(said: &'a str, name: &str) -> &'a str {
    let line = said.lines().find_map(|line| line.trim_start().strip_prefix(name));
    line.unwrap_or_else(|| panic!("no `{name}` in {said}")).trim()
}

/// The addresses and texts of the instructions that are marked.
fn marked(said: &str) -> Vec<(String, String)> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("> "));
    let parts = lines.map(|line| line.trim_start().split_once(' ').unwrap());
    parts.map(|(address, rest)| (address.to_string(), rest.to_string())).collect()
}

#[test]
fn places_lead_to_each_other_on_every_machine() {
    let directory = directory();
    for target in TARGETS {
        for emit in ["shared", "object", "archive"] {
            let command =
                ["compile", "inlined.wasm", "--target", target, "--emit", emit, "-o", "file"];
            directory.wootz(&[&command[..], OWN_CODE, ALL].concat()).succeeds();
            let place = format!("wasm:{DIVISION}");
            let said = directory.wootz(&["explain", "file", &place]).succeeds();
            let frames = "inner at /src/inlined.c:10:14
                inlined into middle at /src/inlined.c:15:12
                inlined into outer at /src/inlined.c:19:12";
            assert!(said.contains(frames), "{said}");
            assert_eq!(field(&said, "may trap"), "integer divide by zero; integer overflow");
            let all = marked(&said);
            assert!(all.len() > 3, "{target}: {said}");
            let known = directory.wootz(&["explain", "file", &place, "--wasm", "inlined.wasm"]);
            let known = known.succeeds();
            assert_eq!(field(&known, "operator"), "i32.div_s");
            assert_eq!(
                marked(&known).iter().map(|(at, _)| at).collect::<Vec<_>>(),
                all.iter().map(|(at, _)| at).collect::<Vec<_>>()
            );
            for (address, text) in [&all[0], &all[all.len() - 1]] {
                let said = directory.wootz(&["explain", "file", address]).succeeds();
                assert_eq!(field(&said, "wasm offset"), DIVISION, "{target}, {emit}");
                assert_eq!(field(&said, "function"), "0, outer");
                assert!(field(&said, "symbol").starts_with("outer+0x"), "{said}");
                assert!(said.contains(frames), "{said}");
                assert_eq!(marked(&said), [(address.clone(), text.clone())]);
                // The same place, from the beginning of the function.
                let place = field(&said, "symbol");
                let again = directory.wootz(&["explain", "file", place]).succeeds();
                assert_eq!(again, said);
            }
        }
    }
}

#[test]
fn calls_and_traps_are_known_on_every_machine() {
    let directory = directory();
    for target in TARGETS {
        let command = ["compile", "inlined.wasm", "--target", target, "-o", "file"];
        directory.wootz(&[&command[..], OWN_CODE].concat()).succeeds();
        let said = directory.wootz(&["explain", "file", "outer", "--all"]).succeeds();
        let traps: Vec<_> = said.lines().filter(|line| line.contains("; may trap: ")).collect();
        assert!(!traps.is_empty(), "{target}: {said}");
        for line in traps {
            let (address, _) = line.trim_start().split_once(' ').unwrap();
            let said = directory.wootz(&["explain", "file", address]).succeeds();
            assert!(!said.contains("offsets are exact for"), "{target}: {said}");
            let wasm = field(&said, "wasm offset");
            assert!(line.split_whitespace().nth(1) == Some(wasm), "{target}: {line} {said}");
            let back = directory.wootz(&["explain", "file", &format!("wasm:{wasm}")]).succeeds();
            assert!(marked(&back).iter().any(|(at, _)| at == address), "{target}: {back}");
        }
        // Of others it is said that they need not be.
        let first = said.lines().find_map(|line| line.strip_prefix("  0x")).unwrap();
        let address = format!("0x{}", first.split_once(' ').unwrap().0);
        let said = directory.wootz(&["explain", "file", &address]).succeeds();
        assert!(said.contains("offsets are exact for calls and traps"), "{target}: {said}");
    }
}

/// It is found by name and by its operators, though it lies nowhere.
#[test]
fn a_function_without_code_of_its_own() {
    let directory = directory();
    for target in TARGETS {
        let command = ["compile", "inlined.wasm", "--target", target, "-o", "file"];
        directory.wootz(&[&command[..], ALL].concat()).succeeds();
        let none = "none of its own: it is translated wherever it is called, or nobody calls it";
        let said = directory.wootz(&["explain", "file", "outer", "--all"]).succeeds();
        assert!(said.starts_with("outer\n  function      0, outer\n"), "{target}: {said}");
        assert_eq!(field(&said, "code"), none, "{target}");
        let division = format!("wasm:{DIVISION}");
        let said = directory.wootz(&["explain", "file", &division]).succeeds();
        assert_eq!(field(&said, "code"), none, "{target}");
        let is_copy = |line: &str| line.starts_with("  inlined ") && line.ends_with(" in _start");
        assert!(said.lines().any(is_copy), "{target}: {said}");
        assert_eq!(field(&said, "source"), "inner at /src/inlined.c:10:14", "{target}");
        assert_eq!(
            field(&said, "may trap"),
            "integer divide by zero; integer overflow",
            "{target}"
        );
    }
}

#[test]
fn an_instruction_and_what_is_around_it() {
    let directory = compiled();
    let said = directory.wootz(&["explain", "inlined.so", "outer", "--all"]).succeeds();
    assert!(said.starts_with("outer\n  function      0, outer\n"), "{said}");
    assert_eq!(field(&said, "source"), "outer at /src/inlined.c:19:12");
    let code = field(&said, "code");
    let (range, rest) = code.split_once(':').unwrap();
    assert!(rest.contains("bytes") && rest.contains("instructions"), "{said}");
    let count: usize = rest.split_whitespace().nth(2).unwrap().parse().unwrap();
    let listed: Vec<&str> = said.lines().filter(|line| line.starts_with("  0x")).collect();
    assert_eq!(listed.len(), count, "{said}");
    assert!(range.starts_with(listed[0].split_whitespace().next().unwrap()));
    let divides = listed.iter().find(|line| line.contains("idiv")).unwrap();
    let address = divides.split_whitespace().next().unwrap();

    let command = ["explain", "inlined.so", address, "--wasm", "inlined.wasm", "--context", "2"];
    let said = directory.wootz(&command).succeeds();
    assert_eq!(field(&said, "wasm offset"), "0x51  i32.div_s");
    assert_eq!(field(&said, "may trap"), "integer overflow");
    // It is told of the division, and what is in front of it tests for zero.
    assert_eq!(said.lines().filter(|line| line.contains("  0x51  ")).count(), 4, "{said}");
    let (_, listing) = said.split_once("\n\n").unwrap();
    let lines: Vec<&str> = listing.lines().collect();
    assert_eq!(lines.len(), 5, "{said}");
    assert!(lines[2].starts_with(&format!("> {address}")), "{said}");
    assert!(lines[2].ends_with("; may trap: integer overflow"), "{said}");

    // A byte further is inside of it. Where a debugger counts from does not matter.
    let number = u64::from_str_radix(&address[2..], 16).unwrap();
    let inside = format!("{}", number + 1);
    let said = directory.wootz(&["explain", "inlined.so", &inside]).succeeds();
    let first = format!("{:#x}, inside of the instruction at {address}\n", number + 1);
    assert!(said.starts_with(&first), "{said}");
    let loaded = format!("{:#x}", number + 0x7f00_0000_0000);
    let command = ["explain", "inlined.so", &loaded, "--base", "0x7f0000000000"];
    let said = directory.wootz(&command).succeeds();
    assert_eq!(marked(&said)[0].0, address);
    // What objdump and gdb write.
    let written = format!("{address} <outer+0x1e>");
    let again = directory.wootz(&["explain", "inlined.so", &written, "--context", "6"]).succeeds();
    assert_eq!(again, said);
}

#[test]
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), ignore = "it is run")]
fn lines_of_backtraces_and_return_addresses() {
    let directory = compiled();
    let ended = directory.wootz(&["run", "inlined.so"]);
    assert_eq!(ended.code, Some(134));
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.contains(" - ")).collect();
    let trapped = lines.iter().find(|line| line.contains("0: ")).unwrap();
    let said = directory.wootz(&["explain", "inlined.so", trapped]).succeeds();
    assert!(said.starts_with(&format!("wasm offset {DIVISION}\n")), "{said}");
    // Written without quotes.
    let words: Vec<&str> = trapped.split_whitespace().collect();
    let again = directory.wootz(&[&["explain", "inlined.so"], &words[..]].concat()).succeeds();
    assert_eq!(again, said);

    let explain = |place: &str, options: &[&str]| {
        let command = [&["explain", "inlined.wasm", place], options, NO_INLINING].concat();
        directory.wootz(&command).succeeds()
    };
    let caller = lines.iter().find(|line| line.contains("1: ")).unwrap();
    let said = explain(caller, &[]);
    assert_eq!(field(&said, "operator"), "call $outer");
    assert!(
        marked(&said).iter().any(|(_, text)| text.contains("call") && text.contains("<outer>"))
    );
    assert_eq!(field(&said, "source"), "_start at /src/inlined.c:30:5");

    // Where it returns to is another line; what called is what a debugger's backtrace means.
    let said = explain("_start", &["--all"]);
    let lines: Vec<&str> = said.lines().collect();
    let call = lines.iter().position(|line| line.contains("<outer>")).unwrap();
    let address = |line: &str| line.split_whitespace().next().unwrap().to_string();
    let (call, returns) = (address(lines[call]), address(lines[call + 1]));
    let said = explain(&returns, &[]);
    let expected = format!("as a return address, it is of the call at {call}, 0x64  call $outer");
    assert_eq!(field(&said, "return"), expected);
    assert_eq!(field(&said, "source"), "_start at /src/inlined.c:31:10");
    // Without the wasm, lines are those of the call or trap before, and that is said.
    let said = directory.wootz(&["explain", "inlined.so", &returns]).succeeds();
    assert!(said.contains("or close to it"), "{said}");
}

#[test]
fn functions_have_many_names() {
    let directory = directory();
    let area = directory.wootz(&["explain", "shapes.wasm", "area"]).succeeds();
    assert_eq!(field(&area, "exported as"), "`area`");
    assert!(field(&area, "type").starts_with("(func (param"), "{area}");
    let index = field(&area, "function").split(',').next().unwrap().to_string();
    for name in [&format!("func:{index}"), &format!("<wasm function {index}>"), "$area"] {
        assert_eq!(directory.wootz(&["explain", "shapes.wasm", name]).succeeds(), area, "{name}");
    }
    // By its mangled name, and as people read it.
    directory.write("mangled.wat", "(module (func $_ZN4main3run17h0123456789abcdefE))");
    let said = directory.wootz(&["explain", "mangled.wat", "main::run"]).succeeds();
    assert_eq!(field(&said, "function"), "0, main::run::h0123456789abcdef");
    for name in ["_ZN4main3run17h0123456789abcdefE", "main!main::run"] {
        assert_eq!(directory.wootz(&["explain", "mangled.wat", name]).succeeds(), said, "{name}");
    }
    // Those in front of functions, for the host.
    let entry = directory.wootz(&["explain", "shapes.wasm", "wootz_entry_0"]);
    assert!(field(&entry.succeeds(), "trampoline").contains("for the host"));
}

#[test]
fn operators_without_code_and_places_in_operators() {
    let directory = directory();
    directory.write(
        "m.wat",
        "(module (func (export \"f\") (param i32) (result i32) i32.const 100000 drop local.get 0 i32.const 5 i32.add))",
    );
    directory.wootz(&[&["compile", "m.wat", "-o", "m.so"], ALL].concat()).succeeds();
    let wasm = wat::parse_file(directory.path("m.wat")).unwrap();
    let constant = common::find(&wasm, &[0x41, 0xa0, 0x8d, 0x06]);
    let add = common::find(&wasm, &[0x6a, 0x0b]);
    for (file, more) in [("m.wat", &[][..]), ("m.so", &["--wasm", "m.wat"])] {
        let ask = |place: usize| {
            let place = format!("wasm:{place}");
            directory.wootz(&[&["explain", file, &place], more].concat())
        };
        let said = ask(constant + 2).succeeds();
        let start = format!("inside of the operator at {constant:#x}\n");
        assert!(said.contains(&start) && field(&said, "code").starts_with("none"), "{said}");
        let said = ask(add).succeeds();
        assert_eq!(field(&said, "operator"), "i32.add");
        assert!(!marked(&said).is_empty(), "{said}");
        assert!(field(&ask(add + 1).succeeds(), "operator") == "end");
        ask(add + 2).fails(1, &["has no code from wasm offset", "the end of function"]);
        ask(3).fails(1, &["no function of the wasm file begins in front of it"]);
    }
    let place = format!("wasm:{}", add + 900);
    let words =
        ["has no code from wasm offset", "the last function in front of it is `<wasm function 0>`"];
    directory.wootz(&["explain", "m.so", &place]).fails(1, &words);
}

/// Some tools count from where Windows would like to load a library.
#[test]
fn addresses_of_libraries_for_windows() {
    let directory = directory();
    let command = ["compile", "inlined.wasm", "--target", "x86_64-windows"];
    directory.wootz(&[&command[..], OWN_CODE].concat()).succeeds();
    let said = directory.wootz(&["explain", "inlined.dll", "outer"]).succeeds();
    let start = field(&said, "code").split("..").next().unwrap();
    let bytes = directory.read("inlined.dll");
    let header = u32::from_le_bytes(*bytes[0x3c..].first_chunk().unwrap()) as usize;
    let base = u64::from_le_bytes(*bytes[header + 24 + 24..].first_chunk().unwrap());
    assert!(base >= 0x1000_0000, "{base:#x}");
    let address = u64::from_str_radix(&start[2..], 16).unwrap();
    let one = directory.wootz(&["explain", "inlined.dll", start]).succeeds();
    let other = format!("{:#x}", address + base);
    assert_eq!(directory.wootz(&["explain", "inlined.dll", &other]).succeeds(), one);
}

#[test]
#[cfg_attr(windows, ignore = "what is stripped is an ELF file")]
fn symbols_may_be_missing() {
    let directory = compiled();
    let place = format!("wasm:{DIVISION}");
    let said = directory.wootz(&["explain", "inlined.so", &place]).succeeds();
    let command = &mut Command::new("strip");
    let stripped = command.arg(directory.path("inlined.so")).status();
    if !stripped.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "`strip` is missing");
        eprintln!("*** SKIPPED: `strip` is missing ***");
        return;
    }
    let again = directory.wootz(&["explain", "inlined.so", &place]).succeeds();
    // Where traps go is no function of the module, so its name is gone.
    let words = |said: &str| {
        let said = said.replace("<wootz_trap>", "");
        said.split_whitespace().map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(words(&again), words(&said), "names are in the tables, too");
    let said = directory.wootz(&["explain", "inlined.so", "outer"]).succeeds();
    assert_eq!(field(&said, "function"), "0, outer");
}

#[test]
fn what_is_not_there_is_an_error() {
    let directory = compiled();
    directory.write("text", "what?");
    directory.write("imports.wat", "(module (import \"a\" \"b\" (func)) (func nop))");
    let explain = |arguments: &[&str]| directory.wootz(&[&["explain"], arguments].concat());
    let words = ["`inlined.so` has no code at address 0x1", "its code is from 0x", "`wasm:OFFSET`"];
    explain(&["inlined.so", "1"]).fails(1, &words);
    explain(&["inlined.so", "0x7ffff7fb1000"]).fails(1, &["its code is from", "`--base ADDRESS`"]);
    explain(&["inlined.so", "0xffffffffffffffff"]).fails(1, &["its code is from"]);
    explain(&["inlined.so", "wasm:0xffffffff"]).fails(1, &["has no code from wasm offset"]);
    explain(&["inlined.so", "outter"]).fails(1, &["no symbol", "did you mean `outer`?"]);
    explain(&["inlined.so", "outer+0x1000"]).fails(1, &["`outer` has 0x"]);
    explain(&["inlined.so", ""]).fails(1, &["no symbol"]);
    explain(&["inlined.so", "func:99"]).fails(1, &["it defines functions 0 to 1"]);
    explain(&["imports.wat", "func:0"]).fails(1, &["it is imported"]);
    explain(&["imports.wat", "func:2"]).fails(1, &["it defines functions 1 to 1"]);
    explain(&["inlined.so", "outer", "--wasm", "shapes.wasm"])
        .fails(1, &["`inlined.so` was not compiled from `shapes.wasm`"]);
    explain(&["inlined.so", "outer", "--wasm", "text"]).fails(1, &["not compiled from `text`"]);
    explain(&["inlined.so", "outer", "--wasm", "none"]).fails(1, &["cannot read `none`"]);
    explain(&["inlined.so", "outer", "-O", "none"]).fails(2, &["is compiled already"]);
    explain(&["inlined.so", "outer", "--target", "x86_64-linux"]).fails(2, &["compiled already"]);
    explain(&["inlined.wasm", "outer", "--wasm", "inlined.wasm"]).fails(2, &["leave it out"]);
    explain(&["text", "1"]).fails(1, &["cannot compile `text`"]);
    explain(&["none", "1"]).fails(1, &["cannot read `none`"]);
    explain(&["inlined.so"]).fails(2, &["<WHAT>"]);
    explain(&["inlined.so", "1", "--base", "there"]).fails(2, &["'there'", "--base"]);
    let bytes = directory.read("inlined.so");
    directory.write("short.so", &bytes[..bytes.len() / 2]);
    explain(&["short.so", "1"]).fails(1, &["`short.so` is not a compiled module", "truncated"]);
    // A module without code is no accident.
    directory.write("empty.wat", "(module)");
    explain(&["empty.wat", "1"]).fails(1, &["has no code at address 0x1"]);
    explain(&["empty.wat", "func:0"]).fails(1, &["the module defines no function"]);
    explain(&["empty.wat", "wasm:1"]).fails(1, &["no function of the wasm file"]);
}

/// A module is compiled as `wootz compile` would.
#[test]
fn options_change_what_is_explained() {
    let directory = directory();
    let code = |options: &[&str]| {
        let command = ["explain", "inlined.wasm", "outer"];
        let ended = directory.wootz(&[&command[..], OWN_CODE, options].concat());
        field(&ended.succeeds(), "code").to_string()
    };
    let target = ["--target", "x86_64-linux"];
    assert_ne!(code(&target), code(&[&target[..], &["-O", "none"]].concat()));
    assert_ne!(code(&target), code(&["--target", "riscv64-linux"]));
}

/// A function that was translated where it is called: said of its code, and of where it comes from.
#[test]
fn functions_in_place_of_calls() {
    let directory = Directory::new();
    let wat = r#"(module
        (memory 1)
        (func $small (param i32) (result i32) (i32.load (local.get 0)))
        (func $large (export "large") (param i32) (result i32)
            (i32.add (call $small (local.get 0)) (i32.const 5))))"#;
    directory.write("m.wat", wat);
    let target = ["--target", "x86_64-linux"];
    let explain =
        |place: &str| directory.wootz(&[&["explain", "m.wat", place], &target[..]].concat());
    let said = explain("large").succeeds();
    let all = explain("func:0").succeeds();
    assert_eq!(field(&all, "function"), "0, small");
    // What the larger one loads comes from the smaller one.
    let listed = directory
        .wootz(&[&["explain", "m.wat", "large", "--all"], &target[..]].concat())
        .succeeds();
    let load = listed.lines().find(|line| line.contains("i32.load")).unwrap();
    let address = load.split_whitespace().next().unwrap();
    let place = explain(address).succeeds();
    assert_eq!(field(&place, "function"), "1, large", "{said}");
    assert!(field(&place, "wasm offset").ends_with("i32.load"), "{place}");
    assert!(field(&place, "inlined").starts_with("small, in place of its call in large at 0x"));
    // And the other way round.
    let offset = field(&place, "wasm offset").split_whitespace().next().unwrap();
    let back = explain(&format!("wasm:{offset}")).succeeds();
    assert!(field(&back, "inlined").contains(&format!("{address}..")), "{back}");
    assert!(field(&back, "inlined").ends_with(" in large"), "{back}");
}
