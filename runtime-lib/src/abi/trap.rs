//! Why a guest trapped: the numbers under which compiled code and trap tables name the reasons.

use core::fmt;

macro_rules! trap_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $message:literal;)*) => {
        /// The reason of a trap.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum TrapCode { $($(#[$doc])* $name = $number,)* }

        impl TrapCode {
            /// Every reason there is, in the order of their numbers.
            pub const ALL: &'static [TrapCode] = &[$(TrapCode::$name),*];

            /// The reason that has this number, if there is one.
            pub fn from_u8(number: u8) -> Option<TrapCode> {
                match number {
                    $($number => Some(TrapCode::$name),)*
                    _ => None,
                }
            }

            /// What the reason is called in messages; the same words as other runtimes use.
            pub fn message(self) -> &'static str {
                match self { $(TrapCode::$name => $message,)* }
            }
        }
    };
}

trap_codes! {
    /// The call stack is exhausted.
    StackOverflow = 1, "call stack exhausted";
    /// A memory access, copy or initialisation outside of the memory or data segment.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// An atomic access at an address that is not a multiple of its size.
    HeapMisaligned = 3, "unaligned atomic";
    /// A table access, copy or initialisation outside of the table or element segment.
    TableOutOfBounds = 4, "undefined element: out of bounds table access";
    /// `call_indirect` through a null element.
    IndirectCallToNull = 5, "uninitialized element";
    /// `call_indirect` of a function of another type.
    BadSignature = 6, "indirect call type mismatch";
    /// The result of a signed division or of a conversion does not fit.
    IntegerOverflow = 7, "integer overflow";
    /// Integer division by zero.
    IntegerDivisionByZero = 8, "integer divide by zero";
    /// A NaN was converted to an integer.
    BadConversionToInteger = 9, "invalid conversion to integer";
    /// The `unreachable` instruction.
    UnreachableCodeReached = 10, "wasm `unreachable` instruction executed";
    /// The epoch deadline was reached.
    Interrupt = 11, "interrupt";
    /// The fuel ran out.
    OutOfFuel = 12, "all fuel consumed by WebAssembly";
    /// `memory.atomic.wait` on a memory that is not shared.
    AtomicWaitNonSharedMemory = 13, "atomic wait on non-shared memory";
    /// A null reference where something to refer to is needed.
    NullReference = 14, "null reference";
}

impl fmt::Display for TrapCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for &code in TrapCode::ALL {
            assert_eq!(TrapCode::from_u8(code as u8), Some(code));
        }
        assert_eq!(TrapCode::from_u8(0), None);
    }
}
