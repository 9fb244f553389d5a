//! Vectors of floats.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use wasmparser::Operator;

use super::super::state::Translator;
use super::{lanewise1, lanewise2};

impl Translator<'_, '_> {
    /// Translates the operator if it is one on vectors of floats.
    pub fn vector_float(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::F32x4Add => lanewise2!(self, F32X4, fadd),
            Op::F32x4Sub => lanewise2!(self, F32X4, fsub),
            Op::F32x4Mul => lanewise2!(self, F32X4, fmul),
            Op::F32x4Div => lanewise2!(self, F32X4, fdiv),
            Op::F32x4Min => lanewise2!(self, F32X4, fmin),
            Op::F32x4Max => lanewise2!(self, F32X4, fmax),
            Op::F64x2Add => lanewise2!(self, F64X2, fadd),
            Op::F64x2Sub => lanewise2!(self, F64X2, fsub),
            Op::F64x2Mul => lanewise2!(self, F64X2, fmul),
            Op::F64x2Div => lanewise2!(self, F64X2, fdiv),
            Op::F64x2Min => lanewise2!(self, F64X2, fmin),
            Op::F64x2Max => lanewise2!(self, F64X2, fmax),

            Op::F32x4Abs => lanewise1!(self, F32X4, fabs),
            Op::F32x4Neg => lanewise1!(self, F32X4, fneg),
            Op::F32x4Sqrt => lanewise1!(self, F32X4, sqrt),
            Op::F32x4Ceil => lanewise1!(self, F32X4, ceil),
            Op::F32x4Floor => lanewise1!(self, F32X4, floor),
            Op::F32x4Trunc => lanewise1!(self, F32X4, trunc),
            Op::F32x4Nearest => lanewise1!(self, F32X4, nearest),
            Op::F64x2Abs => lanewise1!(self, F64X2, fabs),
            Op::F64x2Neg => lanewise1!(self, F64X2, fneg),
            Op::F64x2Sqrt => lanewise1!(self, F64X2, sqrt),
            Op::F64x2Ceil => lanewise1!(self, F64X2, ceil),
            Op::F64x2Floor => lanewise1!(self, F64X2, floor),
            Op::F64x2Trunc => lanewise1!(self, F64X2, trunc),
            Op::F64x2Nearest => lanewise1!(self, F64X2, nearest),

            Op::F32x4PMin => self.pseudo_minimum(types::F32X4),
            Op::F32x4PMax => self.pseudo_maximum(types::F32X4),
            Op::F64x2PMin => self.pseudo_minimum(types::F64X2),
            Op::F64x2PMax => self.pseudo_maximum(types::F64X2),

            Op::F32x4Eq => self.compare_float_lanes(types::F32X4, FloatCC::Equal),
            Op::F32x4Ne => self.compare_float_lanes(types::F32X4, FloatCC::NotEqual),
            Op::F32x4Lt => self.compare_float_lanes(types::F32X4, FloatCC::LessThan),
            Op::F32x4Gt => self.compare_float_lanes(types::F32X4, FloatCC::GreaterThan),
            Op::F32x4Le => self.compare_float_lanes(types::F32X4, FloatCC::LessThanOrEqual),
            Op::F32x4Ge => self.compare_float_lanes(types::F32X4, FloatCC::GreaterThanOrEqual),
            Op::F64x2Eq => self.compare_float_lanes(types::F64X2, FloatCC::Equal),
            Op::F64x2Ne => self.compare_float_lanes(types::F64X2, FloatCC::NotEqual),
            Op::F64x2Lt => self.compare_float_lanes(types::F64X2, FloatCC::LessThan),
            Op::F64x2Gt => self.compare_float_lanes(types::F64X2, FloatCC::GreaterThan),
            Op::F64x2Le => self.compare_float_lanes(types::F64X2, FloatCC::LessThanOrEqual),
            Op::F64x2Ge => self.compare_float_lanes(types::F64X2, FloatCC::GreaterThanOrEqual),
            _ => return false,
        }
        true
    }

    fn compare_float_lanes(&mut self, lanes: Type, condition: FloatCC) {
        let (x, y) = self.pop2_as(lanes);
        let value = self.builder.ins().fcmp(condition, x, y);
        self.push(value);
    }

    /// The second operand where it is less, else the first.
    fn pseudo_minimum(&mut self, lanes: Type) {
        let (x, y) = self.pop2_as(lanes);
        let value = self.lesser(y, x);
        self.push(value);
    }

    /// The second operand where the first is less, else the first.
    fn pseudo_maximum(&mut self, lanes: Type) {
        let (x, y) = self.pop2_as(lanes);
        let value = self.greater(y, x);
        self.push(value);
    }

    /// `x` where it is less than `y`, else `y`: one instruction of x86, if it is written in this order.
    pub fn lesser(&mut self, x: Value, y: Value) -> Value {
        let mask = self.builder.ins().fcmp(FloatCC::LessThan, x, y);
        self.bitselect(mask, x, y)
    }

    /// `x` where it is greater than `y`, else `y`: as above.
    pub fn greater(&mut self, x: Value, y: Value) -> Value {
        let mask = self.builder.ins().fcmp(FloatCC::LessThan, y, x);
        self.bitselect(mask, x, y)
    }
}
