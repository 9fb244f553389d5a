//! Numbers of descriptors: which ones are given, what becomes of them, how many there can be, and that nothing leaks.

mod common;

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};

use wootz_wasi::{FsPerms, MemoryOutputPipe, WasiCtx, WasiCtxBuilder};

use common::system::{has_links, symlink};
use common::world::{ROOT, World};
use common::*;

fn furnished() -> (World, Guest) {
    let world = World::new();
    world.furnish();
    let guest = world.guest();
    (world, guest)
}

/// A builder of a context that has a world open.
fn builder(world: &World) -> WasiCtxBuilder {
    let mut builder = WasiCtx::builder();
    builder.preopened_dir(world.inside(), "/", FsPerms::ReadWrite).unwrap();
    builder
}

#[test]
fn the_lowest_free_number_is_taken() {
    let (_world, mut guest) = furnished();
    let mut open = |expected: &[u32]| {
        for &expected in expected {
            assert_eq!(guest.open(ROOT, "file", Open::READ), Ok(expected));
        }
    };
    open(&[4, 5, 6, 7]);
    for (closed, next) in
        [(&[5][..], &[5, 8][..]), (&[7, 4, 6], &[4, 6, 7, 9]), (&[0, 2], &[0, 2, 10])]
    {
        for &fd in closed {
            guest.close(fd).unwrap();
        }
        for &expected in next {
            assert_eq!(
                guest.open(ROOT, "file", Open::READ),
                Ok(expected),
                "after closing {closed:?}"
            );
        }
    }
    assert_eq!(guest.read(0, 4), Ok(b"0123".to_vec()), "what was standard input is a file now");
    guest.close(1).unwrap();
    guest.close(ROOT).unwrap();
    assert_eq!(guest.open(ROOT, "file", Open::READ), Err(BADF));
}

#[test]
fn what_fails_takes_no_number() {
    let (_world, mut guest) = furnished();
    for (path, how) in [
        ("absent", Open::READ),
        ("file", Open::CREATE.oflags(oflags::CREAT | oflags::EXCL)),
        ("file", Open::READ.oflags(oflags::DIRECTORY)),
        ("dir", Open::WRITE),
        ("secret", Open::READ.follow()),
        ("made", Open::CREATE.oflags(oflags::CREAT | oflags::DIRECTORY)),
    ] {
        assert!(guest.open(ROOT, path, how).is_err(), "{path}");
    }
    assert_eq!(guest.open(ROOT, "file", Open::READ), Ok(4));
}

#[test]
fn closed_numbers_mean_nothing() {
    let (_world, mut guest) = furnished();
    let fd = guest.open(ROOT, "file", Open::WRITE).unwrap();
    guest.close(fd).unwrap();
    for number in [fd, fd + 1, 1000, 1 << 31, u32::MAX] {
        assert_eq!(guest.close(number), Err(BADF));
        assert_eq!(guest.fdstat(number), Err(BADF));
        assert_eq!(guest.filestat(number), Err(BADF));
        assert_eq!(guest.renumber(number, ROOT), Err(BADF));
        assert_eq!(guest.renumber(ROOT, number), Err(BADF), "which C libraries count on");
        assert_eq!(guest.renumber(number, number), Err(BADF));
    }
    assert!(guest.fdstat(ROOT).is_ok());
}

#[test]
fn directories_that_were_open_from_the_beginning_have_names() {
    let world = World::new();
    let mut builder = WasiCtx::builder();
    let names = ["/", "a name", "", "dir/../sub/", "名前"];
    for name in names {
        builder.preopened_dir(world.inside(), name, FsPerms::ReadWrite).unwrap();
    }
    let mut guest = Guest::new(builder.build());
    for (fd, name) in (ROOT..).zip(names) {
        assert_eq!(guest.prestat(fd), Ok(name.as_bytes().to_vec()), "{fd}");
        // A buffer may be too long, and is too short otherwise.
        guest.write(OUTPUT, &[0xa5; 40]);
        assert_eq!(call!(guest, "fd_prestat_dir_name", fd, OUTPUT, 30), OK);
        assert_eq!(guest.bytes(OUTPUT, name.len()), name.as_bytes());
        assert_eq!(guest.bytes(OUTPUT + name.len() as u32, 1), [0xa5]);
        if !name.is_empty() {
            let short = name.len() - 1;
            assert_eq!(call!(guest, "fd_prestat_dir_name", fd, OUTPUT, short), NAMETOOLONG);
            assert_eq!(call!(guest, "fd_prestat_dir_name", fd, OUTPUT, 0), NAMETOOLONG);
        }
    }
    let end = ROOT + names.len() as u32;
    assert_eq!(guest.prestat(end), Err(BADF), "which ends a C library's search");
    let opened = guest.open(ROOT, ".", Open::DIRECTORY).unwrap();
    assert_eq!(opened, end);
    assert_eq!(guest.prestat(opened), Err(BADF), "what the guest opens has no such name");
    for fd in [0, 1, 2] {
        assert_eq!(guest.prestat(fd), Err(BADF));
        assert_eq!(call!(guest, "fd_prestat_dir_name", fd, OUTPUT, 10), NOTDIR);
    }
}

#[test]
fn what_is_no_directory_cannot_be_opened_for_a_guest() {
    let world = World::new();
    world.furnish();
    for path in ["file", "absent", "dangling", "loop"] {
        let path = world.at(path);
        let error = WasiCtx::builder()
            .preopened_dir(&path, "/", FsPerms::ReadWrite)
            .map(|_| ())
            .unwrap_err();
        assert!(format!("{error:?}").contains(path.to_str().unwrap()), "{error:?}");
    }
    if !has_links() {
        return;
    }
    symlink("full", world.at("to_full"));
    let ctx = WasiCtx::builder()
        .preopened_dir(world.at("to_full"), "/", FsPerms::ReadWrite)
        .unwrap()
        .build();
    assert_eq!(
        Guest::new(ctx).names(ROOT),
        Ok(vec!["x".to_string()]),
        "the host's links are followed"
    );
}

#[test]
fn one_descriptor_takes_the_place_of_another() {
    let (world, mut guest) = furnished();
    fs::write(world.at("other"), "other").unwrap();
    let from = guest.open(ROOT, "file", Open::READ).unwrap();
    let to = guest.open(ROOT, "other", Open::WRITE).unwrap();
    let fdstat = guest.fdstat(from).unwrap();
    assert_eq!(guest.read(from, 3), Ok(b"012".to_vec()));
    guest.renumber(from, to).unwrap();
    assert_eq!(guest.fdstat(from), Err(BADF));
    assert_eq!(guest.close(from), Err(BADF));
    assert_eq!(guest.fdstat(to), Ok(fdstat));
    assert_eq!(guest.read(to, 3), Ok(b"345".to_vec()), "and goes on where it was");
    assert_eq!(guest.renumber(to, from), Err(BADF));
    assert_eq!(guest.renumber(to, to), Ok(()));
    assert_eq!(guest.read(to, 3), Ok(b"678".to_vec()));
    assert_eq!(guest.open(ROOT, "dir", Open::DIRECTORY), Ok(from), "the number is free");
}

#[test]
fn directories_from_the_beginning_can_be_closed_and_replaced() {
    let (world, mut guest) = furnished();
    let dir = guest.open(ROOT, "full", Open::DIRECTORY).unwrap();
    let stat = guest.filestat(dir).unwrap();
    guest.renumber(dir, ROOT).unwrap();
    assert!(guest.filestat(ROOT).unwrap().same_file(&stat));
    assert_eq!(guest.fdstat(dir), Err(BADF));
    assert_eq!(guest.contents(ROOT, "x"), Ok(b"x".to_vec()));
    assert_eq!(guest.prestat(ROOT), Err(BADF), "this one has no name");
    guest.close(ROOT).unwrap();
    assert_eq!(guest.fdstat(ROOT), Err(BADF));

    let mut guest = world.guest();
    let other = guest.open(ROOT, "dir", Open::DIRECTORY).unwrap();
    guest.renumber(ROOT, other).unwrap();
    assert_eq!(guest.prestat(other), Ok(b"/".to_vec()), "it takes its name with it");
    assert_eq!(guest.contents(other, "file"), Ok(b"0123456789".to_vec()));
    let dir = guest.open(other, ".", Open::DIRECTORY).unwrap();
    guest.close(other).unwrap();
    assert_eq!(guest.contents(dir, "file"), Ok(b"0123456789".to_vec()), "this one stays open");
}

#[test]
fn standard_streams_can_be_replaced() {
    let world = World::new();
    world.furnish();
    let output = MemoryOutputPipe::new(100);
    let mut guest = Guest::new(builder(&world).stdout(output.clone()).build());
    let file = guest.open(ROOT, "file", Open::WRITE).unwrap();
    let log = guest.open(ROOT, "log", Open::CREATE).unwrap();
    guest.put(1, b"before").unwrap();
    guest.renumber(1, log).unwrap();
    guest.put(log, b", between").unwrap();
    assert_eq!(guest.put(1, b"x"), Err(BADF));
    guest.renumber(file, 0).unwrap();
    assert_eq!(guest.read(0, 5), Ok(b"01234".to_vec()));
    guest.renumber(log, 2).unwrap();
    guest.put(2, b", after").unwrap();
    assert_eq!(output.contents(), b"before, between, after");
    for fd in [0, 2, ROOT] {
        guest.close(fd).unwrap();
    }
    assert_eq!(fs::read(world.at("log")).unwrap(), b"");
}

#[test]
fn there_is_a_limit() {
    let world = World::new();
    world.furnish();
    for max in [0, 3, 4, 5, 16, 40] {
        let mut guest = Guest::new(builder(&world).max_descriptors(max).build());
        // What was open from the beginning is there, whatever the limit says.
        for fd in 4..max as u32 {
            assert_eq!(guest.open(ROOT, "file", Open::READ), Ok(fd), "of {max}");
        }
        for _ in 0..3 {
            assert_eq!(guest.open(ROOT, "file", Open::READ), Err(MFILE), "of {max}");
            assert_eq!(guest.open(ROOT, "new", Open::CREATE), Err(MFILE), "of {max}");
            let truncate = Open::WRITE.oflags(oflags::TRUNC);
            assert_eq!(guest.open(ROOT, "file", truncate), Err(MFILE), "of {max}");
        }
        assert_eq!(guest.stat(ROOT, "new", false), Err(NOENT), "nothing was made");
        assert_eq!(guest.stat(ROOT, "file", false).unwrap().size, 10, "nothing was cut off");
        world.assert_open(max.max(4) - 3);
        if max > 4 {
            let last = max as u32 - 1;
            guest.renumber(last, 0).unwrap();
            assert_eq!(guest.open(ROOT, "file", Open::READ), Ok(last), "there is room again");
            assert_eq!(guest.open(ROOT, "file", Open::READ), Err(MFILE));
        }
        drop(guest);
        world.assert_open(0);
    }
}

/// A connection that finds no room is not lost: it waits until there is some.
#[test]
fn connections_count_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::new();
    world.furnish();
    let mut guest =
        Guest::new(builder(&world).preopened_listener(listener).max_descriptors(6).build());
    let listener = ROOT + 1;
    let file = guest.open(ROOT, "file", Open::READ).unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    assert_eq!(guest.accept(listener, 0), Err(MFILE));
    guest.close(file).unwrap();
    assert_eq!(guest.accept(listener, 0), Ok(file));
    guest.send(file, b"welcome").unwrap();
    drop(guest);
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"welcome", "and the end, as the guest's socket is closed");
}

#[test]
fn nothing_leaks() {
    let (world, mut guest) = furnished();
    world.assert_open(1);
    let dir = guest.open(ROOT, "dir", Open::DIRECTORY).unwrap();
    let file = guest.open(dir, "new", Open::CREATE).unwrap();
    let linked = if has_links() { "to_dir/../to_file" } else { "dir/../file" };
    let linked = guest.open(ROOT, linked, Open::READ.follow()).unwrap();
    world.assert_open(4);
    for _ in 0..3 {
        guest.entries(ROOT, 100, 0).unwrap();
        guest.stat(ROOT, "dir/new", true).unwrap();
        guest.create_directory(ROOT, "dir/below").unwrap();
        guest.rename(ROOT, "dir/below", dir, "renamed").unwrap();
        guest.remove_directory(dir, "renamed").unwrap();
        if has_links() {
            guest.symlink("x", ROOT, "full/link").unwrap();
            guest.readlink(ROOT, "full/link", 10).unwrap();
        } else {
            assert!(guest.symlink("x", ROOT, "full/link").is_err());
            guest.link(ROOT, "full/x", ROOT, "full/link").unwrap();
        }
        guest.link(ROOT, "full/link", ROOT, "full/other").unwrap();
        guest.unlink(ROOT, "full/link").unwrap();
        guest.unlink(ROOT, "full/other").unwrap();
        guest.set_times_at(ROOT, "file", true, (0, 0, fstflags::MTIM_NOW)).unwrap();
        assert_eq!(call!(guest, "fd_sync", file), OK);
        assert_eq!(call!(guest, "fd_sync", dir), OK);
        assert_eq!(call!(guest, "fd_datasync", ROOT), OK);
        for path in ["secret", "absent", "loop", "up/in/file", "file/x"] {
            assert!(guest.open(ROOT, path, Open::READ.follow()).is_err());
            assert!(guest.open(ROOT, path, Open::DIRECTORY).is_err());
        }
        world.assert_open(4);
    }
    guest.renumber(linked, file).unwrap();
    world.assert_open(3);
    guest.close(file).unwrap();
    world.assert_open(2);
    guest.close(ROOT).unwrap();
    world.assert_open(1);
    drop(guest);
    world.assert_open(0);
    // What was opened for a guest that never came to be is closed as well.
    drop(builder(&world));
    drop(builder(&world).build());
    world.assert_open(0);
}

/// What means nothing for files may be asked for with the rest.
#[test]
fn all_rights_may_be_asked_for() {
    let (_world, mut guest) = furnished();
    let all = Open::READ.base(u64::MAX).inheriting(u64::MAX);
    let fd = guest.open(ROOT, "file", all).unwrap();
    assert_eq!(guest.fdstat(fd).unwrap().base, rights::FILE);
}

/// A guest that opens all that it can leaves something for its host.
#[test]
fn a_guest_does_not_get_all_descriptors_of_the_process() {
    let (world, mut guest) = furnished();
    let mut opened = 0;
    let error = loop {
        match guest.open(ROOT, "file", Open::READ) {
            Ok(_) => opened += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, MFILE);
    assert!((100..=1020).contains(&opened), "{opened} files");
    fs::read(world.at("file")).unwrap();
}
