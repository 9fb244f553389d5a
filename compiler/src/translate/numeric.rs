//! Arithmetic and comparisons: constants, and operators whose operands and result are numbers of one type, or a truth.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use wasmparser::Operator;

use super::state::Translator;

/// Applies a CLIF instruction of one operand.
macro_rules! unary {
    ($self:ident, $instruction:ident) => {{
        let x = $self.pop();
        let value = $self.builder.ins().$instruction(x);
        $self.push(value)
    }};
}

/// Applies a CLIF instruction of two operands.
macro_rules! binary {
    ($self:ident, $instruction:ident) => {{
        let (x, y) = $self.pop2();
        let value = $self.builder.ins().$instruction(x, y);
        $self.push(value)
    }};
}

impl Translator<'_, '_> {
    /// Translates the operator if it is one of this family.
    pub fn numeric(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::I32Const { value } => self.integer(types::I32, i64::from(value as u32)),
            Op::I64Const { value } => self.integer(types::I64, value),
            Op::F32Const { value } => {
                let value = self.builder.ins().f32const(Ieee32::with_bits(value.bits()));
                self.push(value);
            }
            Op::F64Const { value } => {
                let value = self.builder.ins().f64const(Ieee64::with_bits(value.bits()));
                self.push(value);
            }

            Op::I32Eqz | Op::I64Eqz => {
                let x = self.pop();
                let truth = self.builder.ins().icmp_imm_u(IntCC::Equal, x, 0);
                self.push_truth(truth);
            }
            Op::I32Eq | Op::I64Eq => self.compare(IntCC::Equal),
            Op::I32Ne | Op::I64Ne => self.compare(IntCC::NotEqual),
            Op::I32LtS | Op::I64LtS => self.compare(IntCC::SignedLessThan),
            Op::I32LtU | Op::I64LtU => self.compare(IntCC::UnsignedLessThan),
            Op::I32GtS | Op::I64GtS => self.compare(IntCC::SignedGreaterThan),
            Op::I32GtU | Op::I64GtU => self.compare(IntCC::UnsignedGreaterThan),
            Op::I32LeS | Op::I64LeS => self.compare(IntCC::SignedLessThanOrEqual),
            Op::I32LeU | Op::I64LeU => self.compare(IntCC::UnsignedLessThanOrEqual),
            Op::I32GeS | Op::I64GeS => self.compare(IntCC::SignedGreaterThanOrEqual),
            Op::I32GeU | Op::I64GeU => self.compare(IntCC::UnsignedGreaterThanOrEqual),
            Op::F32Eq | Op::F64Eq => self.compare_floats(FloatCC::Equal),
            Op::F32Ne | Op::F64Ne => self.compare_floats(FloatCC::NotEqual),
            Op::F32Lt | Op::F64Lt => self.compare_floats(FloatCC::LessThan),
            Op::F32Gt | Op::F64Gt => self.compare_floats(FloatCC::GreaterThan),
            Op::F32Le | Op::F64Le => self.compare_floats(FloatCC::LessThanOrEqual),
            Op::F32Ge | Op::F64Ge => self.compare_floats(FloatCC::GreaterThanOrEqual),

            Op::I32Clz | Op::I64Clz => unary!(self, clz),
            Op::I32Ctz | Op::I64Ctz => unary!(self, ctz),
            Op::I32Popcnt | Op::I64Popcnt => unary!(self, popcnt),
            Op::I32Add | Op::I64Add => binary!(self, iadd),
            Op::I32Sub | Op::I64Sub => binary!(self, isub),
            Op::I32Mul | Op::I64Mul => binary!(self, imul),
            // These trap by themselves, on zero and on overflow.
            Op::I32DivS | Op::I64DivS => binary!(self, sdiv),
            Op::I32DivU | Op::I64DivU => binary!(self, udiv),
            Op::I32RemS | Op::I64RemS => binary!(self, srem),
            Op::I32RemU | Op::I64RemU => binary!(self, urem),
            Op::I32And | Op::I64And => binary!(self, band),
            Op::I32Or | Op::I64Or => binary!(self, bor),
            Op::I32Xor | Op::I64Xor => binary!(self, bxor),
            // These take the amount modulo the width, as wasm does.
            Op::I32Shl | Op::I64Shl => binary!(self, ishl),
            Op::I32ShrS | Op::I64ShrS => binary!(self, sshr),
            Op::I32ShrU | Op::I64ShrU => binary!(self, ushr),
            Op::I32Rotl | Op::I64Rotl => binary!(self, rotl),
            Op::I32Rotr | Op::I64Rotr => binary!(self, rotr),

            Op::F32Abs | Op::F64Abs => unary!(self, fabs),
            Op::F32Neg | Op::F64Neg => unary!(self, fneg),
            Op::F32Ceil | Op::F64Ceil => unary!(self, ceil),
            Op::F32Floor | Op::F64Floor => unary!(self, floor),
            Op::F32Trunc | Op::F64Trunc => unary!(self, trunc),
            Op::F32Nearest | Op::F64Nearest => unary!(self, nearest),
            Op::F32Sqrt | Op::F64Sqrt => unary!(self, sqrt),
            Op::F32Add | Op::F64Add => binary!(self, fadd),
            Op::F32Sub | Op::F64Sub => binary!(self, fsub),
            Op::F32Mul | Op::F64Mul => binary!(self, fmul),
            Op::F32Div | Op::F64Div => binary!(self, fdiv),
            Op::F32Min | Op::F64Min => binary!(self, fmin),
            Op::F32Max | Op::F64Max => binary!(self, fmax),
            Op::F32Copysign | Op::F64Copysign => binary!(self, fcopysign),
            _ => return false,
        }
        true
    }

    fn integer(&mut self, ty: types::Type, value: i64) {
        let value = self.builder.ins().iconst(ty, value);
        self.push(value);
    }

    fn compare(&mut self, condition: IntCC) {
        let (x, y) = self.pop2();
        let truth = self.builder.ins().icmp(condition, x, y);
        self.push_truth(truth);
    }

    fn compare_floats(&mut self, condition: FloatCC) {
        let (x, y) = self.pop2();
        let truth = self.builder.ins().fcmp(condition, x, y);
        self.push_truth(truth);
    }

    /// Pushes a truth as the `i32` it is in wasm. Cranelift sees through the extension where it is branched on.
    pub fn push_truth(&mut self, truth: Value) {
        let value = self.builder.ins().uextend(types::I32, truth);
        self.push(value);
    }
}
