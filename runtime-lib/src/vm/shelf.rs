//! Things that have had their use, kept for the next one.
//!
//! In: things, as long as there is room. Out: the same things, each once.
//!
//! Always true: to keep and to take neither locks nor calls the system, unless the process has as many things on its shelves
//! as it may: then one makes room, on the shelf whose turn it is. What is on a shelf goes with it.

use std::any::Any;
use std::collections::VecDeque;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many things a shelf has room for.
const ROOM: usize = 16;

/// How many things there are on all shelves of the process at most.
const MOST: usize = 128;

/// A place for things of one kind.
pub struct Shelf<T: Send + 'static>(Box<Cells<T>>);

/// Where the things are. It never moves.
struct Cells<T: Send + 'static> {
    cells: [AtomicPtr<T>; ROOM],
    /// Whether it is among [`SHELVES`].
    is_listed: AtomicBool,
}

/// How many things there are on all shelves.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// Shelves that may have something on them, in the order in which they make room.
static SHELVES: Mutex<VecDeque<Listed>> = Mutex::new(VecDeque::new());

fn shelves() -> MutexGuard<'static, VecDeque<Listed>> {
    SHELVES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cells of a shelf of whatever kind. They leave the list before they are gone.
struct Listed(NonNull<dyn Clear + Sync>);

// SAFETY: shelves may be used on any thread.
unsafe impl Send for Listed {}

trait Clear {
    /// Gives away one of the things, if there is any.
    fn give(&self) -> Option<Box<dyn Any + Send>>;
}

impl<T: Send + 'static> Default for Shelf<T> {
    /// An empty one.
    fn default() -> Shelf<T> {
        Shelf(Box::new(Cells {
            cells: [const { AtomicPtr::new(ptr::null_mut()) }; ROOM],
            is_listed: AtomicBool::new(false),
        }))
    }
}

impl<T: Send + 'static> Shelf<T> {
    /// Takes a thing that is kept here.
    pub fn take(&self) -> Option<Box<T>> {
        self.0.take()
    }

    /// Keeps a thing, if there is room; otherwise it is dropped.
    pub fn keep(&self, thing: Box<T>) {
        self.0.keep(thing);
    }
}

impl<T: Send + 'static> Cells<T> {
    fn take(&self) -> Option<Box<T>> {
        let full = self.cells.iter().filter(|cell| !cell.load(Ordering::Relaxed).is_null());
        let mut things = full.map(|cell| cell.swap(ptr::null_mut(), Ordering::Acquire));
        let thing = things.find(|thing| !thing.is_null())?;
        KEPT.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: it came from a box, and whoever swaps it out is the only one to have it.
        Some(unsafe { Box::from_raw(thing) })
    }

    fn keep(&self, thing: Box<T>) {
        if KEPT.load(Ordering::Relaxed) >= MOST {
            drop(make_room());
        }
        if !self.is_listed.load(Ordering::Relaxed) && !self.is_listed.swap(true, Ordering::Relaxed)
        {
            shelves().push_back(Listed(NonNull::from(self as &(dyn Clear + Sync))));
        }
        let thing = Box::into_raw(thing);
        let mut empty = self.cells.iter().filter(|cell| cell.load(Ordering::Relaxed).is_null());
        let is_kept = empty.any(|cell| {
            let present = ptr::null_mut();
            cell.compare_exchange(present, thing, Ordering::Release, Ordering::Relaxed).is_ok()
        });
        if is_kept {
            KEPT.fetch_add(1, Ordering::Relaxed);
        } else {
            // SAFETY: it came from a box just now, and nobody else has seen it.
            drop(unsafe { Box::from_raw(thing) });
        }
    }
}

impl<T: Send + 'static> Clear for Cells<T> {
    fn give(&self) -> Option<Box<dyn Any + Send>> {
        Some(self.take()?)
    }
}

impl<T: Send + 'static> Drop for Cells<T> {
    fn drop(&mut self) {
        if *self.is_listed.get_mut() {
            let this = ptr::from_ref(self).cast::<()>();
            shelves().retain(|listed| listed.0.as_ptr().cast::<()>().cast_const() != this);
        }
        while self.take().is_some() {}
    }
}

/// Takes one thing from the shelf whose turn it is.
#[cold]
fn make_room() -> Option<Box<dyn Any + Send>> {
    let mut shelves = shelves();
    for _ in 0..shelves.len() {
        let shelf = shelves.pop_front()?;
        // SAFETY: what is in the list exists, as long as the list is locked.
        let given = unsafe { shelf.0.as_ref() }.give();
        shelves.push_back(shelf);
        if given.is_some() {
            return given;
        }
    }
    None
}

/// Drops everything that is on any shelf, because something has run out. Whether there was anything.
#[cold]
pub fn clear_all() -> bool {
    let mut things = Vec::new();
    while let Some(thing) = make_room() {
        things.push(thing);
    }
    !things.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_kept_is_taken_once_and_goes_with_the_shelf() {
        let count = Arc::new(());
        let shelf = Shelf::default();
        for _ in 0..2 * ROOM {
            shelf.keep(Box::new(count.clone()));
        }
        let kept = Arc::strong_count(&count) - 1;
        assert!(0 < kept && kept <= ROOM);
        drop(shelf.take().unwrap());
        drop(shelf);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn a_full_process_makes_room_for_new_shelves() {
        let shelves: Vec<_> = (0..2 * MOST).map(|_| Shelf::default()).collect();
        for shelf in &shelves {
            shelf.keep(Box::new(7));
            assert_eq!(shelf.take().as_deref(), Some(&7), "there is room for the newest");
            shelf.keep(Box::new(7));
        }
        let kept = shelves.iter().filter(|shelf| shelf.take().is_some()).count();
        assert!(kept <= MOST, "{kept}");
    }

    #[test]
    fn threads_share_a_shelf() {
        let shelf = Shelf::default();
        std::thread::scope(|scope| {
            for number in 0..4usize {
                let shelf = &shelf;
                scope.spawn(move || {
                    for round in 0..10_000 {
                        let thing = shelf.take().unwrap_or_else(|| Box::new([0usize; 2]));
                        assert_eq!(thing[0], thing[1], "nobody else writes to it");
                        shelf.keep(Box::new([number * round; 2]));
                        drop(thing);
                    }
                });
            }
        });
    }
}
