//! A place for one thread to sleep at until another one wakes it up.
//!
//! Always true: a thread that is woken up before it sleeps does not fall asleep; waking neither allocates nor locks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::sys;

const EMPTY: u32 = 0;
const WOKEN: u32 = 1;

/// A place for one thread to sleep at.
#[derive(Default, Debug)]
pub struct Parker(AtomicU32);

impl Parker {
    /// Sleeps until somebody wakes the thread up, or the time is over; without `end`, for ever. It may also wake up without a
    /// reason.
    ///
    /// What was written before [`unpark`](Self::unpark) is seen afterwards.
    pub fn park(&self, end: Option<Instant>) {
        let timeout = end.map(|end| end.saturating_duration_since(Instant::now()));
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
