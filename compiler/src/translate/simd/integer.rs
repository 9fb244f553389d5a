//! Vectors of integers.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, types};
use wasmparser::Operator;

use super::super::state::Translator;
use super::{Half, Sign, lanewise1, lanewise2};

/// Shifts lanes by an amount, which CLIF takes modulo their width, as wasm does.
macro_rules! shift {
    ($self:ident, $lanes:ident, $instruction:ident) => {{
        let amount = $self.pop();
        let x = $self.pop_as(types::$lanes);
        let value = $self.builder.ins().$instruction(x, amount);
        $self.push(value)
    }};
}

impl Translator<'_, '_> {
    /// Translates the operator if it is one on vectors of integers.
    pub fn vector_integer(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::I8x16Add => lanewise2!(self, I8X16, iadd),
            Op::I16x8Add => lanewise2!(self, I16X8, iadd),
            Op::I32x4Add => lanewise2!(self, I32X4, iadd),
            Op::I64x2Add => lanewise2!(self, I64X2, iadd),
            Op::I8x16Sub => lanewise2!(self, I8X16, isub),
            Op::I16x8Sub => lanewise2!(self, I16X8, isub),
            Op::I32x4Sub => lanewise2!(self, I32X4, isub),
            Op::I64x2Sub => lanewise2!(self, I64X2, isub),
            Op::I16x8Mul => lanewise2!(self, I16X8, imul),
            Op::I32x4Mul => lanewise2!(self, I32X4, imul),
            Op::I64x2Mul => lanewise2!(self, I64X2, imul),

            Op::I8x16AddSatS => lanewise2!(self, I8X16, sadd_sat),
            Op::I8x16AddSatU => lanewise2!(self, I8X16, uadd_sat),
            Op::I8x16SubSatS => lanewise2!(self, I8X16, ssub_sat),
            Op::I8x16SubSatU => lanewise2!(self, I8X16, usub_sat),
            Op::I16x8AddSatS => lanewise2!(self, I16X8, sadd_sat),
            Op::I16x8AddSatU => lanewise2!(self, I16X8, uadd_sat),
            Op::I16x8SubSatS => lanewise2!(self, I16X8, ssub_sat),
            Op::I16x8SubSatU => lanewise2!(self, I16X8, usub_sat),

            Op::I8x16MinS => lanewise2!(self, I8X16, smin),
            Op::I8x16MinU => lanewise2!(self, I8X16, umin),
            Op::I8x16MaxS => lanewise2!(self, I8X16, smax),
            Op::I8x16MaxU => lanewise2!(self, I8X16, umax),
            Op::I16x8MinS => lanewise2!(self, I16X8, smin),
            Op::I16x8MinU => lanewise2!(self, I16X8, umin),
            Op::I16x8MaxS => lanewise2!(self, I16X8, smax),
            Op::I16x8MaxU => lanewise2!(self, I16X8, umax),
            Op::I32x4MinS => lanewise2!(self, I32X4, smin),
            Op::I32x4MinU => lanewise2!(self, I32X4, umin),
            Op::I32x4MaxS => lanewise2!(self, I32X4, smax),
            Op::I32x4MaxU => lanewise2!(self, I32X4, umax),

            Op::I8x16AvgrU => lanewise2!(self, I8X16, avg_round),
            Op::I16x8AvgrU => lanewise2!(self, I16X8, avg_round),
            Op::I16x8Q15MulrSatS => lanewise2!(self, I16X8, sqmul_round_sat),
            Op::I8x16Popcnt => lanewise1!(self, I8X16, popcnt),

            Op::I8x16Abs => lanewise1!(self, I8X16, iabs),
            Op::I16x8Abs => lanewise1!(self, I16X8, iabs),
            Op::I32x4Abs => lanewise1!(self, I32X4, iabs),
            Op::I64x2Abs => lanewise1!(self, I64X2, iabs),
            Op::I8x16Neg => lanewise1!(self, I8X16, ineg),
            Op::I16x8Neg => lanewise1!(self, I16X8, ineg),
            Op::I32x4Neg => lanewise1!(self, I32X4, ineg),
            Op::I64x2Neg => lanewise1!(self, I64X2, ineg),

            Op::I8x16Shl => shift!(self, I8X16, ishl),
            Op::I16x8Shl => shift!(self, I16X8, ishl),
            Op::I32x4Shl => shift!(self, I32X4, ishl),
            Op::I64x2Shl => shift!(self, I64X2, ishl),
            Op::I8x16ShrS => shift!(self, I8X16, sshr),
            Op::I16x8ShrS => shift!(self, I16X8, sshr),
            Op::I32x4ShrS => shift!(self, I32X4, sshr),
            Op::I64x2ShrS => shift!(self, I64X2, sshr),
            Op::I8x16ShrU => shift!(self, I8X16, ushr),
            Op::I16x8ShrU => shift!(self, I16X8, ushr),
            Op::I32x4ShrU => shift!(self, I32X4, ushr),
            Op::I64x2ShrU => shift!(self, I64X2, ushr),

            Op::I16x8ExtAddPairwiseI8x16S => self.extended_sums(types::I8X16, Sign::Signed),
            Op::I16x8ExtAddPairwiseI8x16U => self.extended_sums(types::I8X16, Sign::Unsigned),
            Op::I32x4ExtAddPairwiseI16x8S => self.extended_sums(types::I16X8, Sign::Signed),
            Op::I32x4ExtAddPairwiseI16x8U => self.extended_sums(types::I16X8, Sign::Unsigned),

            Op::I16x8ExtMulLowI8x16S => self.products(types::I8X16, Half::Low, Sign::Signed),
            Op::I16x8ExtMulLowI8x16U => self.products(types::I8X16, Half::Low, Sign::Unsigned),
            Op::I16x8ExtMulHighI8x16S => self.products(types::I8X16, Half::High, Sign::Signed),
            Op::I16x8ExtMulHighI8x16U => self.products(types::I8X16, Half::High, Sign::Unsigned),
            Op::I32x4ExtMulLowI16x8S => self.products(types::I16X8, Half::Low, Sign::Signed),
            Op::I32x4ExtMulLowI16x8U => self.products(types::I16X8, Half::Low, Sign::Unsigned),
            Op::I32x4ExtMulHighI16x8S => self.products(types::I16X8, Half::High, Sign::Signed),
            Op::I32x4ExtMulHighI16x8U => self.products(types::I16X8, Half::High, Sign::Unsigned),
            Op::I64x2ExtMulLowI32x4S => self.products(types::I32X4, Half::Low, Sign::Signed),
            Op::I64x2ExtMulLowI32x4U => self.products(types::I32X4, Half::Low, Sign::Unsigned),
            Op::I64x2ExtMulHighI32x4S => self.products(types::I32X4, Half::High, Sign::Signed),
            Op::I64x2ExtMulHighI32x4U => self.products(types::I32X4, Half::High, Sign::Unsigned),
            Op::I32x4DotI16x8S => {
                let operands = self.pop2_as(types::I16X8);
                let signs = (Sign::Signed, Sign::Signed);
                let low = self.multiply_wide(operands, Half::Low, signs);
                let high = self.multiply_wide(operands, Half::High, signs);
                let value = self.builder.ins().iadd_pairwise(low, high);
                self.push(value);
            }

            Op::I8x16Eq => self.compare_lanes(types::I8X16, IntCC::Equal),
            Op::I8x16Ne => self.compare_lanes(types::I8X16, IntCC::NotEqual),
            Op::I8x16LtS => self.compare_lanes(types::I8X16, IntCC::SignedLessThan),
            Op::I8x16LtU => self.compare_lanes(types::I8X16, IntCC::UnsignedLessThan),
            Op::I8x16GtS => self.compare_lanes(types::I8X16, IntCC::SignedGreaterThan),
            Op::I8x16GtU => self.compare_lanes(types::I8X16, IntCC::UnsignedGreaterThan),
            Op::I8x16LeS => self.compare_lanes(types::I8X16, IntCC::SignedLessThanOrEqual),
            Op::I8x16LeU => self.compare_lanes(types::I8X16, IntCC::UnsignedLessThanOrEqual),
            Op::I8x16GeS => self.compare_lanes(types::I8X16, IntCC::SignedGreaterThanOrEqual),
            Op::I8x16GeU => self.compare_lanes(types::I8X16, IntCC::UnsignedGreaterThanOrEqual),
            Op::I16x8Eq => self.compare_lanes(types::I16X8, IntCC::Equal),
            Op::I16x8Ne => self.compare_lanes(types::I16X8, IntCC::NotEqual),
            Op::I16x8LtS => self.compare_lanes(types::I16X8, IntCC::SignedLessThan),
            Op::I16x8LtU => self.compare_lanes(types::I16X8, IntCC::UnsignedLessThan),
            Op::I16x8GtS => self.compare_lanes(types::I16X8, IntCC::SignedGreaterThan),
            Op::I16x8GtU => self.compare_lanes(types::I16X8, IntCC::UnsignedGreaterThan),
            Op::I16x8LeS => self.compare_lanes(types::I16X8, IntCC::SignedLessThanOrEqual),
            Op::I16x8LeU => self.compare_lanes(types::I16X8, IntCC::UnsignedLessThanOrEqual),
            Op::I16x8GeS => self.compare_lanes(types::I16X8, IntCC::SignedGreaterThanOrEqual),
            Op::I16x8GeU => self.compare_lanes(types::I16X8, IntCC::UnsignedGreaterThanOrEqual),
            Op::I32x4Eq => self.compare_lanes(types::I32X4, IntCC::Equal),
            Op::I32x4Ne => self.compare_lanes(types::I32X4, IntCC::NotEqual),
            Op::I32x4LtS => self.compare_lanes(types::I32X4, IntCC::SignedLessThan),
            Op::I32x4LtU => self.compare_lanes(types::I32X4, IntCC::UnsignedLessThan),
            Op::I32x4GtS => self.compare_lanes(types::I32X4, IntCC::SignedGreaterThan),
            Op::I32x4GtU => self.compare_lanes(types::I32X4, IntCC::UnsignedGreaterThan),
            Op::I32x4LeS => self.compare_lanes(types::I32X4, IntCC::SignedLessThanOrEqual),
            Op::I32x4LeU => self.compare_lanes(types::I32X4, IntCC::UnsignedLessThanOrEqual),
            Op::I32x4GeS => self.compare_lanes(types::I32X4, IntCC::SignedGreaterThanOrEqual),
            Op::I32x4GeU => self.compare_lanes(types::I32X4, IntCC::UnsignedGreaterThanOrEqual),
            Op::I64x2Eq => self.compare_lanes(types::I64X2, IntCC::Equal),
            Op::I64x2Ne => self.compare_lanes(types::I64X2, IntCC::NotEqual),
            Op::I64x2LtS => self.compare_lanes(types::I64X2, IntCC::SignedLessThan),
            Op::I64x2GtS => self.compare_lanes(types::I64X2, IntCC::SignedGreaterThan),
            Op::I64x2LeS => self.compare_lanes(types::I64X2, IntCC::SignedLessThanOrEqual),
            Op::I64x2GeS => self.compare_lanes(types::I64X2, IntCC::SignedGreaterThanOrEqual),

            Op::I8x16AllTrue => self.all_true(types::I8X16),
            Op::I16x8AllTrue => self.all_true(types::I16X8),
            Op::I32x4AllTrue => self.all_true(types::I32X4),
            Op::I64x2AllTrue => self.all_true(types::I64X2),
            Op::I8x16Bitmask => self.bitmask(types::I8X16),
            Op::I16x8Bitmask => self.bitmask(types::I16X8),
            Op::I32x4Bitmask => self.bitmask(types::I32X4),
            Op::I64x2Bitmask => self.bitmask(types::I64X2),
            _ => return false,
        }
        true
    }

    fn extended_sums(&mut self, lanes: Type, sign: Sign) {
        let x = self.pop_as(lanes);
        let value = self.add_neighbours(x, sign);
        self.push(value);
    }

    fn products(&mut self, lanes: Type, half: Half, sign: Sign) {
        let operands = self.pop2_as(lanes);
        let value = self.multiply_wide(operands, half, (sign, sign));
        self.push(value);
    }

    fn compare_lanes(&mut self, lanes: Type, condition: IntCC) {
        let (x, y) = self.pop2_as(lanes);
        let value = self.builder.ins().icmp(condition, x, y);
        self.push(value);
    }

    fn all_true(&mut self, lanes: Type) {
        let x = self.pop_as(lanes);
        let truth = self.builder.ins().vall_true(x);
        self.push_truth(truth);
    }

    fn bitmask(&mut self, lanes: Type) {
        let x = self.pop_as(lanes);
        let value = self.builder.ins().vhigh_bits(types::I32, x);
        self.push(value);
    }
}
