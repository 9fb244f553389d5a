//! Waiting for files, streams and sockets.
//!
//! The system waits for sockets; for what is read by way of `ahead`, threads do. Whoever wants both looks at one and then
//! at the other. Files are always ready, and so is everything that is written but sockets: the system knows of no pipe
//! whether it has room.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawSocket, BorrowedSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::ahead::{self, Ahead};
use crate::host::readiness::{Direction, Readiness};

/// How long one kind of things is waited for before the other is looked at, if there are both.
const TURN: Duration = Duration::from_millis(5);

/// The longest time that the system can wait.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// Something that can be waited for.
#[derive(Clone, Copy, Debug)]
pub enum Handle<'a> {
    /// A socket.
    Socket(BorrowedSocket<'a>),
    /// Something that is read.
    Ahead(&'a Arc<Ahead>),
    /// Something that is always ready.
    Ready,
}

impl<'a> Handle<'a> {
    /// Of a file.
    pub fn of_file(_file: &'a File) -> Handle<'a> {
        Handle::Ready
    }
}

/// Waits until one of the handles is ready, but no longer than `timeout`.
pub fn wait(
    handles: &[(Handle<'_>, Direction)],
    timeout: Option<Duration>,
) -> io::Result<Vec<Readiness>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let has_sockets = handles.iter().any(|(handle, _)| matches!(handle, Handle::Socket(_)));
    let has_readers = handles.iter().any(|it| matches!(it, (Handle::Ahead(_), Direction::Read)));
    loop {
        // Before looking: what happens from here on is not missed.
        let events = ahead::events();
        let mut found = Vec::with_capacity(handles.len());
        for handle in handles {
            found.push(look(handle)?);
        }
        let is_over = found.iter().any(|found| found.ready);
        let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let rest = if is_over { Some(Duration::ZERO) } else { rest };
        if has_sockets {
            let turn = if has_readers { TURN } else { LONGEST };
            wait_for_sockets(handles, rest.unwrap_or(turn).min(turn), &mut found)?;
        } else if !is_over && rest != Some(Duration::ZERO) {
            match has_readers {
                true => ahead::wait(events, rest),
                // With nothing to happen, a time that never comes is a deadlock of the guest's own.
                false => std::thread::sleep(rest.unwrap_or(LONGEST)),
            }
        }
        if found.iter().any(|found| found.ready) || rest == Some(Duration::ZERO) {
            return Ok(found);
        }
    }
}

/// What is known without waiting, of what is no socket.
fn look((handle, direction): &(Handle<'_>, Direction)) -> io::Result<Readiness> {
    match (handle, direction) {
        (Handle::Socket(_), _) => Ok(Readiness::default()),
        (Handle::Ahead(ahead), Direction::Read) => {
            Ok(ahead::look(ahead)?.map_or(Readiness::default(), |found| Readiness {
                ready: true,
                hangup: found.hangup,
                bytes: found.bytes,
            }))
        }
        (Handle::Ahead(_) | Handle::Ready, _) => {
            Ok(Readiness { ready: true, hangup: false, bytes: 0 })
        }
    }
}

/// Waits until one of the sockets is ready, but no longer than `timeout`, and notes what was found.
fn wait_for_sockets(
    handles: &[(Handle<'_>, Direction)],
    timeout: Duration,
    found: &mut [Readiness],
) -> io::Result<()> {
    let mut polled: Vec<PollFd<'_>> = Vec::new();
    let mut wanted: Vec<PollFlags> = Vec::new();
    let mut places = HashMap::new();
    for (handle, direction) in handles {
        let Handle::Socket(socket) = handle else { continue };
        let place = *places.entry(socket.as_raw_socket()).or_insert_with(|| {
            polled.push(PollFd::from_borrowed_fd(*socket, PollFlags::empty()));
            wanted.push(PollFlags::empty());
            polled.len() - 1
        });
        wanted[place] |= events(*direction);
        polled[place] = PollFd::from_borrowed_fd(*socket, wanted[place]);
    }
    let timeout = Timespec::try_from(timeout).ok();
    match rustix::event::poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    for ((handle, direction), found) in handles.iter().zip(found) {
        let Handle::Socket(socket) = handle else { continue };
        let events_now = polled[places[&socket.as_raw_socket()]].revents();
        let over = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        found.ready = events_now.intersects(events(*direction) | over);
        found.hangup = events_now.intersects(PollFlags::HUP | PollFlags::ERR);
        if found.ready && *direction == Direction::Read {
            found.bytes = rustix::io::ioctl_fionread(socket).unwrap_or(0);
        }
    }
    Ok(())
}

fn events(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    }
}

/// Whether reading or writing would not wait.
pub fn is_ready(handle: Handle<'_>, direction: Direction) -> io::Result<bool> {
    Ok(wait(&[(handle, direction)], Some(Duration::ZERO))?.iter().any(|found| found.ready))
}
