//! The types of values and functions.

use std::fmt;

use anyhow::{Result, bail};
use wootz_runtime::abi::index::{ObjectTypeIndex, SignatureIndex};
use wootz_runtime::abi::types as abi;
use wootz_runtime::vm::signature::{Object, Signature};

use crate::engine::Engine;

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector.
    V128,
    /// A reference.
    Ref(RefType),
}

impl ValType {
    /// Whether it is a number.
    pub fn is_num(&self) -> bool {
        matches!(self, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
    }

    /// Whether it is `i32`.
    pub fn is_i32(&self) -> bool {
        matches!(self, ValType::I32)
    }

    /// Whether it is `i64`.
    pub fn is_i64(&self) -> bool {
        matches!(self, ValType::I64)
    }

    /// Whether it is `f32`.
    pub fn is_f32(&self) -> bool {
        matches!(self, ValType::F32)
    }

    /// Whether it is `f64`.
    pub fn is_f64(&self) -> bool {
        matches!(self, ValType::F64)
    }

    /// Whether it is `v128`.
    pub fn is_v128(&self) -> bool {
        matches!(self, ValType::V128)
    }

    /// Whether it is a reference.
    pub fn is_ref(&self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether it is `funcref`.
    pub fn is_funcref(&self) -> bool {
        *self == ValType::FUNCREF
    }

    /// Whether it is `externref`.
    pub fn is_externref(&self) -> bool {
        *self == ValType::EXTERNREF
    }

    /// Whether it is `anyref`.
    pub fn is_anyref(&self) -> bool {
        *self == ValType::ANYREF
    }

    /// The reference type, if it is one.
    pub fn as_ref(&self) -> Option<&RefType> {
        match self {
            ValType::Ref(ty) => Some(ty),
            _ => None,
        }
    }

    /// The reference type.
    ///
    /// # Panics
    /// If it is none.
    pub fn unwrap_ref(&self) -> &RefType {
        self.as_ref().expect("a reference type")
    }

    /// Whether every value of this type also has type `other`.
    pub fn matches(&self, other: &ValType) -> bool {
        match (self, other) {
            (ValType::Ref(this), ValType::Ref(other)) => this.matches(other),
            _ => self == other,
        }
    }

    pub(crate) fn ensure_matches(&self, expected: &ValType) -> Result<()> {
        match self.matches(expected) {
            true => Ok(()),
            false => bail!("type mismatch: expected {expected}, found {self}"),
        }
    }

    pub(crate) fn from_abi(engine: &Engine, ty: abi::ValType) -> ValType {
        match ty {
            abi::ValType::I32 => ValType::I32,
            abi::ValType::I64 => ValType::I64,
            abi::ValType::F32 => ValType::F32,
            abi::ValType::F64 => ValType::F64,
            abi::ValType::V128 => ValType::V128,
            abi::ValType::Ref(ty) => ValType::Ref(RefType::from_abi(engine, ty)),
        }
    }

    pub(crate) fn to_abi(&self) -> abi::ValType {
        match self {
            ValType::I32 => abi::ValType::I32,
            ValType::I64 => abi::ValType::I64,
            ValType::F32 => abi::ValType::F32,
            ValType::F64 => abi::ValType::F64,
            ValType::V128 => abi::ValType::V128,
            ValType::Ref(ty) => abi::ValType::Ref(ty.to_abi()),
        }
    }
}

impl From<RefType> for ValType {
    fn from(ty: RefType) -> ValType {
        ValType::Ref(ty)
    }
}

/// The types of references that may be null, to what has a name in WebAssembly.
macro_rules! nullable_references {
    ($($name:ident = $heap:ident, $text:literal;)*) => {
        impl ValType {$(
            #[doc = concat!("`", $text, "`")]
            pub const $name: ValType = ValType::Ref(RefType::$name);
        )*}

        impl RefType {$(
            #[doc = concat!("`", $text, "`")]
            pub const $name: RefType = RefType { is_nullable: true, heap_type: HeapType::$heap };
        )*}
    };
}

nullable_references! {
    EXTERNREF = Extern, "externref";
    NULLEXTERNREF = NoExtern, "nullexternref";
    FUNCREF = Func, "funcref";
    NULLFUNCREF = NoFunc, "nullfuncref";
    ANYREF = Any, "anyref";
    EQREF = Eq, "eqref";
    I31REF = I31, "i31ref";
    ARRAYREF = Array, "arrayref";
    STRUCTREF = Struct, "structref";
    NULLREF = None, "nullref";
    EXNREF = Exn, "exnref";
    NULLEXNREF = NoExn, "nullexnref";
}

/// The type of a reference.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RefType {
    is_nullable: bool,
    heap_type: HeapType,
}

impl RefType {
    /// A reference to this, which may be null or not.
    pub fn new(is_nullable: bool, heap_type: HeapType) -> RefType {
        RefType { is_nullable, heap_type }
    }

    /// Whether null belongs to the type.
    pub fn is_nullable(&self) -> bool {
        self.is_nullable
    }

    /// What is referred to.
    pub fn heap_type(&self) -> &HeapType {
        &self.heap_type
    }

    /// Whether every reference of this type also has type `other`.
    pub fn matches(&self, other: &RefType) -> bool {
        (other.is_nullable || !self.is_nullable) && self.heap_type.matches(&other.heap_type)
    }

    pub(crate) fn from_abi(engine: &Engine, ty: abi::RefType) -> RefType {
        let heap_type = match ty.heap {
            abi::HeapType::Func => HeapType::Func,
            abi::HeapType::NoFunc => HeapType::NoFunc,
            abi::HeapType::Extern => HeapType::Extern,
            abi::HeapType::NoExtern => HeapType::NoExtern,
            abi::HeapType::Any => HeapType::Any,
            abi::HeapType::Eq => HeapType::Eq,
            abi::HeapType::I31 => HeapType::I31,
            abi::HeapType::Struct => HeapType::Struct,
            abi::HeapType::Array => HeapType::Array,
            abi::HeapType::None => HeapType::None,
            abi::HeapType::Exn => HeapType::Exn,
            abi::HeapType::NoExn => HeapType::NoExn,
            abi::HeapType::Signature(id) => HeapType::ConcreteFunc(FuncType::from_id(engine, id.0)),
            abi::HeapType::StructType(id) => {
                HeapType::ConcreteStruct(StructType { object: object(id) })
            }
            abi::HeapType::ArrayType(id) => {
                HeapType::ConcreteArray(ArrayType { object: object(id) })
            }
        };
        RefType { is_nullable: ty.nullable, heap_type }
    }

    pub(crate) fn to_abi(&self) -> abi::RefType {
        let heap = match &self.heap_type {
            HeapType::Func => abi::HeapType::Func,
            HeapType::NoFunc => abi::HeapType::NoFunc,
            HeapType::Extern => abi::HeapType::Extern,
            HeapType::NoExtern => abi::HeapType::NoExtern,
            HeapType::Any => abi::HeapType::Any,
            HeapType::Eq => abi::HeapType::Eq,
            HeapType::I31 => abi::HeapType::I31,
            HeapType::Struct => abi::HeapType::Struct,
            HeapType::Array => abi::HeapType::Array,
            HeapType::None => abi::HeapType::None,
            HeapType::Exn => abi::HeapType::Exn,
            HeapType::NoExn => abi::HeapType::NoExn,
            HeapType::ConcreteStruct(ty) => {
                abi::HeapType::StructType(ObjectTypeIndex(ty.object.id()))
            }
            HeapType::ConcreteArray(ty) => {
                abi::HeapType::ArrayType(ObjectTypeIndex(ty.object.id()))
            }
            HeapType::ConcreteFunc(ty) => {
                abi::HeapType::Signature(SignatureIndex(ty.signature.id()))
            }
        };
        abi::RefType { nullable: self.is_nullable, heap }
    }
}

/// What a reference refers to.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeapType {
    /// Any host value.
    Extern,
    /// No host value: the type of null.
    NoExtern,
    /// Any function.
    Func,
    /// A function of one type.
    ConcreteFunc(FuncType),
    /// No function: the type of null.
    NoFunc,
    /// Any object. Of the `gc` proposal there are only the types in this version, and so no object but null.
    Any,
    /// Any object that can be compared with others.
    Eq,
    /// A 31-bit integer.
    I31,
    /// Any array.
    Array,
    /// An array of one type.
    ConcreteArray(ArrayType),
    /// Any struct.
    Struct,
    /// A struct of one type.
    ConcreteStruct(StructType),
    /// No object: the type of null.
    None,
    /// Any exception. Of the `exceptions` proposal there are only the types in this version, and so no exception but null.
    Exn,
    /// No exception: the type of null.
    NoExn,
}

impl HeapType {
    /// Whether everything of this type is also of type `other`.
    pub fn matches(&self, other: &HeapType) -> bool {
        match (self, other) {
            (HeapType::NoExtern, HeapType::Extern) => true,
            (HeapType::NoFunc, HeapType::Func | HeapType::ConcreteFunc(_)) => true,
            (HeapType::ConcreteFunc(_), HeapType::Func) => true,
            (HeapType::None, other) if other.top() == HeapType::Any => true,
            (HeapType::NoExn, HeapType::Exn) => true,
            (HeapType::ConcreteStruct(_), HeapType::Struct) => true,
            (HeapType::ConcreteArray(_), HeapType::Array) => true,
            (
                HeapType::I31
                | HeapType::Struct
                | HeapType::ConcreteStruct(_)
                | HeapType::Array
                | HeapType::ConcreteArray(_),
                HeapType::Eq | HeapType::Any,
            ) => true,
            (HeapType::Eq, HeapType::Any) => true,
            _ => self == other,
        }
    }

    /// The widest type above this one.
    pub fn top(&self) -> HeapType {
        match self {
            HeapType::Extern | HeapType::NoExtern => HeapType::Extern,
            HeapType::Func | HeapType::ConcreteFunc(_) | HeapType::NoFunc => HeapType::Func,
            HeapType::Any
            | HeapType::Eq
            | HeapType::I31
            | HeapType::Array
            | HeapType::ConcreteArray(_)
            | HeapType::Struct
            | HeapType::ConcreteStruct(_)
            | HeapType::None => HeapType::Any,
            HeapType::Exn | HeapType::NoExn => HeapType::Exn,
        }
    }

    /// Whether there is nothing above it.
    pub fn is_top(&self) -> bool {
        *self == self.top()
    }

    /// The narrowest type below this one, to which only null belongs.
    pub fn bottom(&self) -> HeapType {
        match self.top() {
            HeapType::Extern => HeapType::NoExtern,
            HeapType::Func => HeapType::NoFunc,
            HeapType::Exn => HeapType::NoExn,
            _ => HeapType::None,
        }
    }

    /// Whether there is nothing below it.
    pub fn is_bottom(&self) -> bool {
        *self == self.bottom()
    }

    /// Whether it is one of those that have a name in WebAssembly, rather than a type of the user's.
    pub fn is_abstract(&self) -> bool {
        !self.is_concrete()
    }

    /// Whether it is a type of the user's, such as a function type.
    pub fn is_concrete(&self) -> bool {
        self.is_concrete_func() || self.is_concrete_array() || self.is_concrete_struct()
    }

    /// Whether it is `extern`.
    pub fn is_extern(&self) -> bool {
        matches!(self, HeapType::Extern)
    }

    /// Whether it is `func`.
    pub fn is_func(&self) -> bool {
        matches!(self, HeapType::Func)
    }

    /// Whether it is `nofunc`.
    pub fn is_no_func(&self) -> bool {
        matches!(self, HeapType::NoFunc)
    }

    /// Whether it is `noextern`.
    pub fn is_no_extern(&self) -> bool {
        matches!(self, HeapType::NoExtern)
    }

    /// Whether it is `any`.
    pub fn is_any(&self) -> bool {
        matches!(self, HeapType::Any)
    }

    /// Whether it is `i31`.
    pub fn is_i31(&self) -> bool {
        matches!(self, HeapType::I31)
    }

    /// Whether it is `none`.
    pub fn is_none(&self) -> bool {
        matches!(self, HeapType::None)
    }

    /// Whether it is `exn`.
    pub fn is_exn(&self) -> bool {
        matches!(self, HeapType::Exn)
    }

    /// Whether it is `noexn`.
    pub fn is_no_exn(&self) -> bool {
        matches!(self, HeapType::NoExn)
    }
}

/// Heap types that are types of the user's.
macro_rules! concrete {
    ($($is:ident $get:ident $unwrap:ident $variant:ident($ty:ty), $what:literal;)*) => {
        impl HeapType {$(
            #[doc = concat!("Whether it is ", $what, ".")]
            pub fn $is(&self) -> bool {
                self.$get().is_some()
            }

            #[doc = concat!("The type, if it is ", $what, ".")]
            pub fn $get(&self) -> Option<&$ty> {
                match self {
                    HeapType::$variant(ty) => Some(ty),
                    _ => None,
                }
            }

            #[doc = concat!("The type.\n\n# Panics\nIf it is not ", $what, ".")]
            pub fn $unwrap(&self) -> &$ty {
                self.$get().expect($what)
            }
        )*}
    };
}

concrete! {
    is_concrete_func as_concrete_func unwrap_concrete_func ConcreteFunc(FuncType), "a function type";
    is_concrete_array as_concrete_array unwrap_concrete_array ConcreteArray(ArrayType), "an array type";
    is_concrete_struct as_concrete_struct unwrap_concrete_struct ConcreteStruct(StructType), "a struct type";
}

impl From<FuncType> for HeapType {
    fn from(ty: FuncType) -> HeapType {
        HeapType::ConcreteFunc(ty)
    }
}

/// The object type that has this number.
fn object(id: ObjectTypeIndex) -> Object {
    Object::by_id(id.0).expect("whoever has a number keeps its type alive")
}

/// Types of objects.
macro_rules! object_types {
    ($($name:ident, $what:literal;)*) => {$(
        #[doc = concat!("The type of ", $what, ", which a module has defined. In this version it can be compared, and nothing else.")]
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name {
            object: Object,
        }

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.object.id().hash(state);
            }
        }
    )*};
}

object_types! {
    StructType, "structs";
    ArrayType, "arrays";
}

/// The type of a function.
#[derive(Clone)]
pub struct FuncType {
    engine: Engine,
    signature: Signature,
}

impl FuncType {
    /// The type with these parameters and results.
    pub fn new(
        engine: &Engine,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        // The types are kept until they are interned, because numbers in them mean something only as long.
        let (params, results): (Vec<_>, Vec<_>) =
            (params.into_iter().collect(), results.into_iter().collect());
        let ty = abi::FuncType {
            params: params.iter().map(ValType::to_abi).collect(),
            results: results.iter().map(ValType::to_abi).collect(),
        };
        FuncType { engine: engine.clone(), signature: Signature::new(ty) }
    }

    /// As [`new`](Self::new).
    ///
    /// # Errors
    /// Never in this version.
    pub fn try_new(
        engine: &Engine,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Result<FuncType> {
        Ok(FuncType::new(engine, params, results))
    }

    pub(crate) fn from_signature(engine: &Engine, signature: &Signature) -> FuncType {
        FuncType { engine: engine.clone(), signature: signature.clone() }
    }

    /// The type that has this number.
    pub(crate) fn from_id(engine: &Engine, id: u32) -> FuncType {
        let signature =
            Signature::by_id(id).expect("whoever has a number keeps its signature alive");
        FuncType { engine: engine.clone(), signature }
    }

    pub(crate) fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The type of a parameter.
    pub fn param(&self, i: usize) -> Option<ValType> {
        Some(ValType::from_abi(&self.engine, *self.signature.ty().params.get(i)?))
    }

    /// The types of its parameters.
    pub fn params(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.signature.ty().params.iter().map(|&ty| ValType::from_abi(&self.engine, ty))
    }

    /// The type of a result.
    pub fn result(&self, i: usize) -> Option<ValType> {
        Some(ValType::from_abi(&self.engine, *self.signature.ty().results.get(i)?))
    }

    /// The types of its results.
    pub fn results(&self) -> impl ExactSizeIterator<Item = ValType> + '_ {
        self.signature.ty().results.iter().map(|&ty| ValType::from_abi(&self.engine, ty))
    }

    /// Whether every function of this type also has type `other`: whether it is the same. (Only types that modules declare
    /// so, with the `gc` proposal, are below another one.)
    pub fn matches(&self, other: &FuncType) -> bool {
        self == other
    }
}

impl PartialEq for FuncType {
    fn eq(&self, other: &FuncType) -> bool {
        self.signature == other.signature
    }
}

impl Eq for FuncType {}

impl std::hash::Hash for FuncType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.signature.id().hash(state);
    }
}

/// How many function types are written out in each other. Further in, they are abbreviated: types may mention themselves.
const MOST_NESTED: usize = 2;

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl ValType {
    /// Writes it as a part of `nested` function types.
    fn write(&self, f: &mut fmt::Formatter<'_>, nested: usize) -> fmt::Result {
        match self {
            ValType::Ref(ty) => ty.write(f, nested),
            number => write!(f, "{}", number.to_abi()),
        }
    }
}

impl fmt::Display for RefType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl RefType {
    fn write(&self, f: &mut fmt::Formatter<'_>, nested: usize) -> fmt::Result {
        let HeapType::ConcreteFunc(ty) = &self.heap_type else {
            return write!(f, "{}", self.to_abi());
        };
        f.write_str(if self.is_nullable { "(ref null " } else { "(ref " })?;
        ty.write(f, nested)?;
        f.write_str(")")
    }
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeapType::ConcreteFunc(ty) => ty.fmt(f),
            heap_type => RefType::new(false, heap_type.clone()).to_abi().heap.fmt(f),
        }
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl FuncType {
    fn write(&self, f: &mut fmt::Formatter<'_>, nested: usize) -> fmt::Result {
        if nested == MOST_NESTED {
            return f.write_str("(type (func ...))");
        }
        f.write_str("(type (func")?;
        for (word, types) in
            [("param", &self.signature.ty().params), ("result", &self.signature.ty().results)]
        {
            for &ty in types {
                write!(f, " ({word} ")?;
                ValType::from_abi(&self.engine, ty).write(f, nested + 1)?;
                f.write_str(")")?;
            }
        }
        f.write_str("))")
    }
}

macro_rules! debug_as_display {
    ($($ty:ty)*) => {$(
        impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_as_display! { ValType RefType HeapType FuncType }
