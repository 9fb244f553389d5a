//! What compiled code touches.
//!
//! [`abi`] is the treaty between the compiler, which writes native files, and the loader, which runs them: every record,
//! offset, number and table that both sides must agree on is defined there, once. `vm` (cargo feature `vm`) is the
//! machinery that stands behind compiled code while it runs.
#![cfg_attr(not(feature = "vm"), no_std)]

extern crate alloc;

// The treaty: records, offsets, trap codes, built-in functions, the artifact's tables and manifest.
pub mod abi;
// The virtual machine behind compiled code.
#[cfg(feature = "vm")]
pub mod vm;
