//! A module as text, line by line, with the offset in the wasm file that each line comes from.
//!
//! In: a valid module in binary format. Out: its lines, and which of them belong to which function.

use std::ops::Range;

use anyhow::{Context, Result};

/// The text of a module.
pub struct WasmText {
    text: String,
    lines: Vec<Line>,
    functions: Vec<Range<usize>>,
}

struct Line {
    wasm_offset: Option<u32>,
    text: Range<usize>,
}

/// What a function in a module begins with; everything in it is further to the right.
const FUNCTION: &str = "  (func ";

impl WasmText {
    /// The text of a module.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub fn of(wasm: &[u8]) -> Result<WasmText> {
        let mut text = String::new();
        let mut lines: Vec<Line> = Vec::new();
        let mut at = 0;
        let printed = wasmprinter::Config::new()
            .offsets_and_lines(wasm, &mut text)
            .context("cannot write it as text")?;
        for (offset, line) in printed {
            let wasm_offset = offset.and_then(|offset| u32::try_from(offset).ok());
            lines.push(Line { wasm_offset, text: at..at + line.len() });
            at += line.len();
        }
        // Lines follow each other up to the end of the text.
        let skipped = text.len() - at;
        let is_top = |line: &Line| {
            let line = &text[line.text.start + skipped..line.text.end + skipped];
            line.starts_with("  (") || line.starts_with(')')
        };
        let tops: Vec<usize> = (0..lines.len()).filter(|&line| is_top(&lines[line])).collect();
        let mut functions = Vec::new();
        for (position, &top) in tops.iter().enumerate() {
            let line = &lines[top].text;
            if text[line.start + skipped..line.end + skipped].starts_with(FUNCTION) {
                let end = tops.get(position + 1).copied().unwrap_or(lines.len());
                functions.push(top..end);
            }
        }
        for line in &mut lines {
            line.text = line.text.start + skipped..line.text.end + skipped;
        }
        Ok(WasmText { text, lines, functions })
    }

    /// The lines of a function, by its position among those that have a body. None if there is no such function.
    pub fn function(&self, position: usize) -> Range<usize> {
        self.functions.get(position).cloned().unwrap_or_default()
    }

    /// The lines of each function that has a body, in order.
    pub fn functions(&self) -> &[Range<usize>] {
        &self.functions
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The offsets in the wasm file of all lines that have one, in the order of the lines.
    pub fn wasm_offsets(&self) -> Vec<u32> {
        self.lines.iter().filter_map(|line| line.wasm_offset).collect()
    }

    /// A line without the line feed at its end.
    pub fn line(&self, line: usize) -> &str {
        self.text[self.lines[line].text.clone()].trim_end_matches('\n')
    }

    /// The offset in the wasm file that a line comes from.
    pub fn wasm_offset(&self, line: usize) -> Option<u32> {
        self.lines[line].wasm_offset
    }

    /// The line of the operator in a function to which an offset in the wasm file belongs.
    pub fn line_at(&self, position: usize, wasm_offset: u32) -> Option<usize> {
        let lines = self.function(position);
        // Nothing is known of some lines, so this is no sorted list.
        lines
            .skip(1)
            .rfind(|&line| self.wasm_offset(line).is_some_and(|offset| offset <= wasm_offset))
    }

    /// The operator that begins at an offset in the wasm file, in a function.
    pub fn operator_at(&self, position: usize, wasm_offset: u32) -> Option<&str> {
        let line = self.line_at(position, wasm_offset)?;
        let operator = self.line(line).trim();
        // The last one of a function is its closing parenthesis.
        let operator = if operator == ")" { "end" } else { operator };
        (self.wasm_offset(line) == Some(wasm_offset)).then_some(operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_offsets_and_functions_have_lines() {
        let text = r#"(module (type (func)) (import "a" "b" (func))
            (func $one (type 0)) (func (param i32) (result i32) (local i64) (block) (i32.add (local.get 0) (i32.const 300)))
            (data "  (func \n  (func "))"#;
        let wasm = wat::parse_str(text).unwrap();
        let text = WasmText::of(&wasm).unwrap();
        assert_eq!(text.line(0), "(module");
        assert_eq!((text.function(0).len(), text.function(2)), (1, 0..0));
        let lines: Vec<&str> = text.function(1).map(|line| text.line(line)).collect();
        assert_eq!(lines[0], "  (func (;2;) (type 1) (param i32) (result i32)");
        let add = text.function(1).find(|&line| text.line(line).trim() == "i32.add").unwrap();
        let offset = text.wasm_offset(add).unwrap();
        assert_eq!(wasm[offset as usize], 0x6a);
        assert_eq!(text.operator_at(1, offset), Some("i32.add"));
        // The constant before it has two bytes behind the operator.
        assert_eq!(text.operator_at(1, offset - 3), Some("i32.const 300"));
        assert_eq!(text.operator_at(1, offset - 2), None);
        assert_eq!(text.line_at(1, offset - 2), Some(add - 1));
        assert_eq!(text.line_at(1, 0), None);
    }
}
