//! Where a guest's path leads, as POSIX has it.
//!
//! In: a path as `path` lets it through. Out: one without `.`, `..` and slashes at its end, and what these said.
//!
//! Windows drops `name/..` and `name/.` from paths without looking whether `name` is there, and so does `cap-std` there. What
//! is asked here about a path is asked to say the right thing; that it does not lead outside `cap-std` sees to, each time.

use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata};

use crate::errno::{Errno, Result};

/// A place below a directory.
#[derive(Debug)]
pub struct Place {
    /// Where it is. Empty if it is the directory itself.
    path: PathBuf,
    /// Whether the path ends in `.` or `..`: there is a directory then, and nothing can be done with its name.
    pub is_dot: bool,
    /// Whether there was a slash at the end, behind a name.
    pub slash: bool,
}

impl Place {
    /// Where a path leads.
    pub fn find(directory: &Dir, path: &Path) -> Result<Place> {
        // Paths that are no UTF-8 come from nobody.
        let text = path.to_str().ok_or(Errno::Ilseq)?;
        if text.starts_with('/') {
            return Err(Errno::Perm);
        }
        let mut place = Place { path: PathBuf::new(), is_dot: false, slash: false };
        for name in text.split('/').filter(|name| !name.is_empty()) {
            place.is_dot = matches!(name, "." | "..");
            if !place.is_dot {
                place.path.push(name);
                continue;
            }
            if !place.path.as_os_str().is_empty() {
                place.path = real(directory, &place.path)?;
            }
            if name == ".." && !place.path.pop() {
                return Err(Errno::Perm);
            }
        }
        place.slash = text.ends_with('/') && !place.is_dot;
        Ok(place)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path }
    }

    /// What is known about what is there. Where there is a slash at the end, a link is always followed, to a directory.
    pub fn metadata(&self, directory: &Dir, follow: bool) -> Result<Metadata> {
        if !follow && !self.slash {
            return Ok(directory.symlink_metadata(self.path())?);
        }
        let metadata = directory.metadata(self.path())?;
        if self.slash && !metadata.is_dir() { Err(Errno::Notdir) } else { Ok(metadata) }
    }

    /// Makes sure that something new can be called so: there is nothing yet, and it need not be a directory.
    pub fn vacant(&self, directory: &Dir) -> Result<()> {
        if self.is_dot {
            return Err(Errno::Exist);
        }
        match self.metadata(directory, false) {
            Ok(_) => Err(Errno::Exist),
            Err(Errno::Noent) if !self.slash => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The path of a directory without symbolic links.
fn real(directory: &Dir, path: &Path) -> Result<PathBuf> {
    let path = directory.canonicalize(path)?;
    if !directory.metadata(&path)?.is_dir() {
        return Err(Errno::Notdir);
    }
    // A link to the directory itself.
    Ok(if path == Path::new(".") { PathBuf::new() } else { path })
}
