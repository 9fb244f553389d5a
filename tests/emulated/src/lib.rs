//! What those who compile modules for another machine, and those who run them there, agree on.
//!
//! ```text
//!   FOLDER/scripts/GROUP/*.wast            scripts of the specification's test suite
//!   FOLDER/scripts/GROUP/SETTING/CHECKSUM  their modules, compiled with each setting, by the checksum of the wasm
//!   FOLDER/scripts/GROUP/SETTING/*.txt     the directives of a script that fail where it was compiled, line by line
//!   FOLDER/guests/NAME                     the modules of `guests/`, compiled
//!   FOLDER/expected/NAME                   what a program prints
//! ```

use std::path::{Path, PathBuf};

use wootz::Config;
use wootz_runtime::abi::artifact::checksum;
use wootz_wast::Outcome;

/// Changes a configuration.
pub type Set = fn(&mut Config);

/// The settings that scripts run with, by name: those that compiled code and its host must agree on, all at their defaults, and
/// all otherwise.
pub const SETTINGS: [(&str, Set); 2] = [
    ("plain", |_| ()),
    ("other", |config| {
        config.consume_fuel(true).epoch_interruption(true).memory_reservation(0);
        config.relaxed_simd_deterministic(true);
    }),
];

/// Where a script's module is, in the folder of its group and setting.
pub fn module_path(folder: &Path, wasm: &[u8]) -> PathBuf {
    folder.join(format!("{:016x}", checksum(&[wasm])))
}

/// The places of directives that have failed, one a line.
pub fn failures(outcome: &Outcome) -> String {
    outcome.failures.iter().map(|it| format!("{}:{}\n", it.line, it.column)).collect()
}
