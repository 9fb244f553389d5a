//! Bindings of modules with everything that is awkward in them. That they compile, without a warning and under lints that
//! are strict, is a test already.
//!
//! A program in which an import is missing is not compiled. This one has all of them:
//!
//! ```
//! use wootz_bindings_tests::first::{Env, First};
//!
//! struct Host;
//! impl Env for Host {
//!     fn step(_caller: &mut wootz::Caller<'_, Host>) -> wootz::Result<i32> {
//!         Ok(1)
//!     }
//! }
//! let mut store = wootz::Store::new(&wootz::Engine::default(), Host);
//! First::instantiate(&mut store)?;
//! # Ok::<(), wootz::Error>(())
//! ```
//!
//! This one lacks the function,
//!
//! ```compile_fail,E0046
//! use wootz_bindings_tests::first::{Env, First};
//!
//! struct Host;
//! impl Env for Host {
//! }
//! let mut store = wootz::Store::new(&wootz::Engine::default(), Host);
//! First::instantiate(&mut store)?;
//! # Ok::<(), wootz::Error>(())
//! ```
//!
//! this one the trait,
//!
//! ```compile_fail,E0277
//! use wootz_bindings_tests::first::First;
//!
//! struct Host;
//! let mut store = wootz::Store::new(&wootz::Engine::default(), Host);
//! First::instantiate(&mut store)?;
//! # Ok::<(), wootz::Error>(())
//! ```
//!
//! and in this one the function has another type.
//!
//! ```compile_fail,E0053
//! use wootz_bindings_tests::first::{Env, First};
//!
//! struct Host;
//! impl Env for Host {
//!     fn step(_caller: &mut wootz::Caller<'_, Host>) -> wootz::Result<i64> {
//!         Ok(1)
//!     }
//! }
//! let mut store = wootz::Store::new(&wootz::Engine::default(), Host);
//! First::instantiate(&mut store)?;
//! # Ok::<(), wootz::Error>(())
//! ```
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    nonstandard_style,
    rust_2018_idioms,
    unused
)]
#![forbid(unsafe_code)]
#![warn(clippy::all, clippy::pedantic)]

/// Names and types.
pub mod awkward {
    wootz::include_module!("awkward");
}

/// Memories, tables, globals.
pub mod items {
    wootz::include_module!("items");
}

/// One name for several imports.
pub mod overloads {
    wootz::include_module!("overloads");
}

/// A program for WASI.
pub mod system {
    wootz::include_module!("system");
}

/// A module that is there twice.
pub mod first {
    wootz::include_module!("first");
}

/// The other one.
pub mod second {
    wootz::include_module!("second");
}

/// Once more, with fuel.
pub mod with_fuel {
    wootz::include_module!("with_fuel");
}

/// Nobody needs to use what is there.
mod unused {
    wootz::include_module!("empty");
}

/// What is imported and exported by no module.
pub mod nothing {
    wootz::include_module!("empty");
}

/// Two hundred modules.
// One function uses them all.
#[allow(clippy::too_many_lines)]
mod many {
    include!(concat!(env!("OUT_DIR"), "/many.rs"));
}

/// What each of two hundred modules returns, and whether it traps where it should.
///
/// # Errors
/// If one of them cannot be used.
pub fn numbers(store: &mut wootz::Store<()>) -> wootz::Result<Vec<(i32, bool)>> {
    many::numbers(store)
}

/// The module of the user's guide.
pub mod plugin {
    wootz::include_module!("plugin");
}

/// The programs in the user's guide are compiled, and the one with the module is run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding-in-a-build.md")]
pub struct Guide;
