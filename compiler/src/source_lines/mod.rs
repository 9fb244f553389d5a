//! The module's own debug information to a table from places in the wasm file to functions, files and lines.
//!
//! In: the DWARF sections of a module, the bodies of its functions, and the offsets at which backtraces may find them.
//! Out: what the loader shows for these offsets. For others, there is what the offset before has.
//!
//! DWARF counts from the beginning of the code section's contents, where the number of functions stands; everybody else
//! counts from the beginning of the file.
//!
//! Always true: whatever the sections contain, this ends soon, and compilation goes on. What cannot be read is left out.

/// Names of functions as people read them.
mod demangle;
/// Which scope each part of the code belongs to.
mod paint;
/// DWARF to scopes and lines, by offsets in the code.
mod dwarf;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use wootz_runtime::abi::artifact::{
    FunctionLines, SourceLines, SourcePlace, SourceRow, SourceScope,
};
use wootz_runtime::abi::index::FuncIndex;

use crate::options::Options;
use crate::parse::Module;
use demangle::demangle;
use dwarf::{Dwarf, Place, TextId};
use paint::{Ranged, ScopeId};

/// Functions, files and lines of a module, at the wasm offsets `stops`, which ascend.
pub fn table(module: &Module<'_>, stops: &[u32], options: &Options) -> SourceLines {
    let mut table = SourceLines::default();
    let mut strings = Strings::default();
    let imported = module.imported_functions();
    for position in 0..module.bodies.len() {
        let name = module.names.function(FuncIndex::from_position(imported + position));
        if let Some(readable) = name.and_then(demangle) {
            table.readable_names.push((position as u32, strings.number(readable)));
        }
    }
    if module.dwarf.is_empty() {
        // Most modules.
    } else if !options.backtrace_details {
        table.dwarf_left_out = true;
    } else if let Some(dwarf) = dwarf::read(module) {
        table.functions = functions(module, stops, &dwarf, &mut strings);
    }
    table.strings = strings.strings;
    table
}

fn functions(
    module: &Module<'_>,
    mut stops: &[u32],
    dwarf: &Dwarf<'_>,
    strings: &mut Strings,
) -> Vec<FunctionLines> {
    let mut segments = Sweep { items: &dwarf.segments };
    let mut lines = Sweep { items: &dwarf.lines };
    let mut numbers = Numbers { dwarf, strings, names: HashMap::new(), files: HashMap::new() };
    let bodies = module.bodies.iter().map(|body| body.reader.range());
    bodies
        .map(|body| {
            let mut function = Function::default();
            let mut last = (None, Place::default());
            let (own, others) =
                stops.split_at(stops.partition_point(|&at| u64::from(at) < body.end));
            stops = others;
            for &wasm_offset in own.iter().filter(|&&at| body.contains(&u64::from(at))) {
                let offset = wasm_offset - module.code_start as u32;
                let found = (segments.at(offset), lines.at(offset).unwrap_or_default());
                if found != last {
                    let row = SourceRow {
                        wasm_offset,
                        scope: found.0.map(|scope| function.scope(scope, &mut numbers)),
                        place: numbers.place(found.1),
                    };
                    function.lines.rows.push(row);
                    last = found;
                }
            }
            function.lines
        })
        .collect()
}

/// A function whose lines are collected.
#[derive(Default)]
struct Function {
    lines: FunctionLines,
    scopes: HashMap<ScopeId, u32>,
}

impl Function {
    /// The number of a scope in this function; it and what it is inlined into are added if they are new.
    fn scope(&mut self, scope: ScopeId, numbers: &mut Numbers<'_>) -> u32 {
        let mut missing = Vec::new();
        let mut next = Some(scope);
        while let Some(scope) = next.filter(|scope| !self.scopes.contains_key(scope)) {
            missing.push(scope);
            next = numbers.dwarf.scopes[scope.0 as usize].caller.map(|(caller, _)| caller);
        }
        for id in missing.into_iter().rev() {
            let scope = &numbers.dwarf.scopes[id.0 as usize];
            let name = scope.name.map(|name| numbers.name(name));
            let caller = scope.caller.map(|(caller, at)| (self.scopes[&caller], numbers.place(at)));
            self.scopes.insert(id, self.lines.scopes.len() as u32);
            self.lines.scopes.push(SourceScope { name, caller });
        }
        self.scopes[&scope]
    }
}

/// The items of a sorted list of disjoint ranges, by offsets that ascend.
struct Sweep<'a, T> {
    items: &'a [Ranged<T>],
}

impl<T: Copy> Sweep<'_, T> {
    /// What covers an offset, if anything does.
    fn at(&mut self, offset: u32) -> Option<T> {
        while let Some((first, rest)) = self.items.split_first()
            && first.end <= offset
        {
            self.items = rest;
        }
        self.items.first().filter(|first| first.start <= offset).map(|first| first.what)
    }
}

/// Texts of the DWARF to numbers of strings.
struct Numbers<'a> {
    dwarf: &'a Dwarf<'a>,
    strings: &'a mut Strings,
    names: HashMap<TextId, u32>,
    files: HashMap<TextId, u32>,
}

impl Numbers<'_> {
    fn name(&mut self, name: TextId) -> u32 {
        let text = self.dwarf.texts.get(name);
        *self.names.entry(name).or_insert_with(|| {
            self.strings.number(demangle(text).unwrap_or_else(|| text.to_string()))
        })
    }

    fn place(&mut self, place: Place) -> SourcePlace {
        let file = place.file.map(|file| {
            let text = self.dwarf.texts.get(file);
            *self.files.entry(file).or_insert_with(|| self.strings.number(text.to_string()))
        });
        SourcePlace { file, line: place.line, column: place.column }
    }
}

/// Strings, each once, in the order in which they are first used.
#[derive(Default)]
struct Strings {
    strings: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Strings {
    fn number(&mut self, string: String) -> u32 {
        let strings = &mut self.strings;
        *self.numbers.entry(string).or_insert_with_key(|string| {
            strings.push(string.clone());
            strings.len() as u32 - 1
        })
    }
}
