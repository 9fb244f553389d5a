//! What this process may do.

/// How many files this process may have open: as many as there is memory for.
pub fn max_open_files() -> usize {
    usize::MAX
}
