//! What the targets share: a comparison that goes on until the process ends, and then says what it has compared.

use std::cell::RefCell;

use wootz_tests::differential::{Comparison, Peer};

thread_local! {
    /// Dropped when the fuzzer, which calls targets on the main thread, leaves the process.
    static COMPARISON: RefCell<Option<Reported>> = const { RefCell::new(None) };
}

struct Reported(Comparison);

impl Drop for Reported {
    fn drop(&mut self) {
        eprintln!("\n{}", self.0.counts());
    }
}

/// Makes everything ready. Before the fuzzer installs handlers of signals, which it does only where there are none.
pub fn begin(peer: Peer) {
    COMPARISON.set(Some(Reported(Comparison::new(peer))));
}

/// Compares one module that is made of these bytes.
///
/// # Panics
/// If the sides differ.
pub fn compare(bytes: &[u8]) {
    COMPARISON.with_borrow_mut(|comparison| {
        let comparison = comparison.as_mut().expect("the fuzzer has begun");
        if let Err(difference) = comparison.0.run(bytes) {
            panic!("{difference}");
        }
    });
}
