//! Constants, single lanes, and the operators that move lanes.

use cranelift_codegen::ir::{
    ConstantData, InstBuilder, InstructionData, Opcode, Type, Value, types,
};
use wasmparser::Operator;

use super::super::state::Translator;
use super::Sign;
use crate::convention::V128;

impl Translator<'_, '_> {
    /// Translates the operator if it is one that makes, moves or takes out lanes.
    pub fn vector_lanes(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::V128Const { value } => {
                let value = self.vector_constant(*value.bytes(), V128);
                self.push(value);
            }

            Op::I8x16Splat => self.splat(types::I8X16),
            Op::I16x8Splat => self.splat(types::I16X8),
            Op::I32x4Splat => self.splat(types::I32X4),
            Op::I64x2Splat => self.splat(types::I64X2),
            Op::F32x4Splat => self.splat(types::F32X4),
            Op::F64x2Splat => self.splat(types::F64X2),

            Op::I8x16ExtractLaneS { lane } => self.extract_narrow(types::I8X16, lane, Sign::Signed),
            Op::I8x16ExtractLaneU { lane } => {
                self.extract_narrow(types::I8X16, lane, Sign::Unsigned)
            }
            Op::I16x8ExtractLaneS { lane } => self.extract_narrow(types::I16X8, lane, Sign::Signed),
            Op::I16x8ExtractLaneU { lane } => {
                self.extract_narrow(types::I16X8, lane, Sign::Unsigned)
            }
            Op::I32x4ExtractLane { lane } => self.extract(types::I32X4, lane),
            Op::I64x2ExtractLane { lane } => self.extract(types::I64X2, lane),
            Op::F32x4ExtractLane { lane } => self.extract(types::F32X4, lane),
            Op::F64x2ExtractLane { lane } => self.extract(types::F64X2, lane),

            Op::I8x16ReplaceLane { lane } => self.replace(types::I8X16, lane),
            Op::I16x8ReplaceLane { lane } => self.replace(types::I16X8, lane),
            Op::I32x4ReplaceLane { lane } => self.replace(types::I32X4, lane),
            Op::I64x2ReplaceLane { lane } => self.replace(types::I64X2, lane),
            Op::F32x4ReplaceLane { lane } => self.replace(types::F32X4, lane),
            Op::F64x2ReplaceLane { lane } => self.replace(types::F64X2, lane),

            Op::I8x16Shuffle { lanes } => {
                let (x, y) = self.pop2_as(types::I8X16);
                let value = self.shuffle(x, y, lanes);
                self.push(value);
            }
            Op::I8x16Swizzle => {
                let (x, indices) = self.pop2_as(types::I8X16);
                let value = self.swizzle(x, indices);
                self.push(value);
            }
            _ => return false,
        }
        true
    }

    /// Pops a number, and makes it fit a lane.
    fn pop_lane(&mut self, lanes: Type) -> Value {
        let value = self.pop();
        let lane = lanes.lane_type();
        match lane.bits() < self.builder.func.dfg.value_type(value).bits() {
            true => self.builder.ins().ireduce(lane, value),
            false => value,
        }
    }

    fn splat(&mut self, lanes: Type) {
        let lane = self.pop_lane(lanes);
        let value = self.builder.ins().splat(lanes, lane);
        self.push(value);
    }

    fn extract(&mut self, lanes: Type, index: u8) {
        let vector = self.pop_as(lanes);
        let value = self.builder.ins().extractlane(vector, index);
        self.push(value);
    }

    fn extract_narrow(&mut self, lanes: Type, index: u8, sign: Sign) {
        self.extract(lanes, index);
        let lane = self.pop();
        let value = match sign {
            Sign::Signed => self.builder.ins().sextend(types::I32, lane),
            Sign::Unsigned => self.builder.ins().uextend(types::I32, lane),
        };
        self.push(value);
    }

    fn replace(&mut self, lanes: Type, index: u8) {
        let lane = self.pop_lane(lanes);
        let vector = self.pop_as(lanes);
        let value = self.builder.ins().insertlane(vector, lane, index);
        self.push(value);
    }

    pub fn shuffle(&mut self, x: Value, y: Value, lanes: [u8; 16]) -> Value {
        // The code generator has better instructions where it sees that only one vector matters.
        let from_x = lanes.iter().all(|lane| *lane < 16);
        let from_y = lanes.iter().all(|lane| *lane >= 16);
        let (x, y, lanes) = match (from_x, from_y) {
            (true, _) => (x, x, lanes),
            (_, true) => (y, y, lanes.map(|lane| lane - 16)),
            _ => (x, y, lanes),
        };
        let lanes = self.builder.func.dfg.immediates.push(ConstantData::from(&lanes[..]));
        self.builder.ins().shuffle(x, y, lanes)
    }

    /// The lanes of `x` at `indices`, zero where there is none.
    pub fn swizzle(&mut self, x: Value, indices: Value) -> Value {
        if let Some(lanes) = self.known_vector(indices)
            && lanes.iter().all(|lane| *lane < 16)
        {
            return self.shuffle(x, x, lanes);
        }
        if !self.target.isa.has_x86_pshufb_lowering() {
            return self.builder.ins().swizzle(x, indices);
        }
        // The instruction of x86 looks at the highest bit and the lowest four; `swizzle` has to prepare indices for it.
        if let Some(lanes) = self.known_vector(indices) {
            let lanes = lanes.map(|lane| if lane < 16 { lane } else { 0x80 });
            let indices = self.vector_constant(lanes, types::I8X16);
            return self.builder.ins().x86_pshufb(x, indices);
        }
        match self.indexes_16(indices) {
            true => self.builder.ins().x86_pshufb(x, indices),
            false => self.builder.ins().swizzle(x, indices),
        }
    }

    /// Whether every byte is surely below 16.
    fn indexes_16(&self, indices: Value) -> bool {
        match self.instruction(indices) {
            Some(&InstructionData::Binary { opcode: Opcode::Band, args }) => {
                args.iter().any(|&arg| {
                    let mask = self.known_vector(arg);
                    mask.is_some_and(|mask| mask.iter().all(|byte| *byte < 16))
                })
            }
            Some(&InstructionData::Binary { opcode: Opcode::Ushr, args }) => {
                self.known_integer(args[1]).is_some_and(|amount| amount & 7 >= 4)
            }
            _ => false,
        }
    }
}
