//! `args_*` and `environ_*`: lists of strings, each with a zero byte behind it.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::memory::GuestMemory;

/// Which list.
type List = fn(&WasiCtx) -> &[Vec<u8>];

pub fn arguments(ctx: &WasiCtx) -> &[Vec<u8>] {
    &ctx.args
}

pub fn variables(ctx: &WasiCtx) -> &[Vec<u8>] {
    &ctx.environ
}

pub fn sizes_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    count: u32,
    bytes: u32,
    list: List,
) -> Result<()> {
    let list = list(ctx);
    let number = |n: usize| u32::try_from(n).map_err(|_| Errno::Inval);
    memory.write_u32(count, number(list.len())?)?;
    memory.write_u32(bytes, number(list.iter().map(|string| string.len() + 1).sum())?)
}

pub fn get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    pointers: u32,
    strings: u32,
    list: List,
) -> Result<()> {
    let mut pointer = pointers;
    let mut at = strings;
    let after = |at: u32, bytes: usize| {
        u32::try_from(bytes).ok().and_then(|n| at.checked_add(n)).ok_or(Errno::Fault)
    };
    for string in list(ctx) {
        memory.write_u32(pointer, at)?;
        memory.write(at, string)?;
        memory.write(after(at, string.len())?, &[0])?;
        pointer = after(pointer, 4)?;
        at = after(at, string.len() + 1)?;
    }
    Ok(())
}
