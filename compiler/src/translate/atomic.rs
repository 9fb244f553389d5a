//! Atomic accesses, and threads that wait for each other.
//!
//! Always true: an address that is not a multiple of the number of bytes accessed traps, whether it is inside of the memory
//! or not. All of these are sequentially consistent, and nothing that is known of memory before one is still known behind
//! it: that is what synchronises threads, and why plain accesses to shared memories need no care of their own.

use std::mem::offset_of;

use cranelift_codegen::ir::{AtomicRmwOp as Rmw, InstBuilder, Type, Value, types};
use target_lexicon::Architecture;
use wasmparser::{MemArg, Operator};
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::index::MemoryIndex;
use wootz_runtime::abi::trap::TrapCode;
use wootz_runtime::abi::vmctx::VmMemory;

use super::bounds::Address;
use super::memory::memory_of;
use super::state::{Region, Translator};
use crate::convention::POINTER;

/// What is done to memory in one step.
#[derive(Clone, Copy)]
enum Access {
    /// It is read, and extended with zeros to this type.
    Load(Type),
    /// It is written.
    Store,
    /// It is read, and written after something was done to the value.
    Modify(Rmw),
    /// It is read, and written if it was equal to a value.
    CompareExchange,
}

/// The access that an operator makes, and of which type: by rows of an access and its operators.
macro_rules! access {
    ($operator:expr; $($access:expr => $($name:ident $ty:ident),*;)*) => {
        match *$operator {
            $($(Operator::$name { memarg } => ($access, types::$ty, memarg),)*)*
            _ => return None,
        }
    };
}

fn access(operator: &Operator<'_>) -> Option<(Access, Type, MemArg)> {
    Some(access! { operator;
        Access::Load(types::I32) => I32AtomicLoad8U I8, I32AtomicLoad16U I16, I32AtomicLoad I32;
        Access::Load(types::I64) => I64AtomicLoad8U I8, I64AtomicLoad16U I16, I64AtomicLoad32U I32, I64AtomicLoad I64;
        Access::Store => I32AtomicStore8 I8, I32AtomicStore16 I16, I32AtomicStore I32;
        Access::Store => I64AtomicStore8 I8, I64AtomicStore16 I16, I64AtomicStore32 I32, I64AtomicStore I64;
        Access::Modify(Rmw::Add) => I32AtomicRmw8AddU I8, I32AtomicRmw16AddU I16, I32AtomicRmwAdd I32;
        Access::Modify(Rmw::Add) => I64AtomicRmw8AddU I8, I64AtomicRmw16AddU I16, I64AtomicRmw32AddU I32, I64AtomicRmwAdd I64;
        Access::Modify(Rmw::Sub) => I32AtomicRmw8SubU I8, I32AtomicRmw16SubU I16, I32AtomicRmwSub I32;
        Access::Modify(Rmw::Sub) => I64AtomicRmw8SubU I8, I64AtomicRmw16SubU I16, I64AtomicRmw32SubU I32, I64AtomicRmwSub I64;
        Access::Modify(Rmw::And) => I32AtomicRmw8AndU I8, I32AtomicRmw16AndU I16, I32AtomicRmwAnd I32;
        Access::Modify(Rmw::And) => I64AtomicRmw8AndU I8, I64AtomicRmw16AndU I16, I64AtomicRmw32AndU I32, I64AtomicRmwAnd I64;
        Access::Modify(Rmw::Or) => I32AtomicRmw8OrU I8, I32AtomicRmw16OrU I16, I32AtomicRmwOr I32;
        Access::Modify(Rmw::Or) => I64AtomicRmw8OrU I8, I64AtomicRmw16OrU I16, I64AtomicRmw32OrU I32, I64AtomicRmwOr I64;
        Access::Modify(Rmw::Xor) => I32AtomicRmw8XorU I8, I32AtomicRmw16XorU I16, I32AtomicRmwXor I32;
        Access::Modify(Rmw::Xor) => I64AtomicRmw8XorU I8, I64AtomicRmw16XorU I16, I64AtomicRmw32XorU I32, I64AtomicRmwXor I64;
        Access::Modify(Rmw::Xchg) => I32AtomicRmw8XchgU I8, I32AtomicRmw16XchgU I16, I32AtomicRmwXchg I32;
        Access::Modify(Rmw::Xchg) => I64AtomicRmw8XchgU I8, I64AtomicRmw16XchgU I16, I64AtomicRmw32XchgU I32, I64AtomicRmwXchg I64;
        Access::CompareExchange => I32AtomicRmw8CmpxchgU I8, I32AtomicRmw16CmpxchgU I16, I32AtomicRmwCmpxchg I32;
        Access::CompareExchange => I64AtomicRmw8CmpxchgU I8, I64AtomicRmw16CmpxchgU I16, I64AtomicRmw32CmpxchgU I32, I64AtomicRmwCmpxchg I64;
    })
}

impl Translator<'_, '_> {
    /// Translates the operator if it is one of these.
    pub fn atomic(&mut self, operator: &Operator<'_>) -> bool {
        match *operator {
            Operator::AtomicFence { .. } => {
                self.builder.ins().fence();
            }
            Operator::MemoryAtomicNotify { memarg } => self.notify(memarg),
            Operator::MemoryAtomicWait32 { memarg } => {
                self.wait(Builtin::memory_atomic_wait32, memarg, types::I32);
            }
            Operator::MemoryAtomicWait64 { memarg } => {
                self.wait(Builtin::memory_atomic_wait64, memarg, types::I64);
            }
            _ => match access(operator) {
                Some((access, ty, memarg)) => self.atomic_access(access, ty, memarg),
                None => return false,
            },
        }
        true
    }

    fn atomic_access(&mut self, access: Access, ty: Type, memarg: MemArg) {
        match access {
            Access::Load(whole) => {
                let index = self.pop();
                let value = self.atomic_load(memarg, index, ty);
                self.push_extended(value, whole);
            }
            Access::Store => {
                let (index, value) = self.pop2();
                let value = self.reduce(value, ty);
                let place = self.atomic_place(memarg, index, ty);
                match self.target.triple().architecture {
                    // An exchange orders what is around it as a fence would, and takes less time.
                    Architecture::X86_64 => {
                        self.builder.ins().atomic_rmw(
                            ty,
                            place.flags,
                            Rmw::Xchg,
                            place.base,
                            value,
                        );
                    }
                    _ => {
                        self.builder.ins().atomic_store(place.flags, value, place.base);
                    }
                }
            }
            Access::Modify(operation) => {
                let (index, value) = self.pop2();
                let whole = self.builder.func.dfg.value_type(value);
                let value = self.reduce(value, ty);
                let place = self.atomic_place(memarg, index, ty);
                let former =
                    self.builder.ins().atomic_rmw(ty, place.flags, operation, place.base, value);
                self.push_extended(former, whole);
            }
            Access::CompareExchange => self.compare_exchange(ty, memarg),
        }
    }

    fn compare_exchange(&mut self, ty: Type, memarg: MemArg) {
        let (index, expected, value) = self.pop3();
        let whole = self.builder.func.dfg.value_type(value);
        let expected_in_memory = self.reduce(expected, ty);
        let value = self.reduce(value, ty);
        let place = self.atomic_place(memarg, index, ty);
        let former =
            self.builder.ins().atomic_cas(place.flags, place.base, expected_in_memory, value);
        self.push_extended(former, whole);
    }

    fn atomic_load(&mut self, memarg: MemArg, index: Value, ty: Type) -> Value {
        let place = self.atomic_place(memarg, index, ty);
        self.builder.ins().atomic_load(ty, place.flags, place.base)
    }

    /// The native place of an atomic access, all of it in the base. Traps if it is not aligned.
    fn atomic_place(&mut self, memarg: MemArg, index: Value, ty: Type) -> Address {
        self.check_alignment(memarg, index, ty);
        let Address { flags, base, offset } =
            self.aligned_place(memarg, index, u64::from(ty.bytes()));
        let base = match offset {
            0 => base,
            _ => self.builder.ins().iadd_imm_s(base, i64::from(offset)),
        };
        Address { flags, base, offset: 0 }
    }

    /// Traps unless the address is a multiple of the type's size.
    fn check_alignment(&mut self, memarg: MemArg, index: Value, ty: Type) {
        let bytes = i64::from(ty.bytes());
        if bytes == 1 {
            return;
        }
        // Only the lowest bits count, whatever else overflows.
        let sum = match memarg.offset as i64 & (bytes - 1) {
            0 => index,
            low => self.builder.ins().iadd_imm_u(index, low),
        };
        let rest = self.builder.ins().band_imm_u(sum, bytes - 1);
        self.trap_if(rest, TrapCode::HeapMisaligned);
    }

    fn reduce(&mut self, value: Value, ty: Type) -> Value {
        match self.builder.func.dfg.value_type(value) == ty {
            true => value,
            false => self.builder.ins().ireduce(ty, value),
        }
    }

    fn push_extended(&mut self, value: Value, whole: Type) {
        let value = match self.builder.func.dfg.value_type(value) == whole {
            true => value,
            false => self.builder.ins().uextend(whole, value),
        };
        self.push(value);
    }

    fn notify(&mut self, memarg: MemArg) {
        let (index, count) = self.pop2();
        let woken = match self.is_shared(memarg) {
            true => {
                self.check_alignment(memarg, index, types::I32);
                self.call_on_memory(Builtin::memory_atomic_notify, memarg, index, &[count])
            }
            // Nobody waits; but the address is checked.
            false => {
                self.atomic_load(memarg, index, types::I32);
                self.builder.ins().iconst(types::I32, 0)
            }
        };
        self.push(woken);
    }

    fn wait(&mut self, builtin: Builtin, memarg: MemArg, ty: Type) {
        let (index, expected, timeout) = self.pop3();
        match self.is_shared(memarg) {
            true => {
                self.check_alignment(memarg, index, ty);
                let result = self.call_on_memory(builtin, memarg, index, &[expected, timeout]);
                self.push(result);
            }
            // Nobody could ever notify. The address is checked first.
            false => {
                self.atomic_load(memarg, index, ty);
                self.trap_always(TrapCode::AtomicWaitNonSharedMemory);
            }
        }
    }

    fn is_shared(&self, memarg: MemArg) -> bool {
        self.plan.memories[memory_of(memarg).index()].ty.shared
    }

    /// Calls a built-in function that gets a memory, an address and its offset first, and has a 32-bit result.
    fn call_on_memory(
        &mut self,
        builtin: Builtin,
        memarg: MemArg,
        index: Value,
        rest: &[Value],
    ) -> Value {
        let memory = memory_of(memarg);
        let index = self.widen(index, self.plan.memories[memory.index()].ty.memory64);
        let offset = self.builder.ins().iconst(types::I64, memarg.offset as i64);
        let mut args = vec![self.number(memory.0), index, offset];
        args.extend(rest);
        let result = self.builtin(builtin, &args).expect("it has a result");
        self.has_been_away();
        self.builder.ins().ireduce(types::I32, result)
    }

    /// The size of a shared memory in bytes, as it is at this moment.
    pub fn shared_memory_bytes(&mut self, memory: MemoryIndex) -> Value {
        let (record, offset) = self.memory_record(memory);
        let offset = offset + offset_of!(VmMemory, bytes) as u32;
        let place = self.builder.ins().iadd_imm_u(record, i64::from(offset));
        let flags = self.trusted(Region::Bounds);
        self.builder.ins().atomic_load(POINTER, flags, place)
    }
}
