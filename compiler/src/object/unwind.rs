//! Unwind information to `.eh_frame`, and a table to search it.
//!
//! In: the rules of each function. Out: the bytes of `.eh_frame`, all but the addresses of functions, and
//! the places where these belong: a shared library fills them in, an object leaves them to the linker.
//!
//! Always true: addresses are distances from the place they are stored at, so that the tables need no relocation when they
//! are loaded.

use cranelift_codegen::gimli::write::{
    Address, CommonInformationEntry, EhFrame, FrameTable, Relocation,
};
use cranelift_codegen::gimli::{
    DW_EH_PE_absptr, DW_EH_PE_datarel, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4, DwEhPe,
    RunTimeEndian,
};
use object::{Endian, Endianness};

use crate::codegen::Unwind;
use crate::error::{Error, Result};
use crate::recorder::Recorder;

/// `.eh_frame`, all but the addresses of functions.
#[derive(Default)]
pub struct Frames {
    /// The section. Not terminated: a linker may append other files' entries.
    pub bytes: Vec<u8>,
    /// One for each function, in ascending order of both numbers.
    pub places: Vec<Place>,
    /// How the addresses are stored there.
    pub pointers: Pointers,
}

/// Where the address of a function belongs.
#[derive(Clone, Copy)]
pub struct Place {
    /// The offset in `.eh_frame` of a field of as many bits as [`Pointers`] says.
    pub field: u32,
    /// The offset of the function in the code.
    pub code: u32,
}

/// How the addresses of functions are stored: as distances from where they are stored, of which linkers want these.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Pointers {
    /// 32 bits with a sign: for ELF.
    #[default]
    Signed32,
    /// As many as addresses have: for Mach-O.
    Absolute64,
}

impl Place {
    /// The offset in `.eh_frame` of the function's entry.
    pub fn entry(self) -> u32 {
        self.field - FIELD_IN_ENTRY
    }
}

/// From the beginning of an entry to its field for the function's address: its length, and its distance to the common
/// entry.
const FIELD_IN_ENTRY: u32 = 8;

/// Which marks the end of a finished `.eh_frame`.
pub const TERMINATOR: [u8; 4] = [0; 4];

/// The entries for functions, given by ascending offset in the code.
///
/// # Errors
/// If all entries together exceed what offsets in the section can express.
pub fn frames(
    cie: Option<CommonInformationEntry>,
    functions: &[(u32, Unwind)],
    endian: Endianness,
    pointers: Pointers,
) -> Result<Frames> {
    if functions.is_empty() {
        return Ok(Frames::default());
    }
    let mut cie =
        cie.expect("an instruction set with unwind information has a common information entry");
    let format = match pointers {
        Pointers::Signed32 => DW_EH_PE_sdata4,
        Pointers::Absolute64 => DW_EH_PE_absptr,
    };
    cie.fde_address_encoding = DwEhPe(DW_EH_PE_pcrel.0 | format.0);
    let mut table = FrameTable::default();
    let cie = table.add_cie(cie);
    for (offset, info) in functions {
        let Unwind::Cfa(info) = info else {
            panic!("only Windows has other unwind information, and no such section");
        };
        table.add_fde(cie, info.entry(Address::Symbol { symbol: 0, addend: i64::from(*offset) }));
    }
    let endian = match endian {
        Endianness::Little => RunTimeEndian::Little,
        Endianness::Big => RunTimeEndian::Big,
    };
    let mut section = EhFrame(Recorder::new(endian));
    table
        .write_eh_frame(&mut section)
        .map_err(|error| Error::Limit { message: format!("unwind information: {error}") })?;
    let Recorder { bytes, relocations } = section.0;
    let bytes = bytes.into_vec();
    if bytes.len() > i32::MAX as usize {
        return Err(Error::Limit { message: "its unwind information exceeds 2 GiB".to_string() });
    }
    let place = |it: &Relocation| Place { field: it.offset as u32, code: it.addend as u32 };
    let places = relocations.iter().map(place).collect();
    Ok(Frames { bytes, places, pointers })
}

impl Frames {
    /// How many bytes the table that [`search_table`](Self::search_table) makes has.
    pub fn search_table_bytes(&self) -> usize {
        12 + 8 * self.places.len()
    }

    /// Fills in the addresses of functions, and ends the section.
    pub fn resolve(&mut self, frames_address: u64, text_address: u64, endian: Endianness) {
        for place in &self.places {
            let field = place.field as usize;
            let distance = (text_address + u64::from(place.code))
                .wrapping_sub(frames_address + u64::from(place.field));
            match self.pointers {
                Pointers::Signed32 => {
                    self.bytes[field..field + 4].copy_from_slice(&endian.write_u32(distance as u32))
                }
                Pointers::Absolute64 => {
                    self.bytes[field..field + 8].copy_from_slice(&endian.write_u64(distance))
                }
            }
        }
        self.bytes.extend(TERMINATOR);
    }

    /// `.eh_frame_hdr`: where to find the entry for an address by binary search.
    ///
    /// ```text
    ///   ┌─────────┬───────────────┬──────────────┬──────────────┬─────────────────────┬───────┐
    ///   │ version │ encoding of:  │              │              │                     │       │
    ///   │   1     │ section u8    │ count u8     │ table u8     │ to .eh_frame  i32   │ count │
    ///   ├─────────┴───────────────┴──────────────┴──────────────┴─────────────────────┴───────┤
    ///   │ (function, entry) for each function, by ascending address: i32, from this section   │
    ///   └─────────────────────────────────────────────────────────────────────────────────────┘
    /// ```
    pub fn search_table(
        &self,
        own_address: u64,
        frames_address: u64,
        text_address: u64,
        endian: Endianness,
    ) -> Vec<u8> {
        let number = |value: u64| endian.write_u32(value as u32);
        let mut table = vec![
            1,
            DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0,
            DW_EH_PE_udata4.0,
            DW_EH_PE_datarel.0 | DW_EH_PE_sdata4.0,
        ];
        table.extend(number(frames_address.wrapping_sub(own_address + 4)));
        table.extend(number(self.places.len() as u64));
        for place in &self.places {
            let entry = frames_address + u64::from(place.entry());
            table.extend(number((text_address + u64::from(place.code)).wrapping_sub(own_address)));
            table.extend(number(entry.wrapping_sub(own_address)));
        }
        table
    }
}
