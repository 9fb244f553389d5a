//! Address space: reserved, committed, protected, mapped from files.
//!
//! In: plain numbers and files. Out: the same, or the system's error.
//!
//! ```text
//!   VirtualAlloc(MEM_RESERVE)  ┌──────────────┬─────────────────────┐
//!                              │ committed    │ only reserved       │  an access faults
//!                              └──────────────┴─────────────────────┘
//!                                protect ──►    what becomes accessible is committed: memory, all zero
//! ```
//!
//! Always true: pages that were committed stay so, whatever may be done with them, and keep their contents.

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::System::Diagnostics::Debug::FlushInstructionCache;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, MEM_COMMIT, MEM_FREE, MEM_MAPPED, MEM_RELEASE, MEM_RESERVE,
    MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, PAGE_EXECUTE_READ,
    PAGE_NOACCESS, PAGE_PROTECTION_FLAGS, PAGE_READONLY, PAGE_READWRITE, UnmapViewOfFile,
    VirtualAlloc, VirtualFree, VirtualProtect, VirtualQuery,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use crate::vm::sys::Protection;

/// Whether parts of files can be mapped over pages that exist.
pub const MAPS_FILES_OVER: bool = false;

impl Protection {
    fn flags(self) -> PAGE_PROTECTION_FLAGS {
        match self {
            Protection::None => PAGE_NOACCESS,
            Protection::Read => PAGE_READONLY,
            Protection::ReadWrite => PAGE_READWRITE,
            Protection::ReadExecute => PAGE_EXECUTE_READ,
        }
    }
}

/// The size of a page of this system.
pub fn page_bytes() -> usize {
    static PAGE_BYTES: OnceLock<usize> = OnceLock::new();
    *PAGE_BYTES.get_or_init(|| {
        let mut info = SYSTEM_INFO::default();
        // SAFETY: the call only writes the record.
        unsafe { GetSystemInfo(&mut info) };
        info.dwPageSize as usize
    })
}

/// Reserves address space that nothing may access yet and that costs no memory.
///
/// # Errors
/// The system's.
pub fn reserve(bytes: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: new pages at an address that the system chooses touch nothing that exists.
    there(unsafe { VirtualAlloc(ptr::null(), bytes, MEM_RESERVE, PAGE_NOACCESS) })
}

/// Changes what may be done with pages. Those that become accessible and never were are zero.
///
/// # Errors
/// The system's; out of memory, for instance.
///
/// # Safety
/// The pages belong to the caller, and nobody relies on what they allowed before.
pub unsafe fn protect(start: NonNull<u8>, bytes: usize, protection: Protection) -> io::Result<()> {
    let end = start.addr().get() + bytes;
    let mut at = start.as_ptr();
    // Neither call takes pages of several kinds.
    while at.addr() < end {
        let run = run_of_pages(at.cast())?;
        let rest = run.BaseAddress.addr() + run.RegionSize - at.addr();
        let bytes = rest.min(end - at.addr());
        // SAFETY: the caller owns the pages.
        unsafe { protect_run(at.cast(), bytes, run.State, protection) }?;
        at = at.wrapping_add(bytes);
    }
    if protection == Protection::ReadExecute {
        // SAFETY: the call changes no contents.
        done(unsafe { FlushInstructionCache(GetCurrentProcess(), start.as_ptr().cast(), bytes) })?;
    }
    Ok(())
}

/// As [`protect`], for pages that are all in one state.
unsafe fn protect_run(
    start: *mut c_void,
    bytes: usize,
    state: u32,
    protection: Protection,
) -> io::Result<()> {
    match state {
        MEM_FREE => Err(io::ErrorKind::InvalidInput.into()),
        // Nothing may access them already.
        MEM_RESERVE if protection == Protection::None => Ok(()),
        // SAFETY: the caller owns the pages.
        MEM_RESERVE => unsafe {
            there(VirtualAlloc(start, bytes, MEM_COMMIT, protection.flags())).map(drop)
        },
        // SAFETY: as above; the call writes what they allowed before to where it may.
        _ => unsafe {
            let mut before = 0;
            done(VirtualProtect(start, bytes, protection.flags(), &mut before))
        },
    }
}

/// The pages from some address on that are all in the same state.
fn run_of_pages(at: *const c_void) -> io::Result<MEMORY_BASIC_INFORMATION> {
    let mut run = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: the call only writes the record, of this size.
    match unsafe { VirtualQuery(at, &mut run, size_of_val(&run)) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(run),
    }
}

/// Gives address space back.
///
/// # Safety
/// It was reserved or mapped as one piece, and nobody uses it any more.
pub unsafe fn release(start: NonNull<u8>, _bytes: usize) {
    let start = start.as_ptr().cast();
    let is_mapped = run_of_pages(start).is_ok_and(|run| run.Type == MEM_MAPPED);
    // SAFETY: the caller owns the pages, and nobody uses them.
    let result = done(unsafe {
        match is_mapped {
            true => UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: start }),
            false => VirtualFree(start, 0, MEM_RELEASE),
        }
    });
    debug_assert!(result.is_ok(), "a mapping can be given back: {result:?}");
}

/// Maps part of a file for reading.
///
/// # Errors
/// The system's.
pub fn map_file(file: &File, bytes: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: the file is open. A mapping keeps what it needs of it, so the handle in between is closed at once. The view is
    // new, at an address that the system chooses.
    unsafe {
        let (file, none) = (file.as_raw_handle(), ptr::null());
        let mapping = CreateFileMappingW(file, none, PAGE_READONLY, 0, 0, ptr::null());
        if mapping.is_null() {
            return Err(io::Error::last_os_error());
        }
        let view = there(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, bytes).Value);
        CloseHandle(mapping);
        view
    }
}

/// Maps part of a file over existing pages: not here, as [`MAPS_FILES_OVER`] says.
///
/// # Errors
/// Always.
///
/// # Safety
/// None.
pub unsafe fn map_file_over(
    _start: NonNull<u8>,
    _bytes: usize,
    _file: &File,
    _offset: u64,
) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Puts anonymous memory with the same contents in the place of the pages that hold some code: only `perf` wants it.
///
/// # Errors
/// Always.
///
/// # Safety
/// None.
pub unsafe fn make_anonymous(_code: NonNull<u8>, _bytes: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn there(address: *mut c_void) -> io::Result<NonNull<u8>> {
    NonNull::new(address.cast()).ok_or_else(io::Error::last_os_error)
}

fn done(result: i32) -> io::Result<()> {
    if result != 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: usize = 8;

    fn state(start: NonNull<u8>, page: usize) -> (u32, u32) {
        let run = run_of_pages(start.as_ptr().wrapping_add(page * page_bytes()).cast()).unwrap();
        (run.State, run.Protect)
    }

    #[test]
    fn pages_are_committed_when_they_become_accessible_and_keep_their_contents() {
        let page = page_bytes();
        let start = reserve(PAGES * page).unwrap();
        // SAFETY: the pages are ours, and accessed only as they allow.
        unsafe {
            protect(start.add(2 * page), page, Protection::ReadWrite).unwrap();
            assert_eq!(state(start, 1).0, MEM_RESERVE);
            start.add(2 * page).write(7);
            // Over one that is committed and two that are not.
            protect(start.add(page), 3 * page, Protection::ReadWrite).unwrap();
            assert_eq!(start.add(2 * page).read(), 7);
            let all = std::slice::from_raw_parts(start.add(page).as_ptr(), 3 * page);
            assert_eq!(all.iter().map(|&byte| usize::from(byte)).sum::<usize>(), 7);
            protect(start, 5 * page, Protection::None).unwrap();
            assert_eq!(state(start, 0).0, MEM_RESERVE);
            assert_eq!(state(start, 2), (MEM_COMMIT, PAGE_NOACCESS));
            protect(start.add(2 * page), page, Protection::Read).unwrap();
            assert_eq!(start.add(2 * page).read(), 7);
            protect(start.add(2 * page), page, Protection::ReadExecute).unwrap();
            assert_eq!(state(start, 2), (MEM_COMMIT, PAGE_EXECUTE_READ));
            release(start, PAGES * page);
        }
        assert_eq!(state(start, 0).0, MEM_FREE);
        // SAFETY: nothing is there to be changed.
        assert!(unsafe { protect(start, page, Protection::Read) }.is_err());
    }

    #[test]
    fn files_are_mapped_and_given_back() {
        let path = std::env::temp_dir().join(format!("wootz-mapped-{}", std::process::id()));
        std::fs::write(&path, b"contents").unwrap();
        let file = File::open(&path).unwrap();
        let start = map_file(&file, 8).unwrap();
        // SAFETY: the file is mapped there; nobody changes it, or uses it afterwards.
        unsafe {
            assert_eq!(std::slice::from_raw_parts(start.as_ptr(), 8), b"contents");
            release(start, 8);
        }
        assert_eq!(state(start, 0).0, MEM_FREE);
        assert!(map_file(&file, 9).is_err());
        drop(file);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn too_much_is_an_error() {
        assert!(reserve(1 << 60).is_err());
    }
}
