//! Rights: what a descriptor may do, what it passes on, and what a host allows at most.

mod common;

use std::fs;

use wootz_wasi::{FsPerms, WasiCtx};

use common::rights::*;
use common::system::has_links;
use common::world::{DEEDS, ROOT, World, can_be};
use common::*;

fn furnished() -> (World, Guest) {
    let world = World::new();
    world.furnish();
    let guest = world.guest();
    (world, guest)
}

/// Everything that can be passed on.
const ALL: u64 = DIRECTORY | FILE;

#[test]
fn directories_from_the_beginning_may_do_everything() {
    let (_world, mut guest) = furnished();
    let fdstat = guest.fdstat(ROOT).unwrap();
    assert_eq!((fdstat.filetype, fdstat.flags), (filetype::DIRECTORY, 0));
    let needed = DIRECTORY & !(FD_DATASYNC | FD_SYNC | FD_FDSTAT_SET_FLAGS);
    assert_eq!(fdstat.base & needed, needed, "{fdstat:?}");
    assert_eq!(fdstat.inheriting & ALL, ALL, "{fdstat:?}");
    let for_files =
        FD_READ | FD_WRITE | FD_SEEK | FD_TELL | FD_ADVISE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE;
    assert_eq!(fdstat.base & for_files, 0, "{fdstat:?}");
}

/// Something that is done with a descriptor.
type Use = fn(&mut Guest, u32) -> Errno;

/// What can be done with a file, and the rights that it takes.
const FILE_USES: &[(&str, u64, Use)] = &[
    ("fd_datasync", FD_DATASYNC, |guest, fd| call!(guest, "fd_datasync", fd)),
    ("fd_sync", FD_SYNC, |guest, fd| call!(guest, "fd_sync", fd)),
    ("fd_read", FD_READ, |guest, fd| Errno::of(&guest.read(fd, 1))),
    ("fd_pread", FD_READ | FD_SEEK, |guest, fd| Errno::of(&guest.pread(fd, 1, 1))),
    ("fd_write", FD_WRITE, |guest, fd| Errno::of(&guest.put(fd, b"x"))),
    ("fd_pwrite", FD_WRITE | FD_SEEK, |guest, fd| Errno::of(&guest.pput(fd, b"x", 1))),
    ("fd_seek", FD_SEEK, |guest, fd| Errno::of(&guest.seek(fd, 1, Whence::Start))),
    ("fd_fdstat_set_flags", FD_FDSTAT_SET_FLAGS, |guest, fd| {
        Errno::of(&guest.set_flags(fd, fdflags::NONBLOCK))
    }),
    ("fd_advise", FD_ADVISE, |guest, fd| call!(guest, "fd_advise", fd, 0, 1, 0)),
    ("fd_allocate", FD_ALLOCATE, |guest, fd| call!(guest, "fd_allocate", fd, 0, 1)),
    ("fd_filestat_get", FD_FILESTAT_GET, |guest, fd| Errno::of(&guest.filestat(fd))),
    ("fd_filestat_set_size", FD_FILESTAT_SET_SIZE, |guest, fd| Errno::of(&guest.set_size(fd, 5))),
    ("fd_filestat_set_times", FD_FILESTAT_SET_TIMES, |guest, fd| {
        Errno::of(&guest.set_times(fd, 0, 0, fstflags::MTIM_NOW))
    }),
];

/// What can be done with a directory, and the rights that it takes.
const DIRECTORY_USES: &[(&str, u64, Use)] = &[
    ("fd_readdir", FD_READDIR, |guest, fd| Errno::of(&guest.readdir(fd, 100, 0))),
    ("fd_filestat_get", FD_FILESTAT_GET, |guest, fd| Errno::of(&guest.filestat(fd))),
    ("fd_filestat_set_times", FD_FILESTAT_SET_TIMES, |guest, fd| {
        Errno::of(&guest.set_times(fd, 0, 0, fstflags::MTIM_NOW))
    }),
    ("path_create_directory", PATH_CREATE_DIRECTORY, |guest, fd| {
        Errno::of(&guest.create_directory(fd, "made"))
    }),
    ("path_filestat_get", PATH_FILESTAT_GET, |guest, fd| Errno::of(&guest.stat(fd, "file", true))),
    ("path_filestat_set_times", PATH_FILESTAT_SET_TIMES, |guest, fd| {
        Errno::of(&guest.set_times_at(fd, "file", true, (0, 0, fstflags::MTIM_NOW)))
    }),
    ("path_link from", PATH_LINK_SOURCE, |guest, fd| {
        Errno::of(&guest.link(fd, "file", ROOT, "made"))
    }),
    ("path_link to", PATH_LINK_TARGET, |guest, fd| {
        Errno::of(&guest.link(ROOT, "file", fd, "made"))
    }),
    ("path_open", PATH_OPEN, |guest, fd| Errno::of(&guest.open(fd, "file", Open::NOTHING))),
    ("path_open to create", PATH_OPEN | PATH_CREATE_FILE, |guest, fd| {
        Errno::of(&guest.open(fd, "made", Open::NOTHING.oflags(oflags::CREAT)))
    }),
    ("path_open to create or not", PATH_OPEN | PATH_CREATE_FILE, |guest, fd| {
        Errno::of(&guest.open(fd, "file", Open::NOTHING.oflags(oflags::CREAT)))
    }),
    ("path_open to truncate", PATH_OPEN | PATH_FILESTAT_SET_SIZE, |guest, fd| {
        Errno::of(&guest.open(fd, "file", Open::NOTHING.oflags(oflags::TRUNC)))
    }),
    ("path_readlink", PATH_READLINK, |guest, fd| {
        // Of a link it would be told, of a file only that it is none.
        match Errno::of(&guest.readlink(fd, if has_links() { "to_file" } else { "file" }, 10)) {
            INVAL if !has_links() => OK,
            errno => errno,
        }
    }),
    ("path_remove_directory", PATH_REMOVE_DIRECTORY, |guest, fd| {
        Errno::of(&guest.remove_directory(fd, "dir"))
    }),
    ("path_rename from", PATH_RENAME_SOURCE, |guest, fd| {
        Errno::of(&guest.rename(fd, "file", ROOT, "made"))
    }),
    ("path_rename to", PATH_RENAME_TARGET, |guest, fd| {
        Errno::of(&guest.rename(ROOT, "file", fd, "made"))
    }),
    ("path_symlink", PATH_SYMLINK, |guest, fd| match Errno::of(&guest.symlink("x", fd, "made")) {
        NOTSUP | PERM if !has_links() => OK,
        errno => errno,
    }),
    ("path_unlink_file", PATH_UNLINK_FILE, |guest, fd| Errno::of(&guest.unlink(fd, "file"))),
];

/// The rights one by one.
fn each(rights: u64) -> impl Iterator<Item = u64> {
    (0..64).map(|bit| 1 << bit).filter(move |right| rights & right != 0)
}

/// How a descriptor comes to have some rights and no others.
#[derive(Clone, Copy, Debug)]
enum By {
    /// It has given up the others.
    Itself,
    /// It was opened by way of a directory that had no others to give.
    Directory,
}

/// A directory that gives just these rights to what is opened by way of it.
fn giving(guest: &mut Guest, rights: u64) -> u32 {
    let dir = guest.open(ROOT, ".", Open::DIRECTORY).unwrap();
    let base = guest.fdstat(dir).unwrap().base;
    guest.set_rights(dir, base, rights).unwrap();
    dir
}

/// Does something with a descriptor that has these rights. Says, too, whether anything has changed.
fn used(world: &World, path: &str, rights: u64, by: By, what: Use) -> (Errno, bool) {
    world.furnish();
    let mut guest = world.guest();
    let fd = match by {
        By::Itself => {
            let how = if path == "." { Open::DIRECTORY } else { Open::WRITE };
            let fd = guest.open(ROOT, path, how).unwrap();
            guest.set_rights(fd, rights, 0).unwrap();
            fd
        }
        By::Directory => {
            let dir = giving(&mut guest, rights);
            guest.open(dir, path, Open::NOTHING.base(rights & (FD_READ | FD_WRITE))).unwrap()
        }
    };
    assert_eq!(guest.fdstat(fd).unwrap().base & !rights, 0, "it has no more than {rights:#x}");
    let before = world.things_inside();
    let errno = what(&mut guest, fd);
    (errno, world.things_inside() != before)
}

#[test]
fn each_use_takes_its_rights() {
    let world = World::new();
    for (path, all, uses) in
        [("file", FILE, FILE_USES), (".", DIRECTORY | PATH_OPEN, DIRECTORY_USES)]
    {
        for &(name, needed, what) in uses {
            for by in [By::Itself, By::Directory] {
                // To make it longer or shorter, a file must have been opened for writing.
                let sized = needed & (FD_ALLOCATE | FD_FILESTAT_SET_SIZE) != 0;
                let written = if sized && matches!(by, By::Directory) { FD_WRITE } else { 0 };
                let just = needed | written;
                let (errno, _) = used(&world, path, just, by, what);
                assert_eq!(errno, OK, "{name} with just the rights that it takes, by {by:?}");
                for right in each(just) {
                    let found = used(&world, path, all & !right, by, what);
                    assert_eq!(found, (NOTCAPABLE, false), "{name} without {right:#x}, by {by:?}");
                }
            }
        }
    }
}

#[test]
fn telling_a_position_takes_less_than_changing_it() {
    let (_world, mut guest) = furnished();
    for (rights, tell, stay, go) in [
        (FD_SEEK | FD_TELL, OK, OK, OK),
        (FD_SEEK, OK, OK, OK),
        (FD_TELL, OK, OK, NOTCAPABLE),
        (FD_READ, NOTCAPABLE, NOTCAPABLE, NOTCAPABLE),
    ] {
        let fd = guest.open(ROOT, "file", Open::WRITE).unwrap();
        guest.set_rights(fd, rights, 0).unwrap();
        assert_eq!(Errno::of(&guest.tell(fd)), tell, "{rights:#x}");
        assert_eq!(Errno::of(&guest.seek(fd, 0, Whence::Current)), stay, "{rights:#x}");
        // To go to where it is already is to go there, too, unless that is said to be the place where it is.
        for (delta, whence) in
            [(0, Whence::Start), (3, Whence::Start), (3, Whence::Current), (0, Whence::End)]
        {
            let found = guest.seek(fd, delta, whence);
            assert_eq!(Errno::of(&found), go, "{rights:#x}: {delta} {whence:?}");
        }
    }
}

#[test]
fn some_things_take_no_rights() {
    let (_world, mut guest) = furnished();
    let file = guest.open(ROOT, "file", Open::NOTHING).unwrap();
    let dir = guest.open(ROOT, "dir", Open::NOTHING).unwrap();
    for (fd, filetype) in [(file, filetype::REGULAR_FILE), (dir, filetype::DIRECTORY)] {
        assert_eq!(guest.set_rights(fd, 0, 0), Ok(()));
        let expected = Fdstat { filetype, flags: 0, base: 0, inheriting: 0 };
        assert_eq!(guest.fdstat(fd), Ok(expected));
    }
    assert_eq!(guest.renumber(file, dir), Ok(()));
    assert_eq!(guest.close(dir), Ok(()));
}

/// Reading and writing as it was asked for; everything else that the directory has to give, asked for or not, since some
/// libraries use more than they ask for.
#[test]
fn more_is_given_than_is_asked_for() {
    let (_world, mut guest) = furnished();
    for (asked, direction) in [
        (0, 0),
        (FD_READ, FD_READ),
        (FD_WRITE, FD_WRITE),
        (FD_READ | FD_WRITE | FD_TELL, FD_READ | FD_WRITE),
        (FD_SYNC | FD_ADVISE, 0),
    ] {
        let fd = guest.open(ROOT, "file", Open::NOTHING.base(asked)).unwrap();
        let found = guest.fdstat(fd).unwrap();
        assert_eq!(found.base & (FD_READ | FD_WRITE), direction, "{asked:#x}");
        let rest = READING & !FD_READ;
        assert_eq!(found.base & rest, rest, "{asked:#x}: {found:?}");
    }
    let dir = guest.open(ROOT, ".", Open::NOTHING).unwrap();
    let below = guest.open(dir, "full", Open::NOTHING).unwrap();
    let new = guest.open(below, "new", Open::CREATE).unwrap();
    assert_eq!(guest.put(new, b"hello"), Ok(5));
    assert_eq!(guest.contents(dir, "full/new"), Ok(b"hello".to_vec()));
}

#[test]
fn nobody_passes_on_what_he_may_not() {
    let (world, mut guest) = furnished();
    for right in each(ALL) {
        let dir = giving(&mut guest, ALL & !right);
        for (base, inheriting) in [(right, 0), (0, right), (FD_READ | right, right)] {
            let how = Open::NOTHING.base(base).inheriting(inheriting).oflags(oflags::CREAT);
            assert_eq!(guest.open(dir, "made", how), Err(NOTCAPABLE), "{base:#x} {inheriting:#x}");
            assert!(!fs::exists(world.at("made")).unwrap());
        }
        // What it may pass on it can; and this has not more by being passed on once more.
        let rest = Open::NOTHING.base(ALL & !right & !FD_WRITE).inheriting(ALL & !right);
        let below = guest.open(dir, "full", rest).unwrap();
        let fdstat = guest.fdstat(below).unwrap();
        assert_eq!((fdstat.base & right, fdstat.inheriting & right), (0, 0), "{right:#x}");
        let again = guest.open(below, "x", Open::NOTHING.base(right));
        assert_eq!(again, Err(NOTCAPABLE), "{right:#x}");
        guest.close(below).unwrap();
        guest.close(dir).unwrap();
    }
}

#[test]
fn rights_that_mean_nothing_are_dropped() {
    let (_world, mut guest) = furnished();
    let for_files = FD_READ | FD_SEEK | FD_TELL | FD_ADVISE | FD_ALLOCATE | FD_FILESTAT_SET_SIZE;
    let dir = guest.open(ROOT, "dir", Open::NOTHING.base(DIRECTORY | for_files)).unwrap();
    let fdstat = guest.fdstat(dir).unwrap();
    assert_eq!(fdstat.base & for_files, 0, "{fdstat:?}");
    let for_directories =
        PATH_OPEN | PATH_LINK_SOURCE | PATH_FILESTAT_GET | FD_READDIR | PATH_UNLINK_FILE;
    let file = guest.open(ROOT, "file", Open::NOTHING.base(FILE | for_directories)).unwrap();
    let fdstat = guest.fdstat(file).unwrap();
    assert_eq!((fdstat.base & for_directories, fdstat.base & FILE), (0, FILE), "{fdstat:?}");
}

#[test]
fn rights_are_given_up_and_never_taken() {
    let (_world, mut guest) = furnished();
    let base = FD_READ | FD_WRITE | FD_SEEK | FD_TELL;
    let fd = guest.open(ROOT, "file", Open::NOTHING.base(base)).unwrap();
    assert_eq!(guest.set_rights(fd, base, 0), Ok(()));
    assert_eq!(guest.set_rights(fd, base, 0), Ok(()), "what it has already");
    for (more, inheriting) in
        [(base | FD_SYNC, 0), (base | FD_FILESTAT_GET, 0), (base, FD_READ), (u64::MAX, u64::MAX)]
    {
        assert_eq!(guest.set_rights(fd, more, inheriting), Err(NOTCAPABLE), "{more:#x}");
        assert_eq!(guest.fdstat(fd).unwrap().base, base);
    }
    assert_eq!(guest.set_rights(fd, FD_SEEK | FD_TELL, 0), Ok(()));
    assert_eq!(guest.fdstat(fd).unwrap().base, FD_SEEK | FD_TELL);
    assert_eq!((guest.read(fd, 1), guest.put(fd, b"x")), (Err(NOTCAPABLE), Err(NOTCAPABLE)));
    assert_eq!(guest.set_rights(fd, base, 0), Err(NOTCAPABLE));
    assert_eq!(guest.seek(fd, 2, Whence::Start), Ok(2));
    assert_eq!(guest.set_rights(fd, 0, 0), Ok(()));
    assert_eq!(guest.seek(fd, 2, Whence::Start), Err(NOTCAPABLE));
    // Another descriptor of the same file keeps its own.
    let other = guest.open(ROOT, "file", Open::WRITE).unwrap();
    assert_eq!(guest.put(other, b"x"), Ok(1));

    let dir = guest.open(ROOT, "full", Open::DIRECTORY).unwrap();
    let before = guest.open(dir, "x", Open::WRITE).unwrap();
    let now = guest.fdstat(dir).unwrap();
    assert_eq!(guest.set_rights(dir, now.base, now.inheriting & !FD_WRITE), Ok(()));
    assert_eq!(guest.open(dir, "x", Open::WRITE), Err(NOTCAPABLE));
    assert!(guest.open(dir, "x", Open::READ).is_ok());
    assert_eq!(guest.put(before, b"y"), Ok(1), "what was opened before keeps what it has");
    assert_eq!(guest.set_rights(dir, now.base & !PATH_OPEN, 0), Ok(()));
    assert_eq!(guest.open(dir, "x", Open::NOTHING), Err(NOTCAPABLE));
    assert_eq!(guest.set_rights(77, 0, 0), Err(BADF));
    // Streams have rights, too.
    let stdin = guest.fdstat(0).unwrap();
    assert_eq!(guest.set_rights(0, stdin.base & !FD_READ, 0), Ok(()));
    assert_eq!(guest.read(0, 1), Err(NOTCAPABLE));
}

#[test]
fn truncating_takes_a_right_of_the_directory() {
    let (world, mut guest) = furnished();
    let dir = guest.open(ROOT, ".", Open::DIRECTORY).unwrap();
    let now = guest.fdstat(dir).unwrap();
    let truncate = Open::NOTHING.oflags(oflags::TRUNC);
    let file = guest.open(dir, "file", truncate).unwrap();
    assert_eq!(fs::metadata(world.at("file")).unwrap().len(), 0);
    guest.close(file).unwrap();
    world.furnish();
    // That of files is another one.
    guest.set_rights(dir, now.base, now.inheriting & !FD_FILESTAT_SET_SIZE).unwrap();
    let opened = guest.open(dir, "file", truncate).unwrap();
    assert_eq!(fs::metadata(world.at("file")).unwrap().len(), 0);
    guest.close(opened).unwrap();
    world.furnish();
    let base = now.base & !PATH_FILESTAT_SET_SIZE;
    guest.set_rights(dir, base, now.inheriting & !FD_FILESTAT_SET_SIZE).unwrap();
    assert_eq!(guest.open(dir, "file", truncate), Err(NOTCAPABLE));
    assert_eq!(fs::metadata(world.at("file")).unwrap().len(), 10);
}

#[test]
fn promises_about_the_disk_take_rights() {
    let (_world, mut guest) = furnished();
    for (flags, right) in
        [(fdflags::DSYNC, FD_DATASYNC), (fdflags::SYNC, FD_SYNC), (fdflags::RSYNC, FD_SYNC)]
    {
        let dir = giving(&mut guest, ALL & !right);
        let base = guest.fdstat(dir).unwrap().base;
        guest.set_rights(dir, base & !right, ALL & !right).unwrap();
        let how = Open::NOTHING.base(FD_WRITE);
        assert_eq!(guest.open(dir, "file", how.fdflags(flags)), Err(NOTCAPABLE), "{flags:#x}");
        assert!(guest.open(dir, "file", how).is_ok());
    }
}

/// All that a guest can do by paths and numbers when it may only look.
#[test]
fn what_may_only_be_read_stays_as_it_is() {
    let world = World::new();
    world.furnish();
    let mut guest = Guest::new(world.ctx_with(FsPerms::ReadOnly));
    let before = world.things_inside();
    let changing = [
        "write",
        "write_follow",
        "truncate",
        "truncate_follow",
        "create",
        "create_follow",
        "create_new",
        "create_new_follow",
        "mkdir",
        "rmdir",
        "unlink",
        "times",
        "times_follow",
        "symlink_at",
        "symlink_to",
        "link_from",
        "link_to",
        "rename_from",
        "rename_file_to",
        "rename_dir_to",
    ];
    for path in ["file", "dir", "full/x", "absent", "dangling", "to_dir/new", "."] {
        if !can_be(path) {
            continue;
        }
        for (name, deed) in DEEDS {
            let found = deed(&mut guest, path.as_bytes());
            if changing.contains(name) {
                assert_eq!(found, PERM, "{name} {path}");
            } else {
                assert_ne!(found, PERM, "{name} {path}");
            }
            assert_eq!(world.things_inside(), before, "{name} {path}");
        }
    }
    let file = if has_links() { "to_file" } else { "file" };
    assert_eq!(guest.contents(ROOT, file), Ok(b"0123456789".to_vec()));
    let below = guest.open(ROOT, "full", Open::DIRECTORY).unwrap();
    assert_eq!(guest.contents(below, "x"), Ok(b"x".to_vec()));
    assert_eq!(guest.open(below, "x", Open::WRITE), Err(PERM), "below it is no other");
    assert_eq!(guest.open(below, "y", Open::CREATE), Err(PERM));
    assert_eq!(guest.unlink(below, "x"), Err(PERM));
    let times = (0, 0, fstflags::ATIM_NOW | fstflags::MTIM_NOW);
    assert_eq!(guest.set_times(below, times.0, times.1, times.2), Err(PERM));
    let file = guest.open(ROOT, "file", Open::READ.base(READING | FD_FILESTAT_SET_TIMES)).unwrap();
    assert_eq!(guest.set_times(file, times.0, times.1, times.2), Err(PERM));
    assert!(guest.put(file, b"x").is_err());
    assert!(guest.set_size(file, 0).is_err());
    assert_ne!(call!(guest, "fd_allocate", file, 0, 100), OK);
    assert_eq!(world.things_inside(), before);
}

#[test]
fn what_may_not_be_changed_is_not_moved_away_either() {
    let (one, two) = (World::new(), World::new());
    one.furnish();
    two.furnish();
    let ctx = WasiCtx::builder()
        .preopened_dir(one.inside(), "/one", FsPerms::ReadOnly)
        .unwrap()
        .preopened_dir(two.inside(), "/two", FsPerms::ReadWrite)
        .unwrap()
        .build();
    let mut guest = Guest::new(ctx);
    let (read_only, writable) = (3, 4);
    let before = (one.things_inside(), two.things_inside());
    assert_eq!(guest.rename(read_only, "file", writable, "new"), Err(PERM));
    assert_eq!(guest.rename(writable, "file", read_only, "new"), Err(PERM));
    assert_eq!(guest.link(read_only, "file", writable, "new"), Err(PERM));
    assert_eq!(guest.link(writable, "file", read_only, "new"), Err(PERM));
    assert_eq!((one.things_inside(), two.things_inside()), before);
}
