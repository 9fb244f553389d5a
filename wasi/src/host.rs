//! The operating system: the only room that reads clocks, the environment and the standard streams.
//!
//! Always true: a call that a signal interrupts is repeated.

use std::io::{self, IoSlice, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::time::ClockId;

use crate::types::Clock;

/// A standard stream of this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standard {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl Standard {
    fn descriptor(self) -> BorrowedFd<'static> {
        match self {
            Standard::Input => rustix::stdio::stdin(),
            Standard::Output => rustix::stdio::stdout(),
            Standard::Error => rustix::stdio::stderr(),
        }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        self.descriptor().is_terminal()
    }

    /// Reads what is there, and waits if there is nothing. Nothing is buffered.
    pub fn read(self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(self.descriptor(), &mut *buffer))?)
    }

    /// Writes some of it, behind what this process has written by way of `std`.
    pub fn write(self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        if self == Standard::Output {
            io::stdout().flush()?;
        }
        Ok(rustix::io::retry_on_intr(|| rustix::io::writev(self.descriptor(), buffers))?)
    }
}

/// What became of a [`Standard`] stream that was waited for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Readiness {
    /// There is data, or room for data, or the end.
    pub ready: bool,
    /// The other end is gone.
    pub hangup: bool,
}

/// Waits until one of the streams is ready, but no longer than `timeout`. Input streams are ready when there is data.
pub fn wait(streams: &[Standard], timeout: Option<Duration>) -> io::Result<Vec<Readiness>> {
    let descriptors: Vec<_> = streams.iter().map(|stream| stream.descriptor()).collect();
    let mut polled: Vec<_> = streams
        .iter()
        .zip(&descriptors)
        .map(|(stream, descriptor)| {
            let events = if *stream == Standard::Input { PollFlags::IN } else { PollFlags::OUT };
            PollFd::from_borrowed_fd(descriptor.as_fd(), events)
        })
        .collect();
    // A time that cannot be expressed is far enough away to be never.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(&mut polled, timeout.as_ref()) {
        // The caller looks at its clocks and comes back.
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(polled
        .iter()
        .map(|polled| {
            let events = polled.revents();
            Readiness {
                ready: !events.is_empty(),
                hangup: events.intersects(PollFlags::HUP | PollFlags::ERR),
            }
        })
        .collect())
}

/// What a clock says, in nanoseconds.
pub fn clock_time(clock: Clock) -> u64 {
    nanoseconds(rustix::time::clock_gettime(id(clock)))
}

/// The resolution of a clock, in nanoseconds.
pub fn clock_resolution(clock: Clock) -> u64 {
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
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// The arguments of this process, its name first.
pub fn arguments() -> impl Iterator<Item = Vec<u8>> {
    std::env::args_os().map(std::ffi::OsString::into_encoded_bytes)
}

/// The environment of this process.
pub fn environment() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    std::env::vars_os().map(|(name, value)| (name.into_encoded_bytes(), value.into_encoded_bytes()))
}

/// Fills a buffer with random numbers that nobody can guess.
pub fn random(buffer: &mut [u8]) -> io::Result<()> {
    Ok(getrandom::fill(buffer)?)
}

/// Lets other threads run.
pub fn yield_now() {
    std::thread::yield_now();
}
