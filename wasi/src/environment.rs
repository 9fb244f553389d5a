//! `args_*` and `environ_*`: lists of strings, each with a zero byte behind it.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};
use crate::memory::GuestMemory;

/// Which list.
type List = fn(&WasiCtx) -> Result<&[Vec<u8>]>;

pub fn arguments(ctx: &WasiCtx) -> Result<&[Vec<u8>]> {
    ctx.args.as_deref().map_err(|&error| error)
}

pub fn variables(ctx: &WasiCtx) -> Result<&[Vec<u8>]> {
    ctx.environ.as_deref().map_err(|&error| error)
}

pub fn sizes_get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    count: u32,
    bytes: u32,
    list: List,
) -> Result<()> {
    let (lines, len) = extent(list(ctx)?)?;
    memory.check(count, 4)?;
    memory.check(bytes, 4)?;
    memory.write_u32(count, lines)?;
    memory.write_u32(bytes, len)
}

pub fn get(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    pointers: u32,
    strings: u32,
    list: List,
) -> Result<()> {
    let list = list(ctx)?;
    let (count, len) = extent(list)?;
    memory.check(pointers, count.checked_mul(4).ok_or(Errno::Fault)?)?;
    memory.check(strings, len)?;
    // Both are in the memory, so no sum below exceeds it; only behind the last string it may be 2^32.
    let (mut pointer, mut at) = (pointers, strings);
    for string in list {
        memory.write_u32(pointer, at)?;
        memory.write(at, &[string.as_slice(), &[0]].concat())?;
        pointer = pointer.wrapping_add(4);
        at = at.wrapping_add(string.len() as u32 + 1);
    }
    Ok(())
}

/// How many strings there are, and how many bytes they take together.
fn extent(list: &[Vec<u8>]) -> Result<(u32, u32)> {
    let number = |n: usize| u32::try_from(n).map_err(|_| Errno::Overflow);
    let bytes = list.iter().map(|string| string.len() + 1).sum();
    Ok((number(list.len())?, number(bytes)?))
}
