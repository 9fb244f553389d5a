//! Hardware faults in wasm, and calls in the place of instructions that would always fault: from there to the handler of the entry
//! trampoline.
//!
//! In: a fault. Out: where the thread continues, if the fault is a trap of wasm code that this thread was executing.
//!
//! Always true: everything here neither allocates nor locks.

use crate::vm::activation::Activation;
use crate::vm::backtrace;
use crate::vm::code;
use crate::vm::sys::{self, Fault, Resumption};

use super::hook;

/// Makes hardware faults in wasm traps, in the whole process. Only the first call does something.
pub fn install() {
    sys::install_fault_handler(on_fault);
}

fn on_fault(fault: &Fault) -> Option<Resumption> {
    let (tables, offset) = code::find(fault.at.pc)?;
    let trap = tables.trap_at(offset)?;
    let activation = Activation::innermost()?;
    // SAFETY: the store of an active activation is alive.
    let store = unsafe { &*activation.store };
    // SAFETY: the context is valid; the code that could write it is interrupted.
    let context = unsafe { &*store.context() };
    if context.entry_handler == 0 {
        return None;
    }
    // SAFETY: wasm code is interrupted in a frame that the fault describes, and everything around it is active.
    unsafe { backtrace::walk(store, Some(fault), |frame| store.push_fault_frame(frame.pc)) };
    activation.fault.set(Some((trap, *fault)));
    hook::on_fault(trap, fault);
    Some(Resumption { pc: context.entry_handler, sp: context.entry_sp, fp: context.entry_fp })
}
