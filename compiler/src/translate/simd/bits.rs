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

/// A shift of lanes by a known amount.
struct Shift {
    opcode: Opcode,
    vector: Value,
    lanes: Type,
    /// Less than a lane has bits.
    amount: u32,
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
            Op::V128Or => {
                let (x, y) = self.pop2_bits();
                let value = match self.rotation(x, y) {
                    Some((x, lanes)) => self.shuffle(x, x, lanes),
                    None => self.builder.ins().bor(x, y),
                };
                self.push(value);
            }
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

    /// If `x` and `y` are the two parts of a vector whose lanes are rotated by whole bytes, this vector as bytes, and where
    /// each byte of the result comes from: one instruction instead of three.
    fn rotation(&mut self, x: Value, y: Value) -> Option<(Value, [u8; 16])> {
        let (first, second) = (self.shift(x)?, self.shift(y)?);
        let (left, right) = match (first.opcode, second.opcode) {
            (Opcode::Ishl, Opcode::Ushr) => (first, second),
            (Opcode::Ushr, Opcode::Ishl) => (second, first),
            _ => return None,
        };
        let bits = left.lanes.lane_bits();
        let is_rotation = left.lanes == right.lanes
            && self.uncast(left.vector) == self.uncast(right.vector)
            && left.amount % 8 == 0
            && left.amount + right.amount == bits;
        if !is_rotation {
            return None;
        }
        let (bytes, distance) = (bits / 8, left.amount / 8);
        let lanes = std::array::from_fn(|position| {
            let (lane, byte) = (position as u32 / bytes, position as u32 % bytes);
            (lane * bytes + (byte + bytes - distance) % bytes) as u8
        });
        Some((self.cast(left.vector, types::I8X16), lanes))
    }

    /// The shift by a known amount that makes a vector.
    fn shift(&self, value: Value) -> Option<Shift> {
        let value = self.uncast(value);
        let &InstructionData::Binary {
            opcode: opcode @ (Opcode::Ishl | Opcode::Ushr),
            args: [vector, amount],
        } = self.instruction(value)?
        else {
            return None;
        };
        let lanes = self.builder.func.dfg.value_type(value);
        let amount = self.known_integer(amount)? as u32 % lanes.lane_bits();
        Some(Shift { opcode, vector, lanes, amount })
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
        // With the lanes of a comparison, the code generator sees that whole lanes are selected. Where it is of the same
        // floats, it may even be a minimum.
        let selected = [self.uncast(x), self.uncast(y)];
        let lanes = match self.instruction(mask) {
            Some(InstructionData::FloatCompare { opcode: Opcode::Fcmp, args, .. })
                if args.iter().all(|arg| selected.contains(&self.uncast(*arg))) =>
            {
                self.builder.func.dfg.value_type(args[0])
            }
            _ => self.integer_lanes(mask),
        };
        let (mask, x, y) = (self.cast(mask, lanes), self.cast(x, lanes), self.cast(y, lanes));
        self.builder.ins().bitselect(mask, x, y)
    }
}
