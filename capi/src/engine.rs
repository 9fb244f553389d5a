//! Settings and engines.

use loader::{Config, Engine};

use crate::error::{ErrorHandle, guarded, guarded_or};
use crate::pointer::{Handle, Out, Tag, delete, give, handle, handle_mut, handles};

/// `wootz_config_t`
#[repr(C)]
pub struct ConfigHandle {
    tag: Tag,
    config: Config,
}

/// `wootz_engine_t`
#[repr(C)]
pub struct EngineHandle {
    tag: Tag,
    pub engine: Engine,
    /// Makes it as large as handles have to be.
    _room: u64,
}

impl EngineHandle {
    pub fn new(engine: &Engine) -> EngineHandle {
        EngineHandle { tag: EngineHandle::TAG, engine: engine.clone(), _room: 0 }
    }
}

handles! {
    ConfigHandle: "wootz_config_t", b"wzCONFIG";
    EngineHandle: "wootz_engine_t", b"wzENGINE";
}

#[unsafe(no_mangle)]
extern "C" fn wootz_config_new() -> *mut ConfigHandle {
    guarded_or(std::ptr::null_mut(), || {
        Ok(give(ConfigHandle { tag: ConfigHandle::TAG, config: Config::new() }))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_config_delete(config: *mut ConfigHandle) {
    // SAFETY: as the header asks.
    unsafe { delete(config) }
}

/// Functions that change one setting.
macro_rules! settings {
    ($($function:ident = $method:ident($ty:ty);)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $function(config: *mut ConfigHandle, value: $ty) {
            guarded_or((), || {
                // SAFETY: as the header asks.
                unsafe { handle_mut(config) }?.config.$method(value);
                Ok(())
            });
        }
    )*};
}

settings! {
    wootz_config_consume_fuel = consume_fuel(bool);
    wootz_config_epoch_interruption = epoch_interruption(bool);
    wootz_config_memory_reservation = memory_reservation(u64);
    wootz_config_memory_guard_size = memory_guard_size(u64);
    wootz_config_max_wasm_stack = max_wasm_stack(usize);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_engine_new(
    config: *const ConfigHandle,
    out: *mut *mut EngineHandle,
) -> *mut ErrorHandle {
    guarded(|| {
        // SAFETY: as the header asks.
        let out = unsafe { Out::new(out, std::ptr::null_mut()) }?;
        let engine = match config.is_null() {
            true => Engine::new(&Config::new()),
            // SAFETY: as the header asks.
            false => Engine::new(&unsafe { handle(config) }?.config),
        }?;
        out.set(give(EngineHandle::new(&engine)));
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_engine_delete(engine: *mut EngineHandle) {
    // SAFETY: as the header asks.
    unsafe { delete(engine) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wootz_engine_increment_epoch(engine: *const EngineHandle) {
    guarded_or((), || {
        // SAFETY: as the header asks.
        unsafe { handle(engine) }?.engine.increment_epoch();
        Ok(())
    });
}
