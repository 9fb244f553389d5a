//! What files and directories can do beyond the standard library.
//!
//! Paths of guests are bytes here, and may be anything that the system takes for a name.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::num::NonZeroU64;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cap_fs_ext::{DirExt, FileTypeExt, MetadataExt, SystemTimeSpec};
use cap_std::fs::{Dir, DirEntry, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, OFlags, Timespec, Timestamps};
use rustix::io::{Errno, retry_on_intr};

use crate::flags::FdFlags;
use crate::types::{Advice, FileType, Filestat, NewTime};

/// Opens a directory of the host's.
pub fn open_directory(path: &Path) -> io::Result<Dir> {
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

/// Opens what is below a directory. With `directory_only`, what is no directory is not even opened, as that may have
/// effects of its own.
pub fn open(
    directory: &Dir,
    path: &Path,
    options: &OpenOptions,
    directory_only: bool,
) -> io::Result<File> {
    let mut options = options.clone();
    if directory_only {
        options.custom_flags(OFlags::DIRECTORY.bits() as i32);
    }
    Ok(directory.open_with(path, &options)?.into_std())
}

/// Waits until the entries of a directory are on the disk.
pub fn sync_directory(directory: &Dir, only_data: bool) -> io::Result<()> {
    Ok(retry_on_intr(|| match only_data {
        true => rustix::fs::fdatasync(directory),
        false => rustix::fs::fsync(directory),
    })?)
}

/// A guest's path.
pub fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// A path without the slashes at its end, and whether there were any. The root keeps one.
pub fn without_slashes(path: &Path) -> (&Path, bool) {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes.iter().rposition(|&byte| byte != b'/').map_or(1, |last| last + 1);
    let end = end.min(bytes.len());
    (Path::new(OsStr::from_bytes(&bytes[..end])), end < bytes.len())
}

/// A name or path, for a guest.
pub fn bytes(path: &OsStr) -> &[u8] {
    path.as_bytes()
}

/// Reads from a position, and leaves the file's own where it is.
pub fn read_at(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::preadv(file, buffers, offset))?)
}

/// Writes to a position, and leaves the file's own where it is. To a file that is appended to it writes to the end, as
/// Linux does.
pub fn write_at(file: &File, buffers: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::pwritev(file, buffers, offset))?)
}

/// Sets those flags that can be set while a file is open: [`FdFlags::APPEND`] and [`FdFlags::NONBLOCK`].
pub fn set_flags(file: &File, flags: FdFlags) -> io::Result<()> {
    let mut now = rustix::fs::fcntl_getfl(file)?;
    now.set(OFlags::APPEND, flags.contains(FdFlags::APPEND));
    now.set(OFlags::NONBLOCK, flags.contains(FdFlags::NONBLOCK));
    Ok(rustix::fs::fcntl_setfl(file, now)?)
}

/// Makes sure that there is room, and the file is as long.
pub fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let how = rustix::fs::FallocateFlags::empty();
    Ok(retry_on_intr(|| rustix::fs::fallocate(file, how, offset, len))?)
}

/// Tells the system how a part of the file will be used. A length of 0 means to the end.
pub fn advise(file: &File, offset: u64, len: u64, advice: Advice) -> io::Result<()> {
    use rustix::fs::Advice as System;

    let advice = match advice {
        Advice::Normal => System::Normal,
        Advice::Sequential => System::Sequential,
        Advice::Random => System::Random,
        Advice::WillNeed => System::WillNeed,
        Advice::DontNeed => System::DontNeed,
        Advice::NoReuse => System::NoReuse,
    };
    Ok(rustix::fs::fadvise(file, offset, NonZeroU64::new(len), advice)?)
}

/// Sets the times of access and of modification of something that is open.
pub fn set_times(
    file: &File,
    accessed: Option<NewTime>,
    modified: Option<NewTime>,
) -> io::Result<()> {
    Ok(rustix::fs::futimens(file, &timestamps(accessed, modified))?)
}

fn timestamps(accessed: Option<NewTime>, modified: Option<NewTime>) -> Timestamps {
    let time = |new| match new {
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        Some(NewTime::Now) => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
        Some(NewTime::At(nanoseconds)) => {
            let (tv_sec, tv_nsec) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
            // Both fit: 64 bits of nanoseconds are less than 600 years.
            Timespec { tv_sec: tv_sec as _, tv_nsec: tv_nsec as _ }
        }
    };
    Timestamps { last_access: time(accessed), last_modification: time(modified) }
}

/// Sets the times of what is below a directory.
pub fn set_path_times(
    directory: &Dir,
    path: &Path,
    follow: bool,
    accessed: Option<NewTime>,
    modified: Option<NewTime>,
) -> io::Result<()> {
    if follow {
        // Neither for reading nor for writing: that may not be allowed, or have effects of its own.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::PATH.bits() as i32);
        let file = directory.open_with(path, &options)?;
        let times = timestamps(accessed, modified);
        match rustix::fs::utimensat(file, "", &times, AtFlags::EMPTY_PATH) {
            // Linux before 5.8 only knows files that were really opened, as `cap-std` does it.
            Err(Errno::INVAL) => {}
            result => return Ok(result?),
        }
    }
    let time = |new| match new {
        NewTime::Now => SystemTimeSpec::SymbolicNow,
        NewTime::At(nanoseconds) => SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(
            SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds),
        )),
    };
    let (accessed, modified) = (accessed.map(time), modified.map(time));
    match follow {
        true => directory.set_times(path, accessed, modified),
        false => directory.set_symlink_times(path, accessed, modified),
    }
}

/// What is known about a file, for a guest.
pub fn filestat(metadata: &Metadata) -> Filestat {
    Filestat {
        device: MetadataExt::dev(metadata),
        inode: MetadataExt::ino(metadata),
        filetype: filetype(metadata.file_type()),
        links: MetadataExt::nlink(metadata),
        size: metadata.len(),
        accessed: nanoseconds(metadata.atime(), metadata.atime_nsec()),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// What a file is, for a guest.
pub fn filetype(ty: cap_std::fs::FileType) -> FileType {
    if ty.is_dir() {
        FileType::Directory
    } else if ty.is_file() {
        FileType::RegularFile
    } else if ty.is_symlink() {
        FileType::SymbolicLink
    } else if FileTypeExt::is_block_device(&ty) {
        FileType::BlockDevice
    } else if FileTypeExt::is_char_device(&ty) {
        FileType::CharacterDevice
    } else if FileTypeExt::is_socket(&ty) {
        FileType::SocketStream
    } else {
        FileType::Unknown
    }
}

/// The number of what an entry of a directory names.
pub fn inode(entry: &DirEntry) -> u64 {
    entry.ino()
}

/// A time since 1970. Earlier ones are 1970, which is as early as the interface can say.
pub(super) fn nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    let Ok(seconds) = u64::try_from(seconds) else { return 0 };
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(nanoseconds).unwrap_or(0))
}
