//! The types of what modules import and export.
//!
//! In: types in the form in which they travel in artifacts, with process-wide numbers for signatures. Out: types as users
//! name them; and back.

/// The types of values and functions.
mod values;
/// The types of globals, tables, memories and tags.
mod entities;
/// The types of imports and exports.
mod imports;

pub use entities::{GlobalType, MemoryType, MemoryTypeBuilder, Mutability, TableType, TagType};
pub use imports::{ExportType, ExternType, ImportType};
pub use values::{ArrayType, FuncType, HeapType, RefType, StructType, ValType};
