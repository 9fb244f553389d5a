//! Functions: called, wrapped, typed.
//!
//! In: values and closures. Out: the same, by way of compiled trampolines. Typed calls go straight from Rust values to the
//! trampoline's array and back; untyped calls check each value against the function's type.

/// Rust types that stand for WebAssembly types.
mod wasm_ty;
/// Lists of them: parameters and results.
mod lists;
/// Calls whose types are known when the program is compiled.
mod typed;
/// What host functions learn of their caller.
mod caller;
/// Closures as host functions.
mod host;

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use anyhow::{Context, Result, bail};
use wootz_runtime::abi::vmctx::{ValRaw, VmContext, VmHostContext};
use wootz_runtime::vm::signature::Signature;

use crate::handle::Func;
use crate::store::{AsContext, AsContextMut, StoreContextMut, StoreInner};
use crate::types::FuncType;
use crate::value::{Val, func_type};

pub use caller::Caller;
pub use host::{IntoFunc, WasmRet};
pub(crate) use host::{dynamic, typed_body, unchecked};
pub use lists::{WasmParams, WasmResults, WasmTyList};
pub use typed::TypedFunc;
pub use wasm_ty::WasmTy;

/// How many values a call has room for without allocating.
const INLINE_VALUES: usize = 16;

impl Func {
    /// A host function of a type that is known only at run time.
    ///
    /// The function gets its arguments, and must fill in its results, which are null or zero at first.
    pub fn new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Func {
        let core = &mut store.as_context_mut().0.core;
        core.host_func(&dynamic(ty, func))
    }

    /// As [`new`](Self::new).
    ///
    /// # Errors
    /// Never in this version.
    pub fn try_new<T: 'static>(
        store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        Ok(Func::new(store, ty, func))
    }

    /// A host function that reads its arguments and writes its results as compiled code passes them: no check, no copy.
    ///
    /// The function gets as many values as the type has parameters or results, whichever are more, of which only the
    /// parameters are initialised.
    ///
    /// # Safety
    /// When it returns `Ok`, the function has written results of the right types and this store.
    pub unsafe fn new_unchecked<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &mut [MaybeUninit<ValRaw>]) -> Result<()> + Send + Sync + 'static,
    ) -> Func {
        let core = &mut store.as_context_mut().0.core;
        core.host_func(&unchecked(ty, func))
    }

    /// A host function whose type follows from a closure's.
    pub fn wrap<T: 'static, Params, Results>(
        mut store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Func {
        let core = &mut store.as_context_mut().0.core;
        let body = typed_body(core.engine(), func);
        core.host_func(&body)
    }

    /// As [`wrap`](Self::wrap).
    ///
    /// # Errors
    /// Never in this version.
    pub fn try_wrap<T: 'static, Params, Results>(
        store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<Func> {
        Ok(Func::wrap(store, func))
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        func_type(&store.as_context().0.core, self)
    }

    /// Whether it has a type.
    pub fn matches_ty(&self, store: impl AsContext, ty: &FuncType) -> bool {
        self.ty(store).matches(ty)
    }

    /// Calls it.
    ///
    /// # Errors
    /// If the number or types of the arguments are wrong, if `results` has the wrong length, if the guest traps, or whatever
    /// error a host function gives.
    pub fn call(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let store = store.as_context_mut().0;
        store.core.id().assert_owns(self.store);
        // SAFETY: references to functions live as long as their store.
        let signature = store.core.signature(unsafe { self.raw.as_ref() }.signature_id);
        let result = self.call_as(store, &signature, params, results);
        store.core.keep_signature(signature);
        result
    }

    /// Calls it, where this is its signature.
    fn call_as<T: 'static>(
        &self,
        store: &mut StoreInner<T>,
        signature: &Signature,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let ty = signature.ty();
        if ty.params.len() != params.len() {
            bail!("expected {} arguments, got {}", ty.params.len(), params.len());
        }
        if ty.results.len() != results.len() {
            bail!("expected {} results, got {}", ty.results.len(), results.len());
        }
        let count = params.len().max(results.len());
        let mut inline = [const { MaybeUninit::uninit() }; INLINE_VALUES];
        let mut allocated;
        let values: &mut [MaybeUninit<ValRaw>] = match inline.get_mut(..count) {
            Some(values) => values,
            None => {
                allocated = vec![MaybeUninit::uninit(); count];
                &mut allocated
            }
        };
        for ((raw, value), &ty) in values.iter_mut().zip(params).zip(&ty.params) {
            raw.write(value.checked_raw(&store.core, ty).context("argument type mismatch")?);
        }
        // SAFETY: there is room for parameters and results, and the arguments have been checked.
        unsafe { self.call_raw(store, values.as_mut_ptr().cast::<ValRaw>(), count) }?;
        for ((result, raw), &ty) in results.iter_mut().zip(values).zip(&ty.results) {
            // SAFETY: the function has written values of these types.
            *result = unsafe { Val::of_raw_abi(&mut store.core, raw.assume_init_ref(), ty) };
        }
        Ok(())
    }

    /// Calls it with arguments as compiled code passes them, and leaves the results in their place.
    ///
    /// # Errors
    /// If the guest traps, or whatever error a host function gives.
    ///
    /// # Safety
    /// There is room for as many values as there are parameters or results, whichever are more, and the arguments are of the
    /// right types and this store. References in them and in the results keep nothing alive.
    pub unsafe fn call_unchecked(
        &self,
        mut store: impl AsContextMut,
        params_and_returns: *mut [ValRaw],
    ) -> Result<()> {
        let store = store.as_context_mut().0;
        // SAFETY: the caller's promise.
        unsafe {
            self.call_raw(store, params_and_returns.cast::<ValRaw>(), params_and_returns.len())
        }
    }

    /// The function as it is in a [`ValRaw`]. Valid as long as the store.
    ///
    /// # Panics
    /// If it belongs to another store.
    pub fn to_raw(&self, store: impl AsContextMut) -> *mut c_void {
        store.as_context().0.core.id().assert_owns(self.store);
        self.raw.as_ptr().cast()
    }

    /// The function that is in a [`ValRaw`]. `None` for null.
    ///
    /// # Safety
    /// It comes from this store.
    pub unsafe fn from_raw(store: impl AsContextMut, raw: *mut c_void) -> Option<Func> {
        let store = store.as_context().0.core.id();
        NonNull::new(raw.cast()).map(|raw| Func { store, raw })
    }

    /// A view of the function with a type that is known when the program is compiled.
    ///
    /// # Errors
    /// If it has another type.
    pub fn typed<Params: WasmParams, Results: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<Params, Results>> {
        let ty = self.ty(&store);
        Params::check_params(ty.params()).context("type mismatch with parameters")?;
        Results::check_results(ty.results()).context("type mismatch with results")?;
        // SAFETY: just checked.
        Ok(unsafe { TypedFunc::new_unchecked(store, *self) })
    }

    /// Calls it with arguments in `values`, where it leaves its results.
    ///
    /// # Safety
    /// `values` has room for `count` values, as many as there are parameters or results, whichever are more. It begins with
    /// arguments of the right types and this store.
    #[inline(always)]
    pub(crate) unsafe fn call_raw<T: 'static>(
        &self,
        store: &mut StoreInner<T>,
        values: *mut ValRaw,
        count: usize,
    ) -> Result<()> {
        store.core.id().assert_owns(self.store);
        // SAFETY: references to functions live as long as their store.
        let funcref = unsafe { self.raw.as_ref() };
        let (vmctx, code) = (funcref.vmctx, funcref.code);
        match funcref.entry {
            // SAFETY: the trampoline belongs to the function's signature; the rest is the caller's promise.
            Some(entry) => unsafe { store.enter(vmctx, move || entry(vmctx, code, values)) },
            // SAFETY: as above.
            None => unsafe { call_host(store, vmctx, values, count) },
        }
    }
}

/// Calls a host function: what has no trampoline is one, whose context tells what to call.
///
/// # Safety
/// As [`Func::call_raw`], for the context of a host function.
#[inline(never)]
unsafe fn call_host<T: 'static>(
    store: &mut StoreInner<T>,
    vmctx: *mut VmContext,
    values: *mut ValRaw,
    count: usize,
) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let entry = (*vmctx.cast::<VmHostContext>()).entry;
        store.enter(vmctx, move || entry(vmctx, std::ptr::null_mut(), values, count))
    }
}

impl<T: 'static> StoreContextMut<'_, T> {
    /// The same store, for a shorter time.
    pub(crate) fn reborrow(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.0)
    }
}
