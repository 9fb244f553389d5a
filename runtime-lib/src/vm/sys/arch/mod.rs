//! Registers and frames, by architecture. A file each, all with the same names:
//!
//! - `fault_registers`: program counter and frame pointer of an interrupted thread;
//! - `set_registers`: where and with which stack an interrupted thread will continue;
//! - `jump`: continue there at once;
//! - `return_address`, `caller_frame`: what a frame pointer points at;
//! - `see_as_code`: what was written to memory can be executed from now on.

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

pub use this::{caller_frame, jump, return_address};
pub(super) use this::{fault_registers, see_as_code, set_registers};
