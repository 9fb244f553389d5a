//! An archive of one object, as linkers of ELF systems read them.
//!
//! ```text
//!   "!<arch>\n"
//!   header "/"        symbol index: number of symbols, where the member of each is, their names (big-endian, 0-terminated)
//!   header "module.o/" the object
//! ```

/// The bytes of a member's header.
const HEADER_BYTES: usize = 60;

/// The archive of an object that defines these symbols.
pub fn of_object(object: &[u8], symbols: &[String]) -> Vec<u8> {
    let mut index = Vec::new();
    let names_bytes: usize = symbols.iter().map(|name| name.len() + 1).sum();
    let index_bytes = (4 + 4 * symbols.len() + names_bytes).next_multiple_of(2);
    let member = b"!<arch>\n".len() + HEADER_BYTES + index_bytes;
    index.extend((symbols.len() as u32).to_be_bytes());
    for _ in symbols {
        index.extend((member as u32).to_be_bytes());
    }
    for name in symbols {
        index.extend(name.as_bytes());
        index.push(0);
    }
    index.resize(index_bytes, 0);

    let mut archive = b"!<arch>\n".to_vec();
    archive.extend(header("/", index.len()));
    archive.extend(index);
    archive.extend(header("module.o/", object.len()));
    archive.extend(object);
    if object.len() % 2 == 1 {
        archive.push(b'\n');
    }
    archive
}

/// A member's header: name, time, owner, group, permissions, size. None of them says when or where it was made.
fn header(name: &str, bytes: usize) -> Vec<u8> {
    format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{bytes:<10}`\n", 0, 0, 0, "644").into_bytes()
}
