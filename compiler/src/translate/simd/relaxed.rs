//! The operators of relaxed SIMD, whose results at the edges are not the same on all machines.
//!
//! Out: what costs this machine the least, of what the specification allows; or, if the options ask for it, results that are
//! the same everywhere, also of what it allows: see "Relaxed SIMD" in docs/rationale.md.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use wasmparser::Operator;
use wootz_runtime::abi::builtin::Builtin;

use super::super::state::Translator;
use super::{Half, Sign};
use crate::plan::MultiplyAdd;

impl Translator<'_, '_> {
    /// Translates the operator if it is one of relaxed SIMD.
    pub fn vector_relaxed(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::I8x16RelaxedSwizzle => {
                let (x, indices) = self.pop2_as(types::I8X16);
                let value = match self.may_differ() && self.target.isa.has_x86_pshufb_lowering() {
                    true => self.builder.ins().x86_pshufb(x, indices),
                    false => self.swizzle(x, indices),
                };
                self.push(value);
            }

            Op::F32x4RelaxedMadd => self.multiply_add(types::F32X4, false),
            Op::F32x4RelaxedNmadd => self.multiply_add(types::F32X4, true),
            Op::F64x2RelaxedMadd => self.multiply_add(types::F64X2, false),
            Op::F64x2RelaxedNmadd => self.multiply_add(types::F64X2, true),

            Op::F32x4RelaxedMin => self.relaxed_minimum(types::F32X4),
            Op::F32x4RelaxedMax => self.relaxed_maximum(types::F32X4),
            Op::F64x2RelaxedMin => self.relaxed_minimum(types::F64X2),
            Op::F64x2RelaxedMax => self.relaxed_maximum(types::F64X2),

            Op::I8x16RelaxedLaneselect => self.relaxed_select(types::I8X16),
            Op::I16x8RelaxedLaneselect => self.relaxed_select(types::I16X8),
            Op::I32x4RelaxedLaneselect => self.relaxed_select(types::I32X4),
            Op::I64x2RelaxedLaneselect => self.relaxed_select(types::I64X2),

            Op::I32x4RelaxedTruncF32x4S => {
                let x = self.pop_as(types::F32X4);
                let value = self.relaxed_truncate(x, types::I32X4);
                self.push(value);
            }
            Op::I32x4RelaxedTruncF64x2SZero => {
                let x = self.pop_as(types::F64X2);
                let wide = self.relaxed_truncate(x, types::I64X2);
                let value = self.narrow_to_low(wide, Sign::Signed);
                self.push(value);
            }
            Op::I32x4RelaxedTruncF32x4U => {
                let x = self.pop_as(types::F32X4);
                let value = self.builder.ins().fcvt_to_uint_sat(types::I32X4, x);
                self.push(value);
            }
            Op::I32x4RelaxedTruncF64x2UZero => {
                let x = self.pop_as(types::F64X2);
                let value = self.truncate_unsigned_to_low(x);
                self.push(value);
            }

            Op::I16x8RelaxedQ15mulrS => {
                let (x, y) = self.pop2_as(types::I16X8);
                let value = match self.may_differ() && self.target.isa.has_x86_pmulhrsw_lowering() {
                    true => self.builder.ins().x86_pmulhrsw(x, y),
                    false => self.builder.ins().sqmul_round_sat(x, y),
                };
                self.push(value);
            }
            Op::I16x8RelaxedDotI8x16I7x16S => {
                let operands = self.pop2_as(types::I8X16);
                let value = self.relaxed_dot(operands);
                self.push(value);
            }
            Op::I32x4RelaxedDotI8x16I7x16AddS => {
                let sum = self.pop_as(types::I32X4);
                let operands = self.pop2_as(types::I8X16);
                let products = match self.may_differ() && self.has_wide_dot() {
                    true => self.exact_dot(operands),
                    false => {
                        let products = self.relaxed_dot(operands);
                        self.add_neighbours(products, Sign::Signed)
                    }
                };
                let value = self.builder.ins().iadd(products, sum);
                self.push(value);
            }
            _ => return false,
        }
        true
    }

    /// Whether results may depend on the machine.
    fn may_differ(&self) -> bool {
        !self.plan.relaxed.deterministic
    }

    /// The product of the first two operands, perhaps negated, plus the third.
    fn multiply_add(&mut self, lanes: Type, negated: bool) {
        let (x, y, z) = self.pop3_as(lanes);
        if let MultiplyAdd::Rounded = self.plan.relaxed.multiply_add {
            let product = self.builder.ins().fmul(x, y);
            let value = match negated {
                true => self.builder.ins().fsub(z, product),
                false => self.builder.ins().fadd(product, z),
            };
            return self.push(value);
        }
        let x = if negated { self.builder.ins().fneg(x) } else { x };
        let value = match self.plan.relaxed.multiply_add {
            MultiplyAdd::Runtime => self.multiply_add_by_runtime(lanes, [x, y, z]),
            MultiplyAdd::Fused | MultiplyAdd::Rounded => self.builder.ins().fma(x, y, z),
        };
        self.push(value);
    }

    /// As `fma`, for processors that have no such instruction: lane by lane.
    fn multiply_add_by_runtime(&mut self, lanes: Type, operands: [Value; 3]) -> Value {
        let lanes = lanes.as_truthy();
        let builtin = match lanes {
            types::I32X4 => Builtin::fma_f32,
            _ => Builtin::fma_f64,
        };
        let operands = operands.map(|operand| self.cast(operand, lanes));
        let mut value = operands[0];
        for lane in 0..lanes.lane_count() as u8 {
            let operands = operands.map(|operand| self.builder.ins().extractlane(operand, lane));
            let result = self.builtin(builtin, &operands).expect("it has a result");
            let result = match lanes {
                types::I32X4 => self.builder.ins().ireduce(types::I32, result),
                _ => result,
            };
            value = self.builder.ins().insertlane(value, result, lane);
        }
        value
    }

    fn relaxed_minimum(&mut self, lanes: Type) {
        let (x, y) = self.pop2_as(lanes);
        let value = match self.may_differ() && self.is_x86() {
            true => self.lesser(x, y),
            false => self.builder.ins().fmin(x, y),
        };
        self.push(value);
    }

    fn relaxed_maximum(&mut self, lanes: Type) {
        let (x, y) = self.pop2_as(lanes);
        let value = match self.may_differ() && self.is_x86() {
            true => self.greater(x, y),
            false => self.builder.ins().fmax(x, y),
        };
        self.push(value);
    }

    /// The first operand where the lane of the third is all ones, the second where it is all zeros.
    fn relaxed_select(&mut self, lanes: Type) {
        if self.may_differ() && self.target.isa.has_blendv_lowering(lanes) {
            let (x, y, mask) = self.pop3_as(lanes);
            let value = self.builder.ins().blendv(mask, x, y);
            self.push(value);
        } else {
            let (x, y, mask) = self.pop3();
            let value = self.bitselect(mask, x, y);
            self.push(value);
        }
    }

    fn relaxed_truncate(&mut self, x: Value, lanes: Type) -> Value {
        match self.may_differ() && self.is_x86() {
            true => self.builder.ins().x86_cvtt2dq(lanes, x),
            false => self.builder.ins().fcvt_to_sint_sat(lanes, x),
        }
    }

    /// The sums of the products of neighbouring lanes, of which the second ones have seven bits.
    fn relaxed_dot(&mut self, operands: (Value, Value)) -> Value {
        if self.may_differ() && self.target.isa.has_x86_pmaddubsw_lowering() {
            return self.builder.ins().x86_pmaddubsw(operands.0, operands.1);
        }
        let signs = (Sign::Signed, Sign::Signed);
        let low = self.multiply_wide(operands, Half::Low, signs);
        let high = self.multiply_wide(operands, Half::High, signs);
        self.builder.ins().iadd_pairwise(low, high)
    }

    /// The sums of the products of four lanes each, of which the second ones are unsigned: in the form in which the code
    /// generator knows the instruction that does all of this and the addition that follows.
    fn exact_dot(&mut self, operands: (Value, Value)) -> Value {
        let signs = (Sign::Signed, Sign::Unsigned);
        let low = self.multiply_wide(operands, Half::Low, signs);
        let high = self.multiply_wide(operands, Half::High, signs);
        let low = self.add_neighbours(low, Sign::Signed);
        let high = self.add_neighbours(high, Sign::Signed);
        self.builder.ins().iadd_pairwise(low, high)
    }

    /// Whether there is an instruction for [`exact_dot`](Self::exact_dot).
    fn has_wide_dot(&self) -> bool {
        let has = |features: [&str; 2]| features.iter().all(|name| self.target.has(name));
        has(["has_avx", "has_avx_vnni"]) || has(["has_avx512vl", "has_avx512vnni"])
    }

    fn is_x86(&self) -> bool {
        self.target.triple().architecture == target_lexicon::Architecture::X86_64
    }
}
