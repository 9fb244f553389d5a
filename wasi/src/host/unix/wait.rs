//! Waiting for files and streams.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::own;
use crate::host::readiness::{Direction, Readiness};

/// Something that can be waited for.
#[derive(Clone, Copy, Debug)]
pub struct Handle<'a> {
    descriptor: BorrowedFd<'a>,
}

impl<'a> Handle<'a> {
    /// Of anything that is open.
    pub(super) fn new(descriptor: BorrowedFd<'a>) -> Handle<'a> {
        Handle { descriptor }
    }

    /// Of a file.
    pub fn of_file(file: &'a File) -> Handle<'a> {
        Handle::new(file.as_fd())
    }

    /// How many bytes can be read without waiting, as far as the system says.
    fn readable_bytes(self) -> u64 {
        // The system's number is a C `int`.
        let bytes = rustix::io::ioctl_fionread(self.descriptor).unwrap_or(0) as i32;
        u64::try_from(bytes).unwrap_or(0)
    }
}

/// Waits until one of the handles is ready, but no longer than `timeout`.
pub fn wait(
    handles: &[(Handle<'_>, Direction)],
    timeout: Option<Duration>,
) -> io::Result<Vec<Readiness>> {
    // The system refuses more descriptors than may be open at a time, so each is in the list once.
    let mut polled: Vec<PollFd<'_>> = Vec::new();
    let mut wanted: Vec<PollFlags> = Vec::new();
    let mut places = HashMap::new();
    for (handle, direction) in handles {
        let place = *places.entry(handle.descriptor.as_raw_fd()).or_insert_with(|| {
            polled.push(PollFd::from_borrowed_fd(handle.descriptor, PollFlags::empty()));
            wanted.push(PollFlags::empty());
            polled.len() - 1
        });
        wanted[place] |= events(*direction);
        polled[place] = PollFd::from_borrowed_fd(handle.descriptor, wanted[place]);
    }
    // A time that cannot be expressed is far enough away to be never.
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(&mut polled, timeout.as_ref()) {
        // The caller looks at its clocks and comes back.
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let readiness = |(handle, direction): &(Handle<'_>, Direction)| {
        let events_now = polled[places[&handle.descriptor.as_raw_fd()]].revents();
        let over = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let ready = events_now.intersects(events(*direction) | over);
        let bytes = match direction {
            Direction::Read if ready => handle.readable_bytes(),
            _ => 0,
        };
        let hangup = events_now.intersects(PollFlags::HUP | own::NOTHING_MORE | PollFlags::ERR);
        Readiness { ready, hangup, bytes }
    };
    Ok(handles.iter().map(readiness).collect())
}

fn events(direction: Direction) -> PollFlags {
    match direction {
        // That a connection's other end sends nothing more is no event of its own.
        Direction::Read => PollFlags::IN | own::NOTHING_MORE,
        Direction::Write => PollFlags::OUT,
    }
}

/// Whether reading or writing would not wait.
pub fn is_ready(handle: Handle<'_>, direction: Direction) -> io::Result<bool> {
    Ok(wait(&[(handle, direction)], Some(Duration::ZERO))?.iter().any(|found| found.ready))
}
