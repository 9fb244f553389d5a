//! The text of a module that has no debug information of its own, in a file beside what was made of it: debuggers show it, and
//! count lines in it.
//!
//! Always true: no file is replaced but one that a compilation of the same module has written.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files;

/// A module's text, and where it goes.
pub struct ModuleText {
    path: PathBuf,
    text: String,
}

impl ModuleText {
    /// The text of a module (binary format) for what is compiled into `output`, if it needs any.
    ///
    /// # Errors
    /// If there is no current directory.
    pub fn new(wasm: &[u8], output: &Path) -> Result<Option<ModuleText>> {
        if files::is_standard(output) {
            return Ok(None);
        }
        // What is no module is refused by the compiler, with more to say about it.
        let Ok(Some(text)) = wootz_compiler::text(wasm) else { return Ok(None) };
        // `app.wat` for `app.so`, unless that is somebody's source.
        let output = std::path::absolute(output)?;
        let mut path = output.with_extension("wat");
        let is_free = |path: &Path| match std::fs::read(path) {
            Ok(found) => found == text.as_bytes(),
            Err(_) => !path.exists(),
        };
        if !is_free(&path) {
            let mut name = output.into_os_string();
            name.push(".wat");
            path = name.into();
        }
        Ok(Some(ModuleText { path, text }))
    }

    /// Where it goes, as debug information says it.
    pub fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Writes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self) -> Result<()> {
        files::write(&self.path, self.text.as_bytes(), false)
    }
}
