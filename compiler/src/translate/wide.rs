//! Arithmetic on integers of 128 bits, which wasm has as two of 64: the lower one first.
//!
//! Cranelift's own 128-bit integers become what machines have for this: additions with carry, multiplications with two
//! results.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use wasmparser::Operator;

use super::state::Translator;
use crate::idiom::{Factor, Half, Product};

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

    /// The halves of the product of two numbers that the function was given, the lower one first.
    pub fn product_of_parameters(&mut self, factors: [Factor; 2]) -> [Value; 2] {
        let locals = self.locals.clone();
        self.product(factors, |translator, index| {
            translator.builder.use_var(locals[index as usize])
        })
    }

    /// Does what a function does that stores a product, instead of calling it.
    pub fn store_product(&mut self, product: &Product) {
        let parameters = 1 + product
            .factors
            .iter()
            .map(|factor| 1 + u32::from(factor.high.is_some()))
            .sum::<u32>();
        let values = self.stack.split_off(self.stack.len() - parameters as usize);
        let halves = self.product(product.factors, |_, index| values[index as usize]);
        for store in product.stores {
            let half = match store.half {
                Half::Low => halves[0],
                Half::High => halves[1],
            };
            self.push(values[0]);
            self.push(half);
            self.memory_access(&Operator::I64Store { memarg: store.memarg });
        }
    }

    /// The halves of a product of parameters, the lower one first.
    fn product(
        &mut self,
        factors: [Factor; 2],
        mut parameter: impl FnMut(&mut Self, u32) -> Value,
    ) -> [Value; 2] {
        let lows = factors.map(|factor| parameter(self, factor.low));
        let [x, y] = lows.map(|low| self.builder.ins().uextend(types::I128, low));
        let product = self.builder.ins().imul(x, y);
        let (low, mut high) = self.builder.ins().isplit(product);
        for (factor, other) in factors.into_iter().zip([lows[1], lows[0]]) {
            if let Some(upper) = factor.high {
                let upper = parameter(self, upper);
                let upper = self.builder.ins().imul(upper, other);
                high = self.builder.ins().iadd(high, upper);
            }
        }
        [low, high]
    }

    /// Puts another value on top of the operand stack.
    pub fn replace_top(&mut self, value: Value) {
        *self.stack.last_mut().expect("an operator that was validated has operands") = value;
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
