//! What C code has in its hands as an instance, and how the compiled functions behind C symbols use it.
//!
//! In an object that was compiled with a prefix every export has a C symbol. Behind it is a little compiled code that knows
//! the types, and leaves the rest to whoever made the instance: it collects the arguments and calls
//! [`InstanceHandle::call`], or just calls [`InstanceHandle::export`].
//!
//! ```text
//!   handle ──► ┌────────┬────────┐
//!              │ call   │ export │ ...   whatever its maker keeps behind these two
//!              └────────┴────────┘
//! ```
//!
//! Always true: exports are named by their position in [`Manifest::exports`](super::manifest::Manifest::exports). All
//! functions here have the C calling convention of the target.

use core::ffi::c_void;
use core::mem::offset_of;

use super::vmctx::ValRaw;

/// What an instance in the hands of C code begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct InstanceHandle {
    /// Calls an exported function.
    pub call: CallExport,
    /// Finds an exported memory, table, global or tag.
    pub export: FindExport,
}

/// Calls an exported function: the arguments are in `values`, where the results will be.
///
/// There are `count` values: as many as the function has parameters or results, whichever are more. They are as in
/// [`ValRaw`], but for references, all of which are addresses: of a function that is known to whoever made the handle, or,
/// where it is a reference to a host value, anything of the host's; 0 is null.
///
/// Returns null, or an error that the caller owns; then the values mean nothing.
pub type CallExport = unsafe extern "C" fn(
    handle: *mut InstanceHandle,
    export: usize,
    values: *mut ValRaw,
    count: usize,
) -> *mut c_void;

/// Finds what is exported, if it is no function. Null if there is no such export.
pub type FindExport =
    unsafe extern "C" fn(handle: *mut InstanceHandle, export: usize) -> *mut c_void;

const _: () = {
    assert!(offset_of!(InstanceHandle, call) == 0);
    assert!(offset_of!(InstanceHandle, export) == 8);
};
