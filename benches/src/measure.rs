//! The clock, taking turns, and what is made of many measurements.
//!
//! In: sides that can do the same work. Out: the user time each took, round by round, and ratios of them.
//!
//! Always true: within a round all sides run, one after the other, so a machine that drifts does so for all of them;
//! ratios are taken within rounds; what any two sides find is the same.

use anyhow::Result;
use serde::Serialize;

/// One that takes part: its name, and what runs it once and gives seconds of user time and what was found.
pub struct Side<T> {
    pub name: &'static str,
    pub run: Box<dyn FnMut() -> Result<(f64, T)>>,
}

/// What a side took, and how the first side compares with it.
#[derive(Serialize, Clone)]
pub struct Timing {
    pub side: &'static str,
    /// The median.
    pub seconds: f64,
    /// What the first side took by what this one took: the median of the rounds.
    pub ratio: f64,
    /// Half of the distance between the quartiles of the ratio.
    pub noise: f64,
}

/// The user time of a side, by round.
pub type Rounds = Vec<f64>;

/// Runs all sides so many times by turns, after a round that warms up, and gives their times in the order of the sides.
pub fn by_turns<T: PartialEq + std::fmt::Debug>(
    what: &str,
    rounds: usize,
    sides: &mut [Side<T>],
) -> Result<Vec<Rounds>> {
    let mut times = vec![Rounds::new(); sides.len()];
    for round in 0..=rounds {
        let mut earlier: Vec<(&str, T)> = Vec::new();
        // To and fro, so that nobody always follows the same one.
        let mut order: Vec<usize> = (0..sides.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let side = &mut sides[at];
            let (time, found) = (side.run)()?;
            let name = side.name;
            for (other, theirs) in &earlier {
                anyhow::ensure!(
                    found == *theirs,
                    "{what}: {name} finds {found:?}, {other} {theirs:?}"
                );
            }
            earlier.push((name, found));
            if round > 0 {
                times[at].push(time);
            }
        }
    }
    Ok(times)
}

/// The times of sides, as compared with the first.
pub fn timings<T>(sides: &[Side<T>], times: &[Rounds]) -> Vec<Timing> {
    let timing = |(side, own): (&Side<T>, &Rounds)| {
        let ratio = Ratio::of(&times[0], own);
        Timing {
            side: side.name,
            seconds: median(own.clone()),
            ratio: ratio.median,
            noise: ratio.noise,
        }
    };
    sides.iter().zip(times).map(timing).collect()
}

/// How two sides compare.
#[derive(Serialize, Clone, Copy)]
pub struct Ratio {
    pub median: f64,
    pub noise: f64,
}

impl Ratio {
    /// Of what was measured in the same rounds.
    pub fn of(these: &[f64], those: &[f64]) -> Ratio {
        let ratios: Vec<f64> = these.iter().zip(those).map(|(this, that)| this / that).collect();
        let noise = (quantile(&ratios, 0.75) - quantile(&ratios, 0.25)) / 2.0;
        Ratio { median: quantile(&ratios, 0.5), noise }
    }
}

/// The user time that this thread spends on something, in seconds.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let before = user_seconds();
    let result = work()?;
    Ok((user_seconds() - before, result))
}

/// The user time of this thread so far.
pub fn user_seconds() -> f64 {
    // SAFETY: the structure is plain data, and the call fills it.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        usage
    };
    user_seconds_of(&usage)
}

/// The user time that the system tells of.
pub fn user_seconds_of(usage: &libc::rusage) -> f64 {
    usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 * 1e-6
}

pub fn median(values: Vec<f64>) -> f64 {
    quantile(&values, 0.5)
}

/// The value below which a part of the values lies, between two of them if need be.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = part * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// One, if there are none.
pub fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len().max(1) as f64).exp()
}
