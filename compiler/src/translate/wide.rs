//! Arithmetic on integers of 128 bits, which wasm has as two of 64: the lower one first.
//!
//! Cranelift's own 128-bit integers become what machines have for this: additions with carry, multiplications with two
//! results.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use wasmparser::Operator;

use super::state::Translator;

impl Translator<'_, '_> {
    /// Translates the operator if it is one of this family.
    pub fn wide(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        let result = match operator {
            Op::I64Add128 => {
                let (x, y) = self.pop2_wide();
                self.builder.ins().iadd(x, y)
            }
            Op::I64Sub128 => {
                let (x, y) = self.pop2_wide();
                self.builder.ins().isub(x, y)
            }
            Op::I64MulWideS => {
                let (x, y) = self.pop2();
                let x = self.builder.ins().sextend(types::I128, x);
                let y = self.builder.ins().sextend(types::I128, y);
                self.builder.ins().imul(x, y)
            }
            Op::I64MulWideU => {
                let (x, y) = self.pop2();
                let x = self.builder.ins().uextend(types::I128, x);
                let y = self.builder.ins().uextend(types::I128, y);
                self.builder.ins().imul(x, y)
            }
            _ => return false,
        };
        let (low, high) = self.builder.ins().isplit(result);
        self.push(low);
        self.push(high);
        true
    }

    fn pop2_wide(&mut self) -> (Value, Value) {
        let second = self.pop_wide();
        (self.pop_wide(), second)
    }

    fn pop_wide(&mut self) -> Value {
        let (low, high) = self.pop2();
        self.builder.ins().iconcat(low, high)
    }
}
