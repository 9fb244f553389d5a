//! Host values that guests hold, by number.
//!
//! In: values. Out: handles as compiled code stores them, which are never 0. Values are freed with the store; a collector
//! that knows which handles are still in use would free them earlier, and reuse the handles, without anything else changing.

use std::any::Any;

type Value = Box<dyn Any + Send + Sync>;

/// Host values that guests hold.
#[derive(Default)]
pub struct HostValues {
    /// By handle, less one.
    values: Vec<Value>,
}

impl HostValues {
    /// Takes a value in. `None` if there are as many as handles already.
    pub fn insert(&mut self, value: Value) -> Option<u32> {
        let handle = u32::try_from(self.values.len() + 1).ok()?;
        self.values.push(value);
        Some(handle)
    }

    /// The value of a handle.
    pub fn get(&self, handle: u32) -> Option<&(dyn Any + Send + Sync)> {
        self.values.get((handle as usize).checked_sub(1)?).map(|value| &**value)
    }

    /// The value of a handle.
    pub fn get_mut(&mut self, handle: u32) -> Option<&mut (dyn Any + Send + Sync)> {
        self.values.get_mut((handle as usize).checked_sub(1)?).map(|value| &mut **value)
    }
}
