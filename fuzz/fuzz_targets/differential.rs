//! Modules made of the fuzzer's bytes do the same in Wootz as in an interpreter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wootz_tests::differential::Peer;

fuzz_target!(init: wootz_fuzz::begin(Peer::Wasmi), |bytes: &[u8]| wootz_fuzz::compare(bytes));
