//! Errors as things that C owns.
//!
//! In: whatever a function of the interface fails with: an error of the loader's, an error that a callback has given, or a
//! panic. Out: a [`ErrorHandle`], with its message, its reason if a guest trapped or exited, and where the guest was.
//!
//! Always true: an error that has passed through C, as the result of a callback, is the same as before.

use std::any::Any;
use std::ffi::{CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null;
use std::sync::OnceLock;

use anyhow::{Error, Result, format_err};
use loader::{Trap, WasmBacktrace};
use wootz_wasi::I32Exit;

use crate::pointer::{Handle, Tag, delete, give, handle, handles, take};
use crate::text;

/// `wootz_error_t`
#[repr(C)]
pub struct ErrorHandle {
    tag: Tag,
    error: Error,
    /// What C asks for only of some errors is made when it asks.
    message: OnceLock<CString>,
    frames: OnceLock<Frames>,
}

handles! { ErrorHandle: "wootz_error_t", b"wzERROR_"; }

/// `wootz_frame_t`: a function of a guest that was being executed.
#[repr(C)]
pub struct Frame {
    module: *const c_char,
    function: *const c_char,
    file: *const c_char,
    wasm_offset: u64,
    function_index: u32,
    line: u32,
    column: u32,
}

/// All of them, and the strings that they point to.
struct Frames {
    all: Vec<Frame>,
    _strings: Vec<CString>,
}

// SAFETY: the strings belong to it, and nobody changes them.
unsafe impl Send for Frames {}
// SAFETY: as above.
unsafe impl Sync for Frames {}

impl ErrorHandle {
    /// An error that C owns from now on.
    pub fn give(error: Error) -> *mut ErrorHandle {
        give(ErrorHandle {
            tag: ErrorHandle::TAG,
            error,
            message: OnceLock::new(),
            frames: OnceLock::new(),
        })
    }

    /// The error that a callback has given, which is C's no longer.
    ///
    /// # Safety
    /// The pointer is null or a callback's result: an error that belonged to C.
    pub unsafe fn take(pointer: *mut ErrorHandle) -> Result<()> {
        if pointer.is_null() {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        match unsafe { take(pointer) } {
            Ok(handle) => Err(handle.error),
            Err(error) => Err(error.context("the result of a callback is wrong")),
        }
    }

    fn backtrace(&self) -> Option<&WasmBacktrace> {
        self.error.downcast_ref()
    }
}

/// Runs the body of a function of the interface. What it fails with is C's from then on; nothing if it does not fail.
pub fn guarded(body: impl FnOnce() -> Result<()>) -> *mut ErrorHandle {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => std::ptr::null_mut(),
        Ok(Err(error)) => ErrorHandle::give(error),
        Err(panic) => ErrorHandle::give(panicked(&*panic)),
    }
}

/// Runs the body of a function of the interface that cannot say why it fails: it gives `otherwise` then.
pub fn guarded_or<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    catch_unwind(AssertUnwindSafe(body)).ok().and_then(Result::ok).unwrap_or(otherwise)
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
    format_err!("this is a bug of Wootz, please report it: {}", message.unwrap_or("it panicked"))
}

/// What went wrong, from the outside in, and then where the guest was.
fn message(handle: &ErrorHandle) -> String {
    let backtrace = handle.backtrace().map(ToString::to_string);
    let causes: Vec<String> = handle.error.chain().map(ToString::to_string).collect();
    let causes: Vec<&str> = causes
        .iter()
        .map(String::as_str)
        .filter(|cause| Some(*cause) != backtrace.as_deref())
        .collect();
    let mut text = causes.join(": ");
    if let Some(backtrace) = backtrace {
        text.push('\n');
        text.push_str(&backtrace);
    }
    text
}

fn frames(handle: &ErrorHandle) -> Frames {
    let mut strings: Vec<CString> = Vec::new();
    let mut string = |text: Option<&str>| match text {
        Some(text) => {
            // Strings do not move when the list of them does.
            strings.push(text::owned(text));
            strings.last().map_or(null(), |text| text.as_ptr())
        }
        None => null(),
    };
    let infos = handle.backtrace().map_or(&[][..], WasmBacktrace::frames);
    let all = infos.iter().map(|info| {
        let place = info.symbols().first();
        Frame {
            module: string(info.module().name()),
            function: string(info.func_name()),
            file: string(place.and_then(|place| place.file())),
            wasm_offset: info.module_offset().map_or(u64::MAX, |offset| offset as u64),
            function_index: info.func_index(),
            line: place.and_then(|place| place.line()).unwrap_or(0),
            column: place.and_then(|place| place.column()).unwrap_or(0),
        }
    });
    Frames { all: all.collect(), _strings: strings }
}

/// The number by which C knows a trap: that of the treaty with compiled code.
fn trap_number(trap: Trap) -> c_int {
    use wootz_runtime::abi::trap::TrapCode;
    let code = TrapCode::ALL.iter().find(|&&code| Trap::from(code) == trap);
    code.map_or(c_int::MAX, |&code| c_int::from(code as u8))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_error_new(message: *const c_char) -> *mut ErrorHandle {
    // SAFETY: as the header asks.
    let message = unsafe { text::bytes(message, "a message") };
    ErrorHandle::give(match message {
        Ok(message) => Error::msg(String::from_utf8_lossy(message).into_owned()),
        Err(_) => Error::msg("an error without a message"),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_error_delete(error: *mut ErrorHandle) {
    // SAFETY: as the header asks.
    unsafe { delete(error) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_error_message(error: *const ErrorHandle) -> *const c_char {
    guarded_or(c"".as_ptr(), || {
        // SAFETY: as the header asks.
        let error = unsafe { handle(error) }?;
        Ok(error.message.get_or_init(|| text::owned(&message(error))).as_ptr())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_error_trap(error: *const ErrorHandle) -> c_int {
    guarded_or(0, || {
        // SAFETY: as the header asks.
        let error = unsafe { handle(error) }?;
        Ok(error.error.downcast_ref().map_or(0, |&trap| trap_number(trap)))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_error_exit_status(
    error: *const ErrorHandle,
    status: *mut c_int,
) -> bool {
    guarded_or(false, || {
        // SAFETY: as the header asks.
        let error = unsafe { handle(error) }?;
        let Some(&I32Exit(found)) = error.error.downcast_ref() else { return Ok(false) };
        // SAFETY: as the header asks.
        if let Some(status) = unsafe { status.as_mut() } {
            *status = found;
        }
        Ok(true)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_error_frame_count(error: *const ErrorHandle) -> usize {
    guarded_or(0, || {
        // SAFETY: as the header asks.
        let error = unsafe { handle(error) }?;
        Ok(error.frames.get_or_init(|| frames(error)).all.len())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_error_frame(error: *const ErrorHandle, index: usize) -> *const Frame {
    guarded_or(null(), || {
        // SAFETY: as the header asks.
        let error = unsafe { handle(error) }?;
        let frames = error.frames.get_or_init(|| frames(error));
        Ok(frames.all.get(index).map_or(null(), |frame| &raw const *frame))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;
    use wootz_runtime::abi::trap::TrapCode;

    fn text_of(error: *mut ErrorHandle) -> String {
        // SAFETY: it is an error, which is deleted once.
        unsafe {
            let text = CStr::from_ptr(wootz_error_message(error)).to_str().unwrap().to_string();
            wootz_error_delete(error);
            text
        }
    }

    #[test]
    fn every_trap_has_the_number_of_its_code() {
        for &code in TrapCode::ALL {
            assert_eq!(trap_number(Trap::from(code)), c_int::from(code as u8));
        }
    }

    /// The numbers in the header, which nothing else compares with the treaty's.
    #[test]
    fn the_header_has_the_numbers_of_the_traps() {
        let header = include_str!("../include/wootz.h");
        let numbers: Vec<i32> = header
            .lines()
            .filter_map(|line| line.trim().strip_prefix("WOOTZ_TRAP_")?.split(" = ").nth(1))
            .map(|number| number.split([',', ' ']).next().unwrap().parse().unwrap())
            .collect();
        let codes: Vec<i32> = TrapCode::ALL.iter().map(|&code| code as i32).collect();
        assert_eq!(numbers, codes);
    }

    #[test]
    fn panics_and_causes_are_told() {
        assert!(guarded(|| Ok(())).is_null());
        let error = guarded(|| Err(format_err!("inner").context("outer")));
        assert_eq!(text_of(error), "outer: inner");
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let error = guarded(|| panic!("a {}", 1));
        std::panic::set_hook(quiet);
        assert_eq!(text_of(error), "this is a bug of Wootz, please report it: a 1");
    }

    #[test]
    fn an_error_of_a_callback_keeps_what_it_is() {
        let error = ErrorHandle::give(Error::new(Trap::OutOfFuel).context("while testing"));
        // SAFETY: it is an error, null, or something that is not, but has a tag in its place.
        unsafe {
            assert_eq!(wootz_error_trap(error), TrapCode::OutOfFuel as c_int);
            let error = ErrorHandle::take(error).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&Trap::OutOfFuel));
            assert!(ErrorHandle::take(std::ptr::null_mut()).is_ok());
            assert_eq!(text_of(wootz_error_new(c"no".as_ptr())), "no");
            assert_eq!(text_of(wootz_error_new(null())), "an error without a message");
        }
    }
}
