//! The one question that is asked of the environment, because users of wasmtime expect it.

/// Whether `WASMTIME_BACKTRACE_DETAILS` is `1`.
pub fn wants_backtrace_details() -> bool {
    std::env::var_os("WASMTIME_BACKTRACE_DETAILS").is_some_and(|value| value == "1")
}
