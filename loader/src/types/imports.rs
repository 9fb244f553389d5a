//! The types of what modules import and export, and their names.

use std::fmt;

use super::entities::{GlobalType, MemoryType, TableType, TagType};
use super::values::FuncType;

/// The type of something that is imported or exported.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A global.
    Global(GlobalType),
    /// A table.
    Table(TableType),
    /// A memory, shared or not.
    Memory(MemoryType),
    /// A tag of exceptions.
    Tag(TagType),
}

macro_rules! extern_types {
    ($($get:ident $unwrap:ident $variant:ident $ty:ty, $what:literal;)*) => {
        impl ExternType {
            $(
                #[doc = concat!("The type, if it is that of a ", $what, ".")]
                pub fn $get(&self) -> Option<&$ty> {
                    match self {
                        ExternType::$variant(ty) => Some(ty),
                        _ => None,
                    }
                }

                #[doc = concat!("The type of a ", $what, ".\n\n# Panics\nIf it is that of something else.")]
                pub fn $unwrap(&self) -> &$ty {
                    self.$get().expect(concat!("expected the type of a ", $what))
                }
            )*
        }

        $(
            impl From<$ty> for ExternType {
                fn from(ty: $ty) -> ExternType {
                    ExternType::$variant(ty)
                }
            }
        )*
    };
}

extern_types! {
    func unwrap_func Func FuncType, "function";
    global unwrap_global Global GlobalType, "global";
    table unwrap_table Table TableType, "table";
    memory unwrap_memory Memory MemoryType, "memory";
    tag unwrap_tag Tag TagType, "tag";
}

/// An import of a module.
#[derive(Clone)]
pub struct ImportType<'module> {
    pub(crate) module: &'module str,
    pub(crate) name: &'module str,
    pub(crate) ty: ExternType,
}

impl<'module> ImportType<'module> {
    /// The first of its names.
    pub fn module(&self) -> &'module str {
        self.module
    }

    /// The second of its names.
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// What must be imported.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

/// An export of a module.
#[derive(Clone)]
pub struct ExportType<'module> {
    pub(crate) name: &'module str,
    pub(crate) ty: ExternType,
}

impl<'module> ExportType<'module> {
    /// Its name.
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// What is exported.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As the text format has it in imports; alone, a function type is a type definition.
            ExternType::Func(ty) => ty.signature().ty().fmt(f),
            ExternType::Global(ty) => ty.fmt(f),
            ExternType::Table(ty) => ty.fmt(f),
            ExternType::Memory(ty) => ty.fmt(f),
            ExternType::Tag(ty) => ty.fmt(f),
        }
    }
}

impl fmt::Debug for ImportType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(import {:?} {:?} {})", self.module, self.name, self.ty)
    }
}

impl fmt::Debug for ExportType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(export {:?} {})", self.name, self.ty)
    }
}
