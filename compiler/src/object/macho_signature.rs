//! The signature that says what a file contains, and not who made it: "ad hoc", as linkers sign.
//!
//! ```text
//!   ┌──────────────────────────────────────┐ 0
//!   │ how many parts: one; where it is     │
//!   ├──────────────────────────────────────┤
//!   │ code directory                       │ flags, sizes, offsets
//!   │ the file's name                      │ and NUL
//!   │ SHA-256 of each page of the file     │ up to the signature
//!   └──────────────────────────────────────┘   numbers: big-endian, offsets from the code directory
//! ```
//!
//! Apple's tools may replace it by a signature of somebody's own, and make a new one of the same kind when they change the file:
//! the flag "signed by a linker" allows it.

use object::macho;
use object::write::macho::{CodeDirectory, CodeSignatureEncoder};
use sha2::{Digest, Sha256};

/// How much of the file a hash is for, as a power of two: linkers take this, whatever pages the system has.
const PAGE_BITS: u8 = 12;

/// The version of the code directory that linkers write: it knows which part of the file is code.
const VERSION: macho::CsVersion = macho::CS_SUPPORTSEXECSEG;

const HASH_BYTES: usize = 32;

/// The signature begins at a multiple of this.
pub const ALIGNMENT: usize = 16;

/// What is signed.
pub struct Signed<'a> {
    /// What the file is called.
    pub name: &'a str,
    /// How many bytes there are in front of the signature.
    pub file_bytes: usize,
    /// How many of them belong to the segment with the code, which comes first.
    pub code_bytes: u64,
}

impl Signed<'_> {
    fn pages(&self) -> usize {
        self.file_bytes.div_ceil(1 << PAGE_BITS)
    }

    /// Where the hashes begin, counted from the code directory.
    fn hash_offset(&self) -> usize {
        CodeSignatureEncoder.code_directory_size(VERSION) as usize + self.name.len() + 1
    }

    fn directory_bytes(&self) -> usize {
        self.hash_offset() + self.pages() * HASH_BYTES
    }

    /// How many bytes the signature has.
    pub fn signature_bytes(&self) -> usize {
        let head = CodeSignatureEncoder.super_blob_size() + CodeSignatureEncoder.blob_index_size();
        head as usize + self.directory_bytes()
    }

    /// The signature of these bytes.
    pub fn signature(&self, file: &[u8]) -> Vec<u8> {
        assert_eq!(file.len(), self.file_bytes, "the size was known before");
        let encoder = CodeSignatureEncoder;
        let mut signature = Vec::with_capacity(self.signature_bytes());
        encoder.signature_super_blob(&mut signature, self.signature_bytes() as u32, 1);
        let head = encoder.super_blob_size() + encoder.blob_index_size();
        encoder.blob_index(&mut signature, macho::CSSLOT_CODEDIRECTORY, head);
        let directory = CodeDirectory {
            length: self.directory_bytes() as u32,
            version: VERSION,
            flags: macho::CS_ADHOC | macho::CS_LINKER_SIGNED,
            hash_offset: self.hash_offset() as u32,
            ident_offset: encoder.code_directory_size(VERSION),
            n_code_slots: self.pages() as u32,
            code_limit: self.file_bytes as u64,
            hash_size: HASH_BYTES as u8,
            hash_type: macho::CS_HASHTYPE_SHA256,
            page_size: PAGE_BITS,
            exec_seg_limit: self.code_bytes,
            ..CodeDirectory::default()
        };
        encoder.code_directory(&mut signature, &directory);
        signature.extend(self.name.as_bytes());
        signature.push(0);
        for page in file.chunks(1 << PAGE_BITS) {
            signature.extend(Sha256::digest(page));
        }
        assert_eq!(signature.len(), self.signature_bytes(), "the size was known before");
        signature
    }
}
