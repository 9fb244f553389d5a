//! WASI preview 1 (`wasi_snapshot_preview1`) for modules that run on Wootz.
//!
//! A guest gets what its [`WasiCtx`] holds: arguments, environment, three standard streams, clocks, random numbers, and the
//! directories and sockets that were opened for it. Nothing else of the system is within its reach.
//!
//! ```
//! use wootz::{Engine, Linker, Module, Store};
//! use wootz_wasi::{MemoryOutputPipe, WasiCtx, WasiCtxBuilder};
//!
//! let engine = Engine::default();
//! let mut linker: Linker<WasiCtx> = Linker::new(&engine);
//! wootz_wasi::add_to_linker(&mut linker, |ctx| ctx)?;
//!
//! let output = MemoryOutputPipe::new(1024);
//! let ctx = WasiCtxBuilder::new().arg("guest").stdout(output.clone()).build();
//! let mut store = Store::new(&engine, ctx);
//! let module = Module::new(&engine, r#"(module
//!     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
//!     (memory (export "memory") 1)
//!     (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
//!     (func (export "_start")
//!         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;
//! assert_eq!(output.contents(), b"hello\n");
//! # Ok::<(), wootz::Error>(())
//! ```
//!
//! The modules stand in the order in which data flows; each imports only modules above it. The families of functions
//! do not know each other, nor how guests call them: [`link`](add_to_linker) brings them together with a guest.

/// Error numbers.
mod errno;
/// Rights, and flags of all kinds.
mod flags;
/// Records and constants of the interface, byte for byte.
mod types;
/// The guest's memory.
mod memory;
/// The operating system.
mod host;
/// Where standard streams come from and go to.
mod stream;
/// Open files.
mod file;
/// Open directories, and what is below them.
mod directory;
/// File descriptors, and the rights to use them.
mod descriptor;
/// What a guest may use.
mod ctx;
/// `args_*` and `environ_*`.
mod environment;
/// `clock_*`.
mod clock;
/// `fd_*`.
mod fd;
/// `path_*`.
mod path;
/// `sock_*`.
mod socket;
/// `poll_oneoff`.
mod poll;
/// `random_get`, `sched_yield`, `proc_*`.
mod process;
/// Everything, by its name, for guests to import.
mod link;

pub use ctx::{WasiCtx, WasiCtxBuilder};
pub use directory::FsPerms;
pub use host::socket::Listener;
pub use link::{add_imported_to_linker, add_to_linker};
pub use process::I32Exit;
pub use stream::MemoryOutputPipe;

/// The program in the documentation compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/wasi.md")]
struct Documentation;
