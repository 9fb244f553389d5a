//! Out of a signal handler on x86-64 without asking the kernel to return from it, which takes a sixth of the time of a trap.
//!
//! In: what the kernel has told the handler, and where the stack was when the handler began. Out: the thread continues
//! elsewhere, or nothing has happened.
//!
//! Always true: what returning from the signal would have restored, and whoever continues may notice, is as it was: the mask of
//! signals, how floats are rounded and which of their exceptions are masked, the rights to pages with keys, and the alternate stack.
//! Where that cannot be said, nothing happens. Vectors and the like are not restored: nobody preserves them.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::vm::sys::{Resumption, arch};

/// The kernel disarms the alternate stack during the handler, and arms it again when the handler returns.
const SS_AUTODISARM: i32 = 1 << 31;
/// Where the pointer to the processor's state is, counted in registers. The state begins with the control word of the oldest floats.
const STATE: usize = 23;
/// Where in the state the one of vectors is, in bytes.
const VECTOR_CONTROL: usize = 24;
/// Says that the processor's extended state is in the frame: the first of five fields.
const EXTENDED_STATE_MAGIC: u32 = 0x4650_5853;
/// Where these fields are, in bytes from the beginning of the state: magic, size, and two more.
const EXTENDED_STATE_FIELDS: usize = 464;
/// Where the state says which of its parts are not as they are at first.
const PARTS: usize = 512;
/// The number of the part with the rights to pages with keys.
const PAGE_KEYS: u32 = 9;

/// Continues where `resumption` says, if nothing is lost by that; otherwise returns.
///
/// `stack` is where the stack pointer was when the handler began.
///
/// # Safety
/// The context is that of the signal handler that runs, whose frames own nothing, and [`arch::jump`] may be called.
pub unsafe fn leave_handler(context: &libc::ucontext_t, stack: usize, resumption: &Resumption) {
    // The kernel puts the context directly behind the return address. Where it is elsewhere, somebody else's handler has called ours,
    // and expects that it returns.
    if stack + size_of::<usize>() != ptr::from_ref(context).addr()
        || context.uc_stack.ss_flags & SS_AUTODISARM != 0
    {
        return;
    }
    // Not every C library has a name for it.
    // SAFETY: the pointer stands behind the registers.
    let state = unsafe { (&raw const context.uc_mcontext).cast::<*const u8>().add(STATE).read() };
    // SAFETY: it points to the extended state.
    if state.is_null() || !unsafe { has_rights_of(state) } {
        return;
    }
    // Not blocked by us, but somebody's handler may have jumped to ours.
    // SAFETY: the mask is the kernel's, of 64 signals; the call changes nothing but this thread's.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const context.uc_sigmask,
            ptr::null_mut::<libc::sigset_t>(),
            size_of::<u64>(),
        )
    };
    if result != 0 {
        return;
    }
    // SAFETY: these are the values that the interrupted thread had; the rest is the caller's promise.
    unsafe {
        asm!(
            "ldmxcsr [{vectors}]",
            "fldcw [{scalars}]",
            vectors = in(reg) state.add(VECTOR_CONTROL),
            scalars = in(reg) state,
            options(nostack, preserves_flags),
        );
        arch::jump(resumption)
    }
}

/// Whether the rights to pages with keys are what the interrupted thread had. The kernel sets them for handlers.
///
/// # Safety
/// The state is part of a signal's frame.
unsafe fn has_rights_of(state: *const u8) -> bool {
    let offset = match PAGE_KEYS_OFFSET.load(Ordering::Relaxed) {
        UNKNOWN => page_keys_offset(),
        known => known,
    };
    if offset == NO_PAGE_KEYS {
        return true;
    }
    // SAFETY: inside of the state, which says itself whether it has more than the oldest part, and how much.
    let before = unsafe {
        let fields = state.add(EXTENDED_STATE_FIELDS).cast::<u32>();
        if fields.read() != EXTENDED_STATE_MAGIC {
            return false;
        }
        let bytes = fields.add(4).read() as usize;
        if bytes < offset + size_of::<u32>() {
            return false;
        }
        match state.add(PARTS).cast::<u64>().read_unaligned() >> PAGE_KEYS & 1 {
            0 => 0,
            _ => state.add(offset).cast::<u32>().read_unaligned(),
        }
    };
    let now: u32;
    // SAFETY: the system has enabled the keys.
    unsafe {
        asm!(
            "rdpkru",
            in("ecx") 0,
            out("eax") now,
            out("edx") _,
            options(nomem, nostack, preserves_flags),
        );
    }
    now == before
}

/// Where the rights are in a signal's frame, or one of the two below.
static PAGE_KEYS_OFFSET: AtomicUsize = AtomicUsize::new(UNKNOWN);
/// Nobody has looked yet.
const UNKNOWN: usize = usize::MAX;
/// Pages have no keys here.
const NO_PAGE_KEYS: usize = 0;

#[cold]
fn page_keys_offset() -> usize {
    let has_keys = __cpuid(0).eax >= 0xd && __cpuid_count(7, 0).ecx & 1 << 4 != 0;
    let offset = match has_keys {
        true => __cpuid_count(0xd, PAGE_KEYS).ebx as usize,
        false => NO_PAGE_KEYS,
    };
    PAGE_KEYS_OFFSET.store(offset, Ordering::Relaxed);
    offset
}
