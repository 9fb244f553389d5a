//! Host values that guests hold, by number.
//!
//! In: values. Out: handles as compiled code stores them, which are never 0. A collection first marks the handles that are
//! still in use, then takes out the values of all others; their handles are used again.
//!
//! Always true: each value is given back or dropped exactly once.

use std::any::Any;
use std::fmt;

type Value = Box<dyn Any + Send + Sync>;

/// How many values there are before a first collection is worth its time.
const FIRST_COLLECTION: usize = 1024;

/// Host values that guests hold.
pub struct HostValues {
    /// By handle, less one.
    slots: Vec<Slot>,
    /// Handles that are not in use.
    free: Vec<u32>,
    /// How many values there may be until the next collection.
    until_collection: usize,
}

#[derive(Default)]
struct Slot {
    value: Option<Value>,
    is_marked: bool,
}

impl Default for HostValues {
    fn default() -> HostValues {
        HostValues { slots: Vec::new(), free: Vec::new(), until_collection: FIRST_COLLECTION }
    }
}

impl HostValues {
    /// Takes a value in.
    ///
    /// # Errors
    /// The value itself if there are as many as handles already.
    pub fn insert(&mut self, value: Value) -> Result<u32, Value> {
        if let Some(handle) = self.free.pop() {
            self.slots[handle as usize - 1].value = Some(value);
            return Ok(handle);
        }
        match u32::try_from(self.slots.len() + 1) {
            Ok(handle) => {
                self.slots.push(Slot { value: Some(value), is_marked: false });
                Ok(handle)
            }
            Err(_) => Err(value),
        }
    }

    /// The value of a handle.
    pub fn get(&self, handle: u32) -> Option<&(dyn Any + Send + Sync)> {
        self.slots.get((handle as usize).checked_sub(1)?)?.value.as_deref()
    }

    /// The value of a handle.
    pub fn get_mut(&mut self, handle: u32) -> Option<&mut (dyn Any + Send + Sync)> {
        self.slots.get_mut((handle as usize).checked_sub(1)?)?.value.as_deref_mut()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are so many more values than after the last collection that another is worth its time.
    pub fn wants_collection(&self) -> bool {
        self.len() >= self.until_collection
    }

    /// Notes that a handle is in use. Anything but a handle is ignored.
    pub fn mark(&mut self, handle: u32) {
        let slot = (handle as usize).checked_sub(1).and_then(|index| self.slots.get_mut(index));
        if let Some(slot) = slot {
            slot.is_marked = true;
        }
    }

    /// Takes out the values that were not marked, and forgets the marks.
    pub fn sweep(&mut self) -> Vec<Value> {
        let mut garbage = Vec::new();
        for (slot, handle) in self.slots.iter_mut().zip(1..) {
            if !std::mem::take(&mut slot.is_marked)
                && let Some(value) = slot.value.take()
            {
                garbage.push(value);
                self.free.push(handle);
            }
        }
        self.until_collection = FIRST_COLLECTION.max(2 * self.len());
        garbage
    }
}

/// The store cannot hold another host value. Contains the value.
pub struct GcHeapOutOfMemory<T> {
    value: T,
}

impl<T> GcHeapOutOfMemory<T> {
    pub(crate) fn new(value: T) -> GcHeapOutOfMemory<T> {
        GcHeapOutOfMemory { value }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The value, and the error without it: what [`Store::gc`](crate::Store::gc) takes.
    pub fn take_inner(self) -> (T, GcHeapOutOfMemory<()>) {
        (self.value, GcHeapOutOfMemory::new(()))
    }
}

impl<T> fmt::Debug for GcHeapOutOfMemory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> fmt::Display for GcHeapOutOfMemory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store holds as many host values as there are references")
    }
}

impl<T> std::error::Error for GcHeapOutOfMemory<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_marked_is_taken_out_once_and_its_handle_used_again() {
        let mut values = HostValues::default();
        let handles = [1, 2, 3].map(|value: i32| values.insert(Box::new(value)).unwrap());
        assert_eq!(handles, [1, 2, 3]);
        values.mark(2);
        values.mark(0);
        values.mark(77);
        let garbage: Vec<i32> =
            values.sweep().into_iter().map(|value| *value.downcast().unwrap()).collect();
        assert_eq!(garbage, [1, 3]);
        assert_eq!(values.len(), 1);
        assert!(values.get(1).is_none() && values.get(0).is_none());
        assert_eq!(values.get(2).unwrap().downcast_ref(), Some(&2));
        assert_eq!(values.insert(Box::new(4)).unwrap(), 3);
        assert_eq!(values.insert(Box::new(5)).unwrap(), 1);
        assert_eq!(values.insert(Box::new(6)).unwrap(), 4);
        assert_eq!(values.sweep().len(), 4, "marks are forgotten");
    }
}
