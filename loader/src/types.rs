//! The types of what modules import and export.
//!
//! In: types in the form in which they travel in artifacts, with process-wide numbers for signatures. Out: types as users
//! name them; and back.

use std::fmt;

use anyhow::{Result, bail};
use wootz_runtime::abi::index::SignatureIndex;
use wootz_runtime::abi::types as abi;
use wootz_runtime::vm::signature::Signature;

use crate::engine::Engine;

/// Whether something can be changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mutability {
    /// It cannot.
    Const,
    /// It can.
    Var,
}

impl Mutability {
    /// Whether it cannot be changed.
    pub fn is_const(&self) -> bool {
        *self == Mutability::Const
    }

    /// Whether it can be changed.
    pub fn is_var(&self) -> bool {
        *self == Mutability::Var
    }
}

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Hash)]
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

impl ValType {
    /// `externref`
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);
    /// `nullexternref`
    pub const NULLEXTERNREF: ValType = ValType::Ref(RefType::NULLEXTERNREF);
    /// `funcref`
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `nullfuncref`
    pub const NULLFUNCREF: ValType = ValType::Ref(RefType::NULLFUNCREF);

    /// Whether it is a number.
    pub fn is_num(&self) -> bool {
        matches!(self, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
    }

    /// Whether it is `i32`.
    pub fn is_i32(&self) -> bool {
        matches!(self, ValType::I32)
    }

    /// Whether it is `i64`.
    pub fn is_i64(&self) -> bool {
        matches!(self, ValType::I64)
    }

    /// Whether it is `f32`.
    pub fn is_f32(&self) -> bool {
        matches!(self, ValType::F32)
    }

    /// Whether it is `f64`.
    pub fn is_f64(&self) -> bool {
        matches!(self, ValType::F64)
    }

    /// Whether it is `v128`.
    pub fn is_v128(&self) -> bool {
        matches!(self, ValType::V128)
    }

    /// Whether it is a reference.
    pub fn is_ref(&self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether it is `funcref`.
    pub fn is_funcref(&self) -> bool {
        *self == ValType::FUNCREF
    }

    /// Whether it is `externref`.
    pub fn is_externref(&self) -> bool {
        *self == ValType::EXTERNREF
    }

    /// The reference type, if it is one.
    pub fn as_ref(&self) -> Option<&RefType> {
        match self {
            ValType::Ref(ty) => Some(ty),
            _ => None,
        }
    }

    /// The reference type.
    ///
    /// # Panics
    /// If it is none.
    pub fn unwrap_ref(&self) -> &RefType {
        self.as_ref().expect("a reference type")
    }

    /// Whether every value of this type also has type `other`.
    pub fn matches(&self, other: &ValType) -> bool {
        match (self, other) {
            (ValType::Ref(this), ValType::Ref(other)) => this.matches(other),
            _ => self == other,
        }
    }

    /// Whether two are the same type.
    pub fn eq(a: &ValType, b: &ValType) -> bool {
        a == b
    }

    pub(crate) fn ensure_matches(&self, expected: &ValType) -> Result<()> {
        match self.matches(expected) {
            true => Ok(()),
            false => bail!("type mismatch: expected {expected}, found {self}"),
        }
    }

    pub(crate) fn from_abi(engine: &Engine, ty: abi::ValType) -> ValType {
        match ty {
            abi::ValType::I32 => ValType::I32,
            abi::ValType::I64 => ValType::I64,
            abi::ValType::F32 => ValType::F32,
            abi::ValType::F64 => ValType::F64,
            abi::ValType::V128 => ValType::V128,
            abi::ValType::Ref(ty) => ValType::Ref(RefType::from_abi(engine, ty)),
        }
    }

    pub(crate) fn to_abi(&self) -> abi::ValType {
        match self {
            ValType::I32 => abi::ValType::I32,
            ValType::I64 => abi::ValType::I64,
            ValType::F32 => abi::ValType::F32,
            ValType::F64 => abi::ValType::F64,
            ValType::V128 => abi::ValType::V128,
            ValType::Ref(ty) => abi::ValType::Ref(ty.to_abi()),
        }
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> ValType {
        ValType::Ref(ty)
    }
}

/// The type of a reference.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RefType {
    is_nullable: bool,
    heap_type: HeapType,
}

impl RefType {
    /// `externref`
    pub const EXTERNREF: RefType = RefType { is_nullable: true, heap_type: HeapType::Extern };
    /// `nullexternref`
    pub const NULLEXTERNREF: RefType = RefType { is_nullable: true, heap_type: HeapType::NoExtern };
    /// `funcref`
    pub const FUNCREF: RefType = RefType { is_nullable: true, heap_type: HeapType::Func };
    /// `nullfuncref`
    pub const NULLFUNCREF: RefType = RefType { is_nullable: true, heap_type: HeapType::NoFunc };

    /// A reference to this, which may be null or not.
    pub fn new(is_nullable: bool, heap_type: HeapType) -> RefType {
        RefType { is_nullable, heap_type }
    }

    /// Whether null belongs to the type.
    pub fn is_nullable(&self) -> bool {
        self.is_nullable
    }

    /// What is referred to.
    pub fn heap_type(&self) -> &HeapType {
        &self.heap_type
    }

    /// Whether every reference of this type also has type `other`.
    pub fn matches(&self, other: &RefType) -> bool {
        (other.is_nullable || !self.is_nullable) && self.heap_type.matches(&other.heap_type)
    }

    /// Whether two are the same type.
    pub fn eq(a: &RefType, b: &RefType) -> bool {
        a == b
    }

    pub(crate) fn from_abi(engine: &Engine, ty: abi::RefType) -> RefType {
        let heap_type = match ty.heap {
            abi::HeapType::Func => HeapType::Func,
            abi::HeapType::NoFunc => HeapType::NoFunc,
            abi::HeapType::Extern => HeapType::Extern,
            abi::HeapType::NoExtern => HeapType::NoExtern,
            abi::HeapType::Signature(id) => HeapType::ConcreteFunc(FuncType::from_id(engine, id.0)),
        };
        RefType { is_nullable: ty.nullable, heap_type }
    }

    pub(crate) fn to_abi(&self) -> abi::RefType {
        let heap = match &self.heap_type {
            HeapType::Func => abi::HeapType::Func,
            HeapType::NoFunc => abi::HeapType::NoFunc,
            HeapType::Extern => abi::HeapType::Extern,
            HeapType::NoExtern => abi::HeapType::NoExtern,
            HeapType::ConcreteFunc(ty) => abi::HeapType::Signature(SignatureIndex(ty.signature.id())),
        };
        abi::RefType { nullable: self.is_nullable, heap }
    }
}

/// What a reference refers to.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeapType {
    /// Any host value.
    Extern,
    /// No host value: the type of null.
    NoExtern,
    /// Any function.
    Func,
    /// A function of one type.
    ConcreteFunc(FuncType),
    /// No function: the type of null.
    NoFunc,
}

impl HeapType {
    /// Whether everything of this type is also of type `other`.
    pub fn matches(&self, other: &HeapType) -> bool {
        match (self, other) {
            (HeapType::NoExtern, HeapType::Extern) => true,
            (HeapType::NoFunc, HeapType::Func | HeapType::ConcreteFunc(_)) => true,
            (HeapType::ConcreteFunc(_), HeapType::Func) => true,
            _ => self == other,
        }
    }

    /// The widest type above this one.
    pub fn top(&self) -> HeapType {
        match self {
            HeapType::Extern | HeapType::NoExtern => HeapType::Extern,
            HeapType::Func | HeapType::ConcreteFunc(_) | HeapType::NoFunc => HeapType::Func,
        }
    }

    /// Whether it is `extern`.
    pub fn is_extern(&self) -> bool {
        matches!(self, HeapType::Extern)
    }

    /// Whether it is `func`.
    pub fn is_func(&self) -> bool {
        matches!(self, HeapType::Func)
    }

    /// Whether it is `nofunc`.
    pub fn is_no_func(&self) -> bool {
        matches!(self, HeapType::NoFunc)
    }

    /// The function type, if it is one.
    pub fn as_concrete_func(&self) -> Option<&FuncType> {
        match self {
            HeapType::ConcreteFunc(ty) => Some(ty),
            _ => None,
        }
    }
}

/// The type of a function.
#[derive(Clone)]
pub struct FuncType {
    engine: Engine,
    signature: Signature,
}

impl FuncType {
    /// The type with these parameters and results.
    pub fn new(
        engine: &Engine,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        // The types are kept until they are interned, because numbers in them mean something only as long.
        let (params, results): (Vec<_>, Vec<_>) = (params.into_iter().collect(), results.into_iter().collect());
        let ty = abi::FuncType {
            params: params.iter().map(ValType::to_abi).collect(),
            results: results.iter().map(ValType::to_abi).collect(),
        };
        FuncType { engine: engine.clone(), signature: Signature::new(ty) }
    }

    pub(crate) fn from_signature(engine: &Engine, signature: &Signature) -> FuncType {
        FuncType { engine: engine.clone(), signature: signature.clone() }
    }

    /// The type that has this number.
    pub(crate) fn from_id(engine: &Engine, id: u32) -> FuncType {
        let signature = Signature::by_id(id).expect("whoever has a number keeps its signature alive");
        FuncType { engine: engine.clone(), signature }
    }

    pub(crate) fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The type of a parameter.
    pub fn param(&self, i: usize) -> Option<ValType> {
        Some(ValType::from_abi(&self.engine, *self.signature.ty().params.get(i)?))
    }

    /// The types of its parameters.
    pub fn params(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.signature.ty().params.iter().map(|&ty| ValType::from_abi(&self.engine, ty))
    }

    /// The type of a result.
    pub fn result(&self, i: usize) -> Option<ValType> {
        Some(ValType::from_abi(&self.engine, *self.signature.ty().results.get(i)?))
    }

    /// The types of its results.
    pub fn results(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.signature.ty().results.iter().map(|&ty| ValType::from_abi(&self.engine, ty))
    }

    /// Whether every function of this type also has type `other`.
    pub fn matches(&self, other: &FuncType) -> bool {
        self == other
    }

    /// Whether two are the same type.
    pub fn eq(a: &FuncType, b: &FuncType) -> bool {
        a == b
    }
}

impl PartialEq for FuncType {
    fn eq(&self, other: &FuncType) -> bool {
        self.signature == other.signature
    }
}

impl Eq for FuncType {}

impl std::hash::Hash for FuncType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.signature.id().hash(state);
    }
}

/// The type of a global.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct GlobalType {
    content: ValType,
    mutability: Mutability,
}

impl GlobalType {
    /// A global that holds this, and can be changed or not.
    pub fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType { content, mutability }
    }

    /// The type of its value.
    pub fn content(&self) -> &ValType {
        &self.content
    }

    /// Whether it can be changed.
    pub fn mutability(&self) -> Mutability {
        self.mutability
    }

    pub(crate) fn from_abi(engine: &Engine, ty: abi::GlobalType) -> GlobalType {
        let mutability = if ty.mutable { Mutability::Var } else { Mutability::Const };
        GlobalType { content: ValType::from_abi(engine, ty.value), mutability }
    }
}

/// The type of a table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TableType {
    element: RefType,
    limits: abi::Limits,
    is_64: bool,
}

impl TableType {
    /// A table of such references, of at least `min` and at most `max` elements.
    pub fn new(element: RefType, min: u32, max: Option<u32>) -> TableType {
        TableType { element, limits: abi::Limits { min: min.into(), max: max.map(u64::from) }, is_64: false }
    }

    /// As [`new`](Self::new), with 64-bit indices.
    pub fn new64(element: RefType, min: u64, max: Option<u64>) -> TableType {
        TableType { element, limits: abi::Limits { min, max }, is_64: true }
    }

    /// Whether indices are 64 bits wide.
    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// The type of its elements.
    pub fn element(&self) -> &RefType {
        &self.element
    }

    /// The size it starts with.
    pub fn minimum(&self) -> u64 {
        self.limits.min
    }

    /// The size it never exceeds.
    pub fn maximum(&self) -> Option<u64> {
        self.limits.max
    }

    pub(crate) fn from_abi(engine: &Engine, ty: abi::TableType) -> TableType {
        TableType { element: RefType::from_abi(engine, ty.element), limits: ty.limits, is_64: ty.table64 }
    }

    pub(crate) fn to_abi(&self) -> abi::TableType {
        abi::TableType { element: self.element.to_abi(), limits: self.limits, table64: self.is_64 }
    }
}

/// The type of a linear memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MemoryType {
    ty: abi::MemoryType,
}

impl MemoryType {
    /// A memory of at least `minimum` and at most `maximum` pages of 64 KiB.
    ///
    /// # Panics
    /// As [`MemoryTypeBuilder::build`] is an error.
    pub fn new(minimum: u32, maximum: Option<u32>) -> MemoryType {
        let build = MemoryType::builder().min(minimum.into()).max(maximum.map(u64::from)).build();
        build.expect("the limits of a memory type must be valid")
    }

    /// As [`new`](Self::new), with 64-bit addresses.
    ///
    /// # Panics
    /// As [`MemoryTypeBuilder::build`] is an error.
    pub fn new64(minimum: u64, maximum: Option<u64>) -> MemoryType {
        let build = MemoryType::builder().memory64(true).min(minimum).max(maximum).build();
        build.expect("the limits of a memory type must be valid")
    }

    /// A memory that several threads may use.
    ///
    /// # Panics
    /// As [`MemoryTypeBuilder::build`] is an error.
    pub fn shared(minimum: u32, maximum: u32) -> MemoryType {
        let build = MemoryType::builder().shared(true).min(minimum.into()).max(Some(maximum.into())).build();
        build.expect("the limits of a memory type must be valid")
    }

    /// Begins with the default: no pages, no maximum.
    pub fn builder() -> MemoryTypeBuilder {
        MemoryTypeBuilder::default()
    }

    /// Whether addresses are 64 bits wide.
    pub fn is_64(&self) -> bool {
        self.ty.memory64
    }

    /// Whether several threads may use it.
    pub fn is_shared(&self) -> bool {
        self.ty.shared
    }

    /// The size it starts with, in pages.
    pub fn minimum(&self) -> u64 {
        self.ty.limits.min
    }

    /// The size it never exceeds, in pages.
    pub fn maximum(&self) -> Option<u64> {
        self.ty.limits.max
    }

    /// The size of a page, in bytes.
    pub fn page_size(&self) -> u64 {
        1 << self.ty.page_size_log2
    }

    /// The binary logarithm of the size of a page.
    pub fn page_size_log2(&self) -> u8 {
        self.ty.page_size_log2
    }

    pub(crate) fn from_abi(ty: abi::MemoryType) -> MemoryType {
        MemoryType { ty }
    }

    pub(crate) fn to_abi(&self) -> abi::MemoryType {
        self.ty
    }
}

/// Makes a [`MemoryType`].
#[derive(Clone, Debug)]
pub struct MemoryTypeBuilder {
    ty: abi::MemoryType,
}

impl Default for MemoryTypeBuilder {
    fn default() -> MemoryTypeBuilder {
        let limits = abi::Limits { min: 0, max: None };
        MemoryTypeBuilder { ty: abi::MemoryType { limits, memory64: false, shared: false, page_size_log2: 16 } }
    }
}

impl MemoryTypeBuilder {
    /// Begins with the default: no pages, no maximum.
    pub fn new() -> MemoryTypeBuilder {
        MemoryTypeBuilder::default()
    }

    /// Sets the size it starts with, in pages.
    pub fn min(&mut self, minimum: u64) -> &mut MemoryTypeBuilder {
        self.ty.limits.min = minimum;
        self
    }

    /// Sets the size it never exceeds, in pages.
    pub fn max(&mut self, maximum: Option<u64>) -> &mut MemoryTypeBuilder {
        self.ty.limits.max = maximum;
        self
    }

    /// Sets whether addresses are 64 bits wide.
    pub fn memory64(&mut self, memory64: bool) -> &mut MemoryTypeBuilder {
        self.ty.memory64 = memory64;
        self
    }

    /// Sets whether several threads may use it.
    pub fn shared(&mut self, shared: bool) -> &mut MemoryTypeBuilder {
        self.ty.shared = shared;
        self
    }

    /// Sets the binary logarithm of the size of a page: 16 or 0.
    pub fn page_size_log2(&mut self, page_size_log2: u8) -> &mut MemoryTypeBuilder {
        self.ty.page_size_log2 = page_size_log2;
        self
    }

    /// The type.
    ///
    /// # Errors
    /// If the minimum exceeds the maximum, if either exceeds what addresses reach, if the page size is not 1 or 64 KiB, or
    /// if a shared memory has no maximum.
    pub fn build(&self) -> Result<MemoryType> {
        let abi::MemoryType { limits, memory64, shared, page_size_log2 } = self.ty;
        if page_size_log2 != 16 && page_size_log2 != 0 {
            bail!("a memory's page size must be 1 byte or 64 KiB, not 2^{page_size_log2} bytes");
        }
        if shared && limits.max.is_none() {
            bail!("shared memories must have a maximum size");
        }
        let address_bits = if memory64 { 64 } else { 32 };
        let most = 1u128 << (address_bits - u32::from(page_size_log2));
        for (what, pages) in [("minimum", Some(limits.min)), ("maximum", limits.max)] {
            if let Some(pages) = pages.filter(|&pages| u128::from(pages) > most) {
                bail!("the {what} size of {pages} pages exceeds the {most} that {address_bits}-bit addresses reach");
            }
        }
        if let Some(max) = limits.max.filter(|&max| max < limits.min) {
            bail!("the minimum size of {} pages exceeds the maximum of {max}", limits.min);
        }
        Ok(MemoryType { ty: self.ty })
    }
}

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
    /// A memory.
    Memory(MemoryType),
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

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::Ref(ty) => ty.fmt(f),
            number => number.to_abi().fmt(f),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.heap_type, self.is_nullable) {
            (HeapType::ConcreteFunc(ty), true) => write!(f, "(ref null {ty})"),
            (HeapType::ConcreteFunc(ty), false) => write!(f, "(ref {ty})"),
            _ => self.to_abi().fmt(f),
        }
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeapType::ConcreteFunc(ty) => ty.fmt(f),
            heap_type => RefType::new(false, heap_type.clone()).to_abi().heap.fmt(f),
        }
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(type (func")?;
        for ty in self.params() {
            write!(f, " (param {ty})")?;
        }
        for ty in self.results() {
            write!(f, " (result {ty})")?;
        }
        f.write_str("))")
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => ty.fmt(f),
            ExternType::Global(ty) => match ty.mutability {
                Mutability::Var => write!(f, "(global (mut {}))", ty.content),
                Mutability::Const => write!(f, "(global {})", ty.content),
            },
            ExternType::Table(ty) => ty.to_abi().fmt(f),
            ExternType::Memory(ty) => ty.ty.fmt(f),
        }
    }
}

macro_rules! debug_as_display {
    ($($ty:ty)*) => {$(
        impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_as_display! { ValType RefType HeapType FuncType }

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
