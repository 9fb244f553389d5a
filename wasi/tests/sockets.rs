//! Sockets: what a guest accepts, receives, sends and shuts down.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use wootz_wasi::WasiCtx;

use common::world::{ROOT, World};
use common::*;

/// The listener of the guests here, and the first connection.
const LISTENER: u32 = 3;
const CONNECTION: u32 = 4;

const PEEK: u16 = 1;
const WAITALL: u16 = 2;

const RECEIVE: u8 = 1;
const SEND: u8 = 2;

/// Long enough for any machine.
const PATIENCE: u64 = 60_000_000_000;

/// A guest that has a listener, and where that listens.
fn listening() -> (Guest, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let guest = Guest::new(WasiCtx::builder().preopened_listener(listener).build());
    (guest, address)
}

/// A guest that has accepted a connection, and the other end.
fn connected() -> (Guest, TcpStream) {
    let (mut guest, address) = listening();
    let client = TcpStream::connect(address).unwrap();
    assert_eq!(guest.accept(LISTENER, 0), Ok(CONNECTION));
    (guest, client)
}

/// Waits until there is something to receive.
fn wait(guest: &mut Guest, fd: u32) -> Event {
    let clock = Awaited::Clock { clock: 1, timeout: PATIENCE, flags: 0 };
    let subscriptions = [
        Subscription { userdata: 1, what: clock },
        Subscription { userdata: 2, what: Awaited::Read(fd) },
    ];
    let event = guest.poll(&subscriptions).unwrap()[0];
    assert_eq!(event.brief(), (2, OK, 1));
    event
}

#[test]
fn listeners_and_connections_are_described() {
    let (mut guest, _client) = connected();
    let listener = guest.fdstat(LISTENER).unwrap();
    assert_eq!((listener.filetype, listener.flags), (filetype::SOCKET_STREAM, 0));
    assert_ne!(listener.base & rights::SOCK_ACCEPT, 0, "{listener:?}");
    assert_eq!(listener.base & rights::FD_WRITE, 0, "{listener:?}");
    let connection = guest.fdstat(CONNECTION).unwrap();
    assert_eq!((connection.filetype, connection.flags), (filetype::SOCKET_STREAM, 0));
    let expected =
        rights::FD_READ | rights::FD_WRITE | rights::SOCK_SHUTDOWN | rights::POLL_FD_READWRITE;
    assert_eq!(connection.base & (expected | rights::SOCK_ACCEPT | rights::FD_SEEK), expected);
    for fd in [LISTENER, CONNECTION] {
        assert_eq!(guest.filestat(fd).unwrap().filetype, filetype::SOCKET_STREAM);
        assert_eq!(guest.prestat(fd), Err(BADF), "only directories are told of so");
    }
}

#[test]
fn data_goes_both_ways() {
    let (mut guest, mut client) = connected();
    client.write_all(b"hello, guest").unwrap();
    assert_eq!(guest.receive(CONNECTION, 5, WAITALL), Ok(b"hello".to_vec()));
    assert_eq!(guest.read(CONNECTION, 100), Ok(b", guest".to_vec()), "it can be read like a file");
    assert_eq!(guest.send(CONNECTION, b"hello"), Ok(5));
    assert_eq!(guest.put(CONNECTION, b", host"), Ok(6), "and written");
    assert_eq!((guest.send(CONNECTION, b""), guest.put(CONNECTION, b"")), (Ok(0), Ok(0)));
    let mut received = [0; 11];
    client.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"hello, host");
    drop(client);
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(vec![]), "the end");
    assert_eq!(guest.read(CONNECTION, 10), Ok(vec![]));
}

#[test]
fn buffers_are_filled_and_sent_in_order() {
    let (mut guest, mut client) = connected();
    client.write_all(b"0123456789").unwrap();
    guest.write(DATA, &[b'.'; 20]);
    guest.buffers(&[(DATA + 10, 3), (0, 0), (DATA, 4), (DATA + 15, 3)]);
    let waitall = WAITALL;
    assert_eq!(call!(guest, "sock_recv", CONNECTION, INPUT, 4, waitall, OUTPUT, OUTPUT + 8), OK);
    assert_eq!((guest.number(OUTPUT), guest.bytes(OUTPUT + 8, 2)), (10, vec![0, 0]));
    assert_eq!(guest.bytes(DATA, 20), b"3456......012..789..");
    assert_eq!(call!(guest, "sock_send", CONNECTION, INPUT, 4, 0, OUTPUT), OK);
    assert_eq!(guest.number(OUTPUT), 10);
    let mut received = [0; 10];
    client.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"0123456789");
}

#[test]
fn peeking_takes_nothing_away() {
    let (mut guest, mut client) = connected();
    client.write_all(b"once").unwrap();
    wait(&mut guest, CONNECTION);
    for _ in 0..3 {
        assert_eq!(guest.receive(CONNECTION, 2, PEEK), Ok(b"on".to_vec()));
        assert_eq!(guest.receive(CONNECTION, 10, PEEK), Ok(b"once".to_vec()));
    }
    assert_eq!(guest.receive(CONNECTION, 4, PEEK | WAITALL), Ok(b"once".to_vec()));
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(b"once".to_vec()));
}

#[test]
fn everything_can_be_waited_for() {
    let (mut guest, mut client) = connected();
    let thread = std::thread::spawn(move || {
        for piece in [b"one, ", b"two, ", b"three"] {
            std::thread::sleep(Duration::from_millis(10));
            client.write_all(piece).unwrap();
        }
        client
    });
    assert_eq!(guest.receive(CONNECTION, 15, WAITALL), Ok(b"one, two, three".to_vec()));
    let mut client = thread.join().unwrap();
    client.write_all(b"short").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(guest.receive(CONNECTION, 15, WAITALL), Ok(b"short".to_vec()), "up to the end");
}

#[test]
fn nothing_waits_that_must_not() {
    let (mut guest, address) = listening();
    guest.set_flags(LISTENER, fdflags::NONBLOCK).unwrap();
    assert_eq!(guest.fdstat(LISTENER).unwrap().flags, fdflags::NONBLOCK);
    assert_eq!(guest.accept(LISTENER, 0), Err(AGAIN));
    let mut client = TcpStream::connect(address).unwrap();
    wait(&mut guest, LISTENER);
    assert_eq!(guest.accept(LISTENER, fdflags::NONBLOCK), Ok(CONNECTION));
    assert_eq!(guest.fdstat(CONNECTION).unwrap().flags, fdflags::NONBLOCK);
    assert_eq!(guest.receive(CONNECTION, 10, 0), Err(AGAIN));
    assert_eq!(guest.read(CONNECTION, 10), Err(AGAIN));
    let mut sent = 0;
    let full = loop {
        match guest.send(CONNECTION, &[7; 20000]) {
            Ok(more) => sent += u64::from(more),
            Err(errno) => break errno,
        }
    };
    assert_eq!(full, AGAIN, "after {sent} bytes");
    assert_eq!(guest.put(CONNECTION, b"x"), Err(AGAIN));
    // What it was accepted with, and what the listener is, are two things.
    let _other = TcpStream::connect(address).unwrap();
    wait(&mut guest, LISTENER);
    let second = guest.accept(LISTENER, 0).unwrap();
    assert_eq!(guest.fdstat(second).unwrap().flags, 0);
    guest.set_flags(second, fdflags::NONBLOCK).unwrap();
    assert_eq!(guest.receive(second, 1, 0), Err(AGAIN));
    // Nothing is wrong with the connection: it can wait again.
    client.write_all(b"x").unwrap();
    guest.set_flags(CONNECTION, 0).unwrap();
    assert_eq!(guest.receive(CONNECTION, 1, 0), Ok(b"x".to_vec()));
}

#[test]
fn each_direction_is_shut_down_for_itself() {
    let (mut guest, mut client) = connected();
    guest.send(CONNECTION, b"last words").unwrap();
    assert_eq!(guest.shutdown(CONNECTION, SEND), Ok(()));
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"last words");
    assert_eq!(guest.send(CONNECTION, b"more"), Err(PIPE));
    assert_eq!(guest.put(CONNECTION, b"more"), Err(PIPE));
    client.write_all(b"still heard").unwrap();
    assert_eq!(guest.receive(CONNECTION, 11, WAITALL), Ok(b"still heard".to_vec()));
    assert_eq!(guest.shutdown(CONNECTION, RECEIVE), Ok(()));
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(vec![]));

    let (mut guest, mut client) = connected();
    assert_eq!(guest.shutdown(CONNECTION, RECEIVE), Ok(()));
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(vec![]), "at once");
    assert_eq!(guest.send(CONNECTION, b"sent"), Ok(4));
    let mut received = [0; 4];
    client.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"sent");

    let (mut guest, mut client) = connected();
    assert_eq!(guest.shutdown(CONNECTION, SEND | RECEIVE), Ok(()));
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(vec![]));
    assert_eq!(guest.send(CONNECTION, b"x"), Err(PIPE));
    assert_eq!(client.read(&mut [0; 10]).unwrap(), 0);
}

#[test]
fn what_is_closed_is_closed_for_the_other_end() {
    let (mut guest, mut client) = connected();
    guest.close(CONNECTION).unwrap();
    assert_eq!(client.read(&mut [0; 10]).unwrap(), 0);
    assert_eq!(guest.receive(CONNECTION, 1, 0), Err(BADF));
    guest.close(LISTENER).unwrap();
    assert_eq!(guest.accept(LISTENER, 0), Err(BADF));
}

#[test]
fn connections_are_waited_for() {
    let (mut guest, address) = listening();
    let clock = Awaited::Clock { clock: 1, timeout: 10_000_000, flags: 0 };
    let subscriptions = [
        Subscription { userdata: 1, what: clock },
        Subscription { userdata: 2, what: Awaited::Read(LISTENER) },
    ];
    assert_eq!(guest.poll(&subscriptions).unwrap()[0].brief(), (1, OK, 0), "nobody is there");
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        TcpStream::connect(address).unwrap()
    });
    wait(&mut guest, LISTENER);
    assert_eq!(guest.accept(LISTENER, 0), Ok(CONNECTION));
    let mut client = thread.join().unwrap();

    let both = |guest: &mut Guest| -> Vec<_> {
        let clock = Awaited::Clock { clock: 1, timeout: 10_000_000, flags: 0 };
        guest
            .poll(&[
                Subscription { userdata: 1, what: clock },
                Subscription { userdata: 2, what: Awaited::Read(CONNECTION) },
                Subscription { userdata: 3, what: Awaited::Write(CONNECTION) },
            ])
            .unwrap()
    };
    let events = both(&mut guest);
    assert_eq!(events.iter().map(Event::brief).collect::<Vec<_>>(), [(3, OK, 2)]);
    client.write_all(b"12345").unwrap();
    let event = wait(&mut guest, CONNECTION);
    assert!((1..=5).contains(&event.bytes) && !event.hangup, "{event:?}");
    let events = both(&mut guest);
    assert_eq!(events.iter().map(Event::brief).collect::<Vec<_>>(), [(2, OK, 1), (3, OK, 2)]);
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(b"12345".to_vec()));
    drop(client);
    let event = wait(&mut guest, CONNECTION);
    assert!(event.hangup, "the other end is gone: {event:?}");
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(vec![]));
}

/// A guest that waits in `sock_accept` itself.
#[test]
fn accepting_waits() {
    let (mut guest, address) = listening();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        TcpStream::connect(address).unwrap()
    });
    assert_eq!(guest.accept(LISTENER, 0), Ok(CONNECTION));
    drop(thread.join().unwrap());
}

/// The standard library has them on Unix only.
#[cfg(unix)]
#[test]
fn sockets_of_the_file_system_are_sockets() {
    use std::os::unix::net::{UnixListener, UnixStream};
    let world = World::new();
    let path = world.at("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut guest = Guest::new(WasiCtx::builder().preopened_listener(listener).build());
    let mut client = UnixStream::connect(&path).unwrap();
    assert_eq!(guest.fdstat(LISTENER).unwrap().filetype, filetype::SOCKET_STREAM);
    assert_eq!(guest.accept(LISTENER, 0), Ok(CONNECTION));
    client.write_all(b"hello").unwrap();
    assert_eq!(guest.receive(CONNECTION, 10, PEEK), Ok(b"hello".to_vec()));
    assert_eq!(guest.receive(CONNECTION, 10, 0), Ok(b"hello".to_vec()));
    guest.send(CONNECTION, b"hi").unwrap();
    guest.shutdown(CONNECTION, SEND).unwrap();
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"hi");
}

#[test]
fn several_connections_are_kept_apart() {
    let (mut guest, address) = listening();
    let mut clients: Vec<_> = (0..5).map(|_| TcpStream::connect(address).unwrap()).collect();
    for fd in CONNECTION..CONNECTION + 5 {
        assert_eq!(guest.accept(LISTENER, 0), Ok(fd));
    }
    for (n, client) in clients.iter_mut().enumerate() {
        client.write_all(format!("I am {n}").as_bytes()).unwrap();
    }
    for (n, fd) in (CONNECTION..CONNECTION + 5).enumerate().rev() {
        let name = format!("I am {n}").into_bytes();
        assert_eq!(guest.receive(fd, name.len() as u32, WAITALL), Ok(name));
    }
    guest.renumber(CONNECTION + 1, CONNECTION).unwrap();
    guest.send(CONNECTION, b"x").unwrap();
    clients[1].read_exact(&mut [0]).unwrap();
    assert_eq!(clients[0].read(&mut [0]).unwrap(), 0, "the first one was closed");
}

#[test]
fn numbers_that_mean_nothing_are_refused() {
    let (mut guest, _client) = connected();
    guest.buffers(&[(DATA, 1)]);
    for flags in [4_u32, 8, 0x1_0000, u32::MAX] {
        let found = call!(guest, "sock_recv", CONNECTION, INPUT, 1, flags, OUTPUT, OUTPUT + 8);
        assert_eq!(found, INVAL, "receiving with {flags:#x}");
    }
    for flags in [1_u32, 2, 0x1_0000, u32::MAX] {
        let found = call!(guest, "sock_send", CONNECTION, INPUT, 1, flags, OUTPUT);
        assert_eq!(found, INVAL, "sending with {flags:#x}");
    }
    for how in [0_u32, 4, 8, 0x101, u32::MAX] {
        assert_eq!(call!(guest, "sock_shutdown", CONNECTION, how), INVAL, "shutting down {how:#x}");
    }
    for flags in [1_u32, 2, 8, 16, 0x20, 0x1_0000] {
        let found = call!(guest, "sock_accept", LISTENER, flags, OUTPUT);
        assert_eq!(found, INVAL, "accepting with {flags:#x}");
    }
    assert_eq!(guest.send(CONNECTION, b"fine"), Ok(4));
}

#[test]
fn other_things_are_no_sockets() {
    let world = World::new();
    world.furnish();
    let (mut connected, _client) = connected();
    let mut guest = world.guest();
    let file = guest.open(ROOT, "file", Open::WRITE).unwrap();
    guest.buffers(&[(DATA, 1)]);
    for (fd, expected) in [(0, NOTSOCK), (1, NOTSOCK), (ROOT, NOTSOCK), (file, NOTSOCK), (77, BADF)]
    {
        assert_eq!(guest.accept(fd, 0), Err(expected), "{fd}");
        assert_eq!(guest.receive(fd, 1, 0), Err(expected), "{fd}");
        assert_eq!(guest.send(fd, b"x"), Err(expected), "{fd}");
        for how in [RECEIVE, SEND, RECEIVE | SEND] {
            assert_eq!(guest.shutdown(fd, how), Err(expected), "{fd}");
        }
    }
    // A listener has nobody to talk to, and a connection nobody to wait for.
    let guest = &mut connected;
    assert_eq!(guest.accept(CONNECTION, 0), Err(INVAL));
    assert_eq!(guest.receive(LISTENER, 1, 0), Err(NOTCONN));
    assert_eq!(guest.send(LISTENER, b"x"), Err(NOTCONN));
    assert!(guest.read(LISTENER, 1).is_err());
    assert!(guest.put(LISTENER, b"x").is_err());
    for fd in [LISTENER, CONNECTION] {
        assert_eq!(guest.seek(fd, 0, Whence::Current), Err(SPIPE), "{fd}");
        assert_eq!(guest.tell(fd), Err(SPIPE), "{fd}");
        assert_eq!(guest.pread(fd, 1, 0), Err(SPIPE), "{fd}");
        assert_eq!(guest.pput(fd, b"x", 0), Err(SPIPE), "{fd}");
        assert_eq!(guest.set_size(fd, 0), Err(INVAL), "{fd}");
        assert_eq!(guest.readdir(fd, 100, 0), Err(NOTDIR), "{fd}");
        assert_eq!(guest.open(fd, "x", Open::CREATE), Err(NOTDIR), "{fd}");
    }
}

#[test]
fn rights_can_be_given_up() {
    let (mut guest, mut client) = connected();
    let all = guest.fdstat(CONNECTION).unwrap();
    client.write_all(b"x").unwrap();
    type Use = fn(&mut Guest) -> Errno;
    let uses: [(u64, Use); 3] = [
        (rights::SOCK_SHUTDOWN, |guest| Errno::of(&guest.shutdown(CONNECTION, SEND))),
        (rights::FD_WRITE, |guest| Errno::of(&guest.send(CONNECTION, b"x"))),
        (rights::FD_READ, |guest| Errno::of(&guest.receive(CONNECTION, 1, 0))),
    ];
    for (right, what) in uses {
        let left = guest.fdstat(CONNECTION).unwrap().base & !right;
        guest.set_rights(CONNECTION, left, all.inheriting).unwrap();
        assert_eq!(what(&mut guest), NOTCAPABLE, "without {right:#x}");
    }
    let all = guest.fdstat(LISTENER).unwrap();
    guest.set_rights(LISTENER, all.base & !rights::SOCK_ACCEPT, all.inheriting).unwrap();
    assert_eq!(guest.accept(LISTENER, 0), Err(NOTCAPABLE));
}

/// The older version of the interface has all of this but accepting.
#[test]
fn the_older_interface_can_talk_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ctx = WasiCtx::builder().preopened_listener(listener).build();
    let mut guest = Guest::importing(ctx, UNSTABLE);
    assert_eq!(guest.fdstat(LISTENER).unwrap().filetype, filetype::SOCKET_STREAM);
    assert_eq!(guest.receive(LISTENER, 1, 0), Err(NOTCONN));
    assert_eq!(guest.shutdown(1, SEND), Err(NOTSOCK));
}

/// The host may have kept it, or given it to several guests.
#[test]
fn what_a_guest_says_of_its_listener_is_its_own_affair() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let kept = listener.try_clone().unwrap();
    let waits_not = |kept: &TcpListener| match kept.accept() {
        Ok(_) => panic!("somebody is there"),
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    };
    let mut guest = Guest::new(WasiCtx::builder().preopened_listener(listener).build());
    guest.set_flags(LISTENER, fdflags::NONBLOCK).unwrap();
    assert_eq!(guest.accept(LISTENER, 0), Err(AGAIN));
    // It waits as before, for somebody who comes late.
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        TcpStream::connect(address).unwrap()
    });
    kept.accept().unwrap();
    drop(late.join().unwrap());
    // And the other way round.
    guest.set_flags(LISTENER, 0).unwrap();
    kept.set_nonblocking(true).unwrap();
    let client = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        TcpStream::connect(address).unwrap()
    });
    assert_eq!(guest.accept(LISTENER, 0), Ok(CONNECTION), "it waits");
    assert!(waits_not(&kept));
    drop(client.join().unwrap());
}

/// More than is copied at a time, into buffers that overlap.
#[test]
fn waiting_for_all_is_waiting_for_all() {
    const BYTES: usize = 6 << 20;
    let (mut guest, mut client) = connected();
    let sender = std::thread::spawn(move || client.write_all(&vec![7; BYTES]).unwrap());
    let part = BYTES as u32 / 256;
    guest.buffers(&[(DATA, part); 256]);
    assert!(part < DATA_BYTES);
    assert_eq!(
        call!(guest, "sock_recv", CONNECTION, INPUT, 256, u32::from(WAITALL), OUTPUT, OUTPUT + 4),
        OK
    );
    assert_eq!(guest.number(OUTPUT) as usize, BYTES);
    sender.join().unwrap();
}
