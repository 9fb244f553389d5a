//! The files of a cache.
//!
//! In: keys and artifacts. Out: files. A file is named by its key, and is
//!
//! ```text
//!   ┌──────────────────────────────┐
//!   │ artifact: a shared library   │
//!   ├──────────────────────────────┤
//!   │ SHA-256 of key and artifact  │  32 bytes, which readers of such files do not look at
//!   └──────────────────────────────┘
//! ```
//!
//! Always true: a file is written under another name and appears whole; several threads and processes may do anything
//! here at once; files with other names than ours are left alone.

use std::env::consts::DLL_SUFFIX;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use wootz_runtime::vm::sys;

use super::Key;
use super::config::CacheConfig;

const CHECKSUM_BYTES: usize = 32;
/// How long no writer takes: temporary files older than this were left behind.
const STALE: Duration = Duration::from_secs(60 * 60);
/// How far the clocks of machines that share a directory may be apart.
const CLOCK_DRIFT: Duration = Duration::from_secs(24 * 60 * 60);
/// Whoever holds its lock is cleaning.
const LOCK: &str = "wootz-cache.lock";

/// The files of a cache.
pub struct Directory {
    path: PathBuf,
    limit: Amount,
    /// What is left after cleaning.
    target: Amount,
    /// How much this process may insert before it looks at the directory again.
    room: Mutex<Amount>,
}

/// So many files, with so many bytes together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Amount {
    files: u64,
    bytes: u64,
}

/// A compiled module that was found.
pub struct Entry {
    /// Its file.
    pub path: PathBuf,
    /// The artifact in the file.
    pub artifact: Vec<u8>,
}

impl Directory {
    pub fn new(path: PathBuf, config: &CacheConfig) -> Directory {
        let percent =
            |limit: u64, percent: u8| (u128::from(limit) * u128::from(percent) / 100) as u64;
        let limit = Amount {
            files: config.file_count_soft_limit(),
            bytes: config.files_total_size_soft_limit(),
        };
        let target = Amount {
            files: percent(limit.files, config.file_count_limit_percent_if_deleting()),
            bytes: percent(limit.bytes, config.files_total_size_limit_percent_if_deleting()),
        };
        // The first insertion looks.
        Directory { path, limit, target, room: Mutex::new(Amount { files: 0, bytes: 0 }) }
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.path.join(format!("{key}{DLL_SUFFIX}"))
    }

    /// What was inserted with this key, if it is there and undamaged. It counts as used now.
    pub fn find(&self, key: &Key) -> Option<Entry> {
        let path = self.file(key);
        // Opening something else than a file might wait for ever.
        if !fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut file = File::open(&path).ok()?;
        let mut artifact = Vec::new();
        file.read_to_end(&mut artifact).ok()?;
        let (contents, checksum) = artifact.split_last_chunk::<CHECKSUM_BYTES>()?;
        if *checksum != key.checksum(contents) {
            return None;
        }
        artifact.truncate(artifact.len() - CHECKSUM_BYTES);
        // Whose files are not ours to change, we cannot help to keep.
        let _ = sys::set_modified(&path, SystemTime::now());
        Some(Entry { path, artifact })
    }

    /// Keeps an artifact, in place of whatever had this key; or what had it, where a file that is loaded cannot be replaced and
    /// this one is undamaged.
    pub fn insert(&self, key: &Key, artifact: &[u8]) -> Option<PathBuf> {
        let path = self.file(key);
        let (temporary, mut file) = self.temporary_file(key).ok()?;
        let written = file
            .write_all(artifact)
            .and_then(|()| file.write_all(&key.checksum(artifact)))
            .and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
            return self.find(key).map(|entry| entry.path);
        }
        self.make_room((artifact.len() + CHECKSUM_BYTES) as u64);
        Some(path)
    }

    /// A new file that nobody else writes to.
    fn temporary_file(&self, key: &Key) -> io::Result<(PathBuf, File)> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{key}.{}-{number}.tmp", std::process::id());
            let path = self.path.join(name);
            match File::create_new(&path) {
                Ok(file) => return Ok((path, file)),
                // Of a process with the same number, on another machine or earlier.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes what was not used for longest, if a file of this size may have been too much.
    ///
    /// What others insert meanwhile is not known. So a process looks again after an eighth of what is allowed, even if there
    /// was room for more: soft limits are exceeded by little.
    fn make_room(&self, inserted: u64) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if room.files >= 1 && room.bytes >= inserted {
            *room = Amount { files: room.files - 1, bytes: room.bytes - inserted };
            return;
        }
        if let Ok(Some(used)) = self.clean(SystemTime::now()) {
            let left = |limit: u64, used: u64| limit.saturating_sub(used).min(limit / 8);
            *room = Amount {
                files: left(self.limit.files, used.files),
                bytes: left(self.limit.bytes, used.bytes),
            };
        }
    }

    /// Looks at all files, and removes those that are too many. What is left is returned, or `None` if somebody else is
    /// cleaning.
    fn clean(&self, now: SystemTime) -> io::Result<Option<Amount>> {
        let lock_path = self.path.join(LOCK);
        // Some systems lock only for those who may read or write anywhere.
        let lock = File::options().create(true).read(true).append(true).open(lock_path)?;
        // Where files cannot be locked, cleaning twice at once does no harm: it removes the same.
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Ok(None);
        }
        let mut entries = Vec::new();
        let mut used = Amount { files: 0, bytes: 0 };
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let Some(kind) = kind_of(&entry.file_name().to_string_lossy()) else { continue };
            // Others remove files too.
            let Ok(metadata) = entry.metadata() else { continue };
            let Ok(modified) = metadata.modified() else { continue };
            match kind {
                Kind::Temporary if now.duration_since(modified).is_ok_and(|age| age > STALE) => {
                    let _ = fs::remove_file(entry.path());
                }
                Kind::Temporary => {}
                Kind::Entry => {
                    used.files += 1;
                    used.bytes += metadata.len();
                    entries.push((modified, metadata.len(), entry.path()));
                }
            }
        }
        if used.files <= self.limit.files && used.bytes <= self.limit.bytes {
            return Ok(Some(used));
        }
        // Some time in the future was set when a clock was wrong, and would never come up.
        entries.sort_by_key(|&(modified, ..)| {
            if modified > now + CLOCK_DRIFT { SystemTime::UNIX_EPOCH } else { modified }
        });
        for (_, bytes, path) in entries {
            if used.files <= self.target.files && used.bytes <= self.target.bytes {
                break;
            }
            if is_gone(&path) {
                used = Amount { files: used.files - 1, bytes: used.bytes - bytes };
            }
        }
        Ok(Some(used))
    }
}

fn is_gone(path: &Path) -> bool {
    match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// What a file in the directory is.
enum Kind {
    Entry,
    Temporary,
}

/// What a file is by its name; `None` if it is none of ours.
fn kind_of(name: &str) -> Option<Kind> {
    let (key, rest) = name.split_at_checked(64)?;
    let is_key = key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match rest {
        DLL_SUFFIX if is_key => Some(Kind::Entry),
        rest if is_key && rest.starts_with('.') && rest.ends_with(".tmp") => Some(Kind::Temporary),
        _ => None,
    }
}
