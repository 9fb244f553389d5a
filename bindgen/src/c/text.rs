//! Names and texts of any characters, in C.

use std::fmt::Write as _;

/// How long a string may be that every C compiler takes.
const LONGEST_LITERAL: usize = 4095;

/// A text for a comment: in ASCII, on one line, and without what would end the comment or seem to begin another.
pub fn comment(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            ' '..='~' => c.to_string(),
            c => c.escape_default().to_string(),
        })
        .collect();
    // The first may leave what the second looks for.
    escaped.replace("*/", "*\\/").replace("/*", "/\\*").replace("??", "?\\?")
}

/// A string literal. `None` if it would be longer than compilers must take.
pub fn literal(text: &str) -> Option<String> {
    if text.len() > LONGEST_LITERAL {
        return None;
    }
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b' ' | b'_' | b'-' | b'.' | b':' | b'/' => {
                literal.push(byte.into());
            }
            // With three digits it ends by itself.
            byte => write!(literal, "\\{byte:03o}").expect("strings can be written to"),
        }
    }
    literal.push('"');
    Some(literal)
}

/// The same as the elements of an array, of which there is at least one.
pub fn elements(text: &str) -> String {
    let mut elements = String::new();
    for (position, byte) in text.bytes().enumerate() {
        let separator = match position {
            0 => "",
            position if position % 16 == 0 => ",\n    ",
            _ => ", ",
        };
        write!(elements, "{separator}'\\{byte:03o}'").expect("strings can be written to");
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_hold_any_text() {
        for (text, shown) in [
            ("a b", "a b"),
            ("*/", "*\\/"),
            ("/*/", "/\\*\\/"),
            ("a\nb\\", "a\\nb\\"),
            ("\u{202e}é", "\\u{202e}\\u{e9}"),
        ] {
            assert_eq!(comment(text), shown);
        }
        let nasty = comment("/*/*/**//??/");
        assert!(!nasty.contains("*/") && !nasty.contains("/*"), "{nasty}");
    }

    #[test]
    fn literals_hold_any_text() {
        assert_eq!(literal("a-b").as_deref(), Some("\"a-b\""));
        assert_eq!(literal("\"\\?\0é1").as_deref(), Some("\"\\042\\134\\077\\000\\303\\2511\""));
        assert_eq!(literal(&"a".repeat(LONGEST_LITERAL + 1)), None);
        assert_eq!(elements("ab"), "'\\141', '\\142'");
    }
}
