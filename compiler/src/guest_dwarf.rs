//! The module's own DWARF, as far as its units.
//!
//! In: the DWARF sections of a module, which may contain anything. Out: their units. Versions 2 to 5.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, EndianSlice, LittleEndian,
    Section, Unit, UnitHeader, UnitRef, UnitType, constants,
};

use crate::budget::{Budget, Fault};
use crate::parse::Module;

/// A part of a section.
pub type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// Steps that may be taken for each byte.
const STEPS_PER_BYTE: u64 = 16;

/// How much work reading all of it may make.
pub fn budget(module: &Module<'_>) -> Budget {
    let bytes: usize = module.dwarf.iter().map(|(_, section)| section.len()).sum();
    Budget::new(STEPS_PER_BYTE * bytes as u64)
}

/// The sections.
pub fn sections<'a>(module: &Module<'a>) -> gimli::Dwarf<Reader<'a>> {
    let section = |id: gimli::SectionId| -> Result<Reader<'a>, Infallible> {
        let found = module.dwarf.iter().find(|(name, _)| *name == id.name());
        Ok(EndianSlice::new(found.map_or(&[], |(_, section)| section), LittleEndian))
    };
    let Ok(sections) = gimli::Dwarf::load(section);
    sections
}

/// The beginnings of all units, up to the first malformed header.
pub fn units<'a>(
    sections: &gimli::Dwarf<Reader<'a>>,
    budget: &mut Budget,
) -> Result<Vec<Unit<Reader<'a>>>, Fault> {
    let mut headers = Vec::new();
    let mut rest = sections.units();
    while let Ok(Some(header)) = rest.next() {
        // Units of types have no code, and no names of functions that others refer to.
        if !matches!(header.type_(), UnitType::Type { .. } | UnitType::SplitType { .. }) {
            headers.push(header);
        }
    }
    let abbreviations = abbreviations(sections, &headers);
    let mut units = Vec::new();
    for header in headers {
        let Some(known) = abbreviations.get(&header.debug_abbrev_offset().0) else { continue };
        charge_line_header(sections, &header, known, budget)?;
        if let Ok(unit) = Unit::new_with_abbreviations(sections, header, known.clone()) {
            units.push(unit);
        }
    }
    Ok(units)
}

/// Whether there are more units than could be read, those of types aside.
pub fn lacks_units(sections: &gimli::Dwarf<Reader<'_>>, read: usize) -> bool {
    let mut units = sections.units();
    let mut count = 0;
    loop {
        match units.next() {
            Ok(Some(unit)) => {
                let is_of_type =
                    matches!(unit.type_(), UnitType::Type { .. } | UnitType::SplitType { .. });
                count += usize::from(!is_of_type);
            }
            Ok(None) => return count > read,
            Err(_) => return true,
        }
    }
}

/// The tables of abbreviations. Each is read once, and not beyond the beginning of the next.
fn abbreviations(
    sections: &gimli::Dwarf<Reader<'_>>,
    units: &[UnitHeader<Reader<'_>>],
) -> BTreeMap<usize, Arc<Abbreviations>> {
    let section = sections.debug_abbrev.reader().slice();
    let mut starts: Vec<usize> = units.iter().map(|unit| unit.debug_abbrev_offset().0).collect();
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([section.len()]);
    let tables = starts.iter().zip(ends).filter_map(|(&start, end)| {
        let table = DebugAbbrev::new(section.get(start..end)?, LittleEndian);
        Some((start, Arc::new(table.abbreviations(DebugAbbrevOffset(0)).ok()?)))
    });
    tables.collect()
}

/// Charges for what is read together with the beginning of a unit: the files of its line program.
fn charge_line_header(
    sections: &gimli::Dwarf<Reader<'_>>,
    header: &UnitHeader<Reader<'_>>,
    abbreviations: &Abbreviations,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let Ok(mut entries) = header.entries_raw(abbreviations, None) else { return Ok(()) };
    let Ok(Some(abbreviation)) = entries.read_abbreviation() else { return Ok(()) };
    for &attribute in abbreviation.attributes() {
        budget.charge(1)?;
        let Ok(attribute) = entries.read_attribute(attribute) else { return Ok(()) };
        if let AttributeValue::DebugLineRef(offset) = attribute.value() {
            let section = sections.debug_line.reader().slice();
            let program = section.get(offset.0..).unwrap_or_default();
            // The length of a program stands at its beginning; what does not fit 32 bits is more than there is.
            let length = program.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            budget.charge(u64::from(length).min(program.len() as u64))?;
        }
    }
    Ok(())
}

/// Whether a unit is what the library `wat` makes for a module in text format. Its addresses are counted from behind the number
/// of functions, which the code section's contents begin with, and not from there as everybody else's.
pub fn is_of_text(unit: UnitRef<'_, Reader<'_>>) -> bool {
    let producer = || {
        let entry = unit.entry(unit.header.root_offset()).ok()?;
        unit.attr_string(entry.attr_value(constants::DW_AT_producer)?).ok()
    };
    producer().is_some_and(|producer| producer.slice().starts_with(b"wast "))
}

/// How far addresses in a unit of a module with so many functions are from what they should be.
pub fn skew(unit: UnitRef<'_, Reader<'_>>, functions: usize) -> u64 {
    if !is_of_text(unit) {
        return 0;
    }
    // The number of functions has seven bits in each byte.
    let bits = usize::BITS - functions.leading_zeros();
    u64::from(bits.div_ceil(7).max(1))
}
