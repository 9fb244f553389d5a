//! libwootz: the library by which C programs load and run compiled modules. `include/wootz.h` is its interface, and says
//! what each function does, who owns what, and which threads may do it.
//!
//! In: pointers, numbers and names from C. Out: handles, values, and errors as things of their own.
//!
//! Always true:
//!
//! - No panic leaves a function; it becomes an error.
//! - Pointers are looked at before they are used: null, and handles of another kind, are errors. What cannot be checked, C
//!   promises, as the header asks it to: that a pointer to a handle points to some handle of this library, that a string
//!   ends, that a buffer has the size that is said. Each `SAFETY` comment that names the header means these promises.
//! - Whoever uses a store does so by way of the one context that is current: the store's own, or that of the innermost
//!   callback that runs. So nothing is borrowed twice, however host and guest call each other.
//!
//! The modules stand in the order in which data flows; each imports only modules above it.

/// Pointers of C's, and whether they point to what they should.
mod pointer;
/// Strings of C's.
mod text;
/// Errors as things that C owns.
mod error;
/// Settings and engines.
mod engine;
/// What guests may use of the system.
mod wasi;
/// Loaded modules.
mod module;
/// What values there are, and what functions take and return.
mod kind;
/// Stores, what lives in them, and the one way to get at it.
mod store;
/// Values as C sees them, to and from those of the loader.
mod value;
/// Functions that C calls.
mod func;
/// Linear memories.
mod memory;
/// Tables.
mod table;
/// Globals.
mod global;
/// Instances, as compiled code and C see them.
mod instance;
/// Functions of C's that guests call.
mod callback;
/// What instances import, and how they are made.
mod link;

#[cfg(test)]
mod tests {
    #[test]
    fn pkg_config_knows_the_version() {
        let line = concat!("Version: ", env!("CARGO_PKG_VERSION"));
        assert!(include_str!("../wootz.pc").lines().any(|found| found == line), "{line}");
    }
}
