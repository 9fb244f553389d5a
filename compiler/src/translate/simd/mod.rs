//! Vectors: the operators on `v128`, by family.
//!
//! To wasm, a `v128` is 128 bits; to CLIF, a vector of lanes of one type. On the operand stack a value has the lanes that
//! its operator has made, and is cast where the next operator wants others; everywhere else (locals, globals, block
//! parameters, calls) it has [`V128`]'s lanes. A cast is no machine instruction, but it hides from instruction selection
//! what it casts, so one is made only where it must be: see [`cast`](Translator::cast).
//!
//! Always true: the first lane is the one at the lowest address, on every machine.

/// Constants, lanes, and the operators that move them.
mod lanes;
/// Loads and stores.
mod memory;
/// Operators that see bits only.
mod bits;
/// Lanes that are integers.
mod integer;
/// Lanes that are floats.
mod float;
/// Conversions between lane types.
mod convert;
/// The operators of relaxed SIMD.
mod relaxed;

use cranelift_codegen::ir::{
    ConstantData, Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value,
};
use wasmparser::Operator;

use super::state::Translator;
use crate::convention::V128;

/// Applies a CLIF instruction to a vector of lanes of a type.
macro_rules! lanewise1 {
    ($self:ident, $lanes:ident, $instruction:ident) => {{
        let x = $self.pop_as(types::$lanes);
        let value = $self.builder.ins().$instruction(x);
        $self.push(value)
    }};
}
use lanewise1;

/// Applies a CLIF instruction to two vectors of lanes of a type.
macro_rules! lanewise2 {
    ($self:ident, $lanes:ident, $instruction:ident) => {{
        let (x, y) = $self.pop2_as(types::$lanes);
        let value = $self.builder.ins().$instruction(x, y);
        $self.push(value)
    }};
}
use lanewise2;

impl Translator<'_, '_> {
    /// Translates the operator if it is one on vectors.
    pub fn vector(&mut self, operator: &Operator<'_>) -> bool {
        self.vector_memory(operator)
            || self.vector_lanes(operator)
            || self.vector_bits(operator)
            || self.vector_integer(operator)
            || self.vector_float(operator)
            || self.vector_conversion(operator)
            || self.vector_relaxed(operator)
    }

    /// Pops a vector, with lanes of this type.
    fn pop_as(&mut self, lanes: Type) -> Value {
        let value = self.stack.pop().expect("validated code never pops an empty stack");
        match self.use_load(value) {
            true => self.load_as(value, lanes),
            false => self.cast(value, lanes),
        }
    }

    /// Pops two vectors, with lanes of this type.
    fn pop2_as(&mut self, lanes: Type) -> (Value, Value) {
        let second = self.pop_as(lanes);
        (self.pop_as(lanes), second)
    }

    /// Pops three vectors, with lanes of this type.
    fn pop3_as(&mut self, lanes: Type) -> (Value, Value, Value) {
        let third = self.pop_as(lanes);
        let (first, second) = self.pop2_as(lanes);
        (first, second, third)
    }

    /// Notes that a value is used, and says whether it is a vector that was loaded and not used before.
    pub fn use_load(&mut self, value: Value) -> bool {
        // Most functions have no vectors.
        !self.unused_loads.is_empty() && self.unused_loads.remove(&value)
    }

    /// Pushes a vector that was just loaded, before anything uses it.
    fn push_load(&mut self, value: Value) {
        self.unused_loads.insert(value);
        self.push(value);
    }

    /// Makes a load that nothing has used yet one of a vector with these lanes, so that the instruction that uses it can
    /// have the memory as its operand.
    fn load_as(&mut self, value: Value, lanes: Type) -> Value {
        let dfg = &mut self.builder.func.dfg;
        let load = dfg.value_def(value).unwrap_inst();
        dfg.clear_results(load);
        dfg.make_inst_results(load, lanes);
        dfg.first_result(load)
    }

    /// The same bits as lanes of another type.
    fn cast(&mut self, value: Value, lanes: Type) -> Value {
        let value = self.uncast(value);
        if self.builder.func.dfg.value_type(value) == lanes {
            return value;
        }
        if let Some(bytes) = self.known_vector(value) {
            return self.vector_constant(bytes, lanes);
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(lanes, flags, value)
    }

    /// A vector as it is everywhere but on the operand stack. Other values are as they are.
    pub fn canonical(&mut self, value: Value) -> Value {
        match self.builder.func.dfg.value_type(value).is_vector() {
            true => self.cast(value, V128),
            false => value,
        }
    }

    /// What was cast to this value, or the value itself: its bits, with the lanes that they were made as.
    pub fn uncast(&self, value: Value) -> Value {
        match self.instruction(value) {
            Some(&InstructionData::LoadNoOffset { opcode: Opcode::Bitcast, arg, .. })
                if self.builder.func.dfg.value_type(arg).is_vector() =>
            {
                arg
            }
            _ => value,
        }
    }

    /// The bytes of a vector, if it is a constant.
    fn known_vector(&self, value: Value) -> Option<[u8; 16]> {
        match self.instruction(value)? {
            InstructionData::UnaryConst { opcode: Opcode::Vconst, constant_handle } => {
                let constant = self.builder.func.dfg.constants.get(*constant_handle);
                constant.as_slice().try_into().ok()
            }
            _ => None,
        }
    }

    /// A constant.
    pub fn vector_constant(&mut self, bytes: [u8; 16], lanes: Type) -> Value {
        let constant = ConstantData::from(&bytes[..]);
        let constant = self.builder.func.dfg.constants.insert(constant);
        self.builder.ins().vconst(lanes, constant)
    }

    /// Applies an operator to the lower or the upper halves of vectors, with its lanes twice as wide.
    fn widen_lanes(&mut self, x: Value, half: Half, sign: Sign) -> Value {
        let ins = self.builder.ins();
        match (half, sign) {
            (Half::Low, Sign::Signed) => ins.swiden_low(x),
            (Half::Low, Sign::Unsigned) => ins.uwiden_low(x),
            (Half::High, Sign::Signed) => ins.swiden_high(x),
            (Half::High, Sign::Unsigned) => ins.uwiden_high(x),
        }
    }

    /// The sums of neighbouring lanes.
    fn add_neighbours(&mut self, x: Value, sign: Sign) -> Value {
        let low = self.widen_lanes(x, Half::Low, sign);
        let high = self.widen_lanes(x, Half::High, sign);
        self.builder.ins().iadd_pairwise(low, high)
    }

    /// The products of the lanes of one half, as lanes twice as wide.
    fn multiply_wide(&mut self, (x, y): (Value, Value), half: Half, signs: (Sign, Sign)) -> Value {
        let x = self.widen_lanes(x, half, signs.0);
        let y = self.widen_lanes(y, half, signs.1);
        self.builder.ins().imul(x, y)
    }
}

/// A half of a vector's lanes.
#[derive(Clone, Copy)]
enum Half {
    Low,
    High,
}

/// How integers are read.
#[derive(Clone, Copy)]
enum Sign {
    Signed,
    Unsigned,
}
