//! The program `wootz-digests`: what the compiler makes of some modules, for every target, as one line each.
//!
//! What it prints must be the same on every machine: `make test-cross` compares.

use std::fs;

use wootz_compiler::{Emit, Options, TARGETS};
use wootz_runtime::abi::artifact::checksum;
use wootz_tests::{examples, stem};

fn main() {
    for path in examples() {
        let wasm = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for target in TARGETS {
            for (name, emit) in [("library", Emit::SharedLibrary), ("object", Emit::Object)] {
                let target = target.to_string();
                let prefix = (emit == Emit::Object).then(|| "module".to_string());
                let options =
                    Options { target: Some(target.clone()), emit, prefix, ..Options::default() };
                let digest = match wootz_compiler::compile(&wasm, &options) {
                    Ok(bytes) => format!("{:016x} {}", checksum(&[&bytes]), bytes.len()),
                    Err(error) => error.to_string(),
                };
                println!("{} {target} {name}: {digest}", stem(&path));
            }
        }
    }
}
