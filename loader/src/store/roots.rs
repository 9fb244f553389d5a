//! The references by which the host keeps values alive.
//!
//! Scoped roots are a stack: what was rooted since a scope began is gone when it ends. Owned roots stay as long as somebody
//! has a copy of them.
//!
//! Always true: a root that is gone is never taken for another in its place, because generations differ.

use std::sync::Arc;

/// A scoped root: its place, and when it was put there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ScopedRoot {
    index: u32,
    generation: u32,
}

/// An owned root, which its owners share with the store.
pub type OwnedRoot = Arc<OwnedHandle>;

/// What an owned root keeps alive.
#[derive(Debug)]
pub struct OwnedHandle(pub u32);

/// The references by which the host keeps values alive.
#[derive(Default)]
pub struct Roots {
    scoped: Vec<(u32, u32)>,
    generation: u32,
    owned: Vec<OwnedRoot>,
    /// How many owned roots there may be until those without owners are looked for.
    until_trim: usize,
}

impl Roots {
    /// Roots a handle in the innermost scope.
    pub fn push(&mut self, handle: u32) -> ScopedRoot {
        let root = ScopedRoot {
            index: u32::try_from(self.scoped.len()).expect("fewer than 2^32 roots fit memory"),
            generation: self.generation,
        };
        self.scoped.push((handle, self.generation));
        root
    }

    /// The handle of a root. `None` if its scope has ended.
    pub fn get(&self, root: ScopedRoot) -> Option<u32> {
        let &(handle, generation) = self.scoped.get(root.index as usize)?;
        (generation == root.generation).then_some(handle)
    }

    /// Begins a scope.
    #[inline]
    pub fn enter(&self) -> usize {
        self.scoped.len()
    }

    /// Ends the scope that [`enter`](Self::enter) has begun.
    #[inline]
    pub fn exit(&mut self, scope: usize) {
        if self.scoped.len() > scope {
            self.truncate(scope);
        }
    }

    #[cold]
    fn truncate(&mut self, scope: usize) {
        self.scoped.truncate(scope);
        self.generation = self.generation.wrapping_add(1);
    }

    /// Makes room for scoped roots.
    pub fn reserve(&mut self, additional: usize) {
        self.scoped.reserve(additional);
    }

    /// Roots a handle until the last copy of the root is gone.
    pub fn own(&mut self, handle: u32) -> OwnedRoot {
        if self.owned.len() >= self.until_trim {
            self.trim();
            self.until_trim = 2 * self.owned.len() + 16;
        }
        let root = Arc::new(OwnedHandle(handle));
        self.owned.push(root.clone());
        root
    }

    /// Forgets owned roots without owners.
    pub fn trim(&mut self) {
        self.owned.retain(|root| Arc::strong_count(root) > 1);
    }

    /// All handles that are rooted.
    pub fn handles(&self) -> impl Iterator<Item = u32> + '_ {
        let owned = self.owned.iter().map(|root| root.0);
        self.scoped.iter().map(|&(handle, _)| handle).chain(owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_end_with_their_scope_and_are_not_confused_with_later_ones() {
        let mut roots = Roots::default();
        let outer = roots.push(7);
        let scope = roots.enter();
        let inner = roots.push(8);
        assert_eq!((roots.get(outer), roots.get(inner)), (Some(7), Some(8)));
        roots.exit(scope);
        assert_eq!((roots.get(outer), roots.get(inner)), (Some(7), None));
        let other = roots.push(9);
        assert_eq!((roots.get(inner), roots.get(other)), (None, Some(9)));
    }

    #[test]
    fn owned_roots_stay_as_long_as_a_copy_of_them() {
        let mut roots = Roots::default();
        let root = roots.own(3);
        let copy = root.clone();
        drop(root);
        roots.trim();
        assert_eq!(roots.handles().collect::<Vec<_>>(), [3]);
        drop(copy);
        roots.trim();
        assert_eq!(roots.handles().count(), 0);
        for handle in 0..10_000 {
            roots.own(handle);
        }
        assert!(roots.owned.len() < 100, "those without owners are forgotten from time to time");
    }
}
