//! The files of the source that a module names.
//!
//! Always true: only ordinary files are read, and not more of them than a person could look through.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::report::Usage;
use crate::text;

/// No file of source is larger than this.
const MAX_BYTES: u64 = 32 << 20;

/// Where files are whose names begin alike.
pub struct SourcePath {
    from: String,
    to: PathBuf,
}

impl SourcePath {
    /// `FROM=TO`.
    ///
    /// # Errors
    /// If it is not written like that.
    pub fn parse(argument: &OsStr) -> Result<SourcePath> {
        let parts = text::split_once(argument, "=");
        match parts.as_ref().and_then(|(from, to)| Some((from.to_str()?, to))) {
            Some((from, to)) if !from.is_empty() && !to.is_empty() => {
                let from = from.trim_end_matches('/').to_string();
                Ok(SourcePath { from, to: PathBuf::from(to) })
            }
            _ => bail!(Usage(format!(
                "`--source-path {}` should be `--source-path FROM=TO`",
                argument.display()
            ))),
        }
    }

    /// Where a file is, if its name begins like this.
    fn find(&self, name: &str) -> Option<PathBuf> {
        let rest = name.strip_prefix(&self.from)?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(self.to.join(rest)),
            None => rest.is_empty().then(|| self.to.clone()),
        }
    }
}

/// The text of a file, by the name that debug information has for it. `None` if there is no such file, or if it is no text.
pub fn read(name: &str, paths: &[SourcePath]) -> Option<String> {
    let path = paths.iter().find_map(|path| path.find(name)).unwrap_or_else(|| name.into());
    let about = fs::metadata(&path).ok()?;
    if !about.is_file() || about.len() > MAX_BYTES {
        return None;
    }
    String::from_utf8(fs::read(&path).ok()?).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_below_other_folders() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("lib")).unwrap();
        fs::write(directory.path().join("lib/a.c"), "int a;\n").unwrap();
        fs::write(directory.path().join("lib/b.o"), [0xff, 0xfe, 0]).unwrap();
        let mut argument = OsStr::new("/src/=").to_os_string();
        argument.push(directory.path());
        let paths = [SourcePath::parse(&argument).unwrap()];
        assert_eq!(read("/src/lib/a.c", &paths).as_deref(), Some("int a;\n"));
        for name in ["/src/lib/b.o", "/src/lib", "/src", "/srclib/a.c", "/src/none.c", ""] {
            assert_eq!(read(name, &paths), None, "{name}");
        }
        for wrong in ["", "a", "=b", "a="] {
            assert!(SourcePath::parse(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }
}
