//! Source maps (ECMA-426), by which compilers such as AssemblyScript's say where operators come from.
//!
//! In: the map that belongs to a module, whose columns are offsets in the wasm file. Out: rows, and the files that they name.

use serde::Deserialize;

use super::lines::Row;
use crate::parse::Module;

/// What a source map says.
pub struct Mapped {
    /// The paths of files, as the compiler that wrote the map was given them.
    pub files: Vec<String>,
    /// Rows whose files are positions in [`files`](Self::files), in the order of their addresses.
    pub rows: Vec<Row>,
}

/// The parts of a map that matter here. The root of its sources does not: it is for browsers.
#[derive(Deserialize)]
struct Map {
    version: u32,
    sources: Vec<Option<String>>,
    mappings: String,
}

/// Reads a source map. `None` if it is malformed, or maps nothing of the module's code.
pub fn read(module: &Module<'_>, contents: &[u8]) -> Option<Mapped> {
    let map: Map = serde_json::from_slice(contents).ok().filter(|map: &Map| map.version == 3)?;
    let files: Vec<String> = map.sources.into_iter().map(Option::unwrap_or_default).collect();
    let code_end = module.bodies.last()?.reader.range().end;
    // The offset in the file, the position of the source, and the line and column in it; each number is the distance from the
    // one before.
    let mut at = [0_i64; 4];
    let mut rows: Vec<Row> = Vec::new();
    // A module is a single line.
    let line = map.mappings.split(';').next()?;
    for segment in line.split(',').filter(|segment| !segment.is_empty()) {
        let mut digits = segment.bytes();
        let mut count = 0;
        while digits.len() > 0 {
            let distance = vlq::decode(&mut digits).ok()?;
            if let Some(number) = at.get_mut(count) {
                *number = number.checked_add(distance)?;
            }
            count += 1;
        }
        let [offset, file, line, column] = at.map(|number| u64::try_from(number).ok());
        let offset = offset?;
        if count < at.len() || !(module.code_start..code_end).contains(&offset) {
            continue;
        }
        let file = file.filter(|&file| file < files.len() as u64)?;
        let (line, column) = (line?.checked_add(1)?, column?.checked_add(1)?);
        rows.push(Row::statement((offset - module.code_start) as u32, file, line, column));
    }
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
