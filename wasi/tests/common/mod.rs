//! What the tests share: a guest that exports each function of the interface as its own, and calls of them by name.
//!
//! [`Guest::call`] passes numbers and returns an error number; the methods below it put paths and data where the guest's
//! functions look for them, so that a test reads like a program. `world` has a directory for them to work in.
#![allow(dead_code)]

pub mod records;
#[cfg(unix)]
#[path = "unix.rs"]
pub mod system;
#[cfg(windows)]
#[path = "windows.rs"]
pub mod system;
pub mod world;

use std::sync::{Mutex, OnceLock};

use wootz::{Engine, Func, Instance, Linker, Memory, Module, SharedMemory, Store, Val};
use wootz_wasi::{WasiCtx, WasiCtxBuilder};

pub use records::*;

/// The functions of `wasi_snapshot_preview1`, with their parameters (`i`: i32, `l`: i64), as the specification lists them.
pub const FUNCTIONS: &[(&str, &str)] = &[
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

/// The parameters of a function.
pub fn params(name: &str) -> &'static str {
    FUNCTIONS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// Where the tests put records that they pass, and where they want results.
pub const INPUT: u32 = 0x1000;
/// Where results go.
pub const OUTPUT: u32 = 0x2000;
/// Where the first path of a call is, and the second.
pub const PATHS: [u32; 2] = [0x4000, 0x6000];
/// Where data to read and write is, up to [`DATA_BYTES`].
pub const DATA: u32 = 0x8000;
/// The room for data.
pub const DATA_BYTES: u32 = 0x7000;
/// The size of the guest's memory.
pub const MEMORY_BYTES: u32 = 0x1_0000;

/// The name of the version of the interface that guests import unless they want the older one.
pub const PREVIEW1: &str = "wasi_snapshot_preview1";
/// The name of the older one.
pub const UNSTABLE: &str = "wasi_unstable";

/// Calls a function of a guest's with numbers of any type.
#[macro_export]
macro_rules! call {
    ($guest:expr, $name:expr $(, $argument:expr)* $(,)?) => {
        $guest.call($name, &[$($argument as u64),*])
    };
}

/// The guest's memory, as the host reaches it.
enum Bytes {
    Own(Memory),
    Shared(SharedMemory),
}

/// A guest that exports each function as its own, and `proc_exit`.
pub struct Guest {
    pub store: Store<WasiCtx>,
    pub instance: Instance,
    memory: Bytes,
    /// Which version of the interface it imports: some records and numbers differ.
    pub version: &'static str,
}

/// The text of a guest that imports a version of the interface; `memory` defines or imports its memory.
fn text(version: &str, memory: &str) -> String {
    let mut imports =
        format!(r#"(import "{version}" "proc_exit" (func $exit (param i32)))"#) + "\n";
    let mut functions =
        String::from(r#"(func (export "proc_exit") (param i32) (call $exit (local.get 0)))"#);
    for (name, params) in
        FUNCTIONS.iter().filter(|(name, _)| version != UNSTABLE || *name != "sock_accept")
    {
        let types: String =
            params.chars().map(|p| if p == 'i' { " i32" } else { " i64" }).collect();
        let gets: String = (0..params.len()).map(|i| format!("(local.get {i})")).collect();
        imports += &format!(
            "(import \"{version}\" \"{name}\" (func ${name} (param{types}) (result i32)))\n"
        );
        functions += &format!(
            "(func (export \"{name}\") (param{types}) (result i32) (call ${name} {gets}))\n"
        );
    }
    format!("(module {imports} {memory} {functions})")
}

impl Guest {
    pub fn new(ctx: WasiCtx) -> Guest {
        Guest::importing(ctx, PREVIEW1)
    }

    pub fn importing(ctx: WasiCtx, version: &'static str) -> Guest {
        static LINKED: OnceLock<Linker<WasiCtx>> = OnceLock::new();
        static MODULES: Mutex<Vec<(&str, Module)>> = Mutex::new(Vec::new());
        let linker = LINKED.get_or_init(|| {
            let mut linker = Linker::new(&Engine::default());
            wootz_wasi::add_to_linker(&mut linker, |ctx| ctx).unwrap();
            linker
        });
        let mut modules = MODULES.lock().unwrap();
        if !modules.iter().any(|(known, _)| *known == version) {
            let text = text(version, r#"(memory (export "memory") 1)"#);
            modules.push((version, Module::new(linker.engine(), &text).unwrap()));
        }
        let module = modules.iter().find(|(known, _)| *known == version).unwrap().1.clone();
        drop(modules);
        let mut store = Store::new(linker.engine(), ctx);
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Guest { store, instance, memory: Bytes::Own(memory), version }
    }

    /// A guest whose memory is imported, shared with whoever else has it, and exported again.
    pub fn sharing(engine: &Engine, ctx: WasiCtx, memory: SharedMemory) -> Guest {
        let mut linker = Linker::new(engine);
        wootz_wasi::add_to_linker(&mut linker, |ctx| ctx).unwrap();
        let mut store = Store::new(engine, ctx);
        linker.define(&store, "host", "memory", memory.clone()).unwrap();
        let maximum = memory.ty().maximum().unwrap();
        let import = format!(
            r#"(import "host" "memory" (memory 1 {maximum} shared)) (export "memory" (memory 0))"#
        );
        let module = Module::new(engine, text(PREVIEW1, &import)).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Guest { store, instance, memory: Bytes::Shared(memory), version: PREVIEW1 }
    }

    /// Calls a function of the interface and returns the error number.
    pub fn call(&mut self, name: &str, args: &[u64]) -> Errno {
        let function: Func = self.instance.get_func(&mut self.store, name).unwrap();
        let params = params(name);
        assert_eq!(params.len(), args.len(), "{name}");
        let value = |(ty, &arg): (char, &u64)| match ty {
            'i' => Val::I32(arg as u32 as i32),
            _ => Val::I64(arg as i64),
        };
        let args: Vec<Val> = params.chars().zip(args).map(value).collect();
        let mut results = [Val::I32(-1)];
        function
            .call(&mut self.store, &args, &mut results)
            .unwrap_or_else(|error| panic!("{name} of {args:?} ended the guest: {error:?}"));
        Errno(results[0].i32().unwrap() as u32)
    }

    /// Calls a function whose error number is all its result.
    fn done(&mut self, name: &str, args: &[u64]) -> Result<()> {
        self.call(name, args).result()
    }

    /// Calls a function that writes a record to `OUTPUT`, and returns that.
    fn record(&mut self, name: &str, args: &[u64], len: usize) -> Result<Vec<u8>> {
        // What the function leaves as it is must not look like a result.
        self.write(OUTPUT, &vec![0xa5; len + 1]);
        self.done(name, args)?;
        let record = self.bytes(OUTPUT, len + 1);
        assert_eq!(record[len], 0xa5, "{name} wrote more than {len} bytes");
        Ok(record[..len].to_vec())
    }

    fn word(&mut self, name: &str, args: &[u64]) -> Result<u32> {
        Ok(u32::from_le_bytes(self.record(name, args, 4)?.try_into().unwrap()))
    }

    fn long_word(&mut self, name: &str, args: &[u64]) -> Result<u64> {
        Ok(u64::from_le_bytes(self.record(name, args, 8)?.try_into().unwrap()))
    }

    pub fn write(&mut self, at: u32, bytes: &[u8]) {
        match &self.memory {
            Bytes::Own(memory) => memory.write(&mut self.store, at as usize, bytes).unwrap(),
            Bytes::Shared(memory) => memory.write(at as usize, bytes).unwrap(),
        }
    }

    pub fn bytes(&self, at: u32, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        match &self.memory {
            Bytes::Own(memory) => memory.read(&self.store, at as usize, &mut bytes).unwrap(),
            Bytes::Shared(memory) => memory.read(at as usize, &mut bytes).unwrap(),
        }
        bytes
    }

    pub fn number(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.bytes(at, 4).try_into().unwrap())
    }

    pub fn long_number(&self, at: u32) -> u64 {
        u64::from_le_bytes(self.bytes(at, 8).try_into().unwrap())
    }

    /// Puts an array of buffers at `INPUT`.
    pub fn buffers(&mut self, buffers: &[(u32, u32)]) {
        let bytes: Vec<u8> =
            buffers.iter().flat_map(|&(at, len)| [at, len]).flat_map(u32::to_le_bytes).collect();
        self.write(INPUT, &bytes);
    }

    /// Puts a path where one is looked for, and returns where and how long it is.
    fn path(&mut self, which: usize, path: &[u8]) -> [u64; 2] {
        self.write(PATHS[which], path);
        [u64::from(PATHS[which]), path.len() as u64]
    }
}

/// What descriptors can do.
impl Guest {
    pub fn close(&mut self, fd: u32) -> Result<()> {
        self.done("fd_close", &[fd.into()])
    }

    /// Reads into one buffer.
    pub fn read(&mut self, fd: u32, len: u32) -> Result<Vec<u8>> {
        self.buffers(&[(DATA, len)]);
        let read = self.word("fd_read", &numbers(&[fd, INPUT, 1, OUTPUT]))?;
        Ok(self.bytes(DATA, read as usize))
    }

    /// Reads from a place of a file into one buffer.
    pub fn pread(&mut self, fd: u32, len: u32, offset: u64) -> Result<Vec<u8>> {
        self.buffers(&[(DATA, len)]);
        let args = [fd.into(), INPUT.into(), 1, offset, OUTPUT.into()];
        let read = self.word("fd_pread", &args)?;
        Ok(self.bytes(DATA, read as usize))
    }

    /// Writes from one buffer; returns how much was written.
    pub fn put(&mut self, fd: u32, bytes: &[u8]) -> Result<u32> {
        self.write(DATA, bytes);
        self.buffers(&[(DATA, bytes.len() as u32)]);
        self.word("fd_write", &numbers(&[fd, INPUT, 1, OUTPUT]))
    }

    /// Writes to a place of a file from one buffer; returns how much was written.
    pub fn pput(&mut self, fd: u32, bytes: &[u8], offset: u64) -> Result<u32> {
        self.write(DATA, bytes);
        self.buffers(&[(DATA, bytes.len() as u32)]);
        self.word("fd_pwrite", &[fd.into(), INPUT.into(), 1, offset, OUTPUT.into()])
    }

    pub fn seek(&mut self, fd: u32, delta: i64, whence: Whence) -> Result<u64> {
        let whence = whence.number(self.version);
        self.long_word("fd_seek", &[fd.into(), delta as u64, whence.into(), OUTPUT.into()])
    }

    pub fn tell(&mut self, fd: u32) -> Result<u64> {
        self.long_word("fd_tell", &numbers(&[fd, OUTPUT]))
    }

    pub fn fdstat(&mut self, fd: u32) -> Result<Fdstat> {
        Ok(Fdstat::from_bytes(&self.record("fd_fdstat_get", &numbers(&[fd, OUTPUT]), 24)?))
    }

    pub fn set_flags(&mut self, fd: u32, flags: u16) -> Result<()> {
        self.done("fd_fdstat_set_flags", &[fd.into(), flags.into()])
    }

    pub fn set_rights(&mut self, fd: u32, base: u64, inheriting: u64) -> Result<()> {
        self.done("fd_fdstat_set_rights", &[fd.into(), base, inheriting])
    }

    pub fn filestat(&mut self, fd: u32) -> Result<Filestat> {
        let len = Filestat::bytes(self.version);
        let record = self.record("fd_filestat_get", &numbers(&[fd, OUTPUT]), len)?;
        Ok(Filestat::from_bytes(&record))
    }

    pub fn set_size(&mut self, fd: u32, size: u64) -> Result<()> {
        self.done("fd_filestat_set_size", &[fd.into(), size])
    }

    pub fn set_times(&mut self, fd: u32, atim: u64, mtim: u64, flags: u32) -> Result<()> {
        self.done("fd_filestat_set_times", &[fd.into(), atim, mtim, flags.into()])
    }

    pub fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.done("fd_renumber", &numbers(&[from, to]))
    }

    /// The name of a directory that was open from the beginning.
    pub fn prestat(&mut self, fd: u32) -> Result<Vec<u8>> {
        let record = self.record("fd_prestat_get", &numbers(&[fd, OUTPUT]), 8)?;
        assert_eq!(record[0], 0, "it says that it is a directory");
        let len = u32::from_le_bytes(record[4..8].try_into().unwrap());
        self.record("fd_prestat_dir_name", &numbers(&[fd, OUTPUT, len]), len as usize)
    }

    /// What a buffer of so many bytes holds of a directory, beginning at a cookie.
    pub fn readdir(&mut self, fd: u32, len: u32, cookie: u64) -> Result<Vec<u8>> {
        assert!(len < DATA_BYTES);
        self.write(DATA, &vec![0xa5; len as usize + 1]);
        let args = [fd.into(), DATA.into(), len.into(), cookie, OUTPUT.into()];
        let used = self.word("fd_readdir", &args)?;
        assert!(used <= len, "{used} bytes of {len}");
        assert_eq!(self.bytes(DATA + len, 1), [0xa5], "the buffer ends there");
        Ok(self.bytes(DATA, used as usize))
    }

    /// The entries of a directory from a cookie on, read with buffers of so many bytes.
    pub fn entries(&mut self, fd: u32, len: u32, mut cookie: u64) -> Result<Vec<Dirent>> {
        let mut entries = Vec::new();
        loop {
            let bytes = self.readdir(fd, len, cookie)?;
            let whole = Dirent::list(&bytes);
            if let Some(last) = whole.last() {
                cookie = last.next;
            }
            let stuck = whole.is_empty();
            entries.extend(whole);
            if (bytes.len() as u32) < len {
                return Ok(entries);
            }
            assert!(!stuck, "an entry that does not fit into {len} bytes");
        }
    }

    /// The names in a directory, sorted, without `.` and `..`.
    pub fn names(&mut self, fd: u32) -> Result<Vec<String>> {
        let mut names: Vec<String> =
            self.entries(fd, 4096, 0)?.iter().map(|entry| entry.name_text()).collect();
        names.retain(|name| name != "." && name != "..");
        names.sort();
        Ok(names)
    }

    /// Waits, and returns what has happened.
    pub fn poll(&mut self, subscriptions: &[Subscription]) -> Result<Vec<Event>> {
        let version = self.version;
        let records: Vec<u8> =
            subscriptions.iter().flat_map(|subscription| subscription.to_bytes(version)).collect();
        self.write(INPUT, &records);
        let (events, result) = (DATA, OUTPUT);
        let count = subscriptions.len() as u32;
        let happened = self.word("poll_oneoff", &numbers(&[INPUT, events, count, result]))?;
        let bytes = self.bytes(events, happened as usize * 32);
        Ok(bytes.chunks(32).map(Event::from_bytes).collect())
    }
}

/// What paths can do.
impl Guest {
    pub fn open(&mut self, dir: u32, path: impl AsRef<[u8]>, how: Open) -> Result<u32> {
        let [at, len] = self.path(0, path.as_ref());
        let (follow, oflags, fdflags) = (how.follow.into(), how.oflags.into(), how.fdflags.into());
        let args =
            [dir.into(), follow, at, len, oflags, how.base, how.inheriting, fdflags, OUTPUT.into()];
        let opened = self.word("path_open", &args)?;
        assert!(opened < 1 << 31, "{opened}");
        Ok(opened)
    }

    pub fn create_directory(&mut self, dir: u32, path: impl AsRef<[u8]>) -> Result<()> {
        self.named("path_create_directory", dir, path.as_ref())
    }

    pub fn remove_directory(&mut self, dir: u32, path: impl AsRef<[u8]>) -> Result<()> {
        self.named("path_remove_directory", dir, path.as_ref())
    }

    pub fn unlink(&mut self, dir: u32, path: impl AsRef<[u8]>) -> Result<()> {
        self.named("path_unlink_file", dir, path.as_ref())
    }

    fn named(&mut self, name: &str, dir: u32, path: &[u8]) -> Result<()> {
        let [at, len] = self.path(0, path);
        self.done(name, &[dir.into(), at, len])
    }

    pub fn stat(&mut self, dir: u32, path: impl AsRef<[u8]>, follow: bool) -> Result<Filestat> {
        let [at, path_len] = self.path(0, path.as_ref());
        let len = Filestat::bytes(self.version);
        let args = [dir.into(), follow.into(), at, path_len, OUTPUT.into()];
        Ok(Filestat::from_bytes(&self.record("path_filestat_get", &args, len)?))
    }

    pub fn set_times_at(
        &mut self,
        dir: u32,
        path: impl AsRef<[u8]>,
        follow: bool,
        (atim, mtim, flags): (u64, u64, u32),
    ) -> Result<()> {
        let [at, len] = self.path(0, path.as_ref());
        let args = [dir.into(), follow.into(), at, len, atim, mtim, flags.into()];
        self.done("path_filestat_set_times", &args)
    }

    pub fn readlink(&mut self, dir: u32, path: impl AsRef<[u8]>, room: u32) -> Result<Vec<u8>> {
        let [at, len] = self.path(0, path.as_ref());
        self.write(DATA, &vec![0xa5; room as usize + 1]);
        let args = [dir.into(), at, len, DATA.into(), room.into(), OUTPUT.into()];
        let used = self.word("path_readlink", &args)?;
        assert!(used <= room);
        let rest = self.bytes(DATA + used, (room - used) as usize + 1);
        assert!(rest.iter().all(|byte| *byte == 0xa5), "what is behind the contents stays");
        Ok(self.bytes(DATA, used as usize))
    }

    pub fn symlink(
        &mut self,
        contents: impl AsRef<[u8]>,
        dir: u32,
        path: impl AsRef<[u8]>,
    ) -> Result<()> {
        let [old, old_len] = self.path(0, contents.as_ref());
        let [new, new_len] = self.path(1, path.as_ref());
        self.done("path_symlink", &[old, old_len, dir.into(), new, new_len])
    }

    pub fn link(
        &mut self,
        dir: u32,
        path: impl AsRef<[u8]>,
        new_dir: u32,
        new_path: impl AsRef<[u8]>,
    ) -> Result<()> {
        let [old, old_len] = self.path(0, path.as_ref());
        let [new, new_len] = self.path(1, new_path.as_ref());
        self.done("path_link", &[dir.into(), 0, old, old_len, new_dir.into(), new, new_len])
    }

    pub fn rename(
        &mut self,
        dir: u32,
        path: impl AsRef<[u8]>,
        new_dir: u32,
        new_path: impl AsRef<[u8]>,
    ) -> Result<()> {
        let [old, old_len] = self.path(0, path.as_ref());
        let [new, new_len] = self.path(1, new_path.as_ref());
        self.done("path_rename", &[dir.into(), old, old_len, new_dir.into(), new, new_len])
    }

    /// Opens a file to read it, reads it and closes it.
    pub fn contents(&mut self, dir: u32, path: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        let fd = self.open(dir, path, Open::READ.follow())?;
        let contents = self.read(fd, DATA_BYTES);
        self.close(fd)?;
        contents
    }
}

/// What sockets can do.
impl Guest {
    pub fn accept(&mut self, fd: u32, flags: u16) -> Result<u32> {
        self.word("sock_accept", &[fd.into(), flags.into(), OUTPUT.into()])
    }

    /// Receives into one buffer.
    pub fn receive(&mut self, fd: u32, len: u32, flags: u16) -> Result<Vec<u8>> {
        self.buffers(&[(DATA, len)]);
        self.write(OUTPUT + 8, &[0xa5; 3]);
        let args = numbers(&[fd, INPUT, 1, flags.into(), OUTPUT, OUTPUT + 8]);
        let received = self.word("sock_recv", &args)?;
        assert_eq!(self.bytes(OUTPUT + 8, 3), [0, 0, 0xa5], "nothing is cut off in a stream");
        Ok(self.bytes(DATA, received as usize))
    }

    pub fn send(&mut self, fd: u32, bytes: &[u8]) -> Result<u32> {
        self.write(DATA, bytes);
        self.buffers(&[(DATA, bytes.len() as u32)]);
        self.word("sock_send", &numbers(&[fd, INPUT, 1, 0, OUTPUT]))
    }

    pub fn shutdown(&mut self, fd: u32, how: u8) -> Result<()> {
        self.done("sock_shutdown", &[fd.into(), how.into()])
    }
}

/// A guest of a context that is built so.
pub fn built(build: impl FnOnce(&mut WasiCtxBuilder)) -> Guest {
    let mut builder = WasiCtxBuilder::new();
    build(&mut builder);
    Guest::new(builder.build())
}

/// Arguments that are all i32.
pub fn numbers(list: &[u32]) -> Vec<u64> {
    list.iter().map(|&n| u64::from(n)).collect()
}

/// Tells another thread to stop, even if a test fails: who waits for that thread would wait for ever.
pub struct Stop<'a>(pub &'a std::sync::atomic::AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
