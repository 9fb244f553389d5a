//! Open directories, and what is below them.
//!
//! In: a guest's path, relative to a directory that it has. Out: what is there, opened, made, renamed, removed.
//!
//! Always true: no path leads out of the directory, by whatever links, and whoever changes them meanwhile. `cap-std` sees to
//! that, on Linux with the system's help (`openat2`). What was made read-only stays as it is.

use std::path::Path;

use cap_fs_ext::{
    DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt,
};
use cap_std::fs::{Dir, OpenOptions};

use crate::errno::{Errno, Result};
use crate::file::OpenFile;
use crate::flags::{FdFlags, OFlags};
use crate::host;
use crate::types::{self, FileType, Filestat, NewTime};

/// What guests may do in a directory that was opened for them, and everywhere below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FsPerms {
    /// See and read what is there.
    ReadOnly,
    /// That, and change it.
    ReadWrite,
}

/// A directory that a guest has opened, or that was opened for it.
pub struct Directory {
    dir: Dir,
    perms: FsPerms,
    listing: Listing,
}

/// What was in a directory when it was last read from the beginning. A guest that reads on where it has stopped neither misses
/// an entry nor sees one twice, whatever it made or removed in between.
enum Listing {
    /// It is not known, or not any more.
    Unknown,
    /// All of it.
    Known(Entries),
    /// The guest has seen the end, behind so many entries.
    Over(u64),
}

/// What is in a directory, as guests read it.
#[derive(Default)]
struct Entries {
    /// The entries, each a record and a name: see [`types::dirent`].
    bytes: Vec<u8>,
    /// Where each begins.
    begins: Vec<usize>,
}

impl Entries {
    fn add(&mut self, inode: u64, filetype: FileType, name: &[u8]) -> Result<()> {
        let name_len = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
        self.begins.push(self.bytes.len());
        let next = self.begins.len() as u64;
        self.bytes.extend(types::dirent(next, inode, name_len, filetype));
        self.bytes.extend(name);
        Ok(())
    }
}

/// How something is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// What.
    pub path: &'a Path,
    /// Whether a symbolic link is followed if it is the path's last component.
    pub follow: bool,
    /// What else is done.
    pub oflags: OFlags,
    /// How it will behave.
    pub flags: FdFlags,
    /// Whether it will be read.
    pub read: bool,
    /// Whether it will be written.
    pub write: bool,
}

/// What was opened.
pub enum Opened {
    /// A file, or something that is used like one.
    File(OpenFile),
    /// A directory.
    Directory(Directory),
}

impl Directory {
    /// A directory of the host's.
    pub fn new(dir: Dir, perms: FsPerms) -> Directory {
        Directory { dir, perms, listing: Listing::Unknown }
    }

    /// The permission to change what is there.
    fn mutable(&self) -> Result<&Dir> {
        match self.perms {
            FsPerms::ReadOnly => Err(Errno::Perm),
            FsPerms::ReadWrite => Ok(&self.dir),
        }
    }

    /// Opens what is below it.
    pub fn open(&self, opening: Opening<'_>) -> Result<Opened> {
        let Opening { path, follow, oflags, flags, read, write } = opening;
        let truncate = oflags.contains(OFlags::TRUNC);
        let directory_only = oflags.contains(OFlags::DIRECTORY);
        if directory_only && oflags != OFlags::DIRECTORY {
            return Err(Errno::Inval);
        }
        if write || truncate || oflags.contains(OFlags::CREAT) {
            self.mutable()?;
        }
        let mut options = OpenOptions::new();
        options.read(read || !write).write(write || truncate).truncate(truncate);
        options.maybe_dir(true).follow(match follow {
            true => FollowSymlinks::Yes,
            false => FollowSymlinks::No,
        });
        options.sync(flags.contains(FdFlags::SYNC)).dsync(flags.contains(FdFlags::DSYNC));
        options.rsync(flags.contains(FdFlags::RSYNC)).nonblock(flags.contains(FdFlags::NONBLOCK));
        let open =
            |options: &OpenOptions| host::file::open(&self.dir, path, options, directory_only);
        let file = if !oflags.contains(OFlags::CREAT) {
            open(&options)?
        } else if oflags.contains(OFlags::EXCL) {
            open(options.write(true).create_new(true))?
        } else if write {
            open(options.create(true))?
        } else {
            // `cap-std`, like the standard library, only makes files that are written, and those that are there may not be
            // writable.
            match open(&options).map_err(Errno::from) {
                Err(Errno::Noent) => open(options.write(true).create(true))?,
                result => result?,
            }
        };
        if file.metadata()?.is_dir() {
            if oflags.contains(OFlags::CREAT) {
                return Err(Errno::Isdir);
            }
            let opened = Directory::new(Dir::from_std_file(file), self.perms);
            return Ok(Opened::Directory(opened));
        }
        let opened = OpenFile::new(file, self.perms == FsPerms::ReadWrite);
        if flags.contains(FdFlags::APPEND) {
            opened.set_flags(flags)?;
        }
        Ok(Opened::File(opened))
    }

    /// What is known about it.
    pub fn filestat(&self) -> Result<Filestat> {
        Ok(host::file::filestat(&self.dir.dir_metadata()?))
    }

    /// What is known about what is below it.
    pub fn path_filestat(&self, path: &Path, follow: bool) -> Result<Filestat> {
        let dir = &self.dir;
        let metadata = if follow { dir.metadata(path) } else { dir.symlink_metadata(path) };
        Ok(host::file::filestat(&metadata?))
    }

    /// Sets its times.
    pub fn set_times(&self, accessed: Option<NewTime>, modified: Option<NewTime>) -> Result<()> {
        Ok(host::file::set_path_times(self.mutable()?, Path::new("."), true, accessed, modified)?)
    }

    /// Sets the times of what is below it.
    pub fn set_path_times(
        &self,
        path: &Path,
        follow: bool,
        accessed: Option<NewTime>,
        modified: Option<NewTime>,
    ) -> Result<()> {
        Ok(host::file::set_path_times(self.mutable()?, path, follow, accessed, modified)?)
    }

    /// Waits until its entries are on the disk.
    pub fn sync(&self, only_data: bool) -> Result<()> {
        Ok(host::file::sync_directory(&self.dir, only_data)?)
    }

    /// Makes a directory.
    pub fn create(&self, path: &Path) -> Result<()> {
        Ok(self.mutable()?.create_dir(path)?)
    }

    /// Removes an empty directory.
    pub fn remove(&self, path: &Path) -> Result<()> {
        // `cap-std` takes what is behind a slash for a name of its own.
        let (path, _) = host::file::without_slashes(path);
        Ok(self.mutable()?.remove_dir(path)?)
    }

    /// Removes a name of something that is no directory.
    pub fn unlink(&self, path: &Path) -> Result<()> {
        Ok(self.mutable()?.remove_file_or_symlink(path)?)
    }

    /// Gives a file, or a symbolic link, another name, which may be in another directory.
    pub fn link(&self, path: &Path, to: &Directory, new: &Path) -> Result<()> {
        Ok(self.mutable()?.hard_link(path, to.mutable()?, new)?)
    }

    /// Gives something another name instead of the one it has.
    pub fn rename(&self, path: &Path, to: &Directory, new: &Path) -> Result<()> {
        let (from_dir, to_dir) = (self.mutable()?, to.mutable()?);
        let ((path, slash), (new, new_slash)) =
            (host::file::without_slashes(path), host::file::without_slashes(new));
        // As the system has it, which `cap-std` does not ask: only names of directories have slashes behind them. That `.`,
        // `..` and the root cannot be replaced, it knows.
        let is_name = new.file_name().is_some();
        if is_name && (slash || new_slash) && !from_dir.symlink_metadata(path)?.is_dir() {
            return Err(Errno::Notdir);
        }
        Ok(from_dir.rename(path, to_dir, new)?)
    }

    /// Makes a symbolic link. It may lead anywhere but to an absolute path: it is there for the host, too.
    pub fn symlink(&self, contents: &Path, path: &Path) -> Result<()> {
        Ok(DirExt::symlink(self.mutable()?, contents, path)?)
    }

    /// The contents of a symbolic link, whatever they are.
    pub fn read_link(&self, path: &Path) -> Result<Vec<u8>> {
        let contents = self.dir.read_link_contents(path)?;
        Ok(host::file::bytes(contents.as_os_str()).to_vec())
    }

    /// Reads its entries anew if they are wanted from the first on, or if they are not known (any more). Returns whether it
    /// did.
    pub fn list(&mut self, first: u64) -> Result<bool> {
        let is_known = match self.listing {
            Listing::Unknown => false,
            Listing::Known(_) => true,
            Listing::Over(count) => first >= count,
        };
        if is_known && first != 0 {
            return Ok(false);
        }
        self.listing = Listing::Known(self.read_entries()?);
        Ok(true)
    }

    /// The entries from one on, as they were listed.
    pub fn entries(&self, first: u64) -> &[u8] {
        let Listing::Known(entries) = &self.listing else { return &[] };
        let begin = usize::try_from(first).ok().and_then(|first| entries.begins.get(first));
        begin.map_or(&[], |&begin| &entries.bytes[begin..])
    }

    /// How much memory the list of entries takes.
    pub fn listed_bytes(&self) -> usize {
        let Listing::Known(entries) = &self.listing else { return 0 };
        entries.bytes.capacity() + entries.begins.capacity() * size_of::<usize>()
    }

    /// Forgets the list. Who reads on gets what is in the directory then.
    pub fn forget_entries(&mut self) {
        self.listing = Listing::Unknown;
    }

    /// Forgets the list, and remembers where it ended, for those who look once more.
    pub fn end_entries(&mut self) {
        if let Listing::Known(entries) = &self.listing {
            self.listing = Listing::Over(entries.begins.len() as u64);
        }
    }

    fn read_entries(&self) -> Result<Entries> {
        let mut entries = Entries::default();
        // What is above the directory is none of the guest's business.
        let inode = self.filestat()?.inode;
        for name in [b".".as_slice(), b".."] {
            entries.add(inode, FileType::Directory, name)?;
        }
        for entry in self.dir.entries()? {
            let entry = entry?;
            // It may be gone by now, where the system has to look.
            let filetype = entry.file_type().map_or(FileType::Unknown, host::file::filetype);
            let name = entry.file_name();
            entries.add(host::file::inode(&entry), filetype, host::file::bytes(&name))?;
        }
        Ok(entries)
    }
}
