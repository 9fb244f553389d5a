//! What values there are, and what functions take and return.

use std::ffi::c_int;

use anyhow::{Result, format_err};
use loader::{FuncType, HeapType, RefType, ValType};

/// `wootz_value_kind_t`: what a value is, as far as C tells values apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub enum Kind {
    I32 = 0,
    I64 = 1,
    F32 = 2,
    F64 = 3,
    V128 = 4,
    /// A function, of whatever type.
    Func = 5,
    /// A pointer of the host's.
    Extern = 6,
    /// An object. Only null in this version.
    Any = 7,
    /// An exception. Only null in this version.
    Exn = 8,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::I32,
        Kind::I64,
        Kind::F32,
        Kind::F64,
        Kind::V128,
        Kind::Func,
        Kind::Extern,
        Kind::Any,
        Kind::Exn,
    ];

    /// The kind that has a number of C's.
    pub fn from_number(number: c_int) -> Result<Kind> {
        let kind = usize::try_from(number).ok().and_then(|number| Kind::ALL.get(number));
        kind.copied().ok_or_else(|| format_err!("expected a wootz_value_kind_t, found {number}"))
    }

    pub fn of(ty: &ValType) -> Kind {
        match ty {
            ValType::I32 => Kind::I32,
            ValType::I64 => Kind::I64,
            ValType::F32 => Kind::F32,
            ValType::F64 => Kind::F64,
            ValType::V128 => Kind::V128,
            ValType::Ref(ty) => Kind::of_reference(ty),
        }
    }

    pub fn of_reference(ty: &RefType) -> Kind {
        match ty.heap_type().top() {
            HeapType::Func => Kind::Func,
            HeapType::Extern => Kind::Extern,
            HeapType::Exn => Kind::Exn,
            _ => Kind::Any,
        }
    }

    /// The type of all values of the kind.
    pub fn ty(self) -> ValType {
        match self {
            Kind::I32 => ValType::I32,
            Kind::I64 => ValType::I64,
            Kind::F32 => ValType::F32,
            Kind::F64 => ValType::F64,
            Kind::V128 => ValType::V128,
            Kind::Func => ValType::FUNCREF,
            Kind::Extern => ValType::EXTERNREF,
            Kind::Any => ValType::ANYREF,
            Kind::Exn => ValType::EXNREF,
        }
    }

    /// Whether C sees the same bits as compiled code.
    fn is_plain(self) -> bool {
        matches!(self, Kind::I32 | Kind::I64 | Kind::F32 | Kind::F64 | Kind::V128)
    }
}

/// What a function takes and returns.
pub struct Signature {
    pub params: Box<[Kind]>,
    pub results: Box<[Kind]>,
    /// Whether C sees the same bits of all of it as compiled code.
    pub is_plain: bool,
}

impl Signature {
    pub fn of(ty: &FuncType) -> Signature {
        let params: Box<[Kind]> = ty.params().map(|ty| Kind::of(&ty)).collect();
        let results: Box<[Kind]> = ty.results().map(|ty| Kind::of(&ty)).collect();
        let is_plain = params.iter().chain(&results).all(|kind| kind.is_plain());
        Signature { params, results, is_plain }
    }

    /// How many values there must be room for.
    pub fn slots(&self) -> usize {
        self.params.len().max(self.results.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_numbers_and_types() {
        for (number, kind) in (0..).zip(Kind::ALL) {
            assert_eq!(Kind::from_number(number).unwrap(), kind);
            assert_eq!(kind as c_int, number);
            assert_eq!(Kind::of(&kind.ty()), kind);
        }
        for number in [-1, Kind::ALL.len() as c_int, c_int::MAX] {
            assert!(Kind::from_number(number).is_err());
        }
    }
}
