//! What is known about files.

use std::time::SystemTime;

use cap_fs_ext::{FileTypeExt, MetadataExt};
use cap_std::fs::Metadata;

use super::this;
use crate::types::{FileType, Filestat};

/// What is known about a file, for a guest.
pub fn filestat(metadata: &Metadata) -> Filestat {
    let time = |time: std::io::Result<cap_std::time::SystemTime>| {
        time.map_or(0, |time| nanoseconds(time.into_std()))
    };
    Filestat {
        device: metadata.dev(),
        inode: metadata.ino(),
        filetype: filetype(metadata.file_type()),
        links: metadata.nlink(),
        size: metadata.len(),
        accessed: time(metadata.accessed()),
        modified: time(metadata.modified()),
        changed: this::file::changed(metadata),
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
    } else if ty.is_block_device() {
        FileType::BlockDevice
    } else if ty.is_char_device() {
        FileType::CharacterDevice
    } else if ty.is_socket() {
        FileType::SocketStream
    } else {
        FileType::Unknown
    }
}

/// A time in nanoseconds since 1970. Earlier ones are 1970, which is as early as the interface can say.
pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
