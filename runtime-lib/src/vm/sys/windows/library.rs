//! Shared libraries.
//!
//! In: absolute paths. Out: libraries that stay loaded as long as they are held, and addresses in them.

use std::ffi::CStr;
use std::io;
use std::path::{Component, Path, PathBuf, Prefix};
use std::ptr::{self, NonNull};

use windows_sys::Win32::Foundation::{FreeLibrary, HMODULE};
use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOOPENFILEERRORBOX, SetThreadErrorMode,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
    GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleHandleExW, GetProcAddress,
    LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use super::wide;

/// A shared library that the system's loader has loaded.
#[derive(Debug)]
pub struct Library {
    handle: HMODULE,
}

// SAFETY: a handle may be used and closed on any thread.
unsafe impl Send for Library {}
// SAFETY: looking up symbols needs no exclusion.
unsafe impl Sync for Library {}

impl Library {
    /// Loads a library. The path is absolute.
    ///
    /// # Errors
    /// The system's message.
    ///
    /// # Safety
    /// What the library does when it is loaded is harmless, and so is its file: nobody overwrites it in place.
    pub unsafe fn open(path: &Path) -> Result<Library, String> {
        // Libraries that it needs, if it needs some against all expectation, do not come from where the process happens to be.
        let flags = LOAD_LIBRARY_SEARCH_SYSTEM32;
        let open = || -> io::Result<Library> {
            let name = name(path)?;
            // SAFETY: the name ends with a zero; the caller vouches for the library.
            let handle = without_dialogs(|| unsafe {
                match LoadLibraryExW(name.as_ptr(), ptr::null_mut(), flags) {
                    handle if handle.is_null() => Err(io::Error::last_os_error()),
                    handle => Ok(handle),
                }
            })?;
            Ok(Library { handle })
        };
        open().map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Whether a library of this path is loaded already.
    pub fn is_open(path: &Path) -> bool {
        let Ok(name) = name(path) else { return false };
        let mut handle = ptr::null_mut();
        let flags = GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
        // SAFETY: nothing is loaded or kept, and the handle is not used.
        unsafe { GetModuleHandleExW(flags, name.as_ptr(), &mut handle) != 0 }
    }

    /// The address of a symbol.
    pub fn symbol(&self, name: &CStr) -> Option<NonNull<u8>> {
        // SAFETY: the library is open, the name is a C string.
        let address = unsafe { GetProcAddress(self.handle, name.as_ptr().cast()) }?;
        NonNull::new(address as *mut u8)
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: the handle is open; whoever drops it uses nothing of the library any more.
        unsafe { FreeLibrary(self.handle) };
    }
}

/// A path as the functions for libraries want it: they append `.dll` to names without an extension, unless these end with a
/// point, which does not count. In paths that begin with `\\?\` it would.
fn name(path: &Path) -> io::Result<Vec<u16>> {
    if path.extension().is_some() {
        return wide(path.as_os_str());
    }
    let mut name = path.as_os_str().to_os_string();
    if let Some(Component::Prefix(prefix)) = path.components().next()
        && let Prefix::VerbatimDisk(disk) = prefix.kind()
    {
        let rest: PathBuf = path.components().skip(1).collect();
        name = format!("{}:", char::from(disk)).into();
        name.push(rest);
    }
    name.push(".");
    wide(&name)
}

/// Does something that fails without showing a window to whoever sits there.
fn without_dialogs<T>(act: impl FnOnce() -> T) -> T {
    let mut before = 0;
    // SAFETY: the call changes how this thread fails, and is told where it may write how it was.
    unsafe { SetThreadErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX, &mut before) };
    let result = act();
    // SAFETY: as above; the new mode is the one from before.
    unsafe { SetThreadErrorMode(before, ptr::null_mut()) };
    result
}

/// Keeps the library loaded that this code is part of, if it is part of one, until the process ends: for whoever leaves
/// addresses of functions with the system.
pub fn stay_loaded() {
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    let mut handle = ptr::null_mut();
    // SAFETY: with this flag the name is an address, that of this function. What is loaded becomes permanent, nothing else.
    unsafe { GetModuleHandleExW(flags, stay_loaded as *const u16, &mut handle) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_libraries_are_an_error_with_a_reason() {
        let path = Path::new(r"C:\nonexistent\library.dll");
        assert!(!Library::is_open(path));
        // SAFETY: there is no such library.
        let error = unsafe { Library::open(path) }.unwrap_err();
        assert!(error.contains("library.dll"), "{error}");
        // SAFETY: as above.
        let error = unsafe { Library::open(Path::new("C:\\a\0b")) }.unwrap_err();
        assert!(error.contains("zero byte"), "{error}");
    }

    #[test]
    fn libraries_are_open_once_they_are_opened() {
        let path = std::env::var_os("SystemRoot").unwrap();
        let path = Path::new(&path).join(r"system32\msvcrt.dll").canonicalize().unwrap();
        // SAFETY: the system's own library is harmless.
        let library = unsafe { Library::open(&path) }.unwrap();
        assert!(Library::is_open(&path));
        assert!(library.symbol(c"memcpy").is_some() && library.symbol(c"wootz_module").is_none());
    }
}
