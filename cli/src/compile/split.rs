//! `--split-debug`: debug information in a file of its own.
//!
//! In: what the compiler made, and where it shall be. Out: a file, or for macOS a bundle, which is a directory with the file in
//! it and a description.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wootz_compiler::Emit;

use crate::files;
use crate::report::Usage;

/// Where debug information goes.
pub struct SplitDebug {
    path: PathBuf,
    /// The name, which the main file says.
    pub name: String,
    is_bundle: bool,
}

/// What the name of a bundle ends with.
const BUNDLE: &str = ".dSYM";

impl SplitDebug {
    /// The place of debug information for a target.
    ///
    /// # Errors
    /// If it is no name of a file, or for macOS no name of a bundle.
    pub fn new(path: &Path, target: Option<&str>) -> Result<SplitDebug> {
        let usage = |message: String| Err(Usage(message).into());
        if files::is_standard(path) {
            return usage(
                "`--split-debug` writes a file, which debuggers look for: name it".into(),
            );
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return usage(format!(
                "`--split-debug FILE` needs a name that can be written into another file, and `{}` has none",
                path.display()
            ));
        };
        let is_bundle = wootz_compiler::extension(Emit::SharedLibrary, target) == "dylib";
        if is_bundle && name.strip_suffix(BUNDLE).is_none_or(str::is_empty) {
            return usage(format!(
                "for macOS debug information is in a bundle, whose name is that of the library and `{BUNDLE}`, and not `{name}`"
            ));
        }
        Ok(SplitDebug { path: path.to_path_buf(), name: name.to_string(), is_bundle })
    }

    /// Writes the file or the bundle.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        if !self.is_bundle {
            return files::write(&self.path, bytes, false);
        }
        let contents = self.path.join("Contents");
        let folder = contents.join("Resources").join("DWARF");
        let failed = || format!("cannot write `{}`", self.path.display());
        fs::create_dir_all(&folder).with_context(failed)?;
        let name = self.name.strip_suffix(BUNDLE).unwrap_or(&self.name);
        files::write(&contents.join("Info.plist"), property_list(name).as_bytes(), false)?;
        files::write(&folder.join(name), bytes, false)
    }

    /// Checks that there is a place for it.
    ///
    /// # Errors
    /// If there is no directory for it, or something else of this name.
    pub fn check_place(&self) -> Result<()> {
        files::check_place(&self.path)?;
        if self.path.exists() && self.path.is_dir() != self.is_bundle {
            let found = if self.is_bundle { "a file" } else { "a directory" };
            bail!("cannot write `{}`: there is {found} of this name", self.path.display());
        }
        Ok(())
    }
}

/// The description of a bundle with the debug information of a library.
fn property_list(name: &str) -> String {
    let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>CFBundleDevelopmentRegion</key>
		<string>English</string>
		<key>CFBundleIdentifier</key>
		<string>com.apple.xcode.dsym.{name}</string>
		<key>CFBundleInfoDictionaryVersion</key>
		<string>6.0</string>
		<key>CFBundlePackageType</key>
		<string>dSYM</string>
		<key>CFBundleSignature</key>
		<string>????</string>
		<key>CFBundleShortVersionString</key>
		<string>1.0</string>
		<key>CFBundleVersion</key>
		<string>1</string>
	</dict>
</plist>
"#
    )
}
