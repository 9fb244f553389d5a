//! What the tests share: from text to an instance in one line.
#![allow(dead_code)]

/// Loops, compiled in one way and in another.
#[cfg(feature = "compiler")]
pub mod side;
/// What the system knows of this process.
pub mod system;

use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};

use wootz::{ArtifactError, Engine, Error, Instance, Linker, Module, Store, Trap, WasmBacktrace};
use wootz_runtime::abi::artifact::{Descriptor, MAGIC};

/// A processor of this kind that can do more than all of them can, and what it can do.
pub const PROCESSOR: (&str, &str) = if cfg!(target_arch = "x86_64") {
    ("x86-64-v3", "popcnt")
} else if cfg!(target_arch = "aarch64") {
    ("neoverse-n1", "lse")
} else if cfg!(target_arch = "riscv64") {
    ("rva22", "zbb")
} else {
    ("z15", "mie3")
};

/// A module from its text.
pub fn module(engine: &Engine, wat: &str) -> Module {
    Module::new(engine, wat).unwrap_or_else(|error| panic!("{error:?}\n{wat}"))
}

/// A store, and an instance of a module that imports nothing.
pub fn instance(wat: &str) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let module = module(&engine, wat);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

/// A store of `data`, and an instance of a module whose imports `define` defines.
pub fn linked<T: 'static>(
    data: T,
    wat: &str,
    define: impl FnOnce(&mut Linker<T>),
) -> (Store<T>, Instance) {
    let engine = Engine::default();
    let module = module(&engine, wat);
    let mut store = Store::new(&engine, data);
    let mut linker = Linker::new(&engine);
    define(&mut linker);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

/// The trap that an error is.
pub fn trap(error: &Error) -> Trap {
    *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("not a trap: {error:?}"))
}

/// The names of the functions in an error's backtrace, the innermost first.
pub fn names(error: &Error) -> Vec<String> {
    let backtrace =
        error.downcast_ref::<WasmBacktrace>().unwrap_or_else(|| panic!("no backtrace: {error:?}"));
    backtrace.frames().iter().map(|frame| frame.func_name().unwrap_or("?").to_string()).collect()
}

/// This program again, in a process of its own: by way of `$WOOTZ_EMULATOR`, if this machine is emulated.
pub fn this_program() -> Command {
    let program = std::env::current_exe().unwrap();
    let emulator = std::env::var("WOOTZ_EMULATOR").unwrap_or_default();
    let mut words = emulator.split_whitespace();
    let Some(first) = words.next() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(words).arg(program);
    command
}

/// Runs a case in a process of its own, by the name of its test, or plays it if this is that process.
pub fn in_child(name: &str, play: impl FnOnce()) -> Option<ExitStatus> {
    const CASE: &str = "WOOTZ_TEST_CASE";
    if std::env::var(CASE).is_ok_and(|case| case == name) {
        play();
        return None;
    }
    let mut command = this_program();
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CASE, name);
    Some(command.output().unwrap().status)
}

/// A directory that is removed at the end.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("wootz-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        // As compilers do: a new file, not new contents for the old one.
        let temporary = self.0.join("temporary");
        std::fs::write(&temporary, bytes).unwrap();
        if std::fs::rename(&temporary, &path).is_err() {
            take_away(&path);
            std::fs::rename(temporary, &path).unwrap();
        }
        path
    }
}

/// Lets a path lead to nothing. Where files that are in use cannot be removed, it is renamed.
pub fn take_away(path: &Path) {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    if std::fs::remove_file(path).is_err() {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        std::fs::rename(path, path.with_extension(format!("old-{number}"))).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An artifact, and a span in its descriptor that says where a cell is.
pub struct CellSpan {
    bytes: Vec<u8>,
    at: usize,
    /// How far behind the descriptor the cell is.
    pub cell: i32,
    /// How far behind it the code is.
    pub text: i32,
}

impl CellSpan {
    /// The span at this offset in the descriptor. It must be one of a cell that there is.
    pub fn new(bytes: Vec<u8>, field: usize) -> CellSpan {
        let start = bytes.windows(MAGIC.len()).position(|window| window == MAGIC).unwrap();
        let number = |at: usize| i32::from_ne_bytes(*bytes[at..].first_chunk().unwrap());
        let at = start + field;
        let (cell, text) = (number(at), number(start + offset_of!(Descriptor, text)));
        assert_eq!(number(at + 4), 8);
        CellSpan { bytes, at, cell, text }
    }

    /// The artifact with something else in that place.
    pub fn with(&self, offset: i32, size: u32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[self.at..self.at + 4].copy_from_slice(&offset.to_ne_bytes());
        bytes[self.at + 4..self.at + 8].copy_from_slice(&size.to_ne_bytes());
        bytes
    }

    /// Checks that what is no cell is refused, and that the error has the name of the part.
    pub fn others_are_refused(&self, engine: &Engine, part: &str) {
        let CellSpan { cell, text, .. } = *self;
        for (offset, size) in [
            (0, 8),
            (64, 8),
            (text, 8),
            // Not aligned, too large, too small.
            (cell + 4, 8),
            (cell, 16),
            (cell, 4),
            (cell, 0),
            // Outside of everything, as far as pages go.
            (cell + 0x1_0000, 8),
            (-0x4000_0000, 8),
            (i32::MAX - 7, 8),
            (i32::MIN, 8),
        ] {
            // SAFETY: it is refused.
            let error = unsafe { Module::deserialize(engine, self.with(offset, size)) };
            let error = error.unwrap_err();
            let is_known = matches!(error.downcast_ref(), Some(ArtifactError::Corrupted { part: it }) if *it == part);
            assert!(is_known, "{offset:#x}, {size}: {error:?}");
        }
    }
}
