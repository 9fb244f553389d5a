//! Files: opening, reading, writing, positions, sizes, times.

mod common;

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wootz_wasi::WasiCtx;

use common::fdflags::{APPEND, DSYNC, NONBLOCK, RSYNC, SYNC};
use common::oflags::{CREAT, DIRECTORY, EXCL, TRUNC};
use common::system::{self, TIME_UNIT, has_links, removes_at_once};
use common::world::{ROOT, World, can_be};
use common::*;

/// A world with one of everything, and a guest in it.
fn furnished() -> (World, Guest) {
    let world = World::new();
    world.furnish();
    let guest = world.guest();
    (world, guest)
}

/// A guest that has a new file open, which holds these bytes, at position 0.
fn holding(bytes: &[u8]) -> (World, Guest, u32) {
    let (world, mut guest) = furnished();
    fs::write(world.at("new"), bytes).unwrap();
    let fd = guest.open(ROOT, "new", Open::WRITE).unwrap();
    (world, guest, fd)
}

/// What is there after an attempt to open it.
#[derive(PartialEq, Eq, Debug)]
enum After {
    Nothing,
    Directory,
    Bytes(usize),
}

#[test]
fn flags_say_what_is_made_kept_and_refused() {
    use After::{Bytes, Directory, Nothing};
    let rows = [
        ("file", 0, OK, Bytes(10)),
        ("file", CREAT, OK, Bytes(10)),
        ("file", EXCL, OK, Bytes(10)),
        ("file", CREAT | EXCL, EXIST, Bytes(10)),
        ("file", TRUNC, OK, Bytes(0)),
        ("file", CREAT | TRUNC, OK, Bytes(0)),
        ("file", CREAT | EXCL | TRUNC, EXIST, Bytes(10)),
        ("file", DIRECTORY, NOTDIR, Bytes(10)),
        ("file", DIRECTORY | CREAT, INVAL, Bytes(10)),
        ("file", DIRECTORY | TRUNC, INVAL, Bytes(10)),
        ("absent", 0, NOENT, Nothing),
        ("absent", CREAT, OK, Bytes(0)),
        ("absent", EXCL, NOENT, Nothing),
        ("absent", CREAT | EXCL, OK, Bytes(0)),
        ("absent", TRUNC, NOENT, Nothing),
        ("absent", CREAT | TRUNC, OK, Bytes(0)),
        ("absent", CREAT | EXCL | TRUNC, OK, Bytes(0)),
        ("absent", DIRECTORY, NOENT, Nothing),
        ("absent", DIRECTORY | CREAT, INVAL, Nothing),
        ("absent", DIRECTORY | CREAT | EXCL, INVAL, Nothing),
        ("dir", 0, OK, Directory),
        ("dir", DIRECTORY, OK, Directory),
        ("dir", CREAT, ISDIR, Directory),
        ("dir", TRUNC, ISDIR, Directory),
        ("dir", CREAT | EXCL, EXIST, Directory),
        ("dir", DIRECTORY | CREAT, INVAL, Directory),
    ];
    let (world, mut guest) = furnished();
    // With no rights at all, with the right to read, and with that to write, but of directories.
    for base in [0, rights::READING, rights::FILE] {
        for (path, flags, expected, after) in &rows {
            world.furnish();
            let found = guest.open(ROOT, path, Open::NOTHING.base(base).oflags(*flags));
            let case = format!("{path} with flags {flags} and rights {base:#x}");
            let writes_directory = base == rights::FILE && *path == "dir" && *expected == OK;
            let expected = if writes_directory { ISDIR } else { *expected };
            assert_eq!(Errno::of(&found), expected, "{case}");
            let there = match fs::symlink_metadata(world.at(path)) {
                Err(_) => Nothing,
                Ok(metadata) if metadata.is_dir() => Directory,
                Ok(metadata) => Bytes(metadata.len() as usize),
            };
            assert_eq!(there, *after, "{case}");
            if let Ok(fd) = found {
                assert_eq!(fd, 4, "{case}");
                guest.close(fd).unwrap();
            }
        }
    }
}

#[test]
fn links_are_made_through_only_if_they_are_followed() {
    if !has_links() {
        return;
    }
    let (world, mut guest) = furnished();
    for (path, flags, follow, expected) in [
        ("dangling", CREAT, false, LOOP),
        ("dangling", CREAT, true, OK),
        ("dangling", CREAT | EXCL, true, EXIST),
        ("dangling", TRUNC, true, NOENT),
        ("to_file", TRUNC, false, LOOP),
        ("to_file", TRUNC, true, OK),
        ("to_dir", DIRECTORY, false, NOTDIR),
        ("to_dir", DIRECTORY, true, OK),
        ("to_file", DIRECTORY, false, NOTDIR),
        ("to_file", DIRECTORY, true, NOTDIR),
    ] {
        world.furnish();
        let how = Open { follow, ..Open::READ.oflags(flags) };
        let found = guest.open(ROOT, path, how);
        assert_eq!(Errno::of(&found), expected, "{path} {flags} {follow}");
        let made = fs::exists(world.at("nothing")).unwrap();
        assert_eq!(made, path == "dangling" && expected == OK, "{path} {flags} {follow}");
        let size = fs::metadata(world.at("file")).unwrap().len();
        assert_eq!(size == 0, path == "to_file" && expected == OK, "{path} {flags} {follow}");
    }
}

#[test]
fn numbers_that_mean_nothing_are_refused() {
    let (_world, mut guest) = furnished();
    guest.write(PATHS[0], b"file");
    let open = |guest: &mut Guest, lookup: u32, oflags: u32, fdflags: u32| {
        let path = PATHS[0];
        call!(guest, "path_open", ROOT, lookup, path, 4, oflags, 0, 0, fdflags, OUTPUT)
    };
    assert_eq!(open(&mut guest, 0, 0, 0), OK);
    for (lookup, oflags, fdflags) in [
        (2, 0, 0),
        (u32::MAX, 0, 0),
        (0, 0x10, 0),
        (0, 0x1_0000, 0),
        (0, 0, 0x20),
        (0, 0, 0x1_0000),
        (0, 0, u32::MAX),
    ] {
        let found = open(&mut guest, lookup, oflags, fdflags);
        assert_eq!(found, INVAL, "{lookup:#x} {oflags:#x} {fdflags:#x}");
    }
    assert_eq!(call!(guest, "path_filestat_get", ROOT, 2, PATHS[0], 4, OUTPUT), INVAL);
    assert_eq!(call!(guest, "path_filestat_set_times", ROOT, 2, PATHS[0], 4, 0, 0, 0), INVAL);
    assert_eq!(call!(guest, "path_link", ROOT, 2, PATHS[0], 4, ROOT, PATHS[1], 4), INVAL);
    assert_eq!(open(&mut guest, 0, 0, 0), OK);
    assert_eq!(guest.number(OUTPUT), 5, "nothing was opened meanwhile");
}

#[test]
fn what_is_written_is_read() {
    let (world, mut guest) = furnished();
    let writer = guest.open(ROOT, "new", Open::CREATE).unwrap();
    let reader = guest.open(ROOT, "new", Open::READ).unwrap();
    assert_eq!(guest.read(reader, 10), Ok(vec![]));
    assert_eq!(guest.put(writer, b"hello"), Ok(5));
    assert_eq!(guest.read(reader, 10), Ok(b"hello".to_vec()), "nothing is held back");
    assert_eq!(guest.put(writer, b", world"), Ok(7));
    assert_eq!(fs::read(world.at("new")).unwrap(), b"hello, world", "nor from the host");
    assert_eq!(guest.read(reader, 3), Ok(b", w".to_vec()));
    assert_eq!(guest.read(reader, 100), Ok(b"orld".to_vec()));
    assert_eq!(guest.read(reader, 100), Ok(vec![]), "the end");
    assert_eq!(guest.put(writer, b""), Ok(0));
    assert_eq!(guest.read(writer, 100), Ok(vec![]));
    assert_eq!((guest.tell(writer), guest.tell(reader)), (Ok(12), Ok(12)));
}

/// Calls a function that takes an array of buffers, at a place of the file if it takes that.
fn gather(
    guest: &mut Guest,
    name: &str,
    fd: u32,
    buffers: &[(u32, u32)],
    at: Option<u64>,
) -> Result<u32> {
    guest.buffers(buffers);
    let mut args = numbers(&[fd, INPUT, buffers.len() as u32]);
    args.extend(at);
    args.push(OUTPUT.into());
    guest.write(OUTPUT, &[0xff; 4]);
    guest.call(name, &args).result()?;
    Ok(guest.number(OUTPUT))
}

#[test]
fn several_buffers_are_one_after_the_other() {
    let (world, mut guest, fd) = holding(b"");
    guest.write(DATA, b"0123456789");
    for (at, name) in [(None, "fd_write"), (Some(0), "fd_pwrite")] {
        fs::write(world.at("new"), "").unwrap();
        guest.seek(fd, 0, Whence::Start).unwrap();
        let buffers = [(DATA + 5, 3), (DATA, 0), (DATA, 2), (DATA + 1, 4), (DATA + 9, 1)];
        assert_eq!(gather(&mut guest, name, fd, &buffers, at), Ok(10), "{name}");
        assert_eq!(fs::read(world.at("new")).unwrap(), b"5670112349", "{name}");
        assert_eq!(gather(&mut guest, name, fd, &[], at), Ok(0), "{name} of nothing");
        assert_eq!(gather(&mut guest, name, fd, &[(0, 0); 5], at), Ok(0), "{name} of nothings");
    }
    fs::write(world.at("new"), "abcdefghij").unwrap();
    for (at, name) in [(None, "fd_read"), (Some(0), "fd_pread")] {
        guest.seek(fd, 0, Whence::Start).unwrap();
        guest.write(DATA, &[b'.'; 20]);
        let buffers = [(DATA + 10, 3), (DATA, 0), (DATA, 4), (DATA + 15, 5)];
        assert_eq!(gather(&mut guest, name, fd, &buffers, at), Ok(10), "{name}");
        assert_eq!(guest.bytes(DATA, 20), b"defg......abc..hij..", "{name}");
        assert_eq!(gather(&mut guest, name, fd, &[], at), Ok(0), "{name} to nothing");
    }
}

#[test]
fn buffers_may_overlap() {
    let (_world, mut guest, fd) = holding(b"abcdefgh");
    for (at, name) in [(None, "fd_read"), (Some(0), "fd_pread")] {
        guest.seek(fd, 0, Whence::Start).unwrap();
        guest.write(DATA, &[b'.'; 8]);
        let found = gather(&mut guest, name, fd, &[(DATA, 4), (DATA + 2, 4)], at);
        assert_eq!((found, guest.bytes(DATA, 8)), (Ok(8), b"abefgh..".to_vec()), "{name}");

        guest.seek(fd, 0, Whence::Start).unwrap();
        let found = gather(&mut guest, name, fd, &[(DATA, 4); 2], at);
        assert_eq!((found, guest.bytes(DATA, 4)), (Ok(8), b"efgh".to_vec()), "{name}, one twice");

        guest.seek(fd, 0, Whence::Start).unwrap();
        let found = gather(&mut guest, name, fd, &[(INPUT, 8), (DATA, 4)], at);
        assert_eq!(found, Ok(8), "{name} over the list of buffers");
        assert_eq!(guest.bytes(INPUT, 8), b"abcdefgh");

        guest.seek(fd, 0, Whence::Start).unwrap();
        let found = gather(&mut guest, name, fd, &[(OUTPUT - 2, 8)], at);
        assert_eq!(found, Ok(8), "{name} around the result, which comes last");
        assert_eq!(guest.bytes(OUTPUT - 2, 8), b"ab\x08\0\0\0gh");
    }
}

#[test]
fn the_whole_memory_can_be_written_and_read() {
    let (world, mut guest, fd) = holding(b"");
    guest.buffers(&[(0, MEMORY_BYTES)]);
    let before = guest.bytes(0, MEMORY_BYTES as usize);
    assert_eq!(call!(guest, "fd_write", fd, INPUT, 1, OUTPUT), OK);
    assert_eq!(guest.number(OUTPUT), MEMORY_BYTES);
    assert!(fs::read(world.at("new")).unwrap() == before);
    guest.seek(fd, 0, Whence::Start).unwrap();
    assert_eq!(call!(guest, "fd_read", fd, INPUT, 1, OUTPUT), OK);
    assert_eq!(guest.number(OUTPUT), MEMORY_BYTES);
    // More buffers than a system takes at once: some are read, and the position is behind them.
    let zeros = vec![0; 2000 * 8];
    guest.write(DATA, &zeros);
    guest.seek(fd, 0, Whence::Start).unwrap();
    guest.write(DATA, &[0x00, 0x10, 0, 0, 1, 0, 0, 0].repeat(2000));
    assert_eq!(call!(guest, "fd_read", fd, DATA, 2000, OUTPUT), OK);
    let read = guest.number(OUTPUT);
    assert!((1..=2000).contains(&read), "{read}");
    assert_eq!(guest.tell(fd), Ok(read.into()));
}

/// However many empty buffers there are: nothing read would mean the end, and nothing written that one should try again.
#[test]
fn buffers_behind_empty_ones_count() {
    let (world, mut guest, fd) = holding(b"0123456789");
    for empty in [1, 1023, 1024, 1025, 2000] {
        guest.seek(fd, 0, Whence::Start).unwrap();
        guest.write(DATA, &vec![0; empty * 8]);
        let behind = DATA + empty as u32 * 8;
        guest.write(behind, &[0, 0x10, 0, 0, 4, 0, 0, 0]);
        assert_eq!(call!(guest, "fd_read", fd, DATA, empty + 1, OUTPUT), OK);
        assert_eq!(
            (guest.number(OUTPUT), guest.bytes(0x1000, 4)),
            (4, b"0123".to_vec()),
            "{empty}"
        );
        assert_eq!(call!(guest, "fd_write", fd, DATA, empty + 1, OUTPUT), OK);
        assert_eq!(guest.number(OUTPUT), 4, "{empty}");
        assert_eq!(fs::read(world.at("new")).unwrap(), b"0123012389");
    }
}

#[test]
fn positions_belong_to_descriptors() {
    let (_world, mut guest, one) = holding(b"0123456789");
    let two = guest.open(ROOT, "new", Open::WRITE).unwrap();
    assert_eq!(guest.read(one, 4), Ok(b"0123".to_vec()));
    assert_eq!((guest.tell(one), guest.tell(two)), (Ok(4), Ok(0)));
    assert_eq!(guest.put(two, b"abcdef"), Ok(6));
    assert_eq!(guest.read(one, 4), Ok(b"ef67".to_vec()));
    assert_eq!(guest.pread(one, 3, 1), Ok(b"bcd".to_vec()));
    assert_eq!(guest.pput(one, b"XY", 8), Ok(2));
    assert_eq!((guest.tell(one), guest.tell(two)), (Ok(8), Ok(6)), "as before");
    assert_eq!(guest.read(two, 10), Ok(b"67XY".to_vec()));
}

#[test]
fn places_of_a_file_are_read_and_written() {
    let (world, mut guest, fd) = holding(b"0123456789");
    assert_eq!(guest.pread(fd, 4, 8), Ok(b"89".to_vec()), "up to the end");
    assert_eq!(guest.pread(fd, 4, 10), Ok(vec![]));
    assert_eq!(guest.pread(fd, 4, 1 << 40), Ok(vec![]));
    assert_eq!(guest.pput(fd, b"ab", 12), Ok(2));
    assert_eq!(fs::read(world.at("new")).unwrap(), b"0123456789\0\0ab");
    for beyond in [1 << 63, u64::MAX] {
        assert_eq!(guest.pread(fd, 4, beyond), Err(INVAL), "positions are signed");
        assert_eq!(guest.pput(fd, b"ab", beyond), Err(INVAL));
    }
    assert_eq!(fs::metadata(world.at("new")).unwrap().len(), 14);
}

#[test]
fn seeking_is_relative_to_three_things() {
    use Whence::{Current, End, Start};
    for version in [PREVIEW1, UNSTABLE] {
        let world = World::new();
        world.furnish();
        let mut guest = Guest::importing(world.ctx(), version);
        let fd = guest.open(ROOT, "file", Open::WRITE).unwrap();
        for (from, delta, whence, expected) in [
            (0, 3, Start, Ok(3)),
            (5, 3, Start, Ok(3)),
            (5, 3, Current, Ok(8)),
            (5, -3, Current, Ok(2)),
            (5, 0, Current, Ok(5)),
            (5, 3, End, Ok(13)),
            (5, -3, End, Ok(7)),
            (5, 0, End, Ok(10)),
            (5, -10, End, Ok(0)),
            (5, 1 << 33, Start, Ok(1 << 33)),
            (5, -1, Start, Err(INVAL)),
            (5, -6, Current, Err(INVAL)),
            (5, -11, End, Err(INVAL)),
            (5, i64::MIN, Start, Err(INVAL)),
            (5, i64::MIN, Current, Err(INVAL)),
            (5, i64::MIN, End, Err(INVAL)),
            (5, i64::MAX, Current, Err(INVAL)),
            (5, i64::MAX, End, Err(INVAL)),
        ] {
            guest.seek(fd, from, Start).unwrap();
            let found = guest.seek(fd, delta, whence);
            assert_eq!(found, expected, "{delta} {whence:?} from {from}, {version}");
            assert_eq!(guest.tell(fd), Ok(expected.unwrap_or(from as u64)), "{delta} {whence:?}");
        }
        for whence in [3, 4, 255, 256, u32::MAX] {
            assert_eq!(call!(guest, "fd_seek", fd, 0, whence, OUTPUT), INVAL, "whence {whence}");
        }
    }
}

#[test]
fn what_lies_behind_the_end_is_zeros() {
    let (world, mut guest, fd) = holding(b"ab");
    assert_eq!(guest.seek(fd, 5, Whence::Start), Ok(5));
    assert_eq!(guest.read(fd, 5), Ok(vec![]));
    assert_eq!(guest.filestat(fd).unwrap().size, 2, "seeking makes nothing longer");
    assert_eq!(guest.put(fd, b"c"), Ok(1));
    assert_eq!(fs::read(world.at("new")).unwrap(), b"ab\0\0\0c");
    assert_eq!(guest.seek(fd, 5 << 30, Whence::Start), Ok(5 << 30));
    assert_eq!(guest.put(fd, b"far"), Ok(3));
    assert_eq!(guest.filestat(fd).unwrap().size, (5 << 30) + 3);
    assert_eq!(guest.pread(fd, 10, (5 << 30) - 2), Ok(b"\0\0far".to_vec()));
}

#[test]
fn who_appends_writes_to_the_end() {
    let (world, mut guest, other) = holding(b"ab");
    let fd = guest.open(ROOT, "new", Open::WRITE.fdflags(APPEND)).unwrap();
    assert_eq!(guest.fdstat(fd).unwrap().flags, APPEND);
    assert_eq!(guest.tell(fd), Ok(0));
    assert_eq!(guest.put(fd, b"cd"), Ok(2));
    assert_eq!(guest.tell(fd), Ok(4), "behind what was written");
    guest.seek(fd, 1, Whence::Start).unwrap();
    assert_eq!(guest.read(fd, 2), Ok(b"bc".to_vec()), "reading is as ever");
    guest.seek(other, 0, Whence::End).unwrap();
    guest.put(other, b"ef").unwrap();
    assert_eq!(guest.put(fd, b"gh"), Ok(2));
    assert_eq!(fs::read(world.at("new")).unwrap(), b"abcdefgh");
    guest.seek(fd, 1, Whence::Start).unwrap();
    assert_eq!(guest.pput(fd, b"ij", 0), Ok(2));
    assert_eq!(guest.tell(fd), Ok(1));
    assert_eq!(fs::read(world.at("new")).unwrap(), b"abcdefghij", "as on Linux");

    guest.set_flags(fd, 0).unwrap();
    assert_eq!(guest.fdstat(fd).unwrap().flags, 0);
    assert_eq!(guest.put(fd, b"X"), Ok(1));
    assert_eq!(guest.pput(fd, b"Y", 0), Ok(1));
    assert_eq!(fs::read(world.at("new")).unwrap(), b"YXcdefghij");
    guest.set_flags(fd, APPEND).unwrap();
    assert_eq!(guest.put(fd, b"k"), Ok(1));
    assert_eq!(guest.tell(fd), Ok(11));
    let fd = guest.open(ROOT, "made", Open::CREATE.oflags(CREAT | TRUNC).fdflags(APPEND)).unwrap();
    guest.put(fd, b"12").unwrap();
    guest.seek(fd, 0, Whence::Start).unwrap();
    guest.put(fd, b"34").unwrap();
    assert_eq!((guest.tell(fd), guest.seek(fd, 0, Whence::End)), (Ok(4), Ok(4)));
}

#[test]
fn flags_are_shown() {
    let (_world, mut guest) = furnished();
    for flags in
        [0, APPEND, DSYNC, NONBLOCK, SYNC, RSYNC, APPEND | NONBLOCK, APPEND | SYNC, DSYNC | SYNC]
    {
        for (path, how) in [("file", Open::WRITE), ("made", Open::CREATE), ("dir", Open::DIRECTORY)]
        {
            let fd = guest.open(ROOT, path, how.fdflags(flags)).unwrap();
            let fdstat = guest.fdstat(fd).unwrap();
            assert_eq!(fdstat.flags & flags, flags, "{path} {flags:#x}");
            assert_eq!(fdstat.flags & !(flags | DSYNC | RSYNC | SYNC), 0, "{path} {flags:#x}");
            let file = if path == "dir" { filetype::DIRECTORY } else { filetype::REGULAR_FILE };
            assert_eq!(fdstat.filetype, file);
            if path != "dir" {
                assert_eq!(guest.put(fd, b"x"), Ok(1), "{flags:#x}");
            }
            guest.close(fd).unwrap();
        }
        guest.unlink(ROOT, "made").unwrap();
    }
}

#[test]
fn some_flags_can_be_changed() {
    let (_world, mut guest, fd) = holding(b"ab");
    for flags in [NONBLOCK, APPEND, APPEND | NONBLOCK, 0] {
        assert_eq!(guest.set_flags(fd, flags), Ok(()), "{flags:#x}");
        assert_eq!(guest.fdstat(fd).unwrap().flags, flags);
        assert_eq!(guest.pread(fd, 2, 0), Ok(b"ab".to_vec()), "files never block");
    }
    for flags in [DSYNC, SYNC, RSYNC, DSYNC | APPEND] {
        assert_eq!(guest.set_flags(fd, flags), Err(NOTSUP), "{flags:#x}");
        assert_eq!(guest.fdstat(fd).unwrap().flags, 0);
    }
    assert_eq!(guest.set_flags(fd, 0x20), Err(INVAL));
    // What promises something about the disk stays, as in Linux.
    let fd = guest.open(ROOT, "new", Open::WRITE.fdflags(DSYNC)).unwrap();
    assert_eq!(guest.set_flags(fd, APPEND | DSYNC), Ok(()));
    assert_eq!(guest.set_flags(fd, 0), Ok(()));
    assert_eq!(guest.fdstat(fd).unwrap().flags & DSYNC, DSYNC);
}

#[test]
fn room_is_allocated() {
    let (world, mut guest, fd) = holding(b"");
    let allocate =
        |guest: &mut Guest, offset: u64, len: u64| call!(guest, "fd_allocate", fd, offset, len);
    for (offset, len, expected, size) in [
        (0, 100, OK, 100),
        (10, 10, OK, 100),
        (90, 20, OK, 110),
        (200, 5, OK, 205),
        (0, 0, INVAL, 205),
        (1 << 63, 1, INVAL, 205),
        (0, 1 << 63, INVAL, 205),
        (i64::MAX as u64, 1, FBIG, 205),
    ] {
        assert_eq!(allocate(&mut guest, offset, len), expected, "{len} bytes at {offset}");
        assert_eq!(guest.filestat(fd).unwrap().size, size, "{len} bytes at {offset}");
    }
    assert_eq!(fs::read(world.at("new")).unwrap(), [0; 205]);
    guest.pput(fd, b"kept", 50).unwrap();
    assert_eq!(allocate(&mut guest, 0, 300), OK);
    assert_eq!(guest.pread(fd, 6, 49), Ok(b"\0kept\0".to_vec()));
    assert_eq!(guest.tell(fd), Ok(0));
}

#[test]
fn sizes_are_set() {
    let (world, mut guest, fd) = holding(b"0123456789");
    guest.seek(fd, 8, Whence::Start).unwrap();
    for (size, expected) in
        [(4, &b"0123"[..]), (4, b"0123"), (6, b"0123\0\0"), (0, b""), (3, b"\0\0\0")]
    {
        assert_eq!(guest.set_size(fd, size), Ok(()));
        assert_eq!(fs::read(world.at("new")).unwrap(), expected);
        assert_eq!(guest.tell(fd), Ok(8), "the position stays, wherever that is");
    }
    for size in [1 << 63, u64::MAX] {
        assert_eq!(guest.set_size(fd, size), Err(INVAL));
    }
    assert_eq!(guest.filestat(fd).unwrap().size, 3);
}

/// A time that is no multiple of anything.
const SOME_TIME: u64 = 1_234_567_890_123_456_789 / TIME_UNIT * TIME_UNIT;
/// Another one.
const OTHER_TIME: u64 = 987_654_321_987_654_321 / TIME_UNIT * TIME_UNIT;

#[test]
fn times_are_set_as_the_flags_say() {
    use fstflags::{ATIM, ATIM_NOW, MTIM, MTIM_NOW};
    enum Time {
        Kept,
        Given,
        Now,
    }
    use Time::{Given, Kept, Now};
    let (world, mut guest) = furnished();
    let file = guest.open(ROOT, "file", Open::WRITE).unwrap();
    let dir = guest.open(ROOT, "dir", Open::DIRECTORY).unwrap();
    type Set = fn(&mut Guest, u32, (u64, u64, u32)) -> Result<()>;
    let by_number: Set = |guest, fd, (atim, mtim, flags)| guest.set_times(fd, atim, mtim, flags);
    let ways: [(&str, u32, Set); 5] = [
        ("file", file, by_number),
        ("dir", dir, by_number),
        ("file", ROOT, |guest, fd, times| guest.set_times_at(fd, "file", false, times)),
        ("file", ROOT, |guest, fd, times| guest.set_times_at(fd, "to_file", true, times)),
        ("to_file", ROOT, |guest, fd, times| guest.set_times_at(fd, "to_file", false, times)),
    ];
    let ways = ways.into_iter().enumerate().filter(|(way, _)| has_links() || *way < 3);
    for (_, (path, fd, set)) in ways {
        for (flags, expected) in [
            (0, Ok((Kept, Kept))),
            (ATIM, Ok((Given, Kept))),
            (MTIM, Ok((Kept, Given))),
            (ATIM | MTIM, Ok((Given, Given))),
            (ATIM_NOW, Ok((Now, Kept))),
            (MTIM_NOW, Ok((Kept, Now))),
            (ATIM_NOW | MTIM_NOW, Ok((Now, Now))),
            (ATIM | MTIM_NOW, Ok((Given, Now))),
            (ATIM_NOW | MTIM, Ok((Now, Given))),
            (ATIM | ATIM_NOW, Err(INVAL)),
            (MTIM | MTIM_NOW, Err(INVAL)),
            (ATIM | ATIM_NOW | MTIM, Err(INVAL)),
            (ATIM | MTIM | MTIM_NOW, Err(INVAL)),
            (ATIM | ATIM_NOW | MTIM | MTIM_NOW, Err(INVAL)),
            (0x10, Err(INVAL)),
            (0x1_0000, Err(INVAL)),
        ] {
            guest.stat(ROOT, path, false).unwrap();
            set(&mut guest, fd, (OTHER_TIME, OTHER_TIME - TIME_UNIT, ATIM | MTIM)).unwrap();
            let found = set(&mut guest, fd, (SOME_TIME, SOME_TIME + TIME_UNIT, flags));
            assert_eq!(found.err(), expected.as_ref().err().copied(), "{path}, flags {flags:#x}");
            let (accessed, modified) = expected.unwrap_or((Kept, Kept));
            let stat = guest.stat(ROOT, path, false).unwrap();
            for (what, time, found, kept, given) in [
                ("access", accessed, stat.atim, OTHER_TIME, SOME_TIME),
                (
                    "modification",
                    modified,
                    stat.mtim,
                    OTHER_TIME - TIME_UNIT,
                    SOME_TIME + TIME_UNIT,
                ),
            ] {
                let right = match time {
                    Kept => found == kept,
                    Given => found == given,
                    Now => now().abs_diff(Duration::from_nanos(found)) < Duration::from_secs(60),
                };
                assert!(right, "time of {what} of {path} is {found}, flags {flags:#x}");
            }
        }
    }
    drop(world);
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

#[test]
fn setting_times_of_a_link_leaves_the_file_alone() {
    if !has_links() {
        return;
    }
    let (_world, mut guest) = furnished();
    let before = guest.stat(ROOT, "file", false).unwrap();
    guest.set_times_at(ROOT, "to_file", false, (0, SOME_TIME, fstflags::MTIM)).unwrap();
    assert_eq!(guest.stat(ROOT, "to_file", false).unwrap().mtim, SOME_TIME);
    assert_eq!(guest.stat(ROOT, "file", false).unwrap(), before);
    assert_eq!(guest.stat(ROOT, "to_file", true).unwrap(), before);
    guest.set_times_at(ROOT, "to_file", true, (0, OTHER_TIME, fstflags::MTIM)).unwrap();
    assert_eq!(guest.stat(ROOT, "file", false).unwrap().mtim, OTHER_TIME);
    assert_eq!(guest.stat(ROOT, "to_file", false).unwrap().mtim, SOME_TIME);
}

/// The times at both ends of what the interface can say; the file system may not have them.
#[test]
fn any_time_can_be_set() {
    let (_world, mut guest) = furnished();
    for time in [0, u64::MAX] {
        let flags = fstflags::ATIM | fstflags::MTIM;
        assert_eq!(guest.set_times_at(ROOT, "file", false, (time, time, flags)), Ok(()));
        let found = guest.stat(ROOT, "file", false).unwrap();
        assert!(time == u64::MAX || (found.atim, found.mtim) == (0, 0), "{found:?}");
    }
}

#[test]
fn advice_changes_nothing() {
    let (_world, mut guest, fd) = holding(b"0123456789");
    for advice in 0..6 {
        assert_eq!(call!(guest, "fd_advise", fd, 0, 0, advice), OK, "advice {advice}");
        assert_eq!(call!(guest, "fd_advise", fd, 2, 50, advice), OK, "advice {advice}");
        assert_eq!(
            call!(guest, "fd_advise", fd, 1_u64 << 40, 1_u64 << 40, advice),
            OK,
            "advice {advice}"
        );
    }
    assert_eq!(call!(guest, "fd_advise", fd, 0, 0, 6), INVAL);
    assert_eq!(call!(guest, "fd_advise", fd, 0, 0, 256), INVAL);
    assert_eq!(call!(guest, "fd_advise", fd, 0, 1_u64 << 63, 0), INVAL, "lengths are signed");
    assert_eq!(guest.filestat(fd).unwrap().size, 10);
    assert_eq!(guest.read(fd, 20), Ok(b"0123456789".to_vec()));
}

#[test]
fn files_and_directories_are_synchronized() {
    let (_world, mut guest, fd) = holding(b"0123456789");
    assert_eq!(call!(guest, "fd_sync", fd), OK);
    assert_eq!(call!(guest, "fd_datasync", fd), OK);
    let fd = guest.open(ROOT, "file", Open::READ).unwrap();
    assert_eq!(call!(guest, "fd_sync", fd), OK, "what is only read, too");
}

#[test]
fn everything_that_is_known_is_told() {
    for version in [PREVIEW1, UNSTABLE] {
        let world = World::new();
        world.furnish();
        fs::hard_link(world.at("file"), world.at("full/other")).unwrap();
        let mut guest = Guest::importing(world.ctx(), version);
        for (path, ty) in [
            ("file", filetype::REGULAR_FILE),
            ("dir", filetype::DIRECTORY),
            ("full/x", filetype::REGULAR_FILE),
            ("to_file", filetype::SYMBOLIC_LINK),
            ("dangling", filetype::SYMBOLIC_LINK),
            ("to_dir", filetype::SYMBOLIC_LINK),
        ] {
            if !can_be(path) {
                continue;
            }
            // Three times: of access, of modification and of change.
            guest.set_times_at(ROOT, path, false, (SOME_TIME, OTHER_TIME, 5)).unwrap();
            let host = fs::symlink_metadata(world.at(path)).unwrap();
            let expected = Filestat {
                filetype: ty,
                nlink: system::links(&world.at(path)),
                size: host.len(),
                atim: SOME_TIME,
                mtim: OTHER_TIME,
                ctim: system::changed(&host),
                ..guest.stat(ROOT, path, false).unwrap()
            };
            assert_eq!(guest.stat(ROOT, path, false), Ok(expected), "{path} {version}");
            if ty != filetype::SYMBOLIC_LINK {
                assert_eq!(guest.stat(ROOT, path, true), Ok(expected), "{path} {version}");
                let fd = guest.open(ROOT, path, Open::READ).unwrap_or_else(|_| panic!("{path}"));
                let without_right = guest.filestat(fd);
                guest.close(fd).unwrap();
                let fd =
                    guest.open(ROOT, path, Open::NOTHING.base(rights::FD_FILESTAT_GET)).unwrap();
                assert_eq!(guest.filestat(fd), Ok(expected), "{path} {version}");
                assert_eq!(without_right, Ok(expected), "{path} {version}");
                guest.close(fd).unwrap();
            }
        }
        let file = guest.stat(ROOT, "file", false).unwrap();
        assert_eq!((file.nlink, file.size), (2, 10));
        assert!(file.same_file(&guest.stat(ROOT, "full/other", false).unwrap()));
        if has_links() {
            assert!(file.same_file(&guest.stat(ROOT, "to_file", true).unwrap()));
            assert!(!file.same_file(&guest.stat(ROOT, "to_file", false).unwrap()));
            let link = guest.stat(ROOT, "dangling", false).unwrap();
            // Windows has the contents elsewhere.
            let size = if cfg!(windows) { 0 } else { 7 };
            assert_eq!(link.size, size, "as long as `nothing`");
        }
        assert!(!file.same_file(&guest.stat(ROOT, "full/x", false).unwrap()));
        assert_eq!(file.dev, guest.stat(ROOT, "full/x", false).unwrap().dev);
        let root = guest.filestat(ROOT).unwrap();
        assert_eq!(root.filetype, filetype::DIRECTORY);
        assert_eq!(Ok(root), guest.stat(ROOT, ".", false));
        assert_eq!(Ok(root), guest.stat(ROOT, "dir/..", false));
    }
}

#[test]
fn files_outlive_their_names() {
    if !removes_at_once() {
        return;
    }
    let (world, mut guest, fd) = holding(b"still here");
    guest.unlink(ROOT, "new").unwrap();
    assert_eq!(guest.open(ROOT, "new", Open::READ), Err(NOENT));
    let other = guest.open(ROOT, "new", Open::CREATE.oflags(CREAT | EXCL)).unwrap();
    assert_eq!(guest.read(fd, 100), Ok(b"still here".to_vec()));
    assert_eq!((guest.put(fd, b"!"), guest.filestat(fd).unwrap().nlink), (Ok(1), 0));
    assert_eq!(guest.read(other, 100), Ok(vec![]));
    guest.close(fd).unwrap();
    guest.rename(ROOT, "new", ROOT, "dir/renamed").unwrap();
    guest.put(other, b"moved").unwrap();
    assert_eq!(fs::read(world.at("dir/renamed")).unwrap(), b"moved");
}

/// Streams that are files behave as such, as far as reading and writing goes.
#[test]
fn standard_streams_may_be_files() {
    let world = World::new();
    fs::write(world.at("input"), "from a file").unwrap();
    let input = fs::File::open(world.at("input")).unwrap();
    let output = fs::File::create(world.at("output")).unwrap();
    let errors = fs::File::options().append(true).create(true).open(world.at("errors")).unwrap();
    let mut guest = Guest::new(
        WasiCtx::builder().stdin_file(input).stdout_file(output).stderr_file(errors).build(),
    );
    assert_eq!(guest.read(0, 6), Ok(b"from a".to_vec()));
    assert_eq!(guest.read(0, 100), Ok(b" file".to_vec()));
    assert_eq!(guest.read(0, 100), Ok(vec![]));
    assert_eq!((guest.put(1, b"one"), guest.put(1, b"two")), (Ok(3), Ok(3)));
    assert_eq!(guest.put(2, b"three"), Ok(5));
    assert_eq!(guest.read(1, 1), Err(BADF));
    assert_eq!(guest.put(0, b"x"), Err(BADF));
    assert_eq!(fs::read(world.at("output")).unwrap(), b"onetwo");
    assert_eq!(fs::read(world.at("errors")).unwrap(), b"three");
    drop(guest);
    world.assert_open(0);
}

/// Opening it could wait for somebody at the other end, or be refused. On Windows no pipes and sockets are in directories, and
/// macOS has no way to say which file is meant without opening it.
#[cfg(target_os = "linux")]
#[test]
fn times_are_set_without_opening() {
    let world = World::new();
    world.furnish();
    let fifo = world.at("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.at("socket")).unwrap();
    std::os::unix::fs::symlink("fifo", world.at("to_fifo")).unwrap();
    // If it waits after all, the test fails and does not hang.
    let patience = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(3));
        let _ = fs::File::options().read(true).write(true).open(fifo);
    });
    let start = std::time::Instant::now();
    let mut guest = world.guest();
    let times = (5_000_000_007, 6_000_000_008, fstflags::ATIM | fstflags::MTIM);
    for path in ["fifo", "socket", "to_fifo", "to_file", "dir", "."] {
        assert_eq!(guest.set_times_at(ROOT, path, true, times), Ok(()), "{path}");
        let found = guest.stat(ROOT, path, true).unwrap();
        assert_eq!((found.atim, found.mtim), (times.0, times.1), "{path}");
    }
    assert_ne!(guest.stat(ROOT, "to_fifo", false).unwrap().mtim, times.1, "the link itself");
    assert!(start.elapsed() < std::time::Duration::from_secs(2));
    drop(guest);
    patience.join().unwrap();
}
