//! `--dir`: directories that a guest may use.

use std::path::PathBuf;

use wootz_wasi::{FsPerms, WasiCtxBuilder};

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
    /// If one of the names is empty.
    pub fn parse(text: &str) -> Result<Directory, &'static str> {
        let (names, is_read_only) = match text.strip_suffix(READ_ONLY) {
            Some(names) => (names, true),
            None => (text, false),
        };
        let (host, guest) = names.split_once("::").unwrap_or((names, names));
        if host.is_empty() || guest.is_empty() {
            return Err("a name is empty; expected HOST, HOST::GUEST, or one of these and :ro");
        }
        Ok(Directory { host: host.into(), guest: guest.to_string(), is_read_only })
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
            assert_eq!(Directory::parse(text), Ok(expected), "{text}");
        }
        for wrong in ["", ":ro", "::", "a::", "::a", "a:::ro"] {
            assert!(Directory::parse(wrong).is_err(), "{wrong}");
        }
    }
}
