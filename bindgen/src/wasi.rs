//! Which imports are WASI's.
//!
//! In: an import. Out: whether WASI preview 1 has a function of this name, which a host then need not provide.

use crate::interface::{Import, Item};

/// The modules from which programs import WASI preview 1: of its two versions, the newer one first.
const MODULES: &[&str] = &["wasi_snapshot_preview1", "wasi_unstable"];

/// What only the newer one has.
const ONLY_NEWER: &str = "sock_accept";

/// The functions that both have.
const FUNCTIONS: &[&str] = &[
    "args_get",
    "args_sizes_get",
    "environ_get",
    "environ_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_get",
    "fd_prestat_dir_name",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
    "proc_exit",
];

/// All functions, each with the module that it is imported from.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static str)> {
    let both = MODULES.iter().flat_map(|&module| FUNCTIONS.iter().map(move |&name| (module, name)));
    both.chain([(MODULES[0], ONLY_NEWER)])
}

/// Whether an import is one of WASI's functions. What else is imported from its modules, no WASI has.
pub(crate) fn has(import: &Import<'_>) -> bool {
    matches!(import.item, Item::Function(_))
        && functions().any(|function| function == (import.module, import.name))
}
