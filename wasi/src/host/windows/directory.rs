//! Directories, and what is below them: what `cap-std` does, made to look as on Unix.
//!
//! Always true: a directory that is open for a guest can be neither renamed nor removed, by nobody. The system resolves
//! paths by name, so `cap-std` relies on this; that is why directories are opened its way.

use std::fs::File;
use std::io;
use std::path::Path;

use cap_fs_ext::OpenOptionsMaybeDirExt;
use cap_fs_ext::{DirEntryExt, DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt};
use cap_std::fs::{Dir, DirEntry, Metadata, OpenOptions, OpenOptionsExt};
use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_WRITE_ATTRIBUTES,
};

use super::file;
use super::path::to_guest;
use super::place::Place;
use crate::errno::{Errno, Result};
use crate::host::opening::{Create, How};
use crate::types::NewTime;

/// Opens a directory of the host's.
pub fn open_ambient(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, cap_std::ambient_authority())
}

/// Opens what is below a directory.
pub fn open(directory: &Dir, path: &Path, how: How) -> Result<File> {
    let place = Place::find(directory, path)?;
    let creates = how.create != Create::Never;
    if creates && place.slash {
        return Err(Errno::Isdir);
    }
    // A link at the end is not followed to make something that must not be there.
    let follow = how.follow && how.create != Create::Always;
    match place.metadata(directory, follow) {
        Ok(_) if how.create == Create::Always => Err(Errno::Exist),
        Ok(metadata) if metadata.is_dir() => {
            if how.write || how.truncate || creates {
                return Err(Errno::Isdir);
            }
            open_directory(directory, &place, how.follow)
        }
        Ok(_) if how.directory_only => Err(Errno::Notdir),
        Ok(metadata) if metadata.is_symlink() => Err(Errno::Loop),
        Ok(_) => open_file(directory, &place, how),
        Err(Errno::Noent) if creates => open_file(directory, &place, how),
        Err(error) => Err(error),
    }
}

/// Opens what is a directory, unless somebody has exchanged it meanwhile.
fn open_directory(directory: &Dir, place: &Place, follow: bool) -> Result<File> {
    Ok(match follow || place.slash {
        true => directory.open_dir(place.path())?,
        false => directory.open_dir_nofollow(place.path())?,
    }
    .into_std_file())
}

/// Opens what is no directory, unless somebody has exchanged it meanwhile. Others may rename and remove it while it is open.
fn open_file(directory: &Dir, place: &Place, how: How) -> Result<File> {
    let mut options = how.options();
    options.maybe_dir(false);
    let mut access = 0;
    if how.read {
        access |= GENERIC_READ;
    }
    if how.write {
        access |= GENERIC_WRITE;
    }
    // Its owner may set its times, whatever else it was opened for.
    let open = |access| directory.open_with(place.path(), options.clone().access_mode(access));
    let file = match open(access | FILE_WRITE_ATTRIBUTES).map_err(Errno::from) {
        Err(Errno::Acces) => open(access)?,
        result => result?,
    };
    Ok(file.into_std())
}

/// What is known about what is below a directory.
pub fn metadata(directory: &Dir, path: &Path, follow: bool) -> Result<Metadata> {
    let place = Place::find(directory, path)?;
    if follow {
        return place.metadata(directory, true);
    }
    // A slash at the end says nothing here, as on other systems.
    Ok(directory.symlink_metadata(place.path())?)
}

/// Waits until the entries of a directory are on the disk: the system has no call for that, and keeps a journal.
pub fn sync(_directory: &Dir, _only_data: bool) -> Result<()> {
    Ok(())
}

/// Sets the times of what is below a directory.
pub fn set_times(
    directory: &Dir,
    path: &Path,
    follow: bool,
    accessed: Option<NewTime>,
    modified: Option<NewTime>,
) -> Result<()> {
    let place = Place::find(directory, path)?;
    if place.slash {
        place.metadata(directory, true)?;
    }
    let mut options = OpenOptions::new();
    options.access_mode(FILE_WRITE_ATTRIBUTES);
    let follow = follow || place.slash;
    options.custom_flags(match follow {
        true => FILE_FLAG_BACKUP_SEMANTICS,
        false => FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
    });
    options.follow(if follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
    let opened = directory.open_with(place.path(), &options)?.into_std();
    Ok(file::set_times(&opened, accessed, modified)?)
}

/// Makes a directory.
pub fn create(directory: &Dir, path: &Path) -> Result<()> {
    let place = Place::find(directory, path)?;
    if place.is_dot {
        return Err(Errno::Exist);
    }
    Ok(directory.create_dir(place.path())?)
}

/// Removes an empty directory.
pub fn remove(directory: &Dir, path: &Path) -> Result<()> {
    let place = Place::find(directory, path)?;
    if place.is_dot {
        return Err(Errno::Inval);
    }
    if !directory.symlink_metadata(place.path())?.is_dir() {
        return Err(Errno::Notdir);
    }
    Ok(directory.remove_dir(place.path())?)
}

/// Removes a name of something that is no directory.
pub fn unlink(directory: &Dir, path: &Path) -> Result<()> {
    let place = Place::find(directory, path)?;
    if place.metadata(directory, false)?.is_dir() {
        return Err(Errno::Isdir);
    }
    Ok(directory.remove_file_or_symlink(place.path())?)
}

/// Gives a file, or a symbolic link, another name.
pub fn link(from: &Dir, path: &Path, to: &Dir, new: &Path) -> Result<()> {
    let (place, new) = (Place::find(from, path)?, Place::find(to, new)?);
    let is_directory = place.metadata(from, false)?.is_dir();
    new.vacant(to)?;
    if is_directory {
        return Err(Errno::Perm);
    }
    Ok(from.hard_link(place.path(), to, new.path())?)
}

/// Gives something another name instead of the one it has. What has the new name already is replaced, if it is of the same
/// kind, and empty if it is a directory.
pub fn rename(from: &Dir, path: &Path, to: &Dir, new: &Path) -> Result<()> {
    let (place, new) = (Place::find(from, path)?, Place::find(to, new)?);
    if place.is_dot || new.is_dot {
        return Err(Errno::Busy);
    }
    let moved = from.symlink_metadata(place.path())?;
    if (place.slash || new.slash) && !moved.is_dir() {
        return Err(Errno::Notdir);
    }
    let replaced = match to.symlink_metadata(new.path()).map_err(Errno::from) {
        Err(Errno::Noent) => None,
        result => Some(result?),
    };
    if moved.is_dir() && is_inside(to, &new, &moved)? {
        return Err(Errno::Inval);
    }
    let mut replaces_directory = false;
    match replaced {
        Some(replaced) if is_same(&moved, &replaced) => {
            // Two names of one thing both stay; but one name may be written in another way.
            if !is_one_name(&place, &new) {
                return Ok(());
            }
        }
        Some(replaced) if moved.is_dir() && !replaced.is_dir() => return Err(Errno::Notdir),
        Some(replaced) if !moved.is_dir() && replaced.is_dir() => return Err(Errno::Isdir),
        // Only some versions of the system replace directories.
        Some(_) if moved.is_dir() => {
            to.remove_dir(new.path())?;
            replaces_directory = true;
        }
        Some(_) | None => {}
    }
    let result = from.rename(place.path(), to, new.path());
    if result.is_err() && replaces_directory {
        to.create_dir(new.path())?;
    }
    Ok(result?)
}

/// Whether a place is somewhere below a directory, as far as can be seen from where the place is looked for.
fn is_inside(directory: &Dir, place: &Place, other: &Metadata) -> Result<bool> {
    if is_same(&directory.dir_metadata()?, other) {
        return Ok(true);
    }
    let parents = place.path().ancestors().skip(1).filter(|path| !path.as_os_str().is_empty());
    for parent in parents {
        let links_may_lead_up = directory.canonicalize(parent)?;
        for parent in links_may_lead_up.ancestors().filter(|path| !path.as_os_str().is_empty()) {
            if is_same(&directory.metadata(parent)?, other) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Whether two places have the same name but for the case of its letters.
fn is_one_name(one: &Place, other: &Place) -> bool {
    let name = |place: &Place| {
        place.path().file_name().and_then(|name| name.to_str()).map(str::to_lowercase)
    };
    name(one) == name(other)
}

/// Makes a symbolic link. The system wants to know whether it leads to a directory, and backslashes in it.
pub fn symlink(contents: &Path, directory: &Dir, path: &Path) -> Result<()> {
    let text = contents.to_str().ok_or(Errno::Ilseq)?;
    if text.starts_with('/') {
        return Err(Errno::Perm);
    }
    let place = Place::find(directory, path)?;
    place.vacant(directory)?;
    let target = place.path().parent().unwrap_or(Path::new("")).join(contents);
    let leads_to_directory = match metadata(directory, &target, true) {
        Ok(metadata) => metadata.is_dir(),
        // What is not there or outside may be anything; but these are always directories.
        Err(_) => matches!(text.rsplit('/').next(), Some("" | "." | "..")),
    };
    let contents = text.replace('/', "\\");
    match leads_to_directory {
        true => directory.symlink_dir(&contents, place.path())?,
        false => directory.symlink_file(&contents, place.path())?,
    }
    // There are systems that say they have made one.
    match directory.symlink_metadata(place.path()).map_err(Errno::from) {
        Err(Errno::Noent) => Err(Errno::Notsup),
        _ => Ok(()),
    }
}

/// The contents of a symbolic link.
pub fn read_link(directory: &Dir, path: &Path) -> Result<Vec<u8>> {
    let place = Place::find(directory, path)?;
    if !place.metadata(directory, false)?.is_symlink() {
        return Err(Errno::Inval);
    }
    let contents = directory.read_link_contents(place.path())?;
    let text = to_guest(contents.as_os_str())?;
    Ok(text.into_iter().map(|byte| if byte == b'\\' { b'/' } else { byte }).collect())
}

/// The number of what an entry of a directory names. 0 if it cannot be told, as of what somebody else keeps to himself.
pub fn inode(entry: &DirEntry) -> u64 {
    entry.full_metadata().map_or(0, |metadata| metadata.ino())
}
