//! Which scope each part of the code belongs to.
//!
//! In: ranges of functions, and of what is inlined into them. Out: disjoint ranges, each with its innermost scope.
//!
//! Always true: what is inlined covers only what its caller covers. Where two functions claim the same code, the first
//! one has it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::budget::{Budget, Fault};

/// The number of a scope.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ScopeId(pub u32);

/// A range of offsets in the contents of the code section, and what is true there.
#[derive(Clone, Copy, Debug)]
pub struct Ranged<T> {
    /// Where it begins.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// What is true there.
    pub what: T,
}

/// Code, partly covered by scopes.
#[derive(Default)]
pub struct Canvas {
    /// Where each covered part begins; where it ends, and its innermost scope.
    parts: BTreeMap<u32, (u32, ScopeId)>,
}

impl Canvas {
    /// Covers with a function what is not covered yet. Says whether there was any.
    ///
    /// # Errors
    /// If that takes too long.
    pub fn function(
        &mut self,
        range: Range<u32>,
        scope: ScopeId,
        budget: &mut Budget,
    ) -> Result<(), Fault> {
        let before = self.parts.range(..=range.start).next_back();
        let mut at = before.map_or(range.start, |(_, &(end, _))| end.max(range.start));
        while at < range.end {
            budget.charge(1)?;
            let next = self.parts.range(at..).next().map(|(&start, &(end, _))| (start, end));
            let gap = at..next.map_or(range.end, |(start, _)| start.min(range.end));
            if !gap.is_empty() {
                self.parts.insert(gap.start, (gap.end, scope));
            }
            at = next.map_or(range.end, |(_, end)| end);
        }
        Ok(())
    }

    /// Covers with what is inlined those parts whose innermost scope is its caller.
    ///
    /// # Errors
    /// If that takes too long.
    pub fn inlined(
        &mut self,
        range: Range<u32>,
        scope: ScopeId,
        caller: ScopeId,
        budget: &mut Budget,
    ) -> Result<(), Fault> {
        let first = self.parts.range(..=range.start).next_back().map_or(0, |(&start, _)| start);
        if first >= range.end {
            return Ok(());
        }
        let touched = self.parts.range(first..range.end);
        budget.charge(touched.clone().count() as u64)?;
        let callers: Vec<Range<u32>> = touched
            .filter(|(_, (end, found))| *found == caller && *end > range.start)
            .map(|(&start, &(end, _))| start..end)
            .collect();
        for part in callers {
            let inner = part.start.max(range.start)..part.end.min(range.end);
            if part.start < inner.start {
                self.parts.insert(part.start, (inner.start, caller));
            }
            self.parts.insert(inner.start, (inner.end, scope));
            if inner.end < part.end {
                self.parts.insert(inner.end, (part.end, caller));
            }
        }
        Ok(())
    }

    /// The parts, in order.
    pub fn finish(self) -> Vec<Ranged<ScopeId>> {
        let parts = self.parts.into_iter();
        parts.map(|(start, (end, what))| Ranged { start, end, what }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(canvas: Canvas) -> Vec<(u32, u32, u32)> {
        canvas.finish().into_iter().map(|part| (part.start, part.end, part.what.0)).collect()
    }

    #[test]
    fn the_innermost_scope_covers_its_callers() {
        let mut canvas = Canvas::default();
        let budget = &mut Budget::new(1000);
        canvas.function(10..20, ScopeId(0), budget).unwrap();
        canvas.inlined(12..18, ScopeId(1), ScopeId(0), budget).unwrap();
        canvas.inlined(12..14, ScopeId(2), ScopeId(1), budget).unwrap();
        canvas.inlined(16..18, ScopeId(2), ScopeId(1), budget).unwrap();
        canvas.function(30..40, ScopeId(3), budget).unwrap();
        assert_eq!(
            parts(canvas),
            [(10, 12, 0), (12, 14, 2), (14, 16, 1), (16, 18, 2), (18, 20, 0), (30, 40, 3)]
        );
    }

    #[test]
    fn nothing_is_covered_beyond_its_caller_and_nothing_twice() {
        let mut canvas = Canvas::default();
        let budget = &mut Budget::new(1000);
        canvas.function(10..20, ScopeId(0), budget).unwrap();
        canvas.inlined(5..12, ScopeId(1), ScopeId(0), budget).unwrap();
        canvas.inlined(0..100, ScopeId(2), ScopeId(7), budget).unwrap();
        canvas.function(5..25, ScopeId(3), budget).unwrap();
        canvas.function(8..30, ScopeId(4), budget).unwrap();
        assert_eq!(parts(canvas), [(5, 10, 3), (10, 12, 1), (12, 20, 0), (20, 25, 3), (25, 30, 4)]);
    }

    #[test]
    fn too_much_is_too_much() {
        let mut canvas = Canvas::default();
        let budget = &mut Budget::new(3);
        let results: Vec<_> = (0..4)
            .map(|i| canvas.function(10 * i..10 * i + 5, ScopeId(i), budget).is_ok())
            .collect();
        assert_eq!(results, [true, true, true, false]);
    }
}
