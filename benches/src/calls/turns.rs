//! Taking turns, and the clock.
//!
//! In: the same subjects from both sides. Out: how long each takes. Always true: a run is long enough for the clock, and
//! neither side runs when the other one is measured.

use super::Figure;

/// How often each side has its turn.
const ROUNDS: usize = 11;

/// How long a run takes at least, in nanoseconds.
const RUN_NS: f64 = 4e6;

/// Something to be measured on one side.
pub struct Subject {
    name: String,
    bar: Option<f64>,
    /// Does it so many times.
    run: Box<dyn FnMut(u32)>,
}

impl Subject {
    /// Something that `run` does as often as it is told.
    pub fn new(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        run: impl FnMut(u32) + 'static,
    ) -> Subject {
        Subject { name: name.into(), bar: bar.into(), run: Box::new(run) }
    }

    /// As [`new`](Self::new), where `once` does it once.
    pub fn each(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        mut once: impl FnMut() + 'static,
    ) -> Subject {
        Subject::new(name, bar, move |times| (0..times).for_each(|_| once()))
    }

    /// How many times make a run. Warms up, too.
    fn times(&mut self) -> u32 {
        let mut times = 1;
        while times < 1 << 28 {
            let ns = self.ns(times) * f64::from(times);
            if ns >= RUN_NS {
                break;
            }
            times *= if ns < RUN_NS / 10.0 { 8 } else { 2 };
        }
        times
    }

    /// How many nanoseconds one of so many takes.
    fn ns(&mut self, times: u32) -> f64 {
        let before = thread_ns();
        (self.run)(times);
        (thread_ns() - before) / f64::from(times)
    }
}

/// Measures subjects of both sides, which are the same in the same order.
pub fn take_turns(ours: Vec<Subject>, theirs: Vec<Subject>) -> Vec<Figure> {
    ours.into_iter().zip(theirs).map(|(ours, theirs)| compare(ours, theirs)).collect()
}

fn compare(mut ours: Subject, mut theirs: Subject) -> Figure {
    assert_eq!(ours.name, theirs.name, "both sides have the same subjects");
    let times = (ours.times(), theirs.times());
    let (mut our_ns, mut their_ns) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_ns.push(ours.ns(times.0));
        their_ns.push(theirs.ns(times.1));
    }
    Figure { name: ours.name, ours_ns: median(our_ns), theirs_ns: median(their_ns), bar: ours.bar }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The processor time of this thread.
fn thread_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the structure.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
