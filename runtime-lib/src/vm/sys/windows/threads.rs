//! The stack of this thread, and threads that sleep until a number changes.
//!
//! Always true: waking neither allocates nor locks.

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use windows_sys::Win32::System::Threading::{
    GetCurrentThreadStackLimits, INFINITE, SetThreadStackGuarantee, WaitOnAddress,
    WakeByAddressSingle,
};

use super::page_bytes;

/// A stack for handlers of faults. None is needed here: they run on the thread's own, and of that compiled code leaves them
/// more than they need. What exhausts the rest is host code, and what happens then is not changed.
#[derive(Debug)]
pub struct AltStack;

impl AltStack {
    /// Makes sure that handlers of faults on this thread have a stack.
    ///
    /// # Errors
    /// None, here.
    pub fn install() -> io::Result<AltStack> {
        Ok(AltStack)
    }
}

/// The addresses of this thread's stack that may be used, if the system tells.
pub fn stack_bounds() -> Option<Range<usize>> {
    let (mut low, mut high) = (0, 0);
    // Nothing is guaranteed in addition: that asks for what is.
    let mut guarantee = 0;
    // SAFETY: the calls only write these numbers.
    unsafe {
        GetCurrentThreadStackLimits(&mut low, &mut high);
        SetThreadStackGuarantee(&mut guarantee);
    }
    // The lowest page is never used. Above it is what is kept for handlers of an exhausted stack, in whole pages and at least
    // two, which the thread cannot use otherwise.
    let kept = (guarantee as usize).next_multiple_of(page_bytes()).max(2 * page_bytes());
    let low = low + page_bytes() + kept;
    (low < high).then_some(low..high)
}

/// Lets this thread sleep if there is `value`, until somebody wakes it up or the time is over. It may also wake up without
/// a reason.
pub fn sleep_while(number: &AtomicU32, value: u32, timeout: Option<Duration>) {
    // Not too early; what is too long for the system is cut short, and whoever sleeps asks again.
    let milliseconds = timeout.map_or(INFINITE, |timeout| {
        let milliseconds = timeout.as_nanos().div_ceil(1_000_000);
        u32::try_from(milliseconds).unwrap_or(u32::MAX).min(INFINITE - 1)
    });
    let expected = ptr::from_ref(&value).cast();
    // SAFETY: both numbers are alive, and as large as is said. Whatever comes of it is a reason to wake up.
    unsafe { WaitOnAddress(number.as_ptr().cast(), expected, size_of::<u32>(), milliseconds) };
}

/// Wakes up a thread that sleeps because of this number, if there is one.
pub fn wake_one(number: &AtomicU32) {
    // SAFETY: the system only looks for the address.
    unsafe { WakeByAddressSingle(number.as_ptr().cast()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;
    use std::time::Instant;

    #[test]
    fn the_stack_of_a_thread_contains_its_variables() {
        let check = || {
            let local = 0u8;
            let bounds = stack_bounds().expect("known");
            assert!(bounds.contains(&ptr::from_ref(&local).addr()));
            bounds.len()
        };
        check();
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(check).unwrap();
        let bytes = thread.join().unwrap();
        assert!((900 << 10..=1 << 20).contains(&bytes), "{bytes}");
    }

    #[test]
    fn all_of_the_stack_can_be_used() {
        /// Writes to a page, and to all below it that belong to the stack. Returns how many.
        #[inline(never)]
        fn touch(low: usize) -> usize {
            let mut page = [0u8; 4096];
            // SAFETY: a variable of this function.
            unsafe { ptr::from_mut(&mut page[0]).write_volatile(1) };
            let more = if ptr::from_ref(&page).addr() < low + 16384 { 0 } else { touch(low) };
            more + usize::from(page[0])
        }
        let use_all = || touch(stack_bounds().expect("known").start);
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(use_all).unwrap();
        assert!(thread.join().unwrap() > 200);
    }

    #[test]
    fn sleepers_wake_up_when_they_are_told_or_the_time_is_over() {
        let number = AtomicU32::new(0);
        let start = Instant::now();
        sleep_while(&number, 1, None);
        while start.elapsed() < Duration::from_millis(20) {
            sleep_while(&number, 0, Some(Duration::from_millis(20)));
        }
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while number.load(Ordering::Acquire) == 0 {
                    sleep_while(&number, 0, None);
                }
            });
            std::thread::sleep(Duration::from_millis(50));
            number.store(1, Ordering::Release);
            wake_one(&number);
        });
    }
}
