//! A static library: an archive with one object and an index of its symbols.
//!
//! In: the object. Out: the archive, as linkers of the object's system want it.
//!
//! Always true: dates, owners and permissions are the same in all archives. Members are called like the object's
//! descriptor, so that those of two modules can be unpacked in one folder.

use std::io::Cursor;

use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use target_lexicon::{BinaryFormat, Triple};

use crate::error::{Error, Result};

/// The bytes of an archive.
///
/// # Errors
/// If it would be larger than archives can be.
pub fn write(triple: &Triple, descriptor_symbol: &str, object: Vec<u8>) -> Result<Vec<u8>> {
    let (kind, extension) = match triple.binary_format {
        BinaryFormat::Macho => (ArchiveKind::Darwin, "o"),
        BinaryFormat::Coff => (ArchiveKind::Coff, "obj"),
        _ => (ArchiveKind::Gnu, "o"),
    };
    let bytes = object.len();
    let name = format!("{descriptor_symbol}.{extension}");
    let member = NewArchiveMember::new(object, &DEFAULT_OBJECT_READER, name);
    let mut archive = Cursor::new(Vec::with_capacity(bytes + (bytes >> 4)));
    write_archive_to_stream(&mut archive, &[member], kind, false, None)
        .map_err(|error| Error::Limit { message: format!("as an archive: {error}") })?;
    Ok(archive.into_inner())
}
