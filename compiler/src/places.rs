//! Where in the wasm file code comes from.
//!
//! In: while a function is translated, the offsets of its operators, and of those of functions that are translated in place of
//! calls. Out: what the code generator carries along for each instruction; and what that meant.
//!
//! Always true: an operator of the function itself is its offset; only others are looked up here.

use cranelift_codegen::ir::SourceLoc;
use wootz_runtime::abi::index::FuncIndex;

/// No file has an offset with this bit.
const LOOK_UP: u32 = 1 << 31;

/// Where the code of the function being made comes from.
#[derive(Default)]
pub struct Places {
    calls: Vec<Call>,
    operators: Vec<Place>,
}

/// A call in whose place a function was translated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// The function that was called.
    pub function: FuncIndex,
    /// Where the call is. It may itself be in a function that was translated in place of an earlier one of these calls.
    pub at: Place,
}

/// The place of an operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its offset in the wasm file.
    pub wasm: u32,
    /// If it is in a function that was translated in place of a call, the number of the call.
    pub call: Option<u32>,
}

impl Places {
    /// Forgets everything: another function begins.
    pub fn clear(&mut self) {
        self.calls.clear();
        self.operators.clear();
    }

    /// A function is translated in place of the call there. Gives the number of the call.
    pub fn open(&mut self, function: FuncIndex, at: SourceLoc) -> u32 {
        let at = self.of(at.bits());
        self.calls.push(Call { function, at });
        self.calls.len() as u32 - 1
    }

    /// What code is to carry along of an operator.
    pub fn operator(&mut self, wasm: u32, call: Option<u32>) -> SourceLoc {
        if call.is_none() {
            return SourceLoc::new(wasm);
        }
        self.operators.push(Place { wasm, call });
        SourceLoc::new(LOOK_UP | (self.operators.len() as u32 - 1))
    }

    /// What code carries along means this place.
    pub fn of(&self, carried: u32) -> Place {
        match carried & LOOK_UP {
            0 => Place { wasm: carried, call: None },
            _ => self.operators[(carried & !LOOK_UP) as usize],
        }
    }

    /// The calls by their numbers.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }
}
