//! Registers and frames, by architecture. A file each, all with the same names:
//!
//! - `jump`: continue elsewhere;
//! - `interrupted_frame`: the frame pointer of whoever was interrupted;
//! - `return_address`, `caller_frame`: what a frame pointer points at;
//! - `TYPED_EXIT`: the exit trampoline of all host functions that have a typed entry, where wasm and C agree so well that one
//!   does for all types.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
use x86_64 as this;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
use aarch64 as this;

#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "riscv64")]
use riscv64 as this;

#[cfg(target_arch = "s390x")]
mod s390x;
#[cfg(target_arch = "s390x")]
use s390x as this;

pub use this::{TYPED_EXIT, caller_frame, interrupted_frame, jump, return_address};
