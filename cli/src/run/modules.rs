//! Files to modules that fit one engine, so that they can be linked with each other.
//!
//! In: files, compiled or not, and what the command line says about settings. Out: a module for each.
//!
//! Always true: files that were compiled before decide what the command line leaves open, and what is compiled now follows.
//! What they and the command line cannot agree on is an error that names the file, the setting and what it is at odds with.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow};
use wootz::{ArtifactError, Cache, CacheConfig, Config, Engine, Module};

use crate::files::{self, Contents};
use crate::text;

/// A module that others may import from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preload {
    /// As what.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
}

/// What modules import WASI from.
const WASI: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

impl Preload {
    /// `NAME=FILE`. The name may be empty; the file begins behind the first `=`.
    ///
    /// # Errors
    /// If it is anything else, or if the name cannot be imported from or means something already.
    pub fn parse(text: OsString) -> Result<Preload, &'static str> {
        let Some((name, file)) = text::split_once(&text, "=").filter(|(_, file)| !file.is_empty())
        else {
            return Err("expected NAME=FILE, where NAME is what other modules import from");
        };
        let name = name
            .into_string()
            .map_err(|_| "NAME is not UTF-8, which all names are that modules import from")?;
        if WASI.contains(&name.as_str()) {
            return Err("NAME is where modules import WASI from, which is there for all of them");
        }
        Ok(Preload { name, file: file.into() })
    }
}

/// The settings of the engine, and who wants them.
pub struct Settings {
    config: Config,
    with_lines: bool,
    /// Settings that must be on, and the beginning of a sentence that says why: "`--fuel` needs".
    wanted: Vec<(&'static str, String)>,
    /// How many bytes of address space files needed so far, by the name of the setting.
    needed_bytes: HashMap<&'static str, u64>,
    cached: bool,
}

/// A setting that compiled code and its engine must agree on.
struct Switch {
    name: &'static str,
    option: &'static str,
    set: fn(&mut Config, bool) -> &mut Config,
}

const FUEL: Switch =
    Switch { name: "consume_fuel", option: "--consume-fuel", set: Config::consume_fuel };
const EPOCHS: Switch = Switch {
    name: "epoch_interruption",
    option: "--epoch-interruption",
    set: Config::epoch_interruption,
};

impl Settings {
    /// Those of a configuration that was made from the command line. What is compiled is looked for in the user's cache, and
    /// kept there, unless it is not `cached`.
    /// Text may be compiled with its lines, for debuggers.
    pub fn new(config: Config, cached: bool, with_lines: bool) -> Settings {
        Settings { config, with_lines, wanted: Vec::new(), needed_bytes: HashMap::new(), cached }
    }

    /// Switches fuel on, for an option of the command line.
    pub fn consume_fuel(&mut self, option: &str) {
        self.want(&FUEL, format!("`{option}` needs"));
    }

    /// Switches epochs on, for an option of the command line.
    pub fn epoch_interruption(&mut self, option: &str) {
        self.want(&EPOCHS, format!("`{option}` needs"));
    }

    fn want(&mut self, switch: &Switch, why: String) {
        (switch.set)(&mut self.config, true);
        self.wanted.push((switch.name, why));
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.wanted.iter().any(|(wanted, _)| *wanted == name)
    }

    /// The modules in files, in order.
    ///
    /// # Errors
    /// If a file cannot be read, compiled or loaded, or they do not fit together.
    pub fn modules(mut self, paths: &[&Path]) -> Result<Vec<Module>> {
        let files: Vec<File<'_>> = paths
            .iter()
            .map(|path| Ok(File { path, contents: files::open(path, self.with_lines)? }))
            .collect::<Result<_>>()?;
        let compiles = files.iter().any(|file| matches!(file.contents, Contents::Module(_)));
        if self.cached && compiles {
            self.config.cache(cache()?);
        }
        // What was compiled before is loaded first, until an engine fits all of it.
        let (engine, loaded) = loop {
            let engine = Engine::new(&self.config)?;
            match load_all(&files, &engine) {
                Ok(loaded) => break (engine, loaded),
                Err((path, error)) => self
                    .adapt(path, error)
                    .with_context(|| format!("cannot load {}", files::name(path)))?,
            }
        };
        let all = files.iter().zip(loaded);
        all.map(|(file, loaded)| loaded.map_or_else(|| file.compile(&engine), Ok)).collect()
    }

    /// Changes what kept a file from being loaded, as far as nobody wants it as it is. No setting is changed twice for the same
    /// reason, so that this comes to an end even if an engine should not take a setting as it is.
    fn adapt(&mut self, path: &Path, error: Error) -> Result<()> {
        let switch = |name: &str| [FUEL, EPOCHS].into_iter().find(|switch| switch.name == name);
        match error.downcast_ref() {
            Some(ArtifactError::Setting { name, artifact: true, engine: false }) => {
                match switch(name) {
                    Some(_) if self.is_wanted(name) => return Err(error),
                    Some(switch) => self.want(&switch, format!("{} needs", files::name(path))),
                    None => {
                        return Err(anyhow!(
                            "it may use the WebAssembly feature `{name}`, which is switched off here: leave it on, or \
                             compile the file with `--wasm-feature=-{name}` too"
                        ));
                    }
                }
            }
            Some(ArtifactError::Setting { name, artifact: false, engine: true }) => {
                let option = match switch(name) {
                    Some(switch) => switch.option,
                    None if name == "relaxed_simd_deterministic" => "--relaxed-simd-deterministic",
                    None => return Err(error),
                };
                let wanted = self.wanted.iter().find(|(wanted, _)| wanted == name);
                let why = wanted.map_or("the command line asks for", |(_, why)| why);
                return Err(anyhow!(
                    "it was compiled without `{option}`, which {why}: compile it again with `wootz compile {option}`"
                ));
            }
            Some(&ArtifactError::AddressSpace { setting, artifact_bytes, engine_bytes })
                if artifact_bytes > engine_bytes =>
            {
                let former = self.needed_bytes.insert(setting, artifact_bytes);
                if former.is_some_and(|former| former >= artifact_bytes) {
                    return Err(error);
                }
                match setting {
                    "memory_reservation" => _ = self.config.memory_reservation(artifact_bytes),
                    "memory_guard_size" => _ = self.config.memory_guard_size(artifact_bytes),
                    _ => return Err(error),
                }
            }
            _ => return Err(error),
        }
        Ok(())
    }
}

/// A file, and what is in it.
struct File<'a> {
    path: &'a Path,
    contents: Contents,
}

impl File<'_> {
    /// Loads what was compiled before.
    fn load(&self, engine: &Engine) -> Result<Option<Module>> {
        match &self.contents {
            Contents::Module(_) => Ok(None),
            Contents::NativeFile => load(engine, self.path).map(Some),
            Contents::Native(bytes) => deserialize(engine, bytes).map(Some),
        }
    }

    /// Compiles what was not.
    fn compile(&self, engine: &Engine) -> Result<Module> {
        let Contents::Module(wasm) = &self.contents else {
            panic!("what was compiled before was loaded")
        };
        Module::from_binary(engine, wasm)
            .with_context(|| format!("cannot compile {}", files::name(self.path)))
    }
}

/// Loads the files that were compiled before, or says which one does not fit.
fn load_all<'a>(
    files: &[File<'a>],
    engine: &Engine,
) -> Result<Vec<Option<Module>>, (&'a Path, Error)> {
    files.iter().map(|file| file.load(engine).map_err(|error| (file.path, error))).collect()
}

/// The user's cache, if there can be one.
fn cache() -> Result<Option<Cache>> {
    let config = CacheConfig::from_file(None)
        .context("cannot use the cache of compiled modules; `--no-cache` does without")?;
    // Without a home, or where nothing can be written, running takes longer, and that is all.
    Ok(Cache::new(config).ok())
}

#[allow(unsafe_code)]
fn load(engine: &Engine, file: &Path) -> Result<Module> {
    // SAFETY: the user asks to run the code in this file.
    unsafe { Module::load(engine, file) }
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, bytes: &[u8]) -> Result<Module> {
    // SAFETY: the user asks to run this code.
    unsafe { Module::deserialize(engine, bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preloads_have_a_name_and_a_file() {
        let preload = |name: &str, file: &str| Ok(Preload { name: name.into(), file: file.into() });
        let parse = |text: &str| Preload::parse(text.into());
        assert_eq!(parse("env=lib.so"), preload("env", "lib.so"));
        assert_eq!(parse("env=a=b.wasm"), preload("env", "a=b.wasm"));
        assert_eq!(parse("=lib.so"), preload("", "lib.so"));
        for wrong in ["", "lib.so", "env=", "wasi_unstable=lib.so"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_files_may_have_other_names_than_utf_8() {
        use std::os::unix::ffi::OsStringExt;

        let parse = |text: &[u8]| Preload::parse(OsString::from_vec(text.to_vec()));
        assert_eq!(parse(b"env=\xff").unwrap().file.into_os_string().into_vec(), b"\xff");
        assert!(parse(b"\xff=lib.so").unwrap_err().contains("UTF-8"));
    }

    /// As if an engine rounded down what it is told.
    #[test]
    fn settings_that_have_no_effect_are_not_tried_for_ever() {
        let mut settings = Settings::new(Config::new(), false, false);
        let mut adapts = |error| settings.adapt(Path::new("f.so"), Error::new(error)).is_ok();
        for setting in ["memory_reservation", "memory_guard_size"] {
            let error = |artifact_bytes| ArtifactError::AddressSpace {
                setting,
                artifact_bytes,
                engine_bytes: 4096,
            };
            assert!(adapts(error(5000)), "{setting}");
            assert!(!adapts(error(5000)), "{setting}");
            assert!(adapts(error(6000)), "{setting}: another file needs more");
        }
        let error = || {
            let name = "consume_fuel".to_string();
            ArtifactError::Setting { name, artifact: true, engine: false }
        };
        assert!(adapts(error()));
        assert!(!adapts(error()));
    }
}
