//! What is shown of a module: functions, their lines, and how these belong together.
//!
//! In: a module as text, as code, and what its debug information says. Out: what the page's script reads, as data.
//!
//! Everything that belongs together does so by the offset of an operator in the wasm file. Lines of the text have one, and so
//! have instructions; source lines have ranges of them.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::Result;
use serde::Serialize;
use wootz_runtime::abi::artifact::SourceLines;
use wootz_runtime::abi::trap::TrapCode;

use crate::compiled::{CodeLine, Compiled, Part, PartKind};
use crate::wasm_text::WasmText;

/// No line of text is longer than this: images of memories and custom sections are lines, too.
const MAX_LINE_BYTES: usize = 2000;

/// Everything that a page shows.
pub struct Contents {
    /// What is shown at once.
    pub index: Index,
    /// The lines of each entry of the index.
    pub bodies: Vec<Body>,
    /// Files of the source, by their number in the index; `None` for those that are not there.
    pub files: Vec<Option<File>>,
}

/// A list of what there is.
#[derive(Serialize)]
pub struct Index {
    /// The name of the module's file.
    pub title: String,
    /// The machine that it was compiled for.
    pub target: String,
    /// What trap codes mean.
    pub traps: Vec<&'static str>,
    /// The names of files of the source.
    pub files: Vec<String>,
    /// The module itself, then its functions, then trampolines.
    pub entries: Vec<Entry>,
}

/// What can be chosen.
#[derive(Serialize)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Its symbol, if that is another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// `module`, `function` or `trampoline`.
    pub kind: &'static str,
    /// Its index in the module, if it is a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The address of its code.
    pub address: u64,
    /// How many bytes of code it has.
    pub bytes: u32,
    /// The offset of its first line in the wasm file.
    pub wasm: u32,
}

/// Stands in the text of an instruction for the address that it goes to, which is long and different in every line.
const TARGET: &str = "\u{1}";

/// The lines of one entry.
#[derive(Serialize, Default)]
pub struct Body {
    /// In text format, with line feeds between them, and without what is in front.
    wat: String,
    /// How many spaces are in front of each line; all but the first less the one before.
    wat_indents: Vec<i64>,
    /// The offset in the wasm file that each line comes from, or -1; all but the first less the one before.
    wat_offsets: Vec<i64>,
    /// Of the last line.
    #[serde(skip)]
    last_wat: (i64, i64),
    /// The instructions, with line feeds between them.
    asm: String,
    /// How long each instruction is.
    asm_bytes: Vec<u32>,
    /// The offset in the wasm file that each instruction comes from, or -1; all but the first less the one before.
    asm_offsets: Vec<i64>,
    /// Instructions that may trap, each less the one before, and the numbers of their traps.
    traps: Vec<(usize, u8)>,
    /// Instructions that jump, each less the one before, and how far.
    jumps: Vec<(usize, i64)>,
    /// Instructions that go to the beginning of another entry, each less the one before, and its address.
    calls: Vec<(usize, u64)>,
    /// From which offset in the wasm file on code comes from which file and line; ascending. File -1 if it is not known.
    rows: Vec<(u32, i64, u32)>,
}

/// A file of the source.
#[derive(Serialize)]
pub struct File {
    text: String,
    /// Lines that have code, and the first entry where they have it.
    code: Vec<(u32, usize)>,
}

impl Contents {
    /// What is shown of a module, without files of its source.
    ///
    /// # Errors
    /// If there is no memory left.
    pub fn of(
        title: String,
        module: &Compiled<'_>,
        text: &WasmText,
        lines: &SourceLines,
    ) -> Result<Contents> {
        let mut contents = Contents {
            index: Index {
                title,
                target: module.compatibility.target.clone(),
                traps: TrapCode::ALL.iter().map(|trap| trap.message()).collect(),
                files: Vec::new(),
                entries: Vec::new(),
            },
            bodies: Vec::new(),
            files: Vec::new(),
        };
        contents.add_module(text);
        let mut numbers = HashMap::new();
        for position in 0..module.tables.function_count() {
            let Some(part) = module.function(position) else { continue };
            let mut body = Body::default();
            body.add_text(text, text.function(position));
            body.add_code(module, &module.instructions(&part)?);
            let rows = lines.functions.get(position).map_or(&[][..], |function| &function.rows);
            for row in rows {
                let name = row.place.file.and_then(|file| lines.strings.get(file as usize));
                let file = name.map_or(-1, |name| {
                    let next = numbers.len() as i64;
                    *numbers.entry(name).or_insert_with(|| {
                        contents.index.files.push(name.clone());
                        next
                    })
                });
                body.rows.push((row.wasm_offset, file, row.place.line));
            }
            let name = module.readable_name(position);
            contents.index.entries.push(Entry {
                symbol: part.symbol.clone().filter(|symbol| *symbol != name),
                name,
                kind: "function",
                index: Some(module.index(position)),
                address: module.address(part.range.start),
                bytes: part.range.end - part.range.start,
                wasm: module.tables.function(position).map_or(0, |function| function.wasm_offset),
            });
            contents.bodies.push(body);
        }
        for part in module.parts() {
            contents.add_trampoline(module, &part)?;
        }
        contents.files = contents.index.files.iter().map(|_| None).collect();
        Ok(contents)
    }

    /// Everything of the module but its functions.
    fn add_module(&mut self, text: &WasmText) {
        let mut body = Body::default();
        let mut end = 0;
        for function in text.functions() {
            body.add_text(text, end..function.start);
            end = function.end;
        }
        body.add_text(text, end..text.lines());
        self.bodies.push(body);
        self.index.entries.push(Entry {
            name: "module".to_string(),
            symbol: None,
            kind: "module",
            index: None,
            address: 0,
            bytes: 0,
            wasm: 0,
        });
    }

    fn add_trampoline(&mut self, module: &Compiled<'_>, part: &Part) -> Result<()> {
        let (PartKind::Entry(_) | PartKind::Exit(_) | PartKind::Other, Some(symbol)) =
            (part.kind, &part.symbol)
        else {
            return Ok(());
        };
        let mut body = Body::default();
        body.add_code(module, &module.instructions(part)?);
        self.bodies.push(body);
        self.index.entries.push(Entry {
            name: symbol.clone(),
            symbol: None,
            kind: "trampoline",
            index: None,
            address: module.address(part.range.start),
            bytes: part.range.end - part.range.start,
            wasm: 0,
        });
        Ok(())
    }

    /// Adds the files of the source that can be read, and returns their names.
    pub fn add_sources(&mut self, read: impl Fn(&str) -> Option<String>) -> Vec<&str> {
        let mut code: Vec<HashMap<u32, usize>> = vec![HashMap::new(); self.files.len()];
        for (entry, body) in self.bodies.iter().enumerate() {
            let known = body.rows.iter().filter(|&&(_, _, line)| line != 0);
            for &(_, file, line) in known {
                if let Some(lines) = usize::try_from(file).ok().and_then(|file| code.get_mut(file))
                {
                    lines.entry(line).or_insert(entry);
                }
            }
        }
        let mut found = Vec::new();
        for (number, name) in self.index.files.iter().enumerate() {
            let Some(text) = read(name) else { continue };
            let mut code: Vec<(u32, usize)> = code[number].drain().collect();
            code.sort_unstable();
            self.files[number] = Some(File { text, code });
            found.push(name.as_str());
        }
        found
    }
}

impl Body {
    fn add_text(&mut self, text: &WasmText, lines: Range<usize>) {
        for line in lines {
            if !self.wat_offsets.is_empty() {
                self.wat.push('\n');
            }
            let shown = text.line(line).trim_start_matches(' ');
            let indent = (text.line(line).len() - shown.len()) as i64;
            match shown.len() {
                0..=MAX_LINE_BYTES => self.wat.push_str(shown),
                all => {
                    let end = shown.floor_char_boundary(MAX_LINE_BYTES);
                    self.wat += &format!("{} … ({} more bytes)", &shown[..end], all - end);
                }
            }
            let wasm_offset = text.wasm_offset(line).map_or(-1, i64::from);
            self.wat_offsets.push(wasm_offset - self.last_wat.0);
            self.wat_indents.push(indent - self.last_wat.1);
            self.last_wat = (wasm_offset, indent);
        }
    }

    fn add_code(&mut self, module: &Compiled<'_>, lines: &[CodeLine]) {
        let mut last = 0;
        let (mut last_trap, mut last_jump, mut last_call) = (0, 0, 0);
        // The distance from a number to the next.
        let less = |number: usize, last: &mut usize| number - std::mem::replace(last, number);
        for (number, CodeLine { instruction, wasm_offset, trap, .. }) in lines.iter().enumerate() {
            if number > 0 {
                self.asm.push('\n');
            }
            let mut text = module.text(instruction);
            let target = instruction.target.and_then(|target| module.offset_of(target));
            if let Some(target) = target {
                let address = format!("{:#x}", module.address(target));
                let line = lines.binary_search_by_key(&target, |line| line.instruction.offset);
                let part = module.part_at(target).filter(|part| part.range.start == target);
                match (line, part) {
                    (Ok(line), _) => {
                        self.jumps
                            .push((less(number, &mut last_jump), line as i64 - number as i64));
                        text = text.replace(&address, TARGET);
                    }
                    (Err(_), Some(part)) => {
                        self.calls.push((less(number, &mut last_call), module.address(target)));
                        let label = module.label(&part).unwrap_or_default();
                        text = text.replace(&format!("{address} <{label}>"), TARGET);
                    }
                    (Err(_), None) => {}
                }
            }
            self.asm += &text;
            self.asm_bytes.push(instruction.bytes);
            let wasm_offset = wasm_offset.map_or(-1, i64::from);
            self.asm_offsets.push(wasm_offset - last);
            last = wasm_offset;
            self.traps.extend(trap.map(|trap| {
                let position = TrapCode::ALL.iter().position(|&other| other == trap);
                (less(number, &mut last_trap), position.unwrap_or_default() as u8)
            }));
        }
    }

    /// About how many bytes it has.
    pub fn size(&self) -> usize {
        self.wat.len() + self.asm.len() + 8 * (self.wat_offsets.len() + self.asm_offsets.len())
    }
}
