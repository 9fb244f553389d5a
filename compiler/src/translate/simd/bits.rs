//! Operators that see bits only, whatever the lanes are.

use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Type, Value, types};
use wasmparser::Operator;

use super::super::state::Translator;

/// Applies a CLIF instruction to the bits of two vectors.
macro_rules! bitwise {
    ($self:ident, $instruction:ident) => {{
        let (x, y) = $self.pop2_bits();
        let value = $self.builder.ins().$instruction(x, y);
        $self.push(value)
    }};
}

impl Translator<'_, '_> {
    /// Translates the operator if it is one on bits.
    pub fn vector_bits(&mut self, operator: &Operator<'_>) -> bool {
        use Operator as Op;
        match *operator {
            Op::V128Not => {
                let x = self.pop_bits();
                let value = self.builder.ins().bnot(x);
                self.push(value);
            }
            Op::V128And => bitwise!(self, band),
            Op::V128Or => bitwise!(self, bor),
            Op::V128Xor => bitwise!(self, bxor),
            Op::V128AndNot => bitwise!(self, band_not),
            Op::V128Bitselect => {
                let (x, y, mask) = self.pop3();
                let value = self.bitselect(mask, x, y);
                self.push(value);
            }
            Op::V128AnyTrue => {
                let x = self.pop_bits();
                let truth = self.builder.ins().vany_true(x);
                self.push_truth(truth);
            }
            _ => return false,
        }
        true
    }

    /// Pops a vector, with the lanes that it was made with if these are integers.
    fn pop_bits(&mut self) -> Value {
        let lanes = self.integer_lanes(self.stack[self.stack.len() - 1]);
        self.pop_as(lanes)
    }

    /// Pops two vectors, with lanes that one of them was made with if these are integers.
    fn pop2_bits(&mut self) -> (Value, Value) {
        let [x, y] = [2, 1].map(|depth| self.stack[self.stack.len() - depth]);
        // Constants and loads can have any lanes.
        let has_lanes = !self.unused_loads.contains(&x) && self.known_vector(x).is_none();
        let lanes = self.integer_lanes(if has_lanes { x } else { y });
        self.pop2_as(lanes)
    }

    /// Two values as values of one type: vectors with the lanes that both were made with, if these are the same.
    pub fn alike(&mut self, x: Value, y: Value) -> (Value, Value) {
        let (bits_x, bits_y) = (self.uncast(x), self.uncast(y));
        let dfg = &self.builder.func.dfg;
        match dfg.value_type(bits_x) == dfg.value_type(bits_y) {
            true => (bits_x, bits_y),
            false => (self.canonical(x), self.canonical(y)),
        }
    }

    /// The lanes that a vector was made with, as integers.
    fn integer_lanes(&self, x: Value) -> Type {
        self.builder.func.dfg.value_type(self.uncast(x)).as_truthy()
    }

    /// The bits of `x` where `mask` has ones, those of `y` elsewhere.
    pub fn bitselect(&mut self, mask: Value, x: Value, y: Value) -> Value {
        let mask = self.uncast(mask);
        let dfg = &self.builder.func.dfg;
        let lanes = [self.uncast(x), self.uncast(y)].map(|value| dfg.value_type(value));
        let compares_floats = matches!(
            self.instruction(mask),
            Some(InstructionData::FloatCompare { opcode: Opcode::Fcmp, .. })
        );
        // With the lanes of a comparison, the code generator sees that whole lanes are selected. Where those are of the
        // floats that were compared, it may even be a minimum.
        let lanes = match lanes {
            [types::F32X4, types::F32X4] if compares_floats => types::F32X4,
            [types::F64X2, types::F64X2] if compares_floats => types::F64X2,
            _ => self.integer_lanes(mask),
        };
        let (mask, x, y) = (self.cast(mask, lanes), self.cast(x, lanes), self.cast(y, lanes));
        self.builder.ins().bitselect(mask, x, y)
    }
}
