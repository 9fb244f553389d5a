//! What users' functions are called for while guests run, and what they answer.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use anyhow::Result;

use super::{Payload, StoreContextMut, StoreInner, payload};

/// A change between host and guest: see [`Store::call_hook`](super::Store::call_hook).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallHook {
    /// The host is about to call a guest.
    CallingWasm,
    /// The guest that the host has called is done, or has failed.
    ReturningFromWasm,
    /// The guest is about to call a host function.
    CallingHost,
    /// The host function is done, or has failed.
    ReturningFromHost,
}

impl CallHook {
    /// Whether host code runs from here on.
    pub fn entering_host(&self) -> bool {
        matches!(self, CallHook::ReturningFromWasm | CallHook::CallingHost)
    }

    /// Whether guest code runs from here on.
    pub fn exiting_host(&self) -> bool {
        !self.entering_host()
    }
}

/// What happens to a guest that has reached its epoch deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UpdateDeadline {
    /// It traps with [`Trap::Interrupt`](crate::Trap::Interrupt).
    Interrupt,
    /// It goes on until so many more epochs have begun.
    Continue(u64),
}

type OnCall<T> = Box<dyn FnMut(StoreContextMut<'_, T>, CallHook) -> Result<()> + Send + Sync>;
type OnDeadline<T> = Box<dyn FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline> + Send + Sync>;

/// The functions that a store's user wants to be called.
pub struct Hooks<T: 'static> {
    pub on_call: Option<OnCall<T>>,
    pub on_deadline: Option<OnDeadline<T>>,
}

impl<T: 'static> Default for Hooks<T> {
    fn default() -> Hooks<T> {
        Hooks { on_call: None, on_deadline: None }
    }
}

impl<T: 'static> StoreInner<T> {
    /// Whether the user wants to be told of changes between host and guest.
    #[inline]
    pub(crate) fn has_call_hook(&self) -> bool {
        self.hooks.on_call.is_some()
    }

    /// Tells the user's function, if there is one, that execution changes sides.
    ///
    /// # Errors
    /// The function's.
    #[inline]
    pub(crate) fn note_call(&mut self, change: CallHook) -> Result<()> {
        match self.hooks.on_call {
            None => Ok(()),
            Some(_) => self.call_hook(change),
        }
    }

    #[cold]
    fn call_hook(&mut self, change: CallHook) -> Result<()> {
        // Taken out for the time of the call, because the function gets the whole store. While it runs, it is not called
        // for what it does itself.
        let Some(mut hook) = self.hooks.on_call.take() else { return Ok(()) };
        // Arguments and results are neither rooted nor in a frame of the guest's now.
        let outer = std::mem::replace(&mut self.core.passing_values, true);
        let result = catch_unwind(AssertUnwindSafe(|| hook(StoreContextMut(self), change)));
        self.core.passing_values = outer;
        self.hooks.on_call.get_or_insert(hook);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// What is to happen now that the deadline has come: `true` if there is another, `false` for a trap.
    pub(super) fn deadline_reached(&mut self) -> Result<bool, Payload> {
        let Some(mut hook) = self.hooks.on_deadline.take() else { return Ok(false) };
        let result = catch_unwind(AssertUnwindSafe(|| hook(StoreContextMut(self))));
        self.hooks.on_deadline.get_or_insert(hook);
        match result.unwrap_or_else(|panic| resume_unwind(panic)).map_err(payload)? {
            UpdateDeadline::Interrupt => Ok(false),
            UpdateDeadline::Continue(ticks) => {
                self.core.set_epoch_deadline(ticks);
                Ok(true)
            }
        }
    }
}
