//! The program `wootz`, as the tests run it.

fn main() -> std::process::ExitCode {
    wootz_cli::main()
}
