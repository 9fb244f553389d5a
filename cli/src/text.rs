//! Text as the system has it: arguments, paths and variables. On Unix it is any bytes, on Windows nearly UTF-16.
//!
//! In: such text. Out: parts of it, cut where characters are that every system has; or bytes, for guests.
//!
//! Always true: what is no Unicode stays what it was, or is an error. It is never replaced by something else.

use std::ffi::{OsStr, OsString};

/// What stands behind a beginning, if it begins so.
pub fn strip_prefix(text: &OsStr, prefix: &str) -> Option<OsString> {
    let rest = text.as_encoded_bytes().strip_prefix(prefix.as_bytes())?;
    Some(part(rest))
}

/// What stands in front of an end, if it ends so.
pub fn strip_suffix(text: &OsStr, suffix: &str) -> Option<OsString> {
    let rest = text.as_encoded_bytes().strip_suffix(suffix.as_bytes())?;
    Some(part(rest))
}

/// What stands in front of the first separator and behind it, if there is one.
pub fn split_once(text: &OsStr, separator: &str) -> Option<(OsString, OsString)> {
    let bytes = text.as_encoded_bytes();
    let at = bytes.windows(separator.len()).position(|window| window == separator.as_bytes())?;
    Some((part(&bytes[..at]), part(&bytes[at + separator.len()..])))
}

/// A part of some text that begins and ends beside one of the strings above.
#[allow(unsafe_code)]
fn part(bytes: &[u8]) -> OsString {
    // SAFETY: text may be cut in front of and behind what is UTF-8 and not empty; where nothing was cut off, it is whole.
    unsafe { OsString::from_encoded_bytes_unchecked(bytes.to_vec()) }
}

/// What guests see of it: bytes where the system has bytes, and otherwise UTF-8.
///
/// # Errors
/// If there is no UTF-8 for it.
pub fn for_guests(text: &OsStr) -> Result<&[u8], &'static str> {
    match cfg!(unix) || text.to_str().is_some() {
        true => Ok(text.as_encoded_bytes()),
        false => Err("it is not Unicode, which everything is that guests get on this system"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_what_all_systems_have() {
        let text = OsStr::new("--dir=é::è:ro");
        assert_eq!(strip_prefix(text, "--dir=").unwrap(), "é::è:ro");
        assert_eq!(strip_suffix(text, ":ro").unwrap(), "--dir=é::è");
        assert_eq!(split_once(text, "::").unwrap(), ("--dir=é".into(), "è:ro".into()));
        assert_eq!(split_once(text, "=").unwrap(), ("--dir".into(), "é::è:ro".into()));
        assert_eq!((strip_prefix(text, "dir"), split_once(text, ";")), (None, None));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_unicode_stays() {
        use std::os::unix::ffi::OsStrExt;

        let text = OsStr::from_bytes(b"a\xff=b\xfe");
        let (name, value) = split_once(text, "=").unwrap();
        assert_eq!((name.as_bytes(), value.as_bytes()), (&b"a\xff"[..], &b"b\xfe"[..]));
        assert_eq!(for_guests(text), Ok(&b"a\xff=b\xfe"[..]));
    }

    #[cfg(windows)]
    #[test]
    fn what_is_no_unicode_stays_and_is_not_for_guests() {
        use std::os::windows::ffi::{OsStrExt, OsStringExt};

        let text = OsString::from_wide(&[0xd800, u16::from(b'='), 0xdc00]);
        let (name, value) = split_once(&text, "=").unwrap();
        assert!(name.encode_wide().eq([0xd800]) && value.encode_wide().eq([0xdc00]));
        assert!(for_guests(&value).unwrap_err().contains("Unicode"));
        assert_eq!(for_guests(OsStr::new("é")), Ok("é".as_bytes()));
    }
}
