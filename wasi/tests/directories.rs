//! Directories: what is listed, and what is made, linked, renamed and removed in them.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::system::{self, has_links};
use common::world::{ROOT, World, can_be};
use common::*;

fn furnished() -> (World, Guest) {
    let world = World::new();
    world.furnish();
    let guest = world.guest();
    (world, guest)
}

/// A world with so many names in it, of different lengths. All are of one file, as making many takes its time.
fn crowded(files: usize) -> (World, Guest, BTreeSet<Vec<u8>>) {
    let world = World::new();
    let mut names: BTreeSet<Vec<u8>> =
        (0..files).map(|n| format!("{n}{}", "x".repeat(n * 7 % 60)).into_bytes()).collect();
    for name in &names {
        let file = world.outside().join("secret");
        fs::hard_link(file, world.inside().join(system::name(name))).unwrap();
    }
    names.extend([b".".to_vec(), b"..".to_vec()]);
    let guest = world.guest();
    (world, guest, names)
}

fn set(entries: &[Dirent]) -> BTreeSet<Vec<u8>> {
    let names: BTreeSet<_> = entries.iter().map(|entry| entry.name.clone()).collect();
    assert_eq!(names.len(), entries.len(), "no entry is there twice");
    names
}

#[test]
fn entries_agree_with_what_is_known_of_them() {
    let (_world, mut guest) = furnished();
    let all = if has_links() { 16 } else { 5 };
    for (path, count) in [(".", all), ("dir", 2), ("full", 3)] {
        let fd = guest.open(ROOT, path, Open::DIRECTORY).unwrap();
        let own = guest.filestat(fd).unwrap();
        let entries = guest.entries(fd, 4096, 0).unwrap();
        assert_eq!(entries.len(), count, "{path}");
        assert_eq!([&entries[0].name, &entries[1].name], [&b"."[..], b".."]);
        assert_eq!((entries[0].ino, entries[0].filetype), (own.ino, filetype::DIRECTORY));
        assert_eq!(entries[1].filetype, filetype::DIRECTORY);
        for entry in &entries[2..] {
            let stat = guest.stat(fd, &entry.name, false).unwrap();
            assert_eq!((entry.ino, entry.filetype), (stat.ino, stat.filetype), "{entry:?}");
        }
        guest.close(fd).unwrap();
    }
}

/// The number of what is above is that of a directory which the guest has not got.
#[test]
fn what_is_above_is_not_told() {
    let (world, mut guest) = furnished();
    let above = system::inode(world.inside().parent().unwrap());
    assert_ne!(guest.entries(ROOT, 4096, 0).unwrap()[1].ino, above);
}

#[test]
fn buffers_of_every_size_are_filled() {
    let (_world, mut guest, names) = crowded(20);
    let whole = guest.readdir(ROOT, 8000, 0).unwrap();
    assert_eq!(set(&Dirent::list(&whole)), names);
    // Windows has to open each file to tell its number.
    let step = if cfg!(windows) { 29 } else { 1 };
    for size in (0..=whole.len() + 1).step_by(step) {
        let part = guest.readdir(ROOT, size as u32, 0).unwrap();
        assert_eq!(part, whole[..size.min(whole.len())], "{size} bytes");
    }
}

#[test]
fn reading_goes_on_at_any_cookie() {
    let (_world, mut guest, _) = crowded(20);
    let whole = guest.entries(ROOT, 8000, 0).unwrap();
    let cookies: Vec<u64> =
        std::iter::once(0).chain(whole.iter().map(|entry| entry.next)).collect();
    let different: BTreeSet<u64> = cookies.iter().copied().collect();
    assert_eq!(different.len(), cookies.len(), "each place has a cookie of its own");
    for (n, &cookie) in cookies.iter().enumerate().rev() {
        let rest = guest.entries(ROOT, 8000, cookie).unwrap();
        assert_eq!(rest, whole[n..], "from {cookie} on");
    }
    for (n, &cookie) in cookies.iter().enumerate() {
        assert_eq!(guest.entries(ROOT, 200, cookie).unwrap(), whole[n..], "in small pieces");
    }
    let end = *cookies.last().unwrap();
    assert_eq!(guest.readdir(ROOT, 100, end), Ok(vec![]), "the end");
    for cookie in [end + 1, 1 << 32, 1 << 63, u64::MAX] {
        let found = guest.readdir(ROOT, 100, cookie);
        assert!(
            matches!(found, Ok(ref bytes) if bytes.is_empty()) || found == Err(INVAL),
            "{found:?}"
        );
    }
}

#[test]
fn thousands_of_entries_are_read_in_pieces() {
    let (_world, mut guest, names) = crowded(3000);
    for size in [100, 256, 4096, 20000] {
        assert_eq!(set(&guest.entries(ROOT, size, 0).unwrap()), names, "with {size} bytes");
    }
    let mut old = Guest::importing(_world.ctx(), UNSTABLE);
    assert_eq!(set(&old.entries(ROOT, 1000, 0).unwrap()), names);
}

#[test]
fn each_descriptor_reads_for_itself() {
    let (_world, mut guest, names) = crowded(30);
    let other = guest.open(ROOT, ".", Open::DIRECTORY).unwrap();
    let piece = Dirent::list(&guest.readdir(ROOT, 300, 0).unwrap());
    assert_eq!(set(&guest.entries(other, 300, 0).unwrap()), names);
    let rest = guest.entries(ROOT, 300, piece.last().unwrap().next).unwrap();
    assert_eq!(set(&[piece, rest].concat()), names);
}

/// A guest that removes what it reads, and one that makes more, still sees everything that was there all the time, once.
#[test]
fn entries_that_come_and_go_disturb_no_others() {
    let (world, mut guest, names) = crowded(200);
    let (mut seen, mut cookie, mut round) = (Vec::new(), 0, 0);
    loop {
        let bytes = guest.readdir(ROOT, 500, cookie).unwrap();
        for entry in Dirent::list(&bytes) {
            if !entry.name.starts_with(b"made") && !entry.name.starts_with(b".") {
                guest.unlink(ROOT, &entry.name).unwrap();
            }
            cookie = entry.next;
            seen.push(entry);
        }
        let made = guest.open(ROOT, format!("made{round}"), Open::CREATE).unwrap();
        guest.close(made).unwrap();
        round += 1;
        if bytes.len() < 500 {
            break;
        }
    }
    seen.retain(|entry| !entry.name.starts_with(b"made"));
    assert_eq!(set(&seen), names);
    let fresh = guest.entries(ROOT, 4096, 0).unwrap();
    assert_eq!(fresh.len(), round + 2, "from the beginning, what is there now: {fresh:?}");
    drop(world);
}

/// On Windows a directory that is open can neither be removed nor moved.
#[cfg(unix)]
#[test]
fn a_directory_that_is_gone_is_empty() {
    let (_world, mut guest) = furnished();
    let fd = guest.open(ROOT, "dir", Open::DIRECTORY).unwrap();
    guest.remove_directory(ROOT, "dir").unwrap();
    assert_eq!(guest.open(ROOT, "dir", Open::DIRECTORY), Err(NOENT));
    guest.create_directory(ROOT, "dir").unwrap();
    let entries = guest.entries(fd, 4096, 0).unwrap();
    assert!(
        entries.iter().all(|entry| [&b"."[..], b".."].contains(&&entry.name[..])),
        "{entries:?}"
    );
    assert_eq!(guest.open(fd, "new", Open::CREATE), Err(NOENT), "there is nowhere to make it");
    let stat = guest.filestat(fd).unwrap();
    assert_eq!(stat.nlink, 0);
    assert!(!stat.same_file(&guest.stat(ROOT, "dir", false).unwrap()));
}

#[test]
fn only_directories_are_listed() {
    let (_world, mut guest) = furnished();
    let file = guest.open(ROOT, "file", Open::READ).unwrap();
    assert_eq!(guest.readdir(file, 100, 0), Err(NOTDIR));
    assert_eq!(guest.readdir(0, 100, 0), Err(NOTDIR));
    assert_eq!(guest.readdir(77, 100, 0), Err(BADF));
}

/// What files can do and directories cannot.
#[test]
fn directories_are_no_files() {
    let (_world, mut guest) = furnished();
    let same_rights = {
        let fdstat = guest.fdstat(ROOT).unwrap();
        Open::NOTHING.base(fdstat.base).inheriting(fdstat.inheriting)
    };
    for how in [
        same_rights,
        same_rights.oflags(oflags::DIRECTORY),
        Open::NOTHING,
        Open::NOTHING.oflags(oflags::DIRECTORY),
        Open::NOTHING.base(rights::FD_READ | rights::FD_SEEK).oflags(oflags::DIRECTORY),
        Open::NOTHING.fdflags(fdflags::NONBLOCK),
    ] {
        let fd = guest.open(ROOT, ".", how).unwrap_or_else(|errno| panic!("{how:?}: {errno:?}"));
        let fdstat = guest.fdstat(fd).unwrap();
        assert_eq!(fdstat.filetype, filetype::DIRECTORY);
        assert_eq!(fdstat.base & rights::FILE & !rights::DIRECTORY, 0, "{how:?}: {fdstat:?}");
        assert_eq!(guest.read(fd, 10), Err(ISDIR));
        assert_eq!(guest.pread(fd, 10, 0), Err(ISDIR));
        assert_eq!(guest.put(fd, b"x"), Err(BADF));
        assert_eq!(guest.pput(fd, b"x", 0), Err(BADF));
        for whence in [Whence::Start, Whence::Current, Whence::End] {
            assert_eq!(guest.seek(fd, 0, whence), Err(BADF));
        }
        assert_eq!(guest.tell(fd), Err(BADF));
        assert_eq!(call!(guest, "fd_allocate", fd, 0, 1), BADF);
        assert_eq!(call!(guest, "fd_advise", fd, 0, 1, 0), BADF);
        assert_eq!(guest.set_size(fd, 0), Err(INVAL));
        guest.close(fd).unwrap();
    }
    let writing = Open::NOTHING.base(rights::FD_READ | rights::FD_WRITE);
    assert_eq!(guest.open(ROOT, ".", writing.oflags(oflags::DIRECTORY)), Err(ISDIR));
    assert_eq!(guest.open(ROOT, ".", writing), Err(ISDIR));
}

#[test]
fn paths_begin_at_directories() {
    let (_world, mut guest) = furnished();
    let file = guest.open(ROOT, "file", Open::WRITE).unwrap();
    for (fd, expected) in [(file, NOTDIR), (0, NOTDIR), (1, NOTDIR), (77, BADF), (u32::MAX, BADF)] {
        let found = [
            guest.open(fd, "x", Open::CREATE).err(),
            guest.open(fd, ".", Open::READ).err(),
            guest.create_directory(fd, "x").err(),
            guest.remove_directory(fd, "x").err(),
            guest.unlink(fd, "x").err(),
            guest.stat(fd, "x", true).err(),
            guest.set_times_at(fd, "x", true, (0, 0, 0)).err(),
            guest.readlink(fd, "x", 10).err(),
            guest.symlink("x", fd, "x").err(),
            guest.link(fd, "x", ROOT, "x").err(),
            guest.link(ROOT, "file", fd, "x").err(),
            guest.rename(fd, "x", ROOT, "x").err(),
            guest.rename(ROOT, "file", fd, "x").err(),
        ];
        assert_eq!(found, [Some(expected); 13], "descriptor {fd}");
    }
}

/// What renaming does: (what, to what it is renamed, the error), with `-` for what is not there, before and after.
#[test]
fn renaming_replaces_what_can_be_replaced() {
    let (world, mut guest) = furnished();
    for (from, to, expected) in [
        ("file", "new", OK),
        ("file", "full/x", OK),
        ("file", "file", OK),
        ("file", "to_file", OK),
        ("file", "dangling", OK),
        ("file", "dir", ISDIR),
        ("file", "full", ISDIR),
        ("file", "absent/x", NOENT),
        ("file", "full/x/y", NOTDIR),
        ("dir", "new", OK),
        ("dir", "dir", OK),
        ("dir", "full/new", OK),
        ("full", "dir", OK),
        ("dir", "full", NOTEMPTY),
        ("dir", "file", NOTDIR),
        ("dir", "to_dir", NOTDIR),
        ("dir", "dir/below", INVAL),
        ("full", "full/x/y", NOTDIR),
        ("to_file", "new", OK),
        ("to_dir", "dir", ISDIR),
        ("dangling", "file", OK),
        ("loop", "new", OK),
        ("absent", "new", NOENT),
        ("absent", "file", NOENT),
        ("dir/", "new", OK),
        ("dir", "new/", OK),
        ("dir/", "new/", OK),
        ("full/", "dir/", OK),
        ("file/", "new", NOTDIR),
        ("file", "new/", NOTDIR),
        ("file", "dir/", NOTDIR),
        ("", "new", NOENT),
        ("file", "", NOENT),
    ] {
        if !can_be(from) || !can_be(to) {
            continue;
        }
        world.furnish();
        let before = world.things_inside();
        let old = guest.stat(ROOT, from, false);
        let found = guest.rename(ROOT, from, ROOT, to);
        assert_eq!(Errno::of(&found), expected, "{from} to {to}");
        if expected != OK {
            assert_eq!(world.things_inside(), before, "{from} to {to}: nothing has changed");
            continue;
        }
        let new = guest.stat(ROOT, to, false).unwrap();
        assert!(new.same_file(&old.unwrap()), "{from} to {to}");
        if from.trim_end_matches('/') != to {
            assert_eq!(guest.stat(ROOT, from, false), Err(NOENT), "{from} to {to}");
        }
    }
}

/// Two names of one file: Linux leaves both alone.
#[test]
fn renaming_a_file_to_itself_does_nothing() {
    let (world, mut guest) = furnished();
    guest.link(ROOT, "file", ROOT, "full/same").unwrap();
    let before = world.things_inside();
    assert_eq!(guest.rename(ROOT, "file", ROOT, "full/same"), Ok(()));
    assert_eq!(world.things_inside(), before);
}

/// They stay where they are, and nothing is lost.
#[cfg(windows)]
#[test]
fn directories_that_are_open_stay() {
    let (world, mut guest) = furnished();
    let dir = guest.open(ROOT, "dir", Open::DIRECTORY).unwrap();
    let full = guest.open(ROOT, "full", Open::DIRECTORY).unwrap();
    let before = world.things_inside();
    assert_eq!(guest.remove_directory(ROOT, "dir"), Err(BUSY));
    assert_eq!(guest.rename(ROOT, "dir", ROOT, "new"), Err(BUSY));
    assert_eq!(guest.rename(ROOT, "full", ROOT, "dir"), Err(BUSY));
    assert_eq!(world.things_inside(), before);
    assert_eq!(guest.contents(full, "x"), Ok(b"x".to_vec()));
    for fd in [dir, full] {
        guest.close(fd).unwrap();
    }
    assert_eq!(guest.rename(ROOT, "full", ROOT, "dir"), Ok(()));
    assert_eq!(guest.contents(ROOT, "dir/x"), Ok(b"x".to_vec()));
}

#[test]
fn things_move_between_directories() {
    let (world, mut guest) = furnished();
    let full = guest.open(ROOT, "full", Open::DIRECTORY).unwrap();
    let dir = guest.open(ROOT, "dir", Open::DIRECTORY).unwrap();
    guest.rename(full, "x", dir, "y").unwrap();
    assert_eq!((guest.names(full), guest.names(dir)), (Ok(vec![]), Ok(vec!["y".to_string()])));
    guest.link(dir, "y", full, "z").unwrap();
    assert_eq!(guest.contents(full, "z"), Ok(b"x".to_vec()));
    assert_eq!(guest.rename(ROOT, "full", full, "below"), Err(INVAL), "into itself");
    if cfg!(windows) {
        // What is open stays where it is.
        return;
    }
    // A directory that moves is still the one that is open.
    guest.rename(ROOT, "full", dir, "moved").unwrap();
    guest.symlink("z", full, "link").unwrap();
    assert_eq!(fs::read_dir(world.at("dir/moved")).unwrap().count(), 2);
    assert_eq!(guest.contents(dir, "moved/link"), Ok(b"x".to_vec()));
}

#[test]
fn files_get_other_names() {
    let (world, mut guest) = furnished();
    for (from, to, expected) in [
        ("file", "new", OK),
        ("file", "full/new", OK),
        ("to_dir/../file", "to_dir/new", OK),
        ("file", "file", EXIST),
        ("file", "full/x", EXIST),
        ("file", "dir", EXIST),
        ("file", "to_file", EXIST),
        ("file", "dangling", EXIST),
        ("file", "new/", NOENT),
        ("file", "absent/x", NOENT),
        ("absent", "new", NOENT),
        ("dir", "new", PERM),
        ("file/", "new", NOTDIR),
        ("to_file", "new", OK),
        ("dangling", "new", OK),
        ("loop", "new", OK),
    ] {
        if !can_be(from) || !can_be(to) {
            continue;
        }
        world.furnish();
        let before = world.things_inside();
        let found = guest.link(ROOT, from, ROOT, to);
        assert_eq!(Errno::of(&found), expected, "{from} as {to}");
        if expected == OK {
            let (old, new) = (guest.stat(ROOT, from, false), guest.stat(ROOT, to, false));
            assert_eq!(old, new, "{from} as {to}");
            assert_eq!(old.unwrap().nlink, 2);
        } else {
            assert_eq!(world.things_inside(), before, "{from} as {to}: nothing has changed");
        }
    }
    // Both names give the same when they are opened.
    guest.link(ROOT, "file", ROOT, "full/new").unwrap();
    let (one, two) =
        (guest.open(ROOT, "file", Open::READ), guest.open(ROOT, "full/new", Open::READ));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(guest.fdstat(one), guest.fdstat(two));
    assert_eq!(guest.filestat(one), guest.filestat(two));
    // Not what a link leads to: one could not tell what that is.
    let (old, new) = (PATHS[0], PATHS[1]);
    guest.write(old, b"to_file");
    guest.write(new, b"made");
    assert_eq!(call!(guest, "path_link", ROOT, 1, old, 7, ROOT, new, 4), INVAL);
}

#[test]
fn links_hold_any_words() {
    let (_world, mut guest) = furnished();
    let long = "x/".repeat(2047);
    let some = ["file", "a/../b//./c/", "../../..", "no such thing"];
    let more = if cfg!(windows) { vec![] } else { vec![" ", &long] };
    for contents in some.into_iter().chain(more).filter(|_| has_links()) {
        guest.symlink(contents, ROOT, "link").unwrap();
        assert_eq!(guest.readlink(ROOT, "link", 5000), Ok(contents.as_bytes().to_vec()));
        let size = if cfg!(windows) { 0 } else { contents.len() as u64 };
        assert_eq!(guest.stat(ROOT, "link", false).unwrap().size, size);
        for room in [0, 1, contents.len() as u32 - 1, contents.len() as u32] {
            let cut = contents.as_bytes()[..room as usize].to_vec();
            assert_eq!(guest.readlink(ROOT, "link", room), Ok(cut), "{room} bytes");
        }
        guest.unlink(ROOT, "link").unwrap();
    }
    for (contents, path, expected) in [
        ("", "link", NOENT),
        ("/", "link", PERM),
        ("/absolute", "link", PERM),
        ("file", "file", EXIST),
        ("file", "dangling", EXIST),
        ("file", "absent/x", NOENT),
        ("file", "absent/", NOENT),
        ("file", "dir/", EXIST),
        (&"x".repeat(5000), "link", NAMETOOLONG),
    ] {
        if !can_be(path) {
            continue;
        }
        assert_eq!(guest.symlink(contents, ROOT, path), Err(expected), "{path}");
    }
    assert_eq!(guest.readlink(ROOT, "file", 10), Err(INVAL));
    assert_eq!(guest.readlink(ROOT, "dir", 10), Err(INVAL));
    assert_eq!(guest.readlink(ROOT, "absent", 10), Err(NOENT));
}

#[test]
fn directories_are_made_and_removed() {
    let (world, mut guest) = furnished();
    guest.create_directory(ROOT, "new").unwrap();
    guest.create_directory(ROOT, "new/below/").unwrap();
    guest.create_directory(ROOT, "new/./below/../other").unwrap();
    assert_eq!(guest.create_directory(ROOT, "new"), Err(EXIST));
    assert_eq!(guest.create_directory(ROOT, "file"), Err(EXIST));
    if has_links() {
        assert_eq!(guest.create_directory(ROOT, "dangling"), Err(EXIST));
        assert_eq!(guest.remove_directory(ROOT, "to_dir"), Err(NOTDIR));
    }
    assert_eq!(guest.create_directory(ROOT, "absent/below"), Err(NOENT));
    assert_eq!(guest.create_directory(ROOT, "file/below"), Err(NOTDIR));
    assert_eq!(guest.remove_directory(ROOT, "new"), Err(NOTEMPTY));
    assert_eq!(guest.remove_directory(ROOT, "file"), Err(NOTDIR));
    assert_eq!(guest.unlink(ROOT, "new"), Err(ISDIR));
    guest.remove_directory(ROOT, "new/below").unwrap();
    guest.remove_directory(ROOT, "new/other").unwrap();
    guest.remove_directory(ROOT, "new").unwrap();
    assert!(!fs::exists(world.at("new")).unwrap());
    if has_links() {
        guest.unlink(ROOT, "to_dir").unwrap();
        let exists = fs::exists(world.at("dir")).unwrap();
        assert!(exists, "a link was removed, and not what it leads to");
    }
}

/// `rmdir("name/")` is what many programs do.
#[test]
fn directories_may_be_removed_with_a_slash() {
    let (_world, mut guest) = furnished();
    assert_eq!(guest.remove_directory(ROOT, "dir/"), Ok(()));
    assert_eq!(guest.remove_directory(ROOT, "full///"), Err(NOTEMPTY));
    assert_eq!(guest.remove_directory(ROOT, "file/"), Err(NOTDIR));
}

#[test]
fn names_of_255_bytes_are_names() {
    let world = World::new();
    let mut guest = world.guest();
    let (longest, too_long) = ("n".repeat(255), "n".repeat(256));
    let file = guest.open(ROOT, &longest, Open::CREATE).unwrap();
    guest.put(file, b"x").unwrap();
    assert_eq!(guest.names(ROOT), Ok(vec![longest.clone()]));
    assert_eq!(set(&guest.entries(ROOT, 24 + 255, 0).unwrap()).len(), 3, "one at a time");
    guest.rename(ROOT, &longest, ROOT, "short").unwrap();
    guest.link(ROOT, "short", ROOT, &longest).unwrap();
    assert_eq!(guest.contents(ROOT, &longest), Ok(b"x".to_vec()));
    assert_eq!(guest.rename(ROOT, "short", ROOT, &too_long), Err(NAMETOOLONG));
    assert_eq!(guest.open(ROOT, &too_long, Open::CREATE), Err(NAMETOOLONG));
    guest.close(file).unwrap();
    guest.unlink(ROOT, &longest).unwrap();
    guest.create_directory(ROOT, &longest).unwrap();
    if has_links() {
        let below = guest.open(ROOT, &longest, Open::DIRECTORY).unwrap();
        guest.symlink(&longest, below, &longest).unwrap();
        assert_eq!(guest.names(below), Ok(vec![longest]));
    }
}

/// Names are bytes to Linux, and pass through as they are.
#[cfg(target_os = "linux")]
#[test]
fn names_need_not_be_text() {
    let world = World::new();
    let mut guest = world.guest();
    let names: [&[u8]; 4] = [b"\xff", b"caf\xe9", b"\x80\xbf", b"\xed\xa0\x80"];
    for name in names {
        let path = world.inside().join(system::name(name));
        let fd = guest.open(ROOT, name, Open::CREATE).unwrap();
        guest.put(fd, name).unwrap();
        guest.close(fd).unwrap();
        assert_eq!(fs::read(&path).unwrap(), name, "the host sees the same name");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(guest.stat(ROOT, name, false).unwrap().filetype, filetype::DIRECTORY);
        guest.symlink(name, ROOT, "link").unwrap();
        assert_eq!(guest.readlink(ROOT, "link", 10), Ok(name.to_vec()));
        guest.unlink(ROOT, "link").unwrap();
    }
    let listed: std::collections::BTreeMap<_, _> = guest
        .entries(ROOT, 4096, 0)
        .unwrap()
        .into_iter()
        .map(|it| (it.name, it.filetype))
        .collect();
    for name in names {
        assert_eq!(listed.get(name), Some(&filetype::DIRECTORY));
        guest.remove_directory(ROOT, name).unwrap();
    }
}

/// How much memory this process uses.
#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Only Linux says in a file how much memory is used.
#[cfg(target_os = "linux")]
#[test]
fn lists_of_many_directories_do_not_pile_up() {
    let world = World::new();
    let names: Vec<String> = (0..2000).map(|number| format!("{number:0>250}")).collect();
    for name in &names {
        fs::write(world.at(name), "").unwrap();
    }
    let mut guest = world.guest();
    let first = guest.open(ROOT, ".", Open::DIRECTORY).unwrap();
    let some = Dirent::list(&guest.readdir(first, 4096, 0).unwrap());
    let next = some[some.len() - 2].next;
    let before = resident_bytes();
    // Half a megabyte each, if all were kept; also of directories that get other numbers.
    for round in 0..400 {
        let fd = guest.open(ROOT, ".", Open::DIRECTORY).unwrap();
        guest.readdir(fd, 0, 0).unwrap();
        if round % 2 == 1 {
            let other = guest.open(ROOT, ".", Open::DIRECTORY).unwrap();
            guest.renumber(fd, other).unwrap();
        }
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 140 << 20, "{grown} bytes");
    // The list of the first is forgotten by now, and made again.
    let rest = guest.entries(first, 4096, next).unwrap();
    assert_eq!(rest.len() as u64, names.len() as u64 + 2 - next);
}

/// As some libraries do, until there is nothing.
#[test]
fn who_looks_once_more_at_the_end_sees_the_end() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        fs::write(world.at(name), "").unwrap();
    }
    let mut guest = world.guest();
    let entries = guest.entries(ROOT, 4096, 0).unwrap();
    let end = entries.last().unwrap().next;
    assert_eq!((entries.len(), end), (5, 5));
    for name in ["d", "e", "f"] {
        fs::write(world.at(name), "").unwrap();
    }
    assert_eq!(guest.readdir(ROOT, 4096, end), Ok(vec![]), "what came later was not there");
    assert_eq!(guest.readdir(ROOT, 4096, u64::MAX), Ok(vec![]));
    // Who goes back gets what there is.
    assert_eq!(guest.entries(ROOT, 4096, 2).unwrap().len(), 6);
    assert_eq!(guest.entries(ROOT, 4096, 0).unwrap().len(), 8);
}
