//! Compiles WebAssembly modules in Cargo build scripts, so that they are part of the program.
//!
//! With this `build.rs`
//!
//! ```no_run
//! fn main() -> wootz_build::Result<()> {
//!     wootz_build::compile("src/plugin.wat")
//! }
//! ```
//!
//! the crate can say `wootz::include_module!("plugin")`, and has a type `Plugin` with a method for each export, and traits
//! for what the module imports. The machine code is linked with everything else: the program contains no compiler, reads no
//! file, and compiles nothing when it starts. It needs `wootz` without default features, and `wootz-wasi` if the module uses
//! WASI.
//!
//! In: the source of a module, settings, and what Cargo says in the environment. Out: an archive and a Rust file in
//! `OUT_DIR`, and instructions to Cargo on standard output. The modules stand in the order in which data flows.

/// What Cargo says, and what is said to it.
mod cargo;
/// The CPU features that the compiler has a use for.
mod cpu;
/// A source and settings to files for Cargo.
mod product;
/// What the user chose.
mod builder;

pub use anyhow::{Error, Result};
pub use builder::Builder;
pub use wootz_compiler::OptLevel;

/// Compiles a module in text or binary format as Cargo compiles the crate. Its name is that of the file, without what
/// follows the last dot, and with `_` for `-`. [`Builder`] has everything that can be chosen.
///
/// # Errors
/// As [`Builder::compile`].
pub fn compile(source: impl AsRef<std::path::Path>) -> Result<()> {
    Builder::new().source(source).compile()
}
