//! Machines on which no trap is a call.

/// Where such calls go.
pub const TRAP_CALL: Option<unsafe extern "C" fn()> = None;
