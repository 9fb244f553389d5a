//! `__unwind_info`: where macOS finds the entry of a function in `__eh_frame`.
//!
//! ```text
//!   ┌──────────────────────────────────────┐ 0
//!   │ header                               │ version 1; no common encodings, no personality routines
//!   ├──────────────────────────────────────┤
//!   │ first level: a page, and from which  │ 12 bytes each, by ascending address; the last one ends
//!   │ function on                          │   the code, and has no page
//!   ├──────────────────────────────────────┤
//!   │ second level: pages of functions     │ 8 bytes, and for each function its address and what is said
//!   │                                      │   about it: that its entry is at this offset
//!   └──────────────────────────────────────┘   numbers: u32, addresses from the library's first byte
//! ```
//!
//! The system's unwinder would look into `__eh_frame` without this too, but would read it from its beginning for each function
//! that it has not seen yet.

use object::{Endian, LittleEndian};

use super::unwind::Frames;

/// The size of the header: seven numbers.
const HEADER_BYTES: usize = 28;

/// The size of what the first level says of a page.
const INDEX_ENTRY_BYTES: usize = 12;

/// The size of what a page says about itself, and of what it says of a function.
const PAGE_HEADER_BYTES: usize = 8;
const PAGE_ENTRY_BYTES: usize = 8;

/// As many functions as there are in a page: linkers make pages of 4096 bytes.
const FUNCTIONS_IN_PAGE: usize = (4096 - PAGE_HEADER_BYTES) / PAGE_ENTRY_BYTES;

/// A page that has a number of 32 bits for each function's address and one for the rest.
const REGULAR_PAGE: u32 = 2;

/// The largest offset in `__eh_frame` that can be said.
const LARGEST_OFFSET: u32 = 0x00ff_ffff;

/// Where the code is.
pub struct Code {
    /// Its address.
    pub start: u32,
    /// The address behind it.
    pub end: u32,
}

/// How many bytes the section has for so many functions.
pub fn size(functions: usize) -> usize {
    let pages = functions.div_ceil(FUNCTIONS_IN_PAGE);
    HEADER_BYTES
        + (pages + 1) * INDEX_ENTRY_BYTES
        + pages * PAGE_HEADER_BYTES
        + functions * PAGE_ENTRY_BYTES
}

/// The bytes of the section. `unwound_by_frames` says of a function that it has an entry in `__eh_frame`.
pub fn section(frames: &Frames, code: &Code, unwound_by_frames: u32) -> Vec<u8> {
    let pages = frames.places.chunks(FUNCTIONS_IN_PAGE);
    let first_page = HEADER_BYTES + (pages.len() + 1) * INDEX_ENTRY_BYTES;
    let header = [1, HEADER_BYTES, 0, HEADER_BYTES, 0, HEADER_BYTES, pages.len() + 1];
    let mut numbers: Vec<u32> = header.map(|number| number as u32).into();
    // Where handlers of exceptions would be listed, if there were some: behind the first level.
    let handlers = first_page as u32;
    let mut page_at = first_page;
    for page in pages.clone() {
        numbers.extend([code.start + page[0].code, page_at as u32, handlers]);
        page_at += PAGE_HEADER_BYTES + page.len() * PAGE_ENTRY_BYTES;
    }
    numbers.extend([code.end, 0, handlers]);
    let mut nearest = 0;
    for page in pages {
        // Two numbers of 16 bits: where in the page functions begin, and how many there are.
        numbers.extend([REGULAR_PAGE, PAGE_HEADER_BYTES as u32 | (page.len() as u32) << 16]);
        for place in page {
            // Who looks for an entry that is further away begins at the last one that is not, and reads on.
            if place.entry() <= LARGEST_OFFSET {
                nearest = place.entry();
            }
            numbers.extend([code.start + place.code, unwound_by_frames | nearest]);
        }
    }
    let bytes: Vec<u8> =
        numbers.into_iter().flat_map(|number| LittleEndian.write_u32(number)).collect();
    assert_eq!(bytes.len(), size(frames.places.len()), "the size was known before");
    bytes
}
