//! Linear memories: what C reads, writes and grows.

use std::ffi::c_void;
use std::ptr::null_mut;

use anyhow::{Context as _, Result, bail, ensure, format_err};
use loader::{Memory, MemoryType, MemoryTypeBuilder, SharedMemory};

use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::pointer::{Out, handle};
use crate::store::{Context, ItemHandle, MemoryHandle, MemoryItem, StoreHandle};

/// `wootz_memory_type_t`
#[derive(Clone, Copy)]
#[repr(C)]
pub struct MemoryTypeRecord {
    minimum: u64,
    /// All ones if there is no maximum.
    maximum: u64,
    /// C's truth values, which are looked at as numbers because C may have forgotten to set them.
    is_64: u8,
    is_shared: u8,
    page_size_log2: u8,
}

impl MemoryTypeRecord {
    fn ty(self) -> Result<MemoryType> {
        MemoryTypeBuilder::new()
            .min(self.minimum)
            .max((self.maximum != u64::MAX).then_some(self.maximum))
            .memory64(self.is_64 != 0)
            .shared(self.is_shared != 0)
            .page_size_log2(self.page_size_log2)
            .build()
    }

    fn of(ty: &MemoryType) -> MemoryTypeRecord {
        MemoryTypeRecord {
            minimum: ty.minimum(),
            maximum: ty.maximum().unwrap_or(u64::MAX),
            is_64: ty.is_64().into(),
            is_shared: ty.is_shared().into(),
            page_size_log2: ty.page_size_log2(),
        }
    }
}

impl MemoryItem {
    fn ty(&self, context: &Context<'_>) -> MemoryType {
        match self {
            MemoryItem::Own(memory) => memory.ty(context),
            MemoryItem::Shared(memory) => memory.ty(),
        }
    }

    fn base(&self, context: &Context<'_>) -> *mut u8 {
        match self {
            MemoryItem::Own(memory) => memory.data_ptr(context),
            MemoryItem::Shared(memory) => memory.data().as_ptr().cast::<u8>().cast_mut(),
        }
    }

    fn bytes(&self, context: &Context<'_>) -> usize {
        match self {
            MemoryItem::Own(memory) => memory.data_size(context),
            MemoryItem::Shared(memory) => memory.data_size(),
        }
    }

    fn pages(&self, context: &Context<'_>) -> u64 {
        match self {
            MemoryItem::Own(memory) => memory.size(context),
            MemoryItem::Shared(memory) => memory.size(),
        }
    }

    fn grow(&self, context: &mut Context<'_>, delta: u64) -> Result<u64> {
        match self {
            MemoryItem::Own(memory) => memory.grow(context, delta),
            MemoryItem::Shared(memory) => memory.grow(delta),
        }
    }

    /// Copies from it.
    ///
    /// # Safety
    /// There is room for so many bytes, which may be part of the memory, unless that is shared.
    unsafe fn read(
        &self,
        context: &Context<'_>,
        offset: u64,
        buffer: *mut u8,
        size: usize,
    ) -> Result<()> {
        let from = self.range(context, offset, size)?;
        if size == 0 {
            return Ok(());
        }
        // SAFETY: the range is in the memory; the rest is the caller's promise.
        unsafe {
            match self {
                MemoryItem::Own(_) => std::ptr::copy(from, buffer, size),
                // Zeroed first, because C may not have set what becomes a slice.
                MemoryItem::Shared(memory) => {
                    buffer.write_bytes(0, size);
                    memory.read(offset as usize, std::slice::from_raw_parts_mut(buffer, size))?;
                }
            }
        }
        Ok(())
    }

    /// Copies to it.
    ///
    /// # Safety
    /// There are so many bytes, which may be part of the memory, unless that is shared.
    unsafe fn write(
        &self,
        context: &Context<'_>,
        offset: u64,
        buffer: *const u8,
        size: usize,
    ) -> Result<()> {
        let to = self.range(context, offset, size)?;
        if size == 0 {
            return Ok(());
        }
        // SAFETY: the range is in the memory; the rest is the caller's promise.
        unsafe {
            match self {
                MemoryItem::Own(_) => std::ptr::copy(buffer, to, size),
                MemoryItem::Shared(memory) => {
                    memory.write(offset as usize, std::slice::from_raw_parts(buffer, size))?;
                }
            }
        }
        Ok(())
    }

    /// The address of a range that lies in the memory.
    fn range(&self, context: &Context<'_>, offset: u64, size: usize) -> Result<*mut u8> {
        let bytes = self.bytes(context);
        let offset = usize::try_from(offset).ok();
        let fits = |offset: &usize| offset.checked_add(size).is_some_and(|end| end <= bytes);
        let offset = offset.filter(fits).ok_or_else(|| {
            format_err!("out of bounds memory access: the memory has {bytes} bytes")
        })?;
        Ok(self.base(context).wrapping_add(offset))
    }
}

/// Uses a memory of C's.
///
/// # Safety
/// As [`handle`].
unsafe fn with<R>(
    memory: *const MemoryHandle,
    body: impl FnOnce(&MemoryItem, Context<'_>) -> Result<R>,
) -> Result<R> {
    // SAFETY: the caller's promise.
    let memory = unsafe { handle(memory) }?;
    memory.store().with(|context| body(&memory.item, context))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_new(
    store: *const StoreHandle,
    ty: *const MemoryTypeRecord,
    out: *mut *mut MemoryHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, store, ty) = unsafe { (Out::new(out, null_mut())?, handle(store)?, ty.as_ref()) };
        let ty = ty.ok_or_else(|| format_err!("expected a memory's type, found a null pointer"))?;
        let ty = ty.ty().context("there is no such type of memories")?;
        let memory = store.with(|context| {
            Ok(match ty.is_shared() {
                true => MemoryItem::Shared(SharedMemory::new(context.engine(), ty)?),
                false => MemoryItem::Own(Memory::new(context, ty)?),
            })
        })?;
        out.set(store.memory(memory).as_ptr());
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_share(
    memory: *const MemoryHandle,
    store: *const StoreHandle,
    out: *mut *mut MemoryHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, memory, store) =
            unsafe { (Out::new(out, null_mut())?, handle(memory)?, handle(store)?) };
        // The memory's own store is left alone: another thread may be using it.
        let MemoryItem::Shared(shared) = &memory.item else {
            bail!("the memory is not a shared one: it belongs to its store alone");
        };
        out.set(store.memory(MemoryItem::Shared(shared.clone())).as_ptr());
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_type(
    memory: *const MemoryHandle,
    out: *mut MemoryTypeRecord,
) -> *mut ErrorHandle {
    guarded(|| {
        ensure!(!out.is_null(), "there is no place for the result: its pointer is null");
        // SAFETY: as the header asks.
        unsafe {
            let ty = with(memory, |memory, context| Ok(memory.ty(&context)))?;
            out.write(MemoryTypeRecord::of(&ty));
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_data(memory: *const MemoryHandle) -> *mut c_void {
    // SAFETY: as the header asks.
    guarded_or(null_mut(), || unsafe {
        with(memory, |memory, context| Ok(memory.base(&context).cast()))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_size(memory: *const MemoryHandle) -> usize {
    // SAFETY: as the header asks.
    guarded_or(0, || unsafe { with(memory, |memory, context| Ok(memory.bytes(&context))) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_pages(memory: *const MemoryHandle) -> u64 {
    // SAFETY: as the header asks.
    guarded_or(0, || unsafe { with(memory, |memory, context| Ok(memory.pages(&context))) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_grow(
    memory: *const MemoryHandle,
    delta: u64,
    former: *mut u64,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        unsafe {
            let pages = with(memory, |memory, mut context| memory.grow(&mut context, delta))?;
            if !former.is_null() {
                former.write(pages);
            }
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_read(
    memory: *const MemoryHandle,
    offset: u64,
    buffer: *mut c_void,
    size: usize,
) -> *mut ErrorHandle {
    guarded(|| {
        ensure!(size == 0 || !buffer.is_null(), "there is nothing to read into: it is null");
        // SAFETY: as the header asks.
        unsafe {
            with(memory, |memory, context| memory.read(&context, offset, buffer.cast(), size))
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_memory_write(
    memory: *const MemoryHandle,
    offset: u64,
    buffer: *const c_void,
    size: usize,
) -> *mut ErrorHandle {
    guarded(|| {
        ensure!(size == 0 || !buffer.is_null(), "there is nothing to write: it is null");
        // SAFETY: as the header asks.
        unsafe {
            with(memory, |memory, context| memory.write(&context, offset, buffer.cast(), size))
        }
    })
}
