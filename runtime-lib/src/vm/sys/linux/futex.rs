//! Threads that sleep until a number changes: the futexes of Linux.
//!
//! In: an address and what is there. Out: a thread that sleeps, or wakes up.
//!
//! Always true: waking neither allocates nor locks, so signal handlers may do it.

use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Lets this thread sleep if there is `value`, until somebody wakes it up or the time is over. It may also wake up without
/// a reason.
pub fn sleep_while(number: &AtomicU32, value: u32, timeout: Option<Duration>) {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel only reads the number and the time, which are alive. Whatever it answers is a reason to wake up.
    unsafe { libc::syscall(libc::SYS_futex, number.as_ptr(), operation, value, timeout) };
}

/// Wakes up a thread that sleeps because of this number, if there is one.
pub fn wake_one(number: &AtomicU32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel only looks for the address.
    unsafe { libc::syscall(libc::SYS_futex, number.as_ptr(), operation, 1) };
}
