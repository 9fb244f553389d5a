//! `path_*`. A path is relative to a directory, and none is open: what a guest passes is closed, or no directory.

use crate::ctx::WasiCtx;
use crate::errno::{Errno, Result};

/// Why a file descriptor cannot be used as a directory.
pub fn no_directory(ctx: &mut WasiCtx, fd: u32) -> Result<()> {
    ctx.descriptor(fd)?;
    Err(Errno::Notdir)
}
