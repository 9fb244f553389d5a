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
    infos: OnceLock<Vec<FrameInfo>>,
}

/// A function that was being executed.
#[derive(Debug)]
pub struct FrameInfo {
    module: Module,
    func_index: u32,
    func_name: Option<String>,
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
    pub(crate) fn new(frames: Vec<(Module, u32)>) -> WasmBacktrace {
        WasmBacktrace { frames, infos: OnceLock::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The functions, the innermost first.
    pub fn frames(&self) -> &[FrameInfo] {
        self.infos.get_or_init(|| {
            self.frames.iter().map(|(module, offset)| FrameInfo::new(module, *offset)).collect()
        })
    }
}

impl FrameInfo {
    fn new(module: &Module, code_offset: u32) -> FrameInfo {
        let tables = module.code().tables();
        let position = tables.function_at(code_offset);
        let record = position.and_then(|position| tables.function(position));
        FrameInfo {
            module: module.clone(),
            func_index: record.map_or(u32::MAX, |record| record.function),
            func_name: position
                .and_then(|position| tables.function_name(position))
                .map(str::to_string),
            func_start: record.map(|record| record.wasm_offset),
            offset: tables.wasm_offset_at(code_offset),
            symbols: Vec::new(),
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

    /// What the program's own debug information says, the innermost inlined function first.
    pub fn symbols(&self) -> &[FrameSymbol] {
        &self.symbols
    }
}

impl FrameSymbol {
    /// The function's name in the source language.
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

    /// The column, from 1.
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
            write!(f, "{}!", frame.module().name().unwrap_or("<unknown>"))?;
            match frame.func_name() {
                Some(name) => f.write_str(name)?,
                None => write!(f, "<wasm function {}>", frame.func_index())?,
            }
            for symbol in frame.symbols() {
                if let Some(file) = symbol.file() {
                    write!(f, "\n                    at {file}")?;
                    write!(f, ":{}", symbol.line().unwrap_or(0))?;
                }
            }
        }
        Ok(())
    }
}
