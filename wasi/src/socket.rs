//! `sock_*`. No socket is open: what a guest passes is closed, or no socket.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};

/// Why a file descriptor cannot be used as a socket.
pub fn no_socket(ctx: &mut WasiCtx, fd: u32) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Notsock)
}
