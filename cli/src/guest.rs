//! What a guest may use, as a command line says it: the same for all commands that run guests, and for programs of their own.
//!
//! In: words of a command line. Out: what WASI and the store give to a guest.

/// `--env`: variables of the guest's environment.
pub mod environment;
/// `--dir`: directories that a guest may use.
pub mod directories;
/// `--max-memory`: how large memories and tables may become.
pub mod limits;
/// What a guest may use: the data of its store.
pub mod host;
