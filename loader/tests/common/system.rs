//! What tests ask the system about this process.
#![allow(dead_code)]

use std::time::Duration;

/// How long this thread has been running on a processor.
#[cfg(unix)]
pub fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call only writes the record.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long this thread has been running on a processor.
#[cfg(windows)]
pub fn processor_time() -> Duration {
    use windows_sys::Win32::Foundation::FILETIME;
    use windows_sys::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};

    let mut times = [FILETIME::default(); 4];
    let [created, exited, kernel, user] = &mut times;
    // SAFETY: the call only writes the records.
    let result = unsafe { GetThreadTimes(GetCurrentThread(), created, exited, kernel, user) };
    assert_ne!(result, 0);
    let ticks =
        |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Duration::from_nanos(100 * (ticks(times[2]) + ticks(times[3])))
}

/// How much address space this process has, in bytes.
#[cfg(target_os = "linux")]
pub fn address_space() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 4096
}

/// How much address space this process has, in bytes.
#[cfg(windows)]
pub fn address_space() -> u64 {
    use windows_sys::Win32::System::Memory::{MEM_FREE, MEMORY_BASIC_INFORMATION, VirtualQuery};

    let mut run = MEMORY_BASIC_INFORMATION::default();
    let (mut at, mut bytes) = (0_usize, 0);
    // SAFETY: the call only writes the record.
    while unsafe { VirtualQuery(at as *const _, &mut run, size_of_val(&run)) } != 0 {
        if run.State != MEM_FREE {
            bytes += run.RegionSize as u64;
        }
        at = run.BaseAddress.addr() + run.RegionSize;
    }
    bytes
}
