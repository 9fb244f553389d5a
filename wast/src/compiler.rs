//! Who makes modules of what is in a script: a compiler, or somebody who has asked one before.

use anyhow::Result;
use wootz::{Engine, Module};

/// Makes modules of what is in a script.
pub trait Compiler: Sync {
    /// A module, from its binary format.
    ///
    /// # Errors
    /// If it is invalid.
    fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Module>;

    /// Checks a module, and the custom sections that mean something.
    ///
    /// # Errors
    /// If it is invalid, or one of the sections is.
    fn check_custom_sections(&self, wasm: &[u8]) -> Result<()>;
}
