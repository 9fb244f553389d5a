//! Signals for hardware faults: asks one handler of ours, and otherwise behaves as if it were not there.
//!
//! In: `SIGSEGV`, `SIGBUS`, `SIGILL`, `SIGFPE`. Out: the thread continues where [`FaultHandler`] says, or whoever handled
//! the signal before gets it, unchanged.
//!
//! Always true of everything that runs in the handler: it neither allocates nor locks nor unwinds, and makes no system
//! call before it is known whose the fault is.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::this::{fault_registers, happens_again, leave_handler, set_registers};
use super::unix::stay_loaded;
use super::{Fault, FaultHandler, Resumption};

const SIGNALS: [c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// Who handled each signal before, in the order of [`SIGNALS`].
struct Previous(UnsafeCell<[MaybeUninit<libc::sigaction>; SIGNALS.len()]>);

// SAFETY: written once, each before its handler is installed; afterwards only read.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new([MaybeUninit::uninit(); SIGNALS.len()]));
static HANDLER: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Installs the process's handler of faults. Only the first call does something.
///
/// # Panics
/// If the system refuses, which it has no reason to.
pub fn install_fault_handler(handler: FaultHandler) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The handlers stay until the process ends.
        stay_loaded();
        HANDLER.store(handler as *mut c_void, Ordering::Release);
        for (position, &signal) in SIGNALS.iter().enumerate() {
            // SAFETY: the record of the previous handler is complete before ours can run for this signal, because the
            // first call only asks. The handler has the signature that SA_SIGINFO promises.
            unsafe {
                let slot = (*PREVIOUS.0.get())[position].as_mut_ptr();
                assert_eq!(
                    libc::sigaction(signal, ptr::null(), slot),
                    0,
                    "known signals can be asked about"
                );
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = begin as *const () as usize;
                // On the alternate stack, because the thread's own may be exhausted; not blocked, because the handler
                // may be left by way of somebody else's `longjmp`.
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigemptyset(&mut action.sa_mask);
                assert_eq!(
                    libc::sigaction(signal, &action, ptr::null_mut()),
                    0,
                    "known signals can be handled"
                );
            }
        }
    });
}

/// What the kernel calls: tells the handler, beside its arguments, where the stack was at this moment; and aligns it, as QEMU 7
/// does not.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[unsafe(naked)]
unsafe extern "C" fn begin(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    std::arch::naked_asm!(
        ".cfi_startproc",
        "mov rcx, rsp",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "and rsp, -16",
        "call {on_signal}",
        "mov rsp, rbp",
        "pop rbp",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
        on_signal = sym on_signal,
    )
}

/// What the kernel calls, where nobody asks for the stack.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
unsafe extern "C" fn begin(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: these are the kernel's arguments.
    unsafe { on_signal(signal, info, context, 0) }
}

unsafe extern "C" fn on_signal(
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
    stack: usize,
) {
    // SAFETY: the kernel passes a valid context, which nobody else looks at.
    let registers = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let at = fault_registers(signal, registers);
    let address = match signal {
        // SAFETY: these signals come with an address.
        libc::SIGSEGV | libc::SIGBUS => unsafe { (*info).si_addr() as usize },
        _ => 0,
    };
    match ask(&Fault { at, address }) {
        Some(resumption) => {
            // SAFETY: these are the kernel's registers, and nothing in here has to be dropped.
            unsafe { leave_handler(registers, stack, &resumption) };
            set_registers(registers, &resumption);
        }
        // SAFETY: these are the kernel's arguments.
        None => unsafe { forward(signal, info, context) },
    }
}

/// Asks the handler, if there is one.
pub fn ask(fault: &Fault) -> Option<Resumption> {
    let handler = HANDLER.load(Ordering::Acquire);
    if handler.is_null() {
        return None;
    }
    // SAFETY: only ever a `FaultHandler`.
    let handler: FaultHandler = unsafe { std::mem::transmute(handler) };
    handler(fault)
}

/// Does what would have happened without us.
unsafe fn forward(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let position = SIGNALS.iter().position(|&known| known == signal).unwrap_or(0);
    // SAFETY: written before the handler for this signal was installed, and not since.
    let previous = unsafe { (*PREVIOUS.0.get())[position].assume_init_ref() };
    match previous.sa_sigaction {
        // SAFETY: restoring what was there. Most faults happen again on return, then without us; what does not, like a signal
        // that somebody sent, is sent again.
        libc::SIG_DFL | libc::SIG_IGN => unsafe {
            let sent = (*info).si_code <= 0;
            if sent && previous.sa_sigaction == libc::SIG_IGN {
                return;
            }
            libc::sigaction(signal, previous, ptr::null_mut());
            if sent || !happens_again(signal) {
                libc::raise(signal);
            }
        },
        // SAFETY: the previous handler said which signature it has.
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => unsafe {
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                std::mem::transmute(handler);
            handler(signal, info, context);
        },
        // SAFETY: as above.
        handler => unsafe {
            let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
            handler(signal);
        },
    }
}
