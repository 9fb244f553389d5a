//! Notes that travel in the file: which build it is, and which version of the binary interface it has.
//!
//! ```text
//!   ┌───────────┬───────────┬──────┬──────────────────┬──────────────────┐
//!   │ name size │ desc size │ type │ name, NUL, pad 4 │ descriptor, pad 4│   numbers: u32, in the target's order
//!   └───────────┴───────────┴──────┴──────────────────┴──────────────────┘
//! ```

use object::{Endian, Endianness};
use sha2::{Digest, Sha256};
use wootz_runtime::abi::ABI_VERSION;

/// As many bytes of the hash as make the build identifier. More would do, but this is the length that tools know.
pub const BUILD_ID_BYTES: usize = 20;

/// Where the identifier is inside of the note that [`build_id`] makes.
pub const BUILD_ID_OFFSET: usize = 16;

/// The type of a note of the name `GNU` that holds a build identifier.
const NT_GNU_BUILD_ID: u32 = 3;

/// The type of the one note that the name `Wootz` has so far.
const NT_WOOTZ_ABI_VERSION: u32 = 1;

/// A build identifier that is still zero: it comes from the [`identity`] of the file the note is in.
pub fn build_id(endian: Endianness) -> Vec<u8> {
    note(endian, b"GNU\0", NT_GNU_BUILD_ID, &[0; BUILD_ID_BYTES])
}

/// The version of the binary interface that the code was compiled for.
pub fn abi_version(endian: Endianness) -> Vec<u8> {
    note(endian, b"Wootz\0", NT_WOOTZ_ABI_VERSION, &endian.write_u32(ABI_VERSION))
}

/// What tells a file from all others, or several files that belong together.
pub fn identity(files: &[&[u8]]) -> [u8; BUILD_ID_BYTES] {
    let mut hash = Sha256::new();
    files.iter().for_each(|file| hash.update(file));
    *hash.finalize().first_chunk().expect("SHA-256 has 32 bytes")
}

fn note(endian: Endianness, name: &[u8], kind: u32, descriptor: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    for number in [name.len() as u32, descriptor.len() as u32, kind] {
        note.extend(endian.write_u32(number));
    }
    for part in [name, descriptor] {
        note.extend(part);
        note.resize(note.len().next_multiple_of(4), 0);
    }
    note
}
