//! What was written as data becomes instructions: where processors do not notice by themselves, somebody has to tell them.

use std::ptr::NonNull;

/// Lets processors see as instructions what was written as data: line by line, the data cache is written out, and the
/// instruction cache emptied.
///
/// # Safety
/// The bytes are readable.
#[cfg(target_arch = "aarch64")]
pub unsafe fn see_as_code(start: NonNull<u8>, bytes: usize) {
    use std::arch::asm;

    let (start, end) = (start.addr().get(), start.addr().get() + bytes);
    let lines = |line_bytes: usize| (start & !(line_bytes - 1)..end).step_by(line_bytes);
    // SAFETY: these instructions change no contents, and may be executed by every program on Linux.
    unsafe {
        let sizes: u64;
        asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack));
        let (instruction_line, data_line) = (4 << (sizes & 15), 4 << (sizes >> 16 & 15));
        lines(data_line).for_each(|at| asm!("dc cvau, {}", in(reg) at, options(nostack)));
        asm!("dsb ish", options(nostack));
        lines(instruction_line).for_each(|at| asm!("ic ivau, {}", in(reg) at, options(nostack)));
        asm!("dsb ish", "isb", options(nostack));
    }
}

/// Lets processors see as instructions what was written as data. Only the kernel can tell all of them.
///
/// # Safety
/// The bytes are readable.
#[cfg(target_arch = "riscv64")]
pub unsafe fn see_as_code(start: NonNull<u8>, bytes: usize) {
    const RISCV_FLUSH_ICACHE: libc::c_long = 259;
    let (start, end) = (start.addr().get(), start.addr().get() + bytes);
    // SAFETY: the call changes no contents.
    unsafe { libc::syscall(RISCV_FLUSH_ICACHE, start, end, 0usize) };
}

/// Lets processors see as instructions what was written as data. These do so by themselves.
///
/// # Safety
/// The bytes are readable.
#[cfg(any(target_arch = "x86_64", target_arch = "s390x"))]
pub unsafe fn see_as_code(_start: NonNull<u8>, _bytes: usize) {}
