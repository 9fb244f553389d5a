//! The program `wootz`.

use clap::Parser;

fn main() -> std::process::ExitCode {
    wootz_cli::CommandLine::parse().execute()
}
