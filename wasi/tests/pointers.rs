//! Addresses and lengths that are not the guest's: the call fails, and has done nothing.

mod common;

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, TcpStream};

use wootz_wasi::{FsPerms, WasiCtx};

use common::system::has_links;
use common::world::{ROOT, Things, World};
use common::*;

/// The descriptors of [`Rig`]'s guest.
const LISTENER: u32 = 4;
const FILE: u32 = 5;
const CONNECTION: u32 = 6;
/// The lowest number that is free.
const FREE: u32 = 7;

/// A guest that has one of everything, and what shows whether something happened to it.
struct Rig {
    world: World,
    guest: Guest,
    before: Things,
    /// The other ends of a connection that was accepted, and of one that was not yet.
    _clients: [TcpStream; 2],
}

impl Rig {
    fn new() -> Rig {
        let world = World::new();
        world.furnish();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut guest = Guest::new(
            WasiCtx::builder()
                .arg("prog")
                .env("A", "b")
                .preopened_dir(world.inside(), "/", FsPerms::ReadWrite)
                .unwrap()
                .preopened_listener(listener)
                .build(),
        );
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(guest.open(ROOT, "file", Open::WRITE), Ok(FILE));
        guest.seek(FILE, 2, Whence::Start).unwrap();
        assert_eq!(guest.accept(LISTENER, fdflags::NONBLOCK), Ok(CONNECTION));
        client.write_all(b"pending").unwrap();
        while guest.receive(CONNECTION, 7, 1) != Ok(b"pending".to_vec()) {
            std::thread::yield_now();
        }
        let other = TcpStream::connect(address).unwrap();
        let before = world.things_inside();
        Rig { world, guest, before, _clients: [client, other] }
    }

    /// Checks that everything is as it was.
    fn check(&mut self, case: &str) {
        let Rig { world, guest, before, .. } = self;
        assert_eq!(guest.tell(FILE), Ok(2), "the position after {case}");
        assert_eq!(guest.receive(CONNECTION, 100, 1), Ok(b"pending".to_vec()), "after {case}");
        assert_eq!(guest.fdstat(FREE), Err(BADF), "what is open after {case}");
        assert_eq!(world.things_inside(), *before, "after {case}");
        world.assert_open(2);
    }

    /// Puts everything where the calls look for it.
    fn prepare(&mut self, first_path: &[u8]) {
        let guest = &mut self.guest;
        guest.write(PATHS[0], first_path);
        guest.write(PATHS[1], b"made");
        guest.buffers(&[(DATA, 4), (DATA + 100, 4)]);
        let subscription = Subscription { userdata: 7, what: Awaited::Write(1) };
        guest.write(INPUT + 0x100, &subscription.to_bytes(PREVIEW1));
    }
}

/// An argument of a call that succeeds.
#[derive(Clone, Copy)]
enum Arg {
    /// A number.
    N(u64),
    /// The address of so many bytes.
    P(u32, u32),
    /// The length of what the argument before is the address of.
    L(u32),
}

use Arg::{L, N, P};

/// A call that succeeds: the function, what the first path is, if there is one, and the arguments.
type Call = (&'static str, &'static str, &'static [Arg]);

const BUFFERS: Arg = P(INPUT, 16);
const SUBSCRIPTION: Arg = P(INPUT + 0x100, 48);
const RESULT: Arg = P(OUTPUT, 4);
const ROOT_FD: Arg = N(ROOT as u64);
const FILE_FD: Arg = N(FILE as u64);
const SOCKET_FD: Arg = N(CONNECTION as u64);

/// The first path of a call, of so many bytes.
const fn path(len: u32) -> Arg {
    P(PATHS[0], len)
}

const MADE: Arg = P(PATHS[1], 4);

/// All functions that take an address.
const CALLS: &[Call] = &[
    ("args_get", "", &[P(OUTPUT, 4), P(DATA, 5)]),
    ("args_sizes_get", "", &[P(OUTPUT, 4), P(DATA, 4)]),
    ("environ_get", "", &[P(OUTPUT, 4), P(DATA, 4)]),
    ("environ_sizes_get", "", &[P(OUTPUT, 4), P(DATA, 4)]),
    ("clock_res_get", "", &[N(1), P(OUTPUT, 8)]),
    ("clock_time_get", "", &[N(1), N(0), P(OUTPUT, 8)]),
    ("fd_fdstat_get", "", &[FILE_FD, P(OUTPUT, 24)]),
    ("fd_filestat_get", "", &[FILE_FD, P(OUTPUT, 64)]),
    ("fd_pread", "", &[FILE_FD, BUFFERS, L(2), N(0), RESULT]),
    ("fd_prestat_get", "", &[ROOT_FD, P(OUTPUT, 8)]),
    ("fd_prestat_dir_name", "", &[ROOT_FD, P(OUTPUT, 1), N(1)]),
    ("fd_pwrite", "", &[FILE_FD, BUFFERS, L(2), N(0), RESULT]),
    ("fd_read", "", &[FILE_FD, BUFFERS, L(2), RESULT]),
    ("fd_readdir", "", &[ROOT_FD, P(DATA, 100), L(100), N(0), RESULT]),
    ("fd_seek", "", &[FILE_FD, N(3), N(1), P(OUTPUT, 8)]),
    ("fd_tell", "", &[FILE_FD, P(OUTPUT, 8)]),
    ("fd_write", "", &[FILE_FD, BUFFERS, L(2), RESULT]),
    ("path_create_directory", "new", &[ROOT_FD, path(3), L(3)]),
    ("path_filestat_get", "file", &[ROOT_FD, N(0), path(4), L(4), P(OUTPUT, 64)]),
    ("path_filestat_set_times", "file", &[ROOT_FD, N(0), path(4), L(4), N(1), N(2), N(5)]),
    ("path_link", "file", &[ROOT_FD, N(0), path(4), L(4), ROOT_FD, MADE, L(4)]),
    ("path_open", "file", &[ROOT_FD, N(0), path(4), L(4), N(0), N(2), N(0), N(0), RESULT]),
    ("path_open", "new", &[ROOT_FD, N(0), path(3), L(3), N(1), N(2), N(0), N(0), RESULT]),
    ("path_open", "file", &[ROOT_FD, N(0), path(4), L(4), N(8), N(2), N(0), N(0), RESULT]),
    ("path_readlink", "to_file", &[ROOT_FD, path(7), L(7), P(DATA, 4), L(4), RESULT]),
    ("path_remove_directory", "dir", &[ROOT_FD, path(3), L(3)]),
    ("path_rename", "full", &[ROOT_FD, path(4), L(4), ROOT_FD, MADE, L(4)]),
    ("path_symlink", "words", &[path(5), L(5), ROOT_FD, MADE, L(4)]),
    ("path_unlink_file", "file", &[ROOT_FD, path(4), L(4)]),
    ("poll_oneoff", "", &[SUBSCRIPTION, P(OUTPUT, 32), N(1), RESULT]),
    ("random_get", "", &[P(DATA, 10), L(10)]),
    ("sock_accept", "", &[N(LISTENER as u64), N(0), RESULT]),
    ("sock_recv", "", &[SOCKET_FD, BUFFERS, L(2), N(0), RESULT, P(OUTPUT + 8, 2)]),
    ("sock_send", "", &[SOCKET_FD, BUFFERS, L(2), N(0), RESULT]),
];

fn values(args: &[Arg]) -> Vec<u64> {
    let value = |arg: &Arg| match *arg {
        N(number) => number,
        P(address, _) => address.into(),
        L(len) => len.into(),
    };
    args.iter().map(value).collect()
}

#[test]
fn no_function_is_forgotten() {
    let tested: BTreeSet<_> = CALLS.iter().map(|(name, ..)| *name).collect();
    let without = [
        "fd_advise",
        "fd_allocate",
        "fd_close",
        "fd_datasync",
        "fd_fdstat_set_flags",
        "fd_fdstat_set_rights",
        "fd_filestat_set_size",
        "fd_filestat_set_times",
        "fd_renumber",
        "fd_sync",
        "proc_raise",
        "sched_yield",
        "sock_shutdown",
    ];
    for (name, _) in FUNCTIONS {
        assert!(tested.contains(name) != without.contains(name), "{name}");
    }
}

#[test]
fn addresses_outside_are_refused_before_anything_happens() {
    let mut rig = Rig::new();
    for (name, first_path, args) in CALLS {
        rig.prepare(first_path.as_bytes());
        for (index, arg) in args.iter().enumerate() {
            let bad: Vec<u32> = match *arg {
                N(_) => continue,
                P(_, len) => vec![
                    MEMORY_BYTES - len + 1,
                    MEMORY_BYTES,
                    1 << 31,
                    u32::MAX - len + 1,
                    u32::MAX,
                ],
                L(_) => vec![MEMORY_BYTES, 1 << 29, 1 << 31, u32::MAX],
            };
            for bad in bad {
                let mut values = values(args);
                values[index] = bad.into();
                let case = format!("{name} {first_path} with argument {index} being {bad:#x}");
                assert_eq!(rig.guest.call(name, &values), FAULT, "{case}");
                rig.check(&case);
            }
        }
    }
    assert_eq!(rig.guest.accept(LISTENER, 0), Ok(FREE), "the other connection was not lost");
}

#[test]
fn addresses_at_the_end_are_inside() {
    for (name, first_path, args) in CALLS {
        if !has_links() && ["path_readlink", "path_symlink"].contains(name) {
            continue;
        }
        for (index, arg) in args.iter().enumerate() {
            let P(address, len) = *arg else { continue };
            let mut rig = Rig::new();
            rig.prepare(first_path.as_bytes());
            let bytes = rig.guest.bytes(address, len as usize);
            let end = MEMORY_BYTES - len;
            rig.guest.write(end, &bytes);
            let mut values = values(args);
            values[index] = end.into();
            let case = format!("{name} {first_path} with argument {index} at the end");
            assert_eq!(rig.guest.call(name, &values), OK, "{case}");
        }
    }
}

/// Of several buffers one is bad, and none is used.
#[test]
fn buffers_outside_are_refused_before_anything_happens() {
    let mut rig = Rig::new();
    for (name, args) in [
        ("fd_read", &[FILE_FD, BUFFERS, L(3), RESULT][..]),
        ("fd_pread", &[FILE_FD, BUFFERS, L(3), N(0), RESULT]),
        ("fd_write", &[FILE_FD, BUFFERS, L(3), RESULT]),
        ("fd_pwrite", &[FILE_FD, BUFFERS, L(3), N(0), RESULT]),
        ("sock_recv", &[SOCKET_FD, BUFFERS, L(3), N(0), RESULT, P(OUTPUT + 8, 2)]),
        ("sock_send", &[SOCKET_FD, BUFFERS, L(3), N(0), RESULT]),
    ] {
        for bad in [
            (MEMORY_BYTES - 3, 4),
            (MEMORY_BYTES, 1),
            (MEMORY_BYTES + 1, 0),
            (u32::MAX, 1),
            (u32::MAX, u32::MAX),
            (0, u32::MAX),
            (DATA, u32::MAX - DATA + 1),
            (1, MEMORY_BYTES),
        ] {
            for place in 0..3 {
                let mut buffers = [(DATA, 2); 3];
                buffers[place] = bad;
                rig.guest.buffers(&buffers);
                let case = format!("{name} with {buffers:x?}");
                assert_eq!(rig.guest.call(name, &values(args)), FAULT, "{case}");
                rig.check(&case);
            }
        }
        rig.guest.buffers(&[(MEMORY_BYTES, 0); 3]);
        assert_eq!(rig.guest.call(name, &values(args)), OK, "{name}: nothing at the end is inside");
        rig.check(name);
    }
}

/// Lengths whose sum does not fit in 32 bits, though each buffer is inside.
#[test]
fn buffers_may_be_larger_together_than_the_memory() {
    let mut rig = Rig::new();
    let buffers: Vec<u8> =
        [0, MEMORY_BYTES].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>().repeat(2000);
    rig.guest.write(DATA, &buffers);
    assert_eq!(call!(rig.guest, "fd_read", FILE, DATA, 2000, OUTPUT), OK);
    assert_eq!(rig.guest.number(OUTPUT), 8, "what is left of the file");
    assert_eq!(
        call!(rig.guest, "fd_read", FILE, DATA, 5000, OUTPUT),
        FAULT,
        "a list that is longer than the memory"
    );
}

#[test]
fn results_may_lie_on_what_was_passed() {
    let mut rig = Rig::new();
    let guest = &mut rig.guest;
    let at = PATHS[0];
    guest.write(at, b"file");
    assert_eq!(call!(guest, "path_open", ROOT, 0, at, 4, 0, 2, 0, 0, at), OK);
    assert_eq!(guest.number(at), FREE);
    guest.write(at, b"file");
    assert_eq!(call!(guest, "path_filestat_get", ROOT, 0, at, 4, at), OK);
    assert_eq!(Filestat::from_bytes(&guest.bytes(at, 64)).size, 10);
    if has_links() {
        guest.write(at, b"to_file");
        assert_eq!(call!(guest, "path_readlink", ROOT, at, 7, at, 10, at + 20), OK);
        assert_eq!(guest.bytes(at, 7), b"fileile");
        guest.write(at, b"to_file");
        assert_eq!(call!(guest, "path_readlink", ROOT, at, 7, at, 10, at + 2), OK);
        assert_eq!(guest.bytes(at, 6), b"fi\x04\0\0\0", "the number comes last");
        guest.write(at, b"same");
        assert_eq!(call!(guest, "path_symlink", at, 4, ROOT, at, 4), OK);
        assert_eq!(guest.readlink(ROOT, "same", 10), Ok(b"same".to_vec()));
    }
    assert_eq!(call!(guest, "fd_readdir", ROOT, DATA, 100, 0, DATA), OK);
    assert_eq!(guest.number(DATA), 100);
    assert_eq!(call!(guest, "args_sizes_get", OUTPUT, OUTPUT), OK);
    assert_eq!(guest.number(OUTPUT), 5, "the last one stays");
}

/// A generator of numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn one_of(&mut self, list: &[u64]) -> u64 {
        list[(self.next() % list.len() as u64) as usize]
    }
}

/// Whatever a guest calls, the host survives, and what is outside stays as it is.
#[test]
fn nonsense_does_no_harm() {
    // These wait, for the disk or for others, and have tests of their own.
    let waiting = ["fd_sync", "fd_datasync", "poll_oneoff", "sock_accept", "fd_allocate"];
    let world = World::new();
    world.furnish();
    let outside = world.things_outside();
    let interesting = [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        15,
        16,
        64,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0xffff_fff8,
        u64::MAX,
        1 << 63,
        INPUT as u64,
        OUTPUT as u64,
        PATHS[0] as u64,
        PATHS[1] as u64,
        DATA as u64,
        MEMORY_BYTES as u64,
        MEMORY_BYTES as u64 - 1,
        MEMORY_BYTES as u64 - 8,
        u64::MAX - 1,
    ];
    let paths = [
        "file",
        "dir",
        "..",
        "/",
        "to_file",
        "secret",
        "up/out/secret",
        "full/x",
        "loop",
        "new",
        ".",
        "outdoors/new",
    ];
    let mut random = Numbers(0x1234_5678_9abc_def1);
    let mut calls = 0;
    for round in 0..40 {
        if round % 10 == 0 {
            world.furnish();
        }
        let mut guest = world.guest();
        for _ in 0..100 {
            for at in PATHS {
                let path = random.one_of(&(0..paths.len() as u64).collect::<Vec<_>>());
                guest.write(at, paths[path as usize].as_bytes());
            }
            guest.buffers(&[(DATA, 10), (random.one_of(&interesting) as u32, 10), (DATA + 50, 20)]);
            let function = random.next() as usize % FUNCTIONS.len();
            let (name, params) = FUNCTIONS[function];
            if waiting.contains(&name) {
                continue;
            }
            let args: Vec<u64> = (0..params.len()).map(|_| random.one_of(&interesting)).collect();
            guest.call(name, &args);
            calls += 1;
        }
        drop(guest);
        world.assert_open(0);
        assert_eq!(world.things_outside(), outside);
    }
    assert!(calls > 3000);
}
