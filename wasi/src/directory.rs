//! Open directories, and what is below them.
//!
//! In: a guest's path, relative to a directory that it has. Out: what is there, opened, made, renamed, removed.
//!
//! Always true: no path leads out of the directory, by whatever links, and whoever changes them meanwhile. `cap-std` sees to
//! that, on Linux with the system's help (`openat2`). What was made read-only stays as it is.

use std::path::Path;

use cap_std::fs::Dir;

use crate::errno::{Errno, Result};
use crate::file::OpenFile;
use crate::flags::{FdFlags, OFlags};
use crate::host;
use crate::host::opening::{Create, How};
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
        let how = How {
            read: read || !write,
            write: write || truncate,
            truncate,
            create: Create::Never,
            follow,
            directory_only,
            flags,
        };
        let open = |how| host::directory::open(&self.dir, path, how);
        let file = if !oflags.contains(OFlags::CREAT) {
            open(how)?
        } else if oflags.contains(OFlags::EXCL) {
            open(How { write: true, create: Create::Always, ..how })?
        } else if write {
            open(How { create: Create::IfMissing, ..how })?
        } else {
            // `cap-std`, like the standard library, only makes files that are written, and those that are there may not be
            // writable.
            match open(how) {
                Err(Errno::Noent) => open(How { write: true, create: Create::IfMissing, ..how })?,
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
        let mut opened = OpenFile::new(file, self.perms == FsPerms::ReadWrite);
        if flags.contains(FdFlags::APPEND) {
            opened.set_flags(flags)?;
        }
        Ok(Opened::File(opened))
    }

    /// What is known about it.
    pub fn filestat(&self) -> Result<Filestat> {
        Ok(host::metadata::filestat(&self.dir.dir_metadata()?))
    }

    /// What is known about what is below it.
    pub fn path_filestat(&self, path: &Path, follow: bool) -> Result<Filestat> {
        Ok(host::metadata::filestat(&host::directory::metadata(&self.dir, path, follow)?))
    }

    /// Sets its times.
    pub fn set_times(&self, accessed: Option<NewTime>, modified: Option<NewTime>) -> Result<()> {
        host::directory::set_times(self.mutable()?, Path::new("."), true, accessed, modified)
    }

    /// Sets the times of what is below it.
    pub fn set_path_times(
        &self,
        path: &Path,
        follow: bool,
        accessed: Option<NewTime>,
        modified: Option<NewTime>,
    ) -> Result<()> {
        host::directory::set_times(self.mutable()?, path, follow, accessed, modified)
    }

    /// Waits until its entries are on the disk.
    pub fn sync(&self, only_data: bool) -> Result<()> {
        host::directory::sync(&self.dir, only_data)
    }

    /// Makes a directory.
    pub fn create(&self, path: &Path) -> Result<()> {
        host::directory::create(self.mutable()?, path)
    }

    /// Removes an empty directory.
    pub fn remove(&self, path: &Path) -> Result<()> {
        host::directory::remove(self.mutable()?, path)
    }

    /// Removes a name of something that is no directory.
    pub fn unlink(&self, path: &Path) -> Result<()> {
        host::directory::unlink(self.mutable()?, path)
    }

    /// Gives a file, or a symbolic link, another name, which may be in another directory.
    pub fn link(&self, path: &Path, to: &Directory, new: &Path) -> Result<()> {
        host::directory::link(self.mutable()?, path, to.mutable()?, new)
    }

    /// Gives something another name instead of the one it has.
    pub fn rename(&self, path: &Path, to: &Directory, new: &Path) -> Result<()> {
        host::directory::rename(self.mutable()?, path, to.mutable()?, new)
    }

    /// Makes a symbolic link. It may lead anywhere but to an absolute path: it is there for the host, too.
    pub fn symlink(&self, contents: &Path, path: &Path) -> Result<()> {
        host::directory::symlink(contents, self.mutable()?, path)
    }

    /// The contents of a symbolic link, whatever they are.
    pub fn read_link(&self, path: &Path) -> Result<Vec<u8>> {
        host::directory::read_link(&self.dir, path)
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
            let filetype = entry.file_type().map_or(FileType::Unknown, host::metadata::filetype);
            let name = host::path::to_guest(&entry.file_name())?;
            entries.add(host::directory::inode(&entry), filetype, &name)?;
        }
        Ok(entries)
    }
}
