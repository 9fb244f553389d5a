//! `wootz inspect`: what a file is said to hold.

mod common;

use common::Directory;
use serde_json::Value;

const MODULE: &str = r#"(module $sample
    (import "env" "log" (func (param i32 i64)))
    (import "env" "table" (table 1 2 funcref))
    (import "env" "limit" (global i32))
    (memory (export "memory") 1 3)
    (global (export "counter") (mut f64) (f64.const 0))
    (func (export "work") (param f32) (result i32 i32) (i32.const 1) (i32.const 2))
    (export "table" (table 0))
    (data (i32.const 8) "hello"))"#;

#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn text_is_for_people() {
    let directory = Directory::new();
    directory.compile("sample", MODULE);
    let text = directory.wootz(&["inspect", "sample.so"]).succeeds();
    for line in [
        "sample.so: ELF shared library for x86_64",
        "module sample",
        "  descriptor     wootz_module",
        "  fuel           not counted",
        "imports (3)",
        "  env log: (func (param i32 i64))",
        "  env table: (table 1 2 funcref)",
        "  env limit: (global i32)",
        "exports (4)",
        "  memory: (memory 1 3)",
        "  counter: (global (mut f64))",
        "  work: (func (param f32) (result i32 i32))",
        "  table: (table 1 2 funcref)",
    ] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in {text}");
    }
}

#[test]
fn json_is_for_programs() {
    let directory = Directory::new();
    directory.compile("sample", MODULE);
    let json: Value =
        serde_json::from_str(&directory.wootz(&["inspect", "--json", "sample.so"]).succeeds())
            .unwrap();
    assert_eq!(json["kind"], "shared library");
    assert_eq!(json["bytes"], directory.read("sample.so").len());
    assert!(json["sections"].as_array().unwrap().iter().any(|section| section["name"] == ".text"));
    let module = &json["modules"][0];
    assert_eq!(module["name"], "sample");
    assert_eq!(module["abi_version"], 7);
    assert_eq!(module["imports"][0]["module"], "env");
    assert_eq!(module["imports"][0]["type"], "(func (param i32 i64))");
    assert_eq!(module["exports"][2]["name"], "work");
    assert_eq!(module["compatibility"]["settings"]["consume_fuel"], false);
    let hash = module["compatibility"]["wasm_sha256"].as_str().unwrap();
    assert_eq!(hash.len(), 64);
}

/// Tools may change what the loader does not need.
#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn files_of_other_kinds() {
    let directory = Directory::new();
    directory.write("sample.wat", MODULE);
    directory.wootz(&["compile", "--emit", "object", "sample.wat"]).succeeds();
    assert!(
        directory
            .wootz(&["inspect", "sample.o"])
            .succeeds()
            .contains("work: (func (param f32) (result i32 i32))")
    );
    let library = directory.compile("sample", MODULE);
    let ended = directory.wootz_with_input(&["inspect", "-"], &library);
    assert!(ended.succeeds().contains("ELF shared library"));
}

#[test]
fn libraries_for_windows() {
    let directory = Directory::new();
    directory.write("sample.wat", MODULE);
    for (target, architecture) in [("x86_64-windows", "x86_64"), ("aarch64-windows", "aarch64")] {
        directory.wootz(&["compile", "sample.wat", "--target", target]).succeeds();
        let text = directory.wootz(&["inspect", "sample.dll"]).succeeds();
        let first = format!("sample.dll: PE shared library for {architecture}\n");
        assert!(text.starts_with(&first), "{text}");
        assert!(text.contains("  counter: (global (mut f64))\n"), "{text}");
        let json = directory.wootz(&["inspect", "--json", "sample.dll"]).succeeds();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["format"], "pe");
        assert_eq!(json["build_id"].as_str().unwrap().len(), 32);
        let text = &json["sections"][0];
        assert_eq!((&text["name"], &text["address"]), (&".text".into(), &0x1000.into()));

        // Without symbols, the descriptor is still exported.
        let mut bytes = directory.read("sample.dll");
        let symbols = u32::from_le_bytes(*bytes[0x8c..].first_chunk().unwrap()) as usize;
        directory.write("short.dll", &bytes[..symbols]);
        let words = ["`short.dll` is not a compiled module", "it is truncated"];
        directory.wootz(&["inspect", "short.dll"]).fails(1, &words);
        bytes.truncate(symbols);
        bytes[0x8c..0x94].fill(0);
        directory.write("stripped.dll", &bytes);
        let text = directory.wootz(&["inspect", "stripped.dll"]).succeeds();
        assert!(text.contains("  descriptor     wootz_module\n"), "{text}");
        directory.write("short.dll", &bytes[..symbols - 1]);
        directory.wootz(&["inspect", "short.dll"]).fails(1, &words);
    }
}

#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn libraries_for_macos() {
    let directory = Directory::new();
    directory.write("sample.wat", MODULE);
    for (target, architecture) in [("x86_64-macos", "x86_64"), ("aarch64-macos", "aarch64")] {
        directory.wootz(&["compile", "sample.wat", "--target", target]).succeeds();
        let text = directory.wootz(&["inspect", "sample.dylib"]).succeeds();
        let first = format!("sample.dylib: Mach-O shared library for {architecture}\n");
        assert!(text.starts_with(&first), "{text}");
        assert!(text.contains("  counter: (global (mut f64))\n"), "{text}");
        assert!(text.contains("  descriptor     wootz_module\n"), "{text}");
        let json = directory.wootz(&["inspect", "--json", "sample.dylib"]).succeeds();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["format"], "mach-o");
        let bytes = directory.read("sample.dylib");
        // The load command that has it, and its size.
        let at = bytes.windows(8).position(|window| window == [0x1b, 0, 0, 0, 24, 0, 0, 0]);
        let uuid = &bytes[at.unwrap() + 8..][..16];
        let digits: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(json["build_id"], digits);
        let text = &json["sections"][0];
        assert_eq!((&text["name"], text["address"].is_number()), (&"__text".into(), true));

        // Without symbols, the descriptor is still exported.
        let symtab = bytes.windows(8).position(|window| window == [2, 0, 0, 0, 24, 0, 0, 0]);
        let mut stripped = bytes.clone();
        stripped[symtab.unwrap() + 8..][..16].fill(0);
        directory.write("stripped.dylib", &stripped);
        let text = directory.wootz(&["inspect", "stripped.dylib"]).succeeds();
        assert!(text.contains("  descriptor     wootz_module\n"), "{text}");

        directory.write("short.dylib", &bytes[..bytes.len() - 1]);
        let words = ["`short.dylib` is not a compiled module", "it is truncated"];
        directory.wootz(&["inspect", "short.dylib"]).fails(1, &words);
        directory.write("fat.dylib", [&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], &bytes[..]].concat());
        directory.wootz(&["inspect", "fat.dylib"]).fails(1, &["a universal file", "lipo"]);
        directory.wootz(&["inspect", "--check", "sample.dylib"]).fails(1, &["macOS", "Linux"]);
    }
}

#[test]
#[cfg_attr(windows, ignore = "what is looked at is an ELF file")]
fn check_says_whether_this_host_can_load_it() {
    let directory = Directory::new();
    let mut bytes = directory.compile("sample", MODULE);
    let said = directory.wootz(&["inspect", "--check", "sample.so"]).succeeds();
    assert_eq!(said, "`sample.so` can be loaded here\n");
    const E_MACHINE: usize = 18;
    bytes[E_MACHINE] = 183;
    directory.write("sample.so", bytes);
    let words = ["`sample.so` cannot be loaded here", "aarch64", "x86_64"];
    directory.wootz(&["inspect", "--check", "sample.so"]).fails(1, &words);
}
