//! The runner, of which `wootz compile --emit exe` makes programs, as the tests use it.

fn main() -> std::process::ExitCode {
    wootz_cli::runner::main()
}
