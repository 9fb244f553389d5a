//! A directory that guests work in, what must stay out of their reach beside it, and all that can be done with a path.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wootz_wasi::{FsPerms, WasiCtx};

use super::system::{self, has_links, symlink};
use super::{Errno, Guest, NOTSUP, OK, Open, PERM, fstflags, oflags};

/// The number of the directory that [`World`]'s guests find open.
pub const ROOT: u32 = 3;

/// What a file outside says, and nothing inside does.
pub const SECRET: &str = "nobody must read this";

/// How many things there are in a world that is furnished.
pub fn furniture_count() -> usize {
    if has_links() { 14 } else { 3 }
}

/// What is a link in a world that is furnished.
const LINKS: [&str; 11] = [
    "to_file",
    "to_dir",
    "dangling",
    "loop",
    "up",
    "outdoors",
    "secret",
    "unmade",
    "roundabout",
    "absolute",
    "absolute_secret",
];

/// A directory `in` for guests, and `out` beside it.
pub struct World {
    root: TempDir,
}

/// What there is in some place, and all that can be seen of it without opening it to others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thing {
    known: Vec<i64>,
    contents: Vec<u8>,
}

/// Things by their paths.
pub type Things = BTreeMap<PathBuf, Thing>;

impl World {
    pub fn new() -> World {
        let world = World { root: tempfile::tempdir().unwrap() };
        fs::create_dir(world.inside()).unwrap();
        fs::create_dir(world.outside()).unwrap();
        fs::write(world.outside().join("secret"), SECRET).unwrap();
        fs::create_dir(world.outside().join("empty")).unwrap();
        world
    }

    /// The directory that guests may use.
    pub fn inside(&self) -> PathBuf {
        self.root.path().join("in")
    }

    /// A directory that they may not.
    pub fn outside(&self) -> PathBuf {
        self.root.path().join("out")
    }

    /// A path in the directory that guests may use.
    pub fn at(&self, path: &str) -> PathBuf {
        self.inside().join(path)
    }

    /// A context that has the directory open, and may do anything with it.
    pub fn ctx(&self) -> WasiCtx {
        self.ctx_with(FsPerms::ReadWrite)
    }

    pub fn ctx_with(&self, perms: FsPerms) -> WasiCtx {
        WasiCtx::builder().preopened_dir(self.inside(), "/", perms).unwrap().build()
    }

    /// A guest that has the directory open as [`ROOT`], and may do anything with it.
    pub fn guest(&self) -> Guest {
        Guest::new(self.ctx())
    }

    /// Puts one of everything into the directory, and nothing else.
    ///
    /// ```text
    ///   file        ten digits           to_file  ► file        up               ► ..
    ///   dir         an empty directory   to_dir   ► dir         outdoors         ► ../out
    ///   full        with a file `x`      dangling ► nothing     secret           ► ../out/secret
    ///                                    loop     ► loop        unmade           ► ../out/new
    ///                                                           roundabout       ► ../in/file
    ///                                                           absolute         ► /.../out
    ///                                                           absolute_secret  ► /.../out/secret
    /// ```
    ///
    /// What is there already stays, as making files takes longer than looking at them.
    pub fn furnish(&self) {
        let file = |contents| Furniture::File(contents);
        let link = |contents: &str| Furniture::Link(contents.into());
        let furniture = [
            ("file", file("0123456789")),
            ("dir", Furniture::Directory(&[])),
            ("full", Furniture::Directory(&[("x", "x")])),
            ("to_file", link("file")),
            ("to_dir", link("dir")),
            ("dangling", link("nothing")),
            ("loop", link("loop")),
            ("up", link("..")),
            ("outdoors", link("../out")),
            ("secret", link("../out/secret")),
            ("unmade", link("../out/new")),
            ("roundabout", link("../in/file")),
            ("absolute", Furniture::Link(self.outside())),
            ("absolute_secret", Furniture::Link(self.outside().join("secret"))),
        ];
        for entry in fs::read_dir(self.inside()).unwrap() {
            let entry = entry.unwrap();
            let belongs = |(name, what): &(&str, Furniture)| {
                entry.file_name() == *name && what.is_at(&entry.path())
            };
            if !furniture.iter().any(belongs) {
                remove(&entry.path());
            }
        }
        for (name, what) in &furniture {
            if fs::symlink_metadata(self.at(name)).is_err() && what.can_be() {
                what.put(&self.at(name));
            }
        }
    }

    /// All there is inside.
    pub fn things_inside(&self) -> Things {
        let mut things = Things::new();
        list(&self.inside(), &mut things, Path::new(""));
        things
    }

    /// All there is outside.
    pub fn things_outside(&self) -> Things {
        let mut things = Things::new();
        list(self.root.path(), &mut things, &self.inside());
        things
    }

    /// Asserts that this process has so many things open in this world. Not all systems tell, but whether there are any.
    pub fn assert_open(&self, count: usize) {
        system::assert_open(self.root.path(), count);
    }
}

/// Something that belongs into a furnished world.
enum Furniture {
    File(&'static str),
    /// With the names and contents of files.
    Directory(&'static [(&'static str, &'static str)]),
    Link(PathBuf),
}

impl Furniture {
    /// Whether it is at a path, just as it should be.
    fn is_at(&self, path: &Path) -> bool {
        let Ok(metadata) = fs::symlink_metadata(path) else { return false };
        match self {
            Furniture::File(contents) => {
                metadata.is_file() && fs::read(path).is_ok_and(|found| found == contents.as_bytes())
            }
            Furniture::Directory(files) => {
                metadata.is_dir()
                    && fs::read_dir(path).is_ok_and(|entries| entries.count() == files.len())
                    && files.iter().all(|(name, it)| Furniture::File(it).is_at(&path.join(name)))
            }
            Furniture::Link(contents) => {
                fs::read_link(path).is_ok_and(|found| same_path(&found, contents))
            }
        }
    }

    /// Whether there can be such things on this system.
    fn can_be(&self) -> bool {
        has_links() || !matches!(self, Furniture::Link(_))
    }

    fn put(&self, path: &Path) {
        match self {
            Furniture::File(contents) => fs::write(path, contents).unwrap(),
            Furniture::Directory(files) => {
                fs::create_dir(path).unwrap();
                for (name, contents) in *files {
                    fs::write(path.join(name), contents).unwrap();
                }
            }
            Furniture::Link(contents) => symlink(contents, path),
        }
    }
}

/// Whether two paths are the same, however they are written.
fn same_path(one: &Path, other: &Path) -> bool {
    one.components().eq(other.components())
}

/// Removes a thing and what is in it.
fn remove(path: &Path) {
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// Lists a thing and what is in it, but for one thing.
fn list(path: &Path, things: &mut Things, except: &Path) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let contents = if metadata.is_symlink() {
        fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
    } else if metadata.is_file() {
        fs::read(path).unwrap()
    } else {
        Vec::new()
    };
    let thing = Thing { known: system::known(path, &metadata), contents };
    things.insert(path.to_path_buf(), thing);
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap().path();
            if entry != except {
                list(&entry, things, except);
            }
        }
    }
}

/// Something that is done with a path.
pub type Deed = fn(&mut Guest, &[u8]) -> Errno;

/// All that can be done with a path, in the root. What is made is called `made`, what moves is `file` or `dir`.
pub const DEEDS: &[(&str, Deed)] = &[
    ("open", |guest, path| open(guest, path, Open::READ)),
    ("open_follow", |guest, path| open(guest, path, Open::READ.follow())),
    ("open_dir", |guest, path| open(guest, path, Open::READ.oflags(oflags::DIRECTORY))),
    ("open_dir_follow", |guest, path| {
        open(guest, path, Open::READ.oflags(oflags::DIRECTORY).follow())
    }),
    ("write", |guest, path| open(guest, path, Open::WRITE)),
    ("write_follow", |guest, path| open(guest, path, Open::WRITE.follow())),
    ("truncate", |guest, path| open(guest, path, Open::WRITE.oflags(oflags::TRUNC))),
    ("truncate_follow", |guest, path| {
        open(guest, path, Open::WRITE.oflags(oflags::TRUNC).follow())
    }),
    ("create", |guest, path| open(guest, path, Open::CREATE)),
    ("create_follow", |guest, path| open(guest, path, Open::CREATE.follow())),
    ("create_new", |guest, path| {
        open(guest, path, Open::CREATE.oflags(oflags::CREAT | oflags::EXCL))
    }),
    ("create_new_follow", |guest, path| {
        open(guest, path, Open::CREATE.oflags(oflags::CREAT | oflags::EXCL).follow())
    }),
    ("mkdir", |guest, path| Errno::of(&guest.create_directory(ROOT, path))),
    ("rmdir", |guest, path| Errno::of(&guest.remove_directory(ROOT, path))),
    ("unlink", |guest, path| Errno::of(&guest.unlink(ROOT, path))),
    ("stat", |guest, path| Errno::of(&guest.stat(ROOT, path, false))),
    ("stat_follow", |guest, path| Errno::of(&guest.stat(ROOT, path, true))),
    ("times", |guest, path| times(guest, path, false)),
    ("times_follow", |guest, path| times(guest, path, true)),
    ("readlink", |guest, path| Errno::of(&guest.readlink(ROOT, path, 5000))),
    ("symlink_at", |guest, path| Errno::of(&guest.symlink("file", ROOT, path))),
    ("symlink_to", |guest, path| Errno::of(&guest.symlink(path, ROOT, "made"))),
    ("link_from", |guest, path| Errno::of(&guest.link(ROOT, path, ROOT, "made"))),
    ("link_to", |guest, path| Errno::of(&guest.link(ROOT, "file", ROOT, path))),
    ("rename_from", |guest, path| Errno::of(&guest.rename(ROOT, path, ROOT, "made"))),
    ("rename_file_to", |guest, path| Errno::of(&guest.rename(ROOT, "file", ROOT, path))),
    ("rename_dir_to", |guest, path| Errno::of(&guest.rename(ROOT, "dir", ROOT, path))),
];

/// Opens and closes; what can be read must not be the secret, and what can be listed must not be its directory.
fn open(guest: &mut Guest, path: &[u8], how: Open) -> Errno {
    let fd = match guest.open(ROOT, path, how) {
        Ok(fd) => fd,
        Err(errno) => return errno,
    };
    if how.base & super::rights::FD_READ != 0 {
        let read = guest.read(fd, 100).unwrap_or_default();
        assert!(!read.starts_with(SECRET.as_bytes()), "the secret was read");
    }
    guest.close(fd).unwrap();
    let listing = Open::DIRECTORY.follow();
    let listing = if how.follow { listing } else { Open { follow: false, ..listing } };
    if let Ok(fd) = guest.open(ROOT, path, listing) {
        let names = guest.names(fd).unwrap();
        assert!(!names.iter().any(|name| name == "empty" || name == "out"), "{names:?} was listed");
        guest.close(fd).unwrap();
    }
    OK
}

fn times(guest: &mut Guest, path: &[u8], follow: bool) -> Errno {
    let flags = fstflags::ATIM | fstflags::MTIM;
    Errno::of(&guest.set_times_at(ROOT, path, follow, (1_000_000_007, 1_000_000_009, flags)))
}

/// Does every deed with each of some paths, in a furnished world.
///
/// A row is a path and what is expected: error numbers, each with the names of the deeds that fail so, `OK` with those that
/// succeed, and `*` for all deeds that are not named.
///
/// Whatever happens, nothing changes outside; and what fails changes nothing inside.
pub fn check_deeds(rows: &[(&str, &str)]) {
    let world = World::new();
    let guest = world.guest();
    check_deeds_of(world, guest, rows);
}

/// As [`check_deeds`], with another guest.
pub fn check_deeds_of(world: World, mut guest: Guest, rows: &[(&str, &str)]) {
    world.furnish();
    let (mut inside, outside) = (world.things_inside(), world.things_outside());
    let mut mistakes = Vec::new();
    for (path, expected) in rows {
        if !can_be(path) {
            continue;
        }
        let shown =
            if path.len() > 60 { format!("{} bytes", path.len()) } else { path.to_string() };
        for (name, deed) in DEEDS {
            let found = deed(&mut guest, path.as_bytes());
            let expected = match expectation(expected, name) {
                // For want of a privilege, or of links.
                OK if !has_links()
                    && name.starts_with("symlink")
                    && [NOTSUP, PERM].contains(&found) =>
                {
                    found
                }
                expected => expected,
            };
            if found != expected {
                mistakes.push(format!("{name} {shown:?}: {found:?} instead of {expected:?}"));
            }
            assert_eq!(world.things_outside(), outside, "after {name} {shown:?}");
            if found == OK {
                world.furnish();
                inside = world.things_inside();
            } else if world.things_inside() != inside {
                mistakes.push(format!("{name} {shown:?}: {found:?}, but something changed"));
                world.furnish();
                inside = world.things_inside();
            }
        }
    }
    assert!(mistakes.is_empty(), "{} mistakes:\n{}", mistakes.len(), mistakes.join("\n"));
    // The root, and nothing that was opened meanwhile.
    world.assert_open(1);
    drop(guest);
    world.assert_open(0);
}

/// Whether a path can be what it is in a furnished world: where there are no links, those through links cannot.
pub fn can_be(path: &str) -> bool {
    has_links() || !path.split('/').any(|name| LINKS.contains(&name))
}

/// What a row of [`check_deeds`] expects of a deed.
fn expectation(row: &str, deed: &str) -> Errno {
    let mut rest = None;
    for clause in row.split(';') {
        let (errno, deeds) = clause.split_once(':').expect("an error number and names");
        for name in deeds.split_whitespace() {
            if name == deed {
                return Errno::named(errno.trim());
            }
            if name == "*" {
                rest = Some(Errno::named(errno.trim()));
            }
            let known = name == "*" || DEEDS.iter().any(|(known, _)| *known == name);
            assert!(known, "{name} is no deed");
        }
    }
    rest.unwrap_or_else(|| panic!("{row} does not say what {deed} does"))
}
