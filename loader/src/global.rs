//! Globals: read and written from the host.

use anyhow::{Context, Result, bail};
use wootz_runtime::abi::vmctx::{ValRaw, VmGlobal};

use crate::handle::Global;
use crate::store::{AsContext, AsContextMut};
use crate::types::GlobalType;
use crate::value::Val;

impl Global {
    /// A new global.
    ///
    /// # Errors
    /// If the value is not of the type.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, val: Val) -> Result<Global> {
        let core = &mut store.as_context_mut().0.core;
        val.check(core, ty.content()).context(
            "type mismatch: initial value provided does not match the type of this global",
        )?;
        // SAFETY: all bits of a raw value are initialised.
        let bytes = unsafe { val.raw(core).v128 };
        Ok(Global { store: core.id(), index: core.own_global(ty, VmGlobal { bytes }) })
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        let core = &store.as_context().0.core;
        core.id().assert_owns(self.store);
        core.global(self.index).0.clone()
    }

    /// Its value.
    pub fn get(&self, mut store: impl AsContextMut) -> Val {
        let core = &mut store.as_context_mut().0.core;
        core.id().assert_owns(self.store);
        let (ty, global) = core.global(self.index);
        let ty = ty.content().clone();
        // SAFETY: globals live as long as their store, have the size and alignment of values, and hold one of their type.
        unsafe {
            let raw = global.cast::<ValRaw>().read();
            Val::of_raw(core, raw, &ty)
        }
    }

    /// Sets its value.
    ///
    /// # Errors
    /// If it cannot be changed, or the value is not of its type.
    pub fn set(&self, mut store: impl AsContextMut, val: Val) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        core.id().assert_owns(self.store);
        let (ty, global) = core.global(self.index);
        if ty.mutability().is_const() {
            bail!("immutable global cannot be set");
        }
        val.check(core, ty.content())
            .context("type mismatch: attempt to set global to value of wrong type")?;
        // SAFETY: as above; nobody else uses it while the store is mutably borrowed.
        unsafe { global.cast::<ValRaw>().write(val.raw(core)) };
        Ok(())
    }
}
