//! Rust types that stand for WebAssembly types, one value each.

use std::ptr::NonNull;

use anyhow::Result;
use wootz_runtime::abi::vmctx::{ValRaw, VmFuncRef};

use crate::handle::Func;
use crate::reference::{ExternRef, OwnedRooted, Rooted};
use crate::store::StoreCore;
use crate::types::{HeapType, RefType, ValType};
use crate::value::V128;

/// A Rust type that stands for a WebAssembly type: `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, `V128`; `Func`,
/// `Rooted<ExternRef>` and `OwnedRooted<ExternRef>`, and each of these as an `Option`.
///
/// # Safety
/// Implemented here only.
pub unsafe trait WasmTy: Send {
    /// How C passes the value.
    #[doc(hidden)]
    type Register: Register;

    /// The WebAssembly type.
    #[doc(hidden)]
    fn valtype() -> ValType;

    /// Whether the value belongs to a store, or to none.
    #[doc(hidden)]
    #[inline]
    fn fits(&self, store: &StoreCore) -> bool {
        let _ = store;
        true
    }

    /// Checks that the value, which [fits](Self::fits), may be used at this moment.
    #[doc(hidden)]
    #[inline]
    fn check(&self, store: &StoreCore) -> Result<()> {
        let _ = store;
        Ok(())
    }

    /// As compiled code passes it.
    #[doc(hidden)]
    fn into_raw(self, store: &StoreCore) -> ValRaw;

    /// A value that compiled code has passed.
    ///
    /// # Safety
    /// It has the WebAssembly type, and comes from code of this store.
    #[doc(hidden)]
    unsafe fn from_raw(store: &mut StoreCore, raw: &ValRaw) -> Self;
}

/// How C passes values of some type: what it passes them as, or in memory.
pub trait Register: Copy {
    /// Whether C passes and returns it like compiled code, so that a host function with it may have a typed entry.
    const IS_TYPED: bool = true;

    /// The same value.
    fn into_raw(self) -> ValRaw;

    /// The same value.
    ///
    /// # Safety
    /// It was written as such a value.
    unsafe fn of_raw(raw: &ValRaw) -> Self;
}

/// Of values of which there is more than one, or which do not fit every machine's registers.
#[derive(Clone, Copy)]
pub enum InMemory {}

impl Register for InMemory {
    const IS_TYPED: bool = false;

    fn into_raw(self) -> ValRaw {
        match self {}
    }

    unsafe fn of_raw(_: &ValRaw) -> InMemory {
        unreachable!("values in memory are read there")
    }
}

/// No value.
impl Register for () {
    #[inline]
    fn into_raw(self) -> ValRaw {
        ValRaw::default()
    }

    #[inline]
    unsafe fn of_raw(_: &ValRaw) {}
}

macro_rules! registers {
    ($($register:ty, $field:ident, |$value:ident| $to:expr, |$raw:ident| $from:expr;)*) => {$(
        impl Register for $register {
            #[inline]
            fn into_raw(self) -> ValRaw {
                let $value = self;
                ValRaw { $field: $to }
            }

            #[inline]
            unsafe fn of_raw(raw: &ValRaw) -> $register {
                // SAFETY: the caller says that it has this type.
                let $raw = unsafe { raw.$field };
                $from
            }
        }
    )*};
}

registers! {
    u32, i32, |value| value as i32, |raw| raw as u32;
    u64, i64, |value| value as i64, |raw| raw as u64;
    f32, f32, |value| value.to_bits(), |raw| f32::from_bits(raw);
    f64, f64, |value| value.to_bits(), |raw| f64::from_bits(raw);
    *mut VmFuncRef, funcref, |value| value, |raw| raw;
}

macro_rules! numbers {
    ($($rust:ty, $variant:ident, $register:ty, $field:ident, |$value:ident| $to:expr, |$raw:ident| $from:expr;)*) => {$(
        // SAFETY: the field is that of the type.
        unsafe impl WasmTy for $rust {
            type Register = $register;

            #[inline]
            fn valtype() -> ValType {
                ValType::$variant
            }

            #[inline]
            fn into_raw(self, _store: &StoreCore) -> ValRaw {
                let $value = self;
                ValRaw { $field: $to }
            }

            #[inline]
            unsafe fn from_raw(_store: &mut StoreCore, raw: &ValRaw) -> $rust {
                // SAFETY: the caller says that it has this type.
                let $raw = unsafe { raw.$field };
                $from
            }
        }
    )*};
}

numbers! {
    i32, I32, u32, i32, |value| value, |raw| raw;
    u32, I32, u32, i32, |value| value as i32, |raw| raw as u32;
    i64, I64, u64, i64, |value| value, |raw| raw;
    u64, I64, u64, i64, |value| value as i64, |raw| raw as u64;
    f32, F32, f32, f32, |value| value.to_bits(), |raw| f32::from_bits(raw);
    f64, F64, f64, f64, |value| value.to_bits(), |raw| f64::from_bits(raw);
    V128, V128, InMemory, v128, |value| value.as_u128().to_le_bytes(), |raw| u128::from_le_bytes(raw).into();
}

/// References: the type that may be null, and the one that is not.
macro_rules! references {
    ($(
        $rust:ty, $nullable:ident, $heap:ident, $register:ty,
        check |$value:ident, $in:ident| $check:expr,
        into |$given:ident, $to:ident| $field:ident: $null:expr, $raw:expr,
        from |$store:ident, $bits:ident| $made:expr;
    )*) => {$(
        // SAFETY: the field is that of the type, and null is among its values.
        unsafe impl WasmTy for Option<$rust> {
            type Register = $register;

            #[inline]
            fn valtype() -> ValType {
                ValType::$nullable
            }

            #[inline]
            fn fits(&self, store: &StoreCore) -> bool {
                self.as_ref().is_none_or(|value| value.fits(store))
            }

            #[inline]
            fn check(&self, store: &StoreCore) -> Result<()> {
                self.as_ref().map_or(Ok(()), |value| WasmTy::check(value, store))
            }

            #[inline]
            fn into_raw(self, $to: &StoreCore) -> ValRaw {
                ValRaw { $field: self.map_or($null, |$given| $raw) }
            }

            #[inline]
            unsafe fn from_raw($store: &mut StoreCore, raw: &ValRaw) -> Option<$rust> {
                // SAFETY: the caller says that it has this type.
                let $bits = unsafe { raw.$field };
                $made
            }
        }

        // SAFETY: as above; the WebAssembly type has no null either.
        unsafe impl WasmTy for $rust {
            type Register = $register;

            #[inline]
            fn valtype() -> ValType {
                ValType::Ref(RefType::new(false, HeapType::$heap))
            }

            #[inline]
            fn fits(&self, store: &StoreCore) -> bool {
                self.store == store.id()
            }

            #[inline]
            fn check(&self, $in: &StoreCore) -> Result<()> {
                let $value = self;
                $check
            }

            #[inline]
            fn into_raw(self, store: &StoreCore) -> ValRaw {
                Some(self).into_raw(store)
            }

            #[inline]
            unsafe fn from_raw(store: &mut StoreCore, raw: &ValRaw) -> $rust {
                // SAFETY: the caller's promise.
                unsafe { Option::<$rust>::from_raw(store, raw) }.expect("this type has no null")
            }
        }
    )*};
}

references! {
    Func, FUNCREF, Func, *mut VmFuncRef,
        check |_value, _store| Ok(()),
        into |func, _store| funcref: std::ptr::null_mut(), func.raw.as_ptr(),
        from |store, raw| NonNull::new(raw).map(|raw| Func { store: store.id(), raw });
    Rooted<ExternRef>, EXTERNREF, Extern, u32,
        check |value, store| Rooted::check(value, store),
        into |value, store| externref: 0, value.handle(store),
        from |store, raw| Rooted::from_handle(store, raw);
    OwnedRooted<ExternRef>, EXTERNREF, Extern, u32,
        check |_value, _store| Ok(()),
        into |value, _store| externref: 0, value.handle(),
        from |store, raw| OwnedRooted::from_handle(store, raw);
}
