//! The name section (WebAssembly core specification, appendix "Custom Sections").
//!
//! Always true: a malformed name section never stops compilation; what was read before the fault is kept.

use std::collections::HashMap;

use wasmparser::{Name, NameSectionReader};
use wootz_runtime::abi::index::{FuncIndex, GlobalIndex, MemoryIndex};

/// Names for debuggers and messages.
#[derive(Default)]
pub struct Names<'a> {
    /// The module's name.
    pub module: Option<&'a str>,
    functions: HashMap<FuncIndex, &'a str>,
    locals: HashMap<(FuncIndex, u32), &'a str>,
    globals: HashMap<GlobalIndex, &'a str>,
    memories: HashMap<MemoryIndex, &'a str>,
    exports: HashMap<FuncIndex, &'a str>,
}

impl<'a> Names<'a> {
    /// The name that the name section gives a function.
    pub fn function(&self, index: FuncIndex) -> Option<&'a str> {
        self.functions.get(&index).copied().filter(|name| !name.is_empty())
    }

    /// The name that the name section gives a local of a function.
    pub fn local(&self, index: FuncIndex, local: u32) -> Option<&'a str> {
        self.locals.get(&(index, local)).copied().filter(|name| !name.is_empty())
    }

    /// The name that the name section gives a global.
    pub fn global(&self, index: GlobalIndex) -> Option<&'a str> {
        self.globals.get(&index).copied().filter(|name| !name.is_empty())
    }

    /// The name that the name section gives a memory.
    pub fn memory(&self, index: MemoryIndex) -> Option<&'a str> {
        self.memories.get(&index).copied().filter(|name| !name.is_empty())
    }

    /// The name that a function's symbol is made of: the one in the name section, or else that of its first export.
    pub fn symbol(&self, index: FuncIndex) -> Option<&'a str> {
        let export = || self.exports.get(&index).copied().filter(|name| !name.is_empty());
        self.function(index).or_else(export)
    }

    pub(super) fn exported(&mut self, index: FuncIndex, name: &'a str) {
        self.exports.entry(index).or_insert(name);
    }

    pub(super) fn read(&mut self, section: NameSectionReader<'a>) {
        for subsection in section {
            match subsection {
                Ok(Name::Module { name, .. }) => self.module = Some(name),
                Ok(Name::Function(names)) => {
                    for naming in names.into_iter().map_while(Result::ok) {
                        self.functions.insert(FuncIndex(naming.index), naming.name);
                    }
                }
                Ok(Name::Local(functions)) => {
                    for function in functions.into_iter().map_while(Result::ok) {
                        for naming in function.names.map_while(Result::ok) {
                            let local = (FuncIndex(function.index), naming.index);
                            self.locals.insert(local, naming.name);
                        }
                    }
                }
                Ok(Name::Global(names)) => {
                    for naming in names.into_iter().map_while(Result::ok) {
                        self.globals.insert(GlobalIndex(naming.index), naming.name);
                    }
                }
                Ok(Name::Memory(names)) => {
                    for naming in names.into_iter().map_while(Result::ok) {
                        self.memories.insert(MemoryIndex(naming.index), naming.name);
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}
