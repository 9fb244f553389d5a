//! Unix systems: address space, files, shared libraries, stacks. Signals have a file of their own.
//!
//! In: plain numbers and descriptors. Out: the same, or the operating system's error.

use std::ffi::{CStr, CString, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;
use std::time::SystemTime;

use super::Protection;
use super::this::see_as_code;

/// Whether parts of files can be mapped over pages that exist.
pub const MAPS_FILES_OVER: bool = true;

impl Protection {
    fn flags(self) -> i32 {
        match self {
            Protection::None => libc::PROT_NONE,
            Protection::Read => libc::PROT_READ,
            Protection::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
            Protection::ReadExecute => libc::PROT_READ | libc::PROT_EXEC,
        }
    }
}

/// The size of a page of this system.
pub fn page_bytes() -> usize {
    static PAGE_BYTES: OnceLock<usize> = OnceLock::new();
    *PAGE_BYTES.get_or_init(|| {
        // SAFETY: sysconf has no preconditions.
        let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        bytes.try_into().expect("systems have pages")
    })
}

/// Reserves address space that nothing may access yet and that costs no memory.
///
/// # Errors
/// The system's.
pub fn reserve(bytes: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address that the system chooses touches nothing that exists.
    mapped(unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) })
}

/// Changes what may be done with pages.
///
/// # Errors
/// The system's; out of memory, for instance.
///
/// # Safety
/// The pages belong to a mapping of the caller's, and nobody relies on what they allowed before.
pub unsafe fn protect(start: NonNull<u8>, bytes: usize, protection: Protection) -> io::Result<()> {
    if protection == Protection::ReadExecute {
        // SAFETY: the pages are the caller's.
        unsafe { see_as_code(start, bytes) };
    }
    // SAFETY: the caller owns the pages.
    done(unsafe { libc::mprotect(start.as_ptr().cast(), bytes, protection.flags()) })
}

/// Gives address space back.
///
/// # Safety
/// It was reserved or mapped as one piece, and nobody uses it any more.
pub unsafe fn release(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller owns the pages, and nobody uses them.
    let result = done(unsafe { libc::munmap(start.as_ptr().cast(), bytes) });
    debug_assert!(result.is_ok(), "a mapping can be given back: {result:?}");
}

/// Maps part of a file for reading.
///
/// # Errors
/// The system's.
pub fn map_file(file: &File, bytes: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE;
    // SAFETY: a new mapping at an address that the system chooses touches nothing that exists.
    mapped(unsafe {
        libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ, flags, file.as_raw_fd(), 0)
    })
}

/// Maps part of a file over existing pages, copy-on-write, for reading and writing.
///
/// # Errors
/// The system's.
///
/// # Safety
/// The pages belong to a mapping of the caller's, and nobody uses what they held.
pub unsafe fn map_file_over(
    start: NonNull<u8>,
    bytes: usize,
    file: &File,
    offset: u64,
) -> io::Result<()> {
    let offset =
        libc::off_t::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
    let protection = Protection::ReadWrite.flags();
    // SAFETY: the caller owns the pages that are replaced.
    mapped(unsafe {
        libc::mmap(start.as_ptr().cast(), bytes, protection, flags, file.as_raw_fd(), offset)
    })
    .map(drop)
}

/// Puts anonymous memory with the same contents in the place of the pages that hold some code.
///
/// # Errors
/// The system's; it may forbid to execute memory that was written to.
///
/// # Safety
/// The code is mapped, belongs to the caller, and nobody reads or executes it, or anything in the same pages, meanwhile.
pub unsafe fn make_anonymous(code: NonNull<u8>, bytes: usize) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    let before = code.as_ptr() as usize % page_bytes();
    let bytes = (before + bytes).next_multiple_of(page_bytes());
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    let protection = Protection::ReadWrite.flags();
    // SAFETY: whole pages are mapped where some of their bytes are, and the caller lets us replace them.
    unsafe {
        let start = code.sub(before);
        let contents = std::slice::from_raw_parts(start.as_ptr(), bytes).to_vec();
        mapped(libc::mmap(start.as_ptr().cast(), bytes, protection, flags, -1, 0))?;
        ptr::copy_nonoverlapping(contents.as_ptr(), start.as_ptr(), bytes);
        // Profilers that are watching hear of it now: there is memory to execute, and it has no file.
        protect(start, bytes, Protection::ReadExecute)
    }
}

/// Says when a file was changed last.
///
/// # Errors
/// The system's.
pub fn set_modified(path: &Path, time: SystemTime) -> io::Result<()> {
    File::open(path)?.set_modified(time)
}

fn mapped(address: *mut c_void) -> io::Result<NonNull<u8>> {
    match address {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        address => Ok(NonNull::new(address.cast()).expect("no mapping begins at address 0")),
    }
}

fn done(result: i32) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A shared library that the system's loader has loaded.
#[derive(Debug)]
pub struct Library {
    handle: NonNull<c_void>,
}

// SAFETY: a handle may be used and closed on any thread.
unsafe impl Send for Library {}
// SAFETY: looking up symbols needs no exclusion.
unsafe impl Sync for Library {}

impl Library {
    /// Loads a library.
    ///
    /// # Errors
    /// The loader's message.
    ///
    /// # Safety
    /// What the library does when it is loaded is harmless, and so is its file: nobody overwrites it in place.
    pub unsafe fn open(path: &Path) -> Result<Library, String> {
        // SAFETY: the caller vouches for the library.
        unsafe { Library::find(path, 0) }
    }

    /// Whether a library of this path is loaded already.
    pub fn is_open(path: &Path) -> bool {
        // SAFETY: nothing is loaded.
        unsafe { Library::find(path, libc::RTLD_NOLOAD) }.is_ok()
    }

    unsafe fn find(path: &Path, more_flags: i32) -> Result<Library, String> {
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| "the path has a zero byte".to_string())?;
        // SAFETY: the caller vouches for the library.
        let handle =
            unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | more_flags) };
        NonNull::new(handle).map(|handle| Library { handle }).ok_or_else(|| {
            // SAFETY: dlerror gives null or a C string that lives until the next call on this thread.
            let message = unsafe { libc::dlerror() };
            match message.is_null() {
                true => "the system's loader gives no reason".to_string(),
                // SAFETY: as above.
                false => unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned(),
            }
        })
    }

    /// The address of a symbol.
    pub fn symbol(&self, name: &CStr) -> Option<NonNull<u8>> {
        // SAFETY: the library is open, the name is a C string.
        NonNull::new(unsafe { libc::dlsym(self.handle.as_ptr(), name.as_ptr()) }.cast())
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: the handle is open; whoever drops it uses nothing of the library any more.
        unsafe { libc::dlclose(self.handle.as_ptr()) };
    }
}

/// Keeps the library loaded that this code is part of, if it is part of one, until the process ends: for whoever leaves
/// addresses of functions with the system.
pub fn stay_loaded() {
    // SAFETY: an all-zero record is a valid one; the address is that of this function.
    let file = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        let found = libc::dladdr(stay_loaded as *const c_void, &mut info) != 0;
        NonNull::new(info.dli_fname.cast_mut()).filter(|_| found)
    };
    if let Some(file) = file {
        let flags = libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
        // The handle is never closed. There is none for a program, which stays anyway.
        // SAFETY: the name is a C string of the loader's, and nothing is loaded.
        unsafe { libc::dlopen(file.as_ptr(), flags) };
    }
}

/// A stack for signal handlers, in use on the thread that made it until it is dropped there.
#[derive(Debug)]
pub struct AltStack {
    /// The pages, and how many bytes; the lowest page is a guard. `None` if the thread had a stack that is large enough.
    own: Option<(NonNull<u8>, usize)>,
}

impl AltStack {
    /// What the fault handler needs, and room for handlers that it forwards to.
    const BYTES: usize = 64 << 10;
    /// With how much an existing stack is left in place.
    const ENOUGH_BYTES: usize = 32 << 10;

    /// Makes sure that signal handlers on this thread have a stack of their own that is large enough.
    ///
    /// # Errors
    /// The system's.
    pub fn install() -> io::Result<AltStack> {
        // SAFETY: asking for the present stack changes nothing; an all-zero record is a valid one.
        let present = unsafe {
            let mut present: libc::stack_t = std::mem::zeroed();
            done(libc::sigaltstack(ptr::null(), &mut present))?;
            present
        };
        if present.ss_flags & libc::SS_DISABLE == 0 && present.ss_size >= AltStack::ENOUGH_BYTES {
            return Ok(AltStack { own: None });
        }
        let guard_bytes = page_bytes();
        let bytes = guard_bytes + AltStack::BYTES;
        let start = reserve(bytes)?;
        let stack = AltStack { own: Some((start, bytes)) };
        // SAFETY: the pages are ours, and stay mapped while they are the thread's signal stack.
        unsafe {
            let usable = start.add(guard_bytes);
            protect(usable, AltStack::BYTES, Protection::ReadWrite)?;
            let new = libc::stack_t {
                ss_sp: usable.as_ptr().cast(),
                ss_flags: 0,
                ss_size: AltStack::BYTES,
            };
            done(libc::sigaltstack(&new, ptr::null_mut()))?;
        }
        Ok(stack)
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let Some((start, bytes)) = self.own else { return };
        // SAFETY: if the pages are still this thread's signal stack, they cease to be it before they are given back.
        unsafe {
            let mut present: libc::stack_t = std::mem::zeroed();
            let known = libc::sigaltstack(ptr::null(), &mut present) == 0;
            if known && present.ss_sp.cast() == start.add(page_bytes()).as_ptr() {
                let disabled = libc::stack_t {
                    ss_sp: ptr::null_mut(),
                    ss_flags: libc::SS_DISABLE,
                    ss_size: AltStack::BYTES,
                };
                libc::sigaltstack(&disabled, ptr::null_mut());
            }
            release(start, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_libraries_are_an_error_with_a_reason() {
        let path = Path::new("/nonexistent/library.so");
        assert!(!Library::is_open(path));
        // SAFETY: there is no such library.
        let error = unsafe { Library::open(path) }.unwrap_err();
        assert!(error.contains("library.so"), "{error}");
    }

    #[test]
    fn a_signal_stack_is_installed_and_removed() {
        std::thread::spawn(|| {
            let size = || {
                // SAFETY: as in `install`.
                unsafe {
                    let mut present: libc::stack_t = std::mem::zeroed();
                    libc::sigaltstack(ptr::null(), &mut present);
                    if present.ss_flags & libc::SS_DISABLE == 0 { present.ss_size } else { 0 }
                }
            };
            let stack = AltStack::install().unwrap();
            assert!(size() >= AltStack::ENOUGH_BYTES);
            assert!(AltStack::install().unwrap().own.is_none(), "the first one is large enough");
            let own = stack.own.is_some();
            drop(stack);
            assert!(!own || size() == 0);
        })
        .join()
        .unwrap();
    }
}
