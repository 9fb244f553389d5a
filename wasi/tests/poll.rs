//! `poll_oneoff`: what happens, when, and at what cost.

mod common;

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Write};
use std::time::{Duration, Instant};

use wootz_wasi::WasiCtx;

use common::system::{computed, file};
use common::world::{ROOT, World};
use common::*;

const MILLISECOND: u64 = 1_000_000;

/// Longer than any test; one that waits for it has failed.
const FOR_EVER: u64 = 60_000 * MILLISECOND;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

fn clock(userdata: u64, clock: u32, timeout: u64, flags: u16) -> Subscription {
    Subscription { userdata, what: Awaited::Clock { clock, timeout, flags } }
}

fn reading(userdata: u64, fd: u32) -> Subscription {
    Subscription { userdata, what: Awaited::Read(fd) }
}

fn writing(userdata: u64, fd: u32) -> Subscription {
    Subscription { userdata, what: Awaited::Write(fd) }
}

/// Polls, and returns the user data, error and tag of each event.
fn poll(guest: &mut Guest, subscriptions: &[Subscription]) -> Vec<(u64, Errno, u8)> {
    guest.poll(subscriptions).unwrap().iter().map(Event::brief).collect()
}

fn pipe() -> (PipeReader, PipeWriter) {
    std::io::pipe().unwrap()
}

#[test]
fn sleeping_takes_time() {
    let mut guest = built(|_| ());
    let start = Instant::now();
    let subscriptions = [clock(7, MONOTONIC, 30 * MILLISECOND, 0), clock(8, REALTIME, 1 << 62, 0)];
    assert_eq!(poll(&mut guest, &subscriptions), [(7, OK, 0)]);
    assert!(start.elapsed() >= Duration::from_millis(30));

    for id in [REALTIME, MONOTONIC] {
        assert_eq!(call!(guest, "clock_time_get", id, 0, OUTPUT), OK);
        let deadline = guest.long_number(OUTPUT) + 20 * MILLISECOND;
        assert_eq!(poll(&mut guest, &[clock(9, id, deadline, 1)]), [(9, OK, 0)]);
        assert_eq!(call!(guest, "clock_time_get", id, 0, OUTPUT), OK);
        assert!(guest.long_number(OUTPUT) >= deadline);
    }
    let over = [clock(10, REALTIME, 1, 1)];
    assert_eq!(poll(&mut guest, &over), [(10, OK, 0)], "a time that is long over");
    assert_eq!(poll(&mut guest, &[clock(11, MONOTONIC, 0, 0)]), [(11, OK, 0)]);
}

#[test]
fn what_ends_first_ends_the_wait() {
    let mut guest = built(|_| ());
    let start = Instant::now();
    let both = [clock(1, MONOTONIC, FOR_EVER, 0), clock(2, REALTIME, 10 * MILLISECOND, 0)];
    assert_eq!(poll(&mut guest, &both), [(2, OK, 0)]);
    let twice = [clock(3, MONOTONIC, 5 * MILLISECOND, 0); 2];
    let events = poll(&mut guest, &twice);
    assert!(!events.is_empty() && events.iter().all(|event| *event == (3, OK, 0)), "{events:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn streams_in_memory_are_ready_and_mistakes_are_events() {
    let mut guest = built(|_| ());
    let never = clock(1, MONOTONIC, u64::MAX, 0);
    let subscriptions = [never, reading(2, 0), writing(3, 1), writing(4, 0)];
    assert_eq!(poll(&mut guest, &subscriptions), [(2, OK, 1), (3, OK, 2), (4, BADF, 2)]);
    assert_eq!(poll(&mut guest, &[never, reading(5, 9)]), [(5, BADF, 1)]);
    assert_eq!(poll(&mut guest, &[never, writing(6, u32::MAX)]), [(6, BADF, 2)]);
    assert_eq!(poll(&mut guest, &[never, clock(7, 2, 1, 0)]), [(7, NOTSUP, 0)]);
}

#[test]
fn files_are_always_ready() {
    let world = World::new();
    world.furnish();
    let mut guest = world.guest();
    let fd = guest.open(ROOT, "file", Open::WRITE).unwrap();
    let never = clock(1, MONOTONIC, FOR_EVER, 0);
    assert_eq!(
        poll(&mut guest, &[never, reading(2, fd), writing(3, fd)]),
        [(2, OK, 1), (3, OK, 2)]
    );
    let event = guest.poll(&[reading(4, fd)]).unwrap()[0];
    assert!((1..=10).contains(&event.bytes), "of the ten bytes, {}", event.bytes);
    guest.seek(fd, 0, Whence::End).unwrap();
    assert_eq!(poll(&mut guest, &[never, reading(5, fd)]), [(5, OK, 1)], "at the end, too");
}

#[test]
fn waiting_needs_rights() {
    use rights::*;
    let world = World::new();
    world.furnish();
    let mut guest = world.guest();
    let never = clock(1, MONOTONIC, FOR_EVER, 0);
    for (base, read, write) in [
        (FD_READ | FD_WRITE, NOTCAPABLE, NOTCAPABLE),
        (POLL_FD_READWRITE, NOTCAPABLE, NOTCAPABLE),
        (POLL_FD_READWRITE | FD_READ, OK, NOTCAPABLE),
        (POLL_FD_READWRITE | FD_WRITE, NOTCAPABLE, OK),
    ] {
        let fd = guest.open(ROOT, "file", Open::WRITE).unwrap();
        guest.set_rights(fd, base, 0).unwrap();
        let events = poll(&mut guest, &[never, reading(2, fd), writing(3, fd)]);
        assert_eq!(events, [(2, read, 1), (3, write, 2)], "with the rights {base:#x}");
        guest.close(fd).unwrap();
    }
}

#[test]
fn a_guest_waits_for_the_pipe_that_it_reads() {
    let (reader, mut writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdin_file(file(reader));
    });
    let timeout = [clock(1, MONOTONIC, 20 * MILLISECOND, 0), reading(2, 0)];
    assert_eq!(poll(&mut guest, &timeout), [(1, OK, 0)], "there is nothing yet");
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        writer.write_all(b"hello").unwrap();
        writer
    });
    let patient = [clock(1, MONOTONIC, FOR_EVER, 0), reading(2, 0)];
    let events = guest.poll(&patient).unwrap();
    assert_eq!(events.iter().map(Event::brief).collect::<Vec<_>>(), [(2, OK, 1)]);
    assert!((1..=5).contains(&events[0].bytes) && !events[0].hangup, "{events:?}");
    drop(thread.join().unwrap());
    assert_eq!(guest.read(0, 100), Ok(b"hello".to_vec()));
    let events = guest.poll(&patient).unwrap();
    assert_eq!((events[0].brief(), events[0].hangup), ((2, OK, 1), true), "nobody writes any more");
    assert_eq!(guest.read(0, 100), Ok(Vec::new()));
}

/// Windows does not tell whether a pipe has room.
#[cfg(unix)]
#[test]
fn a_guest_waits_for_the_pipe_that_it_writes() {
    use std::io::Read;
    let (mut reader, writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdout_file(file(writer));
    });
    let patient = [clock(1, MONOTONIC, FOR_EVER, 0), writing(2, 1)];
    assert_eq!(poll(&mut guest, &patient), [(2, OK, 2)]);
    guest.set_flags(1, fdflags::NONBLOCK).unwrap();
    let mut written = 0;
    while let Ok(more) = guest.put(1, &[7; 4096]) {
        written += more as usize;
    }
    assert_eq!(guest.put(1, b"x"), Err(AGAIN), "full after {written} bytes");
    let timeout = [clock(1, MONOTONIC, 20 * MILLISECOND, 0), writing(2, 1)];
    assert_eq!(poll(&mut guest, &timeout), [(1, OK, 0)]);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        reader.read_exact(&mut vec![0; written]).unwrap();
        reader
    });
    assert_eq!(poll(&mut guest, &patient), [(2, OK, 2)], "now there is room");
    drop(thread.join().unwrap());
    let events = guest.poll(&patient).unwrap();
    assert_eq!((events[0].userdata, events[0].hangup), (2, true), "nobody reads any more");
    assert_eq!(guest.put(1, b"x"), Err(PIPE));
}

#[test]
fn reading_a_pipe_waits_unless_it_must_not() {
    let (reader, mut writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdin_file(file(reader));
    });
    guest.set_flags(0, fdflags::NONBLOCK).unwrap();
    assert_eq!(guest.read(0, 1), Err(AGAIN));
    guest.set_flags(0, 0).unwrap();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        writer.write_all(b"late").unwrap();
    });
    assert_eq!(guest.read(0, 100), Ok(b"late".to_vec()));
    thread.join().unwrap();
}

#[test]
fn several_things_are_waited_for_at_once() {
    let (reader, mut writer) = pipe();
    let (_other_reader, other_writer) = pipe();
    let world = World::new();
    let mut guest = Guest::new(
        WasiCtx::builder()
            .stdin_file(file(reader))
            .stderr_file(file(other_writer))
            .preopened_dir(world.inside(), "/", wootz_wasi::FsPerms::ReadWrite)
            .unwrap()
            .build(),
    );
    writer.write_all(b"x").unwrap();
    let fd = guest.open(ROOT, "new", Open::CREATE).unwrap();
    let subscriptions = [
        clock(1, MONOTONIC, FOR_EVER, 0),
        writing(2, fd),
        reading(3, 0),
        reading(4, 77),
        reading(5, 0),
        writing(6, 2),
        writing(7, 1),
    ];
    let expected = [(2, OK, 2), (3, OK, 1), (4, BADF, 1), (5, OK, 1), (6, OK, 2), (7, OK, 2)];
    assert_eq!(poll(&mut guest, &subscriptions), expected, "one event each, in their order");
}

#[test]
fn many_subscriptions_are_served() {
    let (reader, mut writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdin_file(file(reader));
    });
    let mut subscriptions: Vec<_> = (0..80).map(|n| reading(n, 0)).collect();
    subscriptions[0] = clock(0, MONOTONIC, 10 * MILLISECOND, 0);
    assert_eq!(poll(&mut guest, &subscriptions), [(0, OK, 0)]);
    writer.write_all(b"x").unwrap();
    subscriptions[0] = clock(0, MONOTONIC, FOR_EVER, 0);
    let events = poll(&mut guest, &subscriptions);
    assert_eq!(events, (1..80).map(|n| (n, OK, 1)).collect::<Vec<_>>());
}

#[test]
fn who_waits_does_not_compute() {
    let (reader, _writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdin_file(file(reader));
    });
    for subscriptions in [
        vec![clock(1, MONOTONIC, 150 * MILLISECOND, 0)],
        vec![clock(1, MONOTONIC, 150 * MILLISECOND, 0), reading(2, 0)],
    ] {
        let (start, before) = (Instant::now(), computed());
        assert_eq!(poll(&mut guest, &subscriptions), [(1, OK, 0)]);
        assert!(start.elapsed() >= Duration::from_millis(150));
        let spent = computed() - before;
        assert!(spent < Duration::from_millis(30), "{spent:?} of computing");
    }
}

#[test]
fn the_older_interface_has_longer_subscriptions() {
    let mut guest = Guest::importing(WasiCtx::builder().build(), UNSTABLE);
    let start = Instant::now();
    let subscriptions = [clock(7, MONOTONIC, 20 * MILLISECOND, 0), clock(8, REALTIME, 1 << 62, 0)];
    assert_eq!(poll(&mut guest, &subscriptions), [(7, OK, 0)]);
    assert!(start.elapsed() >= Duration::from_millis(20));
    let subscriptions = [clock(7, MONOTONIC, FOR_EVER, 0), writing(8, 1), reading(9, 9)];
    assert_eq!(poll(&mut guest, &subscriptions), [(8, OK, 2), (9, BADF, 1)]);
}

#[test]
fn events_may_lie_where_the_subscriptions_are() {
    let mut guest = built(|_| ());
    let records = [clock(1, MONOTONIC, FOR_EVER, 0), writing(2, 1), writing(3, 2)]
        .map(|it| it.to_bytes(PREVIEW1));
    guest.write(INPUT, &records.concat());
    assert_eq!(call!(guest, "poll_oneoff", INPUT, INPUT, 3, OUTPUT), OK);
    let bytes = guest.bytes(INPUT, guest.number(OUTPUT) as usize * 32);
    let events: Vec<_> = bytes.chunks(32).map(|bytes| Event::from_bytes(bytes).brief()).collect();
    assert_eq!(events, [(2, OK, 2), (3, OK, 2)]);
}

#[test]
fn poll_checks_what_it_is_given() {
    let mut guest = built(|_| ());
    guest.write(INPUT, &clock(1, MONOTONIC, 1, 0).to_bytes(PREVIEW1));
    for (subscriptions, events, count, result, expected) in [
        (INPUT, OUTPUT, 0, OUTPUT, INVAL),
        (INPUT, OUTPUT, u32::MAX, OUTPUT, INVAL),
        (INPUT, OUTPUT, 60000, OUTPUT, FAULT),
        (MEMORY_BYTES - 47, OUTPUT, 1, OUTPUT, FAULT),
        (INPUT, MEMORY_BYTES - 31, 1, OUTPUT, FAULT),
        (INPUT, OUTPUT, 1, MEMORY_BYTES - 3, FAULT),
    ] {
        let found = call!(guest, "poll_oneoff", subscriptions, events, count, result);
        assert_eq!(found, expected, "{subscriptions:#x} {events:#x} {count} {result:#x}");
    }
    for bad in [
        clock(1, 9, 1, 0),
        clock(1, MONOTONIC, 1, 2),
        Subscription { userdata: 1, what: Awaited::Tag(3) },
    ] {
        assert_eq!(guest.poll(&[bad]), Err(INVAL), "{bad:?}");
    }
}

#[test]
fn files_tell_how_much_there_is_to_read() {
    let world = World::new();
    world.furnish();
    File::create(world.at("large")).unwrap().set_len(5 << 30).unwrap();
    let mut guest = world.guest();
    let fd = guest.open(ROOT, "large", Open::READ).unwrap();
    for (position, bytes) in
        [(0, 5 << 30), (1 << 30, 4 << 30), (2 << 30, 3 << 30), (5 << 30, 0), (6 << 30, 0)]
    {
        guest.seek(fd, position, Whence::Start).unwrap();
        assert_eq!(guest.poll(&[reading(1, fd)]).unwrap()[0].bytes, bytes, "at {position}");
    }
}

/// Pipes that are written are ready, and writing waits if it must; who reads no more is noticed.
#[cfg(windows)]
#[test]
fn pipes_that_are_written_are_ready() {
    use std::io::Read;
    let (mut reader, writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdout_file(file(writer));
    });
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        let mut bytes = vec![0; 40_000];
        reader.read_exact(&mut bytes).unwrap();
        bytes
    });
    let never = clock(1, MONOTONIC, FOR_EVER, 0);
    let block: Vec<u8> = (0..20_000_u32).map(|number| number as u8).collect();
    for _ in 0..2 {
        let mut written = 0;
        while written < block.len() {
            assert_eq!(poll(&mut guest, &[never, writing(2, 1)]), [(2, OK, 2)]);
            written += guest.put(1, &block[written..]).unwrap() as usize;
        }
    }
    assert_eq!(thread.join().unwrap(), block.repeat(2));
    assert_eq!(guest.put(1, b"x"), Err(PIPE));
}

/// What was read to find out whether there is something is read in its order, by whoever reads, in pieces of any size.
#[test]
fn looking_whether_there_is_something_loses_nothing() {
    let (reader, mut writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdin_file(file(reader));
    });
    let sender = std::thread::spawn(move || {
        for number in 0..200_u8 {
            writer.write_all(&[number; 37]).unwrap();
            if number % 16 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let mut received = Vec::new();
    for round in 0.. {
        if round % 3 != 0 {
            let events = poll(&mut guest, &[clock(1, MONOTONIC, FOR_EVER, 0), reading(2, 0)]);
            assert_eq!(events, [(2, OK, 1)]);
        }
        let some = guest.read(0, 1 + round % 50).unwrap();
        if some.is_empty() {
            break;
        }
        received.extend(some);
    }
    sender.join().unwrap();
    let sent: Vec<u8> = (0..200).flat_map(|number| [number; 37]).collect();
    assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
    assert_eq!(guest.read(0, 10), Ok(vec![]), "the end stays the end");
}

/// A guest that waits for sockets and pipes at the same time is woken up by each.
#[test]
fn sockets_and_pipes_are_waited_for_together() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (reader, mut writer) = pipe();
    let mut guest = built(|builder| {
        builder.stdin_file(file(reader)).preopened_listener(listener);
    });
    let both = [reading(2, 0), reading(3, 3)];
    let timeout = [clock(1, MONOTONIC, 50 * MILLISECOND, 0), both[0], both[1]];
    let start = Instant::now();
    assert_eq!(poll(&mut guest, &timeout), [(1, OK, 0)]);
    assert!(start.elapsed() >= Duration::from_millis(50));
    let patient = [clock(1, MONOTONIC, FOR_EVER, 0), both[0], both[1]];
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        writer.write_all(b"x").unwrap();
        std::thread::sleep(Duration::from_millis(30));
        let client = std::net::TcpStream::connect(address).unwrap();
        (writer, client)
    });
    assert_eq!(poll(&mut guest, &patient), [(2, OK, 1)]);
    assert_eq!(guest.read(0, 10), Ok(b"x".to_vec()));
    assert_eq!(poll(&mut guest, &patient), [(3, OK, 1)]);
    drop(thread.join().unwrap());
}

/// A pipe that is ready takes a little, and may not take all. Windows does not tell whether it is.
#[cfg(unix)]
#[test]
fn writing_to_a_pipe_does_not_wait_if_it_must_not() {
    let (mut end, begin) = pipe();
    let mut guest = built(|builder| {
        builder.stdout_file(file(begin));
    });
    guest.set_flags(1, fdflags::NONBLOCK).unwrap();
    // If it waits after all, the test fails and does not hang.
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut end, &mut all).unwrap();
        all
    });
    let start = Instant::now();
    let block: Vec<u8> = (0..20_000_u32).map(|number| number as u8).collect();
    let mut written: Vec<u8> = Vec::new();
    let error = loop {
        match guest.put(1, &block) {
            Ok(taken) => written.extend(&block[..taken as usize]),
            Err(error) => break error,
        }
        assert!(written.len() < 10 << 20, "it takes without end");
    };
    assert_eq!(error, AGAIN);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(!written.is_empty());
    drop(guest);
    assert_eq!(reader.join().unwrap(), written);
}
