//! Which unit of debug information is about which code: `.debug_aranges`.
//!
//! In: sections of DWARF in which nothing is open. Out: one more. Debuggers make such a table themselves where it is missing, but
//! lldb relies on it in files that have nothing but debug information.
//!
//! ```text
//!   ┌────────┬─────────┬──────┬───────────────┬───────┬─────────────────┬─────────────┬─────┐
//!   │ length │ version │ unit │ address bytes │ zeros │ address, length │ ... │ 0, 0 │ ...   for each unit
//!   └────────┴─────────┴──────┴───────────────┴───────┴─────────────────┴─────────────┴─────┘
//! ```

use gimli::{DwarfSections, EndianSlice, LittleEndian, UnitOffset};

/// The version of the table, which is the same in all versions of DWARF.
const VERSION: u16 = 2;
const ADDRESS_BYTES: u8 = 8;
/// What is in front of the first pair, length included. Pairs begin at multiples of their size.
const HEAD_BYTES: usize = 16;

/// The table for sections that are found by their names, little-endian. Units that cannot be read have no part in it.
pub fn table<'a>(section: impl Fn(&str) -> &'a [u8]) -> Vec<u8> {
    let load = |id: gimli::SectionId| Ok::<_, std::convert::Infallible>(section(id.name()));
    let Ok(sections) = DwarfSections::load(load);
    let dwarf = sections.borrow(|bytes| EndianSlice::new(bytes, LittleEndian));
    let mut table = Vec::new();
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        let Some(start) = UnitOffset(0).to_debug_info_offset(&header) else { continue };
        let ranges = || -> gimli::Result<Vec<(u64, u64)>> {
            let unit = dwarf.unit(header)?;
            let mut ranges = dwarf.unit_ranges(&unit)?;
            let mut found = Vec::new();
            while let Some(range) = ranges.next()? {
                found.push((range.begin, range.end - range.begin));
            }
            Ok(found)
        };
        let ranges = ranges().unwrap_or_default();
        if !ranges.is_empty() {
            write(&mut table, start.0 as u32, &ranges);
        }
    }
    table
}

/// Adds what is said of a unit.
fn write(table: &mut Vec<u8>, unit: u32, ranges: &[(u64, u64)]) {
    let start = table.len();
    let pairs = ranges.len() + 1;
    let bytes = HEAD_BYTES + pairs * 2 * usize::from(ADDRESS_BYTES);
    table.extend((bytes as u32 - 4).to_le_bytes());
    table.extend(VERSION.to_le_bytes());
    table.extend(unit.to_le_bytes());
    table.push(ADDRESS_BYTES);
    table.resize(start + HEAD_BYTES, 0);
    for (address, length) in ranges {
        table.extend(address.to_le_bytes());
        table.extend(length.to_le_bytes());
    }
    table.resize(start + bytes, 0);
}
