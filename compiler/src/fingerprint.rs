//! What distinguishes the files that a module may become, apart from the module itself.
//!
//! In: the options. Out: 32 bytes, the same for the same compiler, options and, if the options say "for this machine",
//! kind of machine. Caches find files by them.
//!
//! Always true: options that may lead to different files have different fingerprints. What an option means is decided
//! before it is looked at: naming a CPU is the same as being on one.

use sha2::{Digest, Sha256};
use wootz_runtime::abi::ABI_VERSION;

use crate::VERSION;
use crate::error::Result;
use crate::options::{Emit, Options};
use crate::target;

/// The SHA-256 of the compiler and of everything in the options that files depend on.
///
/// # Errors
/// If the options contradict each other or ask for something unknown.
pub fn fingerprint(options: &Options) -> Result<[u8; 32]> {
    // Without `..`, so that who adds an option has to say here whether files depend on it.
    let Options {
        // These are looked at as what they mean: the settings of the code generator.
        target: _,
        cpu: _,
        cpu_features: _,
        opt_level: _,
        verifier: _,
        nan_canonicalization: _,
        cranelift_flags: _,
        // Files are the same with any number of threads.
        threads: _,
        skipped,
        features,
        emit,
        prefix,
        memory_reservation,
        memory_guard,
        consume_fuel,
        epoch_interruption,
        relaxed_simd_deterministic,
        symbols,
        unwind_info,
        address_map,
        backtrace_details,
        debug_info,
    } = options;
    let target = target::lookup(options)?;
    let mut sum = Sum(Sha256::new());
    sum.add("compiler", VERSION);
    sum.add("sources", env!("WOOTZ_SOURCES"));
    sum.add("code generator", cranelift_codegen::VERSION);
    sum.add("abi", &ABI_VERSION.to_string());
    sum.add("target", &target.triple().to_string());
    sum.add("function alignment", &target.function_alignment.to_string());
    let flags = target.isa.flags().iter().chain(target.isa.isa_flags());
    for flag in flags {
        sum.add(flag.name, &flag.value_string());
    }
    for feature in features.iter() {
        sum.add("feature", feature);
    }
    for optimisation in skipped {
        sum.add("without", optimisation.name());
    }
    sum.add(
        "emit",
        match emit {
            Emit::SharedLibrary => "shared library",
            Emit::Object => "object",
            Emit::Archive => "archive",
        },
    );
    if let Some(prefix) = prefix {
        sum.add("prefix", prefix);
    }
    sum.add("memory reservation", &memory_reservation.to_string());
    sum.add("memory guard", &memory_guard.to_string());
    sum.add("fuel", &consume_fuel.to_string());
    sum.add("epochs", &epoch_interruption.to_string());
    sum.add("deterministic relaxed simd", &relaxed_simd_deterministic.to_string());
    sum.add("symbols", &symbols.to_string());
    sum.add("unwind info", &unwind_info.to_string());
    sum.add("address map", &format!("{address_map:?}"));
    sum.add("backtrace details", &backtrace_details.to_string());
    sum.add("debug info", &format!("{debug_info:?}"));
    Ok(sum.0.finalize().into())
}

/// A growing list of names and values.
struct Sum(Sha256);

impl Sum {
    fn add(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            // With the length first, no two lists are the same row of bytes.
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::options::{AddressMap, OptLevel, Optimisation, TargetCpu};

    fn of(change: impl FnOnce(&mut Options)) -> [u8; 32] {
        let mut options = Options::default();
        change(&mut options);
        fingerprint(&options).unwrap()
    }

    #[test]
    fn each_option_that_matters_makes_a_difference() {
        let mut seen = HashMap::new();
        for (name, found) in [
            ("nothing", of(|_| ())),
            ("cpu", of(|options| options.cpu = TargetCpu::Named("x86-64-v3".into()))),
            ("cpu_features", of(|options| options.cpu_features = vec!["+avx".parse().unwrap()])),
            ("opt_level none", of(|options| options.opt_level = OptLevel::None)),
            ("opt_level size", of(|options| options.opt_level = OptLevel::SpeedAndSize)),
            ("skipped", of(|options| _ = options.skipped.insert(Optimisation::Products))),
            ("features", of(|options| options.features.set("multi-value", false).unwrap())),
            ("emit", of(|options| options.emit = Emit::Object)),
            ("emit archive", of(|options| options.emit = Emit::Archive)),
            ("target", of(|options| options.target = Some("aarch64-linux".into()))),
            ("prefix", of(|options| options.prefix = Some("a".into()))),
            ("another prefix", of(|options| options.prefix = Some("b".into()))),
            ("memory_reservation", of(|options| options.memory_reservation = 1 << 20)),
            ("memory_guard", of(|options| options.memory_guard = 1 << 20)),
            ("consume_fuel", of(|options| options.consume_fuel = true)),
            ("epoch_interruption", of(|options| options.epoch_interruption = true)),
            ("relaxed_simd_deterministic", of(|options| options.relaxed_simd_deterministic = true)),
            ("symbols", of(|options| options.symbols = false)),
            ("unwind_info", of(|options| options.unwind_info = false)),
            ("address_map", of(|options| options.address_map = AddressMap::None)),
            ("backtrace_details", of(|options| options.backtrace_details = false)),
            ("verifier", of(|options| options.verifier = true)),
            ("nan_canonicalization", of(|options| options.nan_canonicalization = true)),
            (
                "cranelift_flags",
                of(|options| {
                    options.cranelift_flags = vec![("enable_alias_analysis".into(), "false".into())]
                }),
            ),
        ] {
            if let Some(other) = seen.insert(found, name) {
                panic!("{name} and {other} have the same fingerprint");
            }
        }
        let without_memory_guard = of(|options| {
            (options.memory_reservation, options.memory_guard) = (32 << 20, 4 << 30);
        });
        assert!(!seen.contains_key(&without_memory_guard));
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let default = of(|_| ());
        assert_eq!(default, of(|options| options.threads = Some(1)));
        assert_eq!(default, of(|options| options.cpu = TargetCpu::Named("x86-64-v2".into())));
        assert_eq!(default, of(|options| options.target = Some(target_lexicon::HOST.to_string())));
        let on = |name: &str| of(|options| options.target = Some(name.to_string()));
        assert_eq!(on("aarch64-unknown-linux-gnu"), on("arm64-linux-musl"));
        assert_eq!(on("x86_64-pc-windows-msvc"), on("win64"));
    }

    #[test]
    fn unknown_options_are_an_error() {
        let options = Options { cpu: TargetCpu::Named("z80".into()), ..Options::default() };
        assert!(fingerprint(&options).unwrap_err().to_string().contains("`z80`"));
    }
}
