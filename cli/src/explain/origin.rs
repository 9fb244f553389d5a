//! Where code comes from: its operators and source lines, from the wasm itself.

use anyhow::Result;
use wootz_compiler::{Features, Options};
use wootz_runtime::abi::artifact::{SourceFrame, SourceLines};

use crate::wasm_text::WasmText;

/// A module that code was compiled from.
pub struct Origin {
    /// It as text.
    pub text: WasmText,
    lines: SourceLines,
}

impl Origin {
    /// A module that was compiled once, with these proposals.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(wasm: &[u8], proposals: &[String]) -> Result<Origin> {
        let text = WasmText::of(wasm)?;
        let mut offsets = text.wasm_offsets();
        offsets.sort_unstable();
        offsets.dedup();
        let mut features = Features::none();
        for proposal in proposals {
            features.set(proposal, true)?;
        }
        let options = Options { features, ..Options::default() };
        let lines = wootz_compiler::source_lines_at(wasm, &offsets, &options)?;
        Ok(Origin { text, lines })
    }

    /// The source lines at an operator in a function, the innermost first.
    pub fn frames(&self, position: usize, wasm_offset: u32) -> Vec<SourceFrame<'_>> {
        self.lines.frames(position, wasm_offset)
    }
}
