//! The module's own DWARF, looked through before anything is made of it.
//!
//! In: its units. Out: for each unit the entries that have a counterpart in the native code, and which unit describes each
//! function.
//!
//! Always true: a unit with a malformed entry is left out as a whole, and said to be. What a linker has removed, which has
//! an address where no code is, is left out with everything in it.

use std::collections::HashMap;
use std::ops::Range;

use gimli::{AttributeValue, DwAt, DwTag, Unit, UnitOffset, UnitRef, constants};

use super::places::Places;
use crate::budget::{Budget, Fault};
use crate::guest_dwarf::Reader;

/// A unit.
pub struct GuestUnit<'d, 'a> {
    /// How to read it.
    pub unit: UnitRef<'d, Reader<'a>>,
    /// Its entries, parents before children, the unit's own first.
    pub entries: Vec<Entry>,
}

/// An entry.
pub struct Entry {
    /// Where in the unit it is.
    pub offset: UnitOffset,
    /// What it is.
    pub tag: DwTag,
    /// The position among the unit's entries of the one that it is in.
    pub parent: usize,
    /// The function it is in, or is, if there is code for it.
    pub function: Option<usize>,
    /// The code that it describes, as offsets in the text, if it describes any: ascending.
    pub code: Vec<Range<u32>>,
}

/// Everything that was found.
#[derive(Default)]
pub struct Guest<'d, 'a> {
    /// The units that could be read.
    pub units: Vec<GuestUnit<'d, 'a>>,
    /// The unit, by its position, that describes each function.
    pub owners: HashMap<usize, usize>,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

/// Looks through all units.
pub fn read<'d, 'a>(
    sections: &'d gimli::Dwarf<Reader<'a>>,
    units: &'d [Unit<Reader<'a>>],
    places: &Places,
    budget: &mut Budget,
) -> Guest<'d, 'a> {
    let mut guest = Guest::default();
    for unit in units {
        let unit = unit.unit_ref(sections);
        let mut scan = Scan { unit, places, budget, owners: &mut guest.owners };
        let (number, before) = (guest.units.len(), scan.owners.clone());
        match scan.entries(number) {
            Ok(entries) => guest.units.push(GuestUnit { unit, entries }),
            Err(fault) => {
                guest.owners = before;
                let why = match fault {
                    Fault::Malformed => "is malformed",
                    Fault::TooMuch => "takes too long to read",
                };
                let name = unit.name.map_or(String::new(), |name| {
                    format!(" of `{}`", String::from_utf8_lossy(name.slice()))
                });
                guest.warnings.push(format!("the debug information{name} {why}, and is left out"));
            }
        }
    }
    guest
}

/// A unit that is looked through.
struct Scan<'s, 'd, 'a> {
    unit: UnitRef<'d, Reader<'a>>,
    places: &'s Places,
    budget: &'s mut Budget,
    owners: &'s mut HashMap<usize, usize>,
}

/// The attributes that say which code an entry describes.
#[derive(Default)]
struct Covered<'a> {
    low: Option<u64>,
    high: Option<AttributeValue<Reader<'a>>>,
    ranges: Option<AttributeValue<Reader<'a>>>,
}

/// Whether an entry stays.
enum Verdict {
    /// With the code that it describes.
    Stays(Option<usize>, Vec<Range<u32>>),
    /// It goes, and everything in it too.
    Goes,
}

impl<'a> Scan<'_, '_, 'a> {
    fn entries(&mut self, number: usize) -> Result<Vec<Entry>, Fault> {
        let mut raw = self.unit.unit.entries_raw(None)?;
        let mut entries: Vec<Entry> = Vec::new();
        // The entries around the next one: their depth in the tree, and their position if they stay.
        let mut enclosing: Vec<(isize, Option<usize>)> = Vec::new();
        while !raw.is_empty() {
            let (offset, depth) = (raw.next_offset(), raw.next_depth());
            self.budget.charge(1)?;
            let Some(abbreviation) = raw.read_abbreviation()? else { continue };
            while enclosing.pop_if(|(around, _)| *around >= depth).is_some() {}
            let mut covered = Covered::default();
            for &attribute in abbreviation.attributes() {
                self.budget.charge(1)?;
                let attribute = raw.read_attribute(attribute)?;
                self.note(&mut covered, attribute.name(), attribute.value())?;
            }
            let parent = match enclosing.last() {
                Some(&(_, Some(parent))) => parent,
                None if entries.is_empty() => 0,
                _ => {
                    enclosing.push((depth, None));
                    continue;
                }
            };
            let around = entries.get(parent).and_then(|entry| entry.function);
            let tag = abbreviation.tag();
            let stays = match self.verdict(tag, around, &covered)? {
                Verdict::Stays(function, code) => {
                    if tag == constants::DW_TAG_subprogram
                        && let Some(function) = function.filter(|_| !code.is_empty())
                        && *self.owners.entry(function).or_insert(number) != number
                    {
                        // Another unit's function of the same name is there instead.
                        enclosing.push((depth, None));
                        continue;
                    }
                    entries.push(Entry { offset, tag, parent, function, code });
                    Some(entries.len() - 1)
                }
                Verdict::Goes => None,
            };
            enclosing.push((depth, stays));
        }
        Ok(entries)
    }

    fn note(
        &self,
        covered: &mut Covered<'a>,
        name: DwAt,
        value: AttributeValue<Reader<'a>>,
    ) -> Result<(), Fault> {
        match name {
            constants::DW_AT_low_pc
            | constants::DW_AT_call_return_pc
            | constants::DW_AT_call_pc => covered.low = self.unit.attr_address(value)?,
            constants::DW_AT_high_pc => covered.high = Some(value),
            constants::DW_AT_ranges => covered.ranges = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn verdict(
        &mut self,
        tag: DwTag,
        around: Option<usize>,
        covered: &Covered<'a>,
    ) -> Result<Verdict, Fault> {
        let stays = |code| Ok(Verdict::Stays(around, code));
        match tag {
            constants::DW_TAG_subprogram => {
                let Some(low) = covered.low.or(self.first_of_ranges(covered)?) else {
                    // A declaration, or what inlined copies refer to.
                    return Ok(Verdict::Stays(None, Vec::new()));
                };
                let Some(function) = self.places.function_at(low) else { return Ok(Verdict::Goes) };
                // Nothing is at the very beginning of the section's contents but the number of functions.
                let code = self.places.functions[function].code.clone();
                Ok(Verdict::Stays(Some(function), Vec::from_iter([code])))
            }
            constants::DW_TAG_lexical_block
            | constants::DW_TAG_inlined_subroutine
            | constants::DW_TAG_try_block
            | constants::DW_TAG_catch_block
            | constants::DW_TAG_with_stmt => {
                let Some(function) = around else { return stays(Vec::new()) };
                let mut code = Vec::new();
                for addresses in self.addresses(covered)? {
                    let own = &self.places.functions[function];
                    code.extend(own.code_of(&addresses, self.budget)?);
                }
                if code.is_empty() {
                    return Ok(Verdict::Goes);
                }
                code.sort_by_key(|range: &Range<u32>| range.start);
                code.dedup_by(|next, last| {
                    let joins = next.start <= last.end;
                    if joins {
                        last.end = last.end.max(next.end);
                    }
                    joins
                });
                stays(code)
            }
            constants::DW_TAG_call_site | constants::DW_TAG_GNU_call_site => {
                let functions = &self.places.functions;
                let call = around
                    .zip(covered.low)
                    .and_then(|(function, low)| functions[function].return_to(low));
                Ok(match call {
                    Some(call) => Verdict::Stays(around, once(call)),
                    None => Verdict::Goes,
                })
            }
            constants::DW_TAG_label => {
                let functions = &self.places.functions;
                let label = around
                    .zip(covered.low)
                    .and_then(|(function, low)| functions[function].first_at(low));
                Ok(match label {
                    Some(label) => Verdict::Stays(around, once(label)),
                    None => Verdict::Goes,
                })
            }
            // What arguments were when a function was called is said in terms of registers.
            constants::DW_TAG_call_site_parameter | constants::DW_TAG_GNU_call_site_parameter => {
                Ok(Verdict::Goes)
            }
            _ => stays(Vec::new()),
        }
    }

    fn first_of_ranges(&self, covered: &Covered<'a>) -> Result<Option<u64>, Fault> {
        let Some(ranges) = &covered.ranges else { return Ok(None) };
        let Some(mut ranges) = self.unit.attr_ranges(*ranges)? else { return Ok(None) };
        Ok(ranges.next()?.map(|range| range.begin))
    }

    /// The addresses that an entry describes.
    fn addresses(&mut self, covered: &Covered<'a>) -> Result<Vec<Range<u64>>, Fault> {
        if let Some(ranges) = &covered.ranges {
            let Some(mut ranges) = self.unit.attr_ranges(*ranges)? else {
                return Ok(Vec::new());
            };
            let mut all = Vec::new();
            while let Some(range) = ranges.next()? {
                self.budget.charge(1)?;
                all.push(range.begin..range.end);
            }
            return Ok(all);
        }
        let Some((low, high)) = covered.low.zip(covered.high.as_ref()) else {
            return Ok(Vec::new());
        };
        let high = match high.udata_value() {
            Some(size) => Some(low.saturating_add(size)),
            None => self.unit.attr_address(*high)?,
        };
        Ok(high.map(|high| low..high).into_iter().collect())
    }
}

/// A place in the code, as a range without anything in it.
fn once(place: u32) -> Vec<Range<u32>> {
    std::iter::once(place..place).collect()
}
