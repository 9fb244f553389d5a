//! Hardware faults: asks one handler of ours, and otherwise behaves as if it were not there.
//!
//! In: access violations, illegal instructions, integer divisions that fail: what traps of compiled code are. Out: the
//! thread continues where [`FaultHandler`] says, or the search for a handler goes on as if nothing had happened: at other
//! vectored handlers, frames of the thread, the filter for what nobody handles.
//!
//! Always true of everything that runs in the handler: it neither allocates nor locks nor unwinds. It runs on the stack of
//! the thread that faulted. A trap of compiled code leaves room enough there, because its stack ends before the thread's; an
//! exhausted stack is no fault of these kinds, and is handed on before anything is called.

use std::ffi::c_void;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use windows_sys::Win32::Foundation::{
    EXCEPTION_ACCESS_VIOLATION, EXCEPTION_ILLEGAL_INSTRUCTION, EXCEPTION_INT_DIVIDE_BY_ZERO,
    EXCEPTION_INT_OVERFLOW,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_EXECUTION, EXCEPTION_CONTINUE_SEARCH,
    EXCEPTION_POINTERS, EXCEPTION_RECORD,
};

use super::stay_loaded;
use crate::vm::sys::{Fault, FaultHandler};
use registers::{fault_registers, set_registers};

static HANDLER: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Installs the process's handler of faults. Only the first call does something.
///
/// # Panics
/// If the system refuses, which it has no reason to.
pub fn install_fault_handler(handler: FaultHandler) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The handler stays until the process ends.
        stay_loaded();
        HANDLER.store(handler as *mut c_void, Ordering::Release);
        // Before those that are there, some of which take every exception for a crash.
        // SAFETY: the handler has the signature that is asked for.
        let installed = unsafe { AddVectoredExceptionHandler(1, Some(on_exception)) };
        assert!(!installed.is_null(), "handlers can be added");
    });
}

unsafe extern "system" fn on_exception(pointers: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system passes valid records, which nobody else looks at now.
    let record = unsafe { &*(*pointers).ExceptionRecord };
    let Some(address) = fault_address(record) else { return EXCEPTION_CONTINUE_SEARCH };
    // SAFETY: as above.
    let registers = unsafe { &mut *(*pointers).ContextRecord };
    // SAFETY: only ever a `FaultHandler`, stored before this function was installed.
    let handler: FaultHandler = unsafe { std::mem::transmute(HANDLER.load(Ordering::Acquire)) };
    match handler(&Fault { at: fault_registers(registers), address }) {
        Some(resumption) => {
            set_registers(registers, &resumption);
            EXCEPTION_CONTINUE_EXECUTION
        }
        None => EXCEPTION_CONTINUE_SEARCH,
    }
}

/// The address that could not be accessed, 0 for other faults; `None` if it is none that compiled code can have.
fn fault_address(record: &EXCEPTION_RECORD) -> Option<usize> {
    match record.ExceptionCode {
        EXCEPTION_ACCESS_VIOLATION => Some(record.ExceptionInformation[1]),
        EXCEPTION_ILLEGAL_INSTRUCTION | EXCEPTION_INT_DIVIDE_BY_ZERO | EXCEPTION_INT_OVERFLOW => {
            Some(0)
        }
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
mod registers {
    use windows_sys::Win32::System::Diagnostics::Debug::CONTEXT;

    use crate::vm::sys::{Interrupted, Resumption};

    /// Where a thread was interrupted.
    pub fn fault_registers(context: &CONTEXT) -> Interrupted {
        Interrupted { pc: context.Rip as usize, frame: context.Rbp as usize }
    }

    /// Makes an interrupted thread continue elsewhere.
    pub fn set_registers(context: &mut CONTEXT, resumption: &Resumption) {
        context.Rip = resumption.pc as u64;
        context.Rsp = resumption.sp as u64;
        context.Rbp = resumption.fp as u64;
    }
}

#[cfg(target_arch = "aarch64")]
mod registers {
    use windows_sys::Win32::System::Diagnostics::Debug::CONTEXT;

    use crate::vm::sys::{Interrupted, Resumption};

    const FP: usize = 29;

    /// Where a thread was interrupted.
    pub fn fault_registers(context: &CONTEXT) -> Interrupted {
        // SAFETY: both views of these registers are plain numbers.
        let frame = unsafe { context.Anonymous.X[FP] };
        Interrupted { pc: context.Pc as usize, frame: frame as usize }
    }

    /// Makes an interrupted thread continue elsewhere.
    pub fn set_registers(context: &mut CONTEXT, resumption: &Resumption) {
        context.Pc = resumption.pc as u64;
        context.Sp = resumption.sp as u64;
        // SAFETY: as above.
        unsafe { context.Anonymous.X[FP] = resumption.fp as u64 };
    }
}
