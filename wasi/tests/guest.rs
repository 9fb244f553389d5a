//! Every function as a guest sees it: called with numbers, answered with numbers and bytes in memory.

use std::io::{self, Read, Write};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use wootz::{Engine, Func, Linker, Memory, Module, Store, Val};
use wootz_wasi::{I32Exit, MemoryOutputPipe, WasiCtx, WasiCtxBuilder};

/// The functions of `wasi_snapshot_preview1`, with their parameters (`i`: i32, `l`: i64), as the specification lists them.
const FUNCTIONS: &[(&str, &str)] = &[
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "ili"),
    ("fd_advise", "illi"),
    ("fd_allocate", "ill"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "ill"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "il"),
    ("fd_filestat_set_times", "illi"),
    ("fd_pread", "iiili"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiili"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiili"),
    ("fd_renumber", "ii"),
    ("fd_seek", "ilii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiilli"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiillii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_raise", "i"),
    ("sched_yield", ""),
    ("random_get", "ii"),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

const BADF: u32 = 8;
const FAULT: u32 = 21;
const INVAL: u32 = 28;
const IO: u32 = 29;
const NOSPC: u32 = 51;
const NOTDIR: u32 = 54;
const NOTSOCK: u32 = 57;
const NOTSUP: u32 = 58;
const PIPE: u32 = 64;
const SPIPE: u32 = 70;
const NOTCAPABLE: u32 = 76;

/// Where the tests put what they pass, and where they want results.
const INPUT: u32 = 0x1000;
const OUTPUT: u32 = 0x2000;
const MEMORY_BYTES: u32 = 0x1_0000;

/// A guest that exports each function as its own, and `proc_exit`.
struct Guest {
    store: Store<WasiCtx>,
    memory: Memory,
    instance: wootz::Instance,
}

impl Guest {
    fn new(ctx: WasiCtx) -> Guest {
        Guest::importing(ctx, "wasi_snapshot_preview1")
    }

    fn importing(ctx: WasiCtx, module: &str) -> Guest {
        let mut wat = format!(
            r#"(module (import "{module}" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func (export "proc_exit") (param i32) (call $exit (local.get 0)))"#
        );
        let mut imports = String::new();
        for (name, params) in
            FUNCTIONS.iter().filter(|(name, _)| module != "wasi_unstable" || *name != "sock_accept")
        {
            let types: String =
                params.chars().map(|p| if p == 'i' { " i32" } else { " i64" }).collect();
            let gets: String = (0..params.len()).map(|i| format!("(local.get {i})")).collect();
            imports += &format!(
                "(import \"{module}\" \"{name}\" (func ${name} (param{types}) (result i32)))"
            );
            wat += &format!(
                "(func (export \"{name}\") (param{types}) (result i32) (call ${name} {gets}))"
            );
        }
        let wat = wat.replacen("(import", &format!("{imports}(import"), 1) + ")";
        static LINKED: OnceLock<Linker<WasiCtx>> = OnceLock::new();
        let linker = LINKED.get_or_init(|| {
            let mut linker = Linker::new(&Engine::default());
            wootz_wasi::add_to_linker(&mut linker, |ctx| ctx).unwrap();
            linker
        });
        static MODULES: Mutex<Vec<(String, Module)>> = Mutex::new(Vec::new());
        let mut modules = MODULES.lock().unwrap();
        if !modules.iter().any(|(known, _)| *known == wat) {
            modules.push((wat.clone(), Module::new(linker.engine(), &wat).unwrap()));
        }
        let guest = modules.iter().find(|(known, _)| *known == wat).unwrap().1.clone();
        drop(modules);
        let mut store = Store::new(linker.engine(), ctx);
        let instance = linker.instantiate(&mut store, &guest).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Guest { store, memory, instance }
    }

    /// Calls a function of the interface and returns the error number.
    fn call(&mut self, name: &str, args: &[u64]) -> u32 {
        let function: Func = self.instance.get_func(&mut self.store, name).unwrap();
        let params = FUNCTIONS.iter().find(|(known, _)| *known == name).unwrap().1;
        assert_eq!(params.len(), args.len(), "{name}");
        let args: Vec<Val> = params
            .chars()
            .zip(args)
            .map(
                |(ty, &arg)| {
                    if ty == 'i' { Val::I32(arg as u32 as i32) } else { Val::I64(arg as i64) }
                },
            )
            .collect();
        let mut results = [Val::I32(-1)];
        function.call(&mut self.store, &args, &mut results).unwrap();
        results[0].i32().unwrap() as u32
    }

    fn write(&mut self, at: u32, bytes: &[u8]) {
        self.memory.data_mut(&mut self.store)[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    fn bytes(&self, at: u32, len: usize) -> Vec<u8> {
        self.memory.data(&self.store)[at as usize..][..len].to_vec()
    }

    fn number(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.bytes(at, 4).try_into().unwrap())
    }

    fn long_number(&self, at: u32) -> u64 {
        u64::from_le_bytes(self.bytes(at, 8).try_into().unwrap())
    }

    /// Puts an array of buffers at `INPUT`.
    fn buffers(&mut self, buffers: &[(u32, u32)]) {
        let bytes: Vec<u8> =
            buffers.iter().flat_map(|&(at, len)| [at, len]).flat_map(u32::to_le_bytes).collect();
        self.write(INPUT, &bytes);
    }
}

fn built(build: impl FnOnce(&mut WasiCtxBuilder)) -> Guest {
    let mut builder = WasiCtxBuilder::new();
    build(&mut builder);
    Guest::new(builder.build())
}

fn args(list: &[u32]) -> Vec<u64> {
    list.iter().map(|&n| u64::from(n)).collect()
}

#[test]
fn all_functions_can_be_imported_by_both_names() {
    assert_eq!(FUNCTIONS.len() + 1, 46);
    Guest::importing(WasiCtx::builder().build(), "wasi_snapshot_preview1");
    Guest::importing(WasiCtx::builder().build(), "wasi_unstable");
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
        assert_eq!(guest.call(sizes, &args(&[OUTPUT, OUTPUT + 4])), 0);
        let (count, bytes) = (guest.number(OUTPUT), guest.number(OUTPUT + 4));
        assert_eq!(guest.call(get, &args(&[OUTPUT, INPUT])), 0);
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
    assert_eq!(guest.call("args_get", &args(&[MEMORY_BYTES - 8, INPUT])), FAULT);
    assert_eq!(guest.call("args_get", &args(&[INPUT, MEMORY_BYTES - 8])), FAULT);
    assert_eq!(guest.call("args_get", &args(&[INPUT, u32::MAX])), FAULT);
}

#[test]
fn there_are_four_clocks() {
    let mut guest = built(|_| ());
    for clock in 0..4 {
        assert_eq!(guest.call("clock_res_get", &args(&[clock, OUTPUT])), 0);
        assert!((1..=1_000_000_000).contains(&guest.long_number(OUTPUT)));
        assert_eq!(guest.call("clock_time_get", &args(&[clock, 0, OUTPUT])), 0);
        let first = guest.long_number(OUTPUT);
        assert_eq!(guest.call("clock_time_get", &args(&[clock, 0, OUTPUT])), 0);
        assert!(guest.long_number(OUTPUT) >= first);
    }
    guest.call("clock_time_get", &args(&[0, 0, OUTPUT]));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(
        now.abs_diff(Duration::from_nanos(guest.long_number(OUTPUT))) < Duration::from_secs(60)
    );
    guest.call("clock_time_get", &args(&[1, 0, OUTPUT]));
    assert!(guest.long_number(OUTPUT) < 60_000_000_000, "begins with the context");
    assert_eq!(guest.call("clock_time_get", &args(&[4, 0, OUTPUT])), INVAL);
    assert_eq!(guest.call("clock_res_get", &args(&[u32::MAX, OUTPUT])), INVAL);
    assert_eq!(guest.call("clock_time_get", &args(&[0, 0, MEMORY_BYTES - 7])), FAULT);
}

#[test]
fn random_numbers_differ() {
    let mut guest = built(|_| ());
    assert_eq!(guest.call("random_get", &args(&[OUTPUT, 32])), 0);
    let first = guest.bytes(OUTPUT, 32);
    assert_eq!(guest.call("random_get", &args(&[OUTPUT, 32])), 0);
    assert_ne!(guest.bytes(OUTPUT, 32), first);
    assert_eq!(guest.call("random_get", &args(&[MEMORY_BYTES, 0])), 0);
    assert_eq!(guest.call("random_get", &args(&[MEMORY_BYTES - 1, 2])), FAULT);
    assert_eq!(guest.call("random_get", &args(&[1, u32::MAX])), FAULT);
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
    assert_eq!(guest.call("fd_write", &args(&[1, INPUT, 1, OUTPUT])), 0);
    assert_eq!(guest.call("fd_write", &args(&[1, INPUT + 16, 2, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 3);
    assert_eq!(guest.call("fd_write", &args(&[2, INPUT, 1, OUTPUT])), 0);
    assert_eq!((out.contents(), err.contents()), (b"helloo, ".to_vec(), b"hello".to_vec()));
    assert_eq!(
        guest.call("fd_write", &args(&[1, INPUT, 4, OUTPUT])),
        FAULT,
        "an empty buffer outside of the memory"
    );
    assert_eq!(guest.call("fd_write", &args(&[1, INPUT, 0, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 0);
    assert_eq!(guest.call("fd_write", &args(&[0, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_write", &args(&[3, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_write", &args(&[1, MEMORY_BYTES - 4, 1, OUTPUT])), FAULT);
    assert_eq!(guest.call("fd_write", &args(&[1, INPUT, 1, MEMORY_BYTES - 3])), FAULT);
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
    assert_eq!(guest.call("fd_write", &args(&[1, INPUT, 1, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 7);
    assert_eq!(guest.call("fd_write", &args(&[1, INPUT, 1, OUTPUT])), NOSPC);
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
            [(0, 2), (0, 10), (if fd == 0 { 0 } else { IO }, 0), (PIPE, 0), (IO, 0)]
        {
            guest.write(OUTPUT, &[0; 4]);
            assert_eq!(guest.call(name, &args(&[fd, INPUT, 1, OUTPUT])), errno, "{name}");
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
        assert_eq!(guest.call("fd_read", &args(&[0, INPUT, 3, OUTPUT])), 0);
        assert_eq!(guest.number(OUTPUT), read);
        assert_eq!(guest.bytes(0x100, bytes.len()), bytes);
    }
    assert_eq!(guest.call("fd_read", &args(&[1, INPUT, 3, OUTPUT])), BADF);
}

#[test]
fn nothing_is_read_if_it_could_not_be_handed_over() {
    let mut guest = built(|builder| {
        builder.stdin(&b"x"[..]);
    });
    guest.buffers(&[(0x100, 1), (MEMORY_BYTES - 1, 2)]);
    assert_eq!(guest.call("fd_read", &args(&[0, INPUT, 2, OUTPUT])), FAULT);
    assert_eq!(guest.call("fd_read", &args(&[0, INPUT, 1, MEMORY_BYTES])), FAULT);
    assert_eq!(guest.call("fd_read", &args(&[0, INPUT, u32::MAX, OUTPUT])), FAULT);
    assert_eq!(guest.call("fd_read", &args(&[0, INPUT, 1, OUTPUT])), 0);
    assert_eq!(guest.number(OUTPUT), 1);
}

#[test]
fn streams_are_described() {
    let mut guest = built(|_| ());
    assert_eq!(guest.call("fd_fdstat_get", &args(&[0, OUTPUT])), 0);
    let rights = guest.long_number(OUTPUT + 8);
    assert_eq!((rights >> 1 & 1, rights >> 6 & 1, rights >> 2 & 1, rights >> 5 & 1), (1, 0, 0, 0));
    assert_eq!(guest.call("fd_fdstat_get", &args(&[1, OUTPUT])), 0);
    let rights = guest.long_number(OUTPUT + 8);
    assert_eq!((rights >> 1 & 1, rights >> 6 & 1, rights >> 2 & 1, rights >> 5 & 1), (0, 1, 0, 0));
    assert_eq!(guest.bytes(OUTPUT, 1), [0]);
    guest.write(OUTPUT, &[0xff; 65]);
    assert_eq!(guest.call("fd_filestat_get", &args(&[1, OUTPUT])), 0);
    assert_eq!(guest.bytes(OUTPUT, 65), [[0; 64].as_slice(), &[0xff]].concat());
    assert_eq!(guest.call("fd_filestat_get", &args(&[3, OUTPUT])), BADF);

    let mut old = Guest::importing(WasiCtx::builder().build(), "wasi_unstable");
    old.write(OUTPUT, &[0xff; 57]);
    assert_eq!(old.call("fd_filestat_get", &args(&[1, OUTPUT])), 0);
    assert_eq!(old.bytes(OUTPUT, 57), [[0; 56].as_slice(), &[0xff]].concat());
}

#[test]
fn flags_are_kept_if_they_can_be() {
    let mut guest = built(|_| ());
    assert_eq!(guest.call("fd_fdstat_set_flags", &args(&[0, 4])), 0);
    assert_eq!(guest.call("fd_fdstat_get", &args(&[0, OUTPUT])), 0);
    assert_eq!(guest.bytes(OUTPUT + 2, 2), [4, 0]);
    assert_eq!(guest.call("fd_fdstat_set_flags", &args(&[0, 2])), NOTSUP);
    assert_eq!(guest.call("fd_fdstat_set_flags", &args(&[0, 0x20])), INVAL);
    assert_eq!(guest.call("fd_fdstat_set_flags", &args(&[0, 0x1_0004])), INVAL);
    assert_eq!(guest.call("fd_fdstat_set_flags", &args(&[3, 0])), BADF);
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
    assert_eq!(guest.call("fd_write", &args(&[2, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_renumber", &args(&[1, 2])), BADF, "nothing to replace");
    assert_eq!(guest.call("fd_renumber", &args(&[1, 1])), 0);
    assert_eq!(guest.call("fd_renumber", &args(&[1, 0])), 0);
    assert_eq!(guest.call("fd_write", &args(&[1, INPUT, 1, OUTPUT])), BADF);
    assert_eq!(guest.call("fd_write", &args(&[0, INPUT, 1, OUTPUT])), 0);
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

/// The record of a subscription to a clock.
fn clock_subscription(userdata: u64, clock: u32, timeout: u64, flags: u16) -> Vec<u8> {
    let mut record = vec![0; 48];
    record[..8].copy_from_slice(&userdata.to_le_bytes());
    record[16..20].copy_from_slice(&clock.to_le_bytes());
    record[24..32].copy_from_slice(&timeout.to_le_bytes());
    record[40..42].copy_from_slice(&flags.to_le_bytes());
    record
}

/// The record of a subscription to a stream; reading has the tag 1, writing 2.
fn stream_subscription(userdata: u64, tag: u8, fd: u32) -> Vec<u8> {
    let mut record = vec![0; 48];
    record[..8].copy_from_slice(&userdata.to_le_bytes());
    record[8] = tag;
    record[16..20].copy_from_slice(&fd.to_le_bytes());
    record
}

/// Polls, and returns the (userdata, error, tag) of each event.
fn poll(guest: &mut Guest, subscriptions: &[Vec<u8>]) -> Vec<(u64, u16, u8)> {
    guest.write(INPUT, &subscriptions.concat());
    let result = OUTPUT - 4;
    assert_eq!(
        guest.call("poll_oneoff", &args(&[INPUT, OUTPUT, subscriptions.len() as u32, result])),
        0
    );
    (0..guest.number(result))
        .map(|i| {
            let event = guest.bytes(OUTPUT + 32 * i, 32);
            let userdata = u64::from_le_bytes(event[..8].try_into().unwrap());
            (userdata, u16::from_le_bytes([event[8], event[9]]), event[10])
        })
        .collect()
}

const MILLISECOND: u64 = 1_000_000;

#[test]
fn sleeping_takes_time() {
    let mut guest = built(|_| ());
    let start = Instant::now();
    let events = poll(
        &mut guest,
        &[clock_subscription(7, 1, 30 * MILLISECOND, 0), clock_subscription(8, 0, 1 << 62, 0)],
    );
    assert_eq!(events, [(7, 0, 0)]);
    assert!(start.elapsed() >= Duration::from_millis(30));

    guest.call("clock_time_get", &args(&[1, 0, OUTPUT]));
    let deadline = guest.long_number(OUTPUT) + 20 * MILLISECOND;
    assert_eq!(poll(&mut guest, &[clock_subscription(9, 1, deadline, 1)]), [(9, 0, 0)]);
    guest.call("clock_time_get", &args(&[1, 0, OUTPUT]));
    assert!(guest.long_number(OUTPUT) >= deadline);
    assert_eq!(
        poll(&mut guest, &[clock_subscription(10, 0, 1, 1)]),
        [(10, 0, 0)],
        "a time that is long over"
    );
}

#[test]
fn streams_in_memory_are_ready_and_mistakes_are_events() {
    let mut guest = built(|_| ());
    let never = clock_subscription(1, 1, u64::MAX, 0);
    let subscriptions = [
        never.clone(),
        stream_subscription(2, 1, 0),
        stream_subscription(3, 2, 1),
        stream_subscription(4, 2, 0),
    ];
    assert_eq!(poll(&mut guest, &subscriptions), [(2, 0, 1), (3, 0, 2), (4, BADF as u16, 2)]);
    assert_eq!(
        poll(&mut guest, &[never.clone(), stream_subscription(5, 1, 9)]),
        [(5, BADF as u16, 1)]
    );
    assert_eq!(poll(&mut guest, &[never, clock_subscription(6, 2, 1, 0)]), [(6, NOTSUP as u16, 0)]);
}

#[test]
fn the_older_interface_has_longer_subscriptions() {
    let mut guest = Guest::importing(WasiCtx::builder().build(), "wasi_unstable");
    let mut record = clock_subscription(7, 0, 0, 0);
    record.splice(16..16, [0xff; 8]);
    record[24] = 1;
    let start = Instant::now();
    record[32..40].copy_from_slice(&(20 * MILLISECOND).to_le_bytes());
    assert_eq!(poll(&mut guest, &[record]), [(7, 0, 0)]);
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn poll_checks_what_it_is_given() {
    let mut guest = built(|_| ());
    guest.write(INPUT, &clock_subscription(1, 1, 1, 0));
    assert_eq!(guest.call("poll_oneoff", &args(&[INPUT, OUTPUT, 0, OUTPUT])), INVAL);
    assert_eq!(guest.call("poll_oneoff", &args(&[INPUT, OUTPUT, u32::MAX, OUTPUT])), INVAL);
    assert_eq!(guest.call("poll_oneoff", &args(&[INPUT, OUTPUT, 60000, OUTPUT])), FAULT);
    assert_eq!(guest.call("poll_oneoff", &args(&[MEMORY_BYTES - 47, OUTPUT, 1, OUTPUT])), FAULT);
    assert_eq!(guest.call("poll_oneoff", &args(&[INPUT, MEMORY_BYTES - 31, 1, OUTPUT])), FAULT);
    assert_eq!(guest.call("poll_oneoff", &args(&[INPUT, OUTPUT, 1, MEMORY_BYTES - 3])), FAULT);
    for bad in [
        clock_subscription(1, 9, 1, 0),
        clock_subscription(1, 1, 1, 2),
        stream_subscription(1, 3, 0),
    ] {
        guest.write(INPUT, &bad);
        assert_eq!(guest.call("poll_oneoff", &args(&[INPUT, OUTPUT, 1, OUTPUT])), INVAL);
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
