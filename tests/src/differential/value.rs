//! Values in a form in which sides can be compared, and the values at which operators change what they do.
//!
//! Always true: two values are equal if no guest can tell them apart, as far as a host can see. Of functions and
//! objects only that they are there is compared.

use super::random::Random;

/// A value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// A vector.
    V128(u128),
    /// A function, or null.
    Func(Option<Function>),
    /// A host value, which is a number, or null.
    Extern(Option<u32>),
    /// Another reference, or null.
    Other(Option<Object>),
}

/// Something that a reference refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Object;

/// Some function. As an argument it is the first exported one, by name, that has the right type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function;

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::I32(value) => write!(f, "i32 {value} ({value:#x})"),
            Value::I64(value) => write!(f, "i64 {value} ({value:#x})"),
            Value::F32(bits) => write!(f, "f32 {} ({bits:#x})", f32::from_bits(*bits)),
            Value::F64(bits) => write!(f, "f64 {} ({bits:#x})", f64::from_bits(*bits)),
            Value::V128(bits) => write!(f, "v128 {bits:#034x}"),
            Value::Func(None) => write!(f, "funcref null"),
            Value::Func(Some(Function)) => write!(f, "a function"),
            Value::Extern(None) => write!(f, "externref null"),
            Value::Other(None) => write!(f, "null"),
            Value::Other(Some(Object)) => write!(f, "an object"),
            Value::Extern(Some(number)) => write!(f, "externref {number}"),
        }
    }
}

/// What kind of value it is, as far as arguments must know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A vector.
    V128,
    /// A reference to a function.
    Func,
    /// A reference to a host value.
    Extern,
    /// A reference to something else. The host knows no value of it but null.
    Other,
}

impl Kind {
    /// All kinds whose values the host can make.
    pub const ALL: [Kind; 7] =
        [Kind::I32, Kind::I64, Kind::F32, Kind::F64, Kind::V128, Kind::Func, Kind::Extern];

    /// The kind of a type.
    pub fn of(ty: &wootz::ValType) -> Kind {
        match ty {
            wootz::ValType::I32 => Kind::I32,
            wootz::ValType::I64 => Kind::I64,
            wootz::ValType::F32 => Kind::F32,
            wootz::ValType::F64 => Kind::F64,
            wootz::ValType::V128 => Kind::V128,
            wootz::ValType::Ref(ty) => match ty.heap_type().top() {
                wootz::HeapType::Extern => Kind::Extern,
                wootz::HeapType::Func => Kind::Func,
                _ => Kind::Other,
            },
        }
    }

    /// The values at which operators change what they do. Never empty.
    pub fn edges(self) -> Vec<Value> {
        match self {
            Kind::I32 => I32_EDGES.iter().map(|&value| Value::I32(value)).collect(),
            Kind::I64 => i64_edges().into_iter().map(Value::I64).collect(),
            Kind::F32 => f32_edges().into_iter().map(Value::F32).collect(),
            Kind::F64 => f64_edges().into_iter().map(Value::F64).collect(),
            Kind::V128 => v128_edges().into_iter().map(Value::V128).collect(),
            Kind::Func => vec![Value::Func(None), Value::Func(Some(Function))],
            Kind::Other => vec![Value::Other(None)],
            Kind::Extern => [None, Some(0), Some(u32::MAX)].map(Value::Extern).into(),
        }
    }

    /// Some value: mostly an edge.
    pub fn random(self, random: &mut Random) -> Value {
        if random.below(4) != 0 {
            return *random.one_of(&self.edges());
        }
        let bits = random.number();
        match self {
            Kind::I32 => Value::I32(bits as i32),
            Kind::I64 => Value::I64(bits as i64),
            Kind::F32 => Value::F32(bits as u32),
            Kind::F64 => Value::F64(bits),
            Kind::V128 => Value::V128(u128::from(bits) << 64 | u128::from(random.number())),
            Kind::Func => Value::Func(Some(Function)),
            Kind::Extern => Value::Extern(Some(bits as u32)),
            Kind::Other => Value::Other(None),
        }
    }
}

const I32_EDGES: &[i32] = &[
    0,
    1,
    -1,
    2,
    -2,
    7,
    8,
    15,
    16,
    31,
    32,
    33,
    63,
    64,
    0x7f,
    0x80,
    -0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    -0x8000,
    0xffff,
    0x1_0000,
    0x1_fffd,
    i32::MAX,
    i32::MIN,
    i32::MIN + 1,
    0x1234_5678,
    0x5555_5555,
    -0x0102_0408,
];

fn i64_edges() -> Vec<i64> {
    let wide = [
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        -0x8000_0001,
        i64::MAX,
        i64::MIN,
        i64::MIN + 1,
        0x0123_4567_89ab_cdef,
        -0x5555_5555_5555_5556,
    ];
    I32_EDGES.iter().map(|&value| value.into()).chain(wide).collect()
}

/// Numbers at which rounding and conversions to integers change what they do.
const NUMBERS: &[f64] = &[
    0.0,
    0.5,
    0.999_999_97,
    1.0,
    1.5,
    2.5,
    3.0,
    127.5,
    255.5,
    8_388_607.5,
    16_777_217.0,
    2_147_483_647.0,
    2_147_483_648.0,
    2_147_483_649.0,
    4_294_967_295.0,
    4_294_967_296.0,
    4_503_599_627_370_495.5,
    9_223_372_036_854_774_784.0,
    9_223_372_036_854_775_808.0,
    18_446_744_073_709_549_568.0,
    18_446_744_073_709_551_616.0,
    1e-40,
    3e38,
    1e300,
    f64::INFINITY,
];

fn f32_edges() -> Vec<u32> {
    let numbers = NUMBERS.iter().flat_map(|&number| [number as f32, -number as f32]);
    let others = [f32::MIN_POSITIVE.to_bits(), 1, f32::MAX.to_bits()];
    // A canonical NaN, others with payloads, one of them signalling.
    let nans = [0x7fc0_0000, 0xffc0_0000, 0x7fd5_5555, 0x7fa0_0001, 0xffff_ffff];
    numbers.map(f32::to_bits).chain(others).chain(nans).collect()
}

fn f64_edges() -> Vec<u64> {
    let numbers = NUMBERS.iter().flat_map(|&number| [number, -number]);
    let others = [f64::MIN_POSITIVE.to_bits(), 1, f64::MAX.to_bits()];
    let nans = [
        0x7ff8_0000_0000_0000,
        0xfff8_0000_0000_0000,
        0x7ffd_5555_5555_5555,
        0x7ff4_0000_0000_0001,
        u64::MAX,
    ];
    numbers.map(f64::to_bits).chain(others).chain(nans).collect()
}

/// Vectors whose lanes, of whatever shape, are edges.
fn v128_edges() -> Vec<u128> {
    let mut edges = vec![0, 1, u128::MAX, u128::MAX / 3, 1 << 127];
    edges.push(u128::from_le_bytes(std::array::from_fn(|at| at as u8)));
    // For lanes of 8 bits: what saturates, and indices outside.
    edges.push(u128::from_le_bytes(std::array::from_fn(|at| [0x7f, 0x80, 0xff, 1][at % 4])));
    edges.push(u128::from_le_bytes(std::array::from_fn(|at| [16, 15, 0, 0x90, 31, 7][at % 6])));
    edges.push(u128::from_le_bytes([0x80; 16]));
    // Of 16 bits.
    edges.push(wide(&[0x7fff_8000, 0x0100_00ff, 0xff80_ff7f, 0x8000_8000]));
    edges.push(wide(&[0x8000_8000; 4]));
    edges.push(wide(&[0x7fff_7fff; 4]));
    // Of 32 bits, and floats of that size.
    edges.push(wide(&[0x8000_0000, 0x7fff_ffff, 0x1_0000, 0xffff_8000]));
    for chunk in f32_edges().chunks_exact(4) {
        edges.push(wide(&[chunk[0], chunk[1], chunk[2], chunk[3]]));
    }
    edges.push(wide(&[0x7fa0_0001, 0x3fc0_0000, 0xffc0_0000, 0x8000_0000]));
    // Of 64 bits, and floats of that size.
    for chunk in f64_edges().chunks_exact(2) {
        edges.push(u128::from(chunk[0]) << 64 | u128::from(chunk[1]));
    }
    edges
}

fn wide(lanes: &[u32; 4]) -> u128 {
    lanes.iter().rev().fold(0, |bits, &lane| bits << 32 | u128::from(lane))
}
