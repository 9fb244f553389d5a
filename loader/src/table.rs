//! Tables: read, written, grown from the host.

use anyhow::{Context, Result, bail, format_err};
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::vm;
use wootz_runtime::vm::trap::Failure;

use crate::handle::Table;
use crate::store::{AsContext, AsContextMut, StoreCore, error_of};
use crate::trap::Trap;
use crate::types::TableType;
use crate::value::Ref;

impl Table {
    /// A new table, with every element `init`.
    ///
    /// # Errors
    /// If `init` is not of the elements' type, or the store's limiter refuses, or the table is too large.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        let store = store.as_context_mut().0;
        store.core.check_counts(0, 1, 0)?;
        let init = checked(&store.core, &ty, init)?;
        store.ask_for_table(ty.minimum(), ty.maximum())?;
        let table = vm::table::Table::new(ty.to_abi(), init).context("failed to make a table")?;
        Ok(Table { store: store.core.id(), index: store.core.own_table(ty, table) })
    }

    fn get_in<'a>(&self, core: &'a StoreCore) -> (&'a TableType, &'a vm::table::Table) {
        core.id().assert_owns(self.store);
        let (ty, table) = core.table(self.index);
        // SAFETY: tables live as long as their store, which is borrowed.
        (ty, unsafe { table.as_ref() })
    }

    fn get_mut_in<'a>(&self, core: &'a mut StoreCore) -> (&'a TableType, &'a mut vm::table::Table) {
        core.id().assert_owns(self.store);
        let (ty, table) = core.table(self.index);
        // SAFETY: as above; nobody else uses it while the store is mutably borrowed.
        (ty, unsafe { &mut *table.as_ptr() })
    }

    /// Its type, as it was declared.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        self.get_in(&store.as_context().0.core).0.clone()
    }

    /// Its size.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.get_in(&store.as_context().0.core).1.elements() as u64
    }

    /// An element. `None` if there is none at this index.
    pub fn get(&self, mut store: impl AsContextMut, index: u64) -> Option<Ref> {
        let core = &mut store.as_context_mut().0.core;
        let (ty, table) = self.get_in(core);
        let (ty, element) = (ty.element().clone(), table.get(index)?);
        // SAFETY: it comes from a table of this store.
        Some(unsafe { Ref::of_element(core, element, &ty) })
    }

    /// Sets an element.
    ///
    /// # Errors
    /// [`Trap::TableOutOfBounds`] if there is none at this index; and if the value is not of the elements' type.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, val: Ref) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let value = checked(core, self.get_in(core).0, val)?;
        self.get_mut_in(core).1.set(index, value).map_err(trap)
    }

    /// Makes it larger. Returns the former size.
    ///
    /// # Errors
    /// If the maximum or the store's limiter does not allow it, or the value is not of the elements' type.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let store = store.as_context_mut().0;
        let init = checked(&store.core, self.get_in(&store.core).0, init)?;
        let mut table = store.core.table(self.index).1;
        // SAFETY: tables live as long as their store, and nobody else uses it while the store is mutably borrowed.
        match vm::builtins::grow_table(unsafe { table.as_mut() }, delta, init, store) {
            Ok(Some(elements)) => Ok(elements),
            Ok(None) => Err(format_err!("failed to grow table by `{delta}`")),
            Err(Failure::Error(error)) => Err(error_of(error)),
            Err(_) => unreachable!("limiters return errors"),
        }
    }

    /// Copies elements from one table to another, or within one.
    ///
    /// # Errors
    /// If a range lies outside of its table, or the elements' types differ.
    pub fn copy(
        mut store: impl AsContextMut,
        dst_table: &Table,
        dst_index: u64,
        src_table: &Table,
        src_index: u64,
        len: u64,
    ) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        core.id().assert_owns(dst_table.store);
        core.id().assert_owns(src_table.store);
        let ((dst_ty, dst), (src_ty, src)) =
            (core.table(dst_table.index), core.table(src_table.index));
        if !src_ty.element().matches(dst_ty.element()) {
            bail!(
                "type mismatch: source table's element type does not match destination table's element type"
            );
        }
        // SAFETY: tables live as long as their store, and nobody else uses them while the store is mutably borrowed.
        unsafe { vm::table::Table::copy(*dst, dst_index, *src, src_index, len) }.map_err(trap)
    }

    /// Sets a range of elements.
    ///
    /// # Errors
    /// If the range lies outside, or the value is not of the elements' type.
    pub fn fill(&self, mut store: impl AsContextMut, dst: u64, val: Ref, len: u64) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let value = checked(core, self.get_in(core).0, val)?;
        self.get_mut_in(core).1.fill(dst, value, len).map_err(trap)
    }
}

fn trap(code: TrapCode) -> anyhow::Error {
    Trap::from(code).into()
}

/// A value as the table stores it, after checking its type.
fn checked(core: &StoreCore, ty: &TableType, value: Ref) -> Result<u64> {
    value
        .check(core, ty.element())
        .context("type mismatch: value does not match table element type")?;
    Ok(value.element(core))
}
