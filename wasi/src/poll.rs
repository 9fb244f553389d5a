//! `poll_oneoff`: waits until one of several things has happened, and tells which ones have.

use std::time::Duration;

use crate::clock;
use crate::ctx::WasiCtx;
use crate::descriptor::Kind;
use crate::errno::{Errno, Result};
use crate::flags::Rights;
use crate::host::readiness::Direction;
use crate::host::wait::{self, Handle};
use crate::memory::GuestMemory;
use crate::types::{Awaited, Clock, Event, Snapshot, Subscription};

/// How many things can be waited for at once. Operating systems have such a limit, too.
const MAX_SUBSCRIPTIONS: u32 = 1 << 16;

/// What a subscription still has to wait for.
#[derive(Clone, Copy)]
enum Wait<'a> {
    /// Nothing: this is the event.
    Over(Event),
    /// A time of one of the guest's clocks.
    Until(Clock, u64),
    /// Something that is read or written; and how many bytes of it there are, if that is known.
    Handle(Handle<'a>, Direction, Option<u64>),
}

pub fn oneoff(
    ctx: &mut WasiCtx,
    memory: &mut GuestMemory<'_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    result: u32,
    snapshot: Snapshot,
) -> Result<()> {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval);
    }
    memory.check(events, count * Event::SIZE)?;
    memory.check(result, 4)?;
    let size = Subscription::size(snapshot);
    let waits: Vec<_> = memory
        .records(subscriptions, count, size)?
        .chunks_exact(size as usize)
        .map(|record| {
            Subscription::from_bytes(record, snapshot).map(|what| (what, wait(ctx, what)))
        })
        .collect::<Result<_>>()?;
    let happened = loop {
        let happened = look(ctx, &waits)?;
        if !happened.is_empty() {
            break happened;
        }
    };
    let records: Vec<u8> = happened.iter().flat_map(|event| event.to_bytes()).collect();
    memory.write(events, &records)?;
    memory.write_u32(result, happened.len() as u32)
}

/// What a subscription has to wait for.
fn wait(ctx: &WasiCtx, subscription: Subscription) -> Wait<'_> {
    let over = |error, bytes| Wait::Over(Event { subscription, error, bytes, hangup: false });
    let (fd, direction) = match subscription.what {
        Awaited::Clock { clock: Clock::ProcessCpuTime | Clock::ThreadCpuTime, .. } => {
            return over(Some(Errno::Notsup), 0);
        }
        Awaited::Clock { clock, timeout, absolute: true } => return Wait::Until(clock, timeout),
        Awaited::Clock { clock, timeout, absolute: false } => {
            return Wait::Until(clock, clock::now(ctx, clock).saturating_add(timeout));
        }
        Awaited::Read(fd) => (fd, Direction::Read),
        Awaited::Write(fd) => (fd, Direction::Write),
    };
    let right = match direction {
        Direction::Read => Rights::FD_READ,
        Direction::Write => Rights::FD_WRITE,
    };
    let descriptor = match ctx.table.get(fd) {
        Ok(descriptor) => descriptor,
        Err(error) => return over(Some(error), 0),
    };
    match descriptor.kind {
        Kind::Input(_) if direction == Direction::Read => {}
        Kind::Output(_) if direction == Direction::Write => {}
        Kind::Input(_) | Kind::Output(_) | Kind::Directory(_) => {
            return over(Some(Errno::Badf), 0);
        }
        Kind::File(_) | Kind::Listener(_) | Kind::Connection(_) => {}
    }
    if let Err(error) = descriptor.require(Rights::POLL_FD_READWRITE | right) {
        return over(Some(error), 0);
    }
    match descriptor.handle() {
        Some(handle) => {
            let bytes = match &descriptor.kind {
                Kind::File(file) if direction == Direction::Read => file.remaining(),
                _ => None,
            };
            Wait::Handle(handle, direction, bytes)
        }
        None => over(None, 1),
    }
}

/// Waits until something may have happened, and says what has.
fn look(ctx: &WasiCtx, waits: &[(Subscription, Wait<'_>)]) -> Result<Vec<Event>> {
    let remaining = |wait: &Wait<'_>| match *wait {
        Wait::Over(_) => Some(0),
        Wait::Until(clock, time) => Some(time.saturating_sub(clock::now(ctx, clock))),
        Wait::Handle(..) => None,
    };
    let timeout =
        waits.iter().filter_map(|(_, wait)| remaining(wait)).min().map(Duration::from_nanos);
    let handles: Vec<_> = waits
        .iter()
        .filter_map(|(_, wait)| match *wait {
            Wait::Handle(handle, direction, _) => Some((handle, direction)),
            _ => None,
        })
        .collect();
    let mut found = wait::wait(&handles, timeout)?.into_iter();
    let mut happened = Vec::new();
    for &(subscription, wait) in waits {
        let event = |bytes, hangup| Event { subscription, error: None, bytes, hangup };
        match wait {
            Wait::Over(event) => happened.push(event),
            Wait::Until(..) if remaining(&wait) == Some(0) => happened.push(event(0, false)),
            Wait::Until(..) => {}
            Wait::Handle(_, _, bytes) => {
                let found = found.next().unwrap_or_default();
                if found.ready {
                    happened.push(event(bytes.unwrap_or(found.bytes.max(1)), found.hangup));
                }
            }
        }
    }
    Ok(happened)
}
