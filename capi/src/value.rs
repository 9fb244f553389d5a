//! Values as C sees them, to and from those of the loader.
//!
//! ```text
//!   wootz_value_t, 16 bytes, 16-byte aligned:   numbers and vectors as in `ValRaw`
//!                                               a function: pointer to its wootz_func_t
//!                                               a host value: the host's pointer
//!                                               everything else: a null pointer
//! ```

use std::ffi::c_void;

use anyhow::{Result, bail, ensure};
use loader::{ExternRef, Ref, V128, Val, ValRaw};

use crate::kind::Kind;
use crate::store::{Context, FuncHandle, StoreHandle};

/// `wootz_value_t`
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub union Value {
    pub i32: i32,
    pub i64: i64,
    pub f32: u32,
    pub f64: u64,
    pub v128: [u8; 16],
    pub funcref: *mut FuncHandle,
    pub externref: *mut c_void,
}

const _: () = assert!(size_of::<Value>() == size_of::<ValRaw>());
const _: () = assert!(align_of::<Value>() == align_of::<ValRaw>());

impl Value {
    /// All bits 0, which is null, too.
    pub const ZERO: Value = Value { v128: [0; 16] };
}

/// A pointer of the host's, in the hands of guests.
struct HostPointer(*mut c_void);

// SAFETY: it is only given back to the host, which knows what it points to.
unsafe impl Send for HostPointer {}
// SAFETY: as above.
unsafe impl Sync for HostPointer {}

/// The places of `count` values.
///
/// # Errors
/// If the pointer is null, or not a multiple of 16.
pub fn places(values: *mut Value, count: usize) -> Result<*mut Value> {
    if count == 0 {
        return Ok(std::ptr::NonNull::dangling().as_ptr());
    }
    ensure!(!values.is_null(), "expected {count} values, found a null pointer");
    ensure!(values.is_aligned(), "values must be aligned to 16 bytes; these are at {values:p}");
    Ok(values)
}

/// A value that C has given.
///
/// References are good until the innermost scope ends.
///
/// # Errors
/// If it is a reference to something else than it should be.
///
/// # Safety
/// All bits of it that belong to a value of this kind are initialised.
pub unsafe fn read(
    store: &StoreHandle,
    context: &mut Context<'_>,
    value: *const Value,
    kind: Kind,
) -> Result<Val> {
    // SAFETY: the caller says which part of it counts.
    unsafe {
        Ok(match kind {
            Kind::I32 => Val::I32((*value).i32),
            Kind::I64 => Val::I64((*value).i64),
            Kind::F32 => Val::F32((*value).f32),
            Kind::F64 => Val::F64((*value).f64),
            Kind::V128 => Val::V128(V128::from(u128::from_le_bytes((*value).v128))),
            Kind::Func => {
                let pointer = (*value).funcref;
                match pointer.is_null() {
                    true => Val::FuncRef(None),
                    false => Val::FuncRef(Some(store.find(pointer)?.item.func)),
                }
            }
            Kind::Extern => {
                let pointer = (*value).externref;
                match pointer.is_null() {
                    true => Val::ExternRef(None),
                    false => Val::ExternRef(Some(ExternRef::new(context, HostPointer(pointer))?)),
                }
            }
            Kind::Any | Kind::Exn => {
                if !(*value).externref.is_null() {
                    bail!("of references to objects and exceptions there is only null");
                }
                if kind == Kind::Any { Val::AnyRef(None) } else { Val::ExnRef(None) }
            }
        })
    }
}

/// A value for C.
///
/// # Errors
/// Never for values that come from guests.
pub fn write(store: &StoreHandle, context: &mut Context<'_>, value: Val) -> Result<Value> {
    let mut written = Value::ZERO;
    match value {
        Val::I32(number) => written.i32 = number,
        Val::I64(number) => written.i64 = number,
        Val::F32(bits) => written.f32 = bits,
        Val::F64(bits) => written.f64 = bits,
        Val::V128(vector) => written.v128 = vector.as_u128().to_le_bytes(),
        Val::FuncRef(Some(func)) => {
            written.funcref = store.func(context, func).as_ptr();
        }
        Val::ExternRef(Some(reference)) => {
            // Guests have no other host values than C's pointers.
            let data = reference.data(&*context)?;
            let pointer = data.and_then(|data| data.downcast_ref::<HostPointer>());
            written.externref = pointer.map_or(std::ptr::null_mut(), |pointer| pointer.0);
        }
        Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(_) | Val::ExnRef(_) => {}
    }
    Ok(written)
}

/// A reference that C has given for a table.
///
/// # Errors
/// As [`read`], and if `kind` is none of references.
///
/// # Safety
/// As [`read`]; null stands for the null reference.
pub unsafe fn read_reference(
    store: &StoreHandle,
    context: &mut Context<'_>,
    value: *const Value,
    kind: Kind,
) -> Result<Ref> {
    let null = Value::ZERO;
    let value = if value.is_null() { &raw const null } else { value };
    // SAFETY: the caller's promise.
    let value = unsafe { read(store, context, value, kind) }?;
    match value.ref_() {
        Some(reference) => Ok(reference),
        None => bail!("tables hold references; {kind:?} is none"),
    }
}
