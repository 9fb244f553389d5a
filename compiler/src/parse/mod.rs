//! Bytes to a validated module: tables of everything the module defines, and the slices of its function bodies.
//!
//! In: a binary module. Out: a [`Module`]. Function bodies are only found here; they are validated while they are
//! translated, in parallel. This room knows wasmparser and no Cranelift.
//!
//! Always true: every index in a [`Module`] is in range, every type is one the compiler implements.

/// Which way branches are likely to go.
mod branch_hints;
/// Types and constant expressions, from wasmparser's form to the artifact's.
mod convert;
/// Defined types, in their groups.
mod types;
/// The proposals a module may use.
mod features;
/// The name section.
mod names;
/// The sections of a module, one function each.
mod sections;

use std::collections::HashMap;

use wasmparser::{
    FuncToValidate, FuncValidator, FuncValidatorAllocations, FunctionBody, Parser, ValidPayload,
    Validator, ValidatorResources,
};
use wootz_runtime::abi::index::{
    FuncIndex, FuncRefIndex, GlobalIndex, MemoryIndex, SignatureIndex, TableIndex, TagIndex,
    TypeIndex,
};
use wootz_runtime::abi::manifest::{self, ConstExpr, ElementSegment, SegmentMode};
use wootz_runtime::abi::types::{
    CompositeType, FuncType, GlobalType, HeapType, MemoryType, ObjectType, TableType,
};

use crate::error::{Error, Result};
use crate::options::Features;

pub use branch_hints::{BranchHints, FunctionHints, check as check_branch_hints};
pub use convert::val_type;
pub use features::{check_operator, name_missing};
pub use names::Names;

/// A validated module, but for its function bodies.
pub struct Module<'a> {
    /// The file.
    pub wasm: &'a [u8],
    /// The different signatures; equal types are one.
    pub signatures: Vec<FuncType>,
    /// The different struct and array types.
    pub object_types: Vec<ObjectType>,
    /// Which types were defined together, if any were.
    pub type_groups: Vec<Vec<HeapType>>,
    /// What each type is, as something to refer to.
    pub types: Vec<HeapType>,
    /// Imports, in order.
    pub imports: Vec<Import<'a>>,
    /// The signature of every function, imports first.
    pub functions: Vec<SignatureIndex>,
    /// The type of every table, imports first.
    pub tables: Vec<TableType>,
    /// What the elements of each defined table are at first.
    pub table_inits: Vec<Option<ConstExpr>>,
    /// The type of every memory, imports first.
    pub memories: Vec<MemoryType>,
    /// How many memories are imported.
    pub imported_memories: usize,
    /// The type of every global, imports first.
    pub globals: Vec<GlobalType>,
    /// The first value of each defined global.
    pub global_inits: Vec<ConstExpr>,
    /// The signature of every exception tag, imports first.
    pub tags: Vec<SignatureIndex>,
    /// How many of the tags are imported.
    pub imported_tags: usize,
    /// Exports, in order.
    pub exports: Vec<manifest::Export>,
    /// The function to call at the end of instantiation.
    pub start: Option<FuncRefIndex>,
    /// Element segments.
    pub elements: Vec<ElementSegment>,
    /// The elements of those segments that list functions: little-endian [`FuncRefIndex`]es.
    pub element_bytes: Vec<u8>,
    /// Data segments.
    pub data: Vec<Data<'a>>,
    /// Functions that may be referred to, in the order in which the module first mentions them.
    pub funcrefs: Vec<FuncIndex>,
    /// Where the contents of the code section begin in the file.
    pub code_start: u64,
    /// The bodies of the defined functions.
    pub bodies: Vec<Body<'a>>,
    /// Which way branches are likely to go, if hints are used.
    pub branch_hints: BranchHints,
    /// Names for debuggers and messages.
    pub names: Names<'a>,
    /// Custom sections other than the name section and DWARF.
    pub custom_sections: Vec<(&'a str, &'a [u8])>,
    /// The custom sections with DWARF, by name.
    pub dwarf: Vec<(&'a str, &'a [u8])>,
    funcref_of: HashMap<FuncIndex, FuncRefIndex>,
    /// The members of each group of types that there was.
    group_of: HashMap<Vec<CompositeType>, Vec<HeapType>>,
}

/// An import.
pub struct Import<'a> {
    /// The first of its two names.
    pub module: &'a str,
    /// The second of its two names.
    pub name: &'a str,
    /// What is imported.
    pub item: ImportItem,
}

/// What is imported: its index in its index space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportItem {
    /// A function.
    Function(FuncIndex),
    /// A table.
    Table(TableIndex),
    /// A memory.
    Memory(MemoryIndex),
    /// A global.
    Global(GlobalIndex),
    /// An exception tag.
    Tag(TagIndex),
}

/// A data segment.
pub struct Data<'a> {
    /// When it is used.
    pub mode: SegmentMode<MemoryIndex>,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// The body of a defined function, not yet validated.
pub struct Body<'a> {
    /// Locals and code.
    pub reader: FunctionBody<'a>,
    validation: FuncToValidate<ValidatorResources>,
}

impl Body<'_> {
    /// Validates the body, and nothing else.
    ///
    /// # Errors
    /// If it is invalid, or has operators that are not implemented.
    pub fn validate(&self, memory: &mut FuncValidatorAllocations) -> Result<()> {
        let mut validator = self.validator(std::mem::take(memory));
        let result = validator.validate(&self.reader);
        *memory = validator.into_allocations();
        result.map_err(|e| Error::invalid(&e))?;
        let mut reader = self.reader.get_operators_reader().map_err(|e| Error::invalid(&e))?;
        while !reader.eof() {
            let offset = reader.original_position();
            check_operator(&reader.read().map_err(|e| Error::invalid(&e))?, offset)?;
        }
        Ok(())
    }

    /// A validator at the beginning of the body, which reuses the memory of an earlier one.
    pub fn validator(&self, memory: FuncValidatorAllocations) -> FuncValidator<ValidatorResources> {
        let FuncToValidate { ref resources, index, ty, features } = self.validation;
        FuncToValidate { resources: resources.clone(), index, ty, features }.into_validator(memory)
    }
}

/// How many bytes a module may have: what engines agree on.
const MOST_BYTES: usize = 1 << 30;

/// Decodes and validates a module, but for its function bodies.
///
/// # Errors
/// If it is no module, is malformed or invalid, or exceeds an implementation limit.
pub fn module<'a>(wasm: &'a [u8], features: &Features) -> Result<Module<'a>> {
    check_header(wasm)?;
    if wasm.len() > MOST_BYTES {
        let message = format!("it has {} bytes, at most {MOST_BYTES} are possible", wasm.len());
        return Err(Error::Limit { message });
    }
    let uses_hints = features.contains("branch-hinting");
    let features = features::accepted(features);
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut module = Module::empty(wasm);
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(|e| Error::invalid(&e))?;
        match validator.payload(&payload).map_err(|e| Error::invalid(&e))? {
            ValidPayload::Func(validation, reader) => {
                module.bodies.push(Body { reader, validation })
            }
            _ => sections::read(&mut module, payload)?,
        }
    }
    if !uses_hints {
        module.branch_hints = BranchHints::default();
    }
    Ok(module)
}

/// A file that is no module at all deserves a better message than "bad magic number".
fn check_header(wasm: &[u8]) -> Result<()> {
    let found = match wasm {
        [] => "nothing: it is empty".to_string(),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => return Ok(()),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => {
            "the header of a WebAssembly component".to_string()
        }
        [b'\0', b'a', b's', b'm', version @ ..] if version.len() >= 4 => {
            format!("\"\\0asm\" and version bytes {:02x?}", &version[..4])
        }
        [0x7f, b'E', b'L', b'F', ..] => "the header of an ELF file".to_string(),
        _ => format!("bytes {:02x?}", &wasm[..wasm.len().min(8)]),
    };
    Err(Error::NotWasm { found })
}

impl<'a> Module<'a> {
    fn empty(wasm: &'a [u8]) -> Module<'a> {
        Module {
            wasm,
            signatures: Vec::new(),
            object_types: Vec::new(),
            type_groups: Vec::new(),
            types: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            tables: Vec::new(),
            table_inits: Vec::new(),
            memories: Vec::new(),
            imported_memories: 0,
            globals: Vec::new(),
            global_inits: Vec::new(),
            tags: Vec::new(),
            imported_tags: 0,
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            element_bytes: Vec::new(),
            data: Vec::new(),
            funcrefs: Vec::new(),
            code_start: 0,
            bodies: Vec::new(),
            branch_hints: BranchHints::default(),
            names: Names::default(),
            custom_sections: Vec::new(),
            dwarf: Vec::new(),
            funcref_of: HashMap::new(),
            group_of: HashMap::new(),
        }
    }

    /// The function body, by its position, that has an address as DWARF counts: from the beginning of the code section's
    /// contents.
    pub fn body_at(&self, address: u64) -> Option<usize> {
        let offset = address.checked_add(self.code_start)?;
        let behind = self.bodies.partition_point(|body| body.reader.range().start <= offset);
        let position = behind.checked_sub(1)?;
        (offset < self.bodies[position].reader.range().end).then_some(position)
    }

    /// An error in the body of a function, with the function.
    pub fn invalid_body(&self, index: FuncIndex, mut error: Error) -> Error {
        if let Error::Invalid { function, .. } = &mut error {
            *function = Some((index.0, self.names.symbol(index).map(str::to_string)));
        }
        error
    }

    /// The functions it defines, with their bodies.
    pub fn functions_with_bodies(&self) -> Vec<(FuncIndex, &Body<'a>)> {
        let index = |position| FuncIndex::from_position(self.imported_functions() + position);
        self.bodies.iter().enumerate().map(|(position, body)| (index(position), body)).collect()
    }

    /// How many functions are imported.
    pub fn imported_functions(&self) -> usize {
        self.functions.len() - self.bodies.len()
    }

    /// How many tables are imported.
    pub fn imported_tables(&self) -> usize {
        self.tables.len() - self.table_inits.len()
    }

    /// How many globals are imported.
    pub fn imported_globals(&self) -> usize {
        self.globals.len() - self.global_inits.len()
    }

    /// The type of a function, imported or defined.
    pub fn function_type(&self, index: FuncIndex) -> &FuncType {
        &self.signatures[self.functions[index.index()].index()]
    }

    /// The signature that the index of a function type stands for.
    pub fn signature_index(&self, index: TypeIndex) -> SignatureIndex {
        match self.types[index.index()] {
            HeapType::Signature(index) => index,
            _ => unreachable!("validation admits function types only"),
        }
    }

    /// The place among the function references of a function that may be referred to.
    ///
    /// # Panics
    /// If nothing outside of function bodies mentions it; `ref.func` of such a function is invalid.
    pub fn funcref(&self, index: FuncIndex) -> FuncRefIndex {
        self.funcref_of[&index]
    }

    fn mention(&mut self, index: FuncIndex) -> FuncRefIndex {
        let funcrefs = &mut self.funcrefs;
        *self.funcref_of.entry(index).or_insert_with(|| {
            funcrefs.push(index);
            FuncRefIndex::from_position(funcrefs.len() - 1)
        })
    }
}
