//! What guests may use of the system, put together before a store gets it.

use std::ffi::{c_char, c_int};

use anyhow::Result;
use wootz_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::pointer::{Handle, Tag, delete, give, handle_mut, handles, list, take};
use crate::text;

/// `wootz_wasi_t`
#[repr(C)]
pub struct WasiHandle {
    tag: Tag,
    builder: WasiCtxBuilder,
}

handles! { WasiHandle: "wootz_wasi_t", b"wzWASI__"; }

/// What was put together, which is C's no longer.
///
/// # Errors
/// If the pointer is null, or to something else.
///
/// # Safety
/// It is null, or points to a handle that nobody uses any more.
pub unsafe fn build(wasi: *mut WasiHandle) -> Result<WasiCtx> {
    // SAFETY: the caller's promise.
    Ok(unsafe { take(wasi) }?.builder.build())
}

#[unsafe(no_mangle)]
extern "C" fn wootz_wasi_new() -> *mut WasiHandle {
    guarded_or(std::ptr::null_mut(), || {
        Ok(give(WasiHandle { tag: WasiHandle::TAG, builder: WasiCtxBuilder::new() }))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_wasi_delete(wasi: *mut WasiHandle) {
    // SAFETY: as the header asks.
    unsafe { delete(wasi) }
}

/// Functions that hand on what this process has.
macro_rules! inherited {
    ($($function:ident = $method:ident;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $function(wasi: *mut WasiHandle) {
            guarded_or((), || {
                // SAFETY: as the header asks.
                unsafe { handle_mut(wasi) }?.builder.$method();
                Ok(())
            });
        }
    )*};
}

inherited! {
    wootz_wasi_inherit_stdin = inherit_stdin;
    wootz_wasi_inherit_stdout = inherit_stdout;
    wootz_wasi_inherit_stderr = inherit_stderr;
    wootz_wasi_inherit_stdio = inherit_stdio;
    wootz_wasi_inherit_args = inherit_args;
    wootz_wasi_inherit_env = inherit_env;
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_wasi_args(
    wasi: *mut WasiHandle,
    count: c_int,
    args: *const *const c_char,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let builder = unsafe { &mut handle_mut(wasi)?.builder };
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: as the header asks.
        let args = unsafe { list(args, count, "arguments") }?;
        // All of them are looked at before one is added.
        let mut added: Vec<&[u8]> = Vec::with_capacity(count);
        for &arg in args {
            // SAFETY: as the header asks.
            added.push(unsafe { text::bytes(arg, "an argument") }?);
        }
        builder.args(&added);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_wasi_env(
    wasi: *mut WasiHandle,
    name: *const c_char,
    value: *const c_char,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        unsafe {
            let builder = &mut handle_mut(wasi)?.builder;
            let name = text::bytes(name, "a variable's name")?;
            builder.env(name, text::bytes(value, "a variable's value")?);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_wasi_dir(
    wasi: *mut WasiHandle,
    host_path: *const c_char,
    guest_path: *const c_char,
    read_only: bool,
) -> *mut ErrorHandle {
    guarded(|| {
        let permissions = if read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
        // SAFETY: as the header asks.
        unsafe {
            let builder = &mut handle_mut(wasi)?.builder;
            let host_path = text::path(host_path, "the host's path of a directory")?;
            let guest_path = text::utf8(guest_path, "the guest's path of a directory")?;
            builder.preopened_dir(host_path, guest_path, permissions)?;
        }
        Ok(())
    })
}
