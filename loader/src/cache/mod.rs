//! Compiled modules on disk, to be found again by what they were compiled from.
//!
//! In: a key, made of the compiler's fingerprint and the wasm. Out: the path of a file that holds what the compiler made of
//! it, if there is one. Compiling and loading are done elsewhere.
//!
//! Always true: what is found is what was inserted, byte by byte; nothing is ever changed in place, so whoever has a file
//! open or mapped keeps it; and apart from making the directory, nothing that goes wrong here is an error. A cache that
//! does not work costs time, not modules.
//!
//! This is the one room of the library that looks at the user's directories and at the clock: where files are put that
//! nobody named, and which of them were used last.

/// Where the files are, and how many; from code or from a file.
mod config;
/// The files.
mod directory;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

pub use config::CacheConfig;
use directory::Directory;
pub use directory::Entry;

/// Compiled modules on disk. Cloning it is cheap and gives the same cache.
///
/// [`Config::cache`](crate::Config::cache) gives it to engines; several may share one, and so may processes. A module is
/// found again if wasm, compiler and all settings that matter are the same.
///
/// Its files are ordinary artifacts: shared libraries that `wootz run`, `wootz inspect`, debuggers and profilers take as
/// they are. A file that was damaged is compiled again. Loading one runs the code in it, so nobody may be able to write to
/// the directory who may not decide what the program does.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

struct Inner {
    config: CacheConfig,
    path: PathBuf,
    /// `None` if the configuration file switches the cache off.
    directory: Option<Directory>,
    hits: AtomicUsize,
    misses: AtomicUsize,
}

/// What a compiled module is found by.
pub struct Key([u8; 32]);

impl Key {
    /// The key of a module, compiled in this way.
    pub fn new(fingerprint: &[u8; 32], wasm: &[u8]) -> Key {
        // The number is that of the format of the files.
        let sum = Sha256::new().chain_update(b"wootz cache 1\n");
        Key(sum.chain_update(fingerprint).chain_update(wasm).finalize().into())
    }

    /// What stands behind an artifact in its file. A file that was damaged, or renamed, has another.
    fn checksum(&self, artifact: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.0).chain_update(artifact).finalize().into()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Cache {
    /// The cache that a configuration describes. Its directory is made if it is not there.
    ///
    /// # Errors
    /// If the configuration contradicts itself, or the directory cannot be made.
    pub fn new(config: CacheConfig) -> Result<Cache> {
        let mut path = config.checked_directory()?;
        let mut directory = None;
        if config.enabled() {
            std::fs::create_dir_all(&path)
                .and_then(|()| path.canonicalize())
                .map(|found| path = found)
                .with_context(|| format!("cannot make the cache directory `{}`", path.display()))?;
            directory = Some(Directory::new(path.clone(), &config));
        }
        let (hits, misses) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Ok(Cache { inner: Arc::new(Inner { config, path, directory, hits, misses }) })
    }

    /// The cache that a configuration file describes: see [`CacheConfig::from_file`].
    ///
    /// # Errors
    /// Those of [`CacheConfig::from_file`] and [`new`](Self::new).
    pub fn from_file(path: Option<&Path>) -> Result<Cache> {
        Cache::new(CacheConfig::from_file(path)?)
    }

    /// Where its files are.
    pub fn directory(&self) -> &PathBuf {
        &self.inner.path
    }

    /// How many modules were found in it, since it was made.
    pub fn cache_hits(&self) -> usize {
        self.inner.hits.load(Ordering::SeqCst)
    }

    /// How many were not, and had to be compiled.
    pub fn cache_misses(&self) -> usize {
        self.inner.misses.load(Ordering::SeqCst)
    }

    /// See [`CacheConfig::with_file_count_soft_limit`].
    pub fn file_count_soft_limit(&self) -> u64 {
        self.inner.config.file_count_soft_limit()
    }

    /// See [`CacheConfig::with_files_total_size_soft_limit`].
    pub fn files_total_size_soft_limit(&self) -> u64 {
        self.inner.config.files_total_size_soft_limit()
    }

    /// See [`CacheConfig::with_file_count_limit_percent_if_deleting`].
    pub fn file_count_limit_percent_if_deleting(&self) -> u8 {
        self.inner.config.file_count_limit_percent_if_deleting()
    }

    /// See [`CacheConfig::with_files_total_size_limit_percent_if_deleting`].
    pub fn files_total_size_limit_percent_if_deleting(&self) -> u8 {
        self.inner.config.files_total_size_limit_percent_if_deleting()
    }

    /// Finds a compiled module.
    pub(crate) fn find(&self, key: &Key) -> Option<Entry> {
        self.inner.directory.as_ref()?.find(key)
    }

    /// Keeps a compiled module. `None` if that is not possible.
    pub(crate) fn insert(&self, key: &Key, artifact: &[u8]) -> Option<PathBuf> {
        self.inner.directory.as_ref()?.insert(key, artifact)
    }

    /// Counts a module that came from the cache, or did not.
    pub(crate) fn count(&self, hit: bool) {
        if self.inner.directory.is_some() {
            let counter = if hit { &self.inner.hits } else { &self.inner.misses };
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("config", &self.inner.config)
            .field("directory", &self.inner.path)
            .field("hits", &self.cache_hits())
            .field("misses", &self.cache_misses())
            .finish()
    }
}
