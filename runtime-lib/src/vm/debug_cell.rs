//! The cell by which debuggers find an instance.
//!
//! In: instances of an artifact with debug information, as they come and go. Out: in the artifact's cell, the address of the
//! vmctx if exactly one of them is alive, otherwise 0.
//!
//! Always true: a cell is written under the lock, from what is alive then. One library may be loaded as several modules, which
//! then share the cell: so instances are counted by cells, not by modules.

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The cell of a loaded artifact.
#[derive(Clone, Copy, Debug)]
pub struct DebugCell(NonNull<AtomicU64>);

// SAFETY: nothing but an atomic number is shared.
unsafe impl Send for DebugCell {}
// SAFETY: as above.
unsafe impl Sync for DebugCell {}

/// For each cell that is in use, the vmctx of all instances. Debuggers may be told late, so one lock is enough.
static ALIVE: Mutex<BTreeMap<usize, BTreeSet<usize>>> = Mutex::new(BTreeMap::new());

/// An instance that debuggers may see, as long as this is alive.
#[derive(Debug)]
pub struct Shown {
    cell: DebugCell,
    vmctx: usize,
}

impl DebugCell {
    /// The cell at an address.
    ///
    /// # Safety
    /// There are 8 bytes, aligned and writable, as long as anybody has this or what [`show`](Self::show) returns; and nobody
    /// else writes them.
    pub unsafe fn new(address: NonNull<u8>) -> DebugCell {
        DebugCell(address.cast())
    }

    /// Counts an instance of the artifact, whose vmctx is complete.
    pub fn show(self, vmctx: NonNull<u8>) -> Shown {
        let vmctx = vmctx.as_ptr() as usize;
        self.change(|alive| _ = alive.insert(vmctx));
        Shown { cell: self, vmctx }
    }

    fn change(self, edit: impl FnOnce(&mut BTreeSet<usize>)) {
        let mut cells = ALIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let address = self.0.as_ptr() as usize;
        let alive = cells.entry(address).or_default();
        edit(alive);
        let only = if alive.len() == 1 { alive.first().copied() } else { None };
        // SAFETY: whoever made this vouches for the cell. What the vmctx consists of was written before.
        unsafe { self.0.as_ref() }.store(only.unwrap_or(0) as u64, Ordering::Release);
        if alive.is_empty() {
            // The library may be unloaded now, and another one get its place.
            cells.remove(&address);
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.cell.change(|alive| _ = alive.remove(&self.vmctx));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_only_instance() {
        let numbers = [AtomicU64::new(0), AtomicU64::new(0)];
        // SAFETY: they are alive for longer than all that uses them.
        let [cell, other] = numbers.each_ref().map(|number| DebugCell(NonNull::from(number)));
        let value = |position: usize| numbers[position].load(Ordering::Acquire) as usize;
        let vmctx = [1u8, 2, 3];
        let address = |position: usize| NonNull::from(&vmctx[position]);
        let number = |position: usize| address(position).as_ptr() as usize;

        let first = cell.show(address(0));
        assert_eq!((value(0), value(1)), (number(0), 0));
        let second = cell.show(address(1));
        let elsewhere = other.show(address(2));
        assert_eq!((value(0), value(1)), (0, number(2)));
        drop(first);
        assert_eq!(value(0), number(1));
        let third = cell.show(address(0));
        assert_eq!(value(0), 0);
        drop(second);
        assert_eq!(value(0), number(0));
        drop((third, elsewhere));
        assert_eq!((value(0), value(1)), (0, 0));
        let left = ALIVE.lock().unwrap();
        assert!(!left.contains_key(&(&raw const numbers[0] as usize)));
    }
}
