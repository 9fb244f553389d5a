//! What a module imports, exports and needs at instantiation.
//!
//! The manifest is the one part of an artifact that is decoded when it is loaded. Whatever grows with the number of
//! functions is kept out of it, in tables that are searched in place ([`artifact`](super::artifact)).

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::index::{
    DataIndex, FuncIndex, FuncRefIndex, GlobalIndex, MemoryIndex, SignatureIndex, TableIndex,
    TagIndex,
};
use super::types::{FuncType, GlobalType, HeapType, MemoryType, ObjectType, RefType, TableType};
use super::vmctx::VmShape;

/// What a module imports, exports and needs at instantiation.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The module's name, from its name section.
    pub name: Option<String>,
    /// The different signatures of the module; [`SignatureIndex`] points here.
    pub signatures: Vec<FuncType>,
    /// Its different struct and array types; [`ObjectTypeIndex`](super::index::ObjectTypeIndex) points here.
    pub object_types: Vec<ObjectType>,
    /// Which types it defines together: they are equal to others only as the same part of an equal group. Each mentions only
    /// types of its own group and of those before. Empty if each signature is a group of its own, in their order.
    /// Types are named as heap types.
    pub type_groups: Vec<Vec<HeapType>>,
    /// Imports, in the order of the import section.
    pub imports: Vec<Import>,
    /// Exports, in the order of the export section.
    pub exports: Vec<Export>,
    /// How many functions it defines.
    pub functions: u32,
    /// How many functions have a [`FuncRefIndex`].
    pub funcrefs: u32,
    /// The tables it defines.
    pub tables: Vec<Table>,
    /// The memories it defines.
    pub memories: Vec<Memory>,
    /// The globals it defines.
    pub globals: Vec<Global>,
    /// The signature of each tag it defines.
    pub tags: Vec<SignatureIndex>,
    /// Element segments, all of them.
    pub elements: Vec<ElementSegment>,
    /// Data segments by their indices, but for those that are part of an image: nothing is left to do for them at instantiation,
    /// and then they count as dropped. Some modules have tens of thousands.
    pub data: Vec<DataSegment>,
    /// The images that memories start with.
    pub images: Vec<MemoryImage>,
    /// The function to call at the end of instantiation.
    pub start: Option<FuncRefIndex>,
    /// The custom sections that were kept: their names, and where in the artifact's data their bytes are.
    pub custom_sections: Vec<(String, Range)>,
}

impl Manifest {
    /// The position of a data segment in the list, if it is none that counts as dropped from the start.
    pub fn data_position(&self, index: DataIndex) -> Option<usize> {
        self.data.binary_search_by_key(&index, |segment| segment.index).ok()
    }

    /// How many of each thing the module has: what the layout of its vmctx follows from.
    pub fn shape(&self) -> VmShape {
        let mut shape = VmShape {
            tables: self.tables.len() as u32,
            memories: self.memories.len() as u32,
            globals: self.globals.len() as u32,
            tags: self.tags.len() as u32,
            funcrefs: self.funcrefs,
            signatures: self.signatures.len() as u32,
            ..VmShape::default()
        };
        for import in &self.imports {
            *match import.ty {
                ImportType::Function(_) => &mut shape.imported_functions,
                ImportType::Table(_) => &mut shape.imported_tables,
                ImportType::Memory(_) => &mut shape.imported_memories,
                ImportType::Global(_) => &mut shape.imported_globals,
                ImportType::Tag(_) => &mut shape.imported_tags,
            } += 1;
        }
        shape
    }
}

/// An import.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Import {
    /// The first of its two names.
    pub module: String,
    /// The second of its two names.
    pub name: String,
    /// What is imported.
    pub ty: ImportType,
}

/// What is imported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ImportType {
    /// A function.
    Function(SignatureIndex),
    /// A table.
    Table(TableType),
    /// A memory, and how compiled code checks accesses to it.
    Memory(Memory),
    /// A global.
    Global(GlobalType),
    /// An exception tag.
    Tag(SignatureIndex),
}

/// An export.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// What is exported.
    pub item: ExportItem,
}

/// What is exported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExportItem {
    /// A function: its index, signature and reference.
    Function(FuncIndex, SignatureIndex, FuncRefIndex),
    /// A table.
    Table(TableIndex),
    /// A memory.
    Memory(MemoryIndex),
    /// A global.
    Global(GlobalIndex),
    /// An exception tag.
    Tag(TagIndex),
}

/// A memory, and what compiled code relies on when accessing it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// Its type.
    pub ty: MemoryType,
    /// How accesses to it are checked.
    pub checks: BoundsChecks,
}

/// How accesses to a memory are kept inside of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum BoundsChecks {
    /// By address space: the memory's base never moves, the memory never exceeds `reservation`, and everything from its
    /// base up to `reservation + guard` bytes is either the memory or faults. An access at most `reservation` bytes behind
    /// the base that ends at most `guard` bytes later needs no further check.
    Guarded {
        /// Bytes reserved for the memory, from its base.
        reservation: u64,
        /// Bytes behind the reservation that always fault.
        guard: u64,
    },
    /// By comparing every access with the current size. The base may move when the memory grows.
    Explicit {
        /// Bytes behind the memory, whatever its size is, that fault: of an access that ends within them, only the
        /// beginning has to be compared.
        guard: u64,
    },
}

impl BoundsChecks {
    /// How accesses to a memory of this type are checked where memories have so much address space: what the compiler
    /// relies on, and what memories are made for.
    pub fn of(ty: &MemoryType, reservation: u64, guard: u64) -> BoundsChecks {
        // The system guards whole pages of its own only, which no pages of WebAssembly are smaller than, but those.
        if ty.page_size_log2 < 16 {
            return BoundsChecks::Explicit { guard: 0 };
        }
        let most = ty.most_bytes();
        // Memories that several threads use cannot move, so they are given all that they may ever need.
        let reservation = match u64::try_from(most) {
            Ok(most) if ty.shared => reservation.max(most),
            _ => reservation,
        };
        match most <= u128::from(reservation) {
            true => BoundsChecks::Guarded { reservation, guard },
            false => BoundsChecks::Explicit { guard },
        }
    }

    /// How many bytes are reserved; 0 if nothing is said about it.
    pub fn reservation(self) -> u64 {
        match self {
            BoundsChecks::Guarded { reservation, .. } => reservation,
            BoundsChecks::Explicit { .. } => 0,
        }
    }

    /// How many bytes fault, at least, behind the memory.
    pub fn guard(self) -> u64 {
        match self {
            BoundsChecks::Guarded { guard, .. } | BoundsChecks::Explicit { guard } => guard,
        }
    }

    /// Whether code that relies on `wanted` may access a memory for which this holds.
    pub fn satisfies(self, wanted: BoundsChecks) -> bool {
        let reach =
            |checks: BoundsChecks| u128::from(checks.reservation()) + u128::from(checks.guard());
        match (self, wanted) {
            (_, BoundsChecks::Explicit { guard }) => self.guard() >= guard,
            (BoundsChecks::Guarded { .. }, BoundsChecks::Guarded { .. }) => {
                reach(self) >= reach(wanted)
            }
            (BoundsChecks::Explicit { .. }, BoundsChecks::Guarded { .. }) => false,
        }
    }
}

/// A table a module defines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Its type.
    pub ty: TableType,
    /// What its elements are at first; null if nothing is said.
    pub init: Option<ConstExpr>,
}

/// A global a module defines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Global {
    /// Its type.
    pub ty: GlobalType,
    /// Its first value.
    pub init: ConstExpr,
}

/// A constant expression: a stack program that leaves one value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConstExpr {
    /// Its operators, without the final `end`.
    pub ops: Vec<ConstOp>,
}

/// An operator of a constant expression. Floats travel as their bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ConstOp {
    I32Const(i32),
    I64Const(i64),
    F32Const(u32),
    F64Const(u64),
    V128Const([u8; 16]),
    GlobalGet(GlobalIndex),
    RefNull(RefType),
    RefFunc(FuncRefIndex),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
}

/// A range of one of the artifact's byte tables.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Range {
    /// Where it begins, in bytes.
    pub offset: u32,
    /// How many bytes it has.
    pub bytes: u32,
}

/// When a segment is used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SegmentMode<Target> {
    /// At instantiation, at an offset of a memory or table; afterwards it counts as dropped.
    Active {
        /// The memory or table.
        target: Target,
        /// Where in it.
        offset: ConstExpr,
    },
    /// When an instruction says so.
    Passive,
    /// Never: it only declares functions that `ref.func` may name, and counts as dropped from the start.
    Declared,
}

/// An element segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ElementSegment {
    /// When it is used.
    pub mode: SegmentMode<TableIndex>,
    /// The type of its elements.
    pub ty: RefType,
    /// Its elements.
    pub items: ElementItems,
}

/// The elements of an element segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ElementItems {
    /// Functions: little-endian 32-bit [`FuncRefIndex`]es in the artifact's table of elements. `u32::MAX` is null.
    Functions(Range),
    /// Anything else.
    Expressions(Vec<ConstExpr>),
}

/// A data segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DataSegment {
    /// Its index in the module.
    pub index: DataIndex,
    /// When it is used.
    pub mode: SegmentMode<MemoryIndex>,
    /// Its bytes, in the artifact's data.
    pub bytes: Range,
}

/// The initial contents of a defined memory, ready to be mapped: everything outside of the range is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemoryImage {
    /// The memory.
    pub memory: MemoryIndex,
    /// Where in the memory the image begins: a multiple of the image alignment.
    pub offset: u64,
    /// Where in the artifact's image section its bytes are: a multiple of the image alignment.
    pub image: Range,
}
