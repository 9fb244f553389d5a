//! Loads and stores of vectors, whole or in part.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use wasmparser::{MemArg, Operator};

use super::super::state::Translator;
use crate::convention::V128;

/// Loads eight bytes as lanes, and makes the lanes twice as wide.
macro_rules! load_wide {
    ($self:ident, $memarg:expr, $instruction:ident) => {{
        let index = $self.pop();
        let address = $self.place($memarg, index, 8);
        let value = $self.builder.ins().$instruction(address.flags, address.base, address.offset);
        $self.push(value)
    }};
}

impl Translator<'_, '_> {
    /// Translates the operator if it is a load or store of vectors.
    pub fn vector_memory(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::V128Load { memarg } => {
                let value = self.load_lane(memarg, V128);
                self.push_load(value);
            }
            Op::V128Store { memarg } => {
                let value = self.pop();
                let value = self.uncast(value);
                self.store_lane(memarg, value);
            }

            Op::V128Load8x8S { memarg } => load_wide!(self, memarg, sload8x8),
            Op::V128Load8x8U { memarg } => load_wide!(self, memarg, uload8x8),
            Op::V128Load16x4S { memarg } => load_wide!(self, memarg, sload16x4),
            Op::V128Load16x4U { memarg } => load_wide!(self, memarg, uload16x4),
            Op::V128Load32x2S { memarg } => load_wide!(self, memarg, sload32x2),
            Op::V128Load32x2U { memarg } => load_wide!(self, memarg, uload32x2),

            Op::V128Load8Splat { memarg } => self.load_splat(memarg, types::I8X16),
            Op::V128Load16Splat { memarg } => self.load_splat(memarg, types::I16X8),
            Op::V128Load32Splat { memarg } => self.load_splat(memarg, types::I32X4),
            Op::V128Load64Splat { memarg } => self.load_splat(memarg, types::I64X2),

            Op::V128Load32Zero { memarg } => self.load_zero(memarg, types::I32X4),
            Op::V128Load64Zero { memarg } => self.load_zero(memarg, types::I64X2),

            Op::V128Load8Lane { memarg, lane } => self.replace_from(memarg, lane, types::I8X16),
            Op::V128Load16Lane { memarg, lane } => self.replace_from(memarg, lane, types::I16X8),
            Op::V128Load32Lane { memarg, lane } => self.replace_from(memarg, lane, types::I32X4),
            Op::V128Load64Lane { memarg, lane } => self.replace_from(memarg, lane, types::I64X2),

            Op::V128Store8Lane { memarg, lane } => self.extract_to(memarg, lane, types::I8X16),
            Op::V128Store16Lane { memarg, lane } => self.extract_to(memarg, lane, types::I16X8),
            // The first lane of these is stored best where vectors of floats are.
            Op::V128Store32Lane { memarg, lane: 0 } => self.extract_to(memarg, 0, types::F32X4),
            Op::V128Store64Lane { memarg, lane: 0 } => self.extract_to(memarg, 0, types::F64X2),
            Op::V128Store32Lane { memarg, lane } => self.extract_to(memarg, lane, types::I32X4),
            Op::V128Store64Lane { memarg, lane } => self.extract_to(memarg, lane, types::I64X2),
            _ => return false,
        }
        true
    }

    /// Pops an address, and loads what is there.
    fn load_lane(&mut self, memarg: MemArg, ty: Type) -> Value {
        let index = self.pop();
        let address = self.place(memarg, index, u64::from(ty.bytes()));
        self.builder.ins().load(ty, address.flags, address.base, address.offset)
    }

    /// Pops an address, and stores a value there.
    fn store_lane(&mut self, memarg: MemArg, value: Value) {
        let index = self.pop();
        let bytes = self.builder.func.dfg.value_type(value).bytes();
        let address = self.place(memarg, index, u64::from(bytes));
        self.builder.ins().store(address.flags, value, address.base, address.offset);
    }

    fn load_splat(&mut self, memarg: MemArg, lanes: Type) {
        let lane = self.load_lane(memarg, lanes.lane_type());
        let value = self.builder.ins().splat(lanes, lane);
        self.push(value);
    }

    fn load_zero(&mut self, memarg: MemArg, lanes: Type) {
        let lane = self.load_lane(memarg, lanes.lane_type());
        let value = self.builder.ins().scalar_to_vector(lanes, lane);
        self.push(value);
    }

    fn replace_from(&mut self, memarg: MemArg, index: u8, lanes: Type) {
        let vector = self.pop_as(lanes);
        let lane = self.load_lane(memarg, lanes.lane_type());
        let value = self.builder.ins().insertlane(vector, lane, index);
        self.push(value);
    }

    fn extract_to(&mut self, memarg: MemArg, index: u8, lanes: Type) {
        let vector = self.pop_as(lanes);
        let lane = self.builder.ins().extractlane(vector, index);
        self.store_lane(memarg, lane);
    }
}
