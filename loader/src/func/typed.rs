//! Calls whose types are known when the program is compiled: no allocation, and no check of types at the call.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use anyhow::{Result, ensure};
use wootz_runtime::abi::vmctx::ValRaw;

use crate::handle::Func;
use crate::store::{AsContext, AsContextMut};

use super::lists::{WasmParams, WasmResults, WasmTyList};

/// A function with a type that is known when the program is compiled.
///
/// ```
/// use wootz::{Engine, Func, Store, TypedFunc};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let func = Func::wrap(&mut store, |a: i32, b: f64| (b, a));
/// let swap: TypedFunc<(i32, f64), (f64, i32)> = func.typed(&store)?;
/// assert_eq!(swap.call(&mut store, (1, 0.5))?, (0.5, 1));
/// assert!(func.typed::<i32, ()>(&store).is_err(), "it has another type");
/// # Ok::<(), wootz::Error>(())
/// ```
pub struct TypedFunc<Params, Results> {
    func: Func,
    _types: PhantomData<fn(Params) -> Results>,
}

impl<Params, Results> Clone for TypedFunc<Params, Results> {
    fn clone(&self) -> TypedFunc<Params, Results> {
        TypedFunc { func: self.func, _types: PhantomData }
    }
}

/// Room for parameters, and then for results.
#[repr(C)]
union Values<P: Copy, R: Copy> {
    params: MaybeUninit<P>,
    results: MaybeUninit<R>,
}

impl<Params: WasmParams, Results: WasmResults> TypedFunc<Params, Results> {
    /// A view of a function that has these types.
    ///
    /// # Panics
    /// If the function belongs to another store.
    ///
    /// # Safety
    /// It has them.
    pub unsafe fn new_unchecked(store: impl AsContext, func: Func) -> TypedFunc<Params, Results> {
        store.as_context().0.core.id().assert_owns(func.store);
        TypedFunc { func, _types: PhantomData }
    }

    /// The function.
    pub fn func(&self) -> &Func {
        &self.func
    }

    /// Calls it.
    ///
    /// # Errors
    /// If the guest traps, or whatever error a host function gives.
    #[inline]
    pub fn call(&self, mut store: impl AsContextMut, params: Params) -> Result<Results> {
        let store = store.as_context_mut().0;
        let mut values =
            Values::<<Params as WasmTyList>::Storage, <Results as WasmTyList>::Storage> {
                params: MaybeUninit::uninit(),
            };
        let start = (&raw mut values).cast::<ValRaw>();
        let count =
            const { if Params::COUNT > Results::COUNT { Params::COUNT } else { Results::COUNT } };
        ensure!(
            params.fit(&store.core),
            "attempt to pass cross-`Store` value to Wasm as function argument"
        );
        // SAFETY: there is room for the parameters and for the results, and `typed` has checked the types.
        unsafe {
            params.store(&store.core, start)?;
            self.func.call_raw(store, start, count)?;
            Ok(Results::load(&mut store.core, start))
        }
    }
}

impl<Params, Results> std::fmt::Debug for TypedFunc<Params, Results> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypedFunc").field("func", &self.func).finish()
    }
}
