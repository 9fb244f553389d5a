//! The place to explain, as people, debuggers and backtraces write it.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A place in a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// An address.
    Address(u64),
    /// An offset in the wasm file.
    Wasm(u32),
    /// A function, by its index in the module.
    Index(u32),
    /// A function, by one of its names; perhaps followed by a distance.
    Name(String),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Place, Infallible> {
        let text = text.trim();
        let is_number = |text: &str| number(text).is_ok();
        let wasm = |text: &str| number(text).ok().and_then(|at| u32::try_from(at).ok());
        // A line of a backtrace: `  0: 0x1a2 - app!main`.
        let line = match text.split_once(':') {
            Some((position, rest)) if position.bytes().all(|byte| byte.is_ascii_digit()) => {
                rest.trim()
            }
            _ => text,
        };
        if let Some((offset, _)) = line.split_once(" -")
            && let Some(offset) = wasm(offset.trim())
        {
            return Ok(Place::Wasm(offset));
        }
        if let Some(offset) = text.strip_prefix("wasm:").and_then(|text| wasm(text.trim())) {
            return Ok(Place::Wasm(offset));
        }
        if let Some(function) = text.strip_prefix("func:") {
            return Ok(named(function.trim()));
        }
        // gdb and objdump write `0x1234 <main+12>`.
        let address = line.split_once(" <").map_or(line, |(address, _)| address.trim_end());
        if is_number(address) {
            return Ok(Place::Address(number(address).unwrap_or_default()));
        }
        Ok(named(text))
    }
}

/// A function by its name, or by its index as tools write it.
fn named(text: &str) -> Place {
    let between = |start: &str, end: &str| {
        let (_, rest) = text.split_once(start)?;
        rest.strip_suffix(end)?.parse().ok()
    };
    let index = number(text).ok().filter(|_| !text.starts_with("0x"));
    let index = index.and_then(|index| u32::try_from(index).ok());
    let index = index.or_else(|| between("<wasm function ", ">"));
    let index = index.or_else(|| between("function[", "]"));
    match index {
        Some(index) => Place::Index(index),
        None => {
            let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
            Place::Name(inner.unwrap_or(text).to_string())
        }
    }
}

/// A number in decimal or hexadecimal digits.
pub fn number(text: &str) -> Result<u64, String> {
    let hexadecimal = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let digits = hexadecimal.unwrap_or(text);
    let radix = if hexadecimal.is_some() { 16 } else { 10 };
    match digits.starts_with('+') {
        true => Err("it is no number".to_string()),
        false => u64::from_str_radix(digits, radix).map_err(|error| error.to_string()),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Address(address) => write!(f, "code at address {address:#x}"),
            Place::Wasm(offset) => write!(f, "code from wasm offset {offset:#x}"),
            Place::Index(index) => write!(f, "code of function {index}"),
            Place::Name(name) => write!(f, "function `{name}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_in_many_ways() {
        let name = |name: &str| Place::Name(name.to_string());
        for (text, expected) in [
            ("0x1a2", Place::Address(0x1a2)),
            (" 418 ", Place::Address(418)),
            ("0x1a2 <main+12>", Place::Address(0x1a2)),
            ("0XFFFFFFFFFFFFFFFF", Place::Address(u64::MAX)),
            ("wasm:0x1a2", Place::Wasm(0x1a2)),
            ("wasm: 418", Place::Wasm(418)),
            ("0x1a2 - app!main", Place::Wasm(0x1a2)),
            ("   12:    0x1a2 - <unknown>!<wasm function 3>", Place::Wasm(0x1a2)),
            ("0x1a2 -", Place::Wasm(0x1a2)),
            ("func:7", Place::Index(7)),
            ("func:0x7", name("0x7")),
            ("<wasm function 3>", Place::Index(3)),
            ("<unknown>!<wasm function 3>", Place::Index(3)),
            ("wasm[0]::function[5]", Place::Index(5)),
            ("<main+4>", name("main+4")),
            ("a::b - c", name("a::b - c")),
            ("wasm:0x1ffffffff", name("wasm:0x1ffffffff")),
            ("0x", name("0x")),
            ("", name("")),
            ("+5", name("+5")),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }
}
