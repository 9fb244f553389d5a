//! Where the files of a cache are, and how many there may be.
//!
//! In: code, or a file. Out: a [`CacheConfig`]. What is missing has a default; what is not understood is an error that names
//! the file and the key.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use etcetera::BaseStrategy;
use serde::de::{Deserialize, Deserializer, IgnoredAny, Unexpected, Visitor};

/// The settings of a [`Cache`](super::Cache).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheConfig {
    enabled: bool,
    directory: Option<PathBuf>,
    file_count_soft_limit: u64,
    files_total_size_soft_limit: u64,
    file_count_limit_percent_if_deleting: u8,
    files_total_size_limit_percent_if_deleting: u8,
}

impl Default for CacheConfig {
    fn default() -> CacheConfig {
        CacheConfig {
            enabled: true,
            directory: None,
            file_count_soft_limit: 1 << 16,
            files_total_size_soft_limit: 512 << 20,
            file_count_limit_percent_if_deleting: 70,
            files_total_size_limit_percent_if_deleting: 70,
        }
    }
}

impl CacheConfig {
    /// The default settings.
    pub fn new() -> CacheConfig {
        CacheConfig::default()
    }

    /// The settings in a file; with `None`, in `wootz/config.toml` in the user's directory of configurations (on Linux
    /// `$XDG_CONFIG_HOME` or `~/.config`), or the defaults if that file does not exist.
    ///
    /// ```toml
    /// [cache]
    /// enabled = true                          # default: true
    /// directory = "/var/cache/plugins"        # absolute; default: `wootz` in the user's directory of caches
    /// file-count-soft-limit = "65536"         # these are the defaults; K, M, G, T, P are powers of 1000
    /// files-total-size-soft-limit = "512Mi"   # bytes; Ki, Mi, Gi, Ti, Pi are powers of 1024
    /// file-count-limit-percent-if-deleting = "70%"
    /// files-total-size-limit-percent-if-deleting = "70%"
    /// ```
    ///
    /// The other settings of wasmtime's cache are accepted and ignored, since nothing here has to be set:
    /// `worker-event-queue-size`, `baseline-compression-level`, `optimized-compression-level`,
    /// `optimized-compression-usage-counter-threshold`, `cleanup-interval`, `optimizing-compression-task-timeout`,
    /// `allowed-clock-drift-for-files-from-future`.
    ///
    /// # Errors
    /// If the file cannot be read, or has something else in it.
    pub fn from_file(config_file: Option<&Path>) -> Result<CacheConfig> {
        let path = match config_file {
            Some(path) => path.to_path_buf(),
            None => match user_file().filter(|path| path.exists()) {
                Some(path) => path,
                None => return Ok(CacheConfig::default()),
            },
        };
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("cannot read the cache configuration file `{}`", path.display())
        })?;
        let in_file = || format!("in the cache configuration file `{}`", path.display());
        let file: File = toml::from_str(&text).with_context(in_file)?;
        let config = file.cache.settings();
        config.check().with_context(in_file)?;
        Ok(config)
    }

    /// Where the files are. An absolute path; made if it does not exist. The default is `wootz` in the user's directory of
    /// caches (on Linux `$XDG_CACHE_HOME` or `~/.cache`).
    pub fn with_directory(&mut self, directory: impl Into<PathBuf>) -> &mut CacheConfig {
        self.directory = Some(directory.into());
        self
    }

    /// How many files there may be. When there are more, those that were not used for longest are removed. Processes that
    /// share the directory may exceed it by a little, for a while. The default is 65536.
    pub fn with_file_count_soft_limit(&mut self, limit: u64) -> &mut CacheConfig {
        self.file_count_soft_limit = limit;
        self
    }

    /// How many bytes the files may have together. As
    /// [`with_file_count_soft_limit`](Self::with_file_count_soft_limit). The default is 512 MiB.
    pub fn with_files_total_size_soft_limit(&mut self, limit: u64) -> &mut CacheConfig {
        self.files_total_size_soft_limit = limit;
        self
    }

    /// How many files are left when there were too many, in percent of the limit: so that not every new file costs an old
    /// one. The default is 70.
    pub fn with_file_count_limit_percent_if_deleting(&mut self, percent: u8) -> &mut CacheConfig {
        self.file_count_limit_percent_if_deleting = percent;
        self
    }

    /// How many bytes are left when there were too many, in percent of the limit. The default is 70.
    pub fn with_files_total_size_limit_percent_if_deleting(
        &mut self,
        percent: u8,
    ) -> &mut CacheConfig {
        self.files_total_size_limit_percent_if_deleting = percent;
        self
    }

    /// Whether the configuration file leaves the cache on.
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// See [`with_directory`](Self::with_directory); `None` for the default.
    pub fn directory(&self) -> Option<&PathBuf> {
        self.directory.as_ref()
    }

    /// See [`with_file_count_soft_limit`](Self::with_file_count_soft_limit).
    pub fn file_count_soft_limit(&self) -> u64 {
        self.file_count_soft_limit
    }

    /// See [`with_files_total_size_soft_limit`](Self::with_files_total_size_soft_limit).
    pub fn files_total_size_soft_limit(&self) -> u64 {
        self.files_total_size_soft_limit
    }

    /// See [`with_file_count_limit_percent_if_deleting`](Self::with_file_count_limit_percent_if_deleting).
    pub fn file_count_limit_percent_if_deleting(&self) -> u8 {
        self.file_count_limit_percent_if_deleting
    }

    /// See [`with_files_total_size_limit_percent_if_deleting`](Self::with_files_total_size_limit_percent_if_deleting).
    pub fn files_total_size_limit_percent_if_deleting(&self) -> u8 {
        self.files_total_size_limit_percent_if_deleting
    }

    /// The directory, given or default, after all settings were checked.
    pub(super) fn checked_directory(&self) -> Result<PathBuf> {
        self.check()?;
        match &self.directory {
            Some(directory) => Ok(directory.clone()),
            None => Ok(user_directories()
                .context("no cache directory was named (`directory`), and there is no default")?
                .cache_dir()
                .join("wootz")),
        }
    }

    fn check(&self) -> Result<()> {
        if let Some(directory) = self.directory.as_ref().filter(|path| !path.is_absolute()) {
            bail!(
                "the cache's `directory` must be an absolute path, not `{}`",
                directory.display()
            );
        }
        for (key, percent) in [
            ("file-count-limit-percent-if-deleting", self.file_count_limit_percent_if_deleting),
            (
                "files-total-size-limit-percent-if-deleting",
                self.files_total_size_limit_percent_if_deleting,
            ),
        ] {
            if percent > 100 {
                bail!("the cache's `{key}` must be from 0% to 100%, not {percent}%");
            }
        }
        Ok(())
    }
}

/// The user's configuration file, if there were one. Who has no home has none.
fn user_file() -> Option<PathBuf> {
    Some(user_directories().ok()?.config_dir().join("wootz/config.toml"))
}

fn user_directories() -> Result<impl BaseStrategy> {
    etcetera::choose_base_strategy().map_err(|error| anyhow!("this user has no home: {error}"))
}

/// A configuration file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cache: Table,
}

/// Its table `[cache]`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    enabled: Option<bool>,
    directory: Option<PathBuf>,
    file_count_soft_limit: Option<Count>,
    files_total_size_soft_limit: Option<Bytes>,
    file_count_limit_percent_if_deleting: Option<Percent>,
    files_total_size_limit_percent_if_deleting: Option<Percent>,
    // Known elsewhere, and without meaning here.
    #[serde(rename = "worker-event-queue-size")]
    _queue: Option<IgnoredAny>,
    #[serde(rename = "baseline-compression-level")]
    _baseline_compression: Option<IgnoredAny>,
    #[serde(rename = "optimized-compression-level")]
    _optimized_compression: Option<IgnoredAny>,
    #[serde(rename = "optimized-compression-usage-counter-threshold")]
    _optimized_compression_threshold: Option<IgnoredAny>,
    #[serde(rename = "cleanup-interval")]
    _cleanup_interval: Option<IgnoredAny>,
    #[serde(rename = "optimizing-compression-task-timeout")]
    _compression_timeout: Option<IgnoredAny>,
    #[serde(rename = "allowed-clock-drift-for-files-from-future")]
    _clock_drift: Option<IgnoredAny>,
}

impl Table {
    fn settings(self) -> CacheConfig {
        let default = CacheConfig::default();
        CacheConfig {
            enabled: self.enabled.unwrap_or(default.enabled),
            directory: self.directory,
            file_count_soft_limit: self
                .file_count_soft_limit
                .map_or(default.file_count_soft_limit, |count| count.0),
            files_total_size_soft_limit: self
                .files_total_size_soft_limit
                .map_or(default.files_total_size_soft_limit, |bytes| bytes.0),
            file_count_limit_percent_if_deleting: self
                .file_count_limit_percent_if_deleting
                .map_or(default.file_count_limit_percent_if_deleting, |percent| percent.0),
            files_total_size_limit_percent_if_deleting: self
                .files_total_size_limit_percent_if_deleting
                .map_or(default.files_total_size_limit_percent_if_deleting, |percent| percent.0),
        }
    }
}

struct Count(u64);
struct Bytes(u64);
struct Percent(u8);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        let units = |unit: &str| decimal(unit);
        let expected = "a number such as 1000 or \"64K\"";
        deserializer.deserialize_any(Quantity { units, expected }).map(Count)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let units = |unit: &str| match unit.strip_suffix('i') {
            Some("") => None,
            Some(prefix) => Some(1 << (10 * power(prefix)?)),
            None => decimal(unit),
        };
        let expected = "a number of bytes such as 1048576 or \"512Mi\"";
        deserializer.deserialize_any(Quantity { units, expected }).map(Bytes)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Percent, D::Error> {
        let units = |unit: &str| (unit == "%").then_some(1);
        let expected = "a percentage such as \"70%\"";
        // Greater numbers are refused by what checks settings from code.
        let percent = deserializer.deserialize_any(Quantity { units, expected })?;
        Ok(Percent(percent.min(u64::from(u8::MAX)) as u8))
    }
}

/// The factor that a prefix stands for, as a power of 1000 or 1024.
fn power(prefix: &str) -> Option<u32> {
    ["", "K", "M", "G", "T", "P"]
        .iter()
        .position(|known| *known == prefix)
        .map(|power| power as u32)
}

fn decimal(unit: &str) -> Option<u64> {
    Some(1000u64.pow(power(unit)?))
}

/// Reads a number, or a text of a number and a unit.
struct Quantity<F> {
    units: F,
    expected: &'static str,
}

impl<F: Fn(&str) -> Option<u64>> Visitor<'_> for Quantity<F> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<u64, E> {
        let factor = (self.units)("");
        let value = u64::try_from(number).ok().zip(factor);
        value
            .map(|(number, _)| number)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<u64, E> {
        i64::try_from(number)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
            .and_then(|number| self.visit_i64(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
        let trimmed = text.trim();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = trimmed.split_at(digits);
        let value = || {
            let number: u64 = number.parse().ok()?;
            number.checked_mul((self.units)(unit.trim())?)
        };
        value().ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
