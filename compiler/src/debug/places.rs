//! Which native code comes from which part of the module.
//!
//! In: the code of each function, with the wasm offsets that the code generator knows. Out: for each function, regions of code
//! that cover it without gaps, each with the address in the module that debuggers shall be shown there, as the module's own
//! DWARF counts addresses.
//!
//! The code generator moves what has no effect: a multiplication to where its result is needed first, an address out of a
//! loop. Taken at its word, it would show a line before the effects of the line above have happened. So only operators with
//! effects say where execution is, and what lies between two of them keeps its address only if that lies between theirs.
//!
//! Always true: at the beginning of a region, the effects of all operators before its address have happened, as far as control
//! has come that way, and none of those behind.

use std::ops::Range;

use crate::budget::{Budget, Fault};
use crate::link::Code;
use crate::parse::Module;

/// The code of all functions, by their position among those with a body.
pub struct Places {
    /// One for each function.
    pub functions: Vec<FunctionPlaces>,
}

/// The code of a function.
pub struct FunctionPlaces {
    /// Its body, as addresses in the module.
    pub body: Range<u32>,
    /// Its code, as offsets in the text.
    pub code: Range<u32>,
    /// Regions, in the order of the code.
    pub regions: Vec<Region>,
    /// The same by their addresses, and then in the order of the code, as positions in `regions`.
    by_address: Vec<u32>,
    /// The return addresses of calls, as offsets in the text; ascending.
    pub calls: Vec<u32>,
}

/// Code that comes from one place of the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// Where it begins, as an offset in the text.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// The address in the module.
    pub at: u32,
}

impl Places {
    /// Of functions for which what debuggers need to know was collected.
    pub fn new(module: &Module<'_>, code: &Code) -> Places {
        let bodies = module.bodies.iter().zip(&code.symbols).zip(&code.frames);
        let functions = bodies.map(|((body, &(start, bytes)), frame)| {
            let body = body.reader.range();
            let address = |offset: u64| (offset - module.code_start) as u32;
            let body = address(body.start)..address(body.end);
            let code = start..start + bytes;
            let (mut regions, mut calls) = (Vec::new(), Vec::new());
            if let Some(frame) = frame {
                let pieces = frame.pieces.iter().map(|&(from, to, wasm)| Region {
                    start: start + from,
                    end: start + to,
                    at: (wasm - module.code_start as u32).clamp(body.start, body.end),
                });
                let blocks: Vec<u32> = frame.blocks.iter().map(|block| start + block).collect();
                let effects: Vec<u32> =
                    frame.effects.iter().map(|wasm| wasm - module.code_start as u32).collect();
                let traps: Vec<u32> = frame.traps.iter().map(|trap| start + trap).collect();
                let anchors = Anchors { effects: &effects, traps: &traps };
                regions = cover(&body, &code, pieces.collect(), &blocks, anchors);
                calls = frame.calls.iter().map(|call| start + call).collect();
            }
            FunctionPlaces::new(body, code, regions, calls)
        });
        Places { functions: functions.collect() }
    }

    /// The function that has an address, by its position.
    pub fn function_at(&self, address: u64) -> Option<usize> {
        let behind =
            self.functions.partition_point(|function| u64::from(function.body.start) <= address);
        let position = behind.checked_sub(1)?;
        (address < u64::from(self.functions[position].body.end)).then_some(position)
    }
}

impl FunctionPlaces {
    fn new(
        body: Range<u32>,
        code: Range<u32>,
        regions: Vec<Region>,
        calls: Vec<u32>,
    ) -> FunctionPlaces {
        let mut by_address: Vec<u32> = (0..regions.len() as u32).collect();
        by_address.sort_by_key(|&region| regions[region as usize].at);
        FunctionPlaces { body, code, regions, by_address, calls }
    }

    /// The regions from an address on, as positions in the order of addresses.
    fn behind(&self, address: u64) -> usize {
        self.by_address
            .partition_point(|&region| u64::from(self.regions[region as usize].at) < address)
    }

    /// The code that comes from a range of addresses; ascending and disjoint.
    ///
    /// # Errors
    /// If it is too much work to find it.
    pub fn code_of(
        &self,
        addresses: &Range<u64>,
        budget: &mut Budget,
    ) -> Result<Vec<Range<u32>>, Fault> {
        /// How many regions are sorted in the time of a step.
        const REGIONS: u64 = 16;

        let begin = self.behind(addresses.start);
        let end = self.behind(addresses.end).max(begin);
        budget.charge(1 + (end - begin) as u64 / REGIONS)?;
        let mut own = self.by_address[begin..end].to_vec();
        own.sort_unstable();
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for region in own {
            let region = self.regions[region as usize];
            match ranges.last_mut() {
                Some(last) if last.end == region.start => last.end = region.end,
                _ => ranges.push(region.start..region.end),
            }
        }
        Ok(ranges)
    }

    /// The code in which the frame has what it keeps: all but its beginning.
    pub fn with_frame(&self) -> Range<u32> {
        let begin = self.regions.first().map_or(self.code.end, |first| first.end);
        begin.min(self.code.end)..self.code.end
    }

    /// Where the first code from an address on begins, if there is any.
    pub fn first_at(&self, address: u64) -> Option<u32> {
        let first = *self.by_address.get(self.behind(address))?;
        Some(self.regions[first as usize].start)
    }

    /// The return address of the only call that comes from right before an address.
    pub fn return_to(&self, address: u64) -> Option<u32> {
        let before = &self.by_address[..self.behind(address)];
        let at = self.regions[*before.last()? as usize].at;
        let own = before.iter().rev().map(|&region| self.regions[region as usize]);
        let mut calls = own.take_while(|region| region.at == at).flat_map(|region| {
            // A call ends where its return address is.
            let from = self.calls.partition_point(|&call| call <= region.start);
            let to = self.calls.partition_point(|&call| call <= region.end);
            &self.calls[from..to]
        });
        let call = calls.next()?;
        calls.next().is_none().then_some(*call)
    }
}

/// Pieces of code, whose addresses may jump, to regions.
fn cover(
    body: &Range<u32>,
    code: &Range<u32>,
    pieces: Vec<Region>,
    blocks: &[u32],
    anchors: Anchors<'_>,
) -> Vec<Region> {
    let mut regions = vec![Region { start: code.start, end: code.start, at: body.start }];
    let mut add = |piece: Region| {
        let last = regions.last_mut().expect("there is one at least");
        // What comes from nowhere belongs to what is before it.
        last.end = piece.start;
        if last.at == piece.at {
            last.end = piece.end;
        } else {
            regions.push(piece);
        }
    };
    let mut pieces = pieces.as_slice();
    let mut cut: Vec<Region> = Vec::new();
    let ends = blocks.iter().copied().filter(|&block| block > code.start).chain([code.end]);
    for end in ends {
        // The pieces of a block; one that reaches beyond it is cut.
        let mut block = std::mem::take(&mut cut);
        block.retain(|piece| piece.start < piece.end);
        let count = pieces.partition_point(|piece| piece.start < end);
        let (own, rest) = pieces.split_at(count);
        block.extend(own);
        pieces = rest;
        for piece in &mut block {
            if piece.end > end {
                cut.push(Region { start: end, ..*piece });
                piece.end = end;
            }
        }
        // What traps lies behind the function's end: pieces of their own.
        let mut rest = block.as_mut_slice();
        while !rest.is_empty() {
            let apart = (1..rest.len())
                .find(|&next| rest[next].at < rest[next - 1].at && anchors.traps(rest[next]));
            let (own, others) = rest.split_at_mut(apart.unwrap_or(rest.len()));
            straighten(own, anchors);
            rest = others;
        }
        block.into_iter().for_each(&mut add);
    }
    regions.last_mut().expect("there is one at least").end = code.end;
    regions.retain(|region| region.start < region.end);
    regions
}

/// What stays where it is.
#[derive(Clone, Copy)]
struct Anchors<'a> {
    /// The addresses of operators with effects; ascending.
    effects: &'a [u32],
    /// The instructions that may trap, as offsets in the text; ascending.
    traps: &'a [u32],
}

impl Anchors<'_> {
    /// Whether a piece may trap.
    fn traps(self, piece: Region) -> bool {
        let first = self.traps.partition_point(|&trap| trap < piece.start);
        self.traps.get(first).is_some_and(|&trap| trap < piece.end)
    }

    fn hold(self, piece: Region) -> bool {
        self.effects.binary_search(&piece.at).is_ok() || self.traps(piece)
    }
}

/// Gives the pieces of a block addresses that agree with the order of effects.
fn straighten(block: &mut [Region], anchors: Anchors<'_>) {
    // What is behind a later effect in the module was moved, whatever it belongs to.
    let mut earliest = u32::MAX;
    let mut is_effect = vec![false; block.len()];
    for (piece, is_effect) in block.iter().zip(&mut is_effect).rev() {
        if piece.at <= earliest && anchors.hold(*piece) {
            (*is_effect, earliest) = (true, piece.at);
        }
    }
    let mut before = 0;
    for position in 0..block.len() {
        let at = block[position].at;
        if is_effect[position] {
            before = at;
            continue;
        }
        let next = (position + 1..block.len()).find(|&next| is_effect[next]);
        let next = next.map_or(u32::MAX, |next| block[next].at);
        if at < before || at > next {
            block[position].at = if next == u32::MAX { before } else { next };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use super::*;

    fn covered(pieces: &[(u32, u32, u32)], blocks: &[u32], effects: &[u32]) -> Vec<(u32, u32)> {
        covered_with_traps(pieces, blocks, effects, &[])
    }

    fn covered_with_traps(
        pieces: &[(u32, u32, u32)],
        blocks: &[u32],
        effects: &[u32],
        traps: &[u32],
    ) -> Vec<(u32, u32)> {
        let pieces = pieces.iter().map(|&(start, end, at)| Region { start, end, at }).collect();
        let anchors = Anchors { effects, traps };
        let regions = cover(&(10..100), &(0..60), pieces, blocks, anchors);
        let ends = regions.iter().map(|region| region.end);
        let starts = regions.iter().skip(1).map(|region| region.start).chain([60]);
        assert!(ends.eq(starts), "without gaps");
        regions.iter().map(|region| (region.start, region.at)).collect()
    }

    #[test]
    fn code_without_a_place_belongs_to_what_is_before_it() {
        let pieces = [(8, 12, 20), (20, 24, 30)];
        assert_eq!(covered(&pieces, &[0], &[]), [(0, 10), (8, 20), (20, 30)]);
    }

    #[test]
    fn what_moved_behind_an_effect_belongs_to_the_next() {
        // The product at 20 is needed by the store at 40.
        let pieces = [(0, 4, 30), (4, 8, 20), (8, 12, 40)];
        assert_eq!(covered(&pieces, &[0], &[30, 40]), [(0, 30), (4, 40)]);
    }

    #[test]
    fn what_moved_before_an_effect_belongs_to_it() {
        let pieces = [(0, 4, 50), (4, 8, 30), (8, 12, 40)];
        assert_eq!(covered(&pieces, &[0], &[30, 50]), [(0, 30), (8, 40)]);
    }

    #[test]
    fn what_traps_stays_where_it_is() {
        // A trap between two stores, and one behind the end.
        let pieces = [(0, 4, 30), (4, 8, 40), (8, 12, 50), (12, 14, 35)];
        let regions = covered_with_traps(&pieces, &[0], &[30, 50], &[4, 12]);
        assert_eq!(regions, [(0, 30), (4, 40), (8, 50), (12, 35)]);
    }

    #[test]
    fn order_is_free_between_blocks() {
        let pieces = [(0, 4, 50), (4, 8, 30)];
        assert_eq!(covered(&pieces, &[0, 4], &[30, 50]), [(0, 50), (4, 30)]);
        // One piece over the border of two blocks.
        let pieces = [(0, 8, 50), (8, 12, 30)];
        assert_eq!(covered(&pieces, &[0, 4], &[30, 50]), [(0, 50), (4, 30)]);
    }

    /// A function whose optimiser has shuffled the code.
    fn shuffled() -> FunctionPlaces {
        let places = [(0, 4, 10), (4, 8, 30), (8, 12, 20), (12, 16, 30), (16, 20, 31)];
        let regions = places.map(|(start, end, at)| Region { start, end, at }).to_vec();
        FunctionPlaces::new(10..40, 0..20, regions, vec![6, 12, 18])
    }

    #[test]
    fn code_is_found_by_its_address() {
        let (function, budget) = (shuffled(), &mut Budget::new(100));
        let mut code = |addresses| function.code_of(&addresses, budget).unwrap();
        assert_eq!(code(10..40), Vec::from_iter(once(0..20)));
        assert_eq!(code(30..31), [4..8, 12..16]);
        assert_eq!(code(30..40), [4..8, 12..20]);
        assert_eq!(code(11..30), Vec::from_iter(once(8..12)));
        assert!(code(32..40).is_empty() && code(0..10).is_empty());
        // Malformed DWARF has ranges that end before they begin.
        #[expect(clippy::reversed_empty_ranges)]
        let backwards = 40..10;
        assert!(code(backwards).is_empty());
        let first = |address| function.first_at(address);
        assert_eq!([first(0), first(11), first(30), first(32)], [Some(0), Some(8), Some(4), None]);
    }

    #[test]
    fn calls_are_found_if_they_are_the_only_ones_there() {
        let returns = |address| shuffled().return_to(address);
        // There are none at 10, one at 20 and at 31; two places come from 30, of which one calls.
        assert_eq!([returns(10), returns(11), returns(21)], [None, None, Some(12)]);
        assert_eq!([returns(31), returns(40)], [Some(6), Some(18)]);
        let twice = FunctionPlaces { calls: vec![6, 14], ..shuffled() };
        assert_eq!(twice.return_to(31), None);
    }

    #[test]
    fn saying_the_same_again_and_again_ends() {
        let regions = (0..1600).map(|at| Region { start: at, end: at + 1, at: 1600 - at });
        let function = FunctionPlaces::new(0..1601, 0..1600, regions.collect(), Vec::new());
        let budget = &mut Budget::new(1000);
        let times = (0..).take_while(|_| function.code_of(&(0..2000), budget).is_ok()).count();
        assert_eq!(times, 9);
    }
}
