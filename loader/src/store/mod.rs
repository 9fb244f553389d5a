//! What instances share, and what owns them.
//!
//! In: an engine and the user's data. Out: a [`Store`], in which everything else lives: instances, memories, tables,
//! globals, host functions and host values are freed with it and not before.

/// The store without the user's data.
mod core;
/// Ways to get at a store.
mod context;
/// Host values that guests hold.
mod host_values;
/// The references by which the host keeps them alive.
mod roots;
/// What users' functions are called for.
mod hooks;

use std::any::Any;
use std::fmt::Display;
use std::ptr::NonNull;

use anyhow::{Error, Result, bail};
use wootz_runtime::abi::types as abi;
use wootz_runtime::abi::vmctx::VmContext;
use wootz_runtime::vm::store::{Owner, Payload};
use wootz_runtime::vm::trap;

use crate::backtrace::WasmBacktrace;
use crate::engine::Engine;
use crate::limits::ResourceLimiter;

pub use self::context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
pub(crate) use self::core::{HostBody, InstanceData, StoreCore};
pub use self::hooks::{CallHook, UpdateDeadline};
pub use self::host_values::GcHeapOutOfMemory;
pub(crate) use self::roots::{OwnedRoot, ScopedRoot};
use hooks::Hooks;

/// Everything that lives together, and the user's data `T`.
///
/// ```
/// use wootz::{Caller, Engine, Func, Store};
///
/// let mut store = Store::new(&Engine::default(), Vec::new());
/// let note = Func::wrap(&mut store, |mut caller: Caller<'_, Vec<i32>>, value: i32| {
///     caller.data_mut().push(value);
/// });
/// note.typed::<i32, ()>(&store)?.call(&mut store, 7)?;
/// assert_eq!(store.into_data(), [7]);
/// # Ok::<(), wootz::Error>(())
/// ```
pub struct Store<T: 'static> {
    inner: Box<StoreInner<T>>,
}

type Limiter<T> = Box<dyn (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync>;

/// What a [`Store`] consists of.
pub struct StoreInner<T: 'static> {
    pub(crate) core: StoreCore,
    limiter: Option<Limiter<T>>,
    hooks: Hooks<T>,
    data: T,
}

impl<T: 'static> Store<T> {
    /// As [`new`](Self::new).
    ///
    /// # Errors
    /// Never in this version.
    pub fn try_new(engine: &Engine, data: T) -> Result<Store<T>> {
        Ok(Store::new(engine, data))
    }

    /// A new store.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        let (core, hooks) = (StoreCore::new(engine), Hooks::default());
        Store { inner: Box::new(StoreInner { core, limiter: None, hooks, data }) }
    }

    /// The user's data.
    pub fn data(&self) -> &T {
        &self.inner.data
    }

    /// The user's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.inner.data
    }

    /// Frees the store and gives the user's data back.
    pub fn into_data(self) -> T {
        self.inner.data
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        self.inner.core.engine()
    }

    /// Lets `limiter` decide from now on how much the store may use.
    pub fn limiter(
        &mut self,
        limiter: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static,
    ) {
        self.inner.limiter = Some(Box::new(limiter));
        let inner = &mut *self.inner;
        if let Some(limiter) = &mut inner.limiter {
            let limiter = limiter(&mut inner.data);
            inner.core.set_limits(limiter.instances(), limiter.tables(), limiter.memories());
        }
    }

    /// How much fuel is left.
    ///
    /// # Errors
    /// If the engine does not count fuel.
    pub fn get_fuel(&self) -> Result<u64> {
        self.inner.core.fuel()
    }

    /// Sets how much fuel is left.
    ///
    /// # Errors
    /// If the engine does not count fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.inner.core.set_fuel(fuel)
    }

    /// Lets execution be interrupted when the engine's epoch has advanced this often from now.
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.inner.core.set_epoch_deadline(ticks_beyond_current);
    }

    /// Lets reaching the deadline be a trap, as it is at first. The deadline of a new store has been reached already.
    pub fn epoch_deadline_trap(&mut self) {
        self.inner.hooks.on_deadline = None;
    }

    /// Lets `callback` decide what happens to a guest that has reached the deadline. An error ends the guest's call as that
    /// of a host function would.
    ///
    /// ```
    /// # #[cfg(feature = "compiler")] {
    /// # use wootz::*;
    /// let engine = Engine::new(Config::new().epoch_interruption(true))?;
    /// let module = Module::new(&engine, "(module (func (export \"spin\") (loop br 0)))")?;
    /// let mut store = Store::new(&engine, 0);
    /// store.epoch_deadline_callback(|mut store| {
    ///     *store.data_mut() += 1;
    ///     Ok(if *store.data() < 3 { UpdateDeadline::Continue(0) } else { UpdateDeadline::Interrupt })
    /// });
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// let spin = instance.get_typed_func::<(), ()>(&mut store, "spin")?;
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
    /// assert_eq!(*store.data(), 3);
    /// # }
    /// # Ok::<(), wootz::Error>(())
    /// ```
    pub fn epoch_deadline_callback(
        &mut self,
        callback: impl FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline> + Send + Sync + 'static,
    ) {
        self.inner.hooks.on_deadline = Some(Box::new(callback));
    }

    /// Lets `hook` be called whenever execution changes between host and guest. An error ends the call.
    ///
    /// If the hook [collects](Self::gc) host values, that happens some time after it is done, because arguments and results
    /// are just being passed.
    pub fn call_hook(
        &mut self,
        hook: impl FnMut(StoreContextMut<'_, T>, CallHook) -> Result<()> + Send + Sync + 'static,
    ) {
        self.inner.hooks.on_call = Some(Box::new(hook));
    }

    /// Drops the host values that nothing refers to any more. That happens from time to time by itself, too.
    ///
    /// `why` is given after an [`ExternRef`](crate::ExternRef) could not be made; it makes no difference here.
    ///
    /// # Errors
    /// Never in this version.
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        StoreContextMut(&mut self.inner).gc(why)
    }
}

/// A store of an engine of its own, with default settings.
impl<T: Default + 'static> Default for Store<T> {
    fn default() -> Store<T> {
        Store::new(&Engine::default(), T::default())
    }
}

impl<T: 'static> StoreInner<T> {
    pub(crate) fn data(&self) -> &T {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut T {
        &mut self.data
    }

    /// Calls into wasm, or a host function from the host; `vmctx` is the context of what is called.
    ///
    /// # Safety
    /// `call` runs code of this store only, lets nothing unwind, and returns `false` only after a reason was recorded.
    #[inline(always)]
    pub(crate) unsafe fn enter(
        &mut self,
        vmctx: *const VmContext,
        call: impl FnOnce() -> bool,
    ) -> Result<()> {
        // Only who has the whole store can set a hook, which nobody has during a call.
        if !self.has_call_hook() {
            // SAFETY: the caller's promise.
            return unsafe { self.enter_quietly(vmctx, call) };
        }
        // SAFETY: as above.
        unsafe { self.enter_with_hook(vmctx, call) }
    }

    #[inline(never)]
    unsafe fn enter_with_hook(
        &mut self,
        vmctx: *const VmContext,
        call: impl FnOnce() -> bool,
    ) -> Result<()> {
        self.note_call(CallHook::CallingWasm)?;
        // SAFETY: the caller's promise.
        let result = unsafe { self.enter_quietly(vmctx, call) };
        self.note_call(CallHook::ReturningFromWasm)?;
        result
    }

    #[inline(always)]
    unsafe fn enter_quietly(
        &mut self,
        vmctx: *const VmContext,
        call: impl FnOnce() -> bool,
    ) -> Result<()> {
        let vm: *const _ = self.core.vm();
        let owner = NonNull::from(&mut *self as &mut dyn Owner);
        // SAFETY: the part of the store behind `vm` is not part of what is borrowed, and lives as long. The rest is the
        // caller's promise.
        match unsafe { trap::enter(&*vm, owner, vmctx, call) } {
            Ok(()) => Ok(()),
            Err(raised) => Err(self.core.error(*raised)),
        }
    }
}

fn payload(error: Error) -> Payload {
    Box::new(error)
}

/// The error that a host function or limiter has given.
pub(crate) fn error_of(payload: Box<dyn Any + Send>) -> Error {
    match payload.downcast::<Error>() {
        Ok(error) => *error,
        Err(_) => unreachable!("only errors are recorded as such"),
    }
}

/// The runtime's questions, passed on to whoever the user has appointed.
impl<T: 'static> Owner for StoreInner<T> {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Payload> {
        match &mut self.limiter {
            Some(limiter) => {
                limiter(&mut self.data).memory_growing(current, desired, maximum).map_err(payload)
            }
            None => Ok(true),
        }
    }

    fn memory_grow_failed(&mut self, reason: &dyn Display) -> Result<(), Payload> {
        match &mut self.limiter {
            Some(limiter) => limiter(&mut self.data)
                .memory_grow_failed(Error::msg(reason.to_string()))
                .map_err(payload),
            None => Ok(()),
        }
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Payload> {
        match &mut self.limiter {
            Some(limiter) => {
                limiter(&mut self.data).table_growing(current, desired, maximum).map_err(payload)
            }
            None => Ok(true),
        }
    }

    fn table_grow_failed(&mut self, reason: &dyn Display) -> Result<(), Payload> {
        match &mut self.limiter {
            Some(limiter) => limiter(&mut self.data)
                .table_grow_failed(Error::msg(reason.to_string()))
                .map_err(payload),
            None => Ok(()),
        }
    }

    fn out_of_fuel(&mut self) -> bool {
        self.core.refuel()
    }

    fn epoch_reached(&mut self) -> Result<bool, Payload> {
        self.deadline_reached()
    }
}

impl<T: 'static> StoreInner<T> {
    /// Asks the limiter about a memory that is to be made.
    pub(crate) fn ask_for_memory(&mut self, ty: &abi::MemoryType) -> Result<()> {
        let bytes = |pages: u64| usize::try_from(u128::from(pages) << ty.page_size_log2);
        let minimum = bytes(ty.limits.min).unwrap_or(usize::MAX);
        let maximum = ty.limits.max.map(|max| bytes(max).unwrap_or(usize::MAX));
        if !self.memory_growing(0, minimum, maximum).map_err(error_of)? {
            bail!("memory minimum size of {} pages exceeds memory limits", ty.limits.min);
        }
        Ok(())
    }

    /// Asks the limiter about a table that is to be made.
    pub(crate) fn ask_for_table(&mut self, elements: u64, maximum: Option<u64>) -> Result<()> {
        if !self
            .table_growing(0, elements as usize, maximum.map(|max| max as usize))
            .map_err(error_of)?
        {
            bail!("table minimum size of {elements} elements exceeds table limits");
        }
        Ok(())
    }
}

impl<T: std::fmt::Debug + 'static> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("data", self.data()).finish_non_exhaustive()
    }
}

impl WasmBacktrace {
    /// Where the store's guests are at this moment: useful in host functions.
    ///
    /// Empty if [`Config::wasm_backtrace`](crate::Config::wasm_backtrace) is off.
    ///
    /// ```
    /// # #[cfg(feature = "compiler")] {
    /// # use wootz::*;
    /// let engine = Engine::default();
    /// let mut linker = Linker::new(&engine);
    /// linker.func_wrap("host", "where", |mut caller: Caller<'_, String>| {
    ///     let trace = WasmBacktrace::capture(&caller);
    ///     *caller.data_mut() = trace.frames()[0].func_name().unwrap_or("?").to_string();
    /// })?;
    /// let module = Module::new(&engine, r#"(module
    ///     (import "host" "where" (func $where))
    ///     (func $lost (export "run") (call $where)))"#)?;
    /// let mut store = Store::new(&engine, String::new());
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
    /// assert_eq!(store.data(), "lost");
    /// # }
    /// # Ok::<(), wootz::Error>(())
    /// ```
    pub fn capture(store: impl AsContext) -> WasmBacktrace {
        store.as_context().0.core.capture_backtrace(None)
    }

    /// As [`capture`](Self::capture), whatever the settings say: all frames.
    pub fn force_capture(store: impl AsContext) -> WasmBacktrace {
        store.as_context().0.core.capture_backtrace(Some(usize::MAX))
    }
}
