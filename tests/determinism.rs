//! Same input, same bytes: whatever the number of threads, and however often.

use std::path::PathBuf;

use wootz_compiler::{Emit, Options, TARGETS};
use wootz_tests::{examples, files, programs, skipped, stem};

fn check(path: &PathBuf) {
    let wasm = std::fs::read(path).unwrap();
    for emit in [Emit::SharedLibrary, Emit::Object] {
        let [first, second, third] = [1, 2, 2].map(|threads| {
            let options = Options { emit, threads: Some(threads), ..Options::default() };
            wootz_compiler::compile(&wasm, &options).unwrap()
        });
        assert!(
            first == second,
            "{}, {emit:?}: 1 and 2 threads give different bytes",
            path.display()
        );
        assert!(second == third, "{}, {emit:?}: two runs give different bytes", path.display());
    }
}

#[test]
fn examples_give_the_same_bytes() {
    let examples = examples();
    assert!(!examples.is_empty());
    examples.iter().for_each(check);
}

#[test]
fn every_target_has_the_same_bytes_for_all_names_of_it() {
    let example = examples().into_iter().find(|path| path.ends_with("crash.wasm")).unwrap();
    let wasm = std::fs::read(&example).unwrap();
    for target in TARGETS {
        // A name that says less, or something else that makes no difference.
        let other = match target.strip_suffix("-gnu") {
            Some(start) => format!("{start}-musl"),
            None => target.replace("apple-darwin", "macos").replace("pc-windows-msvc", "windows"),
        };
        for emit in [Emit::SharedLibrary, Emit::Object, Emit::Archive] {
            let compile = |target: &str, threads| {
                let target = Some(target.to_string());
                let options =
                    Options { target, emit, threads: Some(threads), ..Options::default() };
                wootz_compiler::compile(&wasm, &options).unwrap()
            };
            let first = compile(target, 1);
            assert!(first == compile(target, 2), "{target}, {emit:?}: 1 and 2 threads");
            assert!(first == compile(&other, 2), "{emit:?}: {target} and {other}");
        }
    }
}

#[test]
fn real_programs_give_the_same_bytes() {
    let folder = programs().join("wasm");
    // The others differ from these in size only.
    let found: Vec<_> = files(&folder, "wasm")
        .into_iter()
        .filter(|path| ["lua", "zstd"].contains(&&*stem(path)))
        .collect();
    if found.len() < 2 {
        return skipped(
            "determinism of real programs",
            "they are not built; `make -C tests/programs` does it",
        );
    }
    found.iter().for_each(check);
}
