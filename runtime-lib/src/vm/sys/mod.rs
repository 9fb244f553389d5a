//! The operating system and the processor: the only room with system calls, inline assembly and signal handlers.
//!
//! One file per platform, all with the same names. Callers never ask on which platform they are.

// Registers and frames, by architecture.
pub mod arch;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{
    AltStack, Library, Protection, make_anonymous, map_file, map_file_over, memory_file,
    page_bytes, protect, release, reserve, stack_bounds, stay_loaded,
};

#[cfg(target_os = "linux")]
mod futex;
#[cfg(target_os = "linux")]
pub use futex::{sleep_while, wake_one};

#[cfg(unix)]
mod signals;
#[cfg(unix)]
pub use signals::install_fault_handler;

/// What is known about a hardware fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The address of the instruction.
    pub pc: usize,
    /// The frame pointer when it was executed.
    pub fp: usize,
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
/// It is called on the thread that faulted, on its alternate stack, between any two instructions of the process: it must
/// neither allocate nor lock nor unwind.
pub type FaultHandler = fn(&Fault) -> Option<Resumption>;
