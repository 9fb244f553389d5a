//! Names of things in a store: two words each, copied freely, meaningless without the store.
//!
//! Always true: a handle is only ever used with the store it belongs to; with another one it panics. What it names lives as
//! long as the store.

use std::num::NonZeroU64;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use wootz_runtime::abi::vmctx::VmFuncRef;

/// A store's number in this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StoreId(NonZeroU64);

impl StoreId {
    /// One that no other store has.
    pub fn next() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        StoreId(NonZeroU64::new(id).expect("a process makes fewer than 2^64 stores"))
    }

    /// Panics unless this is the store of a handle.
    #[inline]
    pub fn assert_owns(self, owner: StoreId) {
        if self != owner {
            wrong_store();
        }
    }
}

#[cold]
fn wrong_store() -> ! {
    panic!("object used with the wrong store");
}

/// A function: of an instance, or of the host.
///
/// ```
/// use wootz::{Engine, Func, FuncType, Store, Val, ValType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// // The type follows from the closure's,
/// let wrapped = Func::wrap(&mut store, |a: i32, b: i64| i64::from(a) + b);
/// // or is known at run time only.
/// let ty = FuncType::new(store.engine(), [ValType::I32, ValType::I64], [ValType::I64]);
/// let new = Func::new(&mut store, ty.clone(), |_, params, results| {
///     results[0] = Val::I64(i64::from(params[0].unwrap_i32()) + params[1].unwrap_i64());
///     Ok(())
/// });
/// for func in [wrapped, new] {
///     assert_eq!(func.ty(&store), ty);
///     let mut results = [Val::I64(0)];
///     func.call(&mut store, &[Val::I32(1), Val::I64(2)], &mut results)?;
///     assert_eq!(results[0].unwrap_i64(), 3);
/// }
/// # Ok::<(), wootz::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Func {
    pub(crate) store: StoreId,
    /// What compiled code knows the function by.
    pub(crate) raw: NonNull<VmFuncRef>,
}

// SAFETY: it is only used together with its store, which whoever uses it has borrowed.
unsafe impl Send for Func {}
// SAFETY: as above.
unsafe impl Sync for Func {}

macro_rules! indexed {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        #[derive(Clone, Copy, Debug)]
        $(#[$doc])*
        #[repr(C)]
        pub struct $name {
            pub(crate) store: StoreId,
            pub(crate) index: usize,
        }
    )*};
}

indexed! {
    /// A linear memory.
    ///
    /// ```
    /// use wootz::{Engine, Memory, MemoryType, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let memory = Memory::new(&mut store, MemoryType::new(1, Some(2)))?;
    /// memory.write(&mut store, 8, b"hello")?;
    /// assert_eq!(&memory.data(&store)[8..13], b"hello");
    /// assert_eq!(memory.grow(&mut store, 1)?, 1);
    /// assert_eq!((memory.size(&store), memory.data_size(&store)), (2, 131072));
    /// assert!(memory.grow(&mut store, 1).is_err(), "it has its maximum");
    /// # Ok::<(), wootz::Error>(())
    /// ```
    Memory
    /// A table.
    ///
    /// ```
    /// use wootz::{Engine, Func, Ref, RefType, Store, Table, TableType};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let ty = TableType::new(RefType::FUNCREF, 2, None);
    /// let table = Table::new(&mut store, ty, Ref::Func(None))?;
    /// let func = Func::wrap(&mut store, || 7);
    /// table.set(&mut store, 1, func.into())?;
    /// let Some(Ref::Func(Some(found))) = table.get(&mut store, 1) else { panic!("nothing there") };
    /// assert_eq!(found.typed::<(), i32>(&store)?.call(&mut store, ())?, 7);
    /// assert!(table.get(&mut store, 2).is_none(), "it ends there");
    /// # Ok::<(), wootz::Error>(())
    /// ```
    Table
    /// A global.
    ///
    /// ```
    /// use wootz::{Engine, Global, GlobalType, Mutability, Store, Val, ValType};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let ty = GlobalType::new(ValType::I64, Mutability::Var);
    /// let global = Global::new(&mut store, ty, Val::I64(1))?;
    /// global.set(&mut store, Val::I64(2))?;
    /// assert_eq!(global.get(&mut store).i64(), Some(2));
    /// assert!(global.set(&mut store, Val::I32(3)).is_err(), "it holds 64 bits");
    /// # Ok::<(), wootz::Error>(())
    /// ```
    Global
    /// A tag of exceptions.
    Tag
    /// An instance of a module.
    ///
    /// ```
    /// # #[cfg(feature = "compiler")] {
    /// use wootz::{Engine, Extern, Func, Instance, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module
    ///     (import "host" "next" (func $next (result i32)))
    ///     (memory (export "memory") 1)
    ///     (func (export "run") (result i32) (call $next)))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let next = Func::wrap(&mut store, || 5);
    /// // One for each import, in order; a `Linker` finds them by name.
    /// let instance = Instance::new(&mut store, &module, &[next.into()])?;
    /// let run = instance.get_typed_func::<(), i32>(&mut store, "run")?;
    /// assert_eq!(run.call(&mut store, ())?, 5);
    /// assert!(matches!(instance.get_export(&mut store, "memory"), Some(Extern::Memory(_))));
    /// # }
    /// # Ok::<(), wootz::Error>(())
    /// ```
    #[derive(PartialEq, Eq, Hash)]
    Instance
}
