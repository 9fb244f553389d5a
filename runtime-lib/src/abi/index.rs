//! Typed indices into the index spaces of a module (WebAssembly core specification, section 2.5.1).
//!
//! In function, table, memory, global and tag space the imports come first, then the module's own definitions.

use serde::{Deserialize, Serialize};

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a position in a slice.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The index that stands for position `position`.
            ///
            /// # Panics
            /// If the position does not fit 32 bits; index spaces of valid modules always do.
            #[inline]
            pub fn from_position(position: usize) -> Self {
                Self(u32::try_from(position).expect("index spaces hold fewer than 2^32 items"))
            }
        }
    )*};
}

indices! {
    /// A type as the module's type section numbers it.
    TypeIndex
    /// A function type after equal types were made one: the number under which an artifact knows it.
    SignatureIndex
    /// A struct or array type after equal types were made one: the number under which an artifact knows it.
    ObjectTypeIndex
    /// A function, imported or defined.
    FuncIndex
    /// A table, imported or defined.
    TableIndex
    /// A memory, imported or defined.
    MemoryIndex
    /// A global, imported or defined.
    GlobalIndex
    /// An exception tag, imported or defined.
    TagIndex
    /// A data segment.
    DataIndex
    /// An element segment.
    ElemIndex
    /// A function that may be referred to other than by a direct call (exported, in an element segment, or the operand
    /// of `ref.func`): its place among the function references of an instance.
    FuncRefIndex
}
