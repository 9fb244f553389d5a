//! `--timeout`: a guest runs for so long, and no longer.
//!
//! In: an engine and a duration. Out: a [`Clock`], which ends the epoch when the time is over: a guest that runs traps. One
//! that is in a host function, asleep or waiting for input, would come to that only when it returns. So a little later the
//! clock ends the process itself, with the same words and the same exit code.
//!
//! Always true: how the guest ended is told once, by its own thread or by the clock. Until that is done the clock goes on, and
//! it waits for nobody without end: not for the guest, and not for whoever should read standard error and does not.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use humantime::format_duration;
use wootz::Engine;

use crate::{files, report};

/// How long a guest has to come out of a host function: more than any of them takes that does not wait.
const GRACE: Duration = Duration::from_millis(200);

/// How long it may take after that to tell how the guest ended: more than it takes if anybody reads it, backtraces with the
/// lines of large sources included.
const TELLING: Duration = Duration::from_secs(1);

/// The epoch in which guests of a clock trap, counted from now.
pub const DEADLINE: u64 = 1;

/// Counts the time of a guest. It goes on if it is dropped.
pub struct Clock {
    /// What is said when the time is over.
    message: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    is_done: Condvar,
}

#[derive(Default)]
struct State {
    /// The time is over.
    is_over: bool,
    /// Somebody tells how the guest ended.
    is_told: bool,
    /// There is nothing more to tell.
    is_done: bool,
}

impl Clock {
    /// Begins to count. Modules of the engine must have been compiled for epochs, and their store have a [`DEADLINE`].
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(engine: &Engine, limit: Duration, file: &Path) -> Result<Clock> {
        let message = format!(
            "{} was stopped: the time limit of {} was reached",
            files::name(file),
            format_duration(limit)
        );
        let clock = Clock { message: message.clone(), shared: Arc::default() };
        let (engine, shared) = (engine.clone(), clock.shared.clone());
        spawn("clock", move || run(&engine, limit, message, &shared))
            .context("cannot count the time")?;
        Ok(clock)
    }

    /// The guest has ended: from here on, its own thread tells how. Returns what to say if the time is over.
    pub fn stop(&self) -> Option<&str> {
        let mut state = self.shared.state();
        if state.is_told {
            drop(state);
            // The clock is about to end the process.
            loop {
                thread::park();
            }
        }
        state.is_told = true;
        state.is_over.then_some(self.message.as_str())
    }

    /// There is nothing more to tell: the process ends by itself.
    pub fn disarm(self) {
        self.shared.done();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics in the middle of changing one of three truths.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) {
        self.state().is_done = true;
        self.is_done.notify_all();
    }

    /// Waits until there is nothing more to tell, or for so long. Returns whether there is nothing.
    fn wait(&self, most: Duration) -> bool {
        let waited = self.is_done.wait_timeout_while(self.state(), most, |state| !state.is_done);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_done
    }
}

/// What the clock's thread does.
fn run(engine: &Engine, limit: Duration, message: String, shared: &Arc<Shared>) {
    if shared.wait(limit) {
        return;
    }
    shared.state().is_over = true;
    engine.increment_epoch();
    if shared.wait(GRACE) {
        return;
    }
    let is_told = std::mem::replace(&mut shared.state().is_told, true);
    if is_told {
        if shared.wait(TELLING) {
            return;
        }
    } else {
        // Telling may take for ever, and so may printing of the guest's thread, whose lock this one then waits for.
        let telling = shared.clone();
        let tells = spawn("clock's message", move || {
            report::show(&anyhow!(message));
            telling.done();
        });
        if tells.is_ok() {
            shared.wait(TELLING);
        }
    }
    std::process::exit(report::TRAPPED.into());
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_string()).spawn(run).map(drop)
}
