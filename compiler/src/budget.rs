//! How much work the debug information of a module may make, and what it means that it cannot be read.

/// Why a unit was not read.
#[derive(Debug)]
pub enum Fault {
    /// It is malformed, or uses something unknown.
    Malformed,
    /// Reading on would take too long.
    TooMuch,
}

impl From<gimli::Error> for Fault {
    fn from(_: gimli::Error) -> Fault {
        Fault::Malformed
    }
}

/// How many more steps may be taken. Real DWARF takes about one for each byte; made to do harm, it could say the same
/// thing again and again by reference.
pub struct Budget {
    steps: u64,
}

impl Budget {
    /// A number of steps.
    pub fn new(steps: u64) -> Budget {
        Budget { steps }
    }

    /// Takes some.
    ///
    /// # Errors
    /// If there are not enough.
    pub fn charge(&mut self, steps: u64) -> Result<(), Fault> {
        self.steps = self.steps.checked_sub(steps).ok_or(Fault::TooMuch)?;
        Ok(())
    }
}
