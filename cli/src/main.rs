//! The program `wootz`.

fn main() -> std::process::ExitCode {
    wootz_cli::main()
}
