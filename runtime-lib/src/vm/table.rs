//! Tables: elements as compiled code stores them, growth, and the bulk operations.
//!
//! In: a table's type and elements as raw values: the address of a [`VmFuncRef`](crate::abi::vmctx::VmFuncRef) or 0, or a
//! handle of a host value. Out: a [`VmTable`] record that is always up to date, wherever it lies.
//!
//! Always true: the record's `elements` are allocated and initialised from `base` on; their number never exceeds the
//! table's maximum. Compiled code writes elements too, so they are only ever reached through the record.

use std::alloc::{Layout, alloc_zeroed, dealloc, realloc};
use std::ptr::{self, NonNull};

use crate::abi::trap::TrapCode;
use crate::abi::types::{RefKind, TableType};
use crate::abi::vmctx::VmTable;

/// The most elements a table may have: what engines agree on.
pub const MAX_ELEMENTS: u64 = 10_000_000;

/// A table.
#[derive(Debug)]
pub struct Table {
    ty: TableType,
    /// How many elements are allocated.
    capacity: usize,
    record: Record,
}

/// Where the record that compiled code reads lies.
#[derive(Debug)]
enum Record {
    /// Here: the table belongs to no instance.
    Own(Box<VmTable>),
    /// In the vmctx of the instance that defines the table.
    In(NonNull<VmTable>),
}

/// A table would have more elements than it may, or than there is memory for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableTooLarge {
    /// How many.
    pub elements: u64,
}

impl std::fmt::Display for TableTooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a table of {} elements exceeds the limit of {MAX_ELEMENTS}", self.elements)
    }
}

impl std::error::Error for TableTooLarge {}

impl Table {
    /// A table of this type, of its minimum size, with every element `init`.
    ///
    /// # Errors
    /// If it is too large.
    pub fn new(ty: TableType, init: u64) -> Result<Table, TableTooLarge> {
        let record = VmTable { base: NonNull::<u64>::dangling().as_ptr().cast(), elements: 0 };
        let mut table = Table { ty, capacity: 0, record: Record::Own(Box::new(record)) };
        match table.grow(ty.limits.min, init) {
            Some(_) => Ok(table),
            None => Err(TableTooLarge { elements: ty.limits.min }),
        }
    }

    /// Lets the record lie in a vmctx from now on.
    ///
    /// # Safety
    /// `record` is valid as long as the table is, and read by others only where the table may be used.
    pub unsafe fn move_record(&mut self, record: NonNull<VmTable>) {
        // SAFETY: the caller promises a valid place.
        unsafe { record.write(VmTable { base: self.base(), elements: self.elements() }) };
        self.record = Record::In(record);
    }

    /// The record that compiled code reads.
    pub fn record(&self) -> NonNull<VmTable> {
        match &self.record {
            Record::Own(record) => NonNull::from(&**record),
            Record::In(record) => *record,
        }
    }

    /// Its type, as it was declared.
    pub fn ty(&self) -> &TableType {
        &self.ty
    }

    /// Its size now.
    pub fn elements(&self) -> usize {
        // SAFETY: the record is valid.
        unsafe { (*self.record().as_ptr()).elements }
    }

    /// The size it never exceeds.
    pub fn max_elements(&self) -> u64 {
        self.ty.limits.max.unwrap_or(u64::MAX).min(MAX_ELEMENTS)
    }

    fn base(&self) -> *mut u8 {
        // SAFETY: the record is valid.
        unsafe { (*self.record().as_ptr()).base }
    }

    fn element_bytes(&self) -> usize {
        match self.ty.element.kind() {
            RefKind::Func => 8,
            RefKind::Extern | RefKind::Object => 4,
        }
    }

    fn layout(&self, elements: usize) -> Layout {
        let bytes =
            elements.checked_mul(self.element_bytes()).expect("far below the address space");
        Layout::from_size_align(bytes, 8).expect("far below the address space")
    }

    /// An element. `None` if there is none at this index.
    pub fn get(&self, index: u64) -> Option<u64> {
        let index = usize::try_from(index).ok().filter(|&index| index < self.elements())?;
        // SAFETY: in bounds; elements are initialised.
        Some(unsafe {
            match self.ty.element.kind() {
                RefKind::Func => *self.base().cast::<u64>().add(index),
                RefKind::Extern | RefKind::Object => {
                    u64::from(*self.base().cast::<u32>().add(index))
                }
            }
        })
    }

    /// Sets one element.
    ///
    /// # Errors
    /// If there is none at this index.
    pub fn set(&mut self, index: u64, value: u64) -> Result<(), TrapCode> {
        self.fill(index, value, 1)
    }

    /// Makes it larger. Returns the former size, or `None` if that is not possible; then nothing has changed.
    pub fn grow(&mut self, elements: u64, init: u64) -> Option<u64> {
        let former = self.elements();
        let larger =
            (former as u64).checked_add(elements).filter(|&size| size <= self.max_elements())?;
        let larger = usize::try_from(larger).ok()?;
        if larger > self.capacity {
            let capacity =
                larger.max(self.capacity.saturating_mul(2).min(self.max_elements() as usize));
            let (old, new) = (self.layout(self.capacity), self.layout(capacity));
            // SAFETY: the base was allocated with the old layout, unless nothing was; the new size is not 0.
            let base = unsafe {
                match self.capacity {
                    0 => alloc_zeroed(new),
                    _ => realloc(self.base(), old, new.size()),
                }
            };
            let base = NonNull::new(base)?;
            // SAFETY: the record is valid.
            unsafe { (*self.record().as_ptr()).base = base.as_ptr() };
            self.capacity = capacity;
        }
        // SAFETY: as many elements are allocated; those that are new are initialised before anybody can read them.
        unsafe { (*self.record().as_ptr()).elements = larger };
        self.fill(former as u64, init, elements).expect("these elements exist now");
        Some(former as u64)
    }

    /// Makes it as large as it was when it was new, and every element `init`.
    pub fn renew(&mut self, init: u64) {
        let elements = self.ty.limits.min as usize;
        // SAFETY: the record is valid, and a table that was made has room for its minimum.
        unsafe { (*self.record().as_ptr()).elements = elements };
        self.fill(0, init, elements as u64).expect("these are its elements");
    }

    /// Its elements, as they are stored.
    fn stored(&self) -> &[u8] {
        // SAFETY: as many elements are initialised, and `&self` says that nobody writes them.
        unsafe { std::slice::from_raw_parts(self.base(), self.elements() * self.element_bytes()) }
    }

    /// A copy of all elements, to be restored later.
    pub fn save(&self) -> Box<[u8]> {
        self.stored().into()
    }

    /// Makes its elements those that were saved of it.
    pub fn restore(&mut self, saved: &[u8]) {
        let elements = saved.len() / self.element_bytes();
        assert!(elements <= self.capacity, "there was room for them");
        // SAFETY: the record is valid; there is room for so many, which are initialised before anybody can read them.
        unsafe {
            ptr::copy_nonoverlapping(saved.as_ptr(), self.base(), saved.len());
            (*self.record().as_ptr()).elements = elements;
        }
    }

    /// How many elements it has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Sets a run of elements.
    ///
    /// # Errors
    /// If the run does not lie inside; then nothing has changed.
    pub fn fill(&mut self, index: u64, value: u64, elements: u64) -> Result<(), TrapCode> {
        let (start, count) = self.range(index, elements)?;
        // SAFETY: in bounds.
        unsafe {
            match self.ty.element.kind() {
                RefKind::Func => {
                    (0..count).for_each(|i| self.base().cast::<u64>().add(start + i).write(value))
                }
                RefKind::Extern | RefKind::Object => (0..count)
                    .for_each(|i| self.base().cast::<u32>().add(start + i).write(value as u32)),
            }
        }
        Ok(())
    }

    /// Copies a run of elements from one table to another of the same kind of elements, or within one.
    ///
    /// # Errors
    /// If one of the runs does not lie inside its table; then nothing has changed.
    ///
    /// # Safety
    /// Both tables are alive, and used by nobody else at the same time.
    pub unsafe fn copy(
        target: NonNull<Table>,
        target_index: u64,
        source: NonNull<Table>,
        source_index: u64,
        elements: u64,
    ) -> Result<(), TrapCode> {
        // SAFETY: the caller promises live tables; only shared references are made, which may be to the same one.
        let (target, source) = unsafe { (target.as_ref(), source.as_ref()) };
        assert_eq!(
            target.ty.element.kind(),
            source.ty.element.kind(),
            "validation compares the types of elements"
        );
        let (from, count) = source.range(source_index, elements)?;
        let (to, _) = target.range(target_index, elements)?;
        let size = target.element_bytes();
        // SAFETY: both runs are in bounds; they may overlap.
        unsafe {
            ptr::copy(source.base().add(from * size), target.base().add(to * size), count * size)
        };
        Ok(())
    }

    /// Checks that a run lies inside.
    fn range(&self, index: u64, elements: u64) -> Result<(usize, usize), TrapCode> {
        match index.checked_add(elements) {
            Some(end) if end <= self.elements() as u64 => Ok((index as usize, elements as usize)),
            _ => Err(TrapCode::TableOutOfBounds),
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if self.capacity != 0 {
            // SAFETY: allocated with this layout, and nobody uses it any more.
            unsafe { dealloc(self.base(), self.layout(self.capacity)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::types::{Limits, RefType};

    fn table(element: RefType, min: u64, max: Option<u64>) -> Table {
        Table::new(TableType { element, limits: Limits { min, max }, table64: false }, 5).unwrap()
    }

    #[test]
    fn growth_initialises_and_respects_the_maximum() {
        for element in [RefType::FUNCREF, RefType::EXTERNREF] {
            let mut table = table(element, 2, Some(6));
            assert_eq!(table.grow(3, 9), Some(2));
            assert_eq!(table.grow(2, 9), None);
            assert_eq!(table.grow(1, 8), Some(5));
            let elements: Vec<_> = (0..7).map(|i| table.get(i)).collect();
            assert_eq!(elements, [Some(5), Some(5), Some(9), Some(9), Some(9), Some(8), None]);
            assert_eq!(table.grow(0, 0), Some(6));
        }
        assert_eq!(table(RefType::FUNCREF, 0, None).grow(0xffff_ffff, 0), None);
        assert_eq!(table(RefType::FUNCREF, 0, None).grow(0, 0), Some(0));
    }

    #[test]
    fn runs_outside_trap_and_change_nothing() {
        let mut table = table(RefType::EXTERNREF, 3, None);
        assert_eq!(table.fill(2, 1, 2), Err(TrapCode::TableOutOfBounds));
        assert_eq!(table.fill(u64::MAX, 1, 1), Err(TrapCode::TableOutOfBounds));
        assert_eq!(table.fill(3, 1, 0), Ok(()));
        assert_eq!(table.fill(4, 1, 0), Err(TrapCode::TableOutOfBounds));
        assert_eq!(table.set(3, 1), Err(TrapCode::TableOutOfBounds));
        assert_eq!([0, 1, 2].map(|i| table.get(i)), [Some(5); 3]);
    }

    #[test]
    fn copies_may_overlap() {
        let mut table = table(RefType::FUNCREF, 5, None);
        (0..5).for_each(|i| table.set(i, i).unwrap());
        let same = NonNull::from(&mut table);
        // SAFETY: the table is alive, and nobody else uses it.
        unsafe {
            Table::copy(same, 1, same, 0, 4).unwrap();
            assert_eq!(Table::copy(same, 2, same, 0, 4), Err(TrapCode::TableOutOfBounds));
        }
        assert_eq!([0, 1, 2, 3, 4].map(|i| table.get(i).unwrap()), [0, 0, 1, 2, 3]);
    }
}
