//! Closures as host functions.
//!
//! In: a closure. Out: a [`HostBody`]: its type, and a function for compiled code to call, generated for the closure's type,
//! that reads the arguments from the trampoline's array and writes the results there. Always true: nothing unwinds out of it,
//! and a closure that fails or panics has recorded why.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use anyhow::{Context, Error, Result, ensure};
use wootz_runtime::abi::types as abi;
use wootz_runtime::abi::vmctx::{HostEntry, ValRaw, VmContext, VmHostContext};
use wootz_runtime::vm;
use wootz_runtime::vm::trap::{Failure, leave};

use crate::engine::Engine;
use crate::handle::Instance;
use crate::store::{CallHook, HostBody, StoreContextMut, StoreCore, StoreInner};
use crate::types::{FuncType, ValType};
use crate::value::Val;

use super::caller::Caller;
use super::lists::WasmTyList;
use super::wasm_ty::WasmTy;

/// A closure that can be a host function: of 0 to 17 parameters that are each a [`WasmTy`], perhaps with a [`Caller`] in
/// front, and of results that are a [`WasmRet`].
///
/// # Safety
/// Implemented here only: what compiled code calls must have the type that is said of it.
pub unsafe trait IntoFunc<T: 'static, Params, Results>:
    Send + Sync + Sized + 'static
{
    /// Its type.
    #[doc(hidden)]
    fn ty(engine: &Engine) -> FuncType;

    /// What compiled code calls.
    #[doc(hidden)]
    const ENTRY: HostEntry;
}

/// What a host function may return: nothing, a [`WasmTy`], a tuple or array of them, or a `Result` of one of these.
///
/// # Safety
/// Implemented here only.
pub unsafe trait WasmRet: Sized {
    /// The WebAssembly types.
    #[doc(hidden)]
    fn valtypes() -> Vec<ValType>;

    /// Writes the results.
    ///
    /// # Safety
    /// There is room for all of them.
    #[doc(hidden)]
    unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()>;
}

// SAFETY: the list's types and values.
unsafe impl<L: WasmTyList> WasmRet for L {
    fn valtypes() -> Vec<ValType> {
        L::valtypes()
    }

    #[inline]
    unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()> {
        ensure!(self.fit(store), "host function attempted to return cross-`Store` value to Wasm");
        // SAFETY: the caller's promise.
        unsafe { WasmTyList::store(self, store, values) }
    }
}

// SAFETY: as what is in it.
unsafe impl<R: WasmRet> WasmRet for Result<R, Error> {
    fn valtypes() -> Vec<ValType> {
        R::valtypes()
    }

    #[inline]
    unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self?.store(store, values) }
    }
}

/// A host function made of a closure.
pub fn typed_body<T: 'static, Params, Results, F: IntoFunc<T, Params, Results>>(
    engine: &Engine,
    func: F,
) -> HostBody {
    HostBody { ty: F::ty(engine), entry: F::ENTRY, body: Arc::new(func) }
}

/// Runs a host function: finds the store, the closure and the caller, and takes care of what goes wrong.
///
/// References to host values that are made meanwhile end with it.
///
/// # Safety
/// Called by an exit trampoline, or by [`Func::call_raw`](crate::Func), for a host function of a store of `T` whose body is an
/// `F`.
#[inline]
unsafe fn run<T: 'static, F: 'static>(
    vmctx: *mut VmContext,
    caller: *mut VmContext,
    body: impl FnOnce(&F, &mut StoreInner<T>, Option<Instance>) -> Result<()>,
) -> bool {
    debug_assert!(!vmctx.is_null());
    // SAFETY: trampolines pass the function's context.
    let context = unsafe { NonNull::new_unchecked(vmctx) };
    // SAFETY: the context of a host function leads to its store, and to its body, which live longer than the call. The owner
    // of a store of `T` is its `StoreInner<T>`, lent for the time of the call.
    let (store, func, inner) = unsafe {
        let host = context.cast::<VmHostContext>();
        let store = vm::store::Store::of(context);
        debug_assert!(store.owner().is_some());
        // Host functions are called by way of `enter`, with an owner.
        let owner = store.owner().unwrap_unchecked();
        let inner = owner.cast::<StoreInner<T>>().as_mut();
        (store, &*(*host.as_ptr()).data.cast::<F>(), inner)
    };
    let instance = NonNull::new(caller).map(|caller| Instance {
        store: inner.core.id(),
        // SAFETY: the context of a live instance.
        index: unsafe { (*caller.as_ptr()).header.instance } as usize,
    });
    let scope = inner.core.roots.enter();
    let call = || {
        // Only who has the whole store can set a hook, which nobody has in a host function.
        if !inner.has_call_hook() {
            return body(func, inner, instance);
        }
        inner.note_call(CallHook::CallingHost)?;
        let result = body(func, inner, instance);
        inner.note_call(CallHook::ReturningFromHost)?;
        result
    };
    // SAFETY: wasm was left for this function.
    let returned = unsafe { leave(store, call, |error: Error| Failure::Error(Box::new(error))) };
    inner.core.roots.exit(scope);
    returned.is_some()
}

/// Implements [`IntoFunc`] for closures with these parameters, with and without a [`Caller`] in front.
macro_rules! closures {
    ($($($ty:ident)*;)*) => {$(
        closures!(@ [] [] $($ty)*);
        closures!(@ [Caller<'_, T>,] [Caller] $($ty)*);
    )*};
    (@ [$($caller:ty,)?] [$($make:ident)?] $($ty:ident)*) => {
        // SAFETY: both follow from the closure's type.
        unsafe impl<T: 'static, F, $($ty: WasmTy,)* R: WasmRet> IntoFunc<T, ($($caller,)? $($ty,)*), R> for F
        where
            F: Fn($($caller,)? $($ty),*) -> R + Send + Sync + 'static,
        {
            fn ty(engine: &Engine) -> FuncType {
                FuncType::new(engine, <($($ty,)*) as WasmTyList>::valtypes(), R::valtypes())
            }

            const ENTRY: HostEntry = {
                unsafe extern "C" fn entry<T: 'static, F, $($ty: WasmTy,)* R: WasmRet>(
                    vmctx: *mut VmContext,
                    caller: *mut VmContext,
                    values: *mut ValRaw,
                    _count: usize,
                ) -> bool
                where
                    F: Fn($($caller,)? $($ty),*) -> R + Send + Sync + 'static,
                {
                    // SAFETY: the trampoline passes arguments of these types, and room for the results.
                    unsafe {
                        run::<T, F>(vmctx, caller, |func, store, _instance| {
                            #[allow(non_snake_case)]
                            let ($($ty,)*) = <($($ty,)*) as WasmTyList>::load(&mut store.core, values);
                            let result = func(
                                $($make { store: StoreContextMut(&mut *store), instance: _instance },)?
                                $($ty),*
                            );
                            result.store(&store.core, values)
                        })
                    }
                }
                entry::<T, F, $($ty,)* R>
            };
        }
    };
}

closures! {
    ;
    A1;
    A1 A2;
    A1 A2 A3;
    A1 A2 A3 A4;
    A1 A2 A3 A4 A5;
    A1 A2 A3 A4 A5 A6;
    A1 A2 A3 A4 A5 A6 A7;
    A1 A2 A3 A4 A5 A6 A7 A8;
    A1 A2 A3 A4 A5 A6 A7 A8 A9;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16;
    A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16 A17;
}

/// A closure over values whose types are known only at run time.
struct Dynamic<F> {
    ty: FuncType,
    func: F,
}

/// A host function of a type that is known only at run time.
pub fn dynamic<T: 'static, F>(ty: FuncType, func: F) -> HostBody
where
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
{
    HostBody { ty: ty.clone(), entry: dynamic_entry::<T, F>, body: Arc::new(Dynamic { ty, func }) }
}

unsafe extern "C" fn dynamic_entry<T: 'static, F>(
    vmctx: *mut VmContext,
    caller: *mut VmContext,
    values: *mut ValRaw,
    _count: usize,
) -> bool
where
    F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
{
    // SAFETY: the trampoline passes arguments of the function's type, and room for its results.
    unsafe {
        run::<T, Dynamic<F>>(vmctx, caller, |body, store, instance| {
            let ty = body.ty.signature().ty();
            let mut room = store.core.host_call_room::<Vec<Val>>();
            for (position, &ty) in ty.params.iter().enumerate() {
                room.push(Val::of_raw_abi(&mut store.core, &*values.add(position), ty));
            }
            let engine = body.ty.engine();
            room.extend(ty.results.iter().map(|&ty| zero_or_null(engine, ty)));
            let (params, results) = room.split_at_mut(ty.params.len());
            let caller = Caller { store: StoreContextMut(&mut *store), instance };
            (body.func)(caller, params, results)?;
            for ((position, value), &ty) in results.iter().enumerate().zip(&ty.results) {
                let raw = value
                    .checked_raw(&store.core, ty)
                    .context("function attempted to return an incompatible value")?;
                values.add(position).write(raw);
            }
            room.clear();
            store.core.keep_host_call_room(room);
            Ok(())
        })
    }
}

/// What a result is before it is filled in: any number where null does not belong to the type.
#[inline]
fn zero_or_null(engine: &Engine, ty: abi::ValType) -> Val {
    match ty {
        abi::ValType::I32 => Val::I32(0),
        abi::ValType::I64 => Val::I64(0),
        abi::ValType::F32 => Val::F32(0),
        abi::ValType::F64 => Val::F64(0),
        ty => Val::default_for_ty(&ValType::from_abi(engine, ty)).unwrap_or(Val::I32(0)),
    }
}

/// A host function that reads its arguments and writes its results as compiled code passes them.
pub fn unchecked<T: 'static, F>(ty: FuncType, func: F) -> HostBody
where
    F: Fn(Caller<'_, T>, &mut [MaybeUninit<ValRaw>]) -> Result<()> + Send + Sync + 'static,
{
    HostBody { ty, entry: unchecked_entry::<T, F>, body: Arc::new(func) }
}

unsafe extern "C" fn unchecked_entry<T: 'static, F>(
    vmctx: *mut VmContext,
    caller: *mut VmContext,
    values: *mut ValRaw,
    count: usize,
) -> bool
where
    F: Fn(Caller<'_, T>, &mut [MaybeUninit<ValRaw>]) -> Result<()> + Send + Sync + 'static,
{
    // SAFETY: the trampoline passes the arguments, and room for as many values as it says.
    unsafe {
        run::<T, F>(vmctx, caller, |func, store, instance| {
            let values = std::slice::from_raw_parts_mut(values.cast(), count);
            func(Caller { store: StoreContextMut(store), instance }, values)
        })
    }
}
