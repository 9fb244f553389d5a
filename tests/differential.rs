//! A second of comparing Wootz on generated modules with an interpreter, and with itself with other settings: same results,
//! same traps, same memories, globals and tables afterwards. `fuzz/` does it for hours.
//!
//! With epochs, the host collects host values at many checks, while only guests refer to them: what a collection does not
//! find is missed by the comparison.
//!
//! `WOOTZ_SEED=N` repeats one module, `WOOTZ_SECONDS=N` goes on for longer.

use std::time::{Duration, Instant};

use wootz_tests::differential::random::Random;
use wootz_tests::differential::{Comparison, Peer};

/// How many bytes of randomness a module is made of.
const ENTROPY_BYTES: usize = 4096;

#[test]
fn generated_modules_do_the_same_as_in_an_interpreter() {
    compare(Peer::Wasmi);
}

#[test]
fn generated_modules_do_the_same_with_all_settings() {
    compare(Peer::Settings);
}

fn compare(peer: Peer) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("WOOTZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..u64::MAX,
    };
    let end = Instant::now() + Duration::from_secs(number("WOOTZ_SECONDS").unwrap_or(1));
    let mut comparison = Comparison::new(peer);
    for seed in seeds {
        if let Err(difference) = comparison.run(&Random::new(seed).bytes(ENTROPY_BYTES)) {
            panic!("WOOTZ_SEED={seed}: {difference}");
        }
        if Instant::now() > end {
            break;
        }
    }
    println!("{}", comparison.counts());
    assert!(comparison.counts().modules > 0);
}
