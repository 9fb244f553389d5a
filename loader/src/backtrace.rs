//! Where a guest was when it stopped.
//!
//! In: modules and code offsets. Out: functions and offsets in the WebAssembly file, found only when somebody looks.

use std::fmt;
use std::sync::OnceLock;

use crate::module::Module;

/// The WebAssembly functions that were being executed, the innermost first. `Error::downcast_ref` finds it in the errors of
/// calls.
#[derive(Debug)]
pub struct WasmBacktrace {
    /// Each frame's module and offset in its code.
    frames: Vec<(Module, u32)>,
    /// How many functions are shown at most. An instruction may belong to several.
    limit: usize,
    infos: OnceLock<Vec<FrameInfo>>,
}

/// A function that was being executed.
#[derive(Debug)]
pub struct FrameInfo {
    module: Module,
    func_index: u32,
    func_name: Option<String>,
    /// The name as people read it, if it is mangled.
    readable_name: Option<String>,
    func_start: Option<u32>,
    offset: Option<u32>,
    symbols: Vec<FrameSymbol>,
}

/// What a program's own debug information says about a frame.
#[derive(Debug)]
pub struct FrameSymbol {
    name: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

impl WasmBacktrace {
    pub(crate) fn new(frames: Vec<(Module, u32)>, limit: usize) -> WasmBacktrace {
        WasmBacktrace { frames, limit, infos: OnceLock::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The functions, the innermost first.
    pub fn frames(&self) -> &[FrameInfo] {
        self.infos.get_or_init(|| {
            let frames = self.frames.iter();
            let infos = frames.flat_map(|(module, offset)| FrameInfo::all(module, *offset));
            infos.take(self.limit).collect()
        })
    }
}

impl FrameInfo {
    /// The functions that an instruction belongs to: one, and those in whose calls' places it was translated.
    fn all(module: &Module, code_offset: u32) -> Vec<FrameInfo> {
        let mut frames = module.code().tables().frames_at(code_offset).peekable();
        if frames.peek().is_none() {
            return vec![FrameInfo::new(module, None, None)];
        }
        frames.map(|(position, offset)| FrameInfo::new(module, Some(position), offset)).collect()
    }

    fn new(module: &Module, position: Option<usize>, offset: Option<u32>) -> FrameInfo {
        let tables = module.code().tables();
        let record = position.and_then(|position| tables.function(position));
        let text = |text: Option<&str>| text.map(str::to_string);
        let symbols = position.zip(offset).map(|(position, offset)| {
            let frames = tables.source_frames(position, offset);
            let symbols = frames.map(|frame| FrameSymbol {
                name: text(frame.name),
                file: text(frame.file),
                line: frame.line,
                column: frame.column,
            });
            symbols.collect()
        });
        FrameInfo {
            module: module.clone(),
            func_index: record.map_or(u32::MAX, |record| record.function),
            func_name: text(position.and_then(|position| tables.function_name(position))),
            readable_name: text(position.and_then(|position| tables.readable_name(position))),
            func_start: record.map(|record| record.wasm_offset),
            offset,
            symbols: symbols.unwrap_or_default(),
        }
    }

    /// Its index in the module.
    pub fn func_index(&self) -> u32 {
        self.func_index
    }

    /// Its module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Its name, from the name section.
    pub fn func_name(&self) -> Option<&str> {
        self.func_name.as_deref()
    }

    /// The offset in the WebAssembly file of the instruction that was being executed.
    pub fn module_offset(&self) -> Option<usize> {
        Some(self.offset? as usize)
    }

    /// The same, relative to the function's body.
    pub fn func_offset(&self) -> Option<usize> {
        Some(self.offset?.checked_sub(self.func_start?)? as usize)
    }

    /// What the program's own debug information (DWARF) says, the innermost inlined function first. Empty if it says
    /// nothing about this place, or was left out when the module was compiled: see
    /// [`Config::wasm_backtrace_details`](crate::Config::wasm_backtrace_details).
    pub fn symbols(&self) -> &[FrameSymbol] {
        &self.symbols
    }
}

impl FrameSymbol {
    /// The function's name in the source language; those of Rust and C++ functions are demangled.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The source file.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The column, from 1; 0 if it is the left edge, or not known.
    pub fn column(&self) -> Option<u32> {
        self.column
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("error while executing at wasm backtrace:")?;
        for (position, frame) in self.frames().iter().enumerate() {
            write!(f, "\n  {position:>3}: ")?;
            if let Some(offset) = frame.module_offset() {
                write!(f, "{offset:#8x} - ")?;
            }
            if frame.symbols().is_empty() {
                write!(f, "{}!", frame.module().name().unwrap_or("<unknown>"))?;
                frame.write_name(f)?;
            }
            for (depth, symbol) in frame.symbols().iter().enumerate() {
                if depth > 0 {
                    f.write_str("\n                - ")?;
                }
                match symbol.name() {
                    Some(name) => f.write_str(name)?,
                    None if depth == 0 => frame.write_name(f)?,
                    None => f.write_str("<inlined function>")?,
                }
                symbol.write_place(f)?;
            }
        }
        if self.frames().iter().any(|frame| frame.module.code().tables().dwarf_left_out()) {
            f.write_str(
                "\nnote: the source lines of this module were left out when it was compiled; \
                 they are there by default (`Config::wasm_backtrace_details`)",
            )?;
        }
        Ok(())
    }
}

impl FrameInfo {
    fn write_name(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.readable_name.as_deref().or(self.func_name()) {
            Some(name) => f.write_str(name),
            None => write!(f, "<wasm function {}>", self.func_index),
        }
    }
}

impl FrameSymbol {
    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(file) = self.file() else { return Ok(()) };
        write!(f, "\n                    at {file}")?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}
