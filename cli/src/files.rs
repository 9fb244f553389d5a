//! What files hold, by their contents; and files that are written completely or not at all.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// What the contents of a file seem to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A WebAssembly module in text format.
    Text,
    /// An object, library or program of some operating system.
    Native,
    /// A WebAssembly module in binary format, or nothing that is known here.
    Other,
}

/// What some bytes seem to be.
pub fn kind(bytes: &[u8]) -> Kind {
    const NATIVE: [&[u8]; 7] = [
        b"\x7fELF",
        b"MZ",
        b"!<arch>\n",
        &0xfeed_facf_u32.to_le_bytes(),
        &0xcafe_babe_u32.to_be_bytes(),
        // Objects for Windows have nothing else in front than the machine that they are for.
        b"\x64\x86",
        b"\x64\xaa",
    ];
    if NATIVE.iter().any(|magic| bytes.starts_with(magic)) {
        return Kind::Native;
    }
    // A text begins with a list or a comment.
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii_start();
    let begins = [b"(".as_slice(), b";;"].iter().any(|token| text.starts_with(token));
    if begins && std::str::from_utf8(bytes).is_ok() { Kind::Text } else { Kind::Other }
}

/// Whether a path stands for standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// A path as messages show it.
pub fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_string() } else { format!("`{}`", path.display()) }
}

/// The contents of a file, or of standard input for `-`.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let result = if is_standard(path) {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    result.with_context(|| format!("cannot read {}", name(path)))
}

/// A module in a file, read as far as it has to be.
pub enum Contents {
    /// A module in binary format, or what is to be one.
    Module(Vec<u8>),
    /// A file that is native, of which the system reads what it needs.
    NativeFile,
    /// What is native, and has no file of its own.
    Native(Vec<u8>),
}

/// Opens a module of any kind: in text or binary format, or compiled. What is text may become a module that says which line each
/// operator is from, for debuggers.
///
/// # Errors
/// If it cannot be read, or is text, and malformed.
pub fn open(path: &Path, with_lines: bool) -> Result<Contents> {
    let read = |path: &Path| -> std::io::Result<Contents> {
        let mut bytes = Vec::new();
        if is_standard(path) {
            std::io::stdin().lock().read_to_end(&mut bytes)?;
        } else {
            // What comes through a pipe can be read only once.
            let mut file = fs::File::open(path)?;
            (&file).take(16).read_to_end(&mut bytes)?;
            if kind(&bytes) == Kind::Native && file.metadata()?.is_file() {
                return Ok(Contents::NativeFile);
            }
            file.read_to_end(&mut bytes)?;
        }
        Ok(if kind(&bytes) == Kind::Native {
            Contents::Native(bytes)
        } else {
            Contents::Module(bytes)
        })
    };
    match read(path).with_context(|| format!("cannot read {}", name(path)))? {
        Contents::Module(bytes) => Ok(Contents::Module(to_binary(path, bytes, with_lines)?)),
        native => Ok(native),
    }
}

/// A module in binary format, from one in text or binary format.
///
/// # Errors
/// If it is text, and malformed.
pub fn binary(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>> {
    to_binary(path, bytes, false)
}

/// As [`binary`]; what was text may say which line each operator is from, for debuggers.
///
/// # Errors
/// If it is text, and malformed.
pub fn to_binary(path: &Path, bytes: Vec<u8>, with_lines: bool) -> Result<Vec<u8>> {
    match kind(&bytes) {
        Kind::Text => {
            // Debuggers look for the text where it is now, wherever they are started.
            let absolute = std::path::absolute(path);
            let shown = match absolute {
                _ if is_standard(path) => Path::new("<standard input>"),
                Ok(ref absolute) if with_lines => absolute,
                _ => path,
            };
            let mut parser = wat::Parser::new();
            if with_lines {
                parser.generate_dwarf(wat::GenerateDwarf::Lines);
            }
            parser
                .parse_bytes(Some(shown), &bytes)
                .map(|binary| binary.into_owned())
                .with_context(|| format!("{} is malformed", name(path)))
        }
        Kind::Native => {
            anyhow::bail!("{} is a native file already, not a WebAssembly module", name(path))
        }
        Kind::Other => Ok(bytes),
    }
}

/// Writes a file, or standard output for `-`. Whoever opens the file sees it completely or not at all.
///
/// # Errors
/// If it cannot be written; then whatever was there before is still there.
pub fn write(path: &Path, bytes: &[u8], executable: bool) -> Result<()> {
    if is_standard(path) {
        return crate::report::print(bytes);
    }
    replace(path, bytes, executable).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Checks what can be known of a file before it is [written](write): that there is a directory for it.
///
/// # Errors
/// If there is none.
pub fn check_place(path: &Path) -> Result<()> {
    if is_standard(path) {
        return Ok(());
    }
    directory(path).map(drop).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Whether two paths lead to the same file, which may not be there yet. Devices and such are never the same: nothing is lost
/// if both are written to.
pub fn are_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| match fs::canonicalize(path) {
        Ok(path) => Some(path).filter(|path| path.is_file()),
        Err(_) => Some(directory(path).ok()?.canonicalize().ok()?.join(path.file_name()?)),
    };
    place(one).is_some_and(|one| Some(one) == place(other))
}

/// The directory of a file that is to be written.
fn directory(path: &Path) -> Result<PathBuf> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    ensure!(directory.is_dir(), "there is no directory `{}`", directory.display());
    Ok(directory)
}

fn replace(path: &Path, bytes: &[u8], executable: bool) -> Result<()> {
    // Links are followed, and devices are written to.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(fs::write(&path, bytes)?);
    }
    let directory = directory(&path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".wootz-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(if executable { 0o777 } else { 0o666 }));
    }
    // Elsewhere files are programs by their names.
    #[cfg(not(unix))]
    let _ = executable;
    let mut file = builder.tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_tell_the_kind() {
        assert_eq!(kind(b"\0asm\x01\0\0\0"), Kind::Other);
        assert_eq!(kind(b" \n(module)"), Kind::Text);
        assert_eq!(kind(b";; nothing\n"), Kind::Text);
        assert_eq!(kind(b"(; a comment ;)"), Kind::Text);
        assert_eq!(kind(b"(\xff"), Kind::Other);
        assert_eq!(kind(b"\x7fELF\x02"), Kind::Native);
        assert_eq!(kind(b""), Kind::Other);
        assert_eq!(kind(b"hello"), Kind::Other);
    }

    #[test]
    fn one_file_has_many_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("sub")).unwrap();
        fs::write(path("there"), b"").unwrap();
        for name in ["there", "later"] {
            assert!(are_same(&path(name), &path(&format!("sub/../{name}"))), "{name}");
            assert!(!are_same(&path(name), &path(&format!("sub/{name}"))), "{name}");
        }
        assert!(!are_same(&path("there"), &path("later")));
        assert!(!are_same(Path::new("/dev/null"), Path::new("/dev/null")));
        assert!(!are_same(&path("missing/file"), &path("missing/file")));
    }

    #[test]
    fn nothing_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        write(&path, b"one", false).unwrap();
        write(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(write(&directory.path().join("missing/out"), b"", false).is_err());
        assert!(write(directory.path(), b"", false).is_err());
    }
}
