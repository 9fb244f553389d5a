//! Libraries for macOS, which nothing here loads, are taken apart as the system's loader, its unwinder and the kernel do it.
//! Numbers are read where the format has them, without the crate that wrote them.

use sha2::{Digest, Sha256};

use super::*;

const LC_SYMTAB: u32 = 0x2;
const LC_DYSYMTAB: u32 = 0xb;
const LC_LOAD_DYLIB: u32 = 0xc;
const LC_ID_DYLIB: u32 = 0xd;
const LC_SEGMENT_64: u32 = 0x19;
const LC_UUID: u32 = 0x1b;
const LC_CODE_SIGNATURE: u32 = 0x1d;
const LC_VERSION_MIN_MACOSX: u32 = 0x24;
const LC_FUNCTION_STARTS: u32 = 0x26;
const LC_BUILD_VERSION: u32 = 0x32;
const LC_DYLD_INFO_ONLY: u32 = 0x8000_0022;

const PAGE: usize = 0x4000;
const TARGETS: [&str; 2] = ["x86_64-apple-darwin", "aarch64-apple-darwin"];

/// A library, taken apart.
struct Library {
    bytes: Vec<u8>,
    /// Each load command: its number, and where it is.
    commands: Vec<(u32, usize)>,
    segments: Vec<Part>,
    sections: Vec<Part>,
}

/// A segment or section.
struct Part {
    name: String,
    start: usize,
    bytes: usize,
    /// Of segments: how many bytes they have in memory.
    memory_bytes: usize,
    /// Of segments: what may ever be done with it, and what may be done at first.
    protection: [usize; 2],
}

impl Library {
    fn new(contents: Contents<'_>, target: &str) -> Library {
        let triple: Triple = target.parse().unwrap();
        let bytes =
            write(Contents { triple: &triple, ..contents }, Container::SharedLibrary).unwrap();
        let mut library =
            Library { bytes, commands: Vec::new(), segments: Vec::new(), sections: Vec::new() };
        library.read_commands(target);
        library
    }

    fn read_commands(&mut self, target: &str) {
        let cpu = if target.starts_with("x86_64") { 0x0100_0007 } else { 0x0100_000c };
        assert_eq!((self.u32(0), self.u32(4), self.u32(12)), (0xfeed_facf, cpu, 6));
        let mut at = 32;
        for _ in 0..self.u32(16) {
            self.commands.push((self.u32(at) as u32, at));
            assert!(self.u32(at + 4).is_multiple_of(8), "command {:#x}", self.u32(at));
            at += self.u32(at + 4);
        }
        assert_eq!(at, 32 + self.u32(20), "commands have the size that the header says");
        for (command, at) in self.commands.clone() {
            if command == LC_SEGMENT_64 {
                let (start, address) = (self.u64(at + 40), self.u64(at + 24));
                assert_eq!(start, address, "addresses are offsets");
                self.segments.push(Part {
                    name: self.name(at + 8),
                    start,
                    bytes: self.u64(at + 48),
                    memory_bytes: self.u64(at + 32),
                    protection: [self.u32(at + 56), self.u32(at + 60)],
                });
                for section in 0..self.u32(at + 64) {
                    let at = at + 72 + 80 * section;
                    assert_eq!(self.name(at + 16), self.segments.last().unwrap().name);
                    let (start, bytes) = (self.u64(at + 32), self.u64(at + 40));
                    assert_eq!(start, self.u32(at + 48), "addresses are offsets");
                    assert!(start.is_multiple_of(1 << self.u32(at + 52)));
                    let (memory_bytes, protection) = (bytes, [0; 2]);
                    let name = self.name(at);
                    self.sections.push(Part { name, start, bytes, memory_bytes, protection });
                }
            }
        }
    }

    fn u32(&self, at: usize) -> usize {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap()) as usize
    }

    fn u64(&self, at: usize) -> usize {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().unwrap()) as usize
    }

    /// A number in the order that signatures have.
    fn big(&self, at: usize) -> usize {
        u32::from_be_bytes(self.bytes[at..at + 4].try_into().unwrap()) as usize
    }

    /// A name with room for 16 bytes.
    fn name(&self, at: usize) -> String {
        let bytes = &self.bytes[at..at + 16];
        String::from_utf8(bytes.iter().copied().take_while(|&byte| byte != 0).collect()).unwrap()
    }

    /// A text that ends with NUL.
    fn text(&self, at: usize) -> &str {
        let bytes = self.bytes[at..].split(|&byte| byte == 0).next().unwrap();
        std::str::from_utf8(bytes).unwrap()
    }

    /// A number in LEB128, and where it ends.
    fn leb(&self, mut at: usize) -> (usize, usize) {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.bytes[at];
            number |= usize::from(byte & 0x7f) << shift;
            (at, shift) = (at + 1, shift + 7);
            if byte < 0x80 {
                return (number, at);
            }
        }
    }

    /// The only command of a kind.
    fn command(&self, wanted: u32) -> Option<usize> {
        let mut found = self.commands.iter().filter(|(command, _)| *command == wanted);
        let first = found.next().map(|(_, at)| *at);
        assert!(found.next().is_none(), "there is one command {wanted:#x} at most");
        first
    }

    fn section(&self, name: &str) -> Option<&Part> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// All exported symbols with their addresses, in the order of the tree.
    fn exports(&self) -> Vec<(String, usize)> {
        let info = self.command(LC_DYLD_INFO_ONLY).unwrap();
        let (start, bytes) = (self.u32(info + 40), self.u32(info + 44));
        let mut found = Vec::new();
        let mut todo = vec![(String::new(), start)];
        while let Some((name, at)) = todo.pop() {
            let (size, content) = self.leb(at);
            if size > 0 {
                let (flags, address) = self.leb(content);
                assert_eq!(flags, 0, "a regular symbol");
                let (address, end) = self.leb(address);
                assert_eq!(end, content + size);
                found.push((name.clone(), address));
            }
            let branches = content + size;
            let mut at = branches + 1;
            for _ in 0..self.bytes[branches] {
                let label = self.text(at);
                let (child, end) = self.leb(at + label.len() + 1);
                assert!(end <= start + bytes && child < bytes, "the tree lies inside of itself");
                todo.push((format!("{name}{label}"), start + child));
                at = end;
            }
        }
        found
    }

    /// The entry in `__eh_frame` that `__unwind_info` names for an address: where the function begins, and where the entry is.
    /// It may be further behind.
    fn unwind_entry(&self, address: usize) -> Option<(usize, usize)> {
        let index = self.section("__unwind_info")?.start;
        let first = index + self.u32(index + 20);
        let entries = self.u32(index + 24);
        let entry = (0..entries - 1).rev().find(|i| self.u32(first + 12 * i) <= address)?;
        let page = index + self.u32(first + 12 * entry + 4);
        assert_eq!(self.u32(page), 2, "a regular page");
        let (offset, count) = (self.u32(page + 4) & 0xffff, self.u32(page + 4) >> 16);
        assert!(8 + 8 * count <= 4096, "pages have one size at most");
        let functions = page + offset;
        let found = (0..count).rev().find(|i| self.u32(functions + 8 * i) <= address)?;
        let what = self.u32(functions + 8 * found + 4);
        let dwarf = if self.u32(4) == 0x0100_0007 { 4 } else { 3 };
        assert_eq!(what >> 24, dwarf, "what is said is where the entry is");
        let frames = self.section("__eh_frame").unwrap().start;
        Some((self.u32(functions + 8 * found), frames + (what & 0x00ff_ffff)))
    }
}

/// The rules that the system's loader has, whatever the file says that it was made for.
#[test]
fn the_loader_has_no_complaint() {
    let sample = Sample::new();
    let empty =
        || Contents { text: &[], image: &[], symbols: &[], unwind: &[], ..sample.contents() };
    let unnamed = || Contents { symbols: &[], ..sample.contents() };
    let sections = debug::sections(&sample);
    let with_debug = || Contents { debug: Some(&sections), ..sample.contents() };
    let without_it = || Contents { separate: Some("sample.dSYM"), ..with_debug() };
    for target in TARGETS {
        for (contents, names) in [
            (sample.contents(), &["__TEXT", "__WOOTZ", "__LINKEDIT"][..]),
            (unnamed(), &["__TEXT", "__WOOTZ", "__LINKEDIT"]),
            (empty(), &["__TEXT", "__LINKEDIT"]),
            (with_debug(), &["__TEXT", "__WOOTZ", "__DATA", "__DWARF", "__LINKEDIT"]),
            (without_it(), &["__TEXT", "__WOOTZ", "__DATA", "__LINKEDIT"]),
        ] {
            let library = Library::new(contents, target);
            let segments = &library.segments;
            let found: Vec<_> = segments.iter().map(|segment| &*segment.name).collect();
            assert_eq!(found, names);
            let mut end = 0;
            for segment in segments {
                assert_eq!(segment.start, end, "{}: in order, without gaps", segment.name);
                assert!(segment.start.is_multiple_of(PAGE));
                assert!(segment.bytes <= segment.memory_bytes);
                assert!(segment.memory_bytes.is_multiple_of(PAGE));
                let expected = match &*segment.name {
                    "__TEXT" => 5,
                    "__DATA" => 3,
                    _ => 1,
                };
                assert_eq!(segment.protection, [expected; 2], "{}", segment.name);
                end = segment.start + segment.memory_bytes;
            }
            let last = segments.last().unwrap();
            assert_eq!(last.start + last.bytes, library.bytes.len());
            for section in &library.sections {
                let end = section.start + section.bytes;
                let inside = segments.iter().any(|segment| {
                    segment.start <= section.start && end <= segment.start + segment.bytes
                });
                assert!(inside && section.bytes > 0, "{}", section.name);
            }
            let commands_end = 32 + library.u32(20);
            assert!(library.sections[0].start >= commands_end + 1024, "there is room for more");

            // What is in the last segment: in the order that older systems want, and aligned as newer ones do.
            let info = library.command(LC_DYLD_INFO_ONLY).unwrap();
            assert_eq!(library.bytes[info + 8..info + 40], [0; 32], "nothing is rebased or bound");
            let starts = library.command(LC_FUNCTION_STARTS).unwrap();
            let symtab = library.command(LC_SYMTAB).unwrap();
            let mut parts = vec![
                (library.u32(info + 40), library.u32(info + 44)),
                (library.u32(starts + 8), library.u32(starts + 12)),
                (library.u32(symtab + 8), 16 * library.u32(symtab + 12)),
                (library.u32(symtab + 16), library.u32(symtab + 20)),
            ];
            if let Some(signature) = library.command(LC_CODE_SIGNATURE) {
                parts.push((library.u32(signature + 8), library.u32(signature + 12)));
                assert!(parts[4].0.is_multiple_of(16));
            }
            let mut end = last.start;
            for (start, bytes) in parts {
                assert!(start.is_multiple_of(8) && bytes > 0);
                let is_signature = start.is_multiple_of(16) && end + 8 == start;
                assert!(start == end || is_signature, "there are no gaps");
                end = start + bytes;
            }
            assert_eq!(end, library.bytes.len());

            let own = library.command(LC_ID_DYLIB).unwrap();
            assert_eq!(library.text(own + library.u32(own + 8)), "@rpath/module.dylib");
            let needed = library.command(LC_LOAD_DYLIB).unwrap();
            assert_eq!(
                library.text(needed + library.u32(needed + 8)),
                "/usr/lib/libSystem.B.dylib"
            );
            let (version, oldest) = match target {
                "x86_64-apple-darwin" => {
                    (library.command(LC_VERSION_MIN_MACOSX).unwrap() + 8, 10 << 16 | 12 << 8)
                }
                _ => (library.command(LC_BUILD_VERSION).unwrap() + 12, 11 << 16),
            };
            assert_eq!([library.u32(version), library.u32(version + 4)], [oldest; 2]);
        }
    }
}

#[test]
fn the_descriptor_is_the_only_export_and_leads_to_all() {
    let sample = Sample::new();
    for target in TARGETS {
        let library = Library::new(sample.contents(), target);
        let exports = library.exports();
        assert_eq!(exports.len(), 1, "{exports:?}");
        assert_eq!(exports[0].0, "_wootz_module");
        let descriptor = exports[0].1;
        assert_eq!(library.bytes[descriptor..descriptor + 8], MAGIC);
        let at = |field: u32| {
            let distance = library.u32(descriptor + field as usize) as u32 as i32;
            (descriptor as i64 + i64::from(distance)) as usize
        };
        let (text, image) = (at(TEXT_OFFSET_FIELD), at(IMAGE_OFFSET_FIELD));
        let alignment = if target == TARGETS[0] { 4096 } else { 64 };
        assert!(text.is_multiple_of(alignment) && image.is_multiple_of(PAGE));
        assert_eq!(library.bytes[text..text + sample.text.len()], sample.text);
        assert_eq!(library.bytes[image..image + sample.image.len()], sample.image);

        // And by the symbol table: what is local comes first.
        let symtab = library.command(LC_SYMTAB).unwrap();
        let dysymtab = library.command(LC_DYSYMTAB).unwrap();
        let count = sample.symbols.len();
        let kinds = [8, 12, 16, 20, 24, 28].map(|field| library.u32(dysymtab + field));
        assert_eq!(kinds, [0, count, count, 1, count + 1, 0]);
        let symbols: Vec<_> = (0..library.u32(symtab + 12))
            .map(|i| {
                let at = library.u32(symtab + 8) + 16 * i;
                let name = library.text(library.u32(symtab + 16) + library.u32(at));
                let section = usize::from(library.bytes[at + 5]) - 1;
                (name, library.bytes[at + 4], &*library.sections[section].name, library.u64(at + 8))
            })
            .collect();
        let local = |i: usize| text + sample.symbols[i].offset as usize;
        assert_eq!(
            symbols,
            [
                ("_increment", 0x0e, "__text", local(0)),
                ("_call $host \u{2192} \"it\"", 0x0e, "__text", local(1)),
                ("_wootz_module", 0x0f, "__wootz", descriptor),
            ]
        );
        let starts = library.command(LC_FUNCTION_STARTS).unwrap();
        let (first, next) = library.leb(library.u32(starts + 8));
        let (distance, next) = library.leb(next);
        assert_eq!((first, first + distance), (local(0), local(1)));
        assert_eq!(library.leb(next).0, 0, "that was all");
    }
}

/// Hashes are computed again, as the kernel does when it maps a page.
#[test]
fn the_signature_is_of_this_file() {
    let sample = Sample::new();
    let library = Library::new(sample.contents(), TARGETS[0]);
    assert_eq!(library.command(LC_CODE_SIGNATURE), None, "which x86-64 does without");
    let sections = debug::sections(&sample);
    let with_debug = Contents { debug: Some(&sections), ..sample.contents() };
    for contents in [sample.contents(), with_debug] {
        check_signature(&Library::new(contents, TARGETS[1]));
    }
}

fn check_signature(library: &Library) {
    let command = library.command(LC_CODE_SIGNATURE).unwrap();
    let (start, bytes) = (library.u32(command + 8), library.u32(command + 12));
    assert_eq!(start + bytes, library.bytes.len());
    let outer = [0, 4, 8, 12, 16].map(|field| library.big(start + field));
    assert_eq!(outer, [0xfade_0cc0, bytes, 1, 0, 20]);
    let directory = start + 20;
    let field = |at: usize| library.big(directory + at);
    assert_eq!([field(0), field(4), field(8)], [0xfade_0c02, bytes - 20, 0x20400]);
    assert_eq!(field(12), 0x20002, "ad hoc, by a linker");
    let (hashes, name) = (directory + field(16), directory + field(20));
    let (special, pages, limit) = (field(24), field(28), field(32));
    assert_eq!(library.text(name), "module.dylib");
    assert_eq!((special, limit), (0, start));
    // 32 bytes of SHA-256 of each 4096.
    assert_eq!(library.bytes[directory + 36..directory + 40], [32, 2, 0, 12]);
    let is_zero =
        |range: std::ops::Range<usize>| library.bytes[range].iter().all(|byte| *byte == 0);
    assert!(is_zero(directory + 40..directory + 64), "no part of it is left out");
    let code = [64, 68, 72, 76].map(field);
    assert_eq!(code, [0, 0, 0, library.segments[0].bytes], "which part is code");
    assert!(is_zero(directory + 80..directory + 88));
    assert_eq!(hashes + 32 * pages, library.bytes.len());
    let mut found = library.bytes[hashes..].chunks(32);
    for (number, page) in library.bytes[..limit].chunks(4096).enumerate() {
        assert_eq!(found.next(), Some(&Sha256::digest(page)[..]), "page {number}");
    }
    assert_eq!(found.next(), None);
}

#[test]
fn identities_are_of_contents() {
    let sample = Sample::new();
    let uuid = |contents: Contents<'_>| {
        let library = Library::new(contents, TARGETS[1]);
        let at = library.command(LC_UUID).unwrap() + 8;
        let uuid = library.bytes[at..at + 16].to_vec();
        assert_eq!((uuid[6] & 0xf0, uuid[8] & 0xc0), (0x80, 0x80), "a UUID of version 8");
        uuid
    };
    let one = uuid(sample.contents());
    assert_eq!(one, uuid(sample.contents()));
    let mut image = sample.image.clone();
    image[77] ^= 1;
    assert_ne!(one, uuid(Contents { image: &image, ..sample.contents() }));
}

/// As the system's unwinder looks for them: in two levels, of which the second has several pages.
#[test]
fn the_unwinder_finds_each_function() {
    let sample = Sample::new();
    let functions = 1200;
    let text = vec![0x90; functions * 32];
    let unwind: Vec<_> = (0..functions)
        .map(|i| {
            let Unwind::Cfa(info) = &sample.unwind[i % 2].1 else { panic!("Linux has DWARF") };
            (32 * i as u32, Unwind::Cfa(info.clone()))
        })
        .collect();
    for target in TARGETS {
        let contents = Contents { text: &text, unwind: &unwind, symbols: &[], ..sample.contents() };
        let library = Library::new(contents, target);
        let start = library.section("__text").unwrap().start;
        let first = sample.unwind[0].0;
        assert_eq!((first, library.unwind_entry(start - 1)), (0, None));
        for function in 0..functions {
            let address = start + 32 * function;
            for inside in [0, 1, 31] {
                let (begins, entry) = library.unwind_entry(address + inside).unwrap();
                assert_eq!(begins, address);
                // Its length, the distance to what is common, and the distance to the function.
                let field = entry + 8;
                assert_eq!(field.wrapping_add(library.u64(field)), address, "function {function}");
                let common = entry + 4 - library.u32(entry + 4);
                assert_eq!(common, library.section("__eh_frame").unwrap().start);
            }
        }
        let frames = library.section("__eh_frame").unwrap();
        assert_eq!(library.u32(frames.start + frames.bytes - 4), 0, "the section ends");
    }
}

/// What is too far away to be said is looked for from the last entry on that is not.
#[test]
fn entries_beyond_what_can_be_said_are_near_others() {
    let fields = [0x20, 0x00ff_ffff, 0x0100_0007, 0x0100_0008, 0x0200_0000];
    let places = fields.iter().zip(0..).map(|(&field, i)| unwind::Place { field, code: 4 * i });
    let frames = unwind::Frames { places: places.collect(), ..unwind::Frames::default() };
    let code = macho_unwind::Code { start: 0x100, end: 0x200 };
    let section = macho_unwind::section(&frames, &code, 0x0300_0000);
    let said: Vec<u32> = section[28 + 24 + 8..]
        .chunks(8)
        .map(|entry| u32::from_le_bytes(entry[4..].try_into().unwrap()))
        .collect();
    assert_eq!(said, [0x0300_0018, 0x03ff_fff7, 0x03ff_ffff, 0x03ff_ffff, 0x03ff_ffff]);
}
