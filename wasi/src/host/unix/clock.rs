//! Clocks. All times are in nanoseconds.

use rustix::time::{ClockId, Timespec};

use crate::types::Clock;

/// What a clock says.
pub fn time(clock: Clock) -> u64 {
    to_number(rustix::time::clock_gettime(id(clock)))
}

/// The resolution of a clock.
pub fn resolution(clock: Clock) -> u64 {
    to_number(rustix::time::clock_getres(id(clock)))
}

fn id(clock: Clock) -> ClockId {
    match clock {
        Clock::Realtime => ClockId::Realtime,
        Clock::Monotonic => ClockId::Monotonic,
        Clock::ProcessCpuTime => ClockId::ProcessCPUTime,
        Clock::ThreadCpuTime => ClockId::ThreadCPUTime,
    }
}

fn to_number(time: Timespec) -> u64 {
    nanoseconds(time.tv_sec, time.tv_nsec)
}

/// A time since 1970. Earlier ones are 1970, which is as early as the interface can say.
pub(super) fn nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    let Ok(seconds) = u64::try_from(seconds) else { return 0 };
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(nanoseconds).unwrap_or(0))
}
