//! Ways out of a directory, all of which are closed: nothing outside is read, made, changed or removed.
//!
//! `world` has a secret beside the directory, and checks after each call that everything outside is as it was.

mod common;

use std::fs;
use wootz_wasi::{FsPerms, WasiCtx};

use common::system::{MAX_LINKS, has_links, symlink};
use common::world::{DEEDS, ROOT, World, check_deeds};
use common::*;

/// No path of these can be used for anything, but as the contents of a symbolic link, which are only words.
const WAY_OUT: &str = "OK: symlink_to; PERM: *";

#[test]
fn dots_do_not_lead_out() {
    check_deeds(
        &[
            "..",
            "../",
            "../.",
            "../..",
            "../in",
            "../in/file",
            "../out",
            "../out/secret",
            "../out/new",
            "./../out/secret",
            ".//..//out/secret",
            "dir/../..",
            "dir/../../out/secret",
            "dir/../../in/file",
            "full/../dir/../../out/secret",
            "../../../../../../../../../../etc/passwd",
        ]
        .map(|path| (path, WAY_OUT)),
    );
}

#[test]
fn what_is_not_there_leads_nowhere() {
    check_deeds(&[
        ("absent/../../out/secret", "OK: symlink_to; NOENT: *"),
        ("absent/../..", "OK: symlink_to; NOENT: *"),
        ("file/../../out/secret", "OK: symlink_to; NOTDIR: *"),
        ("file/../..", "OK: symlink_to; NOTDIR: *"),
        ("loop/../../out/secret", "OK: symlink_to; LOOP: *"),
    ]);
}

/// Not even as the contents of a link: a guest that knows where it is on the host could tell.
#[test]
fn there_is_no_root() {
    let world = World::new();
    let secret = world.outside().join("secret");
    let own = world.at("file");
    check_deeds(
        &[
            "/",
            "//",
            "/.",
            "/..",
            "///etc/passwd",
            "/file",
            "/etc",
            "/proc/self/root",
            "/proc/self/cwd",
            "/proc/self/fd/0",
            "/dev/null",
            // With a colon on Windows, which is refused for its own sake.
            if cfg!(windows) { "/C/secret" } else { secret.to_str().unwrap() },
            if cfg!(windows) { "//server/share/secret" } else { own.to_str().unwrap() },
        ]
        .map(|path| (path, "PERM: *")),
    );
}

#[test]
fn links_do_not_lead_out_on_the_way() {
    check_deeds(
        &[
            "up/in/file",
            "up/out/secret",
            "up/out/new",
            "up/..",
            "up/up/up",
            "outdoors/secret",
            "outdoors/new",
            "outdoors/empty",
            "outdoors/empty/..",
            "outdoors/../in/file",
            "absolute/secret",
            "absolute/new",
            "absolute/../in/file",
            "dir/../outdoors/secret",
            "to_dir/../outdoors/secret",
            "to_dir/../up/out/secret",
        ]
        .map(|path| (path, WAY_OUT)),
    );
}

#[test]
fn links_do_not_lead_out_at_the_end() {
    // The link itself is the guest's own: it can be seen, moved, linked and removed.
    const LINK: &str = "LOOP: open write truncate create; NOTDIR: open_dir rmdir rename_dir_to;
         PERM: open_follow open_dir_follow write_follow truncate_follow create_follow stat_follow times_follow;
         EXIST: create_new create_new_follow mkdir symlink_at link_to; OK: *";
    // Of a link with a slash behind it, too, what is asked is about the link, or fails.
    const SLASH: &str = "ISDIR: create create_follow create_new create_new_follow; EXIST: mkdir; OK: stat symlink_to;
         NOTDIR: rmdir rename_from rename_file_to rename_dir_to; PERM: *";
    check_deeds(&[
        ("up", LINK),
        ("outdoors", LINK),
        ("secret", LINK),
        ("unmade", LINK),
        ("roundabout", LINK),
        ("absolute", LINK),
        ("absolute_secret", LINK),
        ("dir/../secret", LINK),
        ("up/", SLASH),
        ("up/.", "OK: stat symlink_to; PERM: *"),
        ("outdoors/", SLASH),
        ("absolute/", SLASH),
        ("secret/", SLASH),
    ]);
}

/// A link is made by the guest itself, and used in each way.
#[test]
fn links_that_a_guest_makes_lead_nowhere_either() {
    if !has_links() {
        return;
    }
    let world = World::new();
    world.furnish();
    let outside = world.things_outside();
    let mut guest = world.guest();
    for contents in
        ["..", "../out", "../out/secret", "dir/../../out", "./.././out/secret", "up/out/secret"]
    {
        guest.symlink(contents, ROOT, "way").unwrap();
        for path in ["way", "way/", "way/secret", "way/out/secret", "way/new", "dir/../way"] {
            for (name, deed) in DEEDS {
                // What these do to the link itself is their right, and another test's business.
                if path.ends_with("way") && !name.ends_with("_follow") {
                    continue;
                }
                let found = deed(&mut guest, path.as_bytes());
                let inert = *name == "symlink_to" || *name == "stat" && path == "way/";
                assert!(inert || found != OK, "{name} {path} by {contents}");
                assert_eq!(world.things_outside(), outside, "{name} {path} by {contents}");
                let _ = guest.unlink(ROOT, "made");
            }
        }
        guest.unlink(ROOT, "way").unwrap();
    }
}

/// A chain of links, the last of which leads out; and longer ones than any system follows.
#[test]
fn chains_of_links_lead_nowhere() {
    if !has_links() {
        return;
    }
    let world = World::new();
    world.furnish();
    let mut guest = world.guest();
    for (last, length, expected) in [
        ("file", MAX_LINKS, OK),
        ("file", MAX_LINKS + 1, LOOP),
        ("../out/secret", 15, PERM),
        ("..", 15, PERM),
        ("../out/secret", MAX_LINKS + 1, LOOP),
        ("../out/secret", 100, LOOP),
    ] {
        for n in 0..length {
            let next = if n + 1 == length { last.to_string() } else { format!("./link{}", n + 1) };
            symlink(next, world.at(&format!("link{n}")));
        }
        let found = guest.open(ROOT, "link0", Open::READ.follow());
        assert_eq!(Errno::of(&found), expected, "{length} links to {last}");
        for n in 0..length {
            fs::remove_file(world.at(&format!("link{n}"))).unwrap();
        }
    }
}

#[test]
fn directories_below_are_no_way_out_of_themselves() {
    let world = World::new();
    world.furnish();
    fs::create_dir_all(world.at("deep/deeper")).unwrap();
    let mut guest = world.guest();
    let deep = guest.open(ROOT, "deep/deeper", Open::DIRECTORY).unwrap();
    for path in ["..", "../..", "../../file", "../../../out/secret", "/"] {
        for how in [Open::READ, Open::READ.follow(), Open::CREATE, Open::DIRECTORY] {
            assert_eq!(guest.open(deep, path, how), Err(PERM), "{path} {how:?}");
        }
        assert_eq!(Errno::of(&guest.stat(deep, path, false)), PERM);
        assert_eq!(guest.create_directory(deep, path), Err(PERM));
        assert_eq!(guest.rename(ROOT, "file", deep, path), Err(PERM));
        assert_eq!(guest.link(ROOT, "file", deep, path), Err(PERM));
        assert_eq!(guest.link(deep, path, ROOT, "made"), Err(PERM));
    }
}

/// The directory is moved while it is open, to where `..` is another one; it remains a world of its own. On Windows it
/// cannot be moved: see `directories`.
#[cfg(unix)]
#[test]
fn a_directory_that_moves_takes_no_guest_with_it() {
    let world = World::new();
    world.furnish();
    fs::create_dir_all(world.at("a/b/c")).unwrap();
    let mut guest = world.guest();
    let c = guest.open(ROOT, "a/b/c", Open::DIRECTORY).unwrap();
    guest.rename(ROOT, "a/b/c", ROOT, "c").unwrap();
    assert_eq!(guest.open(c, "../file", Open::READ), Err(PERM));
    fs::rename(world.at("c"), world.outside().join("c")).unwrap();
    assert_eq!(guest.open(c, "../secret", Open::READ), Err(PERM));
    assert_eq!(guest.open(c, "../../in/file", Open::READ), Err(PERM));
    let own = guest.open(c, "own", Open::CREATE).unwrap();
    assert_eq!(guest.put(own, b"hello"), Ok(5), "what was opened stays open");
    fs::rename(world.inside(), world.inside().with_file_name("moved")).unwrap();
    assert_eq!(guest.contents(ROOT, "file"), Ok(b"0123456789".to_vec()));
    assert_eq!(guest.open(ROOT, "../out/secret", Open::READ), Err(PERM));
    fs::rename(world.inside().with_file_name("moved"), world.inside()).unwrap();
}

#[test]
fn two_directories_are_two_worlds() {
    let (one, two) = (World::new(), World::new());
    one.furnish();
    two.furnish();
    let mut guest = Guest::new(
        WasiCtx::builder()
            .preopened_dir(one.inside(), "/one", FsPerms::ReadWrite)
            .unwrap()
            .preopened_dir(two.inside(), "..", FsPerms::ReadWrite)
            .unwrap()
            .build(),
    );
    let (one_fd, two_fd) = (3, 4);
    assert_eq!(guest.open(one_fd, "../two/file", Open::READ), Err(PERM));
    assert_eq!(guest.open(two_fd, "/one/file", Open::READ), Err(PERM), "names are only names");
    assert_eq!(guest.open(two_fd, "..", Open::DIRECTORY), Err(PERM));
    guest.rename(one_fd, "file", two_fd, "dir/moved").unwrap();
    assert_eq!(guest.rename(two_fd, "dir/moved", one_fd, "../out/moved"), Err(PERM));
    if has_links() {
        assert_eq!(guest.link(two_fd, "dir/moved", one_fd, "outdoors/moved"), Err(PERM));
    }
    guest.link(two_fd, "dir/moved", one_fd, "file").unwrap();
    assert_eq!(guest.contents(one_fd, "file"), Ok(b"0123456789".to_vec()));
}

/// The host gives away a part of `/proc`, whose links lead to whatever the process has open, without a path.
#[cfg(target_os = "linux")]
#[test]
fn links_that_are_no_paths_are_not_followed() {
    let world = World::new();
    let secret = fs::File::open(world.outside().join("secret")).unwrap();
    let directory = fs::File::open(world.outside()).unwrap();
    let number = |file: &fs::File| std::os::fd::AsRawFd::as_raw_fd(file);
    let ctx =
        WasiCtx::builder().preopened_dir("/proc/self", "/", FsPerms::ReadWrite).unwrap().build();
    let mut guest = Guest::new(ctx);
    let inside = format!("fd/{}/secret", number(&directory));
    for path in
        ["root", "root/", "root/etc/passwd", "cwd", "cwd/Cargo.toml", "exe", "fd/0/x", &inside]
    {
        for how in [Open::READ.follow(), Open::WRITE.follow(), Open::READ, Open::DIRECTORY.follow()]
        {
            let found = Errno::of(&guest.open(ROOT, path, how));
            assert!([PERM, LOOP, NOTDIR, ISDIR].contains(&found), "{path} {how:?}: {found:?}");
        }
        if path != "root" && path != "cwd" && path != "exe" {
            let found = guest.set_times_at(ROOT, path, true, (7, 7, fstflags::MTIM));
            assert!(found.is_err(), "{path}: {found:?}");
        }
    }
    for file in [&secret, &directory] {
        let path = format!("fd/{}", number(file));
        for how in [Open::READ.follow(), Open::READ, Open::DIRECTORY.follow()] {
            assert!(guest.open(ROOT, &path, how).is_err(), "{path} {how:?}");
        }
    }
}

/// Something that is no file, and can only be connected to. There is nothing like it in directories of Windows.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_opened_without_harm() {
    let world = World::new();
    let mut guest = world.guest();
    let _listener = std::os::unix::net::UnixListener::bind(world.at("socket")).unwrap();
    assert!(guest.open(ROOT, "socket", Open::READ).is_err());
    assert_eq!(guest.stat(ROOT, "socket", false).map(|it| it.size), Ok(0));
    guest.unlink(ROOT, "socket").unwrap();
}

/// Two threads, one of which is the guest: the other swaps directories and links as fast as it can. Only Linux exchanges
/// two names in one step.
#[cfg(target_os = "linux")]
#[test]
fn links_that_change_meanwhile_lead_nowhere() {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use common::world::SECRET;
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let world = World::new();
    let outside = world.things_outside();
    let (real, link) = (world.at("place"), world.at("spare"));
    let decoy = "not the secret at all";
    assert_eq!(decoy.len(), SECRET.len());
    fs::create_dir_all(real.join("empty")).unwrap();
    fs::write(real.join("secret"), decoy).unwrap();
    symlink("../out", &link);
    fs::create_dir_all(world.at("a/b/c")).unwrap();
    fs::write(world.at("file"), "0123456789").unwrap();
    let mut guest = world.guest();

    let over = AtomicBool::new(false);
    let mut successes = 0_u32;
    let swaps = std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let (deep, up): (PathBuf, PathBuf) = (world.at("a/b/c"), world.at("c"));
            let mut swaps = 0_u32;
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, &real, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                // Whoever is in `c` and goes up three times is outside, if `c` is not where it was.
                let _ = if swaps.is_multiple_of(2) {
                    fs::rename(&deep, &up)
                } else {
                    fs::rename(&up, &deep)
                };
                swaps += 1;
            }
            swaps
        });
        let stop = Stop(&over);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(1900) {
            for path in
                ["place/secret", "a/b/c/../../../place/secret", "a/b/c/../../../../out/secret"]
            {
                for how in [Open::READ, Open::READ.follow(), Open::WRITE.follow()] {
                    if let Ok(fd) = guest.open(ROOT, path, how) {
                        assert_eq!(guest.read(fd, 100), Ok(decoy.into()), "{path}");
                        guest.close(fd).unwrap();
                        successes += 1;
                    }
                }
                let _ = guest.stat(ROOT, path, true);
                let _ =
                    guest.set_times_at(ROOT, path, true, (7, 7, fstflags::ATIM | fstflags::MTIM));
            }
            if let Ok(fd) = guest.open(ROOT, "place", Open::DIRECTORY.follow()) {
                guest.close(fd).unwrap();
            }
            if let Ok(fd) = guest.open(ROOT, "place/made", Open::CREATE.follow()) {
                guest.close(fd).unwrap();
            }
            let _ = guest.create_directory(ROOT, "place/directory");
            let _ = guest.symlink("secret", ROOT, "place/link");
            let _ = guest.link(ROOT, "file", ROOT, "place/hard");
            let _ = guest.rename(ROOT, "place/hard", ROOT, "place/renamed");
            let _ = guest.link(ROOT, "place/secret", ROOT, "stolen");
            if guest.link(ROOT, "place/secret", ROOT, "stolen").is_ok() {
                assert_eq!(guest.contents(ROOT, "stolen"), Ok(decoy.into()));
            }
            let _ = guest.unlink(ROOT, "stolen");
            let _ = guest.remove_directory(ROOT, "place/empty");
            for name in ["made", "link", "renamed"] {
                let _ = guest.unlink(ROOT, format!("place/{name}"));
            }
            let _ = guest.remove_directory(ROOT, "place/directory");
        }
        drop(stop);
        swapper.join().unwrap()
    });
    assert_eq!(world.things_outside(), outside);
    assert!(swaps > 100 && successes > 10, "{swaps} swaps and {successes} successes are no race");
}
