//! `clock_*`.

use crate::ctx::WasiCtx;
use crate::errno::Result;
use crate::host::clock as host;
use crate::memory::GuestMemory;
use crate::types::Clock;

/// What a clock of the guest says, in nanoseconds.
pub fn now(ctx: &WasiCtx, clock: Clock) -> u64 {
    match clock {
        Clock::Monotonic => host::time(clock) - ctx.started,
        _ => host::time(clock),
    }
}

pub fn res_get(
    _: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    clock: u32,
    result: u32,
) -> Result<()> {
    memory.write_u64(result, host::resolution(Clock::from_u32(clock)?))
}

/// The precision is a hint; the time is as precise as it can be.
pub fn time_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    clock: u32,
    _precision: u64,
    result: u32,
) -> Result<()> {
    memory.write_u64(result, now(ctx, Clock::from_u32(clock)?))
}
