//! Names of C symbols: those of exports, and that of the descriptor.
//!
//! In: a prefix, and names of any text. Out: identifiers of C.
//!
//! Always true: different names have different identifiers, and `demangle` gives the name back. Everything that begins
//! with the prefix and `wootz_` is ours: no export is called so.
//!
//! | of a name | becomes |
//! |---|---|
//! | an ASCII letter, a digit, `_` | itself |
//! | any other byte of its UTF-8 | `_x` and two upper-case hexadecimal digits |
//! | `_`, if `x` and two such digits follow | `_x5F` |
//! | the `w` at the beginning, if it begins with `wootz_` | `_x77` |

use std::fmt::Write as _;

use wootz_runtime::abi::artifact::DESCRIPTOR_SYMBOL;

use crate::error::{Error, Result};

/// What names of our own begin with, behind the prefix.
const OURS: &str = "wootz_";

/// The part of an identifier that stands for a name. Behind a prefix and `_` it is an identifier; alone it may also begin
/// with a digit, or be empty.
///
/// ```
/// use wootz_compiler::c_names::{demangle, mangle};
///
/// assert_eq!(mangle("add"), "add");
/// assert_eq!(mangle("get-value"), "get_x2Dvalue");
/// assert_eq!(demangle("get_x2Dvalue").as_deref(), Some("get-value"));
/// ```
pub fn mangle(name: &str) -> String {
    let mut identifier = String::with_capacity(name.len());
    for (position, &byte) in name.as_bytes().iter().enumerate() {
        let plain = match byte {
            b'_' => escaped(&name.as_bytes()[position..]).is_none(),
            _ => byte.is_ascii_alphanumeric(),
        };
        if plain && !(position == 0 && name.starts_with(OURS)) {
            identifier.push(byte.into());
        } else {
            escape(&mut identifier, byte);
        }
    }
    identifier
}

/// As [`mangle`], for places where the identifier stands alone: it is never a keyword, and never begins with a digit.
pub fn mangle_alone(name: &str) -> String {
    let mangled = mangle(name);
    if is_identifier(&mangled) {
        return mangled;
    }
    match mangled.as_bytes().split_first() {
        // No other name becomes this: `_` stays as it is.
        None => "_x5F".to_string(),
        Some((&first, rest)) => {
            let mut identifier = String::new();
            escape(&mut identifier, first);
            identifier + std::str::from_utf8(rest).expect("mangled names are ASCII")
        }
    }
}

/// The name that an identifier stands for. `None` if [`mangle`] never makes it.
pub fn demangle(identifier: &str) -> Option<String> {
    let mut rest = identifier.as_bytes();
    let mut name = Vec::with_capacity(rest.len());
    while let Some((&first, behind)) = rest.split_first() {
        let byte = escaped(rest);
        rest = if byte.is_some() { &rest[4..] } else { behind };
        name.push(byte.unwrap_or(first));
    }
    let name = String::from_utf8(name).ok()?;
    (mangle(&name) == identifier).then_some(name)
}

/// The C symbol of an export.
pub fn export_symbol(prefix: &str, export: &str) -> String {
    format!("{prefix}_{}", mangle(export))
}

/// The symbol of the descriptor.
pub fn descriptor_symbol(prefix: Option<&str>) -> String {
    match prefix {
        Some(prefix) => format!("{prefix}_{DESCRIPTOR_SYMBOL}"),
        None => DESCRIPTOR_SYMBOL.to_string(),
    }
}

/// Checks that C symbols can begin with a prefix.
///
/// # Errors
/// If it is no C identifier, or the name of the library for C.
pub fn check_prefix(prefix: &str) -> Result<()> {
    let message = if !is_identifier(prefix) {
        format!(
            "the prefix `{prefix}` is no C identifier: letters of ASCII, digits and `_`, with no digit first, and no keyword \
             or standard type of C or C++"
        )
    } else if prefix == "wootz" {
        "the prefix `wootz` belongs to the library for C, whose functions exports would meet"
            .to_string()
    } else {
        return Ok(());
    };
    Err(Error::Options { message })
}

/// Whether a text may name something in C and C++: it is an identifier, and no keyword of either.
pub fn is_identifier(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let begins = text.bytes().next().is_some_and(is_letter);
    begins
        && text.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
        && !KEYWORDS.split_ascii_whitespace().any(|keyword| keyword == text)
}

/// The byte that an escape at the beginning of some text stands for.
fn escaped(text: &[u8]) -> Option<u8> {
    let (start, digits) = text.get(..4)?.split_at(2);
    let is_digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'A'..=b'F');
    let is_escape = start == b"_x" && digits.iter().all(is_digit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_escape)?;
    u8::from_str_radix(digits, 16).ok()
}

fn escape(identifier: &mut String, byte: u8) {
    write!(identifier, "_x{byte:02X}").expect("strings can be written to");
}

/// The keywords of C23 and C++23, and the words that have a meaning of their own in the headers of either: macros, and types
/// that a field of the same name would hide in C++.
const KEYWORDS: &str = "\
    alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool break case catch char \
    char16_t char32_t char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit \
    continue decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if \
    inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public reflexpr \
    register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch \
    synchronized template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using \
    virtual void volatile wchar_t while xor xor_eq linux unix NULL errno \
    int8_t int16_t int32_t int64_t intptr_t uint8_t uint16_t uint32_t uint64_t uintptr_t size_t ptrdiff_t max_align_t";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_come_back() {
        for (name, identifier) in [
            ("add", "add"),
            ("", ""),
            ("9", "9"),
            ("a_b", "a_b"),
            ("a-b", "a_x2Db"),
            ("a_x2Db", "a_x5Fx2Db"),
            ("a_x2db", "a_x2db"),
            ("_x", "_x"),
            ("_x4", "_x4"),
            ("__x41", "__x5Fx41"),
            ("é\0", "_xC3_xA9_x00"),
            ("wootz_module", "_x77ootz_module"),
            ("wootz", "wootz"),
            ("_wootz_", "_wootz_"),
        ] {
            assert_eq!(mangle(name), identifier);
            assert_eq!(demangle(identifier).as_deref(), Some(name));
        }
        // What no name becomes.
        for identifier in ["wootz_module", "a-b", "_x41", "_xFF", "é"] {
            assert_eq!(demangle(identifier), None, "{identifier}");
        }
    }

    #[test]
    fn no_two_names_are_one() {
        let letters = ["_", "x", "5", "F", "-", "w", "ootz_"];
        let mut names = vec![String::new()];
        for _ in 0..5 {
            names = names
                .iter()
                .flat_map(|name| letters.map(|letter| name.clone() + letter))
                .chain([String::new()])
                .collect();
        }
        names.sort();
        names.dedup();
        let mut identifiers: Vec<_> = names.iter().map(|name| mangle(name)).collect();
        for (name, identifier) in names.iter().zip(&identifiers) {
            assert_eq!(demangle(identifier).as_ref(), Some(name));
        }
        identifiers.sort();
        identifiers.dedup();
        assert_eq!(identifiers.len(), names.len());
    }

    #[test]
    fn alone_they_are_no_keywords() {
        let alone = ["", "int", "9", "a", "_", "_x", "x", "-", "wootz_a"].map(mangle_alone);
        assert!(alone.iter().all(|identifier| is_identifier(identifier)), "{alone:?}");
        assert_eq!(alone[1], "_x69nt");
        assert_eq!(alone.iter().collect::<HashSet<_>>().len(), alone.len());
    }

    #[test]
    fn identifiers() {
        for good in ["a", "_", "a1", "A_b", "intern"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "1a", "a-b", "a b", "é", "int", "class", "a\0", "int32_t"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }
}
