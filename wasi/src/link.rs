//! Everything, by its name, for guests to import.
//!
//! In: a linker, and the way from a store's data to its [`WasiCtx`]. Out: the linker, with all functions of
//! `wasi_snapshot_preview1` and `wasi_unstable`.
//!
//! Always true: a function returns an error number, or the guest ends; nothing that a guest passes makes a host function
//! fail in another way.

use wootz::{Caller, Error, Extern, Linker, Result};

use crate::ctx::WasiCtx;
use crate::memory::GuestMemory;
use crate::types::Snapshot;
use crate::{clock, environment, fd, path, poll, process, socket};

const PREVIEW1: &str = "wasi_snapshot_preview1";
const UNSTABLE: &str = "wasi_unstable";

/// Adds all functions of WASI preview 1 to a linker, under the names of both versions of it that programs import.
///
/// `get` finds the context in a store's data. The guest's memory is what it exports as `memory`.
///
/// # Errors
/// If the linker has one of the functions already, and does not allow shadowing.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<()> {
    macro_rules! functions {
        // What stands behind `with` is the same for all guests.
        ($($module:ident $name:ident($($arg:ident: $ty:ty),*) = $call:path $(, with $more:expr)?;)*) => {$(
            linker.func_wrap($module, stringify!($name), move |mut caller: Caller<'_, T>, $($arg: $ty),*| {
                call(&mut caller, get, stringify!($name), |ctx, memory| $call(ctx, memory, $($arg,)* $($more)?))
            })?;
        )*};
    }
    for module in [PREVIEW1, UNSTABLE] {
        functions! {
            module args_get(pointers: u32, strings: u32) = environment::get, with environment::arguments;
            module args_sizes_get(count: u32, bytes: u32) = environment::sizes_get, with environment::arguments;
            module environ_get(pointers: u32, strings: u32) = environment::get, with environment::variables;
            module environ_sizes_get(count: u32, bytes: u32) = environment::sizes_get, with environment::variables;
            module clock_res_get(clock: u32, result: u32) = clock::res_get;
            module clock_time_get(clock: u32, precision: u64, result: u32) = clock::time_get;
            module fd_advise(fd: u32, offset: u64, len: u64, advice: u32) = fd::advise;
            module fd_allocate(fd: u32, offset: u64, len: u64) = fd::allocate;
            module fd_close(fd: u32) = fd::close;
            module fd_datasync(fd: u32) = fd::sync;
            module fd_fdstat_get(fd: u32, result: u32) = fd::fdstat_get;
            module fd_fdstat_set_flags(fd: u32, flags: u32) = fd::fdstat_set_flags;
            module fd_fdstat_set_rights(fd: u32, base: u64, inherited: u64) = fd::fdstat_set_rights;
            module fd_filestat_set_size(fd: u32, size: u64) = fd::filestat_set_size;
            module fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, which: u32) = fd::filestat_set_times;
            module fd_pread(fd: u32, buffers: u32, count: u32, offset: u64, result: u32) = fd::pread;
            module fd_prestat_get(fd: u32, result: u32) = fd::prestat_get;
            module fd_prestat_dir_name(fd: u32, path: u32, len: u32) = fd::prestat_dir_name;
            module fd_pwrite(fd: u32, buffers: u32, count: u32, offset: u64, result: u32) = fd::pwrite;
            module fd_read(fd: u32, buffers: u32, count: u32, result: u32) = fd::read;
            module fd_readdir(fd: u32, buffer: u32, len: u32, cookie: u64, result: u32) = fd::readdir;
            module fd_renumber(from: u32, to: u32) = fd::renumber;
            module fd_seek(fd: u32, offset: i64, whence: u32, result: u32) = fd::seek;
            module fd_sync(fd: u32) = fd::sync;
            module fd_tell(fd: u32, result: u32) = fd::tell;
            module fd_write(fd: u32, buffers: u32, count: u32, result: u32) = fd::write;
            module proc_raise(signal: u32) = process::raise;
            module random_get(buffer: u32, len: u32) = process::random_get;
            module sched_yield() = process::sched_yield;
        }
        linker.func_wrap(module, "proc_exit", |status: u32| -> Result<()> {
            Err(process::exit(status).into())
        })?;
    }
    functions! {
        PREVIEW1 fd_filestat_get(fd: u32, result: u32) = fd::filestat_get, with Snapshot::One;
        UNSTABLE fd_filestat_get(fd: u32, result: u32) = fd::filestat_get, with Snapshot::Zero;
        PREVIEW1 poll_oneoff(subscriptions: u32, events: u32, count: u32, result: u32) = poll::oneoff, with Snapshot::One;
        UNSTABLE poll_oneoff(subscriptions: u32, events: u32, count: u32, result: u32) = poll::oneoff, with Snapshot::Zero;
    }
    add_what_needs_files(linker, get)
}

/// The functions that need a directory or a socket. Of their parameters, only the file descriptor matters: it cannot be
/// what they need.
fn add_what_needs_files<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<()> {
    macro_rules! functions {
        ($($module:ident $name:ident($($arg:ident: $ty:ty),*) = $call:path, of $fd:ident;)*) => {$(
            linker.func_wrap($module, stringify!($name), move |mut caller: Caller<'_, T>, $($arg: $ty),*| {
                call(&mut caller, get, stringify!($name), |ctx, _| $call(ctx, $fd))
            })?;
        )*};
    }
    for module in [PREVIEW1, UNSTABLE] {
        functions! {
            module path_create_directory(fd: u32, _path: u32, _len: u32) = path::no_directory, of fd;
            module path_filestat_get(fd: u32, _flags: u32, _path: u32, _len: u32, _result: u32)
                = path::no_directory, of fd;
            module path_filestat_set_times(
                fd: u32, _flags: u32, _path: u32, _len: u32, _accessed: u64, _modified: u64, _which: u32
            ) = path::no_directory, of fd;
            module path_link(fd: u32, _flags: u32, _old: u32, _old_len: u32, _new_fd: u32, _new: u32, _new_len: u32)
                = path::no_directory, of fd;
            module path_open(
                fd: u32, _lookup: u32, _path: u32, _len: u32, _flags: u32, _rights: u64, _inherited: u64, _fdflags: u32,
                _result: u32
            ) = path::no_directory, of fd;
            module path_readlink(fd: u32, _path: u32, _len: u32, _buffer: u32, _buffer_len: u32, _result: u32)
                = path::no_directory, of fd;
            module path_remove_directory(fd: u32, _path: u32, _len: u32) = path::no_directory, of fd;
            module path_rename(fd: u32, _old: u32, _old_len: u32, _new_fd: u32, _new: u32, _new_len: u32)
                = path::no_directory, of fd;
            module path_symlink(_old: u32, _old_len: u32, fd: u32, _new: u32, _new_len: u32)
                = path::no_directory, of fd;
            module path_unlink_file(fd: u32, _path: u32, _len: u32) = path::no_directory, of fd;
            module sock_recv(fd: u32, _buffers: u32, _count: u32, _flags: u32, _result: u32, _result_flags: u32)
                = socket::no_socket, of fd;
            module sock_send(fd: u32, _buffers: u32, _count: u32, _flags: u32, _result: u32)
                = socket::no_socket, of fd;
            module sock_shutdown(fd: u32, _how: u32) = socket::no_socket, of fd;
        }
    }
    functions! {
        PREVIEW1 sock_accept(fd: u32, _flags: u32, _result: u32) = socket::no_socket, of fd;
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
    let Some(memory) = caller.get_export("memory").and_then(Extern::into_memory) else {
        return Err(Error::msg(format!(
            "`{name}` was called by a module that exports no memory named `memory`"
        )));
    };
    let (bytes, data) = memory.data_and_store_mut(caller);
    match function(get(data), &mut GuestMemory::new(bytes)) {
        Ok(()) => Ok(0),
        Err(errno) => Ok(errno as u32),
    }
}
