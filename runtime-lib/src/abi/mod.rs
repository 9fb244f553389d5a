//! The binary interface between compiled code, the files it travels in, and the loader.
//!
//! Nothing here depends on the rest of the project. `docs/abi.md` tells the same in prose, and why it is so.
//!
//! Always true: a change of anything in here that an older file or an older loader would misread raises [`ABI_VERSION`].

// Typed indices into the index spaces of a module.
pub mod index;
// The types of WebAssembly, in the form in which they travel in artifacts.
pub mod types;
// Why a guest trapped.
pub mod trap;
// The runtime functions that compiled code may call.
pub mod builtin;
// The records compiled code reads and writes while it runs, and where each lies.
pub mod vmctx;
// What the host must have and be set to for an artifact to run.
pub mod compat;
// What a module imports, exports, and needs at instantiation.
pub mod manifest;
// The descriptor of an artifact and its tables, searched in place.
pub mod artifact;
// What C code has in its hands as an instance.
pub mod c_interface;

/// The version of everything in this module. An artifact loads only where the loader has the same number.
pub const ABI_VERSION: u32 = 7;
