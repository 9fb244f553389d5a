//! What tests have to know of Windows.

use std::fs::{self, File, Metadata};
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::OwnedHandle;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use cpu_time::ThreadTime;
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_BACKUP_SEMANTICS;

/// In how many nanoseconds times of files are kept.
pub const TIME_UNIT: u64 = 100;

/// How many symbolic links of a path are followed.
pub const MAX_LINKS: usize = 63;

/// Makes a symbolic link.
pub fn symlink(contents: impl AsRef<Path>, path: impl AsRef<Path>) {
    let (contents, path) = (contents.as_ref(), path.as_ref());
    let contents = PathBuf::from(contents.to_str().unwrap().replace('/', "\\"));
    let is_directory = path.parent().is_some_and(|parent| parent.join(&contents).is_dir());
    match is_directory {
        true => std::os::windows::fs::symlink_dir(&contents, path).unwrap(),
        false => std::os::windows::fs::symlink_file(&contents, path).unwrap(),
    }
}

/// Whether symbolic links can be made here: not without a privilege, and not with Wine before 9.
pub fn has_links() -> bool {
    static HAS_LINKS: OnceLock<bool> = OnceLock::new();
    *HAS_LINKS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link");
        let made = std::os::windows::fs::symlink_file("nothing", &path).is_ok();
        let has_links = made && fs::read_link(&path).is_ok();
        if !has_links {
            eprintln!("SKIPPED: what needs symbolic links, as none can be made here");
        }
        has_links
    })
}

/// Whether names of files that are open vanish at once when they are removed: not with Wine, and not everywhere but on
/// NTFS.
pub fn removes_at_once() -> bool {
    static REMOVES: OnceLock<bool> = OnceLock::new();
    *REMOVES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let open = File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let removes = !fs::exists(&path).unwrap_or(true);
        drop(open);
        if !removes {
            eprintln!("SKIPPED: what becomes of open files without names, as they keep them here");
        }
        removes
    })
}

/// A name from bytes.
pub fn name(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::str::from_utf8(bytes).unwrap())
}

/// All that is known of a file and can change.
pub fn known(path: &Path, metadata: &Metadata) -> Vec<i64> {
    vec![
        metadata.file_attributes().into(),
        links(path) as i64,
        metadata.last_write_time() as i64,
        metadata.creation_time() as i64,
    ]
}

fn information(path: &Path) -> winapi_util::file::Information {
    let mut options = File::options();
    // Links are links here.
    options.access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | 0x0020_0000);
    winapi_util::file::information(&options.open(path).unwrap()).unwrap()
}

/// How many names a file has.
pub fn links(path: &Path) -> u64 {
    information(path).number_of_links()
}

/// The number of a file.
pub fn inode(path: &Path) -> u64 {
    information(path).file_index()
}

/// When something about a file was changed, as a guest should be told.
pub fn changed(metadata: &Metadata) -> u64 {
    let modified = metadata.modified().unwrap();
    modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// The end of a pipe, as a file.
pub fn file(end: impl Into<OwnedHandle>) -> File {
    File::from(end.into())
}

/// How long this thread has been computing.
pub fn computed() -> Duration {
    ThreadTime::now().as_duration()
}

/// Asserts that this process has nothing open in a folder, if that is how many it should have. Other numbers are known to
/// nobody.
pub fn assert_open(folder: &Path, count: usize) {
    if count > 0 {
        return;
    }
    let mut options = File::options();
    options.read(true).share_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let metadata = fs::symlink_metadata(folder).unwrap();
    if metadata.is_symlink() {
        return;
    }
    if let Err(error) = options.open(folder) {
        panic!("{} is still open: {error}", folder.display());
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(folder).unwrap() {
            assert_open(&entry.unwrap().path(), 0);
        }
    }
}
