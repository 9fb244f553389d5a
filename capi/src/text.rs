//! Strings of C's: names, which are UTF-8, and paths, which are whatever the system's are.

use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;

use anyhow::{Result, bail, format_err};

/// A string that ends with a zero byte.
///
/// # Errors
/// If the pointer is null.
///
/// # Safety
/// It is null, or points to such a string, which stays as it is as long as the result is in use.
pub unsafe fn bytes<'a>(pointer: *const c_char, what: &str) -> Result<&'a [u8]> {
    if pointer.is_null() {
        bail!("expected {what}, found a null pointer");
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// A string that ends with a zero byte and is UTF-8.
///
/// # Errors
/// If the pointer is null, or the string is not UTF-8.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn utf8<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    checked(unsafe { bytes(pointer, what) }?, what)
}

/// Bytes that must be UTF-8.
///
/// # Errors
/// If they are not.
pub fn checked<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let shown = String::from_utf8_lossy(bytes);
        format_err!("expected {what} in UTF-8, found `{shown}`: {error}")
    })
}

/// A path.
///
/// # Errors
/// If the pointer is null, or there can be no such path on this system.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn path(pointer: *const c_char, what: &str) -> Result<PathBuf> {
    // SAFETY: the caller's promise.
    path_of(unsafe { bytes(pointer, what) }?, what)
}

#[cfg(unix)]
fn path_of(bytes: &[u8], _what: &str) -> Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::ffi::OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8], what: &str) -> Result<PathBuf> {
    Ok(checked(bytes, what)?.into())
}

/// A string for C. Zero bytes, which would end it, become `?`.
pub fn owned(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| {
        CString::new(text.replace('\0', "?")).expect("all zero bytes were replaced")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_checked() {
        // SAFETY: each is null or ends with a zero byte.
        unsafe {
            assert_eq!(utf8(c"caf\u{e9}".as_ptr(), "a name").unwrap(), "café");
            let error = utf8(c"caf\xe9".as_ptr(), "a name").unwrap_err().to_string();
            assert!(error.starts_with("expected a name in UTF-8, found `caf\u{fffd}`"), "{error}");
            let error = utf8(std::ptr::null(), "a name").unwrap_err().to_string();
            assert_eq!(error, "expected a name, found a null pointer");
            assert_eq!(path(c"a/b".as_ptr(), "a path").unwrap(), PathBuf::from("a/b"));
        }
        assert_eq!(owned("a\0b").as_c_str(), c"a?b");
    }
}
