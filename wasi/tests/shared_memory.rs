//! Guests whose memory is shared: everything works as in a memory of their own, while other threads write to it and let it
//! grow.

mod common;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use wootz::{Engine, MemoryType, SharedMemory};
use wootz_wasi::{MemoryOutputPipe, WasiCtx};

use common::system::has_links;
use common::world::{ROOT, World, check_deeds_of, furniture_count};
use common::*;

fn shared(engine: &Engine, maximum: u32) -> SharedMemory {
    SharedMemory::new(engine, MemoryType::shared(1, maximum)).unwrap()
}

/// A guest in a furnished world, and its memory.
fn furnished() -> (World, Guest, SharedMemory) {
    let world = World::new();
    world.furnish();
    let engine = Engine::default();
    let memory = shared(&engine, 100);
    let guest = Guest::sharing(&engine, world.ctx(), memory.clone());
    (world, guest, memory)
}

#[test]
fn paths_mean_the_same() {
    let (world, guest, _) = furnished();
    check_deeds_of(
        world,
        guest,
        &[
            (
                "file",
                "NOTDIR: open_dir open_dir_follow rmdir rename_dir_to;
                 EXIST: create_new create_new_follow mkdir symlink_at link_to; INVAL: readlink; OK: *",
            ),
            (
                "absent",
                "OK: create create_follow create_new create_new_follow mkdir symlink_at symlink_to link_to rename_file_to
                     rename_dir_to; NOENT: *",
            ),
            ("up/out/secret", "OK: symlink_to; PERM: *"),
        ],
    );
}

#[test]
fn files_are_read_and_written() {
    let (world, mut guest, _) = furnished();
    let fd = guest.open(ROOT, "new", Open::CREATE).unwrap();
    assert_eq!(guest.put(fd, b"hello, world"), Ok(12));
    assert_eq!(guest.pput(fd, b"W", 7), Ok(1));
    assert_eq!(fs::read(world.at("new")).unwrap(), b"hello, World");
    assert_eq!(guest.seek(fd, -5, Whence::End), Ok(7));
    assert_eq!(guest.read(fd, 100), Ok(b"World".to_vec()));
    assert_eq!(guest.pread(fd, 5, 0), Ok(b"hello".to_vec()));
    assert_eq!((guest.tell(fd), guest.filestat(fd).unwrap().size), (Ok(12), 12));
    let buffers = [(DATA + 10, 3), (DATA, 0), (DATA, 4), (DATA + 2, 4)];
    guest.seek(fd, 0, Whence::Start).unwrap();
    guest.write(DATA, &[b'.'; 16]);
    guest.buffers(&buffers);
    assert_eq!(call!(guest, "fd_read", fd, INPUT, 4, OUTPUT), OK);
    assert_eq!((guest.number(OUTPUT), guest.bytes(DATA, 13)), (11, b"loWorl....hel".to_vec()));
    guest.seek(fd, 0, Whence::Start).unwrap();
    assert_eq!(call!(guest, "fd_write", fd, INPUT, 4, OUTPUT), OK);
    assert_eq!(fs::read(world.at("new")).unwrap(), b"helloWoWorld");
    assert_eq!(guest.names(ROOT).unwrap().len(), furniture_count() + 1);
    if has_links() {
        assert_eq!(guest.contents(ROOT, "to_file"), Ok(b"0123456789".to_vec()));
        assert_eq!(guest.readlink(ROOT, "to_file", 3), Ok(b"fil".to_vec()));
    }
}

#[test]
fn streams_clocks_and_sockets_work() {
    let engine = Engine::default();
    let output = MemoryOutputPipe::new(100);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ctx = WasiCtx::builder()
        .args(&["prog", "argument"])
        .env("A", "b")
        .stdin(&b"input"[..])
        .stdout(output.clone())
        .preopened_listener(listener)
        .build();
    let mut guest = Guest::sharing(&engine, ctx, shared(&engine, 1));
    assert_eq!(call!(guest, "args_get", OUTPUT, DATA), OK);
    assert_eq!(guest.bytes(DATA, 14), b"prog\0argument\0");
    assert_eq!(call!(guest, "environ_get", OUTPUT, DATA), OK);
    assert_eq!(guest.bytes(DATA, 4), b"A=b\0");
    assert_eq!((guest.read(0, 3), guest.read(0, 100)), (Ok(b"inp".to_vec()), Ok(b"ut".to_vec())));
    assert_eq!(guest.put(1, b"output"), Ok(6));
    assert_eq!(output.contents(), b"output");
    assert_eq!(call!(guest, "random_get", DATA, 1000), OK);
    assert_ne!(guest.bytes(DATA, 500), guest.bytes(DATA + 500, 500));
    let clock = Awaited::Clock { clock: 1, timeout: 1_000_000, flags: 0 };
    let events = guest.poll(&[Subscription { userdata: 5, what: clock }]).unwrap();
    assert_eq!(events[0].brief(), (5, OK, 0));

    let mut client = TcpStream::connect(address).unwrap();
    let connection = guest.accept(ROOT, 0).unwrap();
    client.write_all(b"0123456789").unwrap();
    assert_eq!(guest.receive(connection, 10, 2), Ok(b"0123456789".to_vec()));
    assert_eq!(guest.send(connection, b"bye"), Ok(3));
}

#[test]
fn addresses_outside_are_refused() {
    let (world, mut guest, memory) = furnished();
    let fd = guest.open(ROOT, "file", Open::WRITE).unwrap();
    for bad in [(MEMORY_BYTES - 1, 2), (MEMORY_BYTES, 1), (u32::MAX, 1), (0, u32::MAX)] {
        for name in ["fd_read", "fd_write"] {
            guest.buffers(&[(DATA, 2), bad]);
            assert_eq!(call!(guest, name, fd, INPUT, 2, OUTPUT), FAULT, "{name} {bad:x?}");
        }
        assert_eq!(call!(guest, "path_unlink_file", ROOT, bad.0, bad.1), FAULT);
        assert_eq!(call!(guest, "random_get", bad.0, bad.1), FAULT);
    }
    assert_eq!(call!(guest, "fd_read", fd, INPUT, 1, MEMORY_BYTES - 3), FAULT);
    assert_eq!(guest.tell(fd), Ok(0));
    assert_eq!(fs::read(world.at("file")).unwrap(), b"0123456789");
    // What is outside today may be inside tomorrow.
    memory.grow(1).unwrap();
    guest.buffers(&[(MEMORY_BYTES - 3, 6)]);
    assert_eq!(call!(guest, "fd_read", fd, INPUT, 1, MEMORY_BYTES + 100), OK);
    assert_eq!(guest.bytes(MEMORY_BYTES - 3, 6), b"012345");
    assert_eq!(guest.number(MEMORY_BYTES + 100), 6);
}

/// One thread lets the memory grow and writes where the guest reads from; what the guest wrote before is what arrives.
#[test]
fn other_threads_may_write_and_grow_meanwhile() {
    let world = World::new();
    let engine = Engine::default();
    let memory = shared(&engine, 1000);
    let mut guest = Guest::sharing(&engine, world.ctx(), memory.clone());
    let over = AtomicBool::new(false);
    let grown = AtomicU32::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut byte = 0_u8;
            while !over.load(Ordering::Relaxed) {
                if memory.grow(1).is_ok() {
                    grown.fetch_add(1, Ordering::Relaxed);
                }
                // Right behind what the guest uses itself, and into the middle of a buffer.
                byte = byte.wrapping_add(1);
                memory.write(DATA as usize + 1000, &[byte; 3000]).unwrap();
            }
        });
        let _stop = Stop(&over);
        let fd = guest.open(ROOT, "file", Open::CREATE).unwrap();
        for round in 0..300_u32 {
            let line = format!("this is line {round}\n");
            guest.seek(fd, 0, Whence::Start).unwrap();
            assert_eq!(guest.put(fd, line.as_bytes()), Ok(line.len() as u32));
            assert_eq!(guest.pread(fd, line.len() as u32, 0), Ok(line.clone().into_bytes()));
            // Of a buffer that changes meanwhile, the rest is as it was.
            guest.write(DATA, &[b'a'; 1000]);
            guest.write(DATA + 4000, &[b'z'; 1000]);
            guest.buffers(&[(DATA, 5000)]);
            assert_eq!(call!(guest, "fd_pwrite", fd, INPUT, 1, 100, OUTPUT), OK);
            assert_eq!(guest.number(OUTPUT), 5000);
            let written = fs::read(world.at("file")).unwrap();
            assert!(written[100..1100].iter().all(|byte| *byte == b'a'), "round {round}");
            assert!(written[4100..5100].iter().all(|byte| *byte == b'z'), "round {round}");
            assert_eq!(guest.stat(ROOT, "file", false).unwrap().size, 5100);
            assert_eq!(guest.names(ROOT), Ok(vec!["file".to_string()]));
        }
    });
    assert!(grown.load(Ordering::Relaxed) > 10);
}

/// A path that another thread changes while it is used is one of the two, and never leads out.
#[test]
fn paths_that_change_meanwhile_are_read_once() {
    let world = World::new();
    world.furnish();
    fs::write(world.at("innocent_name"), "a").unwrap();
    let paths: [&[u8; 13]; 3] = [b"../out/secret", b"innocent_name", b"dir/../dir/.."];
    let outside = world.things_outside();
    let engine = Engine::default();
    let memory = shared(&engine, 1);
    let mut guest = Guest::sharing(&engine, world.ctx(), memory.clone());
    guest.write(PATHS[0], paths[0]);
    let over = AtomicBool::new(false);
    let mut opened = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for path in paths {
                    memory.write(PATHS[0] as usize, path).unwrap();
                }
            }
        });
        let _stop = Stop(&over);
        for _ in 0..20_000 {
            let path = PATHS[0];
            let found = call!(guest, "path_open", ROOT, 1, path, 13, 0, 2, 0, 0, OUTPUT);
            if found == OK {
                let fd = guest.number(OUTPUT);
                let read = guest.read(fd, 100);
                assert!([Ok(b"a".to_vec()), Err(ISDIR)].contains(&read), "{read:?}");
                guest.close(fd).unwrap();
                opened += 1;
            } else {
                // Half of one and half of the other may be what Windows forbids.
                let is_forbidden = cfg!(windows) && found == INVAL;
                assert!(is_forbidden || [PERM, NOENT, NOTDIR].contains(&found), "{found:?}");
            }
        }
    });
    assert!(opened > 0);
    assert_eq!(world.things_outside(), outside);
}

/// Two guests, each with descriptors of its own, in one memory.
#[test]
fn two_guests_share_a_memory_and_nothing_else() {
    let (one, two) = (World::new(), World::new());
    one.furnish();
    fs::write(two.at("other"), "from the other").unwrap();
    let engine = Engine::default();
    let memory = shared(&engine, 1);
    let mut first = Guest::sharing(&engine, one.ctx(), memory.clone());
    let mut second = Guest::sharing(&engine, two.ctx(), memory);
    let (a, b) = (first.open(ROOT, "file", Open::READ), second.open(ROOT, "other", Open::READ));
    assert_eq!((a, b), (Ok(4), Ok(4)));
    assert_eq!(first.read(4, 4), Ok(b"0123".to_vec()));
    assert_eq!(second.bytes(DATA, 4), b"0123");
    assert_eq!(second.read(4, 100), Ok(b"from the other".to_vec()));
    assert_eq!(first.bytes(DATA, 14), b"from the other");
    first.close(4).unwrap();
    assert_eq!(second.tell(4), Ok(14));
}
