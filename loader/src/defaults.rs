//! Things of a type with nothing in them: zeros, nulls, functions that return these.

use anyhow::{Context, Result};

use crate::externs::Extern;
use crate::handle::{Func, Global, Memory, Table, Tag};
use crate::shared_memory::SharedMemory;
use crate::store::AsContextMut;
use crate::types::{ExternType, FuncType, GlobalType, MemoryType, TableType, TagType, ValType};
use crate::value::Val;

impl ValType {
    /// Zero or null. `None` if null does not belong to the type.
    pub fn default_value(&self) -> Option<Val> {
        Val::default_for_ty(self)
    }
}

impl FuncType {
    /// A function that returns zeros and nulls.
    ///
    /// # Errors
    /// If a result has no such value.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Func> {
        let results: Option<Vec<Val>> = self.results().map(|ty| ty.default_value()).collect();
        results.context("function results do not have a default value")?;
        // Results are zero or null unless they are filled in.
        Ok(Func::new(store, self.clone(), |_, _, _| Ok(())))
    }
}

impl GlobalType {
    /// A global that holds zero or null.
    ///
    /// # Errors
    /// If its type has no such value.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Global> {
        let value = self.content().default_value().context("global type has no default value")?;
        Global::new(store, self.clone(), value)
    }
}

impl TableType {
    /// A table of nulls, of the minimum size.
    ///
    /// # Errors
    /// If null does not belong to the type of its elements, or if the table cannot be made.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Table> {
        let element = ValType::Ref(self.element().clone()).default_value();
        let element = element.and_then(|value| value.ref_());
        let element = element.context("table element type does not have a default value")?;
        Table::new(store, self.clone(), element)
    }
}

impl MemoryType {
    /// A memory of the minimum size, filled with zeros: a [`SharedMemory`] if the type is shared, or else a [`Memory`].
    ///
    /// # Errors
    /// If the memory cannot be made.
    pub fn default_value(&self, mut store: impl AsContextMut) -> Result<Extern> {
        Ok(match self.is_shared() {
            true => {
                let store = store.as_context_mut();
                SharedMemory::new(store.engine(), self.clone())?.into()
            }
            false => Memory::new(store, self.clone())?.into(),
        })
    }
}

impl TagType {
    /// A tag.
    ///
    /// # Errors
    /// As [`Tag::new`].
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Tag> {
        Tag::new(store, self)
    }
}

impl ExternType {
    /// Something of this type with nothing in it.
    ///
    /// # Errors
    /// If there is no such thing.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Extern> {
        Ok(match self {
            ExternType::Func(ty) => ty.default_value(store)?.into(),
            ExternType::Global(ty) => ty.default_value(store)?.into(),
            ExternType::Table(ty) => ty.default_value(store)?.into(),
            ExternType::Memory(ty) => ty.default_value(store)?,
            ExternType::Tag(ty) => ty.default_value(store)?.into(),
        })
    }
}
