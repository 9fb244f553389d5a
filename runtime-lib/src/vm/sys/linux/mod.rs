//! Linux: what it does in its own way, beside what all Unix systems do.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

/// The extensions of a processor.
#[cfg(target_arch = "riscv64")]
mod extensions;
/// Data that becomes instructions.
mod caches;
/// Threads that sleep until a number changes.
mod futex;
/// The registers of an interrupted thread.
mod registers;
/// Out of a signal handler without asking the kernel to return from it.
#[cfg(target_arch = "x86_64")]
mod leave;
/// Pages that become as new, and which of them have to.
mod renewal;
/// Traps that are calls.
#[cfg(target_arch = "x86_64")]
mod trap_call;

#[cfg(not(target_arch = "x86_64"))]
pub use super::no_trap_call::TRAP_CALL;
pub use super::signals::install_fault_handler;
pub use super::unix::{
    AltStack, Library, MAPS_FILES_OVER, make_anonymous, map_file, map_file_over, page_bytes,
    protect, release, reserve, set_modified, stay_loaded,
};
pub(super) use caches::see_as_code;
#[cfg(target_arch = "riscv64")]
pub use extensions::has_extension;
pub use futex::{sleep_while, wake_one};
pub(super) use registers::{fault_registers, happens_again, leave_handler, set_registers};
pub use renewal::{can_renew, forget, renew, written};
#[cfg(target_arch = "x86_64")]
pub use trap_call::TRAP_CALL;

/// A file in memory that has these contents and never changes.
///
/// # Errors
/// The system's.
pub fn memory_file(name: &CStr, contents: &[u8]) -> io::Result<File> {
    // Kernels that make such files non-executable by default want to be told; older ones do not know the flag.
    const EXECUTABLE: libc::c_uint = 0x10;
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a C string.
    let mut fd = unsafe { libc::memfd_create(name.as_ptr(), flags | EXECUTABLE) };
    if fd < 0 {
        // SAFETY: as above.
        fd = unsafe { libc::memfd_create(name.as_ptr(), flags) };
    }
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(contents)?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    // SAFETY: fcntl on an open descriptor has no preconditions.
    match unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, seals) } {
        0 => Ok(file),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The path of an open file. Named by process, so that debuggers find it too. As long as the file is open, no other has it.
///
/// # Errors
/// None, here.
pub fn path_of(file: &File) -> io::Result<PathBuf> {
    Ok(PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())))
}

/// A file to load a library from that nobody else changes, and that is gone when this is dropped.
#[derive(Debug)]
pub struct TemporaryLibrary(Arc<File>);

impl TemporaryLibrary {
    /// A file with these contents.
    ///
    /// # Errors
    /// The system's.
    pub fn new(contents: &[u8]) -> io::Result<TemporaryLibrary> {
        Ok(TemporaryLibrary(Arc::new(memory_file(c"wootz-module", contents)?)))
    }

    /// The file, to read and map.
    pub fn file(&self) -> &Arc<File> {
        &self.0
    }

    /// Its path.
    ///
    /// # Errors
    /// None, here.
    pub fn path(&self) -> io::Result<PathBuf> {
        path_of(&self.0)
    }
}

/// The addresses of this thread's stack that may be used, if the system tells.
pub fn stack_bounds() -> Option<Range<usize>> {
    // SAFETY: the attributes are initialised by the first call and destroyed by the last, and only read in between.
    unsafe {
        let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let mut attributes = attributes.assume_init();
        let (mut start, mut bytes, mut guard_bytes) = (ptr::null_mut(), 0, 0);
        let known = libc::pthread_attr_getstack(&attributes, &mut start, &mut bytes) == 0
            && libc::pthread_attr_getguardsize(&attributes, &mut guard_bytes) == 0;
        libc::pthread_attr_destroy(&mut attributes);
        // Whether the guard pages are part of what is reported differs between systems; assume that they are.
        let low = start as usize;
        known.then(|| low + guard_bytes.min(bytes)..low + bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_stack_of_a_thread_contains_its_variables() {
        let check = || {
            let local = 0u8;
            let address = ptr::from_ref(&local) as usize;
            assert!(stack_bounds().expect("known").contains(&address));
        };
        check();
        std::thread::spawn(check).join().unwrap();
    }

    #[test]
    fn memory_files_hold_their_contents_and_cannot_be_changed() {
        let mut file = memory_file(c"test", b"contents").unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let mut contents = String::new();
        file.read_to_string(&mut contents).unwrap();
        assert_eq!(contents, "contents");
        assert!(file.write_all(b"!").is_err());
    }
}
