//! The fault handler and everybody else's: whoever handled a signal before gets what is not ours.
//!
//! Each case is a process of its own: this test program again, told by the environment which case to play.
#![cfg(all(unix, feature = "compiler"))]

mod common;

use std::os::unix::process::ExitStatusExt;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{in_child, instance, trap};
use wootz::Trap;

/// Makes an instance whose function traps; what is returned calls it.
fn trapping() -> impl FnMut() {
    let (mut store, instance) = instance(
        r#"(module (memory 1) (func (export "f") (result i32) (i32.load (i32.const -1))))"#,
    );
    let f = instance.get_typed_func::<(), i32>(&mut store, "f").unwrap();
    move || assert_eq!(trap(&f.call(&mut store, ()).unwrap_err()), Trap::MemoryOutOfBounds)
}

fn trap_once() {
    trapping()();
}

fn fault() {
    // SAFETY: it is not; that is the point. The process ends here, or in the handler.
    unsafe { std::ptr::without_provenance_mut::<u8>(64).write_volatile(1) };
}

extern "C" fn exit_with_55(_signal: i32, _info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: ends the process, and does nothing else.
    unsafe { libc::_exit(55) };
}

fn handle(signal: i32, handler: usize, flags: i32) {
    // SAFETY: the handler has the signature that the flags promise.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
    }
}

#[test]
fn earlier_handlers_get_faults_of_the_host() {
    let status = in_child("earlier_handlers_get_faults_of_the_host", || {
        handle(libc::SIGSEGV, exit_with_55 as *const () as usize, libc::SA_SIGINFO);
        trap_once();
        fault();
    });
    assert!(status.is_none_or(|status| status.code() == Some(55)), "{status:?}");
}

#[test]
fn faults_of_the_host_still_kill_the_process() {
    let status = in_child("faults_of_the_host_still_kill_the_process", || {
        handle(libc::SIGSEGV, libc::SIG_DFL, 0);
        trap_once();
        fault();
    });
    assert!(status.is_none_or(|status| status.signal() == Some(libc::SIGSEGV)), "{status:?}");
}

#[test]
fn signals_that_somebody_sends_still_kill_the_process() {
    let status = in_child("signals_that_somebody_sends_still_kill_the_process", || {
        handle(libc::SIGFPE, libc::SIG_DFL, 0);
        trap_once();
        // SAFETY: kills this process.
        unsafe { libc::raise(libc::SIGFPE) };
        std::process::exit(1);
    });
    assert!(status.is_none_or(|status| status.signal() == Some(libc::SIGFPE)), "{status:?}");
}

#[test]
fn ignored_signals_that_somebody_sends_stay_ignored() {
    let status = in_child("ignored_signals_that_somebody_sends_stay_ignored", || {
        handle(libc::SIGFPE, libc::SIG_IGN, 0);
        trap_once();
        // SAFETY: is ignored.
        unsafe { libc::raise(libc::SIGFPE) };
        trap_once();
        std::process::exit(33);
    });
    assert!(status.is_none_or(|status| status.code() == Some(33)), "{status:?}");
}

#[test]
fn rust_still_reports_its_own_stack_overflow() {
    let status = in_child("rust_still_reports_its_own_stack_overflow", || {
        trap_once();
        #[allow(unconditional_recursion)]
        fn endless(n: u64) -> u64 {
            std::hint::black_box(n) + std::hint::black_box(endless(n + 1))
        }
        endless(0);
    });
    assert!(status.is_none_or(|status| status.signal() == Some(libc::SIGABRT)), "{status:?}");
}

#[test]
fn forked_processes_trap_too() {
    let status = in_child("forked_processes_trap_too", || {
        let mut trap_once = trapping();
        trap_once();
        // SAFETY: the child only does what a single thread may: it compiles nothing, for which it lacks the threads.
        let child = unsafe { libc::fork() };
        if child == 0 {
            trap_once();
            // SAFETY: ends the child.
            unsafe { libc::_exit(44) };
        }
        let mut status = 0;
        // SAFETY: waits for the child.
        unsafe { libc::waitpid(child, &mut status, 0) };
        std::process::exit(libc::WEXITSTATUS(status));
    });
    assert!(status.is_none_or(|status| status.code() == Some(44)), "{status:?}");
}

/// The handler that was there when one of a test's was installed.
#[cfg(target_os = "linux")]
static OURS: AtomicUsize = AtomicUsize::new(0);
/// How often a test's handler went on after it had called ours.
#[cfg(target_os = "linux")]
static RETURNED: AtomicUsize = AtomicUsize::new(0);

/// Puts a handler in front of ours.
#[cfg(target_os = "linux")]
fn handle_before_us(signal: i32, handler: usize, mask: &[i32]) {
    // SAFETY: the handler has the signature that the flag promises.
    unsafe {
        let (mut action, mut old): (libc::sigaction, libc::sigaction) =
            (std::mem::zeroed(), std::mem::zeroed());
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for &signal in mask {
            libc::sigaddset(&mut action.sa_mask, signal);
        }
        assert_eq!(libc::sigaction(signal, &action, &mut old), 0);
        OURS.store(old.sa_sigaction, Ordering::Relaxed);
    }
}

/// The signals that this thread blocks.
#[cfg(target_os = "linux")]
fn blocked() -> Vec<i32> {
    // SAFETY: asks only.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut set);
        (1..32).filter(|&signal| libc::sigismember(&set, signal) == 1).collect()
    }
}

#[cfg(target_os = "linux")]
extern "C" fn call_ours(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);
    // SAFETY: ours has this signature.
    let ours: Handler = unsafe { std::mem::transmute(OURS.load(Ordering::Relaxed)) };
    ours(signal, info, context);
    RETURNED.fetch_add(1, Ordering::Relaxed);
}

/// Whoever calls our handler may have something to do afterwards.
#[cfg(target_os = "linux")]
#[test]
fn handlers_that_call_ours_go_on() {
    let status = in_child("handlers_that_call_ours_go_on", || {
        let mut trap_once = trapping();
        trap_once();
        handle_before_us(libc::SIGSEGV, call_ours as *const () as usize, &[libc::SIGUSR1]);
        for times in 1..4 {
            trap_once();
            assert_eq!(RETURNED.load(Ordering::Relaxed), times);
            assert!(blocked().is_empty(), "{:?}", blocked());
        }
        std::process::exit(33);
    });
    assert!(status.is_none_or(|status| status.code() == Some(33)), "{status:?}");
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[unsafe(naked)]
extern "C" fn jump_to_ours(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    std::arch::naked_asm!("mov rax, [rip + {ours}]", "jmp rax", ours = sym OURS)
}

/// A handler that ends with a jump to ours leaves no trace but the signals that are blocked for it.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn what_somebody_blocks_for_a_handler_is_not_blocked_afterwards() {
    let name = "what_somebody_blocks_for_a_handler_is_not_blocked_afterwards";
    let status = in_child(name, || {
        let mut trap_once = trapping();
        trap_once();
        let mask = [libc::SIGUSR1, libc::SIGTERM];
        handle_before_us(libc::SIGSEGV, jump_to_ours as *const () as usize, &mask);
        for _ in 0..3 {
            trap_once();
            assert!(blocked().is_empty(), "{:?}", blocked());
        }
        std::process::exit(33);
    });
    assert!(status.is_none_or(|status| status.code() == Some(33)), "{status:?}");
}

/// What the host has set for itself.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn traps_change_neither_blocked_signals_nor_the_rounding_of_floats() {
    use std::arch::asm;

    let name = "traps_change_neither_blocked_signals_nor_the_rounding_of_floats";
    let status = in_child(name, || {
        let mut trap_once = trapping();
        // SAFETY: the signal is only blocked. Rounding towards zero is put back before anybody counts.
        let (vectors, scalars) = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigaddset(&mut set, libc::SIGUSR2);
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            let (mut vectors, mut scalars) = (0x7f80_u32, 0xf7f_u16);
            asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &raw const vectors, in(reg) &raw const scalars);
            trap_once();
            asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut vectors, in(reg) &raw mut scalars);
            let (usual_vectors, usual_scalars) = (0x1f80_u32, 0x37f_u16);
            asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &raw const usual_vectors, in(reg) &raw const usual_scalars);
            (vectors, scalars)
        };
        // Exceptions that have happened may be noted meanwhile.
        assert_eq!((vectors & !0x3f, scalars), (0x7f80, 0xf7f));
        assert_eq!(blocked(), [libc::SIGUSR2]);
        std::process::exit(33);
    });
    assert!(status.is_none_or(|status| status.code() == Some(33)), "{status:?}");
}
