//! What those who compile modules for another machine, and those who run them there, agree on.
//!
//! ```text
//!   FOLDER/scripts/*.wast            scripts of the specification's test suite
//!   FOLDER/modules/SETTING/CHECKSUM  their modules, compiled with each setting, by the checksum of the wasm
//!   FOLDER/guests/NAME               the modules of `guests/`, compiled
//!   FOLDER/expected/NAME             what a program prints
//! ```

use std::path::{Path, PathBuf};

use wootz::Config;
use wootz_runtime::abi::artifact::checksum;

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

/// Where a script's module is.
pub fn module_path(folder: &Path, setting: &str, wasm: &[u8]) -> PathBuf {
    folder.join("modules").join(setting).join(format!("{:016x}", checksum(&[wasm])))
}
