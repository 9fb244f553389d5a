//! Values, as users see them and as they travel into and out of wasm.
//!
//! Always true: a value is checked against its type and its store before it becomes raw.

use std::cmp::Ordering;
use std::fmt;
use std::ptr::NonNull;

use anyhow::{Result, ensure};
use wootz_runtime::abi::types as abi;
use wootz_runtime::abi::vmctx::ValRaw;
use wootz_runtime::vm::signature::Signature;

use crate::handle::Func;
use crate::reference::{AnyRef, ExnRef, ExternRef, Rooted};
use crate::store::{AsContext, AsContextMut, StoreCore};
use crate::types::{FuncType, HeapType, RefType, ValType};

/// A value.
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// 32-bit integer.
    I32(i32),
    /// 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// 128-bit vector.
    V128(V128),
    /// A function, or null.
    FuncRef(Option<Func>),
    /// A host value, or null.
    ExternRef(Option<Rooted<ExternRef>>),
    /// An object, or null. In this version there are none but null.
    AnyRef(Option<Rooted<AnyRef>>),
    /// An exception, or null. In this version there are none but null.
    ExnRef(Option<Rooted<ExnRef>>),
}

/// A reference.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Ref {
    /// A function, or null.
    Func(Option<Func>),
    /// A host value, or null.
    Extern(Option<Rooted<ExternRef>>),
    /// An object, or null. In this version there are none but null.
    Any(Option<Rooted<AnyRef>>),
    /// An exception, or null. In this version there are none but null.
    Exn(Option<Rooted<ExnRef>>),
}

/// A 128-bit vector.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct V128([u8; 16]);

impl V128 {
    /// The bits as a number.
    pub fn as_u128(&self) -> u128 {
        u128::from_le_bytes(self.0)
    }
}

/// As numbers.
impl Ord for V128 {
    fn cmp(&self, other: &V128) -> Ordering {
        self.as_u128().cmp(&other.as_u128())
    }
}

impl PartialOrd for V128 {
    fn partial_cmp(&self, other: &V128) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for V128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_u128().fmt(f)
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> V128 {
        V128(bits.to_le_bytes())
    }
}

impl From<V128> for u128 {
    fn from(vector: V128) -> u128 {
        vector.as_u128()
    }
}

macro_rules! accessors {
    ($($get:ident $unwrap:ident $variant:ident($value:ident) $ty:ty = $read:expr;)*) => {$(
        #[doc = concat!("The value, if it is a `", stringify!($ty), "`.")]
        pub fn $get(&self) -> Option<$ty> {
            match self {
                Val::$variant($value) => Some($read),
                _ => None,
            }
        }

        #[doc = concat!("The value.\n\n# Panics\nIf it is no `", stringify!($ty), "`.")]
        pub fn $unwrap(&self) -> $ty {
            self.$get().expect(concat!("expected ", stringify!($ty)))
        }
    )*};
}

macro_rules! reference_accessors {
    ($($get:ident $unwrap:ident $(, $is:ident)?; $enum:ident::$variant:ident $ty:ty, $what:literal;)*) => {$(
        #[doc = concat!("What it refers to, if it is a reference to ", $what, " or null.")]
        pub fn $get(&self) -> Option<Option<&$ty>> {
            match self {
                $enum::$variant(value) => Some(value.as_ref()),
                _ => None,
            }
        }

        #[doc = concat!("What it refers to, or `None` for null.\n\n# Panics\nIf it is no reference to ", $what, ".")]
        pub fn $unwrap(&self) -> Option<&$ty> {
            self.$get().expect(concat!("expected a reference to ", $what))
        }

        $(
            #[doc = concat!("Whether it is a reference to ", $what, ", or null of such a type.")]
            pub fn $is(&self) -> bool {
                self.$get().is_some()
            }
        )?
    )*};
}

impl Val {
    accessors! {
        i32 unwrap_i32 I32(v) i32 = *v;
        i64 unwrap_i64 I64(v) i64 = *v;
        f32 unwrap_f32 F32(v) f32 = f32::from_bits(*v);
        f64 unwrap_f64 F64(v) f64 = f64::from_bits(*v);
        v128 unwrap_v128 V128(v) V128 = *v;
    }

    reference_accessors! {
        funcref unwrap_funcref; Val::FuncRef Func, "a function";
        func_ref unwrap_func_ref; Val::FuncRef Func, "a function";
        externref unwrap_externref; Val::ExternRef Rooted<ExternRef>, "a host value";
        extern_ref unwrap_extern_ref; Val::ExternRef Rooted<ExternRef>, "a host value";
        anyref unwrap_anyref; Val::AnyRef Rooted<AnyRef>, "an object";
        any_ref unwrap_any_ref; Val::AnyRef Rooted<AnyRef>, "an object";
        exnref unwrap_exnref; Val::ExnRef Rooted<ExnRef>, "an exception";
    }

    /// The reference, if it is one.
    pub fn ref_(self) -> Option<Ref> {
        match self {
            Val::FuncRef(func) => Some(Ref::Func(func)),
            Val::ExternRef(value) => Some(Ref::Extern(value)),
            Val::AnyRef(value) => Some(Ref::Any(value)),
            Val::ExnRef(value) => Some(Ref::Exn(value)),
            _ => None,
        }
    }

    /// The null reference of a type.
    pub fn null_ref(heap_type: &HeapType) -> Val {
        Ref::null(heap_type).into()
    }

    /// The null reference to a function.
    pub const fn null_func_ref() -> Val {
        Val::FuncRef(None)
    }

    /// The null reference to a host value.
    pub const fn null_extern_ref() -> Val {
        Val::ExternRef(None)
    }

    /// The null reference to an object.
    pub const fn null_any_ref() -> Val {
        Val::AnyRef(None)
    }

    /// The null reference to an exception.
    pub const fn null_exn_ref() -> Val {
        Val::ExnRef(None)
    }

    /// What locals of a type are at first, if there is such a value.
    pub fn default_for_ty(ty: &ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128::default()),
            ValType::Ref(ty) if ty.is_nullable() => Val::null_ref(ty.heap_type()),
            ValType::Ref(_) => return None,
        })
    }

    /// Its type.
    ///
    /// # Errors
    /// Never in this version.
    pub fn ty(&self, store: impl AsContext) -> Result<ValType> {
        Ok(self.type_in(&store.as_context().0.core))
    }

    /// Whether it has a type.
    ///
    /// # Errors
    /// Never in this version.
    pub fn matches_ty(&self, store: impl AsContext, ty: &ValType) -> Result<bool> {
        Ok(self.type_in(&store.as_context().0.core).matches(ty))
    }

    pub(crate) fn type_in(&self, core: &StoreCore) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(func) => ValType::Ref(Ref::Func(*func).type_in(core)),
            Val::ExternRef(value) => ValType::Ref(Ref::Extern(*value).type_in(core)),
            Val::AnyRef(_) => ValType::Ref(RefType::NULLREF),
            Val::ExnRef(_) => ValType::Ref(RefType::NULLEXNREF),
        }
    }

    /// Checks that it has a type, and belongs to the store if it belongs to any.
    pub(crate) fn check(&self, core: &StoreCore, ty: &ValType) -> Result<()> {
        self.check_store(core)?;
        self.type_in(core).ensure_matches(ty)
    }

    /// Checks that it may be used with the store at this moment.
    fn check_store(&self, core: &StoreCore) -> Result<()> {
        if let Some(reference) = self.ref_() {
            ensure!(reference.fits(core), "value used with wrong store");
            reference.check_scope(core)?;
        }
        Ok(())
    }

    /// The value as compiled code passes it.
    ///
    /// # Errors
    /// If it is a reference whose scope has ended, or of another store.
    pub fn to_raw(&self, store: impl AsContextMut) -> Result<ValRaw> {
        let core = &store.as_context().0.core;
        self.check_store(core)?;
        Ok(self.raw(core))
    }

    /// A number as compiled code passes it. `None` if it is a reference, or of another type.
    #[inline]
    pub(crate) fn raw_number(&self, ty: abi::ValType) -> Option<ValRaw> {
        Some(match (ty, self) {
            (abi::ValType::I32, Val::I32(value)) => ValRaw { i32: *value },
            (abi::ValType::I64, Val::I64(value)) => ValRaw { i64: *value },
            (abi::ValType::F32, Val::F32(bits)) => ValRaw { f32: *bits },
            (abi::ValType::F64, Val::F64(bits)) => ValRaw { f64: *bits },
            (abi::ValType::V128, Val::V128(value)) => {
                ValRaw { v128: value.as_u128().to_le_bytes() }
            }
            _ => return None,
        })
    }

    /// A number that compiled code has passed. `None` if the type is that of a reference.
    ///
    /// # Safety
    /// It has this type.
    #[inline]
    pub(crate) unsafe fn of_raw_number(raw: &ValRaw, ty: abi::ValType) -> Option<Val> {
        // SAFETY: the caller's promise.
        Some(unsafe {
            match ty {
                abi::ValType::I32 => Val::I32(raw.i32),
                abi::ValType::I64 => Val::I64(raw.i64),
                abi::ValType::F32 => Val::F32(raw.f32),
                abi::ValType::F64 => Val::F64(raw.f64),
                abi::ValType::V128 => Val::V128(u128::from_le_bytes(raw.v128).into()),
                abi::ValType::Ref(_) => return None,
            }
        })
    }

    /// As compiled code passes it, after checking that it has the type and may be used with the store.
    #[inline]
    pub(crate) fn checked_raw(&self, core: &StoreCore, ty: abi::ValType) -> Result<ValRaw> {
        if let Some(raw) = self.raw_number(ty) {
            return Ok(raw);
        }
        self.check(core, &ValType::from_abi(core.engine(), ty))?;
        Ok(self.raw(core))
    }

    /// A value that compiled code has passed.
    ///
    /// # Safety
    /// It has this type, and comes from code of this store.
    #[inline]
    pub(crate) unsafe fn of_raw_abi(core: &mut StoreCore, raw: &ValRaw, ty: abi::ValType) -> Val {
        // SAFETY: the caller's promise.
        if let Some(number) = unsafe { Val::of_raw_number(raw, ty) } {
            return number;
        }
        let ty = ValType::from_abi(core.engine(), ty);
        // SAFETY: the caller's promise.
        unsafe { Val::of_raw(core, *raw, &ty) }
    }

    /// A value that compiled code has passed.
    ///
    /// # Safety
    /// It has this type, and comes from code of this store.
    pub unsafe fn from_raw(mut store: impl AsContextMut, raw: ValRaw, ty: ValType) -> Val {
        // SAFETY: the caller's promise.
        unsafe { Val::of_raw(&mut store.as_context_mut().0.core, raw, &ty) }
    }

    /// As compiled code passes it. The caller has [checked](Self::check) it.
    pub(crate) fn raw(&self, core: &StoreCore) -> ValRaw {
        let mut raw = ValRaw::default();
        match *self {
            Val::I32(value) => raw.i32 = value,
            Val::I64(value) => raw.i64 = value,
            Val::F32(bits) => raw.f32 = bits,
            Val::F64(bits) => raw.f64 = bits,
            Val::V128(V128(bytes)) => raw.v128 = bytes,
            Val::FuncRef(Some(func)) => raw.funcref = func.raw.as_ptr(),
            Val::ExternRef(Some(value)) => raw.externref = value.handle(core),
            // Null is zero.
            Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(_) | Val::ExnRef(_) => {}
        }
        raw
    }

    /// A value that compiled code has passed.
    ///
    /// # Safety
    /// It has this type, and comes from code of this store.
    pub(crate) unsafe fn of_raw(core: &mut StoreCore, raw: ValRaw, ty: &ValType) -> Val {
        // SAFETY: the caller says which part of it counts.
        unsafe {
            match ty {
                ValType::I32 => Val::I32(raw.i32),
                ValType::I64 => Val::I64(raw.i64),
                ValType::F32 => Val::F32(raw.f32),
                ValType::F64 => Val::F64(raw.f64),
                ValType::V128 => Val::V128(V128(raw.v128)),
                ValType::Ref(ty) => Ref::of_element(core, element(&raw, ty), ty).into(),
            }
        }
    }
}

/// A raw reference as tables store it.
unsafe fn element(raw: &ValRaw, ty: &RefType) -> u64 {
    // SAFETY: the caller says that it is a reference of this type.
    unsafe {
        match ty.heap_type().top() {
            HeapType::Func => raw.funcref as u64,
            _ => u64::from(raw.externref),
        }
    }
}

impl Ref {
    /// The null reference of a type.
    pub fn null(heap_type: &HeapType) -> Ref {
        match heap_type.top() {
            HeapType::Extern => Ref::Extern(None),
            HeapType::Any => Ref::Any(None),
            HeapType::Exn => Ref::Exn(None),
            _ => Ref::Func(None),
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Ref::Func(None) | Ref::Extern(None) | Ref::Any(_) | Ref::Exn(_))
    }

    /// Whether it refers to something.
    pub fn is_non_null(&self) -> bool {
        !self.is_null()
    }

    reference_accessors! {
        as_func unwrap_func, is_func; Ref::Func Func, "a function";
        as_extern unwrap_extern, is_extern; Ref::Extern Rooted<ExternRef>, "a host value";
        as_any unwrap_any, is_any; Ref::Any Rooted<AnyRef>, "an object";
        as_exn unwrap_exn, is_exn; Ref::Exn Rooted<ExnRef>, "an exception";
    }

    /// Its type.
    ///
    /// # Errors
    /// Never in this version.
    pub fn ty(&self, store: impl AsContext) -> Result<RefType> {
        Ok(self.type_in(&store.as_context().0.core))
    }

    /// Whether it has a type.
    ///
    /// # Errors
    /// Never in this version.
    pub fn matches_ty(&self, store: impl AsContext, ty: &RefType) -> Result<bool> {
        Ok(self.type_in(&store.as_context().0.core).matches(ty))
    }

    /// Whether it belongs to the store, or to none.
    fn fits(&self, core: &StoreCore) -> bool {
        match self {
            Ref::Func(func) => func.is_none_or(|func| func.store == core.id()),
            Ref::Extern(value) => value.is_none_or(|value| value.store == core.id()),
            Ref::Any(_) | Ref::Exn(_) => true,
        }
    }

    fn check_scope(&self, core: &StoreCore) -> Result<()> {
        match self {
            Ref::Extern(Some(value)) => value.check(core),
            _ => Ok(()),
        }
    }

    /// Checks that it has a type, and belongs to the store if it belongs to any.
    pub(crate) fn check(&self, core: &StoreCore, ty: &RefType) -> Result<()> {
        ensure!(self.fits(core), "reference used with wrong store");
        self.check_scope(core)?;
        ValType::Ref(self.type_in(core)).ensure_matches(&ValType::Ref(ty.clone()))
    }

    fn type_in(&self, core: &StoreCore) -> RefType {
        match self {
            Ref::Func(Some(func)) => {
                RefType::new(false, HeapType::ConcreteFunc(func_type(core, func)))
            }
            Ref::Func(None) => RefType::NULLFUNCREF,
            Ref::Extern(Some(_)) => RefType::new(false, HeapType::Extern),
            Ref::Extern(None) => RefType::NULLEXTERNREF,
            Ref::Any(_) => RefType::NULLREF,
            Ref::Exn(_) => RefType::NULLEXNREF,
        }
    }

    /// As tables store it. The caller has checked it.
    pub(crate) fn element(self, core: &StoreCore) -> u64 {
        match self {
            Ref::Func(func) => func.map_or(0, |func| func.raw.as_ptr() as u64),
            Ref::Extern(value) => value.map_or(0, |value| u64::from(value.handle(core))),
            Ref::Any(_) | Ref::Exn(_) => 0,
        }
    }

    /// What a table of this type stores as `element`.
    ///
    /// # Safety
    /// It comes from code or a table of this store.
    pub(crate) unsafe fn of_element(core: &mut StoreCore, element: u64, ty: &RefType) -> Ref {
        match ty.heap_type().top() {
            HeapType::Extern => Ref::Extern(Rooted::from_handle(core, element as u32)),
            HeapType::Any => Ref::Any(None),
            HeapType::Exn => Ref::Exn(None),
            _ => {
                Ref::Func(NonNull::new(element as *mut _).map(|raw| Func { store: core.id(), raw }))
            }
        }
    }
}

impl From<Ref> for Val {
    fn from(reference: Ref) -> Val {
        match reference {
            Ref::Func(func) => Val::FuncRef(func),
            Ref::Extern(value) => Val::ExternRef(value),
            Ref::Any(value) => Val::AnyRef(value),
            Ref::Exn(value) => Val::ExnRef(value),
        }
    }
}

/// The type of a function of this store.
pub(crate) fn func_type(core: &StoreCore, func: &Func) -> FuncType {
    FuncType::from_signature(core.engine(), &signature(core, func))
}

/// The signature of a function of this store.
pub(crate) fn signature(core: &StoreCore, func: &Func) -> Signature {
    core.id().assert_owns(func.store);
    // SAFETY: references to functions live as long as their store.
    let id = unsafe { func.raw.as_ref() }.signature_id;
    Signature::by_id(id).expect("whoever has a function keeps its signature alive")
}

macro_rules! conversions {
    ($($ty:ty: $into:ident, |$value:ident| $wrap:expr;)*) => {$(
        impl From<$ty> for $into {
            fn from($value: $ty) -> $into {
                $wrap
            }
        }
    )*};
}

conversions! {
    i32: Val, |value| Val::I32(value);
    u32: Val, |value| Val::I32(value as i32);
    i64: Val, |value| Val::I64(value);
    u64: Val, |value| Val::I64(value as i64);
    f32: Val, |value| Val::F32(value.to_bits());
    f64: Val, |value| Val::F64(value.to_bits());
    u128: Val, |value| Val::V128(value.into());
    V128: Val, |value| Val::V128(value);
    Func: Val, |func| Val::FuncRef(Some(func));
    Option<Func>: Val, |func| Val::FuncRef(func);
    Rooted<ExternRef>: Val, |value| Val::ExternRef(Some(value));
    Option<Rooted<ExternRef>>: Val, |value| Val::ExternRef(value);
    Func: Ref, |func| Ref::Func(Some(func));
    Option<Func>: Ref, |func| Ref::Func(func);
    Rooted<ExternRef>: Ref, |value| Ref::Extern(Some(value));
    Option<Rooted<ExternRef>>: Ref, |value| Ref::Extern(value);
}
