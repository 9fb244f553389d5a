//! What this process may do.

use rustix::process::{Resource, getrlimit};

/// How many files this process may have open.
pub fn max_open_files() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}
