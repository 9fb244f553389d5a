//! Native addresses of wasm addresses: the gate of the sandbox.
//!
//! In: a memory, a wasm address, an offset, and how many bytes are accessed. Out: a native address and an immediate
//! offset that lead into the memory, or to where the access faults and so traps.
//!
//! Always true: nothing else in the compiler adds anything to the base of a memory. Misspeculation leads nowhere: where
//! a comparison guards the access, it chooses the address by data, not by a branch.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use wootz_runtime::abi::index::MemoryIndex;
use wootz_runtime::abi::manifest::BoundsChecks;
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::vmctx::VmMemory;

use super::state::{Region, Translator};
use crate::convention::POINTER;

/// A place in a memory, ready to be accessed.
pub(super) struct Address {
    /// How to access it.
    pub flags: MemFlagsData,
    /// The native address, but for `offset`.
    pub base: Value,
    /// What the instruction adds.
    pub offset: i32,
}

impl Translator<'_, '_> {
    /// The native place of the `bytes` bytes at `address` plus `offset` of a memory.
    pub fn address(
        &mut self,
        memory: MemoryIndex,
        address: Value,
        offset: u64,
        bytes: u64,
    ) -> Address {
        let own = !self.plan.is_imported_memory(memory);
        let flags = self.wasm_access(Region::Memory(own.then_some(memory.0)));
        let base = self.memory_base(memory);
        let index = match self.plan.memories[memory.index()].ty.memory64 {
            true => address,
            false => self.builder.ins().uextend(types::I64, address),
        };
        match self.plan.memories[memory.index()].checks {
            // The index is below 4 GiB, which the reservation covers; the rest ends within the guard, which faults.
            BoundsChecks::Guarded { guard, .. }
                if offset + bytes <= guard && i32::try_from(offset).is_ok() =>
            {
                let base = self.builder.ins().iadd(base, index);
                Address { flags, base, offset: offset as i32 }
            }
            _ => {
                let outside = self.is_outside(memory, index, offset, bytes);
                let start = self.builder.ins().iadd(base, index);
                let start = self.builder.ins().iadd_imm_u(start, offset as i64);
                // The null page always faults, and the fault becomes the trap.
                let null = self.builder.ins().iconst(POINTER, 0);
                let base = self.builder.ins().select_spectre_guard(outside, null, start);
                Address { flags, base, offset: 0 }
            }
        }
    }

    /// Whether any of the `bytes` bytes at `index` plus `offset` lies behind the end of the memory.
    fn is_outside(&mut self, memory: MemoryIndex, index: Value, offset: u64, bytes: u64) -> Value {
        let size = self.memory_bytes(memory);
        // Where the access ends is compared with the size. For 32-bit indices it cannot overflow; for others, overflow
        // is a trap of its own.
        let end = match offset.checked_add(bytes) {
            None => return self.builder.ins().iconst(types::I8, 1),
            Some(reach) => {
                let reach = self.builder.ins().iconst(types::I64, reach as i64);
                match self.plan.memories[memory.index()].ty.memory64 {
                    false => self.builder.ins().iadd(index, reach),
                    true => {
                        let code = super::state::trap(TrapCode::MemoryOutOfBounds);
                        self.builder.ins().uadd_overflow_trap(index, reach, code)
                    }
                }
            }
        };
        self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, size)
    }

    /// The native address of a memory's first byte.
    fn memory_base(&mut self, memory: MemoryIndex) -> Value {
        let (record, offset) = self.record(self.plan.layout.memory(memory));
        let offset = offset + offset_of!(VmMemory, base) as u32;
        match self.plan.memories[memory.index()].checks {
            BoundsChecks::Guarded { .. } => self.load_constant(POINTER, record, offset),
            BoundsChecks::Explicit => {
                let flags = self.trusted(Region::Bounds);
                self.builder.ins().load(POINTER, flags, record, offset as i32)
            }
        }
    }

    /// The size of a memory in bytes.
    pub fn memory_bytes(&mut self, memory: MemoryIndex) -> Value {
        let (record, offset) = self.record(self.plan.layout.memory(memory));
        let flags = self.trusted(Region::Bounds);
        self.builder.ins().load(
            POINTER,
            flags,
            record,
            (offset + offset_of!(VmMemory, bytes) as u32) as i32,
        )
    }
}
