//! What the user chose.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wootz_compiler::{CpuFeature, DebugInfo, Features, OptLevel, Options, TargetCpu};

use crate::cargo::{self, Cargo};
use crate::product::{self, Module};

/// Compiles one module. What is not said is as Cargo compiles the crate.
///
/// ```no_run
/// fn main() -> wootz_build::Result<()> {
///     wootz_build::Builder::new()
///         .source("guests/rules.wasm")
///         .name("rules")
///         .opt_level(wootz_build::OptLevel::Speed)
///         .consume_fuel(true)
///         .compile()
/// }
/// ```
///
/// Whatever changes what the code expects of its engine is to be the same in the program's `wootz::Config`, where the
/// settings have the same names: [`consume_fuel`](Self::consume_fuel), [`epoch_interruption`](Self::epoch_interruption),
/// [`memory_reservation`](Self::memory_reservation), [`memory_guard_size`](Self::memory_guard_size). If not, the program gets
/// an error that says so when it takes the module into use.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    source: Option<PathBuf>,
    name: Option<String>,
    prefix: Option<String>,
    without_wasi: bool,
    opt_level: Option<OptLevel>,
    target_cpu: Option<String>,
    cpu_features: Vec<CpuFeature>,
    wasm_features: Vec<(String, bool)>,
    consume_fuel: bool,
    epoch_interruption: bool,
    memory_reservation: Option<u64>,
    memory_guard_size: Option<u64>,
    nan_canonicalization: bool,
    relaxed_simd_deterministic: bool,
    backtrace_details: Option<bool>,
    debug_info: Option<bool>,
    cranelift_flags: Vec<(String, String)>,
}

impl Builder {
    /// Nothing is chosen yet.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The module, in text or binary format. The path is relative to the crate, as in `src/plugin.wat`.
    pub fn source(&mut self, path: impl AsRef<Path>) -> &mut Builder {
        self.source = Some(path.as_ref().to_path_buf());
        self
    }

    /// What the module is called in the crate: `wootz::include_module!("my_plugin")` has a type `MyPlugin`. If nothing is said, it
    /// is the name of the source's file, without what follows the last dot, and with `_` for `-`.
    pub fn name(&mut self, name: impl Into<String>) -> &mut Builder {
        self.name = Some(name.into());
        self
    }

    /// What the module's symbols begin with, followed by `_`: a C identifier. If nothing is said, it is made of the crate's name
    /// and version and the module's name, so that no other crate of the program has the same.
    pub fn prefix(&mut self, prefix: impl Into<String>) -> &mut Builder {
        self.prefix = Some(prefix.into());
        self
    }

    /// Whether imported functions of WASI preview 1 are those of the crate `wootz-wasi`: by default they are. Otherwise the
    /// program implements them like any others.
    pub fn wasi(&mut self, wasi: bool) -> &mut Builder {
        self.without_wasi = !wasi;
        self
    }

    /// How much to optimise. If nothing is said, it is as the crate is: not at all for `opt-level = 0`, for speed and size for
    /// `"s"` and `"z"`, otherwise for speed.
    pub fn opt_level(&mut self, level: OptLevel) -> &mut Builder {
        self.opt_level = Some(level);
        self
    }

    /// The CPU to compile for, such as `x86-64-v3`, `haswell`, or `native` for this machine's. If nothing is said, it is the oldest
    /// supported, with what the crate is compiled for (`-C target-feature`, `-C target-cpu`).
    pub fn target_cpu(&mut self, cpu: impl Into<String>) -> &mut Builder {
        self.target_cpu = Some(cpu.into());
        self
    }

    /// Has code use a CPU feature, such as `avx2`, or avoid it.
    pub fn cpu_feature(&mut self, name: impl Into<String>, enabled: bool) -> &mut Builder {
        self.cpu_features.push(CpuFeature { name: name.into(), enabled });
        self
    }

    /// Lets the module use a proposal, such as `wide-arithmetic`, or refuses it.
    pub fn wasm_feature(&mut self, name: impl Into<String>, enabled: bool) -> &mut Builder {
        self.wasm_features.push((name.into(), enabled));
        self
    }

    /// Whether code counts its fuel, and stops when there is none left.
    pub fn consume_fuel(&mut self, enable: bool) -> &mut Builder {
        self.consume_fuel = enable;
        self
    }

    /// Whether code stops at the store's epoch deadline.
    pub fn epoch_interruption(&mut self, enable: bool) -> &mut Builder {
        self.epoch_interruption = enable;
        self
    }

    /// How many bytes of address space each memory has. From 4 GiB on, 32-bit memories need no checks.
    pub fn memory_reservation(&mut self, bytes: u64) -> &mut Builder {
        self.memory_reservation = Some(bytes);
        self
    }

    /// How many bytes behind the address space of each memory always fault.
    pub fn memory_guard_size(&mut self, bytes: u64) -> &mut Builder {
        self.memory_guard_size = Some(bytes);
        self
    }

    /// Whether every NaN that an instruction makes has the same bits.
    pub fn nan_canonicalization(&mut self, enable: bool) -> &mut Builder {
        self.nan_canonicalization = enable;
        self
    }

    /// Whether relaxed SIMD operators give the same results on all machines, at some cost in speed.
    pub fn relaxed_simd_deterministic(&mut self, enable: bool) -> &mut Builder {
        self.relaxed_simd_deterministic = enable;
        self
    }

    /// Whether what the module's DWARF says about source lines is kept for backtraces. If nothing is said, it is if the crate has
    /// debug information.
    pub fn backtrace_details(&mut self, enable: bool) -> &mut Builder {
        self.backtrace_details = Some(enable);
        self
    }

    /// Whether the program gets debug information about the module, for native debuggers to show the source and variables of
    /// the guest like those of the program. If nothing is said, it does if the crate has debug information and is not
    /// optimised (`opt-level = 0`), as in `cargo build`. Elsewhere it would make code slower, which has to keep variables where
    /// debuggers find them; and Microsoft's debuggers do not read it, so that there is none for their targets.
    pub fn debug_info(&mut self, enable: bool) -> &mut Builder {
        self.debug_info = Some(enable);
        self
    }

    /// Sets one of Cranelift's settings.
    pub fn cranelift_flag(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> &mut Builder {
        self.cranelift_flags.push((name.into(), value.into()));
        self
    }

    /// Compiles the module, writes an archive and the bindings to `OUT_DIR`, and tells Cargo to link it.
    ///
    /// # Errors
    /// If this is no build script that Cargo runs; if the source cannot be read or is no valid module; if a setting is unknown,
    /// or there is no code for the target; if the name is no identifier, or that of another module of this build script.
    pub fn compile(&self) -> Result<()> {
        let cargo = Cargo::of_environment()?;
        let module = self.module(&cargo)?;
        cargo::reserve(&module.name)?;
        let product = product::of(&module, &cargo)?;
        product.write(&cargo.out_dir)?;
        cargo::tell(&product.directives);
        Ok(())
    }

    /// The module with everything that follows from what Cargo says.
    fn module(&self, cargo: &Cargo) -> Result<Module> {
        let Some(source) = &self.source else {
            bail!("no source: name the module's file with `Builder::source`");
        };
        let name = match &self.name {
            Some(name) => name.clone(),
            None => product::name_of(source)?,
        };
        let options = self
            .options(cargo)
            .with_context(|| format!("the settings for `{}`", source.display()))?;
        Ok(Module {
            source: source.clone(),
            prefix: self.prefix.clone().unwrap_or_else(|| product::prefix(&cargo.package, &name)),
            name,
            wasi: !self.without_wasi,
            options,
        })
    }

    fn options(&self, cargo: &Cargo) -> Result<Options> {
        let defaults = Options::default();
        let mut features = Features::default();
        for (name, enabled) in &self.wasm_features {
            features.set(name, *enabled)?;
        }
        let mut cpu_features = Vec::new();
        // A CPU that was named says everything.
        if self.target_cpu.is_none() {
            let names = crate::cpu::features(&cargo.architecture, &cargo.features);
            cpu_features.extend(
                names.into_iter().map(|name| CpuFeature { name: name.to_string(), enabled: true }),
            );
        }
        cpu_features.extend(self.cpu_features.iter().cloned());
        Ok(Options {
            target: Some(cargo.target.clone()),
            cpu: self.target_cpu.as_deref().unwrap_or("baseline").parse::<TargetCpu>()?,
            cpu_features,
            opt_level: self.opt_level.unwrap_or(cargo.opt_level),
            features,
            memory_reservation: self.memory_reservation.unwrap_or(defaults.memory_reservation),
            memory_guard: self.memory_guard_size.unwrap_or(defaults.memory_guard),
            threads: cargo.jobs,
            consume_fuel: self.consume_fuel,
            epoch_interruption: self.epoch_interruption,
            nan_canonicalization: self.nan_canonicalization,
            relaxed_simd_deterministic: self.relaxed_simd_deterministic,
            backtrace_details: self.backtrace_details.unwrap_or(cargo.debug),
            debug_info: self.debug_info.unwrap_or(cargo.is_debugged()).then(|| DebugInfo {
                debugger: wootz_compiler::debugger(Some(&cargo.target)),
                ..DebugInfo::default()
            }),
            cranelift_flags: self.cranelift_flags.clone(),
            ..defaults
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// What Cargo says, with some variables of another value.
    fn cargo(changed: &[(&str, &str)]) -> Cargo {
        let usual = [
            ("OUT_DIR", "/out"),
            ("CARGO_MANIFEST_DIR", "/crate"),
            ("CARGO_PKG_NAME", "my-crate"),
            ("CARGO_PKG_VERSION", "1.2.3-rc.1"),
            ("TARGET", "x86_64-unknown-linux-gnu"),
            ("CARGO_CFG_TARGET_ARCH", "x86_64"),
            ("CARGO_CFG_TARGET_FEATURE", "fxsr,sse,sse2,sse3,avx,avx2"),
            ("CARGO_CFG_TARGET_ENV", "gnu"),
            ("OPT_LEVEL", "3"),
            ("DEBUG", "false"),
            ("NUM_JOBS", "4"),
        ];
        Cargo::new(|name| {
            let find = |list: &[(&str, &str)]| {
                list.iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| OsString::from(value))
            };
            find(changed).or_else(|| find(&usual))
        })
        .unwrap()
    }

    fn options(builder: &Builder, changed: &[(&str, &str)]) -> Options {
        builder.options(&cargo(changed)).unwrap()
    }

    fn features(options: &Options) -> Vec<String> {
        let sign = |enabled: bool| if enabled { '+' } else { '-' };
        let features = options.cpu_features.iter();
        features.map(|feature| format!("{}{}", sign(feature.enabled), feature.name)).collect()
    }

    #[test]
    fn what_is_not_chosen_is_as_cargo_has_it() {
        let builder = Builder::new();
        for (level, expected) in [
            ("0", OptLevel::None),
            ("1", OptLevel::Speed),
            ("3", OptLevel::Speed),
            ("s", OptLevel::SpeedAndSize),
            ("z", OptLevel::SpeedAndSize),
        ] {
            assert_eq!(options(&builder, &[("OPT_LEVEL", level)]).opt_level, expected);
        }
        for (debug, expected) in [("true", true), ("1", true), ("false", false), ("0", false)] {
            assert_eq!(options(&builder, &[("DEBUG", debug)]).backtrace_details, expected);
        }
        let debugged = [("DEBUG", "true"), ("OPT_LEVEL", "0")];
        assert!(options(&builder, &debugged).debug_info.is_some());
        for other in [("DEBUG", "0"), ("OPT_LEVEL", "2"), ("CARGO_CFG_TARGET_ENV", "msvc")] {
            let changed = [&[other][..], &debugged].concat();
            assert_eq!(options(&builder, &changed).debug_info, None, "{other:?}");
        }
        let options = options(&builder, &[]);
        assert_eq!(features(&options), ["+sse3", "+avx", "+avx2"]);
        assert_eq!(options.cpu, TargetCpu::Baseline);
        assert_eq!(options.target.as_deref(), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(options.threads, Some(4));
    }

    #[test]
    fn what_is_chosen_is_so() {
        let mut builder = Builder::new();
        builder.target_cpu("haswell").cpu_feature("avx2", false).opt_level(OptLevel::None);
        builder.consume_fuel(true).epoch_interruption(true).memory_reservation(0);
        builder.memory_guard_size(1 << 16).wasm_feature("wide-arithmetic", true);
        builder.nan_canonicalization(true).relaxed_simd_deterministic(true);
        builder.backtrace_details(true).debug_info(true).cranelift_flag("enable_verifier", "true");
        let options = options(&builder, &[]);
        assert_eq!(features(&options), ["-avx2"]);
        assert_eq!(options.cpu, TargetCpu::Named("haswell".to_string()));
        assert_eq!(options.opt_level, OptLevel::None);
        assert!(options.consume_fuel && options.epoch_interruption && options.backtrace_details);
        assert_eq!((options.memory_reservation, options.memory_guard), (0, 1 << 16));
        assert!(options.features.contains("wide-arithmetic"));
        assert!(options.nan_canonicalization && options.relaxed_simd_deterministic);
        assert!(options.debug_info.is_some());
        assert_eq!(options.cranelift_flags.len(), 1);
    }

    #[test]
    fn modules_have_names_and_prefixes_of_their_own() {
        let module = |source: &str, changed: &[(&str, &str)]| {
            Builder::new().source(source).module(&cargo(changed)).unwrap()
        };
        let first = module("src/my-plugin.wat", &[]);
        assert_eq!(first.name, "my_plugin");
        let others = [
            module("src/other.wat", &[]),
            module("src/my-plugin.wat", &[("CARGO_PKG_NAME", "my_crate")]),
            module("src/my-plugin.wat", &[("CARGO_PKG_VERSION", "1.2.3-rc-1")]),
        ];
        let mut prefixes: Vec<&str> = others.iter().map(|module| &*module.prefix).collect();
        prefixes.push(&first.prefix);
        assert!(prefixes.iter().all(|prefix| wootz_compiler::c_names::is_identifier(prefix)));
        assert!(first.prefix.starts_with("my_crate_1_2_3_rc_1_my_plugin_"), "{}", first.prefix);
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), 4);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let error = |builder: &Builder| format!("{:#}", builder.module(&cargo(&[])).unwrap_err());
        assert!(error(&Builder::new()).contains("Builder::source"));
        for source in ["src/1st.wat", "src/fn.wat", "src/a b.wat", ".."] {
            let error = error(Builder::new().source(source));
            assert!(error.contains(source) && error.contains("Builder::name"), "{error}");
        }
        let mut builder = Builder::new();
        let error = error(builder.source("a.wat").wasm_feature("magic", true));
        assert!(error.contains("`a.wat`") && error.contains("`magic`"), "{error}");
    }

    #[test]
    fn libraries_are_named_as_linkers_expect() {
        assert_eq!(cargo(&[]).library_file("a"), "liba.a");
        assert_eq!(cargo(&[("CARGO_CFG_TARGET_ENV", "msvc")]).library_file("a"), "a.lib");
    }
}
