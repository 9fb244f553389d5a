//! Closures as host functions.
//!
//! In: a closure. Out: a [`HostBody`]: its type, and a function for compiled code to call, generated for the closure's type,
//! that reads the arguments from the trampoline's array and writes the results there. Where C passes arguments and result as
//! compiled code does, there is another one that takes them as they are. Always true: nothing unwinds out of either, and a
//! closure that fails or panics has recorded why.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use anyhow::{Context, Error, Result, ensure};
use wootz_runtime::abi::types as abi;
use wootz_runtime::abi::vmctx::{
    HostEntry, TYPED_ENTRY_PARAMS, TypedHostEntry, ValRaw, VmContext, VmHostContext,
};
use wootz_runtime::vm;
use wootz_runtime::vm::trap::{Failure, leave, resume};

use crate::engine::Engine;
use crate::handle::Instance;
use crate::store::{CallHook, HostBody, StoreContextMut, StoreCore, StoreInner};
use crate::types::{FuncType, ValType};
use crate::value::Val;

use super::caller::Caller;
use super::lists::WasmTyList;
use super::wasm_ty::{Register, WasmTy};

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

    /// What it calls instead where it can, if the types allow for it.
    #[doc(hidden)]
    const TYPED_ENTRY: Option<TypedHostEntry>;
}

/// What a host function may return: nothing, a [`WasmTy`], a tuple or array of them, or a `Result` of one of these.
///
/// # Safety
/// Implemented here only.
pub unsafe trait WasmRet: Sized {
    /// How C returns it.
    #[doc(hidden)]
    type Register: Register;

    /// The WebAssembly types.
    #[doc(hidden)]
    fn valtypes() -> Vec<ValType>;

    /// Writes the results.
    ///
    /// # Safety
    /// There is room for all of them.
    #[doc(hidden)]
    unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()>;

    /// The result as C returns it.
    ///
    /// # Errors
    /// As of [`store`](Self::store).
    #[doc(hidden)]
    #[inline]
    fn into_register(self, store: &StoreCore) -> Result<Self::Register> {
        let mut value = ValRaw::default();
        // SAFETY: there is room for the result, if there is one, which is then written.
        unsafe {
            self.store(store, &mut value)?;
            Ok(Self::Register::of_raw(&value))
        }
    }
}

// SAFETY: the list's types and values.
unsafe impl<L: WasmTyList> WasmRet for L {
    type Register = L::Register;

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
    type Register = R::Register;

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
    HostBody {
        ty: F::ty(engine),
        entry: F::ENTRY,
        typed_entry: F::TYPED_ENTRY,
        body: Arc::new(func),
    }
}

/// What belongs to a host function that is called: its store, its body, and the store's owner.
///
/// # Safety
/// As of [`run`].
#[inline]
unsafe fn parts<'a, T: 'static, F: 'static>(
    vmctx: *mut VmContext,
) -> (&'a vm::store::Store, &'a F, &'a mut StoreInner<T>) {
    debug_assert!(!vmctx.is_null());
    // SAFETY: trampolines pass the function's context, which leads to its store, and to its body, which live longer than the
    // call. The owner of a store of `T` is its `StoreInner<T>`, lent for the time of the call.
    unsafe {
        let context = NonNull::new_unchecked(vmctx);
        let host = context.cast::<VmHostContext>();
        let store = vm::store::Store::of(context);
        debug_assert!(store.owner().is_some());
        // Host functions are called by way of `enter`, with an owner.
        let owner = store.owner().unwrap_unchecked();
        (store, &*(*host.as_ptr()).data.cast::<F>(), owner.cast::<StoreInner<T>>().as_mut())
    }
}

/// Runs a host function: finds the store, the closure and the caller, and takes care of what goes wrong. `None` if something
/// did, which then is recorded.
///
/// References to host values that are made meanwhile end with it.
///
/// # Safety
/// Called by an exit trampoline, or by [`Func::call_raw`](crate::Func), for a host function of a store of `T` whose body is an
/// `F`.
#[inline]
unsafe fn run<T: 'static, F: 'static, R>(
    vmctx: *mut VmContext,
    caller: *mut VmContext,
    body: impl FnOnce(&F, &mut StoreInner<T>, Option<Instance>) -> Result<R>,
) -> Option<R> {
    // SAFETY: the caller's promise.
    let (store, func, inner) = unsafe { parts::<T, F>(vmctx) };
    let instance = NonNull::new(caller).map(|caller| Instance {
        store: inner.core.id(),
        // SAFETY: the context of a live instance.
        index: unsafe { (*caller.as_ptr()).header.instance } as usize,
    });
    let scope = inner.core.roots.enter();
    let call = || body(func, inner, instance);
    // SAFETY: wasm was left for this function.
    let returned = unsafe { leave(store, call, |error: Error| Failure::Error(Box::new(error))) };
    inner.core.roots.exit(scope);
    returned
}

/// As [`run`], for functions of trampolines that have an array; tells the user's hook of the call, if there is one.
///
/// # Safety
/// As of [`run`].
#[inline]
unsafe fn run_with_hook<T: 'static, F: 'static>(
    vmctx: *mut VmContext,
    caller: *mut VmContext,
    body: impl FnOnce(&F, &mut StoreInner<T>, Option<Instance>) -> Result<()>,
) -> bool {
    let call = |func: &F, store: &mut StoreInner<T>, instance| {
        // Only who has the whole store can set a hook, which nobody has in a host function.
        if !store.has_call_hook() {
            return body(func, store, instance);
        }
        store.note_call(CallHook::CallingHost)?;
        let result = body(func, store, instance);
        store.note_call(CallHook::ReturningFromHost)?;
        result
    };
    // SAFETY: the caller's promise.
    unsafe { run(vmctx, caller, call) }.is_some()
}

/// Ends a host function without a result, for a reason that was recorded.
///
/// # Safety
/// It was called by compiled code, and nothing is left in its frames that would have to be dropped.
#[cold]
unsafe fn resume_without(vmctx: *mut VmContext) -> ! {
    // SAFETY: a host function's context leads to its store; the rest is the caller's promise.
    unsafe { resume(vm::store::Store::of(NonNull::new_unchecked(vmctx))) }
}

/// Implements [`IntoFunc`] for closures with these parameters, with and without a [`Caller`] in front.
macro_rules! closures {
    ($($($ty:ident)*;)*) => {$(
        // What typed entries are on every system.
        #[cfg(target_arch = "x86_64")]
        closures!("sysv64" $($ty)*);
        #[cfg(not(target_arch = "x86_64"))]
        closures!("C" $($ty)*);
    )*};
    ($convention:literal $($ty:ident)*) => {
        closures!(@ $convention [] [] $($ty)*);
        closures!(@ $convention [Caller<'_, T>,] [Caller] $($ty)*);
    };
    (@ $convention:literal [$($caller:ty,)?] [$($make:ident)?] $($ty:ident)*) => {
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
                        run_with_hook::<T, F>(vmctx, caller, |func, store, _instance| {
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

            const TYPED_ENTRY: Option<TypedHostEntry> = {
                #[allow(non_snake_case)]
                unsafe extern $convention fn entry<T: 'static, F, $($ty: WasmTy,)* R: WasmRet>(
                    vmctx: *mut VmContext,
                    $($ty: $ty::Register,)*
                    caller: *mut VmContext,
                ) -> R::Register
                where
                    F: Fn($($caller,)? $($ty),*) -> R + Send + Sync + 'static,
                {
                    // SAFETY: the trampoline passes arguments of these types, and takes the result. Nothing is left here that
                    // would have to be dropped.
                    unsafe {
                        if parts::<T, F>(vmctx).2.has_call_hook() {
                            return by_values::<T, F, $($ty,)* R>(vmctx, $($ty,)* caller);
                        }
                        let result = run::<T, F, _>(vmctx, caller, |func, store, _instance| {
                            $(let $ty = <$ty as WasmTy>::from_raw(&mut store.core, &$ty.into_raw());)*
                            let result = func(
                                $($make { store: StoreContextMut(&mut *store), instance: _instance },)?
                                $($ty),*
                            );
                            result.into_register(&store.core)
                        });
                        result.unwrap_or_else(|| resume_without(vmctx))
                    }
                }

                /// Calls the other entry, which tells the user's hook.
                #[cold]
                #[inline(never)]
                #[allow(non_snake_case)]
                unsafe extern $convention fn by_values<T: 'static, F, $($ty: WasmTy,)* R: WasmRet>(
                    vmctx: *mut VmContext,
                    $($ty: $ty::Register,)*
                    caller: *mut VmContext,
                ) -> R::Register
                where
                    F: Fn($($caller,)? $($ty),*) -> R + Send + Sync + 'static,
                {
                    let entry = <F as IntoFunc<T, ($($caller,)? $($ty,)*), R>>::ENTRY;
                    let mut values = [$($ty.into_raw(),)* ValRaw::default()];
                    // SAFETY: there are the arguments, and room for a result. Nothing is left here that would have to be
                    // dropped.
                    unsafe {
                        match entry(vmctx, caller, values.as_mut_ptr(), values.len()) {
                            true => R::Register::of_raw(&values[0]),
                            false => resume_without(vmctx),
                        }
                    }
                }

                let is_typed = <($($ty,)*) as WasmTyList>::COUNT <= TYPED_ENTRY_PARAMS
                    $(&& <$ty::Register as Register>::IS_TYPED)*
                    && <R::Register as Register>::IS_TYPED;
                // SAFETY: trampolines call it with the type that it has.
                let entry = unsafe {
                    std::mem::transmute::<
                        unsafe extern $convention fn(*mut VmContext, $($ty::Register,)* *mut VmContext) -> R::Register,
                        TypedHostEntry,
                    >(entry::<T, F, $($ty,)* R>)
                };
                if is_typed { Some(entry) } else { None }
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
    HostBody {
        ty: ty.clone(),
        entry: dynamic_entry::<T, F>,
        typed_entry: None,
        body: Arc::new(Dynamic { ty, func }),
    }
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
        run_with_hook::<T, Dynamic<F>>(vmctx, caller, |body, store, instance| {
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
    HostBody { ty, entry: unchecked_entry::<T, F>, typed_entry: None, body: Arc::new(func) }
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
        run_with_hook::<T, F>(vmctx, caller, |func, store, instance| {
            let values = std::slice::from_raw_parts_mut(values.cast(), count);
            func(Caller { store: StoreContextMut(store), instance }, values)
        })
    }
}

#[cfg(all(test, feature = "compiler"))]
mod tests {
    use super::*;
    use crate::handle::Func;
    use crate::module::Module;
    use crate::reference::{ExternRef, Rooted};
    use crate::store::{AsContextMut, Store};
    use crate::value::V128;

    fn is_typed<Params, Results, F: IntoFunc<(), Params, Results>>(_: F) -> bool {
        F::TYPED_ENTRY.is_some()
    }

    #[test]
    fn what_c_passes_alike_everywhere_has_a_typed_entry() {
        assert!(is_typed(|| ()));
        assert!(is_typed(|_: i32, _: u64, _: f32, _: f64| -> Result<f32> { Ok(0.0) }));
        assert!(is_typed(|_: Caller<'_, ()>, _: Option<Func>, _: Option<Rooted<ExternRef>>| 1u32));
        assert!(is_typed(|_: Func| -> (i64,) { (0,) }));
        assert!(!is_typed(|_: i32, _: i32, _: i32, _: i32, _: i32| ()));
        assert!(!is_typed(|_: V128| ()));
        assert!(!is_typed(|| V128::from(0)));
        assert!(!is_typed(|| (1, 2)));
        assert!(!is_typed(|_: Caller<'_, ()>| -> Result<[i32; 2]> { Ok([1, 2]) }));
    }

    unsafe extern "C" fn unused(
        _: *mut VmContext,
        _: *mut VmContext,
        _: *mut ValRaw,
        _: usize,
    ) -> bool {
        unreachable!("there is a better way")
    }

    #[test]
    fn guests_call_the_typed_entry() {
        let engine = Engine::default();
        let module = Module::new(
            &engine,
            r#"(module
                (import "" "f" (func $f (param i32 f64) (result i64)))
                (table funcref (elem $f))
                (type $t (func (param i32 f64) (result i64)))
                (func (export "by name") (result i64) (call $f (i32.const -2) (f64.const 0.5)))
                (func (export "by table") (result i64)
                    (call_indirect (type $t) (i32.const -2) (f64.const 0.5) (i32.const 0))))"#,
        )
        .unwrap();
        let mut store = Store::new(&engine, ());
        let mut body = typed_body(&engine, |caller: Caller<'_, ()>, a: i32, b: f64| -> i64 {
            assert!(caller.instance().is_some());
            a as i64 * (b * 2.0) as i64
        });
        body.entry = unused;
        let func = store.as_context_mut().0.core.host_func(&body);
        let instance = crate::Instance::new(&mut store, &module, &[func.into()]).unwrap();
        for name in ["by name", "by table"] {
            let run = instance.get_typed_func::<(), i64>(&mut store, name).unwrap();
            assert_eq!(run.call(&mut store, ()).unwrap(), -2);
        }
    }
}
