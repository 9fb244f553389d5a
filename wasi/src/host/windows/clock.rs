//! Clocks. All times are in nanoseconds.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use cpu_time::{ProcessTime, ThreadTime};

use crate::host::metadata::nanoseconds;
use crate::types::Clock;

/// The unit of most of the system's times.
const UNIT: u64 = 100;

/// What a clock says.
pub fn time(clock: Clock) -> u64 {
    /// Where the monotonic clock begins. The system has no such place that it would tell.
    static BEGIN: OnceLock<Instant> = OnceLock::new();

    match clock {
        Clock::Realtime => nanoseconds(SystemTime::now()),
        Clock::Monotonic => to_number(BEGIN.get_or_init(Instant::now).elapsed()),
        // Of ourselves we may know it; if the system should disagree, the clock stands still.
        Clock::ProcessCpuTime => {
            ProcessTime::try_now().map_or(0, |time| to_number(time.as_duration()))
        }
        Clock::ThreadCpuTime => {
            ThreadTime::try_now().map_or(0, |time| to_number(time.as_duration()))
        }
    }
}

/// The resolution of a clock.
pub fn resolution(clock: Clock) -> u64 {
    match clock {
        Clock::Monotonic => match winx::time::perf_counter_frequency() {
            Ok(per_second) if per_second > 0 => (1_000_000_000 / per_second).max(1),
            _ => UNIT,
        },
        Clock::Realtime | Clock::ProcessCpuTime | Clock::ThreadCpuTime => UNIT,
    }
}

fn to_number(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
