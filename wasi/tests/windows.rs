//! What only Windows makes of paths: other separators, drives, devices, streams behind files, names that are another's. None
//! of it reaches anything outside, nor anything inside by a name that it has not.
#![cfg(windows)]

mod common;

use std::fs;

use common::system::has_links;
use common::world::{ROOT, SECRET, World, check_deeds, check_deeds_of};
use common::*;

/// Not even as the contents of a link.
const REFUSED: &str = "INVAL: *";

#[test]
fn backslashes_separate_nothing() {
    check_deeds(
        &[
            r"..\out\secret",
            r"..\..",
            r"dir\..\..\out\secret",
            r"dir/..\../out/secret",
            r"full\x",
            r"\",
            r"\\",
            r"\file",
            r"\windows\win.ini",
            r"file\",
            r"dir\x",
        ]
        .map(|path| (path, REFUSED)),
    );
}

#[test]
fn drives_and_other_machines_are_out_of_reach() {
    let world = World::new();
    let secret = world.outside().join("secret");
    let secret = secret.to_str().unwrap();
    let slashes = secret.replace('\\', "/");
    let rows: Vec<(&str, &str)> = [
        secret,
        &slashes,
        "C:",
        "c:",
        "C:/",
        "C:file",
        "C:../out/secret",
        "Z:/etc/passwd",
        "dir/C:/windows",
        r"\\server\share\file",
        r"\\?\C:\windows\win.ini",
        r"\\.\C:\windows\win.ini",
        r"\??\C:\windows\win.ini",
        r"\\.\PhysicalDrive0",
        r"\\.\pipe\x",
    ]
    .map(|path| (path, REFUSED))
    .into();
    let guest = world.guest();
    check_deeds_of(world, guest, &rows);
    check_deeds(
        &["//server/share/file", "//./C/windows", "//localhost/c$", "/C/windows", "//./pipe/x"]
            .map(|path| (path, "PERM: *")),
    );
}

/// A file has other contents behind a colon, and a directory its list.
#[test]
fn streams_behind_files_are_out_of_reach() {
    check_deeds(
        &[
            "file:",
            "file:stream",
            "file:stream:$DATA",
            "file::$DATA",
            "file::$data",
            "dir:stream",
            "dir::$INDEX_ALLOCATION",
            "dir:$I30:$INDEX_ALLOCATION/x",
            "full::$INDEX_ALLOCATION/x",
            "absent:stream",
            ":stream",
            ".:stream",
            "..:stream",
            "..::$INDEX_ALLOCATION/out/secret",
        ]
        .map(|path| (path, REFUSED)),
    );
}

#[test]
fn devices_are_in_no_directory() {
    check_deeds(
        &[
            "CON",
            "con",
            "PRN",
            "AUX",
            "NUL",
            "nul",
            "Nul.txt",
            "NUL.tar.gz",
            "COM1",
            "com9",
            "COM0",
            "LPT1",
            "LPT9.x",
            "COM¹",
            "lpt²",
            "CONIN$",
            "conout$",
            "NUL .txt",
            "dir/NUL",
            "full/../con",
            "dir/COM1.x",
            "NUL/x",
            "aux/../file",
        ]
        .map(|path| (path, REFUSED)),
    );
}

/// Windows would leave away what is at the end, and find the file without it.
#[test]
fn names_have_one_spelling() {
    check_deeds(
        &[
            "file.",
            "file..",
            "file ",
            "file. .",
            "dir.",
            "dir /",
            "dir./x",
            "full /x",
            "full./x",
            "...",
            "....",
            ". ",
            ".. ",
            ".. /out/secret",
            ".../out/secret",
            ". ./file",
            " ",
        ]
        .map(|path| (path, REFUSED)),
    );
}

#[test]
fn what_is_no_name_is_refused() {
    check_deeds(
        &[
            "a?",
            "*",
            "file*",
            "f?le",
            "a<",
            "a>b",
            "a|b",
            "\"file\"",
            "new\nline",
            "\u{1}",
            "tab\t",
        ]
        .map(|path| (path, REFUSED)),
    );
    let world = World::new();
    world.furnish();
    let mut guest = world.guest();
    for path in [&b"\xff"[..], b"file\xff", b"caf\xe9", b"\xed\xa0\x80", b"dir/\xc0\xae\xc0\xae"] {
        assert_eq!(guest.open(ROOT, path, Open::CREATE), Err(ILSEQ), "{path:x?}");
        assert_eq!(guest.create_directory(ROOT, path), Err(ILSEQ), "{path:x?}");
        assert_eq!(Errno::of(&guest.stat(ROOT, path, true)), ILSEQ, "{path:x?}");
        assert_eq!(guest.symlink(path, ROOT, "made"), Err(ILSEQ), "{path:x?}");
    }
}

/// As Windows has it: a name in other letters is the same name, and can be changed to them.
#[test]
fn letters_have_no_case() {
    let world = World::new();
    world.furnish();
    let mut guest = world.guest();
    assert_eq!(guest.contents(ROOT, "FILE"), Ok(b"0123456789".to_vec()));
    let exclusive = Open::CREATE.oflags(oflags::CREAT | oflags::EXCL);
    assert_eq!(guest.open(ROOT, "File", exclusive), Err(EXIST));
    assert_eq!(guest.create_directory(ROOT, "DIR"), Err(EXIST));
    // Wine before 9 says that it has changed them.
    fs::write(world.at("probe"), "").unwrap();
    fs::rename(world.at("probe"), world.at("PROBE")).unwrap();
    if guest.names(ROOT).unwrap().contains(&"probe".to_string()) {
        eprintln!("SKIPPED: names in other letters, as they cannot be changed to them here");
        return;
    }
    assert_eq!(guest.rename(ROOT, "file", ROOT, "FILE"), Ok(()));
    let names = guest.names(ROOT).unwrap();
    assert!(
        names.contains(&"FILE".to_string()) && !names.contains(&"file".to_string()),
        "{names:?}"
    );
    assert_eq!(guest.rename(ROOT, "dir", ROOT, "DIR"), Ok(()));
    assert!(guest.names(ROOT).unwrap().contains(&"DIR".to_string()));
}

/// What others have open for themselves alone.
#[test]
fn what_is_locked_is_busy() {
    use std::os::windows::fs::OpenOptionsExt;
    let world = World::new();
    world.furnish();
    let mut guest = world.guest();
    let locked = fs::File::options().read(true).share_mode(0).open(world.at("file")).unwrap();
    assert_eq!(guest.open(ROOT, "file", Open::READ), Err(BUSY));
    assert_eq!(guest.open(ROOT, "file", Open::WRITE), Err(BUSY));
    assert_eq!(guest.unlink(ROOT, "file"), Err(BUSY));
    assert_eq!(guest.rename(ROOT, "file", ROOT, "new"), Err(BUSY));
    assert_eq!(guest.stat(ROOT, "file", true).unwrap().size, 10, "this can be known");
    assert_eq!(guest.names(ROOT).unwrap().len(), common::world::furniture_count());
    drop(locked);
    assert_eq!(guest.contents(ROOT, "file"), Ok(b"0123456789".to_vec()));
    // Who makes room takes a lock, so that nobody's data is cut off.
    let fd = guest.open(ROOT, "file", Open::WRITE).unwrap();
    let locked = fs::File::options().read(true).write(true).open(world.at("file")).unwrap();
    locked.lock().unwrap();
    assert_eq!(call!(guest, "fd_allocate", fd, 0, 100), AGAIN);
    assert_eq!(guest.filestat(fd).unwrap().size, 10);
    drop(locked);
    assert_eq!(call!(guest, "fd_allocate", fd, 0, 100), OK);
    assert_eq!(guest.filestat(fd).unwrap().size, 100);
}

/// Links of the host's that lead outside by what only Windows knows.
#[test]
fn links_with_drives_and_backslashes_lead_nowhere() {
    if !has_links() {
        return;
    }
    let world = World::new();
    world.furnish();
    let secret = world.outside().join("secret");
    let mut guest = world.guest();
    for contents in [r"..\out\secret", r"dir\..\..\out\secret", secret.to_str().unwrap()] {
        common::system::symlink(contents, world.at("way"));
        for how in [Open::READ.follow(), Open::WRITE.follow()] {
            assert_eq!(guest.open(ROOT, "way", how), Err(PERM), "{contents}");
        }
        assert_eq!(guest.readlink(ROOT, "way", 500), Ok(contents.replace('\\', "/").into_bytes()));
        fs::remove_file(world.at("way")).unwrap();
    }
    assert_eq!(fs::read(secret).unwrap(), SECRET.as_bytes());
}

/// Where no links can be made, a guest is told so, and nothing is there.
#[test]
fn links_that_cannot_be_made_are_an_error() {
    let world = World::new();
    world.furnish();
    let mut guest = world.guest();
    let found = guest.symlink("file", ROOT, "link");
    match has_links() {
        true => assert_eq!(guest.readlink(ROOT, "link", 10), found.map(|()| b"file".to_vec())),
        false => {
            assert!([Err(PERM), Err(NOTSUP)].contains(&found), "{found:?}");
            assert_eq!(guest.stat(ROOT, "link", false).map(|_| ()), Err(NOENT));
        }
    }
}
