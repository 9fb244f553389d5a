//! The operating system and the processor: the only room with system calls, inline assembly and signal handlers.
//!
//! A file or folder per platform, all with the same names. Callers never ask on which platform they are.

/// Registers and frames, by architecture.
pub mod arch;

/// What all Unix systems do alike.
#[cfg(unix)]
mod unix;
/// Signals for hardware faults.
#[cfg(unix)]
mod signals;
/// Systems that make no page as new.
#[cfg(not(target_os = "linux"))]
mod no_renewal;

/// Machines on which no trap is a call.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod no_trap_call;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as this;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as this;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as this;

#[cfg(target_arch = "riscv64")]
pub use this::has_extension;
pub use this::{
    AltStack, Library, MAPS_FILES_OVER, TRAP_CALL, TemporaryLibrary, can_renew, forget,
    install_fault_handler, make_anonymous, map_file, map_file_over, memory_file, page_bytes,
    path_of, protect, release, renew, reserve, set_modified, sleep_while, stack_bounds,
    stay_loaded, wake_one, written,
};

/// What may be done with pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// Nothing: every access faults.
    None,
    /// Reading.
    Read,
    /// Reading and writing.
    ReadWrite,
    /// Reading and executing.
    ReadExecute,
}

/// Where a thread was interrupted.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    /// The address of the instruction, or of its last byte if the processor tells when it is over: as in an artifact's table of
    /// traps.
    pub pc: usize,
    /// The register that leads to the frame, for [`arch::interrupted_frame`].
    pub frame: usize,
}

/// What is known about a hardware fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Where the thread was.
    pub at: Interrupted,
    /// The address it could not access; 0 for other kinds of faults.
    pub address: usize,
}

/// Where a thread shall continue, with which stack. All other registers are undefined.
#[derive(Clone, Copy, Debug)]
pub struct Resumption {
    /// The address of the next instruction.
    pub pc: usize,
    /// The stack pointer.
    pub sp: usize,
    /// The frame pointer.
    pub fp: usize,
}

/// Decides about a fault: where to continue, or `None` if it is somebody else's.
///
/// It is called on the thread that faulted, on its alternate stack where there are such, between any two instructions of the
/// process: it must neither allocate nor lock nor unwind.
pub type FaultHandler = fn(&Fault) -> Option<Resumption>;
