//! The types of WebAssembly, in the form in which they travel in artifacts.
//!
//! `Display` prints each type as the text format writes it.

use alloc::boxed::Box;
use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::index::{ObjectTypeIndex, SignatureIndex};

/// A value type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

/// A reference type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RefType {
    /// Whether null belongs to the type.
    pub nullable: bool,
    /// What is referred to.
    pub heap: HeapType,
}

/// What a reference may refer to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum HeapType {
    /// Any function.
    Func,
    /// No function: the type of null function references.
    NoFunc,
    /// Any host value.
    Extern,
    /// No host value: the type of null host references.
    NoExtern,
    /// Any object.
    Any,
    /// Any object that can be compared with others.
    Eq,
    /// A 31-bit integer.
    I31,
    /// Any struct.
    Struct,
    /// Any array.
    Array,
    /// No object: the type of null references to objects.
    None,
    /// Any exception.
    Exn,
    /// No exception: the type of null references to exceptions.
    NoExn,
    /// A function of one signature.
    Signature(SignatureIndex),
    /// A struct of one type.
    StructType(ObjectTypeIndex),
    /// An array of one type.
    ArrayType(ObjectTypeIndex),
}

/// The representations that references have in compiled code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RefKind {
    /// A pointer to a [`VmFuncRef`](super::vmctx::VmFuncRef), or a null pointer.
    Func,
    /// A 32-bit handle into the store's table of host values, 0 for null.
    Extern,
    /// A 32-bit number, 0 for null; of objects and exceptions there is nothing else in this version.
    Object,
}

impl RefType {
    /// `funcref`
    pub const FUNCREF: RefType = RefType { nullable: true, heap: HeapType::Func };
    /// `externref`
    pub const EXTERNREF: RefType = RefType { nullable: true, heap: HeapType::Extern };

    /// How compiled code represents references of this type.
    pub fn kind(self) -> RefKind {
        match self.heap {
            HeapType::Func | HeapType::NoFunc | HeapType::Signature(_) => RefKind::Func,
            HeapType::Extern | HeapType::NoExtern => RefKind::Extern,
            HeapType::Any
            | HeapType::Eq
            | HeapType::I31
            | HeapType::Struct
            | HeapType::Array
            | HeapType::None
            | HeapType::Exn
            | HeapType::NoExn
            | HeapType::StructType(_)
            | HeapType::ArrayType(_) => RefKind::Object,
        }
    }
}

/// The type of a function.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct FuncType {
    /// The types of its parameters.
    pub params: Box<[ValType]>,
    /// The types of its results.
    pub results: Box<[ValType]>,
}

/// What a module defines as a type.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum CompositeType {
    /// The type of functions.
    Func(FuncType),
    /// The type of objects.
    Object(ObjectType),
}

/// The type of an object: the one field that an array repeats, or the fields of a struct.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ObjectType {
    Struct(Box<[FieldType]>),
    Array(FieldType),
}

/// A field of an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct FieldType {
    /// What it holds.
    pub storage: StorageType,
    /// Whether it can be set.
    pub mutable: bool,
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum StorageType {
    /// 8 bits of an integer.
    I8,
    /// 16 bits of an integer.
    I16,
    /// A value.
    Val(ValType),
}

impl CompositeType {
    /// The same type with every heap type in it replaced by what `replace` says, or `None` where it says nothing.
    pub fn map(&self, replace: &mut impl FnMut(HeapType) -> Option<HeapType>) -> Option<Self> {
        let mut value = |ty: ValType| {
            Some(match ty {
                ValType::Ref(ty) => ValType::Ref(RefType { heap: replace(ty.heap)?, ..ty }),
                ty => ty,
            })
        };
        Some(match self {
            CompositeType::Func(ty) => {
                let mut all = |types: &[ValType]| types.iter().map(|&ty| value(ty)).collect();
                let (params, results): (Option<_>, Option<_>) = (all(&ty.params), all(&ty.results));
                CompositeType::Func(FuncType { params: params?, results: results? })
            }
            CompositeType::Object(ty) => {
                let mut field = |field: &FieldType| {
                    let storage = match field.storage {
                        StorageType::Val(ty) => StorageType::Val(value(ty)?),
                        packed => packed,
                    };
                    Some(FieldType { storage, ..*field })
                };
                CompositeType::Object(match ty {
                    ObjectType::Struct(fields) => {
                        ObjectType::Struct(fields.iter().map(field).collect::<Option<_>>()?)
                    }
                    ObjectType::Array(element) => ObjectType::Array(field(element)?),
                })
            }
        })
    }
}

/// Limits of a memory or table: a minimum and an optional maximum, in the unit of what is limited.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// The size it starts with.
    pub min: u64,
    /// The size it never exceeds.
    pub max: Option<u64>,
}

/// The type of a memory. Its limits count pages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct MemoryType {
    /// Size in pages.
    pub limits: Limits,
    /// Whether addresses are 64 bits wide.
    pub memory64: bool,
    /// Whether several threads may use it at a time.
    pub shared: bool,
    /// The binary logarithm of the page size in bytes: 16 unless the module says otherwise.
    #[serde(deserialize_with = "page_size_log2")]
    pub page_size_log2: u8,
}

/// Of a page size that there is: one byte, or 64 KiB. (A record may come from anywhere, and sizes are computed by it.)
fn page_size_log2<'a, D: Deserializer<'a>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        log2 @ (0 | 16) => Ok(log2),
        _ => Err(D::Error::custom("there are no pages of this size")),
    }
}

/// The type of a table. Its limits count elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TableType {
    /// The type of its elements.
    pub element: RefType,
    /// Size in elements.
    pub limits: Limits,
    /// Whether indices are 64 bits wide.
    pub table64: bool,
}

/// The type of a global.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct GlobalType {
    /// The type of its value.
    pub value: ValType,
    /// Whether it can be set.
    pub mutable: bool,
}

impl MemoryType {
    /// How many bytes its first size has.
    pub fn min_bytes(&self) -> u128 {
        u128::from(self.limits.min) << self.page_size_log2
    }

    /// How many bytes it can have, by its maximum, by what its addresses reach, and by the numbers that can say how many
    /// pages it has.
    pub fn most_bytes(&self) -> u128 {
        let bits = if self.memory64 { 64 } else { 32 };
        let countable = ((1u128 << bits) - 1) << self.page_size_log2;
        let declared = self.limits.max.map(|max| u128::from(max) << self.page_size_log2);
        declared.unwrap_or(u128::MAX).min(1 << bits).min(countable)
    }
}

impl MemoryType {
    /// Whether it never has all that 32 bits can address, though its type may allow it: a memory that does not begin with its last
    /// page of 64 KiB never grows into it, as growing may fail for any reason. So compiled code may conclude from an access that an
    /// address less than 64 KiB behind it does not wrap around.
    pub fn never_has_last_page(&self) -> bool {
        let all = 1 << 32;
        !self.memory64 && !self.shared && self.page_size_log2 == 16 && self.min_bytes() < all
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(ty) => ty.fmt(f),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.nullable, self.heap) {
            (true, HeapType::Func) => f.write_str("funcref"),
            (true, HeapType::NoFunc) => f.write_str("nullfuncref"),
            (true, HeapType::Extern) => f.write_str("externref"),
            (true, HeapType::NoExtern) => f.write_str("nullexternref"),
            (true, HeapType::Any) => f.write_str("anyref"),
            (true, HeapType::Eq) => f.write_str("eqref"),
            (true, HeapType::I31) => f.write_str("i31ref"),
            (true, HeapType::Struct) => f.write_str("structref"),
            (true, HeapType::Array) => f.write_str("arrayref"),
            (true, HeapType::None) => f.write_str("nullref"),
            (true, HeapType::Exn) => f.write_str("exnref"),
            (true, HeapType::NoExn) => f.write_str("nullexnref"),
            (true, heap) => write!(f, "(ref null {heap})"),
            (false, heap) => write!(f, "(ref {heap})"),
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeapType::Func => f.write_str("func"),
            HeapType::NoFunc => f.write_str("nofunc"),
            HeapType::Extern => f.write_str("extern"),
            HeapType::NoExtern => f.write_str("noextern"),
            HeapType::Any => f.write_str("any"),
            HeapType::Eq => f.write_str("eq"),
            HeapType::I31 => f.write_str("i31"),
            HeapType::Struct => f.write_str("struct"),
            HeapType::Array => f.write_str("array"),
            HeapType::None => f.write_str("none"),
            HeapType::Exn => f.write_str("exn"),
            HeapType::NoExn => f.write_str("noexn"),
            HeapType::Signature(index) => write!(f, "{}", index.0),
            HeapType::StructType(index) => write!(f, "struct {}", index.0),
            HeapType::ArrayType(index) => write!(f, "array {}", index.0),
        }
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(func")?;
        for (word, types) in [("param", &self.params), ("result", &self.results)] {
            if !types.is_empty() {
                write!(f, " ({word}")?;
                for ty in types {
                    write!(f, " {ty}")?;
                }
                f.write_str(")")?;
            }
        }
        f.write_str(")")
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.min)?;
        match self.max {
            Some(max) => write!(f, " {max}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(memory {}{}", if self.memory64 { "i64 " } else { "" }, self.limits)?;
        if self.shared {
            f.write_str(" shared")?;
        }
        if self.page_size_log2 != 16 {
            write!(f, " (pagesize {})", 1u64 << self.page_size_log2)?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "(table {}{} {})",
            if self.table64 { "i64 " } else { "" },
            self.limits,
            self.element
        )
    }
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutable {
            true => write!(f, "(global (mut {}))", self.value),
            false => write!(f, "(global {})", self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_have_pages_of_a_size_that_there_is() {
        let limits = Limits { min: u64::MAX, max: Some(u64::MAX) };
        for page_size_log2 in 0..=u8::MAX {
            let ty = MemoryType { limits, memory64: true, shared: false, page_size_log2 };
            let record = postcard::to_allocvec(&ty).unwrap();
            let read: Result<MemoryType, _> = postcard::from_bytes(&record);
            assert_eq!(read.is_ok(), matches!(page_size_log2, 0 | 16), "{page_size_log2}");
            if let Ok(ty) = read {
                assert!(ty.min_bytes() >= u128::from(u64::MAX) && ty.most_bytes() > 0);
            }
        }
    }
}
