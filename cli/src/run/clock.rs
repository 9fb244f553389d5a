//! `--timeout`: a guest runs for so long, and no longer.
//!
//! In: an engine and a duration. Out: a [`Clock`], which ends the epoch when the time is over: a guest that runs traps. One
//! that is in a host function, asleep or waiting for input, would come to that only when it returns. So a little later the
//! clock ends the process itself, with the same words and the same exit code.
//!
//! Always true: how the guest ended is told once, by its own thread or by the clock.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use humantime::format_duration;
use wootz::Engine;

use crate::{files, report};

/// How long a guest has to come out of a host function: more than any of them takes that does not wait.
const GRACE: Duration = Duration::from_millis(200);

/// The epoch in which guests of a clock trap, counted from now.
pub const DEADLINE: u64 = 1;

/// Counts the time of a guest.
pub struct Clock {
    /// What is said when the time is over.
    message: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The time is over.
    is_over: AtomicBool,
    /// Somebody tells how the guest ended.
    is_told: AtomicBool,
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
        let run = move || {
            thread::sleep(limit);
            shared.is_over.store(true, Ordering::SeqCst);
            engine.increment_epoch();
            thread::sleep(GRACE);
            if !shared.is_told.swap(true, Ordering::SeqCst) {
                report::show(&anyhow!(message));
                std::process::exit(report::TRAPPED.into());
            }
        };
        let thread = thread::Builder::new().name("clock".to_string()).spawn(run);
        thread.context("cannot count the time")?;
        Ok(clock)
    }

    /// The guest has ended: from here on, its own thread tells how. Returns what to say if the time is over.
    pub fn stop(&self) -> Option<&str> {
        if self.shared.is_told.swap(true, Ordering::SeqCst) {
            // The clock is about to end the process.
            loop {
                thread::park();
            }
        }
        self.shared.is_over.load(Ordering::SeqCst).then_some(self.message.as_str())
    }
}
