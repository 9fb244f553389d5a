//! What a guest may use: the data of its store.

use wootz_wasi::WasiCtx;

use super::limits::Limits;

/// What a guest may use.
pub struct Host {
    /// The system, by way of WASI.
    pub wasi: WasiCtx,
    /// How much of it.
    pub limits: Limits,
}

impl Host {
    /// Where WASI finds its context.
    pub fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}
