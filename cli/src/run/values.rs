//! Arguments and results as text.

use std::ffi::OsString;

use anyhow::{Context, Result, bail, ensure};
use wootz::{Val, ValType};

/// Arguments of these types.
///
/// # Errors
/// If there are too many or too few, or one is not of its type.
pub fn parse(types: &[ValType], arguments: &[OsString]) -> Result<Vec<Val>> {
    ensure!(
        types.len() == arguments.len(),
        "it takes {} ({}), and got {}",
        plural(types.len(), "argument"),
        types.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        arguments.len(),
    );
    let pairs = types.iter().zip(arguments).enumerate();
    pairs
        .map(|(i, (ty, text))| {
            let text = text.to_string_lossy();
            parse_one(ty, &text)
                .with_context(|| format!("argument {}, `{text}`, is not of type {ty}", i + 1))
        })
        .collect()
}

fn plural(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn parse_one(ty: &ValType, text: &str) -> Result<Val> {
    Ok(match ty {
        ValType::I32 => {
            let number = integer(text)?;
            let signed = i32::try_from(number).ok();
            let number = signed.or_else(|| u32::try_from(number).ok().map(u32::cast_signed));
            Val::I32(number.context("it does not fit into 32 bits")?)
        }
        ValType::I64 => {
            let number = integer(text)?;
            let signed = i64::try_from(number).ok();
            let number = signed.or_else(|| u64::try_from(number).ok().map(u64::cast_signed));
            Val::I64(number.context("it does not fit into 64 bits")?)
        }
        ValType::F32 => Val::F32(text.parse::<f32>()?.to_bits()),
        ValType::F64 => Val::F64(text.parse::<f64>()?.to_bits()),
        ValType::Ref(ty) if text == "null" && ty.is_nullable() => {
            match ty.heap_type().is_extern() {
                true => Val::ExternRef(None),
                false => Val::FuncRef(None),
            }
        }
        ValType::Ref(_) => bail!("the only reference that can be written is `null`"),
        ValType::V128 => {
            let digits = text.strip_prefix("0x").context("it is not 0x and hexadecimal digits")?;
            let bits =
                u128::from_str_radix(digits, 16).context("it is not 0x and hexadecimal digits")?;
            Val::V128(bits.into())
        }
    })
}

/// A decimal or hexadecimal number, with a sign or without.
fn integer(text: &str) -> Result<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    ensure!(digits.starts_with(|c: char| c.is_ascii_hexdigit()), "it is not an integer");
    // The result is small enough to be negated.
    let number =
        u64::from_str_radix(digits, radix).context("it is not an integer of at most 64 bits")?;
    Ok(if negative { -i128::from(number) } else { i128::from(number) })
}

/// A result.
pub fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::V128(value) => format!("{:#034x}", value.as_u128()),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(_) | Val::ExnRef(_) => {
            "null".to_string()
        }
        Val::FuncRef(Some(_)) => "<function>".to_string(),
        Val::ExternRef(Some(_)) => "<host value>".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(ty: ValType, text: &str) -> String {
        match parse(&[ty], &[text.into()]) {
            Ok(values) => show(&values[0]),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn integers() {
        assert_eq!(value(ValType::I32, "-1"), "-1");
        assert_eq!(value(ValType::I32, "0xffffffff"), "-1");
        assert_eq!(value(ValType::I32, "4294967295"), "-1");
        assert_eq!(value(ValType::I32, "+7"), "7");
        assert_eq!(value(ValType::I64, "-0x8000000000000000"), i64::MIN.to_string());
        assert_eq!(value(ValType::I64, "18446744073709551615"), "-1");
        for wrong in ["", "-", "x", "0x", "1.5", "4294967296", "-2147483649", "--1", "+-1"] {
            assert!(
                value(ValType::I32, wrong)
                    .starts_with(&format!("argument 1, `{wrong}`, is not of type i32: "))
            );
        }
        assert!(value(ValType::I64, "18446744073709551616").contains("64 bits"));
    }

    #[test]
    fn floats_and_references() {
        assert_eq!(value(ValType::F32, "1.5"), "1.5");
        assert_eq!(value(ValType::F64, "-inf"), "-inf");
        assert_eq!(value(ValType::F64, "nan"), "NaN");
        assert!(value(ValType::F64, "one").contains("is not of type f64"));
        assert_eq!(value(ValType::EXTERNREF, "null"), "null");
        assert!(value(ValType::FUNCREF, "main").contains("only reference"));
    }

    #[test]
    fn counts() {
        let error = parse(&[ValType::I32, ValType::F64], &["1".into()]).unwrap_err();
        assert_eq!(error.to_string(), "it takes 2 arguments (i32 f64), and got 1");
    }
}
