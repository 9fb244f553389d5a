//! What can be waited for, and what became of it.

/// What it is that one waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Data, or the end.
    Read,
    /// Room for data.
    Write,
}

/// What became of something that was waited for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Readiness {
    /// There is data, or room for data, or the end.
    pub ready: bool,
    /// The other end is gone.
    pub hangup: bool,
    /// How many bytes can be read, if that is what was waited for, and is known.
    pub bytes: u64,
}
