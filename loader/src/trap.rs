//! Why a guest stopped.

use std::fmt;

use wootz_runtime::abi::trap::TrapCode;

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident $message:literal;)*) => {
        /// Why a guest stopped. `Error::downcast_ref` finds it in the errors of calls.
        ///
        /// ```
        /// # #[cfg(feature = "compiler")] {
        /// # use wootz::{Engine, Instance, Module, Store, Trap};
        /// let engine = Engine::default();
        /// let module = Module::new(&engine, r#"(module
        ///     (func (export "divide") (param i32 i32) (result i32)
        ///         (i32.div_s (local.get 0) (local.get 1))))"#)?;
        /// let mut store = Store::new(&engine, ());
        /// let instance = Instance::new(&mut store, &module, &[])?;
        /// let divide = instance.get_typed_func::<(i32, i32), i32>(&mut store, "divide")?;
        /// let error = divide.call(&mut store, (1, 0)).unwrap_err();
        /// assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerDivisionByZero));
        /// # }
        /// # Ok::<(), wootz::Error>(())
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Trap { $($(#[$doc])* $name,)* }

        impl fmt::Display for Trap {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let message = match self { $(Trap::$name => $message,)* };
                write!(f, "wasm trap: {message}")
            }
        }

        impl From<TrapCode> for Trap {
            fn from(code: TrapCode) -> Trap {
                match code {
                    $(TrapCode::$name => Trap::$name,)*
                    other => unreachable!("no trap of this version is `{other}`"),
                }
            }
        }
    };
}

traps! {
    /// The call stack is exhausted.
    StackOverflow "call stack exhausted";
    /// A memory access, copy or initialisation outside of the memory or data segment.
    MemoryOutOfBounds "out of bounds memory access";
    /// An atomic access at an address that is not a multiple of its size.
    HeapMisaligned "unaligned atomic";
    /// A table access, copy or initialisation outside of the table or element segment.
    TableOutOfBounds "undefined element: out of bounds table access";
    /// An indirect call through a null element.
    IndirectCallToNull "uninitialized element";
    /// An indirect call of a function of another type.
    BadSignature "indirect call type mismatch";
    /// The result of a signed division or of a conversion does not fit.
    IntegerOverflow "integer overflow";
    /// Integer division by zero.
    IntegerDivisionByZero "integer divide by zero";
    /// A NaN was converted to an integer.
    BadConversionToInteger "invalid conversion to integer";
    /// The `unreachable` instruction.
    UnreachableCodeReached "wasm `unreachable` instruction executed";
    /// The epoch deadline was reached.
    Interrupt "interrupt";
    /// The fuel ran out.
    OutOfFuel "all fuel consumed by WebAssembly";
    /// `memory.atomic.wait` on a memory that is not shared.
    AtomicWaitNonSharedMemory "atomic wait on non-shared memory";
    /// A null reference where something to refer to is needed.
    NullReference "null reference";
}

impl std::error::Error for Trap {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_trap_with_the_same_message() {
        for &code in TrapCode::ALL {
            assert_eq!(Trap::from(code).to_string(), format!("wasm trap: {code}"));
        }
    }
}
