//! How guests end that do not return.
//!
//! In: an error. Out: what is said about it, and the program's exit code.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Error, Result};
use wootz::{Trap, UnknownImportError, WasmBacktrace};
use wootz_wasi::I32Exit;

use super::modules::Preload;
use crate::{files, report};

/// How a guest ended that did not return.
pub struct Ended<'a> {
    /// Its file.
    pub file: &'a Path,
    /// How many modules were made ready before it.
    pub position: usize,
    /// What ended it.
    pub error: Error,
}

/// What explains how guests end.
pub struct Told<'a> {
    /// The modules that were to be made ready.
    pub preloads: &'a [Preload],
    /// What to say of guests whose time is over, if it is.
    pub is_over: Option<&'a str>,
}

impl Ended<'_> {
    /// Tells how the guest ended, unless it wanted to. Returns the program's exit code.
    ///
    /// # Errors
    /// If it could not even be run.
    pub fn tell(self, told: Told<'_>) -> Result<ExitCode> {
        let Ended { file, position, error } = self;
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            // Like for all programs, the system keeps the lowest bits.
            return Ok(ExitCode::from(exit.0 as u8));
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            let name = files::name(file);
            let what = match (trap, told.is_over) {
                (Trap::Interrupt, Some(message)) => message.to_string(),
                (Trap::OutOfFuel, _) => format!("{name} was stopped: its fuel was used up"),
                _ => format!("{name} trapped"),
            };
            report::show(&error.context(what));
            return Ok(ExitCode::from(report::TRAPPED));
        }
        if error.is::<WasmBacktrace>() {
            // It ran, and called a function that failed.
            report::show(&error.context(format!("{} was stopped", files::name(file))));
            return Ok(ExitCode::from(report::TRAPPED));
        }
        if let Some(unknown) = error.downcast_ref::<UnknownImportError>() {
            let name = unknown.module().to_string();
            let (before, behind) = told.preloads.split_at(position);
            let is_in = |preloads: &[Preload]| preloads.iter().any(|preload| preload.name == name);
            let hint = if is_in(before) || name.starts_with("wasi_") {
                String::new()
            } else if is_in(behind) {
                format!(" before `{name}`: `--preload {name}=...` comes first")
            } else {
                format!(" without `{name}`: `--preload {name}=FILE` says which module that is")
            };
            return Err(error.context(cannot_run(file) + &hint));
        }
        Err(error.context(cannot_run(file)))
    }
}

/// The beginning of a message about a guest that could not be run.
pub fn cannot_run(file: &Path) -> String {
    format!("cannot run {}", files::name(file))
}
