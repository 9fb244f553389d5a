//! What tests have to know of Unix.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// In how many nanoseconds times of files are kept.
pub const TIME_UNIT: u64 = 1;

/// How many symbolic links of a path are followed.
pub const MAX_LINKS: usize = 40;

/// Makes a symbolic link.
pub fn symlink(contents: impl AsRef<Path>, path: impl AsRef<Path>) {
    std::os::unix::fs::symlink(contents, path).unwrap();
}

/// Whether symbolic links can be made here.
pub fn has_links() -> bool {
    true
}

/// Whether names of files that are open vanish at once when they are removed.
pub fn removes_at_once() -> bool {
    true
}

/// A name from bytes.
pub fn name(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// All that is known of a file and can change.
pub fn known(_path: &Path, metadata: &Metadata) -> Vec<i64> {
    vec![
        metadata.mode().into(),
        metadata.nlink() as i64,
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ]
}

/// How many names a file has.
pub fn links(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().nlink()
}

/// The number of a file.
pub fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

/// When something about a file was changed, as a guest should be told.
pub fn changed(metadata: &Metadata) -> u64 {
    metadata.ctime() as u64 * 1_000_000_000 + metadata.ctime_nsec() as u64
}

/// The end of a pipe, as a file.
pub fn file(end: impl Into<OwnedFd>) -> File {
    File::from(end.into())
}

/// How long this thread has been computing.
pub fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Asserts that this process has so many things open in a folder. Only Linux tells.
pub fn assert_open(folder: &Path, count: usize) {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = folder.canonicalize().unwrap();
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    assert_eq!(targets.filter(|target| target.starts_with(&folder)).count(), count, "open files");
}
