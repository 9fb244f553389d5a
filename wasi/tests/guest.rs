//! What guests have without files: arguments, environment, clocks, random numbers, standard streams, and an end.

mod common;

use std::io::{self, Read, Write};
use std::time::Duration;

use wootz::{Engine, Linker, Module, Store};
use wootz_wasi::{I32Exit, MemoryOutputPipe, WasiCtx};

use common::*;

#[test]
fn all_functions_can_be_imported_by_both_names() {
    assert_eq!(FUNCTIONS.len() + 1, 46);
    Guest::importing(WasiCtx::builder().build(), PREVIEW1);
    Guest::importing(WasiCtx::builder().build(), UNSTABLE);
}

#[test]
fn whatever_a_guest_passes_nothing_breaks() {
    for (name, params) in FUNCTIONS {
        for numbers in
            [[0; 9], [1; 9], [2; 9], [u64::MAX; 9], [0x8000_0000; 9], [0xfffc; 9], [0xffff; 9]]
        {
            let mut guest = built(|builder| {
                builder.arg("a").env("b", "c");
            });
            guest.call(name, &numbers[..params.len()]);
        }
    }
}

#[test]
fn arguments_and_environment_arrive() {
    let mut guest = built(|builder| {
        builder.arg("prog").args(&["", "x y"]).env("A", "1").envs(&[("B", "2"), ("A", "3")]);
    });
    let got = |guest: &mut Guest, sizes: &str, get: &str| {
        assert_eq!(guest.call(sizes, &numbers(&[OUTPUT, OUTPUT + 4])), 0);
        let (count, bytes) = (guest.number(OUTPUT), guest.number(OUTPUT + 4));
        assert_eq!(guest.call(get, &numbers(&[OUTPUT, INPUT])), 0);
        let strings = guest.bytes(INPUT, bytes as usize);
        let list: Vec<String> = (0..count)
            .map(|i| {
                let string = &strings[(guest.number(OUTPUT + 4 * i) - INPUT) as usize..];
                String::from_utf8(string.split(|&b| b == 0).next().unwrap().to_vec()).unwrap()
            })
            .collect();
        list
    };
    assert_eq!(got(&mut guest, "args_sizes_get", "args_get"), ["prog", "", "x y"]);
    assert_eq!(got(&mut guest, "environ_sizes_get", "environ_get"), ["A=3", "B=2"]);
    assert_eq!(guest.call("args_get", &numbers(&[MEMORY_BYTES - 8, INPUT])), FAULT);
    assert_eq!(guest.call("args_get", &numbers(&[INPUT, MEMORY_BYTES - 8])), FAULT);
    assert_eq!(guest.call("args_get", &numbers(&[INPUT, u32::MAX])), FAULT);
}

#[test]
fn there_may_be_no_arguments_and_no_environment() {
    let mut guest = built(|_| ());
    for (sizes, get) in [("args_sizes_get", "args_get"), ("environ_sizes_get", "environ_get")] {
        guest.write(OUTPUT, &[0xa5; 12]);
        assert_eq!(call!(guest, sizes, OUTPUT, OUTPUT + 4), OK);
        assert_eq!((guest.number(OUTPUT), guest.number(OUTPUT + 4)), (0, 0), "{sizes}");
        assert_eq!(call!(guest, get, OUTPUT + 8, OUTPUT + 8), OK);
        assert_eq!(guest.bytes(OUTPUT + 8, 4), [0xa5; 4], "{get}");
    }
}

#[test]
fn there_are_four_clocks() {
    let mut guest = built(|_| ());
    for clock in 0..4 {
        assert_eq!(guest.call("clock_res_get", &numbers(&[clock, OUTPUT])), 0);
        assert!((1..=1_000_000_000).contains(&guest.long_number(OUTPUT)));
        assert_eq!(guest.call("clock_time_get", &numbers(&[clock, 0, OUTPUT])), 0);
        let first = guest.long_number(OUTPUT);
        assert_eq!(guest.call("clock_time_get", &numbers(&[clock, 0, OUTPUT])), 0);
        assert!(guest.long_number(OUTPUT) >= first);
    }
    guest.call("clock_time_get", &numbers(&[0, 0, OUTPUT]));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(
        now.abs_diff(Duration::from_nanos(guest.long_number(OUTPUT))) < Duration::from_secs(60)
    );
    guest.call("clock_time_get", &numbers(&[1, 0, OUTPUT]));
    assert!(guest.long_number(OUTPUT) < 60_000_000_000, "begins with the context");
    assert_eq!(guest.call("clock_time_get", &numbers(&[4, 0, OUTPUT])), INVAL);
    assert_eq!(guest.call("clock_res_get", &numbers(&[u32::MAX, OUTPUT])), INVAL);
    assert_eq!(guest.call("clock_time_get", &numbers(&[0, 0, MEMORY_BYTES - 7])), FAULT);
}

#[test]
fn random_numbers_differ() {
    let mut guest = built(|_| ());
    assert_eq!(guest.call("random_get", &numbers(&[OUTPUT, 32])), 0);
    let first = guest.bytes(OUTPUT, 32);
    assert_eq!(guest.call("random_get", &numbers(&[OUTPUT, 32])), 0);
    assert_ne!(guest.bytes(OUTPUT, 32), first);
    // Of so many bytes, each value is among them.
    assert_eq!(call!(guest, "random_get", DATA, DATA_BYTES), OK);
    let many = guest.bytes(DATA, DATA_BYTES as usize);
    assert!((0..=255).all(|value| many.contains(&value)));
    assert_eq!(guest.call("random_get", &numbers(&[MEMORY_BYTES, 0])), 0);
    assert_eq!(guest.call("random_get", &numbers(&[MEMORY_BYTES - 1, 2])), FAULT);
    assert_eq!(guest.call("random_get", &numbers(&[1, u32::MAX])), FAULT);
}

#[test]
fn what_is_written_arrives() {
    let (out, err) = (MemoryOutputPipe::new(100), MemoryOutputPipe::new(100));
    let mut guest = built(|builder| {
        builder.stdout(out.clone()).stderr(err.clone());
    });
    guest.write(0x100, b"hello, world");
    // Empty buffers, and buffers that overlap.
    guest.buffers(&[(0x100, 5), (0xffff_ffff, 0), (0x100, 0), (0x104, 3)]);
    assert_eq!(guest.call("fd_write", &numbers(&[1, INPUT, 1, OUTPUT])), 0);
    assert_eq!(guest.call("fd_write", &numbers(&[1, INPUT + 16, 2, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 3);
    assert_eq!(guest.call("fd_write", &numbers(&[2, INPUT, 1, OUTPUT])), 0);
    assert_eq!((out.contents(), err.contents()), (b"helloo, ".to_vec(), b"hello".to_vec()));
    assert_eq!(
        guest.call("fd_write", &numbers(&[1, INPUT, 4, OUTPUT])),
        FAULT,
        "an empty buffer outside of the memory"
    );
    assert_eq!(guest.call("fd_write", &numbers(&[1, INPUT, 0, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 0);
    assert_eq!(guest.call("fd_write", &numbers(&[0, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_write", &numbers(&[3, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_write", &numbers(&[1, MEMORY_BYTES - 4, 1, OUTPUT])), FAULT);
    assert_eq!(guest.call("fd_write", &numbers(&[1, INPUT, 1, MEMORY_BYTES - 3])), FAULT);
    assert_eq!(out.contents(), b"helloo, ", "a call that fails has written nothing");
}

#[test]
fn a_full_pipe_takes_what_fits() {
    let out = MemoryOutputPipe::new(7);
    let mut guest = built(|builder| {
        builder.stdout(out.clone());
    });
    guest.write(0x100, b"0123456789");
    guest.buffers(&[(0x100, 10)]);
    assert_eq!(guest.call("fd_write", &numbers(&[1, INPUT, 1, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 7);
    assert_eq!(guest.call("fd_write", &numbers(&[1, INPUT, 1, OUTPUT])), NOSPC);
}

/// A stream that does everything that streams may do, one after the other.
struct Moody(u32);

impl Write for Moody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += 1;
        match self.0 {
            1 => Err(io::ErrorKind::Interrupted.into()),
            2 => Ok(bytes.len().min(2)),
            3 => Ok(usize::MAX),
            4 => Ok(0),
            5 => Err(io::ErrorKind::BrokenPipe.into()),
            _ => Err(io::Error::other("moody")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Moody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.write(buffer)
    }
}

#[test]
fn streams_may_be_moody() {
    let mut guest = built(|builder| {
        builder.stdin(Moody(0)).stdout(Moody(0));
    });
    guest.buffers(&[(0x100, 10)]);
    for (name, fd) in [("fd_write", 1), ("fd_read", 0)] {
        for (errno, moved) in
            [(OK, 2), (OK, 10), (if fd == 0 { OK } else { IO }, 0), (PIPE, 0), (IO, 0)]
        {
            guest.write(OUTPUT, &[0; 4]);
            assert_eq!(guest.call(name, &numbers(&[fd, INPUT, 1, OUTPUT])), errno, "{name}");
            assert_eq!(guest.number(OUTPUT), moved, "{name}");
        }
    }
}

#[test]
fn what_is_there_is_read() {
    let mut guest = built(|builder| {
        builder.stdin(&b"hello, world"[..]);
    });
    guest.buffers(&[(0x100, 0), (0x100, 2), (0x102, 6)]);
    for (read, bytes) in [(8, &b"hello, w"[..]), (4, b"orld"), (0, b"")] {
        assert_eq!(guest.call("fd_read", &numbers(&[0, INPUT, 3, OUTPUT])), 0);
        assert_eq!(guest.number(OUTPUT), read);
        assert_eq!(guest.bytes(0x100, bytes.len()), bytes);
    }
    assert_eq!(guest.call("fd_read", &numbers(&[1, INPUT, 3, OUTPUT])), BADF);
}

#[test]
fn nothing_is_read_if_it_could_not_be_handed_over() {
    let mut guest = built(|builder| {
        builder.stdin(&b"x"[..]);
    });
    guest.buffers(&[(0x100, 1), (MEMORY_BYTES - 1, 2)]);
    assert_eq!(guest.call("fd_read", &numbers(&[0, INPUT, 2, OUTPUT])), FAULT);
    assert_eq!(guest.call("fd_read", &numbers(&[0, INPUT, 1, MEMORY_BYTES])), FAULT);
    assert_eq!(guest.call("fd_read", &numbers(&[0, INPUT, u32::MAX, OUTPUT])), FAULT);
    assert_eq!(guest.call("fd_read", &numbers(&[0, INPUT, 1, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 1);
}

#[test]
fn streams_are_described() {
    let mut guest = built(|_| ());
    assert_eq!(guest.call("fd_fdstat_get", &numbers(&[0, OUTPUT])), 0);
    let rights = guest.long_number(OUTPUT + 8);
    assert_eq!((rights >> 1 & 1, rights >> 6 & 1, rights >> 2 & 1, rights >> 5 & 1), (1, 0, 0, 0));
    assert_eq!(guest.call("fd_fdstat_get", &numbers(&[1, OUTPUT])), 0);
    let rights = guest.long_number(OUTPUT + 8);
    assert_eq!((rights >> 1 & 1, rights >> 6 & 1, rights >> 2 & 1, rights >> 5 & 1), (0, 1, 0, 0));
    assert_eq!(guest.bytes(OUTPUT, 1), [0]);
    guest.write(OUTPUT, &[0xff; 65]);
    assert_eq!(guest.call("fd_filestat_get", &numbers(&[1, OUTPUT])), 0);
    assert_eq!(guest.bytes(OUTPUT, 65), [[0; 64].as_slice(), &[0xff]].concat());
    assert_eq!(guest.call("fd_filestat_get", &numbers(&[3, OUTPUT])), BADF);

    let mut old = Guest::importing(WasiCtx::builder().build(), UNSTABLE);
    old.write(OUTPUT, &[0xff; 57]);
    assert_eq!(old.call("fd_filestat_get", &numbers(&[1, OUTPUT])), 0);
    assert_eq!(old.bytes(OUTPUT, 57), [[0; 56].as_slice(), &[0xff]].concat());
}

#[test]
fn flags_are_kept_if_they_can_be() {
    let mut guest = built(|_| ());
    assert_eq!(guest.call("fd_fdstat_set_flags", &numbers(&[0, 4])), 0);
    assert_eq!(guest.call("fd_fdstat_get", &numbers(&[0, OUTPUT])), 0);
    assert_eq!(guest.bytes(OUTPUT + 2, 2), [4, 0]);
    assert_eq!(guest.call("fd_fdstat_set_flags", &numbers(&[0, 2])), NOTSUP);
    assert_eq!(guest.call("fd_fdstat_set_flags", &numbers(&[0, 0x20])), INVAL);
    assert_eq!(guest.call("fd_fdstat_set_flags", &numbers(&[0, 0x1_0004])), INVAL);
    assert_eq!(guest.call("fd_fdstat_set_flags", &numbers(&[3, 0])), BADF);
}

#[test]
fn closed_means_closed() {
    let out = MemoryOutputPipe::new(100);
    let mut guest = built(|builder| {
        builder.stdout(out.clone()).stdin(&b"in"[..]);
    });
    guest.buffers(&[(INPUT, 1)]);
    assert_eq!(guest.call("fd_close", &[2]), 0);
    assert_eq!(guest.call("fd_close", &[2]), BADF);
    assert_eq!(guest.call("fd_write", &numbers(&[2, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_renumber", &numbers(&[1, 2])), BADF, "nothing to replace");
    assert_eq!(guest.call("fd_renumber", &numbers(&[1, 1])), 0);
    assert_eq!(guest.call("fd_renumber", &numbers(&[1, 0])), 0);
    assert_eq!(guest.call("fd_write", &numbers(&[1, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_write", &numbers(&[0, INPUT, 1, OUTPUT])), 0);
    assert_eq!(out.contents().len(), 1);
}

#[test]
fn what_needs_files_fails_as_for_a_pipe() {
    let expected = [
        ("fd_seek", SPIPE),
        ("fd_tell", SPIPE),
        ("fd_advise", SPIPE),
        ("fd_allocate", SPIPE),
        ("fd_pread", BADF),
        ("fd_pwrite", SPIPE),
        ("fd_sync", INVAL),
        ("fd_datasync", INVAL),
        ("fd_filestat_set_size", INVAL),
        ("fd_filestat_set_times", NOTSUP),
        ("fd_fdstat_set_rights", NOTCAPABLE),
        ("fd_readdir", NOTDIR),
        ("fd_prestat_get", BADF),
        ("fd_prestat_dir_name", NOTDIR),
        ("sock_accept", NOTSOCK),
        ("sock_recv", NOTSOCK),
        ("sock_send", NOTSOCK),
        ("sock_shutdown", NOTSOCK),
    ];
    let paths = FUNCTIONS
        .iter()
        .filter(|(name, _)| name.starts_with("path_"))
        .map(|(name, _)| (*name, NOTDIR));
    for (name, errno) in expected.into_iter().chain(paths) {
        let mut guest = built(|_| ());
        let count = FUNCTIONS.iter().find(|(known, _)| *known == name).unwrap().1.len();
        assert_eq!(guest.call(name, &vec![1; count]), errno, "{name} of an open stream");
        assert_eq!(guest.call(name, &vec![3; count]), BADF, "{name} of what is not open");
    }
}

#[test]
fn exit_is_an_error_that_says_the_status() {
    for status in [0, 3, 255] {
        let mut guest = built(|_| ());
        let exit = guest.instance.get_typed_func::<i32, ()>(&mut guest.store, "proc_exit").unwrap();
        let error = exit.call(&mut guest.store, status).unwrap_err();
        assert_eq!(error.downcast_ref::<I32Exit>().map(|exit| exit.0), Some(status));
    }
    assert_eq!(built(|_| ()).call("proc_raise", &[6]), NOTSUP);
    assert_eq!(built(|_| ()).call("sched_yield", &[]), 0);
}

#[test]
fn a_guest_without_memory_is_told_so() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    wootz_wasi::add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = Store::new(&engine, WasiCtx::builder().build());
    let module = Module::new(
        &engine,
        r#"(module
            (import "wasi_snapshot_preview1" "random_get" (func $f (param i32 i32) (result i32)))
            (func (export "f") (drop (call $f (i32.const 0) (i32.const 0)))))"#,
    )
    .unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let function = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
    let error = format!("{:?}", function.call(&mut store, ()).unwrap_err());
    assert!(
        error.contains("`random_get` was called by a module that exports no memory named `memory`"),
        "{error}"
    );
}

#[test]
fn arguments_are_handed_over_as_a_whole_or_not_at_all() {
    let mut guest = built(|builder| {
        builder.args(&["prog", "x"]);
    });
    let before = guest.bytes(0, MEMORY_BYTES as usize);
    for (name, one, other) in [
        ("args_sizes_get", OUTPUT, MEMORY_BYTES - 3),
        ("args_sizes_get", MEMORY_BYTES - 3, OUTPUT),
        ("args_get", OUTPUT, MEMORY_BYTES - 6),
        ("args_get", MEMORY_BYTES - 7, OUTPUT),
    ] {
        assert_eq!(guest.call(name, &numbers(&[one, other])), FAULT, "{name} {one:#x} {other:#x}");
        assert!(guest.bytes(0, MEMORY_BYTES as usize) == before, "{name} wrote something");
    }
    // Up to the very end of the memory.
    assert_eq!(guest.call("args_get", &numbers(&[MEMORY_BYTES - 8, MEMORY_BYTES - 16])), OK);
    assert_eq!(guest.bytes(MEMORY_BYTES - 16, 7), b"prog\0x\0");
}
