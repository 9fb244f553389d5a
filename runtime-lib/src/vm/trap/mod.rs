//! Into wasm, out of it, and what happens when it does not return.
//!
//! ```text
//!   host        enter ──► entry trampoline ──► wasm ──► exit trampoline ──► host function, run by `leave`
//!                 ▲             ▲  │ false               │
//!                 └─────────────┼──┘                     │ false: `raise`
//!                               └────────────────────────┴──── or a fault: the handler in `fault`
//! ```
//!
//! Always true: only wasm frames are ever skipped, and frames that own nothing, so every destructor runs.

/// Where debuggers wait for traps.
mod hook;
/// The cell by which traps that are calls find the runtime.
mod cell;
/// Into wasm.
mod enter;
/// Hardware faults in wasm, and what stands for them.
mod fault;
/// Out of wasm.
mod leave;

pub use super::activation::{Failure, Raised};
pub use cell::receive;
pub use enter::enter;
pub use fault::install;
pub use hook::wootz_trap_hook;
pub use leave::{host_function_code, leave, record, resume};
