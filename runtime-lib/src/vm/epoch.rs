//! The epoch of an engine, and the threads that sleep until one comes.
//!
//! In: ticks, from any thread. Out: the number that compiled code compares with deadlines; guests that sleep wake up when
//! their deadline comes.
//!
//! Always true: a tick neither allocates nor locks, and looks at sleepers only when there are any. A place to sleep at is
//! never freed before the epoch is, so whoever looks at it needs no lock; it is used again by who comes later.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::parker::{End, Parker};

/// The deadline of places where nobody sleeps.
const NEVER: u64 = u64::MAX;

/// The epoch of an engine.
#[derive(Default, Debug)]
pub struct Epoch {
    now: AtomicU64,
    /// How many threads sleep, or are about to.
    asleep: AtomicUsize,
    /// All places there are, the newest first.
    places: AtomicPtr<Place>,
}

/// A place to sleep at.
#[derive(Debug)]
struct Place {
    /// Whether it is some thread's.
    taken: AtomicBool,
    /// The epoch at which whoever sleeps here must wake up.
    deadline: AtomicU64,
    parker: Arc<Parker>,
    /// The one that was made before; null for the first.
    older: *mut Place,
}

impl Epoch {
    /// The present epoch.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    /// Where compiled code finds the present epoch.
    pub fn as_ptr(&self) -> *const u64 {
        self.now.as_ptr()
    }

    /// Begins the next epoch, and wakes up those whose deadline has come. May be called in signal handlers.
    pub fn increment(&self) {
        // A sleeper counts itself, and then looks at the epoch: it is counted here, or sees this one.
        let now = self.now.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        if self.asleep.load(Ordering::SeqCst) != 0 {
            self.wake(now);
        }
    }

    fn wake(&self, now: u64) {
        for place in self.places() {
            if place.deadline.load(Ordering::SeqCst) <= now {
                place.parker.unpark();
            }
        }
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        let mut next = self.places.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: places are complete before they can be found, and freed only with the epoch.
            let place = unsafe { next.as_ref() }?;
            next = place.older;
            Some(place)
        })
    }

    /// A place to sleep at, for one thread, until it is dropped.
    pub fn sleeper(&self) -> Sleeper<'_> {
        let free = self.places().find(|place| !place.taken.swap(true, Ordering::Acquire));
        Sleeper { epoch: self, place: free.unwrap_or_else(|| self.new_place()) }
    }

    fn new_place(&self) -> &Place {
        let place = Box::into_raw(Box::new(Place {
            taken: AtomicBool::new(true),
            deadline: AtomicU64::new(NEVER),
            parker: Arc::default(),
            older: self.places.load(Ordering::Relaxed),
        }));
        loop {
            // SAFETY: just made, and nobody else can find it before the exchange has succeeded.
            let older = unsafe { (*place).older };
            match self.places.compare_exchange(older, place, Ordering::Release, Ordering::Relaxed) {
                // SAFETY: it lives as long as the epoch.
                Ok(_) => return unsafe { &*place },
                // SAFETY: as above.
                Err(newest) => unsafe { (*place).older = newest },
            }
        }
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        let mut next = *self.places.get_mut();
        while !next.is_null() {
            // SAFETY: it came from a box, and nobody uses the epoch any more.
            next = unsafe { Box::from_raw(next) }.older;
        }
        *self.places.get_mut() = ptr::null_mut();
    }
}

/// A thread's place to sleep at.
#[derive(Debug)]
pub struct Sleeper<'a> {
    epoch: &'a Epoch,
    place: &'a Place,
}

impl Sleeper<'_> {
    /// Where the thread sleeps, for others to wake it up.
    pub fn parker(&self) -> &Arc<Parker> {
        &self.place.parker
    }

    /// Sleeps until somebody wakes the thread up, or the epoch has come, or the time is over. It may also wake up without a
    /// reason.
    pub fn sleep(&self, deadline: u64, end: Option<End>) {
        self.place.deadline.store(deadline, Ordering::SeqCst);
        self.epoch.asleep.fetch_add(1, Ordering::SeqCst);
        if self.epoch.now() < deadline {
            self.place.parker.park(end);
        }
        self.epoch.asleep.fetch_sub(1, Ordering::SeqCst);
        self.place.deadline.store(NEVER, Ordering::SeqCst);
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.place.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn ticks_wake_those_up_whose_deadline_has_come() {
        let epoch = Epoch::default();
        std::thread::scope(|scope| {
            let early = scope.spawn(|| {
                let sleeper = epoch.sleeper();
                while epoch.now() < 2 {
                    sleeper.sleep(2, None);
                }
            });
            let late = scope.spawn(|| {
                let sleeper = epoch.sleeper();
                while epoch.now() < 3 {
                    sleeper.sleep(3, None);
                }
            });
            epoch.increment();
            epoch.increment();
            early.join().unwrap();
            assert!(!late.is_finished());
            epoch.increment();
            late.join().unwrap();
        });
        assert_eq!(epoch.asleep.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn places_are_used_again() {
        let epoch = Epoch::default();
        for _ in 0..10 {
            let (a, b) = (epoch.sleeper(), epoch.sleeper());
            assert!(!ptr::eq(a.place, b.place));
        }
        assert_eq!(epoch.places().count(), 2);
    }

    #[test]
    fn no_tick_is_missed_by_who_falls_asleep() {
        let epoch = Epoch::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let sleeper = epoch.sleeper();
                    for deadline in 1..2000 {
                        while epoch.now() < deadline {
                            let start = Instant::now();
                            sleeper.sleep(deadline, End::after(Duration::from_secs(60)));
                            assert!(start.elapsed() < Duration::from_secs(60), "a tick was lost");
                        }
                    }
                });
            }
            for _ in 0..2000 {
                epoch.increment();
                std::thread::yield_now();
            }
        });
    }

    #[test]
    fn who_was_woken_up_before_does_not_sleep() {
        let epoch = Epoch::default();
        let sleeper = epoch.sleeper();
        sleeper.parker().unpark();
        sleeper.sleep(1, None);
        epoch.increment();
        sleeper.sleep(1, None);
    }
}
