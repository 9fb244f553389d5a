//! macOS: what it does in its own way, beside what all Unix systems do.
//!
//! Nothing is made executable here while a program runs: code comes from files, by the system's loader, which looks at their
//! signatures. The hardened runtime has nothing against it if library validation is off for the program, or if the files
//! are signed by its author.

use std::ffi::{CStr, CString, OsStr, c_void};
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Arc;

/// Threads that sleep until a number changes.
mod address;
/// The registers of an interrupted thread.
mod registers;

pub use super::no_renewal::{can_renew, forget, renew, written};
pub use super::no_trap_call::TRAP_CALL;
pub use super::signals::install_fault_handler;
pub use super::unix::{
    AltStack, Library, MAPS_FILES_OVER, make_anonymous, map_file, map_file_over, page_bytes,
    protect, release, reserve, set_modified, stay_loaded,
};
pub use address::{sleep_while, wake_one};
pub(super) use registers::{fault_registers, happens_again, set_registers};

unsafe extern "C" {
    fn sys_icache_invalidate(start: *mut c_void, bytes: usize);
}

/// Lets processors see as instructions what was written as data.
///
/// # Safety
/// The bytes are readable.
pub(super) unsafe fn see_as_code(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the call changes no contents.
    unsafe { sys_icache_invalidate(start.as_ptr().cast(), bytes) };
}

/// A new file that only this user can open, where temporary files are.
fn temporary_file(name: &CStr, contents: &[u8]) -> io::Result<(File, PathBuf)> {
    // The call replaces what comes behind the point by something that makes the name a new one.
    let mut file_name = [name.to_bytes(), b"."].concat();
    file_name.extend([b'X'; 6]);
    let template = std::env::temp_dir().join(OsStr::from_bytes(&file_name));
    let template = CString::new(template.into_os_string().into_vec())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let path = template.into_raw();
    // SAFETY: a C string that the call may write to, which keeps its length; it is taken back afterwards.
    let (fd, path) = unsafe {
        let fd = libc::mkstemp(path);
        (fd, CString::from_raw(path))
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let path = PathBuf::from(OsStr::from_bytes(path.to_bytes()));
    // SAFETY: the descriptor is new and nobody else's.
    let mut file = unsafe { File::from_raw_fd(fd) };
    // SAFETY: fcntl on an open descriptor has no preconditions.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    match file.write_all(contents) {
        Ok(()) => Ok((file, path)),
        Err(error) => {
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

/// A file that has these contents, no name, and that nobody else can change.
///
/// # Errors
/// The system's.
pub fn memory_file(name: &CStr, contents: &[u8]) -> io::Result<File> {
    let (file, path) = temporary_file(name, contents)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// The path of an open file.
///
/// # Errors
/// The system's.
pub fn path_of(file: &File) -> io::Result<PathBuf> {
    let mut path = [0u8; libc::PATH_MAX as usize];
    // SAFETY: the call writes a C string that is at most so long.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETPATH, path.as_mut_ptr()) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    let path = CStr::from_bytes_until_nul(&path).map_err(io::Error::other)?;
    Ok(PathBuf::from(OsStr::from_bytes(path.to_bytes())))
}

/// A file to load a library from that nobody else changes, and that is gone when this is dropped.
///
/// One that a killed process leaves behind is removed by the system, as it does with old temporary files.
#[derive(Debug)]
pub struct TemporaryLibrary {
    file: Arc<File>,
    path: PathBuf,
}

impl TemporaryLibrary {
    /// A file with these contents.
    ///
    /// # Errors
    /// The system's.
    pub fn new(contents: &[u8]) -> io::Result<TemporaryLibrary> {
        let (file, path) = temporary_file(c"wootz-module", contents)?;
        Ok(TemporaryLibrary { file: Arc::new(file), path })
    }

    /// The file, to read and map.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Its path.
    ///
    /// # Errors
    /// None, here.
    pub fn path(&self) -> io::Result<PathBuf> {
        Ok(self.path.clone())
    }
}

impl Drop for TemporaryLibrary {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.path);
    }
}

/// The addresses of this thread's stack that may be used, if the system tells.
pub fn stack_bounds() -> Option<Range<usize>> {
    // SAFETY: these only tell what the system has noted of this thread.
    let (end, bytes) = unsafe {
        let thread = libc::pthread_self();
        (libc::pthread_get_stackaddr_np(thread) as usize, libc::pthread_get_stacksize_np(thread))
    };
    // The guard page lies below.
    Some(end.checked_sub(bytes)?..end)
}
