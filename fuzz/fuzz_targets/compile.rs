//! Whatever the compiler is given, it says what is wrong with it, or returns a file.
//!
//! The bytes are a module, or what a module is made of in which some bytes are then changed.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use wootz_compiler::{Error, Options};
use wootz_tests::differential::{generated, implemented};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let wasm = if bytes.starts_with(b"\0asm") { Some(bytes.to_vec()) } else { mutated(bytes) };
    let Some(wasm) = wasm else { return Corpus::Reject };
    let options =
        Options { features: implemented(), threads: Some(1), verifier: true, ..Options::default() };
    if let Err(error) = wootz_compiler::compile(&wasm, &options) {
        assert!(!error.to_string().is_empty());
        assert!(!matches!(error, Error::Options { .. }), "not the module's fault: {error}");
    }
    Corpus::Keep
});

/// A valid module, but for some bytes.
fn mutated(bytes: &[u8]) -> Option<Vec<u8>> {
    let (changes, entropy) = bytes.split_at_checked(8)?;
    let mut wasm = generated(entropy, &implemented())?;
    for change in changes.chunks_exact(4) {
        let at = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize;
        let at = at % wasm.len();
        wasm[at] ^= change[3];
    }
    Some(wasm)
}
