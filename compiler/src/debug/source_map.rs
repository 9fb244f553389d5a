//! Source maps (ECMA-426), by which compilers such as AssemblyScript's say where operators come from.
//!
//! In: the map that belongs to a module, whose columns are offsets in the wasm file. Out: rows, and the files that they name.

use sourcemap::DecodedMap;

use super::lines::Row;
use crate::parse::Module;

/// What a source map says.
pub struct Mapped {
    /// The paths of files, as the map has them.
    pub files: Vec<String>,
    /// Rows whose files are positions in [`files`](Self::files), in the order of their addresses.
    pub rows: Vec<Row>,
}

/// Reads a source map. `None` if it is malformed, or maps nothing of the module's code.
pub fn read(module: &Module<'_>, contents: &[u8]) -> Option<Mapped> {
    let map = match sourcemap::decode_slice(contents).ok()? {
        DecodedMap::Regular(map) => map,
        DecodedMap::Index(map) => map.flatten().ok()?,
        DecodedMap::Hermes(_) => return None,
    };
    // Without the root, which is for browsers, paths are those that the compiler was given.
    let root = map.get_source_root().map(|root| format!("{}/", root.trim_end_matches('/')));
    let path = |source: &str| {
        let relative = root.as_deref().and_then(|root| source.strip_prefix(root));
        relative.unwrap_or(source).to_string()
    };
    let files: Vec<String> = map.sources().map(path).collect();
    let code_end = module.bodies.last()?.reader.range().end;
    let mut rows: Vec<Row> = map
        .tokens()
        .filter(|token| token.get_dst_line() == 0 && token.has_source())
        .filter(|token| (module.code_start..code_end).contains(&token.get_dst_col().into()))
        .map(|token| Row {
            at: token.get_dst_col() - module.code_start as u32,
            file: token.get_src_id().into(),
            line: u64::from(token.get_src_line()) + 1,
            column: u64::from(token.get_src_col()) + 1,
            discriminator: 0,
            is_statement: true,
            prologue_end: false,
            is_end: false,
        })
        .filter(|row| (row.file as usize) < files.len())
        .collect();
    rows.sort_by_key(|row| row.at);
    rows.dedup_by_key(|row| row.at);
    (!rows.is_empty()).then_some(Mapped { files, rows })
}

/// Where a module says that its source map is: a URL, often a file's name.
pub fn url<'a>(module: &Module<'a>) -> Option<&'a str> {
    let section = module.custom_sections.iter().find(|(name, _)| *name == "sourceMappingURL");
    let mut reader = wasmparser::BinaryReader::new(section?.1, 0);
    reader.read_string().ok()
}
