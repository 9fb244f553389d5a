//! Bindings for WebAssembly modules: what a module imports and exports, as source text for those who use it.
//!
//! In: a [`Manifest`](wootz_runtime::abi::manifest::Manifest). Out: text.
//!
//! Always true: the same manifest gives the same text, and the text is right for all names that a module may have.

/// What can go wrong.
mod error;
/// What a module imports and exports, each with its type.
mod interface;
/// Which imports are WASI's.
pub mod wasi;
/// A module as a header for C and C++.
pub mod c;
/// Rust: a type with a method for each export, and traits for what is imported.
pub mod rust;

pub use error::{Error, Result};
pub use interface::{Export, Import, Interface, Item};
