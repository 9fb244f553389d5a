//! Functions of C's that guests call.
//!
//! In: an address, and what C wants to be told with each call. Out: a function of a store. Always true: while a callback
//! runs, the store is lent to whatever it calls.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use anyhow::{Context as _, Result};
use loader::{Caller, Func, FuncType, Instance, Val, ValRaw, ValType};

use crate::error::{ErrorHandle, guarded};
use crate::kind::{Kind, Signature};
use crate::pointer::{Out, handle, list};
use crate::store::{Context, Data, FuncHandle, InstanceBox, StoreHandle};
use crate::value::{Value, read, write};

/// `wootz_function_t`: a function that is to be called as one of another type.
pub type AnyFunction = Option<unsafe extern "C" fn()>;

/// `wootz_callback_t`
pub type Function = unsafe extern "C" fn(
    data: *mut c_void,
    function: AnyFunction,
    caller: *mut InstanceBox,
    values: *mut Value,
    count: usize,
) -> *mut ErrorHandle;

/// `wootz_func_type_t`
#[repr(C)]
pub struct SignatureRecord {
    params: *const c_int,
    param_count: usize,
    results: *const c_int,
    result_count: usize,
}

/// What is called, and what it is told.
#[derive(Clone, Copy)]
pub struct Callback {
    pub callback: Function,
    pub function: AnyFunction,
    pub data: *mut c_void,
}

// SAFETY: it is called by whoever uses the store, and C has promised that its data may be used there.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    /// A function of a store that calls it.
    pub fn func(self, context: &mut Context<'_>, ty: FuncType) -> Func {
        let signature = Signature::of(&ty);
        if !signature.is_plain {
            let call = move |caller: Caller<'_, Data>, params: &[Val], results: &mut [Val]| {
                // SAFETY: C has promised that the callback has this signature.
                unsafe { self.run_with_references(caller, &signature, params, results) }
            };
            return Func::new(context, ty, call);
        }
        let params = signature.params.len();
        let call = move |caller: Caller<'_, Data>, values: &mut [MaybeUninit<ValRaw>]| {
            for value in values.iter_mut().skip(params) {
                value.write(ValRaw::default());
            }
            let (place, count) = (values.as_mut_ptr().cast::<Value>(), values.len());
            // SAFETY: all values are initialised, and C has promised that the callback has this signature.
            unsafe { self.run(caller.instance(), &mut Context::from(caller), place, count) }
        };
        // SAFETY: every result is initialised, and any bits are a number.
        unsafe { Func::new_unchecked(context, ty, call) }
    }

    /// Calls it.
    ///
    /// # Safety
    /// There are as many values as the callback thinks, all of them initialised.
    unsafe fn run(
        self,
        caller: Option<Instance>,
        context: &mut Context<'_>,
        values: *mut Value,
        count: usize,
    ) -> Result<()> {
        // SAFETY: the store is in use, and so is not deleted.
        let store = unsafe { &*context.data().store() };
        let caller = caller.map(|caller| store.instance(context, caller));
        let caller = caller.map_or(null_mut(), |caller| caller.as_ptr());
        // SAFETY: the caller's promise.
        let call = || unsafe { (self.callback)(self.data, self.function, caller, values, count) };
        let error = store.lend(context, call);
        // SAFETY: it is the callback's result.
        unsafe { ErrorHandle::take(error) }
    }

    /// Calls it with values that C sees otherwise than guests do.
    ///
    /// # Safety
    /// The callback has this signature.
    unsafe fn run_with_references(
        self,
        caller: Caller<'_, Data>,
        signature: &Signature,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<()> {
        let instance = caller.instance();
        let mut context = Context::from(caller);
        // SAFETY: the store is in use, and so is not deleted.
        let store = unsafe { &*context.data().store() };
        let mut values = vec![Value::ZERO; signature.slots()];
        for (value, &param) in values.iter_mut().zip(params) {
            *value = write(store, &mut context, param)?;
        }
        // SAFETY: all values are initialised; the rest is the caller's promise.
        unsafe { self.run(instance, &mut context, values.as_mut_ptr(), values.len()) }?;
        for ((result, value), &kind) in results.iter_mut().zip(&values).zip(&signature.results) {
            // SAFETY: all values are initialised.
            *result = unsafe { read(store, &mut context, value, kind) }
                .context("the result of a callback is wrong")?;
        }
        Ok(())
    }
}

/// The kinds that C has listed.
///
/// # Safety
/// As [`list`].
unsafe fn types(kinds: *const c_int, count: usize) -> Result<Vec<ValType>> {
    // SAFETY: the caller's promise.
    let kinds = unsafe { list(kinds, count, "kinds of values") }?;
    kinds.iter().map(|&kind| Ok(Kind::from_number(kind)?.ty())).collect()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_func_new(
    store: *const StoreHandle,
    ty: *const SignatureRecord,
    callback: Option<Function>,
    data: *mut c_void,
    out: *mut *mut FuncHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let (out, store, ty) = unsafe { (Out::new(out, null_mut())?, handle(store)?, ty.as_ref()) };
        let ty = ty.context("expected a function's type, found a null pointer")?;
        // SAFETY: as the header asks.
        let (params, results) =
            unsafe { (types(ty.params, ty.param_count)?, types(ty.results, ty.result_count)?) };
        let callback = callback.context("expected a callback, found a null pointer")?;
        let callback = Callback { callback, function: None, data };
        let func = store.with(|mut context| {
            let ty = FuncType::new(context.engine(), params, results);
            let func = callback.func(&mut context, ty);
            Ok(store.func(&mut context, func))
        })?;
        out.set(func.as_ptr());
        Ok(())
    })
}
