//! Directories, and what is below them: what `cap-std` does, and what it lacks.

use std::fs::File;
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cap_fs_ext::{DirExt, SystemTimeSpec};
use cap_std::fs::{Dir, DirEntry, Metadata, OpenOptionsExt};
use rustix::fs::OFlags;

use super::file::timestamps;
use super::own;
use super::path::{to_guest, without_slashes};
use crate::errno::{Errno, Result};
use crate::host::opening::How;
use crate::types::NewTime;

/// Opens a directory of the host's.
pub fn open_ambient(path: &Path) -> io::Result<Dir> {
    let mut options = File::options();
    options.read(true);
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, OFlags::DIRECTORY.bits() as i32);
    match options.open(path) {
        Ok(directory) => Ok(Dir::from_std_file(directory)),
        // One that cannot be listed, but passed through, is of use, too.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Dir::open_ambient_dir(path, cap_std::ambient_authority())
        }
        Err(error) => Err(error),
    }
}

/// Opens what is below a directory.
pub fn open(directory: &Dir, path: &Path, how: How) -> Result<File> {
    let mut options = how.options();
    if how.directory_only {
        options.custom_flags(OFlags::DIRECTORY.bits() as i32);
    }
    Ok(directory.open_with(path, &options)?.into_std())
}

/// What is known about what is below a directory.
pub fn metadata(directory: &Dir, path: &Path, follow: bool) -> Result<Metadata> {
    Ok(if follow { directory.metadata(path)? } else { directory.symlink_metadata(path)? })
}

/// Waits until the entries of a directory are on the disk.
pub fn sync(directory: &Dir, only_data: bool) -> Result<()> {
    Ok(own::sync_directory(directory, only_data)?)
}

/// Sets the times of what is below a directory.
pub fn set_times(
    directory: &Dir,
    path: &Path,
    follow: bool,
    accessed: Option<NewTime>,
    modified: Option<NewTime>,
) -> Result<()> {
    if follow && own::set_times_unopened(directory, path, &timestamps(accessed, modified))? {
        return Ok(());
    }
    let time = |new| match new {
        NewTime::Now => SystemTimeSpec::SymbolicNow,
        NewTime::At(nanoseconds) => SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(
            SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds),
        )),
    };
    let (accessed, modified) = (accessed.map(time), modified.map(time));
    match follow {
        true => directory.set_times(path, accessed, modified)?,
        false => directory.set_symlink_times(path, accessed, modified)?,
    }
    Ok(())
}

/// Makes a directory.
pub fn create(directory: &Dir, path: &Path) -> Result<()> {
    Ok(directory.create_dir(path)?)
}

/// Removes an empty directory.
pub fn remove(directory: &Dir, path: &Path) -> Result<()> {
    // `cap-std` takes what is behind a slash for a name of its own.
    Ok(directory.remove_dir(without_slashes(path).0)?)
}

/// Removes a name of something that is no directory.
pub fn unlink(directory: &Dir, path: &Path) -> Result<()> {
    Ok(directory.remove_file_or_symlink(path)?)
}

/// Gives a file, or a symbolic link, another name.
pub fn link(from: &Dir, path: &Path, to: &Dir, new: &Path) -> Result<()> {
    Ok(from.hard_link(path, to, new)?)
}

/// Gives something another name instead of the one it has.
pub fn rename(from: &Dir, path: &Path, to: &Dir, new: &Path) -> Result<()> {
    let ((path, slash), (new, new_slash)) = (without_slashes(path), without_slashes(new));
    // As the system has it, which `cap-std` does not ask: only names of directories have slashes behind them. That `.`,
    // `..` and the root cannot be replaced, it knows.
    let is_name = new.file_name().is_some();
    if is_name && (slash || new_slash) && !from.symlink_metadata(path)?.is_dir() {
        return Err(Errno::Notdir);
    }
    Ok(from.rename(path, to, new)?)
}

/// Makes a symbolic link.
pub fn symlink(contents: &Path, directory: &Dir, path: &Path) -> Result<()> {
    Ok(DirExt::symlink(directory, contents, path)?)
}

/// The contents of a symbolic link.
pub fn read_link(directory: &Dir, path: &Path) -> Result<Vec<u8>> {
    to_guest(directory.read_link_contents(path)?.as_os_str())
}

/// The number of what an entry of a directory names.
pub fn inode(entry: &DirEntry) -> u64 {
    entry.ino()
}
