//! Native addresses of wasm addresses: the gate of the sandbox.
//!
//! In: a memory, a wasm address, an offset, and how many bytes are accessed. Out: a native address and an immediate
//! offset that lead into the memory, or to where the access faults and so traps.
//!
//! Always true: nothing else in the compiler adds anything to the base of a memory (steps of optimisation may add the same in another
//! order). Misspeculation leads nowhere: where
//! a comparison guards the access, it chooses the address by data, not by a branch. (Offsets that are larger than guard
//! and first size of a 64-bit memory alike trap by a branch if the sum wraps around; behind it, the wrapped sum is compared.)

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use wootz_runtime::abi::index::MemoryIndex;
use wootz_runtime::abi::manifest::{BoundsChecks, Memory};
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::vmctx::VmMemory;

use super::state::{Region, Translator, trap};
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

/// How many bytes from address 0 on always fault: no system lets anybody map them.
const NULL_PAGE_BYTES: u64 = 4096;

impl Translator<'_, '_> {
    /// The native place of the `bytes` bytes at `address` plus `offset` of a memory. Is the sum known to be `aligned`, so is
    /// where it leads to if it lies outside: some processors look at that first, and call it another fault.
    pub fn address(
        &mut self,
        memory: MemoryIndex,
        address: Value,
        offset: u64,
        bytes: u64,
        aligned: bool,
    ) -> Address {
        let own = !self.plan.is_imported_memory(memory);
        let flags = self.wasm_access(Region::Memory(own.then_some(memory.0)));
        let ty = self.plan.memories[memory.index()].ty;
        let most = ty.most_bytes();
        let Some(reach) = offset.checked_add(bytes).filter(|&reach| u128::from(reach) <= most)
        else {
            // The memory never becomes as large.
            let base = self.builder.ins().iconst(POINTER, 0);
            return Address { flags, base, offset: 0 };
        };
        let index = self.widen(address, ty.memory64);
        let outside = self.outside(memory, index, reach);
        let base = self.memory_base(memory);
        // Offsets that stay behind the check let all accesses that differ in nothing else share it.
        let (added, immediate) = match (outside, i32::try_from(offset)) {
            (None, Ok(immediate)) => (0, immediate),
            (Some(_), Ok(immediate)) if reach <= NULL_PAGE_BYTES && !aligned => (0, immediate),
            _ => (offset, 0),
        };
        let mut start = self.builder.ins().iadd(base, index);
        if added != 0 {
            let added = self.builder.ins().iconst(types::I64, added as i64);
            start = self.builder.ins().iadd(start, added);
        }
        let base = match outside {
            None => start,
            Some(outside) => {
                let null = self.builder.ins().iconst(POINTER, 0);
                self.builder.ins().select_spectre_guard(outside, null, start)
            }
        };
        Address { flags, base, offset: immediate }
    }

    /// Whether an access at `index` that ends, with its offset, at most `reach` bytes later would leave the memory other
    /// than into its guard. `None` if it never does.
    fn outside(&mut self, memory: MemoryIndex, index: Value, reach: u64) -> Option<Value> {
        let Memory { ty, checks } = self.plan.memories[memory.index()];
        // Size and reservation are compared with the beginning; the guard catches what ends behind them.
        let is_caught = reach <= checks.guard();
        let (condition, index, limit) = match checks {
            BoundsChecks::Guarded { reservation, .. }
                if is_caught && !ty.memory64 && reservation >= 1 << 32 =>
            {
                return None;
            }
            BoundsChecks::Guarded { .. } if is_caught => {
                // The reservation covers this.
                let most = self.builder.ins().iconst(types::I64, ty.most_bytes() as i64);
                (IntCC::UnsignedGreaterThan, index, most)
            }
            _ if is_caught => (IntCC::UnsignedGreaterThan, index, self.memory_bytes(memory)),
            _ if reach == 1 => {
                (IntCC::UnsignedGreaterThanOrEqual, index, self.memory_bytes(memory))
            }
            _ if u128::from(reach) <= ty.min_bytes() => {
                // Memories never become smaller, so this does not wrap around.
                let size = self.memory_bytes(memory);
                let reach = self.builder.ins().iconst(types::I64, reach as i64);
                let last = self.builder.ins().isub(size, reach);
                (IntCC::UnsignedGreaterThan, index, last)
            }
            _ => {
                let size = self.memory_bytes(memory);
                let reach = self.builder.ins().iconst(types::I64, reach as i64);
                let end = match ty.memory64 {
                    // Two numbers of at most 32 bits and a few bytes.
                    false => self.builder.ins().iadd(index, reach),
                    true => {
                        let code = trap(TrapCode::MemoryOutOfBounds);
                        self.builder.ins().uadd_overflow_trap(index, reach, code)
                    }
                };
                (IntCC::UnsignedGreaterThan, end, size)
            }
        };
        Some(self.builder.ins().icmp(condition, index, limit))
    }

    /// The native address of a memory's first byte.
    fn memory_base(&mut self, memory: MemoryIndex) -> Value {
        let (record, offset) = self.memory_record(memory);
        let offset = offset + offset_of!(VmMemory, base) as u32;
        let Memory { checks, ty } = self.plan.memories[memory.index()];
        match checks {
            BoundsChecks::Guarded { .. } => self.load_constant(POINTER, record, offset),
            // Shared memories do not move.
            BoundsChecks::Explicit { .. } if ty.shared => {
                self.load_constant(POINTER, record, offset)
            }
            BoundsChecks::Explicit { .. } => {
                let flags = self.trusted(Region::Bounds);
                self.builder.ins().load(POINTER, flags, record, offset as i32)
            }
        }
    }

    /// Where the record of a memory is.
    pub fn memory_record(&mut self, memory: MemoryIndex) -> (Value, u32) {
        let shared = self.plan.memories[memory.index()].ty.shared;
        self.record(self.plan.layout.memory(memory, shared))
    }

    /// The size of a memory in bytes. That of a shared memory may be out of date, as far as threads can tell that have not
    /// synchronised: see "Threads" in `docs/rationale.md`.
    pub fn memory_bytes(&mut self, memory: MemoryIndex) -> Value {
        let ty = self.plan.memories[memory.index()].ty;
        if let Ok(bytes) = i64::try_from(ty.most_bytes())
            && ty.min_bytes() == ty.most_bytes()
        {
            return self.builder.ins().iconst(types::I64, bytes);
        }
        let (record, offset) = self.memory_record(memory);
        let flags = self.trusted(Region::Bounds);
        self.builder.ins().load(
            POINTER,
            flags,
            record,
            (offset + offset_of!(VmMemory, bytes) as u32) as i32,
        )
    }
}
