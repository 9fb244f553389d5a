//! Where the real programs are that `make -C tests/programs` builds.

use std::path::{Path, PathBuf};

/// The folder of their modules: below `WOOTZ_PROGRAMS` if that is set, as for the tests.
pub fn programs() -> PathBuf {
    match std::env::var_os("WOOTZ_PROGRAMS") {
        Some(folder) => Path::new(&folder).join("wasm"),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/programs/wasm"),
    }
}
