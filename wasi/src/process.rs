//! `random_get`, `sched_yield`, `proc_raise`, and the end of the process.

use std::fmt;

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::host::process as host;
use crate::memory::GuestMemory;

pub fn random_get(
    _: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    buffer: u32,
    len: u32,
) -> Result<()> {
    let mut rest = memory.buffer(buffer, len)?;
    // A memory that others use too is filled in pieces.
    while !rest.is_empty() {
        let filled = memory.fill(&rest, |slices| {
            slices.iter_mut().try_fold(0, |filled, slice| {
                host::random(slice)?;
                Ok(filled + slice.len())
            })
        })?;
        rest.advance(filled);
    }
    Ok(())
}

pub fn sched_yield(_: &mut WasiCtx, _: &mut GuestMemory<'_>) -> Result<()> {
    host::yield_now();
    Ok(())
}

/// As in other runtimes: a guest has no signal handlers, and no right to signal its host.
pub fn raise(_: &mut WasiCtx, _: &mut GuestMemory<'_>, _signal: u32) -> Result<()> {
    Err(Errno::Notsup)
}

/// The error that ends a guest when it exits by itself, whatever the status. `Error::downcast_ref` finds it in the errors of
/// calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct I32Exit(pub i32);

impl fmt::Display for I32Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exited with i32 exit status {}", self.0)
    }
}

impl std::error::Error for I32Exit {}

pub fn exit(status: u32) -> I32Exit {
    I32Exit(status as i32)
}
