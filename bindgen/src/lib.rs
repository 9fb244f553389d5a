//! Bindings for WebAssembly modules: what a module imports and exports, as source text for those who use it.
//!
//! In: a [`Manifest`](wootz_runtime::abi::manifest::Manifest). Out: text.
//!
//! Always true: the same manifest gives the same text, and the text is right for all names that a module may have.

/// What a module imports and exports, each with its type.
mod interface;
/// A module as a header for C and C++.
pub mod c;

pub use interface::{Export, Import, Interface, Item};
