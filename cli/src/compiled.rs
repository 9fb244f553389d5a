//! A compiled module as code: functions, trampolines and instructions, and the places in the wasm file that they come from.
//!
//! In: a module that was found in a native file. Out: answers about its code. Offsets count from the beginning of the code.
//!
//! Always true: nothing is loaded, and damaged tables give wrong answers or errors, never accidents.

use std::ops::Range;

use anyhow::Result;
use wootz_runtime::abi::artifact::{CodePlace, FunctionRecord, NO_CODE, Tables};
use wootz_runtime::abi::compat::Compatibility;
use wootz_runtime::abi::index::SignatureIndex;
use wootz_runtime::abi::manifest::{ExportItem, Manifest};
use wootz_runtime::abi::trap::TrapCode;

use crate::container::{Code, Found};
use crate::disassembly::{Disassembler, Instruction};

/// A compiled module.
pub struct Compiled<'a> {
    /// The symbol at its descriptor.
    pub descriptor: String,
    /// Its tables.
    pub tables: Tables<'a>,
    /// Its machine code.
    pub code: Code<'a>,
    /// What the host must have.
    pub compatibility: Compatibility,
    /// What it imports and exports.
    pub manifest: Manifest,
    disassembler: Disassembler,
    /// Where its parts begin, in order, each once, and at last where they end.
    starts: Vec<u32>,
}

/// A function or trampoline.
#[derive(Clone, Debug)]
pub struct Part {
    /// The code.
    pub range: Range<u32>,
    /// What the file calls it, or what it would have been called there.
    pub symbol: Option<String>,
    /// What it is.
    pub kind: PartKind,
}

/// What code there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartKind {
    /// A function, by its position in the function table.
    Function(usize),
    /// From the host to functions with a signature.
    Entry(SignatureIndex),
    /// From functions to the host, with a signature.
    Exit(SignatureIndex),
    /// From functions to the runtime, or from C.
    Other,
    /// What lies between functions, or a trampoline whose symbol was removed.
    Unknown,
}

/// An instruction, and what is known of it.
pub struct CodeLine {
    /// The instruction; its offset counts from the beginning of the code.
    pub instruction: Instruction,
    /// The operator that it comes from: its offset in the wasm file.
    pub wasm_offset: Option<u32>,
    /// Whether that is so. Otherwise it may come from some operator behind.
    pub is_exact: bool,
    /// The function that the operator is in, by its position in the function table: another one than that of the code, if it was
    /// translated in place of a call.
    pub function: Option<usize>,
    /// Why it may trap.
    pub trap: Option<TrapCode>,
}

impl<'a> Compiled<'a> {
    /// A module in a file.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn new(found: Found<'a>) -> Result<Compiled<'a>> {
        let (tables, code) = (found.tables()?, found.code()?);
        let (compatibility, manifest) = tables.decode()?;
        let functions = (0..tables.function_count()).filter_map(|i| tables.function(i));
        let bounds = functions.flat_map(|one| [one.start, one.start.saturating_add(one.bytes)]);
        let signatures = (0..manifest.signatures.len()).map(SignatureIndex::from_position);
        let signatures = signatures.filter_map(|signature| tables.signature(signature));
        let trampolines = signatures.flat_map(|code| [code.entry, code.exit]);
        let symbols = code.symbols.iter();
        let symbols = symbols.flat_map(|one| [one.offset, one.offset.saturating_add(one.bytes)]);
        let symbols = symbols.filter_map(|offset| u32::try_from(offset).ok());
        let size = code.bytes.len() as u32;
        let mut starts: Vec<u32> = bounds.chain(trampolines).chain(symbols).collect();
        starts.retain(|&start| start != NO_CODE && start < size);
        starts.push(size);
        starts.sort_unstable();
        starts.dedup();
        Ok(Compiled {
            descriptor: found.symbol,
            disassembler: Disassembler::new(code.architecture)?,
            tables,
            code,
            compatibility,
            manifest,
            starts,
        })
    }

    /// The address of a place in the code, as the file counts.
    pub fn address(&self, offset: u32) -> u64 {
        self.code.address.saturating_add(offset.into())
    }

    /// The place in the code that has an address. Some tools count from where the file would like to be loaded.
    pub fn offset_of(&self, address: u64) -> Option<u32> {
        let bases = [0, self.code.image_base];
        bases.into_iter().find_map(|base| {
            let offset = address.checked_sub(base)?.checked_sub(self.code.address)?;
            u32::try_from(offset).ok().filter(|&offset| (offset as usize) < self.code.bytes.len())
        })
    }

    /// The addresses of all code, as the file counts.
    pub fn addresses(&self) -> Range<u64> {
        self.code.address..self.address(self.code.bytes.len() as u32)
    }

    /// All functions and trampolines, in the order of their code.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.starts.array_windows().map(|&[start, end]| self.part(start..end))
    }

    /// The function or trampoline that has a place in the code.
    pub fn part_at(&self, offset: u32) -> Option<Part> {
        let after = self.starts.partition_point(|&start| start <= offset);
        let (&start, &end) = (self.starts.get(after.checked_sub(1)?)?, self.starts.get(after)?);
        Some(self.part(start..end))
    }

    /// A function, by its position in the function table.
    pub fn function(&self, position: usize) -> Option<Part> {
        let FunctionRecord { start, bytes, .. } = self.tables.function(position)?;
        let range = start..start.saturating_add(bytes);
        self.bytes(&range)?;
        let symbol = if range.is_empty() { None } else { self.symbol(start) };
        Some(Part { symbol, range, kind: PartKind::Function(position) })
    }

    fn part(&self, range: Range<u32>) -> Part {
        let at = |code: u32| code == range.start;
        let signatures = (0..self.manifest.signatures.len()).map(SignatureIndex::from_position);
        let trampolines = || {
            signatures.clone().find_map(|signature| {
                let code = self.tables.signature(signature)?;
                let entry = at(code.entry).then_some(PartKind::Entry(signature));
                entry.or(at(code.exit).then_some(PartKind::Exit(signature)))
            })
        };
        let function = self.tables.function_at(range.start).map(PartKind::Function);
        let symbol = self.symbol(range.start);
        let other = if symbol.is_some() { PartKind::Other } else { PartKind::Unknown };
        let kind = function.or_else(trampolines).unwrap_or(other);
        Part { symbol, range, kind }
    }

    /// The first symbol at a place in the code. Functions without code of their own have none, wherever they are said to lie.
    fn symbol(&self, offset: u32) -> Option<String> {
        let symbols = &self.code.symbols;
        let at = symbols.partition_point(|symbol| symbol.offset < u64::from(offset));
        let symbol = symbols.get(at).filter(|symbol| symbol.offset == u64::from(offset));
        symbol.map(|symbol| symbol.name.clone())
    }

    /// The index of a function in the module, by its position in the function table.
    pub fn index(&self, position: usize) -> u32 {
        self.tables.function(position).map_or(0, |function| function.function)
    }

    /// A function's name in the module, if it has one.
    pub fn name(&self, position: usize) -> Option<&'a str> {
        self.tables.function_name(position)
    }

    /// A function as people read it, as in backtraces.
    pub fn readable_name(&self, position: usize) -> String {
        let name = self.tables.readable_name(position).or(self.name(position));
        name.map_or_else(|| format!("<wasm function {}>", self.index(position)), str::to_string)
    }

    /// By which names a function is exported.
    pub fn exported_as(&self, position: usize) -> impl Iterator<Item = &str> {
        let index = self.index(position);
        self.manifest.exports.iter().filter_map(move |export| match export.item {
            ExportItem::Function(function, ..) if function.0 == index => Some(&*export.name),
            _ => None,
        })
    }

    /// The function to which an offset in the wasm file belongs, by its position in the function table.
    pub fn function_with(&self, wasm_offset: u32) -> Option<usize> {
        // Bodies are in the order of the functions.
        let (mut behind, mut rest) = (0, self.tables.function_count());
        while rest > 0 {
            let middle = behind + rest / 2;
            let begins = self.tables.function(middle)?.wasm_offset <= wasm_offset;
            (behind, rest) =
                if begins { (middle + 1, rest - rest / 2 - 1) } else { (behind, rest / 2) };
        }
        behind.checked_sub(1)
    }

    /// The code of a function that comes from an offset in the wasm file.
    pub fn ranges_of(&self, position: usize, wasm_offset: u32) -> Vec<Range<u32>> {
        let end = self.function(position).map_or(0, |part| part.range.end);
        let mut positions = self.tables.positions_of(position).peekable();
        let mut ranges = Vec::new();
        while let Some((start, wasm)) = positions.next() {
            let end = positions.peek().map_or(end, |&(next, _)| next);
            if wasm == wasm_offset && start < end {
                ranges.push(start..end);
            }
        }
        ranges
    }

    /// The code of other functions that comes from an offset in the wasm file, in this one: they have it in place of calls.
    pub fn copies_of(&self, position: usize, wasm_offset: u32) -> Vec<(usize, Range<u32>)> {
        let others = (0..self.tables.function_count()).filter(|&other| other != position);
        let copies = others.flat_map(|other| {
            self.ranges_of(other, wasm_offset).into_iter().map(move |range| (other, range))
        });
        copies.collect()
    }

    /// The instructions of a function or trampoline.
    ///
    /// # Errors
    /// If there is no memory left.
    pub fn instructions(&self, part: &Part) -> Result<Vec<CodeLine>> {
        let code = self.bytes(&part.range).unwrap_or_default();
        let start = part.range.start;
        let places: Vec<CodePlace> = match part.kind {
            PartKind::Function(position) => self.tables.places_of(position).collect(),
            _ => Vec::new(),
        };
        // On some machines it is not the first byte that faults.
        let is_first = |place: &&CodePlace| place.trap.is_none() || !self.disassembler.traps_late();
        let known = places.iter().filter(is_first).filter_map(|it| it.code.checked_sub(start));
        let found = self.disassembler.instructions(code, self.address(start), known)?;
        let are_complete = self.tables.places_are_complete();
        let lines = found.into_iter().map(|mut instruction| {
            instruction.offset += start;
            let places_before = |end: u32| places.partition_point(|place| place.code < end);
            let behind = places_before(instruction.offset + instruction.bytes);
            let wasm_offset = behind.checked_sub(1).and_then(|at| places[at].wasm_offset);
            let function = wasm_offset.and_then(|wasm| self.function_with(wasm));
            let trap = places[places_before(instruction.offset)..behind]
                .iter()
                .find_map(|place| place.trap);
            let is_exact = are_complete || trap.is_some() || instruction.is_call;
            CodeLine { instruction, wasm_offset, is_exact, function, trap }
        });
        Ok(lines.collect())
    }

    /// An instruction as text, with the name of what it goes to if that is another function.
    pub fn text(&self, instruction: &Instruction) -> String {
        let text = &instruction.text;
        let part = |offset: u32| self.part_at(offset);
        let target = instruction.target.and_then(|target| self.offset_of(target)).and_then(part);
        match target.filter(|target| !target.range.contains(&instruction.offset)) {
            Some(target) => match self.label(&target) {
                Some(name) => format!("{text} <{name}>"),
                None => text.clone(),
            },
            None => text.clone(),
        }
    }

    /// What code is called: by its symbol, or else by the name of its function.
    pub fn label(&self, part: &Part) -> Option<String> {
        part.symbol.clone().or(match part.kind {
            PartKind::Function(position) => Some(self.readable_name(position)),
            _ => None,
        })
    }

    fn bytes(&self, range: &Range<u32>) -> Option<&'a [u8]> {
        self.code.bytes.get(range.start as usize..range.end as usize)
    }
}

#[cfg(test)]
mod tests {
    use wootz_compiler::{Emit, Options};

    use super::*;
    use crate::container;

    #[test]
    fn no_flipped_byte_panics() {
        let text = r#"(module $m (import "a" "b" (func)) (memory (export "m") 1)
            (func (export "f") (param i32) (result i32) (call 0) (i32.load (local.get 0))))"#;
        let wasm = wat::parse_str(text).unwrap();
        for (emit, target) in [
            (Emit::SharedLibrary, "x86_64-linux"),
            (Emit::SharedLibrary, "s390x-linux"),
            (Emit::SharedLibrary, "aarch64-windows"),
            (Emit::Object, "riscv64-linux"),
            (Emit::Object, "x86_64-macos"),
        ] {
            let options = Options { emit, target: Some(target.into()), ..Options::default() };
            let bytes = wootz_compiler::compile(&wasm, &options).unwrap();
            let all = look(&bytes).unwrap();
            assert!(all > 10, "{target}");
            for at in (0..bytes.len()).step_by(5) {
                // Most of a page is padding.
                if bytes[at] == 0 && at % 13 != 0 {
                    continue;
                }
                let mut bytes = bytes.clone();
                bytes[at] ^= [0x01, 0x80, 0xff][at % 3];
                let _ = look(&bytes);
            }
        }
    }

    /// Asks everything, and says how many instructions there are.
    fn look(bytes: &[u8]) -> Result<usize> {
        let mut count = 0;
        for found in container::open(bytes)?.1 {
            let module = Compiled::new(found)?;
            for part in module.parts() {
                for line in module.instructions(&part)? {
                    module.text(&line.instruction);
                    count += 1;
                }
            }
            for position in 0..module.tables.function_count().min(100) {
                module.exported_as(position).count();
                module.readable_name(position);
                if let Some(part) = module.function(position) {
                    module.instructions(&part)?;
                }
                module.ranges_of(position, 40);
            }
            module.function_with(40);
            module.part_at(u32::MAX);
            module.offset_of(u64::MAX);
        }
        Ok(count)
    }
}
