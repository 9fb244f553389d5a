//! Reading before somebody wants to read. The system tells of files and sockets whether there is something to read, but not
//! of pipes and consoles, of which it only knows how to wait.
//!
//! In: something that is read. Out: whether there is something, found out by a thread that reads; and the bytes, in their
//! order. A thread reads only after somebody has asked, and only once: what nobody waits for is read directly.
//!
//! Always true: while a thread reads, nobody else does.

use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::host::again;

/// How much is read at most before somebody wants it.
const BYTES: usize = 1 << 16;

/// How long whoever asks waits for a thread that has just begun: long enough for it to read what is there already.
const START: Duration = Duration::from_millis(20);

/// What is read.
#[derive(Debug)]
pub enum Source {
    /// The standard input of this process, by way of the standard library, which knows consoles.
    Standard,
    /// A pipe, a console, or whatever else can be read.
    File(File),
}

impl Source {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        again(|| match self {
            Source::Standard => io::stdin().read(buffer),
            Source::File(file) => (&mut &*file).read(buffer),
        })
    }
}

/// Something that is read, and what was read of it before somebody wanted it.
#[derive(Debug)]
pub struct Ahead {
    source: Source,
    state: Mutex<State>,
    /// A thread has read something.
    over: Condvar,
}

#[derive(Default, Debug)]
struct State {
    /// What was read, but for so many bytes that were taken.
    bytes: Vec<u8>,
    taken: usize,
    /// The end, or an error: comes behind the bytes.
    last: Option<io::Result<()>>,
    /// Whether a thread is reading.
    reading: bool,
}

impl State {
    fn found(&self) -> Option<Found> {
        let bytes = self.bytes.len() - self.taken;
        let hangup = self.last.as_ref().is_some_and(|last| last.is_ok());
        (bytes > 0 || self.last.is_some()).then_some(Found { bytes: bytes as u64, hangup })
    }
}

/// What there is.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// How many bytes.
    pub bytes: u64,
    /// Whether the end comes behind them.
    pub hangup: bool,
}

/// Counts how often any thread has read something, for those who wait for several.
static EVENTS: Mutex<u64> = Mutex::new(0);
static EVENT: Condvar = Condvar::new();

/// How often something was read so far.
pub fn events() -> u64 {
    *lock(&EVENTS)
}

/// Waits until something is read that is not counted in `seen` yet, but no longer than `timeout`.
pub fn wait(seen: u64, timeout: Option<Duration>) {
    let events = lock(&EVENTS);
    let unchanged = |events: &mut u64| *events == seen;
    match timeout {
        Some(timeout) => drop(EVENT.wait_timeout_while(events, timeout, unchanged)),
        None => drop(EVENT.wait_while(events, unchanged)),
    }
}

/// Locks; nobody panics meanwhile.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ahead {
    /// Of something of which nothing was read.
    pub const fn new(source: Source) -> Ahead {
        let state = State { bytes: Vec::new(), taken: 0, last: None, reading: false };
        Ahead { source, state: Mutex::new(state), over: Condvar::new() }
    }

    /// What is read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Reads what is there, and waits if there is nothing.
    pub fn read(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        while state.reading {
            state = self.over.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.taken < state.bytes.len() {
            let read = (&state.bytes[state.taken..]).read_vectored(buffers)?;
            state.taken += read;
            if state.taken == state.bytes.len() {
                (state.bytes, state.taken) = (Vec::new(), 0);
            }
            return Ok(read);
        }
        if let Some(last) = state.last.take() {
            return last.map(|()| 0);
        }
        drop(state);
        let buffer = buffers.iter_mut().find(|buffer| !buffer.is_empty());
        buffer.map_or(Ok(0), |buffer| self.source.read(buffer))
    }
}

/// What there is to read, if that is known. If not, it will be, and be an event.
pub fn look(ahead: &Arc<Ahead>) -> io::Result<Option<Found>> {
    let mut state = lock(&ahead.state);
    if state.reading || state.found().is_some() {
        return Ok(state.found());
    }
    let other = Arc::clone(ahead);
    std::thread::Builder::new().name("wasi-input".into()).spawn(move || other.read_ahead())?;
    state.reading = true;
    let end = Instant::now() + START;
    while state.reading {
        let Some(rest) = end.checked_duration_since(Instant::now()) else { break };
        state = ahead.over.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
    }
    Ok(state.found())
}

impl Ahead {
    /// What the thread does.
    fn read_ahead(&self) {
        let mut bytes = vec![0; BYTES];
        let result = self.source.read(&mut bytes);
        let mut state = lock(&self.state);
        match result {
            Ok(0) => state.last = Some(Ok(())),
            Ok(read) => {
                bytes.truncate(read);
                (state.bytes, state.taken) = (bytes, 0);
            }
            Err(error) => state.last = Some(Err(error)),
        }
        state.reading = false;
        drop(state);
        self.over.notify_all();
        *lock(&EVENTS) += 1;
        EVENT.notify_all();
    }
}
