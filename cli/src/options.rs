//! Options of all commands that compile.

use clap::Args;
use wootz_compiler::{CpuFeature, OptLevel, Options, TargetCpu};

/// How to make code.
#[derive(Args, Debug)]
#[command(next_help_heading = "Code")]
pub struct CodeOptions {
    /// How much to optimise: none, speed, or speed-and-size
    #[arg(short = 'O', value_name = "LEVEL", default_value = "speed")]
    opt_level: OptLevel,

    /// Compile for one CPU and its successors: native (this one), x86-64-v2, x86-64-v3, haswell, znver4, ...
    ///
    /// If nothing is said, what is compiled into a file runs on all but very old CPUs, and what is compiled in memory
    /// only on this one.
    #[arg(long, value_name = "CPU")]
    target_cpu: Option<TargetCpu>,

    /// Use or avoid single CPU features, such as +avx2,-bmi1
    #[arg(
        long = "cpu-feature",
        value_name = "FEATURES",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    cpu_features: Vec<CpuFeature>,

    /// Let the code generator check its own work (slow)
    #[arg(long)]
    verify: bool,

    /// How many threads compile; one for each processor if nothing is said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

impl CodeOptions {
    /// The compiler's options.
    pub fn options(&self, default_cpu: TargetCpu) -> Options {
        Options {
            cpu: self.target_cpu.clone().unwrap_or(default_cpu),
            cpu_features: self.cpu_features.clone(),
            opt_level: self.opt_level,
            verifier: self.verify,
            threads: self.threads.map(usize::from),
            ..Options::default()
        }
    }
}
