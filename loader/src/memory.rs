//! Linear memories: read, written, grown from the host.

use std::fmt;

use anyhow::{Context, Result, bail, format_err};
use wootz_runtime::vm;
use wootz_runtime::vm::trap::Failure;

use crate::handle::Memory;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut, StoreCore, error_of};
use crate::types::MemoryType;

/// A range lies outside of a memory.
#[derive(Debug)]
#[non_exhaustive]
pub struct MemoryAccessError {
    pub(crate) _private: (),
}

impl fmt::Display for MemoryAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of bounds memory access")
    }
}

impl std::error::Error for MemoryAccessError {}

impl Memory {
    /// A new memory.
    ///
    /// # Errors
    /// If the store's limiter refuses, or the system.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        let store = store.as_context_mut().0;
        if ty.is_shared() {
            bail!("shared memories must be created through `SharedMemory`");
        }
        store.core.check_counts(0, 0, 1)?;
        let abi = ty.to_abi();
        store.ask_for_memory(&abi)?;
        let space = store.core.engine().config().address_space();
        let memory = vm::memory::Memory::new(abi, space.checks(&abi), space, None)
            .context("failed to make a memory")?;
        Ok(Memory { store: store.core.id(), index: store.core.own_memory(memory) })
    }

    fn get<'a>(&self, core: &'a StoreCore) -> &'a vm::memory::Memory {
        core.id().assert_owns(self.store);
        // SAFETY: memories live as long as their store, which is borrowed.
        unsafe { core.memory(self.index).as_ref() }
    }

    /// Its type, as it was declared.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        MemoryType::from_abi(*self.get(&store.as_context().0.core).ty())
    }

    /// Copies from the memory.
    ///
    /// # Errors
    /// If the range lies outside.
    pub fn read(
        &self,
        store: impl AsContext,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), MemoryAccessError> {
        let store = store.as_context();
        let range = self.data(&store).get(offset..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(range.ok_or(MemoryAccessError { _private: () })?);
        Ok(())
    }

    /// Copies into the memory.
    ///
    /// # Errors
    /// If the range lies outside.
    pub fn write(
        &self,
        mut store: impl AsContextMut,
        offset: usize,
        buffer: &[u8],
    ) -> Result<(), MemoryAccessError> {
        let mut store = store.as_context_mut();
        let range = self
            .data_mut(&mut store)
            .get_mut(offset..)
            .and_then(|rest| rest.get_mut(..buffer.len()));
        range.ok_or(MemoryAccessError { _private: () })?.copy_from_slice(buffer);
        Ok(())
    }

    /// Its contents.
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        let memory = self.get(&store.into().0.core);
        // SAFETY: these bytes are accessible, and neither moved nor changed while the store is borrowed.
        unsafe { std::slice::from_raw_parts(memory.base(), memory.bytes()) }
    }

    /// Its contents.
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> &'a mut [u8] {
        self.data_and_store_mut(store).0
    }

    /// Its contents, and the user's data in the store.
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let store = store.into().0;
        let memory = self.get(&store.core);
        // SAFETY: these bytes are accessible, neither moved nor changed by others while the store is mutably borrowed, and no
        // part of the user's data.
        let data = unsafe { std::slice::from_raw_parts_mut(memory.base(), memory.bytes()) };
        (data, store.data_mut())
    }

    /// The address of its contents. It may change when the memory grows.
    pub fn data_ptr(&self, store: impl AsContext) -> *mut u8 {
        self.get(&store.as_context().0.core).base()
    }

    /// Its size, in bytes.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        self.get(&store.as_context().0.core).bytes()
    }

    /// Its size, in pages.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.get(&store.as_context().0.core).pages()
    }

    /// The size of its pages, in bytes.
    pub fn page_size(&self, store: impl AsContext) -> u64 {
        self.ty(store).page_size()
    }

    /// The binary logarithm of the size of its pages.
    pub fn page_size_log2(&self, store: impl AsContext) -> u8 {
        self.ty(store).page_size_log2()
    }

    /// Makes it larger by `delta` pages. Returns the former size, in pages.
    ///
    /// # Errors
    /// If the maximum, the store's limiter or the system does not allow it. A memory with 32-bit addresses never grows into the last
    /// 64 KiB of 4 GiB: see `MemoryType::never_has_last_page` of the runtime.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let store = store.as_context_mut().0;
        store.core.id().assert_owns(self.store);
        let mut memory = store.core.memory(self.index);
        // SAFETY: memories live as long as their store, and nobody else uses it while the store is mutably borrowed.
        match vm::builtins::grow_memory(unsafe { memory.as_mut() }, delta, store) {
            Ok(Some(pages)) => Ok(pages),
            Ok(None) => Err(format_err!("failed to grow memory by `{delta}`")),
            Err(Failure::Error(error)) => Err(error_of(error)),
            Err(_) => unreachable!("limiters return errors"),
        }
    }
}
