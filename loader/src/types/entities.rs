//! The types of globals, tables, memories and tags.

use std::fmt;

use anyhow::{Result, bail};
use wootz_runtime::abi::types as abi;

use crate::engine::Engine;

use super::values::{FuncType, RefType, ValType};

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
        TableType {
            element,
            limits: abi::Limits { min: min.into(), max: max.map(u64::from) },
            is_64: false,
        }
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
        TableType {
            element: RefType::from_abi(engine, ty.element),
            limits: ty.limits,
            is_64: ty.table64,
        }
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
        let build = MemoryType::builder()
            .shared(true)
            .min(minimum.into())
            .max(Some(maximum.into()))
            .build();
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

/// The type of a tag of exceptions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TagType {
    ty: FuncType,
}

impl TagType {
    /// A tag of exceptions that carry the parameters of this function type. It has no results.
    pub fn new(ty: FuncType) -> TagType {
        TagType { ty }
    }

    /// What exceptions carry, as the parameters of a function type.
    pub fn ty(&self) -> &FuncType {
        &self.ty
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
        MemoryTypeBuilder {
            ty: abi::MemoryType { limits, memory64: false, shared: false, page_size_log2: 16 },
        }
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
            bail!("page size must be 2**16 or 2**0, but was given 2**{page_size_log2}, in bytes");
        }
        if shared && limits.max.is_none() {
            bail!("shared memories must have a maximum size");
        }
        let address_bits = if memory64 { 64 } else { 32 };
        let most = 1u128 << (address_bits - u32::from(page_size_log2));
        for (what, pages) in [("minimum", Some(limits.min)), ("maximum", limits.max)] {
            if let Some(pages) = pages.filter(|&pages| u128::from(pages) > most) {
                bail!(
                    "{what} size is too large for this memory type's index type: {pages} pages exceed the {most} that \
                     {address_bits}-bit addresses reach"
                );
            }
        }
        if let Some(max) = limits.max.filter(|&max| max < limits.min) {
            bail!(
                "maximum page size cannot be smaller than the minimum page size: {max} pages, and {}",
                limits.min
            );
        }
        Ok(MemoryType { ty: self.ty })
    }
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutability {
            Mutability::Var => write!(f, "(global (mut {}))", self.content),
            Mutability::Const => write!(f, "(global {})", self.content),
        }
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "(table {}{} {})",
            if self.is_64 { "i64 " } else { "" },
            self.limits,
            self.element
        )
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ty.fmt(f)
    }
}

impl fmt::Display for TagType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(tag")?;
        if self.ty.params().len() > 0 {
            f.write_str(" (param")?;
            self.ty.params().try_for_each(|ty| write!(f, " {ty}"))?;
            f.write_str(")")?;
        }
        f.write_str(")")
    }
}
