//! A place for one thread to sleep at until another one wakes it up.
//!
//! Always true: a thread that is woken up before it sleeps does not fall asleep; waking neither allocates nor locks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::sys;

const EMPTY: u32 = 0;
const WOKEN: u32 = 1;

/// When a thread that sleeps has to wake up at last.
#[derive(Clone, Copy, Debug)]
pub struct End(Instant);

impl End {
    /// So long from now. `None` if that is longer than the clock can tell.
    pub fn after(timeout: Duration) -> Option<End> {
        Instant::now().checked_add(timeout).map(End)
    }

    /// Whether it has come.
    pub fn has_come(self) -> bool {
        self.left().is_zero()
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// A place for one thread to sleep at.
#[derive(Default, Debug)]
pub struct Parker(AtomicU32);

impl Parker {
    /// Sleeps until somebody wakes the thread up, or the time is over; without `end`, for ever. It may also wake up without a
    /// reason.
    ///
    /// What was written before [`unpark`](Self::unpark) is seen afterwards.
    pub fn park(&self, end: Option<End>) {
        let timeout = end.map(End::left);
        if self.0.swap(EMPTY, Ordering::Acquire) == EMPTY {
            sys::sleep_while(&self.0, EMPTY, timeout);
            self.0.swap(EMPTY, Ordering::Acquire);
        }
    }

    /// Wakes the thread up that sleeps here, or lets the next one that wants to go on at once.
    pub fn unpark(&self) {
        if self.0.swap(WOKEN, Ordering::Release) == EMPTY {
            sys::wake_one(&self.0);
        }
    }
}
