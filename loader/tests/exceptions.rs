//! The handler of hardware faults and everybody else's on Windows: whoever would handle a fault that is not ours gets it.
//!
//! Each case is a process of its own: this test program again, told by the environment which case to play.
#![cfg(all(windows, feature = "compiler"))]

mod common;

use std::path::Path;
use std::process::{ExitStatus, exit};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{in_child, instance, trap};
use windows_sys::Win32::Foundation::{
    EXCEPTION_ACCESS_VIOLATION, EXCEPTION_ILLEGAL_INSTRUCTION, EXCEPTION_INT_DIVIDE_BY_ZERO,
    EXCEPTION_STACK_OVERFLOW, NTSTATUS, STATUS_DEBUGGER_INACTIVE,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_SEARCH, EXCEPTION_POINTERS, RaiseException,
    SetUnhandledExceptionFilter,
};
use wootz::Trap;
use wootz_runtime::vm::sys::Library;

/// Whether a process ended with this code.
fn ended_with(status: Option<ExitStatus>, code: i32) {
    assert!(status.is_none_or(|status| status.code() == Some(code)), "{status:?}");
}

/// Whether a process was ended because nobody handled this exception. The debugger that Wine starts then may leave a code of
/// its own.
fn killed_by(status: Option<ExitStatus>, code: NTSTATUS) {
    let expected = [code, STATUS_DEBUGGER_INACTIVE];
    let expected = if is_wine() { &expected } else { &expected[..1] };
    let is_it = |status: ExitStatus| status.code().is_some_and(|code| expected.contains(&code));
    assert!(status.is_none_or(is_it), "{status:?}");
}

/// Whether this is not Windows itself.
fn is_wine() -> bool {
    let system = std::env::var_os("SystemRoot").expect("Windows says where it is");
    let path = Path::new(&system).join(r"system32\ntdll.dll");
    // SAFETY: every process has loaded it.
    unsafe { Library::open(&path) }.unwrap().symbol(c"wine_get_version").is_some()
}

/// Traps by an access and by a division, which are exceptions of different kinds, and by an instruction that is none.
fn trap_in_each_way() {
    let (mut store, instance) = instance(
        r#"(module (memory 1)
            (func (export "load") (result i32) (i32.load (i32.const -1)))
            (func (export "divide") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
            (func (export "overflow") (result i32) (i32.div_s (i32.const 0x80000000) (i32.const -1)))
            (func (export "stop") (result i32) (unreachable)))"#,
    );
    for (name, expected) in [
        ("load", Trap::MemoryOutOfBounds),
        ("divide", Trap::IntegerDivisionByZero),
        ("overflow", Trap::IntegerOverflow),
        ("stop", Trap::UnreachableCodeReached),
    ] {
        let f = instance.get_typed_func::<(), i32>(&mut store, name).unwrap();
        assert_eq!(trap(&f.call(&mut store, ()).unwrap_err()), expected);
    }
}

fn fault() {
    // SAFETY: it is not; that is the point. The process ends here, or in a handler.
    unsafe { std::ptr::without_provenance_mut::<u8>(64).write_volatile(1) };
}

/// How many exceptions of hardware a handler of the program's own has seen.
static SEEN: AtomicUsize = AtomicUsize::new(0);

fn code(pointers: *mut EXCEPTION_POINTERS) -> NTSTATUS {
    // SAFETY: the system passes valid records.
    unsafe { (*(*pointers).ExceptionRecord).ExceptionCode }
}

unsafe extern "system" fn exit_with_55(pointers: *mut EXCEPTION_POINTERS) -> i32 {
    match code(pointers) {
        EXCEPTION_ACCESS_VIOLATION => exit(55),
        _ => EXCEPTION_CONTINUE_SEARCH,
    }
}

unsafe extern "system" fn count(pointers: *mut EXCEPTION_POINTERS) -> i32 {
    if let EXCEPTION_ACCESS_VIOLATION
    | EXCEPTION_ILLEGAL_INSTRUCTION
    | EXCEPTION_INT_DIVIDE_BY_ZERO = code(pointers)
    {
        SEEN.fetch_add(1, Ordering::Relaxed);
    }
    EXCEPTION_CONTINUE_SEARCH
}

#[test]
fn earlier_handlers_get_faults_of_the_host_and_no_traps() {
    let status = in_child("earlier_handlers_get_faults_of_the_host_and_no_traps", || {
        // SAFETY: the handler has the signature that is asked for, and ends the process.
        unsafe { AddVectoredExceptionHandler(1, Some(exit_with_55)) };
        trap_in_each_way();
        fault();
    });
    ended_with(status, 55);
}

#[test]
fn handlers_that_come_first_may_hand_on() {
    let status = in_child("handlers_that_come_first_may_hand_on", || {
        trap_in_each_way();
        // SAFETY: the handler has the signature that is asked for, and only counts.
        unsafe { AddVectoredExceptionHandler(1, Some(count)) };
        trap_in_each_way();
        exit(SEEN.load(Ordering::Relaxed) as i32);
    });
    // The overflow may be an exception of another kind.
    assert!(status.is_none_or(|status| matches!(status.code(), Some(3 | 4))), "{status:?}");
}

#[test]
fn the_filter_for_what_nobody_handles_gets_faults_of_the_host() {
    let status = in_child("the_filter_for_what_nobody_handles_gets_faults_of_the_host", || {
        // SAFETY: as above.
        unsafe { SetUnhandledExceptionFilter(Some(exit_with_56)) };
        unsafe extern "system" fn exit_with_56(pointers: *const EXCEPTION_POINTERS) -> i32 {
            assert_eq!(code(pointers.cast_mut()), EXCEPTION_ACCESS_VIOLATION);
            exit(56);
        }
        trap_in_each_way();
        fault();
    });
    ended_with(status, 56);
}

#[test]
fn faults_of_the_host_still_kill_the_process() {
    let status = in_child("faults_of_the_host_still_kill_the_process", || {
        trap_in_each_way();
        fault();
    });
    killed_by(status, EXCEPTION_ACCESS_VIOLATION);
}

#[test]
fn faults_of_host_functions_are_no_traps() {
    let status = in_child("faults_of_host_functions_are_no_traps", || {
        let wat =
            r#"(module (import "host" "fault" (func $fault)) (func (export "f") (call $fault)))"#;
        let (mut store, instance) = common::linked((), wat, |linker| {
            linker.func_wrap("host", "fault", fault).unwrap();
        });
        let f = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
        let _ = f.call(&mut store, ());
    });
    killed_by(status, EXCEPTION_ACCESS_VIOLATION);
}

#[test]
fn exceptions_that_software_raises_are_no_traps() {
    let status = in_child("exceptions_that_software_raises_are_no_traps", || {
        trap_in_each_way();
        // SAFETY: nobody handles it, so the process ends.
        unsafe {
            RaiseException(EXCEPTION_INT_DIVIDE_BY_ZERO as u32, 0, 0, std::ptr::null());
        }
    });
    killed_by(status, EXCEPTION_INT_DIVIDE_BY_ZERO);
}

/// Wine 8 ends the thread without asking anybody, and then waits for it: `docs/targets.md` shows it with a program in C.
#[test]
fn an_exhausted_stack_of_the_host_is_what_it_was() {
    if is_wine() {
        eprintln!("skipped: Wine does not tell of exhausted stacks");
        return;
    }
    let status = in_child("an_exhausted_stack_of_the_host_is_what_it_was", || {
        trap_in_each_way();
        #[allow(unconditional_recursion)]
        fn endless(n: u64) -> u64 {
            std::hint::black_box(n) + std::hint::black_box(endless(n + 1))
        }
        endless(0);
    });
    killed_by(status, EXCEPTION_STACK_OVERFLOW);
}
