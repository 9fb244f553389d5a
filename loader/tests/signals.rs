//! The fault handler and everybody else's: whoever handled a signal before gets what is not ours.
//!
//! Each case is a process of its own: this test program again, told by the environment which case to play.
#![cfg(all(unix, feature = "compiler"))]

mod common;

use std::os::unix::process::ExitStatusExt;

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
