//! The runtime functions that compiled code may call ("built-in functions").
//!
//! One table, from which both sides are generated: the compiler's signatures and the runtime's array of addresses.
//! Compiled code finds the array in its [`VmContext`](super::vmctx::VmContextHeader). Each function has the C calling
//! convention of the target and takes the vmctx of the calling instance first.
//!
//! Always true: numbers are never reused; new functions are appended.

/// A value that travels to or from a built-in function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuiltinType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
}

/// What a built-in function gives back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuiltinResult {
    /// Nothing; it cannot fail.
    Nothing,
    /// `true` for success; `false` when a trap was recorded, which the caller then must raise.
    Success,
    /// As [`Success`](Self::Success), for functions that are hardly ever called: the caller keeps all its registers, so that
    /// nothing has to be in memory because of them.
    RareSuccess,
    /// A 64-bit value; it cannot fail.
    I64,
    /// A 64-bit value, or [`RAISED`] when a trap was recorded, which the caller then must raise.
    I64OrRaised,
    /// It does not return.
    Never,
}

/// The value of an [`I64OrRaised`](BuiltinResult::I64OrRaised) result that means: a trap was recorded.
pub const RAISED: i64 = i64::MIN;

/// Calls a macro with the list of built-in functions: `name(parameter: type, ...) -> result;`.
///
/// Sizes and addresses are `I64` for every memory and table, whatever the width of its index type.
#[macro_export]
macro_rules! for_each_builtin {
    ($then:ident) => {
        $then! {
            /// Resumes the host with the trap, error or panic that was recorded last.
            raise() -> Never;
            /// `memory.grow`: the former size in pages, or -1.
            memory_grow(memory: I32, pages: I64) -> I64OrRaised;
            /// `memory.copy`.
            memory_copy(dst_memory: I32, src_memory: I32, dst: I64, src: I64, bytes: I64) -> Success;
            /// `memory.fill`.
            memory_fill(memory: I32, dst: I64, value: I32, bytes: I64) -> Success;
            /// `memory.init`.
            memory_init(memory: I32, segment: I32, dst: I64, src: I64, bytes: I64) -> Success;
            /// `data.drop`.
            data_drop(segment: I32) -> Nothing;
            /// `table.grow`: the former size in elements, or -1. `init` is the element as tables store it.
            table_grow(table: I32, elements: I64, init: I64) -> I64OrRaised;
            /// `table.fill`. `value` is the element as tables store it.
            table_fill(table: I32, dst: I64, value: I64, elements: I64) -> Success;
            /// `table.copy`.
            table_copy(dst_table: I32, src_table: I32, dst: I64, src: I64, elements: I64) -> Success;
            /// `table.init`.
            table_init(table: I32, segment: I32, dst: I64, src: I64, elements: I64) -> Success;
            /// `elem.drop`.
            elem_drop(segment: I32) -> Nothing;
            /// The fuel in the store's context has run out: there is some again, or the guest stops.
            out_of_fuel() -> RareSuccess;
            /// The store's epoch deadline has come: its context has another, or the guest stops.
            epoch_reached() -> RareSuccess;
            /// `x * y + z`, rounded once, of `f32` by their bits. The upper half of the result is zero.
            fma_f32(x: I32, y: I32, z: I32) -> I64;
            /// `x * y + z`, rounded once, of `f64` by their bits.
            fma_f64(x: I64, y: I64, z: I64) -> I64;
            /// `memory.atomic.notify`: how many threads it has woken up. The address is `address` plus `offset`.
            memory_atomic_notify(memory: I32, address: I64, offset: I64, count: I32) -> I64OrRaised;
            /// `memory.atomic.wait32`: how waiting has ended. `timeout` counts nanoseconds; none if it is negative.
            memory_atomic_wait32(memory: I32, address: I64, offset: I64, expected: I32, timeout: I64) -> I64OrRaised;
            /// `memory.atomic.wait64`, as above.
            memory_atomic_wait64(memory: I32, address: I64, offset: I64, expected: I64, timeout: I64) -> I64OrRaised;
        }
    };
}

macro_rules! define {
    ($($(#[$doc:meta])* $name:ident($($param:ident: $ty:ident),*) -> $result:ident;)*) => {
        /// A built-in function, by name.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(non_camel_case_types)]
        #[repr(u32)]
        pub enum Builtin { $($(#[$doc])* $name,)* }

        impl Builtin {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Builtin] = &[$(Builtin::$name),*];

            /// Its name, as debuggers show it.
            pub fn name(self) -> &'static str {
                match self { $(Builtin::$name => stringify!($name),)* }
            }

            /// The types of its parameters behind the vmctx.
            pub fn params(self) -> &'static [BuiltinType] {
                match self { $(Builtin::$name => &[$(BuiltinType::$ty),*],)* }
            }

            /// What it gives back.
            pub fn result(self) -> BuiltinResult {
                match self { $(Builtin::$name => BuiltinResult::$result,)* }
            }
        }
    };
}
for_each_builtin!(define);

impl Builtin {
    /// Its place in the array of built-in functions.
    pub fn number(self) -> u32 {
        self as u32
    }
}
