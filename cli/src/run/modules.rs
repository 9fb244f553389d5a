//! Files to modules that fit one engine, so that they can be linked with each other.
//!
//! In: files, compiled or not, and what the command line says about settings. Out: a module for each.
//!
//! Always true: files that were compiled before decide what the command line leaves open, and what is compiled now follows.
//! What they and the command line cannot agree on is an error that names the file, the setting and what it is at odds with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow};
use wootz::{ArtifactError, Cache, CacheConfig, Config, Engine, Module};

use crate::files::{self, Contents};

/// A module that others may import from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preload {
    /// As what.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
}

impl Preload {
    /// `NAME=FILE`. The name may be empty; the file begins behind the first `=`.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(text: &str) -> Result<Preload, &'static str> {
        match text.split_once('=') {
            Some((name, file)) if !file.is_empty() => {
                Ok(Preload { name: name.to_string(), file: file.into() })
            }
            _ => Err("expected NAME=FILE, where NAME is what other modules import from"),
        }
    }
}

/// The settings of the engine, and who wants them.
pub struct Settings {
    config: Config,
    /// Settings that must be on, and the beginning of a sentence that says why: "`--fuel` needs".
    wanted: Vec<(&'static str, String)>,
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
    pub fn new(config: Config, cached: bool) -> Settings {
        Settings { config, wanted: Vec::new(), cached }
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

    /// The modules in files, in order.
    ///
    /// # Errors
    /// If a file cannot be read, compiled or loaded, or they do not fit together.
    pub fn modules(mut self, paths: &[&Path]) -> Result<Vec<Module>> {
        let files: Vec<File<'_>> = paths
            .iter()
            .map(|path| Ok(File { path, contents: files::open(path)? }))
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

    /// Changes what kept a file from being loaded, as far as nobody wants it as it is.
    fn adapt(&mut self, path: &Path, error: Error) -> Result<()> {
        let switch = |name: &str| [FUEL, EPOCHS].into_iter().find(|switch| switch.name == name);
        match error.downcast_ref() {
            Some(ArtifactError::Setting { name, artifact: true, engine: false }) => {
                match switch(name) {
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
        assert_eq!(Preload::parse("env=lib.so"), preload("env", "lib.so"));
        assert_eq!(Preload::parse("env=a=b.wasm"), preload("env", "a=b.wasm"));
        assert_eq!(Preload::parse("=lib.so"), preload("", "lib.so"));
        for wrong in ["", "lib.so", "env="] {
            assert!(Preload::parse(wrong).is_err(), "{wrong}");
        }
    }
}
