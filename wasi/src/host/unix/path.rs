//! Names and paths: bytes here as for guests, which may be anything that the system takes for a name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::errno::Result;

/// A guest's path.
pub fn from_guest(bytes: &[u8]) -> Result<&Path> {
    Ok(Path::new(OsStr::from_bytes(bytes)))
}

/// A text of the system's, for a guest.
pub fn to_guest(text: &OsStr) -> Result<Vec<u8>> {
    Ok(text.as_bytes().to_vec())
}

/// A path without the slashes at its end, and whether there were any. The root keeps one.
pub(super) fn without_slashes(path: &Path) -> (&Path, bool) {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes.iter().rposition(|&byte| byte != b'/').map_or(1, |last| last + 1);
    let end = end.min(bytes.len());
    (Path::new(OsStr::from_bytes(&bytes[..end])), end < bytes.len())
}
