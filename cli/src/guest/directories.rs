//! `--dir`: directories that a guest may use.

use std::ffi::OsString;
use std::path::PathBuf;

use wootz_wasi::{FsPerms, WasiCtxBuilder};

use crate::text;

/// What ends the host's name, if the guest's is another.
const SEPARATOR: &str = "::";

/// What ends a directory that is only read.
const READ_ONLY: &str = ":ro";

/// A directory, and what the guest knows it by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    host: PathBuf,
    guest: String,
    is_read_only: bool,
}

impl Directory {
    /// `HOST[::GUEST][:ro]`. The first `::` ends HOST; `:ro` at the very end is never part of a name, so that a directory
    /// that is called so is written with a slash behind it.
    ///
    /// # Errors
    /// If one of the names is empty, or the guest's is not UTF-8.
    pub fn parse(text: OsString) -> Result<Directory, &'static str> {
        let (names, is_read_only) = match text::strip_suffix(&text, READ_ONLY) {
            Some(names) => (names, true),
            None => (text, false),
        };
        let two = text::split_once(&names, SEPARATOR);
        let is_one = two.is_none();
        let (host, guest) = two.unwrap_or_else(|| (names.clone(), names));
        if host.is_empty() || guest.is_empty() {
            return Err("a name is empty; expected HOST, HOST::GUEST, or one of these and :ro");
        }
        let guest = guest.into_string().map_err(|_| match is_one {
            false => "GUEST is not UTF-8, which names of guests must be",
            true => {
                "the name is not UTF-8, which names of guests must be; HOST::GUEST says what the guest calls it"
            }
        })?;
        Ok(Directory { host: host.into(), guest, is_read_only })
    }

    /// Opens it for a guest.
    ///
    /// # Errors
    /// If it is not there, is no directory, or cannot be opened.
    pub fn open(&self, wasi: &mut WasiCtxBuilder) -> wootz::Result<()> {
        let perms = match self.is_read_only {
            true => FsPerms::ReadOnly,
            false => FsPerms::ReadWrite,
        };
        wasi.preopened_dir(&self.host, &self.guest, perms).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_permissions_are_told_apart() {
        for (text, host, guest, is_read_only) in [
            ("data", "data", "data", false),
            (".", ".", ".", false),
            ("/var/data::/", "/var/data", "/", false),
            ("data:ro", "data", "data", true),
            ("data::/in:ro", "data", "/in", true),
            ("a:b::c:d", "a:b", "c:d", false),
            ("a::b::c", "a", "b::c", false),
            ("data:ro/", "data:ro/", "data:ro/", false),
            ("data:ro::data", "data:ro", "data", false),
            ("data:ro::data:ro", "data:ro", "data", true),
        ] {
            let guest = guest.to_string();
            let expected = Directory { host: host.into(), guest, is_read_only };
            assert_eq!(Directory::parse(text.into()), Ok(expected), "{text}");
        }
        for wrong in ["", ":ro", "::", "a::", "::a", "a:::ro"] {
            assert!(Directory::parse(wrong.into()).is_err(), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_host_may_have_other_names_than_utf_8() {
        use std::os::unix::ffi::OsStringExt;

        let parse = |text: &[u8]| Directory::parse(OsString::from_vec(text.to_vec()));
        let directory = parse(b"d\xff::data:ro").unwrap();
        assert_eq!(directory.host.into_os_string().into_vec(), b"d\xff");
        assert_eq!((directory.guest.as_str(), directory.is_read_only), ("data", true));
        assert!(parse(b"d\xff:ro").unwrap_err().contains("HOST::GUEST"));
        assert!(parse(b"data::d\xff").unwrap_err().starts_with("GUEST is not UTF-8"));
    }
}
