//! Everything, by its name, for guests to import.
//!
//! In: a linker, and the way from a store's data to its [`WasiCtx`]. Out: the linker, with all functions of
//! `wasi_snapshot_preview1` and `wasi_unstable`.
//!
//! Always true: a function returns an error number, or the guest ends; nothing that a guest passes makes a host function
//! fail in another way.

use std::collections::HashSet;

use wootz::{Caller, Error, Extern, Linker, Module, Result};

use crate::ctx::WasiCtx;
use crate::memory::GuestMemory;
use crate::types::Snapshot;
use crate::{clock, environment, fd, path, poll, process, socket};

const PREVIEW1: &str = "wasi_snapshot_preview1";
const UNSTABLE: &str = "wasi_unstable";

/// Adds all functions of WASI preview 1 to a linker, under the names of both versions of it that programs import.
///
/// `get` finds the context in a store's data. The guest's memory is what it exports as `memory`, which may be a shared one.
///
/// # Errors
/// If the linker has one of the functions already, and does not allow shadowing.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<()> {
    add(linker, get, |_, _| true)
}

/// As [`add_to_linker`], but only what some modules import, for a linker that is made for these modules.
///
/// # Errors
/// As [`add_to_linker`].
pub fn add_imported_to_linker<'a, T: 'static>(
    linker: &mut Linker<T>,
    modules: impl IntoIterator<Item = &'a Module>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<()> {
    let imports = modules.into_iter().flat_map(Module::imports);
    let imported: HashSet<(&str, &str)> =
        imports.map(|import| (import.module(), import.name())).collect();
    add(linker, get, |module, name| imported.contains(&(module, name)))
}

fn add<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
    is_wanted: impl Fn(&str, &str) -> bool,
) -> Result<()> {
    macro_rules! functions {
        // What stands behind the parameters is what the function is called with.
        ($($module:ident $name:ident($($arg:ident: $ty:ty),*) = $call:path [$($passed:expr),*];)*) => {$(
            if is_wanted($module, stringify!($name)) {
                linker.func_wrap($module, stringify!($name), move |mut caller: Caller<'_, T>, $($arg: $ty),*| {
                    call(&mut caller, get, stringify!($name), |ctx, memory| $call(ctx, memory, $($passed),*))
                })?;
            }
        )*};
    }
    for module in [PREVIEW1, UNSTABLE] {
        let snapshot = if module == PREVIEW1 { Snapshot::One } else { Snapshot::Zero };
        functions! {
            module args_get(pointers: u32, strings: u32) = environment::get [pointers, strings, environment::arguments];
            module args_sizes_get(count: u32, bytes: u32) = environment::sizes_get [count, bytes, environment::arguments];
            module environ_get(pointers: u32, strings: u32) = environment::get [pointers, strings, environment::variables];
            module environ_sizes_get(count: u32, bytes: u32)
                = environment::sizes_get [count, bytes, environment::variables];
            module clock_res_get(clock: u32, result: u32) = clock::res_get [clock, result];
            module clock_time_get(clock: u32, precision: u64, result: u32) = clock::time_get [clock, precision, result];
            module fd_advise(fd: u32, offset: u64, len: u64, advice: u32) = fd::advise [fd, offset, len, advice];
            module fd_allocate(fd: u32, offset: u64, len: u64) = fd::allocate [fd, offset, len];
            module fd_close(fd: u32) = fd::close [fd];
            module fd_datasync(fd: u32) = fd::datasync [fd];
            module fd_fdstat_get(fd: u32, result: u32) = fd::fdstat_get [fd, result];
            module fd_fdstat_set_flags(fd: u32, flags: u32) = fd::fdstat_set_flags [fd, flags];
            module fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) = fd::fdstat_set_rights [fd, base, inheriting];
            module fd_filestat_get(fd: u32, result: u32) = fd::filestat_get [fd, result, snapshot];
            module fd_filestat_set_size(fd: u32, size: u64) = fd::filestat_set_size [fd, size];
            module fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, which: u32)
                = fd::filestat_set_times [fd, accessed, modified, which];
            module fd_pread(fd: u32, buffers: u32, count: u32, offset: u64, result: u32)
                = fd::pread [fd, buffers, count, offset, result];
            module fd_prestat_get(fd: u32, result: u32) = fd::prestat_get [fd, result];
            module fd_prestat_dir_name(fd: u32, path: u32, len: u32) = fd::prestat_dir_name [fd, path, len];
            module fd_pwrite(fd: u32, buffers: u32, count: u32, offset: u64, result: u32)
                = fd::pwrite [fd, buffers, count, offset, result];
            module fd_read(fd: u32, buffers: u32, count: u32, result: u32) = fd::read [fd, buffers, count, result];
            module fd_readdir(fd: u32, buffer: u32, len: u32, cookie: u64, result: u32)
                = fd::readdir [fd, buffer, len, cookie, result];
            module fd_renumber(from: u32, to: u32) = fd::renumber [from, to];
            module fd_seek(fd: u32, offset: i64, whence: u32, result: u32)
                = fd::seek [fd, offset, whence, result, snapshot];
            module fd_sync(fd: u32) = fd::sync [fd];
            module fd_tell(fd: u32, result: u32) = fd::tell [fd, result];
            module fd_write(fd: u32, buffers: u32, count: u32, result: u32) = fd::write [fd, buffers, count, result];
            module path_create_directory(fd: u32, path: u32, len: u32) = path::create_directory [fd, (path, len)];
            module path_filestat_get(fd: u32, lookup: u32, path: u32, len: u32, result: u32)
                = path::filestat_get [fd, lookup, (path, len), result, snapshot];
            module path_filestat_set_times(
                fd: u32, lookup: u32, path: u32, len: u32, accessed: u64, modified: u64, which: u32
            ) = path::filestat_set_times [fd, lookup, (path, len), (accessed, modified), which];
            module path_link(fd: u32, lookup: u32, path: u32, len: u32, new_fd: u32, new: u32, new_len: u32)
                = path::link [fd, lookup, (path, len), new_fd, (new, new_len)];
            module path_open(
                fd: u32, lookup: u32, path: u32, len: u32, oflags: u32, base: u64, inheriting: u64, fdflags: u32, result: u32
            ) = path::open [fd, (path, len), path::How { lookup, oflags, base, inheriting, fdflags }, result];
            module path_readlink(fd: u32, path: u32, len: u32, buffer: u32, buffer_len: u32, result: u32)
                = path::readlink [fd, (path, len), buffer, buffer_len, result];
            module path_remove_directory(fd: u32, path: u32, len: u32) = path::remove_directory [fd, (path, len)];
            module path_rename(fd: u32, path: u32, len: u32, new_fd: u32, new: u32, new_len: u32)
                = path::rename [fd, (path, len), new_fd, (new, new_len)];
            module path_symlink(contents: u32, contents_len: u32, fd: u32, path: u32, len: u32)
                = path::symlink [(contents, contents_len), fd, (path, len)];
            module path_unlink_file(fd: u32, path: u32, len: u32) = path::unlink_file [fd, (path, len)];
            module poll_oneoff(subscriptions: u32, events: u32, count: u32, result: u32)
                = poll::oneoff [subscriptions, events, count, result, snapshot];
            module proc_raise(signal: u32) = process::raise [signal];
            module random_get(buffer: u32, len: u32) = process::random_get [buffer, len];
            module sched_yield() = process::sched_yield [];
            module sock_recv(fd: u32, buffers: u32, count: u32, flags: u32, result: u32, result_flags: u32)
                = socket::recv [fd, buffers, count, flags, (result, result_flags)];
            module sock_send(fd: u32, buffers: u32, count: u32, flags: u32, result: u32)
                = socket::send [fd, buffers, count, flags, result];
            module sock_shutdown(fd: u32, which: u32) = socket::shutdown [fd, which];
        }
        if is_wanted(module, "proc_exit") {
            linker.func_wrap(module, "proc_exit", |status: u32| -> Result<()> {
                Err(process::exit(status).into())
            })?;
        }
    }
    functions! {
        PREVIEW1 sock_accept(fd: u32, flags: u32, result: u32) = socket::accept [fd, flags, result];
    }
    Ok(())
}

/// Runs a function with the guest's context and memory, and gives the guest its error number.
fn call<T: 'static>(
    caller: &mut Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    name: &str,
    function: impl FnOnce(&mut WasiCtx, &mut GuestMemory<'_>) -> crate::errno::Result<()>,
) -> Result<u32> {
    let result = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => {
            let (bytes, data) = memory.data_and_store_mut(caller);
            function(get(data), &mut GuestMemory::Own(bytes))
        }
        Some(Extern::SharedMemory(memory)) => {
            function(get(caller.data_mut()), &mut GuestMemory::Shared(&memory))
        }
        _ => {
            return Err(Error::msg(format!(
                "`{name}` was called by a module that exports no memory named `memory`"
            )));
        }
    };
    Ok(result.map_or_else(|errno| errno as u32, |()| 0))
}
