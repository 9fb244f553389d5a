//! Stores, what lives in them, and the one way to get at it.
//!
//! A store of the loader is used by whoever has borrowed it. C knows nothing of borrowing: a callback may call an export of
//! the instance that is just calling it. So a store notes who may use it:
//!
//! ```text
//!             wootz_func_call                     callback                    wootz_memory_data
//!   Free ───────────────────────► Busy ─────────────────────► Lent(context) ─────────────────────► Busy ──► ...
//!        ◄───────────────────────      ◄─────────────────────               ◄─────────────────────
//!                returns                       returns                             returns
//! ```
//!
//! Always true: there is one context at a time from which the store is borrowed: the store itself while it is free, or the
//! one that the innermost running callback was called with. While it is borrowed, nobody else finds it.

/// What C knows of things in a store.
mod items;

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::{HashMap, HashSet};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use loader::{
    AsContextMut, Func, Instance, Module, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder,
};
use wootz_wasi::WasiCtx;

use crate::engine::EngineHandle;
use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::kind::Signature;
use crate::module::ModuleInfo;
use crate::pointer::{Handle, Tag, delete, give, handle, handles};
use crate::wasi::{self, WasiHandle};

pub use items::{
    FuncHandle, FuncItem, GlobalHandle, InstanceBox, Item, ItemHandle, MemoryHandle, MemoryItem,
    Slot, TableHandle, TagHandle,
};

/// A store, as callbacks and guests see it.
pub type Context<'a> = StoreContextMut<'a, Data>;

/// `wootz_store_t`
#[repr(C)]
pub struct StoreHandle {
    tag: Tag,
    /// For C to make modules of.
    engine: EngineHandle,
    user: Cell<User>,
    store: UnsafeCell<Store<Data>>,
    handles: RefCell<Handles>,
    /// The instance that called a callback last: most often the one that calls the next.
    last_caller: Cell<Option<(Instance, NonNull<InstanceBox>)>>,
    /// What is being instantiated, the innermost last.
    beginning: RefCell<Vec<Arc<ModuleInfo>>>,
}

handles! { StoreHandle: "wootz_store_t", b"wzSTORE_"; }

/// What the store keeps for this library.
pub struct Data {
    /// Where the store is.
    store: *const StoreHandle,
    wasi: Option<WasiCtx>,
    limits: StoreLimits,
}

impl Data {
    /// The store as C knows it.
    pub fn store(&self) -> *const StoreHandle {
        self.store
    }

    /// What WASI's functions work with.
    ///
    /// # Panics
    /// If there is nothing; guests are given these functions only if there is, and it is never taken away.
    pub fn wasi(&mut self) -> &mut WasiCtx {
        self.wasi.as_mut().expect("guests have WASI's functions only if the store has WASI")
    }
}

/// Who may use the store.
#[derive(Clone, Copy)]
enum User {
    /// Whoever comes.
    Free,
    /// A function of this library that has not returned yet.
    Busy,
    /// Whoever comes, by way of the context of the callback that is running.
    Lent(NonNull<Context<'static>>),
}

/// What C has pointers to. All of it stays where it is until the store is deleted; an instance's handle may go earlier.
#[derive(Default)]
struct Handles {
    /// Instances whose handle was given back are known all the same: they may call callbacks, which need another.
    instances: HashMap<Instance, (Option<NonNull<InstanceBox>>, Arc<ModuleInfo>)>,
    /// By the address that compiled code knows a function by.
    functions: HashMap<usize, NonNull<FuncHandle>>,
    tables: Vec<NonNull<TableHandle>>,
    memories: Vec<NonNull<MemoryHandle>>,
    globals: Vec<NonNull<GlobalHandle>>,
    tags: Vec<NonNull<TagHandle>>,
    /// The addresses of all of them but instances: what C passes as an argument is looked for here before it is looked at.
    known: HashSet<usize>,
}

/// Puts back who may use the store.
struct Return<'a>(&'a Cell<User>, User);

impl Drop for Return<'_> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

impl StoreHandle {
    fn new(engine: &EngineHandle) -> *mut StoreHandle {
        let limits = StoreLimits::default();
        let data = Data { store: std::ptr::null(), wasi: None, limits };
        let mut store = Store::new(&engine.engine, data);
        store.limiter(|data| &mut data.limits);
        let pointer = give(StoreHandle {
            tag: StoreHandle::TAG,
            engine: EngineHandle::new(&engine.engine),
            user: Cell::new(User::Free),
            store: UnsafeCell::new(store),
            handles: RefCell::default(),
            last_caller: Cell::new(None),
            beginning: RefCell::default(),
        });
        // SAFETY: it was just made, and nobody else knows it.
        unsafe { (*(*pointer).store.get()).data_mut().store = pointer };
        pointer
    }

    /// Uses the store.
    ///
    /// # Errors
    /// If somebody else does, or what `body` fails with.
    pub fn with<R>(&self, body: impl FnOnce(Context<'_>) -> Result<R>) -> Result<R> {
        let user = self.user.replace(User::Busy);
        let _return = Return(&self.user, user);
        match user {
            // SAFETY: nobody else uses it, and nobody will until `_return` is dropped.
            User::Free => body(unsafe { &mut *self.store.get() }.as_context_mut()),
            // SAFETY: the callback's context is there as long as it is noted, and nobody else uses it, as above.
            User::Lent(mut context) => body(unsafe { context.as_mut() }.as_context_mut()),
            User::Busy => bail!(BUSY),
        }
    }

    /// Lets others use the store by way of a callback's context while the callback runs.
    pub fn lend<R>(&self, context: &mut Context<'_>, callback: impl FnOnce() -> R) -> R {
        // The lifetime is left out: what is noted is forgotten before the context is gone.
        let context = NonNull::from(context).cast::<Context<'static>>();
        let user = self.user.replace(User::Lent(context));
        let _return = Return(&self.user, user);
        callback()
    }

    /// Whether a function of this library or a guest is at work in it.
    fn is_in_use(&self) -> bool {
        !matches!(self.user.get(), User::Free)
    }

    /// The handle of a function.
    pub fn func(&self, context: &mut Context<'_>, func: Func) -> NonNull<FuncHandle> {
        let address = func.to_raw(&mut *context) as usize;
        if let Some(&known) = self.handles.borrow().functions.get(&address) {
            return known;
        }
        let signature = Signature::of(&func.ty(&*context));
        let made = self.make(FuncItem { func, signature });
        let mut handles = self.handles.borrow_mut();
        handles.known.insert(made.as_ptr() as usize);
        handles.functions.insert(address, made);
        made
    }

    fn make<T>(&self, thing: T) -> NonNull<Item<T>>
    where
        Item<T>: Handle,
    {
        NonNull::from(Box::leak(Box::new(Item::new(NonNull::from(self), thing))))
    }

    /// Something of the store that C has a pointer to, if it is that.
    ///
    /// # Errors
    /// If it is anything else: null, or of another store, or of another kind.
    pub fn find<T: Handle>(&self, pointer: *const T) -> Result<&T> {
        if !pointer.is_null() && !self.handles.borrow().known.contains(&(pointer as usize)) {
            bail!("expected a {} of this store, found a pointer to something else", T::NAME);
        }
        // SAFETY: the store has made it, and nothing that it has made so is gone before the store.
        unsafe { handle(pointer) }
    }

    /// The handle of an instance, if there is one.
    pub fn known_instance(&self, instance: Instance) -> Option<NonNull<InstanceBox>> {
        if let Some((last, known)) = self.last_caller.get()
            && last == instance
        {
            return Some(known);
        }
        let known = self.handles.borrow().instances.get(&instance)?.0?;
        self.last_caller.set(Some((instance, known)));
        Some(known)
    }

    /// Takes in the handle of an instance, which has none.
    pub fn add_instance(&self, instance: Instance, made: InstanceBox) -> NonNull<InstanceBox> {
        let info = made.info.clone();
        let made = NonNull::from(Box::leak(Box::new(made)));
        self.handles.borrow_mut().instances.insert(instance, (Some(made), info));
        made
    }

    /// Forgets an instance's handle, which somebody else deletes.
    pub fn forget_instance(&self, instance: Instance) {
        self.last_caller.set(None);
        if let Some((handle, _)) = self.handles.borrow_mut().instances.get_mut(&instance) {
            *handle = None;
        }
    }

    /// Instantiates a module: `body` may call callbacks already for an instance that nobody knows yet.
    pub fn begin<R>(&self, info: &Arc<ModuleInfo>, body: impl FnOnce() -> R) -> R {
        struct End<'a>(&'a RefCell<Vec<Arc<ModuleInfo>>>);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.borrow_mut().pop();
            }
        }
        self.beginning.borrow_mut().push(info.clone());
        let _end = End(&self.beginning);
        body()
    }

    /// What is known of the module of an instance, which may be just being made.
    pub fn info(&self, instance: Instance, module: &Module) -> Arc<ModuleInfo> {
        if let Some((_, info)) = self.handles.borrow().instances.get(&instance) {
            return info.clone();
        }
        let beginning = self.beginning.borrow();
        let found = beginning.iter().rev().find(|info| Module::same(&info.module, module));
        found.cloned().unwrap_or_else(|| ModuleInfo::new(module, std::ptr::null()))
    }

    /// Whether guests can be given WASI's functions.
    pub fn has_wasi(context: &Context<'_>) -> bool {
        context.data().wasi.is_some()
    }
}

/// Gives things of a kind a handle.
macro_rules! make {
    ($($make:ident $list:ident $item:ty;)*) => {
        impl StoreHandle {$(
            pub fn $make(&self, item: $item) -> NonNull<Item<$item>> {
                let made = self.make(item);
                let mut handles = self.handles.borrow_mut();
                handles.known.insert(made.as_ptr() as usize);
                handles.$list.push(made);
                made
            }
        )*}
    };
}

make! {
    table tables loader::Table;
    memory memories MemoryItem;
    global globals loader::Global;
    exception_tag tags loader::Tag;
}

impl Drop for Handles {
    fn drop(&mut self) {
        fn free<T: Handle>(all: impl IntoIterator<Item = NonNull<T>>) {
            for handle in all {
                // SAFETY: it came from a box, and C does not use it any more.
                unsafe { delete(handle.as_ptr()) };
            }
        }
        free(self.instances.drain().filter_map(|(_, (instance, _))| instance));
        free(self.functions.drain().map(|(_, func)| func));
        free(self.tables.drain(..));
        free(self.memories.drain(..));
        free(self.globals.drain(..));
        free(self.tags.drain(..));
    }
}

const BUSY: &str =
    "the store is in use: it belongs to one thread at a time, and to no signal handler";

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_new(engine: *const EngineHandle) -> *mut StoreHandle {
    // SAFETY: as the header asks.
    guarded_or(std::ptr::null_mut(), || Ok(StoreHandle::new(unsafe { handle(engine) }?)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_delete(store: *mut StoreHandle) {
    let is_in_use = guarded_or(true, || {
        // SAFETY: as the header asks.
        Ok(unsafe { handle(store) }?.is_in_use())
    });
    // What is in use cannot go, or there would be nothing for the guest to return to.
    if !is_in_use {
        // SAFETY: as the header asks.
        unsafe { delete(store) }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_engine(store: *const StoreHandle) -> *const EngineHandle {
    // SAFETY: as the header asks.
    guarded_or(std::ptr::null(), || Ok(&raw const unsafe { handle(store) }?.engine))
}

/// Uses a store of C's.
///
/// # Safety
/// As [`handle`].
unsafe fn with(
    store: *const StoreHandle,
    body: impl FnOnce(Context<'_>) -> Result<()>,
) -> *mut ErrorHandle {
    // SAFETY: the caller's promise.
    guarded(|| unsafe { handle(store) }?.with(body))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_set_fuel(
    store: *const StoreHandle,
    fuel: u64,
) -> *mut ErrorHandle {
    // SAFETY: as the header asks.
    unsafe { with(store, |mut context| context.set_fuel(fuel)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_get_fuel(
    store: *const StoreHandle,
    fuel: *mut u64,
) -> *mut ErrorHandle {
    let read = |context: Context<'_>| {
        ensure!(!fuel.is_null(), "there is no place for the result: its pointer is null");
        // SAFETY: as the header asks.
        unsafe { fuel.write(context.get_fuel()?) };
        Ok(())
    };
    // SAFETY: as the header asks.
    unsafe { with(store, read) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_set_epoch_deadline(
    store: *const StoreHandle,
    ticks_beyond_current: u64,
) -> *mut ErrorHandle {
    let set = |mut context: Context<'_>| {
        context.set_epoch_deadline(ticks_beyond_current);
        Ok(())
    };
    // SAFETY: as the header asks.
    unsafe { with(store, set) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_limit(
    store: *const StoreHandle,
    memory_size: i64,
    table_elements: i64,
    instances: i64,
    tables: i64,
    memories: i64,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let store = unsafe { handle(store) }?;
        ensure!(!store.is_in_use(), "limits cannot be set while a guest runs");
        // Negative numbers leave things as they are without limits.
        let limit = |number: i64, set: fn(StoreLimitsBuilder, usize) -> StoreLimitsBuilder| {
            move |builder: StoreLimitsBuilder| match usize::try_from(number) {
                Ok(limit) => set(builder, limit),
                Err(_) => builder,
            }
        };
        let mut builder = StoreLimitsBuilder::new();
        builder = limit(memory_size, StoreLimitsBuilder::memory_size)(builder);
        builder = limit(table_elements, StoreLimitsBuilder::table_elements)(builder);
        builder = limit(instances, StoreLimitsBuilder::instances)(builder);
        builder = limit(tables, StoreLimitsBuilder::tables)(builder);
        builder = limit(memories, StoreLimitsBuilder::memories)(builder);
        // SAFETY: nobody uses it, as has just been found.
        let store = unsafe { &mut *store.store.get() };
        store.data_mut().limits = builder.build();
        // Once more, because the numbers of things are asked for only now.
        store.limiter(|data| &mut data.limits);
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_set_wasi(
    store: *const StoreHandle,
    wasi: *mut WasiHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (wasi, store) = unsafe { (wasi::build(wasi)?, handle(store)?) };
        store.with(|mut context| {
            context.data_mut().wasi = Some(wasi);
            Ok(())
        })
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_store_gc(store: *const StoreHandle) {
    guarded_or((), || {
        // SAFETY: as the header asks.
        unsafe { handle(store) }?.with(|mut context| context.gc(None))
    });
}

/// Everything that is looked up by an address only.
pub fn erased<T>(pointer: NonNull<T>) -> *mut c_void {
    pointer.as_ptr().cast()
}
