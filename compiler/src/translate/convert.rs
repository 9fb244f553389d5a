//! Conversions between number types.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, types};
use wasmparser::Operator;

use super::state::Translator;

/// Applies a CLIF conversion to a type.
macro_rules! convert {
    ($self:ident, $instruction:ident, $ty:ident) => {{
        let x = $self.pop();
        let value = $self.builder.ins().$instruction(types::$ty, x);
        $self.push(value)
    }};
}

impl Translator<'_, '_> {
    /// Translates the operator if it is one of this family.
    pub fn conversion(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::I32WrapI64 => convert!(self, ireduce, I32),
            Op::I64ExtendI32S => convert!(self, sextend, I64),
            Op::I64ExtendI32U => convert!(self, uextend, I64),
            Op::I32Extend8S => self.sign_extend(types::I8, types::I32),
            Op::I32Extend16S => self.sign_extend(types::I16, types::I32),
            Op::I64Extend8S => self.sign_extend(types::I8, types::I64),
            Op::I64Extend16S => self.sign_extend(types::I16, types::I64),
            Op::I64Extend32S => self.sign_extend(types::I32, types::I64),

            // These trap by themselves, on NaN and on overflow.
            Op::I32TruncF32S | Op::I32TruncF64S => convert!(self, fcvt_to_sint, I32),
            Op::I32TruncF32U | Op::I32TruncF64U => convert!(self, fcvt_to_uint, I32),
            Op::I64TruncF32S | Op::I64TruncF64S => convert!(self, fcvt_to_sint, I64),
            Op::I64TruncF32U | Op::I64TruncF64U => convert!(self, fcvt_to_uint, I64),
            Op::I32TruncSatF32S | Op::I32TruncSatF64S => convert!(self, fcvt_to_sint_sat, I32),
            Op::I32TruncSatF32U | Op::I32TruncSatF64U => convert!(self, fcvt_to_uint_sat, I32),
            Op::I64TruncSatF32S | Op::I64TruncSatF64S => convert!(self, fcvt_to_sint_sat, I64),
            Op::I64TruncSatF32U | Op::I64TruncSatF64U => convert!(self, fcvt_to_uint_sat, I64),

            Op::F32ConvertI32S | Op::F32ConvertI64S => convert!(self, fcvt_from_sint, F32),
            Op::F32ConvertI32U | Op::F32ConvertI64U => convert!(self, fcvt_from_uint, F32),
            Op::F64ConvertI32S | Op::F64ConvertI64S => convert!(self, fcvt_from_sint, F64),
            Op::F64ConvertI32U | Op::F64ConvertI64U => convert!(self, fcvt_from_uint, F64),
            Op::F64PromoteF32 => convert!(self, fpromote, F64),
            Op::F32DemoteF64 => convert!(self, fdemote, F32),

            Op::I32ReinterpretF32 => self.reinterpret(types::I32),
            Op::I64ReinterpretF64 => self.reinterpret(types::I64),
            Op::F32ReinterpretI32 => self.reinterpret(types::F32),
            Op::F64ReinterpretI64 => self.reinterpret(types::F64),
            _ => return false,
        }
        true
    }

    fn sign_extend(&mut self, narrow: types::Type, ty: types::Type) {
        let x = self.pop();
        let low = self.builder.ins().ireduce(narrow, x);
        let value = self.builder.ins().sextend(ty, low);
        self.push(value);
    }

    fn reinterpret(&mut self, ty: types::Type) {
        let x = self.pop();
        let value = self.builder.ins().bitcast(ty, MemFlagsData::new(), x);
        self.push(value);
    }
}
