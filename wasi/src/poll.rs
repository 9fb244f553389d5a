//! `poll_oneoff`: waits until one of several things has happened, and tells which ones have.

use std::time::Duration;

use crate::clock;
use crate::ctx::{Kind, WasiCtx};
use crate::errno::{Errno, Result};
use crate::host::{self, Readiness, Standard};
use crate::memory::GuestMemory;
use crate::types::{Awaited, Clock, Event, Snapshot, Subscription};

/// How many things can be waited for at once. Operating systems have such a limit, too.
const MAX_SUBSCRIPTIONS: u32 = 1 << 16;

/// What a subscription still has to wait for.
#[derive(Clone, Copy)]
enum Wait {
    /// Nothing: this is the event.
    Over(Event),
    /// A time of one of the guest's clocks.
    Until(Clock, u64),
    /// A standard stream of this process.
    Stream(Standard),
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
    memory.slice(events, count * Event::SIZE)?;
    memory.slice(result, 4)?;
    let waits: Vec<_> = memory
        .records(subscriptions, count, Subscription::size(snapshot))?
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
    let mut at = events;
    for event in &happened {
        memory.write(at, &event.to_bytes())?;
        // Cannot overflow: the room for all events was checked.
        at = at.wrapping_add(Event::SIZE);
    }
    memory.write_u32(result, happened.len() as u32)
}

/// What a subscription has to wait for.
fn wait(ctx: &mut WasiCtx, subscription: Subscription) -> Wait {
    let failed =
        |error| Wait::Over(Event { subscription, error: Some(error), bytes: 0, hangup: false });
    match subscription.what {
        Awaited::Clock { clock: Clock::ProcessCpuTime | Clock::ThreadCpuTime, .. } => {
            failed(Errno::Notsup)
        }
        Awaited::Clock { clock, timeout, absolute: true } => Wait::Until(clock, timeout),
        Awaited::Clock { clock, timeout, absolute: false } => {
            Wait::Until(clock, clock::now(ctx, clock).saturating_add(timeout))
        }
        Awaited::Read(fd) | Awaited::Write(fd) => {
            let reading = matches!(subscription.what, Awaited::Read(_));
            match ctx.descriptor(fd) {
                Ok(descriptor) if matches!(descriptor.kind, Kind::Input(_)) == reading => {
                    match descriptor.host() {
                        Some(stream) => Wait::Stream(stream),
                        None => {
                            Wait::Over(Event { subscription, error: None, bytes: 1, hangup: false })
                        }
                    }
                }
                _ => failed(Errno::Badf),
            }
        }
    }
}

/// Waits until something may have happened, and says what has.
fn look(ctx: &WasiCtx, waits: &[(Subscription, Wait)]) -> Result<Vec<Event>> {
    let remaining = |wait: &Wait| match *wait {
        Wait::Over(_) => Some(0),
        Wait::Until(clock, time) => Some(time.saturating_sub(clock::now(ctx, clock))),
        Wait::Stream(_) => None,
    };
    let timeout =
        waits.iter().filter_map(|(_, wait)| remaining(wait)).min().map(Duration::from_nanos);
    let mut streams = Vec::new();
    for (_, wait) in waits {
        if let Wait::Stream(stream) = wait
            && !streams.contains(stream)
        {
            streams.push(*stream);
        }
    }
    let ready = host::wait(&streams, timeout)?;
    let readiness = |stream: Standard| {
        streams
            .iter()
            .zip(&ready)
            .find(|(known, _)| **known == stream)
            .map_or(Readiness::default(), |(_, ready)| *ready)
    };
    let event = |(subscription, wait): &(Subscription, Wait)| match *wait {
        Wait::Over(event) => Some(event),
        Wait::Until(..) => (remaining(wait) == Some(0)).then_some(Event {
            subscription: *subscription,
            error: None,
            bytes: 0,
            hangup: false,
        }),
        Wait::Stream(stream) => {
            let Readiness { ready, hangup } = readiness(stream);
            ready.then_some(Event { subscription: *subscription, error: None, bytes: 1, hangup })
        }
    };
    Ok(waits.iter().filter_map(event).collect())
}
