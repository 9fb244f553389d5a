//! The virtual machine behind compiled code: everything it reaches through its vmctx, and everything that happens around
//! it while it runs.
//!
//! The rooms stand in the order in which data flows; each imports only rooms above it. The loader's `Store`, `Module` and
//! `Instance` are built from what is here. Nothing here knows `anyhow`, closures of users, or files on disk.
//!
//! Always true: whoever creates an object keeps it alive as long as compiled code may reach it. In practice that is the
//! loader's store, which frees nothing before it is dropped itself.

// The operating system and the processor: the only room with system calls, inline assembly and signal handlers.
pub mod sys;
// Runs of pages: reserved, made accessible, mapped from files, given back.
pub mod mmap;
// Things that have had their use, kept for the next one.
pub mod shelf;
// A place for one thread to sleep at.
pub mod parker;
// The epoch of an engine, and the threads that sleep until one comes.
pub mod epoch;
// Function types, numbered once for the whole process.
pub mod signature;
// Linear memories.
pub mod memory;
// Linear memories that several threads use at a time, and who waits for them.
pub mod shared_memory;
// Tables.
pub mod table;
// The cell by which debuggers find an instance.
pub mod debug_cell;
// Loaded modules, and the process-wide index from program counters to them.
pub mod code;
// What all instances of one store share.
pub mod store;
// The entries into wasm that are under way on each thread.
pub mod activation;
// The wasm functions that are being executed.
pub mod backtrace;
// The host values that wasm functions hold while they are being executed.
pub mod roots;
// Into wasm, out of it, and what happens when it does not return.
pub mod trap;
// The vmctx of an instance, filled from its layout.
pub mod instance;
// What compiled code calls.
pub mod builtins;
// What debuggers read of a process.
pub mod debugger;
