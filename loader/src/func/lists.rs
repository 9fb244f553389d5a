//! Lists of Rust types that stand for WebAssembly types: a single one, a tuple of up to 17, or an array of any length.

use anyhow::{Result, bail};
use wootz_runtime::abi::vmctx::ValRaw;

use crate::store::StoreCore;
use crate::types::ValType;

use super::wasm_ty::{InMemory, Register, WasmTy};

/// A list of values with a WebAssembly type each.
///
/// # Safety
/// Implemented here only.
pub unsafe trait WasmTyList: Send + Sized {
    /// Room for the values, as trampolines read and write them.
    #[doc(hidden)]
    type Storage: Copy;

    /// How C returns them, if they are results.
    #[doc(hidden)]
    type Register: Register;

    /// How many values there are.
    #[doc(hidden)]
    const COUNT: usize;

    /// The WebAssembly types.
    #[doc(hidden)]
    fn valtypes() -> Vec<ValType>;

    /// Whether all values belong to a store, or to none.
    #[doc(hidden)]
    fn fit(&self, store: &StoreCore) -> bool;

    /// Writes the values, which [fit](Self::fit).
    ///
    /// # Errors
    /// If one may not be used at this moment.
    ///
    /// # Safety
    /// There is room for all of them.
    #[doc(hidden)]
    unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()>;

    /// Reads the values.
    ///
    /// # Safety
    /// They are there, of these types and of this store.
    #[doc(hidden)]
    unsafe fn load(store: &mut StoreCore, values: *const ValRaw) -> Self;
}

/// The parameters of a function: a value, or a tuple or array of values.
///
/// # Safety
/// Implemented here only.
pub unsafe trait WasmParams: WasmTyList {
    /// Checks that such arguments may be passed to a function.
    #[doc(hidden)]
    fn check_params(params: impl ExactSizeIterator<Item = ValType>) -> Result<()>;
}

/// The results of a function: a value, or a tuple or array of values.
///
/// # Safety
/// Implemented here only.
pub unsafe trait WasmResults: WasmParams {
    /// Checks that a function's results may be taken as these.
    #[doc(hidden)]
    fn check_results(results: impl ExactSizeIterator<Item = ValType>) -> Result<()>;
}

// SAFETY: follows from that of the list.
unsafe impl<L: WasmTyList> WasmParams for L {
    fn check_params(params: impl ExactSizeIterator<Item = ValType>) -> Result<()> {
        check(params, L::valtypes(), |found, given| given.ensure_matches(found))
    }
}

// SAFETY: follows from that of the list.
unsafe impl<L: WasmTyList> WasmResults for L {
    fn check_results(results: impl ExactSizeIterator<Item = ValType>) -> Result<()> {
        check(results, L::valtypes(), |found, wanted| found.ensure_matches(wanted))
    }
}

fn check(
    found: impl ExactSizeIterator<Item = ValType>,
    named: Vec<ValType>,
    fits: impl Fn(&ValType, &ValType) -> Result<()>,
) -> Result<()> {
    if found.len() != named.len() {
        bail!("expected {} types, found {}", named.len(), found.len());
    }
    found.zip(&named).try_for_each(|(found, named)| fits(&found, named))
}

// SAFETY: one value, written and read as itself.
unsafe impl<V: WasmTy> WasmTyList for V {
    type Storage = [ValRaw; 1];
    type Register = V::Register;

    const COUNT: usize = 1;

    fn valtypes() -> Vec<ValType> {
        vec![V::valtype()]
    }

    #[inline]
    fn fit(&self, store: &StoreCore) -> bool {
        self.fits(store)
    }

    #[inline]
    unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()> {
        self.check(store)?;
        // SAFETY: the caller says that there is room.
        unsafe { values.write(self.into_raw(store)) };
        Ok(())
    }

    #[inline]
    unsafe fn load(store: &mut StoreCore, values: *const ValRaw) -> V {
        // SAFETY: the caller says that it is there.
        unsafe { V::from_raw(store, &*values) }
    }
}

// SAFETY: as many values as there are elements, in order.
unsafe impl<V: WasmTy, const N: usize> WasmTyList for [V; N] {
    type Storage = [ValRaw; N];
    type Register = InMemory;

    const COUNT: usize = N;

    fn valtypes() -> Vec<ValType> {
        vec![V::valtype(); N]
    }

    #[inline]
    fn fit(&self, store: &StoreCore) -> bool {
        self.iter().all(|value| value.fits(store))
    }

    #[inline]
    unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()> {
        for (position, value) in self.into_iter().enumerate() {
            value.check(store)?;
            // SAFETY: the caller says that there is room for all.
            unsafe { values.add(position).write(value.into_raw(store)) };
        }
        Ok(())
    }

    #[inline]
    unsafe fn load(store: &mut StoreCore, values: *const ValRaw) -> [V; N] {
        // SAFETY: the caller says that all are there.
        std::array::from_fn(|position| unsafe { V::from_raw(store, &*values.add(position)) })
    }
}

macro_rules! tuples {
    (@register) => { () };
    (@register $ty:ident) => { $ty::Register };
    (@register $($ty:ident)*) => { InMemory };
    ($($count:literal: $($ty:ident)*;)*) => {$(
        // SAFETY: as many values as there are types, in order.
        unsafe impl<$($ty: WasmTy),*> WasmTyList for ($($ty,)*) {
            type Storage = [ValRaw; $count];
            type Register = tuples!(@register $($ty)*);

            const COUNT: usize = $count;

            fn valtypes() -> Vec<ValType> {
                vec![$($ty::valtype()),*]
            }

            #[inline]
            #[allow(non_snake_case, unused)]
            fn fit(&self, store: &StoreCore) -> bool {
                let ($($ty,)*) = self;
                true $(&& $ty.fits(store))*
            }

            #[inline]
            #[allow(non_snake_case, unused)]
            unsafe fn store(self, store: &StoreCore, values: *mut ValRaw) -> Result<()> {
                let ($($ty,)*) = self;
                let mut place = values;
                $(
                    $ty.check(store)?;
                    // SAFETY: the caller says that there is room for all.
                    place = unsafe {
                        place.write($ty.into_raw(store));
                        place.add(1)
                    };
                )*
                Ok(())
            }

            #[inline]
            #[allow(non_snake_case, unused, clippy::unused_unit)]
            unsafe fn load(store: &mut StoreCore, values: *const ValRaw) -> ($($ty,)*) {
                let mut place = values;
                $(
                    // SAFETY: the caller says that all are there.
                    let $ty = unsafe {
                        let value = $ty::from_raw(store, &*place);
                        place = place.add(1);
                        value
                    };
                )*
                ($($ty,)*)
            }
        }
    )*};
}

tuples! {
    0: ;
    1: A1;
    2: A1 A2;
    3: A1 A2 A3;
    4: A1 A2 A3 A4;
    5: A1 A2 A3 A4 A5;
    6: A1 A2 A3 A4 A5 A6;
    7: A1 A2 A3 A4 A5 A6 A7;
    8: A1 A2 A3 A4 A5 A6 A7 A8;
    9: A1 A2 A3 A4 A5 A6 A7 A8 A9;
    10: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10;
    11: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11;
    12: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12;
    13: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13;
    14: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14;
    15: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15;
    16: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16;
    17: A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16 A17;
}
