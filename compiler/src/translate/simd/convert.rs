//! Conversions between vectors of different lanes.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use wasmparser::Operator;

use super::super::state::Translator;
use super::{Half, Sign, lanewise1, lanewise2};

/// Applies a CLIF conversion to lanes of another type.
macro_rules! convert_lanes {
    ($self:ident, $from:ident, $instruction:ident, $to:ident) => {{
        let x = $self.pop_as(types::$from);
        let value = $self.builder.ins().$instruction(types::$to, x);
        $self.push(value)
    }};
}

impl Translator<'_, '_> {
    /// Translates the operator if it is a conversion of lanes.
    pub fn vector_conversion(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::I8x16NarrowI16x8S => lanewise2!(self, I16X8, snarrow),
            Op::I8x16NarrowI16x8U => lanewise2!(self, I16X8, unarrow),
            Op::I16x8NarrowI32x4S => lanewise2!(self, I32X4, snarrow),
            Op::I16x8NarrowI32x4U => lanewise2!(self, I32X4, unarrow),

            Op::I16x8ExtendLowI8x16S => self.extend(types::I8X16, Half::Low, Sign::Signed),
            Op::I16x8ExtendHighI8x16S => self.extend(types::I8X16, Half::High, Sign::Signed),
            Op::I16x8ExtendLowI8x16U => self.extend(types::I8X16, Half::Low, Sign::Unsigned),
            Op::I16x8ExtendHighI8x16U => self.extend(types::I8X16, Half::High, Sign::Unsigned),
            Op::I32x4ExtendLowI16x8S => self.extend(types::I16X8, Half::Low, Sign::Signed),
            Op::I32x4ExtendHighI16x8S => self.extend(types::I16X8, Half::High, Sign::Signed),
            Op::I32x4ExtendLowI16x8U => self.extend(types::I16X8, Half::Low, Sign::Unsigned),
            Op::I32x4ExtendHighI16x8U => self.extend(types::I16X8, Half::High, Sign::Unsigned),
            Op::I64x2ExtendLowI32x4S => self.extend(types::I32X4, Half::Low, Sign::Signed),
            Op::I64x2ExtendHighI32x4S => self.extend(types::I32X4, Half::High, Sign::Signed),
            Op::I64x2ExtendLowI32x4U => self.extend(types::I32X4, Half::Low, Sign::Unsigned),
            Op::I64x2ExtendHighI32x4U => self.extend(types::I32X4, Half::High, Sign::Unsigned),

            Op::I32x4TruncSatF32x4S => convert_lanes!(self, F32X4, fcvt_to_sint_sat, I32X4),
            Op::I32x4TruncSatF32x4U => convert_lanes!(self, F32X4, fcvt_to_uint_sat, I32X4),
            Op::F32x4ConvertI32x4S => convert_lanes!(self, I32X4, fcvt_from_sint, F32X4),
            Op::F32x4ConvertI32x4U => convert_lanes!(self, I32X4, fcvt_from_uint, F32X4),
            Op::I32x4TruncSatF64x2SZero => {
                let x = self.pop_as(types::F64X2);
                let wide = self.builder.ins().fcvt_to_sint_sat(types::I64X2, x);
                let value = self.narrow_to_low(wide, Sign::Signed);
                self.push(value);
            }
            Op::I32x4TruncSatF64x2UZero => {
                let x = self.pop_as(types::F64X2);
                let value = self.truncate_unsigned_to_low(x);
                self.push(value);
            }
            Op::F64x2ConvertLowI32x4S => {
                let x = self.pop_as(types::I32X4);
                let wide = self.widen_lanes(x, Half::Low, Sign::Signed);
                let value = self.builder.ins().fcvt_from_sint(types::F64X2, wide);
                self.push(value);
            }
            Op::F64x2ConvertLowI32x4U => {
                let x = self.pop_as(types::I32X4);
                let wide = self.widen_lanes(x, Half::Low, Sign::Unsigned);
                let value = self.builder.ins().fcvt_from_uint(types::F64X2, wide);
                self.push(value);
            }
            Op::F32x4DemoteF64x2Zero => lanewise1!(self, F64X2, fvdemote),
            Op::F64x2PromoteLowF32x4 => lanewise1!(self, F32X4, fvpromote_low),
            _ => return false,
        }
        true
    }

    fn extend(&mut self, lanes: Type, half: Half, sign: Sign) {
        let x = self.pop_as(lanes);
        let value = self.widen_lanes(x, half, sign);
        self.push(value);
    }

    /// Two floats as unsigned integers, each the nearest there is, in the lower lanes, and zeros in the upper ones.
    pub fn truncate_unsigned_to_low(&mut self, x: Value) -> Value {
        let wide = self.builder.ins().fcvt_to_uint_sat(types::I64X2, x);
        self.narrow_to_low(wide, Sign::Unsigned)
    }

    /// Two integers in the lower lanes, and zeros in the upper ones.
    pub(super) fn narrow_to_low(&mut self, wide: Value, sign: Sign) -> Value {
        let zeros = self.vector_constant([0; 16], types::I64X2);
        match sign {
            Sign::Signed => self.builder.ins().snarrow(wide, zeros),
            Sign::Unsigned => self.builder.ins().uunarrow(wide, zeros),
        }
    }
}
