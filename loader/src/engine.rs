//! What all modules and stores of a program share: the settings, and the epoch.
//!
//! In: a [`Config`]. Out: an [`Engine`], after every setting was checked.

use std::sync::{Arc, Weak};

#[cfg(feature = "compiler")]
use anyhow::Context;
use anyhow::Result;
use wootz_runtime::vm::epoch::Epoch;
use wootz_runtime::vm::{debugger, trap};

#[cfg(feature = "compiler")]
use crate::cache::{Cache, Key};
use crate::config::Config;

/// What the settings are, one by one.
mod getters;

/// The settings and state that modules and stores share. Cloning it is cheap and gives the same engine.
///
/// ```
/// # #[cfg(feature = "compiler")] {
/// use wootz::{Config, Engine, Module, Store};
///
/// let engine = Engine::new(Config::new().consume_fuel(true))?;
/// // What a program compiles in one place, it may load in another, without a compiler.
/// let artifact = engine.precompile_module(b"(module (memory (export \"m\") 1))")?;
/// assert!(Engine::detect_precompiled(&artifact).is_some());
/// // SAFETY: nobody has touched what the engine has just compiled.
/// let module = unsafe { Module::deserialize(&engine, artifact)? };
/// assert!(Engine::same(module.engine(), Store::new(&engine, ()).engine()));
/// # }
/// # Ok::<(), wootz::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

struct EngineInner {
    config: Config,
    epoch: Arc<Epoch>,
    /// The compiler's options; none if this engine only loads.
    #[cfg(feature = "compiler")]
    options: Option<wootz_compiler::Options>,
    /// The cache, and what of the key is the same for all modules.
    #[cfg(feature = "compiler")]
    cache: Option<(Cache, [u8; 32])>,
}

/// An engine that may be gone. The default one never was.
#[derive(Clone, Default)]
pub struct EngineWeak {
    inner: Weak<EngineInner>,
}

/// What a precompiled file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Precompiled {
    /// A module, to be loaded with [`Module::deserialize`](crate::Module::deserialize).
    Module,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new(&Config::default()).expect("the default settings agree with each other")
    }
}

impl Engine {
    /// An engine with these settings.
    ///
    /// # Errors
    /// If a setting is unknown, or settings contradict each other.
    pub fn new(config: &Config) -> Result<Engine> {
        config.check()?;
        #[cfg(feature = "compiler")]
        let options = options(config)?;
        #[cfg(feature = "compiler")]
        let cache = match &config.cache {
            Some(cache) => Some((cache.clone(), wootz_compiler::fingerprint(&options)?)),
            None => None,
        };
        trap::install();
        debugger::be_found();
        Ok(Engine {
            inner: Arc::new(EngineInner {
                epoch: Arc::default(),
                #[cfg(feature = "compiler")]
                options: Some(options),
                #[cfg(feature = "compiler")]
                cache,
                config: config.clone(),
            }),
        })
    }

    /// As [`new`](Self::new), for loading what was compiled before: it compiles nothing, as with
    /// [`Config::enable_compiler`]`(false)`, and looks at no setting that only a compiler knows.
    ///
    /// The linker sees that, too: a program all of whose engines are made so has no compiler in it, also if this crate was
    /// built with the feature `compiler` for another program of the same workspace.
    ///
    /// # Errors
    /// If settings contradict each other.
    pub fn new_without_compiler(config: &Config) -> Result<Engine> {
        let mut config = config.clone();
        config.enable_compiler(false).check()?;
        trap::install();
        debugger::be_found();
        Ok(Engine {
            inner: Arc::new(EngineInner {
                epoch: Arc::default(),
                #[cfg(feature = "compiler")]
                options: None,
                #[cfg(feature = "compiler")]
                cache: None,
                config,
            }),
        })
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// A reference that does not keep the engine alive.
    pub fn weak(&self) -> EngineWeak {
        EngineWeak { inner: Arc::downgrade(&self.inner) }
    }

    /// Whether two are the same engine.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// Begins the next epoch. May be called on any thread, and in signal handlers: it neither allocates nor locks.
    ///
    /// Guests that sleep (`memory.atomic.wait32` and its kin) and whose deadline has come are woken up.
    pub fn increment_epoch(&self) {
        self.inner.epoch.increment();
    }

    pub(crate) fn epoch(&self) -> &Arc<Epoch> {
        &self.inner.epoch
    }

    /// What these bytes hold, if they look like the output of [`precompile_module`](Self::precompile_module). Says nothing
    /// about whether they can be loaded here.
    pub fn detect_precompiled(bytes: &[u8]) -> Option<Precompiled> {
        /// Linux, Windows, macOS.
        const LIBRARIES: [&[u8]; 3] = [b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe"];
        let magic = wootz_runtime::abi::artifact::MAGIC;
        let is_ours = LIBRARIES.iter().any(|beginning| bytes.starts_with(beginning))
            && bytes.windows(magic.len()).any(|window| window == magic);
        is_ours.then_some(Precompiled::Module)
    }

    /// As [`detect_precompiled`](Self::detect_precompiled), for a file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn detect_precompiled_file(
        path: impl AsRef<std::path::Path>,
    ) -> Result<Option<Precompiled>> {
        Ok(Engine::detect_precompiled(&std::fs::read(path)?))
    }

    /// Compiles a module (binary format).
    #[cfg(feature = "compiler")]
    pub(crate) fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>> {
        if !self.inner.config.compiler {
            anyhow::bail!(
                "this engine does not compile (`Config::enable_compiler(false)`): load what was compiled before, with \
                 `Module::load` or `Module::deserialize`"
            );
        }
        Ok(wootz_compiler::compile(wasm, self.compiler_options()?)?)
    }

    /// The compiler's options that follow from the settings.
    #[cfg(feature = "compiler")]
    pub(crate) fn compiler_options(&self) -> Result<&wootz_compiler::Options> {
        self.inner.options.as_ref().context(
            "this engine has no compiler (`Engine::new_without_compiler`): load what was compiled before, with \
             `Module::load` or `Module::deserialize`",
        )
    }

    /// The cache, and the key by which it knows a module (binary format).
    #[cfg(feature = "compiler")]
    pub(crate) fn cache(&self, wasm: &[u8]) -> Option<(&Cache, Key)> {
        let (cache, fingerprint) = self.inner.cache.as_ref()?;
        Some((cache, Key::new(fingerprint, wasm)))
    }

    /// Compiles a module (binary or text format) into the bytes of a shared library, to be loaded later, elsewhere, by
    /// [`Module::deserialize`](crate::Module::deserialize) or, from a file, [`Module::load`](crate::Module::load).
    ///
    /// # Errors
    /// If the module is invalid, or exceeds a limit; or if [`Config::enable_compiler`] says not to compile.
    #[cfg(feature = "compiler")]
    pub fn precompile_module(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.compile(&wat::parse_bytes(bytes)?)
    }
}

/// The compiler's options that follow from the settings.
#[cfg(feature = "compiler")]
fn options(config: &Config) -> Result<wootz_compiler::Options> {
    use crate::config::{OptLevel, RegallocAlgorithm};
    use wootz_compiler::{AddressMap, CpuFeature, DebugInfo, Debugger, Options, TargetCpu};
    use wootz_runtime::abi::compat::FEATURES;

    let mut options = Options {
        target: config.target.clone(),
        cpu: match &config.target_cpu {
            Some(name) => name.parse::<TargetCpu>()?,
            // What is compiled to run here may use everything that is here.
            None if config.target.is_none() => TargetCpu::Native,
            None => TargetCpu::Baseline,
        },
        opt_level: match config.opt_level {
            OptLevel::None => wootz_compiler::OptLevel::None,
            OptLevel::Speed => wootz_compiler::OptLevel::Speed,
            OptLevel::SpeedAndSize => wootz_compiler::OptLevel::SpeedAndSize,
        },
        skipped: config
            .skipped_optimisations
            .iter()
            .map(|name| name.parse())
            .collect::<wootz_compiler::Result<_>>()?,
        memory_reservation: config.memory_reservation,
        memory_guard: config.memory_guard_size,
        threads: config.threads(),
        verifier: config.debug_verifier,
        nan_canonicalization: config.nan_canonicalization,
        relaxed_simd_deterministic: config.relaxed_simd_deterministic,
        consume_fuel: config.consume_fuel,
        epoch_interruption: config.epoch_interruption,
        symbols: config.debug_symbols,
        debug_info: config.debug_info.then(|| DebugInfo {
            debugger: match config.debugger {
                Some(crate::config::Debugger::Gdb) => Debugger::Gdb,
                Some(crate::config::Debugger::Lldb) => Debugger::Lldb,
                None => wootz_compiler::debugger(config.target.as_deref()),
            },
            ..DebugInfo::default()
        }),
        unwind_info: config.native_unwind_info,
        address_map: match config.address_map {
            None => AddressMap::Stops,
            Some(true) => AddressMap::All,
            Some(false) => AddressMap::None,
        },
        backtrace_details: config.backtrace_details,
        ..Options::default()
    };
    for &name in FEATURES {
        if let Some(enabled) = config.proposal(name) {
            options.features.set(name, enabled)?;
        }
    }
    if config.regalloc_algorithm == RegallocAlgorithm::SinglePass {
        options.cranelift_flags.push(("regalloc_algorithm".into(), "single_pass".into()));
    }
    let unusual = !config.native_unwind_info
        || config.target.is_some()
        || config.target_cpu.is_some()
        || !config.cranelift_flags.is_empty();
    for (name, value) in &config.cranelift_flags {
        match name.strip_prefix("has_") {
            Some(feature) => {
                let enabled = value.is_empty() || value == "true";
                options.cpu_features.push(CpuFeature { name: feature.to_string(), enabled });
            }
            None => options.cranelift_flags.push((name.clone(), value.clone())),
        }
    }
    // Whether names mean something, and what a system needs, only the code generator knows; it looks at them when it compiles
    // the empty module.
    if unusual {
        wootz_compiler::compile(b"\0asm\x01\0\0\0", &options)?;
    }
    Ok(options)
}

impl EngineWeak {
    /// The engine, if it still exists.
    pub fn upgrade(&self) -> Option<Engine> {
        self.inner.upgrade().map(|inner| Engine { inner })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}
