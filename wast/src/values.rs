//! Values of scripts to values of the loader, and whether results are the expected ones.

use anyhow::{Result, bail};
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};
use wootz::{AsContext, ExternRef, Store, Val};

/// An argument.
///
/// # Errors
/// If values of its type are not supported.
pub fn argument(store: &mut Store<()>, argument: &WastArg<'_>) -> Result<Val> {
    let WastArg::Core(argument) = argument else { bail!("components are not supported") };
    Ok(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(u128::from_le_bytes(value.to_le_bytes()).into()),
        WastArgCore::RefNull(ty) => match abstract_heap_type(ty) {
            Some(AbstractHeapType::Func | AbstractHeapType::NoFunc) => Val::FuncRef(None),
            Some(AbstractHeapType::Extern | AbstractHeapType::NoExtern) => Val::ExternRef(None),
            Some(AbstractHeapType::Exn | AbstractHeapType::NoExn) => Val::ExnRef(None),
            Some(AbstractHeapType::Any | AbstractHeapType::None) => Val::AnyRef(None),
            _ => bail!("arguments of type {ty:?} are not supported"),
        },
        WastArgCore::RefExtern(value) => Val::ExternRef(Some(ExternRef::new(store, *value)?)),
        WastArgCore::RefHost(_) => bail!("arguments of type anyref are not supported"),
    })
}

/// Whether a result is the expected one.
///
/// # Errors
/// If expectations of this kind are not supported.
pub fn is_expected(store: &Store<()>, value: &Val, expected: &WastRet<'_>) -> Result<bool> {
    match expected {
        WastRet::Core(expected) => is_expected_core(store, value, expected),
        _ => bail!("components are not supported"),
    }
}

fn is_expected_core(store: &Store<()>, value: &Val, expected: &WastRetCore<'_>) -> Result<bool> {
    Ok(match (expected, value) {
        (WastRetCore::I32(expected), Val::I32(value)) => expected == value,
        (WastRetCore::I64(expected), Val::I64(value)) => expected == value,
        (WastRetCore::F32(expected), Val::F32(value)) => is_expected_f32(*value, expected),
        (WastRetCore::F64(expected), Val::F64(value)) => is_expected_f64(*value, expected),
        (WastRetCore::V128(expected), Val::V128(value)) => {
            is_expected_v128(value.as_u128(), expected)
        }
        (WastRetCore::RefNull(ty), value) => {
            use AbstractHeapType::{
                Any, Exn, Extern, Func, NoExn, NoExtern, NoFunc, None as NoObject,
            };
            let ty = ty.as_ref().map(abstract_heap_type);
            match value {
                Val::FuncRef(None) => matches!(ty, None | Some(Some(Func | NoFunc))),
                Val::ExternRef(None) => matches!(ty, None | Some(Some(Extern | NoExtern))),
                Val::AnyRef(None) => matches!(ty, None | Some(Some(Any | NoObject))),
                Val::ExnRef(None) => matches!(ty, None | Some(Some(Exn | NoExn))),
                _ => false,
            }
        }
        (WastRetCore::RefFunc(_), Val::FuncRef(value)) => value.is_some(),
        (WastRetCore::RefExtern(None), Val::ExternRef(value)) => value.is_some(),
        (WastRetCore::RefExtern(Some(expected)), Val::ExternRef(Some(value))) => {
            let data = value.data(store.as_context())?;
            data.and_then(|data| data.downcast_ref::<u32>()) == Some(expected)
        }
        (WastRetCore::Either(choices), value) => {
            for choice in choices {
                if is_expected_core(store, value, choice)? {
                    return Ok(true);
                }
            }
            false
        }
        (
            WastRetCore::RefHost(_)
            | WastRetCore::RefAny
            | WastRetCore::RefEq
            | WastRetCore::RefArray
            | WastRetCore::RefStruct
            | WastRetCore::RefI31
            | WastRetCore::RefI31Shared,
            _,
        ) => bail!("expectations like {expected:?} are not supported"),
        _ => false,
    })
}

fn is_expected_f32(bits: u32, expected: &NanPattern<F32>) -> bool {
    const CANONICAL: u32 = 0x7fc0_0000;
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == CANONICAL,
        NanPattern::ArithmeticNan => bits & CANONICAL == CANONICAL,
        NanPattern::Value(expected) => bits == expected.bits,
    }
}

fn is_expected_f64(bits: u64, expected: &NanPattern<F64>) -> bool {
    const CANONICAL: u64 = 0x7ff8_0000_0000_0000;
    match expected {
        NanPattern::CanonicalNan => bits & (u64::MAX >> 1) == CANONICAL,
        NanPattern::ArithmeticNan => bits & CANONICAL == CANONICAL,
        NanPattern::Value(expected) => bits == expected.bits,
    }
}

fn is_expected_v128(bits: u128, expected: &V128Pattern) -> bool {
    let bytes = bits.to_le_bytes();
    // Lanes are compared by their bytes, from the first one.
    fn same<const N: usize>(bytes: &[u8; 16], lanes: impl Iterator<Item = [u8; N]>) -> bool {
        bytes.chunks(N).eq(lanes)
    }
    match expected {
        V128Pattern::I8x16(lanes) => same(&bytes, lanes.iter().map(|lane| lane.to_le_bytes())),
        V128Pattern::I16x8(lanes) => same(&bytes, lanes.iter().map(|lane| lane.to_le_bytes())),
        V128Pattern::I32x4(lanes) => same(&bytes, lanes.iter().map(|lane| lane.to_le_bytes())),
        V128Pattern::I64x2(lanes) => same(&bytes, lanes.iter().map(|lane| lane.to_le_bytes())),
        V128Pattern::F32x4(lanes) => {
            (0..).zip(lanes).all(|(i, lane)| is_expected_f32((bits >> (32 * i)) as u32, lane))
        }
        V128Pattern::F64x2(lanes) => {
            (0..).zip(lanes).all(|(i, lane)| is_expected_f64((bits >> (64 * i)) as u64, lane))
        }
    }
}

fn abstract_heap_type(ty: &HeapType<'_>) -> Option<AbstractHeapType> {
    match ty {
        HeapType::Abstract { shared: false, ty } => Some(*ty),
        _ => None,
    }
}

/// Values, for people.
pub fn show(values: &[Val]) -> String {
    let values: Vec<String> = values.iter().map(show_one).collect();
    format!("[{}]", values.join(" "))
}

fn show_one(value: &Val) -> String {
    match value {
        Val::I32(value) => format!("i32:{value}"),
        Val::I64(value) => format!("i64:{value}"),
        Val::F32(bits) => format!("f32:{} ({bits:#010x})", f32::from_bits(*bits)),
        Val::F64(bits) => format!("f64:{} ({bits:#018x})", f64::from_bits(*bits)),
        Val::V128(bits) => format!("v128:{:#034x}", bits.as_u128()),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(_) | Val::ExnRef(_) => {
            "null".to_string()
        }
        Val::FuncRef(Some(_)) => "a function".to_string(),
        Val::ExternRef(Some(_)) => "a host value".to_string(),
    }
}

/// Expected results, for people.
pub fn show_expected(expected: &[WastRet<'_>]) -> String {
    let expected: Vec<String> = expected
        .iter()
        .map(|expected| match expected {
            WastRet::Core(expected) => show_expected_one(expected),
            other => format!("{other:?}"),
        })
        .collect();
    format!("[{}]", expected.join(" "))
}

fn show_expected_one(expected: &WastRetCore<'_>) -> String {
    fn pattern<T>(name: &str, pattern: &NanPattern<T>, value: impl Fn(&T) -> String) -> String {
        match pattern {
            NanPattern::CanonicalNan => format!("{name}:nan:canonical"),
            NanPattern::ArithmeticNan => format!("{name}:nan:arithmetic"),
            NanPattern::Value(expected) => value(expected),
        }
    }
    match expected {
        WastRetCore::I32(value) => show_one(&Val::I32(*value)),
        WastRetCore::I64(value) => show_one(&Val::I64(*value)),
        WastRetCore::F32(value) => pattern("f32", value, |value| show_one(&Val::F32(value.bits))),
        WastRetCore::F64(value) => pattern("f64", value, |value| show_one(&Val::F64(value.bits))),
        WastRetCore::RefNull(_) => "null".to_string(),
        WastRetCore::RefFunc(_) => "a function".to_string(),
        WastRetCore::RefExtern(Some(value)) => format!("the host value {value}"),
        WastRetCore::RefExtern(None) => "a host value".to_string(),
        WastRetCore::Either(choices) => {
            let choices: Vec<String> = choices.iter().map(show_expected_one).collect();
            choices.join(" or ")
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_patterns() {
        let quiet = f64::NAN.to_bits();
        assert!(is_expected_f64(quiet, &NanPattern::CanonicalNan));
        assert!(is_expected_f64(quiet | 1 << 63, &NanPattern::CanonicalNan));
        assert!(!is_expected_f64(quiet | 1, &NanPattern::CanonicalNan));
        assert!(is_expected_f64(quiet | 1, &NanPattern::ArithmeticNan));
        assert!(
            !is_expected_f64(0x7ff0_0000_0000_0001, &NanPattern::ArithmeticNan),
            "a signalling NaN"
        );
        assert!(!is_expected_f64(f64::INFINITY.to_bits(), &NanPattern::ArithmeticNan));
        assert!(is_expected_f32(0xffc0_0000, &NanPattern::CanonicalNan));
        assert!(!is_expected_f32(0x7f80_0000, &NanPattern::ArithmeticNan));
        assert!(
            !is_expected_f32(0x8000_0000, &NanPattern::Value(F32 { bits: 0 })),
            "minus zero is not zero"
        );
    }

    #[test]
    fn lanes() {
        let bits = 0x0f0e0d0c_0b0a0908_07060504_7fc00000_u128;
        assert!(is_expected_v128(
            bits,
            &V128Pattern::I64x2([0x07060504_7fc00000, 0x0f0e0d0c_0b0a0908])
        ));
        assert!(!is_expected_v128(bits, &V128Pattern::I32x4([0; 4])));
        let value = |bits| NanPattern::Value(F32 { bits });
        let pattern =
            [NanPattern::CanonicalNan, value(0x07060504), value(0x0b0a0908), value(0x0f0e0d0c)];
        assert!(is_expected_v128(bits, &V128Pattern::F32x4(pattern)));
    }
}
