//! Loads and stores, size and growth of memories.

use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Type, Value, types};
use wasmparser::{MemArg, MemArgTarget, Operator};
use wootz_runtime::abi::builtin::Builtin;
use wootz_runtime::abi::index::MemoryIndex;

use super::bounds::Address;
use super::state::Translator;

/// Loads fewer bytes than the value has, by a CLIF instruction that extends.
macro_rules! load_narrow {
    ($self:ident, $memarg:expr, $bytes:literal, $instruction:ident, $ty:ident) => {{
        let index = $self.pop();
        let address = $self.place($memarg, index, $bytes);
        let loaded = $self.builder.ins().$instruction(
            types::$ty,
            address.flags,
            address.base,
            address.offset,
        );
        $self.push(loaded)
    }};
}

/// Loads 32 bits into 64; the type is part of the CLIF instruction.
macro_rules! load_half {
    ($self:ident, $memarg:expr, $instruction:ident) => {{
        let index = $self.pop();
        let address = $self.place($memarg, index, 4);
        let loaded = $self.builder.ins().$instruction(address.flags, address.base, address.offset);
        $self.push(loaded)
    }};
}

/// Stores fewer bytes than the value has.
macro_rules! store_narrow {
    ($self:ident, $memarg:expr, $bytes:literal, store) => {{
        let (index, value) = $self.pop2();
        let address = $self.place($memarg, index, $bytes);
        $self.builder.ins().store(address.flags, value, address.base, address.offset);
    }};
    ($self:ident, $memarg:expr, $bytes:literal, $instruction:ident) => {{
        let (index, value) = $self.pop2();
        let address = $self.place($memarg, index, $bytes);
        match $self.lower_bytes(value, $bytes) {
            Some(part) => {
                $self.builder.ins().store(address.flags, part, address.base, address.offset)
            }
            None => {
                $self.builder.ins().$instruction(address.flags, value, address.base, address.offset)
            }
        };
    }};
}

/// The memory that is accessed.
pub(super) fn memory_of(memarg: MemArg) -> MemoryIndex {
    match memarg.target {
        MemArgTarget::Memory(memory) => MemoryIndex(memory),
        _ => unreachable!("validation admits accesses to memories only"),
    }
}

impl Translator<'_, '_> {
    /// Translates the operator if it is a load or store.
    pub fn memory_access(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::I32Load { memarg } => self.load(memarg, types::I32),
            Op::I64Load { memarg } => self.load(memarg, types::I64),
            Op::F32Load { memarg } => self.load(memarg, types::F32),
            Op::F64Load { memarg } => self.load(memarg, types::F64),
            Op::I32Load8S { memarg } => load_narrow!(self, memarg, 1, sload8, I32),
            Op::I32Load8U { memarg } => load_narrow!(self, memarg, 1, uload8, I32),
            Op::I32Load16S { memarg } => load_narrow!(self, memarg, 2, sload16, I32),
            Op::I32Load16U { memarg } => load_narrow!(self, memarg, 2, uload16, I32),
            Op::I64Load8S { memarg } => load_narrow!(self, memarg, 1, sload8, I64),
            Op::I64Load8U { memarg } => load_narrow!(self, memarg, 1, uload8, I64),
            Op::I64Load16S { memarg } => load_narrow!(self, memarg, 2, sload16, I64),
            Op::I64Load16U { memarg } => load_narrow!(self, memarg, 2, uload16, I64),
            Op::I64Load32S { memarg } => load_half!(self, memarg, sload32),
            Op::I64Load32U { memarg } => load_half!(self, memarg, uload32),
            Op::I32Store { memarg } => store_narrow!(self, memarg, 4, store),
            Op::I64Store { memarg } => store_narrow!(self, memarg, 8, store),
            Op::F32Store { memarg } => store_narrow!(self, memarg, 4, store),
            Op::F64Store { memarg } => store_narrow!(self, memarg, 8, store),
            Op::I32Store8 { memarg } | Op::I64Store8 { memarg } => {
                store_narrow!(self, memarg, 1, istore8)
            }
            Op::I32Store16 { memarg } | Op::I64Store16 { memarg } => {
                store_narrow!(self, memarg, 2, istore16)
            }
            Op::I64Store32 { memarg } => store_narrow!(self, memarg, 4, istore32),
            _ => return false,
        }
        true
    }

    /// If a number is a constant: the lower bytes of it. Only a whole number is stored without a register on x86-64.
    fn lower_bytes(&mut self, number: Value, bytes: u16) -> Option<Value> {
        let dfg = &self.builder.func.dfg;
        let InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } =
            dfg.insts[dfg.value_def(number).inst()?]
        else {
            return None;
        };
        let ty = Type::int_with_byte_size(bytes)?;
        let lower = imm.bits() & (u64::MAX >> (64 - 8 * bytes)) as i64;
        Some(self.builder.ins().iconst(ty, lower))
    }

    pub fn memory_size(&mut self, memory: u32) {
        let memory = MemoryIndex(memory);
        let ty = self.plan.memories[memory.index()].ty;
        let bytes = match ty.shared {
            false => self.memory_bytes(memory),
            true => self.shared_memory_bytes(memory),
        };
        let pages = self.builder.ins().ushr_imm_u(bytes, i64::from(ty.page_size_log2));
        let pages = self.narrow(pages, ty.memory64);
        self.push(pages);
    }

    pub fn memory_grow(&mut self, memory: u32) {
        let memory64 = self.plan.memories[memory as usize].ty.memory64;
        let pages = self.pop();
        let pages = self.widen(pages, memory64);
        let index = self.builder.ins().iconst(types::I32, i64::from(memory));
        let former = self.builtin(Builtin::memory_grow, &[index, pages]).expect("it has a result");
        self.has_been_away();
        let former = self.narrow(former, memory64);
        self.push(former);
    }

    /// A size or address as built-in functions take it.
    pub fn widen(&mut self, value: Value, is_64: bool) -> Value {
        if is_64 { value } else { self.builder.ins().uextend(types::I64, value) }
    }

    /// A size as wasm takes it.
    pub fn narrow(&mut self, value: Value, is_64: bool) -> Value {
        if is_64 { value } else { self.builder.ins().ireduce(types::I32, value) }
    }

    /// The native place of an access.
    pub fn place(&mut self, memarg: MemArg, index: Value, bytes: u64) -> Address {
        self.address(memory_of(memarg), index, memarg.offset, bytes, false)
    }

    /// The native place of an access whose alignment is checked. It is as aligned if it lies outside.
    pub fn aligned_place(&mut self, memarg: MemArg, index: Value, bytes: u64) -> Address {
        self.address(memory_of(memarg), index, memarg.offset, bytes, true)
    }

    fn load(&mut self, memarg: MemArg, ty: Type) {
        let index = self.pop();
        let address = self.place(memarg, index, u64::from(ty.bytes()));
        let value = self.builder.ins().load(ty, address.flags, address.base, address.offset);
        self.push(value);
    }
}
