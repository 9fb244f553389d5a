//! Names and paths: UTF-8 with slashes for guests, UTF-16 with backslashes for the system.
//!
//! Always true: a path that comes from a guest has only names that are names everywhere. Whatever else the system would
//! make of it (another drive, a device, a stream behind a file, a name without the dot at its end) is an error here.

use std::ffi::OsStr;
use std::path::Path;

use crate::errno::{Errno, Result};

/// The longest name, in the system's units.
const MAX_NAME: usize = 255;

/// Names of devices, which are in every directory, and with anything behind a dot.
const DEVICES: [&str; 6] = ["AUX", "CON", "CONIN$", "CONOUT$", "NUL", "PRN"];

/// The beginnings of names of devices that have a digit behind them.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// A guest's path. Slashes are the only separators.
pub fn from_guest(bytes: &[u8]) -> Result<&Path> {
    let path = std::str::from_utf8(bytes).map_err(|_| Errno::Ilseq)?;
    for name in path.split('/') {
        check(name)?;
    }
    Ok(Path::new(path))
}

/// A text of the system's, for a guest.
pub fn to_guest(text: &OsStr) -> Result<Vec<u8>> {
    Ok(text.to_str().ok_or(Errno::Ilseq)?.as_bytes().to_vec())
}

/// Checks that a component of a path means nothing but a name.
fn check(name: &str) -> Result<()> {
    if matches!(name, "." | "..") {
        return Ok(());
    }
    let is_forbidden = |c: char| c < ' ' || r#"\:<>"|?*"#.contains(c);
    // The system drops dots and spaces at the end, so that a file would have several names.
    if name.contains(is_forbidden) || name.ends_with(['.', ' ']) || is_device(name) {
        return Err(Errno::Inval);
    }
    if name.encode_utf16().count() > MAX_NAME { Err(Errno::Nametoolong) } else { Ok(()) }
}

/// Whether the system would open a device by this name.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let stem = stem.to_uppercase();
    let is_numbered = NUMBERED_DEVICES.iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|number| {
            let mut characters = number.chars();
            let is_digit = characters.next().is_some_and(|c| "0123456789¹²³".contains(c));
            is_digit && characters.next().is_none()
        })
    });
    is_numbered || DEVICES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_nothing_else() {
        for path in [
            "a", "a/b", "/", "", "..", "./../x", "a//b", ".x", "...x", "com", "com10", "con1",
            "nulx", "名前",
        ] {
            assert_eq!(from_guest(path.as_bytes()), Ok(Path::new(path)), "{path:?}");
        }
        for path in [
            r"a\b",
            r"..\x",
            "C:",
            "C:x",
            "x/C:/y",
            "file:stream",
            "file::$DATA",
            "a?",
            "a*",
            "a<",
            "a>",
            "a|",
            "a\"",
            "a\n",
            "a.",
            "a ",
            "...",
            " ",
            "x/a./y",
            "con",
            "NUL",
            "Com1",
            "lpt9.txt",
            "com¹",
            "nul .x",
            "dir/AUX",
            "conin$",
            "CONOUT$",
            "prn.a.b",
        ] {
            assert_eq!(from_guest(path.as_bytes()), Err(Errno::Inval), "{path:?}");
        }
        assert_eq!(from_guest(b"a\xff"), Err(Errno::Ilseq));
        assert_eq!(from_guest("ü".repeat(256).as_bytes()), Err(Errno::Nametoolong));
        assert!(from_guest("ü".repeat(255).as_bytes()).is_ok());
    }
}
