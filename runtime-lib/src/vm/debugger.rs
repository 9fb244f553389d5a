//! What debuggers read of a process, live or as a core: from one symbol to all modules, stores and instances.
//!
//! In: nothing; what is read is there anyway. Out: [`LAYOUT`], of which the scripts for debuggers are made, and in each
//! process the symbol `wootz_debugger`, which says whether a script goes with it.
//!
//! ```text
//!   wootz_debugger ──► Snapshot ──► Entry × n ──► ModuleView ──► descriptor and tables
//!                                                    ▲
//!   stack: Activation ──► Store ──► Instance ────────┘ ──► vmctx
//!                                    └──► the one before it, ...
//! ```
//!
//! Always true: nothing in here costs anything while a program runs, but for some words when modules are loaded, instances
//! made, and wasm is entered.

use std::mem::offset_of;
use std::sync::atomic::AtomicPtr;

use crate::abi::ABI_VERSION;
use crate::abi::artifact::{Descriptor, SignatureCode};
use crate::abi::vmctx::{VMCTX_INSTANCE, VmContextHeader, VmGlobal, VmMemory};

use super::code::{self, GLOBAL_IS_MUTABLE, MEMORY_BY_POINTER, RANGES, Snapshot};
use super::{activation, instance, store};

/// The symbol by which debuggers find a [`Root`].
pub const ROOT_SYMBOL: &str = "wootz_debugger";

/// Where debuggers begin.
#[repr(C)]
pub struct Root {
    /// [`LAYOUT_CHECKSUM`].
    checksum: u64,
    /// Where the pointer to the present ranges of code is.
    ranges: &'static AtomicPtr<Snapshot>,
}

#[unsafe(export_name = "wootz_debugger")]
static ROOT: Root = Root { checksum: LAYOUT_CHECKSUM, ranges: RANGES };

/// Keeps the symbol in programs, from which linkers remove what nobody uses.
pub fn be_found() {
    std::hint::black_box(&ROOT);
}

/// Sizes of records, offsets in them, and other numbers that debuggers need, by name.
pub const LAYOUT: &[&[(&str, usize)]] = &[
    &[
        ("ABI_VERSION", ABI_VERSION as usize),
        ("VMCTX_INSTANCE", VMCTX_INSTANCE as usize),
        ("MEMORY_BY_POINTER", MEMORY_BY_POINTER as usize),
        ("GLOBAL_IS_MUTABLE", GLOBAL_IS_MUTABLE as usize),
        ("Root.checksum", offset_of!(Root, checksum)),
        ("Root.ranges", offset_of!(Root, ranges)),
        ("Descriptor.abi_version", offset_of!(Descriptor, abi_version)),
        ("Descriptor.functions", offset_of!(Descriptor, functions)),
        ("Descriptor.signatures", offset_of!(Descriptor, signatures)),
        ("Descriptor.places", offset_of!(Descriptor, places)),
        ("Descriptor.names", offset_of!(Descriptor, names)),
        ("SignatureCode", size_of::<SignatureCode>()),
        ("VmContextHeader.magic", offset_of!(VmContextHeader, magic)),
        ("VmContextHeader.store", offset_of!(VmContextHeader, store)),
        ("VmContextHeader.instance", offset_of!(VmContextHeader, instance)),
        ("VmMemory", size_of::<VmMemory>()),
        ("VmMemory.base", offset_of!(VmMemory, base)),
        ("VmMemory.bytes", offset_of!(VmMemory, bytes)),
        ("VmGlobal", size_of::<VmGlobal>()),
    ],
    code::DEBUGGER_LAYOUT,
    store::DEBUGGER_LAYOUT,
    activation::DEBUGGER_LAYOUT,
    instance::DEBUGGER_LAYOUT,
];

/// A number that is another one for another [`LAYOUT`]: FNV-1a.
pub const LAYOUT_CHECKSUM: u64 = {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut part = 0;
    while part < LAYOUT.len() {
        let mut entry = 0;
        while entry < LAYOUT[part].len() {
            let (name, number) = LAYOUT[part][entry];
            let mut at = 0;
            while at < name.len() {
                hash = step(hash, name.as_bytes()[at]);
                at += 1;
            }
            let bytes = (number as u64).to_le_bytes();
            let mut at = 0;
            while at < bytes.len() {
                hash = step(hash, bytes[at]);
                at += 1;
            }
            entry += 1;
        }
        part += 1;
    }
    hash
};

const fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
}
