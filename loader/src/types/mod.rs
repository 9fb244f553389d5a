//! The types of what modules import and export.
//!
//! In: types in the form in which they travel in artifacts, with process-wide numbers for signatures. Out: types as users
//! name them; and back.

/// The types of values and functions.
mod values;
/// The types of globals, tables and memories, and of imports and exports.
mod entities;

pub use entities::{
    ExportType, ExternType, GlobalType, ImportType, MemoryType, MemoryTypeBuilder, Mutability,
    TableType,
};
pub use values::{FuncType, HeapType, RefType, ValType};
