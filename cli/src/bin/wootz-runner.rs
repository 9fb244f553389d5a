//! The program that programs of their own are made of.

fn main() -> std::process::ExitCode {
    wootz_cli::runner::main()
}
