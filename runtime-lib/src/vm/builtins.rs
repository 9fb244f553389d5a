//! What compiled code calls: the functions of [`for_each_builtin`], and the array of their
//! addresses.
//!
//! In: the vmctx of the calling instance and plain numbers. Out: what the table of built-in functions says.
//!
//! Always true: nothing unwinds out of them; a panic is recorded like any other failure. Operands are those that
//! validation allows, since compiled code is the only caller; bounds are checked here.

use std::convert::identity;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use crate::abi::builtin::{Builtin, RAISED};
use crate::abi::index::{DataIndex, ElemIndex, MemoryIndex, TableIndex};
use crate::abi::trap::TrapCode;
use crate::abi::types::MemoryType;
use crate::abi::vmctx::VmContext;
use crate::for_each_builtin;

use super::activation::Failure;
use super::instance::{InitError, Instance, InstanceMemory};
use super::memory::Memory;
use super::shared_memory::{Expected, SharedMemory, SizeChanged};
use super::store::{Owner, Store};
use super::table::Table;
use super::trap::{leave, resume};

/// The addresses of the built-in functions, in the order of their numbers.
pub fn addresses() -> *const usize {
    ADDRESSES.as_ptr().cast()
}

/// A function's address.
#[repr(transparent)]
struct Address(*const c_void);

// SAFETY: functions may be called on any thread.
unsafe impl Sync for Address {}

/// The Rust type of a parameter.
macro_rules! parameter {
    (I32) => {
        u32
    };
    (I64) => {
        i64
    };
}

/// The address of each function, and the function itself: it runs the body of the same name in [`body`].
macro_rules! define {
    ($($(#[$doc:meta])* $name:ident($($param:ident: $ty:ident),*) -> $result:ident;)*) => {
        static ADDRESSES: [Address; Builtin::ALL.len()] = [$(Address(entry::$name as *const c_void)),*];

        /// The functions as compiled code calls them.
        mod entry {
            use super::*;

            $(define!(@ $result $name($($param: $ty),*));)*
        }
    };
    (@ Never $name:ident()) => {
        pub unsafe extern "C" fn $name(vmctx: NonNull<VmContext>) -> ! {
            // SAFETY: only compiled code calls this, with its own vmctx, after a reason was recorded.
            unsafe { resume(Store::of(vmctx)) }
        }
    };
    (@ Nothing $name:ident($($param:ident: $ty:ident),*)) => {
        pub unsafe extern "C" fn $name(vmctx: NonNull<VmContext>, $($param: parameter!($ty)),*) {
            // SAFETY: only compiled code calls this, with its own vmctx; it does not run until this returns.
            body::$name(unsafe { Instance::of(vmctx) }, $($param),*);
        }
    };
    (@ I64 $name:ident($($param:ident: $ty:ident),*)) => {
        pub extern "C" fn $name(_: NonNull<VmContext>, $($param: parameter!($ty)),*) -> i64 {
            body::$name($($param),*)
        }
    };
    (@ Success $name:ident($($param:ident: $ty:ident),*)) => {
        pub unsafe extern "C" fn $name(vmctx: NonNull<VmContext>, $($param: parameter!($ty)),*) -> bool {
            // SAFETY: as above.
            let (store, instance) = unsafe { (Store::of(vmctx), Instance::of(vmctx)) };
            // SAFETY: wasm was left for this function.
            unsafe { leave(store, || body::$name(instance, $($param),*), identity) }.is_some()
        }
    };
    (@ RareSuccess $name:ident()) => {
        pub unsafe extern "C" fn $name(vmctx: NonNull<VmContext>) -> bool {
            // SAFETY: as above.
            let store = unsafe { Store::of(vmctx) };
            // SAFETY: wasm was left for this function.
            unsafe { leave(store, || body::$name(store), identity) }.is_some()
        }
    };
    (@ I64OrRaised $name:ident($($param:ident: $ty:ident),*)) => {
        pub unsafe extern "C" fn $name(vmctx: NonNull<VmContext>, $($param: parameter!($ty)),*) -> i64 {
            // SAFETY: as above.
            let store = unsafe { Store::of(vmctx) };
            // SAFETY: wasm was left for this function.
            unsafe { leave(store, || body::$name(store, vmctx, $($param),*), identity) }.unwrap_or(RAISED)
        }
    };
}
for_each_builtin!(define);

/// What the functions do.
mod body {
    use super::*;

    pub fn memory_grow(
        store: &Store,
        vmctx: NonNull<VmContext>,
        memory: u32,
        pages: i64,
    ) -> Result<i64, Failure> {
        let former = match memory_of(vmctx, memory) {
            InstanceMemory::Unshared(mut memory) => {
                // SAFETY: the memories of an instance are alive, and wasm does not run until this returns. Whoever entered
                // wasm has lent its owner for as long as wasm runs.
                unsafe { grow_memory(memory.as_mut(), pages as u64, owner(store).as_mut()) }?
            }
            InstanceMemory::Shared(memory) => {
                // SAFETY: as above.
                grow_shared_memory(&memory, pages as u64, unsafe { owner(store).as_mut() })?
            }
        };
        Ok(former.map_or(-1, |pages| pages as i64))
    }

    pub fn memory_copy(
        instance: &mut Instance,
        dst_memory: u32,
        src_memory: u32,
        dst: i64,
        src: i64,
        bytes: i64,
    ) -> Result<(), Failure> {
        let target = range(instance, dst_memory, dst, bytes)?;
        let source = range(instance, src_memory, src, bytes)?;
        // SAFETY: both ranges were checked; they may overlap. What other threads write to shared memories meanwhile gives
        // any mixture of bytes, which wasm allows: see "Threads" in docs/rationale.md.
        unsafe { ptr::copy(source, target, bytes as usize) };
        Ok(())
    }

    pub fn memory_fill(
        instance: &mut Instance,
        memory: u32,
        dst: i64,
        value: u32,
        bytes: i64,
    ) -> Result<(), Failure> {
        let target = range(instance, memory, dst, bytes)?;
        // SAFETY: the range was checked. Other threads may use shared memories meanwhile, as above.
        unsafe { ptr::write_bytes(target, value as u8, bytes as usize) };
        Ok(())
    }

    pub fn memory_init(
        instance: &mut Instance,
        memory: u32,
        segment: u32,
        dst: i64,
        src: i64,
        bytes: i64,
    ) -> Result<(), Failure> {
        let (memory, segment) = (MemoryIndex(memory), DataIndex(segment));
        // SAFETY: the memories of an instance are alive, and wasm does not run until this returns.
        unsafe { instance.memory_init(memory, segment, dst as u64, src as u64, bytes as u64) }
            .map_err(init_failure)
    }

    pub fn data_drop(instance: &mut Instance, segment: u32) {
        instance.drop_data(DataIndex(segment));
    }

    pub fn table_grow(
        store: &Store,
        vmctx: NonNull<VmContext>,
        table: u32,
        elements: i64,
        init: i64,
    ) -> Result<i64, Failure> {
        // SAFETY: compiled code passes its own vmctx. The tables of an instance are alive, and wasm does not run until
        // this returns.
        let table = unsafe { Instance::of(vmctx).table(TableIndex(table)).as_mut() };
        // SAFETY: whoever entered wasm has lent its owner for as long as wasm runs.
        let owner = unsafe { owner(store).as_mut() };
        Ok(grow_table(table, elements as u64, init as u64, owner)?
            .map_or(-1, |elements| elements as i64))
    }

    pub fn table_fill(
        instance: &mut Instance,
        table: u32,
        dst: i64,
        value: i64,
        elements: i64,
    ) -> Result<(), Failure> {
        // SAFETY: as above.
        let table = unsafe { instance.table(TableIndex(table)).as_mut() };
        table.fill(dst as u64, value as u64, elements as u64).map_err(Failure::Trap)
    }

    pub fn table_copy(
        instance: &mut Instance,
        dst_table: u32,
        src_table: u32,
        dst: i64,
        src: i64,
        elements: i64,
    ) -> Result<(), Failure> {
        let (target, source) =
            (instance.table(TableIndex(dst_table)), instance.table(TableIndex(src_table)));
        // SAFETY: as above.
        unsafe { Table::copy(target, dst as u64, source, src as u64, elements as u64) }
            .map_err(Failure::Trap)
    }

    pub fn table_init(
        instance: &mut Instance,
        table: u32,
        segment: u32,
        dst: i64,
        src: i64,
        elements: i64,
    ) -> Result<(), Failure> {
        let (table, segment) = (TableIndex(table), ElemIndex(segment));
        // SAFETY: as above.
        unsafe { instance.table_init(table, segment, dst as u64, src as u64, elements as u64) }
            .map_err(init_failure)
    }

    pub fn elem_drop(instance: &mut Instance, segment: u32) {
        instance.drop_elements(ElemIndex(segment));
    }

    pub fn out_of_fuel(store: &Store) -> Result<(), Failure> {
        // SAFETY: whoever entered wasm has lent its owner for as long as wasm runs.
        match unsafe { owner(store).as_mut() }.out_of_fuel() {
            true => Ok(()),
            false => Err(Failure::Trap(TrapCode::OutOfFuel)),
        }
    }

    pub fn epoch_reached(store: &Store) -> Result<(), Failure> {
        // SAFETY: whoever entered wasm has lent its owner for as long as wasm runs.
        match unsafe { owner(store).as_mut() }.epoch_reached().map_err(Failure::Error)? {
            true => Ok(()),
            false => Err(Failure::Trap(TrapCode::Interrupt)),
        }
    }

    pub fn fma_f32(x: u32, y: u32, z: u32) -> i64 {
        let [x, y, z] = [x, y, z].map(f32::from_bits);
        let result = x.mul_add(y, z);
        // NaNs have more than one form, and machines differ in which they give.
        let result = if result.is_nan() { f32::NAN } else { result };
        i64::from(result.to_bits())
    }

    pub fn fma_f64(x: i64, y: i64, z: i64) -> i64 {
        let [x, y, z] = [x, y, z].map(|bits| f64::from_bits(bits as u64));
        let result = x.mul_add(y, z);
        let result = if result.is_nan() { f64::NAN } else { result };
        result.to_bits() as i64
    }

    pub fn memory_atomic_notify(
        _: &Store,
        vmctx: NonNull<VmContext>,
        memory: u32,
        address: i64,
        offset: i64,
        count: u32,
    ) -> Result<i64, Failure> {
        let address = sum(address, offset)?;
        let woken = shared_memory(vmctx, memory).notify(address, count);
        woken.map(i64::from).map_err(Failure::Trap)
    }

    pub fn memory_atomic_wait32(
        store: &Store,
        vmctx: NonNull<VmContext>,
        memory: u32,
        address: i64,
        offset: i64,
        expected: u32,
        timeout: i64,
    ) -> Result<i64, Failure> {
        let memory = shared_memory(vmctx, memory);
        wait(store, &memory, sum(address, offset)?, Expected::I32(expected), timeout)
    }

    pub fn memory_atomic_wait64(
        store: &Store,
        vmctx: NonNull<VmContext>,
        memory: u32,
        address: i64,
        offset: i64,
        expected: i64,
        timeout: i64,
    ) -> Result<i64, Failure> {
        let memory = shared_memory(vmctx, memory);
        wait(store, &memory, sum(address, offset)?, Expected::I64(expected as u64), timeout)
    }

    /// Waits as guests do: when the epoch deadline comes, the store's owner decides whether to go on.
    fn wait(
        store: &Store,
        memory: &SharedMemory,
        address: u64,
        expected: Expected,
        timeout: i64,
    ) -> Result<i64, Failure> {
        let timeout = u64::try_from(timeout).ok().map(Duration::from_nanos);
        let waited = match store.epoch() {
            None => memory.wait(address, expected, timeout).map(Ok),
            Some(epoch) => {
                let sleeper = epoch.sleeper();
                memory.wait_by(address, expected, timeout, sleeper.parker(), |end| {
                    // The owner moves it.
                    let deadline = store.epoch_deadline();
                    if epoch.now() >= deadline {
                        return epoch_reached(store);
                    }
                    sleeper.sleep(deadline, end);
                    Ok(())
                })
            }
        };
        Ok(waited.map_err(Failure::Trap)?? as i64)
    }

    /// A memory of the instance, held by itself: the owner, who may be asked while it is used, may use the instance.
    fn memory_of(vmctx: NonNull<VmContext>, memory: u32) -> InstanceMemory {
        // SAFETY: compiled code passes its own vmctx, and does not run until this returns.
        unsafe { Instance::of(vmctx) }.memory(MemoryIndex(memory)).clone()
    }

    fn shared_memory(vmctx: NonNull<VmContext>, memory: u32) -> Arc<SharedMemory> {
        match memory_of(vmctx, memory) {
            InstanceMemory::Shared(memory) => memory,
            InstanceMemory::Unshared(_) => panic!("code for other memories does not call this"),
        }
    }

    /// An address and its offset together.
    fn sum(address: i64, offset: i64) -> Result<u64, Failure> {
        let sum = (address as u64).checked_add(offset as u64);
        sum.ok_or(Failure::Trap(TrapCode::MemoryOutOfBounds))
    }

    fn owner(store: &Store) -> NonNull<dyn Owner> {
        store.owner().expect("wasm is only run by way of `enter`, with an owner")
    }

    /// The address of a range of a memory, after checking that it lies inside.
    fn range(instance: &Instance, memory: u32, start: i64, bytes: i64) -> Result<*mut u8, Failure> {
        let memory = instance.memory(MemoryIndex(memory));
        memory.range(start as u64, bytes as u64).map_err(Failure::Trap)
    }

    fn init_failure(error: InitError) -> Failure {
        match error {
            InitError::Trap(trap) => Failure::Trap(trap),
            InitError::Corrupted => {
                panic!("the artifact is corrupted: a segment contradicts its manifest")
            }
        }
    }
}

/// Grows a memory if its store's owner agrees. Returns the former size in pages, or `None` if it did not grow.
///
/// # Errors
/// The owner's.
pub fn grow_memory(
    memory: &mut Memory,
    pages: u64,
    owner: &mut dyn Owner,
) -> Result<Option<u64>, Failure> {
    if !may_grow(memory.ty(), memory.pages(), pages, memory.max_pages(), owner)? {
        return Ok(None);
    }
    grown(memory.grow(pages), owner)
}

/// Grows a shared memory if the owner of the store agrees whose guest wants it.
fn grow_shared_memory(
    memory: &SharedMemory,
    pages: u64,
    owner: &mut dyn Owner,
) -> Result<Option<u64>, Failure> {
    loop {
        let former = memory.pages();
        if !may_grow(memory.ty(), former, pages, memory.max_pages(), owner)? {
            return Ok(None);
        }
        // If somebody else was faster, the owner has agreed to another size.
        match memory.grow_from(former, pages) {
            Ok(former) => return grown(former, owner),
            Err(SizeChanged) => continue,
        }
    }
}

/// Asks the owner whether a memory of `former` pages may have `pages` more.
fn may_grow(
    ty: &MemoryType,
    former: u64,
    pages: u64,
    max_pages: u64,
    owner: &mut dyn Owner,
) -> Result<bool, Failure> {
    let bytes = |pages: u128| usize::try_from(pages << ty.page_size_log2).unwrap_or(usize::MAX);
    let desired = u128::from(former) + u128::from(pages);
    let maximum = ty.limits.max.map(|_| bytes(max_pages.into()));
    if !owner
        .memory_growing(bytes(former.into()), bytes(desired), maximum)
        .map_err(Failure::Error)?
    {
        return Ok(false);
    }
    if desired > max_pages.into() {
        owner.memory_grow_failed(&"the memory would exceed its maximum").map_err(Failure::Error)?;
        return Ok(false);
    }
    Ok(true)
}

/// Tells the owner if a memory did not grow after all.
fn grown(former: Option<u64>, owner: &mut dyn Owner) -> Result<Option<u64>, Failure> {
    if former.is_none() {
        owner.memory_grow_failed(&"the system refused memory").map_err(Failure::Error)?;
    }
    Ok(former)
}

/// Grows a table if its store's owner agrees. Returns the former size, or `None` if it did not grow.
///
/// # Errors
/// The owner's.
pub fn grow_table(
    table: &mut Table,
    elements: u64,
    init: u64,
    owner: &mut dyn Owner,
) -> Result<Option<u64>, Failure> {
    let current = table.elements();
    let desired = (current as u64).saturating_add(elements);
    let maximum = table.ty().limits.max.map(|max| max as usize);
    if !owner.table_growing(current, desired as usize, maximum).map_err(Failure::Error)? {
        return Ok(None);
    }
    if desired > table.max_elements() {
        owner.table_grow_failed(&"the table would exceed its maximum").map_err(Failure::Error)?;
        return Ok(None);
    }
    let grown = table.grow(elements, init);
    if grown.is_none() {
        owner.table_grow_failed(&"the system refused memory").map_err(Failure::Error)?;
    }
    Ok(grown)
}
