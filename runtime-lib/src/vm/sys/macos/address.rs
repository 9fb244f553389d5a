//! Threads that sleep until a number changes.
//!
//! In: an address and what is there. Out: a thread that sleeps, or wakes up.
//!
//! The system can do this by public functions since version 14.4. On older ones, who sleeps looks again every millisecond.
//!
//! Always true: waking neither allocates nor locks, so signal handlers may do it.

use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const BYTES: usize = size_of::<u32>();
/// How long who sleeps does not look, where nobody can wake it up.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

type Wait = unsafe extern "C" fn(*mut c_void, u64, usize, u32) -> c_int;
type WaitFor = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type Wake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

/// What the system has for it.
#[derive(Clone, Copy)]
struct Functions {
    wait: Wait,
    wait_for: WaitFor,
    wake: Wake,
}

static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();

fn functions() -> Option<Functions> {
    *FUNCTIONS.get_or_init(|| {
        let find = |name: &std::ffi::CStr| {
            // SAFETY: the name is a C string.
            NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
        };
        let wait = find(c"os_sync_wait_on_address")?;
        let wait_for = find(c"os_sync_wait_on_address_with_timeout")?;
        let wake = find(c"os_sync_wake_by_address_any")?;
        // SAFETY: functions of these names have these types.
        Some(unsafe {
            Functions {
                wait: mem::transmute::<*mut c_void, Wait>(wait.as_ptr()),
                wait_for: mem::transmute::<*mut c_void, WaitFor>(wait_for.as_ptr()),
                wake: mem::transmute::<*mut c_void, Wake>(wake.as_ptr()),
            }
        })
    })
}

/// Lets this thread sleep if there is `value`, until somebody wakes it up or the time is over. It may also wake up without
/// a reason.
pub fn sleep_while(number: &AtomicU32, value: u32, timeout: Option<Duration>) {
    let Some(functions) = functions() else {
        if number.load(Ordering::Relaxed) == value {
            thread::sleep(timeout.map_or(BETWEEN_LOOKS, |timeout| timeout.min(BETWEEN_LOOKS)));
        }
        return;
    };
    let address = number.as_ptr().cast();
    let (value, flags) = (value.into(), libc::OS_SYNC_WAIT_ON_ADDRESS_NONE);
    // Whatever the system answers is a reason to wake up.
    // SAFETY: the kernel only reads the number, which is alive.
    unsafe {
        match timeout.map(|timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)) {
            None => (functions.wait)(address, value, BYTES, flags),
            Some(0) => 0,
            Some(nanoseconds) => {
                let clock = libc::OS_CLOCK_MACH_ABSOLUTE_TIME;
                (functions.wait_for)(address, value, BYTES, flags, clock, nanoseconds)
            }
        }
    };
}

/// Wakes up a thread that sleeps because of this number, if there is one.
pub fn wake_one(number: &AtomicU32) {
    // Not looked for here, in a signal handler perhaps. Whoever falls asleep has looked for them, and before it does, sees
    // that the number has changed.
    if let Some(Some(functions)) = FUNCTIONS.get() {
        let flags = libc::OS_SYNC_WAKE_BY_ADDRESS_NONE;
        // SAFETY: the kernel only looks for the address.
        unsafe { (functions.wake)(number.as_ptr().cast(), BYTES, flags) };
    }
}
