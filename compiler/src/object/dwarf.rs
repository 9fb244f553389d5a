//! Sections of DWARF, with the numbers in them that depend on where something is.
//!
//! In: sections as they were made, and in finished files the addresses of everything. Out: the bytes of sections. In objects the
//! linker has the last word on all numbers but those that the format leaves to whoever writes the object.

use object::{Endian, Endianness};

use crate::debug::{Place, Section, Sections, Target};
use crate::error::{Error, Result};

/// Where in memory that is what debug information is about, in a finished file.
#[derive(Clone, Copy)]
pub struct Addresses {
    /// The beginning of the code; 0 if there is none.
    pub code: u64,
    /// The cell for the running instance.
    pub cell: u64,
}

/// The bytes of a section in a finished file.
pub fn resolved(section: &Section, addresses: Addresses, endian: Endianness) -> Vec<u8> {
    let mut bytes = section.bytes.clone();
    for place in &section.places {
        let target = match place.target {
            Target::Code => addresses.code,
            Target::Cell => addresses.cell,
            // Sections that are not loaded begin at 0.
            Target::Section(_) => 0,
        };
        fill(&mut bytes, place, target.wrapping_add_signed(place.addend), endian);
    }
    bytes
}

/// Stores what belongs to a place.
pub fn fill(bytes: &mut [u8], place: &Place, number: u64, endian: Endianness) {
    let room = &mut bytes[place.offset as usize..][..usize::from(place.bytes)];
    match place.bytes {
        8 => room.copy_from_slice(&endian.write_u64(number)),
        4 => room.copy_from_slice(&endian.write_u32(number as u32)),
        other => unreachable!("addresses and offsets do not have {other} bytes"),
    }
}

/// How many bytes all sections have.
///
/// # Errors
/// If there are more than offsets of 31 bits can tell apart.
pub fn size(debug: Option<&Sections>) -> Result<usize> {
    let sections = debug.into_iter().flat_map(|debug| &debug.sections);
    let bytes = sections.map(|section| section.bytes.len()).sum();
    match i32::try_from(bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => {
            Err(Error::Limit { message: "its debug information would exceed 2 GiB".to_string() })
        }
    }
}
