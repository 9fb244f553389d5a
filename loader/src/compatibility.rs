//! What two engines must have in common for one to load what the other has compiled.
//!
//! In: an engine. Out: a value to be hashed. Always true: equal hashes mean that artifacts can be exchanged. Different ones
//! mean only that this was not certain: an artifact's own record, which is checked when it is loaded, has the last word.

use std::hash::{Hash, Hasher};

use wootz_runtime::abi::ABI_VERSION;
use wootz_runtime::abi::compat::FEATURES;

use crate::artifact::processor_features;
use crate::engine::Engine;

impl Engine {
    /// Something to hash: where hashes are equal, each engine can load what the other has compiled, also in another
    /// process or on another machine.
    ///
    /// ```
    /// # use std::hash::{DefaultHasher, Hash, Hasher};
    /// # use wootz::{Config, Engine};
    /// let hash = |engine: &Engine| {
    ///     let mut hasher = DefaultHasher::new();
    ///     engine.precompile_compatibility_hash().hash(&mut hasher);
    ///     hasher.finish()
    /// };
    /// assert_eq!(hash(&Engine::default()), hash(&Engine::new(&Config::new())?));
    /// # Ok::<(), wootz::Error>(())
    /// ```
    pub fn precompile_compatibility_hash(&self) -> impl Hash + '_ {
        Compatible(self)
    }
}

struct Compatible<'a>(&'a Engine);

impl Hash for Compatible<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let config = self.0.config();
        (ABI_VERSION, env!("CARGO_PKG_VERSION")).hash(state);
        match &config.target {
            Some(target) => target.hash(state),
            None => (std::env::consts::ARCH, std::env::consts::OS).hash(state),
        }
        let native = config.target.is_none() && config.target_cpu.is_none();
        match config.target_cpu.as_deref().unwrap_or(if native { "native" } else { "baseline" }) {
            "native" => processor_features().for_each(|name| name.hash(state)),
            name => name.hash(state),
        }
        FEATURES.iter().for_each(|name| config.proposal(name).hash(state));
        (config.consume_fuel, config.epoch_interruption).hash(state);
        (config.memory_reservation, config.memory_guard_size).hash(state);
        // What follows changes the code, not whether it runs; but who asks has perhaps the code in mind.
        format!("{:?} {:?}", config.opt_level, config.regalloc_algorithm).hash(state);
        (&config.skipped_optimisations, &config.cranelift_flags).hash(state);
        (config.nan_canonicalization, config.relaxed_simd_deterministic).hash(state);
        (config.debug_symbols, config.debug_info, config.debugger.is_some()).hash(state);
        (config.native_unwind_info, config.address_map).hash(state);
    }
}
