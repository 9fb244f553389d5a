//! The program `wootz`, as the tests run it.

use clap::Parser;

fn main() -> std::process::ExitCode {
    wootz_cli::CommandLine::parse().execute()
}
