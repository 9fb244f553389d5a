//! Files: their paths, and temporary ones to load libraries from.
//!
//! In: open files, contents. Out: paths, files. Always true: from when a temporary file has its contents until it is
//! removed, nobody can write to it, rename it or remove it; and where one stays because a process was killed, one of the next
//! removes it.

use std::ffi::{CStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::windows::ffi::OsStringExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::SystemTime;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_WRITE_ATTRIBUTES, FindClose,
    FindFirstFileW, FindNextFileW, GetFinalPathNameByHandleW, WIN32_FIND_DATAW,
};

use super::pages::{map_file, release};
use super::wide;

/// A file in memory: there are none here that could be mapped where they are needed, so whoever asks has to copy.
///
/// # Errors
/// Always.
pub fn memory_file(_name: &CStr, _contents: &[u8]) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The path of an open file, as it is now.
///
/// # Errors
/// If it has none any more, or never had.
pub fn path_of(file: &File) -> io::Result<PathBuf> {
    let mut path = vec![0u16; 512];
    loop {
        let (handle, room) = (file.as_raw_handle(), path.len() as u32);
        // SAFETY: the file is open, and there is as much room as is said.
        let units = unsafe { GetFinalPathNameByHandleW(handle, path.as_mut_ptr(), room, 0) };
        match units as usize {
            0 => return Err(io::Error::last_os_error()),
            units if units < path.len() => {
                return Ok(PathBuf::from(OsString::from_wide(&path[..units])));
            }
            units => path.resize(units + 1, 0),
        }
    }
}

/// Says when a file was changed last. It may be one that is loaded, which nobody may write to.
///
/// # Errors
/// The system's.
pub fn set_modified(path: &Path, time: SystemTime) -> io::Result<()> {
    File::options().access_mode(FILE_WRITE_ATTRIBUTES).open(path)?.set_modified(time)
}

/// A file to load a library from that nobody else changes, and that is gone when this is dropped.
#[derive(Debug)]
pub struct TemporaryLibrary {
    path: PathBuf,
    file: Arc<File>,
    /// While this is open, nobody can write to the file or remove it.
    guard: Option<File>,
}

impl TemporaryLibrary {
    /// A file with these contents, in the user's directory for temporary files.
    ///
    /// # Errors
    /// The system's.
    pub fn new(contents: &[u8]) -> io::Result<TemporaryLibrary> {
        static ONCE: Once = Once::new();
        let directory = std::env::temp_dir();
        // What cannot be removed now is in use, or can be next time.
        ONCE.call_once(|| _ = remove_left_behind(&directory));
        let (mut written, path) = create(&directory)?;
        // The file is never closed entirely. While there is somebody who may write, others must allow it.
        let filled = written.write_all(contents).and_then(|()| {
            let bridge = open(&path, FILE_SHARE_READ | FILE_SHARE_WRITE)?;
            drop(written);
            let guard = open(&path, FILE_SHARE_READ)?;
            drop(bridge);
            // Others may keep this one for longer than the guard.
            Ok((open(&path, FILE_SHARE_READ | FILE_SHARE_DELETE)?, guard))
        });
        let (file, guard) = filled.inspect_err(|_| _ = fs::remove_file(&path))?;
        let library = TemporaryLibrary { path, file: Arc::new(file), guard: Some(guard) };
        if !has_contents(&library.file, contents)? {
            return Err(io::Error::other("a temporary file was changed while it was written"));
        }
        Ok(library)
    }

    /// The file, to read and map.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Its path.
    ///
    /// # Errors
    /// The system's.
    pub fn path(&self) -> io::Result<PathBuf> {
        path_of(&self.file)
    }
}

impl Drop for TemporaryLibrary {
    fn drop(&mut self) {
        self.guard = None;
        // If it cannot be removed, because somebody else is looking at it, the next process does.
        let _ = fs::remove_file(&self.path);
    }
}

const PREFIX: &str = "wootz-";
const SUFFIX: &str = ".tmp.dll";

/// A new file, `wootz-PROCESS-NUMBER.tmp.dll`, that nobody can remove while it is open.
fn create(directory: &Path) -> io::Result<(File, PathBuf)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{PREFIX}{}-{number}{SUFFIX}", std::process::id()));
        match File::options().write(true).create_new(true).share_mode(FILE_SHARE_READ).open(&path) {
            Ok(file) => return Ok((file, path)),
            // Of an earlier process with the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Opens a file for reading. What others may do meanwhile is what they may be doing already.
fn open(path: &Path, others_may: u32) -> io::Result<File> {
    File::options().read(true).share_mode(others_may).open(path)
}

fn has_contents(file: &File, contents: &[u8]) -> io::Result<bool> {
    if file.metadata()?.len() != contents.len() as u64 {
        return Ok(false);
    }
    if contents.is_empty() {
        return Ok(true);
    }
    let start = map_file(file, contents.len())?;
    // SAFETY: so many bytes are mapped there, nobody can write to the file, and the slice ends before they are given back.
    unsafe {
        let same = std::slice::from_raw_parts(start.as_ptr(), contents.len()) == contents;
        release(start, contents.len());
        Ok(same)
    }
}

/// Removes the files of processes that were killed. Those that are in use cannot be removed.
fn remove_left_behind(directory: &Path) -> io::Result<()> {
    let pattern = wide(directory.join(format!("{PREFIX}*{SUFFIX}")).as_os_str())?;
    let mut found = WIN32_FIND_DATAW::default();
    // SAFETY: the pattern ends with a zero; the record is written by the system, and read only if it was. The search is
    // ended once, when nothing is left.
    unsafe {
        let search = FindFirstFileW(pattern.as_ptr(), &mut found);
        if search == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        loop {
            let end = found.cFileName.iter().position(|&unit| unit == 0);
            let name = OsString::from_wide(&found.cFileName[..end.unwrap_or(0)]);
            if name.to_str().is_some_and(is_ours) {
                let _ = fs::remove_file(directory.join(name));
            }
            if FindNextFileW(search, &mut found) == 0 {
                break;
            }
        }
        FindClose(search);
    }
    Ok(())
}

/// Whether a file has a name as [`create`] gives it.
fn is_ours(name: &str) -> bool {
    let numbers = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    numbers
        .and_then(|numbers| numbers.split_once('-'))
        .is_some_and(|(process, number)| is_number(process) && is_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn temporary_files_are_protected_and_then_gone() {
        let library = TemporaryLibrary::new(b"contents").unwrap();
        let path = library.path().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"contents");
        assert!(File::options().write(true).open(&path).is_err());
        assert!(fs::remove_file(&path).is_err());
        assert!(fs::rename(&path, path.with_extension("other")).is_err());
        remove_left_behind(path.parent().unwrap()).unwrap();
        assert!(path.exists());
        let file = library.file().clone();
        drop(library);
        let mut contents = String::new();
        (&*file).read_to_string(&mut contents).unwrap();
        assert_eq!(contents, "contents");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_process_has_left_is_removed_and_nothing_else() {
        let directory = std::env::temp_dir().join(format!("wootz-left-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let names = ["wootz-1-2.tmp.dll", "wootz-my-3.tmp.dll", "wootz-12.tmp.dll", "other.dll"];
        names.iter().for_each(|name| fs::write(directory.join(name), "").unwrap());
        remove_left_behind(&directory).unwrap();
        let left: Vec<bool> = names.iter().map(|name| directory.join(name).exists()).collect();
        assert_eq!(left, [false, true, true, true]);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn the_path_of_a_file_leads_to_it() {
        let program = std::env::current_exe().unwrap();
        let file = File::open(&program).unwrap();
        assert_eq!(path_of(&file).unwrap(), program.canonicalize().unwrap());
    }
}
