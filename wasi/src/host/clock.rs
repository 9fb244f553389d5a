//! Clocks. All times are in nanoseconds.

use rustix::time::{ClockId, Timespec};

use crate::types::Clock;

/// What a clock says.
pub fn time(clock: Clock) -> u64 {
    nanoseconds(rustix::time::clock_gettime(id(clock)))
}

/// The resolution of a clock.
pub fn resolution(clock: Clock) -> u64 {
    nanoseconds(rustix::time::clock_getres(id(clock)))
}

fn id(clock: Clock) -> ClockId {
    match clock {
        Clock::Realtime => ClockId::Realtime,
        Clock::Monotonic => ClockId::Monotonic,
        Clock::ProcessCpuTime => ClockId::ProcessCPUTime,
        Clock::ThreadCpuTime => ClockId::ThreadCPUTime,
    }
}

/// Times before 1970 are 1970, which is as early as the interface can say.
fn nanoseconds(time: Timespec) -> u64 {
    super::file::nanoseconds(time.tv_sec, time.tv_nsec)
}
