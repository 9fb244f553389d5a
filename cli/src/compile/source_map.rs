//! The source map of a module that has no debug information of its own, as compilers such as AssemblyScript's write it beside the
//! module.

use std::path::Path;

use wootz_compiler::SourceMap;

use crate::{files, report};

/// The source map that a module (binary format) in a file names, if it is a file beside it. One that cannot be read is told, and
/// left out.
pub fn beside(input: &Path, wasm: &[u8]) -> Option<SourceMap> {
    let url = wootz_compiler::source_map_url(wasm).filter(|_| !files::is_standard(input))?;
    if url.contains(':') {
        // Somewhere else, or in the name itself.
        return None;
    }
    let input = std::path::absolute(input).ok()?;
    let directory = input.parent()?;
    let path = directory.join(&url);
    match std::fs::read(&path) {
        Ok(contents) => {
            let directory = directory.to_string_lossy().into_owned();
            Some(SourceMap { contents, directory })
        }
        Err(error) => {
            report::warn(&format!("cannot read the source map `{}`: {error}", path.display()));
            None
        }
    }
}
